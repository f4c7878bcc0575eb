"""What is being written while a cache entry is forgotten: whoever asks in between reads, and keeps, what was before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from slowpath.caching.naming import key_of
from slowpath.caching.writing import Writing, is_written
from slowpath.facts import Pending, Source
from slowpath.keys import may_be_same
from slowpath.semantics.effects import AnyEffect, UsesCache, Writes
from slowpath.semantics.program import Program

_CLEARING = {"forget", "flush", "fill"}


def pending_at(program: Program, effects: Sequence[AnyEffect], use: UsesCache) -> Pending | None:
    """The rows that are being written when the entry is forgotten, if it is not forgotten again when they are."""
    if use.later or use.rare:
        return None
    position = effects.index(use)
    found = _in_transaction(program, effects, use) or _before_commit(program, effects, position)
    return None if found is None or _again(use, effects[position + 1 :]) else found


def _in_transaction(program: Program, effects: Sequence[AnyEffect], use: UsesCache) -> Pending | None:
    if use.transaction is None:
        return None
    rows = _sources(each for each in _writes(program, effects) if each.transaction == use.transaction)
    return Pending(rows, use.transaction, "transaction") if rows else None


def _before_commit(program: Program, effects: Sequence[AnyEffect], position: int) -> Pending | None:
    """What is written and committed further down, or (where every write is seen at once) only then written."""
    commits = [at for at, each in enumerate(effects) if isinstance(each, Writes) and each.action == "commit"]
    begin = max((at for at in commits if at < position), default=-1)
    end = next((at for at in commits if at > position), None)
    if end is not None:
        rows = _sources(_writes(program, effects[begin + 1 : end]))
        return Pending(rows, effects[end].place, "commit") if rows else None
    done = {each.model for each in _writes(program, effects[:position])}
    rows = _sources(each for each in _writes(program, effects[position:]) if each.model not in done)
    return Pending(rows, rows[0].place, "write") if rows else None


def _writes(program: Program, effects: Sequence[AnyEffect]) -> Iterator[Writing]:
    return (each for each in effects if isinstance(each, Writing) and is_written(program, each))


def _sources(writes: Iterator[Writing]) -> tuple[Source, ...]:
    found: dict[str, Source] = {}
    for effect in writes:
        found.setdefault(effect.model, Source(effect.model, effect.via[0].place if effect.via else effect.place))
    return tuple(found.values())


def _again(use: UsesCache, after: Sequence[AnyEffect]) -> bool:
    """Whether the entry is forgotten once more, or filled, when all is written."""
    return any(
        isinstance(other, UsesCache)
        and other.does in _CLEARING
        and other.cache in {use.cache, ""}
        and (use.transaction is None or other.transaction != use.transaction)
        and (other.does == "flush" or may_be_same(key_of(other.key), key_of(use.key)))
        for other in after
    )
