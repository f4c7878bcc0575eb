"""What was found out before, on disk. Deleting it costs time and changes nothing; whatever cannot be read is made anew."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from slowpath import __version__
from slowpath.config import Settings
from slowpath.declarations import Declarations
from slowpath.finding import Finding, Problem, Skipped
from slowpath.source import digest_of

_FORMAT = 1
_TAG = "Signature: 8a477f597d28d172789f06886806bc55\n# Written by slowpath; it may be deleted at any time.\n"

Stored = TypeVar("Stored")


class Stamp(Struct, frozen=True, array_like=True):
    """What tells without reading it that a file is as it was, and the digest of its text."""

    size: int
    mtime_ns: int
    digest: str


class Reported(Struct, frozen=True, array_like=True):
    """A problem and the code of the rule that has it."""

    code: str
    problem: Problem


class Checked(Struct, frozen=True, array_like=True):
    """What the functions of one file showed, and the functions that were read for it: module, qualified name, digest."""

    consulted: tuple[tuple[str, str, str], ...]
    reported: tuple[Reported, ...]


class Snapshot(Struct, frozen=True):
    """The last run: which files there were, and everything it had to say."""

    key: str
    stamps: dict[str, Stamp]
    findings: tuple[Finding, ...]
    skipped: tuple[Skipped, ...]


class Memory(Struct, frozen=True):
    """What can be used again when some files have changed. `project` is the digest of all declarations together."""

    key: str
    project: str
    declarations: dict[str, Declarations]
    checked: dict[str, Checked]


def key_of(settings: Settings) -> str:
    """What else the results depend on: the versions of slowpath and Python, and the settings that decide what is looked for."""
    parts = (
        __version__,
        _FORMAT,
        sys.version_info[:2],
        settings.select,
        settings.extend_select,
        settings.ignore,
        settings.exclude,
        settings.include_roles,
        settings.max_file_size,
        msgspec.json.encode(settings.knowledge, order="deterministic").decode(),
    )
    return digest_of(repr(parts))


class Store:
    """The folder that holds it. Nothing here raises: a cache that cannot be written is no cache."""

    def __init__(self, root: Path, settings: Settings) -> None:
        self._folder = root / settings.cache_dir
        self._key = key_of(settings)

    def snapshot(self) -> Snapshot | None:
        """The last run with these settings."""
        found = self._read("snapshot", Snapshot)
        return found if found is not None and found.key == self._key else None

    def memory(self) -> Memory | None:
        """What the last run with these settings found out."""
        found = self._read("memory", Memory)
        return found if found is not None and found.key == self._key else None

    def keep(
        self,
        stamps: dict[str, Stamp],
        findings: tuple[Finding, ...],
        skipped: tuple[Skipped, ...],
        memory: tuple[str, dict[str, Declarations], dict[str, Checked]],
    ) -> None:
        """Remember a run. The memory goes first: a snapshot without one is of no use to the next edit."""
        self._write("memory", Memory(self._key, *memory))
        self._write("snapshot", Snapshot(self._key, stamps, findings, skipped))

    def _read(self, name: str, kind: type[Stored]) -> Stored | None:
        try:
            return msgspec.msgpack.decode((self._folder / f"{name}.msgpack").read_bytes(), type=kind)
        except (OSError, msgspec.DecodeError, RecursionError):
            return None

    def _write(self, name: str, value: Struct) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._label()
            handle, path = tempfile.mkstemp(dir=self._folder, prefix=name)
            with os.fdopen(handle, "wb") as file:
                file.write(msgspec.msgpack.encode(value))
            os.replace(path, self._folder / f"{name}.msgpack")
        except (OSError, OverflowError, RecursionError):
            return

    def _label(self) -> None:
        """Say to version control and to backups that nobody needs this folder."""
        for name, text in ((".gitignore", "*\n"), ("CACHEDIR.TAG", _TAG)):
            file = self._folder / name
            if not file.exists():
                file.write_text(text, encoding="utf-8")
