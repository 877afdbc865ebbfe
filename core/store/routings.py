"""From where orders are sent: a merchant's rules, what lies where, what was decided and what follows of it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from core.domain.routing import Decision, Rules
from core.domain.stock import Key
from core.store import people
from core.store.sql import run, run_set

SETTING = "routing"
ORDER = {"order_id": "text"}
_decision = msgspec.json.Decoder(Decision)


def rules(db: Connection, merchant: str) -> Rules:
    """How this merchant decides."""
    _, chosen = people.settings(db, merchant)
    return msgspec.convert(chosen.get(SETTING, {}), Rules)


def set_rules(db: Connection, merchant: str, rules: Rules) -> None:
    people.choose(db, merchant, **{SETTING: msgspec.to_builtins(rules)})


# What nobody else has and what is not kept back, of a shelf.
SPARE = """
select o.sku, o.location, o.on_hand - o.reserved - o.safety as spare from {rows}
join levels o on o.merchant = r.merchant and o.sku = r.sku order by r.sku, o.location {lock}
"""


def spare(db: Connection, merchant: str, skus: Iterable[str]) -> dict[Key, int]:
    """Units of these SKUs by shelf that no order holds, less those that are kept back; locked in (SKU, location) order."""
    rows = [{"sku": sku} for sku in sorted(set(skus))]
    found = run_set(db, SPARE, {"sku": "text"}, rows, merchant=merchant) if rows else ()
    return {(row.sku, row.location): max(0, int(row.spare)) for row in found}


# The newest arrivals that together are all that lies there: first in, first out, so the earliest of these brought its oldest unit. Of
# more than 2,000 movements of a SKU the last ones are looked at.
LAIN = """
select arrived.sku, arrived.location,
  coalesce(max(case when arrived.units >= arrived.on_hand then arrived.at end), min(arrived.at)) as since
from (
  select m.sku, m.location, m.at, v.on_hand, sum(m.units) over (partition by m.sku, m.location order by m.id desc) as units from {rows}
  join movements m on m.merchant = r.merchant and m.sku = r.sku and m.units > 0 and m.id > coalesce((select e.id from movements e
    where e.merchant = r.merchant and e.sku = r.sku order by e.id desc limit 1 offset 2000), 0)
  join levels v on v.merchant = r.merchant and v.sku = r.sku and v.location = m.location where v.on_hand > 0
) arrived group by arrived.sku, arrived.location
"""


def since(db: Connection, merchant: str, skus: Iterable[str]) -> dict[Key, int]:
    """By shelf the moment at which its oldest unit came there: counted, received, put back or moved from elsewhere."""
    rows = [{"sku": sku} for sku in sorted(set(skus))]
    found = run_set(db, LAIN, {"sku": "text"}, rows, merchant=merchant) if rows else ()
    return {(row.sku, row.location): int(row.since) for row in found}


QUOTED = """
select s.order_id, s.location, min(q.price) as price from {rows}
left join shipments s on s.order_id = r.order_id and s.merchant || '' = :merchant
left join quotes q on q.shipment = s.id and q.price is not null and q.currency = :currency group by s.order_id, s.location
"""


def quoted(db: Connection, merchant: str, orders: Iterable[str], currency: str) -> dict[tuple[str, str], int]:
    """What carriers asked for a shipment of an order from a location at the least, by (order id, location)."""
    rows = [{"order_id": id} for id in sorted(set(orders))]
    found = run_set(db, QUOTED, ORDER, rows, merchant=merchant, currency=currency) if rows and currency else ()
    return {(row.order_id, row.location): int(row.price) for row in found if row.price is not None}


SAY = """
update order_lines set ours = r.ours from {rows} where order_lines.order_id = r.order_id and order_lines.line = r.line
"""


def say(db: Connection, units: Mapping[tuple[str, str], Mapping[str, int]]) -> None:
    """By (order id, line): how many units are sent from which location, whatever the channel says. The orders are locked."""
    rows = [{"order_id": id, "line": line, "ours": msgspec.json.encode(said).decode()} for (id, line), said in sorted(units.items())]
    if rows:
        run_set(db, SAY, {"order_id": "text", "line": "text", "ours": "text"}, rows)


ASKED = "select k.order_id, k.asked from {rows} left join routings k on k.order_id = r.order_id and k.merchant || '' = :merchant"
KEEP = """
insert into routings (merchant, order_id, at, asked, doc) select :merchant, r.order_id, :now, r.asked, r.doc from {rows} where true
on conflict (order_id) do update set at = excluded.at, asked = excluded.asked, doc = excluded.doc
"""


def asked(db: Connection, merchant: str, orders: Iterable[str]) -> dict[str, str]:
    """What the last decision on each of these orders was made from."""
    rows = [{"order_id": id} for id in sorted(set(orders))]
    found = run_set(db, ASKED, ORDER, rows, merchant=merchant) if rows else ()
    return {row.order_id: row.asked for row in found if row.order_id is not None}


def keep(db: Connection, merchant: str, made: Sequence[tuple[str, str, Decision]], now: int) -> None:
    """Decisions (order id, what it was made from, decision): each in place of the one before. The orders are locked."""
    rows: list[dict[str, Any]] = [{"order_id": id, "asked": asked, "doc": msgspec.json.encode(one).decode()} for id, asked, one in made]
    if rows:
        run_set(db, KEEP, {**ORDER, "asked": "text", "doc": "text"}, rows, merchant=merchant, now=now)


def last(db: Connection, merchant: str, order: str) -> Decision | None:
    """The decision that this order was released by, or is to be."""
    sql = "select k.doc from routings k where k.order_id = :order and k.merchant || '' = :merchant"
    return read(run(db, sql, order=order, merchant=merchant).scalar())


def read(doc: str | None) -> Decision | None:
    """A decision from its row."""
    return _decision.decode(doc) if doc else None
