"""What postage comes to: a label as it was bought, as it was given back, and as its carrier billed it in the end. Pure.

A bought label is an expense owed to its carrier. A bill corrects each of its labels to what it says; lines of nobody's label here are
expenses of their own. What is owed is then what carriers billed, and their bills in the ledger pay it off.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from core.domain.journal import Account, Entry, EntryKind, Posting, merged
from core.domain.later import N_
from core.domain.money import Money, total

LIVE = ("bought", "voiding", "refunding", "kept")  # states of a purchase that is to be paid


class What(StrEnum):
    """What a line of a carrier's bill asks money for."""

    FREIGHT = "freight"
    SURCHARGE = "surcharge"
    DUTY = "duty"
    TAX = "tax"
    CREDIT = "credit"
    OTHER = "other"


WORDS = {
    What.FREIGHT: N_("Freight"),
    What.SURCHARGE: N_("Surcharge"),
    What.DUTY: N_("Duty"),
    What.TAX: N_("Tax"),
    What.CREDIT: N_("Credit"),
    What.OTHER: N_("Other"),
}
OWN = (What.OTHER, What.CREDIT, What.SURCHARGE)  # what a carrier may ask without any parcel


@dataclass(frozen=True, slots=True)
class BillLine:
    """Amounts below zero are given back. `purchase` is the label that it is for, None where nobody here bought it."""

    what: What
    amount: Money
    tracking: str = ""
    purchase: str | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Billed:
    """What one bill says of one label."""

    bill: str
    number: str
    on: date
    lines: tuple[BillLine, ...]


@dataclass(frozen=True, slots=True)
class Label:
    """A label that was bought of a carrier: `ref` is its order's, `price` what it was said to cost."""

    id: str
    ref: str
    name: str
    connection: str
    state: str
    on: date
    price: Money

    @property
    def is_live(self) -> bool:
        return self.state in LIVE


def entries_of(label: Label, billed: Sequence[Billed], starts: date) -> list[Entry]:
    """What is to be booked of a label: its price while it is live, and what each bill makes of it, the first bill of all in place of the
    price."""
    subject, made, bought = f"label {label.id}", list[Entry](), label.is_live and label.on >= starts
    if bought and (postings := _sides(label.price, label, Account.POSTAGE)):
        made.append(Entry(EntryKind.POSTAGE, subject, "postage", label.on, tuple(postings), label.name))
    before = label.price if bought else Money.zero(label.price.currency)
    for one in sorted(billed, key=lambda one: (one.on, one.number)):
        postings = [posting for line in one.lines for posting in _sides(line.amount, label, account_of(line))]
        found = merged([*postings, *_sides(-before, label, Account.POSTAGE)])
        before = Money.zero(label.price.currency)
        if found and one.on >= starts:
            made.append(Entry(EntryKind.POSTAGE, subject, f"bill {one.bill}", one.on, found, f"{label.name} {one.number}"))
    return made


def account_of(line: BillLine) -> Account:
    """Tax is kept apart; all else that a carrier asks for a parcel is postage."""
    return Account.FEE_TAX if line.what is What.TAX else Account.POSTAGE


def _sides(amount: Money, label: Label, account: Account) -> list[Posting]:
    if not amount:
        return []
    return [Posting(account, amount, item=label.ref), Posting(Account.POSTAGE_OWED, -amount, label.connection)]


@dataclass(frozen=True, slots=True)
class Bill:
    """A carrier's bill. `connection` is our account with it, "" where it has no connection here."""

    id: str
    carrier: str
    connection: str
    number: str
    on: date
    currency: str
    lines: tuple[BillLine, ...]

    @property
    def total(self) -> Money:
        return total((line.amount for line in self.lines), self.currency)


def rest_of(bill: Bill, starts: date) -> list[Entry]:
    """What of a bill belongs to no label of ours: what it asks for parcels that nobody here sent cannot be named yet."""
    postings = [posting for line in bill.lines if line.purchase is None for posting in _rest(line, bill)]
    found = merged(postings)
    if not found or bill.on < starts:
        return []
    return [Entry(EntryKind.POSTAGE, f"bill {bill.id}", "rest", bill.on, found, f"{bill.carrier} {bill.number}")]


def _rest(line: BillLine, bill: Bill) -> Iterable[Posting]:
    account = Account.UNKNOWN if line.tracking else Account.OTHER_FEES
    if line.what is What.TAX:
        account = Account.FEE_TAX
    return [Posting(account, line.amount, item=f"bill {bill.id}"), Posting(Account.POSTAGE_OWED, -line.amount, bill.connection)]


def matched(lines: Iterable[BillLine], labels: Mapping[str, str]) -> list[BillLine]:
    """Lines with the label that their tracking number is of, by number without spaces in capital letters."""
    return [BillLine(line.what, line.amount, line.tracking, labels.get(plain(line.tracking)), line.text) for line in lines]


def plain(tracking: str) -> str:
    return "".join(tracking.split()).upper()
