"""The thread on which projects are read for an editor. Nothing of the protocol is known here."""

from __future__ import annotations

import gc
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Protocol, Union

from msgspec import Struct

from slowpath.config import Settings, root_of, settings_of
from slowpath.errors import SlowpathError
from slowpath.lsp.preferences import Preferences
from slowpath.session import Said, Session

# Who types fast sends a key every 80 ms; what arrives together, such as a paste, is looked at once.
_DEBOUNCE = 0.015
_QUIET = 0.25
_SHOW_EVERY = 0.5
_MANY = 300
_CRASHES = 3


class Wrote(Struct, frozen=True):
    """An editor shows this text for a file; `path` is absolute."""

    path: Path
    text: str
    version: int


class Closed(Struct, frozen=True):
    """No editor shows the file any more."""

    path: Path


class Looked(Struct, frozen=True):
    """Something may have happened to files on disk; the settings may be others when `settings` says so."""

    settings: bool = False


class Opened(Struct, frozen=True):
    """The folders that the editor has open, and what it prefers."""

    folders: tuple[Path, ...]
    preferences: Preferences


class Stopped(Struct, frozen=True):
    """That is all."""


Job = Union[Wrote, Closed, Looked, Opened, Stopped]


class Audience(Protocol):
    """Who hears what the desk has to say. Called on the desk's thread."""

    def said(self, root: Path, path: str, version: int | None, said: Said) -> None:
        """This is to be said of a file; the version is that of the text which an editor shows."""

    def working(self, root: Path, done: int, total: int) -> None:
        """So much of the work on a project is done; all of it when both are the same."""

    def settled(self, root: Path) -> None:
        """There is nothing left to do."""

    def complain(self, message: str) -> None:
        """Something that the user should know."""


class _Project:
    """A project with the files of it that are open, by their path below its root."""

    def __init__(self, root: Path, settings: Settings, preferences: Preferences, audience: Audience) -> None:
        self.root = root
        self.settings = preferences.applied_to(settings)
        self.open: dict[str, Wrote] = {}
        self.due: dict[str, None] = {}
        self.said: set[str] = set()
        self.is_shown = False
        self.is_kept = False
        self.total = 0
        self.session = Session(root, self.settings, lambda done, total: audience.working(root, done, 2 * total))
        # What a project consists of stays; looking through it for garbage would take longer than most answers.
        gc.collect()
        gc.freeze()

    def write(self, path: str, wrote: Wrote) -> None:
        """An editor shows this."""
        self.open[path] = wrote
        self.due[path] = None
        self.is_shown = False
        self.session.edit(path, wrote.text)


class Desk(Thread):
    """Does its jobs in their order, says what came of them, and goes on with what is left to do when there is none."""

    def __init__(self, audience: Audience) -> None:
        super().__init__(name="slowpath", daemon=True)
        self._audience = audience
        self._jobs: SimpleQueue[Job] = SimpleQueue()
        self._folders: tuple[Path, ...] = ()
        self._preferences = Preferences()
        self._projects: dict[Path, _Project] = {}
        self._crashes = 0
        self._busy_until = 0.0
        self._shown_at = 0.0

    def put(self, job: Job) -> None:
        """Have this done; what is done at present and can wait makes room. For any thread."""
        self._jobs.put(job)
        for project in list(self._projects.values()):
            project.session.interrupt()

    def run(self) -> None:
        """Work until told to stop."""
        while True:
            jobs = list(self._gathered())
            for number, job in enumerate(jobs):
                if isinstance(job, Stopped):
                    self._keep()
                    return
                if not _is_stale(job, jobs[number + 1 :]):
                    self._guarded(self._do, job)
            self._guarded(self._answer)
            if self._jobs.empty() and time.monotonic() >= self._busy_until:
                self._guarded(self._go_on)

    def _gathered(self) -> Iterator[Job]:
        """The jobs that have arrived; none when there is something else to do."""
        pause = self._busy_until - time.monotonic()
        try:
            if not self._has_work():
                yield self._jobs.get()
            elif pause > 0:
                yield self._jobs.get(timeout=pause)
            else:
                yield self._jobs.get_nowait()
            while True:
                yield self._jobs.get(timeout=_DEBOUNCE)
        except Empty:
            return

    def _has_work(self) -> bool:
        return any(project.due or not project.is_shown for project in self._projects.values())

    def _guarded(self, work: Callable[..., object], *given: object) -> None:
        """A project on which slowpath fails is read anew; the server lives."""
        try:
            work(*given)
        except SlowpathError as error:
            self._audience.complain(str(error))
        except Exception as error:
            self._crashes += 1
            where = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{where.filename.rpartition('/')[2]}:{where.lineno}"
            self._audience.complain(f"slowpath failed: {type(error).__name__}: {error} ({place}); please report it")
            again = [wrote for project in self._projects.values() for wrote in project.open.values()]
            self._projects.clear()
            for wrote in again if self._crashes < _CRASHES else ():
                self._jobs.put(wrote)

    def _do(self, job: Job) -> None:
        match job:
            case Wrote(path=path):
                self._busy_until = time.monotonic() + _QUIET
                project = self._project_of(path)
                project.write(path.relative_to(project.root).as_posix(), job)
            case Closed(path=path):
                for project in self._projects.values():
                    if path.is_relative_to(project.root):
                        name = path.relative_to(project.root).as_posix()
                        if project.open.pop(name, None) is not None:
                            project.due.pop(name, None)
                            project.is_shown = False
                            project.session.close(name)
            case Looked(settings=False):
                for project in self._projects.values():
                    project.is_shown = False
                    project.session.look_again()
            case Looked():
                self._begin_anew()
            case Opened(folders=folders, preferences=preferences):
                self._folders, self._preferences = folders, preferences
                self._begin_anew()

    def _begin_anew(self) -> None:
        """Read the projects again, under the settings of now."""
        before = list(self._projects.values())
        self._projects.clear()
        for project in before:
            for wrote in project.open.values():
                self._guarded(self._do, wrote)
        if self._preferences.mode == "workspace":
            for folder in self._folders:
                self._guarded(self._opened_folder, folder)
        for project in before:
            now = self._projects.get(project.root)
            for path in sorted(project.said - (now.open.keys() if now is not None else set())):
                self._audience.said(project.root, path, None, Said((), (), {}))

    def _project_of(self, path: Path) -> _Project:
        around = [folder for folder in self._folders if path.is_relative_to(folder)]
        folder = max(around, key=lambda each: len(each.parts), default=path.parent)
        return self._opened(root_of([path if path.exists() else path.parent], folder))

    def _opened_folder(self, folder: Path) -> None:
        self._opened(root_of([folder], folder))

    def _opened(self, root: Path) -> _Project:
        if root not in self._projects:
            self._projects[root] = _Project(root, settings_of(root), self._preferences, self._audience)
        return self._projects[root]

    def _answer(self) -> None:
        """Say what is to be said of the files that were written."""
        for project in self._projects.values():
            while project.due:
                path = next(reversed(project.due))
                if not project.session.settle(path, lambda: not self._jobs.empty()):
                    return
                del project.due[path]
                self._say(project, path)

    def _go_on(self) -> None:
        """Do a little of what is left, and say what has come of it now and then."""
        for project in self._projects.values():
            if project.is_shown:
                continue
            project.total = max(project.total, project.session.waiting)
            project.session.work()
            now = time.monotonic()
            project.is_shown = project.session.is_settled
            if project.is_shown or now - self._shown_at > _SHOW_EVERY:
                self._shown_at = now
                self._show(project)
            return

    def _show(self, project: _Project) -> None:
        session, root = project.session, project.root
        for path in sorted(session.touched()):
            if path in project.open or self._preferences.mode == "workspace":
                self._say(project, path)
        if project.total > _MANY:
            done = 2 * project.total - session.waiting
            self._audience.working(root, done, 2 * project.total)
        if project.is_shown:
            project.total = 0
            self._audience.settled(root)
            if not project.is_kept:
                project.is_kept = True
                session.keep()
                gc.freeze()

    def _say(self, project: _Project, path: str) -> None:
        said = project.session.said_of(path, project.settings)
        wrote = project.open.get(path)
        if wrote is None and not said.findings and not said.skipped and path not in project.said:
            return
        project.said.add(path)
        self._audience.said(project.root, path, wrote.version if wrote is not None else None, said)

    def _keep(self) -> None:
        for project in self._projects.values():
            if project.session.is_settled:
                self._guarded(project.session.keep)


def _is_stale(job: Job, later: list[Job]) -> bool:
    """Whether something that came later makes it needless."""
    return isinstance(job, Wrote) and any(isinstance(each, Wrote) and each.path == job.path for each in later)
