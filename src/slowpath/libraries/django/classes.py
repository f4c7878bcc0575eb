"""The classes of a project that are models, each by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from slowpath.declarations import Assignment, ClassDeclaration
from slowpath.expression import Call, Expression, argument, dotted
from slowpath.libraries.django.apps import Apps
from slowpath.libraries.django.builtins import canonical
from slowpath.libraries.django.drafts import MODEL, Draft, Field
from slowpath.libraries.django.fields import is_database_field, is_opaque, read_field
from slowpath.libraries.django.managers import read_manager
from slowpath.libraries.django.metas import Metas
from slowpath.libraries.django.names import Base, Names, Placed
from slowpath.references import ClassRef, External

_PERSISTENCE = frozenset(
    ["save", "delete", "save_base", "asave", "adelete", "bulk_create", "bulk_update", "refresh_from_db", "from_db"]
)
_NO_MODELS = (
    *("Form", "FormSet", "Serializer", "FilterSet", "Factory", "Resource", "Migration", "Operation"),
    *("TestCase", "Manager", "QuerySet", "Meta"),
)
# Packages with a module `models` that is not of Django.
_OTHERS = frozenset(["tortoise", "peewee", "ormar", "pydantic", "sqlmodel", "odmantic", "mongoengine", "piccolo"])
# Decorators of a class that add neither columns nor indexes to its table.
_HARMLESS = frozenset(
    [
        *("pghistory.track", "pgtrigger.register", "reversion.register", "functools.total_ordering"),
        *("django.utils.encoding.python_2_unicode_compatible", "six.python_2_unicode_compatible"),
        *("django.utils.six.python_2_unicode_compatible", "django.utils.deconstruct.deconstructible"),
    ]
)
_HISTORY = ("HistoricalRecords", "AuditlogHistoryField")


class Classes:
    """The project's classes, told apart: models, and everything else."""

    def __init__(self, names: Names, outside: Mapping[str, Draft]) -> None:
        self._names = names
        self._outside = outside
        self._answers: dict[ClassRef, bool] = {}
        self._metas = Metas(names, self._is_concrete)
        self._apps = Apps(names)

    def drafts(self) -> Iterator[Draft]:
        """All models the project declares."""
        for ref in self._names.project.classes():
            if self.is_model(ref) and "migrations" not in ref.module.split("."):
                yield self._draft(ref, self._names.project.class_of(ref))

    def is_model(self, ref: ClassRef) -> bool:
        """Whether the class is a model, with or without a table."""
        if ref not in self._answers:
            self._answers[ref] = False
            self._answers[ref] = self._is_model(ref)
        return self._answers[ref]

    def _is_model(self, ref: ClassRef) -> bool:
        bases = self._names.bases(ref)
        if any(self._is_model_base(base) for base in bases):
            return True
        unknown = [base for base in bases if self._is_unknown(base)]
        if not unknown or any(_is_no_model(base) for base in unknown):
            return False
        return (any(_is_in_models(base) for base in unknown) and self._uses_django(ref)) or self._has_fields(ref)

    def _is_model_base(self, base: Base) -> bool:
        match base:
            case ClassRef():
                return self.is_model(base)
            case External(name=name):
                return is_root(name) or canonical(name) in self._outside
        return False

    def _is_unknown(self, base: Base) -> bool:
        """Whether a base may be a model for all that can be seen."""
        match base:
            case ClassRef():
                return not self.is_model(base) and self._is_built_on_unknown(base)
            case External(name=name):
                return not is_root(name) and canonical(name) not in self._outside and not _is_plain(name)
        return True

    def _is_built_on_unknown(self, ref: ClassRef) -> bool:
        outside = (base for each in self._names.line_of_descent(ref) for base in self._names.bases(each))
        return any(self._is_unknown(base) for base in outside if not isinstance(base, ClassRef))

    def _has_fields(self, ref: ClassRef) -> bool:
        found = self._names.project.class_of(ref)
        return any(is_database_field(self._names, ref.module, each.value) for each in found.assignments)

    def _uses_django(self, ref: ClassRef) -> bool:
        return any(i.module.partition(".")[0] == "django" for i in self._names.project.modules[ref.module].imports)

    def _is_concrete(self, ref: ClassRef) -> bool:
        return self.is_model(ref) and "abstract" not in self._metas.own(ref)

    def _draft(self, ref: ClassRef, found: ClassDeclaration) -> Draft:
        meta = self._metas.meta(ref)
        fields, managers, others = self._attributes(ref, found.assignments)
        lineage = self._lineage(ref)
        methods = {name for ancestor in lineage for name in self._names.project.own_methods(ancestor)}
        plain = {a.name for ancestor in lineage[1:] for a in self._names.project.class_of(ancestor).assignments}
        taken = [assignment for assignment in others if _listens(assignment)]
        return Draft(
            ref.name,
            found.name,
            ref.module,
            meta.app_label or self._apps.label(ref.module),
            tuple(self._model_bases(ref)),
            fields,
            managers,
            frozenset(methods | plain | {assignment.name for assignment in others}),
            tuple(sorted(methods & _PERSISTENCE)),
            ("post_delete", "post_save") if taken else (),
            tuple(name for assignment in others for name in self._reverse_names(ref, assignment)),
            meta,
            all(self._leaves_alone(ref.module, each) for each in found.decorators)
            and not any(map(self._is_unknown, self._names.bases(ref))),
        )

    def _leaves_alone(self, module: str, decorator: Expression) -> bool:
        """Whether a decorator of the class is known to add no column; any other may add anything to it."""
        meaning = self._names.meaning(module, dotted(decorator.func if isinstance(decorator, Call) else decorator))
        return isinstance(meaning, External) and meaning.name in _HARMLESS

    def _attributes(
        self, ref: ClassRef, assignments: tuple[Assignment, ...]
    ) -> tuple[tuple[Field, ...], tuple[tuple[str, str], ...], list[Assignment]]:
        """The fields, the managers, and what is neither; of two assignments of a name the last one counts."""
        fields: dict[str, Field] = {}
        managers: dict[str, str] = {}
        others: dict[str, Assignment] = {}
        for assignment in assignments:
            if assignment.value is None:
                continue
            name = assignment.name
            fields.pop(name, None)
            field = read_field(self._names, ref.module, assignment)
            manager = "" if field else read_manager(self._names, ref.module, assignment.value)
            if field:
                fields[name] = replace(field, module=ref.module)
            elif manager:
                managers[name] = manager
            if not manager and (not field or (not field.kind and is_opaque(self._names, ref.module, assignment.value))):
                others[name] = assignment
        return tuple(fields.values()), tuple(managers.items()), list(others.values())

    def _lineage(self, ref: ClassRef) -> list[ClassRef]:
        """The class, and the bases that are no models: what they bind is the class's own as far as Django can see."""
        found = [ref]
        for base in self._names.bases(ref):
            if isinstance(base, ClassRef) and not self.is_model(base):
                found += self._lineage_of_mixin(base, found)
        return found

    def _lineage_of_mixin(self, ref: ClassRef, known: list[ClassRef]) -> list[ClassRef]:
        return [ancestor for ancestor in self._names.line_of_descent(ref) if ancestor not in known]

    def _model_bases(self, ref: ClassRef) -> Iterator[str]:
        for base in self._names.bases(ref):
            match base:
                case ClassRef() if self.is_model(base):
                    yield base.name
                case External(name=name) if canonical(name) in self._outside:
                    yield canonical(name)

    def _reverse_names(self, ref: ClassRef, assignment: Assignment) -> Iterator[str]:
        """Names that something unreadable may give to another model's rows."""
        if isinstance(assignment.value, Call):
            value = argument(assignment.value, "related_name")
            name = self._names.text(Placed(value, ref.module)) if value else None
            if name:
                yield name


def is_root(name: str) -> bool:
    """Whether this is Django's own `Model`."""
    return name == MODEL or (name.startswith("django.") and ".db" in name and name.endswith(".Model"))


def _is_plain(name: str) -> bool:
    """Whether a class of the standard library or of Django cannot be a model."""
    top = name.partition(".")[0]
    return (
        top in ("builtins", "object", "typing", "abc", "enum", "collections", "Generic")
        or "." not in name
        or top == "django"
    )


def _is_no_model(base: Base) -> bool:
    match base:
        case External(name=name):
            return name.endswith(_NO_MODELS) or name.partition(".")[0] in _OTHERS
    return False


def _is_in_models(base: Base) -> bool:
    match base:
        case External(name=name):
            package = name.rpartition(".")[0]
            return package.endswith(("models", "base_models")) or ".models." in package
    return False


def _listens(assignment: Assignment) -> bool:
    """Whether the attribute acts whenever a row is saved."""
    match assignment.value:
        case Call(func=func):
            return getattr(func, "attr", getattr(func, "id", "")) in _HISTORY
    return False
