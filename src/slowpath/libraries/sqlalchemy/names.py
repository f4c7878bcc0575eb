"""What the names in a mapped class's body stand for."""

from __future__ import annotations

from msgspec import Struct

from slowpath.expression import (
    Attribute,
    Boolean,
    Call,
    Conditional,
    Constant,
    Expression,
    Lambda,
    Subscript,
    argument,
    dotted,
)
from slowpath.project import Project
from slowpath.references import ClassRef, External, FunctionRef, Resolved, ValueRef

# An alias of an alias of an alias.
_CHAIN = 6
EXTENSION = "flask_sqlalchemy.SQLAlchemy"


class Placed(Struct, frozen=True):
    """An expression and the module it stands in."""

    value: Expression
    module: str


class Names:
    """A project's names, each looked up once."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._outside: dict[tuple[str, str], str] = {}

    def resolved(self, placed: Placed) -> Resolved | None:
        """What the name stands for in the project."""
        name = dotted(placed.value)
        return self.project.resolve(placed.module, name) if name else None

    def value(self, placed: Placed) -> Placed:
        """The expression itself, or what the module-level name it consists of is assigned."""
        for _ in range(_CHAIN):
            found = self.resolved(placed)
            if not isinstance(found, ValueRef):
                break
            assigned = self.project.assignment(found).value
            if assigned is None:
                break
            placed = Placed(assigned, found.module)
        return placed

    def class_behind(self, placed: Placed) -> ClassRef | None:
        """The class of the project that the expression names, also by another name or in a `lambda`."""
        value = placed.value.body if isinstance(placed.value, Lambda) else placed.value
        found = self.resolved(self.value(Placed(value, placed.module)))
        return found if isinstance(found, ClassRef) else None

    def text(self, placed: Placed | None) -> str | None:
        """The string, also when it is a constant of some module; `None` when it cannot be read."""
        match self.value(placed).value if placed else None:
            case Constant(value=str(text)):
                return text
        return None

    def outside(self, placed: Placed) -> str:
        """The library's dotted name that the expression stands for, empty for anything else.

        It may do so by another name, as a subclass or a `partial`, or as an attribute of the Flask extension.
        """
        name = dotted(placed.value)
        if not name:
            match placed.value:
                case Subscript(value=value):
                    return self.outside(Placed(value, placed.module))
            return ""
        key = (placed.module, name)
        if key not in self._outside:
            self._outside[key] = ""
            self._outside[key] = self._library_name(placed)
        return self._outside[key]

    def word(self, placed: Placed) -> str:
        """The last part of the name of the library's function that is called, as written when it is not known."""
        match placed.value:
            case Call(func=func):
                known = self.outside(Placed(func, placed.module))
                return (known or dotted(func) or _last(func)).rpartition(".")[2]
        return ""

    def _library_name(self, placed: Placed) -> str:
        match self.resolved(placed):
            case External(name=name):
                return name
            case ClassRef() as ref:
                ancestors = self.project.ancestors(ref)
                # What is nearest to the library counts: `class Column(Cached, sqlalchemy.Column)`.
                known = [each.name for each in ancestors if isinstance(each, External) and _is_ours(each.name)]
                return known[0] if known else ""
            case FunctionRef():
                return ""
            case ValueRef() as ref:
                value = self.project.assignment(ref).value
                return self._made_by(Placed(value, ref.module)) if value else ""
        match placed.value:
            case Attribute(value=owner, attr=attr) if self.is_extension(Placed(owner, placed.module)):
                return f"{EXTENSION}.{attr}"
        return ""

    def _made_by(self, placed: Placed) -> str:
        match placed.value:
            case Call(func=func) as call if self.outside(Placed(func, placed.module)) == "functools.partial":
                first = argument(call, "func", 0)
                return self.outside(Placed(first, placed.module)) if first else ""
            case Conditional(body=body):
                return self._made_by(Placed(body, placed.module))
            case Boolean(left=left):
                return self._made_by(Placed(left, placed.module))
        return self.outside(placed)

    def is_extension(self, placed: Placed) -> bool:
        """Whether it is an instance of Flask's extension (`db = SQLAlchemy(app)`)."""
        return self.extension_call(placed) is not None

    def extension_call(self, placed: Placed) -> Placed | None:
        """The call that makes the instance of Flask's extension that this is."""
        found = self.value(placed)
        match found.value:
            case Call(func=func) if self.outside(Placed(func, found.module)).startswith("flask_sqlalchemy."):
                return found if self.word(found) == "SQLAlchemy" else None
        return None


def _last(func: Expression) -> str:
    return func.attr if isinstance(func, Attribute) else ""


def _is_ours(name: str) -> bool:
    return name.partition(".")[0] in {"sqlalchemy", "flask_sqlalchemy", "sqlmodel"}
