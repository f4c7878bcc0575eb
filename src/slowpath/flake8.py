"""The flake8 plugin: the project is analysed once, before flake8 looks at its first file."""

from __future__ import annotations

import atexit
import multiprocessing
import os
import re
import sys
import tempfile
from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct
from msgspec.structs import replace

import slowpath
from slowpath import baseline, config
from slowpath.config import Settings
from slowpath.errors import SlowpathError
from slowpath.finding import CONFIDENCES, SEVERITIES, Finding, Skipped

if TYPE_CHECKING:
    from ast import AST

    from flake8.options.manager import OptionManager

_PREFIX = re.compile(r"SLO[0-9]{1,3}")
_HANDED_OVER = "_SLOWPATH_FLAKE8"


class Violation(Struct, frozen=True, array_like=True):
    """What flake8 is told of a finding."""

    line: int
    offset: int
    text: str


class Result(Struct, frozen=True):
    """The violations of each file of one project."""

    root: str
    violations: dict[str, list[Violation]]


class Plugin:
    """What flake8 asks about each file."""

    name = "slowpath"
    version = slowpath.__version__
    result = Result("", {})

    def __init__(self, tree: AST, filename: str) -> None:
        self._filename = filename

    def run(self) -> Iterator[tuple[int, int, str, type[Plugin]]]:
        """The file's violations."""
        path = os.path.relpath(os.path.realpath(self._filename), self.result.root).replace(os.sep, "/")
        for each in self.result.violations.get(path, ()):
            yield each.line, each.offset, each.text, type(self)

    @staticmethod
    def add_options(manager: OptionManager) -> None:
        """The settings that make sense for one run; all others are in `[tool.slowpath]`."""
        for option, choices, what in (
            ("--slowpath-confidence", CONFIDENCES, "sure"),
            ("--slowpath-min-severity", SEVERITIES, "severe"),
        ):
            manager.add_option(
                option,
                choices=choices,
                parse_from_config=True,
                help=f"Report slow paths that are at least this {what}.",
            )
        manager.add_option(
            "--slowpath-no-cache",
            action="store_true",
            default=False,
            parse_from_config=True,
            help="Neither read nor write slowpath's cache.",
        )

    @classmethod
    def parse_options(cls, manager: OptionManager, options: Namespace, paths: Sequence[str]) -> None:
        """Analyses the project, or takes over what the process that started this one found."""
        handed_over = os.environ.get(_HANDED_OVER)
        if handed_over and multiprocessing.parent_process() is not None:
            cls.result = msgspec.json.decode(Path(handed_over).read_bytes(), type=Result)
        elif _is_wanted(options):
            try:
                cls.result = _result(options, paths)
            except SlowpathError as error:
                print(f"slowpath: {error}", file=sys.stderr)
                raise SystemExit(2) from None
            _hand_over(cls.result)


def _is_wanted(options: Namespace) -> bool:
    from flake8.style_guide import Decision, DecisionEngine

    return bool(_chosen(options)) or DecisionEngine(options).decision_for("SLO") is Decision.Selected


def _chosen(options: Namespace) -> list[str]:
    """The codes that flake8 was told to select, down to a family at least: `SLO` alone leaves the choice to us."""
    return [code for code in (*(options.select or ()), *(options.extend_select or ())) if _PREFIX.fullmatch(code)]


def _result(options: Namespace, paths: Sequence[str]) -> Result:
    from slowpath import workspace
    from slowpath.reporters.progress import Progress

    # Text without a name is taken for a module that stands here.
    name = options.stdin_display_name
    alias = f"{name}.py" if name == "stdin" else name
    texts: dict[Path, str] = {}
    if "-" in paths:
        from flake8.utils import stdin_get_value

        texts[Path(alias).resolve()] = stdin_get_value()
    named = [Path(path).resolve() for path in paths or ["."] if path != "-"]
    root = config.root_of([*named, *texts], Path.cwd())
    settings = _settings(root, options)
    progress = Progress(sys.stderr)
    try:
        report = workspace.run(
            root,
            settings,
            [_below(root, path) for path in (*named, *texts)],
            cache=not options.slowpath_no_cache,
            jobs=options.jobs.n_jobs if options.jobs.n_jobs > 0 else os.cpu_count() or 1,
            progress=progress,
            known=baseline.read(root / settings.baseline),
            noqa=not options.disable_noqa,
            texts={_below(root, path): text for path, text in texts.items()},
        )
    finally:
        progress.close()
    violations: dict[str, list[Violation]] = {}
    for finding in report.findings:
        violations.setdefault(finding.path, []).append(_violation(finding))
    # What Python cannot read flake8 says itself; the rest is for those who ask.
    chosen = tuple(_chosen(options))
    for skipped in report.skipped:
        if skipped.code == "SLO002" or (chosen and skipped.code.startswith(chosen)):
            violations.setdefault(skipped.path, []).append(_excuse(skipped))
    if texts and alias != name:
        violations[_below(root, Path(name).resolve())] = violations.pop(_below(root, Path(alias).resolve()), [])
    return Result(str(root), violations)


def _below(root: Path, path: Path) -> str:
    relative = path.relative_to(root).as_posix()
    return "" if relative == "." else relative


def _settings(root: Path, options: Namespace) -> Settings:
    settings = config.settings_of(root)
    if chosen := _chosen(options):
        from slowpath import rules

        known = [code for code in chosen if not config.unknown_selector([code], rules.load())]
        settings = replace(settings, extend_select=(*settings.extend_select, *known))
    return replace(
        settings,
        confidence=options.slowpath_confidence or settings.confidence,
        min_severity=options.slowpath_min_severity or settings.min_severity,
    )


def _violation(finding: Finding) -> Violation:
    advice = f"; {finding.help}" if finding.help else ""
    text = f"{finding.code} {finding.name}: {finding.message}{advice}"
    return Violation(finding.span.line, finding.span.column - 1, text)


def _excuse(skipped: Skipped) -> Violation:
    what = "not analysed" if skipped.code == "SLO001" else "slowpath failed here, please report it"
    return Violation(skipped.line, skipped.column - 1, f"{skipped.code} {what}: {skipped.reason}")


def _hand_over(result: Result) -> None:
    """Leave what was found to processes that are started anew and have nothing of this one's memory."""
    # To ask for the default would settle it; the first of all methods is the default one.
    method = multiprocessing.get_start_method(allow_none=True) or multiprocessing.get_all_start_methods()[0]
    if method == "fork":
        return
    handle, path = tempfile.mkstemp(prefix="slowpath", suffix=".json")
    with os.fdopen(handle, "wb") as file:
        file.write(msgspec.json.encode(result))
    os.environ[_HANDED_OVER] = path
    atexit.register(_forget, os.getpid(), path)


def _forget(process: int, path: str) -> None:
    # A forked child runs this too.
    if os.getpid() == process:
        os.unlink(path)
