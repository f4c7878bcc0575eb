"""Assignment: to variables, attributes, items and patterns; names imported inside functions; what a test tells."""

from __future__ import annotations

from msgspec.structs import replace

from slowpath import expression as e
from slowpath.semantics import queries
from slowpath.semantics.effects import Changes
from slowpath.semantics.expressions import evaluate
from slowpath.semantics.frame import Frame
from slowpath.semantics.iteration import FEW, first_of
from slowpath.semantics.joins import join
from slowpath.semantics.values import (
    UNKNOWN,
    ClassValue,
    Collection,
    Constant,
    Instance,
    Row,
    Rows,
    Unknown,
    Value,
    unknown,
    varying,
    with_field,
)
from slowpath.spelling import spelled

_AT_MOST = {"==", "<", "<="}
_MORE = {"!=", ">", ">="}


def assign(frame: Frame, target: e.Expression, value: Value) -> None:
    """Give the target the value."""
    match target:
        case e.Name(id=name):
            frame.bind(name, value)
        case e.Attribute(value=inner, attr=attr):
            base = evaluate(frame, inner)
            if isinstance(base, Row | Instance):
                _changed(frame, target, base)
                frame.update(inner, replace(base, fields=with_field(base.fields, attr, value)))
        case e.Subscript(value=inner, index=index):
            if frame.rare and isinstance(value, Rows):
                # Who looks it up later finds a query that has run already, or runs it once for all who do.
                value = queries.run(frame, value, target.at, inner)
            _set_item(frame, inner, evaluate(frame, index), value)
        case e.Listing(elements=elements):
            _unpack(frame, elements, value)
        case e.Starred(value=inner):
            assign(frame, inner, value)


def _changed(frame: Frame, target: e.Attribute, base: Row | Instance) -> None:
    """Write down that a column of a row, or the key of another one, is not what it was."""
    if not frame.program.prospects.has_caches or not isinstance(base, Row) or base.fresh:
        return
    schema = frame.program.schema
    if schema.column(base.model, target.attr) or schema.relation(base.model, target.attr):
        place, label = frame.place(target.at), f"{spelled(target)} = …"
        frame.emit(Changes(place=place, label=label, model=base.model, attribute=target.attr), base.varies)


def _set_item(frame: Frame, node: e.Expression, index: Value, value: Value) -> None:
    base = evaluate(frame, node)
    if isinstance(base, Collection):
        empty = base.items == () or (base.kind == "dict" and isinstance(base.element, Unknown))
        element = value if empty else join(base.element, value)
        key = index if empty and base.key is not None else base.key and join(base.key, index)
        few = isinstance(index, Constant) and (base.items == () or base.bound == "small")
        frame.update(node, replace(base, element=element, key=key, items=None, bound="small" if few else "growing"))


def _unpack(frame: Frame, elements: tuple[e.Expression, ...], value: Value) -> None:
    items = value.items if isinstance(value, Collection) else None
    if items is not None and len(items) == len(elements):
        for element, item in zip(elements, items, strict=True):
            assign(frame, element, item)
        return
    part = varying(first_of(frame, value), value.varies) if isinstance(value, Collection) else unknown(value)
    for element in elements:
        assign(frame, element, part)


def imported(frame: Frame, name: e.ImportedName) -> None:
    """Bind a name imported inside the function."""
    if name.local != "*":
        frame.bind(name.local, frame.program.imported(frame.module, name) or UNKNOWN)


def narrowed(frame: Frame, test: e.Expression, *, holds: bool = True) -> None:
    """What the variables in a test are where it holds, or does not: after `isinstance(x, C)`, x is a C, if nothing
    better was known; after `len(x) == 1`, x has few items."""
    match test:
        case e.Compare(
            left=e.Call(func=e.Name(id="len"), arguments=(e.Argument(value=e.Name(id=name)),)),
            operators=(operator,),
            operands=(e.Constant(value=int(most)),),
        ):
            known = frame.env.get(name)
            limits = most <= FEW and operator in (_AT_MOST if holds else _MORE)
            if limits and isinstance(known, Collection | Rows):
                frame.env[name] = replace(known, bound="small")
        case e.Boolean(operator=joined, left=left, right=right) if joined == ("and" if holds else "or"):
            narrowed(frame, left, holds=holds)
            narrowed(frame, right, holds=holds)
        case _ if not holds:
            return
        case e.Call(func=e.Name(id="isinstance"), arguments=(e.Argument(value=e.Name(id=name)), e.Argument(value=cls))):
            known = frame.env.get(name)
            value = evaluate(frame, cls)
            vague = isinstance(known, Unknown) or (isinstance(known, Instance) and bool(known.others))
            if known is not None and vague and isinstance(value, ClassValue):
                frame.env[name] = varying(frame.program.instance_of(value.ref), known.varies)
