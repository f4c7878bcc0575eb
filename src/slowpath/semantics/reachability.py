"""Which functions can run on an event loop, and which of these could keep it busy, from their sketches alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from slowpath.declarations import Declarations, FunctionDeclaration
from slowpath.expression import Attribute, Call, ImportedName, Name, dotted
from slowpath.project import Project
from slowpath.references import External, FunctionRef
from slowpath.vocabulary import Knowledge

# A call that any coroutine makes by the way leads to these, whatever it is called.
_IMPLICIT = {"__init__", "__post_init__", "__new__", "__call__", "__enter__", "__exit__", "__iter__", "__next__"}
_IMPLICIT |= {"__getitem__", "__getattr__", "__str__"}


# What starts something beside the coroutine that does it, or serves.
_TASKS = {
    "gather",
    "create_task",
    "ensure_future",
    "TaskGroup",
    "create_task_group",
    "start_soon",
    "wait",
    "as_completed",
}
_TASKS |= {"serve", "start_server", "serve_forever", "create_server", "run_forever", "run_app", "open_nursery", "start"}
_TASKS |= {"as_completed", "run_async", "run_stdio_async", "add_task", "stdio_server"}


class Reachability:
    """Coroutines, and what they may call: by name, which is more than they do call.

    `seeds` are the functions that mention something of interest anyway.
    """

    def __init__(
        self,
        project: Project,
        declared: Mapping[FunctionRef, FunctionDeclaration],
        knowledge: Knowledge,
        seeds: Iterable[FunctionRef],
    ) -> None:
        self._declared = declared
        self._coroutines = {ref for ref, function in declared.items() if function.is_async}
        self._reached = self._reach()
        drivers = frozenset(name for name, fact in knowledge.functions.items() if fact.action == "drive")
        self._reached -= self._alone(project, drivers, beside_serving(project, declared, knowledge))
        self._busy = self._may_block(project, knowledge, seeds)

    def on_loop(self, ref: FunctionRef) -> bool:
        """Whether a coroutine may lead to the function, or it is one."""
        return ref in self._reached

    def differing(self, other: Reachability) -> frozenset[FunctionRef]:
        """The functions that may run on an event loop here or there, but not in both."""
        return frozenset(self._reached ^ other._reached)

    def may_block(self, ref: FunctionRef) -> bool:
        """Whether the function, on an event loop, could do what keeps it busy."""
        return ref in self._busy

    def roots(self) -> frozenset[FunctionRef]:
        """The coroutines that could keep their event loop busy."""
        return frozenset(self._busy & self._coroutines)

    def _reach(self) -> set[FunctionRef]:
        if not self._coroutines:
            return set()
        by_name: dict[str, list[FunctionRef]] = defaultdict(list)
        for ref, function in self._declared.items():
            by_name[function.name].append(ref)
        found: set[FunctionRef] = set()
        words: set[str] = set()
        pending = list(self._coroutines)
        pending += (ref for name in _IMPLICIT for ref in by_name.get(name, ()))
        while pending:
            ref = pending.pop()
            if ref in found:
                continue
            found.add(ref)
            for word in self._declared[ref].sketch.words:
                if word not in words:
                    words.add(word)
                    pending += by_name.get(word, ())
        return found

    def _alone(self, project: Project, drivers: frozenset[str], beside: frozenset[FunctionRef]) -> set[FunctionRef]:
        """The coroutines that some function runs on a loop of its own, with nothing beside them, or that run before or
        after an application serves (`beside`, and what they call): they hold up nobody.

        They are called by name there and by one another only, are not decorated, and start no tasks. The outermost may:
        what it does itself comes before or after it serves.
        """
        mentioned_in: dict[str, set[FunctionRef]] = defaultdict(set)
        for ref, function in self._declared.items():
            for word in function.sketch.words:
                mentioned_in[word].add(ref)
        imported = {module: {name.name for name in each.imports} for module, each in project.modules.items()}
        anywhere = {word for each in project.modules.values() for name in each.imports for word in _words_of(name)}

        def callers_of(ref: FunctionRef) -> set[FunctionRef]:
            function = self._declared[ref]
            found = mentioned_in.get(function.name, set()) - {ref}
            if ref.module.rpartition(".")[2] not in anywhere:
                # A module that nobody imports is a script: what it declares is called there.
                return {caller for caller in found if caller.module == ref.module}
            if function.owner:
                return found
            # A plain function is known to its own module, to those that import it, and through its module.
            suffix = f".{function.name}"
            return {
                caller
                for caller in found
                if caller.module == ref.module
                or function.name in imported[caller.module]
                or any(call.endswith(suffix) for call in self._declared[caller].sketch.calls)
            }

        driving = {ref for ref, function in self._declared.items() if not drivers.isdisjoint(function.sketch.calls)}
        started = _started_at_module_level(project, drivers)
        # In a script, a coroutine that nobody calls is given to what runs it: `anyio.run(main)`.
        scripts = {ref.module for ref in driving if ref.module.rpartition(".")[2] not in anywhere}
        crowded = set[FunctionRef]().union(*(mentioned_in.get(word, ()) for word in _TASKS))
        driving |= beside - crowded
        candidates = {ref for ref in self._coroutines if not self._declared[ref].decorators}
        found = set(beside)
        while True:
            more = {
                ref
                for ref in candidates - found
                if (callers := callers_of(ref)) <= (driving if ref in crowded else driving | (found - crowded))
                and (callers or (ref.module, self._declared[ref].name) in started or ref.module in scripts)
            }
            if not more:
                return found
            found |= more

    def _may_block(self, project: Project, knowledge: Knowledge, seeds: Iterable[FunctionRef]) -> set[FunctionRef]:
        busy = Qualified(_busy(knowledge), _busy_methods(knowledge))
        packages: dict[str, frozenset[str]] = {}
        callers: dict[str, list[FunctionRef]] = defaultdict(list)
        pending: list[FunctionRef] = []
        known = set(seeds)
        for ref in self._reached:
            if ref.module not in packages:
                packages[ref.module] = imported_packages(project.modules[ref.module])
            if ref in known or busy.mentioned(self._declared[ref], packages[ref.module]):
                pending.append(ref)
            else:
                for word in self._declared[ref].sketch.words:
                    callers[word].append(ref)
        found = set(pending)
        while pending:
            ref = pending.pop()
            name = self._declared[ref].name
            for word in (name, ref.qualname.split(".")[-2]) if name in _IMPLICIT and "." in ref.qualname else (name,):
                for caller in callers.pop(word, ()):
                    if caller not in found:
                        found.add(caller)
                        pending.append(caller)
        return found


def beside_serving(
    project: Project, declared: Mapping[FunctionRef, FunctionDeclaration], knowledge: Knowledge
) -> frozenset[FunctionRef]:
    """The functions that run before an application serves, or after: asynchronous generators that are given it
    (`async def lifespan(app: FastAPI)`), and what is decorated for it (`@app.on_event("startup")`)."""
    applications = [known for known in knowledge.types.values() if known.serves]
    names = {name for name, known in knowledge.types.items() if known.serves}
    last = {name.rpartition(".")[2] for name in names}
    hooks = {name for known in applications for name, fact in known.methods.items() if fact.action == "drive"}

    def is_given_one(ref: FunctionRef, function: FunctionDeclaration) -> bool:
        written = [dotted(parameter.annotation) for parameter in function.parameters]
        found = (project.resolve(ref.module, name) for name in written if name.rpartition(".")[2] in last)
        return any(isinstance(each, External) and each.name in names for each in found)

    def is_hooked(function: FunctionDeclaration) -> bool:
        written = (each.func if isinstance(each, Call) else each for each in function.decorators)
        return any(isinstance(each, Attribute) and each.attr in hooks for each in written)

    return frozenset(
        ref
        for ref, function in declared.items()
        if function.is_async and ((function.sketch.yields and is_given_one(ref, function)) or is_hooked(function))
    )


def _words_of(imported: ImportedName) -> tuple[str, ...]:
    """The names of modules that an import may stand for."""
    return (*imported.module.split("."), imported.name)


def _busy_methods(knowledge: Knowledge) -> set[str]:
    """The methods of libraries' types that keep a thread busy."""
    return {
        name
        for known in knowledge.types.values()
        for facts in (known.methods, known.class_methods)
        for name, fact in facts.items()
        if fact.action == "blocks" and not fact.asynchronous
    }


def _busy(knowledge: Knowledge) -> set[str]:
    """The functions that keep a thread busy, and the classes that do when one is made."""
    names = {name for name, fact in knowledge.functions.items() if fact.action == "blocks"}
    return names | {name for name, known in knowledge.types.items() if known.making is not None}


def _started_at_module_level(project: Project, drivers: frozenset[str]) -> set[tuple[str, str]]:
    """The module and name of each coroutine that a module runs when it is loaded or started: `asyncio.run(main())`."""
    return {
        (module, argument.value.func.id)
        for module, declarations in project.modules.items()
        for call in declarations.calls
        if dotted(call.func) in drivers
        for argument in call.arguments
        if isinstance(argument.value, Call) and isinstance(argument.value.func, Name)
    }


class Qualified:
    """Words for dotted names: what stands in a file that imports their package, or after the package's name; `methods`
    count anywhere."""

    def __init__(self, names: Iterable[str], methods: Iterable[str] = ()) -> None:
        self._methods = frozenset(methods)
        self._builtins = {name.removeprefix("builtins.") for name in names if name.startswith("builtins.")}
        self._packages: dict[str, set[str]] = defaultdict(set)
        for name in names:
            self._packages[name.rpartition(".")[2]].add(name.partition(".")[0])

    def renamed_in(self, declarations: Declarations) -> frozenset[str]:
        """The names that the file's own level gives to any of it: `from requests import get as fetch`."""
        return frozenset(
            each.local
            for each in declarations.imports
            if each.local != each.name and each.module.partition(".")[0] in self._packages.get(each.name, ())
        )

    def mentioned(self, function: FunctionDeclaration, imported: frozenset[str]) -> bool:
        """Whether the function mentions any of it."""
        sketch = function.sketch
        if not (self._methods.isdisjoint(sketch.words) and self._builtins.isdisjoint(sketch.calls)):
            return True
        for word in self._packages.keys() & set(sketch.words):
            packages = self._packages[word]
            if not packages.isdisjoint(imported):
                return True
            if any(call.partition(".")[0] in packages for call in sketch.calls):
                return True
        return False


def imported_packages(declarations: Declarations) -> frozenset[str]:
    """The packages that the file's own level imports from outside."""
    return frozenset(name.module.partition(".")[0] for name in declarations.imports if not name.level)
