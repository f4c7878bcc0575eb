"""What a fixture says of itself: `# expect: rule`, `# missed: rule` and `# false-alarm: rule`."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator

_MARKER = re.compile(r"(?:#|--) (?P<kind>expect|missed|false-alarm): (?P<rules>[\w-]+(?:, [\w-]+)*)")

Marks = Counter[tuple[str, int, str]]
Found = Counter[tuple[int, str]]


def marks_in(text: str) -> Marks:
    """Count of each (kind, line, rule) that the text's comments speak of."""
    return Counter(
        (marker["kind"], line, rule)
        for line, content in enumerate(text.splitlines(), start=1)
        for marker in _MARKER.finditer(content)
        for rule in marker["rules"].split(", ")
    )


def differences(marks: Marks, found: Found) -> Iterator[tuple[int, str]]:
    """Each line where what is marked is not what was found, and what to do about it."""
    places = {(line, rule) for _, line, rule in marks} | set(found)
    for line, rule in sorted(places):
        expected, missed, false_alarms = (marks[kind, line, rule] for kind in ("expect", "missed", "false-alarm"))
        surplus = found[line, rule] - expected - false_alarms
        if surplus > 0 and missed:
            yield line, f"{rule} is found now: write `expect` for `missed`"
        elif surplus > 0:
            yield line, f"{rule} is found {_times(found[line, rule])}, and expected {_times(expected + false_alarms)}"
        elif surplus < 0 and false_alarms:
            yield line, f"{rule} is no longer found: remove `false-alarm`"
        elif surplus < 0:
            yield line, f"{rule} is found {_times(found[line, rule])}, and expected {_times(expected)}"


def clean_functions(text: str) -> int:
    """How many functions and methods, not counting those inside others, have no marker in them."""
    marked = {line for _, line, _ in marks_in(text)}
    try:
        body = ast.parse(text).body
    except SyntaxError:
        # Syntax that is newer than the running Python.
        return 0
    return sum(
        marked.isdisjoint(range(function.lineno, (function.end_lineno or function.lineno) + 1))
        for function in _functions(body)
    )


def _functions(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in body:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield statement
        elif isinstance(statement, ast.ClassDef):
            yield from _functions(statement.body)


def _times(number: int) -> str:
    return {0: "never", 1: "once"}.get(number, f"{number} times")
