"""Shopify is told of parcels, asked to cancel and to send from elsewhere: against its simulator, without sockets."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from connectors.shopify import SCOPES, normalize, paying, sending
from connectors.shopify import bookkeeping as books
from core.domain.money import Money
from core.domain.order import Order, OrderStatus, PaymentStatus
from core.domain.shipping import Cancelling, CancelReason, Sent
from core.errors import AccessLost, OutcomeUnknown, RateLimited, Refused
from core.ports import Appeals, Cancels, Captures, Confirms, Routes
from tests.contract.parcels import KEY, TRACKING, a_parcel
from tests.contract.test_shopify_channel import Rig, two_places

OTHER = "1Z999AA10123456785"


@pytest.fixture
def rig() -> Rig:
    return Rig()


def sold(rig: Rig, *goods: tuple[str, int], **wish: object) -> Order:
    [made] = rig.simulator.place({"lines": [{"sku": sku, "quantity": units} for sku, units in goods], "plain": True, **wish})
    return rig.read(made["id"])


def parcel(order: Order, *units: int, **different: object) -> Sent:
    """So many units of each of its lines, of the parts that they are assigned to."""
    part = {item.line: one.id for one in order.routing or () for item in one.lines if item.quantity}
    lines = [(line.id, count, part[line.id]) for line, count in zip(order.lines, units, strict=False) if count]
    return a_parcel(order.id, *lines, **different)


def shipments(rig: Rig, order: Order) -> list[dict[str, object]]:
    return [dict(item) for one in rig.simulator.orders() if one["id"] == order.id for item in one["shipments"]]


def test_shopify_is_told_of_parcels_cancels_and_routes_and_has_no_appeals(rig):
    assert all(isinstance(rig.channel, port) for port in (Confirms, Cancels, Routes))
    assert not isinstance(rig.channel, Appeals)


def test_a_parcel_stands_in_the_order_with_its_carrier_and_its_own_address(rig):
    order = sold(rig, ("SKU-1", 3), ("SKU-2", 1))

    told = rig.channel.confirm(parcel(order, 2))

    after = rig.read(order.id)
    body = rig.simulator.state["orders"][order.id]["body"]["fulfillments"][0]
    assert [(one.id, one.tracking, one.lines[0].quantity) for one in after.shipped] == [(told, (TRACKING,), 2)]
    assert (after.units_to_ship, after.order_status) == (2, OrderStatus.PARTIALLY_FULFILLED)
    assert (body["tracking_company"], body["tracking_url"]) == ("UPS", f"https://www.ups.example/{TRACKING}")
    assert after.revision >= order.revision
    assert shipments(rig, order) == [{"tracking": TRACKING, "carrier": "UPS", "units": {"SKU-1": 2}}]


@pytest.mark.parametrize(
    ("carrier", "name", "said"),
    [("fedex", "FedEx Express", "FedEx"), ("usps", "USPS", "USPS"), ("dhl", "DHL", "DHL Express"), ("", "Bicycle Bob", "Bicycle Bob")],
)
def test_carriers_are_named_as_shopify_names_them(rig, carrier, name, said):
    order = sold(rig, ("SKU-1", 1))

    rig.channel.confirm(parcel(order, 1, carrier=carrier, carrier_name=name))

    assert shipments(rig, order)[0]["carrier"] == said


def test_two_parcels_of_one_order_are_told_one_by_one(rig):
    order = sold(rig, ("SKU-1", 3), ("SKU-2", 1))
    first, second = parcel(order, 1), parcel(order, 2, 1, number=2, tracking=OTHER)

    ids = [rig.channel.confirm(first), rig.channel.confirm(second)]

    assert [rig.channel.confirmed(one) for one in (first, second)] == ids
    assert [(one["tracking"], one["units"]) for one in shipments(rig, order)] == [
        (TRACKING, {"SKU-1": 1}),
        (OTHER, {"SKU-1": 2, "SKU-2": 1}),
    ]
    assert rig.read(order.id).order_status is OrderStatus.FULFILLED


def test_each_unit_of_two_places_two_parcels_and_a_repeated_sku_is_told_once():
    rig = two_places()
    order = sold(rig, ("A", 3), ("A", 2), ("B", 2))
    lines = {line.id: line.ordered for line in order.lines}
    a, again, b = lines

    rig.channel.confirm(a_parcel(order.id, (a, 1), (again, 2), (b, 1)))
    rig.channel.confirm(a_parcel(order.id, (a, 2), (b, 1), number=2, tracking=OTHER))

    after = rig.read(order.id)
    assert rig.calls("Ship") == 4, "a fulfillment is of one location"
    assert sorted((one.location, one.tracking[0], sum(line.quantity for line in one.lines)) for one in after.shipped) == [
        ("70001", TRACKING, 3), ("70001", OTHER, 2), ("70009", TRACKING, 1), ("70009", OTHER, 1),
    ]  # fmt: skip
    assert {line.id: line.fulfilled for line in after.lines} == lines


def test_a_lost_answer_is_found_and_not_told_twice(rig):
    order = sold(rig, ("SKU-1", 3))
    sent = parcel(order, 1)
    rig.break_("cut_after", "Ship")

    before = rig.channel.confirmed(sent)
    with pytest.raises(OutcomeUnknown):
        rig.channel.confirm(sent)

    assert before is None
    assert rig.channel.confirmed(sent) == rig.read(order.id).shipped[0].id
    assert len(shipments(rig, order)) == 1


def test_where_one_of_two_places_was_told_only_the_other_one_is():
    rig = two_places()
    order = sold(rig, ("A", 1), ("B", 1))
    sent = parcel(order, 1, 1)
    rig.break_("500", "Ship", after=1)

    with pytest.raises(OutcomeUnknown):
        rig.channel.confirm(sent)
    between = rig.channel.confirmed(sent)
    told = rig.channel.confirm(sent)

    assert between is None
    assert rig.channel.confirmed(sent) == told and told.count(",") == 1
    assert [one["units"] for one in shipments(rig, order)] == [{"A": 1}, {"B": 1}]


def test_a_parcel_without_a_number_is_known_by_having_none(rig):
    order = sold(rig, ("SKU-1", 2))
    sent = parcel(order, 1, tracking="", url="", sent_at=rig.clock.now)
    rig.simulator.act(order.id, "fulfill", {"units": {"SKU-1": 1}})

    before = rig.channel.confirmed(sent)
    told = rig.channel.confirm(sent)

    assert (before, rig.channel.confirmed(sent)) == (None, told)
    assert rig.channel.confirmed(parcel(order, 1, tracking="", sent_at=rig.clock.now + timedelta(minutes=5), number=2)) is None


def test_of_two_parcels_without_a_number_that_left_at_once_each_is_found_once(rig):
    order = sold(rig, ("SKU-1", 2))
    first, second = (parcel(order, 1, tracking="", url="", sent_at=rig.clock.now, number=number) for number in (1, 2))
    told = rig.channel.confirm(first)
    other = replace(second, others=frozenset({told}))

    before = rig.channel.confirmed(other)
    again = rig.channel.confirm(other)

    assert (before, rig.channel.confirmed(other), again != told) == (None, again, True)


def test_an_order_of_many_lines_is_told_whole():
    rig = Rig(products=40)
    order = sold(rig, *((f"SKU-{n}", 1) for n in range(40)))

    rig.channel.confirm(parcel(order, *[1] * 40))

    assert rig.read(order.id).order_status is OrderStatus.FULFILLED


def test_more_than_is_open_is_refused_before_anything_is_told():
    rig = two_places()
    order = sold(rig, ("A", 1), ("B", 1))

    with pytest.raises(Refused) as error:
        rig.channel.confirm(parcel(order, 1, 2))

    assert error.value.words == "Shopify has 1 units of this line open, and 2 are sent."
    assert shipments(rig, order) == []


def test_a_held_order_is_refused_with_shopifys_words(rig):
    order = sold(rig, ("SKU-1", 1))
    rig.simulator.act(order.id, "hold", {})

    with pytest.raises(Refused) as error:
        rig.channel.confirm(parcel(order, 1))

    assert "unfulfillable status= on_hold" in error.value.words


def test_an_order_that_is_not_there_is_refused(rig):
    calls = [
        lambda: rig.channel.confirm(a_parcel("404", ("1", 1))),
        lambda: rig.channel.confirmed(a_parcel("404", ("1", 1))),
        lambda: rig.channel.cancel("404", CancelReason.BUYER, KEY, restock=True),
        lambda: rig.channel.cancelling("404", KEY),
    ]

    for call in calls:
        with pytest.raises(Refused):
            call()


def test_an_order_that_was_cancelled_has_nothing_to_send(rig):
    order = sold(rig, ("SKU-1", 1))
    rig.simulator.act(order.id, "cancel", {})

    with pytest.raises(Refused):
        rig.channel.confirm(parcel(order, 1))


@pytest.mark.parametrize(
    ("fault", "error"),
    [("401", AccessLost), ("429", RateLimited), ("500", OutcomeUnknown), ("html", OutcomeUnknown), ("cut_before", OutcomeUnknown),
     ("cut_after", OutcomeUnknown)],
)  # fmt: skip
@pytest.mark.parametrize("call", ["Ship", "Cancel", "Move"])
def test_each_fault_has_its_one_error(rig, fault, error, call):
    order = sold(rig, ("SKU-1", 1))
    rig.break_(fault, call, times=2)
    doing = {
        "Ship": lambda: rig.channel.confirm(parcel(order, 1)),
        "Cancel": lambda: rig.channel.cancel(order.id, CancelReason.OTHER, KEY, restock=True),
        "Move": lambda: rig.channel.route(order.id, order.routing[0].id, "70009"),
    }

    with pytest.raises(error):
        doing[call]()


@pytest.mark.parametrize(
    ("lacks", "call"),
    [
        ("write_merchant_managed_fulfillment_orders", "Ship"),
        ("write_merchant_managed_fulfillment_orders", "Move"),
        ("write_orders", "Cancel"),
    ],
)
def test_a_shop_that_did_not_grant_it_is_told_so(rig, lacks, call):
    order = sold(rig, ("SKU-1", 1))
    rig.simulator.befall("scopes", {"scopes": [scope for scope in SCOPES if scope != lacks]})
    doing = {
        "Ship": lambda: rig.channel.confirm(parcel(order, 1)),
        "Cancel": lambda: rig.channel.cancel(order.id, CancelReason.OTHER, KEY, restock=True),
        "Move": lambda: rig.channel.route(order.id, order.routing[0].id, "70009"),
    }

    with pytest.raises(Refused) as error:
        doing[call]()

    assert not isinstance(error.value, AccessLost), "whatever else was granted goes on"
    assert "install the app again" in str(error.value) and lacks in error.value.words


# ---- which part of an order a parcel is of


def an_order(*parts: tuple[str, str, int]) -> dict[str, Any]:
    """Parts as (id, location, units still to send of line 1), whose own lines have ids of theirs."""
    return {
        "fulfillments": [],
        "fulfillmentOrders": {
            "nodes": [
                {
                    "id": f"gid://shopify/FulfillmentOrder/{part}",
                    "status": "OPEN",
                    "assignedLocation": {"location": {"id": f"gid://shopify/Location/{location}"}},
                    "lineItems": {
                        "nodes": [{"id": f"L{part}", "remainingQuantity": units, "lineItem": {"id": "gid://shopify/LineItem/1"}}]
                    },
                }
                for part, location, units in parts
            ]
        },
    }


def places(sent: Sent, *parts: tuple[str, str, int]) -> dict[str, int]:
    """Units by the line of each part."""
    found = sending.shared(an_order(*parts), sent, sent.lines)
    return {line: units for by_part in found.values() for lines in by_part.values() for line, units in lines.items()}


def test_a_line_that_several_places_send_is_taken_from_the_part_that_it_names_then_from_where_it_left():
    parts = (("10", "1", 2), ("11", "2", 2), ("12", "3", 2))

    assert places(a_parcel("7", ("1", 2, "11"), place="3"), *parts) == {"L11": 2}
    assert places(a_parcel("7", ("1", 3, "11"), place="3"), *parts) == {"L11": 2, "L12": 1}
    assert places(a_parcel("7", ("1", 3, "99"), place="3"), *parts) == {"L12": 2, "L10": 1}
    assert places(a_parcel("7", ("1", 2, "11"), ("1", 2, "10")), *parts) == {"L11": 2, "L10": 2}


def test_units_of_a_line_that_comes_twice_are_taken_once():
    assert places(a_parcel("7", ("1", 2, "10"), ("1", 1, "10")), ("10", "1", 3)) == {"L10": 3}
    with pytest.raises(Refused):
        places(a_parcel("7", ("1", 2, "10"), ("1", 2, "10")), ("10", "1", 3))


# ---- calling off


@pytest.mark.parametrize("restock", [True, False])
def test_a_cancelled_order_is_seen_when_its_job_is_done_and_no_money_moves(restock):
    rig = Rig("vendor")
    order = sold(rig, ("SKU-1", 3))
    before = rig.shown()["SKU-1"]

    said = [rig.channel.cancel(order.id, CancelReason.STOCK, KEY, restock=restock), rig.channel.cancelling(order.id, KEY)]
    rig.clock.forward(seconds=3)
    said.append(rig.channel.cancelling(order.id, KEY))

    after = rig.read(order.id)
    assert said == [Cancelling.ASKED, Cancelling.NOT_CANCELLED, Cancelling.DONE]
    assert (after.order_status, after.cancel_reason, after.units_to_ship) == (OrderStatus.CANCELLED, "inventory", 0)
    assert rig.shown()["SKU-1"] - before == (3 if restock else 0)
    assert not [one for one in after.payments or () if one.kind == "refund"] and after.refunded_total.minor == 0
    assert after.problems() == []


def test_it_is_called_off_once_however_often_it_is_said(rig):
    order = sold(rig, ("SKU-1", 3))
    rig.break_("cut_after", "Cancel")

    with pytest.raises(OutcomeUnknown):
        rig.channel.cancel(order.id, CancelReason.BUYER, KEY, restock=True)
    again = rig.channel.cancel(order.id, CancelReason.BUYER, KEY, restock=True)

    assert (again, rig.channel.cancelling(order.id, KEY)) == (Cancelling.DONE, Cancelling.DONE)
    assert rig.shown()["SKU-1"] == 40


def test_an_order_of_which_something_left_is_not_called_off(rig):
    order = sold(rig, ("SKU-1", 3))
    rig.channel.confirm(parcel(order, 1))

    with pytest.raises(Refused) as error:
        rig.channel.cancel(order.id, CancelReason.BUYER, KEY, restock=True)

    assert error.value.words == "Cannot cancel an order with fulfillments that can't be canceled."
    assert rig.channel.cancelling(order.id, KEY) is Cancelling.NOT_CANCELLED


# ---- from elsewhere


def test_a_part_is_sent_from_another_place_and_the_shops_levels_follow():
    rig = two_places()
    order = sold(rig, ("A", 2), ("B", 1))
    part = next(one for one in order.routing or () if one.location == "70001")

    rig.channel.route(order.id, part.id, "70009")
    rig.channel.route(order.id, part.id, "70009")

    after = rig.read(order.id)
    assert [(one.location, [line.quantity for line in one.lines]) for one in after.routing or ()] == [("70009", [2, 1])]
    assert {one["sku"]: one["at"] for one in rig.simulator.listings()} == {"A": {"70001": 4, "70009": 4}, "B": {"70009": 2}}


def test_a_parcel_of_a_part_that_has_another_number_by_now_is_told_all_the_same():
    rig = two_places()
    order = sold(rig, ("A", 2), ("B", 1))
    sent = parcel(order, 2, 1)
    rig.channel.route(order.id, order.routing[0].id, "70009")

    rig.channel.confirm(sent)

    assert shipments(rig, order) == [{"tracking": TRACKING, "carrier": "UPS", "units": {"A": 2, "B": 1}}]


def test_a_place_that_does_not_stock_it_is_refused_with_shopifys_words():
    rig = two_places()
    order = sold(rig, ("B", 1))

    with pytest.raises(Refused) as error:
        rig.channel.route(order.id, order.routing[0].id, "70001")

    assert "does not stock" in error.value.words


# ---- what is captured when it leaves


def promised(rig: Rig, units: int = 3, **wish: object) -> Order:
    return sold(rig, ("SKU-1", units), payment="authorized", **wish)


def total_of(rig: Rig, order: Order) -> Money:
    return rig.channel.captured(order.id, KEY).owed


def captures(rig: Rig, order: Order) -> list[str]:
    return [text for one in rig.simulator.orders() if one["id"] == order.id for text in one["captures"]]


def test_an_authorized_order_says_until_when_it_can_be_captured_and_what_is_owed(rig):
    order = promised(rig)
    now = rig.channel.captured(order.id, KEY)

    assert isinstance(rig.channel, Captures)
    assert (order.payment_status, order.pay_until) == (PaymentStatus.AUTHORIZED, rig.clock().replace(microsecond=0) + timedelta(days=7))
    assert (now.taken.minor, now.owed, now.ready, now.pending) == (0, order.total, order.total, False)


def test_what_is_captured_is_paid_and_nothing_is_left_to_take(rig):
    order = promised(rig)

    rig.channel.capture(order.id, total_of(rig, order), KEY)

    after, now = rig.read(order.id), rig.channel.captured(order.id, KEY)
    assert (after.payment_status, after.pay_until) == (PaymentStatus.PAID, None)
    assert (now.taken, now.owed.minor, now.ready.minor) == (order.total, 0, 0)
    assert captures(rig, order) == [order.total.text()]


def test_what_an_edit_took_off_is_not_captured(rig):
    order = promised(rig)
    rig.simulator.act(order.id, "edit", {"sku": "SKU-1", "quantity": 1})
    now = rig.channel.captured(order.id, KEY)

    rig.channel.capture(order.id, min(now.owed, now.ready, key=lambda money: money.minor), KEY)

    assert now.owed.minor < now.ready.minor == order.total.minor
    assert captures(rig, order) == [now.owed.text()]
    assert rig.channel.captured(order.id, KEY).owed.minor == 0


def test_a_lost_answer_is_seen_in_the_orders_payments(rig):
    order = promised(rig)
    rig.break_("cut_after", "Capture")
    with pytest.raises(OutcomeUnknown):
        rig.channel.capture(order.id, order.total, KEY)

    assert rig.channel.captured(order.id, KEY).owed.minor == 0
    with pytest.raises(Refused):
        rig.channel.capture(order.id, order.total, KEY)
    assert captures(rig, order) == [order.total.text()]


@pytest.mark.parametrize(
    ("act", "more", "words"),
    [
        ("expire", 0, "The authorization has expired"),
        (None, 1, "Amount exceeds the authorized amount"),
    ],
)
def test_what_shopify_refuses_to_capture_is_refused_in_its_words(rig, act, more, words):
    order = promised(rig)
    if act:
        rig.simulator.act(order.id, act, {})

    with pytest.raises(Refused) as caught:
        rig.channel.capture(order.id, order.total + Money(more, order.currency), KEY)

    assert words in caught.value.words
    assert captures(rig, order) == []


def test_of_a_cancelled_order_nothing_is_owed_and_nothing_captured(rig):
    order = promised(rig)
    rig.simulator.act(order.id, "cancel", {})

    rig.channel.capture(order.id, order.total, KEY)

    assert (rig.channel.captured(order.id, KEY).owed.minor, captures(rig, order)) == (0, [])


def test_one_that_has_ended_says_so(rig):
    order = promised(rig)
    rig.simulator.act(order.id, "expire", {})

    assert rig.read(order.id).payment_status is PaymentStatus.EXPIRED


def test_an_order_that_is_not_there_or_an_app_that_may_not_is_refused(rig):
    order = promised(rig)
    with pytest.raises(Refused):
        rig.channel.captured("1", KEY)
    rig.simulator.state["scopes"] = [scope for scope in SCOPES if scope != "write_orders"]
    with pytest.raises((Refused, AccessLost)):
        rig.channel.capture(order.id, order.total, KEY)
    assert captures(rig, order) == []


def test_what_a_gateway_declines_or_works_on_is_said():
    bag = {"presentmentMoney": {"amount": "10.00", "currencyCode": "EUR"}}
    first = {"id": "1", "kind": "AUTHORIZATION", "status": "SUCCESS", "amountSet": bag, "parentTransaction": None, "multiCapturable": False}
    second = {**first, "id": "2", "kind": "CAPTURE", "status": "PENDING", "parentTransaction": {"id": "1"}}
    said = paying.taking({"currentTotalPriceSet": bag, "transactions": [first, second]})
    gone = paying.taking({"currentTotalPriceSet": bag, "transactions": [first, {**second, "kind": "VOID", "status": "SUCCESS"}]})

    assert (said.pending, said.owed.minor, gone.pending, gone.ready.minor) == (True, 1000, False, 0)


# ---- a part of a part is sent from elsewhere


def parts_of(order: Order) -> dict[str | None, dict[str, int]]:
    return {one.location: {line.line: line.quantity for line in one.lines if line.quantity} for one in order.routing or () if one.open}


def test_some_units_of_one_line_are_moved_and_told_from_where_they_leave():
    rig = two_places()
    order = sold(rig, ("A", 3), location="70001")
    [line], [part] = order.lines, order.routing or ()

    rig.channel.route(order.id, part.id, "70009", {line.id: 2})

    after = rig.read(order.id)
    assert parts_of(after) == {"70001": {line.id: 1}, "70009": {line.id: 2}}
    place = next(one.id for one in after.routing or () if one.location == "70009")
    rig.channel.confirm(a_parcel(order.id, (line.id, 2, place), place="70009"))
    assert parts_of(rig.read(order.id)) == {"70001": {line.id: 1}}
    levels = rig.simulator.state["levels"]
    assert {place: level["on_hand"] for found in levels.values() for place, level in found.items() if len(found) > 1} == {
        "70001": 4,
        "70009": 4,
    }


def test_of_several_lines_one_is_moved_and_all_that_is_left_by_its_whole():
    rig = two_places()
    order = sold(rig, ("A", 1), ("A", 2), location="70001")
    first, second = order.lines
    [part] = order.routing or ()

    rig.channel.route(order.id, part.id, "70009", {first.id: 1})
    middle = rig.read(order.id)
    left = next(one.id for one in middle.routing or () if one.location == "70001")
    rig.channel.route(order.id, left, "70009", {second.id: 2})

    assert parts_of(middle) == {"70001": {second.id: 2}, "70009": {first.id: 1}}
    assert parts_of(rig.read(order.id)) == {"70009": {first.id: 1, second.id: 2}}


@pytest.mark.parametrize("units", [4, 0])
def test_more_than_is_open_there_is_not_moved(units):
    rig = two_places()
    order = sold(rig, ("A", 3), location="70001")
    line = order.lines[0].id if units else "1"

    with pytest.raises(Refused):
        rig.channel.route(order.id, (order.routing or ())[0].id, "70009", {line: units or 1})

    assert rig.calls("Move") == 0


def test_what_is_paid_on_delivery_is_told_alike_by_both_doors(rig):
    order = sold(rig, ("SKU-1", 1), payment="on_delivery")
    body = rig.simulator.state["orders"][order.id]["body"]
    pushed = normalize.order(json.dumps(books.visible(body)).encode(), "c")

    assert (order.on_delivery, pushed.on_delivery, order.payment_status) == (True, True, PaymentStatus.UNPAID)
    assert not sold(rig, ("SKU-1", 1), payment="pending").on_delivery


# ---- what a buyer fetches


def test_an_order_that_is_fetched_says_so_and_its_buyer_is_written_to_once(rig):
    order = sold(rig, ("SKU-1", 1), pickup=True)
    parts = [part.id for part in order.routing]

    rig.channel.ready_to_fetch(order.id, parts)
    rig.channel.ready_to_fetch(order.id, parts)

    assert order.is_pickup and [part.method for part in order.routing] == ["pick_up"]
    assert order.person is None or order.person.ship_to is None
    assert rig.simulator.state["orders"][order.id]["prepared"] == [int(one) for one in parts]
    assert not sold(rig, ("SKU-1", 1)).is_pickup


def test_a_part_that_nobody_fetches_or_that_is_not_there_is_not_ready(rig):
    order = sold(rig, ("SKU-1", 1))

    for part in (order.routing[0].id, "404"):
        with pytest.raises(Refused, match="as ready"):
            rig.channel.ready_to_fetch(order.id, [part])


def test_what_was_fetched_is_told_without_a_tracking_number(rig):
    order = sold(rig, ("SKU-1", 1), pickup=True)
    rig.channel.ready_to_fetch(order.id, [part.id for part in order.routing])

    sent = parcel(order, 1, tracking="", carrier="", carrier_name="", url="", notify=False)
    told = rig.channel.confirm(sent)

    assert rig.channel.confirmed(sent) == told
    assert rig.read(order.id).order_status in (OrderStatus.FULFILLED, OrderStatus.CLOSED)
