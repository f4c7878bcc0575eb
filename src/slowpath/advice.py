"""The indexes that the queries of a project need: the fewest that serve all of them, and which each one serves."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from slowpath.advisor import NewIndex, fewest, serves
from slowpath.finding import CONFIDENCES, Confidence
from slowpath.rules import Whole
from slowpath.source import Place
from slowpath.unserved import unserved


class Advice(Struct, frozen=True):
    """An index to be made, the model of its table, and where the queries run that it serves."""

    index: NewIndex
    model: str
    places: tuple[Place, ...]


def advice(whole: Whole, surest: Confidence) -> Iterator[Advice]:
    """The least set of indexes for the queries that no index serves, as far as it is at least this sure that they
    matter; in order of the tables' names."""
    least = CONFIDENCES.index(surest)
    found = [
        each
        for each in unserved(whole.project, whole.schema, whole.database, whole.facts)
        if CONFIDENCES.index(each.confidence) >= least
    ]
    for index in fewest(each.index for each in found):
        served = [each for each in found if each.table.name == index.table and serves(index, each.index)]
        places = dict.fromkeys(place for each in served for place in (each.fact.place, *each.places))
        yield Advice(index, served[0].shape.model, tuple(sorted(places)))
