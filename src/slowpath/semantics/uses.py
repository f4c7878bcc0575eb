"""Which variables a piece of code mentions, assigns, tests and counts."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from slowpath import expression as e
from slowpath.semantics import statement as s
from slowpath.semantics.shapes import statements_of


def nodes_in(node: object) -> Iterator[Struct]:
    """Every statement, expression and part of one in neutral code, in no particular order."""
    pending = [node]
    while pending:
        part = pending.pop()
        kind = part.__class__
        if kind is tuple:
            pending += part  # type: ignore[arg-type]
            continue
        fields = _FIELDS.get(kind)
        if fields is None:
            fields = _FIELDS[kind] = _fields_of(kind)
        if isinstance(part, Struct):
            yield part
            for field in fields:
                pending.append(getattr(part, field))


# The fields of each kind of node; those with these names hold texts and numbers, which have nothing below them.
_FIELDS: dict[type, tuple[str, ...]] = {}
_FLAT = frozenset(("at", "attr", "id", "is_async", "keyword", "kind", "name", "operator", "operators", "star"))


def _fields_of(kind: type) -> tuple[str, ...]:
    return tuple([field for field in kind.__struct_fields__ if field not in _FLAT]) if issubclass(kind, Struct) else ()


def names_of(node: object) -> frozenset[str]:
    """Every variable mentioned in neutral code, whatever its shape."""
    return frozenset([part.id for part in nodes_in(node) if isinstance(part, e.Name)])


def equated_in(node: object) -> frozenset[str]:
    """Every attribute that neutral code compares for equality, with `==` or with `in_`."""
    found: set[str] = set()
    for part in nodes_in(node):
        match part:
            case e.Compare(left=e.Attribute(attr=attr), operators=("==",)):
                found.add(attr)
            case e.Compare(operators=("==",), operands=(e.Attribute(attr=attr),)):
                found.add(attr)
            case e.Call(func=e.Attribute(value=e.Attribute(attr=attr), attr="in_")):
                found.add(attr)
            case e.Argument(keyword=str(attr)):
                found.add(attr)
    return frozenset(found)


def compared_with_lists(node: object) -> Iterator[e.Expression]:
    """Everything that neutral code passes to `in_`."""
    match node:
        case e.Call(func=e.Attribute(attr="in_"), arguments=(listed, *_)):
            yield listed.value
        case tuple():
            for part in node:
                yield from compared_with_lists(part)
        case e.Call(arguments=arguments):
            yield from compared_with_lists(arguments)
        case e.Argument(value=value):
            yield from compared_with_lists(value)
        case e.Binary(left=left, right=right):
            yield from compared_with_lists((left, right))


def assigned_in(block: s.Block) -> frozenset[str]:
    """The variables that the statements assign."""
    found: set[str] = set()
    for statement in statements_of(block):
        match statement:
            case s.Assign(targets=targets):
                found |= names_of(targets)
            case s.Augment(target=target) | s.For(target=target):
                found |= names_of(target)
            case s.With(items=items):
                found |= names_of(tuple(item.target for item in items))
    return frozenset(found)


def flags_of(block: s.Block, candidates: frozenset[str]) -> tuple[str, ...]:
    """The variables among these that are tested more than once and never assigned: ways through the function hang
    together by them."""
    tests: dict[str, int] = {}
    passed: list[e.Expression] = []
    for node in nodes_in(block):
        if isinstance(node, e.Argument):
            passed.append(node.value)
        elif isinstance(node, s.If | e.Conditional):
            name = flag_of(node.test)
            if name.partition(".")[0] in candidates:
                tests[name] = tests.get(name, 0) + 1
    if not tests:
        return ()
    names = [e.dotted(value) for value in passed]
    assigned = assigned_in(block)
    return tuple(
        sorted(
            name
            for name, count in tests.items()
            if count + names.count(name) > 1 and name.partition(".")[0] not in assigned
        )
    )


def flag_of(test: e.Expression) -> str:
    """The name that `if flag`, `if not flag` or `if settings.flag` tests, empty for other tests."""
    match test:
        case e.Unary(operator="not", operand=operand):
            return e.dotted(operand)
    return e.dotted(test)


def needs_rows(block: s.Block, name: str, *, returned: bool = True) -> bool:
    """Whether the variable is used for more than a count or a test: gone through, passed on, returned (unless that is
    not to count), indexed, refined."""
    uses = sum(1 for found in _loads(block) if found == name)
    if not returned:
        uses -= sum(1 for part in statements_of(block) if isinstance(part, s.Return) and _names(part.value, name))
    return uses > sum(1 for found in _counts_of(block) if found == name)


def _names(node: object, name: str) -> bool:
    return isinstance(node, e.Name) and node.id == name


def _loads(node: object) -> Iterator[str]:
    """Every reading of a variable."""
    match node:
        case e.Name(id=name):
            yield name
        case s.Assign(targets=targets, value=value):
            yield from _loads(value)
            yield from (found for target in targets if not isinstance(target, e.Name) for found in _loads(target))
        case tuple():
            for part in node:
                yield from _loads(part)
        case Struct():
            for field in node.__struct_fields__:
                yield from _loads(getattr(node, field))


def _counts_of(node: object) -> Iterator[str]:
    """Every reading of a variable that only asks how many rows there are, or whether there are any."""
    match node:
        case e.Call(func=e.Name(id="len" | "bool"), arguments=(e.Argument(value=e.Name(id=name)),)):
            yield name
        case e.Call(func=e.Attribute(value=e.Name(id=name), attr="count" | "exists"), arguments=()):
            yield name
        case s.If(test=test) | e.Conditional(test=test) | s.While(test=test) | s.Assert(test=test):
            yield from _tested(test)
            for field in node.__struct_fields__:
                if field != "test":
                    yield from _counts_of(getattr(node, field))
        case tuple():
            for part in node:
                yield from _counts_of(part)
        case Struct():
            for field in node.__struct_fields__:
                yield from _counts_of(getattr(node, field))


def _tested(test: e.Expression) -> Iterator[str]:
    match test:
        case e.Name(id=name) | e.Unary(operator="not", operand=e.Name(id=name)):
            yield name
        case e.Boolean(left=left, right=right):
            yield from _tested(left)
            yield from _tested(right)
        case _:
            yield from _counts_of(test)


def is_emptiness(node: e.Compare) -> bool:
    """Whether a number is compared only to learn whether it is 0: `> 0`, `>= 1`, `== 0`, `!= 0`, `< 1`."""
    match node.operators, node.operands:
        case (((">",) | ("==",) | ("!=",)), (e.Constant(value=0),)):
            return True
        case (((">=",) | ("<",)), (e.Constant(value=1),)):
            return True
    return False


def is_handed_on(block: s.Block, name: str) -> bool:
    """Whether the variable is only mentioned in what awaited calls are given: `await to_thread(file.write, data)`."""
    mentions = [part.at for part in nodes_in(block) if isinstance(part, e.Name) and part.id == name]
    given = {
        part.at
        for node in nodes_in(block)
        if isinstance(node, e.Await) and isinstance(node.value, e.Call)
        for part in nodes_in(node.value.arguments)
        if isinstance(part, e.Name)
    }
    return bool(mentions) and given.issuperset(mentions)
