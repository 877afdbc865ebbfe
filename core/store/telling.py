"""What buyers were told of their parcels, each once. Nothing here says who they are: that is read where a letter is written."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from core.store.sql import run, run_set

TEXT = {"id": "text", "parcel": "text", "what": "text", "way": "text", "at": "bigint"}
WRITE = """
insert into buyer_letters (id, merchant, parcel, what, way, at) select r.id, :merchant, r.parcel, r.what, r.way, r.at from {rows} where true
on conflict (parcel, what, way) do nothing returning id
"""


def write(db: Connection, merchant: str, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """{id, parcel, what, way, at: when it happened}: gives those that are to be sent; what was told before is not told again."""
    return [row.id for row in run_set(db, WRITE, TEXT, rows, merchant=merchant)] if rows else []


ONE = """
select o.id, o.parcel, o.what, o.way, o.at, o.sent_at, o.outcome, p.token, p.tracking, p.carrier_name, p.expected_on, s.name as shipment,
  d.id as order_id, d.name as order_name, d.connection, d.channel_id, d.person, m.name as shop, m.settings,
  exists (select 1 from buyer_letters z where z.parcel = o.parcel and z.way = o.way and z.at > o.at) as over
from buyer_letters o join parcels p on p.id = o.parcel join shipments s on s.id = p.shipment join orders d on d.id = s.order_id
join merchants m on m.id = o.merchant
where o.id = :id and o.merchant || '' = :merchant {lock}
"""


def letter(db: Connection, merchant: str, id: str) -> Any | None:
    """One with all that it is written from, locked until the transaction ends; `person` is sealed. `over`: something newer is told of the
    parcel by the same way."""
    return run(db, ONE, merchant=merchant, id=id).first()


BECOME = """
update buyer_letters set outcome = :outcome, sent_at = case when :outcome = 'sent' then :now else sent_at end
where id = :id and merchant || '' = :merchant
"""


def become(db: Connection, merchant: str, id: str, outcome: str | None, now: int) -> None:
    run(db, BECOME, merchant=merchant, id=id, outcome=outcome, now=now)


OF_SHIPMENT = """
select b.id, b.what, b.way, b.at, b.sent_at, b.outcome, p.number from parcels p join buyer_letters b on b.parcel = p.id
where p.shipment = :shipment and p.merchant || '' = :merchant order by b.at, b.id
"""


def of_shipment(db: Connection, merchant: str, shipment: str) -> list[Any]:
    """All that a buyer was, or is to be, told of a shipment's parcels, oldest first."""
    return list(run(db, OF_SHIPMENT, merchant=merchant, shipment=shipment))
