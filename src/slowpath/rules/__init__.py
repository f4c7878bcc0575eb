"""The rules: one module each, found by importing this folder."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterator
from functools import lru_cache
from importlib import import_module

from msgspec import Struct

from slowpath.finding import Mark as Mark
from slowpath.finding import Problem as Problem
from slowpath.finding import Severity
from slowpath.references import FunctionRef
from slowpath.semantics.effects import Summary
from slowpath.semantics.program import Program


class Function(Struct, frozen=True):
    """A function with everything it does."""

    ref: FunctionRef
    summary: Summary


Check = Callable[[Function, Program], Iterator[Problem]]
Combine = Callable[[tuple[Problem, ...]], Problem]


class Rule(Struct, frozen=True):
    """A rule: its code, what it checks, and whether it is on when nobody chooses. Its name and text are its module's.

    `combine` makes one problem of all that it has with one place.
    """

    code: str
    check: Check
    since: str
    default: bool = True
    severity: Severity = "warning"
    combine: Combine | None = None
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
        named = Rule(
            rule.code,
            rule.check,
            rule.since,
            rule.default,
            rule.severity,
            rule.combine,
            name=info.name.replace("_", "-"),
            doc=(module.__doc__ or "").strip(),
        )
        found.append(named)
    return tuple(sorted(found, key=lambda each: each.code))
