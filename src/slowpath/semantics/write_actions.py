"""What calls that write do."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from slowpath.semantics.frame import Frame
from slowpath.semantics.library_call import Call, asked, gone, model_of, rows_in, wrote
from slowpath.semantics.values import (
    UNKNOWN,
    Collection,
    Origin,
    Row,
    Value,
    unknown,
)
from slowpath.spelling import spelled


def _create(frame: Frame, call: Call) -> Value:
    model = model_of(call)
    wrote(frame, call, model)
    fields = tuple(sorted((g.keyword, g.value) for g in call.arguments if g.keyword and not g.star))
    return Row(model, known=True, fresh=True, fields=fields, varies=call.varies) if model else gone(call)


def _get_or_create(frame: Frame, call: Call) -> Value:
    model = model_of(call)
    wrote(frame, call, model)
    if not model:
        return gone(call)
    rows = rows_in(call)
    if rows is not None:
        asked(frame, call, rows)
    row = Row(
        model,
        known=True,
        loads=frame.program.own_loads(model),
        origin=Origin(frame.place(call.at), model, spelled(call.node)),
        varies=call.varies,
    )
    return Collection("tuple", unknown(row), items=(row, UNKNOWN), varies=call.varies)


def _write(frame: Frame, call: Call) -> Value:
    rows = rows_in(call)
    if rows is not None and rows.owner is not None and rows.owner.fresh and frame.is_of_this_turn(rows.owner):
        # The links of a row that was made on this turn cannot be written before it.
        return gone(call)
    columns: list[str] = []
    if call.fact.action == "write":
        columns = [given.keyword for given in call.arguments if given.keyword]
    elif call.fact.action == "link" and rows is not None and rows.owner is not None:
        columns = [f"{rows.owner.model}.{rows.relation}"]
    wrote(frame, call, model_of(call), batched=rows is not None and rows.batched, columns=columns)
    if rows is not None and call.fact.action == "write":
        asked(frame, call, rows)
    return gone(call)


def _flush(frame: Frame, call: Call) -> Value:
    wrote(frame, call, "")
    return gone(call)


WRITE_ACTIONS: Mapping[str, Callable[[Frame, Call], Value]] = {
    "create": _create,
    "get-or-create": _get_or_create,
    "bulk": _write,
    "write": _write,
    "save": _write,
    "delete": _write,
    "link": _write,
    "commit": _flush,
    "flush": _flush,
}
