"""Drafts of models, linked: everything inherited is in its place, every relation has its other side."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from slowpath.libraries.django.apps import Registry
from slowpath.libraries.django.drafts import MANAGER, MODEL, QUERYSET, Draft, Field, Meta, Target
from slowpath.libraries.django.rows import DjangoModel
from slowpath.schema import Access, Column, ForeignKey, Lazy, Listener, Relation, RelationKind

_REVERSE: dict[RelationKind, tuple[RelationKind, Access]] = {
    "foreign-key": ("reverse-foreign-key", "manager"),
    "many-to-many": ("many-to-many", "manager"),
    "one-to-one": ("reverse-one-to-one", "row"),
}
_ACCESS: dict[RelationKind, Access] = {"many-to-many": "manager", "generic-reverse": "manager"}


class _Reverse(Struct, frozen=True):
    """The other side of a relation, and what lookups call it; `child` when it leads to a row's own child."""

    relation: Relation
    query_name: str
    child: bool = False


class Linker:
    """The drafts of a project and what follows from all of them together; `sure` when no models are missing."""

    def __init__(self, drafts: Mapping[str, Draft], registry: Registry, *, sure: bool) -> None:
        self._drafts = {name: replace(draft, bases=tuple(_above(drafts, draft))) for name, draft in drafts.items()}
        self._registry = registry
        self._sure = sure
        self._lines: dict[str, tuple[Draft, ...]] = {}
        self._fields: dict[str, dict[str, Field]] = {}
        self._forward: dict[str, tuple[Relation, ...]] = {}
        self._reverse: dict[str, list[_Reverse]] = defaultdict(list)
        self._loose: set[str] = set()
        self._unsure: set[str] = {registry.user()}
        for draft in self._drafts.values():
            self._forward[draft.name] = tuple(self._link(draft))
            self._loose.update(draft.loose)

    def models(self, receivers: Mapping[str, Iterable[Listener]]) -> Iterator[DjangoModel]:
        """All models; `receivers` are the signals listened to, by model, those of all models under an empty name."""
        loose = frozenset(self._loose)
        for draft in self._drafts.values():
            yield self._model(draft, receivers, loose)

    def _line(self, name: str) -> tuple[Draft, ...]:
        """The model and the models it descends from, in the order in which Python looks attributes up."""
        if name not in self._lines:
            self._lines[name] = (self._drafts[name],)
            orders = [self._line(base) for base in self._drafts[name].bases]
            merged: dict[str, Draft] = {}
            for draft in (draft for order in orders for draft in order):
                # A base that several lines share comes after all of them.
                merged.pop(draft.name, None)
                merged[draft.name] = draft
            self._lines[name] = (self._drafts[name], *merged.values())
        return self._lines[name]

    def _root(self, draft: Draft) -> Draft:
        """The model whose table the rows of a proxy are in."""
        while draft.meta.proxy:
            parent = next((d for d in self._line(draft.name)[1:] if not d.meta.abstract), None)
            if parent is None:
                return draft
            draft = parent
        return draft

    def _parents(self, draft: Draft) -> list[Draft]:
        """The models with tables of their own that the rows of this one are spread over, nearest only."""
        found: dict[str, Draft] = {}
        for name in draft.bases:
            base = self._drafts[name]
            for parent in self._parents(base) if base.meta.abstract else [self._root(base)]:
                found[parent.name] = parent
        return list(found.values())

    def _own_fields(self, draft: Draft) -> dict[str, Field]:
        """The fields of the model's own table: declared, copied from abstract bases, links to parents."""
        if draft.name not in self._fields:
            self._fields[draft.name] = {}
            fields = {field.name: field for field in draft.fields}
            for name in draft.bases:
                base = self._drafts[name]
                for field in self._own_fields(base).values() if base.meta.abstract else ():
                    if field.name not in draft.attributes:
                        fields.setdefault(field.name, field)
            if not draft.meta.abstract and not draft.meta.proxy:
                fields |= self._links(draft, fields)
            self._fields[draft.name] = fields
        return self._fields[draft.name]

    def _links(self, draft: Draft, fields: Mapping[str, Field]) -> dict[str, Field]:
        links: dict[str, Field] = {}
        one_to_one = [field for field in fields.values() if field.kind == "one-to-one"]
        for parent in self._parents(draft):
            given = next((f for f in one_to_one if self._registry.find(f.target, draft) == parent.name), None)
            link = given or Field(
                f"{parent.label.lower()}_ptr", "OneToOneField", "one-to-one", Target("class", parent.name)
            )
            links[link.name] = replace(link, parent_link=True, primary_key=not links)
        return links

    def _link(self, draft: Draft) -> Iterator[Relation]:
        """The relations of the fields of the model's own table; their other sides are noted."""
        for field in self._own_fields(draft).values():
            if field.kind == "generic-foreign-key":
                yield Relation(field.name, "", field.kind, "row", field.keys[1], nullable=True, line=field.line)
            elif field.kind:
                yield self._relation(draft, field, field.kind)

    def _relation(self, draft: Draft, field: Field, kind: RelationKind) -> Relation:
        target = self._registry.find(field.target, draft)
        through = self._registry.find(field.through, draft)
        if field.type == "TaggableManager" and through:
            target = self._tag(through) or target
        back = ""
        if kind == "generic-reverse":
            back = self._generic(target, field)
        elif not draft.meta.abstract and not draft.meta.proxy:
            back = self._note(draft, field, kind, target)
        access = _ACCESS.get(kind, "row")
        column = f"{field.name}_id" if access == "row" else ""
        lazy: Lazy = "joined" if field.parent_link else "select"
        return Relation(field.name, target, kind, access, column, back, lazy, field.null, through, field.line)

    def _tag(self, through: str) -> str:
        """The model of tags that a model linking them to things points at."""
        tag = self._own_fields(self._drafts[through]).get("tag")
        return self._registry.find(tag.target, self._drafts[through]) if tag else ""

    def _generic(self, target: str, field: Field) -> str:
        """The generic foreign key of the target that goes by the same attributes."""
        fields = self._own_fields(self._drafts[target]).values() if target else ()
        keys = (f.name for f in fields if f.kind == "generic-foreign-key" and f.keys == field.keys)
        return next(keys, "")

    def _note(self, draft: Draft, field: Field, kind: RelationKind, target: str) -> str:
        """Note the relation's other side, and answer the name it has there."""
        name, query_name = self._reverse_names(draft, field, kind)
        if not field.readable and target:
            self._unsure.add(target)
        symmetrical = kind == "many-to-many" and target == draft.name and field.symmetrical is not False
        if not name or symmetrical:
            return ""
        if not target:
            self._loose |= {name, query_name}
            return ""
        back_kind, access = _REVERSE[kind]
        through = self._registry.find(field.through, draft)
        relation = Relation(
            name,
            draft.name,
            back_kind,
            access,
            back=field.name,
            nullable=access == "row",
            through=through,
            line=field.line,
        )
        root = self._root(self._drafts[target]).name
        self._reverse[root].append(_Reverse(relation, query_name, field.parent_link))
        return name

    def _reverse_names(self, draft: Draft, field: Field, kind: RelationKind) -> tuple[str, str]:
        """What the other side is called as an attribute, and in lookups; empty when it is hidden."""
        words = {"class": draft.label.lower(), "model_name": draft.label.lower(), "app_label": draft.app.lower()}
        related = field.related_name or draft.meta.default_related_name
        name = _filled(related, words) if related else words["class"] + ("" if kind == "one-to-one" else "_set")
        query = _filled(field.related_query_name, words) if field.related_query_name else ""
        query = query or (name if related else words["class"])
        return ("", "") if name.endswith("+") else (name, query)

    def _model(self, draft: Draft, receivers: Mapping[str, Iterable[Listener]], loose: frozenset[str]) -> DjangoModel:
        line = self._line(draft.name)
        root = self._root(draft)
        managers = tuple(self._managers(draft))
        reverse = list(self._visible(root))
        listeners = {each for name in ("", *(each.name for each in line)) for each in receivers.get(name, ())}
        signals = {listener.signal for listener in listeners}
        return DjangoModel(
            name=draft.name,
            label=draft.label,
            library="django",
            rows_type=QUERYSET,
            row_type=MODEL,
            table=root.meta.table if draft.meta.abstract else self._table_name(root),
            columns=tuple(self._columns(root)),
            relations=_first_of_name([*self._relations(root), *(each.relation for each in reverse)]),
            managers=managers,
            default_manager=self._default(draft, managers),
            indexes=tuple(index for each in self._tables(root) for index in each.meta.indexes),
            foreign_keys=tuple(self._foreign_keys(root)),
            readable=all(each.complete for each in line),
            parents=draft.bases,
            complete=self._sure and all(each.complete and each.name not in self._unsure for each in line),
            abstract=draft.meta.abstract,
            ordered=self._says_order(draft).ordered or False,
            ordering=self._says_order(draft).ordering,
            multi_table=bool(self._parents(root)),
            overrides=tuple(sorted({name for each in line for name in each.overrides})),
            receivers=tuple(sorted(signals.union(*(each.receivers for each in line)))),
            listeners=tuple(sorted(listeners)),
            query_names=_query_names(reverse),
            attributes=frozenset().union(*(each.attributes for each in line)),
            loose=loose,
        )

    def _tables(self, draft: Draft) -> list[Draft]:
        """The model and all models whose tables its rows are spread over as well."""
        found = {draft.name: draft}
        for parent in self._parents(draft):
            found |= {each.name: each for each in self._tables(parent)}
        return list(found.values())

    def _relations(self, root: Draft) -> Iterator[Relation]:
        for draft in self._tables(root):
            yield from self._forward[draft.name]

    def _visible(self, root: Draft) -> Iterator[_Reverse]:
        """The other sides of relations that lead to the model or to a parent of it."""
        for draft in self._tables(root):
            for reverse in self._reverse[draft.name]:
                if draft is root or not reverse.child:
                    yield reverse

    def _columns(self, root: Draft) -> Iterator[Column]:
        for draft in self._tables(root):
            fields = self._own_fields(draft)
            has_key = any(field.primary_key for field in fields.values())
            if not has_key and not draft.meta.abstract:
                inherited = draft is not root
                yield Column("id", "id", "AutoField", True, unique=True, indexed=True, inherited=inherited)
            for field in fields.values():
                if field.kind in ("", "foreign-key", "one-to-one") and field.type != "CompositePrimaryKey":
                    yield replace(_column(field), inherited=draft is not root)

    def _foreign_keys(self, root: Draft) -> Iterator[ForeignKey]:
        """The keys of the model's own table to those that are known."""
        for field in self._own_fields(root).values():
            target = self._registry.find(field.target, root) if field.kind in ("foreign-key", "one-to-one") else ""
            if target and not root.meta.abstract:
                column, table = _column(field), self._table_name(self._root(self._drafts[target]))
                action = {"CASCADE": "cascade", "SET_NULL": "set null", "SET_DEFAULT": "set default"}
                on_delete = action.get(field.on_delete, "")
                yield ForeignKey((column.column,), table, (), on_delete, line=field.line, module=field.module)

    @staticmethod
    def _table_name(root: Draft) -> str:
        return root.meta.table or ("" if root.meta.abstract else f"{root.app}_{root.label.lower()}")

    def _managers(self, draft: Draft) -> Iterator[tuple[str, str]]:
        found: dict[str, str] = {}
        for each in self._line(draft.name):
            for name, manager in each.managers:
                found.setdefault(name, manager)
        for each in self._line(draft.name):
            # A model with a table that has no manager gets one, and its children inherit it.
            if not each.meta.abstract and not any(other.managers for other in self._line(each.name)):
                found.setdefault("objects", MANAGER)
        yield from found.items()
        default = self._default(draft, tuple(found.items()))
        if default:
            yield "_default_manager", found[default]
            base = next(
                (each.meta.base_manager_name for each in self._line(draft.name) if each.meta.base_manager_name), ""
            )
            yield "_base_manager", found.get(base, MANAGER)

    def _default(self, draft: Draft, managers: tuple[tuple[str, str], ...]) -> str:
        names = [name for name, _ in managers]
        chosen = [each.meta.default_manager_name for each in self._line(draft.name)]
        if not chosen[0] and draft.managers:
            chosen = []
        return next((name for name in chosen if name in names), "") or next(iter(names), "")

    def _says_order(self, draft: Draft) -> Meta:
        """The options that say in which order the model's rows come."""
        # What an abstract base says is in the options of its children already, unless they have a `Meta` of their own.
        said = (each.meta for each in self._line(draft.name) if each is draft or not each.meta.abstract)
        return next((meta for meta in said if meta.ordered is not None), draft.meta)


def _above(drafts: Mapping[str, Draft], draft: Draft) -> Iterator[str]:
    """The direct bases that are known and do not descend from the model itself."""
    for base in draft.bases:
        todo, seen = [base], {base}
        while todo:
            found = drafts.get(todo.pop())
            new = [name for name in found.bases if name not in seen] if found else []
            seen.update(new)
            todo += new
        if base in drafts and draft.name not in seen:
            yield base


def _filled(name: str, words: Mapping[str, str]) -> str:
    for word, value in words.items():
        name = name.replace(f"%({word})s", value)
    return name.replace("%%", "%")


def _first_of_name(relations: Iterable[Relation]) -> tuple[Relation, ...]:
    found: dict[str, Relation] = {}
    for relation in relations:
        found.setdefault(relation.name, relation)
    return tuple(found.values())


def _query_names(reverse: Iterable[_Reverse]) -> tuple[tuple[str, str], ...]:
    names = ((each.query_name, each.relation.name) for each in reverse)
    return tuple((query, name) for query, name in names if query != name)


def _column(field: Field) -> Column:
    keyed = bool(field.kind)
    name = f"{field.name}_id" if keyed else field.name
    unique = field.unique or field.primary_key or field.kind == "one-to-one"
    indexed = field.indexed or unique
    return Column(
        name,
        field.column or name,
        field.type,
        field.primary_key,
        unique,
        indexed,
        field.null,
        few=field.few,
        line=field.line,
        module=field.module,
    )
