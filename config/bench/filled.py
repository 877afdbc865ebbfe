"""A database as a busy merchant's is after some weeks. Some orders come in by the normal way, the rest are copies of their rows, half a
day newer each time, written in the order in which they would have come in. Around them stands what the pages show: listings of two
channels, pushes, findings, parked work, acts of staff."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from config.bench.bodies import Body
from config.bench.drain import keep_and_drain
from config.bench.stage import Shop, columns_of, tidy
from core.domain.hooks import Secret
from core.flows import connections as flows
from core.store import hooks, listings
from core.store.sql import run, run_set
from core.store.unit import Unit

# What of a copy's row is its own: texts, with its number at their end; ids, which are in the order of time as ours are; moments.
NAMES = {
    "orders": ("channel_id", "name"),
    "order_lines": (),
    "order_words": (),
    "order_tags": (),
    "reservations": (),
}
STORY = {"events": ("subject",)}
IDS = ("id", "order_id")
MICROSECOND = timedelta(microseconds=1)
APART, LATER = timedelta(seconds=40), timedelta(hours=12) // MICROSECOND
TIMES = {"orders": ("placed_at", "ship_by", "taken_at", "saved_at"), "events": ("at",)}
UUID = 36  # letters of an id; a copy's is longer
STATES = {
    "open": ("open", "paid", "unfulfilled"),
    "sent": ("fulfilled", "paid", "fulfilled"),
    "cancelled": ("cancelled", "voided", "cancelled"),
}
VARIED = """
update orders set placed_at = r.at, status = r.status, payment = r.payment, fulfillment = r.fulfillment from {rows} where orders.id = r.id
"""
COLUMNS = {"id": "text", "at": "bigint", "status": "text", "payment": "text", "fulfillment": "text"}
TAGGED = "insert into order_tags (merchant, order_id, tag) select o.merchant, r.id, 'gift' from {rows} join orders o on o.id = r.id"
HELD = "update orders set held_at = 1, held_why = 'other', status = 'on_hold' from {rows} where orders.id = r.id"
LATE = "update orders set ship_by = placed_at + 172800000000 from {rows} where orders.id = r.id"
ODD = "update orders set problems = 'total: it does not add up' from {rows} where orders.id = r.id"
SHORT = "update order_lines set waits = 'stock', hold = 1, held = 0 from {rows} where order_lines.order_id = r.id"
STRANGE = "update order_lines set waits = 'mapping', hold = 1, held = 0 from {rows} where order_lines.order_id = r.id"
SOME = ((TAGGED, 0, 100), (HELD, 0, 500), (LATE, 10, 30), (ODD, 17, 300), (SHORT, 11, 300), (STRANGE, 13, 400))  # (what, first, each)


def fill(shop: Shop, patterns: Sequence[Body], first: int, stored: int, *, whole: bool = True) -> None:
    """`stored` orders of which `first` came in; where not `whole`, their buyers cannot be read and they have no story."""
    keep_and_drain(shop, patterns, first, 0)
    copies = stored // first - 1
    with shop.hub.database.write() as db:
        _patiently(shop, db)
        _vary(db, shop, copies)
        for table, names in (NAMES | STORY if whole else NAMES).items():
            _copy(db, table, names, copies)
        if whole:
            _seal(db, shop)
    tidy(shop.hub.database)


def _copy(db: Connection, table: str, names: Collection[str], copies: int) -> None:
    """Its rows once more, so many times."""
    values = {name: _copied(table, name, names) for name in columns_of(table)}
    db.exec_driver_sql(f"create temporary table copied as select * from {table}")  # noqa: S608 - our own words
    copy = f"insert into {table} ({', '.join(values)}) select {', '.join(values.values())} from copied x"  # noqa: S608 - our own words
    for number in range(1, copies + 1):
        run(db, copy, id=f"z{number:05}-", n=f"-{number}", later=number * LATER)
    db.exec_driver_sql("drop table copied")


def _copied(table: str, name: str, names: Collection[str]) -> str:
    if name in IDS:
        return f"cast(:id as text) || x.{name}"
    if name in TIMES.get(table, ()):
        return f"x.{name} + cast(:later as bigint)"
    return f"x.{name} || cast(:n as text)" if name in names else f"x.{name}"


def _patiently(shop: Shop, db: Connection) -> None:
    if not shop.hub.database.is_sqlite:
        db.exec_driver_sql("set local statement_timeout = 0")  # a million rows are many for one statement


def _vary(db: Connection, shop: Shop, copies: int) -> None:
    """One each forty seconds, so that the last of their copies are placed now: most were sent, one in twenty is cancelled, two in ten are
    open. A few have a tag, are held, must leave soon, do not add up, lack goods or a map."""
    ids = [row.id for row in run(db, "select id from orders where merchant = :merchant order by id desc", merchant=shop.merchant)]
    last = shop.hub.now - copies * LATER
    run(db, "update orders set taken_at = :at, saved_at = :at", at=last)
    rows = [_varied(id, last - number * (APART // MICROSECOND), number) for number, id in enumerate(ids)]
    run_set(db, VARIED, COLUMNS, rows)
    for statement, start, each in SOME:
        run_set(db, statement, {"id": "text"}, rows[start::each])


def _varied(id: str, at: int, number: int) -> dict[str, Any]:
    state = STATES["cancelled" if number % 20 == 7 else "sent" if number % 10 > 1 else "open"]
    return {"id": id, "at": at, **dict(zip(("status", "payment", "fulfillment"), state, strict=True))}


PEOPLE = "select id, person from orders where person is not null and id > :after order by id limit 5000"
SEALED = "update orders set person = r.person from {rows} where orders.id = r.id"


def _seal(db: Connection, shop: Shop) -> None:
    """A copy has its buyer's data sealed for its own row."""
    box, after = shop.hub.box(shop.merchant), ""
    while rows := run(db, PEOPLE, after=after).fetchall():
        after = rows[-1].id
        opened = [(row.id, box.open_text(f"orders|person|{row.id[-UUID:]}", row.person)) for row in rows if len(row.id) > UUID]
        sealed = [{"id": id, "person": box.seal_text(f"orders|person|{id}", person)} for id, person in opened]
        run_set(db, SEALED, {"id": "text", "person": "text"}, sealed)


# ---- what stands around the orders

HOUR = 3_600_000_000
PUSHED = """
insert into pushes (merchant, connection, listing_id, key, quantity, since, asked_at, told_at, told)
select :merchant, :connection, r.n, 'bench', 5, :now - r.n * 30000000 - 400000, :now - r.n * 30000000 - 300000,
  :now - r.n * 30000000, 'shown' from {rows}
"""
FOUND = """
insert into findings (merchant, connection, what, subject, theirs, ours, found_at, since)
select :merchant, :connection, case r.n % 3 when 0 then 'listing' when 1 then 'order' else 'level' end, 'thing ' || r.n, '3', '4',
  :now - r.n * 60000000, :now - r.n * 60000000 - 5000000 from {rows}
"""
PARKED = """
insert into tasks (merchant, connection, kind, subject, queue, state, due_at, asked_at, done_at, cause, detail, tries)
select :merchant, :connection, 'fetch_orders', 'order ' || r.n, 'outside', 'parked', :now, :now - r.n * 1000000, :now - r.n * 1000000,
  case r.n % 3 when 0 then 'Refused' when 1 then 'BadPayload' else 'OutcomeUnknown' end, 'it was refused', 1 from {rows}
"""
ACTED = """
insert into audit (merchant, at, who, name, act, subject, body)
select :merchant, :now - (:most - r.n) * 60000000, 'bench', 'Bench', 'stock.adjust', 'sku/SKU-0007',
  '{"location": "Main", "was": 3, "will": 4}' from {rows}
"""
MOVED = """
insert into movements (merchant, sku, location, units, cause, subject, at)
select :merchant, 'SKU-0007', l.id, -1, 'sold', 'order ' || r.n, :now - (:most - r.n) * 60000000 from {rows}
join locations l on l.merchant = :merchant
"""
OFFERED = """
insert into listings (merchant, connection, listing, sku, alike, title, found_at, shown, shown_at)
select :merchant, :connection, 'U-' || r.n, 'UNKNOWN-' || r.n, 'unknown-' || r.n, 'Thing that nobody knows ' || r.n, :now, 3, :now
from {rows}
"""
DECLINED = "update listings set problem = 'it was refused there' where connection = :connection and id % 400 = 0"
CALLED = """
insert into hook_calls (merchant, hook, event_id, message, at, status, ms)
select :merchant, :hook, r.n, 'msg_' || r.n, :now - (:most - r.n) * 1000000, case when r.n % 50 = 0 then 500 else 200 end, 12 from {rows}
"""
AROUND = ((PUSHED, 20), (FOUND, 100), (PARKED, 200), (ACTED, 20), (MOVED, 20), (OFFERED, 50))  # (what, one for so many orders)


def surround(shop: Shop, goods: Collection[tuple[str, str]], stored: int) -> str:
    """Give the shop a second channel with the same goods and, as there are `stored` orders, what comes of them. Gives an outgoing
    webhook's id."""
    other = flows.connect(shop.hub, shop.merchant, "ebay", "made-up-seller", {"refresh_token": "made-up"}, stock_since=0, live_at=0)
    hook = shop.hub.ids()
    with shop.hub.unit() as work:
        _patiently(shop, work.db)
        listings.keep(work.db, shop.merchant, other.id, [_listed(*one) for one in sorted(goods) if one[0]], work.now)
        listings.propose(work.db, shop.merchant)
        for statement, share in AROUND:
            _many(work, shop, statement, max(1, stored // share))
        run(work.db, DECLINED, connection=other.id)
        sealed = hooks.sealed(shop.hub.box(shop.merchant), hook, [Secret("made-up")])
        hooks.add(work.db, shop.merchant, hook, "https://hooks.example/crossdock", sealed, (), 0, work.now)
        _many(work, shop, CALLED, max(1, stored // 50), hook=hook)
        work.db.exec_driver_sql("delete from tasks where state <> 'parked'")
    tidy(shop.hub.database)
    return hook


def _listed(listing: str, sku: str) -> dict[str, Any]:
    return {"listing": f"E-{listing}", "sku": sku, "title": sku, "handle": "{}", "writable": None, "shown": 5}


def _many(work: Unit, shop: Shop, statement: str, most: int, **more: str) -> None:
    given = {"merchant": shop.merchant, "connection": shop.connection.id, "now": work.now, "most": most, **more}
    named = {name: value for name, value in given.items() if f":{name}" in statement}
    run_set(work.db, statement, {"n": "bigint"}, [{"n": number} for number in range(1, most + 1)], **named)
