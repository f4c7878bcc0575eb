"""A call: a function of the project by its summary, a library's by its fact, a builtin by what Python says of it."""

from __future__ import annotations

from msgspec.structs import replace

from slowpath import expression as e
from slowpath.references import FunctionRef
from slowpath.semantics import (
    builtins,
    cache_actions,
    containers,
    loading,
    queries,
    standard_library,
    telling,
    texts,
    trails,
)
from slowpath.semantics.actions import act
from slowpath.semantics.arguments import Arguments, Given, bound_to, remembered, value_at, varies_of
from slowpath.semantics.attributes import get_path
from slowpath.semantics.dependence import all_varies, map_varies
from slowpath.semantics.effects import Hop, Summary
from slowpath.semantics.enclosing import captured_here
from slowpath.semantics.frame import Frame
from slowpath.semantics.gathering import is_streamed, runs_beside
from slowpath.semantics.library_call import Call, limited
from slowpath.semantics.steps import Trail
from slowpath.semantics.values import (
    NOTHING,
    UNKNOWN,
    ClassValue,
    Collection,
    FunctionValue,
    Instance,
    LambdaValue,
    Method,
    ModelAttribute,
    Object,
    Operation,
    Origin,
    Row,
    Rows,
    Symbol,
    Unknown,
    Value,
    unknown,
    varying,
    with_field,
)
from slowpath.spelling import spelled
from slowpath.vocabulary import Fact

_NOTHING = Fact("quiet")


def call(frame: Frame, callee: Value, arguments: Arguments, at: int, node: e.Call | None) -> Value:
    """What the call gives; its effects are written down."""
    match callee:
        case FunctionValue(ref=ref) if ref.name in frame.program.knowledge.functions:
            return _call_symbol(frame, ref.name, arguments, at, node)
        case FunctionValue():
            return call_function(frame, callee.ref, callee.receiver, arguments, at, node, callee.captured)
        case LambdaValue():
            return _call_lambda(frame, callee, arguments)
        case ClassValue():
            return _construct(frame, callee, arguments, at, node)
        case Method(receiver=receiver, name=name):
            return _call_method(frame, receiver, name, arguments, at, node)
        case Symbol(name=name):
            return _call_symbol(frame, name, arguments, at, node)
        case Object(type="operator.attrgetter") if arguments:
            return get_path(frame, callee, arguments[0].value, at)
        case Object(type=name):
            known = frame.program.knowledge.types.get(name)
            if known is not None and known.calls:
                return Object(known.calls)
        case Instance():
            result = call_method(frame, callee, "__call__", at, arguments)
            if result is not None:
                return result
        case Unknown() if node is not None and isinstance(node.func, e.Attribute) and arguments:
            cache_actions.suspect(frame, node, arguments)
            session = _session_of(frame, node.func.attr, arguments)
            if session is not None:
                return _call_method(frame, replace(session, varies=callee.varies), node.func.attr, arguments, at, node)
    return _unknown_call(frame, callee, arguments)


def _session_of(frame: Frame, method: str, arguments: Arguments) -> Object | None:
    """Whatever is handed a statement or a mapped class by one of a session's methods is a session."""
    first = arguments[0].value
    match first:
        case Rows(type=kind) if frame.program.is_statement(kind):
            wanted = frozenset({"execute", "scalars", "scalar"})
        case ClassValue(ref=ref) if frame.program.needs_session(ref.name):
            wanted = frozenset({"start", "get"}) if len(arguments) > 1 else frozenset({"start"})
        case _:
            return None
    kind = frame.program.session_type(method, wanted, implicit=not frame.awaiting)
    return Object(kind) if kind else None


def _unknown_call(frame: Frame, callee: Value, arguments: Arguments) -> Value:
    for given in arguments:
        _may_load(frame, given)
    varies = callee.varies | varies_of(arguments)
    return Unknown(varies=varies) if varies else UNKNOWN


def _may_load(frame: Frame, given: Given) -> None:
    """Rows that are here and are handed to code nobody can read may have anything loaded afterwards."""
    if given.node is None:
        return
    match given.value:
        case Rows(here=True) | Row() as rows:
            frame.update(given.node, replace(rows, loads=replace(rows.loads, open=True)))
        case Collection(element=Row() as row) as rows:
            loose = replace(row, loads=replace(row.loads, open=True))
            frame.update(given.node, replace(rows, element=loose, items=None))


def call_method(frame: Frame, receiver: Instance, name: str, at: int, arguments: Arguments = ()) -> Value | None:
    """What a method of the instance gives, `None` when its class has no such method."""
    method = frame.program.project.method(receiver.ref, name)
    if method is None:
        return None
    return call_function(frame, method, receiver, arguments, at, None)


def _may_matter(frame: Frame, value: Value) -> bool:
    """Whether a function that shows nothing by itself may do something with this argument."""
    if isinstance(value, FunctionValue):
        return frame.program.prospects.may_matter(value.ref)
    return isinstance(value, Rows | Row | LambdaValue)


def call_function(
    frame: Frame,
    ref: FunctionRef,
    receiver: Value | None,
    arguments: Arguments,
    at: int,
    node: e.Call | None,
    captured: tuple[tuple[str, Value], ...] = (),
) -> Value:
    """What a function of the project gives when called here, its effects replayed with these arguments."""
    program = frame.program
    declaration = program.project.function_of(ref)
    beside = runs_beside(frame, declaration, at)
    if beside and not (frame.contexts and frame.contexts[-1][1].kind == "comprehension"):
        # A coroutine that nobody awaits here runs elsewhere.
        return unknown(*(given.value for given in arguments))
    if receiver is not None:
        arguments = (Given(receiver, _named_receiver(frame, node)), *arguments)
    handed = program.handed_to(ref)
    arguments = handed.among(arguments) if handed.ahead else arguments
    given = bound_to(declaration.parameters, arguments)
    captured = captured or captured_here(frame, ref, declaration)
    values: list[tuple[str, Value]] = []
    actual = dict(captured)
    varies: list[frozenset[int]] = []
    known: dict[str, Trail | None] = {}
    for position, parameter in enumerate(declaration.parameters):
        passed = given.get(parameter.name)
        added = handed.value(parameter.name) if passed is None else None
        value = passed.value if passed is not None else added or program.default_of(ref.module, parameter)
        if isinstance(value, Unknown) and parameter.annotation is not None:
            value = program.annotated(ref.module, parameter.annotation, value.varies)
        if passed is not None and isinstance(value, Unknown) and _is_optional(parameter):
            # Whoever passes something for an argument that may be left out has something to pass.
            value = replace(value, some=True)
        actual[parameter.name] = value
        depends = all_varies(value)
        varies.append(depends)
        marker = frozenset((-1 - position,)) if depends else NOTHING
        general = telling.told_of(frame, ref, parameter.name, value, marker)
        values.append((parameter.name, trails.untold(ref, parameter.name, general, value, known)))
    for name, value in captured:
        depends = all_varies(value)
        marker = frozenset((-1 - len(varies),)) if depends else NOTHING
        varies.append(depends)
        values.append((name, trails.untold(ref, name, telling.general(True, value, marker), value, known)))
    matters = program.prospects.may_matter(ref) or any(_may_matter(frame, value) for _, value in values)
    if not matters and not telling.may_make_keys(frame, ref):
        return program.returned(ref, NOTHING.union(*varies) if varies else NOTHING)
    summary = program.summary(ref, tuple(values), frame.depth + 1)
    frame.height = max(frame.height, summary.height + 1)
    hop = Hop(frame.place(at), declaration.qualname)

    def fill(text: Value) -> Value:
        return texts.filled(text, ref.module, ref.qualname, argument)

    def argument(name: str) -> Value:
        # What is not passed is seen around a nested function, and may be anything.
        return texts.hole(frame, actual.get(name, UNKNOWN), given[name].node if name in given else None)

    away = frame.on_loop and program.runs_elsewhere(ref, awaited=frame.awaiting)
    away = away or (frame.on_loop and declaration.sketch.yields and is_streamed(frame, at))
    memoized = program.is_memoized(ref)
    frame.replay(summary, tuple(varies), known, hop, rare=memoized, beside=beside, fill=fill, elsewhere=away)
    _write_back(frame, summary, given, tuple(varies), known)
    result = fill(trails.told(map_varies(summary.returns, lambda found: telling.outside(found, tuple(varies))), known))
    return _begun_here(frame, ref, receiver, result, at, node)


def _begun_here(
    frame: Frame, ref: FunctionRef, receiver: Value | None, result: Value, at: int, node: e.Call | None
) -> Value:
    """A query of a model that has its own form of what begins all of them (`select`) begins where that is called."""
    model = frame.program.schema.models.get(receiver.ref.name) if isinstance(receiver, ClassValue) else None
    if model is None or node is None or not isinstance(result, Rows) or result.origin is None or result.prefix:
        return result
    if frame.program.class_fact(model.row_type, ref.qualname.rpartition(".")[2]) is None:
        return result
    return replace(result, origin=Origin(frame.place(at), result.model, spelled(node)))


def _named_receiver(frame: Frame, node: e.Call | None) -> e.Expression | None:
    """What a method is called on, as written; `super()` is another view of `self`."""
    match node:
        case e.Call(func=e.Attribute(value=e.Call(func=e.Name(id="super", at=at)))) if "super" not in frame.env:
            return e.Name(at, "self" if "self" in frame.env else "cls")
        case e.Call(func=e.Attribute(value=own)):
            return own
    return None


def _is_optional(parameter: e.Parameter) -> bool:
    return isinstance(parameter.default, e.Constant) and parameter.default.value is None and not parameter.default.kind


def _write_back(
    frame: Frame,
    summary: Summary,
    given: dict[str, Given],
    varies: tuple[frozenset[int], ...],
    known: dict[str, Trail | None],
) -> None:
    for name, value in summary.finals:
        passed = given.get(name)
        if passed is not None and passed.node is not None and type(passed.value) is type(value):
            loading.share(frame, value)
            frame.update(
                passed.node, trails.told(map_varies(value, lambda found: telling.outside(found, varies)), known)
            )


def _call_lambda(frame: Frame, value: LambdaValue, arguments: Arguments) -> Value:
    from slowpath.semantics.expressions import evaluate

    given = bound_to(value.expression.parameters, arguments)
    env = dict(value.captured)
    for parameter in value.expression.parameters:
        passed = given.get(parameter.name)
        env[parameter.name] = passed.value if passed is not None else UNKNOWN
    inner = frame
    if (value.module, value.function) != (frame.module, frame.function):
        inner = frame.elsewhere(value.module, value.function)
    kept, inner.env = inner.env, env
    try:
        return evaluate(inner, value.expression.body)
    finally:
        inner.env = kept


def _construct(frame: Frame, callee: ClassValue, arguments: Arguments, at: int, node: e.Call | None) -> Value:
    name = callee.ref.name
    varies = varies_of(arguments)
    fields: tuple[tuple[str, Value], ...] = ()
    for given in arguments:
        if given.keyword and not given.star:
            fields = with_field(fields, given.keyword, given.value)
    if name in frame.program.schema.models:
        return Row(name, known=True, fresh=True, fields=fields, varies=varies)
    known = frame.program.knowledge.types.get(name)
    if known is not None:
        return Object(known.name, varies=varies)
    built = frame.program.rows_built(callee.ref, value_at(arguments, 0, "model"))
    if built is not None:
        return replace(built, known=True, origin=Origin(frame.place(at), built.model, spelled(node)), varies=varies)
    instance = Instance(callee.ref, varies=varies)
    method = frame.program.project.method(callee.ref, "__init__")
    if method is None:
        values = tuple(given.value for given in arguments if not given.keyword and not given.star)
        return replace(instance, fields=frame.program.positional_fields(callee.ref, values, fields))
    frame.env["<new>"] = instance
    call_function(frame, method, None, (Given(instance, e.Name(at, "<new>")), *arguments), at, None)
    return varying(frame.env.pop("<new>"), varies)


def _call_method(frame: Frame, receiver: Value, name: str, arguments: Arguments, at: int, node: e.Call | None) -> Value:
    program = frame.program
    fact: Fact | None
    kept: Value | None = None
    match receiver:
        case Rows(type="") | Collection():
            return containers.call_collection(frame, receiver, name, arguments, at, node)
        case Rows(type=kind):
            fact = program.fact(kind, name)
        case Row(model=model):
            fact = program.row_fact(model, name)
        case ClassValue(ref=ref):
            fact = program.class_fact(program.schema.models[ref.name].row_type, name)
            if fact is not None:
                receiver = queries.start(frame, ref.name, at, spelled(node))
        case Object(type=kind):
            known = program.knowledge.types.get(kind)
            if known is not None and known.kind == "builder":
                loading.prepare(frame, name, arguments, at)
                return replace(
                    receiver,
                    chain=(*receiver.chain, (name, remembered(arguments))),
                    varies=receiver.varies | varies_of(arguments),
                )
            fact = program.fact(kind, name)
            kept = _of_entries(frame, kind, Call(at, name, fact or _NOTHING, receiver, arguments, node))
        case ModelAttribute() | Operation():
            operands = (receiver, *(given.value for given in arguments))
            return Operation(name, operands, varies=receiver.varies | varies_of(arguments))
        case Instance(ref=ref):
            kind = program.inherited_method(ref, name)
            fact = program.fact(kind, name)
            kept = _of_entries(frame, kind, Call(at, name, fact or _NOTHING, receiver, arguments, node))
            if fact is not None and fact.action != "held":
                receiver = Object(kind, varies=receiver.varies)
        case FunctionValue(ref=ref):
            cache_actions.forget_memo(frame, ref, Call(at, name, _NOTHING, receiver, arguments, node))
            return UNKNOWN
        case _:
            return containers.call_text(frame, receiver, name, arguments)
    if fact is None:
        return kept or _unknown_call(frame, receiver, arguments)
    return act(frame, Call(at, name, fact, receiver, arguments, node)) if kept is None else kept


def _of_entries(frame: Frame, kind: str, call: Call) -> Value | None:
    cache = frame.program.knowledge.caches.get(kind)
    return cache_actions.use(frame, cache, call) if cache is not None else None


def _call_symbol(frame: Frame, name: str, arguments: Arguments, at: int, node: e.Call | None) -> Value:
    program = frame.program
    fact = program.knowledge.functions.get(name)
    if fact is None and name.startswith("builtins.") and name.count(".") == 1:
        return builtins.call_builtin(frame, name[9:], arguments, at, node)
    if fact is not None:
        return act(frame, Call(at, name.rpartition(".")[2], fact, Symbol(name), arguments, node))
    known = program.knowledge.types.get(name)
    if known is not None:
        kept = remembered(arguments) if known.kind == "builder" else ()
        if kept:
            loading.prepare(frame, name, arguments, at)
        if known.limit is not None:
            made = Call(at, known.name, Fact("new"), Object(known.name), arguments, node)
            limited(frame, made, known.limit)
        if known.making is not None and frame.on_loop:
            frame.blocks(at, spelled(node.func) if node is not None else name, known.making, known.sends)
        return Object(known.name, arguments=kept, varies=varies_of(arguments))
    owner, _, method = name.rpartition(".")
    owning = program.knowledge.types.get(owner)
    if owning is not None:
        fact = owning.methods.get(method) or owning.class_methods.get(method)
        if fact is not None:
            return act(frame, Call(at, method, fact, Object(owning.name), arguments, node))
    if program.is_configured(name):
        # Whatever is taken out of settings was written down there.
        return Symbol(name)
    return standard_library.call_library(frame, name, arguments, at, node) or _unknown_call(frame, UNKNOWN, arguments)


def entered(frame: Frame, value: Value, at: int, *, awaiting: bool) -> Value:
    """What `with value as x` binds to x, or `async with` when `awaiting`."""
    match value:
        case Object(type=name):
            known = frame.program.knowledge.types.get(name)
            if known is not None and known.enters:
                return Object(known.enters, varies=value.varies)
            return value
        case Collection(kind="iterator", element=element, bound=bound) if bound != "unclear":
            return element
        case Instance():
            kept, frame.awaiting = frame.awaiting, True
            result = call_method(frame, value, "__aenter__" if awaiting else "__enter__", at)
            frame.awaiting = kept
            return value if result is None or isinstance(result, Unknown) else result
        case FunctionValue() | Symbol():
            return unknown(value)
    return value
