"""Opening the database: SQLite with one writer at a time, or PostgreSQL with bounded waits."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import OperationalError

TOO_BUSY = ("40001", "40P01", "55P03", "57014")  # serialization, deadlock, lock timeout, statement timeout


def open_engine(url: str) -> Engine:
    """`url` is postgresql://... or sqlite:///path."""
    if url.startswith("sqlite"):
        return _sqlite(url)
    return create_engine(url, pool_size=8, max_overflow=8, pool_pre_ping=True, connect_args={"connect_timeout": 5, "options": _PG_OPTIONS})


_PG_OPTIONS = "-c lock_timeout=10s -c statement_timeout=60s -c timezone=UTC -c application_name=crossdock"
PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000", "foreign_keys=ON", "cache_size=-16000")


def _sqlite(url: str) -> Engine:
    engine = create_engine(url, connect_args={"check_same_thread": False, "timeout": 5}, pool_size=8, max_overflow=8)

    @event.listens_for(engine, "connect")
    def _connect(raw: Any, _: Any) -> None:
        raw.isolation_level = None  # we begin ourselves: the driver would begin too late
        for pragma in PRAGMAS:
            raw.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(db: Connection) -> None:
        db.exec_driver_sql("BEGIN" if db.get_execution_options().get("reads") else "BEGIN IMMEDIATE")

    return engine


def is_too_busy(error: BaseException) -> bool:
    """Somebody else held the rows: the same transaction may work at once."""
    if not isinstance(error, OperationalError):
        return False
    return getattr(error.orig, "sqlstate", "") in TOO_BUSY or "database is locked" in str(error.orig)


class Database:
    """Transactions. On SQLite writers of this process queue at a lock instead of polling the file's."""

    def __init__(self, url: str) -> None:
        self.engine = open_engine(url)
        self.url = url
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self._writer: AbstractContextManager[Any] = threading.Lock() if self.is_sqlite else nullcontext()
        self._readers = self.engine.execution_options(reads=True)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with self._writer, self.engine.begin() as db:
            yield db

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with self._readers.connect() as db:
            yield db

    def copy_to(self, path: str) -> None:
        """A consistent copy of an SQLite database, writers or not."""
        target = sqlite3.connect(path)
        source = self.engine.raw_connection()
        try:
            source.driver_connection.backup(target)  # type: ignore[union-attr]
        finally:
            source.close()
            target.close()

    def close(self) -> None:
        self.engine.dispose()
