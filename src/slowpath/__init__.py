"""slowpath finds the code that will be slow in production, before it is merged."""

from __future__ import annotations

__version__ = "0.1.0"
