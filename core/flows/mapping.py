"""Saying which of our SKUs a listing sells, for one or for many, and the way back."""

from collections.abc import Mapping
from dataclasses import dataclass

from core.domain import goods as rules
from core.domain.who import Who
from core.errors import Refused
from core.flows import kits
from core.flows.allocation import map_listing
from core.hub import Hub
from core.store import audit, displays, goods
from core.store.displays import Listed
from core.store.unit import Unit

Parts = Mapping[str, int]


class NotOurs(Exception):
    """SKUs that nobody knows were named: a slip, or new ones."""

    def __init__(self, skus: list[str]) -> None:
        super().__init__(", ".join(skus))
        self.skus = skus


@dataclass(frozen=True, slots=True)
class Mapped:
    """A listing that consumes something else now than it did."""

    listing: Listed
    was: Parts
    now: Parts


def map_many(hub: Hub, merchant: str, said: Mapping[int, str], who: Who, *, new: bool = False) -> list[Mapped]:
    """Map these listings (by their rows) to what somebody typed for each, all of them or none; "" maps one to nothing. `new`: SKUs that
    nobody knows are made. Orders that wait are settled. Raises NotOurs, WrongKit for what no listing can
    consume, and Refused for a listing that is not there or a text that says nothing."""
    with hub.unit() as work:
        parts = _parts(work, merchant, said)
        _check(work, merchant, parts, new=new)
        return [made for id in sorted(parts) if (made := _map(work, merchant, _listing(work, merchant, id), parts[id], who))]


def _parts(work: Unit, merchant: str, said: Mapping[int, str]) -> dict[int, Parts]:
    """A text that is a SKU of ours as it stands is that, whatever signs are in it."""
    whole = goods.known(work.db, merchant, [text.strip() for text in said.values()])
    return {id: {text.strip(): 1} if text.strip() in whole else _read(text) for id, text in said.items()}


def _read(text: str) -> Parts:
    try:
        return rules.parts(text)
    except ValueError:
        raise Refused("write a SKU, or a set as MUG=2, TRAY") from None


def _check(work: Unit, merchant: str, parts: Mapping[int, Parts], *, new: bool) -> None:
    named = {sku for some in parts.values() for sku in some}
    strangers = sorted(named - goods.known(work.db, merchant, sorted(named)))
    if strangers and not new:
        raise NotOurs(strangers)
    goods.name(work.db, merchant, [(sku, "") for sku in strangers], work.now)


def _listing(work: Unit, merchant: str, id: int) -> Listed:
    found = displays.one(work.db, merchant, id)
    if found is None:
        raise Refused("there is no such listing")
    return found


def _map(work: Unit, merchant: str, listing: Listed, parts: Parts, who: Who) -> Mapped | None:
    if listing.parts == parts:
        return None
    kits.check(work, merchant, listing.name, parts, alone=listing.alone)
    map_listing(work, merchant, listing.name, parts)
    subject = "/".join(listing.name)
    audit.write(work.db, merchant, work.now, who.id, who.name, "listing.map", subject, was=dict(listing.parts), became=dict(parts))
    return Mapped(listing, listing.parts, parts)
