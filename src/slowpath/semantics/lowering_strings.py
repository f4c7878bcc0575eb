"""LibCST's strings in the neutral form: what is adjacent is one, as it is for Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal, NamedTuple

import libcst as cst

from slowpath.expression import Constant, Expression, Template
from slowpath.semantics import literals

Nodes = list[cst.CSTNode]
Lowering = Callable[[cst.CSTNode, Nodes], Expression]


def number(node: cst.CSTNode, nodes: Nodes) -> int:
    """The node's number, now that it has been met."""
    nodes.append(node)
    return len(nodes) - 1


Strings = cst.SimpleString | cst.ConcatenatedString | cst.FormattedString | cst.TemplatedString


def strings(node: Strings, nodes: Nodes, expression: Lowering) -> Template | Constant:
    """Adjacent strings as one: a constant when they have no holes, otherwise a template with merged constants."""
    at = number(node, nodes)
    parts: list[Expression] = []
    for part in _parts(node, nodes, expression):
        last = parts[-1] if parts else None
        if not isinstance(part, _Text):
            parts.append(part)
        elif type(last) is Constant:
            parts[-1] = _joined(last, part)
        elif part.value != "":
            parts.append(Constant(number(part.node, nodes), part.value, part.kind))
    if len(parts) > 1 or (parts and type(parts[0]) is not Constant):
        return Template(at, tuple(parts))
    del nodes[at + 1 :]
    only = parts[0] if parts else None
    return Constant(at, only.value, only.kind) if type(only) is Constant else Constant(at, "")


class _Text(NamedTuple):
    """A piece of a string without holes, and what it says."""

    node: cst.CSTNode
    value: str | None
    kind: Literal["", "bytes", "other"]


def _joined(left: Constant, right: _Text) -> Constant:
    if type(left.value) is str and right.value is not None:
        return Constant(left.at, left.value + right.value)
    return Constant(left.at, None, left.kind or right.kind or "other")


def _parts(node: cst.CSTNode, nodes: Nodes, expression: Lowering) -> Iterator[Expression | _Text]:
    # Concatenated strings nest to the right, often hundreds deep.
    while isinstance(node, cst.ConcatenatedString):
        yield from _parts(node.left, nodes, expression)
        node = node.right
    if isinstance(node, (cst.FormattedString, cst.TemplatedString)):
        yield from _pieces(node.parts, nodes, expression, is_raw="r" in node.start.lower())
    elif isinstance(node, cst.SimpleString):
        value = None if literals.is_bytes(node.value) else literals.string(node.value)
        yield _text(node, value, "bytes" if literals.is_bytes(node.value) else "other")


Pieces = Sequence[cst.BaseFormattedStringContent] | Sequence[cst.BaseTemplatedStringContent]


def _pieces(pieces: Pieces, nodes: Nodes, expression: Lowering, *, is_raw: bool) -> Iterator[Expression | _Text]:
    for piece in pieces:
        if isinstance(piece, (cst.FormattedStringText, cst.TemplatedStringText)):
            text = piece.value.replace("{{", "{").replace("}}", "}")
            yield _text(piece, text if is_raw or "\\" not in text else literals.unescaped(text), "other")
        elif isinstance(piece, (cst.FormattedStringExpression, cst.TemplatedStringExpression)):
            if piece.equal is not None:
                # `f"{x=}"` says `x=` before what x is.
                yield _text(piece, f"{_MODULE.code_for_node(piece.expression)}=", "other")
            # A hole that is a literal must not merge with the text around it: its conversion and format are unknown.
            hole = expression(piece.expression, nodes)
            yield Template(hole.at, (hole,)) if type(hole) is Constant else hole
            for nested in _pieces(piece.format_spec or (), nodes, expression, is_raw=is_raw):
                if not isinstance(nested, _Text):
                    yield nested


_MODULE = cst.Module([])


def _text(node: cst.CSTNode, value: str | None, otherwise: Literal["bytes", "other"]) -> _Text:
    return _Text(node, value, otherwise if value is None else "")
