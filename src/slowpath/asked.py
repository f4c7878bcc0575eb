"""Statements in SQL as shapes of queries: the same that an ORM's calls make, so that one judgement serves both."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from slowpath.database import Database
from slowpath.facts import Queries, SaysSQL
from slowpath.loads import Path
from slowpath.query import Condition, Either, How, Shape, Sort, Test, Verb
from slowpath.sql.statements import Filter, Operator, Query, Statement
from slowpath.sql.statements import Sort as Sorted

_HOWS: dict[Operator, How] = {
    "equals": "equal",
    "in": "in",
    "range": "range",
    "prefix": "prefix",
    "pattern": "contains",
    "null": "null",
    "not-null": "not-null",
    "differs": "differs",
}
_CHANCE = re.compile(r"(?:random|rand|newid)\(\)\Z", re.IGNORECASE)
_CALLED = re.compile(r"\w+(?=\()")
_VERBS: dict[str, Verb] = {"update": "update", "delete": "delete"}


class Asked(Struct, frozen=True):
    """A query of one table that a text asks, and the line of the text on which each of its steps stands."""

    table: str
    shape: Shape
    line: int
    lines: tuple[int, ...]


def queries_of(fact: SaysSQL, database: Database) -> Iterator[Queries]:
    """The queries that the text asks, as if an ORM had made them. They are of models where tables have one."""

    def model_of(table: str) -> str:
        declared = database.named(table)
        return "" if declared is None else next(iter(declared.models), declared.name)

    for statement in fact.statements:
        for each in asked_in(statement, model_of):
            steps = tuple(replace(fact.place, below=line - 1) for line in each.lines)
            yield Queries(replace(fact.place, below=each.line - 1), each.shape, steps)


def asked_in(statement: Statement, model_of: Callable[[str], str]) -> Iterator[Asked]:
    """What the statement asks of each table, the one that it begins with first; `model_of` names the table's model."""
    for number, query in enumerate(statement.queries):
        if number and query.limit is None and not all(table.derived for table in statement.queries[0].tables):
            # What is inside a condition is joined to what is around it, in whichever way suits the database; unless
            # it chooses some rows and no more.
            continue
        verb = _VERBS.get(statement.verb, "select") if number == 0 else "select"
        for at, used in enumerate(query.tables):
            if used.name and not used.derived and used.join in ("", "inner"):
                yield _asked(query, used.name, verb, model_of, first=at == 0)


def _asked(query: Query, table: str, verb: Verb, model_of: Callable[[str], str], *, first: bool) -> Asked:
    def path(other: str) -> Path:
        return () if other == table else (f"={model_of(other) or other}",)

    tests: list[Test] = []
    lines: list[int] = []
    for each in query.filters:
        tests.append(_condition(each, path(each.table), len(lines)))
        lines.append(each.line)
    for sides in query.alternatives:
        tests.append(Either(tuple((_condition(each, path(each.table), 0),) for each in sides), len(lines)))
        lines.append(min((each.line for each in sides), default=query.line))
    order = tuple(_sort(each, path(each.table), len(lines)) for each in query.order) if first else ()
    lines.append(query.line)
    shape = Shape(
        model_of(table) or table,
        tuple(tests),
        () if query.groups or query.distinct else order,
        query.limit if first else None,
        verb,
        _extreme(query, table) if first else "",
        joins=frozenset(path(used.name) for used in query.tables if used.name != table),
        open=query.open or any(not each.table for each in query.filters),
        random=len(lines) - 1 if first and any(map(_is_chance, query.order)) else None,
        skips=len(lines) - 1 if first and query.offset else None,
        rows="folded" if query.groups or query.distinct or query.aggregates else "whole",
    )
    return Asked(table, shape, query.line, tuple(lines))


def _condition(found: Filter, path: Path, step: int) -> Condition:
    operator = found.compared if found.operator == "expression" else found.operator
    how = _HOWS.get(operator, "other")
    value = found.value.upper() if found.value in ("true", "false") else found.value
    return Condition(found.column, how, path, value if how == "equal" else "", _around(found), step)


def _around(found: Filter) -> str:
    """The function or cast that is applied to the column before it is compared, in one word."""
    if found.operator != "expression":
        return ""
    if found.expression.upper().endswith(" AS DATE)"):
        return "DATE"
    called = _CALLED.match(found.expression)
    return called[0] if called is not None else found.expression or "…"


def _is_chance(found: Sorted) -> bool:
    return _CHANCE.match(found.expression) is not None


def _sort(found: Sorted, path: Path, step: int) -> Sort:
    return Sort(found.column or "?", found.descending, path if found.column else (), step)


def _extreme(query: Query, table: str) -> str:
    """The column of which only the greatest or the least value is wanted."""
    if len(query.extremes) != 1 or query.selected or query.groups:
        return ""
    return query.extremes[0].column if query.extremes[0].table == table else ""
