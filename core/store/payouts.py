"""Payouts, what they hold, and what is told to come."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection

from core.domain.money import Money
from core.domain.payouts import Movement, Paid, Payout
from core.store.sql import run, run_set
from core.store.tables import us, when

_movement = msgspec.json.Decoder(Movement)
SEEN = {
    "id": "text", "channel_id": "text", "state": "text", "at": "bigint", "currency": "text", "amount": "bigint", "began": "bigint",
    "ended": "bigint", "deposit": "bigint", "deposit_currency": "text", "number": "text", "handle": "text", "words": "text",
}  # fmt: skip
LINE = {
    "channel_id": "text", "n": "int", "occasion": "text", "at": "bigint", "currency": "text", "amount": "bigint", "order_id": "text",
    "doc": "text",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Known:
    """A payout as we hold it. `read_at`: all that it holds was read; `booked_at`: and booked as it stands; `banked` is what the bank's
    statement says, where somebody looked."""

    id: str
    connection: str
    payout: Payout
    cursor: str | None
    read_at: int | None
    booked_at: int | None
    findings: Sequence[dict[str, Any]]
    banked: Money | None


FIELDS = """p.id, p.connection, p.channel_id, p.state, p.at, p.currency, p.amount, p.began, p.ended, p.deposit, p.deposit_currency,
  p.number, p.handle, p.words, p.cursor, p.read_at, p.booked_at, p.findings, p.banked"""
SEE = """
insert into payouts (id, merchant, connection, channel_id, state, at, currency, amount, began, ended, deposit, deposit_currency, number,
  handle, words, seen_at)
select r.id, :merchant, :connection, r.channel_id, r.state, r.at, r.currency, r.amount, r.began, r.ended, r.deposit, r.deposit_currency,
  r.number, r.handle, r.words, :now from {rows} where true
on conflict (connection, channel_id) do update set state = excluded.state, at = excluded.at, currency = excluded.currency,
  amount = excluded.amount, began = excluded.began, ended = excluded.ended, deposit = excluded.deposit,
  deposit_currency = excluded.deposit_currency, number = excluded.number, handle = excluded.handle, words = excluded.words, seen_at = :now,
  booked_at = case when payouts.state = excluded.state and payouts.amount = excluded.amount then payouts.booked_at end
"""


def see(db: Connection, merchant: str, connection: str, found: Iterable[tuple[str, Payout]], now: int) -> None:
    """(an id for one that is new, the payout): as the channel tells them. What differs is to be booked again."""
    rows = [_row(id, one) for id, one in found]
    if rows:
        run_set(db, SEE, SEEN, rows, merchant=merchant, connection=connection, now=now)


def _row(id: str, one: Payout) -> dict[str, Any]:
    return {
        "id": id, "channel_id": one.id, "state": one.state, "at": us(one.at), "currency": one.amount.currency, "amount": one.amount.minor,
        "began": us(one.began) if one.began else None, "ended": us(one.ended) if one.ended else None,
        "deposit": one.deposit.minor if one.deposit else None, "deposit_currency": one.deposit.currency if one.deposit else None,
        "number": one.number, "handle": one.handle, "words": one.words,
    }  # fmt: skip


def _known(row: Any) -> Known:
    deposit = Money(row.deposit, row.deposit_currency) if row.deposit_currency else None
    began, ended = when(row.began) if row.began else None, when(row.ended) if row.ended else None
    payout = Payout(
        row.channel_id,
        Paid(row.state),
        when(row.at),
        Money(row.amount, row.currency),
        began,
        ended,
        deposit,
        row.number,
        row.handle,
        row.words,
    )
    findings = msgspec.json.decode(row.findings) if row.findings else []
    banked = Money(row.banked, deposit.currency if deposit else row.currency) if row.banked is not None else None
    return Known(row.id, row.connection, payout, row.cursor, row.read_at, row.booked_at, findings, banked)


TO_DO = f"""
select {FIELDS} from payouts p where p.connection = :connection and p.merchant || '' = :merchant and p.booked_at is null
order by p.at, p.id
"""
ONE = f"select {FIELDS} from payouts p where p.id = :id and p.merchant || '' = :merchant"
LISTED = f"select {FIELDS} from payouts p where p.merchant = :merchant and p.at < :before order by p.at desc, p.id desc limit :most"


def to_do(db: Connection, merchant: str, connection: str) -> list[Known]:
    """Those that are still to be read or booked, the oldest first."""
    return [_known(row) for row in run(db, TO_DO, merchant=merchant, connection=connection)]


def one(db: Connection, merchant: str, id: str) -> Known | None:
    row = run(db, ONE, merchant=merchant, id=id).first()
    return _known(row) if row else None


def listed(db: Connection, merchant: str, before: int, most: int = 50) -> list[Known]:
    """The newest ones sent before then."""
    return [_known(row) for row in run(db, LISTED, merchant=merchant, before=before, most=most)]


# ---- what they hold

CLEAR = "delete from payout_lines where connection = :connection and payout = :payout and merchant || '' = :merchant"
HOLD = """
insert into payout_lines (merchant, connection, payout, channel_id, n, occasion, at, currency, amount, order_id, doc)
select :merchant, :connection, :payout, r.channel_id, r.n, r.occasion, r.at, r.currency, r.amount, r.order_id, r.doc from {rows} where true
on conflict (connection, payout, channel_id) do update set n = excluded.n, occasion = excluded.occasion, at = excluded.at,
  currency = excluded.currency, amount = excluded.amount, order_id = excluded.order_id, doc = excluded.doc
"""
HELD = """
select m.doc from payout_lines m where m.merchant = :merchant and m.connection = :connection and m.payout = :payout
order by m.n, m.channel_id
"""
OF_ORDERS = """
select m.doc from {rows} left join payout_lines m on m.connection = :connection and m.order_id = r.order_id and m.payout = :payout
where m.merchant || '' = :merchant
"""


def clear(db: Connection, merchant: str, connection: str, payout: str = "") -> None:
    """What was told of it is over: it is told anew."""
    run(db, CLEAR, merchant=merchant, connection=connection, payout=payout)


def hold(db: Connection, merchant: str, connection: str, payout: str, found: Sequence[Movement], first: int = 0) -> None:
    """A page of what a payout holds; payout '' is what is told to come."""
    rows = [_line(n, one) for n, one in enumerate(found, first)]
    if rows:
        run_set(db, HOLD, LINE, rows, merchant=merchant, connection=connection, payout=payout)


def _line(n: int, one: Movement) -> dict[str, Any]:
    return {
        "channel_id": one.id, "n": n, "occasion": one.occasion, "at": us(one.at), "currency": one.amount.currency,
        "amount": one.amount.minor, "order_id": one.order, "doc": msgspec.json.encode(one).decode(),
    }  # fmt: skip


def held(db: Connection, merchant: str, connection: str, payout: str = "") -> list[Movement]:
    """All that it holds, in the order in which it was told."""
    return [_movement.decode(row.doc) for row in run(db, HELD, merchant=merchant, connection=connection, payout=payout)]


def told_before(db: Connection, merchant: str, connection: str, orders: Iterable[str]) -> list[Movement]:
    """What was told to come of these orders."""
    rows = [{"order_id": one} for one in sorted(set(orders))]
    found = run_set(db, OF_ORDERS, {"order_id": "text"}, rows, merchant=merchant, connection=connection, payout="")
    return [_movement.decode(row.doc) for row in found]


PAGE_READ = "update payouts set cursor = :cursor where id = :id"
READ = "update payouts set cursor = null, read_at = :now where id = :id"
BOOKED = "update payouts set booked_at = :now, findings = :findings where id = :id"
BANKED = "update payouts set banked = :amount where id = :id and merchant || '' = :merchant"


def page_read(db: Connection, id: str, cursor: str | None, now: int) -> None:
    """A page of it is here; without a cursor that was the last."""
    run(db, PAGE_READ if cursor else READ, id=id, **({"cursor": cursor} if cursor else {"now": now}))


def book(db: Connection, id: str, findings: Sequence[dict[str, Any]], now: int) -> None:
    run(db, BOOKED, id=id, findings=msgspec.json.encode(findings).decode(), now=now)


def bank(db: Connection, merchant: str, id: str, amount: int | None) -> None:
    """What the bank's statement says of it."""
    run(db, BANKED, merchant=merchant, id=id, amount=amount)


COUNT = "select count(*) from payout_lines m where m.merchant = :merchant and m.connection = :connection and m.payout = :payout"


def count(db: Connection, merchant: str, connection: str, payout: str) -> int:
    """How many lines of it are here."""
    return int(run(db, COUNT, merchant=merchant, connection=connection, payout=payout).scalar_one())
