"""A function's slice of its file: its lines verbatim, and the text that makes a module of them."""

from __future__ import annotations

import re
from collections.abc import Sequence

# LibCST's parser recurses in native code, where running out of stack ends the process. Measured: on 1 MB it does so
# from 110 nested brackets and 1,100 signs, on 8 MB from 6,400 links of `a.b.c`; and the time of a chain grows with its
# square (2 s for 3,200 links).
_LONGEST_CHAIN = 1_000
_DEEPEST_BRACKETS = 90
_SHORTEST_SUSPECT = 2_000

_TOKEN = re.compile(
    r"""(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<comma>,)|(?P<end>(?<!\\)\n)
    |(?P<comment>\#[^\n]*)
    |\"{3}(?:\\.|[^\\])*?\"{3}|'{3}(?:\\.|[^\\])*?'{3}|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'
    |\w+|[^\w\s]""",
    re.VERBOSE | re.DOTALL,
)


def slice_of(lines: Sequence[str], line: int, end_line: int) -> str:
    """The text of these lines (from 1, both inclusive), verbatim."""
    return "\n".join(lines[line - 1 : end_line])


def module_of(slice_text: str, column: int) -> str:
    """A module with the function as the only one in it, every line one below its place in the slice."""
    wrapper = "if 1:\n" if column > 1 else "\n"
    # The last line may continue into an empty one that is no part of the function.
    return f"{wrapper}{slice_text}\n\n" if slice_text.endswith("\\") else wrapper + slice_text


def is_too_deep(slice_text: str) -> bool:
    """Whether some expression is so long a chain that parsing it could exhaust the native stack, or never end."""
    if len(slice_text) < _SHORTEST_SUSPECT and sum(map(slice_text.count, "([{")) <= _DEEPEST_BRACKETS:
        return False
    if slice_text.count("elif") > _LONGEST_CHAIN or slice_text.count("lambda") > _LONGEST_CHAIN:
        return True
    return _has_long_chain(slice_text)


def _has_long_chain(slice_text: str) -> bool:
    """Whether too many brackets are open, or too many tokens since the last comma or line's end inside each of them."""
    counts = [0]
    total = 0
    for token in _TOKEN.finditer(slice_text):
        kind = token.lastgroup
        if kind is None or kind == "open":
            counts[-1] += 1
            total += 1
            if kind:
                counts.append(0)
            if total > _LONGEST_CHAIN or len(counts) > _DEEPEST_BRACKETS:
                return True
        elif kind == "close" and len(counts) > 1:
            total -= counts.pop()
        elif kind == "comma" or (kind == "end" and len(counts) == 1):
            total -= counts[-1]
            counts[-1] = 0
    return False
