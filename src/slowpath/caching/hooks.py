"""What runs by itself when rows are written: overridden methods, and whoever listens to signals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from msgspec import Struct

from slowpath.caching.cache_map import CacheMap
from slowpath.facts import UsesEntry, WritesRows
from slowpath.project import Project
from slowpath.references import ClassRef
from slowpath.rules import Whole
from slowpath.schema import Model
from slowpath.source import Place

Event = Literal["save", "delete"]

_SIGNALS: Mapping[Event, frozenset[str]] = {
    "save": frozenset({"pre_save", "post_save"}),
    "delete": frozenset({"pre_delete", "post_delete"}),
}
DONE: Mapping[Event, str] = {"save": "saved", "delete": "deleted"}


class Hook(Struct, frozen=True):
    """A function that runs when a row is saved or deleted: a method of the model, or (`signal`) one that listens."""

    function: str
    signal: bool
    place: Place


class Hooks:
    """The hooks of a project's models, and what they clear in its caches."""

    def __init__(self, whole: Whole, caches: CacheMap) -> None:
        self._project: Project = whole.project
        self._caches = caches
        self._models = sorted(whole.schema.models.values(), key=lambda model: model.abstract)
        self._classes = {ref.name: ref for ref in whole.project.classes()}

    def of(self, model: Model, event: Event) -> Iterator[Hook]:
        """What runs when a row of the model is saved, or deleted."""
        for listener in model.listeners:
            if listener.signal in _SIGNALS[event]:
                yield Hook(listener.function, True, self._begin(listener.function))
        ref: ClassRef | None = self._classes.get(model.name)
        method = self._project.method(ref, event) if ref is not None else None
        if method is not None:
            yield Hook(method.name, False, Place(method.module, method.qualname, 0))

    def _begin(self, function: str) -> Place:
        """Where a function of this full name begins."""
        module, _, qualname = function.rpartition(".")
        while module and module not in self._project.modules:
            module, _, name = module.rpartition(".")
            qualname = f"{name}.{qualname}"
        return Place(module, qualname, 0)

    def is_known(self, model: Model) -> bool:
        """Whether every function that listens is in sight."""
        seen = {listener.signal for listener in model.listeners if listener.function}
        return set(model.receivers) <= seen and all(listener.function for listener in model.listeners)

    def is_refused(self, model: Model, event: Event) -> bool:
        """Whether the model's own method for this is not known to call the one that it overrides."""
        ref: ClassRef | None = self._classes.get(model.name)
        method = self._project.method(ref, event) if ref is not None else None
        return method is not None and event not in self._project.function_of(method).sketch.words

    def clears(self, model: Model, event: Event) -> Iterator[tuple[Hook, UsesEntry]]:
        """What is cleared when a row of the model is saved, or deleted."""
        for hook in self.of(model, event):
            for use in self._caches.clears_of(hook.function):
                yield hook, use

    def waiting(self, function: str) -> Iterator[tuple[Model, Event, Hook]]:
        """The writes that lead by themselves to the function of this full name."""
        for model in self._models:
            for event in ("save", "delete"):
                for hook in self.of(model, event):
                    if hook.function == function:
                        yield model, event, hook


def event_of(write: WritesRows) -> tuple[Event, bool, bool]:
    """What a write counts as, whether methods of the model run for it, and whether signals are sent."""
    deletes = write.label.rpartition(".")[2] in {"delete", "adelete"}
    match write.action:
        case "write" | "bulk" if deletes:
            # Rows that a query deletes are told of one by one, unless nobody listens.
            return "delete", False, True
        case "write" | "bulk":
            return "save", False, False
        case "delete":
            return "delete", True, True
    return "save", True, True
