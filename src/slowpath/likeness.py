"""Whether a file declares the same, and models are the same, but for the lines that they stand on."""

from __future__ import annotations

import re

import msgspec

from slowpath.declarations import Declarations
from slowpath.schema import Schema

_POSITIONS = re.compile(r"\b(?:at|line)=-?\d+")


def shape_of(declarations: Declarations | None) -> str:
    """What may make other models of a file's classes; empty of no file."""
    if declarations is None:
        return ""
    returned = [(function.qualname, function.returned) for function in declarations.functions if function.returned]
    named = (declarations.imports, declarations.exports, declarations.classes, declarations.assignments)
    return without_positions((*named, declarations.calls, returned))


def without_positions(declared: object) -> str:
    """The text of anything declared, without the lines and columns in it."""
    return _POSITIONS.sub("", repr(declared))


def encoded(schema: Schema) -> bytes:
    """The models, lines and all."""
    return msgspec.msgpack.encode(schema.models, order="deterministic")
