"""What code keeps so that it need not ask again: functions that answer from a memo, lists that are cut into batches."""

from __future__ import annotations

from collections.abc import Iterator

from slowpath import expression as e
from slowpath.semantics import statement as s
from slowpath.semantics.shapes import blocks_of, leaves_function, statements_of
from slowpath.semantics.uses import names_of, nodes_in

_STORES = {"set", "set_many", "put", "add", "setdefault", "store", "update", "hset", "setex"}
_FETCHES = {"get", "get_or_none", "fetch", "hget", "pop"}


def answers_from_memo(block: s.Block, statement: s.If) -> bool:
    """Whether the branch returns what an earlier call has kept: `found = memo.get(key)`, `if found: return found`, and
    further down in the function `memo.set(key, …)` or `memo[key] = …`. What follows the branch is for new keys, or
    fills a blank: `if row.number is not None: return`, and further down `row.number = …`."""
    if not leaves_function(statement.body) or not isinstance(statement.body[-1], s.Return):
        return False
    if _asks_for_value(statement.test) in set(_filled_in(block, after=statement.at)) - {""}:
        return True
    memos = set(_memos_of(block, statement.test))
    if any("." in memo and memo in memos for memo in _looked_up_in(statement.body)):
        # An attribute that is filled elsewhere: where the thing is made that is kept.
        return True
    return bool(memos) and any(memo in memos for memo in _stored_in(block, after=statement.at))


def _looked_up_in(block: s.Block) -> Iterator[str]:
    """What the block takes something out of by a key."""
    return (e.dotted(node.value) for node in nodes_in(block) if isinstance(node, e.Subscript))


def _memos_of(block: s.Block, test: e.Expression) -> Iterator[str]:
    """What the test asks: `key in memo`, or something that was taken from a memo before."""
    match test:
        case e.Compare(operators=("in",), operands=(operand,)):
            yield e.dotted(operand)
        case e.Boolean(left=left, right=right):
            yield from _memos_of(block, left)
            yield from _memos_of(block, right)
            return
    names = names_of(test)
    yield from (memo for walrus in _walruses(test) if (memo := _fetched_from(walrus.value)))
    for inner in statements_of(block):
        if isinstance(inner, s.Assign) and inner.value is not None and any(_is_one_of(names, t) for t in inner.targets):
            if memo := _fetched_from(inner.value):
                yield memo


def _asks_for_value(test: e.Expression) -> str:
    """The attribute of which the test asks whether it has a value."""
    match test:
        case e.Attribute():
            return e.dotted(test)
        case e.Compare(left=e.Attribute() as left, operators=("is not",), operands=(e.Constant(value=None, kind=""),)):
            return e.dotted(left)
    return ""


def _filled_in(block: s.Block, after: int) -> Iterator[str]:
    """The attributes that are assigned further down."""
    for inner in statements_of(block):
        if inner.at > after and isinstance(inner, s.Assign):
            yield from (e.dotted(target) for target in inner.targets if isinstance(target, e.Attribute))


def _walruses(test: e.Expression) -> Iterator[e.Walrus]:
    match test:
        case e.Walrus():
            yield test
        case e.Compare(left=e.Walrus() as walrus) | e.Unary(operand=e.Walrus() as walrus):
            yield walrus


def _is_one_of(names: frozenset[str], target: e.Expression) -> bool:
    return isinstance(target, e.Name) and target.id in names


def _fetched_from(value: e.Expression) -> str:
    match value:
        case e.Await(value=inner):
            return _fetched_from(inner)
        case e.Call(func=e.Attribute(value=memo, attr=attr)) if attr in _FETCHES or attr.startswith("get_"):
            return e.dotted(memo)
        case e.Subscript(value=memo):
            return e.dotted(memo)
    return ""


def _stored_in(block: s.Block, after: int) -> Iterator[str]:
    """What something is put into by key further down."""
    for inner in statements_of(block):
        if inner.at <= after:
            continue
        match inner:
            case s.Assign(targets=targets):
                yield from (e.dotted(target.value) for target in targets if isinstance(target, e.Subscript))
            case s.Evaluate(value=value):
                call = value.value if isinstance(value, e.Await) else value
                if isinstance(call, e.Call) and isinstance(call.func, e.Attribute) and _stores(call.func.attr):
                    yield e.dotted(call.func.value)


def _stores(method: str) -> bool:
    return method in _STORES or method.startswith("set_")


def starts_afresh(block: s.Block, name: str) -> bool:
    """Whether the list of this name is emptied right after it was put into another one: it is a batch."""
    for position, statement in enumerate(block):
        match statement:
            case s.Evaluate(value=e.Call(func=e.Attribute(), arguments=(e.Argument(value=e.Name(id=added)),))):
                if added == name and any(_empties(later, name) for later in block[position + 1 :]):
                    return True
        if any(starts_afresh(inner, name) for inner in blocks_of(statement)):
            return True
    return False


def _empties(statement: s.AnyStatement, name: str) -> bool:
    if not isinstance(statement, s.Assign) or not any(e.dotted(target) == name for target in statement.targets):
        return False
    match statement.value:
        case e.Listing(elements=()) | e.Call(func=e.Name(id="list" | "set"), arguments=()):
            return True
    return False
