"""Methods that a framework calls for each item of a list that it shows: the body of a loop that nobody wrote."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase

from msgspec import Struct
from msgspec.structs import replace

from slowpath import expression as e
from slowpath.declarations import Assignment
from slowpath.project import Project
from slowpath.references import ClassRef, External, FunctionRef
from slowpath.schema import Schema
from slowpath.vocabulary import Type


class Showing(Struct, frozen=True, order=True):
    """A class that makes a list, and its method that gives the rows."""

    by: ClassRef
    rows: str


class PerItem(Struct, frozen=True):
    """The parameter that gets the item, the model of that (empty when not known), a class whose method it is, and who
    shows what list."""

    parameter: str
    model: str
    cls: ClassRef
    showings: tuple[Showing, ...]


def per_item_methods(project: Project, schema: Schema, types: Mapping[str, Type]) -> Mapping[FunctionRef, PerItem]:
    """The methods that are called for each item of a list."""
    return _Index(project, schema, types).methods()


class _Index:
    def __init__(self, project: Project, schema: Schema, types: Mapping[str, Type]) -> None:
        self._project = project
        self._schema = schema
        self._types = types
        self._known: dict[ClassRef, tuple[Type, ...]] = {}
        for ref in project.classes():
            known = tuple(types[each.name] for each in project.ancestors(ref) if _is_known(each, types))
            if known:
                self._known[ref] = known

    def methods(self) -> Mapping[FunctionRef, PerItem]:
        found: dict[FunctionRef, PerItem] = {}
        for ref, showings in sorted(self._shown().items()):
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
                if each.lists:
                    found.setdefault(ref, set()).add(Showing(ref, each.lists))
                for name, rows in each.shows.items():
                    attribute = self._project.attribute(ref, name)
                    shown = self._class_named(attribute[0].module, attribute[1].value) if attribute else None
                    if shown is not None:
                        found.setdefault(shown, set()).add(Showing(ref, rows))
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
            names += [name for name in own if any(fnmatchcase(name, pattern) for pattern in known.per_item)]
            for attribute in known.per_item_in:
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
                if known is not None and known.computed_by:
                    said = [given.value.value for given in arguments if isinstance(given.value, e.Constant)]
                    named = [each for each in said if isinstance(each, str)]
                    yield named[0] if named else known.computed_by.replace("*", assignment.name)

    def _model_of(self, ref: ClassRef) -> str:
        for known in self._known.get(ref, ()):
            outer, _, name = known.item_model.partition(".")
            inner = self._project.inner_class(ref, outer) if name else None
            said = self._project.attribute(inner, name) if inner is not None else None
            if said is not None:
                found = self._project.resolve(said[0].module, e.dotted(said[1].value))
                return found.name if isinstance(found, ClassRef) and found.name in self._schema.models else ""
        return ""


def _together(one: PerItem, other: PerItem) -> PerItem:
    model = one.model if one.model == other.model else ""
    return replace(one, model=model, showings=tuple(sorted({*one.showings, *other.showings})))


def _is_known(ancestor: ClassRef | External, types: Mapping[str, Type]) -> bool:
    known = types.get(ancestor.name) if isinstance(ancestor, External) else None
    return known is not None and bool(known.lists or known.shows or known.per_item or known.per_item_in)
