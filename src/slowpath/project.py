"""What the project is: every file's declarations, and what each name in them means."""

from __future__ import annotations

import builtins
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from copy import copy

from msgspec import Struct

from slowpath.declarations import Assignment, ClassDeclaration, Declarations, FunctionDeclaration
from slowpath.expression import Expression, ImportedName, Subscript, dotted
from slowpath.layout import Layout, find, lay_out, module_in, namespace_in, package_folder, package_of
from slowpath.references import ClassRef, External, FunctionRef, ModuleRef, Resolved, ValueRef
from slowpath.scripts import is_of_interest
from slowpath.sketching import Sketch
from slowpath.templates import is_template


class _Index(Struct, frozen=True):
    """The declarations of a module by name; `names` are those of its top level, `stars` its star imports."""

    classes: dict[str, ClassDeclaration]
    functions: dict[str, FunctionDeclaration]
    methods: dict[str, dict[str, FunctionRef]]
    names: dict[str, ImportedName | ClassRef | FunctionRef | ValueRef]
    stars: tuple[ImportedName, ...]


class Project:
    """The names of a project. Nothing changes after `link` but the memory of answers already given."""

    def __init__(self, layout: Layout, modules: Mapping[str, Declarations]) -> None:
        self.modules = modules
        self._layout = layout
        self._indexes: dict[str, _Index] = {}
        self._resolved: dict[tuple[str, str | ImportedName], Resolved | None] = {}
        self._methods: dict[tuple[ClassRef, str], FunctionRef | None] = {}
        self._bases: dict[ClassRef, tuple[ClassRef | External | None, ...]] = {}
        self._ancestors: dict[ClassRef, tuple[ClassRef | External, ...]] = {}
        self._children: dict[ClassRef | External, list[ClassRef]] | None = None

    def with_bodies(self, changed: Iterable[Declarations]) -> Project:
        """The project after edits that left every fingerprint alone: what names mean is not looked up again."""
        edited = {self._layout.modules[declarations.path]: declarations for declarations in changed}
        project = copy(self)
        project.modules = {**self.modules, **edited}
        project._indexes = {module: index for module, index in self._indexes.items() if module not in edited}
        return project

    def module_at(self, path: str) -> str | None:
        """The name of the module in this file."""
        return self._layout.modules.get(path)

    def path_of(self, module: str) -> str:
        """The file of a module."""
        return self._layout.paths[module]

    def resolve(self, module: str, name: str) -> Resolved | None:
        """What a dotted name means at the module level of this module."""
        key = (module, name)
        if key not in self._resolved:
            # What is asked for again while it is being found out is a cycle.
            self._resolved[key] = None
            self._resolved[key] = self._dotted(module, name)
        return self._resolved[key]

    def resolve_import(self, module: str, imported: ImportedName) -> Resolved | None:
        """What an import inside a function of this module binds."""
        key = (module, imported)
        if key not in self._resolved:
            self._resolved[key] = self._imported(module, imported, set())
        return self._resolved[key]

    def submodule(self, module: str, name: str) -> str | None:
        """The module of this name directly below a package."""
        folder = package_folder(self._layout, module)
        return module_in(self._layout, folder, name) if folder is not None else None

    def class_of(self, ref: ClassRef) -> ClassDeclaration:
        """The declaration of a class."""
        return self._index(ref.module).classes[ref.qualname]

    def function_of(self, ref: FunctionRef) -> FunctionDeclaration:
        """The declaration of a function; of a property, the one that reads it; of a class, an empty one."""
        index = self._index(ref.module)
        return index.functions.get(ref.qualname) or _empty(index.classes[ref.qualname])

    def declared(self, module: str, qualname: str) -> ClassRef | FunctionRef | None:
        """The class or function of this qualified name in the module, nested ones included."""
        index = self._index(module)
        if qualname in index.classes:
            return ClassRef(module, qualname)
        return FunctionRef(module, qualname) if qualname in index.functions else None

    def assignment(self, ref: ValueRef) -> Assignment:
        """The last assignment to a module-level name."""
        return next(each for each in reversed(self._declarations(ref.module).assignments) if each.name == ref.name)

    def bases(self, ref: ClassRef) -> tuple[ClassRef | External | None, ...]:
        """The bases of a class in order; `None` for one that cannot be resolved, such as a call."""
        if ref not in self._bases:
            self._bases[ref] = ()
            if ref.qualname not in self._index(ref.module).classes:
                return ()
            self._bases[ref] = tuple([self._base(ref, base) for base in self.class_of(ref).bases])
        return self._bases[ref]

    def ancestors(self, ref: ClassRef) -> tuple[ClassRef | External, ...]:
        """The class and all it inherits from, in the order in which Python looks attributes up."""
        return self._linearized(ref, ())[0]

    def complete(self, ref: ClassRef) -> bool:
        """Whether every base of the class and of its ancestors is known, if only by name."""
        return all(None not in self.bases(each) for each in self._own_ancestors(ref))

    def own_methods(self, ref: ClassRef) -> Mapping[str, FunctionRef]:
        """The methods that the class itself defines."""
        return self._index(ref.module).methods.get(ref.qualname, {})

    def method(self, ref: ClassRef, name: str) -> FunctionRef | None:
        """The method of this name that the class defines or inherits."""
        key = (ref, name)
        if key not in self._methods:
            self._methods[key] = self._method(ref, name)
        return self._methods[key]

    def _method(self, ref: ClassRef, name: str) -> FunctionRef | None:
        for ancestor in self._own_ancestors(ref):
            if name in (methods := self.own_methods(ancestor)):
                return methods[name]
        return None

    def attribute(self, ref: ClassRef, name: str) -> tuple[ClassRef, Assignment] | None:
        """The assignment of this name in the body of the class or an ancestor, and the class it is in."""
        for ancestor in self._own_ancestors(ref):
            for assignment in reversed(self.class_of(ancestor).assignments):
                if assignment.name == name:
                    return ancestor, assignment
        return None

    def inner_class(self, ref: ClassRef, name: str) -> ClassRef | None:
        """The class of this name in the body of the class or an ancestor."""
        own = self._own_inner_class(ref, name)
        if own:
            return own
        inherited = (self._own_inner_class(ancestor, name) for ancestor in self._own_ancestors(ref))
        return next((inner for inner in inherited if inner), None)

    def subclasses(self, ref: ClassRef | External) -> tuple[ClassRef, ...]:
        """The classes that inherit from this one, directly or not."""
        if self._children is None:
            children: defaultdict[ClassRef | External, list[ClassRef]] = defaultdict(list)
            for each in self.classes():
                for base in self.bases(each):
                    if base:
                        children[base].append(each)
            self._children = dict(children)
        found: set[ClassRef] = set()
        pending = [*self._children.get(ref, ())]
        while pending:
            child = pending.pop()
            if child not in found:
                found.add(child)
                pending += self._children.get(child, ())
        return tuple(sorted(found - {ref}))

    def classes(self) -> Iterator[ClassRef]:
        """All classes, by module and then in order of position."""
        for module in self.modules:
            for qualname in dict.fromkeys(declared.qualname for declared in self._declarations(module).classes):
                yield ClassRef(module, qualname)

    def _declarations(self, module: str) -> Declarations:
        return self.modules[module]

    def _index(self, module: str) -> _Index:
        if module not in self.modules:
            # A library's model stands among the project's own classes, and declares nothing here.
            return _Index({}, {}, {}, {}, ())
        declarations = self._declarations(module)
        if module not in self._indexes:
            self._indexes[module] = _indexed(module, declarations)
        return self._indexes[module]

    def _own_ancestors(self, ref: ClassRef) -> Iterator[ClassRef]:
        for ancestor in self.ancestors(ref):
            if isinstance(ancestor, ClassRef) and ancestor.qualname in self._index(ancestor.module).classes:
                yield ancestor

    def _own_inner_class(self, ref: ClassRef, name: str) -> ClassRef | None:
        qualname = f"{ref.qualname}.{name}"
        return ClassRef(ref.module, qualname) if qualname in self._index(ref.module).classes else None

    def _dotted(self, module: str, name: str) -> Resolved | None:
        head, *rest = name.split(".")
        seen: set[tuple[str, str]] = set()
        found = self._bound(module, head, seen)
        if found is None and hasattr(builtins, head) and head not in self._index(module).names:
            found = External(f"builtins.{head}")
        for part in rest:
            found = self._member(module, found, part, seen) if found else None
        return found

    def _bound(self, module: str, name: str, seen: set[tuple[str, str]]) -> Resolved | None:
        """What a name without dots means in a module, builtins aside; each is looked up once, so that cycles end."""
        if (module, name) in seen:
            return None
        seen.add((module, name))
        index = self._index(module)
        bound = index.names.get(name)
        if isinstance(bound, ImportedName):
            return self._imported(module, bound, seen)
        return bound or self._starred(module, index.stars, name, seen)

    def _starred(
        self, module: str, stars: tuple[ImportedName, ...], name: str, seen: set[tuple[str, str]]
    ) -> Resolved | None:
        outside: list[str] = []
        for star in reversed(stars):
            source = self._source(module, star)
            if isinstance(source, External):
                outside.append(source.name)
            elif source and self._exports(source.module, name):
                found = self._member(module, source, name, seen)
                if found:
                    return found
        # A name that nobody else binds comes from the library whose names were all taken, if there is just one.
        unknown = len(outside) == 1 and not name.startswith("_") and not hasattr(builtins, name)
        return External(f"{outside[0]}.{name}") if unknown else None

    def _exports(self, module: str, name: str) -> bool:
        exports = self._declarations(module).exports
        return not name.startswith("_") if exports is None else name in exports

    def _imported(self, module: str, imported: ImportedName, seen: set[tuple[str, str]]) -> Resolved | None:
        source = self._source(module, imported)
        if not imported.name:
            return source
        found = self._member(module, source, imported.name, seen) if isinstance(source, ModuleRef) else None
        if found:
            return found
        whole = f"{imported.module}.{imported.name}".lstrip(".")
        if imported.level:
            return self._below(package_of(self._layout, module, imported.level), whole)
        below = find(self._layout, module, whole)
        if below:
            return ModuleRef(below)
        # A top-level package of the project that does not bind the name may be called like a library.
        return External(whole) if isinstance(source, External) or "." not in imported.module else None

    def _below(self, folder: str, name: str) -> ModuleRef | External | None:
        """The module below a folder; for a namespace package its dotted path, below which `_member` finds modules."""
        below = module_in(self._layout, folder, name)
        namespace = namespace_in(self._layout, folder, name.replace(".", "/"))
        return ModuleRef(below) if below else External(namespace) if namespace else None

    def _source(self, module: str, imported: ImportedName) -> ModuleRef | External | None:
        """The module that an import names."""
        layout = self._layout
        if imported.level:
            found = module_in(layout, package_of(layout, module, imported.level), imported.module)
            return ModuleRef(found) if found else None
        found = find(layout, module, imported.module)
        return ModuleRef(found) if found else External(imported.module)

    def _member(self, module: str, owner: Resolved, name: str, seen: set[tuple[str, str]]) -> Resolved | None:
        """What `owner.name` means to this module."""
        match owner:
            case ModuleRef(module=package):
                folder = package_folder(self._layout, package)
                below = self._below(folder, name) if folder is not None else None
                # A submodule comes before what a star import could bring.
                if below and name not in self._index(package).names:
                    return below
                return self._bound(package, name, seen) or below
            case ClassRef():
                return self.inner_class(owner, name) or self.method(owner, name)
            case External(name=library):
                # `import a.b` binds `a`, which as a namespace package is no module.
                found = find(self._layout, module, f"{library}.{name}")
                return ModuleRef(found) if found else External(f"{library}.{name}")
        return None

    def _base(self, ref: ClassRef, base: Expression) -> ClassRef | External | None:
        """What a base means where the class stands: in the classes and functions around it, then in the module."""
        name = dotted(base.value if isinstance(base, Subscript) else base)
        if not name:
            return None
        around, _, _ = ref.qualname.rpartition(".")
        classes = self._index(ref.module).classes
        while around:
            if f"{around}.{name}" in classes and f"{around}.{name}" != ref.qualname:
                return ClassRef(ref.module, f"{around}.{name}")
            around, _, _ = around.rpartition(".")
        return self._class_behind(self.resolve(ref.module, name), 0)

    def _class_behind(self, found: Resolved | None, renamed: int) -> ClassRef | External | None:
        """The class, also by the other name that `Other = Class` gives it."""
        match found:
            case ClassRef() | External():
                return found
            case ValueRef(module=module) if renamed < _RENAMED:
                name = dotted(self.assignment(found).value)
                return self._class_behind(self.resolve(module, name), renamed + 1) if name else None
        return None

    def _linearized(self, ref: ClassRef, below: tuple[ClassRef, ...]) -> tuple[tuple[ClassRef | External, ...], bool]:
        """The C3 order, and whether it is free of cycles; a class met below itself is left out."""
        if ref in self._ancestors:
            return self._ancestors[ref], True
        path = (*below, ref)
        known = [base for base in self.bases(ref) if base]
        bases = [base for base in known if base not in path]
        orders: list[list[ClassRef | External]] = []
        acyclic = len(bases) == len(known)
        for base in bases:
            order, clean = self._linearized(base, path) if isinstance(base, ClassRef) else ((base,), True)
            orders.append(list(order))
            acyclic = acyclic and clean
        found = (ref, *_merged([*orders, bases]))
        # Half a cycle depends on where it was entered, so it is not kept.
        if acyclic:
            self._ancestors[ref] = found
        return found, acyclic


# How often a class is followed through `Other = Class`.
_RENAMED = 5


def link(files: Iterable[Declarations]) -> Project:
    """The project of these files."""
    found = {file.path: file for file in files if not is_template(file.path) or is_of_interest(file)}
    layout = lay_out(found.values())
    return Project(layout, {module: found[layout.paths[module]] for module in sorted(layout.paths)})


def _merged(orders: list[list[ClassRef | External]]) -> Iterator[ClassRef | External]:
    """The C3 merge; where there is none, what comes first goes first."""
    pending = [order for order in orders if order]
    while pending:
        later = {each for order in pending for each in order[1:]}
        head = next((order[0] for order in pending if order[0] not in later), pending[0][0])
        yield head
        pending = [rest for order in pending if (rest := [each for each in order if each != head])]


def _indexed(module: str, declarations: Declarations) -> _Index:
    classes = {declared.qualname: declared for declared in declarations.classes}
    functions: dict[str, FunctionDeclaration] = {}
    methods: defaultdict[str, dict[str, FunctionRef]] = defaultdict(dict)
    names: dict[str, ImportedName | ClassRef | FunctionRef | ValueRef] = {}
    for assignment in declarations.assignments:
        names[assignment.name] = ValueRef(module, assignment.name)
    for function in declarations.functions:
        if function.qualname in functions and _is_secondary(function):
            continue
        functions[function.qualname] = function
        ref = FunctionRef(module, function.qualname)
        if function.owner:
            methods[function.owner][function.name] = ref
        elif not function.nested_in:
            names[function.name] = ref
    for declared in declarations.classes:
        if declared.qualname == declared.name:
            names[declared.name] = ClassRef(module, declared.name)
    for imported in declarations.imports:
        if imported.name != "*":
            names[imported.local] = imported
    stars = tuple([imported for imported in declarations.imports if imported.name == "*"])
    return _Index(classes, functions, dict(methods), names, stars)


def _is_secondary(function: FunctionDeclaration) -> bool:
    """Whether it only completes an earlier function of its name, as the setter of a property does."""
    return any(
        dotted(decorator).rpartition(".")[2] in {"setter", "deleter", "overload"} for decorator in function.decorators
    )


def _empty(cls: ClassDeclaration) -> FunctionDeclaration:
    sketch = Sketch((), (), loops=False, awaits=False, yields=False, sql=False)
    return FunctionDeclaration(
        cls.qualname, cls.name, cls.line, cls.line, 0, False, (), None, (), "", "", sketch, digest=cls.qualname
    )
