"""Places: the channel's own locations, and which of ours each of them stands for."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from core.domain.places import Contents, LocationKind
from core.domain.tasks import Claim
from core.domain.who import COMMAND_LINE, Who
from core.errors import Refused
from core.flows.settling import settle_again
from core.hub import Hub
from core.ports import Place
from core.store import audit, connections, listings, orders, places, stock, stored
from core.store.connections import Connection
from core.store.unit import Unit


def keep_places(work: Unit, connection: Connection, found: Sequence[Place]) -> None:
    """All places of a channel, as it lists them now. Where nobody made a map, it is clear only while there is one of the merchant's own."""
    before = places.map_of(work.db, connection.id, connection.location)
    rows = [{"place": one.id, "name": one.name, "active": one.active, "service": one.service} for one in found]
    places.keep(work.db, connection.merchant, connection.id, rows, work.now)
    if not connection.own_map:
        places.spread(work.db, connection.merchant, connection.id)
    if places.map_of(work.db, connection.id, connection.location) != before:
        _map_changed(work, connection)


def _map_changed(work: Unit, connection: Connection) -> None:
    """What its listings should show is another number, and its open orders may lie elsewhere."""
    listings.touch_all(work.db, connection.id)
    work.ask(connection.merchant, "publish_stock", connection.id, connection.id)
    connections.set_mark(work.db, connection.merchant, connection.id, "settle again", 0, None)
    work.ask(connection.merchant, "settle_orders", connection.id, connection.id)


def map_place(hub: Hub, connection: Connection, place: str, locations: Sequence[str], who: Who = COMMAND_LINE) -> None:
    """Say which of our locations a place of the channel stands for; none: it is nothing of ours. For a channel that keeps no stock by
    location, `place` "" with the locations that it may sell from. Raises Refused for a place that cannot be ours."""
    with hub.unit() as work:
        _check(work, connection, place, locations)
        places.stand_for(work.db, connection.merchant, connection.id, place, locations)
        _map_changed(work, connection)
        said = {"connection": connection.id, "place": place, "locations": list(locations)}
        audit.write(work.db, connection.merchant, work.now, who.id, who.name, "place.map", connection.id, **said)


def _check(work: Unit, connection: Connection, place: str, locations: Sequence[str]) -> None:
    known = {row.place: row for row in places.listed(work.db, connection.merchant, connection.id)}
    if place not in known and (place or known):
        raise Refused(f"the channel has no place {place!r}; it has {', '.join(sorted(known)) or 'none'}")
    may = places.may_sell(work.db, connection.merchant, connection.id)
    if amazons := [row.name for row in places.locations(work.db, connection.merchant) if row.id in locations and row.id not in may]:
        raise Refused(f"{amazons[0]} is Amazon's own: its stock is not promised here")
    if place and known[place].service and locations:
        raise Refused(f"{known[place].name} is another service's: its stock is not ours to tell")
    if not place and not locations:
        raise Refused("name at least one location; to show nothing there, watch the connection instead")


def unmap_places(hub: Hub, connection: Connection, who: Who = COMMAND_LINE) -> None:
    """Forget what was said of its places."""
    with hub.unit() as work:
        places.forget(work.db, connection.merchant, connection.id)
        _map_changed(work, connection)
        audit.write(work.db, connection.merchant, work.now, who.id, who.name, "place.forget", connection.id)


def add_location(hub: Hub, merchant: str, name: str, who: Who, kind: LocationKind = LocationKind.OWN) -> bool:
    """A new location of ours, behind the others. False where there is one of that name."""
    with hub.unit() as work:
        return bool(add_location_in(hub, work, merchant, name, who, kind))


def add_location_in(hub: Hub, work: Unit, merchant: str, name: str, who: Who, kind: LocationKind = LocationKind.OWN) -> str:
    """The same in the caller's transaction. Gives its id, "" where there is one of that name."""
    known, id = places.locations(work.db, merchant), hub.ids()
    if name in {row.name for row in known}:
        return ""
    stock.add_location(work.db, merchant, id, name, rank=max((row.rank for row in known), default=-1) + 1, kind=kind.value)
    audit.write(work.db, merchant, work.now, who.id, who.name, "location.add", name, kind=kind.value)
    return id


def rename_location(hub: Hub, merchant: str, id: str, name: str, who: Who) -> bool:
    """Files and programs name it so from now on. False where it is none of the merchant's, or another has that name."""
    with hub.unit() as work:
        was = {row.id: row.name for row in places.locations(work.db, merchant)}
        if not places.rename(work.db, merchant, id, name):
            return False
        audit.write(work.db, merchant, work.now, who.id, who.name, "location.rename", name, was=was[id])
    return True


def prefer_location(hub: Hub, merchant: str, id: str, who: Who) -> bool:
    """Take stock from it before the one that stands above it now. What is reserved stays where it is; only where a channel's place stands
    for several of ours are its orders settled anew. False where nothing stands above it, or it is none of the merchant's."""
    with hub.unit() as work:
        known = {row.id: row.name for row in places.locations(work.db, merchant)}
        order, before = list(known), _split_heads(work, merchant)
        if id not in order[1:]:
            return False
        above = order.index(id) - 1
        order[above : above + 2] = reversed(order[above : above + 2])
        places.rank(work.db, merchant, order)
        _heads_changed(work, merchant, before)
        audit.write(work.db, merchant, work.now, who.id, who.name, "location.rank", known[id], order=[known[one] for one in order])
    return True


EMPTY = Contents()


class HoldsStock(Refused):
    """Something lies at the location, or is on its way there or from there: `name` and `contents` say what."""

    def __init__(self, name: str, contents: Contents = EMPTY) -> None:
        self.name, self.contents = name, contents
        held = f"{contents.on_hand} units on hand of {contents.skus} SKUs, {contents.reserved} reserved, {contents.damaged} damaged"
        super().__init__(f"{name} holds {held}, and {contents.inbounds} deliveries are on their way there or from there")


class SellsAlone(Refused):
    """Channels sell from this location and from no other: `name` and `labels` say which."""

    def __init__(self, name: str, labels: Sequence[str] = ()) -> None:
        self.name, self.labels = name, labels
        super().__init__(f"{', '.join(labels)} sells from {name} alone: say first from where else")


def set_kind_in(work: Unit, merchant: str, id: str, kind: LocationKind, who: Who) -> bool:
    """Say what a location of ours is. False where it is that already. Raises Refused for one that is not there, HoldsStock where Amazon's
    own would hold what is promised, SellsAlone where a channel would sell from nowhere."""
    row = _location(work, merchant, id)
    if row.kind == kind.value:
        return False
    contents = places.contents(work.db, merchant, id)
    if kind is LocationKind.FBA and (contents.reserved or contents.damaged):
        raise HoldsStock(row.name, contents)
    if kind is LocationKind.FBA:
        keep_selling(work, merchant, id)
    with maps_changed(work, merchant):
        if kind is LocationKind.FBA:
            places.take_out(work.db, merchant, id)
        places.set_kind(work.db, merchant, id, kind.value)
        stored.forget_location(work.db, merchant, id)
        places.spread_all(work.db, merchant)
    audit.write(work.db, merchant, work.now, who.id, who.name, "location.kind", row.name, was=row.kind, kind=kind.value)
    return True


def set_kind(hub: Hub, merchant: str, id: str, kind: LocationKind, who: Who) -> bool:
    """The same in a transaction of its own."""
    with hub.unit() as work:
        return set_kind_in(work, merchant, id, kind, who)


def remove_location(hub: Hub, merchant: str, id: str, who: Who) -> str:
    """A location where nothing lies is none of ours any more. Gives its name. Raises Refused for one that is not there, HoldsStock where
    something lies there or is on its way there or from there, SellsAlone where a channel would sell from nowhere."""
    with hub.unit() as work:
        return remove_location_in(work, merchant, id, who)


def remove_location_in(work: Unit, merchant: str, id: str, who: Who) -> str:
    """The same in the caller's transaction."""
    row = _location(work, merchant, id)
    stock.lock_location(work.db, merchant, id)
    contents = places.contents(work.db, merchant, id)
    if not contents.is_empty:
        raise HoldsStock(row.name, contents)
    keep_selling(work, merchant, id)
    with maps_changed(work, merchant):
        places.take_out(work.db, merchant, id)
        places.remove(work.db, merchant, id)
        places.spread_all(work.db, merchant)
    audit.write(work.db, merchant, work.now, who.id, who.name, "location.remove", row.name, kind=row.kind)
    return str(row.name)


def _location(work: Unit, merchant: str, id: str) -> Any:
    row = next((row for row in places.locations(work.db, merchant) if row.id == id), None)
    if row is None:
        raise Refused("there is no such location")
    return row


def keep_selling(work: Unit, merchant: str, id: str) -> None:
    """Raises SellsAlone where a channel sells from this location alone."""
    if labels := places.selling_alone(work.db, merchant, id):
        raise SellsAlone(_location(work, merchant, id).name, labels)


@contextmanager
def maps_changed(work: Unit, merchant: str) -> Iterator[None]:
    """Channels that sell from other locations after it look at what they show, and at what their orders hold."""
    known = connections.all_of(work.db, merchant)
    before = {one.id: places.map_of(work.db, one.id, one.location) for one in known}
    yield
    for one in known:
        if places.map_of(work.db, one.id, None).ours != before[one.id].ours:
            _map_changed(work, one)


def _split_heads(work: Unit, merchant: str) -> dict[str, dict[str, str]]:
    """By connection, which of our locations each place's goods come back to, where it matters which place it is."""
    maps = {one.id: places.map_of(work.db, one.id, one.location) for one in connections.all_of(work.db, merchant)}
    return {id: map_.heads for id, map_ in maps.items() if map_.is_split}


def _heads_changed(work: Unit, merchant: str, before: dict[str, dict[str, str]]) -> None:
    after = _split_heads(work, merchant)
    for one in connections.all_of(work.db, merchant):
        if before.get(one.id) != after.get(one.id):
            _map_changed(work, one)


def begin_at(hub: Hub, connection: Connection, location: str) -> None:
    """Reserve its orders at this location of ours first, where the channel does not say from where they are sent."""
    with hub.unit() as work:
        connections.set_location(work.db, connection.id, location)


ORDERS_AT_ONCE = 100


def settle_orders(hub: Hub, claim: Claim) -> None:
    """Settle the orders of a connection anew, a page at a time: its places stand for other locations now."""
    connection = hub.connection(claim.connection)
    with hub.database.read() as db:
        _, after = connections.mark(db, connection.id, "settle again")
        refs = orders.after(db, connection.merchant, connection.id, after or "", ORDERS_AT_ONCE)
    with hub.unit(claim) as work:
        settle_again(hub, work, connection, refs)
        last = refs[-1].split("/", 1)[1] if len(refs) == ORDERS_AT_ONCE else None
        connections.set_mark(work.db, connection.merchant, connection.id, "settle again", 0, last)
        if last:
            work.ask(connection.merchant, "settle_orders", connection.id, connection.id)
