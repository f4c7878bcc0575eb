"""The SQL that a function puts together, wherever it goes then: followed through variables, branches and loops."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice, product
from typing import TYPE_CHECKING

from msgspec import Struct

from slowpath import expression as e
from slowpath.references import ClassRef, FunctionRef
from slowpath.semantics import statement as s
from slowpath.semantics import texts
from slowpath.semantics.shapes import blocks_of, leaves_function
from slowpath.semantics.values import UNKNOWN, ClassValue, Constant, Hole, ModuleValue, Template, Value
from slowpath.sql import hole, looks_like_sql

if TYPE_CHECKING:
    from slowpath.semantics.program import Program

# Of a text with more variants than this, some are read.
_VARIANTS = 6
_LONGEST = 50_000
_KEEPING = {"strip", "lstrip", "rstrip"}
_UNWRITTEN = -1

NameOf = Callable[[e.Expression], Value]


class Written(Struct, frozen=True):
    """SQL text, with a hole (`sql.hole`) for what is not known; `at` is the node where it begins."""

    text: str
    at: int


class _Said(Struct, frozen=True):
    """What an expression says, and where that is written down; `_UNWRITTEN` if it is nowhere in the function."""

    value: Value
    at: int


_Variants = tuple[_Said, ...]


def sql_in(program: Program, ref: FunctionRef) -> tuple[Written, ...]:
    """The SQL in a function's body."""
    if not (program.project.function_of(ref).sketch.sql or ref.module in program.prospects.saying_sql):
        return ()
    body = program.body(ref)
    if body is None:
        return ()
    reading = _Reading(_Around(program, ref).value_of)
    reading.block(body.statements)
    reading.finish()
    return tuple(reading.found)


class _Around:
    """What names stand for that a function does not bind itself."""

    def __init__(self, program: Program, ref: FunctionRef) -> None:
        self._program = program
        self._module = ref.module
        owner = program.project.function_of(ref).owner
        self._owner = program.project.declared(ref.module, owner) if owner else None

    def value_of(self, node: e.Expression) -> Value:
        """The value of a name, or of an attribute of a class or a module."""
        match node:
            case e.Name(id="self" | "cls") if isinstance(self._owner, ClassRef):
                return ClassValue(self._owner)
            case e.Name(id=name):
                return self._program.global_value(self._module, name)
            case e.Attribute(value=inner, attr=attr):
                match self.value_of(inner):
                    case ClassValue(ref=ref):
                        return self._program.class_attribute(ref, attr) or UNKNOWN
                    case ModuleValue(module=module):
                        return self._program.member(module, attr)
        return UNKNOWN


class _Reading:
    """What the variables hold at a place of the function, and the SQL that has been met."""

    def __init__(self, value_of: NameOf) -> None:
        self.found: dict[Written, None] = {}
        self._value_of = value_of
        self._variables: dict[str, _Variants] = {}
        self._used: set[str] = set()

    def finish(self) -> None:
        """What nothing here has used is used by a function inside this one."""
        for name, variants in self._variables.items():
            if name not in self._used:
                self._meet(variants)

    def block(self, statements: s.Block) -> None:
        """Read the statements in order."""
        for statement in statements:
            self._statement(statement)

    def _statement(self, statement: s.AnyStatement) -> None:
        match statement:
            case s.Assign(targets=(e.Name(id=name),), value=value) if value is not None:
                self._bind(name, value)
            case s.Augment(target=e.Name(id=name), operator="+", value=value):
                more = self._parts(value)
                self._variables[name] = _added(self._variables.get(name, ()), more)
            case s.For(target=target, iterable=iterable):
                self._use(iterable)
                self._each(target, iterable)
                self._branches(statement)
            case s.Evaluate(value=e.Constant()):
                pass
            case _:
                for expression in _expressions(statement):
                    self._use(expression)
                self._branches(statement)

    def _branches(self, statement: s.AnyStatement) -> None:
        """Each block may run or not: what the variables hold after one of them, or had before."""
        match statement:
            case s.With(body=body):
                self.block(body)
                return
            case s.Try(body=body, handlers=handlers, orelse=orelse, final=final):
                self.block(body)
                self.block(orelse)
                after = self._variables
                for handler in handlers:
                    self._variables = dict(after)
                    self.block(handler.body)
                self._variables = after
                self.block(final)
                return
        before, ends = self._variables, []
        for block in blocks_of(statement):
            self._variables = dict(before)
            self.block(block)
            if not leaves_function(block):
                ends.append(self._variables)
        names = dict.fromkeys(name for end in ends for name in end)
        if ends:
            before = {name: _distinct(said for end in ends for said in end.get(name, ())) for name in names}
        self._variables = before

    def _bind(self, name: str, value: e.Expression) -> None:
        variants = self._said(value)
        if not variants:
            self._use(value)
        self._variables[name] = variants
        self._used.discard(name)

    def _each(self, target: e.Expression, iterable: e.Expression) -> None:
        """Bind what a loop over a list written out gives."""
        match target, iterable:
            case e.Name(id=name), e.Listing(elements=elements):
                self._variables[name] = _distinct(each for element in elements for each in self._said(element))
            case e.Listing(elements=names), e.Listing(elements=rows):
                for at, each in enumerate(names):
                    if isinstance(each, e.Name):
                        cells = [
                            row.elements[at] for row in rows if isinstance(row, e.Listing) and len(row.elements) > at
                        ]
                        self._variables[each.id] = _distinct(said for cell in cells for said in self._said(cell))
            case e.Name(id=name), _:
                self._variables.pop(name, None)

    def _use(self, node: object) -> None:
        """Meet the longest texts in the code."""
        if isinstance(node, e.Node):
            variants = self._said(node)  # type: ignore[arg-type]
            if variants:
                self._meet(variants, node.at)
                return
        if isinstance(node, Struct):
            for field in node.__struct_fields__:
                self._use(getattr(node, field))
        elif isinstance(node, tuple):
            for part in node:
                self._use(part)

    def _meet(self, variants: _Variants, used: int = 0) -> None:
        for said in variants:
            text = _text(said.value)
            if len(text) <= _LONGEST and looks_like_sql(text):
                self.found[Written(text, said.at if said.at != _UNWRITTEN else used)] = None

    def _parts(self, node: e.Expression) -> _Variants:
        """What the expression says as a part of a text: a hole if that is not known."""
        return self._said(node) or (_Said(Hole(), _UNWRITTEN),)

    def _said(self, node: e.Expression) -> _Variants:
        """The texts that the expression may be; none when it is something else or not known."""
        match node:
            case e.Constant(value=str()):
                return (_Said(Constant(node.value), node.at),)
            case e.Template(parts=parts):
                return _combined(node.at, [self._parts(part) for part in parts], texts.template)
            case e.Binary(operator="+", left=left, right=right):
                one, other = self._said(left), self._said(right)
                return _added(one or self._parts(left), other or self._parts(right)) if one or other else ()
            case e.Binary(operator="%", left=left, right=right):
                return self._percent(left, right)
            case e.Call(func=e.Attribute(value=value, attr="format"), arguments=arguments):
                return self._braces(value, arguments)
            case e.Call(func=e.Attribute(value=value, attr=word)) if word in _KEEPING:
                return self._said(value)
            case e.Call(func=func, arguments=(e.Argument(value=value),)) if e.dotted(func).endswith("dedent"):
                return self._said(value)
            case e.Conditional(body=body, orelse=orelse):
                return _distinct((*self._said(body), *self._said(orelse)))
            case e.Name(id=name) if name in self._variables:
                self._used.add(name)
                return self._variables[name]
            case e.Name() | e.Attribute():
                around = self._value_of(node)
                is_text = isinstance(around, Template) or (
                    isinstance(around, Constant) and isinstance(around.value, str)
                )
                return (_Said(around, _UNWRITTEN),) if is_text else ()
        return ()

    def _percent(self, left: e.Expression, right: e.Expression) -> _Variants:
        values = right.elements if isinstance(right, e.Listing) else (right,)
        named = dict(self._named(right)) if isinstance(right, e.Mapping) else None
        return _filled(
            self._said(left),
            [self._parts(value) for value in values],
            lambda text, given: texts.percent(text, given, named),
        )

    def _named(self, mapping: e.Mapping) -> Iterator[tuple[str, Value]]:
        for key, value in zip(mapping.keys, mapping.values, strict=True):
            if isinstance(key, e.Constant) and isinstance(key.value, str):
                yield key.value, self._parts(value)[0].value

    def _braces(self, value: e.Expression, arguments: tuple[e.Argument, ...]) -> _Variants:
        plain = [self._parts(passed.value) for passed in arguments if not passed.keyword and not passed.star]
        named = {passed.keyword: self._parts(passed.value)[0].value for passed in arguments if passed.keyword}
        return _filled(self._said(value), plain, lambda text, given: texts.braces(text, given, named))


def _expressions(statement: s.AnyStatement) -> Iterator[object]:
    """What is written in the statement itself, blocks inside it apart."""
    inner = list(blocks_of(statement))
    for field in statement.__struct_fields__:
        value = getattr(statement, field)
        if field not in ("handlers", "cases") and not any(value is block for block in inner):
            yield value


def _added(left: _Variants, right: _Variants) -> _Variants:
    return _distinct(
        _Said(texts.template((one.value, other.value)), one.at if one.at != _UNWRITTEN else other.at)
        for one in left
        for other in right
    )


def _filled(
    variants: _Variants, parts: list[_Variants], fill: Callable[[Constant | Template, list[Value]], Value]
) -> _Variants:
    return _distinct(
        _Said(fill(said.value, [each.value for each in given]), said.at)
        for said in variants
        if isinstance(said.value, Constant | Template)
        for given in product(*parts)
    )


def _combined(at: int, parts: list[_Variants], put: Callable[[Iterable[Value]], Value]) -> _Variants:
    return _distinct(_Said(put([each.value for each in given]), at) for given in product(*parts))


def _distinct(variants: Iterable[_Said]) -> _Variants:
    return tuple(dict.fromkeys(islice(variants, _VARIANTS)))


def _text(value: Value) -> str:
    """The text with a hole for every part of it that is not known."""
    parts = value.parts if isinstance(value, Template) else (value,)
    return "".join(str(part.value) if isinstance(part, Constant) else hole() for part in parts)
