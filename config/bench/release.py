"""How long it takes until what waits may leave: orders whose units are reserved at many locations become shipments."""

import json
import random
from collections.abc import Iterator, Sequence

from config.bench import bodies
from config.bench.bodies import Body
from config.bench.measure import Statements, timed
from config.bench.pace import Pace
from config.bench.rows import Row, row
from config.bench.stage import Shop, Stores, open_shop, tidy
from config.demo_dock import ADDRESS
from connectors.shopify import MANIFEST
from connectors.shopify.simulator import Simulator
from connectors.simulation import Post, World
from core import jobs
from core.domain.who import HUB
from core.flows import places, sites
from core.store import stock
from core.store.sql import run

UNITS = 100_000


def measured(stores: Stores, pace: Pace, patterns: Sequence[Body]) -> Iterator[Row]:
    skus = [f"THING-{n:05}" for n in range(pace.sending_skus)]
    found, goods = made(skus, pace.waiting_orders)
    for store in stores.names:
        shop = open_shop(stores.new(store), stores.folder / f"release-{store}", goods)
        try:
            here = _spread(shop, skus, pace.sending_places)
            shop.keep(found)
            jobs.drain(shop.hub, "inside")
            yield _row(shop, store, here, pace)
        finally:
            shop.close()


def made(skus: Sequence[str], count: int) -> tuple[list[Body], set[tuple[str, str]]]:
    """So many paid orders of one to three of these SKUs each, and (listing, SKU) of all."""
    world = World(clock=lambda: bodies.START, post=Post(url="nowhere"))
    shop, chance = Simulator(world), random.Random(7)
    shop.catalogue([{"sku": sku, "title": f"A {sku}", "price": "9.90", "quantity": UNITS, "currency": "USD"} for sku in skus])
    for _ in range(count):
        few = chance.sample(skus, min(len(skus), chance.randint(1, 3)))
        shop.place({"lines": [{"sku": sku, "quantity": chance.randint(1, 3)} for sku in few], "plain": True})
    told = [json.loads(item.body) for item in world.outbox if item.headers["X-Shopify-Topic"] == "orders/create"]
    raws = [json.dumps({**one, "financial_status": "paid"}).encode() for one in told]
    listings = {(str(one["listing"]), str(one["sku"])) for one in shop.listings()}
    return [Body(raw, MANIFEST.order(raw, "any").id) for raw in raws], listings


def _spread(shop: Shop, skus: Sequence[str], count: int) -> list[str]:
    """Each SKU lies at one of so many locations. Gives them; nothing is sent from there yet."""
    hub, merchant = shop.hub, shop.merchant
    with hub.unit() as work:
        known = [row.id for row in run(work.db, "select id from locations where merchant = :merchant", merchant=merchant)]
        more = {hub.ids(): f"Place {n}" for n in range(2, count + 1)}
        for id, name in more.items():
            stock.add_location(work.db, merchant, id, name)
        here = [*known, *more]
        rows = [{"sku": sku, "title": sku, "location": here[n % count], "on_hand": UNITS} for n, sku in enumerate(skus)]
        gone = [{**one, "location": known[0], "on_hand": 0} for one in rows if one["location"] != known[0]]
        stock.count(work.db, merchant, gone + rows, work.now)
    places.map_place(hub, shop.connection, "", here, HUB)
    return here


def _row(shop: Shop, store: str, here: Sequence[str], pace: Pace) -> Row:
    for place in here:
        sites.set_site(shop.hub, shop.merchant, place, HUB, ships=True, address=ADDRESS, zone="America/New_York")
    tidy(shop.hub.database)
    statements = Statements(shop.hub.database.engine)
    seconds = timed(lambda: jobs.drain(shop.hub, "inside"))
    shipments = shop.count("shipments")
    with shop.hub.database.read() as db:
        orders = run(db, "select count(distinct order_id) from shipments").scalar_one()
    if orders != pace.waiting_orders:
        raise RuntimeError(f"{store}: {orders} orders of {pace.waiting_orders} were released")
    note = f"{orders:,} orders, {shipments:,} shipments, {len(here)} locations, {pace.sending_skus:,} SKUs; {statements.count} statements"
    return row("release_s", store, seconds, note=note)
