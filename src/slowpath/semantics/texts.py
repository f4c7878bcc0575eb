"""Texts put together from parts: f-strings, `%`, `.format`, `+` and `join`, with holes for what is not known.

A hole that is a parameter, passed on as it is, is filled where the function is called: so a function that makes keys
is read once, whoever calls it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from slowpath import expression as e
from slowpath.references import FunctionRef
from slowpath.semantics.frame import Frame
from slowpath.semantics.values import Collection, Constant, Hole, Symbol, Template, Unknown, Value, unknown
from slowpath.spelling import spelled

_PERCENT = re.compile(r"%(?:\((?P<name>[^)]*)\))?[#0\- +]*(?:\*|\d+)?(?:\.\d+)?(?P<kind>[diouxXeEfFgGcrsa%])")
_STARS = re.compile(r"\*+")
_BRACES = re.compile(r"\{\{|\}\}|\{(?P<name>[^{}!:.\[]*)[^{}]*(?:\{[^{}]*\}[^{}]*)?\}")


def hole(frame: Frame, value: Value, node: e.Expression | None) -> Value:
    """The value as a part of a text: what is not known leaves a hole, with a name if it was written down."""
    match value:
        case Constant(value=None):
            return Hole(name=spelled(node), varies=value.varies)
        case Constant() | Template() | Hole() | Symbol():
            return value
    owner = ""
    if isinstance(node, e.Name) and isinstance(value, Unknown) and _is_parameter(frame, node.id):
        owner = _owner(frame.module, frame.function)
    return Hole(name=spelled(node), owner=owner, varies=unknown(value).varies)


def several(frame: Frame, value: Value, node: e.Expression | None) -> Value:
    """What is in a list as parts of a text; one hole, called so, where nobody knows how many there are."""
    match value:
        case Constant(value=None):
            return Constant("")
        case Collection(items=tuple() as items):
            nodes = node.elements if isinstance(node, e.Listing) and len(node.elements) == len(items) else None
            parts = zip(items, nodes or (None,) * len(items), strict=True)
            return joined(Constant(":"), [hole(frame, item, written) for item, written in parts])
    return Hole(name=f"*{spelled(node)}", varies=unknown(value).varies)


def is_text(value: Value) -> bool:
    """Whether it is a text, or a part of one that a caller knows."""
    match value:
        case Constant(value=str()) | Template():
            return True
        case Hole(owner=owner):
            return bool(owner)
    return False


def parameter(ref: FunctionRef, name: str, varies: frozenset[int]) -> Value:
    """A text that is passed for this parameter, as the function sees it whoever calls."""
    return Hole(name=name, owner=_owner(ref.module, ref.qualname), some=True, varies=varies)


def _is_parameter(frame: Frame, name: str) -> bool:
    return name in frame.env and name not in frame.rebound and bool(frame.function)


def _owner(module: str, function: str) -> str:
    return f"{module}:{function}"


def template(parts: Iterable[Value]) -> Value:
    """The parts one after the other; texts inside texts are laid open, and a text without holes is a constant."""
    flat: list[Value] = []
    for part in parts:
        for piece in part.parts if isinstance(part, Template) else (part,):
            last = flat[-1] if flat else None
            if isinstance(piece, Constant) and isinstance(last, Constant):
                flat[-1] = Constant(f"{last.value}{piece.value}", varies=last.varies | piece.varies)
            elif not (isinstance(piece, Constant) and piece.value == ""):
                flat.append(piece)
    if not flat:
        return Constant("")
    if len(flat) == 1 and isinstance(flat[0], Constant):
        return flat[0] if isinstance(flat[0].value, str) else replace(flat[0], value=str(flat[0].value))
    return Template(tuple(flat), varies=unknown(*flat).varies)


def percent(text: Constant | Template, values: Sequence[Value], named: Mapping[str, Value] | None = None) -> Value:
    """`text % values`; `named` when they are a dict."""
    left = iter(values)

    def piece(match: re.Match[str]) -> Value:
        if match["kind"] == "%":
            return Constant("%")
        if match["name"] is not None:
            return (named or {}).get(match["name"], Hole(name=match["name"]))
        return next(left, Hole(name="…"))

    return template(_split(text, _PERCENT, piece))


def braces(text: Constant | Template, values: Sequence[Value], named: Mapping[str, Value]) -> Value:
    """`text.format(*values, **named)`."""
    count = iter(range(len(values) + 1_000))

    def piece(match: re.Match[str]) -> Value:
        name = match["name"]
        if name is None:
            return Constant(match[0][0])
        if name and not name.isdecimal():
            return named.get(name, Hole(name=name))
        position = int(name) if name else next(count)
        return values[position] if position < len(values) else Hole(name="…")

    return template(_split(text, _BRACES, piece))


def _split(
    text: Constant | Template, pattern: re.Pattern[str], piece: Callable[[re.Match[str]], Value]
) -> Iterator[Value]:
    for part in text.parts if isinstance(text, Template) else (text,):
        if not isinstance(part, Constant) or not isinstance(part.value, str):
            yield part
            continue
        end = 0
        for match in pattern.finditer(part.value):
            yield Constant(part.value[end : match.start()], varies=part.varies)
            yield piece(match)
            end = match.end()
        yield Constant(part.value[end:], varies=part.varies)


def globbed(pattern: Value) -> Value:
    """The texts that a pattern stands for: a hole for each `*`."""
    if not isinstance(pattern, Constant | Template):
        return pattern
    return template(_split(pattern, _STARS, lambda _: Hole(name="*")))


def joined(separator: Value, parts: Sequence[Value]) -> Value:
    """`separator.join(parts)`."""
    between: list[Value] = []
    for part in parts:
        between += [separator, part] if between else [part]
    return template(between)


def filled(value: Value, module: str, function: str, argument: Callable[[str], Value]) -> Value:
    """The text as the caller of a function knows it: holes that are its parameters hold what was passed."""
    owner = _owner(module, function)
    match value:
        case Hole(owner=whose) if whose == owner:
            return argument(value.name)
        case Template(parts=parts) if any(isinstance(part, Hole) and part.owner == owner for part in parts):
            return template(filled(part, module, function, argument) for part in parts)
        case Collection(element=element, items=items, key=key) if _holds_text(value):
            return replace(
                value,
                element=filled(element, module, function, argument),
                items=tuple(filled(item, module, function, argument) for item in items) if items is not None else None,
                key=filled(key, module, function, argument) if key is not None else None,
            )
    return value


def _holds_text(value: Collection) -> bool:
    return any(isinstance(part, Template) for part in (value.element, value.key, *(value.items or ())))
