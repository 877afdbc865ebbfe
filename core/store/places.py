"""A channel's places and which of our locations they stand for. Where nobody said, a channel with one place, or none, sells from all."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from core.domain.places import Contents, PlaceMap
from core.store.sql import run, run_set

# Of a shelf v: it is not in a channel's own warehouse.
OURS = "v.location not in (select f.id from locations f where f.merchant = v.merchant and f.kind = 'fba')"
# Of a location: the connection may sell from it. From what a channel counts itself only others do, where that is switched on.
SELLS = """(kind <> 'fba' or (ships and party is not null and not exists (select 1 from marks m join connections k on k.id = m.connection
  join connections c on c.id = :connection where m.merchant = :merchant and m.name = 'stored held' and k.channel = c.channel)))"""
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
ALL = f"""
insert into place_locations (merchant, connection, place, location)
select merchant, :connection, :place, id from locations where merchant = :merchant and {SELLS} on conflict do nothing
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


MAY_SELL = f"select id from locations where merchant = :merchant and {SELLS}"


def may_sell(db: Connection, merchant: str, connection: str) -> set[str]:
    """The locations that a connection could sell from."""
    return {row.id for row in run(db, MAY_SELL, merchant=merchant, connection=connection)}


LOCATIONS = "select id, name, rank, kind, ships, address, zone, party from locations where merchant = :merchant order by rank, id"


def locations(db: Connection, merchant: str) -> list[Any]:
    """Ours, in the order that stock is taken from them: id, name, rank, kind; whether it `ships`, from which address (JSON), its zone."""
    return list(run(db, LOCATIONS, merchant=merchant))


RENAME = """
update locations set name = :name where id = :id and merchant = :merchant
  and not exists (select 1 from locations o where o.merchant = :merchant and o.name = :name and o.id <> :id)
"""
# What was said of sending is another thing's where it becomes, or was, a channel's own.
SET_KIND = """
update locations set kind = :kind, party = case when 'fba' in (kind, :kind) then null else party end,
  ships = case when 'fba' in (kind, :kind) then false else ships end where id = :id and merchant = :merchant
"""
CONTENTS = """
select count(case when v.on_hand > 0 or v.damaged > 0 then 1 end) as skus, coalesce(sum(v.on_hand), 0) as on_hand,
  coalesce(sum(v.reserved), 0) as reserved, coalesce(sum(v.damaged), 0) as damaged,
  (select count(*) from inbounds i where i.merchant = :merchant and i.state in ('open', 'sent')
     and :id in (i.location, i.source)) as inbounds
from (select w.on_hand, w.reserved, w.damaged from levels w where w.merchant = :merchant and w.location = :id) v
"""
TAKE_OUT = (
    "delete from place_locations where merchant = :merchant and location = :id",
    "update connections set location = null where merchant = :merchant and location = :id",
)
REMOVE = (
    "delete from levels where merchant = :merchant and location = :id",
    "delete from locations where merchant = :merchant and id = :id",
)
ALONE = """
select c.label from connections c where c.merchant = :merchant and c.own_map
  and exists (select 1 from place_locations m where m.connection = c.id and m.location = :id)
  and not exists (select 1 from place_locations m where m.connection = c.id and m.location <> :id) order by c.label
"""


def set_kind(db: Connection, merchant: str, id: str, kind: str) -> None:
    run(db, SET_KIND, merchant=merchant, id=id, kind=kind)


def contents(db: Connection, merchant: str, id: str) -> Contents:
    """What is at a location of ours, or on its way there or from there."""
    row = run(db, CONTENTS, merchant=merchant, id=id).one()
    return Contents(int(row.skus), int(row.on_hand), int(row.reserved), int(row.damaged), int(row.inbounds))


def selling_alone(db: Connection, merchant: str, id: str) -> list[str]:
    """Labels of the connections that somebody said sell from this location, and from no other."""
    return [row.label for row in run(db, ALONE, merchant=merchant, id=id)]


def take_out(db: Connection, merchant: str, id: str) -> None:
    """No channel sells from it any more."""
    for statement in TAKE_OUT:
        run(db, statement, merchant=merchant, id=id)


def remove(db: Connection, merchant: str, id: str) -> None:
    """It is no location of ours any more; its movements stay."""
    for statement in REMOVE:
        run(db, statement, merchant=merchant, id=id)


RANK = "update locations set rank = r.rank from {rows} where locations.id = r.id and locations.merchant = :merchant"


def rename(db: Connection, merchant: str, id: str, name: str) -> bool:
    """False where it is none of the merchant's, or another has that name."""
    return bool(run(db, RENAME, merchant=merchant, id=id, name=name).rowcount)


def rank(db: Connection, merchant: str, ids: Sequence[str]) -> None:
    """Take stock from them in this order."""
    rows = [{"id": id, "rank": place} for place, id in enumerate(ids)]
    run_set(db, RANK, {"id": "text", "rank": "int"}, rows, merchant=merchant)
