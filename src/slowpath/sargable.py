"""Which tests an index could answer if they were written otherwise, and which indexes may answer them as they are."""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.advisor import Table
from slowpath.query import POINTS, Condition, Either, Shape


def any_of(test: Either) -> Iterator[Condition]:
    """The tests of the table itself that are a side of the OR: one that no index answers spoils it."""
    for side in test.alternatives:
        if len(side) == 1:
            if isinstance(side[0], Either):
                yield from any_of(side[0])
            elif not side[0].path:
                yield side[0]


def may_find(table: Table, condition: Condition) -> bool:
    """Whether an index of another kind than a B-tree may be there for searches inside the column."""
    others = (key for key in table.keys if not key.plain)
    return any(column == "?" or condition.column in column for key in others for column in key.bare)


def has_special(table: Table) -> bool:
    """Whether an index of an expression or of another kind may be what serves."""
    return any(not key.plain or any(column.startswith("?") for column in key.bare) for key in table.keys)


def spans_tables(test: Either) -> bool:
    paths = {c.path for side in test.alternatives for c in side if isinstance(c, Condition) and c.how in POINTS}
    whole = all(any(isinstance(c, Condition) and c.how in POINTS for c in side) for side in test.alternatives)
    return whole and len(paths) > 1


def keyset(shape: Shape, test: Either) -> tuple[str, ...]:
    """The columns of an order that the test goes on in after some row, `a > x OR (a = x AND b > y)`; empty if it does
    something else."""
    wanted = tuple(sort.column for sort in shape.order if not sort.path)
    if len(test.alternatives) != 2 or len(wanted) < 2 or shape.limit is None:
        return ()
    for first, second in (test.alternatives, test.alternatives[::-1]):
        tests = [each for side in (first, second) for each in side if isinstance(each, Condition)]
        hows = [(each.column, each.how) for each in tests if not each.path and not each.around]
        begins = len(first) == 1 and hows[:1] == [(wanted[0], "range")]
        if begins and sorted(hows[1:]) == sorted([(wanted[0], "equal"), (wanted[1], "range")]):
            return wanted[:2]
    return ()
