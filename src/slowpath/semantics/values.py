"""What an expression can be: few kinds, closed, frozen. `Unknown` absorbs whatever nothing is known of.

Every value says in `varies` on what it depends from turn to turn: the numbers of the loops (from 0, in the function
being read) whose items it was computed from, and `-1 - i` for the function's parameter number i.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from slowpath import expression as e
from slowpath.loads import Loads, Path
from slowpath.references import ClassRef, FunctionRef
from slowpath.semantics.steps import Trail
from slowpath.source import Place

Bound = Literal["small", "once", "retry", "chunked", "paged", "unclear", "counted", "named", "growing"]
"""How often a loop turns: at most a few times whatever the data, at most once, until it works, a batch at a time, a
page at a time, until something happens (`while`, a stream), as often as a number says, as often as there are names in
something of which nothing is known (its keys, its attributes), as often as there is data. Only the last three grow."""

NOTHING: frozenset[int] = frozenset()


class Origin(Struct, frozen=True, cache_hash=True):
    """The expression that rows come from: where it begins, of which model, and how it reads.

    `single` when it gives one row: what that row misses costs a query for it alone.
    """

    place: Place
    model: str
    label: str
    single: bool = False


class Value(Struct, frozen=True, kw_only=True, cache_hash=True, dict=True):
    """What every value has. Beside its fields, which alone count, it has room for what is worked out from them."""

    varies: frozenset[int] = NOTHING


class Unknown(Value, frozen=True):
    """Nothing is known, and nothing is said about it; `some` when it is at least something, not `None`."""

    some: bool = False


class Hole(Unknown, frozen=True):
    """A part of a text that is not known, as it was written. With an `owner` it is the parameter `name` of that
    function, passed on as it is, and every caller knows better."""

    name: str = ""
    owner: str = ""


class Constant(Value, frozen=True):
    """A literal."""

    value: e.Scalar


class Template(Value, frozen=True):
    """A text with holes: constants and other values in order."""

    parts: tuple[Value, ...]


class Symbol(Value, frozen=True):
    """A name from outside the project, dotted."""

    name: str


class ModuleValue(Value, frozen=True):
    """A module of the project."""

    module: str


class ClassValue(Value, frozen=True):
    """A class of the project."""

    ref: ClassRef


class FunctionValue(Value, frozen=True):
    """A function of the project, bound to `receiver` if it is a method taken from one."""

    ref: FunctionRef
    receiver: Value | None = None
    captured: tuple[tuple[str, Value], ...] = ()


class LambdaValue(Value, frozen=True):
    """A lambda, with the variables it sees and the function it stands in."""

    expression: e.Lambda
    captured: tuple[tuple[str, Value], ...]
    module: str
    function: str


class Method(Value, frozen=True):
    """A method of something that is no project class, not called yet."""

    receiver: Value
    name: str


class Super(Value, frozen=True):
    """`super()` in a method of the class `ref`, called on `receiver`."""

    ref: ClassRef
    receiver: Value


class Instance(Value, frozen=True):
    """An instance of a project class, with the attributes it was seen to get; `others` are the classes that it may be
    of instead."""

    ref: ClassRef
    fields: tuple[tuple[str, Value], ...] = ()
    others: tuple[ClassRef, ...] = ()


class Object(Value, frozen=True):
    """An instance of a library's type, how it was built, and what was called on it since (builders only); `batched`
    when it is a statement for many rows, others on each turn."""

    type: str
    arguments: tuple[tuple[str, Value], ...] = ()
    chain: tuple[tuple[str, tuple[tuple[str, Value], ...]], ...] = ()
    batched: bool = False


class Collection(Value, frozen=True):
    """A list, tuple, set, dict or iterator in memory. `items` when they are known one by one; `key` for a dict."""

    kind: Literal["list", "tuple", "set", "dict", "iterator"]
    element: Value
    key: Value | None = None
    items: tuple[Value, ...] | None = None
    bound: Bound = "growing"
    origin: Origin | None = None


class ModelAttribute(Value, frozen=True):
    """An attribute of a model's class, as in `Order.user`."""

    model: str
    path: Path


class Operation(Value, frozen=True):
    """What comes of an operation on something of an ORM's: a condition, an order, an expression."""

    operator: str
    operands: tuple[Value, ...]


class Row(Value, frozen=True):
    """One instance of a model.

    `known` when everything it came with is known; otherwise nothing can be missing. `origin` and `prefix` say which
    query brought it and along which path from that query's own rows. `fields` are attributes already read or
    assigned. `fresh` when it was just constructed or inserted. `implicit` is false where reading an unloaded relation
    is an error.
    """

    model: str
    loads: Loads = Loads()
    known: bool = False
    origin: Origin | None = None
    prefix: Path = ()
    fields: tuple[tuple[str, Value], ...] = ()
    fresh: bool = False
    implicit: bool = True


class Rows(Value, frozen=True):
    """Rows of a model: a query that has not run, or rows that are here.

    `type` is the library's type it behaves as, empty for a plain list. `manager` is the class whose extra methods it
    has. `owner` and `relation` are set for the rows of a relation of one row, `cached` when these came with the row.
    `items` are the parts of each item when the query gives tuples, `fields` what every row was given since; `plain`
    when it gives no rows at all. `here` when it has run, `batched` when it was filtered by a list of keys that
    differs from turn to turn, `needed` when the function that gave them did something with them itself. `trail` is how
    the query was made, `None` when that is not known.
    """

    model: str
    type: str
    loads: Loads = Loads()
    known: bool = False
    origin: Origin | None = None
    prefix: Path = ()
    manager: str = ""
    owner: Row | None = None
    relation: str = ""
    cached: bool = False
    items: tuple[Value, ...] = ()
    plain: bool = False
    here: bool = False
    ordered: bool = False
    sliced: bool = False
    refined: bool = False
    batched: bool = False
    needed: bool = False
    fields: tuple[tuple[str, Value], ...] = ()
    implicit: bool = True
    bound: Bound = "growing"
    trail: Trail | None = None

    @property
    def bypassed(self) -> bool:
        """Whether a query of these rows passes over ones that came with their owner for sure."""
        owner = self.owner
        return owner is not None and self.cached and (owner.loads.has(self.relation) or not owner.loads.open)


UNKNOWN = Unknown()


def unknown(*values: Value) -> Value:
    """Nothing but what the values vary with."""
    varies = NOTHING
    for value in values:
        if value.varies:
            varies = varies | value.varies
    return Unknown(varies=varies) if varies else UNKNOWN


def varying(value: Value, varies: frozenset[int]) -> Value:
    """The value, known to depend on these as well."""
    if varies <= value.varies:
        return value
    return replace(value, varies=value.varies | varies)


def field_of(fields: tuple[tuple[str, Value], ...], name: str) -> Value | None:
    """The attribute of this name."""
    for known, value in fields:
        if known == name:
            return value
    return None


def with_field(fields: tuple[tuple[str, Value], ...], name: str, value: Value) -> tuple[tuple[str, Value], ...]:
    """The attributes with this one set; in order of name, so that equal things are equal."""
    return tuple(sorted((*(pair for pair in fields if pair[0] != name), (name, value)), key=lambda pair: pair[0]))
