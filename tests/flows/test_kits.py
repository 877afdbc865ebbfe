"""Kits: what is shown of listings that share parts is exactly what can be reserved; maps that cannot be are refused; who explodes."""

import random
from collections.abc import Callable
from datetime import timedelta

import pytest

from core.domain.kits import Exploded
from core.domain.who import COMMAND_LINE
from core.errors import Refused
from core.flows import exposing, kits, mapping, sharing
from core.flows.allocation import map_listing
from core.flows.kits import How, WrongKit
from core.store import displays, goods, listings, stock
from tests.conftest import House
from tests.flows import acts, books

MakeHouse = Callable[..., House]
EAST, WEST = "east", "west"


@pytest.fixture
def house(make_house: MakeHouse) -> House:
    """Two channels sell a set of two mugs and a tray, a pack of three mugs, and mugs; the parts lie at two locations."""
    house = make_house("north", "south")
    for system in house.systems.values():
        for sku in ("SET", "PACK", "MUG"):
            system.offer(sku, 0)
    with house.hub.unit() as work:
        stock.add_location(work.db, house.merchant.id, EAST, "East")
        stock.add_location(work.db, house.merchant.id, WEST, "West", rank=1)
    count(house, MUG=(0, 0), TRAY=(0, 0))
    for connection in house.connections.values():
        house.ask("read_listings", connection=connection)
    house.drain()
    for connection in house.connections.values():
        with house.hub.unit() as work:
            map_listing(work, house.merchant.id, (connection.id, "L-SET", "SET"), {"MUG": 2, "TRAY": 1})
            map_listing(work, house.merchant.id, (connection.id, "L-PACK", "PACK"), {"MUG": 3})
    house.drain()
    return house


def count(house: House, **units: tuple[int, int]) -> None:
    """So many of each lie in the East and in the West."""
    rows = [
        {"sku": sku, "title": sku, "location": at, "on_hand": units[sku][n]} for sku in units for n, at in enumerate((EAST, WEST))
    ]  # fmt: skip
    with house.hub.unit() as work:
        stock.count(work.db, house.merchant.id, rows, work.now)
        for connection in listings.touch(work.db, house.merchant.id, units, None):
            work.ask(house.merchant.id, "publish_stock", connection, connection)
    house.drain()


def look(house: House) -> None:
    """The orders of both channels are read."""
    house.clock.pass_(timedelta(minutes=5))
    house.poll()


def row(house: House, sku: str = "SET", channel: str = "north") -> int:
    found: int = books.one(
        house.hub, "select id from listings where sku = :sku and connection = :c", sku=sku, c=house.connections[channel].id
    )
    return found


def stand(house: House, *, alone: bool = True, sku: str = "SET") -> None:
    """All parts of a unit must lie at one location, on both channels."""
    for channel in house.systems:
        kits.set_how(house.hub, house.merchant.id, row(house, sku, channel), How(alone=alone), COMMAND_LINE)
    house.drain()


def shown(house: House, sku: str = "SET") -> list[int]:
    return [system.listings[f"L-{sku}", sku].shown for system in house.systems.values()]


def test_bundle_component_stock_not_counted(house: House) -> None:
    """What a kit may sell follows each of its parts, whoever consumes them: sales of a part alone, of another kit, and a count."""
    count(house, MUG=(9, 0), TRAY=(4, 0))
    assert (shown(house), shown(house, "PACK"), shown(house, "MUG")) == ([4, 4], [3, 3], [9, 9])

    house.systems["north"].sell({"MUG": 4})
    look(house)
    assert (shown(house), shown(house, "PACK"), shown(house, "MUG")) == ([2, 2], [1, 1], [5, 5])

    house.systems["south"].sell({"PACK": 1})
    look(house)
    assert (shown(house), shown(house, "PACK"), shown(house, "MUG")) == ([1, 1], [0, 0], [2, 2])

    house.systems["north"].sell({"SET": 1})
    look(house)
    assert (shown(house), shown(house, "PACK"), shown(house, "MUG")) == ([0, 0], [0, 0], [0, 0])
    assert books.level(house.hub, "MUG") == (9, 9)
    assert books.level(house.hub, "TRAY") == (4, 1)
    books.balance(house.hub)


def test_the_parts_of_a_kit_are_reserved_leave_and_come_back_with_it(house: House) -> None:
    count(house, MUG=(9, 0), TRAY=(4, 0))
    order = house.systems["north"].sell({"SET": 2})["id"]
    look(house)
    assert (books.level(house.hub, "MUG"), books.level(house.hub, "TRAY")) == ((9, 4), (4, 2))

    acts.fulfill(house.systems["north"], order, "1", 1)
    look(house)
    assert (books.level(house.hub, "MUG"), books.level(house.hub, "TRAY")) == ((7, 2), (3, 1))

    acts.refund(house.systems["north"], order, "1", 1, "return")
    look(house)
    assert (books.level(house.hub, "MUG"), books.level(house.hub, "TRAY")) == ((9, 2), (4, 1))
    books.balance(house.hub)


def test_a_kit_that_must_lie_at_one_location_shows_what_is_whole_at_each(house: House) -> None:
    count(house, MUG=(5, 3), TRAY=(1, 4))
    assert shown(house) == [4, 4], "together: eight mugs and five trays"

    stand(house)

    assert shown(house) == [2, 2], "a set of mugs and tray in the East, one in the West"
    house.systems["north"].sell({"SET": 2})
    look(house)
    assert sorted(books.rows(house.hub, "select sku, location, units from reservations")) == [
        ("MUG", EAST, 2), ("MUG", WEST, 2), ("TRAY", EAST, 1), ("TRAY", WEST, 1)
    ]  # fmt: skip
    assert (shown(house), books.wrong_listings(house)) == ([0, 0], [])
    books.balance(house.hub)


def test_what_was_reserved_across_locations_is_whole_once_somebody_says_that_it_must(house: House) -> None:
    count(house, MUG=(2, 2), TRAY=(0, 3))
    house.systems["north"].sell({"SET": 2})
    look(house)
    assert books.level(house.hub, "MUG") == (4, 4)

    stand(house)

    assert books.rows(house.hub, "select sum(held), max(waits) from order_lines") == [(1, "stock")]
    books.balance(house.hub)
    stand(house, alone=False)
    assert books.rows(house.hub, "select sum(held), max(waits) from order_lines") == [(2, None)]
    books.balance(house.hub)


@pytest.mark.parametrize("seed", range(2))
def test_whatever_is_sold_counted_and_sent_kits_show_exactly_what_can_be_put_together(house: House, seed: int) -> None:
    dice = random.Random(seed)
    stand(house, alone=True)
    stand(house, alone=True, sku="PACK")
    for _ in range(8):
        system = house.systems[dice.choice(list(house.systems))]
        match dice.choice(["count", "sell", "sell", "send", "cancel"]):
            case "count":
                count(house, **{sku: (dice.randrange(9), dice.randrange(9)) for sku in ("MUG", "TRAY")})
            case "sell":
                system.sell({dice.choice(["SET", "PACK", "MUG"]): dice.randint(1, 3)})
            case act if system.orders:
                order = dice.choice(list(system.orders))
                line = system.orders[order]["lines"][0]
                if act == "send" and acts.left(line) and not system.orders[order]["cancelled_at"]:
                    acts.fulfill(system, order, "1", 1)
                elif act == "cancel":
                    acts.cancel(system, order)
        look(house)
        books.balance(house.hub)
        if not books.one(house.hub, "select count(*) from order_lines where waits is not null"):  # what those are owed is shown nowhere
            assert books.wrong_listings(house) == []
        assert all(there <= wanted for _, _, there, wanted in books.wrong_listings(house)), "never more than can be put together"


# ---- maps that cannot be


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("SET=1, MUG", "SET is itself a kit"),
        ("PACK, PACK=2", "write a SKU"),
        ("MUG=0", "write a SKU"),
        ("MUG=-1", "MUG=-1"),
        ("NEVER", "NEVER"),
    ],
)
def test_a_map_that_cannot_be_is_refused_with_the_reason_and_nothing_changes(house: House, said: str, why: str) -> None:
    with house.hub.unit() as work:
        goods.name(work.db, house.merchant.id, [("SET", ""), ("PACK", "")], work.now)

    with pytest.raises((WrongKit, Refused, mapping.NotOurs), match=why):
        mapping.map_many(house.hub, house.merchant.id, {row(house, "PACK"): said}, COMMAND_LINE)

    assert books.rows(house.hub, f"select sku, units from listing_parts where listing_id = {row(house, 'PACK')}") == [("MUG", 3)]


def test_a_kit_that_contains_itself_is_refused(house: House) -> None:
    with house.hub.unit() as work, pytest.raises(WrongKit, match="cannot contain itself"):
        kits.check(work, house.merchant.id, (house.connections["north"].id, "L-SET", "SET"), {"SET": 1, "MUG": 1})


def test_what_kits_are_made_of_cannot_become_a_kit_unless_it_is_counted(house: House) -> None:
    name = (house.connections["north"].id, "L-MUG", "MUG")
    with house.hub.unit() as work:
        kits.check(work, house.merchant.id, name, {"TRAY": 1})  # mugs are counted: they may be taken out of elsewhere
        work.db.exec_driver_sql("delete from levels where sku = 'MUG'")
        with pytest.raises(WrongKit, match="a kit in a kit"):
            kits.check(work, house.merchant.id, name, {"TRAY": 1})


def test_a_kit_that_is_counted_as_a_sku_of_its_own_may_be_a_part(house: House) -> None:
    count(house, SET=(3, 0))
    with house.hub.unit() as work:
        kits.check(work, house.merchant.id, (house.connections["north"].id, "L-PACK", "PACK"), {"SET": 1, "MUG": 1})


def test_a_kit_at_one_location_and_a_quota_do_not_go_together(house: House) -> None:
    stand(house)
    with pytest.raises(WrongKit, match="cannot be dealt"):
        sharing.set_quota(house.hub, house.merchant.id, {"TRAY": True}, COMMAND_LINE)
    stand(house, alone=False)
    sharing.set_quota(house.hub, house.merchant.id, {"TRAY": True}, COMMAND_LINE)

    with pytest.raises(WrongKit, match="is in quota"):
        stand(house)
    assert not displays_of(house).alone


def displays_of(house: House, sku: str = "SET") -> displays.Listed:
    with house.hub.database.read() as db:
        found = displays.one(db, house.merchant.id, row(house, sku))
    assert found
    return found


# ---- who explodes


def split(house: House, *, by: Exploded = Exploded.CHANNEL) -> None:
    for channel in house.systems:
        kits.set_how(house.hub, house.merchant.id, row(house, "SET", channel), How(exploded_by=by), COMMAND_LINE)
    house.drain()


def test_where_an_app_adds_the_parts_as_lines_the_kit_consumes_nothing_and_is_not_written(house: House) -> None:
    count(house, MUG=(9, 0), TRAY=(4, 0))
    split(house)
    writes = len(house.systems["north"].listings["L-SET", "SET"].writes)

    house.systems["north"].sell({"SET": 1, "MUG": 2})
    look(house)

    assert (books.level(house.hub, "MUG"), books.level(house.hub, "TRAY")) == ((9, 2), (4, 0))
    assert books.rows(house.hub, "select sku, hold, held, waits from order_lines order by line") == [
        ("SET", 1, 0, None),
        ("MUG", 2, 2, None),
    ]
    assert len(house.systems["north"].listings["L-SET", "SET"].writes) == writes
    assert displays_of(house).display.writable == "its channel lists the parts as lines of their own"
    books.balance(house.hub)


def test_who_explodes_may_change_while_orders_are_open(house: House) -> None:
    count(house, MUG=(9, 0), TRAY=(4, 0))
    order = house.systems["north"].sell({"SET": 2})["id"]
    look(house)
    split(house)
    assert books.level(house.hub, "MUG") == (9, 0)
    acts.fulfill(house.systems["north"], order, "1", 1)
    look(house)
    assert books.level(house.hub, "MUG") == (9, 0)

    split(house, by=Exploded.HUB)

    assert books.level(house.hub, "MUG") == (9, 2), "what left meanwhile left as lines of its own"
    assert shown(house) == [3, 3]
    books.balance(house.hub)


def test_how_a_kit_leaves_stays_when_its_catalogue_is_read_again(house: House) -> None:
    split(house)
    for connection in house.connections.values():
        house.ask("read_listings", connection=connection)
    house.drain()

    assert (displays_of(house).exploded_by, displays_of(house).display.writable is None) == ("channel", False)
    assert exposing.set_rules(house.hub, house.merchant.id, {}, COMMAND_LINE) == []
