"""Which app a module belongs to, and which class a string or a setting stands for."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from slowpath.declarations import Assignment
from slowpath.expression import Constant, dotted
from slowpath.libraries.django.builtins import DEFAULT_USER, canonical
from slowpath.libraries.django.drafts import USER_SETTING, Draft, Target
from slowpath.libraries.django.names import Names
from slowpath.project import Project
from slowpath.references import ClassRef, External

_MODELS = "models"


class Apps:
    """The labels of a project's apps, by package."""

    def __init__(self, names: Names) -> None:
        self._labels = dict(_configured(names))
        self._known: dict[str, str] = {}

    def label(self, module: str) -> str:
        """The label of the app that the module belongs to."""
        if module not in self._known:
            self._known[module] = self._label(module)
        return self._known[module]

    def _label(self, module: str) -> str:
        parts = module.split(".")
        for end in range(len(parts), 0, -1):
            label = self._labels.get(".".join(parts[:end]))
            if label:
                return label
        if _MODELS in parts[1:]:
            return parts[parts.index(_MODELS, 1) - 1]
        return parts[-2] if len(parts) > 1 else parts[0]


def _configured(names: Names) -> Iterable[tuple[str, str]]:
    """Packages and labels from the project's subclasses of `AppConfig`."""
    for module, declarations in names.project.modules.items():
        for found in declarations.classes:
            if not any(dotted(base).endswith("Config") for base in found.bases):
                continue
            texts = _texts(found.assignments)
            name, package = texts.get("name", ""), module.rpartition(".")[0]
            if name and package.rpartition(".")[2] == name.rpartition(".")[2]:
                yield package, texts.get("label") or name.rpartition(".")[2]


def _texts(assignments: Iterable[Assignment]) -> dict[str, str]:
    found = {}
    for assignment in assignments:
        match assignment.value:
            case Constant(value=str(text)):
                found[assignment.name] = text
    return found


def user_class(project: Project, made: Mapping[str, str]) -> ClassRef | External:
    """The class of the model of users."""
    app, _, label = made.get(USER_SETTING, DEFAULT_USER).rpartition(".")
    named = [ref for ref in project.classes() if ref.qualname == label and app in ref.module.split(".")]
    outside = External(f"django.contrib.auth.models.{label}")
    return min(named, key=lambda ref: (len(ref.module), ref.module), default=outside)


def settings(project: Project) -> Mapping[str, str]:
    """Settings that name a model (`AUTH_USER_MODEL = "accounts.User"`), from wherever the project makes them."""
    values: dict[str, Counter[str]] = defaultdict(Counter)
    for module, declarations in project.modules.items():
        made = [*declarations.assignments, *(a for found in declarations.classes for a in found.assignments)]
        for name, text in _texts(a for a in made if a.name.endswith("_MODEL")).items():
            if text.count(".") == 1 and text.replace(".", "").isidentifier():
                values[name][text] += _weight(module)
    return {name: min(counter, key=lambda text: (-counter[text], text)) for name, counter in values.items()}


def _weight(module: str) -> int:
    """How much a module's settings count: those of tests and examples yield to the service's own."""
    parts = module.split(".")
    if any(part.startswith(("test", "example", "sandbox", "demo")) for part in parts):
        return 1
    return 10_000 if any("settings" in part or part in ("conf", "config") for part in parts) else 100


class Registry:
    """The models by the names that Django finds them by."""

    def __init__(self, drafts: Mapping[str, Draft], made: Mapping[str, str]) -> None:
        self._drafts = drafts
        self._settings = made
        self._by_label: dict[tuple[str, str], str] = {}
        self._by_name: dict[str, list[str]] = defaultdict(list)
        for draft in sorted(drafts.values(), key=_precedence):
            if not draft.meta.abstract:
                self._by_label.setdefault((draft.app, draft.label.lower()), draft.name)
                self._by_name[draft.label.lower()].append(draft.name)

    def find(self, target: Target, scope: Draft) -> str:
        """The model's name; empty when it is not known. `scope` is the model that has the field."""
        match target.kind:
            case "class":
                return self._class(target.text)
            case "name":
                return self._string(target.text, scope, target.module)
            case "setting":
                return self._string(self._settings.get(target.text, target.fallback), scope, target.module)
        return ""

    def user(self) -> str:
        """The model of users."""
        return self._string(self._settings.get(USER_SETTING, DEFAULT_USER), None, "")

    def _class(self, name: str) -> str:
        name = canonical(name)
        return name if name in self._drafts else ""

    def _string(self, text: str, scope: Draft | None, module: str) -> str:
        if text == "self":
            return scope.name if scope else ""
        app, _, name = text.rpartition(".")
        if app:
            return self._labelled(app, name.lower())
        if not name:
            return ""
        near = [f"{place}.{name}" for place in (scope.module if scope else "", module)]
        found = self._by_label.get((scope.app, name.lower())) if scope else None
        if found:
            return found
        return next((place for place in near if place in self._drafts), "") or self._only(self._by_name[name.lower()])

    def _labelled(self, app: str, name: str) -> str:
        found = self._by_label.get((app, name))
        if found:
            return found
        last = app.rpartition(".")[2]
        return self._only([model for model in self._by_name[name] if last in model.split(".")[:-1]])

    @staticmethod
    def _only(models: list[str]) -> str:
        return models[0] if len(models) == 1 else ""


def _precedence(draft: Draft) -> tuple[bool, int, str]:
    """Models of the service before those that tests or migrations make up, classes of modules before nested ones."""
    parts = draft.name.split(".")
    aside = any(part.startswith("test") or part in ("migrations", "conftest") for part in parts)
    return aside, len(parts), draft.name
