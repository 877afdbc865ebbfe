"""What a payout books: its movements, day by day, and the money that reaches the bank. Pure.

Each movement takes what it settles out of clearing (an order's money, by its item), books its fees and the rest where its leaves say, and
leaves what it comes to under the payout's own item; the payout takes that to the bank. So a payout that is told whole leaves nothing
under its item, and an order that is settled leaves nothing under its own.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date

from core.domain.journal import Account, Entry, EntryKind, Posting, merged
from core.domain.money import Money
from core.domain.order_entries import OPENING, Rules
from core.domain.payouts import Leaf, Movement, Paid, Part, Payout

ACCOUNTS: Mapping[Leaf, Account] = {
    Leaf.BUYER: Account.CLEARING,
    Leaf.MARKETPLACE_TAX: Account.CLEARING,  # beside the buyer's money it takes out again what we never get
    Leaf.SELLING_FEE: Account.SELLING_FEES,
    Leaf.PAYMENT_FEE: Account.PAYMENT_FEES,
    Leaf.FULFILLMENT_FEE: Account.FULFILLMENT_FEES,
    Leaf.SHIPPING_FEE: Account.POSTAGE,
    Leaf.ADVERTISING: Account.ADVERTISING,
    Leaf.SUBSCRIPTION: Account.SUBSCRIPTIONS,
    Leaf.STORAGE: Account.STORAGE,
    Leaf.OTHER_FEE: Account.OTHER_FEES,
    Leaf.FEE_TAX: Account.FEE_TAX,
    Leaf.REIMBURSEMENT: Account.REIMBURSEMENTS,
    Leaf.CHARGEBACK: Account.CHARGEBACKS,
    Leaf.ADJUSTMENT: Account.ADJUSTMENTS,
    Leaf.LOAN: Account.LOAN,
    Leaf.RESERVE: Account.RESERVE,
    Leaf.CARRIED: Account.CLEARING,  # out of one payout and into the next
    Leaf.BANK: Account.BANK,
    Leaf.UNKNOWN: Account.UNKNOWN,
}
LEFT = (Paid.SCHEDULED, Paid.ON_ITS_WAY, Paid.PAID)  # the money left the gateway
ItemOf = Callable[[str], str | None]


def subject_of(connection: str, payout: str) -> str:
    return f"payout {connection}/{payout}"


def entries_of(
    connection: str, payout: Payout, movements: Iterable[Movement], rules: Rules, item_of: ItemOf, banked: Money | None = None
) -> list[Entry]:
    """All entries of a closed payout. `item_of` gives an order's item by the channel's id; None where we know no such order. `banked` is
    what the bank shows of it, where somebody looked: what it lacks, or has too much, stands under an item of its own."""
    subject = subject_of(connection, payout.id)
    days: dict[date, list[Posting]] = {}
    for one in movements:
        days.setdefault(max(rules.day(one.at), rules.starts), []).extend(_moved(connection, subject, one, rules, item_of))
    settled = [_settled(subject, day, postings, payout) for day, postings in days.items()]
    return [one for one in (*settled, _paid(connection, subject, payout, rules, banked)) if one is not None]


def _settled(subject: str, day: date, postings: Sequence[Posting], payout: Payout) -> Entry | None:
    whole = merged(postings)
    return Entry(EntryKind.SETTLED, subject, f"moved {day}", day, whole, payout.number or payout.id) if whole else None


def _moved(connection: str, subject: str, one: Movement, rules: Rules, item_of: ItemOf) -> list[Posting]:
    """One movement: what it comes to is the payout's, its parts are where their leaves belong; what they do not explain is unknown."""
    whole = Posting(Account.CLEARING, one.amount, connection, rules.gateway, subject)
    parts = [_part(connection, part, rules, _item(connection, one, part, rules, item_of)) for part in one.parts]
    return [whole, *parts, Posting(Account.UNKNOWN, -one.gap, connection, rules.gateway, subject)]


def _part(connection: str, part: Part, rules: Rules, item: str) -> Posting:
    account = ACCOUNTS[part.leaf]
    held = account in (Account.CLEARING, Account.RESERVE, Account.UNKNOWN)
    return Posting(account, -part.amount, connection, rules.gateway if held else "", item if held else "")


def _item(connection: str, one: Movement, part: Part, rules: Rules, item_of: ItemOf) -> str:
    """What it settles: an order by its item; money for an order that nobody knows under a name of its own, so that it stands out."""
    if part.leaf in (Leaf.CARRIED, Leaf.RESERVE):
        return f"{part.leaf} {connection}"
    if one.order is None:
        return f"{connection}/?{one.id}"
    return item_of(one.order) or (OPENING if rules.day(one.at) < rules.starts else f"{connection}/{one.order}")


def bank_item(connection: str, payout: str) -> str:
    """Under which stands what the bank shows of a payout otherwise than it was sent."""
    return f"bank {connection}/{payout}"


def _paid(connection: str, subject: str, payout: Payout, rules: Rules, banked: Money | None) -> Entry | None:
    """What reached the bank, or was taken from it; nothing where the bank sent it back and no movement says so."""
    left = payout.state in LEFT or (payout.state is Paid.FAILED and rules.comes_back)
    if not left or not payout.amount or rules.day(payout.at) < rules.starts:
        return None
    held = Posting(Account.CLEARING, -payout.amount, connection, rules.gateway, subject)
    rest = _not_banked(connection, payout, rules.gateway, banked)
    postings = merged([held, *_banked(connection, payout, rules.gateway), *rest])
    return Entry(EntryKind.PAYOUT, subject, "paid", rules.day(payout.at), postings, payout.number or payout.id)


def _banked(connection: str, payout: Payout, gateway: str) -> list[Posting]:
    """In the payout's currency, or what the channel made of it in the bank's. What the channel neither paid nor took is carried on."""
    told = payout.deposit
    if told is None:
        return [Posting(Account.BANK, payout.amount, connection)]
    if told.currency == payout.amount.currency:
        carried = Posting(Account.CLEARING, payout.amount - told, connection, gateway, f"{Leaf.CARRIED} {connection}")
        return [Posting(Account.BANK, told, connection), carried]
    given = Posting(Account.EXCHANGE, payout.amount, connection)
    return [given, Posting(Account.BANK, told, connection), Posting(Account.EXCHANGE, -told, connection)]


def _not_banked(connection: str, payout: Payout, gateway: str, banked: Money | None) -> list[Posting]:
    """What the bank shows less than was sent, or more, stands in clearing until somebody says why."""
    rest = payout.reaches - (payout.reaches if banked is None else banked)
    held = Posting(Account.CLEARING, rest, connection, gateway, bank_item(connection, payout.id))
    return [Posting(Account.BANK, -rest, connection), held]


def settles(one: Movement) -> Money:
    """What of an order's money a movement settles."""
    return one.gross + one.sum_of(Leaf.MARKETPLACE_TAX)
