"""What literals of Python's source say."""

from __future__ import annotations

import re
from math import isfinite
from unicodedata import lookup

# Python itself refuses to read decimal integers longer than 4,300 digits, and caches keep whole numbers of 64 bits.
_LONGEST_INTEGER = 4_000
_BIG = 2**63

_ESCAPE = re.compile(
    r"\\(?:\n|[\\'\"abfnrtv]|[0-7]{1,3}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|N\{[^}]+\}|[xuUN])"
)
_SIMPLE_ESCAPES = {
    "\n": "",
    "\\": "\\",
    "'": "'",
    '"': '"',
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
}


def string(literal: str) -> str | None:
    """The text of a string literal, prefix and quotes included; none when it holds an escape that is wrong."""
    opening = min(filter(None, (literal.find("'") + 1, literal.find('"') + 1))) - 1
    quotes = 3 if len(literal) - opening >= 6 and literal[opening] * 3 == literal[opening : opening + 3] else 1
    text = literal[opening + quotes : -quotes]
    return text if "\\" not in text or "r" in literal[:opening].lower() else unescaped(text)


def is_bytes(literal: str) -> bool:
    """Whether a string literal is one of bytes."""
    return literal[0] in "bB" or literal[:2].lower() == "rb"


def unescaped(text: str) -> str | None:
    """The text that the inside of a string literal stands for; none when an escape is wrong."""
    try:
        return _ESCAPE.sub(_character, text)
    except (KeyError, ValueError, OverflowError):
        return None


def integer(literal: str) -> int | None:
    """The value of an integer literal, unless it is huge."""
    value = int(literal, 0) if len(literal) <= _LONGEST_INTEGER else _BIG
    return value if value < _BIG else None


def floating(literal: str) -> float | None:
    """The value of a floating-point literal, unless it is infinite."""
    value = float(literal)
    return value if isfinite(value) else None


def _character(escape: re.Match[str]) -> str:
    said = escape[0][1:]
    if said in _SIMPLE_ESCAPES:
        return _SIMPLE_ESCAPES[said]
    match said[0]:
        case "N":
            return lookup(said[2:-1])
        case "x" | "u" | "U":
            return chr(int(said[1:], 16))
    return chr(int(said, 8))
