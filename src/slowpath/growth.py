"""Which tables grow with use, as far as the schema shows it."""

from __future__ import annotations

from collections.abc import Collection

from slowpath.schema import Column, Model, Schema

_TIMES = ("DateTime", "datetime", "TIMESTAMP", "Timestamp", "timestamp")
_KEYS = frozenset({"foreign-key", "one-to-one"})

# A chain of owners longer than this is a circle.
_DEEPEST = 8


class Growth:
    """What the models of a schema say of the size of their tables."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._depths: dict[str, int] = {}
        self._owners = {
            relation.target
            for name, model in schema.models.items()
            for relation in model.relations
            if relation.kind == "foreign-key" and relation.target != name
        }

    def depth(self, name: str) -> int:
        """How many levels of owners a row of the model has above it: an item of an order of a user has two."""
        known = self._depths.get(name)
        if known is not None:
            return known
        self._depths[name] = 0
        model = self._schema.models.get(name)
        owners = [r.target for r in model.relations if r.kind == "foreign-key" and r.target != name] if model else []
        found = min(max((1 + self.depth(owner) for owner in owners if owner), default=0), _DEEPEST)
        self._depths[name] = found
        return found

    def grows(self, name: str) -> bool:
        """Whether there are more and more rows: users; and things that happen, with a time, to what belongs to
        somebody, or that have parts of their own."""
        model = self._schema.models.get(name)
        if model is None:
            return False
        depth = self.depth(name)
        belongs = depth >= 2 or (depth == 1 and (self._has_user(model) or name in self._owners))
        return bool(model.settings) or (_has_time(model) and belongs)

    def in_turn(self, name: str, columns: Collection[str]) -> bool:
        """Whether rows in the order of these columns are in the order in which they came to be, or are due."""
        model = self._schema.models.get(name)
        own = model.columns if model is not None else ()
        return any(column.column in columns and (column.primary_key or _is_time(column)) for column in own)

    def _has_user(self, model: Model) -> bool:
        targets = (self._schema.models.get(r.target) for r in model.relations if r.kind in _KEYS)
        return any(target is not None and target.settings for target in targets)


def _has_time(model: Model) -> bool:
    return any(_is_time(column) for column in model.columns)


def _is_time(column: Column) -> bool:
    return any(word in column.type for word in _TIMES)
