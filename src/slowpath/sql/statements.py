"""What SQL text says, in a form that needs no parser to be read.

Names of tables and columns are as the database would know them: without the schema in front, and in lower case
unless they were quoted. A name that is a hole in the text is empty. Lines count from the text's first, 1.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from slowpath.changes import AnyChange

Verb = Literal["select", "insert", "update", "delete", "merge", "ddl", "other"]

Operator = Literal[
    "equals", "in", "range", "prefix", "pattern", "null", "not-null", "differs", "expression", "full-text", "other"
]
"""How a condition narrows its column.

equals: one value, a parameter, or a column of a query around it. in: one of several, or of what a subquery gives.
range: `<`, `>`, `BETWEEN`. prefix: `LIKE 'x%'`. pattern: any other `LIKE`, `ILIKE`, a regular expression. null,
not-null: `IS NULL`, `IS NOT NULL`. differs: `<>`, `NOT IN`, `IS NOT TRUE`. expression: an expression of the column is
compared (`lower(email) = …`, `created::date = …`). full-text: `@@`, `MATCH`. other: containment and the like.
"""

Reason = Literal["no-statement", "procedural", "prefix", "template", "vendor"]
"""Why a statement could not be read: it does not begin with a verb; it is procedural code (`DO $$ … $$`); it ends in
the middle; it has holes or tokens of a template in places where anything may stand; it is in a dialect's own words."""


class UsedTable(Struct, frozen=True, array_like=True):
    """A table in a `FROM`, `JOIN`, `USING` or as the target; `derived` when it is a subquery, a CTE or a function.

    `join` is empty for the first one and those after a comma, else the kind: `inner`, `left`, `right`, `full`, `cross`.
    """

    name: str
    alias: str = ""
    join: str = ""
    derived: bool = False
    line: int = 1


class Filter(Struct, frozen=True, array_like=True):
    """One condition on one column. `table` is the table's name, empty when the text does not say whose column it is.

    `value` is the literal as written where it is one (`'open'`, `3`, `true`; several of an `IN` joined by commas),
    empty for anything else. `expression` is the SQL of what is done with the column, with operator `expression`, and
    `compared` how its value is compared.
    """

    table: str
    column: str
    operator: Operator
    value: str = ""
    expression: str = ""
    line: int = 1
    compared: Operator = "equals"


class Join(Struct, frozen=True, array_like=True):
    """An equality between columns of two tables of the same query, whether in `ON`, `USING` or `WHERE`."""

    table: str
    column: str
    other_table: str
    other_column: str
    line: int = 1


class Sort(Struct, frozen=True, array_like=True):
    """A part of an `ORDER BY`; `column` is empty when it is an `expression`."""

    table: str
    column: str
    descending: bool = False
    expression: str = ""


class Extreme(Struct, frozen=True, array_like=True):
    """`MAX(column)` or `MIN(column)` among what is selected."""

    function: Literal["max", "min"]
    table: str
    column: str


class Query(Struct, frozen=True, array_like=True):
    """One `SELECT`, or the part of an `UPDATE` or `DELETE` that finds the rows.

    All of `filters` must hold; `alternatives` are the conditions joined by `OR`, each as the filters of all its
    branches. `limit` is `None` without one, 0 when it is a parameter; `offset` when a parameter says how many rows are
    left out. `open` when conditions may follow that are not written here. `selected` are the names of the columns that
    come out, `*` for all.
    """

    tables: tuple[UsedTable, ...] = ()
    filters: tuple[Filter, ...] = ()
    alternatives: tuple[tuple[Filter, ...], ...] = ()
    joins: tuple[Join, ...] = ()
    order: tuple[Sort, ...] = ()
    groups: tuple[Sort, ...] = ()
    limit: int | None = None
    offset: bool = False
    distinct: bool = False
    extremes: tuple[Extreme, ...] = ()
    aggregates: bool = False
    selected: tuple[str, ...] = ()
    open: bool = False
    line: int = 1


class Statement(Struct, frozen=True, array_like=True):
    """One statement: its verb, the table that it writes to, its queries (the outermost first), what it changes of the
    schema. `assigned` are the columns that an `INSERT` or `UPDATE` sets."""

    verb: Verb
    line: int
    table: str = ""
    assigned: tuple[str, ...] = ()
    queries: tuple[Query, ...] = ()
    changes: tuple[AnyChange, ...] = ()
    open: bool = False


class Failure(Struct, frozen=True, array_like=True):
    """A statement that could not be read."""

    line: int
    reason: Reason


class Parsed(Struct, frozen=True, array_like=True):
    """What was read of a text, and what could not be."""

    statements: tuple[Statement, ...] = ()
    failures: tuple[Failure, ...] = ()
