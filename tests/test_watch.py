"""`slowpath watch`, as somebody watches it."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from pathlib import Path

SLOW = """\
from sqlalchemy import select

from models import Order


def is_empty(session):
    return len(session.scalars(select(Order)).all()) == 0
"""
MODELS = """\
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
"""


class Watched:
    """The lines of a running program, each waited for."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._lines: queue.Queue[str] = queue.Queue()
        self._process = process
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)

    def until(self, words: str) -> str:
        """The first line with these words."""
        while True:
            line = self._lines.get(timeout=60)
            if words in line:
                return line


def test_every_change_is_reported(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.slowpath]\njobs = 1\n", encoding="utf-8")
    (tmp_path / "models.py").write_text(MODELS, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "slowpath", "watch", "--pause=0.05"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
    )
    with process:
        try:
            watched = Watched(process)
            watched.until("No slow paths found (1 file")
            (tmp_path / "views.py").write_text(SLOW, encoding="utf-8")
            assert "SLO108" in watched.until("views.py:7")
            watched.until("Found 1 slow path in 1 file")
            (tmp_path / "pyproject.toml").write_text("[tool.slowpath]\nignroe = []\n", encoding="utf-8")
            watched.until("no such key; did you mean `ignore`?")
            (tmp_path / "pyproject.toml").write_text("[tool.slowpath]\nignore = ['SLO108']\n", encoding="utf-8")
            watched.until("No slow paths found (2 files")
        finally:
            process.kill()
