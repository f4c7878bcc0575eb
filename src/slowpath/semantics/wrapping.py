"""What a project's own decorators do around the functions that they decorate."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from slowpath import expression as e
from slowpath.declarations import FunctionDeclaration
from slowpath.references import FunctionRef
from slowpath.semantics.arguments import Given, bound_to
from slowpath.semantics.calls import call_function
from slowpath.semantics.effects import AnyEffect
from slowpath.semantics.frame import Frame
from slowpath.semantics.values import FunctionValue, Unknown, Value

if TYPE_CHECKING:
    from slowpath.project import Project
    from slowpath.semantics.memory import Parameters
    from slowpath.semantics.program import Program


def effects_around(program: Program, ref: FunctionRef) -> Iterator[tuple[AnyEffect, ...]]:
    """What happens when the decorated function is called, for each decorator of the project's own: what the function
    in the decorator does, with what the function itself does among it."""
    for decorator in program.project.function_of(ref).decorators:
        call = decorator if isinstance(decorator, e.Call) else None
        name = e.dotted(call.func if call is not None else decorator)
        found = program.project.resolve(ref.module, name) if name else None
        if isinstance(found, FunctionRef):
            made = _wrapper(program.project, found, called=call is not None)
            if made is not None and program.prospects.may_use_caches(made[0]):
                yield _effects(program, ref, *made, _given(program, ref, found, call))


def is_own(effect: AnyEffect, ref: FunctionRef) -> bool:
    """Whether the decorated function itself does it, and not what is around it."""
    return any(hop.callee == ref.qualname for hop in effect.via[1:])


def _wrapper(project: Project, decorator: FunctionRef, *, called: bool) -> tuple[FunctionRef, str] | None:
    """The function that takes the place of the decorated one, and the name that this one has there."""
    inside = project.modules[decorator.module].functions
    makers = [project.function_of(decorator)]
    if called:
        makers = [each for each in inside if each.nested_in == decorator.qualname]
    for maker in makers:
        wrapped = maker.parameters[0].name if maker.parameters else ""
        for each in inside:
            if wrapped and each.nested_in == maker.qualname and wrapped in each.sketch.words:
                return FunctionRef(decorator.module, each.qualname), wrapped
    return None


def _given(program: Program, ref: FunctionRef, decorator: FunctionRef, call: e.Call | None) -> Parameters:
    """What the decorator is given besides the function, by name."""
    if call is None:
        return ()
    declaration = program.project.function_of(decorator)
    given = bound_to(declaration.parameters, tuple(_arguments(program, ref.module, call)))
    return tuple(
        (each.name, given[each.name].value if each.name in given else program.default_of(decorator.module, each))
        for each in declaration.parameters
    )


def _arguments(program: Program, module: str, call: e.Call) -> Iterator[Given]:
    for argument in call.arguments:
        value = program.evaluate_at_module(module, argument.value)
        yield Given(value, argument.value, argument.keyword or "", argument.star)


def _effects(
    program: Program, ref: FunctionRef, wrapper: FunctionRef, wrapped: str, given: Parameters
) -> tuple[AnyEffect, ...]:
    frame = Frame(program, ref.module, ref.qualname, owner=None, depth=0)
    frame.awaiting = True
    captured: list[tuple[str, Value]] = [(name, value) for name, value in given if not isinstance(value, Unknown)]
    captured.append((wrapped, FunctionValue(ref)))
    arguments = tuple(_passed(program, program.project.function_of(ref), ref))
    call_function(frame, wrapper, None, arguments, 0, None, tuple(sorted(captured, key=lambda pair: pair[0])))
    return tuple(frame.effects.values())


def _passed(program: Program, declaration: FunctionDeclaration, ref: FunctionRef) -> Iterator[Given]:
    """What the callers of the decorated function pass, as it names it."""
    values = dict(program.parameters_of(ref))
    for parameter in declaration.parameters:
        if parameter.kind not in {"*", "**"}:
            yield Given(values[parameter.name], e.Name(0, parameter.name))
