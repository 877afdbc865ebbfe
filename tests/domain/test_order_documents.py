"""What documents come to: over any life of an order, in every mode and after a switch, what the journal says; nothing missing or twice."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.coding import Chart, TaxWay
from core.domain.documents import ORDER, Mode, Plan, Written, currencies_of, grouped, journal, mode_on, switched
from core.domain.journal import Account, EntryKind, Line, Posting
from core.domain.ledgers import DocKind, Document
from core.domain.money import Money
from core.domain.order import Order
from core.domain.order_documents import Made, Open, Press, documents_of
from core.domain.order_entries import entries_of
from tests.builders import LONG_AGO, a_line, an_order, money
from tests.domain.test_journal import BY_GATEWAYS, LIVES, journal_of, lives, paid

DAY = timedelta(days=1)
TODAY = LONG_AGO.date() + timedelta(days=200)
QUICKBOOKS = frozenset(
    (DocKind.RECEIPT, DocKind.REFUND, DocKind.INVOICE, DocKind.PAYMENT, DocKind.CREDIT, DocKind.APPLIED, DocKind.JOURNAL)
)
XERO = frozenset((DocKind.INVOICE, DocKind.PAYMENT, DocKind.CREDIT, DocKind.REPAYMENT, DocKind.APPLIED, DocKind.JOURNAL))
Sums = Counter[tuple[str, str, date]]


def name_of(one: Posting) -> str:
    return f"{one.account} {one.gateway}".strip()


CHART = Chart(name_of, {})


def written(lines: Iterable[Line], first: int = 0) -> list[Written]:
    entries = [one.entry for one in lines]
    return [Written(first + n, one.kind, one.subject, one.on, one.memo, one.postings) for n, one in enumerate(entries)]


def press_of(kinds: frozenset[DocKind], pays: frozenset[str], currency: str, ids: Iterator[int], due: date | None = None) -> Press:
    def name() -> str:
        return f"CD-{next(ids)}"

    return Press(CHART, kinds, pays, "Buyers", "", currency, TaxWay.PLAIN, TaxWay.PLAIN, name, lambda on: None, due=due)


def effects(one: Document) -> Sums:
    """What a document does to accounts, debits above zero, as the ledgers do."""
    found, whole, owed = Sums(), one.total.minor, str(Account.RECEIVABLE)
    side = 1 if one.kind in (DocKind.JOURNAL, DocKind.REFUND, DocKind.CREDIT) else -1
    for line in one.lines:
        found[line.account, one.currency, one.on] += side * line.amount.minor
    ends = {
        DocKind.RECEIPT: (one.into, ""), DocKind.REFUND: ("", one.out_of), DocKind.INVOICE: (owed, ""), DocKind.CREDIT: ("", owed),
        DocKind.PAYMENT: (one.into, owed), DocKind.REPAYMENT: (owed, one.out_of),
    }  # fmt: skip
    gains, loses = ends.get(one.kind, ("", ""))
    found[gains, one.currency, one.on] += whole if gains else 0
    found[loses, one.currency, one.on] -= whole if loses else 0
    return found


def said(found: Iterable[Document]) -> Sums:
    sums = Sums()
    for one in found:
        sums.update(effects(one))
    return sums


def booked(lines: Iterable[Line]) -> Sums:
    sums = Sums()
    for line in lines:
        for one in line.entry.postings:
            sums[name_of(one), one.amount.currency, line.entry.on] += one.amount.minor
    return sums


def by_account(sums: Sums) -> dict[tuple[str, str], int]:
    found = Counter[tuple[str, str]]()
    for (account, currency, _), amount in sums.items():
        found[account, currency] += amount
    return {key: amount for key, amount in found.items() if amount}


class Ledger:
    """What is gathered, round by round, as the flow does it."""

    def __init__(self, plan: Plan, kinds: frozenset[DocKind], pays: frozenset[str]) -> None:
        self.plan, self.kinds, self.pays, self.ids = plan, kinds, pays, count()
        self.documents: list[Document] = []
        self.open: list[Open] = []
        self.seen: list[str] = []

    def gather(self, found: list[Written]) -> None:
        groups = grouped(found, {one.channel: self.plan for one in found}, TODAY)
        self.seen += [f"{one.id}" for group in groups.values() for one in group]
        for source, group in groups.items():
            for currency in currencies_of(group):
                self._write(source, group, currency)

    def _write(self, source: str, group: list[Written], currency: str) -> None:
        if not source.startswith(ORDER):
            made = journal("", group, currency, CHART)
            self.documents += [made[0]] if made else []
            return
        for one in documents_of(group, press_of(self.kinds, self.pays, currency, self.ids), self.open):
            self._keep(one)

    def _keep(self, one: Made) -> None:
        self.documents.append(one.document)
        if one.document.kind in (DocKind.INVOICE, DocKind.CREDIT):
            self.open.append(Open(one.id, one.document.kind, one.document.total))
        paid_ = [known for known in self.open if known.id in (one.after, one.document.of)]
        self.open = [replace(known, left=known.left - one.document.total) if known in paid_ else known for known in self.open]


MODES = st.sampled_from([Mode.PER_ORDER, Mode.DAILY, Mode.PER_PAYOUT])
PAYS = st.frozensets(st.sampled_from(["clearing shopify_payments", "clearing paypal", "clearing amazon"]))


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    first = [(date.min, draw(MODES))]
    return switched(first, draw(MODES), LONG_AGO.date() + draw(st.integers(-1, 4)) * DAY) if draw(st.booleans()) else first


def _left(order: Order) -> Order:
    """It left before anybody paid it: a sale that is owed."""
    return replace(order, lines=tuple(replace(line, fulfilled=1) for line in order.lines))


@given(lives(), plans(), st.sampled_from([QUICKBOOKS, XERO]), PAYS, st.lists(st.booleans(), min_size=6, max_size=6), st.booleans())
@settings(max_examples=LIVES, deadline=None)
def test_all_documents_together_are_the_journal_in_every_mode_and_after_a_switch(life, plan, kinds, pays, nights, leaves):
    rules, states = life[0], [_left(one) if leaves else one for one in life[1]]
    ledger, lines, gone = Ledger(plan, kinds, pays), list[Line](), 0
    for n in range(1, len(states) + 1):
        lines = journal_of(*(entries_of(state, rules) for state in states[:n]))
        if nights[n - 1] or n == len(states):
            ledger.gather(written(lines[gone:], gone))
            gone = len(lines)

    assert by_account(said(ledger.documents)) == by_account(booked(lines))
    assert sorted(map(int, ledger.seen)) == list(range(len(lines)))
    assert all(one.total.minor > 0 for one in ledger.documents if one.kind is not DocKind.JOURNAL)
    assert all(one.left.minor >= 0 for one in ledger.open)
    assert not any(one.number for one in ledger.documents), "each has a number once it is to be written"


@given(lives())
@settings(max_examples=LIVES, deadline=None)
def test_day_by_day_the_documents_say_of_each_day_what_the_journal_says(life):
    rules, states = life
    lines = journal_of(*(entries_of(state, rules) for state in states))
    ledger = Ledger([(date.min, Mode.DAILY)], QUICKBOOKS, frozenset())

    ledger.gather(written(lines))

    assert {key: n for key, n in said(ledger.documents).items() if n} == {key: n for key, n in booked(lines).items() if n}


@pytest.mark.parametrize(
    ("kinds", "told"), [(QUICKBOOKS, [DocKind.RECEIPT]), (XERO, [DocKind.INVOICE, DocKind.PAYMENT])], ids=["quickbooks", "xero"]
)
def test_a_sale_that_is_paid_whole_is_what_the_ledger_has_for_it(kinds, told):
    ledger = Ledger([(date.min, Mode.PER_ORDER)], kinds, frozenset(["clearing shopify_payments"]))
    order = an_order(lines=[a_line(gross="10")], payments=(paid(),))

    ledger.gather(written(journal_of(entries_of(order, BY_GATEWAYS))))

    assert [one.kind for one in ledger.documents] == told
    assert ledger.documents[-1].total == money("10")


def test_what_was_before_the_day_of_a_switch_stays_with_its_mode():
    plan = switched([(date.min, Mode.DAILY)], Mode.PER_ORDER, LONG_AGO.date() + DAY)

    assert (mode_on(plan, LONG_AGO.date()), mode_on(plan, LONG_AGO.date() + DAY)) == (Mode.DAILY, Mode.PER_ORDER)


def on_terms(kinds: frozenset[DocKind]) -> Ledger:
    """An order of 30 that left, and that nobody paid yet, is in the books."""
    ledger = Ledger([(date.min, Mode.PER_ORDER)], kinds, frozenset(["clearing shopify_payments"]))
    ledger.gather([owed(1, EntryKind.SALE, Account.SALES, -3000)])
    return ledger


def owed(n: int, kind: EntryKind, account: Account, minor: int, gateway: str = "") -> Written:
    """What buyers owe against another account, so many days after the sale."""
    sides = (Posting(Account.RECEIVABLE, Money(-minor, "USD"), "c1"), Posting(account, Money(minor, "USD"), "c1", gateway))
    return Written(n, kind, "order c1/1", LONG_AGO.date() + (n - 1) * DAY, "1001", sides)


def told(ledger: Ledger) -> list[tuple[str, str]]:
    return [(str(one.kind), one.total.text()) for one in ledger.documents]


LEDGERS = pytest.mark.parametrize("kinds", [QUICKBOOKS, XERO], ids=["quickbooks", "xero"])


@LEDGERS
def test_a_refund_of_an_invoice_that_nobody_paid_is_a_credit_set_against_it(kinds):
    ledger = on_terms(kinds)

    ledger.gather([owed(2, EntryKind.REFUND, Account.RETURNS, 1000)])

    assert told(ledger) == [("invoice", "30.00"), ("credit", "10.00"), ("applied", "10.00")]
    invoice, credit = ledger.open
    assert (invoice.left.text(), credit.left.text()) == ("20.00", "0.00")
    assert (ledger.documents[-1].of, ledger.documents[-1].by) == (invoice.id, credit.id)


@LEDGERS
def test_what_is_paid_after_a_credit_pays_the_rest_of_the_invoice(kinds):
    ledger = on_terms(kinds)
    ledger.gather([owed(2, EntryKind.REFUND, Account.RETURNS, 1000)])

    ledger.gather([owed(3, EntryKind.PAYMENT, Account.CLEARING, 2000, "shopify_payments")])

    assert told(ledger)[3:] == [("payment", "20.00")]
    assert not any(one.left for one in ledger.open)


@pytest.mark.parametrize(
    ("kinds", "wanted"),
    [
        (QUICKBOOKS, [("credit", "20.00"), ("applied", "20.00")]),
        (XERO, [("credit", "30.00"), ("applied", "20.00"), ("repayment", "10.00")]),
    ],
    ids=["quickbooks", "xero"],
)
def test_of_an_invoice_that_is_paid_in_part_the_open_rest_is_credited_and_only_the_money_repaid(kinds, wanted):
    ledger = on_terms(kinds)
    ledger.gather([owed(2, EntryKind.PAYMENT, Account.CLEARING, 1000, "shopify_payments")])
    day = LONG_AGO.date() + 2 * DAY

    ledger.gather(
        [
            owed(3, EntryKind.REFUND, Account.RETURNS, 3000),
            replace(owed(4, EntryKind.REPAYMENT, Account.CLEARING, -1000, "shopify_payments"), on=day),
        ]
    )

    assert told(ledger)[2:] == wanted
    assert not any(one.left for one in ledger.open)
    assert by_account(said(ledger.documents)) == {
        ("sales", "USD"): -3000, ("returns", "USD"): 3000,
    }  # fmt: skip


def test_a_refund_of_what_was_paid_whole_has_nothing_to_be_set_against():
    ledger = on_terms(XERO)
    ledger.gather([owed(2, EntryKind.PAYMENT, Account.CLEARING, 3000, "shopify_payments")])

    ledger.gather([owed(3, EntryKind.REFUND, Account.RETURNS, 1000)])

    assert told(ledger)[2:] == [("credit", "10.00")]


@pytest.mark.parametrize(
    ("terms", "wanted"), [(timedelta(days=30), timedelta(days=30)), (None, timedelta(0)), (timedelta(days=-3), timedelta(0))],
    ids=["net 30", "no terms", "due before it left"],
)  # fmt: skip
def test_an_invoice_is_due_when_its_terms_say_and_else_on_its_day(terms, wanted):
    sale, day = owed(1, EntryKind.SALE, Account.SALES, -3000), LONG_AGO.date()
    press = press_of(XERO, frozenset(), "USD", count(), day + terms if terms else None)

    [made] = documents_of([sale], press, [])

    assert (made.document.kind, made.document.on, made.document.due) == (DocKind.INVOICE, day, day + wanted)
