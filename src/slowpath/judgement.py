"""What was judged of a whole project, kept while somebody edits it."""

from __future__ import annotations

import time
from collections.abc import Callable, Set

from slowpath.answers import Key, stands
from slowpath.cache import Answer
from slowpath.engine import Found
from slowpath.finding import Skipped

# Judging that takes longer waits until nobody types.
_QUICK = 0.03


class Judgement:
    """The last judgement, and what has changed since: of that nothing is said."""

    def __init__(self) -> None:
        self.crashed: list[Skipped] = []
        self.is_final = False
        self._found: list[Found] = []
        self._changed: set[Key] = set()
        self._may_differ = True
        self._seconds = 0.0

    @property
    def is_quick(self) -> bool:
        """Whether it will be final in no time."""
        return not self._may_differ or self._seconds < _QUICK

    def standing(self) -> list[Found]:
        """What was found of places that have not changed since."""
        return [found for found in self._found if stands(found.problem, self._changed)]

    def doubt(self, changed: Set[Key], *, also_beyond_facts: bool) -> None:
        """These have changed: in what they show as facts, as far as anybody knows, or otherwise too."""
        self._changed |= changed
        self.is_final = False
        lines = {key for key in changed if not key[1]}
        if also_beyond_facts or not all(stands(found.problem, lines) for found in self._found):
            self._may_differ = True

    def hear(self, before: Answer | None, now: Answer | None) -> None:
        """A function has answered again."""
        self.is_final = False
        if (before.facts if before is not None else ()) != (now.facts if now is not None else ()):
            self._may_differ = True

    def settle(self, judge: Callable[[], tuple[list[Found], list[Skipped]]]) -> set[str]:
        """Every function has answered: judge if need be; the modules of which something else is said now."""
        before, said = self._found, self.standing()
        if self._may_differ:
            began = time.thread_time()
            self._found, self.crashed = judge()
            self._seconds = time.thread_time() - began
        self._changed.clear()
        self.is_final, self._may_differ = True, False
        if said == self._found:
            return set()
        return {found.problem.place.module for found in (*before, *self._found)}
