"""The tables that changes make, one change after the other: what migrations and SQL leave behind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from slowpath.changes import (
    AddsColumn,
    AddsForeignKey,
    AltersColumn,
    AnyChange,
    DropsColumn,
    DropsIndex,
    DropsTable,
    MakesIndex,
    MakesTable,
    NewColumn,
    RenamesColumn,
    RenamesIndex,
    RenamesTable,
    SetsKey,
    Unreadable,
)
from slowpath.database import Source, SourceKind, Table, place_of
from slowpath.schema import Column, ForeignKey, Index


class History:
    """The tables as the changes so far have left them."""

    def __init__(self) -> None:
        self._tables: dict[str, _Table] = {}

    def take(self, change: AnyChange, kind: SourceKind, module: str, line: int) -> None:
        """Make the change, which is said on this line of the module."""
        match change:
            case MakesTable(table=name) if name and not change.kind:
                self._make(change, kind, module, line)
            case MakesTable():
                return
            case DropsTable(table=name):
                self._tables.pop(name, None)
                return
            case RenamesTable(table=name, to=to) if to and name in self._tables:
                self._tables[to] = self._tables.pop(name)
                self._tables[to].name = to
            case DropsIndex(table="", name=name):
                for table in self._tables.values():
                    table.drop(name)
            case RenamesIndex(table="", name=name, to=to):
                for table in self._tables.values():
                    table.rename_index(name, to)
            case _ if change.table:
                table = self._tables.setdefault(change.table, _Table(change.table, made=False))
                table.take(change, module, line)
            case _:
                return
        found = self._tables.get(change.to if isinstance(change, RenamesTable) else change.table)
        if found is not None:
            # Where a file begins to speak of the table is enough.
            found.sources.setdefault(module, Source(kind, place_of(line, module)))

    def _make(self, change: MakesTable, kind: SourceKind, module: str, line: int) -> None:
        known = self._tables.get(change.table)
        if known is None or (known.made and kind == "migration" and not change.if_missing):
            known = self._tables[change.table] = _Table(change.table, made=False)
        # Files in SQL are in no order that is sure: of what two of them say of a table, nothing is lost.
        if not (known.made and change.if_missing):
            known.make(change, module, line)

    def tables(self) -> Iterator[Table]:
        """The tables of which anything is known. One that nobody was seen to make has gaps."""
        return (table.done() for table in self._tables.values())


class _Table:
    """A table that changes."""

    def __init__(self, name: str, *, made: bool) -> None:
        self.name = name
        self.made = made
        self.sources: dict[str, Source] = {}
        self._columns: dict[str, Column] = {}
        self._key: tuple[str, ...] = ()
        self._indexes: list[Index] = []
        self._keys: list[ForeignKey] = []
        self._gaps: list[str] = []

    def make(self, change: MakesTable, module: str, line: int) -> None:
        """Take in what a `CREATE TABLE` says."""
        self.made = True
        for column in change.columns:
            self._columns[column.name] = _column(column, module, line + column.line - change.line)
        self._key = change.primary_key or self._key
        self._indexes += [replace(index, line=line, module=module) for index in change.indexes]
        self._keys += [replace(key, line=line, module=module) for key in change.foreign_keys]
        if not change.whole:
            self._gaps.append("not all of what makes it could be read")

    def take(self, change: AnyChange, module: str, line: int) -> None:
        """Make a change of this table."""
        match change:
            case AddsColumn(column=column):
                self._columns[column.name] = _column(column, module, line)
            case DropsColumn(column=name):
                self._columns.pop(name, None)
                self._indexes = [index for index in self._indexes if name not in _bare(index.columns)]
                self._keys = [key for key in self._keys if name not in key.columns]
            case RenamesColumn(column=name, to=to):
                self._rename(name, to)
            case AltersColumn(column=name, nullable=nullable, type=kind) if name in self._columns:
                known = self._columns[name]
                known = known if nullable is None else replace(known, nullable=nullable)
                self._columns[name] = known if kind is None else replace(known, type=kind)
            case MakesIndex(index=index, adopts=adopts):
                columns = next(
                    (each.columns for each in self._indexes if adopts and each.name == adopts), index.columns
                )
                self.drop(adopts)
                self._indexes.append(replace(index, columns=columns, line=line, module=module))
            case DropsIndex(name=name):
                self.drop(name)
            case RenamesIndex(name=name, to=to):
                self.rename_index(name, to)
            case SetsKey(columns=columns):
                self._key = columns
            case AddsForeignKey(key=key):
                self._keys.append(replace(key, line=line, module=module))
            case Unreadable():
                self._gaps.append("a change of it could not be read")

    def drop(self, name: str) -> None:
        """The index, or the key, of this name goes."""
        if name:
            self._indexes = [index for index in self._indexes if index.name != name]
            self._keys = [key for key in self._keys if key.name != name]

    def rename_index(self, name: str, to: str) -> None:
        """The index has another name."""
        self._indexes = [replace(index, name=to) if index.name == name else index for index in self._indexes]

    def _rename(self, name: str, to: str) -> None:
        def renamed(columns: Iterable[str]) -> tuple[str, ...]:
            return tuple({name: to, f"-{name}": f"-{to}"}.get(column, column) for column in columns)

        if name in self._columns:
            column = replace(self._columns[name], name=to, column=to)
            self._columns = {
                to if key == name else key: column if key == name else each for key, each in self._columns.items()
            }
        self._key = renamed(self._key)
        self._indexes = [replace(index, columns=renamed(index.columns)) for index in self._indexes]
        self._keys = [replace(key, columns=renamed(key.columns)) for key in self._keys]

    def done(self) -> Table:
        """The table as it is now."""
        gaps = [*self._gaps, *([] if self.made else ["what makes it is not seen"])]
        return Table(
            self.name,
            tuple(self._columns.values()),
            self._key,
            tuple(dict.fromkeys(index for index in self._indexes if index.columns and "" not in index.columns)),
            tuple(key for key in self._keys if key.table and "" not in key.columns),
            tuple(sorted(self.sources.values())),
            tuple(dict.fromkeys(gaps)),
        )


def _column(column: NewColumn, module: str, line: int) -> Column:
    return Column(column.name, column.name, column.type, nullable=column.nullable, line=line, module=module)


def _bare(columns: Iterable[str]) -> frozenset[str]:
    """The columns without the signs of those that are sorted downwards."""
    return frozenset(column.removeprefix("-") for column in columns)
