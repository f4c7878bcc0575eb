"""Keys as facts know them, from what the interpreter knows of texts."""

from __future__ import annotations

from slowpath.keys import Key, Part
from slowpath.semantics.values import Constant, Hole, Symbol, Template, Value


def key_of(value: Value) -> Key:
    """The text as a key."""
    return tuple(_part(part) for part in (value.parts if isinstance(value, Template) else (value,)))


def _part(value: Value) -> Part:
    match value:
        case Constant(value=str() | bytes() | int() as text) if not isinstance(text, bool):
            return Part(str(text))
        case Hole(name=name):
            return Part(name, hole=True)
        case Symbol(name=name):
            return Part(name.rpartition(".")[2], hole=True)
    return Part("…", hole=True)
