"""Sessions that an object keeps for itself, and that nobody ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from slowpath.declarations import FunctionDeclaration
from slowpath.references import ClassRef, FunctionRef

if TYPE_CHECKING:
    from slowpath.semantics.program import Program

# Leaving the `with` that an object stands for is a way of giving back what it keeps.
_LEAVING = frozenset({"__exit__", "__aexit__"})


def left_open(program: Program, ref: FunctionRef, attribute: str) -> FunctionRef | None:
    """A method that begins to use what `__init__` keeps in an attribute and does not end it, if nobody does.

    `None` where anything could give it back: a method of the class or of a relative, or a function elsewhere that
    closes an attribute of this name of something.
    """
    project = program.project
    owner = project.declared(ref.module, project.function_of(ref).owner)
    if not isinstance(owner, ClassRef) or project.function_of(ref).name != "__init__":
        return None
    releasing = program.releasing_words | _LEAVING
    family = [owner, *project.subclasses(owner)]
    relatives = {each for cls in family for each in project.ancestors(cls) if isinstance(each, ClassRef)}
    methods = [method for cls in sorted(relatives) for method in project.own_methods(cls).values()]
    if any(not releasing.isdisjoint(project.function_of(method).sketch.words) for method in methods):
        return None
    ends = releasing | program.resting_words
    if any(_ends_attribute(function, attribute, ends) for function in _functions(program)):
        return None
    using = (
        method
        for method in project.own_methods(owner).values()
        if method != ref and attribute in project.function_of(method).sketch.words
    )
    return next(
        (method for method in using if program.resting_words.isdisjoint(project.function_of(method).sketch.words)), None
    )


def _functions(program: Program) -> Iterator[FunctionDeclaration]:
    for declarations in program.project.modules.values():
        yield from (function for function in declarations.functions if not function.owner)


def _ends_attribute(function: FunctionDeclaration, attribute: str, words: frozenset[str]) -> bool:
    sketch = function.sketch
    if attribute not in sketch.words:
        return False
    ends = tuple(f"{receiver}.{word}" for receiver in (f".{attribute}", "?") for word in words)
    return any(call.endswith(ends) for call in sketch.calls)
