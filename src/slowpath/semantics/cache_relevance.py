"""Which functions are worth reading for what they do to caches, from what modules import and sketches mention."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from slowpath import expression as e
from slowpath.declarations import FunctionDeclaration
from slowpath.project import Project
from slowpath.references import External, FunctionRef, ModuleRef
from slowpath.schema import Schema
from slowpath.vocabulary import Knowledge

_ROUNDS = 4
_WRITING = {"save", "delete", "write", "bulk", "create", "link", "get-or-create", "add", "remove", "commit"}

Declared = Mapping[FunctionRef, FunctionDeclaration]


def cache_users(
    project: Project, schema: Schema, knowledge: Knowledge, declared: Declared
) -> tuple[frozenset[FunctionRef], frozenset[FunctionRef]]:
    """The functions that use a cache or call by name one that does; and those that write rows, if there is a cache."""
    methods = frozenset(method for cache in knowledge.caches.values() for method in cache.methods)
    near, clears = _near(project, knowledge), _clears(knowledge)
    first = {ref for ref in declared if ref.module in near and _calls_one_of(declared[ref], methods)}
    first |= {ref for ref in declared if declared[ref].decorators and _keeps(declared[ref], knowledge)}
    first |= {ref for ref in declared if not clears.isdisjoint(declared[ref].sketch.words)}
    found = first | _callers(first, declared, near, methods)
    return frozenset(found), frozenset(_writers(schema, knowledge, declared) if near else ())


def _near(project: Project, knowledge: Knowledge) -> frozenset[str]:
    """The modules that import a cache's client, or a name from a module that does."""
    names = _names_of_clients(knowledge)
    imports = {
        module: [project.resolve_import(module, imported) for imported in declarations.imports]
        for module, declarations in project.modules.items()
    }
    own = {
        module
        for module, found in imports.items()
        if any(isinstance(each, External) and each.name in names for each in found)
    }
    users = {
        module
        for module, found in imports.items()
        if any(getattr(each, "module", "") in own and not isinstance(each, ModuleRef) for each in found)
    }
    return frozenset(own | users)


def _names_of_clients(knowledge: Knowledge) -> frozenset[str]:
    """Every dotted name by which code gets at a cache: its clients' types, objects of these, what makes one, and the
    modules that hold them."""
    kinds = {cache.name for cache in knowledge.caches.values()}
    names = {name for name, known in knowledge.types.items() if known.name in kinds}
    names |= {name for name, fact in knowledge.functions.items() if fact.gives in kinds}
    handlers = {name for name, known in knowledge.types.items() if kinds & set(known.attributes.values())} | kinds
    for module, known in knowledge.types.items():
        names |= {f"{module}.{variable}" for variable, gives in known.attributes.items() if gives in handlers}
    return frozenset(names | {name.rpartition(".")[0] for name in names})


def _calls_one_of(function: FunctionDeclaration, methods: frozenset[str]) -> bool:
    return any(call.rpartition(".")[2] in methods for call in function.sketch.calls if "." in call)


def _keeps(function: FunctionDeclaration, knowledge: Knowledge) -> bool:
    """Whether a decorator goes by the name of one that keeps results."""
    words = set(_decorating(function))
    return any(name.rpartition(".")[2] in words for name in knowledge.memos)


def _decorating(function: FunctionDeclaration) -> Iterator[str]:
    """The names of the function's decorators."""
    for decorator in function.decorators:
        yield e.dotted(decorator.func if isinstance(decorator, e.Call) else decorator).rpartition(".")[2]


def _clears(knowledge: Knowledge) -> frozenset[str]:
    return frozenset(word for memo in knowledge.memos.values() for word in memo.clear if "_" in word)


def _callers(
    first: set[FunctionRef], declared: Declared, near: frozenset[str], everyday: frozenset[str]
) -> set[FunctionRef]:
    """The functions that call these by name, a few calls up; a name that any client's method has counts only where
    caches are near."""
    by_word: dict[str, list[FunctionRef]] = {}
    for ref, function in declared.items():
        for word in {*function.sketch.words, *_decorating(function)}:
            by_word.setdefault(word, []).append(ref)
    found: set[FunctionRef] = set()
    pending = set(first)
    for _ in range(_ROUNDS):
        names = {declared[ref].name for ref in pending}
        pending = {
            caller
            for name in names
            for caller in by_word.get(name, ())
            if caller not in found and (name not in everyday or caller.module in near)
        } - first
        found |= pending
    return found


def _writers(schema: Schema, knowledge: Knowledge, declared: Declared) -> set[FunctionRef]:
    """The functions that may write rows of a model they mention, or are a method of, or rows that they have got from a
    session."""
    words = set(_session_words(knowledge, _WRITING))
    gets, commits = set(_session_words(knowledge, {"get"})), set(_session_words(knowledge, {"commit"}))
    labels = {model.label for model in schema.models.values()}
    return {
        ref
        for ref, function in declared.items()
        if not words.isdisjoint(function.sketch.words)
        and (
            f"{ref.module}.{function.owner}" in schema.models
            or not labels.isdisjoint(function.sketch.words)
            or any(label in labels for label in _annotated(function))
            or not (gets.isdisjoint(function.sketch.words) or commits.isdisjoint(function.sketch.words))
        )
    }


def _annotated(function: FunctionDeclaration) -> Iterator[str]:
    """The last part of every name in the annotations of the function's parameters."""
    for parameter in function.parameters:
        for node in e.within(parameter.annotation):
            if isinstance(node, e.Name | e.Attribute):
                yield e.dotted(node).rpartition(".")[2]


def _session_words(knowledge: Knowledge, actions: Collection[str]) -> Iterator[str]:
    """The names of methods that do one of these to rows."""
    for known in knowledge.types.values():
        if known.kind in {"query", "manager", "row", "session"}:
            yield from (name for name, fact in known.methods.items() if fact.action in actions)
