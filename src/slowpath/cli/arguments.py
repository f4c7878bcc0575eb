"""What the arguments of a command mean: which project, which paths, which settings, and how an answer is shown."""

from __future__ import annotations

import os
import shutil
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from msgspec import Struct
from msgspec.structs import replace

from slowpath.config import Settings, is_checkout, root_of, unknown_selector
from slowpath.errors import UsageError
from slowpath.finding import CONFIDENCES, SEVERITIES
from slowpath.reporters.view import View, wants_colour

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    Commands = _SubParsersAction[ArgumentParser]

CLEAN, FOUND, COULD_NOT_RUN, FAILED = range(4)


class Answer(Struct, frozen=True):
    """What a command prints, and its exit status."""

    lines: Iterable[str]
    status: int


class Place(Struct, frozen=True):
    """The project that the arguments speak of, and their paths in it."""

    root: Path
    targets: tuple[str, ...]


class Parser(ArgumentParser):
    """A parser whose complaints are ours."""

    def error(self, message: str) -> NoReturn:
        """Says what is wrong with the arguments."""
        raise UsageError(message)


def add_selection(parser: ArgumentParser) -> None:
    """The options that choose what is reported, and on what."""
    add = parser.add_argument
    add("paths", nargs="*", default=["."], metavar="PATH", help="files and folders to report on (default: .)")
    for option, what in (
        ("--select", "run these rules only"),
        ("--extend-select", "run these rules as well"),
        ("--ignore", "do not run these rules"),
    ):
        add(option, type=_words, action="extend", metavar="RULES", help=f"{what}: names, codes, prefixes or ALL")
    add("--confidence", choices=CONFIDENCES, help="report what is at least this sure (default: medium)")
    add("--min-severity", choices=SEVERITIES, help="report what is at least this severe (default: note)")
    add("--exclude", type=_words, action="extend", metavar="GLOBS", help="leave these files and folders out as well")


def add_work(parser: ArgumentParser) -> None:
    """The options that say how the work is done."""
    add = parser.add_argument
    add("--jobs", type=_positive, metavar="N", help="use this many processes (default: one per processor)")
    add("--no-cache", action="store_true", help="neither read nor write the cache")


def place_of(paths: Sequence[str]) -> Place:
    """The project that these paths are in."""
    working_directory = Path.cwd()
    for path in paths:
        if not os.path.exists(path):
            raise UsageError(f"there is no file or folder `{path}`")
    resolved = [Path(path).resolve() for path in paths]
    root = root_of(resolved, working_directory)
    targets = [path.relative_to(root).as_posix() for path in resolved]
    return Place(root, tuple("" if target == "." else target for target in targets))


def overridden(settings: Settings, options: Namespace) -> Settings:
    """The project's settings with what the options say instead."""
    for option in ("select", "extend_select", "ignore"):
        if selectors := getattr(options, option):
            from slowpath import rules

            if problem := unknown_selector(selectors, rules.load()):
                raise UsageError(f"--{option.replace('_', '-')}: {problem}")
    # `--select` is the whole choice; what the project adds to its own would be in the way.
    if options.select is not None:
        settings = replace(settings, select=tuple(options.select), extend_select=(), ignore=())
    return replace(
        settings,
        extend_select=(*settings.extend_select, *(options.extend_select or ())),
        ignore=(*settings.ignore, *(options.ignore or ())),
        exclude=(*settings.exclude, *(options.exclude or ())),
        confidence=options.confidence or settings.confidence,
        min_severity=options.min_severity or settings.min_severity,
        jobs=options.jobs or settings.jobs,
    )


def jobs_of(settings: Settings) -> int:
    """How many processes to use."""
    return settings.jobs or _processors()


def view_of(root: Path, settings: Settings, *, seconds: float = 0, terminal: bool = True) -> View:
    """How to show what is found in this project, from where the user stands; a file is no terminal."""
    from slowpath.discovery import Folder

    return View(
        path_of=path_from(Path.cwd(), root),
        checkout_path_of=path_from(_checkout_of(root), root),
        lines_of=lru_cache(maxsize=64)(Folder(root, settings.max_file_size).lines_of),
        width=shutil.get_terminal_size((120, 24)).columns if terminal else 120,
        colour=terminal and wants_colour(os.environ, terminal=sys.stdout.isatty()),
        seconds=seconds,
    )


def path_from(folder: Path, root: Path) -> Callable[[str], str]:
    """What one who stands in the folder writes for a path of the project."""

    @cache
    def path_of(path: str) -> str:
        return os.path.relpath(root / path, folder).replace(os.sep, "/")

    return path_of


def _checkout_of(root: Path) -> Path:
    """The folder that a forge's paths start from."""
    for variable in ("GITHUB_WORKSPACE", "CI_PROJECT_DIR"):
        if (named := os.environ.get(variable)) and root.is_relative_to(Path(named).resolve()):
            return Path(named).resolve()
    return next((folder for folder in (root, *root.parents) if is_checkout(folder)), root)


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _words(text: str) -> list[str]:
    return [word for part in text.split(",") if (word := part.strip())]


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise UsageError(f"--jobs: `{text}` is no number of processes; write one from 1 on")
    return int(text)
