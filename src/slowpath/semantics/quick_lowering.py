"""One function's slice in the neutral form, through the standard library's parser.

It gives what `lowering` gives by way of LibCST, with the same numbers, in an eighth of the time; LibCST reads what the
grammar of the running Python does not know, and says where the nodes are.
"""

from __future__ import annotations

import ast
import sys
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import TypeAlias

from slowpath.expression import Expression, ImportedName
from slowpath.reading import Lines, expression_of, operator_of, parameters_of
from slowpath.semantics.body import Body
from slowpath.semantics.slices import module_of
from slowpath.semantics.statement import (
    AnyStatement,
    Assert,
    Assign,
    Augment,
    Block,
    Break,
    Case,
    Continue,
    Define,
    Delete,
    Evaluate,
    For,
    Handler,
    If,
    Import,
    Match,
    Raise,
    Return,
    Scope,
    Try,
    While,
    With,
    WithItem,
)
from slowpath.source import Span, moved

_Function: TypeAlias = "ast.FunctionDef | ast.AsyncFunctionDef"


class _Numbers:
    """The nodes in the order in which they are read: a node's number is its place in there."""

    def __init__(self) -> None:
        self.nodes: list[ast.AST] = []

    def at(self, node: ast.AST) -> int:
        self.nodes.append(node)
        return len(self.nodes) - 1


def lowered(slice_text: str, column: int) -> Body | None:
    """The function whose lines these are, `None` when the running Python cannot read them."""
    try:
        return _body(_function(module_of(slice_text, column)), _Numbers())
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None


def spans(slice_text: str, column: int, first_line: int, ats: Collection[int]) -> dict[int, Span] | None:
    """Where in the file the nodes with these numbers are, given the file's line on which the slice begins; `None` when
    the running Python cannot say."""
    text = module_of(slice_text, column)
    numbers = _Numbers()
    try:
        function = _function(text)
        _body(function, numbers)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None
    # Before 3.12 what stands in an f-string may be placed wrongly.
    doubtful = _in_strings(function) if sys.version_info < (3, 12) else frozenset()
    if any(numbers.nodes[at] in doubtful for at in ats):
        return None
    lines = Lines(text.split("\n"), text.isascii())
    shift = first_line - 2
    return {at: moved(_span(numbers.nodes[at], lines) if at else _name_of(function, lines), shift) for at in ats}


def _in_strings(function: ast.AST) -> frozenset[ast.AST]:
    strings = [node for node in ast.walk(function) if isinstance(node, ast.JoinedStr)]
    return frozenset([node for string in strings for node in ast.walk(string)])


def _span(node: ast.AST, lines: Lines) -> Span:
    last, end = node.end_lineno, node.end_col_offset  # type: ignore[attr-defined]
    first, begin = node.lineno, node.col_offset  # type: ignore[attr-defined]
    return Span(first, lines.column(first, begin), last, lines.column(last, end))


def _name_of(function: _Function, lines: Lines) -> Span:
    """Where the function's name is. Its tree does not say; nearly always it is in the line in which it begins."""
    line = function.lineno
    begin = lines.lines[line - 1].find(f" {function.name}", lines.column(line, function.col_offset)) + 2
    return Span(line, begin, line, begin + len(function.name))


def _function(text: str) -> _Function:
    """The one function of a module. Raises `ValueError` when there is something else in it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = ast.parse(text).body
    if len(found) == 1 and isinstance(found[0], ast.If):
        found = found[0].body
    if len(found) != 1 or not isinstance(found[0], ast.FunctionDef | ast.AsyncFunctionDef):
        raise ValueError(text)
    return found[0]


def _body(function: _Function, numbers: _Numbers) -> Body:
    numbers.at(function)
    parameters = parameters_of(function.args, numbers, expression_of)
    return Body(_block(function.body, numbers), parameters)


def _block(statements: Iterable[ast.stmt], numbers: _Numbers) -> Block:
    """The statements, in order; those that mean nothing to us (`pass`, type aliases) are left out."""
    found: list[AnyStatement] = []
    for statement in statements:
        read = _READERS.get(statement.__class__)
        if read is not None:
            found.append(read(statement, numbers.at(statement), numbers))
    return tuple(found)


def _all(nodes: Iterable[ast.expr], numbers: _Numbers) -> tuple[Expression, ...]:
    return tuple([expression_of(node, numbers) for node in nodes])


def _optional(node: ast.expr | None, numbers: _Numbers) -> Expression | None:
    return None if node is None else expression_of(node, numbers)


def _assign(node: ast.Assign, at: int, numbers: _Numbers) -> Assign:
    targets = _all(node.targets, numbers)
    return Assign(at, targets, expression_of(node.value, numbers))


def _annotated(node: ast.AnnAssign, at: int, numbers: _Numbers) -> Assign:
    target = expression_of(node.target, numbers)
    annotation = expression_of(node.annotation, numbers)
    return Assign(at, (target,), _optional(node.value, numbers), annotation)


def _augment(node: ast.AugAssign, at: int, numbers: _Numbers) -> Augment:
    target = expression_of(node.target, numbers)
    return Augment(at, target, operator_of(node.op), expression_of(node.value, numbers))


def _evaluate(node: ast.Expr, at: int, numbers: _Numbers) -> Evaluate:
    return Evaluate(at, expression_of(node.value, numbers))


def _return(node: ast.Return, at: int, numbers: _Numbers) -> Return:
    return Return(at, _optional(node.value, numbers))


def _raise(node: ast.Raise, at: int, numbers: _Numbers) -> Raise:
    return Raise(at, _optional(node.exc, numbers))


def _assert(node: ast.Assert, at: int, numbers: _Numbers) -> Assert:
    return Assert(at, expression_of(node.test, numbers))


def _break(node: ast.Break, at: int, numbers: _Numbers) -> Break:
    return Break(at)


def _continue(node: ast.Continue, at: int, numbers: _Numbers) -> Continue:
    return Continue(at)


def _delete(node: ast.Delete, at: int, numbers: _Numbers) -> Delete:
    only = node.targets[0]
    return Delete(
        at, _all(only.elts if len(node.targets) == 1 and isinstance(only, ast.Tuple) else node.targets, numbers)
    )


def _scope(node: ast.Global | ast.Nonlocal, at: int, numbers: _Numbers) -> Scope:
    return Scope(at, tuple(node.names))


def _definition(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, at: int, numbers: _Numbers) -> Define:
    return Define(at, node.name, isinstance(node, ast.ClassDef))


def _import(node: ast.Import, at: int, numbers: _Numbers) -> Import:
    return Import(at, tuple([_module(alias) for alias in node.names]))


def _module(alias: ast.alias) -> ImportedName:
    head = alias.name.partition(".")[0]
    return ImportedName(alias.asname, alias.name, "", 0) if alias.asname else ImportedName(head, head, "", 0)


def _import_from(node: ast.ImportFrom, at: int, numbers: _Numbers) -> Import:
    module = node.module or ""
    return Import(
        at, tuple([ImportedName(each.asname or each.name, module, each.name, node.level) for each in node.names])
    )


def _if(node: ast.If, at: int, numbers: _Numbers) -> If:
    test = expression_of(node.test, numbers)
    body = _block(node.body, numbers)
    return If(at, test, body, _block(node.orelse, numbers))


def _for(node: ast.For | ast.AsyncFor, at: int, numbers: _Numbers) -> For:
    target = expression_of(node.target, numbers)
    iterable = expression_of(node.iter, numbers)
    body = _block(node.body, numbers)
    return For(at, target, iterable, body, _block(node.orelse, numbers), isinstance(node, ast.AsyncFor))


def _while(node: ast.While, at: int, numbers: _Numbers) -> While:
    test = expression_of(node.test, numbers)
    body = _block(node.body, numbers)
    return While(at, test, body, _block(node.orelse, numbers))


def _with(node: ast.With | ast.AsyncWith, at: int, numbers: _Numbers) -> With:
    items = tuple([_with_item(each, numbers) for each in node.items])
    return With(at, items, _block(node.body, numbers), isinstance(node, ast.AsyncWith))


def _with_item(node: ast.withitem, numbers: _Numbers) -> WithItem:
    return WithItem(expression_of(node.context_expr, numbers), _optional(node.optional_vars, numbers))


def _try(node: ast.Try, at: int, numbers: _Numbers) -> Try:
    body = _block(node.body, numbers)
    handlers = tuple([_handler(each, numbers) for each in node.handlers])
    orelse = _block(node.orelse, numbers)
    return Try(at, body, handlers, orelse, _block(node.finalbody, numbers))


def _handler(node: ast.ExceptHandler, numbers: _Numbers) -> Handler:
    return Handler(_optional(node.type, numbers), node.name, _block(node.body, numbers))


def _match(node: ast.Match, at: int, numbers: _Numbers) -> Match:
    subject = expression_of(node.subject, numbers)
    return Match(at, subject, tuple([_case(each, numbers) for each in node.cases]))


def _case(node: ast.match_case, numbers: _Numbers) -> Case:
    pattern = node.pattern
    tested = pattern.pattern if isinstance(pattern, ast.MatchAs) else pattern
    cls = expression_of(tested.cls, numbers) if isinstance(tested, ast.MatchClass) else None
    return Case(tuple(_binds(pattern)), cls, _optional(node.guard, numbers), _block(node.body, numbers))


def _binds(pattern: ast.pattern | None) -> Iterator[str]:
    """The names a pattern binds, in the order written."""
    match pattern:
        case ast.MatchAs(pattern=inner, name=name):
            yield from _binds(inner)
            yield from _named(name)
        case ast.MatchStar(name=name):
            yield from _named(name)
        case ast.MatchSequence(patterns=patterns):
            yield from _binds_of(patterns)
        case ast.MatchOr(patterns=alternatives):
            # Every alternative binds the same names.
            yield from _binds(alternatives[0])
        case ast.MatchMapping(patterns=patterns, rest=rest):
            yield from _binds_of(patterns)
            yield from _named(rest)
        case ast.MatchClass(patterns=patterns, kwd_patterns=keywords):
            yield from _binds_of(patterns)
            yield from _binds_of(keywords)


def _binds_of(patterns: Iterable[ast.pattern]) -> Iterator[str]:
    for pattern in patterns:
        yield from _binds(pattern)


def _named(name: str | None) -> Iterator[str]:
    if name is not None:
        yield name


_READERS: dict[type[ast.stmt], Callable[..., AnyStatement]] = {
    ast.Assign: _assign,
    ast.AnnAssign: _annotated,
    ast.AugAssign: _augment,
    ast.Expr: _evaluate,
    ast.Return: _return,
    ast.Raise: _raise,
    ast.Assert: _assert,
    ast.Break: _break,
    ast.Continue: _continue,
    ast.Delete: _delete,
    ast.Global: _scope,
    ast.Nonlocal: _scope,
    ast.FunctionDef: _definition,
    ast.AsyncFunctionDef: _definition,
    ast.ClassDef: _definition,
    ast.Import: _import,
    ast.ImportFrom: _import_from,
    ast.If: _if,
    ast.For: _for,
    ast.AsyncFor: _for,
    ast.While: _while,
    ast.With: _with,
    ast.AsyncWith: _with,
    ast.Try: _try,
    ast.Match: _match,
}
# `except*` came with 3.11.
if hasattr(ast, "TryStar"):
    _READERS[ast.TryStar] = _try
