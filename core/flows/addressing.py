"""An order goes elsewhere than its channel says: one of us corrects its address, and a later word of the channel's is not lost."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Connection as Db

from core.domain.events import AddressCorrected
from core.domain.order import Address
from core.domain.who import Who
from core.errors import Refused
from core.flows import sites
from core.hub import Hub
from core.store import audit, connections, corrections, lists, shipments
from core.store.corrections import Reached
from core.store.unit import Unit

NEEDED = ("street1", "city", "country")
PARTS = tuple(field.name for field in fields(Address))


@dataclass(frozen=True, slots=True, repr=False)
class Looked:
    """An order's addresses: `ours` counts where there is one. `channel` is what its channel is called."""

    row: Any
    channel: str
    reached: Reached

    @property
    def ours(self) -> Address | None:
        return self.reached.person.ship_to if self.reached.person and self.reached.theirs else None

    @property
    def theirs(self) -> Address | None:
        person = self.reached.person
        return self.reached.theirs or ((person.final_ship_to or person.ship_to) if person else None)


def look(hub: Hub, db: Db, merchant: str, order: str) -> Looked | None:
    """None where the merchant has no such order. Three statements."""
    found = lists.order(db, merchant, order)
    if found is None:
        return None
    reached, account = corrections.of(db, merchant, order, hub.box(merchant)), connections.get(db, found[0].connection)
    return Looked(found[0], hub.label(account.channel), reached) if reached and account else None


def correct(hub: Hub, merchant: str, order: str, said: Mapping[str, str], who: Who) -> None:
    """It goes there from now on; a label that was bought for elsewhere is given back first. Raises Refused for no address, and for an
    order that is not there, cancelled, or of whose buyer nothing is kept."""
    address = sites.address_of(said, NEEDED)
    with hub.unit() as work:
        theirs = _theirs(hub, work, merchant, order)
        corrections.write(work.db, merchant, order, address, theirs, hub.box(merchant))
        _tell(hub, work, merchant, order, who, "ours")


def keep(hub: Hub, merchant: str, order: str, who: Who) -> None:
    """Ours counts, whatever the channel says now. Raises Refused where there is none of ours."""
    with hub.unit() as work:
        theirs, reached = _theirs(hub, work, merchant, order), corrections.of(work.db, merchant, order, hub.box(merchant))
        ours = reached.person.ship_to if reached and reached.person and reached.theirs else None
        if ours is None:
            raise Refused("nobody corrected its address")
        corrections.write(work.db, merchant, order, ours, theirs, hub.box(merchant))
        _tell(hub, work, merchant, order, who, "ours")


def take_back(hub: Hub, merchant: str, order: str, who: Who) -> None:
    """It goes to where its channel says. Raises Refused where there is none of ours."""
    with hub.unit() as work:
        _theirs(hub, work, merchant, order)
        reached = corrections.of(work.db, merchant, order, hub.box(merchant))
        if reached is None or reached.theirs is None:
            raise Refused("nobody corrected its address")
        corrections.drop(work.db, merchant, order)
        _tell(hub, work, merchant, order, who, "theirs")


def _theirs(hub: Hub, work: Unit, merchant: str, order: str) -> Address | None:
    """What the channel says of an order, which is locked from now on."""
    facts = shipments.facts(work.db, merchant, [order], hub.box(merchant)).get(order)
    reached = corrections.of(work.db, merchant, order, hub.box(merchant))
    if facts is None or reached is None:
        raise Refused("there is no such order")
    if facts.order.is_cancelled:
        raise Refused("it is cancelled")
    if reached.person is None:
        raise Refused("nothing of its buyer is kept")
    return reached.theirs or reached.person.final_ship_to or reached.person.ship_to


def _tell(hub: Hub, work: Unit, merchant: str, order: str, who: Who, whose: str) -> None:
    ref = shipments.refs_of(work.db, merchant, [order])[order]
    work.happened(merchant, [(ref, AddressCorrected(who.name, whose))])
    work.ask(merchant, "look_at_shipments", order, "")
    audit.write(work.db, merchant, work.now, who.id, who.name, "order.address", order, whose=whose)
