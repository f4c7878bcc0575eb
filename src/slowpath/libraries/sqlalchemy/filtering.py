"""What the methods of SQLAlchemy's queries and statements make of the query."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec.structs import replace

from slowpath.libraries.sqlalchemy.conditions import column_of, sort_of, tests
from slowpath.query import Condition, Either, Shape, Test
from slowpath.schema import Schema
from slowpath.vocabulary import (
    AttributeTerm,
    BuilderTerm,
    ConstantTerm,
    ModelTerm,
    OperationTerm,
    Passed,
    Refinement,
    SequenceTerm,
    Term,
)

# What changes neither which rows are found nor in which order.
_IRRELEVANT = frozenset(
    {
        "", "all", "unique", "options", "execution_options", "distinct", "with_for_update", "with_entities", "execute",
        "scalars", "scalar", "stream", "stream_scalars", "one", "one_or_none", "scalar_one", "scalar_one_or_none",
        "yield_per", "populate_existing", "enable_eagerloads", "with_only_columns", "add_columns", "values",
        "returning", "tuples", "params", "exec", "prefix_with", "autoflush", "add_entity", "label", "iterator",
        "correlate", "group_by", "having",
    }
)  # fmt: skip
_FOLDING = frozenset(
    {
        "distinct", "group_by", "having", "execution_options", "yield_per", "stream", "stream_scalars", "iterator",
        "with_entities", "with_only_columns", "scalar", "one", "one_or_none", "scalar_one", "scalar_one_or_none",
    }
)  # fmt: skip

Refine = Callable[[Schema, Shape, int, tuple[Passed, ...]], Shape]


def refine(schema: Schema, shape: Shape, step: int, refinement: Refinement) -> Shape:
    """The shape after one more call; open when it cannot be read."""
    if refinement.method in _FOLDING:
        return replace(shape, rows="folded")
    if refinement.method in _IRRELEVANT:
        return shape
    change = _METHODS.get(refinement.method)
    if change is None:
        return replace(shape, open=True)
    return change(schema, shape, step, refinement.arguments)


def _select(schema: Schema, shape: Shape, step: int, arguments: tuple[Passed, ...]) -> Shape:
    terms = [passed.term for passed in arguments]
    if any(_model_of(term) not in {"", shape.model} for term in terms):
        shape = replace(shape, joins=shape.joins | {(f"={_model_of(term)}",) for term in terms if _model_of(term)})
    if any(not _model_of(term) for term in terms):
        shape = replace(shape, rows="folded")
    match terms:
        case [BuilderTerm(chain=(("max" | "min", (Passed(term=inner),)), *_))]:
            column = column_of(schema, shape.model, inner)
            return replace(shape, highest=column.column) if column and not column.around else shape
        case [BuilderTerm(chain=(("count", _), *_))]:
            return replace(shape, verb="count")
    return shape


def _model_of(term: Term) -> str:
    match term:
        case ModelTerm(model=model) | AttributeTerm(model=model):
            return model
    return ""


def _where(schema: Schema, shape: Shape, step: int, arguments: tuple[Passed, ...]) -> Shape:
    for passed in arguments:
        found = _tests(schema, shape.model, passed)
        shape = (
            replace(shape, open=True) if found is None else shape.where(*(_at(test, step, passed.at) for test in found))
        )
    return shape


def _tests(schema: Schema, model: str, passed: Passed) -> tuple[Test, ...] | None:
    if passed.star and isinstance(passed.term, SequenceTerm):
        return tests(schema, model, OperationTerm("and_", passed.term.items))
    return None if passed.star or passed.keyword else tests(schema, model, passed.term)


def _at(test: Test, step: int, at: int) -> Test:
    if isinstance(test, Condition):
        return replace(test, step=step, at=at)
    return Either(tuple(tuple(_at(each, step, at) for each in side) for side in test.alternatives), step, at)


def _filter_by(schema: Schema, shape: Shape, step: int, arguments: tuple[Passed, ...]) -> Shape:
    if shape.joins or any(passed.star for passed in arguments):
        # After a join the names are those of the table joined last.
        return replace(shape, open=True)
    for passed in arguments:
        term = OperationTerm("==", (AttributeTerm(shape.model, (passed.keyword,)), passed.term))
        shape = _where(schema, shape, step, (Passed(term, at=passed.at),))
    return shape


def _order_by(schema: Schema, shape: Shape, step: int, arguments: tuple[Passed, ...]) -> Shape:
    terms = [passed.term for passed in arguments]
    if any(isinstance(t, BuilderTerm) and t.chain and t.chain[0][0] in {"random", "rand"} for t in terms):
        return replace(shape, random=step)
    if terms in ([ConstantTerm(None)], [ConstantTerm(False)]):
        return replace(shape, order=())
    return replace(
        shape,
        order=(
            *shape.order,
            *(replace(sort_of(schema, shape.model, each.term, step), at=each.at) for each in arguments),
        ),
    )


def _limit(schema: Schema, shape: Shape, step: int, arguments: tuple[Passed, ...]) -> Shape:
    match arguments:
        case (Passed(term=ConstantTerm(value=int() as number)),):
            # A bool is a number, too.
            return replace(shape, limit=int(number))
        case (Passed(term=ConstantTerm(value=None)),):
            return replace(shape, limit=None)
    return replace(shape, limit=0)


def _slice(schema: Schema, shape: Shape, step: int, arguments: tuple[Passed, ...]) -> Shape:
    return replace(_offset(schema, shape, step, arguments), limit=0)


def _offset(schema: Schema, shape: Shape, step: int, arguments: tuple[Passed, ...]) -> Shape:
    return replace(shape, skips=None if arguments and isinstance(arguments[0].term, ConstantTerm) else step)


def _join(schema: Schema, shape: Shape, step: int, arguments: tuple[Passed, ...]) -> Shape:
    joined = _joined(schema, arguments[0].term) if arguments else ""
    if not joined:
        return replace(shape, open=True)
    return replace(shape, joins=shape.joins | {(f"={joined}",)})


def _joined(schema: Schema, term: Term) -> str:
    match term:
        case ModelTerm(model=model):
            return model
        case AttributeTerm(model=model, path=(name,)):
            relation = schema.relation(model, name)
            return relation.target if relation is not None else ""
    return ""


def _select_from(schema: Schema, shape: Shape, step: int, arguments: tuple[Passed, ...]) -> Shape:
    if all(passed.term == ModelTerm(shape.model) for passed in arguments):
        return shape
    return replace(shape, open=True)


def _first(schema: Schema, shape: Shape, step: int, arguments: tuple[Passed, ...]) -> Shape:
    return replace(shape, limit=1)


def _count(schema: Schema, shape: Shape, step: int, arguments: tuple[Passed, ...]) -> Shape:
    return replace(shape, verb="count", order=())


def _update(schema: Schema, shape: Shape, step: int, arguments: tuple[Passed, ...]) -> Shape:
    return replace(shape, verb="update", order=())


def _delete(schema: Schema, shape: Shape, step: int, arguments: tuple[Passed, ...]) -> Shape:
    return replace(shape, verb="delete", order=())


def _get(schema: Schema, shape: Shape, step: int, arguments: tuple[Passed, ...]) -> Shape:
    keys = [column.column for column in schema.models[shape.model].columns if column.primary_key]
    return shape.where(*(Condition(key, "equal", step=step) for key in keys))


_METHODS: Mapping[str, Refine] = {
    "select": _select,
    "query": _select,
    "where": _where,
    "filter": _where,
    "filter_by": _filter_by,
    "order_by": _order_by,
    "limit": _limit,
    "fetch": _limit,
    "slice": _slice,
    "[:]": _slice,
    "offset": _offset,
    "join": _join,
    "outerjoin": _join,
    "join_from": _join,
    "select_from": _select_from,
    "first": _first,
    "first_or_404": _first,
    "[]": _first,
    "count": _count,
    "get": _get,
    "get_or_404": _get,
    "update": _update,
    "delete": _delete,
}
