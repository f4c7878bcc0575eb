"""Which classes are mapped, and what they inherit from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from slowpath.expression import Attribute, Call, Constant, Expression, Subscript, argument, dotted
from slowpath.libraries.sqlalchemy.names import EXTENSION, Names, Placed
from slowpath.project import Project
from slowpath.references import ClassRef, External, ValueRef

_LIBRARIES = {"sqlalchemy", "flask_sqlalchemy", "sqlmodel", "advanced_alchemy", "fastapi_users_db_sqlalchemy"}
_DECLARATIVE = {"DeclarativeBase", "DeclarativeBaseNoMeta", "DeclarativeBaseModel"}
_MAKERS = {"declarative_base", "automap_base", "generate_base", "as_declarative_base"}
# Nothing that is mapped comes from these.
_PLAIN = {
    "builtins", "typing", "typing_extensions", "abc", "collections", "dataclasses", "enum", "pydantic", "flask_login",
    "sqlalchemy", "sqlmodel", "flask_sqlalchemy",
}  # fmt: skip

_LIBRARY_TABLES = {
    "SQLAlchemyBaseUserTable": "user",
    "SQLAlchemyBaseOAuthAccountTable": "oauth_account",
    "SQLAlchemyBaseAccessTokenTable": "accesstoken",
}

Style = Literal["plain", "flask", "sqlmodel"]


class Base(Struct, frozen=True):
    """The root of mapped classes: what tells it from other roots, how it was made, the classes it was made from."""

    name: str
    style: Style = "plain"
    above: ClassRef | None = None
    query: ClassRef | None = None


class Bases:
    """What the project's classes descend from, as far as SQLAlchemy is concerned."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.project = names.project
        self._bases: dict[ClassRef, Base | None] = {}
        self._mapped: dict[ClassRef, bool] = {}

    def base(self, ref: ClassRef) -> Base | None:
        """The root that the class descends from."""
        if ref not in self._bases:
            self._bases[ref] = None
            self._bases[ref] = self._found(ref)
        return self._bases[ref]

    def line(self, ref: ClassRef) -> tuple[ClassRef, ...]:
        """The class and what it inherits from within the project, in order; also what its root was made from."""
        own = [each for each in self.project.ancestors(ref) if isinstance(each, ClassRef)]
        base = self.base(ref)
        above = base.above if base else None
        if above and above not in own:
            own += [each for each in self.project.ancestors(above) if isinstance(each, ClassRef) and each not in own]
        return tuple(own)

    def is_mapped(self, ref: ClassRef) -> bool:
        """Whether rows of a table are instances of the class."""
        if ref not in self._mapped:
            self._mapped[ref] = False
            self._mapped[ref] = self._is_mapped(ref)
        return self._mapped[ref]

    def is_abstract(self, ref: ClassRef) -> bool:
        """Whether the class says itself that it has no table."""
        return any(
            assignment.name == "__abstract__"
            and isinstance(assignment.value, Constant)
            and bool(assignment.value.value)
            for assignment in self.project.class_of(ref).assignments
        )

    def complete(self, ref: ClassRef) -> bool:
        """Whether all that the class inherits is known."""
        return all(self._is_known(each, number) for each in self.line(ref) for number in self._numbers(each))

    def _numbers(self, ref: ClassRef) -> range:
        return range(len(self.project.class_of(ref).bases))

    def _is_known(self, ref: ClassRef, number: int) -> bool:
        match self.project.bases(ref)[number]:
            case ClassRef():
                return True
            case External(name=name):
                return name.partition(".")[0] in _PLAIN
        return self._made(Placed(self.project.class_of(ref).bases[number], ref.module)) is not None

    def _found(self, ref: ClassRef) -> Base | None:
        for each in self.project.ancestors(ref):
            if isinstance(each, ClassRef):
                base = self._own(each)
                if base:
                    return base
        return None

    def _own(self, ref: ClassRef) -> Base | None:
        """The root that the class is, or that one of its direct bases is when that is no class of the project."""
        declared = self.project.class_of(ref)
        if any(self._makes_root(Placed(decorator, ref.module)) for decorator in declared.decorators):
            return Base(ref.name)
        found = self.project.bases(ref)
        for written, base in zip(declared.bases, found, strict=True):
            if isinstance(base, External):
                root = _library_root(ref, base.name)
            else:
                root = self._made(Placed(written, ref.module)) if base is None else None
            if root:
                return root
        return None

    def _made(self, placed: Placed) -> Base | None:
        """The root that is a value: made by a call, or an attribute of Flask's extension."""
        value = placed.value.value if isinstance(placed.value, Subscript) else placed.value
        placed = Placed(value, placed.module)
        if self.names.outside(placed) == f"{EXTENSION}.Model":
            return self._flask(placed)
        found = self.names.value(placed)
        if found is not placed and self.names.outside(found) == f"{EXTENSION}.Model":
            return self._flask(found)
        match found.value:
            case Call() as call if self.names.word(found) in _MAKERS:
                return Base(self._name_of(placed), "plain", self._argument(call, found.module, "cls", 1))
            case Call(func=func, arguments=(_, first, *_)) if dotted(func).endswith("with_metaclass"):
                return self._made(Placed(first.value, found.module))
        return None

    def _name_of(self, placed: Placed) -> str:
        match self.names.resolved(placed):
            case ValueRef(module=module, name=name):
                return f"{module}.{name}"
        return f"{placed.module}.{dotted(placed.value)}"

    def _flask(self, placed: Placed) -> Base:
        owner = placed.value.value if isinstance(placed.value, Attribute) else placed.value
        call = self.names.extension_call(Placed(owner, placed.module))
        if call is None or not isinstance(call.value, Call):
            return Base(EXTENSION, "flask")
        above = self._argument(call.value, call.module, "model_class", None)
        return Base(EXTENSION, "flask", above, self._argument(call.value, call.module, "query_class", None))

    def _argument(self, call: Call, module: str, keyword: str, position: int | None) -> ClassRef | None:
        passed = argument(call, keyword, position)
        return self.names.class_behind(Placed(passed, module)) if passed else None

    def _makes_root(self, placed: Placed) -> bool:
        return _decorator_word(placed.value) in {"as_declarative", "as_declarative_base"}

    def _is_mapped(self, ref: ClassRef) -> bool:
        if self.is_abstract(ref):
            return False
        declared = self.project.class_of(ref)
        if any(_decorator_word(decorator) in {"mapped", "mapped_as_dataclass"} for decorator in declared.decorators):
            return True
        base = self.base(ref)
        if base and base.style == "sqlmodel":
            return any(word == "table" and value == Constant(value.at, True) for word, value in declared.keywords)
        has_table = self._has_table(ref, base)
        if base is None:
            return has_table and self._has_columns(ref)
        return has_table or any(self.is_mapped(parent) for parent in self.line(ref)[1:])

    def _has_table(self, ref: ClassRef, base: Base | None) -> bool:
        names = {"__tablename__", "__table__"}
        own = {assignment.name for assignment in self.project.class_of(ref).assignments} | set(
            self.project.own_methods(ref)
        )
        if names & own:
            return True
        if base is None or base.above == ref or self._own(ref) == Base(ref.name):
            return False
        if base.style == "plain" and library_table(self.project, ref):
            return True
        inherited = any(self.project.attribute(each, name) or self.project.method(each, name)
                        for each in self.line(ref)[1:] for name in names)  # fmt: skip
        if base.style == "flask" or inherited:
            return base.style != "flask" or self._has_columns(ref)
        return False

    def _has_columns(self, ref: ClassRef) -> bool:
        words = {"Column", "mapped_column", "relationship", "deferred"}
        return any(
            assignment.value is not None and self.names.word(Placed(assignment.value, each.module)) in words
            for each in self.line(ref)
            for assignment in self.project.class_of(each).assignments
        ) or self._has_annotated_columns(ref)

    def _has_annotated_columns(self, ref: ClassRef) -> bool:
        return any(
            isinstance(assignment.annotation, Subscript) and dotted(assignment.annotation.value).endswith("Mapped")
            for each in self.line(ref)
            for assignment in self.project.class_of(each).assignments
        )


def library_table(project: Project, ref: ClassRef) -> str:
    """The name of the table that a mixin of FastAPI Users gives the class."""
    for each in project.ancestors(ref):
        if isinstance(each, External) and each.name.startswith(("fastapi_users_db_sqlalchemy.", "fastapi_users.db.")):
            word = each.name.rpartition(".")[2].removesuffix("UUID")
            return _LIBRARY_TABLES.get(word, "")
    return ""


def uses_sqlalchemy(project: Project) -> bool:
    """Whether some file imports SQLAlchemy or what builds on it."""
    return any(
        imported.module.partition(".")[0] in _LIBRARIES
        for file in project.modules.values()
        for imported in file.imports
    )


def decorator_words(decorators: tuple[Expression, ...]) -> Iterator[str]:
    """The last parts of the decorators' names."""
    return (_decorator_word(decorator) for decorator in decorators)


def _decorator_word(decorator: Expression) -> str:
    return dotted(decorator.func if isinstance(decorator, Call) else decorator).rpartition(".")[2]


def _library_root(ref: ClassRef, name: str) -> Base | None:
    top, _, _ = name.partition(".")
    last = name.rpartition(".")[2]
    if top not in _LIBRARIES:
        return None
    if last == "SQLModel":
        return Base("sqlmodel.SQLModel", "sqlmodel")
    if top == "flask_sqlalchemy" and last == "Model":
        return Base(EXTENSION, "flask")
    if last in _DECLARATIVE or (top == "advanced_alchemy" and last.endswith("Base")):
        return Base(ref.name)
    return None
