"""SQL text to statements, with every dialect that may be meant."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec.structs import replace
from sqlglot import exp, parse_one
from sqlglot import logger as _log

from slowpath.changes import AddsCheck, AnyChange, DropsIndex, MakesIndex, MakesTable, RewritesRows, Unreadable
from slowpath.schema import Index
from slowpath.sql.ddl import changes_of
from slowpath.sql.queries import statement_of
from slowpath.sql.statements import Failure, Parsed, Reason, Statement
from slowpath.sql.text import MARK, Piece, pieces

_DIALECTS = {"postgresql": "postgres", "mysql": "mysql", "sqlite": "sqlite", "oracle": "oracle", "mssql": "tsql"}
_CHAIN = ("postgres", "mysql", "sqlite")

# What a hole between two finished things may have stood for, the likeliest first.
_JOINTS = ("", "= ", "AND ", ", ")

_VERB = re.compile(
    r"[\s(]*(SELECT|INSERT|UPDATE|DELETE|WITH|REPLACE|MERGE|CREATE|ALTER|DROP|SET|PRAGMA|TRUNCATE|VALUES|EXPLAIN|ANALYZE|"
    r"VACUUM|REINDEX|COMMENT|GRANT|REVOKE|LOCK|BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|START|SHOW|USE|CALL|EXEC|NOTIFY|"
    r"LISTEN|UNLISTEN|COPY|ATTACH|DETACH|DESCRIBE|REFRESH|CLUSTER|DECLARE|FETCH|CLOSE|DO)\b",
    re.IGNORECASE,
)
_READS_ROWS = {"SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "REPLACE", "MERGE", "VALUES"}
_PROCEDURAL = re.compile(
    r"\s*(DO\b|CREATE\s+(OR\s+REPLACE\s+)?(CONSTRAINT\s+|TEMP\w*\s+)?(FUNCTION|PROCEDURE|TRIGGER)\b|BEGIN\b|DECLARE\b)",
    re.IGNORECASE,
)
_SCHEMA_WORDS = re.compile(
    r"\s*(?:(?P<make>CREATE|DROP)\s+(?:(?:OR\s+REPLACE|GLOBAL|LOCAL|TEMP|TEMPORARY|UNLOGGED|VIRTUAL|UNIQUE|FULLTEXT|"
    r"SPATIAL)\s+)*(?P<what>TABLE|INDEX|VIEW)|(?P<alter>ALTER)\s+(?:TABLE|INDEX)|SET\s+(?:LOCAL\s+|SESSION\s+)?\w+)\b",
    re.IGNORECASE,
)
_DROP_INDEX = re.compile(
    r"\s*DROP\s+INDEX\s+(?P<concurrently>CONCURRENTLY\s+)?(?P<exists>IF\s+EXISTS\s+)?(?P<names>[^;]+?)"
    r"(?:\s+(?:CASCADE|RESTRICT))?\s*\Z",
    re.IGNORECASE,
)
_ADOPTED = re.compile(
    r"\s*ALTER\s+TABLE\s+(?:ONLY\s+)?(?P<table>[\w.\"]+)\s+ADD\s+CONSTRAINT\s+(?P<name>[\w\"]+)\s+(?:UNIQUE|PRIMARY\s+KEY)"
    r"\s+USING\s+INDEX\s+(?P<index>[\w\"]+)",
    re.IGNORECASE,
)
# Options at the end of a `CREATE TABLE` that no parser need know.
_TABLE_OPTIONS = re.compile(r"\)\s*(?:WITHOUT\s+ROWID|STRICT|,\s*)+\Z", re.IGNORECASE)
_NAMED = re.compile(
    r"\s*(?:ALTER\s+TABLE|(?:CREATE|DROP)\s+(?:\w+\s+)*?(?:TABLE|VIEW)|CREATE\s+(?:\w+\s+)*?INDEX\b.*?\bON)\s+"
    r"(?:IF\s+(?:NOT\s+)?EXISTS\s+)?(?:ONLY\s+)?(?P<table>[\w.\"`]+)(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)
_HARMLESS = re.compile(
    r"\s*(?:VALIDATE\s+CONSTRAINT|OWNER\s+TO|ENABLE|DISABLE|ATTACH|DETACH|REPLICA|CLUSTER|INHERIT|SET\s*\(|SET\s+SCHEMA|"
    r"ALTER\s+(?:COLUMN\s+)?\S+\s+(?:SET\s+(?:STATISTICS|STORAGE|DEFAULT|\()|DROP\s+DEFAULT|ADD\s+GENERATED))\b",
    re.IGNORECASE,
)
_CHECKED = re.compile(
    r"\s*ADD\s+(?:CONSTRAINT\s+\S+\s+)?CHECK\s*\((?P<condition>.*)\)\s*(?P<later>NOT\s+VALID)?\s*\Z",
    re.IGNORECASE | re.DOTALL,
)
_NOT_EXPLAINED = re.compile(r"\A\s*EXPLAIN(\s+ANALYZE|\s+VERBOSE|\s*\([^)]*\)|\s+QUERY\s+PLAN)*\s+", re.IGNORECASE)


def parse(text: str, dialect: str, *, schema_only: bool) -> Parsed:
    """What the text says; with `schema_only` nothing but what changes the schema is looked at."""
    statements: list[Statement] = []
    failures: list[Failure] = []
    for number, piece in enumerate(pieces(text)):
        if schema_only and _SCHEMA_WORDS.match(piece.text) is None:
            continue
        found = _read(piece, dialect) or (_again(text, number, dialect) if piece.templated else None)
        if found is not None:
            statements.append(found)
        elif (lost := _lost(piece)) is not None:
            statements.append(lost)
            failures.append(Failure(piece.line, _reason(piece)))
        else:
            failures.append(Failure(piece.line, _reason(piece)))
    return Parsed(tuple(statements), tuple(failures))


def _again(text: str, number: int, dialect: str) -> Statement | None:
    """The statement with other things in place of its holes."""
    for joint in _JOINTS[1:]:
        piece = next((each for at, each in enumerate(pieces(text, joined=joint)) if at == number), None)
        found = _read(piece, dialect) if piece is not None else None
        if found is not None:
            return found
    return None


def _read(piece: Piece, dialect: str) -> Statement | None:
    verb = _VERB.match(piece.text)
    if verb is None:
        return None
    if _PROCEDURAL.match(piece.text):
        return None
    altered = _NAMED.match(piece.text)
    if altered and verb[1].upper() == "ALTER" and _HARMLESS.match(altered["rest"]):
        return Statement("other", piece.line)
    checked = _CHECKED.match(altered["rest"]) if altered else None
    if altered and checked:
        change = AddsCheck(_bare(altered["table"]), piece.line, checked["condition"].strip(), not checked["later"])
        return Statement("ddl", piece.line, changes=(change,), open=piece.open)
    own = list(_by_hand(piece))
    if own:
        return Statement("ddl", piece.line, changes=tuple(own), open=piece.open)
    word = verb[1].upper()
    if word == "EXPLAIN":
        text = _NOT_EXPLAINED.sub("", piece.text)
    elif word == "REPLACE":
        text = piece.text.replace(verb[1], "INSERT", 1)
    else:
        text = _TABLE_OPTIONS.sub(")", piece.text) if word == "CREATE" else piece.text
    for name in dict.fromkeys((_DIALECTS.get(dialect, "postgres"), *_CHAIN)):
        tree = _tree(text, name)
        if tree is None:
            continue
        if isinstance(tree, exp.Query | exp.DML | exp.Merge):
            return _with_rewrites(statement_of(tree, piece.line, is_open=piece.open))
        if isinstance(tree, exp.Command) and (word in _READS_ROWS or _SCHEMA_WORDS.match(text)):
            continue
        changes = tuple(changes_of(tree, piece.line))
        return Statement("ddl" if changes else "other", piece.line, changes=changes, open=piece.open)
    return None if word in _READS_ROWS or _SCHEMA_WORDS.match(text) else Statement("other", piece.line)


def _tree(text: str, dialect: str) -> exp.Expr | None:
    """The tree, if this dialect has such a statement; the compiled parser raises all kinds of errors."""
    muted, _log.disabled = _log.disabled, True
    try:
        return parse_one(text, dialect=dialect)
    except (Exception, RecursionError):
        return None
    finally:
        _log.disabled = muted


def _with_rewrites(statement: Statement) -> Statement:
    if statement.verb not in ("update", "delete"):
        return statement
    own = statement.queries[0]
    if any(query.limit is not None for query in statement.queries):
        # One batch of many.
        return statement
    filtered = bool(own.filters or own.alternatives or own.joins or own.open)
    change = RewritesRows(statement.table, statement.line, statement.verb, filtered)
    return replace(statement, changes=(change,))


def _by_hand(piece: Piece) -> Iterator[AnyChange]:
    """What the parser does not know."""
    if found := _DROP_INDEX.match(piece.text):
        if " ON " not in f" {found['names'].upper()} ":
            for name in found["names"].split(","):
                yield DropsIndex(
                    "", piece.line, _bare(name), bool(found["concurrently"]), if_there=bool(found["exists"])
                )
    elif found := _ADOPTED.match(piece.text):
        index = Index((), unique=True, name=_bare(found["name"]))
        yield MakesIndex(_bare(found["table"]), piece.line, index, constraint=True, adopts=_bare(found["index"]))


def _bare(name: str) -> str:
    last = name.strip().rpartition(".")[2]
    bare = last.strip('"`')
    return "" if MARK in bare else bare if bare != last else bare.lower()


def _lost(piece: Piece) -> Statement | None:
    """What is left of a change of the schema that cannot be read: that there is one."""
    found = _SCHEMA_WORDS.match(piece.text)
    if found is None or not (found["make"] or found["alter"]):
        return None
    named = _NAMED.match(piece.text)
    table = _bare(named["table"]) if named else ""
    made = found["what"] and found["make"].upper() == "CREATE" and found["what"].upper() == "TABLE"
    change = MakesTable(table, piece.line, whole=False) if made else Unreadable(table, piece.line)
    return Statement("ddl", piece.line, changes=(change,), open=piece.open)


def _reason(piece: Piece) -> Reason:
    if _VERB.match(piece.text) is None:
        return "template" if piece.templated else "no-statement"
    if _PROCEDURAL.match(piece.text):
        return "procedural"
    if piece.templated:
        return "template"
    return "prefix" if piece.open else "vendor"
