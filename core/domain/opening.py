"""What stood when accounting began: the balances that a merchant types, or brings as a file, and their entries. Pure.

The first line of a file names its columns, in any order: `account` (a word of ACCOUNTS), `channel` (an account's name or id; left out for
stock), `gateway` (left out: the channel's own), `currency` and `amount`, a plain decimal with a point. All balances stand as they are
owed: what a channel holds for us, what buyers may still spend of gift cards, what stock is worth.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from core.domain import plain_csv
from core.domain.journal import Account, Entry, EntryKind, Posting
from core.domain.money import Money
from core.domain.order_entries import OPENING
from core.domain.payouts import Leaf
from core.domain.plain_csv import Wrong

COLUMNS = ("account", "channel", "gateway", "currency", "amount")
SUBJECT = "opening"


class What(StrEnum):
    """Of what it is a balance."""

    CLEARING = "clearing"
    DEFERRED = "deferred"  # it meets the channel's payouts as clearing does, later
    RESERVE = "reserve"
    GIFT_CARDS = "gift_cards"
    STOCK = "stock"


ACCOUNTS: Mapping[What, Account] = {
    What.CLEARING: Account.CLEARING,
    What.DEFERRED: Account.CLEARING,
    What.RESERVE: Account.RESERVE,
    What.GIFT_CARDS: Account.GIFT_CARDS,
    What.STOCK: Account.INVENTORY,
}
OWED = frozenset((What.GIFT_CARDS,))  # by us: a credit
HELD = frozenset((What.CLEARING, What.DEFERRED, What.RESERVE))  # by a gateway


@dataclass(frozen=True, slots=True)
class Balance:
    """What stood in an account. `connection` is "" for stock, `gateway` for what no gateway holds."""

    what: What
    connection: str
    gateway: str
    amount: Money

    @property
    def place(self) -> tuple[str, ...]:
        return (self.what, self.connection, self.gateway, self.amount.currency)


def entries_of(balances: Iterable[Balance], starts: date) -> list[Entry]:
    """One for each balance, on the first day."""
    return [_entry(one, starts) for one in balances if one.amount]


def _entry(one: Balance, starts: date) -> Entry:
    amount, account = -one.amount if one.what in OWED else one.amount, ACCOUNTS[one.what]
    item = OPENING if account is Account.CLEARING else f"{Leaf.RESERVE} {one.connection}" if account is Account.RESERVE else ""
    postings = (Posting(account, amount, one.connection, one.gateway, item), Posting(Account.OPENING, -amount, one.connection))
    return Entry(EntryKind.OPENING, SUBJECT, " ".join((starts.isoformat(), *one.place)), starts, postings)


def balance(what: str, connection: str, gateway: str, currency: str, amount: str) -> Balance:
    """What somebody typed. Raises ValueError with a word on what is wrong."""
    kind = next((one for one in What if one == what), None)
    if kind is None:
        raise ValueError(f"account: it is one of {', '.join(What)}")
    if kind is not What.STOCK and not connection:
        raise ValueError("channel: there is none")
    if kind in HELD and not gateway:
        raise ValueError("gateway: there is none")
    held = connection if kind is not What.STOCK else "", gateway if kind in HELD else ""
    return Balance(kind, *held, _money(amount, currency))


def _money(amount: str, currency: str) -> Money:
    try:
        return Money.parse(amount, currency)
    except ValueError as error:
        raise ValueError(f"{'currency' if 'currency is' in str(error) else 'amount'}: {error}") from None


def read(text: str, channels: Mapping[str, str], feeds: Mapping[str, str]) -> tuple[list[Balance], list[Wrong]]:
    """What a file says, and (line, why) of what cannot be meant. `channels` are connections by their names, `feeds` the channels' own
    gateways by connection."""
    rows, wrong = plain_csv.rows(text, COLUMNS, ("account", "currency", "amount"))
    found, said = dict[tuple[str, ...], Balance](), list(wrong)
    for line, cells in rows:
        try:
            one = _of_row(cells, channels, feeds)
            if found.setdefault(one.place, one) is not one:
                raise ValueError("account: a line before has the same")
        except ValueError as error:
            said.append((line, str(error)))
    return list(found.values()), sorted(said)


def _of_row(cells: Mapping[str, str], channels: Mapping[str, str], feeds: Mapping[str, str]) -> Balance:
    connection = channels.get(cells["channel"], "")
    if cells["channel"] and not connection:
        raise ValueError("channel: there is none of that name")
    return balance(cells["account"], connection, cells["gateway"] or feeds.get(connection, ""), cells["currency"], cells["amount"])


# ---- as settings keep them


def written(balances: Iterable[Balance]) -> list[dict[str, Any]]:
    return [{**asdict(one), "what": str(one.what), "amount": one.amount.minor, "currency": one.amount.currency} for one in balances]


def kept(settings: Mapping[str, Any]) -> list[Balance]:
    """Those of the books' settings."""
    found = settings.get(SUBJECT) or []
    return [Balance(What(one["what"]), one["connection"], one["gateway"], Money(one["amount"], one["currency"])) for one in found]
