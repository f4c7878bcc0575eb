"""A rule's documentation, for a terminal and in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from textwrap import dedent, wrap
from typing import TYPE_CHECKING

from slowpath.reporters.view import View, painted

if TYPE_CHECKING:
    from slowpath.rules import Rule


def page(rule: Rule, view: View) -> Iterator[str]:
    """The page of one rule."""
    yield f"{painted(rule.name, view, 'bold')} ({rule.code})"
    yield painted(f"{rule.severity}, {'on' if rule.default else 'off'} by default", view, "dim")
    yield ""
    for paragraph in rule.doc.strip().split("\n\n"):
        if paragraph.startswith("## "):
            yield painted(paragraph[3:], view, "bold", "cyan")
        elif paragraph.startswith("    "):
            yield from (painted(line, view, "green") for line in paragraph.splitlines())
        else:
            yield from _filled(paragraph, view)
        yield ""


def index(rules: Iterable[Rule], view: View) -> Iterator[str]:
    """A line per rule, or several where the terminal is narrow."""
    listed = sorted(rules, key=lambda rule: rule.code)
    width = max((len(rule.name) for rule in listed), default=0)
    column = len("SLO101   ") + width
    for rule in listed:
        first, *others = _filled(rule.summary, view, column)
        yield f"{rule.code} {painted(f'{rule.name:{width}}', view, 'bold')}  {first}"
        yield from (f"{' ' * column}{line}" for line in others)


def _filled(text: str, view: View, column: int = 0) -> list[str]:
    """The text in lines that fit right of the column; code in it is not parted at hyphens."""
    return wrap(text, max(view.width - column, 20), break_long_words=False, break_on_hyphens=False)


def markdown(rule: Rule) -> str:
    """The text of the rule with its code in fences."""
    return "\n".join(_fenced(rule.doc.strip().splitlines()))


def _fenced(lines: list[str]) -> Iterator[str]:
    """The lines with indented code as fenced code."""
    for is_code, group in groupby(_with_code(lines), key=lambda pair: pair[0]):
        block = [line for _, line in group]
        if not is_code:
            yield from block
            continue
        code = dedent("\n".join(block))
        # A blank line after the code belongs to the text.
        yield from ("```python", *code.rstrip().splitlines(), "```")
        if code != code.rstrip():
            yield ""


def _with_code(lines: list[str]) -> Iterator[tuple[bool, str]]:
    is_code = False
    for line in lines:
        is_code = line.startswith("    ") or (is_code and not line.strip())
        yield is_code, line
