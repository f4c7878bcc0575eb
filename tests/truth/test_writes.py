"""What Django's bulk writes leave out that saving row by row does, and what each costs.

A suggestion to write in bulk is right only where none of what is left out is missed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ClassVar

import django_world
import pytest
from django.db import IntegrityError, models
from django.db.models import F, signals

django_world.start()

ROWS = 4


class Author(models.Model):
    """A model of which saving and deleting does nothing of its own."""

    name = models.CharField(max_length=20)
    books_sold = models.IntegerField(default=0)
    created = models.DateTimeField(auto_now_add=True)
    changed = models.DateTimeField(auto_now=True)

    class Meta:
        app_label = "truth"


class Careful(models.Model):
    """A model whose methods write down that they were called."""

    name = models.CharField(max_length=20)
    calls: ClassVar[list[str]] = []

    class Meta:
        app_label = "truth"

    def save(self, *args: object, **kwargs: object) -> None:
        self.calls.append("save")
        super().save(*args, **kwargs)

    def delete(self, *args: object, **kwargs: object) -> tuple[int, dict[str, int]]:
        self.calls.append("delete")
        return super().delete(*args, **kwargs)

    def full_clean(self, *args: object, **kwargs: object) -> None:
        self.calls.append("full_clean")


class Place(models.Model):
    name = models.CharField(max_length=20)

    class Meta:
        app_label = "truth"


class Restaurant(Place):
    """Multi-table inheritance: a row in two tables."""

    stars = models.IntegerField(default=0)

    class Meta:
        app_label = "truth"


class Album(models.Model):
    name = models.CharField(max_length=20)
    genres = models.ManyToManyField("Genre")

    class Meta:
        app_label = "truth"


class Track(models.Model):
    album = models.ForeignKey(Album, models.CASCADE, related_name="tracks")
    name = models.CharField(max_length=20)

    class Meta:
        app_label = "truth"


class Genre(models.Model):
    name = models.CharField(max_length=20)

    class Meta:
        app_label = "truth"


@pytest.fixture(scope="module", autouse=True)
def tables() -> None:
    django_world.create_tables(Author, Careful, Place, Restaurant, Album, Track, Genre)


@pytest.fixture(autouse=True)
def rows(tables: None) -> Iterator[None]:
    with django_world.rolled_back():
        for n in range(ROWS):
            Author.objects.create(name=n)
            Careful.objects.create(name=n)
            Restaurant.objects.create(name=n)
            Genre.objects.create(name=n)
            Track.objects.create(album=Album.objects.create(name=n), name=n)
        Careful.calls.clear()
        yield


@contextmanager
def costs(queries: int) -> Iterator[None]:
    with django_world.statements() as sent:
        yield
    assert len(sent) == queries, sent


Write = Callable[[], object]


def new(model: type[models.Model]) -> list[models.Model]:
    return [model(name="new") for _ in range(ROWS)]


def changed(model: type[models.Model]) -> list[models.Model]:
    rows = list(model.objects.all())
    for row in rows:
        row.name = "changed"
    return rows


def each(rows: list[models.Model], method: str) -> None:
    for row in rows:
        getattr(row, method)()


COSTS: list[tuple[str, Write, int]] = [
    ("save of a new row", lambda: each(new(Author), "save"), ROWS),
    ("create", lambda: [Author.objects.create(name="new") for _ in range(ROWS)], ROWS),
    ("bulk_create", lambda: Author.objects.bulk_create(new(Author)), 1),
    ("save of an old row", lambda: each(changed(Author), "save"), 1 + ROWS),
    ("bulk_update", lambda: Author.objects.bulk_update(changed(Author), ["name"]), 1 + 1),
    ("update", lambda: Author.objects.update(name="changed"), 1),
    (
        "update of each",
        lambda: [Author.objects.filter(pk=row.pk).update(name=row.name) for row in changed(Author)],
        1 + ROWS,
    ),
    ("update by what the row holds", lambda: Author.objects.update(books_sold=F("books_sold") + 1), 1),
    ("delete of each", lambda: each(list(Author.objects.all()), "delete"), 1 + ROWS),
    ("delete of the query", lambda: Author.objects.all().delete(), 1),
    # A row that others refer to takes them along, each time.
    ("delete of each, with tracks", lambda: each(list(Album.objects.all()), "delete"), 1 + 3 * ROWS),
    ("delete of the query, with tracks", lambda: Album.objects.all().delete(), 1 + 3),
    # What looks a row up writes after it.
    ("get_or_create of old rows", lambda: [Author.objects.get_or_create(name=n) for n in range(ROWS)], ROWS),
    (
        "get_or_create of new rows",
        lambda: [Author.objects.get_or_create(name=f"new {n}") for n in range(ROWS)],
        2 * ROWS,
    ),
    (
        "update_or_create of old rows",
        lambda: [Author.objects.update_or_create({"books_sold": 1}, name=n) for n in range(ROWS)],
        2 * ROWS,
    ),
    (
        "update_or_create of new rows",
        lambda: [Author.objects.update_or_create({"books_sold": 1}, name=f"new {n}") for n in range(ROWS)],
        2 * ROWS,
    ),
    ("refresh_from_db", lambda: each(list(Author.objects.all()), "refresh_from_db"), 1 + ROWS),
    # Multi-table inheritance doubles all of it.
    ("save of a new row in two tables", lambda: each(new(Restaurant), "save"), 2 * ROWS),
    ("save of an old row in two tables", lambda: each(changed(Restaurant), "save"), 1 + 2 * ROWS),
    ("bulk_update of the other table", lambda: Restaurant.objects.bulk_update(changed(Restaurant), ["name"]), 1 + 2),
]


@pytest.mark.parametrize(("write", "queries"), [pytest.param(*case[1:], id=case[0]) for case in COSTS])
def test_cost_of_writing(write: Write, queries: int) -> None:
    with costs(queries):
        write()


# Overridden methods, signals, validation.

CALLS: list[tuple[str, Write, set[str]]] = [
    ("save", lambda: each(new(Careful), "save"), {"save"}),
    ("create", lambda: Careful.objects.create(name="new"), {"save"}),
    ("get_or_create", lambda: Careful.objects.get_or_create(name="new"), {"save"}),
    ("update_or_create", lambda: Careful.objects.update_or_create(name="new"), {"save"}),
    ("bulk_create", lambda: Careful.objects.bulk_create(new(Careful)), set()),
    ("bulk_update", lambda: Careful.objects.bulk_update(changed(Careful), ["name"]), set()),
    ("update", lambda: Careful.objects.update(name="changed"), set()),
    ("delete", lambda: each(list(Careful.objects.all()), "delete"), {"delete"}),
    ("delete of the query", lambda: Careful.objects.all().delete(), set()),
]


@pytest.mark.parametrize(("write", "calls"), [pytest.param(*case[1:], id=case[0]) for case in CALLS])
def test_overridden_methods_that_a_write_calls(write: Write, calls: set[str]) -> None:
    write()
    assert set(Careful.calls) == calls


SAVE, DELETE = {"pre_save", "post_save"}, {"pre_delete", "post_delete"}
SIGNALS: list[tuple[str, Write, set[str]]] = [
    ("save", lambda: each(new(Author), "save"), SAVE),
    ("save of some columns", lambda: Author.objects.first().save(update_fields=["name"]), SAVE),
    ("create", lambda: Author.objects.create(name="new"), SAVE),
    ("get_or_create", lambda: Author.objects.get_or_create(name="new"), SAVE),
    ("update_or_create", lambda: Author.objects.update_or_create(name="new"), SAVE),
    ("bulk_create", lambda: Author.objects.bulk_create(new(Author)), set()),
    ("bulk_update", lambda: Author.objects.bulk_update(changed(Author), ["name"]), set()),
    ("update", lambda: Author.objects.update(name="changed"), set()),
    ("delete", lambda: each(list(Author.objects.all()), "delete"), DELETE),
    ("delete of the query", lambda: Author.objects.all().delete(), DELETE),
]


@pytest.mark.parametrize(("write", "expected"), [pytest.param(*case[1:], id=case[0]) for case in SIGNALS])
def test_signals_that_a_write_sends(write: Write, expected: set[str]) -> None:
    with received(Author, SAVE | DELETE) as sent:
        write()
    assert set(sent) == expected


@contextmanager
def received(sender: type[models.Model], names: set[str]) -> Iterator[list[str]]:
    sent: list[str] = []
    receivers = {name: lambda name=name, **rest: sent.append(name) for name in names}
    for name, receiver in receivers.items():
        getattr(signals, name).connect(receiver, sender=sender)
    yield sent
    for name, receiver in receivers.items():
        getattr(signals, name).disconnect(receiver, sender=sender)


def test_delete_of_a_query_signals_each_row_and_reads_them_first() -> None:
    with received(Author, {"post_delete"}) as sent, costs(2):
        Author.objects.all().delete()
    assert len(sent) == ROWS


def test_auto_now_is_set_by_save_and_bulk_create_only() -> None:
    author = Author.objects.first()
    before = author.changed
    Author.objects.bulk_update([author], ["name"])
    Author.objects.update(name="changed")
    assert set(Author.objects.values_list("changed", flat=True).filter(pk=author.pk)) == {before}
    author.save()
    author.refresh_from_db()
    assert author.changed > before
    (created,) = Author.objects.bulk_create([Author(name="new")])
    assert created.created and created.changed


# What bulk writes refuse, and what they return.


def test_bulk_create_raises_for_multi_table_inheritance() -> None:
    with pytest.raises(ValueError, match="multi-table inherited"):
        Restaurant.objects.bulk_create(new(Restaurant))


def test_update_reaches_the_table_that_is_inherited() -> None:
    assert Restaurant.objects.update(name="changed", stars=5) == ROWS
    assert set(Restaurant.objects.values_list("name", "stars")) == {("changed", 5)}


def test_bulk_create_of_a_related_manager_does_not_set_the_relation() -> None:
    album = Album.objects.first()
    assert album.tracks.create(name="new").album == album
    with pytest.raises(IntegrityError):
        album.tracks.bulk_create([Track(name="new")])


def test_bulk_create_of_saved_parents_gives_keys_for_their_children() -> None:
    albums = Album.objects.bulk_create([Album(name="new")])
    with costs(1):
        Track.objects.bulk_create([Track(album=album, name="new") for album in albums])
    with pytest.raises(ValueError, match="unsaved related object"):
        Track.objects.bulk_create([Track(album=Album(name="new"), name="new")])


def test_bulk_update_returns_a_number() -> None:
    assert Author.objects.bulk_update(changed(Author), ["name"]) == ROWS


def test_bulk_update_needs_rows_with_keys_and_columns_other_than_the_key() -> None:
    with pytest.raises(ValueError, match="must have a primary key set"):
        Author.objects.bulk_update([Author(name="new")], ["name"])
    with pytest.raises(ValueError, match="primary key"):
        Author.objects.bulk_update(changed(Author), ["id"])


REFUSED: list[tuple[str, Write]] = [
    ("update of a slice", lambda: Author.objects.order_by("pk")[:2].update(name="changed")),
    ("delete of a slice", lambda: Author.objects.order_by("pk")[:2].delete()),
    ("delete of values", lambda: Author.objects.values("name").delete()),
    ("delete of distinct rows", lambda: Author.objects.distinct("name").delete()),
]


@pytest.mark.parametrize("write", [pytest.param(write, id=name) for name, write in REFUSED])
def test_write_that_a_query_refuses(write: Write) -> None:
    with pytest.raises((TypeError, ValueError)):
        write()


def test_update_cannot_reach_across_a_relation() -> None:
    with pytest.raises(Exception, match="no field named"):
        Track.objects.update(album__name="changed")


# Many-to-many and reverse relations: the rows of one call are one statement.


def genres() -> list[Genre]:
    return list(Genre.objects.all())


def some_tracks() -> list[Track]:
    return list(Track.objects.all())


def album() -> Album:
    return Album.objects.first()


def linked() -> Album:
    found = album()
    found.genres.add(*genres())
    return found


RELATED: list[tuple[str, Callable[[], Album], Callable[[Album, list[Genre], list[Track]], object], int]] = [
    ("add of each", album, lambda album, genres, tracks: [album.genres.add(genre) for genre in genres], ROWS),
    ("add of all", album, lambda album, genres, tracks: album.genres.add(*genres), 1),
    ("remove of each", linked, lambda album, genres, tracks: [album.genres.remove(genre) for genre in genres], ROWS),
    ("remove of all", linked, lambda album, genres, tracks: album.genres.remove(*genres), 1),
    ("set", album, lambda album, genres, tracks: album.genres.set(genres), 2),
    ("set of what is there", linked, lambda album, genres, tracks: album.genres.set(genres), 1),
    ("clear", linked, lambda album, genres, tracks: album.genres.clear(), 1),
    (
        "rows of the link",
        album,
        lambda album, genres, tracks: Album.genres.through.objects.bulk_create(
            [Album.genres.through(album=album, genre=genre) for genre in genres]
        ),
        1,
    ),
    ("reverse add of each", album, lambda album, genres, tracks: [album.tracks.add(track) for track in tracks], ROWS),
    ("reverse add of all", album, lambda album, genres, tracks: album.tracks.add(*tracks), 1),
    ("reverse add, saving each", album, lambda album, genres, tracks: album.tracks.add(*tracks, bulk=False), ROWS),
]


@pytest.mark.parametrize(("prepare", "write", "queries"), [pytest.param(*case[1:], id=case[0]) for case in RELATED])
def test_cost_of_writing_a_relation(
    prepare: Callable[[], Album],
    write: Callable[[Album, list[Genre], list[Track]], object],
    queries: int,
) -> None:
    arguments = prepare(), genres(), some_tracks()
    with costs(queries):
        write(*arguments)


def test_add_reads_the_links_first_where_somebody_listens() -> None:
    arguments = album(), genres()
    with received(Album.genres.through, {"m2m_changed"}) as sent, costs(2):
        arguments[0].genres.add(*arguments[1])
    assert len(sent) == 2  # pre_add and post_add, however many rows
