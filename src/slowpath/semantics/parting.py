"""Whether two things in a function can both happen on one way through it."""

from __future__ import annotations

from slowpath.semantics import statement as s
from slowpath.semantics.shapes import blocks_of, leaves_function
from slowpath.semantics.uses import nodes_in


def are_apart(block: s.Block, one: int, other: int) -> bool:
    """Whether no way through the block comes by both nodes; said only where that is plain to see."""
    mine, theirs = _index(block, one), _index(block, other)
    if mine is None or theirs is None:
        return False
    if mine == theirs:
        return _are_apart_in(block[mine], one, other)
    return _leaves(block[mine], one) if mine < theirs else _leaves(block[theirs], other)


def _are_apart_in(statement: s.AnyStatement, one: int, other: int) -> bool:
    mine, theirs = _arm(statement, one), _arm(statement, other)
    # What one turn of a loop leaves out another may do, and any part of a `try` may come after another.
    if mine is None or theirs is None or isinstance(statement, s.For | s.While):
        return False
    if mine is theirs:
        return are_apart(mine, one, other)
    return isinstance(statement, s.If | s.Match)


def _leaves(statement: s.AnyStatement, at: int) -> bool:
    """Whether whoever comes by the node in the statement never comes to what stands behind the statement."""
    if isinstance(statement, s.Return | s.Raise):
        return True
    arm = _arm(statement, at)
    if arm is None or isinstance(statement, s.For | s.While):
        return False
    if isinstance(statement, s.Try) and arm is statement.body:
        return _leaves_by(arm, at) and all(leaves_function(each.body) for each in statement.handlers)
    return _leaves_by(arm, at)


def _leaves_by(block: s.Block, at: int) -> bool:
    position = _index(block, at)
    return position is not None and (_leaves(block[position], at) or leaves_function(block[position + 1 :]))


def _arm(statement: s.AnyStatement, at: int) -> s.Block | None:
    """The block of the statement that the node stands in."""
    return next((block for block in blocks_of(statement) if _index(block, at) is not None), None)


def _index(block: s.Block, at: int) -> int | None:
    """Which statement of the block holds the node."""
    for position, statement in enumerate(block):
        if any(getattr(node, "at", None) == at for node in nodes_in(statement)):
            return position
    return None
