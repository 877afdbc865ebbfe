"""Which entries become which documents of a ledger. Pure.

A mode is chosen for each channel, from a day on: documents for each order, a journal for each day, or one for each payout (and month, so
that a payout that spans two is split at the month's end). What a payout brought to the bank is a transfer of its own. Ids of the ledger's
accounts come from the merchant's map.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

from core.domain.coding import TAXES, AccountOf, Chart, Lines, TaxWay, Unmapped, lines_of
from core.domain.journal import Account, EntryKind, Posting, merged
from core.domain.ledgers import DocKind, Document, TaxIs
from core.domain.shelf_moves import PREFIX

ABOUT = {"unpaid": "not paid out yet", "shelf": "lost and found in its warehouses"}
PATIENCE = timedelta(days=10)  # so long after a month's end its orders wait for their payouts


class Mode(StrEnum):
    """How a channel's entries are written into the books."""

    PER_ORDER = "per_order"
    DAILY = "daily"
    PER_PAYOUT = "per_payout"
    NONE = "none"


SOLD, MONEY = (EntryKind.SALE, EntryKind.REFUND), (EntryKind.PAYMENT, EntryKind.REPAYMENT)
OF_ORDERS = (*SOLD, *MONEY)
ORDER = "order|"  # how a source begins that is an order
Plan = Sequence[tuple[date, Mode]]  # from which day on a channel is written how, the oldest first


def mode_on(plan: Plan, on: date) -> Mode:
    """How what was booked on that day is written: a switch of mode touches nothing from before its day."""
    return next((mode for first, mode in reversed(plan) if first <= on), Mode.DAILY)


def switched(plan: Plan, mode: Mode, first: date) -> Plan:
    """The plan with another mode from that day on."""
    kept = [one for one in plan if one[0] < first]
    return [*kept, (first, mode)] if not kept or kept[-1][1] is not mode else kept


@dataclass(frozen=True, slots=True)
class Written:
    """An entry that is to be written: `payout` is the subject of the payout that settles its order, where one does; `items`: how many lines
    that order has, 0 where nobody knows."""

    id: int
    kind: EntryKind
    subject: str
    on: date
    memo: str
    postings: Sequence[Posting]
    payout: str = ""
    items: int = 0

    @property
    def lines(self) -> int:
        """Of how many lines its taxes may be, shipping as one; where nobody knows, so many as there are taxed parts."""
        parts = {(one.account, one.tax) for one in self.postings if one.tax and one.account not in TAXES}
        shipping = any(account is Account.SHIPPING for account, _ in parts)
        return max(1, self.items + shipping if self.items else len(parts))

    @property
    def channel(self) -> str:
        return next((one.connection for one in self.postings if one.connection), "")


def source_of(one: Written, mode: Mode, today: date) -> str | None:
    """The document that it belongs to; None: not yet, or none at all. What happened today may still change."""
    if mode is Mode.NONE or one.on >= today:
        return None
    if one.kind is EntryKind.PAYOUT:
        return f"paid|{one.subject}|{one.on}"
    if mode is Mode.PER_ORDER and one.kind in OF_ORDERS:
        return f"{ORDER}{one.subject}"
    if mode is Mode.DAILY or (mode is Mode.PER_ORDER and one.kind is not EntryKind.SETTLED):
        return f"day|{one.channel}|{one.on}"
    payout = one.subject if one.subject.startswith("payout ") else one.payout
    if payout:
        return f"{payout}|{one.on:%Y-%m}"
    kind = "shelf" if one.subject.startswith(PREFIX) else "unpaid"
    return f"{kind}|{one.channel}|{one.on:%Y-%m}" if today > _month_end(one.on) + PATIENCE else None


def _month_end(on: date) -> date:
    return (on.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def grouped(found: Iterable[Written], plans: Mapping[str, Plan], today: date) -> dict[str, list[Written]]:
    """By the document that they belong to. What waits is left out."""
    groups: dict[str, list[Written]] = {}
    for one in found:
        if source := source_of(one, mode_on(plans.get(one.channel, ()), one.on), today):
            groups.setdefault(source, []).append(one)
    return groups


def currencies_of(group: Iterable[Written]) -> list[str]:
    """Of each a document of its own is made."""
    return sorted({one.amount.currency for entry in group for one in entry.postings})


def described(source: str, group: Sequence[Written], channel: str) -> str:
    """What a document is of, for a bookkeeper: the channel, the payout, and the day or the month."""
    if source.startswith(ORDER):
        return ", ".join(part for part in (f"Crossdock: {channel}", group[0].memo and f"order {group[0].memo}") if part)
    kind, *_, period = source.split("|")
    number = next((one.memo for one in group if one.subject.startswith("payout ") and one.memo), "")
    about = f"payout {number}" if number else ABOUT.get(kind, "")
    return ", ".join(part for part in (f"Crossdock: {channel}", about, period) if part)


def names_of(one: Posting) -> list[str]:
    """Under which names the merchant may have mapped it, the closest first."""
    return [f"{one.account}|{one.connection}|{one.gateway}", f"{one.account}|{one.connection}", str(one.account.value)]


def account_of(maps: Mapping[str, str]) -> AccountOf:
    return lambda one: next((maps[name] for name in names_of(one) if maps.get(name)), None)


def journal(memo: str, group: Sequence[Written], currency: str, chart: Chart, way: TaxWay = TaxWay.PLAIN) -> tuple[Document, Lines] | None:
    """What these entries come to, a line for each account (and tax code); None where that is nothing. Raises Unmapped."""
    sums = merged(replace(one, item="") for entry in group for one in entry.postings if one.amount.currency == currency)
    if not sums:
        return None
    made = lines_of(sums, chart, way, counts=counts_of(group))
    on = max(one.on for one in group)
    return (Document(DocKind.JOURNAL, "", on, currency, made.lines, memo=memo), made) if made.lines else None


def counts_of(group: Iterable[Written]) -> list[int]:
    """Of how many lines each sale or refund is, that taxes fell on; one, where there is none: a document is at least of one line."""
    return [one.lines for one in group if one.kind in SOLD] or [1]


def as_invoice(one: Document, contact: str) -> Document:
    """A journal that the books do not keep, in a currency that is not their own, as an invoice of nothing: credits above zero."""
    lines = tuple(replace(line, amount=-line.amount) for line in one.lines)
    return replace(one, kind=DocKind.INVOICE, lines=lines, contact=contact, due=one.on, tax_is=TaxIs.NONE)


def transfer(memo: str, group: Sequence[Written], currency: str, account: AccountOf) -> Document | None:
    """What reached the bank out of a clearing account, or was taken from it. None where that is nothing, or was taken back. Raises
    Unmapped."""
    sums = [one for one in merged(_plain(group, currency)) if one.account in (Account.BANK, Account.CLEARING)]
    if missing := sorted({one.account.value for one in sums if account(one) is None}):
        raise Unmapped(missing, [])
    gains = next((one for one in sums if one.amount.minor > 0), None)
    loses = next((one for one in sums if one.amount.minor < 0), None)
    if gains is None or loses is None:
        return None
    into, out_of = account(gains) or "", account(loses) or ""
    on = max(one.on for one in group)
    return Document(DocKind.TRANSFER, "", on, currency, into=into, out_of=out_of, amount=gains.amount, memo=memo)


def _plain(group: Iterable[Written], currency: str) -> Iterable[Posting]:
    """Without the items: the books know accounts only."""
    for entry in group:
        yield from (
            Posting(one.account, one.amount, one.connection, one.gateway) for one in entry.postings if one.amount.currency == currency
        )


# ---- what the merchant's chart most likely means

WORDS: Mapping[Account, tuple[str, ...]] = {
    Account.CLEARING: ("clearing",), Account.RESERVE: ("reserve", "deferred"), Account.RECEIVABLE: ("owed by buyers", "undeposited"),
    Account.BANK: ("checking", "business account", "bank"), Account.SALES: ("sales",), Account.SHIPPING: ("shipping income", "shipping"),
    Account.DISCOUNTS: ("discount",), Account.RETURNS: ("refund", "return"), Account.SELLER_TAX: ("sales tax", "gst", "vat", "tax"),
    Account.MARKETPLACE_TAX: ("marketplace tax",), Account.GIFT_CARDS: ("gift card",),
    Account.SELLING_FEES: ("selling fee", "merchant fee"),
    Account.PAYMENT_FEES: ("payment fee", "merchant fee", "bank fee"), Account.FULFILLMENT_FEES: ("fulfillment",),
    Account.ADVERTISING: ("advertising",), Account.SUBSCRIPTIONS: ("subscription",), Account.STORAGE: ("storage",),
    Account.POSTAGE: ("postage", "shipping", "freight"), Account.ROUNDING: ("rounding",), Account.CHARGEBACKS: ("chargeback",),
    Account.EXCHANGE: ("exchange", "currency"), Account.UNKNOWN: ("suspense", "uncategor", "ask my accountant"),
}  # fmt: skip


def proposed(found: Sequence["tuple[str, str]"], wanted: Account) -> str | None:
    """Of (id, name in small letters) the one that our account most likely is: the first whose name has one of its words."""
    for word in WORDS.get(wanted, (wanted.value.replace("_", " "),)):
        for id, name in found:
            if word in name:
                return id
    return None
