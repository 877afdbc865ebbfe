"""What channels keep back, and the disputes of orders, as payouts tell them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from core.domain.money import Money
from core.store.sql import run, run_set
from core.store.tables import when

RESERVES = """
select p.connection, p.gateway, p.currency, sum(p.amount) as amount from {rows} left join postings p
  on p.merchant = r.merchant and p.item = r.item and p.account = 'reserve' and p.item <> ''
where p.item is not null group by p.connection, p.gateway, p.currency order by p.connection, p.gateway, p.currency
"""
# Lines are read of those payouts alone that booked something of disputes, found day after day by a step of the index; and of those that
# nothing is booked of yet.
DISPUTED = """
with recursive walk(day) as (
  select max(p.day) from postings p where p.merchant = :merchant and p.day <= '9999-12-31'
  union all
  select (select max(p.day) from postings p where p.merchant = :merchant and p.day < r.day) from walk r where r.day >= :first),
told(subject) as (
  select distinct e.subject from walk r join postings p on p.merchant = :merchant and p.day = r.day and p.account = 'chargebacks'
  join entries e on e.id = p.entry where r.day >= :first)
select m.connection, m.order_id, max(m.currency) as currency, min(m.at) as since, max(m.at) as last, sum(m.amount) as amount,
  sum(case when m.occasion = 'chargeback_won' then 1 else 0 end) as won, max(o.id) as id, max(o.name) as name, max(q.id) as payout
from payouts q join payout_lines m on m.merchant = q.merchant and m.connection = q.connection and m.payout = q.channel_id
left join orders o on o.connection = m.connection and o.channel_id = m.order_id and o.merchant || '' = q.merchant
where q.merchant = :merchant and q.at >= :since and q.state <> 'cancelled' and m.occasion in ('chargeback', 'chargeback_won')
  and (q.booked_at is null or q.state = 'open' or 'payout ' || q.connection || '/' || q.channel_id in (select r.subject from told r))
group by m.connection, m.order_id, m.currency order by max(m.at) desc, m.order_id limit :most
"""
A_WHILE = timedelta(days=40)  # what a payout holds happened so long before it was sent, at most


@dataclass(frozen=True, slots=True)
class Reserve:
    connection: str
    gateway: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Dispute:
    """An order whose buyer's bank took money back: what it cost so far, below zero; `won`: the channel gave money back."""

    connection: str
    order: str | None
    id: str | None
    name: str | None
    payout: str
    amount: Money
    won: bool
    since: int
    last: int


def reserves(db: Connection, merchant: str, connections: Iterable[str]) -> list[Reserve]:
    """What each of these keeps back now."""
    rows = [{"item": f"reserve {one}"} for one in sorted(connections)]
    found = run_set(db, RESERVES, {"item": "text"}, rows, merchant=merchant)
    return [Reserve(row.connection, row.gateway, Money(int(row.amount), row.currency)) for row in found if row.amount]


def disputes(db: Connection, merchant: str, most: int, since: int = 0) -> list[Dispute]:
    """The newest disputes of the payouts since then, one for an order."""
    first = (when(since).date() - A_WHILE).isoformat() if since else ""
    return [_dispute(row) for row in run(db, DISPUTED, merchant=merchant, most=most, since=since, first=first)]


def _dispute(row: Any) -> Dispute:
    amount = Money(int(row.amount), row.currency)
    return Dispute(row.connection, row.order_id, row.id, row.name, row.payout, amount, bool(row.won), row.since, row.last)
