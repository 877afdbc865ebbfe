"""What happens by the clock. A slot is won by one guarded update, so two schedulers do the work once."""

from datetime import timedelta

import structlog

from core.domain.signin import FORGOTTEN, IDLE
from core.flows import hooks, join
from core.flows.clockwork import begin, slots
from core.flows.indexing import ask_indexing
from core.hub import Hub
from core.store import (
    acts,
    alerts,
    connections,
    findings,
    idempotency,
    inbox,
    listings,
    parcels,
    printers,
    sessions,
    shipments,
    tasks,
    uploads,
)
from core.store import hooks as hook_store
from core.store.sql import run

log = structlog.get_logger("schedule")
DAY_US, HOUR_US, MINUTE_US = 86_400_000_000, 3_600_000_000, 60_000_000
RELEASE_US = 10_000_000
STEP_US, AWAY_US = 15_000_000, 120_000_000  # how often it is written down that somebody is here, and how long nobody may be
KEPT_TASKS = timedelta(days=14)
KEPT_NOTICES = timedelta(days=30)
KEPT_FINDINGS = timedelta(days=90)
KEPT_CALLS = timedelta(days=30)
KEPT_UPLOADS = timedelta(days=30)
KEPT_ACTS = timedelta(days=30)


WIN = """
insert into schedules (name, slot) values (:name, :slot) on conflict (name) do update set slot = excluded.slot
where schedules.slot < excluded.slot
"""


def tick(hub: Hub) -> int:
    """Ask for what is due by the clock. Gives how many slots were won."""
    with hub.database.read() as db:
        known = connections.everyone(db)
        last = {row.name: row.slot for row in run(db, "select name, slot from schedules")}
    _be_here(hub, last.get("here"))
    begun = [(slot, begin(hub.now, slot)) for slot in slots(hub, known)]
    due = [(slot, since) for slot, since in begun if last.get(slot.name, -1) < since]
    if due:
        with hub.unit() as work:
            due = [(slot, since) for slot, since in due if run(work.db, WIN, name=slot.name, slot=since).rowcount]
            for slot, _ in due:
                work.ask(slot.connection.merchant, slot.kind, slot.connection.id, slot.connection.id)
    hooks.ask_behind(hub)
    _look_for_alerts(hub, last)
    _release_often(hub, last)
    _look_ahead_hourly(hub, last)
    _prune_daily(hub, last)
    _index_daily(hub, last)
    return len(due)


def _look_for_alerts(hub: Hub, last: dict[str, int]) -> None:
    """Every minute, for each merchant: is there something that cannot wait, or a channel that cannot be reached?"""
    minute = hub.now // MINUTE_US
    if last.get("alerts", -1) >= minute:
        return
    with hub.unit() as work:
        if run(work.db, WIN, name="alerts", slot=minute).rowcount:
            for merchant in connections.merchants(work.db):
                work.ask(merchant.id, "raise_alerts", merchant.id)
                work.ask(merchant.id, "look_blind", merchant.id)


def _release_often(hub: Hub, last: dict[str, int]) -> None:
    """What is reserved and may leave is found as a difference, every few seconds, for each merchant who sends anything."""
    slot = hub.now // RELEASE_US
    if last.get("release", -1) >= slot:
        return
    with hub.unit() as work:
        if run(work.db, WIN, name="release", slot=slot).rowcount:
            for merchant in shipments.senders(work.db):
                work.ask(merchant, "release_orders", merchant)


def _be_here(hub: Hub, last: int | None) -> None:
    """Where nobody was here for a while, a stop, a standstill or a jump of the clock, orders are read before stock is written. One of
    several processes that find out does it."""
    if last is not None and hub.now - last < STEP_US:
        return
    with hub.unit() as work:
        won = run(work.db, WIN, name="here", slot=work.now).rowcount
        if won and last is not None and work.now - last > AWAY_US:
            log.warning("nobody was here for a while: orders are read before stock is written", seconds=(work.now - last) // 1_000_000)
            for merchant in connections.merchants(work.db):
                join.come_back(work, merchant.id)


def _look_ahead_hourly(hub: Hub, last: dict[str, int]) -> None:
    """What comes within the days that a listing looks ahead may be sold there from now on."""
    hour, since = hub.now // HOUR_US, last.get("ahead", 0)
    if since >= hour:
        return
    with hub.unit() as work:
        if run(work.db, WIN, name="ahead", slot=hour).rowcount:
            for merchant, connection in sorted(listings.come_nearer(work.db, since * HOUR_US, hour * HOUR_US)):
                work.ask(merchant, "publish_stock", connection, connection)


def _prune_daily(hub: Hub, last: dict[str, int]) -> None:
    today = hub.now // DAY_US
    if last.get("prune", -1) >= today:
        return
    with hub.database.write() as db:
        if run(db, WIN, name="prune", slot=today).rowcount:
            tasks.prune(db, hub.now - KEPT_TASKS // timedelta(microseconds=1))
            inbox.prune(db, hub.now - KEPT_NOTICES // timedelta(microseconds=1))
            acts.prune(db, hub.now - KEPT_ACTS // timedelta(microseconds=1))
            findings.prune(db, hub.now - KEPT_FINDINGS // timedelta(microseconds=1))
            sessions.prune(db, hub.now, hub.now - IDLE // timedelta(microseconds=1))
            sessions.prune_tries(db, hub.now - FORGOTTEN // timedelta(microseconds=1))
            hook_store.prune(db, hub.now - KEPT_CALLS // timedelta(microseconds=1))
            idempotency.prune(db, hub.now)
            uploads.prune(db, hub.now - KEPT_UPLOADS // timedelta(microseconds=1))
            parcels.prune(db, hub.now)
            printers.prune(db, hub.now)
            alerts.prune(db, hub.now - KEPT_FINDINGS // timedelta(microseconds=1))


def _index_daily(hub: Hub, last: dict[str, int]) -> None:
    """What an older version kept is made searchable; at once after an upgrade, since that never happened before."""
    today = hub.now // DAY_US
    if last.get("index", -1) < today:
        with hub.unit() as work:
            if run(work.db, WIN, name="index", slot=today).rowcount:
                ask_indexing(work)
