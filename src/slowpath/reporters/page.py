"""A rule's documentation, for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from slowpath.reporters.view import View, painted

if TYPE_CHECKING:
    from slowpath.rules import Rule


def page(rule: Rule, view: View) -> Iterator[str]:
    """The page of one rule."""
    yield f"{painted(rule.name, view, 'bold')} ({rule.code})"
    yield painted(f"{rule.severity}, {'on' if rule.default else 'off'} by default", view, "dim")
    yield ""
    for line in rule.doc.strip().splitlines():
        if line.startswith("## "):
            yield painted(line[3:], view, "bold", "cyan")
        elif line.startswith("    "):
            yield painted(line, view, "green")
        else:
            yield line


def index(rules: Iterable[Rule], view: View) -> Iterator[str]:
    """A line per rule."""
    listed = sorted(rules, key=lambda rule: rule.code)
    width = max((len(rule.name) for rule in listed), default=0)
    for rule in listed:
        yield f"{rule.code} {painted(f'{rule.name:{width}}', view, 'bold')}  {rule.summary}"
