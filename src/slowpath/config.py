"""What the user wants of a run: `[tool.slowpath]` of pyproject.toml, and which project it speaks of."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, Protocol, TypeVar

from msgspec import Meta, Struct, ValidationError, convert
from msgspec.structs import replace

from slowpath.census import Census, decoded
from slowpath.discovery import is_matched
from slowpath.errors import SlowpathError, nearest
from slowpath.finding import CONFIDENCES, SEVERITIES, Confidence, Finding, Severity
from slowpath.roles import ROLES, Role

_VCS = (".git", ".hg", ".jj", ".svn")
_PREFIX = re.compile(r"[A-Z]{1,3}[0-9]{0,3}", re.IGNORECASE)
_QUOTED = re.compile(r"`(\w+)`")
_LAST_INDEX = re.compile(r"\[[^\]]*\]$")
_TOML_WORDS = {
    "array": "a list",
    "bool": "true or false",
    "float": "a number",
    "int": "a whole number",
    "object": "a table",
    "str": "a string",
}


class ConfigError(SlowpathError):
    """A setting that cannot be meant, with the file and the key to change."""

    def __init__(self, file: str, key: str, problem: str) -> None:
        super().__init__(f"{file}: {key}: {problem}" if key else f"{file}: {problem}")
        self.file = file
        self.key = key
        self.problem = problem


class Override(Struct, frozen=True, rename="kebab", forbid_unknown_fields=True):
    """What is different in some paths. `ignore` and `extend-select` add to what the project says."""

    paths: tuple[str, ...]
    ignore: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()
    confidence: Confidence | None = None
    min_severity: Severity | None = None


class Settings(Struct, frozen=True, rename="kebab"):
    """The settings of a project; `MEANINGS` says what each of them means."""

    select: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    include_roles: tuple[Role, ...] = ()
    confidence: Confidence = "medium"
    min_severity: Severity = "note"
    jobs: Annotated[int, Meta(ge=0)] = 0
    cache_dir: str = ".slowpath_cache"
    baseline: str = "slowpath-baseline.json"
    snapshot: str = ""
    max_file_size: Annotated[int, Meta(ge=1)] = 1_000_000
    django_version: Annotated[str, Meta(pattern=r"^(\d+(\.\d+)*)?$")] = ""
    dialect: Literal["", "postgresql", "mysql", "sqlite", "oracle", "mssql"] = ""
    knowledge: dict[str, object] = {}
    severity: dict[str, Severity] = {}
    overrides: tuple[Override, ...] = ()
    extend: str = ""


KEYS: tuple[str, ...] = Settings.__struct_encode_fields__

MEANINGS: Mapping[str, str] = {
    "select": "The rules to run, by code, prefix, name or ALL; empty: those that are on by default.",
    "extend-select": "Rules to run as well.",
    "ignore": "Rules not to run.",
    "exclude": "Globs of files and folders to leave out, relative to the root.",
    "include-roles": "What is checked besides production code: test, migration, command, script.",
    "confidence": "The least sure findings that are reported.",
    "min-severity": "The least severe findings that are reported.",
    "jobs": "A number of processes; 0: one per processor.",
    "cache-dir": "The folder of the cache, inside the root. SLOWPATH_CACHE_DIR goes before it.",
    "baseline": "The file of known findings, inside the root.",
    "snapshot": "The file that `slowpath db snapshot` wrote, inside the root.",
    "max-file-size": "The largest file that is read, in bytes.",
    "django-version": "The Django that the project runs on, where no lock file says so.",
    "dialect": "The database that the project runs on, where its settings, URLs and drivers do not show it.",
    "knowledge": "Tables about your own libraries.",
    "severity": "How severe the findings of a rule are, by code, prefix or name.",
    "overrides": "What is different in some paths.",
    "extend": "A file with settings that these go before, relative to this one.",
}

_CHOICES: Mapping[str, Sequence[str]] = {
    "confidence": CONFIDENCES,
    "min-severity": SEVERITIES,
    "severity": SEVERITIES,
    "dialect": ("postgresql", "mysql", "sqlite", "oracle", "mssql"),
    "include-roles": tuple(role for role in ROLES if role != "production"),
}


class Selectable(Protocol):
    """What selection needs to know of a rule."""

    @property
    def code(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def default(self) -> bool: ...


SomeRule = TypeVar("SomeRule", bound=Selectable)


def settings_of(root: Path) -> Settings:
    """The settings written in the root's pyproject.toml and in what it extends, or the defaults."""
    tables = tables_of(root)
    return settings_from(_merged([table for _, table in tables]), file=str(tables[0][0])) if tables else Settings()


def tables_of(root: Path) -> list[tuple[Path, Mapping[str, object]]]:
    """The tables that hold for a project, each with its file: its own one first, then what it extends."""
    file = root / "pyproject.toml"
    table = _table_in(file)
    found: list[tuple[Path, Mapping[str, object]]] = []
    while table is not None:
        found.append((file, table))
        name = table.get("extend", "")
        if not isinstance(name, str) or not name:
            break
        base = Path(os.path.normpath(file.parent / name))
        if any(base == each for each, _ in found):
            raise _error(str(file), "extend", f"`{name}` extends itself")
        if not base.is_file():
            raise _error(str(file), "extend", f"there is no file `{name}`")
        file, table = base, _table_from(base.read_bytes(), str(base), whole=base.name != "pyproject.toml") or {}
    return found


def _merged(tables: Sequence[Mapping[str, object]]) -> dict[str, object]:
    """One table of all: of a key the first one's value, but tables by their keys and overrides one after the other."""
    merged: dict[str, object] = {}
    for table in reversed(tables):
        for key, value in table.items():
            below = merged.get(key)
            if key in ("severity", "knowledge") and isinstance(value, dict) and isinstance(below, dict):
                merged[key] = {**below, **value}
            elif key == "overrides" and isinstance(value, list) and isinstance(below, list):
                merged[key] = [*below, *value]
            else:
                merged[key] = value
    return merged


def settings_from(table: Mapping[str, object], *, file: str) -> Settings:
    """The settings that a `[tool.slowpath]` table holds."""
    for key in table:
        if key not in KEYS:
            raise _error(file, key, f"no such key{nearest(key, KEYS)}")
    try:
        settings = convert(table, Settings)
    except ValidationError as error:
        raise _explained(error, file) from None
    for key, value, what in (
        ("cache-dir", settings.cache_dir, "folder inside the project; write `.slowpath_cache`"),
        ("baseline", settings.baseline, "file inside the project; write `slowpath-baseline.json`"),
        ("snapshot", settings.snapshot, "file inside the project; write `.slowpath-snapshot.json`"),
    ):
        if Path(value).is_absolute() or ".." in Path(value).parts:
            raise _error(file, key, f"must be a {what}")
    return settings


def census_of(root: Path, settings: Settings) -> Census | None:
    """What was counted in the project's database, if the settings name a file that holds it."""
    data = counted_in(root, settings)
    if data is None:
        return None
    census = decoded(data)
    if isinstance(census, str):
        problem = f"`{settings.snapshot}` is no snapshot of a database ({census}); write it with `slowpath db snapshot`"
        raise _error("pyproject.toml", "snapshot", problem)
    return census


def counted_in(root: Path, settings: Settings) -> bytes | None:
    """The bytes of the snapshot that the settings name, if they name one."""
    if not settings.snapshot:
        return None
    try:
        return (root / settings.snapshot).read_bytes()
    except OSError as error:
        reason = (error.strerror or "unknown").lower()
        raise _error("pyproject.toml", "snapshot", f"`{settings.snapshot}` cannot be read: {reason}") from None


def root_of(paths: Sequence[Path], working_directory: Path) -> Path:
    """The project that holds these absolute paths.

    It is the nearest folder upwards with a `[tool.slowpath]` or, failing that, under version control or with a
    pyproject.toml; where there is none of these, the working directory or the folder that holds all the paths.
    """
    start = Path(os.path.commonpath(paths)) if paths else working_directory
    if not start.is_dir():
        start = start.parent
    projects: list[Path] = []
    for folder in (start, *start.parents):
        file = folder / "pyproject.toml"
        if _table_in(file) is not None or is_checkout(folder):
            return folder
        if file.is_file():
            projects.append(folder)
    if projects:
        return projects[0]
    return working_directory if start.is_relative_to(working_directory) else start


def is_checkout(folder: Path) -> bool:
    """Whether the folder is the one that is under version control."""
    return any((folder / name).exists() for name in _VCS)


def selected(rules: Iterable[SomeRule], settings: Settings) -> tuple[SomeRule, ...]:
    """The rules that the settings ask for, in their order."""
    known = tuple(rules)
    for key, selectors in (
        ("select", settings.select),
        ("extend-select", settings.extend_select),
        ("ignore", settings.ignore),
        ("severity", tuple(settings.severity)),
        *(("overrides", (*override.ignore, *override.extend_select)) for override in settings.overrides),
    ):
        if problem := unknown_selector(selectors, known):
            raise _error("pyproject.toml", key, problem)
    return tuple(
        rule
        for rule in known
        if is_selected(rule, settings) or any(is_selected(rule, each) for each in _everywhere(settings))
    )


def _everywhere(settings: Settings) -> Iterator[Settings]:
    """The settings with each override, as if it were for all paths."""
    for override in settings.overrides:
        if override.extend_select:
            yield _with(settings, override)


def in_path(settings: Settings, path: str) -> Settings:
    """The settings as they are for the file at this path, relative to the root."""
    for override in settings.overrides:
        if is_matched(path, override.paths):
            settings = _with(settings, override)
    return settings


def _with(settings: Settings, override: Override) -> Settings:
    return replace(
        settings,
        ignore=(*settings.ignore, *override.ignore),
        extend_select=(*settings.extend_select, *override.extend_select),
        confidence=override.confidence or settings.confidence,
        min_severity=override.min_severity or settings.min_severity,
    )


def severity_of(rule: Selectable, severity: Severity, settings: Settings) -> Severity:
    """How severe a finding of the rule is: what is said of its name or code, else of its longest prefix."""
    fitting = [selector for selector in settings.severity if _selects(selector, rule)]
    exact = [selector for selector in fitting if selector.lower() in (rule.name, rule.code.lower())]
    best = max(exact or fitting, key=lambda selector: (selector.upper() != "ALL", len(selector)), default=None)
    return settings.severity[best] if best is not None else severity


def unknown_selector(selectors: Iterable[str], rules: Sequence[Selectable]) -> str:
    """What is wrong with the first selector that selects nothing; empty if each selects a rule."""
    for selector in selectors:
        if not any(_selects(selector, rule) for rule in rules):
            words = [word for rule in rules for word in (rule.code, rule.name)]
            # Codes resemble one another too much for the nearest one to say anything.
            close = "" if _PREFIX.fullmatch(selector) else nearest(selector, words)
            return f"no rule `{selector}`{close}"
    return ""


def is_wanted(finding: Finding, settings: Settings) -> bool:
    """Whether a finding is sure and severe enough to be reported."""
    return CONFIDENCES.index(finding.confidence) >= CONFIDENCES.index(settings.confidence) and SEVERITIES.index(
        finding.severity
    ) >= SEVERITIES.index(settings.min_severity)


def is_selected(rule: Selectable, settings: Settings) -> bool:
    """Whether the settings ask for this rule."""
    if any(_selects(selector, rule) for selector in settings.ignore):
        return False
    if any(_selects(selector, rule) for selector in settings.extend_select):
        return True
    if settings.select:
        return any(_selects(selector, rule) for selector in settings.select)
    return rule.default


def _selects(selector: str, rule: Selectable) -> bool:
    if selector.upper() == "ALL" or selector.lower() == rule.name:
        return True
    return _PREFIX.fullmatch(selector) is not None and rule.code.startswith(selector.upper())


def _table_in(file: Path) -> Mapping[str, object] | None:
    try:
        data = file.read_bytes()
    except OSError:
        return None
    # Most pyproject.toml files say nothing of slowpath: they need not be parsed, nor even be valid.
    if b"slowpath" not in data:
        return None
    return _table_from(data, str(file))


def _table_from(data: bytes, file: str, *, whole: bool = False) -> Mapping[str, object] | None:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        tables = tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(file, "", f"not valid TOML: {error}") from None
    if whole:
        return tables
    tool = tables.get("tool", {})
    table = tool.get("slowpath") if isinstance(tool, dict) else None
    if table is not None and not isinstance(table, dict):
        raise ConfigError(file, "tool.slowpath", "expected a table; write `[tool.slowpath]`")
    return table


def _explained(error: ValidationError, file: str) -> ConfigError:
    message, _, place = str(error).partition(" - at `$.")
    place = place.rstrip("`")
    key = _LAST_INDEX.sub("", place)
    if message.startswith("Invalid enum value"):
        word = message.partition("'")[2].rstrip("'")
        return _error(file, key, f"no value `{word}`{nearest(word, _CHOICES[key.rpartition('.')[2]])}")
    if "regex" in message:
        return _error(file, key, 'expected a version; write one like "5.2"')
    words = _QUOTED.sub(lambda word: _TOML_WORDS.get(word[1], word[0]), message)
    return _error(file, place, (words[0].lower() + words[1:]).replace("object ", "table "))


def _error(file: str, key: str, problem: str) -> ConfigError:
    return ConfigError(file, f"tool.slowpath.{key}", problem)
