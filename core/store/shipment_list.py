"""Shipments as people look at them: lists by state, one with all that is around it, and how many there are."""

from collections.abc import Iterable, Mapping
from types import SimpleNamespace
from typing import Any

import msgspec
from sqlalchemy import Connection

from core.store.sql import run, run_set

_contents = msgspec.json.Decoder(dict[str, int])
COUNTED = 1000  # of what is over, so many are counted
OLDEST, NEWEST = (-1, ""), (2**62, "")

# `was` is whom it was made for; the first parcel's facts stand for a shipment's.
ROW = """
select s.id, s.order_id, s.number, s.name, s.location, s.state, s.created_at, s.ship_by, s.person as was, s.connection as account,
  s.service, s.problem, s.problem_words, s.address_verdict, s.address_better, s.packed_at, s.labelled_at, s.sent_at, s.ended_at,
  s.way, s.tote, s.ready_at, s.collect_until, s.collected_at, s.goes_with, s.again,
  o.name as order_name, o.connection, o.channel_id, o.doc, o.person, o.ship_to, o.ship_to_was, o.held_at, o.pay_until,
  l.name as location_name, l.zone, c.label as account_name, c.channel as carrier,
  p.id as parcel, p.token, p.weight_g, p.length_mm, p.width_mm, p.height_mm, p.boxed, p.tracking, p.carrier_name,
  p.service as service_name, p.url, p.told_at, p.told_problem, p.progress, p.expected_on,
  u.id as purchase, u.state as bought, u.tried_at,
  (select count(*) from parcels x where x.shipment = s.id) as parcels,
  (select coalesce(sum(n.units), 0) from shipment_lines n where n.shipment = s.id) as units,
  (s.again is null and exists (select 1 from shipment_lines w join order_lines v on v.order_id = s.order_id and v.line = w.line
    where w.shipment = s.id and v.released > v.held)) as over,
  exists (select 1 from callings_off y where y.order_id = s.order_id and y.state in ('wanted', 'asked') and y.appeal is null) as off,
  exists (select 1 from callings_off z where z.order_id = s.order_id and z.state = 'waived') as waived,
  (select m.settings from merchants m where m.id = s.merchant) as settings
"""
AROUND = """
left join orders o on o.id = s.order_id and o.merchant || '' = :merchant left join locations l on l.id = s.location
left join connections c on c.id = s.connection left join parcels p on p.shipment = s.id and p.number = 1
left join purchases u on u.shipment = s.id and u.state in ('asked', 'bought', 'voiding')
"""
THERE = "(:location = '' or s.location = :location)"
OLDEST_FIRST = f"""
{ROW} from shipments s {AROUND} where s.merchant = :merchant and s.state = :state and {THERE}
  and (s.created_at, s.id) > (:at, :id) order by s.created_at, s.id limit :most
"""
NEWEST_FIRST = f"""
{ROW} from shipments s {AROUND} where s.merchant = :merchant and s.state = :state and {THERE}
  and (s.created_at, s.id) < (:at, :id) order by s.created_at desc, s.id desc limit :most
"""
# Those with a problem are few: they are picked out of the open ones before anything is read of them.
PROBLEMS = f"""
{ROW} from (select open.id from shipments open where open.merchant = :merchant and open.state in ('released', 'packed', 'labelled')
  and open.problem is not null and (open.created_at, open.id) > (:at, :id)
  and (:location = '' or open.location = :location) order by open.created_at, open.id limit :most) picked
join shipments s on s.id = picked.id {AROUND} order by s.created_at, s.id
"""
ENDED = ("sent", "cancelled")
SOON_US = 48 * 3_600_000_000  # what is authorized for no longer than this goes before all others
# Their orders are few: those that are authorized and end soon.
URGENT = f"""
{ROW} from (select soon.id, soon.pay_until from orders soon where soon.merchant = :merchant and soon.pay_until <= :until
  order by soon.pay_until, soon.id limit :most) first
join shipments s on s.order_id = first.id and s.state = :state and s.merchant || '' = :merchant and {THERE} {AROUND}
order by first.pay_until, s.id
"""


def page(db: Connection, merchant: str, state: str, location: str, behind: tuple[int, str] | None, most: int) -> list[Any]:
    """Shipments in a state, or with a "problem": open ones the oldest first, those that are over the newest first; `behind` the last one
    that was seen (when it was made, id)."""
    statement = PROBLEMS if state == "problem" else NEWEST_FIRST if state in ENDED else OLDEST_FIRST
    at, id = behind or (NEWEST if state in ENDED else OLDEST)
    return list(run(db, statement, merchant=merchant, state=state, location=location, at=at, id=id, most=most))


def urgent(db: Connection, merchant: str, state: str, location: str, now: int, most: int) -> list[Any]:
    """Open shipments in a state whose payment can be captured for less than two days, the first to end at the head."""
    if state in (*ENDED, "problem"):
        return []
    return list(run(db, URGENT, merchant=merchant, state=state, location=location, until=now + SOON_US, most=most))


ONE = f"""
{ROW},
  (select z.name from shipments z where z.id = s.goes_with) as lead_name,
  (select count(*) from shipments y where y.merchant = s.merchant and y.goes_with = s.id) as others
from shipments s {AROUND}
"""
BY_NAME = f"{ONE} where s.merchant = :merchant and s.name = :name"
BY_ID = f"{ONE} where s.id = :name and s.merchant || '' = :merchant"


def one(db: Connection, merchant: str, name: str) -> Any | None:
    """By what its papers say, in small or large letters, or by its id. `settings` are the merchant's, as JSON."""
    by_id = len(name) == 36
    return run(db, BY_ID if by_id else BY_NAME, merchant=merchant, name=name if by_id else name.upper()).first()


TOTE = "select s.name from shipments s where s.merchant = :merchant and s.tote = :tote"
TOTES = """
select s.tote, s.name, s.state, o.name as order_name, o.id as order_id, l.name as location_name,
  (select coalesce(sum(n.units), 0) from shipment_lines n where n.shipment = s.id) as units
from shipments s left join orders o on o.id = s.order_id left join locations l on l.id = s.location
where s.merchant = :merchant and s.tote is not null order by s.tote limit :most
"""


def in_tote(db: Connection, merchant: str, tote: str) -> str:
    """The name of the shipment whose goods lie in this tote; "" where none do."""
    return str(run(db, TOTE, merchant=merchant, tote=tote).scalar() or "") if tote else ""


def totes(db: Connection, merchant: str, most: int) -> list[Any]:
    """All totes in use with what lies in them, by their names."""
    return list(run(db, TOTES, merchant=merchant, most=most))


OF_ORDER = """
select s.id, s.name, s.number, s.state, s.again, s.way, n.line, n.title, n.units
from shipments s left join shipment_lines n on n.shipment = s.id
where s.order_id = :order and s.merchant || '' = :merchant order by s.number, n.line
"""


def of_order(db: Connection, merchant: str, order: str) -> list[Any]:
    """All that was ever made of an order: a row for each line."""
    return list(run(db, OF_ORDER, merchant=merchant, order=order))


COUNTS = """
select s.state, count(*) as n, count(s.problem) as problems, count(case when s.ship_by < :now then 1 end) as late
from shipments s where s.merchant = :merchant and s.state in ('released', 'packed', 'labelled') group by s.state
union all
select 'sent', count(*), 0, 0 from (select 1 from shipments s where s.merchant = :merchant and s.state = 'sent' limit :most) seen
union all
select 'cancelled', count(*), 0, 0 from (select 1 from shipments s where s.merchant = :merchant and s.state = 'cancelled' limit :most) seen
union all
select 'buying', count(*), 0, 0 from tasks k
where k.merchant = :merchant and k.kind in ('buy_labels', 'void_labels') and k.state in ('due', 'running', 'parked')
  and k.state <> 'parked'
"""


def counts(db: Connection, merchant: str, now: int) -> Mapping[str, int]:
    """How many are in each state (what is over is counted to one more than COUNTED), have a "problem", are "late", or wait for a carrier
    ("buying")."""
    rows = run(db, COUNTS, merchant=merchant, now=now, most=COUNTED + 1).fetchall()
    found = {str(row.state): int(row.n) for row in rows}
    return {**found, "problem": sum(int(row.problems) for row in rows), "late": sum(int(row.late) for row in rows)}


PURCHASES = """
select u.id, u.service, u.state, u.price, u.currency, u.asked_at, u.tried_at, u.bought_at, u.ended_at, u.words, c.label, c.channel,
  exists (select 1 from tasks t where t.merchant = :merchant and t.kind = 'buy_labels' and t.subject = u.id
          and t.state in ('due', 'running', 'parked') and t.state = 'parked') as is_left
from purchases u left join connections c on c.id = u.connection where u.shipment = :shipment and u.merchant || '' = :merchant
order by u.asked_at, u.id
"""
PAPERS = """
select p.id, p.kind, p.format, p.made_at, p.purchase from papers p where p.shipment = :shipment and p.merchant || '' = :merchant
order by p.id
"""


def purchases(db: Connection, merchant: str, shipment: str) -> list[Any]:
    """All that was ever asked for it, oldest first; `words` are sealed, `is_left`: nobody goes on with it until a person says so."""
    return list(run(db, PURCHASES, merchant=merchant, shipment=shipment))


def papers(db: Connection, merchant: str, shipment: str) -> list[Any]:
    """What can be printed again, without what it says."""
    return list(run(db, PAPERS, merchant=merchant, shipment=shipment))


# Open shipments of which nothing is bought, and another goes from the same place to the same person.
ALIKE = f"""
{ROW}, l.address as site_address from (
    select pick.id from shipments pick join (
      select open.location, open.person from shipments open where open.merchant = :merchant
        and open.state in ('released', 'packed', 'labelled') and open.state <> 'labelled' and open.goes_with is null
        and open.way = 'parcel' and open.person <> '' group by open.location, open.person having count(*) > 1 limit :most) pair
      on pair.location = pick.location and pair.person = pick.person
    where pick.merchant = :merchant and pick.state in ('released', 'packed', 'labelled') and pick.state <> 'labelled'
      and pick.goes_with is null and pick.way = 'parcel'
      and (:name = '' or exists (select 1 from shipments me where me.merchant = :merchant and me.name = :name
        and me.location = pick.location and me.person = pick.person)) limit 500) picked
join shipments s on s.id = picked.id {AROUND} order by s.created_at, s.id
"""


def alike(db: Connection, merchant: str, name: str, most: int) -> list[Any]:
    """Those that may go together, or (by name) with one of them; in at most so many groups."""
    return list(run(db, ALIKE, merchant=merchant, name=name, most=most))


MATES = """
select s.id, s.name, s.state, o.name as order_name, o.id as order_id, coalesce(p.weight_g, 0) as weight_g, u.price, u.currency
from shipments s join orders o on o.id = s.order_id left join parcels p on p.shipment = s.id and p.number = 1
left join purchases u on u.shipment = s.id and u.state in ('asked', 'bought', 'voiding')
where (s.id = :lead or (s.merchant = :merchant and s.goes_with = :lead)) and s.merchant || '' = :merchant order by s.created_at, s.id
"""


def parcel_mates(db: Connection, merchant: str, lead: str) -> list[Any]:
    """All that go in the parcel of this shipment, itself among them, with what was paid for its label."""
    return list(run(db, MATES, merchant=merchant, lead=lead))


BOXES = """
select p.number, p.weight_g, p.length_mm, p.width_mm, p.height_mm, p.boxed, p.contents, p.tracking, p.url, p.token, p.told_at,
  p.told_problem, p.progress from parcels p where p.shipment = :shipment and p.merchant || '' = :merchant order by p.number
"""


def boxes_of(db: Connection, merchant: str, shipment: str) -> list[Any]:
    """Its parcels; `contents` are units by order line."""
    rows = run(db, BOXES, merchant=merchant, shipment=shipment)
    return [SimpleNamespace(**{**row._mapping, "contents": _contents.decode(row.contents) if row.contents else {}}) for row in rows]


HOLDERS = """
select o.id, o.connection, o.channel_id, o.placed_at, sum(v.units) as units from reservations v join orders o on o.id = v.order_id
where v.merchant = :merchant and v.sku = :sku and v.location = :location
  and not exists (select 1 from shipments s where s.order_id = v.order_id and s.location = v.location and s.state in ('packed', 'labelled'))
group by o.id, o.connection, o.channel_id, o.placed_at order by o.id
"""
IN_BOXES = """
select n.units, n.parts from shipments s join shipment_lines n on n.shipment = s.id
where s.merchant = :merchant and s.state in ('packed', 'labelled') and s.location = :location
"""


def holders(db: Connection, merchant: str, sku: str, location: str) -> list[Any]:
    """Orders that hold units of a shelf, but those of which something is packed there already."""
    return list(run(db, HOLDERS, merchant=merchant, sku=sku, location=location))


def in_boxes(db: Connection, merchant: str, location: str) -> list[Any]:
    """What is packed at a location and did not leave yet: (units, parts) of each line."""
    return list(run(db, IN_BOXES, merchant=merchant, location=location))


ASKING = """
select count(k.id) from {rows} left join tasks k on k.merchant = r.merchant and k.kind = 'shop_rates' and k.subject = r.id
  and k.state in ('due', 'running', 'parked') and k.state <> 'parked'
"""


def asking(db: Connection, merchant: str, subjects: Iterable[str]) -> int:
    """How many of these questions for prices have no answer yet."""
    rows = [{"id": one} for one in sorted(subjects)]
    return int(run_set(db, ASKING, {"id": "text"}, rows, merchant=merchant).scalar_one()) if rows else 0
