"""How long it took of late from a sale to whoever had to know of it."""

from typing import Any

from sqlalchemy import Connection

from core.store.sql import run

SHOWS_AFTER = "shows after"  # a mark whose moment is a duration: how long a channel takes to show what it accepted
TOLD = """
select u.connection, u.told_at - u.since as lag from pushes u
where u.merchant = :merchant and u.asked_at >= :after and u.since is not null and u.told in ('shown', 'accepted')
order by u.asked_at desc limit :most
"""
HEARD = """
select o.connection, o.taken_at - o.placed_at as lag from orders o
where o.merchant = :merchant and o.placed_at >= :after and not o.history order by o.placed_at desc limit :most
"""
OWN = "select connection, at as lag from marks where merchant = :merchant and name = :name"
MOST = 5_000


def told(db: Connection, merchant: str, after: int, most: int = MOST) -> list[Any]:
    """(connection, microseconds from a sale elsewhere until it was told), of the newest."""
    return list(run(db, TOLD, merchant=merchant, after=after, most=most))


def heard(db: Connection, merchant: str, after: int, most: int = MOST) -> list[Any]:
    """(connection, microseconds from a sale there until it was known here), of the newest."""
    return list(run(db, HEARD, merchant=merchant, after=after, most=most))


def own(db: Connection, merchant: str) -> dict[str, int]:
    """By connection, microseconds that it takes to show what it accepted."""
    return {row.connection: row.lag for row in run(db, OWN, merchant=merchant, name=SHOWS_AFTER)}


# A listing that is stocked at several places is one listing.
SELLERS = """
select min(g.id) as id, g.connection, g.listing, g.sku from listing_parts q join listings g on g.id = q.listing_id
where q.merchant = :merchant and q.sku = :sku group by g.connection, g.listing, g.sku
"""


def sellers(db: Connection, merchant: str, sku: str) -> list[Any]:
    """{id, connection, listing, sku} of the listings that consume a SKU."""
    return list(run(db, SELLERS, merchant=merchant, sku=sku))
