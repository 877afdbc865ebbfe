"""What is booked stands in the ledger once: gathered as the merchant chose, found again after a lost answer, blocked with a reason."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from random import Random

import pytest

from connectors.bogus import paying
from connectors.bogus.ledger import BogusBooks, manifest
from core.domain.billing import Bill, BillLine, What
from core.domain.ledgers import DocKind, Document, Tag, TaxCode
from core.domain.money import Money
from core.domain.payouts import Leaf, Part
from core.domain.rates import Rate
from core.errors import OutcomeUnknown, RateLimited, Unavailable
from core.flows import books, posting
from core.flows import connections as flows
from core.ports import Paying
from core.store import billing, documents, people, rates
from core.store.connections import Connection
from core.store.sql import run
from tests.conftest import START, House
from tests.flows import books as rows
from tests.flows.depot import ANN
from tests.flows.marks import on_sqlite
from tests.flows.test_books import changed, give_back, paid_out, sold

TODAY = START.date()
DAY = timedelta(days=1)


@pytest.fixture
def system() -> BogusBooks:
    return BogusBooks()


@pytest.fixture
def shop(house: House, system: BogusBooks) -> House:
    house.shelve(A=100, B=100)
    house.hub.connectors = {**house.hub.connectors, "bogus_books": manifest(system)}
    books.begin(house.hub, house.merchant.id, TODAY - 30 * DAY, ANN)
    ledger = flows.connect(house.hub, house.merchant.id, "bogus_books", "north-books", {})
    posting.choose(house.hub, house.merchant.id, ledger, ANN, starts=TODAY - 30 * DAY, chosen={house.connection.id: "daily"})
    house.drain()
    return house


def _ledger(shop: House) -> Connection:
    return shop.hub.connection(str(rows.one(shop.hub, "select id from connections where role = 'ledger'")))


def night(shop: House) -> None:
    """The next day: what was booked is gathered and written."""
    shop.clock.pass_(DAY)
    gather(shop)


def gather(shop: House) -> None:
    shop.ask("gather_documents", connection=_ledger(shop))
    shop.drain()


def lines(system: BogusBooks) -> list[dict[str, str]]:
    """What each document says, by the name of the account's line."""
    return [{line.text.split(" bogus")[0]: line.amount.text() for line in one.document.lines} for one in system.documents]


def states(shop: House) -> list[str]:
    return [state for (state,) in rows.rows(shop.hub, "select state from documents order by wanted_at, id")]


def test_a_day_of_sales_becomes_one_journal(shop, system):
    for _ in range(3):
        sold(shop, A=2)

    night(shop)

    assert lines(system) == [{"Clearing": "60.00", "Sales": "-60.00"}]
    assert [one.document.on for one in system.documents] == [TODAY]
    assert states(shop) == ["posted"]


def test_what_happened_today_is_not_written_before_the_day_is_over(shop, system):
    sold(shop)
    gather(shop)

    assert system.documents == []


def test_what_is_gathered_again_is_written_once(shop, system):
    sold(shop)
    night(shop)
    for _ in range(3):
        gather(shop)

    assert len(system.documents) == 1


def test_what_turns_out_otherwise_later_is_a_document_of_its_own(shop, system):
    number = sold(shop, A=2)
    night(shop)
    give_back(shop, number)
    shop.poll()
    night(shop)

    assert lines(system) == [{"Clearing": "20.00", "Sales": "-20.00"}, {"Clearing": "-10.00", "Returns and cancellations": "10.00"}]


def test_a_payout_is_a_transfer_to_the_bank_beside_its_fees(shop, system):
    sold(shop, A=2)
    paid_out(shop)
    night(shop)

    kinds = [one.document.kind for one in system.documents]
    [transfer] = [one.document for one in system.documents if one.document.kind is DocKind.TRANSFER]
    assert sorted(kinds) == [DocKind.JOURNAL, DocKind.TRANSFER]
    assert (transfer.total.text(), transfer.into, transfer.out_of) == ("19.10", "1000", "1001")
    assert {"Clearing": "19.10", "Sales": "-20.00", "Selling fees": "0.90"} in lines(system)


def test_per_payout_an_order_waits_for_the_payout_that_settles_it(shop, system):
    posting.choose(shop.hub, shop.merchant.id, _ledger(shop), ANN, starts=TODAY - 30 * DAY, chosen={shop.connection.id: "per_payout"})
    sold(shop)
    night(shop)
    before = len(system.documents)
    paid_out(shop)
    night(shop)

    assert before == 0
    assert {"Clearing": "19.10", "Sales": "-20.00", "Selling fees": "0.90"} in lines(system)


def test_a_payout_that_spans_two_months_is_split_at_the_months_end(shop, system):
    posting.choose(shop.hub, shop.merchant.id, _ledger(shop), ANN, starts=TODAY - 30 * DAY, chosen={shop.connection.id: "per_payout"})
    sold(shop)
    shop.clock.pass_(10 * DAY)
    sold(shop)
    paid_out(shop)
    night(shop)

    journals = [one.document for one in system.documents if one.document.kind is DocKind.JOURNAL]
    assert sorted(one.on for one in journals) == [TODAY, TODAY + 10 * DAY]


def test_nothing_is_written_before_somebody_said_from_which_day(house, system):
    house.shelve(A=10)
    house.hub.connectors = {**house.hub.connectors, "bogus_books": manifest(system)}
    books.begin(house.hub, house.merchant.id, TODAY - 30 * DAY, ANN)
    flows.connect(house.hub, house.merchant.id, "bogus_books", "north-books", {})
    sold(house)
    night(house)

    assert system.documents == []


def test_what_was_booked_before_that_day_is_never_written(shop, system):
    posting.choose(shop.hub, shop.merchant.id, _ledger(shop), ANN, starts=TODAY + DAY, chosen={shop.connection.id: "daily"})
    sold(shop)
    night(shop)

    assert system.documents == []


@pytest.mark.parametrize("after", [False, True], ids=["before the work", "after the work"])
@pytest.mark.parametrize(
    "error", [OutcomeUnknown("lost"), Unavailable("away"), RateLimited("slow down")], ids=lambda one: type(one).__name__
)
def test_an_answer_that_is_lost_leaves_one_document(shop, system, error, after):
    """Failure: invoices were posted twice."""
    sold(shop)
    system.next("post", error, after_the_work=after)
    night(shop)
    for _ in range(4):
        shop.clock.pass_(timedelta(minutes=10))
        shop.drain()

    assert len(system.documents) == 1
    assert states(shop) == ["posted"]


def test_a_closed_period_blocks_with_the_ledgers_words_until_somebody_names_another_day(shop, system):
    system.closed = TODAY
    sold(shop)
    night(shop)
    id = str(rows.one(shop.hub, "select id from documents"))
    with shop.hub.database.read() as db:
        kept = documents.one(db, shop.merchant.id, id, shop.hub.box(shop.merchant.id))
    assert kept and (kept.state, kept.why, kept.words) == ("blocked", "closed", "The account period has closed.")

    posting.again(shop.hub, shop.merchant.id, id, ANN, on=TODAY + DAY)
    shop.drain()

    assert [one.document.on for one in system.documents] == [TODAY + DAY]
    assert states(shop) == ["posted"]


def test_an_account_that_is_retired_blocks_and_says_so(shop, system):
    system.retired = {"1002"}
    sold(shop)
    night(shop)

    assert rows.rows(shop.hub, "select state, why from documents") == [("blocked", "account")]


def test_entries_wait_for_an_account_that_nobody_mapped_and_go_once_somebody_did(shop, system):
    unknown = "bogus has no account like it"
    sold(shop)
    paid_out(shop, but=lambda one: changed(one, gross=-1, parts=(*one.parts, Part(Leaf.LOAN, Money(1, "USD"), unknown))))
    night(shop)
    with shop.hub.unit() as work:
        missing = list(posting.look(shop.hub, work.db, _ledger(shop)).missing)
    before = [one.document.kind for one in system.documents]

    posting.map_accounts(shop.hub, shop.merchant.id, _ledger(shop), ANN, {"loan": "1006"})
    shop.drain()

    assert (missing, before) == (["loan"], [DocKind.TRANSFER])
    assert any("Loan of the channel" in one for one in lines(system))


def test_what_somebody_changes_there_is_seen_and_never_overwritten(shop, system):
    sold(shop)
    night(shop)
    number = system.documents[0].document.number
    system.tamper(number)

    shop.ask("read_changes", connection=_ledger(shop))
    shop.drain()
    gather(shop)

    with shop.hub.database.read() as db:
        [kept] = documents.listed(db, shop.merchant.id, "posted", shop.hub.box(shop.merchant.id))
    assert kept.is_changed and not kept.gone
    assert len(system.documents) == 1


def test_a_ledger_that_tells_of_each_document_is_not_asked_each_time(shop, system):
    shop.ask("read_changes", connection=_ledger(shop))
    shop.drain()
    before = len([what for what, _ in system.calls if what == "changed"])

    for _ in range(5):
        shop.ask("read_changes", connection=_ledger(shop))
        shop.drain()
    at_once = len([what for what, _ in system.calls if what == "changed"]) - before
    shop.clock.pass_(timedelta(minutes=11))
    shop.drain()

    assert at_once == 0
    assert len([what for what, _ in system.calls if what == "changed"]) == before + 1


# ---- order by order


def per_order(shop: House, **different: object) -> None:
    posting.choose(
        shop.hub, shop.merchant.id, _ledger(shop), ANN, starts=TODAY - 30 * DAY, chosen={shop.connection.id: "per_order"}, **different
    )
    shop.drain()


def written(system: BogusBooks) -> list[tuple[str, str]]:
    return [(one.document.kind.value, one.document.total.text()) for one in system.documents]


def test_an_order_that_is_paid_is_a_receipt_and_its_refund_a_refund(shop, system):
    per_order(shop)
    number = sold(shop, A=2)
    night(shop)
    give_back(shop, number)
    shop.poll()
    night(shop)

    assert written(system) == [("receipt", "20.00"), ("refund", "10.00")]
    assert [(one.document.into, one.document.out_of) for one in system.documents] == [("1001", ""), ("", "1001")]


def test_a_ledger_without_receipts_has_an_invoice_and_then_its_payment(shop, system):
    kinds = frozenset(DocKind) - {DocKind.RECEIPT, DocKind.REFUND}
    system.kinds = kinds
    shop.hub.connectors = {**shop.hub.connectors, "bogus_books": manifest(system)}
    per_order(shop)
    sold(shop, A=2)
    night(shop)

    kept = rows.rows(shop.hub, "select kind, state, after is null from documents order by revision")
    assert [kind for kind, *_ in kept] == ["invoice", "payment"]
    assert {state for _, state, _ in kept} == {"posted"}


# ---- tax codes

CODES = (
    TaxCode("S20", "Sales", Decimal(20), purchases=False, country="GB"), TaxCode("S25", "Sales, more", Decimal(25), purchases=False),
    TaxCode("Z", "Nothing", Decimal(0), purchases=False), TaxCode("OUT", "Outside", Decimal(0)),
)  # fmt: skip


def british(shop: House, system: BogusBooks) -> None:
    """Books with tax codes, into which each order is written."""
    system.country, system.codes, system.marks = "GB", CODES, (Tag("region", "Region", "north", "North"),)
    per_order(shop)


def taxed(shop: House, tax: str = "4.00") -> str:
    """An order of 20.00 and this tax on top, of which its channel tells no rate."""
    document = shop.bogus.sell({"A": 2})
    [line] = document["lines"]
    shop.bogus.change(document["id"], lines=[{**line, "tax": tax}], total=str(Decimal(20) + Decimal(tax)))
    shop.poll()
    return str(document["id"])


def shelf(shop: House) -> posting.Shelf:
    with shop.hub.database.read() as db:
        return posting.look(shop.hub, db, _ledger(shop))


def choose_code(shop: House, code: str, **more: str) -> None:
    found = shelf(shop)
    named = [one for one in found.taxations if one.startswith("seller")]
    posting.map_accounts(shop.hub, shop.merchant.id, _ledger(shop), ANN, {**{f"tax||{one}": code for one in named}, **more})
    shop.drain()


def test_what_is_taxed_in_a_way_that_nobody_named_waits_and_is_written_once_somebody_did(shop, system):
    british(shop, system)
    taxed(shop)
    night(shop)
    assert (system.documents, [one.split("|")[0] for one in shelf(shop).untaxed]) == ([], ["seller"])

    choose_code(shop, "S20")

    [one] = [held.document for held in system.documents]
    assert (one.kind, one.total.text(), one.tax.text()) == (DocKind.RECEIPT, "24.00", "4.00")
    assert [(line.tax_code, line.amount.text()) for line in one.lines] == [("S20", "20.00")]
    assert shelf(shop).untaxed == []


def test_tax_that_is_not_what_its_code_makes_of_it_stops_the_document_until_the_right_code_is_chosen(shop, system):
    """Discount, tax or rounding whose total is not the channel's."""
    british(shop, system)
    taxed(shop, tax="5.00")
    night(shop)
    choose_code(shop, "S20")
    assert (system.documents, rows.rows(shop.hub, "select state, why from documents")) == ([], [("blocked", "tax")])

    choose_code(shop, "S25")

    assert [(one.document.total.text(), one.document.tax.text()) for one in system.documents] == [("25.00", "5.00")]


@on_sqlite
@pytest.mark.parametrize(
    ("count", "off", "state"), [(1, 1, "posted"), (1, 2, "blocked"), (3, 3, "posted"), (3, 4, "blocked"), (7, 6, "blocked")]
)
def test_a_cent_a_line_and_five_an_order_are_written_as_charged_and_one_more_is_not(shop, system, count, off, state):
    british(shop, system)
    taxes = [200 * count + off - 200 * (count - 1), *[200] * (count - 1)]
    sell(shop, *[{"gross": "10.00", "tax": f"{one / 100}"} for one in taxes], total=f"{(1200 * count + off) / 100}")
    night(shop)
    choose_code(shop, "S20")

    assert states(shop) == [state]
    assert shelf(shop).rounded == (off if state == "posted" else 0)


def test_lines_of_a_channel_are_marked_as_its_merchant_chose(shop, system):
    british(shop, system)
    taxed(shop)
    night(shop)
    choose_code(shop, "S20", **{f"tag|{shop.connection.id}|region": "north"})

    assert {tag.name for held in system.documents for line in held.document.lines for tag in line.tags} == {"North"}


def test_more_orders_a_month_than_a_ledger_takes_one_by_one_are_refused_with_both_numbers(shop, system):
    known = shop.hub.connectors["bogus_books"]
    shop.hub.connectors = {**shop.hub.connectors, "bogus_books": replace(known, keeps=replace(known.keeps, most_orders=2))}
    for _ in range(3):
        sold(shop)

    with pytest.raises(posting.TooMany) as refused:
        per_order(shop)

    assert refused.value.facts == {"orders": 3, "most": 2}


def test_nothing_is_written_in_two_modes_when_the_mode_is_switched(shop, system):
    sold(shop, A=2)
    per_order(shop, switch_on=TODAY + DAY)
    night(shop)
    sold(shop, A=1)
    night(shop)
    posting.choose(shop.hub, shop.merchant.id, _ledger(shop), ANN, starts=TODAY - 30 * DAY, chosen={shop.connection.id: "daily"})
    night(shop)

    assert written(system) == [("journal", "20.00"), ("receipt", "10.00")]


# ---- what went wrong elsewhere


def sell(shop: House, *lines: dict[str, str], total: str, **different: object) -> str:
    """A paid order of these lines, each two units of A; what is not told of one is as usual."""
    document = shop.bogus.sell({"A": 2})
    [plain] = document["lines"]
    made = [{**plain, "id": str(n), **line} for n, line in enumerate(lines, 1)]
    shop.bogus.change(document["id"], lines=made, total=total, **different)
    shop.poll()
    return str(document["id"])


def without_receipts(shop: House, system: BogusBooks) -> None:
    """As Xero is."""
    system.kinds = frozenset(DocKind) - {DocKind.RECEIPT, DocKind.REFUND}
    shop.hub.connectors = {**shop.hub.connectors, "bogus_books": manifest(system)}
    per_order(shop)


@pytest.mark.parametrize("mode", ["per_order", "daily"])
@pytest.mark.parametrize("seed", range(4))
def test_invoices_posted_twice_to_quickbooks(shop, system, mode, seed):
    """Answers are lost before and after the work, notices come again, and everything is gathered again in between."""
    chance = Random(f"{mode} {seed}")
    posting.choose(shop.hub, shop.merchant.id, _ledger(shop), ANN, starts=TODAY - 30 * DAY, chosen={shop.connection.id: mode})
    for _ in range(3):
        sold(shop)
    for _ in range(3):
        system.next(chance.choice(["post", "find"]), chance.choice([OutcomeUnknown("lost"), Unavailable("away")]), after_the_work=True)
    night(shop)
    for _ in range(6):
        shop.clock.pass_(timedelta(minutes=20))
        gather(shop)

    assert written(system) == ([("receipt", "20.00")] * 3 if mode == "per_order" else [("journal", "60.00")])
    assert set(states(shop)) == {"posted"}


def test_returns_missing_in_xero(shop, system):
    without_receipts(shop, system)
    number = sold(shop, A=2)
    night(shop)
    give_back(shop, number)
    shop.poll()
    night(shop)

    assert written(system) == [("invoice", "20.00"), ("payment", "20.00"), ("credit", "10.00"), ("repayment", "10.00")]
    credit, repayment = [one for one in system.documents if one.document.kind in (DocKind.CREDIT, DocKind.REPAYMENT)]
    assert repayment.document.of == credit.posted.id


def test_xero_rounds_tax_per_line(shop, system):
    """Each line's tax is rounded for itself: 20 % of 3.33 is 0.67 three times, and 2.00 of the sum."""
    british(shop, system)
    without_receipts(shop, system)
    sell(shop, *[{"gross": "3.33", "tax": "0.67"}] * 3, total="12.00")
    night(shop)
    choose_code(shop, "S20")

    [invoice] = [one.document for one in system.documents if one.document.kind is DocKind.INVOICE]
    assert (invoice.tax.text(), invoice.total.text()) == ("2.01", "12.00")
    assert sum(line.tax.minor for line in invoice.lines if line.tax) == 201


@pytest.mark.parametrize("included", [False, True], ids=["on top", "inside"])
@pytest.mark.parametrize(("off", "tax"), [("0", "3.33"), ("1.99", "3.00"), ("0.01", "3.34")])
def test_discount_tax_or_rounding_our_total_is_not_the_channels(shop, system, included, off, tax):
    british(shop, system)
    gross, more = Decimal("20.01"), Decimal(0) if included else Decimal(tax)
    total = str(gross - Decimal(off) + more)
    sell(shop, {"gross": str(gross), "discount": off, "tax": tax}, total=total, taxes_included=included)
    night(shop)
    system.codes = (*CODES, TaxCode("ANY", "Whatever it is", None, purchases=False))
    shop.ask("read_ledger", connection=_ledger(shop))
    shop.drain()
    choose_code(shop, "ANY")

    [one] = [held.document for held in system.documents]
    assert (one.total.text(), one.tax.text()) == (total, tax)


def test_currency_mixed_up(shop, system):
    """Sale and refund stand in the order's currency, at the rate of their own days."""
    per_order(shop)
    given = [Rate(TODAY, "EUR", "USD", Decimal("1.10")), Rate(TODAY + DAY, "EUR", "USD", Decimal("1.20"))]
    with shop.hub.unit() as work:
        rates.keep(work.db, shop.merchant.id, given)
    number = sell(shop, {}, total="20.00", currency="EUR")
    night(shop)
    give_back(shop, number)
    shop.poll()
    night(shop)

    found = [
        (one.document.kind.value, one.document.total.text(), one.document.currency, str(one.document.rate)) for one in system.documents
    ]
    assert found == [("receipt", "20.00", "EUR", "1.10"), ("refund", "10.00", "EUR", "1.20")]


@pytest.mark.parametrize("seed", range(6))
def test_a_refund_never_reaches_the_books_or_is_applied_twice(shop, system, seed):
    """A part is given back, comes back, and the rest is called off: seen in any order, again and again, and gathered in between."""
    chance = Random(seed)
    per_order(shop)
    number = sold(shop, A=3)
    for step in chance.sample(["refund", "refund", "again", "gather"], 4):
        if step == "refund":
            give_back(shop, number)
        for _ in range(chance.randint(0, 2)):
            shop.poll()
        gather(shop)
    shop.poll()
    night(shop)
    night(shop)

    assert sorted(written(system)) in ([("receipt", "30.00"), ("refund", "20.00")], [("receipt", "30.00"), *[("refund", "10.00")] * 2])
    assert {row[0] for row in rows.rows(shop.hub, "select cast(sum(amount) as bigint) from postings group by currency")} == {0}


@pytest.mark.parametrize(("zone", "day"), [("UTC", 0), ("Pacific/Auckland", 1), ("America/Los_Angeles", 0)])
def test_timezone_cuts_orders_off_or_books_the_wrong_day(shop, system, zone, day):
    """An hour before midnight in UTC it is tomorrow in Auckland and today in Los Angeles; nothing of the day is left out."""
    with shop.hub.unit() as work:
        people.set_settings(work.db, shop.merchant.id, "North", zone=zone)
    shop.clock.pass_(timedelta(hours=23 - START.hour))
    sold(shop)
    shop.clock.pass_(2 * DAY)
    gather(shop)

    assert [(one.document.on - TODAY).days for one in system.documents] == [day]


# ---- found by the simulation


@on_sqlite
def test_what_was_declined_in_one_of_two_currencies_is_tried_again_and_nothing_of_it_is_lost(shop, system):
    """What was made of the same entries in another currency stood in the ledger already: the other was forgotten."""
    moved = [replace(one, amount=_pounds(one.amount), parts=tuple(replace(part, amount=_pounds(part.amount)) for part in one.parts))
             for one in paying.movements([shop.bogus.sell({"A": 2})])]  # fmt: skip
    sold(shop, A=1)
    shop.bogus.till.close(moved, shop.clock(), "GBP")
    shop.ask("read_payouts")
    system.retired = {"1002"}  # sales, which are in dollars
    shop.drain()
    night(shop)
    [(id,)] = rows.rows(shop.hub, "select id from documents where state = 'blocked' and currency = 'USD'")

    system.retired = set()
    posting.again(shop.hub, shop.merchant.id, id, ANN)
    shop.drain()

    pounds = [one.document for one in system.documents if one.document.currency == "GBP" and one.document.kind is DocKind.JOURNAL]
    dollars = [one.document for one in system.documents if one.document.currency == "USD"]
    assert (len(pounds), len(dollars), set(states(shop))) == (1, 1, {"posted"})


def _pounds(amount: Money) -> Money:
    return Money(amount.minor, "GBP")


# ---- orders on terms


def on_terms(shop: House, **different: object) -> str:
    """An order of 20 that left, and that its buyer pays later by bank transfer."""
    pays = Paying("bogus", frozenset(["bogus"]))
    known = shop.hub.connectors["bogus"]
    shop.hub.connectors = {**shop.hub.connectors, "bogus": replace(known, pays=pays)}
    per_order(shop)
    number = str(shop.bogus.sell({"A": 2})["id"])
    [line] = shop.bogus.orders[number]["lines"]
    shop.bogus.change(number, payment="unpaid", paid_by=[], lines=[{**line, "fulfilled": 2}], **different)
    shop.poll()
    return number


def call_off(shop: House, number: str) -> None:
    """Half of it came back, and no money moved."""
    give_back(shop, number)
    shop.poll()


@on_sqlite
def test_a_refund_of_an_order_that_nobody_paid_is_set_against_its_invoice(shop, system):
    number = on_terms(shop)
    night(shop)
    call_off(shop, number)
    night(shop)

    assert written(system) == [("invoice", "20.00"), ("credit", "10.00"), ("applied", "10.00")]
    invoice, credit, applied = system.documents
    assert (applied.document.of, applied.document.by) == (invoice.posted.id, credit.posted.id)
    assert states(shop) == ["posted"] * 3


@on_sqlite
def test_what_is_paid_after_a_credit_pays_only_what_is_left_of_the_invoice(shop, system):
    number = on_terms(shop)
    night(shop)
    call_off(shop, number)
    night(shop)
    paid = {"gateway": "bank transfer", "amount": "20.00", "at": shop.clock().isoformat()}
    shop.bogus.change(number, payment="paid", paid_by=[paid])
    shop.poll()
    night(shop)

    assert sorted(written(system)[3:]) == [("journal", "10.00"), ("payment", "10.00")]


@on_sqlite
def test_a_credit_that_was_set_off_before_its_invoice_could_be_written_waits_for_it(shop, system):
    """The ledger declines the invoice at first; the credit stands, and is set off when the invoice does."""
    number = on_terms(shop)
    system.closed = TODAY
    night(shop)
    call_off(shop, number)
    night(shop)
    before = written(system)
    system.closed = None
    with shop.hub.database.read() as db:
        [blocked] = documents.listed(db, shop.merchant.id, "blocked", shop.hub.box(shop.merchant.id))
    posting.again(shop.hub, shop.merchant.id, blocked.id, ANN)
    shop.drain()

    assert before == [("credit", "10.00")]
    assert sorted(written(system)) == [("applied", "10.00"), ("credit", "10.00"), ("invoice", "20.00")]


@on_sqlite
def test_a_lost_answer_never_sets_a_credit_off_twice(shop, system):
    number = on_terms(shop)
    night(shop)
    call_off(shop, number)
    for _ in range(2):  # of the credit, and of what sets it off
        system.next("post", OutcomeUnknown("lost"), after_the_work=True)
    night(shop)
    for _ in range(4):
        shop.clock.pass_(timedelta(minutes=20))
        gather(shop)

    assert written(system) == [("invoice", "20.00"), ("credit", "10.00"), ("applied", "10.00")]
    assert set(states(shop)) == {"posted"}


@on_sqlite
def test_an_invoice_is_due_on_the_day_of_its_terms_where_the_merchant_is(shop, system):
    late = START + timedelta(days=30)
    with shop.hub.unit() as work:
        run(work.db, "update merchants set settings = json_set(settings, '$.zone', 'Pacific/Auckland') where id = :id", id=shop.merchant.id)
    on_terms(shop, due_at=late.replace(hour=22).isoformat())
    night(shop)

    [invoice] = [one.document for one in system.documents]
    assert (invoice.kind, invoice.due) == (DocKind.INVOICE, late.date() + DAY)


@on_sqlite
def test_a_later_look_that_does_not_tell_the_terms_keeps_them(shop, system):
    due = START + timedelta(days=30)
    number = on_terms(shop, due_at=due.isoformat())
    del shop.bogus.orders[number]["due_at"]
    shop.bogus.change(number, name="renamed")
    shop.poll()
    night(shop)

    assert [one.document.due for one in system.documents] == [due.date()]


@on_sqlite
def test_a_credit_is_set_against_the_invoice_that_was_made_anew(shop, system):
    """Nobody could use the account of sales; another one is chosen, and the invoice is another document."""
    number = on_terms(shop)
    system.retired = {"1002"}
    night(shop)
    call_off(shop, number)
    night(shop)
    posting.map_accounts(shop.hub, shop.merchant.id, _ledger(shop), ANN, {"sales": "1003"})
    with shop.hub.database.read() as db:
        [blocked] = documents.listed(db, shop.merchant.id, "blocked", shop.hub.box(shop.merchant.id))
    posting.again(shop.hub, shop.merchant.id, blocked.id, ANN)
    shop.drain()

    assert written(system) == [("credit", "10.00"), ("invoice", "20.00"), ("applied", "10.00")]
    assert states(shop) == ["posted"] * 3


@on_sqlite
def test_what_waited_to_pay_an_invoice_pays_the_one_that_was_made_anew(shop, system):
    number = on_terms(shop)
    system.retired = {"1002"}
    night(shop)
    paid = {"gateway": "bank transfer", "amount": "20.00", "at": shop.clock().isoformat()}
    shop.bogus.change(number, payment="paid", paid_by=[paid])
    shop.poll()
    night(shop)
    before = states(shop)
    posting.map_accounts(shop.hub, shop.merchant.id, _ledger(shop), ANN, {"sales": "1003"})
    with shop.hub.database.read() as db:
        [blocked] = documents.listed(db, shop.merchant.id, "blocked", shop.hub.box(shop.merchant.id))
    posting.again(shop.hub, shop.merchant.id, blocked.id, ANN)
    shop.drain()
    night(shop)

    assert sorted(before) == ["blocked", "wanted"]
    assert written(system) == [("invoice", "20.00"), ("payment", "20.00")]
    assert states(shop) == ["posted"] * 2


def take_away(shop: House, system: BogusBooks, kind: DocKind) -> None:
    """By hand, there; and the hub reads it."""
    [number] = [one.document.number for one in system.documents if one.document.kind is kind]
    system.tamper(number, gone=True)
    shop.ask("read_changes", connection=_ledger(shop))
    shop.drain()


def pay(shop: House, number: str, amount: str) -> None:
    paid = {"gateway": "bank transfer", "amount": amount, "at": shop.clock().isoformat()}
    shop.bogus.change(number, payment="paid", paid_by=[paid])
    shop.poll()


@on_sqlite
def test_an_invoice_whose_payment_somebody_took_away_there_is_open_again(shop, system):
    number = on_terms(shop)
    night(shop)
    pay(shop, number, "20.00")
    night(shop)
    take_away(shop, system, DocKind.PAYMENT)
    before = written(system)

    call_off(shop, number)
    night(shop)

    assert sorted(before) == [("invoice", "20.00"), ("payment", "20.00")]
    assert written(system)[2:] == [("credit", "10.00"), ("applied", "10.00")]


@on_sqlite
def test_what_somebody_paid_there_by_hand_is_not_paid_twice_and_says_so(shop, system):
    """A payment that the hub knows nothing of stands there; ours would be one too many."""
    number = on_terms(shop)
    night(shop)
    [invoice] = system.documents
    by_hand = Document(DocKind.PAYMENT, "by hand", TODAY, "USD", into="1000", of=invoice.posted.id, amount=Money(1500, "USD"))
    system.write(by_hand, "another key")
    pay(shop, number, "20.00")
    night(shop)

    with shop.hub.database.read() as db:
        [blocked] = documents.listed(db, shop.merchant.id, "blocked", shop.hub.box(shop.merchant.id))
    assert (blocked.document.kind, blocked.why, blocked.words) == (DocKind.PAYMENT, "paid", "The amount is more than what is open.")

    system.tamper("by hand", gone=True)
    posting.again(shop.hub, shop.merchant.id, blocked.id, ANN)
    shop.drain()

    assert written(system)[-1] == ("payment", "20.00") and set(states(shop)) == {"posted"}


@on_sqlite
def test_what_waits_for_an_account_uses_no_number_up(shop, system):
    """Entries, and a carrier's bill, that are gathered each hour while an account is not mapped."""
    per_order(shop)
    sold(shop)
    line = BillLine(What.FREIGHT, Money(500, "USD"))
    with shop.hub.unit() as work:
        billing.add(work.db, shop.merchant.id, Bill("b1", "DHL", "", "88", TODAY, "USD", (line,)), "", ANN, work.now)
    system.retired = {"1002"}
    shop.ask("read_ledger", connection=_ledger(shop))
    shop.drain()
    for _ in range(3):
        night(shop)
    assert system.documents == []

    posting.map_accounts(shop.hub, shop.merchant.id, _ledger(shop), ANN, {"sales": "1003", "postage_owed": "1006"})
    shop.drain()

    assert sorted((one.document.number, one.document.kind.value) for one in system.documents) == [
        ("CD-000001", "receipt"),
        ("CD-000002", "bill"),
    ]
