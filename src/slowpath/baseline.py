"""Findings that a project knows of and lives with: a file that names them, and may only become shorter."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from slowpath.errors import SlowpathError
from slowpath.finding import Finding

VERSION = 1


class BaselineError(SlowpathError):
    """A baseline that cannot be read or written."""


class Entry(Struct, frozen=True):
    """A known finding. The fingerprint is what counts; the rest is for readers, and for files that are moved."""

    fingerprint: str
    code: str
    name: str
    path: str
    function: str
    message: str


class Baseline(Struct, frozen=True):
    """The known findings of a project."""

    version: int
    findings: tuple[Entry, ...]


class Comparison(Struct, frozen=True):
    """Findings beside a baseline.

    `new` it does not know, `known` it does. Of its other entries `gone` are those whose finding there is no more, and
    `kept` those that nothing can be said of: out of sight, silenced, or not selected.
    """

    new: tuple[Finding, ...]
    known: tuple[Finding, ...]
    gone: tuple[Entry, ...]
    kept: tuple[Entry, ...]


def compared(
    findings: Sequence[Finding], baseline: Baseline, *, is_there: Callable[[str], bool], lives: Callable[[Entry], bool]
) -> Comparison:
    """Which of the findings are new, and what has become of the others.

    A finding whose file was moved is known by its rule, its function and its message, as often as the baseline has
    that of a file that is not there any more. `lives` says whether an entry that no finding answers to may still be
    true.
    """
    entries = {entry.fingerprint: entry for entry in baseline.findings}
    moved: dict[tuple[str, str, str], list[Entry]] = {}
    for entry in baseline.findings:
        if not is_there(entry.path):
            moved.setdefault((entry.code, entry.function, entry.message), []).append(entry)
    new: list[Finding] = []
    known: list[Finding] = []
    for finding in findings:
        same = moved.get((finding.code, finding.function, finding.message), [])
        fingerprint = finding.fingerprint
        if fingerprint not in entries and same:
            fingerprint = same.pop(0).fingerprint
        (known if entries.pop(fingerprint, None) is not None else new).append(finding)
    kept = tuple(entry for entry in entries.values() if lives(entry))
    gone = tuple(entry for entry in entries.values() if entry not in kept)
    return Comparison(tuple(new), tuple(known), gone, kept)


def new_in(
    findings: Sequence[Finding], before: Iterable[Finding], baseline: Baseline, *, is_there: Callable[[str], bool]
) -> tuple[Finding, ...]:
    """The findings of one file that are new, as they are when those of all files are compared.

    Those `before` this file are only looked at where one of it may be known from a file that was moved.
    """
    entries = {entry.fingerprint for entry in baseline.findings}
    moved = {(each.code, each.function, each.message) for each in baseline.findings if not is_there(each.path)}
    claims = any((f.code, f.function, f.message) in moved and f.fingerprint not in entries for f in findings)
    together = [*(before if claims else ()), *findings]
    new = {each.fingerprint for each in compared(together, baseline, is_there=is_there, lives=lambda _: True).new}
    return tuple([finding for finding in findings if finding.fingerprint in new])


def baseline_of(findings: Iterable[Finding], kept: Iterable[Entry] = ()) -> Baseline:
    """The baseline that knows these findings, and has these entries besides."""
    entries = {entry.fingerprint: entry for entry in (*kept, *map(_entry, findings))}
    order = sorted(entries.values(), key=lambda each: (each.path, each.function, each.code, each.fingerprint))
    return Baseline(VERSION, tuple(order))


def read(file: Path) -> Baseline | None:
    """The baseline in this file, if there is one."""
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BaselineError(f"{file}: cannot be read: {(error.strerror or 'unknown').lower()}") from None
    try:
        baseline = msgspec.json.decode(data, type=Baseline)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BaselineError(f"{file}: not a baseline; write it anew with `slowpath baseline`") from None
    if baseline.version != VERSION:
        raise BaselineError(f"{file}: version {baseline.version} is of another slowpath; this one reads {VERSION}")
    return baseline


def write(file: Path, baseline: Baseline) -> None:
    """Put the baseline into the file: an entry per line, so that changes merge."""
    rows = ",\n".join(json.dumps(msgspec.to_builtins(entry), ensure_ascii=False) for entry in baseline.findings)
    text = f'{{"version": {baseline.version}, "findings": [\n{rows}\n]}}\n'
    part = file.with_name(f".{file.name}.part")
    try:
        part.write_text(text, encoding="utf-8")
        os.replace(part, file)
    except OSError as error:
        raise BaselineError(f"{file}: cannot be written: {(error.strerror or 'unknown').lower()}") from None


def _entry(finding: Finding) -> Entry:
    return Entry(finding.fingerprint, finding.code, finding.name, finding.path, finding.function, finding.message)
