"""A project read from disk and checked: what a run does that finds something changed."""

from __future__ import annotations

import gc
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from slowpath import config, engine, knowledge, migrating
from slowpath.cache import Answer, Memory, Reported, RuleName
from slowpath.caching.fragments import kept_in
from slowpath.caching.listing import Listing, listing
from slowpath.census import Sizes
from slowpath.config import Settings
from slowpath.database import Database, completed, merged, tables_of, with_implied
from slowpath.declarations import Declarations
from slowpath.discovery import File, Folder
from slowpath.facts import AnyFact
from slowpath.finding import Finding, Skipped
from slowpath.indexing import Index, declared_in
from slowpath.ledger import Ledger, lines_in, still_true
from slowpath.libraries.vendors import vendors_of
from slowpath.migrations import Migration, functions_of
from slowpath.processes import parts, shared, worth
from slowpath.project import Project, link
from slowpath.reach import roles_of
from slowpath.references import FunctionRef
from slowpath.roles import role_of
from slowpath.rules import Rule, Whole, load
from slowpath.schema import Model, Schema
from slowpath.scripts import SCRIPT, is_of_interest
from slowpath.semantics.program import Program
from slowpath.semantics.relevance import Relevance
from slowpath.source import Place, digest_of
from slowpath.suppression import unused
from slowpath.templates import is_template
from slowpath.vocabulary import Knowledge
from slowpath.workload import counted

Progress = Callable[[int, int], None]


class Result(Struct, frozen=True):
    """What an analysis found, and what the next one can use of it."""

    findings: tuple[Finding, ...]
    failed: tuple[Skipped, ...]
    rules: tuple[RuleName, ...]
    memory: Memory
    sql: dict[str, int]


class Part(Struct, frozen=True, array_like=True):
    """What some functions showed; the numbers in `answers` are those of `sources`."""

    sources: tuple[FunctionRef, ...]
    answers: tuple[Answer, ...]
    failed: tuple[Skipped, ...]


class Texts:
    """The lines of the project's files, read when somebody asks."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._lines: dict[str, list[str]] = {}

    def lines_of(self, path: str) -> list[str]:
        """The lines of a file; none if it has gone in the meantime."""
        if path not in self._lines:
            self._lines[path] = self._folder.lines_of(path)
        return self._lines[path]

    def forget(self, path: str) -> None:
        """Read the file again when somebody asks."""
        self._lines.pop(path, None)


class Ground(Struct, frozen=True):
    """What all functions stand on: the project, its models, what is known of libraries, which modules count, and the
    migrations as far as their modules say what they do. Modules `aside` are commands and scripts, which show facts.

    `dialect` is the database that the settings name, `sizes` what was counted in it.
    """

    project: Project
    schema: Schema
    tables: Knowledge
    wanted: frozenset[str]
    migrations: tuple[Migration, ...] = ()
    dialect: str = ""
    aside: frozenset[str] = frozenset()
    sizes: Sizes = Sizes()


def ground_of(settings: Settings, project: Project, sizes: Sizes, tables: Knowledge | None = None) -> Ground:
    """The ground that the project is; what is known of libraries and sizes stays the same in a session."""
    tables = tables or knowledge.load(settings.knowledge or None, "pyproject.toml")
    migrations = migrating.declared_in(project, tables)
    schema, (wanted, aside) = schema_of(project, tables), wanted_in(project, settings)
    return Ground(project, schema, tables, wanted, migrations, settings.dialect, aside, sizes)


def sizes_of(root: Path, settings: Settings) -> Sizes:
    """How large tables are, as far as somebody counted."""
    census = config.census_of(root, settings)
    return Sizes(census.tables if census is not None else ())


def schema_of(project: Project, tables: Knowledge) -> Schema:
    """The models of the project, whichever ORM they are of."""
    return Schema(
        (model for dialect in tables.dialects for model in dialect.models(project)),
        (name for dialect in tables.dialects for name in dialect.operators(project)),
    )


def database_of(ground: Ground, migrations: Iterable[Migration], facts: Iterable[AnyFact]) -> Database:
    """The tables of the project, from everything that describes them."""
    vendors = (ground.dialect,) if ground.dialect else vendors_of(ground.project)
    declared = [table for dialect in ground.tables.dialects for table in dialect.tables(ground.project)]
    models = [model for model in ground.schema.models.values() if _is_of_the_service(ground.project, model)]
    made = migrating.history_of(ground.project, migrations, facts, next(iter(vendors), ""))
    tables = completed(merged((*tables_of(models), *declared)), made)
    if vendors[:1] == ("mysql",):
        tables = {name: with_implied(table) for name, table in tables.items()}
    return Database(tables, vendors, ground.sizes)


def _is_of_the_service(project: Project, model: Model) -> bool:
    """Whether the model is not one that tests make up, or what a migration has kept of an older one."""
    module = model.name
    while module and module not in project.modules:
        module = module.rpartition(".")[0]
    return not module or role_of(project.path_of(module)) not in ("test", "migration")


def wanted_in(project: Project, settings: Settings) -> tuple[frozenset[str], frozenset[str]]:
    """The modules whose functions are asked, and the commands and scripts besides that show facts."""
    roles = roles_of(project)
    wanted = {module for module, role in roles.items() if role == "production" or role in settings.include_roles}
    aside = {module for module, role in roles.items() if role in ("command", "script")} - wanted
    return frozenset(wanted), frozenset(aside)


class Workshop:
    """Everything a process needs to check functions."""

    def __init__(self, settings: Settings, ground: Ground, texts: Texts, relevance: Relevance | None = None) -> None:
        self.texts = texts
        self.ground = ground
        self.project = ground.project
        self.schema = ground.schema
        self.relevance = relevance or Relevance(self.project, self.schema, ground.tables)
        self.program = Program(
            self.project,
            self.schema,
            ground.tables,
            texts.lines_of,
            self.relevance,
        )
        self.rules = config.selected(load(), settings)
        self._wanted = {ref for ref in self.relevance.roots() if ref.module in ground.wanted and ref.qualname != SCRIPT}
        runners = (ref for each in ground.tables.migrators for ref in each.runners(self.project) if ground.migrations)
        self._migrating = frozenset((*functions_of(ground.migrations), *runners))
        self._scripts = frozenset(_scripts(self.project))
        self._aside = frozenset(ref for ref in self.relevance.deleting() if ref.module in ground.aside) - self._wanted
        self.roots = sorted(self._wanted | self._migrating | self._scripts | self._aside)

    def check(self, functions: Iterable[FunctionRef]) -> Part:
        """What is wrong with these functions, whichever rules are selected."""
        numbers: dict[FunctionRef, int] = {}
        answers: list[Answer] = []
        failed: list[Skipped] = []
        for ref in functions:
            if ref in self._scripts:
                numbers.setdefault(ref, len(numbers))
                answers.append(self._script(ref, numbers[ref]))
                continue
            checked = engine.check(self.program, self._asking(ref), (ref,))
            failed += checked.failed
            if not checked.failed:
                consulted = tuple([numbers.setdefault(each, len(numbers)) for each in sorted(checked.consulted)])
                reported = tuple([Reported(found.rule.code, found.problem) for found in checked.found])
                unreadable = self._unreadable(ref)
                answers.append(Answer(ref.module, ref.qualname, consulted, reported, checked.facts, unreadable))
        return Part(tuple(numbers), tuple(answers), tuple(failed))

    def _script(self, ref: FunctionRef, number: int) -> Answer:
        """What a file in SQL shows, or a template."""
        path = self.project.path_of(ref.module)
        text = "\n".join(self.texts.lines_of(path))
        facts: tuple[AnyFact, ...] = migrating.changes_in(ref, path, text)
        if is_template(path):
            facts = tuple(kept_in(ref.module, text, self.ground.tables))
        return Answer(ref.module, ref.qualname, (number,), (), facts)

    def sources(self) -> list[FunctionRef]:
        """The functions that make or change tables, as far as their words tell."""
        made = self._migrating | self._scripts
        return [ref for ref in self.roots if ref in made or self.relevance.says_sql(ref)]

    def _asking(self, ref: FunctionRef) -> list[Rule]:
        """The rules that are to be asked about the function."""
        asked = [rule for rule in load() if ref in (self._migrating if rule.of_migrations else self._wanted)]
        told = [replace(rule, check=None) for rule in load() if rule.aside and ref in self._aside]
        return asked + told

    def _unreadable(self, ref: FunctionRef) -> tuple[int, int, str] | None:
        error = self.program.bodies.unreadable.get(ref)
        return (error.line, error.column, error.reason) if error is not None else None

    def whole(self, answers: Iterable[Answer]) -> Whole:
        """The project with the facts of these answers."""
        facts = tuple([fact for answer in answers for fact in answer.facts])
        known = self.program.knowledge
        migrations = migrating.completed(self.ground.migrations, facts)
        return Whole(self.project, self.schema, database_of(self.ground, migrations, facts), known, facts, migrations)

    def state_of(self, module: str, qualname: str) -> str:
        """Changes whenever something else may be found out from the function; with no name, from the module's lines."""
        if not qualname:
            return lines_in(self.project.modules[module])
        if self.project.declared(module, qualname) != FunctionRef(module, qualname):
            return ""
        ref = FunctionRef(module, qualname)
        said = self.relevance
        flags = (said.matters(ref), said.on_loop(ref), said.acquires(ref), said.holds(ref), said.near_caches(ref))
        return " ".join((self.project.function_of(ref).digest, *map(str, flags), *sorted(self.relevance.limits)))

    def fingerprint(self) -> str:
        """The digest of all that an answer depends on besides what was consulted for it."""
        declared = sorted(each.fingerprint for each in self.project.modules.values())
        models = msgspec.msgpack.encode(self.schema.models, order="deterministic")
        return digest_of("\n".join((*declared, models.hex())))


def _scripts(project: Project) -> Iterator[FunctionRef]:
    """The files in SQL that make or change tables, and the templates that keep something, as functions."""
    for module, declared in project.modules.items():
        if is_of_interest(declared) and role_of(declared.path) != "test":
            yield FunctionRef(module, SCRIPT)


def workshop_of(folder: Folder, settings: Settings, files: Sequence[File]) -> Workshop:
    """The workshop for the project of these files."""
    return _workshop(folder, settings, declared_in(folder, settings, files, {}, {}, jobs=1).declarations.values())


def _workshop(folder: Folder, settings: Settings, declarations: Iterable[Declarations]) -> Workshop:
    ground = ground_of(settings, link(declarations), sizes_of(folder.root, settings))
    return Workshop(settings, ground, Texts(folder))


def survey(folder: Folder, settings: Settings, files: Sequence[File], *, jobs: int) -> Whole:
    """What all functions show of the project, put together and not judged."""
    workshop = workshop_of(folder, settings, files)
    made = _checked(workshop, folder, settings, list(workshop.roots), jobs, lambda done, all_: None)
    return workshop.whole([answer for part in made for answer in part.answers])


def analyse(
    folder: Folder, settings: Settings, index: Index, memory: Memory | None, *, jobs: int, progress: Progress
) -> Result:
    """Check the project, using what is remembered of functions that have not changed."""
    # What has been read stays until the end; looking for garbage in it again and again took a tenth of the time.
    gc.collect()
    gc.freeze()
    workshop = _workshop(folder, settings, index.declarations.values())
    fingerprint = workshop.fingerprint()
    old = still_true(memory, workshop.state_of) if memory is not None and memory.project == fingerprint else {}
    new = [ref for ref in workshop.roots if ref not in old]
    made = list(_checked(workshop, folder, settings, new, jobs, progress))
    ledger = Ledger(workshop.state_of)
    for part in made:
        ledger.add(part.answers, [(ref.module, ref.qualname) for ref in part.sources])
    if memory is not None:
        ledger.add(
            [old[ref] for ref in workshop.roots if ref in old],
            [(each.module, each.qualname) for each in memory.sources],
        )
    answers = sorted(ledger.answers, key=lambda each: (each.module, each.qualname))
    by_code = {rule.code: rule for rule in load()}
    found = [engine.Found(by_code[each.code], each.problem) for answer in answers for each in answer.reported]
    judged, crashed = engine.judge(workshop.whole(answers), load())
    locations = engine.Locations(memory.spans if memory is not None else {})
    findings = engine.findings(workshop.program, found + judged, workshop.texts.lines_of, locations)
    failed = [*crashed, *(each for part in made for each in part.failed), *unread(workshop, answers)]
    return Result(
        with_unused(findings, workshop.ground, workshop.texts.lines_of, {each.path for each in failed}),
        tuple(sorted(failed, key=lambda each: (each.path, each.line, each.reason))),
        tuple(RuleName(rule.code, rule.name, rule.default, rule.roles) for rule in load()),
        Memory(fingerprint, ledger.sources(), tuple(answers), locations.asked),
        counted(fact for answer in answers for fact in answer.facts),
    )


def caches_of(
    folder: Folder, settings: Settings, index: Index, *, jobs: int
) -> tuple[Listing, dict[Place, tuple[str, int]]]:
    """What the project keeps in caches, and the path and line of every place that is named there."""
    workshop = _workshop(folder, settings, index.declarations.values())
    users = [ref for ref in workshop.roots if workshop.relevance.uses_caches(ref) or ref.qualname == SCRIPT]
    parts_made = _checked(workshop, folder, settings, users, jobs, lambda done, total: None)
    found = listing(workshop.whole(answer for part in parts_made for answer in part.answers))
    located = engine.located(workshop.program, set(found.places()), workshop.texts.lines_of, engine.Locations({}))
    return found, {place: (path, span.line) for place, (path, span) in located.items()}


def with_unused(
    findings: Sequence[Finding], ground: Ground, lines_of: Callable[[str], Sequence[str]], unread: Collection[str]
) -> tuple[Finding, ...]:
    """These findings, and one for each comment that silences none of them. Of files that could not be read in full
    nothing is said."""
    by_path: dict[str, list[Finding]] = {}
    for finding in findings:
        by_path.setdefault(finding.path, []).append(finding)
    added = [
        finding
        for declared in (ground.project.modules[module] for module in ground.wanted)
        if declared.silences and declared.problem is None and declared.path not in unread
        for finding in unused(declared.path, lines_of(declared.path), by_path.get(declared.path, ()), load())
    ]
    return tuple(sorted([*findings, *added], key=lambda each: (each.path, each.span, each.code, each.message)))


def unread(workshop: Workshop, answers: Iterable[Answer]) -> Iterator[Skipped]:
    """What is to be said of functions that LibCST could not read."""
    for answer in answers:
        if answer.unreadable is not None:
            line, column, reason = answer.unreadable
            first = workshop.project.function_of(FunctionRef(answer.module, answer.qualname)).line
            path = workshop.project.path_of(answer.module)
            yield Skipped("SLO001", path, first + line - 1, column, f"`{answer.qualname}` cannot be read: {reason}")


# The workshop of a worker process: inherited where processes are forked, made anew where they are spawned.
_OURS: list[Workshop] = []


def _checked(
    workshop: Workshop, folder: Folder, settings: Settings, functions: list[FunctionRef], jobs: int, progress: Progress
) -> Iterator[Part]:
    _OURS[:] = [workshop]
    project = workshop.project
    jobs = worth(jobs, len(functions))
    tasks = parts(functions, jobs, lambda ref: 1 + project.function_of(ref).end_line - project.function_of(ref).line)
    prepare = partial(_prepare, folder, settings, tuple(project.modules.values()))
    done = 0
    for task, part in zip(tasks, shared(_check, tasks, jobs, Part, prepare), strict=True):
        done += len(task)
        progress(done, len(functions))
        yield part


def _prepare(folder: Folder, settings: Settings, declarations: tuple[Declarations, ...]) -> None:
    _OURS[:] = [_workshop(folder, settings, declarations)]


def _check(functions: list[FunctionRef]) -> Part:
    return _OURS[0].check(functions)
