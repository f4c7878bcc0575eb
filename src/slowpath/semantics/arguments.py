"""The arguments of a call, evaluated; and as the terms in which a dialect is asked."""

from __future__ import annotations

from msgspec import Struct

from slowpath import expression as e
from slowpath.expression import Parameter
from slowpath.loads import Loads
from slowpath.semantics.dependence import all_varies
from slowpath.semantics.steps import Trail
from slowpath.semantics.values import (
    NOTHING,
    UNKNOWN,
    ClassValue,
    Collection,
    Constant,
    ModelAttribute,
    Object,
    Operation,
    Rows,
    Symbol,
    Value,
    unknown,
)
from slowpath.vocabulary import (
    AttributeTerm,
    BuilderTerm,
    ConstantTerm,
    ModelTerm,
    OpaqueTerm,
    OperationTerm,
    Passed,
    QueryTerm,
    SequenceTerm,
    Term,
    Text,
)


class Given(Struct, frozen=True):
    """One argument: its value, the expression it was written as (if any), its keyword, and how it was unpacked."""

    value: Value
    node: e.Expression | None = None
    keyword: str = ""
    star: str = ""


Arguments = tuple[Given, ...]


def value_at(arguments: Arguments, position: int, keyword: str = "") -> Value | None:
    """The argument at this position, or passed by this name."""
    count = 0
    for given in arguments:
        if given.keyword:
            if given.keyword == keyword:
                return given.value
            continue
        if given.star:
            return None
        if count == position:
            return given.value
        count += 1
    return None


def varies_of(arguments: Arguments) -> frozenset[int]:
    """Everything that some argument varies with."""
    return NOTHING.union(*(all_varies(given.value) for given in arguments)) if arguments else NOTHING


def bound_to(parameters: tuple[Parameter, ...], arguments: Arguments) -> dict[str, Given]:
    """The arguments by the names of the parameters they go to; what was unpacked goes to all that are left, unknown."""
    result: dict[str, Given] = {}
    places = [parameter for parameter in parameters if parameter.kind in {"/", ""}]
    rest: list[Value] = []
    named = {parameter.name for parameter in parameters if parameter.kind in {"", "k"}}
    extra: dict[str, Value] = {}
    starred: Value | None = None
    for given in arguments:
        if given.star:
            starred = unknown(starred or UNKNOWN, given.value)
        elif given.keyword in named:
            result[given.keyword] = given
        elif given.keyword:
            extra[given.keyword] = given.value
        elif places and starred is None:
            result[places.pop(0).name] = given
        else:
            rest.append(given.value)
    for parameter in parameters:
        if parameter.kind == "*":
            items = tuple(rest) if starred is None else None
            element = unknown(*rest, *([starred] if starred is not None else ()))
            result[parameter.name] = Given(Collection("tuple", element, items=items, varies=element.varies))
        elif parameter.kind == "**":
            # As many as somebody wrote down at the call.
            element = unknown(*extra.values(), *([starred] if starred is not None else ()))
            items = () if not extra and starred is None else None
            mapping = Collection("dict", element, key=UNKNOWN, items=items, bound="small", varies=element.varies)
            result[parameter.name] = Given(mapping)
        elif parameter.name not in result and starred is not None:
            result[parameter.name] = Given(starred)
    return result


def term_of(value: Value) -> Term:
    """The value as a dialect may know it."""
    match value:
        case Constant(value=str() as text):
            return Text(text)
        case Constant(value=int() | float() | bool() | None as constant):
            return ConstantTerm(constant)
        case ClassValue(ref=ref):
            return ModelTerm(ref.name)
        case ModelAttribute(model=model, path=path):
            return AttributeTerm(model, path)
        case Rows(model=model, loads=loads, known=known, here=here, trail=trail):
            brings = loads if known else Loads(open=True)
            made = trail if trail is not None and not here else Trail()
            return QueryTerm(model, brings, made.steps, made.parameter)
        case Symbol(name=name):
            return BuilderTerm(name, ())
        case Object(type=name, arguments=arguments, chain=chain):
            return BuilderTerm(
                name,
                _terms(arguments),
                tuple((method, _terms(given)) for method, given in chain),
            )
        case Operation(operator=operator, operands=operands):
            return OperationTerm(operator, tuple(map(term_of, operands)))
        case Collection(items=tuple() as items):
            return SequenceTerm(tuple(term_of(item) for item in items))
    return OpaqueTerm()


def _terms(pairs: tuple[tuple[str, Value], ...]) -> tuple[Passed, ...]:
    return tuple(Passed(term_of(value), keyword.lstrip("*"), keyword.startswith("*")) for keyword, value in pairs)


def remembered(arguments: Arguments) -> tuple[tuple[str, Value], ...]:
    """The arguments as a builder keeps them: a keyword and a value, `*` before the keyword for what was unpacked."""
    return tuple((f"*{given.keyword}" if given.star else given.keyword, given.value) for given in arguments)


def passed(arguments: Arguments) -> tuple[Passed, ...]:
    """The arguments as a dialect is given them."""
    return tuple(
        Passed(term_of(given.value), given.keyword, bool(given.star), given.node.at if given.node is not None else 0)
        for given in arguments
    )
