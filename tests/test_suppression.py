"""Comments that silence a finding."""

from __future__ import annotations

import pytest

from slowpath.finding import Finding
from slowpath.source import Span
from slowpath.suppression import suppress


def is_suppressed(text: str, *, line: int, end_line: int) -> bool:
    span = Span(line, 1, end_line, 2)
    finding = Finding("SLO101", "n-plus-one", "m", "a.py", span, "warning", "high", "f", (), "", "f")
    result = suppress(finding.path, text.split("\n"), [finding])
    assert len(result.kept) + len(result.suppressed) == 1
    return bool(result.suppressed)


@pytest.mark.parametrize(
    "comment",
    [
        "# noqa",
        "# NoQA",
        "# noqa: SLO101",
        "# noqa:slo101",
        "# noqa: E501,SLO101",
        "# noqa: E501 SLO101 and why",
        "# noqa: SLO1",
        "# noqa: SLO",
        "# type: ignore # noqa: SLO101",
        "# noqa: we know",
        "# slowpath: allow[n-plus-one]",
        "# slowpath: allow[n-plus-one] three rows at most",
        "# slowpath:allow[query-in-loop, N-plus-one]",
        "# Slowpath: allow[SLO101]",
        "# fast  # slowpath: allow[n-plus-one]",
    ],
)
def test_silenced(comment: str) -> None:
    # A prefix without a digit is no code to flake8: the comment then means everything.
    assert is_suppressed(f"order.user  {comment}", line=1, end_line=1)


@pytest.mark.parametrize(
    "comment",
    [
        "",
        "# noqa: E501",
        "# noqa: SLO102",
        "# noqa: SLO1011",
        "# flake8: noqa",
        "# slowpath: allow[]",
        "# slowpath: allow[query-in-loop]",
        "# slowpath: allow[n-plus]",
        "# slowpath: allow n-plus-one",
    ],
)
def test_not_silenced(comment: str) -> None:
    assert not is_suppressed(f"order.user  {comment}", line=1, end_line=1)


@pytest.mark.parametrize(
    ("comment", "lines"),
    [
        ("# noqa: SLO101", [2, 4]),
        ("# slowpath: allow[n-plus-one]", [2, 4]),
    ],
)
def test_a_longer_finding_is_silenced_on_its_first_and_last_line(comment: str, lines: list[int]) -> None:
    text = ["before = 1", "orders = (", "    Order.objects", ")", "after = 1"]
    for number in range(1, 6):
        marked = [f"{line}  {comment}" if index == number else line for index, line in enumerate(text, start=1)]
        assert is_suppressed("\n".join(marked), line=2, end_line=4) is (number in lines)


def test_allow_stands_alone_above_too() -> None:
    assert is_suppressed("    # slowpath: allow[n-plus-one] few\n    order.user", line=2, end_line=2)
    assert not is_suppressed("# noqa\norder.user", line=2, end_line=2)
    assert not is_suppressed("order.item  # slowpath: allow[n-plus-one]\norder.user", line=2, end_line=2)


def test_a_finding_past_the_end_is_kept() -> None:
    assert not is_suppressed("# noqa", line=3, end_line=3)
