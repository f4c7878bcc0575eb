"""A query fetches or counts rows only to learn whether there are any.

## Problem

`len(queryset)` and `if queryset:` fetch every row and build an object for each; `.count() > 0` makes the database
count them all. When the rows themselves are not needed, `.exists()` (or `.count()`, for a number) stops at the first
one.

## Slow

    from shop.models import Order

    def has_orders(user):
        return len(Order.objects.filter(user=user)) > 0

## Fast

    from shop.models import Order

    def has_orders(user):
        return Order.objects.filter(user=user).exists()

## How it decides

The rows are followed through the function: they are counted, measured or tested, and nothing else is done with them.

## What silences it

The rows are used afterwards: then one query that fetches them is the better one. No more than one row can have what is
asked for: its key, or what is unique.

## Fix safety

The answer is the same.
"""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.rules import Function, Problem, Rule
from slowpath.semantics.effects import Evaluates
from slowpath.semantics.program import Program
from slowpath.semantics.repetition import growing
from slowpath.single import is_for_one


def check(function: Function, program: Program) -> Iterator[Problem]:
    """Queries asked for more than is needed."""
    for effect in function.summary.effects:
        if not isinstance(effect, Evaluates) or effect.via or effect.used or growing(effect) is not None:
            continue
        problem = _problem(effect, program.schema.label(effect.model))
        if problem is not None and not is_for_one(function, program, effect.place):
            yield problem


def _problem(effect: Evaluates, rows: str) -> Problem | None:
    any_ = "to learn whether there are any"
    match effect.how:
        case "len" if effect.compared:
            message, instead = f"`len({effect.label})` fetches every {rows} row {any_}", effect.exists
        case "len":
            message, instead = (
                f"`len({effect.label})` fetches every {rows} row to learn how many there are",
                effect.count,
            )
        case "truth":
            message, instead = f"testing `{effect.label}` fetches every {rows} row {any_}", effect.exists
        case "count" if effect.compared:
            message, instead = f"`{effect.label}()` counts every {rows} row {any_}", effect.exists
        case _:
            return None
    return Problem(effect.place, message, (effect.how,), _help(effect, instead))


def _help(effect: Evaluates, instead: str) -> str:
    if instead:
        return f"use `.{instead}()`, which the database answers without handing over rows"
    if effect.how == "len" and not effect.compared:
        return "let the database count: select the count of these rows instead of the rows"
    return "let the database say whether there is one: select `EXISTS`, or one column of one row"


rule = Rule("SLO108", check, since="0.1.0", severity="note")
