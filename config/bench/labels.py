"""How many labels one worker buys a second: released orders at each simulated carrier, which is called in process and never says wait."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from config.bench.bodies import Body
from config.bench.measure import Statements, timed
from config.bench.pace import Pace
from config.bench.rows import Row, row
from config.bench.stage import Stores, tidy
from config.bench.street import CARRIERS, Street
from core import jobs
from core.domain.who import HUB
from core.flows import labelling
from core.store.sql import run

CHEAPEST = {"ups": "03", "fedex": "FEDEX_GROUND", "usps": "USPS_GROUND_ADVANTAGE", "dhl": "P"}  # of what goes where its parcels go
TO = {"dhl": "DE"}  # it carries nothing within the United States
UNITS = {"A": 2, "B": 1}


def measured(stores: Stores, pace: Pace, patterns: Sequence[Body]) -> Iterator[Row]:
    for store in stores.names:
        folder = stores.folder / f"labels-{store}"
        folder.mkdir()
        street = waiting(folder, stores.new(store), pace.labels)
        try:
            yield from (_row(street, store, name, pace.labels) for name in CARRIERS)
        finally:
            street.close()


def waiting(folder: Path, url: str, count: int) -> Street:
    """Released shipments, so many for each carrier: those to Germany, and those within the United States."""
    street = Street(folder, ["shopify"], carriers=CARRIERS, limits="relaxed", url=url)
    street.offer(list(UNITS), 1_000_000)
    street.drain()
    for name in CARRIERS:
        for _ in range(count):
            street.sell("shopify", UNITS, TO.get(name, "US"))
    street.poll()
    with street.hub.unit() as work:
        run(work.db, "update parcels set length_mm = 300, width_mm = 200, height_mm = 150")
    tidy(street.hub.database)
    return street


def _row(street: Street, store: str, name: str, count: int) -> Row:
    for id in _released(street, TO.get(name, "US"), count):
        labelling.want(street.hub, street.merchant, id, street.connections[name].id, CHEAPEST[name], HUB)
    statements = Statements(street.hub.database.engine)
    seconds = timed(lambda: buy(street))
    if (sold := len(street.carrier(name).parcels())) != count:
        raise RuntimeError(f"{name} on {store}: {sold} labels of {count}")
    note = f"{count} labels by one worker, the carrier in the same process; {statements.count / count:.0f} statements each"
    return row("labels_per_s", f"{name} {store}", count / seconds, note=note)


def buy(street: Street) -> None:
    """Everything that is due. A second passes with each task, so that no budget is ever spent."""

    def pass_() -> bool:
        street.clock.pass_(timedelta(seconds=1))
        return False

    jobs.drain(street.hub, "outside", stop=pass_)


def _released(street: Street, to: str, count: int) -> list[str]:
    """Shipments that go to this country and have no label."""
    orders = street.simulator("shopify").state["orders"]
    there = {id for id, one in orders.items() if one["body"]["shipping_address"]["country_code"] == to}
    with street.hub.database.read() as db:
        found = run(db, "select s.id, o.channel_id from shipments s join orders o on o.id = s.order_id where s.state = 'released'")
        return [row.id for row in found if row.channel_id in there][:count]
