"""Calls: what they acquire and give back, and what becomes of the resources that they are given."""

from __future__ import annotations

from slowpath import expression as e
from slowpath.references import ClassRef, FunctionRef
from slowpath.semantics.effects import CallsService, RunsQuery, Writes
from slowpath.semantics.owning.answers import fate_of, held_by, may_be_left_alone, ownership_of, works_in
from slowpath.semantics.owning.expressions import Looks, distinct, look
from slowpath.semantics.owning.ownership import Fate, Resource
from slowpath.semantics.owning.state import Cause, Got, Held, Ref, State, awaiting, bound, closed, opened
from slowpath.semantics.owning.walk import Walk
from slowpath.semantics.values import (
    ClassValue,
    Collection,
    FunctionValue,
    Instance,
    Method,
    Object,
    Rows,
    Symbol,
    Value,
)
from slowpath.spelling import spelled
from slowpath.vocabulary import Fact, Type

# What these do needs the network or the disk, and so may fail.
_WORKING = frozenset({
    "execute", "scalars", "scalar", "get", "commit", "flush", "refresh", "merge", "load-onto", "sql", "sql-many",
    "fetch", "remote", "batch", "rows", "row", "value", "count", "exists", "mapping", "create", "bulk",
    "write", "save", "delete", "link", "get-or-create", "iterate", "stream", "blocks",
})  # fmt: skip
# What these make goes on needing what it was made from.
_NEEDING = frozenset({"query", "statement", "result", "session", "connection", "cursor", "client", "pipeline"})
_BORROWING_BUILTINS = frozenset({
    "len", "str", "repr", "print", "isinstance", "issubclass", "hasattr", "getattr", "type", "id", "bool",
    "next", "anext", "list", "tuple", "set", "dict", "sum", "any", "all", "min", "max", "sorted", "hash",
    "callable", "format", "vars", "dir",
})  # fmt: skip
# What a call may give, and is held only when somebody enters or acquires it.
_NOT_MADE = frozenset({"", "none", "lock", "transaction"})
_SUCCESSORS = frozenset({"builtins.next", "builtins.anext"})


def call(walk: Walk, node: e.Call, state: State) -> Looks:
    """The states after the call, each with what the call gives."""
    awaited, walk.awaited = walk.awaited, False
    receiver = node.func.value if isinstance(node.func, e.Attribute) else None
    ways: list[tuple[State, tuple[Ref, ...]]] = [(state, ())]
    for part in (receiver, *(argument.value for argument in node.arguments)):
        if part is None:
            ways = [(each, (*refs, None)) for each, refs in ways]
        else:
            ways = distinct((after, (*refs, ref)) for each, refs in ways for after, ref in look(walk, part, each))
    return [pair for each, refs in ways for pair in _called(walk, _Call(walk, node, awaited, refs[0], refs[1:]), each)]


class _Call:
    """A call on one way: what is called, and which resources it is given."""

    def __init__(self, walk: Walk, node: e.Call, awaited: bool, receiver: Ref, arguments: tuple[Ref, ...]) -> None:
        self.node = node
        self.awaited = awaited
        self.receiver = receiver
        self.arguments = arguments
        self.callee = walk.sight.callee(node.at)
        self.fact = fact_of(walk, self.callee) or _fact_of_held(walk, node.func, receiver)

    @property
    def subject(self) -> Ref:
        """What the fact is about."""
        if self.fact is None or self.fact.subject < 0:
            return self.receiver
        return self.arguments[self.fact.subject] if self.fact.subject < len(self.arguments) else None


def fact_of(walk: Walk, callee: Value) -> Fact | None:
    """What the tables say of what is called."""
    program = walk.program
    match callee:
        case Method(receiver=Object(type=kind), name=name):
            return program.fact(kind, name)
        case Method(receiver=Instance(ref=ref), name=name):
            return program.fact(program.inherited_method(ref, name), name)
        case Method(receiver=Rows(type=kind), name=name):
            return program.fact(kind, name)
        case Symbol(name=name):
            known = program.knowledge.functions.get(name)
            if known is None and "." in name:
                owner, _, method = name.rpartition(".")
                owning = program.type_named(owner)
                known = (owning.methods.get(method) or owning.class_methods.get(method)) if owning else None
            return known
        case FunctionValue(ref=ref):
            return program.knowledge.functions.get(ref.name)
    return None


def _fact_of_held(walk: Walk, func: e.Expression, receiver: Ref) -> Fact | None:
    """What the tables say of a method of a resource, whatever its value has become."""
    if not isinstance(func, e.Attribute) or not isinstance(receiver, Held) or receiver.derived:
        return None
    known = walk.type_of(receiver.resource)
    return known.methods.get(func.attr) if known is not None else None


def _called(walk: Walk, call: _Call, state: State) -> Looks:
    match call.fact.owning if call.fact is not None else "":
        case "releases":
            return [(_released(walk, call, state), None)]
        case "rests" if isinstance(call.subject, Held) and walk.rests:
            return [(_rested(walk, call, call.subject, state), None)]
        case "acquires":
            return [_locked(walk, call, state)]
        case "takes":
            return [(_taken(walk, call, state), None)]
        case "enters" if isinstance(call.subject, Held):
            known = walk.type_of(call.subject.resource)
            if known is not None and known.leaving == "transaction":
                return [(state, call.subject)]
            walk.entered.add(call.subject.resource)
            return [(walk.let_go(state, call.subject), None)]
    return _plain(walk, call, state)


def _taken(walk: Walk, call: _Call, state: State) -> State:
    """What is handed over to be closed; a connection that closing does not give back stays the caller's."""
    subject = call.subject
    if call.fact is not None and call.fact.action == "given" and isinstance(subject, Held):
        known = walk.type_of(subject.resource)
        closers = [known.methods.get(name) for name in ("close", "aclose")] if known is not None else []
        if not any(fact is not None and fact.owning == "releases" for fact in closers):
            return state
    return walk.let_go(state, subject)


def _released(walk: Walk, call: _Call, state: State) -> State:
    subject = call.subject
    if subject is None and isinstance(call.node.func, e.Attribute):
        return state
    if isinstance(subject, Held | Got) and not (isinstance(subject, Held) and subject.derived):
        return walk.give_back(state, subject.resource)
    return state


def _rested(walk: Walk, call: _Call, subject: Held, state: State) -> State:
    """A commit that fails leaves the session with what it holds."""
    if not walk.is_session(subject.resource):
        walk.may_raise(state, Cause(call.node.at, "call"))
        return state
    if subject.resource in state.open | state.pending:
        walk.may_raise(opened(state, subject.resource), Cause(call.node.at, "call"))
    walk.rested.add(subject.resource)
    return closed(state, subject.resource)


def _locked(walk: Walk, call: _Call, state: State) -> tuple[State, Ref]:
    func = call.node.func
    receiver = call.callee.receiver if isinstance(call.callee, Method) else None
    name = e.dotted(func.value) if isinstance(func, e.Attribute) else ""
    if not isinstance(receiver, Object) or not name or walk.given:
        return state, None
    walk.may_raise(state, Cause(call.node.at, "call"))
    resource = Resource(call.node.at, receiver.type, name, "locked")
    walk.names.setdefault(call.node.at, name)
    return bound(walk.acquire(state, resource), name, Got(call.node.at)), Got(call.node.at)


def _plain(walk: Walk, call: _Call, state: State) -> Looks:
    at = call.node.at
    touched = [call.receiver.resource] if isinstance(call.receiver, Held) else []
    back: list[int] = []
    passed: dict[int, str] = {}
    for position, ref in enumerate(call.arguments):
        if isinstance(ref, Held):
            name = _parameter(walk, call, position)
            if (
                name
                and isinstance(call.callee, FunctionValue)
                and may_be_left_alone(walk.program, call.callee.ref, name)
            ):
                continue
            if name and not ref.derived:
                passed[ref.resource] = name
            fate = _fate(walk, call, position)
            if fate == "keeps":
                state = walk.escape(state, ref.resource)
            else:
                if isinstance(call.callee, ClassValue):
                    walk.lodged.add(ref.resource)
                touched.append(ref.resource)
                if fate == "gives-back" and not ref.derived:
                    back.append(ref.resource)
    works = _works(walk, call, bool(touched))
    walk.use(state, at, passed)
    for resource in touched:
        if works and walk.is_session(resource) and _is_used(walk, call, resource, passed.get(resource, "")):
            walk.working.add(resource)
            state = opened(state, resource)
        elif call.fact is not None and call.fact.action == "add":
            state = awaiting(state, resource)
    for resource in back:
        state = walk.give_back(state, resource)
    if works:
        walk.may_raise(state, Cause(at, "call"))
        if walk.rests and _commits(walk, at):
            for resource in touched:
                if walk.is_session(resource):
                    walk.rested.add(resource)
                    state = closed(state, resource)
    acquired = None if walk.given else _acquired(walk, call)
    if acquired is not None:
        walk.may_raise(state, Cause(at, "call"))
        return [(walk.acquire(state, acquired), Held(at))]
    return [(state, _derived(walk, call, touched))]


def _is_used(walk: Walk, call: _Call, resource: int, parameter: str) -> bool:
    """Whether a session begins to work in what is called, if that can be told."""
    if not parameter or not isinstance(call.callee, FunctionValue):
        return True
    return works_in(walk.program, call.callee.ref, parameter, walk.resources[resource].type)


def _commits(walk: Walk, at: int) -> bool:
    return any(isinstance(effect, Writes) and effect.action == "commit" for effect in walk.sight.effects(at))


def _works(walk: Walk, call: _Call, touches: bool) -> bool:
    if any(isinstance(effect, RunsQuery | Writes | CallsService) for effect in walk.sight.effects(call.node.at)):
        return True
    if call.fact is not None:
        return call.fact.action in _WORKING
    if not touches:
        return False
    match call.callee:
        case Symbol(name=name):
            return not name.startswith("builtins.")
        case ClassValue() | Object():
            return False
    return True


def _fate(walk: Walk, call: _Call, position: int) -> Fate:
    """What becomes of a resource that is passed at this position."""
    argument = call.node.arguments[position]
    match call.callee:
        case FunctionValue(ref=ref) if call.fact is None:
            return _fate_in(walk, call, ref, position)
        case ClassValue(ref=owner):
            init = walk.program.project.method(owner, "__init__")
            return "keeps" if _closes_things(walk, owner.name) or argument.star or init is None else "borrows"
        case Symbol(name=name) if call.fact is None and walk.program.type_named(name) is None:
            home, _, last = name.rpartition(".")
            if name.startswith("builtins."):
                return "borrows" if last in _BORROWING_BUILTINS else "keeps"
            held = call.arguments[position]
            plain = isinstance(held, Held) and not held.derived and not argument.star
            # A class keeps what it is made with, also by `Server.from_schema(client=client)`.
            made = last[:1].isupper() or home.rpartition(".")[2][:1].isupper()
            return "borrows" if plain and not made else "keeps"
        case Symbol() | Object():
            return "borrows"
        case Method(receiver=Object() | Rows()) if call.fact is not None:
            return "borrows"
    return "keeps"


def _closes_things(walk: Walk, name: str) -> bool:
    """Whether some method of the class could give back what its instances keep."""
    ref = walk.program.class_named(name)
    if ref is None:
        return True
    project, words = walk.program.project, walk.program.releasing_words
    owners = [ref, *(each for each in project.ancestors(ref) if isinstance(each, ClassRef) and each != ref)]
    methods = [method for owner in owners for method in project.own_methods(owner).values()]
    return any(not words.isdisjoint(project.function_of(method).sketch.words) for method in methods)


def _fate_in(walk: Walk, call: _Call, ref: FunctionRef, position: int) -> Fate:
    declaration = walk.program.project.function_of(ref)
    name = _parameter(walk, call, position)
    if not name or (declaration.is_async and not call.awaited and not declaration.sketch.yields):
        return "keeps"
    held = call.arguments[position]
    kind = walk.resources[held.resource].type if isinstance(held, Held) else ""
    return fate_of(walk.program, ref, name, kind)


def _parameter(walk: Walk, call: _Call, position: int) -> str:
    """The parameter of a function of the project that the argument is passed for, empty if that is not clear."""
    argument, callee = call.node.arguments[position], call.callee
    if argument.star or not isinstance(callee, FunctionValue):
        return ""
    parameters = walk.program.project.function_of(callee.ref).parameters
    if argument.keyword is not None:
        return next((each.name for each in parameters if each.name == argument.keyword), "")
    names = [parameter.name for parameter in parameters if parameter.kind in {"/", ""}]
    if callee.receiver is not None:
        names = names[1:]
    return names[position] if position < len(names) else ""


def _acquired(walk: Walk, call: _Call) -> Resource | None:
    """What the call acquires for the function."""
    node, program = call.node, walk.program
    label = spelled(node)
    match call.callee:
        case FunctionValue(ref=ref) if call.fact is None:
            declaration = program.project.function_of(ref)
            if declaration.sketch.yields or program.is_memoized(ref):
                return None
            fresh = ownership_of(program, ref).fresh
            return Resource(node.at, fresh, label, maker=ref) if fresh else None
        case Symbol(name=name) if name in _SUCCESSORS and node.arguments:
            return _from_generator(walk, node)
    if call.fact is not None and call.fact.owning == "lends":
        return None
    if call.fact is not None and call.fact.action != "new" and not isinstance(call.callee, ClassValue | Symbol):
        return None
    known = _resource_type(walk, walk.sight.value(node.at))
    if known is None or not _makes(walk, call) or (known.resource == "session" and _is_bound(walk, node)):
        return None
    return Resource(node.at, known.name, label)


def _is_bound(walk: Walk, node: e.Call) -> bool:
    """Whether what is made works on a connection that it is given, and takes none from a pool."""
    given = [_resource_type(walk, walk.sight.value(argument.value.at)) for argument in node.arguments]
    return any(known is not None and known.resource in {"connection", "session"} for known in given)


def _makes(walk: Walk, call: _Call) -> bool:
    """Whether the call makes what it gives, and does not only hand it on."""
    match call.callee:
        case Symbol(name=name):
            if call.fact is not None:
                return call.fact.action == "new"
            return walk.program.type_named(name) is not None
        case ClassValue():
            return True
        case Method():
            return call.fact is not None and call.fact.action == "new"
        case Object(type=name):
            known = walk.program.type_named(name)
            return known is not None and bool(known.calls)
    return False


def _resource_type(walk: Walk, value: Value) -> Type | None:
    """The library's type of a value that must be given back."""
    return next((known for known in walk.program.types_of(value) if known.resource not in _NOT_MADE), None)


def lent_type(walk: Walk, value: Value, callee: Value) -> str:
    """The library's type of what `with value` holds, when somebody else gives that back."""
    if isinstance(value, Collection) and value.kind == "iterator":
        known = _resource_type(walk, value.element)
        if known is not None and known.resource in {"connection", "session"}:
            return known.name
        opens = isinstance(callee, FunctionValue) and walk.program.prospects.may_hold(callee.ref)
        return held_by(walk.program, callee.ref).around if opens and isinstance(callee, FunctionValue) else ""
    known = walk.program.type_named(value.type) if isinstance(value, Object) else None
    return known.name if known is not None and known.resource in {"lock", "transaction"} else ""


def _from_generator(walk: Walk, node: e.Call) -> Resource | None:
    """`next(dependency())`: the generator stops at its `yield`, and nobody runs the rest of it."""
    inner = node.arguments[0].value
    callee = walk.sight.callee(inner.at) if isinstance(inner, e.Call) else None
    if not isinstance(callee, FunctionValue):
        return None
    lent = ownership_of(walk.program, callee.ref).lent
    return Resource(node.at, lent, spelled(node), "generator", callee.ref) if lent else None


def _derived(walk: Walk, call: _Call, touched: list[int]) -> Ref:
    """The resource that what the call gives was made from, and still needs."""
    if not touched:
        return None
    value = walk.sight.value(call.node.at)
    receiver = call.receiver
    if call.fact is not None and call.fact.action == "same" and isinstance(receiver, Held):
        return receiver
    match value:
        case Object(type=name):
            known = walk.program.type_named(name)
            needs = known is not None and known.kind in _NEEDING
        case Rows(type=kind, here=here):
            needs = bool(kind) and not here
        case Instance():
            needs = True
        case _:
            needs = (
                isinstance(call.callee, FunctionValue)
                and walk.program.project.function_of(call.callee.ref).sketch.yields
            )
    return Held(touched[0], derived=True) if needs else None
