"""The shape of a query: what it compares, sorts and limits, whichever ORM or SQL text it was read from."""

from __future__ import annotations

from typing import Literal, Union

from msgspec import Struct
from msgspec.structs import replace

from slowpath.loads import Path
from slowpath.schema import Relation, Schema

How = Literal["equal", "in", "null", "range", "prefix", "not-null", "differs", "contains", "other"]
"""How a column is compared. equal, in, null: with one value, a list of values, nothing; an index finds these rows.
range: with a lower or upper end; prefix: with the beginning of a text. The last ones no plain index can answer:
not-null, differs (`!=`, `NOT IN`), contains (`LIKE '%…%'`), other."""

Verb = Literal["select", "update", "delete", "count", "exists"]

Rows = Literal["whole", "columns", "folded"]
"""What a query's rows come as. whole, columns: each as it is, or some columns of it. folded: several made one (groups,
sums, `DISTINCT`), or a part of them at a time."""

POINTS: frozenset[How] = frozenset(("equal", "in", "null"))
SPANS: frozenset[How] = frozenset(("range", "prefix"))

# What is around a condition of its own that is asked whether it is true.
HIDDEN = "IS TRUE"


class Condition(Struct, frozen=True, tag=True):
    """One test of a column, called by its name in the table.

    `path` are the relations that lead to the table, empty for the query's own. `value` is the constant it is compared
    with, as SQL writes it, empty when it differs from call to call. `around` is the function, cast or operation that
    is applied to the column before it is compared. `step` says in which of the query's calls it was written, `at` which
    node of it is the test, if that is known.
    """

    column: str
    how: How
    path: Path = ()
    value: str = ""
    around: str = ""
    step: int = 0
    at: int = 0


class Either(Struct, frozen=True, tag=True):
    """Conditions of which one set must hold: `a OR (b AND c)`."""

    alternatives: tuple[tuple[Test, ...], ...]
    step: int = 0
    at: int = 0


Test = Union[Condition, Either]


class Sort(Struct, frozen=True):
    """One column of an order."""

    column: str
    descending: bool = False
    path: Path = ()
    step: int = 0
    at: int = 0


class Shape(Struct, frozen=True):
    """A query of one table and the tables that it joins.

    `model` is the class it is of, empty for SQL text. `limit` is how many rows are taken at most: 0 for an unknown
    number, `None` for all. `highest` is a column of which only the greatest or least value is asked for. `joins` are
    the relations it goes through. `open` when something was added to it that could not be read, so that it may be
    narrower than it looks. `random` is the step that says that its order is by chance, `skips` the one that leaves out
    as many rows as a number that grows says, `None` where none does.
    """

    model: str
    tests: tuple[Test, ...] = ()
    order: tuple[Sort, ...] = ()
    limit: int | None = None
    verb: Verb = "select"
    highest: str = ""
    joins: frozenset[Path] = frozenset()
    open: bool = False
    random: int | None = None
    skips: int | None = None
    rows: Rows = "whole"

    def where(self, *tests: Test) -> Shape:
        """The shape with these tests added."""
        return replace(self, tests=(*self.tests, *tests))

    @property
    def said(self) -> bool:
        """Whether the query itself says its order, not only the model."""
        return any(sort.step >= 0 for sort in self.order)

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The tests that each row must pass by itself."""
        return tuple(test for test in self.tests if isinstance(test, Condition))


def related(schema: Schema, shape: Shape, owner: str, name: str) -> Shape:
    """The query narrowed to what a relation of one row leads to; open when the relation has a table of its own."""
    relation = schema.relation(owner, name)
    back = _opposite(schema, owner, relation) if relation is not None else None
    key = schema.column(shape.model, back.column) if back is not None and back.column else None
    if relation is None or key is None:
        return replace(shape, open=True)
    if relation.kind == "generic-reverse":
        kind = schema.column(shape.model, "content_type_id")
        keys: tuple[str, ...] = (kind.column, key.column) if kind is not None else ()
    else:
        keys = (key.column,) if relation.kind.startswith("reverse") else ()
    return shape.where(*(Condition(each, "equal", step=-1) for each in keys)) if keys else replace(shape, open=True)


def _opposite(schema: Schema, owner: str, relation: Relation) -> Relation | None:
    """The relation that leads back: by name, or as the one of the other side that names this one."""
    named = schema.relation(relation.target, relation.back)
    if named is not None or relation.back or relation.target not in schema.models:
        return named
    naming = [r for r in schema.models[relation.target].relations if r.back == relation.name and r.target == owner]
    return naming[0] if len(naming) == 1 else None


def model_at(schema: Schema, model: str, path: Path) -> str:
    """The model at the end of a path of relations, empty if it is not known; a step that begins with `=` is a model."""
    for name in path:
        if name.startswith("="):
            model = name[1:]
            continue
        relation = schema.relation(model, name)
        if relation is None or relation.target not in schema.models:
            return ""
        model = relation.target
    return model if model in schema.models else ""


def literal(value: str | int | float | bool | None) -> str:
    """A constant as SQL writes it."""
    match value:
        case None:
            return "NULL"
        case bool():
            return "TRUE" if value else "FALSE"
        case str():
            return "'" + value.replace("'", "''") + "'"
    return str(value)
