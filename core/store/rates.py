"""The day's rates between currencies, as the merchant or a ledger gave them."""

from datetime import date
from decimal import Decimal

from sqlalchemy import Connection

from core.store.sql import run

ON = """
select rate from day_rates where merchant = :merchant and currency = :currency and base = :base and day <= :day order by day desc limit 1
"""


def on(db: Connection, merchant: str, currency: str, base: str, day: date) -> Decimal | None:
    """Units of `base` for one of `currency` on that day, or on the last one before it; None where nobody gave any."""
    found = run(db, ON, merchant=merchant, currency=currency, base=base, day=day.isoformat()).scalar()
    return Decimal(found) if found is not None else None
