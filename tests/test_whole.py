"""Rules that judge the whole project: by the facts that functions show, and by the schema alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from slowpath import analysis, engine, processes
from slowpath.config import Settings
from slowpath.expression import at_of
from slowpath.facts import Deletes, only
from slowpath.rules import Mark, Problem, Rule, Whole
from slowpath.source import Place
from slowpath.workload import deletions
from slowpath.workspace import Report, run

ALL = Settings(select=("ALL",))

MODELS = """\
from django.db import models


class Order(models.Model):
    paid = models.BooleanField()


class Line(models.Model):
    order = models.ForeignKey(Order, on_delete=models.CASCADE)
"""
VIEWS = """\
from shop.models import Line, Order


def clean_up():
    Order.objects.filter(paid=False).delete()


def forget(line: Line):
    line.delete()


def show():
    return [line.order_id for line in Line.objects.all()]
"""


def by_facts(whole: Whole) -> Iterator[Problem]:
    """One problem for each model of which rows are deleted, at the first deletion."""
    deletions = list(only(Deletes, whole.facts))
    for model in sorted({fact.model for fact in deletions}):
        places = [fact.place for fact in deletions if fact.model == model]
        yield Problem(places[0], f"{whole.schema.label(model)} is deleted {len(places)} times", (model,), "")


def by_schema(whole: Whole) -> Iterator[Problem]:
    """One problem for each relation, with a line of another file for its evidence."""
    for model in whole.schema.models.values():
        module = model.name.rpartition(".")[0]
        for relation in model.relations if module in whole.project.modules else ():
            if relation.column:
                marks = (Mark(Place("schema.sql", "", at_of(2, 5)), "made here"),)
                place = Place(module, "", at_of(relation.line, 5))
                yield Problem(place, f"{relation.name} is a key", (model.name, relation.name), "", marks)


def in_sql(whole: Whole) -> Iterator[Problem]:
    """A problem in a file that is no module."""
    yield Problem(Place("migrations/schema.sql", "", at_of(2, 3)), "a table", ("table",), "")


def crashes(whole: Whole) -> Iterator[Problem]:
    """A rule with a defect."""
    raise ValueError(f"{len(list(only(Deletes, whole.facts)))} facts are too many")


RULES = (
    Rule("SLO998", None, since="0", name="deleted", collect=deletions, judge=by_facts),
    Rule("SLO999", None, since="0", name="keyed", judge=by_schema),
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "shop" / "migrations").mkdir(parents=True)
    (tmp_path / "shop" / "models.py").write_text(MODELS, encoding="utf-8")
    (tmp_path / "shop" / "views.py").write_text(VIEWS, encoding="utf-8")
    (tmp_path / "migrations").mkdir()
    for path in ("schema.sql", "migrations/schema.sql"):
        (tmp_path / path).write_text("CREATE TABLE t (\n  id int\n);\n", encoding="utf-8")
    return tmp_path


def use(monkeypatch: pytest.MonkeyPatch, *rules: Rule) -> None:
    monkeypatch.setattr(analysis, "load", lambda: rules)


def fresh(root: Path, settings: Settings = ALL) -> Report:
    return run(root, settings, [""], cache=False, jobs=1)


def said(report: Report) -> list[tuple[str, int, str]]:
    return [(finding.path, finding.span.line, finding.message) for finding in report.findings]


def test_the_whole_is_judged_by_facts_and_by_the_schema(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, *RULES)
    report = fresh(root)
    assert said(report) == [
        ("shop/models.py", 9, "order is a key"),
        ("shop/views.py", 5, "Order is deleted 1 times"),
        ("shop/views.py", 9, "Line is deleted 1 times"),
    ]
    assert [(step.path, step.span.line) for step in report.findings[0].related] == [("schema.sql", 2)]
    assert [finding.function for finding in report.findings] == ["", "clean_up", "forget"]
    assert not report.skipped


def test_facts_are_remembered_with_their_function(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, *RULES)
    first = run(root, ALL, [""], cache=True, jobs=1)
    asked: list[str] = []
    check = engine.check
    monkeypatch.setattr(
        engine,
        "check",
        lambda program, rules, refs: asked.extend(r.qualname for r in refs) or check(program, rules, refs),
    )
    edited = VIEWS.replace("return [", "return 0, [").replace("from shop", "\nfrom shop")
    (root / "shop" / "views.py").write_text(edited, encoding="utf-8")
    second = run(root, ALL, [""], cache=True, jobs=1)
    assert asked == ["show"]
    assert second == fresh(root)
    assert [line for _, line, _ in said(second)] == [9, 6, 10]
    assert [finding.fingerprint for finding in second.findings] == [finding.fingerprint for finding in first.findings]


def test_new_rows_are_made_together_and_old_ones_changed_together(root: Path) -> None:
    (root / "shop/views.py").write_text(
        "from shop.models import Line, Order\n\n\n"
        "def make(orders):\n    for order in orders:\n        line = Line(order=order)\n        line.save()\n\n\n"
        "def pay():\n    for order in Order.objects.all():\n        order.paid = True\n        order.save()\n",
        encoding="utf-8",
    )
    found = run(root, Settings(select=("SLO103",)), [""], cache=False, jobs=1).findings
    assert [finding.help.rpartition("with ")[2] for finding in found] == ["`bulk_create`", "`bulk_update`"]


def test_jobs_change_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, *RULES)
    monkeypatch.setattr(processes, "_FEW", 1)
    assert run(root, ALL, [""], cache=False, jobs=2) == fresh(root)


def test_comments_silence_what_is_said_of_a_module_or_of_sql(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, RULES[1], Rule("SLO997", None, since="0", name="tables", judge=in_sql, roles=("migration",)))
    assert [path for path, _, _ in said(fresh(root))] == ["migrations/schema.sql", "shop/models.py"]
    silent = MODELS.replace("CASCADE)", "CASCADE)  # noqa: SLO999")
    (root / "shop" / "models.py").write_text(silent, encoding="utf-8")
    sql = "-- slowpath: allow[tables] as old as the hills\n  id int\n"
    (root / "migrations" / "schema.sql").write_text(sql, encoding="utf-8")
    report = fresh(root)
    assert not report.findings
    assert report.suppressed == 2


def test_a_rule_speaks_of_the_roles_that_are_its_own(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Rule("SLO997", None, since="0", name="tables", judge=in_sql))
    assert not fresh(root).findings
    assert len(fresh(root, Settings(include_roles=("migration",))).findings) == 1


def test_a_crash_of_one_rule_leaves_the_others_alone(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Rule("SLO990", None, since="0", name="broken", judge=crashes), *RULES)
    report = fresh(root)
    assert len(report.findings) == 3
    (skipped,) = report.skipped
    assert (skipped.code, skipped.path) == ("SLO002", ".")
    assert "SLO990 broken: ValueError: 2 facts are too many" in skipped.reason
