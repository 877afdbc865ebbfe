"""What the API says of the books, and what it takes to ask for them. Amounts of postings and balances are debit above zero."""

import re
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from core.domain.journal import Account, EntryKind
from core.domain.ledgers import DocKind
from core.domain.matching import Cause
from core.domain.payouts import Occasion, Paid
from web.api.models import Amount, Asked, Id, Page, Paged, Said

DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def _day(value: Any) -> date:
    if not isinstance(value, str) or DAY.fullmatch(value) is None:
        raise ValueError("must be a day like 2026-11-22")
    return date.fromisoformat(value)


Day = Annotated[date, BeforeValidator(_day)]
Month = Annotated[str, StringConstraints(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$")]
FIRST, LAST = date(1, 1, 1), date(9999, 12, 31)


class BooksSaid(Said):
    """How the books are kept."""

    kept: bool = Field(description="False: nobody said from which day on, and all lists are empty.")
    starts: date | None
    closed_until: date | None = Field(description="Nothing of this day or before changes any more.")
    zone: str | None = Field(description="Days are days there.")


class EntriesAsked(Paged):
    since: Day | None = Field(None, description="Of this day or later.")
    until: Day | None = Field(None, description="Of this day or earlier.")
    account: Account | None = Field(None, description="With a posting to it.")
    connection: Id | None = Field(None, description="With a posting of its.")
    order: Id | None = Field(None, description="About an order, by our id, or moving its money.")
    payout: Id | None = Field(None, description="About a payout, by our id.")


class PostingSaid(Said):
    account: Account
    name: str = Field(description="What people call it.")
    connection: str | None
    gateway: str
    item: str = Field(description="Under what it stands in clearing: an order's ref, a payout.")
    tax: str
    amount: Amount = Field(description="Debit above zero, credit below it.")


class EntrySaid(Said):
    """A booking: its postings come to nothing in each currency. A later version of its subject and key takes it back."""

    id: int
    kind: EntryKind
    subject: str
    key: str
    version: int
    day: date
    due_day: date | None = Field(description="The day that it belongs to, where that was closed.")
    at: datetime
    memo: str
    reverses: int | None = Field(description="The version that it takes back.")
    order: str | None = Field(description="Our id of the order that it is about.")
    postings: list[PostingSaid]


class EntryPage(Page):
    items: list[EntrySaid]


class BalancesAsked(Asked):
    on: Day | None = Field(None, description="As they stood at the end of this day; none: now.")


class BalanceSaid(Said):
    account: Account
    name: str
    connection: str | None
    gateway: str
    amount: Amount = Field(description="Debit above zero.")


class BalanceList(Said):
    """A trial balance: of each currency the amounts come to nothing."""

    on: date | None
    items: list[BalanceSaid]


class PayoutsAsked(Paged):
    connection: Id | None = None


class PayoutSaid(Said):
    id: str
    connection: str
    channel_id: str
    gateway: str = Field(description="Whose money it is, where that is not the channel's own.")
    state: Paid
    at: datetime = Field(description="When it was, or will be, sent.")
    amount: Amount
    reaches: Amount = Field(description="What the bank should show, where the channel converts it.")
    number: str = Field(description="What stands on the bank's statement.")
    banked: Amount | None = Field(description="What somebody found on the bank's statement.")
    deposit: str | None = Field(description="The line of the bank's statement that holds it beside others.")
    read_at: datetime | None
    booked_at: datetime | None


class PayoutPage(Page):
    items: list[PayoutSaid]


class LinesSum(Said):
    lines: int
    orders: int
    amount: Amount


class PayoutWhole(PayoutSaid):
    sums: list[LinesSum] = Field(description="What its lines come to, by currency.")
    gap: Amount | None = Field(description="What its lines do not explain; none: not read whole, or of several currencies.")


class OpenSaid(Said):
    """What stands in clearing under one item, and why."""

    item: str
    connection: str
    gateway: str
    order: str | None = Field(description="Our id of its order.")
    name: str | None = Field(description="What the order is called.")
    amount: Amount
    cause: Cause
    is_break: bool = Field(description="False: it is awaited, or waits for its order to be booked.")
    since: date
    last: date = Field(description="When it last moved.")
    expected_by: date
    age_days: int


class PayoutLineSaid(Said):
    """A line of a payout, with the order that it is for and what stands open under that order now."""

    id: str
    occasion: Occasion
    label: str = Field(description="The channel's own name of it.")
    at: datetime
    amount: Amount
    buyer: Amount = Field(description="What of it is the buyer's money.")
    fees: Amount
    order: str | None = Field(description="Our id of its order.")
    name: str | None
    channel_order: str | None = Field(description="The channel's id of its order: with no `order` we do not know it.")
    open: list[OpenSaid] = Field(description="Empty: all of the order's money met.")


class PayoutLinePage(Page):
    items: list[PayoutLineSaid]


class ItemsAsked(Paged):
    breaks: bool = Field(False, description="Without what is awaited. A page may then hold fewer than `limit`, and `next` still goes on.")


class OpenPage(Page):
    items: list[OpenSaid]


class DocumentsAsked(Paged):
    ledger: Id | None = Field(None, description="The connection that they are written into.")
    state: Literal["wanted", "asked", "posted", "blocked"] | None = Field(None, description="None: all of them.")


class DocumentSaid(Said):
    """What is, or shall be, written into a ledger."""

    id: str
    ledger: str
    number: str
    kind: DocKind
    day: date
    total: Amount
    tax: Amount
    state: Literal["wanted", "asked", "posted", "blocked"] = Field(description="`asked`: the ledger may have it.")
    why: str | None = Field(description="Why it is blocked.")
    words: str | None = Field(description="The ledger's own.")
    ledger_id: str | None
    link: str | None
    changed: bool = Field(description="Somebody changed it there, or took it away.")
    posted_at: datetime | None


class DocumentPage(Page):
    items: list[DocumentSaid]


class CertificateAsked(Asked):
    month: Month | None = Field(None, description="None: this month, up to today.")


class ClearedSaid(Said):
    """A clearing account over the days."""

    connection: str
    gateway: str
    before: Amount
    paid: Amount
    repaid: Amount
    kept: Amount = Field(description="What payouts took for fees and the rest.")
    out: Amount
    other: Amount
    after: Amount
    orders: int


class OpenSum(Said):
    cause: Cause
    is_break: bool
    count: int
    amount: Amount


class CertificateSaid(Said):
    """`residue` is what stands in clearing, less all open items: zero in each currency, or it proves nothing."""

    since: date
    until: date
    cleared: list[ClearedSaid]
    open: list[OpenSum] = Field(description="All open items at the end, by cause.")
    balances: list[BalanceSaid] = Field(description="What each account came to over these days.")
    residue: list[Amount]


class PayoutCertificateSaid(Said):
    """`residue` is what was paid out, less all of its lines: zero, or the payout is not explained."""

    payout: PayoutSaid
    orders: int
    settled: Amount = Field(description="What of orders' money it settles.")
    fees: Amount = Field(description="What these orders cost, below zero.")
    rest: Amount = Field(description="What else the lines of orders hold.")
    others: Amount = Field(description="What lines of no order come to.")
    open: list[OpenSaid] = Field(description="What stands open under its orders now.")
    residue: Amount | None = Field(description="None: it was not read whole, or holds several currencies.")
    pdf: str = Field(description="The same as a sheet, order by order, for people who are signed in.")


class ProfitAsked(Paged):
    by: Literal["channel", "sku", "order"] = "channel"
    month: Month | None = Field(None, description="Of orders sold in it; none: this month.")


class ProfitSaid(Said):
    """What orders left: what was earned (without tax, discounts taken off), given back, fees, postage and cost, in one currency."""

    name: str = Field(description="The connection's id, the SKU (empty: of no one SKU), or our id of the order.")
    title: str = Field(description="What people call it.")
    orders: int
    units: int
    earned: Amount
    given_back: Amount
    fees: Amount
    fees_told: Amount = Field(description="Which of the fees are told, and not charged yet.")
    postage: Amount
    cost: Amount
    left: Amount
    cost_missing: int = Field(description="Of so many lines units left, and nobody knows what they cost.")
    cost_waiting: int = Field(description="Of so many more the cost is not booked yet: it is when the goods leave.")


class ProfitPage(Page):
    since: date
    until: date
    items: list[ProfitSaid]
