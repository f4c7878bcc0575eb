"""Which functions answer requests or are commands, as their decorators say."""

from __future__ import annotations

from collections.abc import Container

from slowpath.declarations import FunctionDeclaration
from slowpath.expression import Argument, Call, Constant, dotted


def has_route(function: FunctionDeclaration) -> bool:
    """Whether the function is decorated with a path: `@router.get("/orders")`."""
    for decorator in function.decorators:
        match decorator:
            case Call(arguments=arguments):
                if any(_is_path(argument) for argument in arguments):
                    return True
    return False


def is_decorated(function: FunctionDeclaration, words: Container[str]) -> bool:
    """Whether the last part of a decorator's name is one of the words: `@cli.command()`."""
    names = (dotted(each.func if isinstance(each, Call) else each) for each in function.decorators)
    return any(name.rpartition(".")[2] in words for name in names)


def _is_path(argument: Argument) -> bool:
    value = argument.value
    return argument.keyword is None and isinstance(value, Constant) and str(value.value).startswith("/")
