"""A row is written per item of a loop: one round trip (or one transaction) each, where one for all would do.

## Problem

`create()`, `save()`, `delete()` and `commit()` wait for the database. In a loop over a thousand items they wait a
thousand times; a commit also waits for the disk. The ORM has a form that writes many rows with one statement.

## Slow

    from shop.models import Tag

    def add_tags(order, names):
        for name in names:
            Tag.objects.create(order=order, name=name)

## Fast

    from shop.models import Tag

    def add_tags(order, names):
        Tag.objects.bulk_create([Tag(order=order, name=name) for name in names])

## How it decides

A write is followed from where it is made through the functions that lead to it. Reported is one that a loop makes on
every turn, when the loop grows with the data and the library has a form for many rows.

## What silences it

Models for which the bulk form means something else: `save()` or `delete()` is overridden, signals are received, the
model inherits from another table. (`get_or_create` looks each item up all the same, and is reported.) Loops that
handle the errors of each item. Loops over a few constants, batches, and statements for a list of rows or keys. A commit
that ends a piece of work (another service was asked on the same turn, or the function that commits calls many others),
or that is five calls away, has low confidence, and is not reported by default. So has a row from before the loop that
is saved on every turn while others are worked on: it shows whoever waits how far the work has come. And so has what is
written in a transaction that the loop opens for each item, and a change for each entry of a dict of which nothing is
known but that it names no rows by their key.

## Fix safety

Bulk forms do not call `save()` and send no signals, ours and other people's. `bulk_create` sets no primary keys on
some databases. One commit for all items means that one bad item undoes them all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from slowpath.keyed import is_keyed
from slowpath.references import FunctionRef
from slowpath.rules import Function, Mark, Problem, Rule
from slowpath.semantics.effects import CACHE, CallsService, Changes, Context, RunsQuery, Writes
from slowpath.semantics.program import Program
from slowpath.semantics.repetition import callees, chain, each, how_sure, place_in, repeated, steps
from slowpath.source import Place

# A write asks this much first; what asks more is a job of its own.
_MOST_QUERIES = 2

# What a function calls that saves one thing; what calls more ends a piece of work with its commit.
_MOST_CALLS = 10

# What looking up what is there saves even where every new row is to be saved by itself.
_LOOK_UP = "fetch the existing rows with one query before the loop, and save only what is new or has changed"

# What the one-by-one form runs and the bulk form does not: overridden methods, and signals.
_HOOKS: dict[str, tuple[set[str], set[str]]] = {
    "create": ({"save"}, {"pre_save", "post_save"}),
    "get-or-create": ({"save"}, {"pre_save", "post_save"}),
    "save": ({"save"}, {"pre_save", "post_save"}),
    "delete": ({"delete"}, set()),
}


def check(function: Function, program: Program) -> Iterator[Problem]:
    """Writes that run per item and could run once; one problem for each place in a loop."""
    found: dict[tuple[Place, Place], list[tuple[Writes, Context]]] = {}
    for effect in function.summary.effects:
        if not isinstance(effect, Writes) or effect.rare or effect.handled or effect.action in {"bulk", "flush"}:
            continue
        context = repeated(effect)
        if context is not None and (effect.action == "get-or-create" or not _means_more(effect, program)):
            found.setdefault((place_in(effect, context), context.place), []).append((effect, context))
    for (place, _), group in found.items():
        effects = [effect for effect, _ in group]
        context = group[0][1]
        if _is_one_write(effects, context, function):
            problem = _problem(place, effects, context, program)
            meant = _is_boundary(effects, context, function, program) or _is_progress(effects, context, function)
            meant = meant or all(
                _is_apart(effect, context) or _is_named(effect, context, program) for effect in effects
            )
            yield replace(problem, confidence="low") if meant else problem


def _is_one_write(effects: Sequence[Writes], context: Context, function: Function) -> bool:
    """Whether the place in the loop does little more than the write; an operation of several steps per item is no
    bulk write."""
    calls = steps(effects[0], context)
    if not calls:
        return True
    behind = [other for other in function.summary.effects if calls[0] in other.via]
    queries = {other.place for other in behind if isinstance(other, RunsQuery)}
    if len(queries) > _MOST_QUERIES or any(isinstance(other, CallsService) for other in behind):
        return False
    writes = {other.place for other in behind if isinstance(other, Writes)}
    return any(effect.action == "commit" for effect in effects) or (len(calls) == 1 and len(writes) == 1)


def _is_boundary(effects: Sequence[Writes], context: Context, function: Function, program: Program) -> bool:
    """Whether a commit ends a piece of work for one item: what calls a lot does much besides, and what was asked of
    another service is not to be done twice."""
    commits = [effect for effect in effects if effect.action == "commit"]
    if commits and all(_is_busy(effect, context, program) for effect in commits):
        return True
    return bool(commits) and any(
        isinstance(other, CallsService) and other.service != CACHE and not other.rare
        for other in function.summary.effects
        if context in other.contexts
    )


def _is_progress(effects: Sequence[Writes], context: Context, function: Function) -> bool:
    """Whether it is one row that is saved again on every turn, while something else is done: whoever waits sees in it
    how far the work has come."""
    same = all(
        effect.action == "save" and effect.model and effect.contexts.index(context) not in effect.varies
        for effect in effects
    )
    places = {effect.place for effect in effects}
    return same and any(
        other.place not in places and not isinstance(other, Changes)
        for other in function.summary.effects
        if context in other.contexts
    )


def _is_apart(effect: Writes, context: Context) -> bool:
    """Whether the loop opens a transaction for each item: what is written of one is not to be lost with another."""
    opened = effect.transaction
    if opened is None or (opened.module, opened.function) != (context.place.module, context.place.function):
        return False
    return opened.at > context.place.at


def _is_named(effect: Writes, context: Context, program: Program) -> bool:
    """Whether a change is made for each name of something, settings or fields, as far as anybody knows."""
    return context.bound == "named" and effect.action == "write" and not is_keyed(effect, program)


def _is_busy(effect: Writes, context: Context, program: Program) -> bool:
    """Whether one of the functions on the way to the write calls a lot."""
    between = chain(effect)[context.hops + 1 :]
    refs = {FunctionRef(place.module, place.function) for place in between}
    return any(len(program.project.function_of(ref).sketch.calls) > _MOST_CALLS for ref in refs)


def _means_more(effect: Writes, program: Program) -> bool:
    """Whether the one-by-one form does what the bulk form would not."""
    model = program.schema.models.get(effect.model)
    if model is None:
        return False
    if {hop.callee.rpartition(".")[2] for hop in effect.via} & set(model.overrides):
        return True
    methods, signals = _HOOKS.get(effect.action, (set[str](), set[str]()))
    if methods & set(model.overrides) or signals & set(model.receivers):
        return True
    return effect.action in {"create", "save", "get-or-create"} and model.multi_table


def _problem(place: Place, effects: Sequence[Writes], context: Context, program: Program) -> Problem:
    first = min(effects, key=lambda effect: len(effect.via))
    names = callees(first, context)
    # Some of several may be on ways that exclude each other.
    writes = "1 write or more" if len(effects) > 1 else "1 write"
    start = f"`{names[0]}` writes (`{first.label}`)" if names else f"`{first.label}` is called"
    return Problem(
        place=place,
        message=f"{start} once per {each(context)}: {writes} per {each(context)}",
        subject=(names[0] if names else first.label,),
        help=_help(first) if not _means_more(first, program) else _LOOK_UP,
        related=_related(effects, context),
        confidence=how_sure(first, context) if len(names) > 2 else "medium" if len(first.via) > 2 else "high",
    )


def _related(effects: Sequence[Writes], context: Context) -> tuple[Mark, ...]:
    marks = [Mark(context.place, f"repeats for each {each(context)}")]
    for effect in effects[:3]:
        marks += [Mark(hop.place, f"calls `{hop.callee}`") for hop in steps(effect, context)]
        marks.append(Mark(effect.place, f"writes: `{effect.label}`"))
    return tuple(dict.fromkeys(marks))


def _help(effect: Writes) -> str:
    if effect.instead:
        return f"collect the items in the loop and write them after it with `{effect.instead}`"
    match effect.action:
        case "commit":
            return "do this once after the loop (or once per batch of some hundreds)"
        case "link":
            return "link all rows with one call, on this side or on the other side of the relation"
        case "get-or-create":
            return "fetch the existing rows with one query before the loop and create the missing ones together"
        case "write":
            return "make it one statement for all items, with `IN` or a bulk update"
        case "delete":
            return "delete all of them with one query, filtered by key"
    return "collect the items in the loop and write them together after it"


rule = Rule("SLO103", check, since="0.1.0")
