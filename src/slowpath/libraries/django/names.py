"""What the names in a class's body stand for."""

from __future__ import annotations

from typing import Union

from msgspec import Struct

from slowpath.expression import (
    Attribute,
    Boolean,
    Call,
    Conditional,
    Constant,
    Expression,
    Listing,
    argument,
    dotted,
)
from slowpath.project import Project
from slowpath.references import ClassRef, External, FunctionRef, ModuleRef, ValueRef

Meaning = Union[ClassRef, FunctionRef, ModuleRef, ValueRef, External, None]
Base = Union[ClassRef, External, None]

UNKNOWN = "?"

# An alias of an alias of an alias.
_CHAIN = 6


class Placed(Struct, frozen=True):
    """An expression and the module it stands in."""

    value: Expression
    module: str


class Names:
    """A project's names, each looked up once; `user` is the class that `get_user_model()` gives."""

    def __init__(self, project: Project, user: ClassRef | External) -> None:
        self.project = project
        self._user = user
        self._meanings: dict[tuple[str, str], Meaning] = {}
        self._bases: dict[ClassRef, tuple[Base, ...]] = {}

    def meaning(self, module: str, name: str) -> Meaning:
        """What a dotted name stands for in a module; names that only stand for another name are followed."""
        key = (module, name)
        if key not in self._meanings:
            self._meanings[key] = None
            self._meanings[key] = self._followed(self.project.resolve(module, name))
        return self._meanings[key]

    def _followed(self, meaning: Meaning) -> Meaning:
        for _ in range(_CHAIN):
            placed = self.value(meaning)
            name = dotted(placed.value) if placed else ""
            further = self.project.resolve(placed.module, name) if placed and name else None
            if further is None:
                return meaning
            meaning = further
        return meaning

    def value(self, meaning: Meaning) -> Placed | None:
        """The expression a module-level name is assigned."""
        if not isinstance(meaning, ValueRef):
            return None
        assignment = self.project.assignment(meaning)
        return Placed(assignment.value, meaning.module) if assignment.value else None

    def chased(self, placed: Placed) -> Placed:
        """The expression itself, or what the module-level name it consists of is assigned."""
        for _ in range(_CHAIN):
            name = dotted(placed.value)
            further = self.value(self.meaning(placed.module, name)) if name else None
            if further is None or further == placed:
                return placed
            placed = further
        return placed

    def text(self, placed: Placed) -> str | None:
        """The string, also when it is a constant of some module; `None` when it cannot be read."""
        match self.chased(placed).value:
            case Constant(value=str(text)):
                return text
        return None

    def bases(self, ref: ClassRef) -> tuple[Base, ...]:
        """What the class is built on, in order; `None` for what cannot be read."""
        if ref not in self._bases:
            self._bases[ref] = ()
            written = self.project.class_of(ref).bases
            pairs = zip(written, self.project.bases(ref), strict=True)
            self._bases[ref] = tuple(
                meaning for base, known in pairs for meaning in ((known,) if known else self._called(ref.module, base))
            )
        return self._bases[ref]

    def _called(self, module: str, base: Expression) -> tuple[Base, ...]:
        """What a base that is no plain name comes to."""
        match base:
            case Call(func=func, arguments=(_, *others)) if dotted(func).endswith("with_metaclass"):
                return tuple(meaning for passed in others for meaning in self._called(module, passed.value))
            case Call(func=Attribute(value=value, attr="from_queryset" | "for_queryset_class")):
                return self._called(module, value)
            case Call(func=func) if dotted(func).endswith("get_user_model"):
                return (self._user,)
        name = dotted(base)
        meaning = self.meaning(module, name) if name else None
        placed = self.value(meaning)
        if placed and isinstance(placed.value, Call):
            return self._called(placed.module, placed.value)
        return (meaning if isinstance(meaning, (ClassRef, External)) else None,)

    @property
    def user_name(self) -> str:
        """The full name of the model of users."""
        return self._user.name

    def outside(self, ref: ClassRef) -> frozenset[str]:
        """The dotted names of all classes outside the project that it descends from, `UNKNOWN` among them."""
        found: set[str] = set()
        for each in self.line_of_descent(ref):
            for base in self.bases(each):
                if base is None:
                    found.add(UNKNOWN)
                elif isinstance(base, External):
                    found.add(base.name)
        return frozenset(found)

    def line_of_descent(self, ref: ClassRef) -> tuple[ClassRef, ...]:
        """The class and all classes of the project that it descends from, nearest first."""
        found: dict[ClassRef, None] = {ref: None}
        todo = [ref]
        while todo:
            for base in self.bases(todo.pop(0)):
                if isinstance(base, ClassRef) and base not in found:
                    found[base] = None
                    todo.append(base)
        return tuple(found)

    def chosen(self, placed: Placed) -> Placed:
        """The expression, or the first alternative of one that chooses."""
        match placed.value:
            case Conditional(body=body):
                return self.chosen(Placed(body, placed.module))
            case Boolean(operator="or", right=right):
                return self.chosen(Placed(right, placed.module))
        return placed

    def strings(self, placed: Placed | None) -> tuple[str, ...] | None:
        """The strings of a literal list; `None` when it is not one."""
        chased = self.chased(placed) if placed else None
        if chased is None or not isinstance(chased.value, Listing):
            return None
        texts = [self.text(Placed(element, chased.module)) for element in chased.value.elements]
        return tuple(text if text is not None else "?" for text in texts)


def flag(call: Call, keyword: str) -> bool:
    """Whether the call passes `keyword=True`."""
    value = argument(call, keyword)
    return isinstance(value, Constant) and value.value is True
