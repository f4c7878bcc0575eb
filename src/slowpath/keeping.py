"""The closed list of what a knowledge table may say of caches and of decorators that keep what a function gave."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

CacheVerb = Literal["read", "fill", "fetch", "use", "forget", "expire", "flush"]
"""What a call does to a cache's entries. read: gives what is kept under the key. fill: keeps a value under it. fetch:
gives what is kept, and fills it with the value (or what the value gives when called) if there is nothing. use: reads
and changes an entry that is more than a copy of something (a counter, a list, a lock); with a value, keeps it if there
is nothing. forget: removes the entry. expire: gives it a time to live. flush: removes all entries."""

KeyedRole = Literal["key", "keys", "*keys", "pattern", "value", "expiry", "-"]
"""What an argument of such a call is. key: one key. keys: several, or a dict by key. *keys: keys are all that is left.
pattern: keys with `*` for anything. value: what is kept. expiry: when it is dropped by itself. -: anything else."""

Lasts = Literal["default", "forever"]
Scope = Literal["process", "shared"]


class Keyed(Struct, frozen=True):
    """What a method does to a cache's entries, and what its parameters are: role and name, in order."""

    does: CacheVerb
    parameters: tuple[tuple[KeyedRole, str], ...] = ()


class CacheType(Struct, frozen=True):
    """A cache's client. Entries filled without an expiry `last` as long as the client's default says, or for ever.
    Calls on the types `also` reach the same entries. `fragment` is the key of what templates keep.
    One that `guards` lets one caller work out what there is not, while the others wait."""

    name: str
    methods: Mapping[str, Keyed]
    lasts: Lasts = "default"
    also: tuple[str, ...] = ()
    fragment: str = ""
    guards: bool = False


class Memoizer(Struct, frozen=True):
    """A decorator that keeps what a function gave, in the process or shared by all; `clear` are the methods of the
    decorated function that forget, `expiry` the arguments of the decorator that bound how long results are kept.

    What views answer is kept for everybody who asks for the same path: then `askers` is how code speaks of who asks,
    and `through` are the methods of a view's class that answers go through, besides the one that is decorated.
    """

    keeps: Scope
    clear: tuple[str, ...] = ()
    expiry: tuple[str, ...] = ()
    askers: tuple[str, ...] = ()
    through: tuple[str, ...] = ()
