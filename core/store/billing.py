"""Carriers' bills and the labels that they are for."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec
from sqlalchemy import Connection

from core.domain.billing import Bill, BillLine, What, plain
from core.domain.money import Money
from core.domain.who import Who
from core.store.sql import run, run_set
from core.store.vault import Box

TEXT = {"id": "text"}


@dataclass(frozen=True, slots=True)
class Bought:
    """A label as it stands: of which order, by its ref, and under which names shipment and order go; `role` is its seller's."""

    id: str
    ref: str
    name: str
    connection: str
    role: str
    state: str
    price: int | None
    currency: str | None
    bought_at: int | None


FIELDS = "u.id, u.connection, c.role, u.state, u.price, u.currency, u.bought_at, s.name, o.connection as channel, o.channel_id"
LABELS = f"""
select {FIELDS} from {{rows}} left join purchases u on u.id = r.id left join shipments s on s.id = u.shipment
left join orders o on o.id = s.order_id left join connections c on c.id = u.connection
where u.merchant || '' = :merchant and o.id is not null
"""
RELEASED_US = 90 * 86_400 * 1_000_000  # so long before its label is bought, or given back, a shipment was released at the earliest
CHANGED = """
select u.id from shipments s join purchases u on u.shipment = s.id
where s.merchant = :merchant and s.created_at >= :made and u.connection = :connection and u.bought_at >= :starts
  and (u.bought_at >= :since or coalesce(u.ended_at, 0) >= :since) and u.id > :after order by u.id limit :most
"""
LOCK = """
select o.id from purchases o where o.id in (
  select u.id from {rows} left join purchases u on u.id = r.id and u.merchant || '' = :merchant {fence}) order by o.id {lock}
"""


def labels(db: Connection, merchant: str, ids: Iterable[str]) -> list[Bought]:
    """Those of these purchases that are there, locked until the transaction ends."""
    rows = [{"id": id} for id in sorted(set(ids))]
    run_set(db, LOCK, TEXT, rows, merchant=merchant)
    return [_bought(row) for row in run_set(db, LABELS, TEXT, rows, merchant=merchant)]


def _bought(row: Any) -> Bought:
    ref = f"{row.channel}/{row.channel_id}"
    return Bought(row.id, ref, row.name, row.connection, row.role or "", row.state, row.price, row.currency, row.bought_at)


def changed(db: Connection, merchant: str, connection: str, starts: int, since: int, after: str, most: int) -> list[str]:
    """Labels bought of this carrier since `starts` of which something became since then; of shipments that are not much older."""
    made = max(starts, since) - RELEASED_US
    found = run(db, CHANGED, merchant=merchant, connection=connection, starts=starts, since=since, made=made, after=after, most=most)
    return [str(id) for id in found.scalars()]


# ---- which label a number is of

BY_NUMBER = """
select r.tracking as number, p.purchase from {rows}
left join parcels p on p.merchant = r.merchant and p.tracking = r.tracking
where p.purchase is not null
"""
GIVEN_BACK = """
select u.id, u.handle from purchases u where u.connection = :connection and u.merchant || '' = :merchant and u.handle is not null
  and u.state in ('voided', 'refunding', 'kept') and u.bought_at >= :since order by u.bought_at desc, u.id limit :most
"""


def by_number(db: Connection, merchant: str, numbers: Iterable[str]) -> dict[str, str]:
    """Labels by tracking number, of parcels that have one."""
    rows = [{"tracking": one} for one in sorted({*numbers, *map(plain, numbers)})]
    found = run_set(db, BY_NUMBER, {"tracking": "text"}, rows, merchant=merchant)
    return {plain(row.number): row.purchase for row in found}


def given_back(db: Connection, merchant: str, connection: str, since: int, box: Box, most: int = 2000) -> dict[str, str]:
    """Labels of a carrier that were given back, by the tracking numbers that they had."""
    found: dict[str, str] = {}
    for row in run(db, GIVEN_BACK, merchant=merchant, connection=connection, since=since, most=most):
        said = msgspec.json.decode(box.open_text(f"purchases|handle|{row.id}", row.handle))
        found |= {plain(number): row.id for number in said["tracking"]}
    return found


# ---- bills

ADD = """
insert into carrier_bills (id, merchant, connection, carrier, number, day, currency, total, file, at, who, name)
values (:id, :merchant, :connection, :carrier, :number, :day, :currency, :total, :file, :now, :who, :name)
"""
ADD_LINES = """
insert into carrier_bill_lines (merchant, bill, n, tracking, purchase, what, amount, text)
select :merchant, :bill, r.n, r.tracking, r.purchase, r.what, r.amount, r.text from {rows}
"""
LINE = {"n": "int", "tracking": "text", "purchase": "text", "what": "text", "amount": "bigint", "text": "text"}
KNOWN = """
select r.number from {rows} left join carrier_bills b on b.merchant = r.merchant and b.carrier = :carrier and b.number = r.number
where b.id is not null
"""


def add(db: Connection, merchant: str, one: Bill, file: str, who: Who, now: int) -> None:
    run(
        db, ADD, id=one.id, merchant=merchant, connection=one.connection or None, carrier=one.carrier, number=one.number,
        day=one.on.isoformat(), currency=one.currency, total=one.total.minor, file=file, now=now, who=who.id, name=who.name,
    )  # fmt: skip
    rows = [
        {"n": n, "tracking": line.tracking, "purchase": line.purchase, "what": line.what, "amount": line.amount.minor, "text": line.text}
        for n, line in enumerate(one.lines)
    ]
    run_set(db, ADD_LINES, LINE, rows, merchant=merchant, bill=one.id)


def known(db: Connection, merchant: str, carrier: str, numbers: Iterable[str]) -> set[str]:
    """Those of these bills of a carrier that are here already."""
    rows = [{"number": number} for number in sorted(set(numbers))]
    return set(run_set(db, KNOWN, {"number": "text"}, rows, merchant=merchant, carrier=carrier).scalars())


HEAD = "select b.id, b.carrier, b.connection, b.number, b.day, b.currency, b.total, b.file, b.at, b.name from carrier_bills b"
ONE = f"{HEAD} where b.id = :id and b.merchant || '' = :merchant"
PAGE = f"{HEAD} where b.merchant = :merchant and b.at < :before order by b.at desc, b.id desc limit :most"
LINES = """
select n.tracking, n.purchase, n.what, n.amount, n.text from carrier_bill_lines n
where n.bill = :id and n.merchant || '' = :merchant order by n.n
"""


def one(db: Connection, merchant: str, id: str) -> Bill | None:
    row = run(db, ONE, id=id, merchant=merchant).first()
    if row is None:
        return None
    found = run(db, LINES, id=id, merchant=merchant)
    lines = tuple(BillLine(What(line.what), Money(line.amount, row.currency), line.tracking, line.purchase, line.text) for line in found)
    return Bill(row.id, row.carrier, row.connection or "", row.number, date.fromisoformat(row.day), row.currency, lines)


def page(db: Connection, merchant: str, before: int = 2**62, most: int = 50) -> list[Any]:
    """Bills, the newest first: {id, carrier, number, day, currency, total, file, at, name}."""
    return list(run(db, PAGE, merchant=merchant, before=before, most=most))


OF_LABELS = """
select r.id as label, b.id, b.number, b.day, b.currency, n.what, n.amount, n.tracking, n.text from {rows}
left join carrier_bill_lines n on n.merchant = r.merchant and n.purchase = r.id
left join carrier_bills b on b.id = n.bill where b.id is not null order by b.day, b.number, n.n
"""


def of_labels(db: Connection, merchant: str, ids: Iterable[str]) -> list[Any]:
    """Lines of bills that are for these labels: {label, id, number, day, currency, what, amount, tracking, text}."""
    return list(run_set(db, OF_LABELS, TEXT, [{"id": id} for id in sorted(set(ids))], merchant=merchant))


UNBILLED = """
select r.id, s.id as shipment, s.name, c.label as carrier, u.price, u.currency, u.bought_at from (
  select substr(e.subject, 7) as id, e.day from entries e
  where e.merchant = :merchant and e.day >= :since and e.day < :until and e.kind = 'postage' and e.key = 'postage' and e.version = 1
    and not exists (select 1 from carrier_bill_lines n where n.merchant = :merchant and n.purchase = substr(e.subject, 7))
  order by e.day, e.id limit :most) r
left join purchases u on u.id = r.id left join connections c on c.id = u.connection left join shipments s on s.id = u.shipment
where u.state in ('bought', 'kept') and u.merchant || '' = :merchant order by r.day, r.id
"""
STRANGERS = """
select n.tracking, n.what, n.amount, n.text, r.currency, r.carrier, r.number, r.id from (
  select b.id, b.carrier, b.number, b.currency, b.at from carrier_bills b where b.merchant = :merchant and b.at > 0
  order by b.at desc, b.id desc limit :newest) r
left join carrier_bill_lines n on n.bill = r.id and n.purchase is null and n.tracking <> ''
where n.bill is not null order by r.at desc, r.id, n.n limit :most
"""


def unbilled(db: Connection, merchant: str, since: date, until: date, most: int) -> list[Any]:
    """Labels that were booked on days from `since` and before `until` and are on no bill, the oldest first."""
    return list(run(db, UNBILLED, merchant=merchant, since=since.isoformat(), until=until.isoformat(), most=most))


def strangers(db: Connection, merchant: str, most: int, newest: int = 50) -> list[Any]:
    """Lines that carriers billed for labels that nobody here bought, of the newest bills."""
    return list(run(db, STRANGERS, merchant=merchant, most=most, newest=newest))


SINCE = "select b.id from carrier_bills b where b.merchant = :merchant and b.day >= :first order by b.id"


def since(db: Connection, merchant: str, first: date) -> list[str]:
    """Bills of that day or later."""
    return [str(id) for id in run(db, SINCE, merchant=merchant, first=first.isoformat()).scalars()]


UNWRITTEN = """
select b.id from carrier_bills b where b.merchant = :merchant and b.day >= :first and b.total > 0 and not exists (
  select 1 from documents d where d.connection = :ledger and d.source = 'bill|' || b.id) order by b.day, b.id limit :most
"""


def unwritten(db: Connection, merchant: str, ledger: str, first: date, most: int) -> list[Bill]:
    """Bills of that day or later that are no document of this ledger yet; those that come to nothing or less never are."""
    ids = [str(id) for id in run(db, UNWRITTEN, merchant=merchant, ledger=ledger, first=first.isoformat(), most=most).scalars()]
    return [found for id in ids if (found := one(db, merchant, id))]


def sums(rows: Sequence[Any]) -> Mapping[str, int]:
    """What all bills together ask for each label."""
    found: dict[str, int] = {}
    for row in rows:
        found[row.label] = found.get(row.label, 0) + row.amount
    return found
