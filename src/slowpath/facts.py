"""What functions show that only the whole project can judge.

A fact is kept with the answer of the function that showed it, so a later run has it without reading the function
again. It is small and says what is needed and no more: nothing in it is a value of the interpreter. A new kind is a
`Fact` of its own, added to `AnyFact`, and a function that collects it, which the rules that need it name as their
`collect`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from slowpath.changes import AnyChange
from slowpath.keeping import CacheVerb, Scope
from slowpath.keys import Key
from slowpath.query import Shape
from slowpath.query_limits import QueryLimit
from slowpath.source import Place
from slowpath.sql.statements import Failure, Statement
from slowpath.vocabulary import Action


class Fact(Struct, frozen=True, tag=True, array_like=True):
    """What every fact has: where it shows."""

    place: Place

    def places(self) -> tuple[Place, ...]:
        """Every place that it speaks of."""
        return (self.place,)


SomeFact = TypeVar("SomeFact", bound=Fact)


class Deletes(Fact, frozen=True):
    """Rows of the model are deleted: one of them, or (`many`) all that a query finds."""

    model: str
    many: bool = False


class Source(Struct, frozen=True, array_like=True):
    """Rows of a model that something is computed from, and where they are read. `narrowed` when only those are that
    have certain values in a column: other rows are none of its business. `columns` are those of them that count, empty
    when nobody knows which."""

    model: str
    place: Place
    narrowed: bool = False
    columns: tuple[str, ...] = ()


class Pending(Struct, frozen=True, array_like=True):
    """Rows that are being written, which nobody else can read as they will be: before `until` (a commit, or the write
    itself), or before the end of the transaction that begins there."""

    rows: tuple[Source, ...]
    until: Place
    how: Literal["transaction", "commit", "write"]


class UsesEntry(Fact, frozen=True):
    """A call does something to entries of a cache; seen from `function`, from which the calls at `chain` lead there.

    `open` when the key holds a parameter of `function`, so that only its callers know it. `sources` are what a filled
    value is computed from, `after_read` whether the function reads the same entry before it fills it. `pending` is what
    is being written while the entry is forgotten, and not forgotten again.
    """

    function: str
    does: CacheVerb
    cache: str
    key: Key
    label: str
    expiry: str
    chain: tuple[Place, ...] = ()
    open: bool = False
    after_read: bool = False
    sources: tuple[Source, ...] = ()
    pending: Pending | None = None

    def places(self) -> tuple[Place, ...]:
        """The call, those that lead to it, the rows, and what is not yet done."""
        rows = (*self.sources, *(self.pending.rows if self.pending is not None else ()))
        until = (self.pending.until,) if self.pending is not None else ()
        return (self.place, *self.chain, *(source.place for source in rows), *until)


class NamesEntry(Fact, frozen=True):
    """A call of `callee` in `function` forgets an entry; its argument `slot` is called `value`, or made of it by a
    `helper`."""

    function: str
    callee: str
    slot: str
    helper: str
    value: str


class WritesRows(Fact, frozen=True):
    """Rows of a model are written; seen from `function`, from which the calls at `chain` lead there.

    `columns` are those that get another value, empty when that is not known or the whole row is new; for links, the
    relation. `implied` when no call says so: the row is written because an attribute was assigned to. `without` are
    the calls in `function` that forget or fill entries, and never on a way that comes by here.
    """

    function: str
    model: str
    action: Action
    label: str
    chain: tuple[Place, ...] = ()
    columns: tuple[str, ...] = ()
    implied: bool = False
    without: tuple[Place, ...] = ()

    def places(self) -> tuple[Place, ...]:
        """The call, and those that lead to it."""
        return (self.place, *self.chain)


class KeepsResults(Fact, frozen=True):
    """A decorator keeps what the function gave, computed from `sources`. `ends` when results do not stay for ever."""

    function: str
    decorator: str
    keeps: Scope
    ends: bool
    clears: bool
    sources: tuple[Source, ...] = ()

    def places(self) -> tuple[Place, ...]:
        """The function, and the rows."""
        return (self.place, *(source.place for source in self.sources))


class Queries(Fact, frozen=True):
    """A table is asked for rows. `steps` are the places of the calls that made the query, in order. `handed_on` when
    it does not run here, but is what the function gives; `narrowed` when a branch of the code has added to it;
    `named` when the code names the relation whose rows are fetched. `sets` are the attributes that a statement sets for
    the rows that the query finds, again and again until it finds none; `taken` when the rows that are found are changed
    there, as who works off what is due does."""

    shape: Shape
    steps: tuple[Place, ...] = ()
    handed_on: bool = False
    narrowed: bool = False
    named: bool = False
    sets: tuple[str, ...] = ()
    taken: bool = False

    def places(self) -> tuple[Place, ...]:
        """Where it runs, and where it was made."""
        return (self.place, *self.steps)

    def place_of(self, step: int, at: int = 0) -> Place:
        """Where the step was made, or what it was given there; where it runs if nobody wrote the step."""
        made = self.steps[step] if 0 <= step < len(self.steps) else self.place
        return replace(made, at=at) if at and made is not self.place else made


class SaysSQL(Fact, frozen=True):
    """A text in SQL, and what was read of it; the place is where the text begins."""

    statements: tuple[Statement, ...]
    failures: tuple[Failure, ...] = ()


class ChangesTables(Fact, frozen=True):
    """A text in SQL that makes tables or indexes, or changes them."""

    changes: tuple[AnyChange, ...]


class Migrates(Fact, frozen=True):
    """What a migration runs changes the schema, or rows of a table at large: the `function` of that `module`.

    `apart` when the database commits it at once; `change` is `None` for a commit of what came before.
    """

    module: str
    function: str
    change: AnyChange | None
    apart: bool = False


class Connects(Fact, frozen=True):
    """A call connects to a database, or will, and sets no limit to the time of queries; `limit` is how it would."""

    label: str
    limit: QueryLimit


class LimitsQueries(Fact, frozen=True):
    """A text sets a limit to the time that queries take."""


AnyFact = (
    Deletes
    | UsesEntry
    | NamesEntry
    | WritesRows
    | KeepsResults
    | Queries
    | SaysSQL
    | ChangesTables
    | Migrates
    | Connects
    | LimitsQueries
)


def only(kind: type[SomeFact], facts: Iterable[Fact]) -> Iterator[SomeFact]:
    """The facts of this kind."""
    return (fact for fact in facts if isinstance(fact, kind))
