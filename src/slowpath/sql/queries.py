"""Statements that read and write rows, from sqlglot's trees."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlglot import exp

from slowpath.sql.statements import Extreme, Filter, Join, Operator, Query, Sort, Statement, UsedTable, Verb
from slowpath.sql.text import MARK

_PATTERNS = (exp.Like, exp.ILike, exp.RegexpLike, exp.RegexpILike, exp.SimilarTo, exp.Glob)
_VERBS: dict[type[exp.Expr], Verb] = {exp.Insert: "insert", exp.Update: "update", exp.Delete: "delete"}


def statement_of(tree: exp.Expr, line: int, *, is_open: bool) -> Statement:
    """What the tree says; `line` is that of the statement's first word."""
    reader = _Reader(line)
    verb: Verb = "merge" if isinstance(tree, exp.Merge) else _VERBS.get(type(tree), "select")
    queries: list[Query] = []
    if isinstance(tree, exp.Update | exp.Delete):
        queries.append(reader.query(tree, is_open=is_open))
    for scope in tree.find_all(exp.Select, bfs=True):
        outermost = not queries and verb == "select"
        queries.append(reader.query(scope, is_open=is_open and outermost))
    target = tree.this if isinstance(tree, exp.DML | exp.Merge) else None
    return Statement(
        verb,
        line,
        table=_table_name(target.this if isinstance(target, exp.Schema) else target),
        assigned=tuple(_assigned(tree, target)),
        queries=tuple(queries),
        open=is_open,
    )


def name_of(identifier: object) -> str:
    """The name as the database knows it; empty for a hole or anything that is no name."""
    if isinstance(identifier, exp.Column | exp.Table):
        identifier = identifier.this
    if not isinstance(identifier, exp.Identifier):
        return ""
    name: str = identifier.name
    if MARK in name:
        return ""
    return name if identifier.args.get("quoted") else name.lower()


def line_of(node: exp.Expr, first: int) -> int:
    """The line on which something in the node stands that says so."""
    for each in (node, *node.find_all(exp.Identifier, exp.Literal)):
        line = each.meta.get("line")
        if isinstance(line, int):
            return first + line - 1
    return first


def _table_name(node: object) -> str:
    return name_of(node.this) if isinstance(node, exp.Table) else ""


def _assigned(tree: exp.Expr, target: object) -> Iterator[str]:
    if isinstance(tree, exp.Update):
        for each in tree.expressions:
            yield name_of(each.this) if isinstance(each, exp.EQ) else ""
    elif isinstance(tree, exp.Insert) and isinstance(target, exp.Schema):
        yield from (name_of(each) for each in target.expressions)


def _own(scope: exp.Expr, key: str) -> exp.Expr | None:
    found = scope.args.get(key, scope.args.get(f"{key}_"))
    return found if isinstance(found, exp.Expr) else None


class _Tables:
    """The tables of one query by the names that its columns use."""

    def __init__(self, tables: Iterable[UsedTable]) -> None:
        self.used = tuple(tables)
        self.by_alias = {each.alias or each.name: each for each in self.used}

    def of(self, column: exp.Column) -> str:
        """The name of the column's table; empty if it is not one or not known."""
        qualifier = name_of(column.args.get("table"))
        if qualifier:
            found = self.by_alias.get(qualifier)
            return found.name if found is not None and not found.derived else ""
        return self.used[0].name if len(self.used) == 1 and not self.used[0].derived else ""

    def is_own(self, node: object) -> bool:
        """Whether the node is a column of one of the query's own tables, derived ones included."""
        if not isinstance(node, exp.Column) or isinstance(node.this, exp.Star) or not name_of(node):
            return False
        table = node.args.get("table")
        return table is None or name_of(table) in self.by_alias


class _Reader:
    """Queries of one statement."""

    def __init__(self, first: int) -> None:
        self._first = first

    def query(self, scope: exp.Expr, *, is_open: bool) -> Query:
        """The query of a `SELECT`, or of the condition of an `UPDATE` or `DELETE`."""
        tables = _Tables(self._tables(scope))
        found = _Conditions(tables, self._first)
        for join in _joins(scope):
            found.join(join, tables)
        where = _own(scope, "where")
        if where is not None:
            found.all_of(where.this)
        order = _own(scope, "order")
        selected = scope.expressions if isinstance(scope, exp.Select) else []
        group = _own(scope, "group")
        return Query(
            tables=tables.used,
            filters=tuple(found.filters),
            alternatives=tuple(found.alternatives),
            joins=tuple(found.joins),
            order=tuple(_sort(each, tables) for each in (order.expressions if order is not None else ())),
            groups=tuple(_sort(each, tables) for each in (group.expressions if group is not None else ())),
            limit=_limit(_own(scope, "limit")),
            offset=_skips(_own(scope, "offset")),
            distinct=_own(scope, "distinct") is not None,
            extremes=tuple(_extremes(selected, tables)),
            aggregates=any(each.find(exp.AggFunc) for each in selected),
            selected=tuple(_selected(selected)),
            open=is_open or found.open,
            line=line_of(scope, self._first),
        )

    def _tables(self, scope: exp.Expr) -> Iterator[UsedTable]:
        ctes = frozenset(_ctes_seen_by(scope))
        if isinstance(scope, exp.Update | exp.Delete):
            yield self._used(scope.this, "", ctes)
            for each in scope.args.get("using") or ():
                yield self._used(each, "inner", ctes)
        source = _own(scope, "from")
        if source is not None:
            yield self._used(source.this, "inner" if isinstance(scope, exp.Update) else "", ctes)
        for join in _joins(scope):
            yield self._used(join.this, _kind_of(join), ctes)

    def _used(self, node: exp.Expr, join: str, ctes: frozenset[str]) -> UsedTable:
        alias = name_of(node.args["alias"].this) if node.args.get("alias") else ""
        name = _table_name(node)
        derived = not isinstance(node, exp.Table) or not isinstance(node.this, exp.Identifier) or name in ctes
        return UsedTable(name, alias, join, derived, line_of(node, self._first))


def _joins(scope: exp.Expr) -> list[exp.Join]:
    found = list(scope.args.get("joins") or ())
    source = _own(scope, "from")
    for holder in (source.this if source is not None else None, scope.this):
        if isinstance(holder, exp.Table):
            found += holder.args.get("joins") or ()
    return [each for each in found if isinstance(each, exp.Join)]


def _kind_of(join: exp.Join) -> str:
    side, kind = str(join.args.get("side") or "").lower(), str(join.args.get("kind") or "").lower()
    is_bare = not (side or kind or join.args.get("on") or join.args.get("using"))
    return "" if is_bare else side or ("cross" if kind == "cross" else "inner")


def _ctes_seen_by(scope: exp.Expr) -> Iterator[str]:
    node: exp.Expr | None = scope
    while node is not None:
        found = _own(node, "with")
        for cte in found.expressions if found is not None else ():
            yield name_of(cte.args["alias"].this)
        node = node.parent


def _limit(node: exp.Expr | None) -> int | None:
    if node is None:
        return None
    value = node.args.get("expression") or node.args.get("count")
    return int(value.name) if isinstance(value, exp.Literal) and value.name.isdecimal() else 0


def _skips(node: exp.Expr | None) -> bool:
    """Whether as many rows are left out as something says that is not written there."""
    return node is not None and not isinstance(node.expression, exp.Literal)


def _sort(node: exp.Expr, tables: _Tables) -> Sort:
    inner, descending = (node.this, bool(node.args.get("desc"))) if isinstance(node, exp.Ordered) else (node, False)
    if isinstance(inner, exp.Column) and tables.is_own(inner):
        return Sort(tables.of(inner), name_of(inner), descending)
    return Sort("", "", descending, _written(inner))


def _extremes(selected: Iterable[exp.Expr], tables: _Tables) -> Iterator[Extreme]:
    for each in selected:
        inner = each.unalias()
        if isinstance(inner, exp.Coalesce):
            inner = inner.this
        if isinstance(inner, exp.Max | exp.Min) and tables.is_own(inner.this):
            yield Extreme("max" if isinstance(inner, exp.Max) else "min", tables.of(inner.this), name_of(inner.this))


def _selected(selected: Iterable[exp.Expr]) -> Iterator[str]:
    for each in selected:
        if each.is_star:
            yield "*"
        elif isinstance(each.unalias(), exp.Column):
            yield name_of(each.unalias())


def _written(node: exp.Expr) -> str:
    """The expression as SQL, with its columns by their names alone; empty if it has a hole."""
    bare = node.copy()
    for column in bare.find_all(exp.Column):
        column.set("table", None)
    text: str = bare.sql(dialect="postgres")
    return "" if MARK in text else text


class _Conditions:
    """The conditions of a query, taken apart."""

    def __init__(self, tables: _Tables, first: int) -> None:
        self._tables = tables
        self._first = first
        self.filters: list[Filter] = []
        self.alternatives: list[tuple[Filter, ...]] = []
        self.joins: list[Join] = []
        self.open = False

    def join(self, join: exp.Join, tables: _Tables) -> None:
        """Take in the condition of a join."""
        condition = join.args.get("on")
        if isinstance(condition, exp.Expr):
            self.all_of(condition)
        right = name_of(join.this.args["alias"].this) if join.this.args.get("alias") else _table_name(join.this)
        position = [each.alias or each.name for each in tables.used].index(right) if right in tables.by_alias else 0
        for column in join.args.get("using") or ():
            left, other = tables.used[max(position - 1, 0)], tables.by_alias.get(right)
            names = ["" if each is None or each.derived else each.name for each in (left, other)]
            name = name_of(column)
            self.joins.append(Join(names[0], name, names[1], name, line_of(join, self._first)))

    def all_of(self, node: exp.Expr) -> None:
        """Take in a condition that must hold."""
        for part in node.flatten() if isinstance(node, exp.And) else (node,):
            inner = part.unnest()
            if isinstance(inner, exp.And):
                self.all_of(inner)
            elif isinstance(inner, exp.Or):
                self.alternatives.append(tuple(self._leaves(inner)))
            elif not self._joined(inner):
                self.filters += self._filters(inner)

    def _leaves(self, node: exp.Expr) -> Iterator[Filter]:
        for part in node.flatten() if isinstance(node, exp.And | exp.Or) else (node,):
            inner = part.unnest()
            if isinstance(inner, exp.And | exp.Or):
                yield from self._leaves(inner)
            else:
                yield from self._filters(inner)

    def _joined(self, node: exp.Expr) -> bool:
        """Take in an equality of columns of two tables."""
        if not isinstance(node, exp.EQ) or not (
            self._tables.is_own(node.this) and self._tables.is_own(node.expression)
        ):
            return False
        left, right = node.this, node.expression
        if len(self._tables.used) < 2 or (left.table and left.table == right.table):
            return False
        of = self._tables.of
        self.joins.append(Join(of(left), name_of(left), of(right), name_of(right), line_of(node, self._first)))
        return True

    def _filters(self, node: exp.Expr) -> Iterator[Filter]:
        """The filters that one condition without `AND` and `OR` is."""
        negated = isinstance(node, exp.Not)
        inner = node.this.unnest() if negated else node
        subject = inner.this if isinstance(inner, exp.Binary | exp.In | exp.Between) else inner
        if isinstance(subject, exp.Column) and MARK in subject.name:
            self.open = True
            return
        found = self._condition(inner)
        if found is None:
            return
        side, operator, value = found
        if negated and isinstance(inner, exp.Column):
            value = "false"
        elif negated:
            operator, value = _NEGATED.get(operator, "differs"), ""
        yield from self._on(side, operator, value, node)

    def _on(self, side: exp.Expr, operator: Operator, value: str, node: exp.Expr) -> Iterator[Filter]:
        line = line_of(node, self._first)
        if isinstance(side, exp.Tuple):
            for each in side.expressions:
                yield from self._on(each, operator, "", node)
        elif isinstance(side, exp.Column) and self._tables.is_own(side):
            yield Filter(self._tables.of(side), name_of(side), operator, value, line=line)
        else:
            columns = [each for each in side.find_all(exp.Column) if self._tables.is_own(each)]
            if columns and side.find(exp.Select) is None:
                table = self._tables.of(columns[0])
                yield Filter(table, name_of(columns[0]), "expression", value, _written(side), line, operator)

    def _condition(self, node: exp.Expr) -> tuple[exp.Expr, Operator, str] | None:
        """What is compared, how, and with which literal."""
        match node:
            case exp.Column():
                return node, "equals", "true"
            case exp.EQ() | exp.NullSafeEQ():
                return self._compared(node, "in" if isinstance(node.expression, exp.Any) else "equals")
            case exp.Is():
                return self._is(node)
            case exp.In():
                values = node.expressions
                written = [_literal(each) for each in values]
                return node.this.unnest(), "in", ", ".join(written) if values and all(written) else ""
            case exp.Between():
                return node.this.unnest(), "range", ""
            case exp.NEQ() | exp.NullSafeNEQ():
                return self._compared(node, "differs")
            case exp.StartsWith():
                return node.this, "prefix", ""
            case exp.MatchAgainst():
                return (node.expressions or [node.this])[0], "full-text", ""
        return self._looser(node)

    def _looser(self, node: exp.Expr) -> tuple[exp.Expr, Operator, str] | None:
        if isinstance(node, exp.GT | exp.GTE | exp.LT | exp.LTE):
            return self._compared(node, "range")
        if isinstance(node, _PATTERNS):
            return node.this.unnest(), _pattern(node), _literal(node.expression)
        return (node.this.unnest(), "other", "") if isinstance(node, exp.Binary) else None

    def _compared(self, node: exp.Expr, operator: Operator) -> tuple[exp.Expr, Operator, str]:
        left, right = node.this.unnest(), node.expression.unnest()
        if self._has_own(left) or not self._has_own(right):
            return left, operator, _literal(right)
        return right, operator, _literal(left)

    def _has_own(self, node: exp.Expr) -> bool:
        return any(self._tables.is_own(each) for each in node.find_all(exp.Column))

    def _is(self, node: exp.Is) -> tuple[exp.Expr, Operator, str]:
        value = node.expression
        negated = bool(node.args.get("negate"))
        if isinstance(value, exp.Boolean):
            said = str(value.this is not negated).lower()
            return node.this.unnest(), "equals" if not negated else "differs", said if not negated else ""
        return node.this.unnest(), "not-null" if negated else "null", ""


_NEGATED: dict[Operator, Operator] = {"null": "not-null", "not-null": "null", "range": "range", "differs": "equals"}


def _pattern(node: exp.Expr) -> Operator:
    value = node.expression
    if not isinstance(node, exp.Like) or not isinstance(value, exp.Literal):
        return "pattern"
    text = value.name
    return "prefix" if text[:1] not in ("%", "_", "") and not text.startswith(MARK) else "pattern"


def _literal(node: exp.Expr) -> str:
    """The literal as SQL writes it, empty for anything else."""
    if isinstance(node, exp.Literal | exp.Boolean) and MARK not in node.name:
        text: str = node.sql(dialect="postgres")
        return text.lower() if isinstance(node, exp.Boolean) else text
    return ""
