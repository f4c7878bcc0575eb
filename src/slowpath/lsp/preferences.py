"""What an editor's settings say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, get_args

from msgspec import Struct
from msgspec.structs import replace

from slowpath.config import KEYS, ConfigError, Settings, settings_from, unknown_selector
from slowpath.errors import nearest
from slowpath.rules import load

Mode = Literal["openFiles", "workspace"]
Run = Literal["onType", "onSave"]

_EDITOR = "the editor's settings"
_OWN = {"diagnosticMode": get_args(Mode), "run": get_args(Run)}
# What only starts or finds the server.
_CLIENT = {"path", "interpreter", "enable", "trace"}
_CAPITAL = re.compile(r"[A-Z]")


class Preferences(Struct, frozen=True):
    """Of which files findings are shown, when they are looked for, and which of the project's settings are others."""

    mode: Mode = "openFiles"
    run: Run = "onType"
    overrides: tuple[tuple[str, object], ...] = ()

    def applied_to(self, settings: Settings) -> Settings:
        """The project's settings with the editor's."""
        return replace(settings, **dict(self.overrides)) if self.overrides else settings


def preferences_of(raw: Mapping[str, object]) -> Preferences:
    """The preferences that an editor sends; keys are those of `[tool.slowpath]`, also in camel case.

    Raises `ConfigError` for one that cannot be meant.
    """
    own: dict[str, object] = {}
    table: dict[str, object] = {}
    for key, value in raw.items():
        if key in _OWN:
            if value not in _OWN[key]:
                raise ConfigError(_EDITOR, f"slowpath.{key}", f"no value `{value}`{nearest(str(value), _OWN[key])}")
            own[key] = value
        elif key not in _CLIENT and value is not None:
            kebab = _CAPITAL.sub(lambda letter: f"-{letter[0].lower()}", key)
            if kebab not in KEYS:
                raise ConfigError(_EDITOR, f"slowpath.{key}", f"no such key{nearest(key, [*_OWN, *KEYS])}")
            table[kebab] = value
    settings = settings_from(table, file=_EDITOR)
    for selectors in (settings.select, settings.extend_select, settings.ignore):
        if problem := unknown_selector(selectors, load()):
            raise ConfigError(_EDITOR, "slowpath", problem)
    names = {name.replace("_", "-"): name for name in Settings.__struct_fields__}
    overrides = tuple((names[key], getattr(settings, names[key])) for key in table)
    return replace(
        Preferences(overrides=overrides), **{"mode" if k == "diagnosticMode" else k: v for k, v in own.items()}
    )
