"""What Django's lookups compare: `user__email__iexact="…"` as tests of columns."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from slowpath.libraries.django.rows import key_columns, relation_by_lookup
from slowpath.loads import Path
from slowpath.query import Condition, Either, How, Test, literal
from slowpath.schema import Relation, Schema
from slowpath.vocabulary import BuilderTerm, ConstantTerm, OperationTerm, Passed, Term, Text

_LOOKUPS: dict[str, How] = {
    "exact": "equal",
    "iexact": "equal",
    "in": "in",
    "isnull": "null",
    "gt": "range",
    "gte": "range",
    "lt": "range",
    "lte": "range",
    "range": "range",
    "startswith": "prefix",
    "istartswith": "prefix",
    "contains": "contains",
    "icontains": "contains",
    "endswith": "contains",
    "iendswith": "contains",
    "regex": "contains",
    "iregex": "contains",
}
_FOLDED = {"iexact", "istartswith", "icontains", "iendswith"}
_OPPOSITE: dict[How, How] = {
    "equal": "differs",
    "in": "differs",
    "differs": "equal",
    "null": "not-null",
    "not-null": "null",
    "range": "range",
}

# Django writes a comparison of the year as a range of the column itself.
_YEARS = {"year", "iso_year"}
_PARTS = {
    "date": "DATE",
    "time": "TIME",
    **{
        part: f"EXTRACT {part.upper()}"
        for part in ("month", "day", "week", "week_day", "iso_week_day", "quarter", "hour", "minute", "second")
    },
}


class Found(Struct, frozen=True):
    """A column that a lookup leads to, and the words of the lookup behind it."""

    column: str
    path: Path = ()
    rest: tuple[str, ...] = ()


def column_at(schema: Schema, model: str, words: tuple[str, ...]) -> Found | None:
    """The column that the words lead to through relations; `None` when they lead to none that is known."""
    path: Path = ()
    for index, word in enumerate(words):
        relation = relation_by_lookup(schema, model, word)
        if relation is None:
            return _own(schema, model, path, word, words[index + 1 :])
        rest = words[index + 1 :]
        key = _key(schema, model, relation)
        if key and (not rest or rest[0] in {"pk", *key_columns(schema, relation.target)} or rest[0] in _LOOKUPS):
            skipped = 1 if rest and rest[0] not in _LOOKUPS else 0
            return Found(key, path, rest[skipped:])
        if not rest or rest[0] in _LOOKUPS:
            return None
        path, model = (*path, relation.name), relation.target
    return None


def _own(schema: Schema, model: str, path: Path, word: str, rest: tuple[str, ...]) -> Found | None:
    names = key_columns(schema, model) if word == "pk" else frozenset((word,))
    column = schema.column(model, min(names, default=word))
    return Found(column.column, path, rest) if column is not None else None


def _key(schema: Schema, model: str, relation: Relation) -> str:
    """The column on this side that holds the relation's key, empty if it is on the other."""
    column = schema.column(model, relation.column) if relation.column and not relation.many else None
    return column.column if column is not None and relation.target else ""


def tests(schema: Schema, model: str, arguments: tuple[Passed, ...]) -> tuple[Test, ...] | None:
    """What the arguments of `filter` or `Q` ask of each row; `None` when some cannot be read."""
    found: list[Test] = []
    for passed in arguments:
        if passed.star or passed.keyword.startswith("_"):
            return None
        tests = (
            _compared(schema, model, passed.keyword, passed.term)
            if passed.keyword
            else _of_term(schema, model, passed.term)
        )
        if tests is None:
            return None
        found += tests
    return tuple(found)


def _of_term(schema: Schema, model: str, term: Term) -> tuple[Test, ...] | None:
    match term:
        case BuilderTerm(type=kind, arguments=arguments) if kind.rpartition(".")[2] == "Q":
            return tests(schema, model, arguments)
        case OperationTerm(operator="&", operands=(left, right)):
            one, other = _of_term(schema, model, left), _of_term(schema, model, right)
            return (*one, *other) if one is not None and other is not None else None
        case OperationTerm(operator="|", operands=(left, right)):
            one, other = _of_term(schema, model, left), _of_term(schema, model, right)
            return either(one, other) if one is not None and other is not None else None
        case OperationTerm(operator="~", operands=(inner,)):
            found = _of_term(schema, model, inner)
            return negated(found) if found is not None else None
    return None


def either(*sides: tuple[Test, ...]) -> tuple[Test, ...]:
    """One test that one of the sides must pass; an empty side asks nothing."""
    if any(not side for side in sides):
        # Django leaves an empty `Q()` out of an OR.
        return tuple(test for side in sides for test in side)
    flat: list[tuple[Test, ...]] = []
    for side in sides:
        flat += side[0].alternatives if len(side) == 1 and isinstance(side[0], Either) else (side,)
    return (Either(tuple(flat)),)


def negated(tests: tuple[Test, ...]) -> tuple[Test, ...]:
    """What `exclude` and `~Q` make of the tests: one of several need not be passed, which no index answers."""
    if len(tests) == 1 and isinstance(tests[0], Condition):
        how = _OPPOSITE.get(tests[0].how, "other")
        return (replace(tests[0], how=how),)
    return tuple(replace(test, how="other") for test in tests if isinstance(test, Condition))


def _compared(schema: Schema, model: str, written: str, term: Term) -> tuple[Test, ...] | None:
    found = column_at(schema, model, tuple(written.split("__")))
    if found is None:
        return None
    around = ""
    *transforms, lookup = found.rest or ("exact",)
    if lookup not in _LOOKUPS:
        transforms, lookup = [*transforms, lookup], "exact"
    how = _LOOKUPS[lookup]
    for transform in transforms:
        if transform in _YEARS:
            how = "range" if how == "equal" else how
        else:
            around = _PARTS.get(transform, transform)
    if lookup in _FOLDED:
        around = around or "UPPER"
    value = _constant(term)
    if lookup == "isnull":
        if value not in {"TRUE", "FALSE"}:
            return None
        how, value = ("null" if value == "TRUE" else "not-null"), ""
    elif value == "NULL" and how == "equal":
        how, value = "null", ""
    return (Condition(found.column, how, found.path, value if how == "equal" else "", around),)


def _constant(term: Term) -> str:
    match term:
        case Text(value=value) | ConstantTerm(value=value):
            return literal(value)
    return ""
