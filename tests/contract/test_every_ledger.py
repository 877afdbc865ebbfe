"""What every ledger is held to, by being found: against its own simulator, without sockets."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from connectors.simulation import Fault
from core.domain.ledgers import DocKind, Posted, Sort, TaxIs, Why
from core.domain.money import Money
from core.errors import AccessLost, HubError, OutcomeUnknown, RateLimited, Refused, Unavailable, Unsupported
from core.ports import Ledger
from tests.contract.ledgers import DAY, KEY, LEDGERS, START, Rig, journal, sale, transfer
from tests.contract.means import Purse

OTHER = KEY[::-1]
SALES = (DocKind.RECEIPT, DocKind.REFUND, DocKind.INVOICE, DocKind.CREDIT)


@pytest.fixture(params=LEDGERS.values(), ids=LEDGERS)
def rig(request):
    return Rig(request.param)


def documents(rig):
    """One of each kind that stands alone."""
    made = [sale(rig, kind, f"CD-{kind.value}") for kind in SALES if kind in rig.kinds]
    return [journal(rig), *made] if DocKind.JOURNAL in rig.kinds else made


# ---- what it tells


def test_it_is_a_ledger_that_says_what_it_keeps(rig):
    assert DocKind.JOURNAL in rig.kinds and rig.kinds & {DocKind.RECEIPT, DocKind.INVOICE}
    assert rig.connector.keeps.number >= 1
    assert all(hasattr(rig.ledger, name) for name in vars(Ledger) if not name.startswith("_"))


def test_the_books_say_whose_they_are(rig):
    books = rig.ledger.probe()

    assert books.id == rig.kit.account and books.name and len(books.country) == 2
    assert books.currencies and all(len(one) == 3 and one.isupper() for one in books.currencies)
    assert books.closed_until is None


def test_accounts_have_an_id_a_name_and_a_sort(rig):
    found = rig.ledger.accounts()

    assert len({one.id for one in found}) == len(found) > 0
    assert all(one.id and one.name for one in found)
    assert {Sort.BANK, Sort.INCOME, Sort.EXPENSE} <= {one.sort for one in found} and Sort.UNKNOWN not in {one.sort for one in found}
    assert any(one.pays for one in found)


def test_an_account_that_was_retired_is_told_as_such(rig):
    account = rig.account(Sort.EXPENSE)

    rig.simulator.arrange("retire", {"account": account.id})

    assert [one.active for one in rig.ledger.accounts() if one.id == account.id] == [False]


def test_a_tax_code_without_tax_is_there_for_sales(rig):
    assert rig.tax()
    assert len({one.id for one in rig.ledger.tax_codes()}) == len(rig.ledger.tax_codes())


def test_a_plain_plan_has_no_tags_and_one_currency(rig):
    rig.simulator.arrange("plain", {})

    assert list(rig.ledger.tags()) == [] and rig.made().probe().tags is False
    assert len(rig.made().probe().currencies) == 1


def test_the_day_that_closes_the_books_is_told(rig):
    rig.simulator.arrange("close", {"until": "2026-10-31"})

    assert rig.ledger.probe().closed_until.isoformat() == "2026-10-31"


# ---- what it is told


def test_what_was_posted_is_what_was_said(rig):
    for n, document in enumerate(documents(rig)):
        made = rig.ledger.post(document, f"{n:032x}")

        assert (made.number, made.total, made.gone) == (document.number, document.total, False)
        assert made.id and made.version and made.shape and made.link.startswith("http")
        [kept] = [one for one in rig.simulator.documents() if one["id"] == made.id]
        assert (kept["key"], kept["on"], kept["currency"]) == (f"{n:032x}", DAY.isoformat(), document.currency)
        assert Money.parse(kept["total"], kept["currency"]) == document.total
        amounts = [Money.parse(line["amount"], kept["currency"]) for line in kept["lines"]]
        assert amounts == [line.amount for line in document.lines]


def test_the_same_key_twice_is_one_document(rig):
    for n, document in enumerate(documents(rig)):
        first, again = (rig.ledger.post(document, f"{n:032x}") for _ in range(2))

        assert first == again
    assert len(rig.simulator.documents()) == len(documents(rig))


def test_what_was_posted_is_found_under_its_key(rig):
    for n, document in enumerate(documents(rig)):
        assert rig.ledger.find(document, f"{n:032x}") is None

        made = rig.ledger.post(document, f"{n:032x}")

        assert rig.made().find(document, f"{n:032x}") == made
    assert len(rig.simulator.documents()) == len(documents(rig))


TRIES = 60
CALLS = {
    "probe": lambda ledger, one, posted: ledger.probe(),
    "accounts": lambda ledger, one, posted: ledger.accounts(),
    "tax codes": lambda ledger, one, posted: ledger.tax_codes(),
    "tags": lambda ledger, one, posted: ledger.tags(),
    "find": lambda ledger, one, posted: ledger.find(one, KEY),
    "post": lambda ledger, one, posted: ledger.post(replace(one, number="CD-NEW"), OTHER),
    "look": lambda ledger, one, posted: ledger.look(one.kind, [posted.id]),
    "changed": lambda ledger, one, posted: ledger.changed(START - timedelta(hours=1), None),
    "void": lambda ledger, one, posted: ledger.void(one.kind, posted, OTHER),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_whatever_is_asked_comes_to_an_end_where_calls_are_scarce(rig, call):
    """What stops for want of calls and begins again must not spend what comes back on beginning."""
    for one in (*documents(rig), transfer(rig)):
        posted = rig.ledger.post(one, KEY)
        purse = Purse()
        scarce = rig.connector.ledger(replace(rig.kit, budget=purse))

        assert any(ends(purse, lambda scarce=scarce, one=one, posted=posted: call(scarce, one, posted)) for _ in range(TRIES)), one.kind
        rig = Rig(rig.connector)


def test_what_is_looked_up_before_it_is_said_again_is_said_where_calls_are_scarce(rig):
    """Failure: each look spent what the writing of the document waited for, and it was never written."""
    for n, one in enumerate((*documents(rig), transfer(rig))):
        purse = Purse()
        scarce = rig.connector.ledger(replace(rig.kit, budget=purse))

        def said(scarce=scarce, one=one, key=f"{n:032x}"):
            return scarce.find(one, key) or scarce.post(one, key)

        assert any(ends(purse, said) for _ in range(TRIES)), one.kind


def ends(purse, call):
    purse.earn()
    try:
        call()
    except RateLimited:
        return False
    return True


def test_an_invoice_is_paid(rig):
    assert {DocKind.INVOICE, DocKind.PAYMENT} <= rig.kinds  # a ledger without them would need a rule of its own
    owed = rig.ledger.post(sale(rig, DocKind.INVOICE), KEY)
    into = rig.account(Sort.BANK, pays=True).id
    paid = replace(sale(rig, DocKind.INVOICE, "CD-P-1"), kind=DocKind.PAYMENT, lines=(), of=owed.id, into=into, amount=owed.total)

    first, again = rig.ledger.post(paid, OTHER), rig.ledger.post(paid, OTHER)

    assert first == again == rig.made().find(paid, OTHER)
    assert first.total == owed.total
    assert rig.ledger.look(DocKind.INVOICE, [owed.id])[owed.id].shape == owed.shape, "a payment is no change of the invoice"


@pytest.mark.parametrize("kind", DocKind)
def test_what_it_does_not_keep_it_says_so(rig, kind):
    if kind in rig.kinds:
        return
    with pytest.raises(Unsupported):
        rig.ledger.post(replace(sale(rig, DocKind.INVOICE), kind=kind, of="1", amount=Money(100, rig.currency)), KEY)

    assert rig.simulator.documents() == []


def test_a_contact_is_made_once_for_all_its_documents(rig):
    kind = DocKind.INVOICE
    for n in range(3):
        rig.ledger.post(sale(rig, kind, f"CD-{n}"), f"{n:032x}")
    second = rig.made().post(sale(rig, kind, "CD-9"), "9" * 32)

    assert second.number == "CD-9"
    assert len(rig.simulator.documents()) == 4


def test_tags_stand_on_lines(rig):
    tag = rig.ledger.tags()[0]
    document = sale(rig, DocKind.INVOICE)

    tagged = rig.ledger.post(replace(document, lines=tuple(replace(line, tags=(tag,)) for line in document.lines)), KEY)

    assert tagged.total == document.total


# ---- what became of it


def test_documents_are_looked_at_and_one_that_never_was_is_gone(rig):
    document = journal(rig)
    made = rig.ledger.post(document, KEY)

    found = rig.ledger.look(DocKind.JOURNAL, [made.id])

    assert found == {made.id: made}
    assert rig.ledger.look(DocKind.JOURNAL, []) == {}


@pytest.mark.parametrize("what", ["edit", "void", "delete"])
def test_a_document_that_somebody_changed_has_another_shape_or_is_gone(rig, what):
    document = sale(rig, DocKind.INVOICE)
    made = rig.ledger.post(document, KEY)
    rig.clock.forward(minutes=5)

    rig.simulator.tamper(made.id, what, {})
    now = rig.made().look(DocKind.INVOICE, [made.id])[made.id]

    assert (now.shape != made.shape) if what == "edit" else now.gone
    assert now.gone is (what != "edit")


def test_an_untouched_document_keeps_its_shape(rig):
    made = [(document.kind, rig.ledger.post(document, f"{n:032x}")) for n, document in enumerate(documents(rig))]
    rig.clock.forward(days=2)

    for kind, one in made:
        assert rig.made().look(kind, [one.id])[one.id] == one


@pytest.mark.parametrize("what", ["edit", "void"])
def test_changes_are_told(rig, what):
    made = rig.ledger.post(sale(rig, DocKind.INVOICE), KEY)
    quiet = rig.ledger.post(journal(rig), OTHER)
    rig.clock.forward(minutes=30)
    since = rig.clock()
    rig.clock.forward(minutes=5)
    rig.simulator.tamper(made.id, what, {})

    told = {one.id: (kind, one) for kind, one in _all_changes(rig, since)}

    assert quiet.id not in told
    kind, now = told[made.id]
    assert kind is DocKind.INVOICE and now == rig.ledger.look(DocKind.INVOICE, [made.id])[made.id]


def _all_changes(rig, since):
    page = rig.ledger.changed(since, None)
    found = list(page.items)
    while page.cursor:
        page = rig.ledger.changed(since, page.cursor)
        found += page.items
    return found


def test_everything_that_was_posted_is_among_the_changes(rig):
    ids = {rig.ledger.post(document, f"{n:032x}").id for n, document in enumerate(documents(rig))}

    assert {one.id for _, one in _all_changes(rig, START - timedelta(hours=1))} >= ids


def test_a_document_is_taken_back_once_however_often_that_is_said(rig):
    for n, document in enumerate(documents(rig)):
        made = rig.ledger.post(document, f"{n:032x}")

        first, again = (rig.ledger.void(document.kind, made, OTHER[:-2] + f"{n:02x}") for _ in range(2))

        assert first.gone and again.gone and isinstance(again, Posted)
    assert all(one["gone"] for one in rig.simulator.documents())


def test_a_document_that_somebody_changed_is_not_taken_back(rig):
    made = rig.ledger.post(sale(rig, DocKind.INVOICE), KEY)
    rig.simulator.tamper(made.id, "edit", {})

    with pytest.raises(Refused) as caught:
        rig.ledger.void(DocKind.INVOICE, made, OTHER)

    assert caught.value.facts["reason"] is Why.STALE
    assert not rig.simulator.documents()[0]["gone"]


# ---- what it declines


def refused(rig, document, key=OTHER):
    before = len(rig.simulator.documents())
    with pytest.raises(Refused) as caught:
        rig.ledger.post(document, key)
    assert len(rig.simulator.documents()) == before
    return caught.value


def test_a_closed_period_is_closed(rig):
    rig.simulator.arrange("close", {"until": DAY.isoformat()})

    for document in documents(rig):
        error = refused(rig, document)

        assert error.facts["reason"] is Why.CLOSED and error.words


def test_the_day_after_the_closed_period_is_open(rig):
    rig.simulator.arrange("close", {"until": (DAY - timedelta(days=1)).isoformat()})

    assert rig.ledger.post(journal(rig), KEY).number == "CD-J-1"


def test_a_number_is_taken_once(rig):
    document = sale(rig, DocKind.INVOICE)
    rig.ledger.post(document, KEY)

    error = refused(rig, sale(rig, DocKind.INVOICE, cents=999))

    assert error.facts["reason"] is Why.DUPLICATE
    with pytest.raises(Refused) as caught:
        rig.ledger.find(sale(rig, DocKind.INVOICE, cents=999), OTHER)
    assert caught.value.facts["reason"] is Why.DUPLICATE


def test_an_account_that_was_retired_takes_nothing(rig):
    document = journal(rig)
    rig.simulator.arrange("retire", {"account": document.lines[1].account})

    error = refused(rig, document)

    assert error.facts["reason"] is Why.ACCOUNT and error.words


def test_an_account_that_nobody_knows_takes_nothing(rig):
    document = journal(rig)
    lines = (document.lines[0], replace(document.lines[1], account="987654"))

    assert refused(rig, replace(document, lines=lines)).facts["reason"] is Why.ACCOUNT


def test_a_journal_that_does_not_balance_is_declined(rig):
    document = journal(rig)
    lines = (document.lines[0], replace(document.lines[1], amount=document.lines[1].amount + Money(1, rig.currency)))

    assert refused(rig, replace(document, lines=lines)).facts["reason"] is Why.UNBALANCED


def test_a_currency_that_the_books_do_not_keep_is_declined(rig):
    rig.simulator.arrange("plain", {})
    document = sale(rig, DocKind.INVOICE)
    lines = tuple(replace(line, amount=Money(line.amount.minor, "PLN"), tax=Money(0, "PLN")) for line in document.lines)

    error = refused(rig, replace(document, currency="PLN", lines=lines, tax_is=TaxIs.NONE))

    assert error.facts["reason"] in (Why.CURRENCY, Why.PLAN)


# ---- what goes wrong


def the_write(rig):
    """The name of the one call that writes a journal."""
    fresh = Rig(rig.connector)
    document = journal(fresh)
    before = len(fresh.calls())
    fresh.ledger.post(document, KEY)
    return fresh.calls()[before:][-1]


@pytest.mark.parametrize("kind", ["cut_before", "cut_after"])
def test_a_lost_answer_is_looked_for_and_nothing_is_there_twice(rig, kind):
    document, write = journal(rig), the_write(rig)
    rig.fail(kind, write)
    with pytest.raises(OutcomeUnknown):
        rig.ledger.post(document, KEY)

    found = rig.made().find(document, KEY)
    after = found or rig.made().post(document, KEY)

    assert (found is not None) is (kind == "cut_after")
    assert after.total == document.total and len(rig.simulator.documents()) == 1


def test_any_lost_answer_on_the_way_is_mended_by_saying_it_again(rig):
    """Each call of a sale in its turn loses its answer; then it is looked for, and said again where it is not there."""
    fresh = Rig(rig.connector)
    document = sale(fresh, DocKind.INVOICE)
    before = len(fresh.calls())
    fresh.made().post(document, KEY)
    steps = len(fresh.calls()) - before
    for step in range(steps):
        other = Rig(rig.connector)
        document = sale(other, DocKind.INVOICE)
        other.world.faults.append(Fault("cut_after", "*", after=step))

        with pytest.raises((OutcomeUnknown, Unavailable)):
            other.made().post(document, KEY)
        found = other.made().find(document, KEY) or other.made().post(document, KEY)

        assert found.total == document.total and len(other.simulator.documents()) == 1, step


def test_a_void_whose_answer_is_lost_is_said_again(rig):
    made = rig.ledger.post(journal(rig), KEY)
    fresh = Rig(rig.connector)
    known = fresh.ledger.post(journal(fresh), KEY)
    before = len(fresh.calls())
    fresh.ledger.void(DocKind.JOURNAL, known, OTHER)
    steps = len(fresh.calls()) - before
    rig.world.faults.append(Fault("cut_after", "*", after=min(1, steps - 1)))

    with pytest.raises((OutcomeUnknown, Unavailable)):
        rig.ledger.void(DocKind.JOURNAL, made, OTHER)

    assert rig.made().void(DocKind.JOURNAL, made, OTHER).gone


@pytest.mark.parametrize(
    ("kind", "error"), [("429", RateLimited), ("500", OutcomeUnknown), ("html", OutcomeUnknown), ("cut_before", OutcomeUnknown)]
)
def test_what_a_write_meets_is_sorted(rig, kind, error):
    document, write = journal(rig), the_write(rig)
    rig.fail(kind, write)

    with pytest.raises(error) as caught:
        rig.ledger.post(document, KEY)

    assert not isinstance(caught.value, RateLimited) or caught.value.wait_s > 0
    assert rig.simulator.documents() == []


@pytest.mark.parametrize(
    ("kind", "error"), [("429", RateLimited), ("500", Unavailable), ("html", Unavailable), ("cut_before", Unavailable)]
)
def test_what_a_read_meets_is_sorted(rig, kind, error):
    rig.ledger.probe()
    rig.fail(kind)

    with pytest.raises(error):
        rig.ledger.accounts()


def test_a_login_that_is_not_taken_is_renewed_once(rig):
    rig.ledger.probe()
    refreshed = rig.tokens.refreshed

    rig.fail("401")
    assert rig.ledger.accounts()
    assert rig.tokens.refreshed == refreshed + 1

    rig.fail("401", times=5)
    with pytest.raises(AccessLost):
        rig.ledger.accounts()


def test_nothing_secret_stands_in_a_repr_or_an_error(rig):
    document = sale(rig, DocKind.INVOICE, contact="Nadia Osei")
    rig.ledger.probe()
    secrets = [*rig.kit.app.values(), *rig.tokens.login.values(), rig.tokens.fresh.access]
    rig.simulator.arrange("close", {"until": DAY.isoformat()})
    with pytest.raises(HubError) as caught:
        rig.ledger.post(document, KEY)

    said = f"{rig.ledger!r} {rig.kit!r} {caught.value} {caught.value!r} {caught.value.facts}"

    assert [secret for secret in secrets if secret and len(secret) > 8 and secret in said] == []
    assert "Nadia" not in said


def test_the_simulated_books_survive_a_restart(rig):
    made = rig.ledger.post(journal(rig), KEY)

    rig.simulator.state = json.loads(json.dumps(rig.simulator.state))

    assert rig.made().look(DocKind.JOURNAL, [made.id])[made.id] == made
    assert rig.made().post(journal(rig), KEY) == made
