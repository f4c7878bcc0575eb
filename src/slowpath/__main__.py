"""`python -m slowpath`."""

from __future__ import annotations

from slowpath.cli import entry

if __name__ == "__main__":
    entry()
