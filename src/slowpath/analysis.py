"""A project read from disk and checked, on as many processors as there are: what a run does that finds something
changed."""

from __future__ import annotations

import gc
import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TypeVar

from msgspec import Struct

from slowpath import config, discovery, engine, knowledge
from slowpath.cache import Checked, Memory, Reported, Stamp
from slowpath.config import Settings
from slowpath.declarations import Declarations, declare
from slowpath.discovery import File
from slowpath.finding import Finding, Skipped
from slowpath.project import link
from slowpath.references import FunctionRef
from slowpath.roles import role_of
from slowpath.rules import Rule, load
from slowpath.schema import Schema
from slowpath.semantics.program import Program
from slowpath.semantics.relevance import Relevance
from slowpath.source import Source, digest_of

Progress = Callable[[int, int], None]

_FEW_FILES = 60
_CHUNKS_EACH = 6


class Result(Struct, frozen=True):
    """What an analysis found, and what the next one can use of it."""

    findings: tuple[Finding, ...]
    skipped: tuple[Skipped, ...]
    stamps: dict[str, Stamp]
    project: str
    declarations: dict[str, Declarations]
    checked: dict[str, Checked]


class Read(Struct, frozen=True):
    """One file as it was read: its declarations, or why there are none."""

    path: str
    stamp: Stamp | None
    declarations: Declarations | None
    skipped: Skipped | None


class Texts:
    """The lines of the project's files, read when somebody asks."""

    def __init__(self, root: Path, limit: int) -> None:
        self._root = root
        self._limit = limit
        self._lines: dict[str, list[str]] = {}

    def lines_of(self, path: str) -> list[str]:
        """The lines of a file; none if it has gone in the meantime."""
        if path not in self._lines:
            source = discovery.read(self._root, path, limit=self._limit)
            self._lines[path] = source.lines() if isinstance(source, Source) else []
        return self._lines[path]


class Workshop:
    """Everything a process needs to check functions."""

    def __init__(self, root: Path, settings: Settings, declarations: Iterable[Declarations]) -> None:
        self.texts = Texts(root, settings.max_file_size)
        self.project = link(declarations)
        tables = knowledge.load(settings.knowledge or None, "pyproject.toml")
        schema = Schema(model for dialect in tables.dialects for model in dialect.models(self.project))
        self.relevance = Relevance(self.project, schema, tables)
        self.program = Program(self.project, schema, tables, self.texts.lines_of, self.relevance.matters)
        self.rules: tuple[Rule, ...] = config.selected(load(), settings)

    def check(self, functions: Sequence[FunctionRef]) -> tuple[Checked, tuple[Skipped, ...]]:
        """What is wrong with these functions."""
        checked = engine.check(self.program, self.rules, functions)
        consulted = tuple(
            (ref.module, ref.qualname, self.project.function_of(ref).digest) for ref in sorted(checked.consulted)
        )
        reported = tuple(Reported(found.rule.code, found.problem) for found in checked.found)
        return Checked(consulted, reported), checked.crashes


def declared_in(root: Path, settings: Settings, files: Sequence[File]) -> list[Declarations]:
    """The declarations of the files that can be read."""
    reads = _read_all(root, settings.max_file_size, files)
    return [read.declarations for read in reads if read.declarations is not None]


def is_wanted(path: str, settings: Settings) -> bool:
    """Whether findings in a file of this role are wanted."""
    role = role_of(path)
    return role == "production" or role in settings.include_roles


def analyse(
    root: Path,
    settings: Settings,
    files: Sequence[File],
    *,
    known: dict[str, Stamp],
    memory: Memory | None,
    jobs: int,
    progress: Progress | None,
) -> Result:
    """Check the files, using what is remembered of those that have not changed."""
    kept = memory.declarations if memory is not None else {}
    reads = list(_reads(root, settings, files, known, kept, jobs))
    declarations = {read.path: read.declarations for read in reads if read.declarations is not None}
    gc.collect()
    gc.freeze()
    workshop = Workshop(root, settings, declarations.values())
    fingerprint = _fingerprint(workshop, declarations)
    remembered = memory.checked if memory is not None and memory.project == fingerprint else {}
    checked, crashes = _checked(workshop, root, settings, remembered, jobs, progress)
    by_code = {rule.code: rule for rule in workshop.rules}
    found = [
        engine.Found(by_code[reported.code], reported.problem)
        for path in sorted(checked)
        for reported in checked[path].reported
    ]
    skipped = [read.skipped for read in reads if read.skipped is not None]
    return Result(
        tuple(engine.findings(workshop.program, found, workshop.texts.lines_of)),
        (*skipped, *crashes),
        {read.path: read.stamp for read in reads if read.stamp is not None},
        fingerprint,
        declarations,
        {path: each for path, each in checked.items() if not any(crash.path == path for crash in crashes)},
    )


def _fingerprint(workshop: Workshop, declarations: dict[str, Declarations]) -> str:
    """The digest of all that a result depends on besides the functions that were read for it."""
    parts = [f"{path}={declarations[path].fingerprint}" for path in sorted(declarations)]
    return digest_of("\n".join((*parts, workshop.relevance.fingerprint())))


def _reads(
    root: Path,
    settings: Settings,
    files: Sequence[File],
    known: dict[str, Stamp],
    kept: dict[str, Declarations],
    jobs: int,
) -> Iterator[Read]:
    unread: list[File] = []
    for file in files:
        stamp, declarations = known.get(file.path), kept.get(file.path)
        same = stamp is not None and (stamp.size, stamp.mtime_ns) == (file.size, file.mtime_ns)
        if same and stamp is not None and declarations is not None and declarations.digest == stamp.digest:
            yield _seen(file.path, stamp, declarations)
        else:
            unread.append(file)
    if jobs <= 1 or len(unread) < _FEW_FILES:
        yield from _read_all(root, settings.max_file_size, unread)
        return
    with ProcessPoolExecutor(jobs, mp_context=_context()) as pool:
        pending = [
            pool.submit(_read_all, root, settings.max_file_size, part)
            for part in _parts(unread, jobs, lambda f: f.size)
        ]
        reads = {read.path: read for future in pending for read in future.result()}
    yield from (reads[path] for path in sorted(reads))


def _read_all(root: Path, limit: int, files: Sequence[File]) -> list[Read]:
    result = []
    for file in files:
        source = discovery.read(root, file.path, limit=limit)
        if isinstance(source, Skipped):
            result.append(Read(file.path, None, None, source))
        else:
            stamp = Stamp(file.size, file.mtime_ns, source.digest)
            result.append(_seen(file.path, stamp, declare(source)))
    return result


def _seen(path: str, stamp: Stamp, declarations: Declarations) -> Read:
    problem = declarations.problem
    skipped = Skipped("SLO001", path, *problem) if problem is not None else None
    return Read(path, stamp, declarations, skipped)


def _checked(
    workshop: Workshop,
    root: Path,
    settings: Settings,
    remembered: dict[str, Checked],
    jobs: int,
    progress: Progress | None,
) -> tuple[dict[str, Checked], tuple[Skipped, ...]]:
    roots: dict[str, list[FunctionRef]] = {}
    for ref in workshop.relevance.roots():
        path = workshop.project.path_of(ref.module)
        if is_wanted(path, settings):
            roots.setdefault(path, []).append(ref)
    result = {path: remembered[path] for path in roots if path in remembered and _holds(workshop, remembered[path])}
    todo = [(path, refs) for path, refs in sorted(roots.items()) if path not in result]
    crashes: list[Skipped] = []
    done = 0
    for part in _answers(workshop, root, settings, todo, jobs):
        for path, checked, failed in part:
            result[path] = checked
            crashes.extend(failed)
        done += len(part)
        if progress is not None:
            progress(done, len(todo))
    return result, tuple(sorted(crashes, key=lambda crash: (crash.path, crash.line)))


def _holds(workshop: Workshop, checked: Checked) -> bool:
    """Whether every function that was read for it is what it was."""
    for module, qualname, digest in checked.consulted:
        ref = FunctionRef(module, qualname)
        if workshop.project.declared(module, qualname) != ref or workshop.project.function_of(ref).digest != digest:
            return False
    return True


_Item = TypeVar("_Item")
_Task = tuple[str, list[FunctionRef]]
_Answer = list[tuple[str, Checked, tuple[Skipped, ...]]]

# The workshop of a worker process: inherited where processes are forked, made anew where they are spawned.
_OURS: list[Workshop] = []


def _answers(workshop: Workshop, root: Path, settings: Settings, todo: Sequence[_Task], jobs: int) -> Iterator[_Answer]:
    _OURS[:] = [workshop]
    if jobs <= 1 or len(todo) < _FEW_FILES:
        for task in todo:
            yield _answer([task])
        return
    with _pool(workshop, root, settings, jobs) as pool:
        pending = [pool.submit(_answer, part) for part in _parts(todo, jobs, lambda task: len(task[1]))]
        for future in pending:
            yield future.result()


def _pool(workshop: Workshop, root: Path, settings: Settings, jobs: int) -> ProcessPoolExecutor:
    context = _context()
    if context.get_start_method() == "fork":
        return ProcessPoolExecutor(jobs, mp_context=context)
    declarations = tuple(workshop.project.modules.values())
    return ProcessPoolExecutor(jobs, mp_context=context, initializer=_prepare, initargs=(root, settings, declarations))


def _prepare(root: Path, settings: Settings, declarations: tuple[Declarations, ...]) -> None:
    _OURS[:] = [Workshop(root, settings, declarations)]


def _answer(tasks: Sequence[_Task]) -> _Answer:
    workshop = _OURS[0]
    return [(path, *workshop.check(refs)) for path, refs in tasks]


def _context() -> multiprocessing.context.BaseContext:
    methods = multiprocessing.get_all_start_methods()
    return multiprocessing.get_context("fork" if "fork" in methods else "spawn")


def _parts(items: Sequence[_Item], jobs: int, size: Callable[[_Item], int]) -> list[list[_Item]]:
    """The items in parts of about the same size, the largest items first."""
    parts: list[list[_Item]] = [[] for _ in range(min(len(items), jobs * _CHUNKS_EACH))]
    for position, item in enumerate(sorted(items, key=size, reverse=True)):
        parts[position % len(parts)].append(item)
    return parts
