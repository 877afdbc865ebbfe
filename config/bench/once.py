"""Labels, confirmations and documents in trouble: how many live labels a parcel has in its carrier's own log, how often its channel was
told, and how many documents of an entry stand in a ledger (see config.bench.entered).

A run is a seed: one shipment whose label is bought, or that leaves and is told of, while calls are refused, broken, cut off or slower than
anybody waits, and workers die at their writes. Then time passes until nothing is due any more.
"""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from config import logging
from config.bench.bodies import Body
from config.bench.entered import Office
from config.bench.pace import Pace
from config.bench.rows import Row, row
from config.bench.stage import Stores
from config.bench.street import CARRIERS, CHANNELS, LEDGERS, Street
from config.bench.trouble import Ending, Run, Scene
from core.domain.shipments import State
from core.domain.who import HUB
from core.flows import labelling, sending
from core.store.sql import run as ask

PARTS, FEW = 2, 50  # processes, and runs that are not worth a second one
SYSTEMS = (*CARRIERS, *CHANNELS, *LEDGERS)
WHAT = (
    dict.fromkeys(CARRIERS, "labels_per_parcel")
    | dict.fromkeys(CHANNELS, "confirmations_per_parcel")
    | dict.fromkeys(LEDGERS, "documents_per_entry")
)
SERVICES = {"ups": "03", "fedex": "FEDEX_GROUND", "usps": "USPS_GROUND_ADVANTAGE", "dhl": "P"}
UNITS = {"A": 2, "B": 1}


class Dock(Scene):
    """All channels and carriers with a shipment for each, of which every run has a copy."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.street = street = Street(folder, CHANNELS, carriers=CARRIERS)
        street.offer(list(UNITS))
        street.drain()
        self.orders = {name: street.sell(name, UNITS) for name in CHANNELS}
        self.orders |= {name: street.sell("shopify", UNITS, "DE" if name == "dhl" else "US") for name in CARRIERS}
        street.poll()
        self._measure()
        self.shipments = {name: self._shipment(order) for name, order in self.orders.items()}
        for name in CHANNELS:
            labelling.want(street.hub, street.merchant, self.shipments[name], street.connections["ups"].id, SERVICES["ups"], HUB)
        street.drain()
        street.clock.pass_(timedelta(hours=1))
        self.keep(folder)
        self.before = {name: len(street.carrier(name).parcels()) for name in CARRIERS}  # labels that are of no run

    def _measure(self) -> None:
        """Some carriers ask how large a parcel is."""
        with self.street.hub.unit() as work:
            ask(work.db, "update parcels set length_mm = 300, width_mm = 200, height_mm = 150")

    def _shipment(self, order: str) -> str:
        with self.street.hub.database.read() as db:
            found = ask(db, "select s.id from shipments s join orders o on o.id = s.order_id where o.channel_id = :order", order=order)
            return str(found.scalar_one())

    def begin(self, run: Run) -> None:
        (buy if run.name in CARRIERS else tell)(self, run)

    def judge(self, run: Run) -> Ending:
        return (labels if run.name in CARRIERS else confirmations)(self, run)


PURCHASES = """
select p.id, p.state, t.state as task from purchases p left join tasks t on t.subject = p.id and t.kind = 'buy_labels'
where p.shipment = :id order by p.asked_at
"""
PARCELS = (
    "select s.state, p.tracking, p.told_at, p.told_problem, p.id from shipments s join parcels p on p.shipment = s.id where s.id = :id"
)
TASKS = "select state from tasks where kind = 'confirm_parcels' and subject = :id"


def buy(dock: Dock, run: Run) -> None:
    """Somebody wants a label of the carrier."""
    street, carrier = run.street, run.street.connections[run.name].id
    run.click(lambda: labelling.want(street.hub, street.merchant, dock.shipments[run.name], carrier, SERVICES[run.name], HUB))


def labels(dock: Dock, run: Run) -> Ending:
    """How many labels the parcel has at the carrier that are not given back."""
    [ours], bought = run.rows(PARCELS, id=dock.shipments[run.name]), run.rows(PURCHASES, id=dock.shipments[run.name])
    parcels = run.street.carrier(run.name).parcels()[dock.before[run.name] :]
    live = [one["tracking"] for one in parcels if not one["voided"]]
    thrown = sum(one.state == "voided" for one in bought) if run.name == "dhl" else 0
    held = any(one.state == "asked" and one.task == "parked" for one in bought)
    end = Ending(run.name, run.seed, len(live) - thrown, held, thrown, seen=run.seen)
    if run.seen["restless"]:
        end.wrong = "it does not come to rest"
    elif end.count > 1:
        end.wrong = f"{end.count} live labels: {live}"
    elif not held and (ours.state != State.LABELLED or ours.tracking not in live):
        end.wrong = f"the shipment is {ours.state} with {ours.tracking}, the carrier has {live}: {[tuple(one) for one in bought]}"
    return end


def tell(dock: Dock, run: Run) -> None:
    """A parcel leaves, and its channel is to be told."""
    run.click(lambda: sending.send(run.street.hub, run.street.merchant, [dock.shipments[run.name]], HUB))


def confirmations(dock: Dock, run: Run) -> Ending:
    """How often the channel was told of the parcel."""
    [ours] = run.rows(PARCELS, id=dock.shipments[run.name])
    order = next(one for one in run.street.simulator(run.name).orders() if one["id"] == dock.orders[run.name])
    count = sum(one["tracking"] == ours.tracking and one["units"] == UNITS for one in order["shipments"])
    held = any(row.state == "parked" for row in run.rows(TASKS, id=ours.id))
    end = Ending(run.name, run.seed, len(order["shipments"]), held, seen=run.seen)
    if run.seen["restless"]:
        end.wrong = "it does not come to rest"
    elif end.count > 1 or (not held and (count != 1 or ours.told_at is None)):
        end.wrong = f"the parcel is {ours.state} with {ours.tracking}, the channel has {order['shipments']}"
    return end


def measured(stores: Stores, pace: Pace, patterns: Sequence[Body]) -> Iterator[Row]:
    """Channels and carriers are their simulators with the vendors' limits, called in process, on a clock that is turned by hand."""
    found: dict[str, list[Ending]] = {}
    for one in runs(stores.folder / "once", pace.once_runs):
        found.setdefault(one.name, []).append(one)
    for name in SYSTEMS:
        yield from _rows(name, found[name])


def _rows(name: str, endings: Sequence[Ending]) -> Iterator[Row]:
    what = WHAT[name]
    counts, wrong = [one.count for one in endings], [one for one in endings if one.wrong]
    told = [one.count for one in endings if not one.held]
    seen = sum((one.seen for one in endings), Counter[str]())
    thrown = sum(one.thrown for one in endings)
    note = f"the most of {len(endings):,} runs; {seen['broken']:,} calls broken, {seen['deaths']:,} workers killed"
    note += f"; {thrown} more labels were never printed, and cost nothing there" if thrown else ""
    note += f"; broke with the seeds {', '.join(str(one.seed) for one in wrong[:9])}" if wrong else ""
    yield row(what, name, max(counts), note=note)
    yield row(f"{what}_least", name, min(told, default=1), note="of those that nobody has to look at")
    yield row("held_share", name, sum(one.held for one in endings) / len(endings), note="a person has to look what became of it")
    yield row("once_broken", name, len(wrong), note=wrong[0].wrong if wrong else "")


def runs(folder: Path, count: int) -> Iterator[Ending]:
    """What this many seeds come to at each carrier and channel, spread over processes."""
    seeds = [(name, seed) for seed in range(1, count + 1) for name in SYSTEMS]
    if len(seeds) < FEW:
        yield from _ran(folder, seeds)
        return
    parts = [(folder / str(part), seeds[part::PARTS]) for part in range(PARTS)]
    with ProcessPoolExecutor(PARTS, get_context("spawn")) as processes:
        for endings in processes.map(_part, *zip(*parts, strict=True)):
            yield from endings


def _part(folder: Path, seeds: Sequence[tuple[str, int]]) -> list[Ending]:
    logging.set_up("critical")
    return _ran(folder, seeds)


def _ran(folder: Path, seeds: Sequence[tuple[str, int]]) -> list[Ending]:
    """Those of ledgers apart from the others: each of the two scenes stands on a street of its own."""
    return [
        one
        for make, names in ((Dock, (*CARRIERS, *CHANNELS)), (Office, LEDGERS))
        for one in _played(make, folder / make.__name__, [found for found in seeds if found[0] in names])
    ]


def _played(make: type[Dock] | type[Office], folder: Path, seeds: Sequence[tuple[str, int]]) -> Iterator[Ending]:
    if not seeds:
        return
    scene = make(folder)
    try:
        for name, seed in seeds:
            yield scene.run(name, seed)
    finally:
        scene.street.close()


def main(name: str, *seeds: str) -> None:
    """Replay these; "1-1000" are all of these."""
    logging.set_up("warning" if len(seeds) == 1 and seeds[0].isdigit() else "error")
    with TemporaryDirectory(prefix="crossdock-once-") as folder:
        for one in _played(Office if name in LEDGERS else Dock, Path(folder), [(name, seed) for said in seeds for seed in _each(said)]):
            print(one, flush=True)


def _each(said: str) -> range:
    first, _, last = said.partition("-")
    return range(int(first), int(last or first) + 1)


if __name__ == "__main__":
    main(*sys.argv[1:])
