"""Work shared among processes: forked where that is safe, spawned elsewhere."""

from __future__ import annotations

import multiprocessing
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.context import BaseContext
from typing import TypeVar

import msgspec

Task = TypeVar("Task")
Made = TypeVar("Made")
Item = TypeVar("Item")

_PARTS_EACH = 8
_FEW = 100


def shared(
    work: Callable[[Task], Made], tasks: Sequence[Task], jobs: int, kind: type[Made], prepare: Callable[[], None]
) -> Iterator[Made]:
    """What the work makes of each task, in their order; `kind` is the type of that.

    With one job or one task it is done here. A spawned process calls `prepare` first; a forked one has what is here.
    """
    if jobs <= 1 or len(tasks) <= 1:
        yield from map(work, tasks)
        return
    context = _context()
    initializer = None if context.get_start_method() == "fork" else prepare
    with ProcessPoolExecutor(min(jobs, len(tasks)), mp_context=context, initializer=initializer) as pool:
        try:
            for future in [pool.submit(_encoded, work, task) for task in tasks]:
                yield msgspec.msgpack.decode(future.result(), type=kind)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _encoded(work: Callable[[Task], object], task: Task) -> bytes:
    # Four times faster than pickling it, and half as large.
    return msgspec.msgpack.encode(work(task))


def worth(jobs: int, items: int) -> int:
    """How many processes so many items keep busy: starting one takes as long as checking some."""
    return jobs if items >= _FEW else 1


def parts(items: Sequence[Item], jobs: int, size: Callable[[Item], int]) -> list[list[Item]]:
    """The items in order, in parts of about the same size: neighbours have most in common."""
    if jobs <= 1:
        return [[item] for item in items]
    limit = sum(map(size, items)) // (jobs * _PARTS_EACH) + 1
    result: list[list[Item]] = []
    room = 0
    for item in items:
        if room <= 0:
            result.append([])
            room = limit
        result[-1].append(item)
        room -= size(item)
    return result


def _context() -> BaseContext:
    # A fork has only the thread that forks, and whatever the others held stays locked; macOS is full of such threads.
    safe = sys.platform != "darwin" and threading.active_count() == 1
    forks = safe and "fork" in multiprocessing.get_all_start_methods()
    return multiprocessing.get_context("fork" if forks else "spawn")
