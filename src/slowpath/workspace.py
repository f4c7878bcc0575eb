"""A folder on disk as a program: what every front end asks."""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from slowpath import config, discovery, selection, suppression
from slowpath.baseline import Baseline, Comparison, Entry, compared
from slowpath.cache import Declared, Snapshot, Stamp, Store
from slowpath.config import Settings
from slowpath.discovery import File, Folder
from slowpath.finding import Finding, Skipped
from slowpath.roles import apps_in, role_of
from slowpath.source import Source

if TYPE_CHECKING:
    from slowpath.caching.listing import Listing
    from slowpath.database import Database
    from slowpath.rules import Whole
    from slowpath.source import Place

# The analysis is imported where it is needed: a run with nothing changed loads no parser and no rule.

Progress = Callable[[int, int], None]


class Report(Struct, frozen=True):
    """What a run has to say. `files` counts the project's files, `suppressed` the findings that comments silenced.

    Where there is a baseline, `findings` are the new ones, and `baseline` has the others. `sql` counts the project's
    statements in SQL that were `read`, and the others by reason.
    """

    findings: tuple[Finding, ...]
    skipped: tuple[Skipped, ...]
    files: int
    suppressed: int
    baseline: Comparison | None = None
    sql: Mapping[str, int] = {}


def run(
    root: Path,
    settings: Settings,
    targets: Sequence[str],
    *,
    cache: bool,
    jobs: int,
    progress: Progress | None = None,
    texts: Mapping[str, str | None] | None = None,
    noqa: bool = True,
    known: Baseline | None = None,
    slot: str = "",
    changed: Container[str] = (),
) -> Report:
    """Analyse the project below root and report on the targets.

    When no file has changed since the last run nothing is analysed, whichever rules are selected. `texts` are what
    files say instead of what is on disk. Without `noqa`, such comments silence nothing.
    `known` are findings that are not to be reported, `changed` files of which what is past is of interest as well.
    Another state of the project is remembered in a `slot` of its own.
    """
    folder = Folder(root, settings.max_file_size, texts or {})
    taken_ns = time.time_ns()
    listing = folder.listing(settings.exclude)
    store = Store(root, settings, slot) if cache else None
    snapshot = store.snapshot() if store is not None else None
    if snapshot is None or not _is_true(snapshot, folder, listing.files):
        snapshot = _taken(taken_ns, folder, settings, listing.files, store, snapshot, jobs, progress)
    report = _report(folder, settings, targets, snapshot, listing.skipped, _counted(listing.files), noqa, changed)
    return report if known is None else _beside(report, known, settings, targets, snapshot)


def _counted(files: Sequence[File]) -> int:
    """How many files are checked; those in SQL are only read."""
    return sum(file.path.endswith(".py") for file in files)


def _is_true(snapshot: Snapshot, folder: Folder, files: Sequence[File]) -> bool:
    """Whether there are the same files as then, saying the same."""
    if snapshot.stamps.keys() != {file.path for file in files}:
        return False
    failed = {each.path for each in snapshot.skipped}
    for file in files:
        stamp = snapshot.stamps[file.path]
        if stamp == Stamp(file.size, file.mtime_ns, stamp.digest) and stamp.is_sure(snapshot.taken_ns):
            continue
        # Nobody read it, or nobody could.
        if not stamp.digest and file.path not in failed:
            continue
        source = folder.read(file.path)
        if (source.digest if isinstance(source, Source) else "") != stamp.digest:
            return False
    return True


def _taken(
    taken_ns: int,
    folder: Folder,
    settings: Settings,
    files: Sequence[File],
    store: Store | None,
    old: Snapshot | None,
    jobs: int,
    progress: Progress | None,
) -> Snapshot:
    from slowpath.analysis import analyse
    from slowpath.indexing import declared_in

    declared = store.declared() if store is not None else None
    memory = store.memory() if store is not None else None
    known = declared.files if declared is not None else {}
    sure = {path: stamp for path, stamp in old.stamps.items() if stamp.is_sure(old.taken_ns)} if old is not None else {}
    bar = _Bar(progress, len(files))
    index = declared_in(folder, settings, files, sure, known, jobs=jobs, progress=bar.read)
    result = analyse(folder, settings, index, memory, jobs=jobs, progress=bar.check)
    snapshot = Snapshot(
        taken_ns, index.stamps, result.rules, result.findings, (*index.skipped, *result.failed), result.sql
    )
    if store is not None:
        store.keep(*((Declared(index.declarations),) if index.changed else ()), result.memory, snapshot)
    return snapshot


class _Bar:
    """How far a run is: the first half is reading files, the second checking functions."""

    def __init__(self, progress: Progress | None, files: int) -> None:
        self._progress = progress
        self._files = files
        self._read = 0

    def read(self, files: int) -> None:
        """So many more files were read."""
        self._read += files
        self._show(self._read)

    def check(self, done: int, total: int) -> None:
        """So many of so many functions were checked."""
        self._show(self._files + self._files * done // max(total, 1))

    def _show(self, done: int) -> None:
        if self._progress is not None:
            self._progress(done, 2 * self._files)


def _report(
    folder: Folder,
    settings: Settings,
    targets: Sequence[str],
    snapshot: Snapshot,
    skipped: tuple[Skipped, ...],
    files: int,
    noqa: bool,
    changed: Container[str],
) -> Report:
    rules = config.selected(snapshot.rules, settings)
    below = (finding for finding in snapshot.findings if discovery.is_below(finding.path, targets))
    kept: list[Finding] = []
    suppressed = 0
    for path, group in groupby(
        selection.wanted(below, rules, settings, snapshot.stamps, changed), key=lambda finding: finding.path
    ):
        result = suppression.suppress(path, folder.lines_of(path), group, noqa=noqa)
        kept.extend(result.kept)
        suppressed += len(result.suppressed)
    said = (each for each in (*skipped, *snapshot.skipped) if discovery.is_below(each.path, targets))
    return Report(tuple(kept), tuple(said), files, suppressed, sql=snapshot.sql)


def _beside(report: Report, known: Baseline, settings: Settings, targets: Sequence[str], snapshot: Snapshot) -> Report:
    """The report with only what is new in it."""
    everything = {finding.fingerprint for finding in snapshot.findings}
    unread = {skipped.path for skipped in report.skipped}
    apps = apps_in(snapshot.stamps)

    def lives(entry: Entry) -> bool:
        seen = discovery.is_below(entry.path, targets) and role_of(entry.path, apps) in (
            "production",
            *settings.include_roles,
        )
        return entry.fingerprint in everything or entry.path in unread or not seen

    comparison = compared(report.findings, known, is_there=snapshot.stamps.__contains__, lives=lives)
    return replace(report, findings=comparison.new, baseline=comparison)


def database(root: Path, settings: Settings) -> tuple[Database, Callable[[str], str]]:
    """The project's tables, and the path of each of its modules; empty for those of libraries."""
    from slowpath.analysis import workshop_of

    folder = Folder(root, settings.max_file_size)
    workshop = workshop_of(folder, settings, folder.listing(settings.exclude).files)
    modules = workshop.project.modules
    whole = workshop.whole(workshop.check(workshop.sources()).answers)
    return whole.database, lambda module: modules[module].path if module in modules else ""


def caches(root: Path, settings: Settings, *, jobs: int) -> tuple[Listing, dict[Place, tuple[str, int]]]:
    """What the project keeps in caches, with the path and line of every place that is named."""
    from slowpath.analysis import caches_of
    from slowpath.indexing import declared_in

    folder = Folder(root, settings.max_file_size)
    index = declared_in(folder, settings, folder.listing(settings.exclude).files, {}, {}, jobs=jobs)
    return caches_of(folder, settings, index, jobs=jobs)


def why(root: Path, settings: Settings, path: str, line: int) -> str:
    """What slowpath believes of the loops and queries on this line."""
    from slowpath.analysis import workshop_of
    from slowpath.explanation import explain

    folder = Folder(root, settings.max_file_size)
    workshop = workshop_of(folder, settings, folder.listing(settings.exclude).files)
    lines = workshop.texts.lines_of(path)
    return explain(workshop.program, workshop.rules, workshop.roots, path, line, lines)


def survey(root: Path, settings: Settings, jobs: int) -> Whole:
    """What all functions of the project show of it, for those who judge it as a whole."""
    from slowpath import analysis

    folder = Folder(root, settings.max_file_size)
    return analysis.survey(folder, settings, folder.listing(settings.exclude).files, jobs=jobs)
