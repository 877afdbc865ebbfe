"""QuickBooks Online against its simulator: names, taxes, faults, consent, notices, limits."""

import base64
import hmac
import json
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from hashlib import sha256
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.http import write_json
from connectors.quickbooks import MANIFEST, normalize, render
from connectors.quickbooks.client import Client, quoted
from connectors.quickbooks.consents import QuickBooksConsents
from connectors.quickbooks.simulated_rules import Fault
from connectors.quickbooks.simulator import APP, REALM, signed
from connectors.quickbooks.tables import ENTITIES, MINOR_VERSION, why
from connectors.quickbooks.webhooks import QuickBooksWebhooks
from core.domain.ledgers import DocKind, DocLine, Document, Sort, TaxIs, Why
from core.domain.money import Money
from core.errors import AccessLost, BadPayload, Forged, OutcomeUnknown, RateLimited, Refused, Unsupported
from core.ports import About
from tests.contract import oracle as judges
from tests.contract.ledgers import DAY, KEY, START, Rig, journal, sale

OTHER = KEY[::-1]


@pytest.fixture
def rig() -> Rig:
    return Rig(MANIFEST)


def british(country: str = "GB") -> Rig:
    rig = Rig(MANIFEST)
    rig.simulator.arrange("country", {"country": country})
    return rig


def raw(rig: Rig, kind: DocKind = DocKind.RECEIPT) -> dict[str, Any]:
    """The last document as the books hold it."""
    rows = rig.simulator.state["documents"][ENTITIES[kind]]
    found: dict[str, Any] = rows[max(rows, key=int)]
    return found


# ---- names: items and contacts


def test_a_line_sells_the_item_of_its_account_which_is_made_once(rig: Rig) -> None:
    for n in range(3):
        rig.made().post(sale(rig, DocKind.RECEIPT, f"CD-{n}"), f"{n:032x}")

    assert [one["IncomeAccountRef"]["value"] for one in rig.simulator.state["listed"]["Item"].values()] == ["1"]
    assert [one["DisplayName"] for one in rig.simulator.state["listed"]["Customer"].values()] == ["Shopify buyers"]


def test_a_contact_has_one_customer_for_each_currency(rig: Rig) -> None:
    for n, currency in enumerate(("USD", "EUR", "USD", "EUR")):
        document = sale(rig, DocKind.INVOICE, f"CD-{n}")
        lines = tuple(replace(line, amount=Money(line.amount.minor, currency), tax=Money(0, currency)) for line in document.lines)
        made = rig.made().post(replace(document, currency=currency, lines=lines, rate=Decimal("1.085")), f"{n:032x}")
        assert made.total == Money(4200, currency)

    known = {one["DisplayName"]: one["CurrencyRef"]["value"] for one in rig.simulator.state["listed"]["Customer"].values()}
    assert known == {"Shopify buyers": "USD", "Shopify buyers (EUR)": "EUR"}
    assert raw(rig, DocKind.INVOICE)["ExchangeRate"] == "1.085"


def test_a_customer_who_is_called_like_a_vendor_gets_another_name(rig: Rig) -> None:
    bill = bill_of(rig, contact="Shopify buyers")
    rig.ledger.post(bill, KEY)

    for n in range(2):
        rig.made().post(sale(rig, DocKind.INVOICE, f"CD-{n}"), f"{n:032x}")

    assert [one["DisplayName"] for one in rig.simulator.state["listed"]["Customer"].values()] == ["Shopify buyers - customer"]


def test_a_name_that_was_taken_in_the_meantime_is_looked_at_again(rig: Rig) -> None:
    client = Client(rig.kit)
    document = sale(rig, DocKind.INVOICE)
    real, first = rig.simulator._create, list[str]()

    def raced(entity: str, body: dict[str, Any], key: str) -> dict[str, Any]:
        if entity == "Customer" and not first:
            first.append(real(entity, dict(body), "another")["Id"])
        return real(entity, body, key)

    rig.simulator._create = raced  # type: ignore[method-assign]
    rig.ledger.post(document, KEY)

    assert raw(rig, DocKind.INVOICE)["CustomerRef"]["value"] == first[0]
    assert len(list(client.every("Customer"))) == 1


def test_a_contact_that_was_made_inactive_is_declined(rig: Rig) -> None:
    rig.ledger.post(sale(rig, DocKind.INVOICE), KEY)
    next(iter(rig.simulator.state["listed"]["Customer"].values()))["Active"] = False

    with pytest.raises(Refused) as caught:
        rig.made().post(sale(rig, DocKind.INVOICE, "CD-2"), OTHER)

    assert caught.value.facts["reason"] is Why.CONTACT


def test_an_item_that_somebody_moved_to_another_account_is_not_sold(rig: Rig) -> None:
    rig.ledger.post(sale(rig, DocKind.RECEIPT), KEY)
    next(iter(rig.simulator.state["listed"]["Item"].values()))["IncomeAccountRef"]["value"] = "80"

    with pytest.raises(Refused) as caught:
        rig.made().post(sale(rig, DocKind.RECEIPT, "CD-2"), OTHER)

    assert caught.value.facts["reason"] is Why.ACCOUNT


def test_names_that_quickbooks_does_not_take_are_written_so_that_it_does(rig: Rig) -> None:
    odd = 'O\'Neill: "shop"\t\\ & sons ' + "x" * 200

    for n in range(2):
        rig.made().post(sale(rig, DocKind.INVOICE, f"CD-{n}", contact=odd), f"{n:032x}")

    [known] = rig.simulator.state["listed"]["Customer"].values()
    assert known["DisplayName"].startswith('O\'Neill "shop" \\ & sons x') and len(known["DisplayName"]) <= 100


# ---- documents


def bill_of(rig: Rig, **different: Any) -> Document:
    fees = rig.account(Sort.EXPENSE)
    lines = (DocLine(fees.id, Money(1234, rig.currency), "Fees of November"),)
    made: dict[str, Any] = {"contact": "Shopify", "due": DAY, **different}
    return Document(DocKind.BILL, "CD-B-1", DAY, rig.currency, lines, **made)


def transfer_of(rig: Rig) -> Document:
    from_, to = rig.account(Sort.ASSET, pays=True).id, rig.account(Sort.BANK, pays=True).id
    return Document(DocKind.TRANSFER, "CD-T-1", DAY, rig.currency, out_of=from_, into=to, amount=Money(98765, rig.currency), memo="Payout")


@pytest.mark.parametrize("make", [bill_of, transfer_of])
def test_a_bill_and_a_transfer_are_posted_found_and_taken_back(rig: Rig, make: Any) -> None:
    document = make(rig)
    assert rig.ledger.find(document, KEY) is None

    first, again = rig.ledger.post(document, KEY), rig.made().post(document, KEY)

    assert first == again == rig.made().find(document, KEY)
    assert (first.number, first.total) == (document.number, document.total)
    assert rig.ledger.void(document.kind, first, OTHER).gone
    assert rig.ledger.find(document, KEY) is None


def set_off(rig: Rig, cents: int = 1000, **different: Any) -> Document:
    """A credit of 20 against an invoice of 42 that nobody paid."""
    invoice = rig.ledger.post(sale(rig, DocKind.INVOICE, "CD-1000"), "1" * 32)
    credit = rig.ledger.post(sale(rig, DocKind.CREDIT, "CD-2000", 2000, **different), "2" * 32)
    return Document(DocKind.APPLIED, "CD-A-1", DAY, "USD", of=invoice.id, by=credit.id, amount=Money(cents, "USD"))


def balances(rig: Rig) -> list[str]:
    return [str(raw(rig, kind)["Balance"]) for kind in (DocKind.INVOICE, DocKind.CREDIT)]


def applied(rig: Rig) -> list[tuple[str, str]]:
    return [(one["number"], one["total"]) for one in rig.simulator.documents() if one["kind"] == "applied" and not one["gone"]]


def test_a_credit_is_set_against_an_invoice_by_a_payment_of_nothing(rig: Rig) -> None:
    document = set_off(rig)
    assert rig.ledger.find(document, KEY) is None

    posted = rig.ledger.post(document, KEY)

    payment = raw(rig, DocKind.APPLIED)
    assert (payment["TotalAmt"], "DepositToAccountRef" in payment) == ("0", False)
    assert [link["TxnType"] for line in payment["Line"] for link in line["LinkedTxn"]] == ["Invoice", "CreditMemo"]
    assert (posted.number, posted.total.text(), posted.tax.text()) == ("CD-A-1", "10.00", "0.00")
    assert balances(rig) == ["32.00", "10.00"]
    assert posted == rig.made().find(document, KEY) == rig.ledger.look(DocKind.APPLIED, [posted.id])[posted.id]


@pytest.mark.parametrize(("fault", "there"), [("cut_after", True), ("cut_before", False)])
def test_a_lost_answer_never_sets_a_credit_against_an_invoice_twice(rig: Rig, fault: str, there: bool) -> None:
    document = set_off(rig)
    rig.fail(fault, "createPayment")
    with pytest.raises(OutcomeUnknown):
        rig.ledger.post(document, KEY)

    assert (rig.ledger.find(document, KEY) is not None) is there
    rig.ledger.post(document, KEY)

    assert applied(rig) == [("CD-A-1", "10.00")]
    assert balances(rig) == ["32.00", "10.00"]


def test_a_credit_that_is_taken_off_an_invoice_leaves_both_open(rig: Rig) -> None:
    posted = rig.ledger.post(set_off(rig), KEY)

    assert rig.ledger.void(DocKind.APPLIED, posted, OTHER).gone

    assert (applied(rig), balances(rig)) == ([], ["42.00", "20.00"])


def test_no_more_is_set_off_than_the_credit_has_left_or_the_invoice_owes(rig: Rig) -> None:
    document = set_off(rig, 2001)
    small = rig.ledger.post(sale(rig, DocKind.INVOICE, "CD-1001", 600), "3" * 32)

    for wrong in (document, replace(document, of=small.id, amount=Money(601, "USD"))):
        with pytest.raises(Refused) as refused:
            rig.ledger.post(wrong, KEY)
        assert (refused.value.facts["code"], refused.value.facts["reason"]) == ("6000", Why.PAID)


def test_a_credit_is_never_set_against_another_customers_invoice(rig: Rig) -> None:
    document = set_off(rig, contact="Somebody else")

    with pytest.raises(Refused) as refused:
        rig.ledger.post(document, KEY)

    assert refused.value.facts["reason"] is Why.CONTACT


def test_money_that_is_given_back_for_a_credit_has_no_words_here(rig: Rig) -> None:
    assert DocKind.REPAYMENT not in rig.kinds
    with pytest.raises(Unsupported):
        rig.ledger.post(replace(transfer_of(rig), kind=DocKind.REPAYMENT), KEY)


def test_a_journal_names_its_contact_where_it_is_owed(rig: Rig) -> None:
    owed = rig.account(Sort.RECEIVABLE).id
    document = journal(rig)
    lines = (replace(document.lines[0], account=owed), document.lines[1])

    rig.ledger.post(replace(document, lines=lines, contact="Shopify"), KEY)

    details = [line["JournalEntryLineDetail"] for line in raw(rig, DocKind.JOURNAL)["Line"]]
    assert [detail.get("Entity", {}).get("Type") for detail in details] == ["Customer", None]


def test_a_journal_that_owes_without_saying_whom_is_declined(rig: Rig) -> None:
    document = journal(rig)
    lines = (replace(document.lines[0], account=rig.account(Sort.RECEIVABLE).id), document.lines[1])

    with pytest.raises(Refused) as caught:
        rig.ledger.post(replace(document, lines=lines), KEY)

    assert caught.value.facts["reason"] in (Why.ACCOUNT, Why.CONTACT) and "customer" in caught.value.words


def test_classes_stand_on_lines_and_the_location_on_the_document(rig: Rig) -> None:
    kinds = {one.of: one for one in rig.ledger.tags()}
    document = sale(rig, DocKind.RECEIPT)

    rig.ledger.post(replace(document, lines=tuple(replace(line, tags=tuple(kinds.values())) for line in document.lines)), KEY)

    held = raw(rig)
    assert held["DepartmentRef"]["value"] == kinds["department"].id
    assert held["Line"][0]["SalesItemLineDetail"]["ClassRef"]["value"] == kinds["class"].id


@pytest.mark.parametrize(("quantity", "cents", "units"), [(2, 4000, 2), (3, 4000, 1), (1, 4000, 1), (3, 3999, 3)])
def test_an_amount_is_always_quantity_times_price(rig: Rig, quantity: int, cents: int, units: int) -> None:
    document = sale(rig, DocKind.RECEIPT)
    line = replace(document.lines[0], amount=Money(cents, "USD"), quantity=quantity)

    rig.ledger.post(replace(document, lines=(line,)), KEY)

    held = raw(rig)["Line"][0]
    assert held["SalesItemLineDetail"]["Qty"] == str(units)
    assert held["Description"].startswith("3 x ") is (quantity == 3 and units == 1)


def test_a_number_under_another_key_is_another_document(rig: Rig) -> None:
    rig.ledger.post(sale(rig, DocKind.RECEIPT), KEY)

    with pytest.raises(Refused) as caught:
        rig.ledger.find(sale(rig, DocKind.RECEIPT), OTHER)

    assert caught.value.facts["reason"] is Why.DUPLICATE


def test_a_document_whose_note_was_wiped_is_still_ours_by_number_and_total(rig: Rig) -> None:
    made = rig.ledger.post(sale(rig, DocKind.RECEIPT), KEY)
    raw(rig)["PrivateNote"] = ""

    found = rig.ledger.find(sale(rig, DocKind.RECEIPT), KEY)

    assert found is not None and found.id == made.id


def test_what_intuit_no_longer_remembers_by_its_request_is_known_by_its_number(rig: Rig) -> None:
    made = rig.ledger.post(sale(rig, DocKind.RECEIPT), KEY)
    rig.simulator.state["requests"].clear()

    assert rig.ledger.post(sale(rig, DocKind.RECEIPT), KEY) == made
    assert len(rig.simulator.documents()) == 1


def test_what_changed_there_between_a_look_and_a_void_is_stale(rig: Rig) -> None:
    made = rig.ledger.post(sale(rig, DocKind.RECEIPT), KEY)

    with pytest.raises(Refused) as caught:
        Client(rig.kit).void("SalesReceipt", made.id, "7", OTHER)

    assert caught.value.facts["reason"] is Why.STALE and caught.value.facts["code"] == "5010"


# ---- tax


def vat(rig: Rig, name: str) -> str:
    return next(one.id for one in rig.ledger.tax_codes() if one.name == name)


def test_tax_codes_have_their_whole_rate() -> None:
    assert {one.name: (one.rate, one.reverse) for one in british().ledger.tax_codes()} == {
        "20.0% S": (Decimal(20), False),
        "5.0% R": (Decimal(5), False),
        "0.0% Z": (Decimal(0), False),
        "20.0% RC SG": (Decimal(0), True),
    }
    assert {one.rate for one in british("CA").ledger.tax_codes()} == {Decimal("14.975"), Decimal(0)}


def test_what_is_taxed_in_the_united_states_comes_to_what_we_say(rig: Rig) -> None:
    document = sale(rig, DocKind.RECEIPT)
    lines = (replace(document.lines[0], tax=Money(307, "USD")), document.lines[1])

    made = rig.ledger.post(replace(document, lines=lines), KEY)

    assert (made.tax, made.total) == (Money(307, "USD"), Money(4507, "USD"))
    assert [line["SalesItemLineDetail"]["TaxCodeRef"]["value"] for line in raw(rig)["Line"][:2]] == ["TAX", "NON"]


def test_what_is_not_taxed_in_the_united_states_is_left_alone(rig: Rig) -> None:
    made = rig.ledger.post(sale(rig, DocKind.RECEIPT), KEY)

    assert (made.tax, made.total) == (Money(0, "USD"), Money(4200, "USD"))


@pytest.mark.parametrize("mode", [TaxIs.ON_TOP, TaxIs.INSIDE])
@pytest.mark.parametrize("off", [-2, 0, 2])
def test_tax_elsewhere_is_agreed_to_the_cent(mode: TaxIs, off: int) -> None:
    rig = british()
    tax = Money(740 + off, "GBP")
    amount = Money(3700, "GBP") + (tax if mode is TaxIs.INSIDE else Money(0, "GBP"))
    line = DocLine(rig.account(Sort.INCOME).id, amount, "Mug", 1, vat(rig, "20.0% S"), tax)
    document = replace(sale(rig, DocKind.INVOICE), lines=(line,), tax_is=mode)

    made = rig.ledger.post(document, KEY)

    assert (made.tax, made.total) == (tax, Money(3700, "GBP") + tax) == (document.tax, document.total)


@pytest.mark.parametrize(("name", "tax", "said"), [("20.0% S", 247, {"6": "2.47"}), ("20.0% RC SG", 0, {"15": "2.47", "16": "-2.47"})])
def test_a_bill_says_its_tax_by_the_rates_of_purchases_and_under_reverse_charge_both_sides(name: str, tax: int, said: Any) -> None:
    rig = british()
    line = DocLine(rig.account(Sort.EXPENSE).id, Money(1234, "GBP"), "Postage", 1, vat(rig, name), Money(tax, "GBP"), bought=True)

    made = rig.ledger.post(replace(bill_of(rig), lines=(line,), tax_is=TaxIs.ON_TOP), KEY)

    assert (made.tax.minor, made.total.minor) == (tax, 1234 + tax)
    lines = raw(rig, DocKind.BILL)["TxnTaxDetail"]["TaxLine"]
    assert {one["TaxLineDetail"]["TaxRateRef"]["value"]: str(one["Amount"]) for one in lines} == said


def test_a_carriers_bill_whose_tax_leaves_the_account_of_fees_comes_to_what_was_billed() -> None:
    rig = british()
    owed, taxes, charged, none = rig.account(Sort.LIABILITY).id, rig.account(Sort.EXPENSE).id, vat(rig, "20.0% S"), vat(rig, "0.0% Z")
    parts = ((owed, 1050, charged, 210), (owed, 710, none, 0), (taxes, -210, none, 0))
    lines = tuple(DocLine(at, Money(net, "GBP"), "UPS 77", 1, code, Money(tax, "GBP"), bought=True) for at, net, code, tax in parts)

    made = rig.ledger.post(replace(bill_of(rig), lines=lines, tax_is=TaxIs.ON_TOP), KEY)

    assert (made.tax.minor, made.total.minor) == (210, 1760)


def test_a_code_of_two_rates_shares_its_tax() -> None:
    rig = british("CA")
    line = DocLine(rig.account(Sort.INCOME).id, Money(10_000, "CAD"), "Mug", 1, "2", Money(1498, "CAD"))

    made = rig.ledger.post(replace(sale(rig, DocKind.INVOICE), lines=(line,)), KEY)

    assert (made.tax, made.total) == (Money(1498, "CAD"), Money(11_498, "CAD"))


@pytest.mark.parametrize("code", ["", "999"])
def test_a_line_without_a_code_that_is_known_is_declined_elsewhere(code: str) -> None:
    rig = british()
    line = DocLine(rig.account(Sort.INCOME).id, Money(3700, "GBP"), "Mug", 1, code, Money(0, "GBP"))

    with pytest.raises(Refused) as caught:
        rig.ledger.post(replace(sale(rig, DocKind.INVOICE), lines=(line,)), KEY)

    assert caught.value.facts["reason"] is Why.TAX


def test_a_bill_in_the_united_states_holds_its_tax_in_what_it_costs(rig: Rig) -> None:
    bill = bill_of(rig)

    made = rig.ledger.post(replace(bill, tax_is=TaxIs.ON_TOP, lines=(replace(bill.lines[0], tax=Money(100, "USD")),)), KEY)

    assert (made.total, made.tax) == (Money(1334, "USD"), Money(0, "USD"))


LINES = st.lists(
    st.tuples(st.integers(1, 500_000), st.integers(1, 9), st.sampled_from(["20.0% S", "5.0% R", "0.0% Z"])), min_size=1, max_size=6
)
PERCENT = {"20.0% S": 20, "5.0% R": 5, "0.0% Z": 0}


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(LINES, st.sampled_from([TaxIs.ON_TOP, TaxIs.INSIDE, TaxIs.NONE]), st.sampled_from([DocKind.RECEIPT, DocKind.REFUND, DocKind.CREDIT]))
def test_any_document_comes_back_with_its_total_to_the_cent(lines: list[tuple[int, int, str]], mode: TaxIs, kind: DocKind) -> None:
    rig = british()
    income, codes = rig.account(Sort.INCOME).id, {one.name: one.id for one in rig.ledger.tax_codes()}
    made = []
    for cents, quantity, code in lines:
        tax = Money(0 if mode is TaxIs.NONE else round(cents * PERCENT[code] / 100), "GBP")  # each line rounded for itself
        amount = Money(cents, "GBP") + (tax if mode is TaxIs.INSIDE else Money(0, "GBP"))
        made.append(DocLine(income, amount, "Goods", quantity, codes[code], tax))
    document = replace(sale(rig, kind), lines=tuple(made), tax_is=mode)

    posted = rig.ledger.post(document, KEY)

    assert (posted.total, posted.tax) == (document.total, document.tax)
    assert rig.made().find(document, KEY) == posted


# ---- faults


@pytest.mark.parametrize(
    ("code", "words", "reason"),
    [
        ("6140", "Duplicate Document Number Error", Why.DUPLICATE),
        ("6240", "Duplicate Name Exists Error", Why.CONTACT),
        ("610", "Object Not Found : Something you're trying to use has been made inactive.", Why.ACCOUNT),
        ("2500", "Invalid Reference Id : Accounts element id 999 not found", Why.ACCOUNT),
        ("2500", "Invalid Reference Id : Names element id 999 not found", Why.CONTACT),
        ("2500", "Invalid Reference Id : TaxCode element id 999 not found", Why.TAX),
        ("6000", "Business Validation Error: Make sure all your transactions have a VAT rate before you save.", Why.TAX),
        ("6000", "Business Validation Error: Transaction is not in balance.", Why.UNBALANCED),
        ("6000", "Business Validation Error: The books are closed.", Why.CLOSED),
        ("6000", "Business Validation Error: The currency is invalid for the customer.", Why.CURRENCY),
        ("6210", "Account Period Closed", Why.CLOSED),
        ("6190", "Invalid Company Status: subscription period has ended", Why.PLAN),
        ("5010", "Stale Object Error", Why.STALE),
        ("2010", "Request has invalid or unsupported property", Why.OTHER),
    ],
)
def test_a_fault_says_why(rig: Rig, code: str, words: str, reason: Why, monkeypatch: pytest.MonkeyPatch) -> None:
    document = journal(rig)

    def declines(*_: Any) -> None:
        raise Fault(code, words)

    monkeypatch.setattr(rig.simulator, "_create", declines)
    with pytest.raises(Refused) as caught:
        rig.ledger.post(document, KEY)

    assert (caught.value.facts["reason"], caught.value.facts["code"], why(code, words)) == (reason, code, reason)
    assert words in caught.value.words and words not in str(caught.value)


def test_too_many_calls_wait_a_minute(rig: Rig) -> None:
    with pytest.raises(RateLimited) as caught:
        for _ in range(600):
            rig.ledger.accounts()

    assert caught.value.wait_s == 60.0
    rig.clock.forward(seconds=60)
    assert rig.ledger.accounts()


def test_a_fault_3001_is_a_limit_whatever_its_status(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rig.simulator, "_preferences", _raise(Fault("003001", "ThrottleExceeded", status=400)))

    with pytest.raises(RateLimited) as caught:
        rig.ledger.probe()

    assert caught.value.wait_s == 60.0


def _raise(error: Exception) -> Any:
    def act(*_: Any) -> None:
        raise error

    return act


def test_another_companys_books_are_shut(rig: Rig) -> None:
    with pytest.raises(AccessLost):
        Client(replace(rig.kit, account="1234567")).company()


def test_every_call_is_paid_for_and_says_its_version(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    paid: Counter[str] = Counter()
    monkeypatch.setattr(rig.budget, "take", lambda operation, units=1.0: paid.update({operation: int(units)}))
    rig.ledger.post(sale(rig, DocKind.RECEIPT), KEY)

    calls = [name for name in rig.calls() if name != "token"]
    assert paid["minute"] == paid["second"] >= len(calls) > 1
    lines = [json.loads(line) for line in rig.recorder.getvalue().splitlines()]
    assert all(
        f"minorversion={MINOR_VERSION}" in str(line["query"]) or "minorversion" in json.dumps(line["query"])
        for line in lines
        if "/v3/" in line["path"]
    )


# ---- reading much


def test_a_long_list_is_read_page_after_page(rig: Rig) -> None:
    first = rig.simulator.state["listed"]["Account"]["85"]
    for n in range(2100):
        rig.simulator.state["listed"]["Account"][str(1000 + n)] = {**first, "Id": str(1000 + n), "Name": f"Cost {n}"}

    assert len({one.id for one in rig.ledger.accounts()}) == 2118


def test_changes_that_do_not_fit_one_answer_are_read_on(rig: Rig) -> None:
    made = rig.ledger.post(sale(rig, DocKind.INVOICE), KEY)
    held = raw(rig, DocKind.INVOICE)
    for n in range(1500):
        rig.simulator.state["documents"]["Invoice"][str(5000 + n)] = {**held, "Id": str(5000 + n), "DocNumber": f"X-{n}"}

    seen, cursor, pages = set[str](), None, 0
    while pages == 0 or cursor:
        page = rig.ledger.changed(START - timedelta(hours=1), cursor)
        seen, cursor, pages = seen | {one.id for _, one in page.items}, page.cursor, pages + 1

    assert len(seen) == 1501 and made.id in seen
    assert pages < 15


def test_changes_of_long_ago_are_asked_for_by_query(rig: Rig) -> None:
    made = rig.ledger.post(sale(rig, DocKind.INVOICE), KEY)
    rig.clock.forward(days=45)

    seen, cursor, pages = set[str](), None, 0
    while pages == 0 or cursor:
        page = rig.ledger.changed(START - timedelta(hours=1), cursor)
        seen, cursor, pages = seen | {one.id for _, one in page.items}, page.cursor, pages + 1

    assert made.id in seen


def test_what_was_deleted_is_told_as_gone(rig: Rig) -> None:
    made = rig.ledger.post(sale(rig, DocKind.INVOICE), KEY)
    rig.simulator.tamper(made.id, "delete", {})

    told = {one.id: one for _, one in rig.ledger.changed(START - timedelta(hours=1), None).items}

    assert told[made.id].gone and rig.ledger.look(DocKind.INVOICE, [made.id])[made.id].gone


def test_an_amount_is_the_same_however_it_is_written() -> None:
    def body(amount: Any) -> dict[str, Any]:
        line = {"Amount": amount, "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": {"ItemRef": {"value": "4"}}}
        return {"Id": "1", "TxnDate": "2026-11-17", "TotalAmt": amount, "Line": [line, {"DetailType": "SubTotalLineDetail", "Amount": 35}]}

    shapes = {normalize.shape("Invoice", body(amount)) for amount in (35, Decimal("35.0"), "35.00")}

    assert len(shapes) == 1 and normalize.shape("Invoice", body(36)) not in shapes


@pytest.mark.parametrize("missing", ["Id", "SyncToken", "TotalAmt"])
def test_a_document_without_what_we_rely_on_is_a_bad_payload_that_names_it(missing: str) -> None:
    body = {"Id": "1", "SyncToken": "0", "TotalAmt": 35, "TxnDate": "2026-11-17", "Line": []}
    del body[missing]

    with pytest.raises(BadPayload, match=missing):
        normalize.posted("Invoice", body, "USD", "https://app")


# ---- the login


def test_the_refresh_token_that_came_back_is_the_one_that_is_used(rig: Rig) -> None:
    first = rig.tokens.login["refresh_token"]
    for _ in range(4):
        rig.ledger.probe()
        rig.clock.forward(hours=25)

    assert rig.tokens.login["refresh_token"] != first and rig.ledger.probe()
    assert rig.tokens.fresh is not None and rig.tokens.fresh.until == rig.clock() + timedelta(seconds=8_726_400)


def test_a_refresh_token_that_is_over_ends_the_access(rig: Rig) -> None:
    rig.tokens.login["refresh_token"] = "of yesteryear"

    with pytest.raises(AccessLost) as caught:
        rig.ledger.probe()

    assert "invalid_grant" in caught.value.words


def test_an_answer_that_is_lost_while_a_login_is_renewed_costs_nothing(rig: Rig) -> None:
    rig.ledger.probe()
    rig.clock.forward(hours=30)
    rig.fail("cut_after", "token")

    with pytest.raises(Exception, match="did not answer"):
        rig.ledger.probe()

    assert rig.ledger.probe()


def agree(rig: Rig) -> dict[str, str]:
    """Somebody agrees on Intuit's page; gives what they come back with."""
    from urllib.parse import parse_qsl, urlsplit

    page = QuickBooksConsents(rig.kit).address({}, "state-1", "https://hub.example/back")
    answer = rig.kit.http.send("POST", page, changes=False, data={"agree": "1"})
    return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))


def test_who_agrees_is_connected_with_their_company(rig: Rig) -> None:
    consents = QuickBooksConsents(rig.kit)
    query = agree(rig)

    granted = consents.granted(query, {}, "https://hub.example/back")

    assert query["state"] == "state-1" and consents.lacks() == ""
    assert (granted.account, granted.label) == (REALM, "Harbor Stoneware")
    assert granted.fresh.login["refresh_token"] == rig.simulator.credentials("x")["login"]["refresh_token"]


def test_a_company_that_the_token_is_not_for_is_forged(rig: Rig) -> None:
    for realm in ("1234567", "../1", ""):
        with pytest.raises(Forged):
            QuickBooksConsents(rig.kit).granted({**agree(rig), "realmId": realm}, {}, "https://hub.example/back")


def test_who_declines_is_not_connected(rig: Rig) -> None:
    with pytest.raises(Refused):
        QuickBooksConsents(rig.kit).granted({"error": "access_denied"}, {}, "https://hub.example/back")
    assert QuickBooksConsents(replace(rig.kit, app={})).lacks() == "client_id"


# ---- notices


def event(kind: str = "invoice", what: str = "updated", realm: str = REALM, document: str = "104", ident: str = "e-1") -> dict[str, Any]:
    names = {"specversion": "1.0", "source": "intuit.x", "datacontenttype": "application/json", "data": {}}
    about = {"type": f"qbo.{kind}.{what}.v1", "intuitentityid": document, "intuitaccountid": realm}
    return {**names, **about, "id": ident, "time": "2026-11-18T15:00:00.123Z"}


def heard(rig: Rig, body: Any, signature: str | None = None) -> Any:
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"intuit-signature": signed(sent) if signature is None else signature}
    return QuickBooksWebhooks(rig.kit).notice(sent, headers, "/webhooks/quickbooks")


def test_a_notice_names_the_document(rig: Rig) -> None:
    notice = heard(rig, [event()])

    assert (notice.about, notice.account, notice.document, notice.delivery, notice.topic) == (
        About.BOOKS,
        REALM,
        "104",
        "e-1",
        "invoice.updated",
    )
    assert notice.revision is not None


def test_the_old_notices_are_read_too(rig: Rig) -> None:
    entity = {"name": "SalesReceipt", "id": "7", "operation": "Update", "lastUpdated": "2015-10-05T14:42:19-0700"}
    notice = heard(rig, {"eventNotifications": [{"realmId": REALM, "dataChangeEvent": {"entities": [entity]}}]})

    assert (notice.about, notice.account, notice.document, notice.topic) == (About.BOOKS, REALM, "7", "salesreceipt.update")
    assert notice.delivery


def test_one_body_tells_of_several_companies(rig: Rig) -> None:
    body = json.dumps([event("customer", ident="a"), event(realm="77", ident="b"), event(document="105", ident="c")]).encode()

    found = QuickBooksWebhooks(rig.kit).notices(body, {"intuit-signature": signed(body)}, "")

    assert [(one.account, one.about, one.document) for one in found] == [
        (REALM, About.OTHER, ""),
        ("77", About.BOOKS, "104"),
        (REALM, About.BOOKS, "105"),
    ]
    assert len({one.delivery for one in found}) == 3
    assert heard(rig, body) == found[1], "a document comes first"


def test_a_forged_notice_is_forged(rig: Rig) -> None:
    body = json.dumps([event()]).encode()
    flipped = bytes([body[0], body[1] ^ 1]) + body[2:]
    wrong = base64.b64encode(hmac.new(b"another", body, sha256).digest()).decode()

    for sent, signature in ((flipped, signed(body)), (body, ""), (body, wrong), (body, "ü"), (b"", signed(body))):
        with pytest.raises(Forged):
            heard(rig, sent, signature)
    with pytest.raises(Forged):
        nobody = QuickBooksWebhooks(replace(rig.kit, app={}))
        nobody.notice(body, {"intuit-signature": base64.b64encode(hmac.new(b"", body, sha256).digest()).decode()}, "")


@pytest.mark.parametrize(
    "body", [b"", b"{", {}, [1], [{}], {"eventNotifications": [{}]}, [{**event(), "type": 7}], [{**event(), "intuitentityid": None}]]
)
def test_a_signed_body_that_says_nothing_is_a_bad_payload(rig: Rig, body: Any) -> None:
    with pytest.raises(BadPayload):
        heard(rig, body)


def test_an_empty_list_of_events_is_about_nothing(rig: Rig) -> None:
    assert heard(rig, []).about is About.OTHER


def test_what_happens_in_the_books_is_sent_and_understood(rig: Rig) -> None:
    from connectors.simulation import Post

    rig.world.post = Post(url="https://hub.example/webhooks/quickbooks")
    made = rig.ledger.post(journal(rig), KEY)
    rig.simulator.tamper(made.id, "edit", {})

    told = [
        QuickBooksWebhooks(rig.kit).notice(one.body, {name.lower(): said for name, said in one.headers.items()}, "")
        for one in rig.world.outbox
    ]

    assert [(one.topic, one.document) for one in told] == [("journalentry.created", made.id), ("journalentry.updated", made.id)]
    assert APP["verifier_token"] not in repr(told)


# ---- what the simulator refuses, and the vendor's own contract


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"Lines": []}, "2010"),
        ({"CustomerRef": "1"}, "2010"),
        ({"CustomerRef": {"value": 1}}, "2010"),
        ({"TotalAmt": "much"}, "2010"),
        ({"Line": []}, "2020"),
        ({"DocNumber": "x" * 22}, "2050"),
        ({"DepositToAccountRef": {"value": "79"}}, "6000"),
        ({"DepositToAccountRef": {"value": "nobody"}}, "2500"),
        ({"TxnDate": "17.11.2026"}, "2030"),
    ],
)
def test_the_simulator_refuses_what_the_schema_would(rig: Rig, change: dict[str, Any], code: str) -> None:
    means = render.Means("USD", True, _customer(rig), {"1": _item(rig)})
    body = {**render.body(sale(rig, DocKind.RECEIPT), KEY, means), **change}

    with pytest.raises(Refused) as caught:
        Client(rig.kit).create("SalesReceipt", body, OTHER)

    assert caught.value.facts["code"] == code and rig.simulator.documents() == []


def _customer(rig: Rig) -> str:
    return str(Client(rig.kit).create("Customer", {"DisplayName": "Shopify"}, "c")["Id"])


def _item(rig: Rig) -> str:
    return str(Client(rig.kit).create("Item", {"Name": "Mug", "Type": "Service", "IncomeAccountRef": {"value": "1"}}, "i")["Id"])


def test_an_amount_that_is_not_quantity_times_price_is_refused(rig: Rig) -> None:
    means = render.Means("USD", True, _customer(rig), {"1": _item(rig)})
    body = render.body(sale(rig, DocKind.RECEIPT), KEY, means)
    body["Line"][0]["Amount"] += 1

    with pytest.raises(Refused) as caught:
        Client(rig.kit).create("SalesReceipt", body, OTHER)

    assert caught.value.facts["code"] == "6070"


def test_a_payment_is_never_more_than_the_invoice_owes(rig: Rig) -> None:
    owed = rig.ledger.post(sale(rig, DocKind.INVOICE), KEY)
    into = rig.account(Sort.BANK, pays=True).id
    paid = Document(DocKind.PAYMENT, "CD-P", DAY, "USD", into=into, of=owed.id, amount=Money(4201, "USD"))

    with pytest.raises(Refused) as refused:
        rig.ledger.post(paid, OTHER)
    assert refused.value.facts["reason"] == Why.PAID

    assert rig.ledger.post(replace(paid, amount=Money(4200, "USD")), OTHER).total == Money(4200, "USD")


def test_texts_in_queries_are_quoted(rig: Rig) -> None:
    assert quoted("O'Neill \\ x") == "'O\\'Neill \\\\ x'"
    assert list(Client(rig.kit).every("Customer", f"DisplayName = {quoted(chr(39) + ' or 1')}")) == []


def tour(rig: Rig) -> None:
    """Every call of the manifest."""
    rig.ledger.probe(), rig.ledger.accounts(), rig.ledger.tax_codes(), rig.ledger.tags()
    made = {document.kind: rig.ledger.post(document, f"{n:032x}") for n, document in enumerate(_each(rig))}
    into = rig.account(Sort.BANK, pays=True).id
    paid = Document(
        DocKind.PAYMENT, "CD-P", DAY, "USD", into=into, of=made[DocKind.INVOICE].id, amount=Money(4200, "USD"), contact="Shopify buyers"
    )
    other = rig.ledger.post(sale(rig, DocKind.INVOICE, "CD-other"), "b" * 32)
    off = Document(DocKind.APPLIED, "CD-A", DAY, "USD", of=other.id, by=made[DocKind.CREDIT].id, amount=Money(4200, "USD"))
    made = {DocKind.APPLIED: rig.ledger.post(off, "c" * 32), DocKind.PAYMENT: rig.ledger.post(paid, "f" * 32), **made}
    rig.ledger.changed(START, None)
    for n, (kind, one) in enumerate(made.items()):
        rig.ledger.look(kind, [one.id])
        rig.ledger.void(kind, one, f"a{n:031x}")


def _each(rig: Rig) -> list[Document]:
    sales = [sale(rig, kind, f"CD-{kind}") for kind in (DocKind.RECEIPT, DocKind.REFUND, DocKind.INVOICE, DocKind.CREDIT)]
    first = sales[0]
    sales[0] = replace(first, lines=(replace(first.lines[0], tax=Money(250, rig.currency)), *first.lines[1:]))
    return [*sales, journal(rig), bill_of(rig), transfer_of(rig)]


def test_a_tour_makes_every_call_of_the_manifest(rig: Rig) -> None:
    tour(rig)

    assert set(rig.calls()) == set(MANIFEST.calls)
    assert set(rig.budget.taken) == set(MANIFEST.rates)


@pytest.fixture(scope="module")
def judge() -> ModuleType:
    found = judges.load()
    if found is None:
        pytest.skip("the vendors' contracts are not here")
    return found


@pytest.mark.contracts
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_every_body_of_a_tour_holds_against_intuits_own_schema(rig: Rig, judge: ModuleType) -> None:
    tour(rig)
    abroad = british()
    line = DocLine(abroad.account(Sort.INCOME).id, Money(3700, "GBP"), "Mug", 1, vat(abroad, "20.0% S"), Money(740, "GBP"))
    abroad.ledger.post(replace(sale(abroad, DocKind.INVOICE), lines=(line,)), KEY)

    lines = [json.loads(text) for one in (rig, abroad) for text in one.recorder.getvalue().splitlines()]
    checked = [(text["path"], *judge.check(text)) for text in lines]

    assert len({operation for _, operation, _ in checked}) > 12
    assert [path for path, operation, _ in checked if operation is None] == []
    assert {f"{operation}: {text}" for _, operation, texts in checked for text in texts} == set()


def test_amounts_go_as_numbers_and_never_as_floats(rig: Rig) -> None:
    means = render.Means("USD", True, "1", {"1": "2"})

    sent = write_json(render.body(sale(rig, DocKind.RECEIPT, cents=10**12 + 1), KEY, means))

    assert b'"Amount":9999999995.01' in sent


def test_an_answer_without_the_document_is_looked_for(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    document = journal(rig)
    monkeypatch.setattr(rig.simulator, "_create", lambda *_: None)

    with pytest.raises(OutcomeUnknown):
        rig.ledger.post(document, KEY)


def test_work_of_several_calls_is_paid_for_before_the_first(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a purse of ten calls a second nothing stops in its midst: what does not fit is not begun."""
    made = rig.ledger.post(journal(rig), KEY)
    before = len(rig.calls())
    monkeypatch.setattr(rig.budget, "take", _purse(2))

    with pytest.raises(RateLimited):
        rig.ledger.void(DocKind.JOURNAL, made, OTHER)

    assert len(rig.calls()) == before
    monkeypatch.setattr(rig.budget, "take", _purse(3))
    assert rig.ledger.void(DocKind.JOURNAL, made, OTHER).gone


def _purse(calls: int) -> Any:
    left = {"second": calls, "minute": calls}

    def take(operation: str, units: float = 1.0) -> None:
        left[operation] = left.get(operation, 10) - int(units)
        if left[operation] < 0:
            raise RateLimited("spent", wait_s=1.0)

    return take
