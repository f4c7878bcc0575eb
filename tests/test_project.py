"""What names mean in small projects of several files."""

from __future__ import annotations

from textwrap import dedent

import pytest

from slowpath.declarations import declare
from slowpath.expression import ImportedName
from slowpath.project import Project, link
from slowpath.references import ClassRef, External, FunctionRef, ModuleRef, Resolved, ValueRef
from slowpath.source import source_of


def project(files: dict[str, str]) -> Project:
    """The project of these files, whatever their order."""
    linked = [link(declare(source_of(path, dedent(files[path]))) for path in order) for order in (files, sorted(files))]
    assert list(linked[0].modules) == list(linked[1].modules)
    return linked[0]


def shown(found: Resolved | None) -> str:
    """`kind name`."""
    match found:
        case None:
            return "nothing"
        case ModuleRef(module=module):
            return f"module {module}"
        case ValueRef(module=module, name=name):
            return f"value {module}:{name}"
        case ClassRef(module=module, qualname=name):
            return f"class {module}:{name}"
        case FunctionRef(module=module, qualname=name):
            return f"function {module}:{name}"
        case External(name=name):
            return f"external {name}"


@pytest.mark.parametrize(
    ("files", "modules"),
    [
        (["src/app/__init__.py", "src/app/models.py"], ["app", "app.models"]),
        (["a/b/c/__init__.py", "a/b/c/d/__init__.py", "a/b/c/d/e.py"], ["c", "c.d", "c.d.e"]),
        (["manage.py", "shop/models.py"], ["manage", "models"]),
        (["__init__.py", "a.py"], ["__init__", "a"]),
        (["manage.py", "b/manage.py", "a/manage.py"], ["manage", "b.manage", "a.manage"]),
        (["a/x.py", "b/x.py", "c/b/x.py"], ["x", "b.x", "c.b.x"]),
        (["a/b.py", "a.b.py"], ["b", "a.b"]),
        (["x/a.py", "x/a/__init__.py"], ["a", "x.a"]),
        (["x.y/a.py", "z/a.py", "z.a.py"], ["a", "z/a.py", "z.a"]),
    ],
)
def test_modules_have_names(files: list[str], modules: list[str]) -> None:
    linked = project(dict.fromkeys(files, ""))
    assert [linked.module_at(path) for path in files] == modules
    assert [linked.path_of(module) for module in modules] == files
    assert sorted(modules) == list(linked.modules)
    assert linked.module_at("nowhere.py") is None


SHOP = {
    "shop/__init__.py": "from .models import Order\nfrom . import helpers as tools\nfrom .lines import lines",
    "shop/models.py": """
        from django.db import models
        import django.db.models.functions
        import numpy as np
        import shop.helpers
        import nowhere.inside as deep
        from . import helpers
        from .helpers import total as sum_of, Missing
        from ..too_far import x
        try:
            import ujson as json
        except ImportError:
            import json
        try:
            import fast
        except ImportError:
            fast = None
        class Order(models.Model):
            class Status: ...
            class Meta: ...
            def total(self): ...
        class Big(Order): ...
        class Twice: ...
        Twice = wrapped(Twice)
        limit = 1
        """,
    "shop/helpers.py": "from shop.models import Order\ndef total(): ...\ndef min(): ...",
    "shop/lines.py": "def lines(): ...",
    "shop/deep/__init__.py": "from .inner import *\nfrom . import inner",
    "shop/deep/inner.py": "from ..models import Order, Big as Large\nfrom ...shop import tools\n_hidden = 1\nshown = 2",
    "shop/deep/listed.py": "__all__ = ['_hidden', 'Order']\nfrom .inner import _hidden, shown, Order",
    "shop/stars.py": "from .deep.listed import *\nfrom .deep import *\nfrom shop.stars import *",
    "shop/library.py": "from django.db.models import *\nfrom .lines import *",
    "shop/libraries.py": "from a import *\nfrom b import *",
    "shop/round.py": "from .about import x\nfrom .about import *",
    "shop/about.py": "from .round import x\nfrom .round import *\nfrom .lines import *",
    "main.py": "import shop\nimport shop.deep.inner\nimport shop.models as m\n"
    "from shop import deep, lines, Order as O, nothing",
}


@pytest.mark.parametrize(
    ("module", "name", "expected"),
    [
        ("shop.models", "Order", "class shop.models:Order"),
        ("shop.models", "limit", "value shop.models:limit"),
        ("shop.models", "models.Q", "external django.db.models.Q"),
        ("shop.models", "django.db.models.functions.Lower", "external django.db.models.functions.Lower"),
        ("shop.models", "np.x.y", "external numpy.x.y"),
        ("shop.models", "deep.x", "external nowhere.inside.x"),
        ("shop.models", "len", "external builtins.len"),
        ("shop.models", "unheard_of", "nothing"),
        ("shop.models", "unheard_of.x", "nothing"),
        ("shop.models", "json.dumps", "external ujson.dumps"),
        ("shop.models", "fast.x", "external fast.x"),
        ("shop.models", "helpers", "module shop.helpers"),
        ("shop.models", "helpers.total", "function shop.helpers:total"),
        ("shop.models", "helpers.missing", "nothing"),
        ("shop.models", "helpers.len", "nothing"),
        ("shop.models", "sum_of", "function shop.helpers:total"),
        ("shop.models", "Missing", "nothing"),
        ("shop.models", "x", "nothing"),
        ("shop.models", "shop.helpers.Order.Status", "class shop.models:Order.Status"),
        ("shop.models", "Big.Status", "class shop.models:Order.Status"),
        ("shop.models", "Big.total", "function shop.models:Order.total"),
        ("shop.models", "Big.objects", "nothing"),
        ("shop.models", "limit.real", "nothing"),
        ("shop.models", "Twice", "class shop.models:Twice"),
        ("shop.helpers", "min", "function shop.helpers:min"),
        ("shop", "Order", "class shop.models:Order"),
        ("shop", "tools.total", "function shop.helpers:total"),
        ("shop", "models.Order", "nothing"),
        ("shop.deep", "Large", "class shop.models:Big"),
        ("shop.deep", "shown", "value shop.deep.inner:shown"),
        ("shop.deep", "_hidden", "nothing"),
        ("shop.deep.inner", "tools", "module shop.helpers"),
        ("shop.stars", "_hidden", "value shop.deep.inner:_hidden"),
        ("shop.stars", "shown", "value shop.deep.inner:shown"),
        ("shop.stars", "inner", "module shop.deep.inner"),
        ("shop.stars", "unheard_of", "nothing"),
        ("shop.library", "lines", "function shop.lines:lines"),
        ("shop.library", "Q", "external django.db.models.Q"),
        ("shop.library", "len", "external builtins.len"),
        ("shop.libraries", "Q", "nothing"),
        ("shop.round", "x", "nothing"),
        ("shop.round", "lines", "function shop.lines:lines"),
        ("shop.about", "lines", "function shop.lines:lines"),
        ("main", "shop.Order", "class shop.models:Order"),
        ("main", "shop.models.Order.Meta", "class shop.models:Order.Meta"),
        ("main", "shop.lines", "function shop.lines:lines"),
        ("main", "lines", "function shop.lines:lines"),
        ("main", "m.helpers.total", "function shop.helpers:total"),
        ("main", "shop.deep.inner.Large", "class shop.models:Big"),
        ("main", "deep", "module shop.deep"),
        ("main", "O", "class shop.models:Order"),
        ("main", "nothing", "external shop.nothing"),
    ],
)
def test_names_mean_something(module: str, name: str, expected: str) -> None:
    linked = project(SHOP)
    assert shown(linked.resolve(module, name)) == expected
    assert shown(linked.resolve(module, name)) == expected


def test_the_order_of_asking_changes_nothing() -> None:
    names = ["x", "lines", "Order", "shown", "_hidden", "tools", "limit"]
    questions = [(module, name) for module in sorted(project(SHOP).modules) for name in names]
    forwards, backwards = project(SHOP), project(SHOP)
    there = {question: forwards.resolve(*question) for question in questions}
    back = {question: backwards.resolve(*question) for question in reversed(questions)}
    assert there == back


@pytest.mark.parametrize(
    ("files", "importer", "name", "expected"),
    [
        # Packages and folders above the root of a name.
        (["src/app/__init__.py", "src/app/a.py", "tests/t.py"], "tests/t.py: from app import a", "a", "module app.a"),
        (["src/app/__init__.py", "src/app/a.py"], "t.py: from src.app import a", "a", "module app.a"),
        (["ns/app/__init__.py", "ns/app/a.py"], "t.py: import ns.app.a", "ns.app.a", "module app.a"),
        (["ns/app/a.py"], "t.py: from ns.app import a", "a", "module a"),
        (["ns/app/a.py"], "ns/app/b.py: from . import a", "a", "module a"),
        (["ns/app/a.py"], "ns/other/b.py: from ..app import a", "a", "module a"),
        (["shop.py"], "shop/b.py: from . import a", "a", "nothing"),
        # Several modules of one name: the neighbour's.
        (["a/conf.py", "b/conf.py"], "b/t.py: import conf", "conf", "module b.conf"),
        (["a/conf.py", "b/conf.py"], "a/t.py: import conf", "conf", "module conf"),
        (["a/conf.py", "b/conf.py"], "t.py: import conf", "conf", "external conf"),
        (["a/p/__init__.py", "b/p/__init__.py", "b/p/c.py"], "b/t.py: import p.c", "p.c", "module p.c"),
        # A package inside a package is not on `sys.path`.
        (
            ["apps/__init__.py", "apps/users/__init__.py", "apps/users/a.py"],
            "t.py: from users import a",
            "a",
            "external users.a",
        ),
        (["apps/__init__.py", "apps/users/__init__.py"], "t.py: import users", "users", "external users"),
        # Unless the service is started from there.
        (
            ["apps/__init__.py", "apps/manage.py", "apps/users/__init__.py", "apps/users/a.py"],
            "apps/shop/b.py: from users import a",
            "a",
            "module users.a",
        ),
        (
            ["apps/__init__.py", "apps/manage.py", "apps/users/__init__.py", "apps/users/a.py"],
            "t.py: from apps.users import a",
            "a",
            "module users.a",
        ),
        # Or its own code puts the folder on the search path, and however it says so.
        (
            [
                "apps/__init__.py",
                "apps/users/__init__.py",
                "apps/users/a.py",
                'conf/base.py: import os, sys\nAPPS = os.path.join(ROOT, "apps")\nsys.path.append(APPS)',
            ],
            "apps/shop/b.py: from users import a",
            "a",
            "module apps.users.a",
        ),
        (
            [
                "src/site/apps/__init__.py",
                "src/site/apps/users/__init__.py",
                "src/site/apps/users/a.py",
                "src/site/__init__.py",
                'src/manage.py: import sys\nif x:\n    sys.path.insert(0, str(HERE / "site" / "apps"))',
            ],
            "src/site/t.py: import users.a as a",
            "a",
            "module site.apps.users.a",
        ),
        (
            ["apps/__init__.py", "apps/users/__init__.py", "m.py: import sys\nsys.path.append(find('apps'))"],
            "t.py: import users",
            "users",
            "external users",
        ),
        (
            ["x/__init__.py", "x/redis/__init__.py", "x/redis/a.py"],
            "x/redis/b.py: import redis.a as a",
            "a",
            "external redis.a",
        ),
        # Modules called like a library.
        (["p/__init__.py", "p/celery.py"], "p/tasks.py: import celery", "celery", "external celery"),
        (["p/__init__.py"], "p/celery.py: from celery import Celery", "Celery", "external celery.Celery"),
        (["celery.py: import celery"], "t.py: import celery", "celery", "external celery"),
        (["celery.py"], "t.py: import celery", "celery", "module celery"),
        (["scripts/redis.py"], "app/t.py: import redis", "redis", "external redis"),
        (["a/queue.py"], "a/t.py: import queue", "queue", "external queue"),
        (["a/logging/config.py"], "a/t.py: import logging.config", "logging.config", "external logging.config"),
        (["platform/__init__.py", "platform/a.py"], "t.py: import platform.a", "platform.a", "module platform.a"),
        (["p/__init__.py", "p/gap/drf/__init__.py"], "t.py: import drf", "drf", "external drf"),
        (["p/__init__.py", "p/gap/drf/__init__.py"], "p/gap/t.py: import drf", "drf", "module drf"),
        (["p/__init__.py", "p/gap/drf/__init__.py"], "t.py: import p.gap.drf", "p.gap.drf", "module drf"),
        (["p/__init__.py", "p/gap/a.py"], "t.py: from p import gap", "gap.a", "module a"),
        (["p/__init__.py", "p/gap/a.py"], "p/t.py: from . import gap", "gap.a", "module a"),
        (["p/__init__.py", "p/gap/a.py"], "p/t.py: from .gap import a", "a", "module a"),
        (["l/openai/__init__.py"], "l/openai/a.py: from openai import OpenAI", "OpenAI", "external openai.OpenAI"),
    ],
)
def test_imports_find_files(files: list[str], importer: str, name: str, expected: str) -> None:
    texts = {path: code for path, _, code in (file.partition(": ") for file in [*files, importer])}
    linked = project(texts)
    module = linked.module_at(importer.partition(": ")[0])
    assert module
    assert shown(linked.resolve(module, name)) == expected


def test_imports_in_functions_mean_the_same() -> None:
    linked = project(SHOP)
    assert linked.resolve_import("main", ImportedName("b", "shop", "Order", 0)) == ClassRef("shop.models", "Order")
    assert linked.resolve_import("shop.lines", ImportedName("b", "models", "Big", 1)) == ClassRef("shop.models", "Big")
    assert linked.resolve_import("main", ImportedName("os", "os", "", 0)) == External("os")


CLASSES = {
    "base.py": """
        from typing import Generic
        from django.db import models
        class Base(models.Model):
            class Meta:
                abstract = True
            size = 1
            size = 2
            def save(self): ...
            @property
            def total(self): return 1
            @total.setter
            def total(self, value): ...
        class Left(Base):
            def left(self): ...
        class Right(Base):
            size = 3
            def left(self): ...
            def right(self): ...
        class Both(Left, Right): ...
        Alias = Both
        """,
    "more.py": """
        from base import *
        import base as b
        class Typed(b.Left, Generic[T]): ...
        class Aliased(Alias):
            class Meta(b.Base.Meta): ...
            class Other(Meta): ...
        class Called(Base.from_queryset(x), Base): ...
        class Unknown(Nowhere): ...
        class Below(Unknown): ...
        class Plain: ...
        class Cycle(Elcyc): ...
        class Elcyc(Cycle, Base): ...
        class Own(Own): ...
        class Clash(Base, Left): ...
        def make():
            class Local(Base): ...
            class Inner(Local): ...
        """,
}

MODEL = "django.db.models.Model"


@pytest.mark.parametrize(
    ("name", "ancestors", "complete"),
    [
        ("base:Base", f"base:Base {MODEL}", True),
        ("base:Both", f"base:Both base:Left base:Right base:Base {MODEL}", True),
        ("base:Base.Meta", "base:Base.Meta", True),
        ("more:Typed", f"more:Typed base:Left base:Base {MODEL} typing.Generic", True),
        ("more:Aliased", f"more:Aliased base:Both base:Left base:Right base:Base {MODEL}", True),
        ("more:Aliased.Meta", "more:Aliased.Meta base:Base.Meta", True),
        ("more:Aliased.Other", "more:Aliased.Other more:Aliased.Meta base:Base.Meta", True),
        ("more:Called", f"more:Called base:Base {MODEL}", False),
        ("more:Unknown", "more:Unknown", False),
        ("more:Below", "more:Below more:Unknown", False),
        ("more:Plain", "more:Plain", True),
        ("more:Cycle", f"more:Cycle more:Elcyc base:Base {MODEL}", True),
        ("more:Elcyc", f"more:Elcyc more:Cycle base:Base {MODEL}", True),
        ("more:Own", "more:Own", True),
        ("more:Clash", f"more:Clash base:Base base:Left {MODEL}", True),
        ("more:make.Local", f"more:make.Local base:Base {MODEL}", True),
        ("more:make.Inner", f"more:make.Inner more:make.Local base:Base {MODEL}", True),
    ],
)
def test_ancestors(name: str, ancestors: str, complete: bool) -> None:
    linked = project(CLASSES)
    found = [shown(ancestor).partition(" ")[2] for ancestor in linked.ancestors(class_named(name))]
    assert " ".join(found) == ancestors
    assert linked.complete(class_named(name)) == complete


def class_named(name: str) -> ClassRef:
    """The class written `module:qualname`."""
    module, _, qualname = name.partition(":")
    return ClassRef(module, qualname)


def test_a_class_takes_the_place_of_an_import() -> None:
    linked = project(
        {
            "schemas.py": "class User: ...\nclass Order: ...\nclass Item: ...\n",
            "models.py": """
                from schemas import Item, Order, User
                class Base: ...
                class User(Base): ...
                class Order(Order): ...
                try:
                    from fast import Thing
                except ImportError:
                    class Thing: ...
                """,
            "main.py": "from models import *\n",
        }
    )
    assert linked.resolve("main", "User") == ClassRef("models", "User")
    assert linked.resolve("main", "Item") == ClassRef("schemas", "Item")
    assert linked.resolve("main", "Thing") == External("fast.Thing")
    assert linked.bases(ClassRef("models", "Order")) == (ClassRef("schemas", "Order"),)


def test_bases_are_as_written() -> None:
    linked = project(CLASSES)
    assert linked.bases(ClassRef("more", "Called")) == (None, ClassRef("base", "Base"))
    assert linked.bases(ClassRef("more", "Plain")) == ()


def test_members_are_inherited() -> None:
    linked = project(CLASSES)
    both = ClassRef("base", "Both")
    assert linked.method(both, "left") == FunctionRef("base", "Left.left")
    assert linked.method(both, "right") == FunctionRef("base", "Right.right")
    assert linked.method(both, "save") == FunctionRef("base", "Base.save")
    assert linked.method(both, "delete") is None
    assert linked.inner_class(both, "Meta") == ClassRef("base", "Base.Meta")
    assert linked.inner_class(both, "Status") is None
    assert list(linked.own_methods(ClassRef("base", "Base"))) == ["save", "total"]
    assert linked.attribute(both, "name") is None


def test_the_last_assignment_of_the_nearest_class_counts() -> None:
    linked = project(CLASSES)
    lines = {name: linked.attribute(ClassRef("base", name), "size") for name in ("Both", "Left")}
    assert {name: (found[0].qualname, found[1].line) for name, found in lines.items() if found} == {
        "Both": ("Right", 17),
        "Left": ("Base", 8),
    }


def test_a_property_is_the_function_that_reads_it() -> None:
    linked = project(CLASSES)
    total = linked.method(ClassRef("base", "Both"), "total")
    assert total
    assert len(linked.function_of(total).parameters) == 1


def test_subclasses() -> None:
    linked = project(CLASSES)
    expected = ["base:Both", "more:Aliased"]
    assert [f"{each.module}:{each.qualname}" for each in linked.subclasses(ClassRef("base", "Right"))] == expected
    models = linked.subclasses(External(MODEL))
    assert models[:2] == (ClassRef("base", "Base"), ClassRef("base", "Both"))
    assert ClassRef("more", "make.Inner") in models
    assert linked.subclasses(External("nothing")) == ()
    assert linked.subclasses(ClassRef("more", "Cycle")) == (ClassRef("more", "Elcyc"),)


def test_classes_come_in_order() -> None:
    linked = project({"b.py": "class B: ...\nclass A: ...\nclass B: ...", "a.py": "class C:\n  class D: ..."})
    assert [each.name for each in linked.classes()] == ["a.C", "a.C.D", "b.B", "b.A"]


def test_the_last_assignment_is_the_value() -> None:
    linked = project({"a.py": "x = 1\nx = 2\ny = 3"})
    found = linked.resolve("a", "x")
    assert isinstance(found, ValueRef)
    assert linked.assignment(found).line == 2


def test_files_that_cannot_be_parsed_declare_nothing() -> None:
    linked = project({"a.py": "x = (", "b.py": "from a import x\nimport a"})
    assert linked.resolve("b", "a.x") is None
    assert linked.resolve("b", "a") == ModuleRef("a")
