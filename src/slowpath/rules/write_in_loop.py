"""A row is written per item of a loop: one round trip (or one transaction) each, where one for all would do.

## Problem

`create()`, `save()`, `delete()` and `commit()` wait for the database. In a loop over a thousand items they wait a thousand times; a commit
also waits for the disk. The ORM has a form that writes many rows with one statement.

## Slow

    from shop.models import Tag

    def add_tags(order, names):
        for name in names:
            Tag.objects.create(order=order, name=name)

## Fast

    from shop.models import Tag

    def add_tags(order, names):
        Tag.objects.bulk_create([Tag(order=order, name=name) for name in names])

## What silences it

Models for which the bulk form means something else: `save()` or `delete()` is overridden, signals are received, the model inherits from
another table. Loops that handle the errors of each item. Loops over a few constants, and batches.

## Fix safety

Bulk forms do not call `save()` and send no signals, ours and other people's. `bulk_create` sets no primary keys on some databases. One
commit for all items means that one bad item undoes them all.
"""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.rules import Function, Mark, Problem, Rule
from slowpath.semantics.effects import Context, Writes
from slowpath.semantics.program import Program
from slowpath.semantics.repetition import callees, chain, each, place_in, repeated

_HOOKS = {
    "create": ({"save"}, {"pre_save", "post_save"}),
    "get-or-create": (set[str](), set[str]()),
    "save": ({"save"}, {"pre_save", "post_save"}),
    "delete": ({"delete"}, set[str]()),
}


def check(function: Function, program: Program) -> Iterator[Problem]:
    """Writes that run per item and could run once."""
    for effect in function.summary.effects:
        if not isinstance(effect, Writes) or effect.rare or effect.handled or effect.action in {"bulk", "flush"}:
            continue
        context = repeated(effect)
        if context is not None and not _means_more(effect, program):
            yield _problem(effect, context)


def _means_more(effect: Writes, program: Program) -> bool:
    """Whether the one-by-one form does what the bulk form would not."""
    model = program.schema.models.get(effect.model)
    if model is None:
        return False
    if {hop.callee.rpartition(".")[2] for hop in effect.via} & set(model.overrides):
        return True
    methods, signals = _HOOKS.get(effect.action, (set(), set()))
    if methods & set(model.overrides) or signals & set(model.receivers):
        return True
    return effect.action in {"create", "save"} and model.multi_table


def _problem(effect: Writes, context: Context) -> Problem:
    names = callees(effect, context)
    start = f"`{names[0]}` calls `{effect.label}`" if names else f"`{effect.label}` is called"
    return Problem(
        place=place_in(effect, context),
        message=f"{start} once per {each(context)}: 1 write per {each(context)}",
        subject=(effect.label,),
        help=_help(effect),
        related=_related(effect, context),
        confidence="medium" if len(effect.via) > 2 else "high",
    )


def _related(effect: Writes, context: Context) -> tuple[Mark, ...]:
    places = chain(effect)
    tail = places[places.index(place_in(effect, context)) :]
    calls = [Mark(hop.place, f"calls `{hop.callee}`") for hop in effect.via if hop.place in tail]
    return (Mark(context.place, f"repeats for each {each(context)}"), *calls, Mark(effect.place, f"writes: `{effect.label}`"))


def _help(effect: Writes) -> str:
    if effect.instead:
        return f"collect the items in the loop and write them after it with `{effect.instead}`"
    match effect.action:
        case "commit":
            return "do this once after the loop (or once per batch of some hundreds)"
        case "link":
            return "collect the rows in the loop and pass them all to one call after it"
        case "get-or-create":
            return "fetch the existing rows with one query before the loop and create the missing ones together"
        case "write":
            return "make it one statement for all items, with `IN` or a bulk update"
        case "delete":
            return "delete all of them with one query, filtered by key"
    return "collect the items in the loop and write them together after it"


rule = Rule("SLO103", check, since="0.1.0")
