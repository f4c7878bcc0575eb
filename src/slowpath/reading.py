"""Expressions of the standard library's trees in the neutral form."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Sequence
from math import isfinite
from typing import Literal, Protocol

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


class Places(Protocol):
    """Says for each node what its expression's `at` is."""

    def at(self, node: ast.AST) -> int: ...


class Lines(Struct, frozen=True):
    """The lines of a file, where a node's place is its line and column; `ascii` says that bytes and characters are the
    same in all of them."""

    lines: list[str]
    ascii: bool

    def at(self, node: ast.AST) -> int:
        """The line and column where the node begins."""
        line, offset = node.lineno, node.col_offset  # type: ignore[attr-defined]
        if self.ascii and offset < 4095:
            return line << 12 | offset + 1  # type: ignore[no-any-return]
        return at_of(line, self.column(line, offset))

    def column(self, line: int, offset: int) -> int:
        """The column, in characters from 1, of this UTF-8 offset."""
        # Before 3.12 a hole of an f-string can claim to stand on a line that is not there.
        if self.ascii or line > len(self.lines):
            return offset + 1
        text = self.lines[line - 1]
        return offset + 1 if text.isascii() else len(text.encode()[:offset].decode(errors="ignore")) + 1


Reader = Callable[[ast.expr, Places], Expression]


def expression_of(node: ast.expr, places: Places) -> Expression:
    """The expression in the neutral form."""
    read = _READERS.get(node.__class__)
    at = places.at(node)
    return read(node, at, places) if read else Constant(at, None, "other")


def operator_of(operator: ast.operator) -> str:
    """Python's own spelling of it."""
    return _OPERATORS[type(operator)]


def parameters_of(arguments: ast.arguments, places: Places, annotated: Reader) -> tuple[Parameter, ...]:
    """The parameters in order, with their annotations as `annotated` reads them."""
    ordinary = [*arguments.posonlyargs, *arguments.args]
    defaults: list[ast.expr | None] = [None] * (len(ordinary) - len(arguments.defaults))
    defaults += arguments.defaults
    found = [
        _parameter(argument, "/" if index < len(arguments.posonlyargs) else "", default, places, annotated)
        for index, (argument, default) in enumerate(zip(ordinary, defaults, strict=True))
    ]
    if arguments.vararg:
        found.append(_parameter(arguments.vararg, "*", None, places, annotated))
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        found.append(_parameter(argument, "k", default, places, annotated))
    if arguments.kwarg:
        found.append(_parameter(arguments.kwarg, "**", None, places, annotated))
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


def _parameter(argument: ast.arg, kind: Kind, default: ast.expr | None, places: Places, annotated: Reader) -> Parameter:
    annotation = annotated(argument.annotation, places) if argument.annotation else None
    return Parameter(argument.arg, kind, annotation, _optional(default, places))


def _part(value: Expression | None, index: int, starred: int) -> Expression | None:
    if value is None or starred:
        return None
    if isinstance(value, Listing) and value.kind != "set" and index < len(value.elements):
        return value.elements[index]
    return Subscript(value.at, value, Constant(value.at, index))


def _optional(node: ast.expr | None, places: Places) -> Expression | None:
    return expression_of(node, places) if node else None


def _all(nodes: Sequence[ast.expr], places: Places) -> tuple[Expression, ...]:
    return tuple([expression_of(node, places) for node in nodes])


def _name(node: ast.Name, at: int, places: Places) -> Expression:
    return Name(at, node.id)


def _attribute(node: ast.Attribute, at: int, places: Places) -> Expression:
    return Attribute(at, expression_of(node.value, places), node.attr)


def _constant(node: ast.Constant, at: int, places: Places) -> Expression:
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


def _call(node: ast.Call, at: int, places: Places) -> Expression:
    func = expression_of(node.func, places)
    arguments = [
        Argument(expression_of(passed.value, places), None, "*")
        if isinstance(passed, ast.Starred)
        else Argument(expression_of(passed, places))
        for passed in node.args
    ]
    for keyword in node.keywords:
        value = expression_of(keyword.value, places)
        arguments.append(Argument(value, keyword.arg) if keyword.arg else Argument(value, None, "**"))
    return Call(at, func, tuple(arguments))


def _template(node: ast.JoinedStr, at: int, places: Places) -> Expression:
    if all(isinstance(piece, ast.Constant) for piece in node.values):
        return Constant(at, "".join([str(piece.value) for piece in node.values if isinstance(piece, ast.Constant)]))
    return Template(at, tuple(_pieces(node.values, places)))


def _pieces(pieces: Iterable[ast.expr], places: Places) -> Iterator[Expression]:
    for piece in pieces:
        if isinstance(piece, ast.Constant):
            yield expression_of(piece, places)
        else:
            yield from _holes(piece, places)


def _holes(piece: ast.expr, places: Places) -> Iterator[Expression]:
    """What a hole holds, then what the holes in its format do."""
    # A hole that is a literal must not merge with the text around it: its conversion and format are unknown.
    hole = expression_of(piece.value, places)  # type: ignore[attr-defined]
    yield Template(hole.at, (hole,)) if type(hole) is Constant else hole
    for nested in getattr(piece.format_spec, "values", ()):  # type: ignore[attr-defined]
        if not isinstance(nested, ast.Constant):
            yield from _holes(nested, places)


def _list(node: ast.List, at: int, places: Places) -> Expression:
    return Listing(at, "list", _all(node.elts, places))


def _tuple(node: ast.Tuple, at: int, places: Places) -> Expression:
    return Listing(at, "tuple", _all(node.elts, places))


def _set(node: ast.Set, at: int, places: Places) -> Expression:
    return Listing(at, "set", _all(node.elts, places))


def _dict(node: ast.Dict, at: int, places: Places) -> Expression:
    pairs = zip(node.keys, node.values, strict=True)
    entries = [(_optional(key, places), expression_of(value, places)) for key, value in pairs]
    return Mapping(at, tuple([key for key, _ in entries]), tuple([value for _, value in entries]))


def _subscript(node: ast.Subscript, at: int, places: Places) -> Expression:
    return Subscript(at, expression_of(node.value, places), expression_of(node.slice, places))


def _slice(node: ast.Slice, at: int, places: Places) -> Expression:
    return Slice(at, _optional(node.lower, places), _optional(node.upper, places), _optional(node.step, places))


def _lambda(node: ast.Lambda, at: int, places: Places) -> Expression:
    return Lambda(at, parameters_of(node.args, places, expression_of), expression_of(node.body, places))


def _list_comprehension(node: ast.ListComp, at: int, places: Places) -> Expression:
    return Comprehension(at, "list", expression_of(node.elt, places), None, _generators(node.generators, places))


def _set_comprehension(node: ast.SetComp, at: int, places: Places) -> Expression:
    return Comprehension(at, "set", expression_of(node.elt, places), None, _generators(node.generators, places))


def _generator_expression(node: ast.GeneratorExp, at: int, places: Places) -> Expression:
    return Comprehension(at, "generator", expression_of(node.elt, places), None, _generators(node.generators, places))


def _dict_comprehension(node: ast.DictComp, at: int, places: Places) -> Expression:
    key = expression_of(node.key, places)
    return Comprehension(at, "dict", expression_of(node.value, places), key, _generators(node.generators, places))


def _generators(generators: list[ast.comprehension], places: Places) -> tuple[Generator, ...]:
    return tuple(
        Generator(
            expression_of(generator.target, places),
            expression_of(generator.iter, places),
            _all(generator.ifs, places),
            bool(generator.is_async),
        )
        for generator in generators
    )


def _binary(node: ast.BinOp, at: int, places: Places) -> Expression:
    return Binary(at, _OPERATORS[type(node.op)], expression_of(node.left, places), expression_of(node.right, places))


def _compare(node: ast.Compare, at: int, places: Places) -> Expression:
    operators = tuple([_OPERATORS[type(operator)] for operator in node.ops])
    return Compare(at, expression_of(node.left, places), operators, _all(node.comparators, places))


def _boolean(node: ast.BoolOp, at: int, places: Places) -> Expression:
    operator: Literal["and", "or"] = "and" if isinstance(node.op, ast.And) else "or"
    inner = [places.at(node) for _ in node.values[2:]]
    first, *others = _all(node.values, places)
    for each, other in zip((*reversed(inner), at), others, strict=True):
        first = Boolean(each, operator, first, other)
    return first


def _unary(node: ast.UnaryOp, at: int, places: Places) -> Expression:
    return Unary(at, _OPERATORS[type(node.op)], expression_of(node.operand, places))


def _conditional(node: ast.IfExp, at: int, places: Places) -> Expression:
    test, body, orelse = _all((node.test, node.body, node.orelse), places)
    return Conditional(at, test, body, orelse)


def _await(node: ast.Await, at: int, places: Places) -> Expression:
    return Await(at, expression_of(node.value, places))


def _yield(node: ast.Yield, at: int, places: Places) -> Expression:
    return Yield(at, _optional(node.value, places), False)


def _yield_from(node: ast.YieldFrom, at: int, places: Places) -> Expression:
    return Yield(at, expression_of(node.value, places), True)


def _starred(node: ast.Starred, at: int, places: Places) -> Expression:
    return Starred(at, expression_of(node.value, places))


def _walrus(node: ast.NamedExpr, at: int, places: Places) -> Expression:
    return Walrus(at, expression_of(node.target, places), expression_of(node.value, places))


_READERS: dict[type[ast.expr], Callable[..., Expression]] = {
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.Constant: _constant,
    ast.Call: _call,
    ast.JoinedStr: _template,
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
if hasattr(ast, "TemplateStr"):
    _READERS[ast.TemplateStr] = _template


def parsed_as_it_is(text: str) -> ast.Module:
    """The tree of the text, if this Python can read it: of what cannot be parsed, most is somebody's typing."""
    return ast.parse(text, type_comments=False)


def parsed(text: str) -> ast.Module:
    """The tree of the text, also of one that is written for a newer Python. Raises `SyntaxError`."""
    try:
        return ast.parse(text, type_comments=False)
    except SyntaxError:
        older = respelled(text)
        if older == text:
            raise
        return ast.parse(older, type_comments=False)
