"""What each call of a function calls and gives, and what happens at each of its nodes."""

from __future__ import annotations

from slowpath.semantics.effects import AnyEffect
from slowpath.semantics.joins import join
from slowpath.semantics.values import UNKNOWN, Value


class Sight:
    """What one reading of a function shows, by the number of the node that it stands at; `left` are its variables as
    it leaves them."""

    def __init__(self) -> None:
        self.left: dict[str, Value] = {}
        self._callees: dict[int, Value] = {}
        self._values: dict[int, Value] = {}
        self._effects: dict[int, list[AnyEffect]] = {}

    def note_call(self, at: int, callee: Value) -> None:
        """The call at this node calls this."""
        known = self._callees.get(at)
        self._callees[at] = callee if known is None else join(known, callee)

    def note_value(self, at: int, value: Value) -> None:
        """The expression at this node is this."""
        known = self._values.get(at)
        self._values[at] = value if known is None else join(known, value)

    def note_effect(self, effect: AnyEffect) -> None:
        """This happens, perhaps some calls away."""
        at = effect.via[0].place.at if effect.via else effect.place.at
        self._effects.setdefault(at, []).append(effect)

    def callee(self, at: int) -> Value:
        """What the call at this node calls."""
        return self._callees.get(at, UNKNOWN)

    def value(self, at: int) -> Value:
        """What the expression at this node is."""
        return self._values.get(at, UNKNOWN)

    def effects(self, at: int) -> tuple[AnyEffect, ...]:
        """What happens at this node, and in what it calls."""
        return tuple(self._effects.get(at, ()))
