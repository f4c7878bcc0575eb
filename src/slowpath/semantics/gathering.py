"""Coroutines that are made in one place and awaited in another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from slowpath import expression as e
from slowpath.references import External, FunctionRef
from slowpath.semantics import statement as s
from slowpath.semantics.uses import nodes_in
from slowpath.semantics.values import Symbol

if TYPE_CHECKING:
    from slowpath.declarations import FunctionDeclaration
    from slowpath.project import Project
    from slowpath.semantics.frame import Frame
    from slowpath.semantics.program import Program

_GATHERING = frozenset({"asyncio.gather", "asyncio.wait"})

# What awaits, when it is awaited itself, the coroutines that it is given.
_AWAITING = frozenset({"asyncio.gather", "asyncio.wait_for", "asyncio.shield"})


def runs_beside(frame: Frame, declaration: FunctionDeclaration, at: int) -> bool:
    """Whether calling the function at this node only makes a coroutine, which the present function does not await."""
    if not declaration.is_async or frame.awaiting or declaration.sketch.yields:
        return False
    body = frame.program.body_of(frame.module, frame.function)
    if body is None or (frame.contexts and frame.contexts[-1][1].kind == "comprehension"):
        return True
    project, module = frame.program.project, frame.module
    awaited = frame.program.remembered(frame, 0, "awaited", lambda: frozenset(_awaited_in(project, module, body)))
    return str(at) not in awaited


def _awaited_in(project: Project, module: str, body: s.Block) -> Iterator[str]:
    """The numbers of the calls in these statements of which they await what comes of them, by a name or with others."""
    names: set[str] = set()
    assigned: list[tuple[str, e.Expression]] = []
    for node in nodes_in(body):
        match node:
            case s.Assign(targets=(e.Name(id=name),), value=e.Call() | e.Conditional() as value):
                assigned.append((name, value))
            case e.Await(value=e.Name(id=name)):
                names.add(name)
            case e.Await(value=e.Call(func=func, arguments=arguments)):
                resolved = project.resolve(module, e.dotted(func)) if e.dotted(func) else None
                if not isinstance(resolved, External) or resolved.name not in _AWAITING:
                    continue
                for argument in arguments:
                    if isinstance(argument.value, e.Name):
                        names.add(argument.value.id)
                    yield from _calls(argument.value)
    for name, made in assigned:
        if name in names:
            yield from _calls(made)


def _calls(node: e.Expression) -> Iterator[str]:
    match node:
        case e.Call(at=at):
            yield str(at)
        case e.Conditional(body=body, orelse=orelse):
            yield from _calls(body)
            yield from _calls(orelse)


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
