"""A query compares or sorts columns that no index begins with, so the database reads the whole table.

## Problem

Without an index that begins with one of the columns it compares, a database finds rows by reading all of them. In
staging the table has a thousand rows and nobody notices; in production it has ten million, and the query that took
a millisecond takes seconds, at every request. The same goes for the first few rows of an order that no index has.

## Slow

    from django.db import models

    class User(models.Model):
        email = models.CharField(max_length=200, unique=True)

    class Order(models.Model):
        user = models.ForeignKey(User, models.CASCADE)
        created_at = models.DateTimeField()

    class Payment(models.Model):
        order = models.ForeignKey(Order, models.CASCADE)
        reference = models.CharField(max_length=40)
        paid_at = models.DateTimeField()

    def by_reference(reference):
        return Payment.objects.get(reference=reference)

## Fast

    from django.db import models

    class User(models.Model):
        email = models.CharField(max_length=200, unique=True)

    class Order(models.Model):
        user = models.ForeignKey(User, models.CASCADE)
        created_at = models.DateTimeField()

    class Payment(models.Model):
        order = models.ForeignKey(Order, models.CASCADE)
        reference = models.CharField(max_length=40, db_index=True)
        paid_at = models.DateTimeField()

    def by_reference(reference):
        return Payment.objects.get(reference=reference)

## How it decides

Each query, an ORM's or one in SQL text, is compared with the indexes that models, migrations and SQL give its table.
The index that is proposed has the columns compared with a value first, then the order or one range. Create it without
keeping writers out. The rows of a relation are a query too, where code reads them, where an option fetches them along
with others, and where the model itself says that they always come along.

## What silences it

An index, primary key or unique constraint that begins with a column compared with a value; a join that leads to few
rows of another table; conditions on columns of a few values alone; tables of which not everything is known. Tables
that nothing shows to grow are reported at low confidence only.

Where the project may run on MySQL, which indexes foreign keys by itself, filters on these are silent too. What only the
number of rows can decide has low confidence, and is shown with `--confidence low`: ranges, states that many rows are
in (unless the code changes the rows that it finds, as who works off what is due does), rows that an index finds and
that are sorted then (unless a query takes ten or more of an owner's events, the newest first), filters beside one of a
joined table or of a state that has an index, and all filters on tables that nothing shows to grow. That most models
have a `created_by` shows nothing.

A snapshot of the database (`slowpath db snapshot`, and `snapshot` in the settings) says how many rows tables have.
Those of less than 10,000 are not reported then; what has low confidence only because nothing shows that a table grows
has medium confidence where more than 100,000 rows were counted.

## Fix safety

An index changes no answer. It takes room, costs a little at each write, and while it is built others may have to wait:
build it without keeping writers out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from slowpath.advisor import Key, Table, created, own
from slowpath.expression import at_of
from slowpath.query import POINTS, SPANS, Condition, Sort
from slowpath.rules import Mark, Problem, Rule, Whole
from slowpath.source import Place
from slowpath.unserved import Unserved, unserved
from slowpath.workload import queries

# More places where the same is done tell nothing new.
_SHOWN = 3

_SO = {"sorted": "sorts all that it finds", "batch": "passes over those of all batches before, each time"}


def judge(whole: Whole) -> Iterator[Problem]:
    """Queries that no index serves."""
    spellings = {dialect.library: dialect for dialect in whole.knowledge.dialects}
    for found, others in _together(unserved(whole.project, whole.schema, whole.database, whole.facts)):
        model = whole.schema.models.get(found.shape.model)
        dialect = spellings.get(model.library) if model is not None else None
        written = dialect.spell_index(whole.schema, found.shape.model, found.index) if dialect is not None else ""
        yield _problem(found, others, _declared(whole, found), written)


def _together(every: Iterable[Unserved]) -> Iterator[tuple[Unserved, tuple[Unserved, ...]]]:
    """What is reported, each with what need not be: where one function clears many tables out, it is said once."""
    expiring: dict[tuple[str, str, tuple[str, ...]], list[Unserved]] = {}
    for found in every:
        if found.kind == "expiry":
            place = found.fact.place
            expiring.setdefault((place.module, place.function, found.index.columns), []).append(found)
        else:
            yield found, ()
    for first, *others in expiring.values():
        yield first, tuple(others)


def _declared(whole: Whole, found: Unserved) -> Place | None:
    """Where the first column of the index is declared: there its model says what is indexed."""
    model = whole.schema.models.get(found.shape.model)
    first = found.index.columns[0].removeprefix("-")
    for column in model.columns if model is not None else ():
        module = column.module or found.shape.model.rpartition(".")[0]
        if column.column == first and column.line and module in whole.project.modules:
            return Place(module, "", at_of(column.line, 1))
    return None


def _problem(found: Unserved, others: tuple[Unserved, ...], declared: Place | None, written: str) -> Problem:
    # Nobody wrote the query for a relation's rows: the key is what can be mended.
    place = _place(found) if found.fact.steps or declared is None else declared
    columns = [column.removeprefix("-") for column in found.index.columns]
    more = f" (and of {len(others)} more here)" if others else ""
    so = _SO.get(found.kind, "reads the whole table")
    return Problem(
        place=place,
        message=f"{_asked(found)}{more}, and {_lacks(found)}: the database {so}",
        subject=(found.table.name, *sorted(columns)),
        help=f"add {written or 'an index'}; on PostgreSQL `{created(found.index)}`; {_has(found.table)}",
        related=(
            *_marks(found, place, declared),
            *(Mark(each.fact.place, f"`{each.table.name}` too") for each in others),
        ),
        confidence=found.confidence,
    )


def _marks(found: Unserved, place: Place, declared: Place | None) -> Iterator[Mark]:
    """Where else the query was made, where it runs, and where the column is declared."""
    if declared is not None and declared != place:
        yield Mark(declared, f"`{found.index.columns[0].removeprefix('-')}` is declared here")
    steps = [each for each in _steps(found) if each.at != place.at or each.function != place.function]
    for step in steps:
        yield Mark(step, "narrowed or sorted here")
    if not found.fact.steps:
        for each in dict.fromkeys((found.fact.place, *found.places[: _SHOWN - 1])):
            yield Mark(each, "fetches these rows")
    elif found.fact.place not in {place, *steps} and found.fact.place.at != place.at:
        yield Mark(found.fact.place, "runs here")


def _steps(found: Unserved) -> list[Place]:
    """The calls that test or sort, each at what it is given of the index's columns, or of others."""
    columns = [column.removeprefix("-") for column in found.index.columns]
    made: list[Condition | Sort] = [*found.shape.conditions, *found.shape.order]
    made.sort(key=lambda each: (each.step, bool(each.path) or each.column not in columns))
    first: dict[int, Place] = {}
    for each in made:
        if 0 <= each.step < len(found.fact.steps):
            first.setdefault(each.step, found.fact.place_of(each.step, each.at))
    return list(first.values())


def _place(found: Unserved) -> Place:
    """The call that compares the first column of the index."""
    first = found.index.columns[0].removeprefix("-")
    steps = [(c.step, c.at) for c in own(found.shape) if c.column == first]
    steps += [(sort.step, sort.at) for sort in found.shape.order if sort.column == first]
    known = (found.fact.place_of(*each) for each in steps if 0 <= each[0] < len(found.fact.steps))
    return next(known, found.fact.place)


def _asked(found: Unserved) -> str:
    name, shape = f"`{found.table.name}`", found.shape
    tested = [c.column for c in own(shape) if c.how in POINTS]
    points = _listed([column for column in tested if column in found.index.columns] or tested)
    spans = _listed([c.column for c in own(shape) if c.how in SPANS])
    order = _listed([sort.column for sort in shape.order])
    match found.kind:
        case "lookup" | "generic":
            verb = {"delete": "deletes", "update": "updates"}.get(shape.verb, "looks for")
            verb = verb if found.fact.steps else "a relation fetches"
            return f"{verb} rows of {name} by {points}"
        case "expiry":
            return f"deletes the rows of {name} that are past their time by {spans}"
        case "next":
            where = f" where {points or spans} fits" if points or spans else ""
            return f"takes the next rows of {name} by {order}{where}"
        case "newest":
            return f"takes the first rows of {name} by {order}"
        case "sorted":
            return f"takes the first rows of {name} by {order} where {points} fits"
        case "batch":
            return f"takes rows of {name} that are left to do in batches, by {points}"
        case "extreme":
            return f"asks {name} for the greatest or least `{shape.highest}`"
        case "range":
            return f"looks for rows of {name} by a range of {spans or order}"
    return f"looks for rows of {name} by {points}"


def _lacks(found: Unserved) -> str:
    behind = [
        key
        for key in found.table.keys
        if any(c.column in key.bare[1:] and c.how in POINTS for c in own(found.shape)) and found.kind == "lookup"
    ]
    if found.kind == "sorted":
        return "no index has these columns in that order"
    if found.kind == "batch":
        return "no index has only those"
    if found.verdict.by is not None and found.verdict.by.columns != found.table.primary:
        return f"an index has only ({_shown(found.verdict.by)})"
    if behind:
        return f"the index ({_shown(behind[0])}) does not begin with it"
    if found.kind in {"next", "newest"}:
        return "no index has that order"
    return "no index begins with that column" if len(found.index.columns) == 1 else "no index begins with one of these"


def _has(table: Table) -> str:
    if not table.keys:
        return f"`{table.name}` has no index"
    known = [f"({_shown(key)})" + (" unique" if key.unique else "") for key in table.keys]
    return f"`{table.name}` has {_listed(known, mark='')}"


def _shown(key: Key) -> str:
    return ", ".join(column.lstrip("?") or "?" for column in key.columns)


def _listed(words: list[str], mark: str = "`") -> str:
    found = [f"{mark}{word}{mark}" for word in dict.fromkeys(words)]
    return found[0] if len(found) == 1 else " and ".join((", ".join(found[:-1]), found[-1])) if found else ""


rule = Rule("SLO501", None, since="0.1.0", collect=queries, judge=judge)
