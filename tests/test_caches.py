"""`slowpath cache`: what is shown of a project's caches."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from slowpath.cli import main

FILES = {
    "shop/__init__.py": "",
    "shop/models.py": """
        from django.db import models


        class Price(models.Model):
            name = models.CharField(max_length=20)
            value = models.IntegerField()
        """,
    "shop/prices.py": """
        from functools import lru_cache

        from django.core.cache import cache

        from shop.models import Price


        @lru_cache
        def currencies():
            return dict(Price.objects.values_list("name", "value"))


        def price(name):
            found = cache.get(f"price:{name}")
            if found is None:
                found = Price.objects.get(name=name).value
                cache.set(f"price:{name}", found, 60 * 60)
            return found


        def number():
            return cache.get_or_set("prices", lambda: Price.objects.count(), None)


        def anything(key):
            return cache.get(key)
        """,
    "shop/signals.py": """
        from django.core.cache import cache
        from django.db.models.signals import post_delete, post_save
        from django.dispatch import receiver

        from shop.models import Price


        @receiver([post_save, post_delete], sender=Price)
        def forget(instance, **kwargs):
            cache.delete(f"price:{instance.name}")
        """,
}


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(dedent(text).lstrip())
    (tmp_path / "pyproject.toml").write_text("[tool.slowpath]\n")
    monkeypatch.chdir(tmp_path)


def test_all_keys(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cache"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "price:{name}  django.core.cache.backends.base.BaseCache",
        "  filled     shop/prices.py:17  from Price (shop/prices.py:16)  for 60 * 60",
        "  read       shop/prices.py:14",
        "  forgotten  shop/signals.py:10  as `price:{instance.name}`  when a Price is saved or a Price is deleted",
        "",
        "prices  django.core.cache.backends.base.BaseCache",
        "  filled     shop/prices.py:22  from Price  for ever",
        "  forgotten  nowhere",
        "",
        "currencies()  lru_cache",
        "  filled     shop/prices.py:9  from Price (shop/prices.py:10)",
        "  forgotten  nowhere",
        "",
        "keys that nobody can tell from the code",
        "  read       shop/prices.py:26  `{key}`",
        "",
        "3 keys, 2 of them filled and never forgotten",
    ]


def test_only_keys_with_a_text_in_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cache", "Price:"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "price:{name}  django.core.cache.backends.base.BaseCache"
    assert lines[-1] == "1 key, 0 of them filled and never forgotten"


MORE = """
    from django.core.cache import cache

    from shop.models import Price


    def page(name, number):
        return cache.get_or_set(f"page:{name}:{number}", lambda: list(Price.objects.all()[:number]), 60)


    def menu(name):
        return cache.get_or_set(f"{name}:menu", lambda: list(Price.objects.all()), 60)


    def forget_pages(name):
        cache.delete_pattern(f"page:{name}:*")


    def forget_first_page(name):
        cache.delete(f"page:{name}:1")


    def forget_prices():
        cache.delete_pattern("price*")


    def start_again():
        cache.clear()
    """


def test_keys_that_may_be_one_another(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "shop/pages.py").write_text(dedent(MORE).lstrip())
    assert main(["cache"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "page:{name}:{number}  django.core.cache.backends.base.BaseCache",
        "  filled     shop/pages.py:7  from Price  for 60",
        "  forgotten  shop/pages.py:15  as `page:{name}:{*}`",
        "  forgotten  shop/pages.py:19  as `page:{name}:1`",
        "",
        "price:{name}  django.core.cache.backends.base.BaseCache",
        "  filled     shop/prices.py:17  from Price (shop/prices.py:16)  for 60 * 60",
        "  read       shop/prices.py:14",
        "  forgotten  shop/pages.py:23  as `price{*}`",
        "  forgotten  shop/signals.py:10  as `price:{instance.name}`  when a Price is saved or a Price is deleted",
        "",
        "prices  django.core.cache.backends.base.BaseCache",
        "  filled     shop/prices.py:22  from Price  for ever",
        "  forgotten  shop/pages.py:23  as `price{*}`",
        "",
        "{name}:menu  django.core.cache.backends.base.BaseCache",
        "  filled     shop/pages.py:11  from Price  for 60",
        "  forgotten  perhaps  shop/pages.py:15  as `page:{name}:{*}`",
        "  forgotten  perhaps  shop/pages.py:23  as `price{*}`",
        "  forgotten  perhaps  shop/signals.py:10  as `price:{instance.name}`",
        "",
        "currencies()  lru_cache",
        "  filled     shop/prices.py:9  from Price (shop/prices.py:10)",
        "  forgotten  nowhere",
        "",
        "keys that nobody can tell from the code",
        "  read       shop/prices.py:26  `{key}`",
        "",
        "all that is kept in django.core.cache.backends.base.BaseCache",
        "  forgotten  shop/pages.py:27",
        "",
        "5 keys, 1 of them filled and never forgotten",
    ]
