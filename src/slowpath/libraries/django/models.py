"""The models of a Django project."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from slowpath.libraries.django.apps import Registry, settings, user_class
from slowpath.libraries.django.builtins import builtins, libraries, other
from slowpath.libraries.django.classes import Classes
from slowpath.libraries.django.drafts import USER_SETTING, Draft
from slowpath.libraries.django.linking import Linker
from slowpath.libraries.django.names import Names
from slowpath.libraries.django.rows import DjangoModel
from slowpath.libraries.django.signals import receivers
from slowpath.project import Project
from slowpath.references import External

_RELATED = "django.db.models.fields.related_descriptors.ManyRelatedManager"


def models(project: Project) -> Iterator[DjangoModel]:
    """The project's models, those that come with Django, and those of other libraries that the project's lead to."""
    made = settings(project)
    names = Names(project, user_class(project, made))
    known = {draft.name: draft for draft in (*builtins(), *libraries())}
    drafts = {draft.name: draft for draft in Classes(names, known).drafts()}
    if not drafts and not _mentions_django(project):
        return
    for draft in builtins():
        drafts.setdefault(draft.name, draft)
    for name in _mentioned(drafts):
        if name in known:
            drafts.setdefault(name, known[name])
    for draft in _elsewhere(project):
        drafts.setdefault(draft.name, draft)
    registry = Registry(drafts, made)
    linker = Linker(drafts, registry, sure=not _has_unread_models(project))
    user = names.user_name
    for model in linker.models(receivers(names, registry, drafts)):
        yield replace(model, related_type=_RELATED, settings=(USER_SETTING,) if model.name == user else ())


def _elsewhere(project: Project) -> Iterator[Draft]:
    """Models of installed apps that the project imports (`from notifications.models import Notification`): only
    their managers are known."""
    names: set[str] = set()
    for module, declarations in project.modules.items():
        for imported in declarations.imports:
            if imported.module.endswith(".models") and imported.name[:1].isupper() and not imported.level:
                meaning = project.resolve(module, imported.local)
                if isinstance(meaning, External) and not meaning.name.startswith("django."):
                    names.add(meaning.name)
    for name in sorted(names):
        home, _, label = name.rpartition(".")
        yield other(home, label)


def _mentions_django(project: Project) -> bool:
    return any(
        imported.module.partition(".")[0] == "django"
        for declarations in project.modules.values()
        for imported in declarations.imports
    )


def _has_unread_models(project: Project) -> bool:
    """Whether models could not be read: their relations would have other sides."""
    return any(file.problem and "models" in module.split(".") for module, file in project.modules.items())


def _mentioned(drafts: Mapping[str, Draft]) -> list[str]:
    """Names of classes that models build on or point at."""
    bases = {base for draft in drafts.values() for base in draft.bases}
    targets = {field.target.text for draft in drafts.values() for field in draft.fields if field.target.kind == "class"}
    return sorted(bases | targets)
