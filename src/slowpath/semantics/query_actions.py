"""What the methods of queries, managers and results do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from msgspec.structs import replace

from slowpath import expression as e
from slowpath.semantics import queries, trails
from slowpath.semantics.arguments import Given, passed, value_at
from slowpath.semantics.conditions import pinned
from slowpath.semantics.dependence import all_varies
from slowpath.semantics.effects import AnyEffect, Evaluates, LoadsBadly
from slowpath.semantics.frame import Frame
from slowpath.semantics.iteration import first_of, row_of, single
from slowpath.semantics.library_call import Call, gone, ran, rows_in
from slowpath.semantics.uses import compared_with_lists, equated_in
from slowpath.semantics.values import (
    UNKNOWN,
    ClassValue,
    Collection,
    Constant,
    Object,
    Origin,
    Row,
    Rows,
    Unknown,
    Value,
    varying,
)
from slowpath.source import Place
from slowpath.spelling import spelled
from slowpath.vocabulary import LoadProblem


def _same(frame: Frame, call: Call) -> Value:
    rows = rows_in(call)
    if rows is None:
        return _statement_after(frame, call)
    kept = rows.owner is not None and rows.cached and not rows.refined
    manager_type = frame.program.row_list_type(rows, call.fact)
    batched = rows.batched or _takes_batch(frame, call)
    here = rows.here and (kept or not frame.program.runs_itself(rows.type))
    # The values that a statement is given are a part of it.
    writes = frame.program.writes_when_executed(rows.type)
    trail = trails.refined(frame, rows, call.at, call.name, call.arguments) if writes else rows.trail
    return replace(rows, here=here, type=manager_type, batched=batched, trail=trail)


def refine(frame: Frame, call: Call) -> Value:
    rows = rows_in(call)
    if rows is None:
        return _statement_after(frame, call) if isinstance(call.receiver, Object) else gone(call)
    if call.fact.cached == "always":
        # A query that is answered from memory whatever it is of: `none()`.
        return Collection("list", UNKNOWN, items=(), varies=call.varies)
    bound = rows.bound
    refined = replace(
        rows,
        type=frame.program.row_list_type(rows, call.fact),
        varies=call.varies,
        here=False,
        refined=True,
        bound=bound,
        trail=trails.refined(frame, rows, call.at, call.name, call.arguments),
    )
    refined = _narrowed(frame, call, refined)
    if any(_is_batch(value) for value in _listed(frame, call)):
        refined = replace(refined, batched=True)
    if call.fact.action == "order":
        refined = replace(refined, ordered=True)
    if rows.owner is not None and not rows.refined:
        return replace(
            refined,
            origin=Origin(frame.place(call.at), rows.model, spelled(call.node)),
            prefix=(),
            known=True,
            loads=frame.program.own_loads(rows.model),
            ordered=rows.ordered or refined.ordered,
        )
    return refined


def _statement_after(frame: Frame, call: Call) -> Value:
    """A statement of no model's rows, or whatever else gives itself, after one of its methods."""
    value = varying(call.receiver, call.varies)
    return replace(value, batched=True) if isinstance(value, Object) and _takes_batch(frame, call) else value


def _takes_batch(frame: Frame, call: Call) -> bool:
    """Whether a statement that writes is given a list of rows to write, or one of keys, another one on each turn."""
    kind = call.receiver.type if isinstance(call.receiver, Object | Rows) else ""
    if not frame.program.writes_when_executed(kind):
        return False
    rows = (given.value for given in call.arguments if not given.keyword and not given.star)
    keys = (frame.lookup(listed) for given in call.arguments for listed in compared_with_lists(given.node))
    return any(value is not None and _is_batch(value) for value in (*rows, *keys))


def _listed(frame: Frame, call: Call) -> Iterator[Value]:
    """What columns are compared with by keyword or by `in_`."""
    for given in call.arguments:
        if given.keyword and not given.star:
            yield given.value
        elif given.node is not None:
            for compared in compared_with_lists(given.node):
                source = compared.generators[0].iterable if isinstance(compared, e.Comprehension) else compared
                value = frame.lookup(source)
                if value is not None:
                    yield value


def _is_batch(value: Value) -> bool:
    """Whether the value is a list of keys that nobody wrote out, another one on each turn: the query is for many items
    already."""
    if not isinstance(value, Collection) or value.kind == "dict" or value.bound == "small":
        return False
    return value.items is None and bool(all_varies(value))


def _narrowed(frame: Frame, call: Call, rows: Rows) -> Rows:
    """Rows filtered by a key that leads to other rows: a session holds these few rows once one was read."""
    declared = frame.program.schema.models.get(rows.model)
    if declared is None or call.node is None or not frame.program.needs_session(rows.model):
        return rows
    given = {given.value.model for given in call.arguments if isinstance(given.value, Row)}
    if any(given.star for given in call.arguments):
        return replace(rows, loads=replace(rows.loads, open=True))
    mentioned = frozenset[str]().union(*map(_mentioned, call.arguments))
    near = {
        (relation.name,)
        for relation in declared.relations
        if not relation.many
        and (relation.column in mentioned or relation.name in mentioned or relation.target in given)
    }
    return replace(rows, loads=replace(rows.loads, paths=rows.loads.paths | near)) if near else rows


def _mentioned(given: Given) -> frozenset[str]:
    """The columns and relations that the argument compares with something from outside the query."""
    if given.keyword:
        return frozenset((given.keyword,))
    return equated_in(given.node) if isinstance(given.value, Unknown) else pinned(given.value)


def _lock(frame: Frame, call: Call) -> Value:
    rows = refine(frame, call)
    alone = any(given.keyword == "of" for given in call.arguments)
    # Where it is said whose rows are locked, what is joined is not.
    return rows if alone or not isinstance(rows, Rows) else replace(rows, loads=replace(rows.loads, locked=True))


def _load(frame: Frame, call: Call) -> Value:
    rows = refine(frame, call)
    if not isinstance(rows, Rows):
        return rows
    loaded = frame.program.load(rows.model, rows.loads, call.name, passed(call.arguments))
    if rows.items:
        # Options of a query for several entities speak of any of them.
        items = tuple(_loaded_item(frame, call, item) for item in rows.items)
        return replace(rows, loads=loaded.loads, items=items)
    _complain(frame, call, rows, loaded.problems)
    return replace(rows, loads=loaded.loads)


def _loaded_item(frame: Frame, call: Call, item: Value) -> Value:
    if not isinstance(item, Row):
        return item
    loaded = frame.program.load(item.model, item.loads, call.name, passed(call.arguments))
    return replace(item, loads=loaded.loads)


def _complain(frame: Frame, call: Call, rows: Rows, problems: tuple[LoadProblem, ...]) -> None:
    """Write down what is wrong with an eager load, at the name of the method that asks for it."""
    at = call.node.func.at if call.node is not None else call.at
    for problem in problems if rows.known and not rows.plain else ():
        effect = LoadsBadly(place=frame.place(at), model=rows.model, label=call.label, problem=problem)
        frame.emit(effect, rows.varies)


def _plain(frame: Frame, call: Call) -> Value:
    given = rows_in(call)
    if given is not None and given.here and not frame.program.runs_itself(given.type):
        # A result only hands out in another form what is here already.
        return replace(given, plain=True, items=(), type=frame.program.row_list_type(given, call.fact))
    rows = refine(frame, call)
    if not isinstance(rows, Rows):
        return rows
    _excuse(frame, call)
    return replace(rows, plain=True, items=())


def _excuse(frame: Frame, call: Call) -> None:
    """Take back what was said of eager loads earlier in the chain: a query that gives no rows forgets them."""
    node: e.Expression | None = call.node
    while isinstance(node, e.Call) and isinstance(node.func, e.Attribute):
        place = frame.place(node.func.at)
        for key in [key for key, other in frame.effects.items() if _is_of(other, place)]:
            del frame.effects[key]
        node = node.func.value


def _is_of(effect: AnyEffect, place: Place) -> bool:
    return isinstance(effect, LoadsBadly) and effect.place == place


def _combine(frame: Frame, call: Call) -> Value:
    rows = refine(frame, call)
    if not isinstance(rows, Rows):
        return rows
    for given in call.arguments:
        if isinstance(given.value, Rows) and given.value.model == rows.model:
            rows = replace(rows, loads=rows.loads.join(given.value.loads))
    return rows


def _limit(frame: Frame, call: Call) -> Value:
    rows = refine(frame, call)
    limit = value_at(call.arguments, 0)
    few = isinstance(limit, Constant) and isinstance(limit.value, int) and limit.value <= 20
    return replace(rows, bound="small") if isinstance(rows, Rows) and few else rows


def _asks(frame: Frame, call: Call) -> bool:
    """Whether the rows, or a relation's own rows already here, answered the call without a query of its own."""
    rows = rows_in(call)
    if rows is None:
        return False
    cached = call.fact.cached == "always" or (call.fact.cached == "if-ordered" and rows.ordered)
    return cached and queries.ask(frame, rows, call.at, call.name, cached=cached)


def _iterate(frame: Frame, call: Call) -> Value:
    rows = rows_in(call)
    if rows is None:
        return gone(call)
    loaded = frame.program.load(rows.model, rows.loads, call.name, passed(call.arguments))
    _complain(frame, call, rows, loaded.problems)
    if rows.owner is not None and not rows.refined and not rows.cached:
        return replace(rows, loads=loaded.loads)
    if not rows.here:
        ran(frame, call, rows, call.varies)
    return replace(rows, here=True, loads=loaded.loads, varies=call.varies)


def _to_list(frame: Frame, call: Call) -> Value:
    rows = rows_in(call)
    if rows is None:
        return gone(call)
    if not rows.here:
        ran(frame, call, rows, call.varies)
    return replace(rows, here=True, type=call.fact.gives, varies=call.varies)


def _row(frame: Frame, call: Call) -> Value:
    rows = rows_in(call) or _rows_argument(frame, call)
    if rows is None:
        return gone(call)
    if not _asks(frame, call) and not (rows.here and not frame.program.runs_itself(rows.type)):
        ran(frame, call, rows, call.varies)
    if rows.owner is not None and not rows.refined and not rows.cached:
        rows = replace(rows, origin=Origin(frame.place(call.at), rows.model, spelled(call.node)), prefix=(), known=True)
    return varying(single(row_of(frame, rows, frozenset())), call.varies)


def _rows_argument(frame: Frame, call: Call) -> Rows | None:
    value = value_at(call.arguments, call.fact.argument)
    if isinstance(value, ClassValue) and value.ref.name in frame.program.schema.models:
        return queries.start(frame, value.ref.name, call.at, spelled(call.node))
    return value if isinstance(value, Rows) else None


def _value(frame: Frame, call: Call) -> Value:
    rows = rows_in(call) or _rows_argument(frame, call)
    if rows is not None and not _asks(frame, call):
        ran(frame, call, rows, call.varies)
    return gone(call)


def _count(frame: Frame, call: Call) -> Value:
    value = _value(frame, call)
    rows = rows_in(call)
    if (
        rows is not None
        and not rows.cached
        and not rows.here
        and call.node is not None
        and isinstance(call.node.func, e.Attribute)
    ):
        node = call.node.func.value
        frame.emit(
            Evaluates(
                place=frame.place(call.at),
                how="exists" if call.fact.action == "exists" else "count",
                model=rows.model,
                origin=rows.origin,
                label=call.label,
                compared=frame.compared,
                used=rows.sliced or frame.needs_rows(node),
                exists=frame.program.asks(rows, "exists"),
                count=frame.program.asks(rows, "count"),
            ),
            rows.varies,
        )
    return value


def _mapping(frame: Frame, call: Call) -> Value:
    rows = rows_in(call)
    if rows is None:
        return gone(call)
    ran(frame, call, rows, call.varies)
    return Collection("dict", varying(first_of(frame, rows), call.varies), key=UNKNOWN, origin=rows.origin)


def _unwrap(frame: Frame, call: Call) -> Value:
    rows = rows_in(call)
    if rows is None:
        return gone(call)
    gives = frame.program.row_list_type(rows, call.fact)
    if len(rows.items) >= 1 and isinstance(rows.items[0], Row):
        return replace(rows, items=(), type=gives)
    return replace(rows, items=(), plain=bool(rows.items) or rows.plain, type=gives)


def _tuples(frame: Frame, call: Call) -> Value:
    rows = rows_in(call)
    if rows is None:
        return gone(call)
    return replace(rows, type=frame.program.row_list_type(rows, call.fact))


def _part(frame: Frame, call: Call) -> Value:
    rows = rows_in(call) or value_at(call.arguments, 0, "queryset")
    if isinstance(rows, Rows):
        trails.ask(frame, rows, call.at, inside=True)
    return gone(call)


QUERY_ACTIONS: Mapping[str, Callable[[Frame, Call], Value]] = {
    "same": _same,
    "part": _part,
    "refine": refine,
    "order": refine,
    "lock": _lock,
    "load": _load,
    "columns": _load,
    "annotate": _load,
    "fetch-mode": _load,
    "plain": _plain,
    "combine": _combine,
    "limit": _limit,
    "iterate": _iterate,
    "rows": _to_list,
    "row": _row,
    "value": _value,
    "count": _count,
    "exists": _count,
    "mapping": _mapping,
    "unwrap": _unwrap,
    "tuples": _tuples,
}
