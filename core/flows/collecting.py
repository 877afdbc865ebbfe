"""What buyers fetch themselves: made ready, told to the channel, fetched; and what nobody fetched."""

from datetime import timedelta

from core.domain.events import ReadyForPickup
from core.domain.shipments import PICKUP, State
from core.domain.tasks import Claim
from core.domain.who import Who
from core.errors import Refused
from core.flows import sending
from core.flows.labelling import NotThen, ready
from core.hub import Hub
from core.ports import ReadiesPickups
from core.store import audit, places, shipments
from core.store.shipments import Facts, Shipment
from core.store.unit import Unit

DAYS, MOST_DAYS = 7, 90
DAY_US = timedelta(days=1) // timedelta(microseconds=1)


def prepare(hub: Hub, merchant: str, id: str, who: Who, days: int = DAYS) -> None:
    """It can be fetched from now on, for so many days: its channel is told, which writes to the buyer. Raises Stopped, NotThen, Refused."""
    with hub.unit() as work:
        facts, one = _fetched(hub, work, merchant, id)
        if one.state is not State.RELEASED:
            raise NotThen("it is ready already")
        shipments.set_collecting(work.db, id, State.PACKED, work.now, work.now + _days(days) * DAY_US, work.now)
        work.happened(merchant, [(facts.ref, ReadyForPickup(one.name, who.name))])
        work.ask(merchant, "tell_ready", id, facts.connection)
        audit.write(work.db, merchant, work.now, who.id, who.name, "shipment.ready", id, shipment=one.name, days=days)


def take_back(hub: Hub, merchant: str, id: str, who: Who) -> None:
    """It was not ready after all; a buyer who was written to is not written to again. Raises Stopped, NotThen, Refused."""
    with hub.unit() as work:
        _, one = _fetched(hub, work, merchant, id)
        if one.state is not State.PACKED:
            raise NotThen("it is not ready yet")
        shipments.set_collecting(work.db, id, State.RELEASED, None, None, work.now)
        audit.write(work.db, merchant, work.now, who.id, who.name, "shipment.unready", id, shipment=one.name)


def wait(hub: Hub, merchant: str, id: str, who: Who, days: int = DAYS) -> None:
    """It can be fetched for so many days more, counted from now. Raises Stopped, NotThen, Refused."""
    with hub.unit() as work:
        _, one = _fetched(hub, work, merchant, id)
        if one.state is not State.PACKED:
            raise NotThen("it is not ready yet")
        shipments.set_collecting(work.db, id, State.PACKED, one.ready_at or work.now, work.now + _days(days) * DAY_US, work.now)
        audit.write(work.db, merchant, work.now, who.id, who.name, "shipment.wait", id, shipment=one.name, days=days)


def collected(hub: Hub, merchant: str, id: str, who: Who) -> None:
    """Its buyer has it: stock leaves, and its channel is told, without a tracking number. Raises Stopped, NotThen, Refused."""
    with hub.unit() as work:
        _, one = _fetched(hub, work, merchant, id)
        if one.state is not State.PACKED:
            raise NotThen("it is not ready yet")
        sending.go(hub, work, merchant, one, who)
        shipments.set_collected(work.db, id, work.now)


def _fetched(hub: Hub, work: Unit, merchant: str, id: str) -> tuple[Facts, Shipment]:
    facts, one, _ = ready(hub, work, merchant, id)
    if one.way != PICKUP:
        raise NotThen("nobody fetches it: it goes in a parcel")
    return facts, one


def _days(days: int) -> int:
    if not 0 < days <= MOST_DAYS:
        raise Refused(f"it waits for {MOST_DAYS} days at most")
    return days


def tell_ready(hub: Hub, claim: Claim) -> None:
    """Tell a channel that a buyer can come. A channel that has no way to say it is not asked."""
    merchant, id = claim.merchant, claim.subjects[0]
    channel = hub.channel(hub.connection(claim.connection))
    with hub.database.read() as db:
        one = shipments.found(db, merchant, [id]).get(id)
        facts = shipments.seen(db, merchant, [one.order_id], hub.box(merchant)).get(one.order_id) if one else None
        map_ = places.map_of(db, claim.connection, hub.connection(claim.connection).location)
    if one is not None and facts is not None and one.state is State.PACKED and isinstance(channel, ReadiesPickups):
        here = {place for place, some in map_.ours.items() if one.location in some}
        parts = [part for part in facts.order.routing or () if part.open]
        channel.ready_to_fetch(facts.channel_id, [part.id for part in parts if part.location in here] or [part.id for part in parts])
    with hub.unit(claim):
        pass
