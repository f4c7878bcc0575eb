"""What SQLAlchemy's expressions compare: `Order.status == "paid"` as tests of columns."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from slowpath.loads import Path
from slowpath.query import HIDDEN, Condition, Either, How, Sort, Test, literal
from slowpath.schema import Schema
from slowpath.vocabulary import AttributeTerm, BuilderTerm, ConstantTerm, OperationTerm, Term, Text

_HOWS: dict[str, How] = {
    "==": "equal",
    "!=": "differs",
    "<": "range",
    "<=": "range",
    ">": "range",
    ">=": "range",
    "between": "range",
    "in_": "in",
    "not_in": "differs",
    "notin_": "differs",
    "is_": "equal",
    "is_not": "differs",
    "isnot": "differs",
    "is_distinct_from": "differs",
    "is_not_distinct_from": "equal",
    "startswith": "prefix",
    "istartswith": "prefix",
    "like": "contains",
    "ilike": "contains",
    "contains": "contains",
    "icontains": "contains",
    "endswith": "contains",
    "iendswith": "contains",
    "regexp_match": "contains",
    "match": "contains",
    "op": "other",
    "bool_op": "other",
    "has": "other",
    "any": "other",
    "any_": "other",
    "overlap": "other",
    "has_key": "other",
}
_FOLDED = {"ilike": "ILIKE", "icontains": "lower", "istartswith": "lower", "iendswith": "lower"}
_OPPOSITE: dict[How, How] = {
    "equal": "differs",
    "in": "differs",
    "differs": "equal",
    "null": "not-null",
    "not-null": "null",
    "range": "range",
}
_TRANSPARENT = {"label", "self_group", "type_coerce", "collate", "distinct"}
_ARITHMETIC = {"+", "-", "*", "/", "%", "//", "||", "concat"}
_ORDERS = {"desc", "asc", "nulls_first", "nulls_last", "nullsfirst", "nullslast"}


class Column(Struct, frozen=True):
    """A column as an expression uses it: `path` leads to its table, `around` is what is applied to it."""

    column: str
    path: Path = ()
    around: str = ""


def tests(schema: Schema, model: str, term: Term) -> tuple[Test, ...] | None:
    """What the condition asks of each row; `None` when it cannot be read."""
    match term:
        case ConstantTerm(value=True):
            return ()
        case OperationTerm(operator="&" | "and_", operands=operands):
            return _all(schema, model, operands)
        case OperationTerm(operator="|" | "or_", operands=operands):
            sides = [tests(schema, model, each) for each in operands]
            known = [side for side in sides if side is not None]
            return either(known) if len(known) == len(sides) else None
        case OperationTerm(operator="~" | "not_", operands=(inner,)):
            found = tests(schema, model, inner)
            return negated(found) if found is not None else None
        case OperationTerm(
            operator="is_", operands=(OperationTerm(operator="property", operands=(AttributeTerm(path=path),)), _)
        ):
            return (Condition(path[0], "other", around=HIDDEN),)
        case OperationTerm(operator="is_", operands=(OperationTerm() as inner, ConstantTerm(value=bool()))):
            # `(a = 1) IS TRUE` hides the comparison from every index.
            found = tests(schema, model, inner)
            return tuple(_hidden(found)) if found is not None else None
        case OperationTerm(operator=operator, operands=operands) if operator in _HOWS:
            return _compared(schema, model, operator, operands)
        case BuilderTerm(chain=(_, *_, (operator, arguments)) as chain) if operator in _HOWS:
            # `func.lower(User.name).ilike(…)`: what is compared is what the calls before give.
            inner = replace(term, chain=chain[:-1])
            return _compared(schema, model, operator, (inner, *(passed.term for passed in arguments)))
        case AttributeTerm():
            # A boolean by itself.
            column = column_of(schema, model, term)
            return (Condition(column.column, "equal", column.path, "TRUE"),) if column else None
    return None


def _hidden(found: Iterable[Test]) -> Iterable[Test]:
    for test in found:
        yield replace(test, around=HIDDEN) if isinstance(test, Condition) else test


def _all(schema: Schema, model: str, operands: Iterable[Term]) -> tuple[Test, ...] | None:
    found: list[Test] = []
    for operand in operands:
        inner = tests(schema, model, operand)
        if inner is None:
            return None
        found += inner
    return tuple(found)


def either(sides: list[tuple[Test, ...]]) -> tuple[Test, ...]:
    """One test that one of the sides must pass; a side that asks nothing makes it ask nothing."""
    if len(sides) == 1:
        return sides[0]
    if not all(sides):
        return ()
    flat: list[tuple[Test, ...]] = []
    for side in sides:
        flat += side[0].alternatives if len(side) == 1 and isinstance(side[0], Either) else (side,)
    return (Either(tuple(flat)),)


def negated(found: tuple[Test, ...]) -> tuple[Test, ...]:
    """The opposite: one of several tests need not be passed, which no index answers."""
    if len(found) == 1 and isinstance(found[0], Condition):
        test = found[0]
        if test.value in {"TRUE", "FALSE"}:
            return (replace(test, value="FALSE" if test.value == "TRUE" else "TRUE"),)
        return (replace(test, how=_OPPOSITE.get(test.how, "other")),)
    return tuple(replace(test, how="other") for test in found if isinstance(test, Condition))


def _compared(schema: Schema, model: str, operator: str, operands: tuple[Term, ...]) -> tuple[Test, ...] | None:
    left, right = operands[0], operands[1] if len(operands) > 1 else ConstantTerm(None)
    column = column_of(schema, model, left)
    other = column_of(schema, model, right)
    if column is not None and other is not None:
        return _joined(column, other)
    if column is None and other is None:
        return None
    if column is None:
        if operator not in {"==", "!=", "<", "<=", ">", ">="} or other is None:
            return None
        column, right = other, left
    how, around = _HOWS[operator], column.around or _FOLDED.get(operator, "")
    value = _constant(right)
    if value == "NULL" and how in {"equal", "differs"}:
        how, value = ("null" if how == "equal" else "not-null"), ""
    elif operator == "like" and value and not value.startswith(("'%", "'_")):
        how = "prefix"
    elif operator == "contains" and not value:
        # Of an array or a document; or of a text, which no plain index answers either.
        how = "other"
    return (Condition(column.column, how, column.path, value if how in {"equal", "differs"} else "", around),)


def _joined(one: Column, other: Column) -> tuple[Test, ...]:
    """A comparison of two columns: what joins two tables asks nothing of the rows of either."""
    if one.path == other.path:
        return (Condition(one.column, "other", one.path),)
    return ()


def _constant(term: Term) -> str:
    match term:
        case Text(value=value) | ConstantTerm(value=value):
            return literal(value)
        case OperationTerm(operator="null", operands=()):
            return "NULL"
        case OperationTerm(operator="true" | "false" as word, operands=()):
            return word.upper()
    return ""


def column_of(schema: Schema, model: str, term: Term) -> Column | None:
    """The column that an expression is of, and what is applied to it; `None` when it is of none, or of several."""
    match term:
        case AttributeTerm(model=owner, path=path):
            return _attribute(schema, model, owner, path)
        case OperationTerm(operator=operator, operands=operands) if operator in _TRANSPARENT and operands:
            return column_of(schema, model, operands[0])
        case OperationTerm(operator="cast" | "extract" as operator, operands=operands):
            return _around(schema, model, operands, operator.upper())
        case OperationTerm(operator="[]" | "op" | "astext" | "as_string", operands=operands):
            return _around(schema, model, operands, "->")
        case OperationTerm(operator=operator, operands=operands) if operator in _ARITHMETIC:
            return _around(schema, model, operands, operator)
        case BuilderTerm(chain=((name, arguments), *_)):
            return _around(schema, model, tuple(passed.term for passed in arguments), name)
    return None


def _around(schema: Schema, model: str, operands: tuple[Term, ...], what: str) -> Column | None:
    found = [column for operand in operands if (column := column_of(schema, model, operand)) is not None]
    return replace(found[0], around=what) if len(found) == 1 else None


def _attribute(schema: Schema, model: str, owner: str, path: Path) -> Column | None:
    if len(path) != 1:
        return None
    relation = schema.relation(owner, path[0])
    name = relation.column if relation is not None else path[0]
    column = schema.column(owner, name) if name else None
    if column is None:
        return None
    return Column(column.column, () if _is_own(schema, model, owner) else (f"={owner}",))


def _is_own(schema: Schema, model: str, owner: str) -> bool:
    """Whether rows of the model have the attributes of the owner."""
    found = schema.models.get(model)
    return owner == model or (found is not None and owner in found.parents)


def sort_of(schema: Schema, model: str, term: Term, step: int) -> Sort:
    """The order that the term asks for; of a column `?` when it cannot be read."""
    descending = False
    while isinstance(term, OperationTerm) and term.operator in _ORDERS and term.operands:
        descending = descending or term.operator == "desc"
        term = term.operands[0]
    if isinstance(term, Text):
        column = schema.column(model, term.value)
        return Sort(column.column if column else "?", descending, step=step)
    found = column_of(schema, model, term)
    if found is None or found.around:
        return Sort("?", step=step)
    return Sort(found.column, descending, found.path, step)
