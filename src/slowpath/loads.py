"""What a query brings with its rows: which relations, which columns."""

from __future__ import annotations

from msgspec import Struct

Path = tuple[str, ...]


class Loads(Struct, frozen=True):
    """What rows have with them, beyond their own columns.

    `paths` are relation paths that no longer cost a query: every prefix of one is in it as well. `aliases` say that
    the attribute named first holds the rows of a relation (`Prefetch(to_attr=…)`). `only` are the columns fetched
    when others were left out (paths; `None`: all), `deferred` the columns left out. `refused` are paths whose reading
    is an error (`raiseload`); `("*",)` for all. `every_one` when all non-null to-one relations come along
    (`select_related()`). `peers` when a first read fetches for all rows at once. `extra` are attributes the query
    adds to its rows (annotations). `open` when something unreadable was loaded as well, so that nothing can be said
    to be missing. `locked` when the query locks its rows, and with them whatever it joins.
    """

    paths: frozenset[Path] = frozenset()
    aliases: tuple[tuple[Path, str], ...] = ()
    only: frozenset[Path] | None = None
    deferred: frozenset[Path] = frozenset()
    refused: frozenset[Path] = frozenset()
    every_one: bool = False
    peers: bool = False
    extra: frozenset[str] = frozenset()
    open: bool = False
    joined: frozenset[Path] = frozenset()
    locked: bool = False

    def has(self, relation: str) -> bool:
        """Whether this relation came along."""
        return (relation,) in self.paths

    def below(self, relation: str) -> Loads:
        """What the rows of this relation have with them."""

        def cut(paths: frozenset[Path]) -> frozenset[Path]:
            return frozenset(path[1:] for path in paths if path[0] == relation and len(path) > 1)

        only = None
        if self.only is not None:
            only = cut(self.only) or None
        return Loads(
            paths=cut(self.paths),
            aliases=tuple((path[1:], name) for path, name in self.aliases if path[0] == relation and len(path) > 1),
            only=only,
            deferred=cut(self.deferred),
            refused=cut(self.refused) | (self.refused & {("*",)}),
            every_one=self.every_one,
            peers=self.peers,
            open=self.open,
            joined=cut(self.joined),
            locked=self.locked,
        )

    def plus(self, other: Loads) -> Loads:
        """What rows have that come with both."""
        if other == Loads():
            return self
        return Loads(
            paths=self.paths | other.paths,
            aliases=self.aliases + other.aliases,
            only=self.only if self.only is not None else other.only,
            deferred=self.deferred | other.deferred,
            refused=self.refused | other.refused,
            every_one=self.every_one or other.every_one,
            peers=self.peers or other.peers,
            extra=self.extra | other.extra,
            open=self.open or other.open,
            joined=self.joined | other.joined,
            locked=self.locked or other.locked,
        )

    def join(self, other: Loads) -> Loads:
        """What rows have that come from the one or from the other."""
        if self == other:
            return self
        return Loads(
            paths=self.paths & other.paths,
            aliases=tuple(alias for alias in self.aliases if alias in other.aliases),
            only=self.only if other.only is None else other.only if self.only is None else self.only & other.only,
            deferred=self.deferred | other.deferred,
            refused=self.refused & other.refused,
            every_one=self.every_one and other.every_one,
            peers=self.peers and other.peers,
            extra=self.extra | other.extra,
            open=self.open or other.open,
            joined=self.joined & other.joined,
            locked=self.locked or other.locked,
        )


def with_prefixes(path: Path) -> frozenset[Path]:
    """The path and every prefix of it."""
    return frozenset(path[:end] for end in range(1, len(path) + 1))
