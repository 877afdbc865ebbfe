"""Orders that nothing told us of, and orders read page by page while they change: how many are lost, and how soon the rest is found."""

import random
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from config import schedule
from config.bench.bodies import Body
from config.bench.pace import Pace
from config.bench.paging import runs
from config.bench.rows import Row, row
from config.bench.stage import Stores
from config.bench.street import CHANNELS, Street
from connectors.http import as_datetime
from core.store.tables import us

SKUS = [f"SKU-{number}" for number in range(5)]
TICK = timedelta(seconds=15)
HOUR = timedelta(hours=1)
SLACK = timedelta(minutes=3)


def measured(stores: Stores, pace: Pace, patterns: Sequence[Body]) -> Iterator[Row]:
    """The channels are their simulators with the vendors' limits, on a clock that is turned by hand."""
    yield from _silent_hour(stores.folder)
    lost = doubled = changed = 0
    for ending in runs(stores.folder, pace.paging_runs):
        lost += len(ending.lost) + len(ending.old) + len(ending.parked)
        doubled += len(ending.doubled) + len(ending.broken)
        changed += ending.seen.total()
    note = f"{pace.paging_runs} seeded runs, {changed} orders placed or changed, calls broken or workers killed between the pages"
    yield row("paging_lost", "sqlite", lost, note=note)
    yield row("paging_doubled", "sqlite", doubled, note=note)


def _silent_hour(folder: Path) -> Iterator[Row]:
    folder = folder / "silent"
    folder.mkdir(exist_ok=True)
    street = Street(folder)
    try:
        found = silent_hour(street)
    finally:
        street.close()
    for name in CHANNELS:
        lags, missing = found[name]
        longest = max(lags, default=timedelta())
        limit = street.hub.connectors[name].poll_every + SLACK
        note = f"{len(lags) + missing} orders of an hour without a notice; polled each {(limit - SLACK).total_seconds() / 60:.0f} min"
        yield row("silent_missing", name, missing, note=note)
        yield row(
            "silent_found_share", name, longest / limit, note=f"{longest.total_seconds():.0f} s of {limit.total_seconds():.0f} s; {note}"
        )


def silent_hour(street: Street, seed: int = 1) -> dict[str, tuple[list[timedelta], int]]:
    """For an hour every notice is dropped, and then one poll and three minutes pass. By channel: how long each order was unknown, and
    how many still are."""
    street.offer(SKUS)
    street.drain()
    chance, begun = random.Random(seed), street.clock()
    placed = dict[str, dict[str, datetime]]({name: {} for name in street.connections})
    while street.clock() < begun + HOUR:
        _buy(street, chance, placed)
        _tick(street)
    longest = max(street.hub.connectors[name].poll_every for name in street.connections) + SLACK
    while street.clock() < begun + HOUR + longest:
        _tick(street)
    return {name: _found(street, name, orders) for name, orders in placed.items()}


def _buy(street: Street, chance: random.Random, placed: dict[str, dict[str, datetime]]) -> None:
    """Now and then; what a channel pushes of it goes nowhere."""
    for name, orders in placed.items():
        if chance.random() < 0.1:
            street.world(name).outbox.clear()
            wish = {"lines": [{"sku": chance.choice(SKUS), "quantity": 1}]}
            orders.update({one["id"]: as_datetime(one["placed_at"]) for one in street.simulator(name).place(wish)})


def _tick(street: Street) -> None:
    street.clock.pass_(TICK)
    schedule.tick(street.hub)
    street.drain()


def _found(street: Street, name: str, placed: dict[str, datetime]) -> tuple[list[timedelta], int]:
    taken = street.taken(name)
    return [timedelta(microseconds=taken[id] - us(at)) for id, at in placed.items() if id in taken], len(placed.keys() - taken.keys())
