"""How to say in SQLAlchemy what a query should bring with its rows."""

from __future__ import annotations

from slowpath.loads import Loads, Path
from slowpath.schema import Relation, Schema

# The relations to load from here, each with those to load from its rows.
Tree = dict[str, "Tree"]


def spell(schema: Schema, model: str, loads: Loads, paths: tuple[Path, ...]) -> str:
    """The `.options(…)` that loads these paths, to be added at the end of the query; empty when there is none."""
    tree: Tree = {}
    for path in paths:
        if _is_loadable(schema, model, path):
            _grow(tree, path)
    options = _options(schema, model, loads, (), tree)
    return f".options({', '.join(options)})" if options else ""


def spell_column(schema: Schema, model: str, loads: Loads, path: Path) -> str:
    """What to write so that the column comes with the rows; empty when something written has to go."""
    *before, name = path
    owner = _end(schema, model, tuple(before))
    column = f"{schema.label(owner)}.{name}" if owner else f'"{name}"'
    if not before and loads.only is not None:
        return f"load_only(…, {column})"
    found = schema.column(owner, name) if owner else None
    if found is not None and found.deferred and path not in loads.deferred:
        chain = _chain(schema, model, tuple(before))
        return f".options({chain}.undefer({column}))" if chain else f".options(undefer({column}))"
    return ""


def _is_loadable(schema: Schema, model: str, path: Path) -> bool:
    for name in path:
        relation = schema.relation(model, name)
        if relation is None or relation.access == "query":
            return False
        model = relation.target
    return True


def _grow(tree: Tree, path: Path) -> None:
    for name in path:
        tree = tree.setdefault(name, {})


def _options(schema: Schema, model: str, loads: Loads, prefix: Path, tree: Tree) -> list[str]:
    return [_option(schema, model, loads, (*prefix, name), below) for name, below in tree.items()]


def _option(schema: Schema, model: str, loads: Loads, path: Path, below: Tree) -> str:
    relation = schema.relation(model, path[-1])
    if relation is None:
        return ""
    here = f"{_loader(relation, loads, path)}({schema.label(model)}.{relation.name})"
    further = _options(schema, relation.target, loads, path, below)
    if len(further) == 1:
        return f"{here}.{further[0]}"
    return f"{here}.options({', '.join(further)})" if further else here


def _loader(relation: Relation, loads: Loads, path: Path) -> str:
    # A second strategy for a relation that is loaded already would contradict the first: SQLAlchemy raises.
    if path in loads.paths or relation.lazy in {"joined", "batch"}:
        return "defaultload"
    # A join of rows that are locked would lock the others too.
    return "selectinload" if relation.many or loads.locked else "joinedload"


def _chain(schema: Schema, model: str, path: Path) -> str:
    hops: list[str] = []
    for name in path:
        relation = schema.relation(model, name)
        if relation is None:
            return ""
        hops.append(f"defaultload({schema.label(model)}.{name})")
        model = relation.target
    return ".".join(hops)


def _end(schema: Schema, model: str, path: Path) -> str:
    for name in path:
        relation = schema.relation(model, name)
        model = relation.target if relation else ""
    return model
