"""SQL text made fit for a parser: split into statements, with a name in place of every hole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

HoleKind = Literal["value", "identifier", "clause", "unknown"]

_HOLES: dict[HoleKind, str] = {"value": "\ue000", "identifier": "\ue001", "clause": "\ue002", "unknown": "\ue003"}

MARK = "hole__"
"""What stands for a hole in the text that a parser sees."""

Kind = Literal["comment", "string", "quoted", "hole", "parameter", "word", "number", "space", "other"]

_TOKEN = re.compile(
    r"""
    (?P<comment>--[^\n]*|/\*.*?(?:\*/|\Z)|^\\[a-z][^\n]*)
  | (?P<string>'\\'(?=[\s),;]|\Z)|'(?:[^'\\]|''|\\.)*'|(?P<dollar>\$[A-Za-z_]*\$).*?(?P=dollar))
  | (?P<quoted>"(?:[^"]|"")*"|`[^`]*`|\[[A-Za-z_]\w*\])
  | (?P<hole>[\ue000-\ue003]|\$?\{\{?[^{}'";]{0,80}\}?\}|\{%[^{}]{0,200}%\}|\$%\w+%\$|@@?[A-Z_]{3,}@@?)
  | (?P<parameter>%\(\w+\)s|%[sbdi](?!\w)|%%)
  | (?P<word>[^\W\d][\w$]*)
  | (?P<number>\d[\w.]*)
  | (?P<space>\s+)
  | (?P<other>::|:=|<=|>=|<>|!=|.)
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)

_NAMES_TABLE = frozenset({"FROM", "JOIN", "INTO", "UPDATE", "TABLE", "ONLY", "INDEX", "VIEW", "EXISTS"})
_EXPECTS = _NAMES_TABLE | {"WHERE", "AND", "OR", "NOT", "HAVING", "ON", "WHEN", "THEN", "ELSE", "CASE", "SELECT"}
_EXPECTS |= {"DISTINCT", "RETURNING", "SET", "BY", "IN", "LIKE", "ILIKE", "LIMIT", "OFFSET", "VALUES", "BETWEEN", "IS"}
_EXPECTS |= {"USING", "AS", "CONSTRAINT", "COLUMN", "ADD", "DROP", "ALTER", "TO", "RENAME", "INTERVAL", "ALL", "ANY"}
_EXPECTS |= {"REFERENCES", "KEY", "COLLATE"}
_ENDS_EARLY = re.compile(
    r"(?:\b(?:WHERE|AND|OR|NOT|HAVING|ON|SET|IN|BY|VALUES|UNION|ALL|LIMIT|OFFSET|LIKE|USING|RETURNING|ORDER|GROUP|JOIN"
    r"|LEFT|INNER|OUTER|AS|BETWEEN|FROM|INTO)|[,=<>+(*/.-])\s*\Z",
    re.IGNORECASE,
)
_COMPARES = re.compile(r"(?:\bIN\s*\(?|[=<>]|\bI?LIKE)\s*\Z", re.IGNORECASE)
_MADE_OF_STATEMENTS = re.compile(r"\s*CREATE\b.{0,60}?\b(?:TRIGGER|PROCEDURE|FUNCTION)\b", re.IGNORECASE | re.DOTALL)
_COPY = re.compile(r"^COPY [^;]*FROM stdin;.*?^\\\.$", re.MULTILINE | re.DOTALL | re.IGNORECASE)


class Piece(Struct, frozen=True):
    """One statement, ready to be parsed, from this line of the text on.

    `open` when it went on after what is written, `templated` when it had a hole anywhere.
    """

    text: str
    line: int
    open: bool
    templated: bool


def hole(kind: HoleKind = "unknown") -> str:
    """What to write into SQL text where something stands that is not known: a value, a name, or part of a clause."""
    return _HOLES[kind]


def pieces(text: str, *, joined: str = "") -> Iterator[Piece]:
    """The statements of the text. What dangles (a hole after a finished condition) becomes `joined`."""
    if "stdin" in text:
        text = _COPY.sub(lambda found: "\n" * found[0].count("\n"), text)
    writer = _Writer(joined)
    line = 1
    for kind, part in _parted(text):
        if kind == "other" and part == ";" and writer.ends_here():
            yield from writer.piece()
            writer = _Writer(joined)
        else:
            writer.take(kind, part, line)
        line += part.count("\n")
    yield from writer.piece()


def _parted(text: str) -> list[tuple[Kind, str]]:
    return [(found.lastgroup, found[0]) for found in _TOKEN.finditer(text)]  # type: ignore[misc]


class _Writer:
    """One statement, part by part."""

    def __init__(self, joined: str) -> None:
        self._joined = joined
        self._parts: list[str] = []
        self._line = 0
        self._last = ""
        self._last_kind = ""
        self._touching = False
        self._depth = 0
        self._blocks = 0
        self._waiting = False
        self._open = False
        self._templated = False

    def take(self, kind: Kind, part: str, line: int) -> None:
        """Write the part as a parser can read it."""
        if kind in ("comment", "space"):
            self._parts.append("\n" * part.count("\n") or " ")
            self._touching = False
            return
        if not self._line:
            # Lines before the first word do not count.
            self._parts.clear()
            self._line = line
        if kind == "hole" or (kind == "parameter" and part != "%%"):
            self._hole(kind, part)
            return
        if self._waiting:
            self._settle(kind, part)
        if part == "?" and self._is_expected():
            # Elsewhere it is an operator, of JSON.
            kind, part = "number", ":p"
        if kind == "string" and any(mark in part for mark in _HOLES.values()):
            self._templated = True
            part = re.sub("[\ue000-\ue003]", MARK, part)
        self._write("%" if part == "%%" else part, kind)

    def _write(self, part: str, kind: Kind) -> None:
        self._parts.append(part.replace("%%", "%") if kind == "string" else part)
        self._depth += (part == "(") - (part == ")") if kind == "other" else 0
        self._last = part.upper() if kind in ("word", "other") else kind
        self._last_kind = kind
        self._blocks += (self._last in ("BEGIN", "CASE")) - (self._last == "END")
        self._touching = True

    def _hole(self, kind: Kind, part: str) -> None:
        if kind == "parameter" and self._is_expected():
            written = MARK if self._last in _NAMES_TABLE else ":p"
            self._write(f"({written})" if self._last in ("IN", "VALUES") else written, "number")
            return
        self._templated = True
        if "PRIMARY_KEY" in part:
            self._write("INTEGER PRIMARY KEY", "number")
        elif self._touching and self._last_kind == "word":
            self._write(MARK, "word")
        elif part in (_HOLES["value"], _HOLES["identifier"]) or self._is_expected():
            written = ":p" if part == _HOLES["value"] and self._last not in _NAMES_TABLE else MARK
            self._write(f"({written})" if self._last in ("IN", "VALUES") else written, "number")
        else:
            self._waiting = True

    def _is_expected(self) -> bool:
        """Whether a name or a value has to follow what is written."""
        return not self._last or self._last in _EXPECTS or (self._last_kind == "other" and self._last not in ")]")

    def _settle(self, kind: Kind, part: str) -> None:
        """What a hole after something finished was, now that what follows is known."""
        self._waiting = False
        if kind == "other" and part in ("=", "<", ">", "<=", ">=", ".", "("):
            self._write(MARK, "number")
        else:
            self._open = True
            if self._joined:
                self._write(self._joined, "other")

    def ends_here(self) -> bool:
        """Whether a semicolon ends the statement: not in the body of a trigger or a function."""
        return self._blocks <= 0 or _MADE_OF_STATEMENTS.match("".join(self._parts[:40])) is None

    def piece(self) -> Iterator[Piece]:
        """The statement, if anything was written."""
        text = "".join(self._parts).rstrip()
        if not self._line or not text:
            return
        is_open = self._open or self._waiting
        if (cut := _COMPARES.search(text)) is not None:
            # A comparison stays one.
            is_open = True
            text += ":p" if cut[0].endswith("(") else " (:p)" if cut[0].upper().startswith("IN") else " :p"
        while (found := _ENDS_EARLY.search(text)) is not None and len(text) > len(found[0]):
            if found[0].strip() == "*":
                break
            is_open = True
            text = text[: found.start()].rstrip()
            self._depth -= found[0].strip() == "("
        if self._depth > 0:
            is_open = True
            text += ")" * self._depth
        yield Piece(text, self._line, is_open, self._templated)
