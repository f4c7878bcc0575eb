"""How methods bind when they are taken from an instance or a class."""

from __future__ import annotations

from typing import Literal

from slowpath import expression as e
from slowpath.declarations import FunctionDeclaration

Binding = Literal["plain", "property", "cached", "static", "class", "class-property"]


def binding(declaration: FunctionDeclaration) -> Binding:
    """How a function that is declared in a class binds when it is taken from an instance."""
    if declaration.name in {"__init_subclass__", "__class_getitem__", "__new__"}:
        return "class"
    functions = [each.func if isinstance(each, e.Call) else each for each in declaration.decorators]
    names = [e.dotted(each).rpartition(".")[2] for each in functions]
    for name in names:
        if name == "staticmethod":
            return "static"
        if name.endswith("classproperty") or (name == "classmethod" and "property" in names):
            return "class-property"
        if name == "classmethod":
            return "class"
        if "cached" in name and name.endswith("property"):
            return "cached"
        if name.endswith("property") or name in {"hybrid_method", "reify"}:
            return "cached" if name == "reify" else "property"
    return "plain"
