"""The managers of a model's class: which class's methods they have."""

from __future__ import annotations

from slowpath.expression import Attribute, Call, Expression, dotted
from slowpath.libraries.django.drafts import MANAGER, QUERYSET
from slowpath.libraries.django.names import UNKNOWN, Meaning, Names, Placed
from slowpath.references import ClassRef, External

_FROM_QUERYSET = ("from_queryset", "for_queryset_class")


def read_manager(names: Names, module: str, value: Expression | None) -> str:
    """The class of the manager (`Manager+QuerySet` when it takes a queryset's methods as well); empty if it is none."""
    if value is None:
        return ""
    placed = names.chased(Placed(value, module))
    match placed.value:
        case Call(func=Attribute(value=query, attr="as_manager")):
            return class_name(names.meaning(placed.module, dotted(query)))
        case Call(func=func):
            return _manager_class(names, Placed(func, placed.module))
    return ""


def class_name(meaning: Meaning) -> str:
    """The full name of a class, Django's own by the name people use."""
    match meaning:
        case ClassRef():
            return meaning.name
        case External(name=name):
            package, _, last = name.rpartition(".")
            if package.startswith("django.") and "db.models" in package and last in ("Manager", "BaseManager"):
                return MANAGER
            return QUERYSET if package.startswith("django.") and last == "QuerySet" else name
    return ""


def _manager_class(names: Names, placed: Placed) -> str:
    """The class that an expression gives, if its instances are managers."""
    placed = names.chased(placed)
    match placed.value:
        case Call(func=Attribute(value=value, attr=attr), arguments=(query, *_)) if attr in _FROM_QUERYSET:
            manager = _manager_class(names, Placed(value, placed.module))
            return _plus(manager, class_name(names.meaning(placed.module, dotted(query.value))))
    name = dotted(placed.value)
    meaning = names.meaning(placed.module, name) if name else None
    match meaning:
        case External(name=outside):
            return class_name(meaning) if _is_manager(outside) else ""
        case ClassRef():
            return _project_manager(names, meaning)
    return ""


def _is_manager(name: str) -> bool:
    return name.rpartition(".")[2].endswith("Manager")


def _project_manager(names: Names, ref: ClassRef) -> str:
    bases = [base for ancestor in names.line_of_descent(ref) for base in _querysets(names, ancestor)]
    outside = names.outside(ref)
    if not bases and not any(map(_is_manager, outside)) and not (UNKNOWN in outside and _is_manager(ref.name)):
        return ""
    name = ref.name
    for query in bases:
        name = _plus(name, query)
    return name


def _querysets(names: Names, ref: ClassRef) -> list[str]:
    """The querysets whose methods the class takes through a base like `Manager.from_queryset(Q)`."""
    found = names.project.class_of(ref)
    querysets = []
    for base in found.bases:
        placed = names.chased(Placed(base, ref.module))
        match placed.value:
            case Call(func=Attribute(attr=attr), arguments=(query, *_)) if attr in _FROM_QUERYSET:
                querysets.append(class_name(names.meaning(placed.module, dotted(query.value))))
    return [query for query in querysets if query]


def _plus(manager: str, query: str) -> str:
    return f"{manager}+{query}" if manager and query else manager or query
