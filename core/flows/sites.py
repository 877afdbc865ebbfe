"""From where parcels leave, and when: which locations send, their addresses and zones, and what must hold before an order is released."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from sqlalchemy import Connection

from core.domain.checking import Rule
from core.domain.order import Address
from core.domain.places import LocationKind
from core.domain.shipments import Rules
from core.domain.who import Who
from core.domain.workdays import EVERY_DAY, Hours
from core.errors import Refused
from core.hub import Hub
from core.store import audit, boxes, checks, connections, people, places, shipments
from core.store.boxes import Carton

MOST_MM, MOST_G = 3_000, 100_000
MOST_WAITING = 100_000  # shipments whose addresses are asked about when that is switched on
MOST_PARCELS, MOST_HOLIDAYS = 1_000_000, 366
RELEASE = "release"
LONGEST = timedelta(days=7)
NEEDED = ("street1", "city", "postcode", "country")


def set_site(hub: Hub, merchant: str, location: str, who: Who, *, ships: bool, address: Mapping[str, str] | None, zone: str) -> None:
    """Say whether a location sends, from which address (None: as it was) and in which time zone ("": the merchant's). Raises Refused for
    what cannot be meant: a location that is not theirs or is Amazon's, an address without what carriers ask."""
    with hub.unit() as work:
        known = {row.id: row for row in places.locations(work.db, merchant)}
        if location not in known or known[location].kind == LocationKind.FBA:
            raise Refused("there is no such location that could send")
        before = {site.id: site for site in shipments.all_sites(work.db, merchant)}
        found = address_of(address) if address is not None else before[location].address
        if ships and found is None:
            raise Refused("say first which address its parcels come from")
        shipments.set_site(work.db, merchant, location, ships=ships, address=found, zone=_zone(zone))
        audit.write(work.db, merchant, work.now, who.id, who.name, "location.sends", known[location].name, ships=ships)
        if ships:
            work.ask(merchant, "release_orders", merchant)


def address_of(said: Mapping[str, str], needed: Sequence[str] = NEEDED) -> Address:
    """What somebody wrote as an address. Raises Refused for what is none."""
    known = {field.name for field in fields(Address)}
    if strangers := sorted(said.keys() - known):
        raise Refused(f"an address has no {strangers[0]}; it has {', '.join(sorted(known))}")
    if lacks := [name for name in needed if not said.get(name, "").strip()]:
        raise Refused(f"the address lacks {', '.join(lacks)}")
    if not (len(said["country"]) == 2 and said["country"].isalpha()):
        raise Refused("a country is two letters: US")
    return Address(**{name: value.strip() for name, value in said.items()} | {"country": said["country"].upper()})


def _zone(zone: str) -> str:
    try:
        return zone and ZoneInfo(zone).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Refused(f"there is no time zone {zone}") from None


def set_hours(hub: Hub, merchant: str, location: str, who: Who, hours: Hours) -> Hours:
    """On which days a location sends, until when, and how many parcels a day; gives what was so before. Raises Refused for what cannot be
    meant."""
    if not hours.week or not set(hours.week) <= set(EVERY_DAY) or len(hours.holidays) > MOST_HOLIDAYS:
        raise Refused("a location sends on one day of the week at least")
    if hours.capacity is not None and not 0 < hours.capacity <= MOST_PARCELS:
        raise Refused("a location sends one parcel a day at least")
    with hub.unit() as work:
        found = next((site for site in shipments.all_sites(work.db, merchant) if site.id == location), None)
        if found is None:
            raise Refused("there is no such location that could send")
        shipments.set_hours(work.db, merchant, location, hours)
        said = {"week": list(hours.week), "holidays": len(hours.holidays), "capacity": hours.capacity}
        cutoff = hours.cutoff.strftime("%H:%M") if hours.cutoff else None
        audit.write(work.db, merchant, work.now, who.id, who.name, "location.hours", found.name, **said, cutoff=cutoff)
    return found.hours


# ---- when


def rules(db: Connection, merchant: str) -> Rules:
    """How this merchant releases."""
    _, chosen = people.settings(db, merchant)
    said = msgspec.json.decode(chosen.get(RELEASE) or "{}")
    grace = timedelta(minutes=said.get("grace_min", 0))
    on_delivery, on_label = said.get("on_delivery", False), frozenset(said.get("on_label", ()))
    return Rules(grace, said.get("part", False), said.get("authorized", True), said.get("terms", False), on_delivery, on_label=on_label)


def set_rules(hub: Hub, merchant: str, who: Who, new: Rules) -> None:
    """From now on orders are released so. Raises Refused for a grace period that cannot be meant."""
    if not timedelta(0) <= new.grace <= LONGEST:
        raise Refused(f"buyers may change an order for {LONGEST.days} days at most")
    said = {
        "grace_min": new.grace // timedelta(minutes=1),
        "part": new.part,
        "authorized": new.authorized,
        "terms": new.terms,
        "on_delivery": new.on_delivery,
        "on_label": sorted(new.on_label),
    }
    with hub.unit() as work:
        if strangers := new.on_label - {one.id for one in connections.all_of(work.db, merchant)}:
            raise Refused(f"there is no such channel: {min(strangers)}")
        name, _ = people.settings(work.db, merchant)
        people.set_settings(work.db, merchant, name, **{RELEASE: msgspec.json.encode(said).decode()})
        audit.write(work.db, merchant, work.now, who.id, who.name, "sending.rules", "", **said)
        work.ask(merchant, "release_orders", merchant)


def set_check(hub: Hub, merchant: str, who: Who, said: str) -> None:
    """What is done with addresses that carriers doubt, a word of checking.Rule; what is none leaves them unasked. It holds for what waits
    for its label, too: carriers are asked about that, and what was held by the rule before is let go."""
    rule = Rule(said) if said in set(Rule) else Rule.OFF
    with hub.unit() as work:
        if checks.rule(work.db, merchant) is not rule:
            people.choose(work.db, merchant, **{checks.SETTING: rule.value})
            if rule is not Rule.HOLD:
                checks.let_go(work.db, merchant)
            for one in checks.waiting(work.db, merchant, MOST_WAITING) if rule is not Rule.OFF else ():
                work.ask(merchant, "check_addresses", one.id)
            audit.write(work.db, merchant, work.now, who.id, who.name, "settings.address_check", merchant, rule=rule.value)


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
