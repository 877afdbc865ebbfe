"""SKUs in quota through the flows: each channel owns its part, and what all of them may sell is never more than there is."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from connectors.bogus.channel import Document
from core import jobs
from core.domain.who import Who
from core.errors import Refused
from core.flows import doctor, sharing
from core.store import listings, quotas, stock
from core.store.sql import run
from tests.conftest import House
from tests.flows import acts, books

ANN = Who("u1", "Ann")


@pytest.fixture
def dealt(make_house: Callable[..., House]) -> House:
    """Ten of A on three channels that compare before they set, in quota."""
    house = make_house("east", "north", "west")
    for system in house.systems.values():
        system.compares = True
    bogus = house.hub.connectors["bogus"]
    house.hub.connectors["bogus"] = replace(bogus, limits=replace(bogus.limits, compares=True))
    house.shelve(A=10)
    quota(house, A=True)
    return house


def quota(house: House, **skus: bool) -> list[str]:
    done = sharing.set_quota(house.hub, house.merchant.id, skus, ANN)
    rest(house)
    return done


def rest(house: House) -> None:
    """Everything is told, read and dealt."""
    for _ in range(3):
        house.drain()
        house.clock.pass_(timedelta(minutes=4))
        house.poll()


def shown(house: House, sku: str = "A") -> list[int]:
    return [system.listings[f"L-{sku}", sku].shown for system in house.systems.values()]


def free(house: House, sku: str = "A") -> int:
    on_hand, reserved = books.level(house.hub, sku)
    return on_hand - reserved


def test_channels_show_their_parts_and_no_more_than_there_is(dealt: House) -> None:
    assert sum(shown(dealt)) == 10
    assert min(shown(dealt)) >= 3


def test_all_of_it_sold_everywhere_at_once_is_sold_once(dealt: House) -> None:
    """Nobody hears of any sale before every channel has sold all that it shows."""
    for system in dealt.systems.values():
        system.sell({"A": system.listings["L-A", "A"].shown})
    rest(dealt)

    assert books.level(dealt.hub, "A") == (10, 10)
    assert books.rows(dealt.hub, "select waits from order_lines where waits is not null") == []
    assert shown(dealt) == [0, 0, 0]


def test_shared_the_same_sales_are_more_than_there_is(make_house: Callable[..., House]) -> None:
    house = make_house("east", "north", "west")
    house.shelve(A=10)
    for system in house.systems.values():
        system.sell({"A": system.listings["L-A", "A"].shown})
    rest(house)

    assert len(books.rows(house.hub, "select waits from order_lines where waits = 'stock'")) == 2


def test_a_sale_tells_no_other_channel_anything(dealt: House) -> None:
    east, north, west = dealt.systems.values()
    before = [list(one.listings["L-A", "A"].writes) for one in (north, west)]

    east.sell({"A": 1})
    rest(dealt)

    assert [one.listings["L-A", "A"].writes for one in (north, west)] == before


def test_a_sale_takes_its_units_off_what_a_listing_holds_and_was_dealt(dealt: House) -> None:
    """Else who is about to tell it its part would show what was sold again."""
    before = part(dealt)

    heard(dealt, dealt.bogus.sell({"A": 1}))

    assert [units - was for units, was in zip(part(dealt), before, strict=True)] == [-1, -1, -1]


def test_what_a_channel_shows_again_by_itself_is_not_dealt_to_others(dealt: House) -> None:
    """A unit of a cancelled order is back on show before we hear of it; another sale there is still on its way."""
    before = part(dealt)
    heard(dealt, order := dealt.bogus.sell({"A": 1}))
    dealt.bogus.sell({"A": 1})

    heard(dealt, acts.cancel(dealt.bogus, order["id"]))

    assert part(dealt)[2] == before[2], "one is on show again, and one is sold: it may still sell as many as it held"


def heard(house: House, order: Document) -> None:
    """It is taken in, and no channel is told yet."""
    acts.deliver(house, [acts.notice(order, f"d {order['updated_at']}")])
    jobs.drain(house.hub, "inside")


def part(house: House) -> list[int]:
    """What the first channel's listing is believed to show, was dealt and holds."""
    query = "select shown, share, holds from listings where connection = :connection"
    return [units or 0 for units in books.rows(house.hub, query, connection=house.connection.id)[0]]


def test_who_sold_out_gets_what_the_others_do_not_sell(dealt: House) -> None:
    east, *_ = dealt.systems.values()
    for _ in range(2):
        east.sell({"A": east.listings["L-A", "A"].shown})
        rest(dealt)

    assert sum(shown(dealt)) == free(dealt) > 0
    assert shown(dealt)[0] > 0


def test_what_comes_in_is_dealt_at_once(dealt: House) -> None:
    dealt.shelve(A=19)
    rest(dealt)

    assert sum(shown(dealt)) == 19


def test_what_is_lost_is_taken_from_all(dealt: House) -> None:
    dealt.shelve(A=4)
    rest(dealt)

    assert sum(shown(dealt)) == 4


def test_who_waits_for_what_a_listing_sells_at_two_places_waits_once(dealt: House) -> None:
    dealt.systems["east"].sell({"A": 13})
    dealt.poll()
    with dealt.hub.unit() as work:
        named = {"connection": dealt.connections["east"].id, "merchant": dealt.merchant.id}
        place = "insert into listings (merchant, connection, listing, sku, place, alike, title, handle, shown_from, shown_at, mapped)"
        run(work.db, f"{place} values (:merchant, :connection, 'L-A', 'A', 'there', 'a', '', '{{}}', 0, 0, true)", **named)
        parts = "insert into listing_parts (merchant, listing_id, sku, units)"
        run(work.db, f"{parts} select merchant, id, 'A', 1 from listings where place = 'there'")
        assert quotas.short(work.db, dealt.merchant.id) == {"A": 3}


def test_what_was_cancelled_is_dealt_again(dealt: House) -> None:
    east, *_ = dealt.systems.values()
    order = east.sell({"A": 3})["id"]
    rest(dealt)
    acts.cancel(east, order)
    rest(dealt)

    assert (sum(shown(dealt)), free(dealt)) == (10, 10)


def test_channels_that_set_whatever_was_sold_show_less_together_and_sell_none_twice(make_house: Callable[..., House]) -> None:
    house = make_house("east", "north", "west")
    house.shelve(A=10)
    quota(house, A=True)
    house.shelve(A=19)
    rest(house)

    assert 19 - max(shown(house)) <= sum(shown(house)) <= 19
    for system in house.systems.values():
        system.sell({"A": system.listings["L-A", "A"].shown})
    rest(house)
    assert books.rows(house.hub, "select waits from order_lines where waits is not null") == []


def test_a_channel_that_cannot_be_reached_keeps_its_part(dealt: House) -> None:
    east, *others = dealt.systems
    from core.flows import connections as flows

    with dealt.hub.unit() as work:
        flows.lost(work, dealt.connections[east], "uninstalled")
    dealt.shelve(A=4)
    for _ in range(3):
        dealt.clock.pass_(timedelta(minutes=4))
        for name in others:
            dealt.ask("poll_orders", connection=dealt.connections[name])
        dealt.drain()

    kept = dealt.systems[east].listings["L-A", "A"].shown
    assert sum(shown(dealt)) <= 4 or sum(shown(dealt)) == kept


def test_the_way_back_shows_the_pool_to_all(dealt: House) -> None:
    assert quota(dealt, A=False) == ["A"]

    assert shown(dealt) == [10, 10, 10]
    assert books.rows(dealt.hub, "select share, holds from listings where share is not null or holds is not null") == []


def test_a_set_takes_its_parts_out_of_the_same_pool(make_house: Callable[..., House]) -> None:
    house = make_house("east", "west")
    house.shelve(A=12, B=5)
    house.systems["east"].offer("SET", 0)
    house.ask("read_listings")
    house.drain()
    with house.hub.unit() as work:
        listings.map_parts(work.db, house.merchant.id, (house.connections["east"].id, "L-SET", "SET"), {"A": 2, "B": 1})
    quota(house, A=True, B=True)
    rest(house)

    sets = house.systems["east"].listings["L-SET", "SET"].shown
    assert sets > 0
    assert 2 * sets + sum(shown(house)) <= 12
    assert sets + sum(shown(house, "B")) <= 5


def test_what_nobody_has_cannot_be_in_quota(dealt: House) -> None:
    with pytest.raises(Refused):
        sharing.set_quota(dealt.hub, dealt.merchant.id, {"A": False, "NONE": True}, ANN)

    assert quota(dealt, A=True) == []


def ill(house: House) -> set[str]:
    with house.hub.database.read() as db:
        return {finding.name for finding in doctor.examine(db, house.hub.now) if not finding.ok}


def test_the_doctor_sees_that_more_may_be_sold_than_there_is(dealt: House) -> None:
    assert ill(dealt) == set()

    with dealt.hub.database.write() as db:
        db.exec_driver_sql("update listings set holds = holds + 1 where id = (select min(id) from listings where holds > 0)")

    assert ill(dealt) == {"in quota no more may be sold than there is"}


def test_the_doctor_sees_a_part_above_what_its_rule_lets_it_show(dealt: House) -> None:
    with dealt.hub.database.write() as db:
        db.exec_driver_sql("update listings set cap = 2 where id = (select min(id) from listings where share > 2)")

    assert ill(dealt) == {"no part in quota is more than its listing may show"}


def test_what_is_about_to_be_dealt_anew_is_no_finding(dealt: House) -> None:
    acts.count(dealt, A=4)

    assert ill(dealt) == set()
    rest(dealt)
    assert ill(dealt) == set()


def test_the_doctor_looks_at_each_set_of_locations_by_itself(make_house: Callable[..., House]) -> None:
    """Ten here and ten there: who sells from here alone cannot sell eleven, though there are twenty."""
    house = make_house("here", "both")
    house.shelve(A=10)
    with house.hub.unit() as work:
        stock.add_location(work.db, house.merchant.id, "there", "There")
        stock.count(work.db, house.merchant.id, [{"sku": "A", "title": "A", "location": "there", "on_hand": 10}], work.now)
        run(work.db, "delete from place_locations where connection = :id and location = 'there'", id=house.connections["here"].id)
    quota(house, A=True)
    assert (ill(house), sum(shown(house)) <= 20, shown(house)[0] <= 10) == (set(), True, True)

    with house.hub.database.write() as db:
        run(db, "update listings set holds = 11 where connection = :id", id=house.connections["here"].id)
        run(db, "update listings set holds = 0 where connection = :id", id=house.connections["both"].id)

    assert ill(house) == {"in quota no more may be sold than there is"}
