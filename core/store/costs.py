"""What units cost from when on, appended only; and units that left though nobody knows their cost."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from core.domain.costing import Again, Parts, UnitCost
from core.domain.who import Who
from core.store.sql import run, run_set
from core.store.tables import when

SKU = {"sku": "text"}
REF = {"ref": "text"}
OF = """
select r.sku, c.at, c.cost, c.currency from {rows} left join unit_costs c on c.merchant = r.merchant and c.sku = r.sku
where c.at is not null order by r.sku, c.at
"""


def of(db: Connection, merchant: str, skus: Iterable[str]) -> dict[str, list[UnitCost]]:
    """All that these ever cost, each by its moments."""
    found: dict[str, list[UnitCost]] = {}
    for row in run_set(db, OF, SKU, [{"sku": sku} for sku in sorted(set(skus))], merchant=merchant):
        found.setdefault(row.sku, []).append(UnitCost(row.at, row.cost, row.currency))
    return found


COST = {"sku": "text", "at": "bigint", "cost": "bigint", "currency": "text", "units": "int"}
ADD = """
insert into unit_costs (merchant, sku, at, cost, currency, units, source, who, name)
select :merchant, r.sku, r.at, r.cost, r.currency, r.units, :source, :who, :name from {rows} where true
on conflict (merchant, sku, at) do update set cost = excluded.cost, currency = excluded.currency, units = excluded.units,
  source = excluded.source, who = excluded.who, name = excluded.name
"""


def add(db: Connection, merchant: str, costs: Sequence[tuple[str, UnitCost, int]], who: Who, source: str = "") -> None:
    """(SKU, cost, units that it was averaged over): from their moments on. One of the very same moment is corrected."""
    rows = [{"sku": sku, "at": one.at, "cost": one.cost, "currency": one.currency, "units": units} for sku, one, units in costs]
    run_set(db, ADD, COST, rows, merchant=merchant, source=source, who=who.id, name=who.name)


HAND = """
select r.sku, sum(l.on_hand) as units from {rows} left join levels l on l.merchant = r.merchant and l.sku = r.sku
where l.sku is not null group by r.sku
"""


def on_hand(db: Connection, merchant: str, skus: Iterable[str]) -> dict[str, int]:
    """Units of these at all locations."""
    found = run_set(db, HAND, SKU, [{"sku": sku} for sku in sorted(set(skus))], merchant=merchant)
    return {row.sku: int(row.units) for row in found}


# ---- what our own shipments say

SENT = """
select s.id, s.order_id, s.again, s.sent_at, n.line, n.units, n.parts from {rows} left join shipments s on s.order_id = r.id
left join shipment_lines n on n.shipment = s.id
where s.state <> 'cancelled' and n.line is not null and s.merchant || '' = :merchant order by s.number
"""


def sent(db: Connection, merchant: str, orders: Iterable[str]) -> tuple[dict[tuple[str, str], Parts], dict[str, list[Again]]]:
    """Of our shipments of these orders: by (order, line) what one unit consumes, and by order what was sent once more and left."""
    parts, again = dict[tuple[str, str], Parts](), dict[str, dict[str, tuple[int, dict[str, int]]]]()
    for row in run_set(db, SENT, {"id": "text"}, [{"id": id} for id in sorted(set(orders))], merchant=merchant):
        parts[row.order_id, row.line] = msgspec.json.decode(row.parts)
        if row.again and row.sent_at:
            again.setdefault(row.order_id, {}).setdefault(row.id, (row.sent_at, {}))[1][row.line] = row.units
    made = {order: [Again(id, when(at), units) for id, (at, units) in known.items()] for order, known in again.items()}
    return parts, made


# ---- units without a cost

FORGET = "delete from costless where merchant = :merchant and ref in (select r.ref from {rows})"
LACK = "insert into costless (merchant, ref, sku, units, at) select :merchant, r.ref, r.sku, r.units, :now from {rows}"


def lack(db: Connection, merchant: str, refs: Iterable[str], units: Mapping[tuple[str, str], int], now: int) -> None:
    """Of these orders just these units, by (ref, SKU), have no cost."""
    run_set(db, FORGET, REF, [{"ref": ref} for ref in sorted(set(refs))], merchant=merchant)
    rows = [{"ref": ref, "sku": sku, "units": count} for (ref, sku), count in sorted(units.items())]
    if rows:
        run_set(db, LACK, {**REF, "sku": "text", "units": "int"}, rows, merchant=merchant, now=now)


BESIDE = "case when c.ref like 'payout %' or c.ref like 'shelf %' then 1 else 0 end"  # what is no order's
LACKING = f"""
select c.sku, sum(c.units) as units, count(*) - sum({BESIDE}) as orders, sum({BESIDE}) as others, min(c.at) as since,
  max(s.title) as title from costless c
left join skus s on s.merchant = c.merchant and s.sku = c.sku
where c.merchant = :merchant and c.sku > :after group by c.sku order by c.sku limit :most
"""
COUNT = """
select count(*) from (select distinct c.sku from costless c where c.merchant = :merchant and c.sku >= '' limit 1000) r
"""


def lacking(db: Connection, merchant: str, after: str = "", most: int = 50) -> list[Any]:
    """SKUs of which units left without a cost: {sku, title, units, orders, since}, and
    the entries of no order (`others`: what channels' warehouses lost)."""
    return list(run(db, LACKING, merchant=merchant, after=after, most=most))


def how_many_lack(db: Connection, merchant: str) -> int:
    """How many SKUs have units without a cost, up to a thousand."""
    return int(run(db, COUNT, merchant=merchant).scalar_one())


ORDERS_OF = """
select c.ref from costless c where c.merchant = :merchant and c.sku = :sku and c.ref > :after
union select e.subject from postings p join entries e on e.id = p.entry
where p.merchant = :merchant and p.item = :item and p.account = 'goods_sold' and e.subject > :after order by 1 limit :most
"""
WAITING = "select distinct c.ref from costless c where c.merchant = :merchant and c.ref > :after order by c.ref limit :most"


def orders_of(db: Connection, merchant: str, sku: str, after: str, most: int) -> list[str]:
    """Orders, by their refs, whose cost of this SKU waits or is booked."""
    found = run(db, ORDERS_OF, merchant=merchant, sku=sku, item=f"sku {sku}", after=after, most=most)
    return [str(ref) for ref in found.scalars()]


def waiting(db: Connection, merchant: str, after: str, most: int) -> list[str]:
    """Orders with units whose cost waits."""
    return [str(ref) for ref in run(db, WAITING, merchant=merchant, after=after, most=most).scalars()]


# ---- what is known

NOW = """
select r.sku, r.title, c.at, c.cost, c.currency, c.units, c.source, c.name from (
  select g.sku, g.title from skus g where g.merchant = :merchant and g.sku > :after order by g.sku limit :most) r
left join unit_costs c on c.merchant = :merchant and c.sku = r.sku
  and c.at = (select max(n.at) from unit_costs n where n.merchant = :merchant and n.sku = r.sku)
order by r.sku
"""
STORY = """
select c.at, c.cost, c.currency, c.units, c.source, c.name from unit_costs c
where c.merchant = :merchant and c.sku = :sku order by c.at
"""


def page(db: Connection, merchant: str, after: str = "", most: int = 50) -> list[Any]:
    """SKUs with what they cost now: {sku, title, at, cost, currency, units, source, name}; nobody typed one: cost is None."""
    return list(run(db, NOW, merchant=merchant, after=after, most=most))


def story(db: Connection, merchant: str, sku: str) -> list[Any]:
    """All that a SKU ever cost, the oldest first."""
    return list(run(db, STORY, merchant=merchant, sku=sku))


KNOWN = """
select r.sku from {rows} left join skus s on s.merchant = r.merchant and s.sku = r.sku
left join costless c on c.merchant = r.merchant and c.sku = r.sku where s.sku is not null or c.sku is not null
"""


def known(db: Connection, merchant: str, skus: Iterable[str]) -> set[str]:
    """Those of these that are SKUs of ours, or of which units left."""
    return set(run_set(db, KNOWN, SKU, [{"sku": sku} for sku in sorted(set(skus))], merchant=merchant).scalars())


# ---- what deliveries cost

SET = """
update inbound_lines set cost = r.cost, currency = r.currency from {rows}
where inbound_lines.inbound = :inbound and inbound_lines.sku = r.sku and inbound_lines.merchant || '' = :merchant
"""
PAID = """
select n.sku, n.cost, n.currency from inbound_lines n
where n.inbound = :inbound and n.cost is not null and n.merchant || '' = :merchant order by n.sku
"""


def of_delivery(db: Connection, merchant: str, inbound: str) -> dict[str, tuple[int, str]]:
    """By SKU what one unit of a delivery costs, and in which currency; what nobody said is not there."""
    return {row.sku: (row.cost, row.currency) for row in run(db, PAID, merchant=merchant, inbound=inbound)}


def set_of_delivery(db: Connection, merchant: str, inbound: str, said: Mapping[str, tuple[int, str] | None]) -> None:
    """What one unit of these lines costs; None: nobody knows."""
    rows = [{"sku": sku, "cost": one[0] if one else None, "currency": one[1] if one else None} for sku, one in sorted(said.items())]
    run_set(db, SET, {**SKU, "cost": "bigint", "currency": "text"}, rows, merchant=merchant, inbound=inbound)
