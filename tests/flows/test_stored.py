"""What Amazon's warehouses hold: read, never written, reserved or shown elsewhere; transfers there are received by what it reports."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from config import schedule
from core.domain.inbound import Came, Kind, State
from core.domain.places import LocationKind
from core.domain.who import Who
from core.errors import Refused
from core.flows import inbound, places
from core.flows.inbound import Draft
from core.ports import About, Notice, Stored
from core.store import goods, inbounds, stock
from tests.conftest import House
from tests.flows import books

ANN = Who("u1", "Ann")


@pytest.fixture
def house(make_house: Callable[..., House]) -> House:
    """A and B on the shelf; the channel has warehouses of its own, and a location of ours stands for them."""
    house = make_house("east")
    house.shelve(A=10, B=5)
    places.add_location(house.hub, house.merchant.id, "FBA", ANN, LocationKind.FBA)
    return house


def fba(house: House) -> str:
    return str(books.one(house.hub, "select id from locations where kind = 'fba'"))


def holds(house: House, *some: Stored) -> None:
    house.bogus.warehouse = {one.sku: one for one in some}
    house.ask("read_stored")
    house.drain()


def levels(house: House) -> list[tuple[str, int, int, int]]:
    query = "select sku, on_hand, reserved, damaged from levels where location = :at order by sku"
    return [(row[0], row[1], row[2], row[3]) for row in books.rows(house.hub, query, at=fba(house))]


def send(house: House, units: int) -> str:
    id = inbound.add(house.hub, house.merchant.id, Draft(Kind.TRANSFER, fba(house), house.place, lines={"A": units}), ANN)
    inbound.send(house.hub, house.merchant.id, id, ANN)
    house.drain()
    return id


def line(house: House, id: str) -> tuple[int, int, int]:
    with house.hub.database.read() as db:
        found = inbounds.one(db, house.merchant.id, id)
    assert found
    one = found.lines["A"]
    return one.sent, one.received, one.missing(found.kind)


def test_levels_are_what_the_channel_says_and_each_difference_is_a_movement(house: House) -> None:
    house.bogus.per_page = 1
    holds(house, Stored("A", 7, 1), Stored("B", 2), Stored("strange", 9))
    assert levels(house) == [("A", 7, 0, 1), ("B", 2, 0, 0)]

    holds(house, Stored("A", 9, 0))

    assert levels(house) == [("A", 9, 0, 0), ("B", 0, 0, 0)]
    assert books.rows(house.hub, "select sku, units, damaged from movements where cause = 'fba' order by id") == [
        ("A", 7, 1), ("B", 2, 0), ("A", 2, -1), ("B", -2, 0),
    ]  # fmt: skip
    books.balance(house.hub)


def test_what_it_holds_is_neither_shown_nor_reserved(house: House) -> None:
    holds(house, Stored("A", 70))
    house.bogus.sell({"A": 12})
    house.clock.pass_(timedelta(minutes=5))
    house.poll()

    assert house.bogus.listings["L-A", "A"].shown == 0
    assert books.rows(house.hub, "select held, waits from order_lines") == [(10, "stock")]
    assert levels(house) == [("A", 70, 0, 0)]
    with house.hub.database.read() as db:
        assert stock.units(db, house.merchant.id)["on_hand"] == 15
        [row] = [row for row in goods.page(db, house.merchant.id) if row.sku == "A"]
    assert (row.on_hand, row.reserved) == (10, 10)


def test_nothing_is_read_where_no_location_stands_for_it(make_house: Callable[..., House]) -> None:
    house = make_house("east")
    holds(house, Stored("A", 7))

    assert [call for call, _ in house.bogus.calls if call == "stored"] == []


def test_a_transfer_there_leaves_our_shelf_and_is_received_by_what_the_channel_reports(house: House) -> None:
    holds(house, Stored("A", 0))
    id = send(house, 6)
    assert house.bogus.listings["L-A", "A"].shown == 4
    with pytest.raises(Refused, match="what it receives is read there"):
        inbound.receive(house.hub, house.merchant.id, id, [Came("A", 6)], ANN)

    holds(house, Stored("A", 0, coming=6))
    assert line(house, id) == (6, 0, 6)
    holds(house, Stored("A", 4, coming=2))
    assert line(house, id) == (6, 4, 2)
    holds(house, Stored("A", 4, coming=2))

    assert inbound.close(house.hub, house.merchant.id, id, ANN) == {"A": 2}
    assert levels(house) == [("A", 4, 0, 0)]
    with house.hub.database.read() as db:
        found = inbounds.one(db, house.merchant.id, id)
    assert found and found.state is State.CLOSED
    assert books.rows(house.hub, "select name from audit where act = 'inbound.receive'") == [("east",)]
    books.balance(house.hub)


def test_the_oldest_of_two_transfers_is_received_first(house: House) -> None:
    first = send(house, 3)
    house.clock.pass_(timedelta(seconds=1))
    second = send(house, 3)
    holds(house, Stored("A", 0, coming=6))

    holds(house, Stored("A", 4, coming=2))

    assert (line(house, first), line(house, second)) == ((3, 3, 0), (3, 1, 2))


def test_customers_returns_there_move_its_levels_only(house: House) -> None:
    holds(house, Stored("A", 5))
    holds(house, Stored("A", 6, 1))

    assert levels(house) == [("A", 6, 0, 1)]
    assert books.rows(house.hub, "select on_hand from levels where location = :at and sku = 'A'", at=house.place) == [(10,)]


def test_what_it_sends_back_comes_as_a_removal(house: House) -> None:
    holds(house, Stored("A", 5))
    id = inbound.add(house.hub, house.merchant.id, Draft(Kind.REMOVAL, house.place, None, "Amazon", lines={"A": 3}), ANN)
    inbound.send(house.hub, house.merchant.id, id, ANN)
    holds(house, Stored("A", 2))

    inbound.receive(house.hub, house.merchant.id, id, [Came("A", 2, 1)], ANN)

    assert levels(house) == [("A", 2, 0, 0)]
    assert books.rows(house.hub, "select on_hand, damaged from levels where location = :at and sku = 'A'", at=house.place) == [(12, 1)]


def test_it_is_read_by_the_clock_and_when_a_notice_says_so(house: House) -> None:
    house.bogus.warehouse = {"A": Stored("A", 7)}
    house.bogus.queue = [Notice("FBA", "n1", About.STORED, account="east", receipt="r1")]
    house.ask("receive_notices")
    house.work()
    assert levels(house) == [("A", 7, 0, 0)]

    house.bogus.warehouse = {"A": Stored("A", 8)}
    house.clock.pass_(timedelta(hours=1))
    schedule.tick(house.hub)
    house.work()
    assert levels(house) == [("A", 8, 0, 0)]


def test_a_page_that_is_too_old_is_not_gone_on_with(house: House) -> None:
    house.bogus.per_page = 1
    house.bogus.warehouse = {"A": Stored("A", 7), "B": Stored("B", 1)}
    house.ask("read_stored")
    house.bogus.next("stored", TimeoutError("x"))
    house.work()
    house.clock.pass_(timedelta(minutes=1))

    holds(house, Stored("A", 3), Stored("B", 1))

    assert levels(house) == [("A", 3, 0, 0), ("B", 1, 0, 0)]
