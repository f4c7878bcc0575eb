"""How a report is shown: one pure function per format, from what was found to lines of text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from slowpath.reporters import concise, github, gitlab, json, junit, rdjson, sarif, statistics, text
from slowpath.reporters.view import View

if TYPE_CHECKING:
    from slowpath.workspace import Report

Reporter = Callable[["Report", View], Iterator[str]]

FORMATS: Mapping[str, Reporter] = {
    "text": text.lines,
    "concise": concise.lines,
    "json": json.lines,
    "json-lines": json.single_lines,
    "sarif": sarif.lines,
    "github": github.lines,
    "gitlab": gitlab.lines,
    "junit": junit.lines,
    "rdjson": rdjson.lines,
}
TELLS_ALL = frozenset({"text", "concise", "sarif", "github", "junit"})
"""The formats that say themselves what could not be analysed."""
STATISTICS: Mapping[str, Reporter] = {"text": statistics.table, "concise": statistics.table, "json": statistics.objects}
