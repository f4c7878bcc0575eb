"""Going through something: what each item is, how many there are, and what it costs to begin."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from slowpath import expression as e
from slowpath.semantics import queries
from slowpath.semantics.dependence import all_varies
from slowpath.semantics.frame import Frame
from slowpath.semantics.joins import join
from slowpath.semantics.values import (
    Bound,
    ClassValue,
    Collection,
    Constant,
    Instance,
    Object,
    Origin,
    Row,
    Rows,
    Symbol,
    Unknown,
    Value,
    unknown,
    varying,
)

FEW = 12
"""Items that are not many, whatever the data."""
_FIXED = {"small", "once", "retry"}
_SEPARATORS = {"os.sep", "os.path.sep"}


def origin_of(value: Value) -> Origin | None:
    """The query whose rows these are, if they are."""
    return value.origin if isinstance(value, Rows | Collection) else None


def through(
    frame: Frame, value: Value, node: e.Expression, at: int, *, awaiting: bool = False
) -> tuple[Value, Callable[[int], Value], Bound]:
    """The thing gone through after its query has run, its item in the loop of a given number, and its bound;
    `awaiting` when each item is awaited."""
    kept, frame.awaiting = frame.awaiting, awaiting
    # What gives no items of its own gives its attributes.
    of_one = isinstance(value, Instance) and frame.program.project.method(value.ref, "__iter__") is None
    value = _begun(frame, value, node, at)
    frame.awaiting = kept
    bound = bound_of(value)
    if isinstance(value, Object) and frame.program.is_plain(value.type):
        bound = "small"
    if isinstance(value, Unknown):
        bound = "named" if of_one else _bound_within(frame, node)
    return value, lambda number: item_of(frame, value, frozenset((number,))), bound


def _bound_within(frame: Frame, node: e.Expression) -> Bound:
    """How many parts a single value has: those of a path are few, and those of a row's own column have nothing to do
    with how many rows there are."""
    match node:
        case e.Call(func=e.Attribute(value=inner, attr="split"), arguments=(separator, *_)):
            sign = separator.value
            if e.dotted(sign) in _SEPARATORS or (isinstance(sign, e.Constant) and sign.value in {"/", "."}):
                return "small"
            return _bound_within(frame, inner)
        case e.Call(func=e.Attribute(value=inner, attr="split" | "splitlines")):
            return _bound_within(frame, inner)
        case e.Call(func=e.Attribute(value=inner, attr="items" | "keys" | "values")):
            bound = _bound_within(frame, inner)
            return "named" if bound == "growing" else bound
        case e.Subscript(value=inner, index=e.Slice() as index):
            from slowpath.semantics.containers import is_few

            return "small" if is_few(frame, index) else _bound_within(frame, inner)
        case e.Attribute(value=inner, attr=attr):
            row = frame.lookup(inner)
            if isinstance(row, Row) and frame.program.schema.column(row.model, attr) is not None:
                return "unclear"
    return "growing"


def _begun(frame: Frame, value: Value, node: e.Expression, at: int) -> Value:
    """The thing gone through after its query has run."""
    if isinstance(value, Rows):
        value = queries.run(frame, value, at, node)
        frame.update(node, value)
    elif isinstance(value, Instance):
        value = _from_instance(frame, value, at)
        if isinstance(value, Rows):
            value = queries.run(frame, value, at, node)
    return value


def _from_instance(frame: Frame, value: Instance, at: int) -> Value:
    from slowpath.semantics.calls import call_method

    result = call_method(frame, value, "__iter__", at)
    return result if result is not None else unknown(value)


def bound_of(value: Value) -> Bound:
    """How many items there are."""
    match value:
        case Collection(items=tuple()):
            # Written out one by one, however many they are.
            return "small"
        case Collection(bound=bound) | Rows(bound=bound):
            return bound
        case Symbol() | ClassValue():
            # Settings and enumerations: as many as somebody wrote down.
            return "small"
        case Constant(value=None):
            # Filled by somebody else before anybody goes through it: classes that were declared, plug-ins, rows.
            return "unclear"
        case Constant():
            return "small"
    return "growing"


def within(bounds: Sequence[Bound]) -> Bound:
    """How often something happens that stands in loops that turn so often, the innermost last."""
    if bounds and bounds[-1] == "chunked":
        return "chunked"
    return "small" if set(bounds) <= _FIXED else "growing"


def item_of(frame: Frame, value: Value, varies: frozenset[int]) -> Value:
    """One item, which differs with these loops."""
    match value:
        case Rows():
            return row_of(frame, value, varies)
        case Collection(items=items) if items:
            element = items[0]
            for other in items[1:]:
                element = join(element, other)
            return _spread(element, varies | value.varies)
        case Collection(element=element, kind="dict", key=key):
            return _spread(key if key is not None else unknown(element), varies | value.varies)
        case Collection(element=element):
            return _spread(element, varies | value.varies)
    return Unknown(varies=all_varies(value) | varies)


def classes_in(value: Value) -> tuple[Value, ...]:
    """The items of a short list of classes: what is done with each of them is quite another thing."""
    items = value.items if isinstance(value, Collection) and value.items is not None else ()
    return items if 1 < len(items) <= FEW and all(isinstance(item, ClassValue) for item in items) else ()


def _spread(value: Value, varies: frozenset[int]) -> Value:
    """The value with its parts varying too."""
    match value:
        case Collection(items=tuple() as items, kind="tuple"):
            parts = tuple(_spread(item, varies) for item in items)
            return replace(value, items=parts, element=varying(value.element, varies), varies=value.varies | varies)
        case Collection(element=element):
            return replace(value, element=varying(element, varies), varies=value.varies | varies)
    return varying(value, varies)


def row_of(frame: Frame, rows: Rows, varies: frozenset[int]) -> Value:
    """One of the rows, which differs with these loops."""
    varies = varies | rows.varies
    if rows.items:
        items = tuple(_spread(item, varies) for item in rows.items)
        return Collection("tuple", unknown(*items), items=items, varies=varies)
    if rows.plain:
        return Unknown(varies=varies)
    row = Row(
        rows.model,
        loads=rows.loads,
        known=rows.known,
        origin=rows.origin,
        prefix=rows.prefix,
        implicit=rows.implicit,
        varies=varies,
    )
    relation = frame.program.schema.relation(rows.owner.model, rows.relation) if rows.owner is not None else None
    if (
        relation is not None
        and rows.owner is not None
        and relation.back
        and (relation.kind.startswith("reverse") or relation.kind == "generic-reverse")
    ):
        row = replace(row, fields=((relation.back, replace(rows.owner, fields=())),))
    if rows.fields:
        kept = {**dict(row.fields), **{name: varying(value, varies) for name, value in rows.fields}}
        row = replace(row, fields=tuple(sorted(kept.items())))
    return row


def single(value: Value) -> Value:
    """The row as the only one that its query gives."""
    if not isinstance(value, Row) or value.origin is None:
        return value
    return replace(value, origin=replace(value.origin, single=True))


def first_of(frame: Frame, value: Value) -> Value:
    """Some item, outside any loop over it."""
    return item_of(frame, value, frozenset())


def constant_range(arguments: tuple[Value, ...]) -> Bound:
    """The bound of `range` over these: few when constant, in chunks when it steps."""
    numbers = [value.value if isinstance(value, Constant) else None for value in arguments]
    if len(arguments) == 3 and numbers[2] not in (1, -1):
        return "chunked"
    limits = numbers[:2]
    if all(isinstance(number, int) for number in limits) and limits:
        low, high = (0, limits[0]) if len(limits) == 1 else limits
        if isinstance(low, int) and isinstance(high, int) and abs(high - low) <= 100:
            return "small"
    return "counted"
