"""One reading of one function: its variables, what repeats around the present place, and what was seen so far."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from msgspec.structs import replace

from slowpath import expression as e
from slowpath.references import ClassRef
from slowpath.semantics import uses
from slowpath.semantics.dependence import all_varies, settled
from slowpath.semantics.effects import (
    AnyEffect,
    Asks,
    Blocks,
    CallsService,
    ChangesSchema,
    Context,
    ContextKind,
    Executes,
    Hop,
    NeverRuns,
    Prepares,
    RunsQuery,
    Seen,
    Summary,
    Takes,
    UsesCache,
    WaitsForever,
    Writes,
)
from slowpath.semantics.joins import join
from slowpath.semantics.repetition import chain
from slowpath.semantics.sight import Sight
from slowpath.semantics.steps import Trail
from slowpath.semantics.values import Bound, Collection, Instance, Origin, Row, Value, field_of, with_field
from slowpath.source import Place
from slowpath.vocabulary import Work

if TYPE_CHECKING:
    from slowpath.semantics.program import Program

Environment = dict[str, Value]

# What happens more calls away than this is no longer said of the caller.
_FARTHEST = 10

# Nor is, of statements, what no migration's own helpers do.
_NEAR = 2


class Frame:
    """The state of one reading. `function` is empty for the module's own level."""

    def __init__(self, program: Program, module: str, function: str, *, owner: ClassRef | None, depth: int) -> None:
        self.program = program
        self.module = module
        self.function = function
        self.owner = owner
        self.depth = depth
        self.height = 0
        self.is_async = False
        self.on_loop = False
        # The call whose value nobody looks at, or only asks whether it is true.
        self.unused = -1
        self.sight: Sight | None = None
        self.env: Environment = {}
        self.rebound: set[str] = set()
        self.bound_at: dict[str, int] = {}
        self.tries: list[int] = []
        self.contexts: list[tuple[int, Context]] = []
        self.effects: dict[object, AnyEffect] = {}
        self.returns: list[Value] = []
        self.yields: list[Value] = []
        self.yield_bounds: set[Bound] = set()
        self.jumps: list[Environment] = []
        self.dead = False
        self.rare = 0
        self.later = 0
        # How many things around may make whoever comes here wait for its turn.
        self.gates = 0
        self.apart = 0
        self.awaiting = False
        self.compared = False
        self.transaction: Place | None = None
        self.now: object = None
        self.assumed: dict[str, Value] = {}
        self._loops = 0

    def elsewhere(self, module: str, function: str) -> Frame:
        """A frame for code that stands in another function but runs here (a lambda that was handed over)."""
        other = Frame(self.program, module, function, owner=None, depth=self.depth)
        other.contexts, other.effects, other.rare = self.contexts, self.effects, self.rare
        other.later, other.gates = self.later, self.gates
        other.is_async, other.on_loop = self.is_async, self.on_loop
        other.transaction = self.transaction
        other._loops = self._loops + 1000
        return other

    def place(self, at: int) -> Place:
        """The node's place."""
        return Place(self.module, self.function, at)

    @contextmanager
    def repeating(
        self, kind: ContextKind, at: int, item: str, over: str, bound: Bound, origin: Origin | None = None
    ) -> Iterator[int]:
        """What is read inside repeats; gives the loop's number, which values inside vary with and values outside do
        not."""
        number = self._loops
        self._loops += 1
        context = Context(kind, self.place(at), item, over, bound, origin)
        self.contexts.append((number, context))
        self.program.note(context)
        try:
            yield number
        finally:
            self.contexts.pop()
            for name, value in self.env.items():
                if number in all_varies(value):
                    self.env[name] = settled(value, frozenset((number,)))

    def limit(self) -> None:
        """From here on, the innermost loop turns for a few items only."""
        number, context = self.contexts[-1]
        self.contexts[-1] = (number, replace(context, bound="small"))

    @contextmanager
    def leaving(self, *, function: bool) -> Iterator[None]:
        """What is read inside ends the innermost loop, or the whole function, so it is reached once."""
        kept = list(self.contexts)
        first = 0 if function else max(len(kept) - 1, 0)
        for index in range(first, len(kept)):
            number, context = kept[index]
            self.contexts[index] = (number, replace(context, bound="once"))
        try:
            yield
        finally:
            self.contexts[:] = kept

    @contextmanager
    def seldom(self) -> Iterator[None]:
        """What is read inside happens only now and then."""
        self.rare += 1
        try:
            yield
        finally:
            self.rare -= 1

    @contextmanager
    def putting_off(self) -> Iterator[None]:
        """What is read inside happens when something around has ended."""
        kept, self.transaction = self.transaction, None
        self.later += 1
        try:
            yield
        finally:
            self.later -= 1
            self.transaction = kept

    @contextmanager
    def in_transaction(self, at: int) -> Iterator[None]:
        """What is read inside is done in a transaction that is open from the node on."""
        kept = self.transaction
        self.transaction = kept or self.place(at)
        try:
            yield
        finally:
            self.transaction = kept

    @contextmanager
    def committing(self) -> Iterator[None]:
        """Each statement that is read inside is committed at once."""
        self.apart += 1
        try:
            yield
        finally:
            self.apart -= 1

    def emit(self, effect: AnyEffect, varies: frozenset[int], depth: int | None = None) -> None:
        """Write down an effect that happens here, inside so many of the loops around; `varies` is what its subject
        depends on."""
        around = self.contexts if depth is None else self.contexts[:depth]
        effect = replace(
            effect,
            contexts=tuple(context for _, context in around),
            varies=frozenset(position for position in self._positions(varies) if position < len(around)),
            rare=effect.rare or self.rare > 0,
            later=self.later > 0,
        )
        if isinstance(effect, RunsQuery) and self._is_worked_out_here():
            effect = replace(effect, computed=True)
        if isinstance(effect, ChangesSchema | Executes) and self.apart:
            effect = replace(effect, apart=True)
        self._add(self._handled(self._timed(effect)))

    def _timed(self, effect: AnyEffect) -> AnyEffect:
        """What others see knows the transaction that it happens in."""
        if not isinstance(effect, Seen) or effect.later or self.transaction is None:
            return effect
        return replace(effect, transaction=self.transaction)

    def _is_worked_out_here(self) -> bool:
        """Whether the present statement mentions a variable that was assigned on this turn of the innermost loop."""
        if not self.contexts:
            return False
        items = self.contexts[-1][1].item.split(", ")
        depth = len(self.contexts)
        return any(self.bound_at.get(name, 0) >= depth for name in uses.names_of(self.now) - {*items})

    def blocks(self, at: int, label: str, work: Work, service: str = "", instead: str = "") -> None:
        """Write down that the thread waits or works here, unless that is awaited or no event loop comes this way."""
        if self.on_loop and not self.awaiting:
            rare = self.rare > 0
            self._add(Blocks(place=self.place(at), label=label, work=work, service=service, instead=instead, rare=rare))

    def _handled(self, effect: AnyEffect) -> AnyEffect:
        """A write knows whether its own errors are caught, item by item."""
        if isinstance(effect, Writes) and any(depth >= len(self.contexts) for depth in self.tries):
            return replace(effect, handled=True)
        return effect

    def replay(
        self,
        summary: Summary,
        given: tuple[frozenset[int], ...],
        trails: Mapping[str, Trail | None],
        hop: Hop,
        *,
        rare: bool,
        beside: bool = False,
        fill: Callable[[Value], Value],
        elsewhere: bool = False,
    ) -> None:
        """Write down a callee's effects; `given[i]` is what the argument for its parameter i varies with, `trails`
        are those of queries that it is given, and `fill` puts the arguments into texts.

        A callee that runs `beside` its siblings (gathered coroutines) still queries once each, but waits for services
        once. What keeps a callee's own thread busy, or the event loop of a coroutine, which answers for that itself,
        happens `elsewhere`.
        """
        outer = tuple(context for _, context in self.contexts)
        around = {context.place for context in outer}
        for own in summary.effects:
            effect: AnyEffect = own
            # What goes round the same loop again by recursion has been said already.
            if around and any(context.place in around for context in effect.contexts):
                continue
            if isinstance(effect, WaitsForever | NeverRuns | Prepares):
                # It is mended, or says something, where it is.
                continue
            if isinstance(effect, Blocks):
                if not elsewhere and self.on_loop and len(effect.via) < _FARTHEST:
                    rarely = effect.rare or rare or self.rare > 0
                    self._add(replace(effect, via=(hop, *effect.via), rare=rarely))
                continue
            if isinstance(effect, Asks):
                # A query that the callee knows all of is its own affair.
                trail = effect.trail.told(trails) if effect.trail.untold else None
                if trail is None:
                    continue
                effect = replace(effect, trail=trail)
            if len(effect.via) >= _FARTHEST or (beside and isinstance(effect, CallsService)):
                continue
            if isinstance(effect, Takes):
                limited, together = effect.limited or self.gates > 0, effect.together or beside
                effect = replace(effect, limited=limited, together=together)
            if isinstance(effect, ChangesSchema | Executes):
                if len(effect.via) >= _NEAR:
                    continue
                effect = replace(effect, apart=effect.apart or self.apart > 0)
            if isinstance(effect, Executes):
                effect = replace(effect, text=fill(effect.text))
            varies = {len(outer) + position for position in effect.varies if position >= 0}
            for position in effect.varies:
                if position < 0 and -1 - position < len(given):
                    varies |= self._positions(given[-1 - position])
            replayed = replace(
                replace(effect, key=fill(effect.key)) if isinstance(effect, UsesCache) else effect,
                contexts=outer + tuple(replace(context, hops=context.hops + 1) for context in effect.contexts),
                varies=frozenset(varies),
                via=(hop, *effect.via),
                rare=effect.rare or rare or self.rare > 0,
                later=effect.later or self.later > 0,
            )
            timed = self._timed(replayed)
            self._add(self._handled(timed) if not effect.contexts else timed)

    def _positions(self, varies: frozenset[int]) -> frozenset[int]:
        positions = {number: position for position, (number, _) in enumerate(self.contexts)}
        return frozenset(positions.get(number, number) for number in varies if number < 0 or number in positions)

    def _add(self, effect: AnyEffect) -> None:
        if self.sight is not None:
            self.sight.note_effect(effect)
        key: object
        if isinstance(effect, Blocks):
            key = (Blocks, effect.work, chain(effect)[0] if self.is_async else None)
        else:
            around = tuple(context.place for context in effect.contexts)
            key = (type(effect), effect.place, around, effect.varies, _subject(effect))
        known = self.effects.get(key)
        if known is None or (effect.rare, len(effect.via)) < (known.rare, len(known.via)):
            self.effects[key] = effect

    def needs_rows(self, node: e.Expression) -> bool:
        """Whether the function does more with the query that this variable holds than ask how many rows it has."""
        if isinstance(node, e.Await):
            node = node.value
        if isinstance(node, e.Walrus):
            node = node.target
        if isinstance(node, e.Attribute):
            return not isinstance(self.lookup(node.value), Row)
        if not isinstance(node, e.Name):
            return False
        body = self.program.body_of(self.module, self.function)
        return body is None or uses.needs_rows(body, node.id)

    def needs_rows_here(self, node: e.Expression) -> bool:
        """Whether the function does something with the rows that this variable holds besides returning them."""
        body = self.program.body_of(self.module, self.function)
        return isinstance(node, e.Name) and body is not None and uses.needs_rows(body, node.id, returned=False)

    def is_of_this_turn(self, value: Value) -> bool:
        """Whether the value was made for this turn of the innermost loop, or for this call."""
        if not self.contexts:
            return bool(value.varies)
        return self.contexts[-1][0] in value.varies

    def bind(self, name: str, value: Value) -> None:
        """Assign to a variable."""
        self.env[name] = value
        self.rebound.add(name)
        self.bound_at[name] = len(self.contexts)

    def lookup(self, node: e.Expression) -> Value | None:
        """What is known of a variable or of an attribute of one, without reading anything."""
        match node:
            case e.Name(id=name):
                return self.env.get(name)
            case e.Attribute(value=inner, attr=attr):
                base = self.lookup(inner)
                if isinstance(base, Row | Instance):
                    return field_of(base.fields, attr)
            case e.Await(value=inner):
                return self.lookup(inner)
        return None

    def update(self, node: e.Expression, value: Value) -> None:
        """Remember that the thing this expression names is now `value`; the variable itself was not rebound."""
        match node:
            case e.Name(id=name):
                if name in self.env:
                    self.env[name] = value
            case e.Attribute(value=inner, attr=attr):
                base = self.lookup(inner)
                if isinstance(base, Row | Instance):
                    self.update(inner, replace(base, fields=with_field(base.fields, attr, value)))
            case e.Subscript(value=inner):
                base = self._held(inner)
                if isinstance(base, Collection) and base.kind == "dict" and isinstance(value, Collection):
                    self.update(inner, replace(base, element=value, items=None))

    def _held(self, node: e.Expression) -> Value | None:
        """What is known of a variable, or of the dicts in a dict."""
        if not isinstance(node, e.Subscript):
            return self.lookup(node)
        outer = self._held(node.value)
        return outer.element if isinstance(outer, Collection) and outer.kind == "dict" else None


def merged(one: Environment, other: Environment) -> Environment:
    """What is known after either of two ways."""
    if one is other:
        return one
    result = dict(one)
    for name, value in other.items():
        known = result.get(name)
        result[name] = value if known is None or known is value else join(known, value)
    return result


def _subject(effect: AnyEffect) -> object:
    """What tells effects of one kind at one place apart."""
    match effect:
        case UsesCache(key=key, via=via):
            # Which calls forget an entry makes a difference, as each may be on a way of its own.
            return key, via[:1]
        case Asks(trail=trail):
            return trail
        case ChangesSchema(call=call):
            return call
        case Executes(text=text):
            return text
    return None
