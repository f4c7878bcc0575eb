"""A page of a table that grows is found by passing over all rows before it.

## Problem

`OFFSET 100000` makes the database find a hundred thousand rows and throw them away before it hands over the first one:
each page is slower than the one before, and whoever follows all of them reads the table again and again. Rows that come
and go meanwhile are shown twice or never. A page that goes on after the key of the last row begins in an index.

## Slow

    from shop.models import Order

    def page_of(first):
        return list(Order.objects.order_by("id")[first : first + 50])

## Fast

    from shop.models import Order

    def page_after(last_seen):
        return list(Order.objects.filter(id__gt=last_seen).order_by("id")[:50])

## How it decides

Reported is a query, an ORM's or one in SQL text, that takes a number of rows and leaves out as many as a value says
that differs from call to call, of a table that the schema shows to grow.

## What silences it

A constant number that is left out; anything but a state that narrows the rows, such as their owner or a range of
time; no end to the rows that are taken; tables that nothing shows to grow. The pages that a framework makes are its
own.

## Fix safety

The order must be one of unique values (the key last), and who asks for a page must say after which row: nobody can jump
to page 500 any more.
"""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.rules import Mark, Problem, Rule, Whole
from slowpath.throughout import throughout
from slowpath.workload import queries


def judge(whole: Whole) -> Iterator[Problem]:
    """Pages that are deeper the further somebody reads."""
    for fact, table in throughout(whole.project, whole.schema, whole.database, whole.facts):
        if fact.shape.skips is None or fact.shape.limit is None:
            continue
        place = fact.place_of(fact.shape.skips)
        yield Problem(
            place=place,
            message=f"this page of `{table.name}` is found by passing over all rows before it: the further, the slower",
            subject=(table.name,),
            help="go on after the key of the last row that was shown, in the order of an index: "
            "`WHERE id > … ORDER BY id LIMIT …`",
            related=(Mark(fact.place, "runs here"),) if fact.place.at != place.at else (),
            severity="note",
            confidence="medium",
        )


rule = Rule("SLO506", None, since="0.1.0", default=False, severity="note", collect=queries, judge=judge)
