"""What Python itself and its standard library do with rows and collections."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec.structs import replace

from slowpath import expression as e
from slowpath.semantics import queries, texts
from slowpath.semantics.arguments import Arguments, Given, value_at, varies_of
from slowpath.semantics.dependence import settled
from slowpath.semantics.effects import Evaluates
from slowpath.semantics.frame import Frame
from slowpath.semantics.iteration import bound_of, constant_range, first_of, origin_of, through
from slowpath.semantics.values import (
    UNKNOWN,
    ClassValue,
    Collection,
    Constant,
    Instance,
    LambdaValue,
    ModuleValue,
    Row,
    Rows,
    Super,
    Symbol,
    Unknown,
    Value,
    unknown,
)
from slowpath.spelling import spelled

CONTAINERS = {
    "list": "list",
    "tuple": "tuple",
    "set": "set",
    "frozenset": "set",
    "sorted": "list",
    "reversed": "iterator",
}


def node_of(arguments: Arguments, position: int = 0) -> e.Expression:
    """The argument at this position as written."""
    node = arguments[position].node if position < len(arguments) else None
    return node if node is not None else e.Constant(0, None, "other")


def ran(frame: Frame, arguments: Arguments, at: int) -> Value:
    """The first argument, its query run if it is one."""
    value = arguments[0].value
    if isinstance(value, Rows):
        value = queries.run(frame, value, at, node_of(arguments))
        if arguments[0].node is not None:
            frame.update(arguments[0].node, value)
    return value


def call_builtin(frame: Frame, name: str, arguments: Arguments, at: int, node: e.Call | None) -> Value:
    """What a builtin gives."""
    reader = _BUILTINS.get(name)
    varies = varies_of(arguments)
    if reader is None or not arguments:
        if name in {"list", "set", "tuple"} and not arguments:
            return Collection(name, UNKNOWN, items=())  # type: ignore[arg-type]
        if name == "dict":
            return Collection("dict", UNKNOWN, key=UNKNOWN)
        return Unknown(varies=varies) if varies else UNKNOWN
    return reader(frame, name, arguments, at, node)


def container(frame: Frame, name: str, arguments: Arguments, at: int, node: e.Call | None) -> Value:
    """A list, tuple or set (by name) of what is passed, sorted or turned round perhaps."""
    value = ran(frame, arguments, at)
    key = next((given.value for given in arguments if given.keyword == "key"), None)
    if key is not None:
        applied(frame, key, value, at, "map", node_of(arguments))
    if isinstance(value, Rows):
        if CONTAINERS[name] == "set":
            return Collection(
                "set", first_of(frame, value), bound=value.bound, origin=value.origin, varies=value.varies
            )
        return replace(value, type="", here=True)
    if isinstance(value, Collection):
        kind = CONTAINERS[name]
        items = value.items if name in {"list", "tuple"} else None
        element = value.key if value.kind == "dict" and value.key is not None else value.element
        return replace(value, kind=kind, items=items, element=element, key=None, bound=bound_of(value))
    # What somebody wrote down somewhere else stays that.
    return value if isinstance(value, Symbol) else unknown(value)


def _dict(frame: Frame, name: str, arguments: Arguments, at: int, node: e.Call | None) -> Value:
    pairs = not arguments[0].keyword and not arguments[0].star
    values = [ran(frame, arguments, at)] if pairs else []
    return Collection("dict", unknown(*values, *(given.value for given in arguments)), key=UNKNOWN)


def applied(frame: Frame, function: Value, value: Value, at: int, kind: str, over: e.Expression) -> Value:
    """Call the function with each item."""
    from slowpath.semantics.calls import call

    value, item_value, bound = through(frame, value, over, at)
    label = (
        function.expression.parameters[0].name
        if isinstance(function, LambdaValue) and function.expression.parameters
        else ""
    )
    with frame.repeating("map", at, label, spelled(over), bound, origin_of(value)) as number:
        result = call(frame, function, (Given(item_value(number)),), at, None)
    return settled(result, frozenset((number,)))


def _map(frame: Frame, name: str, arguments: Arguments, at: int, node: e.Call | None) -> Value:
    if len(arguments) < 2:
        return UNKNOWN
    value = arguments[1].value
    element = applied(frame, arguments[0].value, value, at, "map", node_of(arguments, 1))
    if name == "filter":
        # How many of them pass a function is not for the database to say.
        value = replace(value, needed=True) if isinstance(value, Rows) else value
        return value if isinstance(value, Rows | Collection) else unknown(value)
    return Collection("iterator", element, origin=origin_of(value))


def _reduce(frame: Frame, name: str, arguments: Arguments, at: int, node: e.Call | None) -> Value:
    value = ran(frame, arguments, at)
    key = next((given.value for given in arguments if given.keyword == "key"), None)
    if key is not None:
        applied(frame, key, value, at, "map", node_of(arguments))
    if name in {"min", "max", "next"} and isinstance(value, Rows | Collection):
        return first_of(frame, value)
    return unknown(value)


def _iter(frame: Frame, name: str, arguments: Arguments, at: int, node: e.Call | None) -> Value:
    if len(arguments) == 2:
        # `iter(callable, sentinel)`: as often as something else decides.
        return Collection("iterator", UNKNOWN, bound="unclear")
    return ran(frame, arguments, at)


def _next(frame: Frame, name: str, arguments: Arguments, at: int, node: e.Call | None) -> Value:
    return first_of(frame, arguments[0].value)


def _len(frame: Frame, name: str, arguments: Arguments, at: int, node: e.Call | None) -> Value:
    value = arguments[0].value
    source = arguments[0].node
    if isinstance(value, Rows) and source is not None:
        if (
            (value.owner is None or value.refined)
            and value.known
            and not frame.program.is_row_source(value)
            and value.bound != "small"
        ):
            frame.emit(
                Evaluates(
                    place=frame.place(at),
                    how="len",
                    model=value.model,
                    origin=value.origin,
                    label=spelled(source),
                    compared=frame.compared,
                    used=value.sliced or value.needed or frame.needs_rows(source),
                    exists=frame.program.asks(value, "exists"),
                    count=frame.program.asks(value, "count"),
                ),
                value.varies,
            )
        ran(frame, arguments, at)
    return unknown(value)


def _enumerate(frame: Frame, name: str, arguments: Arguments, at: int, node: e.Call | None) -> Value:
    value = ran(frame, arguments, at)
    item = first_of(frame, value)
    bound = bound_of(value)
    if isinstance(value, Collection) and value.items is not None and len(value.items) <= 12:
        bound = "small"
    pair = Collection("tuple", unknown(item), items=(UNKNOWN, item))
    return Collection("iterator", pair, bound=bound, origin=origin_of(value))


def zipped(frame: Frame, name: str, arguments: Arguments, at: int, node: e.Call | None) -> Value:
    """Tuples of an item of each argument; batches when all of them take from one iterator."""
    items = []
    bounds = set()
    first = arguments[0].value
    if arguments[0].star and isinstance(first, Collection) and first.bound == "chunked":
        # Several hands on one iterator: each takes the next item.
        hand = Collection("tuple", first_of(frame, first_of(frame, first)))
        return Collection("iterator", hand, bound="chunked", varies=first.varies)
    for position, given in enumerate(arguments):
        value = ran(frame, arguments[position:], at)
        if not given.keyword:
            items.append(first_of(frame, value))
            bounds.add(
                "small"
                if isinstance(value, Collection) and value.items is not None and len(value.items) <= 12
                else "growing"
            )
    pair = Collection("tuple", unknown(*items), items=tuple(items))
    return Collection(
        "iterator", pair, bound="small" if "small" in bounds else "growing", origin=origin_of(arguments[0].value)
    )


def _range(frame: Frame, name: str, arguments: Arguments, at: int, node: e.Call | None) -> Value:
    bound = constant_range(tuple(given.value for given in arguments))
    if bound == "counted" and any(_measures(given.node) for given in arguments):
        bound = "growing"
    return Collection("iterator", UNKNOWN, bound=bound, varies=varies_of(arguments))


def _measures(node: e.Expression | None) -> bool:
    """Whether the number says how many of something there are."""
    match node:
        case e.Call(func=e.Name(id="len")):
            return True
        case e.Binary(left=left, right=right):
            return _measures(left) or _measures(right)
    return False


def _str(frame: Frame, name: str, arguments: Arguments, at: int, node: e.Call | None) -> Value:
    value = as_text(frame, arguments[0].value, node_of(arguments), at)
    return texts.hole(frame, value, arguments[0].node) if name == "str" else unknown(value)


def _bool(frame: Frame, name: str, arguments: Arguments, at: int, node: e.Call | None) -> Value:
    return unknown(tested(frame, arguments[0].value, node_of(arguments), at))


def tested(frame: Frame, value: Value, node: e.Expression, at: int) -> Value:
    """The value, asked whether it is true: a query runs for it, and fetches its rows."""
    if not isinstance(value, Rows):
        return value
    asked = not value.here or isinstance(node, e.Name | e.Call | e.Await)
    if asked and value.owner is None and value.known and not frame.program.is_row_source(value):
        frame.emit(
            Evaluates(
                place=frame.place(at),
                how="truth",
                model=value.model,
                origin=value.origin,
                label=spelled(node),
                compared=True,
                used=value.sliced or value.needed or frame.needs_rows(node),
                exists=frame.program.asks(value, "exists"),
                count=frame.program.asks(value, "count"),
            ),
            value.varies,
        )
    after = queries.run(frame, value, at, node)
    frame.update(node, after)
    return after


def _getattr(frame: Frame, name: str, arguments: Arguments, at: int, node: e.Call | None) -> Value:
    from slowpath.semantics.attributes import attribute

    target = value_at(arguments, 1)
    value = arguments[0].value
    source = arguments[0].node
    if (
        isinstance(target, Constant)
        and isinstance(target.value, str)
        and isinstance(value, Row | Instance | ModuleValue | Symbol | Super)
        and source is not None
    ):
        relation = isinstance(value, Row) and frame.program.schema.relation(value.model, target.value) is not None
        if name == "getattr" and len(arguments) > 2 and not relation and not isinstance(value, Symbol):
            return unknown(value)
        if name == "hasattr" and not relation:
            return unknown(value)
        got = attribute(frame, value, e.Attribute(at, source, target.value))
        return got if name == "getattr" else unknown(value)
    return unknown(value)


def _setattr(frame: Frame, name: str, arguments: Arguments, at: int, node: e.Call | None) -> Value:
    target, value = value_at(arguments, 1), value_at(arguments, 2)
    source = arguments[0].node
    if isinstance(target, Constant) and isinstance(target.value, str) and source is not None and value is not None:
        from slowpath.semantics.assignment import assign

        assign(frame, e.Attribute(at, source, target.value), value)
    return UNKNOWN


def as_text(frame: Frame, value: Value, node: e.Expression, at: int) -> Value:
    """The value as text: what its `__str__` reads is written down."""
    if isinstance(value, Row | Instance):
        from slowpath.semantics.calls import call_function

        ref = frame.program.class_of_model(value.model) if isinstance(value, Row) else value.ref
        method = frame.program.project.method(ref, "__str__") if ref is not None else None
        if method is not None:
            source = e.Attribute(at, node, "__str__")
            call_function(frame, method, value, (), at, e.Call(at, source, ()))
        return unknown(value)
    if isinstance(value, Rows):
        return unknown(value)
    return value


def _isinstance(frame: Frame, name: str, arguments: Arguments, at: int, node: e.Call | None) -> Value:
    value, cls = arguments[0].value, value_at(arguments, 1)
    ref = frame.program.class_of_model(value.model) if isinstance(value, Row) else None
    if isinstance(value, Instance):
        ref = value.ref
    if ref is None or not isinstance(cls, ClassValue) or (isinstance(value, Instance) and value.others):
        return unknown(value)
    if cls.ref in frame.program.project.ancestors(ref):
        return Constant(True)
    return unknown(value) if ref in frame.program.project.ancestors(cls.ref) else Constant(False)


_BUILTINS: Mapping[str, Callable[[Frame, str, Arguments, int, e.Call | None], Value]] = {
    **dict.fromkeys(("list", "tuple", "set", "frozenset", "sorted", "reversed"), container),
    **dict.fromkeys(("map", "filter"), _map),
    **dict.fromkeys(("sum", "min", "max", "any", "all"), _reduce),
    "dict": _dict,
    "iter": _iter,
    "aiter": _iter,
    "next": _next,
    "anext": _next,
    "len": _len,
    "enumerate": _enumerate,
    "zip": zipped,
    "range": _range,
    **dict.fromkeys(("str", "repr", "format", "print"), _str),
    "bool": _bool,
    **dict.fromkeys(("getattr", "hasattr"), _getattr),
    "setattr": _setattr,
    "isinstance": _isinstance,
}
