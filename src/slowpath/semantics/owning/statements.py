"""Statements: which ways they open, and what is held on each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from slowpath import expression as e
from slowpath.references import FunctionRef
from slowpath.semantics import statement as s
from slowpath.semantics import uses
from slowpath.semantics.owning.calls import lent_type
from slowpath.semantics.owning.expressions import Looks, captured, look, test
from slowpath.semantics.owning.ownership import Resource
from slowpath.semantics.owning.state import (
    Cause,
    Held,
    Outcome,
    Ref,
    State,
    States,
    closed,
    forgotten,
    opened,
    states,
)
from slowpath.semantics.owning.walk import Walk, after_each, checked, failing
from slowpath.semantics.values import Symbol

_TURNS = 2
# Exceptions of Python's own that say nothing about the network or a database.
_NARROW = frozenset({
    "KeyError", "IndexError", "LookupError", "ValueError", "TypeError", "AttributeError", "ImportError",
    "UnicodeDecodeError", "ModuleNotFoundError", "FileNotFoundError", "StopIteration", "NotImplementedError",
    "AssertionError", "UnicodeError", "ZeroDivisionError", "JSONDecodeError", "KeyboardInterrupt",
    "SystemExit", "GeneratorExit",
})  # fmt: skip
_BROAD = frozenset({"", "Exception", "BaseException"})


def run(walk: Walk, block: s.Block, before: States) -> States:
    """The states after the statements, on the ways that get there."""
    for statement in block:
        if not before:
            break
        walk.program.tick()
        reader = _READERS.get(type(statement))
        if reader is not None:
            before = checked(reader(walk, statement, before))
    return before


def _each(before: States, after: Callable[[State], Iterable[State]]) -> States:
    return states(found for state in before for found in after(state))


def _assign(walk: Walk, statement: s.Assign, before: States) -> States:
    if statement.value is None:
        return before
    value = statement.value

    def after(state: State) -> Iterable[State]:
        for found, ref in look(walk, value, state):
            current = found
            for target in statement.targets:
                current = _bind(walk, target, value, ref, current, statement.at)
            yield walk.dropped(current, statement.at, "unbound")

    return _each(before, after)


def _bind(walk: Walk, target: e.Expression, value: e.Expression, ref: Ref, state: State, at: int) -> State:
    match target:
        case e.Name(id=name) if name in walk.outside:
            if isinstance(ref, Held) and not ref.derived and ref.resource in state.open and not state.failed:
                walk.parked.setdefault(ref.resource, (name, at))
            return walk.let_go(state, ref)
        case e.Name(id=name):
            if isinstance(ref, Held) and not ref.derived:
                walk.names.setdefault(ref.resource, name)
            return walk.rebound(state, name, ref, at)
        case e.Listing(elements=elements):
            for element in elements:
                state = _bind(walk, element, value, None, state, at)
            return walk.let_go(state, ref)
        case e.Starred(value=inner):
            return _bind(walk, inner, value, ref, state, at)
    for found, _ in look(walk, target, state):
        state = found
    if isinstance(ref, Held) and not ref.derived and isinstance(target, e.Attribute) and _is_self(walk, target.value):
        walk.kept.setdefault(ref.resource, target.attr)
    return walk.let_go(state, ref)


def _is_self(walk: Walk, node: e.Expression) -> bool:
    """Whether it is the object that the method belongs to."""
    declaration = walk.program.project.function_of(walk.ref)
    return bool(declaration.owner) and isinstance(node, e.Name) and node.id == declaration.parameters[0].name


def _augment(walk: Walk, statement: s.Augment, before: States) -> States:
    return _each(before, lambda state: [walk.let_go(each, ref) for each, ref in look(walk, statement.value, state)])


def _evaluate(walk: Walk, statement: s.Evaluate, before: States) -> States:
    return _each(
        before,
        lambda state: [walk.dropped(each, statement.at, "unbound") for each, _ in look(walk, statement.value, state)],
    )


def _return(walk: Walk, statement: s.Return, before: States) -> States:
    for state in before:
        looks: Looks = look(walk, statement.value, state) if statement.value is not None else [(state, None)]
        for found, ref in looks:
            if isinstance(ref, Held) and not ref.derived and walk.is_owed(ref.resource):
                walk.fresh = walk.resources[ref.resource].type
                walk.handed.add(ref.resource)
            left = walk.dropped(walk.let_go(found, ref), statement.at, "unbound")
            walk.returned.setdefault(left, Cause(statement.at, "return"))
    return {}


def _raise(walk: Walk, statement: s.Raise, before: States) -> States:
    for state in before:
        looks: Looks = look(walk, statement.exception, state) if statement.exception is not None else [(state, None)]
        for found, _ in looks:
            again = found.failed if statement.exception is None else None
            walk.may_raise(found, again or Cause(statement.at, "raise"))
    return {}


def _if(walk: Walk, statement: s.If, before: States) -> States:
    yes: States = {}
    no: States = {}
    asked = False
    for state in before:
        if_so, if_not = test(walk, statement.test, state)
        asked = asked or bool(if_so and if_not and set(if_so) & set(if_not))
        yes |= states(if_so)
        no |= states(if_not)
    body = run(walk, statement.body, yes)
    orelse = run(walk, statement.orelse, no)
    if asked:
        # `if owns: connection.close()`: who asks has a reason, and what is held otherwise is somebody else's.
        return _without(walk, body, no, orelse) | _without(walk, orelse, yes, body)
    return body | orelse


def _without(walk: Walk, after: States, before: States, other: States) -> States:
    """The states, without what another way from `before` to `other` always gives back."""
    held = frozenset[int]().union(*(state.open for state in before))
    kept = frozenset[int]().union(*(state.open for state in other))
    for resource in sorted(held - kept) if other else ():
        walk.released.add(resource)
        after = states(closed(state, resource) for state in after)
    return after


def _loop(walk: Walk, body: Callable[[States], States], before: States) -> States:
    """The states after any number of turns; what `break` brings is added."""
    after = before
    turn = before
    for _ in range(_TURNS):
        outcome = walk.inside(partial(body, turn))
        turn = checked(outcome.on | outcome.continued)
        after = checked(after | turn)
        walk.leave(Outcome({}, outcome.raised, outcome.returned, outcome.broke, {}))
    return after


def _for(walk: Walk, statement: s.For, before: States) -> States:
    def begin(state: State) -> Iterable[State]:
        for found, ref in look(walk, statement.iterable, state):
            used = isinstance(ref, Held) and walk.is_session(ref.resource)
            begun = opened(found, ref.resource) if isinstance(ref, Held) and used else found
            if isinstance(ref, Held):
                walk.may_raise(begun, Cause(statement.at, "call"))
            walk.use(begun, statement.at)
            yield walk.dropped(begun, statement.at, "unbound")

    start = _each(before, begin)

    def turn(entered: States) -> States:
        entered = _each(
            entered, lambda state: [_bind(walk, statement.target, statement.iterable, None, state, statement.at)]
        )
        return run(walk, statement.body, entered)

    outcome = walk.inside(lambda: _loop(walk, turn, start))
    broke = outcome.broke
    walk.leave(Outcome({}, outcome.raised, outcome.returned, {}, {}))
    return run(walk, statement.orelse, outcome.on) | broke


def _while(walk: Walk, statement: s.While, before: States) -> States:
    ended: States = {}

    def turn(entered: States) -> States:
        go: States = {}
        for state in entered:
            yes, no = test(walk, statement.test, state)
            go |= states(yes)
            ended.update(states(no))
        return run(walk, statement.body, go)

    outcome = walk.inside(lambda: _loop(walk, turn, before))
    walk.leave(Outcome({}, outcome.raised, outcome.returned, {}, {}))
    for state in outcome.on:
        _, no = test(walk, statement.test, state)
        ended.update(states(no))
    return run(walk, statement.orelse, ended) | outcome.broke


def _with(walk: Walk, statement: s.With, before: States) -> States:
    return _entered(walk, statement, statement.items, before)


def _entered(walk: Walk, statement: s.With, items: tuple[s.WithItem, ...], before: States) -> States:
    if not items:
        return run(walk, statement.body, before)
    item, rest = items[0], items[1:]
    after: States = {}
    for state in before:
        for found, ref in look(walk, item.context, state):
            after |= _through(walk, statement, item, rest, found, ref)
    return after


def _through(
    walk: Walk, statement: s.With, item: s.WithItem, rest: tuple[s.WithItem, ...], state: State, ref: Ref
) -> States:
    """The states after `with item: …`, begun in this state."""
    at = item.context.at
    guarded = _guarded(walk, item, ref)
    if guarded is not None:
        walk.entered.add(guarded)
        if not walk.is_session(guarded):
            state = opened(state, guarded)
        ref = Held(guarded)
    if item.target is not None:
        state = _bind(walk, item.target, item.context, ref, state, at)
    outcome = walk.inside(lambda: _entered(walk, statement, rest, {state: None}))
    if guarded is not None:
        done = guarded
        walk.released.add(done)
        outcome = after_each(lambda each: forgotten(each, done), outcome)
    if _swallows(walk, item.context):
        caught = states(failing(each, cause) for each, cause in outcome.raised.items())
        outcome = Outcome(outcome.on | caught, {}, outcome.returned, outcome.broke, outcome.continued)
    return walk.leave(outcome)


def _guarded(walk: Walk, item: s.WithItem, ref: Ref) -> int | None:
    """What the end of the `with` gives back."""
    if isinstance(ref, Held) and not ref.derived:
        known = walk.type_of(ref.resource)
        return ref.resource if known is None or known.leaving != "transaction" else None
    if ref is not None or walk.given:
        return None
    at = item.context.at
    kind = lent_type(walk, walk.sight.value(at), walk.sight.callee(at))
    if not kind:
        return None
    label = e.dotted(item.target) or e.dotted(item.context)
    walk.resources.setdefault(item.context.at, Resource(item.context.at, kind, label, "lent"))
    walk.names.setdefault(item.context.at, label)
    return item.context.at


def _swallows(walk: Walk, context: e.Expression) -> bool:
    callee = walk.sight.callee(context.at) if isinstance(context, e.Call) else None
    return isinstance(callee, Symbol) and callee.name == "contextlib.suppress"


def _try(walk: Walk, statement: s.Try, before: States) -> States:
    if statement.final:
        whole = walk.inside(lambda: _handled(walk, statement, before))
        return _finally(walk, statement.final, whole)
    return _handled(walk, statement, before)


def _handled(walk: Walk, statement: s.Try, before: States) -> States:
    outcome = walk.inside(lambda: run(walk, statement.body, before))
    walk.leave(Outcome({}, {}, outcome.returned, outcome.broke, outcome.continued))
    after = run(walk, statement.orelse, outcome.on)
    caught: dict[int, States] = {position: {} for position in range(len(statement.handlers))}
    for state, cause in outcome.raised.items():
        takers = [at for at, handler in enumerate(statement.handlers) if _catches(handler, cause)]
        broad = [at for at in takers if _names(statement.handlers[at]) & _BROAD]
        for position in takers[: takers.index(broad[0]) + 1] if broad else takers:
            caught[position][failing(state, cause)] = None
        if not takers:
            walk.may_raise(state, cause)
    if not outcome.raised:
        # Nothing of interest fails: what the handlers do is looked at all the same.
        left = states(failing(state, Cause(statement.at, "call")) for state in before)
        caught = {position: _without(walk, left, before, outcome.on) for position in caught}
    for position, handler in enumerate(statement.handlers):
        after |= run(walk, handler.body, caught[position])
    return after


def _names(handler: s.Handler) -> frozenset[str]:
    if handler.type is None:
        return frozenset({""})
    parts = handler.type.elements if isinstance(handler.type, e.Listing) else (handler.type,)
    return frozenset(e.dotted(part).rpartition(".")[2] for part in parts)


def _catches(handler: s.Handler, cause: Cause) -> bool:
    names = _names(handler)
    if names & _BROAD:
        return True
    return cause.kind == "call" and not names <= _NARROW


def _finally(walk: Walk, final: s.Block, outcome: Outcome) -> States:
    on = run(walk, final, outcome.on)
    walk.broke |= run(walk, final, outcome.broke)
    walk.continued |= run(walk, final, outcome.continued)
    for state, cause in outcome.raised.items():
        for after in run(walk, final, {state: None}):
            walk.may_raise(after, cause)
    for state, cause in outcome.returned.items():
        for after in run(walk, final, {state: None}):
            walk.returned.setdefault(after, cause)
    return on


def _break(walk: Walk, _: s.Break, before: States) -> States:
    walk.broke |= before
    return {}


def _continue(walk: Walk, _: s.Continue, before: States) -> States:
    walk.continued |= before
    return {}


def _define(walk: Walk, statement: s.Define, before: States) -> States:
    inner = FunctionRef(walk.ref.module, f"{walk.ref.qualname}.{statement.name}")
    if statement.is_class or walk.program.project.declared(inner.module, inner.qualname) != inner:
        return before
    body = walk.program.body(inner)
    mentioned = uses.names_of(body.statements) if body is not None else frozenset()
    return _each(before, lambda state: [captured(walk, mentioned, state)])


def _delete(walk: Walk, statement: s.Delete, before: States) -> States:
    def after(state: State) -> Iterable[State]:
        for target in statement.targets:
            if isinstance(target, e.Name):
                state = walk.rebound(state, target.id, None, statement.at)
        yield state

    return _each(before, after)


def _assert(walk: Walk, statement: s.Assert, before: States) -> States:
    return _each(before, lambda state: test(walk, statement.test, state)[0])


def _match(walk: Walk, statement: s.Match, before: States) -> States:
    start = _each(before, lambda state: [found for found, _ in look(walk, statement.subject, state)])
    after = dict(start)
    for case in statement.cases:
        after |= run(walk, case.body, start)
    return after


def _scope(walk: Walk, statement: s.Scope, before: States) -> States:
    walk.outside |= set(statement.names)
    return before


_READERS: Mapping[type[s.Statement], Callable[[Walk, Any, States], States]] = {
    s.Assign: _assign,
    s.Augment: _augment,
    s.Evaluate: _evaluate,
    s.Return: _return,
    s.Raise: _raise,
    s.If: _if,
    s.For: _for,
    s.While: _while,
    s.With: _with,
    s.Try: _try,
    s.Break: _break,
    s.Continue: _continue,
    s.Define: _define,
    s.Delete: _delete,
    s.Assert: _assert,
    s.Match: _match,
    s.Scope: _scope,
}
