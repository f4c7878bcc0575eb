"""An answer that depends on who asks is kept for everybody who asks for the same path.

## Problem

A decorator keeps the whole answer of a view under the path of the request. Whoever comes next gets what was worked out
for the first one: another user's orders, or a page that they may not see.

## Slow

    from django.shortcuts import render
    from django.views.decorators.cache import cache_page

    from shop.models import Order

    @cache_page(600)
    def orders(request):
        return render(request, "orders.html", {"orders": Order.objects.filter(user=request.user)})

## Fast

    from django.shortcuts import render
    from django.views.decorators.cache import cache_page
    from django.views.decorators.vary import vary_on_cookie

    from shop.models import Order

    @cache_page(600)
    @vary_on_cookie
    def orders(request):
        return render(request, "orders.html", {"orders": Order.objects.filter(user=request.user)})

## How it decides

Reported is a view whose answers are kept under the path (`cache_page` of Django, also with `method_decorator`,
`cached` of Flask-Caching) and that asks who the request is from (`request.user`, `current_user`). Of classes, the
methods that an answer goes through are read as well: `get_queryset`, `get_context_data`.

## What silences it

Anything that makes a difference between those who ask: a decorator with `vary` or `private` in its name, a header
`Vary` or `private` that the view sets, an argument of the decorator that is no constant. Questions inside
`if request.method == "POST"`: only answers to reads are kept.

## Fix safety

An entry for each user takes more room, and is found less often.
"""

from __future__ import annotations

from collections.abc import Iterator

from slowpath import expression as e
from slowpath.declarations import FunctionDeclaration
from slowpath.keeping import Memoizer
from slowpath.references import FunctionRef
from slowpath.rules import Function, Mark, Problem, Rule
from slowpath.semantics import statement as s
from slowpath.semantics.program import Program
from slowpath.semantics.uses import nodes_in
from slowpath.source import Place

# What answers go through whichever method they are asked by.
_ALL = "dispatch"
_READS = ("get", "list", "retrieve")
_WRITES = ("POST", "PUT", "PATCH", "DELETE")
_APART = ("vary", "private", "never_cache")


def check(function: Function, program: Program) -> Iterator[Problem]:
    """The first question of a function who asks, where its answer is kept for all."""
    ref = function.ref
    for memoizer, decorator in _keepers(program, ref):
        body = program.body(ref)
        if body is None or _tells_apart(program, ref, body.statements):
            return
        for node in _asked(body.statements, memoizer):
            name = e.dotted(node)
            yield Problem(
                place=Place(ref.module, ref.qualname, node.at),
                message=f"the answer depends on `{name}`, and `{_name(decorator)}` keeps it for everybody who asks for "
                "the same path",
                subject=(name,),
                help="let the key tell users apart (`Vary`), or keep less than the whole answer",
                related=(Mark(Place(ref.module, "", decorator.at), "keeps the answer"),),
            )
            return


def _keepers(program: Program, ref: FunctionRef) -> Iterator[tuple[Memoizer, e.Call]]:
    """The decorators that keep what the function answers, or helps to answer."""
    declared = program.project.function_of(ref)
    for own in declared.decorators:
        yield from _among(program, ref.module, own)
    for method, decorator in _of_class(program, ref.module, declared):
        for memoizer, call in _among(program, ref.module, decorator):
            if declared.name in memoizer.through or (method == _ALL and declared.name in _READS):
                yield memoizer, call


def _of_class(program: Program, module: str, declared: FunctionDeclaration) -> Iterator[tuple[str, e.Expression]]:
    """The decorators of the class and of its other methods, with the name of the method that they are for."""
    declarations = program.project.modules[module]
    for each in declarations.classes if declared.owner else ():
        if each.qualname == declared.owner:
            yield from ((_method_of(decorator), decorator) for decorator in each.decorators)
    for other in declarations.functions if declared.owner else ():
        if other.owner == declared.owner and other.name != declared.name:
            yield from ((other.name, decorator) for decorator in other.decorators)


def _method_of(decorator: e.Expression) -> str:
    """`@method_decorator(…, name="dispatch")`."""
    match decorator:
        case e.Call(arguments=(*_, e.Argument(value=e.Constant(value=str(name)), keyword="name"))):
            return name
    return ""


def _among(program: Program, module: str, decorator: e.Expression) -> Iterator[tuple[Memoizer, e.Call]]:
    """What keeps answers in a decorator, if nothing tells it how to tell requests apart."""
    for node in e.within(decorator):
        if isinstance(node, e.Call) and (memoizer := program.memoizer(module, node.func)) and memoizer.askers:
            told = [each.value for each in node.arguments if each.keyword not in (None, *memoizer.expiry)]
            if all(isinstance(value, e.Constant) for value in told):
                yield memoizer, node


def _tells_apart(program: Program, ref: FunctionRef, block: s.Block) -> bool:
    """Whether a decorator, or what the function does, may make a difference between those who ask."""
    declared = program.project.function_of(ref)
    around = [*declared.decorators, *(decorator for _, decorator in _of_class(program, ref.module, declared))]
    texts = [e.dotted(node) for each in around for node in e.within(each)]
    texts += [argument.keyword or "" for each in around for argument in _arguments(each)]
    for node in nodes_in(block):
        match node:
            case e.Constant(value=str(text)) | e.Attribute(attr=text) | e.Name(id=text):
                texts.append(text)
    return any(word in text.lower() for text in texts for word in _APART)


def _arguments(decorator: e.Expression) -> Iterator[e.Argument]:
    for node in e.within(decorator):
        if isinstance(node, e.Call):
            yield from node.arguments


def _asked(block: s.Block, memoizer: Memoizer) -> Iterator[e.Expression]:
    """Where the statements ask who asks, unless that is for other requests than reads."""
    for statement in block:
        if isinstance(statement, s.If) and _is_of_writes(statement.test):
            yield from _asked(statement.orelse, memoizer)
            continue
        found = [node for node in nodes_in(statement) if isinstance(node, e.Attribute | e.Name)]
        for node in sorted(found, key=lambda node: node.at):
            if any(f".{e.dotted(node)}".endswith(f".{asker}") for asker in memoizer.askers):
                yield node


def _is_of_writes(test: e.Expression) -> bool:
    return any(
        isinstance(node, e.Constant) and node.value in ("POST", "PUT", "PATCH", "DELETE") for node in e.within(test)
    )


def _name(decorator: e.Call) -> str:
    return e.dotted(decorator.func)


rule = Rule("SLO409", check, since="0.1.0", default=False)
