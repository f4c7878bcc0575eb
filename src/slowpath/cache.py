"""What was found out before, on disk. Deleting it costs time and changes nothing; what cannot be read is made anew."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

import slowpath
from slowpath.config import Settings, counted_in
from slowpath.declarations import Declarations
from slowpath.facts import AnyFact
from slowpath.finding import Finding, Problem, Skipped
from slowpath.roles import Role
from slowpath.source import Span, digest_of

_TAG = "Signature: 8a477f597d28d172789f06886806bc55\n# Written by slowpath; it may be deleted at any time.\n"

# How coarse the clocks of file systems can be: what was written this shortly before may have been written again since.
_BLINK_NS = 2_000_000_000

Stored = TypeVar("Stored")


class Stamp(Struct, frozen=True, array_like=True):
    """What tells without reading it that a file is as it was, and the digest of its text; empty if nobody read it."""

    size: int
    mtime_ns: int
    digest: str

    def is_sure(self, taken_ns: int) -> bool:
        """Whether the file, looked at then, cannot have been written again without looking different."""
        return bool(self.digest) and self.mtime_ns < taken_ns - _BLINK_NS


class RuleName(Struct, frozen=True, array_like=True):
    """What selecting a rule takes to know of it."""

    code: str
    name: str
    default: bool
    roles: tuple[Role, ...]


class Snapshot(Struct, frozen=True):
    """The last run: which files there were when it began, and everything that all rules had to say. `sql` counts the
    statements in SQL that were `read`, and the others by reason."""

    taken_ns: int
    stamps: dict[str, Stamp]
    rules: tuple[RuleName, ...]
    findings: tuple[Finding, ...]
    skipped: tuple[Skipped, ...]
    sql: dict[str, int]


class Reported(Struct, frozen=True, array_like=True):
    """A problem and the code of the rule that has it."""

    code: str
    problem: Problem


class Answer(Struct, frozen=True, array_like=True):
    """What one function showed: problems, and facts that only the whole project can judge.

    `consulted` are numbers of the sources it was found out from.
    `unreadable` is the line in the function, the column and the reason when LibCST could not read it.
    """

    module: str
    qualname: str
    consulted: tuple[int, ...]
    reported: tuple[Reported, ...]
    facts: tuple[AnyFact, ...] = ()
    unreadable: tuple[int, int, str] | None = None


class Consulted(Struct, frozen=True, array_like=True):
    """A function, or with no qualified name the lines of a module, as it was when something was found out from it."""

    module: str
    qualname: str
    state: str


class Memory(Struct, frozen=True):
    """What functions showed, which holds while the project declares the same and their sources are in the same state.

    `spans` are the places of nodes, by the digest of their function and their number; lines count from its first.
    """

    project: str
    sources: tuple[Consulted, ...]
    answers: tuple[Answer, ...]
    spans: dict[str, dict[int, Span]]


class Declared(Struct, frozen=True):
    """The declarations of all files, by path."""

    files: dict[str, Declarations]


def key_of(root: Path, settings: Settings) -> str:
    """What everything depends on besides the files: this very slowpath, LibCST, Python, what it is told to look at."""
    parts = (
        slowpath.__version__,
        sys.version_info[:3],
        sorted(_parts_of(Path(slowpath.__file__).parent)),
        _installed("libcst"),
        settings.include_roles,
        settings.max_file_size,
        settings.django_version,
        settings.dialect,
        counted_in(root, settings),
        msgspec.json.encode(settings.knowledge, order="deterministic").decode(),
    )
    return digest_of(repr(parts))


def _installed(library: str) -> tuple[str, int]:
    """What tells, without importing it, that a library is the same."""
    spec = find_spec(library)
    origin = spec.origin if spec is not None else None
    return (origin, os.stat(origin).st_mtime_ns) if origin else ("", 0)


def _parts_of(folder: Path) -> Iterator[tuple[str, int, int]]:
    """What tells that the code and the tables of a package are the same."""
    waiting = [str(folder)]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.name.endswith((".py", ".toml")):
                    stat = entry.stat()
                    yield entry.path, stat.st_size, stat.st_mtime_ns
                elif entry.is_dir() and entry.name != "__pycache__":
                    waiting.append(entry.path)


def _folder_of(root: Path, settings: Settings) -> Path:
    """The project's own folder in the one that the environment names, or else the one of the settings."""
    named = os.environ.get("SLOWPATH_CACHE_DIR")
    return Path(named).absolute() / digest_of(str(root)) if named else root / settings.cache_dir


class Store:
    """The folder that holds it; a slot is a part of it for another state of the project. Nothing here raises: a cache
    that cannot be written is no cache."""

    def __init__(self, root: Path, settings: Settings, slot: str = "") -> None:
        self._main = _folder_of(root, settings)
        self._folder = self._main / slot
        self._key = key_of(root, settings).encode()

    def snapshot(self) -> Snapshot | None:
        """The last run."""
        return self._read("snapshot", Snapshot)

    def memory(self) -> Memory | None:
        """What functions showed in the last run."""
        return self._read("memory", Memory)

    def declared(self) -> Declared | None:
        """What files declared in the last run."""
        return self._read("declared", Declared)

    def keep(self, *values: Snapshot | Memory | Declared) -> None:
        """Remember these, each in the place of the last one of its kind."""
        for value in values:
            self._write(type(value).__name__.lower(), msgspec.msgpack.encode(value))

    def _read(self, name: str, kind: type[Stored]) -> Stored | None:
        try:
            file = self._file(name)
            # What has a slot of its own for the first time begins with what the others know.
            data = (file if file.exists() else self._main / file.name).read_bytes()
            if not data.startswith(self._key):
                return None
            return msgspec.msgpack.decode(memoryview(data)[len(self._key) :], type=kind)
        except (OSError, ValueError, RecursionError):
            return None

    def _write(self, name: str, data: bytes) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._label()
            handle, path = tempfile.mkstemp(dir=self._folder, prefix=name)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(self._key + data)
                # Whoever reads at this moment sees the old file or the new one, whole.
                os.replace(path, self._file(name))
            except OSError:
                os.unlink(path)
        except OSError:
            return

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.msgpack"

    def _label(self) -> None:
        """Say to version control and to backups that nobody needs this folder."""
        for name, text in ((".gitignore", "*\n"), ("CACHEDIR.TAG", _TAG)):
            file = self._folder / name
            if not file.exists():
                file.write_text(text, encoding="utf-8")
