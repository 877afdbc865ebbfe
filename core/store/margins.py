"""What orders left, kept with their entries; read for a month by channel, by SKU and by order."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import msgspec
from sqlalchemy import Connection

from core.domain.journal import Account, EntryKind
from core.domain.margins import Charges, Margin, Sold, Sum, charges
from core.domain.money import Money
from core.domain.payouts import CLOSED, Movement
from core.store.sql import run, run_set

REF, ORDER = {"ref": "text"}, {"ref": "text", "connection": "text", "order_id": "text"}
ROW = {
    "ref": "text", "part": "text", "currency": "text", "sku": "text", "connection": "text", "day": "text", "units": "int",
    "earned": "bigint", "given_back": "bigint", "fees": "bigint", "postage": "bigint", "cost": "bigint",
}  # fmt: skip
_movement = msgspec.json.Decoder(Movement)

# ---- what they are made of

OWN = """
select e.subject as ref, e.kind, p.account, p.item, p.currency, sum(p.amount) as amount, min(e.day) as day
from {rows} left join entries e on e.merchant = r.merchant and e.subject = r.ref left join postings p on p.entry = e.id
where p.account is not null group by e.subject, e.kind, p.account, p.item, p.currency
"""
SENT = """
select p.item as ref, p.kind, p.account, p.currency, sum(p.amount) as amount from {rows}
left join postings p on p.merchant = r.merchant and p.item = r.ref and p.account = 'postage'
where p.item > '' group by p.item, p.kind, p.account, p.currency
"""
SOLD = """
select r.ref, l.line, l.sku as named, p.sku, p.units from {rows}
left join orders o on o.connection = r.connection and o.channel_id = r.order_id left join order_lines l on l.order_id = o.id
left join listings g on g.connection = r.connection and g.listing = l.listing and g.sku = l.sku and g.place = ''
left join listing_parts p on p.listing_id = g.id
where o.merchant || '' = :merchant and l.line is not null order by r.ref, l.line, p.sku
"""
PAID = """
select r.ref, m.payout, m.doc, w.state from {rows}
left join payout_lines m on m.connection = r.connection and m.order_id = r.order_id
left join payouts w on w.connection = m.connection and w.channel_id = m.payout
where m.merchant || '' = :merchant order by r.ref, m.payout, m.n
"""
UNKNOWN = "select c.ref, c.sku from {rows} left join costless c on c.merchant = r.merchant and c.ref = r.ref where c.sku is not null"


def own(db: Connection, merchant: str, refs: Iterable[str]) -> dict[str, tuple[date, list[Sum]]]:
    """By ref: the day of its sale (else of the first entry), and what its own entries come to."""
    found: dict[str, list[Any]] = {}
    for row in run_set(db, OWN, REF, [{"ref": ref} for ref in refs], merchant=merchant):
        found.setdefault(row.ref, []).append(row)
    return {ref: (_day(rows), [_sum(row) for row in rows if row.amount]) for ref, rows in found.items()}


def _day(rows: Sequence[Any]) -> date:
    return date.fromisoformat(min((row.kind != EntryKind.SALE, row.day) for row in rows)[1])


def _sum(row: Any) -> Sum:
    return Sum(EntryKind(row.kind), Account(row.account), row.item, Money(int(row.amount), row.currency))


def sold(db: Connection, merchant: str, refs: Iterable[str]) -> dict[str, dict[str, Sold]]:
    """By ref and line, which of our SKUs it takes; one that takes a single SKU goes by that, others by the channel's."""
    found: dict[str, dict[str, dict[str, int]]] = {}
    names: dict[tuple[str, str], str] = {}
    for row in run_set(db, SOLD, ORDER, _orders(refs), merchant=merchant):
        takes = found.setdefault(row.ref, {}).setdefault(row.line, {})
        names[row.ref, row.line] = row.named or ""
        if row.sku:
            takes[row.sku] = row.units
    return {ref: {line: _sold(names[ref, line], takes) for line, takes in lines.items()} for ref, lines in found.items()}


def _sold(named: str, takes: Mapping[str, int]) -> Sold:
    return Sold(next(iter(takes)) if len(takes) == 1 else named, takes)


def _orders(refs: Iterable[str]) -> list[dict[str, str]]:
    return [dict(zip(("connection", "order_id"), ref.split("/", 1), strict=True), ref=ref) for ref in sorted(set(refs))]


def charged(db: Connection, merchant: str, refs: Iterable[str]) -> dict[str, Charges]:
    """By ref: fees and postage, as payouts and labels have them; payouts that were called off count nothing."""
    rows = _orders(refs)
    told: dict[str, list[tuple[bool, Movement]]] = {row["ref"]: [] for row in rows}
    for row in run_set(db, PAID, ORDER, rows, merchant=merchant):
        if not row.payout or row.state in CLOSED:
            told[row.ref].append((bool(row.payout), _movement.decode(row.doc)))
    sent: dict[str, list[Sum]] = {}
    for row in run_set(db, SENT, REF, [{"ref": row["ref"]} for row in rows], merchant=merchant):
        sent.setdefault(row.ref, []).append(Sum(EntryKind(row.kind), Account.POSTAGE, "", Money(int(row.amount), row.currency)))
    return {ref: charges(some, sent.get(ref, ())) for ref, some in told.items()}


def unknown(db: Connection, merchant: str, refs: Iterable[str]) -> dict[str, set[str]]:
    """By ref: SKUs that left and whose cost nobody knows."""
    found: dict[str, set[str]] = {}
    for row in run_set(db, UNKNOWN, REF, [{"ref": ref} for ref in refs], merchant=merchant):
        found.setdefault(row.ref, set()).add(row.sku)
    return found


ORDERS_IN = """
select distinct m.order_id from payout_lines m
where m.merchant = :merchant and m.connection = :connection and m.payout = :payout and m.order_id is not null
"""
KEPT = "select m.ref from {rows} left join margins m on m.merchant = r.merchant and m.ref = r.ref where m.part = ''"


def orders_in(db: Connection, merchant: str, connection: str, payout: str) -> list[str]:
    """The refs of the orders that a payout holds; payout '' is what is told to come."""
    return [f"{connection}/{row.order_id}" for row in run(db, ORDERS_IN, merchant=merchant, connection=connection, payout=payout)]


def kept(db: Connection, merchant: str, refs: Iterable[str]) -> set[str]:
    """Those of these orders that have rows."""
    return {row.ref for row in run_set(db, KEPT, REF, [{"ref": ref} for ref in refs], merchant=merchant)}


# ---- keeping them

FORGET = "delete from margins where merchant = :merchant and ref in (select r.ref from {rows})"
KEEP = """
insert into margins (merchant, ref, part, currency, sku, connection, day, units, earned, given_back, fees, postage, cost)
select :merchant, r.ref, r.part, r.currency, r.sku, r.connection, r.day, r.units, r.earned, r.given_back, r.fees, r.postage, r.cost
from {rows} where true
"""


def keep(db: Connection, merchant: str, refs: Iterable[str], found: Mapping[str, tuple[date, Sequence[Margin]]]) -> None:
    """Of `refs` these rows are kept, and no others: two statements."""
    run_set(db, FORGET, REF, [{"ref": ref} for ref in refs], merchant=merchant)
    rows = [_row(ref, day, one) for ref, (day, some) in found.items() for one in some]
    if rows:
        run_set(db, KEEP, ROW, rows, merchant=merchant)


def _row(ref: str, day: date, one: Margin) -> dict[str, Any]:
    return {
        "ref": ref, "part": one.part, "currency": one.currency, "sku": one.sku, "connection": ref.split("/", 1)[0], "day": day.isoformat(),
        "units": one.units, "earned": one.earned, "given_back": one.given_back, "fees": one.fees, "postage": one.postage, "cost": one.cost,
    }  # fmt: skip


# ---- reading them

# 1 where units left and nobody knows what they cost: of this row's SKU, or of one that no row of the order is named after (a kit's part).
LACKS = """case when m.cost is null and exists (select 1 from costless c where c.merchant = m.merchant and c.ref = m.ref
    and (m.sku in ('', c.sku) or not exists (select 1 from margins x where x.merchant = c.merchant and x.ref = c.ref and x.sku = c.sku)))
  then 1 else 0 end"""
SUMS = f"""sum(m.units) as units, sum(m.earned) as earned, sum(m.given_back) as given_back, sum(m.fees) as fees, sum(m.postage) as postage,
  sum(coalesce(m.cost, 0)) as cost, sum(case when m.cost is null then 1 else 0 end) as without, sum({LACKS}) as missing,
  sum(case when m.part = '~' then m.fees else 0 end) as told, count(distinct m.ref) as orders"""
LEFT = "sum(m.earned + m.given_back + m.fees + m.postage + coalesce(m.cost, 0))"
DAYS = "m.merchant = :merchant and m.day >= :since and m.day <= :until"
BY_CHANNEL = f"""
select m.connection as name, m.currency, {SUMS} from margins m where {DAYS} and m.sku = '' group by m.connection, m.currency
order by m.connection, m.currency
"""
BY_DAY = f"select m.day, m.connection, m.currency, {LEFT} as amount from margins m where {DAYS} and m.sku = '' group by 1, 2, 3 order by 1"
ORDERS = {
    "name": "name", "units": "sum(m.units)", "earned": "sum(m.earned)", "given_back": "sum(m.given_back)", "fees": "sum(m.fees)",
    "postage": "sum(m.postage)", "cost": "sum(coalesce(m.cost, 0))", "left": LEFT, "day": "min(m.day)",
}  # fmt: skip
BY_SKU = f"""
select m.sku as name, m.currency, {SUMS} from margins m where {DAYS} and m.sku > '' group by m.sku, m.currency
order by {{order}}, m.sku, m.currency limit :most offset :after
"""
BY_ORDER = f"""
select m.ref as name, m.currency, min(m.day) as day, {SUMS} from margins m where {DAYS} and m.sku = '' group by m.ref, m.currency
order by {{order}}, m.ref, m.currency limit :most offset :after
"""
OF_ORDER = f"""
select m.part, m.currency, m.sku, m.units, m.earned, m.given_back, m.fees, m.postage, m.cost, {LACKS} as lacks from margins m
where m.merchant = :merchant and m.ref = :ref order by m.currency, m.part
"""


@dataclass(frozen=True, slots=True)
class Total:
    """What some of them left together, in one currency; `missing` says of how many parts units left and nobody knows their cost, `waiting`
    of how many more it is not booked yet: it is when they leave. `told` are those fees that are not charged yet."""

    name: str
    units: int
    earned: Money
    given_back: Money
    fees: Money
    postage: Money
    cost: Money
    missing: int
    told: Money
    orders: int
    waiting: int = 0
    day: str = ""

    @property
    def left(self) -> Money:
        return self.earned + self.given_back + self.fees + self.postage + self.cost


def _total(row: Any) -> Total:
    names = ("earned", "given_back", "fees", "postage", "cost")
    earned, back, fees, postage, cost = (Money(int(getattr(row, name)), row.currency) for name in names)
    told, day = Money(int(row.told), row.currency), getattr(row, "day", "")
    missing, waiting = int(row.missing), int(row.without) - int(row.missing)
    return Total(row.name, int(row.units), earned, back, fees, postage, cost, missing, told, int(row.orders), waiting, day)


def by_channel(db: Connection, merchant: str, since: date, until: date) -> list[Total]:
    """Of orders sold on these days, by the connection's id."""
    return [_total(row) for row in run(db, BY_CHANNEL, merchant=merchant, **_days(since, until))]


def by_sku(db: Connection, merchant: str, since: date, until: date, sort: str, after: int, most: int) -> list[Total]:
    """By SKU, what is of no line shared out; `sort` is one of ORDERS, with a - before it the most first."""
    return _sorted(db, BY_SKU, merchant, since, until, sort, after, most)


def by_order(db: Connection, merchant: str, since: date, until: date, sort: str, after: int, most: int) -> list[Total]:
    """By the order's ref, sorted likewise."""
    return _sorted(db, BY_ORDER, merchant, since, until, sort, after, most)


def _sorted(db: Connection, statement: str, merchant: str, since: date, until: date, sort: str, after: int, most: int) -> list[Total]:
    order = ORDERS[sort.removeprefix("-")] + (" desc" if sort.startswith("-") else "")
    order = order.replace("name", "m.sku" if statement is BY_SKU else "m.ref")
    found = run(db, statement.format(order=order), merchant=merchant, after=after, most=most, **_days(since, until))
    return [_total(row) for row in found]


def by_day(db: Connection, merchant: str, since: date, until: date) -> list[tuple[date, str, Money]]:
    """(day, connection, what was left)."""
    found = run(db, BY_DAY, merchant=merchant, **_days(since, until))
    return [(date.fromisoformat(row.day), row.connection, Money(int(row.amount), row.currency)) for row in found]


def _days(since: date, until: date) -> dict[str, str]:
    return {"since": since.isoformat(), "until": until.isoformat()}


def of_order(db: Connection, merchant: str, ref: str) -> list[Margin]:
    """All rows of one order."""
    names = ("part", "currency", "sku", "units", "earned", "given_back", "fees", "postage", "cost")
    found = run(db, OF_ORDER, merchant=merchant, ref=ref)
    return [replace(Margin(*(getattr(row, name) for name in names)), waits=row.cost is None and not row.lacks) for row in found]
