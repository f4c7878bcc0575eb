"""All columns of a table are fetched that has many, or some with long values.

## Problem

`SELECT *` hands over each column of each row, whether anybody reads it or not. Long texts, documents and files are kept
outside of the row: the database reads them from there, unpacks and sends them. And what is added to the table later
comes along, too.

## Slow

    from django.db import connection, models

    class Visitor(models.Model):
        name = models.CharField(max_length=200)

    class Blog(models.Model):
        visitor = models.ForeignKey(Visitor, models.CASCADE)

    class Page(models.Model):
        blog = models.ForeignKey(Blog, models.CASCADE)
        written_at = models.DateTimeField()
        title = models.CharField(max_length=200)
        body = models.TextField()

    def titles():
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM shop_page")
            return [row[1] for row in cursor.fetchall()]

## Fast

    from django.db import connection, models

    class Visitor(models.Model):
        name = models.CharField(max_length=200)

    class Blog(models.Model):
        visitor = models.ForeignKey(Visitor, models.CASCADE)

    class Page(models.Model):
        blog = models.ForeignKey(Blog, models.CASCADE)
        written_at = models.DateTimeField()
        title = models.CharField(max_length=200)
        body = models.TextField()

    def titles():
        with connection.cursor() as cursor:
            cursor.execute("SELECT title FROM shop_page")
            return [row[0] for row in cursor.fetchall()]

## How it decides

Reported is a statement in SQL that selects `*` from one table that the project declares, which has a column for long
values (a long text, JSON, binary) or more than a dozen columns. What `TEXT` in SQL holds may be short. Tables that
nothing shows to grow are reported at low confidence only.

## What silences it

One row that is asked for by a unique key, or with `LIMIT 1`; `count(*)`, `EXISTS (SELECT * …)`, `INSERT … SELECT *`;
`SELECT * FROM (SELECT …)`, where the columns are named inside; joins; tables that are not fully known.

## Fix safety

Name the columns that are read, in the order in which they are expected. Where rows become objects of a model, the
columns that are left out are fetched when they are read, one query each.
"""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.advisor import Table, access_of
from slowpath.asked import queries_of
from slowpath.catalogue import table_of
from slowpath.facts import Queries, SaysSQL, only
from slowpath.finding import Confidence
from slowpath.growth import Growth
from slowpath.rules import Problem, Rule, Whole
from slowpath.sql.statements import Query, Statement
from slowpath.workload import queries

# More than a dozen is more than one reads at once.
_MANY = 12
_SHOWN = 3


def judge(whole: Whole) -> Iterator[Problem]:
    """Statements that select everything of wide tables."""
    growth = Growth(whole.schema, whole.database)
    for fact in only(SaysSQL, whole.facts):
        for statement in fact.statements:
            query = _starred(statement)
            declared = whole.database.named(query.tables[0].name) if query is not None else None
            table = table_of(declared) if declared is not None else None
            asked = next(queries_of(SaysSQL(fact.place, (statement,)), whole.database), None)
            if table is None or asked is None or not (table.large or len(table.columns) > _MANY):
                continue
            if asked.shape.limit != 1 and access_of(table, asked.shape).access != "key":
                yield _problem(asked, table, sure="medium" if growth.grows(asked.shape.model) else "low")


def _starred(statement: Statement) -> Query | None:
    """The query that the statement is, if it selects everything of one table."""
    if statement.verb != "select" or not statement.queries:
        return None
    query = statement.queries[0]
    is_plain = len(query.tables) == 1 and query.tables[0].name and not query.tables[0].derived
    return query if is_plain and "*" in query.selected and not query.groups else None


def _problem(asked: Queries, table: Table, *, sure: Confidence) -> Problem:
    large = sorted(table.large)[:_SHOWN]
    columns = ", ".join(f"`{column}`" for column in large)
    has = f"long values among them ({columns})" if large else f"{len(table.columns)} of them"
    return Problem(
        place=asked.place,
        message=f"`SELECT *` fetches all columns of `{table.name}`, {has}",
        subject=(table.name,),
        help="name the columns that are read",
        severity="note",
        confidence=sure,
    )


rule = Rule("SLO507", None, since="0.1.0", default=False, severity="note", collect=queries, judge=judge)
