"""Draws docs/finding.svg: what `slowpath check` prints on a terminal about a small service, run for it.

With `--check`, says whether the picture is out of date.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory

PICTURE = Path(__file__).resolve().parent.parent / "docs" / "finding.svg"
MODELS = """\
from django.contrib.auth.models import User
from django.db import models


class Order(models.Model):
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    number = models.CharField(max_length=20)
    paid = models.BooleanField(default=False)
"""
VIEWS = """\
from django.http import JsonResponse

from shop.models import Order


def export(request):
    orders = Order.objects.filter(paid=True)
    return JsonResponse({"orders": [row(order) for order in orders]})


def row(order):
    return {"number": order.number, "customer": order.user.email}
"""
COLUMNS = 104
_CELL, _LINE, _MARGIN = 8.4, 20, 20
_PAINT = re.compile(r"\x1b\[([\d;]*)m")
_COLOURS = {"31": "#ff7b72", "32": "#7ee787", "33": "#e3b341", "34": "#79c0ff", "35": "#d2a8ff", "36": "#76e3ea"}


def printed() -> list[str]:
    """The lines of a real run, with their colours; the summary, which has a time in it, is left out."""
    with TemporaryDirectory() as folder:
        shop = Path(folder, "shop")
        shop.mkdir()
        for name, text in (("__init__", ""), ("models", MODELS), ("views", VIEWS)):
            (shop / f"{name}.py").write_text(text, encoding="utf-8")
        Path(folder, "pyproject.toml").write_text("[tool.slowpath]\n", encoding="utf-8")
        plain = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "CI")}
        ended = subprocess.run(
            [sys.executable, "-m", "slowpath", "check", "--no-cache"],
            cwd=folder,
            env={**plain, "FORCE_COLOR": "1", "COLUMNS": str(COLUMNS), "PYTHONUTF8": "1"},
            check=False,
            capture_output=True,
            text=True,
            encoding="utf-8",
        )
    if ended.returncode != 1:
        raise SystemExit(f"slowpath ended with {ended.returncode}: {ended.stderr}")
    return ended.stdout.rstrip().splitlines()[:-1]


def drawn(lines: list[str]) -> str:
    """The lines as a picture of a terminal."""
    shown = ["$ slowpath check", *lines]
    while not shown[-1]:
        shown.pop()
    longest = max(len(_PAINT.sub("", line)) for line in shown)
    width, height = longest * _CELL + 2 * _MARGIN, len(shown) * _LINE + 2 * _MARGIN
    rows = [
        f'<text x="{_MARGIN}" y="{_MARGIN + _LINE * number - 5}" xml:space="preserve">{_row(line)}</text>'
        for number, line in enumerate(shown, start=1)
    ]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height}" role="img" '
        'aria-label="slowpath check reports a query per order" '
        'font-family="ui-monospace, Menlo, Consolas, monospace" font-size="14" fill="#e6edf3">'
    )
    return "\n".join([head, f'<rect width="{width:g}" height="{height}" rx="10" fill="#0d1117"/>', *rows, "</svg>", ""])


def _row(line: str) -> str:
    """Pieces of one look each, as wide as their cells whatever the font."""
    pieces, style, column = [], "", 0
    # Text and the codes before it take turns.
    for number, piece in enumerate(_PAINT.split(line)):
        if number % 2:
            style = "" if piece in ("", "0") else _style(piece)
        elif piece:
            place = f'x="{_MARGIN + column * _CELL:g}" textLength="{len(piece) * _CELL:g}"'
            pieces.append(f"<tspan {place}{style}>{escape(piece, quote=False)}</tspan>")
            column += len(piece)
    return "".join(pieces)


def _style(codes: str) -> str:
    look = ""
    for code in codes.split(";"):
        look += ' font-weight="bold"' if code == "1" else ' opacity="0.6"' if code == "2" else ""
        look += f' fill="{_COLOURS[code]}"' if code in _COLOURS else ""
    return look


def main() -> int:
    """Draws, or compares."""
    picture = drawn(printed())
    if "--check" in sys.argv[1:]:
        same = picture == PICTURE.read_text(encoding="utf-8")
        if not same:
            print("docs/finding.svg is out of date; run scripts/screenshot.py", file=sys.stderr)
        return 0 if same else 1
    PICTURE.write_text(picture, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
