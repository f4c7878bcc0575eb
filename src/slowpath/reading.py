"""Expressions of the standard library's trees in the neutral form."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from math import isfinite
from typing import Literal

from msgspec import Struct

from slowpath.expression import (
    Argument,
    Attribute,
    Await,
    Binary,
    Boolean,
    Call,
    Compare,
    Comprehension,
    Conditional,
    Constant,
    Expression,
    Generator,
    Lambda,
    Listing,
    Mapping,
    Name,
    Parameter,
    Slice,
    Starred,
    Subscript,
    Template,
    Unary,
    Walrus,
    Yield,
    at_of,
)
from slowpath.respelling import respelled

Kind = Literal["/", "", "*", "k", "**"]

# Caches keep whole numbers of 64 bits.
_BIG = 2**63

_OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.MatMult: "@",
    ast.Div: "/",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.LShift: "<<",
    ast.RShift: ">>",
    ast.BitOr: "|",
    ast.BitXor: "^",
    ast.BitAnd: "&",
    ast.FloorDiv: "//",
    ast.Not: "not",
    ast.USub: "-",
    ast.UAdd: "+",
    ast.Invert: "~",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.In: "in",
    ast.NotIn: "not in",
}


class Lines(Struct, frozen=True):
    """The lines of a file; `ascii` says that bytes and characters are the same in all of them."""

    lines: list[str]
    ascii: bool

    def column(self, line: int, offset: int) -> int:
        """The column, in characters from 1, of this UTF-8 offset."""
        # Before 3.12 a hole of an f-string can claim to stand on a line that is not there.
        if self.ascii or line > len(self.lines):
            return offset + 1
        text = self.lines[line - 1]
        return offset + 1 if text.isascii() else len(text.encode()[:offset].decode(errors="ignore")) + 1


def expression_of(node: ast.expr, lines: Lines) -> Expression:
    """The expression in the neutral form."""
    read = _READERS.get(node.__class__)
    at = (
        node.lineno << 12 | node.col_offset + 1
        if lines.ascii and node.col_offset < 4095
        else at_of(node.lineno, lines.column(node.lineno, node.col_offset))
    )
    return read(node, at, lines) if read else Constant(at, None, "other")


def annotation_of(node: ast.expr, lines: Lines) -> Expression:
    """The annotation in the neutral form, with the parts of it that are quoted read as code."""
    return expression_of(_unquoted(node), lines)


def operator_of(operator: ast.operator) -> str:
    """Python's own spelling of it."""
    return _OPERATORS[type(operator)]


def parameters_of(arguments: ast.arguments, lines: Lines) -> tuple[Parameter, ...]:
    """The parameters in order."""
    ordinary = [*arguments.posonlyargs, *arguments.args]
    defaults: list[ast.expr | None] = [None] * (len(ordinary) - len(arguments.defaults))
    defaults += arguments.defaults
    found = [
        _parameter(argument, "/" if index < len(arguments.posonlyargs) else "", default, lines)
        for index, (argument, default) in enumerate(zip(ordinary, defaults, strict=True))
    ]
    if arguments.vararg:
        found.append(_parameter(arguments.vararg, "*", None, lines))
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        found.append(_parameter(argument, "k", default, lines))
    if arguments.kwarg:
        found.append(_parameter(arguments.kwarg, "**", None, lines))
    return tuple(found)


def bindings_of(target: ast.expr, value: Expression | None) -> Iterator[tuple[str, Expression | None]]:
    """The names that an assignment of this value to the target binds, each with the part of the value it gets."""
    match target:
        case ast.Name(id=name):
            yield name, value
        case ast.Starred(value=rest):
            yield from bindings_of(rest, None)
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            for index, part in enumerate(parts):
                yield from bindings_of(part, _part(value, index, [*map(type, parts)].count(ast.Starred)))


def _parameter(argument: ast.arg, kind: Kind, default: ast.expr | None, lines: Lines) -> Parameter:
    return Parameter(
        argument.arg,
        kind,
        annotation_of(argument.annotation, lines) if argument.annotation else None,
        expression_of(default, lines) if default else None,
    )


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


def _part(value: Expression | None, index: int, starred: int) -> Expression | None:
    if value is None or starred:
        return None
    if isinstance(value, Listing) and value.kind != "set" and index < len(value.elements):
        return value.elements[index]
    return Subscript(value.at, value, Constant(value.at, index))


def _optional(node: ast.expr | None, lines: Lines) -> Expression | None:
    return expression_of(node, lines) if node else None


def _all(nodes: Sequence[ast.expr], lines: Lines) -> tuple[Expression, ...]:
    return tuple([expression_of(node, lines) for node in nodes])


def _name(node: ast.Name, at: int, lines: Lines) -> Expression:
    return Name(at, node.id)


def _attribute(node: ast.Attribute, at: int, lines: Lines) -> Expression:
    return Attribute(at, expression_of(node.value, lines), node.attr)


def _constant(node: ast.Constant, at: int, lines: Lines) -> Expression:
    value = node.value
    match value:
        case str():
            # A lone surrogate cannot be written to any cache.
            return Constant(at, value if value.isascii() else value.encode(errors="replace").decode())
        case bool() | None:
            return Constant(at, value)
        case int() if -_BIG < value < _BIG:
            return Constant(at, value)
        case float() if isfinite(value):
            return Constant(at, value)
        case bytes():
            return Constant(at, None, "bytes")
    return Constant(at, None, "other")


def _call(node: ast.Call, at: int, lines: Lines) -> Expression:
    arguments = [
        Argument(expression_of(passed.value, lines), None, "*")
        if isinstance(passed, ast.Starred)
        else Argument(expression_of(passed, lines))
        for passed in node.args
    ]
    for keyword in node.keywords:
        value = expression_of(keyword.value, lines)
        arguments.append(Argument(value, keyword.arg) if keyword.arg else Argument(value, None, "**"))
    return Call(at, expression_of(node.func, lines), tuple(arguments))


def _template(node: ast.JoinedStr, at: int, lines: Lines) -> Expression:
    return Template(at, _all(node.values, lines))


def _hole(node: ast.FormattedValue, at: int, lines: Lines) -> Expression:
    return expression_of(node.value, lines)


def _list(node: ast.List, at: int, lines: Lines) -> Expression:
    return Listing(at, "list", _all(node.elts, lines))


def _tuple(node: ast.Tuple, at: int, lines: Lines) -> Expression:
    return Listing(at, "tuple", _all(node.elts, lines))


def _set(node: ast.Set, at: int, lines: Lines) -> Expression:
    return Listing(at, "set", _all(node.elts, lines))


def _dict(node: ast.Dict, at: int, lines: Lines) -> Expression:
    return Mapping(at, tuple([_optional(key, lines) for key in node.keys]), _all(node.values, lines))


def _subscript(node: ast.Subscript, at: int, lines: Lines) -> Expression:
    return Subscript(at, expression_of(node.value, lines), expression_of(node.slice, lines))


def _slice(node: ast.Slice, at: int, lines: Lines) -> Expression:
    return Slice(at, _optional(node.lower, lines), _optional(node.upper, lines), _optional(node.step, lines))


def _lambda(node: ast.Lambda, at: int, lines: Lines) -> Expression:
    return Lambda(at, parameters_of(node.args, lines), expression_of(node.body, lines))


def _list_comprehension(node: ast.ListComp, at: int, lines: Lines) -> Expression:
    return Comprehension(at, "list", expression_of(node.elt, lines), None, _generators(node.generators, lines))


def _set_comprehension(node: ast.SetComp, at: int, lines: Lines) -> Expression:
    return Comprehension(at, "set", expression_of(node.elt, lines), None, _generators(node.generators, lines))


def _generator_expression(node: ast.GeneratorExp, at: int, lines: Lines) -> Expression:
    return Comprehension(at, "generator", expression_of(node.elt, lines), None, _generators(node.generators, lines))


def _dict_comprehension(node: ast.DictComp, at: int, lines: Lines) -> Expression:
    key = expression_of(node.key, lines)
    return Comprehension(at, "dict", expression_of(node.value, lines), key, _generators(node.generators, lines))


def _generators(generators: list[ast.comprehension], lines: Lines) -> tuple[Generator, ...]:
    return tuple(
        Generator(
            expression_of(generator.target, lines),
            expression_of(generator.iter, lines),
            _all(generator.ifs, lines),
            bool(generator.is_async),
        )
        for generator in generators
    )


def _binary(node: ast.BinOp, at: int, lines: Lines) -> Expression:
    return Binary(at, _OPERATORS[type(node.op)], expression_of(node.left, lines), expression_of(node.right, lines))


def _compare(node: ast.Compare, at: int, lines: Lines) -> Expression:
    operators = tuple([_OPERATORS[type(operator)] for operator in node.ops])
    return Compare(at, expression_of(node.left, lines), operators, _all(node.comparators, lines))


def _boolean(node: ast.BoolOp, at: int, lines: Lines) -> Expression:
    operator: Literal["and", "or"] = "and" if isinstance(node.op, ast.And) else "or"
    first, *others = _all(node.values, lines)
    for other in others:
        first = Boolean(at, operator, first, other)
    return first


def _unary(node: ast.UnaryOp, at: int, lines: Lines) -> Expression:
    return Unary(at, _OPERATORS[type(node.op)], expression_of(node.operand, lines))


def _conditional(node: ast.IfExp, at: int, lines: Lines) -> Expression:
    test, body, orelse = _all((node.test, node.body, node.orelse), lines)
    return Conditional(at, test, body, orelse)


def _await(node: ast.Await, at: int, lines: Lines) -> Expression:
    return Await(at, expression_of(node.value, lines))


def _yield(node: ast.Yield, at: int, lines: Lines) -> Expression:
    return Yield(at, _optional(node.value, lines), False)


def _yield_from(node: ast.YieldFrom, at: int, lines: Lines) -> Expression:
    return Yield(at, expression_of(node.value, lines), True)


def _starred(node: ast.Starred, at: int, lines: Lines) -> Expression:
    return Starred(at, expression_of(node.value, lines))


def _walrus(node: ast.NamedExpr, at: int, lines: Lines) -> Expression:
    return Walrus(at, expression_of(node.target, lines), expression_of(node.value, lines))


_READERS: dict[type[ast.expr], Callable[..., Expression]] = {
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.Constant: _constant,
    ast.Call: _call,
    ast.JoinedStr: _template,
    ast.FormattedValue: _hole,
    ast.List: _list,
    ast.Tuple: _tuple,
    ast.Set: _set,
    ast.Dict: _dict,
    ast.Subscript: _subscript,
    ast.Slice: _slice,
    ast.Lambda: _lambda,
    ast.ListComp: _list_comprehension,
    ast.SetComp: _set_comprehension,
    ast.GeneratorExp: _generator_expression,
    ast.DictComp: _dict_comprehension,
    ast.BinOp: _binary,
    ast.Compare: _compare,
    ast.BoolOp: _boolean,
    ast.UnaryOp: _unary,
    ast.IfExp: _conditional,
    ast.Await: _await,
    ast.Yield: _yield,
    ast.YieldFrom: _yield_from,
    ast.Starred: _starred,
    ast.NamedExpr: _walrus,
}
# The t-strings of 3.14.
_READERS |= {
    getattr(ast, name): reader
    for name, reader in {"TemplateStr": _template, "Interpolation": _hole}.items()
    if hasattr(ast, name)
}


def parsed(text: str) -> ast.Module:
    """The tree of the text, also of one that is written for a newer Python. Raises `SyntaxError`."""
    try:
        return ast.parse(text, type_comments=False)
    except SyntaxError:
        older = respelled(text)
        if older == text:
            raise
        return ast.parse(older, type_comments=False)
