"""One function's slice in the neutral form, through LibCST, and the places of its nodes.

This reads whatever LibCST's grammar knows, on every Python, and keeps every character; it takes six times as long as
`quick_lowering`, which it agrees with number for number.

The nodes of a body are numbered in the order of the walk, from 1 (0 is the function's own name). The walk is a
function of the text alone, so that `spans` finds the same numbers again.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

import libcst as cst

from slowpath.semantics.body import Body, LoweringError, too_deep
from slowpath.semantics.lowering_expressions import parameters
from slowpath.semantics.lowering_statements import block
from slowpath.semantics.lowering_strings import Nodes
from slowpath.semantics.placing import places_of
from slowpath.semantics.slices import module_of
from slowpath.source import Span, moved

_WRAPPER_LINES = 1
_PLACE = re.compile(r"error at (\d+):(\d+): (.+)")


def lowered(slice_text: str, column: int) -> Body:
    """The function whose lines these are. Raises `LoweringError`."""
    try:
        return _body(_function(_module(slice_text, column)), [])
    except RecursionError:
        raise too_deep(column) from None


def spans(slice_text: str, column: int, first_line: int, ats: Collection[int]) -> dict[int, Span]:
    """Where in the file the nodes with these numbers are, given the file's line on which the slice begins."""
    module = _module(slice_text, column)
    nodes: Nodes = []
    try:
        _body(_function(module), nodes)
        places = places_of(module, [nodes[at] for at in ats])
    except (RecursionError, KeyError):
        # Unwinding from a RecursionError, LibCST looks up positions it has not got to.
        raise too_deep(column) from None
    shift = first_line - 1 - _WRAPPER_LINES
    return {at: moved(place, shift) for at, place in zip(ats, places, strict=True)}


def _module(slice_text: str, column: int) -> cst.Module:
    try:
        return cst.parse_module(module_of(slice_text, column))
    except cst.ParserSyntaxError as error:
        raise _unreadable(error) from None
    except (cst.CSTValidationError, UnicodeError) as error:
        raise LoweringError(1, column, str(error)) from None
    except RecursionError:
        raise too_deep(column) from None


def _function(module: cst.Module) -> cst.FunctionDef:
    found: Sequence[cst.CSTNode] = module.body
    if len(found) == 1 and isinstance(found[0], cst.If):
        found = found[0].body.body
    if len(found) == 1 and isinstance(found[0], cst.FunctionDef):
        return found[0]
    raise LoweringError(1, 1, "the lines are not those of one function")


def _body(function: cst.FunctionDef, nodes: Nodes) -> Body:
    nodes.append(function.name)
    accepted = parameters(function.params, nodes)
    return Body(block(function.body, nodes), accepted)


def _unreadable(error: cst.ParserSyntaxError) -> LoweringError:
    place = _PLACE.search(error.message)
    if place is None:
        return LoweringError(max(error.raw_line - _WRAPPER_LINES, 1), error.raw_column + 1, error.message)
    return LoweringError(max(int(place[1]) - _WRAPPER_LINES, 1), int(place[2]), place[3])
