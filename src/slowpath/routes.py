"""Which functions answer requests, as their decorators say."""

from __future__ import annotations

from slowpath.declarations import FunctionDeclaration
from slowpath.expression import Argument, Call, Constant


def has_route(function: FunctionDeclaration) -> bool:
    """Whether the function is decorated with a path: `@router.get("/orders")`."""
    for decorator in function.decorators:
        match decorator:
            case Call(arguments=arguments):
                if any(_is_path(argument) for argument in arguments):
                    return True
    return False


def _is_path(argument: Argument) -> bool:
    value = argument.value
    return argument.keyword is None and isinstance(value, Constant) and str(value.value).startswith("/")
