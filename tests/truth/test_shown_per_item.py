"""Lists that frameworks make: what they call for each item, executed, with the queries counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, ClassVar

import django_world
import pytest

# REST framework reads Django's settings as soon as it is imported.
# ruff: noqa: E402
django_world.start()

from django.contrib import admin
from django.contrib.admin.templatetags.admin_list import results
from django.contrib.syndication.views import Feed
from django.db import models
from django.test import RequestFactory
from rest_framework import generics, serializers

ROWS = 3


class Poet(models.Model):
    name = models.CharField(max_length=20)

    class Meta:
        app_label = "truth"


class Poem(models.Model):
    author = models.ForeignKey(Poet, on_delete=models.CASCADE, related_name="posts")

    class Meta:
        app_label = "truth"

    def get_absolute_url(self) -> str:
        return f"/{self.pk}/"


django_world.create_tables(Poet, Poem)


class PostSerializer(serializers.ModelSerializer[Poem]):
    author_name = serializers.SerializerMethodField()
    others = serializers.SerializerMethodField(method_name="count_others")

    class Meta:
        model = Poem
        fields: ClassVar = ["author_name", "others"]

    def get_author_name(self, obj: Poem) -> str:
        return obj.author.name

    def count_others(self, obj: Poem) -> int:
        return Poem.objects.filter(author=obj.author_id).count()


class Nested(serializers.ModelSerializer[Poet]):
    posts = PostSerializer(many=True)

    class Meta:
        model = Poet
        fields: ClassVar = ["posts"]


class Joined(serializers.ModelSerializer[Poem]):
    class Writer(serializers.ModelSerializer[Poet]):
        class Meta:
            model = Poet
            fields: ClassVar = ["name"]

    author = Writer()

    class Meta:
        model = Poem
        fields: ClassVar = ["author"]


class Sourced(serializers.ModelSerializer[Poem]):
    name = serializers.CharField(source="author.name")

    class Meta:
        model = Poem
        fields: ClassVar = ["name"]


class Slugged(serializers.ModelSerializer[Poem]):
    author = serializers.SlugRelatedField(slug_field="name", read_only=True)  # type: ignore[var-annotated]

    class Meta:
        model = Poem
        fields: ClassVar = ["author"]


class Keyed(serializers.ModelSerializer[Poem]):
    class Meta:
        model = Poem
        fields: ClassVar = ["author"]


class KeyedMany(serializers.ModelSerializer[Poet]):
    class Meta:
        model = Poet
        fields: ClassVar = ["posts"]


class WholeWriter(serializers.ModelSerializer[Poet]):
    class Meta:
        model = Poet
        fields = "__all__"


class Posts(generics.ListAPIView[Poem]):
    authentication_classes = ()
    permission_classes = ()
    queryset = Poem.objects.all()
    serializer_class = PostSerializer


class PostFeed(Feed):  # type: ignore[type-arg]
    title = link = description = "posts"
    rows: models.QuerySet[Poem]

    def items(self) -> models.QuerySet[Poem]:
        return self.rows

    def item_title(self, item: Poem) -> str:
        return ""

    def item_description(self, item: Poem) -> str:
        return ""

    def item_author_name(self, item: Poem) -> str:
        return item.author.name


class PostAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("pk", "others")
    list_display_links = None
    show_full_result_count = False

    def others(self, obj: Poem) -> int:
        return Poem.objects.filter(author=obj.author_id).count()


@pytest.fixture(autouse=True)
def rows() -> Iterator[None]:
    with django_world.rolled_back():
        for number in range(ROWS):
            Poem.objects.create(author=Poet.objects.create(name=str(number)))
        yield


def _view() -> None:
    Posts.as_view()(RequestFactory().get("/"))


def _serialized(posts: models.QuerySet[Poem]) -> None:
    assert len(PostSerializer(posts, many=True).data) == ROWS


def _nested() -> None:
    assert len(Nested(Poet.objects.prefetch_related("posts"), many=True).data) == ROWS


def _feed(posts: models.QuerySet[Poem]) -> None:
    type("Own", (PostFeed,), {"rows": posts})()(RequestFactory().get("/"))


def _changelist() -> None:
    request = RequestFactory().get("/")
    made = PostAdmin(Poem, admin.AdminSite())
    request.user = SimpleNamespace(has_perm=lambda *_: True)  # type: ignore[assignment]
    changes = made.get_changelist_instance(request)
    changes.formset = None
    assert len(list(results(changes))) == ROWS


@pytest.mark.parametrize(
    ("work", "queries"),
    [
        (_view, 1 + 2 * ROWS),
        (lambda: _serialized(Poem.objects.all()), 1 + 2 * ROWS),
        (lambda: _serialized(Poem.objects.select_related("author")), 1 + ROWS),
        (_nested, 2 + ROWS),
        (lambda: _feed(Poem.objects.all()), 1 + ROWS),
        (lambda: _feed(Poem.objects.select_related("author")), 1),
    ],
)
def test_methods_are_called_for_each_row(work: Callable[[], None], queries: int) -> None:
    with django_world.statements() as sent:
        work()
    assert len(sent) == queries, sent


@pytest.mark.parametrize(
    ("shown", "rows_of", "queries"),
    [
        (Joined, Poem, 1 + ROWS),
        (Sourced, Poem, 1 + ROWS),
        (Slugged, Poem, 1 + ROWS),
        (Keyed, Poem, 1),
        (KeyedMany, Poet, 1 + ROWS),
        (WholeWriter, Poet, 1),
    ],
)
def test_fields_read_each_row(shown: Any, rows_of: type[models.Model], queries: int) -> None:
    with django_world.statements() as sent:
        assert len(shown(rows_of._default_manager.all(), many=True).data) == ROWS
    assert len(sent) == queries, sent


def test_columns_of_an_admin_list_are_asked_for_each_row() -> None:
    with django_world.statements() as sent:
        _changelist()
    assert sum("WHERE" in each for each in sent) == ROWS, sent
