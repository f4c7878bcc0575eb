"""Statements: what each does to the variables, and what it makes repeat."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any

from msgspec.structs import replace

from slowpath import expression as e
from slowpath.semantics import memos, shapes, taking, trails, uses
from slowpath.semantics import statement as s
from slowpath.semantics.assignment import assign, imported, narrowed
from slowpath.semantics.calls import entered
from slowpath.semantics.dependence import settled
from slowpath.semantics.expressions import evaluate, truth, truth_of
from slowpath.semantics.frame import Environment, Frame, merged
from slowpath.semantics.iteration import bound_of, classes_in, origin_of, through
from slowpath.semantics.loading import load_onto
from slowpath.semantics.values import UNKNOWN, Collection, Constant, Row, Rows, Unknown, Value, unknown, varying
from slowpath.spelling import spelled


def run(frame: Frame, block: s.Block) -> None:
    """Read the statements in order, until one leaves."""
    for statement in block:
        if frame.dead:
            return
        frame.program.tick()
        reader = _READERS.get(type(statement))
        if reader is not None:
            frame.now = _asked_by(statement)
            reader(frame, statement)


def _asked_by(statement: s.AnyStatement) -> object:
    """The part of a statement that is read before the blocks in it."""
    match statement:
        case s.For(iterable=node) | s.If(test=node) | s.While(test=node) | s.With(items=node) | s.Match(subject=node):
            return node
        case s.Try():
            return None
    return statement


def _assign(frame: Frame, statement: s.Assign) -> None:
    if statement.value is None:
        if statement.annotation is not None and isinstance(statement.targets[0], e.Name):
            frame.bind(statement.targets[0].id, frame.program.annotated(frame.module, statement.annotation))
        return
    value = evaluate(frame, statement.value)
    if frame.sight is not None:
        frame.sight.note_value(statement.value.at, value)
    if statement.annotation is not None and isinstance(value, Unknown):
        value = frame.program.annotated(frame.module, statement.annotation, value.varies)
    for target in statement.targets:
        assign(frame, target, value)


def _augment(frame: Frame, statement: s.Augment) -> None:
    combined = e.Binary(statement.at, statement.operator, statement.target, statement.value)
    assign(frame, statement.target, evaluate(frame, combined))


def _evaluate(frame: Frame, statement: s.Evaluate) -> None:
    frame.unused = statement.value.at if isinstance(statement.value, e.Call) else -1
    value = evaluate(frame, statement.value)
    awaited = isinstance(statement.value, e.Await)
    if awaited and isinstance(value, Rows) and value.here and frame.program.is_row_source(value):
        # Nobody takes its rows: it is there for what it loads, and the session has each row once.
        load_onto(frame, value.model, value.loads)


def _return(frame: Frame, statement: s.Return) -> None:
    if statement.value is not None:
        value = evaluate(frame, statement.value)
        if isinstance(value, Rows) and value.here and frame.needs_rows_here(statement.value):
            value = replace(value, needed=True)
        if frame.rare and frame.returns and isinstance(value, Unknown):
            # What is given instead when something failed is for the exceptional case.
            frame.returns[-1] = varying(frame.returns[-1], value.varies)
        else:
            frame.returns.append(value)
    frame.dead = True


def _raise(frame: Frame, statement: s.Raise) -> None:
    if statement.exception is not None:
        with frame.seldom():
            evaluate(frame, statement.exception)
    frame.dead = True


def _jump(frame: Frame, _: s.Statement) -> None:
    frame.jumps.append(dict(frame.env))
    frame.dead = True


def _if(frame: Frame, statement: s.If) -> None:
    value = truth(frame, statement.test)
    known = truth_of(frame, value, statement.test)
    if known is not None:
        before = dict(frame.env)
        _branch(frame, statement.body if known else statement.orelse)
        trails.left_out(frame, statement.test, before)
        return
    rare_body = shapes.fills_memo(statement) or shapes.tests_for_batch(statement.test)
    rare_body = rare_body or shapes.reports_trouble(statement.body)
    rare_body = rare_body or shapes.remembers_state(statement, repeated=bool(frame.contexts))
    rare_else = shapes.tests_for_loaded(statement.test)
    before = dict(frame.env)
    narrowed(frame, statement.test)
    with _limited(frame, statement.test, "in"):
        _branch(frame, statement.body, rare=rare_body or (rare_else and shapes.is_negative(statement.test)))
    after_body, body_left = frame.env, frame.dead
    frame.env, frame.dead = before, False
    narrowed(frame, statement.test, holds=False)
    with _limited(frame, statement.test, "not in"):
        _branch(frame, statement.orelse, rare=rare_else)
    if body_left and _is_limiting(frame, statement.test, "not in"):
        frame.limit()
    _meet(frame, after_body, body_left)
    if rare_else and body_left and not shapes.is_negative(statement.test):
        # What follows is the way taken when nothing had been loaded beforehand.
        frame.rare += 1
    if body_left and _answers_from_memo(frame, statement):
        frame.rare += 1


@contextmanager
def _limited(frame: Frame, test: e.Expression, operator: str) -> Iterator[None]:
    """What is read inside is for the few items that pass the test."""
    kept = list(frame.contexts)
    if _is_limiting(frame, test, operator):
        frame.limit()
    yield
    frame.contexts[:] = kept


def _is_limiting(frame: Frame, test: e.Expression, operator: str) -> bool:
    """Whether the loop's own item is compared with a few things that are written down."""
    if not frame.contexts:
        return False
    match test:
        case e.Boolean(operator=joined, left=left, right=right) if joined == ("and" if operator == "in" else "or"):
            return _is_limiting(frame, left, operator) or _is_limiting(frame, right, operator)
        case e.Compare(operands=(e.Call(),)):
            return False
        case e.Compare(left=e.Name(id=name), operators=(used,), operands=(e.Constant(),)):
            return used == ("==" if operator == "in" else "!=") and name in frame.contexts[-1][1].item.split(", ")
        case e.Compare(left=e.Name(id=name), operators=(used,), operands=(few,)) if used == operator:
            return name in frame.contexts[-1][1].item.split(", ") and bound_of(evaluate(frame, few)) == "small"
    return False


def _answers_from_memo(frame: Frame, statement: s.If) -> bool:
    body = frame.program.body_of(frame.module, frame.function)
    return body is not None and memos.answers_from_memo(body, statement)


def _meet(frame: Frame, other: Environment, other_left: bool) -> None:
    """Go on with what is known after the branch just read and after the other one."""
    if other_left:
        return
    frame.env = other if frame.dead else merged(frame.env, other)
    frame.dead = False


def _branch(frame: Frame, block: s.Block, *, rare: bool = False) -> None:
    with ExitStack() as stack:
        if rare:
            stack.enter_context(frame.seldom())
        if frame.contexts and shapes.leaves_function(block):
            stack.enter_context(frame.leaving(function=True))
        elif frame.contexts and shapes.leaves_loop(block):
            stack.enter_context(frame.leaving(function=False))
        run(frame, block)


def _for(frame: Frame, statement: s.For) -> None:
    value = evaluate(frame, statement.iterable)
    value, item_value, bound = through(frame, value, statement.iterable, statement.at, awaiting=statement.is_async)
    bound = shapes.bound_of(statement, bound)
    _loosen(frame, statement.body)
    before = dict(frame.env)
    outer_jumps, frame.jumps = frame.jumps, []
    with frame.repeating(
        "for", statement.at, spelled(statement.target), spelled(statement.iterable), bound, origin_of(value)
    ) as number:
        item = item_value(number)
        for each in classes_in(value) or (item,):
            assign(frame, statement.target, each)
            frame.dead = False
            run(frame, statement.body)
        left = _left_in(frame, statement.target, item, number)
        _land(frame, before)
    if left:
        _keep(frame, statement.iterable, left)
    frame.jumps = outer_jumps
    run(frame, statement.orelse)


def _loosen(frame: Frame, body: s.Block) -> None:
    """Forget what the first turn would find in variables that the loop changes."""
    at = body[0].at if body else 0
    assigned = frame.program.remembered(frame, at, "assigned", lambda: uses.assigned_in(body))
    for name in assigned & frame.env.keys():
        value = frame.env[name]
        if isinstance(value, Constant):
            frame.env[name] = unknown(value)


def _left_in(frame: Frame, target: e.Expression, item: Value, loop: int) -> tuple[tuple[str, Value], ...]:
    """The attributes that the loop's body gave to each row, or read from it."""
    after = frame.env.get(target.id) if isinstance(target, e.Name) else None
    if (
        not isinstance(item, Row)
        or not isinstance(after, Row)
        or after.origin != item.origin
        or frame.dead
        or frame.jumps
    ):
        return ()
    return tuple(
        (name, settled(value, frozenset((loop,)))) for name, value in after.fields if (name, value) not in item.fields
    )


def _keep(frame: Frame, node: e.Expression, fields: tuple[tuple[str, Value], ...]) -> None:
    """The rows that were gone through keep what was put on each."""
    value = frame.lookup(node)
    if isinstance(value, Rows) and value.here:
        frame.update(node, replace(value, fields=value.fields + fields))
    elif isinstance(value, Collection) and isinstance(value.element, Row):
        element = replace(value.element, fields=tuple(sorted({**dict(value.element.fields), **dict(fields)}.items())))
        frame.update(node, replace(value, element=element, items=None))


def _land(frame: Frame, before: Environment) -> None:
    """Go on after a loop: it ended, was left, or was never entered."""
    after = before if frame.dead else merged(frame.env, before)
    for jump in frame.jumps:
        after = merged(after, jump)
    frame.env, frame.dead = dict(after), False


def _while(frame: Frame, statement: s.While) -> None:
    _loosen(frame, statement.body)
    before = dict(frame.env)
    outer_jumps, frame.jumps = frame.jumps, []
    bound = shapes.bound_of_while(statement)
    with frame.repeating("while", statement.at, "", spelled(statement.test), bound) as number:
        _take(frame, shapes.worklist_of(statement), number)
        truth(frame, statement.test)
        run(frame, statement.body)
        _land(frame, before)
    frame.jumps = outer_jumps
    run(frame, statement.orelse)


def _take(frame: Frame, worklist: str, number: int) -> None:
    """What the loop takes from its worklist differs from turn to turn."""
    value = frame.env.get(worklist)
    if value is not None:
        frame.env[worklist] = varying(value, frozenset((number,)))
        if isinstance(value, Collection):
            element = varying(value.element, frozenset((number,)))
            frame.env[worklist] = replace(value, element=element, items=None, varies=value.varies | {number})


def _opened(frame: Frame, node: e.Expression, *, awaiting: bool) -> Value:
    frame.awaiting = awaiting
    value = evaluate(frame, node)
    frame.awaiting = False
    return value


def _with(frame: Frame, statement: s.With) -> None:
    with ExitStack() as stack:
        gates = frame.gates
        for item in statement.items:
            # What is opened for others to read in their threads is opened in no time.
            handed_on = isinstance(item.target, e.Name) and uses.is_handed_on(statement.body, item.target.id)
            with frame.seldom() if handed_on else nullcontext():
                context = _opened(frame, item.context, awaiting=statement.is_async)
            if frame.sight is not None:
                frame.sight.note_value(item.context.at, context)
            if frame.program.is_transaction(context):
                stack.enter_context(frame.in_transaction(item.context.at))
            value = entered(frame, context, statement.at, awaiting=statement.is_async)
            if item.target is not None:
                assign(frame, item.target, value)
            if frame.program.is_pipelined(value):
                stack.enter_context(frame.seldom())
            if statement.is_async and taking.may_limit(frame.program, context):
                frame.gates += 1
            if frame.program.autocommits(context):
                stack.enter_context(frame.committing())
        run(frame, statement.body)
        frame.gates = gates


def _try(frame: Frame, statement: s.Try) -> None:
    before = dict(frame.env)
    if statement.handlers:
        frame.tries.append(len(frame.contexts))
    run(frame, statement.body)
    if statement.handlers:
        frame.tries.pop()
    body_env, body_left = frame.env, frame.dead
    possible = merged(before, body_env)
    if not body_left:
        run(frame, statement.orelse)
    for handler in statement.handlers:
        after, left = frame.env, frame.dead
        frame.env, frame.dead = dict(possible), False
        if handler.name is not None:
            frame.bind(handler.name, UNKNOWN)
        with frame.seldom():
            _branch(frame, handler.body)
        _meet(frame, after, left)
    left = frame.dead
    frame.dead = False
    run(frame, statement.final)
    frame.dead = frame.dead or left


def _define(frame: Frame, statement: s.Define) -> None:
    frame.bind(statement.name, frame.program.nested(frame, statement.name) or UNKNOWN)


def _import(frame: Frame, statement: s.Import) -> None:
    for name in statement.names:
        imported(frame, name)


def _delete(frame: Frame, statement: s.Delete) -> None:
    for target in statement.targets:
        if isinstance(target, e.Name):
            frame.env.pop(target.id, None)


def _assert(frame: Frame, statement: s.Assert) -> None:
    narrowed(frame, statement.test)


def _match(frame: Frame, statement: s.Match) -> None:
    subject = evaluate(frame, statement.subject)
    before = dict(frame.env)
    after: Environment | None = dict(before)
    for case in statement.cases:
        frame.env, frame.dead = dict(before), False
        for name in case.binds:
            frame.bind(name, unknown(subject))
        if case.guard is not None:
            evaluate(frame, case.guard)
        _branch(frame, case.body)
        if not frame.dead:
            after = frame.env if after is None else merged(after, frame.env)
    frame.env, frame.dead = after or before, False


_READERS: Mapping[type[s.Statement], Callable[[Frame, Any], None]] = {
    s.Assign: _assign,
    s.Augment: _augment,
    s.Evaluate: _evaluate,
    s.Return: _return,
    s.Raise: _raise,
    s.Break: _jump,
    s.Continue: _jump,
    s.If: _if,
    s.For: _for,
    s.While: _while,
    s.With: _with,
    s.Try: _try,
    s.Define: _define,
    s.Import: _import,
    s.Delete: _delete,
    s.Assert: _assert,
    s.Match: _match,
}
