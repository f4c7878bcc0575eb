"""What sessions, connections and statements do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from msgspec.structs import replace

from slowpath import expression as e
from slowpath.loads import Loads
from slowpath.semantics import queries, trails
from slowpath.semantics.arguments import passed, value_at, varies_of
from slowpath.semantics.effects import Removes, RunsQuery
from slowpath.semantics.frame import Frame
from slowpath.semantics.iteration import row_of, single
from slowpath.semantics.library_call import Call, asked, gone, model_of, ran, rows_in, waits, wrote
from slowpath.semantics.query_actions import QUERY_ACTIONS
from slowpath.semantics.schema_actions import execute, text_in
from slowpath.semantics.values import (
    ClassValue,
    Collection,
    Constant,
    Instance,
    ModelAttribute,
    Object,
    Operation,
    Row,
    Rows,
    Template,
    Unknown,
    Value,
    unknown,
    varying,
)
from slowpath.spelling import spelled

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


def _statement(frame: Frame, call: Call) -> Value:
    rows = rows_in(call)
    if rows is not None and not call.arguments:
        return rows
    entities = [_entity(frame, given.value) for given in call.arguments]
    models = [entity for entity in entities if isinstance(entity, Row)]
    kind = call.fact.gives
    if not models:
        return _bare_statement(frame, call, kind)
    first = models[0]
    rows = _begun(frame, call, first.model)
    if len(entities) == 1:
        return replace(rows, varies=call.varies)
    items = tuple(_part(rows, entity) for entity in entities)
    return _identified(frame, replace(rows, varies=call.varies, items=items), models)


def _begun(frame: Frame, call: Call, model: str) -> Rows:
    rows = queries.start(frame, model, call.at, spelled(call.node), kind=call.fact.gives)
    return replace(rows, trail=trails.refined(frame, rows, call.at, call.name, call.arguments))


def _identified(frame: Frame, rows: Rows, models: list[Row]) -> Rows:
    """Rows that come side by side: a relation from one to the other finds it in the session."""
    present = {row.model for row in models}
    return replace(rows, items=tuple(_beside(frame, item, present) for item in rows.items))


def _beside(frame: Frame, item: Value, present: set[str]) -> Value:
    if not isinstance(item, Row):
        return item
    declared = frame.program.schema.models[item.model]
    near = {(r.name,) for r in declared.relations if not r.many and r.target in present - {item.model}}
    return replace(item, loads=replace(item.loads, paths=item.loads.paths | near))


def _bare_statement(frame: Frame, call: Call, kind: str) -> Value:
    for given in call.arguments:
        model = _model_in(given.value)
        if model in frame.program.schema.models:
            return replace(_begun(frame, call, model), plain=True, varies=call.varies)
    entity = call.arguments[0].value if call.arguments else None
    if isinstance(entity, Unknown | Instance) and any(number >= 0 for number in entity.varies):
        # Another table on each turn: no one statement can take their place.
        return gone(call)
    return Object(kind, varies=call.varies) if kind else gone(call)


def _model_in(value: Value) -> str:
    """The model that a column, or an expression of columns, is of; empty if it is none."""
    match value:
        case ModelAttribute(model=model):
            return model
        case Operation(operands=operands):
            return next((model for each in operands if (model := _model_in(each))), "")
        case Object(chain=chain):
            arguments = [each for _, given in chain for _, each in given]
            return next((model for each in arguments if (model := _model_in(each))), "")
    return ""


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
        if not _is_for_many(call):
            wrote(frame, call, value.model, batched=value.batched, columns=_set_by(frame, value))
            asked(frame, call, value)
        if frame.program.deletes_when_executed(value.type):
            _removed(frame, call, value.model, many=True)
        return None
    ran(frame, call, value, call.varies)
    return replace(value, here=True, implicit=implicit, varies=call.varies, type=call.fact.gives)


def _set_by(frame: Frame, statement: Rows) -> Iterator[str]:
    """The columns that a statement names with their new values."""
    for step in statement.trail.steps if statement.trail is not None else ():
        fact = frame.program.fact(statement.type, step.method)
        if fact is not None and fact.action == "same":
            yield from (argument.keyword for argument in step.arguments if argument.keyword)


def _raw(frame: Frame, call: Call, statement: Value | None) -> None:
    if isinstance(statement, Object):
        if frame.program.writes_when_executed(statement.type):
            if not _is_for_many(call):
                wrote(frame, call, "", batched=statement.batched)
            return
        known = frame.program.fact(statement.type, "execute")
        if known is not None and known.action == "execute":
            _run_statement(frame, call)
            return
        statement = text_in(statement)
    _run_text(frame, call, statement)


def _is_for_many(call: Call) -> bool:
    """Whether the statement is given a list of parameters, or something that may be one."""
    parameters = value_at(call.arguments, call.fact.argument + 1, "params")
    return parameters is not None and not (isinstance(parameters, Collection) and parameters.kind in {"dict", "tuple"})


def _run_statement(frame: Frame, call: Call) -> None:
    if call.receiver.varies and not varies_of(call.arguments):
        # The same statement on each of several connections.
        return
    waits(frame, call)
    frame.emit(
        RunsQuery(place=frame.place(call.at), label=call.label, action="sql", instead=call.fact.instead), call.varies
    )


def _run_text(frame: Frame, call: Call, statement: Value | None) -> None:
    """A statement in SQL runs. Statements that differ in more than their values are no query per item."""
    execute(frame, call, statement)
    kind = sql_kind(statement)
    if kind == "write":
        wrote(frame, call, "")
    elif kind == "read":
        _run_statement(frame, call)


def _execute(frame: Frame, call: Call) -> Value:
    rows = _executed(frame, call)
    if rows is None:
        return Object(call.fact.gives, varies=call.varies) if call.fact.gives else gone(call)
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
        return QUERY_ACTIONS["unwrap"](frame, call)
    rows = _executed(frame, call)
    if rows is None:
        return gone(call)
    return replace(rows, items=()) if rows.items and isinstance(rows.items[0], Row) else rows


def _scalar(frame: Frame, call: Call) -> Value:
    if _hands_out(frame, call):
        rows = rows_in(call)
        whole = rows is not None and len(rows.items) == 1 and isinstance(rows.items[0], Row)
        return varying(single(rows.items[0]), call.varies) if rows is not None and whole else gone(call)
    rows = _executed(frame, call)
    if rows is None or rows.items or rows.plain:
        return gone(call)
    return varying(single(row_of(frame, rows, frozenset())), call.varies)


def _get(frame: Frame, call: Call) -> Value:
    value = value_at(call.arguments, call.fact.argument, "entity")
    if not isinstance(value, ClassValue) or value.ref.name not in frame.program.schema.models:
        if value is not None:
            waits(frame, call)
            frame.emit(RunsQuery(place=frame.place(call.at), label=call.label, action="get"), call.varies)
        return gone(call)
    model = value.ref.name
    rows = queries.start(frame, model, call.at, spelled(call.node))
    options = next((given.value for given in call.arguments if given.keyword == "options"), None)
    if options is not None:
        loaded = frame.program.load(model, rows.loads, "options", passed((call.arguments[-1],)))
        rows = replace(rows, loads=Loads(open=True) if not isinstance(options, Collection) else loaded.loads)
    ran(frame, call, rows, call.varies)
    rows = replace(rows, implicit=frame.program.loads_implicitly(call.receiver))
    return varying(single(row_of(frame, rows, frozenset())), call.varies)


def _refresh(frame: Frame, call: Call) -> Value:
    waits(frame, call)
    model = model_of(call) or _model_of_argument(call)
    frame.emit(
        RunsQuery(
            place=frame.place(call.at), label=call.label, action="refresh", model=model, instead=call.fact.instead
        ),
        call.varies,
    )
    return gone(call)


def _merge(frame: Frame, call: Call) -> Value:
    """A row that was just made is looked up; one that the session has already is not."""
    row = value_at(call.arguments, 0)
    if not isinstance(row, Row):
        return gone(call)
    if row.fresh:
        _refresh(frame, call)
    return row


def _model_of_argument(call: Call) -> str:
    value = value_at(call.arguments, 0)
    return value.model if isinstance(value, Row | Rows) else ""


def _remove(frame: Frame, call: Call) -> Value:
    _removed(frame, call, _model_of_argument(call))
    return gone(call)


def _removed(frame: Frame, call: Call, model: str, *, many: bool = False) -> None:
    if model:
        frame.emit(Removes(place=frame.place(call.at), label=call.label, model=model, many=many), call.varies)


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
            waits(frame, call)
            frame.emit(
                RunsQuery(place=frame.place(call.at), label=call.label, action="load-onto", model=target.model),
                call.varies,
            )
    else:
        return gone(call)
    if target is call.receiver and call.node is not None and isinstance(call.node.func, e.Attribute):
        frame.update(call.node.func.value, updated)
    elif node is not None:
        frame.update(node, updated)
    return updated


def _sql(frame: Frame, call: Call) -> Value:
    _run_text(frame, call, text_in(value_at(call.arguments, call.fact.argument)))
    if call.fact.gives:
        return Object(call.fact.gives, varies=call.varies)
    return varying(call.receiver, call.varies) if isinstance(call.receiver, Object) else gone(call)


SESSION_ACTIONS: Mapping[str, Callable[[Frame, Call], Value]] = {
    "statement": _statement,
    "start": _statement,
    "execute": _execute,
    "scalars": _scalars,
    "scalar": _scalar,
    "get": _get,
    "refresh": _refresh,
    "merge": _merge,
    "load-onto": _load_onto,
    "remove": _remove,
    "sql": _sql,
}
