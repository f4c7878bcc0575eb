"""The effects of any function, on demand: summaries by function and arguments, cycles to a fixpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from msgspec.structs import replace

from slowpath import expression as e
from slowpath.loads import Loads
from slowpath.project import Project
from slowpath.references import ClassRef, FunctionRef
from slowpath.schema import Schema
from slowpath.semantics import queries, shapes, statements, uses
from slowpath.semantics.bodies import Bodies
from slowpath.semantics.decorators import NOTHING_HANDED, Handed, handed_to
from slowpath.semantics.dependence import map_varies
from slowpath.semantics.effects import Context, Summary
from slowpath.semantics.enclosing import surroundings_of
from slowpath.semantics.expressions import evaluate
from slowpath.semantics.frame import Frame
from slowpath.semantics.lowering import Body
from slowpath.semantics.memory import DEEPEST, Memo, Parameters, Passing, Question
from slowpath.semantics.names import Names, with_origin_of
from slowpath.semantics.owning.ownership import Owned
from slowpath.semantics.prospects import Prospects
from slowpath.semantics.relevance import Relevance
from slowpath.semantics.showing import read, shown
from slowpath.semantics.sight import Sight
from slowpath.semantics.statement import Block
from slowpath.semantics.values import (
    NOTHING,
    UNKNOWN,
    Bound,
    Collection,
    Instance,
    Rows,
    Unknown,
    Value,
    unknown,
)
from slowpath.semantics.ways import joined, merged, settings_of
from slowpath.vocabulary import Knowledge

_ROUNDS = 4
_FLAGS = 2
_HEIRS = 40
_HEIRS_WITHOUT_LOOP = 8

_EMPTY = Summary((), UNKNOWN, ())


class Program(Names):
    """A project's functions, read when somebody asks.

    A summary is of a function and the values of its parameters. A function that leads back to itself is read again
    until nothing changes. What rests on something unfinished is forgotten with the question it was part of, so that
    the order of asking does not matter.
    """

    def __init__(
        self,
        project: Project,
        schema: Schema,
        knowledge: Knowledge,
        lines_of: Callable[[str], Sequence[str]],
        relevance: Relevance,
    ) -> None:
        super().__init__(project, schema, knowledge)
        self.reset_names()
        self.evaluate_at_module = self._evaluate_at_module
        self.prospects = Prospects(relevance, self)
        self.bodies = Bodies(project, lines_of)
        self._kept: dict[Question, tuple[Summary, frozenset[FunctionRef]]] = {}
        self._noted: list[Context] | None = None
        self._flags: dict[FunctionRef, tuple[str, ...]] = {}
        self._shapes: dict[tuple[str, str, int, str], frozenset[str]] = {}
        self._built: Memo[ClassRef, Instance] = Memo()
        self._sights: Memo[FunctionRef, Sight] = Memo()
        self.owned = Owned()
        self._manager_loads: Memo[str, Loads] = Memo()
        self._handed: Memo[FunctionRef, Handed] = Memo()
        self.lists = relevance.lists

    def body(self, ref: FunctionRef) -> Body | None:
        """The function's body, `None` when LibCST cannot read it."""
        return self.bodies.of(ref) if ref not in self.lists.cards else None

    def body_of(self, module: str, function: str) -> Block | None:
        """The statements of the function being read, `None` at module level."""
        body = self.body(FunctionRef(module, function)) if function else None
        return body.statements if body is not None else None

    def note(self, context: Context) -> None:
        """Remember a loop, while somebody asks for the loops of a function."""
        if self._noted is not None:
            self._noted.append(context)

    def contexts_of(self, ref: FunctionRef) -> tuple[Context, ...]:
        """The loops of the function, with what bounds them."""
        self._noted = []
        self._kept.clear()
        self.effects_of(ref)
        found, self._noted = self._noted, None
        return tuple(context for context in found if context.place.function == ref.qualname)

    def effects_of(self, ref: FunctionRef, receiver: Value | None = None) -> Summary:
        """What the function does when nothing is known of its arguments but their annotations."""
        return self.summary(ref, self.parameters_of(ref, receiver), 0)

    def sight_of(self, ref: FunctionRef) -> Sight:
        """What the function does call by call, when nothing is known of its arguments but their annotations."""
        return self.recall(self._sights, ref, Sight(), lambda: self._look(ref))

    def _look(self, ref: FunctionRef) -> Sight:
        sight = Sight()
        body = self.body(ref)
        self.consulted.add(ref)
        if body is not None:
            self._read_once(ref, self.parameters_of(ref), body, 0, {}, sight)
        return sight

    def parameters_of(self, ref: FunctionRef, receiver: Value | None = None) -> Parameters:
        """What the parameters are when nothing is known of them but annotations and defaults."""
        declaration = self.project.function_of(ref)
        handed = self.handed_to(ref)
        values: list[tuple[str, Value]] = []
        for position, parameter in enumerate(declaration.parameters):
            value = handed.value(parameter.name, position) or UNKNOWN
            if position == 0 and declaration.owner and self.binding_of(ref) != "static":
                value = receiver if receiver is not None else self.receiver_of(ref)
            elif isinstance(parameter.default, e.Listing | e.Call):
                value = self.default_of(ref.module, parameter)
            if isinstance(value, Unknown) and parameter.annotation is not None:
                value = self.annotated(ref.module, parameter.annotation)
            # As many as somebody wrote down at the call.
            if parameter.kind == "*":
                value = Collection("tuple", value, bound="small")
            elif parameter.kind == "**":
                value = Collection("dict", value, key=UNKNOWN, bound="small")
            values.append((parameter.name, value))
        return tuple(values)

    def handed_to(self, ref: FunctionRef) -> Handed:
        """What the function's decorators pass to it."""
        if not self.project.function_of(ref).decorators:
            return NOTHING_HANDED
        return self.recall(self._handed, ref, NOTHING_HANDED, lambda: handed_to(self, ref))

    def readings_of(self, ref: FunctionRef) -> Iterator[Summary]:
        """What the function does: by itself, and in each subclass that gives it other things to work with."""
        self._passing.clear()
        self._unsettled.clear()
        if ref in self.lists.cards:
            yield from read(self, self.lists.cards[ref])
            return
        yield self.effects_of(ref)
        if ref in self.lists.methods:
            yield from shown(self, ref, self.lists.methods[ref])
        for heir in self._heirs(ref):
            yield self.effects_of(ref, self.instance_of(heir))

    def _heirs(self, ref: FunctionRef) -> Iterator[ClassRef]:
        """The subclasses that inherit the method and define something that it mentions."""
        declaration = self.project.function_of(ref)
        if not declaration.owner or self.binding_of(ref) in {"static", "class", "class-property"}:
            return
        owner = ClassRef(ref.module, declaration.owner)
        words = set(declaration.sketch.words)
        most = _HEIRS if declaration.sketch.loops else _HEIRS_WITHOUT_LOOP
        for heir in self.project.subclasses(owner)[:most]:
            own = self.project.class_of(heir)
            names = {assignment.name for assignment in own.assignments} | self.project.own_methods(heir).keys()
            if not words.isdisjoint(names) and self.project.method(heir, declaration.name) == ref:
                yield heir

    def receiver_of(self, ref: FunctionRef) -> Value:
        """What `self` (or `cls`) is in a method that nobody in particular calls."""
        owner = ClassRef(ref.module, self.project.function_of(ref).owner)
        if self.binding_of(ref) in {"class", "class-property"}:
            return self.of_resolved(owner)
        if any(known.kind in {"query", "manager"} for known in self.external_types(owner)):
            users = [model for model in self.schema.models.values() if self._is_managed_by(model.managers, owner.name)]
            if len(users) == 1:
                return Rows(users[0].name, type=users[0].rows_type, manager=owner.name)
            return UNKNOWN
        return self.instance_of(owner)

    @staticmethod
    def _is_managed_by(managers: tuple[tuple[str, str], ...], name: str) -> bool:
        return any(name in cls.split("+") for _, cls in managers)

    def summary(self, ref: FunctionRef, parameters: Parameters, depth: int) -> Summary:
        """The function's effects with these values for its parameters (and for variables it sees from outside)."""
        if depth == 0:
            self._passing.clear()
            self._unsettled.clear()
        key = (ref, parameters)
        kept = self._kept.get(key)
        if kept is not None and depth + kept[0].height <= DEEPEST:
            self.consulted |= kept[1]
            return kept[0]
        passing = self._passing.get(key)
        if passing is not None:
            self._cut = self._cut or passing.cut or not passing.heads <= self._running.keys()
            self._heads |= passing.heads
            self.consulted |= passing.consulted
            return passing.summary
        if key in self._running:
            self._heads.add(key)
            return self._running[key]
        if depth > DEEPEST or self.is_lost(ref, depth):
            self._cut = True
            return Summary((), unknown(*(value for _, value in parameters)), ())
        return self._settle(key, depth)

    def _settle(self, key: Question, depth: int) -> Summary:
        """Read the function, again and again if it leads back to itself, and keep what does not rest on anything
        unfinished.

        A summary that was cut short is kept for the function asked about first and no longer: it depends on the way
        that led to it.
        """
        self.tick()
        ref = key[0]
        outer = (self._heads, self._cut, self.consulted)
        self._active[ref] = self._active.get(ref, 0) + 1
        result = _EMPTY
        for _ in range(_ROUNDS):
            self._heads, self._cut, self.consulted = set(), False, {ref}
            known = len(self._passing)
            # A chain of calls that leads back here is no deeper for every time it does.
            self._running[key] = replace(result, height=0)
            read = self._read(key, depth)
            stable = read == result or key not in self._heads
            result = read
            # What leads back to something further out is read again from there.
            if stable or self._heads != {key}:
                break
            for stale in list(self._passing)[known:]:
                del self._passing[stale]
        del self._running[key]
        self._active[ref] -= 1
        settled = stable and not self._heads - {key}
        cut = self._cut or (not stable and self._heads == {key})
        heads = frozenset(self._heads - {key})
        if settled and not self._cut:
            self._kept[key] = (result, frozenset(self.consulted))
        else:
            self._unsettled[ref] += 1
            self._passing[key] = Passing(result, frozenset(self.consulted), heads, cut)
        self._heads = outer[0] | heads
        self._cut = cut or outer[1]
        self.consulted |= outer[2]
        return result

    def _read(self, key: Question, depth: int) -> Summary:
        ref, parameters = key
        body = self.body(ref)
        if body is None:
            return Summary((), self.returned(ref, NOTHING), ())
        return self._read_ways(ref, parameters, body, depth)

    def _read_ways(self, ref: FunctionRef, parameters: Parameters, body: Body, depth: int) -> Summary:
        """One reading, or one for each setting of the flags that the ways through the function hang together by."""
        if ref not in self._flags:
            self._flags[ref] = uses.flags_of(body.statements, frozenset(name for name, _ in parameters))
        closed = {name for name, value in parameters if not isinstance(value, Unknown)}
        flags = tuple(flag for flag in self._flags[ref] if flag not in closed)[:_FLAGS]
        readings = [self._read_once(ref, parameters, body, depth, setting) for setting in settings_of(flags)]
        return readings[0] if len(readings) == 1 else merged(readings)

    def _read_once(
        self,
        ref: FunctionRef,
        parameters: Parameters,
        body: Body,
        depth: int,
        setting: dict[str, Value],
        sight: Sight | None = None,
    ) -> Summary:
        declaration = self.project.function_of(ref)
        owner = ClassRef(ref.module, declaration.owner) if declaration.owner else None
        frame = Frame(self, ref.module, declaration.qualname, owner=owner, depth=depth)
        frame.is_async, frame.sight, frame.on_loop = declaration.is_async, sight, self.prospects.on_loop(ref)
        frame.transaction = self.transaction_around(ref) if self.prospects.has_caches else None
        frame.rare = int(self.runs_once(ref))
        if declaration.nested_in:
            frame.env.update(surroundings_of(self, ref, body, parameters))
        frame.env.update(parameters)
        frame.assumed = setting
        statements.run(frame, body.statements)
        if sight is not None:
            sight.left = frame.env
        return Summary(
            effects=tuple(frame.effects.values()),
            returns=self._result(ref, frame),
            finals=tuple(
                (name, frame.env[name])
                for name, given in parameters
                if name in frame.env and name not in frame.rebound and frame.env[name] != given
            ),
            height=frame.height,
        )

    def _result(self, ref: FunctionRef, frame: Frame) -> Value:
        declaration = self.project.function_of(ref)
        if declaration.sketch.yields:
            element = joined(frame.yields)
            bounds = frame.yield_bounds
            bound: Bound = "small" if bounds == {"small"} else "growing"
            if "chunked" in bounds or self._yields_chunks(ref):
                bound = "chunked"
            return Collection("iterator", element, bound=bound, varies=element.varies)
        result = joined(frame.returns)
        if isinstance(result, Unknown) and declaration.returns is not None:
            return self.annotated(ref.module, declaration.returns, result.varies)
        return result

    def _yields_chunks(self, ref: FunctionRef) -> bool:
        body = self.body(ref)
        return body is not None and shapes.yields_chunks(body.statements)

    def returned(self, ref: FunctionRef, varies: frozenset[int]) -> Value:
        """What a function gives by its annotation alone."""
        declaration = self.project.function_of(ref)
        if declaration.returns is None:
            return Unknown(varies=varies) if varies else UNKNOWN
        return self.annotated(ref.module, declaration.returns, varies)

    def _evaluate_at_module(self, module: str, node: e.Expression) -> Value:
        frame = Frame(self, module, "", owner=None, depth=1)
        return map_varies(evaluate(frame, node), lambda _: NOTHING)

    def remembered(self, frame: Frame, at: int, what: str, answer: Callable[[], frozenset[str]]) -> frozenset[str]:
        """A question about the shape of a piece of code, answered once."""
        key = (frame.module, frame.function, at, what)
        known = self._shapes.get(key)
        if known is None:
            known = self._shapes[key] = answer()
        return known

    def nested(self, frame: Frame, name: str) -> Value | None:
        """The function or class defined under this name inside the one being read."""
        qualname = f"{frame.function}.{name}" if frame.function else name
        return self.of_resolved(self.project.declared(frame.module, qualname))

    def built(self, ref: ClassRef) -> Instance:
        """An instance of the class as its own `__init__` leaves it."""
        known = self._built.plain.get(ref)
        return known if known is not None else self.recall(self._built, ref, Instance(ref), lambda: self._build(ref))

    def _build(self, ref: ClassRef) -> Instance:
        method = self.project.method(ref, "__init__")
        if method is None:
            return Instance(ref)
        summary = self.effects_of(method, Instance(ref))
        found = dict(summary.finals).get(self.project.function_of(method).parameters[0].name)
        return _without_varies(found) if isinstance(found, Instance) else Instance(ref)

    def managed(self, frame: Frame, rows: Rows, at: int) -> Rows:
        """The rows that a manager begins with: its own `get_queryset` may load, refine or replace them."""
        from slowpath.semantics.calls import call_function

        for name in rows.manager.split("+") if rows.manager else ():
            ref = self.class_named(name)
            method = self.project.method(ref, "get_queryset") if ref is not None else None
            if method is None:
                continue
            if self._active.get(method, 0):
                self._cut = self._cut or method != FunctionRef(frame.module, frame.function)
                continue
            value = call_function(frame, method, rows, (), at, None)
            if isinstance(value, Rows) and value.model == rows.model:
                return replace(
                    with_origin_of(value, rows),
                    manager=rows.manager,
                    varies=rows.varies,
                    refined=rows.refined,
                    owner=rows.owner,
                    relation=rows.relation,
                    cached=rows.cached,
                )
        return rows

    def manager_loads(self, model: str) -> Loads:
        """What rows of the model have when they come through its default manager, as those of a reverse relation do."""
        return self.recall(self._manager_loads, model, Loads(), lambda: self._managers_own_loads(model))

    def _managers_own_loads(self, model: str) -> Loads:
        frame = Frame(self, "", "", owner=None, depth=1)
        rows = queries.start(frame, model, 0, "", self.schema.models[model].default_manager)
        return self.managed(frame, rows, 0).loads


def _without_varies(instance: Instance) -> Instance:
    settled = map_varies(instance, lambda _: NOTHING)
    return settled if isinstance(settled, Instance) else instance
