"""The books as programs read them: pages of entries, items, payouts, their lines and documents, each from where the last one ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection

from core.domain.journal import Posting
from core.domain.matching import Item
from core.domain.money import Money
from core.domain.payouts import Movement
from core.store import documents, journal, payouts
from core.store.documents import Kept
from core.store.payouts import Known
from core.store.sql import run, run_set
from core.store.vault import Box

# ---- entries, the newest day first

BY_SUBJECT = "select s.id from entries s where s.merchant = :merchant and s.subject = :subject"
SIEVES = {
    "account": " and exists (select 1 from postings p where p.entry = e.id and p.account = :account)",
    "connection": " and exists (select 1 from postings p where p.entry = e.id and p.connection = :connection)",
    "subject": f""" and e.id in ({BY_SUBJECT} union select p.entry from postings p where p.merchant = :merchant and p.item = :subject
      and p.item <> '')""",
}
ENTRIES = """
select e.id, e.kind, e.subject, e.key, e.version, e.day, e.due_day, e.memo, e.reverses, e.at from entries e
where e.merchant = :merchant and e.day >= :since and e.day <= :until and (e.day < :day or (e.day = :day and e.id < :id)){sieves}
order by e.day desc, e.id desc limit :most
"""
NEWEST = ("9999-12-31", 2**62)
# By account: day after day backwards, each found by a step of the index, until there are enough; `before` were found on later days.
ON_A_DAY = """p.merchant = :merchant and p.day = r.day and p.account = :account and (p.day < :day or p.entry < :id){sieves}"""
BY_ACCOUNT = f"""
with recursive walk(day, before) as (
  select (select max(p.day) from postings p where p.merchant = :merchant and p.day <= :top), cast(0 as bigint)
  union all
  select (select max(p.day) from postings p where p.merchant = :merchant and p.day < r.day),
    r.before + (select count(distinct p.entry) from postings p where {ON_A_DAY})
  from walk r where r.day >= :since and r.before < :most)
select e.id, e.kind, e.subject, e.key, e.version, e.day, e.due_day, e.memo, e.reverses, e.at from (
  select distinct p.entry from walk r join postings p on {ON_A_DAY} where r.day >= :since and r.before < :most) r
join entries e on e.id = r.entry order by e.day desc, e.id desc limit :most
"""
POSTED_FOR = " and exists (select 1 from postings c where c.entry = p.entry and c.connection = :connection)"


def entries(
    db: Connection, merchant: str, since: date, until: date, behind: tuple[str, int], most: int, wishes: Mapping[str, str]
) -> list[tuple[Any, Sequence[Posting]]]:
    """Of these days, both included, each with its postings; `wishes` are some of SIEVES. An order's are those about it, and those that
    moved its money."""
    days = {"since": since.isoformat(), "day": behind[0], "id": behind[1]}
    if "account" in wishes and "subject" not in wishes:
        statement, days["top"] = BY_ACCOUNT.format(sieves=POSTED_FOR if "connection" in wishes else ""), min(until.isoformat(), behind[0])
    else:
        statement, days["until"] = ENTRIES.format(sieves="".join(SIEVES[name] for name in wishes)), until.isoformat()
    found = run(db, statement, merchant=merchant, most=most, **days, **wishes).all()
    parts = journal.postings_of(db, merchant, [row.id for row in found])
    return [(row, parts.get(row.id, ())) for row in found]


# ---- what stands open, the oldest first

AWAITED = f" and not {journal.SURE}"
ITEMS = f"""
select {journal.ITEM_FIELDS} from items i where i.merchant = :merchant and i.open <> 0 and i.since >= :since
  and (i.since > :since or i.item > :item or (i.item = :item and (i.connection > :connection
    or (i.connection = :connection and (i.gateway > :gateway or (i.gateway = :gateway and i.currency > :currency)))))){{sieve}}
order by i.since, i.item, i.connection, i.gateway, i.currency limit :most
"""
ALIKE = f"""
select {journal.ITEM_FIELDS} from {{rows}} left join items i on i.merchant = r.merchant and i.connection = r.connection and i.item = r.item
where i.open <> 0
"""
OLDEST = ("", "", "", "", "")
Place = tuple[str, str, str, str, str]


def place_of(one: Item) -> Place:
    """Where it stands in the list."""
    return (one.since.isoformat(), one.item, one.connection, one.gateway, one.open.currency)


def items(db: Connection, merchant: str, behind: Place, most: int, sure: date | None = None) -> list[Item]:
    """With `sure` without those that were paid and last moved on that day or later: they are surely awaited."""
    where = dict(zip(("since", "item", "connection", "gateway", "currency"), behind, strict=True))
    wish = {"sure": sure.isoformat()} if sure else {}
    found = run(db, ITEMS.format(sieve=AWAITED if sure else ""), merchant=merchant, most=most, **wish, **where).all()
    rows = [dict(zip(("connection", "item"), name, strict=True)) for name in sorted({(one.connection, one.item) for one in found})]
    alike = run_set(db, ALIKE, {"connection": "text", "item": "text"}, rows, merchant=merchant).all()
    whole = {place_of(one): one for one in journal.items_from(alike)}
    return [whole[row.since, row.item, row.connection, row.gateway, row.currency] for row in found]


# ---- payouts, the newest first

PAYOUTS = f"""
select {payouts.FIELDS} from payouts p where p.merchant = :merchant and p.at <= :at and (p.at < :at or p.id < :id){{sieve}}
order by p.at desc, p.id desc limit :most
"""
OF_CONNECTION = " and p.connection = :connection"
LATEST = (2**62, "")


def payouts_page(db: Connection, merchant: str, behind: tuple[int, str], most: int, connection: str | None = None) -> list[Known]:
    """Of all channels, or of one connection."""
    statement = PAYOUTS.format(sieve=OF_CONNECTION if connection else "")
    wish = {"connection": connection} if connection else {}
    return [payouts.known_of(row) for row in run(db, statement, merchant=merchant, most=most, at=behind[0], id=behind[1], **wish)]


SUMS = """
select m.currency, count(*) as lines, sum(m.amount) as amount, count(distinct m.order_id) as orders from payout_lines m
where m.merchant = :merchant and m.connection = :connection and m.payout = :payout group by m.currency order by m.currency
"""
LINES = """
select m.n, m.channel_id, m.doc from payout_lines m
where m.merchant = :merchant and m.connection = :connection and m.payout = :payout and m.n >= :n and (m.n > :n or m.channel_id > :line)
order by m.n, m.channel_id limit :most
"""
FIRST = (-1, "")


@dataclass(frozen=True, slots=True)
class Sum:
    """What the lines of a payout come to in a currency."""

    lines: int
    orders: int
    amount: Money


def sums(db: Connection, merchant: str, one: Known) -> list[Sum]:
    """By currency."""
    found = run(db, SUMS, merchant=merchant, connection=one.connection, payout=one.payout.id)
    return [Sum(row.lines, row.orders, Money(int(row.amount), row.currency)) for row in found]


def lines(db: Connection, merchant: str, one: Known, behind: tuple[int, str], most: int) -> list[tuple[tuple[int, str], Movement]]:
    """Each with where it stands, in the order in which they were told."""
    where = {"connection": one.connection, "payout": one.payout.id, "n": behind[0], "line": behind[1]}
    return [
        ((row.n, row.channel_id), payouts.movement_of(row.doc)) for row in run(db, LINES, merchant=merchant, most=most, **where)
    ]  # fmt: skip


# ---- documents, the newest first

STATES = ("wanted", "asked", "posted", "blocked")
OF_STATE = f"""
select * from (select {documents.FIELDS}, d.wanted_at from documents d where d.merchant = :merchant and d.state = '{{state}}'
  and d.wanted_at <= :at and (d.wanted_at < :at or d.id < :id){{sieve}} order by d.wanted_at desc, d.id desc limit :most) {{state}}_ones
"""
OF_LEDGER = " and d.connection = :connection"


def documents_page(
    db: Connection, merchant: str, states: Sequence[str], behind: tuple[int, str], most: int, box: Box, connection: str | None = None
) -> list[tuple[int, Kept]]:
    """Each with when it was made; of all ledgers, or of one. Each state is read by its index."""
    each = (OF_STATE.format(state=one, sieve=OF_LEDGER if connection else "") for one in STATES if one in states)
    statement = " union all ".join(each) + " order by wanted_at desc, id desc limit :most"
    wish: Mapping[str, str] = {"connection": connection} if connection else {}
    found = run(db, statement, merchant=merchant, most=most, at=behind[0], id=behind[1], **wish)
    return [(row.wanted_at, documents.kept_of(row, box)) for row in found]
