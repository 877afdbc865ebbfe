"""Doubts: listings that showed something else than we believed, until orders are read past that moment and say why, or somebody does."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from core.store.sql import run, run_set

ID = {"id": "bigint"}
FOUND = {"id": "bigint", "name": "text", "theirs": "int", "ours": "int", "units": "int"}
# Changed once more before anybody judged it: both changes together. Unknown and anything is unknown.
KEEP = """
insert into doubts (merchant, connection, listing_id, name, theirs, ours, units, at, found_at)
select :merchant, :connection, r.id, r.name, r.theirs, r.ours, r.units, :at, :now from {rows} where true
on conflict (listing_id) do update set theirs = coalesce(excluded.theirs, doubts.theirs), at = excluded.at,
  found_at = excluded.found_at, why = null, units = doubts.units + excluded.units
"""
FIELDS = "d.listing_id as id, d.connection, d.name, d.theirs, d.ours, d.units, d.at, d.found_at, d.why"


@dataclass(frozen=True, slots=True)
class Doubt:
    """A listing showed `theirs` (None: that is read first) where we believed `ours`, in a call that began `at` and was answered by
    `found_at`; `units` are how many more it showed than orders explain (None: nobody knows). `why` somebody is asked; None: orders are read
    first."""

    id: int
    connection: str
    name: str
    theirs: int | None
    ours: int
    units: int | None
    at: int
    found_at: int
    why: str | None


def keep(db: Connection, merchant: str, connection: str, rows: Sequence[Mapping[str, Any]], at: int, now: int) -> None:
    """{id, name, theirs, ours, units} of listings that were seen so, in a call that began then and is answered `now`."""
    if rows:
        run_set(db, KEEP, FOUND, rows, merchant=merchant, connection=connection, at=at, now=now)


OF = f"select {FIELDS} from {{rows}} join doubts d on d.listing_id = r.id"
RIPE = f"""
select {FIELDS} from doubts d where d.connection = :connection and d.at < :read_to and d.found_at < :read_to and d.why is null
  and d.theirs is not null order by d.at, d.listing_id limit :most
"""
FIRST = "select min(found_at) from doubts where connection = :connection and why is null and theirs is not null"


def of(db: Connection, ids: Iterable[int]) -> dict[int, Doubt]:
    """The doubts about these listings, by their ids."""
    rows = [{"id": id} for id in sorted(set(ids))]
    return {row.id: Doubt(**row._mapping) for row in run_set(db, OF, ID, rows)} if rows else {}


def ripe(db: Connection, connection: str, read_to: int, most: int = 200) -> list[Doubt]:
    """Those that were answered before `read_to`: a sale until then may be in what they showed. The oldest first."""
    return [Doubt(**row._mapping) for row in run(db, RIPE, connection=connection, read_to=read_to, most=most)]


def first(db: Connection, connection: str) -> int | None:
    """The answer that orders must be read past before the first can be judged; None where there is none."""
    found: int | None = run(db, FIRST, connection=connection).scalar_one()
    return found


SOLD = {"id": "bigint", "units": "int", "since": "bigint", "by": "bigint"}
# What was sold before the call began explains what it found, what was sold after its answer does not; between them, nobody knows.
EXPLAINED = """
update doubts set units = case when sold.clear = 1 then doubts.units + sold.units end from (
  select d.listing_id, sum(r.units) as units, min(case when r.by <= d.at then 1 else 0 end) as clear
  from {rows} join doubts d on d.listing_id = r.id and r.since <= d.found_at group by d.listing_id) sold
where doubts.listing_id = sold.listing_id
"""


def explained(db: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """{id, units, since, by}: so many were sold between these moments, so the listing showed fewer for a reason; without `by`, perhaps."""
    if rows:
        run_set(db, EXPLAINED, SOLD, rows)


ASK = """
update doubts set why = r.why, units = case when r.units is null then doubts.units else r.units end from {rows}
where doubts.listing_id = r.id
"""
OVER = "delete from doubts where listing_id in (select r.id from {rows})"


def ask(db: Connection, whys: Mapping[int, str], left: Mapping[int, int | None] | None = None) -> None:
    """Somebody must say what is right of these, and why; of those with so many units `left`, the rest is settled."""
    if rows := [{"id": id, "why": why, "units": (left or {}).get(id)} for id, why in sorted(whys.items())]:
        run_set(db, ASK, ID | {"why": "text", "units": "int"}, rows)


def open_again(db: Connection, connection: str) -> None:
    """Whoever was asked about this connection's listings is asked no more: they are judged anew."""
    run(db, "update doubts set why = null where connection = :connection and why is not null", connection=connection)


def over(db: Connection, ids: Iterable[int]) -> None:
    if rows := [{"id": id} for id in sorted(set(ids))]:
        run_set(db, OVER, ID, rows)


ALL_OF = f"select {FIELDS} from doubts d where d.connection = :connection and d.merchant || '' = :merchant order by d.listing_id"


def all_of(db: Connection, merchant: str, connection: str) -> list[Doubt]:
    return [Doubt(**row._mapping) for row in run(db, ALL_OF, merchant=merchant, connection=connection)]


LISTED = f"""
select {FIELDS} from doubts d where d.merchant = :merchant and (d.found_at, d.listing_id) < (:found_at, :id)
order by d.found_at desc, d.listing_id desc limit :most
"""
BELOW_ALL = (2**63 - 1, 2**63 - 1)


def listed(db: Connection, merchant: str, below: tuple[int, int] = BELOW_ALL, most: int = 50) -> list[Doubt]:
    """A merchant's, the newest first, behind (found at, id)."""
    return [Doubt(**row._mapping) for row in run(db, LISTED, merchant=merchant, found_at=below[0], id=below[1], most=most)]


def one(db: Connection, merchant: str, id: int) -> Doubt | None:
    row = run(
        db, f"select {FIELDS} from doubts d where d.listing_id = :id and d.merchant || '' = :merchant", id=id, merchant=merchant
    ).first()
    return Doubt(**row._mapping) if row else None
