"""A relation is read for each row of a query that did not load it: one more query per row.

## Problem

A query gives 200 orders; the loop over them reads `order.user`. The ORM has not loaded the users, so it asks the database
once for each order: 201 queries where one or two would do. In staging there are five orders, in production there are
thousands, and each query costs a round trip.

The read may be far from the query: in a property, in a method, in `__str__`, in a function three calls down. slowpath follows the
rows there and shows the way. It reports at the query, because that is what has to change.

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

## What silences it

Rows of which it is not known what they brought along: parameters, results of code that cannot be read. Loops that turn a few
times whatever the data, that stop at the first hit, or that go batch by batch. Relations that were assigned, or that the model loads by itself.

## Fix safety

An eager load does not change what the program does; it changes when rows are fetched. Load what the loop reads and no more: rows
that nobody reads cost memory.
"""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.finding import Confidence
from slowpath.loads import Loads
from slowpath.rules import Function, Mark, Problem, Rule
from slowpath.semantics.effects import Context, ReadsRelation, Writes
from slowpath.semantics.program import Program
from slowpath.semantics.repetition import each, growing, steps
from slowpath.semantics.values import Origin


def check(function: Function, program: Program) -> Iterator[Problem]:
    """Relations that are read per row and were not loaded."""
    for effect in function.summary.effects:
        if not isinstance(effect, ReadsRelation) or effect.rare or not effect.known or effect.origin is None:
            continue
        context = growing(effect)
        if context is not None and not _is_written_before(effect, function, program):
            yield _problem(effect, effect.origin, context, program)


def _is_written_before(effect: ReadsRelation, function: Function, program: Program) -> bool:
    """Whether a row that the read may find was written earlier on the same turn: loaded beforehand, it would be the old one."""
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
    suggestion = _suggestion(effect, origin, program)
    return Problem(
        place=origin.place,
        message=_message(effect, path, rows, context),
        subject=effect.path,
        help=suggestion,
        related=_related(effect, context, path),
        confidence=_confidence(effect),
    )


def _message(effect: ReadsRelation, path: str, rows: str, context: Context) -> str:
    if effect.raises:
        return f"`{path}` is read for each {each(context)} but not loaded with these {rows} rows: with an async session the read is an error"
    verb = f"asked for its {effect.call}" if effect.call else "read"
    return f"`{path}` is {verb} for each {each(context)} but not loaded with these {rows} rows: 1 query per {each(context)}"


def _related(effect: ReadsRelation, context: Context, path: str) -> tuple[Mark, ...]:
    marks = [Mark(context.place, f"{_repeats(context)} the rows")]
    marks += [Mark(hop.place, f"calls `{hop.callee}`") for hop in steps(effect, context)]
    marks.append(Mark(effect.place, f"reads `{path}`: a query each time"))
    return tuple(dict.fromkeys(marks))


def _repeats(context: Context) -> str:
    return "is called for each of" if context.kind == "map" else "goes through"


def _suggestion(effect: ReadsRelation, origin: Origin, program: Program) -> str:
    dialect = program.dialect_of(origin.model)
    spelled = dialect.spell(program.schema, origin.model, _loads(effect), (effect.path,)) if dialect is not None else ""
    if not spelled:
        return f"load `{'.'.join(effect.path)}` together with the rows"
    return f"add `{spelled}` to `{origin.label}`"


def _loads(effect: ReadsRelation) -> Loads:
    return effect.loads if len(effect.path) == 1 else Loads()


def _confidence(effect: ReadsRelation) -> Confidence:
    return "medium" if len(effect.via) > 3 else "high"


rule = Rule("SLO101", check, since="0.1.0")
