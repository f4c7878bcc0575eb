"""`slowpath indexes`: the indexes that the project's queries need, all of them together."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from slowpath.cli.arguments import CLEAN, Answer, jobs_of, path_from, place_of
from slowpath.config import census_of, settings_of
from slowpath.finding import CONFIDENCES

if TYPE_CHECKING:
    from slowpath.advice import Advice
    from slowpath.census import Census
    from slowpath.cli.arguments import Commands
    from slowpath.rules import Whole

_FORMATS = ("text", "sql", "django", "alembic")
# More than a few places make nobody surer.
_SHOWN = 5


def add_to(commands: Commands) -> None:
    """The command and its options."""
    what = "say which indexes the project's queries need, or write the migration that makes them"
    parser = commands.add_parser("indexes", help=what, description=f"{what.capitalize()}.", allow_abbrev=False)
    parser.set_defaults(answer=_indexes)
    parser.add_argument("path", nargs="?", default=".", metavar="PATH", help="a folder of the project")
    parser.add_argument("--format", choices=_FORMATS, default="text", help="what to write (default: text)")
    parser.add_argument("--confidence", choices=CONFIDENCES, help="what is at least this sure (default: medium)")


def _indexes(options: Namespace) -> Answer:
    from slowpath import workspace
    from slowpath.advice import advice

    place = place_of([options.path])
    settings = settings_of(place.root)
    whole = workspace.survey(place.root, settings, jobs_of(settings))
    found = tuple(advice(whole, options.confidence or settings.confidence))
    written = _WRITERS[options.format](found, whole, path_from(Path.cwd(), place.root)) if found else ()
    lines = tuple(written or _nothing(options.format))
    census = census_of(place.root, settings) if options.format == "text" else None
    return Answer((*lines, *(_unused(census) if census is not None else ())), CLEAN)


def _unused(census: Census) -> Iterator[str]:
    from slowpath.census import unused

    if found := list(unused(census)):
        since = f" since {census.since}" if census.since else ""
        yield ""
        yield f"Nothing had searched these{since} when the snapshot was taken on {census.taken}:"
        for table, index in found:
            name = f"{table.schema}.{table.name}" if table.schema not in ("", "public") else table.name
            yield f"  {index.name} on {name} ({', '.join(index.columns)})"
        yield "Replicas count by themselves: ask them as well before you drop one."


def _nothing(form: str) -> Sequence[str]:
    return ("Every query that could be read is served by an index.",) if form == "text" else ()


def _text(found: Sequence[Advice], whole: Whole, path_of: Callable[[str], str]) -> Iterator[str]:
    from slowpath.advisor import created

    for table, group in groupby(found, key=lambda each: each.index.table):
        yield table
        for each in group:
            yield f"  {created(each.index)}"
            asked = {(place.module, place.function): None for place in each.places}
            for module, function in [*asked][:_SHOWN]:
                yield f"    for {path_of(whole.project.path_of(module))} {function}"
            if len(asked) > _SHOWN:
                yield f"    and {len(asked) - _SHOWN} more"
    tables = len({each.index.table for each in found})
    yield ""
    yield f"{len(found)} index{'es' if len(found) > 1 else ''} for {tables} table{'s' if tables > 1 else ''}."


def _sql(found: Sequence[Advice], whole: Whole, path_of: Callable[[str], str]) -> Iterator[str]:
    from slowpath.advisor import created

    return (created(each.index) for each in found)


def _django(found: Sequence[Advice], whole: Whole, path_of: Callable[[str], str]) -> Iterator[str]:
    from slowpath.libraries.django.migrating import operations

    ours = [each for each in found if _library(whole, each) == "django"]
    for app, group in groupby(sorted(ours, key=lambda each: _app(whole, each)), key=lambda each: _app(whole, each)):
        yield f"# {app}: write its last migration into `dependencies`, and the indexes into `Meta.indexes` as well."
        yield from operations(whole.schema, [(each.model, each.index) for each in group])


def _library(whole: Whole, each: Advice) -> str:
    model = whole.schema.models.get(each.model)
    return model.library if model is not None else ""


def _app(whole: Whole, each: Advice) -> str:
    label = whole.schema.models[each.model].label
    return label.rpartition(".")[0] or whole.project.path_of(each.model.rpartition(".")[0])


def _alembic(found: Sequence[Advice], whole: Whole, path_of: Callable[[str], str]) -> Iterator[str]:
    from slowpath.libraries.sqlalchemy.migrating import operations

    ours = [each.index for each in found if _library(whole, each) == "sqlalchemy"]
    return operations(ours) if ours else iter(())


_WRITERS: Mapping[str, Callable[[Sequence[Advice], Whole, Callable[[str], str]], Iterator[str]]] = {
    "text": _text,
    "sql": _sql,
    "django": _django,
    "alembic": _alembic,
}
