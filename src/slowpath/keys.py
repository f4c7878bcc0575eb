"""Keys of caches as texts with holes: how they read, and whether two can be the same."""

from __future__ import annotations

import re
from functools import lru_cache

from msgspec import Struct

_WORDS = re.compile(r"[^\W\d_]{3,}")
# `pk`, `instance.id`; of `instance.owner.id` it is another row's.
_OWN_KEY = re.compile(r"(\w+\.)?(pk|id)")

# How the holes of patterns are called, and those of which nothing is known.
_ANYTHING = ("*", "…", "'", '"')


class Part(Struct, frozen=True, array_like=True):
    """A piece of a key: its text, or a hole and how what fills it is written."""

    text: str
    hole: bool = False


Key = tuple[Part, ...]


def spell(key: Key) -> str:
    """The key as an f-string reads."""
    return "".join(f"{{{part.text}}}" if part.hole else part.text for part in key)


def shape(key: Key) -> str:
    """The key whatever its holes are called: what two callers of one function make of it looks alike."""
    return "".join("{}" if part.hole else part.text for part in key)


def is_known(key: Key) -> bool:
    """Whether the key has some text of its own; one that has none could be any key."""
    return any(not part.hole and re.search(r"\w", part.text) for part in key)


def words(key: Key) -> frozenset[str]:
    """The words in the key's own text, by which a reader would know it."""
    return frozenset(word.lower() for part in key if not part.hole for word in _WORDS.findall(part.text))


def varies(key: Key) -> bool:
    """Whether the key has a hole: one entry for each thing, not one for all."""
    return any(part.hole for part in key)


def is_of_one_row(key: Key) -> bool:
    """Whether the key holds the row's own primary key: nobody asks for that entry when the row is gone."""
    return any(part.hole and any(_OWN_KEY.fullmatch(name) for name in part.text.split(", ")) for part in key)


@lru_cache(maxsize=65_536)
def may_be_same(one: Key, other: Key) -> bool:
    """Whether some text is both keys. A hole holds any text."""
    letters: dict[str | None, int] = {}
    second = _letters(other)
    for position, letter in enumerate(second):
        letters[letter] = letters.get(letter, 0) | 1 << position
    holes = letters.get(None, 0)
    # Bit j: what was read of the first key may be what stands before position j of the second.
    reached = _through(1, holes)
    for letter in _letters(one):
        if letter is None:
            lowest = reached & -reached
            reached = (2 << len(second)) - lowest
        else:
            reached = _through(reached & holes | (reached & letters.get(letter, 0)) << 1, holes)
        if not reached:
            return False
    return bool(reached >> len(second))


def covers(one: Key, other: Key) -> bool:
    """Whether the one key is the other with more holes. A hole that has a name holds one hole of the other, or a word;
    a pattern's, and one of which nobody knows what it holds, anything."""
    pattern = "".join(_held(part) if part.hole else re.escape(part.text) for part in one)
    text = "".join("\0" if part.hole else part.text for part in other)
    return re.fullmatch(pattern, text, re.DOTALL) is not None


def _held(part: Part) -> str:
    return ".*" if part.text.startswith(_ANYTHING) else r"(?:\0|[^\0:/|-]*)"


def are_about_one(one: Key, other: Key) -> bool:
    """Whether one of the keys is the other with more holes: whoever wrote them meant the same."""
    return covers(one, other) or covers(other, one)


def _letters(key: Key) -> list[str | None]:
    """The key's letters, with `None` for each hole."""
    return [letter for part in key for letter in ([None] if part.hole else part.text)]


def _through(reached: int, holes: int) -> int:
    """What is reached when a hole may hold nothing."""
    while (more := reached | (reached & holes) << 1) != reached:
        reached = more
    return reached
