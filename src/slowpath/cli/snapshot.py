"""`slowpath db snapshot`: what a real database says of the size of its tables and the use of its indexes."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from slowpath.cli.arguments import CLEAN, Answer
from slowpath.errors import UsageError

if TYPE_CHECKING:
    from slowpath.cli.arguments import Commands

_FILE = ".slowpath-snapshot.json"


def add_to(commands: Commands) -> None:
    """The command, its own commands, and their options."""
    what = "ask a real database about its tables"
    parser = commands.add_parser("db", help=what, description=f"{what.capitalize()}.", allow_abbrev=False)
    parser.set_defaults(answer=_nothing)
    ours = parser.add_subparsers(title="commands", metavar="")
    what = "write down how many rows its tables have and which indexes are used, without changing anything"
    parser = ours.add_parser("snapshot", help=what, description=f"{what.capitalize()}.", allow_abbrev=False)
    parser.set_defaults(answer=_snapshot)
    parser.add_argument("url", metavar="URL", help="the database: postgresql://, mysql:// or sqlite:///")
    parser.add_argument("--output", default=_FILE, metavar="FILE", help=f"the file to write (default: {_FILE})")


def _nothing(options: Namespace) -> Answer:
    raise UsageError("say what to do: `slowpath db snapshot URL`")


def _snapshot(options: Namespace) -> Answer:
    from slowpath.census import encoded
    from slowpath.cli.catalogues import census_at

    census = census_at(options.url)
    try:
        Path(options.output).write_bytes(encoded(census))
    except OSError as error:
        raise UsageError(
            f"--output: `{options.output}` cannot be written: {(error.strerror or 'unknown').lower()}"
        ) from None
    counted = sum(table.rows is not None for table in census.tables)
    return Answer([f"Wrote {options.output}: {len(census.tables):,} tables, the rows of {counted:,} of them."], CLEAN)
