"""Writes docs/rules/ from the rules' docstrings; with `--check`, says which pages are out of date."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path

from slowpath.reporters.page import markdown
from slowpath.rules import Rule, load

RULES = Path(__file__).resolve().parent.parent / "docs" / "rules"

_FAMILIES = {
    "0": "slowpath itself",
    "1": "Queries",
    "2": "Connections and other resources",
    "3": "The event loop",
    "4": "Caches",
    "5": "Indexes and SQL",
    "6": "Templates, serializers and clients",
}
_SECTIONS = ("Problem", "Slow", "Fast", "How it decides", "What silences it", "Fix safety")


def main() -> int:
    rules = load()
    problems = list(_problems(rules))
    if problems:
        print(*problems, sep="\n", file=sys.stderr)
        return 1
    pages = {f"{rule.name}.md": page(rule) for rule in rules} | {"index.md": index(rules)}
    return _check(pages) if "--check" in sys.argv[1:] else _write(pages)


def page(rule: Rule) -> str:
    """The page of a rule."""
    source = f"src/slowpath/rules/{rule.name.replace('-', '_')}.py"
    state = "on" if rule.default else "off"
    return "\n".join(
        [
            f"<!-- Written by scripts/docs.py from {source}: change it there. -->",
            f"# {rule.name} ({rule.code})",
            "",
            f"{rule.severity.capitalize()}, {state} by default.",
            "",
            markdown(rule),
            "",
        ]
    )


def index(rules: tuple[Rule, ...]) -> str:
    """The page that lists all rules by family."""
    rows = ["<!-- Written by scripts/docs.py from src/slowpath/rules/: change it there. -->", "# Rules", ""]
    for digit, family in groupby(sorted(rules, key=lambda rule: rule.code), key=lambda rule: rule.code[3]):
        rows += [f"## {_FAMILIES[digit]}", "", "| code | name | what it finds | default |", "|---|---|---|---|"]
        rows += [
            f"| {rule.code} | [{rule.name}]({rule.name}.md) | {rule.summary} | {'on' if rule.default else 'off'} |"
            for rule in family
        ]
        rows.append("")
    return "\n".join(rows)


def _problems(rules: tuple[Rule, ...]) -> Iterator[str]:
    for rule in rules:
        headings = tuple(line[3:] for line in rule.doc.splitlines() if line.startswith("## "))
        if headings != _SECTIONS:
            yield f"the docstring of `{rule.name}` has the sections {', '.join(headings)}; write {', '.join(_SECTIONS)}"


def _check(pages: Mapping[str, str]) -> int:
    written = {path.name: path.read_text(encoding="utf-8") for path in RULES.glob("*.md")}
    stale = sorted(name for name in pages.keys() | written.keys() if pages.get(name) != written.get(name))
    for name in stale:
        print(f"docs/rules/{name} is out of date; run scripts/docs.py", file=sys.stderr)
    return 1 if stale else 0


def _write(pages: Mapping[str, str]) -> int:
    RULES.mkdir(parents=True, exist_ok=True)
    for path in RULES.glob("*.md"):
        if path.name not in pages:
            path.unlink()
    for name, text in pages.items():
        (RULES / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
