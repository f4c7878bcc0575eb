"""Calls that change the schema, and statements in SQL that change something, written down as they are made."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from slowpath import expression as e
from slowpath.semantics.arguments import Arguments, Given, value_at
from slowpath.semantics.effects import ChangesSchema, Executes
from slowpath.semantics.frame import Frame
from slowpath.semantics.library_call import Call, gone
from slowpath.semantics.values import Collection, Constant, Object, Symbol, Template, Value

# What these begin changes nothing but rows that somebody names, or nothing at all.
_OTHERS = ("select", "insert", "with", "values", "show", "pragma", "explain", "call", "exec")


def execute(frame: Frame, call: Call, statement: Value | None) -> None:
    """Write down that a statement in SQL runs, if it may change more than rows that are named."""
    if not isinstance(statement, Constant | Template):
        return
    first = statement.parts[0] if isinstance(statement, Template) else statement
    text = first.value if isinstance(first, Constant) else None
    if isinstance(text, str) and not text.lstrip().lower().startswith(_OTHERS):
        frame.emit(Executes(place=frame.place(call.at), label=call.label, text=statement), statement.varies)


def text_in(statement: Value | None) -> Value | None:
    """The text that a statement was made from (`text("UPDATE …")`), or the statement itself."""
    if isinstance(statement, Object):
        return statement.arguments[0][1] if statement.arguments else None
    return statement


def _schema(frame: Frame, call: Call) -> Value:
    owner = f"{call.receiver.type}.{call.name}" if isinstance(call.receiver, Object) else ""
    operation = call.receiver.name if isinstance(call.receiver, Symbol) else owner
    if call.node is not None and operation:
        frame.emit(
            ChangesSchema(
                place=frame.place(call.at),
                operation=operation,
                call=e.Call(call.node.at, call.node.func, tuple(map(_known, call.node.arguments, call.arguments))),
                table=_table_of(call.receiver),
            ),
            call.varies,
        )
    return gone(call)


def _table_of(receiver: Value) -> str:
    """The table that the receiver was made for: `batch_alter_table("orders")`."""
    first = value_at(_made_with(receiver), 0, "table_name")
    return first.value if isinstance(first, Constant) and isinstance(first.value, str) else ""


def _made_with(receiver: Value) -> Arguments:
    made = receiver.arguments if isinstance(receiver, Object) else ()
    return tuple(Given(value, None, keyword.lstrip("*"), "*" * keyword.startswith("*")) for keyword, value in made)


def _known(written: e.Argument, given: Given) -> e.Argument:
    """The argument with the text in the place of what it was computed from."""
    return e.Argument(_written(given.value, written.value), written.keyword, written.star)


def _written(value: Value, node: e.Expression) -> e.Expression:
    match value:
        case Constant(value=known) if not isinstance(node, e.Constant):
            return e.Constant(node.at, known)
        case Collection(kind="list" | "tuple", items=tuple() as items) if items:
            nodes = node.elements if isinstance(node, e.Listing) and len(node.elements) == len(items) else None
            inner = [_written(item, nodes[n] if nodes else e.Name(node.at, "?")) for n, item in enumerate(items)]
            if nodes or all(isinstance(each, e.Constant) for each in inner):
                return e.Listing(node.at, "list", tuple(inner))
    return node


SCHEMA_ACTIONS: Mapping[str, Callable[[Frame, Call], Value]] = {"schema": _schema}
