"""LibCST's statements in the neutral form."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import libcst as cst

from slowpath.expression import Expression, ImportedName, dotted
from slowpath.semantics.lowering_expressions import BINARY_OPERATORS, expression, optional
from slowpath.semantics.lowering_strings import Nodes
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


def block(suite: cst.BaseSuite, nodes: Nodes) -> Block:
    """The statements of a suite, in order; those that mean nothing to us (`pass`, type aliases) are left out."""
    found: list[AnyStatement] = []
    for statement in suite.body:
        smalls = statement.body if type(statement) is cst.SimpleStatementLine else (statement,)
        for small in smalls:
            lowering = _LOWERINGS.get(type(small))
            if lowering is not None:
                found.append(lowering(small, nodes))
    return tuple(found)


def _number(node: cst.CSTNode, nodes: Nodes) -> int:
    nodes.append(node)
    return len(nodes) - 1


def _assign(node: cst.Assign, nodes: Nodes) -> Assign:
    at = _number(node, nodes)
    targets = tuple([expression(each.target, nodes) for each in node.targets])
    return Assign(at, targets, expression(node.value, nodes))


def _annotated(node: cst.AnnAssign, nodes: Nodes) -> Assign:
    at = _number(node, nodes)
    target = expression(node.target, nodes)
    annotation = expression(node.annotation.annotation, nodes)
    return Assign(at, (target,), optional(node.value, nodes), annotation)


_AUGMENTS: dict[type[cst.CSTNode], str] = {
    getattr(cst, f"{operator.__name__}Assign"): spelling for operator, spelling in BINARY_OPERATORS.items()
}


def _augment(node: cst.AugAssign, nodes: Nodes) -> Augment:
    at = _number(node, nodes)
    target = expression(node.target, nodes)
    return Augment(at, target, _AUGMENTS.get(type(node.operator), "?"), expression(node.value, nodes))


def _evaluate(node: cst.Expr, nodes: Nodes) -> Evaluate:
    return Evaluate(_number(node, nodes), expression(node.value, nodes))


def _return(node: cst.Return, nodes: Nodes) -> Return:
    return Return(_number(node, nodes), optional(node.value, nodes))


def _raise(node: cst.Raise, nodes: Nodes) -> Raise:
    return Raise(_number(node, nodes), optional(node.exc, nodes))


def _assert(node: cst.Assert, nodes: Nodes) -> Assert:
    return Assert(_number(node, nodes), expression(node.test, nodes))


def _break(node: cst.Break, nodes: Nodes) -> Break:
    return Break(_number(node, nodes))


def _continue(node: cst.Continue, nodes: Nodes) -> Continue:
    return Continue(_number(node, nodes))


def _delete(node: cst.Del, nodes: Nodes) -> Delete:
    at = _number(node, nodes)
    target = node.target
    targets = [each.value for each in target.elements] if isinstance(target, cst.Tuple) else [target]
    return Delete(at, tuple([expression(each, nodes) for each in targets]))


def _scope(node: cst.Global | cst.Nonlocal, nodes: Nodes) -> Scope:
    return Scope(_number(node, nodes), tuple([each.name.value for each in node.names]))


def _function(node: cst.FunctionDef, nodes: Nodes) -> Define:
    return Define(_number(node, nodes), node.name.value, False)


def _class(node: cst.ClassDef, nodes: Nodes) -> Define:
    return Define(_number(node, nodes), node.name.value, True)


def _import(node: cst.Import, nodes: Nodes) -> Import:
    return Import(_number(node, nodes), tuple([_module(each) for each in node.names]))


def _module(alias: cst.ImportAlias) -> ImportedName:
    name = alias.evaluated_name
    head = name.partition(".")[0]
    local = alias.evaluated_alias
    return ImportedName(head, head, "", 0) if local is None else ImportedName(local, name, "", 0)


def _import_from(node: cst.ImportFrom, nodes: Nodes) -> Import:
    module = "" if node.module is None else dotted(expression(node.module, []))
    level = len(node.relative)
    at = _number(node, nodes)
    if isinstance(node.names, cst.ImportStar):
        return Import(at, (ImportedName("*", module, "*", level),))
    named = [(each.evaluated_name, each.evaluated_alias) for each in node.names]
    return Import(at, tuple([ImportedName(local or name, module, name, level) for name, local in named]))


def _if(node: cst.If, nodes: Nodes) -> If:
    at = _number(node, nodes)
    test = expression(node.test, nodes)
    body = block(node.body, nodes)
    orelse = node.orelse
    return If(at, test, body, (_if(orelse, nodes),) if type(orelse) is cst.If else _block_of(orelse, nodes))


def _block_of(node: cst.Else | cst.If | cst.Finally | None, nodes: Nodes) -> Block:
    return () if node is None else block(node.body, nodes)


def _for(node: cst.For, nodes: Nodes) -> For:
    at = _number(node, nodes)
    target = expression(node.target, nodes)
    iterable = expression(node.iter, nodes)
    body = block(node.body, nodes)
    return For(at, target, iterable, body, _block_of(node.orelse, nodes), node.asynchronous is not None)


def _while(node: cst.While, nodes: Nodes) -> While:
    at = _number(node, nodes)
    test = expression(node.test, nodes)
    return While(at, test, block(node.body, nodes), _block_of(node.orelse, nodes))


def _with(node: cst.With, nodes: Nodes) -> With:
    at = _number(node, nodes)
    items = tuple([_with_item(each, nodes) for each in node.items])
    return With(at, items, block(node.body, nodes), node.asynchronous is not None)


def _with_item(node: cst.WithItem, nodes: Nodes) -> WithItem:
    return WithItem(expression(node.item, nodes), _target(node.asname, nodes))


def _target(node: cst.AsName | None, nodes: Nodes) -> Expression | None:
    return None if node is None else expression(node.name, nodes)


def _try(node: cst.Try | cst.TryStar, nodes: Nodes) -> Try:
    at = _number(node, nodes)
    body = block(node.body, nodes)
    handlers = tuple([_handler(each, nodes) for each in node.handlers])
    return Try(at, body, handlers, _block_of(node.orelse, nodes), _block_of(node.finalbody, nodes))


def _handler(node: cst.ExceptHandler | cst.ExceptStarHandler, nodes: Nodes) -> Handler:
    return Handler(optional(node.type, nodes), _spelled(node.name), block(node.body, nodes))


def _spelled(node: cst.AsName | None) -> str | None:
    return node.name.value if node is not None and isinstance(node.name, cst.Name) else None


def _match(node: cst.Match, nodes: Nodes) -> Match:
    at = _number(node, nodes)
    subject = expression(node.subject, nodes)
    return Match(at, subject, tuple([_case(each, nodes) for each in node.cases]))


def _case(node: cst.MatchCase, nodes: Nodes) -> Case:
    pattern = node.pattern
    tested = pattern.pattern if isinstance(pattern, cst.MatchAs) else pattern
    cls = expression(tested.cls, nodes) if isinstance(tested, cst.MatchClass) else None
    return Case(tuple(_binds(pattern)), cls, optional(node.guard, nodes), block(node.body, nodes))


def _binds(pattern: cst.CSTNode | None) -> Iterator[str]:
    """The names a pattern binds, in the order written."""
    match pattern:
        case cst.MatchAs(pattern=inner, name=name):
            yield from _binds(inner)
            yield from _named(name)
        case cst.MatchStar(name=name):
            yield from _named(name)
        case cst.MatchList() | cst.MatchTuple():
            yield from _binds_of(pattern.patterns)
        case cst.MatchSequenceElement(value=inner):
            yield from _binds(inner)
        case cst.MatchOr(patterns=alternatives):
            # Every alternative binds the same names.
            yield from _binds(alternatives[0].pattern)
        case cst.MatchMapping(elements=elements, rest=rest):
            yield from _binds_of([each.pattern for each in elements])
            yield from _named(rest)
        case cst.MatchClass(patterns=elements, kwds=keywords):
            yield from _binds_of(elements)
            yield from _binds_of([each.pattern for each in keywords])


def _binds_of(patterns: Iterable[cst.CSTNode]) -> Iterator[str]:
    for pattern in patterns:
        yield from _binds(pattern)


def _named(name: cst.Name | None) -> Iterator[str]:
    if name is not None:
        yield name.value


_LOWERINGS: dict[type[cst.CSTNode], Callable[..., AnyStatement]] = {
    cst.Assign: _assign,
    cst.AnnAssign: _annotated,
    cst.AugAssign: _augment,
    cst.Expr: _evaluate,
    cst.Return: _return,
    cst.Raise: _raise,
    cst.Assert: _assert,
    cst.Break: _break,
    cst.Continue: _continue,
    cst.Del: _delete,
    cst.Global: _scope,
    cst.Nonlocal: _scope,
    cst.FunctionDef: _function,
    cst.ClassDef: _class,
    cst.Import: _import,
    cst.ImportFrom: _import_from,
    cst.If: _if,
    cst.For: _for,
    cst.While: _while,
    cst.With: _with,
    cst.Try: _try,
    cst.TryStar: _try,
    cst.Match: _match,
}
