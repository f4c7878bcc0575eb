"""Which functions are worth reading for what they acquire, from what their sketches mention."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from slowpath.declarations import FunctionDeclaration
from slowpath.expression import (
    Attribute,
    Call,
    Constant,
    Expression,
    Listing,
    Name,
    Parameter,
    Subscript,
    dotted,
)
from slowpath.project import Project
from slowpath.references import FunctionRef
from slowpath.semantics.facts import transaction_words
from slowpath.vocabulary import Fact, Knowledge

# What gives others something to give back is short: it is called for nothing else.
_LONGEST_GIVER = 30
# A name of many functions says too little of which one is called.
_MOST_OF_A_NAME = 2

# What nobody acquires: `with` opens a transaction, and ends it.
_NOT_ACQUIRED = frozenset({"", "none", "transaction"})

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


def functions_that_hold(project: Project, knowledge: Knowledge, declared: Declared) -> frozenset[FunctionRef]:
    """Those that hold something while they run that they need not have acquired: they open a transaction, or a
    framework finds arguments for them."""
    transactions = transaction_words(knowledge)
    yielding = {each.name for each in declared.values() if each.sketch.yields and _mentions(each, transactions)}
    transactions |= yielding
    injecting = {name.rpartition(".")[2] for name, fact in knowledge.functions.items() if fact.action == "inject"}
    aliases = {
        assignment.name
        for declarations in project.modules.values()
        for assignment in declarations.assignments
        if isinstance(assignment.value, Subscript) and not injecting.isdisjoint(_called_in(assignment.value.index))
    }

    def holds(function: FunctionDeclaration) -> bool:
        decorators = (each.func if isinstance(each, Call) else each for each in function.decorators)
        return (
            _mentions(function, transactions)
            or any(dotted(each).rpartition(".")[2] in transactions for each in decorators)
            or any(_is_injected(each, injecting, aliases) for each in function.parameters)
        )

    return frozenset(ref for ref, function in declared.items() if holds(function))


def _mentions(function: FunctionDeclaration, words: frozenset[str]) -> bool:
    return not words.isdisjoint(function.sketch.words)


def _is_injected(parameter: Parameter, injecting: set[str], aliases: set[str]) -> bool:
    annotation = parameter.annotation
    if isinstance(annotation, Name | Attribute) and dotted(annotation).rpartition(".")[2] in aliases:
        return True
    inside = _called_in(annotation.index) if isinstance(annotation, Subscript) else ()
    return not injecting.isdisjoint((*_called_in(parameter.default), *inside))


def _called_in(node: Expression | None) -> tuple[str, ...]:
    """The last names of what is called there, or in the list that stands there."""
    parts = node.elements if isinstance(node, Listing) else (node,)
    return tuple(dotted(each.func).rpartition(".")[2] for each in parts if isinstance(each, Call))


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
    held = {name for name, known in knowledge.types.items() if known.resource not in _NOT_ACQUIRED}
    methods = [fact for known in knowledge.types.values() for fact in (known.methods, known.class_methods)]
    words = {name for facts in methods for name, fact in facts.items() if _acquires(fact, held)}
    words |= {name.rpartition(".")[2] for name, fact in knowledge.functions.items() if _acquires(fact, held)}
    return frozenset(words | {name.rpartition(".")[2] for name in held})


def _acquires(fact: Fact, held: set[str]) -> bool:
    return fact.owning == "acquires" or (fact.action == "new" and fact.gives in held and fact.owning != "lends")


def _making_words(knowledge: Knowledge) -> frozenset[str]:
    """The names of classes whose instances, when called, give something which must be given back."""
    held = {name for name, known in knowledge.types.items() if known.resource not in _NOT_ACQUIRED}
    return frozenset(name.rpartition(".")[2] for name, known in knowledge.types.items() if known.calls in held)
