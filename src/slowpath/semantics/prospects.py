"""What sketches say of functions before anybody reads them, with a note of which functions were asked about."""

from __future__ import annotations

from slowpath.references import FunctionRef
from slowpath.semantics.memory import Questions
from slowpath.semantics.relevance import Relevance


class Prospects:
    """Whether a function can show this or that. An answer depends on the functions that it left out, too."""

    def __init__(self, relevance: Relevance, questions: Questions) -> None:
        self._relevance = relevance
        self._questions = questions
        # What sets a limit to waiting, of what the project uses somewhere.
        self.limits = relevance.limits
        # The modules that say something in SQL outside functions.
        self.saying_sql = relevance.saying_sql
        # Whether anything is kept in a cache.
        self.has_caches = relevance.has_caches

    def may_matter(self, ref: FunctionRef) -> bool:
        """Whether reading the function could show anything."""
        self._questions.consulted.add(ref)
        return self._relevance.matters(ref)

    def on_loop(self, ref: FunctionRef) -> bool:
        """Whether the function may run on an event loop."""
        self._questions.consulted.add(ref)
        return self._relevance.on_loop(ref)

    def may_acquire(self, ref: FunctionRef) -> bool:
        """Whether the function may acquire something that must be given back."""
        self._questions.consulted.add(ref)
        return self._relevance.acquires(ref)

    def may_hold(self, ref: FunctionRef) -> bool:
        """Whether the function may hold something that others wait for."""
        self._questions.consulted.add(ref)
        return self._relevance.holds(ref)

    def may_use_caches(self, ref: FunctionRef) -> bool:
        """Whether the function may read, fill or clear a cache, or call what does."""
        self._questions.consulted.add(ref)
        return self._relevance.near_caches(ref)
