"""What is said of coroutines that keep their event loop busy, whichever rule says it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping

from slowpath.finding import Mark, Problem
from slowpath.references import FunctionRef
from slowpath.semantics.busy import kept_busy, name_of, place_of, sureness
from slowpath.semantics.effects import Blocks, Summary
from slowpath.semantics.program import Program
from slowpath.vocabulary import Work

_PLACES = 5


def problems(
    program: Program,
    ref: FunctionRef,
    summary: Summary,
    does: Mapping[Work, str],
    advice: Callable[[Blocks], str],
    together: Callable[[Blocks], Hashable] = name_of,
) -> Iterator[Problem]:
    """One problem for each thing that a coroutine calls and that keeps its event loop busy; `does` says with what."""
    declaration = program.project.function_of(ref)
    if not declaration.is_async:
        return
    for first, *others in kept_busy(summary, does, together):
        deed = f"{does[first.work]} {first.service}".rstrip()
        deeper = f" (`{first.label}`)" if first.via else ""
        plain = "" if declaration.sketch.awaits else "; or write `def` for `async def`, as nothing is awaited here"
        yield Problem(
            place=place_of(first),
            message=f"`{name_of(first)}` {deed}{deeper}, and the event loop with it: nothing else runs meanwhile",
            subject=(name_of(first),),
            help=advice(first) + plain,
            related=(
                *(Mark(hop.place, f"calls `{hop.callee}`") for hop in first.via),
                Mark(first.place, deed),
                *(
                    Mark(place_of(other), f"{does[other.work]} {other.service}".rstrip() + ", too")
                    for other in others[:_PLACES]
                ),
            ),
            confidence=sureness(first),
            severity="note" if first.work == "stat" else "warning",
        )
