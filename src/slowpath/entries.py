"""What a knowledge table says of caches: which entries a call reads, fills and forgets, and which decorators keep what
a function gave.

`[cache."a.Client"]` holds, under `methods`, a short sentence for each method: a verb, then what its positional
arguments are, in order (`set = "fill key value expiry:timeout"`). After a colon stands the name by which an argument
may be passed, where it is not the same word. `*keys` are all arguments that are left. `lasts` is what becomes of an
entry that is filled with no expiry (`default`, `forever`), `also` names types whose calls reach the same entries (a
pipeline), `fragment` is the key under which `{% cache %}` in a template keeps what it shows, `guards = true` says that
one caller works out what there is not while the others wait. `[memo."a.decorator"]`
says where a decorator keeps its results (`process`, `shared`) and by which methods of the decorated function they are
forgotten; of one that keeps answers under the path of the request, how code speaks of who asks (`askers`), and the
methods that a class's answers go through (`through`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar, get_args

from slowpath.errors import nearest
from slowpath.keeping import CacheType, CacheVerb, Keyed, KeyedRole, Lasts, Memoizer, Scope

Known = TypeVar("Known", bound=str)

_VERBS: tuple[CacheVerb, ...] = get_args(CacheVerb)
_ROLES: tuple[KeyedRole, ...] = get_args(KeyedRole)
_LASTS: tuple[Lasts, ...] = get_args(Lasts)
_SCOPES: tuple[Scope, ...] = get_args(Scope)


def keyed(sentence: str) -> Keyed:
    """What a method does to a cache's entries; `ValueError` says what is wrong with the sentence."""
    verb, *words = sentence.split()
    parameters = []
    for word in words:
        role, _, keyword = word.partition(":")
        parameters.append((_one_of(role, _ROLES, "argument"), keyword or role.lstrip("*")))
    return Keyed(_one_of(verb, _VERBS, "verb"), tuple(parameters))


def cache_type(
    name: str, methods: Mapping[str, str], lasts: str, also: tuple[str, ...], fragment: str = ""
) -> CacheType:
    """What is known of a cache's client; `ValueError` says what is wrong."""
    return CacheType(
        name,
        {method: keyed(sentence) for method, sentence in methods.items()},
        _one_of(lasts, _LASTS, "way to last"),
        also,
        fragment,
    )


def memo(keeps: str, clear: tuple[str, ...], expiry: tuple[str, ...]) -> Memoizer:
    """What is known of a decorator that keeps results; `ValueError` says what is wrong."""
    return Memoizer(_one_of(keeps, _SCOPES, "place to keep"), clear, expiry)


def _one_of(word: str, known: tuple[Known, ...], what: str) -> Known:
    for each in known:
        if each == word:
            return each
    raise ValueError(f"no {what} `{word}`{nearest(word, known)}")
