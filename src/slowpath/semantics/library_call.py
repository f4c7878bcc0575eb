"""A call of a library: what every action needs to know of it, and the effects most of them have."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from slowpath import expression as e
from slowpath.semantics import trails
from slowpath.semantics.arguments import Arguments, passed, varies_of
from slowpath.semantics.effects import RunsQuery, WaitsForever, Writes
from slowpath.semantics.frame import Frame
from slowpath.semantics.values import (
    NOTHING,
    UNKNOWN,
    Object,
    Row,
    Rows,
    Symbol,
    Unknown,
    Value,
)
from slowpath.spelling import spelled
from slowpath.vocabulary import Fact, Limit, Work


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


def rows_in(call: Call) -> Rows | None:
    return call.receiver if isinstance(call.receiver, Rows) else None


def gone(call: Call) -> Value:
    varies = call.varies
    return Unknown(varies=varies) if varies else UNKNOWN


def model_of(call: Call) -> str:
    match call.receiver:
        case Row(model=model) | Rows(model=model):
            return model
    return ""


def waits(frame: Frame, call: Call, work: Work | None = None) -> None:
    """Write down that the thread waits for the answer, if it does: what an asynchronous library is asked does not."""
    if not frame.on_loop or call.fact.asynchronous:
        return
    program = frame.program
    kind = call.receiver.type if isinstance(call.receiver, Object | Rows) else ""
    known = program.type_named(kind)
    if work is None:
        work = "database" if known is not None and known.kind in {"connection", "cursor"} else "query"
    service = program.service_of(call.receiver) if work == "network" else ""
    frame.blocks(call.at, call.label, work, service, program.awaited_form(call.receiver, call.name))


def limited(frame: Frame, call: Call, limit: Limit) -> None:
    """Write down that the call may wait for ever, unless it is given a limit, or may be given one."""
    positions = 0
    for given in call.arguments:
        if given.star or given.keyword == limit.keyword:
            return
        positions += not given.keyword
    if positions > limit.position >= 0 or limit.unless in frame.program.prospects.limits:
        return
    service = frame.program.service_of(call.receiver)
    found = WaitsForever(place=frame.place(call.at), label=call.label, service=service, limit=limit.keyword)
    frame.emit(found, NOTHING)


def ran(frame: Frame, call: Call, rows: Rows, varies: frozenset[int]) -> None:
    """Write down that the call runs the query."""
    waits(frame, call)
    asked(frame, call, rows)
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
            rare=rows.batched,
            locks=rows.loads.locked,
        ),
        varies,
    )


def asked(frame: Frame, call: Call, rows: Rows) -> None:
    """Write down how the query was made that the call runs."""
    own = call.arguments if call.receiver is rows else call.arguments[1:] if isinstance(call.receiver, Symbol) else ()
    trails.ask(frame, rows, call.at, call.name, passed(own))


def wrote(frame: Frame, call: Call, model: str, *, batched: bool = False, columns: Iterable[str] = ()) -> None:
    """Write down that the call writes these columns, or nobody knows which; `batched` when it does so for many rows at
    once, others on each turn."""
    waits(frame, call)
    is_new = isinstance(call.receiver, Row) and call.receiver.fresh
    frame.emit(
        Writes(
            place=frame.place(call.at),
            label=call.label,
            action=call.fact.action,
            model=model,
            instead=(call.fact.for_new if is_new else "") or call.fact.instead,
            rare=batched,
            columns=tuple(columns),
        ),
        call.varies,
    )
