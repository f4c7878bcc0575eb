"""How frameworks make lists out of classes that projects write: what they call and read for each item."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

Shown = Literal["", "value", "key", "text"]
"""What a field shows of the attribute that it is about. value: what the attribute is. key: the keys of the rows it
leads to, of a single one without asking for it. text: the row as a text."""


class Listing(Struct, frozen=True):
    """What a library's type says of the classes made of it.

    `lists` is the method with the rows, if it makes the list itself. `shows` of a type that does so with other
    classes: the attribute that names them, and that method; with one of the methods `unless` there, who knows. The
    first of `chosen_by` is one that may say which class it is where an attribute has a value: the second, the third.
    `while_listing` says what attributes of the class are when it makes a list (`request.method` is GET).
    `per_item` are the methods that are called for each item (`item_*`: all that begin so), `per_item_in` attributes
    that name more. `item_model` and `item_fields` say of which model the items are, and what is shown of them.
    `renders` are attributes of an instance that show what it was made of, the item or `many`, and the first argument of
    the class, which is that. Of fields, `computed_by` is the method around with the value (`get_*`), `field` what it
    shows by itself.
    """

    lists: str = ""
    shows: Mapping[str, str] = {}
    unless: tuple[str, ...] = ()
    chosen_by: tuple[str, ...] = ()
    while_listing: Mapping[str, str] = {}
    per_item: tuple[str, ...] = ()
    per_item_in: tuple[str, ...] = ()
    item_model: str = ""
    item_fields: str = ""
    renders: Mapping[str, str] = {}
    computed_by: str = ""
    field: Shown = ""

    @property
    def of_items(self) -> bool:
        """Whether classes made of it show items."""
        return bool(self.lists or self.per_item or self.per_item_in)


NO_LISTING = Listing()


def over(earlier: Listing, later: Listing) -> Listing:
    """The earlier one with everything that the later one says."""
    return Listing(
        lists=later.lists or earlier.lists,
        shows={**earlier.shows, **later.shows},
        unless=tuple(dict.fromkeys(earlier.unless + later.unless)),
        chosen_by=later.chosen_by or earlier.chosen_by,
        while_listing={**earlier.while_listing, **later.while_listing},
        per_item=tuple(dict.fromkeys(earlier.per_item + later.per_item)),
        per_item_in=tuple(dict.fromkeys(earlier.per_item_in + later.per_item_in)),
        item_model=later.item_model or earlier.item_model,
        item_fields=later.item_fields or earlier.item_fields,
        renders={**earlier.renders, **later.renders},
        computed_by=later.computed_by or earlier.computed_by,
        field=later.field or earlier.field,
    )
