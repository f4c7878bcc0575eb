"""Migrations that a deployment brings together, and how they are run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from msgspec import Struct

from slowpath.changes import MakesIndex, MakesTable, RunsMigrations, SetsOption
from slowpath.facts import AnyFact, Migrates, only
from slowpath.hazards import EXCLUSIVE
from slowpath.migrations import Migration, Step
from slowpath.project import Project
from slowpath.source import Place

_LIMIT = "lock_timeout"


class Deployment(Struct, frozen=True):
    """Migrations that are run at `place`, all in one transaction and with no limit to the wait for a lock; `steps` are
    the first ones that lock each of several tables which serve meanwhile."""

    place: Place
    steps: tuple[Step, ...]


def at_once(
    project: Project, facts: Iterable[AnyFact], migrations: Iterable[Migration], serves: Callable[[str], bool]
) -> Iterator[Deployment]:
    """Where these migrations are run in one transaction, if several of them lock tables that serve."""
    known = tuple(only(Migrates, facts))
    if any(isinstance(fact.change, SetsOption) and fact.change.name.lower() == _LIMIT for fact in known):
        return
    runs = [fact for fact in known if isinstance(fact.change, RunsMigrations)]
    apart = {fact.place.module for fact in runs if isinstance(fact.change, RunsMigrations) and fact.change.apart}
    for fact in runs:
        folder = project.path_of(fact.place.module).rpartition("/")[0]
        theirs = [each for each in migrations if f"{each.folder}/".startswith(f"{folder}/")]
        locks = {each.key: dict(_locks(each, serves)) for each in theirs}
        steps = {table: step for found in locks.values() for table, step in found.items()}
        if fact.place.module not in apart and len(steps) > 1 and sum(map(bool, locks.values())) > 1:
            yield Deployment(fact.place, tuple(steps.values()))


def _locks(migration: Migration, serves: Callable[[str], bool]) -> Iterator[tuple[str, Step]]:
    """The tables that the migration keeps others from until its transaction ends, and since when."""
    made: set[str] = set()
    for step in migration.known_steps:
        change = step.change
        if isinstance(change, MakesTable):
            made.add(change.table)
        elif isinstance(change, (*EXCLUSIVE, MakesIndex)) and not step.apart and change.table not in made:
            if serves(change.table):
                yield change.table, step
