"""What drivers took at the end of a day, and drivers who were asked to come."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from core.store.sql import run, run_set

TEXT = {"id": "text"}
READY = """
select s.id, s.name, s.location, u.id as purchase, u.connection, c.label, c.channel, c.account,
  (select coalesce(sum(p.weight_g), 0) from parcels p where p.shipment = s.id) as weight_g,
  (select count(*) from parcels p where p.shipment = s.id) as parcels
from shipments s join purchases u on u.shipment = s.id and u.state = 'bought' join connections c on c.id = u.connection
where s.merchant = :merchant and s.state = 'labelled' and (:location = '' or s.location = :location)
  and (:connection = '' or u.connection = :connection)
order by s.created_at, s.id limit :most
"""


def ready(db: Connection, merchant: str, location: str, connection: str, most: int) -> list[Any]:
    """Labelled shipments that a driver could take: of one location and carrier, or ("") of all."""
    return list(run(db, READY, merchant=merchant, location=location, connection=connection, most=most))


UNUSED = """
select s.name, s.ship_by, u.connection, u.bought_at, c.channel, coalesce(l.zone, '') as zone
from shipments s join purchases u on u.shipment = s.id and u.state = 'bought' join connections c on c.id = u.connection
left join locations l on l.id = s.location
where s.merchant = :merchant and s.state = 'labelled' order by s.created_at, s.id limit :most
"""


def unused(db: Connection, merchant: str, most: int) -> list[Any]:
    """Labels that are paid for and whose parcels are still here: {name, ship_by, connection, bought_at, channel, zone}, the oldest
    first."""
    return list(run(db, UNUSED, merchant=merchant, most=most))


# ---- manifests

ADD = """
insert into manifests (id, merchant, connection, location, day, state, asked_at, ended_at)
values (:id, :merchant, :connection, :location, :day, :state, :now, :ended)
"""
ON_IT = "update purchases set manifest = :manifest from {rows} where purchases.id = r.id"


def add(
    db: Connection, merchant: str, id: str, connection: str, location: str, day: str, state: str, purchases: Iterable[str], now: int
) -> None:  # fmt: skip
    """These purchases are handed over together."""
    ended = now if state == "listed" else None
    run(db, ADD, id=id, merchant=merchant, connection=connection, location=location, day=day, state=state, now=now, ended=ended)
    run_set(db, ON_IT, TEXT, [{"id": one} for one in sorted(set(purchases))], manifest=id)


ONE = """
select o.id, o.connection, o.location, o.day, o.state, o.number, o.words, o.asked_at, o.tried_at, o.ended_at from manifests o
where o.id = :id and o.merchant = :merchant {lock}
"""


def manifest(db: Connection, merchant: str, id: str) -> Any | None:
    """Locked until the transaction ends."""
    return run(db, ONE, id=id, merchant=merchant).first()


INSIDE = """
select s.id, s.name, o.name as order_name, u.id as purchase, p.tracking, p.weight_g, p.service from purchases u
join shipments s on s.id = u.shipment join orders o on o.id = s.order_id join parcels p on p.shipment = s.id
where u.merchant = :merchant and u.manifest = :manifest order by s.created_at, s.id, p.number
"""


def inside(db: Connection, merchant: str, manifest: str) -> list[Any]:
    """The parcels on it: (shipment's id and name, order, purchase, number, grams, service)."""
    return list(run(db, INSIDE, merchant=merchant, manifest=manifest))


def tried(db: Connection, table: str, id: str, now: int) -> None:
    """The carrier may know of it from now on. `table` is manifests or pickups."""
    run(db, f"update {_known(table)} set tried_at = :now where id = :id", id=id, now=now)


ENDED = "update {table} set state = :state, number = coalesce(:number, number), words = :words, ended_at = :now where id = :id"


def become(db: Connection, table: str, id: str, state: str, now: int, *, number: str | None = None, words: str | None = None) -> None:
    """What became of it; `words` are sealed."""
    run(db, ENDED.replace("{table}", _known(table)), id=id, state=state, number=number, words=words, now=now)


def _known(table: str) -> str:
    if table not in ("manifests", "pickups"):
        raise ValueError("no such table")
    return table


def reopen(db: Connection, id: str) -> None:
    """It is asked for as if it never was."""
    run(db, "update manifests set state = 'wanted', words = null, tried_at = null, ended_at = null where id = :id", id=id)


SEEN = """
select m.id, m.day, m.state, m.number, l.name as location_name, c.channel from manifests m
left join locations l on l.id = m.location left join connections c on c.id = m.connection
where m.id = :id and m.merchant || '' = :merchant
"""


def seen(db: Connection, merchant: str, id: str) -> Any | None:
    """To be looked at: not locked."""
    return run(db, SEEN, id=id, merchant=merchant).first()


LISTED = """
select m.id, m.connection, m.location, m.day, m.state, m.number, m.words, m.asked_at, l.name as location_name, c.label, c.channel,
  (select count(*) from purchases u where u.merchant = m.merchant and u.manifest = m.id) as labels
from manifests m left join locations l on l.id = m.location left join connections c on c.id = m.connection
where m.merchant = :merchant and m.asked_at >= :since order by m.asked_at desc, m.id desc limit :most
"""


def manifests(db: Connection, merchant: str, since: int, most: int) -> list[Any]:
    """Those asked for since then, the newest first."""
    return list(run(db, LISTED, merchant=merchant, since=since, most=most))


# ---- pickups

WANT = """
insert into pickups (id, merchant, connection, location, ready, until, parcels, weight_g, state, asked_at)
values (:id, :merchant, :connection, :location, :ready, :until, :parcels, :weight_g, 'wanted', :now)
"""
PICKUP = """
select o.id, o.connection, o.location, o.ready, o.until, o.parcels, o.weight_g, o.state, o.number, o.handle, o.price, o.currency, o.words,
  o.asked_at, o.tried_at from pickups o where o.id = :id and o.merchant = :merchant {lock}
"""
PICKUPS = """
select p.id, p.connection, p.location, p.ready, p.until, p.parcels, p.weight_g, p.state, p.number, p.price, p.currency, p.words,
  p.asked_at, l.name as location_name, c.label, c.channel
from pickups p left join locations l on l.id = p.location left join connections c on c.id = p.connection
where p.merchant = :merchant and p.asked_at >= :since order by p.asked_at desc, p.id desc limit :most
"""
AGREED = """
update pickups set state = 'agreed', number = :number, handle = :handle, price = :price, currency = :currency, words = null where id = :id
"""
SAME = """
select count(*) from pickups where merchant = :merchant and connection = :connection and location = :location
  and substr(ready, 1, 10) = :day and state in ('wanted', 'agreed', 'leaving', 'unknown')
"""


def want_pickup(db: Connection, merchant: str, row: Mapping[str, Any], now: int) -> None:
    """A driver is wanted: {id, connection, location, ready, until, parcels, weight_g}."""
    run(db, WANT, merchant=merchant, now=now, **row)


def is_coming(db: Connection, merchant: str, connection: str, location: str, day: str) -> bool:
    """Whether a driver of this carrier comes there on that day already, or may."""
    return bool(run(db, SAME, merchant=merchant, connection=connection, location=location, day=day).scalar_one())


def pickup(db: Connection, merchant: str, id: str) -> Any | None:
    """Locked until the transaction ends."""
    return run(db, PICKUP, id=id, merchant=merchant).first()


def agreed(db: Connection, id: str, number: str, handle: str, price: tuple[int, str] | None) -> None:
    """The carrier's own number of it, what cancelling needs (sealed), and what it costs."""
    minor, currency = price or (None, None)
    run(db, AGREED, id=id, number=number, handle=handle, price=minor, currency=currency)


def pickups(db: Connection, merchant: str, since: int, most: int) -> Sequence[Any]:
    """Those asked for since then, the newest first."""
    return list(run(db, PICKUPS, merchant=merchant, since=since, most=most))


# ---- labels that a carrier decides about later

REFUNDING = """
select u.id from purchases u where u.merchant = :merchant and u.connection = :connection and u.state = 'refunding' order by u.asked_at, u.id
limit :most
"""


def refunding(db: Connection, merchant: str, connection: str, most: int) -> list[str]:
    """Purchases whose money a carrier has not decided about yet."""
    return list(run(db, REFUNDING, merchant=merchant, connection=connection, most=most).scalars())
