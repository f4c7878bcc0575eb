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
    FunctionValue,
    Instance,
    LambdaValue,
    ModuleValue,
    Object,
    Row,
    Rows,
    Symbol,
    Unknown,
    Value,
    join,
    unknown,
    varying,
)
from slowpath.spelling import spelled

_CONTAINERS = {
    "list": "list",
    "tuple": "tuple",
    "set": "set",
    "frozenset": "set",
    "sorted": "list",
    "reversed": "iterator",
}


def _node(arguments: Arguments, position: int = 0) -> e.Expression:
    node = arguments[position].node if position < len(arguments) else None
    return node if node is not None else e.Constant(0, None, "other")


def ran(frame: Frame, arguments: Arguments, at: int) -> Value:
    """The first argument, its query run if it is one."""
    value = arguments[0].value
    if isinstance(value, Rows):
        value = queries.run(frame, value, at, _node(arguments))
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
            return Collection("dict", unknown(*(given.value for given in arguments)), key=UNKNOWN)
        return Unknown(varies=varies) if varies else UNKNOWN
    return reader(frame, name, arguments, at, node)


def _container(frame: Frame, name: str, arguments: Arguments, at: int, node: e.Call | None) -> Value:
    value = ran(frame, arguments, at)
    key = next((given.value for given in arguments if given.keyword == "key"), None)
    if key is not None:
        applied(frame, key, value, at, "map", _node(arguments))
    if isinstance(value, Rows):
        if _CONTAINERS[name] == "set":
            return Collection(
                "set", first_of(frame, value), bound=value.bound, origin=value.origin, varies=value.varies
            )
        return replace(value, type="", here=True)
    if isinstance(value, Collection):
        kind = _CONTAINERS[name]
        items = value.items if name in {"list", "tuple"} else None
        element = value.key if value.kind == "dict" and value.key is not None else value.element
        return replace(value, kind=kind, items=items, element=element, key=None)
    return unknown(value)


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
    element = applied(frame, arguments[0].value, value, at, "map", _node(arguments, 1))
    if name == "filter":
        return value if isinstance(value, Rows | Collection) else unknown(value)
    return Collection("iterator", element, origin=origin_of(value))


def _reduce(frame: Frame, name: str, arguments: Arguments, at: int, node: e.Call | None) -> Value:
    value = ran(frame, arguments, at)
    key = next((given.value for given in arguments if given.keyword == "key"), None)
    if key is not None:
        applied(frame, key, value, at, "map", _node(arguments))
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
                    used=value.sliced or frame.needs_rows(source),
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
    bound = value.bound if isinstance(value, Collection | Rows) else "growing"
    if isinstance(value, Collection) and value.items is not None and len(value.items) <= 12:
        bound = "small"
    pair = Collection("tuple", unknown(item), items=(UNKNOWN, item))
    return Collection("iterator", pair, bound=bound, origin=origin_of(value))


def _zip(frame: Frame, name: str, arguments: Arguments, at: int, node: e.Call | None) -> Value:
    items = []
    bounds = set()
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
    values = tuple(given.value for given in arguments)
    return Collection("iterator", UNKNOWN, bound=constant_range(values), varies=varies_of(arguments))


def _str(frame: Frame, name: str, arguments: Arguments, at: int, node: e.Call | None) -> Value:
    value = as_text(frame, arguments[0].value, _node(arguments), at)
    return texts.hole(frame, value, arguments[0].node) if name == "str" else unknown(value)


def _bool(frame: Frame, name: str, arguments: Arguments, at: int, node: e.Call | None) -> Value:
    return unknown(tested(frame, arguments[0].value, _node(arguments), at))


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
                used=value.sliced or frame.needs_rows(node),
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
        and isinstance(value, Row | Instance | ModuleValue)
        and source is not None
    ):
        relation = isinstance(value, Row) and frame.program.schema.relation(value.model, target.value) is not None
        if name == "getattr" and len(arguments) > 2 and not relation:
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
    if ref is None or not isinstance(cls, ClassValue):
        return unknown(value)
    if cls.ref in frame.program.project.ancestors(ref):
        return Constant(True)
    return unknown(value) if ref in frame.program.project.ancestors(cls.ref) else Constant(False)


_BUILTINS: Mapping[str, Callable[[Frame, str, Arguments, int, e.Call | None], Value]] = {
    **dict.fromkeys(("list", "tuple", "set", "frozenset", "sorted", "reversed"), _container),
    **dict.fromkeys(("map", "filter"), _map),
    **dict.fromkeys(("sum", "min", "max", "any", "all"), _reduce),
    "iter": _iter,
    "aiter": _iter,
    "next": _next,
    "anext": _next,
    "len": _len,
    "enumerate": _enumerate,
    "zip": _zip,
    "range": _range,
    **dict.fromkeys(("str", "repr", "format", "print"), _str),
    "bool": _bool,
    **dict.fromkeys(("getattr", "hasattr"), _getattr),
    "setattr": _setattr,
    "isinstance": _isinstance,
}


def call_library(frame: Frame, name: str, arguments: Arguments, at: int, node: e.Call | None) -> Value | None:
    """What a function of the standard library gives, if it matters here; `None` otherwise."""
    if not arguments:
        return Collection("dict", UNKNOWN, key=UNKNOWN) if name.startswith("collections.") else None
    match name:
        case "collections.defaultdict":
            factory = arguments[0].value
            made = _CONTAINERS.get(factory.name.rpartition(".")[2]) if isinstance(factory, Symbol) else None
            element: Value = Collection(made, UNKNOWN) if made is not None else UNKNOWN  # type: ignore[arg-type]
            return Collection("dict", element, key=UNKNOWN)
        case "collections.OrderedDict" | "collections.Counter":
            return Collection("dict", UNKNOWN, key=UNKNOWN)
        case "collections.deque":
            return _container(frame, "list", arguments, at, node)
        case "itertools.chain":
            values = [ran(frame, arguments[position:], at) for position in range(len(arguments))]
            element = values[0]
            for other in values[1:]:
                element = join(element, other)
            if isinstance(element, Rows):
                return replace(element, here=True, type="")
            return Collection("iterator", first_of(frame, element), bound="growing")
        case "itertools.chain.from_iterable":
            return Collection("iterator", first_of(frame, first_of(frame, arguments[0].value)))
        case "itertools.islice" | "itertools.tee" | "copy.copy" | "copy.deepcopy" | "tqdm.tqdm" | "tqdm.auto.tqdm":
            value = ran(frame, arguments, at)
            limit = value_at(arguments, 1)
            if name == "itertools.islice" and isinstance(limit, Constant) and isinstance(value, Collection | Rows):
                return replace(value, bound="small") if isinstance(limit.value, int) and limit.value <= 20 else value
            return value
        case "itertools.groupby":
            value = ran(frame, arguments, at)
            key = value_at(arguments, 1, "key")
            if key is not None:
                applied(frame, key, value, at, "map", _node(arguments))
            inner: Value = replace(value, type="", here=True) if isinstance(value, Rows) else value
            pair = Collection("tuple", UNKNOWN, items=(UNKNOWN, inner))
            return Collection("iterator", pair)
        case "builtins.dict.fromkeys":
            value = ran(frame, arguments, at)
            bound = bound_of(value)
            return Collection("dict", UNKNOWN, key=first_of(frame, value), bound=bound, varies=value.varies)
        case "random.sample" | "random.choices":
            # Somebody wants a few of many.
            return Collection("list", first_of(frame, arguments[0].value), bound="small")
        case "operator.attrgetter" | "operator.itemgetter":
            return Object(name, arguments=tuple(("", given.value) for given in arguments))
        case "contextlib.closing" | "contextlib.aclosing":
            return arguments[0].value
        case "functools.partial":
            return _partial(arguments)
        case "functools.reduce":
            return unknown(*(given.value for given in arguments))
        case "asyncio.gather" | "asyncio.as_completed" | "asyncio.wait":
            return unknown(*(given.value for given in arguments))
        case "typing.cast":
            value = arguments[1].value if len(arguments) > 1 else UNKNOWN
            target = arguments[0].value
            if isinstance(value, Unknown) and isinstance(target, ClassValue):
                return varying(frame.program.instance_of(target.ref), value.varies)
            return value
    if name.startswith(
        ("builtins.", "collections.", "itertools.", "json.", "logging.", "datetime.", "math.", "re.", "os.")
    ):
        return unknown(*(given.value for given in arguments))
    return None


def _partial(arguments: Arguments) -> Value:
    function = arguments[0].value
    if (
        isinstance(function, FunctionValue)
        and len(arguments) == 2
        and function.receiver is None
        and not arguments[1].keyword
    ):
        return replace(function, receiver=arguments[1].value)
    return unknown(*(given.value for given in arguments))
