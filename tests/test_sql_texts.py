"""The SQL that functions put together, in every way that real projects do it."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from slowpath.analysis import workshop_of
from slowpath.config import settings_of
from slowpath.discovery import Folder
from slowpath.references import FunctionRef
from slowpath.semantics.sql_texts import sql_in
from slowpath.sql import hole

HOLE = hole()
BOTH = ["SELECT 1 FROM t", "SELECT 1 FROM u"]
CASES = [
    ('run("SELECT 1 FROM t")', ["SELECT 1 FROM t"]),
    ("return QUERY", ["SELECT 1 FROM module"]),
    ("run(self.OWN)", ["SELECT 1 FROM own"]),
    ("run(Holder.OWN)", ["SELECT 1 FROM own"]),
    ('run(f"SELECT 1 FROM {name} WHERE a = {b}")', [f"SELECT 1 FROM {HOLE} WHERE a = {HOLE}"]),
    ('run("SELECT 1 FROM %s WHERE a = %%s" % "t")', ["SELECT 1 FROM t WHERE a = %s"]),
    ('run("SELECT 1 FROM {} WHERE {x}".format("t", x=name))', [f"SELECT 1 FROM t WHERE {HOLE}"]),
    ('run("SELECT 1 FROM t" + name)', [f"SELECT 1 FROM t{HOLE}"]),
    ('q = "SELECT 1 FROM t"\nq += " WHERE a = 1"\nrun(q)', ["SELECT 1 FROM t WHERE a = 1"]),
    (
        'q = "SELECT 1 FROM t"\nif name:\n    q += " WHERE a = 1"\nrun(q)',
        ["SELECT 1 FROM t WHERE a = 1", "SELECT 1 FROM t"],
    ),
    (
        'if name:\n    q = "SELECT 1 FROM t"\nelse:\n    q = "SELECT 1 FROM u"\nrun(q)',
        BOTH,
    ),
    ('if name:\n    q = "SELECT 1 FROM t"\n    return\nq = "SELECT 1 FROM u"\nrun(q)', ["SELECT 1 FROM u"]),
    ('for table in ("t", "u"):\n    run("DELETE FROM %s" % table)', ["DELETE FROM t", "DELETE FROM u"]),
    (
        'for table, key in (("t", "a"), ("u", "b")):\n    run(f"SELECT 1 FROM {table}")',
        BOTH,
    ),
    ('q = "SELECT 1 FROM t"\ndef inner():\n    run(q)', ["SELECT 1 FROM t"]),
    ('try:\n    q = "SELECT 1 FROM t"\nfinally:\n    run(q)', ["SELECT 1 FROM t"]),
    ('with run() as c:\n    q = "SELECT 1 FROM t"\nc(q)', ["SELECT 1 FROM t"]),
    ('run("SELECT 1 FROM t" if name else "SELECT 1 FROM u")', BOTH),
    ('run(dedent("""\n    SELECT 1 FROM t\n"""))', ["\n    SELECT 1 FROM t\n"]),
    ('"""SELECT 1 FROM t"""\nreturn 1', []),
    ('log("Select a row from the table")', []),
]


@pytest.mark.parametrize(("body", "expected"), CASES)
def test_texts(tmp_path: Path, body: str, expected: list[str]) -> None:
    lines = dedent(body).splitlines()
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    (tmp_path / "code.py").write_text(
        'QUERY = "SELECT 1 FROM module"\n\n\nclass Holder:\n    OWN = "SELECT 1 FROM own"\n\n'
        "    def method(self, run, name, b, log, dedent):\n" + "".join(f"        {line}\n" for line in lines)
    )
    folder = Folder(tmp_path, 1_000_000)
    workshop = workshop_of(folder, settings_of(tmp_path), folder.listing(()).files)
    module = next(iter(workshop.project.modules))
    found = [each.text for each in sql_in(workshop.program, FunctionRef(module, "Holder.method"))]
    assert sorted(map(str.strip, found)) == sorted(map(str.strip, expected))
