"""What a file declares, without the bodies of functions: `fingerprint` does not change when only their insides do."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Iterable, Iterator

from msgspec import Struct

from slowpath.annotations import annotation_of
from slowpath.expression import (
    Attribute,
    Binary,
    Call,
    Constant,
    Expression,
    ImportedName,
    Listing,
    Name,
    Parameter,
    within,
)
from slowpath.reading import Lines, bindings_of, expression_of, operator_of, parameters_of, parsed
from slowpath.sketching import Definition, Function, Mentions, Sketch, begins_a_statement, word_of
from slowpath.source import Source, digest_of


class FunctionDeclaration(Struct, frozen=True, array_like=True, gc=False):
    """A function or method, nested ones included.

    `qualname` is Python's without `<locals>` (`Order.total`, `outer.inner`). `line` and `end_line` (from 1, inclusive)
    span from `def`/`async def`, decorators excluded, to the last line of the body. `digest` is of these lines.
    """

    qualname: str
    name: str
    line: int
    end_line: int
    column: int
    is_async: bool
    parameters: tuple[Parameter, ...]
    returns: Expression | None
    decorators: tuple[Expression, ...]
    owner: str
    nested_in: str
    sketch: Sketch
    digest: str
    returned: Expression | None = None


class Assignment(Struct, frozen=True, array_like=True, gc=False):
    """`name = value` at module level or in a class body; `annotation` for `name: annotation = value`.

    `name += value` is written `name = name + value`; `a, b = pair` gives `a` the value `pair[0]`. The value is `None`
    when there is none (`name: int`) or it cannot be said (`first, *rest = pair`).
    """

    name: str
    value: Expression | None
    annotation: Expression | None
    line: int


class ClassDeclaration(Struct, frozen=True, array_like=True, gc=False):
    """A class: its bases and keywords as written, and the assignments of its body in order."""

    qualname: str
    name: str
    line: int
    bases: tuple[Expression, ...]
    keywords: tuple[tuple[str, Expression], ...]
    decorators: tuple[Expression, ...]
    assignments: tuple[Assignment, ...]
    owner: str


class Declarations(Struct, frozen=True, array_like=True):
    """Everything a file declares. `problem` is `(line, column, reason)` when it could not be parsed; `silences` says
    that there may be comments that silence findings, `says_sql` that a text outside of functions begins like SQL."""

    path: str
    digest: str
    fingerprint: str
    imports: tuple[ImportedName, ...]
    classes: tuple[ClassDeclaration, ...]
    functions: tuple[FunctionDeclaration, ...]
    assignments: tuple[Assignment, ...]
    calls: tuple[Call, ...]
    exports: tuple[str, ...] | None
    problem: tuple[int, int, str] | None = None
    silences: bool = False
    says_sql: bool = False


def declare(source: Source, parse: Callable[[str], ast.Module] = parsed) -> Declarations:
    """What the file declares; nothing but a `problem` when it cannot be parsed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _declarations(source, parse(source.text.removeprefix("\ufeff")))
    except SyntaxError as error:
        return _unparsed(source, max(error.lineno or 1, 1), max(error.offset or 1, 1), error.msg)
    except (RecursionError, MemoryError):
        return _unparsed(source, 1, 1, "nested too deeply")
    except ValueError as error:
        return _unparsed(source, 1, 1, str(error))


def _unparsed(source: Source, line: int, column: int, reason: str) -> Declarations:
    fingerprint = digest_of(f"{source.path}\n{reason}")
    return Declarations(source.path, source.digest, fingerprint, (), (), (), (), (), None, (line, column, reason))


def _declarations(source: Source, tree: ast.Module) -> Declarations:
    lines = source.lines()
    reader = _Reader(Lines(lines, source.text.isascii()))
    module = _Scope("", "", "", [], None)
    reader.block(tree.body, module)
    return Declarations(
        source.path,
        source.digest,
        digest_of("\n".join([source.path, *reader.shape])),
        tuple(reader.imports),
        tuple(sorted(reader.classes, key=lambda found: found.line)),
        tuple(sorted(reader.functions, key=lambda found: (found.line, found.column))),
        tuple(module.assignments),
        tuple(reader.calls),
        _exports(module.assignments, reader.calls),
        says_sql=_says_sql([*module.assignments, *(each for found in reader.classes for each in found.assignments)]),
    )


def _says_sql(assignments: Iterable[Assignment]) -> bool:
    parts = (part for assignment in assignments for part in within(assignment.value))
    return any(begins_a_statement(part.value) for part in parts if part.__class__ is Constant)


class _Scope(Struct, frozen=True):
    """Where a statement stands; `mentions` are those of the function around it, if there is one."""

    prefix: str
    owner: str
    nested_in: str
    assignments: list[Assignment]
    mentions: Mentions | None


class _Reader:
    """What has been declared so far; `shape` is the text that everything but bodies was read from."""

    def __init__(self, lines: Lines) -> None:
        self.lines = lines
        self.imports: list[ImportedName] = []
        self.classes: list[ClassDeclaration] = []
        self.functions: list[FunctionDeclaration] = []
        self.calls: list[Call] = []
        self.shape: list[str] = []

    def block(self, statements: Iterable[ast.stmt], scope: _Scope) -> None:
        """Read the statements of a module or of a class body."""
        for statement in statements:
            read = _STATEMENTS.get(statement.__class__)
            if read:
                read(self, statement, scope)

    def text(self, first: int, last: int) -> str:
        """The lines from the first to the last, both from 1."""
        return "\n".join(self.lines.lines[first - 1 : last])

    def keep(self, statement: ast.stmt) -> None:
        """Let the statement's text be part of the shape."""
        self.shape.append(self.text(statement.lineno, statement.end_lineno or statement.lineno))

    def keep_header(self, node: Definition, qualname: str, parts: Iterable[ast.AST | None]) -> None:
        """Let a definition's text without its body be part of the shape; `parts` are what stands in its parentheses."""
        first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
        last = max([node.lineno, *(getattr(part, "end_lineno", 0) for part in parts)])
        body = node.body[0]
        text = self.text(first, last)
        if body.lineno == last:
            line = self.lines.lines[last - 1]
            text = text[: len(text) - len(line) + self.lines.column(last, body.col_offset) - 1]
        self.shape += (qualname, text)

    def bind(self, node: ast.ClassDef) -> None:
        """Let the class take the place of what was imported under its name, unless that is what it extends."""
        named = {base.id for base in node.bases if isinstance(base, ast.Name)}
        self.imports = [each for each in self.imports if each.local != node.name or each.local in named]

    def mention(self, body: Iterable[ast.AST], scope: _Scope, mentions: Mentions) -> None:
        """Note what the body of a function mentions, and declare the functions and classes in it."""
        for definition in mentions.walk(body):
            mentions.walk(definition.decorator_list)
            if isinstance(definition, ast.ClassDef):
                _class(self, definition, scope)
                plain = [node for node in definition.body if isinstance(node, _PLAIN)]
                mentions.walk([*definition.bases, *definition.keywords, *plain])
            else:
                _function(self, definition, scope)
                defaults = [*definition.args.defaults, *definition.args.kw_defaults]
                mentions.walk([default for default in defaults if default])


def _function(reader: _Reader, node: Function, scope: _Scope) -> None:
    qualname = scope.prefix + node.name
    arguments = node.args
    reader.keep_header(node, qualname, [node.returns, *_last_parts(arguments)])
    mentions = Mentions()
    reader.mention(node.body, _Scope(f"{qualname}.", "", qualname, [], mentions), mentions)
    if scope.mentions:
        scope.mentions.merge(mentions)
    end = node.end_lineno or node.lineno
    lines = reader.lines
    reader.functions.append(
        FunctionDeclaration(
            qualname,
            node.name,
            node.lineno,
            end,
            lines.column(node.lineno, node.col_offset),
            isinstance(node, ast.AsyncFunctionDef),
            parameters_of(arguments, lines, annotation_of),
            annotation_of(node.returns, lines) if node.returns else None,
            tuple([expression_of(decorator, lines) for decorator in node.decorator_list]),
            scope.owner,
            scope.nested_in,
            mentions.sketch(),
            digest_of(reader.text(node.lineno, end)),
            _returned(reader, node),
        )
    )


def _returned(reader: _Reader, node: Function) -> Expression | None:
    """What a method returns that is called once, when its class is made, and so declares an attribute of it."""
    if not any(word_of(decorator) == "declared_attr" for decorator in node.decorator_list):
        return None
    last = node.body[-1]
    if not isinstance(last, ast.Return) or last.value is None:
        return None
    reader.keep(last)
    return expression_of(last.value, reader.lines)


def _last_parts(arguments: ast.arguments) -> Iterator[ast.AST | None]:
    """The last parameter of each kind and the last defaults: one of them ends last."""
    yield from (arguments.vararg, arguments.kwarg)
    yield from (*arguments.args[-1:], *arguments.posonlyargs[-1:], *arguments.kwonlyargs[-1:])
    yield from (*arguments.defaults[-1:], *arguments.kw_defaults[-1:])


def _class(reader: _Reader, node: ast.ClassDef, scope: _Scope) -> None:
    qualname = scope.prefix + node.name
    reader.keep_header(node, qualname, [*node.bases, *node.keywords])
    inner = _Scope(f"{qualname}.", qualname, scope.nested_in, [], scope.mentions)
    reader.block(node.body, inner)
    lines = reader.lines
    if not scope.prefix and not node.col_offset:
        reader.bind(node)
    reader.classes.append(
        ClassDeclaration(
            qualname,
            node.name,
            node.lineno,
            tuple([expression_of(base, lines) for base in node.bases]),
            tuple([(keyword.arg or "**", expression_of(keyword.value, lines)) for keyword in node.keywords]),
            tuple([expression_of(decorator, lines) for decorator in node.decorator_list]),
            tuple(inner.assignments),
            scope.owner,
        )
    )


def _import(reader: _Reader, node: ast.Import, scope: _Scope) -> None:
    if not scope.prefix:
        reader.keep(node)
        for alias in node.names:
            top = alias.name.partition(".")[0]
            reader.imports.append(ImportedName(alias.asname or top, alias.name if alias.asname else top, "", 0))


def _import_from(reader: _Reader, node: ast.ImportFrom, scope: _Scope) -> None:
    if not scope.prefix:
        reader.keep(node)
        for alias in node.names:
            reader.imports.append(
                ImportedName(alias.asname or alias.name, node.module or "", alias.name, node.level),
            )


def _assign(reader: _Reader, node: ast.Assign, scope: _Scope) -> None:
    reader.keep(node)
    value = expression_of(node.value, reader.lines)
    for target in node.targets:
        for name, bound in bindings_of(target, value):
            scope.assignments.append(Assignment(name, bound, None, node.lineno))


def _annotated(reader: _Reader, node: ast.AnnAssign, scope: _Scope) -> None:
    if isinstance(node.target, ast.Name):
        reader.keep(node)
        value = expression_of(node.value, reader.lines) if node.value else None
        annotation = annotation_of(node.annotation, reader.lines)
        scope.assignments.append(Assignment(node.target.id, value, annotation, node.lineno))


def _type_alias(reader: _Reader, node: ast.TypeAlias, scope: _Scope) -> None:
    reader.keep(node)
    scope.assignments.append(Assignment(node.name.id, annotation_of(node.value, reader.lines), None, node.lineno))


def _augmented(reader: _Reader, node: ast.AugAssign, scope: _Scope) -> None:
    if isinstance(node.target, ast.Name):
        reader.keep(node)
        name = expression_of(node.target, reader.lines)
        value = Binary(name.at, operator_of(node.op), name, expression_of(node.value, reader.lines))
        scope.assignments.append(Assignment(node.target.id, value, None, node.lineno))


def _expression(reader: _Reader, node: ast.Expr, scope: _Scope) -> None:
    if isinstance(node.value, ast.Call) and not scope.prefix:
        reader.keep(node)
        call = expression_of(node.value, reader.lines)
        if isinstance(call, Call):
            reader.calls.append(call)


def _compound(reader: _Reader, node: ast.stmt, scope: _Scope) -> None:
    # What is bound when something failed comes first: the last binding of a name is the one that counts.
    for part in ("handlers", "body", "orelse", "finalbody", "cases"):
        for child in getattr(node, part, ()):
            if isinstance(child, ast.stmt):
                reader.block((child,), scope)
            else:
                reader.block(child.body, scope)


def _exports(assignments: Iterable[Assignment], calls: Iterable[Call]) -> tuple[str, ...] | None:
    found: tuple[str, ...] | None = None
    for assignment in assignments:
        if assignment.name == "__all__" and assignment.value:
            found = _strings(assignment.value, found)
    for call in calls:
        # What cannot be read makes the list unknown: better too many names than too few.
        match call:
            case Call(func=Attribute(value=Name(id="__all__"), attr="extend"), arguments=(added,)):
                found = _strings(Binary(call.at, "+", Name(call.at, "__all__"), added.value), found)
            case Call(func=Attribute(value=Name(id="__all__"))):
                found = None
    return found


def _strings(value: Expression, before: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """The strings of a literal list, or of a sum of such lists; `before` is what `__all__` was."""
    match value:
        case Name(id="__all__"):
            return before
        case Listing(elements=elements):
            strings = [element.value for element in elements if isinstance(element, Constant)]
            names = tuple([string for string in strings if isinstance(string, str)])
            return names if len(names) == len(elements) else None
        case Binary(operator="+", left=left, right=right):
            first, second = _strings(left, before), _strings(right, before)
            return None if first is None or second is None else first + second
    return None


_PLAIN = (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Expr)
_STATEMENTS: dict[type[ast.stmt], Callable[..., None]] = {
    ast.FunctionDef: _function,
    ast.AsyncFunctionDef: _function,
    ast.ClassDef: _class,
    ast.Import: _import,
    ast.ImportFrom: _import_from,
    ast.Assign: _assign,
    ast.AnnAssign: _annotated,
    ast.AugAssign: _augmented,
    ast.Expr: _expression,
}
# `TryStar` came with 3.11.
for _kind in ("If", "For", "AsyncFor", "While", "With", "AsyncWith", "Try", "TryStar", "Match"):
    if hasattr(ast, _kind):
        _STATEMENTS[getattr(ast, _kind)] = _compound
if hasattr(ast, "TypeAlias"):
    _STATEMENTS[ast.TypeAlias] = _type_alias
