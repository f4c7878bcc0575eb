"""Keys of caches: how they read, and which can be the same."""

from __future__ import annotations

import re

import pytest

from slowpath.keys import Key, Part, is_known, may_be_same, spell, varies, words


def key(text: str) -> Key:
    """The key that is written so, `{name}` being a hole."""
    pieces = re.split(r"\{(\w+)\}", text)
    parts = [Part(piece, hole=bool(position % 2)) for position, piece in enumerate(pieces)]
    return tuple(part for part in parts if part.hole or part.text)


SAME = [
    ("order:{pk}", "order:{id}"),
    ("order:{pk}", "order:7"),
    ("order:{pk}", "order:{pk}:lines"),
    ("{prefix}:order:{pk}", "shop:order:{id}"),
    ("{a}-{b}", "x-y-z"),
    ("{anything}", "order:7"),
    ("v{n}", "v"),
]
DIFFERENT = [
    ("order:{pk}", "orders:{pk}"),
    ("order:{pk}:total", "order:{pk}:lines"),
    ("order:7", "order:8"),
    ("{prefix}:order", "{prefix}:orders"),
    ("order-{pk}", "order:{pk}"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_keys_that_may_be_the_same(one: str, other: str) -> None:
    assert may_be_same(key(one), key(other))
    assert may_be_same(key(other), key(one))


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_keys_that_cannot_be_the_same(one: str, other: str) -> None:
    assert not may_be_same(key(one), key(other))
    assert not may_be_same(key(other), key(one))


def test_how_a_key_reads() -> None:
    assert spell(key("shop:{kind}:{pk}")) == "shop:{kind}:{pk}"
    assert words(key("shop:ORDER_{kind}:7")) == {"shop", "order"}
    assert is_known(key("o{pk}"))
    assert not is_known(key("{kind}:{pk}"))
    assert varies(key("o{pk}"))
    assert not varies(key("orders"))
