"""`slowpath check`."""

from __future__ import annotations

import sys
import time
from argparse import Namespace
from collections.abc import Iterator
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
    path_from_here,
    place_of,
    view_of,
)
from slowpath.config import Settings, settings_of

if TYPE_CHECKING:
    from slowpath.cli.arguments import Commands

_FORMATS = ("text", "concise", "json")


def add_to(commands: Commands) -> None:
    """The command and its options."""
    parser = commands.add_parser("check", help="find slow paths", description="Find slow paths.", allow_abbrev=False)
    parser.set_defaults(answer=_check)
    add_selection(parser)
    add_work(parser)
    add = parser.add_argument
    add("--output-format", choices=_FORMATS, default="text", help="how findings are written (default: text)")
    add("--statistics", action="store_true", help="count the findings of each rule instead of showing them")
    add("--show-files", action="store_true", help="list the files that would be checked, and stop")


def _check(options: Namespace) -> Answer:
    started = time.perf_counter()
    place = place_of(options.paths)
    settings = overridden(settings_of(place.root), options)
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
            jobs=jobs_of(settings),
            progress=progress,
        )
    finally:
        progress.close()
    view = view_of(place.root, settings, seconds=time.perf_counter() - started)
    if options.output_format == "json" or options.statistics:
        for skipped in report.skipped:
            print(excuse(skipped, view), file=sys.stderr)
    formats = reporters.STATISTICS if options.statistics else reporters.FORMATS
    failed = any(skipped.code == "SLO002" for skipped in report.skipped)
    status = FAILED if failed else FOUND if report.findings else CLEAN
    return Answer(formats[options.output_format](report, view), status)


def _files(place: Place, settings: Settings) -> Iterator[str]:
    from slowpath.discovery import is_below, listing_of

    path_of = path_from_here(place.root)
    for file in listing_of(place.root, settings.exclude).files:
        if is_below(file.path, place.targets):
            yield path_of(file.path)
