"""What a project's own decorators hand to the functions that they decorate: a session that nobody else passes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec import Struct

from slowpath import expression as e
from slowpath.declarations import FunctionDeclaration
from slowpath.references import FunctionRef
from slowpath.semantics import statement as s
from slowpath.semantics.arguments import Arguments, Given
from slowpath.semantics.uses import nodes_in
from slowpath.semantics.values import Constant, Unknown, Value

if TYPE_CHECKING:
    from slowpath.semantics.program import Program


class Handed(Struct, frozen=True):
    """The arguments that decorators add: by name, and by position among all others."""

    named: tuple[tuple[str, Value], ...] = ()
    ahead: tuple[tuple[int, Value], ...] = ()

    def value(self, name: str, position: int = -1) -> Value | None:
        """What is passed by this name, or at this position."""
        for known, value in self.named:
            if known == name:
                return value
        return dict(self.ahead).get(position)

    def among(self, arguments: Arguments) -> Arguments:
        """The arguments of a call as the decorated function gets them."""
        result = list(arguments)
        for position, value in self.ahead:
            result.insert(position, Given(value))
        return tuple(result)


NOTHING_HANDED = Handed()


def handed_to(program: Program, ref: FunctionRef) -> Handed:
    """What the decorators of the function pass to it besides what its callers pass."""
    named: dict[str, Value] = {}
    ahead: dict[int, Value] = {}
    for decorator in program.project.function_of(ref).decorators:
        name = e.dotted(decorator.func if isinstance(decorator, e.Call) else decorator)
        found = program.project.resolve(ref.module, name) if name else None
        if isinstance(found, FunctionRef):
            for wrapper, wrapped in _wrappers(program, found):
                _read(program, wrapper, wrapped, named, ahead)
    return Handed(tuple(sorted(named.items())), tuple(sorted(ahead.items()))) if named or ahead else NOTHING_HANDED


def _wrappers(program: Program, decorator: FunctionRef) -> Iterator[tuple[FunctionRef, frozenset[str]]]:
    """The functions in the decorator that take any arguments, and the names that the decorated one has there."""
    functions = program.project.modules[decorator.module].functions
    inside = [each for each in functions if f"{each.nested_in}.".startswith(f"{decorator.qualname}.")]
    outer = [program.project.function_of(decorator), *(each for each in inside if not _takes_any(each))]
    names = frozenset(parameter.name for each in outer for parameter in each.parameters)
    for each in inside:
        if _takes_any(each):
            yield FunctionRef(decorator.module, each.qualname), names


def _takes_any(function: FunctionDeclaration) -> bool:
    return any(parameter.kind == "**" for parameter in function.parameters)


def _read(
    program: Program, wrapper: FunctionRef, wrapped: frozenset[str], named: dict[str, Value], ahead: dict[int, Value]
) -> None:
    body = program.body(wrapper)
    if body is None:
        return
    own = {parameter.name for parameter in body.parameters}
    rest = next(parameter.name for parameter in body.parameters if parameter.kind == "**")
    sight = None
    for name, position, node in _added(body.statements, wrapped, own, rest):
        sight = sight or program.sight_of(wrapper)
        value = sight.value(node.at)
        if isinstance(value, Unknown | Constant):
            continue
        if name:
            named.setdefault(name, value)
        else:
            ahead.setdefault(position, value)


def _added(
    block: s.Block, wrapped: frozenset[str], own: set[str], rest: str
) -> Iterator[tuple[str, int, e.Expression]]:
    """What the wrapper adds: its name, or else its position, and how it is written."""
    for node in nodes_in(block):
        match node:
            case s.Assign(
                targets=(e.Subscript(value=e.Name(id=name), index=e.Constant(value=str(key))),), value=e.Node() as value
            ) if name == rest:
                yield key, 0, value
            case e.Call(func=e.Name(id=name), arguments=arguments) if name in wrapped:
                for position, argument in enumerate(arguments):
                    if argument.keyword:
                        yield argument.keyword, 0, argument.value
                    elif argument.star:
                        break
                    elif not (isinstance(argument.value, e.Name) and argument.value.id in own):
                        yield "", position, argument.value
