"""The folders that a file puts on `sys.path`."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from slowpath import expression as e
from slowpath.declarations import Assignment, Declarations

_ADDING = frozenset({"sys.path.append", "sys.path.insert"})
_SAME = frozenset(
    {"str", "os.fspath", "os.path.abspath", "os.path.realpath", "os.path.normpath", "Path", "pathlib.Path"}
)

# An assignment that names another that names another.
_DEEPEST = 8


def search_paths(file: Declarations, folders: Collection[str]) -> Iterator[str]:
    """Those of the folders that statements of the module put on the search path: `sys.path.append(BASE / "apps")`.

    What such a path begins with is known only when the program runs; it is taken for the folder of the file or the
    nearest one above it that has what follows.
    """
    for call in file.calls:
        if e.dotted(call.func) in _ADDING and call.arguments:
            end = _end(call.arguments[-1].value, file.assignments, _DEEPEST)
            folder = _below(file.path, "/".join(end), folders) if end else None
            if folder is not None:
                yield folder


def _below(path: str, end: str, folders: Collection[str]) -> str | None:
    while path:
        path = path.rpartition("/")[0]
        folder = f"{path}/{end}" if path else end
        if folder in folders:
            return folder
    return None


def _end(node: e.Expression, assignments: tuple[Assignment, ...], depth: int) -> tuple[str, ...]:
    """The names that the path ends with, as far back as they are written down."""
    if depth == 0:
        return ()
    match node:
        case e.Constant(value=str(text)):
            return tuple(part for part in text.split("/") if part not in ("", ".", ".."))
        case e.Name(id=name):
            values = [each.value for each in assignments if each.name == name and each.value is not None]
            return _end(values[-1], assignments, depth - 1) if values else ()
        case e.Binary(operator="/", left=left, right=right):
            return _joined((left, right), assignments, depth)
        case e.Call(func=func, arguments=arguments) if e.dotted(func) == "os.path.join":
            return _joined([each.value for each in arguments], assignments, depth)
        case e.Call(func=func, arguments=(only,)) if e.dotted(func) in _SAME:
            return _end(only.value, assignments, depth - 1)
        case e.Call(func=e.Attribute(value=inner, attr="resolve" | "absolute" | "as_posix"), arguments=()):
            return _end(inner, assignments, depth - 1)
    return ()


def _joined(
    parts: list[e.Expression] | tuple[e.Expression, ...], assignments: tuple[Assignment, ...], depth: int
) -> tuple[str, ...]:
    found: tuple[str, ...] = ()
    for part in parts:
        end = _end(part, assignments, depth - 1)
        found = (*found, *end) if end else ()
    return found
