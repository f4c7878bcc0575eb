"""Tables of facts about libraries, ours and the user's in one TOML format, merged into what everyone else asks.

`[type."a.B"]` says what objects of a class are, in the words of `Type`, and what their methods do: an action is a key
that lists methods (`refine = ["filter", "exclude"]`). Instead of a list it may hold a table, of what to write where the
method would run once an item (`remote = { get = "mget" }`) or, where the action only makes something, of its type
(`new = { cursor = "a.Cursor" }`). `gives`, `argument`, `cached` and `cached-if-ordered` add to methods so listed.
`class-methods` holds the same for calls on the class, `[function]` for functions by dotted name; `[object]` names the
types of modules' variables.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module, resources
from importlib.util import find_spec
from pkgutil import iter_modules
from typing import TYPE_CHECKING, TypeVar, get_args

from msgspec import Struct
from msgspec.structs import replace

from slowpath import libraries
from slowpath.errors import SlowpathError, nearest
from slowpath.vocabulary import Action, Cached, Dialect, Fact, Knowledge, Type, TypeKind

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

FORMAT = 1

_ACTIONS: tuple[Action, ...] = get_args(Action)
_KINDS: tuple[TypeKind, ...] = get_args(TypeKind)
_MAKES: frozenset[Action] = frozenset({"new", "statement", "start", "pipeline", "pages", "model", "held"})
_UNINTERESTING: frozenset[Action] = frozenset({"quiet", "same"})
_SECTIONS = ("format", "type", "function", "object")
_FACETS = ("gives", "argument", "cached", "cached-if-ordered")
_TRAITS = (
    "kind",
    "aliases",
    "extends",
    "class-methods",
    "attributes",
    "enters",
    "awaitable",
    "implicit-loads",
    "sends",
    "calls",
)


class KnowledgeError(SlowpathError):
    """A fact that cannot be meant, with the file and the key to change."""

    def __init__(self, file: str, key: str, problem: str) -> None:
        super().__init__(f"{file}: {key}: {problem}" if key else f"{file}: {problem}")
        self.file = file
        self.key = key
        self.problem = problem


class Place(Struct, frozen=True):
    """Where something stands in a table: the file, and the dotted key."""

    file: str
    key: str = ""

    def at(self, key: str) -> Place:
        """The place of this key below."""
        word = key if key.replace("-", "").replace("_", "").isalnum() else f'"{key}"'
        return Place(self.file, f"{self.key}.{word}" if self.key else word)

    def error(self, problem: str) -> KnowledgeError:
        """The error that says so of this place."""
        return KnowledgeError(self.file, self.key, problem)


class Entry(Struct, frozen=True):
    """What one table says of a type; what it leaves out is `None` or empty."""

    place: Place
    name: str
    kind: TypeKind | None = None
    aliases: tuple[str, ...] = ()
    extends: tuple[str, ...] = ()
    methods: Mapping[str, Fact] = {}
    class_methods: Mapping[str, Fact] = {}
    attributes: Mapping[str, str] = {}
    enters: str = ""
    awaitable: bool | None = None
    implicit_loads: bool | None = None
    sends: str = ""
    calls: str = ""


class Table(Struct, frozen=True):
    """What one TOML table says."""

    types: tuple[Entry, ...] = ()
    functions: Mapping[str, Fact] = {}
    objects: Mapping[str, str] = {}


def builtin() -> Knowledge:
    """What we know of libraries ourselves."""
    return merge(_our_tables(), _dialects())


def load(user: Mapping[str, object] | None, origin: str) -> Knowledge:
    """What we know, and over it what the user's `[tool.slowpath.knowledge]` in the file `origin` says."""
    if not user:
        return builtin()
    return merge([*_our_tables(), _table(user, Place(origin, "tool.slowpath.knowledge"))], _dialects())


def parse(table: Mapping[str, object], origin: str) -> Table:
    """What a TOML table says; `origin` is the file that errors name."""
    return _table(table, Place(origin))


def merge(tables: Iterable[Table], dialects: tuple[Dialect, ...] = ()) -> Knowledge:
    """All tables as one, later ones over earlier ones fact by fact, with what types inherit in place."""
    functions: dict[str, Fact] = {}
    objects: dict[str, str] = {}
    entries: dict[str, Entry] = {}
    names: dict[str, str] = {}
    for table in tables:
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
    return Knowledge(types=types, functions=functions, dialects=dialects, words=_words(types.values(), functions))


def object_type(knowledge: Knowledge, name: str) -> Type | None:
    """The type of a library's object by its dotted name (`django.db.connection`), if it is known."""
    module, _, variable = name.rpartition(".")
    owner = knowledge.types.get(module)
    return knowledge.types.get(owner.attributes.get(variable, "")) if owner else None


def _our_tables() -> list[Table]:
    return [_table(_toml(file), Place(f"slowpath/libraries/{name}")) for name, file in sorted(_our_files())]


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
    found = []
    for package in sorted(each.name for each in iter_modules(libraries.__path__) if each.ispkg):
        name = f"{libraries.__name__}.{package}.dialect"
        if find_spec(name) and (dialect := getattr(import_module(name), "dialect", None)):
            found.append(dialect)
    return tuple(found)


def _table(table: Mapping[str, object], place: Place) -> Table:
    _only(table, _SECTIONS, place)
    if table.get("format", FORMAT) != FORMAT:
        raise place.at("format").error(f"this slowpath reads format {FORMAT}")
    types = _mapping(table.get("type", {}), place.at("type"))
    functions = place.at("function")
    return Table(
        types=tuple(_entry(name, _mapping(each, at), at) for name, each, at in _items(types, place.at("type"))),
        functions=_functions(_mapping(table.get("function", {}), functions), functions),
        objects=_texts_by_name(table.get("object", {}), place.at("object")),
    )


def _entry(name: str, table: Mapping[str, object], place: Place) -> Entry:
    class_methods = _mapping(table.get("class-methods", {}), place.at("class-methods"))
    return Entry(
        place=place,
        name=name,
        kind=_kind(table["kind"], place.at("kind")) if "kind" in table else None,
        aliases=_texts(table.get("aliases", []), place.at("aliases")),
        extends=_texts(table.get("extends", []), place.at("extends")),
        methods=_facts(table, place, other_keys=_TRAITS),
        class_methods=_facts(class_methods, place.at("class-methods")),
        attributes=_texts_by_name(table.get("attributes", {}), place.at("attributes")),
        enters=_text(table.get("enters", ""), place.at("enters")),
        awaitable=_flag(table["awaitable"], place.at("awaitable")) if "awaitable" in table else None,
        implicit_loads=_flag(table["implicit-loads"], place.at("implicit-loads"))
        if "implicit-loads" in table
        else None,
        sends=_text(table.get("sends", ""), place.at("sends")),
        calls=_text(table.get("calls", ""), place.at("calls")),
    )


def _functions(table: Mapping[str, object], place: Place) -> Mapping[str, Fact]:
    facts = _facts(table, place)
    for name, fact in facts.items():
        if fact.action == "new" and not fact.gives:
            raise place.at("new").at(name).error('does not say what it gives; write its type (`"a.f" = "a.B"`)')
    return facts


def _facts(table: Mapping[str, object], place: Place, other_keys: tuple[str, ...] = ()) -> dict[str, Fact]:
    _only(table, (*_ACTIONS, *_FACETS, *other_keys), place)
    facts: dict[str, Fact] = {}
    for action in _ACTIONS:
        for name, extra in _named(table.get(action, []), place.at(action)):
            if name in facts:
                raise place.at(action).error(f"`{name}` is under `{facts[name].action}` already")
            makes = action in _MAKES
            facts[name] = Fact(action=action, gives=extra if makes else "", instead="" if makes else extra)
    return _with_facets(facts, table, place)


def _with_facets(facts: dict[str, Fact], table: Mapping[str, object], place: Place) -> dict[str, Fact]:
    def known(name: str, key: str) -> Fact:
        if name not in facts:
            raise place.at(key).error(f"no action here lists `{name}`{nearest(name, facts)}")
        return facts[name]

    for name, gives in _texts_by_name(table.get("gives", {}), place.at("gives")).items():
        facts[name] = replace(known(name, "gives"), gives=gives)
    for name, number, at in _items(_mapping(table.get("argument", {}), place.at("argument")), place.at("argument")):
        facts[name] = replace(known(name, "argument"), argument=_number(number, at))
    kinds: tuple[tuple[str, Cached], ...] = (("cached", "always"), ("cached-if-ordered", "if-ordered"))
    for key, cached in kinds:
        for name in _texts(table.get(key, []), place.at(key)):
            facts[name] = replace(known(name, key), cached=cached)
    return facts


def _named(value: object, place: Place) -> Iterable[tuple[str, str]]:
    if isinstance(value, dict):
        return _texts_by_name(value, place).items()
    if isinstance(value, list):
        return ((name, "") for name in _texts(value, place))
    raise place.error("expected a list of names, or a table of them")


def _items(table: Mapping[str, object], place: Place) -> Iterable[tuple[str, object, Place]]:
    return ((name, value, place.at(name)) for name, value in table.items())


def _only(table: Mapping[str, object], known: tuple[str, ...], place: Place) -> None:
    for key in table:
        if key not in known:
            raise place.at(key).error(f"no such key{nearest(key, known)}")


def _kind(value: object, place: Place) -> TypeKind:
    for kind in _KINDS:
        if kind == value:
            return kind
    raise place.error(f"no kind `{value}`{nearest(str(value), _KINDS)}")


def _mapping(value: object, place: Place) -> Mapping[str, object]:
    if isinstance(value, dict):
        return value
    raise place.error("expected a table")


def _texts_by_name(value: object, place: Place) -> dict[str, str]:
    return {name: _text(each, at) for name, each, at in _items(_mapping(value, place), place)}


def _texts(value: object, place: Place) -> tuple[str, ...]:
    if isinstance(value, list):
        return tuple(_text(each, place) for each in value)
    raise place.error("expected a list of strings")


Some = TypeVar("Some")


def _reader(kind: type[Some], words: str) -> Callable[[object, Place], Some]:
    def read(value: object, place: Place) -> Some:
        # `True` is an `int`, but no number that anyone means.
        if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
            return value
        raise place.error(f"expected {words}")

    return read


_text = _reader(str, "a string")
_flag = _reader(bool, "true or false")
_number = _reader(int, "a whole number")


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
        calls=later.calls or earlier.calls,
    )


def _flattened(name: str, entries: Mapping[str, Entry], names: Mapping[str, str], done: dict[str, Type]) -> Type:
    """The type with what it inherits; of several bases the first wins."""
    if name not in done:
        whole = entries[name]
        for ancestor in _ancestors(name, entries, names)[1:]:
            whole = replace(_over(ancestor, whole), place=whole.place, name=name, extends=whole.extends)
        if whole.kind is None:
            raise whole.place.error(f"has no kind; write one of {', '.join(_KINDS)}")
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
        methods=_named_after(entry.name, entry.methods),
        class_methods=_named_after(entry.name, entry.class_methods),
        attributes=entry.attributes,
        enters=entry.enters,
        awaitable=bool(entry.awaitable),
        implicit_loads=entry.implicit_loads is not False,
        sends=entry.sends,
        calls=entry.calls,
    )


def _named_after(name: str, facts: Mapping[str, Fact]) -> Mapping[str, Fact]:
    """The facts, in which a `new` that says nothing else gives the type itself."""
    return {
        method: replace(fact, gives=name) if fact.action == "new" and not fact.gives else fact
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
