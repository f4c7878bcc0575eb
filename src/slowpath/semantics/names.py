"""The values of names that no function binds: module level, annotations, class attributes, built instances."""

from __future__ import annotations

from msgspec.structs import replace

from slowpath import expression as e
from slowpath.keeping import Memoizer
from slowpath.knowledge import object_type
from slowpath.loads import Loads
from slowpath.references import ClassRef, External, FunctionRef, ModuleRef, Resolved, ValueRef
from slowpath.semantics.binding import Binding, binding
from slowpath.semantics.facts import Facts
from slowpath.semantics.joins import either
from slowpath.semantics.memory import Memo, Questions
from slowpath.semantics.values import (
    NOTHING,
    UNKNOWN,
    Bound,
    ClassValue,
    Collection,
    Constant,
    FunctionValue,
    Instance,
    Method,
    ModuleValue,
    Object,
    Row,
    Rows,
    Symbol,
    Unknown,
    Value,
    varying,
    with_field,
)
from slowpath.source import Place
from slowpath.vocabulary import Type

_TRANSPARENT = {"Optional", "Annotated", "Required", "NotRequired", "Final", "ClassVar", "ReadOnly", "Mapped", "Union"}
_SEQUENCES = {
    "list", "List", "Sequence", "MutableSequence", "Iterable", "Iterator", "Collection", "Generator", "AsyncIterator",
    "AsyncIterable", "AsyncGenerator", "set", "Set", "frozenset", "FrozenSet", "AbstractSet", "tuple", "Tuple", "deque",
}  # fmt: skip
_MAPPINGS = {"dict", "Dict", "Mapping", "MutableMapping", "defaultdict", "DefaultDict", "OrderedDict"}


class Names(Facts, Questions):
    """The values of names; memoised, as they never change."""

    def reset_names(self) -> None:
        """Begin without anything remembered."""
        self.reset_questions()
        self._globals: Memo[tuple[str, str], Value] = Memo()
        self._attributes: Memo[tuple[ClassRef, str], Value | None] = Memo()
        self._annotations: dict[tuple[str, e.Expression], Value] = {}
        self._bindings: dict[FunctionRef, Binding] = {}
        self._texts: dict[FunctionRef, bool] = {}
        serving = (known for known in self.knowledge.types.values() if known.serves)
        self._starting = {name for known in serving for name, fact in known.methods.items() if fact.action == "drive"}
        self.cache_methods = frozenset(name for cache in self.knowledge.caches.values() for name in cache.methods)
        self._memos: dict[FunctionRef, tuple[Memoizer, e.Expression] | None] = {}
        self._text_words = (
            {"getattr", "setattr", "hasattr", "attrgetter"}
            | {name.rpartition(".")[2] for name, fact in self.knowledge.functions.items() if fact.action == "model"}
            | {
                method
                for known in self.knowledge.types.values()
                for method, fact in known.methods.items()
                if fact.action in {"load", "columns", "sql", "sql-many", "execute", "load-onto"}
            }
        )

    def global_value(self, module: str, name: str) -> Value:
        """What a name means at the level of its module."""
        key = (module, name)
        known = self._globals.plain.get(key)
        if known is not None:
            return known
        return self.recall(self._globals, key, UNKNOWN, lambda: self.of_resolved(self.project.resolve(module, name)))

    def of_resolved(self, resolved: Resolved | None) -> Value:
        """The value of what a name stands for."""
        match resolved:
            case ClassRef():
                return ClassValue(resolved)
            case FunctionRef():
                return FunctionValue(resolved)
            case ModuleRef(module=module):
                return ModuleValue(module)
            case External(name=name):
                return self.symbol(name)
            case ValueRef():
                return self._assigned(resolved)
        return UNKNOWN

    def _assigned(self, ref: ValueRef) -> Value:
        return self.recall(self._globals, (ref.module, "=" + ref.name), UNKNOWN, lambda: self._value_of(ref))

    def _value_of(self, ref: ValueRef) -> Value:
        assignment = self.project.assignment(ref)
        value: Value = UNKNOWN
        if assignment.value is not None:
            value = self.evaluate_at_module(ref.module, assignment.value)
        if isinstance(value, Unknown) and assignment.annotation is not None:
            value = self.annotated(ref.module, assignment.annotation)
        return value

    def class_value(self, model: str) -> Value:
        """The class of a model, the project's or a library's."""
        ref = self.class_of_model(model)
        if ref is None:
            module, _, qualname = model.rpartition(".")
            ref = ClassRef(module, qualname)
        return ClassValue(ref)

    def symbol(self, name: str) -> Value:
        """A name from outside: a model that we know, else the name itself."""
        if name in self.schema.models:
            return self.class_value(name)
        known = object_type(self.knowledge, name)
        return Object(known.name) if known is not None else Symbol(name)

    def member(self, module: str, name: str) -> Value:
        """An attribute of a project module; a submodule is one as soon as anybody has imported it."""
        value = self.global_value(module, name)
        below = self.project.submodule(module, name) if isinstance(value, Unknown) else None
        return ModuleValue(below) if below is not None else value

    def imported(self, module: str, name: e.ImportedName) -> Value | None:
        """What an import inside a function of this module binds."""
        resolved = self.project.resolve_import(module, name)
        return self.of_resolved(resolved) if resolved is not None else None

    def instance_of(self, ref: ClassRef) -> Value:
        """Some instance of a project class, nothing known of it but that."""
        if ref.name in self.schema.models:
            return Row(ref.name)
        known = self.knowledge.types.get(ref.name)
        return Object(known.name) if known is not None else Instance(ref)

    def annotated(self, module: str, node: e.Expression, varies: frozenset[int] = NOTHING) -> Value:
        """Something of the annotated type."""
        key = (module, node)
        value = self._annotations.get(key)
        if value is None:
            self._annotations[key] = UNKNOWN
            value = self._annotations[key] = self._annotation(module, node)
        return varying(value, varies) if varies else value

    def _annotation(self, module: str, node: e.Expression) -> Value:
        match node:
            case e.Name() | e.Attribute():
                return self._typed(module, e.dotted(node))
            case e.Binary(operator="|", left=left, right=right):
                return either(self.annotated(module, left), self.annotated(module, right))
            case e.Subscript(value=base, index=index):
                return self._generic(module, e.dotted(base), index)
        return UNKNOWN

    def _typed(self, module: str, name: str) -> Value:
        resolved = self.project.resolve(module, name) if name else None
        match resolved:
            case ClassRef():
                return self.instance_of(resolved)
            case External(name=outer):
                if outer in self.schema.models:
                    return Row(outer)
                known = self.knowledge.types.get(outer)
                return Object(known.name) if known is not None and known.kind not in {"query", "row"} else UNKNOWN
            case ValueRef():
                alias = self.project.assignment(resolved)
                if isinstance(alias.value, e.Call) and e.dotted(alias.value.func).rpartition(".")[2] == "NewType":
                    return self.annotated(resolved.module, alias.value.arguments[-1].value)
                if alias.value is not None and not isinstance(alias.value, e.Constant | e.Call):
                    return self.annotated(resolved.module, alias.value)
        return UNKNOWN

    def _generic(self, module: str, base: str, index: e.Expression) -> Value:
        inner = index.elements if isinstance(index, e.Listing) else (index,)
        last = base.rpartition(".")[2]
        if not inner:
            return UNKNOWN
        if last in _TRANSPARENT:
            value: Value = UNKNOWN
            for part in inner:
                value = either(value, self.annotated(module, part))
                if last != "Union" and not isinstance(value, Unknown):
                    break
            return value
        if last in _SEQUENCES:
            items = None
            if last in {"tuple", "Tuple"} and len(inner) > 1 and not isinstance(inner[1], e.Constant):
                items = tuple(self.annotated(module, part) for part in inner)
            element = self.annotated(module, inner[0])
            many: Bound = "small" if self._is_enumeration(element) or _is_spelled_out(inner[0]) else "growing"
            return Collection("tuple" if items else "list", element, items=items, bound=many)
        if last in _MAPPINGS:
            key = self.annotated(module, inner[0])
            values = self.annotated(module, inner[-1])
            rows = isinstance(values, Row | Rows) or isinstance(key, Row)
            named: Bound = "growing" if rows else "named"
            few = self._is_enumeration(key) or _is_spelled_out(inner[0])
            return Collection("dict", values, key=key, bound="small" if few else named)
        if last in {"type", "Type"}:
            value = self.annotated(module, inner[0])
            return ClassValue(value.ref) if isinstance(value, Instance) else UNKNOWN
        return self._query_of(module, base, inner[0])

    def _is_enumeration(self, value: Value) -> bool:
        """Whether the values are members of an enumeration: as many as somebody wrote down."""
        if not isinstance(value, Instance):
            return False
        ancestors = self.project.ancestors(value.ref)
        return any(isinstance(each, External) and each.name.startswith("enum.") for each in ancestors)

    def _query_of(self, module: str, base: str, item: e.Expression) -> Value:
        resolved = self.project.resolve(module, base) if base else None
        row = self.annotated(module, item)
        types: tuple[Type, ...] = ()
        if isinstance(resolved, External) and resolved.name in self.knowledge.types:
            types = (self.knowledge.types[resolved.name],)
        elif isinstance(resolved, ClassRef):
            types = self.external_types(resolved)
            if not any(known.kind in {"query", "manager"} for known in types):
                return self.instance_of(resolved)
        for known in types:
            if known.kind in {"query", "manager", "result"} and isinstance(row, Row):
                manager = resolved.name if isinstance(resolved, ClassRef) else ""
                return Rows(row.model, type=known.name, manager=manager, here=known.kind == "result")
            if known.kind not in {"query", "manager", "result", "statement"}:
                return Object(known.name)
        return UNKNOWN

    def class_attribute(self, ref: ClassRef, name: str) -> Value | None:
        """What the class body assigns to this name, here or in a base."""
        key = (ref, name)
        if key in self._attributes.plain:
            return self._attributes.plain[key]
        return self.recall(self._attributes, key, UNKNOWN, lambda: self._class_attribute(ref, name))

    def _class_attribute(self, ref: ClassRef, name: str) -> Value | None:
        found = self.project.attribute(ref, name)
        if found is None:
            return None
        owner, assignment = found
        value: Value = UNKNOWN
        if assignment.value is not None:
            value = self.evaluate_at_module(owner.module, self._in_class(owner, assignment.value))
        if isinstance(value, Unknown | Constant) and assignment.annotation is not None:
            annotated = self.annotated(owner.module, assignment.annotation)
            value = value if isinstance(annotated, Unknown) else annotated
            if isinstance(value, Constant) and (value.value is None or isinstance(value.value, bool)):
                # A field's default: settings and instances may have the other.
                return UNKNOWN
        return value

    def _in_class(self, owner: ClassRef, node: e.Expression) -> e.Expression:
        """A bare name in a class body may be another name of that body."""
        if isinstance(node, e.Name):
            found = self.project.attribute(owner, node.id)
            if found is not None and found[1].value is not None and not isinstance(found[1].value, e.Name):
                return found[1].value
        return node

    def binding_of(self, method: FunctionRef) -> Binding:
        """How a method binds when it is taken from an instance."""
        known = self._bindings.get(method)
        if known is None:
            known = self._bindings[method] = binding(self.project.function_of(method))
        return known

    def memo_of(self, ref: FunctionRef) -> tuple[Memoizer, e.Expression] | None:
        """The decorator that keeps the function's results by argument, and how it is written; `None` if none does."""
        if ref not in self._memos:
            self._memos[ref] = self._memo(ref)
        return self._memos[ref]

    def _memo(self, ref: FunctionRef) -> tuple[Memoizer, e.Expression] | None:
        for decorator in self.project.function_of(ref).decorators:
            known = self.memoizer(ref.module, decorator.func if isinstance(decorator, e.Call) else decorator)
            if known is not None:
                return known, decorator
        return None

    def memoizer(self, module: str, decorator: e.Expression) -> Memoizer | None:
        """What is known of a decorator, as it is written without arguments, that keeps what functions give."""
        match self.evaluate_at_module(module, decorator) if e.dotted(decorator) else None:
            case Symbol(name=name):
                return self.knowledge.memos.get(name)
            case Method(receiver=Object(type=kind), name=name):
                return self.knowledge.memos.get(f"{kind}.{name}")
        return None

    def transaction_around(self, ref: FunctionRef) -> Place | None:
        """The function, if a decorator opens a transaction around it."""
        for decorator in self.project.function_of(ref).decorators:
            func = decorator.func if isinstance(decorator, e.Call) else decorator
            value = self.evaluate_at_module(ref.module, func) if e.dotted(func) else None
            fact = self.knowledge.functions.get(value.name) if isinstance(value, Symbol) else None
            if fact is not None and self.is_transaction(Object(fact.gives)):
                return Place(ref.module, ref.qualname, 0)
        return None

    def runs_once(self, ref: FunctionRef) -> bool:
        """Whether a decorator has the function run when an application starts or stops: `@app.on_event("startup")`."""
        written = (each.func if isinstance(each, e.Call) else each for each in self.project.function_of(ref).decorators)
        return any(isinstance(each, e.Attribute) and each.attr in self._starting for each in written)

    def is_memoized(self, ref: FunctionRef) -> bool:
        """Whether the function keeps its results by argument."""
        return self.memo_of(ref) is not None

    def memo_clears(self, ref: FunctionRef) -> tuple[str, ...]:
        """The methods of the decorated function that forget what was kept of it."""
        found = self.memo_of(ref)
        return found[0].clear if found is not None else ()

    def runs_elsewhere(self, ref: FunctionRef, *, awaited: bool) -> bool:
        """Whether what the function does keeps no thread of its caller's: it is a coroutine, or is decorated so that
        it runs in a thread of its own."""
        declaration = self.project.function_of(ref)
        return declaration.is_async or (bool(declaration.decorators) and (awaited or self._is_offloaded(ref)))

    def _is_offloaded(self, ref: FunctionRef) -> bool:
        for decorator in self.project.function_of(ref).decorators:
            name = e.dotted(decorator.func if isinstance(decorator, e.Call) else decorator)
            resolved = self.project.resolve(ref.module, name) if name else None
            match resolved:
                case External(name=outer):
                    fact = self.knowledge.functions.get(outer)
                    if fact is not None and fact.action == "offload":
                        return True
                case FunctionRef(module=module, qualname=qualname):
                    nested = self.project.modules[module].functions
                    if any(each.is_async and each.nested_in.startswith(qualname) for each in nested):
                        return True
        return False

    def reads_text(self, ref: FunctionRef) -> bool:
        """Whether the exact text of an argument can matter to the function."""
        known = self._texts.get(ref)
        if known is None:
            words = self.project.function_of(ref).sketch.words
            known = self._texts[ref] = not self._text_words.isdisjoint(words)
        return known

    def default_of(self, module: str, parameter: e.Parameter) -> Value:
        """What a parameter is when nothing is passed for it."""
        if parameter.default is None:
            return UNKNOWN
        if isinstance(parameter.default, e.Constant):
            return Constant(parameter.default.value) if not parameter.default.kind else UNKNOWN
        return self.evaluate_at_module(module, parameter.default)

    def positional_fields(
        self, ref: ClassRef, values: tuple[Value, ...], fields: tuple[tuple[str, Value], ...]
    ) -> tuple[tuple[str, Value], ...]:
        """The fields of an instance of a class without `__init__`: its annotated names take the arguments in order."""
        names = [*self.rendered(ref).values()] + [
            assignment.name
            for ancestor in reversed(self.project.ancestors(ref))
            if isinstance(ancestor, ClassRef)
            for assignment in self.project.class_of(ancestor).assignments
            if assignment.annotation is not None
        ]
        for name, value in zip(dict.fromkeys(names), values, strict=False):
            fields = with_field(fields, name, value)
        return fields

    def rows_built(self, ref: ClassRef, model: Value | None) -> Rows | None:
        """What calling a project's own query class with a model gives."""
        if not any(known.kind in {"query", "manager"} for known in self.external_types(ref)):
            return None
        if not isinstance(model, ClassValue) or model.ref.name not in self.schema.models:
            return None
        declared = self.schema.models[model.ref.name]
        return Rows(declared.name, type=declared.rows_type, manager=ref.name, ordered=declared.ordered, loads=Loads())


def _is_spelled_out(node: e.Expression) -> bool:
    """`Literal["a", "b"]`: as many values as somebody wrote down."""
    return isinstance(node, e.Subscript) and e.dotted(node.value).rpartition(".")[2] == "Literal"


def with_origin_of(rows: Rows, other: Rows) -> Rows:
    """The rows, as if they came from where the other ones do."""
    return replace(rows, origin=other.origin, prefix=other.prefix, known=other.known)
