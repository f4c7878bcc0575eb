"""Begins a rule: its module, its fixtures and its page. `new_rule.py leaked-connection --family 2`."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path
from string import Template

import slowpath

ROOT = Path(__file__).resolve().parent.parent

_MODULE = Template('''\
"""One sentence: what happens, and what it costs.

## Problem

Why it is fast in staging and slow in production.

## Slow

    for order in Order.objects.all():
        print(order.user.name)

## Fast

    for order in Order.objects.select_related("user"):
        print(order.user.name)

## How it decides

What is followed, and what is reported of it.

## What silences it

What looks like it and is none.

## Fix safety

What the change could change besides the speed.
"""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.rules import Function, Problem, Rule
from slowpath.semantics.program import Program


def check(function: Function, program: Program) -> Iterator[Problem]:
    """The slow paths of this kind that begin in the function."""
    yield from ()


rule = Rule("$code", check, since="$version")
''')

_SLOW = Template('''\
"""The smallest code a reader would call real, and slow."""


def slow():
    ...  # expect: $name
''')

_CLEAN = '''\
"""Code that looks slow, and is not."""


def bounded():
    ...


def batched():
    ...
'''


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="the slow thing it finds, as in `leaked-connection`")
    parser.add_argument("--family", type=int, choices=range(1, 10), default=1, help="the first digit of its code")
    options = parser.parse_args()
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", options.name):
        parser.error(f"`{options.name}` is no rule's name; write one like `leaked-connection`")
    module = options.name.replace("-", "_")
    files = {
        ROOT / "src/slowpath/rules" / f"{module}.py": _MODULE.substitute(
            code=free_code(options.family), version=slowpath.__version__
        ),
        ROOT / "fixtures" / module / "slow.py": _SLOW.substitute(name=options.name),
        ROOT / "fixtures" / module / "clean.py": _CLEAN,
    }
    if taken := [path for path in files if path.exists()]:
        parser.error(f"{taken[0].relative_to(ROOT)} is there already")
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(ROOT))
    subprocess.run([sys.executable, ROOT / "scripts/docs.py"], check=True)
    print(f"docs/rules/{options.name}.md")
    return 0


def free_code(family: int) -> str:
    """The code after the highest of the family."""
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "src/slowpath/rules").glob("*.py")]
    numbers = [int(number) for text in texts for number in re.findall(rf'"SLO({family}[0-9]{{2}})"', text)]
    return f"SLO{max(numbers, default=family * 100) + 1}"


if __name__ == "__main__":
    sys.exit(main())
