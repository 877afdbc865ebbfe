"""What Shopify Payments pays out, as the channel tells it: against its simulator, and line by line."""

import dataclasses
import gzip
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from graphql import TypeInfo, TypeInfoVisitor, Visitor, get_named_type, parse, visit
from hypothesis import given
from hypothesis import strategies as st

from connectors.http import read_json
from connectors.shopify import MANIFEST, SCOPES, documents
from connectors.shopify import payouts as paid_out
from connectors.shopify.graphql_door import contracts, cost, full_schema, operation, read, schema
from connectors.shopify.simulated_payouts import PLANTS, fee_of
from connectors.shopify.simulator import ONE_QUERY, VERSIONS
from connectors.simulation import Settles, _then
from core.domain.money import Money, places, total
from core.domain.payouts import CLOSED, Leaf, Movement, Occasion, Paid, Part, Payout
from core.errors import AccessLost, BadPayload, RateLimited, Refused, Unavailable
from core.ports import Pays
from tests.contract.test_shopify_channel import START, Rig

EARLIER = START - timedelta(days=2)


class Shop(Rig):
    """A shop with Shopify Payments, as we read it."""

    @property
    def pays(self) -> Pays:
        assert isinstance(self.channel, Pays)
        return self.channel

    def buys(self, *skus: str, **wish: Any) -> str:
        lines = [{"sku": sku, "quantity": 1} for sku in skus or ("SKU-1",)]
        placed = self.simulator.place({"lines": lines, "plain": True, "payment": "paid", **wish})[0]["id"]
        return str(placed)

    def act(self, order: str, what: str, **wish: Any) -> None:
        self.simulator.act(order, what, wish)

    def line(self, kind: str, amount: str, **wish: Any) -> None:
        self.simulator.befall("balance", {"type": kind, "amount": amount, **wish})

    def paid(self, since: datetime = EARLIER) -> list[Payout]:
        return list(walked(lambda cursor: self.pays.payouts(since, cursor)))

    def held(self, payout: Payout) -> list[Movement]:
        return list(walked(lambda cursor: self.pays.movements(payout, cursor)))

    def open(self, since: datetime = EARLIER) -> list[Movement]:
        return list(walked(lambda cursor: self.pays.unpaid(since, cursor)))


def walked(ask: Any) -> Iterator[Any]:
    cursor = None
    while True:
        page = ask(cursor)
        yield from page.items
        cursor = page.cursor
        if cursor is None:
            return


def summed(held: list[Movement], currency: str = "USD") -> Money:
    return total((one.amount for one in held), currency)


@pytest.fixture
def shop() -> Shop:
    return Shop()


# ---- what an order becomes


def test_what_a_buyer_paid_by_card_is_a_sale_less_its_fee(shop):
    order = shop.buys("SKU-1")
    [payment] = shop.read(order).payments or ()

    [sale] = shop.open()

    assert (sale.occasion, sale.order, sale.refers, sale.payout) == (Occasion.SALE, order, (payment.id,), None)
    assert sale.gross == payment.amount
    assert sale.sum_of(Leaf.PAYMENT_FEE) == -fee_of(payment.amount) == sale.fees
    assert sale.amount == payment.amount - fee_of(payment.amount)
    assert sale.at == START
    assert sale.label == "CHARGE"
    assert sale.bought is None
    assert not sale.deferred


def test_a_capture_is_a_sale_and_what_is_merely_promised_is_none(shop):
    order = shop.buys(payment="authorized")
    assert shop.open() == []

    shop.act(order, "pay")

    [sale] = shop.open()
    assert sale.refers == tuple(one.id for one in shop.read(order).payments or () if one.kind == "capture")


def test_a_refund_gives_the_buyer_all_and_us_no_fee_back(shop):
    order = shop.buys()
    shop.act(order, "refund", quantity=1)
    refund = next(one for one in shop.read(order).payments or () if one.kind == "refund")

    back = shop.open()[-1]

    assert (back.occasion, back.order, back.refers) == (Occasion.REFUND, order, (refund.id,))
    assert back.gross == -refund.amount == back.amount
    assert not back.fees


def test_a_dispute_takes_the_money_with_a_cost_and_gives_both_back_once_it_is_won(shop):
    order = shop.buys()
    shop.act(order, "chargeback")
    shop.act(order, "chargeback_won")

    sale, lost, won = shop.open()

    assert (lost.occasion, won.occasion) == (Occasion.CHARGEBACK, Occasion.CHARGEBACK_WON)
    assert lost.sum_of(Leaf.CHARGEBACK) == -sale.gross
    assert lost.fees == Money(-1500, "USD")
    assert lost.amount + won.amount == Money(0, "USD")
    assert lost.order == won.order == order


@pytest.mark.parametrize("gateway", ["paypal", "manual", "gift_card", "shopify_store_credit"])
def test_what_another_gateway_took_never_comes_with_a_payout(shop, gateway):
    order = shop.buys(gateway=gateway)

    assert shop.open() == []
    assert [one.gateway for one in shop.read(order).payments or ()] == [gateway]
    assert gateway not in (MANIFEST.pays.takes or ()) and MANIFEST.pays.gateway in MANIFEST.pays.takes


def test_what_was_paid_by_two_gateways_is_told_by_each_and_goes_back_by_each(shop):
    order = shop.buys("SKU-1", gift_card="2.00")
    shop.act(order, "refund", quantity=1)
    told = [(one.gateway, one.kind, one.amount.minor) for one in shop.read(order).payments or ()]
    card = sum(minor for gateway, kind, minor in told if (gateway, kind) == ("shopify_payments", "sale"))
    back = sum(minor for _, kind, minor in told if kind == "refund")

    sale, refund = shop.open()

    assert ("gift_card", "sale", 200) in told
    assert sale.gross.minor == card
    assert -refund.gross.minor == min(card, back) == sum(m for g, kind, m in told if (g, kind) == ("shopify_payments", "refund"))
    assert all(one.parent for one in shop.read(order).payments or () if one.kind == "refund")


def test_another_channels_copy_puts_nothing_into_the_balance(shop):
    shop.buys("SKU-1", copy_of="111-1", source="amazon")

    assert shop.open() == []


def test_a_test_order_puts_nothing_into_the_balance(shop):
    shop.simulator.place({"count": 12, "planted": True})
    orders = [record["body"] for record in shop.simulator.state["orders"].values()]
    tests = {str(body["id"]) for body in orders if body["test"] and body["financial_status"] != "pending"}

    sold = {one.order for one in shop.open()}

    assert tests and not tests & sold
    assert sold == {str(body["id"]) for body in orders if not body["test"] and body["financial_status"] not in ("pending", "authorized")}


def test_what_a_foreign_buyer_paid_is_told_in_their_currency_too(shop):
    order = shop.buys(buyer=["EUR", "0.9"])
    shop.act(order, "refund", quantity=1)
    told = {one.id: one for one in shop.read(order).payments or ()}

    sale, back = shop.open()

    assert sale.amount.currency == "USD"
    assert sale.bought == told[sale.refers[0]].presented
    assert back.bought == -told[back.refers[0]].presented
    assert sale.bought.currency == "EUR"


def test_tax_on_a_fee_stands_by_itself(shop):
    shop.simulator.state["balance"]["tax"] = 1900
    shop.buys()

    [sale] = shop.open()

    fee = fee_of(sale.gross)
    assert sale.sum_of(Leaf.PAYMENT_FEE) == -fee
    assert sale.sum_of(Leaf.FEE_TAX) == Money(-((fee.minor * 1900 + 5000) // 10000), "USD") != Money(0, "USD")
    assert not sale.gap


def test_an_order_that_is_too_old_for_us_tells_neither_currency_nor_tax(shop):
    shop.simulator.state["balance"]["tax"] = 1900
    shop.buys(buyer=["EUR", "0.9"])
    shop.simulator.state["scopes"].remove("read_all_orders")
    shop.clock.forward(days=61)

    [sale] = shop.open()

    assert sale.bought is None
    assert sale.sum_of(Leaf.FEE_TAX) == Money(0, "USD")
    assert not sale.gap


# ---- payouts


def test_a_payout_is_what_its_movements_sum_to(shop):
    for n in range(5):
        shop.buys(f"SKU-{n}")
    shop.act(shop.buys("SKU-7"), "refund", quantity=1)
    shop.line("RESERVED_FUNDS", "-20.00")
    shop.line("SHIPPING_LABEL", "-8.15")
    before = shop.open()
    [oracle] = shop.simulator.settle({})

    [payout] = shop.paid()
    held = shop.held(payout)

    assert (payout.id, payout.amount.text(), payout.state) == (oracle["id"], oracle["amount"], oracle["state"]) == (
        oracle["id"], oracle["amount"], "paid")  # fmt: skip
    assert payout.at == START
    assert payout.number.startswith("SIMTRACE")
    assert summed(held) == payout.amount
    assert all(not one.gap for one in held)
    assert all(one.payout == payout.id for one in held)
    assert [one.id for one in held] == [one.id for one in before] and len(held) == oracle["lines"]
    assert shop.open() == []


def test_each_movement_is_in_one_payout_and_never_in_two(shop):
    seen: list[str] = []
    for day in range(3):
        shop.buys(f"SKU-{day}")
        shop.simulator.settle({})
        shop.clock.forward(days=1)

    shop.world.page = 2  # a line, and the payout's own
    for payout in shop.paid():
        seen += [one.id for one in shop.held(payout)]

    assert len(seen) == len(set(seen)) == 3
    assert shop.calls("Movements") == 3


def test_payouts_come_oldest_first_page_by_page(shop):
    for day in range(5):
        shop.buys(f"SKU-{day}")
        shop.simulator.settle({})
        shop.clock.forward(days=1)
    shop.world.page = 2

    told = shop.paid()

    assert [one.at for one in told] == sorted(one.at for one in told)
    assert [one.id for one in told] == [one["id"] for one in shop.simulator.payouts()]
    assert shop.calls("Payouts") == 3


def test_movements_come_page_by_page_and_none_is_lost(shop):
    for n in range(11):
        shop.buys(f"SKU-{n}")
    shop.simulator.settle({})
    shop.world.page = 3
    [payout] = shop.paid()

    held = shop.held(payout)

    assert len({one.id for one in held}) == len(held) == 11
    assert summed(held) == payout.amount
    assert shop.calls("Movements") == 4  # eleven, and the payout's own line


def test_a_payout_that_was_told_comes_again_while_it_may_still_change(shop):
    shop.buys()
    shop.simulator.settle({"state": "SCHEDULED"})
    assert [one.state for one in shop.paid()] == [Paid.SCHEDULED]

    shop.clock.forward(days=3)

    assert [one.state for one in shop.paid(shop.clock())] == [Paid.PAID]
    shop.clock.forward(days=40)
    assert shop.paid(shop.clock()) == []


def test_a_payout_that_failed_is_in_the_next_one(shop):
    shop.buys("SKU-1")
    [first] = shop.simulator.settle({})
    held = shop.held(shop.paid()[0])
    shop.simulator.settle({"fail": first["id"]})
    shop.clock.forward(days=1)
    assert [(one.occasion, one.amount.text()) for one in shop.open()] == [(Occasion.TRANSFER, first["amount"])]
    shop.buys("SKU-2")
    shop.simulator.settle({})

    failed, again = shop.paid()

    assert (failed.state, failed.words) == (Paid.FAILED, "the bank declined it")
    assert shop.held(failed) == held
    [back, sale] = shop.held(again)
    assert (back.occasion, back.amount, back.sum_of(Leaf.BANK)) == (Occasion.TRANSFER, failed.amount, failed.amount)
    assert again.amount == failed.amount + sale.amount


def test_what_is_taken_from_the_bank_is_below_zero(shop):
    shop.line("ADJUSTMENT", "-12.50", reason="dispute of last year")
    shop.simulator.settle({})

    [payout] = shop.paid()

    assert payout.amount == Money(-1250, "USD") == summed(shop.held(payout))


def test_each_currency_has_its_own_payout(shop):
    shop.buys()
    shop.line("CHARGE", "10.00", fee="0.59", currency="EUR")
    shop.simulator.settle({})

    told = {one.amount.currency: one for one in shop.paid()}

    assert set(told) == {"USD", "EUR"}
    assert all(summed(shop.held(one), currency) == one.amount for currency, one in told.items())


def test_a_payout_of_days_ago_stands_where_it_belongs(shop):
    later, earlier = shop.buys("SKU-1"), None
    shop.simulator.settle({})
    with _then(shop.world, {"days_ago": 1}):
        earlier = shop.buys("SKU-2")
        shop.simulator.settle({})

    assert [shop.held(payout)[0].order for payout in shop.paid()] == [earlier, later]


def test_an_empty_balance_makes_no_payout(shop):
    assert shop.simulator.settle({}) == shop.paid() == []


def test_what_needs_somebody_before_it_is_paid_out_is_deferred():
    told = a_line(associatedPayout={"id": None, "status": "ACTION_REQUIRED"})

    [line] = paid_out.waiting(paid_out.lines([told]))

    assert paid_out.movement(line, {}).deferred


# ---- differences that are put in


@pytest.mark.parametrize("plant", PLANTS)
def test_a_planted_difference_can_be_seen_in_what_is_read(shop, plant):
    order = shop.buys("SKU-3")
    shop.act(order, "refund", quantity=1)
    other = shop.buys("SKU-5")
    before = {one.id: one for one in shop.open()}
    told = shop.simulator.settle({"plant": plant})
    held = [one for payout in shop.paid() for one in shop.held(payout)]
    of_it = [one for one in held if one.order == order]
    sold = next(one for one in shop.read(order).payments or () if one.kind == "sale").amount
    sums = {payout.id: payout.amount - summed(shop.held(payout), payout.amount.currency) for payout in shop.paid()}

    seen = {
        "fee": before[of_it[0].id].fees - of_it[0].fees == Money(1, "USD") if plant == "fee" else False,
        "refund_missing": len(of_it) == 1,
        "twice": [one.gross for one in of_it if one.occasion is Occasion.SALE] == [sold, sold],
        "currency": "EUR" in {one.amount.currency for one in of_it},
        "cent": of_it[0].gross + Money(1, of_it[0].amount.currency) == sold if plant == "cent" else False,
        "sum": any(sums.values()),
    }
    assert [what for what, is_so in seen.items() if is_so] == [plant]
    assert [one["planted"] for one in told if one["planted"]] == [{"what": plant, "order": None if plant == "sum" else order}]
    assert all(not one.gap for one in held)
    assert [one.gross for one in held if one.order == other] == [shop.read(other).total]


def test_a_rehearsal_may_plant_where_it_can_and_else_pays_out_as_it_is(shop):
    shop.buys("SKU-5")
    order = shop.buys("SKU-3")
    wish = {"plant": "cent", "among": [order]}
    assert [one["planted"] for one in shop.simulator.settle(wish)] == [{"what": "cent", "order": order}]
    assert shop.simulator.settle(wish) == []


def test_what_cannot_be_planted_is_refused_and_nothing_is_paid_out(shop):
    shop.buys()

    for wish in ({"plant": "refund_missing"}, {"plant": "typo"}, {"state": "LOST"}, {"fail": "77"}):
        with pytest.raises(Exception, match=r"there is no refund|one of|no payout"):
            shop.simulator.settle(wish)

    assert shop.paid() == []


def test_the_simulator_pays_out(shop):
    assert isinstance(shop.simulator, Settles)
    assert shop.simulator.payouts() == []


def test_a_simulator_that_is_taken_up_again_has_the_same_balance(shop):
    shop.buys()
    shop.simulator.settle({})
    again = Shop()
    again.simulator.state.update(json.loads(json.dumps(shop.simulator.state)))

    assert again.simulator.payouts() == shop.simulator.payouts()
    assert summed(again.held(again.paid()[0])) == again.paid()[0].amount


# ---- a shop without it, and one that does not let us


def test_a_shop_without_shopify_payments_has_nothing_to_tell():
    shop = Shop()
    shop.simulator.befall("payments", {"on": False})
    order = shop.buys()

    assert shop.paid() == shop.open() == []
    assert shop.held(Payout("1", Paid.PAID, START, Money(1, "USD"))) == []
    assert [one.gateway for one in shop.read(order).payments or ()] == ["shopify_payments"]


@pytest.mark.parametrize("lacks", ["read_shopify_payments_accounts", "read_shopify_payments_payouts"])
def test_a_shop_that_did_not_grant_it_says_so_and_goes_on_otherwise(shop, lacks):
    shop.buys()
    shop.simulator.state["scopes"].remove(lacks)

    for ask in (shop.paid, shop.open):
        with pytest.raises(Refused) as caught:
            ask()
        assert caught.value.facts["code"] == "ACCESS_DENIED"
    assert shop.channel.probe().currency == "USD"


@pytest.mark.parametrize(
    ("kind", "error"),
    [("500", Unavailable), ("html", Unavailable), ("cut_before", Unavailable), ("cut_after", Unavailable), ("429", RateLimited)],
)
@pytest.mark.parametrize("call", ["Payouts", "Movements", "Charges"])
def test_a_read_that_fails_may_be_asked_again(shop, call, kind, error):
    shop.buys()
    shop.simulator.settle({})
    payout = shop.paid()[0]
    whole = shop.held(payout)
    shop.break_(kind, call)

    with pytest.raises(error):
        shop.paid()
        shop.held(payout)

    assert (shop.paid(), shop.held(payout)) == ([payout], whole)


def test_a_login_that_is_lost_says_so(shop):
    shop.break_("401", "Payouts", times=2)

    with pytest.raises(AccessLost):
        shop.paid()


def test_a_payout_of_many_lines_stays_within_the_vendors_limits():
    shop = Shop(limits="vendor", products=120)
    for n in range(120):
        shop.simulator.place({"lines": [{"sku": f"SKU-{n}", "quantity": 1}], "plain": True, "payment": "paid"})
    shop.simulator.settle({})

    [payout] = shop.paid()
    held = shop.held(payout)

    assert (len(held), summed(held)) == (120, payout.amount)


@pytest.mark.parametrize(
    ("document", "variables", "most"),
    [(documents.PAYOUTS, {}, 250), (documents.MOVEMENTS, {}, 750), (documents.CHARGES, {"charges": ["gid"] * 100}, 950)],
)
def test_a_page_costs_less_than_one_query_may(document, variables, most):
    parsed, errors = read(VERSIONS[-1], document)
    assert parsed is not None and errors == ()
    chosen = operation(parsed, None)
    assert chosen is not None

    assert 100 < cost(parsed, chosen, variables) <= most < ONE_QUERY


# ---- the examples

EXAMPLES = Path(paid_out.__file__).parent / "examples" / "payouts"


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.in.json")), ids=lambda path: path.name)
def test_an_example_becomes_what_it_must(path):
    told = read_json(path.read_bytes())
    payout, known = paid_out.payout(told["payout"]), paid_out.by_number(told["charges"])
    held = [paid_out.movement(line, known) for line in paid_out.held_by(paid_out.lines(told["lines"]), payout.id)]

    made = {"payout": plain(payout), "movements": [plain(one) for one in held]}

    assert made == json.loads(path.with_name(path.name.replace(".in.", ".out.")).read_text("utf-8"))
    assert summed(held, payout.amount.currency) == payout.amount


def plain(value: Any) -> Any:
    """A value of the domain as JSON, without what it does not say."""
    match value:
        case Money():
            return f"{value.text()} {value.currency}"
        case datetime():
            return value.isoformat()
        case Part():
            return [plain(value.leaf), plain(value.amount), value.label]
        case tuple():
            return [plain(one) for one in value]
        case Payout() | Movement():
            told = {one.name: plain(getattr(value, one.name)) for one in dataclasses.fields(value)}
            return {name: one for name, one in told.items() if one}
    return value


# ---- line by line


def cash(amount: str, currency: str = "USD") -> dict[str, str]:
    return {"amount": amount, "currencyCode": currency}


def a_line(kind: str = "CHARGE", amount: str = "20.0", fee: str = "0.88", **different: Any) -> dict[str, Any]:
    net = Money.parse(amount, "USD") - Money.parse(fee, "USD")
    return {
        "id": "gid://shopify/ShopifyPaymentsBalanceTransaction/7001",
        "type": kind,
        "test": False,
        "transactionDate": "2026-11-20T09:30:00Z",
        "sourceType": None,
        "sourceOrderTransactionId": "5501",
        "adjustmentReason": None,
        "amount": cash(amount),
        "fee": cash(fee),
        "net": cash(net.text()),
        "associatedOrder": {"id": "gid://shopify/Order/450789469"},
        "associatedPayout": {"id": "gid://shopify/ShopifyPaymentsPayout/31", "status": "PAID"},
        "adjustmentsOrders": [],
        **different,
    }


def a_payout(**different: Any) -> dict[str, Any]:
    return {
        "id": "gid://shopify/ShopifyPaymentsPayout/31",
        "issuedAt": "2026-11-20T04:00:00Z",
        "status": "PAID",
        "transactionType": "DEPOSIT",
        "externalTraceId": "TRACE-31",
        "net": cash("19.12"),
        **different,
    }


def moved(told: dict[str, Any], *charges: dict[str, Any]) -> Movement:
    [line] = paid_out.lines([told])
    return paid_out.movement(line, paid_out.by_number(charges))


@pytest.mark.parametrize("kind", sorted(schema().type_map["ShopifyPaymentsTransactionType"].values))  # type: ignore[attr-defined]
def test_every_type_is_told_whole(kind):
    if kind == paid_out.OWN:
        assert paid_out.lines([a_line(kind)]) == []
        return
    one = moved(a_line(kind, "-31.40", "1.15"))

    assert not one.gap
    assert one.label == kind
    assert (one.occasion is Occasion.UNKNOWN) == (kind not in paid_out.TYPES) == (one.sum_of(Leaf.UNKNOWN) == one.amount)


@pytest.mark.parametrize(
    ("kind", "occasion", "leaf"),
    [
        ("CHARGE", Occasion.SALE, Leaf.BUYER),
        ("REFUND", Occasion.REFUND, Leaf.BUYER),
        ("REFUND_FAILURE", Occasion.REFUND, Leaf.BUYER),
        ("DISPUTE_WITHDRAWAL", Occasion.CHARGEBACK, Leaf.CHARGEBACK),
        ("DISPUTE_REVERSAL", Occasion.CHARGEBACK_WON, Leaf.CHARGEBACK),
        ("CHARGEBACK_FEE", Occasion.FEE, Leaf.PAYMENT_FEE),
        ("RESERVED_FUNDS", Occasion.RESERVE, Leaf.RESERVE),
        ("RESERVED_FUNDS_REVERSAL", Occasion.RESERVE, Leaf.RESERVE),
        ("ADJUSTMENT", Occasion.ADJUSTMENT, Leaf.ADJUSTMENT),
        ("SHIPPING_LABEL", Occasion.POSTAGE, Leaf.SHIPPING_FEE),
        ("SHIPPING_LABEL_ADJUSTMENT_SURCHARGE", Occasion.POSTAGE, Leaf.SHIPPING_FEE),
        ("TRANSFER_FAILURE", Occasion.TRANSFER, Leaf.BANK),
        ("TRANSFER_CANCEL", Occasion.TRANSFER, Leaf.BANK),
        ("LENDING_CAPITAL_REMITTANCE", Occasion.ADJUSTMENT, Leaf.LOAN),
        ("BILLING_DEBIT", Occasion.FEE, Leaf.SUBSCRIPTION),
        ("VAT_REFUND_CREDIT", Occasion.FEE, Leaf.FEE_TAX),
        ("SHOPIFY_COLLECTIVE_DEBIT", Occasion.UNKNOWN, Leaf.UNKNOWN),
        ("SOMETHING_OF_2028", Occasion.UNKNOWN, Leaf.UNKNOWN),
    ],
)
def test_a_type_says_why_and_what_for(kind, occasion, leaf):
    one = moved(a_line(kind, "-31.40", "0.0"))

    assert (one.occasion, one.parts[0].leaf, one.sum_of(leaf)) == (occasion, leaf, Money(-3140, "USD"))


def test_every_type_that_we_know_is_one_of_shopifys():
    theirs = schema().type_map["ShopifyPaymentsTransactionType"].values  # type: ignore[attr-defined]

    assert set(paid_out.TYPES) <= set(theirs)


def test_an_adjustment_for_a_dispute_is_one():
    lost, won = (moved(a_line("ADJUSTMENT", amount, "0.0", sourceType="DISPUTE")) for amount in ("-20.0", "20.0"))

    assert (lost.occasion, won.occasion) == (Occasion.CHARGEBACK, Occasion.CHARGEBACK_WON)
    assert lost.sum_of(Leaf.CHARGEBACK) == Money(-2000, "USD")


def test_an_adjustment_says_its_reason_and_what_it_settles():
    one = moved(a_line("ADJUSTMENT", sourceOrderTransactionId=None, adjustmentReason="goodwill",
                       adjustmentsOrders=[{"orderTransactionId": "88"}, {"orderTransactionId": 89}], associatedOrder=None))  # fmt: skip

    assert (one.parts[0].label, one.refers, one.order) == ("goodwill", ("88", "89"), None)


def test_what_does_not_explain_the_net_is_a_gap():
    assert moved(a_line(net=cash("19.00"))).gap == Money(-12, "USD")


@pytest.mark.parametrize(
    ("fees", "tax"),
    [
        ([("0.74", "0.14")], 14),
        ([("0.50", "0.10"), ("0.24", "0.04")], 14),
        ([("0.88", "0.14")], 0),
        ([("0.88", "0.00")], 0),
        ([], 0),
    ],
)
def test_the_tax_in_a_fee_is_believed_where_it_makes_up_the_fee(fees, tax):
    one = moved(a_line(), a_charge(fees=[{"amount": cash(fee), "taxAmount": cash(part)} for fee, part in fees]))

    assert one.sum_of(Leaf.FEE_TAX) == Money(-tax, "USD")
    assert one.fees == Money(-88, "USD")


@pytest.mark.parametrize(("amount", "tax"), [(cash("0.74", "EUR"), cash("0.14", "EUR")), (cash("0.7395"), cash("0.1405"))])
def test_a_fee_in_another_currency_or_in_fractions_of_a_cent_says_nothing_of_its_tax(amount, tax):
    one = moved(a_line(), a_charge(fees=[{"amount": amount, "taxAmount": tax}]))

    assert (one.sum_of(Leaf.FEE_TAX), one.sum_of(Leaf.PAYMENT_FEE)) == (Money(0, "USD"), Money(-88, "USD"))


def a_charge(**different: Any) -> dict[str, Any]:
    bag = {"shopMoney": cash("20.0"), "presentmentMoney": cash("18.5", "EUR")}
    return {"__typename": "OrderTransaction", "id": "gid://shopify/OrderTransaction/5501", "amountSet": bag, "fees": [], **different}


def test_what_the_buyer_got_back_is_below_zero():
    assert moved(a_line("REFUND", "-20.0", "0.0"), a_charge()).bought == Money(-1850, "EUR")


def test_a_test_payment_is_no_money():
    assert paid_out.lines([a_line(test=True)]) == []


def test_lines_of_other_payouts_are_left_out_if_shopify_ever_tells_them():
    other = a_line(associatedPayout={"id": "gid://shopify/ShopifyPaymentsPayout/32", "status": "PAID"})

    assert len(paid_out.held_by(paid_out.lines([a_line(), other]), "31")) == 1


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("SCHEDULED", Paid.SCHEDULED),
        ("IN_TRANSIT", Paid.ON_ITS_WAY),
        ("PAID", Paid.PAID),
        ("FAILED", Paid.FAILED),
        ("CANCELED", Paid.FAILED),
        ("SLEEPING", Paid.UNKNOWN),
    ],
)
def test_a_payouts_state(word, state):
    told = paid_out.payout(a_payout(status=word))

    assert told.state is state
    assert bool(told.words) == (word in ("FAILED", "CANCELED", "SLEEPING"))
    assert (told.state in CLOSED) == (word != "SLEEPING")


@pytest.mark.parametrize(("said", "read_as"), [("12.5", -1250), ("-12.5", -1250)])
def test_a_withdrawal_is_below_zero_however_it_is_told(said, read_as):
    assert paid_out.payout(a_payout(transactionType="WITHDRAWAL", net=cash(said))).amount == Money(read_as, "USD")


def test_a_payout_without_a_trace_has_no_number():
    assert paid_out.payout(a_payout(externalTraceId=None)).number == ""


def test_yen_and_dinars_have_their_own_places():
    assert paid_out.payout(a_payout(net=cash("1912", "JPY"))).amount == Money(1912, "JPY")
    assert paid_out.payout(a_payout(net=cash("1.912", "KWD"))).amount == Money(1912, "KWD")


PAYOUT_NEEDS = ("id", "issuedAt", "status", "transactionType", "net")
LINE_NEEDS = ("id", "type", "transactionDate", "amount", "fee", "net", "associatedPayout")


@pytest.mark.parametrize("field", PAYOUT_NEEDS)
@pytest.mark.parametrize("wrong", ["missing", None, [], 7, "not so"])
def test_a_payout_that_cannot_be_read_is_refused(field, wrong):
    told = a_payout() | {field: wrong}
    if wrong == "missing":
        del told[field]
    if field in ("status", "transactionType") and wrong == "not so":
        return  # any word may come

    with pytest.raises(BadPayload):
        paid_out.payout(told)


@pytest.mark.parametrize("field", LINE_NEEDS)
@pytest.mark.parametrize("wrong", ["missing", None, [], 7, "not so"])
def test_a_line_that_cannot_be_read_is_refused(field, wrong):
    told = a_line() | {field: wrong}
    if wrong == "missing":
        del told[field]
    if field == "type" and wrong == "not so":
        return

    with pytest.raises(BadPayload):
        moved(told)


@pytest.mark.parametrize("amounts", [{"fee": cash("0.88", "EUR")}, {"amount": cash("20.001")}, {"net": cash("1", "usd")}])
def test_money_that_makes_no_sense_is_refused(amounts):
    with pytest.raises(BadPayload):
        moved(a_line() | amounts)


def test_a_number_beyond_what_javascript_holds_stays_as_it_is():
    big = "9007199254740993"
    told = moved(a_line(sourceOrderTransactionId=int(big), associatedOrder={"id": f"gid://shopify/Order/{big}"}))

    assert (told.refers, told.order) == ((big,), big)


@given(st.integers(1, 10**9), st.sampled_from(["USD", "JPY", "KWD"]))
def test_a_fee_is_whole_and_close_to_its_rate(minor, currency):
    fee = fee_of(Money(minor, currency))
    flat = 3 * 10 ** places(currency) // 10

    assert abs(1000 * (fee.minor - flat) - 29 * minor) <= 500


@given(st.lists(st.tuples(st.sampled_from(sorted(paid_out.TYPES)), st.integers(-(10**7), 10**7), st.integers(-500, 500)), max_size=8))
def test_parts_always_make_up_the_amount(told):
    for kind, amount, fee in told:
        for line in paid_out.lines([a_line(kind, Money(amount, "USD").text(), Money(fee, "USD").text())]):
            assert not paid_out.movement(line, {}).gap


# ---- the vendor's own contract


@lru_cache(2)
def scopes_of(version: str) -> dict[tuple[str, str | None], list[str]]:
    """Which scopes each type, and each field, wants one of."""
    path = contracts() / "shopify" / "graphql" / f"admin_{version}.json.gz"
    items = json.loads(gzip.decompress(path.read_bytes()))["offline_scopes"]["items"]
    return {(one["typeName"], one.get("fieldName")): one["offlineScopes"] for one in items if one["offlineScopes"]}


@pytest.mark.contracts
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("document", documents.ALL, ids=lambda text: text.split("(")[0].split("{")[0])
def test_every_document_is_covered_by_our_scopes(document, version):
    """Each type and field that wants scopes finds one of them among ours; what only a merchant may grant besides is left out."""
    theirs = full_schema(version)
    if theirs is None:
        pytest.skip("the vendors' contracts are not here")
    wanted = scopes_of(version)
    info, asked = TypeInfo(theirs), set()

    class Reads(Visitor):
        def enter_field(self, *_: Any) -> None:
            at, field, kind = info.get_parent_type(), info.get_field_def(), info.get_type()
            assert at is not None and kind is not None
            asked.add((at.name, None))
            asked.add((get_named_type(kind).name, None))
            asked.update((at.name, name) for name, one in getattr(at, "fields", {}).items() if one is field)

    visit(parse(document), TypeInfoVisitor(info, Reads()))

    lacking = {one: wanted[one] for one in asked & set(wanted) if not set(wanted[one]) & {*SCOPES, "write_products"}}
    assert lacking == {}
