"""Coroutines that are made in a comprehension and started all at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slowpath import expression as e
from slowpath.references import FunctionRef
from slowpath.semantics import statement as s
from slowpath.semantics.uses import nodes_in
from slowpath.semantics.values import Symbol

if TYPE_CHECKING:
    from slowpath.semantics.program import Program

_GATHERING = frozenset({"asyncio.gather", "asyncio.wait"})


def gathered(program: Program, ref: FunctionRef, comprehension: int) -> int | None:
    """The call that starts together what the comprehension at this node makes; `None` if none is seen to do so."""
    body = program.body(ref)
    if body is None:
        return None
    sight = program.sight_of(ref)
    names: set[str] = set()
    calls: list[e.Call] = []
    for node in nodes_in(body.statements):
        match node:
            case s.Assign(targets=(e.Name(id=name),), value=e.Comprehension(at=at)) if at == comprehension:
                names.add(name)
            case e.Call(at=at):
                callee = sight.callee(at)
                if isinstance(callee, Symbol) and callee.name in _GATHERING:
                    calls.append(node)
    for call in sorted(calls, key=lambda each: each.at):
        for argument in call.arguments:
            match argument.value:
                case e.Comprehension(at=at) if at == comprehension:
                    return call.at
                case e.Name(id=name) if name in names:
                    return call.at
    return None
