"""`slowpath rule` and `slowpath why`: what a rule is about, and what is believed of a line."""

from __future__ import annotations

import re
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from slowpath.cli.arguments import CLEAN, Answer, place_of, view_of
from slowpath.config import Settings, settings_of
from slowpath.errors import UsageError, nearest

if TYPE_CHECKING:
    from slowpath.cli.arguments import Commands

# The column is there when the place is copied from a report.
_PLACE = re.compile(r"(?P<file>.+?):(?P<line>[0-9]+)(?::[0-9]+)?")


def add_to(commands: Commands) -> None:
    """The two commands and their arguments."""
    rule = commands.add_parser("rule", help="explain a rule", description="Explain a rule, or list all of them.")
    rule.set_defaults(answer=_rule)
    rule.add_argument("rule", nargs="?", metavar="NAME|CODE")
    why = commands.add_parser(
        "why", help="say what is believed of a line", description="Say what slowpath believes of a line, and why."
    )
    why.set_defaults(answer=_why)
    why.add_argument("place", metavar="FILE:LINE")


def _rule(options: Namespace) -> Answer:
    from slowpath import rules
    from slowpath.reporters.page import index, page

    view = view_of(Path.cwd(), Settings())
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
    place = place_of([match["file"]])
    if not Path(match["file"]).is_file():
        raise UsageError(f"`{match['file']}` is not a file")
    from slowpath import workspace

    answer = workspace.why(place.root, settings_of(place.root), place.targets[0], int(match["line"]))
    return Answer([answer], CLEAN)
