"""Orders of one buyer go in one parcel: proposed, joined under one label, and parted again; whoever stops leaves it."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection as Db

from core.domain.money import Money
from core.domain.order import Address, Party
from core.domain.shipments import OPEN, State
from core.domain.together import Candidate, is_bound, proposals, shares
from core.domain.who import Who
from core.errors import Refused
from core.flows import joined, shipment_page
from core.flows.labelling import NotThen, ready
from core.flows.shipment_page import Seen
from core.hub import Hub
from core.store import audit, parcels, shipment_list, shipments
from core.store.shipments import Facts, Shipment
from core.store.unit import Unit

_address = msgspec.json.Decoder(Address)
MOST = 50
FREE = (State.RELEASED, State.PACKED)


@dataclass(frozen=True, slots=True)
class Proposal:
    """These may go in one parcel, that of the first."""

    some: tuple[Seen, ...]

    @property
    def lead(self) -> Seen:
        return self.some[0]


def proposed(hub: Hub, db: Db, merchant: str, name: str = "") -> list[Proposal]:
    """What may go together, or what may go with one shipment. Two statements."""
    rows = shipment_list.alike(db, merchant, name, MOST)
    seen = {one.row.id: one for one in shipment_page.seen(hub, merchant, rows) if _may(one)}
    groups = proposals(Candidate(id, one.row.name, one.row.location, one.row.was, one.row.created_at) for id, one in seen.items())
    return [Proposal(tuple(seen[one.id] for one in group)) for group in groups]


def _may(one: Seen) -> bool:
    site = _address.decode(one.row.site_address) if one.row.site_address else None
    home = one.to is not None and (site is None or site.country == one.to.country)
    alone = one.row.parcels == 1 and one.row.purchase is None
    return home and alone and one.stop is None and one.order.party is Party.MERCHANT and not is_bound(one.order)


def join(hub: Hub, merchant: str, lead: str, others: Collection[str], who: Who) -> None:
    """These shipments go in the parcel of `lead`: one label, each told to its own channel. Its weight is theirs together. Raises Stopped,
    NotThen, and Refused where they do not go from one place to one person."""
    ids = sorted({lead, *others})
    if len(ids) < 2:
        raise Refused("choose what goes with it")
    with hub.unit() as work:
        owners = shipments.orders_of(work.db, merchant, ids)
        shipments.facts(work.db, merchant, owners.values(), hub.box(merchant))
        found = {id: ready(hub, work, merchant, id) for id in ids}
        heads = {id: one for id, (_, one, _) in found.items()}
        if any(_cannot(facts, one, boxes) for facts, one, boxes in found.values()):
            raise NotThen("one of these cannot go together with others")
        if len({(one.location, one.person) for one in heads.values()}) > 1 or not heads[lead].person:
            raise Refused("they do not go from one place to one address")
        if any(heads[id].goes_with or joined.members(work, merchant, id) for id in ids if id != lead) or heads[lead].goes_with:
            raise NotThen("one of these goes together with others already")
        _home(hub, work, merchant, heads[lead], [facts for facts, _, _ in found.values()])
        shipments.set_goes_with(work.db, [id for id in ids if id != lead], lead)
        grams = [boxes[0].weight_g for _, _, boxes in found.values()]
        joined.weigh(work, merchant, lead, sum(grams) if all(grams) else 0)
        names = [heads[id].name for id in ids if id != lead]
        audit.write(work.db, merchant, work.now, who.id, who.name, "shipment.join", lead, shipment=heads[lead].name, others=names)


def _cannot(facts: Facts, one: Shipment, boxes: Sequence[parcels.Parcel]) -> bool:
    free = one.state in FREE and one.way == "parcel" and len(boxes) == 1 and boxes[0].purchase is None
    return not free or is_bound(facts.order)


def _home(hub: Hub, work: Unit, merchant: str, lead: Shipment, every: Iterable[Facts]) -> None:
    """What goes abroad goes alone: customs ask for one seller's invoice of one order."""
    site = next((site for site in shipments.sites(work.db, merchant) if site.id == lead.location), None)
    countries = {one.person.ship_to.country for one in every if one.person and one.person.ship_to}
    if site is not None and site.address is not None and countries != {site.address.country}:
        raise Refused("what goes abroad goes alone")


def part(hub: Hub, merchant: str, id: str, who: Who) -> None:
    """This shipment goes alone again; where it led a parcel all of them do. A label that was bought for all is given back first. Raises
    NotThen, Refused."""
    with hub.unit() as work:
        one = joined.lock(hub, work, merchant, id)
        mine = joined.members(work, merchant, id)
        if one.state not in OPEN or not (one.goes_with or mine):
            raise NotThen("it does not go together with others")
        joined.leave(work, merchant, [one] if one.goes_with else mine)
        audit.write(work.db, merchant, work.now, who.id, who.name, "shipment.part", id, shipment=one.name)


def postage(hub: Hub, db: Db, merchant: str, lead: str) -> list[tuple[str, str, Money]]:
    """What was paid for a parcel by whose order it was: (shipment's name, order's name, share); nothing where nobody told the price."""
    rows = shipment_list.parcel_mates(db, merchant, lead)
    price = next((Money(row.price, row.currency) for row in rows if row.id == lead and row.price is not None), None)
    first, others = [row for row in rows if row.id == lead], [row for row in rows if row.id != lead]
    if price is None or not others or not first:
        return []
    split = shares(price, first[0].weight_g, [row.weight_g for row in others])
    return [(row.name, row.order_name, share) for row, share in zip([*first, *others], split, strict=True)]
