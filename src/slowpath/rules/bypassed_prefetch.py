"""A relation was loaded with the rows, and is then asked in a way that queries again for every row.

## Problem

`prefetch_related("lines")` puts the lines of every order in memory. `order.lines.all()` uses them;
`order.lines.filter(…)`, `.order_by(…)`, `.values(…)`, `.get(…)` and `.last()` make a new query, every time. The
prefetch was paid for and is not used.

## Slow

    from shop.models import Order

    def gifts():
        for order in Order.objects.prefetch_related("lines"):
            print(order.lines.filter(gift=True))

## Fast

    from shop.models import Order

    def gifts():
        for order in Order.objects.prefetch_related("lines"):
            print([line for line in order.lines.all() if line.gift])

## How it decides

What a query has prefetched goes with its rows, through variables, loops and calls. Reported is a method that the
library always answers with a query, asked of such a relation in a loop that grows with the data.

## What silences it

Calls that are answered from what was loaded: `all()`, iteration, `len`, `count()`, `exists()`, slices, and `first()`
where the model has an order.

## Fix safety

Filtering in Python, or a `Prefetch` with the filtered queryset and `to_attr`, gives the same rows. Sort in Python
when the order matters.
"""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.rules import Function, Mark, Problem, Rule
from slowpath.semantics.effects import RunsQuery
from slowpath.semantics.program import Program
from slowpath.semantics.repetition import each, growing


def check(function: Function, program: Program) -> Iterator[Problem]:
    """Queries through a relation that had been loaded."""
    for effect in function.summary.effects:
        if not isinstance(effect, RunsQuery) or not effect.bypasses or effect.rare:
            continue
        context = growing(effect)
        if context is None:
            continue
        related = [Mark(context.place, f"repeats for each {each(context)}")]
        if effect.origin is not None:
            related.insert(0, Mark(effect.origin.place, f"loads `{'.'.join(effect.path)}` with the rows"))
        yield Problem(
            place=effect.place,
            message=f"`{effect.label}` queries again for each {each(context)}, "
            f"although `{effect.relation}` was loaded with the rows",
            subject=(effect.relation, effect.label),
            help=f"use the loaded rows (`.all()`, then filter or sort in Python), or load exactly these with "
            f'`Prefetch("{effect.relation}", queryset=…, to_attr=…)`',
            related=tuple(related),
        )


rule = Rule("SLO104", check, since="0.1.0")
