"""What eBay pays out: its transactions and payouts in our words, its signatures, and the whole protocol against the simulator."""

import base64
import io
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_public_key
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.exceptions import BadRequest

from connectors.ebay import MANIFEST, payouts, signing
from connectors.ebay import simulated_paying as paying
from core.domain.money import Money, total
from core.domain.payouts import Leaf, Movement, Occasion, Paid, Payout
from core.domain.shipping import CancelReason
from core.errors import AccessLost, BadPayload, HubError, OutcomeUnknown, RateLimited, Refused, Unavailable
from core.ports import Appeals, Pays
from tests.contract.parcels import KEY
from tests.contract.test_ebay_channel import CONTRACTS, START, Rig, _oracle, violations

ORDER = "12-34567-89012"
NOW = datetime(2026, 11, 20, 20, 0, tzinfo=UTC)
PUBLISHED = CONTRACTS / "ebay/samples/message-signatures"


def cash(value: str, currency: str = "USD", **more: str) -> dict[str, str]:
    return {"value": value, "currency": currency, **more}


def told(**different: Any) -> dict[str, Any]:
    """A sale as eBay tells it; a field that is None is left out."""
    plain = {
        "transactionId": ORDER,
        "orderId": ORDER,
        "transactionType": "SALE",
        "bookingEntry": "CREDIT",
        "amount": cash("162.36"),
        "totalFeeBasisAmount": cash("195.0"),
        "totalFeeAmount": cash("32.64"),
        "ebayCollectedTaxAmount": cash("19.5"),
        "orderLineItems": [line(FINAL_VALUE_FEE="29.96", FINAL_VALUE_FEE_FIXED_PER_ORDER="0.44", INTERNATIONAL_FEE="2.24")],
        "transactionDate": "2026-06-02T13:20:06.839Z",
        "transactionStatus": "FUNDS_AVAILABLE_FOR_PAYOUT",
    }
    return {key: value for key, value in {**plain, **different}.items() if value is not None}


def line(currency: str = "USD", **fees: str) -> dict[str, Any]:
    rows = [{"feeType": kind, "amount": cash(value, currency)} for kind, value in fees.items()]
    return {"lineItemId": "10080000000001", "feeBasisAmount": cash("214.5", currency), "marketplaceFees": rows}


def bare(kind: str, entry: str = "DEBIT", amount: str = "5.0", **different: Any) -> dict[str, Any]:
    """A transaction without fees of its own."""
    gone = dict.fromkeys(["totalFeeBasisAmount", "totalFeeAmount", "ebayCollectedTaxAmount", "orderLineItems", "orderId"])
    return told(**{**gone, "transactionId": "T-1", "transactionType": kind, "bookingEntry": entry, "amount": cash(amount), **different})


def paid(**different: Any) -> dict[str, Any]:
    plain = {"payoutId": "5001", "payoutStatus": "SUCCEEDED", "payoutDate": "2026-06-03T04:05:06.000Z", "amount": cash("100.5")}
    return {key: value for key, value in {**plain, **different}.items() if value is not None}


def parts(movement: Movement) -> list[tuple[Leaf, int, str]]:
    return [(part.leaf, part.amount.minor, part.label) for part in movement.parts]


# ---- transactions


def test_a_sale_is_the_buyers_money_less_each_fee_and_tax_that_ebay_collects_is_no_part_of_it() -> None:
    found = payouts.movement(told())

    assert (found.occasion, found.amount, found.order) == (Occasion.SALE, Money(16236, "USD"), ORDER)
    assert parts(found) == [
        (Leaf.BUYER, 19500, "SALE"),
        (Leaf.SELLING_FEE, -2996, "FINAL_VALUE_FEE"),
        (Leaf.SELLING_FEE, -44, "FINAL_VALUE_FEE_FIXED_PER_ORDER"),
        (Leaf.SELLING_FEE, -224, "INTERNATIONAL_FEE"),
    ]
    assert (found.gross.minor, found.fees.minor, found.gap.minor) == (19500, -3264, 0)
    assert found.at == datetime(2026, 6, 2, 13, 20, 6, 839000, UTC)


def test_a_refund_takes_the_buyers_money_and_gives_fees_back() -> None:
    refers = [{"referenceId": "521", "referenceType": "REFUND_ID"}, {"referenceId": "110", "referenceType": "ITEM_ID"}]
    found = payouts.movement(told(transactionType="REFUND", bookingEntry="DEBIT", transactionId="522", references=refers))

    assert (found.occasion, found.amount.minor, found.gap.minor) == (Occasion.REFUND, -16236, 0)
    assert (found.gross.minor, found.fees.minor) == (-19500, 3264)
    assert found.refers == ("521", "522")


@pytest.mark.parametrize(("entry", "sign"), [("CREDIT", 1), ("DEBIT", -1)])
@pytest.mark.parametrize("kind", [kind for kind in payouts.TYPES if kind != "NON_SALE_CHARGE"])
def test_each_type_has_its_occasion_and_its_leaf_and_the_entry_gives_the_sign(kind: str, entry: str, sign: int) -> None:
    found = payouts.movement(bare(kind, entry))

    occasion = payouts.TYPES[kind][1 if sign > 0 else 0]
    assert (found.occasion, found.label, parts(found)) == (occasion, kind, [(payouts.TYPES[kind][2], 500 * sign, kind)])
    assert found.amount.minor == 500 * sign


def test_disputes_are_lost_and_won_by_their_sign() -> None:
    assert [payouts.movement(bare("DISPUTE", entry)).occasion for entry in ("DEBIT", "CREDIT")] == [
        Occasion.CHARGEBACK,
        Occasion.CHARGEBACK_WON,
    ]


@pytest.mark.parametrize(("entry", "sign"), [("CREDIT", 1), ("DEBIT", -1)])
@pytest.mark.parametrize("kind", payouts.FEES)
def test_each_fee_has_its_leaf_wherever_it_comes(kind: str, entry: str, sign: int) -> None:
    alone = payouts.movement(bare("NON_SALE_CHARGE", entry, feeType=kind))
    within = payouts.movement(told(amount=cash("194.0"), totalFeeAmount=cash("1.0"), orderLineItems=[line(**{kind: "1.0"})]))

    assert (alone.occasion, parts(alone)) == (Occasion.FEE, [(payouts.FEES[kind], 500 * sign, kind)])
    assert parts(within)[1:] == [(payouts.FEES[kind], -100, kind)]


def test_what_the_tables_hold_is_what_ebay_documents() -> None:
    assert Counter(leaf for leaf in payouts.FEES.values()) == {
        Leaf.SELLING_FEE: 31, Leaf.PAYMENT_FEE: 5, Leaf.ADVERTISING: 3, Leaf.SUBSCRIPTION: 6, Leaf.MARKETPLACE_TAX: 3, Leaf.ADJUSTMENT: 1,
        Leaf.OTHER_FEE: 4,
    }  # fmt: skip
    assert payouts.TYPES["SHIPPING_LABEL"] == (Occasion.POSTAGE, Occasion.POSTAGE, Leaf.SHIPPING_FEE)
    assert payouts.TYPES["LOAN_REPAYMENT"][2] is Leaf.LOAN
    assert payouts.TYPES["WITHDRAWAL"][2] is Leaf.BANK


def test_words_nobody_knows_are_unknown_and_kept_and_never_a_guess() -> None:
    strange = payouts.movement(bare("PURCHASE"))
    fee = payouts.movement(told(amount=cash("194.0"), totalFeeAmount=cash("1.0"), orderLineItems=[line(ZZ_FEE="1.0")]))
    charge = payouts.movement(bare("NON_SALE_CHARGE", feeType="ZZ_FEE"))
    nameless = payouts.movement(bare("NON_SALE_CHARGE"))

    assert (strange.occasion, parts(strange)) == (Occasion.UNKNOWN, [(Leaf.UNKNOWN, -500, "PURCHASE")])
    assert parts(fee)[1:] == [(Leaf.UNKNOWN, -100, "ZZ_FEE")]
    assert (charge.occasion, parts(charge)) == (Occasion.FEE, [(Leaf.UNKNOWN, -500, "ZZ_FEE")])
    assert parts(nameless) == [(Leaf.UNKNOWN, -500, "NON_SALE_CHARGE")]
    assert payouts.payout(paid(payoutStatus="ZZ")).state is Paid.UNKNOWN


def test_a_charge_that_comes_later_names_its_order_among_its_references_and_the_tax_in_it() -> None:
    refers = [{"referenceId": ORDER, "referenceType": "ORDER_ID"}]
    taxes = [{"taxType": "VAT", "amount": cash("0.83")}]
    found = payouts.movement(bare("NON_SALE_CHARGE", feeType="AD_FEE", references=refers, taxes=taxes))

    assert (found.order, found.refers) == (ORDER, ())
    assert parts(found) == [(Leaf.ADVERTISING, -417, "AD_FEE"), (Leaf.FEE_TAX, -83, "taxes")]


def test_gifts_to_charity_are_taken_off_a_sale_too() -> None:
    given_away = {**line(FINAL_VALUE_FEE="32.64"), "donations": [{"feeType": "CHARITY_DONATION", "amount": cash("1.0")}]}
    found = payouts.movement(told(amount=cash("161.36"), orderLineItems=[given_away]))

    assert (parts(found)[-1], found.gap.minor) == ((Leaf.OTHER_FEE, -100, "CHARITY_DONATION"), 0)


def test_where_the_fees_do_not_explain_the_amount_the_gap_is_seen() -> None:
    assert payouts.movement(told(amount=cash("162.35"))).gap == Money(-1, "USD")


def test_a_sale_whose_basis_is_not_told_was_what_is_left_and_the_fees() -> None:
    found = payouts.movement(told(totalFeeBasisAmount=None))

    assert (found.gross.minor, found.gap.minor) == (19500, 0)


def test_one_id_of_two_kinds_or_of_both_sides_is_several_movements() -> None:
    documents = [bare("SALE", "CREDIT"), bare("REFUND"), bare("DISPUTE"), bare("DISPUTE", "CREDIT")]

    assert len({payouts.movement(one).id for one in documents}) == 4
    assert payouts.movement(bare("DISPUTE")).id == payouts.movement(bare("DISPUTE", transactionStatus="PAYOUT", payoutId="5001")).id


def test_money_on_hold_is_deferred_and_no_day_is_made_up() -> None:
    memo = "Funds on hold. Estimated release on Jun 1"
    held = payouts.movement(told(transactionStatus="FUNDS_ON_HOLD", transactionMemo=memo))

    assert (held.deferred, held.free_at, held.payout) == (True, None, None)
    assert not payouts.movement(told()).deferred


def test_what_the_buyer_paid_in_another_currency_stands_beside() -> None:
    theirs = {"convertedFromValue": "222.43", "convertedFromCurrency": "CAD"}

    assert payouts.movement(told(amount=cash("162.36", **theirs))).bought == Money(22243, "CAD")
    assert payouts.movement(bare("REFUND", amount="5.0") | {"amount": cash("5.0", **theirs)}).bought == Money(-22243, "CAD")
    assert payouts.movement(told()).bought is None


AMOUNTS = st.integers(0, 10**9)


@given(fees=st.lists(st.lists(st.tuples(st.sampled_from(sorted(payouts.FEES)), AMOUNTS), max_size=4), max_size=4), left=AMOUNTS)
def test_parts_sum_to_what_the_balance_changed_by(fees: list[list[tuple[str, int]]], left: int) -> None:
    rows = [line() | {"marketplaceFees": [_fee(kind, minor) for kind, minor in row]} for row in fees]
    taken = sum(minor for row in fees for _, minor in row)
    for kind, entry, sign in (("SALE", "CREDIT", 1), ("REFUND", "DEBIT", -1)):
        basis = cash(Money(left + taken, "USD").text())
        document = told(transactionType=kind, bookingEntry=entry, amount=cash(Money(left, "USD").text()), orderLineItems=rows)
        found = payouts.movement(document | {"totalFeeBasisAmount": basis})
        assert (found.gap.minor, found.amount.minor, found.gross.minor) == (0, left * sign, (left + taken) * sign)


def _fee(kind: str, minor: int) -> dict[str, Any]:
    return {"feeType": kind, "amount": cash(Money(minor, "USD").text())}


DAMAGE: list[tuple[dict[str, Any], str]] = [
    ({"transactionId": None}, "transactionId"),
    ({"transactionType": None}, "transactionType"),
    ({"transactionType": 7}, "transactionType"),
    ({"bookingEntry": None}, "bookingEntry"),
    ({"bookingEntry": "BOTH"}, "bookingEntry"),
    ({"amount": None}, "amount"),
    ({"amount": cash("12,50")}, "amount"),
    ({"amount": {"value": "1.0"}}, "amount"),
    ({"amount": cash("1.005")}, "amount"),
    ({"amount": [1]}, "amount"),
    ({"transactionDate": "yesterday"}, "transactionDate"),
    ({"transactionDate": "2026-06-02T13:20:06.839"}, "transactionDate"),
    ({"orderLineItems": "x"}, "orderLineItems"),
    ({"orderLineItems": [None]}, "orderLineItems"),
    ({"orderLineItems": [{"marketplaceFees": [{"amount": cash("1.0")}]}]}, "feeType"),
    ({"orderLineItems": [line("EUR", FINAL_VALUE_FEE="1.0")]}, "marketplaceFees"),
    ({"totalFeeBasisAmount": cash("195.0", "EUR")}, "totalFeeBasisAmount"),
    ({"references": [{"referenceType": "REFUND_ID"}]}, "referenceId"),
    ({"payoutId": 5001}, "payoutId"),
    ({"orderId": 5}, "orderId"),
]


@pytest.mark.parametrize(("wrong", "named"), DAMAGE)
def test_a_transaction_that_cannot_be_read_is_refused_by_its_field_and_never_by_its_value(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(BadPayload, match=named) as refused:
        payouts.movement(told(**wrong))

    assert "12,50" not in str(refused.value)


@pytest.mark.parametrize("document", [None, [], "x", 7])
def test_what_is_no_object_is_refused(document: Any) -> None:
    for read in (payouts.movement, payouts.payout):
        with pytest.raises(BadPayload, match="not a JSON object"):
            read(document)


# ---- payouts


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("INITIATED", Paid.ON_ITS_WAY),
        ("SUCCEEDED", Paid.PAID),
        ("RETRYABLE_FAILED", Paid.SCHEDULED),
        ("TERMINAL_FAILED", Paid.FAILED),
        ("REVERSED", Paid.FAILED),
    ],
)
def test_each_state_of_a_payout_has_ours_and_what_went_wrong_is_said(status: str, state: Paid) -> None:
    found = payouts.payout(paid(payoutStatus=status, payoutStatusDescription="Waiting to retry", bankReference="EBAY1"))

    assert (found.state, found.number, found.amount) == (state, "EBAY1", Money(10050, "USD"))
    assert found.words == ("" if state in (Paid.PAID, Paid.ON_ITS_WAY) else "Waiting to retry")


def test_a_payout_that_is_converted_tells_what_left_the_balance_and_what_reaches_the_bank() -> None:
    before = payouts.payout(paid(amount=cash("90.0", "EUR", convertedFromValue="100.5", convertedFromCurrency="USD")))
    after = payouts.payout(paid(amount=cash("100.5", convertedToValue="90.0", convertedToCurrency="EUR")))
    plain = payouts.payout(paid())

    assert {(one.amount, one.deposit) for one in (before, after)} == {(Money(10050, "USD"), Money(9000, "EUR"))}
    assert plain.deposit is None


@pytest.mark.parametrize("field", ["payoutId", "payoutStatus", "payoutDate", "amount"])
def test_a_payout_without_what_we_rely_on_is_refused(field: str) -> None:
    with pytest.raises(BadPayload, match=field):
        payouts.payout(paid(**{field: None}))


# ---- against the simulator


@pytest.fixture
def rig() -> Rig:
    return Rig()


def channel(rig: Rig) -> Any:
    return rig.channel


def sold(rig: Rig, sku: str = "SKU-00", **wish: Any) -> str:
    [made] = rig.simulator.place({"lines": [{"sku": sku, "quantity": 1}], **wish})
    rig.clock.forward(seconds=1)
    return str(made["id"])


def happened(rig: Rig, order: str, what: str, **wish: Any) -> None:
    rig.simulator.act(order, what, wish)
    rig.clock.forward(seconds=1)


def settled(rig: Rig, **wish: Any) -> list[dict[str, Any]]:
    made = rig.simulator.settle(wish)
    rig.clock.forward(seconds=1)
    return made


def read(method: Any, argument: Any, meanwhile: Any = lambda: None) -> list[Any]:
    """All pages."""
    page = method(argument, None)
    found = list(page.items)
    while page.cursor:
        meanwhile()
        page = method(argument, page.cursor)
        found += page.items
    return found


def all_payouts(rig: Rig, since: datetime = START) -> list[Payout]:
    return read(channel(rig).payouts, since)


def held(rig: Rig, payout: Payout) -> list[Movement]:
    return read(channel(rig).movements, payout)


def unpaid(rig: Rig, since: datetime = START - timedelta(days=1)) -> list[Movement]:
    return read(channel(rig).unpaid, since)


def summed(movements: Sequence[Movement], currency: str = "USD") -> Money:
    return total([one.amount for one in movements], currency)


def test_ebay_pays_out_in_its_own_name(rig: Rig) -> None:
    assert isinstance(rig.channel, Pays)
    assert MANIFEST.pays is not None
    assert (MANIFEST.pays.gateway, MANIFEST.pays.takes) == ("ebay", None)


def test_what_a_payout_holds_sums_to_it_and_each_movement_to_its_parts(rig: Rig) -> None:
    rig.simulator.place({"count": 40, "seed": 3})
    orders = [sold(rig, f"SKU-{n:02d}") for n in range(6)]
    happened(rig, orders[0], "cancel")
    happened(rig, orders[1], "refund", line=_line(rig, orders[1]), amount="2.00")
    happened(rig, orders[2], "chargeback")
    happened(rig, orders[2], "chargeback_won")
    said = settled(rig)

    found = all_payouts(rig)

    assert [(one.id, one.amount.text(), one.amount.currency, one.state.value) for one in found] == [
        (one["id"], one["amount"], one["currency"], one["state"]) for one in said
    ]
    for payout, oracle_ in zip(found, said, strict=True):
        movements = held(rig, payout)
        assert (summed(movements, payout.amount.currency), len(movements)) == (payout.amount, oracle_["lines"])
        assert [one for one in movements if one.gap or one.payout != payout.id] == []
        assert len({one.id for one in movements}) == len(movements)
    kinds = {one.occasion for payout in found for one in held(rig, payout)}
    assert kinds == {Occasion.SALE, Occasion.REFUND, Occasion.FEE, Occasion.CHARGEBACK, Occasion.CHARGEBACK_WON}


def _line(rig: Rig, order: str) -> str:
    return str(next(one for one in rig.simulator.orders() if one["id"] == order)["lines"][0]["id"])


def test_an_orders_money_is_what_the_order_says_and_a_whole_refund_gives_all_of_it_back(rig: Rig) -> None:
    order = sold(rig)
    body = rig.channel.fetch([order])[order]
    assert body is not None
    happened(rig, order, "cancel")

    found = {one.occasion: one for one in unpaid(rig) if one.order == order and one.occasion is not Occasion.FEE}

    ours = MANIFEST.order(body, "shop")
    assert found[Occasion.SALE].gross == Money.parse("10.50", "USD")
    assert found[Occasion.REFUND].gross == -found[Occasion.SALE].gross
    assert ours.total - total([tax.amount for one in ours.lines for tax in one.charge.taxes], "USD") == found[Occasion.SALE].gross


def test_what_is_paid_out_is_unpaid_no_more_and_what_is_on_hold_stays(rig: Rig) -> None:
    free, kept = sold(rig), sold(rig, "SKU-01")
    happened(rig, kept, "hold")
    before = {one.order: one.deferred for one in unpaid(rig) if one.occasion is Occasion.SALE}
    settled(rig)

    after = [one.order for one in unpaid(rig) if one.occasion is Occasion.SALE]
    happened(rig, kept, "release")
    settled(rig)

    assert before == {free: False, kept: True}
    assert after == [kept]
    assert unpaid(rig) == []
    assert len(all_payouts(rig)) == 2


def test_transfers_that_are_over_or_never_happened_wait_for_no_payout(rig: Rig) -> None:
    for status in ("COMPLETED", "FAILED"):
        rig.simulator.befall("balance", {"type": "TRANSFER", "amount": "5.00", "status": status})
    rig.simulator.befall("balance", {"type": "LOAN_REPAYMENT", "amount": "5.00"})

    assert [one.label for one in unpaid(rig)] == ["LOAN_REPAYMENT"]


def test_a_withdrawal_is_its_payouts_own_line_and_not_one_of_what_it_holds(rig: Rig) -> None:
    sold(rig)
    [made] = settled(rig)
    own = {"transactionType": "WITHDRAWAL", "payoutId": made["id"]}
    rig.simulator.till.add("WITHDRAWAL", "DEBIT", Money.parse(made["amount"], "USD"), number="W-1", **own)

    [payout] = all_payouts(rig)

    assert summed(held(rig, payout)) == payout.amount


def test_a_payout_that_changes_is_told_again_as_it_stands_now(rig: Rig) -> None:
    sold(rig)
    [made] = settled(rig, state="INITIATED")
    first = all_payouts(rig)
    rig.clock.forward(days=20)
    settled(rig, change={made["id"]: "REVERSED"})

    again = all_payouts(rig, rig.clock())

    assert [(one.id, one.state) for one in first + again] == [(made["id"], Paid.ON_ITS_WAY), (made["id"], Paid.FAILED)]
    assert "rejected" in again[0].words


def test_a_payout_into_another_currency_is_ours_before_and_the_banks_after(rig: Rig) -> None:
    sold(rig)
    [made] = settled(rig, into="GBP")

    [payout] = all_payouts(rig)

    assert (payout.amount.text(), payout.amount.currency) == (made["amount"], "USD")
    assert payout.deposit is not None and payout.deposit.currency == "GBP"
    assert summed(held(rig, payout)) == payout.amount


def test_nothing_at_all_is_an_empty_page(rig: Rig) -> None:
    gone = Payout("5001", Paid.PAID, START, Money(1, "USD"))

    assert (all_payouts(rig), unpaid(rig), held(rig, gone)) == ([], [], [])


# ---- pages


def test_pages_hold_each_movement_once_and_all_of_them(rig: Rig) -> None:
    small = Rig(transactions_page=3, payouts_page=1)
    for n in range(4):
        sold(small, f"SKU-{n:02d}")
        settled(small)
    for n in range(8):
        sold(small, f"SKU-{n:02d}")

    waiting, done = unpaid(small), all_payouts(small)

    assert Counter(one.id for one in waiting) == Counter({one.id: 1 for one in waiting})
    assert len({one.order for one in waiting}) == 8
    assert [one.at for one in done] == sorted(one.at for one in done)
    assert len(done) == 4


def test_what_comes_while_we_page_hides_nothing(rig: Rig) -> None:
    small = Rig(transactions_page=2)
    there = {sold(small, f"SKU-{n:02d}") for n in range(7)}

    def late() -> None:
        """A charge for a time that was read already: it moves all others down."""
        small.clock.forward(seconds=-30)
        small.simulator.befall("balance", {"type": "CREDIT", "amount": "1.00", "entry": "CREDIT"})
        small.clock.forward(seconds=30)
        if small.simulator.state["number"] < 90:
            sold(small)

    found = read(channel(small).unpaid, START - timedelta(days=1), late)

    assert there <= {one.order for one in found}


def test_where_something_leaves_while_we_page_we_step_back(rig: Rig) -> None:
    small = Rig(transactions_page=2)
    orders = [sold(small, f"SKU-{n:02d}") for n in range(8)]
    gone: Iterator[str] = iter(orders[:-4:-1])

    found = read(channel(small).unpaid, START - timedelta(days=1), lambda: small.simulator.till.forget(next(gone, "")))

    assert set(orders[:5]) <= {one.order for one in found}


def test_long_times_are_read_in_stretches_of_at_most_ninety_days(rig: Rig) -> None:
    old = sold(rig, days_ago=0)
    settled(rig)
    rig.clock.forward(days=200)
    new = sold(rig)

    waiting, done = unpaid(rig, START - timedelta(days=100)), all_payouts(rig, START)

    assert [one.order for one in waiting if one.occasion is Occasion.SALE] == [new]
    assert [one.order for one in held(rig, done[0]) if one.occasion is Occasion.SALE] == [old]
    assert rig.calls().count("getPayouts") == 3


def test_a_total_that_is_no_number_is_refused(rig: Rig) -> None:
    rig.simulator._money_page = lambda *_: paying_answer({"transactions": [], "payouts": []})  # type: ignore[method-assign]

    for method in (channel(rig).payouts, channel(rig).unpaid):
        with pytest.raises(BadPayload, match="total"):
            method(START, None)


def paying_answer(document: dict[str, Any]) -> Any:
    from connectors.simulation import reply

    return reply(document)


# ---- differences that are put in


@pytest.mark.parametrize("plant", paying.PLANTS)
def test_a_planted_difference_is_seen_and_the_oracle_names_it(rig: Rig, plant: str) -> None:
    orders = [sold(rig, f"SKU-{n:02d}") for n in range(3)]
    happened(rig, orders[1], "cancel")
    named = orders[1] if plant == "refund_missing" else orders[0]
    before = {one.id: one for one in unpaid(rig)}

    said = settled(rig, plant=plant, order=named)

    shown = next(one for one in said if one["planted"])
    payout = next(one for one in all_payouts(rig) if one.id == shown["id"])
    after = {one.id: one for one in held(rig, payout)}
    assert shown["planted"] == {"what": plant, "order": None if plant == "sum" else named}
    assert _difference(plant, named, before, after, payout) is True


def _difference(plant: str, order: str, before: dict[str, Movement], after: dict[str, Movement], payout: Payout) -> bool:
    sale = f"SALE:{order}:CREDIT"
    match plant:
        case "fee":
            return (after[sale].fees - before[sale].fees).minor == -1 and not after[sale].gap
        case "cent":
            return (after[sale].gross - before[sale].gross).minor == -1 and not after[sale].gap
        case "currency":
            return (payout.amount.currency, after[sale].amount.minor) == ("EUR", before[sale].amount.minor)
        case "twice":
            return [one.amount for one in after.values() if one.order == order and one.label == "SALE"] == [before[sale].amount] * 2
        case "refund_missing":
            return {key for key in before if key not in after} == {key for key in before if key.startswith("REFUND:")}
    return payout.amount - summed(list(after.values())) == Money(100, "USD")


@pytest.mark.parametrize("wish", [{"plant": "zz"}, {"state": "zz"}, {"plant": "fee"}, {"change": {"1": "SUCCEEDED"}}])
def test_a_wish_that_cannot_be_meant_is_refused(rig: Rig, wish: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        rig.simulator.settle(wish)

    assert rig.simulator.payouts() == []


# ---- signatures

# RFC 9421, B.2.6: the key and what it signs to.
RFC_KEY = "MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF"
RFC_SIGNED = "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw=="
RFC_PARTS = {
    "date": "Tue, 20 Apr 2021 02:07:55 GMT",
    "@method": "POST",
    "@path": "/foo",
    "@authority": "example.com",
    "content-type": "application/json",
    "content-length": "18",
}
OWN = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PEM = OWN.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def a_signer(**different: Any) -> signing.Signer:
    return replace(signing.Signer(OWN, "jwe-1", NOW + timedelta(days=400)), **different)


def test_what_we_sign_is_what_the_standard_signs() -> None:
    params = signing.parameters(tuple(RFC_PARTS), 'created=1618884473;keyid="test-key-ed25519"')
    signed = signing.private_key(RFC_KEY).sign(signing.base(tuple(RFC_PARTS), RFC_PARTS, params))

    assert base64.b64encode(signed).decode() == RFC_SIGNED
    assert signing.content_digest(b'{"hello": "world"}') == "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"


@pytest.mark.skipif(not PUBLISHED.exists(), reason="the vendors' contracts are not here")
def test_ebays_published_test_key_verifies_what_we_sign_with_it() -> None:
    private = signing.private_key((PUBLISHED / "ed25519.privatekey.pem").read_text("ascii"))
    public = load_pem_public_key((PUBLISHED / "ed25519.publickey.pem").read_bytes())
    assert isinstance(public, Ed25519PublicKey)
    said = a_signer(private=private).headers("POST", "https://api.ebay.com/post-order/v2/cancellation", b"{}", NOW)

    value = base64.b64decode(said["Signature"].removeprefix("sig1=:").removesuffix(":"))
    text = _text(said, "POST", "/post-order/v2/cancellation", "api.ebay.com")
    public.verify(value, text)
    with pytest.raises(InvalidSignature):
        public.verify(value, text.replace(b"POST", b"PUT "))


@pytest.mark.skipif(not PUBLISHED.exists(), reason="the vendors' contracts are not here")
def test_a_key_of_another_kind_than_we_ask_for_is_not_taken() -> None:
    with pytest.raises(ValueError, match="Ed25519"):
        signing.private_key((PUBLISHED / "rsa.privatekey.pem").read_text("ascii"))


def _text(said: dict[str, str], method: str, path: str, host: str) -> bytes:
    """The signature base, put together by hand."""
    lines = [f'"content-digest": {said["Content-Digest"]}'] if "Content-Digest" in said else []
    lines += [
        f'"x-ebay-signature-key": {said["x-ebay-signature-key"]}',
        f'"@method": {method}',
        f'"@path": {path}',
        f'"@authority": {host}',
    ]
    return "\n".join([*lines, f'"@signature-params": {said["Signature-Input"].removeprefix("sig1=")}']).encode()


def test_a_read_is_signed_without_a_digest_and_without_its_query() -> None:
    said = a_signer().headers("get", "https://APIZ.ebay.com/sell/finances/v1/payout?limit=20&offset=0", None, NOW)

    assert "Content-Digest" not in said
    assert said["Signature-Input"] == f'sig1=("x-ebay-signature-key" "@method" "@path" "@authority");created={int(NOW.timestamp())}'
    value = base64.b64decode(said["Signature"].removeprefix("sig1=:").removesuffix(":"))
    OWN.public_key().verify(value, _text(said, "GET", "/sell/finances/v1/payout", "apiz.ebay.com"))


@pytest.mark.parametrize("text", [PEM, "".join(PEM.split("\n")[1:-2]), PEM.replace("\n", "\r\n")])
def test_a_key_is_read_with_the_lines_of_pem_and_without(text: str) -> None:
    assert signing.private_key(text).public_key().public_bytes_raw() == OWN.public_key().public_bytes_raw()


WHOLE = {"privateKey": PEM, "jwe": "j", "expirationTime": 1}


@pytest.mark.parametrize(
    "said", [{}, {**WHOLE, "privateKey": "zz"}, *({key: WHOLE[key] for key in WHOLE if key != gone} for gone in WHOLE)]
)
def test_a_key_that_cannot_be_read_is_refused_and_not_told(said: dict[str, Any]) -> None:
    with pytest.raises(BadPayload) as refused:
        signing.made(said)

    assert "MC4" not in str(refused.value)


def test_a_signer_shows_nothing_of_its_key() -> None:
    assert "jwe-1" not in repr(a_signer()) and "private" not in repr(a_signer())


def signing_rig(**settings: Any) -> Rig:
    rig = Rig(**settings)
    rig.simulator.befall("domicile", {"signs": True})
    return rig


@pytest.mark.parametrize("settings", [{}, {"marketplace": "EBAY_GB"}, {"signatures": "always"}])
def test_a_seller_of_europe_signs_by_the_site_by_wish_or_when_ebay_asks_for_it(settings: dict[str, Any]) -> None:
    rig = signing_rig(**settings)
    sold(rig)
    settled(rig)

    [payout] = all_payouts(rig)
    movements = held(rig, payout)

    assert summed(movements) == payout.amount
    assert rig.calls().count("createSigningKey") == 1
    asked = [one["status"] for one in rig.world.log if one["operation"] == "getPayouts"]
    assert asked == ([403, 200] if not settings else [200])


def test_a_seller_of_elsewhere_signs_nothing(rig: Rig) -> None:
    sold(rig)
    settled(rig)
    all_payouts(rig)

    assert "createSigningKey" not in rig.calls()


def test_where_signing_is_switched_off_ebays_refusal_stands() -> None:
    rig = signing_rig(signatures="never")

    with pytest.raises(Refused) as refused:
        channel(rig).payouts(START, None)

    assert refused.value.facts["codes"] == "215001"


def test_the_key_is_kept_with_the_secrets_and_used_by_whoever_comes_next() -> None:
    rig = signing_rig(marketplace="EBAY_DE")
    all_payouts(rig)

    next_one = MANIFEST.channel(replace(rig.kit, login=dict(rig.tokens.login)))
    assert isinstance(next_one, Pays)
    next_one.payouts(START, None)

    assert rig.calls().count("createSigningKey") == 1
    assert set(rig.tokens.login) == {"refresh_token", signing.KEY, signing.JWE, signing.ENDS}


def test_a_key_that_ends_soon_is_made_anew_and_replaces_the_old_one() -> None:
    rig = signing_rig(marketplace="EBAY_DE")
    all_payouts(rig)
    old = rig.tokens.login[signing.JWE]
    rig.clock.forward(days=3 * 365 - 20)

    channel(rig).unpaid(rig.clock() - timedelta(days=1), None)

    assert rig.tokens.login[signing.JWE] != old


def test_a_key_that_somebody_else_just_made_is_there_at_the_next_try() -> None:
    rig = signing_rig(marketplace="EBAY_DE")
    rig.tokens.access = lambda refresh, rejected=None: "token-of-another"  # type: ignore[method-assign,assignment]

    with pytest.raises(Unavailable):
        channel(rig).payouts(START, None)


@pytest.mark.parametrize(("kind", "wrong"), [("500", Unavailable), ("cut_after", Unavailable), ("429", RateLimited), ("401", Refused)])
def test_a_key_that_is_not_given_costs_no_login(kind: str, wrong: type[HubError]) -> None:
    rig = signing_rig(marketplace="EBAY_DE")
    channel(rig).probe()
    rig.fail(kind, "createSigningKey")

    with pytest.raises(wrong):
        channel(rig).payouts(START, None)

    assert channel(rig).payouts(START, None).items == ()
    assert rig.calls().count("token") == 4  # two of the application's; the seller's login was not spent on what failed
    assert signing.KEY in rig.tokens.login


@pytest.mark.parametrize(
    ("name", "wrong", "number"),
    [
        ("x-ebay-signature-key", "", 215001),
        ("Signature-Input", "", 215002),
        ("Signature-Input", "sig1=nonsense", 215002),
        ("Signature", "", 215003),
        ("Signature", "sig1=:AAAA:", 215122),
        ("x-ebay-signature-key", "somebody's", 215122),
        ("Content-Digest", "sha-256=:AAAA:", 215122),
    ],
)
def test_ebay_refuses_a_wrong_signature_in_its_words(name: str, wrong: str, number: int) -> None:
    rig = signing_rig(marketplace="EBAY_DE")
    order = sold(rig)
    send = rig.kit.http.session.request

    def spoiled(method: str, url: str, **rest: Any) -> Any:
        if "Signature" in rest["headers"]:
            rest["headers"] = {key: value for key, value in {**rest["headers"], name: wrong}.items() if value}
        return send(method, url, **rest)

    rig.kit.http.session.request = spoiled
    with pytest.raises(Refused) as refused:
        channel(rig).cancel(order, CancelReason.STOCK, KEY, restock=True)

    assert refused.value.facts["codes"] == str(number)
    assert not rig.simulator.orders()[0]["cancelled"]


def test_a_signature_of_long_ago_is_refused() -> None:
    rig = signing_rig(marketplace="EBAY_DE")
    all_payouts(rig)
    rig.simulator.till._clock = lambda: rig.clock() + timedelta(hours=1)

    with pytest.raises(Refused) as refused:
        channel(rig).payouts(START, None)

    assert refused.value.facts["codes"] == "215114"


def test_cancelling_and_granting_a_buyers_wish_are_signed_and_refusing_it_is_not() -> None:
    rig = signing_rig(marketplace="EBAY_GB")
    orders = [sold(rig) for _ in range(3)]
    for order in orders[1:]:
        happened(rig, order, "ask_to_cancel")
    assert isinstance(rig.channel, Appeals)

    channel(rig).cancel(orders[0], CancelReason.STOCK, KEY, restock=True)
    for order, agree in zip(orders[1:], (True, False), strict=True):
        [appeal] = rig.channel.appeals(order)
        rig.channel.answer(order, appeal, agree=agree)

    done = [entry["status"] for entry in rig.world.log if "Cancellation" in str(entry["operation"])]
    assert done == [201, 200, 200]
    assert rig.calls().count("createSigningKey") == 1


def test_a_cancellation_whose_answer_is_lost_stays_unknown_though_it_is_signed() -> None:
    rig = signing_rig(marketplace="EBAY_GB")
    order = sold(rig)
    rig.fail("cut_after", "createCancellation")

    with pytest.raises(OutcomeUnknown):
        channel(rig).cancel(order, CancelReason.STOCK, KEY, restock=True)


# ---- what goes wrong


@pytest.mark.parametrize(
    ("kind", "wrong"), [("429", RateLimited), *((kind, Unavailable) for kind in ("500", "html", "cut_before", "cut_after"))]
)
@pytest.mark.parametrize("call", ["payouts", "unpaid", "movements"])
def test_faults_of_each_read_are_told_for_what_they_are(rig: Rig, call: str, kind: str, wrong: type[HubError]) -> None:
    argument = Payout("5001", Paid.PAID, START, Money(1, "USD")) if call == "movements" else START
    rig.fail(kind, "getPayouts" if call == "payouts" else "getTransactions")

    with pytest.raises(wrong):
        getattr(channel(rig), call)(argument, None)

    assert getattr(channel(rig), call)(argument, None).items == ()


def test_one_refused_token_is_renewed_and_two_are_lost_access(rig: Rig) -> None:
    rig.fail("401", "getPayouts")
    assert channel(rig).payouts(START, None).items == ()

    rig.fail("401", "getPayouts", times=2)
    with pytest.raises(AccessLost):
        channel(rig).payouts(START, None)


def test_a_seller_who_agreed_before_we_asked_for_money_goes_on_selling(rig: Rig) -> None:
    rig.simulator.befall("agreed", {"without": ["finances"]})

    assert channel(rig).probe().id == "harbor-lane-goods"
    with pytest.raises(Refused) as refused:
        channel(rig).payouts(START, None)
    assert refused.value.facts["codes"] == "1100"


def test_each_read_takes_from_the_budget_of_finances(rig: Rig) -> None:
    all_payouts(rig)
    unpaid(rig)

    assert rig.budget.taken["finances"] == 2
    assert set(rig.budget.taken) <= set(MANIFEST.rates)


@pytest.mark.contracts
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")  # the oracle leaves files open
def test_what_we_ask_and_what_the_simulator_answers_is_in_ebays_own_contract() -> None:
    judge, rig = _oracle(), signing_rig(marketplace="EBAY_DE")
    rig.simulator.place({"count": 20, "seed": 5})
    happened(rig, sold(rig), "cancel")
    settled(rig)
    unpaid(rig)
    for payout in all_payouts(rig):
        held(rig, payout)

    asked = {json.loads(text)["path"].rpartition("/")[2] for text in rig.recorder.getvalue().splitlines()}

    assert violations(judge, rig) == set()
    assert {"payout", "transaction", "signing_key"} <= asked


def test_no_key_to_sign_with_is_recorded() -> None:
    rig = signing_rig(marketplace="EBAY_DE")

    all_payouts(rig)

    kept = rig.tokens.login
    assert [secret for secret in (kept[signing.KEY], kept[signing.JWE]) if secret in rig.recorder.getvalue()] == []


def test_older_states_of_the_simulator_have_money_too(rig: Rig) -> None:
    rig.simulator.state.update(json.load(io.StringIO(json.dumps({key: one for key, one in rig.simulator.state.items() if key != "money"}))))

    sold(rig)

    assert unpaid(rig)[-1].occasion is Occasion.SALE
