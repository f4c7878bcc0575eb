"""LibCST's expressions in the neutral form.

`nodes` collects every node that was lowered: a node's number, the `at` of its expression, is its place in there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import libcst as cst

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
)
from slowpath.semantics import literals
from slowpath.semantics.lowering_strings import Nodes, Strings, number, strings

ParameterKind = Literal["/", "", "*", "k", "**"]
CollectionKind = Literal["list", "tuple", "set"]
StarKind = Literal["", "*", "**"]


def expression(node: cst.CSTNode, nodes: Nodes) -> Expression:
    """The neutral form of an expression; of one that is unknown, a constant that says nothing."""
    return _LOWERINGS.get(type(node), _other)(node, nodes)


def optional(node: cst.CSTNode | None, nodes: Nodes) -> Expression | None:
    """The neutral form of an expression that may be missing."""
    return None if node is None else expression(node, nodes)


def parameters(node: cst.Parameters, nodes: Nodes) -> tuple[Parameter, ...]:
    """The parameters of a function or lambda, in the order written."""
    found = [_parameter(each, "/", nodes) for each in node.posonly_params]
    found += [_parameter(each, "", nodes) for each in node.params]
    if type(node.star_arg) is cst.Param:
        found.append(_parameter(node.star_arg, "*", nodes))
    found += [_parameter(each, "k", nodes) for each in node.kwonly_params]
    if node.star_kwarg is not None:
        found.append(_parameter(node.star_kwarg, "**", nodes))
    return tuple(found)


def _parameter(node: cst.Param, kind: ParameterKind, nodes: Nodes) -> Parameter:
    annotation = None if node.annotation is None else expression(node.annotation.annotation, nodes)
    return Parameter(node.name.value, kind, annotation, optional(node.default, nodes))


def _other(node: cst.CSTNode, nodes: Nodes) -> Constant:
    return Constant(number(node, nodes), None, "other")


_SINGLETONS: dict[str, bool | None] = {"None": None, "True": True, "False": False}


def _name(node: cst.Name, nodes: Nodes) -> Name | Constant:
    nodes.append(node)
    name = node.value
    if name in _SINGLETONS:
        return Constant(len(nodes) - 1, _SINGLETONS[name])
    return Name(len(nodes) - 1, name)


def _attribute(node: cst.Attribute, nodes: Nodes) -> Attribute:
    at = number(node, nodes)
    return Attribute(at, expression(node.value, nodes), node.attr.value)


def _call(node: cst.Call, nodes: Nodes) -> Call:
    at = number(node, nodes)
    func = expression(node.func, nodes)
    # Keywords come last, as in the standard library's trees; `f(a=1, *b)` is how one could stand before others.
    ordered = sorted(node.args, key=lambda each: each.keyword is not None or each.star == "**")
    return Call(at, func, tuple([_argument(each, nodes) for each in ordered]))


def _argument(node: cst.Arg, nodes: Nodes) -> Argument:
    keyword = node.keyword
    return Argument(expression(node.value, nodes), None if keyword is None else keyword.value, node.star)


def _integer(node: cst.Integer, nodes: Nodes) -> Constant:
    value = literals.integer(node.value)
    return Constant(number(node, nodes), value, "other" if value is None else "")


def _float(node: cst.Float, nodes: Nodes) -> Constant:
    value = literals.floating(node.value)
    return Constant(number(node, nodes), value, "other" if value is None else "")


def _strings(node: Strings, nodes: Nodes) -> Template | Constant:
    return strings(node, nodes, expression)


def _listing(kind: CollectionKind) -> Callable[[cst.Tuple | cst.List | cst.Set, Nodes], Listing]:
    def lowering(node: cst.Tuple | cst.List | cst.Set, nodes: Nodes) -> Listing:
        at = number(node, nodes)
        return Listing(at, kind, tuple([_element(each, nodes) for each in node.elements]))

    return lowering


def _element(node: cst.BaseElement, nodes: Nodes) -> Expression:
    return expression(node.value if type(node) is cst.Element else node, nodes)


def _starred(node: cst.StarredElement, nodes: Nodes) -> Starred:
    return Starred(number(node, nodes), expression(node.value, nodes))


def _mapping(node: cst.Dict, nodes: Nodes) -> Mapping:
    at = number(node, nodes)
    keys: list[Expression | None] = []
    values: list[Expression] = []
    for each in node.elements:
        keys.append(expression(each.key, nodes) if isinstance(each, cst.DictElement) else None)
        values.append(expression(each.value, nodes))
    return Mapping(at, tuple(keys), tuple(values))


def _subscript(node: cst.Subscript, nodes: Nodes) -> Subscript:
    at = number(node, nodes)
    value = expression(node.value, nodes)
    first = node.slice[0]
    if len(node.slice) == 1 and type(first.comma) is not cst.Comma and not getattr(first.slice, "star", None):
        return Subscript(at, value, _index(first, nodes))
    listing = number(first, nodes)
    indexes = tuple([_index(each, nodes) for each in node.slice])
    return Subscript(at, value, Listing(listing, "tuple", indexes))


def _index(node: cst.SubscriptElement, nodes: Nodes) -> Expression:
    index = node.slice
    if isinstance(index, cst.Index):
        if index.star:
            return Starred(number(index, nodes), expression(index.value, nodes))
        return expression(index.value, nodes)
    return expression(index, nodes)


def _slice(node: cst.Slice, nodes: Nodes) -> Slice:
    at = number(node, nodes)
    return Slice(at, optional(node.lower, nodes), optional(node.upper, nodes), optional(node.step, nodes))


def _lambda(node: cst.Lambda, nodes: Nodes) -> Lambda:
    return Lambda(number(node, nodes), parameters(node.params, nodes), expression(node.body, nodes))


def _list_comprehension(node: cst.ListComp, nodes: Nodes) -> Comprehension:
    at = number(node, nodes)
    return Comprehension(at, "list", expression(node.elt, nodes), None, _generators(node.for_in, nodes))


def _set_comprehension(node: cst.SetComp, nodes: Nodes) -> Comprehension:
    at = number(node, nodes)
    return Comprehension(at, "set", expression(node.elt, nodes), None, _generators(node.for_in, nodes))


def _generator(node: cst.GeneratorExp, nodes: Nodes) -> Comprehension:
    at = number(node, nodes)
    return Comprehension(at, "generator", expression(node.elt, nodes), None, _generators(node.for_in, nodes))


def _dict_comprehension(node: cst.DictComp, nodes: Nodes) -> Comprehension:
    at = number(node, nodes)
    key = expression(node.key, nodes)
    return Comprehension(at, "dict", expression(node.value, nodes), key, _generators(node.for_in, nodes))


def _generators(node: cst.CompFor, nodes: Nodes) -> tuple[Generator, ...]:
    found: list[Generator] = []
    following: cst.CompFor | None = node
    while following is not None:
        target = expression(following.target, nodes)
        iterable = expression(following.iter, nodes)
        conditions = tuple([expression(each.test, nodes) for each in following.ifs])
        found.append(Generator(target, iterable, conditions, following.asynchronous is not None))
        following = following.inner_for_in
    return tuple(found)


BINARY_OPERATORS: dict[type[cst.CSTNode], str] = {
    cst.Add: "+",
    cst.Subtract: "-",
    cst.Multiply: "*",
    cst.Divide: "/",
    cst.FloorDivide: "//",
    cst.Modulo: "%",
    cst.Power: "**",
    cst.LeftShift: "<<",
    cst.RightShift: ">>",
    cst.BitOr: "|",
    cst.BitAnd: "&",
    cst.BitXor: "^",
    cst.MatrixMultiply: "@",
}


def _binary(node: cst.BinaryOperation, nodes: Nodes) -> Binary:
    at = number(node, nodes)
    return Binary(
        at, BINARY_OPERATORS.get(type(node.operator), "?"), expression(node.left, nodes), expression(node.right, nodes)
    )


_COMPARISONS: dict[type[cst.CSTNode], str] = {
    cst.Equal: "==",
    cst.NotEqual: "!=",
    cst.LessThan: "<",
    cst.LessThanEqual: "<=",
    cst.GreaterThan: ">",
    cst.GreaterThanEqual: ">=",
    cst.In: "in",
    cst.NotIn: "not in",
    cst.Is: "is",
    cst.IsNot: "is not",
}


def _compare(node: cst.Comparison, nodes: Nodes) -> Compare:
    at = number(node, nodes)
    left = expression(node.left, nodes)
    operators = tuple([_COMPARISONS.get(type(each.operator), "?") for each in node.comparisons])
    return Compare(at, left, operators, tuple([expression(each.comparator, nodes) for each in node.comparisons]))


def _boolean(node: cst.BooleanOperation, nodes: Nodes) -> Boolean:
    at = number(node, nodes)
    operator: Literal["and", "or"] = "and" if type(node.operator) is cst.And else "or"
    return Boolean(at, operator, expression(node.left, nodes), expression(node.right, nodes))


_UNARY_OPERATORS: dict[type[cst.CSTNode], str] = {cst.Not: "not", cst.Minus: "-", cst.Plus: "+", cst.BitInvert: "~"}


def _unary(node: cst.UnaryOperation, nodes: Nodes) -> Unary:
    at = number(node, nodes)
    return Unary(at, _UNARY_OPERATORS.get(type(node.operator), "?"), expression(node.expression, nodes))


def _conditional(node: cst.IfExp, nodes: Nodes) -> Conditional:
    at = number(node, nodes)
    test = expression(node.test, nodes)
    return Conditional(at, test, expression(node.body, nodes), expression(node.orelse, nodes))


def _await(node: cst.Await, nodes: Nodes) -> Await:
    return Await(number(node, nodes), expression(node.expression, nodes))


def _yield(node: cst.Yield, nodes: Nodes) -> Yield:
    at = number(node, nodes)
    value = node.value
    if isinstance(value, cst.From):
        return Yield(at, expression(value.item, nodes), True)
    return Yield(at, optional(value, nodes), False)


def _walrus(node: cst.NamedExpr, nodes: Nodes) -> Walrus:
    at = number(node, nodes)
    return Walrus(at, expression(node.target, nodes), expression(node.value, nodes))


_LOWERINGS: dict[type[cst.CSTNode], Callable[..., Expression]] = {
    cst.Name: _name,
    cst.Attribute: _attribute,
    cst.Call: _call,
    cst.SimpleString: _strings,
    cst.Integer: _integer,
    cst.Float: _float,
    cst.ConcatenatedString: _strings,
    cst.FormattedString: _strings,
    cst.TemplatedString: _strings,
    cst.Tuple: _listing("tuple"),
    cst.List: _listing("list"),
    cst.Set: _listing("set"),
    cst.StarredElement: _starred,
    cst.Dict: _mapping,
    cst.Subscript: _subscript,
    cst.Slice: _slice,
    cst.Lambda: _lambda,
    cst.ListComp: _list_comprehension,
    cst.SetComp: _set_comprehension,
    cst.DictComp: _dict_comprehension,
    cst.GeneratorExp: _generator,
    cst.BinaryOperation: _binary,
    cst.Comparison: _compare,
    cst.BooleanOperation: _boolean,
    cst.UnaryOperation: _unary,
    cst.IfExp: _conditional,
    cst.Await: _await,
    cst.Yield: _yield,
    cst.NamedExpr: _walrus,
}
