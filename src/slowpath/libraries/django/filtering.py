"""What Django's query methods make of the query: its tests, its order, how many rows it takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec.structs import replace

from slowpath.libraries.django.lookups import column_at, negated, tests
from slowpath.libraries.django.rows import key_columns
from slowpath.query import Condition, Either, Shape, Sort, Test
from slowpath.schema import Schema
from slowpath.vocabulary import BuilderTerm, ConstantTerm, OperationTerm, Passed, Refinement, Term, Text

# What changes neither which rows are found nor in which order.
_IRRELEVANT = frozenset(
    {
        "", "all", "alias", "annotate", "select_related", "prefetch_related", "only", "defer", "using", "distinct",
        "select_for_update", "iterator", "values", "values_list", "explain", "page", "get_page", "contains",
        "get_list_or_404", "get_queryset", "db_manager", "fetch_mode", "dates", "datetimes",
    }
)  # fmt: skip
_COLUMNS = frozenset({"values", "values_list"})
_FOLDING = frozenset({"distinct", "iterator", "explain", "page", "get_page", "contains", "dates", "datetimes"})

Refine = Callable[[Schema, Shape, int, tuple[Passed, ...]], Shape]


def refine(schema: Schema, shape: Shape, step: int, refinement: Refinement) -> Shape:
    """The shape after one more call; open when it cannot be read."""
    method = refinement.method
    if method not in _METHODS and method.startswith("a"):
        # The asynchronous twin of a method: `aget`, `acount`.
        method = method[1:] if method[1:] in _METHODS or method[1:] in _IRRELEVANT else method
    if method in _FOLDING or (method == "annotate" and shape.rows == "columns"):
        # What is annotated after `values` is made of all rows that have these.
        return replace(shape, rows="folded")
    if method in _IRRELEVANT:
        return replace(shape, rows="columns") if method in _COLUMNS and shape.rows == "whole" else shape
    change = _METHODS.get(method)
    if change is None:
        return replace(shape, open=True)
    return change(schema, shape, step, refinement.arguments)


def _filter(schema: Schema, shape: Shape, step: int, arguments: tuple[Passed, ...]) -> Shape:
    found = tests(schema, shape.model, arguments)
    return _added(shape, step, found)


def _exclude(schema: Schema, shape: Shape, step: int, arguments: tuple[Passed, ...]) -> Shape:
    found = tests(schema, shape.model, arguments)
    return _added(shape, step, negated(found) if found is not None else None)


def _added(shape: Shape, step: int, found: tuple[Test, ...] | None) -> Shape:
    if found is None:
        return replace(shape, open=True)
    return shape.where(*(_at(test, step) for test in found))


def _at(test: Test, step: int) -> Test:
    if isinstance(test, Condition):
        return replace(test, step=step)
    alternatives = tuple(tuple(_at(each, step) for each in side) for side in test.alternatives)
    return Either(alternatives, step)


def _get(schema: Schema, shape: Shape, step: int, arguments: tuple[Passed, ...]) -> Shape:
    return replace(_filter(schema, shape, step, arguments), order=())


def _get_or_create(schema: Schema, shape: Shape, step: int, arguments: tuple[Passed, ...]) -> Shape:
    looked_up = tuple(passed for passed in arguments if passed.keyword not in {"defaults", "create_defaults"})
    return _get(schema, shape, step, looked_up)


def _in_bulk(schema: Schema, shape: Shape, step: int, arguments: tuple[Passed, ...]) -> Shape:
    field = next((passed.term for passed in arguments if passed.keyword == "field_name"), Text("pk"))
    found = column_at(schema, shape.model, (field.value,)) if isinstance(field, Text) else None
    return _added(shape, step, (Condition(found.column, "in"),) if found else None)


def _order_by(schema: Schema, shape: Shape, step: int, arguments: tuple[Passed, ...]) -> Shape:
    if any(passed.term == Text("?") for passed in arguments):
        return replace(shape, random=step, order=())
    return replace(shape, random=None, order=tuple(_sort(schema, shape.model, passed, step) for passed in arguments))


def _sort(schema: Schema, model: str, passed: Passed, step: int) -> Sort:
    term, descending = passed.term, False
    match term:
        case BuilderTerm(arguments=(Passed(term=inner), *_), chain=((("desc" | "asc") as direction, _), *_)):
            term, descending = inner, direction == "desc"
        case OperationTerm(operator=("desc" | "asc") as direction, operands=(inner, *_)):
            term, descending = inner, direction == "desc"
    if not isinstance(term, Text) or passed.star:
        return Sort("?", step=step)
    written = term.value.lstrip("-+")
    found = column_at(schema, model, tuple(written.split("__")))
    if found is None or found.rest or schema.relation(model, written):
        return Sort("?", step=step)
    return Sort(found.column, descending != term.value.startswith("-"), found.path, step)


def default_order(schema: Schema, model: str, step: int = -1) -> tuple[Sort, ...]:
    """The order that rows of the model come in when nobody asks for another one."""
    ordering = schema.models[model].ordering if model in schema.models else ()
    return tuple(_sort(schema, model, Passed(Text(name)), step) for name in ordering)


def _reverse(schema: Schema, shape: Shape, step: int, arguments: tuple[Passed, ...]) -> Shape:
    return replace(shape, order=tuple(replace(sort, descending=not sort.descending) for sort in shape.order))


def _first(schema: Schema, shape: Shape, step: int, arguments: tuple[Passed, ...]) -> Shape:
    return replace(shape, limit=1, order=shape.order or _by_key(schema, shape.model, step))


def _last(schema: Schema, shape: Shape, step: int, arguments: tuple[Passed, ...]) -> Shape:
    return _reverse(schema, _first(schema, shape, step, arguments), step, arguments)


def _by_key(schema: Schema, model: str, step: int) -> tuple[Sort, ...]:
    columns = (schema.column(model, name) for name in sorted(key_columns(schema, model)))
    return tuple(Sort(column.column, step=step) for column in columns if column is not None)


def _earliest(schema: Schema, shape: Shape, step: int, arguments: tuple[Passed, ...]) -> Shape:
    if not arguments:
        return replace(shape, limit=1, order=(Sort("?", step=step),))
    return replace(_order_by(schema, shape, step, arguments), limit=1)


def _latest(schema: Schema, shape: Shape, step: int, arguments: tuple[Passed, ...]) -> Shape:
    return _reverse(schema, _earliest(schema, shape, step, arguments), step, arguments)


def _slice(schema: Schema, shape: Shape, step: int, arguments: tuple[Passed, ...]) -> Shape:
    lower, upper = (passed.term for passed in arguments)
    skips = None if isinstance(lower, ConstantTerm) else step
    match lower, upper:
        case ConstantTerm(value=int() as first), ConstantTerm(value=int() as last):
            return replace(shape, limit=max(last - first, 0))
        case _, ConstantTerm(value=None):
            return replace(shape, skips=skips)
    return replace(shape, limit=0, skips=skips)


def _one(schema: Schema, shape: Shape, step: int, arguments: tuple[Passed, ...]) -> Shape:
    return replace(shape, limit=1)


def _count(schema: Schema, shape: Shape, step: int, arguments: tuple[Passed, ...]) -> Shape:
    return replace(shape, verb="count", order=())


def _exists(schema: Schema, shape: Shape, step: int, arguments: tuple[Passed, ...]) -> Shape:
    return replace(shape, verb="exists", order=(), limit=1)


def _update(schema: Schema, shape: Shape, step: int, arguments: tuple[Passed, ...]) -> Shape:
    return replace(shape, verb="update", order=())


def _delete(schema: Schema, shape: Shape, step: int, arguments: tuple[Passed, ...]) -> Shape:
    return replace(shape, verb="delete", order=())


def _aggregate(schema: Schema, shape: Shape, step: int, arguments: tuple[Passed, ...]) -> Shape:
    shape = replace(shape, order=(), rows="folded")
    if len(arguments) != 1:
        return shape
    name = _extreme(arguments[0].term)
    found = column_at(schema, shape.model, tuple(name.split("__"))) if name else None
    return replace(shape, highest=found.column) if found and not found.path and not found.rest else shape


def _extreme(term: Term) -> str:
    match term:
        case OperationTerm(operator="Max" | "Min", operands=(Text(value=name),)):
            return name
    return ""


_METHODS: Mapping[str, Refine] = {
    "filter": _filter,
    "exclude": _exclude,
    "get": _get,
    "get_object_or_404": _get,
    "get_or_create": _get_or_create,
    "update_or_create": _get_or_create,
    "in_bulk": _in_bulk,
    "order_by": _order_by,
    "reverse": _reverse,
    "first": _first,
    "last": _last,
    "earliest": _earliest,
    "latest": _latest,
    "[:]": _slice,
    "[]": _one,
    "count": _count,
    "exists": _exists,
    "update": _update,
    "delete": _delete,
    "aggregate": _aggregate,
}
