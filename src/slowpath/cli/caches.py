"""`slowpath cache`: what the project keeps in caches, and where each entry is filled and forgotten."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from typing import TYPE_CHECKING

from slowpath.cli.arguments import CLEAN, Answer, jobs_of, place_of, view_of
from slowpath.config import settings_of

if TYPE_CHECKING:
    from slowpath.cli.arguments import Commands
    from slowpath.source import Place


def add_to(commands: Commands) -> None:
    """The command and its argument."""
    what = "show what is kept in caches: the keys, from which rows, and where each is forgotten"
    parser = commands.add_parser("cache", help=what, description=f"{what.capitalize()}.", allow_abbrev=False)
    parser.set_defaults(answer=_cache)
    parser.add_argument("text", nargs="?", default="", metavar="TEXT", help="show only keys that have this in them")


def _cache(options: Namespace) -> Answer:
    return Answer(_lines(options.text), CLEAN)


def _lines(wanted: str) -> Iterator[str]:
    from slowpath import workspace
    from slowpath.reporters.caches import overview

    root = place_of(["."]).root
    settings = settings_of(root)
    view = view_of(root, settings)
    listing, located = workspace.caches(root, settings, jobs=jobs_of(settings))

    def where(place: Place) -> str:
        path, line = located[place]
        return f"{view.path_of(path)}:{line}"

    yield from overview(listing, wanted, where, view)
