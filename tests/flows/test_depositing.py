"""What the bank shows: a payout that is another there, several that came as one, and lines of a file that find theirs."""

from dataclasses import replace
from datetime import timedelta

import pytest

from core.domain.deposits import Deposit
from core.domain.journal import Account
from core.domain.matching import Cause
from core.domain.money import Money
from core.domain.payouts import Paid
from core.errors import Refused
from core.flows import accounts, books, depositing
from core.flows.accounts import bank, write_off
from core.store import journal, payouts
from core.store.payouts import Known
from tests.conftest import House
from tests.flows.depot import ANN
from tests.flows.test_books import balances, paid_out, sold
from tests.flows.tills import DAY


@pytest.fixture
def own(house: House) -> House:
    """A channel that holds all of its buyers' money."""
    house.shelve(A=100, B=100)
    books.begin(house.hub, house.merchant.id, DAY - timedelta(days=30), ANN)
    house.drain()
    return house


def paid(shop: House, count: int = 1) -> list[Known]:
    """So many payouts of 19.10 each."""
    for _ in range(count):
        sold(shop)
        paid_out(shop)
    with shop.hub.database.read() as db:
        return sorted(payouts.listed(db, shop.merchant.id, 2**62), key=lambda one: one.payout.id)


def breaks(shop: House) -> dict[str, tuple[str, Cause]]:
    """By the first word of its item."""
    with shop.hub.database.read() as db:
        found = accounts.certificate(shop.hub, db, shop.merchant.id, DAY, DAY + timedelta(days=30))
    assert all(not one.minor for one in found.residue.values())
    return {one.item.item.partition(" ")[0]: (one.item.open.text(), one.cause) for one in found.found if one.is_break}


def deposit(shop: House, amount: int, found: list[Known], id: str = "D1", currency: str = "USD") -> None:
    one = Deposit(id, DAY, Money(amount, currency), "ACH 4711")
    depositing.add(shop.hub, shop.merchant.id, one, [each.id for each in found], ANN)


def test_what_the_bank_shows_otherwise_is_a_break_until_it_is_booked_as_what_it_is(own: House) -> None:
    [one] = paid(own)

    bank(own.hub, own.merchant.id, one, "18.60", ANN)
    found = breaks(own)
    item = f"bank {own.connection.id}/{one.payout.id}"
    write_off(own.hub, own.merchant.id, own.connection.id, item, "bogus", "USD", ANN, into=Account.PAYMENT_FEES)

    assert found == {"bank": ("0.50", Cause.BANK)}
    assert breaks(own) == {}
    assert (balances(own)["bank"], balances(own)["payment_fees"]) == ("18.60", "0.50")


def test_a_typed_amount_that_is_taken_back_leaves_nothing(own: House) -> None:
    [one] = paid(own)

    bank(own.hub, own.merchant.id, one, "18.60", ANN)
    bank(own.hub, own.merchant.id, one, "", ANN)

    assert breaks(own) == {} and balances(own)["bank"] == "19.10"


def test_a_difference_that_opens_again_the_same_day_can_be_closed_again(own: House) -> None:
    [one] = paid(own)
    item = f"bank {own.connection.id}/{one.payout.id}"
    for typed in ("18.60", "18.10", "17.60"):
        bank(own.hub, own.merchant.id, one, typed, ANN)
        write_off(own.hub, own.merchant.id, own.connection.id, item, "bogus", "USD", ANN)
        assert breaks(own) == {}

    assert balances(own)["written_off"] == "1.50"


def test_payouts_that_came_as_one_deposit_leave_its_difference_alone(own: House) -> None:
    found = paid(own, 3)

    deposit(own, 5700, found)
    before = breaks(own)
    write_off(own.hub, own.merchant.id, own.connection.id, "deposit D1", "bogus", "USD", ANN, into=Account.EXCHANGE)

    assert before == {"deposit": ("0.30", Cause.BANK)}
    assert breaks(own) == {} and (balances(own)["bank"], balances(own)["exchange"]) == ("57.00", "0.30")
    with own.hub.database.read() as db:
        [shown] = depositing.listed(db, own.merchant.id)
    assert (shown.rest.text(), shown.open.text(), len(shown.payouts)) == ("0.30", "0.00", 3)


def test_a_deposit_to_the_cent_books_nothing_and_said_twice_it_is_one(own: House) -> None:
    found = paid(own, 2)

    deposit(own, 3820, found)
    deposit(own, 3820, found)

    assert breaks(own) == {} and balances(own)["bank"] == "38.20"


def test_a_deposit_that_was_none_is_taken_back_with_its_difference(own: House) -> None:
    found = paid(own, 2)
    deposit(own, 3700, found)
    write_off(own.hub, own.merchant.id, own.connection.id, "deposit D1", "bogus", "USD", ANN)

    depositing.undo(own.hub, own.merchant.id, "D1", ANN)

    assert breaks(own) == {} and balances(own)["bank"] == "38.20" and "written_off" not in balances(own)
    deposit(own, 3820, found, "D2")


def test_what_was_typed_of_one_payout_counts_no_more_in_a_deposit_with_others(own: House) -> None:
    found = paid(own, 2)
    bank(own.hub, own.merchant.id, found[0], "18.00", ANN)

    deposit(own, 3820, found)

    assert breaks(own) == {}
    with pytest.raises(Refused):
        bank(own.hub, own.merchant.id, found[0], "18.00", ANN)


def test_a_payout_that_comes_back_later_changes_what_its_deposit_lacks(own: House) -> None:
    found = paid(own, 2)
    deposit(own, 3820, found)

    own.bogus.till.payouts["P1"] = replace(own.bogus.till.payouts["P1"], state=Paid.FAILED)
    own.ask("read_payouts")
    own.drain()

    assert breaks(own) == {"deposit": ("-19.10", Cause.BANK), "payout": ("19.10", Cause.SUM)}
    assert balances(own)["bank"] == "38.20"  # as the bank shows it


@pytest.mark.parametrize("wrong", ["none", "unknown", "currency", "taken"])
def test_a_deposit_holds_payouts_that_left_and_nothing_else(own: House, wrong: str) -> None:
    found = paid(own, 2)
    if wrong == "taken":
        deposit(own, 1910, found[:1], "D0")
    chosen = {"none": [], "unknown": [replace(found[0], id="another")], "currency": found, "taken": found}[wrong]

    with pytest.raises(Refused):
        deposit(own, 3820, chosen, currency="EUR" if wrong == "currency" else "USD")

    with own.hub.database.read() as db:
        assert [one.deposit.id for one in depositing.listed(db, own.merchant.id)] == (["D0"] if wrong == "taken" else [])


def test_lines_of_the_banks_statement_find_their_payouts(own: House) -> None:
    found = paid(own, 3)
    text = f"day,amount,currency,words\n{DAY},38.20,USD,two\n{DAY},19.10,USD,one\n{DAY},5.00,USD,coffee\n"
    with own.hub.database.read() as db:
        rows, wrong = depositing.propose(own.hub, db, own.merchant.id, text)
        faults = depositing.propose(own.hub, db, own.merchant.id, "day,amount,currency\nx,1,USD\n")[1]

    assert wrong == [] and [line for line, _ in faults] == [2]
    assert [len(one.payouts) for one in rows] == [2, 1, 0]
    assert {each.id for one in rows for each in one.payouts} == {one.id for one in found}


def test_the_difference_of_a_deposit_stands_in_the_journal(own: House) -> None:
    deposit(own, 1900, paid(own))

    with own.hub.database.read() as db:
        [(row, postings)] = journal.story(db, own.merchant.id, "deposit D1")
    assert (row.kind, {one.account.value: one.amount.text() for one in postings}) == ("payout", {"bank": "-0.10", "clearing": "0.10"})
