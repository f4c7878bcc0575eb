"""Which functions answer requests, as their decorators say."""

from __future__ import annotations

from slowpath.declarations import FunctionDeclaration
from slowpath.expression import Call, Constant


def has_route(function: FunctionDeclaration) -> bool:
    """Whether the function is decorated with a path: `@router.get("/orders")`."""
    for decorator in function.decorators:
        match decorator:
            case Call(arguments=(first, *_)):
                if isinstance(first.value, Constant) and str(first.value.value).startswith("/"):
                    return True
    return False
