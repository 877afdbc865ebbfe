"""How long it takes to say exactly how many of ten thousand kits with shared parts there are, read from the database and reckoned. What
comes out is held against putting them together one by one, and so is what their channel would be told."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection

from config.bench import child
from config.bench.bodies import Body
from config.bench.measure import median, timed
from config.bench.pace import Pace
from config.bench.rows import Row, row
from config.bench.stage import Stores, tidy
from config.wiring import make_hub
from core.flows import connections as flows
from core.hub import Hub
from core.store import kits as kits_of
from core.store import listings, stock
from core.store.sql import run, run_set

PLACES = ("east", "north", "west")
PARTS, ROUNDS = 4, 5  # parts of a kit; how often it is measured
Kits = dict[str, dict[str, int]]
Shelves = Counter[tuple[str, str]]


def measured(stores: Stores, pace: Pace, patterns: Sequence[Body]) -> Iterator[Row]:
    for store in stores.names:
        hub = make_hub(child.settings_for(stores.new(store), stores.folder / f"kits-{store}"))
        try:
            yield from _rows(hub, store, pace.kits)
        finally:
            hub.database.close()


def _rows(hub: Hub, store: str, count: int) -> Iterator[Row]:
    merchant, connection, kits, shelves = _stocked(hub, count)
    for alone in (False, True):
        with hub.unit() as work:
            run(work.db, "update listings set alone = :alone", alone=alone)
        tidy(hub.database)
        true = {kit: _put_together(parts, shelves, alone=alone) for kit, parts in kits.items()}
        if _looked(hub, merchant) != true or _told(hub, connection, count) != true:
            raise RuntimeError(f"{store}: not as many as can be put together")
        how = "whole at one location" if alone else "parts from any location"
        note = f"{count:,} kits of {PARTS} parts that share {count // 5:,} SKUs at {len(PLACES)} locations"
        yield row("kits_s", f"{how} {store}", median([timed(lambda: _looked(hub, merchant)) for _ in range(ROUNDS)]), note=note)


def _looked(hub: Hub, merchant: str) -> dict[str, int | None]:
    with hub.database.read() as db:
        return {one.sku: one.sellable for one in kits_of.all_of(db, merchant)}


def _told(hub: Hub, connection: str, count: int) -> dict[str, int | None]:
    """What the channel would be told."""
    with hub.database.read() as db:
        return {one.sku: one.wanted for one in listings.dirty(db, connection, 0, count)}


def _put_together(parts: dict[str, int], shelves: Shelves, *, alone: bool) -> int | None:
    """One after the other."""
    rooms = [Counter({sku: shelves[sku, place] for sku in parts}) for place in PLACES]
    made = 0
    for room in rooms if alone else [sum(rooms, Counter[str]())]:
        while all(room[sku] >= each for sku, each in parts.items()):
            room.subtract(parts)
            made += 1
    return made


def _stocked(hub: Hub, count: int) -> tuple[str, str, Kits, Shelves]:
    """A channel that sells so many kits, of parts that lie at three locations. Gives the merchant, the connection, the kits
    and what lies where."""
    rnd = random.Random(7)
    skus = [f"PART-{number:05}" for number in range(max(PARTS, count // 5))]
    kits = {f"KIT-{number:05}": {sku: rnd.randint(1, 3) for sku in rnd.sample(skus, PARTS)} for number in range(count)}
    shelves = Counter({(sku, place): rnd.randrange(30) for sku in skus for place in PLACES})
    merchant = flows.add_merchant(hub, "Bench").id
    with hub.unit() as work:
        for place in PLACES:
            stock.add_location(work.db, merchant, place, place)
        rows = [{"sku": sku, "title": sku, "location": place, "on_hand": units} for (sku, place), units in shelves.items()]
        stock.count(work.db, merchant, rows, work.now)
    one = flows.connect(hub, merchant, "shopify", "bench.myshopify.com", {"token": "x"}, stock_since=0, live_at=0)
    with hub.unit() as work:
        _list(work.db, merchant, one.id, kits, work.now)
    return merchant, one.id, kits, shelves


def _list(db: Connection, merchant: str, connection: str, kits: Kits, now: int) -> None:
    found: list[dict[str, Any]] = [{"listing": sku, "sku": sku, "title": sku, "place": "", "handle": "{}", "shown": 0} for sku in kits]
    listings.keep(db, merchant, connection, found, now)
    ids = {row.sku: row.id for row in run(db, "select id, sku from listings where connection = :c", c=connection)}
    rows = [{"id": ids[kit], "sku": sku, "units": units} for kit, parts in kits.items() for sku, units in parts.items()]
    put = "insert into listing_parts (merchant, listing_id, sku, units) select :m, r.id, r.sku, r.units from {rows}"
    run_set(db, put, {"id": "bigint", "sku": "text", "units": "int"}, rows, m=merchant)
