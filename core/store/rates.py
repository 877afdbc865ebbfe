"""The day's rates, as the merchant gave them: units of a base currency for one of another."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import Connection

from core.domain.rates import Rate
from core.store.sql import run, run_set

GOOD_FOR = timedelta(days=6)  # banks name none on weekends and feasts: the last one before counts so long
ROW = {"day": "text", "currency": "text", "base": "text", "rate": "text"}
ON = """
select d.rate from day_rates d where d.merchant = :merchant and d.currency = :currency and d.base = :base and d.day <= :day
  and d.day >= :since order by d.day desc limit 1
"""
KEEP = """
insert into day_rates (merchant, day, currency, base, rate, source)
select :merchant, r.day, r.currency, r.base, r.rate, :source from {rows} where true
on conflict (merchant, currency, base, day) do update set rate = excluded.rate, source = excluded.source
"""
DROP = "delete from day_rates where merchant = :merchant and currency = :currency and base = :base and day = :day"
PAIRS = "select distinct d.currency, d.base from day_rates d where d.merchant = :merchant order by d.currency, d.base"
LISTED = """
select d.day, d.currency, d.base, d.rate, d.source from day_rates d
where d.merchant = :merchant and d.currency = :currency and d.base = :base and d.day < :before order by d.day desc limit :most
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """A rate, and where it comes from: a file's name; "": somebody typed it."""

    rate: Rate
    source: str


def on(db: Connection, merchant: str, currency: str, base: str, day: date) -> Decimal | None:
    """Units of `base` for one of `currency` on a day, or on the last day before it that has one, six days back at most; None: nobody gave
    one. Between a currency and itself it is one."""
    if currency == base:
        return Decimal(1)
    since = (day - GOOD_FOR).isoformat()
    row = run(db, ON, merchant=merchant, currency=currency, base=base, day=day.isoformat(), since=since).first()
    return Decimal(row.rate) if row else None


def keep(db: Connection, merchant: str, found: Iterable[Rate], source: str = "") -> None:
    """These are the rates of their days, whatever stood there before."""
    rows = {(one.currency, one.base, one.day): _row(one) for one in found}
    run_set(db, KEEP, ROW, [rows[name] for name in sorted(rows)], merchant=merchant, source=source)


def _row(one: Rate) -> dict[str, str]:
    return {"day": one.day.isoformat(), "currency": one.currency, "base": one.base, "rate": f"{one.rate:f}"}


def drop(db: Connection, merchant: str, currency: str, base: str, day: date) -> None:
    run(db, DROP, merchant=merchant, currency=currency, base=base, day=day.isoformat())


def pairs(db: Connection, merchant: str) -> list[tuple[str, str]]:
    """(currency, base) of which there is any."""
    return [(row.currency, row.base) for row in run(db, PAIRS, merchant=merchant)]


def listed(db: Connection, merchant: str, currency: str, base: str, before: str = "9999", most: int = 50) -> Sequence[Kept]:
    """The newest ones before a day, as 2026-11-20."""
    found = run(db, LISTED, merchant=merchant, currency=currency, base=base, before=before, most=most)
    return [Kept(Rate(date.fromisoformat(row.day), row.currency, row.base, Decimal(row.rate)), row.source) for row in found]
