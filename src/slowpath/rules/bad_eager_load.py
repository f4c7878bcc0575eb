"""An eager load that cannot work: it names no relation, joins what cannot be joined, or is undone on the way.

## Problem

`select_related("custommer")` raises only when the query runs; so does `prefetch_related` of a plain column,
`select_related` of a to-many or generic relation, and `only()` without the foreign key that `select_related` follows.
Where it does not raise, it is silently without effect, and the queries it should have saved are made.

## Slow

    from shop.models import Order

    def recent():
        return Order.objects.select_related("lines")[:50]

## Fast

    from shop.models import Order

    def recent():
        return Order.objects.prefetch_related("lines")[:50]

## How it decides

Each name of an eager load is followed through the project's models, relation by relation, and held against what the
library can load that way. What the same query says before and after counts as well.

## What silences it

Models of which a base class cannot be read: the name may come from there.

## Fix safety

The corrected name loads what was meant.
"""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.rules import Function, Problem, Rule
from slowpath.semantics.effects import LoadsBadly
from slowpath.semantics.program import Program


def check(function: Function, program: Program) -> Iterator[Problem]:
    """Eager loads with something wrong about them."""
    for effect in function.summary.effects:
        if isinstance(effect, LoadsBadly) and not effect.via and effect.problem.certain:
            yield Problem(
                place=effect.place,
                message=f"`{effect.problem.path}`: {effect.problem.reason}",
                subject=(effect.problem.path,),
                tail=len(effect.label.rpartition(".")[2]),
                help=f"name a relation of {program.schema.label(effect.model)} that this call can load",
            )


rule = Rule("SLO106", check, since="0.1.0")
