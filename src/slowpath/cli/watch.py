"""`slowpath watch`: the report again whenever a file has changed."""

from __future__ import annotations

import sys
import time
from argparse import Namespace
from collections.abc import Iterator
from typing import TYPE_CHECKING

from slowpath.cli.arguments import CLEAN, Answer, Place, add_selection, add_work, jobs_of, overridden, place_of, view_of
from slowpath.config import Settings, settings_of
from slowpath.errors import SlowpathError

if TYPE_CHECKING:
    from slowpath.cli.arguments import Commands

_PAUSE = 0.5
_CLEARED = "\x1b[2J\x1b[H"


def add_to(commands: Commands) -> None:
    """The command and its options."""
    what = "find slow paths again whenever a file has changed"
    parser = commands.add_parser("watch", help=what, description=f"{what.capitalize()}.", allow_abbrev=False)
    parser.set_defaults(answer=_watch)
    add_selection(parser)
    add_work(parser)
    parser.add_argument("--pause", type=float, default=_PAUSE, metavar="SECONDS", help="how often to look")


def _watch(options: Namespace) -> Answer:
    # What is wrong with the arguments or the settings to begin with ends it; later it is only told.
    place = place_of(options.paths)
    overridden(settings_of(place.root), options)
    return Answer(_reports(place, options), CLEAN)


def _reports(place: Place, options: Namespace) -> Iterator[str]:
    seen: object = None
    while True:
        try:
            settings = overridden(settings_of(place.root), options)
            state = _state_of(place, settings)
            lines = _report(place, settings, options) if state != seen else ()
        except SlowpathError as error:
            state, lines = str(error), (f"slowpath: {error}",)
            lines = lines if state != seen else ()
        if state != seen:
            yield from ([_CLEARED] if sys.stdout.isatty() else [])
            yield from lines
            sys.stdout.flush()
        seen = state
        time.sleep(options.pause)


def _state_of(place: Place, settings: Settings) -> object:
    from slowpath.discovery import listing_of

    return settings, listing_of(place.root, settings.exclude).files


def _report(place: Place, settings: Settings, options: Namespace) -> tuple[str, ...]:
    from slowpath import baseline, reporters, workspace

    started = time.perf_counter()
    report = workspace.run(
        place.root,
        settings,
        place.targets,
        cache=not options.no_cache,
        jobs=jobs_of(settings),
        known=baseline.read(place.root / settings.baseline),
    )
    view = view_of(place.root, settings, seconds=time.perf_counter() - started)
    return tuple(reporters.FORMATS["text"](report, view))
