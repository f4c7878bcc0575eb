"""The command: `slowpath check`, `slowpath rule`, `slowpath why`."""

from __future__ import annotations

import io
import os
import re
import shutil
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import NoReturn

from msgspec import Struct
from msgspec.structs import replace

import slowpath
from slowpath.config import Settings, root_of, settings_of, unknown_selector
from slowpath.errors import SlowpathError, UsageError, nearest
from slowpath.finding import CONFIDENCES, SEVERITIES
from slowpath.reporters.view import View, wants_colour

# The engine and the rules are imported where they are used: `slowpath --version` and a mistyped option answer at once,
# and a warm run loads no parser.

CLEAN, FOUND, COULD_NOT_RUN, FAILED = range(4)
_ISSUES = "https://github.com/slowpath/slowpath/issues"
_FORMATS = ("text", "concise", "json")

# The column is there when the place is copied from a report.
_PLACE = re.compile(r"(?P<file>.+?):(?P<line>[0-9]+)(?::[0-9]+)?")


class Answer(Struct, frozen=True):
    """What a command prints, and its exit status."""

    lines: Iterable[str]
    status: int


class Place(Struct, frozen=True):
    """The project that the arguments speak of, and their paths in it."""

    root: Path
    targets: tuple[str, ...]


class _Parser(ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(message)


def entry() -> NoReturn:
    """The command as the shell runs it."""
    try:
        status = main(sys.argv[1:])
    except SlowpathError as error:
        print(f"slowpath: {error}", file=sys.stderr)
        status = COULD_NOT_RUN
    except KeyboardInterrupt:
        status = 130
    except Exception:
        # Left alone, Python would end with 1, which says that the code is slow.
        sys.excepthook(*sys.exc_info())
        print(f"slowpath: this is a defect of slowpath; please report it at {_ISSUES}", file=sys.stderr)
        status = FAILED
    sys.exit(status)


def main(arguments: Sequence[str]) -> int:
    """Follows the arguments, prints the answer, and returns the exit status."""
    options = _parser().parse_args(arguments)
    if "answer" not in options:
        raise UsageError("say what to do: `slowpath check`, `slowpath rule` or `slowpath why`")
    command: Callable[[Namespace], Answer] = options.answer
    answer = command(options)
    _print(answer.lines)
    return answer.status


def _parser() -> ArgumentParser:
    parser = _Parser(prog="slowpath", description=slowpath.__doc__, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"slowpath {slowpath.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="")
    check = commands.add_parser("check", help="find slow paths", description="Find slow paths.", allow_abbrev=False)
    check.set_defaults(answer=_check)
    _add_check_options(check)
    rule = commands.add_parser("rule", help="explain a rule", description="Explain a rule, or list all of them.")
    rule.set_defaults(answer=_rule)
    rule.add_argument("rule", nargs="?", metavar="NAME|CODE")
    why = commands.add_parser(
        "why", help="say what is believed of a line", description="Say what slowpath believes of a line, and why."
    )
    why.set_defaults(answer=_why)
    why.add_argument("place", metavar="FILE:LINE")
    return parser


def _add_check_options(check: ArgumentParser) -> None:
    add = check.add_argument
    add("paths", nargs="*", default=["."], metavar="PATH", help="files and folders to report on (default: .)")
    add("--output-format", choices=_FORMATS, default="text", help="how findings are written (default: text)")
    for option, what in (
        ("--select", "run these rules only"),
        ("--extend-select", "run these rules as well"),
        ("--ignore", "do not run these rules"),
    ):
        add(option, type=_words, action="extend", metavar="RULES", help=f"{what}: names, codes, prefixes or ALL")
    add("--confidence", choices=CONFIDENCES, help="report what is at least this sure (default: medium)")
    add("--min-severity", choices=SEVERITIES, help="report what is at least this severe (default: note)")
    add("--exclude", type=_words, action="extend", metavar="GLOBS", help="leave these files and folders out as well")
    add("--jobs", type=_positive, metavar="N", help="use this many processes (default: one per processor)")
    add("--no-cache", action="store_true", help="neither read nor write the cache")
    add("--statistics", action="store_true", help="count the findings of each rule instead of showing them")
    add("--show-files", action="store_true", help="list the files that would be checked, and stop")


def _check(options: Namespace) -> Answer:
    started = time.perf_counter()
    place = _place_of(options.paths)
    settings = _overridden(settings_of(place.root), options)
    if options.show_files:
        return Answer(_files(place, settings), CLEAN)

    from slowpath import reporters, workspace
    from slowpath.reporters.concise import excuse
    from slowpath.reporters.progress import Progress

    progress = Progress(sys.stderr)
    try:
        report = workspace.run(
            place.root,
            settings,
            place.targets,
            cache=not options.no_cache,
            jobs=settings.jobs or _processors(),
            progress=progress,
        )
    finally:
        progress.close()
    view = _view(place.root, settings, seconds=time.perf_counter() - started)
    if options.output_format == "json" or options.statistics:
        for skipped in report.skipped:
            print(excuse(skipped, view), file=sys.stderr)
    formats = reporters.STATISTICS if options.statistics else reporters.FORMATS
    failed = any(skipped.code == "SLO002" for skipped in report.skipped)
    status = FAILED if failed else FOUND if report.findings else CLEAN
    return Answer(formats[options.output_format](report, view), status)


def _rule(options: Namespace) -> Answer:
    from slowpath import rules
    from slowpath.reporters.page import index, page

    view = _view(Path.cwd(), Settings(), seconds=0)
    known = rules.load()
    if options.rule is None:
        return Answer(index(known, view), CLEAN)
    for rule in known:
        if options.rule.lower() in (rule.name, rule.code.lower()):
            return Answer(page(rule, view), CLEAN)
    words = [word for rule in known for word in (rule.name, rule.code)]
    raise UsageError(f"there is no rule `{options.rule}`{nearest(options.rule, words)}")


def _why(options: Namespace) -> Answer:
    match = _PLACE.fullmatch(options.place)
    if match is None:
        raise UsageError(f"`{options.place}` is no place; write one like `shop/views.py:12`")
    place = _place_of([match["file"]])
    if not Path(match["file"]).is_file():
        raise UsageError(f"`{match['file']}` is not a file")
    from slowpath import workspace

    answer = workspace.why(place.root, settings_of(place.root), place.targets[0], int(match["line"]))
    return Answer([answer], CLEAN)


def _files(place: Place, settings: Settings) -> Iterator[str]:
    from slowpath.discovery import is_below, listing_of

    path_of = _path_of(place.root)
    for file in listing_of(place.root, settings.exclude).files:
        if is_below(file.path, place.targets):
            yield path_of(file.path)


def _place_of(paths: Sequence[str]) -> Place:
    working_directory = Path.cwd()
    for path in paths:
        if not os.path.exists(path):
            raise UsageError(f"there is no file or folder `{path}`")
    resolved = [Path(path).resolve() for path in paths]
    root = root_of(resolved, working_directory)
    targets = [path.relative_to(root).as_posix() for path in resolved]
    return Place(root, tuple("" if target == "." else target for target in targets))


def _overridden(settings: Settings, options: Namespace) -> Settings:
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


def _view(root: Path, settings: Settings, *, seconds: float) -> View:
    from slowpath.discovery import read
    from slowpath.finding import Skipped

    @lru_cache(maxsize=64)
    def lines_of(path: str) -> list[str]:
        source = read(root, path, limit=settings.max_file_size)
        return [] if isinstance(source, Skipped) else source.lines()

    return View(
        path_of=_path_of(root),
        lines_of=lines_of,
        width=shutil.get_terminal_size((120, 24)).columns,
        colour=wants_colour(os.environ, terminal=sys.stdout.isatty()),
        seconds=seconds,
    )


def _path_of(root: Path) -> Callable[[str], str]:
    working_directory = os.getcwd()

    @cache
    def path_of(path: str) -> str:
        return os.path.relpath(root / path, working_directory).replace(os.sep, "/")

    return path_of


def _print(lines: Iterable[str]) -> None:
    try:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")
        for line in lines:
            print(line)
        sys.stdout.flush()
    except BrokenPipeError:
        # Nobody listens any more; the interpreter's own last flush must not say so either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


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
