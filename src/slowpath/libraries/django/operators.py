"""Lookups that a project declares itself: `prefix__net_contained="…"` where a class has `lookup_name`."""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.declarations import Assignment
from slowpath.expression import Constant
from slowpath.project import Project
from slowpath.references import ClassRef, External

_ROOT = "django."


def operators(project: Project) -> Iterator[str]:
    """The names of the project's own lookups and transforms."""
    for ref in project.classes():
        for assignment in project.class_of(ref).assignments:
            match assignment:
                case Assignment(name="lookup_name", value=Constant(value=str(name))) if _is_of_django(project, ref):
                    yield name


def _is_of_django(project: Project, ref: ClassRef) -> bool:
    return any(isinstance(each, External) and each.name.startswith(_ROOT) for each in project.ancestors(ref))
