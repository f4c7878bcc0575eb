"""What Tortoise's rows have with them after `prefetch_related` and its like."""

from __future__ import annotations

from difflib import get_close_matches

from msgspec.structs import replace

from slowpath.loads import Loads, Path, with_prefixes
from slowpath.schema import Schema
from slowpath.vocabulary import (
    BuilderTerm,
    Loaded,
    LoadProblem,
    Passed,
    QueryTerm,
    SequenceTerm,
    Term,
    Text,
)

_LOADS = {"prefetch_related", "select_related", "fetch_related", "fetch_for_list"}


def load(schema: Schema, model: str, loads: Loads, method: str, arguments: tuple[Passed, ...]) -> Loaded:
    """What rows of the model have after the call. Columns left out by `only` cost no query: reading one raises."""
    if method == "annotate":
        return Loaded(replace(loads, extra=loads.extra | {passed.keyword for passed in arguments if passed.keyword}))
    if method not in _LOADS:
        return Loaded(loads)
    problems: list[LoadProblem] = []
    for term in _terms(arguments):
        match term:
            case Text(value=text):
                loads = _with_path(schema, model, loads, method, text, problems)
            case BuilderTerm(type=kind, arguments=given) if kind.endswith(".Prefetch"):
                loads = _with_prefetch(schema, model, loads, given, problems)
            case _:
                loads = replace(loads, open=True)
    return Loaded(loads, tuple(problems))


def spell(schema: Schema, model: str, paths: tuple[Path, ...]) -> str:
    """The `.prefetch_related(…)` that loads the paths, to be added at the end of the query."""
    wanted = [path for path in paths if all(schema.relation(*step) for step in _steps(schema, model, path))]
    longest = [path for path in wanted if not any(other != path and other[: len(path)] == path for other in wanted)]
    names = [f'"{"__".join(path)}"' for path in dict.fromkeys(longest)]
    return f".prefetch_related({', '.join(names)})" if names else ""


def _terms(arguments: tuple[Passed, ...]) -> tuple[Term | None, ...]:
    found: list[Term | None] = []
    for passed in arguments:
        if passed.star or isinstance(passed.term, SequenceTerm):
            found += passed.term.items if isinstance(passed.term, SequenceTerm) else (None,)
        elif not passed.keyword:
            found.append(passed.term)
    return tuple(found)


def _steps(schema: Schema, model: str, path: Path) -> tuple[tuple[str, str], ...]:
    """Each relation of the path with the model it is of."""
    steps: list[tuple[str, str]] = []
    for name in path:
        steps.append((model, name))
        relation = schema.relation(model, name)
        model = relation.target if relation else ""
    return tuple(steps)


def _with_path(schema: Schema, model: str, loads: Loads, method: str, text: str, problems: list[LoadProblem]) -> Loads:
    path = tuple(text.split("__"))
    for owner, name in _steps(schema, model, path):
        relation = schema.relation(owner, name)
        if relation is None:
            problems += _problem(schema, owner, name, text, method)
            return replace(loads, paths=loads.paths | with_prefixes(path))
        if method == "select_related" and relation.many:
            # It joins the rows and keeps one of them: reading the relation asks again.
            return loads
    return replace(loads, paths=loads.paths | with_prefixes(path))


def _with_prefetch(
    schema: Schema, model: str, loads: Loads, given: tuple[Passed, ...], problems: list[LoadProblem]
) -> Loads:
    places = dict(enumerate(passed.term for passed in given if not passed.keyword))
    named = {passed.keyword: passed.term for passed in given if passed.keyword}
    relation, query = named.get("relation", places.get(0)), named.get("queryset", places.get(1))
    alias = named.get("to_attr", places.get(2))
    if not isinstance(relation, Text):
        return replace(loads, open=True)
    path = tuple(relation.value.split("__"))
    if isinstance(alias, Text):
        place = (*path[:-1], alias.value)
        loads = replace(loads, aliases=(*loads.aliases, (place, path[-1])), paths=loads.paths | {place})
    else:
        place = path
        loads = _with_path(schema, model, loads, "prefetch_related", relation.value, problems)
    if isinstance(query, QueryTerm):
        below = frozenset((*place, *further) for further in query.loads.paths)
        return replace(loads, paths=loads.paths | below, open=loads.open or query.loads.open)
    return loads


def _problem(schema: Schema, model: str, name: str, written: str, method: str) -> tuple[LoadProblem, ...]:
    found = schema.models.get(model)
    if found is None or not found.complete or found.abstract:
        return ()
    effect = "Tortoise raises" if method != "select_related" else "Tortoise raises when the query runs"
    if schema.column(model, name):
        return (LoadProblem(written, f"`{name}` is a column of {found.label}, no relation: {effect}", certain=True),)
    meant = get_close_matches(name, [relation.name for relation in found.relations], 1, 0.6)
    also = f" (did you mean `{meant[0]}`?)" if meant else ""
    return (LoadProblem(written, f"{found.label} has no relation `{name}`{also}: {effect}", certain=True),)
