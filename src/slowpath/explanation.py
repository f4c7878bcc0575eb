"""What slowpath believes of a line, and why it did or did not report it: the answer to every puzzled user's
question."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from slowpath.caching.naming import key_of
from slowpath.expression import line_column
from slowpath.keys import spell
from slowpath.references import FunctionRef
from slowpath.rules import Function, Problem, Rule
from slowpath.semantics.effects import (
    AnyEffect,
    Asks,
    Blocks,
    Builds,
    CallsService,
    Changes,
    ChangesSchema,
    Context,
    Evaluates,
    Executes,
    LoadsBadly,
    NeverRuns,
    Prepares,
    ReadsColumn,
    ReadsRelation,
    Removes,
    RunsQuery,
    Summary,
    Takes,
    UsesCache,
    WaitsForever,
    Writes,
)
from slowpath.semantics.lowering import spans
from slowpath.semantics.program import Program
from slowpath.semantics.repetition import chain, growing, repeated
from slowpath.semantics.slices import slice_of
from slowpath.semantics.values import Bound
from slowpath.source import Place

_BOUNDS: dict[Bound, str] = {
    "small": "turns a few times whatever the data",
    "once": "is left on the turn that gets here",
    "retry": "tries again until it works",
    "chunked": "goes batch by batch",
    "paged": "goes page by page",
    "unclear": "goes on until something happens: how often is not known",
    "counted": "turns as often as a number says: it may grow",
    "named": "turns as often as there are names in something of which nothing is known",
    "growing": "turns as often as there is data: it grows",
}


def explain(
    program: Program, rules: Sequence[Rule], roots: Sequence[FunctionRef], path: str, line: int, lines: Sequence[str]
) -> str:
    """What is believed of this line (from 1) of the file, in sentences; asked of `roots` too if nothing is seen from
    the line."""
    ref = _function_at(program, path, line)
    if ref is None:
        said = list(dict.fromkeys(_of_lists(program, rules, path, line, lines)))
        if not said:
            return (
                f"{path}:{line} is in no function: slowpath reads functions, and classes that lists are shown with.\n"
            )
        return f"{path}:{line}\n" + "".join(f"  - {sentence}\n" for sentence in said)
    readings = list(program.readings_of(ref))
    if ref in program.bodies.unreadable:
        return f"`{ref.qualname}` could not be read: {program.bodies.unreadable[ref]}\n"
    rows = _Lines(program, lines)
    said = list(dict.fromkeys(_sentences(program, rules, ref, ref, readings, rows, line)))
    if not said:
        callers = (root for root in roots if root != ref and program.prospects.may_matter(root))
        said = list(dict.fromkeys(_from_elsewhere(program, rules, ref, callers, rows, line)))
    head = f"{path}:{line}, in `{ref.qualname}`\n"
    if not said:
        return head + _nothing(program, ref, rows, line)
    return head + "".join(f"  - {sentence}\n" for sentence in said)


def _function_at(program: Program, path: str, line: int) -> FunctionRef | None:
    module = program.project.module_at(path)
    if module is None:
        return None
    inside = [f for f in program.project.modules[module].functions if f.line <= line <= f.end_line]
    if not inside:
        return None
    return FunctionRef(module, max(inside, key=lambda function: (function.line, -function.end_line)).qualname)


class _Lines:
    """The lines that places of one file are on."""

    def __init__(self, program: Program, lines: Sequence[str]) -> None:
        self._program = program
        self._source = lines
        self._known: dict[tuple[str, str, int], tuple[int, int]] = {}

    def of(self, place: Place) -> tuple[int, int]:
        """The first and the last line of the place."""
        if not place.function:
            line = line_column(place.at)[0]
            return line, line
        key = (place.module, place.function, place.at)
        if key not in self._known:
            function = self._program.project.function_of(FunctionRef(place.module, place.function))
            text = slice_of(self._source, function.line, function.end_line)
            span = spans(text, function.column, function.line, {place.at})[place.at]
            self._known[key] = (span.line, span.end_line)
        return self._known[key]


def _of_lists(program: Program, rules: Sequence[Rule], path: str, line: int, lines: Sequence[str]) -> Iterator[str]:
    """What happens on a line outside functions, for each row of the lists that frameworks make."""
    module = program.project.module_at(path)
    if module is not None:
        rows = _Lines(program, lines)
        for ref in (*program.lists.cards, *program.lists.methods):
            yield from _sentences(
                program, rules, FunctionRef(module, ""), ref, list(program.readings_of(ref)), rows, line
            )


def _from_elsewhere(
    program: Program,
    rules: Sequence[Rule],
    ref: FunctionRef,
    callers: Iterable[FunctionRef],
    rows: _Lines,
    line: int,
) -> Iterator[str]:
    """What happens on the line when it is reached from other functions, which know more of the arguments."""
    for caller in callers:
        readings = [each for each in program.readings_of(caller) if _passes(each, ref)]
        for sentence in _sentences(program, rules, ref, caller, readings, rows, line):
            yield f"called from `{caller.qualname}`: {sentence}"


def _passes(summary: Summary, ref: FunctionRef) -> bool:
    return any(
        (place.module, place.function) == (ref.module, ref.qualname)
        for effect in summary.effects
        if effect.via
        for place in chain(effect)
    )


def _sentences(
    program: Program,
    rules: Sequence[Rule],
    ref: FunctionRef,
    asked: FunctionRef,
    readings: Sequence[Summary],
    rows: _Lines,
    line: int,
) -> Iterator[str]:
    for summary in readings:
        problems = [(rule, p) for rule in rules if rule.check for p in rule.check(Function(asked, summary), program)]
        for effect in summary.effects:
            own = [place for place in _places(effect) if (place.module, place.function) == (ref.module, ref.qualname)]
            if any(rows.of(place)[0] <= line <= rows.of(place)[1] for place in own):
                yield f"{_described(effect)}{_through(effect)}. {_verdict(effect, problems)}"


def _places(effect: AnyEffect) -> Iterator[Place]:
    yield from chain(effect)
    yield from (context.place for context in effect.contexts)
    if isinstance(effect, ReadsRelation | ReadsColumn | RunsQuery) and effect.origin is not None:
        yield effect.origin.place


def _described(effect: AnyEffect) -> str:
    match effect:
        case ReadsRelation(path=path, origin=origin):
            of = f" of the rows of `{origin.label}`" if origin is not None else ""
            return f"the relation `{'.'.join(path)}`{of} is read and was not loaded: a query"
        case ReadsColumn(path=path):
            return f"the column `{'.'.join(path)}` is read and was left out of the query: a query"
        case RunsQuery(label=label, bypasses=bypasses):
            return f"`{label}` runs a query" + (" although the relation is loaded" if bypasses else "")
        case CallsService(label=label, service=service):
            return f"`{label}` is a round trip to {service}"
        case Evaluates(label=label, how=how):
            return f"`{label}` is asked for its {how}"
        case Blocks(label=label, work=work):
            return f"`{label}` keeps its thread waiting or busy ({work})"
        case (
            Writes()
            | Changes()
            | Removes()
            | NeverRuns()
            | WaitsForever()
            | Takes()
            | Builds()
            | Executes()
            | Prepares()
        ):
            return f"`{effect.label}` {_VERBS[type(effect)]}"
        case Asks(model=model):
            return f"rows of {model.rpartition('.')[2]} are asked for"
        case LoadsBadly(problem=problem):
            return f"the eager load `{problem.path}`: {problem.reason}"
        case UsesCache(does=does, label=label, key=key):
            return f"`{label}` {_CACHE_VERBS[does]} `{spell(key_of(key))}`"
        case ChangesSchema(operation=operation):
            return f"`{operation}` changes the schema"


_VERBS = {
    Writes: "writes to the database",
    Changes: "changes a row that a cache may have",
    Removes: "deletes rows",
    Takes: "takes a connection",
    Builds: "makes a pool or a client",
    NeverRuns: "is not awaited",
    WaitsForever: "waits for an answer with no limit",
    Executes: "changes more than single rows",
    Prepares: "brings rows of relations along",
}

_CACHE_VERBS = {
    "read": "reads the cache entry",
    "fill": "fills the cache entry",
    "fetch": "reads the cache entry and fills it on a miss,",
    "use": "works on the cache entry",
    "forget": "forgets the cache entry",
    "expire": "gives a time to live to the cache entry",
    "flush": "forgets all cache entries,",
}


def _through(effect: AnyEffect) -> str:
    return f", through {' → '.join(f'`{hop.callee}`' for hop in effect.via)}" if effect.via else ""


def _verdict(effect: AnyEffect, problems: Sequence[tuple[Rule, Problem]]) -> str:
    loops = {context.place for context in effect.contexts}
    for rule, problem in problems:
        marks = {problem.place, *(mark.place for mark in problem.related)} - loops
        if effect.place in marks and (effect.contexts or not isinstance(effect, RunsQuery)):
            return f"Reported: {rule.code} {rule.name} ({problem.confidence} confidence)."
    return f"Not reported: {_reason(effect)}."


def _reason(effect: AnyEffect) -> str:
    if effect.rare:
        return "it happens only now and then (in an `except`, on a miss of a memo, where something was not loaded)"
    if isinstance(effect, ReadsRelation) and not effect.known:
        return "it is not known what these rows brought along"
    if isinstance(effect, Evaluates):
        return "the rows are needed as well, or this is the cheapest way to ask"
    if isinstance(effect, Removes):
        return "what is marked is deleted in one go"
    if not effect.contexts:
        return "nothing repeats around it here"
    if growing(effect) is None and repeated(effect) is None:
        return "; ".join(_about(context) for context in effect.contexts)
    if growing(effect) is None:
        return "it is the same on every turn of the loop, and cheap after the first or needed anew"
    return "no rule that is on has anything against it"


def _about(context: Context) -> str:
    return f"the loop over `{context.over or '…'}` {_BOUNDS[context.bound]}"


def _nothing(program: Program, ref: FunctionRef, rows: _Lines, line: int) -> str:
    for context in program.contexts_of(ref):
        first, last = rows.of(context.place)
        if first <= line <= last:
            return f"  - {_about(context)}; nothing in it queries, as far as slowpath can see.\n"
    return "  - slowpath sees no query, no loop over rows and no call of a service on this line.\n"
