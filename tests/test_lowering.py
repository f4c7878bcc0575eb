"""Bodies in the neutral form: what each construct becomes, whichever parser reads it, and where the numbers lead."""

from __future__ import annotations

import argparse
import ast
import asyncio.base_events
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from msgspec import Struct

from slowpath.expression import Attribute, Call, Name, Node
from slowpath.semantics import exact_lowering, quick_lowering
from slowpath.semantics.lowering import Body, LoweringError, lower, spans
from slowpath.semantics.slices import slice_of
from slowpath.semantics.statement import Statement
from slowpath.semantics.uses import nodes_in
from slowpath.source import Span

Place = tuple[str, int, int, int, int]


def shape(value: object) -> str:
    """The value without its numbers and without the fields at the end that say nothing."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(shape, value))}]"
    if not isinstance(value, Struct):
        return repr(value)
    fields = [name for name in value.__struct_fields__ if name != "at"]
    said = [getattr(value, name) for name in fields]
    while said and said[-1] in (None, "", ()) and not isinstance(said[-1], bool):
        said.pop()
    return f"{type(value).__name__}({', '.join(map(shape, said))})"


def body_of(code: str, is_async: bool = False) -> Body:
    text = f"{'async ' if is_async else ''}def f():\n{textwrap.indent(code, '    ')}"
    body = lower(text, 1)
    assert exact_lowering.lowered(text, 1) == body
    return body


def check_statements(code: str, expected: str) -> None:
    assert shape(body_of(code, is_async=True).statements) == f"[{expected}]"


def check_expression(code: str, expected: str) -> None:
    check_statements(f"return {code}", f"Return({expected})")


EXPRESSIONS = {
    "a": "Name('a')",
    "(a)": "Name('a')",
    "a.b.c": "Attribute(Attribute(Name('a'), 'b'), 'c')",
    "f(a, *b, c=1, **d)": "Call(Name('f'), [Argument(Name('a')), Argument(Name('b'), None, '*'), "
    "Argument(Constant(1), 'c'), Argument(Name('d'), None, '**')])",
    "f(x for x in y)": "Call(Name('f'), [Argument(Comprehension('generator', Name('x'), None, "
    "[Generator(Name('x'), Name('y'), [], False)]))])",
    "None": "Constant()",
    "True": "Constant(True)",
    "...": "Constant(None, 'other')",
    "1_000": "Constant(1000)",
    "0x1F": "Constant(31)",
    "00": "Constant(0)",
    "1.5e3": "Constant(1500.0)",
    "1e999": "Constant(None, 'other')",
    "2j": "Constant(None, 'other')",
    "9" * 4001: "Constant(None, 'other')",
    "b'x'": "Constant(None, 'bytes')",
    "Rb'x' b''": "Constant(None, 'bytes')",
    "'a'": "Constant('a')",
    "''": "Constant()",
    '""""a" b"""': "Constant('\"a\" b')",
    "'''it's\n  so'''": 'Constant("it\'s\\n      so")',
    r"'\x41\n\\\101\u00e9\N{BULLET}\q'": r"Constant('A\n\\Aé•\\q')",
    r"'\N{no such name}'": "Constant(None, 'other')",
    r"r'\n'": r"Constant('\\n')",
    "u'ü'": "Constant('ü')",
    "'a' \"b\" 'c'": "Constant('abc')",
    "f'a'": "Constant('a')",
    "f''": "Constant()",
    "'a' f'b{x}c{{}}' 'd'": "Template([Constant('ab'), Name('x'), Constant('c{}d')])",
    "f'{x!r:>{w}.{p}} {y=}'": "Template([Name('x'), Name('w'), Name('p'), Constant(' y='), Name('y')])",
    r"f'\t{x}' rf'\t'": r"Template([Constant('\t'), Name('x'), Constant('\\t')])",
    "f'{1}'": "Template([Template([Constant(1)])])",
    "[a, *b]": "Listing('list', [Name('a'), Starred(Name('b'))])",
    "a, b": "Listing('tuple', [Name('a'), Name('b')])",
    "()": "Listing('tuple')",
    "{a, b}": "Listing('set', [Name('a'), Name('b')])",
    "{}": "Mapping()",
    "{a: 1, **b}": "Mapping([Name('a'), None], [Constant(1), Name('b')])",
    "a[0]": "Subscript(Name('a'), Constant(0))",
    "a[0,]": "Subscript(Name('a'), Listing('tuple', [Constant(0)]))",
    "a[0, 1:]": "Subscript(Name('a'), Listing('tuple', [Constant(0), Slice(Constant(1))]))",
    "a[*b]": "Subscript(Name('a'), Listing('tuple', [Starred(Name('b'))]))",
    "a[1:2:3]": "Subscript(Name('a'), Slice(Constant(1), Constant(2), Constant(3)))",
    "a[:]": "Subscript(Name('a'), Slice())",
    "lambda a, /, b=1, *c, d, **e: a": "Lambda([Parameter('a', '/'), Parameter('b', '', None, Constant(1)), "
    "Parameter('c', '*'), Parameter('d', 'k'), Parameter('e', '**')], Name('a'))",
    "[x async for x in y if a if b]": "Comprehension('list', Name('x'), None, "
    "[Generator(Name('x'), Name('y'), [Name('a'), Name('b')], True)])",
    "{x for x in y for y in z}": "Comprehension('set', Name('x'), None, "
    "[Generator(Name('x'), Name('y'), [], False), Generator(Name('y'), Name('z'), [], False)])",
    "{k: v for k, v in y}": "Comprehension('dict', Name('v'), Name('k'), "
    "[Generator(Listing('tuple', [Name('k'), Name('v')]), Name('y'), [], False)])",
    "a + b * c": "Binary('+', Name('a'), Binary('*', Name('b'), Name('c')))",
    "a // b @ c << 1": "Binary('<<', Binary('@', Binary('//', Name('a'), Name('b')), Name('c')), Constant(1))",
    "1 < a <= 2": "Compare(Constant(1), ['<', '<='], [Name('a'), Constant(2)])",
    "a not in b": "Compare(Name('a'), ['not in'], [Name('b')])",
    "a is not b": "Compare(Name('a'), ['is not'], [Name('b')])",
    "a and b or c": "Boolean('or', Boolean('and', Name('a'), Name('b')), Name('c'))",
    "not -a": "Unary('not', Unary('-', Name('a')))",
    "a if b else c": "Conditional(Name('b'), Name('a'), Name('c'))",
    "await a": "Await(Name('a'))",
    "(a := b)": "Walrus(Name('a'), Name('b'))",
}

STATEMENTS = {
    "pass": "",
    "a = b = c": "Assign([Name('a'), Name('b')], Name('c'))",
    "a, *b = c": "Assign([Listing('tuple', [Name('a'), Starred(Name('b'))])], Name('c'))",
    "a: int": "Assign([Name('a')], None, Name('int'))",
    "a: int = 1": "Assign([Name('a')], Constant(1), Name('int'))",
    "a **= b": "Augment(Name('a'), '**', Name('b'))",
    "a @= b": "Augment(Name('a'), '@', Name('b'))",
    "f(); pass; return": "Evaluate(Call(Name('f'))), Return()",
    "if a: b\nelif c: d\nelse: e": "If(Name('a'), [Evaluate(Name('b'))], "
    "[If(Name('c'), [Evaluate(Name('d'))], [Evaluate(Name('e'))])])",
    "for a in b:\n    break\nelse:\n    continue": "For(Name('a'), Name('b'), [Break()], [Continue()], False)",
    "async for a in b: pass": "For(Name('a'), Name('b'), [], [], True)",
    "while a: pass\nelse: b": "While(Name('a'), [], [Evaluate(Name('b'))])",
    "with a as b, c: d": "With([WithItem(Name('a'), Name('b')), WithItem(Name('c'))], [Evaluate(Name('d'))], False)",
    "with (\n    a as b,\n    c,\n): pass": "With([WithItem(Name('a'), Name('b')), WithItem(Name('c'))], [], False)",
    "async with a() as (b, c): pass": "With([WithItem(Call(Name('a')), Listing('tuple', [Name('b'), Name('c')]))], "
    "[], True)",
    "try: a\nexcept: b\nelse: c\nfinally: d": "Try([Evaluate(Name('a'))], "
    "[Handler(None, None, [Evaluate(Name('b'))])], "
    "[Evaluate(Name('c'))], [Evaluate(Name('d'))])",
    "try: a\nexcept (B, C) as d: pass": "Try([Evaluate(Name('a'))], "
    "[Handler(Listing('tuple', [Name('B'), Name('C')]), 'd')])",
    "try: a\nexcept* B: pass": "Try([Evaluate(Name('a'))], [Handler(Name('B'))])",
    "raise": "Raise()",
    "raise A(b) from c": "Raise(Call(Name('A'), [Argument(Name('b'))]))",
    "assert a, b": "Assert(Name('a'))",
    "del a, b[0]": "Delete([Name('a'), Subscript(Name('b'), Constant(0))])",
    "global a, b": "Scope(['a', 'b'])",
    "import a.b, c.d as e": "Import([ImportedName('a', 'a', '', 0), ImportedName('e', 'c.d', '', 0)])",
    "from ..a.b import c as d, e": "Import([ImportedName('d', 'a.b', 'c', 2), ImportedName('e', 'a.b', 'e', 2)])",
    "from . import a": "Import([ImportedName('a', '', 'a', 1)])",
    "@a\nasync def g(b=c): return d": "Define('g', False)",
    "class G(a): b = c": "Define('G', True)",
    "type X = a": "",
    "yield": "Evaluate(Yield(None, False))",
    "a = yield b": "Assign([Name('a')], Yield(Name('b'), False))",
    "match a:\n    case b.C(d, e=[f, *g]) if h: i\n    case {1: j, **k} | [j, k]: pass\n    case _: pass": "Match("
    "Name('a'), [Case(['d', 'f', 'g'], Attribute(Name('b'), 'C'), Name('h'), [Evaluate(Name('i'))]), "
    "Case(['j', 'k']), Case()])",
    "match a, b:\n    case (C() as d, 1): pass\n    case C() as d: pass": "Match("
    "Listing('tuple', [Name('a'), Name('b')]), [Case(['d']), Case(['d'], Name('C'))])",
}


@pytest.mark.parametrize("code", EXPRESSIONS, ids=lambda code: code[:30])
def test_expression(code: str) -> None:
    check_expression(code, EXPRESSIONS[code])


@pytest.mark.parametrize("code", STATEMENTS)
def test_statement(code: str) -> None:
    check_statements(code, STATEMENTS[code])


def test_delegating_yield() -> None:
    assert shape(body_of("yield from a").statements) == "[Evaluate(Yield(Name('a'), True))]"


def test_template_string_is_a_template() -> None:
    check_expression("t'a{x}'", "Template([Constant('a'), Name('x')])")


def test_parameters_carry_annotations_and_defaults() -> None:
    body = lower("def f(a: int, /, b=1, *, c: str = d, **e): pass", 1)
    assert shape(body.parameters) == (
        "[Parameter('a', '/', Name('int')), Parameter('b', '', None, Constant(1)), "
        "Parameter('c', 'k', Name('str'), Name('d')), Parameter('e', '**')]"
    )


@pytest.mark.parametrize(
    ("slice_text", "column"),
    [
        ("def f(): return 1", 1),
        ("async def f(): return 1  # why", 1),
        ("    async  def f(): return 1", 5),
        ("\tdef f():\n\t\treturn 1\n\t# why", 2),
        ("    def f():\n        return 1 \\", 5),
        ("    def f():\n# why\n        return 1;", 5),
        ("def f() -> (\n    int\n):\n  return (\n1\n)", 1),
    ],
)
def test_slices_of_all_forms(slice_text: str, column: int) -> None:
    assert shape(lower(slice_text, column).statements) == "[Return(Constant(1))]"


@pytest.mark.parametrize(
    ("slice_text", "column", "line", "reason"),
    [
        ("    def f():\n        x = 1\n        y = = 2\n        z", 5, 3, "expected one of"),
        ("def f():\n    a = (", 1, 2, "expected one of"),
        ("def f():\n    a = 'b", 1, 1, "unterminated string"),
        ("x = 1; def f(): pass", 8, 1, "expected"),
        ("class X: def f(): pass", 10, 1, "expected"),
        ("x = 1", 1, 1, "not those of one function"),
        ("def f(): return '\ud800'", 1, 1, "surrogates"),
    ],
)
def test_unreadable_slices(slice_text: str, column: int, line: int, reason: str) -> None:
    with pytest.raises(LoweringError, match=reason) as caught:
        lower(slice_text, column)
    assert caught.value.line == line


DEEP = {
    "sum": "+".join(["a"] * 50_000),
    "attributes": "a" + ".b" * 50_000,
    "calls": "a" + "(1, 2)" * 50_000,
    "unary": "-" * 50_000 + "1",
    "brackets": "[" * 50_000 + "]" * 50_000,
    "lambdas": "lambda a, b: " * 50_000 + "1",
    "booleans": " and\\\n".join(["a"] * 50_000),
    "conditionals": "a if b else " * 50_000 + "c",
    "strings": "(" + "'a' \n" * 50_000 + ")",
    "elif": "1\n    if a: pass\n" + "    elif a: pass\n" * 50_000,
    "powers": "**".join(["a"] * 600),
}


@pytest.mark.parametrize("code", DEEP.values(), ids=DEEP)
def test_deep_nesting_is_refused(code: str) -> None:
    with pytest.raises(LoweringError, match="nested too deeply"):
        lower(f"def f():\n    return {code}", 1)


def test_places_of_what_is_too_deep_for_them() -> None:
    slice_text = "def f():\n    if a: pass\n" + "    elif a: pass\n" * 600
    assert lower(slice_text, 1).statements
    with pytest.raises(LoweringError, match="nested too deeply"):
        spans(slice_text, 1, 1, [0])


@pytest.mark.parametrize(
    "code",
    ["(" + "'a' # why\n" * 900 + ")", "[" + "(a.b, 'c', -1),\n" * 2_000 + "]", "1\n" + "    a.b(c)\n" * 2_000],
    ids=["strings", "table", "lines"],
)
def test_long_is_not_deep(code: str) -> None:
    assert lower(f"def f():\n    return {code}", 1).statements


def numbered(value: object) -> Iterator[tuple[int, str]]:
    """The number and kind of every node inside."""
    if isinstance(value, tuple):
        for element in value:
            yield from numbered(element)
    elif isinstance(value, Struct):
        if isinstance(value, (Node, Statement)):
            yield value.at, type(value).__name__
        for name in value.__struct_fields__:
            yield from numbered(getattr(value, name))


def places(slice_text: str, column: int, first_line: int) -> set[Place]:
    """Where the names, attributes and calls of a function are, by its numbers."""
    body = lower(slice_text, column)
    kinds = [(at, kind) for at, kind in numbered(body) if kind in {"Name", "Attribute", "Call"}]
    assert len({at for at, _ in kinds}) == len(kinds)
    found = spans(slice_text, column, first_line, [at for at, _ in kinds])
    return {(kind, *_four(found[at])) for at, kind in kinds}


def _four(span: Span) -> tuple[int, int, int, int]:
    return span.line, span.column, span.end_line, span.end_column


FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


def own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes below that lowering keeps: not nested definitions, causes of exceptions, messages of assertions."""
    yield node
    for name, value in ast.iter_fields(node):
        if (type(node).__name__, name) in {("Raise", "cause"), ("Assert", "msg"), ("match_case", "pattern")}:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not isinstance(child, (FunctionNode, ast.ClassDef)):
                yield from own_nodes(child)


def expected_places(function: FunctionNode, lines: list[str]) -> set[Place]:
    """Where the standard library's parser says that they are, in characters."""
    roots = [function.args, *function.body]
    kept = [root for root in roots if not isinstance(root, (FunctionNode, ast.ClassDef))]
    found = [node for root in kept for node in own_nodes(root)]
    return {
        (type(node).__name__, *_begin(node, lines), *_end(node, lines))
        for node in found
        if isinstance(node, (ast.Name, ast.Attribute, ast.Call))
    }


def _begin(node: ast.expr, lines: list[str]) -> tuple[int, int]:
    return node.lineno, _character(node.lineno, node.col_offset, lines)


def _end(node: ast.expr, lines: list[str]) -> tuple[int, int]:
    line = node.end_lineno or 0
    return line, _character(line, node.end_col_offset or 0, lines)


def _character(line: int, offset: int, lines: list[str]) -> int:
    return len(lines[line - 1].encode()[:offset].decode()) + 1


def check_places(text: str) -> int:
    """How many functions the text has, when all their places agree."""
    lines = text.split("\n")
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, FunctionNode)]
    for function in functions:
        slice_text = slice_of(lines, function.lineno, function.end_lineno or 0)
        column = _character(function.lineno, function.col_offset, lines)
        assert places(slice_text, column, function.lineno) == expected_places(function, lines), function.name
    return len(functions)


AWKWARD = '''\
class Ü:
\tdef größe(self, ä=Ü.x.y):
\t\tif (ä):
\t\t\treturn ((self.é("ß", ä).ö(
\t\t\t\t# why
\t\t\tself.ü) ).x)
\t\ttext = """
é {} """.format(self . ä . ö); more = ä
\t\treturn [ é.x for é, in self ( * ä ) if (é)]

\tasync  def other(self):  return await(self.é).ö

def last(a):
  return a.b \\
    .c(a) + (
a)
'''


def test_places_in_awkward_code() -> None:
    assert check_places(AWKWARD) == 3


@pytest.mark.skipif(sys.version_info < (3, 12), reason="older parsers place the holes of f-strings wrongly")
@pytest.mark.parametrize("module", [argparse, asyncio.base_events, textwrap], ids=lambda module: module.__name__)
def test_places_in_the_standard_library(module: ModuleType) -> None:
    assert check_places(Path(str(module.__file__)).read_text(encoding="utf-8")) > 10


def functions_in(text: str) -> Iterator[tuple[str, int]]:
    """The slice of every function, and the column it begins in."""
    lines = text.split("\n")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, FunctionNode):
            column = _character(node.lineno, node.col_offset, lines)
            yield slice_of(lines, node.lineno, node.end_lineno or 0), column


@pytest.mark.filterwarnings("ignore::SyntaxWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("folder", ["../src", "../fixtures", "asyncio", "email", "importlib", "unittest"])
def test_both_parsers_give_the_same(folder: str) -> None:
    home = Path(__file__).parent if folder.startswith("..") else Path(argparse.__file__).parent
    compared = 0
    for file in sorted((home / folder).rglob("*.py")):
        try:
            functions = list(functions_in(file.read_text(encoding="utf-8")))
        except SyntaxError:
            # Fixtures hold what newer versions of Python can read.
            continue
        for slice_text, column in functions:
            quick = quick_lowering.lowered(slice_text, column)
            assert quick is not None
            assert quick == exact_lowering.lowered(slice_text, column), file
            compared += 1
    assert compared > 50


def test_both_parsers_place_calls_and_names_alike() -> None:
    compared = 0
    for slice_text, column in functions_in(Path(argparse.__file__).read_text(encoding="utf-8")):
        plain = [node for node in nodes_in(lower(slice_text, column)) if isinstance(node, (Name, Attribute, Call))]
        ats = [node.at for node in plain]
        quick = quick_lowering.spans(slice_text, column, 7, ats)
        if quick is not None:
            assert quick == exact_lowering.spans(slice_text, column, 7, ats)
            compared += len(ats)
    assert compared > 1_000


def test_what_the_running_python_cannot_read_is_read_by_libcst() -> None:
    newer = 'def f[T](a: T):\n    return f"{a["b"]}"'
    assert (quick_lowering.lowered(newer, 1) is None) == (sys.version_info < (3, 12))
    assert shape(lower(newer, 1).statements) == "[Return(Template([Subscript(Name('a'), Constant('b'))]))]"


def test_number_zero_is_the_name_of_the_function() -> None:
    assert spans("    def f(): pass", 5, 7, [0]) == {0: Span(7, 9, 7, 10)}
