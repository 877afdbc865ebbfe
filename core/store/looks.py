"""The pictures of merchants' pages for buyers: one each."""

from sqlalchemy import Connection

from core.store.sql import run

PUT = """
insert into looks (merchant, logo, at) values (:merchant, :logo, :now)
on conflict (merchant) do update set logo = excluded.logo, at = excluded.at
"""


def put(db: Connection, merchant: str, logo: bytes, now: int) -> None:
    run(db, PUT, merchant=merchant, logo=logo, now=now)


def drop(db: Connection, merchant: str) -> None:
    run(db, "delete from looks where merchant = :merchant", merchant=merchant)


def logo(db: Connection, merchant: str) -> bytes | None:
    found = run(db, "select logo from looks where merchant = :merchant", merchant=merchant).scalar()
    return None if found is None else bytes(found)


FOR_PAGE = """
select l.logo from parcels p join shipments s on s.id = p.shipment join looks l on l.merchant = p.merchant
where p.token = :token and s.state in ('labelled', 'sent')
"""


def for_page(db: Connection, token: str) -> bytes | None:
    """The picture for the page of this parcel."""
    found = run(db, FOR_PAGE, token=token).scalar()
    return None if found is None else bytes(found)
