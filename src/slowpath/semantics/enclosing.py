"""What a nested function sees of the function around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slowpath.references import FunctionRef
from slowpath.semantics import statement as s
from slowpath.semantics import uses
from slowpath.semantics.body import Body
from slowpath.semantics.dependence import map_varies
from slowpath.semantics.memory import Parameters
from slowpath.semantics.shapes import statements_of
from slowpath.semantics.values import (
    NOTHING,
    UNKNOWN,
    ClassValue,
    FunctionValue,
    Instance,
    ModuleValue,
    Object,
    Symbol,
    Value,
)

if TYPE_CHECKING:
    from slowpath.declarations import FunctionDeclaration
    from slowpath.semantics.frame import Frame
    from slowpath.semantics.program import Program

# What variables hold that are set once, before anybody calls the nested function.
_LASTING = (ClassValue, FunctionValue, Instance, ModuleValue, Object, Symbol)


def captured_here(frame: Frame, ref: FunctionRef, declaration: FunctionDeclaration) -> Parameters:
    """The variables of the function being read that one nested in it mentions."""
    if not declaration.nested_in or (ref.module, declaration.nested_in) != (frame.module, frame.function):
        return ()
    body = frame.program.body(ref)
    if body is None:
        return ()
    free = uses.names_of(body.statements) - {parameter.name for parameter in body.parameters}
    return tuple(
        sorted(
            (name, value)
            for name, value in frame.env.items()
            if name in free and not (isinstance(value, FunctionValue) and value.ref == ref)
        )
    )


def surroundings_of(program: Program, ref: FunctionRef, body: Body, given: Parameters) -> Parameters:
    """The variables around a nested function that it mentions and was not given, as the function around it leaves
    them: services, clients, classes. What may change meanwhile is not known."""
    outer = program.project.declared(ref.module, program.project.function_of(ref).nested_in)
    around = program.body(outer) if isinstance(outer, FunctionRef) else None
    if not isinstance(outer, FunctionRef) or around is None:
        return ()
    bound = _bound_in(around)
    passed = {parameter.name for parameter in around.parameters} - bound
    own = {name for name, _ in given} | uses.assigned_in(body.statements)
    wanted = ((bound | passed) & uses.names_of(body.statements)) - own
    if not wanted:
        return ()
    values = dict(program.parameters_of(outer)) if wanted <= passed else program.sight_of(outer).left
    return tuple((name, _lasting(values.get(name, UNKNOWN))) for name in sorted(wanted))


def _lasting(value: Value) -> Value:
    return map_varies(value, lambda _: NOTHING) if isinstance(value, _LASTING) else UNKNOWN


def _bound_in(body: Body) -> frozenset[str]:
    found = uses.assigned_in(body.statements)
    for statement in statements_of(body.statements):
        if isinstance(statement, s.Import):
            found |= {name.local for name in statement.names}
        elif isinstance(statement, s.Define):
            found |= {statement.name}
    return found
