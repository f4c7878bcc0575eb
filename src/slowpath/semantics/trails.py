"""How queries are made, call by call, through the functions that hand them on.

A function that is given a query is told nothing of how it was made, so that it is read once for all queries: what it
adds and runs is completed at each call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from slowpath import expression as e
from slowpath.references import FunctionRef
from slowpath.semantics import uses
from slowpath.semantics.arguments import Arguments, passed
from slowpath.semantics.effects import Asks
from slowpath.semantics.steps import Trail, either_way
from slowpath.semantics.values import NOTHING, ModelAttribute, Object, Operation, Rows, Value, unknown
from slowpath.vocabulary import Passed, Refinement

if TYPE_CHECKING:
    from slowpath.semantics.frame import Environment, Frame


def refined(frame: Frame, rows: Rows, at: int, method: str, arguments: Arguments) -> Trail | None:
    """The trail of the rows after one more call."""
    if rows.trail is None:
        return None
    return rows.trail.longer(Refinement(frame.place(at), method, passed(arguments)))


def ask(
    frame: Frame, rows: Rows, at: int, method: str = "", arguments: tuple[Passed, ...] = (), *, inside: bool = False
) -> None:
    """Write down that the query runs, by this method if it is one; `inside` another query."""
    trail = rows.trail
    if trail is not None and method:
        trail = trail.longer(Refinement(frame.place(at), method, arguments))
    if trail is None or rows.here:
        return
    owner = rows.owner.model if rows.owner is not None else ""
    effect = Asks(
        place=frame.place(at),
        model=rows.model,
        trail=trail,
        owner=owner,
        relation=rows.relation,
        loads=rows.loads,
        inside=inside,
    )
    frame.emit(effect, rows.varies)


def untold(ref: FunctionRef, name: str, general: Value, value: Value, known: dict[str, Trail | None]) -> Value:
    """The argument as the function is told of it; what it is not told is put down in `known`."""
    if not isinstance(general, Rows) or not isinstance(value, Rows) or general.here:
        return general
    parameter = f"{ref.module}:{ref.qualname}:{name}"
    known[parameter] = value.trail
    return replace(general, trail=Trail(parameter=parameter))


def told(value: Value, known: dict[str, Trail | None]) -> Value:
    """What a function gives, in its caller's terms."""
    if not isinstance(value, Rows) or value.trail is None:
        return value
    trail = value.trail.told(known)
    return value if trail is value.trail else replace(value, trail=trail)


def operation(frame: Frame, operator: str, *operands: Value) -> Value:
    """What an operation gives: a part of a query, where one of the operands is one; else nothing that is known."""
    if operator and any(_is_written(frame, operand) for operand in operands):
        return Operation(operator, operands, varies=NOTHING.union(*(operand.varies for operand in operands)))
    return unknown(*operands)


def _is_written(frame: Frame, value: Value) -> bool:
    match value:
        case ModelAttribute() | Operation():
            return True
        case Object(type=kind):
            return frame.program.is_builder(kind)
    return False


def left_out(frame: Frame, test: e.Expression, before: Environment) -> None:
    """Take what a branch has added to queries as added in some calls only, if its test is of a parameter that need not
    be given. The function is read as if it were: there is more to see then."""
    if frame.dead or frame.depth or not frame.function:
        return
    declared = frame.program.project.function_of(FunctionRef(frame.module, frame.function)).parameters
    optional = {each.name for each in declared if each.default is not None} - frame.rebound
    if optional.isdisjoint(uses.names_of(test)):
        return
    for name, value in frame.env.items():
        old = before.get(name)
        if isinstance(value, Rows) and isinstance(old, Rows) and value.trail != old.trail:
            frame.env[name] = replace(value, trail=either_way(old.trail, value.trail))
