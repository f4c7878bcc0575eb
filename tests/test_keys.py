"""Keys of caches: how they read, and which can be the same."""

from __future__ import annotations

import re

import pytest

from slowpath.keys import Key, Part, is_known, is_of_one_row, may_be_same, spell, varies, words


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


def test_long_texts_with_many_holes_are_compared_in_no_time() -> None:
    """What is a call of a cache by its looks may be given a page of text."""
    one = key("".join(f"<li>{{a{number}}}</li>" for number in range(200)))
    other = key("".join(f"<li>{{b{number}}}</p>" for number in range(200)))
    assert not may_be_same(one, other)
    assert may_be_same(one, one)


def test_a_row_s_own_key_is_known_from_another_row_s() -> None:
    def hole(name: str) -> Key:
        return (Part("page:"), Part(name, hole=True))

    assert is_of_one_row(hole("instance.pk"))
    assert is_of_one_row(hole("instance.id, language"))
    assert not is_of_one_row(hole("instance.owner.id"))
    assert not is_of_one_row(hole("slug"))
