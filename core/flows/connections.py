"""A merchant's connections: made once, their tokens refreshed by one at a time, their rate budgets shared by all workers."""

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection as Db

from core.domain.who import Who
from core.errors import AccessLost, RateLimited, Refused, Unavailable
from core.hub import Hub
from core.ports import Fresh, Rate
from core.store import audit, connections
from core.store.connections import Connection, Merchant
from core.store.tables import us
from core.store.unit import Unit
from core.store.vault import Box

LOGIN = "login"  # the mark of when a connection got its login; what a finding says of it, and its subject
THEIRS = "this account is connected by another merchant"
ANOTHER = "somebody gave this connection another login meanwhile"
MARGIN = timedelta(minutes=5)  # a token is refreshed this long before it ends
_refreshing: dict[str, threading.Lock] = defaultdict(threading.Lock)


def add_merchant(hub: Hub, name: str) -> Merchant:
    """A new merchant with a data key of its own."""
    merchant = new_merchant(hub, name)
    with hub.unit() as work:
        connections.add_merchant(work.db, merchant, work.now)
    return merchant


def new_merchant(hub: Hub, name: str) -> Merchant:
    id = hub.ids()
    return Merchant(id, name, hub.vault.new_key(id))


def connect(hub: Hub, merchant: str, channel: str, account: str, login: Mapping[str, str], **rest: Any) -> Connection:
    """Connect an account, or give a known one new secrets and options; then its listings are read and its orders polled.
    Raises Refused where it is another merchant's.

    `rest`: label, settings, location, buffer, stock_since: the moment (microseconds) when our shelves were counted, live_at: as
    `connections.set_live` has it, without which it is only watched; and fresh: tokens that came with the login.
    """
    with hub.database.unbound(), hub.unit() as work:  # whose account it is, is asked of all merchants
        return connect_in(hub, work, hub.box(merchant), merchant, channel, account, login, **rest)


def connect_in(
    hub: Hub, work: Unit, box: Box, merchant: str, channel: str, account: str, login: Mapping[str, str], **rest: Any
) -> Connection:  # fmt: skip
    """The same within somebody's transaction."""
    known = connections.by_account(work.db, channel, account)
    if known and known.merchant != merchant:
        raise Refused(THEIRS, channel=channel)
    id, fresh = known.id if known else hub.ids(), rest.get("fresh")
    sealed = box.seal_text(f"connections|login|{id}", msgspec.json.encode({**login, **(fresh.login if fresh else {})}))
    one = Connection(
        id=id, merchant=merchant, channel=channel, account=account, label=rest.get("label") or account, state="active", reason=None,
        blocked_until=0, buffer=rest.get("buffer", 0), settings=rest.get("settings") or {}, login=sealed, access=None, access_until=0,
        location=rest.get("location"), stock_since=rest.get("stock_since", hub.now),
        live_at=rest.get("live_at"), role=role_of(hub, channel),
    )  # fmt: skip
    if known:
        _again(work, known, one, rest.get("buffer", known.buffer))
    elif not connections.add(work.db, one, work.now):
        raise Refused(THEIRS, channel=channel)
    if fresh:
        _store(work.db, box, id, sealed, fresh)
    connections.set_mark(work.db, merchant, id, LOGIN, work.now)
    for kind in AT_FIRST[one.role]:
        work.ask(merchant, kind, id, id)
    return known or one


AT_FIRST = {
    connections.CHANNEL: ("check_login", "subscribe", "read_listings", "poll_orders"),
    connections.CARRIER: ("check_login",),
    connections.LEDGER: ("check_login", "read_ledger"),
}


def role_of(hub: Hub, name: str) -> str:
    """What a connection of this connector is to us: a channel wherever it can be one."""
    connector = hub.connectors.get(name)
    known = (connections.CHANNEL, connections.CARRIER, connections.LEDGER)
    return next((role for role in known if connector and role in connector.roles), connections.CHANNEL)


def _again(work: Unit, known: Connection, one: Connection, buffer: int) -> None:
    """What is known gets other secrets and options; it is written once what happened while it was shut is here."""
    connections.set_login(work.db, one.id, one.login or "")
    connections.set_options(work.db, one.id, {**known.settings, **one.settings}, buffer)
    connections.set_live(work.db, one.id, None if known.live_at is None else work.now)


def keep_back(hub: Hub, connection: Connection, units: int, who: Who) -> None:
    """Show so many units less there than are free: each of its listings is looked at again, and what differs is told."""
    with hub.unit() as work:
        connections.set_buffer(work.db, connection.id, units)
        work.ask(connection.merchant, "publish_stock", connection.id, connection.id)
        said = {"was": connection.buffer, "became": units}
        audit.write(work.db, connection.merchant, work.now, who.id, who.name, "connection.buffer", connection.id, **said)


def poll_each(hub: Hub, connection: Connection, seconds: int | None, who: Who) -> None:
    """Read its orders so often; None: as often as its connector does by itself."""
    with hub.unit() as work:
        known = (connections.get(work.db, connection.id) or connection).settings
        was, rest = known.get("poll_s"), {name: value for name, value in known.items() if name != "poll_s"}
        connections.set_settings(work.db, connection.id, rest if seconds is None else {**rest, "poll_s": seconds})
        said = {"was": was, "became": seconds}
        audit.write(work.db, connection.merchant, work.now, who.id, who.name, "connection.poll", connection.id, **said)


def _store(db: Db, box: Box, id: str, was: str, fresh: Fresh, login: str | None = None) -> bool:
    """Whether the login is still the one that these tokens came from."""
    access, ends = box.seal_text(f"connections|access|{id}", fresh.access.encode()), us(fresh.until) if fresh.until else None
    return connections.set_access(db, id, was, access, us(fresh.expires_at), login, login_until=ends, scopes=fresh.scopes)


def lost(work: Unit, connection: Connection, reason: str, at: int | None = None) -> bool:
    """The channel took our access back: what opened the account is dropped, and somebody must let us in again. Gives whether it counts:
    what was said of a login before the one we have (`at`, microseconds) came late, and does not."""
    since, _ = connections.mark(work.db, connection.id, LOGIN)
    if at is not None and at < since:
        return False
    connections.shut(work.db, connection.id, "needs_login", reason)
    return True


@dataclass(frozen=True)
class StoredTokens:
    """The `Tokens` of one connection: whoever needs a fresh one waits for whoever fetches it, in all processes."""

    hub: Hub
    connection: str

    def access(self, refresh: Callable[[Mapping[str, str]], Fresh], *, rejected: str | None = None) -> str:
        token = self._stored(rejected)
        if token is not None:
            return token
        with _refreshing[self.connection], self._everywhere():
            return self._stored(rejected) or self._renew(refresh)

    def _everywhere(self) -> Any:
        """On PostgreSQL other processes wait too, at a lock that ends with this transaction."""
        return Locked(self.hub, lambda db: connections.lock_access(db, self.connection))

    def _read(self) -> tuple[Connection, Any]:
        one = self.hub.connection(self.connection)
        return one, self.hub.box(one.merchant)

    def _stored(self, rejected: str | None) -> str | None:
        one, box = self._read()
        if one.access is None or one.access_until <= us(self.hub.clock() + MARGIN):
            return None
        token: str = box.open_text(f"connections|access|{one.id}", one.access).decode()
        return None if token == rejected else token

    def _renew(self, refresh: Callable[[Mapping[str, str]], Fresh]) -> str:
        one, box = self._read()
        place = f"connections|login|{one.id}"
        login = msgspec.json.decode(box.open_text(place, one.login), type=dict[str, str]) if one.login else {}
        fresh = self._refreshed(refresh, login, one)
        sealed = box.seal_text(place, msgspec.json.encode({**login, **fresh.login})) if fresh.login else None
        with self.hub.database.write() as db:
            stored = _store(db, box, one.id, one.login or "", fresh, sealed)
        if not stored:
            raise Unavailable(ANOTHER, connection=one.id)
        return fresh.access

    def _refreshed(self, refresh: Callable[[Mapping[str, str]], Fresh], login: Mapping[str, str], one: Connection) -> Fresh:
        """A login that somebody replaced while we asked says nothing of the one that is there now. Where no answer came the one that we
        have may be used up, and is taken for a while yet: `renewing` says that this cannot wait long."""
        try:
            return refresh(login)
        except Unavailable as error:
            error.facts["renewing"] = "login"
            raise
        except AccessLost:
            if self._read()[0].login == one.login:
                raise
            raise Unavailable(ANOTHER, connection=one.id) from None


class Locked:
    """Holds a lock in the database, as `lock` takes it, for the length of a `with`. SQLite has one process, and needs none."""

    def __init__(self, hub: Hub, lock: Callable[[Db], None]) -> None:
        self._hub, self._lock = hub, lock

    def __enter__(self) -> None:
        self._transaction = None
        if not self._hub.database.is_sqlite:
            self._transaction = self._hub.database.engine.connect()
            self._lock(self._transaction)

    def __exit__(self, *_: object) -> None:
        if self._transaction is not None:
            self._transaction.close()


@dataclass(frozen=True)
class SharedBudget:
    """The `Budget` of one connection, in the database."""

    hub: Hub
    connection: str
    rates: Mapping[str, Rate]
    faster: float = 1.0
    leaves: float = 0.0  # the share of a full budget that it does not touch

    def take(self, operation: str, units: float = 1.0) -> None:
        rate = self.rates.get(operation)
        if rate is None:
            return
        with self.hub.database.write(lasting=False) as db:  # at worst a crash gives some of it back
            wait_s = connections.take(
                db, self.connection, operation, rate.per_s * self.faster, rate.burst, min(units, rate.burst), self.hub.now, self.leaves
            )
        if wait_s:
            raise RateLimited("our own budget for this call is spent", wait_s=wait_s, operation=operation)

    def learn(self, operation: str, rate: Rate | None = None, left: float | None = None) -> None:
        with self.hub.database.write() as db:
            connections.learn(
                db, self.connection, operation, self.hub.now, rate.per_s if rate else None, rate.burst if rate else None, left
            )

    def behind(self) -> "SharedBudget":
        return replace(self, leaves=0.5)
