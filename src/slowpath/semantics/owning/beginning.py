"""What a function holds from its beginning: what a framework passes to it, and a transaction that it is decorated
with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from slowpath import expression as e
from slowpath.references import External, FunctionRef, ValueRef
from slowpath.semantics.owning.ownership import Resource
from slowpath.semantics.owning.state import Held, State
from slowpath.semantics.owning.walk import Walk
from slowpath.semantics.values import FunctionValue, Object, Symbol, Value
from slowpath.vocabulary import Type

if TYPE_CHECKING:
    from slowpath.semantics.program import Program

# Numbers of resources that no call makes.
_FIRST_PASSED = -2
_DECORATION = -1000


def begun(walk: Walk) -> State:
    """The state in which the function begins."""
    names: dict[str, Held] = {}
    held: set[int] = set()
    decoration = _transaction(walk.program, walk.ref)
    if decoration is not None:
        walk.resources[_DECORATION] = decoration
        held.add(_DECORATION)
    numbers: dict[FunctionRef, int] = {}
    for name, known, provider in injected(walk.program, walk.ref):
        if known is not None:
            at = numbers.setdefault(provider, _FIRST_PASSED - len(numbers))
            walk.resources.setdefault(at, Resource(at, known.name, name, "lent", provider))
            names[name] = Held(at)
            if known.resource == "connection":
                held.add(at)
            continue
        for left in left_by(walk.program, provider):
            at = numbers.setdefault(left.maker or provider, _FIRST_PASSED - len(numbers))
            through = left.through or provider
            walk.resources.setdefault(at, Resource(at, left.type, left.label, "lent", left.maker, through))
            held.add(at)
    return State(frozenset(names.items()), frozenset(held))


def left_by(program: Program, dependency: FunctionRef) -> Iterator[Resource]:
    """What a framework passes to a dependency, which holds it until the request has ended."""
    from slowpath.semantics.owning.answers import held_by

    if any(True for _ in injected(program, dependency)):
        found = held_by(program, dependency)
        yield from (each for each in found.resources if each.at in found.left and _DECORATION < each.at < 0)


def injected(program: Program, ref: FunctionRef) -> Iterator[tuple[str, Type | None, FunctionRef]]:
    """The parameters that a framework finds the arguments for: the name, the type that must be given back (if it is
    one), and the function that the framework calls."""
    declaration = program.project.function_of(ref)
    values: dict[str, Value] = {}
    for parameter in declaration.parameters:
        found = _injecting(program, ref.module, parameter)
        if found is None or not found[1].arguments:
            continue
        provider = program.evaluate_at_module(found[0], found[1].arguments[0].value)
        if not isinstance(provider, FunctionValue):
            continue
        values = values or dict(program.parameters_of(ref))
        types = program.types_of(values[parameter.name])
        held = next((known for known in types if known.resource in {"connection", "session"}), None)
        yield parameter.name, held, provider.ref


def _injecting(program: Program, module: str, parameter: e.Parameter) -> tuple[str, e.Call] | None:
    """The call in the default or annotation of a parameter that tells the framework what to pass, and its module."""
    for at, node in ((module, parameter.default), *_annotating(program, module, parameter.annotation)):
        if isinstance(node, e.Call) and e.dotted(node.func):
            resolved = program.project.resolve(at, e.dotted(node.func))
            fact = program.knowledge.functions.get(resolved.name) if isinstance(resolved, External) else None
            if fact is not None and fact.action == "inject":
                return at, node
    return None


def _annotating(program: Program, module: str, annotation: e.Expression | None) -> Iterator[tuple[str, e.Expression]]:
    """What stands in `Annotated[…]` after the type, with the module in which it stands."""
    if isinstance(annotation, e.Name | e.Attribute) and e.dotted(annotation):
        resolved = program.project.resolve(module, e.dotted(annotation))
        if isinstance(resolved, ValueRef):
            module, annotation = resolved.module, program.project.assignment(resolved).value
    if isinstance(annotation, e.Subscript) and e.dotted(annotation.value).rpartition(".")[2] == "Annotated":
        inside = annotation.index.elements[1:] if isinstance(annotation.index, e.Listing) else ()
        yield from ((module, node) for node in inside)


def _transaction(program: Program, ref: FunctionRef) -> Resource | None:
    for decorator in program.project.function_of(ref).decorators:
        name = e.dotted(decorator.func if isinstance(decorator, e.Call) else decorator)
        if name.rpartition(".")[2] not in program.transaction_words:
            continue
        value = program.evaluate_at_module(ref.module, decorator)
        kind = value.type if isinstance(value, Object) else ""
        if isinstance(value, Symbol):
            fact = program.knowledge.functions.get(value.name)
            kind = fact.gives if fact is not None else ""
        known = program.type_named(kind)
        if known is not None and known.resource == "transaction":
            return Resource(_DECORATION, known.name, f"@{name}", "lent")
    return None
