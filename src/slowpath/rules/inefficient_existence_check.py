"""A query fetches or counts rows only to learn whether there are any.

## Problem

`len(queryset)` and `if queryset:` fetch every row and build an object for each; `.count() > 0` makes the database count them all. When
the rows themselves are not needed, `.exists()` (or `.count()`, for a number) stops at the first one.

## Slow

    from shop.models import Order

    def has_orders(user):
        return len(Order.objects.filter(user=user)) > 0

## Fast

    from shop.models import Order

    def has_orders(user):
        return Order.objects.filter(user=user).exists()

## What silences it

The rows are used afterwards: then one query that fetches them is the better one.

## Fix safety

The answer is the same.
"""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.rules import Function, Problem, Rule
from slowpath.semantics.effects import Evaluates
from slowpath.semantics.program import Program
from slowpath.semantics.repetition import growing


def check(function: Function, program: Program) -> Iterator[Problem]:
    """Queries asked for more than is needed."""
    for effect in function.summary.effects:
        if not isinstance(effect, Evaluates) or effect.via or effect.used or growing(effect) is not None:
            continue
        rows = program.schema.label(effect.model)
        match effect.how:
            case "len":
                wanted = ".exists()" if effect.compared else ".count()"
                message = f"`len({effect.label})` fetches every {rows} row to learn {'whether there are any' if effect.compared else 'how many there are'}"
            case "truth":
                wanted, message = (
                    ".exists()",
                    f"testing `{effect.label}` fetches every {rows} row to learn whether there are any",
                )
            case "count" if effect.compared:
                wanted, message = (
                    ".exists()",
                    f"`{effect.label}()` counts every {rows} row to learn whether there are any",
                )
            case _:
                continue
        yield Problem(
            place=effect.place,
            message=message,
            subject=(effect.how,),
            help=f"use `{wanted}`, which the database answers without handing over rows",
        )


rule = Rule("SLO108", check, since="0.1.0", severity="note")
