"""Everything known of libraries, merged from tables: ours and the user's, in one format (`tables`)."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module, resources
from importlib.util import find_spec
from pkgutil import iter_modules
from typing import TYPE_CHECKING

from msgspec.structs import replace

from slowpath import libraries
from slowpath.errors import nearest
from slowpath.keeping import CacheType, Memoizer
from slowpath.listing import over
from slowpath.migrations import Migrator
from slowpath.tables import KINDS, Entry, Place, Table, table_at
from slowpath.vocabulary import Action, Dialect, Fact, Knowledge, Type, TypeKind

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable
    from types import ModuleType

_UNINTERESTING: frozenset[Action] = frozenset({"quiet", "same", "blocks", "offload", "drive", "inject", "schema"})


def builtin() -> Knowledge:
    """What we know of libraries ourselves."""
    return merge(_our_tables(), _dialects())


def load(user: Mapping[str, object] | None, origin: str) -> Knowledge:
    """What we know, and over it what the user's `[tool.slowpath.knowledge]` in the file `origin` says."""
    if not user:
        return builtin()
    return merge([*_our_tables(), table_at(user, Place(origin, "tool.slowpath.knowledge"))], _dialects())


def merge(tables: Iterable[Table], dialects: tuple[Dialect, ...] = ()) -> Knowledge:
    """All tables as one, later ones over earlier ones fact by fact, with what types inherit in place."""
    functions: dict[str, Fact] = {}
    objects: dict[str, str] = {}
    entries: dict[str, Entry] = {}
    names: dict[str, str] = {}
    caches: dict[str, CacheType] = {}
    memos: dict[str, Memoizer] = {}
    for table in tables:
        caches |= table.caches
        memos |= table.memos
        functions |= table.functions
        objects |= table.objects
        for entry in table.types:
            name = names.get(entry.name, entry.name)
            merged = _over(entries[name], entry) if name in entries else entry
            entries[name] = merged
            names |= dict.fromkeys((name, *merged.aliases), name)
    types = _modules(objects)
    done: dict[str, Type] = {}
    for known_as, name in names.items():
        types[known_as] = _flattened(name, entries, names, done)
    words = _words(types.values(), functions)
    clients = {name: cache for cache in caches.values() for name in (cache.name, *cache.also)}
    return Knowledge(types, functions, clients, memos, dialects, _migrators(), words)


def object_type(knowledge: Knowledge, name: str) -> Type | None:
    """The type of a library's object by its dotted name (`django.db.connection`), if it is known."""
    module, _, variable = name.rpartition(".")
    owner = knowledge.types.get(module)
    return knowledge.types.get(owner.attributes.get(variable, "")) if owner else None


def _our_tables() -> list[Table]:
    return [table_at(_toml(file), Place(f"slowpath/libraries/{name}")) for name, file in sorted(_our_files())]


def _our_files() -> Iterable[tuple[str, Traversable]]:
    for entry in resources.files(libraries).iterdir():
        if entry.name.endswith(".toml"):
            yield entry.name, entry
        elif entry.is_dir() and (file := entry / "knowledge.toml").is_file():
            yield f"{entry.name}/knowledge.toml", file


def _toml(file: Traversable) -> Mapping[str, object]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    return tomllib.loads(file.read_text(encoding="utf-8"))


def _dialects() -> tuple[Dialect, ...]:
    return tuple(found for module in _modules_called("dialect") if (found := getattr(module, "dialect", None)))


def _migrators() -> tuple[Migrator, ...]:
    return tuple(found for module in _modules_called("migrator") if (found := getattr(module, "migrator", None)))


def _modules_called(word: str) -> Iterator[ModuleType]:
    """The modules of this name in the libraries' packages."""
    for package in sorted(each.name for each in iter_modules(libraries.__path__) if each.ispkg):
        name = f"{libraries.__name__}.{package}.{word}"
        if find_spec(name):
            yield import_module(name)


def _over(earlier: Entry, later: Entry) -> Entry:
    """The earlier entry with everything the later one says."""
    return Entry(
        place=later.place,
        name=earlier.name,
        kind=later.kind or earlier.kind,
        aliases=tuple(dict.fromkeys(earlier.aliases + later.aliases)),
        extends=tuple(dict.fromkeys(later.extends + earlier.extends)),
        methods={**earlier.methods, **later.methods},
        class_methods={**earlier.class_methods, **later.class_methods},
        attributes={**earlier.attributes, **later.attributes},
        enters=later.enters or earlier.enters,
        awaitable=earlier.awaitable if later.awaitable is None else later.awaitable,
        implicit_loads=earlier.implicit_loads if later.implicit_loads is None else later.implicit_loads,
        sends=later.sends or earlier.sends,
        near=earlier.near if later.near is None else later.near,
        calls=later.calls or earlier.calls,
        asynchronous=earlier.asynchronous if later.asynchronous is None else later.asynchronous,
        making=later.making or earlier.making,
        limit=later.limit or earlier.limit,
        resource=later.resource or earlier.resource,
        leaving=later.leaving or earlier.leaving,
        collected=earlier.collected if later.collected is None else later.collected,
        autocommits=earlier.autocommits if later.autocommits is None else later.autocommits,
        serves=earlier.serves if later.serves is None else later.serves,
        listing=over(earlier.listing, later.listing),
    )


def _flattened(name: str, entries: Mapping[str, Entry], names: Mapping[str, str], done: dict[str, Type]) -> Type:
    """The type with what it inherits; of several bases the first wins."""
    if name not in done:
        whole = entries[name]
        for ancestor in _ancestors(name, entries, names)[1:]:
            whole = replace(_over(ancestor, whole), place=whole.place, name=name, extends=whole.extends)
        if whole.kind is None:
            raise whole.place.error(f"has no kind; write one of {', '.join(KINDS)}")
        done[name] = _type(whole, whole.kind)
    return done[name]


def _ancestors(name: str, entries: Mapping[str, Entry], names: Mapping[str, str]) -> tuple[Entry, ...]:
    """The entry itself and all it extends, nearest first, each once."""
    found: dict[str, Entry] = {}
    waiting = [name]
    while waiting:
        entry = entries[waiting.pop(0)]
        if entry.name in found:
            continue
        found[entry.name] = entry
        for base in entry.extends:
            if base not in names:
                raise entry.place.at("extends").error(f"no type `{base}`{nearest(base, names)}")
            waiting.append(names[base])
    return tuple(found.values())


def _type(entry: Entry, kind: TypeKind) -> Type:
    return Type(
        name=entry.name,
        kind=kind,
        extends=entry.extends,
        methods=_named_after(entry.name, entry.methods, asynchronous=bool(entry.asynchronous)),
        class_methods=_named_after(entry.name, entry.class_methods, asynchronous=bool(entry.asynchronous)),
        attributes=entry.attributes,
        enters=entry.enters,
        awaitable=bool(entry.awaitable),
        implicit_loads=entry.implicit_loads is not False,
        sends=entry.sends,
        near=bool(entry.near),
        calls=entry.calls,
        asynchronous=bool(entry.asynchronous),
        making=entry.making,
        limit=entry.limit,
        resource=entry.resource,
        leaving=entry.leaving,
        collected=bool(entry.collected),
        autocommits=bool(entry.autocommits),
        serves=bool(entry.serves),
        listing=entry.listing,
    )


def _named_after(name: str, facts: Mapping[str, Fact], *, asynchronous: bool = False) -> Mapping[str, Fact]:
    """The facts, in which a `new` that says nothing else gives the type itself."""
    return {
        method: replace(
            fact,
            gives=name if fact.action == "new" and not fact.gives else fact.gives,
            asynchronous=asynchronous or fact.asynchronous,
        )
        for method, fact in facts.items()
    }


def _modules(objects: Mapping[str, str]) -> dict[str, Type]:
    """Modules as types, whose attributes are the objects in them."""
    inside: dict[str, dict[str, str]] = {}
    for name, type_name in objects.items():
        module, _, variable = name.rpartition(".")
        inside.setdefault(module, {})[variable] = type_name
    return {module: Type(name=module, kind="plain", attributes=attributes) for module, attributes in inside.items()}


def _words(types: Iterable[Type], functions: Mapping[str, Fact]) -> frozenset[str]:
    """The last names of everything that does something of interest."""
    facts = [pair for each in types for pair in (*each.methods.items(), *each.class_methods.items())]
    facts += [(name.rpartition(".")[2], fact) for name, fact in functions.items()]
    return frozenset(name for name, fact in facts if fact.action not in _UNINTERESTING)
