"""A project's migrations: what each does to the schema, and which come before it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Literal, Protocol

from msgspec import Struct
from msgspec.structs import replace

from slowpath.changes import AnyChange
from slowpath.references import FunctionRef
from slowpath.source import Place

if TYPE_CHECKING:
    from slowpath.expression import Call
    from slowpath.project import Project


_VENDORS = {
    "sqlite": "sqlite",
    "mysql": "mysql",
    "mariadb": "mysql",
    "oracle": "oracle",
    "mssql": "mssql",
    "postgres": "postgresql",
    "postgresql": "postgresql",
}

Remedy = Literal["concurrently", "apart", "unchecked"]
"""What a library spells in its own way. concurrently: an index that is built while writes go on. apart: a migration
that is no transaction. unchecked: a constraint that is not checked for the rows that are there."""


class Step(Struct, frozen=True, array_like=True):
    """One change of the schema, and where it is made. `apart` when the database commits it at once.

    `change` is `None` for a commit of everything so far. `modelled` when the project's models say the same.
    """

    change: AnyChange | None
    place: Place
    apart: bool = False
    modelled: bool = False


class Statement(Struct, frozen=True):
    """Statements in SQL, with holes where something is not known, and where they are."""

    text: str
    place: Place


class Migration(Struct, frozen=True):
    """One migration: where it is, what it does, and the keys of those that come before it.

    `steps` are in order; a function among them stands for what it does, and SQL has to be read. `atomic` when all of
    it is one transaction.
    """

    library: str
    module: str
    folder: str
    key: str
    after: tuple[str, ...]
    steps: tuple[Step | FunctionRef | Statement, ...]
    atomic: bool = True

    @property
    def known_steps(self) -> Iterator[Step]:
        """The steps, without functions and SQL of which nothing is known."""
        return (step for step in self.steps if isinstance(step, Step))


class Migrator(Protocol):
    """A library that migrates databases: everything about it that is grammar, not fact."""

    library: str

    def migrations(self, project: Project) -> Iterable[Migration]:
        """The migrations of the project."""

    def runners(self, project: Project) -> Iterable[FunctionRef]:
        """The project's own functions that say how migrations are run."""

    def changes(self, project: Project, module: str, operation: str, table: str, call: Call) -> Iterable[AnyChange]:
        """What the call of an operation does, in this module; nothing if it is no operation of this library's."""

    def spell(self, remedy: Remedy) -> str:
        """What to write, as code; empty when it has no word for it."""


def is_for(folder: str, vendor: str) -> bool:
    """Whether what is in this folder may be meant for the vendor's databases: no part of its name names another."""
    named = {_VENDORS[word] for word in folder.split("/") if word in _VENDORS}
    return not named or vendor in named


def functions_of(migrations: Iterable[Migration]) -> tuple[FunctionRef, ...]:
    """The functions that migrations run."""
    found = (step for migration in migrations for step in migration.steps if isinstance(step, FunctionRef))
    return tuple(dict.fromkeys(found))


def filled(
    migrations: Iterable[Migration],
    done: Mapping[FunctionRef, Iterable[Step]],
    read: Callable[[Statement], Iterable[Step]],
) -> tuple[Migration, ...]:
    """The migrations in order, with what functions do and SQL says in their places."""
    return tuple(replace(each, steps=tuple(_filled(each, done, read))) for each in in_order(migrations))


def _filled(
    migration: Migration,
    done: Mapping[FunctionRef, Iterable[Step]],
    read: Callable[[Statement], Iterable[Step]],
) -> Iterator[Step]:
    apart = not migration.atomic
    for step in migration.steps:
        match step:
            case Step():
                found: Iterable[Step] = (step,)
            case Statement():
                found = read(step)
            case FunctionRef():
                found = done.get(step, ())
        for each in found:
            if each.change is None:
                # Whoever commits in the middle has no transaction from there on.
                apart = True
            else:
                yield replace(each, apart=True) if apart else each


def in_order(migrations: Iterable[Migration]) -> Iterator[Migration]:
    """The migrations, each after those that come before it."""
    known = {each.key: each for each in sorted(migrations, key=lambda each: (each.key, each.module))}
    done: set[str] = set()
    for first in known:
        waiting = [first]
        while waiting:
            key = waiting[-1]
            before = [each for each in known[key].after if each in known and each not in done and each not in waiting]
            if before:
                waiting.append(before[0])
                continue
            waiting.pop()
            if key not in done:
                done.add(key)
                yield known[key]


def latest(migrations: Iterable[Migration], most: int) -> frozenset[str]:
    """The keys of those that at most so many others come after."""
    ordered = list(migrations)
    # Of those that more come after, it does not matter which.
    later: dict[str, set[str] | None] = {each.key: set() for each in ordered}
    for each in reversed(ordered):
        own = later[each.key]
        for before in each.after:
            known = later.get(before)
            if known is not None:
                together = known | own | {each.key} if own is not None else None
                later[before] = together if together is not None and len(together) <= most else None
    return frozenset(key for key, found in later.items() if found is not None)
