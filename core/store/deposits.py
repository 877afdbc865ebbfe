"""Lines of the bank's statement that hold one payout or several."""

from collections.abc import Iterable
from datetime import date

from sqlalchemy import Connection

from core.domain.deposits import Deposit
from core.domain.money import Money
from core.domain.who import Who
from core.store.payouts import FIELDS, Known, known_of
from core.store.sql import run, run_set

ADD = """
insert into deposits (id, merchant, day, currency, amount, words, at, who, name)
values (:id, :merchant, :day, :currency, :amount, :words, :now, :who, :name) on conflict (id) do nothing
"""
HOLD = """
update payouts set in_deposit = :deposit, banked = null where id in (select r.id from {rows}) and merchant || '' = :merchant
  and in_deposit is null
"""
LET_GO = "update payouts set in_deposit = null where merchant = :merchant and in_deposit = :deposit"
LOCK = "select o.id from deposits o where o.id = :id and o.merchant || '' = :merchant {lock}"
ONE = "select d.id, d.day, d.currency, d.amount, d.words from deposits d where d.id = :id and d.merchant || '' = :merchant"
DROP = "delete from deposits where id = :id and merchant || '' = :merchant"
LISTED = """
select d.id, d.day, d.currency, d.amount, d.words from deposits d where d.merchant = :merchant and d.day <= :until
order by d.day desc, d.id desc limit :most
"""
HELD = f"""
select {FIELDS} from {{rows}} left join payouts p on p.merchant = r.merchant and p.in_deposit = r.deposit
where p.id is not null order by p.at, p.id
"""
FREE = f"""
select {FIELDS} from payouts p where p.merchant = :merchant and p.at >= :since and p.in_deposit is null and p.banked is null
  and p.state in ('scheduled', 'on_its_way', 'paid') order by p.at desc, p.id desc limit :most
"""


def add(db: Connection, merchant: str, one: Deposit, who: Who, now: int) -> bool:
    """False: it is here already."""
    made = run(
        db, ADD, merchant=merchant, id=one.id, day=one.day.isoformat(), currency=one.amount.currency, amount=one.amount.minor,
        words=one.words, now=now, who=who.id, name=who.name,
    )  # fmt: skip
    return made.rowcount > 0


def hold(db: Connection, merchant: str, deposit: str, payouts: Iterable[str]) -> int:
    """These payouts came in it; gives of how many that can be said: those that lie in another one are left."""
    rows = [{"id": one} for one in sorted(set(payouts))]
    return run_set(db, HOLD, {"id": "text"}, rows, merchant=merchant, deposit=deposit).rowcount


def drop(db: Connection, merchant: str, id: str) -> None:
    """It was none."""
    run(db, LET_GO, merchant=merchant, deposit=id)
    run(db, DROP, merchant=merchant, id=id)


def one(db: Connection, merchant: str, id: str, *, lock: bool = False) -> Deposit | None:
    """With `lock` whoever books it next waits until this is over."""
    if lock:
        run(db, LOCK, merchant=merchant, id=id)
    row = run(db, ONE, merchant=merchant, id=id).first()
    return Deposit(row.id, date.fromisoformat(row.day), Money(row.amount, row.currency), row.words) if row else None


def listed(db: Connection, merchant: str, until: str = "9999", most: int = 50) -> list[Deposit]:
    """The newest ones up to a day, as 2026-11-20."""
    found = run(db, LISTED, merchant=merchant, until=until, most=most)
    return [Deposit(row.id, date.fromisoformat(row.day), Money(row.amount, row.currency), row.words) for row in found]


def held(db: Connection, merchant: str, deposits: Iterable[str]) -> dict[str, list[Known]]:
    """What each of these holds."""
    found: dict[str, list[Known]] = {}
    rows = [{"deposit": one} for one in sorted(set(deposits))]
    for row in run_set(db, HELD, {"deposit": "text"}, rows, merchant=merchant):
        found.setdefault(row.in_deposit, []).append(known_of(row))
    return found


def free(db: Connection, merchant: str, since: int, most: int) -> list[Known]:
    """Payouts that left since then and that nobody found on the bank's statement yet, the newest first."""
    return [known_of(row) for row in run(db, FREE, merchant=merchant, since=since, most=most)]
