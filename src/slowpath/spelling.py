"""Neutral code as short text, for messages."""

from __future__ import annotations

from slowpath import expression as e


def spelled(node: e.Expression | None, limit: int = 48) -> str:
    """The expression as a reader would recognise it; arguments and insides are shortened to `…`."""
    text = _spelled(node)
    if len(text) <= limit:
        return text
    head, _, tail = text.rpartition(".")
    return f"….{tail}" if head and len(tail) < limit else text[: limit - 1] + "…"


def _spelled(node: e.Expression | None) -> str:
    match node:
        case e.Name(id=name):
            return name
        case e.Attribute(value=value, attr=attr):
            return f"{_spelled(value)}.{attr}"
        case e.Call(func=func, arguments=()):
            return f"{_spelled(func)}()"
        case e.Call(func=func, arguments=arguments):
            simple = [
                _spelled(a.value) for a in arguments if isinstance(a.value, e.Name) and not a.keyword and not a.star
            ]
            inside = ", ".join(simple) if len(simple) == len(arguments) else "…"
            return f"{_spelled(func)}({inside})"
        case e.Subscript(value=value, index=index):
            inside = repr(index.value) if isinstance(index, e.Constant) else "…"
            return f"{_spelled(value)}[{inside}]"
        case e.Constant(value=value, kind=""):
            return repr(value)
        case e.Await(value=value):
            return _spelled(value)
        case e.Starred(value=value):
            return f"*{_spelled(value)}"
        case e.Listing(elements=elements):
            return ", ".join(_spelled(element) for element in elements)
        case e.Walrus(target=target):
            return _spelled(target)
    return "…"
