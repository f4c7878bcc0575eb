"""The command: `slowpath check` and its sisters, each in a module of its own."""

from __future__ import annotations

import io
import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Sequence
from typing import NoReturn

import slowpath
from slowpath.cli import baseline, caches, check, explain, indexes, server, settings, snapshot, tables, watch
from slowpath.cli.arguments import COULD_NOT_RUN, FAILED, Answer, Parser
from slowpath.errors import SlowpathError, UsageError, without_passwords

# The engine and the rules are imported where they are used: `slowpath --version` and a mistyped option answer at once,
# and a warm run loads no parser.

_ISSUES = "https://github.com/slowpath/slowpath/issues"


def entry() -> NoReturn:
    """The command as the shell runs it."""
    try:
        status = main(sys.argv[1:])
    except SlowpathError as error:
        print(f"slowpath: {without_passwords(str(error))}", file=sys.stderr)
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
    parser = Parser(prog="slowpath", description=slowpath.__doc__, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"slowpath {slowpath.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="")
    for module in (check, watch, baseline, indexes, server, explain, tables, caches, snapshot, settings):
        module.add_to(commands)
    return parser


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
