"""The ways through a function that hang together by its flags: each setting, and what all come to."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

from slowpath.semantics.effects import Summary
from slowpath.semantics.joins import join
from slowpath.semantics.values import UNKNOWN, Constant, Value


def settings_of(flags: tuple[str, ...]) -> list[dict[str, Value]]:
    """Every way to set these flags."""
    return [
        dict(zip(flags, setting, strict=True))
        for setting in product((Constant(True), Constant(False)), repeat=len(flags))
    ]


def merged(readings: list[Summary]) -> Summary:
    """What is true of all the ways through a function together."""
    first = readings[0]
    common = set(first.finals).intersection(*(reading.finals for reading in readings[1:]))
    return Summary(
        effects=tuple(dict.fromkeys(effect for reading in readings for effect in reading.effects)),
        returns=joined([reading.returns for reading in readings]),
        finals=tuple(final for final in first.finals if final in common),
        height=max(reading.height for reading in readings),
    )


def joined(values: Iterable[Value]) -> Value:
    """What is true of all of them; unknown when there are none."""
    result: Value | None = None
    for value in values:
        result = value if result is None else join(result, value)
    return result if result is not None else UNKNOWN
