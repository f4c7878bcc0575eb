"""What a call on a prefetched related manager costs: `parent.children.filter()` and the like.

`test_django_prefetch` executes every line of this in the installed Django. It holds for Django 4.2 to
6.1 and every kind of to-many relation, except where `SINCE` says otherwise. Python's operators
appear as the method they call, and are used on `.all()`: a manager has none of its own. An async
method costs what its namesake does.
"""

FREE = frozenset(
    {
        "__bool__",
        "__contains__",
        "__getitem__",
        "__iter__",
        "__len__",
        "all",
        "contains",
        "count",
        "db_manager",
        "exists",
        "get_queryset",
        "none",
    }
)

# Free where the related model has `Meta.ordering`, or the `Prefetch` an `order_by()`.
FREE_IF_ORDERED = frozenset({"first"})

# `.all().all()` belongs here too: the second is a copy that has no rows. `reverse` is `.all().reverse()`
# where the relation is many-to-many: its manager has an attribute of that name, which is no method.
QUERIES = frozenset(
    {
        "aggregate",
        "alias",
        "annotate",
        "complex_filter",
        "dates",
        "datetimes",
        "defer",
        "difference",
        "distinct",
        "earliest",
        "exclude",
        "explain",
        "extra",
        "fetch_mode",
        "filter",
        "get",
        "in_bulk",
        "intersection",
        "iterator",
        "last",
        "latest",
        "only",
        "order_by",
        "prefetch_related",
        "raw",
        "reverse",
        "select_for_update",
        "select_related",
        "union",
        "using",
        "values",
        "values_list",
    }
)

# These write, prefetched or not. After one that drops the prefetched rows `.all()` queries again;
# after one that keeps them it is free, and stale. `delete` is `.all().delete()`.
WRITES_AND_DROPS = frozenset({"add", "clear", "create", "delete", "remove", "set", "update"})
WRITES_AND_KEEPS = frozenset({"bulk_create", "bulk_update"})
WRITES_AND_DROPS_IF_MANY_TO_MANY = frozenset({"get_or_create", "update_or_create"})

# The first Django of which something is true that was not before.
SINCE = {
    "fetch_mode": (6, 1),
    "create drops the prefetched rows of a reverse foreign key": (5, 1),
    "first is free after order_by() without arguments": (6, 1),
    "iterator without chunk_size raises after prefetch_related": (5, 0),
    "only raises unless it names a selected reverse one-to-one": (5, 1),
}
