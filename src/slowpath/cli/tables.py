"""`slowpath schema`: the tables that the project is believed to have."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from typing import TYPE_CHECKING

from slowpath.cli.arguments import CLEAN, Answer, place_of, view_of
from slowpath.config import settings_of
from slowpath.errors import UsageError, nearest

if TYPE_CHECKING:
    from slowpath.cli.arguments import Commands


def add_to(commands: Commands) -> None:
    """The command and its argument."""
    what = "show the database's tables as they were understood"
    parser = commands.add_parser("schema", help=what, description=f"{what.capitalize()}.", allow_abbrev=False)
    parser.set_defaults(answer=_schema)
    parser.add_argument("table", nargs="?", metavar="TABLE", help="show all of this table, or of this model's")


def _schema(options: Namespace) -> Answer:
    return Answer(_lines(options.table), CLEAN)


def _lines(wanted: str | None) -> Iterator[str]:
    from slowpath import workspace
    from slowpath.reporters.tables import detail, overview

    place = place_of(["."])
    settings = settings_of(place.root)
    database, path_of_module = workspace.database(place.root, settings)
    view = view_of(place.root, settings)

    def where(module: str, line: int) -> str:
        path = path_of_module(module)
        return f"{view.path_of(path)}:{line}" if path and line else ""

    if wanted is None:
        yield from overview(database, where, view)
        return
    names = {model.rpartition(".")[2]: table for table in database.tables.values() for model in table.models}
    names |= database.tables
    if wanted not in names:
        raise UsageError(f"there is no table `{wanted}`{nearest(wanted, names)}")
    yield from detail(names[wanted], where, view)
