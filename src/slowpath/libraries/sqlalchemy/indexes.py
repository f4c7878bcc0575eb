"""Indexes and keys that are said beside the columns."""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.expression import (
    Argument,
    Attribute,
    Binary,
    Call,
    Constant,
    Expression,
    Listing,
    Mapping,
    Name,
    argument,
    dotted,
    line_column,
)
from slowpath.libraries.sqlalchemy.names import Names, Placed
from slowpath.schema import Index
from slowpath.spelling import spelled

# `postgresql_ops`, `mysql_length`, `postgresql_include`, …
_SPECIAL = ("_ops", "_include", "_length", "_prefix", "_tablespace", "_with")


def table_arguments(value: Expression | None) -> Iterator[Call]:
    """The calls in a `__table_args__`, also where it is a sum of tuples."""
    match value:
        case Listing(elements=elements):
            yield from (element for element in elements if isinstance(element, Call))
        case Binary(operator="+", left=left, right=right):
            yield from table_arguments(left)
            yield from table_arguments(right)


def all_are_calls(value: Expression | None) -> bool:
    """Whether a `__table_args__` is written out: nothing but calls, and options at the end."""
    match value:
        case Listing(elements=elements):
            return all(isinstance(element, Call | Mapping) for element in elements)
        case Binary(operator="+", left=left, right=right):
            return all_are_calls(left) and all_are_calls(right)
    return isinstance(value, Mapping)


def index_of(names: Names, call: Call, module: str) -> Index | None:
    """The index that the call makes, columns by attribute or by name in the table as written."""
    word = names.word(Placed(call, module))
    positional = [passed.value for passed in call.arguments if not passed.keyword and not passed.star]
    line, _ = line_column(call.at)
    if word == "UniqueConstraint":
        columns = tuple(_column(value) for value in positional)
        return Index(columns, unique=True, name=_text(argument(call, "name")), line=line, module=module)
    if word != "Index" or not positional:
        return None
    conditions = [passed.value for passed in call.arguments if (passed.keyword or "").endswith("_where")]
    methods = [passed.value for passed in call.arguments if (passed.keyword or "").endswith("_using")]
    if any(passed.star for passed in call.arguments):
        return Index((), name=_text(positional[0]), line=line, module=module)
    return Index(
        tuple(_column(value) for value in positional[1:]),
        unique=_is_true(argument(call, "unique")),
        name=_text(positional[0]),
        condition=_condition(conditions[0]) if conditions else "",
        method=_text(methods[0]) if methods else "",
        special=any((passed.keyword or "").endswith(_SPECIAL) for passed in call.arguments),
        line=line,
        module=module,
    )


def key_of(names: Names, call: Call, module: str) -> tuple[str, ...]:
    """The columns of a primary key that the call makes."""
    if names.word(Placed(call, module)) != "PrimaryKeyConstraint":
        return ()
    return tuple(_text(passed.value) for passed in call.arguments if not passed.keyword)


def owner_of(call: Call) -> str:
    """The class that the columns of a module-level `Index(...)` are of, as written."""
    for passed in call.arguments:
        value = passed.value
        while isinstance(value, Call):
            value = value.func.value if isinstance(value.func, Attribute) else Constant(value.at, None)
        if isinstance(value, Attribute):
            return dotted(value.value).removesuffix(".c").removesuffix(".__table__")
    return ""


def _column(value: Expression) -> str:
    match value:
        case Constant(value=str(text)):
            return text
        case Name(id=name) | Attribute(attr=name):
            return name
        case Call(func=Attribute(value=inner, attr="desc")):
            return f"-{_column(inner)}"
        case Call(func=Attribute(value=inner, attr="asc" | "nulls_last" | "nulls_first" | "nullslast" | "nullsfirst")):
            return _column(inner)
        case Call(func=Name(id="desc"), arguments=(only,)):
            return f"-{_column(only.value)}"
        case Call(func=Name(id="text"), arguments=(only,)):
            return _column(only.value)
    return spelled(value, 200)


def _condition(value: Expression) -> str:
    """The condition of a partial index in SQL, as far as it can be read."""
    match value:
        case (
            Constant(value=str(text))
            | Call(
                func=Name(id="text") | Attribute(attr="text"), arguments=(Argument(value=Constant(value=str(text))),)
            )
        ):
            return text
        case Call(func=Attribute(value=inner, attr=attr), arguments=(Argument(value=Constant(value=None, kind="")),)):
            test = {"is_": "IS NULL", "is_not": "IS NOT NULL", "isnot": "IS NOT NULL"}.get(attr)
            return f"{_column(inner)} {test}" if test else spelled(value, 200)
    return spelled(value, 200)


def _text(value: Expression | None) -> str:
    return value.value if isinstance(value, Constant) and isinstance(value.value, str) else ""


def _is_true(value: Expression | None) -> bool:
    return isinstance(value, Constant) and value.value is True
