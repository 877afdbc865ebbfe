"""What the guide to going live asks."""

from typing import Any

import msgspec
from sqlalchemy import Connection

from core.store.sql import run

MANY = 1001
COUNTED = f"select count(*) from (select 1 from levels where merchant = :merchant and sku > '' limit {MANY}) few"
DIFFERENCES = """
select m.connection, m.at, m.cursor from connections
join marks m on m.connection = connections.id and m.name = 'difference' where connections.merchant = :merchant
"""


def counted(db: Connection, merchant: str) -> int:
    """How many shelves were counted, no further than MANY."""
    return int(run(db, COUNTED, merchant=merchant).scalar_one())


def differences(db: Connection, merchant: str) -> dict[str, tuple[int, dict[str, Any]]]:
    """By connection: when what would change there was asked for or worked out last, and what it came to."""
    return {
        row.connection: (row.at, msgspec.json.decode(row.cursor) if row.cursor else {})
        for row in run(db, DIFFERENCES, merchant=merchant)
    }  # fmt: skip
