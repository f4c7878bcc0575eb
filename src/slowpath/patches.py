"""A unified diff read backwards: what the files that it changes said before."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from slowpath.config import is_checkout
from slowpath.discovery import Folder
from slowpath.errors import SlowpathError
from slowpath.since import Change

_HUNK = re.compile(r"@@ -\d+(?:,\d+)? \+(?P<start>\d+)(?:,(?P<length>\d+))? @@")


class PatchError(SlowpathError):
    """A diff that does not fit the files."""


class Hunk(Struct, frozen=True):
    """A stretch of a file: where it begins now, how it was before and how it is now, and which of its lines are new."""

    start: int
    before: tuple[str, ...]
    after: tuple[str, ...]
    new: tuple[int, ...]


class Patch(Struct, frozen=True):
    """What is changed in one file; a path is empty where there is no such file before or after."""

    old: str
    path: str
    hunks: tuple[Hunk, ...]


def change_in(folder: Folder, text: str) -> Change:
    """The change that a diff between an earlier state and the files as they are now tells of."""
    top = next((each for each in (folder.root, *folder.root.parents) if is_checkout(each)), folder.root)
    before: dict[str, str | None] = {}
    lines: dict[str, frozenset[int]] = {}
    for patch in patches_in(text.replace("\r\n", "\n").split("\n")):
        old, path = _inside(folder, top, patch.old), _inside(folder, top, patch.path)
        if path:
            before[path] = None
            lines[path] = frozenset(number for hunk in patch.hunks for number in hunk.new)
        if old:
            before[old] = _undone(patch, folder.lines_of(path) if path else [])
    return Change(before, lines)


def patches_in(lines: Sequence[str]) -> Iterator[Patch]:
    """The patches of a diff, one for each file."""
    place = 0
    while place + 1 < len(lines):
        if not (lines[place].startswith("--- ") and lines[place + 1].startswith("+++ ")):
            place += 1
            continue
        old, path = _named(lines[place]), _named(lines[place + 1])
        place += 2
        hunks = []
        while place < len(lines) and (match := _HUNK.match(lines[place])):
            hunk, place = _hunk(lines, place + 1, int(match["start"]), int(match["length"] or 1))
            hunks.append(hunk)
        yield Patch(old, path, tuple(hunks))


def _hunk(lines: Sequence[str], place: int, start: int, length: int) -> tuple[Hunk, int]:
    before: list[str] = []
    after: list[str] = []
    new: list[int] = []
    while place < len(lines) and (lines[place][:1] in ("-", "\\") or len(after) < length):
        mark, text = lines[place][:1], lines[place][1:]
        # Some programs leave out the blank of an empty line.
        if mark in (" ", "", "-"):
            before.append(text)
        if mark in (" ", "", "+"):
            after.append(text)
        if mark == "+":
            new.append(start + len(after) - 1)
        place += 1
    # Of no lines the start is the line before.
    return Hunk(start if length else start + 1, tuple(before), tuple(after), tuple(new)), place


def _undone(patch: Patch, lines: list[str]) -> str:
    lines = list(lines)
    for hunk in reversed(patch.hunks):
        stretch = slice(hunk.start - 1, hunk.start - 1 + len(hunk.after))
        if tuple(lines[stretch]) != hunk.after:
            raise PatchError(
                f"--diff: does not fit {patch.path or patch.old}: it must be a diff to the files as they are"
            )
        lines[stretch] = hunk.before
    return "\n".join(lines)


def _named(line: str) -> str:
    name = line[4:].partition("\t")[0].strip().strip('"')
    if name == "/dev/null":
        return ""
    return name[2:] if name.startswith(("a/", "b/", "i/", "w/", "c/")) else name


def _inside(folder: Folder, top: Path, name: str) -> str:
    """The path in the project; empty if it is not in it."""
    path = top / name
    return path.relative_to(folder.root).as_posix() if name and path.is_relative_to(folder.root) else ""
