"""What a condition says of the rows that fulfil it."""

from __future__ import annotations

from slowpath.semantics.values import ModelAttribute, Operation, Rows, Value

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
