"""A folder on disk as a program: what every front end asks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct

from slowpath import cache as caches
from slowpath import config, discovery, suppression
from slowpath.cache import Stamp, Store
from slowpath.config import Settings
from slowpath.discovery import File
from slowpath.finding import Finding, Skipped
from slowpath.roles import role_of
from slowpath.source import Source


class Report(Struct, frozen=True):
    """What a run has to say. `files` counts the files it looked at, `suppressed` the findings that comments
    silenced."""

    findings: tuple[Finding, ...]
    skipped: tuple[Skipped, ...]
    files: int
    suppressed: int


def run(
    root: Path,
    settings: Settings,
    targets: Sequence[str],
    *,
    cache: bool,
    jobs: int,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Analyse the project below root and report on the targets.

    When no file has changed since the last run with these settings, nothing is analysed, and neither LibCST nor
    sqlglot is imported.
    """
    listing = discovery.listing_of(root, settings.exclude)
    store = Store(root, settings) if cache else None
    snapshot = store.snapshot() if store is not None else None
    if snapshot is not None and _is_unchanged(listing.files, snapshot.stamps, snapshot.skipped):
        findings, skipped = snapshot.findings, snapshot.skipped
    else:
        findings, skipped = _analysed(root, settings, listing.files, store, snapshot, jobs, progress)
    return _report(root, settings, targets, findings, (*listing.skipped, *skipped), len(listing.files))


def _is_unchanged(files: Sequence[File], stamps: dict[str, Stamp], skipped: Sequence[Skipped]) -> bool:
    unread = {each.path for each in skipped} - stamps.keys()
    if len(files) != len(stamps) or unread:
        return False
    return all(
        (stamp := stamps.get(file.path)) is not None and (stamp.size, stamp.mtime_ns) == (file.size, file.mtime_ns)
        for file in files
    )


def _analysed(
    root: Path,
    settings: Settings,
    files: Sequence[File],
    store: Store | None,
    snapshot: caches.Snapshot | None,
    jobs: int,
    progress: Callable[[int, int], None] | None,
) -> tuple[tuple[Finding, ...], tuple[Skipped, ...]]:
    from slowpath.analysis import analyse

    memory = store.memory() if store is not None and snapshot is not None else None
    known = snapshot.stamps if snapshot is not None else {}
    result = analyse(root, settings, files, known=known, memory=memory, jobs=jobs, progress=progress)
    if store is not None and not any(each.code == "SLO002" for each in result.skipped):
        store.keep(
            result.stamps, result.findings, result.skipped, (result.project, result.declarations, result.checked)
        )
    return result.findings, result.skipped


def _report(
    root: Path,
    settings: Settings,
    targets: Sequence[str],
    findings: Sequence[Finding],
    skipped: tuple[Skipped, ...],
    files: int,
) -> Report:
    by_path: dict[str, list[Finding]] = {}
    for finding in findings:
        wanted = discovery.is_below(finding.path, targets) and config.is_wanted(finding, settings)
        if wanted and _has_wanted_role(finding.path, settings):
            by_path.setdefault(finding.path, []).append(finding)
    kept: list[Finding] = []
    suppressed = 0
    for path, group in by_path.items():
        source = discovery.read(root, path, limit=settings.max_file_size)
        result = suppression.suppress(source.lines() if isinstance(source, Source) else [], group)
        kept.extend(result.kept)
        suppressed += len(result.suppressed)
    said = tuple(each for each in skipped if discovery.is_below(each.path, targets))
    return Report(tuple(kept), said, files, suppressed)


def _has_wanted_role(path: str, settings: Settings) -> bool:
    role = role_of(path)
    return role == "production" or role in settings.include_roles


def why(root: Path, settings: Settings, path: str, line: int) -> str:
    """What slowpath believes of the loops and queries on this line."""
    from slowpath.analysis import Workshop, declared_in
    from slowpath.explanation import explain

    files = discovery.listing_of(root, settings.exclude).files
    workshop = Workshop(root, settings, declared_in(root, settings, files))
    lines = workshop.texts.lines_of(path)
    return explain(workshop.program, workshop.rules, path, line, lines)
