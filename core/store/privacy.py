"""What we hold of people, found and forgotten: of an order's buyer, of a customer, of a whole account. A step at a time: a step is small
enough for one transaction, and running it again does no harm."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection as Db

from core.store.sql import run, run_set
from core.store.tables import metadata

STEP = 500  # orders, or rows of anything else, in one transaction


@dataclass(frozen=True, slots=True)
class Sealed:
    """An order, with its buyer still sealed."""

    id: str
    ref: str
    person: str | None


# Orders whose buyers are here

PERSONS = """
select id, connection || '/' || channel_id as ref, person from orders
where connection = :connection and channel_id > :after and merchant || '' = :merchant order by channel_id limit :most
"""
AFTER = "select channel_id from orders where connection = :connection and channel_id > :after order by channel_id limit 1 offset :most"
THESE = """
select t.id, t.connection || '/' || t.channel_id as ref, t.person from {rows}
left join orders t on t.connection = r.connection and t.channel_id = r.channel_id and t.merchant || '' = :merchant
"""
EXPIRED = """
select id, connection || '/' || channel_id as ref, null as person from orders
where person is not null and person_until <= :now and connection || '' = :connection order by person_until limit :most
"""


def page(db: Db, merchant: str, connection: str, after: str) -> list[Sealed]:
    """A step of an account's orders, in the order of the channel's ids, after one of these."""
    rows = run(db, PERSONS, merchant=merchant, connection=connection, after=after, most=STEP)
    return [Sealed(row.id, row.ref, row.person) for row in rows]


def these(db: Db, merchant: str, connection: str, numbers: Iterable[str]) -> list[Sealed]:
    """Those of these orders that we have."""
    rows = [{"connection": connection, "channel_id": one} for one in sorted(set(numbers))]
    found = run_set(db, THESE, {"connection": "text", "channel_id": "text"}, rows, merchant=merchant) if rows else ()
    return [Sealed(row.id, row.ref, row.person) for row in found if row.id is not None]


def expired(db: Db, connection: str, now: int) -> list[Sealed]:
    """A step of the orders whose buyers' time is over."""
    return [Sealed(row.id, row.ref, None) for row in run(db, EXPIRED, connection=connection, now=now, most=STEP)]


# What goes with a buyer. Notes are the staff's own words: they go where the buyer asks to be forgotten, not when time is over.

ORDER = {"id": "text", "ref": "text"}
FORGET = (
    """update orders set person = null, person_until = null, ship_to = null, ship_to_was = null
       where id in (select o.id from {rows} left join orders o on o.id = r.id {fence}) and person is not null""",
    """delete from order_words where personal and (merchant, word, order_id) in (
         select w.merchant, w.word, w.order_id from {rows} left join order_words w on w.order_id = r.id and w.personal {fence})""",
    """update inbox set body = null
       where id in (select i.id from {rows} left join inbox i on i.ref = r.ref and i.done_at is null {fence})""",
    """update inbox set body = null
       where id in (select i.id from {rows} left join inbox i on i.ref = r.ref and i.done_at is not null and i.body is not null {fence})""",
    """delete from papers where id in (
         select p.id from {rows} left join shipments s on s.order_id = r.id left join papers p on p.shipment = s.id {fence})""",
    """delete from print_jobs where id in (
         select j.id from {rows} left join shipments s on s.order_id = r.id
         left join print_jobs j on j.shipment = s.id and j.merchant = s.merchant {fence})""",
    """update purchases set wish = '', words = null where id in (
         select u.id from {rows} left join shipments s on s.order_id = r.id left join purchases u on u.shipment = s.id {fence})""",
    """update quotes set words = '' where shipment in (select s.id from {rows} left join shipments s on s.order_id = r.id {fence})""",
    """update shipments set person = '', problem_words = null, address_better = null
       where id in (select s.id from {rows} left join shipments s on s.order_id = r.id {fence})""",
    """update tasks set words = null where words is not null and id in (
         select t.id from {rows} left join shipments s on s.order_id = r.id left join purchases u on u.shipment = s.id
         left join tasks t on t.merchant = s.merchant and t.kind = 'buy_labels' and t.subject = u.id
           and t.state in ('due', 'running', 'parked') {fence})""",
    """update tasks set words = null where words is not null and id in (
         select t.id from {rows} left join shipments s on s.order_id = r.id left join parcels p on p.shipment = s.id
         left join tasks t on t.merchant = s.merchant and t.kind = 'confirm_parcels' and t.subject = p.id
           and t.state in ('due', 'running', 'parked') {fence})""",
    """update requests set words = null where words is not null and id in (
         select q.id from {rows} left join shipments s on s.order_id = r.id left join requests q on q.shipment = s.id {fence})""",
    """update tasks set words = null where words is not null and id in (
         select t.id from {rows} left join shipments s on s.order_id = r.id left join requests q on q.shipment = s.id
         left join tasks t on t.merchant = s.merchant and t.kind = 'ask_parties' and t.subject = q.id
           and t.state in ('due', 'running', 'parked') {fence})""",
)
NOTES = "delete from order_notes where id in (select n.id from {rows} left join order_notes n on n.order_id = r.id {fence})"
OF_A_REF = {"kind": "text", "ref": "text"}
WORDS = """
update tasks set words = null where words is not null and id in (
  select t.id from {rows} left join tasks t on t.merchant = r.merchant and t.kind = r.kind and t.subject = r.ref
    and t.state in ('due', 'running', 'parked') {fence})
"""
ABOUT_ORDERS = ("take_orders", "fetch_orders", "look_again", "take_history", "fetch_history", "link_orders", "reserve", "settle_orders")


def forget(db: Db, merchant: str, orders: Sequence[Sealed], *, notes: bool) -> None:
    """Whatever tells who bought these: gone. What was kept of a notice that still waits goes too, and its order is fetched anew."""
    if not orders:
        return
    rows = [{"id": one.id, "ref": one.ref} for one in orders]
    for statement in (*FORGET, *((NOTES,) if notes else ())):
        run_set(db, statement, ORDER, rows)
    run_set(db, WORDS, OF_A_REF, [{"kind": kind, "ref": one.ref} for kind in ABOUT_ORDERS for one in orders], merchant=merchant)


# Exports

ADD = """
insert into exports (id, merchant, connection, subject, request, orders, body, made_at, until)
values (:id, :merchant, :connection, :subject, :request, :orders, :body, :now, :until) on conflict (connection, request) do nothing
"""
LISTED = """
select id, connection, request, orders, made_at, until, taken_at from exports where merchant = :merchant order by made_at desc limit :most
"""
TAKE = "update exports set taken_at = coalesce(taken_at, :now) where merchant = :merchant and id = :id returning connection, request, body"


def add_export(db: Db, **row: Any) -> bool:
    """{id, merchant, connection, subject, request, orders, body, now, until}; False where this request has one already."""
    return bool(run(db, ADD, **row).rowcount)


def exports(db: Db, merchant: str, most: int = 50) -> list[Any]:
    """(id, connection, request, orders, made_at, until, taken_at), the newest first."""
    return list(run(db, LISTED, merchant=merchant, most=most))


def take_export(db: Db, merchant: str, id: str, now: int) -> Any | None:
    """(connection, request, body): somebody takes it. None where the merchant has no such export."""
    return run(db, TAKE, merchant=merchant, id=id, now=now).first()


def drop_exports(db: Db, connection: str, subjects: Iterable[str] = (), before: int = 0) -> None:
    """Those about these customers, and those whose time was over by then."""
    run(db, "delete from exports where connection = :connection and until <= :before", connection=connection, before=before)
    for subject in subjects:
        run(db, "delete from exports where connection = :connection and subject = :subject", connection=connection, subject=subject)


# Rows that find nothing come back empty: a condition that left them out would tempt the planner to begin elsewhere.
NOTES_OF = "select n.order_id, n.name, n.words from {rows} left join order_notes n on n.order_id = r.id order by n.id"
RECEIVED = """
select i.ref, i.connection, i.delivery, i.body from {rows} left join inbox i on i.ref = r.ref and i.done_at is not null
  and i.body is not null order by i.id
"""
WAITING = """
select i.ref, i.connection, i.delivery, i.body from {rows} left join inbox i on i.ref = r.ref and i.done_at is null order by i.id
"""
DOCS_OF = "select o.id, o.doc from {rows} left join orders o on o.id = r.id"


def held_of(db: Db, orders: Sequence[Sealed]) -> tuple[dict[str, str], list[Any], list[Any]]:
    """Of these orders: each document by its order's id, the notes (order_id, name, words sealed), and what was received (ref,
    connection, delivery, body sealed)."""
    rows = [{"id": one.id, "ref": one.ref} for one in orders]
    docs, notes, read, waits = (list(run_set(db, statement, ORDER, rows)) for statement in (DOCS_OF, NOTES_OF, RECEIVED, WAITING))
    received = [row for row in (*read, *waits) if row.body is not None]
    return {row.id: row.doc for row in docs if row.id}, [row for row in notes if row.order_id], received


# A whole account, and a whole merchant

OF_ORDERS = ("order_notes", "order_words", "order_tags", "order_lines", "reservations", "callings_off", "captures", "routings")
OF_SHIPMENTS = ("shipment_lines", "papers", "print_jobs", "quotes", "purchases", "parcels")
THEIRS = "(select s.id from {rows} left join shipments s on s.order_id = r.id {fence})"
RELEASED = """
select v.sku, v.location, sum(v.units) as units from {rows} left join reservations v on v.order_id = r.id
where v.order_id is not null group by v.sku, v.location order by v.sku, v.location
"""
SHELF = {"sku": "text", "location": "text", "units": "int"}
RELEASE = """
update levels set reserved = levels.reserved - r.units from {rows}
where levels.merchant = r.merchant and levels.sku = r.sku and levels.location = r.location
"""
COPIES = """
update orders set copy_of = null where merchant = :merchant and copy_of in (select r.ref from {rows})
returning connection, connection || '/' || channel_id as ref
"""


def reserved_by(db: Db, orders: Sequence[Sealed]) -> list[dict[str, Any]]:
    """What these orders hold: {sku, location, units}."""
    rows = run_set(db, RELEASED, ORDER, [{"id": one.id, "ref": one.ref} for one in orders])
    return [dict(row._mapping) for row in rows]


def erase_orders(db: Db, merchant: str, orders: Sequence[Sealed], held: Sequence[dict[str, Any]]) -> list[Any]:
    """Orders with their lines, notes, words, tags and story; what they `held`, locked by the caller, is free again. Gives the orders
    (connection, ref) that were copies of them, and are orders of their own now."""
    rows = [{"id": one.id, "ref": one.ref} for one in orders]
    if held:
        run_set(db, RELEASE, SHELF, held, merchant=merchant)
    run_set(db, f"delete from buyer_letters where parcel in (select p.id from parcels p where p.shipment in {THEIRS})", ORDER, rows)
    run_set(db, f"delete from tracks where parcel in (select p.id from parcels p where p.shipment in {THEIRS})", ORDER, rows)
    for table in OF_SHIPMENTS:
        run_set(db, f"delete from {table} where shipment in {THEIRS}", ORDER, rows)
    for table in (*OF_ORDERS, "shipments"):
        run_set(db, f"delete from {table} where order_id in (select r.id from {{rows}})", ORDER, rows)
    run_set(db, "delete from events where merchant = :merchant and subject in (select r.ref from {rows})", ORDER, rows, merchant=merchant)
    copies = list(run_set(db, COPIES, ORDER, rows, merchant=merchant))
    run_set(db, "delete from orders where id in (select r.id from {rows})", ORDER, rows)
    return copies


def first(db: Db, merchant: str, connection: str) -> list[Sealed]:
    """A step of an account's orders."""
    return page(db, merchant, connection, "")


def erase_waiting(db: Db, connection: str, but: int) -> bool:
    """A step of what still waits to be done for an account, so that nobody who is at it can write anything any more; the task `but` stays.
    True where nothing was left."""
    tasks, notices = (_some(db, table, _except_task(table, OF_IT), connection=connection, but=but) for table in ("tasks", "inbox"))
    return not (tasks or notices)


def erase_rest(db: Db, merchant: str, connection: str, but: int) -> bool:
    """A step of whatever else carries the account's name, its own row last. True where nothing was left."""
    if _some(db, "listing_parts", "listing_id in (select id from listings where connection = :connection)", connection=connection):
        return False
    for table in (table.name for table in metadata.sorted_tables if "connection" in table.c and table.name not in KEPT):
        if _some(db, table, _except_task(table, OF_IT), connection=connection, but=but):
            return False
    run(db, "delete from connections where id = :connection and merchant = :merchant", connection=connection, merchant=merchant)
    return True


OF_IT = "connection = :connection"
KEPT = ("connections", "shipments", "purchases")  # what a carrier was asked to send is its orders' own, and goes with them


def _except_task(table: str, condition: str) -> str:
    return f"{condition} and id <> :but" if table == "tasks" else f"{condition} and :but = :but"


def _some(db: Db, table: str, condition: str, **values: Any) -> bool:
    """Delete a step of these rows; whether there were any."""
    key = ", ".join(column.name for column in metadata.tables[table].primary_key)
    step = f"select {key} from {table} where {condition} limit {STEP}"
    return run(db, f"delete from {table} where ({key}) in ({step})", **values).rowcount > 0


STAFF = "select id from users where subject like :start escape '!'"


def erase_staff(db: Db, channel: str, account: str) -> None:
    """The people whom only this account vouched for."""
    start = f"{channel}/{account}/".replace("!", "!!").replace("%", "!%").replace("_", "!_") + "%"
    for table in ("sessions", "members"):
        run(db, f"delete from {table} where user_id in ({STAFF})", start=start)
    run(db, "delete from users where subject like :start escape '!'", start=start)


def has_more(db: Db, merchant: str) -> bool:
    """Whether anything is left that a merchant is for: an account, or somebody who works there."""
    return any(run(db, f"select 1 from {table} where merchant = :m limit 1", m=merchant).first() for table in ("connections", "members"))


def erase_merchant(db: Db, merchant: str, but: int) -> bool:
    """A step of whatever carries the merchant's name; last of all their key, without which no copy of anything can be read. True where
    nothing was left."""
    for table in metadata.sorted_tables:
        if "merchant" in table.c and _some(db, table.name, _except_task(table.name, "merchant = :merchant"), merchant=merchant, but=but):
            return False
    run(db, "delete from merchants where id = :merchant", merchant=merchant)
    return True
