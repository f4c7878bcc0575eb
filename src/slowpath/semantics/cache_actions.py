"""What calls do to a cache's entries, written down with the key, the expiry and the models in the value."""

from __future__ import annotations

from collections.abc import Iterator

from slowpath import expression as e
from slowpath.keeping import CacheType, Keyed, KeyedRole
from slowpath.references import FunctionRef
from slowpath.semantics.arguments import Arguments, Given
from slowpath.semantics.effects import MEMO, UsesCache
from slowpath.semantics.frame import Frame
from slowpath.semantics.library_call import Call
from slowpath.semantics.texts import globbed, hole
from slowpath.semantics.values import (
    UNKNOWN,
    Collection,
    Constant,
    FunctionValue,
    Hole,
    Instance,
    LambdaValue,
    Row,
    Rows,
    Template,
    Value,
    varying,
)
from slowpath.spelling import spelled

_ANYTHING = Hole(name="…")
_DEEPEST = 3


def use(frame: Frame, cache: CacheType, call: Call) -> Value | None:
    """Write down what the call does to the entries of its cache; what it gives, where that is known."""
    keyed = cache.methods.get(call.name)
    if keyed is None:
        return None
    value = _argument(call, keyed, "value")
    result = _computed(frame, value, call.at) if keyed.does == "fetch" and value is not None else None
    keys = tuple(_keys(frame, call, keyed))
    for key in keys:
        frame.emit(
            UsesCache(
                place=frame.place(call.at),
                does=keyed.does,
                cache=cache.name,
                key=key,
                label=call.label,
                expiry=_expiry(cache, keyed, call),
                holds=tuple(sorted(_models_in(value.value))) if value is not None else (),
                offers=keyed.does == "use" and value is not None,
            ),
            call.varies,
        )
    if keyed.does == "read" and any(role == "pattern" for role, _ in keyed.parameters):
        return Collection("iterator", varying(keys[0], call.varies), varies=call.varies)
    return result


def suspect(frame: Frame, node: e.Call, arguments: Arguments) -> None:
    """Write down that something nobody knows is given a text by a name that caches' methods have: it may be a key."""
    if not isinstance(node.func, e.Attribute) or node.func.attr not in frame.program.cache_methods:
        return
    for given in arguments:
        value = given.value.element if isinstance(given.value, Collection) else given.value
        if isinstance(value, Template):
            place = frame.place(node.at)
            frame.emit(UsesCache(place=place, does="use", cache="", key=value, label=spelled(node.func)), value.varies)


def forget_memo(frame: Frame, ref: FunctionRef, call: Call) -> None:
    """Write down that what a decorator keeps of a function is forgotten."""
    frame.emit(
        UsesCache(place=frame.place(call.at), does="forget", cache=MEMO, key=Constant(ref.name), label=call.label),
        call.varies,
    )


def _computed(frame: Frame, given: Given, at: int) -> Value:
    """What is kept if there is nothing yet: the value, or what it gives when it is called."""
    if not isinstance(given.value, FunctionValue | LambdaValue):
        return given.value
    from slowpath.semantics.calls import call

    with frame.seldom():
        return call(frame, given.value, (), at, None)


def _placed(call: Call, keyed: Keyed) -> Iterator[tuple[KeyedRole, Given]]:
    """The call's arguments with what each is."""
    names = {name: role for role, name in keyed.parameters}
    places = list(keyed.parameters)
    for given in call.arguments:
        if given.keyword:
            if given.keyword in names:
                yield names[given.keyword], given
        elif places:
            role, _ = places[0]
            if role != "*keys":
                places.pop(0)
            yield role, given


def _argument(call: Call, keyed: Keyed, wanted: KeyedRole) -> Given | None:
    return next((given for role, given in _placed(call, keyed) if role == wanted and not given.star), None)


def _keys(frame: Frame, call: Call, keyed: Keyed) -> Iterator[Value]:
    if not any(role in {"key", "keys", "*keys", "pattern"} for role, _ in keyed.parameters):
        yield _ANYTHING
        return
    found = [
        key
        for role, given in _placed(call, keyed)
        if role in {"key", "keys", "*keys", "pattern"}
        for key in _keys_in(frame, role, given)
    ]
    yield from dict.fromkeys(found or [_ANYTHING])


def _keys_in(frame: Frame, role: KeyedRole, given: Given) -> Iterator[Value]:
    value = given.value
    if role == "pattern":
        yield globbed(hole(frame, value, given.node))
        return
    if role == "key" or (role == "*keys" and not given.star):
        # Clients take a list where one key would do, too.
        if not isinstance(value, Collection):
            yield hole(frame, value, given.node)
            return
    if not isinstance(value, Collection):
        yield _ANYTHING
    elif value.kind == "dict":
        yield hole(frame, value.key if value.key is not None else UNKNOWN, None)
    elif value.items is not None:
        nodes = given.node.elements if isinstance(given.node, e.Listing) else ()
        for position, item in enumerate(value.items):
            yield hole(frame, item, nodes[position] if position < len(nodes) else None)
    else:
        yield hole(frame, value.element, None)


def _expiry(cache: CacheType, keyed: Keyed, call: Call) -> str:
    """How long an entry lives, as written; `default`, or `never`."""
    given = _argument(call, keyed, "expiry")
    if given is None:
        unpacked = any(each.star for each in call.arguments)
        return "default" if cache.lasts == "default" or unpacked else "never"
    if isinstance(given.value, Constant) and given.value.value is None:
        return "never"
    return _spelled(given.node) if given.node is not None else "default"


def _spelled(node: e.Expression) -> str:
    if isinstance(node, e.Binary):
        return f"{_spelled(node.left)} {node.operator} {_spelled(node.right)}"
    return spelled(node)


def _models_in(value: Value, depth: int = _DEEPEST) -> set[str]:
    """The models of the rows that are in a value."""
    match value:
        case Row(model=model) | Rows(model=model):
            return {model}
        case Collection(element=element, items=items) if depth:
            return set[str]().union(*(_models_in(part, depth - 1) for part in (element, *(items or ()))))
        case Instance(fields=fields) if depth:
            return set[str]().union(*(_models_in(part, depth - 1) for _, part in fields))
    return set()
