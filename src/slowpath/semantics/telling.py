"""What a called function is told of its arguments, so that calls that make no difference to it look alike; and what it
says, in its caller's terms."""

from __future__ import annotations

from slowpath.references import FunctionRef
from slowpath.semantics import texts
from slowpath.semantics.dependence import map_varies, trimmed
from slowpath.semantics.frame import Frame
from slowpath.semantics.values import UNKNOWN, Constant, Operation, Template, Unknown, Value


def told_of(frame: Frame, ref: FunctionRef, name: str, value: Value, marker: frozenset[int]) -> Value:
    """The argument for this parameter as the function is told of it. A text that may become part of a key is a hole to
    it, which every caller fills."""
    result = general(frame.program.reads_text(ref), value, marker)
    if texts.is_text(value) and isinstance(result, Unknown) and may_make_keys(frame, ref):
        return texts.parameter(ref, name, marker)
    return result


def may_make_keys(frame: Frame, ref: FunctionRef) -> bool:
    """Whether what uses a cache calls the function, or is called."""
    prospects = frame.program.prospects
    return prospects.may_use_caches(ref) or prospects.may_use_caches(FunctionRef(frame.module, frame.function))


def general(reads_text: bool, value: Value, marker: frozenset[int]) -> Value:
    """The argument as a callee is told of it: what cannot make a difference there is left out, so that calls look
    alike."""
    match value:
        case Unknown(some=some):
            return Unknown(varies=marker, some=some) if value.varies or some else UNKNOWN
        case Constant(value=bool() | None):
            return value
        case Constant(value=str()) if reads_text:
            return value
        case Operation():
            return Unknown(varies=marker, some=True)
        case Constant() | Template() if not reads_text:
            return Unknown(varies=marker) if value.varies else UNKNOWN
    return trimmed(map_varies(value, lambda varies: marker if varies else varies))


def outside(found: frozenset[int], varies: tuple[frozenset[int], ...]) -> frozenset[int]:
    """What a callee's value varies with, in the caller's terms."""
    result: set[int] = set()
    for number in found:
        if number < 0 and -1 - number < len(varies):
            result |= varies[-1 - number]
    return frozenset(result)
