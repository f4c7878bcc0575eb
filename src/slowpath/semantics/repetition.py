"""How an effect repeats: around what, in which function, and what a reader is shown of the way there."""

from __future__ import annotations

from typing import Literal

from slowpath.semantics.effects import AnyEffect, Context, Hop
from slowpath.source import Place

_GROWING = {"growing", "counted", "named"}
_IN_BATCHES = {"chunked", "paged"}
_ONCE = {"once", "retry"}


def growing(effect: AnyEffect) -> Context | None:
    """The innermost thing around the effect that repeats as often as there is data, with the effect differing each
    time."""
    if any(context.bound in _ONCE for context in effect.contexts[-1:]):
        return None
    for position in range(len(effect.contexts) - 1, -1, -1):
        context = effect.contexts[position]
        if position in effect.varies and context.bound in _GROWING:
            return context
        if position in effect.varies and context.bound in _IN_BATCHES:
            return None
    return None


def repeated(effect: AnyEffect) -> Context | None:
    """Like `growing`, also when the effect is the same each time."""
    for context in reversed(effect.contexts):
        if context.bound in _GROWING:
            return context
        if context.bound != "small":
            return None
    return None


def invariant(effect: AnyEffect) -> Context | None:
    """The innermost growing thing around an effect that is the same each time; none if it differs with anything
    there."""
    if any(position >= 0 for position in effect.varies):
        return None
    context = effect.contexts[-1] if effect.contexts else None
    return context if context is not None and context.bound in _GROWING and context.kind != "while" else None


def chain(effect: AnyEffect) -> tuple[Place, ...]:
    """The places of the calls that lead to the effect, and its own."""
    return (*(hop.place for hop in effect.via), effect.place)


def place_in(effect: AnyEffect, context: Context) -> Place:
    """Where, in the function that repeats, the effect comes from: the effect itself or the call that leads to it."""
    return chain(effect)[context.hops]


def steps(effect: AnyEffect, context: Context) -> tuple[Hop, ...]:
    """The calls on the way from the function that repeats to the effect."""
    return effect.via[context.hops :]


def callees(effect: AnyEffect, context: Context) -> tuple[str, ...]:
    """The functions called on the way from the one that repeats to the effect."""
    return tuple(hop.callee for hop in steps(effect, context))


def how_sure(effect: AnyEffect, context: Context) -> Literal["high", "medium", "low"]:
    """How much there is to a finding, by how far the effect is from the loop: each call on the way may depend on
    something."""
    calls = len(steps(effect, context))
    return "high" if calls <= 2 else "medium" if calls <= 4 else "low"


def each(context: Context) -> str:
    """The thing that each turn is about, for a sentence: `order`, or "turn"."""
    return f"`{context.item}`" if context.item and len(context.item) <= 30 else "item"
