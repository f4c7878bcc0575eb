"""The rules: one module each, found by importing this folder."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterator
from functools import lru_cache
from importlib import import_module

from msgspec import Struct
from msgspec.structs import replace

from slowpath.database import Database
from slowpath.facts import AnyFact
from slowpath.finding import Mark as Mark
from slowpath.finding import Problem as Problem
from slowpath.finding import Severity
from slowpath.migrations import Migration
from slowpath.project import Project
from slowpath.references import FunctionRef
from slowpath.roles import Role
from slowpath.schema import Schema
from slowpath.semantics.effects import Summary
from slowpath.semantics.program import Program
from slowpath.vocabulary import Knowledge


class Function(Struct, frozen=True):
    """A function with everything it does."""

    ref: FunctionRef
    summary: Summary


class Whole(Struct, frozen=True):
    """The project when every function has been read. `facts` are those of all functions, in the order of these;
    `migrations` come each after those that it needs."""

    project: Project
    schema: Schema
    database: Database
    knowledge: Knowledge
    facts: tuple[AnyFact, ...]
    migrations: tuple[Migration, ...] = ()


Check = Callable[[Function, Program], Iterator[Problem]]
Collect = Callable[[Function, Program], Iterator[AnyFact]]
Judge = Callable[[Whole], Iterator[Problem]]
Combine = Callable[[tuple[Problem, ...]], Problem]


class Rule(Struct, frozen=True):
    """A rule: its code, what it checks, and whether it is on when nobody chooses. Its name and text are its module's.

    `check` is asked about each function by itself, and `judge` once, when all have answered; a rule has one of them or
    both. `collect` says which facts `judge` needs of a function: rules that need the same name the same. `combine`
    makes one problem of all that it has with one place. `roles` are those of the files that it speaks of whatever the
    settings say; where one has `aside`, commands and scripts are asked for its facts as well, though it does not speak
    of them. A rule `of_migrations` is asked of the functions that migrations run, and of no others.
    """

    code: str
    check: Check | None
    since: str
    default: bool = True
    severity: Severity = "warning"
    combine: Combine | None = None
    collect: Collect | None = None
    judge: Judge | None = None
    roles: tuple[Role, ...] = ("production",)
    of_migrations: bool = False
    aside: bool = False
    name: str = ""
    doc: str = ""

    @property
    def summary(self) -> str:
        """The first sentence of the rule's text."""
        return self.doc.partition("\n")[0]


@lru_cache(maxsize=1)
def load() -> tuple[Rule, ...]:
    """Every rule, by code."""
    found = []
    for info in pkgutil.iter_modules(__path__):
        module = import_module(f"{__name__}.{info.name}")
        rule: Rule = module.rule
        found.append(replace(rule, name=info.name.replace("_", "-"), doc=(module.__doc__ or "").strip()))
    return tuple(sorted(found, key=lambda each: each.code))
