"""The one neutral form of code, whichever tree it was read from.

`declarations` writes it from the standard library's trees (class bodies, module level), `semantics.lowering` from
LibCST (bodies of functions). Every expression knows where it is by `at`: for declarations a line and a column
(`at_of`, `line_column`), for bodies the number of the node in the function's tree, which `semantics.lowering.spans`
turns into a span when somebody needs one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Union

from msgspec import Struct

Scalar = Union[str, int, float, bool, None]


class Node(Struct, frozen=True, tag=True, array_like=True, gc=False):
    """What every expression has: where it stands."""

    at: int


class Name(Node, frozen=True):
    """A variable."""

    id: str


class Attribute(Node, frozen=True):
    """`value.attr`."""

    value: Expression
    attr: str


class Argument(Struct, frozen=True, array_like=True, gc=False):
    """One argument of a call: `keyword` is its name, `star` is `*` or `**` for what is unpacked."""

    value: Expression
    keyword: str | None = None
    star: Literal["", "*", "**"] = ""


class Call(Node, frozen=True):
    """`func(arguments)`."""

    func: Expression
    arguments: tuple[Argument, ...]


class Constant(Node, frozen=True):
    """A literal; bytes, complex numbers and `...` are `None` with `kind` saying so."""

    value: Scalar
    kind: Literal["", "bytes", "other"] = ""


class Template(Node, frozen=True):
    """An f-string: constants and holes in order."""

    parts: tuple[Expression, ...]


class Listing(Node, frozen=True):
    """`[a, b]`, `(a, b)` or `{a, b}`."""

    kind: Literal["list", "tuple", "set"]
    elements: tuple[Expression, ...]


class Mapping(Node, frozen=True):
    """`{key: value}`; an unpacked `**x` has the key `None`."""

    keys: tuple[Expression | None, ...]
    values: tuple[Expression, ...]


class Subscript(Node, frozen=True):
    """`value[index]`; several indexes are a tuple `Listing`."""

    value: Expression
    index: Expression


class Slice(Node, frozen=True):
    """`lower:upper:step`, inside a subscript."""

    lower: Expression | None
    upper: Expression | None
    step: Expression | None


class Parameter(Struct, frozen=True, array_like=True, gc=False):
    """A parameter; `kind` is `/` positional-only, `` ordinary, `*` var-positional, `k` keyword-only, `**`
    var-keyword."""

    name: str
    kind: Literal["/", "", "*", "k", "**"] = ""
    annotation: Expression | None = None
    default: Expression | None = None


class Lambda(Node, frozen=True):
    """`lambda parameters: body`."""

    parameters: tuple[Parameter, ...]
    body: Expression


class Generator(Struct, frozen=True, array_like=True, gc=False):
    """One `for target in iterable if conditions` of a comprehension."""

    target: Expression
    iterable: Expression
    conditions: tuple[Expression, ...]
    is_async: bool


class Comprehension(Node, frozen=True):
    """A list, set, dict or generator comprehension; `key` is set for a dict."""

    kind: Literal["list", "set", "dict", "generator"]
    element: Expression
    key: Expression | None
    generators: tuple[Generator, ...]


class Binary(Node, frozen=True):
    """`left operator right`, with Python's own spelling of the operator."""

    operator: str
    left: Expression
    right: Expression


class Compare(Node, frozen=True):
    """`left operators[0] operands[0] …`; operators are spelled `==`, `in`, `not in`, `is`, `is not` and so on."""

    left: Expression
    operators: tuple[str, ...]
    operands: tuple[Expression, ...]


class Boolean(Node, frozen=True):
    """`a and b`, `a or b`; nested, never flattened."""

    operator: Literal["and", "or"]
    left: Expression
    right: Expression


class Unary(Node, frozen=True):
    """`not x`, `-x`, `+x`, `~x`."""

    operator: str
    operand: Expression


class Conditional(Node, frozen=True):
    """`body if test else orelse`."""

    test: Expression
    body: Expression
    orelse: Expression


class Await(Node, frozen=True):
    """`await value`."""

    value: Expression


class Yield(Node, frozen=True):
    """`yield value`, or `yield from value` when `delegates`."""

    value: Expression | None
    delegates: bool


class Starred(Node, frozen=True):
    """`*value` in a listing or a target."""

    value: Expression


class Walrus(Node, frozen=True):
    """`target := value`."""

    target: Expression
    value: Expression


Expression = Union[
    Name,
    Attribute,
    Call,
    Constant,
    Template,
    Listing,
    Mapping,
    Subscript,
    Slice,
    Lambda,
    Comprehension,
    Binary,
    Compare,
    Boolean,
    Unary,
    Conditional,
    Await,
    Yield,
    Starred,
    Walrus,
]


class ImportedName(Struct, frozen=True, array_like=True, gc=False):
    """`from module import name as local` (`level` counts leading dots); `name` is empty for `import module as local`.

    For `import a.b` without `as`, local is `a` and module is `a`.
    """

    local: str
    module: str
    name: str
    level: int


def at_of(line: int, column: int) -> int:
    """A place in a file as one number; columns above 4095 are cut."""
    return line << 12 | min(column, 4095)


def line_column(at: int) -> tuple[int, int]:
    """The line and column, both from 1, that `at_of` packed."""
    return at >> 12, at & 4095


def dotted(expression: Expression | None) -> str:
    """`a.b.c` for a name or a chain of attributes, empty for anything else."""
    match expression:
        case Name(id=name):
            return name
        case Attribute(value=value, attr=attr):
            head = dotted(value)
            return f"{head}.{attr}" if head else ""
    return ""


def argument(call: Call, keyword: str, position: int | None = None) -> Expression | None:
    """The argument passed by this name, or at this position (from 0), if any; nothing after an unpacking."""
    for index, passed in enumerate(call.arguments):
        if passed.keyword == keyword:
            return passed.value
        if position is not None and index == position and not passed.keyword and not passed.star:
            return passed.value
        if passed.star and position is not None and index <= position:
            position = None
    return None


def within(expression: Expression | None) -> Iterator[Expression]:
    """The expression and every expression in it, outer ones first, in the order in which they are written."""
    waiting: list[object] = [expression]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Node):
            yield part  # type: ignore[misc]
        if isinstance(part, Struct):
            waiting += [getattr(part, field) for field in reversed(part.__struct_fields__)]
        elif isinstance(part, tuple):
            waiting += reversed(part)
