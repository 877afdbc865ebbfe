"""What was raised, told and cleared; whom it is told to; and the letters that tell it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection

from core.domain.alerts import Alert, Choice, choice, kept
from core.store.sql import run, run_set

OPEN = "select id, cause, subject, body, told_at from alerts where merchant = :merchant and cleared_at is null"
RAISED = {"cause": "text", "subject": "text", "body": "text"}
RAISE = """
insert into alerts (merchant, cause, subject, body, raised_at) select :merchant, r.cause, r.subject, r.body, :now from {rows} where true
on conflict (merchant, cause, subject) where cleared_at is null do nothing
"""
CLEAR = "update alerts set cleared_at = :now where id in (select r.id from {rows}) and cleared_at is null"
TOLD = "update alerts set told_at = :now where id in (select r.id from {rows}) and told_at is null"
ID = {"id": "bigint"}
NEWEST = """
select id, cause, subject, body, raised_at, told_at, cleared_at from alerts
where merchant = :merchant and id > 0 order by id desc limit :most
"""
MEMORY = 500  # of how many alerts it is remembered when their causes were told


def open_of(db: Connection, merchant: str) -> dict[tuple[str, str], Alert]:
    return {(row.cause, row.subject): _alert(row) for row in run(db, OPEN, merchant=merchant)}


def _alert(row: Any) -> Alert:
    body = msgspec.json.decode(row.body)
    return Alert(row.cause, row.subject, body.get("name", ""), body.get("detail", ""), row.id, row.told_at)


def raise_these(db: Connection, merchant: str, alerts: Iterable[Alert], now: int) -> None:
    """Write them down; one that is open already stays as it is."""
    rows = [{"cause": one.cause, "subject": one.subject, "body": _body(one)} for one in alerts]
    if rows:
        run_set(db, RAISE, RAISED, rows, merchant=merchant, now=now)


def _body(one: Alert) -> str:
    return msgspec.json.encode({"name": one.name, "detail": one.detail}).decode()


def clear(db: Connection, alerts: Iterable[Alert], now: int) -> None:
    """For the sweeper: these, read as a merchant's open ones, are over."""
    _all(db, CLEAR, alerts, now)


def told(db: Connection, alerts: Iterable[Alert], now: int) -> None:
    """For the sweeper: these, read as a merchant's open ones, were told."""
    _all(db, TOLD, alerts, now)


def _all(db: Connection, statement: str, alerts: Iterable[Alert], now: int) -> None:
    """For the sweeper."""
    if rows := [{"id": one.id} for one in alerts]:
        run_set(db, statement, ID, rows, now=now)


def newest(db: Connection, merchant: str, most: int = 50) -> list[Any]:
    """{id, cause, subject, body, raised_at, told_at, cleared_at}, the newest first."""
    return list(run(db, NEWEST, merchant=merchant, most=most))


def last_told(db: Connection, merchant: str) -> dict[str, int]:
    """When each cause was told last."""
    found: dict[str, int] = {}
    for row in newest(db, merchant, MEMORY):
        found[row.cause] = max(found.get(row.cause, 0), row.told_at or 0)
    return found


PAYMENTS = "select r.id, o.doc from {rows} left join orders o on o.id = r.id and o.merchant || '' = :merchant"


def payments(db: Connection, merchant: str, ids: Sequence[str]) -> dict[str, str]:
    """How these orders (by our ids) are paid, as their documents say."""
    rows = [{"id": id} for id in sorted(set(ids))]
    found = run_set(db, PAYMENTS, {"id": "text"}, rows, merchant=merchant) if rows else ()
    return {row.id: msgspec.json.decode(row.doc, type=Paid).payment_status for row in found if row.doc is not None}


class Paid(msgspec.Struct):
    payment_status: str


# ---- whom

MEMBERS = """
select m.user_id, m.role, m.alerts, u.email, u.locale from members m join users u on u.id = m.user_id
where m.merchant = :merchant and m.user_id > '' and u.disabled_at is null
"""
MEMBER = MEMBERS + " and m.user_id = :user"
CHOOSE = "update members set alerts = :alerts where merchant = :merchant and user_id = :user"


@dataclass(frozen=True, slots=True)
class Member:
    user: str
    role: str
    email: str | None
    locale: str
    choice: Choice


def _member(row: Any) -> Member:
    return Member(row.user_id, row.role, row.email, row.locale or "", choice(msgspec.json.decode(row.alerts), row.role))


def members(db: Connection, merchant: str) -> list[Member]:
    return [_member(row) for row in run(db, MEMBERS, merchant=merchant)]


def member(db: Connection, merchant: str, user: str) -> Member | None:
    row = run(db, MEMBER, merchant=merchant, user=user).first()
    return _member(row) if row else None


def choose(db: Connection, merchant: str, user: str, one: Choice) -> bool:
    """False where this user is no member."""
    return run(db, CHOOSE, merchant=merchant, user=user, alerts=msgspec.json.encode(kept(one)).decode()).rowcount == 1


def merchant_of(db: Connection, merchant: str) -> tuple[str, str]:
    """(name, zone)."""
    row = run(db, "select name, settings from merchants where id = :merchant", merchant=merchant).one()
    return row.name, str(msgspec.json.decode(row.settings).get("zone", ""))


# ---- letters

LETTER = {"id": "text", "user_id": "text", "way": "text", "about": "text", "title": "text", "body": "text"}
WRITE = """
insert into letters (id, merchant, user_id, way, about, title, body, at)
select r.id, :merchant, r.user_id, r.way, r.about, r.title, r.body, :now from {rows}
"""
ONE = "select id, user_id, way, about, title, body, at, sent_at, outcome from letters where id = :id and merchant = :merchant"
MINE = """
select id, user_id, way, about, title, body, at, sent_at, outcome from letters
where merchant = :merchant and user_id = :user and at > 0 order by at desc limit :most
"""
SENT = "update letters set sent_at = :now, outcome = :outcome where id = :id and merchant = :merchant"
# A day's digest is written once, whoever comes first.
DAY = """
insert into schedules (name, slot) values (:name, :day) on conflict (name) do update set slot = excluded.slot
where schedules.slot < excluded.slot
"""


def write(db: Connection, merchant: str, letters: Sequence[Mapping[str, str]], now: int) -> None:
    """{id, user_id, way, about, title, body}: they are to be sent."""
    if letters:
        run_set(db, WRITE, LETTER, letters, merchant=merchant, now=now)


def letter(db: Connection, merchant: str, id: str) -> Any:
    return run(db, ONE, merchant=merchant, id=id).first()


def letters_to(db: Connection, merchant: str, user: str, most: int = 20) -> list[Any]:
    return list(run(db, MINE, merchant=merchant, user=user, most=most))


def sent(db: Connection, merchant: str, id: str, outcome: str, now: int) -> None:
    run(db, SENT, merchant=merchant, id=id, outcome=outcome, now=now)


def is_first_of(db: Connection, merchant: str, day: int) -> bool:
    """Whether nobody wrote this day's digest."""
    return run(db, DAY, name=f"digest {merchant}", day=day).rowcount == 1


def prune(db: Connection, before: int) -> None:
    """For the sweeper: forget what was told long ago."""
    run(db, "delete from letters where at < :before", before=before)
    run(db, "delete from alerts where cleared_at < :before", before=before)
