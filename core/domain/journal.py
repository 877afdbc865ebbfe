"""The journal: double-entry bookings that balance per currency or cannot be built. Pure.

Debits are above zero, credits below. An entry is named by its subject and key, so it is derived any number of times and booked once:
`due` compares what should be booked with what is, and gives what is to be appended. Nothing that is booked is ever changed: what turns
out otherwise is reversed, and booked anew.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from core.domain.money import Money


class Account(StrEnum):
    """Our chart. What each becomes in the merchant's own books he says himself."""

    CLEARING = "clearing"  # what a gateway took for us and has not paid out
    RESERVE = "reserve"  # what it keeps back of that
    RECEIVABLE = "receivable"  # what buyers owe
    BANK = "bank"  # payouts, as they reach it
    INVENTORY = "inventory"
    SELLER_TAX = "seller_tax"  # ours to pay to the state
    MARKETPLACE_TAX = "marketplace_tax"  # the channel pays it: it comes in and goes out, and is nobody's revenue
    GIFT_CARDS = "gift_cards"  # sold, and not yet spent
    STORE_CREDIT = "store_credit"
    POSTAGE_OWED = "postage_owed"  # to a carrier
    LOAN = "loan"
    SALES = "sales"
    SHIPPING = "shipping"
    TIPS = "tips"
    DUTIES = "duties"
    CHARGES = "charges"  # asked of the buyer beside goods and shipping
    DISCOUNTS = "discounts"
    RETURNS = "returns"  # goods given back or called off
    REFUND_DIFFERENCE = "refund_difference"  # given back beside what the goods came to, or kept back of it
    REIMBURSEMENTS = "reimbursements"
    ADJUSTMENTS = "adjustments"
    SELLING_FEES = "selling_fees"
    PAYMENT_FEES = "payment_fees"
    FULFILLMENT_FEES = "fulfillment_fees"
    ADVERTISING = "advertising"
    SUBSCRIPTIONS = "subscriptions"
    STORAGE = "storage"
    OTHER_FEES = "other_fees"
    FEE_TAX = "fee_tax"  # tax that a channel charges on its fees
    CHARGEBACKS = "chargebacks"
    POSTAGE = "postage"
    GOODS_SOLD = "goods_sold"
    ROUNDING = "rounding"
    EXCHANGE = "exchange"
    WRITTEN_OFF = "written_off"
    OPENING = "opening"  # the other side of what stood when accounting began
    UNKNOWN = "unknown"  # money that nobody can name yet: somebody must look


class EntryKind(StrEnum):
    SALE = "sale"
    REFUND = "refund"
    PAYMENT = "payment"
    REPAYMENT = "repayment"
    SETTLED = "settled"  # movements of a payout, a day of them
    PAYOUT = "payout"
    POSTAGE = "postage"
    OPENING = "opening"
    WRITE_OFF = "write_off"
    COST = "cost"  # of goods that left, or came back


@dataclass(frozen=True, slots=True)
class Posting:
    """One side of a booking. `connection` and `gateway` say whose clearing account, or whose fees; `item` what it is about: what stands
    under one item comes to nothing once it is settled. `tax` is the taxation of a sale's part (see core.domain.taxation), the same on
    the part and on its taxes."""

    account: Account
    amount: Money
    connection: str = ""
    gateway: str = ""
    item: str = ""
    tax: str = ""

    @property
    def place(self) -> tuple[str, ...]:
        """What two postings of an entry must share to be one."""
        return (self.account, self.connection, self.gateway, self.item, self.tax, self.amount.currency)


def merged(postings: Iterable[Posting]) -> tuple[Posting, ...]:
    """One posting for each place, in the order of the first; those that come to nothing are left out."""
    found: dict[tuple[str, ...], Posting] = {}
    for one in postings:
        known = found.get(one.place)
        found[one.place] = replace(one, amount=known.amount + one.amount) if known else one
    return tuple(one for one in found.values() if one.amount)


class Unbalanced(ValueError):
    """These postings do not come to nothing."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A booking. `subject` and `key` name it among all of a merchant's. Raises Unbalanced."""

    kind: EntryKind
    subject: str
    key: str
    on: date
    postings: tuple[Posting, ...]
    memo: str = ""

    def __post_init__(self) -> None:
        sums: dict[str, int] = {}
        for one in self.postings:
            sums[one.amount.currency] = sums.get(one.amount.currency, 0) + one.amount.minor
        if any(sums.values()) or not self.postings:
            raise Unbalanced(f"{self.subject} {self.key}: {sums}")


@dataclass(frozen=True, slots=True)
class Booked:
    """What stands under a subject and key: the newest version, and its postings; none: it was reversed."""

    version: int
    kind: EntryKind
    on: date
    postings: tuple[Posting, ...] = ()
    memo: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """An entry as it is appended: its version, and which one it takes back. `due` is the day that it belongs to, where that is closed."""

    entry: Entry
    version: int
    reverses: int | None = None
    due: date | None = None


def due(wanted: Iterable[Entry], booked: Mapping[tuple[str, str], Booked], open_from: date = date.min) -> list[Line]:
    """What must be appended so that the journal says what is wanted, of the subjects of `booked`: nothing where it does. What falls before
    `open_from` is booked on that day."""
    named = {(one.subject, one.key): one for one in wanted}
    lines = [line for name, one in named.items() for line in _line_of(one, booked.get(name), open_from)]
    gone = [(name, one) for name, one in booked.items() if name not in named and one.postings]
    return lines + [_back(name, one, open_from) for name, one in gone]


def _line_of(wanted: Entry, known: Booked | None, open_from: date) -> list[Line]:
    if known is None:
        return [_dated(Line(wanted, 1), open_from)]
    if not known.postings:
        return [_dated(Line(wanted, known.version + 1), open_from)]
    if _same(wanted.postings, known.postings):
        return []
    back = _back((wanted.subject, wanted.key), known, open_from)
    return [back, _dated(Line(wanted, back.version + 1), open_from)]


def _same(these: Sequence[Posting], those: Sequence[Posting]) -> bool:
    return {one.place: one.amount.minor for one in these} == {one.place: one.amount.minor for one in those}


def _back(name: tuple[str, str], known: Booked, open_from: date) -> Line:
    postings = tuple(replace(one, amount=-one.amount) for one in known.postings)
    entry = Entry(known.kind, *name, known.on, postings, known.memo)
    return _dated(Line(entry, known.version + 1, reverses=known.version), open_from)


def _dated(line: Line, open_from: date) -> Line:
    if line.entry.on >= open_from:
        return line
    return replace(line, entry=replace(line.entry, on=open_from), due=line.entry.on)
