"""What Django keeps of a view's answers, run: everybody gets the first one's, unless the key tells them apart."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import sys

import django
from django.conf import settings

settings.configure(
    ROOT_URLCONF="__main__",
    SECRET_KEY="x",
    ALLOWED_HOSTS=["*"],
    SESSION_ENGINE="django.contrib.sessions.backends.cache",
    CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
    INSTALLED_APPS=["django.contrib.sessions"],
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware"],
    TEMPLATES=[{
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "OPTIONS": {"loaders": [("django.template.loaders.locmem.Loader", {
            "page.html": "{% load cache %}{% cache 60 part who %}{{ who }}{% endcache %}",
            "quoted.html": "{% load cache %}{% cache 60 'quoted' who %}{{ who }}{% endcache %}",
        })]},
    }],
)
django.setup()

from django.core.cache import cache
from django.core.cache.utils import make_template_fragment_key
from django.http import HttpResponse
from django.shortcuts import render
from django.test import Client
from django.urls import path
from django.views.decorators.cache import cache_page
from django.views.decorators.vary import vary_on_cookie


def who(request):
    return HttpResponse(request.session.get("who", "nobody"))


def enter(request, name):
    request.session["who"] = name
    return HttpResponse("")


def page(request):
    return render(request, "page.html", {"who": "me"})


def quoted(request):
    return render(request, "quoted.html", {"who": "me"})


urlpatterns = [
    path("enter/<name>", enter),
    path("kept", cache_page(60)(who)),
    path("apart", cache_page(60)(vary_on_cookie(who))),
    path("page", page),
    path("quoted", quoted),
]


def asked(address):
    clients = [Client(), Client()]
    for name, client in zip(("ada", "bob"), clients):
        client.get(f"/enter/{name}")
    return [client.get(address).content.decode() for client in clients]


print(asked("/kept"), asked("/apart"))
Client().get("/page")
Client().get("/quoted")
forgotten = [
    cache.delete(make_template_fragment_key(name, values))
    for name, values in (("part", []), ("part", ["me", "you"]), ("other", ["me"]), ("quoted", ["me"]), ("part", ["me"]))
]
print(forgotten)
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    pytest.importorskip("django")
    program = tmp_path_factory.mktemp("kept") / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    run = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout.splitlines()


def test_answers_are_kept_for_whoever_asks(said: list[str]) -> None:
    assert said[0] == "['ada', 'ada'] ['ada', 'bob']"


def test_fragments_are_forgotten_by_name_and_by_as_many_values(said: list[str]) -> None:
    assert said[1] == str([False, False, False, False, True])
