"""How a query came to be: the calls that made it, those that branches of the code may leave out included."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from slowpath.source import Place
from slowpath.vocabulary import BuilderTerm, OperationTerm, QueryTerm, Refinement, SequenceTerm, Term

# No query of real projects is made in more steps; a loop that refines one must come to an end.
_MOST_STEPS = 24
_MOST_WAYS = 8


class Trail(Struct, frozen=True, cache_hash=True):
    """The calls made since a query began, in order.

    `parameter` is empty for one that begins with all rows of a table (or of a relation), else it names the parameter
    of a function that is told nothing more of it: whoever calls the function knows the rest. `bare` when it may run
    without any of the steps that are made in branches. `inner` when a query inside of it begins with such a parameter.
    """

    steps: tuple[Refinement, ...] = ()
    parameter: str = ""
    bare: bool = True
    inner: bool = False

    @property
    def untold(self) -> bool:
        """Whether the callers of the function know more of it."""
        return self.inner or bool(self.parameter)

    def longer(self, *steps: Refinement) -> Trail | None:
        """The trail with these steps added; `None` when it gets too long for a query that somebody wrote."""
        if len(self.steps) + len(steps) > _MOST_STEPS:
            return None
        inner = self.inner or any(query.parameter for step in steps for query in inside(step))
        return Trail((*self.steps, *steps), self.parameter, self.bare, inner)

    def told(self, trails: Mapping[str, Trail | None]) -> Trail | None:
        """The trail in the terms of a caller who gives the parameters these."""
        if not self.untold:
            return self
        steps = tuple(_told(step, trails) for step in self.steps) if self.inner else self.steps
        before = trails.get(self.parameter) if self.parameter else Trail()
        found = before.longer(*steps) if before is not None else None
        return replace(found, bare=found.bare and self.bare) if found is not None else None

    def ways(self) -> Iterator[frozenset[int]]:
        """The steps, by number, that are left out: all those of branches, if that may be, then all but one branch's,
        and what is always done in one way or another."""
        optional = {at: step.branch for at, step in enumerate(self.steps) if step.branch is not None}
        if self.bare:
            yield frozenset(optional)
        for branch in list(dict.fromkeys(optional.values()))[:_MOST_WAYS]:
            kept = {branch}
            for step in self.steps:
                if (
                    step.branch is not None
                    and step.instead is not None
                    and kept.isdisjoint((step.branch, step.instead))
                ):
                    kept.add(step.branch)
            yield frozenset(at for at, other in optional.items() if other not in kept)


def inside(step: Refinement) -> Iterator[QueryTerm]:
    """The queries that the call is given as parts of its conditions."""
    for passed in step.arguments:
        yield from _queries_in(passed.term)


def _queries_in(term: Term) -> Iterator[QueryTerm]:
    match term:
        case QueryTerm():
            yield term
        case OperationTerm(operands=terms) | SequenceTerm(items=terms):
            for each in terms:
                yield from _queries_in(each)
        case BuilderTerm(arguments=arguments):
            for passed in arguments:
                yield from _queries_in(passed.term)


def _told(step: Refinement, trails: Mapping[str, Trail | None]) -> Refinement:
    if not any(query.parameter for query in inside(step)):
        return step
    return replace(step, arguments=tuple(replace(each, term=_filled(each.term, trails)) for each in step.arguments))


def _filled(term: Term, trails: Mapping[str, Trail | None]) -> Term:
    """The term with what the callers know of the queries in it."""
    match term:
        case QueryTerm(parameter=str() as name) if name:
            before = trails.get(name)
            found = before.longer(*term.steps) if before is not None else None
            steps, parameter = (found.steps, found.parameter) if found is not None else ((), "")
            return replace(term, steps=steps, parameter=parameter)
        case OperationTerm(operands=terms):
            return replace(term, operands=tuple(_filled(each, trails) for each in terms))
        case SequenceTerm(items=terms):
            return replace(term, items=tuple(_filled(each, trails) for each in terms))
        case BuilderTerm(arguments=arguments):
            filled = tuple(replace(each, term=_filled(each.term, trails)) for each in arguments)
            return replace(term, arguments=filled)
    return term


def either_way(one: Trail | None, other: Trail | None) -> Trail | None:
    """A query that was made in one of two ways: what they do not have in common is done in a branch."""
    if one is None or other is None or one.parameter != other.parameter:
        return None
    if one == other:
        return one
    same = 0
    while one.steps[same : same + 1] == other.steps[same : same + 1] != ():
        same += 1
    common = one.steps[:same]
    known = {(step.place, step.method) for step in common}
    rests = [tuple(s for s in each.steps[same:] if (s.place, s.method) not in known) for each in (one, other)]
    always = all(any(step.branch is None for step in rest) for rest in rests)
    found = Trail(common, one.parameter, one.bare and other.bare and not always, one.inner or other.inner)
    first, second = map(_beginning, rests)
    return found.longer(
        *_in_branch(rests[0], first, second if always else None),
        *_in_branch(rests[1], second, first if always else None),
    )


def _beginning(steps: tuple[Refinement, ...]) -> Place | None:
    return next((step.place for step in steps if step.branch is None), None)


def _in_branch(steps: tuple[Refinement, ...], first: Place | None, instead: Place | None) -> Iterator[Refinement]:
    return (step if step.branch is not None else replace(step, branch=first, instead=instead) for step in steps)
