"""What a certificate says on paper: clearing accounts, open items and what is left, by currency. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import islice

from core.domain.later import N_
from core.domain.money import Money, total

WORDS = {
    "certificate": N_("Certificate of clearing accounts"),
    "period": N_("Days"),
    "made": N_("Made on"),
    "closed": N_("Closed up to"),
    "since": N_("Books kept since"),
    "account": N_("Account"),
    "before": N_("Before"),
    "paid": N_("Orders"),
    "repaid": N_("Given back"),
    "kept": N_("Fees and the rest"),
    "out": N_("Paid out"),
    "other": N_("Others"),
    "after": N_("After"),
    "sum": N_("Sum"),
    "open": N_("Open items"),
    "none_open": N_("Every order's money met its payout."),
    "item": N_("Order or payout"),
    "from": N_("Since"),
    "by": N_("Expected by"),
    "why": N_("Why it is open"),
    "amount": N_("Amount"),
    "more": N_("{count} more, expected by {day}"),
    "clearing": N_("What stands in clearing"),
    "residue": N_("Residue: clearing less open items"),
    "named": N_("everything is named"),
    "not_named": N_("NOT EXPLAINED"),
    "nothing": N_("Nothing was booked."),
    "of_payout": N_("Certificate of a payout"),
    "payout": N_("Payout"),
    "sent": N_("Sent on"),
    "state": N_("State"),
    "banked": N_("On the bank's statement"),
    "deposit": N_("Came in a deposit with others"),
    "orders": N_("Orders in it"),
    "order": N_("Order"),
    "settled": N_("Settled"),
    "fees": N_("Fees"),
    "rest": N_("The rest"),
    "sum_of": N_("Comes to"),
    "left": N_("Open"),
    "matched": N_("to the cent"),
    "of_none": N_("What is of no order"),
    "what": N_("What"),
    "when": N_("When"),
    "no_lines": N_("It holds nothing."),
    "lines": N_("What its lines come to"),
    "paid_out": N_("What was paid out"),
    "residue_of": N_("Residue: paid out less its lines"),
    "unsure": N_("cannot be said: it was not read whole, or holds several currencies"),
}


@dataclass(frozen=True, slots=True)
class Moved:
    """A clearing account over the days."""

    account: str
    before: Money
    paid: Money
    repaid: Money
    kept: Money
    out: Money
    other: Money
    after: Money

    @property
    def amounts(self) -> tuple[Money, ...]:
        return (self.before, self.paid, self.repaid, self.kept, self.out, self.other, self.after)


@dataclass(frozen=True, slots=True)
class Left:
    """An open item, or `count` of them that are expected by the same day."""

    item: str
    account: str
    since: date
    by: date
    why: str
    amount: Money
    count: int = 1


@dataclass(frozen=True, slots=True)
class Part:
    """All of one currency."""

    currency: str
    moved: tuple[Moved, ...]
    left: tuple[Left, ...]

    @property
    def sums(self) -> tuple[Money, ...]:
        return tuple(total(some, self.currency) for some in zip(*(one.amounts for one in self.moved), strict=True))

    @property
    def clearing(self) -> Money:
        return total((one.after for one in self.moved), self.currency)

    @property
    def open(self) -> Money:
        return total((one.amount for one in self.left), self.currency)

    @property
    def residue(self) -> Money:
        return self.clearing - self.open


@dataclass(frozen=True, slots=True)
class Stated:
    """A certificate of some days of a merchant's, as it is printed."""

    merchant: str
    since: date
    until: date
    made: date
    begun: date
    closed: date | None
    parts: tuple[Part, ...]
    words: Mapping[str, str] = field(default_factory=lambda: WORDS)


@dataclass(frozen=True, slots=True)
class Settled:
    """An order in a payout: what of its money is settled, its fees (below zero), what else its lines hold, and what stands open under it
    now, with why."""

    order: str
    settled: Money
    fees: Money
    amount: Money
    open: Money | None = None
    why: str = ""

    @property
    def rest(self) -> Money:
        return self.amount - self.settled - self.fees


@dataclass(frozen=True, slots=True)
class Beside:
    """A line of a payout that is of no order."""

    what: str
    on: date
    amount: Money


@dataclass(frozen=True, slots=True)
class PaidOut:
    """A payout as it is printed. `whole`: all of it was read, in its own currency."""

    merchant: str
    called: str
    account: str
    sent: date
    made: date
    state: str
    amount: Money
    reaches: Money
    banked: Money | None
    deposit: bool
    orders: tuple[Settled, ...]
    others: tuple[Beside, ...]
    whole: bool
    words: Mapping[str, str] = field(default_factory=lambda: WORDS)

    @property
    def sums(self) -> tuple[Money, ...]:
        """Of its orders: settled, fees, the rest, and what they come to."""
        rows = [(one.settled, one.fees, one.rest, one.amount) for one in self._own]
        return tuple(total((row[n] for row in rows), self.amount.currency) for n in range(4))

    @property
    def _own(self) -> list[Settled]:
        return [one for one in self.orders if one.amount.currency == self.amount.currency]

    @property
    def beside(self) -> Money:
        own = (one.amount for one in self.others if one.amount.currency == self.amount.currency)
        return total(own, self.amount.currency)

    @property
    def lines(self) -> Money:
        return self.sums[3] + self.beside

    @property
    def residue(self) -> Money | None:
        """Nothing, or the payout is not explained; None: nobody can say."""
        return self.amount - self.lines if self.whole else None


def shortened(found: Iterable[Left], most: int) -> tuple[Left, ...]:
    """The first of them, and the others summed by account and the day by which they are expected: their sum stays."""
    found = iter(found)
    first, rest = tuple(islice(found, most)), dict[tuple[str, date, str], Left]()
    for one in found:
        key = (one.account, one.by, one.amount.currency)
        known = rest.get(key)
        rest[key] = (
            Left("", one.account, min(known.since, one.since), one.by, one.why, known.amount + one.amount, known.count + one.count)
            if known
            else one
        )
    return (*first, *(rest[key] for key in sorted(rest)))
