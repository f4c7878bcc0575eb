"""A column that the query left out is read for each row: one more query per row.

## Problem

`only("number")` fetches the number and the key and nothing else. Reading `order.total` afterwards is allowed, and
asks the database for the one column of the one row, each time. So do columns named in `defer()` and those missing
from `load_only()`.

## Slow

    from shop.models import Order

    def totals():
        return [(order.number, order.total) for order in Order.objects.only("number")]

## Fast

    from shop.models import Order

    def totals():
        return [(order.number, order.total) for order in Order.objects.only("number", "total")]

## How it decides

The columns that a query fetches go with its rows, through variables, loops and calls. Reported is a read of one that
was left out, in a loop that grows with the data.

## What silences it

Columns that were fetched, primary keys, rows that may have come with more than is known.

## Fix safety

Fetching one more column changes nothing but the size of the rows.
"""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.rules import Function, Mark, Problem, Rule
from slowpath.semantics.effects import ReadsColumn
from slowpath.semantics.program import Program
from slowpath.semantics.repetition import each, growing


def check(function: Function, program: Program) -> Iterator[Problem]:
    """Left-out columns that are read per row."""
    for effect in function.summary.effects:
        if not isinstance(effect, ReadsColumn) or effect.rare or effect.origin is None:
            continue
        context = growing(effect)
        if context is None:
            continue
        path = ".".join(effect.path)
        dialect = program.dialect_of(effect.model)
        spelled = (
            dialect.spell_column(program.schema, effect.origin.model, effect.loads, effect.path) if dialect else ""
        )
        yield Problem(
            place=effect.origin.place,
            message=f"`{path}` is left out of this query and read for each {each(context)}: "
            f"1 query per {each(context)}",
            subject=effect.path,
            help=f"fetch it as well: `{spelled}`" if spelled else f"fetch `{path}` as well",
            related=(
                Mark(context.place, f"repeats for each {each(context)}"),
                *(Mark(hop.place, f"calls `{hop.callee}`") for hop in effect.via),
                Mark(effect.place, f"reads `{path}`: a query each time"),
            ),
        )


rule = Rule("SLO105", check, since="0.1.0")
