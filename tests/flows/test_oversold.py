"""More was sold than there is: the order is held, nothing of it is shown anywhere, and somebody says what shall become of it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import text

from core.domain.adjusting import UNSEEN, Reason, Wish
from core.domain.oversold import Decision
from core.domain.who import Who
from core.errors import Refused
from core.flows import adjusting, attention, health, oversold
from core.flows.allocation import map_listing
from core.store import connections, places, stock
from tests.conftest import House
from tests.flows import acts, books

ANN = Who("u1", "Ann")


@pytest.fixture
def pair(make_house: Callable[..., House]) -> House:
    """Two of A at the place that both channels sell from, five at one that neither does."""
    house = make_house("east", "west")
    house.shelve(A=2)
    with house.hub.unit() as work:
        stock.add_location(work.db, house.merchant.id, "attic", "Attic", rank=9)
        for connection in house.connections.values():
            places.stand_for(work.db, house.merchant.id, connection.id, "", [house.place])
        stock.count(work.db, house.merchant.id, [{"sku": "A", "title": "A", "location": "attic", "on_hand": 5}], work.now)
    return house


def oversell(house: House, units: int = 3) -> str:
    """A channel that has not heard yet sells more than there are. Gives our id of that order."""
    house.systems["west"].listings["L-A", "A"].shown = units
    house.systems["west"].sell({"A": units})
    house.clock.pass_(timedelta(minutes=3))
    house.poll()
    return str(books.one(house.hub, "select max(order_id) from order_lines where waits = 'stock'"))


def order(house: House) -> tuple[str, str | None]:
    return books.rows(house.hub, "select status, held_why from orders order by placed_at desc limit 1")[0]


def received(house: House, units: int) -> None:
    adjusting.adjust(house.hub, house.merchant.id, "A", house.place, Wish(Reason.RECEIVED, units, UNSEEN), ANN)
    house.drain()


def shown(house: House) -> list[int]:
    return [system.listings["L-A", "A"].shown for system in house.systems.values()]


def causes(house: House) -> set[str]:
    with house.hub.database.read() as db:
        known = health.look(house.hub, db, house.merchant.id)
        return {group.cause.name for group in attention.counts(house.hub, db, house.merchant.id, known)}


def test_the_order_is_held_with_its_reason_and_nothing_is_shown_anywhere(pair: House) -> None:
    oversell(pair)

    assert order(pair) == ("on_hold", "oversold")
    assert shown(pair) == [0, 0]
    assert "oversold" in causes(pair)
    assert books.one(pair.hub, "select count(*) from events where kind = 'OrderHeld'") == 1


def test_what_came_in_is_the_orders_that_waits_and_it_is_let_go(pair: House) -> None:
    oversell(pair)
    received(pair, 2)

    assert order(pair) == ("open", None)
    assert shown(pair) == [1, 1]
    assert "oversold" not in causes(pair)


def test_fewer_than_are_missing_are_shown_nowhere(pair: House) -> None:
    oversell(pair, 6)
    received(pair, 2)

    assert shown(pair) == [0, 0]
    assert order(pair) == ("on_hold", "oversold")


@pytest.mark.parametrize("what", [Decision.BACKORDER, Decision.PARTIAL])
def test_somebody_lets_it_wait_or_go_in_part_and_it_needs_nobody_any_more(pair: House, what: Decision) -> None:
    id = oversell(pair)
    oversold.decide(pair.hub, pair.merchant.id, id, what, ANN)
    pair.drain()

    assert order(pair) == ("open", None)
    assert "oversold" not in causes(pair)
    assert shown(pair) == [0, 0], "what it waits for is its own"

    oversold.decide(pair.hub, pair.merchant.id, id, None, ANN)
    assert order(pair) == ("on_hold", "oversold")


def test_what_is_missing_is_sent_from_a_location_that_the_channel_does_not_sell_from(pair: House) -> None:
    id = oversell(pair)
    with pair.hub.database.read() as db:
        [offer] = oversold.offers(db, pair.merchant.id, id)
    assert (offer.missing, offer.held, dict(offer.elsewhere)) == (1, 2, {"attic": 1})

    oversold.decide(pair.hub, pair.merchant.id, id, Decision.ELSEWHERE, ANN, "attic")
    pair.drain()

    assert books.rows(pair.hub, "select location, units from reservations order by units") == [("attic", 1), (pair.place, 2)]
    assert order(pair) == ("open", None)
    books.balance(pair.hub)


def test_what_the_channel_says_of_the_order_later_leaves_it_there(pair: House) -> None:
    id = oversell(pair)
    oversold.decide(pair.hub, pair.merchant.id, id, Decision.ELSEWHERE, ANN, "attic")
    pair.drain()
    west = pair.systems["west"]
    line = west.orders[name := next(iter(west.orders))]["lines"][0]["id"]
    acts.fulfill(west, name, line, 1)
    pair.clock.pass_(timedelta(minutes=3))
    pair.poll()

    assert books.one(pair.hub, "select sum(units) from reservations") == 2
    assert books.rows(pair.hub, "select waits from order_lines") == [(None,)]
    books.balance(pair.hub)


def test_a_cancelled_order_gives_back_and_waits_for_nothing(pair: House) -> None:
    id = oversell(pair)
    oversold.decide(pair.hub, pair.merchant.id, id, Decision.BACKORDER, ANN)
    west = pair.systems["west"]
    acts.cancel(west, next(iter(west.orders)))
    pair.clock.pass_(timedelta(minutes=3))
    pair.poll()

    assert shown(pair) == [2, 2]
    assert books.rows(pair.hub, "select decided from order_lines") == [(None,)]


def test_what_is_sold_on_a_channel_that_is_only_watched_holds_nothing(pair: House) -> None:
    with pair.hub.unit() as work:
        connections.set_live(work.db, pair.connections["west"].id, None)
    oversell(pair)

    assert order(pair) == ("open", None)


def test_what_its_merchant_lets_be_sold_ahead_is_no_surprise(pair: House) -> None:
    with pair.hub.database.write() as db:
        db.execute(text("update listings set backorder = 9"))
    oversell(pair)

    assert order(pair) == ("open", None)


def test_an_order_that_staff_hold_stays_held_when_its_goods_come(pair: House) -> None:
    id = oversell(pair)
    with pair.hub.database.write() as db:
        db.execute(text("update orders set held_why = 'fraud' where id = :id"), {"id": id})
    received(pair, 9)

    assert order(pair) == ("on_hold", "fraud")


@pytest.mark.parametrize(("what", "location"), [(Decision.ELSEWHERE, "nowhere"), (Decision.ELSEWHERE, "")])
def test_a_location_that_has_none_of_it_is_refused(pair: House, what: Decision, location: str) -> None:
    with pytest.raises(Refused, match="none of what is missing"):
        oversold.decide(pair.hub, pair.merchant.id, oversell(pair), what, ANN, location)


def test_an_order_that_lacks_nothing_is_refused(pair: House) -> None:
    with pytest.raises(Refused, match="no units of that order are missing"):
        oversold.decide(pair.hub, pair.merchant.id, "nobody", Decision.BACKORDER, ANN)


def test_a_set_that_waits_for_one_part_leaves_the_others_to_whoever_sells_them(make_house: Callable[..., House]) -> None:
    house = make_house("east")
    house.shelve(A=1, B=9)
    house.bogus.offer("KIT", 3)
    house.ask("read_listings")
    house.drain()
    with house.hub.unit() as work:
        map_listing(work, house.merchant.id, (house.connection.id, "L-KIT", "KIT"), {"A": 1, "B": 2})
    house.drain()
    house.bogus.listings["L-KIT", "KIT"].shown = 3
    house.bogus.sell({"KIT": 3})
    house.clock.pass_(timedelta(minutes=3))
    house.poll()

    assert house.bogus.listings["L-A", "A"].shown == 0
    assert house.bogus.listings["L-B", "B"].shown == 3, "nine, less those of one set that is there and of two that are owed"
