"""How to say in Django what a query should bring with its rows."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from slowpath.libraries.django.columns import as_written, left_out, written_only
from slowpath.libraries.django.rows import is_parent_link, lookup_name, relation_by_attribute
from slowpath.loads import Loads, Path
from slowpath.schema import Relation, Schema


class _Hop(Struct, frozen=True):
    """One relation of a path: the path before it, the model it starts from, and what lookups call it."""

    prefix: Path
    relation: Relation
    lookup: str


def spell(schema: Schema, model: str, loads: Loads, paths: tuple[Path, ...]) -> str:
    """The calls that load these paths, to be added at the end of the query; empty when none is safe."""
    joins: list[str] = []
    fetches: list[str] = []
    needed: list[Path] = []
    for path in paths:
        hops = _hops(schema, model, loads, path)
        missing = _missing_keys(schema, model, loads, hops)
        if not hops or missing is None:
            continue
        needed += missing
        if _can_join(loads, hops):
            joins.append("__".join(hop.lookup for hop in hops))
        else:
            fetches.append("__".join(path))
    calls = [_with_columns(schema, model, loads, needed)]
    calls += [_call("select_related", joins), _call("prefetch_related", fetches)]
    return "".join(calls)


def spell_column(schema: Schema, model: str, loads: Loads, path: Path) -> str:
    """The call that fetches the column after all, to be added at the end of the query; empty when another query's."""
    apart = loads.paths - loads.joined
    if any(path[:end] in apart for end in range(1, len(path))) or model not in schema.models:
        return ""
    return _with_columns(schema, model, loads, [path])


def _hops(schema: Schema, model: str, loads: Loads, path: Path) -> tuple[_Hop, ...]:
    """The relations of the path; none when one of them is unknown, or beyond a generic foreign key."""
    hops: list[_Hop] = []
    for end, _ in enumerate(path, 1):
        relation = relation_by_attribute(schema, model, loads, path[:end])
        if relation is None:
            return ()
        hops.append(_Hop(path[: end - 1], relation, lookup_name(schema, model, relation)))
        model = relation.target
    return tuple(hops)


def _can_join(loads: Loads, hops: tuple[_Hop, ...]) -> bool:
    """Whether `select_related` can bring the whole path without undoing or repeating what is there."""
    if loads.every_one or loads.locked:
        # With names it would forget that it was called without; of rows that are locked, it would lock others too.
        return False
    apart = loads.paths - loads.joined
    return all(
        not hop.relation.many
        and hop.relation.kind != "generic-foreign-key"
        and not is_parent_link(hop.relation)
        and hop.prefix not in apart
        for hop in hops
    )


def _missing_keys(schema: Schema, model: str, loads: Loads, hops: tuple[_Hop, ...]) -> list[Path] | None:
    """The left out columns that the path needs; nothing at all when a `Prefetch` of the query leaves them out."""
    apart = loads.paths - loads.joined
    missing: list[Path] = []
    for hop in hops:
        joined = _can_join(loads, hops)
        if not hop.relation.column and not joined:
            continue
        if left_out(schema, model, loads, hop.prefix, hop.relation):
            if hop.prefix in apart:
                return None
            missing.append((*hop.prefix, hop.relation.column or hop.relation.name))
            if hop.relation.kind == "generic-foreign-key":
                missing.append((*hop.prefix, "content_type_id"))
    return missing


def _with_columns(schema: Schema, model: str, loads: Loads, paths: list[Path]) -> str:
    """The calls of `only()` or `defer()` after which these columns are fetched too."""
    if not paths:
        return ""
    if loads.only is not None:
        return _call("only", written_only(schema, model, replace(loads, only=loads.only | set(paths))))
    apart = loads.paths - loads.joined
    others = {path for path in loads.deferred if path not in paths and path[:-1] not in apart}
    names = ["__".join(as_written(schema, model, path)) for path in sorted(others)]
    return ".defer(None)" + _call("defer", names)


def _call(method: str, names: Iterable[str]) -> str:
    """`.method("a", "b__c")`; a path that another one passes through needs no mention in an eager load."""
    wanted = list(dict.fromkeys(names))
    if method.endswith("_related"):
        wanted = [name for name in wanted if not any(other.startswith(f"{name}__") for other in wanted)]
    quoted = ", ".join(f'"{name}"' for name in wanted)
    return f".{method}({quoted})" if wanted else ""
