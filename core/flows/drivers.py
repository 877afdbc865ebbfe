"""Drivers who are asked to come: once, whatever answer is lost, and called off again."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from core.domain.handing_over import PickupState, Window, wrong_window
from core.domain.shipping import Agreed, Collection
from core.domain.tasks import Claim
from core.domain.who import Who
from core.errors import AccessLost, OutcomeUnknown, Refused
from core.flows.labelling import NotThen
from core.hub import Hub
from core.ports import PicksUp
from core.store import audit, connections, handovers, shipments
from core.store.shipments import Site

TABLE = "pickups"


def want(
    hub: Hub, merchant: str, connection: str, location: str, window: Window, who: Who, *, parcels: int = 0, weight_g: int = 0
) -> str:  # fmt: skip
    """Ask a carrier's driver to come to a location in this time of its own. Without a number of parcels what waits there labelled counts.
    Gives our id of it. Raises Refused."""
    with hub.unit() as work:
        account = connections.one_of(work.db, merchant, connection)
        site = next((one for one in shipments.all_sites(work.db, merchant) if one.id == location), None)
        if account is None or not isinstance(hub.carrier(account), PicksUp):
            raise Refused("this carrier's drivers cannot be asked here")
        if site is None or site.address is None:
            raise Refused("nobody said yet which address this location sends from")
        if why := wrong_window(window, _now(hub, site)):
            raise Refused(why.removesuffix("."))
        if handovers.is_coming(work.db, merchant, connection, location, window.ready.date().isoformat()):
            raise NotThen("a driver of theirs comes there on that day already")
        waiting = handovers.ready(work.db, merchant, location, connection, 1000)
        count = parcels or sum(int(row.parcels) for row in waiting) or 1
        grams = weight_g or sum(int(row.weight_g) for row in waiting) or 1000 * count
        id = hub.ids()
        row = {"id": id, "connection": connection, "location": location, "parcels": count, "weight_g": grams}
        handovers.want_pickup(work.db, merchant, {**row, "ready": _text(window.ready), "until": _text(window.until)}, work.now)
        work.ask(merchant, "order_drivers", id, connection)
        audit.write(work.db, merchant, work.now, who.id, who.name, "pickup.want", id, location=site.name)
        return id


def _now(hub: Hub, site: Site) -> datetime:
    return hub.clock().astimezone(ZoneInfo(site.zone or "UTC")).replace(tzinfo=None)


def _text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M")


def order_drivers(hub: Hub, claim: Claim) -> None:
    """Ask a driver to come, or to stay away. A question whose answer was lost is not asked again: two drivers might come."""
    merchant, id = claim.merchant, claim.subjects[0]
    with hub.unit(claim, finish=False) as work:
        one = handovers.pickup(work.db, merchant, id)
        site = next((site for site in shipments.all_sites(work.db, merchant) if one and site.id == one.location), None)
        before = one is not None and one.tried_at is not None
        if one is not None and one.state == PickupState.WANTED and not before:
            handovers.tried(work.db, TABLE, id, work.now)
    carrier = hub.carrier(hub.connection(claim.connection))
    if one is None or site is None or site.address is None or not isinstance(carrier, PicksUp):
        _over(hub, claim)
    elif one.state == PickupState.LEAVING:
        _leave(hub, claim, carrier, id, _agreed(hub, merchant, one))
    elif one.state == PickupState.WANTED and before:
        _ended(hub, claim, id, PickupState.UNKNOWN)
    elif one.state == PickupState.WANTED:
        _ask(hub, claim, carrier, id, _collection(site, one))
    else:
        _over(hub, claim)


def _over(hub: Hub, claim: Claim) -> None:
    with hub.unit(claim):
        pass


def _collection(site: Site, one: Any) -> Collection:
    assert site.address is not None
    zone = ZoneInfo(site.zone or "UTC")
    ready, until = (datetime.fromisoformat(text).replace(tzinfo=zone) for text in (one.ready, one.until))
    return Collection(site.address, ready, until, one.parcels, one.weight_g)


def _ask(hub: Hub, claim: Claim, carrier: PicksUp, id: str, wish: Collection) -> None:
    try:
        agreed = carrier.pick_up(wish, id.replace("-", ""))
    except OutcomeUnknown:
        _ended(hub, claim, id, PickupState.UNKNOWN)
        return
    except AccessLost:
        raise
    except Refused as error:
        _ended(hub, claim, id, PickupState.FAILED, error.words or str(error))
        return
    handle = msgspec.json.encode(agreed.handle)
    with hub.unit(claim) as work:
        sealed = hub.box(claim.merchant).seal_text(f"pickups|handle|{id}", handle)
        handovers.agreed(work.db, id, agreed.id, sealed, (agreed.price.minor, agreed.price.currency) if agreed.price else None)


def _agreed(hub: Hub, merchant: str, one: Any) -> Agreed:
    handle = hub.box(merchant).open_text(f"pickups|handle|{one.id}", one.handle) if one.handle else b"{}"
    return Agreed(one.number or "", msgspec.json.decode(handle))


def _leave(hub: Hub, claim: Claim, carrier: PicksUp, id: str, agreed: Agreed) -> None:
    """Said twice it has one effect."""
    try:
        carrier.leave(agreed)
    except AccessLost:
        raise
    except Refused as error:
        _ended(hub, claim, id, PickupState.AGREED, error.words or str(error))
        return
    _ended(hub, claim, id, PickupState.LEFT)


def _ended(hub: Hub, claim: Claim, id: str, state: PickupState, words: str = "") -> None:
    with hub.unit(claim) as work:
        sealed = hub.box(claim.merchant).seal_text(f"pickups|words|{id}", words.encode()) if words else None
        handovers.become(work.db, TABLE, id, state, work.now, words=sealed)


def leave(hub: Hub, merchant: str, id: str, who: Who) -> None:
    """The driver need not come. Raises NotThen."""
    with hub.unit() as work:
        one = handovers.pickup(work.db, merchant, id)
        if one is None or one.state != PickupState.AGREED:
            raise NotThen("no driver is coming that could be told")
        handovers.become(work.db, TABLE, id, PickupState.LEAVING, work.now)
        work.ask(merchant, "order_drivers", id, one.connection)
        audit.write(work.db, merchant, work.now, who.id, who.name, "pickup.leave", id)


def checked(hub: Hub, merchant: str, id: str, who: Who, *, comes: bool) -> None:
    """Somebody looked in the carrier's own account: a driver comes, or none does. Raises NotThen."""
    with hub.unit() as work:
        one = handovers.pickup(work.db, merchant, id)
        if one is None or one.state != PickupState.UNKNOWN:
            raise NotThen("nothing of it is unknown")
        handovers.become(work.db, TABLE, id, PickupState.AGREED if comes else PickupState.LEFT, work.now)
        audit.write(work.db, merchant, work.now, who.id, who.name, "pickup.checked", id, comes=comes)
