"""`slowpath config`: which settings apply, and where they come from."""

from __future__ import annotations

import json
import os
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from slowpath.cli.arguments import CLEAN, Answer, Place, path_from, place_of
from slowpath.config import KEYS, Settings, in_path, settings_of, tables_of

if TYPE_CHECKING:
    from slowpath.cli.arguments import Commands


def add_to(commands: Commands) -> None:
    """The command and its options."""
    what = "show which settings apply, and where they come from"
    parser = commands.add_parser("config", help=what, description=f"{what.capitalize()}.", allow_abbrev=False)
    parser.set_defaults(answer=_config)
    parser.add_argument("path", nargs="?", default=".", metavar="PATH", help="the file or folder that they apply to")


def _config(options: Namespace) -> Answer:
    place = place_of([options.path])
    return Answer(_lines(place, settings_of(place.root)), CLEAN)


def _lines(place: Place, settings: Settings) -> Iterator[str]:
    path_of = path_from(Path.cwd(), place.root)
    yield f"# the project in {path_of('')}"
    local = in_path(settings, place.targets[0]) if place.targets[0] else settings
    values, here = msgspec.to_builtins(settings), msgspec.to_builtins(local)
    tables = [(path_of(str(file)), table) for file, table in tables_of(place.root)]
    for key in KEYS:
        sources = [file for file, table in tables if key in table]
        if key not in ("severity", "knowledge", "overrides"):
            del sources[1:]
        if here[key] != values[key]:
            sources.append("overrides")
        yield f"{key} = {_spelled(here[key])}  # {', '.join(sources) or 'default'}"
    if named := os.environ.get("SLOWPATH_CACHE_DIR"):
        yield f"# SLOWPATH_CACHE_DIR={named} goes before cache-dir"


def _spelled(value: object) -> str:
    """The value as TOML writes it."""
    if isinstance(value, dict):
        said = {json.dumps(key, ensure_ascii=False): each for key, each in value.items() if each is not None}
        inner = ", ".join(f"{key} = {_spelled(each)}" for key, each in said.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_spelled, value))}]"
    return json.dumps(value, ensure_ascii=False)
