"""What templates keep, as their tags say it."""

from __future__ import annotations

import pytest

from slowpath.source import source_of
from slowpath.templates import Fragment, fragments, is_template, keeps_fragments


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{% cache 500 sidebar %}", Fragment("sidebar", (), "500", 1, 1)),
        ("\n  {% cache 500 sidebar user.id 'a b' %}", Fragment("sidebar", ("user.id", "'a b'"), "500", 2, 3)),
        ("{%- cache hour menu language using='fragments' -%}", Fragment("menu", ("language",), "hour", 1, 1)),
        ('{% cache value|default:"1 2" menu %}', Fragment("menu", (), 'value|default:"1 2"', 1, 1)),
        ("{% cache 5 discount '5%' %}", Fragment("discount", ("'5%'",), "5", 1, 1)),
        ('{% cache 60, "menu" %}', Fragment("", (), "", 1, 1)),
        ('{% cachedblock "menu" %}', Fragment("", (), "", 1, 1)),
    ],
)
def test_fragments(text: str, expected: Fragment) -> None:
    assert list(fragments(f"{text}\n<p>{{{{ title }}}}</p>{{% endcache %}}")) == [expected]
    assert keeps_fragments(source_of("page.html", text))


@pytest.mark.parametrize("text", ["", "cache", "{% load cache %}", "{% endcache %}", "{{ cache }}", "{% if cache %}"])
def test_nothing_is_kept(text: str) -> None:
    assert not list(fragments(text))
    assert not keeps_fragments(source_of("page.html", text))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("page.html", True),
        ("shop/templates/mail.txt", True),
        ("shop/jinja2/feed.xml", True),
        ("notes.txt", False),
        ("templates.txt", False),
        ("shop/templates/tags.py", False),
    ],
)
def test_is_template(path: str, *, expected: bool) -> None:
    assert is_template(path) is expected
