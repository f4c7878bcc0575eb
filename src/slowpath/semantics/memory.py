"""Answers that are found out once, the functions that each was found out from, and what is being found out at
present."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from time import thread_time
from typing import Any, Generic, TypeVar

from msgspec import Struct

from slowpath.references import FunctionRef
from slowpath.semantics.effects import Summary
from slowpath.semantics.values import Value

Parameters = tuple[tuple[str, Value], ...]
Question = tuple[FunctionRef, Parameters]

_PATIENCE = 256

# The longest chains of calls in real projects are 23 deep. What is cut short has to be read again for each caller, and
# a call takes some twenty of Python's thousand frames.
DEEPEST = 24
_SAME_FUNCTION = 2
# Functions that all lead to each other and change what they are given have thousands of states between them: each is
# read a few times, and the further from the question the fewer are. Weblate (136,000 lines) takes 34 s with that, and
# 132 s without, for as many findings.
_UNSETTLED = 3
_TANGLE = 128

Unsure = tuple["Memo[Any, Any]", object]
"""A question that is being found out."""

Key = TypeVar("Key")
Answer = TypeVar("Answer")


class OutOfTimeError(Exception):
    """A question that takes too long to answer."""


class Memo(Generic[Key, Answer]):
    """The answers to one kind of question.

    `plain` are those for which no function was read, `resting` the others, with the functions they rest on; `pending`
    is what to say meanwhile of those that are being found out, and `passing` what rests on that.
    """

    def __init__(self) -> None:
        self.plain: dict[Key, Answer] = {}
        self.resting: dict[Key, tuple[Answer, frozenset[FunctionRef]]] = {}
        self.pending: dict[Key, Answer] = {}
        self.passing: dict[Key, tuple[Answer, frozenset[FunctionRef], frozenset[Unsure]]] = {}


class Passing(Struct, frozen=True):
    """A summary that rests on unfinished ones (`heads`) or was cut short: good for the question at hand, no other."""

    summary: Summary
    consulted: frozenset[FunctionRef]
    heads: frozenset[Question]
    cut: bool


class Questions:
    """What is being asked at present, until when, and which functions have been consulted for it."""

    deadline = inf
    _ticks = 0

    def reset_questions(self) -> None:
        """Begin with nothing asked."""
        self.consulted: set[FunctionRef] = set()
        self._running: dict[Question, Summary] = {}
        self._active: dict[FunctionRef, int] = {}
        self._passing: dict[Question, Passing] = {}
        self._unsettled: Counter[FunctionRef] = Counter()
        self._heads: set[Question] = set()
        self._unsure: set[Unsure] = set()
        self._cut = False

    def tick(self) -> None:
        """One more step; an exception when there is no time left. The clock is looked at now and then."""
        self._ticks += 1
        if self._ticks % _PATIENCE == 0 and thread_time() > self.deadline:
            raise OutOfTimeError

    def is_lost(self, ref: FunctionRef, depth: int) -> bool:
        """Whether reading the function once more, this far from the question, would lead round in circles."""
        return (
            self._active.get(ref, 0) >= _SAME_FUNCTION
            or self._unsettled[ref] >= _UNSETTLED
            or len(self._passing) * depth >= _TANGLE
        )

    @contextmanager
    def apart(self) -> Iterator[None]:
        """What is asked inside has nothing to do with what is asked at present, and leaves no trace in it."""
        outer = (self.consulted, self._running, self._active, self._passing, self._unsettled)
        state = (self._heads, self._unsure, self._cut)
        self.reset_questions()
        try:
            yield
        finally:
            self.consulted, self._running, self._active, self._passing, self._unsettled = outer
            self._heads, self._unsure, self._cut = state

    def recall(self, memo: Memo[Key, Answer], key: Key, meanwhile: Answer, find_out: Callable[[], Answer]) -> Answer:
        """The answer, found out if nobody has asked before; `meanwhile` is told to whoever asks while it is found
        out.

        What rests on a `meanwhile` is not kept, so that the order of asking does not matter.
        """
        if key in memo.pending:
            self._unsure.add((memo, key))
            self._cut = True
            return memo.pending[key]
        if key in memo.plain:
            return memo.plain[key]
        if key in memo.resting:
            answer, sources = memo.resting[key]
            self.consulted |= sources
            return answer
        if key in memo.passing:
            answer, sources, unsure = memo.passing[key]
            if all(asked in other.pending for other, asked in unsure):
                self.consulted |= sources
                self._unsure |= unsure
                self._cut = True
                return answer
        return self._found_out(memo, key, meanwhile, find_out)

    def _found_out(
        self, memo: Memo[Key, Answer], key: Key, meanwhile: Answer, find_out: Callable[[], Answer]
    ) -> Answer:
        memo.pending[key] = meanwhile
        try:
            with self.apart():
                answer = find_out()
                sources, unsure = frozenset(self.consulted), self._unsure - {(memo, key)}
        finally:
            del memo.pending[key]
            if not memo.pending:
                memo.passing.clear()
        self.consulted |= sources
        if unsure:
            memo.passing[key] = (answer, sources, frozenset(unsure))
            self._unsure |= unsure
            self._cut = True
        elif sources:
            memo.resting[key] = (answer, sources)
        else:
            memo.plain[key] = answer
        return answer
