"""What is declared by a file, and what its fingerprint does not see."""

from __future__ import annotations

from textwrap import dedent

import pytest
from msgspec import Struct, msgpack

from slowpath.declarations import Declarations, FunctionDeclaration, declare
from slowpath.expression import (
    Constant,
    ImportedName,
    Name,
    dotted,
    line_column,
)
from slowpath.source import source_of


def declared(code: str) -> Declarations:
    """The declarations of a file with this code, which must survive the cache."""
    declarations = declare(source_of("shop/orders.py", dedent(code)))
    assert msgpack.decode(msgpack.encode(declarations), type=Declarations) == declarations
    return declarations


def function(code: str, qualname: str) -> FunctionDeclaration:
    """The only function of this name."""
    (found,) = [each for each in declared(code).functions if each.qualname == qualname]
    return found


def written(expression: object) -> str:
    """An expression as `Type(field, …)`, without its place; names and constants as in Python."""
    match expression:
        case Name(id=name):
            return name
        case Constant(value=value, kind=kind):
            return kind or repr(value)
        case Struct():
            fields = [getattr(expression, field) for field in expression.__struct_fields__ if field != "at"]
            return f"{type(expression).__name__}({', '.join(written(field) for field in fields)})"
        case tuple():
            return f"[{', '.join(written(part) for part in expression)}]"
    return str(expression)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("a.b", "Attribute(a, b)"),
        (
            "f(a, *b, c=1, **d)",
            "Call(f, [Argument(a, None, ), Argument(b, None, *), Argument(1, c, ), Argument(d, None, **)])",
        ),
        ("'a' 'b'", "'ab'"),
        ("'\\ud800'", "'?'"),
        ("b'a'", "bytes"),
        ("...", "other"),
        ("1j", "other"),
        ("1e999", "other"),
        (str(2**64), "other"),
        ("1.5", "1.5"),
        ("True", "True"),
        ("None", "None"),
        ("f'a{b!r:>{w}}c'", "Template(['a', b, w, 'c'])"),
        ("[a, *b]", "Listing(list, [a, Starred(b)])"),
        ("(a, b)", "Listing(tuple, [a, b])"),
        ("{a, b}", "Listing(set, [a, b])"),
        ("{a: b, **c}", "Mapping([a, None], [b, c])"),
        ("a[b]", "Subscript(a, b)"),
        ("a[b, 1:]", "Subscript(a, Listing(tuple, [b, Slice(1, None, None)]))"),
        ("a[::2]", "Subscript(a, Slice(None, None, 2))"),
        (
            "lambda a, /, b=1, *c, d, e=2, **f: a",
            (
                "Lambda([Parameter(a, /, None, None), Parameter(b, , None, 1), Parameter(c, *, None, None), "
                "Parameter(d, k, None, None), Parameter(e, k, None, 2), Parameter(f, **, None, None)], a)"
            ),
        ),
        ("[a for a in b if c if d]", "Comprehension(list, a, None, [Generator(a, b, [c, d], False)])"),
        ("{a for a in b}", "Comprehension(set, a, None, [Generator(a, b, [], False)])"),
        ("{a: b for a, b in c}", "Comprehension(dict, b, a, [Generator(Listing(tuple, [a, b]), c, [], False)])"),
        (
            "(a for a in b for c in a)",
            "Comprehension(generator, a, None, [Generator(a, b, [], False), Generator(c, a, [], False)])",
        ),
        ("[a async for a in b]", "Comprehension(list, a, None, [Generator(a, b, [], True)])"),
        ("a // b", "Binary(//, a, b)"),
        ("a | None", "Binary(|, a, None)"),
        ("a < b is not c not in d", "Compare(a, [<, is not, not in], [b, c, d])"),
        ("a and b and c", "Boolean(and, Boolean(and, a, b), c)"),
        ("a or b", "Boolean(or, a, b)"),
        ("not a", "Unary(not, a)"),
        ("-1", "Unary(-, 1)"),
        ("a if b else c", "Conditional(b, a, c)"),
        ("await a", "Await(a)"),
        ("(yield)", "Yield(None, False)"),
        ("(yield a)", "Yield(a, False)"),
        ("(yield from a)", "Yield(a, True)"),
        ("(a := b)", "Walrus(a, b)"),
    ],
)
def test_every_expression_converts(code: str, expected: str) -> None:
    (assignment,) = declared(f"x = {code}").assignments
    assert written(assignment.value) == expected


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        ("'Order'", "Order"),
        ("'shop.Order | None'", "Binary(|, Attribute(shop, Order), None)"),
        ("list['Order']", "Subscript(list, Order)"),
        ("'list[\"Order\"]'", "Subscript(list, Order)"),
        ("Callable[['Order'], 'int']", "Subscript(Callable, Listing(tuple, [Listing(list, [Order]), int]))"),
        ("Literal['new', 'old']", "Subscript(Literal, Listing(tuple, ['new', 'old']))"),
        ("Annotated['Order', 'a note']", "Subscript(Annotated, Listing(tuple, [Order, 'a note']))"),
        ("Optional['Order']", "Subscript(Optional, Order)"),
        ("'the number of rows'", "'the number of rows'"),
        ("''", "''"),
    ],
)
def test_quoted_annotations_are_code(annotation: str, expected: str) -> None:
    found = function(f"def f(a: {annotation}) -> {annotation}: ...", "f")
    (assignment,) = declared(f"a: {annotation}").assignments
    assert [written(each) for each in (found.parameters[0].annotation, found.returns, assignment.annotation)] == [
        expected
    ] * 3


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import a", ("a", "a", "", 0)),
        ("import a.b", ("a", "a", "", 0)),
        ("import a.b as c", ("c", "a.b", "", 0)),
        ("from a.b import c", ("c", "a.b", "c", 0)),
        ("from a import c as d", ("d", "a", "c", 0)),
        ("from .. import c", ("c", "", "c", 2)),
        ("from .a import *", ("*", "a", "*", 1)),
        ("if TYPE_CHECKING:\n  from a import c", ("c", "a", "c", 0)),
        ("try:\n  from a import c\nexcept ImportError:\n  pass", ("c", "a", "c", 0)),
        ("with a:\n  for b in c:\n    while d:\n      import e", ("e", "e", "", 0)),
    ],
)
def test_imports(code: str, expected: tuple[str, str, str, int]) -> None:
    assert declared(code).imports == (ImportedName(*expected),)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("a = b = 1", {"a": "1", "b": "1"}),
        ("a, (b, c) = 1, d", {"a": "1", "b": "Subscript(d, 0)", "c": "Subscript(d, 1)"}),
        ("a, *b = c", {"a": "None", "b": "None"}),
        ("a.b = 1; c[d] = 2", {}),
        ("a: int", {"a": "None"}),
        ("a += 1", {"a": "Binary(+, a, 1)"}),
        ("if a:\n  b = 1\nelse:\n  c = 2", {"b": "1", "c": "2"}),
        ("match a:\n  case 1:\n    b = 1", {"b": "1"}),
        ("try:\n  a = 1\nexcept E:\n  a = 2", {"a": "1"}),
        ("def f():\n  a = 1", {}),
    ],
)
def test_assignments(code: str, expected: dict[str, str]) -> None:
    """The last value of each name; in a class body it is the same."""
    assert {each.name: written(each.value) for each in declared(code).assignments} == expected
    inside = "class A:\n" + "".join(f"    {line}\n" for line in code.splitlines())
    assert {each.name: written(each.value) for each in declared(inside).classes[0].assignments} == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("__all__ = ['a', 'b']", ("a", "b")),
        ("__all__: list[str] = ('a',)", ("a",)),
        ("__all__ = ['a'] + ['b']", ("a", "b")),
        ("__all__ = ['a']\n__all__ += ['b']\n__all__.extend(['c'])", ("a", "b", "c")),
        ("__all__ = other", None),
        ("__all__ = ['a']\n__all__ += other.__all__", None),
        ("__all__ = ['a']\n__all__.remove('a')", None),
        ("a = 1", None),
    ],
)
def test_exports(code: str, expected: tuple[str, ...] | None) -> None:
    assert declared(code).exports == expected


NESTED = """
import a

@register
class Order(Base, models.Model, metaclass=Meta, **extra):
    class Meta:
        class Deep:
            ordering = ["id"]

    if a:
        def total(self): ...
    else:
        def total(self): ...

    def items(self):
        def key(item):
            class Key(Order):
                size = 1
                def compare(self): ...
        return key

try:
    def outer(): ...
except E:
    class Inner: ...
"""


def test_definitions_know_where_they_stand() -> None:
    declarations = declared(NESTED)
    assert [(each.qualname, each.owner) for each in declarations.classes] == [
        ("Order", ""),
        ("Order.Meta", "Order"),
        ("Order.Meta.Deep", "Order.Meta"),
        ("Order.items.key.Key", ""),
        ("Inner", ""),
    ]
    assert [(each.qualname, each.owner, each.nested_in) for each in declarations.functions] == [
        ("Order.total", "Order", ""),
        ("Order.total", "Order", ""),
        ("Order.items", "Order", ""),
        ("Order.items.key", "", "Order.items"),
        ("Order.items.key.Key.compare", "Order.items.key.Key", "Order.items.key"),
        ("outer", "", ""),
    ]


def test_a_class_has_its_header() -> None:
    order = declared(NESTED).classes[0]
    assert [dotted(base) for base in order.bases] == ["Base", "models.Model"]
    assert [(name, dotted(value)) for name, value in order.keywords] == [("metaclass", "Meta"), ("**", "extra")]
    assert [dotted(decorator) for decorator in order.decorators] == ["register"]
    assert order.line == 5


def test_a_function_has_its_header_and_place() -> None:
    found = function(
        "if a:\n    @cache\n    @b.c(1)\n    async def f(a: int = 1):\n        return (\n            a)\n\n\nx = 1", "f"
    )
    assert (found.line, found.end_line, found.column, found.is_async) == (4, 6, 5, True)
    assert [written(each) for each in found.decorators] == ["cache", "Call(Attribute(b, c), [Argument(1, None, )])"]
    assert [(each.name, written(each.annotation), written(each.default)) for each in found.parameters] == [
        ("a", "int", "1")
    ]


@pytest.mark.parametrize(
    ("code", "line", "column"),
    [
        ("x = a", 1, 5),
        ("\n\nx = 'ä', a", 3, 10),
        ("x = 'ä' + a", 1, 11),
        ("\ufeff\nx = a", 2, 5),
        ("x = 1\r\ny = a", 2, 5),
    ],
)
def test_columns_count_characters(code: str, line: int, column: int) -> None:
    assert [line_column(at) for at in places(declared(code).assignments[-1].value, "a")] == [(line, column)]


def places(expression: object, name: str) -> list[int]:
    """Where this name stands in the expression."""
    match expression:
        case Name(id=found, at=at) if found == name:
            return [at]
        case Struct():
            return [at for field in expression.__struct_fields__ for at in places(getattr(expression, field), name)]
        case tuple():
            return [at for part in expression for at in places(part, name)]
    return []


def test_calls_are_those_of_the_module() -> None:
    calls = declared("admin.register(A)\nif b:\n    c()\nx = d()\nclass E:\n    f()\ndef g():\n    h()").calls
    assert [dotted(call.func) for call in calls] == ["admin.register", "c"]


SKETCHES = {
    "pass": ("", "", ""),
    "a.b.c": ("b c", "", ""),
    "a.b.c(d)": ("b c", "a.b.c", ""),
    "a(b)(c)": ("a", "a", ""),
    "a[0].b.c(d.e)": ("b c e", "?.c", ""),
    "super().save()": ("save super", "?.save super", ""),
    "x = [a.b for a in c]": ("b", "", "loops"),
    "x = [a async for a in c]": ("", "", "loops awaits"),
    "for a in b: c()": ("c", "c", "loops"),
    "while a: b = 1": ("", "", "loops"),
    "x = sum(a)": ("sum", "sum", "loops"),
    "x = a.sum()": ("sum", "a.sum", ""),
    "await a.b()": ("b", "a.b", "awaits"),
    "async with a.b: pass": ("b", "", "awaits"),
    "yield a": ("", "", "yields"),
    "x = {**a.b}": ("b", "", ""),
    "x = lambda *, a, b=c.d: e.f(a)": ("d f", "e.f", ""),
    "x = f'{a.b:{c.d}}'": ("b d", "", ""),
    "try: a()\n    except E.b as c: pass": ("a b", "a", ""),
    "def g(x=a.b):\n        for c in d(): pass": ("b d", "d", "loops"),
    "@a.b\n    def g(): ...": ("b", "", ""),
    "class G(a.b):\n        c = d()\n        def h(self): self.e()": ("b d e", "d self.e", ""),
    "match a.b:\n        case C(d=e.f): g()": ("b f g", "g", ""),
    "global x, y\n    import os.path as p": ("", "", ""),
}


@pytest.mark.parametrize("body", SKETCHES)
def test_sketches(body: str) -> None:
    sketch = function(f"async def f():\n    {body}", "f").sketch
    flags = [flag for flag in ("loops", "awaits", "yields") if getattr(sketch, flag)]
    assert (" ".join(sketch.words), " ".join(sketch.calls), " ".join(flags)) == SKETCHES[body]


BEFORE = """
import a

class Order(Base):
    size = 1

    @cached
    def total(
        self, b: int = 1,
    ) -> int:
        return 1

    def one(self): return 1

def outer():
    def inner(x): return x
    return inner
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return 1\n\n", "# a comment\n        for a in b:\n            c()\n        return 2\n\n"),
        ("def one(self): return 1", "def one(self): return self.total() + 2"),
        ("    return inner", "    return inner(1)"),
        ("x): return x", "x): return not x"),
        ("import a\n", "import a\n\n\n# a comment\n"),
        ("    size = 1\n\n", "    size = 1\n"),
        ("class Order(Base):\n", 'class Order(Base):\n    """An order."""\n'),
    ],
)
def test_the_fingerprint_does_not_see_bodies(old: str, new: str) -> None:
    assert old in BEFORE
    before, after = declared(BEFORE), declared(BEFORE.replace(old, new, 1))
    assert before.digest != after.digest
    assert before.fingerprint == after.fingerprint


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("import a", "import b"),
        ("size = 1", "size = 2"),
        ("Order(Base)", "Order(Other)"),
        ("@cached", "@other"),
        ("self, b: int = 1", "self, b: int = 2"),
        ("-> int", "-> str"),
        ("def one(self)", "def one(self, x)"),
        ("def one(self): return 1", ""),
        ("inner(x): return x", "inner(x, y): return x"),
        ("def outer", "async def outer"),
        ("    return inner", "    def more(): ...\n    return inner"),
        ("\ndef outer", "\nregister()\ndef outer"),
    ],
)
def test_the_fingerprint_sees_everything_else(old: str, new: str) -> None:
    assert old in BEFORE
    assert declared(BEFORE).fingerprint != declared(BEFORE.replace(old, new, 1)).fingerprint


def test_a_function_keeps_its_digest_when_it_moves() -> None:
    assert function(BEFORE, "outer").digest == function("# more\n\n" + BEFORE, "outer").digest
    assert function(BEFORE, "outer").digest != function(BEFORE.replace("return x", "return 1"), "outer").digest


@pytest.mark.parametrize(
    ("code", "line", "column", "reason"),
    [
        ("x = 1\ny = (", 2, 5, "was never closed"),
        ("def f():\nreturn 1", 2, 1, "expected an indented block"),
        ("a = 'ä' b", 1, 9, "invalid syntax"),
        ("x = 1\0", 1, 1, "null bytes"),
        ("x = '\ud800'", 1, 1, "surrogates not allowed"),
        ("x = " + "+".join(["a"] * 20_000), 1, 1, "nested too deeply"),
        ("x = " + "-" * 20_000 + "1", 1, 1, "nested too deeply"),
        ("x = a" + ".b" * 20_000, 1, 1, "nested too deeply"),
    ],
)
def test_problems(code: str, line: int, column: int, reason: str) -> None:
    declarations = declared(code)
    assert declarations.problem
    assert reason in declarations.problem[2]
    if "null" not in reason:
        assert declarations.problem[:2] == (line, column)


@pytest.mark.filterwarnings("error")
def test_invalid_escapes_are_no_problem() -> None:
    assert declared(r"x = '\d'; y: '\\d' = 1").problem is None
