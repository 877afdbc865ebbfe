"""Opening balances: they net to nothing against equity, however they are typed, kept and typed again."""

import json
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from core.domain.journal import Account
from core.domain.money import Money
from core.domain.opening import ACCOUNTS, COLUMNS, HELD, OWED, SUBJECT, Balance, What, entries_of, kept, read, written
from tests.domain.test_journal import journal_of, sums

STARTS = date(2026, 1, 1)


@st.composite
def balances(draw: st.DrawFn) -> list[Balance]:
    found = []
    for what in draw(st.lists(st.sampled_from(What), max_size=8)):
        connection = "" if what is What.STOCK else draw(st.sampled_from(["shop", "amazon"]))
        gateway = draw(st.sampled_from(["paypal", "klarna"])) if what in HELD else ""
        currency = draw(st.sampled_from(["USD", "JPY", "KWD"]))
        found.append(Balance(what, connection, gateway, Money(draw(st.integers(-90_000, 90_000)), currency)))
    return list({one.place: one for one in found}.values())


@given(balances())
def test_all_of_them_stand_against_equity_and_as_they_are_owed(some):
    found = sums(entries_of(some, STARTS))

    worth = sum(-one.amount.minor if one.what in OWED else one.amount.minor for one in some)
    assert found.get(Account.OPENING, 0) == -worth
    assert sum(found.values()) == 0
    for account in set(ACCOUNTS.values()):
        own = sum(-one.amount.minor if one.what in OWED else one.amount.minor for one in some if ACCOUNTS[one.what] is account)
        assert found.get(account, 0) == own


@given(balances(), balances())
def test_typed_again_they_are_what_was_typed_last(first, then):
    lines = journal_of(entries_of(first, STARTS), entries_of(then, STARTS), entries_of(then, STARTS))

    assert sums(line.entry for line in lines) == sums(entries_of(then, STARTS))


@given(balances())
def test_settings_and_files_give_back_what_was_typed(some):
    rows = [f"{one.what},{one.connection},{one.gateway},{one.amount.currency},{one.amount.text()}" for one in some]

    assert kept(json.loads(json.dumps({SUBJECT: written(some)}))) == some
    assert read("\n".join([",".join(COLUMNS), *rows]) + "\n", {"shop": "shop", "amazon": "amazon"}, {}) == (some, [])
