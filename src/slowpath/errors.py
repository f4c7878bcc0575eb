"""What the user can put right, told in one sentence."""

from __future__ import annotations

import re
from collections.abc import Iterable

_PASSWORD = re.compile(r"(://[^/\s:@]*):\S*@")


class SlowpathError(Exception):
    """Something the user can mend; its text is one sentence that says where and how."""


class UsageError(SlowpathError):
    """Arguments of the command that cannot be followed."""


def without_passwords(text: str) -> str:
    """The text with no password in the URLs that it speaks of."""
    return _PASSWORD.sub(r"\1:***@", text)


def nearest(word: str, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown word: the known word that was probably meant, or all of a few."""
    # difflib is slow to import, and only errors need it.
    from difflib import get_close_matches

    words = sorted(known)
    if close := get_close_matches(word.lower(), words, n=1):
        return f"; did you mean `{close[0]}`?"
    if 0 < len(words) <= 6:
        return f"; write {' or '.join(f'`{each}`' for each in words)}"
    return ""
