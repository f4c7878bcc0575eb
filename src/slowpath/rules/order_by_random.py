"""A whole table that grows is shuffled to get a few rows by chance.

## Problem

`ORDER BY random()` makes the database give a number to every row and sort them all; no index helps, and neither does a
limit, which only throws away what was sorted. With a thousand rows that takes a millisecond, with ten million it takes
many seconds.

## Slow

    from shop.models import Order

    def sample():
        return list(Order.objects.order_by("?")[:5])

## Fast

    from random import randint

    from django.db.models import Max

    from shop.models import Order

    def sample():
        last = Order.objects.aggregate(last=Max("id"))["last"] or 0
        return list(Order.objects.filter(id__gte=randint(0, last)).order_by("id")[:5])

## How it decides

Reported is a query, an ORM's or one in SQL text, whose order is by chance (`order_by("?")`, `func.random()`,
`ORDER BY RAND()`), of a table that the schema shows to grow.

## What silences it

Anything but a flag that narrows the rows, such as their owner, a state, a list of keys or a range of time; tables that
nothing shows to grow.

## Fix safety

A start by chance in the order of the key gives rows that are neighbours, and those after a gap more often.
`TABLESAMPLE` of PostgreSQL's takes pages of the table by chance; keys that are chosen by chance outside give rows that
are not neighbours.
"""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.rules import Mark, Problem, Rule, Whole
from slowpath.throughout import is_by_flags, throughout
from slowpath.workload import queries


def judge(whole: Whole) -> Iterator[Problem]:
    """Orders by chance."""
    for fact, table in throughout(whole.project, whole.schema, whole.database, whole.facts):
        if fact.shape.random is None or not is_by_flags(table, fact.shape, nulls=True):
            continue
        place = fact.place_of(fact.shape.random)
        yield Problem(
            place=place,
            message=f"the database gives every row of `{table.name}` a number by chance and sorts them all",
            subject=(table.name,),
            help="choose keys by chance and fetch these rows, or begin at a key by chance; on PostgreSQL "
            f"`TABLESAMPLE` takes parts of `{table.name}`",
            related=(Mark(fact.place, "runs here"),) if fact.place.at != place.at else (),
            severity="note",
            confidence="medium",
        )


rule = Rule("SLO509", None, since="0.1.0", default=False, severity="note", collect=queries, judge=judge)
