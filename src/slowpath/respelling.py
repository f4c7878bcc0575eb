"""Newer syntax as older Pythons spell it: a project is often written for a newer Python than the one we run on.

Nothing is parsed: tokens are enough. What only type checkers need is blanked out (type parameters); what has an older
spelling gets it (`type X = …`, `except A, B`, `except*`, `tuple[*Ts]`); and a string with something in its holes that
older Pythons do not accept there becomes a list of its holes.
"""

from __future__ import annotations

import re
from keyword import iskeyword

_TOKEN = re.compile(
    r"""(?P<space>[ \t\f]+|\\\r?\n)|(?P<comment>\#[^\r\n]*)|(?P<line>\r\n|\r|\n)
    |(?P<string>(?P<prefix>(?i:[rbu]|[ft]r?|r[ftb]|br)?)(?P<quote>'''|\"{3}|'|"))|(?P<word>\w+)|(?P<mark>.)""",
    re.VERBOSE,
)
_PARAMETERS = re.compile(r"[ \t]+\w+[ \t]*(?=\[)")
_ALIAS = re.compile(r"[ \t]+(\w+)[ \t]*(?=\[|=(?!=))")
# What may stand between the code in a hole and its format: `=`, `!r`.
_CONVERSION = re.compile(r"\s*=?\s*(?:!\s*\w+\s*)?(?=[:}])")
_NAMED_CHARACTER = re.compile(r"\\N\{[^}]*\}")
_PLAIN = {quote: re.compile(rf"(?:\\.|(?!{quote})[^\\])*{quote}", re.DOTALL) for quote in ("'''", '"""')} | {
    quote: re.compile(rf"(?:\\(?:\r\n|.)|[^\\\r\n{quote}])*{quote}", re.DOTALL) for quote in ("'", '"')
}
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_NEWLINES = ("\n", "\r")


def respelled(text: str) -> str:
    """The text in an older spelling, with every line and every byte of what remains at its place; the same text when
    there is nothing to respell, or when its brackets and quotes do not match."""
    spelling = _Spelling(text)
    try:
        spelling.code(0)
    except _UnfinishedError:
        return text
    return "".join(spelling.new)


class _UnfinishedError(Exception):
    """A bracket or a quote that nothing closes."""


class _String:
    """A string: where it starts, where its first quote is, where it ends, and the code in its holes."""

    def __init__(self, start: int, opening: int) -> None:
        self.start = start
        self.opening = opening
        self.end = opening
        self.holes: list[tuple[int, int]] = []
        self.is_newer = False


class _Spelling:
    """A text that is being respelled, character by character."""

    def __init__(self, text: str) -> None:
        self.old = text
        self.new = list(text)

    def code(self, at: int, close: str = "", *, hole: bool = False, index: bool = False) -> int:
        """Respell the code from here to the bracket that closes it (without one, to the end); the place of the bracket.
        What stands in the `hole` of a string ends with its format too; `index` is for what stands behind a value."""
        strings: list[_String] = []
        before = ""
        handles = False
        while token := _TOKEN.match(self.old, at):
            kind, word, end = token.lastgroup, token[0], token.end()
            if kind == "string":
                strings.append(self._string(token))
                at, before = strings[-1].end, word[-1]
                continue
            if kind in ("space", "comment") or (kind == "line" and close):
                at = end
                continue
            self._settle(strings)
            strings = []
            if word == close or (hole and self._ends_hole(word, at)):
                return at
            if word in _CLOSING:
                word = _CLOSING[word]
                end = self.code(end, word, index=word == "]" and _is_value(before)) + 1
            elif kind == "word":
                handles = handles or word == "except"
                end = self._word(word, at, end, begins=not close and before in ("", "\n", "\r", "\r\n", ";", ":"))
            elif word == "*" and (before == "except" or _is_unpacking(before, close, index=index)):
                self._blank(at, end)
            elif handles:
                self.new[at] = "|" if word == "," else word
                handles = word != ":"
            at, before = end, word
        self._settle(strings)
        if close:
            raise _UnfinishedError
        return at

    def _ends_hole(self, mark: str, at: int) -> bool:
        return mark == ":" or (mark in ("=", "!") and _CONVERSION.match(self.old, at) is not None)

    def _word(self, word: str, at: int, end: int, *, begins: bool) -> int:
        """Respell the type parameters of a definition, and an alias that begins here; where they end."""
        if word in ("class", "def") and (named := _PARAMETERS.match(self.old, end)):
            return self._type_parameters(named.end())
        if begins and word == "type" and (named := _ALIAS.match(self.old, end)):
            end = named.end()
            after = self._type_parameters(end) if self.old[end] == "[" else end
            name = named[1]
            self.new[at : named.end(1)] = [*name, *" " * (named.end(1) - at - len(name))]
            return after
        return end

    def _type_parameters(self, start: int) -> int:
        """Blank out a bracket, and continue its lines; where it ends."""
        end = self.code(start + 1, "]") + 1
        self._blank(start, end)
        for at in range(start, end):
            if self.old[at] in _NEWLINES and self.old[at - 1] not in _NEWLINES:
                self.new[at - 1] = self.new[at - 1][:-1] + "\\"
        return end

    def _string(self, token: re.Match[str]) -> _String:
        prefix, quote = token["prefix"].lower(), token["quote"]
        string = _String(token.start(), token.end() - len(quote))
        if "f" in prefix or "t" in prefix:
            string.is_newer = "t" in prefix
            string.end = self._literal(token.end(), quote, string, raw="r" in prefix) + len(quote)
        elif plain := _PLAIN[quote].match(self.old, token.end()):
            string.end = plain.end()
        else:
            raise _UnfinishedError
        return string

    def _literal(self, at: int, quote: str, string: _String, *, raw: bool, is_format: bool = False) -> int:
        """Go through the text between holes; the place of what ends it: the quote, or in a format the bracket."""
        old = self.old
        while at < len(old):
            if old.startswith("}" if is_format else quote, at):
                return at
            if old[at] == "{" and (is_format or not old.startswith("{{", at)):
                at = self._hole(at + 1, quote, string, raw=raw)
            elif old[at] == "\\":
                named = None if raw else _NAMED_CHARACTER.match(old, at)
                at = named.end() if named else at + 1 + (old[at + 1 : at + 2] not in ("{", "}"))
            elif old[at] == "\n" and len(quote) == 1 and old[at - 1] != "\r":
                break
            else:
                at += 2 if old.startswith("{{", at) else 1
        raise _UnfinishedError

    def _hole(self, at: int, quote: str, string: _String, *, raw: bool) -> int:
        """Respell the code in a hole, and in those of its format; where the hole ends."""
        end = self.code(at, "}", hole=True)
        string.holes.append((at, end))
        code = self.old[at:end]
        string.is_newer |= quote in code or "\\" in code or "#" in code or (len(quote) == 1 and "\n" in code)
        conversion = _CONVERSION.match(self.old, end)
        after = conversion.end() if conversion else end
        if self.old[after] == ":":
            after = self._literal(after + 1, quote, string, raw=raw, is_format=True)
        return after + 1

    def _settle(self, strings: list[_String]) -> None:
        """Make a list of the holes of strings that stand one after another, if older Pythons need it."""
        if not any(string.is_newer for string in strings):
            return
        for string in strings:
            at = string.start
            for start, end in string.holes:
                self._blank(at, start)
                self.new[end] = ","
                at = end + 1
            self._blank(at, string.end)
        self.new[strings[0].opening] = "["
        self.new[strings[-1].end - 1] = "]"

    def _blank(self, start: int, end: int) -> None:
        """Spaces instead of these characters, as many as they have bytes."""
        for at in range(start, end):
            if self.new[at] not in _NEWLINES:
                self.new[at] = " " * len(self.old[at].encode("utf-8", "surrogatepass"))


def _is_value(before: str) -> bool:
    """Whether a bracket behind this token is an index."""
    return before in (")", "]", "}", "'", '"') or (before.isidentifier() and not iskeyword(before))


def _is_unpacking(before: str, close: str, *, index: bool) -> bool:
    """Whether a star behind this token unpacks types: `tuple[*Ts]`, `*args: *Ts`."""
    return (index and before in ("", ",")) or (close == ")" and before == ":")
