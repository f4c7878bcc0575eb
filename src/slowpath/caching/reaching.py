"""Whether something is forgotten on the way that a write is on: in the function, in what it calls, in its callers."""

from __future__ import annotations

from collections import defaultdict

from slowpath import expression as e
from slowpath.caching.cache_map import CacheMap, clears
from slowpath.declarations import FunctionDeclaration
from slowpath.facts import UsesEntry, WritesRows
from slowpath.rules import Whole

# How many functions around a write are looked at for names of what forgets: a task, a callback, a caller's own call.
_CALLS = 2


class Reaching:
    """The functions of a project, and which mention which by name."""

    def __init__(self, whole: Whole, caches: CacheMap) -> None:
        self._caches = caches
        self._everyday = {method for known in whole.knowledge.types.values() for method in known.methods}
        self._declared: dict[str, FunctionDeclaration] = {
            f"{module}.{function.qualname}": function
            for module, declarations in whole.project.modules.items()
            for function in declarations.functions
        }
        self._mentioned_by: dict[str, list[str]] = defaultdict(list)
        for name, function in self._declared.items():
            for word in function.sketch.words:
                self._mentioned_by[word].append(name)
        self._writers: dict[object, list[str]] = defaultdict(list)
        for write in caches.writes:
            self._writers[write.place].append(write.function)
        self._names: dict[UsesEntry, frozenset[str]] = {}

    def clears(self, write: WritesRows, use: UsesEntry) -> bool:
        """Whether whoever gets to the write may forget the entry as well."""
        if any(
            clears(other, use) for function in self._writers[write.place] for other in self._caches.clears_of(function)
        ):
            return True
        names = self._clearing(use)
        around = {write.function}
        for _ in range(_CALLS):
            if any(not names.isdisjoint(self._words(function)) for function in around):
                return True
            around = {
                caller
                for function in around
                for caller in self._mentioned_by.get(self._simple(function), ())
                if self._simple(function) not in self._everyday
            }
        return False

    def _words(self, function: str) -> set[str]:
        declared = self._declared.get(function)
        if declared is None:
            return set()
        called = (part for call in declared.sketch.calls for part in call.split("."))
        return {*declared.sketch.words, *called, *(name for each in declared.decorators for name in names_in(each))}

    def _clearing(self, use: UsesEntry) -> frozenset[str]:
        """The names of functions that forget the entry, themselves or by one call."""
        if use not in self._names:
            found = {
                self._simple(other.function)
                for other in self._caches.clears
                if len(other.chain) <= 1 and clears(other, use)
            }
            self._names[use] = frozenset(found - self._everyday)
        return self._names[use]

    @staticmethod
    def _simple(function: str) -> str:
        return function.rpartition(".")[2]


def names_in(decorator: e.Expression) -> tuple[str, ...]:
    """The last name of a decorator."""
    name = e.dotted(decorator.func if isinstance(decorator, e.Call) else decorator)
    return (name.rpartition(".")[2],) if name else ()
