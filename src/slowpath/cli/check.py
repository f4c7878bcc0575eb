"""`slowpath check`."""

from __future__ import annotations

import sys
import time
from argparse import Namespace
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from slowpath.cli.arguments import (
    CLEAN,
    FAILED,
    FOUND,
    Answer,
    Place,
    add_selection,
    add_work,
    jobs_of,
    overridden,
    path_from,
    place_of,
    view_of,
)
from slowpath.config import Settings, settings_of
from slowpath.errors import UsageError

if TYPE_CHECKING:
    from slowpath.cli.arguments import Commands
    from slowpath.discovery import Folder
    from slowpath.since import Change
    from slowpath.workspace import Report

_FORMATS = ("text", "concise", "json", "json-lines", "sarif", "github", "gitlab", "junit", "rdjson")
_COUNTED = ("text", "concise", "json")


def add_to(commands: Commands) -> None:
    """The command and its options."""
    parser = commands.add_parser("check", help="find slow paths", description="Find slow paths.", allow_abbrev=False)
    parser.set_defaults(answer=_check)
    add_selection(parser)
    add_work(parser)
    add = parser.add_argument
    add("--output-format", choices=_FORMATS, default="text", help="how findings are written (default: text)")
    add("--output-file", metavar="FILE", help="write the report there")
    add("--since", metavar="REV", help="report what has come since this revision of git, and what touches it")
    add("--diff", metavar="FILE", help="the same for what a unified diff has changed (`-`: standard input)")
    add("--no-baseline", action="store_true", help="report what the baseline knows as well")
    add("--statistics", action="store_true", help="count the findings of each rule instead of showing them")
    add("--add-noqa", action="store_true", help="write a comment for each finding that silences it")
    add("--reason", default="", metavar="TEXT", help="with --add-noqa: say why, in `# slowpath: allow[rule] TEXT`")
    add("--show-files", action="store_true", help="list the files that would be checked, and stop")


def _check(options: Namespace) -> Answer:
    started = time.perf_counter()
    if options.statistics and options.output_format not in _COUNTED:
        raise UsageError(f"--statistics: no format `{options.output_format}`; write {' or '.join(_COUNTED)}")
    place = place_of(options.paths)
    settings = overridden(settings_of(place.root), options)
    if options.reason and not options.add_noqa:
        raise UsageError("--reason: is for `--add-noqa`")
    if options.show_files:
        return Answer(_files(place, settings), CLEAN)

    from slowpath import baseline, reporters, workspace
    from slowpath.discovery import Folder
    from slowpath.reporters.concise import excuse
    from slowpath.reporters.progress import Progress

    progress = Progress(sys.stderr)
    run = partial(
        workspace.run, place.root, settings, cache=not options.no_cache, jobs=jobs_of(settings), progress=progress
    )
    try:
        folder = Folder(place.root, settings.max_file_size)
        change = _change(folder, options)
        report = run(
            place.targets,
            known=None if options.no_baseline else baseline.read(place.root / settings.baseline),
            changed=change.before if change is not None else (),
        )
        if change is not None:
            from slowpath.since import caused

            before = run([""], texts=change.before, slot="since")
            report = caused(report, before.findings, change, folder)
    finally:
        progress.close()
    if options.add_noqa:
        return _silenced(place, report, " ".join(options.reason.split()))
    seconds = time.perf_counter() - started
    view = view_of(place.root, settings, seconds=seconds, terminal=options.output_file is None)
    if options.output_format not in reporters.TELLS_ALL or options.statistics:
        for skipped in report.skipped:
            print(excuse(skipped, view), file=sys.stderr)
    formats = reporters.STATISTICS if options.statistics else reporters.FORMATS
    failed = any(skipped.code == "SLO002" for skipped in report.skipped)
    status = FAILED if failed else FOUND if report.findings else CLEAN
    lines = formats[options.output_format](report, view)
    return Answer(lines if options.output_file is None else _written(lines, options.output_file), status)


def _change(folder: Folder, options: Namespace) -> Change | None:
    """What has changed, if that is what is asked about."""
    if options.since is None and options.diff is None:
        return None
    from slowpath import patches, since

    if options.diff is None:
        return since.change_since(folder, options.since)
    if options.since is not None:
        raise UsageError("--diff: says what has changed, and so does `--since`; give one of them")
    try:
        data = sys.stdin.buffer.read() if options.diff == "-" else Path(options.diff).read_bytes()
    except OSError as error:
        raise UsageError(f"--diff: `{options.diff}` cannot be read: {(error.strerror or 'unknown').lower()}") from None
    return patches.change_in(folder, data.decode("utf-8", "surrogateescape"))


def _silenced(place: Place, report: Report, reason: str) -> Answer:
    from slowpath.silencing import silence

    silenced = silence(place.root, report.findings, reason)
    return Answer([f"Wrote {silenced.comments:,} comments into {silenced.files:,} files."], CLEAN)


def _written(lines: Iterable[str], file: str) -> tuple[str, ...]:
    """Nothing is left to print once the lines are in the file."""
    try:
        with open(file, "w", encoding="utf-8", errors="backslashreplace") as stream:
            stream.writelines(f"{line}\n" for line in lines)
    except OSError as error:
        raise UsageError(
            f"--output-file: `{file}` cannot be written: {(error.strerror or 'unknown').lower()}"
        ) from None
    return ()


def _files(place: Place, settings: Settings) -> Iterator[str]:
    from slowpath.discovery import is_below, listing_of

    path_of = path_from(Path.cwd(), place.root)
    for file in listing_of(place.root, settings.exclude).files:
        if file.path.endswith(".py") and is_below(file.path, place.targets):
            yield path_of(file.path)
