"""A folder on disk as a program: what every front end asks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct

from slowpath import config, discovery, knowledge, suppression
from slowpath.config import Settings
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
    """Analyse the project below root and report on the targets."""
    from slowpath import engine
    from slowpath.declarations import declare
    from slowpath.project import link
    from slowpath.rules import load
    from slowpath.schema import Schema
    from slowpath.semantics.program import Program
    from slowpath.semantics.relevance import Relevance

    listing = discovery.listing_of(root, settings.exclude)
    sources: dict[str, Source] = {}
    skipped: list[Skipped] = list(listing.skipped)
    declared = []
    for file in listing.files:
        source = discovery.read(root, file.path, limit=settings.max_file_size)
        if isinstance(source, Skipped):
            skipped.append(source)
            continue
        sources[file.path] = source
        declarations = declare(source)
        if declarations.problem is not None:
            skipped.append(Skipped("SLO001", file.path, *declarations.problem))
        declared.append(declarations)
    project = link(declared)
    tables = knowledge.load(settings.knowledge or None, "pyproject.toml")
    schema = Schema(model for dialect in tables.dialects for model in dialect.models(project))
    relevance = Relevance(project, schema, tables)
    lines: dict[str, list[str]] = {}

    def lines_of(path: str) -> list[str]:
        if path not in lines:
            lines[path] = sources[path].lines()
        return lines[path]

    program = Program(project, schema, tables, lines_of, relevance.matters)
    rules = config.selected(load(), settings)
    roots = [ref for ref in relevance.roots() if _is_wanted(project.path_of(ref.module), settings)]
    checked = engine.check(program, rules, roots)
    found = engine.findings(program, checked.found, lines_of)
    kept: list[Finding] = []
    suppressed = 0
    by_path: dict[str, list[Finding]] = {}
    for finding in found:
        if (
            discovery.is_below(finding.path, targets)
            and config.is_wanted(finding, settings)
            and _is_wanted(finding.path, settings)
        ):
            by_path.setdefault(finding.path, []).append(finding)
    for path, group in by_path.items():
        result = suppression.suppress(lines_of(path), group)
        kept.extend(result.kept)
        suppressed += len(result.suppressed)
    return Report(tuple(kept), (*skipped, *checked.crashes), len(sources), suppressed)


def _is_wanted(path: str, settings: Settings) -> bool:
    role = role_of(path)
    return role == "production" or role in settings.include_roles


def why(root: Path, settings: Settings, path: str, line: int) -> str:
    """What slowpath believes of the loops and queries on this line."""
    return ""
