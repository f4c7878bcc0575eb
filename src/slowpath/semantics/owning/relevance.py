"""Which functions are worth reading for what they acquire, from what their sketches mention."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from slowpath.declarations import FunctionDeclaration
from slowpath.expression import Call, Constant, dotted
from slowpath.project import Project
from slowpath.references import FunctionRef
from slowpath.vocabulary import Fact, Knowledge

# What gives others something to give back is short: it is called for nothing else.
_LONGEST_GIVER = 30
# A name of many functions says too little of which one is called.
_MOST_OF_A_NAME = 2

Declared = Mapping[FunctionRef, FunctionDeclaration]


def functions_that_acquire(project: Project, knowledge: Knowledge, declared: Declared) -> frozenset[FunctionRef]:
    """Those that name something which gives what must be given back, and those that name a short one of these, which
    may hand it on."""
    makers = _making_words(knowledge)
    assignments = [
        assignment
        for declarations in project.modules.values()
        for within in (declarations.assignments, *(owner.assignments for owner in declarations.classes))
        for assignment in within
    ]
    words = _acquiring_words(knowledge) | makers
    words |= {
        each.name
        for each in assignments
        if isinstance(each.value, Call) and dotted(each.value.func).rpartition(".")[2] in makers
    }
    found = {ref for ref, function in declared.items() if not words.isdisjoint(function.sketch.words)}
    found |= _methods_beside(makers, declared)
    callers: dict[str, list[FunctionRef]] = {}
    for ref in declared.keys() - found:
        for word in declared[ref].sketch.words:
            callers.setdefault(word, []).append(ref)
    pending = sorted(found)
    many = Counter(function.name for function in declared.values())
    while pending:
        giver = declared[pending.pop()]
        if _may_give(giver) and many[giver.name] <= _MOST_OF_A_NAME:
            callers_of_it = callers.pop(giver.name, ())
            pending += [ref for ref in callers_of_it if ref not in found]
            found.update(callers_of_it)
    return frozenset(found)


def _may_give(function: FunctionDeclaration) -> bool:
    nothing = isinstance(function.returns, Constant) and function.returns.value is None
    return function.end_line - function.line < _LONGEST_GIVER and not nothing and not function.name.startswith("__")


def _methods_beside(makers: frozenset[str], declared: Declared) -> set[FunctionRef]:
    """The methods of classes that make a factory for themselves."""
    owners = {
        (ref.module, function.owner)
        for ref, function in declared.items()
        if function.owner and not makers.isdisjoint(function.sketch.words)
    }
    return {ref for ref, function in declared.items() if (ref.module, function.owner) in owners}


def _acquiring_words(knowledge: Knowledge) -> frozenset[str]:
    """The names of functions, methods and classes that give something which must be given back."""
    held = {name for name, known in knowledge.types.items() if known.resource not in {"", "none"}}
    methods = [fact for known in knowledge.types.values() for fact in (known.methods, known.class_methods)]
    words = {name for facts in methods for name, fact in facts.items() if _acquires(fact, held)}
    words |= {name.rpartition(".")[2] for name, fact in knowledge.functions.items() if _acquires(fact, held)}
    return frozenset(words | {name.rpartition(".")[2] for name in held})


def _acquires(fact: Fact, held: set[str]) -> bool:
    return fact.owning == "acquires" or (fact.action == "new" and fact.gives in held and fact.owning != "lends")


def _making_words(knowledge: Knowledge) -> frozenset[str]:
    """The names of classes whose instances, when called, give something which must be given back."""
    held = {name for name, known in knowledge.types.items() if known.resource not in {"", "none"}}
    return frozenset(name.rpartition(".")[2] for name, known in knowledge.types.items() if known.calls in held)
