"""What the books say, and what must always hold of them. `balance` raises AssertionError with the rule that broke."""

import hashlib
import json
from collections import Counter
from typing import Any

from sqlalchemy import Connection, text

from core.flows import doctor
from core.hub import Hub
from tests.conftest import House

# What two runs must agree on: not our own ids and times, and not which of two equal shelves was taken.
SAME = {
    "orders": "select connection, channel_id, revision, digest, total, problems, doc from orders order by 1, 2",
    "lines": """select o.channel_id, l.line, l.listing, l.sku, l.hold, l.gone, l.back, l.held, l.booked_gone, l.booked_back, l.waits
                from order_lines l join orders o on o.id = l.order_id order by o.connection, o.channel_id, l.line""",
    "levels": "select sku, location, on_hand, reserved from levels order by 1, 2",
    "reservations": """select o.channel_id, r.line, r.sku, r.location, r.units from reservations r join orders o on o.id = r.order_id
                       order by o.connection, o.channel_id, r.line, r.sku, r.location""",
}


def rows(hub: Hub, query: str, **values: Any) -> list[tuple[Any, ...]]:
    with hub.database.read() as db:
        return [tuple(row) for row in db.execute(text(query), values)]


def one(hub: Hub, query: str, **values: Any) -> Any:
    return rows(hub, query, **values)[0][0]


def written(hub: Hub) -> dict[str, list[tuple[Any, ...]]]:
    """Orders, their lines' books, levels and reservations."""
    return {name: rows(hub, query) for name, query in SAME.items()}


def digest(hub: Hub, names: dict[str, str] | None = None) -> str:
    """One word for the whole state. `names`: ids of this run by the name that every run shares."""
    said = json.dumps(written(hub), default=str)
    for id, name in (names or {}).items():
        said = said.replace(id, name)
    return hashlib.blake2b(said.encode(), digest_size=8).hexdigest()


# Beyond the doctor's questions: what is held is exactly what is reserved, and never more than is due.
RULES = {
    "what a line holds is what is reserved for it, part by part": """
        select o.channel_id, l.line, l.held, p.sku, p.units, r.units from order_lines l join orders o on o.id = l.order_id
        join listings g on g.connection = o.connection and g.listing = l.listing and g.sku = l.sku
        join listing_parts p on p.listing_id = g.id
        left join (select order_id, line, sku, sum(units) as units from reservations group by order_id, line, sku) r
          on r.order_id = l.order_id and r.line = l.line and r.sku = p.sku
        where l.held * p.units <> coalesce(r.units, 0)""",
    "nothing is reserved that no line holds": """
        select r.order_id, r.line, r.sku from reservations r join order_lines l on l.order_id = r.order_id and l.line = r.line
        where l.held = 0""",
    "no line holds more than it should": "select order_id, line, held, hold from order_lines where held > hold or held < 0",
    "a line that holds less than it should waits, unless its parts are lines of their own": """
        select l.order_id, l.line, l.held, l.hold, l.waits from order_lines l join orders o on o.id = l.order_id
        where l.held < l.hold and l.waits is null and not exists (select 1 from listings g
          where g.connection = o.connection and g.listing = l.listing and g.sku = l.sku and g.exploded_by <> 'hub')""",
    "whose parts are lines of their own holds nothing": """
        select l.order_id, l.line, l.held from order_lines l join orders o on o.id = l.order_id
        join listings g on g.connection = o.connection and g.listing = l.listing and g.sku = l.sku
        where g.exploded_by <> 'hub' and l.held > 0""",
    "a unit whose parts must lie at one location is whole where it is reserved": """
        select v.order_id, v.line, v.location, count(*), min(v.units / p.units), max(v.units / p.units) from reservations v
        join order_lines l on l.order_id = v.order_id and l.line = v.line join orders o on o.id = l.order_id
        join listings g on g.connection = o.connection and g.listing = l.listing and g.sku = l.sku and g.alone
        join listing_parts p on p.listing_id = g.id and p.sku = v.sku
        group by v.order_id, v.line, v.location, g.id
        having min(v.units / p.units) <> max(v.units / p.units) or sum(case when v.units % p.units = 0 then 0 else 1 end) > 0
          or count(*) <> (select count(*) from listing_parts q where q.listing_id = g.id)""",
    "no level is below zero": "select sku, location, on_hand, reserved from levels where reserved < 0 or on_hand < reserved",
}


def balance(hub: Hub) -> None:
    """The doctor finds nothing, and reserved = the sum of what open lines hold."""
    with hub.database.read() as db:
        ill = [finding for finding in doctor.examine(db, hub.now) if not finding.ok]
        broken = {rule: found for rule, query in RULES.items() if (found := _all(db, query))}
    assert not ill, ill
    assert not broken, broken


def _all(db: Connection, query: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in db.execute(text(query))]


def level(hub: Hub, sku: str) -> tuple[int, int]:
    """(on hand, reserved) of a SKU over all places."""
    on_hand, reserved = rows(hub, "select coalesce(sum(on_hand), 0), coalesce(sum(reserved), 0) from levels where sku = :sku", sku=sku)[0]
    return int(on_hand), int(reserved)


def lines(hub: Hub, order: str) -> dict[str, tuple[int, int, int, int, str | None]]:
    """(hold, held, gone, back, waits) of each line of an order by the channel's id."""
    query = """select l.line, l.hold, l.held, l.booked_gone, l.booked_back, l.waits from order_lines l join orders o on o.id = l.order_id
               where o.channel_id = :order order by l.line"""
    return {row[0]: row[1:] for row in rows(hub, query, order=order)}


def orders(hub: Hub) -> list[tuple[str, str]]:
    """(connection, channel id) of every order."""
    return rows(hub, "select connection, channel_id from orders order by 1, 2")


def parked(hub: Hub) -> list[tuple[str, str, str, str]]:
    return rows(hub, "select kind, subject, cause, detail from tasks where state = 'parked' order by id")


def open_tasks(hub: Hub) -> list[tuple[str, str, str]]:
    return rows(hub, "select kind, subject, state from tasks where state <> 'done' order by id")


def wrong_listings(house: House) -> list[tuple[str, str, int, int]]:
    """(channel, SKU, shown, wanted) of listings that do not show on hand less reserved, safety and buffer; reckoned anew, not asked of the
    hub."""
    free = {(sku, at): int(units) for sku, at, units in rows(house.hub, FREE)}
    parts: dict[tuple[str, str, str, int, bool], dict[str, int]] = {}
    for connection, listing, sku, buffer, alone, part, units in rows(house.hub, MAPPED):
        parts.setdefault((connection, listing, sku, buffer, bool(alone)), {})[part] = units
    found = []
    for (connection, listing, sku, buffer, alone), one_takes in parts.items():
        name = next((name for name, one in house.connections.items() if one.id == connection), "")
        there, wanted = name and house.systems[name].listings.get((listing, sku)), max(0, makes(one_takes, free, alone=alone) - buffer)
        if there and there.shown != wanted:
            found.append((name, sku, there.shown, wanted))
    return found


def makes(takes: dict[str, int], free: dict[tuple[str, str], int], *, alone: bool) -> int:
    """How many units can be put together, one after the other, from one location each or from any."""
    places = sorted({at for _, at in free})
    rooms = [{sku: free.get((sku, at), 0) for sku in takes} for at in places]
    if not alone:
        rooms = [{sku: sum(room[sku] for room in rooms) for sku in takes}]
    made = 0
    for room in rooms:
        while all(room[sku] >= units for sku, units in takes.items()):
            room = {sku: room[sku] - units for sku, units in takes.items()}
            made += 1
    return made


FREE = """
select sku, location, case when on_hand - reserved - safety > 0 then on_hand - reserved - safety else 0 end from levels
"""
MAPPED = """
select l.connection, l.listing, l.sku, c.buffer, l.alone, p.sku, p.units from listings l join connections c on c.id = l.connection
join listing_parts p on p.listing_id = l.id where l.writable is null order by l.id
"""


def wrong_shares(house: House) -> list[tuple[str, str, int, int]]:
    """The same of SKUs in quota: each listing shows what it was dealt, and all of them together no more than is free."""
    found, together = [], dict[str, int]()
    for connection, listing, sku, share in rows(house.hub, DEALT):
        name = next(name for name, one in house.connections.items() if one.id == connection)
        there = house.systems[name].listings[listing, sku].shown
        together[sku] = together.get(sku, 0) + there
        found += [(name, sku, there, share)] if there != share else []
    free = Counter[str]()
    for sku, _, units in rows(house.hub, FREE):
        free[sku] += int(units)
    return found + [("all", sku, units, free[sku]) for sku, units in together.items() if units > free[sku]]


DEALT = """
select l.connection, l.listing, l.sku, l.share from listings l join listing_parts p on p.listing_id = l.id
join skus k on k.merchant = p.merchant and k.sku = p.sku where l.writable is null and k.quota order by l.id
"""


def settle_again(house: House) -> None:
    """Run every flow that books once more, for every order there is."""
    with house.hub.unit() as work:
        for connection, id in orders(house.hub):
            work.ask(house.merchant.id, "reserve", f"{connection}/{id}", connection)
        for connection in house.connections.values():
            work.ask(house.merchant.id, "publish_stock", connection.id, connection.id)
    house.work()
