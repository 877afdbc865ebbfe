"""Orders that are called off at their channels, and buyers' wishes for it that are answered: what was asked, and what became of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection

from core.domain.calling_off import OPEN, CallingState
from core.domain.shipping import CancelReason
from core.store.sql import run, run_set
from core.store.vault import Box

ID = {"id": "text"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What buyers are answered: agreed, or that it is sent anyway; `ids` are the channel's own numbers of their wishes, once it is said."""

    agree: bool
    ids: tuple[str, ...] = ()


_answer = msgspec.json.Decoder(Answer)


@dataclass(frozen=True, slots=True)
class Calling:
    """One time that an order is called off; with an `answer`, because its buyer wished it. `id` is the key that the channel is given,
    `tried_at` when it was last told or took it, `words` its own."""

    id: str
    order_id: str
    reason: CancelReason
    restock: bool
    state: CallingState
    name: str
    words: str
    answer: Answer | None
    asked_at: int
    tried_at: int | None
    ended_at: int | None

    @property
    def stops(self) -> bool:
        """Nothing of the order may leave meanwhile."""
        return self.state in OPEN and (self.answer is None or self.answer.agree)


ADD = """
insert into callings_off (id, merchant, order_id, reason, restock, state, who, name, appeal, asked_at)
values (:id, :merchant, :order, :reason, :restock, 'wanted', :who, :name, :answer, :now)
"""


def add(
    db: Connection, merchant: str, id: str, order: str, reason: CancelReason, who: tuple[str, str], now: int, *, restock: bool,
    answer: Answer | None = None,
) -> None:  # fmt: skip
    """Somebody, (id, name), wants it. The order is locked, and nothing else of the kind is open of it."""
    said = msgspec.json.encode(answer).decode() if answer else None
    run(
        db, ADD, id=id, merchant=merchant, order=order, reason=reason.value, restock=restock, who=who[0], name=who[1], answer=said, now=now
    )  # fmt: skip


NEWEST = """
select c.id, c.order_id, c.reason, c.restock, c.state, c.name, c.words, c.appeal, c.asked_at, c.tried_at, c.ended_at from callings_off c
where c.order_id = :order and c.merchant || '' = :merchant
order by case when c.state in ('wanted', 'asked') then 0 else 1 end, c.asked_at desc, c.id desc limit 1
"""


def newest(db: Connection, merchant: str, order: str, box: Box) -> Calling | None:
    """The one that goes on of an order, else the last one. Whoever goes by it has locked the order before."""
    row = run(db, NEWEST, order=order, merchant=merchant).first()
    return _calling(row, box) if row else None


def _calling(row: Any, box: Box) -> Calling:
    words = box.open_text(_place(row.id), row.words).decode() if row.words else ""
    answer, state = _answer.decode(row.appeal) if row.appeal else None, CallingState(row.state)
    return Calling(
        row.id, row.order_id, CancelReason(row.reason), bool(row.restock), state, row.name, words, answer, row.asked_at, row.tried_at,
        row.ended_at,
    )  # fmt: skip


def _place(id: str) -> str:
    return f"callings_off|words|{id}"


def tried(db: Connection, id: str, now: int) -> None:
    """The channel is told from now on."""
    run(db, "update callings_off set state = 'wanted', tried_at = :now, ended_at = null, words = null where id = :id", id=id, now=now)


ANSWERED = "update callings_off set appeal = :answer where id = :id"


def answered(db: Connection, id: str, answer: Answer) -> None:
    run(db, ANSWERED, id=id, answer=msgspec.json.encode(answer).decode())


TOOK = "update callings_off set state = 'asked', tried_at = :now where id = :id"
END = "update callings_off set state = :state, words = :words, ended_at = :now where id = :id"


def took(db: Connection, id: str, now: int) -> None:
    """The channel took it, and works on it."""
    run(db, TOOK, id=id, now=now)


def end(db: Connection, id: str, state: CallingState, box: Box, now: int, words: str = "") -> None:
    """What became of it, in the channel's own words where it said some."""
    run(db, END, id=id, state=state.value, words=box.seal_text(_place(id), words.encode()) if words else None, now=now)


# ---- what it does to shipments, and orders to it

STOPPING = """
select c.order_id, c.state, c.appeal from {rows}
left join callings_off c on c.order_id = r.id and c.merchant || '' = :merchant and c.state in ('wanted', 'asked', 'waived')
"""


def stopping(db: Connection, merchant: str, orders: Iterable[str]) -> tuple[set[str], set[str]]:
    """Those of these orders that are being called off, and those whose buyers' wish stops nothing any more. The orders are locked."""
    rows = [{"id": id} for id in sorted(set(orders))]
    found = [row for row in (run_set(db, STOPPING, ID, rows, merchant=merchant) if rows else ()) if row.order_id is not None]
    off = {row.order_id for row in found if row.state in OPEN and (not row.appeal or _answer.decode(row.appeal).agree)}
    return off, {row.order_id for row in found if row.state == CallingState.WAIVED}


LEFT = "select 1 from order_lines where order_id = :order and merchant || '' = :merchant and sent > 0 limit 1"


def has_left(db: Connection, merchant: str, order: str) -> bool:
    """We sent something of it."""
    return run(db, LEFT, order=order, merchant=merchant).first() is not None


THESE = """(select c.id from {rows} left join callings_off c
  on c.order_id = r.id and c.merchant || '' = :merchant and c.state in STATES {fence})"""
CANCELLED = f"""
update callings_off set state = case when state = 'refused' then state else 'done' end, ended_at = coalesce(ended_at, :now)
where id in {THESE.replace("STATES", "('wanted', 'asked', 'stands', 'refused')")} returning order_id
"""
NOT_WISHED = f"""
update callings_off set state = 'done', ended_at = :now where id in {THESE.replace("STATES", "('waived')")}
"""


def cancelled(db: Connection, merchant: str, orders: Iterable[str], now: int) -> set[str]:
    """These orders came back cancelled. Gives those that somebody had called off."""
    rows = [{"id": id} for id in sorted(set(orders))]
    return {row.order_id for row in run_set(db, CANCELLED, ID, rows, merchant=merchant, now=now)} if rows else set()


def not_wished(db: Connection, merchant: str, orders: Iterable[str], now: int) -> None:
    """The buyers of these orders wish nothing any more: what they are answered the next time is another answer."""
    if rows := [{"id": id} for id in sorted(set(orders))]:
        run_set(db, NOT_WISHED, ID, rows, merchant=merchant, now=now)


PARKED = """
select 1 from tasks where merchant = :merchant and kind = 'call_off_orders' and subject = :ref and state = 'parked' limit 1
"""


def is_parked(db: Connection, merchant: str, ref: str) -> bool:
    """Nobody works on it until a person says so."""
    return run(db, PARKED, merchant=merchant, ref=ref).first() is not None
