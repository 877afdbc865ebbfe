"""A channel's own warehouse that sends for orders of other channels: switched on where its merchant says so, looked at before, and off."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from core.domain.places import LocationKind
from core.domain.requests import SPEEDS, Asking, Way
from core.domain.who import Who
from core.errors import Refused
from core.flows import places as places_of
from core.flows import stored as reading
from core.flows.allocation import ask_reserve, ask_waiting, tell_of
from core.hub import Hub
from core.ports import Fulfills, Stores
from core.store import audit, connections, places, requests, shipments, stock, stored
from core.store.unit import Unit

MOST_CUSHION, MOST_SPEEDS = 1_000_000, 50


@dataclass(frozen=True, slots=True)
class Switched:
    """What it is like from now on, or would be. `accounts` sell from it; of `skus` with something to promise `free` units are; `kept` stay
    for the channel's own buyers; `promised` are held by orders; `was` is how it was asked before."""

    was: Asking | None
    accounts: tuple[str, ...]
    skus: int
    free: int
    kept: int
    promised: int


class _OnlyLooked(Exception):
    """Ends the transaction of somebody who only wanted to see what it would do."""


def switch(hub: Hub, merchant: str, location: str, how: Asking | None, who: Who, *, dry_run: bool = False) -> Switched:
    """From now on other channels' orders may be sent from a channel's own warehouse, so; None: no more. What it was asked for goes on as it
    was, and what was promised and not asked for is promised from elsewhere. Raises Refused for what cannot be meant, SellsAlone."""
    found: list[Switched] = []
    with suppress(_OnlyLooked), hub.unit() as work:
        found.append(_switch(hub, work, merchant, location, how, who))
        if dry_run:
            raise _OnlyLooked
    return found[0]


def _switch(hub: Hub, work: Unit, merchant: str, location: str, how: Asking | None, who: Who) -> Switched:
    row = next((row for row in places.locations(work.db, merchant) if row.id == location and row.kind == LocationKind.FBA), None)
    if row is None:
        raise Refused("there is no such warehouse of a channel's own")
    known = reading.switched_on(hub, work.db, merchant)
    if how is not None:
        _check(hub, work, merchant, location, how, known)
    was = known.get(location)
    stock.lock_location(work.db, merchant, location)
    with places_of.maps_changed(work, merchant):
        _write(hub, work, merchant, location, how, was)
    said = {"way": how.way.value if how else "", "cushion": how.cushion if how else 0}
    audit.write(work.db, merchant, work.now, who.id, who.name, "location.asks", row.name, **said)
    if how and was and how.cushion != was.cushion:
        tell_of(work, merchant, stored.at(work.db, merchant, location))
    if how is None:
        ask_reserve(work, merchant, stored.promised(work.db, merchant, location))
    work.ask(merchant, "release_orders", merchant)
    ask_waiting(work, merchant)
    return _seen(work, merchant, location, was)


def _write(hub: Hub, work: Unit, merchant: str, location: str, how: Asking | None, was: Asking | None) -> None:
    requests.set_asking(work.db, merchant, location, how, hub.box(merchant))
    stored.recushion(work.db, merchant, location, how.cushion if how else 0, was.cushion if was else 0)
    site = next(site for site in shipments.all_sites(work.db, merchant) if site.id == location)
    shipments.set_site(work.db, merchant, location, ships=how is not None, address=None, zone=site.zone)
    if how is None:
        places_of.keep_selling(work, merchant, location)
        places.take_out(work.db, merchant, location)
    places.spread_all(work.db, merchant)


def _check(hub: Hub, work: Unit, merchant: str, location: str, how: Asking, known: Mapping[str, Asking]) -> None:
    account = connections.one_of(work.db, merchant, how.connection) if how.way is Way.CONNECTION else None
    if account is None or not all(isinstance(hub.channel(account), role) for role in (Fulfills, Stores)):
        raise Refused("choose the connection whose warehouse it is")
    pinned = {one.connection: at for at, one in known.items() if at != location}
    if stored.location_of(work.db, merchant, account.id, pinned) != location:
        raise Refused("choose the connection whose warehouse it is")
    if connections.mark(work.db, account.id, stored.HELD)[0] == 0:
        raise Refused("nobody has read yet what lies there")
    if not 0 <= how.cushion <= MOST_CUSHION:
        raise Refused(f"from 0 to {MOST_CUSHION} units stay for the channel's own buyers")
    if len(how.speeds) > MOST_SPEEDS or {how.speed, *how.speeds.values()} - SPEEDS.keys():
        raise Refused(f"a speed is one of {', '.join(SPEEDS)}")


def _seen(work: Unit, merchant: str, location: str, was: Asking | None) -> Switched:
    return Switched(was, tuple(stored.sellers(work.db, merchant, location)), *stored.offered(work.db, merchant, location))
