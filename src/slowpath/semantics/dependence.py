"""What values depend on, seen from elsewhere: after a loop, in a callee, in a caller."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec.structs import replace

from slowpath.semantics.steps import Trail
from slowpath.semantics.values import (
    UNKNOWN,
    ClassValue,
    Collection,
    Constant,
    FunctionValue,
    Hole,
    Instance,
    LambdaValue,
    Method,
    ModelAttribute,
    ModuleValue,
    Object,
    Operation,
    Row,
    Rows,
    Super,
    Symbol,
    Template,
    Unknown,
    Value,
    unknown,
)


def map_varies(value: Value, change: Callable[[frozenset[int]], frozenset[int]]) -> Value:
    """The value with every `varies` in it changed; what varies with nothing stays so."""
    if not all_varies(value):
        return UNKNOWN if type(value) is Unknown and not value.some else value
    varies = change(value.varies)
    match value:
        case Unknown(some=True) | Hole():
            return replace(value, varies=varies)
        case Unknown():
            return Unknown(varies=varies) if varies else UNKNOWN
        case Instance() | Row():
            return replace(value, varies=varies, fields=_map_fields(value.fields, change))
        case Rows():
            owner = map_varies(value.owner, change) if value.owner is not None else None
            items = tuple([map_varies(item, change) for item in value.items])
            return replace(value, varies=varies, owner=owner, items=items, fields=_map_fields(value.fields, change))
        case Collection():
            return replace(
                value,
                varies=varies,
                element=map_varies(value.element, change),
                key=map_varies(value.key, change) if value.key is not None else None,
                items=tuple([map_varies(item, change) for item in value.items]) if value.items is not None else None,
            )
        case Template():
            return replace(value, varies=varies, parts=tuple([map_varies(part, change) for part in value.parts]))
        case Object():
            return replace(value, varies=varies, arguments=_map_fields(value.arguments, change))
        case FunctionValue():
            receiver = map_varies(value.receiver, change) if value.receiver is not None else None
            return replace(value, varies=varies, receiver=receiver, captured=_map_fields(value.captured, change))
        case LambdaValue():
            return replace(value, varies=varies, captured=_map_fields(value.captured, change))
        case Operation():
            return replace(value, varies=varies, operands=tuple([map_varies(each, change) for each in value.operands]))
        case Method() | Super():
            return replace(value, varies=varies, receiver=map_varies(value.receiver, change))
    return value if varies == value.varies else replace(value, varies=varies)


def _map_fields(
    fields: tuple[tuple[str, Value], ...], change: Callable[[frozenset[int]], frozenset[int]]
) -> tuple[tuple[str, Value], ...]:
    return tuple([(name, map_varies(value, change)) for name, value in fields])


def all_varies(value: Value) -> frozenset[int]:
    """Everything that some part of the value varies with."""
    if value.__class__ in _WHOLE:
        return value.varies
    # Asked of the same values over and over: a fifth of a whole run before the answers were kept.
    memory: dict[str, frozenset[int]] = value.__dict__
    known = memory.get("all_varies")
    if known is None:
        known = memory["all_varies"] = value.varies.union(*map(all_varies, _parts(value)))
    return known


_WHOLE = frozenset((Unknown, Hole, Constant, Symbol, ModuleValue, ClassValue, ModelAttribute))


def _parts(value: Value) -> Iterator[Value]:
    match value:
        case Instance(fields=fields) | Row(fields=fields) | Object(arguments=fields) | LambdaValue(captured=fields):
            yield from (part for _, part in fields)
        case Rows():
            yield from value.items
            yield from (part for _, part in value.fields)
            if value.owner is not None:
                yield value.owner
        case Collection():
            yield value.element
            yield from value.items or ()
            if value.key is not None:
                yield value.key
        case Template():
            yield from value.parts
        case Operation():
            yield from value.operands
        case FunctionValue():
            yield from (part for _, part in value.captured)
            if value.receiver is not None:
                yield value.receiver
        case Method() | Super():
            yield value.receiver


def settled(value: Value, loops: frozenset[int]) -> Value:
    """The value after these loops have ended."""
    return value if loops.isdisjoint(all_varies(value)) else map_varies(value, lambda varies: varies - loops)


def trimmed(value: Value, depth: int = 3) -> Value:
    """The value without what lies more than so many attributes deep, and without what says nothing, so that recursion
    ends."""
    if depth == 0:
        return value if isinstance(value, Symbol | ClassValue | ModuleValue) else unknown(value)
    if value.__class__ in _WHOLE:
        return value
    memory: dict[str, Value] = value.__dict__
    known = memory.get(_TRIMMED[depth])
    if known is None:
        known = memory[_TRIMMED[depth]] = _trimmed(value, depth)
    return known


_TRIMMED = ("", "trimmed_1", "trimmed_2", "trimmed_3")


def _trimmed(value: Value, depth: int) -> Value:
    match value:
        case Row(fields=()) | Instance(fields=()):
            return value
        case Instance() | Row():
            parts = ((name, trimmed(part, depth - 1)) for name, part in value.fields)
            plain = isinstance(value, Instance)
            kept = tuple((name, part) for name, part in parts if not (plain and isinstance(part, Unknown | Constant)))
            return value if kept == value.fields else replace(value, fields=kept)
        case Rows(trail=Trail()):
            return replace(value, trail=None)
        case Collection(items=()):
            return value
        case Collection():
            return _trimmed_collection(value, depth)
    return value


def _trimmed_collection(value: Collection, depth: int) -> Collection:
    items, bound = value.items, value.bound
    if items is not None:
        bound = "small" if len(items) <= 12 else "growing"
        items = tuple(trimmed(item, depth - 1) for item in items) if len(items) <= 6 else None
        if items is not None and all(isinstance(item, Unknown) for item in items):
            items = None
    key = trimmed(value.key, depth - 1) if value.key is not None else None
    element = value.element if isinstance(value.element, Unknown) else trimmed(value.element, depth - 1)
    if isinstance(element, Constant):
        element = unknown(element)
    return replace(value, element=element, key=key, items=items, bound=bound)
