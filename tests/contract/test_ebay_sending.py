"""eBay is told of parcels, asked to cancel and answered about buyers' wishes: against its simulator, without sockets."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from connectors.ebay import MANIFEST
from core.domain.order import Order, OrderStatus, PaymentStatus
from core.domain.shipping import Cancelling, CancelReason, Sent
from core.errors import AccessLost, OutcomeUnknown, RateLimited, Refused
from core.ports import Appeals, Cancels, Confirms, Routes
from tests.contract.parcels import KEY, TRACKING, a_parcel
from tests.contract.test_ebay_channel import START, Rig

OTHER = "1Z999AA10123456785"


@pytest.fixture
def rig() -> Rig:
    return Rig()


def read(rig: Rig, order: str) -> Order:
    body = rig.channel.fetch([order])[order]
    assert body is not None
    return MANIFEST.order(body, "shop")


def sold(rig: Rig, *goods: tuple[str, int]) -> Order:
    [made] = rig.simulator.place({"lines": [{"sku": sku, "quantity": units} for sku, units in goods]})
    return read(rig, made["id"])


def parcel(order: Order, *units: int, **different: Any) -> Sent:
    lines = [(line.id, count) for line, count in zip(order.lines, units, strict=False) if count]
    return a_parcel(order.id, *lines, **different)


def shipments(rig: Rig, order: Order) -> list[dict[str, Any]]:
    return [dict(item) for one in rig.simulator.orders() if one["id"] == order.id for item in one["shipments"]]


def channel(rig: Rig) -> Any:
    return rig.channel


def test_ebay_is_told_of_parcels_cancels_and_hears_appeals_and_knows_no_places(rig: Rig) -> None:
    assert all(isinstance(rig.channel, port) for port in (Confirms, Cancels, Appeals))
    assert not isinstance(rig.channel, Routes)


def test_a_parcel_stands_in_the_order_and_a_notice_tells_of_it(rig: Rig) -> None:
    order = sold(rig, ("SKU-00", 3), ("SKU-01", 1))
    rig.world.post.url = "http://hub.test/webhooks/ebay"
    rig.clock.forward(seconds=1)

    told = channel(rig).confirm(parcel(order, 2))

    after = read(rig, order.id)
    assert [(one.id, one.tracking, one.lines[0].quantity) for one in after.shipped] == [(told, (TRACKING,), 2)]
    assert (after.units_to_ship, after.order_status) == (2, OrderStatus.PARTIALLY_FULFILLED)
    assert after.revision > order.revision
    assert [b"ITEM_MARKED_SHIPPED" in one.body for one in rig.world.outbox] == [True]
    assert shipments(rig, order) == [{"tracking": TRACKING, "carrier": "UPS", "units": {"SKU-00": 2}}]


@pytest.mark.parametrize(("carrier", "said"), [("ups", "UPS"), ("fedex", "FedEx"), ("usps", "USPS"), ("dhl", "DHL"), ("", "Other")])
def test_carriers_are_named_as_ebay_names_them(rig: Rig, carrier: str, said: str) -> None:
    order = sold(rig, ("SKU-00", 1))

    channel(rig).confirm(parcel(order, 1, carrier=carrier, carrier_name="Somebody"))

    assert shipments(rig, order)[0]["carrier"] == said


def test_a_number_is_told_without_blanks_and_dashes_and_found_by_what_it_was(rig: Rig) -> None:
    order = sold(rig, ("SKU-00", 1))
    sent = parcel(order, 1, tracking="9400 1000-0000 0000 0000 00")

    told = channel(rig).confirm(sent)

    assert told == "9400100000000000000000" == channel(rig).confirmed(sent)


def test_two_parcels_of_one_order_and_a_repeated_sku_are_told_one_by_one(rig: Rig) -> None:
    order = sold(rig, ("SKU-00", 3), ("SKU-00", 2))
    first, second = parcel(order, 1, 2), parcel(order, 2, 0, number=2, tracking=OTHER)

    ids = [channel(rig).confirm(first), channel(rig).confirm(second)]

    assert [channel(rig).confirmed(one) for one in (first, second)] == ids == [TRACKING, OTHER]
    assert [(one["tracking"], one["units"]) for one in shipments(rig, order)] == [(TRACKING, {"SKU-00": 3}), (OTHER, {"SKU-00": 2})]
    assert read(rig, order.id).order_status is OrderStatus.FULFILLED


def test_a_lost_answer_is_found_and_not_told_twice(rig: Rig) -> None:
    order = sold(rig, ("SKU-00", 3))
    sent = parcel(order, 1)
    rig.fail("cut_after", "createShippingFulfillment")

    before = channel(rig).confirmed(sent)
    with pytest.raises(OutcomeUnknown):
        channel(rig).confirm(sent)

    assert (before, channel(rig).confirmed(sent)) == (None, TRACKING)
    assert len(shipments(rig, order)) == 1


def test_two_boxes_under_one_number_are_two_parcels_where_their_lines_differ(rig: Rig) -> None:
    order = sold(rig, ("SKU-00", 2), ("SKU-01", 1))
    line = order.lines[0].id
    first, second = a_parcel(order.id, (line, 1), (line, 1)), parcel(order, 0, 1, number=2)

    channel(rig).confirm(first)
    known = [channel(rig).confirmed(one) for one in (first, second)]
    channel(rig).confirm(second)

    assert known == [TRACKING, None]
    assert [one["units"] for one in shipments(rig, order)] == [{"SKU-00": 2}, {"SKU-01": 1}]


def test_told_twice_it_counts_twice(rig: Rig) -> None:
    order = sold(rig, ("SKU-00", 3))

    for _ in range(2):
        channel(rig).confirm(parcel(order, 1))

    assert len(shipments(rig, order)) == 2, "which is why it is looked for first"


def test_a_parcel_without_a_number_is_known_by_its_time(rig: Rig) -> None:
    order = sold(rig, ("SKU-00", 3))
    sent = parcel(order, 1, tracking="", sent_at=START)
    later = parcel(order, 1, tracking="", number=2, sent_at=START + timedelta(minutes=5))
    channel(rig).confirm(parcel(order, 1, sent_at=START))

    before = channel(rig).confirmed(sent)
    told = channel(rig).confirm(sent)

    assert (before, channel(rig).confirmed(sent), channel(rig).confirmed(later)) == (None, told, None)
    assert shipments(rig, order)[1]["tracking"] is None


def test_of_two_parcels_without_a_number_that_left_at_once_each_is_found_once(rig: Rig) -> None:
    order = sold(rig, ("SKU-00", 3))
    first, second = (parcel(order, 1, tracking="", sent_at=START, number=number) for number in (1, 2))
    told = channel(rig).confirm(first)
    other = replace(second, others=frozenset({told}))

    before = channel(rig).confirmed(other)
    again = channel(rig).confirm(other)

    assert (before, channel(rig).confirmed(other), again != told) == (None, again, True)


def test_refusals_come_with_ebays_words(rig: Rig) -> None:
    order = sold(rig, ("SKU-00", 1))
    wrong = [
        (parcel(order, 2), "quantity of line item"),
        (a_parcel(order.id, ("77", 1)), "Invalid line item id: 77"),
        (a_parcel("404", ("77", 1)), "Invalid order ID: 404"),
    ]

    for sent, words in wrong:
        with pytest.raises(Refused) as error:
            channel(rig).confirm(sent)
        assert words in error.value.words and "{" not in error.value.words
    assert shipments(rig, order) == []


@pytest.mark.parametrize(
    ("fault", "error"),
    [("401", AccessLost), ("429", RateLimited), ("500", OutcomeUnknown), ("cut_before", OutcomeUnknown), ("cut_after", OutcomeUnknown)],
)
@pytest.mark.parametrize("call", ["createShippingFulfillment", "createCancellation", "approveCancellation", "rejectCancellation"])
def test_each_fault_has_its_one_error(rig: Rig, fault: str, error: type[Exception], call: str) -> None:
    order, asked = sold(rig, ("SKU-00", 1)), sold(rig, ("SKU-01", 1))
    rig.simulator.act(asked.id, "ask_to_cancel", {})
    [appeal] = channel(rig).appeals(asked.id)
    rig.fail(fault, call, times=2)
    doing = {
        "createShippingFulfillment": lambda: channel(rig).confirm(parcel(order, 1)),
        "createCancellation": lambda: channel(rig).cancel(order.id, CancelReason.STOCK, KEY, restock=True),
        "approveCancellation": lambda: channel(rig).answer(asked.id, appeal, agree=True),
        "rejectCancellation": lambda: channel(rig).answer(asked.id, appeal, agree=False),
    }

    with pytest.raises(error):
        doing[call]()


# ---- calling off


@pytest.mark.parametrize(
    ("reason", "said"),
    [(CancelReason.BUYER, "BUYER_ASKED_CANCEL"), (CancelReason.STOCK, "OUT_OF_STOCK_OR_CANNOT_FULFILL"),
     (CancelReason.ADDRESS, "ADDRESS_ISSUES"), (CancelReason.FRAUD, "OUT_OF_STOCK_OR_CANNOT_FULFILL"),
     (CancelReason.OTHER, "OUT_OF_STOCK_OR_CANNOT_FULFILL")],
)  # fmt: skip
def test_an_order_is_called_off_and_seen_when_ebay_is_done(rig: Rig, reason: CancelReason, said: str) -> None:
    order = sold(rig, ("SKU-00", 3))

    asked = [channel(rig).cancelling(order.id, KEY), channel(rig).cancel(order.id, reason, KEY, restock=True)]
    asked += [channel(rig).cancelling(order.id, KEY), channel(rig).cancel(order.id, reason, KEY, restock=True)]
    rig.clock.forward(seconds=3)
    asked += [channel(rig).cancelling(order.id, KEY), channel(rig).cancel(order.id, reason, KEY, restock=True)]

    after = read(rig, order.id)
    assert asked == [Cancelling.NOT_CANCELLED, *[Cancelling.ASKED] * 3, *[Cancelling.DONE] * 2]
    assert (after.order_status, after.cancel_reason, after.units_to_ship) == (OrderStatus.CANCELLED, said, 0)
    assert after.payment_status is PaymentStatus.REFUNDED, "eBay pays the buyer back"
    assert rig.calls().count("createCancellation") == 1
    assert "post-order" not in rig.recorder.getvalue(), "there is no contract to hold it against"


def test_an_order_of_which_something_left_is_not_called_off(rig: Rig) -> None:
    order = sold(rig, ("SKU-00", 3))
    channel(rig).confirm(parcel(order, 1))

    with pytest.raises(Refused) as error:
        channel(rig).cancel(order.id, CancelReason.STOCK, KEY, restock=True)

    assert "A part of the order is sent" in error.value.words
    assert "createCancellation" not in rig.calls()


def test_a_lost_answer_of_a_cancellation_is_found(rig: Rig) -> None:
    order = sold(rig, ("SKU-00", 3))
    rig.fail("cut_after", "createCancellation")

    with pytest.raises(OutcomeUnknown):
        channel(rig).cancel(order.id, CancelReason.STOCK, KEY, restock=True)

    assert channel(rig).cancelling(order.id, KEY) is Cancelling.ASKED


def test_what_ebay_declines_comes_with_its_words(rig: Rig) -> None:
    order = sold(rig, ("SKU-00", 3))
    rig.simulator.state["orders"][order.id]["document"]["cancelStatus"]["cancelState"] = "SOMETHING_NEW"

    with pytest.raises(Refused) as error:
        channel(rig).cancel(order.id, CancelReason.STOCK, KEY, restock=True)

    assert error.value.words == "The order is not eligible for cancellation."


def test_an_order_that_is_not_there_is_refused(rig: Rig) -> None:
    for call in (channel(rig).cancelling, lambda order, _: channel(rig).appeals(order)):
        with pytest.raises(Refused):
            call("404", KEY)


def test_another_scheme_before_the_token_is_a_setting() -> None:
    rig = Rig(post_order_scheme="Bearer")
    order = sold(rig, ("SKU-00", 1))

    with pytest.raises(AccessLost):
        channel(rig).cancel(order.id, CancelReason.STOCK, KEY, restock=True)


# ---- what buyers wish


def test_a_buyers_wish_is_told_with_its_number_its_reason_and_until_when(rig: Rig) -> None:
    order = sold(rig, ("SKU-00", 2))
    before = channel(rig).appeals(order.id)
    rig.simulator.act(order.id, "ask_to_cancel", {})

    [appeal] = channel(rig).appeals(order.id)

    assert (before, appeal.reason) == ([], "BUYER_ASKED_CANCEL")
    assert appeal.id and appeal.due_at is not None and timedelta(days=2) < appeal.due_at - rig.clock() < timedelta(days=4)
    assert channel(rig).cancelling(order.id, KEY) is Cancelling.NOT_CANCELLED, "a wish is not yet a cancellation"


def test_to_agree_cancels_the_order_once(rig: Rig) -> None:
    order = sold(rig, ("SKU-00", 2))
    rig.simulator.act(order.id, "ask_to_cancel", {})
    [appeal] = channel(rig).appeals(order.id)

    for _ in range(2):
        channel(rig).answer(order.id, appeal, agree=True)
        rig.clock.forward(seconds=3)

    assert (list(channel(rig).appeals(order.id)), read(rig, order.id).order_status) == ([], OrderStatus.CANCELLED)
    assert rig.calls().count("approveCancellation") == 1


@pytest.mark.parametrize("left", [True, False])
def test_to_say_no_tells_of_the_parcel_where_one_left(rig: Rig, left: bool) -> None:
    order = sold(rig, ("SKU-00", 2))
    rig.simulator.act(order.id, "ask_to_cancel", {})
    [appeal] = channel(rig).appeals(order.id)
    sent = parcel(order, 2, tracking="1Z 999", sent_at=START) if left else None

    for _ in range(2):
        channel(rig).answer(order.id, appeal, agree=False, sent=sent)

    said = {"shipmentDate": {"value": "2026-11-20T20:00:00.000Z"}, "trackingNumber": "1Z999"} if left else {}
    assert rig.simulator.state["orders"][order.id]["answers"] == [{"agreed": False, **said}]
    assert read(rig, order.id).order_status is OrderStatus.OPEN


def test_to_call_an_order_off_that_its_buyer_wishes_to_cancel_is_to_agree(rig: Rig) -> None:
    order = sold(rig, ("SKU-00", 2))
    rig.simulator.act(order.id, "ask_to_cancel", {})

    channel(rig).cancel(order.id, CancelReason.BUYER, KEY, restock=True)
    rig.clock.forward(seconds=3)

    assert channel(rig).cancelling(order.id, KEY) is Cancelling.DONE
    assert "createCancellation" not in rig.calls() and "approveCancellation" in rig.calls()
