"""Keys of caches as texts with holes: how they read, and whether two can be the same."""

from __future__ import annotations

import re
from functools import lru_cache

from msgspec import Struct

_WORDS = re.compile(r"[^\W\d_]{3,}")


class Part(Struct, frozen=True, array_like=True):
    """A piece of a key: its text, or a hole and how what fills it is written."""

    text: str
    hole: bool = False


Key = tuple[Part, ...]


def spell(key: Key) -> str:
    """The key as an f-string reads."""
    return "".join(f"{{{part.text}}}" if part.hole else part.text for part in key)


def is_known(key: Key) -> bool:
    """Whether the key has some text of its own; one that has none could be any key."""
    return any(not part.hole and re.search(r"\w", part.text) for part in key)


def words(key: Key) -> frozenset[str]:
    """The words in the key's own text, by which a reader would know it."""
    return frozenset(word.lower() for part in key if not part.hole for word in _WORDS.findall(part.text))


def varies(key: Key) -> bool:
    """Whether the key has a hole: one entry for each thing, not one for all."""
    return any(part.hole for part in key)


@lru_cache(maxsize=65_536)
def may_be_same(one: Key, other: Key) -> bool:
    """Whether some text is both keys. A hole holds any text."""
    if not one or not other:
        return all(part.hole for part in (*one, *other))
    first, second = one[0], other[0]
    if first.hole:
        return may_be_same(one[1:], other) or may_be_same(one, _rest(other))
    if second.hole:
        return may_be_same(other, one)
    common = min(len(first.text), len(second.text))
    if first.text[:common] != second.text[:common]:
        return False
    return may_be_same(_after(one, common), _after(other, common))


def _after(key: Key, length: int) -> Key:
    text = key[0].text[length:]
    return (Part(text), *key[1:]) if text else key[1:]


def _rest(key: Key) -> Key:
    """The key without its first letter, or without the hole that it begins with."""
    return key[1:] if key[0].hole else _after(key, 1)
