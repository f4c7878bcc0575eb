"""Twelve ways to acquire a connection in fifteen shapes of use: right in every cell."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from connection_matrix import SHAPES, WAYS, WORLD, Way, module_of
from markers import differences, marks_in
from msgspec.structs import replace

from slowpath.config import settings_of
from slowpath.workspace import run


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_every_shape(way: Way, tmp_path: Path) -> None:
    text = module_of(way, "url")
    (tmp_path / "world.py").write_text(WORLD, encoding="utf-8")
    (tmp_path / "cells.py").write_text(text, encoding="utf-8")
    settings = replace(settings_of(tmp_path), select=("SLO201",), confidence="low")
    report = run(tmp_path, settings, [""], cache=False, jobs=1, progress=None)
    found = Counter((finding.span.line, finding.name) for finding in report.findings if finding.path == "cells.py")
    lines = text.splitlines()
    wrong = [f"{line}: {lines[line - 1].strip()}: {said}" for line, said in differences(marks_in(text), found)]
    assert not wrong, "\n".join(wrong)


def test_there_are_as_many_as_promised() -> None:
    assert (len(WAYS), len(SHAPES)) == (12, 15)
