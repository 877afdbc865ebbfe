"""The assembled application as flows see it: the database, the connectors, the clock, the ids and the bell."""

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

from core.domain.tasks import Claim
from core.errors import Refused, Unsupported
from core.ports import Carrier, Channel, Connector, Heard, Kit, Ledger, Outward, Post, Printer
from core.store import connections, hooks, tasks
from core.store.connections import Connection
from core.store.engine import Database
from core.store.tables import us, when
from core.store.unit import Unit
from core.store.vault import Box, Vault

T = TypeVar("T")

KNOWN_US = 5_000_000


class Bell(Protocol):
    """Wakes whoever drains a queue. Losing a ring costs seconds, nothing else."""

    def ring(self, queue: str, wait_s: float = 0.0) -> None: ...


class Silent:
    """A bell that nobody hears: the drain is called by hand."""

    def ring(self, queue: str, wait_s: float = 0.0) -> None:
        return None


class Nowhere:
    """The way to merchants' own programs of a hub that has none."""

    def refuses(self, url: str) -> str:
        return "this hub calls nobody"

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Heard:
        return Heard(None, words="this hub calls nobody")

    def done(self) -> None:
        return None


class NoPrinter:
    """The way to printers of a hub that has none."""

    def refuses(self, way: str, address: str) -> str:
        return "this hub prints nowhere"

    def print(self, way: str, address: str, body: bytes, name: str) -> str:
        raise Refused("this hub prints nowhere")


def utc_now() -> datetime:
    return datetime.now(UTC)


def uuid7(clock: Callable[[], datetime], chance: Callable[[int], bytes] = os.urandom) -> Callable[[], str]:
    """Ids that sort by time (RFC 9562): milliseconds, then chance."""

    def make() -> str:
        milliseconds = us(clock()) // 1000
        value = (milliseconds << 80) | (0x7 << 76) | (int.from_bytes(chance(10)) & ((1 << 76) - 1))
        value = (value & ~(0x3 << 62)) | (0x2 << 62)
        text = f"{value:032x}"
        return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))

    return make


@dataclass
class Hub:
    """`make_kit` gives a connector its means, `options` says what a connection is set to with the operator's settings and the address by
    which channels reach us (`public_url`); `jitter` is chance in [0, 1) for waits, `pause` waits where a person does too. `post` sends
    letters (None: they are only kept), `translate` gives words in the language of a locale."""

    database: Database
    vault: Vault
    connectors: Mapping[str, Connector]
    make_kit: Callable[["Hub", Connection, Connector], Kit]
    clock: Callable[[], datetime] = utc_now
    bell: Bell = field(default_factory=Silent)
    jitter: Callable[[], float] = lambda: time.monotonic() % 1.0
    make_id: Callable[[], str] | None = None
    pause: Callable[[float], None] = time.sleep
    options: Callable[[Connection, Connector], Mapping[str, Any]] = lambda connection, connector: connection.settings
    outward: Outward = field(default_factory=Nowhere)
    post: Post | None = None
    printer: Printer = field(default_factory=NoPrinter)
    public_url: str = ""
    translate: Callable[[str, str], str] = lambda locale, words: words

    def __post_init__(self) -> None:
        self.ids = self.make_id or uuid7(self.clock)
        self._own = threading.local()
        self._boxes: dict[str, Box] = {}
        self._hooks: dict[str, tuple[int, tuple[str, ...]]] = {}

    @property
    def now(self) -> int:
        return us(self.clock())

    @contextmanager
    def unit(self, claim: Claim | None = None, *, finish: bool = True) -> Iterator[Unit]:
        """One transaction. With a claim nothing is written unless its tasks are still ours; `finish` records them in it too. Tasks are
        locked last by everybody: a unit that held its own while it waits for listings would stand against those that ask for it."""
        with self.database.write() as db:
            work = Unit(db, self.now, caused_by=f"{claim.kind} {claim.subjects[0]}" if claim else "hub")
            yield work
            self._ask_hooks(work)
            queues = work.close(claim)
            if claim and finish:
                tasks.record(db, claim, work.now, self.box(claim.merchant).seal_text)
            elif claim:
                tasks.fence(db, claim)
        for queue in queues:
            self.bell.ring(queue)

    def _ask_hooks(self, work: Unit) -> None:
        """Something happened: whom a merchant wants told of it is told soon. Who they are is remembered for some seconds; the sweep makes
        up for what that misses."""
        for merchant in work.told:
            looked, found = self._hooks.get(merchant, (0, ()))
            if abs(work.now - looked) >= KNOWN_US:
                found = hooks.awake(work.db, merchant, work.now)
                self._hooks[merchant] = (work.now, found)
            for hook in found:
                work.ask(merchant, "send_hooks", hook)

    def forget_hooks(self, merchant: str) -> None:
        """They changed: the next one who needs to know looks."""
        self._hooks.pop(merchant, None)

    def box(self, merchant: str) -> Box:
        """The merchant's box of secrets. Its wrapped key is read once a process. Raises Unsupported for one who was erased."""
        if merchant not in self._boxes:
            with self.database.read() as db:
                found = connections.merchant(db, merchant)
            if found is None:
                raise Unsupported("no such merchant", merchant=merchant)
            self._boxes[merchant] = self.vault.open(merchant, found.data_key)
        return self._boxes[merchant]

    def forget(self, merchant: str) -> None:
        """What was remembered of a merchant is read anew, if it is still there."""
        self._boxes.pop(merchant, None)

    def connection(self, id: str) -> Connection:
        with self.database.read() as db:
            found = connections.get(db, id)
        if found is None:
            raise Unsupported("no such connection", connection=id)
        return found

    def connector(self, connection: Connection) -> Connector:
        try:
            return self.connectors[connection.channel]
        except KeyError:
            raise Unsupported("no connector is installed for this channel", channel=connection.channel) from None

    def label(self, channel: str) -> str:
        """A channel's name as people write it; its own for one that is not installed."""
        known = self.connectors.get(channel)
        return known.label if known else channel

    def channel(self, connection: Connection) -> Channel:
        """The channel of a connection, made once a thread; made anew when its secrets or settings change."""
        return self._made("live", connection, lambda kit: kit)

    def carrier(self, connection: Connection) -> Carrier:
        """The carrier of a connection, made as channels are. Raises Unsupported where it is none."""
        connector = self.connector(connection)
        if connector.carrier is None:
            raise Unsupported("this system is not a carrier", channel=connection.channel)
        return self._apart("carriers", connection, connector.carrier)

    def ledger(self, connection: Connection) -> Ledger:
        """The books of a connection, made as channels are. Raises Unsupported where it has none."""
        connector = self.connector(connection)
        if connector.ledger is None:
            raise Unsupported("this system keeps no books", channel=connection.channel)
        return self._apart("ledgers", connection, connector.ledger)

    def _apart(self, role: str, connection: Connection, make: Callable[[Kit], T]) -> T:
        """One of that role for a connection, made once a thread; made anew when its secrets or settings change."""
        made: dict[str, tuple[Any, T]] = self._own.__dict__.setdefault(role, {})
        wants = (connection.login, connection.settings, connection.account)
        if connection.id not in made or made[connection.id][0] != wants:
            made[connection.id] = (wants, make(self.make_kit(self, connection, self.connector(connection))))
        return made[connection.id][1]

    def channel_behind(self, connection: Connection) -> Channel:
        """The same for work that may wait: its calls leave live work its share of every budget."""
        return self._made("behind", connection, lambda kit: replace(kit, budget=kit.budget.behind()))

    def _made(self, manner: str, connection: Connection, fit: Callable[[Kit], Kit]) -> Channel:
        made: dict[tuple[str, str], tuple[Any, Channel]] = self._own.__dict__.setdefault("channels", {})
        wants, key = (connection.login, connection.settings, connection.account), (manner, connection.id)
        if key not in made or made[key][0] != wants:
            connector = self.connector(connection)
            made[key] = (wants, connector.channel(fit(self.make_kit(self, connection, connector))))
        return made[key][1]

    def forget_made(self) -> None:
        """Channels and carriers of this thread are made anew, as by another process."""
        self._own.__dict__.clear()

    def at(self, moment: int) -> datetime:
        return when(moment)
