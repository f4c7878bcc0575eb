"""The invariants of docs/architecture.md that can be read off the source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parent.parent / "src" / "slowpath"

# From top to bottom; a module or package imports from its own layer and from those above.
LAYERS = (
    (
        "errors",
        "source",
        "roles",
        "expression",
        "spelling",
        "respelling",
        "reading",
        "annotations",
        "sketching",
        "declarations",
        "templates",
        "scripts",
        "routes",
    ),
    ("references", "search_paths", "layout", "project"),
    (
        "loads",
        "listing",
        "query_limits",
        "schema",
        "query",
        "advisor",
        "catalogue",
        "changes",
        "census",
        "database",
        "migrations",
        "history",
        "keeping",
        "vocabulary",
        "entries",
        "tables",
        "knowledge",
        "libraries",
        "sql",
    ),
    ("semantics",),
    (
        "growth",
        "keys",
        "facts",
        "finding",
        "busy_loops",
        "caching",
        "rules",
        "single",
        "keyed",
        "workload",
        "asked",
        "migrating",
        "hazards",
        "deployments",
        "sargable",
        "unserved",
        "throughout",
        "advice",
        "suppression",
        "engine",
        "explanation",
        "fixing",
    ),
    (
        "config",
        "reach",
        "discovery",
        "cache",
        "baseline",
        "silencing",
        "since",
        "patches",
        "ledger",
        "selection",
        "answers",
        "judgement",
        "drift",
        "likeness",
        "session",
        "processes",
        "indexing",
        "analysis",
        "workspace",
        "reporters",
        "cli",
        "__main__",
        "flake8",
        "lsp",
    ),
)
LAYER = {name: number for number, names in enumerate(LAYERS) for name in names}
FRONTS = frozenset(LAYERS[-1])

# Who may import what is nobody else's business.
PRIVATE = {
    "ast": {"declarations", "reading", "annotations", "sketching", "semantics.quick_lowering"},
    "libcst": {"semantics", "fixing"},
    "sqlglot": {"sql"},
    "pygls": {"lsp"},
    "lsprotocol": {"lsp"},
    "flake8": {"flake8"},
    "pickle": set(),
    "marshal": set(),
    "shelve": set(),
} | dict.fromkeys(("os", "io", "pathlib", "shutil", "socket", "subprocess", "tempfile"), FRONTS)
# Knowledge is package data, read once.
PACKAGE_DATA = {"knowledge", "libraries"}

NAMELESS = {"utils", "util", "helpers", "helper", "common", "misc"}
# Tables that are named after a thing, and libraries whose name is an everyday word.
EVERYDAY = {
    "stdlib",
    "http",
    "chunks",
    "contexts",
    "locks",
    "dbapi",
    "requests",
    "databases",
    "records",
    "documents",
    "services",
    "passwords",
    "inference",
}

MODULES = sorted(SOURCE.rglob("*.py"))
each_module = pytest.mark.parametrize("module", MODULES, ids=lambda path: path.relative_to(SOURCE).as_posix())


def unit_of(module: Path) -> str:
    """The module's name, or its package's: what layers are made of."""
    return module.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports_of(tree: ast.AST) -> Iterator[str]:
    """Every module imported at run time; what only a type checker sees ties nothing together."""
    for node in ast.iter_child_nodes(tree):
        match node:
            case ast.If(test=ast.Name(id="TYPE_CHECKING"), orelse=orelse):
                yield from imports_of(ast.Module(orelse, []))
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module="slowpath", names=names):
                yield from (f"slowpath.{alias.name}" for alias in names)
            case ast.ImportFrom(module=str(name)):
                yield name
            case _:
                yield from imports_of(node)


def parsed(module: Path) -> ast.Module:
    return ast.parse(module.read_text(encoding="utf-8"))


@each_module
def test_a_module_imports_from_its_own_layer_and_those_above(module: Path) -> None:
    unit = unit_of(module)
    if unit == "__init__":
        return
    assert unit in LAYER, f"say in LAYERS where `{unit}` belongs"
    imported = {name.split(".")[1] for name in imports_of(parsed(module)) if name.startswith("slowpath.")}
    lower = sorted(other for other in imported & LAYER.keys() if LAYER[other] > LAYER[unit])
    assert not lower, f"`{unit}` imports what is below it: {lower}"


@each_module
def test_an_import_that_is_private_to_a_module(module: Path) -> None:
    unit = unit_of(module)
    homes = {unit, ".".join(module.relative_to(SOURCE).with_suffix("").parts)}
    imported = {name.partition(".")[0] for name in imports_of(parsed(module))}
    strange = sorted(name for name in imported & PRIVATE.keys() if homes.isdisjoint(PRIVATE[name]))
    assert unit in PACKAGE_DATA or not strange, f"`{unit}` imports {strange}"


@each_module
def test_only_the_fronts_open_files(module: Path) -> None:
    calls = {node.func.id for node in ast.walk(parsed(module)) if _is_plain_call(node)}
    assert unit_of(module) in FRONTS or calls.isdisjoint({"open", "input", "print"})
    assert calls.isdisjoint({"eval", "exec", "__import__", "compile"}), "analysed code is read, never run"


@each_module
def test_names_and_sizes(module: Path) -> None:
    assert module.stem not in NAMELESS
    limit = 250 if unit_of(module) == "rules" else 400
    lines = len(module.read_text(encoding="utf-8").splitlines())
    assert lines < limit, f"{lines} lines"


@each_module
def test_data_is_frozen(module: Path) -> None:
    for node in ast.walk(parsed(module)):
        if isinstance(node, ast.ClassDef) and _is_data(node):
            frozen = [*node.keywords, *(word for call in _calls(node.decorator_list) for word in call.keywords)]
            assert any(word.arg == "frozen" and ast.unparse(word.value) == "True" for word in frozen), node.name


@each_module
def test_rules_and_semantics_name_no_library(module: Path) -> None:
    if unit_of(module) not in ("rules", "semantics"):
        return
    tree = parsed(module)
    if unit_of(module) == "rules":
        # A rule's docstring is its documentation, and may.
        tree.body = tree.body[1:] if ast.get_docstring(tree) is not None else tree.body
    words = {word.lower() for text in _texts(tree) for word in re.split(r"[^A-Za-z0-9]+|(?<=[a-z])(?=[A-Z])", text)}
    named = sorted(words & _libraries())
    assert not named, f"names {named}"


def test_a_rule_is_a_module_of_its_own() -> None:
    for module in (SOURCE / "rules").glob("[!_]*.py"):
        imported = {name for name in imports_of(parsed(module)) if name.startswith("slowpath.rules.")}
        assert not imported, f"{module.name} imports another rule: {imported}"


def test_the_layers_name_nothing_twice() -> None:
    assert len(LAYER) == sum(len(names) for names in LAYERS)


def _libraries() -> set[str]:
    entries = (SOURCE / "libraries").iterdir()
    names = {entry.name.removesuffix(".toml") for entry in entries if not entry.name.startswith("_")}
    return {"django", "sqlalchemy"} | names - EVERYDAY


def _texts(tree: ast.AST) -> Iterator[str]:
    """Every name and every string in the code."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=text) | ast.Attribute(attr=text) | ast.arg(arg=text) | ast.alias(name=text):
                yield text
            case ast.FunctionDef(name=text) | ast.AsyncFunctionDef(name=text) | ast.ClassDef(name=text):
                yield text
            case ast.keyword(arg=str(text)) | ast.Constant(value=str(text)):
                yield text


def _is_data(node: ast.ClassDef) -> bool:
    bases = {ast.unparse(base) for base in node.bases}
    decorators = {ast.unparse(decorator).partition("(")[0] for decorator in node.decorator_list}
    return bool(bases & {"Struct", "msgspec.Struct"} or decorators & {"dataclass", "dataclasses.dataclass"})


def _calls(nodes: list[ast.expr]) -> Iterator[ast.Call]:
    return (node for node in nodes if isinstance(node, ast.Call))


def _is_plain_call(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
