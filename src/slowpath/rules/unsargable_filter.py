"""A filter applies something to the column that it compares, so no index on the column can serve it.

## Problem

An index holds the values of a column in order. `UPPER(email) = …`, `created_at::date = …` or `name LIKE '%son'` ask
for something else, which the database has to work out for every row of the table. Compare the column itself, or
index the expression.

`WHERE name LIKE '%son%'`, or an OR with a side like that, goes through the whole table, unless it has an index of
trigrams. An OR whose sides are columns of different tables is as bad: no index holds both, so the tables are joined
first, all rows of them, and filtered afterwards. On PostgreSQL, `a > x OR (a = x AND b > y)`, as pages are
asked for, begins in no index. And `.is_(True)` around a condition writes `(…) IS TRUE`, which hides
it.

## Slow

    from django.db import models

    class User(models.Model):
        name = models.CharField(max_length=200)

    class Visit(models.Model):
        user = models.ForeignKey(User, models.CASCADE)
        page = models.CharField(max_length=200)

    class Click(models.Model):
        visit = models.ForeignKey(Visit, models.CASCADE)
        clicked_at = models.DateTimeField(db_index=True)

    def clicks_on(day):
        return list(Click.objects.filter(clicked_at__date=day))

## Fast

    from datetime import timedelta

    from django.db import models

    class User(models.Model):
        name = models.CharField(max_length=200)

    class Visit(models.Model):
        user = models.ForeignKey(User, models.CASCADE)
        page = models.CharField(max_length=200)

    class Click(models.Model):
        visit = models.ForeignKey(Visit, models.CASCADE)
        clicked_at = models.DateTimeField(db_index=True)

    def clicks_on(midnight):
        return list(Click.objects.filter(clicked_at__gte=midnight, clicked_at__lt=midnight + timedelta(days=1)))

## How it decides

Each query, an ORM's or one in SQL text, is looked at condition by condition: what is compared is an expression around
a column, or sides of different tables are joined by OR.

## What silences it

Another condition of the same query that an index serves; an index on an expression or of another kind than a B-tree
(trigrams, full text). Tables that nothing shows to grow are reported at low confidence only; where a snapshot of the
database (`slowpath db snapshot`) has counted many rows, at medium, and tables of few rows are not reported.

## Fix safety

Compare the column itself only where that means the same: a range instead of a date needs the midnights of the right
time zone, and without `UPPER` upper and lower case are told apart. An index on the expression changes no answer.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from itertools import chain

from msgspec import Struct
from msgspec.structs import replace

from slowpath.advisor import NewIndex, Table, access_of
from slowpath.finding import CONFIDENCES, Confidence
from slowpath.growth import Growth
from slowpath.query import HIDDEN, POINTS, SPANS, Condition, Either, Shape, Test
from slowpath.rules import Mark, Problem, Rule, Whole
from slowpath.sargable import any_of, has_special, keyset, may_find, spans_tables
from slowpath.unserved import Tables, narrows
from slowpath.workload import queries

# As often as this it is a habit, which is told once.
_HABIT = 10
_SHOWN = 5
# What a range of the column itself says as well.
_DAYS = {"DATE", "date", "trunc"}
# Working out how alike, how long or which part: nobody indexes these without a thought.
_FOLDS = {"UPPER", "LOWER", "upper", "lower", "ILIKE"}


class _Said(Struct, frozen=True):
    """What is wrong with a condition, what to do, and how sure that is of a table that grows."""

    what: str
    instead: str
    confidence: Confidence


def judge(whole: Whole) -> Iterator[Problem]:
    """Conditions that no index of their table can serve as they are written."""
    hidden: dict[str, list[Problem]] = {}
    for name, problem in _found(whole):
        if name:
            hidden.setdefault(name, []).append(problem)
        else:
            yield problem
    for problems in hidden.values():
        yield from problems if len(problems) < _HABIT else [_habit(problems)]


def _habit(problems: list[Problem]) -> Problem:
    """The first of many, with where the others are."""
    first, *others = problems
    related = (*first.related, *(Mark(other.place, "here too") for other in others[:_SHOWN]))
    return replace(first, message=f"{first.message}, here and at {len(others)} other places", related=related)


def _found(whole: Whole) -> Iterator[tuple[str, Problem]]:
    """The problems; of conditions that are hidden, each with the name of what is asked for."""
    tables, growth = Tables(whole.schema, whole.database), Growth(whole.schema, whole.database)
    own_models = {ref.name for ref in whole.project.classes()}
    # SQLite finds out by itself where such a page begins.
    paged = whole.database.vendor == "postgresql"
    for fact, table in tables.of_project(whole.facts, own_models):
        shape = fact.shape
        for test, name, said in chain(_said(tables, table, shape), _pages(table, shape) if paged else ()):
            place = fact.place_of(test.step, test.at)
            known: Confidence = "medium" if growth.is_large(shape.model) else "low"
            of_size: Confidence = "high" if growth.grows(shape.model) else known
            sure = min(said.confidence, of_size, key=CONFIDENCES.index)
            hidden = said.what.endswith("from every index")
            yield (
                name if hidden else "",
                Problem(
                    place=place,
                    message=said.what,
                    subject=(table.name, name),
                    help=said.instead,
                    related=(Mark(fact.place, "runs here"),) if fact.place != place else (),
                    confidence=said.confidence if hidden else sure,
                ),
            )


def _said(tables: Tables, table: Table, shape: Shape) -> Iterator[tuple[Test, str, _Said]]:
    access = access_of(table, shape).access
    if access not in {"key", "point"}:
        for condition in shape.conditions:
            if condition.around == HIDDEN:
                yield condition, condition.column, _hidden(condition)
    if shape.open or access not in {"scan", "order"}:
        return
    if any(narrows(tables, shape.model, test) for test in shape.tests):
        return
    for test in shape.tests:
        own_ones = tables.schema.operators
        said = _of_either(table, test) if isinstance(test, Either) else _of_condition(table, test, own_ones)
        if said is not None:
            yield (test, *said)


def _pages(table: Table, shape: Shape) -> Iterator[tuple[Test, str, _Said]]:
    for test in shape.tests:
        if isinstance(test, Either) and (columns := keyset(shape, test)):
            yield test, columns[0], _paged(table, columns)


def _of_condition(table: Table, test: Condition, operators: Container[str]) -> tuple[str, _Said] | None:
    if test.path or test.around == HIDDEN:
        return None
    if test.how == "contains":
        return None if may_find(table, test) else (test.column, _inside(table, test))
    if test.around and test.how in POINTS | SPANS and not has_special(table):
        return test.column, _wrapped(table, test, operators)
    return None


def _of_either(table: Table, test: Either) -> tuple[str, _Said] | None:
    searched = [each for each in any_of(test) if each.how == "contains" and not may_find(table, each)]
    if searched:
        return searched[0].column, _inside(table, *searched)
    return ("or", _across(table)) if spans_tables(test) and not has_special(table) else None


def _hidden(condition: Condition) -> _Said:
    return _Said(
        f"`.is_(…)` around `{condition.column}` writes `(…) IS TRUE`, which hides the condition from every index",
        "leave `.is_(True)` off: a condition is a condition by itself (`~…` for its opposite)",
        "medium",
    )


def _wrapped(table: Table, condition: Condition, operators: Container[str]) -> _Said:
    column = condition.column
    what = f"`{table.name}.{column}` is compared through `{condition.around}`, which no index on the column serves"
    if condition.around in _DAYS:
        instead = f"compare `{column}` itself with a range: from the start of the day to the start of the next"
        return _Said(f"{what}: the database reads the whole table", instead, "high")
    if condition.around in _FOLDS:
        function = "LOWER" if condition.around.lower() in {"lower", "ilike"} else "UPPER"
        made = f"CREATE INDEX CONCURRENTLY {NewIndex(table.name, (column,)).name}_{function.lower()}"
        instead = f"index the expression: `{made} ON {table.name} ({function}({column}));`"
        sure: Confidence = "medium" if condition.how == "equal" else "low"
        return _Said(f"{what}: the database reads the whole table", instead, sure)
    if condition.around in operators:
        # Who declares a comparison has one in mind that the column's order does not answer.
        instead = (
            "index the expression that it stands for, or make an index of a kind that knows the operator (GiST, GIN)"
        )
        return _Said(f"{what}: the database reads the whole table", instead, "medium")
    return _Said(what, "compare the column itself, or index the expression", "low")


def _inside(table: Table, *conditions: Condition) -> _Said:
    columns = list(dict.fromkeys(condition.column for condition in conditions))
    made = f"CREATE INDEX CONCURRENTLY {NewIndex(table.name, tuple(columns)).name}_trgm ON {table.name}"
    listed = ", ".join(f"{column} gin_trgm_ops" for column in columns)
    inside = ", ".join(f"`{table.name}.{column}`" for column in columns[:_SHOWN])
    return _Said(
        f"a search inside {inside} reads the whole table: no index on the column serves it",
        f"on PostgreSQL, `{made} USING gin ({listed});`",
        "medium",
    )


def _paged(table: Table, columns: tuple[str, ...]) -> _Said:
    pair = ", ".join(columns)
    return _Said(
        f"this OR goes on after a row in the order of ({pair}) of `{table.name}`, where PostgreSQL begins in no index: "
        "every page reads the rows of all pages before it",
        f"compare both columns as one, in SQL `({pair}) > (…, …)`: an index on ({pair}) begins at that row",
        "medium",
    )


def _across(table: Table) -> _Said:
    return _Said(
        f"this OR compares columns of several tables, so `{table.name}` is joined whole before it is filtered",
        "ask for each side by itself and unite the answers (`UNION`, or `IN` with a subquery for each side)",
        "medium",
    )


rule = Rule("SLO503", None, since="0.1.0", collect=queries, judge=judge)
