"""eBay documents and what they must become."""

import copy
import json
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.ebay import MANIFEST, normalize
from core.domain.money import Money
from core.domain.order import Liable, Order, Party, TaxMode
from core.domain.summary import summary
from core.errors import BadPayload

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "connectors/ebay/examples"
NAMES = sorted(path.name.removesuffix(".in.json") for path in EXAMPLES.glob("*.in.json"))
CONTRACTS = Path(os.environ.get("CROSSDOCK_CONTRACTS") or ROOT.parent / "shared/contracts") / "ebay"


def document(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((EXAMPLES / f"{name}.in.json").read_text("utf-8"))
    return found


def read(doc: Any) -> Order:
    return MANIFEST.order(json.dumps(doc).encode(), "shop-1")


def amount(value: str, currency: str = "USD") -> dict[str, str]:
    return {"value": value, "currency": currency}


@pytest.mark.parametrize("name", NAMES)
def test_each_example_becomes_what_is_written_beside_it(name: str) -> None:
    expected = json.loads((EXAMPLES / f"{name}.out.json").read_text("utf-8"))

    assert summary(read(document(name))) == expected


@pytest.mark.parametrize("name", NAMES)
def test_equal_documents_give_equal_orders_and_unknown_fields_never_matter(name: str) -> None:
    more = document(name)
    more["brandNewField"] = {"x": [1.5]}
    for line in more["lineItems"]:
        line["anotherNewField"] = "y"

    assert read(document(name)) == read(document(name)) == read(more)


REQUIRED = [
    ("orderId",),
    ("creationDate",),
    ("lastModifiedDate",),
    ("orderPaymentStatus",),
    ("orderFulfillmentStatus",),
    ("cancelStatus",),
    ("cancelStatus", "cancelState"),
    ("paymentSummary",),
    ("paymentSummary", "refunds"),
    ("fulfillmentStartInstructions",),
    ("fulfillmentStartInstructions", 0, "fulfillmentInstructionsType"),
    ("pricingSummary",),
    ("pricingSummary", "total"),
    ("pricingSummary", "total", "value"),
    ("pricingSummary", "total", "currency"),
    ("lineItems",),
    ("lineItems", 0, "lineItemId"),
    ("lineItems", 0, "legacyItemId"),
    ("lineItems", 0, "quantity"),
    ("lineItems", 0, "lineItemCost"),
    ("lineItems", 0, "lineItemCost", "value"),
    ("lineItems", 0, "lineItemCost", "currency"),
    ("lineItems", 0, "lineItemFulfillmentStatus"),
    ("lineItems", 0, "listingMarketplaceId"),
    ("lineItems", 0, "taxes"),
]


def broken(path: tuple[str | int, ...]) -> tuple[dict[str, Any], Any]:
    doc = document("plain")
    holder: Any = doc
    for step in path[:-1]:
        holder = holder[step]
    return doc, holder


@pytest.mark.parametrize("path", REQUIRED)
def test_a_missing_required_field_is_named_and_never_given_a_default(path: tuple[str | int, ...]) -> None:
    doc, holder = broken(path)
    del holder[path[-1]]

    with pytest.raises(BadPayload, match=str(path[-1])) as caught:
        read(doc)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("wrong", [None, 7.5, True, [], {}, "", "Mara Lindqvist"])
@pytest.mark.parametrize("path", REQUIRED)
def test_a_required_field_of_another_type_is_refused_and_no_value_is_repeated(path: tuple[str | int, ...], wrong: Any) -> None:
    doc, holder = broken(path)
    if (path[-1] in TEXTS and wrong == "Mara Lindqvist") or (path[-1] in LISTS and wrong == []):
        return  # text where text may be, and lists that may be empty
    holder[path[-1]] = wrong

    with pytest.raises(BadPayload) as caught:
        read(doc)
    assert "Lindqvist" not in str(caught.value) and "Lindqvist" not in repr(caught.value)
    assert any(str(step) in str(caught.value) for step in path if isinstance(step, str))


TEXTS = (
    "orderId",
    "orderPaymentStatus",
    "orderFulfillmentStatus",
    "cancelState",
    "lineItemId",
    "legacyItemId",
    "lineItemFulfillmentStatus",
    "fulfillmentInstructionsType",
    "listingMarketplaceId",
)
LISTS = ("refunds", "taxes", "fulfillmentStartInstructions")


@pytest.mark.parametrize("value", ["12,50", "", "NaN", "1e400", "12.345", "abc"])
def test_what_is_no_amount_of_money_is_refused(value: str) -> None:
    doc = document("plain")
    doc["lineItems"][0]["lineItemCost"]["value"] = value

    with pytest.raises(BadPayload, match="lineItemCost: not an amount of money"):
        read(doc)


def walk(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield from walk(value, (*path, key))


@pytest.mark.parametrize("name", NAMES)
def test_whatever_is_put_anywhere_gives_an_order_or_a_bad_payload(name: str) -> None:
    whole = document(name)
    for path in walk(whole):
        for junk in (None, 3, 2.5, "x", [], {}, [3], ["x"], {"x": 1}, [{"x": 1}]):
            doc = copy.deepcopy(whole)
            holder: Any = doc
            for step in path[:-1]:
                holder = holder[step]
            holder[path[-1]] = junk
            try:
                read(doc)
            except BadPayload as error:
                assert "another shape" not in str(error), (path, junk)


@given(st.binary(max_size=60))
def test_any_bytes_give_an_order_or_a_bad_payload(raw: bytes) -> None:
    with pytest.raises(BadPayload):
        MANIFEST.order(raw, "shop-1")


@pytest.mark.parametrize(
    "wrap", [lambda one: one, lambda one: {"order": one}, lambda one: {"orders": [one]}, lambda one: {"data": {"order": one}}]
)
@pytest.mark.parametrize("outer", [None, "payload", "body", "response"])
def test_orders_are_found_in_every_wrapping(wrap: Any, outer: str | None) -> None:
    doc = wrap(document("plain"))

    found = list(MANIFEST.orders({outer: doc} if outer else doc, "shop-1"))

    assert found == [read(document("plain"))]


def test_a_bad_order_among_good_ones_is_reported_alone() -> None:
    bad = document("plain")
    del bad["pricingSummary"]

    found = list(MANIFEST.orders({"total": 2, "orders": [bad, document("yen")]}, "shop-1"))

    assert isinstance(found[0], BadPayload) and "pricingSummary" in str(found[0])
    assert found[1] == read(document("yen"))


@pytest.mark.parametrize(
    "doc", ["<?xml version='1.0'?><GetOrdersResponse/>", {"GetOrdersResponse": {}}, {"OrderArray": {"Order": []}}, {"OrderID": "1"}]
)
def test_orders_of_the_trading_api_are_refused_with_a_clear_line(doc: Any) -> None:
    found = list(MANIFEST.orders(doc, "shop-1"))

    assert len(found) == 1 and "Trading" in str(found[0])


def test_trading_xml_with_a_byte_order_mark_is_refused_the_same_way() -> None:
    with pytest.raises(BadPayload, match="Trading"):
        MANIFEST.order(b"\xef\xbb\xbf<?xml version='1.0'?><GetOrdersResponse/>", "shop-1")


def test_collected_tax_counts_once_whether_the_total_holds_it_or_not() -> None:
    without = read(document("marketplace_tax_outside_the_total"))
    doc = document("marketplace_tax_outside_the_total")
    doc["pricingSummary"]["total"] = amount("125.98")
    doc["lineItems"][0]["taxes"] = [{"taxType": "STATE_SALES_TAX", "amount": amount("5.98")}]
    within = read(doc)

    assert without.total == within.total == Money(12598, "USD")
    assert without.tax_by(Liable.MARKETPLACE) == within.tax_by(Liable.MARKETPLACE) == Money(598, "USD")
    assert without.lines == within.lines and not without.problems() and not within.problems()


def test_a_tax_row_without_a_kind_is_the_collected_tax_of_the_same_amount() -> None:
    doc = document("marketplace_tax_outside_the_total")
    doc["lineItems"][0]["taxes"] = [{"amount": amount("5.98")}]

    assert read(doc).tax_total == Money(598, "USD")


def test_a_total_without_collected_fees_and_taxes_is_raised_by_both() -> None:
    doc = document("recycling_fee_and_two_collected_taxes")
    doc["pricingSummary"] = {"deliveryCost": amount("0.0"), "total": amount("200.0")}

    assert read(doc).total == Money(22350, "USD") and read(doc).fees == Money(500, "USD")


def test_import_charges_are_duties_where_the_total_holds_them() -> None:
    doc = document("plain")
    doc["lineItems"][0]["deliveryCost"]["importCharges"] = amount("3.0")
    outside = read(doc)
    doc["pricingSummary"]["total"] = amount("49.5")

    assert outside.duties is None and not outside.problems()
    assert read(doc).duties == Money(300, "USD") and not read(doc).problems()


def test_a_converted_order_is_kept_in_the_shops_and_in_the_buyers_currency() -> None:
    order = read(document("converted_currency"))

    assert order.presented_total == Money(12301, "CAD")
    assert order.lines[0].presented and order.lines[0].presented.payable == Money(11301, "CAD")


def test_amounts_that_were_not_converted_leave_the_lines_in_the_shops_currency_alone() -> None:
    doc = document("converted_currency")
    doc["pricingSummary"]["deliveryCost"] = amount("7.3")
    order = read(doc)

    assert order.lines[0].presented is None and order.total == Money(8979, "USD") and not order.problems()


def test_money_of_another_currency_within_one_order_is_refused() -> None:
    doc = document("plain")
    doc["lineItems"][0]["lineItemCost"]["currency"] = "EUR"

    with pytest.raises(BadPayload, match=r"lineItemCost\.currency"):
        read(doc)


@pytest.mark.parametrize(
    ("site", "mode"), [("EBAY_US", TaxMode.NONE), ("EBAY_CA", TaxMode.NONE), ("EBAY_GB", TaxMode.INCLUSIVE), ("EBAY_MARS", TaxMode.UNKNOWN)]
)
def test_the_site_tells_the_tax_mode_where_no_tax_does(site: str, mode: TaxMode) -> None:
    doc = document("plain")
    doc["lineItems"][0]["listingMarketplaceId"] = site

    assert read(doc).tax_mode is mode


def test_a_hub_order_ships_to_the_hub_and_keeps_home_reference_and_customs_number() -> None:
    order = read(document("hub_and_ioss"))

    assert order.person and order.person.ship_to and order.person.ship_to.name == "eBay Hub Example"
    assert order.person.final_ship_to and order.person.final_ship_to.city == "Lyon"
    assert order.person.name == "Mara Lindqvist"
    assert (order.hub_reference, order.customs_number) == ("eBay000000000017", "IM2760000000")
    assert order.programs == ("ebay_supported_fulfillment", "authenticity_guarantee")
    assert order.lines[0].listing == "266000000001/560000000001"
    assert order.lines[0].charge.taxes[0].scheme == "IOSS"


def test_a_variation_of_zero_is_none() -> None:
    doc = document("plain")
    doc["lineItems"][0]["legacyVariationId"] = "0"

    assert read(doc).lines[0].listing == "266000000001"


def test_what_ebay_sends_itself_is_not_ours_to_send() -> None:
    assert read(document("sent_by_ebay")).party is Party.CHANNEL


def test_who_sends_for_ebay_must_be_told() -> None:
    doc = document("sent_by_ebay")
    del doc["program"]["fulfillmentProgram"]["fulfilledBy"]

    with pytest.raises(BadPayload, match=r"fulfillmentProgram\.fulfilledBy: missing"):
        read(doc)


def test_what_an_unheard_of_partner_sends_is_not_ours_to_send_and_flagged() -> None:
    doc = document("sent_by_ebay")
    doc["program"]["fulfillmentProgram"]["fulfilledBy"] = "PARTNER"
    order = read(doc)

    assert (order.party, order.units_to_ship, order.problems()) == (Party.OTHER, 0, ["party: fulfilledBy PARTNER is unknown"])


def test_an_order_without_instructions_is_taken_for_goods_and_flagged() -> None:
    order = read(document("plain") | {"fulfillmentStartInstructions": []})

    assert (order.units_to_ship, order.problems()) == (2, ["fulfillment: the order came without instructions"])


def test_a_line_whose_refunds_are_not_told_has_none() -> None:
    doc = document("plain")
    del doc["lineItems"][0]["refunds"]

    assert read(doc) == read(document("plain"))


def test_a_collected_tax_says_of_what_kind_it_is() -> None:
    doc = document("marketplace_tax_outside_the_total")
    del doc["lineItems"][0]["ebayCollectAndRemitTaxes"][0]["taxType"]

    with pytest.raises(BadPayload, match=r"ebayCollectAndRemitTaxes\.taxType: missing"):
        read(doc)


@pytest.mark.parametrize("wrong", [-1, 2**31, 10**30, 1.5, "2", True])
def test_a_number_of_units_is_whole_and_fits(wrong: Any) -> None:
    doc = document("partly_sent")
    for holder in (doc["lineItems"][0], doc["fulfillments"][0]["lineItems"][0]):
        told, holder["quantity"] = holder["quantity"], wrong
        with pytest.raises(BadPayload, match="quantity: not a number of units"):
            read(doc)
        holder["quantity"] = told


def test_two_lines_of_one_order_have_two_ids() -> None:
    doc = document("partly_sent")
    doc["lineItems"][1]["lineItemId"] = doc["lineItems"][0]["lineItemId"]

    with pytest.raises(BadPayload, match=r"lineItems\.lineItemId: two lines have the same"):
        read(doc)


def test_payments_that_were_not_told_are_not_none() -> None:
    doc = document("plain")
    del doc["paymentSummary"]["payments"]

    assert (read(document("plain")).payments is None, read(doc).payments) == (False, None)


def test_shipments_tell_quantities_tracking_and_time() -> None:
    parcel = read(document("partly_sent")).shipped[0]

    assert parcel.tracking == ("940000000001",) and parcel.at == datetime(2026, 11, 21, 8, tzinfo=UTC)


def test_a_refund_told_twice_moves_money_once_and_keeps_its_line() -> None:
    order = read(document("partial_refund"))

    assert [refund.total for refund in order.refunds] == [Money(1000, "USD")]
    assert order.refunds[0].lines[0].line == order.lines[0].id


def test_a_line_refund_that_the_order_lists_under_another_id_is_the_same_money() -> None:
    doc = document("partial_refund")
    doc["paymentSummary"]["refunds"][0] = {"refundReferenceId": "R1", "refundStatus": "REFUNDED", "amount": amount("10.0")}

    assert read(doc).refunded_total == Money(1000, "USD")


def test_held_funds_are_noted_and_may_be_shipped() -> None:
    doc = document("plain")
    doc["paymentSummary"]["payments"][0]["paymentHolds"] = [{"holdState": "HELD"}]
    order = read(doc)

    assert order.problems() == ["payment: funds held"] and order.units_to_ship == 2


def test_no_person_shows_in_the_order_itself() -> None:
    order = read(document("plain"))

    assert "Lindqvist" not in repr(order) and "Orchard" not in repr(order)


def test_a_three_line_order_is_read_fast() -> None:
    doc = document("recycling_fee_and_two_collected_taxes")
    doc["lineItems"] = [{**doc["lineItems"][0], "lineItemId": str(number)} for number in range(3)]
    raw = json.dumps(doc).encode()

    def once() -> float:
        started = time.perf_counter()
        for _ in range(50):
            normalize.order(raw, "shop-1")
        return (time.perf_counter() - started) / 50

    assert min(once() for _ in range(5)) < 0.002  # aim 150 µs; the bound only catches a change of kind


@pytest.mark.contracts
def test_every_sample_order_of_ebays_is_read_and_adds_up() -> None:
    if not CONTRACTS.exists():
        pytest.skip("the vendors' contracts are not here")
    for path in sorted((CONTRACTS / "samples/fulfillment").glob("*.json")):
        order = MANIFEST.order(path.read_bytes(), "shop-1")
        assert order.problems() == [], path.name


@pytest.mark.contracts
def test_every_trading_sample_is_refused() -> None:
    if not CONTRACTS.exists():
        pytest.skip("the vendors' contracts are not here")
    for path in sorted((CONTRACTS / "samples/trading").glob("*.xml")):
        with pytest.raises(BadPayload, match="Trading"):
            MANIFEST.order(path.read_bytes(), "shop-1")
