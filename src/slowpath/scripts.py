"""Files in SQL and templates, as files that declare one function: what it does is what the file says."""

from __future__ import annotations

import re

from slowpath.declarations import Declarations, FunctionDeclaration
from slowpath.sketching import Sketch
from slowpath.source import Source, digest_of
from slowpath.templates import is_template, keeps_fragments

SCRIPT = "<script>"
"""The name of the function that stands for all of the file."""

# `schema.sql`, and `schema.sql.postgres` beside `schema.sql.sqlite`.
_NAMED = re.compile(r".+\.sql(?:\.[a-z]+)?")
_DEFINES = re.compile(r"\b(?:create\s+(?:\w+\s+)*?(?:table|index)|(?:alter|drop)\s+(?:table|index))\b", re.IGNORECASE)


def is_script(path: str) -> bool:
    """Whether a file of this name is in SQL, or a template."""
    if path.endswith(".py"):
        return False
    return is_template(path) or _NAMED.fullmatch(path.rpartition("/")[2]) is not None


def is_of_interest(declared: Declarations) -> bool:
    """Whether a file in SQL makes or changes tables, or a template keeps something."""
    return is_script(declared.path) and declared.functions[0].sketch.sql


def script(source: Source) -> Declarations:
    """The file's declarations: a function that says something in SQL, if the file makes or changes tables; one that
    says something, if a template keeps fragments."""
    says = keeps_fragments(source) if is_template(source.path) else _DEFINES.search(source.text) is not None
    sketch = Sketch((), (), loops=False, awaits=False, yields=False, sql=says)
    end = source.text.count("\n") + 1
    whole = FunctionDeclaration(
        SCRIPT, SCRIPT, 1, end, 1, False, (), None, (), owner="", nested_in="", sketch=sketch, digest=source.digest
    )
    # What it says changes no name in the project.
    fingerprint = digest_of(source.path)
    return Declarations(source.path, source.digest, fingerprint, (), (), (whole,), (), (), None)
