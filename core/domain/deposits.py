"""Lines of the bank's statement: which payouts one holds, or likely holds, and what it shows otherwise than they came to. Pure."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations

from core.domain import plain_csv
from core.domain.journal import Account, Entry, EntryKind, Posting, merged
from core.domain.money import Money, total
from core.domain.payout_entries import LEFT
from core.domain.payouts import Payout
from core.domain.plain_csv import Wrong

COLUMNS = ("day", "amount", "currency", "words")
AT_MOST = 4  # payouts of one deposit that are proposed
NEAR = timedelta(days=7)  # a payout reaches the bank so long after it was sent, or is dated a day after
NEXT = timedelta(days=1)
AMONG = 25  # payouts that are looked at for one line, those closest in time: bounded, as their combinations are not


@dataclass(frozen=True, slots=True)
class Deposit:
    """One line of the bank's statement that holds payouts."""

    id: str
    day: date
    amount: Money
    words: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """A payout that it holds: our id of it, whose clearing account it left, and on which day."""

    id: str
    connection: str
    gateway: str
    day: date
    payout: Payout

    @property
    def reaches(self) -> Money:
        """What the bank should show of it: nothing of one that never left, or came back."""
        return self.payout.reaches if self.payout.state in LEFT else Money.zero(self.payout.reaches.currency)


def item_of(deposit: str) -> str:
    """Under which item, and which subject, its difference stands."""
    return f"deposit {deposit}"


def rest_of(one: Deposit, held: Sequence[Held]) -> Money:
    """What the bank shows less than its payouts came to; below zero: more."""
    return total((each.reaches for each in held), one.amount.currency) - one.amount


def entries_of(one: Deposit, held: Sequence[Held], starts: date) -> list[Entry]:
    """What it shows otherwise stands in clearing, beside the payout that brought most, until somebody says why."""
    rest = rest_of(one, held)
    if not rest or not held or one.day < starts:
        return []
    whose = max(held, key=lambda each: (abs(each.reaches).minor, each.id))
    kept = Posting(Account.CLEARING, rest, whose.connection, whose.gateway, item_of(one.id))
    postings = merged([Posting(Account.BANK, -rest, whose.connection), kept])
    return [Entry(EntryKind.PAYOUT, item_of(one.id), "difference", one.day, postings, one.words)]


# ---- the bank's lines as a file


@dataclass(frozen=True, slots=True)
class BankLine:
    """What the bank's statement says: a file's line."""

    line: int
    day: date
    amount: Money
    words: str


def read(text: str) -> tuple[list[BankLine], list[Wrong]]:
    """Lines with the columns `day`, `amount`, `currency` and `words` (these may be left out); and (line, why) of what cannot be meant."""
    rows, wrong = plain_csv.rows(text, COLUMNS, COLUMNS[:3])
    found, said = list[BankLine](), list(wrong)
    for line, cells in rows:
        try:
            found.append(BankLine(line, plain_csv.day(cells["day"]), Money.parse(cells["amount"], cells["currency"]), cells["words"]))
        except ValueError as error:
            said.append((line, str(error)))
    return found, sorted(said)


# ---- which payouts a line likely is


def proposals(lines: Sequence[BankLine], free: Sequence[Held]) -> dict[int, tuple[Held, ...]]:
    """By a file's line, the fewest payouts that come to its amount and were sent near its day; each is proposed once. Of several equal
    ones those sent last."""
    left, found = list(free), dict[int, tuple[Held, ...]]()
    for count in range(1, AT_MOST + 1):
        for one in (one for one in lines if one.line not in found):
            if fits := fitting(one, left, count):
                found[one.line] = fits
                left = [each for each in left if each not in fits]
    return found


def fitting(one: BankLine, free: Sequence[Held], count: int) -> tuple[Held, ...] | None:
    """So many payouts that come to a line's amount: of all such the first, the closest in time before others. Exact, in some hundred steps:
    whatever the last two come to is looked up."""
    close = _close(one, free)
    minor, last = [each.reaches.minor for each in close], min(2, count)
    ends: dict[int, list[tuple[int, ...]]] = {}
    for end in combinations(range(len(close)), last):
        ends.setdefault(sum(minor[n] for n in end), []).append(end)
    for begin in combinations(range(len(close)), count - last):
        known = ends.get(one.amount.minor - sum(minor[n] for n in begin), [])
        behind = bisect_left(known, (begin[-1] + 1,)) if begin else 0
        if behind < len(known):
            return tuple(close[n] for n in (*begin, *known[behind]))
    return None


def _close(one: BankLine, free: Sequence[Held]) -> list[Held]:
    near = [each for each in free if each.reaches.currency == one.amount.currency and -NEXT <= one.day - each.day <= NEAR and each.reaches]
    return sorted(near, key=lambda each: (abs(one.day - each.day), each.id))[:AMONG]
