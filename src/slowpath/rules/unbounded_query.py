"""A request fetches all rows of a table that grows.

## Problem

A query with neither a limit nor a filter takes as long, and as much memory, as there are rows. It is quick as long as
the service is new. One day the answer has a hundred megabytes, and a few of these at once take the whole server down.

## Slow

    from django.http import JsonResponse

    from shop.models import Order

    def export(request):
        return JsonResponse({"orders": [order.total for order in Order.objects.all()]})

## Fast

    from django.http import JsonResponse

    from shop.models import Order

    def export(request):
        return JsonResponse({"orders": [order.total for order in Order.objects.order_by("-id")[:100]]})

## How it decides

Reported is a query of an ORM's that runs in a function that answers requests (it has a route, or is given the request),
takes all rows of a table that the schema shows to grow, and that at most a flag narrows.

## What silences it

A limit; any other filter or join; rows that come in parts (`iterator()`, `yield_per()`) or are put together in the
database (count, sums, groups, `distinct()`); filters that a branch may add; tables that nothing shows to grow;
commands and scripts.

## Fix safety

Whoever asks gets a page instead of everything, and has to ask for the next one.
"""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.declarations import FunctionDeclaration
from slowpath.facts import Queries, only
from slowpath.routes import has_route
from slowpath.rules import Problem, Rule, Whole
from slowpath.throughout import is_by_flags, throughout
from slowpath.workload import queries

_REQUEST = "request"


def judge(whole: Whole) -> Iterator[Problem]:
    """Queries in requests that fetch whole tables."""
    facts = tuple(only(Queries, whole.facts))
    narrowed = {(fact.place, fact.steps) for fact in facts if fact.narrowed}
    answering = {
        (module, function.qualname)
        for module, declarations in whole.project.modules.items()
        for function in declarations.functions
        if _answers(function)
    }
    for fact, table in throughout(whole.project, whole.schema, whole.database, facts):
        shape = fact.shape
        is_whole = shape.limit is None and shape.rows != "folded" and not shape.joins and is_by_flags(table, shape)
        if not is_whole or fact.handed_on or (fact.place, fact.steps) in narrowed:
            continue
        if (fact.place.module, fact.place.function) in answering:
            yield Problem(
                place=fact.place,
                message=f"this request fetches all rows of `{table.name}`, however many there are by then",
                subject=(table.name,),
                help="take a page of them, or those of one owner; go through all with `iterator()` or in batches, "
                "outside of a request",
                severity="note",
                confidence="medium",
            )


def _answers(function: FunctionDeclaration) -> bool:
    if has_route(function) or any(parameter.name == _REQUEST for parameter in function.parameters):
        return True
    return bool(function.owner) and _REQUEST in function.sketch.words


rule = Rule("SLO508", None, since="0.1.0", default=False, severity="note", collect=queries, judge=judge)
