"""Which attributes a join condition mentions, written as code or as a string of code."""

from __future__ import annotations

import re
from collections.abc import Iterator

from slowpath.expression import (
    Attribute,
    Binary,
    Boolean,
    Call,
    Compare,
    Constant,
    Expression,
    Lambda,
    Listing,
    Name,
    Unary,
    dotted,
)

# An attribute with the class or table it is of, if any.
Mention = tuple[str, str]

_MENTION = re.compile(r"(?:\b(\w+)\.)?\b([A-Za-z_]\w*)\b(?!\s*[.(])")


def attributes(value: Expression | None) -> tuple[Mention, ...]:
    """Every `Class.attribute` and plain name that the expression mentions."""
    match value:
        case None:
            return ()
        case Constant(value=str(text)):
            return tuple((label, name) for label, name in _MENTION.findall(text))
        case Name(id=name):
            return (("", name),)
        case Attribute(value=owner, attr=name):
            label = dotted(owner).removesuffix(".c").removesuffix(".__table__").rpartition(".")[2]
            return ((label, name),) if label else attributes(owner)
    return tuple(mention for part in _parts(value) for mention in attributes(part))


def marked(value: Expression | None, word: str) -> tuple[Mention, ...]:
    """What the expression mentions within `remote(…)` or `foreign(…)`."""
    match value:
        case None:
            return ()
        case Constant(value=str(text)):
            inner = re.findall(rf"\b{word}\(([^()]*(?:\([^()]*\))?[^()]*)\)", text)
            return tuple(mention for part in inner for mention in _MENTION.findall(part))
        case Call(func=func, arguments=arguments) if dotted(func).rpartition(".")[2] == word:
            return tuple(mention for passed in arguments for mention in attributes(passed.value))
    return tuple(mention for part in _parts(value) for mention in marked(part, word))


def _parts(value: Expression) -> Iterator[Expression]:
    match value:
        case Listing(elements=elements):
            yield from elements
        case Lambda(body=body):
            yield body
        case Compare(left=left, operands=operands):
            yield left
            yield from operands
        case Binary(left=left, right=right) | Boolean(left=left, right=right):
            yield left
            yield right
        case Unary(operand=operand):
            yield operand
        case Call(func=func, arguments=arguments):
            yield from (passed.value for passed in arguments)
            if isinstance(func, Attribute):
                yield func.value
