"""A database connection is set up without a limit to the time that a statement may take.

## Problem

A statement that waits for a lock, or for a plan that went wrong, runs until somebody kills it. It keeps its connection
for as long; a few of them, and the pool is empty for everybody. With a limit the statement fails, its connection goes
back, and the error says which query it was. PostgreSQL and MySQL have no limit unless one is set.

## Slow

    from sqlalchemy import create_engine

    engine = create_engine("postgresql://localhost/shop")

## Fast

    from sqlalchemy import create_engine

    engine = create_engine("postgresql://localhost/shop", connect_args={"options": "-c statement_timeout=30000"})

## How it decides

Tables say which calls connect to a database, and which words set a limit there. Reported is such a call, in a function
or at the level of a module, whose arguments have none of them.

## What silences it

A limit in the arguments or in the URL; arguments of which not all can be read; a text that sets one anywhere in the
project (`SET statement_timeout`); SQLite, which has no server. The confidence is low where nothing says which
database it is.

The rule is off by default: the limit may be set in the server, or for the role, which the code does not show.

## Fix safety

Long jobs and migrations need a longer limit, or a connection of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from slowpath import expression as e
from slowpath.facts import Connects, LimitsQueries, only
from slowpath.finding import Confidence
from slowpath.project import Project
from slowpath.query_limits import QueryLimit
from slowpath.references import External
from slowpath.rules import Function, Problem, Rule, Whole
from slowpath.semantics.program import Program
from slowpath.semantics.uses import nodes_in
from slowpath.semantics.values import Symbol
from slowpath.source import Place
from slowpath.spelling import spelled
from slowpath.vocabulary import Knowledge


def collect(function: Function, program: Program) -> Iterator[Connects | LimitsQueries]:
    """What the function connects to without a limit, and whether it sets one."""
    sketch = program.project.function_of(function.ref).sketch
    connects = not program.connecting_words.isdisjoint(sketch.words)
    body = program.body(function.ref) if connects or sketch.sql else None
    if body is None:
        return

    def name_of(call: e.Call) -> str:
        callee = program.sight_of(function.ref).callee(call.at) if connects else None
        return callee.name if isinstance(callee, Symbol) else ""

    place = Place(function.ref.module, function.ref.qualname, 0)
    yield from _facts_of(program.knowledge, list(nodes_in(body.statements)), name_of, place)


def judge(whole: Whole) -> Iterator[Problem]:
    """The connections that have no limit, if the project sets none elsewhere."""
    here = [
        fact for module in whole.project.modules for fact in _at_module_level(whole.project, whole.knowledge, module)
    ]
    facts = (*whole.facts, *here)
    if (whole.database.vendors and not whole.database.servers) or any(True for _ in only(LimitsQueries, facts)):
        return
    sure: Confidence = "medium" if whole.database.servers else "low"
    for fact in only(Connects, facts):
        argument, words = fact.limit.argument, fact.limit.words
        yield Problem(
            place=fact.place,
            message=f"`{fact.label}` sets no limit to the time of a statement: one that hangs keeps its connection",
            subject=(fact.label,),
            help=f"pass `{argument}`, in seconds" if argument in words else f"set `{words[0]}` in `{argument}`",
            confidence=sure,
        )


def _at_module_level(project: Project, knowledge: Knowledge, module: str) -> Iterator[Connects | LimitsQueries]:
    declarations = project.modules[module]
    values = [each.value for each in declarations.assignments if each.value is not None]
    values += [each.value for cls in declarations.classes for each in cls.assignments if each.value is not None]

    def name_of(call: e.Call) -> str:
        found = project.resolve(module, e.dotted(call.func)) if e.dotted(call.func) else None
        return found.name if isinstance(found, External) else ""

    nodes = list(nodes_in((*values, *declarations.calls)))
    yield from _facts_of(knowledge, nodes, name_of, Place(module, "", 0))


def _facts_of(
    knowledge: Knowledge, nodes: list[Struct], name_of: Callable[[e.Call], str], home: Place
) -> Iterator[Connects | LimitsQueries]:
    own: set[int] = set()
    for node in nodes:
        if isinstance(node, e.Call):
            fact = knowledge.functions.get(name_of(node))
            if fact is not None and fact.query_limit is not None:
                own |= {part.at for part in nodes_in(node.arguments) if isinstance(part, e.Constant)}
                if not _may_be_limited(node, fact.query_limit):
                    yield Connects(replace(home, at=node.at), spelled(node.func), fact.query_limit)
    words = _all_words(knowledge)
    others = (node for node in nodes if isinstance(node, e.Constant) and node.at not in own)
    if any(word in text for text in _texts_in(others) for word in words):
        yield LimitsQueries(home)


def _may_be_limited(call: e.Call, limit: QueryLimit) -> bool:
    for given in call.arguments:
        if given.star or given.keyword in limit.words:
            return True
        # What is not written out here may say anything.
        if given.keyword == limit.argument and not isinstance(given.value, e.Mapping | e.Constant):
            return True
    texts = _texts_in(nodes_in(call.arguments))
    return any(word in text for text in texts for word in (*limit.words, *limit.needless))


def _all_words(knowledge: Knowledge) -> frozenset[str]:
    limits = (fact.query_limit for fact in knowledge.functions.values())
    return frozenset(word for limit in limits if limit is not None for word in limit.words)


def _texts_in(nodes: Iterable[object]) -> Iterator[str]:
    return (node.value for node in nodes if isinstance(node, e.Constant) and isinstance(node.value, str))


rule = Rule("SLO204", None, since="0.1.0", default=False, collect=collect, judge=judge)
