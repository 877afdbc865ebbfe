"""What Amazon pays out: settlement reports and Finances, read by hand-made files and against the simulator, on a virtual clock."""

import base64
import gzip
import tracemalloc
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from itertools import chain
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import tour
from connectors.amazon import MANIFEST, finances, leaves, settlement
from connectors.amazon.simulated_payouts import COLUMNS
from connectors.amazon.statement import Statement
from connectors.simulation import Fault, Settles
from core.domain.money import Money
from core.domain.payouts import FEES, Leaf, Movement, Occasion, Paid, Payout
from core.errors import AccessLost, BadPayload, HubError, RateLimited, Unavailable
from core.ports import Page, Pays
from tests.contract.test_amazon_channel import START, Play, all_of

UTF8 = ("utf-8",)
HEAD = {
    "settlement-id": "1001", "settlement-start-date": "2026-11-01 00:00:00 UTC", "settlement-end-date": "2026-11-15 00:00:00 UTC",
    "deposit-date": "2026-11-17 00:00:00 UTC", "total-amount": "0.00", "currency": "USD",
}  # fmt: skip
AT = "2026-11-03 10:20:30 UTC"


def row(kind: str, amount_type: str, description: str, amount: str, **more: str) -> dict[str, str]:
    told = {"settlement-id": "1001", "transaction-type": kind, "amount-type": amount_type, "amount-description": description}
    return told | {"amount": amount, "posted-date-time": AT} | {name.replace("_", "-"): value for name, value in more.items()}


def sold(amount_type: str, description: str, amount: str, kind: str = "Order", **more: str) -> dict[str, str]:
    return row(kind, amount_type, description, amount, **{"order_id": "111-1", "shipment_id": "D1", **more})


def flat(rows: Iterable[dict[str, str]], charset: str = "utf-8", **head: str) -> Iterator[bytes]:
    yield "\t".join(COLUMNS).encode(charset) + b"\r\n"
    for one in chain([HEAD | {name.replace("_", "-"): value for name, value in head.items()}], rows):
        yield "\t".join(one.get(name, "") for name in COLUMNS).encode(charset) + b"\r\n"


def read(rows: Iterable[dict[str, str]], charsets: Sequence[str] = UTF8, **head: str) -> list[Movement]:
    statement = Statement(settlement.document(flat(rows, charsets[0], **head), charsets))
    return [one for _, one in statement.after(0, 10_000)]


def alone(kind: str, amount_type: str, description: str, amount: str = "-1.00") -> tuple[Occasion, Leaf, str]:
    (one,) = read([row(kind, amount_type, description, amount)])
    (part,) = one.parts
    return one.occasion, part.leaf, part.label


@pytest.fixture
def play() -> Play:
    return Play()


def payouts(play: Play, since: datetime = START - timedelta(days=60)) -> list[Payout]:
    return all_of(partial(play.channel.payouts, since))


def inside(play: Play, payout: Payout) -> list[Movement]:
    return all_of(partial(play.channel.movements, payout))


def unpaid(play: Play, since: datetime = START - timedelta(days=60)) -> list[Movement]:
    return all_of(partial(play.channel.unpaid, since))


def trade(play: Play, count: int = 40, refunds: int = 6) -> list[str]:
    """Orders that left, some of which came back; gives those that came back."""
    placed = [order["id"] for order in play.place(count=count, seed=9) if not order["pending"]]
    for order in placed:
        play.simulator.act(order, "fulfill", {})
    play.clock.pass_(3600)
    for order in placed[:refunds]:
        play.simulator.act(order, "refund", {})
    play.clock.pass_(300)
    return placed[:refunds]


def free_all(play: Play) -> None:
    """Until no money is deferred any more."""
    play.clock.pass_(8 * 86400)


# ---- words


WORDS = [
    ("Order", "ItemPrice", "Principal", Occasion.SALE, Leaf.BUYER),
    ("Order", "ItemPrice", "Tax", Occasion.SALE, Leaf.BUYER),
    ("Order", "ItemPrice", "Shipping", Occasion.SALE, Leaf.BUYER),
    ("Order", "ItemPrice", "ShippingTax", Occasion.SALE, Leaf.BUYER),
    ("Order", "ItemPrice", "GiftWrap", Occasion.SALE, Leaf.BUYER),
    ("Order", "ItemPrice", "GiftWrapTax", Occasion.SALE, Leaf.BUYER),
    ("Refund", "ItemPrice", "Goodwill", Occasion.REFUND, Leaf.BUYER),
    ("Refund", "ItemPrice", "RestockingFee", Occasion.REFUND, Leaf.BUYER),
    ("Order", "Promotion", "Principal", Occasion.SALE, Leaf.BUYER),
    ("Order", "Promotion", "Shipping", Occasion.SALE, Leaf.BUYER),
    ("Order", "ItemWithheldTax", "MarketplaceFacilitatorTax-Principal", Occasion.SALE, Leaf.MARKETPLACE_TAX),
    ("Order", "ItemWithheldTax", "MarketplaceFacilitatorTax-Shipping", Occasion.SALE, Leaf.MARKETPLACE_TAX),
    ("Order", "ItemWithheldTax", "MarketplaceFacilitatorTax-Giftwrap", Occasion.SALE, Leaf.MARKETPLACE_TAX),
    ("Refund", "ItemWithheldTax", "MarketplaceFacilitatorTax-RestockingFee", Occasion.REFUND, Leaf.MARKETPLACE_TAX),
    ("Order", "ItemWithheldTax", "MarketplaceFacilitatorTax-Other", Occasion.SALE, Leaf.MARKETPLACE_TAX),
    ("Order", "ItemWithheldTax", "MarketplaceFacilitatorVAT-Principal", Occasion.SALE, Leaf.MARKETPLACE_TAX),
    ("Order", "ItemWithheldTax", "MarketplaceFacilitatorVAT-Shipping", Occasion.SALE, Leaf.MARKETPLACE_TAX),
    ("Order", "ItemWithheldTax", "LowValueGoodsTax-Principal", Occasion.SALE, Leaf.MARKETPLACE_TAX),
    ("Order", "ItemFees", "Commission", Occasion.SALE, Leaf.SELLING_FEE),
    ("Refund", "ItemFees", "RefundCommission", Occasion.REFUND, Leaf.SELLING_FEE),
    ("Order", "ItemFees", "FixedClosingFee", Occasion.SALE, Leaf.SELLING_FEE),
    ("Order", "ItemFees", "VariableClosingFee", Occasion.SALE, Leaf.SELLING_FEE),
    ("Order", "ItemFees", "ShippingHB", Occasion.SALE, Leaf.SELLING_FEE),
    ("Order", "ItemFees", "DigitalServicesFee", Occasion.SALE, Leaf.SELLING_FEE),
    ("Order", "ItemFees", "FBAPerUnitFulfillmentFee", Occasion.SALE, Leaf.FULFILLMENT_FEE),
    ("Order", "ItemFees", "FBAPerOrderFulfillmentFee", Occasion.SALE, Leaf.FULFILLMENT_FEE),
    ("Order", "ItemFees", "FBAWeightBasedFee", Occasion.SALE, Leaf.FULFILLMENT_FEE),
    ("Order", "ItemFees", "ShippingChargeback", Occasion.SALE, Leaf.FULFILLMENT_FEE),
    ("Order", "ItemFees", "GiftwrapChargeback", Occasion.SALE, Leaf.FULFILLMENT_FEE),
    ("Order", "ShipmentFees", "FBA transportation fee", Occasion.SALE, Leaf.FULFILLMENT_FEE),
    ("FBAFees", "FBA Amazon-Partnered Carrier Shipment Fee", "Base fee", Occasion.FEE, Leaf.FULFILLMENT_FEE),
    ("FBAFees", "FBA Amazon-Partnered Carrier Shipment Fee", "Discount on Fee", Occasion.FEE, Leaf.FULFILLMENT_FEE),
    ("FBAFees", "FBA Inventory Storage Fee", "Base fee", Occasion.FEE, Leaf.STORAGE),
    ("FBAFees", "FBA Inventory Storage Fee", "Tax on fee", Occasion.FEE, Leaf.FEE_TAX),
    ("other-transaction", "other-transaction", "Inbound Transportation Fee", Occasion.FEE, Leaf.FULFILLMENT_FEE),
    ("other-transaction", "other-transaction", "RemovalComplete", Occasion.FEE, Leaf.FULFILLMENT_FEE),
    ("other-transaction", "other-transaction", "DisposalComplete", Occasion.FEE, Leaf.FULFILLMENT_FEE),
    ("other-transaction", "other-transaction", "Storage Fee", Occasion.FEE, Leaf.STORAGE),
    ("other-transaction", "other-transaction", "StorageRenewalBilling", Occasion.FEE, Leaf.STORAGE),
    ("other-transaction", "other-transaction", "Subscription Fee", Occasion.FEE, Leaf.SUBSCRIPTION),
    ("ServiceFee", "Cost of Advertising", "TransactionTotalAmount", Occasion.FEE, Leaf.ADVERTISING),
    ("ServiceFee", "Cost of Advertising", "", Occasion.FEE, Leaf.ADVERTISING),
    ("CouponRedemptionFee", "CouponRedemptionFee", "Save five in May", Occasion.FEE, Leaf.ADVERTISING),
    ("other-transaction", "Vine Enrollment Fee", "Vine Enrollment Fee", Occasion.FEE, Leaf.ADVERTISING),
    ("other-transaction", "other-transaction", "Manual Processing Fee", Occasion.FEE, Leaf.OTHER_FEE),
    ("other-transaction", "other-transaction", "Shipping label purchase", Occasion.POSTAGE, Leaf.SHIPPING_FEE),
    ("other-transaction", "other-transaction", "Shipping label purchase for return", Occasion.POSTAGE, Leaf.SHIPPING_FEE),
    ("other-transaction", "other-transaction", "Carrier Shipping Label Adjustments", Occasion.POSTAGE, Leaf.SHIPPING_FEE),
    ("other-transaction", "FBA Inventory Reimbursement", "WAREHOUSE_DAMAGE", Occasion.REIMBURSEMENT, Leaf.REIMBURSEMENT),
    ("other-transaction", "FBA Inventory Reimbursement", "REVERSAL_REIMBURSEMENT", Occasion.REIMBURSEMENT, Leaf.REIMBURSEMENT),
    ("other-transaction", "FBA Inventory Reimbursement", "COMPENSATED_CLAWBACK", Occasion.REIMBURSEMENT, Leaf.REIMBURSEMENT),
    ("other-transaction", "other-transaction", "SAFE-T Reimbursement", Occasion.REIMBURSEMENT, Leaf.REIMBURSEMENT),
    ("other-transaction", "other-transaction", "BalanceAdjustment", Occasion.ADJUSTMENT, Leaf.ADJUSTMENT),
    ("other-transaction", "other-transaction", "NonSubscriptionFeeAdj", Occasion.ADJUSTMENT, Leaf.ADJUSTMENT),
    ("Order_Retrocharge", "ItemPrice", "Tax", Occasion.ADJUSTMENT, Leaf.BUYER),
    ("Chargeback Refund", "ItemPrice", "Principal", Occasion.CHARGEBACK, Leaf.CHARGEBACK),
    ("Chargeback Refund", "ItemFees", "Commission", Occasion.CHARGEBACK, Leaf.SELLING_FEE),
    ("Chargeback Recovery", "ItemPrice", "Principal", Occasion.CHARGEBACK_WON, Leaf.CHARGEBACK),
    ("A-to-z Guarantee Claim", "ItemPrice", "Principal", Occasion.CHARGEBACK, Leaf.CHARGEBACK),
    ("A-to-z Guarantee Recovery", "ItemPrice", "Principal", Occasion.CHARGEBACK_WON, Leaf.CHARGEBACK),
    ("other-transaction", "other-transaction", "Chargeback Recovery", Occasion.CHARGEBACK_WON, Leaf.CHARGEBACK),
    ("other-transaction", "other-transaction", "Current Reserve Amount", Occasion.RESERVE, Leaf.RESERVE),
    ("other-transaction", "other-transaction", "Previous Reserve Amount Balance", Occasion.RESERVE, Leaf.RESERVE),
    ("other-transaction", "other-transaction", "Payable to Amazon", Occasion.CARRIED, Leaf.CARRIED),
    ("other-transaction", "other-transaction", "Debt adjustment against March", Occasion.CARRIED, Leaf.CARRIED),
    ("other-transaction", "other-transaction", "Successful charge", Occasion.CHARGED, Leaf.BANK),
    ("other-transaction", "other-transaction", "Transfer of funds unsuccessful: account closed", Occasion.TRANSFER, Leaf.BANK),
    ("Transfers", "Micro Deposit", "Micro Deposit", Occasion.TRANSFER, Leaf.BANK),
    ("other-transaction", "other-transaction", "Loan Payment", Occasion.ADJUSTMENT, Leaf.LOAN),
]


@pytest.mark.parametrize(
    ("reason", "amount", "units"),
    [
        ("WAREHOUSE_LOST", "9.00", 3),
        ("COMPENSATED_CLAWBACK", "-9.00", 3),
        ("REVERSAL_REIMBURSEMENT", "9.00", 0),
        ("CS_ERROR_ITEMS", "9", 0),
    ],
)
def test_a_reimbursement_says_how_many_units_were_in_stock(reason: str, amount: str, units: int) -> None:
    """What a buyer had left with his order, and is no loss of stock a second time."""
    lines = [row("other-transaction", "FBA Inventory Reimbursement", reason, amount, sku="MUG", quantity_purchased="3")]

    (found,) = read(lines)
    assert (found.sku, found.units) == ("MUG", units)


@pytest.mark.parametrize(("kind", "amount_type", "description", "occasion", "leaf"), WORDS)
def test_each_word_of_a_settlement_has_its_account(kind: str, amount_type: str, description: str, occasion: Occasion, leaf: Leaf) -> None:
    for sign in "", "-":
        assert alone(kind, amount_type, description, f"{sign}1.00")[:2] == (occasion, leaf)
    assert alone(kind.upper(), amount_type.upper(), description.upper())[:2] == (occasion, leaf)


def test_every_pair_of_the_table_makes_a_movement_that_its_parts_explain() -> None:
    for (amount_type, description), leaf in leaves.PAIRS.items():
        (one,) = read([row("other-transaction", amount_type, description, "-2.50")])

        assert ([part.leaf for part in one.parts], one.gap, one.amount) == ([leaf], Money(0, "USD"), Money(-250, "USD"))
        assert (one.occasion is Occasion.UNKNOWN) == (leaf in (Leaf.BUYER, Leaf.MARKETPLACE_TAX))
    assert set(leaves.PAIRS.values()) | {Leaf.PAYMENT_FEE, Leaf.UNKNOWN} == set(Leaf)  # Amazon takes no fee for payments


@pytest.mark.parametrize(
    ("amount_type", "description", "label"),
    [
        ("ItemFees", "Something New", "ItemFees / Something New"),
        ("ItemFees", "Principal", "ItemFees / Principal"),
        ("Brand New Fee", "Base fee", "Brand New Fee / Base fee"),
        ("other-transaction", "", "other-transaction"),
        ("ItemWithheldTax", "TDS (Section 194-O)", "ItemWithheldTax / TDS (Section 194-O)"),
    ],
)
def test_a_word_that_is_not_known_is_shown_and_never_guessed(amount_type: str, description: str, label: str) -> None:
    assert alone("other-transaction", amount_type, description) == (Occasion.UNKNOWN, Leaf.UNKNOWN, label)
    assert alone("Order", amount_type, description)[:2] == (Occasion.SALE, Leaf.UNKNOWN)


# ---- movements


def test_lines_of_one_parcel_are_one_movement_with_what_it_is_made_of() -> None:
    first, second = {"sku": "MUG-1", "order_item_code": "7", "quantity_purchased": "2"}, {"sku": "PEN-1", "order_item_code": "8"}
    lines = [
        sold("ItemPrice", "Principal", "25.00", **first),
        sold("ItemPrice", "Tax", "2.00", **first),
        sold("ItemFees", "Commission", "-3.75", **first),
        sold("ItemPrice", "Principal", "2.00", **second, quantity_purchased="1"),
        sold("ItemFees", "Commission", "-0.30", **second),
        sold("Promotion", "Principal", "-1.00", **first, promotion_id="P1"),
    ]

    (one,) = read(lines)

    assert (one.amount, one.gross, one.fees) == (Money(2395, "USD"), Money(2800, "USD"), Money(-405, "USD"))
    assert (one.order, one.refers, one.payout, one.label, one.units, one.sku) == ("111-1", ("D1",), "1001", "Order", 3, "")
    assert one.at == datetime(2026, 11, 3, 10, 20, 30, tzinfo=UTC)
    assert {(part.label, part.amount.minor) for part in one.parts} == {
        ("Principal", 2700), ("Tax", 200), ("Commission", -405), ("Promotion / Principal", -100)
    }  # fmt: skip


def test_parcels_refunds_and_times_are_movements_of_their_own_wherever_their_lines_stand() -> None:
    told = [
        sold("ItemPrice", "Principal", "1.00"),
        sold("ItemPrice", "Principal", "2.00", shipment_id="D2"),
        sold("ItemPrice", "Principal", "-3.00", kind="Refund", shipment_id="", adjustment_id="R1"),
        sold("ItemPrice", "Principal", "4.00", posted_date_time="2026-11-04 00:00:00 UTC"),
        sold("ItemFees", "Commission", "-0.50"),
    ]

    found = read(told)

    assert [one.amount.minor for one in found] == [50, 200, -300, 400]
    assert [one.refers for one in found] == [("D1",), ("D2",), ("R1",), ("D1",)]
    assert len({one.id for one in found}) == 4 and {one.id for one in read(told[::-1])} == {one.id for one in found}


def test_lines_of_no_order_stand_alone_even_where_they_are_the_same() -> None:
    told = [row("other-transaction", "other-transaction", "Storage Fee", "-1.10")] * 3

    found = read(told)

    assert [one.amount.minor for one in found] == [-110] * 3
    assert len({one.id for one in found}) == 3 and [one.id for one in read(told)] == [one.id for one in found]


def test_tax_that_amazon_withholds_is_not_the_buyers_and_tax_that_is_ours_is() -> None:
    price, tax = sold("ItemPrice", "Principal", "20.00"), sold("ItemPrice", "Tax", "1.60")
    withheld = partial(sold, "ItemWithheldTax", "MarketplaceFacilitatorTax-Principal")

    (amazons,), (ours,), (both,) = (read([price, tax, *more]) for more in ([withheld("-1.60")], [], [withheld("-1.00")]))

    assert (amazons.gross.minor, amazons.sum_of(Leaf.MARKETPLACE_TAX).minor, len(amazons.parts)) == (2000, 0, 3)
    assert (ours.gross.minor, ours.sum_of(Leaf.MARKETPLACE_TAX).minor) == (2160, 0)
    assert (both.gross.minor, both.sum_of(Leaf.MARKETPLACE_TAX).minor, both.amount.minor) == (2060, 0, 2060)


def test_money_in_another_currency_is_a_movement_of_its_own() -> None:
    found = read([sold("ItemPrice", "Principal", "5.00"), sold("ItemPrice", "Principal", "7.00", currency="CAD")])

    assert [one.amount for one in found] == [Money(500, "USD"), Money(700, "CAD")]


@given(
    st.lists(
        st.tuples(
            st.sampled_from([*sorted(leaves.PAIRS), ("itemfees", "news")]), st.integers(-(10**6), 10**6), st.sampled_from(["", "1", "2"])
        ),
        max_size=30,
    )
)
def test_whatever_lines_there_are_nothing_is_lost_between_them_and_the_movements(lines: list[tuple[tuple[str, str], int, str]]) -> None:
    told = [row("Order", *pair, Money(minor, "USD").text(), order_id=order) for pair, minor, order in lines]

    found = read(told)

    assert sum(one.amount.minor for one in found) == sum(minor for _, minor, _ in lines)
    assert all(not one.gap for one in found) and len({one.id for one in found}) == len(found)


# ---- how it is written


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("12.34", "USD", 1234), ("-12,34", "EUR", -1234), ("1,234.56", "USD", 123456), ("1.234,56", "EUR", 123456), ("0", "EUR", 0),
        ("1\u202f234,56", "EUR", 123456), ("1 234,5", "SEK", 123450), ("(55.00)", "USD", -5500), ("\u22123,10", "EUR", -310),
        ("1,234,567.00", "USD", 123456700), ("1,234", "USD", 123400), ("1.234", "EUR", 123400), ("1,234", "JPY", 1234), ("980", "JPY", 980),
        ("980.0", "JPY", 980), ("1.234", "KWD", 1234), (".50", "USD", 50), ("+7.00", "USD", 700), ("12.3400", "USD", 1234),
    ],
)  # fmt: skip
def test_amounts_are_read_as_the_marketplace_writes_them(text: str, currency: str, minor: int) -> None:
    assert Money.parse(settlement.decimal(text, currency), currency).minor == minor


@pytest.mark.parametrize("text", ["", "-", "abc", "1.2.3", "12,34.56.78", "1,23,4.00", "1.234.56", "12.345,67.8", "NaN", "1e5", "٣,00"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a"):
        Money.parse(settlement.decimal(text, "USD"), "USD")


@given(st.integers(-(10**12), 10**12), st.sampled_from([",.", ".,", " ,", "'.", "\u00a0,"]), st.sampled_from(["USD", "EUR"]))
def test_an_amount_comes_back_from_every_way_of_writing_it(minor: int, marks: str, currency: str) -> None:
    text = f"{Decimal(minor).scaleb(-2):,.2f}".translate({ord(","): marks[0], ord("."): marks[1]})

    assert Money.parse(settlement.decimal(text, currency), currency).minor == minor


def test_a_file_keeps_to_one_decimal_mark() -> None:
    assert read([sold("ItemPrice", "Principal", "1.234,00")], total_amount="1.234,00", currency="EUR")[0].amount.minor == 123400
    assert read([sold("ItemPrice", "Principal", "1.234")], total_amount="10,00", currency="EUR")[0].amount.minor == 123400
    with pytest.raises(BadPayload, match="line 3: amount is not an amount of money"):
        read([sold("ItemPrice", "Principal", "12.34")], total_amount="10,00", currency="EUR")


@pytest.mark.parametrize(
    ("text", "month_first", "wanted"),
    [
        ("2026-11-03 10:20:30 UTC", True, datetime(2026, 11, 3, 10, 20, 30)),
        ("2026-11-03T10:20:30Z", True, datetime(2026, 11, 3, 10, 20, 30)),
        ("2026-11-03T10:20:30-08:00", True, datetime(2026, 11, 3, 18, 20, 30)),
        ("2026-11-03", True, datetime(2026, 11, 3)),
        ("03.11.2026 10:20:30 UTC", False, datetime(2026, 11, 3, 10, 20, 30)),
        ("3.11.2026", True, datetime(2026, 11, 3)),
        ("2026/11/03 10:20:30 JST", False, datetime(2026, 11, 3, 1, 20, 30)),
        ("03/11/2026", False, datetime(2026, 11, 3)),
        ("11/03/2026", True, datetime(2026, 11, 3)),
        ("11/23/2026", False, datetime(2026, 11, 23)),
        ("23/11/2026", True, datetime(2026, 11, 23)),
        ("03-11-2026 10:20 PST", False, datetime(2026, 11, 3, 18, 20)),
        ("2026-11-03 10:20:30 +0100", False, datetime(2026, 11, 3, 9, 20, 30)),
    ],
)
def test_dates_are_read_as_the_marketplace_writes_them(text: str, month_first: bool, wanted: datetime) -> None:
    assert settlement.when(text, month_first=month_first) == wanted.replace(tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "soon", "2026-13-40", "31.02.2026", "2026-11-03 10:20:30 XYZ", "99/99/2026", "2026.11/03"])
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        settlement.when(text, month_first=False)


@pytest.mark.parametrize(("charset", "sku"), [("utf-8", "Größe 4/5 😀"), ("cp1252", "Größe 4/5"), ("cp932", "青いマグ")])
def test_skus_are_read_in_the_charset_of_the_file(charset: str, sku: str) -> None:
    (one,) = read([sold("ItemPrice", "Principal", "1.00", sku=sku)], (charset,))

    assert one.sku == sku


def test_a_file_with_a_mark_of_its_bytes_with_blank_lines_and_with_lines_cut_off_is_read() -> None:
    first, head, line = flat([sold("ItemPrice", "Principal", "1.00")])
    cut = line.rstrip(b"\t\r\n") + b"\n"

    document = settlement.document([b"\xef\xbb\xbf" + first, head, b"\r\n", cut, b"\t\t\n"], UTF8)

    assert document.head.settlement == "1001" and [one.minor for one in document.lines] == [100]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], "there is no column settlement-id"),
        ([b"<html>503</html>"], "there is no column settlement-id"),
        ([*flat([])][:1], "line 2"),
        ([*flat([], total_amount="")], "line 2: it is not the line that tells the settlement"),
        ([*flat([], settlement_end_date="soon")], "line 2: settlement-end-date is not a date"),
        ([*flat([], currency="dollars")], "line 2: total-amount is not an amount"),
        ([*flat([sold("ItemPrice", "Principal", "much")])], "line 3: amount is not an amount"),
        ([*flat([sold("ItemPrice", "Principal", "1.00", settlement_id="1002")])], "line 3: settlement-id is another one"),
        ([*flat([sold("ItemPrice", "Principal", "1.00", posted_date_time="soon")])], "line 3: posted-date-time is not a date"),
        ([*flat([sold("ItemPrice", "Principal", "1.00", quantity_purchased="-1")])], "line 3: quantity-purchased"),
        ([*flat([]), b"\t" * 40 + b"x\n"], "line 3 has too many columns"),
    ],
)
def test_a_file_that_cannot_be_read_names_the_line_and_the_column_and_no_value(lines: list[bytes], said: str) -> None:
    with pytest.raises(BadPayload, match=said) as refused:
        Statement(settlement.document(lines, UTF8))

    assert "much" not in str(refused.value) and "soon" not in str(refused.value)


def long(orders: int) -> Iterator[bytes]:
    """A file of four lines an order."""
    first, head, line = flat([sold("ItemPrice", "Principal", "1.00", order_id="111-ORDER", sku="MUG-1")], total_amount=f"{orders * 4}.00")
    return chain([first, head], (line.replace(b"ORDER", str(n // 4).encode()) for n in range(orders * 4)))


def test_a_hundred_thousand_lines_come_in_pages_that_leave_nothing_out() -> None:
    statement, last, count, minor = Statement(settlement.document(long(25_000), UTF8)), 0, 0, 0

    while page := statement.after(last, 1000):
        last, count, minor = page[-1][0], count + len(page), minor + sum(one.amount.minor for _, one in page)

    assert (count, minor, statement.head.minor) == (25_000, 10_000_000, 10_000_000)


def test_a_long_file_takes_no_memory_with_its_length() -> None:
    peaks = []
    for orders in (100, 4000):
        settlement.when.cache_clear()
        tracemalloc.start()
        statement = Statement(settlement.document(long(orders), UTF8))
        statement.after(0, 100)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

    assert peaks[1] < peaks[0] + 500_000  # the longer file has two million letters more


# ---- against the simulator


def test_every_payout_is_told_with_what_it_holds_in_every_currency(play: Play) -> None:
    trade(play)
    closed = play.simulator.settle({})

    told = payouts(play)

    assert isinstance(play.channel, Pays) and isinstance(play.simulator, Settles) and MANIFEST.pays is not None
    assert {(one.id, one.amount.text(), one.amount.currency) for one in told} == {
        (one["id"], one["amount"], one["currency"]) for one in closed
    }
    assert {one.amount.currency for one in told} == {"USD", "EUR", "GBP", "JPY"} and {one.state for one in told} == {Paid.PAID}
    assert all(one.began and one.ended and one.began < one.ended <= one.at for one in told)
    for payout, made in zip(sorted(told, key=lambda one: one.id), closed, strict=True):
        moved = inside(play, payout)
        assert sum(one.amount.minor for one in moved) == payout.amount.minor and len(moved) == made["lines"]
        assert {one.amount.currency for one in moved} == {payout.amount.currency} and {one.payout for one in moved} == {payout.id}
        assert all(not one.gap for one in moved) and Leaf.UNKNOWN not in {part.leaf for one in moved for part in one.parts}
        assert len({one.id for one in moved}) == len(moved)


def by_order(moved: Iterable[Movement]) -> dict[tuple[str, Occasion, Leaf], int]:
    sums: Counter[tuple[str, Occasion, Leaf]] = Counter()
    for one in moved:
        for part in one.parts if one.order else ():
            sums[one.order or "", one.occasion, part.leaf] += part.amount.minor
    return {key: minor for key, minor in sums.items() if minor}


def test_what_was_told_before_a_settlement_is_told_by_it_again_order_by_order(play: Play) -> None:
    refunded = trade(play)
    free_all(play)
    before = unpaid(play)

    play.simulator.settle({})

    after = [one for payout in payouts(play) for one in inside(play, payout)]
    assert by_order(before) == by_order(after) != {}
    assert {one.order for one in before if one.occasion is Occasion.REFUND} == set(refunded)
    assert {(one.order, one.refers) for one in before} == {(one.order, one.refers) for one in after if one.order}
    assert {one.order: one.units for one in before if one.occasion is Occasion.SALE} == {
        one.order: one.units for one in after if one.occasion is Occasion.SALE
    }


def test_orders_bring_what_their_buyers_paid_less_fees(play: Play) -> None:
    trade(play, refunds=0)
    totals = {one["id"]: Money.parse(one["total"], one["currency"]) for one in play.simulator.orders() if not one["pending"]}

    sales = [one for one in unpaid(play) if one.occasion is Occasion.SALE]

    assert len(sales) == len(totals) > 20
    for one in sales:
        buyers = one.gross + Money(sum(part.amount.minor for part in one.parts if "Tax" in part.label and part.amount.minor > 0
                                       and part.leaf is Leaf.MARKETPLACE_TAX), one.amount.currency)  # fmt: skip
        assert buyers == totals[one.order or ""] and one.sum_of(Leaf.MARKETPLACE_TAX).minor == 0
        assert one.sum_of(Leaf.SELLING_FEE).minor < 0 and one.amount == one.gross + one.fees


def test_movements_come_in_pages_and_another_instance_goes_on_where_one_stopped(play: Play) -> None:
    trade(play)
    play.simulator.settle({})
    payout = next(one for one in payouts(play) if one.amount.currency == "USD")
    whole = inside(play, payout)
    play.kit.settings["report_page_size"] = 4  # type: ignore[index]
    assert inside(play, payout) == whole

    first, other = play.channel.movements(payout, None), type(play.channel)(play.kit)

    assert len(first.items) == 4 and first.cursor
    assert [*first.items, *all_of(lambda cursor: other.movements(payout, cursor or first.cursor))] == whole


def test_documents_are_downloaded_once_for_all_pages(play: Play) -> None:
    trade(play)
    play.simulator.settle({})
    payout = payouts(play)[0]
    play.kit.settings["report_page_size"] = 1  # type: ignore[index]
    before = play.calls("getReportDocument")

    inside(play, payout)
    payouts(play)

    assert play.calls("getReportDocument") == before + 1


@pytest.mark.parametrize("packs", [True, False])
def test_documents_are_read_packed_and_plain(play: Play, packs: bool) -> None:
    play.simulator.packs = packs
    trade(play)
    play.simulator.settle({})

    assert all(sum(one.amount.minor for one in inside(play, payout)) == payout.amount.minor for payout in payouts(play))


def test_only_payouts_since_then_are_told_the_oldest_first(play: Play) -> None:
    for _ in range(3):
        trade(play, 12)
        play.simulator.settle({})
        play.clock.pass_(20 * 86400)
    since = START + timedelta(days=15)

    told = payouts(play, since)

    wanted = [one for one in play.simulator.state["money"]["settlements"] if one["deposit"] >= since.strftime("%Y-%m-%d")]
    assert {one.id for one in told} == {one["id"] for one in wanted} and 0 < len(told) < len(payouts(play, START))
    assert [one.at for one in told] == sorted(one.at for one in told)


def test_a_deposit_that_is_still_to_come_is_scheduled_and_comes_again_when_it_is_due() -> None:
    play = Play("vendor")
    trade(play)
    play.simulator.settle({})
    now = play.clock()

    early = payouts(play, now - timedelta(hours=1))
    play.clock.pass_(3 * 86400)
    later = payouts(play, now + timedelta(days=1))

    assert {one.state for one in early} == {Paid.SCHEDULED} and {one.state for one in later} == {Paid.PAID}
    assert [one.id for one in early] == [one.id for one in later]


def test_a_reserve_is_held_back_and_released_with_the_next_settlement(play: Play) -> None:
    held = []
    for _ in range(2):
        trade(play, 20)
        play.simulator.settle({})
        play.clock.pass_(14 * 86400)
    for payout in (one for one in payouts(play) if one.amount.currency == "USD"):
        reserves = [one for one in inside(play, payout) if one.occasion is Occasion.RESERVE]
        held.append([(one.parts[0].label, one.amount.minor) for one in reserves])

    (first,), (released, second) = held

    assert first[0] == second[0] == "Current Reserve Amount" and max(first[1], second[1]) < 0
    assert released == ("Previous Reserve Amount Balance", -first[1])


def test_a_settlement_below_zero_reaches_no_bank_is_carried_on_and_charged(play: Play) -> None:
    trade(play, 6)
    play.simulator.settle({"advertising": "5000.00"})
    play.clock.pass_(14 * 86400)
    trade(play, 40)
    play.simulator.settle({})

    debt, following = [one for one in payouts(play) if one.amount.currency == "USD"]

    assert debt.amount.minor < -400_000 and debt.deposit == Money.zero("USD") and debt.words and following.deposit is None
    moved = {one.occasion: one for one in inside(play, following)}
    assert moved[Occasion.CARRIED].amount == debt.amount and moved[Occasion.CHARGED].amount == -debt.amount
    assert (moved[Occasion.CHARGED].sum_of(Leaf.BANK), moved[Occasion.CARRIED].sum_of(Leaf.CARRIED)) == (-debt.amount, debt.amount)


def test_a_debt_that_is_not_charged_is_carried_alone(play: Play) -> None:
    trade(play, 6)
    play.simulator.settle({"advertising": "50.00"})
    trade(play, 6)
    play.simulator.settle({"charged": False})

    _, following = [one for one in payouts(play) if one.amount.currency == "USD"]

    assert Occasion.CHARGED not in {one.occasion for one in inside(play, following)}


# ---- differences that are put in


def settled(play: Play, plant: str) -> tuple[dict[str, Any], list[Payout], list[Movement]]:
    closed = play.simulator.settle({"plant": plant})
    told = payouts(play)
    return next(one for one in closed if one["planted"]), told, [one for payout in told for one in inside(play, payout)]


@pytest.mark.parametrize(
    ("plant", "leaf", "gap"), [("fee", Leaf.SELLING_FEE, -1), ("cent", Leaf.BUYER, -1), ("refund_missing", None, 0), ("twice", None, 0)]
)
def test_a_planted_difference_shows_at_its_order_and_nowhere_else(play: Play, plant: str, leaf: Leaf | None, gap: int) -> None:
    trade(play)
    free_all(play)
    before = by_order(unpaid(play))

    planted, told, moved = settled(play, plant)

    after = by_order(moved)
    differs = {key: after.get(key, 0) - before.get(key, 0) for key in {*before, *after} if after.get(key, 0) != before.get(key, 0)}
    assert planted["planted"]["what"] == plant and {order for order, _, _ in differs} == {planted["planted"]["order"]}
    if leaf:
        assert differs == {(planted["planted"]["order"], Occasion.SALE, leaf): gap}
    assert sum(one.amount.minor for one in told) == sum(one.amount.minor for one in moved)
    occasions = {occasion for _, occasion, _ in differs}
    assert occasions == ({Occasion.REFUND} if plant == "refund_missing" else {Occasion.SALE})


def test_an_order_that_comes_twice_is_two_movements(play: Play) -> None:
    trade(play, refunds=0)

    planted, _, moved = settled(play, "twice")

    twins = [one for one in moved if one.order == planted["planted"]["order"]]
    assert len(twins) == 2 and twins[0].amount == twins[1].amount and twins[0].refers != twins[1].refers


def test_an_order_in_another_currency_is_told_in_that(play: Play) -> None:
    trade(play, refunds=0)
    was = {one.order: one.amount for one in unpaid(play)}

    planted, _, moved = settled(play, "currency")

    (one,) = [one for one in moved if one.order == planted["planted"]["order"]]
    assert one.amount.currency == planted["currency"] != was[one.order].currency and one.amount.minor == was[one.order].minor


def test_a_payout_that_is_not_what_it_holds_shows(play: Play) -> None:
    trade(play)

    planted, told, _ = settled(play, "sum")

    gaps = {one.id: one.amount.minor - sum(moved.amount.minor for moved in inside(play, one)) for one in told}
    assert {id for id, gap in gaps.items() if gap} == {planted["id"]} and gaps[planted["id"]] == 1


# ---- finances


def test_deferred_money_has_the_day_on_which_it_is_free_and_is_counted_once_when_it_is(play: Play) -> None:
    trade(play, refunds=0)
    before = unpaid(play)
    kept = {one.id: one for one in before if one.deferred}
    assert kept and all(one.free_at and one.free_at > play.clock() for one in kept.values())

    free_all(play)
    after = {one.id: one for one in unpaid(play)}

    assert len(after) == len(before) and not any(one.deferred for one in after.values())
    assert {id: after[id].amount for id in kept} == {id: one.amount for id, one in kept.items()}
    held = {one.order for one in kept.values()}
    play.simulator.settle({})
    assert held <= {one.order for payout in payouts(play) for one in inside(play, payout)}


def test_deferred_money_is_in_no_settlement(play: Play) -> None:
    trade(play, refunds=0)
    kept = {one.order for one in unpaid(play) if one.deferred}

    play.simulator.settle({})

    assert kept and not kept & {one.order for payout in payouts(play) for one in inside(play, payout)}


def test_pages_without_transactions_are_not_the_last(play: Play) -> None:
    trade(play)
    whole = unpaid(play)
    play.world.page = 7

    first = play.channel.unpaid(START - timedelta(days=60), None)

    assert first.items == () and first.cursor
    assert unpaid(play) == whole


def test_a_long_time_is_asked_for_in_stretches_of_less_than_180_days_that_leave_nothing_out(play: Play) -> None:
    trade(play)
    play.clock.pass_(200 * 86400)
    trade(play)
    play.clock.pass_(10)
    whole = unpaid(play, START - timedelta(days=1))

    asked = [dict(record["query"]) for record in play.records() if record["path"].endswith("/transactions")]

    spans = [datetime.fromisoformat(one["postedBefore"]) - datetime.fromisoformat(one["postedAfter"]) for one in asked]
    assert len(asked) > 1 and max(spans) < timedelta(days=180)
    assert asked[1]["postedAfter"] == asked[0]["postedBefore"]
    assert {one.id for one in whole} == {one["id"] for one in play.simulator.state["money"]["booked"]}


def test_what_is_too_young_is_not_asked_for_and_the_last_two_days_are_read_again() -> None:
    play = Play("vendor")
    assert play.channel.unpaid(play.clock() - timedelta(seconds=30), None) == Page((), None, play.clock() - timedelta(seconds=30))

    page = play.channel.unpaid(START - timedelta(days=30), None)

    assert page.until == play.clock() - timedelta(seconds=120) - timedelta(hours=48)
    assert play.channel.unpaid(START - timedelta(hours=1), None).until == START - timedelta(hours=1)


def amount(text: str, currency: str = "USD") -> dict[str, Any]:
    return {"currencyCode": currency, "currencyAmount": Decimal(text)}


def node(name: str, text: str, *beneath: dict[str, Any]) -> dict[str, Any]:
    return {"breakdownType": name, "breakdownAmount": amount(text), "breakdowns": list(beneath)}


def transaction(total: str = "8.00", **more: Any) -> dict[str, Any]:
    ids = [{"relatedIdentifierName": "ORDER_ID", "relatedIdentifierValue": "111-1"}]
    told = {"transactionId": "T1", "transactionType": "Shipment", "transactionStatus": "RELEASED", "postedDate": "2026-11-03T10:20:30Z"}
    return {**told, "totalAmount": amount(total), "relatedIdentifiers": ids, **more}


def moved(**more: Any) -> Movement:
    (one,) = finances.movements([transaction(**more)], "c1")
    return one


FEE = node("AmazonFees", "-2.50", node("Commission", "-2.50", node("Base", "-2.00"), node("Tax", "-0.50"), node("Promo", "0.00")))


def test_the_leaves_of_a_transaction_are_its_parts_and_tax_on_a_fee_is_told_apart() -> None:
    one = moved(total="7.50", breakdowns=[node("ProductCharges", "10.00", node("OurPricePrincipal", "10.00")), FEE])

    assert {(part.leaf, part.amount.minor) for part in one.parts} == {
        (Leaf.BUYER, 1000), (Leaf.SELLING_FEE, -200), (Leaf.FEE_TAX, -50)
    }  # fmt: skip
    assert not one.gap and (one.order, one.occasion, one.fees.minor) == ("111-1", Occasion.SALE, -250)


def test_the_finer_breakdowns_of_its_items_are_taken_where_they_make_the_total() -> None:
    coarse, fine = [node("ProductCharges", "8.00")], [node("ProductCharges", "8.00", node("OurPricePrincipal", "8.00"))]

    assert moved(breakdowns=coarse, items=[{"breakdowns": fine}]).parts[0].label == "OurPricePrincipal"
    assert moved(breakdowns=coarse, items=[{"breakdowns": [node("OurPricePrincipal", "7.00")]}]).parts[0].label == "ProductCharges"


def test_breakdowns_that_do_not_make_the_total_leave_a_gap() -> None:
    assert moved(breakdowns=[node("ProductCharges", "7.99")]).gap == Money(1, "USD")
    assert moved().gap == Money(800, "USD")


def test_a_breakdown_that_is_not_known_is_shown_with_where_it_stands() -> None:
    one = moved(breakdowns=[node("Novelties", "8.00", node("Surprise", "8.00"))])

    assert [(part.leaf, part.label) for part in one.parts] == [(Leaf.UNKNOWN, "Novelties / Surprise")]


@pytest.mark.parametrize(
    ("kind", "breakdown", "occasion", "leaf"),
    [
        ("Refund", "OurPricePrincipal", Occasion.REFUND, Leaf.BUYER),
        ("GuaranteeClaim", "OurPricePrincipal", Occasion.CHARGEBACK, Leaf.CHARGEBACK),
        ("Chargeback", "OurPricePrincipal", Occasion.CHARGEBACK, Leaf.CHARGEBACK),
        ("ProductAdsPayment", "AdvertisingFee", Occasion.FEE, Leaf.ADVERTISING),
        ("ServiceFee", "FBAStorageFee", Occasion.FEE, Leaf.STORAGE),
        ("ServiceFee", "Subscription", Occasion.FEE, Leaf.SUBSCRIPTION),
        ("Adjustment", "FBAInventoryReimbursement", Occasion.REIMBURSEMENT, Leaf.REIMBURSEMENT),
        ("Adjustment", "FBAReversedReimbursement", Occasion.REIMBURSEMENT, Leaf.REIMBURSEMENT),
        ("Adjustment", "ReserveDebit", Occasion.RESERVE, Leaf.RESERVE),
        ("Adjustment", "PostageBilling", Occasion.POSTAGE, Leaf.SHIPPING_FEE),
        ("Novelty", "Surprise", Occasion.UNKNOWN, Leaf.UNKNOWN),
    ],
)
def test_each_type_of_transaction_has_its_occasion(kind: str, breakdown: str, occasion: Occasion, leaf: Leaf) -> None:
    one = moved(transactionType=kind, total="-8.00", breakdowns=[node(breakdown, "-8.00")])

    assert (one.occasion, one.parts[0].leaf) == (occasion, leaf)


def test_the_payouts_own_line_is_no_movement_of_the_next_one() -> None:
    assert finances.movements([transaction(transactionType="Transfer", total="-90.00")], "c1") == []


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"totalAmount": None}, "totalAmount"),
        ({"totalAmount": amount("1.005")}, "minor units"),
        ({"transactionId": None}, "transactionId"),
        ({"postedDate": "soon"}, "postedDate"),
        ({"relatedIdentifiers": "x"}, "relatedIdentifiers"),
        ({"breakdowns": [{}]}, "breakdownType"),
        ({"breakdowns": [{"breakdownType": "Tax", "breakdownAmount": amount("8.00", "EUR")}]}, "breakdownAmount"),
        ({"items": [1]}, "items"),
    ],
)
def test_a_transaction_that_cannot_be_read_names_the_field(wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(BadPayload, match=field):
        finances.movements([transaction() | wrong], "c1")


@pytest.mark.parametrize("answer", [None, [], {}, {"payload": None}, {"payload": {"transactions": {}}}, {"payload": {"nextToken": 7}}])
def test_an_answer_without_transactions_is_refused(answer: Any) -> None:
    with pytest.raises(BadPayload):
        finances.page(answer)


# ---- faults and limits


READS: dict[str, Callable[[Play], Any]] = {
    "getReports": payouts,
    "getReportDocument": payouts,
    "listTransactions": unpaid,
}
FAULTS = [("429", RateLimited), ("500", Unavailable), ("html", Unavailable), ("cut_before", Unavailable), ("cut_after", Unavailable)]


@pytest.mark.parametrize("operation", READS)
@pytest.mark.parametrize(("kind", "error"), FAULTS)
def test_a_fault_is_told_as_what_it_is_and_the_next_try_reads_everything(
    play: Play, operation: str, kind: str, error: type[HubError]
) -> None:
    trade(play)
    play.simulator.settle({})
    play.clock.pass_(60)
    play.world.faults.append(Fault(kind, operation))

    with pytest.raises(error):
        READS[operation](play)

    assert len(READS[operation](play)) >= 4


@pytest.mark.parametrize("operation", READS)
def test_a_token_that_is_not_taken_is_renewed_once(play: Play, operation: str) -> None:
    trade(play)
    play.simulator.settle({})
    play.clock.pass_(60)
    play.world.faults.append(Fault("401", operation))
    assert READS[operation](play)

    play.channel = type(play.channel)(play.kit)
    play.world.faults.append(Fault("401", operation, times=2))
    with pytest.raises(AccessLost):
        READS[operation](play)


def spoil(play: Play, body: bytes) -> str:
    """One settlement's document is another one; gives its id."""
    id, one = next((id, one) for id, one in play.simulator.state["documents"].items() if one.get("site") == "")
    one["body"] = base64.b64encode(body).decode()
    return str(id)


def test_a_document_that_cannot_be_read_is_named_after_all_others_are_told(play: Play) -> None:
    trade(play)
    play.simulator.settle({})
    bad = spoil(play, gzip.compress(b"settlement-id\tnothing\n"))
    told: list[Payout] = []

    def page(cursor: str | None) -> Page[Payout]:
        found = play.channel.payouts(START, cursor)
        told.extend(found.items)
        return found

    with pytest.raises(BadPayload) as refused:
        all_of(page)

    assert len(told) == 3 and refused.value.facts["documents"] == [bad]


def test_a_document_that_breaks_off_is_read_again(play: Play) -> None:
    trade(play)
    play.simulator.settle({})
    payout = payouts(play)[0]
    whole = play.simulator.state["documents"][payout.handle]["body"]
    play.simulator.state["documents"][payout.handle]["body"] = base64.b64encode(base64.b64decode(whole)[:-40]).decode()
    with pytest.raises(Unavailable):
        inside(play, payout)

    play.simulator.state["documents"][payout.handle]["body"] = whole

    assert sum(one.amount.minor for one in inside(play, payout)) == payout.amount.minor


def test_within_amazons_limits_all_payouts_are_read_once_and_no_call_is_refused() -> None:
    play = Play("vendor", strict=True)
    for _ in range(6):
        trade(play, 20, 0)
        play.simulator.settle({})
        play.clock.pass_(4 * 86400)
    play.channel = type(play.channel)(play.kit)
    told: list[Payout] = []
    cursor, waits, began = None, 0, play.clock()

    while True:
        try:
            page = play.channel.payouts(START - timedelta(days=1), cursor)
        except RateLimited as error:
            waits += 1
            play.clock.pass_(error.wait_s + 1)
            continue
        told += page.items
        if not (cursor := page.cursor):
            break

    assert Counter(one.id for one in told) == Counter(one["id"] for one in play.simulator.payouts()) and len(told) > 16
    assert waits and play.clock() - began < timedelta(minutes=len(told) + 5)
    assert not [entry for entry in play.world.log if entry["status"] == 429]


def test_finances_are_read_within_their_limits() -> None:
    play = Play("vendor", strict=True)
    trade(play, 60, 0)
    play.clock.pass_(5 * 86400)
    play.world.page = 3
    found: dict[str, Movement] = defaultdict()
    cursor, waits = None, 0

    while True:
        try:
            page = play.channel.unpaid(START - timedelta(days=1), cursor)
        except RateLimited as error:
            waits += 1
            play.clock.pass_(error.wait_s + 0.1)
            continue
        found.update({one.id: one for one in page.items})
        if not (cursor := page.cursor):
            break

    assert len(found) == len(play.simulator.state["money"]["booked"]) > 30 and waits
    assert not [entry for entry in play.world.log if entry["status"] == 429]


def test_fees_are_told_apart_from_what_buyers_paid(play: Play) -> None:
    trade(play)
    play.simulator.settle({})
    found = {part.leaf for payout in payouts(play) for one in inside(play, payout) for part in one.parts}

    assert found >= {Leaf.BUYER, Leaf.SELLING_FEE, Leaf.FULFILLMENT_FEE, Leaf.ADVERTISING, Leaf.SUBSCRIPTION, Leaf.STORAGE, Leaf.RESERVE}
    assert found >= {Leaf.MARKETPLACE_TAX, Leaf.REIMBURSEMENT} and FEES & found


def test_the_tour_of_all_calls_pays_out_and_reads_it(play: Play) -> None:
    class Hand:
        def post(self, channel: str, path: str, body: dict[str, Any]) -> Any:
            play.clock.pass_(1)
            match path.split("/"):
                case ["orders"]:
                    return play.simulator.place(body)
                case ["orders", order, what]:
                    return play.simulator.act(order, what, body)
                case ["payouts"]:
                    return play.simulator.settle(body)

    tour._pay(play.channel, SimpleNamespace(channel="amazon"), Hand(), "MUG-1", play.clock())  # type: ignore[arg-type]

    calls = ("listTransactions", "getReports", "getReportDocument")
    assert all(play.calls(operation) for operation in calls) and play.simulator.payouts()


@pytest.mark.parametrize(
    ("reason", "outside"),
    [("WAREHOUSE_LOST", False), ("COMPENSATED_CLAWBACK", False), ("MISSING_FROM_INBOUND", True), ("REMOVAL_ORDER_LOST", True)],
)
def test_money_says_whether_its_goods_lay_in_amazons_warehouses(reason: str, outside: bool) -> None:
    """Of those that did its inventory ledger tells."""
    (found,) = read([row("other-transaction", "FBA Inventory Reimbursement", reason, "9.00", sku="MUG", quantity_purchased="3")])

    assert MANIFEST.shelves
    assert ([MANIFEST.shelves.outside(part.label) for part in found.parts], found.units) == ([outside], 3)
    assert leaves.NOT_THERE < leaves.STOCK
