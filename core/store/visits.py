"""Who comes in through a channel's own admin: found by the account that frames us and the channel's word for the person."""

from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection as Db

from core.store.sql import run


@dataclass(frozen=True, slots=True)
class Visit:
    """A connected account and, where they were here before, the user and their role ("" where they are no member any more). `needs` says
    that its login is lost and may be asked for anew."""

    connection: str
    merchant: str
    needs: bool
    settings: dict[str, Any]
    user: str | None
    name: str
    locale: str
    role: str
    disabled: bool


LOOK = """
select c.id, c.merchant, c.state = 'needs_login' and c.blocked_until <= :now as needs, m.settings,
  u.id as user_id, u.name, u.locale, u.disabled_at, b.role
from connections c join merchants m on m.id = c.merchant
left join users u on u.subject = :subject left join members b on b.merchant = c.merchant and b.user_id = u.id
where c.channel = :channel and c.account = :account
"""


def look(db: Db, channel: str, account: str, subject: str, now: int) -> Visit | None:
    """None where nobody connected the account yet."""
    row = run(db, LOOK, channel=channel, account=account, subject=subject, now=now).first()
    if row is None:
        return None
    settings = msgspec.json.decode(row.settings, type=dict[str, Any])
    return Visit(
        row.id, row.merchant, bool(row.needs), settings, row.user_id, row.name or "", row.locale or "", row.role or "",
        row.disabled_at is not None,
    )  # fmt: skip


ADD_USER = """
insert into users (id, subject, name, locale, data_key, created_at) values (:id, :subject, :name, :locale, :data_key, :now)
on conflict (subject) do nothing
"""
ADD_MEMBER = """
insert into members (merchant, user_id, role, created_at) select :merchant, id, :role, :now from users where subject = :subject
on conflict (merchant, user_id) do nothing
"""


def add_user(db: Db, id: str, subject: str, name: str, locale: str, data_key: str, now: int) -> None:
    """A person whom a channel vouches for: no password, no address. One who is known stays as they are."""
    run(db, ADD_USER, id=id, subject=subject, name=name, locale=locale or None, data_key=data_key, now=now)


def add_member(db: Db, merchant: str, subject: str, role: str, now: int) -> None:
    run(db, ADD_MEMBER, merchant=merchant, subject=subject, role=role, now=now)


def has_members(db: Db, merchant: str) -> bool:
    return run(db, "select 1 from members where merchant = :merchant limit 1", merchant=merchant).first() is not None


def lock(db: Db, channel: str, account: str) -> None:
    """One at a time settles an account, over all processes; until the transaction ends."""
    if db.dialect.name == "postgresql":
        run(db, "select pg_advisory_xact_lock(hashtextextended(:name, 0))", name=f"account:{channel}/{account}")


def name_of(db: Db, user: str) -> str:
    row = run(db, "select name from users where id = :user", user=user).first()
    return row.name if row else ""
