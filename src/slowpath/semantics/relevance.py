"""Which functions could do anything of interest, from the words their bodies mention, before any is parsed."""

from __future__ import annotations

from slowpath.declarations import FunctionDeclaration
from slowpath.project import Project
from slowpath.references import FunctionRef
from slowpath.schema import Schema
from slowpath.vocabulary import Knowledge

_SHORT = 6


class Relevance:
    """What the sketches say: a function matters if it mentions something that queries, or calls by name what
    matters."""

    def __init__(self, project: Project, schema: Schema, knowledge: Knowledge) -> None:
        self._words = knowledge.words | schema.relation_names() | schema.manager_names()
        self._declared: dict[FunctionRef, FunctionDeclaration] = {
            FunctionRef(module, function.qualname): function
            for module, declarations in project.modules.items()
            for function in declarations.functions
        }
        self._matters = self._closure()

    def _closure(self) -> frozenset[FunctionRef]:
        callers: dict[str, list[FunctionRef]] = {}
        pending: list[FunctionRef] = []
        for ref, function in self._declared.items():
            if not self._words.isdisjoint(function.sketch.words):
                pending.append(ref)
            else:
                for word in function.sketch.words:
                    callers.setdefault(word, []).append(ref)
        found = set(pending)
        while pending:
            name = self._declared[pending.pop()].name
            for caller in callers.pop(name, ()):
                if caller not in found:
                    found.add(caller)
                    pending.append(caller)
        return frozenset(found)

    def matters(self, ref: FunctionRef) -> bool:
        """Whether reading the function could show anything; short ones are always worth a look, for what they
        return."""
        if ref in self._matters:
            return True
        function = self._declared.get(ref)
        return function is None or function.end_line - function.line < _SHORT

    def fingerprint(self) -> str:
        """Changes whenever other functions matter."""
        return "\n".join(sorted(ref.name for ref in self._matters))

    def roots(self) -> list[FunctionRef]:
        """The functions worth starting from: what matters, and repeats something or loads something eagerly."""
        return sorted(ref for ref in self._matters if self._is_root(self._declared[ref]))

    @staticmethod
    def _is_root(function: FunctionDeclaration) -> bool:
        return True
