"""What the functions of a project do to its caches, as facts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from slowpath import expression as e
from slowpath.caching.making import named
from slowpath.caching.naming import key_of
from slowpath.caching.narrowing import columns_of, is_narrowed
from slowpath.caching.pending import pending_at
from slowpath.caching.writing import written
from slowpath.facts import AnyFact, KeepsResults, Pending, Source, UsesEntry
from slowpath.keeping import Memoizer
from slowpath.keys import Key, may_be_same
from slowpath.rules import Function
from slowpath.semantics.effects import AnyEffect, Asks, ReadsRelation, RunsQuery, UsesCache
from slowpath.semantics.program import Program
from slowpath.semantics.values import Hole, Template
from slowpath.semantics.wrapping import effects_around, is_own
from slowpath.source import Place

# More sources would not make it clearer what a value is computed from.
_MOST_SOURCES = 8


def entries(function: Function, program: Program) -> Iterator[AnyFact]:
    """What the function does to caches and, where that may have to do with one, to rows."""
    effects = function.summary.effects
    uses = [*_uses(function, program, effects), *_uses_around(function, program)]
    yield from uses
    yield from named(function, program, effects)
    yield from written(function, program, uses)
    kept = program.memo_of(function.ref)
    if kept is not None:
        yield _kept(function, program, effects, *kept)


def _uses(function: Function, program: Program, effects: Sequence[AnyEffect]) -> Iterator[UsesEntry]:
    """What the function does to entries, itself or through others."""
    several = _filled_together(effects)
    for position, effect in enumerate(effects):
        if isinstance(effect, UsesCache):
            pending = pending_at(program, effects, effect) if effect.does == "forget" else None
            use = _use(function, program, effect, effects[:position], pending)
            yield replace(use, sources=()) if (use.place, use.chain) in several else use


def _filled_together(effects: Sequence[AnyEffect]) -> frozenset[tuple[Place, tuple[Place, ...]]]:
    """The calls that fill several entries at once: nobody can tell which of them is made from what."""
    keys: dict[tuple[Place, tuple[Place, ...]], set[Key]] = {}
    for effect in effects:
        if isinstance(effect, UsesCache) and effect.does == "fill":
            keys.setdefault((effect.place, _chain(effect)), set()).add(key_of(effect.key))
    return frozenset(call for call, filled in keys.items() if len(filled) > 1)


def _uses_around(function: Function, program: Program) -> Iterator[UsesEntry]:
    """What decorators of the project's own do to entries whenever the function is called."""
    for effects in effects_around(program, function.ref):
        for position, effect in enumerate(effects):
            if isinstance(effect, UsesCache) and not is_own(effect, function.ref):
                yield _use(function, program, effect, effects[:position], None)


def _use(
    function: Function, program: Program, effect: UsesCache, before: Sequence[AnyEffect], pending: Pending | None
) -> UsesEntry:
    key = key_of(effect.key)
    fills = effect.does in {"fill", "fetch"}
    reading = _last_read(effect, key, before) if fills or effect.offers else None
    # What is offered where nothing was found is what was asked for; else it may be a lock.
    fills = fills or reading is not None
    computed = before[reading:] if reading is not None else ()
    if reading is None and effect.does == "fetch":
        # What the caller did before it called who fetches is none of its business.
        computed = [each for each in before if each.via[: len(effect.via)] == effect.via]
    sources = _sources(program, computed, effect.holds, effect.place) if fills else ()
    owner = f"{function.ref.module}:{function.ref.qualname}"
    parts = effect.key.parts if isinstance(effect.key, Template) else (effect.key,)
    return UsesEntry(
        place=effect.place,
        function=function.ref.name,
        does="fill" if fills and effect.offers else effect.does,
        cache=effect.cache,
        key=key,
        label=effect.label,
        expiry=effect.expiry,
        chain=_chain(effect),
        open=any(isinstance(part, Hole) and part.owner == owner for part in parts),
        after_read=reading is not None,
        sources=sources,
        pending=pending,
    )


def _last_read(effect: UsesCache, key: Key, before: Sequence[AnyEffect]) -> int | None:
    """Where in the effects before it the entry was last read."""
    for position in range(len(before) - 1, -1, -1):
        other = before[position]
        if isinstance(other, UsesCache) and other.does == "read" and other.cache == effect.cache:
            if may_be_same(key_of(other.key), key):
                return position
    return None


def _sources(
    program: Program, effects: Sequence[AnyEffect], holds: tuple[str, ...], place: Place
) -> tuple[Source, ...]:
    """The rows that these effects read, and those held in a value."""
    found: dict[str, Source] = {}
    asked = {effect.place: effect for effect in effects if isinstance(effect, Asks)}
    for effect in effects:
        if isinstance(effect, RunsQuery | ReadsRelation) and (model := _model_read(program, effect)):
            source = _source(program, model, effect.place, asked.get(effect.place))
            first = found.setdefault(model, source)
            columns = (*first.columns, *source.columns) if first.columns and source.columns else ()
            found[model] = replace(first, narrowed=first.narrowed and source.narrowed, columns=columns)
    for model in holds:
        found.setdefault(model, Source(model, place))
    # What is held is whole rows, whichever columns others of the kind were asked for.
    found |= {model: replace(found[model], columns=()) for model in holds}
    return tuple(found.values())[:_MOST_SOURCES]


def _source(program: Program, model: str, place: Place, asked: Asks | None) -> Source:
    if asked is None or asked.model != model:
        return Source(model, place)
    return Source(model, place, is_narrowed(program, asked), columns_of(program, asked))


def _model_read(program: Program, effect: RunsQuery | ReadsRelation) -> str:
    if isinstance(effect, RunsQuery):
        return effect.model
    relation = program.schema.relation(effect.model, effect.relation)
    return relation.target if relation is not None else ""


def _kept(
    function: Function, program: Program, effects: Sequence[AnyEffect], memoizer: Memoizer, decorator: e.Expression
) -> KeepsResults:
    call = decorator if isinstance(decorator, e.Call) else None
    return KeepsResults(
        place=Place(function.ref.module, function.ref.qualname, 0),
        function=function.ref.name,
        decorator=e.dotted(call.func if call is not None else decorator),
        keeps=memoizer.keeps,
        ends=call is not None and _ends(memoizer, call),
        clears=bool(memoizer.clear),
        sources=_sources(program, effects, (), Place(function.ref.module, function.ref.qualname, 0)),
    )


def _ends(memoizer: Memoizer, call: e.Call) -> bool:
    """Whether the decorator was told how long to keep."""
    placed = [argument for argument in call.arguments if argument.keyword is None]
    given = {argument.keyword for argument in call.arguments if argument.keyword is not None}
    return any(name in given if not name.isdecimal() else int(name) < len(placed) for name in memoizer.expiry)


def _chain(effect: AnyEffect) -> tuple[Place, ...]:
    return tuple(hop.place for hop in effect.via)
