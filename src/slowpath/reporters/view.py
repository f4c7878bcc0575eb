"""Where a report is shown, and how text is made fit for it."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from msgspec import Struct

Paint = Literal["bold", "dim", "red", "yellow", "blue", "cyan", "green"]

_CODES: dict[Paint, int] = {"bold": 1, "dim": 2, "red": 31, "green": 32, "yellow": 33, "blue": 34, "cyan": 36}
_TAB = 4


class View(Struct, frozen=True):
    """How paths read from where the user stands, the lines of a file, and what the terminal can do.

    Paths in findings are relative to the root; `path_of` says what to print for one, and `checkout_path_of` what the
    place that keeps the repository calls it. `width` is in cells, and `seconds` is how long the run took.
    """

    path_of: Callable[[str], str]
    checkout_path_of: Callable[[str], str]
    lines_of: Callable[[str], Sequence[str]]
    width: int
    colour: bool
    seconds: float


def wants_colour(environment: Mapping[str, str], *, terminal: bool) -> bool:
    """Whether to write in colour: NO_COLOR and FORCE_COLOR have their say before the terminal has."""
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR"):
        return True
    return terminal and environment.get("TERM") != "dumb"


def painted(text: str, view: View, *paints: Paint) -> str:
    """The text in these colours, if the view has any."""
    if not view.colour or not text:
        return text
    return f"\x1b[{';'.join(str(_CODES[paint]) for paint in paints)}m{text}\x1b[0m"


def cells_of(text: str) -> list[str]:
    """What each cell of a terminal shows of a line: a wide character takes two, the second of them empty.

    Tabs become spaces; characters that would command the terminal or reorder the line become a mark.
    """
    if text.isascii() and text.isprintable():
        return list(text)
    cells: list[str] = []
    for character in text:
        if character == "\t":
            cells += " " * (_TAB - len(cells) % _TAB)
        elif unicodedata.combining(character) or character in "\u200d\ufe0e\ufe0f":
            cells[-1:] = [(cells[-1] if cells else " ") + character]
        elif unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
            cells.append("\N{REPLACEMENT CHARACTER}")
        elif unicodedata.east_asian_width(character) in "WF":
            cells += [character, ""]
        else:
            cells.append(character)
    return cells


def printable(text: str) -> str:
    """The text on one line, with nothing in it that would command the terminal."""
    return "".join(cells_of(" ".join(text.splitlines())))


def cropped(cells: Sequence[str], start: int, end: int) -> str:
    """The cells from start to end, with `…` for the first or last of them where something is left out."""
    left, right = max(start, 0), min(end, len(cells))
    first, last = left + (left > 0), right - (right < len(cells))
    inner = list(cells[first:last])
    # What is left of a wide character that was cut in two is a blank.
    if inner and inner[0] == "":
        inner[0] = " "
    if inner and last < len(cells) and cells[last] == "":
        inner[-1] = " "
    return "…" * (first > left) + "".join(inner) + "…" * (last < right)


def wrapped(text: str, width: int, indent: str) -> list[str]:
    """The text in lines of at most this width where it can be broken, all but the first indented."""
    return textwrap.wrap(
        printable(text),
        max(width, 30),
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
