"""What is known of a project's caches, for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from slowpath.reporters.view import View, painted, printable

if TYPE_CHECKING:
    from slowpath.caching.listing import Deed, Listed, Listing
    from slowpath.source import Place

Where = Callable[["Place"], str]
"""A place as the user writes it."""

_VERBS = ("filled", "read", "used", "forgotten")
_WIDTH = max(map(len, _VERBS))
_MOST_CROSSED = 3


def overview(listing: Listing, wanted: str, where: Where, view: View) -> Iterator[str]:
    """The keys that have the text in them, with what is done to each entry and where; and what could not be told."""
    entries = [entry for entry in listing.entries if wanted.lower() in entry.key.lower()]
    for entry in entries:
        yield from _entry(entry, where, view)
        yield ""
    if listing.unknown and not wanted:
        yield painted("keys that nobody can tell from the code", view, "bold")
        for deed in listing.unknown:
            yield _line(deed.did, f"{where(deed.place)}  `{printable(deed.key)}`", view)
        yield ""
    for cache, deeds in listing.flushed if not wanted else ():
        yield painted(f"all that is kept in {cache}", view, "bold")
        for deed in deeds:
            yield _line("forgotten", _with_reasons(where(deed.place), deed), view)
        yield ""
    endless = sum(entry.is_filled and not (entry.is_forgotten or _done(entry, "crossed")) for entry in entries)
    yield f"{len(entries)} {'key' if len(entries) == 1 else 'keys'}, {endless} of them filled and never forgotten"


def _entry(entry: Listed, where: Where, view: View) -> Iterator[str]:
    yield f"{painted(printable(entry.key), view, 'bold')}  {painted(printable(entry.cache), view, 'dim')}"
    for verb in _VERBS:
        for deed in sorted(_done(entry, verb), key=lambda deed: where(deed.place)):
            yield _line(verb, _said(entry, deed, where), view)
    if entry.is_filled and not entry.is_forgotten:
        crossed = sorted({f"{where(deed.place)}  as `{printable(deed.key)}`" for deed in _done(entry, "crossed")})
        for said in crossed[:_MOST_CROSSED]:
            yield _line("forgotten", f"perhaps  {said}", view)
        if len(crossed) > _MOST_CROSSED:
            yield _line("forgotten", f"perhaps  in {len(crossed) - _MOST_CROSSED} more places", view)
        if not crossed:
            yield _line("forgotten", painted("nowhere", view, "yellow"), view)


def _done(entry: Listed, did: str) -> list[Deed]:
    return [deed for deed in entry.deeds if deed.did == did]


def _said(entry: Listed, deed: Deed, where: Where) -> str:
    here = where(deed.place)
    parts = [here]
    if deed.sources:
        rows = (label if where(place) == here else f"{label} ({where(place)})" for label, place in deed.sources)
        parts.append(f"from {', '.join(dict.fromkeys(rows))}")
    if deed.expiry:
        parts.append(_LIVES.get(deed.expiry, f"for {printable(deed.expiry)}"))
    if deed.key and deed.key != entry.key and not entry.memo:
        parts.append(f"as `{printable(deed.key)}`")
    return _with_reasons("  ".join(parts), deed)


def _with_reasons(said: str, deed: Deed) -> str:
    return f"{said}  when a {' or a '.join(deed.when)}" if deed.when else said


_LIVES = {"never": "for ever", "default": "for as long as the cache's settings say"}


def _line(verb: str, said: str, view: View) -> str:
    return f"  {painted(f'{verb:{_WIDTH}}', view, 'cyan')}  {said}"
