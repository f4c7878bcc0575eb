"""Writes the JSON schema of `[tool.slowpath]` into the package; with `--check`, says whether it is out of date."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import msgspec

from slowpath.config import MEANINGS, Settings

FILE = Path(__file__).resolve().parent.parent / "src" / "slowpath" / "settings.schema.json"


def schema() -> dict[str, object]:
    """The schema, as `config` has the settings."""
    _, parts = msgspec.json.schema_components(
        [Settings], ref_template="#/$defs/{name}", schema_hook=lambda kind: {"description": "Anything."}
    )
    table = parts.pop("Settings")
    for key, meaning in MEANINGS.items():
        table["properties"][key]["description"] = meaning
    table["description"] = "The settings of slowpath, `[tool.slowpath]` in pyproject.toml."
    table["additionalProperties"] = False
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://slowpath.dev/settings.schema.json",
        "title": "slowpath",
        **table,
        "$defs": parts,
    }


def text() -> str:
    """What the file should hold."""
    return json.dumps(schema(), indent=2) + "\n"


def main() -> int:
    """Writes it, or says that it should be written."""
    if "--check" not in sys.argv[1:]:
        FILE.write_text(text(), encoding="utf-8")
        return 0
    if FILE.read_text(encoding="utf-8") == text():
        return 0
    print("src/slowpath/settings.schema.json is out of date; run scripts/schema.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
