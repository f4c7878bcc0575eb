"""What strings, lists, sets and dicts do with what is in them, and what an index gives."""

from __future__ import annotations

from msgspec.structs import replace

from slowpath import expression as e
from slowpath.semantics import memos, queries, texts, trails
from slowpath.semantics.arguments import Arguments, Given, varies_of
from slowpath.semantics.builtins import applied, as_text, ran
from slowpath.semantics.effects import RunsQuery
from slowpath.semantics.frame import Frame
from slowpath.semantics.iteration import first_of, origin_of, row_of
from slowpath.semantics.joins import join
from slowpath.semantics.values import (
    UNKNOWN,
    ClassValue,
    Collection,
    Constant,
    Object,
    Origin,
    Row,
    Rows,
    Symbol,
    Template,
    Unknown,
    Value,
    unknown,
    varying,
)
from slowpath.spelling import spelled

_ADDS = {"append", "add", "appendleft", "insert"}
# A slice that ends here at the latest is a few items.
_SHORT = 20


def call_text(frame: Frame, receiver: Value, name: str, arguments: Arguments) -> Value:
    """What a method of a string (or of nothing in particular) gives."""
    if name == "format" and isinstance(receiver, Constant | Template):
        return _formatted(frame, receiver, arguments)
    if name == "join" and arguments:
        value = ran(frame, arguments, 0)
        if isinstance(receiver, Constant) and isinstance(value, Collection) and value.items is not None:
            return texts.joined(receiver, [texts.hole(frame, item, None) for item in value.items])
    if name == "encode" and isinstance(receiver, Constant | Template):
        return receiver
    return unknown(receiver, *(given.value for given in arguments))


def _formatted(frame: Frame, text: Constant | Template, arguments: Arguments) -> Value:
    values: list[Value] = []
    named: dict[str, Value] = {}
    for given in arguments:
        node = given.node or e.Constant(0, None, "other")
        value = texts.hole(frame, as_text(frame, given.value, node, 0), node)
        if given.keyword:
            named[given.keyword] = value
        else:
            values.append(value)
    return texts.braces(text, values, named)


def call_collection(
    frame: Frame, receiver: Collection | Rows, name: str, arguments: Arguments, at: int, node: e.Call | None
) -> Value:
    """What a method of a list, set or dict gives, and what it leaves in it."""
    varies = receiver.varies | varies_of(arguments)
    own = node.func.value if node is not None and isinstance(node.func, e.Attribute) else None
    if name in _ADDS or name == "setdefault":
        added = arguments[-1].value if arguments else UNKNOWN
        if isinstance(receiver, Collection):
            is_own = isinstance(own, e.Name) and own.id in frame.rebound
            grown = _grown(receiver, added, frame, is_own=is_own)
            if name == "setdefault":
                grown = replace(grown, kind="dict", key=arguments[0].value if arguments else receiver.key)
            elif _is_batch(frame, added, arguments):
                grown = replace(grown, bound="chunked")
            if own is not None:
                _put_back(frame, own, grown)
            if name == "setdefault":
                return varying(grown.element, varies)
        return UNKNOWN
    if name in {"extend", "update"}:
        if arguments and isinstance(receiver, Collection) and own is not None:
            value = ran(frame, arguments, at)
            added = value.element if isinstance(value, Collection) and value.kind == "dict" else first_of(frame, value)
            grown = _grown(receiver, added, frame)
            frame.update(own, replace(grown, origin=origin_of(value)) if receiver.items == () else grown)
        return UNKNOWN
    if name == "sort":
        key = next((given.value for given in arguments if given.keyword == "key"), None)
        if key is not None and own is not None:
            applied(frame, key, receiver, at, "map", own)
        return UNKNOWN
    if isinstance(receiver, Rows):
        return varying(first_of(frame, receiver), varies) if name == "pop" else _copied(receiver, name, varies)
    match name:
        case "items":
            pair = Collection("tuple", UNKNOWN, items=(receiver.key or UNKNOWN, receiver.element))
            return Collection("list", pair, bound=receiver.bound, origin=receiver.origin, varies=receiver.varies)
        case "values":
            return Collection(
                "list", receiver.element, bound=receiver.bound, origin=receiver.origin, varies=receiver.varies
            )
        case "keys":
            return Collection("list", receiver.key or UNKNOWN, bound=receiver.bound, varies=receiver.varies)
        case "get" | "pop" | "popleft" | "popitem":
            return varying(receiver.element, varies)
        case "copy" | "union" | "difference" | "intersection":
            return receiver
    return Unknown(varies=varies) if varies else UNKNOWN


def _copied(rows: Rows, name: str, varies: frozenset[int]) -> Value:
    if name in {"copy", "union"}:
        return rows
    return Unknown(varies=varies) if varies else UNKNOWN


def _put_back(frame: Frame, own: e.Expression, grown: Collection) -> None:
    """Remember what a collection is now that something was added: also one that was made where it was missing, as in
    `groups.setdefault(key, []).append(item)`."""
    match own:
        case e.Call(func=e.Attribute(value=inner, attr="setdefault")):
            outer = frame.lookup(inner)
            if isinstance(outer, Collection):
                frame.update(inner, replace(outer, element=grown, items=None))
        case _:
            frame.update(own, grown)


def _is_batch(frame: Frame, added: Value, arguments: Arguments) -> bool:
    """Whether a list is put into another one, and starts afresh."""
    node = arguments[-1].node if arguments else None
    if not isinstance(added, Collection) or not frame.contexts or not isinstance(node, e.Name):
        return False
    body = frame.program.body_of(frame.module, frame.function)
    return body is not None and memos.starts_afresh(body, node.id)


def _grown(receiver: Collection, added: Value, frame: Frame, *, is_own: bool = False) -> Collection:
    """The collection after one more item was put in; one filled in a loop has as many items as the loop has turns."""
    empty = receiver.items == () or isinstance(receiver.element, Unknown)
    element = added if empty else join(receiver.element, added)
    items = None
    if receiver.items is not None and not frame.contexts:
        items = (*receiver.items, added)
    bound = frame.contexts[-1][1].bound if frame.contexts and receiver.items == () else "growing"
    if not frame.contexts and receiver.bound == "small" and is_own:
        bound = "small"
    if bound in {"once", "retry", "unclear"}:
        bound = "growing"
    if receiver.bound == "chunked":
        bound = "chunked"
    origin = added.origin if isinstance(added, Row) and empty else receiver.origin
    return replace(receiver, element=element, items=items, bound=bound, origin=origin)


def subscript(frame: Frame, value: Value, index: Value, node: e.Subscript) -> Value:
    """`value[index]`."""
    varies = value.varies | index.varies
    match value:
        case Rows():
            return _rows_subscript(frame, value, node, varies)
        case Collection(items=tuple() as items) if isinstance(index, Constant) and isinstance(index.value, int):
            if -len(items) <= index.value < len(items):
                return varying(items[index.value], varies)
        case Collection(kind="dict", element=element):
            return varying(element, varies)
        case Collection(element=element) if isinstance(node.index, e.Slice):
            return replace(
                value, items=None, varies=varies, bound="small" if is_few(frame, node.index) else value.bound
            )
        case Collection(element=element):
            return varying(element, varies)
        case Object(type=name):
            known = frame.program.knowledge.types.get(name)
            gives = known.attributes.get("[]") if known is not None else None
            return Object(gives, varies=varies) if gives else Unknown(varies=varies)
        case ClassValue():
            return value
        case Symbol():
            return value
    return Unknown(varies=varies) if varies else UNKNOWN


def is_few(frame: Frame, index: e.Expression) -> bool:
    """Whether a slice ends after a few items, by a number that is written down or a constant of that."""
    from slowpath.semantics.expressions import evaluate

    match index:
        case e.Slice(upper=(e.Constant() | e.Name()) as upper):
            end = evaluate(frame, upper)
            return isinstance(end, Constant) and isinstance(end.value, int) and 0 <= end.value <= _SHORT
    return False


def _ends(index: e.Slice) -> Arguments:
    """The first and the last place of a slice, as far as they are constants."""
    ends = (index.lower or e.Constant(0, 0), index.upper or e.Constant(0, None))
    return tuple(Given(Constant(end.value) if isinstance(end, e.Constant) else UNKNOWN) for end in ends)


def _rows_subscript(frame: Frame, rows: Rows, node: e.Subscript, varies: frozenset[int]) -> Value:
    known = frame.lookup(node.value)
    if isinstance(known, Rows):
        # `rows[i % len(rows)]`: the index has fetched them.
        rows = replace(rows, here=rows.here or known.here)
    lazy = frame.program.runs_itself(rows.type) and not rows.here
    if isinstance(node.index, e.Slice):
        bound = "small" if is_few(frame, node.index) else rows.bound
        trail = trails.refined(frame, rows, node.at, "[:]", _ends(node.index)) if lazy else rows.trail
        if lazy and rows.cached and not rows.refined:
            rows = queries.run(frame, rows, node.at, node.value)
        return replace(
            rows,
            sliced=True,
            varies=varies,
            bound=bound,
            refined=rows.refined or (lazy and not rows.cached),
            trail=trail,
        )
    if rows.items and not lazy and not rows.type:
        return row_of(frame, rows, varies)
    if lazy and not (rows.cached and not rows.refined):
        trails.ask(frame, rows, node.at, "[]")
        frame.emit(
            RunsQuery(
                place=frame.place(node.at),
                label=spelled(node),
                action="row",
                model=rows.model,
                relation=rows.relation,
                owner=rows.owner.model if rows.owner is not None else "",
                origin=rows.origin,
            ),
            varies,
        )
        if rows.owner is not None and not rows.refined:
            rows = replace(rows, origin=Origin(frame.place(node.at), rows.model, spelled(node)), prefix=(), known=True)
    return varying(row_of(frame, rows, frozenset()), varies)
