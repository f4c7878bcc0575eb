"""A project kept in memory while somebody edits it.

What is said after any number of edits is what a run would say of the same texts. A text that cannot be parsed is the
exception: until it can be again, the file declares what it declared before.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set
from math import inf
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from slowpath import analysis, baseline, config, engine, selection, suppression
from slowpath.analysis import Ground, Texts, Workshop
from slowpath.answers import Answers, Held, Key, problems_of
from slowpath.cache import Declared, Memory, Stamp, Store
from slowpath.config import Settings
from slowpath.declarations import Declarations, declare
from slowpath.discovery import Folder
from slowpath.drift import drift_of, drifted
from slowpath.engine import Found, Locations
from slowpath.finding import Finding, Skipped
from slowpath.indexing import declared_in as index_of
from slowpath.indexing import marked
from slowpath.judgement import Judgement
from slowpath.ledger import Ledger, lines_in, modules_in, still_true
from slowpath.likeness import encoded, shape_of, without_positions
from slowpath.migrating import declared_in, named_in
from slowpath.project import link
from slowpath.reading import parsed, parsed_as_it_is
from slowpath.references import FunctionRef
from slowpath.rules import load
from slowpath.source import Source, source_of

Progress = Callable[[int, int], None]


def _nobody(done: int, total: int) -> None:
    """Nobody watches."""


class Said(Struct, frozen=True):
    """What there is to say of one file, and the lines of all files that are named in it."""

    findings: tuple[Finding, ...]
    skipped: tuple[Skipped, ...]
    lines: Mapping[str, Sequence[str]]


class Session:
    """The project below a root. Functions are asked one at a time: those `waiting` have something to answer."""

    def __init__(self, root: Path, settings: Settings, progress: Progress = _nobody) -> None:
        self._settings = settings
        self._store = Store(root, settings)
        self._texts: dict[str, str | None] = {}
        self._folder = Folder(root, settings.max_file_size, self._texts)
        self._shown: dict[str, Source] = {}
        self._broken: dict[str, Skipped] = {}
        self._doubtful: set[str] = set()
        self._skipped: dict[str, Skipped] = {}
        self._answers = Answers()
        self._judgement = Judgement()
        self._locations = Locations({})
        self._waiting: dict[FunctionRef, None] = {}
        self._shifted: set[str] = set()
        self._touched: set[str] = set()
        self._interrupted = False
        snapshot, declared = self._store.snapshot(), self._store.declared()
        self._baseline = root / settings.baseline
        self._known = baseline.read(self._baseline)
        self._stamps: Mapping[str, Stamp] = snapshot.stamps if snapshot is not None else {}
        self._taken_ns = snapshot.taken_ns if snapshot is not None else 0
        self._declared = self._index(declared.files if declared is not None else {}, progress)
        ground = analysis.ground_of(settings, link(self._declared.values()), analysis.sizes_of(root, settings))
        self._workshop = Workshop(settings, ground, Texts(self._folder))
        self._remember(self._store.memory())

    @property
    def waiting(self) -> int:
        """How many functions are to be asked."""
        return len(self._waiting)

    @property
    def is_settled(self) -> bool:
        """Whether everything that is to be said is being said."""
        return self._judgement.is_final and not (self._waiting or self._doubtful or self._shifted)

    def edit(self, path: str, text: str) -> None:
        """The file says this, whatever is on disk."""
        source = source_of(path, text)
        old = self._declared.get(path)
        self._shown[path] = source
        self._touched.add(path)
        if old is not None and old.digest == source.digest:
            self._good(path)
            return
        readable = old is not None and old.problem is None
        declarations = marked(declare(source, parsed_as_it_is if readable else parsed), source)
        if declarations.problem is not None and readable:
            # The last text that could be parsed stays, also when it was the one on disk.
            self._texts.setdefault(path, "\n".join(self._workshop.texts.lines_of(path)))
            self._broken[path] = Skipped("SLO001", path, *declarations.problem)
            self._doubtful.add(path)
            return
        self._declare(path, declarations)

    def _declare(self, path: str, declarations: Declarations) -> None:
        old = self._declared.get(path)
        self._good(path)
        if old is None or old.problem is not None or old.imports != declarations.imports:
            # What is imported decides which tests are read, and a new file may not belong to the project.
            self.look_again({path: declarations})
        else:
            self._take({**self._declared, path: declarations})

    def close(self, path: str) -> None:
        """The file says again what is on disk."""
        self._shown.pop(path, None)
        self._texts.pop(path, None)
        self._broken.pop(path, None)
        self._doubtful.discard(path)
        self._touched.add(path)
        self._workshop.texts.forget(path)
        self.look_again()

    def look_again(self, known: Mapping[str, Declarations] | None = None) -> None:
        """Look which files there are and what they say; some are already known to declare something."""
        known_findings = baseline.read(self._baseline)
        if known_findings != self._known:
            self._known = known_findings
            self._touched |= {*self._declared, *self.paths()}
        self._take(self._index({**self._declared, **(known or {})}))

    def interrupt(self) -> None:
        """Let whoever is asking a function stop; it will be asked again. For any thread."""
        self._interrupted = True
        self._workshop.program.deadline = -inf

    def settle(self, path: str, is_needed_elsewhere: Callable[[], bool] = lambda: False) -> bool:
        """Ask what decides most of what is said of a file: its functions, and those that had something to say of it.

        False if there was something more urgent to do.
        """
        module = self._module_of(path)
        first = [ref for ref in self._waiting if ref.module == module]
        others = self._answers.naming(module).keys()
        for ref in dict.fromkeys((*first, *sorted(others & self._waiting.keys()))):
            if is_needed_elsewhere():
                return False
            self._ask(ref)
        if not (self._waiting or self._judgement.is_final) and self._judgement.is_quick:
            self._judge()
        return True

    def work(self) -> None:
        """Do a little of what is left to do."""
        if self._waiting:
            self._ask(next(iter(self._waiting)))
        elif self._doubtful:
            self._look_closer(self._doubtful.pop())
        elif self._shifted:
            self._look_at_models()
        elif not self._judgement.is_final:
            self._judge()

    def touched(self) -> set[str]:
        """The files of which other things are said than when this was last asked."""
        touched, self._touched = self._touched, set()
        return touched

    def paths(self) -> list[str]:
        """The files of which anything is said."""
        modules = self._answers.modules() | {found.problem.place.module for found in self._judgement.standing()}
        silencing = (path for path, declared in self._declared.items() if declared.silences)
        return sorted({*map(self._path_of, modules), *silencing, *(each.path for each in self._troubles())} - {"."})

    def said_of(self, path: str, settings: Settings) -> Said:
        """What is to be said of a file to somebody with these settings."""
        lines = self._workshop.texts.lines_of
        kept = self._unsilenced(path, settings)
        if self._known is not None:
            before = (each for other in self.paths() if other < path for each in self._unsilenced(other, settings))
            kept = baseline.new_in(kept, before, self._known, is_there=self._stamps.__contains__)
        named = {path, *(step.path for finding in kept for step in finding.related)}
        shown = {each: self._shown[each].lines() if each in self._broken else lines(each) for each in sorted(named)}
        drifts = {each: drift_of(lines(each), self._shown[each].lines()) for each in self._broken}
        return Said(tuple(drifted(kept, drifts)), tuple(self._troubles_of(path)), shown)

    def _unsilenced(self, path: str, settings: Settings) -> Sequence[Finding]:
        """What is found in a file, but for what comments silence."""
        module, lines = self._module_of(path), self._workshop.texts.lines_of
        by_code = {rule.code: rule for rule in load()}
        answers = [held.answer for held in self._answers.naming(module).values() if held.answer is not None]
        found = [Found(by_code[each.code], each.problem) for answer in answers for each in answer.reported]
        here = [each for each in (*found, *self._judgement.standing()) if each.problem.place.module == module]
        findings: Sequence[Finding] = engine.findings(self._workshop.program, here, lines, self._locations)
        # What silences nothing is known when everything is known that it could silence.
        if self._judgement.is_final:
            ground = self._workshop.ground
            alone = replace(ground, wanted=ground.wanted & {module})
            findings = analysis.with_unused(findings, alone, lines, {each.path for each in self._troubles_of(path)})
        wanted = selection.wanted(findings, config.selected(load(), settings), settings, self._stamps)
        return suppression.suppress(path, lines(path), wanted).kept

    def keep(self) -> None:
        """Remember for the next session, and for runs, what functions showed."""
        ledger = Ledger(self._workshop.state_of)
        for held in self._answers.held().values():
            if held.answer is not None:
                own = sorted(source for source in held.sources if source[1])
                ledger.add([replace(held.answer, consulted=tuple(range(len(own))))], own)
        fingerprint = self._workshop.fingerprint()
        memory = Memory(fingerprint, ledger.sources(), tuple(ledger.answers), self._locations.asked)
        self._store.keep(Declared(self._declared), memory)

    def _good(self, path: str) -> None:
        self._texts[path] = self._shown[path].text
        self._doubtful.discard(path)
        self._broken.pop(path, None)
        self._workshop.texts.forget(path)

    def _index(self, known: Mapping[str, Declarations], progress: Progress = _nobody) -> dict[str, Declarations]:
        """What the project's files declare; those of which the text is `known` to declare something are not read."""
        taken_ns = time.time_ns()
        listing = self._folder.listing(self._settings.exclude)
        sure = {path: stamp for path, stamp in self._stamps.items() if stamp.is_sure(self._taken_ns)}
        for file in listing.files:
            if file.path in self._texts and file.path in known:
                sure[file.path] = Stamp(file.size, file.mtime_ns, known[file.path].digest)
        read = 0

        def show(files: int) -> None:
            nonlocal read
            read += files
            progress(read, len(listing.files))

        index = index_of(self._folder, self._settings, listing.files, sure, known, jobs=1, progress=show)
        self._stamps, self._taken_ns = index.stamps, taken_ns
        self._skipped = {each.path: each for each in (*listing.skipped, *index.skipped)}
        return index.declarations

    def _remember(self, memory: Memory | None) -> None:
        workshop = self._workshop
        if memory is not None and memory.project == workshop.fingerprint():
            self._locations = Locations(memory.spans)
            names = [(each.module, each.qualname) for each in memory.sources]
            for ref, answer in still_true(memory, workshop.state_of).items():
                self._answers.put(ref, Held(answer, frozenset([names[number] for number in answer.consulted])))
        self._waiting = dict.fromkeys(ref for ref in workshop.roots if ref not in self._answers)

    def _take(self, declared: dict[str, Declarations]) -> None:
        """Go on with other declarations."""
        before = self._declared
        changed = {path for path in declared.keys() | before.keys() if declared.get(path) is not before.get(path)}
        if not changed:
            return
        for path in changed:
            self._workshop.texts.forget(path)
        self._declared = declared
        old = self._workshop
        inside = all(_fingerprint(before, path) == _fingerprint(declared, path) for path in changed)
        ground = self._ground(changed, before, inside=inside)
        modules = {project.module_at(path) or path for path in changed for project in (old.project, ground.project)}
        self._move(ground, modules, inside=inside)

    def _ground(self, changed: Set[str], before: Mapping[str, Declarations], *, inside: bool) -> Ground:
        ground, declared = self._workshop.ground, self._declared
        if inside:
            self._shifted |= {path for path in changed if lines_in(before[path]) != lines_in(declared[path])}
            project = ground.project.with_bodies(declared[path] for path in changed)
            if named_in(ground.migrations).isdisjoint(map(self._module_of, changed)):
                return replace(ground, project=project)
            return replace(ground, project=project, migrations=declared_in(project, ground.tables))
        # Whether other modules count, and whether models are others after all, is looked at when there is time.
        self._shifted |= changed
        project = link(declared.values())
        if all(shape_of(before.get(path)) == shape_of(declared.get(path)) for path in changed):
            return replace(ground, project=project, migrations=declared_in(project, ground.tables))
        return analysis.ground_of(self._settings, project, ground.sizes, ground.tables)

    def _move(self, ground: Ground, modules: Collection[str], *, inside: bool) -> None:
        """Work on another ground, on which these modules are other ones; ask again what rests on what has changed."""
        old = self._workshop
        relevance = old.relevance.after(ground.project, modules) if inside else None
        self._workshop = new = Workshop(self._settings, ground, old.texts, relevance)
        functions = {ref for workshop in (old, new) for ref in _functions_in(workshop, modules)}
        edited = {ref for ref in functions if old.state_of(*_key(ref)) != new.state_of(*_key(ref))}
        new.program.bodies.take(old.program.bodies, edited)
        changed = {_key(ref) for ref in edited | old.relevance.differing(new.relevance)}
        changed |= {(module, "") for module in modules if _lines(old, module) != _lines(new, module)}
        for module in modules:
            naming = self._answers.naming(module).values()
            self._touch((module, *(problem.place.module for held in naming for problem in problems_of(held))))
        roots = frozenset(new.roots)
        for ref in self._answers.refs() - roots:
            self._touch(self._answers.drop(ref))
        stale = self._answers.resting_on(changed) if inside else set(self._answers.refs())
        for ref in stale:
            self._touch(self._answers.trim(ref, changed))
        had = old.ground
        same = ground.schema is had.schema and ground.migrations is had.migrations and ground.wanted is had.wanted
        self._judgement.doubt(changed, also_beyond_facts=relevance is None or not same)
        self._waiting = dict.fromkeys(
            ref for ref in new.roots if ref in stale or ref in self._waiting or ref not in self._answers
        )

    def _look_at_models(self) -> None:
        """Read the models again: after an edit outside of them only the lines they stand on can be other ones."""
        shifted, self._shifted = self._shifted, set()
        ground = self._workshop.ground
        schema = analysis.schema_of(ground.project, ground.tables)
        wanted, aside = analysis.wanted_in(ground.project, self._settings)
        if (wanted, aside) == (ground.wanted, ground.aside) and encoded(schema) == encoded(ground.schema):
            return
        same = without_positions(schema.models) == without_positions(ground.schema.models)
        self._move(replace(ground, schema=schema, wanted=wanted, aside=aside), (), inside=same)
        modules = {(self._module_of(path), "") for path in shifted}
        self._waiting |= dict.fromkeys(sorted(self._answers.resting_on(modules)))

    def _look_closer(self, path: str) -> None:
        """What could not be parsed may be written for a newer Python."""
        declarations = marked(declare(self._shown[path]), self._shown[path])
        if declarations.problem is None:
            self._declare(path, declarations)

    def _ask(self, ref: FunctionRef) -> None:
        self._interrupted = False
        part = self._workshop.check((ref,))
        if self._interrupted and part.failed:
            return
        self._waiting.pop(ref, None)
        answer = part.answers[0] if part.answers else None
        sources = {_key(each) for each in part.sources} or {_key(ref)}
        if answer is not None:
            sources |= {(module, "") for module in modules_in(answer)}
        self._judgement.hear(self._answers.answer_of(ref), answer)
        self._touch(self._answers.put(ref, Held(answer, frozenset(sources), part.failed)))

    def _judge(self) -> None:
        answers = [held.answer for held in self._answers.held().values() if held.answer is not None]
        self._touch(self._judgement.settle(lambda: engine.judge(self._workshop.whole(answers), load())))
        self._touched |= {path for path, declared in self._declared.items() if declared.silences}

    def _troubles(self) -> Iterator[Skipped]:
        yield from self._broken.values()
        yield from (each for path, each in self._skipped.items() if path not in self._broken)
        yield from self._judgement.crashed
        for held in self._answers.troubled():
            yield from held.failed
            if held.answer is not None:
                yield from analysis.unread(self._workshop, (held.answer,))

    def _troubles_of(self, path: str) -> list[Skipped]:
        return [each for each in self._troubles() if each.path == path]

    def _module_of(self, path: str) -> str:
        return self._workshop.project.module_at(path) or path

    def _path_of(self, module: str) -> str:
        project = self._workshop.project
        return project.path_of(module) if module in project.modules else module

    def _touch(self, modules: Iterable[str]) -> None:
        self._touched |= set(map(self._path_of, modules))


def _fingerprint(declared: Mapping[str, Declarations], path: str) -> str:
    return declared[path].fingerprint if path in declared else ""


def _functions_in(workshop: Workshop, modules: Iterable[str]) -> Iterator[FunctionRef]:
    for module in modules:
        if module in workshop.project.modules:
            for function in workshop.project.modules[module].functions:
                yield FunctionRef(module, function.qualname)


def _lines(workshop: Workshop, module: str) -> str:
    return lines_in(workshop.project.modules[module]) if module in workshop.project.modules else ""


def _key(ref: FunctionRef) -> Key:
    return ref.module, ref.qualname
