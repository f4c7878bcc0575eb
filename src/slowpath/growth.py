"""Which tables grow with use, as far as the schema shows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from slowpath.database import Database
from slowpath.schema import Column, Model, Schema

_TIMES = ("DateTime", "datetime", "TIMESTAMP", "Timestamp", "timestamp")
_KEYS = frozenset({"foreign-key", "one-to-one"})

# What a row says of two owners besides that they belong together: in which role, since when.
_OF_A_PAIR = 2

# What at least so many models have, and more than half of all, says who wrote a row, not what it belongs to.
_COMMON = 8

# A chain of owners longer than this is a circle.
_DEEPEST = 8


class Growth:
    """What the models of a schema, and the tables without a model, say of the size of tables."""

    def __init__(self, schema: Schema, database: Database) -> None:
        self._schema = schema
        self._database = database
        self._depths: dict[str, int] = {}
        self._signed = _signed(schema)
        self._owners = {owner for name in (*schema.models, *database.tables) for owner in self._owners_of(name)}

    def _owners_of(self, name: str) -> tuple[str, ...]:
        """What the rows of a model, or of a table that has none, belong to."""
        model = self._schema.models.get(name)
        table = self._database.of_model(name) or self._database.tables.get(name)
        relations = [r for r in model.relations if r.kind == "foreign-key"] if model else []
        owners = [relation.target for relation in relations if relation.name not in self._signed]
        signed = {relation.column for relation in relations if relation.name in self._signed}
        for key in table.foreign_keys if table is not None else ():
            if not signed.isdisjoint(key.columns):
                continue
            other = self._database.named(key.table)
            owners.append(next(iter(other.models), other.name) if other is not None else "")
        return tuple(dict.fromkeys(owner for owner in owners if owner not in ("", name)))

    def _columns_of(self, name: str) -> tuple[Column, ...]:
        model = self._schema.models.get(name)
        table = self._database.tables.get(name) if model is None else None
        return model.columns if model is not None else table.columns if table is not None else ()

    def depth(self, name: str) -> int:
        """How many levels of owners a row has above it: an item of an order of a user has two."""
        known = self._depths.get(name)
        if known is not None:
            return known
        self._depths[name] = 0
        found = min(max((1 + self.depth(owner) for owner in self._owners_of(name)), default=0), _DEEPEST)
        self._depths[name] = found
        return found

    def grows(self, name: str) -> bool:
        """Whether there are more and more rows: users; and things that happen, with a time, to what belongs to
        somebody, or that have parts of their own."""
        model = self._schema.models.get(name)
        if model is not None and model.settings:
            return True
        depth = self.depth(name)
        belongs = depth >= 2 or (depth == 1 and (self._has_user(model) or name in self._owners))
        timed = any(_is_time(column) for column in self._columns_of(name))
        return belongs and (timed or (depth >= 2 and self._is_part(model)))

    def is_large(self, name: str) -> bool:
        """Whether somebody has counted the rows, and there are many: more than that does not say how many come."""
        return self._database.is_large(name)

    def _is_part(self, model: Model | None) -> bool:
        """Whether each row is a part of one of a table that grows."""
        whole = [r.target for r in (model.relations if model else ()) if r.kind in _KEYS and not r.nullable]
        return any(self.depth(each) < self.depth(model.name) and self.grows(each) for each in whole if model)

    def happens(self, name: str, column: str) -> bool:
        """Whether rows are things that happen to something, with the time in this column, and have no parts."""
        times = any(each.column == column and _is_time(each) for each in self._columns_of(name))
        return times and name not in self._owners and self.depth(name) > 0

    def belongs(self, name: str, columns: Collection[str]) -> bool:
        """Whether there are rows for each of many owners, who are named by one of the columns: things that happen,
        with a time; or nothing but pairs of owners."""
        table = self._database.of_model(name) or self._database.tables.get(name)
        keys = table.foreign_keys if table is not None else ()
        if table is None or not any(column in columns for key in keys for column in key.columns):
            return False
        plain = {c.column for c in table.columns} - {*table.primary_key, *(c for key in keys for c in key.columns)}
        pairs = len({key.table for key in keys}) > 1 and len(plain) <= _OF_A_PAIR
        return pairs or any(_is_time(column) for column in table.columns)

    def in_turn(self, name: str, columns: Collection[str]) -> bool:
        """Whether rows in the order of these columns are in the order in which they came to be, or are due."""
        own = self._columns_of(name)
        return any(column.column in columns and (column.primary_key or _is_time(column)) for column in own)

    def _has_user(self, model: Model | None) -> bool:
        relations = model.relations if model is not None else ()
        own = (r for r in relations if r.kind in _KEYS and r.name not in self._signed)
        targets = (self._schema.models.get(r.target) for r in own)
        return any(target is not None and target.settings for target in targets)


def _signed(schema: Schema) -> frozenset[str]:
    """The relations to users that most models have and that may be empty: `created_by`, `modified_by`."""
    having = [[r for r in model.relations if r.kind in _KEYS] for model in schema.models.values()]
    users = {model.name for model in schema.models.values() if model.settings}
    counts = Counter(r.name for relations in having for r in relations if r.nullable and r.target in users)
    most = max(_COMMON, sum(map(bool, having)) // 2 + 1)
    return frozenset(name for name, count in counts.items() if count >= most)


def _is_time(column: Column) -> bool:
    return any(word in column.type for word in _TIMES)
