"""What a mapped class's body says, before anything is inherited or linked."""

from __future__ import annotations

from msgspec import Struct

from slowpath.expression import Call, Expression
from slowpath.schema import Column, Index, Proxy


class Annotated(Struct, frozen=True):
    """What an annotation says of a relation or a column.

    `wrapper` is `Mapped`, `DynamicMapped`, `WriteOnlyMapped` or empty; `inner` the class of the rows or the type of the
    column; `many` whether it is a collection of them, `None` when it is not said; `optional` whether it may be missing.
    """

    wrapper: str = ""
    inner: Expression | None = None
    many: bool | None = None
    optional: bool = False


class ColumnDraft(Struct, frozen=True):
    """A column and the keys it refers to: tables' columns by name (`users.id`), or attributes of classes as written.

    `on_delete` is what happens to its rows when that of the key is deleted, as written.
    """

    column: Column
    keys: tuple[Expression, ...] = ()
    module: str = ""
    on_delete: str = ""


class KeyDraft(Struct, frozen=True):
    """A key of several columns, and what they refer to."""

    columns: tuple[str, ...]
    targets: tuple[Expression, ...]
    module: str
    on_delete: str = ""
    name: str = ""
    line: int = 0


class RelationDraft(Struct, frozen=True):
    """A relationship as written; no `call` when a method makes it that cannot be read."""

    name: str
    call: Call | None
    annotation: Annotated | None
    module: str
    line: int


class Draft(Struct, frozen=True):
    """One class's own attributes; `names` are all that its body binds, `opaque` whether it has something unreadable.

    `foreign` are keys of several columns; `unread` when the arguments of its table hold more than could be read.
    `table` is the name of its table as written, `has_table` whether it says one at all, `keys` are the attributes or
    columns that its primary key consists of where `__table_args__` says so.
    """

    columns: tuple[ColumnDraft, ...] = ()
    relations: tuple[RelationDraft, ...] = ()
    proxies: tuple[Proxy, ...] = ()
    indexes: tuple[Index, ...] = ()
    foreign: tuple[KeyDraft, ...] = ()
    keys: tuple[str, ...] = ()
    names: frozenset[str] = frozenset()
    table: str = ""
    has_table: bool = False
    has_query: bool = False
    opaque: bool = False
    unread: bool = False
