"""Expressions: the value each has, with what it does written down."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, nullcontext
from typing import Any

from msgspec.structs import replace

from slowpath import expression as e
from slowpath.semantics import builtins, containers, queries, shapes, taking, texts, trails, uses
from slowpath.semantics.arguments import Given
from slowpath.semantics.attributes import attribute
from slowpath.semantics.calls import call
from slowpath.semantics.conditions import decided, is_none
from slowpath.semantics.dependence import settled
from slowpath.semantics.frame import Frame, merged
from slowpath.semantics.iteration import bound_of, first_of, origin_of, through, within
from slowpath.semantics.joins import join
from slowpath.semantics.values import (
    UNKNOWN,
    Bound,
    Collection,
    Constant,
    Instance,
    LambdaValue,
    Object,
    Row,
    Rows,
    Super,
    Template,
    Unknown,
    Value,
    unknown,
    varying,
)
from slowpath.semantics.ways import joined
from slowpath.spelling import spelled


def evaluate(frame: Frame, node: e.Expression) -> Value:
    """The expression's value."""
    return _READERS[type(node)](frame, node)


def _name(frame: Frame, node: e.Name) -> Value:
    value = frame.env.get(node.id)
    if value is None:
        return frame.program.global_value(frame.module, node.id)
    return frame.assumed.get(node.id, value) if isinstance(value, Unknown) else value


def _attribute(frame: Frame, node: e.Attribute) -> Value:
    value = attribute(frame, _unawaited(frame, node.value), node)
    if frame.assumed and isinstance(value, Unknown):
        return frame.assumed.get(e.dotted(node), value)
    return value


def _unawaited(frame: Frame, node: e.Expression) -> Value:
    """The value of an inner expression, which an `await` around the whole does not await."""
    kept, frame.awaiting = frame.awaiting, False
    value = evaluate(frame, node)
    frame.awaiting = kept
    return value


def _call(frame: Frame, node: e.Call) -> Value:
    awaiting, frame.awaiting = frame.awaiting, False
    if isinstance(node.func, e.Name) and node.func.id == "super" and "super" not in frame.env:
        return _super(frame)
    compared, frame.compared = frame.compared, False
    callee = evaluate(frame, node.func)
    arguments = tuple(_arguments(frame, node))
    frame.awaiting, frame.compared = awaiting, compared
    value = call(frame, callee, arguments, node.at, node)
    taking.note(frame, callee, arguments, value, node)
    if frame.sight is not None:
        frame.sight.note_call(node.at, callee)
        frame.sight.note_value(node.at, value)
    frame.awaiting = frame.compared = False
    return value


def _super(frame: Frame) -> Value:
    receiver = frame.env.get("self", frame.env.get("cls"))
    if frame.owner is None or receiver is None:
        return UNKNOWN
    return Super(frame.owner, receiver, varies=receiver.varies)


def _arguments(frame: Frame, node: e.Call) -> Iterator[Given]:
    for argument in node.arguments:
        value = evaluate(frame, argument.value)
        if frame.sight is not None:
            frame.sight.note_value(argument.value.at, value)
        if argument.star == "*" and isinstance(value, Collection) and value.items is not None:
            yield from (Given(item) for item in value.items)
        elif argument.star == "**" and isinstance(value, Collection) and value.items == ():
            continue
        else:
            yield Given(value, argument.value, argument.keyword or "", argument.star)


def _constant(frame: Frame, node: e.Constant) -> Value:
    return Constant(node.value) if not node.kind else UNKNOWN


def _template(frame: Frame, node: e.Template) -> Value:
    return texts.template(_part(frame, evaluate(frame, part), part, node.at) for part in node.parts)


def _part(frame: Frame, value: Value, node: e.Expression, at: int) -> Value:
    return texts.hole(frame, builtins.as_text(frame, value, node, at), node)


def _listing(frame: Frame, node: e.Listing) -> Value:
    items: list[Value] | None = []
    element: Value | None = None
    for part in node.elements:
        if isinstance(part, e.Starred):
            inner = evaluate(frame, part.value)
            value = first_of(frame, inner)
            if isinstance(inner, Collection) and inner.items is not None and items is not None:
                items.extend(inner.items)
            else:
                items = None
        else:
            value = evaluate(frame, part)
            if items is not None:
                items.append(value)
        element = value if element is None else join(element, value)
    varies = unknown(*(items or ()), element or UNKNOWN).varies
    known = tuple(items) if items is not None else None
    bound: Bound = "small" if known is not None else "growing"
    return Collection(node.kind, element or UNKNOWN, items=known, bound=bound, varies=varies)


def _mapping(frame: Frame, node: e.Mapping) -> Value:
    keys = [evaluate(frame, key) if key is not None else UNKNOWN for key in node.keys]
    values = [evaluate(frame, value) for value in node.values]
    key, element = joined(keys), joined(values)
    few: Bound = "small" if all(key is not None for key in node.keys) else "growing"
    items = None if node.keys else ()
    return Collection("dict", element, key=key, items=items, bound=few, varies=unknown(*keys, *values).varies)


def _subscript(frame: Frame, node: e.Subscript) -> Value:
    value = _unawaited(frame, node.value)
    index = evaluate(frame, node.index)
    return containers.subscript(frame, value, index, node)


def _slice(frame: Frame, node: e.Slice) -> Value:
    parts = [evaluate(frame, part) for part in (node.lower, node.upper, node.step) if part is not None]
    return unknown(*parts)


def _lambda(frame: Frame, node: e.Lambda) -> Value:
    free = frame.program.remembered(frame, node.at, "free", lambda: uses.names_of(node))
    captured = tuple(sorted((name, value) for name, value in frame.env.items() if name in free))
    return LambdaValue(node, captured, frame.module, frame.function, varies=unknown(*(v for _, v in captured)).varies)


def _comprehension(frame: Frame, node: e.Comprehension) -> Value:
    kept = dict(frame.env)
    with ExitStack() as stack:
        value: Value = UNKNOWN
        bounds = []
        for position, generator in enumerate(node.generators):
            value = evaluate(frame, generator.iterable)
            value, item_value, bound = through(frame, value, generator.iterable, node.at, awaiting=generator.is_async)
            if position == 0 and isinstance(generator.iterable, e.Name) and generator.iterable.id in frame.env:
                kept[generator.iterable.id] = frame.env[generator.iterable.id]
            bounds.append(bound)
            number = stack.enter_context(
                frame.repeating(
                    "comprehension",
                    node.at,
                    spelled(generator.target),
                    spelled(generator.iterable),
                    bound,
                    origin_of(value),
                )
            )
            from slowpath.semantics.assignment import assign

            assign(frame, generator.target, item_value(number))
            for condition in generator.conditions:
                truth(frame, condition)
        key = evaluate(frame, node.key) if node.key is not None else None
        element = evaluate(frame, node.element)
        numbers = frozenset(number for number, _ in frame.contexts[-len(node.generators) :])
    frame.env = kept
    bound = bounds[0] if len(set(bounds)) == 1 else "growing"
    element = settled(element, numbers)
    key = settled(key, numbers) if key is not None else None
    kind = "iterator" if node.kind == "generator" else node.kind
    origin = origin_of(value) if isinstance(element, Row) else None
    return Collection(kind, element, key=key, bound=bound, origin=origin, varies=element.varies)


def _binary(frame: Frame, node: e.Binary) -> Value:
    left, right = evaluate(frame, node.left), evaluate(frame, node.right)
    varies = left.varies | right.varies
    match node.operator, left, right:
        case (("|" | "&"), Rows(), Rows()):
            return varying(join(left, right), varies)
        case (("+" | "|"), Collection(), Collection()):
            items = None
            if left.items is not None and right.items is not None:
                items = (*left.items, *right.items)
            joined = join(replace(left, items=None), replace(right, items=None))
            if isinstance(joined, Collection):
                return replace(joined, items=items, varies=varies)
        case "%", (Constant(value=str()) | Template()), _:
            holes = right.items if isinstance(right, Collection) and right.items is not None else (right,)
            operands = node.right.elements if isinstance(node.right, e.Listing) else (node.right,) * len(holes)
            return texts.percent(left, [_part(frame, *pair, node.at) for pair in zip(holes, operands, strict=False)])
        case "+", (Constant(value=str()) | Template()), _:
            return texts.template((left, _part(frame, right, node.right, node.at)))
        case "+", Unknown(), (Constant(value=str()) | Template()):
            return texts.template((texts.hole(frame, left, node.left), right))
        case "/", Object(type=kind), _ if kind == frame.program.divided(kind):
            return Object(kind, varies=varies)
        case "*", Collection(items=tuple()), _:
            bound: Bound = "chunked" if shapes.is_hand(node.left) else left.bound
            return replace(left, items=None, bound=bound, varies=varies)
    return trails.operation(frame, node.operator, left, right)


def _compare(frame: Frame, node: e.Compare) -> Value:
    left = evaluate_compared(frame, node.left, node)
    values = [left]
    if node.operators[0] in {"is", "is not"} and is_none(node.operands[0]):
        if isinstance(left, Constant):
            return Constant((left.value is None) == (node.operators[0] == "is"))
        if isinstance(left, Collection | Instance | Object) or _is_some(left):
            return Constant(node.operators[0] == "is not")
    for operator, operand in zip(node.operators, node.operands, strict=True):
        value = evaluate(frame, operand)
        if operator in {"in", "not in"} and isinstance(value, Rows):
            value = _contains(frame, value, node, operand)
        values.append(value)
    known = decided(node.operators, values) if e.dotted(node.left) in frame.assumed else None
    return known or trails.operation(frame, node.operators[0] if len(values) == 2 else "", *values)


def evaluate_compared(frame: Frame, node: e.Expression, compare: e.Compare) -> Value:
    """The left side of a comparison; when it is the size of a query compared with nothing, that is written down."""
    frame.compared = uses.is_emptiness(compare)
    value = evaluate(frame, node)
    frame.compared = False
    return value


def _contains(frame: Frame, rows: Rows, node: e.Compare, operand: e.Expression) -> Value:
    after = queries.run(frame, rows, node.at, operand)
    frame.update(operand, after)
    return unknown(rows)


def _boolean(frame: Frame, node: e.Boolean) -> Value:
    left = truth(frame, node.left)
    known = truth_of(frame, left, node.left)
    if known is not None and known == (node.operator == "or"):
        return left
    before = dict(frame.env)
    # `known or query()`: the query is for when nothing was known.
    rare = node.operator == "or" and not _is_column(frame, node.left)
    with ExitStack() as stack:
        if rare:
            stack.enter_context(frame.seldom())
        right = evaluate(frame, node.right)
    frame.env = merged(before, frame.env) if frame.env.keys() != before.keys() else frame.env
    if node.operator == "and" and not isinstance(right, Unknown):
        return varying(right, left.varies)
    return join(left, right)


def _is_some(value: Value) -> bool:
    return isinstance(value, Unknown) and value.some


def _is_column(frame: Frame, node: e.Expression) -> bool:
    """Whether the code reads a row's own data, which is empty as often as it is."""
    if not isinstance(node, e.Name | e.Attribute | e.Call | e.Subscript):
        return True
    return isinstance(node, e.Attribute) and isinstance(frame.lookup(node.value), Row)


def _unary(frame: Frame, node: e.Unary) -> Value:
    if node.operator == "not":
        operand = truth(frame, node.operand)
        known = truth_of(frame, operand, node.operand)
        return unknown(operand) if known is None else Constant(not known)
    value = evaluate(frame, node.operand)
    if node.operator == "-" and isinstance(value, Constant) and isinstance(value.value, int | float):
        return Constant(-value.value)
    return trails.operation(frame, node.operator, value)


def _conditional(frame: Frame, node: e.Conditional) -> Value:
    known = truth_of(frame, truth(frame, node.test), node.test)
    if known is not None:
        return evaluate(frame, node.body if known else node.orelse)
    probes = shapes.tests_for_loaded(node.test)
    body = evaluate(frame, node.body)
    with frame.seldom() if probes else nullcontext():
        orelse = evaluate(frame, node.orelse)
    return join(body, orelse)


def _await(frame: Frame, node: e.Await) -> Value:
    frame.awaiting = True
    value = evaluate(frame, node.value)
    frame.awaiting = False
    if isinstance(value, Rows) and frame.program.runs_when_awaited(value.type):
        value = queries.run(frame, value, node.at, node.value)
        frame.update(node.value, value)
    return value


def _yield(frame: Frame, node: e.Yield) -> Value:
    if node.value is None:
        return UNKNOWN
    value = evaluate(frame, node.value)
    delegated = [bound_of(value)] if node.delegates else []
    frame.yield_bounds.add(within([*(context.bound for _, context in frame.contexts), *delegated]))
    if node.delegates and isinstance(value, Rows):
        value = queries.run(frame, value, node.at, node.value)
    frame.yields.append(first_of(frame, value) if node.delegates else value)
    return UNKNOWN


def _starred(frame: Frame, node: e.Starred) -> Value:
    return evaluate(frame, node.value)


def _walrus(frame: Frame, node: e.Walrus) -> Value:
    value = evaluate(frame, node.value)
    if isinstance(node.target, e.Name):
        frame.bind(node.target.id, value)
    return value


def truth(frame: Frame, node: e.Expression) -> Value:
    """The value of a test; a query that is only asked whether it has rows is written down as such."""
    if isinstance(node, e.Call):
        frame.compared, frame.unused = True, node.at
        value = evaluate(frame, node)
        frame.compared = False
    else:
        value = evaluate(frame, node)
    return builtins.tested(frame, value, node, node.at)


def truth_of(frame: Frame, value: Value, node: e.Expression) -> bool | None:
    """Whether the value is true, when that is known for sure."""
    match value:
        case Constant(value=constant):
            return bool(constant)
        case Unknown(some=True):
            return True
        case Object(type=name) if frame.program.is_held(name):
            return True
        case Collection(items=()) if isinstance(node, e.Name) and frame.bound_at.get(node.id, 0) < len(frame.contexts):
            # Empty before the loop: another turn may have filled it.
            return None
        case Collection(items=tuple() as items):
            return bool(items)
    return None


_READERS: Mapping[type[e.Node], Callable[[Frame, Any], Value]] = {
    e.Name: _name,
    e.Attribute: _attribute,
    e.Call: _call,
    e.Constant: _constant,
    e.Template: _template,
    e.Listing: _listing,
    e.Mapping: _mapping,
    e.Subscript: _subscript,
    e.Slice: _slice,
    e.Lambda: _lambda,
    e.Comprehension: _comprehension,
    e.Binary: _binary,
    e.Compare: _compare,
    e.Boolean: _boolean,
    e.Unary: _unary,
    e.Conditional: _conditional,
    e.Await: _await,
    e.Yield: _yield,
    e.Starred: _starred,
    e.Walrus: _walrus,
}
