"""Coroutines that are made in one place and awaited in another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from slowpath import expression as e
from slowpath.references import External, FunctionRef
from slowpath.semantics import statement as s
from slowpath.semantics.shapes import statements_of
from slowpath.semantics.uses import assigned_in, names_of, nodes_in
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


def is_streamed(frame: Frame, at: int) -> bool:
    """Whether the generator that the call at this node makes goes to what goes through it in threads of its own."""
    body = frame.program.body_of(frame.module, frame.function)
    if body is None:
        return False
    program, module = frame.program, frame.module
    return str(at) in program.remembered(frame, 0, "streamed", lambda: frozenset(_streamed_in(program, module, body)))


def _streamed_in(program: Program, module: str, body: s.Block) -> Iterator[str]:
    names: set[str] = set()
    assigned: list[tuple[str, e.Expression]] = []
    for node in nodes_in(body):
        match node:
            case s.Assign(targets=(e.Name(id=name),), value=e.Call() as value):
                assigned.append((name, value))
            case e.Call(func=func, arguments=arguments):
                resolved = program.project.resolve(module, e.dotted(func)) if e.dotted(func) else None
                fact = program.knowledge.functions.get(resolved.name) if isinstance(resolved, External) else None
                if fact is None or fact.action != "beside":
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


def could_run_beside(program: Program, ref: FunctionRef, loop: int, call: int) -> bool:
    """Whether a loop of the function awaits the call on each turn, and no turn needs what an earlier one has done: it
    neither stops early nor pauses, and nothing that the call is given comes from the turn before."""
    body = program.body(ref)
    for node in nodes_in(body.statements) if body is not None else ():
        match node:
            case e.Comprehension(at=at, element=element) if at == loop:
                return _awaits(element, call) is not None
            case s.For(at=at, body=turns, is_async=False) if at == loop:
                awaited = _awaits(turns, call)
                return awaited is not None and not _hangs_together(turns, awaited)
    return False


def _awaits(node: object, call: int) -> e.Call | None:
    """The call at this node, if it is awaited in place."""
    for part in nodes_in(node):
        match part:
            case e.Await(value=e.Call(at=at) as awaited) if at == call:
                return awaited
    return None


def _hangs_together(turns: s.Block, call: e.Call) -> bool:
    if any(isinstance(each, s.Break | s.Return) for each in statements_of(turns, into_loops=False)):
        return True
    for part in nodes_in(turns):
        pauses = isinstance(part, e.Call) and e.dotted(part.func).rpartition(".")[2] == "sleep"
        if pauses or isinstance(part, e.Yield):
            return True
    given = names_of(call)
    before = tuple(each for each in turns if each.at < call.at)
    augmented = {name for each in nodes_in(turns) if isinstance(each, s.Augment) for name in names_of(each.target)}
    return not given.isdisjoint(augmented | (assigned_in(turns) - assigned_in(before)))


def left_on_loop(program: Program, ref: FunctionRef) -> Iterator[tuple[e.Call, e.Call]]:
    """What a coroutine calls in one branch, and hands to a thread in the other: both calls."""
    body = program.body(ref)
    for node in nodes_in(body.statements) if body is not None else ():
        if isinstance(node, s.If) and node.orelse:
            for one, other in ((node.body, node.orelse), (node.orelse, node.body)):
                handed = dict(_handed_on(program, ref, one))
                for name, call in _called(other):
                    if name in handed:
                        yield call, handed[name]


def _handed_on(program: Program, ref: FunctionRef, block: s.Block) -> Iterator[tuple[str, e.Call]]:
    """The functions that are given to a thread, by the names they are given by."""
    sight = program.sight_of(ref)
    for node in nodes_in(block):
        if isinstance(node, e.Call):
            callee = sight.callee(node.at)
            fact = program.knowledge.functions.get(callee.name) if isinstance(callee, Symbol) else None
            if fact is not None and fact.action == "offload":
                yield from ((name, node) for each in node.arguments if (name := e.dotted(each.value)))


def _called(block: s.Block) -> Iterator[tuple[str, e.Call]]:
    awaited = {node.value.at for node in nodes_in(block) if isinstance(node, e.Await)}
    for node in nodes_in(block):
        if isinstance(node, e.Call) and node.at not in awaited and e.dotted(node.func):
            yield e.dotted(node.func), node
