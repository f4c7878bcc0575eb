"""A relation is read for each row of a query that did not load it: one more query per row.

## Problem

A query gives 200 orders; the loop over them reads `order.user`. The ORM has not loaded the users, so it asks the
database once for each order: 201 queries where one or two would do. In staging there are five orders, in production
there are thousands, and each query costs a round trip.

The read may be far from the query: in a property, in a method, in `__str__`, in a function three calls down. slowpath
follows the rows there and shows the way.

## Slow

    from shop.models import Order

    def export(writer):
        for order in Order.objects.filter(paid=True):
            writer.writerow([order.number, order.user.email])

## Fast

    from shop.models import Order

    def export(writer):
        for order in Order.objects.filter(paid=True).select_related("user"):
            writer.writerow([order.number, order.user.email])

## How it decides

What a query has loaded goes with its rows, through variables, loops, properties and calls of the project's functions,
also as the arguments of these. Reported is the read of a relation that the rows did not bring, in a loop that grows
with the data; it is reported at the query, because that is what has to change.

A list that a framework makes is a loop that nobody wrote: what REST framework's serializers read for each row of a
list view or of `serializer.data`, columns of Django's admin, feeds.

## What silences it

Rows of which it is not known what they brought along: parameters, results of code that cannot be read. Loops that
turn a few times whatever the data, that stop at the first hit, or that go batch by batch. Relations that were
assigned, or that the model loads by itself. Reads that are five calls away from the loop have low confidence, and are
not reported by default.

## Fix safety

An eager load does not change what the program does; it changes when rows are fetched. Load what the loop reads and no
more: rows that nobody reads cost memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from slowpath.finding import Confidence
from slowpath.loads import Loads, Path
from slowpath.rules import Function, Mark, Problem, Rule
from slowpath.semantics.effects import Context, ReadsRelation, Writes
from slowpath.semantics.program import Program
from slowpath.semantics.repetition import each, growing, how_sure, steps
from slowpath.semantics.values import Origin
from slowpath.source import Place

_SHOWN = 3


def check(function: Function, program: Program) -> Iterator[Problem]:
    """Relations that are read per row and were not loaded."""
    for effect in function.summary.effects:
        if not isinstance(effect, ReadsRelation) or effect.rare or not effect.known or effect.origin is None:
            continue
        if effect.origin.single and (len(effect.path) == 1 or effect.many):
            # The row was fetched alone, and so would be what it lacks: the query for it is what runs per item.
            continue
        context = growing(effect)
        if context is not None and not _is_written_before(effect, function, program):
            yield _problem(effect, effect.origin, context, program)


def _is_written_before(effect: ReadsRelation, function: Function, program: Program) -> bool:
    """Whether a row that the read may find was written earlier on the same turn: loaded beforehand, it would be the
    old one."""
    relation = program.schema.relation(effect.model, effect.relation)
    for other in function.summary.effects:
        if other is effect:
            return False
        if isinstance(other, Writes) and relation is not None and other.model == relation.target:
            if other.contexts == effect.contexts:
                return True
    return False


def _problem(effect: ReadsRelation, origin: Origin, context: Context, program: Program) -> Problem:
    path = ".".join(effect.path)
    rows = program.schema.label(origin.model)
    dialect = program.dialect_of(origin.model)
    loads = effect.loads if len(effect.path) == 1 else Loads(locked=effect.loads.locked)
    remedy = dialect.spell(program.schema, origin.model, loads, (effect.path,)) if dialect is not None else ""
    verb = f"asked for its {effect.call}" if effect.call else "read"
    return Problem(
        place=origin.place,
        message=f"`{path}` is {verb}",
        subject=effect.path,
        help="",
        related=_related(effect, context, path),
        confidence=_confidence(effect, context),
        facts=(each(context), rows, remedy, origin.label, "raises" if effect.raises else ""),
    )


def _confidence(effect: ReadsRelation, context: Context) -> Confidence:
    if how_sure(effect, context) == "low":
        return "low"
    return "medium" if len(effect.via) > 3 else "high"


def combine(problems: tuple[Problem, ...]) -> Problem:
    """One problem for all relations that one query should have loaded, and for all loops that read them."""
    first = problems[0]
    surest = tuple(problem for problem in problems if problem.confidence != "low" or first.confidence == "low")
    by_path = {problem.subject: problem for problem in reversed(surest)}
    by_loop = {_loop(problem): problem for problem in reversed(surest)}
    paths = sorted(by_path)
    items = {problem.facts[0] for problem in surest}
    item = items.pop() if len(items) == 1 else "row"
    _, rows, _, label, raises = first.facts
    read = first.message if len(paths) == 1 else f"{_listed(paths)} are read"
    queries = max(len({other.subject for other in surest if _loop(other) == loop}) for loop in by_loop)
    price = "an error with an async session" if raises else f"{_counted(queries)} per {item}"
    loops = f", in {len(by_loop)} loops" if len(by_loop) > 1 else ""
    remedy = _together(by_path[path].facts[2] for path in paths if not _leads_on(path, paths))
    shown = [by_path[path] for path in paths[:_SHOWN]]
    elsewhere = by_loop.keys() - {_loop(problem) for problem in shown}
    shown += [problem for problem in surest if by_loop[_loop(problem)] is problem and _loop(problem) in elsewhere]
    marks = [mark for problem in shown for mark in problem.related]
    return replace(
        first,
        message=f"{read} for each {item} but not loaded with these {rows} rows: {price}{loops}",
        help=_help(remedy, label, f"`{'.'.join(paths[0])}`" if len(paths) == 1 else "them"),
        related=tuple(dict.fromkeys(marks)),
        subject=paths[0] if len(paths) == 1 else tuple(".".join(path) for path in paths),
    )


def _loop(problem: Problem) -> Place:
    return problem.related[0].place


def _together(remedies: Iterable[str]) -> str:
    """The calls of all of these, one of each name."""
    calls: dict[str, dict[str, None]] = {}
    for name, arguments in _calls("".join(remedies)):
        calls.setdefault(name, {})[arguments] = None
    return "".join(f".{name}({', '.join(arguments)})" for name, arguments in calls.items())


def _calls(chain: str) -> Iterator[tuple[str, str]]:
    """The calls of a chain (`.a(b).c(d)`): name and arguments."""
    depth = begin = opened = 0
    for position, sign in enumerate(chain):
        if sign == "(":
            depth += 1
            opened = position if depth == 1 else opened
        elif sign == ")":
            depth -= 1
            if not depth:
                yield chain[begin + 1 : opened], chain[opened + 1 : position]
                begin = position + 1


def _leads_on(path: Path, paths: list[Path]) -> bool:
    """Whether another path goes on from this one: what loads that loads both."""
    return any(len(other) > len(path) and other[: len(path)] == path for other in paths)


def _counted(queries: int) -> str:
    return "1 query" if queries == 1 else f"{queries} queries"


def _listed(paths: list[Path]) -> str:
    last = [path for path in paths if not _leads_on(path, paths)] if len(paths) > _SHOWN else paths
    shown = [f"`{'.'.join(path)}`" for path in last[:_SHOWN]]
    rest = len(paths) - len(shown)
    return f"{', '.join(shown)} and {rest} more" if rest else f"{', '.join(shown[:-1])} and {shown[-1]}"


def _help(remedy: str, label: str, what: str) -> str:
    return f"add `{remedy}` to `{label}`" if remedy else f"load {what} together with the rows"


def _related(effect: ReadsRelation, context: Context, path: str) -> tuple[Mark, ...]:
    marks = [Mark(context.place, f"{_repeats(context)} the rows")]
    marks += [Mark(hop.place, f"calls `{hop.callee}`") for hop in steps(effect, context)]
    marks.append(Mark(effect.place, f"reads `{path}`: a query each time"))
    return tuple(dict.fromkeys(marks))


def _repeats(context: Context) -> str:
    return "is called for each of" if context.kind == "map" else "goes through"


rule = Rule("SLO101", check, since="0.1.0", combine=combine)
