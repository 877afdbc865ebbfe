"""A merchant's connections: made once, their tokens refreshed by one at a time, their rate budgets shared by all workers."""

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import msgspec

from core.errors import RateLimited, Refused
from core.hub import Hub
from core.ports import Fresh, Rate
from core.store import connections
from core.store.connections import Connection, Merchant
from core.store.tables import us

MARGIN = timedelta(minutes=5)  # a token is refreshed this long before it ends
_refreshing: dict[str, threading.Lock] = defaultdict(threading.Lock)


def add_merchant(hub: Hub, name: str) -> Merchant:
    """A new merchant with a data key of its own."""
    id = hub.ids()
    merchant = Merchant(id, name, hub.vault.new_key(id))
    with hub.unit() as work:
        connections.add_merchant(work.db, merchant, work.now)
    return merchant


def connect(hub: Hub, merchant: str, channel: str, account: str, login: Mapping[str, str], **rest: Any) -> Connection:
    """Connect an account, or give a known one new secrets and options; then its listings are read and its orders polled.
    Raises Refused where it is another merchant's.

    `rest`: label, settings, location, buffer, stock_since: the moment (microseconds) when our shelves were counted, and live_at: as
    `connections.set_live` has it. Without that it is only watched.
    """
    with hub.database.read() as db:
        known = connections.by_account(db, channel, account)
    if known and known.merchant != merchant:
        raise Refused("this account is connected by another merchant", channel=channel)
    id = known.id if known else hub.ids()
    sealed = hub.box(merchant).seal_text(f"connections|login|{id}", msgspec.json.encode(dict(login)))
    one = Connection(
        id=id, merchant=merchant, channel=channel, account=account, label=rest.get("label") or account, state="active", reason=None,
        blocked_until=0, buffer=rest.get("buffer", 0), settings=rest.get("settings") or {}, login=sealed, access=None, access_until=0,
        location=rest.get("location"), stock_since=rest.get("stock_since", hub.now),
        live_at=rest.get("live_at"),
    )  # fmt: skip
    with hub.unit() as work:
        if known:
            connections.set_login(work.db, id, sealed)
            connections.set_options(work.db, id, {**known.settings, **one.settings}, rest.get("buffer", known.buffer))
            connections.set_live(work.db, id, None if known.live_at is None else work.now)  # first what happened while it was shut
        else:
            connections.add(work.db, one, work.now)
        for kind in ("subscribe", "read_listings", "poll_orders"):
            work.ask(merchant, kind, id, id)
    return known or one


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
        return _Locked(self.hub, self.connection)

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
        fresh = refresh(login)
        sealed = box.seal_text(place, msgspec.json.encode({**login, **fresh.login})) if fresh.login else None
        access = box.seal_text(f"connections|access|{one.id}", fresh.access.encode())
        with self.hub.database.write() as db:
            connections.set_access(db, one.id, access, us(fresh.expires_at), sealed)
        return fresh.access


class _Locked:
    """Holds the connection's lock in the database for the length of a `with`."""

    def __init__(self, hub: Hub, connection: str) -> None:
        self._hub, self._connection = hub, connection

    def __enter__(self) -> None:
        self._transaction = None
        if not self._hub.database.is_sqlite:
            self._transaction = self._hub.database.engine.connect()
            connections.lock_access(self._transaction, self._connection)

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
        with self.hub.database.write() as db:
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
