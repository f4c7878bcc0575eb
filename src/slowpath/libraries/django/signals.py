"""Which models' signals a project listens to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from slowpath.declarations import FunctionDeclaration
from slowpath.expression import Attribute, Call, Expression, Listing, argument, dotted
from slowpath.libraries.django.apps import Registry
from slowpath.libraries.django.drafts import Draft
from slowpath.libraries.django.fields import read_target
from slowpath.libraries.django.names import Names, Placed
from slowpath.references import External, FunctionRef
from slowpath.schema import Listener

_SIGNALS = frozenset(["pre_save", "post_save", "pre_delete", "post_delete", "m2m_changed"])


def receivers(names: Names, registry: Registry, drafts: Mapping[str, Draft]) -> Mapping[str, frozenset[Listener]]:
    """Who listens to which signal, by model; those that listen for all models under an empty name."""
    found: dict[str, set[Listener]] = defaultdict(set)
    for module in names.project.modules:
        for listener, model in _received(names, registry, module):
            if model is not None:
                found[model].add(listener)
        for signal, package in _connected_when_ready(names, module):
            for draft in drafts.values():
                if draft.module == package or draft.module.startswith(f"{package}."):
                    found[draft.name].add(Listener(signal))
    return {model: frozenset(listeners) for model, listeners in found.items()}


def _received(names: Names, registry: Registry, module: str) -> Iterator[tuple[Listener, str | None]]:
    """The signals that a module's decorators and calls name, and the model: empty for all, `None` when unknown."""
    declarations = names.project.modules[module]
    for function in declarations.functions:
        for decorator in function.decorators:
            if isinstance(decorator, Call) and decorator.arguments and dotted(decorator.func).endswith("receiver"):
                signals = _signals(names, Placed(decorator.arguments[0].value, module))
                listeners = [Listener(signal, f"{module}.{function.qualname}") for signal in signals]
                yield from _of_sender(names, registry, module, listeners, argument(decorator, "sender"))
    for call in declarations.calls:
        match call.func:
            case Attribute(value=value, attr="connect"):
                signals = _signals(names, Placed(value, module))
                listeners = [Listener(signal, _function(names, module, call)) for signal in signals]
                yield from _of_sender(names, registry, module, listeners, argument(call, "sender", 1))


def _function(names: Names, module: str, call: Call) -> str:
    """The function that a signal is connected with, empty if it is out of sight."""
    name = dotted(argument(call, "receiver", 0))
    meaning = names.meaning(module, name) if name else None
    return meaning.name if isinstance(meaning, FunctionRef) else ""


def _signals(names: Names, placed: Placed) -> tuple[str, ...]:
    """The signals of Django's that an expression names."""
    match placed.value:
        case Listing(elements=elements):
            return tuple(signal for each in elements for signal in _signals(names, Placed(each, placed.module)))
    name = dotted(placed.value)
    match names.meaning(placed.module, name) if name.rpartition(".")[2] in _SIGNALS else None:
        case External(name=outside) if outside.startswith("django.db.models."):
            return (outside.rpartition(".")[2],)
    return ()


def _of_sender(
    names: Names, registry: Registry, module: str, listeners: list[Listener], sender: Expression | None
) -> Iterator[tuple[Listener, str | None]]:
    if not listeners:
        return
    scope = Draft("", "", module, "")
    model = (registry.find(read_target(names, _owner(sender, module)), scope) or None) if sender else ""
    for listener in listeners:
        yield listener, model


def _owner(sender: Expression, module: str) -> Placed:
    """The model of a sender: of `Model.field.through`, the one that has the field."""
    match sender:
        case Attribute(value=Attribute(value=model), attr="through"):
            return Placed(model, module)
    return Placed(sender, module)


def _connected_when_ready(names: Names, module: str) -> Iterator[tuple[str, str]]:
    """Signals connected inside `ready()`, where the sender is out of sight: the app's own models are the likeliest."""
    for function in names.project.modules[module].functions:
        if function.name == "ready" and function.owner:
            for signal in _connected(function):
                yield signal, module.rpartition(".")[0]


def _connected(function: FunctionDeclaration) -> Iterator[str]:
    for call in function.sketch.calls:
        *_, signal, method = ("", "", *call.split("."))
        if method == "connect" and signal in _SIGNALS:
            yield signal
