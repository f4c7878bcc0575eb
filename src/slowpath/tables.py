"""Tables of facts about libraries, ours and the user's in one TOML format, merged into what everyone else asks.

`[type."a.B"]` says what objects of a class are, in the words of `Type`, and what their methods do: an action is a key
that lists methods (`refine = ["filter", "exclude"]`). Instead of a list it may hold a table, of what to write where the
method would run once an item (`remote = { get = "mget" }`) or, where the action only makes something, of its type
(`new = { cursor = "a.Cursor" }`). `gives`, `argument`, `cached`, `cached-if-ordered` and `asynchronous` add to
methods so listed; `blocks` names the work of each (`blocks = { wait = "process" }`), `time-limit` the argument that
limits how long it waits, its position, and what sets it elsewhere (`time-limit = { get = "timeout 2 unless mount" }`),
`shared` what to make once for many calls to share a connection. `releases`, `rests`, `acquires`, `lends`, `takes` and
`enters-argument` list methods, or give for each the number of the argument that is meant.
`class-methods` holds the same for calls on the class, `[function]` for functions by dotted name; `[object]` names the
types of modules' variables; what `[cache]` and `[memo]` say is described in `entries`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar, get_args

from msgspec import Struct
from msgspec.structs import replace

from slowpath import entries
from slowpath.errors import SlowpathError, nearest
from slowpath.keeping import CacheType, Memoizer
from slowpath.listing import NO_LISTING, Listing, Shown
from slowpath.query_limits import query_limit
from slowpath.vocabulary import (
    Action,
    Cached,
    Fact,
    Leaving,
    Limit,
    Owning,
    Resource,
    TypeKind,
    Work,
)

Some = TypeVar("Some")

FORMAT = 1

_ACTIONS: tuple[Action, ...] = get_args(Action)
KINDS: tuple[TypeKind, ...] = get_args(TypeKind)
_WORKS: tuple[Work, ...] = get_args(Work)
_RESOURCES: tuple[Resource, ...] = get_args(Resource)
_LEAVINGS: tuple[Leaving, ...] = get_args(Leaving)
_SHOWN: tuple[Shown, ...] = get_args(Shown)
_MAKES: frozenset[Action] = frozenset({"new", "statement", "start", "pipeline", "pages", "model", "held", "text"})
_SECTIONS = ("format", "type", "function", "object", "cache", "memo")
_OWNING: dict[str, Owning] = {
    "releases": "releases",
    "rests": "rests",
    "acquires": "acquires",
    "lends": "lends",
    "takes": "takes",
    "enters-argument": "enters",
}
_WORDS = ("gives", "for-new", "shared", "ready")
_FACETS = (*_WORDS, "query-limit", "argument", "cached", "cached-if-ordered", "asynchronous", "time-limit", *_OWNING)
_LISTING = (
    "lists", "shows", "unless", "chosen-by", "while-listing", "per-item", "per-item-in",
    "item-model", "item-fields", "renders", "computed-by", "field",
)  # fmt: skip
_TRAITS = (
    "kind", "aliases", "extends", "class-methods", "attributes", "enters", "awaitable", "implicit-loads", "sends",
    "near", "calls", "making", "resource", "leaving", "collected", "autocommits", "serves", *_LISTING,
)  # fmt: skip


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
    near: bool | None = None
    calls: str = ""
    asynchronous: bool | None = None
    making: Work | None = None
    limit: Limit | None = None
    resource: Resource = ""
    leaving: Leaving = ""
    collected: bool | None = None
    autocommits: bool | None = None
    serves: bool | None = None
    listing: Listing = NO_LISTING


class Table(Struct, frozen=True):
    """What one TOML table says."""

    types: tuple[Entry, ...] = ()
    functions: Mapping[str, Fact] = {}
    objects: Mapping[str, str] = {}
    caches: Mapping[str, CacheType] = {}
    memos: Mapping[str, Memoizer] = {}


def parse(table: Mapping[str, object], origin: str) -> Table:
    """What a TOML table says; `origin` is the file that errors name."""
    return table_at(table, Place(origin))


def table_at(table: Mapping[str, object], place: Place) -> Table:
    """What the TOML table at this place says."""
    _only(table, _SECTIONS, place)
    if table.get("format", FORMAT) != FORMAT:
        raise place.at("format").error(f"this slowpath reads format {FORMAT}")
    types = _mapping(table.get("type", {}), place.at("type"))
    functions = place.at("function")
    return Table(
        types=tuple(_entry(name, _mapping(each, at), at) for name, each, at in _items(types, place.at("type"))),
        functions=_functions(_mapping(table.get("function", {}), functions), functions),
        objects=_texts_by_name(table.get("object", {}), place.at("object")),
        caches=_each(table, place.at("cache"), "cache", _cache),
        memos=_each(table, place.at("memo"), "memo", _memo),
    )


def _entry(name: str, table: Mapping[str, object], place: Place) -> Entry:
    class_methods = _mapping(table.get("class-methods", {}), place.at("class-methods"))
    return Entry(
        place=place,
        name=name,
        kind=_one_of(KINDS, table["kind"], place.at("kind"), "kind") if "kind" in table else None,
        aliases=_texts(table.get("aliases", []), place.at("aliases")),
        extends=_texts(table.get("extends", []), place.at("extends")),
        methods=_facts(_of_methods(table), place, other_keys=_TRAITS),
        class_methods=_facts(class_methods, place.at("class-methods")),
        attributes=_texts_by_name(table.get("attributes", {}), place.at("attributes")),
        enters=_text(table.get("enters", ""), place.at("enters")),
        awaitable=_maybe(table, "awaitable", place),
        implicit_loads=_maybe(table, "implicit-loads", place),
        sends=_text(table.get("sends", ""), place.at("sends")),
        near=_maybe(table, "near", place),
        calls=_text(table.get("calls", ""), place.at("calls")),
        asynchronous=True if table.get("asynchronous") is True else None,
        making=_one_of(_WORKS, table["making"], place.at("making"), "work") if "making" in table else None,
        limit=_limit(table["time-limit"], place.at("time-limit")) if isinstance(table.get("time-limit"), str) else None,
        resource=_one_of(_RESOURCES, table.get("resource", ""), place.at("resource"), "resource"),
        leaving=_one_of(_LEAVINGS, table.get("leaving", ""), place.at("leaving"), "leaving"),
        collected=_maybe(table, "collected", place),
        autocommits=_maybe(table, "autocommits", place),
        serves=_maybe(table, "serves", place),
        listing=_listing(table, place),
    )


def _listing(table: Mapping[str, object], place: Place) -> Listing:
    return Listing(
        lists=_text(table.get("lists", ""), place.at("lists")),
        shows=_texts_by_name(table.get("shows", {}), place.at("shows")),
        unless=_texts(table.get("unless", []), place.at("unless")),
        chosen_by=_texts(table.get("chosen-by", []), place.at("chosen-by")),
        while_listing=_texts_by_name(table.get("while-listing", {}), place.at("while-listing")),
        per_item=_texts(table.get("per-item", []), place.at("per-item")),
        per_item_in=_texts(table.get("per-item-in", []), place.at("per-item-in")),
        item_model=_text(table.get("item-model", ""), place.at("item-model")),
        item_fields=_text(table.get("item-fields", ""), place.at("item-fields")),
        renders=_texts_by_name(table.get("renders", {}), place.at("renders")),
        computed_by=_text(table.get("computed-by", ""), place.at("computed-by")),
        field=_one_of(_SHOWN, table.get("field", ""), place.at("field"), "field"),
    )


def _each(
    table: Mapping[str, object], place: Place, section: str, read: Callable[[str, Mapping[str, object], Place], Some]
) -> dict[str, Some]:
    """What a section's tables say, by name."""
    section_table = _mapping(table.get(section, {}), place)
    return {name: read(name, _mapping(each, at), at) for name, each, at in _items(section_table, place)}


def _cache(name: str, table: Mapping[str, object], place: Place) -> CacheType:
    _only(table, ("methods", "lasts", "also", "fragment", "guards"), place)
    methods = _texts_by_name(table.get("methods", {}), place.at("methods"))
    lasts = _text(table.get("lasts", "default"), place.at("lasts"))
    also = _texts(table.get("also", []), place.at("also"))
    fragment = _text(table.get("fragment", ""), place.at("fragment"))
    try:
        known = entries.cache_type(name, methods, lasts, also, fragment)
    except ValueError as error:
        raise place.error(str(error)) from None
    return replace(known, guards=table.get("guards") is True)


def _memo(name: str, table: Mapping[str, object], place: Place) -> Memoizer:
    _only(table, ("keeps", "clear", "expiry", "askers", "through"), place)
    keeps = _text(table.get("keeps", "process"), place.at("keeps"))
    clear = _texts(table.get("clear", []), place.at("clear"))
    expiry = _texts(table.get("expiry", []), place.at("expiry"))
    try:
        known = entries.memo(keeps, clear, expiry)
    except ValueError as error:
        raise place.error(str(error)) from None
    askers, through = (_texts(table.get(name, []), place.at(name)) for name in ("askers", "through"))
    return replace(known, askers=askers, through=through)


def _of_methods(table: Mapping[str, object]) -> Mapping[str, object]:
    """The table without what speaks of all the methods there are: `asynchronous = true`, `time-limit = "timeout"`."""
    whole = {"asynchronous": bool, "time-limit": str}
    return {key: value for key, value in table.items() if not isinstance(value, whole.get(key, ()))}


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
            facts[name] = _fact(action, extra, place.at(action).at(name))
    return _with_query_limits(_with_facets(facts, table, place), table, place.at("query-limit"))


def _fact(action: Action, extra: str, place: Place) -> Fact:
    if action == "blocks":
        return Fact(action, work=_one_of(_WORKS, extra, place, "work"))
    return Fact(action, gives=extra) if action in _MAKES else Fact(action, instead=extra)


def _with_facets(facts: dict[str, Fact], table: Mapping[str, object], place: Place) -> dict[str, Fact]:
    def known(name: str, key: str) -> Fact:
        if name not in facts:
            raise place.at(key).error(f"no action here lists `{name}`{nearest(name, facts)}")
        return facts[name]

    for key in _WORDS:
        for name, word in _texts_by_name(table.get(key, {}), place.at(key)).items():
            facts[name] = replace(known(name, key), **{key.replace("-", "_"): word})
    for name, number, at in _items(_mapping(table.get("argument", {}), place.at("argument")), place.at("argument")):
        facts[name] = replace(known(name, "argument"), argument=_number(number, at))
    kinds: tuple[tuple[str, Cached], ...] = (("cached", "always"), ("cached-if-ordered", "if-ordered"))
    for key, cached in kinds:
        for name in _texts(table.get(key, []), place.at(key)):
            facts[name] = replace(known(name, key), cached=cached)
    for name in _texts(table.get("asynchronous", []), place.at("asynchronous")):
        facts[name] = replace(known(name, "asynchronous"), asynchronous=True)
    for name, words, at in _items(
        _mapping(table.get("time-limit", {}), place.at("time-limit")), place.at("time-limit")
    ):
        facts[name] = replace(known(name, "time-limit"), limit=_limit(words, at))
    for key, owning in _OWNING.items():
        for name, subject in _subjects(table.get(key, []), place.at(key)):
            facts[name] = replace(known(name, key), owning=owning, subject=subject)
    return facts


def _with_query_limits(facts: dict[str, Fact], table: Mapping[str, object], place: Place) -> dict[str, Fact]:
    for name, text in _texts_by_name(table.get("query-limit", {}), place).items():
        limit = query_limit(text)
        if limit is None:
            raise place.at(name).error("expected an argument, a colon, and the words that set a limit")
        if name not in facts:
            raise place.error(f"no action here lists `{name}`{nearest(name, facts)}")
        facts[name] = replace(facts[name], query_limit=limit)
    return facts


def _subjects(value: object, place: Place) -> Iterable[tuple[str, int]]:
    """The methods, each with the number of the argument that it is about, -1 for what it is called on."""
    if isinstance(value, dict):
        return ((name, _number(each, at)) for name, each, at in _items(value, place))
    return ((name, -1) for name in _texts(value, place))


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


def _one_of(known: tuple[Some, ...], value: object, place: Place, what: str) -> Some:
    for each in known:
        if each == value:
            return each
    words = [str(each) for each in known if each]
    raise place.error(f"no {what} `{value}`{nearest(str(value), words)}")


def _maybe(table: Mapping[str, object], key: str, place: Place) -> bool | None:
    return _flag(table[key], place.at(key)) if key in table else None


def _limit(value: object, place: Place) -> Limit:
    match _text(value, place).split():
        case [keyword]:
            return Limit(keyword)
        case [keyword, "unless", word]:
            return Limit(keyword, unless=word)
        case [keyword, position] if position.isdigit():
            return Limit(keyword, int(position))
        case [keyword, position, "unless", word] if position.isdigit():
            return Limit(keyword, int(position), word)
    raise place.error("expected the argument's name, its position if it has one, and `unless` what sets it elsewhere")


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
