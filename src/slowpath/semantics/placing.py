"""Where LibCST's nodes are in the text, three times faster than its own provider of positions finds out."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate

import libcst as cst
from libcst.metadata.position_provider import PositionProvidingCodegenState

from slowpath.source import Span


def places_of(module: cst.Module, nodes: Sequence[cst.CSTNode]) -> list[Span]:
    """The spans of these nodes of the module, without the white space that belongs to them."""
    writing = _Writing(module)
    module._codegen(writing)
    offsets = [0, *accumulate(map(len, writing.tokens))]
    text = "".join(writing.tokens)
    starts = [0, *(at + 1 for at, character in enumerate(text) if character == "\n")]
    return [
        Span(*_place(offsets[first], starts), *_place(offsets[last], starts))
        for first, last in map(writing.range_of, nodes)
    ]


def _place(offset: int, starts: Sequence[int]) -> tuple[int, int]:
    line = bisect_right(starts, offset)
    return line, offset - starts[line - 1] + 1


class _Writing(PositionProvidingCodegenState):
    """A module being written out. It notes between which tokens each node stands; LibCST's own notes lines and columns
    for every token."""

    def __init__(self, module: cst.Module) -> None:
        super().__init__(module.default_indent, module.default_newline, provider=None)  # type: ignore[arg-type]
        self._ranges: dict[cst.CSTNode, tuple[int, int]] = {}
        self._begun: list[int] = []

    def range_of(self, node: cst.CSTNode) -> tuple[int, int]:
        """The numbers of the node's first token and of the one after its last."""
        return self._ranges[node]

    def add_indent_tokens(self) -> None:
        self.tokens.extend(self.indent_tokens)

    def add_token(self, value: str) -> None:
        self.tokens.append(value)

    def before_codegen(self, node: cst.CSTNode) -> None:
        self._begun.append(len(self.tokens))

    def after_codegen(self, node: cst.CSTNode) -> None:
        begun = self._begun.pop()
        if node not in self._ranges:
            self._ranges[node] = (begun, len(self.tokens))

    @contextmanager
    def record_syntactic_position(
        self, node: cst.CSTNode, *, start_node: cst.CSTNode | None = None, end_node: cst.CSTNode | None = None
    ) -> Iterator[None]:
        begun = len(self.tokens)
        yield
        first = begun if start_node is None else self._ranges[start_node][0]
        last = len(self.tokens) if end_node is None else self._ranges[end_node][1]
        self._ranges[node] = (first, last)
