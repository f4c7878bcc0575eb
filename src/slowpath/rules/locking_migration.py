"""A migration that keeps a running service from a table while it works: for minutes, once the table is large.

## Problem

In staging a migration takes a moment. In production the same `CREATE INDEX` reads ten million rows, and until it is
done PostgreSQL lets nobody write to the table; an `ALTER TABLE` that has to look at every row lets nobody read it
either. Requests queue up behind the lock, the pool runs dry, and the deployment is an outage.

PostgreSQL has a way around each of them: an index is built with `CONCURRENTLY`, outside a transaction; a constraint is
added as `NOT VALID` and validated later, which locks nobody out; rows are changed in batches, each a transaction.

Two indexes that one migration builds concurrently are committed one by one: when the second build fails, the first
index is there, and the migration cannot be run again. And Alembic runs all new migrations in one transaction unless
it is told otherwise, so that the locks of the first are kept until the last is done.

## Slow

    import sqlalchemy as sa
    from alembic import op
    from sqlalchemy.dialects import postgresql

    revision = "b2"
    down_revision = "a1"

    def upgrade():
        op.create_index("ix_orders_user_id", "orders", ["user_id"])

## Fast

    import sqlalchemy as sa
    from alembic import op
    from sqlalchemy.dialects import postgresql

    revision = "b2"
    down_revision = "a1"

    def upgrade():
        with op.get_context().autocommit_block():
            op.create_index("ix_orders_user_id", "orders", ["user_id"], postgresql_concurrently=True)

## How it decides

The migrations are played through in their order, with the SQL in them and the functions that they run. Each step is
held against the locks that PostgreSQL takes for it. The rule speaks of tables that an earlier migration made, and only
of the last migrations: what has run long ago cannot be mended. With `--since` it speaks of every migration that is
new. Of `env.py` it speaks when the last migrations lock several tables that grow.

## What silences it

Tables that the same migration makes; projects that are not seen to run on PostgreSQL; an index that is dropped before
it is built; `transaction_per_migration`, or a `lock_timeout` that the migrations set. The confidence is low for
tables that a migration shortly before has made, and for those that nothing shows to grow.

## Fix safety

A concurrent build takes longer, and leaves an invalid index behind when it fails: drop that before the next attempt.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator

from slowpath.deployments import at_once
from slowpath.finding import Confidence
from slowpath.growth import Growth
from slowpath.hazards import Hazard, Kind, hazards
from slowpath.migrating import steps
from slowpath.migrations import latest
from slowpath.rules import Mark, Problem, Rule, Whole

# A deployment brings a few migrations at once.
_TOGETHER = 2

_SURE: dict[Kind, Confidence] = {
    "index": "high",
    "unique": "high",
    "key": "medium",
    "transaction": "high",
    "leftover": "medium",
    "again": "medium",
    "required": "medium",
    "missing": "medium",
    "reference": "medium",
    "check": "medium",
    "rewrite": "high",
    "rows": "high",
}


def judge(whole: Whole) -> Iterator[Problem]:
    """The dangerous steps of migrations, on PostgreSQL."""
    vendors = whole.database.vendors
    if "postgresql" not in vendors:
        return
    fresh = latest(whole.migrations, _TOGETHER)
    growth = Growth(whole.schema, whole.database)
    if vendors[0] == "postgresql":
        yield from _run_together(whole, fresh, growth)
    for hazard, *others in _together(hazards(whole.migrations)):
        yield Problem(
            place=hazard.step.place,
            message=_message(hazard, 1 + len(others)),
            subject=(hazard.kind, hazard.table, *hazard.columns),
            help=_help(whole, hazard),
            related=tuple(_marks(hazard, others)),
            confidence=_confidence(whole, growth, hazard) if vendors[0] == "postgresql" else "low",
            past=hazard.migration.key not in fresh,
        )


def _run_together(whole: Whole, fresh: Container[str], growth: Growth) -> Iterator[Problem]:
    """Where migrations that a deployment brings together are run in one transaction."""
    together = [each for each in whole.migrations if each.key in fresh]
    for found in at_once(whole.project, whole.facts, together, lambda table: _grows(whole, growth, table)):
        tables = ", ".join(f"`{step.change.table}`" for step in found.steps if step.change is not None)
        yield Problem(
            place=found.place,
            message="all new migrations run in one transaction: the locks of the first are kept until the last is done",
            subject=("together",),
            help=f"set `transaction_per_migration=True`, and a `lock_timeout`: the last migrations lock {tables}",
            related=tuple(Mark(step.place, "locks a table until the end") for step in found.steps),
            confidence="medium",
        )


def _together(found: Iterable[Hazard]) -> Iterator[tuple[Hazard, ...]]:
    """The hazards one by one, but all changes of a table's rows in a migration as one, the greatest first."""
    rows: dict[tuple[str, str], list[Hazard]] = {}
    for hazard in found:
        if hazard.kind == "rows":
            rows.setdefault((hazard.migration.key, hazard.table), []).append(hazard)
        else:
            yield (hazard,)
    for several in rows.values():
        yield tuple(sorted(several, key=lambda each: (each.locked is None, not each.sure)))


def _marks(hazard: Hazard, others: Iterable[Hazard]) -> Iterator[Mark]:
    if hazard.locked:
        yield Mark(hazard.locked.place, f"takes the lock of `{hazard.table}`")
    if hazard.then:
        yield Mark(hazard.then.place, "may fail when the first has been committed")
    for other in others:
        if other.step.place != hazard.step.place:
            yield Mark(other.step.place, "changes rows as well")


def _message(hazard: Hazard, statements: int) -> str:
    table, columns = f"`{hazard.table}`", ", ".join(f"`{column}`" for column in hazard.columns)
    readers = "readers and writers" if hazard.locked else "writers"
    match hazard.kind:
        case "index":
            return f"building the index keeps {readers} out of {table} until it is done"
        case "unique":
            return f"the unique constraint builds its index while nobody can read or write {table}"
        case "key":
            return f"the primary key builds its index while nobody can read or write {table}"
        case "transaction" | "leftover" | "again":
            return _BUILDING[hazard.kind]
        case "required":
            return f"making {columns} required reads all of {table} while nobody else can read or write it"
        case "missing":
            return f"adding the required column {columns} fails if {table} has a row: it has no default"
        case "reference":
            return (
                f"the foreign key on {columns} reads all of {table}, with writers kept out of it and `{hazard.other}`"
            )
        case "check":
            return f"the constraint reads all of {table} while nobody else can read or write it"
        case "rewrite":
            return f"changing {columns} writes all of {table} anew while nobody else can read or write it"
        case "rows":
            kept = "nobody can read the table" if hazard.locked else "their rows stay locked"
            said = "one statement" if statements == 1 else f"{statements} statements"
            return f"changes rows of {table} in {said}: {kept} until the whole migration is done"


def _help(whole: Whole, hazard: Hazard) -> str:
    migrator = next(each for each in whole.knowledge.migrators if each.library == hazard.migration.library)
    match hazard.kind:
        case "index":
            ways = (migrator.spell("concurrently"), migrator.spell("apart"))
            written = " and ".join(f"`{way}`" for way in ways if way)
            return f"build it while writes go on, outside a transaction: {written}"
        case "transaction":
            return f"run it outside a transaction: `{migrator.spell('apart')}`"
        case "reference" | "check":
            way = migrator.spell("unchecked")
            return f"{_HELP[hazard.kind]}{f' (here `{way}`)' if way else ''}"
        case "rows" if hazard.locked:
            return f"{_HELP['rows']}, in a migration of its own"
    return _HELP[hazard.kind]


_BUILDING: dict[Kind, str] = {
    "transaction": "PostgreSQL refuses to build an index concurrently in a transaction, and this migration is one",
    "leftover": "a build that failed leaves an invalid index, which the next attempt takes for the real one",
    "again": "the migration cannot be run again once a later build of it has failed: this index is there by then",
}
_USING = "build a unique index concurrently first; `ADD CONSTRAINT … USING INDEX` then takes it over at once"
_LATER = "add it as `NOT VALID`, and validate it in another transaction, which locks nobody out"
_HELP: dict[Kind, str] = {
    "unique": _USING,
    "key": _USING,
    "leftover": "drop the index first (`DROP INDEX CONCURRENTLY IF EXISTS`), and leave `IF NOT EXISTS` out",
    "again": "drop the index first (`DROP INDEX CONCURRENTLY IF EXISTS`), or build each in a migration of its own",
    "required": "first add `CHECK (… IS NOT NULL) NOT VALID` and validate it; `SET NOT NULL` then believes it",
    "missing": "give it a default in the database, or let it be null until it is filled",
    "reference": _LATER,
    "check": _LATER,
    "rewrite": "add another column, fill it in batches, and let it take the place of the old one",
    "rows": "change them in batches of some thousands, each committed by itself",
}


def _grows(whole: Whole, growth: Growth, name: str) -> bool:
    table = whole.database.named(name)
    return table is not None and any(growth.grows(each) for each in table.models or (table.name,))


def _confidence(whole: Whole, growth: Growth, hazard: Hazard) -> Confidence:
    if hazard.kind in _BUILDING:
        return _SURE[hazard.kind]
    if not _grows(whole, growth, hazard.table):
        return "low"
    if hazard.sure:
        return _SURE[hazard.kind]
    return "medium" if hazard.kind == "rows" else "low"


rule = Rule(
    "SLO504",
    None,
    since="0.1.0",
    collect=steps,
    judge=judge,
    roles=("production", "migration"),
    of_migrations=True,
)
