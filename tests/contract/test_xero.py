"""Xero: what is said to it, what is made of what it says, and the whole connector against its simulator and Xero's own contract."""

import base64
import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.http import read_json
from connectors.simulation import InProcess
from connectors.xero import MANIFEST, normalize, render, simulated_books, words
from connectors.xero.simulated_books import named
from core.domain.ledgers import DocKind, DocLine, Document, Posted, Sort, TaxIs, Why
from core.domain.money import Money
from core.errors import AccessLost, BadPayload, Forged, HubError, OutcomeUnknown, RateLimited, Refused, Unavailable
from core.ports import About
from tests.contract.ledgers import DAY, KEY, START, Rig, journal, sale
from tests.contract.oracle import load

SECOND_KEY = "0198c0de4f3a7c11a5d2e9b07f6c1d25"
CREATES = {
    DocKind.INVOICE: "createInvoices",
    DocKind.CREDIT: "createCreditNotes",
    DocKind.PAYMENT: "createPayments",
    DocKind.REPAYMENT: "createPayments",
    DocKind.JOURNAL: "createManualJournals",
    DocKind.BILL: "createInvoices",
    DocKind.TRANSFER: "createBankTransfer",
}
SEARCHES = {
    DocKind.INVOICE: "getInvoices",
    DocKind.CREDIT: "getCreditNotes",
    DocKind.PAYMENT: "getPayments",
    DocKind.REPAYMENT: "getPayments",
    DocKind.JOURNAL: "getManualJournals",
    DocKind.BILL: "getInvoices",
    DocKind.TRANSFER: "getBankTransfers",
}
ENDS = {
    DocKind.INVOICE: "updateInvoice",
    DocKind.CREDIT: "updateCreditNote",
    DocKind.PAYMENT: "deletePayment",
    DocKind.REPAYMENT: "deletePayment",
    DocKind.JOURNAL: "updateManualJournal",
    DocKind.BILL: "updateInvoice",
    DocKind.TRANSFER: "deleteBankTransfer",
}
every_kind = pytest.mark.parametrize("kind", list(CREATES), ids=str)


@pytest.fixture
def rig() -> Rig:
    return Rig(MANIFEST)


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def bill(rig: Rig, number: str = "CD-B-1") -> Document:
    fees = rig.account(Sort.EXPENSE)
    lines = (DocLine(fees.id, usd(1999), "Fees of October", tax_code="NONE", tax=usd(0)),)
    return Document(DocKind.BILL, number, DAY, "USD", lines, TaxIs.ON_TOP, contact="Amazon Services", due=DAY)


def transfer(rig: Rig, number: str = "CD-T-1") -> Document:
    first, second = [one for one in rig.ledger.accounts() if one.sort is Sort.BANK][:2]
    return Document(DocKind.TRANSFER, number, DAY, "USD", out_of=first.id, into=second.id, amount=usd(12_000))


def paying(rig: Rig, kind: DocKind, number: str = "CD-P-1") -> Document:
    """Half of an invoice that stands there, or of a credit."""
    paid, turn = (DocKind.INVOICE, 1) if kind is DocKind.PAYMENT else (DocKind.CREDIT, 2)
    of = rig.ledger.post(sale(rig, paid, "CD-1000"), named(turn))
    bank = rig.account(Sort.BANK, pays=True).id
    side: dict[str, Any] = {"into": bank} if kind is DocKind.PAYMENT else {"out_of": bank}
    return Document(kind, number, DAY, "USD", of=of.id, amount=usd(2100), **side)


def a_document(rig: Rig, kind: DocKind) -> Document:
    makers: dict[DocKind, Callable[[], Document]] = {
        DocKind.JOURNAL: lambda: journal(rig),
        DocKind.BILL: lambda: bill(rig),
        DocKind.TRANSFER: lambda: transfer(rig),
        DocKind.PAYMENT: lambda: paying(rig, kind),
        DocKind.REPAYMENT: lambda: paying(rig, kind),
    }
    return makers.get(kind, lambda: sale(rig, kind))()


def standing(rig: Rig, kind: DocKind) -> list[dict[str, Any]]:
    return [one for one in rig.simulator.documents() if one["kind"] == kind and not one["gone"] and one["number"] != "CD-1000"]


def set_off(rig: Rig, minor: int = 1000, **different: Any) -> Document:
    """A credit of 20 against an invoice of 42 that nobody paid."""
    invoice = rig.ledger.post(sale(rig, DocKind.INVOICE, "CD-1001"), named(1, 9))
    credit = rig.ledger.post(sale(rig, DocKind.CREDIT, "CD-2000", 2000, **different), named(2, 9))
    return Document(DocKind.APPLIED, "CD-A-1", DAY, "USD", of=invoice.id, by=credit.id, amount=usd(minor), contact="Shopify buyers")


def left(rig: Rig, document: Document) -> list[Decimal]:
    """What is open of the invoice and of the credit."""
    held = rig.simulator.state["documents"]
    return [Decimal(held[one]["Total"]) - Decimal(held[one]["Paid"]) for one in (document.of, document.by)]


def reason(error: pytest.ExceptionInfo[Refused]) -> object:
    return error.value.facts.get("reason")


# ---- credits set against invoices


def test_a_credit_is_allocated_to_an_invoice(rig: Rig) -> None:
    document = set_off(rig)
    assert rig.ledger.find(document, KEY) is None

    posted = rig.ledger.post(document, KEY)

    [one] = standing(rig, DocKind.APPLIED)[-1:]
    assert (one["key"], one["on"], one["total"]) == (KEY, DAY.isoformat(), "10.00")
    assert (posted.id, posted.total, posted.tax) == (f"{document.by}/{document.of}", usd(1000), usd(0))
    assert left(rig, document) == [Decimal(32), Decimal(10)]
    assert posted == rig.ledger.find(document, KEY) == rig.ledger.look(DocKind.APPLIED, [posted.id])[posted.id]


@pytest.mark.parametrize(("fault", "there"), [("cut_after", True), ("cut_before", False)])
def test_a_lost_answer_never_allocates_a_credit_twice(rig: Rig, fault: str, there: bool) -> None:
    document = set_off(rig)
    rig.fail(fault, "createCreditNoteAllocation")
    with pytest.raises(OutcomeUnknown):
        rig.ledger.post(document, KEY)

    assert (rig.ledger.find(document, KEY) is not None) is there
    rig.ledger.post(document, KEY)

    assert len(standing(rig, DocKind.APPLIED)) == 1
    assert left(rig, document) == [Decimal(32), Decimal(10)]


def test_an_allocation_is_taken_back_once_even_where_the_answer_was_lost(rig: Rig) -> None:
    document = set_off(rig, 2000)
    posted = rig.ledger.post(document, KEY)
    rig.fail("cut_after", "deleteCreditNoteAllocations")
    with pytest.raises(OutcomeUnknown):
        rig.ledger.void(DocKind.APPLIED, posted, SECOND_KEY)

    assert rig.ledger.void(DocKind.APPLIED, posted, SECOND_KEY).gone

    assert rig.ledger.look(DocKind.APPLIED, [posted.id])[posted.id].gone
    assert (rig.ledger.find(document, KEY), left(rig, document)) == (None, [Decimal(42), Decimal(20)])


def test_an_allocation_that_somebody_made_again_for_another_sum_is_not_taken_back(rig: Rig) -> None:
    document = set_off(rig)
    posted = rig.ledger.post(document, KEY)

    with pytest.raises(Refused) as refused:
        rig.ledger.void(DocKind.APPLIED, replace(posted, shape="another"), SECOND_KEY)

    assert reason(refused) == Why.STALE


@pytest.mark.parametrize(
    ("minor", "different", "why"),
    [(2001, {}, Why.PAID), (4201, {}, Why.PAID), (1000, {"contact": "Somebody else"}, Why.CONTACT)],
    ids=["more than the credit has", "more than the invoice owes", "another contact"],
)
def test_what_xero_does_not_allocate_is_refused_with_a_reason(rig: Rig, minor: int, different: dict[str, str], why: Why) -> None:
    document = set_off(rig, minor, **different)

    with pytest.raises(Refused) as refused:
        rig.ledger.post(document, KEY)

    assert (reason(refused), standing(rig, DocKind.APPLIED)) == (why, [])


def test_nothing_is_allocated_to_an_invoice_that_is_paid(rig: Rig) -> None:
    document = set_off(rig)
    bank = rig.account(Sort.BANK, pays=True).id
    rig.ledger.post(Document(DocKind.PAYMENT, "CD-P-1", DAY, "USD", of=document.of, into=bank, amount=usd(4200)), SECOND_KEY)

    with pytest.raises(Refused) as refused:
        rig.ledger.post(document, KEY)

    assert reason(refused) == Why.STALE


# ---- documents


@every_kind
def test_a_document_stands_in_the_books_as_it_was_written(rig: Rig, kind: DocKind) -> None:
    document = a_document(rig, kind)

    posted = rig.ledger.post(document, KEY)

    [one] = standing(rig, kind)
    assert (one["id"], one["number"], one["key"], one["on"]) == (posted.id, document.number, KEY, DAY.isoformat())
    assert (one["total"], one["currency"]) == (document.total.text(), "USD")
    assert (posted.number, posted.total, posted.tax, posted.gone) == (document.number, document.total, document.tax, False)
    assert posted.link.endswith(posted.id)


@every_kind
def test_a_document_said_twice_under_one_key_is_there_once(rig: Rig, kind: DocKind) -> None:
    document = a_document(rig, kind)

    first, second = rig.ledger.post(document, KEY), rig.ledger.post(document, KEY)

    assert first == second
    assert len(standing(rig, kind)) == 1


@every_kind
def test_a_lost_answer_is_found_again_and_never_doubled(rig: Rig, kind: DocKind) -> None:
    document = a_document(rig, kind)
    rig.fail("cut_after", CREATES[kind])
    with pytest.raises(OutcomeUnknown):
        rig.ledger.post(document, KEY)

    found = rig.ledger.find(document, KEY)

    [one] = standing(rig, kind)
    assert found is not None
    assert found.id == one["id"]
    assert rig.ledger.post(document, KEY) == found
    assert len(standing(rig, kind)) == 1


@every_kind
def test_what_never_arrived_is_not_found_and_can_be_said_again(rig: Rig, kind: DocKind) -> None:
    document = a_document(rig, kind)
    rig.fail("cut_before", CREATES[kind])
    with pytest.raises(OutcomeUnknown):
        rig.ledger.post(document, KEY)

    assert rig.ledger.find(document, KEY) is None
    rig.ledger.post(document, KEY)
    assert len(standing(rig, kind)) == 1


@every_kind
def test_the_shape_is_the_same_however_a_document_is_read(rig: Rig, kind: DocKind) -> None:
    document = a_document(rig, kind)
    posted = rig.ledger.post(document, KEY)

    found, seen = rig.ledger.find(document, KEY), rig.ledger.look(kind, [posted.id])[posted.id]

    told = dict(every(rig, START - timedelta(days=1)))[posted.id]
    assert found == seen == posted == told


@every_kind
def test_a_document_somebody_changed_has_another_shape_and_is_not_voided(rig: Rig, kind: DocKind) -> None:
    posted = rig.ledger.post(a_document(rig, kind), KEY)
    rig.clock.forward(minutes=1)
    rig.simulator.tamper(posted.id, "edit", {})

    now = rig.ledger.look(kind, [posted.id])[posted.id]

    assert (now.shape != posted.shape, now.version != posted.version or kind is DocKind.TRANSFER) == (True, True)
    with pytest.raises(Refused) as refused:
        rig.ledger.void(kind, posted, SECOND_KEY)
    assert reason(refused) == Why.STALE
    assert standing(rig, kind)


@every_kind
def test_a_document_is_taken_back_once(rig: Rig, kind: DocKind) -> None:
    posted = rig.ledger.post(a_document(rig, kind), KEY)

    first, second = rig.ledger.void(kind, posted, SECOND_KEY), rig.ledger.void(kind, posted, SECOND_KEY)

    assert first.gone
    assert second == first
    assert standing(rig, kind) == []
    assert rig.ledger.look(kind, [posted.id])[posted.id].gone


@every_kind
def test_what_was_deleted_there_is_found_as_gone_and_not_written_again(rig: Rig, kind: DocKind) -> None:
    document = a_document(rig, kind)
    rig.fail("cut_after", CREATES[kind])
    with pytest.raises(OutcomeUnknown):
        rig.ledger.post(document, KEY)
    rig.simulator.tamper(standing(rig, kind)[0]["id"], "void", {})

    found = rig.ledger.find(document, KEY)

    assert found is not None
    assert found.gone


@pytest.mark.parametrize(
    "kind", [DocKind.INVOICE, DocKind.CREDIT, DocKind.BILL, DocKind.JOURNAL, DocKind.PAYMENT, DocKind.TRANSFER], ids=str
)
def test_a_number_of_another_document_is_refused_where_it_is_looked_for(rig: Rig, kind: DocKind) -> None:
    document = a_document(rig, kind)
    rig.ledger.post(document, KEY)

    with pytest.raises(Refused) as refused:
        rig.ledger.find(replace(document, on=document.on - timedelta(days=1)), SECOND_KEY)

    assert reason(refused) == Why.DUPLICATE


def test_a_carriers_bill_whose_tax_leaves_the_account_of_fees_comes_to_what_was_billed(rig: Rig) -> None:
    owed, taxes = rig.account(Sort.LIABILITY).id, rig.account(Sort.EXPENSE).id
    parts = ((owed, 1000, "INPUT", 83), (owed, 583, "NONE", 0), (taxes, -83, "NONE", 0))
    lines = tuple(DocLine(at, usd(net), "UPS 77", tax_code=code, tax=usd(tax), bought=True) for at, net, code, tax in parts)

    made = rig.ledger.post(replace(bill(rig), lines=lines), KEY)

    assert (made.tax, made.total) == (usd(83), usd(1583))


def test_an_invoice_with_a_number_that_is_taken_is_refused(rig: Rig) -> None:
    rig.ledger.post(sale(rig, DocKind.INVOICE), KEY)

    with pytest.raises(Refused) as refused:
        rig.ledger.post(sale(rig, DocKind.INVOICE, cents=9900), SECOND_KEY)

    assert reason(refused) == Why.DUPLICATE


def test_the_same_invoice_under_another_key_is_the_one_that_stands(rig: Rig) -> None:
    first = rig.ledger.post(sale(rig, DocKind.INVOICE), KEY)

    assert rig.ledger.post(sale(rig, DocKind.INVOICE), SECOND_KEY) == first


def test_a_paid_invoice_has_the_shape_that_it_had_and_cannot_be_voided(rig: Rig) -> None:
    invoice = rig.ledger.post(sale(rig, DocKind.INVOICE), KEY)
    bank = rig.account(Sort.BANK, pays=True).id
    rig.ledger.post(Document(DocKind.PAYMENT, "CD-P-9", DAY, "USD", of=invoice.id, into=bank, amount=invoice.total), SECOND_KEY)

    now = rig.ledger.look(DocKind.INVOICE, [invoice.id])[invoice.id]

    assert (now.shape, now.gone) == (invoice.shape, False)
    with pytest.raises(Refused) as refused:
        rig.ledger.void(DocKind.INVOICE, now, named(9))
    assert reason(refused) == Why.STALE


def test_one_contact_is_made_for_all_documents_that_name_it(rig: Rig) -> None:
    for turn, name in enumerate(("Shopify buyers", "shopify  Buyers ", "Shopify buyers")):
        rig.ledger.post(sale(rig, DocKind.INVOICE, f"CD-{turn}", contact=name), named(turn, 5))

    assert [one["Name"] for one in rig.simulator.state["contacts"].values()] == ["Shopify buyers"]


def test_lines_carry_their_tags(rig: Rig) -> None:
    document = sale(rig, DocKind.INVOICE)
    marks = tuple(tag for tag in rig.ledger.tags() if tag.name in ("Shopify", "East"))
    tagged = replace(document, lines=(replace(document.lines[0], tags=marks), document.lines[1]))

    posted = rig.ledger.post(tagged, KEY)

    kept = rig.simulator.state["documents"][posted.id]["Lines"]
    assert [[(one["Name"], one["Option"]) for one in line["Tracking"]] for line in kept] == [
        [("Channel", "Shopify"), ("Region", "East")],
        [],
    ]


def test_a_coded_journal_brings_its_tax(rig: Rig) -> None:
    clearing, sales = rig.account(Sort.LIABILITY, journals=True), rig.account(Sort.INCOME)
    lines = (DocLine(clearing.id, usd(12_000)), DocLine(sales.id, usd(-10_000), tax_code="TAX001", tax=usd(-2000)))

    posted = rig.ledger.post(Document(DocKind.JOURNAL, "CD-J-2", DAY, "USD", lines), KEY)

    assert (posted.total, posted.tax) == (usd(12_000), usd(-2000))


def test_what_changed_is_told_page_by_page_with_what_is_gone() -> None:
    rig = Rig(MANIFEST, limits="relaxed", page_size=2)
    first = sale(rig, DocKind.INVOICE)
    ids = [rig.ledger.post(replace(first, number=f"CD-{turn}"), named(turn, 5)).id for turn in range(5)]
    rig.clock.forward(hours=1)
    rig.simulator.tamper(ids[3], "void", {})
    later = rig.ledger.post(journal(rig), KEY)

    told = dict(every(rig, START + timedelta(minutes=30)))

    assert {name: one.gone for name, one in told.items()} == {ids[3]: True, later.id: False}
    assert {name for name, _ in every(rig, START)} == {*ids, later.id}


def test_pages_that_xero_makes_smaller_than_we_asked_are_all_read() -> None:
    rig = Rig(MANIFEST, limits="relaxed")
    rig.world.page = 2
    first = sale(rig, DocKind.INVOICE)
    ids = {rig.ledger.post(replace(first, number=f"CD-{turn}"), named(turn, 5)).id for turn in range(5)}

    assert {name for name, _ in every(rig, START)} == ids


def test_a_document_that_changes_while_pages_are_read_hides_no_other() -> None:
    rig = Rig(MANIFEST, limits="relaxed", page_size=2)
    first, ids = sale(rig, DocKind.INVOICE), []
    for turn in range(5):
        rig.clock.forward(minutes=1)
        ids.append(rig.ledger.post(replace(first, number=f"CD-{turn}"), named(turn, 5)).id)
    page = rig.ledger.changed(START, None)
    rig.clock.forward(minutes=1)
    rig.simulator.tamper(ids[0], "edit", {})

    told = {one.id for _, one in page.items}
    while page.cursor:
        page = rig.ledger.changed(START, page.cursor)
        told |= {one.id for _, one in page.items}

    assert told == set(ids)


def every(rig: Rig, since: datetime) -> list[tuple[str, Posted]]:
    found, cursor = [], None
    while True:
        page = rig.ledger.changed(since, cursor)
        found += [(one.id, one) for _, one in page.items]
        if (cursor := page.cursor) is None:
            return found


@every_kind
def test_a_void_whose_answer_was_lost_is_said_again_and_done_once(rig: Rig, kind: DocKind) -> None:
    posted = rig.ledger.post(a_document(rig, kind), KEY)
    rig.fail("cut_after", ENDS[kind])
    with pytest.raises(OutcomeUnknown):
        rig.ledger.void(kind, posted, SECOND_KEY)

    assert rig.ledger.void(kind, posted, SECOND_KEY).gone
    assert [name for name in rig.calls() if name == ENDS[kind]] == [ENDS[kind]]


def test_a_journal_is_found_by_the_whole_of_its_number(rig: Rig) -> None:
    other, ours = journal(rig, "CD-J-10"), journal(rig, "CD-J-1 A")
    rig.ledger.post(other, KEY)

    assert rig.ledger.find(journal(rig, "CD-J-1"), KEY) is None
    posted = rig.ledger.post(ours, SECOND_KEY)
    assert rig.ledger.find(ours, SECOND_KEY) == posted


def test_a_number_xero_cannot_search_by_is_refused_before_anything_is_asked(rig: Rig) -> None:
    document = sale(rig, DocKind.INVOICE, 'CD" OR Type=="ACCPAY')
    before = len(rig.calls())

    for ask in (rig.ledger.find, rig.ledger.post):
        with pytest.raises(Refused):
            ask(document, KEY)
    assert len(rig.calls()) == before


def test_a_write_whose_answer_cannot_be_read_is_looked_for(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    document = sale(rig, DocKind.INVOICE)
    with monkeypatch.context() as patched:
        patched.setattr(simulated_books, "_sale_view", lambda state, one: {"Type": one["Type"]})
        with pytest.raises(OutcomeUnknown):
            rig.ledger.post(document, KEY)

    assert rig.ledger.find(document, KEY) is not None


def test_more_documents_than_fit_one_page_are_all_looked_at() -> None:
    rig = Rig(MANIFEST, limits="relaxed", page_size=2)
    first = sale(rig, DocKind.INVOICE)
    ids = [rig.ledger.post(replace(first, number=f"CD-{turn}"), named(turn, 5)).id for turn in range(5)]

    found = rig.ledger.look(DocKind.INVOICE, [*ids, named(77)])

    assert {name: one.gone for name, one in found.items()} == {**dict.fromkeys(ids, False), named(77): True}


# ---- the books


def test_the_books_tell_what_they_are(rig: Rig) -> None:
    rig.simulator.arrange("close", {"until": "2026-09-30"})

    books = rig.ledger.probe()

    assert (books.country, books.currencies[0], set(books.currencies)) == ("US", "USD", {"USD", "EUR", "GBP", "CAD"})
    assert (books.zone, books.closed_until, books.tags, books.taxes_itself) == ("America/New_York", date(2026, 9, 30), True, False)


def test_accounts_say_what_may_be_done_with_them(rig: Rig) -> None:
    known = {one.code: one for one in rig.ledger.accounts()}

    assert {
        code: (one.sort, one.pays, one.journals) for code, one in known.items() if code in ("090", "093", "200", "610", "620", "800", "820")
    } == {
        "090": (Sort.BANK, True, False),
        "093": (Sort.CARD, True, False),
        "200": (Sort.INCOME, False, True),
        "610": (Sort.RECEIVABLE, False, False),
        "620": (Sort.ASSET, True, True),
        "800": (Sort.PAYABLE, False, False),
        "820": (Sort.LIABILITY, False, True),
    }


def test_tax_codes_say_how_much_and_for_what(rig: Rig) -> None:
    known = {one.id: one for one in rig.ledger.tax_codes()}

    assert (known["TAX002"].rate, known["TAX002"].sales, known["TAX002"].purchases) == (Decimal("7.125"), True, False)
    assert (known["INPUT"].sales, known["INPUT"].purchases) == (False, True)


def test_a_plain_plan_has_no_tags_and_one_currency(rig: Rig) -> None:
    rig.simulator.arrange("plain", {})

    assert (rig.ledger.tags(), rig.ledger.probe().currencies) == ([], ("USD",))


# ---- refusals


def closed(rig: Rig) -> Document:
    rig.simulator.arrange("close", {"until": DAY.isoformat()})
    return sale(rig, DocKind.INVOICE)


def retired(rig: Rig) -> Document:
    document = sale(rig, DocKind.INVOICE)
    rig.simulator.arrange("retire", {"account": document.lines[0].account})
    return document


def of_line(**different: Any) -> Callable[[Rig], Document]:
    def changed(rig: Rig) -> Document:
        document = sale(rig, DocKind.INVOICE)
        return replace(document, lines=(replace(document.lines[0], **different),))

    return changed


def of_document(**different: Any) -> Callable[[Rig], Document]:
    return lambda rig: replace(sale(rig, DocKind.INVOICE), **different)


def in_yen(rig: Rig) -> Document:
    document = sale(rig, DocKind.INVOICE)
    lines = tuple(replace(one, amount=Money(100, "JPY"), tax=Money(0, "JPY")) for one in document.lines)
    return replace(document, currency="JPY", lines=lines)


def bank_journal(rig: Rig) -> Document:
    document, bank = journal(rig), rig.account(Sort.BANK)
    return replace(document, lines=(replace(document.lines[0], account=bank.id), document.lines[1]))


def foreign_journal(rig: Rig) -> Document:
    document = journal(rig)
    return replace(document, currency="EUR", lines=tuple(replace(one, amount=Money(one.amount.minor, "EUR")) for one in document.lines))


def uneven_journal(rig: Rig) -> Document:
    document = journal(rig)
    return replace(document, lines=(replace(document.lines[0], amount=usd(1)), document.lines[1]))


def overpaid(rig: Rig) -> Document:
    return replace(paying(rig, DocKind.PAYMENT), amount=usd(999_999))


def paid_into_sales(rig: Rig) -> Document:
    return replace(paying(rig, DocKind.PAYMENT), into=rig.account(Sort.INCOME).id)


REFUSED: dict[str, tuple[Callable[[Rig], Document], Why]] = {
    "a day in a closed period": (closed, Why.CLOSED),
    "an account that was retired": (retired, Why.ACCOUNT),
    "an account that is not there": (of_line(account=named(99, 1)), Why.ACCOUNT),
    "a tax code that is not there": (of_line(tax_code="OUTPUT9"), Why.TAX),
    "a tax code of purchases": (of_line(tax_code="INPUT"), Why.TAX),
    "a tax where the rate is none": (of_line(tax=usd(1)), Why.TAX),
    "a tax above its line": (of_line(tax=usd(999_999)), Why.TAX),
    "a line without its tax": (of_line(tax=None), Why.TAX),
    "a line without a code": (of_line(tax_code=""), Why.TAX),
    "a currency the books do not keep": (in_yen, Why.CURRENCY),
    "nobody it is about": (of_document(contact=" "), Why.CONTACT),
    "a sum below nothing": (of_line(amount=usd(-500)), Why.UNBALANCED),
    "a journal of a bank account": (bank_journal, Why.ACCOUNT),
    "a journal in another currency": (foreign_journal, Why.CURRENCY),
    "an uneven journal": (uneven_journal, Why.UNBALANCED),
    "more than is owed": (overpaid, Why.PAID),
    "a payment into sales": (paid_into_sales, Why.ACCOUNT),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_document_xero_cannot_take_is_refused_with_its_reason_and_leaves_nothing(rig: Rig, case: str) -> None:
    make, why = REFUSED[case]
    document = make(rig)

    with pytest.raises(Refused) as refused:
        rig.ledger.post(document, KEY)

    assert reason(refused) == why
    assert standing(rig, document.kind) == []


@pytest.mark.parametrize("kind", [DocKind.RECEIPT, DocKind.REFUND], ids=str)
def test_kinds_that_xero_does_not_have_are_refused(rig: Rig, kind: DocKind) -> None:
    with pytest.raises(Refused):
        rig.ledger.post(sale(rig, kind), KEY)
    assert kind not in rig.kinds


def test_xeros_words_come_with_the_refusal_and_not_in_its_text(rig: Rig) -> None:
    with pytest.raises(Refused) as refused:
        rig.ledger.post(closed(rig), KEY)

    assert refused.value.words == "The document date cannot be before the period lock date, currently set at 17-Nov-2026"
    assert "lock date" not in str(refused.value)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("The document date cannot be before the end of year lock date, currently set at 31-Jul-2013", Why.CLOSED),
        ("Invoice # must be unique.", Why.DUPLICATE),
        ("The TaxType code 'INPUT' cannot be used with account code '200'.", Why.TAX),
        ("Account code '200' has been archived or has been deleted. Each line item must reference a valid account.", Why.ACCOUNT),
        ("Organisation is not subscribed to currency CAD", Why.CURRENCY),
        ("Invoice not of valid status for modification", Why.STALE),
        ("Payment amount exceeds the amount outstanding on this document", Why.PAID),
        ("You have reached the limit of invoices you can approve!", Why.PLAN),
        ("The total debits (100.00) must equal total credits (-10.00)", Why.UNBALANCED),
        ("Email address must be valid.", Why.OTHER),
    ],
)
def test_what_xero_says_means_something_to_us(said: str, why: Why) -> None:
    assert words.why(said) == why


# ---- money


def taxed_lines() -> st.SearchStrategy[tuple[TaxIs, list[tuple[int, int, int]]]]:
    """How tax is held, and (minor units, quantity, tenths of the tax that Xero would reckon) of each line."""
    line = st.tuples(st.integers(1, 500_000), st.integers(1, 250), st.integers(-2, 2))
    return st.tuples(st.sampled_from([TaxIs.ON_TOP, TaxIs.INSIDE]), st.lists(line, min_size=1, max_size=8))


@given(
    taxed_lines(), st.sampled_from([("TAX001", 200), ("TAX002", 71), ("OUTPUT", 82)]), st.sampled_from([DocKind.INVOICE, DocKind.CREDIT])
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_sums_and_taxes_come_back_to_the_cent_however_the_channel_rounded(
    wish: tuple[TaxIs, list[tuple[int, int, int]]], code: tuple[str, int], kind: DocKind
) -> None:
    rig, (mode, parts), (name, rate) = Rig(MANIFEST, limits="relaxed"), wish, code
    sales = rig.account(Sort.INCOME).id
    taxes = [max(0, amount * rate // (1000 if mode is TaxIs.ON_TOP else 1000 + rate) + off) for amount, _, off in parts]
    lines = tuple(
        DocLine(sales, usd(amount), "Mug", quantity, name, usd(min(tax, amount)))
        for (amount, quantity, _), tax in zip(parts, taxes, strict=True)
    )
    document = Document(kind, "CD-1", DAY, "USD", lines, mode, contact="Shopify buyers")

    posted = rig.ledger.post(document, KEY)

    assert (posted.total, posted.tax) == (document.total, document.tax)
    assert standing(rig, kind)[0]["total"] == document.total.text()
    assert rig.ledger.find(document, KEY) == posted


def test_what_xero_reckons_otherwise_is_taken_back_and_refused(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    document = sale(rig, DocKind.INVOICE)
    taxed = replace(document, lines=tuple(replace(one, tax_code="TAX001", tax=usd(100)) for one in document.lines))
    said = render.document(taxed)
    for line in said["LineItems"]:
        del line["TaxAmount"]  # Xero does not listen to ours
    monkeypatch.setattr(render, "document", lambda one: said)

    with pytest.raises(Refused) as refused:
        rig.ledger.post(taxed, KEY)

    assert reason(refused) == Why.UNBALANCED
    assert standing(rig, DocKind.INVOICE) == []


@given(st.integers(1, 10_000_000), st.integers(1, 5000))
def test_a_line_is_never_multiplied_to_another_amount(minor: int, quantity: int) -> None:
    line = DocLine("a", usd(minor), "Mug", quantity, "NONE", usd(0))

    [said] = render.document(Document(DocKind.INVOICE, "1", DAY, "USD", (line,), TaxIs.ON_TOP, contact="c"))["LineItems"]

    assert (said["Quantity"] * said["UnitAmount"]).quantize(Decimal("0.01")) == said["LineAmount"] == Decimal(minor).scaleb(-2)
    assert str(quantity) in f"{said['Quantity']} {said['Description']}"


def test_xero_is_told_a_rate_the_other_way_round() -> None:
    assert render.rate(Decimal("1.25")) == Decimal("0.8")


def test_a_fraction_xero_has_no_place_for_is_refused() -> None:
    assert render.amount(Money(1230, "KWD")) == Decimal("1.23")
    with pytest.raises(Refused):
        render.amount(Money(1234, "KWD"))


# ---- faults, tokens and limits


FAULTS: list[tuple[str, type[HubError], type[HubError]]] = [
    ("500", OutcomeUnknown, Unavailable),
    ("html", OutcomeUnknown, Unavailable),
    ("cut_before", OutcomeUnknown, Unavailable),
    ("cut_after", OutcomeUnknown, Unavailable),
    ("429", RateLimited, RateLimited),
]


@every_kind
@pytest.mark.parametrize(("fault", "writing", "reading"), FAULTS, ids=[fault for fault, *_ in FAULTS])
def test_a_fault_is_our_error(rig: Rig, kind: DocKind, fault: str, writing: type[HubError], reading: type[HubError]) -> None:
    document = a_document(rig, kind)
    rig.ledger.probe()
    rig.fail(fault, CREATES[kind])
    with pytest.raises(writing):
        rig.ledger.post(document, KEY)
    rig.fail(fault, SEARCHES[kind])
    with pytest.raises(reading):
        rig.ledger.find(document, KEY)


def test_a_token_that_ended_is_renewed_once(rig: Rig) -> None:
    rig.ledger.accounts()
    rig.fail("401", "getAccounts")

    rig.ledger.accounts()

    assert rig.tokens.refreshed == 2
    rig.fail("401", "getAccounts", times=2)
    with pytest.raises(AccessLost):
        rig.ledger.accounts()


def test_tokens_rotate_and_a_renewal_whose_answer_was_lost_can_be_said_again(rig: Rig) -> None:
    first = rig.tokens.login["refresh_token"]
    rig.fail("cut_after", "token")
    with pytest.raises(Unavailable):
        rig.ledger.accounts()

    rig.ledger.accounts()

    assert rig.tokens.login["refresh_token"] != first
    assert rig.tokens.fresh is not None
    assert rig.tokens.fresh.until == START + timedelta(days=60)
    assert rig.tokens.fresh.scopes == " ".join(MANIFEST.scopes)


def test_a_token_that_was_used_up_has_lost_its_access(rig: Rig) -> None:
    used = dict(rig.tokens.login)
    rig.ledger.accounts()
    rig.tokens.login, rig.tokens.fresh = used, None
    rig.clock.forward(minutes=31)

    with pytest.raises(AccessLost):
        rig.ledger.accounts()


def test_an_organisation_that_let_go_of_us_is_lost(rig: Rig) -> None:
    rig.simulator.befall("disconnect", {})  # type: ignore[attr-defined]

    with pytest.raises(AccessLost):
        rig.ledger.probe()


def test_the_organisations_that_let_us_in_are_told(rig: Rig) -> None:
    assert rig.kit.account in rig.ledger.organisations()


def test_every_call_takes_from_the_minute_and_from_the_day(rig: Rig) -> None:
    rig.ledger.post(sale(rig, DocKind.INVOICE), KEY)

    called = [name for name in rig.calls() if name != "token"]
    assert rig.budget.units["minute"] == rig.budget.units["day"] == len(called)
    assert set(rig.budget.taken) == set(MANIFEST.rates)


def test_our_budget_never_spends_more_than_xero_gives() -> None:
    minute, day = MANIFEST.rates["minute"], MANIFEST.rates["day"]

    assert minute.burst + 60 * minute.per_s <= 60
    assert day.burst + 86_400 * day.per_s <= 5000.001


def test_a_minute_that_is_spent_says_when(rig: Rig) -> None:
    with pytest.raises(RateLimited) as limited:
        for _ in range(80):
            rig.ledger.accounts()

    assert limited.value.facts["operation"] == "minute"
    assert 0 < limited.value.wait_s <= 60
    rig.clock.forward(seconds=limited.value.wait_s)
    assert rig.ledger.accounts()


def test_a_day_that_is_spent_waits_until_it_ends(rig: Rig) -> None:
    rig.simulator.arrange("starter", {})
    rig.simulator.state["day"] = [START.date().isoformat(), 999]
    rig.ledger.accounts()

    with pytest.raises(RateLimited) as limited:
        rig.ledger.accounts()

    assert (limited.value.facts["operation"], limited.value.wait_s) == ("day", 9 * 3600 + 1)  # from 15 o'clock to midnight
    assert "day" in rig.budget.learned


def test_a_smaller_tier_has_a_smaller_day() -> None:
    assert Rig(MANIFEST, calls_a_day=1000).budget.learned == ["day"]


def test_too_many_at_once_come_again_soon(rig: Rig) -> None:
    rig.simulator.arrange("busy", {"times": 1})

    with pytest.raises(RateLimited) as limited:
        rig.ledger.accounts()

    assert (limited.value.facts["operation"], limited.value.wait_s) == ("concurrent", 1)


def test_what_a_look_did_not_reach_is_left_out(rig: Rig) -> None:
    ids = [rig.ledger.post(journal(rig, f"CD-J-{turn}"), named(turn, 5)).id for turn in range(2)]
    rig.fail("429", "getManualJournal")
    rig.world.faults[0].after = 1

    assert list(rig.ledger.look(DocKind.JOURNAL, ids)) == ids[:1]


@every_kind
def test_what_xero_does_not_know_is_gone(rig: Rig, kind: DocKind) -> None:
    assert rig.ledger.look(kind, [named(77)])[named(77)].gone


# ---- the simulator is as strict as Xero


def said_to(rig: Rig, method: str, path: str, body: Any, key: str = KEY) -> requests.Response:
    session = requests.Session()
    session.mount("http://", InProcess(rig.stage))
    token = rig.tokens.access(rig.ledger._client._fresh)  # type: ignore[attr-defined]
    headers = {"Authorization": f"Bearer {token}", "Xero-Tenant-Id": rig.kit.account, "Idempotency-Key": key}
    return session.request(method, f"http://sim.test/xero/api.xro/2.0/{path}", json=body, headers=headers)


@pytest.mark.parametrize(
    "wrong",
    [{"Type": "SALE"}, {"LineItems": "two"}, {"Tpye": "ACCREC"}, {"CurrencyRate": "1.0"}, {"Status": "DONE"}],
    ids=lambda wrong: next(iter(wrong)),
)
def test_what_the_schema_does_not_have_is_refused(rig: Rig, wrong: dict[str, Any]) -> None:
    good: dict[str, Any] = {
        "Type": "ACCREC",
        "Contact": {"Name": "Ann"},
        "Date": "2026-11-17",
        "DueDate": "2026-11-17",
        "Status": "AUTHORISED",
    }
    line = {"Description": "Mug", "AccountCode": "200", "LineAmount": 1, "UnitAmount": 1, "TaxType": "NONE"}
    good["LineItems"] = [line]

    assert said_to(rig, "PUT", "Invoices", {"Invoices": [{**good, **wrong}]}).status_code == 400
    assert said_to(rig, "PUT", "Invoices", {"Invoices": [good]}).status_code == 200


def test_the_same_key_for_something_else_is_refused(rig: Rig) -> None:
    rig.ledger.post(bill(rig), KEY)

    with pytest.raises(Refused):
        rig.ledger.post(bill(rig, "CD-B-2"), KEY)
    assert len(standing(rig, DocKind.BILL)) == 1


def test_a_line_that_was_multiplied_wrong_is_refused(rig: Rig) -> None:
    line = {"Description": "Mug", "AccountCode": "200", "Quantity": 3, "UnitAmount": 3.33, "LineAmount": 10, "TaxType": "NONE"}
    body = {"Type": "ACCREC", "Contact": {"Name": "Ann"}, "Date": "2026-11-17", "DueDate": "2026-11-17", "LineItems": [line]}

    answer = said_to(rig, "PUT", "Invoices", {"Invoices": [body]})

    assert "does not match" in words.told(read_json(answer.content))


def test_the_books_are_plain_json(rig: Rig) -> None:
    for kind in CREATES:
        if kind not in (DocKind.PAYMENT, DocKind.REPAYMENT):
            rig.ledger.post(a_document(rig, kind), named(len(rig.world.log)))

    assert json.loads(json.dumps(rig.simulator.state)) == rig.simulator.state


# ---- consent


def consent(rig: Rig, wish: dict[str, str], agree: str = "1") -> dict[str, str]:
    """What a person comes back with."""
    assert MANIFEST.consents is not None
    address = MANIFEST.consents(rig.kit).address(wish, "a-state", "https://hub.test/consents/xero/back")
    session = requests.Session()
    session.mount("http://", InProcess(rig.stage))
    assert session.get(address).status_code == 200
    answer = session.post(address, data={"agree": agree}, allow_redirects=False)
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


def granted(rig: Rig, wish: dict[str, str], agree: str = "1") -> Any:
    query = consent(rig, wish, agree)
    assert query["state"] == "a-state"
    assert MANIFEST.consents is not None
    return MANIFEST.consents(rig.kit).granted(query, wish, "https://hub.test/consents/xero/back")


def test_a_consent_connects_the_organisation(rig: Rig) -> None:
    found = granted(rig, {})

    assert (found.account, found.label) == (rig.kit.account, "Crossdock Demo Company (US)")
    assert found.fresh.login["refresh_token"]
    assert found.fresh.until == START + timedelta(days=60)


def test_of_several_organisations_the_person_says_which(rig: Rig) -> None:
    rig.simulator.befall("second", {})  # type: ignore[attr-defined]

    with pytest.raises(Refused, match="several organisations"):
        granted(rig, {})
    assert granted(rig, {"account": "second demo company (us)"}).label == "Second Demo Company (US)"
    assert granted(rig, {"account": rig.kit.account}).account == rig.kit.account
    with pytest.raises(Forged):
        granted(rig, {"account": "Somebody else's"})


def test_a_person_who_declines_connects_nothing(rig: Rig) -> None:
    with pytest.raises(Refused):
        granted(rig, {}, agree="")


def test_a_consent_needs_our_own_keys(rig: Rig) -> None:
    assert MANIFEST.consents is not None
    assert MANIFEST.consents(rig.kit).lacks() == ""
    assert MANIFEST.consents(replace(rig.kit, app={"client_id": "c"})).lacks() == "client_secret"


# ---- webhooks


def door(rig: Rig) -> Any:
    assert MANIFEST.webhooks is not None
    return MANIFEST.webhooks(rig.kit)


def signed(rig: Rig, body: bytes) -> dict[str, str]:
    return {"x-xero-signature": base64.b64encode(hmac.new(rig.kit.app["webhook_key"].encode(), body, sha256).digest()).decode()}


def test_a_change_in_the_books_is_told_and_its_signature_holds(rig: Rig) -> None:
    rig.world.post.url = "http://hub.test/webhooks/xero"
    posted = rig.ledger.post(sale(rig, DocKind.INVOICE), KEY)
    [delivery] = rig.world.outbox

    notice = door(rig).notice(delivery.body, {name.lower(): value for name, value in delivery.headers.items()}, "/webhooks/xero")

    assert (notice.about, notice.account, notice.document, notice.topic) == (About.BOOKS, rig.kit.account, posted.id, "invoice.create")
    assert notice.revision == START


def test_intent_to_receive_is_answered_as_xero_wants(rig: Rig) -> None:
    rig.world.post.url = "http://hub.test/webhooks/xero"
    rig.simulator.befall("intent", {})  # type: ignore[attr-defined]
    good, bad = rig.world.outbox

    notice = door(rig).notice(good.body, {name.lower(): value for name, value in good.headers.items()}, "")

    assert (notice.about, notice.account) == (About.COMPLIANCE, "")  # the one kind that is answered 200 though it is about nobody
    with pytest.raises(Forged):
        door(rig).notice(bad.body, {name.lower(): value for name, value in bad.headers.items()}, "")
    assert MANIFEST.refusal == 401


@pytest.mark.parametrize("said", ["", "not base64", "é"])
def test_another_signature_is_forged(rig: Rig, said: str) -> None:
    with pytest.raises(Forged):
        door(rig).notice(b'{"events":[]}', {"x-xero-signature": said}, "")


def test_without_our_key_everything_is_forged(rig: Rig) -> None:
    body = b'{"events":[]}'
    kit = replace(rig.kit, app={})
    empty = {"x-xero-signature": base64.b64encode(hmac.new(b"", body, sha256).digest()).decode()}

    assert MANIFEST.webhooks is not None
    with pytest.raises(Forged):
        MANIFEST.webhooks(kit).notice(body, empty, "")


def event(document: str, tenant: str, category: str = "INVOICE") -> dict[str, str]:
    said = {"resourceId": document, "tenantId": tenant, "eventCategory": category, "eventType": "UPDATE"}
    return {**said, "eventDateUtc": "2026-11-18T15:00:00.123"}


def test_several_organisations_and_documents_of_one_body_are_all_named(rig: Rig) -> None:
    events = [event("a", "t1"), event("b", "t2"), event("c", "t2"), event("d", "t3", "CONTACT"), event("e", "t1", "CONTACT")]
    body = json.dumps({"events": events}).encode()

    told = door(rig).notices(body, signed(rig, body), "")

    assert [(one.account, one.about, one.document) for one in told] == [
        ("t1", About.BOOKS, "a"),
        ("t2", About.BOOKS, ""),
        ("t3", About.OTHER, ""),
    ]
    assert len({one.delivery for one in told}) == 3
    assert door(rig).notice(body, signed(rig, body), "") == told[0]


@pytest.mark.parametrize("body", [b"[]", b'{"events":{}}', b'{"events":[7]}', b'{"events":[{}]}', b'{"events":[{"tenantId":"t"}]}'])
def test_a_signed_body_that_is_something_else_is_not_understood(rig: Rig, body: bytes) -> None:
    with pytest.raises(BadPayload):
        door(rig).notice(body, signed(rig, body), "")


# ---- answers that we do not understand


@pytest.mark.parametrize("field", ["InvoiceID", "Total", "TotalTax", "Date", "LineItems", "Contact"])
def test_an_invoice_without_what_we_rely_on_is_not_understood(rig: Rig, field: str) -> None:
    rig.ledger.post(sale(rig, DocKind.INVOICE), KEY)
    answer = said_to(rig, "GET", "Invoices?page=1", None)
    [said] = read_json(answer.content)["Invoices"]

    for broken in ({name: value for name, value in said.items() if name != field}, {**said, field: 7.5 if field == "LineItems" else None}):
        with pytest.raises(BadPayload):
            normalize.posted(broken, DocKind.INVOICE, "USD", "")


# ---- Xero's own contract


def tour(rig: Rig) -> None:
    """Every call that the connector can make."""
    granted(rig, {})
    rig.ledger.probe()
    rig.ledger.tags()
    rig.ledger.tax_codes()
    for turn, kind in enumerate(CREATES):
        rig.clock.forward(minutes=1)
        document = replace(a_document(rig, kind), number=f"CD-{kind}")
        posted = rig.ledger.post(document, named(turn, 5))
        rig.ledger.look(kind, [posted.id])
        rig.ledger.find(document, named(turn, 5))
        rig.ledger.void(kind, posted, named(turn, 6))
    off = replace(set_off(rig), number="CD-off")
    rig.ledger.void(DocKind.APPLIED, rig.ledger.post(off, named(1, 8)), named(2, 8))
    every(rig, START)


def test_the_manifest_names_every_call() -> None:
    rig = Rig(MANIFEST, limits="relaxed")

    tour(rig)

    assert set(rig.calls()) == set(MANIFEST.calls)


@pytest.mark.contracts
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")  # the oracle leaves files open
def test_every_exchange_of_a_tour_holds_against_xeros_own_contract() -> None:
    oracle = load()
    if oracle is None:
        pytest.skip("the vendors' contracts are not here")
    rig = Rig(MANIFEST, limits="relaxed")

    tour(rig)

    lines = [json.loads(line) for line in rig.recorder.getvalue().splitlines()]
    checked = [(line["path"], *oracle.check(line)) for line in lines]
    assert len(lines) > 40
    assert [path for path, operation, _ in checked if operation is None] == []
    assert {f"{operation}: {text}" for _, operation, texts in checked for text in texts} == set()
