"""Rows that get relations loaded which their own query had not brought."""

from __future__ import annotations

from msgspec.structs import replace

from slowpath.loads import Loads
from slowpath.semantics.arguments import Arguments, passed
from slowpath.semantics.effects import Prepares
from slowpath.semantics.frame import Frame
from slowpath.semantics.values import NOTHING, Collection, ModelAttribute, Origin, Row, Rows, Value
from slowpath.vocabulary import BuilderTerm, Passed


def prepare(frame: Frame, name: str, arguments: Arguments, at: int) -> None:
    """Write down which rows an option fetches along with others, if that is what the call makes."""
    for given in arguments:
        if isinstance(given.value, ModelAttribute):
            option = BuilderTerm(name, passed(arguments))
            paths = frame.program.load(given.value.model, Loads(), "options", (Passed(option),)).loads.paths
            if paths:
                label, model = name.rpartition(".")[2], given.value.model
                frame.emit(Prepares(place=frame.place(at), label=label, model=model, paths=paths), NOTHING)
            return


def load_onto(frame: Frame, model: str, loads: Loads, origin: Origin | None = None) -> None:
    """All variables, with this loaded onto the rows of a model that are here, or those of one query."""
    frame.env.update({name: _with(value, model, loads, origin) for name, value in frame.env.items()})


def share(frame: Frame, value: Value) -> None:
    """All variables that hold rows of the same query, with what these rows got."""
    row = value.element if isinstance(value, Collection) else value
    if isinstance(row, Row | Rows) and row.origin is not None and not row.prefix:
        load_onto(frame, row.model, row.loads, row.origin)


def _with(value: Value, model: str, loads: Loads, origin: Origin | None) -> Value:
    match value:
        case Row(model=of, origin=made) | Rows(model=of, origin=made, here=True) if of == model:
            return replace(value, loads=value.loads.plus(loads)) if origin in {None, made} else value
        case Collection(element=element, items=items):
            parts = tuple(_with(item, model, loads, origin) for item in items) if items is not None else None
            return replace(value, element=_with(element, model, loads, origin), items=parts)
    return value
