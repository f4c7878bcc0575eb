"""A session says after every edit what a run would say of the same texts."""

from __future__ import annotations

import ast
import random
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace
from projects import shop_with_helpers_in

from slowpath import engine
from slowpath.analysis import Part
from slowpath.baseline import baseline_of, write
from slowpath.config import Settings
from slowpath.engine import Found
from slowpath.finding import Finding, Skipped
from slowpath.references import FunctionRef
from slowpath.rules import Rule, Whole
from slowpath.session import Session
from slowpath.source import moved
from slowpath.workspace import run

ALL = Settings(select=("ALL",))
VIEWS, MODELS = "django_shop/views.py", "django_shop/models.py"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return shop_with_helpers_in(tmp_path / "project")


def settled(session: Session) -> Session:
    while not session.is_settled:
        session.work()
    return session


def said(session: Session) -> list[Finding]:
    return [finding for path in session.paths() for finding in session.said_of(path, ALL).findings]


def fresh(root: Path, texts: dict[str, str | None]) -> list[Finding]:
    return list(run(root, ALL, [""], cache=False, jobs=1, texts=texts).findings)


def test_a_new_session_says_what_a_run_says(root: Path) -> None:
    session = settled(Session(root, ALL))
    assert said(session) == fresh(root, {})
    assert said(session)


def test_random_edits(root: Path) -> None:
    choose = random.Random(11)
    files = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.py") if path.stat().st_size)
    session = settled(Session(root, ALL))
    texts: dict[str, str | None] = {}
    for turn in range(40):
        path = choose.choice(files)
        lines = (texts.get(path) or (root / path).read_text(encoding="utf-8")).splitlines(keepends=True)
        edit = choose.choice(("shift", "shift inside", "drop", "twice", "body", "allow", "save", "close"))
        place = choose.randrange(len(lines))
        if edit == "close":
            texts.pop(path, None)
            session.close(path)
        elif edit == "save":
            (root / path).write_text("".join(lines), encoding="utf-8")
            session.look_again()
        else:
            if edit == "shift":
                lines.insert(0, f"# turn {turn}\n")
            elif edit == "shift inside":
                lines.insert(place, "\n")
            elif edit == "drop":
                del lines[place]
            elif edit == "allow":
                lines[place] = f"{lines[place].rstrip()}  # slowpath: allow[n-plus-one] few\n"
            elif edit == "twice":
                lines.insert(place, lines[place])
            else:
                lines = [line.replace("select_related", "only") for line in lines]
            text = "".join(lines)
            try:
                ast.parse(text)
            except SyntaxError:
                continue
            texts[path] = text
            session.edit(path, text)
        if turn % 3:
            session.settle(path)
            session.work()
            continue
        assert said(settled(session)) == fresh(root, texts), (turn, edit, path)
    assert said(settled(session)) == fresh(root, texts)


def test_known_findings_are_not_said_also_when_their_files_are_moved(root: Path) -> None:
    known = baseline_of(fresh(root, {}))
    session = settled(Session(root, ALL))
    assert said(session)
    write(root / ALL.baseline, known)
    session.look_again()
    assert not said(settled(session))
    assert VIEWS in session.touched()
    # Two files claim what one of them had; the first of them gets it.
    shutil.copy(root / VIEWS, root / "django_shop" / "pages.py")
    shutil.move(root / VIEWS, root / "django_shop" / "screens.py")
    expected = run(root, ALL, [""], cache=False, jobs=1, known=known).findings
    assert said(settled(Session(root, ALL))) == list(expected)
    assert {finding.path for finding in expected} == {"django_shop/screens.py"}


def test_a_text_that_cannot_be_parsed_changes_nothing_elsewhere(root: Path) -> None:
    session = settled(Session(root, ALL))
    before = {path: session.said_of(path, ALL).findings for path in session.paths()}
    text = (root / MODELS).read_text(encoding="utf-8")
    session.edit(MODELS, f"import\n{text}")
    settled(session)
    assert session.said_of(VIEWS, ALL).findings == tuple(moved_in(finding, MODELS, 1) for finding in before[VIEWS])
    (skipped,) = session.said_of(MODELS, ALL).skipped
    assert (skipped.code, skipped.path, skipped.line) == ("SLO001", MODELS, 1)
    session.edit(MODELS, text)
    assert {path: session.said_of(path, ALL).findings for path in settled(session).paths()} == before


def moved_in(finding: Finding, path: str, lines: int) -> Finding:
    """The finding when what it names in this file is so many lines further down."""
    related = [replace(step, span=moved(step.span, lines)) if step.path == path else step for step in finding.related]
    return replace(finding, related=tuple(related))


def test_findings_move_with_their_lines_while_others_cannot_be_parsed(root: Path) -> None:
    session = settled(Session(root, ALL))
    lines = (root / VIEWS).read_text(encoding="utf-8").splitlines(keepends=True)
    before = session.said_of(VIEWS, ALL).findings
    half = before[len(before) // 2].span.end_line
    session.edit(VIEWS, "".join([*lines[:half], "def (\n", "\n", *lines[half:]]))
    after = session.said_of(VIEWS, ALL).findings
    assert [f.span for f in after] == [f.span if f.span.line <= half else moved(f.span, 2) for f in before]


def test_files_come_and_go(root: Path) -> None:
    session = settled(Session(root, ALL))
    shutil.move(root / VIEWS, root / "django_shop" / "pages.py")
    session.look_again()
    assert said(settled(session)) == fresh(root, {})
    assert {finding.path for finding in said(session)} >= {"django_shop/pages.py"}
    shutil.rmtree(root / "django_shop")
    session.look_again()
    assert said(settled(session)) == fresh(root, {})


def test_a_file_that_was_never_saved(root: Path) -> None:
    session = settled(Session(root, ALL))
    text = (root / VIEWS).read_text(encoding="utf-8")
    session.edit("django_shop/later.py", text)
    assert said(settled(session)) == fresh(root, {"django_shop/later.py": text})
    assert session.said_of("django_shop/later.py", ALL).findings
    session.close("django_shop/later.py")
    assert said(settled(session)) == fresh(root, {})


def test_what_was_found_out_is_remembered(root: Path) -> None:
    first = settled(Session(root, ALL))
    first.keep()
    second = Session(root, ALL)
    assert first.waiting == second.waiting == 0
    assert said(settled(second)) == said(first)
    assert run(root, ALL, [""], cache=True, jobs=1).findings == tuple(said(first))


def test_a_question_that_is_interrupted_is_asked_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(root, ALL)
    waiting = session.waiting
    check = session._workshop.check

    def interrupted(functions: tuple[FunctionRef, ...]) -> Part:
        session.interrupt()
        (ref,) = functions
        return Part((), (), (Skipped("SLO001", session._workshop.project.path_of(ref.module), 1, 1, "no time"),))

    monkeypatch.setattr(session._workshop, "check", interrupted)
    session.work()
    assert session.waiting == waiting
    monkeypatch.setattr(session._workshop, "check", check)
    assert said(settled(session)) == fresh(root, {})


def test_the_project_is_judged_again_when_something_else_may_come_of_it(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = settled(Session(root, ALL))
    judge = engine.judge
    judgements: list[Whole] = []

    def counted(whole: Whole, rules: Sequence[Rule]) -> tuple[list[Found], list[Skipped]]:
        judgements.append(whole)
        return judge(whole, rules)

    monkeypatch.setattr(engine, "judge", counted)
    stale = next(each for each in said(session) if each.name == "stale-cache")
    lines = (root / stale.path).read_text(encoding="utf-8").splitlines(keepends=True)
    line = lines[stale.span.line - 1]
    indent = line[: len(line) - len(line.lstrip())]

    def typed(after: int, text: str) -> int:
        """How often this made the session judge."""
        lines.insert(after, text)
        judgements.clear()
        session.edit(stale.path, "".join(lines))
        session.settle(stale.path)
        assert [each for each in session.said_of(stale.path, ALL).findings if each.name == "stale-cache"]
        found, times = said(settled(session)), len(judgements)
        assert found == fresh(root, {stale.path: "".join(lines)})
        return times

    # A name shows nothing that was not known, in the function itself as little as in others.
    assert typed(stale.span.line, f"{indent}thing\n") == 0
    assert typed(stale.span.line, f"{indent}product.delete()\n") == 1
    assert typed(0, "LIMIT = 3\n") >= 1
