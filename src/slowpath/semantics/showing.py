"""What is read and asked for each item of the lists that frameworks make."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from msgspec.structs import replace

from slowpath import expression as e
from slowpath.expression import at_of
from slowpath.references import ClassRef, FunctionRef
from slowpath.semantics import shapes
from slowpath.semantics.arguments import Given
from slowpath.semantics.attributes import get
from slowpath.semantics.calls import call_function
from slowpath.semantics.effects import AnyEffect, ReadsRelation, Summary
from slowpath.semantics.expressions import evaluate
from slowpath.semantics.frame import Frame
from slowpath.semantics.iteration import origin_of, row_of, through
from slowpath.semantics.per_item import Card, PerItem, Showing
from slowpath.semantics.statements import run
from slowpath.semantics.values import (
    NOTHING,
    UNKNOWN,
    Collection,
    Constant,
    Instance,
    Row,
    Rows,
    Unknown,
    Value,
    field_of,
)
from slowpath.semantics.ways import joined

if TYPE_CHECKING:
    from slowpath.semantics.program import Program

# Whoever shows the same items in more lists than these loads what the others load.
_LISTS = 4
_NESTED = 4
_ITEM = "<item>"


def shown(program: Program, ref: FunctionRef, said: PerItem) -> Iterator[Summary]:
    """What the method does for each item, in each of the lists that are known, or in some list of its model's rows."""
    name = program.project.function_of(ref).name
    lists: dict[tuple[Rows | None, ClassRef], None] = dict.fromkeys(
        (rows, showing.by if program.project.method(showing.by, name) == ref else said.cls)
        for showing in said.showings[:_LISTS]
        if showing.sure and (rows := _rows(program, showing)) is not None
    )
    for rows, cls in lists or {(None, said.cls): None}:
        with _listing(program, cls, said.parameter, rows) as (frame, number):
            item = _item(frame, rows, said.model, frozenset((number,)))
            call_function(frame, ref, program.receiver_of(ref), (Given(item),), _at(program, cls), None)
        yield Summary(tuple(map(_inside, frame.effects.values())), UNKNOWN, ())


def read(program: Program, card: Card) -> Iterator[Summary]:
    """What is read of each item, in each of the lists that are known."""
    lists: dict[tuple[ClassRef, Rows], None] = {}
    for showing in card.showings[:_LISTS]:
        chosen = _chosen(program, showing.by)
        cls = chosen if card.chooses else card.cls
        rows = _rows(program, showing) if cls is not None and chosen in {None, cls} else None
        if cls is not None and rows is not None and card.model in {"", rows.model}:
            lists[cls, rows] = None
    for cls, rows in lists:
        with _listing(program, cls, "", rows) as (frame, number):
            _read(frame, cls, row_of(frame, rows, frozenset((number,))), 0)
        yield Summary(tuple(frame.effects.values()), UNKNOWN, ())


@contextmanager
def _listing(program: Program, cls: ClassRef, item: str, rows: Rows | None) -> Iterator[tuple[Frame, int]]:
    """Where each of the rows is shown with the class: a frame of its own, in a loop of this number."""
    frame = Frame(program, cls.module, "", owner=None, depth=0)
    origin = rows.origin if rows is not None else None
    with frame.repeating("for", _at(program, cls), item, cls.qualname, "growing", origin) as number:
        yield frame, number


def _at(program: Program, cls: ClassRef) -> int:
    return at_of(program.project.class_of(cls).line, 1)


def _chosen(program: Program, by: ClassRef) -> ClassRef | None:
    """The class that somebody shows a list with who chooses, where it can be told."""
    asked = program.lists.chooser(by)
    if asked is None:
        return None
    method, attribute, value = asked
    program.consulted.add(method)
    body = program.body(method)
    given = shapes.returned_when(body.statements, attribute, value) if body is not None else None
    name = e.dotted(given)
    found = program.project.resolve(method.module, name) if name else None
    return found if isinstance(found, ClassRef) else None


def render(frame: Frame, instance: Instance, argument: str, attribute: str, at: int) -> None:
    """Read what an instance shows by this attribute of what it was made of."""
    value = field_of(instance.fields, argument)
    if field_of(instance.fields, "many") != Constant(True):
        if isinstance(value, Row):
            _read(frame, instance.ref, value, 0)
        return
    if isinstance(value, Rows | Collection):
        name = instance.ref.qualname
        label = e.Attribute(at, e.Name(at, f"{name}(…)"), attribute)
        value, item_of, bound = through(frame, value, label, at)
        with frame.repeating("for", at, "", name, bound, origin_of(value)) as number:
            _read(frame, instance.ref, item_of(number), 0)


def _read(frame: Frame, cls: ClassRef, item: Value, depth: int) -> None:
    """Read what the class shows of the item, and what the classes show that it is made of."""
    for field in frame.program.lists.fields(cls):
        inner = frame.elsewhere(field.module, "")
        inner.env[_ITEM] = item
        if field.method is not None:
            _call(inner, cls, field.method, item, field.at)
            continue
        node: e.Expression = e.Name(field.at, _ITEM)
        for name in field.path[:-1] if field.shows == "key" and not field.many else field.path:
            node = e.Attribute(field.at, node, name)
        value = evaluate(inner, node)
        if isinstance(value, Rows) and (field.many or field.shows == "key"):
            value, item_of, bound = through(inner, value, node, field.at)
            if field.inner is not None and depth < _NESTED:
                with inner.repeating("for", field.at, "", ".".join(field.path), bound, origin_of(value)) as number:
                    _read(inner, field.inner, item_of(number), depth + 1)
        elif field.inner is not None and isinstance(value, Row) and depth < _NESTED:
            _read(inner, field.inner, value, depth + 1)
        elif field.shows == "text":
            evaluate(inner, e.Call(field.at, e.Name(field.at, "str"), (e.Argument(node),)))
        item = inner.env[_ITEM]


def _call(frame: Frame, cls: ClassRef, method: FunctionRef, item: Value, at: int) -> None:
    """Call the method with the item; what it asks for itself is told where it is called for each item of any list."""
    effects, frame.effects = frame.effects, {}
    call_function(frame, method, frame.program.instance_of(cls), (Given(item),), at, None)
    told = method in frame.program.lists.methods
    for key, effect in frame.effects.items():
        if isinstance(effect, ReadsRelation) or not told:
            effects.setdefault(key, effect)
    frame.effects = effects


def _rows(program: Program, showing: Showing) -> Rows | None:
    frame = Frame(program, showing.by.module, "", owner=None, depth=0)
    instance = Instance(showing.by)
    method = program.project.method(showing.by, showing.rows)
    value = _given_while_listing(program, method, instance) if method is not None else None
    if method is None:
        for known in program.external_types(showing.by):
            fact = known.methods.get(showing.rows)
            if fact is not None and fact.action == "held":
                value = get(frame, instance, fact.gives, 1)
                break
    return value if isinstance(value, Rows) and not value.plain and not value.items else None


def _given_while_listing(program: Program, method: FunctionRef, instance: Instance) -> Value:
    """What the method gives of the instance when that makes a list."""
    declared, body = program.project.function_of(method), program.body(method)
    if body is None or not declared.parameters:
        return program.returned(method, NOTHING)
    itself = declared.parameters[0].name
    frame = Frame(program, method.module, declared.qualname, owner=ClassRef(method.module, declared.owner), depth=0)
    frame.env[itself] = instance
    for known in program.external_types(instance.ref):
        for name, value in known.listing.while_listing.items():
            frame.assumed[f"{itself}.{name}"] = Constant(value)
    program.consulted.add(method)
    run(frame, body.statements)
    return joined(frame.returns)


def _item(frame: Frame, rows: Rows | None, model: str, varies: frozenset[int]) -> Value:
    if rows is not None and model in {"", rows.model}:
        return row_of(frame, rows, varies)
    return Row(model, varies=varies) if model else Unknown(varies=varies)


def _inside(effect: AnyEffect) -> AnyEffect:
    """The effect as one of the method itself: nobody writes the call."""
    contexts = tuple(replace(each, hops=max(each.hops - 1, 0)) for each in effect.contexts)
    return replace(effect, via=effect.via[1:], contexts=contexts)
