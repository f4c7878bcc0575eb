"""Rows: what reading an attribute of one costs, what a method of a query does, when a query runs."""

from __future__ import annotations

from msgspec.structs import replace

from slowpath import expression as e
from slowpath.schema import Relation
from slowpath.semantics import trails
from slowpath.semantics.effects import ReadsColumn, ReadsRelation, RunsQuery
from slowpath.semantics.frame import Frame
from slowpath.semantics.steps import Trail
from slowpath.semantics.values import (
    Origin,
    Row,
    Rows,
    Unknown,
    Value,
    field_of,
    unknown,
    varying,
    with_field,
)
from slowpath.spelling import spelled

# What some call the primary key, whatever its name is.
_KEY = "pk"


def start(frame: Frame, model: str, at: int, label: str, manager: str = "", kind: str = "") -> Rows:
    """A query for all rows of the model, begun here."""
    declared = frame.program.schema.models[model]
    rows_type = kind or declared.rows_type
    return Rows(
        model,
        type=rows_type,
        known=True,
        origin=Origin(frame.place(at), model, label),
        manager=manager,
        ordered=declared.ordered,
        loads=frame.program.own_loads(model),
        trail=Trail(),
    )


def run(frame: Frame, rows: Rows, at: int, node: e.Expression, action: str = "rows") -> Rows:
    """The rows after their query has run, which is written down if it costs anything."""
    if rows.here or not frame.program.runs_itself(rows.type):
        return rows
    trails.ask(frame, rows, at)
    if rows.owner is not None and not rows.refined:
        _run_relation(frame, rows, at, node)
    else:
        if frame.on_loop and not frame.program.is_asynchronous(rows.type):
            frame.blocks(at, _label(rows, node), "query")
        frame.emit(
            RunsQuery(
                place=frame.place(at),
                label=_label(rows, node),
                action="rows",
                model=rows.model,
                relation=rows.relation,
                owner=rows.owner.model if rows.owner is not None else "",
                bypasses=rows.bypassed,
                origin=rows.owner.origin if rows.owner is not None and rows.cached else rows.origin,
                path=(*rows.owner.prefix, rows.relation) if rows.owner is not None else (),
                rare=rows.batched,
                locks=rows.loads.locked,
            ),
            rows.varies,
            _depth_of(frame, node),
        )
    return replace(rows, here=True)


def _label(rows: Rows, node: e.Expression) -> str:
    """The query as written, or where it began if nothing was written."""
    label = spelled(node)
    return rows.origin.label if label == "…" and rows.origin is not None else label


def _depth_of(frame: Frame, node: e.Expression) -> int | None:
    """A query that a variable holds runs once wherever it is used, inside the loops that the variable was bound in."""
    root = e.dotted(node).partition(".")[0]
    return frame.bound_at.get(root, 0) if root in frame.env and frame.lookup(node) is not None else None


def _run_relation(frame: Frame, rows: Rows, at: int, node: e.Expression) -> None:
    if rows.cached:
        return
    if rows.owner is not None and any(name == rows.relation for _, name in rows.owner.loads.aliases):
        frame.emit(
            RunsQuery(
                place=frame.place(at),
                label=spelled(node),
                action="rows",
                model=rows.model,
                relation=rows.relation,
                owner=rows.owner.model,
                bypasses=True,
                origin=rows.owner.origin,
                path=(*rows.owner.prefix, rows.relation),
            ),
            rows.varies,
        )
        return
    _ask_relation(frame, rows, at, "")


def _ask_relation(frame: Frame, rows: Rows, at: int, call: str) -> None:
    owner = rows.owner
    if owner is None or owner.fresh:
        return
    frame.emit(
        ReadsRelation(
            place=frame.place(at),
            model=owner.model,
            relation=rows.relation,
            path=(*owner.prefix, rows.relation),
            origin=owner.origin,
            loads=owner.loads,
            known=owner.known,
            many=True,
            call=call,
        ),
        owner.varies,
    )


def ask(frame: Frame, rows: Rows, at: int, call: str, *, cached: bool) -> bool:
    """Whether a question about a relation's own rows (`count`) was dealt with as a read of that relation."""
    if rows.owner is None or rows.refined:
        return rows.here and cached
    if rows.cached and cached:
        return True
    if rows.cached or rows.here:
        return rows.here and cached
    _ask_relation(frame, rows, at, call)
    return True


def read_row(frame: Frame, row: Row, name: str, at: int) -> tuple[Value | None, Row]:
    """What an attribute of the row is, if the schema knows, and the row after the read."""
    stored = field_of(row.fields, name)
    if stored is not None:
        return varying(stored, row.varies), row
    schema = frame.program.schema
    for path, aliased in row.loads.aliases:
        if path == (name,):
            relation = schema.relation(row.model, aliased)
            if relation is not None:
                return _rows_of(frame, row, relation, at, loaded=True, alias=name), row
    relation = schema.relation(row.model, name)
    if relation is not None:
        return _read_relation(frame, row, relation, at)
    proxy = schema.proxy(row.model, name)
    if proxy is not None:
        return _read_proxy(frame, row, proxy.path, at)
    if name in row.loads.extra:
        return unknown(row), row
    column = schema.column(row.model, name)
    if column is not None or name == _KEY or _is_key(frame, row.model, name):
        value = Unknown(varies=row.varies, some=_is_always_there(frame, row, name))
        return value, _read_column(frame, row, name, at)
    return None, row


def _is_key(frame: Frame, model: str, name: str) -> bool:
    declared = frame.program.schema.models.get(model)
    return declared is not None and any(relation.column == name for relation in declared.relations)


def _is_always_there(frame: Frame, row: Row, name: str) -> bool:
    """Whether the attribute is a key that no row of the database is without, and the row came from there."""
    column = frame.program.schema.column(row.model, name)
    if name == _KEY or (column is not None and column.primary_key):
        return row.known and not row.fresh
    declared = frame.program.schema.models.get(row.model)
    relations = declared.relations if declared is not None else ()
    return any(relation.column == name and not relation.nullable for relation in relations)


def _read_column(frame: Frame, row: Row, name: str, at: int) -> Row:
    names = {name}
    declared = frame.program.schema.models.get(row.model)
    if declared is not None:
        names |= {relation.name for relation in declared.relations if relation.column == name}
    column = frame.program.schema.column(row.model, name)
    left_out = any((each,) in row.loads.deferred for each in names)
    if row.loads.only is not None and not (column is not None and column.primary_key) and name != "pk":
        left_out = left_out or not any(path[0] in names for path in row.loads.only)
    if column is not None and column.deferred and (name,) not in (row.loads.only or ()):
        left_out = left_out or (name,) not in row.loads.paths
    if not left_out or not row.known or row.fresh or row.loads.open or row.loads.peers:
        return row
    frame.emit(
        ReadsColumn(
            place=frame.place(at),
            model=row.model,
            column=name,
            path=(*row.prefix, name),
            origin=row.origin,
            loads=row.loads,
        ),
        row.varies,
    )
    return replace(row, fields=with_field(row.fields, name, Unknown(varies=row.varies)))


def _read_proxy(frame: Frame, row: Row, path: tuple[str, ...], at: int) -> tuple[Value | None, Row]:
    from slowpath.semantics.iteration import row_of

    value: Value = row
    for step in path:
        if isinstance(value, Rows):
            with frame.repeating("comprehension", at, step, path[0], "growing", value.origin) as number:
                item = row_of(frame, value, frozenset((number,)))
                if isinstance(item, Row):
                    read_row(frame, item, step, at)
            return unknown(row), row
        if not isinstance(value, Row):
            return unknown(row), row
        got, after = read_row(frame, value, step, at)
        if value is row:
            row = after
        value = got if got is not None else unknown(row)
    return value, row


def _read_relation(frame: Frame, row: Row, relation: Relation, at: int) -> tuple[Value | None, Row]:
    loaded = _is_loaded(row, relation)
    if relation.many and relation.access != "rows":
        return _rows_of(frame, row, relation, at, loaded=loaded), row
    if not loaded and not _refuses(row, relation) and not row.fresh:
        frame.emit(
            ReadsRelation(
                place=frame.place(at),
                model=row.model,
                relation=relation.name,
                path=(*row.prefix, relation.name),
                origin=row.origin,
                loads=row.loads,
                known=row.known,
                many=relation.many,
                raises=not row.implicit,
            ),
            row.varies,
        )
    value = (
        _rows_of(frame, row, relation, at, loaded=loaded) if relation.many else _row_of(frame, row, relation, loaded)
    )
    return value, replace(row, fields=with_field(row.fields, relation.name, value))


def _is_loaded(row: Row, relation: Relation) -> bool:
    if row.loads.open or row.loads.has(relation.name):
        return True
    if relation.many:
        return False
    if row.loads.every_one and not relation.nullable and relation.kind in {"foreign-key", "one-to-one"}:
        return True
    return row.loads.peers and relation.kind in {"foreign-key", "one-to-one", "reverse-one-to-one"}


def _refuses(row: Row, relation: Relation) -> bool:
    if relation.lazy in {"raise", "none"}:
        return True
    return (relation.name,) in row.loads.refused or ("*",) in row.loads.refused


def _row_of(frame: Frame, row: Row, relation: Relation, loaded: bool) -> Value:
    if relation.target not in frame.program.schema.models:
        return unknown(row)
    child = Row(
        relation.target,
        loads=row.loads.below(relation.name).plus(frame.program.own_loads(relation.target)),
        known=row.known,
        origin=row.origin,
        prefix=(*row.prefix, relation.name),
        implicit=row.implicit,
        varies=row.varies,
    )
    if relation.back and relation.kind.endswith("one-to-one"):
        child = replace(child, fields=((relation.back, replace(row, fields=())),))
    return child


def _rows_of(frame: Frame, row: Row, relation: Relation, at: int, *, loaded: bool, alias: str = "") -> Value:
    declared = frame.program.schema.models.get(relation.target)
    if declared is None:
        return unknown(row)
    step = alias or relation.name
    here = loaded or bool(row.varies)
    origin = (
        row.origin
        if here
        else Origin(frame.place(at), declared.name, f"{frame.program.schema.label(row.model)}.{step}")
    )
    listed = relation.access == "rows" or bool(alias)
    loads = row.loads.below(step).plus(frame.program.own_loads(declared.name))
    if relation.access == "manager" and declared.default_manager:
        loads = loads.plus(frame.program.manager_loads(declared.name))
    return Rows(
        declared.name,
        type="" if listed else declared.related_type or declared.rows_type,
        loads=loads,
        known=row.known,
        origin=origin,
        prefix=(*row.prefix, step) if here else (),
        manager="" if listed else declared.default_manager,
        owner=row,
        relation=relation.name,
        cached=loaded,
        here=listed,
        ordered=declared.ordered,
        implicit=row.implicit,
        varies=row.varies,
        trail=None if listed or loaded else Trail(),
    )
