"""A channel's places and which of our locations they stand for. Where nobody said, a channel with one place, or none, sells from all."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from core.domain.places import PlaceMap
from core.store.sql import run, run_set

PLACE = {"place": "text", "name": "text", "active": "boolean", "service": "boolean"}
KEEP = """
insert into places (merchant, connection, place, name, active, service, seen_at)
select :merchant, :connection, r.place, r.name, r.active, r.service, :now from {rows} where true
on conflict (connection, place) do update set name = excluded.name, active = excluded.active, service = excluded.service,
  seen_at = excluded.seen_at
"""
CLOSED = "update places set active = false where connection = :connection and seen_at < :now"
# Whose map nobody made: all our locations belong to its only place, to none where it has several, and to '' where it has none.
CLEAR = "delete from place_locations where connection = :connection"
ONLY = """
select case when count(*) = 0 then '' when sum(case when active and not service then 1 else 0 end) = 1
            then max(case when active and not service then place end) end as place
from places where connection = :connection
"""
ALL = """
insert into place_locations (merchant, connection, place, location)
select merchant, :connection, :place, id from locations where merchant = :merchant on conflict do nothing
"""
OPEN = "select id from connections where merchant = :merchant and not own_map"


def keep(db: Connection, merchant: str, connection: str, rows: Sequence[Mapping[str, Any]], now: int) -> None:
    """A connection's places {place, name, active, service}, all of them: what is not named any more is closed."""
    if rows:
        run_set(db, KEEP, PLACE, rows, merchant=merchant, connection=connection, now=now)
    run(db, CLOSED, connection=connection, now=now)


def spread(db: Connection, merchant: str, connection: str) -> None:
    """Let a connection sell from all our locations, as far as it is clear which place they belong to."""
    place = run(db, ONLY, connection=connection).scalar_one()
    run(db, CLEAR, connection=connection)
    if place is not None:
        run(db, ALL, merchant=merchant, connection=connection, place=place)


def spread_all(db: Connection, merchant: str) -> None:
    """A location is new: whoever has no map of its own sells from it too."""
    for row in run(db, OPEN, merchant=merchant).fetchall():
        spread(db, merchant, row.id)


OWN = "update connections set own_map = true where id = :connection"
DECIDE = "update places set decided = :decided where connection = :connection and place = :place"
LEAVE = "delete from place_locations where connection = :connection and (place = :place or location in (select r.location from {rows}))"
GIVE = """
insert into place_locations (merchant, connection, place, location) select :merchant, :connection, :place, r.location from {rows}
"""
OPENED = "update connections set own_map = false where id = :connection"
UNDECIDED = "update places set decided = false where connection = :connection"


def stand_for(db: Connection, merchant: str, connection: str, place: str, locations: Iterable[str]) -> None:
    """Say which of our locations a place stands for; none: it is nothing of ours. A location belongs to one place of a connection."""
    rows, column = [{"location": one} for one in locations], {"location": "text"}
    _own(db, connection)
    run_set(db, LEAVE, column, rows, connection=connection, place=place)
    run_set(db, GIVE, column, rows, merchant=merchant, connection=connection, place=place)
    run(db, DECIDE, connection=connection, place=place, decided=True)


def _own(db: Connection, connection: str) -> None:
    """From now on what nobody gave to a place belongs to none."""
    if not run(db, "select own_map from connections where id = :connection", connection=connection).scalar_one():
        run(db, OWN, connection=connection)
        run(db, CLEAR, connection=connection)


def forget(db: Connection, merchant: str, connection: str) -> None:
    """Back to where nobody had said anything."""
    run(db, OPENED, connection=connection)
    run(db, UNDECIDED, connection=connection)
    spread(db, merchant, connection)


MAP = """
select m.place as place, m.location as location, o.rank as rank, false as service from place_locations m
join locations o on o.id = m.location where m.connection = :connection
union all
select p.place, null, 0, p.service from places p where p.connection = :connection
  and (p.service or (p.decided and not exists (select 1 from place_locations m where m.connection = p.connection and m.place = p.place)))
order by rank, location
"""


def map_of(db: Connection, connection: str, first: str | None) -> PlaceMap:
    """What the places of a connection are; `first` is the location that its orders are reserved at to begin with."""
    ours: dict[str, tuple[str, ...]] = {}
    away: dict[bool, set[str]] = {True: set(), False: set()}
    for row in run(db, MAP, connection=connection):
        if row.location is None:
            away[bool(row.service)].add(row.place)
        else:
            ours[row.place] = (*ours.get(row.place, ()), row.location)
    return PlaceMap(ours, frozenset(away[False]), frozenset(away[True]), first)


LIST = """
select p.connection, p.place, p.name, p.active, p.service, p.decided, m.location, o.name as location_name
from places p left join place_locations m on m.connection = p.connection and m.place = p.place
left join locations o on o.id = m.location
where p.merchant = :merchant and (:connection = '' or p.connection = :connection) order by p.connection, p.service, p.place, o.rank, o.id
"""
ALLOWED = """
select m.connection, m.location, o.name as location_name from place_locations m join locations o on o.id = m.location
where m.merchant = :merchant and m.place = '' and (:connection = '' or m.connection = :connection) order by m.connection, o.rank, o.id
"""


def listed(db: Connection, merchant: str, connection: str = "") -> list[Any]:
    """Every place with the locations it stands for, a row for each."""
    return list(run(db, LIST, merchant=merchant, connection=connection))


def allowed(db: Connection, merchant: str, connection: str = "") -> list[Any]:
    """The locations that channels without places sell from."""
    return list(run(db, ALLOWED, merchant=merchant, connection=connection))


def locations(db: Connection, merchant: str) -> list[Any]:
    """Ours: id, name, rank, in the order that stock is taken from them."""
    return list(run(db, "select id, name, rank from locations where merchant = :merchant order by rank, id", merchant=merchant))


RENAME = """
update locations set name = :name where id = :id and merchant = :merchant
  and not exists (select 1 from locations o where o.merchant = :merchant and o.name = :name and o.id <> :id)
"""
RANK = "update locations set rank = r.rank from {rows} where locations.id = r.id and locations.merchant = :merchant"


def rename(db: Connection, merchant: str, id: str, name: str) -> bool:
    """False where it is none of the merchant's, or another has that name."""
    return bool(run(db, RENAME, merchant=merchant, id=id, name=name).rowcount)


def rank(db: Connection, merchant: str, ids: Sequence[str]) -> None:
    """Take stock from them in this order."""
    rows = [{"id": id, "rank": place} for place, id in enumerate(ids)]
    run_set(db, RANK, {"id": "text", "rank": "int"}, rows, merchant=merchant)
