"""Whether something is forgotten on the way that a write is on: in the function, in what it calls, in its callers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from slowpath import expression as e
from slowpath.caching.cache_map import CacheMap, clears, site
from slowpath.declarations import FunctionDeclaration
from slowpath.facts import UsesEntry, WritesRows
from slowpath.rules import Whole

# How many functions around a write are looked at for names of what forgets: a task, a callback, a caller's own call.
_CALLS = 3


class Reaching:
    """The functions of a project, and which mention which by name."""

    def __init__(self, whole: Whole, caches: CacheMap) -> None:
        self._caches = caches
        self._everyday = {method for known in whole.knowledge.types.values() for method in known.methods}
        self._declared: dict[str, FunctionDeclaration] = {}
        # Who waits for rows of a model to be written is a hook.
        self._classes = {model.label for model in whole.schema.models.values()}
        self._decorated: dict[str, frozenset[str]] = {}
        self._connected: dict[str, set[str]] = defaultdict(set)
        for module, declarations in whole.project.modules.items():
            of_class = {each.qualname: frozenset(_names(*each.decorators)) for each in declarations.classes}
            for function in declarations.functions:
                name = f"{module}.{function.qualname}"
                self._declared[name] = function
                self._decorated[name] = of_class.get(function.owner, frozenset())
            for call in declarations.calls:
                for word in _names(*(argument.value for argument in call.arguments)):
                    self._connected[word] |= set(e.dotted(call.func).split(".")[:-1])
        self._mentioned_by: dict[str, list[str]] = defaultdict(list)
        for name, function in self._declared.items():
            for word in function.sketch.words:
                self._mentioned_by[word].append(name)
        self._writers: dict[object, list[WritesRows]] = defaultdict(list)
        for write in caches.writes:
            self._writers[write.place].append(write)
        self._names: dict[UsesEntry, tuple[frozenset[str], frozenset[str]]] = {}

    def clears(self, write: WritesRows, use: UsesEntry, *, beyond: bool = False) -> bool:
        """Whether whoever gets to the write may forget the entry as well; `beyond` the function that it is seen from,
        where it is known already that this one does not."""
        writers = [write] if beyond else self._writers[write.place]
        for writer in writers:
            for other in self._caches.clears_of(writer.function):
                if site(other) not in writer.without and clears(other, use):
                    return True
        names, triggers = self._clearing(use)
        return any(
            not (names | triggers).isdisjoint(self._body(function)) or not names.isdisjoint(self._decorators(function))
            for function in self.around(write.function)
            if not (beyond and function == write.function)
        )

    def around(self, function: str) -> Iterator[str]:
        """The function, and those that may lead to it by a few calls, by their names."""
        level, seen = {function}, {function}
        for _ in range(_CALLS):
            yield from level
            level = {
                caller
                for each in level
                for caller in self._mentioned_by.get(self._simple(each), ())
                if self._simple(each) not in self._everyday
            } - seen
            seen |= level

    def _body(self, function: str) -> set[str]:
        declared = self._declared.get(function)
        if declared is None:
            return set()
        return {*declared.sketch.words, *(part for call in declared.sketch.calls for part in call.split("."))}

    def _decorators(self, function: str) -> set[str]:
        declared = self._declared.get(function)
        if declared is None:
            return set()
        return {*_names(*declared.decorators), *self._decorated[function]}

    def _clearing(self, use: UsesEntry) -> tuple[frozenset[str], frozenset[str]]:
        """The names of functions that forget the entry, themselves or by one call, and of what these wait for: what
        they are connected with, or what their decorators are given."""
        if use not in self._names:
            found: set[str] = set()
            triggers: set[str] = set()
            for other in self._caches.clears:
                if len(other.chain) <= 1 and clears(other, use):
                    simple = self._simple(other.function)
                    found.add(simple)
                    triggers |= self._connected[simple]
                    declared = self._declared.get(other.function)
                    # What a decorator puts around a function goes by the decorator's name.
                    if declared is not None and declared.nested_in:
                        found |= set(declared.nested_in.split("."))
                    for decorator in declared.decorators if declared is not None else ():
                        if isinstance(decorator, e.Call):
                            triggers |= set(_names(*(argument.value for argument in decorator.arguments)))
            self._names[use] = frozenset(found - self._everyday), frozenset(triggers - self._everyday - self._classes)
        return self._names[use]

    @staticmethod
    def _simple(function: str) -> str:
        return function.rpartition(".")[2]


def _names(*nodes: e.Expression) -> Iterator[str]:
    """The last part of every name in decorators or arguments."""
    for node in nodes:
        match node:
            case e.Call(func=func, arguments=arguments):
                yield from _names(func, *(argument.value for argument in arguments))
            case e.Listing(elements=elements):
                yield from _names(*elements)
            case _:
                name = e.dotted(node)
                if name:
                    yield name.rpartition(".")[2]
