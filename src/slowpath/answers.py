"""Answers of functions kept in memory, and where the problems in them are."""

from __future__ import annotations

from collections.abc import Iterator, Set
from itertools import chain

from msgspec import Struct
from msgspec.structs import replace

from slowpath.cache import Answer
from slowpath.finding import Problem, Skipped
from slowpath.references import FunctionRef
from slowpath.source import Place

# A function, or with no qualified name the lines of a module.
Key = tuple[str, str]


class Held(Struct, frozen=True):
    """What asking a function gave: an answer or why there is none, and what that was found out from."""

    answer: Answer | None
    sources: frozenset[Key]
    failed: tuple[Skipped, ...] = ()


class Answers:
    """The last answer of every function that was asked."""

    def __init__(self) -> None:
        self._held: dict[FunctionRef, Held] = {}
        self._by_module: dict[str, set[FunctionRef]] = {}
        self._troubled: set[FunctionRef] = set()

    def __contains__(self, ref: object) -> bool:
        return ref in self._held

    def answer_of(self, ref: FunctionRef) -> Answer | None:
        """The function's last answer, if it gave one."""
        return self._held[ref].answer if ref in self._held else None

    def refs(self) -> Set[FunctionRef]:
        """The functions that have answered."""
        return self._held.keys()

    def resting_on(self, sources: Set[Key]) -> set[FunctionRef]:
        """The functions whose answers were found out from any of these."""
        return {ref for ref, held in self._held.items() if not sources.isdisjoint(held.sources)}

    def held(self) -> dict[FunctionRef, Held]:
        """Everything, by function and in the order of these."""
        return {ref: self._held[ref] for ref in sorted(self._held)}

    def modules(self) -> set[str]:
        """The modules with a problem in them."""
        refs = set().union(*self._by_module.values())
        return {problem.place.module for ref in refs for problem in problems_of(self._held[ref])}

    def naming(self, module: str) -> dict[FunctionRef, Held]:
        """The answers with a problem that names a place in the module, in the order of their functions."""
        return {ref: self._held[ref] for ref in sorted(self._by_module.get(module, ()))}

    def troubled(self) -> list[Held]:
        """The answers of functions that could not be read, or on which slowpath gave up."""
        return [self._held[ref] for ref in sorted(self._troubled)]

    def put(self, ref: FunctionRef, held: Held) -> set[str]:
        """Take an answer instead of the function's last one; the modules in which problems are other ones now."""
        before = self._held.get(ref)
        old, new = problems_of(before), problems_of(held)
        for problem in old:
            for place in places_of(problem):
                self._by_module.get(place.module, set()).discard(ref)
        for problem in new:
            for place in places_of(problem):
                self._by_module.setdefault(place.module, set()).add(ref)
        self._held[ref] = held
        self._troubled.discard(ref)
        if _is_troubled(held):
            self._troubled.add(ref)
        touched = {problem.place.module for problem in chain(old, new)} if old != new else set()
        return touched | ({ref.module} if ref in self._troubled or _is_troubled(before) else set())

    def drop(self, ref: FunctionRef) -> set[str]:
        """Forget the function; the modules in which it had problems."""
        touched = self.put(ref, Held(None, frozenset()))
        del self._held[ref]
        return touched

    def trim(self, ref: FunctionRef, changed: Set[Key]) -> set[str]:
        """Forget what the function's answer says of places that have changed, until it is asked again."""
        held = self._held[ref]
        if held.answer is None or all(stands(problem, changed) for problem in problems_of(held)):
            return set()
        kept = tuple([each for each in held.answer.reported if stands(each.problem, changed)])
        return self.put(ref, Held(replace(held.answer, reported=kept), held.sources, held.failed))


def problems_of(held: Held | None) -> tuple[Problem, ...]:
    """The problems in an answer."""
    return tuple([each.problem for each in held.answer.reported]) if held is not None and held.answer else ()


def places_of(problem: Problem) -> Iterator[Place]:
    """Every place that a problem names."""
    yield problem.place
    yield from (mark.place for mark in problem.related)


def stands(problem: Problem, changed: Set[Key]) -> bool:
    """Whether nothing that the problem names is among what has changed."""
    return all((place.module, place.function) not in changed for place in places_of(problem))


def _is_troubled(held: Held | None) -> bool:
    return held is not None and (bool(held.failed) or (held.answer is not None and held.answer.unreadable is not None))
