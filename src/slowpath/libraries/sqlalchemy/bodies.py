"""One class's body as a draft."""

from __future__ import annotations

from msgspec.structs import replace

from slowpath.declarations import Assignment, FunctionDeclaration
from slowpath.expression import (
    Argument,
    Attribute,
    Call,
    Constant,
    Expression,
    Mapping,
    Name,
    argument,
    line_column,
)
from slowpath.libraries.sqlalchemy.annotations import annotated
from slowpath.libraries.sqlalchemy.bases import decorator_words
from slowpath.libraries.sqlalchemy.columns import column_of
from slowpath.libraries.sqlalchemy.drafts import ColumnDraft, Draft, KeyDraft, RelationDraft
from slowpath.libraries.sqlalchemy.indexes import all_are_calls, index_of, key_of, table_arguments
from slowpath.libraries.sqlalchemy.keys import key_draft
from slowpath.libraries.sqlalchemy.names import Names, Placed
from slowpath.references import ClassRef
from slowpath.schema import Column, Index, Proxy

_RELATIONS = {"relationship", "relation", "dynamic_loader", "Relationship"}
_INDIRECT = {"association_proxy", "synonym"}
_COLUMNS = {"Column", "mapped_column", "column_property", "deferred", "query_expression"}
_READ = _RELATIONS | _INDIRECT | _COLUMNS


class Body:
    """A class's attributes, collected one by one."""

    def __init__(self, names: Names, ref: ClassRef, style: str) -> None:
        self.names = names
        self.ref = ref
        self.module = ref.module
        self.style = style
        self.columns: list[ColumnDraft] = []
        self.relations: list[RelationDraft] = []
        self.proxies: list[Proxy] = []
        self.indexes: list[Index] = []
        self.foreign: list[KeyDraft] = []
        self.keys: tuple[str, ...] = ()
        self.table = ""
        self.has_table = False
        self.opaque = False
        self.unread_arguments = False
        self.bound: set[str] = set()

    def assigned(self, assignment: Assignment) -> None:
        """Take in `name = value` or `name: annotation`."""
        name, value = assignment.name, assignment.value
        self.bound.add(name)
        if name == "__tablename__":
            self.table = self.names.text(Placed(value, self.module)) or "" if value else ""
            self.has_table = True
        elif name == "__table__":
            self.table_object(value)
        elif name == "__table_args__":
            self.arguments(value)
        elif not name.startswith("__"):
            self.attribute(assignment)

    def attribute(self, assignment: Assignment) -> None:
        """Take in a column, a relation or an association proxy."""
        value = assignment.value
        word = self.names.word(Placed(value, self.module)) if isinstance(value, Call) else ""
        if isinstance(value, Call) and word in _RELATIONS:
            hint = annotated(assignment.annotation) if assignment.annotation else None
            call = self.unpacked(value)
            self.relations.append(RelationDraft(assignment.name, call, hint, self.module, assignment.line))
        elif isinstance(value, Call) and word in _INDIRECT:
            self.proxy(assignment.name, value, word)
        else:
            column = column_of(self.names, assignment, self.module, self.style)
            if column:
                self.columns.append(_placed_in(self.module, column))

    def unpacked(self, call: Call) -> Call:
        """The call with the keywords that `**COMMON` brings from a dict of the class or the module."""
        arguments: list[Argument] = []
        for passed in call.arguments:
            shared = self.keywords(passed.value) if passed.star == "**" else None
            arguments += shared if shared is not None else (passed,)
        return Call(call.at, call.func, tuple(arguments))

    def keywords(self, value: Expression) -> tuple[Argument, ...] | None:
        """The keywords in a dict written out; `None` when it cannot be read."""
        own = self.names.project.attribute(self.ref, value.id) if isinstance(value, Name) else None
        written = own[1].value if own else self.names.value(Placed(value, self.module)).value
        match written:
            case Mapping(keys=keys, values=values):
                names = [key.value if isinstance(key, Constant) else None for key in keys]
                pairs = [(name, each) for name, each in zip(names, values, strict=True) if isinstance(name, str)]
                return tuple(Argument(each, name) for name, each in pairs) if len(pairs) == len(values) else None
            case Call(func=Name(id="dict"), arguments=arguments) if all(passed.keyword for passed in arguments):
                return arguments
        return None

    def proxy(self, name: str, call: Call, word: str) -> None:
        """Take in an attribute that stands for others."""
        first = self.names.text(
            _placed(argument(call, "target_collection", 0) or argument(call, "name", 0), self.module)
        )
        second = self.names.text(_placed(argument(call, "attr", 1), self.module))
        if first and (second or word == "synonym"):
            self.proxies.append(Proxy(name, (first, second) if word != "synonym" and second else (first,)))
        else:
            self.opaque = True

    def table_object(self, value: Expression | None) -> None:
        """Take in the columns of a `Table(…)` that the class is mapped to."""
        self.has_table = True
        placed = self.names.value(Placed(value, self.module)) if value else None
        if placed is None or not isinstance(placed.value, Call) or self.names.word(placed) != "Table":
            self.opaque = True
            return
        self.table = self.names.text(_placed(argument(placed.value, "name", 0), placed.module)) or ""
        for passed in placed.value.arguments:
            column = passed.value
            if isinstance(column, Call) and self.names.word(Placed(column, placed.module)) == "Column":
                name = self.names.text(_placed(argument(column, "name", 0), placed.module)) or ""
                line, _ = line_column(column.at)
                draft = column_of(self.names, Assignment(name, column, None, line), placed.module, self.style)
                if draft and name:
                    self.columns.append(_placed_in(placed.module, draft))
            elif isinstance(column, Call):
                self.argument(column, placed.module)

    def arguments(self, value: Expression | None) -> None:
        """Take in `__table_args__`."""
        self.unread_arguments |= not all_are_calls(value)
        for call in table_arguments(value):
            self.argument(call, self.module)

    def argument(self, call: Call, module: str) -> None:
        """Take in an index or a constraint."""
        index = index_of(self.names, call, module)
        foreign = key_draft(self.names, call, module)
        if index:
            self.indexes.append(index)
        if foreign:
            self.foreign.append(foreign)
        self.keys += key_of(self.names, call, module)

    def method(self, function: FunctionDeclaration) -> None:
        """Take in what a method under `declared_attr` makes, as far as it can be read."""
        self.bound.add(function.name)
        if not {"declared_attr", "cascading", "directive"} & set(decorator_words(function.decorators)):
            return
        returned = returned_by(function)
        if function.name in {"__tablename__", "__table_args__", "__mapper_args__"}:
            self.has_table |= function.name == "__tablename__"
            self.unread_arguments |= function.name == "__table_args__" and not _is_all(returned, function)
            if returned:
                self.assigned(Assignment(function.name, returned, None, function.line))
        elif returned and self.names.word(Placed(returned, self.module)) in _READ:
            self.assigned(Assignment(function.name, returned, function.returns, function.line))
        else:
            self.unread(function)

    def calls(self, function: FunctionDeclaration) -> set[str]:
        """What the method calls, itself or by another method of its class."""
        own = {name.removeprefix("cls.") for name in function.sketch.calls if name.startswith("cls.")}
        methods = self.names.project.own_methods(self.ref)
        inner = [self.names.project.function_of(methods[name]) for name in own if name in methods]
        return {*function.sketch.calls, *(call for each in inner for call in each.sketch.calls)}

    def unread(self, function: FunctionDeclaration) -> None:
        """Take in a method under `declared_attr` by the names of what it calls and by its annotation."""
        words = {call.rpartition(".")[2] for call in self.calls(function)}
        hint = annotated(function.returns)
        if words & _RELATIONS:
            self.relations.append(RelationDraft(function.name, None, hint, self.module, function.line))
        elif words & _COLUMNS:
            column = Column(function.name, function.name, "", nullable=True, line=function.line)
            self.columns.append(ColumnDraft(column))
        elif not words & {"synonym", "composite"}:
            self.opaque = True


def draft_of(names: Names, ref: ClassRef, style: str) -> Draft:
    """What the class's own body says."""
    body = Body(names, ref, style)
    for assignment in names.project.class_of(ref).assignments:
        body.assigned(assignment)
    for function in names.project.own_methods(ref).values():
        body.method(names.project.function_of(function))
    query = next((a.value for a in names.project.class_of(ref).assignments if a.name == "query"), None)
    return Draft(
        tuple(body.columns),
        tuple(body.relations),
        tuple(body.proxies),
        tuple(body.indexes),
        tuple(body.foreign),
        body.keys,
        frozenset(body.bound),
        body.table,
        body.has_table,
        isinstance(query, Call) and isinstance(query.func, Attribute) and query.func.attr == "query_property",
        body.opaque,
        body.unread_arguments,
    )


def with_keys(columns: tuple[Column, ...], keys: tuple[str, ...]) -> tuple[Column, ...]:
    """The columns, those of the primary key marked."""
    return tuple(
        replace(column, primary_key=True, nullable=False) if {column.name, column.column} & set(keys) else column
        for column in columns
    )


def _is_all(returned: Expression | None, function: FunctionDeclaration) -> bool:
    """Whether the method does nothing before it returns this."""
    return returned is not None and line_column(returned.at)[0] <= function.line + 1


def returned_by(function: FunctionDeclaration) -> Expression | None:
    """What a method that consists of a `return` gives, if the declaration has kept it."""
    value: Expression | None = getattr(function, "returned", None)
    return None if isinstance(value, (Name, Constant)) else value


def _placed_in(module: str, draft: ColumnDraft) -> ColumnDraft:
    return replace(draft, column=replace(draft.column, module=module))


def _placed(value: Expression | None, module: str) -> Placed | None:
    return Placed(value, module) if value else None
