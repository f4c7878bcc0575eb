"""What Django's rows have with them after `select_related`, `prefetch_related`, `only`, `defer` and their like."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from slowpath.libraries.django.columns import contradictions, deferred, only
from slowpath.libraries.django.rows import (
    is_parent_link,
    may_have,
    nearest,
    relation_by_attribute,
    relation_by_lookup,
)
from slowpath.loads import Loads, Path, with_prefixes
from slowpath.schema import Relation, Schema
from slowpath.vocabulary import (
    BuilderTerm,
    ConstantTerm,
    Loaded,
    LoadProblem,
    OpaqueTerm,
    Passed,
    QueryTerm,
    SequenceTerm,
    Term,
    Text,
)

# Deeper, bare `select_related()` does not go.
_DEPTH = 5


def load(schema: Schema, model: str, loads: Loads, method: str, arguments: tuple[Passed, ...]) -> Loaded:
    """What rows of the model have after the call, and what is wrong with it; `arguments` are all those of the call."""
    change = _CHANGES.get(method)
    if change is None:
        return Loaded(replace(loads, open=True))
    return change(schema, model, loads, tuple(_unpacked(arguments)))


def prefetched(loads: Loads) -> frozenset[Path]:
    """The paths that come by queries of their own."""
    return loads.paths - loads.joined


class _Walk(Struct, frozen=True):
    """How far a path leads: the attributes followed, the model at the end (empty: unknown), what is wrong with it."""

    path: Path
    model: str
    problem: LoadProblem | None = None


def _unpacked(arguments: tuple[Passed, ...]) -> Iterator[Passed]:
    for passed in arguments:
        if passed.star and isinstance(passed.term, SequenceTerm):
            yield from (Passed(term) for term in passed.term.items)
        elif passed.star:
            yield Passed(OpaqueTerm(), star=True)
        else:
            yield passed


def _is_none(arguments: tuple[Passed, ...]) -> bool:
    return len(arguments) == 1 and arguments[0].term == ConstantTerm(None)


def _with_problems(schema: Schema, model: str, before: Loads, after: Loads, problems: list[LoadProblem]) -> Loaded:
    """The loads, with what has become contradictory in them."""
    known = {problem.path for problem in contradictions(schema, model, before)}
    new = [problem for problem in contradictions(schema, model, after) if problem.path not in known]
    return Loaded(after, (*problems, *new))


def _select_related(schema: Schema, model: str, loads: Loads, arguments: tuple[Passed, ...]) -> Loaded:
    if not arguments or _is_none(arguments):
        # Names given before are forgotten in both cases.
        kept = _closed(prefetched(loads))
        return Loaded(replace(loads, paths=kept, joined=frozenset(), every_one=not arguments))
    walks = [_joined(schema, model, loads, p.term.value) for p in arguments if isinstance(p.term, Text)]
    paths = _closed(walk.path for walk in walks if walk.path)
    after = replace(
        loads,
        paths=loads.paths | paths,
        joined=loads.joined | paths,
        every_one=False,
        open=loads.open or len(walks) < len(arguments),
    )
    problems = [walk.problem for walk in walks if walk.problem]
    return _with_problems(schema, model, loads, after, problems)


def _joined(schema: Schema, model: str, loads: Loads, written: str) -> _Walk:
    """The path that `select_related` follows; unknown models end it without a word."""
    path: Path = ()
    names = written.split("__")
    for index, name in enumerate(names):
        if model not in schema.models:
            return _Walk((*path, *names[index:]), "")
        relation = relation_by_lookup(schema, model, name)
        if relation is None and not path and ("*" in loads.extra or name in loads.extra):
            return _Walk((), "")
        reason = _why_not_joined(schema, model, name, relation)
        if relation is None or reason:
            return _Walk(path if reason else (*path, *names[index:]), "", _problem(written, reason))
        path = (*path, relation.name)
        # The parent's columns come with the row, but Django goes no further from there.
        if is_parent_link(relation):
            return _Walk(path, relation.target)
        model = relation.target
    return _Walk(path, model)


def _why_not_joined(schema: Schema, model: str, name: str, relation: Relation | None) -> str:
    label = schema.label(model)
    if relation is None:
        column = schema.column(model, name)
        if may_have(schema, model, name, attributes=column is not None):
            return ""
        if column:
            return f"`{name}` is a column of {label}, no relation: Django raises FieldError"
        hint = nearest(schema, model, name, joined=True)
        return f"{label} has no relation `{name}` that can be joined{hint}: Django raises FieldError"
    if relation.kind == "generic-foreign-key":
        return f"`{name}` is a generic foreign key, which no join can follow: Django raises FieldError"
    if relation.many:
        return f"`{name}` leads to many rows of each {label}, which no join can bring: Django raises FieldError"
    return ""


def _prefetch_related(schema: Schema, model: str, loads: Loads, arguments: tuple[Passed, ...]) -> Loaded:
    if _is_none(arguments):
        aliases = tuple((path, name) for path, name in loads.aliases if path in loads.joined)
        return Loaded(replace(loads, paths=loads.joined, aliases=aliases))
    problems: list[LoadProblem] = []
    for passed in arguments:
        answer = _prefetch(schema, model, loads, passed.term)
        loads = answer.loads
        problems += answer.problems
    return Loaded(loads, tuple(problems))


def _prefetch_onto(schema: Schema, model: str, loads: Loads, arguments: tuple[Passed, ...]) -> Loaded:
    first = arguments[0].term if arguments else OpaqueTerm()
    has_rows = not isinstance(first, Text) and not _is_prefetch(first)
    return _prefetch_related(schema, model, loads, arguments[1:] if has_rows else arguments)


def _is_prefetch(term: Term) -> bool:
    return isinstance(term, BuilderTerm) and term.type.rpartition(".")[2] in ("Prefetch", "GenericPrefetch")


def _prefetch(schema: Schema, model: str, loads: Loads, term: Term) -> Loaded:
    match term:
        case Text(value=written):
            walk = _fetched(schema, model, loads, written)
            return _walked(loads, walk)
        case BuilderTerm(arguments=arguments) if _is_prefetch(term):
            return _prefetch_object(schema, model, loads, arguments)
    return Loaded(replace(loads, open=True))


def _walked(loads: Loads, walk: _Walk) -> Loaded:
    paths = with_prefixes(walk.path)
    return Loaded(replace(loads, paths=loads.paths | paths), (walk.problem,) if walk.problem else ())


def _prefetch_object(schema: Schema, model: str, loads: Loads, arguments: tuple[Passed, ...]) -> Loaded:
    given = _named(arguments, ("lookup", "queryset", "to_attr"))
    written, query, attribute = given["lookup"], given["queryset"], given["to_attr"]
    known = isinstance(attribute, Text) or attribute == ConstantTerm(None)
    if not isinstance(written, Text) or not known or any(passed.star for passed in arguments):
        return Loaded(replace(loads, open=True))
    walk = _fetched(schema, model, loads, written.value)
    if walk.problem:
        return _walked(loads, walk)
    if isinstance(attribute, Text) and attribute.value:
        aliased = (*walk.path[:-1], attribute.value)
        loads = replace(loads, aliases=(*loads.aliases, (aliased, walk.path[-1])))
        walk = replace(walk, path=aliased)
    loads = _walked(loads, walk).loads
    match query:
        case QueryTerm(loads=inner):
            return Loaded(_below(schema, loads, walk, inner))
        case ConstantTerm(value=None):
            return Loaded(loads)
        # The querysets of a `GenericPrefetch` are of several models.
        case SequenceTerm():
            return Loaded(loads)
    return Loaded(replace(loads, open=True))


def _named(arguments: tuple[Passed, ...], names: tuple[str, ...]) -> dict[str, Term]:
    """The terms by the names of their parameters, `None` for what is not passed."""
    found: dict[str, Term] = dict.fromkeys((*names, "querysets"), ConstantTerm(None))
    for position, passed in enumerate(arguments):
        if passed.keyword or position < len(names):
            found[passed.keyword or names[position]] = passed.term
    if found["querysets"] != ConstantTerm(None):
        found["queryset"] = SequenceTerm(())
    return found


def _below(schema: Schema, loads: Loads, walk: _Walk, inner: Loads) -> Loads:
    """The loads with those of the rows at the end of the path added."""
    prefix = walk.path
    paths = set(inner.paths)
    if inner.every_one:
        paths |= _non_null(schema, walk.model, _DEPTH)
    left_out = set(inner.deferred)
    found = schema.models.get(walk.model)
    if inner.only is not None and found:
        left_out |= {(column.name,) for column in found.columns if (column.name,) not in inner.only}
    return replace(
        loads,
        paths=loads.paths | {prefix + path for path in paths},
        aliases=(*loads.aliases, *((prefix + path, name) for path, name in inner.aliases)),
        deferred=loads.deferred | {prefix + path for path in left_out},
        refused=loads.refused | {prefix + path for path in inner.refused if path != ("*",)},
        open=loads.open or inner.open or inner.peers,
    )


def _non_null(schema: Schema, model: str, depth: int) -> set[Path]:
    """The paths that bare `select_related()` joins."""
    found = schema.models.get(model)
    paths: set[Path] = set()
    for relation in found.relations if found and depth else ():
        if relation.kind in ("foreign-key", "one-to-one") and not relation.nullable:
            paths.add((relation.name,))
            paths |= {(relation.name, *path) for path in _non_null(schema, relation.target, depth - 1)}
    return paths


def _fetched(schema: Schema, model: str, loads: Loads, written: str) -> _Walk:
    """The path that `prefetch_related` follows: attributes of rows, whatever they are, the last of them a relation."""
    path: Path = ()
    names = written.split("__")
    for index, name in enumerate(names):
        if model not in schema.models:
            return _Walk((*path, *names[index:]), "")
        relation = relation_by_attribute(schema, model, loads, (*path, name))
        if relation is None:
            reason = _why_not_fetched(schema, model, name, last=index == len(names) - 1)
            return _Walk(path if reason else (*path, *names[index:]), "", _problem(written, reason))
        path = (*path, name)
        model = relation.target
    return _Walk(path, model)


def _why_not_fetched(schema: Schema, model: str, name: str, *, last: bool) -> str:
    label = schema.label(model)
    if may_have(schema, model, name, attributes=True):
        return ""
    if name == "pk" or schema.column(model, name):
        effect = "raises ValueError" if last else "stops there and loads nothing"
        return f"`{name}` is a column of {label}, no relation: Django {effect}"
    hint = nearest(schema, model, name, joined=False)
    return f"{label} has no attribute `{name}`{hint}: Django raises AttributeError"


def _problem(written: str, reason: str) -> LoadProblem | None:
    return LoadProblem(written, reason, certain=True) if reason else None


def _closed(paths: Iterator[Path] | frozenset[Path]) -> frozenset[Path]:
    return frozenset(prefix for path in paths for prefix in with_prefixes(path))


def _columns(schema: Schema, model: str, loads: Loads, arguments: tuple[Passed, ...], *, keep: bool) -> Loaded:
    names = tuple(passed.term.value for passed in arguments if isinstance(passed.term, Text))
    if _is_none(arguments) and not keep:
        return Loaded(replace(loads, only=None, deferred=frozenset()))
    if len(names) < len(arguments):
        return Loaded(replace(loads, only=None, deferred=frozenset(), open=True))
    after = (only if keep else deferred)(schema, model, loads, names)
    return _with_problems(schema, model, loads, after, [])


def _only(schema: Schema, model: str, loads: Loads, arguments: tuple[Passed, ...]) -> Loaded:
    return _columns(schema, model, loads, arguments, keep=True)


def _defer(schema: Schema, model: str, loads: Loads, arguments: tuple[Passed, ...]) -> Loaded:
    return _columns(schema, model, loads, arguments, keep=False)


def _annotate(schema: Schema, model: str, loads: Loads, arguments: tuple[Passed, ...]) -> Loaded:
    return Loaded(replace(loads, extra=loads.extra | {_annotation(passed) for passed in arguments}))


def _annotation(passed: Passed) -> str:
    """The name an annotation gets; `*` for one that cannot be read."""
    match passed:
        case Passed(keyword=str(name)) if name:
            return name
        case Passed(term=BuilderTerm(type=kind, arguments=(Passed(term=Text(value=path)), *_))):
            return f"{path}__{kind.rpartition('.')[2].lower()}"
    return "*"


def _fetch_mode(schema: Schema, model: str, loads: Loads, arguments: tuple[Passed, ...]) -> Loaded:
    mode = next((passed.term.type for passed in arguments if isinstance(passed.term, BuilderTerm)), "")
    every: frozenset[Path] = frozenset({("*",)})
    # The constant goes by its own name or by that of its class: `FETCH_PEERS`, `FetchPeers`.
    match mode.rpartition(".")[2].replace("_", "").lower():
        case "fetchone":
            return Loaded(replace(loads, peers=False, refused=loads.refused - every))
        case "fetchpeers":
            return Loaded(replace(loads, peers=True, refused=loads.refused - every))
        case "fetchraise":
            return Loaded(replace(loads, peers=False, refused=loads.refused | every))
    return Loaded(replace(loads, open=True))


def _iterator(schema: Schema, model: str, loads: Loads, arguments: tuple[Passed, ...]) -> Loaded:
    lost = sorted(prefetched(loads))
    sized = any(passed.term != ConstantTerm(None) for passed in arguments)
    if not lost or sized:
        return Loaded(loads)
    reason = "`iterator()` without `chunk_size` does not prefetch: Django 5 raises ValueError, before 5 it was ignored"
    after = _prefetch_related(schema, model, loads, (Passed(ConstantTerm(None)),)).loads
    return Loaded(after, (LoadProblem("__".join(lost[0]), reason, certain=True),))


def _unchanged(schema: Schema, model: str, loads: Loads, arguments: tuple[Passed, ...]) -> Loaded:
    return Loaded(loads)


_CHANGES: dict[str, Callable[[Schema, str, Loads, tuple[Passed, ...]], Loaded]] = {
    "select_related": _select_related,
    "prefetch_related": _prefetch_related,
    "prefetch_related_objects": _prefetch_onto,
    "aprefetch_related_objects": _prefetch_onto,
    "only": _only,
    "defer": _defer,
    "annotate": _annotate,
    "alias": _annotate,
    "extra": _unchanged,
    "fetch_mode": _fetch_mode,
    "iterator": _iterator,
    # It has a chunk size of its own, and prefetches chunk by chunk.
    "aiterator": _unchanged,
}
