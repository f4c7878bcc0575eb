"""Functions that all lead to each other are answered with a bounded number of readings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from slowpath.config import Settings
from slowpath.references import FunctionRef
from slowpath.semantics.effects import Summary
from slowpath.semantics.owning.walk import Walk
from slowpath.semantics.program import Program
from slowpath.workspace import run

METHOD = """
    def find_{name}(self, key):
        if key not in self._{name}:
            self._{name}[key] = self.find_{first}([key]), self.find_{second}({{key: self}}), self.find_{third}(key)
        return self._{name}[key]
"""

CHAIN = """
def open_{at}():
    connection = psycopg2.connect(dsn)
    try:
        return open_{first}() or open_{second}() or connection.cursor()
    finally:
        connection.close()
"""


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[FunctionRef]:
    """Every reading of a function, while the test runs."""
    found: list[FunctionRef] = []
    read_once = Program._read_once

    def counted(self: Program, ref: FunctionRef, *rest: Any) -> Summary:
        found.append(ref)
        return read_once(self, ref, *rest)

    monkeypatch.setattr(Program, "_read_once", counted)
    return found


def test_methods_that_fill_the_memos_of_each_other(tmp_path: Path, readings: list[FunctionRef]) -> None:
    names = "abcdefgh"
    memos = "".join(f"        self._{name} = {{}}\n" for name in names)
    methods = "".join(
        METHOD.format(name=name, first=names[at - 7], second=names[at - 6], third=names[at - 5])
        for at, name in enumerate(names)
    )
    (tmp_path / "index.py").write_text(
        f"from shop.models import Order\n\n\nclass Index:\n    def __init__(self):\n{memos}{methods}\n\n"
        "def show(index: Index):\n    return [index.find_a(order.pk) for order in Order.objects.all()]\n"
    )
    report = run(tmp_path, Settings(), [""], cache=False, jobs=1)
    assert len(readings) < 150
    assert report.skipped == ()


def test_functions_that_hand_each_other_what_they_were_given(tmp_path: Path, readings: list[FunctionRef]) -> None:
    count = 48
    steps = "".join(
        f"\n\ndef step_{at}(order, seen):\n    order.user\n"
        + "".join(f"    step_{(at + ahead) % count}(order, {{{ahead}: seen}})\n" for ahead in (1, 5, 7, 11, 13, 17))
        for at in range(count)
    )
    (tmp_path / "models.py").write_text(
        "from django.db import models\n\n\nclass User(models.Model):\n    pass\n\n\nclass Order(models.Model):\n"
        "    user = models.ForeignKey(User, on_delete=models.CASCADE)\n"
    )
    (tmp_path / "steps.py").write_text(
        f"from models import Order\n{steps}\n\ndef show():\n"
        "    for order in Order.objects.all():\n        step_0(order, [])\n"
    )
    report = run(tmp_path, Settings(), [""], cache=False, jobs=1)
    assert len(readings) < 2 * count
    assert report.skipped == ()
    assert [finding.code for finding in report.findings] == ["SLO101"]


def test_functions_that_acquire_and_call_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    count = 16
    functions = "".join(CHAIN.format(at=at, first=(at + 1) % count, second=(at + 2) % count) for at in range(count))
    (tmp_path / "chain.py").write_text(f"import psycopg2\n\ndsn = 'shop'\n{functions}")
    walks: list[FunctionRef] = []
    begin = Walk.__init__

    def counted(self: Walk, program: Program, ref: FunctionRef, *rest: Any, **more: Any) -> None:
        walks.append(ref)
        begin(self, program, ref, *rest, **more)

    monkeypatch.setattr(Walk, "__init__", counted)
    report = run(tmp_path, Settings(), [""], cache=False, jobs=1)
    assert len(walks) < 5 * count
    assert report.skipped == ()


def test_a_list_of_many_conditionals(tmp_path: Path) -> None:
    parts = ", ".join(f"{at} if random() < 0.5 or at > {at} else None" for at in range(40))
    (tmp_path / "many.py").write_text(
        "from random import random\n\nimport psycopg2\n\n\ndef insert(dsn, at):\n"
        f"    connection = psycopg2.connect(dsn)\n    connection.cursor().execute('INSERT', [{parts}])\n"
    )
    report = run(tmp_path, Settings(select=("SLO201",)), [""], cache=False, jobs=1)
    assert report.skipped == ()
    assert [finding.code for finding in report.findings] == ["SLO201"]
