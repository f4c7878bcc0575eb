"""Questions about libraries and models, answered from the knowledge tables and the schema."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping

from slowpath import expression as e
from slowpath.loads import Loads
from slowpath.project import Project
from slowpath.query import Shape, related
from slowpath.references import ClassRef, External, FunctionRef
from slowpath.schema import Schema
from slowpath.semantics.values import ClassValue, Instance, Object, Row, Rows, Symbol, Value
from slowpath.vocabulary import Action, Dialect, Fact, Knowledge, Loaded, Passed, Refinement, Type


def transaction_words(knowledge: Knowledge) -> frozenset[str]:
    """The names of what makes a transaction."""
    made = {name for name, known in knowledge.types.items() if known.resource == "transaction"}
    tables = (knowledge.functions, *(known.methods for known in knowledge.types.values()))
    return frozenset(name.rpartition(".")[2] for facts in tables for name, fact in facts.items() if fact.gives in made)


class Facts:
    """What is known of types, functions and models, by name."""

    evaluate_at_module: Callable[[str, e.Expression], Value]

    def __init__(self, project: Project, schema: Schema, knowledge: Knowledge) -> None:
        self.project = project
        self.schema = schema
        self.knowledge = knowledge
        self._dialects: dict[str, Dialect] = {dialect.library: dialect for dialect in knowledge.dialects}
        self._own_loads: dict[str, Loads] = {}
        self._sessions = sorted(
            {t.name: t for t in knowledge.types.values() if t.kind == "session"}.values(), key=lambda t: t.name
        )
        self._classes: dict[str, ClassRef] = {ref.name: ref for ref in project.classes()}

        self._attached: dict[tuple[str, str], FunctionRef] | None = None
        self.releasing_words = frozenset(
            name
            for known in knowledge.types.values()
            for name, fact in known.methods.items()
            if fact.owning == "releases"
        )
        self.resting_words = frozenset(
            name for known in knowledge.types.values() for name, fact in known.methods.items() if fact.owning == "rests"
        )
        self.connecting_words = frozenset(
            name.rpartition(".")[2] for name, fact in knowledge.functions.items() if fact.query_limit is not None
        )
        self.transaction_words = transaction_words(knowledge)

    def type_named(self, name: str) -> Type | None:
        """The library's type of this name."""
        return self.knowledge.types.get(name)

    def fact(self, kind: str, method: str) -> Fact | None:
        """What a method of this type does."""
        known = self.knowledge.types.get(kind)
        return known.methods.get(method) or known.methods.get("*") if known is not None else None

    def row_fact(self, model: str, method: str) -> Fact | None:
        """What a method of the model's rows does."""
        declared = self.schema.models.get(model)
        return self.fact(declared.row_type, method) if declared is not None else None

    def class_fact(self, kind: str, method: str) -> Fact | None:
        """What a class method of this type does."""
        known = self.knowledge.types.get(kind)
        return known.class_methods.get(method) if known is not None else None

    def runs_itself(self, kind: str) -> bool:
        """Whether going through an object of this type runs a query."""
        known = self.knowledge.types.get(kind)
        return known is not None and known.kind in {"query", "manager"}

    def awaited_form(self, receiver: Value, method: str) -> str:
        """The method that does the same and is awaited, empty if there is none: `aget` for `get`."""
        match receiver:
            case Object(type=kind) | Rows(type=kind):
                fact = self.fact(kind, f"a{method}")
            case Row(model=model):
                fact = self.row_fact(model, f"a{method}")
            case _:
                return ""
        return f"a{method}" if fact is not None and fact.asynchronous else ""

    def divided(self, kind: str) -> str:
        """The type of what dividing an object of this type by something gives."""
        known = self.knowledge.types.get(kind)
        return known.attributes.get("/", "") if known is not None else ""

    def is_asynchronous(self, kind: str) -> bool:
        """Whether objects of this type work while they are awaited."""
        known = self.knowledge.types.get(kind)
        return known is not None and known.asynchronous

    def asks(self, rows: Rows, action: Action) -> str:
        """The method of the rows' query that asks the database this (`exists`, `count`), empty if it has none of that
        name."""
        known = self.knowledge.types.get(rows.type)
        fact = known.methods.get(action) if known is not None else None
        return action if fact is not None and fact.action == action else ""

    def is_row_source(self, rows: Rows) -> bool:
        """Whether the rows are a result or statement, of which nothing is asked by counting it."""
        known = self.knowledge.types.get(rows.type)
        return known is not None and known.kind in {"statement", "result"}

    def runs_when_awaited(self, kind: str) -> bool:
        """Whether awaiting an object of this type runs a query."""
        known = self.knowledge.types.get(kind)
        return known is not None and known.awaitable

    def loads_implicitly(self, receiver: Value) -> bool:
        """Whether rows that come through this session may read what was not loaded."""
        known = self.knowledge.types.get(receiver.type) if isinstance(receiver, Object) else None
        return known is None or known.implicit_loads

    def is_held(self, kind: str) -> bool:
        """Whether objects of this type hold something that others wait for."""
        known = self.knowledge.types.get(kind)
        return known is not None and known.resource not in {"", "none"}

    def is_plain(self, kind: str) -> bool:
        """Whether the type is one of those that only hold settings."""
        known = self.knowledge.types.get(kind)
        return known is not None and known.kind in {"plain", "settings"}

    def is_configured(self, name: str) -> bool:
        """Whether the dotted name is that of settings, or of something in them."""
        parts = name.split(".")
        names = (".".join(parts[:end]) for end in range(2, len(parts) + 1))
        known = (self.knowledge.types.get(each) for each in names)
        return any(each is not None and each.kind == "settings" for each in known)

    def holds_settings(self, ref: ClassRef) -> bool:
        """Whether the instances of the project's class are settings."""
        return any(known.kind == "settings" for known in self.external_types(ref))

    def is_builder(self, kind: str) -> bool:
        """Whether the type only remembers how it was built."""
        known = self.knowledge.types.get(kind)
        return known is not None and known.kind == "builder"

    def is_statement(self, kind: str) -> bool:
        """Whether the type is a statement that something must execute."""
        known = self.knowledge.types.get(kind)
        return known is not None and known.kind == "statement"

    def needs_session(self, model: str) -> bool:
        """Whether rows of the model are only had through a session: it has no manager, and no class methods that
        query."""
        declared = self.schema.models.get(model)
        if declared is None or declared.default_manager:
            return False
        known = self.knowledge.types.get(declared.row_type)
        return known is None or not known.class_methods

    def is_transaction(self, value: Value) -> bool:
        """Whether a transaction is open inside `with` of the value, until the end of that."""
        known = self.type_named(value.type) if isinstance(value, Object) else None
        return known is not None and "transaction" in {known.resource, known.leaving}

    def has_own_save(self, model: str) -> bool:
        """Whether rows of the model have a method by which they are written."""
        declared = self.schema.models.get(model)
        known = self.knowledge.types.get(declared.row_type) if declared is not None else None
        return known is not None and any(fact.action == "save" for fact in known.methods.values())

    def session_type(self, method: str, actions: frozenset[str], *, implicit: bool) -> str:
        """A session type with a method that does one of these, empty if there is none."""
        for known in self._sessions:
            fact = known.methods.get(method)
            if fact is not None and fact.action in actions and known.implicit_loads == implicit:
                return known.name
        return ""

    def is_pipelined(self, value: Value) -> bool:
        """Whether statements inside `with value:` are sent together, whoever runs them."""
        known = self.knowledge.types.get(value.type) if isinstance(value, Object) else None
        return known is not None and known.kind == "pipeline" and not known.sends

    def autocommits(self, value: Value) -> bool:
        """Whether statements inside `with value:` are committed one by one."""
        known = self.knowledge.types.get(value.type) if isinstance(value, Object) else None
        return known is not None and known.autocommits

    def service_of(self, receiver: Value) -> str:
        """The service that a client talks to, in words."""
        known = self._talking(receiver)
        return known.sends if known is not None and known.sends else "HTTP"

    def is_near(self, receiver: Value) -> bool:
        """Whether a client talks to a service as close as a database."""
        known = self._talking(receiver)
        return known is not None and known.near

    def _talking(self, receiver: Value) -> Type | None:
        name = ""
        if isinstance(receiver, Object):
            name = receiver.type
        elif isinstance(receiver, Symbol):
            name = receiver.name.rpartition(".")[0]
        return self.knowledge.types.get(name)

    def row_list_type(self, rows: Rows, fact: Fact) -> str:
        """The type of the rows after a call; what a manager gives is a query."""
        if fact.gives:
            return fact.gives
        known = self.knowledge.types.get(rows.type)
        if known is not None and known.kind == "manager" and rows.model in self.schema.models:
            return self.schema.models[rows.model].rows_type
        return rows.type

    def manager_type(self, model: str, manager: str) -> str:
        """The library's type that a manager of the model behaves as."""
        for name in manager.split("+"):
            known = self.knowledge.types.get(name)
            if known is not None:
                return known.name
            ref = self.class_named(name)
            for known in self.external_types(ref) if ref is not None else ():
                if known.kind == "manager":
                    return known.name
        return self.schema.models[model].rows_type

    def writes_when_executed(self, kind: str) -> bool:
        """Whether executing a statement of this type writes."""
        executed = self.fact(kind, "execute")
        return executed is not None and executed.action in {"write", "delete"}

    def deletes_when_executed(self, kind: str) -> bool:
        """Whether executing a statement of this type deletes rows."""
        executed = self.fact(kind, "execute")
        return executed is not None and executed.action == "delete"

    def own_loads(self, model: str) -> Loads:
        """What rows of the model have with them when nothing was asked for: what the model itself loads eagerly."""
        known = self._own_loads.get(model)
        if known is None:
            declared = self.schema.models.get(model)
            relations = declared.relations if declared is not None else ()
            paths = frozenset((each.name,) for each in relations if each.lazy in {"joined", "batch"})
            known = self._own_loads[model] = Loads(paths=paths)
        return known

    def load(self, model: str, loads: Loads, method: str, arguments: tuple[Passed, ...]) -> Loaded:
        """What rows of the model have after an eager-load call."""
        dialect = self.dialect_of(model)
        if dialect is None:
            return Loaded(loads)
        return dialect.load(self.schema, model, loads, method, arguments)

    def shape(
        self,
        model: str,
        refinements: tuple[Refinement, ...],
        without: Container[int] = (),
        *,
        owner: str = "",
        relation: str = "",
    ) -> Shape:
        """The shape of a query of the model that was made by these calls, some of them left out; of what a relation of
        a row leads to if that is named."""
        dialect = self.dialect_of(model)
        if dialect is None:
            return Shape(model, open=True)
        shape = dialect.begin(self.schema, model)
        if relation:
            shape = related(self.schema, shape, owner, relation)
        for step, refinement in enumerate(refinements):
            if step not in without:
                shape = dialect.refine(self.schema, shape, step, refinement)
        return shape

    def dialect_of(self, model: str) -> Dialect | None:
        """The dialect of the model's ORM."""
        declared = self.schema.models.get(model)
        return self._dialects.get(declared.library) if declared is not None else None

    def class_of_model(self, model: str) -> ClassRef | None:
        """The project's class of this model; none for a library's own."""
        return self._classes.get(model)

    def attached(self, model: str, name: str) -> FunctionRef | None:
        """The function that some module attached to the model's class as a method or property of this name."""
        if self._attached is None:
            self._attached = dict(self._attach())
        if not self._attached:
            return None
        ref = self.class_of_model(model)
        names = [each.name for each in self.project.ancestors(ref)] if ref is not None else [model]
        return next((found for each in names if (found := self._attached.get((each, name)))), None)

    def _attach(self) -> Iterator[tuple[tuple[str, str], FunctionRef]]:
        methods = {
            method
            for known in self.knowledge.types.values()
            for method, fact in known.class_methods.items()
            if fact.action == "attach"
        }
        for module, declarations in self.project.modules.items():
            for call in declarations.calls:
                if not isinstance(call.func, e.Attribute) or call.func.attr not in methods or len(call.arguments) != 2:
                    continue
                name, given = (argument.value for argument in call.arguments)
                function = self.project.resolve(module, e.dotted(given))
                owner = self.evaluate_at_module(module, call.func.value)
                if isinstance(name, e.Constant) and isinstance(function, FunctionRef) and isinstance(owner, ClassValue):
                    yield (owner.ref.name, str(name.value)), function

    def class_named(self, name: str) -> ClassRef | None:
        """The project's class of this full name."""
        return self._classes.get(name)

    def external_types(self, ref: ClassRef) -> tuple[Type, ...]:
        """The library types that a project class descends from, nearest first."""
        found = (
            self.knowledge.types.get(ancestor.name)
            for ancestor in self.project.ancestors(ref)
            if isinstance(ancestor, External)
        )
        return tuple(known for known in found if known is not None)

    def rendered(self, ref: ClassRef) -> Mapping[str, str]:
        """The attributes of an instance that show what it was made of, and the argument of its class that is that."""
        return next((each.listing.renders for each in self.external_types(ref) if each.listing.renders), {})

    def types_of(self, value: Value) -> tuple[Type, ...]:
        """The library's types that a value is of, nearest first."""
        match value:
            case Object(type=name):
                known = self.knowledge.types.get(name)
                return (known,) if known is not None else ()
            case Instance(ref=ref):
                return self.external_types(ref)
        return ()

    def inherited_method(self, ref: ClassRef, name: str) -> str:
        """The library type that gives a project class this method, empty if none does."""
        for known in self.external_types(ref):
            if name in known.methods:
                return known.name
        return ""
