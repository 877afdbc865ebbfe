"""The journal by account: the same entries in the same order as from the whole of it, however it is paged."""

from datetime import date, timedelta
from random import Random

import pytest

from core.domain.journal import Account, Entry, EntryKind, Line, Posting
from core.domain.money import Money
from core.store import journal, ledger_reads
from tests.conftest import House

FIRST, DAY = date(2026, 3, 1), timedelta(days=1)
ACCOUNTS = (Account.SALES, Account.CLEARING, Account.ROUNDING)  # the last one seldom


@pytest.fixture
def kept(house: House) -> House:
    """Sixty entries over twenty days, some days without any, of two connections and three accounts."""
    random = Random(7)
    lines = [_entry(n, random) for n in range(60)]
    with house.hub.unit() as work:
        journal.append(work.db, house.merchant.id, lines, work.now)
    return house


def _entry(n: int, random: Random) -> Line:
    account, amount = random.choices(ACCOUNTS, [5, 5, 1])[0], Money(random.randint(1, 900), "USD")
    parts = [Posting(account, amount, random.choice(["a", "b"]), item=f"i{m}") for m in range(random.randint(1, 2))]
    back = [Posting(Account.BANK, -amount, random.choice(["a", "b"])) for _ in parts]
    return Line(Entry(EntryKind.PAYMENT, f"shop/{n}", "sale", FIRST + random.randint(0, 19) // 2 * 2 * DAY, (*parts, *back)), 1)


def read(house: House, most: int, since: date = FIRST, until: date = FIRST + 30 * DAY, **wishes: str) -> list[tuple[str, int]]:
    """All of it, a page after the other."""
    found, behind = list[tuple[str, int]](), ledger_reads.NEWEST
    while True:
        with house.hub.database.read() as db:
            page = ledger_reads.entries(db, house.merchant.id, since, until, behind, most, wishes)
        found += [(row.day, row.id) for row, _ in page]
        if len(page) < most:
            return found
        behind = found[-1]


def test_by_account_every_entry_is_found_once_the_newest_first_however_it_is_paged(kept: House) -> None:
    with kept.hub.database.read() as db:
        whole = ledger_reads.entries(db, kept.merchant.id, FIRST, FIRST + 30 * DAY, ledger_reads.NEWEST, 100, {})
    for account in (*ACCOUNTS, Account.BANK, Account.LOAN):
        named = [(row, {one.connection for one in parts}) for row, parts in whole if account in {one.account for one in parts}]
        meant, ours = [(row.day, row.id) for row, _ in named], [(row.day, row.id) for row, whose in named if "a" in whose]
        days = [one for one in meant if "2026-03-05" <= one[0] <= "2026-03-09"]

        assert [read(kept, most, account=account) for most in (1, 2, 7, 100)] == [meant] * 4
        assert [read(kept, most, account=account, connection="a") for most in (1, 3)] == [ours] * 2
        assert [read(kept, most, date(2026, 3, 5), date(2026, 3, 9), account=account) for most in (1, 100)] == [days] * 2
    assert len(whole) == 60


def test_days_without_such_entries_end_the_reading(kept: House) -> None:
    assert read(kept, 5, FIRST - 30 * DAY, FIRST - DAY, account=Account.SALES) == []
    assert read(kept, 5, FIRST + 40 * DAY, FIRST + 50 * DAY, account=Account.SALES) == []
