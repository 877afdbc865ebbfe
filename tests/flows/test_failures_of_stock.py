"""The failures of stock that users of other hubs reported most, each by its number or name and the words it was reported in.

Where nothing else is said the channels are the simulators of Shopify, Amazon and eBay, in this process, on a clock that is turned by hand;
`test_failures_stock.py` and `test_failures_orders.py` hold the finer points of each.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from config import schedule
from config.bench.street import CHANNELS, Street
from core.flows import doctor
from core.flows.allocation import map_listing
from core.store import connections, listings, stock
from tests.conftest import House
from tests.flows import books
from tests.flows.acts import deliver, notice
from tests.flows.workers import drain_in_small_sets, in_threads

SECOND = timedelta(seconds=1)
PATIENCE = 90  # of these steps until nothing is to be told any more
STEP = timedelta(seconds=20)


@pytest.fixture
def make_street(tmp_path: Path) -> Iterator[Callable[..., Street]]:
    made: list[Street] = []

    def make(*names: str, skus: Mapping[str, int], **different: str) -> Street:
        street = Street(tmp_path, names or CHANNELS, **different)
        made.append(street)
        for _, simulator in street.stage.cast.values():
            simulator.catalogue([_ware(sku, units) for sku, units in skus.items()])
        count(street, **skus)
        street.drain()
        return street

    yield make
    for street in made:
        street.close()


def _ware(sku: str, units: int) -> dict[str, object]:
    return {"sku": sku, "title": f"A {sku}", "price": "9.00", "quantity": units, "currency": "USD"}


def count(street: Street, **units: int) -> None:
    rows = [{"sku": sku, "title": sku, "location": street.place, "on_hand": on_hand} for sku, on_hand in units.items()]
    with street.hub.unit() as work:
        stock.count(work.db, street.merchant, rows, work.now)
        for connection in listings.touch(work.db, street.merchant, units, None):
            work.ask(street.merchant, "publish_stock", connection, connection)


def shown(street: Street, sku: str) -> dict[str, int]:
    found = {(name, one["sku"]): one["shown"] for name in street.connections for one in street.simulator(name).listings()}
    return {name: found[name, sku] for name in street.connections if (name, sku) in found}


def everywhere(street: Street, units: int) -> dict[str, int]:
    return dict.fromkeys(street.connections, units)


def live(street: Street, steps: int = PATIENCE) -> None:
    """Time passes until nothing waits to be told, accepted, raised or taken."""
    for _ in range(steps):
        schedule.tick(street.hub)
        street.drain()
        if not _waits(street):
            return
        street.clock.pass_(STEP)


WAITS = """
select 1 from listings where (changed > told and writable is null and mapped) or accepted_at is not null or raise_from is not null limit 1
"""
PARKED = "select kind, subject, cause, detail from tasks where state = 'parked'"


def _waits(street: Street) -> bool:
    return bool(books.rows(street.hub, WAITS)) or any(kind == "take_orders" for kind, _, _ in books.open_tasks(street.hub))


def sell(street: Street, name: str, **units: int) -> None:
    """A buyer buys at a channel, and its orders are asked for."""
    street.simulator(name).place({"lines": [{"sku": sku, "quantity": number} for sku, number in units.items()]})
    street.clock.pass_(timedelta(minutes=5))
    ask_for_orders(street, name)
    live(street)


def ask_for_orders(street: Street, name: str) -> None:
    connection = street.connections[name]
    with street.hub.unit() as work:
        work.ask(street.merchant, "poll_orders", connection.id, connection.id)


def offer_kit(street: Street, sku: str, **parts: int) -> None:
    """Every channel sells this kit, too, and it is known what is in it."""
    for name, connection in street.connections.items():
        street.simulator(name).catalogue([_ware(sku, 0)])
        with street.hub.unit() as work:
            work.ask(street.merchant, "read_listings", connection.id, connection.id)
    live(street)
    names = [(one.connection, one.listing, one.sku) for one in _shelves(street) if one.sku == sku]
    assert len(names) == len(street.connections)
    with street.hub.unit() as work:
        for name in names:
            map_listing(work, street.merchant, name, parts)
    live(street)


def _shelves(street: Street) -> list[listings.Shelf]:
    with street.hub.database.read() as db:
        return listings.all_of(db, street.merchant)


# ---- failure 5


@pytest.mark.parametrize("units", [20, 1])
def test_failure_5_oversell_by_concurrent_orders_each_unit_is_reserved_once_and_the_rest_waits(
    make_house: Callable[..., House], units: int
) -> None:
    """On both databases, by threads that reserve at once: 27 buyers of one unit each over three channels (bogus ones)."""
    house = make_house("north", "south", "west")
    house.shelve(A=units)
    for n in range(9):
        for name, system in house.systems.items():
            deliver(house, [notice(system.sell({"A": 1}), f"{name} {n}")], house.connections[name])

    in_threads([lambda: drain_in_small_sets(house.hub)] * 4)
    house.drain()

    with house.hub.database.read() as db:
        assert stock.units(db, house.merchant.id) == {"reserved": units, "on_hand": units, "short": 27 - units, "unmapped": 0}
    assert books.rows(house.hub, "select sku from levels where reserved < 0 or on_hand < reserved") == []
    assert [system.listings["L-A", "A"].shown for system in house.systems.values()] == [0, 0, 0]
    assert books.parked(house.hub) == []
    books.balance(house.hub)


# ---- failure 6


def test_failure_6_stock_on_channels_stale_or_wrong_ten_nine_ten_ends_at_ten_on_each_channel(make_street: Callable[..., Street]) -> None:
    """All within a minute: a channel that took the second ten for the first one, by its idempotency key, would keep the nine."""
    street = make_street(skus={"A": 11})

    for units in (10, 9, 10):
        count(street, A=units)
        street.drain()
        street.clock.pass_(SECOND)
    live(street)

    assert shown(street, "A") == everywhere(street, 10)


def test_failure_6_stock_on_channels_stale_or_wrong_ten_nine_ten_by_a_sale_that_is_cancelled(make_street: Callable[..., Street]) -> None:
    street = make_street(skus={"A": 10})

    sell(street, "ebay", A=1)
    assert shown(street, "A") == everywhere(street, 9)
    [order] = street.simulator("ebay").orders()
    street.simulator("ebay").act(order["id"], "cancel", {"restock": True})
    street.clock.pass_(timedelta(minutes=15))
    live(street)

    assert shown(street, "A") == everywhere(street, 10)


# ---- failure 7


@pytest.mark.parametrize(("on_hand", "sold"), [(10, 3), (3, 3), (10, 0)])
def test_failure_7_published_quantity_ignores_reservations_each_channel_shows_on_hand_less_reserved_less_its_buffer(
    make_street: Callable[..., Street], on_hand: int, sold: int
) -> None:
    street, buffers = make_street(skus={"A": on_hand}), {"shopify": 0, "amazon": 2, "ebay": 20}
    with street.hub.unit() as work:
        for name, units in buffers.items():
            connections.set_buffer(work.db, street.connections[name].id, units)
            work.ask(street.merchant, "publish_stock", street.connections[name].id, street.connections[name].id)
    if sold:
        sell(street, "shopify", A=sold)
    live(street)

    assert shown(street, "A") == {name: max(0, on_hand - sold - units) for name, units in buffers.items()}


# ---- failure 8


def test_failure_8_throttled_during_bulk_stock_push_all_listings_converge_and_no_order_starves(make_street: Callable[..., Street]) -> None:
    """300 SKUs instead of 5,000, and so another app of the shop empties the leaky bucket that they share, whenever we are to push.
    `test_five_thousand_listings_converge...` has all 5,000."""
    goods = {f"S{number:04}": 50 for number in range(300)}
    street = make_street("shopify", skus=goods)

    for units in (49, 48, 47):
        count(street, **dict.fromkeys(goods, units))
        empty_the_bucket(street)
        street.drain()
        assert ("publish_stock", "RateLimited") in books.rows(street.hub, THROTTLED)
    street.simulator("shopify").place({"lines": [{"sku": "S0000", "quantity": 1}]})
    ask_for_orders(street, "shopify")
    sold_at = street.clock()
    while not street.here("shopify"):
        street.clock.pass_(SECOND)
        street.drain()
    taken_at = street.clock()
    live(street)

    assert taken_at - sold_at <= timedelta(seconds=30)
    assert {one["shown"] for one in street.simulator("shopify").listings() if one["sku"] != "S0000"} == {47}
    assert shown(street, "S0000") == {"shopify": 46}
    assert books.rows(street.hub, PARKED) == []


THROTTLED = "select kind, cause from tasks where state = 'due' and cause is not null"


def empty_the_bucket(street: Street) -> None:
    street.world("shopify").buckets["graphql"] = (0.0, street.clock())


# ---- failure 9


@pytest.mark.parametrize("name", CHANNELS)
def test_failure_9_one_bad_sku_fails_the_whole_batch_it_is_shown_with_its_reason_and_the_others_are_written(
    make_street: Callable[..., Street], name: str
) -> None:
    street = make_street(name, skus={"A": 10, "B": 10, "C": 10})
    gone = next(one["listing"] for one in street.simulator(name).listings() if one["sku"] == "B")
    vanish(street, name, gone)

    count(street, A=1, B=2, C=3)
    live(street)

    assert [shown(street, sku)[name] for sku in "AC"] == [1, 3]
    told = {one.sku: one.problem for one in _shelves(street)}
    assert (told["A"], told["C"]) == (None, None)
    assert told["B"]
    assert books.rows(street.hub, PARKED) == []


def vanish(street: Street, name: str, listing: str) -> None:
    """Somebody takes a listing off the channel by hand."""
    state = street.simulator(name).state
    match name:
        case "shopify":
            item = str(state["variants"].pop(listing)["inventory_item"]["id"])
            del state["levels"][item]
        case "amazon":
            state["listings"] = {sku: one for sku, one in state["listings"].items() if one["asin"] != listing}
        case _:
            state["listings"] = [one for one in state["listings"] if str(one["item"]) != listing]


# ---- bundles


def test_failure_bundle_component_stock_not_counted_a_kit_sold_lowers_its_parts_and_other_kits_on_all_channels(
    make_street: Callable[..., Street],
) -> None:
    street = make_street(skus={"A": 10, "B": 3})
    offer_kit(street, "KIT", A=2, B=1)
    offer_kit(street, "TRIO", A=3)
    assert [shown(street, sku) for sku in ("A", "B", "KIT", "TRIO")] == [everywhere(street, units) for units in (10, 3, 3, 3)]

    sell(street, "amazon", KIT=2)

    assert books.level(street.hub, "A") == (10, 4)
    assert [shown(street, sku) for sku in ("A", "B", "KIT", "TRIO")] == [everywhere(street, units) for units in (6, 1, 1, 2)]
    with street.hub.database.read() as db:
        assert [one.name for one in doctor.examine(db, street.hub.now) if not one.ok] == []


def test_failure_bundle_component_stock_not_counted_a_part_sold_lowers_every_kit_on_all_channels(
    make_street: Callable[..., Street],
) -> None:
    street = make_street(skus={"A": 10, "B": 9})
    offer_kit(street, "KIT", A=2, B=1)

    sell(street, "ebay", A=7)

    assert [shown(street, sku) for sku in ("A", "B", "KIT")] == [everywhere(street, units) for units in (3, 9, 1)]
