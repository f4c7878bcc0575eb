"""What the tables say of caches' clients holds for the real ones: there are such methods, with such parameters."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

from slowpath.keeping import CacheType, Keyed
from slowpath.knowledge import builtin

KNOWLEDGE = builtin()
CLIENTS = {cache.name: cache for cache in KNOWLEDGE.caches.values()}

# Real classes with more methods or other names than the one that the table is called after.
REAL = {
    "aiocache.Cache": "aiocache.base.BaseCache",
    "flask_caching.Cache": "flask_caching.backends.base.BaseCache",
    "memcache.Client": "",
}
# What a client has that comes with a plug-in, or is a synonym on some of its kinds only.
ELSEWHERE = {
    "django.core.cache.backends.base.BaseCache": {
        "delete_pattern", "keys", "iter_keys", "ttl", "pttl", "expire", "persist", "lock",
    },
    "flask_caching.Cache": {"unlink"},
}  # fmt: skip


def real(name: str) -> Any:
    """The class of this dotted name, if its library is installed."""
    module, _, cls = name.rpartition(".")
    pytest.importorskip(module.partition(".")[0])
    return getattr(import_module(module), cls)


def methods() -> Iterator[tuple[str, str, Keyed]]:
    for name, cache in sorted(CLIENTS.items()):
        for method, keyed in cache.methods.items():
            if REAL.get(name, name) and method not in ELSEWHERE.get(name, set()):
                yield name, method, keyed


@pytest.mark.parametrize(("name", "method", "keyed"), list(methods()), ids=lambda value: str(value)[-30:])
def test_a_method_takes_what_the_table_says(name: str, method: str, keyed: Keyed) -> None:
    parameters = list(inspect.signature(getattr(real(REAL.get(name, name)), method)).parameters.values())[1:]
    by_name = {parameter.name: position for position, parameter in enumerate(parameters)}
    variadic = [p.name for p in parameters if p.kind is inspect.Parameter.VAR_POSITIONAL]
    for position, (role, keyword) in enumerate(keyed.parameters):
        if role == "*keys":
            assert variadic
        elif role != "-" and keyword in by_name and not variadic:
            # What may be passed by name stands where the table puts it, or can be passed by name only.
            keyword_only = parameters[by_name[keyword]].kind is inspect.Parameter.KEYWORD_ONLY
            assert keyword_only or by_name[keyword] == position or role == "expiry"
        elif role != "-" and role != "expiry":
            assert position < len(parameters), f"{method} takes no {role}"


def test_pipelines_reach_the_entries_of_their_client() -> None:
    client: CacheType = KNOWLEDGE.caches["redis.client.Pipeline"]
    assert client.name == "redis.Redis"


def test_memos_are_decorators() -> None:
    for name in KNOWLEDGE.memos:
        module, _, attribute = name.rpartition(".")
        owner, _, cls = module.rpartition(".")
        pytest.importorskip(module.partition(".")[0])
        try:
            home = import_module(module)
        except ImportError:
            home = getattr(import_module(owner), cls)
        assert callable(getattr(home, attribute)), name
