"""What functions show that only the whole project can judge.

A fact is kept with the answer of the function that showed it, so a later run has it without reading the function
again. It is small and says what is needed and no more: nothing in it is a value of the interpreter. A new kind is a
`Fact` of its own, added to `AnyFact`, and a function that collects it, which the rules that need it name as their
`collect`.
"""

from __future__ import annotations

from msgspec import Struct

from slowpath.source import Place


class Fact(Struct, frozen=True, tag=True, array_like=True):
    """What every fact has: where it shows."""

    place: Place

    def places(self) -> tuple[Place, ...]:
        """Every place that it speaks of."""
        return (self.place,)


class Deletes(Fact, frozen=True):
    """Rows of the model are deleted: one of them, or all that a query finds."""

    model: str


AnyFact = Deletes
