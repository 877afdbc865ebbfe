"""Who is signed in, and who was refused how often. A session is known by the hash of what its cookie holds."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from core.store.sql import run, run_set

BEGIN = """
insert into sessions (id, user_id, merchant, created_at, seen_at, until, agent)
values (:id, :user, :merchant, :now, :now, :until, :agent)
"""
ASKS = """
select s.merchant, s.user_id, s.seen_at, u.name, u.email, u.locale, m.role, h.name as merchant_name, h.settings,
  (select count(*) from members n where n.user_id = s.user_id) as merchants
from sessions s join users u on u.id = s.user_id join members m on m.merchant = s.merchant and m.user_id = s.user_id
join merchants h on h.id = s.merchant
where s.id = :id and s.until > :now and s.seen_at > :idle and u.disabled_at is null
"""
OWN = "select id, created_at, seen_at, until, agent from sessions where user_id = :user and until > :now and seen_at > :idle"


def begin(db: Connection, id: str, user: str, merchant: str, now: int, until: int, agent: str) -> None:
    run(db, BEGIN, id=id, user=user, merchant=merchant, now=now, until=until, agent=agent)


def asks(db: Connection, id: str, now: int, idle: int) -> Any:
    """Whose session it is, with what a page wants to know of them; None where it has ended. `idle`: not used since."""
    return run(db, ASKS, id=id, now=now, idle=idle).first()


def seen(db: Connection, id: str, now: int) -> None:
    run(db, "update sessions set seen_at = :now where id = :id and seen_at < :now", id=id, now=now)


def own(db: Connection, user: str, now: int, idle: int) -> list[Any]:
    """A person's open sessions, the one used last first."""
    return list(run(db, OWN + " order by seen_at desc, id", user=user, now=now, idle=idle))


def switch(db: Connection, id: str, merchant: str) -> bool:
    """Another merchant of the same person's; False where they do not belong to it."""
    statement = """update sessions set merchant = :merchant where id = :id
      and exists (select 1 from members m where m.merchant = :merchant and m.user_id = sessions.user_id)"""
    return run(db, statement, id=id, merchant=merchant).rowcount == 1


def end(db: Connection, id: str, user: str) -> bool:
    return run(db, "delete from sessions where id = :id and user_id = :user", id=id, user=user).rowcount == 1


def end_all(db: Connection, user: str, but: str = "") -> None:
    run(db, "delete from sessions where user_id = :user and id <> :but", user=user, but=but)


def end_of_member(db: Connection, merchant: str, user: str) -> None:
    run(db, "delete from sessions where user_id = :user and merchant = :merchant", user=user, merchant=merchant)


def prune(db: Connection, now: int, idle: int) -> None:
    """For the sweeper: sessions that have ended."""
    run(db, "delete from sessions where until <= :now", now=now)
    run(db, "delete from sessions where seen_at <= :idle", idle=idle)


# ---- tries to sign in

TRY = """
insert into attempts (id, failed, at) select r.id, 1, :now from {rows} where true order by r.id
on conflict (id) do update set failed = case when attempts.at < :forgotten then 1 else attempts.failed + 1 end, at = :now
where attempts.until <= :now
returning id, failed
"""
UNTIL = "update attempts set until = r.until from {rows} where attempts.id = r.id"


def count_tries(db: Connection, ids: list[str], now: int, forgotten: int) -> dict[str, int]:
    """How often each was tried, this time included; those that must wait are left out."""
    return {row.id: row.failed for row in run_set(db, TRY, {"id": "text"}, [{"id": id} for id in ids], now=now, forgotten=forgotten)}


def hold_up(db: Connection, until: Mapping[str, int]) -> None:
    """Nothing is tried for these before then."""
    rows = [{"id": id, "until": moment} for id, moment in sorted(until.items())]
    if rows:
        run_set(db, UNTIL, {"id": "text", "until": "bigint"}, rows)


def waits(db: Connection, ids: list[str]) -> int:
    """Until when the last of them waits; 0 where none was ever tried."""
    statement = "select max(coalesce(a.until, 0)) from {rows} left join attempts a on a.id = r.id"
    return int(run_set(db, statement, {"id": "text"}, [{"id": id} for id in ids]).scalar_one() or 0)


def forgive(db: Connection, id: str) -> None:
    run(db, "delete from attempts where id = :id", id=id)


def give_back(db: Connection, id: str) -> None:
    """The last try was none that counts."""
    run(db, "update attempts set failed = failed - 1, until = 0 where id = :id and failed > 0", id=id)


def prune_tries(db: Connection, before: int) -> None:
    """For the sweeper: tries of long ago."""
    run(db, "delete from attempts where at < :before", before=before)
