"""What the calls of a library do, by the action its knowledge table gives them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from slowpath import expression as e
from slowpath.loads import Loads
from slowpath.semantics import queries
from slowpath.semantics.arguments import Arguments, passed, remembered, value_at, varies_of
from slowpath.semantics.effects import CallsService, Evaluates, LoadsBadly, RunsQuery, Writes
from slowpath.semantics.frame import Frame
from slowpath.semantics.iteration import first_of, row_of
from slowpath.semantics.values import (
    UNKNOWN,
    ClassValue,
    Collection,
    Constant,
    ModelAttribute,
    Object,
    Origin,
    Row,
    Rows,
    Template,
    Unknown,
    Value,
    unknown,
    varying,
)
from slowpath.spelling import spelled
from slowpath.vocabulary import Fact, LoadProblem


class Call(Struct, frozen=True):
    """A library's call: where, what is called on what, and with which arguments."""

    at: int
    name: str
    fact: Fact
    receiver: Value
    arguments: Arguments
    node: e.Call | None

    @property
    def label(self) -> str:
        """The call as written, without its arguments."""
        return spelled(self.node.func) if self.node is not None else self.name

    @property
    def varies(self) -> frozenset[int]:
        """What the call differs with from turn to turn."""
        return self.receiver.varies | varies_of(self.arguments)


def act(frame: Frame, call: Call) -> Value:
    """What the call gives, with its effects written down."""
    return _ACTIONS[call.fact.action](frame, call)


_READS = ("select", "with", "values", "table", "call", "exec")
_WRITES = ("insert", "update", "delete", "replace", "merge", "upsert")
_NAMES_FOLLOW = ("from", "join", "into", "update", "table", "index", "schema", "column", "database", ".", '"', "`")


def sql_kind(statement: Value | None) -> str:
    """What a statement's text does: `read`, `write`, or nothing that is worth doing for many items at once."""
    text = statement
    if isinstance(statement, Template):
        text = statement.parts[0]
        for before, hole in zip(statement.parts, statement.parts[1:], strict=False):
            if hole.varies and not isinstance(hole, Constant) and _names_something(before):
                return ""
    if not isinstance(text, Constant):
        # Nothing is known of the text: the same statement each time if it does not differ, else a list of statements.
        return "" if statement is None or statement.varies else "read"
    words = str(text.value).lstrip(" \n\t(").lower()
    if words.startswith(_WRITES):
        return "write"
    return "read" if words.startswith(_READS) else ""


def _names_something(before: Value) -> bool:
    return not isinstance(before, Constant) or str(before.value).rstrip().lower().endswith(_NAMES_FOLLOW)


def _rows(call: Call) -> Rows | None:
    return call.receiver if isinstance(call.receiver, Rows) else None


def _gone(call: Call) -> Value:
    varies = call.varies
    return Unknown(varies=varies) if varies else UNKNOWN


def _quiet(frame: Frame, call: Call) -> Value:
    if call.fact.gives:
        return _given(frame, call)
    return _gone(call)


def _same(frame: Frame, call: Call) -> Value:
    rows = _rows(call)
    if rows is None:
        return varying(call.receiver, call.varies)
    kept = rows.owner is not None and rows.cached and not rows.refined
    manager_type = frame.program.row_list_type(rows, call.fact)
    return replace(rows, here=rows.here and (kept or not frame.program.runs_itself(rows.type)), type=manager_type)


def _refine(frame: Frame, call: Call) -> Value:
    rows = _rows(call)
    if rows is None:
        return varying(call.receiver, call.varies) if isinstance(call.receiver, Object) else _gone(call)
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
    )
    if call.name in {"order_by"}:
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


def _load(frame: Frame, call: Call) -> Value:
    rows = _refine(frame, call)
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
    rows = _refine(frame, call)
    return replace(rows, plain=True, items=()) if isinstance(rows, Rows) else rows


def _combine(frame: Frame, call: Call) -> Value:
    rows = _refine(frame, call)
    if not isinstance(rows, Rows):
        return rows
    for given in call.arguments:
        if isinstance(given.value, Rows) and given.value.model == rows.model:
            rows = replace(rows, loads=rows.loads.join(given.value.loads))
    return rows


def _ran(frame: Frame, call: Call, rows: Rows, varies: frozenset[int]) -> None:
    frame.emit(
        RunsQuery(
            place=frame.place(call.at),
            label=call.label,
            action=call.fact.action,
            model=rows.model,
            relation=rows.relation,
            owner=rows.owner.model if rows.owner is not None else "",
            bypasses=rows.bypassed,
            origin=rows.owner.origin if rows.owner is not None and rows.cached else rows.origin,
            path=(*rows.owner.prefix, rows.relation) if rows.owner is not None else (),
            instead=call.fact.instead,
        ),
        varies,
    )


def _asks(frame: Frame, call: Call) -> bool:
    """Whether the rows, or a relation's own rows already here, answered the call without a query of its own."""
    rows = _rows(call)
    if rows is None:
        return False
    cached = call.fact.cached == "always" or (call.fact.cached == "if-ordered" and rows.ordered)
    return cached and queries.ask(frame, rows, call.at, call.name, cached=cached)


def _iterate(frame: Frame, call: Call) -> Value:
    rows = _rows(call)
    if rows is None:
        return _gone(call)
    loaded = frame.program.load(rows.model, rows.loads, call.name, passed(call.arguments))
    _complain(frame, call, rows, loaded.problems)
    if rows.owner is not None and not rows.refined and not rows.cached:
        return replace(rows, loads=loaded.loads)
    if not rows.here:
        _ran(frame, call, rows, call.varies)
    return replace(rows, here=True, loads=loaded.loads, varies=call.varies)


def _to_list(frame: Frame, call: Call) -> Value:
    rows = _rows(call)
    if rows is None:
        return _gone(call)
    if not rows.here:
        _ran(frame, call, rows, call.varies)
    return replace(rows, here=True, type=call.fact.gives, varies=call.varies)


def _row(frame: Frame, call: Call) -> Value:
    rows = _rows(call) or _rows_argument(frame, call)
    if rows is None:
        return _gone(call)
    if not _asks(frame, call) and not (rows.here and not frame.program.runs_itself(rows.type)):
        _ran(frame, call, rows, call.varies)
    if rows.owner is not None and not rows.refined and not rows.cached:
        rows = replace(rows, origin=Origin(frame.place(call.at), rows.model, spelled(call.node)), prefix=(), known=True)
    return varying(row_of(frame, rows, frozenset()), call.varies)


def _rows_argument(frame: Frame, call: Call) -> Rows | None:
    value = value_at(call.arguments, call.fact.argument)
    if isinstance(value, ClassValue) and value.ref.name in frame.program.schema.models:
        return queries.start(frame, value.ref.name, call.at, spelled(call.node))
    return value if isinstance(value, Rows) else None


def _value(frame: Frame, call: Call) -> Value:
    rows = _rows(call) or _rows_argument(frame, call)
    if rows is not None and not _asks(frame, call):
        _ran(frame, call, rows, call.varies)
    return _gone(call)


def _count(frame: Frame, call: Call) -> Value:
    value = _value(frame, call)
    rows = _rows(call)
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
            ),
            rows.varies,
        )
    return value


def _mapping(frame: Frame, call: Call) -> Value:
    rows = _rows(call)
    if rows is None:
        return _gone(call)
    _ran(frame, call, rows, call.varies)
    return Collection("dict", varying(first_of(frame, rows), call.varies), key=UNKNOWN, origin=rows.origin)


def _unwrap(frame: Frame, call: Call) -> Value:
    rows = _rows(call)
    if rows is None:
        return _gone(call)
    gives = frame.program.row_list_type(rows, call.fact)
    if len(rows.items) >= 1 and isinstance(rows.items[0], Row):
        return replace(rows, items=(), type=gives)
    return replace(rows, items=(), plain=bool(rows.items) or rows.plain, type=gives)


def _tuples(frame: Frame, call: Call) -> Value:
    rows = _rows(call)
    if rows is None:
        return _gone(call)
    return replace(rows, type=frame.program.row_list_type(rows, call.fact))


def _write_label(frame: Frame, call: Call, model: str) -> None:
    frame.emit(
        Writes(
            place=frame.place(call.at),
            label=call.label,
            action=call.fact.action,
            model=model,
            instead=call.fact.instead,
        ),
        call.varies,
    )


def _model_of(call: Call) -> str:
    match call.receiver:
        case Row(model=model) | Rows(model=model):
            return model
    return ""


def _create(frame: Frame, call: Call) -> Value:
    model = _model_of(call)
    _write_label(frame, call, model)
    fields = tuple(sorted((g.keyword, g.value) for g in call.arguments if g.keyword and not g.star))
    return Row(model, known=True, fresh=True, fields=fields, varies=call.varies) if model else _gone(call)


def _get_or_create(frame: Frame, call: Call) -> Value:
    model = _model_of(call)
    _write_label(frame, call, model)
    if not model:
        return _gone(call)
    row = Row(
        model,
        known=True,
        loads=frame.program.own_loads(model),
        origin=Origin(frame.place(call.at), model, spelled(call.node)),
        varies=call.varies,
    )
    return Collection("tuple", unknown(row), items=(row, UNKNOWN), varies=call.varies)


def _write(frame: Frame, call: Call) -> Value:
    rows = _rows(call)
    if rows is not None and rows.owner is not None and rows.owner.fresh:
        # A new row has no links yet: there is nothing to do for several of them at once.
        return _gone(call)
    _write_label(frame, call, _model_of(call))
    return _gone(call)


def _statement(frame: Frame, call: Call) -> Value:
    rows = _rows(call)
    if rows is not None and not call.arguments:
        return rows
    entities = [_entity(frame, given.value) for given in call.arguments]
    models = [entity for entity in entities if isinstance(entity, Row)]
    kind = call.fact.gives
    if not models:
        return _bare_statement(frame, call, kind)
    first = models[0]
    rows = queries.start(frame, first.model, call.at, spelled(call.node), kind=kind)
    if len(entities) == 1:
        return replace(rows, varies=call.varies)
    items = tuple(_part(rows, entity) for entity in entities)
    return _identified(frame, replace(rows, varies=call.varies, items=items), models)


def _identified(frame: Frame, rows: Rows, models: list[Row]) -> Rows:
    """Rows that come side by side: a relation from one to the other finds it in the session."""
    present = {row.model for row in models}
    items = []
    for item in rows.items:
        if isinstance(item, Row):
            declared = frame.program.schema.models[item.model]
            near = {(r.name,) for r in declared.relations if not r.many and r.target in present - {item.model}}
            item = replace(item, loads=replace(item.loads, paths=item.loads.paths | near))
        items.append(item)
    return replace(rows, items=tuple(items))


def _bare_statement(frame: Frame, call: Call, kind: str) -> Value:
    for given in call.arguments:
        if isinstance(given.value, ModelAttribute) and given.value.model in frame.program.schema.models:
            rows = queries.start(frame, given.value.model, call.at, spelled(call.node), kind=kind)
            return replace(rows, plain=True, varies=call.varies)
    return Object(kind, varies=call.varies) if kind else _gone(call)


def _part(rows: Rows, entity: Value) -> Value:
    if isinstance(entity, Row) and entity.model == rows.model:
        return replace(entity, loads=rows.loads, origin=rows.origin, known=True)
    return entity


def _entity(frame: Frame, value: Value) -> Value:
    if isinstance(value, ClassValue) and value.ref.name in frame.program.schema.models:
        return Row(value.ref.name, known=True, loads=frame.program.own_loads(value.ref.name))
    return unknown(value)


def _executed(frame: Frame, call: Call) -> Rows | None:
    value = value_at(call.arguments, call.fact.argument, "statement")
    implicit = frame.program.loads_implicitly(call.receiver)
    if not isinstance(value, Rows):
        _raw(frame, call, value)
        return None
    if frame.program.writes_when_executed(value.type):
        _write_label(frame, call, value.model)
        return None
    _ran(frame, call, value, call.varies)
    return replace(value, here=True, implicit=implicit, varies=call.varies, type=call.fact.gives)


def _raw(frame: Frame, call: Call, statement: Value | None) -> None:
    if isinstance(statement, Object):
        if frame.program.writes_when_executed(statement.type):
            _write_label(frame, call, "")
            return
        known = frame.program.fact(statement.type, "execute")
        if known is not None and known.action == "execute":
            _run_statement(frame, call)
            return
        statement = statement.arguments[0][1] if statement.arguments else None
    _run_text(frame, call, statement)


def _run_statement(frame: Frame, call: Call) -> None:
    frame.emit(
        RunsQuery(place=frame.place(call.at), label=call.label, action="sql", instead=call.fact.instead), call.varies
    )


def _run_text(frame: Frame, call: Call, statement: Value | None) -> None:
    """A statement in SQL runs. Statements that differ in more than their values are no query per item."""
    kind = sql_kind(statement)
    if kind == "write":
        _write_label(frame, call, "")
    elif kind == "read":
        _run_statement(frame, call)


def _execute(frame: Frame, call: Call) -> Value:
    rows = _executed(frame, call)
    if rows is None:
        return Object(call.fact.gives, varies=call.varies) if call.fact.gives else _gone(call)
    if rows.items or rows.plain:
        return rows
    return replace(rows, items=(row_of(frame, rows, frozenset()),))


def _hands_out(frame: Frame, call: Call) -> bool:
    """Whether the call only hands out what a result already has."""
    match call.receiver:
        case Rows():
            return True
        case Object(type=kind):
            known = frame.program.type_named(kind)
            return known is not None and known.kind == "result"
    return False


def _scalars(frame: Frame, call: Call) -> Value:
    if _hands_out(frame, call):
        return _unwrap(frame, call)
    rows = _executed(frame, call)
    if rows is None:
        return _gone(call)
    return replace(rows, items=()) if rows.items and isinstance(rows.items[0], Row) else rows


def _scalar(frame: Frame, call: Call) -> Value:
    if _hands_out(frame, call):
        rows = _rows(call)
        whole = rows is not None and len(rows.items) == 1 and isinstance(rows.items[0], Row)
        return varying(rows.items[0], call.varies) if rows is not None and whole else _gone(call)
    rows = _executed(frame, call)
    if rows is None or rows.items or rows.plain:
        return _gone(call)
    return varying(row_of(frame, rows, frozenset()), call.varies)


def _get(frame: Frame, call: Call) -> Value:
    value = value_at(call.arguments, call.fact.argument, "entity")
    if not isinstance(value, ClassValue) or value.ref.name not in frame.program.schema.models:
        if value is not None:
            frame.emit(RunsQuery(place=frame.place(call.at), label=call.label, action="get"), call.varies)
        return _gone(call)
    model = value.ref.name
    rows = queries.start(frame, model, call.at, spelled(call.node))
    options = next((given.value for given in call.arguments if given.keyword == "options"), None)
    if options is not None:
        loaded = frame.program.load(model, rows.loads, "options", passed((call.arguments[-1],)))
        rows = replace(rows, loads=Loads(open=True) if not isinstance(options, Collection) else loaded.loads)
    _ran(frame, call, rows, call.varies)
    rows = replace(rows, implicit=frame.program.loads_implicitly(call.receiver))
    return varying(row_of(frame, rows, frozenset()), call.varies)


def _flush(frame: Frame, call: Call) -> Value:
    _write_label(frame, call, "")
    return _gone(call)


def _refresh(frame: Frame, call: Call) -> Value:
    model = _model_of(call) or _model_of_argument(call)
    frame.emit(
        RunsQuery(
            place=frame.place(call.at), label=call.label, action="refresh", model=model, instead=call.fact.instead
        ),
        call.varies,
    )
    return _gone(call)


def _model_of_argument(call: Call) -> str:
    value = value_at(call.arguments, 0)
    return value.model if isinstance(value, Row | Rows) else ""


def _load_onto(frame: Frame, call: Call) -> Value:
    node = next((given.node for given in call.arguments if not given.keyword), None)
    value = value_at(call.arguments, call.fact.argument)
    given = isinstance(value, Row | Rows) or (isinstance(value, Collection) and isinstance(value.element, Row))
    target = value if given else call.receiver
    if isinstance(target, Collection) and isinstance(target.element, Row):
        loaded = frame.program.load(target.element.model, target.element.loads, call.name, passed(call.arguments[1:]))
        updated: Value = replace(target, element=replace(target.element, loads=loaded.loads), items=None)
    elif isinstance(target, Row | Rows):
        arguments = call.arguments if target is call.receiver else call.arguments[1:]
        loaded = frame.program.load(target.model, target.loads, call.name, passed(arguments))
        updated = replace(target, loads=loaded.loads)
        if isinstance(target, Row):
            frame.emit(
                RunsQuery(place=frame.place(call.at), label=call.label, action="load-onto", model=target.model),
                call.varies,
            )
    else:
        return _gone(call)
    if target is call.receiver and call.node is not None and isinstance(call.node.func, e.Attribute):
        frame.update(call.node.func.value, updated)
    elif node is not None:
        frame.update(node, updated)
    return updated


def _sql(frame: Frame, call: Call) -> Value:
    _run_text(frame, call, value_at(call.arguments, call.fact.argument))
    if call.fact.gives:
        return Object(call.fact.gives, varies=call.varies)
    return varying(call.receiver, call.varies) if isinstance(call.receiver, Object) else _gone(call)


def _remote(frame: Frame, call: Call) -> Value:
    if frame.is_async and not frame.awaiting and frame.contexts and frame.contexts[-1][1].kind == "comprehension":
        # A coroutine made in a comprehension is run later, most often together with its siblings.
        return _gone(call)
    frame.emit(
        CallsService(
            place=frame.place(call.at),
            label=call.label,
            service=frame.program.service_of(call.receiver),
            instead=call.fact.instead,
        ),
        call.varies,
    )
    return Object(call.fact.gives, varies=call.varies) if call.fact.gives else _gone(call)


def _given(frame: Frame, call: Call) -> Value:
    if not call.fact.gives:
        return _gone(call)
    # What it was made from is kept: the text of a statement.
    return Object(call.fact.gives, arguments=remembered(call.arguments), varies=call.varies)


def _chunks(frame: Frame, call: Call) -> Value:
    value = value_at(call.arguments, call.fact.argument)
    if isinstance(call.receiver, Rows):
        value = replace(call.receiver, type="", here=True)
        return Collection("iterator", value, bound="chunked", origin=value.origin)
    element = first_of(frame, value) if value is not None else UNKNOWN
    inner = Collection("list", element, bound="growing")
    return Collection("iterator", inner, bound="chunked")


def _limit(frame: Frame, call: Call) -> Value:
    rows = _refine(frame, call)
    limit = value_at(call.arguments, 0)
    few = isinstance(limit, Constant) and isinstance(limit.value, int) and limit.value <= 20
    return replace(rows, bound="small") if isinstance(rows, Rows) and few else rows


def _stream(frame: Frame, call: Call) -> Value:
    return Collection("iterator", UNKNOWN, bound="unclear")


def _pages(frame: Frame, call: Call) -> Value:
    value = value_at(call.arguments, call.fact.argument)
    return Collection("iterator", value if value is not None else UNKNOWN, bound="paged")


def _model(frame: Frame, call: Call) -> Value:
    name = frame.program.schema.set_as(call.fact.gives)
    return frame.program.class_value(name) if name else _gone(call)


def _held(frame: Frame, call: Call) -> Value:
    from slowpath.semantics.attributes import get

    value = get(frame, call.receiver, call.fact.gives, call.at)
    return replace(value, here=False) if isinstance(value, Rows) else value


_ACTIONS: Mapping[str, Callable[[Frame, Call], Value]] = {
    "same": _same,
    "refine": _refine,
    "load": _load,
    "columns": _load,
    "annotate": _load,
    "fetch-mode": _load,
    "plain": _plain,
    "combine": _combine,
    "iterate": _iterate,
    "rows": _to_list,
    "row": _row,
    "value": _value,
    "count": _count,
    "exists": _count,
    "mapping": _mapping,
    "unwrap": _unwrap,
    "tuples": _tuples,
    "create": _create,
    "get-or-create": _get_or_create,
    "bulk": _write,
    "write": _write,
    "save": _write,
    "delete": _write,
    "link": _write,
    "add": _quiet,
    "commit": _flush,
    "flush": _flush,
    "refresh": _refresh,
    "statement": _statement,
    "start": _statement,
    "execute": _execute,
    "scalars": _scalars,
    "scalar": _scalar,
    "get": _get,
    "load-onto": _load_onto,
    "sql": _sql,
    "sql-many": _quiet,
    "fetch": _quiet,
    "remote": _remote,
    "batch": _quiet,
    "pipeline": _given,
    "new": _given,
    "chunks": _chunks,
    "pages": _pages,
    "limit": _limit,
    "stream": _stream,
    "model": _model,
    "held": _held,
    "quiet": _quiet,
}
