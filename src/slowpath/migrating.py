"""What the functions of migrations do, as facts; and the migrations with what they do in place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from slowpath.changes import AnyChange, RewritesRows
from slowpath.database import Table
from slowpath.expression import line_column
from slowpath.facts import AnyFact, ChangesTables, Migrates, only
from slowpath.history import History
from slowpath.migrations import Migration, Statement, Step, filled, is_for
from slowpath.project import Project
from slowpath.references import FunctionRef
from slowpath.rules import Function
from slowpath.scripts import SCRIPT
from slowpath.semantics.effects import AnyEffect, ChangesSchema, Executes, Writes
from slowpath.semantics.program import Program
from slowpath.semantics.values import Constant, Template, Value
from slowpath.source import Place
from slowpath.sql import Reader, hole
from slowpath.vocabulary import Knowledge

_NUMBERS = re.compile(r"(\d+)")
_WORDS = re.compile(r"[._-]")
# `0004_orders.down.sql`, `rollback/0004.sql`
_BACK = re.compile(r"(?:\b|_)(?:down|downgrade|rollback|revert|undo)(?:\b|_)", re.IGNORECASE)
_COMMITS = re.compile(r"\s*(?:COMMIT|END)\b[^;]*;?\s*\Z", re.IGNORECASE)


def steps(function: Function, program: Program) -> Iterator[Migrates]:
    """What the function does to the schema and to whole tables, in order."""
    reader = Reader("postgresql")
    for effect in function.summary.effects:
        place = effect.via[0].place if effect.via else effect.place
        apart = isinstance(effect, ChangesSchema | Executes) and effect.apart
        for change in _changes(effect, function.ref.module, program, reader):
            yield Migrates(place, function.ref.module, function.ref.qualname, change, apart)


def _changes(effect: AnyEffect, module: str, program: Program, reader: Reader) -> Iterator[AnyChange | None]:
    match effect:
        case ChangesSchema(operation=operation, call=call, table=table):
            home = effect.place.module or module
            for migrator in program.knowledge.migrators:
                yield from migrator.changes(program.project, home, operation, table, call)
        case Executes(text=text):
            yield from _said(_written(text), reader)
        case Writes(model=model, action="write" | "delete", contexts=()) if model:
            table_name = program.schema.models[model].table if model in program.schema.models else ""
            verb = "delete" if effect.action == "delete" or effect.label.endswith("delete") else "update"
            yield RewritesRows(table_name, 1, verb, filtered=True)


def _said(text: str, reader: Reader) -> Iterator[AnyChange | None]:
    """What statements change; `None` where everything so far is committed."""
    if _COMMITS.match(text):
        yield None
    for statement in reader.read(text).statements:
        yield from statement.changes


def _written(text: Value) -> str:
    parts = text.parts if isinstance(text, Template) else (text,)
    known = [str(part.value) if isinstance(part, Constant) and part.value is not None else hole() for part in parts]
    return "".join(known)


def declared_in(project: Project, knowledge: Knowledge) -> tuple[Migration, ...]:
    """The project's migrations, with what their modules say of what they do."""
    return tuple(migration for migrator in knowledge.migrators for migration in migrator.migrations(project))


def named_in(migrations: Iterable[Migration]) -> frozenset[str]:
    """The modules whose lines the migrations speak of."""
    found = [(each.module, *(step.place.module for step in each.known_steps)) for each in migrations]
    return frozenset(module for modules in found for module in modules)


def completed(migrations: Iterable[Migration], facts: Iterable[AnyFact]) -> tuple[Migration, ...]:
    """The migrations, each after those that come before it, with all that is known of what they do."""
    done: dict[FunctionRef, list[Step]] = {}
    for fact in only(Migrates, facts):
        ref = FunctionRef(fact.module, fact.function)
        done.setdefault(ref, []).append(Step(fact.change, fact.place, fact.apart))
    reader = Reader("postgresql")

    def read(statement: Statement) -> Iterator[Step]:
        return (Step(change, statement.place) for change in _said(statement.text, reader))

    return filled(migrations, done, read)


def history_of(
    project: Project, migrations: Iterable[Migration], facts: Iterable[AnyFact], vendor: str
) -> Iterator[Table]:
    """The tables that migrations and SQL make, as far as they say what no model says."""
    history = History()
    for migration in migrations:
        for step in migration.known_steps if is_for(migration.folder, vendor) else ():
            if step.change is not None and not step.modelled:
                history.take(step.change, "migration", step.place.module, _line(project, step.place))
    said = sorted(only(ChangesTables, facts), key=lambda fact: _natural(project.path_of(fact.place.module)))
    for fact in said:
        if is_for(_WORDS.sub("/", project.path_of(fact.place.module)), vendor):
            for change in fact.changes:
                first = _line(project, fact.place)
                line = change.line if fact.place.function == SCRIPT else first
                history.take(change, "sql", fact.place.module, line)
    return history.tables()


def _natural(path: str) -> tuple[tuple[int, str], ...]:
    """What sorts paths as people number them: 9 before 10."""
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in _NUMBERS.split(path) if part)


def changes_in(ref: FunctionRef, path: str, text: str) -> tuple[ChangesTables, ...]:
    """What a file in SQL changes, unless it is there to take changes back."""
    if _BACK.search(path):
        return ()
    statements = Reader("postgresql").changes(text).statements
    changes = tuple(change for statement in statements for change in statement.changes)
    return (ChangesTables(Place(ref.module, ref.qualname, 0), changes),) if changes else ()


def _line(project: Project, place: Place) -> int:
    """The line of an expression at module level; of one in a function, where the function begins."""
    if not place.function:
        return line_column(place.at)[0]
    return project.function_of(FunctionRef(place.module, place.function)).line
