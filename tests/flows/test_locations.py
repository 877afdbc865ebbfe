"""What our locations are: own, a shop, another company's, a supplier's, Amazon's; and when one may go."""

import io
from collections.abc import Callable
from datetime import timedelta

import pytest

from core.domain.adjusting import UNSEEN, Reason, Wish
from core.domain.places import LocationKind
from core.domain.who import Who
from core.errors import Refused
from core.flows import adjusting, counting, places, stock_csv
from core.store import stock
from tests.conftest import House
from tests.flows import books

ANN = Who("u1", "Ann")


def test_of_amazons_own_nothing_is_shown_or_promised(make_house: Callable[..., House]) -> None:
    house = make_house("east")
    house.shelve(A=5)
    with house.hub.unit() as work:
        fba = places.add_location_in(house.hub, work, house.merchant.id, "FBA", ANN, LocationKind.FBA)
        stock.count(work.db, house.merchant.id, [{"sku": "A", "title": "A", "location": fba, "on_hand": 7}], work.now)
    house.bogus.sell({"A": 6})
    house.clock.pass_(timedelta(minutes=5))
    house.poll()

    assert house.bogus.listings["L-A", "A"].shown == 0
    assert books.rows(house.hub, "select name, reserved from levels v join locations o on o.id = v.location order by 1") == [
        ("FBA", 0), ("Main", 5),
    ]  # fmt: skip
    with pytest.raises(Refused, match="not promised here"):
        places.map_place(house.hub, house.connection, "", [house.place, fba], ANN)
    with pytest.raises(Refused, match="read, not written"):
        adjusting.adjust(house.hub, house.merchant.id, "A", fba, Wish(Reason.FOUND, 1, UNSEEN), ANN)
    with pytest.raises(counting.WrongLines, match="line 2: location: FBA is Amazon's own"):
        counting.take(house.hub, house.merchant.id, stock_csv.read(io.StringIO("sku,on_hand,location\nA,1,FBA\n"), "Main"))
    assert [row["location"] for row in stock_csv.export(house.hub, house.merchant.id)] == ["Main"]


def test_what_becomes_amazons_own_is_shown_nowhere_any_more_and_comes_back(make_house: Callable[..., House]) -> None:
    house = make_house("east")
    house.shelve(A=5)
    with house.hub.unit() as work:
        attic = places.add_location_in(house.hub, work, house.merchant.id, "Attic", ANN)
        stock.count(work.db, house.merchant.id, [{"sku": "A", "title": "A", "location": attic, "on_hand": 3}], work.now)

    for kind, shown in ((LocationKind.FBA, 5), (LocationKind.SHOP, 8)):
        assert places.set_kind(house.hub, house.merchant.id, attic, kind, ANN)
        house.drain()
        assert house.bogus.listings["L-A", "A"].shown == shown
    assert not places.set_kind(house.hub, house.merchant.id, attic, LocationKind.SHOP, ANN)


def test_what_holds_promised_units_stays_what_it_is(make_house: Callable[..., House]) -> None:
    house = make_house("east")
    house.shelve(A=5)
    house.bogus.sell({"A": 1})
    house.clock.pass_(timedelta(minutes=5))
    house.poll()

    with pytest.raises(places.HoldsStock, match="Main holds 5 units on hand of 1 SKUs, 1 reserved"):
        places.set_kind(house.hub, house.merchant.id, house.place, LocationKind.FBA, ANN)


def test_a_location_that_a_channel_sells_from_alone_stays(make_house: Callable[..., House]) -> None:
    house = make_house("east")
    with house.hub.unit() as work:
        attic = places.add_location_in(house.hub, work, house.merchant.id, "Attic", ANN)
    places.map_place(house.hub, house.connection, "", [attic], ANN)

    with pytest.raises(places.SellsAlone, match="sells from Attic alone"):
        places.remove_location(house.hub, house.merchant.id, attic, ANN)
    places.map_place(house.hub, house.connection, "", [attic, house.place], ANN)
    assert places.remove_location(house.hub, house.merchant.id, attic, ANN) == "Attic"
    assert books.rows(house.hub, "select location from place_locations") == [(house.place,)]
