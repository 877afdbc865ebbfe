"""What three channels do together, with the processes of production: how soon all are told of a sale, how soon all are right after a burst
of orders, and what becomes of a hundred units that two hundred buyers want at once, as one pool and in quota."""

import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from config.bench import measure
from config.bench.answers import at_rate
from config.bench.bodies import Body
from config.bench.pace import Pace
from config.bench.rows import Row, left_out, row
from config.bench.stage import Stores
from config.bench.street import CHANNELS
from config.bench.town import Sale, Town, town, wait_until
from config.servers import NotHere
from core.domain.who import COMMAND_LINE
from core.flows import sharing

PLENTY = 1000
BUYERS = 8  # at once, where the rate is fixed or the burst as fast as the channels take it
ONE, DEALT = "RUSH-ONE", "RUSH-DEALT"  # as one pool, and in quota


def measured(stores: Stores, pace: Pace, patterns: Sequence[Body]) -> Iterator[Row]:
    store = stores.best
    goods = {**dict.fromkeys(_told(pace) + _burst(pace), PLENTY), ONE: pace.rush_units, DEALT: pace.rush_units}
    try:
        with town(stores, store, goods) as there:
            yield _told_row(there, store, pace)
            yield from _burst_rows(there, store, pace)
            yield from _shared_rows(there, store, pace)
            yield from _quota_rows(there, store, pace)
    except NotHere as error:
        yield left_out("rush", store, str(error))


def _told(pace: Pace) -> list[str]:
    return [f"TOLD-{number:04}" for number in range(pace.town_sales)]


def _burst(pace: Pace) -> list[str]:
    return [f"BURST-{number:04}" for number in range(pace.burst_skus)]


# ---- how soon all are told of a sale

TOLD = """
select l.sku, l.connection, min(u.told_at) as told_at from pushes u join listings l on l.id = u.listing_id
where u.merchant = :merchant and u.told in ('shown', 'accepted') and l.sku like 'TOLD-%' group by l.sku, l.connection
"""


def _told_row(there: Town, store: str, pace: Pace) -> Row:
    """Each SKU is sold once, on the channels in turn; the other two are told of it."""
    sold: dict[str, Sale] = {}
    waiting = iter(zip(_told(pace), itertools.cycle(CHANNELS)))

    def buy() -> None:
        sku, name = next(waiting)
        sold[sku] = _had(there.buy(name, sku))

    at_rate([buy] * BUYERS, pace.town_per_s, pace.town_sales / pace.town_per_s)
    there.rest()
    last = _last_told(there, sold)
    by_channel = _by_channel([(sold[sku].channel, lag) for sku, lag in last.items()])
    what = f"{len(last)} sales at {pace.town_per_s:.0f}/s, until the last of two channels was told"
    note = f"{what}; p50 and longest by where it was sold: {by_channel} ms"
    return row("told_p99_ms", store, measure.percentile(list(last.values()), 0.99), note=note)


def _had(sale: Sale | None) -> Sale:
    if sale is None:
        raise RuntimeError("a channel is sold out that has plenty")
    return sale


def _last_told(there: Town, sold: dict[str, Sale]) -> dict[str, float]:
    """Milliseconds from each sale until the last channel was told. Raises KeyError where one was never told."""
    told = {(found.sku, found.connection): found.told_at for found in there.rows(TOLD)}
    others = {name: [one.id for other, one in there.connections.items() if other != name] for name in CHANNELS}
    return {sku: max(told[sku, id] - sale.at for id in others[sale.channel]) / 1000 for sku, sale in sold.items()}


# ---- how soon all are right after a burst


def _burst_rows(there: Town, store: str, pace: Pace) -> Iterator[Row]:
    chance, skus = random.Random(1), _burst(pace)
    bought = Counter(chance.choices(skus, weights=[1 / rank for rank in range(1, len(skus) + 1)], k=pace.burst))
    before = {name: there.shelves(name) for name in CHANNELS}
    wishes = zip(itertools.cycle(CHANNELS), list(bought.elements()))
    lasted = measure.timed(lambda: measure.together([partial(_buy_all, there, wishes, threading.Lock())] * BUYERS))
    wanted = {sku: PLENTY - bought[sku] for sku in skus}
    right = wait_until(lambda: all(_shows(there, name, wanted) for name in CHANNELS), 120.0)
    there.rest()
    writes = [there.shelves(name)[sku]["writes"] - before[name][sku]["writes"] for name in CHANNELS for sku in skus]
    what = f"{pace.burst:,} orders of {len(skus)} SKUs on three channels within {lasted:.1f} s ({pace.burst / lasted:.0f}/s)"
    yield row("burst_s", store, right, note=f"{what}; until every listing shows what is left")
    note = f"{max(writes)} at the most, for {bought.most_common(1)[0][1]} sales of the best seller; of {len(writes)} listings"
    yield row("burst_pushes", store, sum(writes) / len(writes), note=note)


def _buy_all(there: Town, wishes: Iterator[tuple[str, str]], lock: Any) -> None:
    while True:
        with lock:
            wish = next(wishes, None)
        if wish is None:
            return
        _had(there.buy(*wish))


def _shows(there: Town, name: str, wanted: dict[str, int]) -> bool:
    shelves = there.shelves(name)
    return all(shelves[sku]["shown"] == units for sku, units in wanted.items())


# ---- two hundred buyers for a hundred units

PREFERS = (70, 25, 5)  # of a hundred buyers so many come to each channel first
MOODS = {"goes on": 10, "waits": 60, "leaves": 30}  # what they do where it is sold out
AGAIN_S = 0.5  # how often somebody who waits looks again
MOST_S = 120.0


@dataclass(frozen=True, slots=True)
class Rush:
    sales: list[Sale]
    seconds: float  # from the opening to the last sale

    def oversold(self, units: int) -> list[Sale]:
        """Those that came after the last unit was sold, in the order of the sales."""
        return self._in_order()[units:]

    def sold_out(self, units: int) -> int:
        """When the last unit was sold; the last sale where so many were not."""
        return self._in_order()[:units][-1].at

    def _in_order(self) -> list[Sale]:
        return sorted(self.sales, key=lambda sale: sale.at)


def _rush(there: Town, sku: str, pace: Pace) -> Rush:
    """All buyers at once. It is over when nobody waits any more, or nothing is on show and everything sold."""
    chance, over, sales = random.Random(2), threading.Event(), list[Sale]()
    firsts = chance.choices(CHANNELS, PREFERS, k=pace.rush_buyers)
    moods = chance.choices(list(MOODS), list(MOODS.values()), k=pace.rush_buyers)
    opening = there.hub.now
    watching = threading.Thread(target=_watch, args=(there, sku, pace.rush_units, sales, over))
    watching.start()
    measure.together([partial(_shop, there, sku, *buyer, sales, over) for buyer in zip(firsts, moods, strict=True)])
    over.set()
    watching.join()
    return Rush(sales, (max(sale.at for sale in sales) - opening) / 1e6)


def _shop(there: Town, sku: str, first: str, mood: str, sales: list[Sale], over: threading.Event) -> None:
    """One buyer, until they have it or give up."""
    start = CHANNELS.index(first)
    ways = [first] if mood != "goes on" else [*CHANNELS[start:], *CHANNELS[:start]]
    while True:
        for name in ways:
            if sale := there.buy(name, sku):
                sales.append(sale)
                return
        if mood != "waits" or over.wait(AGAIN_S):
            return


def _watch(there: Town, sku: str, units: int, sales: list[Sale], over: threading.Event) -> None:
    """Nothing comes any more once all is sold and no channel shows any; nor after some minutes."""
    end = time.monotonic() + MOST_S
    while not over.wait(AGAIN_S) and time.monotonic() < end:
        if len(sales) >= units and not any(there.shown(sku).values()):
            break
    over.set()


def _shared_rows(there: Town, store: str, pace: Pace) -> Iterator[Row]:
    rush = _rush(there, ONE, pace)
    there.rest()
    late, empty = rush.oversold(pace.rush_units), rush.sold_out(pace.rush_units)
    knew = {name: _knew(there, name) for name in CHANNELS}
    behind = [sale for sale in late if sale.at > (knew[sale.channel] or there.hub.now)]
    where = ", ".join(f"{name} {sum(sale.channel == name for sale in late)}" for name in CHANNELS)
    note = f"as one pool: {len(rush.sales)} sold of {pace.rush_units} to {pace.rush_buyers} buyers at once; beyond that at {where}"
    yield row("shared_oversold", store, len(late), note=note)
    told = ", ".join(f"{name} {(at - empty) / 1000:.0f} ms" if at else f"{name} never, it sold out by itself" for name, at in knew.items())
    note = f"of these, sold by a channel after it had been told that nothing is left; after the last unit they were told: {told}"
    yield row("shared_unexplained", store, len(behind), note=note)
    yield _wait_row(there, f"{store} shared", rush)


ZERO = """
select min(u.told_at) as told_at from pushes u join listings l on l.id = u.listing_id
where u.merchant = :merchant and l.connection = :connection and l.sku = :sku and u.quantity = 0 and u.told in ('shown', 'accepted')
"""


def _knew(there: Town, name: str) -> int | None:
    """When this channel was told that nothing is left; None where it sold out by itself."""
    told: int | None = there.rows(ZERO, connection=there.connections[name].id, sku=ONE)[0].told_at
    return told


def _quota_rows(there: Town, store: str, pace: Pace) -> Iterator[Row]:
    there.poll_each(pace.polled_s)
    sharing.set_quota(there.hub, there.merchant, {DEALT: True}, COMMAND_LINE)
    wait_until(lambda: _is_dealt(there, pace.rush_units), MOST_S)
    dealt = there.shown(DEALT)
    rush = _rush(there, DEALT, pace)
    there.rest()
    parts = ", ".join(f"{name} {dealt[name]}" for name in CHANNELS)
    who = ", ".join(f"{name} {sum(sale.channel == name for sale in rush.sales)}" for name in CHANNELS)
    yield row("quota_oversold", store, len(rush.oversold(pace.rush_units)), note=f"dealt as {parts}; sold at {who}")
    yield row("quota_sold", store, len(rush.sales), note=f"of {pace.rush_units} units, to {pace.rush_buyers} buyers at once")
    note = f"until the last is sold: parts go to who sold out once the others' orders are read, here each {pace.polled_s} s"
    yield row("quota_sold_s", store, rush.seconds, note=note)
    yield _wait_row(there, f"{store} quota", rush)


def _is_dealt(there: Town, units: int) -> bool:
    """All shows, and nothing twice."""
    shown = there.shown(DEALT).values()
    return min(shown) > 0 and sum(shown) <= units and max(shown) < units


TAKEN = "select connection, channel_id, taken_at from orders where merchant = :merchant"


def _wait_row(there: Town, store: str, rush: Rush) -> Row:
    taken = {(found.connection, found.channel_id): found.taken_at for found in there.rows(TAKEN)}
    waits = [(sale.channel, (taken[there.connections[sale.channel].id, sale.order] - sale.at) / 1000) for sale in rush.sales]
    note = f"from a sale to its unit reserved, the longest of {len(waits)}; p50 and longest by where: {_by_channel(waits)} ms"
    return row("rush_wait_ms", store, max(wait for _, wait in waits), note=note)


def _by_channel(waits: Sequence[tuple[str, float]]) -> str:
    found = {name: [wait for mine, wait in waits if mine == name] for name in CHANNELS}
    return ", ".join(f"{name} {measure.median(mine):.0f} and {max(mine):.0f}" for name, mine in found.items() if mine)
