"""What the body of a function mentions: the words, calls and kinds of syntax in it, from one cheap walk."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from typing import TypeAlias

from msgspec import Struct

Function: TypeAlias = "ast.FunctionDef | ast.AsyncFunctionDef"
Definition: TypeAlias = "ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef"

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_LOOPS = {ast.For, ast.AsyncFor, ast.While, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp}
_LOOPING = {"map", "filter", "sorted", "min", "max", "any", "all", "sum"}
_AWAITS = {ast.Await, ast.AsyncFor, ast.AsyncWith}
_YIELDS = {ast.Yield, ast.YieldFrom}

# The fields of syntax in which other syntax hangs; operators, names and literals have nothing below them.
_FLAT = {"ctx", "op", "ops", "names", "name", "id", "attr", "arg", "kind", "type_comment", "type_params", "conversion"}
_FLAT |= {"level", "module", "asname", "is_async", "simple", "rest", "kwd_attrs", "str", "tag", "lineno"}
_LEAVES = {ast.Constant, ast.MatchSingleton}
_CHILDREN: dict[type, tuple[str, ...]] = {
    kind: () if kind in _LEAVES else tuple(field for field in kind._fields if field not in _FLAT)
    for kind in vars(ast).values()
    if isinstance(kind, type) and issubclass(kind, ast.AST)
}
# The key of `**x` in a dict.
_CHILDREN[type(None)] = ()

_STATEMENT = re.compile(
    r"\s*(?:--[^\n]*\s*)?\(?(?:SELECT\s|(?i:select\s[^.]*\sfrom\s|insert\s+into\s|update\s+\S+\s+set\s|delete\s+from\s"
    r"|replace\s+into\s|with\s+\w+\s+as\s*\(|set\s+(?:session\s+|local\s+)?\w*timeout\b"
    r"|create\s+(?:unique\s+)?(?:index|table)\s|alter\s+table\s))"
)


class Sketch(Struct, frozen=True, array_like=True, gc=False):
    """What a function's body mentions, from one cheap walk; nested functions and lambdas count as its own.

    `words` are all attribute names and all names that are called, sorted. `calls` are the targets of calls as
    written (`self.load`, `helpers.total`, `Order.objects.filter`; `?.name` when the receiver is not a chain of names),
    sorted. `loops` says whether there is a `for`, a `while`, a comprehension, or a call of `map`, `filter`, `sorted`,
    `min`, `max`, `any`, `all` or `sum`. `sql` says whether there is a text that begins like a statement.
    """

    words: tuple[str, ...]
    calls: tuple[str, ...]
    loops: bool
    awaits: bool
    yields: bool
    sql: bool


def begins_a_statement(value: object) -> bool:
    """Whether it is a text that begins like SQL."""
    return value.__class__ is str and _STATEMENT.match(value) is not None


class Mentions:
    """What has been seen in a function's body so far."""

    def __init__(self) -> None:
        self.words: set[str] = set()
        self.calls: set[str] = set()
        self.kinds: set[type] = set()
        self.sql = False

    @property
    def loops(self) -> bool:
        """Whether something is done for each of many things."""
        return not (self.kinds.isdisjoint(_LOOPS) and self.calls.isdisjoint(_LOOPING))

    @property
    def awaits(self) -> bool:
        """Whether something is awaited, also by `async for` or `async with`."""
        return not self.kinds.isdisjoint(_AWAITS)

    @property
    def yields(self) -> bool:
        """Whether something is yielded."""
        return not self.kinds.isdisjoint(_YIELDS)

    def sketch(self) -> Sketch:
        """What has been seen, as it is kept."""
        words, calls = tuple(sorted(self.words)), tuple(sorted(self.calls))
        return Sketch(words, calls, self.loops, self.awaits, self.yields, self.sql)

    def merge(self, inner: Mentions) -> None:
        """Note what a nested function mentions."""
        self.words |= inner.words
        self.calls |= inner.calls
        self.kinds |= inner.kinds
        self.sql = self.sql or inner.sql

    def walk(self, roots: Iterable[ast.AST]) -> list[Definition]:
        """Note what is below the roots; the definitions met there, which are not looked into."""
        stack = list(roots)
        definitions: list[Definition] = []
        while stack:
            node = stack.pop()
            kind = node.__class__
            self.kinds.add(kind)
            if kind is ast.Constant:
                self.sql = self.sql or begins_a_statement(node.value)  # type: ignore[attr-defined]
            elif isinstance(node, ast.Attribute):
                self.words.add(node.attr)
                stack.append(node.value)
            elif isinstance(node, ast.Call):
                stack += self._called(node.func)
                stack += node.args
                stack += node.keywords
            elif isinstance(node, _DEFINITIONS):
                definitions.append(node)
            else:
                for field in _CHILDREN[kind]:
                    child = getattr(node, field)
                    if child.__class__ is list:
                        stack += child
                    elif child is not None:
                        stack.append(child)
                if isinstance(node, ast.comprehension) and node.is_async:
                    self.kinds.add(ast.AsyncFor)
        return definitions

    def _called(self, func: ast.expr) -> tuple[ast.expr, ...]:
        """Note the target of a call; the part of it that is still to be looked into, if any."""
        if isinstance(func, ast.Name):
            self.words.add(func.id)
            self.calls.add(func.id)
            return ()
        if not isinstance(func, ast.Attribute):
            return (func,)
        written = func.attr
        receiver = func.value
        self.words.add(written)
        while isinstance(receiver, ast.Attribute):
            self.words.add(receiver.attr)
            written = f"{receiver.attr}.{written}"
            receiver = receiver.value
        if isinstance(receiver, ast.Name):
            self.calls.add(f"{receiver.id}.{written}")
            return ()
        self.calls.add(f"?.{func.attr}")
        return (receiver,)


def word_of(decorator: ast.expr) -> str:
    """The last word of a decorator, as far as it says what it is."""
    target = decorator.func if isinstance(decorator, ast.Call) else decorator
    while isinstance(target, ast.Attribute) and target.attr in {"directive", "cascading"}:
        target = target.value
    return target.attr if isinstance(target, ast.Attribute) else target.id if isinstance(target, ast.Name) else ""
