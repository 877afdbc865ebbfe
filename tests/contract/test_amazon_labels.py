"""Amazon sells labels for its own orders, and sends our goods for orders of other channels: against its simulator, without sockets."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from connectors.amazon import MANIFEST
from connectors.simulation import Carries, Fault
from core.domain.order import Address, Order
from core.domain.requests import Request, RequestLine, RequestState
from core.domain.shipping import Bought, Box, Cancelling, Consignment, LabelFormat, Progress, Sought, Voided
from core.errors import OutcomeUnknown, RateLimited, Refused, Unavailable
from core.ports import Fulfills, Prepares, Reprints
from tests.contract.carriers import AT_HOME, SENDER
from tests.contract.test_amazon_channel import Play
from tests.contract.test_amazon_sending import read, sold

KEY, OTHER = "a" * 32, "b" * 32
DAY = date(2026, 11, 18)


@pytest.fixture
def play() -> Play:
    return Play()


@pytest.fixture
def carrier(play: Play) -> Any:
    assert MANIFEST.carrier is not None
    return MANIFEST.carrier(play.kit)


def wish(order: Order, units: int = 1, **different: Any) -> Consignment:
    box = Box(1500, 300, 200, 150, order.total, {order.lines[0].id: units})
    made: dict[str, Any] = {"order": order.id, "references": (order.name,), **different}
    return Consignment(SENDER, AT_HOME, (box,), DAY, "USD", **made)


def prepared(carrier: Any, order: Order) -> tuple[Consignment, str]:
    one = wish(order)
    service = carrier.rates(one)[0].service
    return replace(one, offer=carrier.prepare(one, service)), service


def fail(play: Play, kind: str, operation: str, times: int = 1) -> None:
    play.world.faults.append(Fault(kind, operation, times))


def live(play: Play) -> list[dict[str, Any]]:
    assert isinstance(play.simulator, Carries)
    return [one for one in play.simulator.parcels() if not one["voided"]]


def test_it_offers_what_it_would_sell_for_an_order_of_its_own(play: Play, carrier: Any) -> None:
    quotes = carrier.rates(wish(sold(play, ("MUG-1", 1))))

    assert isinstance(carrier, Prepares) and isinstance(carrier, Reprints)
    assert [(one.name, one.price.text()) for one in quotes][:2] == [("Amazon Shipping Ground", "7.52"), ("USPS Ground Advantage", "7.80")]
    assert all(one.arrives_on for one in quotes)


def test_it_sells_nothing_for_orders_of_others_and_for_none_that_left(play: Play, carrier: Any) -> None:
    order = sold(play, ("MUG-1", 1))

    for strange in (replace(wish(order), order=""), wish(order, 2), replace(wish(order), order="111-0000000-0000000")):
        with pytest.raises(Refused):
            carrier.rates(strange)


def test_what_is_too_heavy_is_declined_in_its_own_words(play: Play, carrier: Any) -> None:
    order = sold(play, ("MUG-1", 1))
    heavy = replace(wish(order), boxes=(replace(wish(order).boxes[0], weight_g=90_000),))

    with pytest.raises(Refused) as refused:
        carrier.rates(heavy)

    assert refused.value.words == "The package is too heavy."


def test_what_is_bought_has_a_number_a_label_and_the_price_that_was_offered_and_amazon_tells_its_buyer(play: Play, carrier: Any) -> None:
    order = sold(play, ("MUG-1", 1))
    one, service = prepared(carrier, order)
    price = carrier.rates(one)[0].price

    made = carrier.buy(one, service, KEY)

    assert (made.price, made.by, len(made.labels)) == (price, "Amazon Shipping", 1)
    assert made.labels[0].content.startswith(b"%PDF")
    after = read(play, order.id)
    assert [(one.tracking, one.lines[0].quantity) for one in after.shipped] == [(made.tracking, 1)]


def test_a_label_comes_as_it_is_wanted_and_again(play: Play, carrier: Any) -> None:
    for n, how in enumerate(LabelFormat):
        one, service = wish(sold(play, ("MUG-1", 1)), label=how), "AMZN_US_STD"

        made = carrier.buy(replace(one, offer=carrier.prepare(one, service)), service, f"{n:032x}")

        assert made.labels[0].format is how
        assert carrier.papers(made, how) == list(made.labels)


@pytest.mark.parametrize("kind", ["cut_after", "500"])
def test_a_purchase_whose_answer_is_lost_is_repeated_word_for_word_and_bought_once(play: Play, carrier: Any, kind: str) -> None:
    one, service = prepared(carrier, sold(play, ("MUG-1", 1)))
    fail(play, kind, "purchaseShipment")
    with pytest.raises((OutcomeUnknown, Unavailable)):
        carrier.buy(one, service, KEY)
    play.clock.now += timedelta(seconds=900)

    found = carrier.find(one, service, KEY)

    assert found is Sought.ABSENT if kind == "500" else isinstance(found, Bought)
    assert len(live(play)) == (0 if kind == "500" else 1)


def test_a_purchase_that_was_never_prepared_was_never_made(play: Play, carrier: Any) -> None:
    assert carrier.find(wish(sold(play, ("MUG-1", 1))), "AMZN_US_STD", KEY) is Sought.ABSENT
    assert live(play) == []


def test_where_the_offer_is_over_and_the_order_shows_a_parcel_nobody_can_tell(play: Play, carrier: Any) -> None:
    order = sold(play, ("MUG-1", 2))
    one, service = prepared(carrier, order)
    carrier.buy(one, service, KEY)
    play.clock.now += timedelta(seconds=900)

    assert carrier.find(one, service, OTHER) is Sought.CANNOT_TELL
    assert len(live(play)) == 1


def test_a_label_is_given_back_however_often_that_is_said_and_the_order_waits_again(play: Play, carrier: Any) -> None:
    order = sold(play, ("MUG-1", 1))
    one, service = prepared(carrier, order)
    made = carrier.buy(one, service, KEY)

    assert [carrier.void(made).became for _ in range(2)] == [Voided.VOIDED] * 2
    assert read(play, order.id).units_to_ship == 1 and live(play) == []


def test_one_that_is_on_its_way_is_not_taken_back(play: Play, carrier: Any) -> None:
    one, service = prepared(carrier, sold(play, ("MUG-1", 1)))
    made = carrier.buy(one, service, KEY)
    play.simulator.move(made.master, "pick_up", {})

    said = carrier.void(made)
    assert said.became is Voided.REFUSED
    assert said.words


def test_a_parcel_is_followed_to_the_door_whoever_carries_it(play: Play, carrier: Any) -> None:
    for n, service in enumerate(("AMZN_US_STD", "USPS_PTP_GND_ADV", "UPS_PTP_NEXT_DAY_AIR")):
        one = wish(sold(play, ("MUG-1", 1)))
        made = carrier.buy(replace(one, offer=carrier.prepare(one, service)), service, f"{n:032x}")
        for what in ("pick_up", "bring", "deliver"):
            play.clock.now += timedelta(hours=2)
            play.simulator.move(made.master, what, {"town": "Austin", "country": "US"})

        steps = carrier.track([made.master])[made.master].steps

        assert [step.progress for step in steps][1:] == [Progress.PICKED_UP, Progress.OUT_FOR_DELIVERY, Progress.DELIVERED]
        assert steps[-1].town == "Austin"


def test_a_number_that_nobody_knows_has_no_steps(carrier: Any) -> None:
    assert carrier.track(["TBA1"])["TBA1"].steps == ()


def test_a_budget_that_is_spent_leaves_the_rest_for_later(play: Play, carrier: Any) -> None:
    one, service = prepared(carrier, sold(play, ("MUG-1", 1)))
    made = carrier.buy(one, service, KEY)
    fail(play, "429", "getTracking")

    with pytest.raises(RateLimited):
        carrier.track([made.master])


# ---- orders of other channels

HOME = Address("Nadia Osei", "", "77 Juniper Street", "Apt 5", "", "Austin", "TX", "78701", "US", "+15125550172", "nadia@post.example")


def request(play: Play, *lines: tuple[str, str, int]) -> Request:
    return Request("S12", "#1001", play.clock(), HOME, tuple(RequestLine(*line) for line in lines))


def fba(play: Play) -> str:
    return next(sku for sku, one in play.simulator.state["listings"].items() if one["code"] != "DEFAULT")


def test_it_sends_goods_of_ours_for_others_and_tells_the_parcel(play: Play) -> None:
    assert isinstance(play.channel, Fulfills)
    sku = fba(play)
    for _ in range(2):
        play.channel.fulfill(request(play, ("l1", sku, 2)), KEY)
    before = play.channel.fulfilling(KEY)
    play.simulator.befall("sent_out", {"number": KEY})

    after = play.channel.fulfilling(KEY)

    assert before is not None and (before.state, before.parcels) == (RequestState.ACCEPTED, ())
    assert after is not None and after.state is RequestState.SENT
    assert [(dict(one.units), one.tracking[:3], one.carrier_name) for one in after.parcels] == [({"l1": 2}, "TBA", "Amazon")]
    assert play.simulator.state["listings"][sku]["stock"] == 23


def test_what_it_has_too_little_of_is_refused_by_line(play: Play) -> None:
    play.channel.fulfill(request(play, ("l1", fba(play), 30)), KEY)
    play.simulator.befall("sent_out", {"number": KEY})

    found = play.channel.fulfilling(KEY)

    assert found is not None and dict(found.refused or {}) == {"l1": 5} and dict(found.parcels[0].units) == {"l1": 25}


def test_a_stranger_is_declined_in_its_own_words_and_nothing_is_known_of_it(play: Play) -> None:
    with pytest.raises(Refused) as refused:
        play.channel.fulfill(request(play, ("l1", "MUG-1", 1)), KEY)

    assert "MUG-1" in refused.value.words and play.channel.fulfilling(KEY) is None


def test_it_is_called_back_until_it_leaves(play: Play) -> None:
    sku = fba(play)
    play.channel.fulfill(request(play, ("l1", sku, 1)), KEY)
    play.channel.fulfill(request(play, ("l1", sku, 1)), OTHER)
    play.simulator.befall("sent_out", {"number": OTHER})

    assert [play.channel.call_back(key) for key in (KEY, KEY, OTHER)] == [Cancelling.ASKED, Cancelling.ASKED, Cancelling.NOT_CANCELLED]
    found = play.channel.fulfilling(KEY)
    assert found is not None and found.state is RequestState.WITHDRAWN


def test_a_lost_answer_leaves_one_order_there(play: Play) -> None:
    fail(play, "cut_after", "createFulfillmentOrder")
    with pytest.raises(OutcomeUnknown):
        play.channel.fulfill(request(play, ("l1", fba(play), 1)), KEY)

    assert play.channel.fulfilling(KEY) is not None
    play.channel.fulfill(request(play, ("l1", fba(play), 1)), KEY)
    assert len(play.simulator.state["outbound"]) == 1


def test_other_marketplaces_get_no_parcels_in_amazons_own_box(play: Play) -> None:
    play.channel.fulfill(request(play, ("l1", fba(play), 1)), KEY)

    body = play.simulator.state["outbound"][KEY]["body"]
    assert body["featureConstraints"] == [{"featureName": "BLANK_BOX", "featureFulfillmentPolicy": "Required"}]


def test_who_may_know_where_it_comes_from_gets_it_in_amazons_own_box(play: Play) -> None:
    play.channel.fulfill(replace(request(play, ("l1", fba(play), 1)), blank=False, speed="priority"), KEY)

    body = play.simulator.state["outbound"][KEY]["body"]
    assert (body["featureConstraints"], body["shippingSpeedCategory"]) == ([], "Priority")


def test_what_is_sent_whole_is_refused_whole_and_nothing_of_it_is_kept(play: Play) -> None:
    whole = replace(request(play, ("l1/0.2.1.1.0", fba(play), 3), ("l1/1.2.1.1.0", fba(play), 30)), whole=True)
    play.channel.fulfill(whole, KEY)

    found = play.channel.fulfilling(KEY)

    assert found is not None and found.state is RequestState.REJECTED
    assert dict(found.refused or {}) == {"l1/0.2.1.1.0": 3, "l1/1.2.1.1.0": 30}
    assert play.simulator.state["listings"][fba(play)]["stock"] == 25


def test_what_it_keeps_for_others_can_be_sold_no_more_and_can_again_when_it_is_called_back(play: Play) -> None:
    play.channel.fulfill(request(play, ("l1", fba(play), 4)), KEY)
    kept = play.simulator.state["listings"][fba(play)]["stock"]
    play.channel.call_back(KEY)

    assert (kept, play.simulator.state["listings"][fba(play)]["stock"]) == (21, 25)
