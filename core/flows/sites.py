"""From where a merchant sends: which locations do, from which address and in which time zone, and the boxes that are packed."""

import zoneinfo

from core.domain.cards import COUNTRIES
from core.domain.order import Address
from core.domain.places import LocationKind
from core.domain.who import Who
from core.errors import Refused
from core.hub import Hub
from core.store import audit, boxes, places
from core.store.boxes import Carton

MOST_MM, MOST_G = 3_000, 100_000


def set_site(hub: Hub, merchant: str, id: str, who: Who, *, ships: bool, address: Address | None, zone: str) -> None:
    """Say whether a location sends, from where, and in which time zone ("": the merchant's). Once it sends, what may leave is released.
    Raises Refused for a location that is not there or is a channel's own, and for an address that no carrier takes."""
    with hub.unit() as work:
        row = next((row for row in places.locations(work.db, merchant) if row.id == id), None)
        if row is None:
            raise Refused("there is no such location")
        _check(row.kind, address, zone, ships=ships)
        places.set_site(work.db, merchant, id, ships, address, zone)
        if ships and not row.ships:
            work.ask(merchant, "release_orders", merchant)
        said = {"ships": ships, "country": address.country if address else "", "zone": zone}
        audit.write(work.db, merchant, work.now, who.id, who.name, "location.site", row.name, **said)


def _check(kind: str, address: Address | None, zone: str, *, ships: bool) -> None:
    if ships and kind == LocationKind.FBA:
        raise Refused("it is Amazon's own: Amazon sends from there")
    if ships and (address is None or not (address.street1 and address.city and (address.name or address.company))):
        raise Refused("a carrier asks for a name, a street, a town and a country")
    if address is not None and address.country not in COUNTRIES:
        raise Refused("a country is two letters")
    if zone and zone not in zoneinfo.available_timezones():
        raise Refused("there is no such time zone")


def put_box(hub: Hub, merchant: str, one: Carton, who: Who) -> None:
    """A new box, or other sizes for the one of that name. Raises Refused for what no box is."""
    if not one.name or not all(0 < side <= MOST_MM for side in one.size) or not 0 <= one.weight_g <= MOST_G:
        raise Refused("a box has a name, sides in millimetres and a weight in grams")
    with hub.unit() as work:
        boxes.put(work.db, merchant, one)
        said = {"size": list(one.size), "grams": one.weight_g, "most": one.most_g}
        audit.write(work.db, merchant, work.now, who.id, who.name, "box.put", one.name, **said)


def remove_box(hub: Hub, merchant: str, name: str, who: Who) -> bool:
    """False where there is none of that name. What is packed in one stays so."""
    with hub.unit() as work:
        if not boxes.remove(work.db, merchant, name):
            return False
        audit.write(work.db, merchant, work.now, who.id, who.name, "box.remove", name)
    return True
