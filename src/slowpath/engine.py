"""Programs and rules to findings, in order."""

from __future__ import annotations

import traceback
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

from msgspec import Struct

from slowpath.expression import line_column
from slowpath.finding import CONFIDENCES, Finding, Skipped, Step
from slowpath.references import FunctionRef
from slowpath.rules import Function, Mark, Problem, Rule
from slowpath.semantics.lowering import spans
from slowpath.semantics.program import Program
from slowpath.semantics.slices import slice_of
from slowpath.source import Place, Span, digest_of


class Found(Struct, frozen=True):
    """A problem, and the rule that has it."""

    rule: Rule
    problem: Problem


class Checked(Struct, frozen=True):
    """What came of checking some functions: problems, crashes of ours, and the functions that were read on the way."""

    found: tuple[Found, ...]
    crashes: tuple[Skipped, ...]
    consulted: frozenset[FunctionRef]


def check(program: Program, rules: Sequence[Rule], functions: Iterable[FunctionRef]) -> Checked:
    """Ask every rule about every function. The one place where a crash of ours is caught."""
    found: list[Found] = []
    crashes: list[Skipped] = []
    program.consulted = set()
    for ref in functions:
        try:
            for summary in program.readings_of(ref):
                function = Function(ref, summary)
                for rule in rules:
                    found.extend(Found(rule, problem) for problem in rule.check(function, program))
        except Exception as error:
            crashes.append(_crash(program, ref, error))
    return Checked(tuple(found), tuple(crashes), frozenset(program.consulted))


def _crash(program: Program, ref: FunctionRef, error: Exception) -> Skipped:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{frame.filename.rpartition('/')[2]}:{frame.lineno}"
    reason = f"slowpath failed on `{ref.qualname}`: {type(error).__name__}: {error} ({where}); please report it"
    return Skipped("SLO002", program.project.path_of(ref.module), program.project.function_of(ref).line, 1, reason)


def findings(program: Program, found: Iterable[Found], lines_of: Callable[[str], Sequence[str]]) -> list[Finding]:
    """The problems as findings: one for each place and subject, in order of place, with every span known."""
    merged = list(_merged(found))
    places = {place for each in merged for place in _places(each.problem)}
    located = _located(program, places, lines_of)
    result = [_finding(each, located) for each in merged]
    return _numbered(sorted(result, key=lambda each: (each.path, each.span, each.code, each.message)))


def _merged(found: Iterable[Found]) -> Iterator[Found]:
    """Drop what was found twice, and what is part of something longer at the same place."""
    groups: dict[tuple[str, Place], dict[tuple[str, ...], Found]] = defaultdict(dict)
    for each in found:
        group = groups[each.rule.code, each.problem.place]
        known = group.get(each.problem.subject)
        if known is None or _rank(each) > _rank(known):
            group[each.problem.subject] = each
    for group in groups.values():
        whole = [
            each
            for subject, each in sorted(group.items())
            if not any(len(other) > len(subject) and other[: len(subject)] == subject for other in group)
        ]
        combine = whole[0].rule.combine
        if combine is not None and len(whole) > 1:
            yield Found(whole[0].rule, combine(tuple(each.problem for each in whole)))
        else:
            yield from whole


def _rank(found: Found) -> tuple[int, int, tuple[Mark, ...], str]:
    problem = found.problem
    return (CONFIDENCES.index(problem.confidence), -len(problem.related), (), problem.message)


def _places(problem: Problem) -> Iterator[Place]:
    yield problem.place
    for mark in problem.related:
        yield mark.place


def _located(
    program: Program, places: Iterable[Place], lines_of: Callable[[str], Sequence[str]]
) -> dict[Place, tuple[str, Span]]:
    result: dict[Place, tuple[str, Span]] = {}
    by_function: dict[tuple[str, str], list[Place]] = defaultdict(list)
    for place in places:
        by_function[place.module, place.function].append(place)
    for (module, name), group in by_function.items():
        path = program.project.path_of(module)
        if not name:
            for place in group:
                line, column = line_column(place.at)
                result[place] = (path, Span(line, column, line, column + 1))
            continue
        function = program.project.function_of(FunctionRef(module, name))
        text = slice_of(lines_of(path), function.line, function.end_line)
        found = spans(text, function.column, function.line, {place.at for place in group})
        for place in group:
            result[place] = (path, found[place.at])
    return result


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
