"""What a condition says of the rows that fulfil it."""

from __future__ import annotations

from collections.abc import Sequence

from slowpath import expression as e
from slowpath.semantics.values import Collection, Constant, ModelAttribute, Operation, Rows, Value

_NONE: frozenset[str] = frozenset()


def pinned(value: Value) -> frozenset[str]:
    """The attributes of the condition's rows that have a value from outside the query, whichever way it comes true."""
    match value:
        case Operation(operator="|" | "or_", operands=(first, *others)):
            return pinned(first).intersection(*map(pinned, others))
        case Operation(operator="&" | "and_", operands=operands):
            return _NONE.union(*map(pinned, operands))
        case Operation(operator="==" | "in_", operands=(ModelAttribute(path=(name,)), other)):
            return _NONE if _is_of_the_query(other) else frozenset((name,))
        case Operation(operator="==", operands=(other, ModelAttribute(path=(name,)))):
            return _NONE if _is_of_the_query(other) else frozenset((name,))
    return _NONE


def _is_of_the_query(value: Value) -> bool:
    """Whether the database works the value out."""
    return isinstance(value, ModelAttribute | Operation | Rows)


def is_none(node: e.Expression) -> bool:
    """Whether this is `None` as written."""
    return isinstance(node, e.Constant) and node.value is None and not node.kind


def decided(operators: Sequence[str], values: Sequence[Value]) -> Constant | None:
    """What a comparison of constants comes to, if it is one of the simple ones."""
    match tuple(operators), tuple(values):
        case ("==" | "!=" as operator,), (Constant(value=left), Constant(value=right)):
            return Constant((left == right) == (operator == "=="))
        case ("in" | "not in" as operator,), (Constant(value=left), Collection(items=tuple() as items)):
            known = [item.value for item in items if isinstance(item, Constant)]
            return Constant((left in known) == (operator == "in")) if len(known) == len(items) else None
    return None
