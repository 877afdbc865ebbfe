"""Amazon is told of parcels, asked to cancel and answered about buyers' wishes: against its simulator, without sockets."""

import json
from typing import Any

import pytest

from connectors.amazon import MANIFEST
from connectors.simulation import Fault
from core.domain.order import Order, OrderStatus
from core.domain.shipping import Cancelling, CancelReason, Sent
from core.errors import AccessLost, OutcomeUnknown, RateLimited, Refused, Unsupported
from core.ports import Appeals, Cancels, Confirms, Routes
from tests.contract.parcels import KEY, TRACKING, a_parcel
from tests.contract.test_amazon_channel import Play

OTHER = "1Z999AA10123456785"


@pytest.fixture
def play() -> Play:
    return Play()


def read(play: Play, order: str) -> Order:
    body = play.channel.fetch([order])[order]
    assert body is not None
    return MANIFEST.order(body, "c1")


def sold(play: Play, *goods: tuple[str, int]) -> Order:
    (placed,) = play.place(lines=[{"sku": sku, "quantity": units} for sku, units in goods])
    return read(play, placed["id"])


def parcel(play: Play, order: Order, *units: int, **different: Any) -> Sent:
    lines = [(line.id, count) for line, count in zip(order.lines, units, strict=False) if count]
    return a_parcel(order.id, *lines, **{"sent_at": play.clock(), "marketplace": order.marketplace, **different})


def shipments(play: Play, order: Order) -> list[dict[str, Any]]:
    return [dict(item) for one in play.simulator.orders() if one["id"] == order.id for item in one["shipments"]]


def fail(play: Play, kind: str, operation: str, times: int = 1) -> None:
    play.world.faults.append(Fault(kind, operation, times))


def test_amazon_is_told_of_parcels_cancels_and_hears_appeals_and_knows_no_places(play: Play) -> None:
    assert all(isinstance(play.channel, port) for port in (Confirms, Cancels, Appeals))
    assert not isinstance(play.channel, Routes)


def test_a_parcel_stands_in_the_order_and_a_notice_tells_of_it(play: Play) -> None:
    order = sold(play, ("MUG-1", 3), ("PEN-1", 1))
    notices = len(play.simulator.state["queue"])

    told = play.channel.confirm(parcel(play, order, 2))

    after = read(play, order.id)
    assert [(one.id, one.tracking, one.lines[0].quantity) for one in after.shipped] == [(told, (TRACKING,), 2)]
    assert (after.units_to_ship, after.order_status) == (2, OrderStatus.PARTIALLY_FULFILLED)
    assert after.revision > order.revision
    assert len(play.simulator.state["queue"]) == notices + 1
    assert shipments(play, order) == [{"tracking": TRACKING, "carrier": "UPS", "units": {"MUG-1": 2}}]


@pytest.mark.parametrize(
    ("carrier", "name", "said"),
    [
        ("ups", "UPS", {"carrierCode": "UPS"}),
        ("fedex", "FedEx Express", {"carrierCode": "FedEx"}),
        ("usps", "USPS", {"carrierCode": "USPS"}),
        ("dhl", "DHL Express", {"carrierCode": "DHL"}),
        ("", "Bicycle Bob", {"carrierCode": "Other", "carrierName": "Bicycle Bob"}),
    ],
)
def test_carriers_are_named_as_amazon_names_them(play: Play, carrier: str, name: str, said: dict[str, str]) -> None:
    order = sold(play, ("MUG-1", 1))

    play.channel.confirm(parcel(play, order, 1, carrier=carrier, carrier_name=name))

    detail = json.loads(play.records()[-1]["body"])["packageDetail"]
    assert {key: value for key, value in detail.items() if key.startswith("carrier")} == said
    assert (detail["shippingMethod"], detail["packageReferenceId"]) == ("UPS Ground", "1")


def test_two_parcels_of_one_order_and_a_repeated_sku_are_told_one_by_one(play: Play) -> None:
    order = sold(play, ("MUG-1", 3), ("MUG-1", 2))
    first, second = parcel(play, order, 1, 2), parcel(play, order, 2, 0, number=2, tracking=OTHER)

    ids = [play.channel.confirm(first), play.channel.confirm(second)]

    assert [play.channel.confirmed(one) for one in (first, second)] == ids == ["1", "2"]
    assert [(one["tracking"], one["units"]) for one in shipments(play, order)] == [(TRACKING, {"MUG-1": 3}), (OTHER, {"MUG-1": 2})]
    after = read(play, order.id)
    assert after.order_status is OrderStatus.FULFILLED and {line.fulfilled == line.ordered for line in after.lines} == {True}


def test_a_lost_answer_is_found_and_saying_it_again_changes_nothing(play: Play) -> None:
    order = sold(play, ("MUG-1", 3))
    sent = parcel(play, order, 2)
    fail(play, "cut_after", "confirmShipment")

    before = play.channel.confirmed(sent)
    with pytest.raises(OutcomeUnknown):
        play.channel.confirm(sent)
    found = play.channel.confirmed(sent)
    play.channel.confirm(sent)

    assert (before, found) == (None, "1")
    assert shipments(play, order) == [{"tracking": TRACKING, "carrier": "UPS", "units": {"MUG-1": 2}}]
    assert read(play, order.id).units_to_ship == 1


def test_a_parcel_whose_number_was_mistyped_is_corrected_under_its_reference(play: Play) -> None:
    order = sold(play, ("MUG-1", 3))
    play.channel.confirm(parcel(play, order, 1))
    right = parcel(play, order, 1, tracking=OTHER)

    before = play.channel.confirmed(right)
    play.channel.confirm(right)

    assert (before, play.channel.confirmed(right)) == (None, "1")
    assert [one["tracking"] for one in shipments(play, order)] == [OTHER]


def test_units_of_a_line_that_comes_twice_are_told_together(play: Play) -> None:
    order = sold(play, ("MUG-1", 3))
    line = order.lines[0].id
    less, whole = (a_parcel(order.id, *parts, sent_at=play.clock()) for parts in ([(line, 2)], [(line, 2), (line, 1)]))

    play.channel.confirm(less)
    known = [play.channel.confirmed(one) for one in (less, whole)]
    play.channel.confirm(whole)

    assert (known, play.channel.confirmed(whole)) == (["1", None], "1")
    assert shipments(play, order)[0]["units"] == {"MUG-1": 3}


def test_a_parcel_that_does_not_say_its_marketplace_is_told_where_the_order_is(play: Play) -> None:
    order = sold(play, ("MUG-1", 1))

    play.channel.confirm(parcel(play, order, 1, marketplace=""))

    assert json.loads(play.records()[-1]["body"])["marketplaceId"] == "ATVPDKIKX0DER"


def test_refusals_come_with_amazons_words(play: Play) -> None:
    order = sold(play, ("MUG-1", 1))
    wrong = [
        (parcel(play, order, 2), "exceeds what is left to ship"),
        (a_parcel(order.id, ("77", 1), sent_at=play.clock(), marketplace=order.marketplace), "is not of this order"),
        (parcel(play, order, 1, marketplace="A1PA6795UKMFR9"), "The marketplace is not the order's."),
        (a_parcel("404", ("1", 1), sent_at=play.clock(), marketplace=order.marketplace), "Resource not found"),
        (parcel(play, order, 1, tracking=""), "A tracking number is needed."),
    ]

    for sent, words in wrong:
        with pytest.raises(Refused) as error:
            play.channel.confirm(sent)
        assert words in error.value.words and "{" not in error.value.words
    assert shipments(play, order) == []


@pytest.mark.parametrize(
    ("fault", "error"),
    [("401", AccessLost), ("429", RateLimited), ("500", OutcomeUnknown), ("html", OutcomeUnknown), ("cut_before", OutcomeUnknown),
     ("cut_after", OutcomeUnknown)],
)  # fmt: skip
@pytest.mark.parametrize("call", ["confirmShipment", "createFeed"])
def test_each_fault_has_its_one_error(play: Play, fault: str, error: type[Exception], call: str) -> None:
    order = sold(play, ("MUG-1", 1))
    fail(play, fault, call, times=2)

    with pytest.raises(error):
        if call == "createFeed":
            play.channel.cancel(order.id, CancelReason.STOCK, KEY, restock=True)
        else:
            play.channel.confirm(parcel(play, order, 1))


# ---- calling off


@pytest.mark.parametrize(
    ("reason", "said"),
    [(CancelReason.BUYER, "BuyerCanceled"), (CancelReason.STOCK, "NoInventory"), (CancelReason.ADDRESS, "ShippingAddressUndeliverable"),
     (CancelReason.FRAUD, "GeneralAdjustment"), (CancelReason.OTHER, "GeneralAdjustment")],
)  # fmt: skip
def test_an_order_is_called_off_by_feed_and_seen_when_it_is_worked_off(reason: CancelReason, said: str) -> None:
    play = Play("vendor")
    order = sold(play, ("MUG-1", 3), ("PEN-1", 1))

    asked = [play.channel.cancel(order.id, reason, KEY, restock=True), play.channel.cancelling(order.id, KEY)]
    play.clock.pass_(10)
    asked.append(play.channel.cancelling(order.id, KEY))

    after = read(play, order.id)
    assert asked == [Cancelling.ASKED, Cancelling.NOT_CANCELLED, Cancelling.DONE]
    assert (after.order_status, after.cancel_reason, after.units_to_ship) == (OrderStatus.CANCELLED, said, 0)
    assert play.channel.cancel(order.id, reason, KEY, restock=True) is Cancelling.DONE
    assert play.calls("createFeed") == 1


def test_an_order_of_which_something_left_is_not_called_off(play: Play) -> None:
    order = sold(play, ("MUG-1", 3))
    play.channel.confirm(parcel(play, order, 1))

    with pytest.raises(Refused) as error:
        play.channel.cancel(order.id, CancelReason.STOCK, KEY, restock=True)

    assert "A part of the order is sent" in error.value.words
    assert (play.calls("createFeed"), play.channel.cancelling(order.id, KEY)) == (0, Cancelling.NOT_CANCELLED)


def test_where_the_feed_is_switched_off_a_person_must_do_it() -> None:
    play = Play(cancel_feed="")
    order = sold(play, ("MUG-1", 1))

    with pytest.raises(Unsupported):
        play.channel.cancel(order.id, CancelReason.STOCK, KEY, restock=True)


def test_a_feed_about_an_order_that_left_meanwhile_changes_nothing() -> None:
    play = Play("vendor")
    order = sold(play, ("MUG-1", 1))
    play.channel.cancel(order.id, CancelReason.STOCK, KEY, restock=True)
    play.channel.confirm(parcel(play, order, 1))
    play.clock.pass_(10)

    assert read(play, order.id).order_status is OrderStatus.FULFILLED


def test_an_order_that_is_not_there_is_refused(play: Play) -> None:
    for call in (play.channel.cancelling, lambda order, _: play.channel.appeals(order)):
        with pytest.raises(Refused):
            call("404", KEY)


# ---- what buyers wish


def test_a_buyers_wish_is_told_and_to_agree_is_to_cancel(play: Play) -> None:
    order = sold(play, ("MUG-1", 2))
    before = play.channel.appeals(order.id)
    play.simulator.act(order.id, "ask_to_cancel", {})

    [appeal] = play.channel.appeals(order.id)
    for _ in range(2):
        play.channel.answer(order.id, appeal, agree=True)
        play.clock.pass_(10)

    assert (before, appeal.reason) == ((), "Changed my mind")
    assert (play.channel.appeals(order.id), read(play, order.id).order_status) == ((), OrderStatus.CANCELLED)
    assert play.calls("createFeed") == 1


def test_not_to_agree_is_to_send_it(play: Play) -> None:
    order = sold(play, ("MUG-1", 2))
    play.simulator.act(order.id, "ask_to_cancel", {})
    [appeal] = play.channel.appeals(order.id)
    sent = parcel(play, order, 2)

    play.channel.answer(order.id, appeal, agree=False, sent=sent)
    play.channel.confirm(sent)

    assert (play.calls("createFeed"), play.channel.appeals(order.id)) == (0, ())
    assert read(play, order.id).order_status is OrderStatus.FULFILLED
