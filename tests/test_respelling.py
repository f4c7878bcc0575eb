"""Syntax that the running Python may not know yet: how it is respelled, and that nothing else moves."""

from __future__ import annotations

import ast
import re

import pytest

from slowpath.declarations import declare
from slowpath.respelling import respelled
from slowpath.source import source_of


@pytest.mark.parametrize(
    ("newer", "older"),
    [
        ("class A[T: B = int](C): pass", "class A (C): pass"),
        ("class A[\n T,\n]: pass", "class A\\\n \\\n : pass"),
        ("def f[*Ts, **P](a): pass", "def f (a): pass"),
        ("async def f[T: (int, 'x]')](a): pass", "async def f (a): pass"),
        ("type X[T] = list[T]", "X = list[T]"),
        ("if a: type X = b", "if a: X = b"),
        ("type X[\n T\n] = b", "X \\\n \\\n = b"),
        ("try: a\nexcept A, B.c: b", "try: a\nexcept A| B.c: b"),
        ("try: a\nexcept* (A, B): b", "try: a\nexcept (A, B): b"),
        ("a: tuple[*Ts, int]", "a: tuple[ Ts, int]"),
        ("def f(*args: *Ts): pass", "def f(*args: Ts): pass"),
        ("""a = f"x{b["k"]!r:>{w}} {c}" """, """a = [ b["k"], w, c,] """),
        ("""a = f"{b["é"]} é" """, """a = [ b["é"], ] """),
        ("""a = ("é{", f"{'\\n'.join(b)}")""", """a = ("é{", [ '\\n'.join(b),])"""),
        ("""a = ("x" f"{b["k"]}"\n "y")""", """a = ([ b["k"], \n ])"""),
        ('a = f"""{b:#x}{\n c # d\n}"""', "a = [ b, \n c # d\n, ]"),
        ("""a = f"{f'{b["k"]}'}" """, """a = [ f'{b["k"]}',] """),
        ("""a = t"x{b=}" """, """a = [ b, ] """),
        ("""a = rf"\\{b["k"]}{c != d}" """, """a = [ b["k"], c != d,] """),
    ],
)
def test_newer_syntax_has_an_older_spelling(newer: str, older: str) -> None:
    spelling = respelled(newer)
    assert re.sub(" +", " ", spelling) == older
    assert [len(line.encode()) for line in spelling.split("\n")] == [len(line.encode()) for line in newer.split("\n")]
    ast.parse(spelling)


@pytest.mark.parametrize(
    "code",
    [
        "type = 1\ntype[0] = 2\ntype(x) == y\nprint(type, X)",
        "a = [*b, *c]\nreturn [*b]\nf(*a, *b)\nx = a[b * c, d * e]",
        "f'{a!r} {b:>{c}} {{d}} {e[\"k\"]} {f != g}'",
        "rb'\\'' 'it''s' b\"#\" '''\n'''  # [ \" '",
        "f'\\N{DASH}{a}' f'''{b['k']}\n'''",
        "try: a\nexcept (A, B): b",
        "a[1:*b",
        "a = 'never closed\nclass A[T]: pass",
        "a = f'{b",
        "a = f'{b:",
        "class A[T",
    ],
)
def test_what_is_old_or_broken_stays_as_it_is(code: str) -> None:
    assert respelled(code) == code


def test_a_file_for_a_newer_python_declares_the_same_on_every_one() -> None:
    newer = (
        "type Pk = int\n"
        "class Store[M: Model](Base[M]):\n"
        "    async def first[T](self, pk: Pk, *args: *Ts) -> M:\n"
        '        log(f"{self.names["é"]}, {"\\n".join(args)}")\n'
        "        try: return await self.load(pk)\n"
        "        except A, B: raise\n"
    )
    declarations = declare(source_of("store.py", newer))
    assert declarations.problem is None
    (store,) = declarations.classes
    assert (store.qualname, store.line, len(store.bases)) == ("Store", 2, 1)
    (first,) = declarations.functions
    assert (first.qualname, first.line, first.end_line, first.column) == ("Store.first", 3, 6, 5)
    assert [parameter.name for parameter in first.parameters] == ["self", "pk", "args"]
    assert first.sketch.calls == ("?.join", "log", "self.load")
    assert [assignment.name for assignment in declarations.assignments] == ["Pk"]


def test_what_is_wrong_in_every_version_is_a_problem_where_it_stands() -> None:
    declarations = declare(source_of("store.py", "class A[T]: pass\nx = = 1\n"))
    assert declarations.problem is not None
    assert declarations.problem[0] == 2
