"""What `value.name` is, and what reading it costs."""

from __future__ import annotations

from msgspec.structs import replace

from slowpath import expression as e
from slowpath.declarations import FunctionDeclaration
from slowpath.references import ClassRef, External, FunctionRef
from slowpath.semantics import queries
from slowpath.semantics.frame import Frame
from slowpath.semantics.values import (
    ClassValue,
    Collection,
    Constant,
    FunctionValue,
    Instance,
    LambdaValue,
    Method,
    ModelAttribute,
    ModuleValue,
    Object,
    Operation,
    Row,
    Rows,
    Super,
    Symbol,
    Template,
    Unknown,
    Value,
    field_of,
    unknown,
    varying,
    with_field,
)
from slowpath.spelling import spelled


def attribute(frame: Frame, value: Value, node: e.Attribute) -> Value:
    """The attribute's value; the reads it costs are written down, and what was read is remembered."""
    match value:
        case Row():
            return _of_row(frame, value, node)
        case Instance():
            return _of_instance(frame, value, node)
        case _:
            return get(frame, value, node.attr, node.at, node)


def get(frame: Frame, value: Value, name: str, at: int, node: e.Expression | None = None) -> Value:
    """The attribute of this name of anything but a row or an instance that a variable holds."""
    match value:
        case Row():
            got, _ = _row_attribute(frame, value, name, at)
            return got
        case Instance():
            return _instance_attribute(frame, value, name, at)
        case FunctionValue(ref=ref) if name in frame.program.memo_clears(ref):
            return Method(value, name)
        case Unknown() | FunctionValue() | LambdaValue() | Constant(value=None):
            return unknown(value)
        case ModuleValue(module=module):
            return frame.program.member(module, name)
        case ClassValue(ref=ref):
            return _of_class(frame, ref, name, at, node)
        case Symbol(name=outer):
            return frame.program.symbol(f"{outer}.{name}")
        case Object():
            return _of_object(frame, value, name)
        case Rows():
            return _of_rows(frame, value, name, at)
        case Super():
            return _of_super(frame, value, name)
        case ModelAttribute(model=model, path=path):
            return (
                replace(value, model=model, path=(*path, name))
                if _is_model_member(frame, value, name)
                else Method(value, name)
            )
        case Constant() | Template() | Collection() | Operation():
            return Method(value, name, varies=value.varies)
    return unknown(value)


def _is_model_member(frame: Frame, value: ModelAttribute, name: str) -> bool:
    schema = frame.program.schema
    model = value.model
    for step in value.path:
        relation = schema.relation(model, step)
        if relation is None:
            return False
        model = relation.target
    return schema.relation(model, name) is not None


def _of_row(frame: Frame, row: Row, node: e.Attribute) -> Value:
    value, after = _row_attribute(frame, row, node.attr, node.at)
    if after is not row:
        frame.update(node.value, after)
    return value


def _row_attribute(frame: Frame, row: Row, name: str, at: int) -> tuple[Value, Row]:
    value, after = queries.read_row(frame, row, name, at)
    if value is not None:
        return value, after
    ref = frame.program.class_of_model(row.model)
    if ref is not None:
        found = _member(frame, ref, name, row, at)
        if found is not None:
            value, cached = found
            if cached:
                after = replace(after, fields=with_field(after.fields, name, value))
            return varying(value, row.varies), after
        if any(known.attributes.get(name) == known.name for known in frame.program.external_types(ref)):
            return replace(row, implicit=True), after
        described = _described(frame, ref, name)
        if described is not None:
            return described, after
    declared = frame.program.schema.models.get(row.model)
    if declared is not None and frame.program.fact(declared.row_type, name) is not None:
        return Method(row, name, varies=row.varies), after
    attached = frame.program.attached(row.model, name)
    if attached is not None:
        got, _ = _taken(frame, attached, row, ref or ClassRef("", row.model), at)
        return varying(got, row.varies), after
    return unknown(row), after


def _of_instance(frame: Frame, instance: Instance, node: e.Attribute) -> Value:
    stored = field_of(instance.fields, node.attr)
    if stored is not None:
        return varying(stored, instance.varies)
    value = _instance_attribute(frame, instance, node.attr, node.at, _loops_around(frame, node.value))
    found = frame.program.project.method(instance.ref, node.attr)
    stays = found is None or frame.program.binding_of(found) == "cached"
    if stays and isinstance(value, Row | Rows | Instance | Collection):
        frame.update(node, value)
    return value


def _loops_around(frame: Frame, node: e.Expression) -> int:
    """How many of the loops around were open when the variable was bound."""
    return frame.bound_at.get(node.id, 0) if isinstance(node, e.Name) else len(frame.contexts)


def _instance_attribute(frame: Frame, instance: Instance, name: str, at: int, loops: int | None = None) -> Value:
    stored = field_of(instance.fields, name)
    if stored is not None:
        return varying(stored, instance.varies)
    found = _member(frame, instance.ref, name, instance, at)
    if found is not None and not isinstance(found[0], Unknown):
        return varying(found[0], instance.varies)
    if name in frame.program.rendered(instance.ref):
        from slowpath.semantics.showing import render

        # It is worked out once and kept.
        kept, frame.contexts = frame.contexts, frame.contexts[:loops]
        try:
            render(frame, instance, frame.program.rendered(instance.ref)[name], name, at)
        finally:
            frame.contexts = kept
        return unknown(instance)
    held = field_of(frame.program.built(instance.ref).fields, name)
    if held is not None:
        return varying(held, instance.varies)
    inherited = frame.program.inherited_method(instance.ref, name)
    if inherited:
        return Method(instance, name, varies=instance.varies)
    return unknown(instance)


def _member(frame: Frame, ref: ClassRef, name: str, receiver: Value, at: int) -> tuple[Value, bool] | None:
    """A method, property or class attribute taken from an instance; and whether it stays on the instance once read."""
    project = frame.program.project
    method = project.method(ref, name)
    if method is not None:
        return _taken(frame, method, receiver, ref, at)
    value = frame.program.class_attribute(ref, name)
    if value is None:
        return None
    if isinstance(value, Collection) and frame.program.holds_settings(ref):
        value = replace(value, bound="small")
    if isinstance(value, FunctionValue) and value.receiver is None:
        return replace(value, receiver=receiver), False
    return value, False


def _taken(frame: Frame, method: FunctionRef, receiver: Value, cls: ClassRef, at: int) -> tuple[Value, bool]:
    """The method as taken from an instance, or what it gives if it is a property; and whether that stays."""
    kind = frame.program.binding_of(method)
    if kind == "class-property":
        receiver = ClassValue(cls)
    if kind in {"property", "cached", "class-property"}:
        from slowpath.semantics.calls import call_function

        return call_function(frame, method, receiver, (), at, None), kind == "cached"
    return bound(frame, method, frame.program.project.function_of(method), receiver, cls), False


def bound(frame: Frame, method: FunctionRef, declaration: FunctionDeclaration, receiver: Value, cls: ClassRef) -> Value:
    """The method as taken from an instance or a class."""
    match frame.program.binding_of(method):
        case "static":
            return FunctionValue(method)
        case "class":
            return FunctionValue(method, receiver=receiver if isinstance(receiver, ClassValue) else ClassValue(cls))
    return FunctionValue(method, receiver=receiver, varies=receiver.varies)


def _of_class(frame: Frame, ref: ClassRef, name: str, at: int, node: e.Expression | None) -> Value:
    schema = frame.program.schema
    project = frame.program.project
    if ref.name in schema.models:
        manager = schema.manager(ref.name, name)
        if manager is not None:
            label = spelled(node) if node is not None else f"{ref.qualname}.{name}"
            kind = frame.program.manager_type(ref.name, manager)
            return frame.program.managed(frame, queries.start(frame, ref.name, at, label, manager, kind), at)
        if schema.relation(ref.name, name) or schema.column(ref.name, name) or schema.proxy(ref.name, name):
            return ModelAttribute(ref.name, (name,))
    method = project.method(ref, name)
    if method is not None:
        kind = frame.program.binding_of(method)
        if kind == "class-property":
            from slowpath.semantics.calls import call_function

            return call_function(frame, method, ClassValue(ref), (), at, None)
        if kind == "class":
            return FunctionValue(method, receiver=ClassValue(ref))
        if ref.name in schema.models and frame.program.binding_of(method) == "property":
            # An expression that stands in the property's body.
            return Operation("property", (ModelAttribute(ref.name, (name,)),))
        return FunctionValue(method)
    inner = project.inner_class(ref, name)
    if inner is not None:
        return ClassValue(inner)
    value = frame.program.class_attribute(ref, name)
    if value is not None:
        return value
    if ref.name in schema.models and frame.program.class_fact(schema.models[ref.name].row_type, name) is not None:
        return Method(ClassValue(ref), name)
    described = _described(frame, ref, name)
    if described is not None:
        return described
    if any(isinstance(ancestor, External) for ancestor in project.ancestors(ref)):
        return Symbol(f"{ref.name}.{name}")
    return unknown()


def _described(frame: Frame, ref: ClassRef, name: str) -> Value | None:
    """What a library keeps of the class itself under this name."""
    gives = (known.attributes.get(name) for known in frame.program.external_types(ref))
    return next((Object(each) for each in gives if each), None)


def _of_object(frame: Frame, value: Object, name: str) -> Value:
    known = frame.program.knowledge.types.get(value.type)
    if known is None:
        return unknown(value)
    if known.kind == "settings":
        return Symbol(f"{known.name}.{name}")
    if name in known.methods or known.kind == "builder":
        return Method(value, name, varies=value.varies)
    gives = known.attributes.get(name) or known.attributes.get("*")
    if gives:
        return Object(gives, varies=value.varies)
    ref = frame.program.class_named(value.type)
    if ref is not None:
        # A class of the project that a table says something of: the rest is in its own code.
        found = _member(frame, ref, name, Instance(ref, varies=value.varies), 0)
        if found is not None:
            return found[0]
    return Method(value, name, varies=value.varies)


def _of_rows(frame: Frame, rows: Rows, name: str, at: int) -> Value:
    for manager in rows.manager.split("+") if rows.manager else ():
        ref = frame.program.class_named(manager)
        if ref is None:
            continue
        found = _member(frame, ref, name, rows, at)
        if found is not None:
            return varying(found[0], rows.varies)
    known = frame.program.type_named(rows.type)
    if known is not None and known.attributes.get(name) == known.name:
        return rows
    if name == "model":
        ref = frame.program.class_of_model(rows.model)
        return ClassValue(ref) if ref is not None else unknown(rows)
    return Method(rows, name, varies=rows.varies)


def _of_super(frame: Frame, value: Super, name: str) -> Value:
    program = frame.program
    start = value.receiver.ref if isinstance(value.receiver, Instance | ClassValue) else value.ref
    ancestors = program.project.ancestors(start)
    later = ancestors[ancestors.index(value.ref) + 1 :] if value.ref in ancestors else ancestors[1:]
    for ancestor in later:
        if isinstance(ancestor, ClassRef):
            method = program.project.own_methods(ancestor).get(name)
            if method is not None:
                return bound(frame, method, program.project.function_of(method), value.receiver, ancestor)
    match value.receiver:
        case Rows() | Row():
            return Method(value.receiver, name, varies=value.receiver.varies)
        case Instance() if program.inherited_method(value.receiver.ref, name):
            return Method(value.receiver, name, varies=value.receiver.varies)
        case ClassValue(ref=ref) if ref.name in program.schema.models:
            if program.class_fact(program.schema.models[ref.name].row_type, name) is not None:
                return Method(value.receiver, name)
    return unknown(value.receiver)


def get_path(frame: Frame, getter: Object, value: Value, at: int) -> Value:
    """What `operator.attrgetter("a.b")` gives for a value: the attributes of its path are read."""
    for _, path in getter.arguments:
        for name in str(path.value).split(".") if isinstance(path, Constant) else ():
            value = get(frame, value, name, at)
    return value
