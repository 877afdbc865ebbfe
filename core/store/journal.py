"""The journal: entries and their postings, appended only; which orders wait; what stands open in clearing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache, lru_cache
from sys import intern
from typing import Any

import msgspec
from sqlalchemy import Connection

from core.domain.journal import Account, Booked, Entry, EntryKind, Line, Posting
from core.domain.matching import Item
from core.domain.money import Money
from core.store.sql import by_ref, run, run_set

SUBJECT = {"subject": "text"}
ENTRY = {
    "subject": "text", "key": "text", "version": "int", "kind": "text", "day": "text", "due_day": "text", "memo": "text",
    "reverses": "int",
}  # fmt: skip
POSTING = {
    "entry": "bigint", "n": "int", "kind": "text", "day": "text", "account": "text", "connection": "text", "gateway": "text",
    "item": "text", "tax": "text", "currency": "text", "amount": "bigint",
}  # fmt: skip
NAME = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Books:
    """How a merchant keeps books: the first day, the last closed one, the zone that days are in, and what else was chosen."""

    starts: date
    closed_until: date | None
    zone: str
    settings: Mapping[str, Any]

    @property
    def open_from(self) -> date:
        return max(self.starts, self.closed_until + timedelta(days=1)) if self.closed_until else self.starts


BOOKS = """
select books.starts, books.closed_until, books.settings, m.settings as own from books join merchants m on m.id = books.merchant
where books.merchant = :merchant
"""
KEEP = """
insert into books (merchant, starts, closed_until, settings) values (:merchant, :starts, :closed_until, :settings)
on conflict (merchant) do update set starts = excluded.starts, closed_until = excluded.closed_until, settings = excluded.settings
"""


def books(db: Connection, merchant: str) -> Books | None:
    """None: nothing is booked."""
    row = run(db, BOOKS, merchant=merchant).first()
    if row is None:
        return None
    closed, zone = row.closed_until, msgspec.json.decode(row.own).get("zone") or "UTC"
    return Books(date.fromisoformat(row.starts), date.fromisoformat(closed) if closed else None, zone, msgspec.json.decode(row.settings))


def keep(db: Connection, merchant: str, one: Books) -> None:
    """From now on they are kept so."""
    closed, settings = one.closed_until.isoformat() if one.closed_until else None, msgspec.json.encode(one.settings).decode()
    run(db, KEEP, merchant=merchant, starts=one.starts.isoformat(), closed_until=closed, settings=settings)


# ---- what is booked

NEWEST = """
select e.id, e.subject, e.key, e.version, e.kind, e.day, e.memo, e.reverses from {rows}
left join entries e on e.merchant = r.merchant and e.subject = r.subject
where e.version = (select max(n.version) from entries n where n.merchant = e.merchant and n.subject = e.subject and n.key = e.key)
"""
OF_ENTRIES = """
select r.entry, p.account, p.connection, p.gateway, p.item, p.tax, p.currency, p.amount from {rows}
left join postings p on p.entry = r.entry and p.merchant || '' = :merchant order by r.entry, p.n
"""


def booked(db: Connection, merchant: str, subjects: Iterable[str]) -> dict[NAME, Booked]:
    """The newest version of everything booked of these subjects."""
    found = run_set(db, NEWEST, SUBJECT, [{"subject": one} for one in subjects], merchant=merchant).all()
    parts = postings_of(db, merchant, [row.id for row in found if row.reverses is None])
    return {(row.subject, row.key): _booked(row, parts.get(row.id, ())) for row in found}


def _booked(row: Any, postings: Sequence[Posting]) -> Booked:
    return Booked(row.version, EntryKind(row.kind), date.fromisoformat(row.day), tuple(postings), row.memo)


def postings_of(db: Connection, merchant: str, entries: Iterable[int]) -> dict[int, list[Posting]]:
    found: dict[int, list[Posting]] = {}
    for row in run_set(db, OF_ENTRIES, {"entry": "bigint"}, [{"entry": one} for one in entries], merchant=merchant):
        if row.account is not None:
            found.setdefault(row.entry, []).append(_posting(row))
    return found


def _posting(row: Any) -> Posting:
    return Posting(Account(row.account), Money(row.amount, row.currency), row.connection, row.gateway, row.item, row.tax)


APPEND = """
insert into entries (merchant, kind, subject, key, version, day, due_day, memo, reverses, at)
select :merchant, r.kind, r.subject, r.key, r.version, r.day, r.due_day, r.memo, r.reverses, :now from {rows} where true
returning id, subject, key, version
"""
POST = """
insert into postings (merchant, entry, n, kind, day, account, connection, gateway, item, tax, currency, amount)
select :merchant, r.entry, r.n, r.kind, r.day, r.account, r.connection, r.gateway, r.item, r.tax, r.currency, r.amount from {rows}
"""


def append(db: Connection, merchant: str, lines: Sequence[Line], now: int) -> None:
    """Book these: two statements. Their subjects are locked by whoever derived them."""
    if not lines:
        return
    made = run_set(db, APPEND, ENTRY, [_entry_row(one) for one in lines], merchant=merchant, now=now)
    ids = {(row.subject, row.key, row.version): row.id for row in made}
    rows = [row for one in lines for row in _posting_rows(ids[one.entry.subject, one.entry.key, one.version], one.entry)]
    run_set(db, POST, POSTING, rows, merchant=merchant)
    if sums := _sums(rows):
        run_set(db, ADD_UP, ITEM, sums, merchant=merchant)


SUMS = {"payment": "paid", "repayment": "repaid", "settled": "settled", "payout": "settled", "opening": "other", "write_off": "other"}
ITEM = {
    "connection": "text", "gateway": "text", "currency": "text", "item": "text", "paid": "bigint", "repaid": "bigint", "settled": "bigint",
    "other": "bigint", "open": "bigint", "since": "text", "last": "text",
}  # fmt: skip
ADD_UP = """
insert into items (merchant, connection, gateway, currency, item, paid, repaid, settled, other, open, since, last)
select :merchant, r.connection, r.gateway, r.currency, r.item, r.paid, r.repaid, r.settled, r.other, r.open, r.since, r.last
from {rows} where true
on conflict (merchant, connection, gateway, currency, item) do update set paid = items.paid + excluded.paid,
  repaid = items.repaid + excluded.repaid, settled = items.settled + excluded.settled, other = items.other + excluded.other,
  open = items.open + excluded.open, since = case when excluded.since < items.since then excluded.since else items.since end,
  last = case when excluded.last > items.last then excluded.last else items.last end
"""


def _sums(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What these postings add to each item in clearing; in one order always, so that two who book never wait crosswise."""
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in rows:
        if row["account"] == Account.CLEARING and row["item"]:
            _add_up(found, row)
    return [found[key] for key in sorted(found)]


def _add_up(found: dict[tuple[str, ...], dict[str, Any]], row: Mapping[str, Any]) -> None:
    names, day = ("connection", "gateway", "currency", "item"), row["day"]
    empty = {
        **{name: row[name] for name in names},
        **dict.fromkeys(("paid", "repaid", "settled", "other", "open"), 0),
        "since": day,
        "last": day,
    }
    one = found.setdefault(tuple(row[name] for name in names), empty)
    one[SUMS[row["kind"]]] += row["amount"]
    one["open"] += row["amount"]
    one["since"], one["last"] = min(one["since"], day), max(one["last"], day)


def _entry_row(one: Line) -> dict[str, Any]:
    entry, due = one.entry, one.due.isoformat() if one.due else None
    return {
        "subject": entry.subject, "key": entry.key, "version": one.version, "kind": entry.kind, "day": entry.on.isoformat(), "due_day": due,
        "memo": entry.memo, "reverses": one.reverses,
    }  # fmt: skip


def _posting_rows(id: int, entry: Entry) -> list[dict[str, Any]]:
    day = entry.on.isoformat()
    return [
        {
            "entry": id, "n": n, "kind": entry.kind, "day": day, "account": one.account, "connection": one.connection,
            "gateway": one.gateway, "item": one.item, "tax": one.tax, "currency": one.amount.currency, "amount": one.amount.minor,
        }
        for n, one in enumerate(entry.postings)
    ]  # fmt: skip


# ---- orders whose booking waits

WAIT = """
insert into unbooked (merchant, ref, why, at) select :merchant, r.ref, r.why, :now from {rows} where true
on conflict (merchant, ref) do update set why = excluded.why
"""
GO = "delete from unbooked where merchant = :merchant and ref in (select r.ref from {rows})"


def wait(db: Connection, merchant: str, why: Mapping[str, str], now: int) -> None:
    """These orders are not booked, and why: words of core.domain.order_entries.WAITS."""
    if why:
        run_set(
            db, WAIT, {"ref": "text", "why": "text"}, [{"ref": ref, "why": word} for ref, word in why.items()], merchant=merchant, now=now
        )


def go(db: Connection, merchant: str, refs: Iterable[str]) -> None:
    """These wait no more."""
    run_set(db, GO, {"ref": "text"}, [{"ref": ref} for ref in refs], merchant=merchant)


# ---- the orders behind it

AFTER = "select o.id, o.connection, o.channel_id from orders o where o.merchant = :merchant and o.id > :after order by o.id limit :most"
PLACED = """
select o.channel_id, o.placed_at from {rows} left join orders o on o.connection = :connection and o.channel_id = r.channel_id
where o.merchant || '' = :merchant
"""


def orders_after(db: Connection, merchant: str, after: str, most: int) -> list[Any]:
    """Orders by our ids, so many at a time."""
    return list(run(db, AFTER, merchant=merchant, after=after, most=most))


def placed(db: Connection, merchant: str, connection: str, ids: Iterable[str]) -> dict[str, int]:
    """When those of these orders that we know were placed, by the channel's ids."""
    rows = [{"channel_id": one} for one in sorted(set(ids))]
    found = run_set(db, PLACED, {"channel_id": "text"}, rows, merchant=merchant, connection=connection)
    return {row.channel_id: row.placed_at for row in found}


# ---- what stands open

ITEM_FIELDS = "i.item, i.connection, i.gateway, i.currency, i.paid, i.repaid, i.settled, i.other, i.since, i.last"
SURE = "(i.paid > 0 and i.repaid = 0 and i.settled = 0 and i.last >= :sure)"  # it is awaited, whosever it is
SUSPECTS = f"""
select {ITEM_FIELDS} from items i where i.merchant = :merchant and i.open <> 0 and not {SURE} order by i.since, i.item limit :most
"""
AWAITED = f"""
select {ITEM_FIELDS} from items i where i.merchant = :merchant and i.open <> 0 and {SURE} order by i.since, i.item limit :most offset :after
"""
ITEMS_OF = f"""
select {ITEM_FIELDS} from {{rows}} left join items i on i.merchant = r.merchant and i.connection = r.connection and i.item = r.item
where i.open <> 0
"""
ITEMS_AT = """
select p.item, p.connection, p.gateway, p.currency,
  sum(case when p.kind = 'payment' then p.amount else 0 end) as paid,
  sum(case when p.kind = 'repayment' then p.amount else 0 end) as repaid,
  sum(case when p.kind in ('settled', 'payout') then p.amount else 0 end) as settled,
  sum(case when p.kind in ('opening', 'write_off') then p.amount else 0 end) as other, min(p.day) as since, max(p.day) as last
from postings p where p.merchant = :merchant and p.item > '' and p.account = 'clearing' and p.day <= :until
group by p.item, p.connection, p.gateway, p.currency having sum(p.amount) <> 0 order by min(p.day), p.item
"""


OF_GATEWAY = f"""
select {ITEM_FIELDS} from items i where i.merchant = :merchant and i.connection = :connection and i.gateway = :gateway
  and i.currency = :currency and i.open <> 0 order by i.since, i.item limit :most
"""


def of_gateway(db: Connection, merchant: str, connection: str, gateway: str, currency: str, most: int) -> list[Item]:
    """What stands open in one clearing account, the oldest first."""
    found = run(db, OF_GATEWAY, merchant=merchant, connection=connection, gateway=gateway, currency=currency, most=most)
    return items_from(found.all())


def suspects(db: Connection, merchant: str, sure: date, most: int) -> list[Item]:
    """What stands open in clearing and may be a break, the oldest first: all but what was paid and last moved on this day or later."""
    return items_from(run(db, SUSPECTS, merchant=merchant, sure=sure.isoformat(), most=most).all())


def awaited(db: Connection, merchant: str, sure: date, after: int, most: int) -> list[Item]:
    """The others, so many behind the first."""
    return items_from(run(db, AWAITED, merchant=merchant, sure=sure.isoformat(), after=after, most=most).all())


def items_of(db: Connection, merchant: str, connection: str, names: Iterable[str]) -> list[Item]:
    """Those of these items that stand open now."""
    rows = [{"connection": connection, "item": one} for one in sorted(set(names))]
    return items_from(run_set(db, ITEMS_OF, {"connection": "text", "item": "text"}, rows, merchant=merchant).all())


AMONG = f"""
select {ITEM_FIELDS} from {{rows}} left join items i on i.merchant = r.merchant and i.connection = r.connection and i.item = r.item
where i.item is not null
"""
STANDS = """
select i.currency, sum(i.open) as open, count(*) as found from items i
where i.merchant = :merchant and i.connection = :connection and i.gateway = :gateway and i.open <> 0 group by i.currency
"""


def items_among(db: Connection, merchant: str, connection: str, names: Iterable[str]) -> list[Item]:
    """Those of these items that ever stood in clearing, open or not."""
    rows = [{"connection": connection, "item": one} for one in sorted(set(names))]
    return items_from(run_set(db, AMONG, {"connection": "text", "item": "text"}, rows, merchant=merchant).all())


OPEN_UNDER = """
select p.item, p.currency, sum(p.amount) as open from {rows} left join postings p on p.merchant = r.merchant and p.item = r.item
  and p.account = 'clearing' and p.item <> '' where p.item is not null group by p.item, p.currency
"""


def open_under(db: Connection, merchant: str, names: Iterable[str]) -> dict[str, Money]:
    """What stands open under each of these, whosever clearing account it is in."""
    found = run_set(db, OPEN_UNDER, {"item": "text"}, [{"item": one} for one in sorted(set(names))], merchant=merchant)
    return {row.item: Money(int(row.open), row.currency) for row in found}


def stands(db: Connection, merchant: str, connection: str, gateway: str) -> dict[str, tuple[Money, int]]:
    """By currency, what is open in a clearing account, and under how many items."""
    found = run(db, STANDS, merchant=merchant, connection=connection, gateway=gateway)
    return {row.currency: (Money(int(row.open), row.currency), row.found) for row in found}


IN_EACH = """
select p.item, p.connection, p.gateway, p.currency,
  sum(case when p.kind = 'payment' then p.amount else 0 end) as paid,
  sum(case when p.kind = 'repayment' then p.amount else 0 end) as repaid,
  sum(case when p.kind in ('settled', 'payout') then p.amount else 0 end) as settled,
  sum(case when p.kind in ('opening', 'write_off') then p.amount else 0 end) as other, min(p.day) as since, max(p.day) as last
from postings p where p.merchant = :merchant and p.item <> '' and p.item = :item and p.account = 'clearing'
group by p.item, p.connection, p.gateway, p.currency order by p.connection, p.gateway, p.currency
"""


def items_called(db: Connection, merchant: str, item: str) -> list[Item]:
    """What stands, or stood, under one item in each of the merchant's clearing accounts."""
    return items_from(run(db, IN_EACH, merchant=merchant, item=item).all())


LOCK_ITEM = """
select o.item from items o where o.merchant = :merchant and o.connection = :connection and o.gateway = :gateway
  and o.currency = :currency and o.item = :item {lock}
"""


def lock_item(db: Connection, merchant: str, connection: str, gateway: str, currency: str, item: str) -> None:
    """Whoever closes it next waits until this is over."""
    run(db, LOCK_ITEM, merchant=merchant, connection=connection, gateway=gateway, currency=currency, item=item)


def items_at(db: Connection, merchant: str, until: date) -> list[Item]:
    """The same as it stood at the end of a day, by the postings themselves."""
    return items_from(run(db, ITEMS_AT, merchant=merchant, until=until.isoformat()))


def items_from(found: Iterable[Any]) -> list[Item]:
    """Rows of ITEM_FIELDS, all of an item among them. A busy month has a hundred thousand: what they share stands in memory once."""
    items, currencies = [_item(row) for row in found], dict[str, tuple[str, ...]]()
    for one in items:
        known = currencies.get(one.item, ())
        currencies[one.item] = (*known, *one.currencies) if known else tuple(one.currencies)
    return [replace(one, currencies=tuple(sorted(known))) if len(known := currencies[one.item]) > 1 else one for one in items]


def _item(row: Any) -> Item:
    alone = _alone(row.currency)
    paid, repaid, settled, other = (_money(int(amount), *alone) for amount in (row.paid, row.repaid, row.settled, row.other))
    return Item(row.item, intern(row.connection), intern(row.gateway), paid, repaid, settled, other, _day(row.since), _day(row.last), alone)


_day = lru_cache(4096)(date.fromisoformat)
_zero = cache(Money.zero)


@cache
def _alone(currency: str) -> tuple[str]:
    return (intern(currency),)


def _money(minor: int, currency: str) -> Money:
    return Money(minor, currency) if minor else _zero(currency)


BALANCES = """
select p.account, p.connection, p.gateway, p.currency, sum(p.amount) as amount from postings p
where p.merchant = :merchant and p.day >= :since and p.day <= :until group by p.account, p.connection, p.gateway, p.currency
order by p.account, p.connection, p.gateway, p.currency
"""


@dataclass(frozen=True, slots=True)
class Balance:
    """What an account came to over some days; debit above zero."""

    account: Account
    connection: str
    gateway: str
    amount: Money


def balances(db: Connection, merchant: str, since: date, until: date) -> list[Balance]:
    """By account, connection, gateway and currency, both days included."""
    found = run(db, BALANCES, merchant=merchant, since=since.isoformat(), until=until.isoformat())
    return [Balance(Account(row.account), row.connection, row.gateway, Money(int(row.amount), row.currency)) for row in found]


STORY = """
select e.id, e.kind, e.subject, e.key, e.version, e.day, e.due_day, e.memo, e.reverses, e.at from entries e
where e.merchant = :merchant and e.subject = :subject order by e.id
"""


def story(db: Connection, merchant: str, subject: str) -> list[tuple[Any, list[Posting]]]:
    """All entries of a subject as they were booked, each with its postings."""
    found = run(db, STORY, merchant=merchant, subject=subject).all()
    parts = postings_of(db, merchant, [row.id for row in found])
    return [(row, parts.get(row.id, [])) for row in found]


COUNTS = f"""
select e.kind, count(*) as found, 'entry' as what from entries e
where e.merchant = :merchant and e.day >= :since and e.day <= :until group by e.kind
union all select u.why, count(*), 'waits' from unbooked u where u.merchant = :merchant group by u.why
union all select '', count(*), 'awaited' from items i where i.merchant = :merchant and i.open <> 0 and {SURE} order by 1
"""


def counts(db: Connection, merchant: str, since: date, until: date, sure: date = date.max) -> tuple[dict[str, int], dict[str, int], int]:
    """Entries of these days by kind; orders whose booking waits, by why; and how many items are surely awaited (see `awaited`)."""
    days = {"since": since.isoformat(), "until": until.isoformat(), "sure": sure.isoformat()}
    found = run(db, COUNTS, merchant=merchant, **days).all()
    entries, waits, others = ({row.kind: row.found for row in found if row.what == what} for what in ("entry", "waits", "awaited"))
    return entries, waits, sum(others.values())


CLEARED = """
select p.connection, p.gateway, p.currency, sum(case when p.day < :since then p.amount else 0 end) as before,
  sum(case when p.day >= :since and p.kind = 'payment' then p.amount else 0 end) as paid,
  sum(case when p.day >= :since and p.kind = 'repayment' then p.amount else 0 end) as repaid,
  sum(case when p.day >= :since and p.kind = 'settled' then p.amount else 0 end) as kept,
  sum(case when p.day >= :since and p.kind = 'payout' then p.amount else 0 end) as out,
  sum(case when p.day >= :since and p.kind in ('opening', 'write_off') then p.amount else 0 end) as other,
  sum(p.amount) as after, count(distinct case when p.day >= :since and p.kind = 'payment' then p.item end) as orders
from postings p where p.merchant = :merchant and p.account = 'clearing' and p.day <= :until
group by p.connection, p.gateway, p.currency order by p.connection, p.gateway, p.currency
"""
# The same up to now, by what is kept of each item: a look at a page reads no more than the days that it shows.
CLEARED_NOW = """
select c.connection, c.gateway, c.currency, sum(c.after) - sum(c.paid) - sum(c.repaid) - sum(c.kept) - sum(c.out) - sum(c.other) as before,
  sum(c.paid) as paid, sum(c.repaid) as repaid, sum(c.kept) as kept, sum(c.out) as out, sum(c.other) as other, sum(c.after) as after,
  sum(c.orders) as orders
from (
  select i.connection, i.gateway, i.currency, i.open as after, 0 as paid, 0 as repaid, 0 as kept, 0 as out, 0 as other, 0 as orders
  from items i where i.merchant = :merchant and i.open <> 0
  union all
  select p.connection, p.gateway, p.currency, 0, case when p.kind = 'payment' then p.amount else 0 end,
    case when p.kind = 'repayment' then p.amount else 0 end, case when p.kind = 'settled' then p.amount else 0 end,
    case when p.kind = 'payout' then p.amount else 0 end, case when p.kind in ('opening', 'write_off') then p.amount else 0 end,
    case when p.kind = 'payment' then 1 else 0 end
  from postings p where p.merchant = :merchant and p.day >= :since and p.account = 'clearing') c
group by c.connection, c.gateway, c.currency order by c.connection, c.gateway, c.currency
"""
NAMES = 10_000  # orders whose names are asked for at once
NAMED = """
select o.connection, o.channel_id, o.id, o.name, o.fulfillment, (select u.why from unbooked u where u.merchant = o.merchant
  and u.ref = o.connection || '/' || o.channel_id) as why
from {rows} left join orders o on o.connection = r.connection and o.channel_id = r.channel_id where o.merchant || '' = :merchant
"""


@dataclass(frozen=True, slots=True)
class Cleared:
    """A clearing account over some days: what stood in it, what came and went, and what stands in it then. `kept` is what payouts took for
    fees and the rest, beside what reached the bank (`out`); both are below zero where money left."""

    connection: str
    gateway: str
    before: Money
    paid: Money
    repaid: Money
    kept: Money
    out: Money
    other: Money
    after: Money
    orders: int


def cleared(db: Connection, merchant: str, since: date, until: date) -> list[Cleared]:
    """Every clearing account over these days, both included."""
    found = run(db, CLEARED, merchant=merchant, since=since.isoformat(), until=until.isoformat())
    return [_cleared(row) for row in found]


def cleared_now(db: Connection, merchant: str, since: date) -> list[Cleared]:
    """Every clearing account since this day, as it stands now."""
    return [_cleared(row) for row in run(db, CLEARED_NOW, merchant=merchant, since=since.isoformat())]


def _cleared(row: Any) -> Cleared:
    names = ("before", "paid", "repaid", "kept", "out", "other", "after")
    before, paid, repaid, kept, out, other, after = (Money(int(getattr(row, name)), row.currency) for name in names)
    return Cleared(row.connection, row.gateway, before, paid, repaid, kept, out, other, after, int(row.orders))


@dataclass(frozen=True, slots=True)
class Named:
    """An order by our id and its name; `why` it is not booked as it stands (a word of core.domain.order_entries.WAITS), or ""; `left`:
    all of it did."""

    id: str
    name: str
    why: str
    left: bool

    @property
    def waits(self) -> bool:
        return self.why != ""


def named(db: Connection, merchant: str, refs: Iterable[str]) -> dict[str, Named]:
    """Those of these orders that we know."""
    known = sorted({ref for ref in refs if "/" in ref})
    return {name: one for start in range(0, len(known), NAMES) for name, one in _named(db, merchant, known[start : start + NAMES])}


def _named(db: Connection, merchant: str, refs: Iterable[str]) -> Iterator[tuple[str, Named]]:
    rows = by_ref(refs)
    for row in run_set(db, NAMED, {"connection": "text", "channel_id": "text"}, rows, merchant=merchant):
        yield f"{row.connection}/{row.channel_id}", Named(row.id, row.name, row.why or "", row.fulfillment == "fulfilled")
