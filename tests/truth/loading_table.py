"""When SQLAlchemy loads a relationship: by its `lazy=`, and by the loader option that overrides it.

`test_sqlalchemy_loading` executes every line of this. It holds for SQLAlchemy 2.0 and 2.1.
"""

# How a row's related rows come, by the relationship's `lazy=`.
ON_READ = frozenset({"select", True})
WITH_THE_ROWS = frozenset({"joined", False, "selectin", "subquery"})
WITH_EACH_ROW = frozenset({"immediate"})  # not lazy, and still a query per row
ON_EVERY_READ = frozenset({"dynamic"})  # no option loads it
NEVER = frozenset({"noload", None})  # an empty list
RAISES = frozenset({"raise", "raise_on_sql", "write_only"})

# What a loader option makes of it. `contains_eager` leaves the join to the query.
OPTIONS = {
    "contains_eager": "joined",
    "immediateload": "immediate",
    "joinedload": "joined",
    "lazyload": "select",
    "noload": "noload",
    "raiseload": "raise",
    "selectinload": "selectin",
    "subqueryload": "subquery",
}

# How many queries more than that of the rows.
QUERIES = {"joined": 0, False: 0, "selectin": 1, "subquery": 1}

# What no option can be combined with.
NO_OPTION = frozenset({"dynamic", "write_only"})
NO_YIELD_PER = frozenset({"contains_eager", "joinedload", "subqueryload"})
