"""Which functions could do anything of interest, from the words their bodies mention, before any is parsed."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy

from slowpath.declarations import FunctionDeclaration
from slowpath.project import Project
from slowpath.references import FunctionRef
from slowpath.schema import Schema
from slowpath.semantics.cache_relevance import cache_users
from slowpath.semantics.owning.relevance import functions_that_acquire, functions_that_hold
from slowpath.semantics.per_item import Lists
from slowpath.semantics.reachability import Qualified, Reachability, imported_packages
from slowpath.vocabulary import Knowledge

_SHORT = 6


_DELETING = {"delete", "remove"}
_STARTING = {"statement", "start", "load", "columns", "execute", "scalars", "scalar", "get-or-create"}


def starting_words(knowledge: Knowledge) -> frozenset[str]:
    """The names of functions and methods that begin or run a query, or load with it; of a model's class, all that
    query."""
    facts = {name: fact for known in knowledge.types.values() for name, fact in known.methods.items()}
    facts |= {name.rpartition(".")[2]: fact for name, fact in knowledge.functions.items()}
    words = {name for name, fact in facts.items() if fact.action in _STARTING}
    of_classes = (fact for known in knowledge.types.values() for fact in known.class_methods.items())
    words |= {name for name, fact in of_classes if fact.action not in {"quiet", "new", "attach"}}
    # An option says of any query what comes along, wherever it is used.
    words |= {name.rpartition(".")[2] for name, known in knowledge.types.items() if known.kind == "builder"}
    return frozenset(words)


def deleting_words(knowledge: Knowledge) -> frozenset[str]:
    """The names of functions and methods that delete rows."""
    methods = [each for known in knowledge.types.values() for each in known.methods.items()]
    named = [*methods, *((name.rpartition(".")[2], fact) for name, fact in knowledge.functions.items())]
    return frozenset(
        name
        for name, fact in named
        if fact.action in _DELETING or (fact.action in {"write", "statement"} and name in {"delete", "adelete"})
    )


def _limited(knowledge: Knowledge) -> frozenset[str]:
    """The functions, classes and methods that may wait for ever, or be waited for by nobody, by dotted name."""
    functions = knowledge.functions.items()
    names = {name for name, fact in functions if fact.limit is not None or fact.action == "offload"}
    for name, known in knowledge.types.items():
        names |= {name} if known.limit is not None else set()
        names |= {f"{name}.{method}" for method, fact in known.methods.items() if fact.limit is not None}
    return frozenset(names)


def _schema_operations(knowledge: Knowledge) -> frozenset[str]:
    """The operations that change the schema, by dotted name."""
    names = {name for name, fact in knowledge.functions.items() if fact.action == "schema"}
    for name, known in knowledge.types.items():
        names |= {f"{name}.{method}" for method, fact in known.methods.items() if fact.action == "schema"}
    return frozenset(names)


def _unless(knowledge: Knowledge) -> frozenset[str]:
    """The words for what sets a limit for all calls of a kind."""
    facts = [*knowledge.functions.values(), *(f for known in knowledge.types.values() for f in known.methods.values())]
    limits = [*(fact.limit for fact in facts), *(known.limit for known in knowledge.types.values())]
    return frozenset(limit.unless for limit in limits if limit is not None and limit.unless)


class Relevance:
    """What the sketches say: a function matters if it mentions something that queries, or calls by name what
    matters."""

    def __init__(self, project: Project, schema: Schema, knowledge: Knowledge) -> None:
        self._words = knowledge.words | schema.relation_names() | schema.manager_names()
        self._declared: dict[FunctionRef, FunctionDeclaration] = {
            FunctionRef(module, function.qualname): function
            for module, declarations in project.modules.items()
            for function in declarations.functions
        }
        self.lists = Lists(project, schema, knowledge.types)
        self._near_caches, writers = cache_users(project, schema, knowledge, self._declared)
        self._cache_users = self._near_caches | writers
        self._deletes = deleting_words(knowledge)
        self._starts = schema.manager_names() | starting_words(knowledge)
        self._matters = self._closure()
        self._acquiring = functions_that_acquire(project, knowledge, self._declared)
        self._holding = functions_that_hold(project, knowledge, self._declared)
        self._looping = self._names_that_loop()
        self.saying_sql = frozenset(module for module, each in project.modules.items() if each.says_sql)
        self._waiting = self._mention(project, _limited(knowledge))
        self._migrating = self._mention(project, _schema_operations(knowledge))
        words = {word for function in self._declared.values() for word in function.sketch.words}
        self.limits = _unless(knowledge) & words
        self._reachability = Reachability(project, self._declared, knowledge, self._matters)

    def after(self, project: Project, modules: Iterable[str]) -> Relevance | None:
        """What holds after edits inside the functions of these modules, if their sketches still say the same."""
        edited = {
            FunctionRef(module, function.qualname): function
            for module in modules
            for function in project.modules[module].functions
        }
        if any(self._declared[ref].sketch != function.sketch for ref, function in edited.items()):
            return None
        result = copy(self)
        result._declared = self._declared | edited
        return result

    def differing(self, other: Relevance) -> frozenset[FunctionRef]:
        """The functions of which the two do not say the same."""
        if self.limits != other.limits:
            return frozenset(self._declared | other._declared)
        return (
            (self._matters ^ other._matters)
            | (self._acquiring ^ other._acquiring)
            | (self._holding ^ other._holding)
            | (self._near_caches ^ other._near_caches)
            | self._reachability.differing(other._reachability)
        )

    def _closure(self) -> frozenset[FunctionRef]:
        callers: dict[str, list[FunctionRef]] = {}
        pending: list[FunctionRef] = []
        for ref, function in self._declared.items():
            if ref in self._cache_users or not self._words.isdisjoint(function.sketch.words):
                pending.append(ref)
            else:
                for word in function.sketch.words:
                    callers.setdefault(word, []).append(ref)
        found = set(pending)
        while pending:
            name = self._declared[pending.pop()].name
            for caller in callers.pop(name, ()):
                if caller not in found:
                    found.add(caller)
                    pending.append(caller)
        return frozenset(found)

    def matters(self, ref: FunctionRef) -> bool:
        """Whether reading the function could show anything; short ones are always worth a look, for what they
        return."""
        if ref in self._matters or ref in self._waiting or ref in self._migrating or self._reachability.may_block(ref):
            return True
        function = self._declared.get(ref)
        return function is None or function.end_line - function.line < _SHORT

    def uses_caches(self, ref: FunctionRef) -> bool:
        """Whether the function may use a cache, or write rows that may be kept in one."""
        return ref in self._cache_users

    @property
    def has_caches(self) -> bool:
        """Whether anything is kept in a cache."""
        return bool(self._cache_users)

    def on_loop(self, ref: FunctionRef) -> bool:
        """Whether the function may run on an event loop."""
        return self._reachability.on_loop(ref)

    def near_caches(self, ref: FunctionRef) -> bool:
        """Whether the function uses a cache or may call what does."""
        return ref in self._near_caches

    def acquires(self, ref: FunctionRef) -> bool:
        """Whether the function may acquire something that must be given back."""
        return ref in self._acquiring

    def holds(self, ref: FunctionRef) -> bool:
        """Whether the function may hold something that others wait for."""
        return ref in self._holding or ref in self._acquiring

    def roots(self) -> list[FunctionRef]:
        """The functions worth starting from: those that repeat something, or call by name what does, those that begin
        a query, acquire or hold something, users of caches, coroutines that may block, those that say something in
        SQL, and what is called or read for each item of a list. What only reads what others give it is read when they
        call it."""
        found = {ref for ref in self._matters if ref in self._cache_users or self._is_root(self._declared[ref])}
        found |= self._holding & self._matters
        found |= {*filter(self.matters, self.lists.methods), *self.lists.cards}
        return sorted(found | self._acquiring | self._reachability.roots() | self._waiting | self._with_sql())

    def deleting(self) -> list[FunctionRef]:
        """The functions that may delete rows."""
        return sorted(ref for ref in self._matters if not self._deletes.isdisjoint(self._declared[ref].sketch.words))

    def _with_sql(self) -> frozenset[FunctionRef]:
        """The functions that may say something in SQL."""
        return frozenset(ref for ref in self._declared if self.says_sql(ref))

    def says_sql(self, ref: FunctionRef) -> bool:
        """Whether the function may say something in SQL."""
        declared = self._declared.get(ref)
        return declared is not None and (declared.sketch.sql or ref.module in self.saying_sql)

    def _mention(self, project: Project, names: frozenset[str]) -> frozenset[FunctionRef]:
        """The functions that mention one of these dotted names."""
        wanted = Qualified(names)
        packages = {module: imported_packages(each) for module, each in project.modules.items()}
        renamed = {module: wanted.renamed_in(each) for module, each in project.modules.items()}
        return frozenset(
            ref
            for ref, each in self._declared.items()
            if wanted.mentioned(each, packages[ref.module])
            or (renamed[ref.module] and not renamed[ref.module].isdisjoint(each.sketch.words))
        )

    def _is_root(self, function: FunctionDeclaration) -> bool:
        sketch = function.sketch
        return sketch.loops or not self._starts.isdisjoint(sketch.words) or not self._looping.isdisjoint(sketch.words)

    def _names_that_loop(self) -> frozenset[str]:
        """The names of functions that repeat something that matters, or call by name what does."""
        callers: dict[str, list[FunctionRef]] = {}
        pending: list[str] = []
        for ref in self._matters:
            function = self._declared[ref]
            if function.sketch.loops and function.parameters:
                pending.append(function.name)
            for word in function.sketch.words:
                callers.setdefault(word, []).append(ref)
        found = set(pending)
        while pending:
            for caller in callers.pop(pending.pop(), ()):
                name = self._declared[caller].name
                if name not in found and self._declared[caller].parameters:
                    found.add(name)
                    pending.append(name)
        return frozenset(found)
