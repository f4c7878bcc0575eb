"""The models a project maps with SQLAlchemy, Flask-SQLAlchemy and SQLModel."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from msgspec.structs import replace

from slowpath.expression import Call
from slowpath.libraries.sqlalchemy.bases import Base, Bases, library_table, uses_sqlalchemy
from slowpath.libraries.sqlalchemy.bodies import draft_of, with_keys
from slowpath.libraries.sqlalchemy.drafts import ColumnDraft, Draft, RelationDraft
from slowpath.libraries.sqlalchemy.indexes import index_of, owner_of
from slowpath.libraries.sqlalchemy.keys import foreign_keys
from slowpath.libraries.sqlalchemy.names import Names
from slowpath.libraries.sqlalchemy.registry import Mapped, Registry, table_names
from slowpath.libraries.sqlalchemy.relations import backref_of, may_have_backref, relation_of
from slowpath.project import Project
from slowpath.references import ClassRef
from slowpath.schema import Column, Index, Model, Relation

QUERY = "sqlalchemy.orm.Query"
FLASK_QUERY = "flask_sqlalchemy.query.Query"


def models(project: Project) -> tuple[Model, ...]:
    """All mapped classes, those that only say `__abstract__` included."""
    if not uses_sqlalchemy(project):
        return ()
    names = Names(project)
    bases = Bases(names)
    drafts: dict[ClassRef, Draft] = {}
    mapped = [_mapped(bases, drafts, ref) for ref in project.classes() if _is_model(bases, ref)]
    registry = Registry(names, mapped)
    links = _Links(registry)
    extra = _module_indexes(names, registry)
    return tuple(_model(links, model, extra) for model in registry.models.values())


def _is_model(bases: Bases, ref: ClassRef) -> bool:
    return bases.is_mapped(ref) or (bases.base(ref) is not None and bases.is_abstract(ref))


def _draft(bases: Bases, drafts: dict[ClassRef, Draft], ref: ClassRef, style: str) -> Draft:
    if ref not in drafts:
        drafts[ref] = draft_of(bases.names, ref, style)
    return drafts[ref]


def _mapped(bases: Bases, drafts: dict[ClassRef, Draft], ref: ClassRef) -> Mapped:
    """The class with what it inherits; of attributes of one name the first in the order of its ancestors counts."""
    base = bases.base(ref)
    style = base.style if base else "plain"
    line = bases.line(ref)
    own = [(each, _draft(bases, drafts, each, style)) for each in line]
    parents = tuple(each.name for each in line[1:] if _is_model(bases, each))
    above = frozenset(name for name in parents if not bases.is_abstract(_by_name(line, name)))
    has_table = own[0][1].has_table
    elsewhere = {up.name for each in line if each.name in above and has_table for up in bases.line(each)}
    seen: set[str] = set()
    columns, relations, proxies, inherited = [], [], [], set()
    for each, draft in own:
        found = [column for column in draft.columns if column.column.name not in seen]
        columns += [_of_parent(column) for column in found] if each.name in elsewhere else found
        relations += [relation for relation in draft.relations if relation.name not in seen]
        proxies += [proxy for proxy in draft.proxies if proxy.name not in seen]
        if each.name in above:
            inherited |= {relation.name for relation in draft.relations if relation.name not in seen}
        seen |= draft.names
    library = library_table(bases.project, ref)
    has_parent = any(each.name in above for each in line)
    tables, known = ((library,), library) if library else _tables(own, base, ref, has_parent)
    keys = next((draft.keys for _, draft in own if draft.keys), ())
    return Mapped(
        ref=ref,
        base=base,
        tables=tables,
        known_table=known,
        columns=with_keys(tuple(column.column for column in columns), keys),
        keyed=tuple(column for column in columns if column.keys),
        relations=tuple(relations),
        inherited=frozenset(inherited),
        proxies=tuple(proxies),
        foreign=tuple(key for each, draft in own if each.name not in elsewhere for key in draft.foreign),
        indexes=tuple(index for each, draft in own if each.name not in elsewhere for index in draft.indexes),
        parents=parents,
        bound=frozenset(seen),
        has_query=any(draft.has_query for _, draft in own),
        own_table=has_table,
        abstract=bases.is_abstract(ref),
        complete=bases.complete(ref) and not any(draft.opaque for _, draft in own),
        readable=bases.complete(ref) and not any(draft.opaque or draft.unread for _, draft in own),
    )


def _of_parent(draft: ColumnDraft) -> ColumnDraft:
    return replace(draft, column=replace(draft.column, inherited=True))


def _by_name(line: Iterable[ClassRef], name: str) -> ClassRef:
    return next(each for each in line if each.name == name)


def _tables(
    own: list[tuple[ClassRef, Draft]], base: Base | None, ref: ClassRef, has_parent: bool
) -> tuple[tuple[str, ...], str]:
    """The names the class's table may have, and the one it has for certain."""
    label = ref.qualname.rpartition(".")[2]
    for number, (_, draft) in enumerate(own):
        if draft.table and (number == 0 or has_parent or base is None):
            return (draft.table,), draft.table
        if draft.has_table and not draft.table:
            return table_names(label, "plain"), ""
    if has_parent:
        return (), ""
    named = next((draft.table for _, draft in own if draft.table), "")
    style = base.style if base else "plain"
    guesses = (named,) if named else table_names(label, style)
    return guesses, guesses[0] if named or style != "plain" else ""


class _Links:
    """The relations of models, each linked once."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.own: dict[str, dict[str, Relation]] = {}
        self.given: defaultdict[str, dict[str, Relation]] = defaultdict(dict)
        self.unsure: set[str] = set()
        for model in registry.models.values():
            self.of(model)

    def of(self, model: Mapped) -> dict[str, Relation]:
        """The relations that the model's class and those above it declare."""
        if model.name not in self.own:
            self.own[model.name] = {}
            relations = (self._relation(model, draft) for draft in model.relations)
            self.own[model.name] = {relation.name: relation for relation in relations}
        return self.own[model.name]

    def all_of(self, model: Mapped) -> tuple[Relation, ...]:
        """The model's relations, with those that other models' backrefs give it and its children."""
        given = {name: each for parent in (model.name, *model.parents) for name, each in self.given[parent].items()}
        return tuple({**given, **self.of(model)}.values())

    def complete(self, model: Mapped) -> bool:
        """Whether no backref can have been missed."""
        root = model.base.name if model.base else ""
        return self.unsure.isdisjoint({root or "?", model.name, *model.parents})

    def _relation(self, model: Mapped, draft: RelationDraft) -> Relation:
        if draft.name in model.inherited:
            for parent in model.parents:
                above = self.registry.models[parent]
                if not above.abstract and draft.name in self.of(above):
                    return self.of(above)[draft.name]
        relation = relation_of(self.registry, model, draft)
        if model.abstract:
            return relation
        back = backref_of(self.registry, model, draft, relation)
        if back:
            self.given[relation.target].setdefault(back.name, back)
            return replace(relation, back=back.name)
        if may_have_backref(draft):
            self.unsure.add(relation.target or (model.base.name if model.base else "?"))
        return relation


def _module_indexes(names: Names, registry: Registry) -> dict[str, list[Index]]:
    """The indexes made outside classes, by the model they are of."""
    found: dict[str, list[Index]] = defaultdict(list)
    for module, file in names.project.modules.items():
        values = [assignment.value for assignment in file.assignments]
        for call in (*file.calls, *values):
            index = index_of(names, call, module) if isinstance(call, Call) else None
            owner = owner_of(call) if index and isinstance(call, Call) else ""
            ref = names.project.resolve(module, owner) if owner else None
            if index and isinstance(ref, ClassRef) and ref.name in registry.models:
                found[ref.name].append(index)
    return found


def _model(links: _Links, model: Mapped, extra: dict[str, list[Index]]) -> Model:
    is_flask = bool(model.base and model.base.style == "flask")
    query = FLASK_QUERY if is_flask else QUERY
    indexes = (*model.indexes, *extra.get(model.name, ()))
    has_query = model.has_query or "query" not in model.bound
    custom = model.base.query if model.base else None
    return Model(
        name=model.name,
        label=model.ref.qualname.rpartition(".")[2],
        library="sqlalchemy",
        rows_type=query,
        row_type="",
        table=model.known_table,
        columns=model.columns,
        relations=links.all_of(model),
        managers=(("query", custom.name if custom else query),) if has_query else (),
        indexes=tuple(_by_column(index, model.columns) for index in indexes),
        foreign_keys=tuple(foreign_keys(links.registry, model)),
        readable=model.readable,
        parents=model.parents,
        proxies=model.proxies,
        complete=model.complete and links.complete(model),
        abstract=model.abstract,
        multi_table=model.own_table and any(not links.registry.models[parent].abstract for parent in model.parents),
    )


def _by_column(index: Index, columns: tuple[Column, ...]) -> Index:
    """The index with its columns by their names in the table."""
    names = {column.name: column.column or column.name for column in columns}
    return replace(index, columns=tuple(_renamed(names, column) for column in index.columns))


def _renamed(names: dict[str, str], column: str) -> str:
    bare = column.removeprefix("-")
    return column[: len(column) - len(bare)] + names.get(bare, bare)
