"""What a framework calls and reads for each item of a list that it shows: the body of a loop that nobody wrote."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase

from msgspec import Struct
from msgspec.structs import replace

from slowpath import expression as e
from slowpath.declarations import Assignment
from slowpath.expression import at_of
from slowpath.listing import Shown
from slowpath.project import Project
from slowpath.references import ClassRef, External, FunctionRef
from slowpath.schema import Schema
from slowpath.vocabulary import Type


class Showing(Struct, frozen=True, order=True):
    """A class that makes a list, and its method that gives the rows; `sure` when it does so in the framework's way."""

    by: ClassRef
    rows: str
    sure: bool = True


class PerItem(Struct, frozen=True):
    """The parameter that gets the item, the model of that (empty when not known), a class whose method it is, and who
    shows what list."""

    parameter: str
    model: str
    cls: ClassRef
    showings: tuple[Showing, ...]


class Field(Struct, frozen=True):
    """What is read of an item: the attribute at the end of a path, and what is shown of that; by another class if
    there is one, which shows many of them or one. Or what a method gives for the item. Where it is said."""

    path: tuple[str, ...]
    module: str
    at: int
    shows: Shown = "value"
    inner: ClassRef | None = None
    many: bool = False
    method: FunctionRef | None = None


class Card(Struct, frozen=True):
    """A class whose objects show an item, the model of that, and who shows lists of them; `chooses` when it is one that
    shows lists and says with which class."""

    cls: ClassRef
    model: str
    showings: tuple[Showing, ...]
    chooses: bool = False


class Lists:
    """The lists that frameworks make of a project's rows."""

    def __init__(self, project: Project, schema: Schema, types: Mapping[str, Type]) -> None:
        self._project = project
        self._schema = schema
        self._types = types
        self._known: dict[ClassRef, tuple[Type, ...]] = {}
        bases = [name for name, known in types.items() if known.listing.of_items or known.listing.shows]
        for ref in sorted({ref for name in bases for ref in project.subclasses(External(name))}):
            self._known[ref] = tuple(types[each.name] for each in project.ancestors(ref) if each.name in bases)
        self._fields: dict[ClassRef, tuple[Field, ...]] = {}
        shown = self._shown() if self._known else {}
        self.methods = self._methods(shown)
        # By the class, as the one thing about it that is asked.
        self.cards = {
            FunctionRef(ref.module, ref.qualname): Card(ref, self._model_of(ref), sure)
            for ref, showings in shown.items()
            if (sure := tuple([each for each in showings if each.sure and each.by != ref])) and self.fields(ref)
        } | {FunctionRef(each.cls.module, each.cls.qualname): each for each in self._choosing()}

    def _choosing(self) -> Iterator[Card]:
        """The classes that show lists and choose what with."""
        for ref, known in self._known.items():
            chooser = self.chooser(ref)
            for listing in (each.listing for each in known if each.listing.chosen_by):
                others = any(self._replaces(ref, name) for name in listing.unless if name != listing.chosen_by[0])
                if chooser is not None and not others:
                    showings = tuple(Showing(ref, rows) for rows in listing.shows.values())
                    yield Card(ref, "", showings, chooses=True)

    def chooser(self, ref: ClassRef) -> tuple[FunctionRef, str, str] | None:
        """The method that says which class a list is shown with, where an attribute has a value."""
        for known in self._known.get(ref, ()):
            if known.listing.chosen_by:
                name, attribute, value = known.listing.chosen_by
                method = self._project.method(ref, name)
                return (method, attribute, value) if method is not None else None
        return None

    def _methods(self, shown: Mapping[ClassRef, tuple[Showing, ...]]) -> Mapping[FunctionRef, PerItem]:
        """The methods that are called for each item of a list."""
        found: dict[FunctionRef, PerItem] = {}
        for ref, showings in sorted(shown.items()):
            model = self._model_of(ref)
            for method in self._called(ref):
                function = self._project.function_of(method)
                parameters = [each.name for each in function.parameters if each.kind in {"/", ""}]
                if len(parameters) < 2:
                    continue
                said = PerItem(parameters[1], model, ref, showings)
                found[method] = _together(found[method], said) if method in found else said
        return found

    def _shown(self) -> dict[ClassRef, tuple[Showing, ...]]:
        """The classes whose objects show each item of a list, with who makes the list where that is known."""
        found: dict[ClassRef, set[Showing]] = {}
        for ref, known in self._known.items():
            for each in known:
                if each.listing.lists:
                    found.setdefault(ref, set()).add(Showing(ref, each.listing.lists))
                for name, rows in each.listing.shows.items():
                    attribute = self._project.attribute(ref, name)
                    shown = self._class_named(attribute[0].module, attribute[1].value) if attribute else None
                    if shown is not None:
                        sure = not any(self._replaces(ref, method) for method in each.listing.unless)
                        found.setdefault(shown, set()).add(Showing(ref, rows, sure))
        for ref in self._known:
            for _, inner, many in self._parts(ref):
                if many:
                    found.setdefault(inner, set())
        waiting = list(found)
        while waiting:
            for _, inner, _ in self._parts(waiting.pop()):
                if inner not in found:
                    found[inner] = set()
                    waiting.append(inner)
        return {ref: tuple(sorted(showings)) for ref, showings in found.items()}

    def _parts(self, ref: ClassRef) -> Iterator[tuple[Assignment, ClassRef, bool]]:
        """The attributes that are objects of other such classes, and whether each shows many."""
        for module, assignment in self._assignments(ref):
            match assignment.value:
                case e.Call(func=func, arguments=arguments):
                    inner = self._class_named(module, func)
                    if inner is not None:
                        yield assignment, inner, any(each.keyword == "many" for each in arguments)

    def _assignments(self, ref: ClassRef) -> Iterator[tuple[str, Assignment]]:
        """The attributes of the class and what it inherits."""
        for each in self._project.ancestors(ref):
            if isinstance(each, ClassRef):
                for assignment in self._project.class_of(each).assignments:
                    yield each.module, assignment

    def _class_named(self, module: str, node: e.Expression | None) -> ClassRef | None:
        name = e.dotted(node)
        found = self._project.resolve(module, name) if name else None
        return found if isinstance(found, ClassRef) and found in self._known else None

    def _called(self, ref: ClassRef) -> Iterator[FunctionRef]:
        """The methods called for each item."""
        above = [each for each in self._project.ancestors(ref) if isinstance(each, ClassRef)]
        own = [name for each in above for name in self._project.own_methods(each)]
        names: list[str] = []
        for known in self._known[ref]:
            names += [name for name in own if any(fnmatchcase(name, pattern) for pattern in known.listing.per_item)]
            for attribute in known.listing.per_item_in:
                names += self._listed(ref, attribute)
        for module, assignment in self._assignments(ref):
            names += self._computed(module, assignment)
        for name in dict.fromkeys(names):
            method = self._project.method(ref, name)
            if method is not None:
                yield method

    def _listed(self, ref: ClassRef, attribute: str) -> Iterator[str]:
        listed = self._project.attribute(ref, attribute)
        if listed is not None and isinstance(listed[1].value, e.Listing):
            for element in listed[1].value.elements:
                if isinstance(element, e.Constant) and isinstance(element.value, str):
                    yield element.value

    def _computed(self, module: str, assignment: Assignment) -> Iterator[str]:
        match assignment.value:
            case e.Call(func=func, arguments=arguments):
                found = self._project.resolve(module, e.dotted(func))
                known = self._types.get(found.name) if isinstance(found, External) else None
                if known is not None and known.listing.computed_by:
                    said = [given.value.value for given in arguments if isinstance(given.value, e.Constant)]
                    named = [each for each in said if isinstance(each, str)]
                    yield named[0] if named else known.listing.computed_by.replace("*", assignment.name)

    def fields(self, ref: ClassRef) -> tuple[Field, ...]:
        """What is read of each item, as far as it is known; nothing where the class changes that itself."""
        if ref not in self._fields:
            self._fields[ref] = () if self._is_its_own(ref) else tuple(self._own_fields(ref))
        return self._fields[ref]

    def _is_its_own(self, ref: ClassRef) -> bool:
        for known in self._known.get(ref, ()):
            if any(self._project.method(ref, name) for name in known.listing.unless):
                return True
            if any(self._replaces(ref, name) for name in known.listing.per_item):
                return True
        return False

    def _replaces(self, ref: ClassRef, name: str) -> bool:
        """Whether the class has a method of its own instead of the framework's, which it does not call."""
        method = self._project.method(ref, name)
        return method is not None and name not in self._project.function_of(method).sketch.words

    def _own_fields(self, ref: ClassRef) -> Iterator[Field]:
        said = self._said(ref, "item_fields")
        named = _texts_in(said[1].value) if said is not None else None
        declared: dict[str, tuple[str, Assignment]] = {}
        for module, assignment in self._assignments(ref):
            declared.setdefault(assignment.name, (module, assignment))
        for name, (module, assignment) in declared.items():
            method = next((self._project.method(ref, each) for each in self._computed(module, assignment)), None)
            field = (
                self._field(module, assignment)
                if method is None
                else Field((), module, at_of(assignment.line, 1), method=method)
            )
            if field is not None and (named is None or name in named):
                yield field
        model = self._schema.models.get(self._model_of(ref))
        if said is None or model is None:
            return
        cls = self._class_of_model(model.name)
        place = said[0].module, at_of(said[1].line, 1)
        whole = isinstance(said[1].value, e.Constant) and said[1].value.value == "__all__"
        for relation in model.relations:
            # All fields are those that the model declares, not what leads here from others.
            own = whole and cls is not None and self._project.attribute(cls, relation.name) is not None
            if relation.many and relation.name not in declared and (own or relation.name in (named or ())):
                yield Field((relation.name,), *place, "key", many=True)
        for name in sorted(named or ()):
            if name not in declared and cls is not None and self._project.method(cls, name) is not None:
                yield Field((name,), *place)

    def _field(self, module: str, assignment: Assignment) -> Field | None:
        match assignment.value:
            case e.Call(at=at, func=func, arguments=arguments):
                said = {given.keyword: given.value.value for given in arguments if isinstance(given.value, e.Constant)}
                source = said.get("source") or assignment.name
                if said.get("write_only") or not isinstance(source, str) or source == "*":
                    return None
                path = tuple(source.split("."))
                inner = self._class_named(module, func)
                many = bool(said.get("many"))
                if inner is not None:
                    return Field(path, module, at, "value", inner, many)
                found = self._project.resolve(module, e.dotted(func))
                known = self._types.get(found.name) if isinstance(found, External) else None
                if known is None or not known.listing.field:
                    return None
                further = said.get("slug_field")
                more = (further,) if isinstance(further, str) and not many else ()
                return Field((*path, *more), module, at, known.listing.field, None, many)
        return None

    def _class_of_model(self, name: str) -> ClassRef | None:
        module, _, qualname = name.rpartition(".")
        return ClassRef(module, qualname) if self._project.modules.get(module) else None

    def _said(self, ref: ClassRef, what: str) -> tuple[ClassRef, Assignment] | None:
        for known in self._known.get(ref, ()):
            outer, _, name = getattr(known.listing, what).partition(".")
            inner = self._project.inner_class(ref, outer) if name else None
            return self._project.attribute(inner, name) if inner is not None else None
        return None

    def _model_of(self, ref: ClassRef) -> str:
        said = self._said(ref, "item_model")
        found = self._project.resolve(said[0].module, e.dotted(said[1].value)) if said is not None else None
        return found.name if isinstance(found, ClassRef) and found.name in self._schema.models else ""


def _texts_in(node: e.Expression | None) -> frozenset[str] | None:
    """The texts that a list is written down of, if it is."""
    if not isinstance(node, e.Listing):
        return None
    texts = [each.value for each in node.elements if isinstance(each, e.Constant) and isinstance(each.value, str)]
    return frozenset(texts) if len(texts) == len(node.elements) else None


def _together(one: PerItem, other: PerItem) -> PerItem:
    model = one.model if one.model == other.model else ""
    return replace(one, model=model, showings=tuple(sorted({*one.showings, *other.showings})))
