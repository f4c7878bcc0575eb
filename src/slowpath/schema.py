"""The one shape of a database schema, whichever ORM, migration or DDL it was read from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from msgspec import Struct

RelationKind = Literal[
    "foreign-key",
    "one-to-one",
    "many-to-many",
    "reverse-foreign-key",
    "reverse-one-to-one",
    "generic-foreign-key",
    "generic-reverse",
]
Access = Literal["row", "rows", "manager", "query"]
Lazy = Literal["select", "joined", "batch", "raise", "none"]


class Relation(Struct, frozen=True):
    """An attribute of a row that leads to other rows.

    `target` is a model's name (empty when unknown or when it differs by row). `access` is what reading it gives: one
    row, a list of rows, a manager that runs a query when asked, or a query. `column` is the attribute that holds the
    key on this side, empty when the key is on the other. `back` is the opposite relation's name on the target, empty
    if none. `lazy` is what the model itself says of loading: on first read, with the parent by join, with the parent
    in a batch query, never (reading is an error), never (reading is empty). `module` is where `line` is, empty if it
    is not known.
    """

    name: str
    target: str
    kind: RelationKind
    access: Access
    column: str = ""
    back: str = ""
    lazy: Lazy = "select"
    nullable: bool = False
    through: str = ""
    line: int = 0
    module: str = ""

    @property
    def many(self) -> bool:
        """Whether it leads to any number of rows."""
        return self.access != "row"


class Column(Struct, frozen=True):
    """A column: the attribute's name on a row, its name in the table, its type as the ORM spells it.

    `few` when it takes one of a few values (a flag, a choice). `inherited` when it is in the table of a model above.
    `module` is where `line` is, empty for the model's own.
    """

    name: str
    column: str
    type: str
    primary_key: bool = False
    unique: bool = False
    indexed: bool = False
    nullable: bool = False
    deferred: bool = False
    few: bool = False
    line: int = 0
    module: str = ""
    inherited: bool = False


class Index(Struct, frozen=True):
    """An index: columns (or expressions) in order; a leading `-` means descending; `condition` when it is partial.

    Without columns it is one that could not be read. `special` when it has operator classes, or columns included, or
    lies somewhere else. `module` is where `line` is, empty for the model's own.
    """

    columns: tuple[str, ...]
    unique: bool = False
    name: str = ""
    condition: str = ""
    method: str = ""
    special: bool = False
    line: int = 0
    module: str = ""


class ForeignKey(Struct, frozen=True):
    """Columns that must be a key of another table; `references` are the columns there, empty for its primary key.

    All names are the database's. `on_delete` is what happens to these rows when that one is deleted, in SQL's words
    (`cascade`, `set null`), empty when nothing is said. `validated` is false when the rows that are there are not
    looked at (`NOT VALID`).
    """

    columns: tuple[str, ...]
    table: str
    references: tuple[str, ...] = ()
    on_delete: str = ""
    name: str = ""
    validated: bool = True
    line: int = 0
    module: str = ""


class Proxy(Struct, frozen=True):
    """An attribute that stands for a path (an association proxy): reading it reads the relations of `path` in order."""

    name: str
    path: tuple[str, ...]


class Listener(Struct, frozen=True, order=True):
    """Code that is told when rows are written: the signal or event, and the full name of the function, if it is in
    sight."""

    signal: str
    function: str = ""


class Model(Struct, frozen=True):
    """A mapped class: what its rows have, with everything inherited already in place.

    `name` is the class's full dotted name; `label` what people call it. `rows_type` and `row_type` name the types of
    the library's knowledge table that its queries and its rows behave as. `managers` are class attributes that start
    a query: name and class (dotted; a project class or a library's). `complete` is false when a base could not be
    read, so that unknown names may be anything. `ordered` when the model itself gives its rows an order, and `ordering`
    what it says of it. `overrides` are persistence methods it or a base in the project overrides (`save`, `delete`,
    …); `receivers` the signals or events some code of the project listens to for it, `listeners` who does where that
    is known. `related_type` is the type that a relation's manager to this model behaves as. `settings` are names by
    which the project's settings speak of it (`AUTH_USER_MODEL`). `foreign_keys` are those of its own table, as
    the database knows them; `readable` is false when it may have more columns or indexes than are seen.
    """

    name: str
    label: str
    library: str
    rows_type: str
    row_type: str
    table: str = ""
    columns: tuple[Column, ...] = ()
    relations: tuple[Relation, ...] = ()
    managers: tuple[tuple[str, str], ...] = ()
    default_manager: str = ""
    indexes: tuple[Index, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    readable: bool = True
    parents: tuple[str, ...] = ()
    proxies: tuple[Proxy, ...] = ()
    complete: bool = True
    abstract: bool = False
    ordered: bool = False
    multi_table: bool = False
    overrides: tuple[str, ...] = ()
    receivers: tuple[str, ...] = ()
    listeners: tuple[Listener, ...] = ()
    settings: tuple[str, ...] = ()
    ordering: tuple[str, ...] = ()
    related_type: str = ""


class Schema:
    """All models of a project, with look-ups by name, and the `operators` that it declares for their conditions;
    built once, never changed."""

    def __init__(self, models: Iterable[Model], operators: Iterable[str] = ()) -> None:
        self.operators = frozenset(operators)
        self.models: Mapping[str, Model] = {model.name: model for model in models}
        self._relations = {name: {r.name: r for r in model.relations} for name, model in self.models.items()}
        self._columns = {name: {c.name: c for c in model.columns} for name, model in self.models.items()}
        self._managers = {name: dict(model.managers) for name, model in self.models.items()}
        self._proxies = {name: {p.name: p for p in model.proxies} for name, model in self.models.items()}

    def relation(self, model: str, name: str) -> Relation | None:
        """The relation of this name on the model, if any."""
        return self._relations.get(model, {}).get(name)

    def column(self, model: str, name: str) -> Column | None:
        """The column that the row's attribute of this name holds, if any."""
        return self._columns.get(model, {}).get(name)

    def manager(self, model: str, name: str) -> str | None:
        """The class of the manager that the class attribute of this name is, if it is one."""
        return self._managers.get(model, {}).get(name)

    def proxy(self, model: str, name: str) -> Proxy | None:
        """The association proxy of this name, if any."""
        return self._proxies.get(model, {}).get(name)

    def set_as(self, setting: str) -> str:
        """The name of the model that a setting names, empty if none."""
        return next((name for name, model in self.models.items() if setting in model.settings), "")

    def named(self, app: str, label: str) -> str:
        """The name of the model that people call so in this app (or in any, if `app` is empty), empty if it is not
        the only one."""
        found = [name for name, model in self.models.items() if model.label.lower() == label.lower()]
        near = [name for name in found if app in name.split(".")]
        return near[0] if len(near) == 1 else found[0] if len(found) == 1 else ""

    def label(self, model: str) -> str:
        """What people call the model."""
        found = self.models.get(model)
        return found.label if found else model.rpartition(".")[2]

    def relation_names(self) -> frozenset[str]:
        """Every name that some model's relation has."""
        return frozenset(name for relations in self._relations.values() for name in relations)

    def manager_names(self) -> frozenset[str]:
        """Every name under which some model's class begins a query."""
        return frozenset(name for managers in self._managers.values() for name in managers)
