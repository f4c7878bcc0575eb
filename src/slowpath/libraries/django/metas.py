"""What a model's class `Meta` says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from slowpath.expression import Call, Constant, Expression, Listing, argument, dotted
from slowpath.libraries.django.drafts import Meta
from slowpath.libraries.django.names import Names, Placed
from slowpath.references import ClassRef
from slowpath.schema import Index

_SPECIAL = ("opclasses", "include", "db_tablespace", "deferrable")

Options = Mapping[str, Placed]


class Metas:
    """The options of models; `is_concrete` says which are models with a table: their `Meta` is not inherited."""

    def __init__(self, names: Names, is_concrete: Callable[[ClassRef], bool]) -> None:
        self._names = names
        self._is_concrete = is_concrete
        self._options: dict[ClassRef, Options | None] = {}

    def meta(self, ref: ClassRef) -> Meta:
        """What holds for the class, whether it says so itself or inherits it."""
        options = self.options(ref) or {}
        own = self.own(ref)
        return Meta(
            abstract="abstract" in own,
            proxy=_is_true(options.get("proxy")),
            app_label=self._text(options, "app_label"),
            table=self._text(options, "db_table"),
            ordered=_is_filled(self._names.chased(options["ordering"]).value) if "ordering" in options else None,
            ordering=self._names.strings(options.get("ordering")) or (),
            default_related_name=self._text(options, "default_related_name"),
            default_manager_name=self._text(options, "default_manager_name"),
            base_manager_name=self._text(options, "base_manager_name"),
            indexes=tuple(_indexes(self._names, options)),
        )

    def own(self, ref: ClassRef) -> frozenset[str]:
        """The options that its own `Meta` switches on in its own body."""
        inner = self._inner(ref)
        found = self._names.project.class_of(inner).assignments if inner else ()
        return frozenset(assignment.name for assignment in found if _is_true_value(assignment.value))

    def options(self, ref: ClassRef) -> Options | None:
        """The options by name; `None` when neither the class nor a base of it has a `Meta` that counts."""
        if ref not in self._options:
            self._options[ref] = None
            self._options[ref] = self._read(ref)
        return self._options[ref]

    def _read(self, ref: ClassRef) -> Options | None:
        inner = self._inner(ref)
        if inner:
            return self._of_class(inner)
        for base in self._names.bases(ref):
            if isinstance(base, ClassRef):
                found = self._above(base) if self._is_concrete(base) else self.options(base)
                if found is not None:
                    return found
        return None

    def _above(self, ref: ClassRef) -> Options | None:
        """What the bases of a model with a table leave to its children."""
        found = (
            self.options(base)
            for base in self._names.bases(ref)
            if isinstance(base, ClassRef) and not self._is_concrete(base)
        )
        return next((options for options in found if options is not None), None)

    def _of_class(self, meta: ClassRef) -> Options:
        found = self._names.project.class_of(meta)
        options: dict[str, Placed] = {}
        for base in reversed(found.bases):
            options.update(self._of_base(meta.module, dotted(base)))
        for assignment in found.assignments:
            if assignment.value:
                options[assignment.name] = Placed(assignment.value, meta.module)
        return options

    def _of_base(self, module: str, name: str) -> Options:
        """The options of what a `Meta` is built on: another model's, or a class of its own."""
        head, _, last = name.rpartition(".")
        owner = self._names.meaning(module, head) if head and last == "Meta" else None
        if isinstance(owner, ClassRef):
            return self.options(owner) or {}
        base = self._names.meaning(module, name) if name else None
        return self._of_class(base) if isinstance(base, ClassRef) else {}

    def _inner(self, ref: ClassRef) -> ClassRef | None:
        """The class `Meta` in its own body."""
        found = self._names.project.inner_class(ref, "Meta")
        return found if found == ClassRef(ref.module, f"{ref.qualname}.Meta") else None

    def _text(self, options: Options, name: str) -> str:
        return (self._names.text(options[name]) if name in options else None) or ""


def _is_true(placed: Placed | None) -> bool:
    return placed is not None and _is_true_value(placed.value)


def _is_true_value(value: Expression | None) -> bool:
    return isinstance(value, Constant) and value.value is True


def _is_filled(value: Expression) -> bool:
    return not (isinstance(value, Listing) and not value.elements) and not isinstance(value, Constant)


def _indexes(names: Names, options: Options) -> Iterator[Index]:
    for name in ("unique_together", "index_together"):
        for columns in _groups(names, options.get(name)):
            yield Index(
                columns,
                unique=name == "unique_together",
                line=options[name].value.at >> 12,
                module=options[name].module,
            )
    for name in ("indexes", "constraints"):
        placed = names.chased(options[name]) if name in options else None
        if placed and isinstance(placed.value, Listing):
            for element in placed.value.elements:
                yield from index_of(names, Placed(element, placed.module))
        elif placed:
            yield Index((), line=placed.value.at >> 12, module=placed.module)


def _groups(names: Names, placed: Placed | None) -> Iterator[tuple[str, ...]]:
    """Tuples of columns: `(("a", "b"), ("a", "c"))`, or a single `("a", "b")`."""
    chased = names.chased(placed) if placed else None
    if chased is None or not isinstance(chased.value, Listing):
        return
    if all(isinstance(element, Constant) for element in chased.value.elements):
        yield names.strings(chased) or ()
        return
    for element in chased.value.elements:
        columns = names.strings(Placed(element, chased.module))
        if columns:
            yield columns


def index_of(names: Names, placed: Placed) -> Iterator[Index]:
    """The index or the unique constraint that the expression makes, without columns if it cannot be read."""
    placed = names.chased(placed)
    call = placed.value
    if not isinstance(call, Call):
        yield Index((), line=call.at >> 12, module=placed.module)
        return
    kind = dotted(call.func).rpartition(".")[2]
    unique = kind == "UniqueConstraint"
    if not unique and not kind.endswith("Index"):
        return
    fields = argument(call, "fields")
    columns = names.strings(Placed(fields, placed.module)) if fields else None
    expressions = tuple("?" for passed in call.arguments if not passed.keyword and not passed.star)
    name = argument(call, "name")
    yield Index(
        columns or expressions,
        unique=unique,
        name=(names.text(Placed(name, placed.module)) if name else None) or "",
        condition="?" if argument(call, "condition") else "",
        method="" if kind in ("Index", "UniqueConstraint") else kind.removesuffix("Index").lower(),
        special=any(argument(call, word) is not None for word in _SPECIAL),
        line=call.at >> 12,
        module=placed.module,
    )
