"""A hook of mkdocs: puts the rules' pages into the navigation, in the order of their codes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

_CODE = re.compile(r"^# .*\((SLO\d+)\)$", re.MULTILINE)


def on_config(config: Any) -> Any:
    """The configuration with every rule below its index."""
    pages = {}
    for page in Path(config["docs_dir"], "rules").glob("*.md"):
        if code := _CODE.search(page.read_text(encoding="utf-8")):
            pages[code[1]] = f"rules/{page.name}"
    rules = next(section["Rules"] for section in config["nav"] if "Rules" in section)
    rules += [{f"{code} {Path(page).stem}": page} for code, page in sorted(pages.items())]
    return config
