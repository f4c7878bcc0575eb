"""Which files a project has, and what they say."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from slowpath.finding import Skipped
from slowpath.scripts import is_script
from slowpath.source import Source, source_of

MAX_FILE_SIZE = 1_000_000

_NEVER = 2**63 - 1

_NOT_OURS = {"node_modules", "__pycache__", "site-packages", "__pypackages__", "buck-out"}
# As a package (with `__init__.py`) a folder of this name is code; otherwise it is what a build leaves behind.
_BUILT = {"build", "dist", "_build"}
_VIRTUAL_ENVIRONMENT = {"pyvenv.cfg", "conda-meta"}
# Decoding these takes the square of the file's length.
_ENDLESS_ENCODINGS = {"punycode", "idna"}
_BOM = b"\xef\xbb\xbf"


class File(Struct, frozen=True):
    """A file of the project, by its path relative to the root, and what tells that it has changed."""

    path: str
    size: int
    mtime_ns: int


class Listing(Struct, frozen=True):
    """The files of a project in Python and in SQL, and its templates, in the order of their paths, and the places that
    could not be looked at."""

    files: tuple[File, ...]
    skipped: tuple[Skipped, ...]


class Folder(Struct, frozen=True):
    """A project's folder. `texts` are what files say instead of what is on disk: an editor's buffer, an earlier
    version; None says that there is no such file. Nothing larger than `limit` bytes is read."""

    root: Path
    limit: int = MAX_FILE_SIZE
    texts: Mapping[str, str | None] = {}

    def read(self, path: str) -> Source | Skipped:
        """The file's text, or why there is none."""
        if path not in self.texts:
            return read(self.root, path, limit=self.limit)
        text = self.texts[path]
        return _skipped(path, "is not there") if text is None else source_of(path, text)

    def lines_of(self, path: str) -> list[str]:
        """The file's lines; none if it cannot be read."""
        source = self.read(path)
        return source.lines() if isinstance(source, Source) else []

    def listing(self, exclude: Sequence[str]) -> Listing:
        """The project's files in Python and in SQL."""
        listing = listing_of(self.root, exclude)
        if not self.texts:
            return listing
        excluded = _excluded_by(exclude)
        # Nothing on disk has such a stamp, and nothing is ever sure of it: the text is looked at every time.
        files = {file.path: file for file in listing.files if file.path not in self.texts}
        for path, text in self.texts.items():
            if text is not None and _would_be_listed(path, excluded):
                files[path] = File(path, -1, _NEVER)
        return Listing(tuple(files[path] for path in sorted(files)), listing.skipped)


def listing_of(root: Path, exclude: Sequence[str] = ()) -> Listing:
    """The files in Python and in SQL below the root that are the project's own.

    Hidden folders, virtual environments, installed and built packages, and what the globs in `exclude` match are left
    out. Symbolic links are not followed: what they lead to inside the root is listed where it is.
    """
    found = sorted(_walk(str(root), "", _excluded_by(exclude)), key=lambda each: each.path)
    return Listing(
        files=tuple(each for each in found if isinstance(each, File)),
        skipped=tuple(each for each in found if isinstance(each, Skipped)),
    )


def read(root: Path, path: str, *, limit: int = MAX_FILE_SIZE) -> Source | Skipped:
    """The file's text, decoded as Python would decode it, or why there is none."""
    try:
        with open(root / path, "rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        return _skipped(path, f"cannot be read: {_told(error)}")
    if len(data) > limit:
        return _skipped(path, f"larger than {limit:,} bytes (`max-file-size`)")
    return decoded(path, data)


def decoded(path: str, data: bytes) -> Source | Skipped:
    """The text in these bytes, decoded as Python would decode it, or why there is none."""
    if b"\0" in data:
        return _skipped(path, "not a text file: it has null bytes", line=_line_of(data, data.index(b"\0")))
    try:
        return source_of(path, data.decode(_encoding_of(data)))
    except UnicodeDecodeError as error:
        byte = f"byte 0x{data[error.start]:02x}" if error.start < len(data) else "its last byte"
        return _skipped(path, f"not {error.encoding}: {byte}", line=_line_of(data, error.start))
    except (SyntaxError, LookupError, ValueError) as error:
        return _skipped(path, f"cannot be decoded: {error}")


def is_below(path: str, targets: Sequence[str]) -> bool:
    """Whether a path is one of the targets, or inside one that is a folder; `""` is the root itself."""
    return any(target in ("", path) or path.startswith(f"{target}/") for target in targets)


def is_matched(path: str, globs: Sequence[str]) -> bool:
    """Whether one of the globs matches the path or a folder that it is in."""
    return _is_matched(path, _excluded_by(tuple(globs)))


def _is_matched(path: str, pattern: re.Pattern[str]) -> bool:
    words = path.split("/")
    return any(pattern.fullmatch("/".join(words[:end])) for end in range(1, len(words) + 1))


def _walk(folder: str, prefix: str, excluded: re.Pattern[str]) -> Iterator[File | Skipped]:
    # A stack of its own: folders may be nested deeper than Python's.
    waiting = [(folder, prefix)]
    while waiting:
        folder, prefix = waiting.pop()
        try:
            with os.scandir(folder) as scan:
                entries = list(scan)
        except OSError as error:
            yield _skipped(_readable(prefix.rstrip("/")), f"cannot be listed: {_told(error)}")
            continue
        names = {entry.name for entry in entries}
        if prefix and not _is_ours(os.path.basename(folder), names):
            continue
        for entry in entries:
            path = prefix + entry.name
            if entry.name.startswith(".") or excluded.fullmatch(path):
                continue
            if entry.is_dir(follow_symlinks=False):
                waiting.append((entry.path, f"{path}/"))
            elif entry.name.endswith(".py") or is_script(path):
                yield from _file(entry, path)


def _would_be_listed(path: str, excluded: re.Pattern[str]) -> bool:
    words = path.split("/")
    ours = (path.endswith(".py") or is_script(path)) and not any(
        word.startswith(".") or word in _NOT_OURS for word in words
    )
    return ours and not _is_matched(path, excluded)


def _excluded_by(globs: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(map(_pattern_of, globs)) or r"(?!)")


def _is_ours(name: str, names: set[str]) -> bool:
    if name in _NOT_OURS or not _VIRTUAL_ENVIRONMENT.isdisjoint(names):
        return False
    return name not in _BUILT or "__init__.py" in names


def _file(entry: os.DirEntry[str], path: str) -> Iterator[File | Skipped]:
    if not entry.is_file(follow_symlinks=False):
        return
    if path != _readable(path):
        yield _skipped(_readable(path), "its name is not UTF-8")
        return
    try:
        stat = entry.stat(follow_symlinks=False)
    except OSError as error:
        yield _skipped(path, f"cannot be read: {_told(error)}")
        return
    yield File(path, stat.st_size, stat.st_mtime_ns)


def _encoding_of(data: bytes) -> str:
    if data.startswith(_BOM):
        return "utf-8-sig"
    if b"coding" not in b"".join(data.split(b"\n", 2)[:2]):
        return "utf-8"
    # tokenize is slow to import, and few files declare an encoding.
    from io import BytesIO
    from tokenize import detect_encoding

    encoding, _ = detect_encoding(BytesIO(data).readline)
    if encoding in _ENDLESS_ENCODINGS:
        raise LookupError(f"`{encoding}` is no encoding for a file")
    return encoding


def _pattern_of(glob: str) -> str:
    """A regular expression for the paths that a glob means: with a slash from the root on, without one anywhere."""
    glob = glob.removeprefix("./").rstrip("/")
    anywhere = "" if "/" in glob else "(?:.*/)?"
    meanings = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", glob.removeprefix("/"))
    return f"{anywhere}{''.join(meanings.get(part) or re.escape(part) for part in parts)}"


def _skipped(path: str, reason: str, *, line: int = 1) -> Skipped:
    return Skipped("SLO001", path or ".", line, 1, reason)


def _told(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()


def _line_of(data: bytes, offset: int) -> int:
    return data.count(b"\n", 0, offset) + 1


def _readable(path: str) -> str:
    return os.fsencode(path).decode("utf-8", "backslashreplace")
