"""What is true of a value that may be one of two: what both have in common."""

from __future__ import annotations

from msgspec.structs import replace

from slowpath.semantics.steps import either_way
from slowpath.semantics.values import (
    UNKNOWN,
    Bound,
    Collection,
    Constant,
    FunctionValue,
    Hole,
    Instance,
    Object,
    Origin,
    Row,
    Rows,
    Template,
    Unknown,
    Value,
    varying,
)


def either(one: Value, other: Value) -> Value:
    """One or the other, as an annotation says: the first of which anything is known."""
    if isinstance(one, Unknown):
        return other
    if isinstance(one, Instance) and isinstance(other, Instance) and one.ref != other.ref:
        return replace(one, others=tuple(dict.fromkeys((*one.others, other.ref, *other.others))))
    return one


def join(one: Value, other: Value) -> Value:
    """What is true of both; `None` on one side is passed over, as code that goes on has tested for it."""
    if one == other:
        return one
    varies = one.varies | other.varies
    if isinstance(one, Constant) and one.value is None:
        return varying(other, varies)
    if isinstance(other, Constant) and other.value is None:
        return varying(one, varies)
    joined: Value | None = None
    match one, other:
        case Row(), Row() if one.model == other.model:
            joined = _join_row(one, other)
        case Rows(), Rows() if one.model == other.model and one.plain == other.plain and one.items == other.items:
            joined = _join_rows(one, other)
        case Instance(), Instance() if one.ref == other.ref:
            others = tuple(dict.fromkeys((*one.others, *other.others)))
            joined = replace(one, fields=_all_fields(one.fields, other.fields), others=others)
        case Collection(), Collection() if one.kind == other.kind:
            joined = _join_collections(one, other)
        case Collection(items=()), Rows():
            joined = other
        case Rows(), Collection(items=()):
            joined = one
        case Object(), Object() if one.type == other.type:
            joined = _join_objects(one, other)
        case ((Constant(value=str()) | Template() | Hole()), (Constant(value=str()) | Template() | Hole())):
            joined = _join_texts(one, other)
        case FunctionValue(), FunctionValue() if one.ref == other.ref:
            joined = one if one.receiver == other.receiver else None
    if joined is None:
        return Unknown(varies=varies) if varies else UNKNOWN
    return varying(joined, varies)


def _join_texts(one: Value, other: Value) -> Value | None:
    """One text or another: what they begin and end with is known, if there is any of it."""
    mine, theirs = _letters(one), _letters(other)
    shorter = min(len(mine), len(theirs))
    begin = next((at for at in range(shorter) if mine[at] != theirs[at]), shorter)
    end = next((at for at in range(shorter - begin) if mine[-1 - at] != theirs[-1 - at]), shorter - begin)
    known = (*mine[:begin], *mine[len(mine) - end :])
    if (
        not any(isinstance(each, Hole) and each.owner for each in known)
        and sum(isinstance(each, str) for each in known) < 3
    ):
        return None
    return Template((*_parts(mine[:begin]), Hole(name="…"), *_parts(mine[len(mine) - end :])))


def _letters(text: Value) -> list[str | Value]:
    parts = text.parts if isinstance(text, Template) else (text,)
    return [letter for part in parts for letter in (str(part.value) if isinstance(part, Constant) else (part,))]


def _parts(letters: list[str | Value]) -> list[Value]:
    """The letters as constants between holes."""
    result: list[Value] = []
    for letter in letters:
        last = result[-1] if result else None
        if isinstance(letter, str):
            if isinstance(last, Constant):
                result[-1] = Constant(f"{last.value}{letter}")
            else:
                result.append(Constant(letter))
        else:
            result.append(letter)
    return result


def _join_objects(one: Object, other: Object) -> Object:
    """The same kind of thing, built in two ways: what was built on alike is kept, what was not could be anything."""
    if one.arguments != other.arguments:
        return replace(one, arguments=(("*", UNKNOWN),), chain=())
    common = []
    for mine, theirs in zip(one.chain, other.chain, strict=False):
        if mine != theirs:
            break
        common.append(mine)
    return replace(one, chain=tuple(common))


def _first(one: Origin | None, other: Origin | None) -> Origin | None:
    if one is None or other is None:
        return None
    return min(one, other, key=lambda origin: origin.place)


def _join_row(one: Row, other: Row) -> Row:
    same = one.prefix == other.prefix
    return replace(
        one,
        loads=one.loads.join(other.loads),
        known=one.known and other.known and same,
        origin=_first(one.origin, other.origin) if same else None,
        fields=_join_fields(one.fields, other.fields),
        fresh=one.fresh or other.fresh,
        implicit=one.implicit or other.implicit,
    )


def _join_rows(one: Rows, other: Rows) -> Rows:
    same = one.prefix == other.prefix
    return replace(
        one,
        type=one.type if one.type == other.type else "",
        loads=one.loads.join(other.loads),
        known=one.known and other.known and same,
        origin=_first(one.origin, other.origin) if same else None,
        manager=one.manager if one.manager == other.manager else "",
        owner=one.owner if one.owner == other.owner else None,
        relation=one.relation if one.relation == other.relation else "",
        cached=one.cached and other.cached,
        here=one.here and other.here,
        fields=_join_fields(one.fields, other.fields),
        refined=one.refined or other.refined,
        needed=one.needed or other.needed,
        plain=one.plain,
        bound=one.bound if one.bound == other.bound else "growing",
        trail=either_way(one.trail, other.trail),
    )


def _join_fields(
    one: tuple[tuple[str, Value], ...], other: tuple[tuple[str, Value], ...]
) -> tuple[tuple[str, Value], ...]:
    names = dict(other)
    return tuple((name, join(value, names[name])) for name, value in one if name in names)


def _all_fields(
    one: tuple[tuple[str, Value], ...], other: tuple[tuple[str, Value], ...]
) -> tuple[tuple[str, Value], ...]:
    """The attributes that an instance has on one side or the other: code that reads one knows that it was set."""
    if one == other:
        return one
    names = dict(one)
    for name, value in other:
        names[name] = join(names[name], value) if name in names else value
    return tuple(sorted(names.items(), key=lambda pair: pair[0]))


def _join_collections(one: Collection, other: Collection) -> Collection:
    empty, full = (one, other) if one.items == () else (other, one)
    if empty.items == ():
        return full
    items = None
    if one.items is not None and other.items is not None and len(one.items) == len(other.items):
        items = tuple(map(join, one.items, other.items))
    key = join(one.key, other.key) if one.key is not None and other.key is not None else None
    bound: Bound = one.bound if one.bound == other.bound else "growing"
    return Collection(one.kind, join(one.element, other.element), key, items, bound, _first(one.origin, other.origin))
