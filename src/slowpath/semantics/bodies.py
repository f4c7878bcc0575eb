"""The bodies of a project's functions, each read through LibCST when somebody asks for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set

from slowpath.project import Project
from slowpath.references import FunctionRef
from slowpath.semantics.lowering import Body, LoweringError, lower
from slowpath.semantics.slices import slice_of


class Bodies:
    """What has been read so far, and which functions cannot be."""

    def __init__(self, project: Project, lines_of: Callable[[str], Sequence[str]]) -> None:
        self.unreadable: dict[FunctionRef, LoweringError] = {}
        self._project = project
        self._lines_of = lines_of
        self._read: dict[FunctionRef, Body | None] = {}

    def of(self, ref: FunctionRef) -> Body | None:
        """The function's body, `None` when LibCST cannot read it."""
        if ref not in self._read:
            declaration = self._project.function_of(ref)
            lines = self._lines_of(self._project.path_of(ref.module))
            try:
                text = slice_of(lines, declaration.line, declaration.end_line)
                self._read[ref] = lower(text, declaration.column)
            except LoweringError as error:
                self.unreadable[ref] = error
                self._read[ref] = None
        return self._read[ref]

    def take(self, other: Bodies, changed: Set[FunctionRef]) -> None:
        """Take over what has been read elsewhere, but of functions that have changed since."""
        self._read = {ref: body for ref, body in other._read.items() if ref not in changed}
        self.unreadable = {ref: error for ref, error in other.unreadable.items() if ref not in changed}
