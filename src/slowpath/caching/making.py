"""Keys that a helper makes, where what is forgotten is named: by all who call one function but somebody."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from msgspec import Struct

from slowpath import expression as e
from slowpath.facts import NamesEntry
from slowpath.project import Project
from slowpath.rules import Function
from slowpath.semantics.effects import AnyEffect, UsesCache
from slowpath.semantics.program import Program
from slowpath.semantics.uses import nodes_in
from slowpath.source import Place

# So many others have the key made by one helper, where somebody does not.
_FEWEST = 2


class Unmade(Struct, frozen=True):
    """A call that is given as a key what the others give to the helper that makes it."""

    call: NamesEntry
    helper: str
    others: tuple[NamesEntry, ...]


def named(function: Function, program: Program, effects: Sequence[AnyEffect]) -> Iterator[NamesEntry]:
    """What the function gives to the calls that forget entries."""
    callees: dict[int, str] = {}
    for effect in effects:
        if isinstance(effect, UsesCache) and effect.does == "forget" and len(effect.via) < 2:
            at = effect.via[0].place.at if effect.via else effect.place.at
            callees.setdefault(at, effect.via[0].callee if effect.via else effect.label)
    body = program.body(function.ref) if callees else None
    parameters = {each.name for each in program.project.function_of(function.ref).parameters}
    for node in nodes_in(body.statements) if body is not None else ():
        if isinstance(node, e.Call) and node.at in callees:
            place = Place(function.ref.module, function.ref.qualname, node.at)
            for position, argument in enumerate(node.arguments):
                helper, value = _made(argument.value)
                if value and value not in parameters and not argument.star:
                    slot = argument.keyword or str(position)
                    yield NamesEntry(place, function.ref.name, callees[node.at], slot, helper, value)


def _made(node: e.Expression) -> tuple[str, str]:
    """The helper that makes the key, if one does, and the name of what it is made of."""
    match node:
        case e.Call(func=func, arguments=(e.Argument(value=value, star=""),)) if e.dotted(value):
            return e.dotted(func).rpartition(".")[2], e.dotted(value).rpartition(".")[2]
    return "", e.dotted(node).rpartition(".")[2]


def unmade(project: Project, facts: Sequence[NamesEntry]) -> Iterator[Unmade]:
    """The calls that go past a helper through which most others give the same thing."""
    declared = {
        f"{module}.{function.qualname}": function
        for module, declarations in project.modules.items()
        for function in declarations.functions
    }
    own = {function.name for function in declared.values()}
    groups: dict[tuple[str, str, str], list[NamesEntry]] = defaultdict(list)
    for fact in facts:
        groups[fact.callee, fact.slot, fact.value].append(fact)
    for group in groups.values():
        made = [fact for fact in group if fact.helper]
        helper = made[0].helper if made else ""
        if helper not in own or any(fact.helper != helper for fact in made):
            continue
        plain = [fact for fact in group if not fact.helper and helper not in declared[fact.function].sketch.words]
        if len(made) >= max(_FEWEST, len(plain) + 1):
            yield from (Unmade(fact, helper, tuple(made)) for fact in plain)
