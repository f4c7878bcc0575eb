"""The SQL pass: text with holes to what it asks of which tables.

`Reader.read` gives the statements of a text (`sql.statements`), each text read once. A hole in the text is written as
`hole(kind)`: `f"SELECT * FROM {table} WHERE id = %s"` is `f"SELECT * FROM {hole('identifier')} WHERE id = %s"`, and
where nothing is known of what stands there, `hole()`. Placeholders of all drivers are understood: `%s`, `%(name)s`,
`:name`, `$1`, `?`. sqlglot is imported with the first text.
"""

from __future__ import annotations

import re

from slowpath.source import digest_of
from slowpath.sql.statements import Parsed
from slowpath.sql.text import HoleKind as HoleKind
from slowpath.sql.text import hole as hole

# Prose may begin with `select` or `update`, so what has to follow is looked at as well; shouting is not prose.
_LOOKS = re.compile(
    r"""
    (?:\s|\(|--[^\n]*\n|/\*.*?\*/|BEGIN\s*;)*
    (?:
        (?i:with)\s+(?i:recursive\s+)?[\w"`]+\s*(?:\([^()]*\)\s*)?(?i:as)\s+(?:(?i:not\s+)?(?i:materialized)\s*)?\(
      | (?:SELECT|select)\s(?!\s*(?i:an?|the|your|all\s+the|one|from)\s+\w+\s+(?i:from|to|in|of)\s+(?i:the|an?)\b)
      | (?i:insert\s+(?:or\s+\w+\s+|ignore\s+|overwrite\s+)?into)\s+\S+\s*(?:\(|(?i:values|select|default|with)|AS\b)
      | (?i:replace\s+into)\s+\S+\s*(?:\(|(?i:values|select))
      | (?i:update)\s+(?:(?i:only)\s+)?\S+(?:\s+(?i:as\s+)?\w+)?\s+(?i:set)\s
      | (?:DELETE|delete)\s+(?:FROM|from)\s+\S+(?:\s*;|\s+(?:(?i:as)\s+)?(?:\w+\s+)?(?i:where|using|returning|limit))
      | (?:DELETE|delete)\s+(?:FROM|from)\s+\S+\s*\Z
      | (?i:merge\s+into)\s+\S+
      | (?i:create|alter|drop|truncate)\s+(?i:or\s+replace\s+)?
        (?:(?i:unique|temp|temporary|unlogged|materialized|virtual|fulltext|foreign)\s+)*
        (?i:table|index|view|sequence|extension|schema|type|function|procedure|trigger|database)\s
      | (?:PRAGMA|VACUUM|ANALYZE|REINDEX|EXPLAIN|LOCK\s+TABLE|SET\s+(?:LOCAL|SESSION)|COPY|TRUNCATE)\s
    )
    """,
    re.VERBOSE | re.DOTALL,
)
_SELECTS = re.compile(r"\b(?:FROM|from)\b|^\s*\(*\s*(?:SELECT|select)\s+[\w.]+\s*\(|\A\s*(?:SELECT|select)\s+[\d'?:$%]")


def looks_like_sql(text: str) -> bool:
    """Whether the text is a statement, or the beginning of one, rather than prose."""
    found = _LOOKS.match(text)
    if found is None:
        return False
    if found[0].rstrip().upper().endswith("SELECT"):
        return _SELECTS.search(text) is not None
    return True


class Reader:
    """Reads each text once; `dialect` (`postgresql`, `mysql`, `sqlite`, …) is tried before the others."""

    def __init__(self, dialect: str = "") -> None:
        self._dialect = dialect
        self._read: dict[str, Parsed] = {}

    def read(self, text: str) -> Parsed:
        """The statements of the text. Nothing here raises: what cannot be read is among the failures."""
        return self._known(text, schema_only=False)

    def changes(self, text: str) -> Parsed:
        """The statements of the text that change the schema; the others are not looked at."""
        return self._known(text, schema_only=True)

    def _known(self, text: str, *, schema_only: bool) -> Parsed:
        key = digest_of(f"{schema_only}{text}")
        if key not in self._read:
            from slowpath.sql.parsing import parse

            self._read[key] = parse(text, self._dialect, schema_only=schema_only)
        return self._read[key]
