"""What an Amazon order means: tables, reconciliation of taxes and discounts, quantities, envelopes, refusals."""

import copy
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.amazon import MANIFEST, signing
from connectors.amazon.normalize import FULFILLMENTS, PAYMENTS
from connectors.http import as_datetime, read_json, write_json
from core.domain.money import Money
from core.domain.order import Liable, Order, Party, TaxMode
from core.domain.summary import summary
from core.errors import BadPayload

EXAMPLES = Path(__file__).parents[2] / "connectors" / "amazon" / "examples"
STATUSES = ["PENDING_AVAILABILITY", "PENDING", "UNSHIPPED", "PARTIALLY_SHIPPED", "SHIPPED", "CANCELLED", "UNFULFILLABLE"]


def example(name: str) -> Any:
    return read_json((EXAMPLES / f"{name}.in.json").read_bytes())


def read(document: Any) -> Order:
    return MANIFEST.order(write_json(document), "c1")


def amount(minor: int, currency: str = "USD") -> dict[str, str]:
    return {"amount": Money(minor, currency).text(), "currencyCode": currency}


def entry(kind: str, minor: int, **details: int) -> dict[str, Any]:
    parts = [{"subtype": subtype, "value": amount(value)} for subtype, value in details.items()]
    return {"type": kind, "subtotal": amount(minor)} | ({"detailedBreakdowns": parts} if parts else {})


def an_order(*breakdowns: list[dict[str, Any]], total: int, tips: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """A priced order with one item for each list of breakdowns."""
    document = example("plain")
    document["proceeds"] = {"grandTotal": amount(total), "breakdowns": tips or []}
    item = document["orderItems"][0]
    document["orderItems"] = [
        {**copy.deepcopy(item), "orderItemId": str(n), "proceeds": {"breakdowns": b}} for n, b in enumerate(breakdowns)
    ]
    return document


# ---- taxes, discounts, tips


def test_tax_that_makes_the_total_comes_on_top() -> None:
    order = read(an_order([entry("ITEM", 1000), entry("TAX", 80)], total=1080))

    assert (order.tax_mode, order.payable.minor, order.problems()) == (TaxMode.EXCLUSIVE, 1080, [])


def test_tax_that_the_total_does_without_is_inside_the_price() -> None:
    order = read(an_order([entry("ITEM", 1000), entry("TAX", 160)], total=1000))

    assert (order.tax_mode, order.payable.minor, order.tax_total.minor) == (TaxMode.INCLUSIVE, 1000, 160)


def test_without_a_tax_entry_nobody_knows() -> None:
    assert read(an_order([entry("ITEM", 1000)], total=1000)).tax_mode is TaxMode.UNKNOWN


def test_a_tax_entry_of_zero_is_no_tax() -> None:
    assert read(an_order([entry("ITEM", 1000), entry("TAX", 0)], total=1000)).tax_mode is TaxMode.NONE


@pytest.mark.parametrize("sign", [1, -1])
def test_a_discount_of_either_sign_lowers_the_price(sign: int) -> None:
    order = read(an_order([entry("ITEM", 1000), entry("DISCOUNT", sign * 200)], total=800))

    assert (order.discount_total.minor, order.subtotal.minor, order.problems()) == (200, 800, [])


@pytest.mark.parametrize("sign", [1, -1])
def test_a_discount_goes_where_its_details_say(sign: int) -> None:
    parts = [entry("ITEM", 1000), entry("SHIPPING", 500), entry("GIFT_WRAP", 300)]
    parts.append(entry("DISCOUNT", sign * 600, ITEM=sign * 100, SHIPPING=sign * 400, GIFT_WRAP=sign * 100))
    order = read(an_order(parts, total=1200))

    assert order.lines[0].charge.discount.minor == 100 and order.shipping[0].charge.discount.minor == 400
    assert order.fees == Money(200, "USD") and order.problems() == []


def test_the_tax_of_a_discount_is_taken_off_the_goods_tax() -> None:
    parts = [entry("ITEM", 1000), entry("SHIPPING", 500), entry("DISCOUNT", -200), entry("TAX", 105, ITEM=80, DISCOUNT=-16, SHIPPING=41)]
    order = read(an_order(parts, total=1405))

    assert (order.lines[0].charge.tax.minor, order.shipping[0].charge.tax.minor) == (64, 41)
    assert order.tax_mode is TaxMode.EXCLUSIVE and order.problems() == []


def test_gift_wrap_and_cash_on_delivery_are_fees_and_their_tax_stands_with_the_line() -> None:
    parts = [entry("ITEM", 1000), entry("GIFT_WRAP", 300), entry("COD_FEE", 200), entry("TAX", 120, ITEM=80, GIFT_WRAP=24, COD_FEE=16)]
    order = read(an_order(parts, total=1620))

    assert order.fees == Money(500, "USD") and order.tax_total.minor == 120 and order.problems() == []
    assert [tax.title for tax in order.lines[0].charge.taxes] == ["gift wrap tax", "cash on delivery tax", "tax"]


@pytest.mark.parametrize(("total", "tips"), [(1500, 500), (1000, None)])
def test_a_pending_tip_counts_once_it_is_in_the_total(total: int, tips: int | None) -> None:
    tip = {"type": "DELIVERY_TIP", "status": "PENDING", "subtotal": amount(500)}
    order = read(an_order([entry("ITEM", 1000)], total=total, tips=[tip]))

    assert order.tips == (Money(tips, "USD") if tips else None) and order.problems() == []


def test_one_cent_a_line_is_rounding_and_more_is_a_problem() -> None:
    near = read(an_order([entry("ITEM", 1000), entry("TAX", 80)], [entry("ITEM", 500), entry("TAX", 40)], total=1622))
    far = read(an_order([entry("ITEM", 1000), entry("TAX", 80)], total=1090))

    assert near.rounding == Money(2, "USD") and near.tax_mode is TaxMode.EXCLUSIVE and near.problems() == []
    assert far.problems() == ["money: parts are 10.80, total is 10.90 USD"] and far.tax_mode is TaxMode.UNKNOWN


def test_a_cent_of_tax_that_could_be_either_is_flagged() -> None:
    order = read(an_order([entry("ITEM", 1000), entry("TAX", 2)], [entry("ITEM", 500)], total=1501))

    assert order.tax_mode is TaxMode.UNKNOWN and order.problems() == ["tax: the parts make the total neither with nor without tax"]


def test_a_facilitator_pays_the_tax_of_its_items_only() -> None:
    document = an_order([entry("ITEM", 1000), entry("TAX", 80)], [entry("ITEM", 500), entry("TAX", 40)], total=1620)
    document["orderItems"][1]["tax"] = {"taxCollections": [{"model": "MARKETPLACE_FACILITATOR"}]}
    order = read(document)

    assert (order.tax_by(Liable.MARKETPLACE).minor, order.tax_by(Liable.SELLER).minor) == (40, 80)


def test_a_breakdown_we_never_heard_of_is_a_fee_and_flagged() -> None:
    order = read(an_order([entry("ITEM", 1000), entry("ECO_LEVY", 50)], total=1050))

    assert order.fees == Money(50, "USD") and order.problems() == ["money: breakdown ECO_LEVY is not known"]


MINORS = st.integers(0, 10**7)
ITEMS = st.lists(
    st.tuples(MINORS, MINORS, MINORS, st.integers(0, 10**4), st.integers(1, 10**5), st.sampled_from([1, -1])), min_size=1, max_size=5
)


@settings(deadline=None)
@given(items=ITEMS, included=st.booleans())
def test_what_amazon_wrote_in_either_mode_and_sign_adds_up_to_the_cent(items: list[tuple[int, ...]], included: bool) -> None:
    breakdowns = [
        [
            entry("ITEM", goods + off),
            entry("SHIPPING", shipping),
            entry("GIFT_WRAP", wrap),
            entry("DISCOUNT", sign * off),
            entry("TAX", tax),
        ]
        for goods, shipping, wrap, off, tax, sign in items
    ]
    net, tax = sum(sum(item[:3]) for item in items), sum(item[4] for item in items)
    order = read(an_order(*breakdowns, total=net if included else net + tax))

    assert order.payable == order.total and order.problems() == []
    assert order.tax_mode is (TaxMode.INCLUSIVE if included else TaxMode.EXCLUSIVE)
    assert order.tax_total.minor == tax and order.discount_total.minor == sum(item[3] for item in items)


# ---- statuses and quantities


def test_the_status_tables_hold_every_status_and_no_other() -> None:
    assert list(PAYMENTS) == STATUSES and list(FULFILLMENTS) == STATUSES


@pytest.mark.parametrize(
    ("status", "order_status", "payment"),
    [
        ("PENDING_AVAILABILITY", "pending_payment", "unpaid"),
        ("PENDING", "pending_payment", "unpaid"),
        ("UNSHIPPED", "open", "paid"),
        ("CANCELLED", "cancelled", "voided"),
        ("UNFULFILLABLE", "on_hold", "unknown"),
        ("unshipped", "unknown", "unknown"),
    ],
)
def test_a_status_is_read_by_its_exact_word(status: str, order_status: str, payment: str) -> None:
    document = example("plain")
    document["fulfillment"]["fulfillmentStatus"] = status

    told = summary(read(document))

    assert (told["order_status"], told["payment_status"]) == (order_status, payment)


def test_all_shipped_is_fulfilled() -> None:
    document = example("plain")
    document["fulfillment"]["fulfillmentStatus"] = "SHIPPED"
    for item in document["orderItems"]:
        item["fulfillment"] = {"quantityFulfilled": item["quantityOrdered"], "quantityUnfulfilled": 0}

    assert summary(read(document))["order_status"] == "fulfilled" and read(document).units_to_ship == 0


def counted(status: str = "UNSHIPPED", *, ordered: int = 3, executed: bool = False, **fulfillment: int) -> tuple[int, int, int, list[str]]:
    document = an_order([entry("ITEM", 1000)], total=1000)
    item = document["orderItems"][0]
    document["fulfillment"]["fulfillmentStatus"], item["quantityOrdered"], item["fulfillment"] = status, ordered, fulfillment
    if executed:
        item["cancellation"] = {"cancellationExecution": {"cancelledBy": "MERCHANT"}}
    order = read(document)
    line = order.lines[0]
    return line.fulfilled, line.cancelled, line.open, order.problems()


def test_units_of_an_executed_cancellation_are_what_is_neither_shipped_nor_left() -> None:
    assert counted(executed=True, quantityFulfilled=0, quantityUnfulfilled=0) == (0, 3, 0, [])
    assert counted("PARTIALLY_SHIPPED", executed=True, quantityFulfilled=1, quantityUnfulfilled=1) == (1, 1, 1, [])
    assert counted("SHIPPED", executed=True, quantityFulfilled=3, quantityUnfulfilled=0) == (3, 0, 0, [])
    assert counted(executed=True, quantityFulfilled=0, quantityUnfulfilled=3) == (0, 3, 0, [])


def test_a_cancelled_order_has_nothing_left_to_ship() -> None:
    assert counted("CANCELLED", quantityFulfilled=1, quantityUnfulfilled=0)[:3] == (1, 2, 0)


def test_a_pending_order_keeps_its_units_whatever_is_said_to_be_left() -> None:
    assert counted("PENDING", quantityFulfilled=0, quantityUnfulfilled=0) == (0, 0, 3, [])


def test_units_that_are_nowhere_are_flagged() -> None:
    assert counted(quantityFulfilled=0, quantityUnfulfilled=2) == (
        0,
        0,
        3,
        ["quantity: item 0 has 1 units neither shipped nor left to ship"],
    )
    assert counted("SHIPPED", quantityFulfilled=2, quantityUnfulfilled=0)[:3] == (2, 1, 0)


def test_an_item_that_does_not_say_how_many_were_shipped_is_read_by_the_order_or_flagged() -> None:
    assert counted("UNSHIPPED") == (0, 0, 3, [])
    assert counted("SHIPPED") == (3, 0, 0, [])
    assert counted("PARTIALLY_SHIPPED") == (0, 0, 3, ["quantity: item 0 does not say how many were shipped"])


def test_amazons_own_orders_are_not_ours_to_ship() -> None:
    document = example("plain")
    document["fulfillment"]["fulfilledBy"] = "AMAZON"
    order = read(document)

    assert order.party is Party.CHANNEL and {line.party for line in order.lines} == {Party.CHANNEL} and order.units_to_ship == 0


def test_somebody_we_do_not_know_is_not_us() -> None:
    document = example("plain")
    document["fulfillment"]["fulfilledBy"] = "DRONE"
    order = read(document)

    assert order.party is Party.OTHER and order.units_to_ship == 0 and order.problems() == ["party: fulfilledBy DRONE is not known"]


def test_parcels_that_never_left_are_not_shipped() -> None:
    (parcel,) = read(example("cancelled_line")).shipped

    assert (parcel.id, parcel.tracking, [(line.line, line.quantity) for line in parcel.lines]) == (
        "1",
        ("1ZSIM0000000001",),
        [("67000000000001", 1)],
    )


# ---- what else an order tells


def test_an_order_tells_its_references_and_dates() -> None:
    document = example("plain")
    document["programs"] = ["PRIME", "AMAZON_BUSINESS"]
    order = read(document)

    assert (order.seller_ref, order.marketplace, order.service, order.b2b) == ("SO-2026-77", "ATVPDKIKX0DER", "STANDARD", True)
    assert (order.revision, order.placed_at) == (as_datetime("2026-11-20T08:47:02Z"), as_datetime("2026-11-20T08:15:30Z"))
    assert order.ship_by == as_datetime("2026-11-23T07:59:59Z") and order.deliver_by == as_datetime("2026-11-28T07:59:59Z")
    assert order.payments is not None and order.payments[0].amount == order.total


def test_people_are_read_whole_and_never_printed() -> None:
    order = read(example("business"))

    assert order.person is not None and order.person.ship_to is not None and order.person.bill_to is not None
    assert (order.person.name, order.person.tax_id) == ("Jürgen Weißgerber", "DE000000000")
    assert order.person.note == "Rampe 2\nBitte klingeln" and order.person.ship_to.company == "Weißgerber Möbel GmbH"
    assert "Jürgen" not in repr(order) and "Mühlbach" not in repr(order)


def test_nulls_where_a_role_may_not_look_are_no_harm() -> None:
    document = example("plain")
    document["buyer"], document["recipient"] = None, {"deliveryAddress": None}

    assert read(document).person is None


def test_an_order_of_another_shop_without_amounts_has_no_currency_and_is_no_sale() -> None:
    document = example("pending")
    document["fulfillment"] |= {"fulfillmentStatus": "UNSHIPPED", "fulfilledBy": "AMAZON"}
    document["salesChannel"] = {"channelName": "NON_AMAZON"}
    order = read(document)

    assert (
        order.currency == "XXX"
        and order.total.minor == 0
        and order.problems() == ["currency: no amounts, and the marketplace is not known"]
    )


def test_equal_payloads_give_equal_orders_and_their_own_revision() -> None:
    assert read(example("plain")) == read(example("plain"))


# ---- refusals


def refused(document: Any) -> str:
    with pytest.raises(BadPayload) as caught:
        read(document)
    return str(caught.value)


def test_orders_of_v0_are_refused_by_name() -> None:
    assert "v0" in refused({"payload": {"AmazonOrderId": "902-0000000-0000000"}})
    assert "v0" in refused({"payload": {"Orders": []}})
    assert "v0" in refused({"AmazonOrderId": "902-0000000-0000000"})
    assert "v0" in refused({"response": {"payload": {"AmazonOrderId": "902-0000000-0000000"}}})


def test_a_notice_is_no_order() -> None:
    assert "notice" in refused({"NotificationType": "ORDER_CHANGE", "Payload": {}})


@pytest.mark.parametrize("gone", ["fulfillment", "proceeds", "orderItems", "salesChannel", "orderId", "createdTime", "lastUpdatedTime"])
def test_a_partial_order_is_refused_with_the_field_that_is_missing(gone: str) -> None:
    document = example("plain")
    del document[gone]

    assert gone in refused(document)


@pytest.mark.parametrize("amount_", ["12,50", "1e", "", "NaN", "0.001", 12, None, "Infinity"])
def test_an_amount_that_is_none_is_refused_without_repeating_it(amount_: object) -> None:
    document = example("plain")
    document["proceeds"]["grandTotal"]["amount"] = amount_

    assert "amount" in refused(document) and str(amount_ or "zz") not in refused(document).replace("amazon", "")


def test_two_currencies_do_not_add() -> None:
    document = example("plain")
    document["orderItems"][1]["proceeds"]["breakdowns"][0]["subtotal"]["currencyCode"] = "CAD"

    assert "currencyCode" in refused(document)


def test_an_item_without_amounts_in_a_priced_order_is_refused() -> None:
    document = example("plain")
    del document["orderItems"][1]["proceeds"]

    assert "proceeds" in refused(document)


def test_two_items_of_one_order_have_two_ids() -> None:
    document = example("plain")
    document["orderItems"].append(document["orderItems"][0])

    with pytest.raises(BadPayload, match="orderItemId of orderItems is the same twice"):
        read(document)


@pytest.mark.parametrize("wrong", [-1, 2**31, 10**30, 1.5, "2", True])
def test_a_number_of_units_is_whole_and_fits(wrong: Any) -> None:
    for holder, key in (((), "quantityOrdered"), (("fulfillment",), "quantityFulfilled"), (("fulfillment",), "quantityUnfulfilled")):
        document = example("plain")
        inside = document["orderItems"][0]
        for step in holder:
            inside = inside[step]
        inside[key] = wrong
        with pytest.raises(BadPayload, match=f"{key} is not a number of units"):
            MANIFEST.order(json.dumps(document, default=str).encode(), "c1")


def test_two_orders_are_no_order() -> None:
    assert "2 orders" in refused({"orders": [example("plain"), example("yen")]})


# ---- the vendor's own samples


def contracts() -> Path:
    found = Path(os.environ.get("CROSSDOCK_CONTRACTS") or Path(__file__).parents[2].parent / "shared" / "contracts") / "amazon"
    if not found.exists():
        pytest.skip("the vendors' contracts are not here")
    return found


@pytest.mark.contracts
def test_every_sample_of_the_vendor_is_read_and_adds_up() -> None:
    model = read_json((contracts() / "models" / "orders_2026-01-01.json").read_bytes())
    documents = [path["get"]["responses"]["200"]["examples"]["application/json"] for path in model["paths"].values()]
    documents += [read_json(path.read_bytes()) for path in sorted((contracts() / "samples" / "orders_2026-01-01").glob("*.json"))]

    orders = [order for document in documents for order in MANIFEST.orders(document, "c1")]

    assert len(orders) == 4
    assert [order.problems() for order in orders if isinstance(order, Order)] == [[], [], [], []]


@pytest.mark.contracts
def test_every_sample_of_an_older_version_is_refused() -> None:
    samples = contracts() / "samples"
    paths = [
        *(samples / "ordersV0").glob("*.json"),
        *(samples / "notifications").glob("*.json"),
        *(samples / "recorded-http").glob("*.json"),
    ]

    for path in paths:
        assert all(isinstance(found, BadPayload) for found in MANIFEST.orders(read_json(path.read_bytes()), "c1")), path.name


# ---- the signature of queue calls


def test_a_post_is_signed_as_in_the_vector_that_aws_publishes() -> None:
    keys = ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    at = as_datetime("2015-08-30T12:36:00Z")

    headers = signing.signed("https://example.amazonaws.com/", {}, b"", keys=keys, scope=("us-east-1", "service"), at=at)

    assert headers["authorization"].endswith("Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b")
    assert keys[1] not in json.dumps(headers)
