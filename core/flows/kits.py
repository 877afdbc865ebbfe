"""Kits: which maps are refused, and how the parts of a listing leave: at one location or from any, by its map or by lines of their own."""

from collections.abc import Mapping
from dataclasses import dataclass

from core.domain import kits as rules
from core.domain.kits import Exploded
from core.domain.who import Who
from core.errors import Refused
from core.flows.allocation import ask_reserve, ask_waiting
from core.hub import Hub
from core.store import audit, displays, listings, orders
from core.store import kits as store
from core.store.displays import Listed
from core.store.listings import Name
from core.store.unit import Unit


class WrongKit(Exception):
    """A map that cannot be: `words` name the `part`, as %(part)s."""

    def __init__(self, words: str, part: str) -> None:
        super().__init__(words % {"part": part})
        self.words, self.part = words, part


def check(work: Unit, merchant: str, name: Name, parts: Mapping[str, int], *, alone: bool = False) -> None:
    """Raises WrongKit where a listing (connection, listing, SKU as its channel spells it) cannot consume these. Whether they are ours
    is not asked here."""
    own = name[2].strip()
    known = store.parts(work.db, merchant, [*parts, *([own] if own else [])])
    kits = [sku for sku in parts if known[sku].explodes and not known[sku].counted]
    inside = [own] if own and known[own].inside and not known[own].counted else []
    dealt = [sku for sku in parts if known[sku].quota]
    words, part = rules.wrong(own, parts, kits=kits, inside=inside, dealt=dealt, alone=alone)
    if words:
        raise WrongKit(words, part)


@dataclass(frozen=True, slots=True)
class How:
    """How the parts of a listing leave: all of a unit from one location or not, and who says which."""

    alone: bool = False
    exploded_by: Exploded = Exploded.HUB


@dataclass(frozen=True, slots=True)
class Changed:
    """A listing whose parts leave another way than they did."""

    listing: Listed
    was: How
    now: How


def set_how(hub: Hub, merchant: str, id: int, how: How, who: Who) -> Changed | None:
    """Say how the parts of a listing (by one of its rows) leave; its open orders are settled anew, and its channel is told. None where it
    was so. Raises Refused for one that is not there, or that its channel itself splits; WrongKit where a part is in quota."""
    with hub.unit() as work:
        return set_how_in(work, merchant, id, how, who)


def set_how_in(work: Unit, merchant: str, id: int, how: How, who: Who) -> Changed | None:
    """The same in the caller's transaction."""
    listing = displays.one(work.db, merchant, id)
    if listing is None:
        raise Refused("there is no such listing")
    was = How(listing.alone, Exploded(listing.exploded_by))
    if was == how:
        return None
    if Exploded.SPLITS in (was.exploded_by, how.exploded_by):
        raise Refused("its channel splits it by itself")
    if how.alone:
        check(work, merchant, listing.name, listing.parts, alone=True)
    _write(work, merchant, listing, was, how, who)
    return Changed(listing, was, how)


def _write(work: Unit, merchant: str, listing: Listed, was: How, how: How, who: Who) -> None:
    connection = listing.name[0]
    listings.lock(work.db, (one.id for one in displays.of_name(work.db, merchant, listing.name)))
    store.set_how(work.db, merchant, listing.name, alone=how.alone, exploded_by=how.exploded_by)
    refs = dict.fromkeys([*orders.selling(work.db, merchant, listing.name), *store.owing(work.db, merchant, listing.name)])
    ask_reserve(work, merchant, refs)
    ask_waiting(work, merchant)
    work.ask(merchant, "publish_stock", connection, connection)
    said = {"was": _said(was), "became": _said(how)}
    audit.write(work.db, merchant, work.now, who.id, who.name, "listing.kit", "/".join(listing.name), **said)


def _said(how: How) -> dict[str, object]:
    return {"alone": how.alone, "exploded_by": how.exploded_by.value}
