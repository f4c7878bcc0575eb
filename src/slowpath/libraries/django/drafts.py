"""Models as their classes say them, one class at a time, before anything is inherited or linked."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from slowpath.schema import Index, RelationKind

# The modules that Django's own names are told by are many; what counts is the last part of a name.
MODEL = "django.db.models.Model"
MANAGER = "django.db.models.Manager"
QUERYSET = "django.db.models.QuerySet"
USER_SETTING = "AUTH_USER_MODEL"

Written = Literal["class", "name", "setting", ""]


class Target(Struct, frozen=True):
    """The model a field leads to: a class's full name, a string for Django to resolve, a setting's name, or nothing.

    `module` is where it was written; `fallback` the string to take when the project does not make the setting.
    """

    kind: Written = ""
    text: str = ""
    module: str = ""
    fallback: str = ""


class Field(Struct, frozen=True):
    """An attribute of a model's class that is a field; `kind` is empty for a plain column.

    `related_name` and `related_query_name` are as written, `None` when left to Django; `readable` is false when one
    of them could not be read.
    `keys` are the attributes that a generic relation goes by: of the content type, of the key. `module` is where
    `line` is. `on_delete` is the last word of what is written (`CASCADE`).
    """

    name: str
    type: str
    kind: RelationKind | Literal[""] = ""
    target: Target = Target()
    through: Target = Target()
    null: bool = False
    unique: bool = False
    indexed: bool = False
    few: bool = False
    primary_key: bool = False
    column: str = ""
    related_name: str | None = None
    related_query_name: str | None = None
    readable: bool = True
    symmetrical: bool | None = None
    parent_link: bool = False
    keys: tuple[str, str] = ("content_type", "object_id")
    line: int = 0
    module: str = ""
    on_delete: str = ""


class Meta(Struct, frozen=True):
    """What the class `Meta` says, with everything it inherits; `ordered` is `None` when it says nothing."""

    abstract: bool = False
    proxy: bool = False
    app_label: str = ""
    table: str = ""
    ordered: bool | None = None
    ordering: tuple[str, ...] = ()
    default_related_name: str = ""
    default_manager_name: str = ""
    base_manager_name: str = ""
    indexes: tuple[Index, ...] = ()


class Draft(Struct, frozen=True):
    """One model's class: its own fields and managers, and the names of its direct bases that are models.

    `attributes` are all other names it binds, with those of its bases that are no models. `overrides` are methods of
    persistence it defines, `receivers` signals its attributes listen to, `loose` names it may give to rows of other
    models. `complete` is false when a base could not be read.
    """

    name: str
    label: str
    module: str
    app: str
    bases: tuple[str, ...] = ()
    fields: tuple[Field, ...] = ()
    managers: tuple[tuple[str, str], ...] = ()
    attributes: frozenset[str] = frozenset()
    overrides: tuple[str, ...] = ()
    receivers: tuple[str, ...] = ()
    loose: tuple[str, ...] = ()
    meta: Meta = Meta()
    complete: bool = True
