"""What a function acquires, what becomes of that, and what it does with what it is given."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from slowpath.references import FunctionRef
from slowpath.semantics.memory import Memo

How = Literal["made", "generator", "locked", "lent", "given"]
"""made: by a call that gives it. generator: by `next(dependency())`. locked: the receiver of `lock.acquire()`. lent:
somebody else gives it back, as a `with` or the framework that passes it for a parameter. given: a parameter."""

ExitKind = Literal["end", "return", "raise", "call", "yield", "unbound", "rebound", "again"]
"""How a resource gets lost: the function ends or returns, raises, what it calls or yields to raises; it never had a
name, its name was given to something else, it is acquired again in the next turn of a loop."""


Fate = Literal["borrows", "gives-back", "keeps"]
"""What becomes of an argument: it is only used, the callee gives it back, or the callee keeps it."""


class Resource(Struct, frozen=True):
    """Something that must be given back: acquired at the node `at` (a parameter has a negative number), of a library's
    type, by the code `label`, perhaps in the function `maker`. `through` is the function that a framework has passed it
    to before, and which has not given it back."""

    at: int
    type: str
    label: str
    how: How = "made"
    maker: FunctionRef | None = None
    through: FunctionRef | None = None


class Exit(Struct, frozen=True, order=True):
    """A way out on which a resource is not given back."""

    at: int
    kind: ExitKind


class Use(Struct, frozen=True, order=True):
    """A node that is reached while a resource is held. `passed` is the parameter that it is passed for there; `opens`
    when it is not held before, and what it is passed to may take it."""

    at: int
    resource: int
    passed: str = ""
    opens: bool = False


class Ownership(Struct, frozen=True):
    """What becomes of what a function acquires.

    `exits` are the ways out on which a resource is lost. `released` were given back on some way (`expected`: on one
    without an error, `rested`: by something that happens to do so), `escaped` have gone to somebody else, `handed` to
    the callers. `lodged` were given to new objects of the project's classes, `parked`, while they were
    held, to variables outside (the name, and where). `entered` were contexts of a `with`.
    `kept` are the attributes in which a method keeps them on its own object.
    `names` are the variables that held them. `fresh` is the type of what the function gives to its callers, who must
    give it back, `lent` of what it yields, `around` of the transaction in which it yields.
    `uses` are the nodes at which something is held, `left` what is still held when it ends without an error.
    """

    resources: tuple[Resource, ...] = ()
    exits: tuple[tuple[int, Exit], ...] = ()
    released: frozenset[int] = frozenset()
    expected: frozenset[int] = frozenset()
    rested: frozenset[int] = frozenset()
    escaped: frozenset[int] = frozenset()
    entered: frozenset[int] = frozenset()
    handed: frozenset[int] = frozenset()
    lodged: frozenset[int] = frozenset()
    parked: tuple[tuple[int, str, int], ...] = ()
    kept: tuple[tuple[int, str], ...] = ()
    names: tuple[tuple[int, str], ...] = ()
    fresh: str = ""
    lent: str = ""
    around: str = ""
    uses: tuple[Use, ...] = ()
    left: frozenset[int] = frozenset()


class Owned:
    """What has been found out so far: of functions, of what their parameters become, and of where these are held."""

    def __init__(self) -> None:
        self.ownerships: Memo[FunctionRef, Ownership] = Memo()
        self.fates: Memo[tuple[FunctionRef, str, str], Fate] = Memo()
        self.works: Memo[tuple[FunctionRef, str, str], bool] = Memo()
        self.passages: Memo[tuple[FunctionRef, str, str, bool], frozenset[Use]] = Memo()
