"""Each channel's window of risk, as it was in the last days, and the buffer that it calls for."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection as Db

from core.domain import windows as rules
from core.domain.windows import DAY, Window, spread
from core.store import connections, health, quotas, windows
from core.store.health import Seen
from core.store.unit import Unit

DAYS, SOLD_WITHIN = 7, 28
STEPS = (0, 1, 2, 5)  # buffers of which it is said what they cover


@dataclass(frozen=True, slots=True)
class Risk:
    """A connection with its window; `covers`: (units kept back, up to how many sales a day elsewhere they do)."""

    one: Seen
    window: Window

    @property
    def covers(self) -> list[tuple[int, float]]:
        whole = self.window.whole_ms
        return [] if whole is None else [(units, rules.sales_covered(units, whole)) for units in STEPS]


def look(db: Db, merchant: str, now: int) -> list[Risk]:
    """One for each connection of a merchant."""
    after = now - DAYS * DAY
    told, heard = _by_connection(windows.told(db, merchant, after)), _by_connection(windows.heard(db, merchant, after))
    own = windows.own(db, merchant)
    return [
        Risk(one, Window(one.id, spread(heard.get(one.id, [])), spread(told.get(one.id, [])), own.get(one.id, 0) // 1000))
        for one in health.seen(db, merchant)
    ]


def _by_connection(rows: Iterable[Any]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for row in rows:
        found.setdefault(row.connection, []).append(int(row.lag))
    return found


@dataclass(frozen=True, slots=True)
class Advice:
    """What a connection's window calls for of one SKU: sold so many a day elsewhere, so many units kept back. None: nobody knows."""

    risk: Risk
    a_day: float
    units: int | None


def advice(db: Db, merchant: str, sku: str, now: int) -> list[Advice]:
    """For each connection."""
    sellers = windows.sellers(db, merchant, sku)
    sold, found = quotas.sold(db, merchant, sellers, now - SOLD_WITHIN * DAY), []
    for risk in look(db, merchant, now):
        a_day = sum(sold[one.id] for one in sellers if one.connection != risk.one.id) / SOLD_WITHIN
        whole = risk.window.whole_ms
        found.append(Advice(risk, a_day, None if whole is None else rules.buffer(a_day, whole)))
    return found


def learn(work: Unit, merchant: str, connection: str, took_us: int) -> None:
    """It took so long to show what it had accepted."""
    was = windows.own(work.db, merchant).get(connection, 0)
    connections.set_mark(work.db, merchant, connection, windows.SHOWS_AFTER, rules.faded(was, took_us))
