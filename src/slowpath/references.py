"""What a name stands for: a class, function, module or value of the project, or something outside it."""

from __future__ import annotations

from typing import Union

from msgspec import Struct


class ClassRef(Struct, frozen=True, order=True, tag=True, array_like=True, gc=False):
    """A class of the project."""

    module: str
    qualname: str

    @property
    def name(self) -> str:
        """Its dotted name."""
        return f"{self.module}.{self.qualname}"


class FunctionRef(Struct, frozen=True, order=True, tag=True, array_like=True, gc=False):
    """A function or method of the project."""

    module: str
    qualname: str

    @property
    def name(self) -> str:
        """Its dotted name."""
        return f"{self.module}.{self.qualname}"


class ModuleRef(Struct, frozen=True, order=True, tag=True, array_like=True, gc=False):
    """A module of the project."""

    module: str


class ValueRef(Struct, frozen=True, order=True, tag=True, array_like=True, gc=False):
    """What a name is assigned at the module level of a project's module."""

    module: str
    name: str


class External(Struct, frozen=True, order=True, tag=True, array_like=True, gc=False):
    """Something outside the project, by its dotted name: `django.db.models.Q`, `builtins.len`."""

    name: str


Resolved = Union[ClassRef, FunctionRef, ModuleRef, ValueRef, External]
