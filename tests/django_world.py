"""Django on an in-memory SQLite, set up once for all the test modules that execute it.

A test module calls `start()` before it imports or defines a model. Models of its own carry
`app_label = "truth"`, the one app here that is not the shop's or Django's.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import django
from django.apps import apps
from django.conf import settings
from django.db import connection, models, transaction
from django.test.utils import CaptureQueriesContext

TESTS = Path(__file__).resolve().parent
SHOP = TESTS.parent / "fixtures" / "shop"
TRANSACTION_CONTROL = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")


def start() -> None:
    """Configure Django with the shop's own settings, unless that is done, and make the tables."""
    if settings.configured:
        return
    sys.path[:0] = [str(SHOP), str(TESTS)]
    from django_shop import settings as shop

    values = {name: value for name, value in vars(shop).items() if name.isupper()}
    values["INSTALLED_APPS"] = [*shop.INSTALLED_APPS, "truth"]
    values["DATABASES"] = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
    settings.configure(**values)
    django.setup()
    create_tables(*apps.get_models())


def create_tables(*created: type[models.Model]) -> None:
    """Make the tables of these models, and of the links of their many-to-many fields."""
    with connection.schema_editor() as editor:
        for model in created:
            editor.create_model(model)


@contextmanager
def rolled_back() -> Iterator[None]:
    """A transaction of which nothing stays."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@contextmanager
def statements() -> Iterator[list[str]]:
    """The SQL sent inside the block, complete when it ends, transaction control left out."""
    sent: list[str] = []
    with CaptureQueriesContext(connection) as captured:
        yield sent
    sent += [query["sql"] for query in captured if not query["sql"].startswith(TRANSACTION_CONTROL)]
