"""Answers of functions: what each was found out from, in which state that was, and whether it still is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from slowpath.cache import Answer, Consulted, Memory
from slowpath.declarations import Declarations
from slowpath.references import FunctionRef
from slowpath.source import digest_of

StateOf = Callable[[str, str], str]


class Ledger:
    """Answers from several places, with the numbers of their sources made one."""

    def __init__(self, state_of: StateOf) -> None:
        self._state_of = state_of
        self._numbers: dict[tuple[str, str], int] = {}
        self.answers: list[Answer] = []

    def add(self, answers: Iterable[Answer], sources: Sequence[tuple[str, str]]) -> None:
        """Take these answers, whose numbers are those of the sources."""
        for answer in answers:
            own = [sources[number] for number in answer.consulted]
            # An expression of a module is known by its line, so what is said of one holds until lines move.
            own += [(module, "") for module in modules_in(answer) if (module, "") not in own]
            numbers = tuple([self._numbers.setdefault(source, len(self._numbers)) for source in own])
            self.answers.append(msgspec.structs.replace(answer, consulted=numbers))

    def sources(self) -> tuple[Consulted, ...]:
        """All sources in the order of their numbers, as they are."""
        return tuple([Consulted(*source, self._state_of(*source)) for source in self._numbers])


def still_true(memory: Memory, state_of: StateOf) -> dict[FunctionRef, Answer]:
    """The answers of which every source is in the state that it was in."""
    changed = {
        number
        for number, source in enumerate(memory.sources)
        if state_of(source.module, source.qualname) != source.state
    }
    return {
        FunctionRef(answer.module, answer.qualname): answer
        for answer in memory.answers
        if changed.isdisjoint(answer.consulted)
    }


def modules_in(answer: Answer) -> list[str]:
    """The modules of which the answer names something by its line."""
    places = [
        place
        for each in answer.reported
        for place in (each.problem.place, *(mark.place for mark in each.problem.related))
    ]
    places += [place for fact in answer.facts for place in fact.places()]
    return sorted({place.module for place in places if not place.function})


def lines_in(declarations: Declarations) -> str:
    """Changes whenever something at module level stands on another line."""
    assignments = [*declarations.assignments, *(each for owner in declarations.classes for each in owner.assignments)]
    return digest_of(repr([each.line for each in assignments] + [call.at for call in declarations.calls]))
