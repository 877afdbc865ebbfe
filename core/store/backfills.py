"""Runs through old orders, one row a connection."""

from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import Connection

from core.domain.backfill import Run
from core.store.sql import run

NAMES = tuple(field.name for field in fields(Run))
FIELDS = ", ".join(f"o.{name}" for name in NAMES)
PUT = f"""
insert into backfills ({", ".join(NAMES)}) values ({", ".join(f":{name}" for name in NAMES)})
on conflict (connection) do update set {", ".join(f"{name} = excluded.{name}" for name in NAMES if name != "connection")}
"""


def _read(row: Any) -> Run:
    return Run(**row._mapping)


def get(db: Connection, connection: str) -> Run | None:
    row = run(db, f"select {FIELDS} from backfills o where o.connection = :connection", connection=connection).first()
    return _read(row) if row else None


def locked(db: Connection, connection: str) -> Run | None:
    """The same, and nobody else changes it until the transaction ends."""
    row = run(db, f"select {FIELDS} from backfills o where o.connection = :connection {{lock}}", connection=connection).first()
    return _read(row) if row else None


def all_of(db: Connection, merchant: str) -> list[Run]:
    rows = run(db, f"select {FIELDS} from backfills o where o.merchant = :merchant order by o.begun_at, o.connection", merchant=merchant)
    return [_read(row) for row in rows]


def put(db: Connection, one: Run) -> None:
    run(db, PUT, **asdict(one))
