#!/usr/bin/env python3
"""Time slowpath beside other tools on real projects, in one run, as ratios.

    python scripts/bench.py PATH...            # prints a table
    python scripts/bench.py --write PATH...    # and puts it into docs/performance.md

The yardstick is one bare `libcst.parse_module` over the project's files that are neither tests nor migrations, in one
process. Every figure is the best of `--repeat` runs of a whole process.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from slowpath.discovery import listing_of
from slowpath.roles import role_of

PAGE = Path(__file__).resolve().parent.parent / "docs" / "performance.md"
BARE = """
import sys, libcst
for path in sys.stdin.read().split("\\0"):
    try:
        libcst.parse_module(open(path, "rb").read())
    except (libcst.ParserSyntaxError, RecursionError, OSError):
        pass
"""


class Timing:
    """The best of some runs of a process: seconds of wall-clock time, and the most memory it held, in megabytes."""

    def __init__(self, seconds: float, megabytes: float) -> None:
        self.seconds = seconds
        self.megabytes = megabytes


def timed(command: Sequence[str], folder: Path, repeat: int, given: str = "") -> Timing:
    """Run the command and time it; its exit status does not matter."""
    best = Timing(float("inf"), 0.0)
    for _ in range(repeat):
        start = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        if process.stdin is not None:
            process.stdin.write(given.encode())
            process.stdin.close()
        _, _, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        if seconds < best.seconds:
            best = Timing(seconds, usage.ru_maxrss / 1024)
    return best


def edited(folder: Path, path: str) -> None:
    """Change the inside of the first function of a file."""
    file = folder / path
    text = file.read_text(encoding="utf-8")
    file.write_text(re.sub(r"^( +)return\b", r"\1pass\n\1return", text, count=1, flags=re.MULTILINE), encoding="utf-8")


def rows_of(folder: Path, repeat: int) -> list[tuple[str, Timing]]:
    """What was timed on one project, the yardstick first."""
    paths = [file.path for file in listing_of(folder).files]
    plain = [path for path in paths if role_of(path) not in ("test", "migration")]
    check = [sys.executable, "-m", "slowpath", "check", "--output-format", "json", "."]
    given = "\0".join(str(folder / path) for path in plain)
    rows = [("bare `libcst.parse_module`", timed([sys.executable, "-c", BARE], folder, repeat, given))]
    rows.append(("slowpath, cold, 1 job", timed([*check, "--no-cache", "--jobs", "1"], folder, repeat)))
    rows.append(("slowpath, cold, 2 jobs", timed([*check, "--no-cache", "--jobs", "2"], folder, repeat)))
    timed([*check, "--jobs", "2"], folder, 1)
    rows.append(("slowpath, nothing changed", timed([*check, "--jobs", "1"], folder, repeat + 2)))
    # An ordinary file, neither the largest nor an empty one, as most edits are.
    by_size = sorted(plain, key=lambda path: (folder / path).stat().st_size)
    edited(folder, by_size[len(by_size) * 3 // 4])
    rows.append(("slowpath, one function edited", timed([*check, "--jobs", "1"], folder, 1)))
    ruff = shutil.which("ruff", path=str(Path(sys.executable).parent)) or shutil.which("ruff")
    if ruff is not None:
        rows.append(("`ruff check --no-cache`", timed([ruff, "check", "--no-cache", "."], folder, repeat + 2)))
    return rows


def table_of(project: Path, repeat: int) -> str:
    """The table of one project, in Markdown."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "project"
        shutil.copytree(project, folder, ignore=shutil.ignore_patterns(".git", ".slowpath_cache"))
        files = listing_of(folder).files
        lines = sum((folder / file.path).read_bytes().count(b"\n") for file in files)
        plain = [file for file in files if role_of(file.path) not in ("test", "migration")]
        rows = rows_of(folder, repeat)
    yardstick = rows[0][1].seconds
    size = sum(file.size for file in plain) / 1e6
    head = (
        f"### {project.name}\n\n{len(files):,} files, {lines:,} lines; {size:.1f} MB in {len(plain):,} files "
        f"that are neither tests nor migrations. The yardstick took {yardstick:.1f} s.\n\n"
        "| | ratio | memory |\n|---|---:|---:|\n"
    )
    return head + "".join(f"| {name} | {t.seconds / yardstick:.3f} | {t.megabytes:.0f} MB |\n" for name, t in rows)


def main() -> int:
    """Print the tables, and write the page if asked to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("projects", nargs="+", type=Path)
    parser.add_argument("--repeat", type=int, default=2)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    tools = ", ".join(f"{name} {version(name)}" for name in ("slowpath", "libcst", "ruff"))
    text = f"CPython {platform.python_version()}, {os.cpu_count()} processors, {tools}.\n\n"
    text += "\n".join(table_of(project.resolve(), options.repeat) for project in options.projects)
    print(text)
    if options.write:
        page = PAGE.read_text(encoding="utf-8")
        start, _, rest = page.partition("<!-- measured -->")
        _, _, end = rest.partition("<!-- /measured -->")
        PAGE.write_text(f"{start}<!-- measured -->\n\n{text}\n<!-- /measured -->{end}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
