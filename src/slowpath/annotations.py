"""Annotations of the standard library's trees in the neutral form, quoted or not."""

from __future__ import annotations

import ast

from slowpath.expression import Expression
from slowpath.reading import Places, expression_of


def annotation_of(node: ast.expr, places: Places) -> Expression:
    """The annotation in the neutral form, with the parts of it that are quoted read as code."""
    return expression_of(_unquoted(node), places)


def _unquoted(node: ast.expr) -> ast.expr:
    """The annotation with its quoted parts replaced by the code in them; what is no annotation stays as it is."""
    match node:
        case ast.Constant(value=str(text)) if text.strip():
            return _parsed(text, node)
        case ast.Subscript(value=ast.Name(id="Literal") | ast.Attribute(attr="Literal")):
            return node
        case ast.Subscript(
            value=ast.Name(id="Annotated") | ast.Attribute(attr="Annotated"),
            slice=ast.Tuple(elts=[first, *_] as elements),
        ):
            elements[0] = _unquoted(first)
        case ast.Subscript(value=value, slice=index):
            node.value = _unquoted(value)
            node.slice = _unquoted(index)
        case ast.BinOp(left=left, right=right):
            node.left = _unquoted(left)
            node.right = _unquoted(right)
        case ast.Tuple(elts=elements) | ast.List(elts=elements):
            elements[:] = [_unquoted(element) for element in elements]
    return node


def _parsed(text: str, place: ast.Constant) -> ast.expr:
    try:
        parsed = ast.parse(f"({text})", mode="eval").body
    except (SyntaxError, ValueError):
        return place
    for node in ast.walk(parsed):
        ast.copy_location(node, place)
    return _unquoted(parsed)
