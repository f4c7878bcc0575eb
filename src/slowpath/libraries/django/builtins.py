"""The models that come with Django and with libraries that many projects build on."""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.libraries.django.drafts import USER_SETTING, Draft, Field, Meta, Target
from slowpath.schema import RelationKind

DEFAULT_USER = "auth.User"

_CONTENT_TYPE = "django.contrib.contenttypes.models.ContentType"
_AUTH = "django.contrib.auth.models"

# Names that the same class can be imported by.
_ALIASES = {
    "django.contrib.auth.base_user.AbstractBaseUser": f"{_AUTH}.AbstractBaseUser",
    "polymorphic.PolymorphicModel": "polymorphic.models.PolymorphicModel",
    "safedelete.SafeDeleteModel": "safedelete.models.SafeDeleteModel",
}


def canonical(name: str) -> str:
    """The name that the model of an outside class is filed under."""
    return _ALIASES.get(name, name)


def builtins() -> Iterator[Draft]:
    """The models that any project has."""
    yield from _auth()
    yield from _others()


def libraries() -> Iterator[Draft]:
    """The models of other libraries: of use only where a project's class builds on one or points at one."""
    yield from _abstract()
    yield _concrete("taggit.models", "Tag", "taggit", _column("name", unique=True), _column("slug", unique=True))


def _column(
    name: str, kind: str = "CharField", *, unique: bool = False, indexed: bool = False, null: bool = False
) -> Field:
    return Field(name, kind, unique=unique, indexed=indexed, few=kind == "BooleanField", null=null)


def _columns(names: str, kind: str) -> tuple[Field, ...]:
    return tuple(_column(name, kind) for name in names.split())


def _relation(
    name: str,
    kind: RelationKind,
    target: str,
    *,
    related: str | None = None,
    query: str | None = None,
    null: bool = False,
) -> Field:
    type_ = {"foreign-key": "ForeignKey", "one-to-one": "OneToOneField", "many-to-many": "ManyToManyField"}[kind]
    to = Target("setting", USER_SETTING, "", DEFAULT_USER) if target == USER_SETTING else Target("class", target)
    return Field(name, type_, kind, to, null=null, related_name=related, related_query_name=query)


def _concrete(module: str, label: str, app: str, *fields: Field, managers: tuple[tuple[str, str], ...] = ()) -> Draft:
    """A model whose table other apps may point at: its reverse relations are never all known."""
    return Draft(f"{module}.{label}", label, module, app, fields=fields, managers=managers, complete=False)


def other(module: str, label: str) -> Draft:
    """A model of some installed app that nobody described here."""
    app = module.split(".")[-2] if "." in module else module
    return _concrete(module, label, app, managers=(("objects", "django.db.models.Manager"),))


def _auth() -> Iterator[Draft]:
    abstract = Meta(abstract=True)
    yield Draft(
        f"{_AUTH}.AbstractBaseUser",
        "AbstractBaseUser",
        _AUTH,
        "auth",
        fields=(_column("password"), _column("last_login", "DateTimeField", null=True)),
        meta=abstract,
    )
    yield Draft(
        f"{_AUTH}.PermissionsMixin",
        "PermissionsMixin",
        _AUTH,
        "auth",
        fields=(
            _column("is_superuser", "BooleanField"),
            _relation("groups", "many-to-many", f"{_AUTH}.Group", related="user_set", query="user"),
            _relation("user_permissions", "many-to-many", f"{_AUTH}.Permission", related="user_set", query="user"),
        ),
        meta=abstract,
    )
    yield Draft(
        f"{_AUTH}.AbstractUser",
        "AbstractUser",
        _AUTH,
        "auth",
        (f"{_AUTH}.AbstractBaseUser", f"{_AUTH}.PermissionsMixin"),
        fields=(
            _column("username", unique=True),
            *_columns("first_name last_name", "CharField"),
            _column("email", "EmailField"),
            *_columns("is_staff is_active", "BooleanField"),
            _column("date_joined", "DateTimeField"),
        ),
        managers=(("objects", f"{_AUTH}.UserManager"),),
        meta=abstract,
    )
    yield Draft(f"{_AUTH}.User", "User", _AUTH, "auth", (f"{_AUTH}.AbstractUser",), complete=False)
    permissions = _relation("permissions", "many-to-many", f"{_AUTH}.Permission")
    group = _concrete(_AUTH, "Group", "auth", _column("name", unique=True), permissions)
    yield _managed(group, f"{_AUTH}.GroupManager")
    content_type = _relation("content_type", "foreign-key", _CONTENT_TYPE)
    permission = _concrete(_AUTH, "Permission", "auth", _column("name"), content_type, _column("codename"))
    yield _managed(permission, f"{_AUTH}.PermissionManager", ordered=True)


def _managed(draft: Draft, manager: str, *, ordered: bool | None = None) -> Draft:
    return Draft(
        draft.name,
        draft.label,
        draft.module,
        draft.app,
        fields=draft.fields,
        managers=(("objects", manager),),
        meta=Meta(ordered=ordered),
        complete=False,
    )


def _others() -> Iterator[Draft]:
    content_types = "django.contrib.contenttypes.models"
    kind = _concrete(content_types, "ContentType", "contenttypes", *_columns("app_label model", "CharField"))
    yield _managed(kind, f"{content_types}.ContentTypeManager")
    key = Field("session_key", "CharField", primary_key=True)
    session = (key, _column("session_data", "TextField"), _column("expire_date", "DateTimeField", indexed=True))
    base = "django.contrib.sessions.base_session"
    yield Draft(
        f"{base}.AbstractBaseSession", "AbstractBaseSession", base, "sessions", fields=session, meta=Meta(abstract=True)
    )
    sessions = "django.contrib.sessions.models"
    yield Draft(
        f"{sessions}.Session", "Session", sessions, "sessions", (f"{base}.AbstractBaseSession",), complete=False
    )
    sites = "django.contrib.sites.models"
    site = _concrete(sites, "Site", "sites", _column("domain", unique=True), _column("name"))
    yield _managed(site, f"{sites}.SiteManager", ordered=True)
    admin = "django.contrib.admin.models"
    entry = _concrete(
        admin,
        "LogEntry",
        "admin",
        _column("action_time", "DateTimeField"),
        _relation("user", "foreign-key", USER_SETTING),
        _relation("content_type", "foreign-key", _CONTENT_TYPE, null=True),
        *_columns("object_id object_repr change_message", "TextField"),
        _column("action_flag", "PositiveSmallIntegerField"),
    )
    yield _managed(entry, f"{admin}.LogEntryManager", ordered=True)
    token = (
        Field("key", "CharField", primary_key=True),
        _relation("user", "one-to-one", USER_SETTING, related="auth_token"),
        _column("created", "DateTimeField"),
    )
    yield _concrete("rest_framework.authtoken.models", "Token", "authtoken", *token)


def _mixin(name: str, *fields: Field, overrides: tuple[str, ...] = ()) -> Draft:
    module, _, label = name.rpartition(".")
    app = module.partition(".")[0]
    return Draft(name, label, module, app, fields=fields, overrides=overrides, meta=Meta(abstract=True))


def _abstract() -> Iterator[Draft]:
    yield _mixin("django_extensions.db.models.TimeStampedModel", *_columns("created modified", "DateTimeField"))
    yield _mixin("model_utils.models.TimeStampedModel", *_columns("created modified", "DateTimeField"))
    yield _mixin("model_utils.models.UUIDModel", Field("id", "UUIDField", primary_key=True))
    yield _mixin("model_utils.models.TimeFramedModel", *_columns("start end", "DateTimeField"))
    yield _mixin("solo.models.SingletonModel", overrides=("save", "delete"))
    yield _mixin("modelcluster.models.ClusterableModel", overrides=("save",))
    yield _mixin("dirtyfields.DirtyFieldsMixin")
    yield _mixin("django_lifecycle.LifecycleModelMixin", overrides=("delete", "save"))
    yield _mixin("django_lifecycle.LifecycleModel", overrides=("delete", "save"))
    yield _mixin("rules.contrib.models.RulesModelMixin")
    yield _mixin("rules.contrib.models.RulesModel")
    # The tree's fields are kept right by its own methods of saving.
    yield _mixin(
        "mptt.models.MPTTModel",
        *_columns("lft rght level", "PositiveIntegerField"),
        _column("tree_id", "PositiveIntegerField", indexed=True),
        overrides=("delete", "save"),
    )
    yield _mixin(
        "treebeard.mp_tree.MP_Node",
        _column("path", unique=True),
        *_columns("depth numchild", "PositiveIntegerField"),
        overrides=("delete",),
    )
    name, slug = _column("name", unique=True), _column("slug", unique=True)
    yield _mixin("taggit.models.TagBase", name, slug, overrides=("save",))
    tag = _relation("tag", "foreign-key", "taggit.models.Tag", related="%(app_label)s_%(class)s_items")
    yield _mixin("taggit.models.TaggedItemBase", tag)
    generic = (
        _relation("content_type", "foreign-key", _CONTENT_TYPE, related="%(app_label)s_%(class)s_tagged_items"),
        _column("object_id", "IntegerField", indexed=True),
        Field("content_object", "GenericForeignKey", "generic-foreign-key"),
    )
    yield _mixin("taggit.models.GenericTaggedItemBase", *generic)
    yield _mixin(
        "polymorphic.models.PolymorphicModel",
        _relation(
            "polymorphic_ctype",
            "foreign-key",
            _CONTENT_TYPE,
            related="polymorphic_%(app_label)s.%(class)s_set+",
            null=True,
        ),
        overrides=("save",),
    )
