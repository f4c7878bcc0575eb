"""What the calls of a library do, by the action its knowledge table gives them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext

from msgspec.structs import replace

from slowpath import expression as e
from slowpath.references import FunctionRef
from slowpath.semantics import builtins, texts
from slowpath.semantics.arguments import remembered, value_at
from slowpath.semantics.effects import CallsService, Changes, NeverRuns
from slowpath.semantics.frame import Frame
from slowpath.semantics.iteration import first_of
from slowpath.semantics.library_call import Call, gone, limited, waits
from slowpath.semantics.query_actions import QUERY_ACTIONS
from slowpath.semantics.schema_actions import SCHEMA_ACTIONS
from slowpath.semantics.session_actions import SESSION_ACTIONS
from slowpath.semantics.values import (
    NOTHING,
    UNKNOWN,
    Collection,
    Constant,
    FunctionValue,
    LambdaValue,
    Object,
    Operation,
    Row,
    Rows,
    Value,
)
from slowpath.semantics.write_actions import WRITE_ACTIONS

# A sleep of so many seconds is over before anybody notices.
_MOMENT = 0.01


def act(frame: Frame, call: Call) -> Value:
    """What the call gives, with its effects written down."""
    if call.fact.limit is not None:
        limited(frame, call, call.fact.limit)
    return _ACTIONS[call.fact.action](frame, call)


def _quiet(frame: Frame, call: Call) -> Value:
    if call.fact.gives:
        return _given(frame, call)
    return gone(call)


def _add(frame: Frame, call: Call) -> Value:
    row = value_at(call.arguments, 0)
    if frame.program.prospects.has_caches and isinstance(row, Row) and row.fresh:
        frame.emit(Changes(place=frame.place(call.at), label=call.label, model=row.model), call.varies)
    return _quiet(frame, call)


def _remote(frame: Frame, call: Call) -> Value:
    if frame.is_async and not frame.awaiting and frame.contexts and frame.contexts[-1][1].kind == "comprehension":
        # A coroutine made in a comprehension is run later, most often together with its siblings.
        return gone(call)
    waits(frame, call, "network")
    frame.emit(
        CallsService(
            place=frame.place(call.at),
            label=call.label,
            service=frame.program.service_of(call.receiver),
            near=frame.program.is_near(call.receiver),
            instead=call.fact.instead,
            shared=call.fact.shared,
        ),
        call.varies,
    )
    return Object(call.fact.gives, varies=call.varies) if call.fact.gives else gone(call)


def _many(frame: Frame, call: Call) -> Value:
    waits(frame, call, "database" if call.fact.action == "sql-many" else "network")
    return _quiet(frame, call)


def _blocks(frame: Frame, call: Call) -> Value:
    length = value_at(call.arguments, 0)
    moment = isinstance(length, Constant) and isinstance(length.value, int | float) and length.value < _MOMENT
    if call.fact.work != "sleep" or not moment:
        with frame.seldom() if _is_asked_before(frame, call) else nullcontext():
            waits(frame, call, call.fact.work)
    return _given(frame, call)


def _is_asked_before(frame: Frame, call: Call) -> bool:
    """Whether the function asks if there is anything left to wait for: `if future.done(): future.result()`."""
    func = call.node.func if call.node is not None else None
    function = frame.program.project.declared(frame.module, frame.function)
    if not call.fact.ready or not isinstance(func, e.Attribute) or not isinstance(function, FunctionRef):
        return False
    return f"{e.dotted(func.value)}.{call.fact.ready}" in frame.program.project.function_of(function).sketch.calls


def _offload(frame: Frame, call: Call) -> Value:
    if frame.unused == call.at and not frame.awaiting:
        frame.emit(NeverRuns(place=frame.place(call.at), label=call.label), NOTHING)
    return gone(call)


def _inject(frame: Frame, call: Call) -> Value:
    from slowpath.semantics.calls import call as called

    function = value_at(call.arguments, 0, "dependency")
    if function is None:
        return gone(call)
    kept, frame.awaiting = frame.awaiting, True
    value = called(frame, function, (), call.at, None)
    frame.awaiting = kept
    yields = isinstance(function, FunctionValue) and frame.program.project.function_of(function.ref).sketch.yields
    return value.element if isinstance(value, Collection) and (yields or value.kind == "iterator") else value


def _drive(frame: Frame, call: Call) -> Value:
    return gone(call)


def _given(frame: Frame, call: Call) -> Value:
    if not call.fact.gives:
        return gone(call)
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


def _stream(frame: Frame, call: Call) -> Value:
    return Collection("iterator", UNKNOWN, bound="unclear")


def _pages(frame: Frame, call: Call) -> Value:
    value = value_at(call.arguments, call.fact.argument)
    return Collection("iterator", value if value is not None else UNKNOWN, bound="paged")


def _model(frame: Frame, call: Call) -> Value:
    schema = frame.program.schema
    name = schema.set_as(call.fact.gives) if call.fact.gives else schema.named(*_app_and_label(call))
    return frame.program.class_value(name) if name else gone(call)


def _operation(frame: Frame, call: Call) -> Value:
    return Operation(call.name, tuple(given.value for given in call.arguments if not given.star), varies=call.varies)


def _assign(frame: Frame, call: Call) -> Value:
    return builtins.call_builtin(frame, "setattr", call.arguments, call.at, call.node)


def _later(frame: Frame, call: Call) -> Value:
    function = value_at(call.arguments, call.fact.argument)
    if isinstance(function, FunctionValue | LambdaValue) and (frame.contexts or _may_clear(frame, function)):
        from slowpath.semantics.calls import call as call_now

        with frame.putting_off():
            call_now(frame, function, (), call.at, None)
    return gone(call)


def _may_clear(frame: Frame, function: FunctionValue | LambdaValue) -> bool:
    """Whether what runs afterwards, and once, may clear a cache: all else is found where it is read by itself."""
    ref = function.ref if isinstance(function, FunctionValue) else FunctionRef(function.module, function.function)
    return frame.program.prospects.may_use_caches(ref)


def _text(frame: Frame, call: Call) -> Value:
    parts = [texts.hole(frame, given.value, given.node) for given in call.arguments]
    last = call.arguments[-1] if len(call.arguments) > 1 else None
    several = texts.several(frame, last.value, last.node) if last is not None else Constant("")
    return texts.braces(Constant(call.fact.gives), parts, {"*": several})


def _app_and_label(call: Call) -> tuple[str, str]:
    """`("shop", "Order")` for the arguments `"shop.Order"` or `"shop", "Order"`; no app if it is not known."""
    texts = [given.value.value if isinstance(given.value, Constant) else None for given in call.arguments]
    if len(texts) > 1 and isinstance(texts[1], str) and texts[0] is None:
        return "", texts[1]
    words = [word for text in texts if isinstance(text, str) for word in text.split(".")]
    return (words[0], words[1]) if len(words) == 2 else ("", "")


def _held(frame: Frame, call: Call) -> Value:
    from slowpath.semantics.attributes import get

    value = get(frame, call.receiver, call.fact.gives, call.at)
    return replace(value, here=False) if isinstance(value, Rows) else value


def _argument(frame: Frame, call: Call) -> Value:
    value = value_at(call.arguments, call.fact.argument)
    return value if value is not None else gone(call)


def _enter(frame: Frame, call: Call) -> Value:
    from slowpath.semantics.calls import entered

    return entered(frame, _argument(frame, call), call.at, awaiting=frame.awaiting)


_ACTIONS: Mapping[str, Callable[[Frame, Call], Value]] = {
    **QUERY_ACTIONS,
    **WRITE_ACTIONS,
    **SESSION_ACTIONS,
    **SCHEMA_ACTIONS,
    "add": _add,
    "sql-many": _many,
    "fetch": _quiet,
    "batch": _many,
    "blocks": _blocks,
    "offload": _offload,
    "drive": _drive,
    "beside": _drive,
    "inject": _inject,
    "quiet": _quiet,
    "remote": _remote,
    "pipeline": _given,
    "new": _given,
    "chunks": _chunks,
    "pages": _pages,
    "stream": _stream,
    "model": _model,
    "held": _held,
    "given": _argument,
    "enter": _enter,
    "assign": _assign,
    "operation": _operation,
    "later": _later,
    "text": _text,
}
