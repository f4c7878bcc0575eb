"""The mapped classes of a project, by what relationships call them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

from msgspec import Struct

from slowpath.expression import Attribute, Call, Constant, Expression, Lambda, Name, argument, dotted
from slowpath.libraries.sqlalchemy.bases import Base
from slowpath.libraries.sqlalchemy.drafts import ColumnDraft, KeyDraft, RelationDraft
from slowpath.libraries.sqlalchemy.names import Names, Placed
from slowpath.references import ClassRef, ValueRef
from slowpath.schema import Column, Index, Proxy


class Mapped(Struct, frozen=True):
    """A mapped class with everything inherited in place, before its relations are linked.

    `tables` are the names its table may have, `known_table` the one that is certain; `parents` are the mapped classes
    above it, nearest first.
    """

    ref: ClassRef
    base: Base | None
    tables: tuple[str, ...]
    known_table: str
    columns: tuple[Column, ...]
    keyed: tuple[ColumnDraft, ...]
    foreign: tuple[KeyDraft, ...]
    relations: tuple[RelationDraft, ...]
    inherited: frozenset[str]
    proxies: tuple[Proxy, ...]
    indexes: tuple[Index, ...]
    parents: tuple[str, ...]
    bound: frozenset[str]
    has_query: bool
    own_table: bool
    abstract: bool
    complete: bool
    readable: bool

    @property
    def name(self) -> str:
        """The class's full dotted name."""
        return self.ref.name


class Words:
    """Short questions about names as they are written in some module."""

    def __init__(self, names: Names) -> None:
        self.names = names

    def word_of(self, call: Call, module: str) -> str:
        """The last part of the name of what is called."""
        return self.names.word(Placed(call, module))

    def text_of(self, value: Expression, module: str) -> str | None:
        """The string that the expression is."""
        return self.names.text(Placed(value, module))


class Registry:
    """The mapped classes, looked up by class, by name and by table."""

    def __init__(self, names: Names, mapped: Iterable[Mapped]) -> None:
        self.names = Words(names)
        self._project = names
        self.models = {model.name: model for model in mapped}
        self._labels: defaultdict[str, list[Mapped]] = defaultdict(list)
        self._tables: defaultdict[str, list[Mapped]] = defaultdict(list)
        self._between: dict[tuple[str, str], tuple[str, ...]] = {}
        for model in self.models.values():
            if not model.abstract:
                self._labels[model.ref.qualname.rpartition(".")[2]].append(model)
        for model in self.models.values():
            for table in model.tables if not model.abstract else ():
                self._tables[table].append(model)

    def text(self, model: Mapped, value: Expression | None, module: str) -> str:
        """The string that the expression is, also an attribute of the class (`cls.backref_name`), if it can be read."""
        match value:
            case None:
                return ""
            case Attribute(value=Name(id="cls" | "self"), attr=name):
                found = self._project.project.attribute(model.ref, name)
                if found is None or found[1].value is None:
                    return ""
                return self.names.text_of(found[1].value, found[0].module) or ""
        return self.names.text_of(value, module) or ""

    def target(self, model: Mapped, written: Expression, module: str) -> Mapped | None:
        """The model that a relationship of this one calls so."""
        match written:
            case Lambda(body=body):
                return self.target(model, body, module)
            case Constant(value=str(text)):
                return self.called(model, text)
            case Attribute(value=Name(id="cls" | "self")):
                return self.called(model, self.text(model, written, module))
            case Call(arguments=(only, *_)):
                return self.target(model, only.value, module)
        ref = self._project.class_behind(Placed(written, module))
        if ref:
            return self.models.get(ref.name)
        name = dotted(written)
        return self.called(model, name) if name else None

    def called(self, model: Mapped, name: str) -> Mapped | None:
        """The model that the registry of this one's root has by this name; nothing when there are several."""
        name = name.strip()
        path, _, label = name.rpartition(".")
        found = self._labels.get(label, [])
        if path:
            found = [each for each in found if f".{each.name}".endswith(f".{name}")] or [
                each for each in found if f".{each.ref.module}".endswith(f".{path}")
                or f".{each.ref.module}.".find(f".{path}.") >= 0
            ]  # fmt: skip
        own = [each for each in found if _root(each) == _root(model)] or found
        if len(own) > 1:
            own = [each for each in own if each.ref.module == model.ref.module] or own
        return own[0] if len(own) == 1 else None

    def class_of(self, written: Expression, module: str) -> Mapped | None:
        """The mapped class that the expression names."""
        ref = self._project.class_behind(Placed(written, module))
        return self.models.get(ref.name) if ref else None

    def keys_between(self, model: Mapped, target: Mapped) -> tuple[str, ...]:
        """The attributes of the model's rows that hold keys of the target's table, or of a table it inherits from."""
        key = (model.name, target.name)
        if key not in self._between:
            family = {target.name, *target.parents}
            self._between[key] = tuple(
                draft.column.name
                for draft in model.keyed
                if any(self._refers(draft.module, written, model, family) for written in draft.keys)
            )
        return self._between[key]

    def same_table(self, model: Mapped, target: Mapped) -> bool:
        """Whether rows of both are in one table."""
        if model.name == target.name:
            return True
        return (model.name in target.parents and not target.own_table) or (
            target.name in model.parents and not model.own_table
        )

    def table_named(self, written: Expression, module: str) -> str:
        """The model or table that holds the pairs of a many-to-many."""
        written = written.body if isinstance(written, Lambda) else written
        if isinstance(written, Attribute) and written.attr == "__table__":
            written = written.value
        ref = self._project.class_behind(Placed(written, module))
        if ref:
            return ref.name
        found = self._project.value(Placed(written, module))
        table = self._project.text(found)
        if isinstance(found.value, Call):
            first = argument(found.value, "name", 0)
            table = self._project.text(Placed(first, found.module)) if first else ""
        elif isinstance(found.value, Constant) and isinstance(
            self._project.resolved(Placed(written, module)), ValueRef
        ):
            table = self._project.text(found)
        known = self._tables.get((table or "").rpartition(".")[2], [])
        return known[0].name if len(known) == 1 else table or ""

    def _refers(self, module: str, written: Expression, model: Mapped, family: set[str]) -> bool:
        match written:
            case Lambda(body=body):
                return self._refers(module, body, model, family)
            case Constant(value=str(text)):
                return any(each.name in family for each in self._of_table(text, model))
            case Attribute(value=owner):
                inner = owner.value if isinstance(owner, Attribute) and owner.attr in {"c", "__table__"} else owner
                ref = self._project.class_behind(Placed(inner, module))
                return ref is not None and ref.name in family
        text_of_constant = self.names.text_of(written, module)
        if text_of_constant:
            return any(each.name in family for each in self._of_table(text_of_constant, model))
        # A key to a column of the same class, by its name in the body.
        return bool(dotted(written)) and model.name in family

    def _of_table(self, text: str, model: Mapped) -> list[Mapped]:
        """The models of the table in `schema.table.column`."""
        table = text.rpartition(".")[0].rpartition(".")[2]
        found = self._tables.get(table, [])
        return [each for each in found if _root(each) == _root(model)] or found


def table_names(label: str, style: str) -> tuple[str, ...]:
    """The names that the table of a class may have when the class does not say it, the likeliest first."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<!^)(?=[A-Z][a-z])", "_", label).lower()
    plain = label.lower()
    if style == "flask":
        return (snake,)
    if style == "sqlmodel":
        return (plain,)
    return tuple(
        dict.fromkeys((snake, plain, f"{snake}s", f"{plain}s", f"{snake[:-1]}ies" if snake.endswith("y") else snake))
    )


def _root(model: Mapped) -> str:
    return model.base.name if model.base else ""
