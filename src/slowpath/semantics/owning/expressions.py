"""Expressions: what becomes of the resources in them, and which resource each is."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

from slowpath import expression as e
from slowpath.semantics import uses
from slowpath.semantics.owning.state import Cause, Got, Held, Ref, State, Truth, bound, forgotten, named, opened
from slowpath.semantics.owning.walk import Walk

Looks = list[tuple[State, Ref]]
Found = TypeVar("Found", bound=Hashable)


def look(walk: Walk, node: e.Expression, state: State) -> Looks:
    """The states after the expression was evaluated, each with what it is."""
    match node:
        case e.Name(id=name):
            return [(state, named(state, name))]
        case e.Constant(value=None | True | False as value, kind=""):
            return [(state, Truth(value))]
        case e.Constant():
            return [(state, None)]
        case e.Attribute():
            return _attribute(walk, node, state)
        case e.Call():
            from slowpath.semantics.owning.calls import call

            return call(walk, node, state)
        case e.Await(value=value):
            walk.awaited = True
            looks = look(walk, value, state)
            walk.awaited = False
            return looks
        case e.Yield():
            return _yield(walk, node, state)
        case e.Walrus(target=e.Name(id=name), value=value):
            return [(bound(after, name, ref), ref) for after, ref in look(walk, value, state)]
        case e.Boolean() | e.Conditional():
            return _choice(walk, node, state)
        case e.Unary(operand=operand):
            return [(after, None) for after in passed(walk, (operand,), state)]
        case e.Compare(left=left, operands=operands):
            return [(after, None) for after in passed(walk, (left, *operands), state)]
        case e.Binary(left=left, right=right):
            return [(after, None) for after in passed(walk, (left, right), state)]
        case e.Subscript(value=value, index=index):
            return [(after, None) for after in passed(walk, (value, index), state)]
        case e.Template(parts=parts):
            return [(after, None) for after in passed(walk, parts, state)]
    return [(after, None) for after in _kept(walk, node, state)]


def passed(walk: Walk, nodes: Iterable[e.Expression], state: State) -> list[State]:
    """The states after expressions that keep nothing of what is in them."""
    found = [state]
    for node in nodes:
        found = distinct(after for each in found for after, _ in look(walk, node, each))
    return found


def distinct(found: Iterable[Found]) -> list[Found]:
    """Each once: a list of twenty conditionals has a million ways through it, which mostly end alike."""
    listed = list(found)
    return listed if len(listed) < 2 else list(dict.fromkeys(listed))


def _attribute(walk: Walk, node: e.Attribute, state: State) -> Looks:
    held = named(state, e.dotted(node))
    if held is not None:
        return [(state, held)]
    looks: Looks = []
    for after, ref in look(walk, node.value, state):
        # `callback(connection.close)`: somebody will call it.
        called = isinstance(ref, Held) and not ref.derived and _gives_back(walk, ref.resource, node.attr)
        looks.append((walk.let_go(after, ref) if called else after, None))
    return looks


def _gives_back(walk: Walk, resource: int, method: str) -> bool:
    known = walk.type_of(resource)
    fact = known.methods.get(method) if known is not None else None
    return fact is not None and fact.owning == "releases"


def _yield(walk: Walk, node: e.Yield, state: State) -> Looks:
    looks: Looks = []
    for after, ref in look(walk, node.value, state) if node.value is not None else [(state, None)]:
        if isinstance(ref, Held) and not ref.derived and walk.is_owed(ref.resource):
            walk.lent = walk.resources[ref.resource].type
        # Whoever it is lent to uses it.
        used = after
        if isinstance(ref, Held) and walk.is_session(ref.resource):
            walk.working.add(ref.resource)
            used = opened(after, ref.resource)
        walk.use(used, node.at)
        walk.may_raise(used, Cause(node.at, "yield"))
        walk.around = walk.around or walk.transaction_in(used)
        looks.append((used, None))
    return looks


def _choice(walk: Walk, node: e.Boolean | e.Conditional, state: State) -> Looks:
    if isinstance(node, e.Conditional):
        yes, no = map(distinct, test(walk, node.test, state))
        return distinct([*_all(walk, node.body, yes), *_all(walk, node.orelse, no)])
    yes, no = map(distinct, test(walk, node.left, state))
    stays, goes = (no, yes) if node.operator == "and" else (yes, no)
    left = look(walk, node.left, state) if isinstance(node.left, e.Name | e.Attribute) else []
    ref = left[0][1] if left else None
    return distinct([*((each, ref) for each in stays), *_all(walk, node.right, goes)])


def _all(walk: Walk, node: e.Expression, found: Sequence[State]) -> Looks:
    return [pair for state in found for pair in look(walk, node, state)]


def _kept(walk: Walk, node: e.Expression, state: State) -> list[State]:
    """The states after an expression that keeps what is in it: a list, a dict, a lambda, a comprehension."""
    match node:
        case e.Listing(elements=parts):
            inner: tuple[e.Expression, ...] = parts
        case e.Mapping(keys=keys, values=values):
            inner = (*(key for key in keys if key is not None), *values)
        case e.Starred(value=value) | e.Walrus(value=value):
            inner = (value,)
        case e.Slice(lower=lower, upper=upper, step=step):
            return passed(walk, [part for part in (lower, upper, step) if part is not None], state)
        case e.Comprehension():
            return _comprehension(walk, node, state)
        case e.Lambda():
            return [captured(walk, uses.names_of(node.body), state)]
        case _:
            return [state]
    found = [state]
    for part in inner:
        found = distinct(walk.let_go(after, ref) for each in found for after, ref in look(walk, part, each))
    return found


def _comprehension(walk: Walk, node: e.Comprehension, state: State) -> list[State]:
    parts: list[e.Expression] = []
    for generator in node.generators:
        parts += [generator.iterable, *generator.conditions]
    found = passed(walk, parts, state)
    for part in (node.key, node.element):
        if part is not None:
            found = distinct(walk.let_go(after, ref) for each in found for after, ref in look(walk, part, each))
    return found


def captured(walk: Walk, names: frozenset[str], state: State) -> State:
    """The state after a function was made that mentions these variables."""
    for name in sorted(names):
        state = walk.let_go(state, named(state, name))
    return state


def test(walk: Walk, node: e.Expression, state: State) -> tuple[list[State], list[State]]:
    """The states in which the test holds, and those in which it does not."""
    match node:
        case e.Unary(operator="not", operand=operand):
            yes, no = test(walk, operand, state)
            return no, yes
        case e.Boolean(operator="and", left=left, right=right):
            yes, no = test(walk, left, state)
            both = [test(walk, right, each) for each in distinct(yes)]
            return [each for pair in both for each in pair[0]], [*no, *(each for pair in both for each in pair[1])]
        case e.Boolean(operator="or", left=left, right=right):
            yes, no = test(walk, left, state)
            rest = [test(walk, right, each) for each in distinct(no)]
            return [*yes, *(each for pair in rest for each in pair[0])], [each for pair in rest for each in pair[1]]
        case e.Compare(
            left=left, operators=(("is" | "is not" | "==" | "!=") as operator,), operands=(e.Constant() as other,)
        ):
            return _compared(walk, left, operator, other, state)
        case e.Constant(value=value, kind=""):
            return ([state], []) if value else ([], [state])
    yes, no = [], []
    for after, ref in look(walk, node, state):
        match ref:
            case Held():
                yes.append(after)
            case Truth(value=value):
                (yes if value else no).append(after)
            case Got(resource=resource):
                yes.append(after)
                # The attempt failed: there is nothing to give back.
                no.append(forgotten(after, resource))
            case _:
                yes.append(after)
                no.append(after)
    return yes, no


def _compared(
    walk: Walk, left: e.Expression, operator: str, other: e.Constant, state: State
) -> tuple[list[State], list[State]]:
    yes: list[State] = []
    no: list[State] = []
    wanted = other.value if not other.kind else ...
    for after, ref in look(walk, left, state):
        same: bool | None = None
        if isinstance(ref, Held) and wanted is None:
            same = False
        elif isinstance(ref, Truth) and (wanted is None or isinstance(wanted, bool)):
            same = ref.value is wanted
        if operator in {"is not", "!="} and same is not None:
            same = not same
        if same is not False:
            yes.append(after)
        if same is not True:
            no.append(after)
    return yes, no
