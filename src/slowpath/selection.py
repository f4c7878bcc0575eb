"""Which of all findings somebody wants to hear of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from slowpath import config
from slowpath.config import Settings
from slowpath.finding import Finding
from slowpath.roles import Role, role_of


class Chosen(Protocol):
    """What is asked of a rule that was selected."""

    @property
    def code(self) -> str: ...
    @property
    def roles(self) -> tuple[Role, ...]: ...


def wanted(findings: Iterable[Finding], rules: Iterable[Chosen], settings: Settings) -> Iterator[Finding]:
    """The findings of these rules that are sure and severe enough, in files of the roles that they speak of."""
    roles = {rule.code: (*rule.roles, *settings.include_roles) for rule in rules}
    for finding in findings:
        if finding.code in roles and config.is_wanted(finding, settings):
            if role_of(finding.path) in roles[finding.code]:
                yield finding
