"""Which of all findings somebody wants to hear of."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from itertools import groupby
from typing import Protocol

from msgspec.structs import replace

from slowpath import config
from slowpath.config import Settings
from slowpath.finding import Finding
from slowpath.roles import Role, apps_in, role_of


class Chosen(Protocol):
    """What is asked of a rule that was selected."""

    @property
    def code(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def default(self) -> bool: ...
    @property
    def roles(self) -> tuple[Role, ...]: ...


def wanted(
    findings: Iterable[Finding],
    rules: Iterable[Chosen],
    settings: Settings,
    paths: Iterable[str],
    changed: Container[str] = (),
) -> Iterator[Finding]:
    """The findings of these rules that are sure and severe enough, in files of the roles that they speak of; `paths`
    are all that the project has.

    They are as severe as the settings say, and what is different in a path is so. What is past is told of `changed`
    files only.
    """
    by_code = {rule.code: rule for rule in rules}
    apps = apps_in(paths)
    for path, group in groupby(findings, key=lambda finding: finding.path):
        local = config.in_path(settings, path)
        for finding in group:
            rule = by_code.get(finding.code)
            if rule is None or (finding.past and path not in changed) or not config.is_selected(rule, local):
                continue
            severity = config.severity_of(rule, finding.severity, local)
            told = finding if severity == finding.severity else replace(finding, severity=severity)
            if config.is_wanted(told, local) and role_of(path, apps) in (*rule.roles, *settings.include_roles):
                yield told
