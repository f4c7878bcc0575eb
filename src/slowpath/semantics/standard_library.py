"""What functions of the standard library give: containers, iterators, and what only hands on."""

from __future__ import annotations

from msgspec.structs import replace

from slowpath import expression as e
from slowpath.semantics.arguments import Arguments, value_at, varies_of
from slowpath.semantics.builtins import CONTAINERS, applied, container, node_of, ran, zipped
from slowpath.semantics.frame import Frame
from slowpath.semantics.iteration import bound_of, first_of
from slowpath.semantics.joins import join
from slowpath.semantics.values import (
    UNKNOWN,
    ClassValue,
    Collection,
    Constant,
    FunctionValue,
    LambdaValue,
    Object,
    Rows,
    Symbol,
    Unknown,
    Value,
    unknown,
    varying,
)


def call_library(frame: Frame, name: str, arguments: Arguments, at: int, node: e.Call | None) -> Value | None:
    """What a function of the standard library gives, if it matters here; `None` otherwise."""
    if not arguments:
        return Collection("dict", UNKNOWN, key=UNKNOWN) if name.startswith("collections.") else None
    match name:
        case "collections.defaultdict":
            factory = arguments[0].value
            made = CONTAINERS.get(factory.name.rpartition(".")[2]) if isinstance(factory, Symbol) else None
            element: Value = Collection(made, UNKNOWN) if made is not None else UNKNOWN  # type: ignore[arg-type]
            if isinstance(factory, LambdaValue):
                from slowpath.semantics.calls import call

                element = call(frame, factory, (), at, None)
            return Collection("dict", element, key=UNKNOWN)
        case "collections.OrderedDict" | "collections.Counter":
            return Collection("dict", UNKNOWN, key=UNKNOWN)
        case "collections.deque":
            return container(frame, "list", arguments, at, node)
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
        case "itertools.count":
            step = value_at(arguments, 1, "step")
            apart = step is not None and not (isinstance(step, Constant) and step.value == 1)
            return Collection("iterator", UNKNOWN, bound="chunked" if apart else "unclear", varies=varies_of(arguments))
        case "itertools.zip_longest":
            return zipped(frame, name, arguments, at, node)
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
                applied(frame, key, value, at, "map", node_of(arguments))
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
