"""The closed set of things a knowledge table may say, and the terms in which an ORM's dialect is asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Literal, Protocol, Union

from msgspec import Struct

from slowpath.advisor import NewIndex
from slowpath.database import Table
from slowpath.keeping import CacheType, Memoizer
from slowpath.listing import NO_LISTING, Listing
from slowpath.loads import Loads, Path
from slowpath.migrations import Migrator
from slowpath.query import Shape
from slowpath.query_limits import QueryLimit
from slowpath.schema import Model, Schema
from slowpath.source import Place

if TYPE_CHECKING:
    from slowpath.project import Project

TypeKind = Literal[
    "query", "statement", "result", "manager", "row", "session", "connection", "cursor", "client", "pipeline",
    "builder", "plain", "settings",
]  # fmt: skip
"""What an object of a library's type is.

query: runs when iterated (a QuerySet). statement: must be executed (`select()`). result: rows that are already here
or streaming. manager: starts queries of a model. row: an instance of a model. session, connection, cursor: run what
they are given. client: talks to another service, a call a round trip. pipeline: collects calls of a client and sends
them together. builder: only remembers how it was built (`Prefetch`, `selectinload(...)`). plain: anything else worth
a name.
"""

Action = Literal[
    "same", "refine", "order", "lock", "load", "columns", "plain", "annotate", "combine", "fetch-mode",
    "iterate", "rows", "row", "value", "count", "exists", "mapping",
    "unwrap", "tuples", "part",
    "create", "bulk", "write", "save", "delete", "link", "get-or-create",
    "statement", "start", "execute", "scalars", "scalar", "get", "add", "remove",
    "commit", "flush", "refresh", "merge", "load-onto",
    "sql", "sql-many", "fetch", "operation",
    "given", "enter",
    "remote", "batch", "pipeline", "new", "chunks", "pages", "limit", "stream", "model", "held", "assign", "later",
    "text", "quiet", "blocks", "offload", "drive", "inject", "schema", "attach", "beside",
]  # fmt: skip
"""What a call does.

On queries, managers and statements. same: the same rows, nothing run (`all`). refine: another query (`filter`). order:
likewise, in an order. lock: likewise, and its rows are locked (`select_for_update`). load: loads relations with the
rows (the dialect reads its arguments). columns: leaves columns out (`only`; the dialect). plain: rows become dicts,
tuples or scalars (`values`). annotate: adds attributes. combine: joins queries (`union`). fetch-mode: how missing
relations are fetched (the dialect). iterate: runs it, row by row (`iterator`). rows: runs it, gives a list. row: runs
it, gives one row. value: runs it, gives a scalar or something unknown. count, exists: likewise. mapping: runs it, gives
a dict of rows by key (`in_bulk`). unwrap: items that were one-tuples become the rows themselves (`scalars`). tuples:
the reverse. part: makes a part of another query of it, or of its first argument. create: inserts one row and gives it.
bulk: writes many rows at once. write: updates or deletes all its rows in one statement. save, delete: writes one row.
link: adds to, removes from or sets a many-to-many. get-or-create: at least one query, gives a tuple of row and bool.

Functions, and methods of sessions. statement: makes one of the models in its arguments (`select(A, B)`). start:
begins a query of the model in its first argument (`session.query(A)`). execute: runs the statement that is its first
argument. scalars, scalar: likewise, unwrapped, or its first value. get: runs a query for one row of the model that is
its first argument. add: marks a row for writing, no round trip. remove: marks one for deletion. commit, flush: a round
trip that writes what is pending. refresh: reloads its row. load-onto: loads relations onto rows (the dialect).

Expressions. operation: combines or compares what it is given (`and_`), and remembers how.

Connections and cursors. sql: runs the SQL text that is its first argument. sql-many: once for many rows of
parameters. fetch: hands out rows of what was run.

Clients. remote: one round trip. batch: one round trip for many items. pipeline: gives a
pipeline. new: gives an object of type `gives`. chunks: iterates its argument in chunks. pages: iterates page by page.
limit: a query for so many rows. stream: gives what arrives, for ever. model: gives the model that the setting `gives`
names. assign: sets the attribute of its first argument that its second names to its third, without a query. held:
gives what the attribute of this name on the same object holds. later: calls its argument, now or later. text: gives
the text `gives`, with an argument in each `{}` of it. given: gives its argument (`closing(x)`). enter: gives what
`with` its argument would bind (`stack.enter_context(x)`). quiet: known to do nothing of interest.

Anything. blocks: keeps its thread waiting or busy, with the `Work` that its entry names. offload: runs the function
that it is given in a thread or process of its own; what it gives must be awaited. drive: runs the coroutine that it is
given on an event loop of its own, until it is done. inject: gives what the function returns or yields that it is
given. schema: changes the database's schema (the migrator reads its arguments). attach: makes its second argument a
method or property of the class, by the name that is its first. beside: goes through a generator that it is given in
threads of its own.
"""

Work = Literal[
    "query", "database", "network", "dns", "file", "stat", "process", "sleep", "wait",
    "key", "image", "document", "archive", "model", "table", "text",
]  # fmt: skip
"""What keeps a thread from doing anything else.

Waiting. query: for an ORM's query. database: for a statement given to a driver. network: for a service. dns: for a
name to be looked up. file: for the contents of a file. stat: for what the file system knows of one. process: for a
program to end. sleep: for time to pass. wait: for another thread. Working. key: derives a key or hashes a password.
image, document, archive: reads, makes or changes one. model: loads a model or runs one. table: loads or changes a
data frame. text: splits or renders long texts.
"""

Cached = Literal["never", "always", "if-ordered"]


class Limit(Struct, frozen=True):
    """How a call is kept from waiting for ever: the keyword of its limit, the position of that (-1 if it has none), and
    the method whose use somewhere sets a limit for all."""

    keyword: str
    position: int = -1
    unless: str = ""


Owning = Literal["", "releases", "rests", "acquires", "lends", "takes", "enters"]
"""What a call does to something that must be given back: its receiver, or the argument number `subject`.

releases: it is given back (`close`, `pool.putconn(connection)`). rests: it holds nothing until it is used again
(a session's `commit`). acquires: the receiver is held from now on (a lock's `acquire`). lends: what the call gives
belongs to somebody else, who gives it back. takes: whoever is called gives it back from now on (`closing(x)`).
enters: likewise, as leaving `with x` would (`stack.enter_context(x)`).
"""

Resource = Literal["", "none", "connection", "session", "transaction", "pool", "client", "lock", "file"]
"""What an object holds that others wait for, until it gives that back.

connection: one connection, from the beginning. session: one connection from its first use until it rests or is
closed. transaction: what it has locked, from the beginning of `with` to its end. pool: connections for others, so that
a process needs just one of it (an engine, a pool, a client without connections that anybody would miss). client:
sockets of its own, which only closing it gives back. lock: what others wait for. file: nothing but an open file. none:
nothing, though what it extends does.
"""

Leaving = Literal["", "releases", "transaction"]
"""What the end of `with x` does with x: gives it back (also when nothing is said), or only ends its transaction."""


class Fact(Struct, frozen=True):
    """What one call does. `gives` is the type of its value where the action alone does not say; `instead` what to
    write when it runs once an item, `for_new` when it writes a new row; `cached` whether memory answers when its rows
    are loaded already; `asynchronous` when it gives a coroutine or an asynchronous iterator; `work` what keeps its
    thread; `limit` how to limit the time it waits, where it would wait for ever; `shared` what to make once so that
    many calls share a connection, where each opens one; `query_limit` how to limit the time of queries on what it
    connects to; `ready` the method that says whether there is anything to wait for."""

    action: Action
    gives: str = ""
    instead: str = ""
    for_new: str = ""
    cached: Cached = "never"
    argument: int = 0
    asynchronous: bool = False
    work: Work | None = None
    limit: Limit | None = None
    shared: str = ""
    query_limit: QueryLimit | None = None
    ready: str = ""
    owning: Owning = ""
    subject: int = -1


class Type(Struct, frozen=True):
    """A library's type. `implicit_loads` is false where reading an unloaded relation is an error (AsyncSession).
    `awaitable` when awaiting it runs it, `asynchronous` when all its methods do their work while they are awaited.
    `making` is the work of constructing one, `limit` how to limit the waiting of all its methods there. `sends`
    names, for clients, the service in words (`Redis`, `HTTP`). `calls` is the type that calling an object of this
    type gives (`sessionmaker()()`). `near` when the service is as close as a database, and answers as fast.
    `resource` is what it holds, `leaving` what the end of a `with` does to it. `collected` when it gives that back as
    soon as nothing refers to it. `autocommits` when each statement inside `with` it is a transaction of its own.
    `serves` when it is an application: what a generator that is given it does is done before it serves, or after.
    `listing` is how frameworks make lists of it."""

    name: str
    kind: TypeKind
    extends: tuple[str, ...] = ()
    methods: Mapping[str, Fact] = {}
    class_methods: Mapping[str, Fact] = {}
    attributes: Mapping[str, str] = {}
    enters: str = ""
    awaitable: bool = False
    implicit_loads: bool = True
    sends: str = ""
    near: bool = False
    calls: str = ""
    asynchronous: bool = False
    making: Work | None = None
    limit: Limit | None = None
    resource: Resource = ""
    leaving: Leaving = ""
    collected: bool = False
    autocommits: bool = False
    serves: bool = False
    listing: Listing = NO_LISTING


class Text(Struct, frozen=True):
    """A string known to the letter."""

    value: str


class ModelTerm(Struct, frozen=True):
    """A model's class."""

    model: str


class AttributeTerm(Struct, frozen=True):
    """An attribute of a model's class, or a chain of them (`Order.user`)."""

    model: str
    path: Path


class QueryTerm(Struct, frozen=True):
    """A query or statement: of which model, with what loaded, made by which calls (from the parameter on, if it is the
    parameter of a function)."""

    model: str
    loads: Loads
    steps: tuple[Refinement, ...] = ()
    parameter: str = ""


class BuilderTerm(Struct, frozen=True):
    """An object that remembers how it was built: a type, its arguments, then the methods called on it."""

    type: str
    arguments: tuple[Passed, ...]
    chain: tuple[tuple[str, tuple[Passed, ...]], ...] = ()


class SequenceTerm(Struct, frozen=True):
    """A list or tuple written out."""

    items: tuple[Term, ...]


class ConstantTerm(Struct, frozen=True):
    """A literal that is no string: `None`, a number, a bool."""

    value: int | float | bool | None


class OperationTerm(Struct, frozen=True):
    """An operation on something of an ORM's: a comparison, `&`, `|`, `~`, arithmetic, or a method of a model's
    attribute, by Python's name for it."""

    operator: str
    operands: tuple[Term, ...]


class OpaqueTerm(Struct, frozen=True):
    """Anything the interpreter knows nothing of."""


Term = Union[
    Text,
    ModelTerm,
    AttributeTerm,
    QueryTerm,
    BuilderTerm,
    SequenceTerm,
    ConstantTerm,
    OperationTerm,
    OpaqueTerm,
]


class Passed(Struct, frozen=True):
    """One argument; `star` when it was unpacked with `*` or `**` (then the term is the sequence, or opaque). `at` is
    the number of the node that it was written as, 0 when it is not known."""

    term: Term
    keyword: str = ""
    star: bool = False
    at: int = 0


class Refinement(Struct, frozen=True):
    """One call in the making of a query: where, the method, and what it was given. Those that only some branch of the
    code makes say in `branch` where that begins, and in `instead` where the other one does, if it always is one of
    the two."""

    place: Place
    method: str
    arguments: tuple[Passed, ...] = ()
    branch: Place | None = None
    instead: Place | None = None


class LoadProblem(Struct, frozen=True):
    """Something wrong with an eager load: the path as written, and the reason in the words of a finding.

    `reason` is a short sentence without a full stop: what the ORM does with it (verified by running it). `certain`
    when every model involved is fully known.
    """

    path: str
    reason: str
    certain: bool


class Loaded(Struct, frozen=True):
    """A dialect's answer: what the rows have now, and what was wrong."""

    loads: Loads
    problems: tuple[LoadProblem, ...] = ()


class Dialect(Protocol):
    """An ORM's little language: everything about it that is grammar, not fact."""

    library: str

    def models(self, project: Project) -> Iterable[Model]:
        """The models the project declares with this ORM, plus the library's own that it can use."""

    def tables(self, project: Project) -> Iterable[Table]:
        """The tables that the project declares without a model."""

    def operators(self, project: Project) -> Iterable[str]:
        """The comparisons that the project declares besides those that the ORM has, as conditions call them."""

    def load(self, schema: Schema, model: str, loads: Loads, method: str, arguments: tuple[Passed, ...]) -> Loaded:
        """What rows of the model have after an eager-load or column call (actions load, columns, annotate,
        fetch-mode, load-onto)."""

    def spell(self, schema: Schema, model: str, loads: Loads, paths: tuple[Path, ...]) -> str:
        """The code that loads the missing relation paths with the rows, ready to paste; empty when none is safe.

        Paths that one call can take are given to it together (`.select_related("user", "user__profile")`). A
        suggestion that would break the program (contradicts `only()`, a generic relation, …) is avoided or amended.
        """

    def spell_column(self, schema: Schema, model: str, loads: Loads, path: Path) -> str:
        """What to write so that the column comes with the rows."""

    def spell_index(self, schema: Schema, model: str, index: NewIndex) -> str:
        """The index as the model's class declares it, and where; empty when it has no word for it."""

    def begin(self, schema: Schema, model: str) -> Shape:
        """The shape of a query for all rows of the model."""

    def refine(self, schema: Schema, shape: Shape, step: int, refinement: Refinement) -> Shape:
        """The query's shape after one more call, its number being `step`; open when the call cannot be read."""


class Knowledge(Struct, frozen=True):
    """All tables, merged: types by every name they go by, functions by dotted name, caches by the type of their
    clients, memos by the dotted name of the decorator."""

    types: Mapping[str, Type]
    functions: Mapping[str, Fact]
    caches: Mapping[str, CacheType] = {}
    memos: Mapping[str, Memoizer] = {}
    dialects: tuple[Dialect, ...] = ()
    migrators: tuple[Migrator, ...] = ()
    words: frozenset[str] = frozenset()
