"""What annotations say of relations and columns."""

from __future__ import annotations

from slowpath.expression import Binary, Constant, Expression, Listing, Name, Subscript, dotted
from slowpath.libraries.sqlalchemy.drafts import Annotated

_WRAPPERS = {"Mapped", "DynamicMapped", "WriteOnlyMapped"}
_QUERIES = {"AppenderQuery", "AppenderMixin", "DynamicQuery", "WriteOnlyCollection"}
_COLLECTIONS = _QUERIES | {
    "list", "List", "set", "Set", "tuple", "Tuple", "frozenset", "FrozenSet", "Sequence", "MutableSequence",
    "Collection", "Iterable",
    "dict", "Dict", "Mapping", "MutableMapping", "KeyFuncDict", "MappedCollection", "OrderingList", "InstrumentedList",
    "deque", "OrderedDict", "AbstractSet", "MutableSet",
}  # fmt: skip


def annotated(annotation: Expression | None) -> Annotated:
    """What the annotation says."""
    match annotation:
        case Subscript(value=value, index=index) if _word(value) in _WRAPPERS:
            inside = _inside(index, Annotated(_word(value)))
            return Annotated(inside.wrapper, inside.inner, inside.many or _word(value) != "Mapped", inside.optional)
        case None:
            return Annotated()
    return _inside(annotation, Annotated())


def _inside(annotation: Expression, found: Annotated) -> Annotated:
    match annotation:
        case Subscript(value=value, index=index):
            word = _word(value)
            if word == "Optional":
                return _inside(index, Annotated(found.wrapper, None, found.many, True))
            if word == "Union" and isinstance(index, Listing):
                return _union(index.elements, found)
            if word in {"Annotated", "Required", "Relationship"}:
                return _inside(_first(index), found)
            if word in _COLLECTIONS:
                wrapper = "DynamicMapped" if word in _QUERIES else found.wrapper
                return _inside(_last(index, word), Annotated(wrapper, None, True, found.optional))
            return Annotated(found.wrapper, annotation, found.many or False, found.optional)
        case Binary(operator="|", left=left, right=right):
            return _union((left, right), found)
    return Annotated(found.wrapper, annotation, found.many or False, found.optional)


def _union(parts: tuple[Expression, ...], found: Annotated) -> Annotated:
    present = [part for part in parts if not _is_none(part)]
    optional = found.optional or len(present) < len(parts)
    if not present:
        return found
    return _inside(present[0], Annotated(found.wrapper, None, found.many, optional))


def _is_none(part: Expression) -> bool:
    return isinstance(part, Constant) and part.value is None and not part.kind


def _first(index: Expression) -> Expression:
    return index.elements[0] if isinstance(index, Listing) and index.elements else index


def _last(index: Expression, word: str) -> Expression:
    """The rows of a collection: of a tuple the first part, of a mapping its values."""
    if isinstance(index, Listing) and index.elements:
        return index.elements[0 if word.lower() == "tuple" else -1]
    return index


def _word(value: Expression) -> str:
    return value.id if isinstance(value, Name) else dotted(value).rpartition(".")[2]
