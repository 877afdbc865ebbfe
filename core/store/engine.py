"""Opening the database: SQLite with one writer at a time, or PostgreSQL with bounded waits."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, DisconnectionError, OperationalError

# serialization, deadlock, lock timeout, statement timeout; out of disk, memory, sessions
TOO_BUSY = ("40001", "40P01", "55P03", "57014", "53100", "53200", "53300")


def open_engine(url: str) -> Engine:
    """`url` is postgresql://... or sqlite:///path."""
    if url.startswith("sqlite"):
        return _sqlite(url)
    return _postgresql(url)


WEB = "crossdock_web"  # the role without a login under which pages read and write, each one merchant's rows (core/store/row_locks.py)
MERCHANT = "crossdock.merchant"  # the setting that says whose rows they are


POOL = {"pool_size": 8, "max_overflow": 8, "pool_use_lifo": True}  # the one used last knows the statements, and on SQLite the pages
IDLE_S = 1.0  # a session that rested longer is asked whether it lives before it is used; under load that would double the traffic
# Our statements join small sets to what an index finds. A young table's statistics say otherwise, and the plan is kept; so is a
# plan made anew each time dearer than its work.
_PLANS = " ".join(f"-c enable_{way}=off" for way in ("hashjoin", "mergejoin", "seqscan", "material"))
_KEPT = "-c plan_cache_mode=force_generic_plan -c jit=off -c max_parallel_workers_per_gather=0 -c random_page_cost=1.1"
_PG_OPTIONS = f"-c lock_timeout=10s -c statement_timeout=60s -c timezone=UTC -c application_name=crossdock {_PLANS} {_KEPT}"


# Whether this user may take the web's role on, and it has been given something in this database. PostgreSQL 16 told apart who is a
# member and who may become one.
USABLE = f"""
select coalesce(pg_has_role(r.id, case when current_setting('server_version_num')::int >= 160000 then 'SET' else 'MEMBER' end)
                and has_table_privilege(r.id, 'orders', 'select'), false)
from (select to_regrole('{WEB}')::oid as id) r
"""


def _see(db: Connection, merchant: str, *, lasting: bool) -> None:
    """Whose rows this session sees; it need not be told again while it is the same merchant."""
    if db.info.get(MERCHANT) == merchant:
        return
    db.exec_driver_sql("select set_config(%s, %s, %s)", (MERCHANT, merchant, not lasting))
    if lasting:
        db.info[MERCHANT] = merchant


def _postgresql(url: str, options: str = "") -> Engine:
    engine = create_engine(url, **POOL, connect_args={"connect_timeout": 5, "options": _PG_OPTIONS + options})

    @event.listens_for(engine, "checkin")
    def _rests(_: Any, record: Any) -> None:
        record.info["since"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _lives(raw: Any, record: Any, _: Any) -> None:
        if time.monotonic() - record.info.get("since", time.monotonic()) > IDLE_S:
            _ping(engine, raw)

    return engine


def _ping(engine: Engine, raw: Any) -> None:
    """Raises DisconnectionError where the session has ended: the pool then makes another."""
    try:
        engine.dialect.do_ping(raw)
    except engine.dialect.loaded_dbapi.Error as error:
        raise DisconnectionError(type(error).__name__) from None


# What is deleted is overwritten: buyers' data must not lie in free pages.
PRAGMAS = (
    "journal_mode=WAL",
    "secure_delete=ON",
    "synchronous=FULL",
    "busy_timeout=5000",
    "foreign_keys=ON",
    "cache_size=-16000",
    "wal_autocheckpoint=4000",
)


def _sqlite(url: str) -> Engine:
    engine = create_engine(url, **POOL, connect_args={"check_same_thread": False, "timeout": 5})

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
    """Somebody else held the rows, the database ended the session or has no room: the same transaction may work soon."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    if not isinstance(error, OperationalError):
        return False
    state, words = getattr(error.orig, "sqlstate", ""), str(error.orig)
    if state is None or state.startswith("57P"):  # psycopg could not reach it, or it is falling or rising
        return True
    return state in TOO_BUSY or "database is locked" in words or "disk is full" in words


class Turnstile:
    """One at a time; who may wait lets everybody else pass first."""

    def __init__(self) -> None:
        self._free, self._held, self._waiting = threading.Condition(), False, 0

    @contextmanager
    def passing(self, *, patient: bool) -> Iterator[None]:
        with self._free:
            self._waiting += not patient
            self._free.wait_for(lambda: not self._held and not (patient and self._waiting))
            self._waiting -= not patient
            self._held = True
        try:
            yield
        finally:
            with self._free:
                self._held = False
                self._free.notify_all()


class Database:
    """Transactions. On SQLite writers of this process queue at a turnstile instead of polling the file's lock."""

    def __init__(self, url: str) -> None:
        self.engine = open_engine(url)
        self.url = url
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self._turnstile, self._own = Turnstile(), threading.local()
        # a read is one statement: on PostgreSQL it needs no transaction around it
        self._readers = self.engine.execution_options(reads=True, **{} if self.is_sqlite else {"isolation_level": "AUTOCOMMIT"})
        self._web: tuple[Engine, ...] | None = None
        self._opening = threading.Lock()

    # ---- whose rows: the second lock, on PostgreSQL

    def bind(self, merchant: str) -> None:
        """From now on this thread finds and writes this merchant's rows alone, whatever a statement forgets to ask; "": everybody's."""
        self._own.merchant = merchant

    @contextmanager
    def unbound(self) -> Iterator[None]:
        """For what is about people and sessions, whoever they work for."""
        was, self._own.merchant = self._bound, ""
        try:
            yield
        finally:
            self._own.merchant = was

    @property
    def _bound(self) -> str:
        merchant: str = getattr(self._own, "merchant", "")
        return merchant

    def _web_engines(self) -> tuple[Engine, ...]:
        """Sessions of the web's role, to write and to read, where somebody is bound and the database lets us take that role on."""
        if not self._bound or self.is_sqlite:
            return ()
        with self._opening:
            if self._web is None:
                self._web = self._open_web()
        return self._web

    def _open_web(self) -> tuple[Engine, ...]:
        with self._readers.connect() as db:
            if not db.exec_driver_sql(USABLE).scalar_one():
                return ()
        made = _postgresql(self.url, f" -c role={WEB}")
        return made, made.execution_options(reads=True, isolation_level="AUTOCOMMIT")

    @property
    def engines(self) -> list[Engine]:
        """All that are open: for whoever counts what is said to the database."""
        return [self.engine, *(self._web or ())[:1]]

    @contextmanager
    def write(self, *, lasting: bool = True) -> Iterator[Connection]:
        """One transaction: of the bound merchant's rows, where there is one. What need not be `lasting` does not wait for the disk: a crash
        of PostgreSQL may undo the last of it, in order, and never a part of one."""
        if web := self._web_engines():
            with web[0].begin() as db:
                _see(db, self._bound, lasting=False)
                yield db
            return
        with self._write(lasting) as db:
            yield db

    @contextmanager
    def _write(self, lasting: bool) -> Iterator[Connection]:
        patient = getattr(self._own, "patient", False)
        with self._turnstile.passing(patient=patient) if self.is_sqlite else nullcontext(), self.engine.connect() as db:
            with self._without_waiting(db) if patient else nullcontext(), db.begin():
                if (patient or not lasting) and not self.is_sqlite:
                    db.exec_driver_sql("set local synchronous_commit = off")
                yield db

    @contextmanager
    def _without_waiting(self, db: Connection) -> Iterator[None]:
        """Commits do not wait for the disk: a crash may undo the last of them, in order, and never a part of one."""
        raw: Any = db.connection.driver_connection
        usual = raw.execute("PRAGMA synchronous").fetchone()[0] if self.is_sqlite else None
        if usual:
            raw.execute("PRAGMA synchronous=NORMAL")
        try:
            yield
        finally:
            if usual:
                raw.execute(f"PRAGMA synchronous={usual}")

    @contextmanager
    def patience(self) -> Iterator[None]:
        """Nobody waits for what this thread writes meanwhile, and all of it can be done again: others' writes go first, and its own do
        not wait for the disk."""
        self._own.patient = True
        try:
            yield
        finally:
            self._own.patient = False
        if self.is_sqlite:
            self._carry_over()

    def _carry_over(self) -> None:
        """What was written goes from the log into the file now, beside whoever writes: else one of them must do it all at some time."""
        raw: Any = self.engine.raw_connection()
        try:
            raw.driver_connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        finally:
            raw.close()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Statements without a transaction; on SQLite what they see is one moment's."""
        web = self._web_engines()
        with (web[1] if web else self._readers).connect() as db:
            if web:
                _see(db, self._bound, lasting=True)
            yield db

    def let_go(self) -> None:
        """What was erased leaves the log too, as far as nobody reads there just now; PostgreSQL's own cleaning does it there."""
        if not self.is_sqlite:
            return
        raw: Any = self.engine.raw_connection()
        try:
            raw.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            raw.close()

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
        for engine in self.engines:
            engine.dispose()
