"""Which databases a project runs on, from its settings, its URLs and the drivers that it imports."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from slowpath.declarations import Assignment, Declarations
from slowpath.expression import Constant, Template, within
from slowpath.project import Project
from slowpath.roles import apps_in, role_of

_DRIVERS = {
    "psycopg": "postgresql",
    "psycopg2": "postgresql",
    "psycopg_pool": "postgresql",
    "asyncpg": "postgresql",
    "aiopg": "postgresql",
    "pg8000": "postgresql",
    "pgvector": "postgresql",
    "sqlalchemy.dialects.postgresql": "postgresql",
    "django.contrib.postgres": "postgresql",
    "MySQLdb": "mysql",
    "pymysql": "mysql",
    "aiomysql": "mysql",
    "asyncmy": "mysql",
    "sqlalchemy.dialects.mysql": "mysql",
    "cx_Oracle": "oracle",
    "oracledb": "oracle",
    "pyodbc": "mssql",
    "sqlite3": "sqlite",
    "aiosqlite": "sqlite",
    "sqlalchemy.dialects.sqlite": "sqlite",
}
_WORDS = {
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "postgis": "postgresql",
    "psycopg": "postgresql",
    "psycopg2": "postgresql",
    "cockroachdb": "postgresql",
    "mysql": "mysql",
    "mariadb": "mysql",
    "sqlite": "sqlite",
    "sqlite3": "sqlite",
    "spatialite": "sqlite",
    "oracle": "oracle",
    "mssql": "mssql",
}
_URL = re.compile(r"\b(" + "|".join(_WORDS) + r")(?:\+\w+)?://", re.IGNORECASE)
# The scheme alone, or the name alone: `DB_DRIVER = env("DB_DRIVER", "mariadb")`.
_NAME = re.compile(r"(" + "|".join(_WORDS) + r")(?:\+\w+)?", re.IGNORECASE)
_ENGINE = re.compile(r"[\w.]*\bbackends?\.(" + "|".join(_WORDS) + r")\b")
_SETTING = re.compile(
    r"(?:^|_)(?:DATABASES?|DB|DSN|DRIVERS?|DIALECTS?|ENGINE|URL|URI|SQLALCHEMY)(?:_|$)", re.IGNORECASE
)

# A test or a script runs on what is at hand, and so does a default that every deployment replaces.
_WEAK = {"sqlite"}
_SAID, _IMPORTED = 10, 3


def vendors_of(project: Project) -> tuple[str, ...]:
    """The vendors, the likeliest first; SQLite only where nothing speaks of another."""
    votes: Counter[str] = Counter()
    migrating: Counter[str] = Counter()
    apps = apps_in(declarations.path for declarations in project.modules.values())
    for declarations in project.modules.values():
        role = role_of(declarations.path, apps)
        if role in ("production", "migration"):
            (votes if role == "production" else migrating).update(_votes(declarations))
    if votes.keys() <= _WEAK:
        # What migrations are written for is used, even if the service takes its address from elsewhere.
        votes += migrating
    ordered = sorted(votes, key=lambda vendor: (vendor in _WEAK, -votes[vendor], vendor))
    strong = [vendor for vendor in ordered if vendor not in _WEAK]
    return tuple(strong or ordered)


def _votes(declarations: Declarations) -> Counter[str]:
    votes: Counter[str] = Counter()
    for imported in declarations.imports:
        names = (imported.module, imported.module.partition(".")[0], f"{imported.module}.{imported.name}")
        vendor = next((_DRIVERS[name] for name in names if name in _DRIVERS), "")
        if vendor and not imported.level:
            votes[vendor] += _IMPORTED
    for text in _texts(declarations):
        for found in filter(None, (_NAME.fullmatch(text), *_URL.finditer(text), *_ENGINE.finditer(text))):
            votes[_WORDS[found[1].lower()]] += _SAID
    return votes


def _texts(declarations: Declarations) -> Iterator[str]:
    """The strings in settings that speak of a database."""
    made = [*declarations.assignments, *(each for owner in declarations.classes for each in owner.assignments)]
    for assignment in made:
        if assignment.value is not None and _SETTING.search(assignment.name):
            yield from _strings(assignment)


def _strings(assignment: Assignment) -> Iterator[str]:
    for node in within(assignment.value):
        match node:
            case Constant(value=str(text)):
                yield text
            case Template(parts=(Constant(value=str(text)), *_)):
                yield text
