"""Questions that the shape of the code alone answers: which loops retry, which branches leave, which fill a memo."""

from __future__ import annotations

from collections.abc import Iterator

from slowpath import expression as e
from slowpath.semantics import statement as s
from slowpath.semantics.values import Bound

_PROBES = {"hasattr", "getattr", "_prefetched_objects_cache", "is_loaded", "unloaded", "fields_cache", "is_cached"}


def blocks_of(statement: s.AnyStatement) -> Iterator[s.Block]:
    """The blocks directly inside a statement."""
    match statement:
        case s.If(body=body, orelse=orelse) | s.For(body=body, orelse=orelse) | s.While(body=body, orelse=orelse):
            yield body
            yield orelse
        case s.With(body=body):
            yield body
        case s.Try(body=body, handlers=handlers, orelse=orelse, final=final):
            yield body
            for handler in handlers:
                yield handler.body
            yield orelse
            yield final
        case s.Match(cases=cases):
            for case in cases:
                yield case.body


def statements_of(block: s.Block, *, into_loops: bool = True) -> Iterator[s.AnyStatement]:
    """All statements of a block, nested ones included."""
    for statement in block:
        yield statement
        if into_loops or not isinstance(statement, s.For | s.While):
            for inner in blocks_of(statement):
                yield from statements_of(inner, into_loops=into_loops)


def _last(block: s.Block) -> s.AnyStatement | None:
    return block[-1] if block else None


def leaves_function(block: s.Block) -> bool:
    """Whether the block always ends by returning or raising."""
    match _last(block):
        case s.Return() | s.Raise():
            return True
        case s.If(body=body, orelse=orelse):
            return leaves_function(body) and leaves_function(orelse)
        case s.Try(body=body, handlers=handlers, orelse=orelse):
            return (leaves_function(orelse or body)) and all(leaves_function(handler.body) for handler in handlers)
        case s.With(body=body):
            return leaves_function(body)
    return False


def leaves_loop(block: s.Block) -> bool:
    """Whether the block always ends by leaving the loop it stands in."""
    last = _last(block)
    if isinstance(last, s.Break):
        return True
    if isinstance(last, s.If):
        return bool(last.orelse) and _out(last.body) and _out(last.orelse)
    return False


def _out(block: s.Block) -> bool:
    return leaves_loop(block) or leaves_function(block)


def _retries(body: s.Block) -> bool:
    """Whether the loop tries something and leaves as soon as it worked."""
    for statement in body:
        if isinstance(statement, s.With):
            return _retries(statement.body)
        if not isinstance(statement, s.Try) or not statement.handlers:
            continue
        rest = body[body.index(statement) + 1 :]
        tried = statement.orelse or statement.body
        if _out(tried) or (_out(rest) and any(_stays(handler.body) for handler in statement.handlers)):
            return True
        if any(
            _out(inner.body) for inner in statements_of(tried, into_loops=False) if isinstance(inner, s.If | s.With)
        ) and any(_sleeps(handler.body) or _stays(handler.body) for handler in statement.handlers):
            return True
    return False


def _stays(block: s.Block) -> bool:
    return not _out(block)


def _sleeps(block: s.Block) -> bool:
    for statement in statements_of(block):
        if isinstance(statement, s.Evaluate):
            value = statement.value.value if isinstance(statement.value, e.Await) else statement.value
            if isinstance(value, e.Call) and e.dotted(value.func).endswith("sleep"):
                return True
    return False


def bound_of(statement: s.For, bound: Bound) -> Bound:
    """The bound of a `for`, when what it goes through has the given one."""
    if bound in {"growing", "counted", "named"} and _counts(statement.iterable) and _retries(statement.body):
        return "retry"
    if _out(statement.body) or _takes_what_works(statement.body):
        # One turn, or as many as it takes to find what was looked for.
        return "unclear" if _continues(statement.body) or not _out(statement.body) else "once"
    return bound


def _takes_what_works(body: s.Block) -> bool:
    """Whether the loop is left as soon as something did not fail."""
    last = _last(body)
    if not isinstance(last, s.Try) or not all(_stays(handler.body) for handler in last.handlers):
        return False
    tried = last.orelse or last.body
    while isinstance(inner := _last(tried), s.With):
        tried = inner.body
    return bool(last.handlers) and _out(tried)


def _continues(body: s.Block) -> bool:
    return any(isinstance(inner, s.Continue) for inner in statements_of(body, into_loops=False))


def _counts(iterable: e.Expression) -> bool:
    return isinstance(iterable, e.Call) and e.dotted(iterable.func).rpartition(".")[2] in {"range", "count"}


def bound_of_while(statement: s.While) -> Bound:
    """A `while` that takes from a list until it is empty grows; one that retries does not; of others nothing is
    sure."""
    if _retries(statement.body):
        return "retry"
    if _out(statement.body) and not _continues(statement.body):
        return "once"
    return "growing" if worklist_of(statement) else "unclear"


def worklist_of(statement: s.While) -> str:
    """The variable that the loop empties, as in `while stack: node = stack.pop()`; empty if there is none."""
    name = ""
    match statement.test:
        case e.Name(id=name) | e.Call(func=e.Name(id="len"), arguments=(e.Argument(value=e.Name(id=name)),)):
            pass
        case e.Compare(left=e.Call(func=e.Name(id="len"), arguments=(e.Argument(value=e.Name(id=name)),))):
            pass
    if not name:
        return ""
    for inner in statements_of(statement.body):
        for call in _calls(inner):
            if (
                isinstance(call.func, e.Attribute)
                and call.func.attr in {"pop", "popleft", "get_nowait"}
                and isinstance(call.func.value, e.Name)
                and call.func.value.id == name
            ):
                return name
    return ""


def _calls(statement: s.AnyStatement) -> Iterator[e.Call]:
    match statement:
        case s.Assign(value=e.Call() as call) | s.Evaluate(value=e.Call() as call):
            yield call


def fills_memo(statement: s.If) -> bool:
    """`if key not in memo: memo[key] = …`, and the like with `is None` or `get`: what stands inside runs once per
    key. So does what fills a blank of a row: `if self.order_id and not self.event_id: self.event = …`."""
    names = frozenset(_missing_from(statement.test)) - {""}
    if not names:
        return False
    for inner in statements_of(statement.body):
        targets: tuple[e.Expression, ...] = ()
        if isinstance(inner, s.Assign):
            targets = inner.targets
        for target in targets:
            filled = _container(target)
            if filled in names or (isinstance(target, e.Attribute) and f"{filled}_id" in names):
                return True
            if isinstance(target, e.Subscript) and _container(target.value) in names:
                return True
        if isinstance(inner, s.Evaluate) and isinstance(inner.value, e.Call):
            func = inner.value.func
            if isinstance(func, e.Attribute) and func.attr in {"add", "setdefault", "append", "update"}:
                if _container(func.value) in names:
                    return True
    return False


def remembers_state(statement: s.If, *, repeated: bool) -> bool:
    """`if seen != _seen: …; _seen = seen`: what stands inside runs when something has changed. In a loop, that may be
    on every turn, unless it is the object that remembers."""
    match statement.test:
        case e.Compare(left=left, operators=("!=" | "is not",), operands=(right,)):
            pairs = {(e.dotted(left), e.dotted(right)), (e.dotted(right), e.dotted(left))}
        case _:
            return False
    for inner in statements_of(statement.body):
        if not isinstance(inner, s.Assign) or inner.value is None:
            continue
        for target in inner.targets:
            for name, value in _unpacked(target, inner.value):
                if name and value and (name, value) in pairs and (not repeated or name.startswith("self.")):
                    return True
    return False


def _unpacked(target: e.Expression, value: e.Expression) -> Iterator[tuple[str, str]]:
    """The names that an assignment binds, and those that it binds them to."""
    if isinstance(target, e.Listing) and isinstance(value, e.Listing):
        for one, other in zip(target.elements, value.elements, strict=False):
            yield e.dotted(one), e.dotted(other)
    else:
        yield e.dotted(target), e.dotted(value)


def _missing_from(test: e.Expression) -> Iterator[str]:
    match test:
        case e.Compare(left=e.Constant(), operators=("not in",), operands=(e.Subscript(),)):
            # A default for something else on each turn.
            return
        case e.Compare(operators=("not in",), operands=(operand,)):
            yield _container(operand)
        case e.Unary(operator="not", operand=e.Compare(operators=("in",), operands=(operand,))):
            yield _container(operand)
        case e.Compare(left=left, operators=("is",), operands=(e.Constant(value=None, kind=""),)):
            yield _container(left)
        case e.Compare(left=e.Attribute() as left, operators=("==",), operands=(e.Constant(value=0 | ""),)):
            yield _container(left)
        case e.Unary(operator="not", operand=e.Call(func=e.Name(id="len"), arguments=(sized,))):
            yield _container(sized.value)
        case e.Unary(operator="not", operand=operand):
            yield _container(operand)
        case e.Boolean(operator="or", left=left):
            yield from _missing_from(left)
        case e.Boolean(operator="and", left=left, right=right):
            # A plain variable is another one on each turn.
            for part in (left, right):
                yield from (name for name in _missing_from(part) if "." in name or "[" in name or _is_missing_key(part))


def _is_missing_key(test: e.Expression) -> bool:
    return isinstance(test, e.Compare) and test.operators == ("not in",)


def _container(node: e.Expression) -> str:
    """The variable, attribute or nested item that holds things; empty for anything else."""
    if isinstance(node, e.Subscript):
        holder = _container(node.value)
        return f"{holder}[]" if holder else ""
    return e.dotted(node)


def tests_for_loaded(test: e.Expression) -> bool:
    """Whether the test asks if something has been loaded or annotated already."""
    match test:
        case e.Call(func=func, arguments=arguments):
            if e.dotted(func).rpartition(".")[2] in _PROBES:
                return True
            return any(tests_for_loaded(argument.value) for argument in arguments)
        case e.Compare(left=left, operands=operands):
            return tests_for_loaded(left) or any(map(tests_for_loaded, operands))
        case e.Boolean(left=left, right=right):
            return tests_for_loaded(left) or tests_for_loaded(right)
        case e.Unary(operand=operand):
            return tests_for_loaded(operand)
        case e.Attribute(value=value, attr=attr):
            return attr in _PROBES or tests_for_loaded(value)
        case e.Walrus(value=value):
            return tests_for_loaded(value)
    return False


def tests_for_batch(test: e.Expression) -> bool:
    """Whether the test asks if a batch is full: `len(batch) >= SIZE`, `count % SIZE == 0`."""
    match test:
        case e.Compare(left=e.Call(func=e.Name(id="len")), operands=(e.Constant(value=0 | 1),)):
            # Whether there is anything at all.
            return False
        case e.Compare(left=e.Call(func=e.Name(id="len")), operators=(">=" | ">" | "==",)):
            return True
        case e.Compare(left=e.Binary(operator="%")) | e.Unary(operator="not", operand=e.Binary(operator="%")):
            return True
        case e.Boolean(left=left, right=right):
            return tests_for_batch(left) or tests_for_batch(right)
    return False


def reports_trouble(block: s.Block) -> bool:
    """Whether the statements log a warning or worse: what they do is for the exceptional item."""
    for statement in block:
        if isinstance(statement, s.Evaluate) and isinstance(statement.value, e.Call):
            func = statement.value.func
            if isinstance(func, e.Attribute) and func.attr in {"warning", "warn", "error", "exception", "critical"}:
                return True
    return False


def is_negative(test: e.Expression) -> bool:
    """Whether the test is true when the thing is not there."""
    match test:
        case e.Unary(operator="not"):
            return True
        case e.Compare(operators=("not in" | "is",)):
            return True
    return False


def yielded_names(block: s.Block) -> Iterator[str]:
    """The names of what the statements of a generator yield; empty for what has none."""
    for statement in statements_of(block):
        if isinstance(statement, s.Evaluate) and isinstance(statement.value, e.Yield):
            yield e.dotted(statement.value.value) if statement.value.value is not None else ""


def yields_chunks(block: s.Block) -> bool:
    """Whether a generator gives pieces of something: a slice, or a list it has filled and empties again."""
    for statement in statements_of(block):
        if isinstance(statement, s.Evaluate) and isinstance(statement.value, e.Yield):
            value = statement.value.value
            if isinstance(value, e.Listing) and value.kind == "tuple" and value.elements:
                # What is said of a piece goes with it.
                value = value.elements[0]
            if isinstance(value, e.Subscript) and isinstance(value.index, e.Slice):
                return True
            if isinstance(value, e.Name) and _is_batch(block, value.id):
                return True
    return False


def _is_batch(block: s.Block, name: str) -> bool:
    for statement in statements_of(block):
        if (
            isinstance(statement, s.While)
            and isinstance(statement.test, e.Walrus)
            and e.dotted(statement.test.target) == name
        ):
            return True
        if not isinstance(statement, s.Assign) or not any(e.dotted(target) == name for target in statement.targets):
            continue
        match statement.value:
            case e.Listing(elements=()) | e.Subscript(index=e.Slice()):
                return True
            case e.Call(func=e.Name(id="list" | "tuple" | "set"), arguments=arguments):
                if not arguments or any(_is_piece(argument.value) for argument in arguments):
                    return True
    return False


def _is_piece(node: e.Expression) -> bool:
    if isinstance(node, e.Subscript):
        return isinstance(node.index, e.Slice)
    return isinstance(node, e.Call) and e.dotted(node.func).endswith("islice")


def is_hand(node: e.Expression) -> bool:
    """`[iter(items)]`: repeated, it takes as many items at a time."""
    match node:
        case e.Listing(elements=(e.Call(func=e.Name(id="iter")),)):
            return True
    return False


def returned_when(block: s.Block, attribute: str, value: str) -> e.Expression | None:
    """What a method gives where an attribute of `self` has this value, if all that it does is to test that."""
    for statement in block:
        match statement:
            case s.Return(value=given):
                return given
            case s.If(test=test, body=body, orelse=orelse):
                met = _is_met(test, attribute, value)
                if met is None:
                    return None
                found = returned_when(body if met else orelse, attribute, value)
                if found is not None:
                    return found
            case s.Evaluate(value=e.Constant()):
                # Its documentation.
                continue
            case _:
                return None
    return None


def _is_met(test: e.Expression, attribute: str, value: str) -> bool | None:
    match test:
        case e.Compare(left=e.Attribute(value=e.Name(id="self"), attr=attr), operators=(operator,), operands=(other,)):
            values = other.elements if isinstance(other, e.Listing) else (other,)
            if attr != attribute or not all(isinstance(each, e.Constant) for each in values):
                return None
            named = any(isinstance(each, e.Constant) and each.value == value for each in values)
            return named if operator in {"==", "in"} else not named if operator in {"!=", "not in"} else None
    return None
