"""Payouts, what they hold, and what is told to come."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection

from core.domain.gateways import Origin
from core.domain.money import Money
from core.domain.payouts import Movement, Paid, Payout
from core.store.sql import run, run_set
from core.store.tables import us, when

_movement = msgspec.json.Decoder(Movement)


def movement_of(text: str) -> Movement:
    """A line as it is kept."""
    return _movement.decode(text)


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
    statement says, where somebody looked; `gateway` whose money it is, where that is not the channel's own; `deposit` the line of the
    bank's statement that holds it beside others."""

    id: str
    connection: str
    payout: Payout
    cursor: str | None
    read_at: int | None
    booked_at: int | None
    findings: Sequence[dict[str, Any]]
    banked: Money | None
    gateway: str = ""
    origin: Origin = Origin.FEED
    deposit: str | None = None


FIELDS = """p.id, p.connection, p.channel_id, p.state, p.at, p.currency, p.amount, p.began, p.ended, p.deposit, p.deposit_currency,
  p.number, p.handle, p.words, p.cursor, p.read_at, p.booked_at, p.findings, p.banked, p.gateway, p.origin, p.in_deposit"""
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


def known_of(row: Any) -> Known:
    """A row of FIELDS."""
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
    own = row.gateway, Origin(row.origin), row.in_deposit
    return Known(row.id, row.connection, payout, row.cursor, row.read_at, row.booked_at, findings, banked, *own)


TO_DO = f"""
select {FIELDS} from payouts p where p.connection = :connection and p.merchant || '' = :merchant and p.booked_at is null
order by p.at, p.id
"""
ONE = f"select {FIELDS} from payouts p where p.id = :id and p.merchant || '' = :merchant"
SOME = f"select {FIELDS} from {{rows}} left join payouts p on p.id = r.id where p.merchant || '' = :merchant order by p.at, p.id"
LISTED = f"select {FIELDS} from payouts p where p.merchant = :merchant and p.at < :before order by p.at desc, p.id desc limit :most"


def to_do(db: Connection, merchant: str, connection: str) -> list[Known]:
    """Those that are still to be read or booked, the oldest first."""
    return [known_of(row) for row in run(db, TO_DO, merchant=merchant, connection=connection)]


def one(db: Connection, merchant: str, id: str) -> Known | None:
    row = run(db, ONE, merchant=merchant, id=id).first()
    return known_of(row) if row else None


def lock(db: Connection, merchant: str, id: str) -> None:
    """Whoever books it next waits until this is over."""
    run(db, LOCK, merchant=merchant, id=id)


def some(db: Connection, merchant: str, ids: Iterable[str]) -> list[Known]:
    """Those of these that are the merchant's."""
    return [known_of(row) for row in run_set(db, SOME, {"id": "text"}, [{"id": one} for one in sorted(set(ids))], merchant=merchant)]


def listed(db: Connection, merchant: str, before: int, most: int = 50) -> list[Known]:
    """The newest ones sent before then."""
    return [known_of(row) for row in run(db, LISTED, merchant=merchant, before=before, most=most)]


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


# A refund that was told once is not forgotten before it came: from then on it may be too old to be told again.
FORGET = """
delete from payout_lines where merchant = :merchant and connection = :connection and payout = ''
  and (occasion <> 'refund' or order_id is null or at >= :since or exists (
    select 1 from payout_lines p where p.connection = payout_lines.connection and p.order_id = payout_lines.order_id and p.payout <> ''
      and p.occasion = 'refund' and p.amount = payout_lines.amount and p.currency = payout_lines.currency))
"""


def forget(db: Connection, merchant: str, connection: str, since: int) -> None:
    """What was told to come is told anew from that moment on; older refunds stay until they came."""
    run(db, FORGET, merchant=merchant, connection=connection, since=since)


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
    return [movement_of(row.doc) for row in run(db, HELD, merchant=merchant, connection=connection, payout=payout)]


HELD_OF = """
select m.payout, m.doc from {rows} left join payout_lines m on m.merchant = r.merchant and m.connection = r.connection
  and m.payout = r.payout where m.doc is not null order by m.payout, m.n, m.channel_id
"""


def held_of(db: Connection, merchant: str, connection: str, ids: Iterable[str]) -> dict[str, list[Movement]]:
    """The same of several payouts, by the channel's ids."""
    rows = [{"connection": connection, "payout": one} for one in sorted(set(ids))]
    found: dict[str, list[Movement]] = {}
    for row in run_set(db, HELD_OF, {"connection": "text", "payout": "text"}, rows, merchant=merchant):
        found.setdefault(row.payout, []).append(movement_of(row.doc))
    return found


def told_before(db: Connection, merchant: str, connection: str, orders: Iterable[str]) -> list[Movement]:
    """What was told to come of these orders."""
    rows = [{"order_id": one} for one in sorted(set(orders))]
    found = run_set(db, OF_ORDERS, {"order_id": "text"}, rows, merchant=merchant, connection=connection, payout="")
    return [movement_of(row.doc) for row in found]


REFUNDS_OF = """
select r.connection, r.order_id, m.payout, m.doc from {rows}
left join payout_lines m on m.connection = r.connection and m.order_id = r.order_id
where m.merchant || '' = :merchant and m.occasion = 'refund' order by m.payout, m.n
"""
Refunded = tuple[list[Movement], list[Movement]]  # as payouts hold it, and as it is told to come


def refunds_of(db: Connection, merchant: str, refs: Iterable[str]) -> dict[str, Refunded]:
    """By ref, what was given back of the money of these orders."""
    rows = [dict(zip(("connection", "order_id"), ref.split("/", 1), strict=True)) for ref in sorted(set(refs))]
    found: dict[str, Refunded] = {}
    for row in run_set(db, REFUNDS_OF, {"connection": "text", "order_id": "text"}, rows, merchant=merchant):
        paid, told = found.setdefault(f"{row.connection}/{row.order_id}", ([], []))
        (paid if row.payout else told).append(movement_of(row.doc))
    return found


PAGE_READ = "update payouts set cursor = :cursor where id = :id"
READ = "update payouts set cursor = null, read_at = :now where id = :id"
BOOKED = """
update payouts set booked_at = :now, findings = r.findings from {rows} where payouts.id = r.id
"""
LOCK = "select o.id from payouts o where o.id = :id and o.merchant || '' = :merchant {lock}"
BANKED = """
update payouts set banked = :amount, booked_at = null where id = :id and merchant || '' = :merchant and in_deposit is null
"""


def page_read(db: Connection, id: str, cursor: str | None, now: int) -> None:
    """A page of it is here; without a cursor that was the last."""
    run(db, PAGE_READ if cursor else READ, id=id, **({"cursor": cursor} if cursor else {"now": now}))


def book(db: Connection, found: Mapping[str, Sequence[dict[str, Any]]], now: int) -> None:
    """These are booked as they stand; each with what was found beside."""
    rows = [{"id": id, "findings": msgspec.json.encode(findings).decode()} for id, findings in found.items()]
    run_set(db, BOOKED, {"id": "text", "findings": "text"}, rows, now=now)


def bank(db: Connection, merchant: str, id: str, amount: int | None) -> bool:
    """What the bank's statement says of it, which is to be booked; False: it lies in a deposit with others."""
    return run(db, BANKED, merchant=merchant, id=id, amount=amount).rowcount > 0


COUNT = "select count(*) from payout_lines m where m.merchant = :merchant and m.connection = :connection and m.payout = :payout"


LOSSES = """
select p.id, p.connection from payouts p where p.merchant = :merchant and exists (select 1 from payout_lines m
  where m.merchant = p.merchant and m.connection = p.connection and m.payout = p.channel_id and m.occasion = 'reimbursement')
"""


def with_losses(db: Connection, merchant: str) -> list[tuple[str, str]]:
    """(id, connection) of payouts in which a channel paid for goods that it lost."""
    return [(row.id, row.connection) for row in run(db, LOSSES, merchant=merchant)]


def count(db: Connection, merchant: str, connection: str, payout: str) -> int:
    """How many lines of it are here."""
    return int(run(db, COUNT, merchant=merchant, connection=connection, payout=payout).scalar_one())


# ---- what no feed tells

BROUGHT = {**SEEN, "gateway": "text", "origin": "text"}
BRING = """
insert into payouts (id, merchant, connection, channel_id, state, at, currency, amount, began, ended, number, handle, gateway, origin,
  seen_at, read_at)
select r.id, :merchant, :connection, r.channel_id, r.state, r.at, r.currency, r.amount, r.began, r.ended, r.number, r.handle, r.gateway,
  r.origin, :now, :now from {rows} where true
on conflict (connection, channel_id) do update set state = excluded.state, at = excluded.at, currency = excluded.currency,
  amount = excluded.amount, began = excluded.began, ended = excluded.ended, number = excluded.number, handle = excluded.handle,
  seen_at = :now, read_at = :now, booked_at = null, cursor = null
returning id, channel_id
"""
BY_CHANNEL = f"""
select {FIELDS} from {{rows}} left join payouts p on p.connection = :connection and p.channel_id = r.channel_id
where p.merchant || '' = :merchant
"""
BROUGHT_IN = f"""
select {FIELDS} from payouts p where p.merchant = :merchant and p.at < :before and p.origin <> 'feed' order by p.at desc, p.id desc
limit :most
"""
DROP = """
update payouts set state = 'cancelled', booked_at = null, banked = null where id = :id and merchant || '' = :merchant
  and origin <> 'feed' and in_deposit is null
"""
KNOWS = """
select 1 from items i where i.merchant = :merchant and i.connection = :connection and i.gateway = :gateway limit 1
"""
CALLED = {"name": "text"}
BY_ID = """
select r.name, o.channel_id from {rows} left join orders o on o.connection = :connection and o.channel_id = r.name
where o.merchant || '' = :merchant
"""
BY_NAME = """
select r.name, o.channel_id from {rows} left join orders o on o.merchant = r.merchant and o.name = r.name
where o.connection = :connection
"""


def bring(
    db: Connection, merchant: str, connection: str, gateway: str, origin: Origin, found: Iterable[tuple[str, Payout]], now: int
) -> dict[str, str]:
    """(an id for one that is new, the payout): it is read whole, and to be booked; ours by the channel's ids. Never one of a feed's."""
    rows = [{**_row(id, one), "gateway": gateway, "origin": origin} for id, one in sorted(found, key=lambda each: each[1].id)]
    made = run_set(db, BRING, BROUGHT, rows, merchant=merchant, connection=connection, now=now)
    return {row.channel_id: row.id for row in made}


def by_channel(db: Connection, merchant: str, connection: str, ids: Iterable[str]) -> dict[str, Known]:
    """Those of these that are here, by the channel's ids."""
    rows = [{"channel_id": one} for one in sorted(set(ids))]
    found = run_set(db, BY_CHANNEL, {"channel_id": "text"}, rows, merchant=merchant, connection=connection)
    return {row.channel_id: known_of(row) for row in found}


def brought_in(db: Connection, merchant: str, before: int, most: int = 50) -> list[Known]:
    """The newest ones that no feed told."""
    return [known_of(row) for row in run(db, BROUGHT_IN, merchant=merchant, before=before, most=most)]


def take_back(db: Connection, merchant: str, id: str) -> bool:
    """One that no feed told counts no more, and is to be booked as such; False: it is none, or lies in a deposit."""
    return run(db, DROP, merchant=merchant, id=id).rowcount > 0


def knows(db: Connection, merchant: str, connection: str, gateway: str) -> bool:
    """Whether money of this gateway ever stood in clearing."""
    return run(db, KNOWS, merchant=merchant, connection=connection, gateway=gateway).first() is not None


def called(db: Connection, merchant: str, connection: str, names: Iterable[str]) -> dict[str, str]:
    """The channel's id of each order that somebody wrote by it, or by its name, with or without the sign before it, where one alone is
    called so."""
    wanted = sorted(set(names))
    ids = run_set(db, BY_ID, CALLED, [{"name": one} for one in wanted], merchant=merchant, connection=connection).all()
    found = {row.name: row.channel_id for row in ids}
    rest = [{"name": name} for one in wanted if one not in found for name in (one, f"#{one}")]
    by_name: dict[str, set[str]] = {}
    for row in run_set(db, BY_NAME, CALLED, rest, merchant=merchant, connection=connection) if rest else ():
        by_name.setdefault(row.name, set()).add(row.channel_id)
    sure = {name: min(ids) for name, ids in by_name.items() if len(ids) == 1}
    return found | {one: sure.get(one) or sure[f"#{one}"] for one in wanted if one not in found and (one in sure or f"#{one}" in sure)}
