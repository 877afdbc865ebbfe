"""Payments that are captured when goods leave: what was asked, and what became of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from core.domain.capturing import CaptureState
from core.domain.money import Money
from core.store.sql import run, run_set
from core.store.vault import Box

ID = {"id": "text"}


@dataclass(frozen=True, slots=True)
class Capture:
    """One time that an order's payment is captured. `id` is the key that the channel is given, `amount` what is to be taken or was, in the
    buyer's currency; `tried_at` when the channel was told last, `words` its own."""

    id: str
    order_id: str
    amount: Money
    state: CaptureState
    words: str
    asked_at: int
    tried_at: int | None
    ended_at: int | None


ADD = """
insert into captures (id, merchant, order_id, amount, currency, state, asked_at)
values (:id, :merchant, :order, :amount, :currency, 'wanted', :now)
"""


def add(db: Connection, merchant: str, id: str, order: str, amount: Money, now: int) -> None:
    """It is to be taken. The order is locked, and nothing else of the kind is open of it."""
    run(db, ADD, id=id, merchant=merchant, order=order, amount=amount.minor, currency=amount.currency, now=now)


NEWEST = """
select c.id, c.order_id, c.amount, c.currency, c.state, c.words, c.asked_at, c.tried_at, c.ended_at from captures c
where c.order_id = :order and c.merchant || '' = :merchant
order by case when c.state in ('wanted', 'asked') then 0 else 1 end, c.asked_at desc, c.id desc limit 1
"""


def newest(db: Connection, merchant: str, order: str, box: Box) -> Capture | None:
    """The one that goes on of an order, else the last one. Whoever goes by it has locked the order before."""
    row = run(db, NEWEST, order=order, merchant=merchant).first()
    return _capture(row, box) if row else None


def _capture(row: Any, box: Box) -> Capture:
    words = box.open_text(_place(row.id), row.words).decode() if row.words else ""
    amount, state = Money(row.amount, row.currency), CaptureState(row.state)
    return Capture(row.id, row.order_id, amount, state, words, row.asked_at, row.tried_at, row.ended_at)


def _place(id: str) -> str:
    return f"captures|words|{id}"


TRIED = "update captures set state = 'wanted', amount = :amount, currency = :currency, tried_at = :now where id = :id"
TOOK = "update captures set state = 'asked' where id = :id"
END = "update captures set state = :state, words = :words, ended_at = :now where id = :id"
DONE = "update captures set state = 'done', amount = :amount, currency = :currency, words = null, ended_at = :now where id = :id"


def tried(db: Connection, id: str, amount: Money, now: int) -> None:
    """The channel is told from now on to take this."""
    run(db, TRIED, id=id, amount=amount.minor, currency=amount.currency, now=now)


def took(db: Connection, id: str) -> None:
    """The channel took it, and says later what came of it."""
    run(db, TOOK, id=id)


def done(db: Connection, id: str, amount: Money, now: int) -> None:
    """So much of the order is taken in all."""
    run(db, DONE, id=id, amount=amount.minor, currency=amount.currency, now=now)


def end(db: Connection, id: str, state: CaptureState, box: Box, now: int, words: str = "") -> None:
    """What became of it instead, in the channel's own words where it said some."""
    run(db, END, id=id, state=state.value, words=box.seal_text(_place(id), words.encode()) if words else None, now=now)


STATES = "select c.order_id, c.state from {rows} left join captures c on c.order_id = r.id and c.merchant || '' = :merchant"


def failed(db: Connection, merchant: str, orders: Iterable[str]) -> set[str]:
    """Those of these orders whose payment was to be captured, and was not; nobody tries again. The orders are locked."""
    rows = [{"id": id} for id in sorted(set(orders))]
    found = [row for row in (run_set(db, STATES, ID, rows, merchant=merchant) if rows else ()) if row.order_id is not None]
    going = {row.order_id for row in found if row.state != CaptureState.FAILED}
    return {row.order_id for row in found} - going


PARKED = """
select 1 from tasks where merchant = :merchant and kind = 'capture_payments' and subject = :ref and state = 'parked' limit 1
"""


def is_parked(db: Connection, merchant: str, ref: str) -> bool:
    """Nobody works on it until a person says so."""
    return run(db, PARKED, merchant=merchant, ref=ref).first() is not None
