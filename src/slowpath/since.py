"""What a change brings: findings that were not there before it, and those that it touches."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from slowpath.baseline import baseline_of, compared
from slowpath.discovery import Folder, decoded
from slowpath.errors import SlowpathError
from slowpath.finding import Finding
from slowpath.source import Source
from slowpath.workspace import Report

_READ = (".py", ".sql")


class GitError(SlowpathError):
    """Something that git does not know or cannot do."""


class Change(Struct, frozen=True):
    """What changed files said before (None: there was no such file), and which of their lines are new."""

    before: dict[str, str | None]
    lines: dict[str, frozenset[int]]


def change_since(folder: Folder, revision: str) -> Change:
    """What has changed in the project since the point where it left this revision, saved or committed."""
    root = folder.root
    found = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if found is None:
        raise GitError(f"--since: git knows no revision `{revision}` in {root}")
    commit = found.decode().strip()
    # What others have done since is no part of this change.
    fork = _git(root, "merge-base", commit, "HEAD")
    commit = fork.decode().strip() if fork else commit
    changed = _paths(_git(root, "diff", "--name-only", "--no-renames", "--no-ext-diff", "--relative", "-z", commit))
    new = _paths(_git(root, "ls-files", "--others", "--exclude-standard", "-z"))
    before = {path: _text_of(root, commit, path) for path in sorted({*changed, *new}) if path.endswith(_READ)}
    return Change(before, {path: _new_lines(text, folder.lines_of(path)) for path, text in before.items()})


def caused(report: Report, before: Sequence[Finding], change: Change, folder: Folder) -> Report:
    """The report with only what was not found before, and what has a changed line in its evidence."""
    known = baseline_of(before)
    comparison = compared(
        report.findings, known, is_there=lambda path: (folder.root / path).is_file(), lives=lambda entry: False
    )
    new = {finding.fingerprint for finding in comparison.new}
    findings = [each for each in report.findings if each.fingerprint in new or _touches(each, change)]
    return replace(report, findings=tuple(findings))


def _touches(finding: Finding, change: Change) -> bool:
    places = [(finding.path, finding.span), *((step.path, step.span) for step in finding.related)]
    return any(
        not change.lines.get(path, frozenset()).isdisjoint(range(span.line, span.end_line + 1)) for path, span in places
    )


def _new_lines(before: str | None, after: Sequence[str]) -> frozenset[int]:
    old = before.replace("\r\n", "\n").replace("\r", "\n").split("\n") if before is not None else []
    matcher = SequenceMatcher(None, old, after)
    return frozenset(_numbers((start, end) for tag, _, _, start, end in matcher.get_opcodes() if tag != "equal"))


def _numbers(stretches: Iterable[tuple[int, int]]) -> Iterator[int]:
    for start, end in stretches:
        yield from range(start + 1, end + 1)


def _text_of(root: Path, commit: str, path: str) -> str | None:
    data = _git(root, "cat-file", "blob", f"{commit}:./{path}")
    source = decoded(path, data) if data is not None else None
    return source.text if isinstance(source, Source) else None


def _paths(output: bytes | None) -> list[str]:
    if output is None:
        raise GitError("--since: git cannot say what has changed; is this folder a repository?")
    return [path.decode("utf-8", "surrogateescape") for path in output.split(b"\0") if path]


def _git(root: Path, *arguments: str) -> bytes | None:
    """What git answers; None if it says no."""
    try:
        # A repository's own settings may name programs: none of them is to be run.
        ended = subprocess.run(
            ["git", "-c", "core.fsmonitor=false", *arguments],  # noqa: S607
            cwd=root,
            check=False,
            capture_output=True,
            stdin=subprocess.DEVNULL,
        )
    except OSError:
        raise GitError("--since: needs git, and there is none") from None
    return ended.stdout if ended.returncode == 0 else None
