"""Which file an import means, from where the files are."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator

from msgspec import Struct

from slowpath.declarations import Declarations
from slowpath.search_paths import search_paths


class Layout(Struct, frozen=True):
    """The modules of a project: their names, and where each of them is.

    `roots` are the folders that names begin at, by module. `named` finds modules by their name from there or from a
    folder further up, as namespace packages have it. `wrappers` are modules named like a library that they import.
    `added` are folders in which names begin as well, because the project's own code puts them on `sys.path`.
    """

    paths: dict[str, str]
    modules: dict[str, str]
    roots: dict[str, str]
    named: dict[str, list[str]]
    folders: frozenset[str]
    packages: frozenset[str]
    package_parents: frozenset[str]
    wrappers: frozenset[str]
    added: frozenset[str]


def lay_out(files: Iterable[Declarations]) -> Layout:
    """The layout of these files."""
    declared = {file.path: file for file in sorted(files, key=lambda file: (file.path.count("/"), file.path))}
    started = {_folder(path) for path in declared if path.rpartition("/")[2] == "manage.py"}
    # Whoever starts a service from a folder has the names in it at the top, whatever else the folder holds.
    packages = frozenset(_folder(path) for path in declared if path.endswith("__init__.py")) - started - {""}
    roots = {path: _root(_folder(path), packages) for path in declared}
    modules = _names(roots)
    folders = frozenset(folder for path in modules for folder in _folders(path))
    added = frozenset(folder for file in declared.values() for folder in search_paths(file, folders))
    named: defaultdict[str, list[str]] = defaultdict(list)
    for path, module in modules.items():
        segments = _segments(path)
        depth = _segments_above(roots[path])
        # A name never begins inside a package: in 39 projects such names were a library's (`requests.exceptions`) forty
        # times, and the module's five times.
        for start in range(min(depth, len(segments) - 1) + 1):
            named[".".join(segments[start:])].append(module)
        for start in range(depth + 1, len(segments)):
            if "/".join(segments[:start]) in added:
                named[".".join(segments[start:])].append(module)
    return Layout(
        {module: path for path, module in modules.items()},
        modules,
        {module: roots[path] for path, module in modules.items()},
        dict(named),
        folders,
        packages,
        frozenset(_folder(package) for package in packages if _folder(package) not in packages),
        frozenset(module for path, module in modules.items() if _is_wrapper(declared[path])),
        added,
    )


def find(layout: Layout, importer: str, name: str) -> str | None:
    """The module that the importer means by this absolute name, if it is one of the project."""
    found = layout.named.get(name)
    if found is None:
        return None
    place = layout.paths[importer]
    candidates = [module for module in found if _is_reachable(layout, module, importer, name)]
    if not candidates:
        return None
    canonical = [module for module in candidates if _canonical(layout.paths[module], layout.roots[module]) == name]
    # Neighbours first, then what is nearest to the top.
    return min(canonical or candidates, key=lambda module: _distance(layout.paths[module], place))


def package_of(layout: Layout, module: str, level: int) -> str:
    """The folder that so many leading dots mean in this module."""
    folder = _folder(layout.paths[module])
    for _ in range(level - 1):
        folder = _folder(folder)
    return folder


def module_in(layout: Layout, folder: str, name: str) -> str | None:
    """The module of this (dotted, or empty) name below a folder."""
    path = "/".join(part for part in (folder, name.replace(".", "/")) if part)
    package = layout.modules.get(f"{path}/__init__.py" if path else "__init__.py")
    return package or (layout.modules.get(f"{path}.py") if name else None)


def package_folder(layout: Layout, module: str) -> str | None:
    """The folder of a module that is a package."""
    path = layout.paths[module]
    return _folder(path) if path.endswith("__init__.py") else None


def namespace_in(layout: Layout, folder: str, name: str) -> str | None:
    """The whole dotted path of the folder of this name below a folder, if there is Python code in it."""
    path = f"{folder}/{name}" if folder else name
    return path.replace("/", ".") if path in layout.folders else None


def _folders(path: str) -> Iterator[str]:
    while path := _folder(path):
        yield path


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _root(folder: str, packages: frozenset[str]) -> str:
    while folder in packages:
        folder = _folder(folder)
    return folder


def _segments(path: str) -> list[str]:
    segments = path.removesuffix(".py").split("/")
    return segments[:-1] if segments[-1] == "__init__" and len(segments) > 1 else segments


def _segments_above(root: str) -> int:
    return root.count("/") + 1 if root else 0


def _canonical(path: str, root: str) -> str:
    return ".".join(_segments(path)[_segments_above(root) :])


def _names(roots: dict[str, str]) -> dict[str, str]:
    """A name for each path: its own, or when another has that one the whole path."""
    taken: dict[str, str] = {}
    for path, root in roots.items():
        # A root `__init__.py` beside nothing else has no name but its path.
        taken.setdefault(_canonical(path, root) or path, path)
    names = {path: name for name, path in taken.items()}
    for path in roots:
        if path not in names:
            whole = ".".join(_segments(path))
            names[path] = path if whole in taken else whole
            taken[names[path]] = path
    return {path: names[path] for path in roots}


def _is_wrapper(file: Declarations) -> bool:
    name = file.path.rpartition("/")[2].removesuffix(".py")
    return any(imported.level == 0 and imported.module.partition(".")[0] == name for imported in file.imports)


def _is_reachable(layout: Layout, module: str, importer: str, name: str) -> bool:
    """Whether the name can mean this module and not a library that happens to be called the same."""
    path, root, place = layout.paths[module], layout.roots[module], layout.paths[importer]
    if module == importer and root == _folder(path):
        return False
    top, _, rest = name.partition(".")
    alone = not rest and not path.endswith("__init__.py")
    if top in sys.stdlib_module_names:
        return root == layout.roots[importer] and not alone
    segments = _segments(path)
    start = "/".join(segments[: len(segments) - name.count(".") - 1])
    if alone and module in layout.wrappers:
        return False
    if not start or place.startswith(f"{start}/") or start in layout.added:
        return True
    return not _is_within(start, layout.packages) and (not alone or start in layout.package_parents)


def _is_within(folder: str, packages: frozenset[str]) -> bool:
    while folder and folder not in packages:
        folder = _folder(folder)
    return bool(folder)


def _distance(path: str, place: str) -> tuple[int, int, str]:
    shared = 0
    for one, other in zip(path.split("/")[:-1], place.split("/")[:-1], strict=False):
        if one != other:
            break
        shared += 1
    return -shared, path.count("/"), path
