"""The statements of a function's body, in the neutral form."""

from __future__ import annotations

from typing import Union

from msgspec import Struct

from slowpath.expression import Expression, ImportedName


class Statement(Struct, frozen=True, tag=True, array_like=True, gc=False):
    """What every statement has: where it stands."""

    at: int


class Assign(Statement, frozen=True):
    """`targets[0] = targets[1] = value`; an annotated assignment carries its annotation, and no value when it has
    none."""

    targets: tuple[Expression, ...]
    value: Expression | None
    annotation: Expression | None = None


class Augment(Statement, frozen=True):
    """`target operator= value`, the operator spelled without its `=`."""

    target: Expression
    operator: str
    value: Expression


class Evaluate(Statement, frozen=True):
    """An expression for its effects."""

    value: Expression


class Return(Statement, frozen=True):
    """`return value`."""

    value: Expression | None


class If(Statement, frozen=True):
    """`if test: body else: orelse`; an `elif` is an `If` in `orelse`."""

    test: Expression
    body: Block
    orelse: Block


class For(Statement, frozen=True):
    """`for target in iterable: body else: orelse`."""

    target: Expression
    iterable: Expression
    body: Block
    orelse: Block
    is_async: bool


class While(Statement, frozen=True):
    """`while test: body else: orelse`."""

    test: Expression
    body: Block
    orelse: Block


class WithItem(Struct, frozen=True, array_like=True, gc=False):
    """`context as target`."""

    context: Expression
    target: Expression | None


class With(Statement, frozen=True):
    """`with items: body`."""

    items: tuple[WithItem, ...]
    body: Block
    is_async: bool


class Handler(Struct, frozen=True, array_like=True, gc=False):
    """`except type as name: body`."""

    type: Expression | None
    name: str | None
    body: Block


class Try(Statement, frozen=True):
    """`try: body except …: handlers else: orelse finally: final`."""

    body: Block
    handlers: tuple[Handler, ...]
    orelse: Block
    final: Block


class Raise(Statement, frozen=True):
    """`raise exception from cause`."""

    exception: Expression | None


class Break(Statement, frozen=True):
    """`break`."""


class Continue(Statement, frozen=True):
    """`continue`."""


class Define(Statement, frozen=True):
    """A nested `def` or `class` (its body is a declaration of its own)."""

    name: str
    is_class: bool


class Import(Statement, frozen=True):
    """An import inside a function; `*` imports have the local name `*`."""

    names: tuple[ImportedName, ...]


class Delete(Statement, frozen=True):
    """`del targets`."""

    targets: tuple[Expression, ...]


class Assert(Statement, frozen=True):
    """`assert test`."""

    test: Expression


class Case(Struct, frozen=True, array_like=True, gc=False):
    """`case pattern if guard: body`: the names the pattern binds, and the class it tests for when it is one class
    pattern."""

    binds: tuple[str, ...]
    cls: Expression | None
    guard: Expression | None
    body: Block


class Match(Statement, frozen=True):
    """`match subject: cases`."""

    subject: Expression
    cases: tuple[Case, ...]


class Scope(Statement, frozen=True):
    """`global names` or `nonlocal names`."""

    names: tuple[str, ...]


AnyStatement = Union[
    Assign,
    Augment,
    Evaluate,
    Return,
    If,
    For,
    While,
    With,
    Try,
    Raise,
    Break,
    Continue,
    Define,
    Import,
    Delete,
    Assert,
    Match,
    Scope,
]

Block = tuple[AnyStatement, ...]
