"""How each connection's news reach us and how late, and what one that is to be written still waits for."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection as Db

from core.flows.overview import percentile
from core.hub import Hub
from core.ports import Connector
from core.store import connections, orders
from core.store.connections import Connection
from core.store.tables import when

DAY_US = 86_400_000_000
WEBHOOK, QUEUE, POLL = "webhook", "queue", "poll only"
QUEUE_HELP = "with a queue of its own (--set queue_url=...) seconds"
PUBLIC_HELP = "with CROSSDOCK_PUBLIC_URL, an https address that the channel reaches, seconds"


@dataclass(frozen=True, slots=True)
class Way:
    """A connection, how its notices come (webhook, queue, poll only), how late an order is seen at worst by polling (seconds), and how
    late those of the last day were (milliseconds from the sale until it was here). `state` says whether its stock is written;
    `waits` what for, in words."""

    connection: Connection
    notices: str
    late_s: int
    lag_p50: int | None
    lag_p99: int | None
    seen: int
    state: str
    waits: tuple[str, ...]
    help: str

    @property
    def words(self) -> str:
        """What polling alone costs, and what would mend it; "" where notices come."""
        return f"orders are seen up to {spell(self.late_s * 1000)} late; {self.help}" if self.notices == POLL else ""


def ways(hub: Hub, db: Db, merchant: str) -> list[Way]:
    """One for each connection of a merchant, in the order in which they were made."""
    lags: dict[str, list[int]] = {}
    for row in orders.seen_after(db, merchant, hub.now - DAY_US):
        lags.setdefault(row.connection, []).append(max(0, row.lag) // 1000)
    waits = Waits(db)
    return [_way(hub, one, lags.get(one.id, []), waits.of(one)) for one in connections.all_of(db, merchant)]


class Waits:
    """What connections wait for, looked up once for all that wait for the same moment."""

    def __init__(self, db: Db) -> None:
        self._db, self._known = db, dict[tuple[str, int | None], list[str]]()

    def of(self, one: Connection) -> list[str]:
        moment = (one.merchant, one.live_at)
        if moment not in self._known:
            self._known[moment] = waits_for(self._db, one)
        return self._known[moment]


def _way(hub: Hub, one: Connection, lags: list[int], waits: list[str]) -> Way:
    connector = hub.connectors.get(one.channel)
    said = hub.options(one, connector) if connector else {}
    state = "watched" if one.live_at is None else "waits" if waits else "written"
    return Way(
        one, notices(connector, said) if connector else POLL, late(connector, said) if connector else 0, percentile(lags, 0.5),
        percentile(lags, 0.99), len(lags), state, tuple(waits), QUEUE_HELP if connector and connector.queue else PUBLIC_HELP,
    )  # fmt: skip


def notices(connector: Connector, said: Mapping[str, Any]) -> str:
    """How news come by these settings. An address that nobody outside reaches brings none, unless the channel is a simulator here."""
    if connector.queue and said.get("queue_url"):
        return QUEUE
    here = any(is_here(str(said.get(name) or "")) for name in ("url", "api_url"))
    address = str(said.get("webhook_url") or said.get("public_url") or "")
    return WEBHOOK if connector.webhooks and address and (here or _is_public(address)) else POLL


def is_here(url: str) -> bool:
    """An address of this machine alone."""
    host = urlsplit(url.replace("{account}", "")).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _is_public(url: str) -> bool:
    """An https address that is neither this machine's nor of a private net."""
    said = urlsplit(url)
    try:
        return said.scheme == "https" and ipaddress.ip_address(said.hostname or "").is_global
    except ValueError:
        return said.scheme == "https" and "." in (said.hostname or "") and not is_here(url)


def late(connector: Connector, said: Mapping[str, Any]) -> int:
    """Seconds that an order may be old when polling finds it: one poll, and the age below which orders are not asked for."""
    return int(_seconds(said.get("poll_s"), connector.poll_every) + _seconds(said.get("min_age_s"), connector.poll_age))


def _seconds(said: Any, usual: timedelta) -> float:
    try:
        return usual.total_seconds() if said is None else max(0.0, float(said))
    except (TypeError, ValueError):
        return usual.total_seconds()


def waits_for(db: Db, one: Connection) -> list[str]:
    """What a connection that is to be written waits for, a sentence each; nothing, where it is written already or only watched."""
    if not one.live_at:
        return []
    behind = connections.behind(db, one.merchant, one.live_at)
    found = [_behind(row, one.live_at) for row in behind]
    untaken = 0 if found else connections.untaken(db, one.merchant)
    return found + ([f"waits for {untaken} orders that are here and not taken yet"] if untaken else [])


def _behind(row: Any, moment: int) -> str:
    lost = "; it needs a login: give it one, or set it aside with `crossdock watch`" if row.state != "active" else ""
    polled = f"polled to {_hour(row.at)}" if row.at else "never polled"
    return f"waits for orders of {row.channel} {row.account} read to {_hour(moment)}; {polled}{lost}"


def _hour(at: int) -> str:
    return when(at).strftime("%H:%M:%S")


def spell(ms: int | None) -> str:
    """A time in one unit: 340 ms, 1.2 s, 14 s, 17 min, 3 h."""
    if ms is None:
        return "-"
    if 1_000 < ms < 9_950 and ms % 1_000:
        return f"{ms / 1_000:.1f} s"
    for size, unit in ((3_600_000, "h"), (60_000, "min"), (1_000, "s")):
        if ms >= 2 * size or (ms >= size and ms % size == 0):
            return f"{ms // size} {unit}"
    return f"{ms} ms"
