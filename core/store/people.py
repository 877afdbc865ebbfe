"""Users, whom they work for and as what, and invitations. A user may belong to several merchants; e-mail addresses are in small letters."""

from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection

from core.domain.roles import Role
from core.store.sql import run


@dataclass(frozen=True, slots=True, repr=False)
class User:
    """`password` is its argon2 hash, `totp` the sealed second factor, `data_key` wrapped."""

    id: str
    email: str | None
    name: str
    data_key: str
    password: str | None
    totp: str | None
    totp_step: int
    locale: str | None
    created_at: int
    disabled_at: int | None

    def __repr__(self) -> str:
        return f"User({self.id})"


FIELDS = "id, email, name, data_key, password, totp, totp_step, locale, created_at, disabled_at"
ADD = """
insert into users (id, email, name, data_key, password, created_at) values (:id, :email, :name, :data_key, :password, :now)
on conflict (email) do nothing
"""


def _user(row: Any) -> User | None:
    return User(**row._mapping) if row else None


def lock_first(db: Connection) -> None:
    """Only one makes the first owner; until the transaction ends."""
    if db.dialect.name == "postgresql":
        run(db, "select pg_advisory_xact_lock(hashtextextended('first owner', 0))")


def add_user(db: Connection, id: str, email: str, name: str, data_key: str, now: int, password: str | None = None) -> bool:
    """False where somebody has that address."""
    return run(db, ADD, id=id, email=email, name=name, data_key=data_key, password=password, now=now).rowcount == 1


def is_empty(db: Connection) -> bool:
    """Nobody can sign in yet."""
    return run(db, "select 1 from users limit 1").first() is None


def by_email(db: Connection, email: str) -> User | None:
    return _user(run(db, f"select {FIELDS} from users where email = :email", email=email).first())


def get(db: Connection, id: str) -> User | None:
    return _user(run(db, f"select {FIELDS} from users where id = :id", id=id).first())


def set_password(db: Connection, id: str, password: str, was: str | None) -> bool:
    """False where it is not as it was: somebody set another meanwhile."""
    statement = "update users set password = :password where id = :id and coalesce(password, '') = :was"
    return run(db, statement, id=id, password=password, was=was or "").rowcount == 1


def set_totp(db: Connection, id: str, totp: str | None, was: str | None) -> bool:
    """Put on, or taken off, a second factor; False where it is not as it was."""
    statement = "update users set totp = :totp where id = :id and coalesce(totp, '') = :was"
    return run(db, statement, id=id, totp=totp, was=was or "").rowcount == 1


def use_step(db: Connection, id: str, step: int) -> bool:
    """A code works once: False where this step, or a later one, was used."""
    return run(db, "update users set totp_step = :step where id = :id and totp_step < :step", id=id, step=step).rowcount == 1


def set_own(db: Connection, id: str, name: str, locale: str | None) -> None:
    run(db, "update users set name = :name, locale = :locale where id = :id", id=id, name=name, locale=locale)


def disable(db: Connection, id: str, at: int | None) -> None:
    """Shut somebody out, everywhere; None: let them in again."""
    run(db, "update users set disabled_at = :at where id = :id", id=id, at=at)


# ---- whom they work for

JOIN = """
insert into members (merchant, user_id, role, created_at) values (:merchant, :user, :role, :now)
on conflict (merchant, user_id) do update set role = excluded.role
"""
STAFF = """
select u.id, u.email, u.name, u.disabled_at, m.role, m.created_at from members m join users u on u.id = m.user_id
where m.merchant = :merchant order by m.created_at, u.id
"""
MERCHANTS = """
select h.id, h.name, m.role from members m join merchants h on h.id = m.merchant where m.user_id = :id order by m.created_at, h.id
"""


def join(db: Connection, merchant: str, user: str, role: Role, now: int) -> None:
    """Somebody works for this merchant; who does already gets the other role."""
    run(db, JOIN, merchant=merchant, user=user, role=role.value, now=now)


def staff(db: Connection, merchant: str) -> list[Any]:
    return list(run(db, STAFF, merchant=merchant))


def merchants_of(db: Connection, id: str) -> list[Any]:
    """The merchants that a person works for: (id, name, role), the one joined first at first."""
    return list(run(db, MERCHANTS, id=id))


def owners(db: Connection, merchant: str) -> list[str]:
    """Locked until the transaction ends: two of them could otherwise leave at once."""
    statement = "select o.user_id from members o where o.merchant = :merchant and o.role = 'owner' order by o.user_id {lock}"
    return [row.user_id for row in run(db, statement, merchant=merchant)]


def member(db: Connection, merchant: str, user: str) -> Any:
    """Somebody who works here: (role, called: their name, or else their address); None for anybody else."""
    statement = """select m.role, coalesce(nullif(u.name, ''), u.email, '') as called from members m join users u on u.id = m.user_id
      where m.merchant = :merchant and m.user_id = :user"""
    return run(db, statement, merchant=merchant, user=user).first()


def leave(db: Connection, merchant: str, user: str) -> None:
    run(db, "delete from members where merchant = :merchant and user_id = :user", merchant=merchant, user=user)


def everyone(db: Connection) -> list[Any]:
    """For the sweeper, and whoever has the command line: every user with each merchant that they work for."""
    statement = """select u.id, u.email, u.subject, u.name, u.disabled_at, u.password is not null as has_password,
      u.totp is not null as has_code, m.role, h.name as merchant_name, h.id as merchant
      from users u left join members m on m.user_id = u.id left join merchants h on h.id = m.merchant order by u.created_at, u.id, h.id"""
    return list(run(db, statement))


# ---- invitations

INVITE = """
insert into invitations (id, merchant, email, role, token, invited_by, created_at, until)
values (:id, :merchant, :email, :role, :token, :by, :now, :until)
"""
INVITED = """
select i.id, i.merchant, i.email, i.role, i.until, h.name as merchant_name from invitations i join merchants h on h.id = i.merchant
where i.token = :id and i.accepted_at is null and i.until > :now
"""
OPEN = """
select id, email, role, created_at, until from invitations
where merchant = :merchant and accepted_at is null and until > :now order by created_at desc, id
"""
ACCEPT = "update invitations set accepted_at = :now where id = :id and accepted_at is null and until > :now"


def invite(db: Connection, merchant: str, id: str, email: str, role: Role, token: str, by: str, now: int, until: int) -> None:
    """`token` is the hash of what the link holds. An older invitation of theirs that is open holds no more."""
    run(db, "delete from invitations where merchant = :merchant and email = :email and accepted_at is null", merchant=merchant, email=email)
    run(db, INVITE, id=id, merchant=merchant, email=email, role=role.value, token=token, by=by, now=now, until=until)


def invited(db: Connection, id: str, now: int) -> Any:
    """The open invitation with this token's hash, with the merchant's name; None where there is none, or no more."""
    return run(db, INVITED, id=id, now=now).first()


def open_invitations(db: Connection, merchant: str, now: int) -> list[Any]:
    return list(run(db, OPEN, merchant=merchant, now=now))


def accept(db: Connection, id: str, now: int) -> bool:
    """Once: False where somebody was faster, or it is too late."""
    return run(db, ACCEPT, id=id, now=now).rowcount == 1


def withdraw(db: Connection, merchant: str, id: str) -> str | None:
    """The address that was invited; None where no such invitation is open."""
    statement = "delete from invitations where merchant = :merchant and id = :id and accepted_at is null returning email"
    row = run(db, statement, merchant=merchant, id=id).first()
    return str(row.email) if row else None


# ---- what a merchant chose


def settings(db: Connection, merchant: str) -> tuple[str, dict[str, Any]]:
    """Its name, and its settings: zone, locale and what else there is."""
    row = run(db, "select name, settings from merchants where id = :merchant", merchant=merchant).one()
    return row.name, msgspec.json.decode(row.settings)


def set_settings(db: Connection, merchant: str, name: str, **chosen: str) -> None:
    """The merchant's name and these settings; others stay."""
    choose(db, merchant, **chosen)
    run(db, "update merchants set name = :name where id = :merchant", merchant=merchant, name=name)


def choose(db: Connection, merchant: str, **chosen: Any) -> None:
    """These settings of a merchant's, as JSON writes them; others stay."""
    lock = "select o.settings from merchants o where o.id = :merchant {lock}"
    known = msgspec.json.decode(run(db, lock, merchant=merchant).scalar_one())
    text = msgspec.json.encode({**known, **chosen}).decode()
    run(db, "update merchants set settings = :settings where id = :merchant", merchant=merchant, settings=text)
