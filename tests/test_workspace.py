"""Cache, jobs and edits change how long a run takes, and nothing else."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from projects import FIXTURES, shop_with_helpers_in

from slowpath import processes
from slowpath.config import Settings
from slowpath.workspace import Report, run, why

ALL = Settings(select=("ALL",))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return shop_with_helpers_in(tmp_path / "project")


def fresh(root: Path) -> Report:
    return run(root, ALL, [""], cache=False, jobs=1)


def test_the_cache_changes_nothing(root: Path) -> None:
    first = run(root, ALL, [""], cache=True, jobs=1)
    assert first.findings
    assert run(root, ALL, [""], cache=True, jobs=1) == first == fresh(root)


def test_jobs_change_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_FEW", 1)
    assert run(root, ALL, [""], cache=False, jobs=2) == fresh(root)


def test_a_limit_of_true_comes_back_from_a_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_FEW", 1)
    for name in ("Order", "Item"):
        (tmp_path / f"{name.lower()}s.py").write_text(
            f"from sqlalchemy import Column, Integer, select\n"
            f"from sqlalchemy.orm import declarative_base\n"
            f"class {name}(declarative_base()):\n"
            f"    __tablename__ = '{name}'\n"
            f"    id = Column(Integer, primary_key=True)\n"
            f"def latest(session):\n"
            f"    return session.scalars(select({name}).where({name}.id > 3).limit(True)).all()\n",
            encoding="utf-8",
        )
    assert run(tmp_path, ALL, [""], cache=False, jobs=2) == fresh(tmp_path)


def test_spawned_workers_change_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_FEW", 1)
    monkeypatch.setattr(processes.multiprocessing, "get_all_start_methods", lambda: ["spawn"])
    assert run(root, ALL, [""], cache=False, jobs=2) == fresh(root)


def test_edits_with_the_cache_give_what_a_fresh_run_gives(root: Path) -> None:
    choose = random.Random(7)
    files = sorted(path for path in root.rglob("*.py") if path.stat().st_size)
    run(root, ALL, [""], cache=True, jobs=1)
    for turn in range(12):
        path = choose.choice(files)
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        edit = choose.choice(("shift", "drop", "twice", "body"))
        place = choose.randrange(len(lines))
        if edit == "shift":
            lines.insert(0, f"# turn {turn}\n")
        elif edit == "drop":
            del lines[place]
        elif edit == "twice":
            lines.insert(place, lines[place])
        else:
            lines = [line.replace("select_related", "only") for line in lines]
        texts = {path.relative_to(root).as_posix(): "".join(lines)}
        unsaved = run(root, ALL, [""], cache=turn % 2 == 0, jobs=1, texts=texts)
        path.write_text("".join(lines), encoding="utf-8")
        assert run(root, ALL, [""], cache=True, jobs=1) == unsaved == fresh(root), (turn, edit, path)


def test_unsaved_text_is_never_taken_for_what_is_on_disk(root: Path) -> None:
    def checked(**texts: str | None) -> Report:
        return run(root, ALL, [""], cache=True, jobs=1, texts={f"{name}.py": text for name, text in texts.items()})

    slow = (
        "from django_shop.models import Product\n"
        "def f():\n"
        "    for each in Product.objects.all():\n"
        "        print(each.category.{})\n"
    )
    first = checked()
    assert len(checked(new=slow.format("name")).findings) == len(first.findings) + 1
    assert len(checked(new=f"# moved\n{slow.format('name')}").findings) == len(first.findings) + 1
    assert checked(new="x = 1\n").findings == first.findings
    assert checked() == first
    (root / "new.py").write_text(slow.format("name"), encoding="utf-8")
    assert checked(new=None) == first
    assert len(checked().findings) == len(first.findings) + 1


@pytest.mark.parametrize("path", [".hidden/a.py", "node_modules/a.py", "notes.txt", "left_out/a.py"])
def test_unsaved_text_of_a_file_that_is_not_the_projects(root: Path, path: str) -> None:
    settings = Settings(select=("ALL",), exclude=("left_out",))
    assert run(root, settings, [""], cache=False, jobs=1, texts={path: "def f(:"}) == fresh(root)


@pytest.mark.parametrize("name", ["snapshot", "memory"])
def test_a_broken_cache_is_made_anew(root: Path, name: str) -> None:
    first = run(root, ALL, [""], cache=True, jobs=1)
    (root / ".slowpath_cache" / f"{name}.msgpack").write_bytes(b"\x93nonsense")
    assert run(root, ALL, [""], cache=True, jobs=1) == first


def test_a_cache_that_cannot_be_written_is_no_error(root: Path) -> None:
    (root / ".slowpath_cache").write_text("a file in its place", encoding="utf-8")
    assert run(root, ALL, [""], cache=True, jobs=1) == fresh(root)


def test_a_run_with_nothing_changed_imports_no_parser(root: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from slowpath.config import Settings;"
        "from slowpath.workspace import run;"
        f"run(Path({str(root)!r}), Settings(select=('ALL',)), [''], cache=True, jobs=1);"
        "print([name for name in ('libcst', 'sqlglot', 'pygls', 'slowpath.project') if name in sys.modules])"
    )
    outputs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    assert "slowpath.project" in outputs[0]
    assert outputs[1] == "[]\n"


def test_targets_choose_what_is_reported_and_the_whole_project_is_read(root: Path) -> None:
    whole = fresh(root)
    some = run(root, ALL, ["django_shop/views.py"], cache=False, jobs=1)
    assert some.findings == tuple(f for f in whole.findings if f.path == "django_shop/views.py")
    assert any(step.path == "django_shop/models.py" for finding in some.findings for step in finding.related)


def test_hostile_input_neither_crashes_nor_hangs(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("def f(:\n", encoding="utf-8")
    (tmp_path / "deep.py").write_text("x = " + "(" * 3000 + ")" * 3000 + "\n", encoding="utf-8")
    (tmp_path / "nested.py").write_text("def f():\n    return " + "[" * 400 + "]" * 400 + "\n", encoding="utf-8")
    (tmp_path / "latin.py").write_bytes(b"# coding: latin-1\nname = '\xe9'\n")
    (tmp_path / "undecodable.py").write_bytes(b"name = '\xff\xfe'\n")
    (tmp_path / "null.py").write_bytes(b"x = 1\0\n")
    (tmp_path / "huge.py").write_text("x = 1\n" * 1_000_000, encoding="utf-8")
    (tmp_path / "long.py").write_text(
        "def f(rows):\n" + "    for row in rows: print(row.user.name)\n" * 10_000, encoding="utf-8"
    )
    (tmp_path / "one.py").write_text("from two import *\nclass A(B): pass\n", encoding="utf-8")
    (tmp_path / "two.py").write_text("from one import *\nclass B(A): pass\n", encoding="utf-8")
    report = fresh(tmp_path)
    assert report.findings == ()
    assert {skipped.code for skipped in report.skipped} == {"SLO001"}
    assert {"broken.py", "undecodable.py", "huge.py"} <= {skipped.path for skipped in report.skipped}


@pytest.mark.skipif(os.name == "nt", reason="needs symbolic links")
def test_links_that_lead_out_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "outside.py").write_text("x = 1\n", encoding="utf-8")
    (tmp_path / "project" / "link.py").symlink_to(tmp_path / "outside.py")
    (tmp_path / "project" / "round").symlink_to(tmp_path / "project")
    assert fresh(tmp_path / "project").files == 0


def test_a_line_is_explained(root: Path) -> None:
    text = (root / "django_shop" / "views.py").read_text(encoding="utf-8").splitlines()
    line = next(number for number, row in enumerate(text, start=1) if "# expect: n-plus-one" in row)
    answer = why(root, ALL, "django_shop/views.py", line)
    assert "Reported: SLO101 n-plus-one" in answer
    clean = next(number for number, row in enumerate(text, start=1) if row.startswith("from "))
    assert "is in no function" in why(root, ALL, "django_shop/views.py", clean)


def test_a_line_of_a_class_that_a_list_is_shown_with_is_explained(tmp_path: Path) -> None:
    text = (FIXTURES / "n_plus_one/rest_framework_declared_fields.py").read_text(encoding="utf-8")
    (tmp_path / "shop.py").write_text(text, encoding="utf-8")
    at = {line.strip(): number for number, line in reversed(list(enumerate(text.splitlines(), start=1)))}
    said = why(tmp_path, ALL, "shop.py", at["lines = LineSerializer(many=True, read_only=True)"])
    assert "the relation `lines` of the rows of `Order.objects` is read" in said
    assert "Reported: SLO101" in said
    assert "in no function" in why(tmp_path, ALL, "shop.py", at["serializer_class = CustomerKeySerializer"])


def test_a_changed_file_in_sql_is_noticed(tmp_path: Path) -> None:
    fixture = FIXTURES / "unindexed_filter" / "indexes_in_sql_files"
    project = tmp_path / "project"
    shutil.copytree(fixture, project)
    settings = Settings(select=("unindexed-filter",))

    def lines() -> list[int]:
        report = run(project, settings, [""], cache=True, jobs=1)
        assert report == run(project, settings, [""], cache=False, jobs=1)
        return [finding.span.line for finding in report.findings]

    known = lines()
    more = project / "schema" / "011_more.sql"
    more.write_text("CREATE INDEX orders_invoice_again ON orders (invoice);\n", encoding="utf-8")
    assert (len(known), lines()) == (1, [])
    more.write_text("CREATE INDEX orders_number_again ON orders (number);\n", encoding="utf-8")
    assert lines() == known
    more.unlink()
    (project / "schema" / "009_token.sql").unlink()
    assert len(lines()) == 2
