"""A bar that shows how far a long run is."""

from __future__ import annotations

import time
from typing import TextIO

_PATIENCE = 1.0
_PAUSE = 0.05
_BAR = 30


class Progress:
    """A progress bar on a terminal: nothing for the first seconds, and nothing is left of it at the end.

    Anything but a terminal is left alone.
    """

    def __init__(self, stream: TextIO, *, patience: float = _PATIENCE) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._next = time.monotonic() + patience
        self._shown = False

    def __call__(self, done: int, total: int) -> None:
        """Shows that so many of so many are done."""
        now = time.monotonic()
        if not self._is_terminal or now < self._next:
            return
        self._next = now + _PAUSE
        self._shown = True
        self._stream.write(f"\r\x1b[K{bar(done, total)}")
        self._stream.flush()

    def close(self) -> None:
        """Takes the bar away."""
        if self._shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._shown = False


def bar(done: int, total: int) -> str:
    """The bar and the numbers that it shows."""
    filled = _BAR * min(done, total) // max(total, 1)
    return f"slowpath [{'=' * filled}{' ' * (_BAR - filled)}] {done:,}/{total:,}"
