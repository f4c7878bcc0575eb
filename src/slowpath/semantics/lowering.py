"""One function's slice in the neutral form, and the places of its nodes.

The nodes of a body are numbered in the order of the walk, from 1 (0 is the function's own name). The walk is a
function of the text alone, whichever parser reads it, so that `spans` finds the same numbers again.
"""

from __future__ import annotations

from collections.abc import Collection

from slowpath.semantics import quick_lowering
from slowpath.semantics.body import Body, LoweringError, too_deep
from slowpath.semantics.slices import is_too_deep
from slowpath.source import Span

__all__ = ["Body", "LoweringError", "lower", "spans"]


def lower(slice_text: str, column: int) -> Body:
    """The function whose lines these are; `column` (from 1) is where its `def` or `async def` begins.

    Raises `LoweringError` when neither parser can read it.
    """
    if is_too_deep(slice_text):
        raise too_deep(column)
    body = quick_lowering.lowered(slice_text, column)
    if body is None:
        from slowpath.semantics import exact_lowering

        body = exact_lowering.lowered(slice_text, column)
    return body


def spans(slice_text: str, column: int, first_line: int, ats: Collection[int]) -> dict[int, Span]:
    """Where in the file the nodes with these numbers are, given the file's line on which the slice begins."""
    if is_too_deep(slice_text):
        raise too_deep(column)
    found = quick_lowering.spans(slice_text, column, first_line, ats)
    if found is None:
        from slowpath.semantics import exact_lowering

        found = exact_lowering.spans(slice_text, column, first_line, ats)
    return found
