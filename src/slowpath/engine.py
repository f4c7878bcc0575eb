"""Programs and rules to findings, in order."""

from __future__ import annotations

import traceback
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from time import thread_time

from msgspec import Struct

from slowpath.declarations import FunctionDeclaration
from slowpath.expression import line_column
from slowpath.facts import AnyFact
from slowpath.finding import CONFIDENCES, Finding, Skipped, Step
from slowpath.references import FunctionRef
from slowpath.rules import Function, Mark, Problem, Rule, Whole
from slowpath.semantics.lowering import LoweringError, spans
from slowpath.semantics.memory import OutOfTimeError
from slowpath.semantics.program import Program
from slowpath.semantics.slices import slice_of
from slowpath.source import Place, Span, digest_of, moved

SECONDS = 10.0
"""How long a function may take, with all that it leads to: a hundred times what the longest of real projects take."""


class Found(Struct, frozen=True):
    """A problem, and the rule that has it."""

    rule: Rule
    problem: Problem


class Checked(Struct, frozen=True):
    """What came of checking some functions: problems, facts, functions given up, and those read on the way."""

    found: tuple[Found, ...]
    facts: tuple[AnyFact, ...]
    failed: tuple[Skipped, ...]
    consulted: frozenset[FunctionRef]


def check(
    program: Program, rules: Sequence[Rule], functions: Iterable[FunctionRef], seconds: float = SECONDS
) -> Checked:
    """Ask every rule about every function, for at most so many seconds of processor time about each.

    The one place where a crash of ours is caught.
    """
    found: list[Found] = []
    facts: dict[AnyFact, None] = {}
    failed: list[Skipped] = []
    consulted: set[FunctionRef] = set()
    collectors = dict.fromkeys(rule.collect for rule in rules if rule.collect is not None)
    for ref in functions:
        try:
            with program.apart():
                program.consulted = {ref}
                program.deadline = thread_time() + seconds
                for summary in program.readings_of(ref):
                    function = Function(ref, summary)
                    found += _found(program, rules, function)
                    facts |= dict.fromkeys(fact for collect in collectors for fact in collect(function, program))
                consulted |= program.consulted
        except OutOfTimeError:
            failed.append(_given_up(program, ref, f"takes more than {seconds:g} s to analyse"))
        except RecursionError:
            failed.append(_given_up(program, ref, "leads too deep"))
        except Exception as error:
            failed.append(_crash(program, ref, error))
    return Checked(tuple(found), tuple(facts), tuple(failed), frozenset(consulted))


def _found(program: Program, rules: Sequence[Rule], function: Function) -> list[Found]:
    return [
        Found(rule, problem) for rule in rules if rule.check is not None for problem in rule.check(function, program)
    ]


def judge(whole: Whole, rules: Sequence[Rule]) -> tuple[list[Found], list[Skipped]]:
    """Ask every rule about the whole project; a crash of one is noted, and the others are asked all the same."""
    found: list[Found] = []
    failed: list[Skipped] = []
    for rule in rules:
        if rule.judge is None:
            continue
        try:
            found += [Found(rule, problem) for problem in rule.judge(whole)]
        except Exception as error:
            failed.append(Skipped("SLO002", ".", 1, 1, _report(f"{rule.code} {rule.name}", error)))
    return found, failed


def _given_up(program: Program, ref: FunctionRef, why: str) -> Skipped:
    reason = f"`{ref.qualname}` {why}, so it was left out"
    return Skipped("SLO001", program.project.path_of(ref.module), program.project.function_of(ref).line, 1, reason)


def _crash(program: Program, ref: FunctionRef, error: Exception) -> Skipped:
    path, line = program.project.path_of(ref.module), program.project.function_of(ref).line
    return Skipped("SLO002", path, line, 1, _report(f"`{ref.qualname}`", error))


def _report(what: str, error: Exception) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{frame.filename.rpartition('/')[2]}:{frame.lineno}"
    return f"slowpath failed on {what}: {type(error).__name__}: {error} ({where}); please report it"


class Locations:
    """Where nodes are in their functions, found out once: by the function's digest and the node's number."""

    def __init__(self, known: dict[str, dict[int, Span]]) -> None:
        self._known = known
        self.asked: dict[str, dict[int, Span]] = {}

    def of(self, function: FunctionDeclaration, ats: set[int], lines: Callable[[], Sequence[str]]) -> dict[int, Span]:
        """The spans of these nodes, lines counted from the function's first; where it begins if it is too deep."""
        known = self.asked.setdefault(function.digest, dict(self._known.get(function.digest, {})))
        if not ats <= known.keys():
            text = slice_of(lines(), function.line, function.end_line)
            try:
                known.update(spans(text, function.column, 1, ats - known.keys()))
            except LoweringError:
                known.update(dict.fromkeys(ats, _point(1, function.column)))
        return known


def findings(
    program: Program,
    found: Iterable[Found],
    lines_of: Callable[[str], Sequence[str]],
    locations: Locations | None = None,
) -> list[Finding]:
    """The problems as findings: one for each place and subject, in order of place, with every span known."""
    merged = list(_merged(found))
    places = {place for each in merged for place in _places(each.problem)}
    spans_of = located(program, places, lines_of, locations or Locations({}))
    result = [_finding(each, spans_of) for each in merged]
    return _numbered(sorted(result, key=lambda each: (each.path, each.span, each.code, each.message)))


def _merged(found: Iterable[Found]) -> Iterator[Found]:
    """Drop what was found twice, and what is part of something longer at the same place, unless the rule combines
    them."""
    groups: dict[tuple[str, Place], list[Found]] = defaultdict(list)
    for each in found:
        groups[each.rule.code, each.problem.place].append(each)
    for group in groups.values():
        group.sort(key=_rank)
        combine = group[0].rule.combine
        if combine is not None:
            yield Found(group[0].rule, combine(tuple(dict.fromkeys(each.problem for each in group))))
            continue
        best: dict[tuple[str, ...], Found] = {}
        told: set[tuple[Mark, ...]] = set()
        for each in group:
            # The same way to the same place is one problem, whatever a subclass makes of it.
            if not each.problem.related or each.problem.related not in told:
                best.setdefault(each.problem.subject, each)
                told.add(each.problem.related)
        for subject, each in sorted(best.items()):
            if not any(len(other) > len(subject) and other[: len(subject)] == subject for other in best):
                yield each


def _rank(found: Found) -> tuple[object, ...]:
    """The surer one and then the shorter one first; what follows only makes the order of asking irrelevant."""
    problem = found.problem
    marks = tuple((mark.place, mark.message) for mark in problem.related)
    return (-CONFIDENCES.index(problem.confidence), len(marks), marks, problem.message, problem.help, problem.facts)


def _places(problem: Problem) -> Iterator[Place]:
    yield problem.place
    for mark in problem.related:
        yield mark.place


def located(
    program: Program, places: Iterable[Place], lines_of: Callable[[str], Sequence[str]], locations: Locations
) -> dict[Place, tuple[str, Span]]:
    """The file of each place, and where in it that is."""
    result: dict[Place, tuple[str, Span]] = {}
    by_function: dict[tuple[str, str], set[Place]] = defaultdict(set)
    for place in places:
        by_function[place.module, place.function].add(place)
    for (module, name), here in by_function.items():
        ats = {place.at for place in here}
        path = program.project.path_of(module) if module in program.project.modules else module
        if name:
            function = program.project.function_of(FunctionRef(module, name))
            known = locations.of(function, ats, partial(lines_of, path))
            spans_in_file = {at: moved(known[at], function.line - 1) for at in ats}
        else:
            spans_in_file = {at: _written(*line_column(at), lines_of(path)) for at in ats}
        result |= {
            place: (path, _below(spans_in_file[place.at], place.below, partial(lines_of, path))) for place in here
        }
    return result


def _below(span: Span, lines: int, text: Callable[[], Sequence[str]]) -> Span:
    """A line of a text that stands on several; all of it when that is not so."""
    return _written(span.line + lines, 1, text()) if lines and span.line + lines <= span.end_line else span


def _written(line: int, column: int, lines: Sequence[str]) -> Span:
    """What stands on the line; a column of 1 is that of somebody who knows only the line."""
    text = lines[line - 1] if column == 1 and 0 < line <= len(lines) else ""
    if not text.strip():
        return _point(line, column)
    return Span(line, len(text) - len(text.lstrip()) + 1, line, len(text.rstrip()) + 1)


def _point(line: int, column: int) -> Span:
    return Span(line, column, line, column + 1)


def _finding(found: Found, located: dict[Place, tuple[str, Span]]) -> Finding:
    rule, problem = found.rule, found.problem
    path, span = located[problem.place]
    if problem.tail:
        span = Span(span.end_line, max(1, span.end_column - problem.tail), span.end_line, span.end_column)
    related = tuple(Step(*located[mark.place], mark.message) for mark in problem.related)
    key = "\0".join((rule.code, path, problem.place.function, *problem.subject))
    return Finding(
        code=rule.code,
        name=rule.name,
        message=problem.message,
        path=path,
        span=span,
        severity=problem.severity,
        confidence=problem.confidence,
        function=problem.place.function,
        related=related,
        help=problem.help,
        fingerprint=digest_of(key)[:16],
        past=problem.past,
    )


def _numbered(ordered: list[Finding]) -> list[Finding]:
    """Equal fingerprints (the same thing twice in one function) told apart by their order."""
    from msgspec.structs import replace

    seen: dict[str, int] = {}
    result = []
    for each in ordered:
        count = seen[each.fingerprint] = seen.get(each.fingerprint, 0) + 1
        result.append(each if count == 1 else replace(each, fingerprint=digest_of(f"{each.fingerprint}{count}")[:16]))
    return result
