"""Tables that are declared without a class: `Table("name", metadata, Column(…), …)` at module level."""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.database import Source, Table, place_of
from slowpath.declarations import Assignment
from slowpath.expression import Call, Constant, Expression, argument, line_column
from slowpath.libraries.sqlalchemy.bases import uses_sqlalchemy
from slowpath.libraries.sqlalchemy.columns import column_of
from slowpath.libraries.sqlalchemy.drafts import ColumnDraft
from slowpath.libraries.sqlalchemy.indexes import index_of, key_of
from slowpath.libraries.sqlalchemy.keys import key_draft
from slowpath.libraries.sqlalchemy.names import Names, Placed
from slowpath.project import Project
from slowpath.schema import Column, ForeignKey, Index


def tables(project: Project) -> Iterator[Table]:
    """The tables that modules declare."""
    if not uses_sqlalchemy(project):
        return
    names = Names(project)
    for module, file in project.modules.items():
        for assignment in file.assignments:
            value = assignment.value
            if isinstance(value, Call) and names.word(Placed(value, module)) == "Table":
                reader = Reader(names, module)
                table = reader.table(value)
                if table is not None:
                    yield table


class Reader:
    """One table, part by part, as code in this module writes it."""

    def __init__(self, names: Names, module: str) -> None:
        self._names = names
        self._module = module
        self.columns: list[Column] = []
        self.keys: tuple[str, ...] = ()
        self.indexes: list[Index] = []
        self.foreign: list[ForeignKey] = []
        self.whole = True

    def table(self, call: Call) -> Table | None:
        """The table that the call makes, if it has a name that can be read."""
        name = self.text(argument(call, "name", 0))
        if not name:
            return None
        for passed in call.arguments[1:]:
            if not passed.keyword:
                self.take(passed.value)
            self.whole = self.whole and not passed.star
        line, _ = line_column(call.at)
        inner = tuple(column.column for column in self.columns if column.primary_key)
        return Table(
            name,
            tuple(self.columns),
            self.keys or inner,
            tuple(self.indexes),
            tuple(self.foreign),
            (Source("model", place_of(line, self._module)),),
            () if self.whole else ("its columns could not all be read",),
            "sqlalchemy",
        )

    def take(self, value: Expression) -> None:
        """Take in one argument: a column, an index, a constraint."""
        if not isinstance(value, Call):
            return
        word = self._names.word(Placed(value, self._module))
        index = index_of(self._names, value, self._module)
        several = key_draft(self._names, value, self._module)
        if word == "Column":
            self._column(value)
        elif index is not None:
            self.indexes.append(index)
        elif several is not None:
            found = [self.target(each) for each in several.targets]
            if found and all(found):
                references = tuple(column for _, column in found)
                self.foreign.append(
                    ForeignKey(
                        several.columns,
                        found[0][0],
                        references,
                        several.on_delete.lower(),
                        several.name,
                        line=several.line,
                        module=self._module,
                    )
                )
        self.keys += key_of(self._names, value, self._module)

    def _column(self, call: Call) -> None:
        line, _ = line_column(call.at)
        name = self.text(argument(call, "name", 0))
        draft = column_of(self._names, Assignment(name, call, None, line), self._module, "plain") if name else None
        if draft is None:
            self.whole = False
            return
        column = draft.column
        self.columns.append(
            Column(
                name,
                name,
                column.type,
                column.primary_key,
                column.unique,
                column.indexed,
                column.nullable,
                line=line,
                module=self._module,
            )
        )
        if column.indexed or (column.unique and not column.primary_key):
            self.indexes.append(Index((name,), column.unique, line=line, module=self._module))
        self._key(name, draft, line)

    def _key(self, name: str, draft: ColumnDraft, line: int) -> None:
        table, column = self.target(draft.keys[0]) if draft.keys else ("", "")
        if table:
            key = ForeignKey((name,), table, (column,), draft.on_delete.lower(), line=line, module=self._module)
            self.foreign.append(key)

    def target(self, written: Expression) -> tuple[str, str]:
        """The table and the column that a key names as text."""
        table, _, column = self.text(written).rpartition(".")
        return table.rpartition(".")[2], column

    def text(self, value: Expression | None) -> str:
        """The string, empty if it cannot be read."""
        if isinstance(value, Constant):
            return value.value if isinstance(value.value, str) else ""
        return (self._names.text(Placed(value, self._module)) if value else None) or ""
