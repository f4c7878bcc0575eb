"""`slowpath baseline`."""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import TYPE_CHECKING

from slowpath.cli.arguments import CLEAN, FOUND, Answer, add_work, jobs_of, place_of
from slowpath.config import settings_of

if TYPE_CHECKING:
    from slowpath.cli.arguments import Commands


def add_to(commands: Commands) -> None:
    """The command and its options."""
    what = "write down what is known, so that only what is new is reported"
    parser = commands.add_parser("baseline", help=what, description=f"{what.capitalize()}.", allow_abbrev=False)
    parser.set_defaults(answer=_baseline)
    parser.add_argument(
        "--grow", action="store_true", help="take in what is new, too, where there is a baseline already"
    )
    add_work(parser)


def _baseline(options: Namespace) -> Answer:
    from slowpath import baseline, workspace
    from slowpath.reporters.progress import Progress

    place = place_of(["."])
    settings = settings_of(place.root)
    file = place.root / settings.baseline
    old = baseline.read(file)
    known = old or baseline.baseline_of(())
    progress = Progress(sys.stderr)
    try:
        report = workspace.run(
            place.root,
            settings,
            [""],
            cache=not options.no_cache,
            jobs=options.jobs or jobs_of(settings),
            progress=progress,
            known=known,
        )
    finally:
        progress.close()
    grows = old is None or options.grow
    if report.baseline is None or (old is None and not report.findings):
        return Answer(["Nothing was found, so there is nothing to write down."], CLEAN)
    taken = (*report.baseline.known, *(report.findings if grows else ()))
    baseline.write(file, baseline.baseline_of(taken, report.baseline.kept))
    told = [f"{len(taken) + len(report.baseline.kept):,} known"]
    told += [f"{len(report.baseline.gone):,} gone and taken out"] if report.baseline.gone else []
    told += [f"{len(report.findings):,} new and left out"] if report.findings and not grows else []
    lines = [f"Wrote {settings.baseline}: {', '.join(told)}."]
    if report.findings and not grows:
        lines.append("A baseline only becomes shorter; `slowpath baseline --grow` takes in what is new.")
    return Answer(lines, FOUND if report.findings and not grows else CLEAN)
