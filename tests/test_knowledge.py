"""Knowledge: what tables may say, how they are merged, and that ours are about things that exist."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass

import django
import pytest
import sqlalchemy
from django.db.models import Manager, Model, QuerySet
from sqlalchemy import Connection, Delete, Insert, MappingResult, Result, ScalarResult, Select, Update
from sqlalchemy.orm import Query, Session

from slowpath.knowledge import builtin, load, merge, object_type
from slowpath.tables import KnowledgeError, parse
from slowpath.vocabulary import Fact, Knowledge, Limit, Type

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

OURS = builtin()
WANTED_LIMIT = "expected the argument's name, its position if it has one, and `unless` what sets it elsewhere"


def knowledge(*tomls: str) -> Knowledge:
    """The knowledge of these tables alone."""
    return merge(parse(tomllib.loads(toml), f"{number}.toml") for number, toml in enumerate(tomls))


def facts(known: Knowledge, name: str) -> Mapping[str, Fact]:
    """What the methods of a type do."""
    return known.types[name].methods


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("formt = 1", "0.toml: formt: no such key; did you mean `format`?"),
        ("format = 2", "0.toml: format: this slowpath reads format 1"),
        ("type = 1", "0.toml: type: expected a table"),
        ('type."a.B" = 1', '0.toml: type."a.B": expected a table'),
        ('type."a.B".refin = []', '0.toml: type."a.B".refin: no such key; did you mean `refine`?'),
        ('type."a.B".kind = "cleint"', '0.toml: type."a.B".kind: no kind `cleint`; did you mean `client`?'),
        ('type."a.B".kind = 1', '0.toml: type."a.B".kind: no kind `1`'),
        ('type."a.B".sends = 1', '0.toml: type."a.B".sends: expected a string'),
        ('type."a.B".awaitable = 1', '0.toml: type."a.B".awaitable: expected true or false'),
        ('type."a.B".aliases = "a.C"', '0.toml: type."a.B".aliases: expected a list of strings'),
        ('type."a.B".row = "get"', '0.toml: type."a.B".row: expected a list of names, or a table of them'),
        ('type."a.B".row = [1]', '0.toml: type."a.B".row: expected a string'),
        ('type."a.B".row.get = 1', '0.toml: type."a.B".row.get: expected a string'),
        ('type."a.B" = {row = ["get"], rows = ["get"]}', '0.toml: type."a.B".row: `get` is under `rows` already'),
        (
            'type."a.B" = {row = ["first"], cached = ["frist"]}',
            '0.toml: type."a.B".cached: no action here lists `frist`; did you mean `first`?',
        ),
        (
            'type."a.B" = {row = ["get"], argument = {get = true}}',
            '0.toml: type."a.B".argument.get: expected a whole number',
        ),
        (
            'type."a.B".class-methods.sames = []',
            '0.toml: type."a.B".class-methods.sames: no such key; did you mean `same`?',
        ),
        (
            'type."a.B" = {kind = "client", extends = ["a.c"]}\ntype."a.C".kind = "client"',
            '0.toml: type."a.B".extends: no type `a.c`; did you mean `a.C`?',
        ),
        ('function.remotes = ["a.f"]', "0.toml: function.remotes: no such key; did you mean `remote`?"),
        (
            'function.new = ["a.f"]',
            '0.toml: function.new."a.f": does not say what it gives; write its type (`"a.f" = "a.B"`)',
        ),
        ('function.blocks."a.f" = "slep"', '0.toml: function.blocks."a.f": no work `slep`; did you mean `sleep`?'),
        (
            'function = {remote = ["a.f"], time-limit = {"a.f" = "after 2 or so"}}',
            f'0.toml: function.time-limit."a.f": {WANTED_LIMIT}',
        ),
        ('object."a.b" = 1', '0.toml: object."a.b": expected a string'),
    ],
)
def test_an_error_says_where_and_what_was_meant(toml: str, message: str) -> None:
    with pytest.raises(KnowledgeError) as caught:
        knowledge(toml)
    assert str(caught.value) == message


def test_a_type_without_a_kind_is_told_the_kinds() -> None:
    with pytest.raises(KnowledgeError, match=r'^0\.toml: type\."a\.B": has no kind; write one of query, statement, '):
        knowledge('type."a.B".same = ["all"]')


def test_a_users_error_names_the_whole_key() -> None:
    with pytest.raises(KnowledgeError) as caught:
        load({"type": {"shop.Repo": {"rowss": []}}}, "pyproject.toml")
    key = 'tool.slowpath.knowledge.type."shop.Repo".rowss'
    assert str(caught.value) == f"pyproject.toml: {key}: no such key; did you mean `rows`?"
    assert (caught.value.file, caught.value.key) == ("pyproject.toml", key)


def test_every_trait_of_a_type_is_read() -> None:
    known = knowledge(
        """
        [type."a.B"]
        kind = "session"
        aliases = ["b.B"]
        attributes = { user = "a.User", "[]" = "a.Item" }
        enters = "a.C"
        awaitable = true
        implicit-loads = false
        sends = "HTTP"
        calls = "a.D"
        asynchronous = true
        making = "model"
        time-limit = "timeout 3"
        """
    )
    assert known.types["a.B"] is known.types["b.B"]
    assert known.types["a.B"] == Type(
        name="a.B",
        kind="session",
        attributes={"user": "a.User", "[]": "a.Item"},
        enters="a.C",
        awaitable=True,
        implicit_loads=False,
        sends="HTTP",
        calls="a.D",
        asynchronous=True,
        making="model",
        limit=Limit("timeout", 3),
    )


def test_what_is_asynchronous_is_so_of_a_method_a_function_or_all_of_a_type() -> None:
    known = knowledge(
        """
        [type."a.Client"]
        kind = "client"
        remote = ["get", "aget"]
        asynchronous = ["aget"]
        class-methods.new = ["made"]
        [type."a.AsyncClient"]
        asynchronous = true
        extends = ["a.Client"]
        [function]
        remote = ["a.get", "a.aget"]
        asynchronous = ["a.aget"]
        """
    )
    assert [facts(known, "a.Client")[name].asynchronous for name in ("get", "aget")] == [False, True]
    assert all(fact.asynchronous for fact in facts(known, "a.AsyncClient").values())
    assert [known.functions[name].asynchronous for name in ("a.get", "a.aget")] == [False, True]


@pytest.mark.parametrize(
    ("words", "limit"),
    [
        ("timeout", Limit("timeout")),
        ("timeout 2", Limit("timeout", 2)),
        ("timeout unless mount", Limit("timeout", unless="mount")),
        ("timeout 2 unless mount", Limit("timeout", 2, "mount")),
    ],
)
def test_how_waiting_is_limited(words: str, limit: Limit) -> None:
    known = knowledge(f'type."a.B" = {{kind = "client", remote = ["get"], time-limit = {{get = "{words}"}}}}')
    assert facts(known, "a.B")["get"] == Fact("remote", limit=limit)


def test_what_blocks_says_with_which_work() -> None:
    known = knowledge('type."a.Job" = {kind = "plain", blocks = {wait = "process"}}\nfunction.blocks."a.nap" = "sleep"')
    assert facts(known, "a.Job")["wait"] == Fact("blocks", work="process")
    assert known.functions["a.nap"] == Fact("blocks", work="sleep")


def test_a_string_is_what_to_write_instead_or_what_is_made() -> None:
    known = knowledge(
        """
        [type."a.B"]
        kind = "client"
        remote = { get = "mget", incr = "" }
        new = { copy = "", cursor = "a.Cursor" }
        count = ["count"]
        row = ["first"]
        save = { save = "update_many" }
        for-new = { save = "insert_many" }
        gives = { get = "a.Answer" }
        argument = { get = 1 }
        cached = ["count"]
        cached-if-ordered = ["first"]
        class-methods.new = ["connect"]
        """
    )
    assert facts(known, "a.B") == {
        "get": Fact(action="remote", instead="mget", gives="a.Answer", argument=1),
        "incr": Fact(action="remote"),
        "copy": Fact(action="new", gives="a.B"),
        "cursor": Fact(action="new", gives="a.Cursor"),
        "count": Fact(action="count", cached="always"),
        "first": Fact(action="row", cached="if-ordered"),
        "save": Fact(action="save", instead="update_many", for_new="insert_many"),
    }
    assert known.types["a.B"].class_methods == {"connect": Fact(action="new", gives="a.B")}


def test_a_type_has_what_it_extends_and_its_own_wins() -> None:
    known = knowledge(
        """
        [type."a.Base"]
        kind = "client"
        sends = "HTTP"
        aliases = ["a.Root"]
        remote = ["get", "post"]
        class-methods.new = ["connect"]
        [type."a.Other"]
        kind = "plain"
        quiet = ["get", "close"]
        [type."a.Middle"]
        extends = ["a.Root", "a.Other"]
        batch = ["post"]
        [type."a.Leaf"]
        extends = ["a.Middle"]
        remote = ["put"]
        """
    )
    leaf = known.types["a.Leaf"]
    assert {name: fact.action for name, fact in leaf.methods.items()} == {
        "get": "remote",
        "post": "batch",
        "put": "remote",
        "close": "quiet",
    }
    assert (leaf.kind, leaf.sends, leaf.extends) == ("client", "HTTP", ("a.Middle",))
    assert leaf.class_methods["connect"].gives == "a.Leaf"
    assert "a.Root" in known.types and known.types["a.Root"].name == "a.Base"


def test_types_that_extend_one_another_do_not_hang() -> None:
    known = knowledge(
        'type."a.B" = {kind = "plain", extends = ["a.C"]}\ntype."a.C" = {extends = ["a.B"], row = ["get"]}'
    )
    assert known.types["a.C"].kind == "plain"
    assert "get" in facts(known, "a.B")


def test_a_later_table_adds_to_a_type_by_any_of_its_names() -> None:
    known = knowledge(
        'type."a.B" = {kind = "client", aliases = ["b.B"], remote = ["get", "put"]}\nfunction.remote = ["a.f", "a.g"]',
        'type."b.B" = {quiet = ["get"], batch = ["all"]}\nfunction.quiet = ["a.f"]',
    )
    assert {name: fact.action for name, fact in facts(known, "a.B").items()} == {
        "get": "quiet",
        "put": "remote",
        "all": "batch",
    }
    assert known.types["a.B"] is known.types["b.B"]
    assert {name: fact.action for name, fact in known.functions.items()} == {"a.f": "quiet", "a.g": "remote"}


def test_an_object_is_an_attribute_of_its_module() -> None:
    known = knowledge('type."a.B".kind = "client"\nobject."shop.clients.cache" = "a.B"')
    assert known.types["shop.clients"].attributes == {"cache": "a.B"}
    assert object_type(known, "shop.clients.cache") == known.types["a.B"]
    assert object_type(known, "shop.clients.other") is None


def test_words_are_the_names_of_what_does_something() -> None:
    known = knowledge(
        'type."a.B" = {kind = "query", same = ["all"], quiet = ["close"], rows = ["fetch"]}',
        'type."a.B".class-methods.new = ["make"]',
        'function = {remote = ["a.b.send"], quiet = ["a.b.idle"]}',
    )
    assert known.words == {"fetch", "make", "send"}


def test_a_users_table_stands_over_ours() -> None:
    known = load(
        tomllib.loads(
            """
            [type."redis.Redis"]
            quiet = ["get"]
            [type."shop.cache.Cache"]
            extends = ["redis.Redis"]
            remote = { fetch = "fetch_many" }
            [function.new]
            "shop.cache.shared" = "shop.cache.Cache"
            """
        ),
        "pyproject.toml",
    )
    assert facts(known, "redis.StrictRedis")["get"].action == "quiet"
    assert facts(known, "shop.cache.Cache")["hget"] == facts(OURS, "redis.Redis")["hget"]
    assert known.types["shop.cache.Cache"].sends == "Redis"
    assert facts(known, "shop.cache.Cache")["fetch"].instead == "fetch_many"
    assert "fetch" in known.words


def test_without_a_users_table_there_is_ours() -> None:
    assert load(None, "pyproject.toml") == load({}, "pyproject.toml") == OURS


def test_every_type_that_ours_speak_of_is_known_by_the_name_used() -> None:
    named = {name for each in OURS.types.values() for name in (*each.extends, *each.attributes.values())}
    named |= {name for each in OURS.types.values() for name in (each.enters, each.calls)}
    given = [fact for each in OURS.types.values() for fact in (*each.methods.values(), *each.class_methods.values())]
    facts = (*given, *OURS.functions.values())
    named |= {fact.gives for fact in facts if fact.action not in {"model", "held", "text"}}
    assert sorted(name for name in named - {""} if name not in OURS.types or OURS.types[name].name != name) == []


def test_clients_say_what_they_talk_to() -> None:
    assert [each.name for each in OURS.types.values() if each.kind in ("client", "pipeline") and not each.sends] == [
        "psycopg.Pipeline"
    ]
    remote = [fact for fact in OURS.functions.values() if fact.action == "remote" and fact.gives]
    assert {OURS.types[fact.gives].sends for fact in remote} == {"HTTP"}


def test_what_a_prefetch_answers_is_what_running_django_says() -> None:
    table = pytest.importorskip("truth.prefetch_table")
    related = facts(OURS, "django.db.models.fields.related_descriptors.RelatedManager")
    free = {name for name, fact in related.items() if fact.cached == "always" and name[1:] not in related}
    assert free == {name for name in table.FREE if not name.startswith("__")}
    ordered = {name for name, fact in related.items() if fact.cached == "if-ordered" and name[1:] not in related}
    assert ordered == table.FREE_IF_ORDERED
    assert {name for name in related if name[:1] == "a" and name[1:] in related} >= {"acount", "afirst", "aget"}
    for name, fact in related.items():
        if name[:1] == "a" and name[1:] in related:
            assert (fact.action, fact.cached) == (related[name[1:]].action, related[name[1:]].cached), name


@dataclass(frozen=True)
class Covered:
    """A class whose public methods our table lists, but for those that are left out on purpose."""

    name: str
    real: type
    left_out: str = ""
    gone: str = ""


CLAUSE = """
    allows_lambda apply_syntax_extension_point argument_for compare compile corresponding_column cte description
    dialect_kwargs dialect_options entity_namespace exported_columns get_children get_dialect_option
    get_execution_options get_label_style inherit_cache is_clause_element is_derived_from is_dml is_from_statement
    is_insert is_select is_selectable is_text is_update is_delete kwargs memoized_attribute memoized_instancemethod
    name_cte_columns named_with_column replace_selectable selectable selected_columns self_group stringify_dialect
    supports_execution unique_params uses_inspection whereclause with_dialect_options select
    returning_column_descriptions entity_description include_insert_from_select_defaults reflect_only_elements
"""

COVERED = (
    Covered("django.db.models.QuerySet", QuerySet, left_out="db ordered query resolve_expression totally_ordered"),
    Covered(
        "django.db.models.Manager",
        Manager,
        left_out="""
            auto_created check contribute_to_class creation_counter db deconstruct from_queryset use_in_migrations
        """,
        gone="delete adelete",
    ),
    Covered(
        "django.db.models.Model",
        Model,
        left_out="""
            check date_error_message from_db full_clean get_constraints pk prepare_database_save unique_error_message
            validate_constraints validate_unique
        """,
    ),
    Covered(
        "sqlalchemy.orm.Query",
        Query,
        left_out=CLAUSE
        + """
            column_descriptions dispatch instances is_single_entity lazy_loaded_from load_options logger logging_name
            merge_result statement
        """,
        gone="add_cte append extend from_self remove select_entity_from",
    ),
    Covered(
        "sqlalchemy.Select",
        Select,
        left_out=CLAUSE + "column_descriptions columns_clause_froms froms get_final_froms inner_columns",
        gone="execute",
    ),
    Covered(
        "sqlalchemy.Insert",
        Insert,
        left_out=CLAUSE,
        gone="execute on_conflict_do_nothing on_conflict_do_update on_duplicate_key_update",
    ),
    Covered("sqlalchemy.Update", Update, left_out=CLAUSE, gone="execute"),
    Covered("sqlalchemy.Delete", Delete, left_out=CLAUSE, gone="execute"),
    Covered(
        "sqlalchemy.orm.Session",
        Session,
        left_out="""
            connection_callable deleted dirty dispatch execution_options identity_key info is_active new no_autoflush
            object_session
        """,
    ),
    Covered("sqlalchemy.engine.Result", Result, left_out="closed memoized_attribute memoized_instancemethod merge t"),
    Covered(
        "sqlalchemy.engine.ScalarResult", ScalarResult, left_out="closed memoized_attribute memoized_instancemethod"
    ),
    Covered(
        "sqlalchemy.engine.MappingResult", MappingResult, left_out="closed memoized_attribute memoized_instancemethod"
    ),
    Covered(
        "sqlalchemy.engine.Connection",
        Connection,
        left_out="""
            closed commit_prepared connection default_isolation_level dispatch get_execution_options
            get_isolation_level get_nested_transaction get_transaction info invalidated recover_twophase
            rollback_prepared schema_for_object should_close_with_result
        """,
    ),
)


# The lists are of the newest releases; Python 3.10 gets older ones, which have more of some methods and less of others.
newest = pytest.mark.skipif(
    django.VERSION < (6, 0) or not sqlalchemy.__version__.startswith("2.1"),
    reason=f"lists are of Django 6 and SQLAlchemy 2.1, not of {django.__version__} and {sqlalchemy.__version__}",
)


@newest
@pytest.mark.parametrize("covered", COVERED, ids=lambda covered: str(covered.name))
def test_ours_list_every_public_method(covered: Covered) -> None:
    known = OURS.types[covered.name]
    listed = {*known.methods, *known.class_methods}
    public = {name for name in dir(covered.real) if not name.startswith("_")}
    assert sorted(public - listed - set(covered.left_out.split())) == []


@newest
@pytest.mark.parametrize("covered", COVERED, ids=lambda covered: str(covered.name))
def test_ours_list_only_methods_that_exist(covered: Covered) -> None:
    known = OURS.types[covered.name]
    listed = {*known.methods, *known.class_methods}
    # A manager starts queries but is none, so it inherits more here than there.
    gone = set(covered.gone.split()) | ({"as_manager"} if covered.real is Manager else set())
    if django.VERSION < (6, 1):
        gone.add("fetch_mode")
    assert sorted(name for name in listed - gone if not hasattr(covered.real, name)) == []


CACHES = """
[type."a.Client"]
kind = "client"
[cache."a.Client"]
lasts = "forever"
also = ["a.Pipeline"]
[cache."a.Client".methods]
set = "fill key:name value expiry:ex"
drop = "forget *keys"
[memo."a.kept"]
clear = ["forget"]
expiry = ["ttl"]
"""


def test_what_is_said_of_caches() -> None:
    known = knowledge(CACHES)
    cache = known.caches["a.Pipeline"]
    assert (cache.name, cache.lasts) == ("a.Client", "forever")
    assert cache.methods["set"].parameters == (("key", "name"), ("value", "value"), ("expiry", "ex"))
    assert cache.methods["drop"].parameters == (("*keys", "keys"),)
    assert known.memos["a.kept"].keeps == "process"


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        (CACHES.replace("fill key:name", "fil key:name"), "no verb `fil`; did you mean `fill`?"),
        (CACHES.replace("*keys", "*kays"), "no argument `*kays`"),
        (CACHES.replace("forever", "a while"), "no way to last `a while`"),
        (CACHES.replace('[memo."a.kept"]', '[memo."a.kept"]\nkeeps = "here"'), "no place to keep `here`"),
    ],
)
def test_what_cannot_be_meant_of_a_cache(toml: str, message: str) -> None:
    with pytest.raises(KnowledgeError) as caught:
        knowledge(toml)
    assert message in str(caught.value)
