"""Queries of tables that grow which go through all rows or nearly all: nothing narrows them to somebody's."""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.advisor import Table
from slowpath.database import Database
from slowpath.facts import AnyFact, Queries
from slowpath.growth import Growth
from slowpath.project import Project
from slowpath.query import Condition, Shape, Test
from slowpath.schema import Schema
from slowpath.unserved import Tables

# Of any column but a flag, that a value was tested before it is compared; nothing else is known of it.
_TRUTHS = ("TRUE", "FALSE")


def throughout(
    project: Project, schema: Schema, database: Database, facts: tuple[AnyFact, ...]
) -> Iterator[tuple[Queries, Table]]:
    """The queries that fetch rows of the project's own tables that grow, and that only states narrow, if anything."""
    tables, growth = Tables(schema, database), Growth(schema, database)
    for fact, table in tables.of_project(facts, {ref.name for ref in project.classes()}):
        shape = fact.shape
        if shape.verb == "select" and not shape.highest and _is_of_most(table, shape) and growth.grows(shape.model):
            yield fact, table


def is_by_flags(table: Table, shape: Shape, *, nulls: bool = False) -> bool:
    """Whether nothing but flags narrow the rows, or (`nulls`) that a column has a value or none."""
    hows = ("null", "not-null") if nulls else ()
    return all(isinstance(test, Condition) and (_is_flag(table, test) or test.how in hows) for test in shape.tests)


def _is_of_most(table: Table, shape: Shape) -> bool:
    return not shape.open and all(_is_state(table, test) for test in shape.tests)


def _is_state(table: Table, test: Test) -> bool:
    """Whether the test says no more than in which of a few states a row is: many rows are in each."""
    if not isinstance(test, Condition) or test.path or test.around:
        return False
    return (
        test.column in table.few or (bool(test.value) and test.value not in _TRUTHS) or test.how in ("null", "not-null")
    )


def _is_flag(table: Table, test: Condition) -> bool:
    return test.column in table.few and test.how in ("equal", "differs") and test.value in _TRUTHS
