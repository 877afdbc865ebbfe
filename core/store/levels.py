"""Levels to look at: every shelf with what is on its way to it, and the movements that made it."""

from typing import Any

from sqlalchemy import Connection

from core.store.inbounds import LEFT
from core.store.sql import run
from core.store.stock import FREE

EVERYTHING = f"""
select k.sku, k.title, o.name as location, o.kind, v.on_hand, v.reserved, v.safety,
  case when v.on_hand is not null then {FREE} end as free, v.damaged, v.counted_at, due.coming, due.coming_by
from (select w.sku, w.location from levels w where w.merchant = :merchant
      union select n.sku, i.location from inbounds i join inbound_lines n on n.inbound = i.id
      where i.merchant = :merchant and i.state = 'sent' and {LEFT} > 0) shelf
join skus k on k.merchant = :merchant and k.sku = shelf.sku join locations o on o.id = shelf.location
left join levels v on v.merchant = :merchant and v.sku = shelf.sku and v.location = shelf.location
left join (select n.sku, i.location, sum({LEFT}) as coming, min(i.expected_at) as coming_by from inbounds i
           join inbound_lines n on n.inbound = i.id
           where i.merchant = :merchant and i.state = 'sent' and {LEFT} > 0 group by n.sku, i.location) due
  on due.sku = shelf.sku and due.location = shelf.location
order by k.sku, o.rank, o.name
"""


def everything(db: Connection, merchant: str) -> list[Any]:
    """{sku, title, location (its name), kind, on_hand, reserved, safety, free, damaged, counted_at, coming, coming_by} of every SKU at
    every location where it was counted (else the figures are None), or is on its way to."""
    return list(run(db, EVERYTHING, merchant=merchant))


MOVEMENTS = """
select m.id, m.sku, m.location, m.units, m.damaged, m.cause, m.subject, m.at from movements m
where m.merchant = :merchant {sku} and m.id < :below order by m.id desc limit :most
"""
BELOW_ALL = 2**63 - 1


def movements(db: Connection, merchant: str, sku: str = "", below: int = BELOW_ALL, most: int = 50) -> list[Any]:
    """The newest movements below an id; of one SKU where it is said."""
    statement, given = MOVEMENTS.replace("{sku}", "and m.sku = :sku" if sku else ""), {"sku": sku} if sku else {}
    return list(run(db, statement, merchant=merchant, below=below, most=most, **given))
