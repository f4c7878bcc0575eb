"""`slowpath server`."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from slowpath.cli.arguments import CLEAN, Answer
from slowpath.errors import UsageError

if TYPE_CHECKING:
    from slowpath.cli.arguments import Commands


def add_to(commands: Commands) -> None:
    """The command and its options."""
    parser = commands.add_parser(
        "server",
        help="talk to an editor",
        description="Talk to an editor on standard input and output, in the language server protocol.",
        allow_abbrev=False,
    )
    parser.set_defaults(answer=_server)
    # Many clients add this to whatever they start.
    parser.add_argument("--stdio", action="store_true", help="as it does anyway")


def _server(options: Namespace) -> Answer:
    try:
        from slowpath.lsp.server import serve
    except ModuleNotFoundError as error:
        raise UsageError(f"there is no `{error.name}`; write `pip install 'slowpath[lsp]'`") from None
    serve()
    return Answer((), CLEAN)
