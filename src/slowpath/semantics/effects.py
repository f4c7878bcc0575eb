"""What a function does, in the field's words. A summary is the same thing, in terms of the function's parameters."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from slowpath import expression as e
from slowpath.keeping import CacheVerb
from slowpath.loads import Loads, Path
from slowpath.semantics.steps import Trail
from slowpath.semantics.values import NOTHING, Bound, Origin, Value
from slowpath.source import Place
from slowpath.vocabulary import Action, LoadProblem, Work

# What tables call caches of any make.
CACHE = "cache"
# The cache of what decorators keep.
MEMO = "memo"

ContextKind = Literal["for", "while", "comprehension", "map", "gather"]


class Context(Struct, frozen=True):
    """One thing that repeats. `item` is what it calls each item, `over` what it goes through, as written; `origin`
    the query whose rows it goes through, if it is one. `hops` is how many calls of the effect's `via` lead to the
    function it stands in."""

    kind: ContextKind
    place: Place
    item: str
    over: str
    bound: Bound
    origin: Origin | None = None
    hops: int = 0


class Hop(Struct, frozen=True):
    """A call on the way from the function that was asked about to the effect."""

    place: Place
    callee: str


class Effect(Struct, frozen=True, kw_only=True):
    """What every effect has.

    `place` is where it happens, `via` the calls that lead there, `contexts` what repeats around it, outermost first.
    `varies` are the positions in `contexts` that it depends on, and `-1 - i` for parameter i. `rare` when it only
    happens now and then: in an `except`, on a cache miss, in the fallback for something that was not loaded. `later`
    when it was put off until something around has ended (`on_commit`).
    """

    place: Place
    via: tuple[Hop, ...] = ()
    contexts: tuple[Context, ...] = ()
    varies: frozenset[int] = NOTHING
    rare: bool = False
    later: bool = False


class ReadsRelation(Effect, frozen=True):
    """Reads a relation that its row did not bring with it.

    `path` leads from the rows of `origin` to the relation, which is its last part. `loads` is what these rows had;
    `raises` when the read is an error instead of a query. `call` is how it was asked when it was not just read
    (`count`, `exists`).
    """

    model: str
    relation: str
    path: Path
    origin: Origin | None
    loads: Loads
    known: bool
    many: bool
    raises: bool = False
    call: str = ""


class ReadsColumn(Effect, frozen=True):
    """Reads a column that the query left out."""

    model: str
    column: str
    path: Path
    origin: Origin | None
    loads: Loads


class RunsQuery(Effect, frozen=True):
    """Runs a query. `label` is the call as written, `action` what kind it is, `model` empty for raw SQL.

    `computed` when it mentions what was worked out on the same turn, and may differ for all that is known.
    `relation` is set when it goes through a relation of a row, `bypasses` when that relation had been loaded already
    and the call did not use it. `locks` when it locks its rows, as one does who means to change them.
    """

    label: str
    action: Action
    model: str = ""
    relation: str = ""
    owner: str = ""
    bypasses: bool = False
    origin: Origin | None = None
    path: Path = ()
    instead: str = ""
    computed: bool = False
    locks: bool = False


class Seen(Effect, frozen=True, kw_only=True):
    """What others see of the database or of a cache made from it: when it happens matters to them.

    `transaction` is the `with`, or the function, around which a transaction is open.
    """

    transaction: Place | None = None


class Writes(Seen, frozen=True):
    """Writes to the database: one row, or (actions bulk, write) all at once. `handled` when the errors of each item
    are caught. `columns` are those that get another value, as far as the call itself says; for links, the relation."""

    label: str
    action: Action
    model: str = ""
    instead: str = ""
    handled: bool = False
    columns: tuple[str, ...] = ()


class Changes(Seen, frozen=True):
    """A row that the database has is given another value for one of its attributes, or (no `attribute`) a new row is
    given to whoever will write it. Only written down where there is a cache that could still have the old value."""

    label: str
    model: str
    attribute: str = ""


class CallsService(Effect, frozen=True):
    """One round trip to another service; `shared` is what to make once where each call opens a connection, `near` when
    it is as close as a database."""

    label: str
    service: str
    near: bool = False
    instead: str = ""
    shared: str = ""


class Evaluates(Effect, frozen=True):
    """Asks a query for less than it would fetch: `how` is `len`, `truth`, `count`, `exists` or `rows`; `compared`
    when the answer is only compared with 0; `used` when something else needs its rows; `exists` and `count` are
    the methods that ask the database, empty where there is none."""

    how: Literal["len", "truth", "count", "exists", "rows"]
    model: str
    origin: Origin | None
    label: str
    compared: bool = False
    used: bool = False
    exists: str = ""
    count: str = ""


class Asks(Effect, frozen=True):
    """Puts a query to a table: how it was made, and the method that runs it. `owner` and `relation` are set when it is
    for what belongs to one row; `loads` is what is fetched along with its rows; `inside` when it is a part of another
    query."""

    model: str
    trail: Trail
    owner: str = ""
    relation: str = ""
    loads: Loads = Loads()
    inside: bool = False


class Prepares(Effect, frozen=True):
    """An option for a query of the model says that these relations come with its rows; whichever query it is for."""

    label: str
    model: str
    paths: frozenset[Path]


class LoadsBadly(Effect, frozen=True):
    """An eager load with something wrong about it."""

    model: str
    label: str
    problem: LoadProblem


class UsesCache(Seen, frozen=True):
    """Reads, fills or forgets an entry of a cache (or all of them: `flush`).

    `cache` is the type of the client, `memo` for what a decorator keeps, or empty where it may be no cache at all.
    `key` is a text, with holes where it differs. `expiry` says of a fill whether it ends by itself: as `default` says,
    `never`, or as written. `holds` are the models whose rows are in the value. `offers` when the value is only kept if
    there is nothing.
    """

    does: CacheVerb
    cache: str
    key: Value
    label: str
    expiry: str = "default"
    holds: tuple[str, ...] = ()
    offers: bool = False


class Blocks(Effect, frozen=True):
    """Keeps its thread waiting or busy, on the way from a coroutine or from what one calls.

    Of a function that is no coroutine one for each kind of work is enough, of a coroutine one for each kind and
    place: no others are kept. `service` is what is waited for, in words, where the kind of work does not say;
    `instead` what to await.
    """

    label: str
    work: Work
    service: str = ""
    instead: str = ""


class NeverRuns(Effect, frozen=True):
    """Work that was to be done elsewhere, and that nobody waits for: it does not begin."""

    label: str


class WaitsForever(Effect, frozen=True):
    """Waits for an answer with no limit to how long. `limit` is the argument that would set one."""

    label: str
    service: str
    limit: str


class Takes(Effect, frozen=True):
    """Takes a connection from a pool: an object of this `type`, made by `label`. `limited` when it may have to wait for
    its turn before, `together` when the coroutines of a comprehension do so, each for itself."""

    label: str
    type: str
    limited: bool = False
    together: bool = False


class Builds(Effect, frozen=True):
    """Makes a pool or a client of this `type`, which others could share."""

    label: str
    type: str


class Removes(Seen, frozen=True):
    """Rows go: one is marked for deletion, or a statement that deletes is executed (`many`)."""

    label: str
    model: str
    many: bool = False


class ChangesSchema(Effect, frozen=True):
    """Changes the schema by a library's `operation` (its dotted name).

    `call` is the call, with what is known of its arguments in their place; `table` the one that what it is called on
    was made for. `apart` when the database commits it at once.
    """

    operation: str
    call: e.Call
    table: str = ""
    apart: bool = False


class Executes(Effect, frozen=True):
    """Runs a statement in SQL that changes something; `apart` when the database commits it at once."""

    label: str
    text: Value
    apart: bool = False


AnyEffect = (
    ReadsRelation
    | ReadsColumn
    | RunsQuery
    | Writes
    | Changes
    | CallsService
    | Evaluates
    | Prepares
    | LoadsBadly
    | UsesCache
    | Blocks
    | WaitsForever
    | NeverRuns
    | Asks
    | Takes
    | Builds
    | Removes
    | ChangesSchema
    | Executes
)


class Summary(Struct, frozen=True):
    """A function's effects, what it returns, and what it leaves in the parameters it was given.

    `height` is the deepest chain of calls below it.
    """

    effects: tuple[AnyEffect, ...]
    returns: Value
    finals: tuple[tuple[str, Value], ...]
    height: int = 0
