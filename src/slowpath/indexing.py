"""The declarations of a project's files: those that have changed are read, on as many processors as there are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from slowpath.cache import Stamp
from slowpath.config import Settings
from slowpath.declarations import Declarations, declare
from slowpath.discovery import File, Folder
from slowpath.finding import Skipped
from slowpath.processes import parts, shared, worth
from slowpath.roles import role_of
from slowpath.scripts import is_script, script
from slowpath.source import Source
from slowpath.suppression import speaks

_Unread = tuple[File, str]


class Read(Struct, frozen=True, array_like=True):
    """One file as it was read: its declarations, or why there are none."""

    path: str
    stamp: Stamp
    declarations: Declarations | None
    skipped: Skipped | None


class Index(Struct, frozen=True):
    """What the files of a project declare, why some declare nothing, and how to tell that they are still the same."""

    declarations: dict[str, Declarations]
    skipped: tuple[Skipped, ...]
    stamps: dict[str, Stamp]
    changed: bool


def declared_in(
    folder: Folder,
    settings: Settings,
    files: Sequence[File],
    stamps: Mapping[str, Stamp],
    known: Mapping[str, Declarations],
    *,
    jobs: int,
    progress: Callable[[int], None] = lambda done: None,
) -> Index:
    """What the files declare; those whose text is `known` to declare something are not read again.

    A test that nothing else imports is left alone, unless tests are to be checked.
    """
    wanted = [file for file in files if role_of(file.path) != "test" or "test" in settings.include_roles]
    tests = _Tests(file for file in files if role_of(file.path) == "test" and "test" not in settings.include_roles)
    result: dict[str, Read] = {}
    while wanted:
        reads = _read(folder, settings, wanted, stamps, known, jobs, progress)
        result |= reads
        wanted = tests.named_by(each.declarations for each in reads.values())
    declared = {path: read.declarations for path, read in sorted(result.items()) if read.declarations is not None}
    unread = {file.path: Stamp(file.size, file.mtime_ns, "") for file in files if file.path not in result}
    return Index(
        declared,
        tuple(read.skipped for _, read in sorted(result.items()) if read.skipped is not None),
        {path: read.stamp for path, read in result.items()} | unread,
        any(known.get(path) is not each for path, each in declared.items()) or declared.keys() != known.keys(),
    )


def _read(
    folder: Folder,
    settings: Settings,
    files: Iterable[File],
    stamps: Mapping[str, Stamp],
    known: Mapping[str, Declarations],
    jobs: int,
    progress: Callable[[int], None],
) -> dict[str, Read]:
    result: dict[str, Read] = {}
    unread: list[_Unread] = []
    for file in files:
        declarations = known.get(file.path)
        digest = declarations.digest if declarations is not None else ""
        if declarations is not None and stamps.get(file.path) == Stamp(file.size, file.mtime_ns, digest):
            result[file.path] = _seen(stamps[file.path], declarations)
        else:
            unread.append((file, digest))
    jobs = worth(jobs, len(unread))
    tasks = parts(unread, jobs, lambda task: task[0].size)
    work = partial(_read_all, folder)
    for reads in shared(work, tasks, jobs, list[Read], _nothing):
        for read in reads:
            old = known.get(read.path)
            same = old is not None and read.declarations is None and read.skipped is None
            result[read.path] = _seen(read.stamp, old) if old is not None and same else read
        progress(len(reads))
    return result


def _read_all(folder: Folder, files: Sequence[_Unread]) -> list[Read]:
    """The files as they are; without declarations where the text is the one of this digest."""
    return [_read_one(folder, file, digest) for file, digest in files]


def _read_one(folder: Folder, file: File, digest: str) -> Read:
    source = folder.read(file.path)
    if isinstance(source, Skipped):
        # A dump in SQL that is too large, or no text, is no loss that anybody has to hear of.
        return Read(file.path, Stamp(file.size, file.mtime_ns, ""), None, None if is_script(file.path) else source)
    stamp = Stamp(file.size, file.mtime_ns, source.digest)
    if source.digest == digest:
        return Read(file.path, stamp, None, None)
    return _seen(stamp, script(source) if is_script(file.path) else marked(declare(source), source))


def marked(declarations: Declarations, source: Source) -> Declarations:
    """The declarations of the source, which say whether comments in it may silence something."""
    return replace(declarations, silences=True) if speaks(source.text) else declarations


def _seen(stamp: Stamp, declarations: Declarations) -> Read:
    problem = declarations.problem
    skipped = Skipped("SLO001", declarations.path, *problem) if problem is not None else None
    return Read(declarations.path, stamp, declarations, skipped)


def _nothing() -> None:
    """Reading needs no preparation."""


class _Tests:
    """Tests, each until something that is read imports it."""

    def __init__(self, files: Iterable[File]) -> None:
        self._waiting: dict[str, list[tuple[tuple[str, ...], File]]] = {}
        for file in files:
            tail = _tail(file.path)
            self._waiting.setdefault(tail[0], []).append((tail, file))

    def named_by(self, importers: Iterable[Declarations | None]) -> list[File]:
        """The tests that these files import, each once."""
        found: dict[str, File] = {}
        for importer in importers:
            for words in _imports_of(importer) if importer is not None else ():
                for start, word in enumerate(words):
                    for tail, file in self._waiting.get(word, ()):
                        if words[start : start + len(tail)] == tail:
                            found[file.path] = file
        for word, waiting in self._waiting.items():
            self._waiting[word] = [each for each in waiting if each[1].path not in found]
        return list(found.values())


def _imports_of(importer: Declarations) -> Iterable[tuple[str, ...]]:
    """The names that a file imports, as far as they are written and relative ones in full."""
    folder = importer.path.split("/")[:-1]
    for imported in importer.imports:
        above = folder[: len(folder) - imported.level + 1] if imported.level else []
        yield (*above, *imported.module.split("."), *([imported.name] if imported.name != "*" else []))


def _tail(path: str) -> tuple[str, ...]:
    """A test's path from the word on that makes it one, as an import would have to name it."""
    words = path.removesuffix(".py").removesuffix("/__init__").split("/")
    for end in range(1, len(words)):
        if role_of("/".join((*words[:end], "module.py"))) == "test":
            return tuple(words[end - 1 :])
    return (words[-1],)
