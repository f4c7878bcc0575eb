"""The tables of a project's database, put together from everything that describes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from slowpath.census import Sizes
from slowpath.expression import at_of
from slowpath.schema import Column, ForeignKey, Index, Model
from slowpath.source import Place

SourceKind = Literal["model", "migration", "sql"]


class Source(Struct, frozen=True, order=True):
    """Something that describes a table, and where."""

    kind: SourceKind
    place: Place


class Table(Struct, frozen=True):
    """A table. All names are the database's, and `line` and `module` of its parts say where each comes from.

    `indexes` are all but the primary key, unique constraints included. `gaps` are the reasons why it may have more
    than is written here; with one of them nothing that it lacks may be reported. `library` is that of its model, if it
    has one, and `models` are the names of its models.
    """

    name: str
    columns: tuple[Column, ...] = ()
    primary_key: tuple[str, ...] = ()
    indexes: tuple[Index, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    sources: tuple[Source, ...] = ()
    gaps: tuple[str, ...] = ()
    library: str = ""
    models: tuple[str, ...] = ()

    @property
    def known(self) -> bool:
        """Whether it has no more columns and indexes than are written here."""
        return not self.gaps and bool(self.primary_key)

    @property
    def searched(self) -> Iterator[Index]:
        """Everything that can be searched by its first columns: the primary key, and the indexes."""
        if self.primary_key:
            yield Index(self.primary_key, unique=True)
        yield from self.indexes

    def serving(self, columns: Iterable[str]) -> Index | None:
        """The index that finds the rows of which these columns have given values, without going through others.

        Any order of the columns will do; so will an index of some of them, which leaves few rows to look at.
        """
        wanted = frozenset(columns)
        for index in self.searched:
            if index.condition or index.method not in ("", "btree", "hash") or not index.columns:
                continue
            first = frozenset(column.removeprefix("-") for column in index.columns[: len(wanted)])
            if first <= wanted:
                return index
        return None

    def may_serve(self, columns: Iterable[str]) -> bool:
        """Whether an index begins with one of the columns, even if it is partial or of another kind than a B-tree."""
        wanted = frozenset(columns)
        return any(index.columns and index.columns[0].removeprefix("-") in wanted for index in self.searched)


class Database:
    """The tables by name, and the vendors that the project runs on, the likeliest first; none when nothing says so.
    `sizes` are those that somebody counted."""

    def __init__(self, tables: Mapping[str, Table], vendors: tuple[str, ...], sizes: Sizes | None = None) -> None:
        self.tables = tables
        self.vendors = vendors
        self.sizes = sizes or Sizes()
        self._of_models = {model: table for table in tables.values() for model in table.models}
        self._named: dict[str, list[Table]] = {}
        for name, table in tables.items():
            self._named.setdefault(name.rpartition(".")[2].lower(), []).append(table)

    @property
    def vendor(self) -> str:
        """The likeliest vendor: `postgresql`, `mysql`, `sqlite`, `oracle` or `mssql`; empty when nothing says so."""
        return next(iter(self.vendors), "")

    @property
    def servers(self) -> tuple[str, ...]:
        """The vendors whose database is a program of its own, which others wait for."""
        return tuple(vendor for vendor in self.vendors if vendor != "sqlite")

    @property
    def may_index_keys(self) -> bool:
        """Whether the project may run on a vendor that makes an index for each foreign key by itself."""
        return "mysql" in self.vendors

    def named(self, name: str) -> Table | None:
        """The table that a query calls by this name; SQL may leave its schema out, and write capitals or not."""
        alike = self._named.get(name.rpartition(".")[2].lower(), [])
        return self.tables.get(name) or (alike[0] if len(alike) == 1 else None)

    def is_large(self, name: str) -> bool:
        """Whether the table of this name, or of the model of this name, was counted and has many rows."""
        table = self.of_model(name)
        return self.sizes.is_large(table.name if table is not None else name)

    def of_model(self, model: str) -> Table | None:
        """The table of the model of this name."""
        return self._of_models.get(model)


def place_of(line: int, module: str) -> Place:
    """The place of a line outside functions."""
    return Place(module, "", at_of(line, 1))


def tables_of(models: Iterable[Model]) -> Iterator[Table]:
    """The tables of models, each model's by itself: models that share one give it several times."""
    for model in models:
        if model.table and not model.abstract:
            yield _table_of(model)


def _table_of(model: Model) -> Table:
    module = model.name.rpartition(".")[0]
    # What has no name in the table is computed when rows are read.
    own = [_at(column, module) for column in model.columns if column.column and not column.inherited]
    names = {column.name: column.column for column in own}
    names |= {relation.name: names[relation.column] for relation in model.relations if relation.column in names}
    known = frozenset(names.values())
    columns = tuple(replace(column, column=names[column.name]) for column in own)
    indexes = [index for index in (_index(index, names, module) for index in model.indexes) if _is_of(index, known)]
    lines = [column.line for column in own if column.line and column.module == module]
    return Table(
        model.table,
        columns,
        tuple(column.column for column in columns if column.primary_key),
        tuple(dict.fromkeys((*_of_columns(columns), *(index for index in indexes if index.columns)))),
        model.foreign_keys,
        (Source("model", place_of(min(lines, default=1), module)),),
        tuple(_gaps(model, indexes)),
        model.library,
        (model.name,),
    )


def _at(column: Column, module: str) -> Column:
    return column if column.module else replace(column, module=module)


def _index(index: Index, names: Mapping[str, str], module: str) -> Index:
    """The index with its columns as the database calls them."""
    columns = tuple(_renamed(column, names) for column in index.columns)
    return replace(index, columns=columns, module=index.module or module)


def _renamed(column: str, names: Mapping[str, str]) -> str:
    bare = column.removeprefix("-")
    return column[: len(column) - len(bare)] + names.get(bare, bare)


def _is_of(index: Index, known: frozenset[str]) -> bool:
    """Whether the index is of the table with these columns rather than of a parent's; expressions may be of any."""
    return all(
        column.removeprefix("-") in known or not column.removeprefix("-").isidentifier() for column in index.columns
    )


def _of_columns(columns: Iterable[Column]) -> Iterator[Index]:
    """The indexes that columns say they have."""
    for column in columns:
        # A key that is said to be unique is no more than a key; one that is said to be indexed has both.
        if (column.unique or column.indexed) and not (column.primary_key and column.unique):
            yield Index((column.column,), column.unique, line=column.line, module=column.module)


def _gaps(model: Model, indexes: Iterable[Index]) -> Iterator[str]:
    if not model.readable:
        yield f"not all that `{model.label}` inherits or says of its table could be read"
    if not all(index.columns for index in indexes):
        yield f"an index of `{model.label}` could not be read"


def merged(tables: Iterable[Table]) -> dict[str, Table]:
    """The tables by name; what several say of one is put together, and what the first says of a column counts."""
    found: dict[str, Table] = {}
    for table in tables:
        known = found.get(table.name)
        found[table.name] = table if known is None else _both(known, table)
    return found


def _both(one: Table, other: Table) -> Table:
    names = {column.column for column in one.columns}
    keys = {key.columns for key in one.foreign_keys}
    shapes = {_shape(index) for index in one.indexes}
    return Table(
        one.name,
        one.columns + tuple(column for column in other.columns if column.column not in names),
        one.primary_key or other.primary_key,
        one.indexes + tuple(index for index in other.indexes if _shape(index) not in shapes),
        one.foreign_keys + tuple(key for key in other.foreign_keys if key.columns not in keys),
        tuple(sorted({*one.sources, *other.sources})),
        tuple(dict.fromkeys((*one.gaps, *other.gaps))),
        one.library or other.library,
        tuple(dict.fromkeys((*one.models, *other.models))),
    )


def completed(known: Mapping[str, Table], made: Iterable[Table]) -> dict[str, Table]:
    """The known tables with the indexes that they are given elsewhere, and the tables that nothing else describes.

    What a model says of its columns counts, whatever was made of the table long ago.
    """
    result = dict(known)
    for table in made:
        declared = result.get(table.name)
        result[table.name] = table if declared is None else _with_indexes(declared, table)
    return result


def _with_indexes(table: Table, other: Table) -> Table:
    shapes = {_shape(index) for index in table.searched}
    names = frozenset(column.column for column in table.columns)
    # An index of a column that has gone is no longer there.
    more = [index for index in other.indexes if _shape(index) not in shapes and _is_of(index, names)]
    sources = tuple(sorted({*table.sources, *(other.sources if more else ())}))
    return replace(table, indexes=(*table.indexes, *more), sources=sources)


def _shape(index: Index) -> tuple[object, ...]:
    return index.columns, index.unique, index.condition, index.method


def with_implied(table: Table) -> Table:
    """The table with the indexes that a vendor makes for foreign keys by itself."""
    made = [
        Index(key.columns, name="made for the foreign key", line=key.line, module=key.module)
        for key in table.foreign_keys
        if table.serving(key.columns) is None
    ]
    return replace(table, indexes=(*table.indexes, *made))
