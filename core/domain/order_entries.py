"""An order's own entries: what was sold, what was given back, who paid it and how. Pure; of one order, whatever happened to it so far.

| what happened | debit | credit |
|---|---|---|
| sale | receivable; discounts | sales, shipping, charges, duties, tips, gift cards sold; seller tax; marketplace tax; rounding |
| refund | returns and the taxes of the lines; shipping and its taxes; what was given back beside them | receivable |
| payment by a gateway | clearing of that gateway | receivable |
| payment to a marketplace | clearing, and the tax that it pays itself | receivable |
| payment by gift card or store credit | that liability | receivable |
| money given back | receivable | whatever it was paid by |
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, tzinfo

from core.domain.journal import Account, Entry, EntryKind, Posting, merged
from core.domain.money import Money, total
from core.domain.order import Charge, Liable, Line, Order, Payment, PaymentStatus, Refund, RefundLine, Tax
from core.domain.taxation import named, on_way

SETTLED = (PaymentStatus.PAID, PaymentStatus.PARTIALLY_REFUNDED, PaymentStatus.REFUNDED)
UNCLEAR = (PaymentStatus.UNKNOWN, PaymentStatus.PARTIALLY_PAID)
TAKES, GIVES = ("sale", "capture"), ("refund", "change")  # kinds of payments that move money (Shopify's OrderTransactionKind)
OTHERWISE = {"gift_card": Account.GIFT_CARDS, "store_credit": Account.STORE_CREDIT, "shopify_store_credit": Account.STORE_CREDIT}
OPENING = "opening"  # the item of money for orders that are older than the books


class Unbookable(Exception):
    """It waits: `args[0]` is why, a word of WAITS."""


WAITS = ("problems", "tax", "payments")  # it does not add up; nobody knows who owes its tax; what was paid was not read


@dataclass(frozen=True, slots=True)
class Rules:
    """How a merchant keeps books. `starts` is the first day that we book, `zone` says which day it is. A sale is booked on the day it was
    placed, or with `on_leaving` on the day its first parcel left. `gateway` is what a channel's own money is called; `own` says that the
    channel takes all of its buyers' money itself, else `takes` are the gateways whose money it holds, as payments name them.
    `comes_back`: a payout that the bank sent back is followed by a movement that says so."""

    starts: date
    zone: tzinfo
    gateway: str = ""
    own: bool = False
    takes: frozenset[str] = frozenset()
    comes_back: bool = False
    on_leaving: bool = False

    def day(self, at: datetime) -> date:
        return at.astimezone(self.zone).date()


def entries_of(order: Order, rules: Rules, start: str = "", end: str = "") -> list[Entry]:
    """All that is to be booked of an order as it stands; `start` is the country that it leaves, `end` where it goes ("US-CA"). Raises
    Unbookable."""
    if order.test or not _is_sale(order):
        return []
    _check(order, rules)
    made = [_sale(order, rules), *_refunds(order, rules), *_money(order, rules)]
    return [_on_way(one, start, end) for one in made if one is not None and one.on >= rules.starts]


def _on_way(one: Entry, start: str, end: str) -> Entry:
    """What is taxed says on which way."""
    return replace(one, postings=tuple(replace(side, tax=on_way(side.tax, start, end)) for side in one.postings))


def _is_sale(order: Order) -> bool:
    """Money was taken for it, or goods left."""
    return order.payment_status in (*SETTLED, PaymentStatus.PARTIALLY_PAID) or any(line.fulfilled for line in order.lines)


def _check(order: Order, rules: Rules) -> None:
    if any(one.startswith("money:") for one in order.problems()):
        raise Unbookable("problems")
    if any(tax.liable is Liable.UNKNOWN and tax.amount for charge in _charges(order) for tax in charge.taxes):
        raise Unbookable("tax")
    if not rules.own and order.total and (order.payments is None or _is_behind(order)):
        raise Unbookable("payments")


def _is_behind(order: Order) -> bool:
    """It is paid, and of its payments only the promise was read: what was captured since then."""
    promised = any(one.kind == "authorization" and one.status == "success" for one in order.payments or ())
    return promised and order.payment_status in SETTLED and not _moved(order, TAKES)


def _charges(order: Order) -> list[Charge]:
    return [line.charge for line in order.lines] + [line.charge for line in order.shipping]


def item_of(order: Order, rules: Rules) -> str:
    """Under which item its money meets what the gateway tells of it."""
    return OPENING if rules.day(order.placed_at) < rules.starts else order.ref


# ---- what was sold


def _sale(order: Order, rules: Rules) -> Entry | None:
    owed = Posting(Account.RECEIVABLE, order.total, order.connection, item=order.ref)
    sold = [posting for line in order.lines for posting in _sold(line, order)]
    sold += [posting for line in order.shipping for posting in _earned(line.charge, Account.SHIPPING, order)]
    sold += _beside(order)
    postings = merged([owed, *sold])
    return Entry(EntryKind.SALE, order.ref, "sale", _sold_on(order, rules), postings, order.name) if postings else None


def _sold_on(order: Order, rules: Rules) -> date:
    left = min((one.at for one in order.shipped if one.at), default=None)
    return rules.day(left if rules.on_leaving and left else order.placed_at)


def _beside(order: Order) -> list[Posting]:
    """What a buyer pays beside goods and shipping, and the unit or two by which a channel rounds."""
    asked = ((Account.CHARGES, order.fees), (Account.DUTIES, order.duties), (Account.TIPS, order.tips), (Account.ROUNDING, order.rounding))
    return [Posting(account, -amount, order.connection) for account, amount in asked if amount]


def _sold(line: Line, order: Order) -> list[Posting]:
    return _earned(line.charge, Account.GIFT_CARDS if line.gift_card else Account.SALES, order)


def _earned(charge: Charge, account: Account, order: Order) -> list[Posting]:
    """What one charge earns before discounts, what was let off it, and its taxes: amounts without tax."""
    net = charge.net - total((tax.amount for tax in charge.taxes if tax.included), order.currency)
    off, taxation = _without_tax(charge, net), "" if account is Account.GIFT_CARDS and not charge.tax else named(charge.taxes)
    earned = Posting(account, -(net + off), order.connection, tax=taxation)
    let_off = Posting(Account.DISCOUNTS, off, order.connection, tax=taxation)
    return [earned, let_off, *(_tax(tax, -tax.amount, taxation, order) for tax in charge.taxes)]


def _without_tax(charge: Charge, net: Money) -> Money:
    """A discount, less the tax that lies in it: in the proportion of what is left."""
    whole = charge.discount
    return Money(whole.minor * net.minor // charge.net.minor, whole.currency) if charge.net else whole


def _tax(tax: Tax, amount: Money, taxation: str, order: Order) -> Posting:
    """A tax of a charge, under the taxation of the whole charge, as its net amount is."""
    ours = tax.liable is Liable.SELLER
    return Posting(Account.SELLER_TAX if ours else Account.MARKETPLACE_TAX, amount, order.connection, tax=taxation)


# ---- what was given back


def _refunds(order: Order, rules: Rules) -> Iterator[Entry | None]:
    """Each refund, and what its lines came to where they were never paid for."""
    unpaid = _never_paid(order, rules)
    for refund in order.refunds:
        worth = _worth(refund, order)
        cut = min(max(worth - refund.total, Money.zero(order.currency), key=_minor), unpaid, key=_minor)
        unpaid -= cut
        yield _refund(refund, refund.total + cut, order, rules)


def _minor(money: Money) -> int:
    return money.minor


def _never_paid(order: Order, rules: Rules) -> Money:
    """What was called off before anybody paid it: nothing while it may still be paid."""
    if rules.own or order.payment_status not in (*SETTLED, PaymentStatus.VOIDED, PaymentStatus.EXPIRED):
        return Money.zero(order.currency)
    paid = total((one.amount for one in _moved(order, TAKES)), order.currency)
    return max(order.total - paid, Money.zero(order.currency), key=_minor)


def _worth(refund: Refund, order: Order) -> Money:
    """What its lines and its shipping came to, tax and all."""
    return total((one.amount for one in _lines_back(refund, order)), order.currency)


def _lines_back(refund: Refund, order: Order) -> list[Posting]:
    return [posting for line in refund.lines for posting in _given_back(line, order)] + _shipping_back(refund, order)


def _refund(refund: Refund, given: Money, order: Order, rules: Rules) -> Entry | None:
    """Goods that came back for nothing are a matter of stock alone."""
    if not given:
        return None
    back = _lines_back(refund, order)
    rest = given - total((one.amount for one in back), order.currency)
    owed = Posting(Account.RECEIVABLE, -given, order.connection, item=order.ref)
    postings = merged([*back, Posting(Account.REFUND_DIFFERENCE, rest, order.connection), owed])
    return Entry(EntryKind.REFUND, order.ref, f"refund {refund.id}", rules.day(refund.at), postings, order.name)


def _given_back(back: RefundLine, order: Order) -> list[Posting]:
    """What a refunded line was worth: goods without tax, and its taxes in the proportion in which they were charged."""
    charge, none = next((one.charge for one in order.lines if one.id == back.line), None), Money.zero(order.currency)
    taxes = charge.taxes if charge else ()
    owed = (back.tax or none).split([one.amount.minor for one in taxes]) if taxes else [back.tax or none]
    inside = total((part for part, one in zip(owed, taxes, strict=False) if one.included), order.currency)
    return _lowered(Account.RETURNS, (back.subtotal or none) - inside, owed, taxes, order)


def _shipping_back(refund: Refund, order: Order) -> list[Posting]:
    """What of the carriage was given back, where the channel tells it apart: shared by what was charged for it."""
    charges = [one.charge for one in order.shipping if one.charge.net] or [one.charge for one in order.shipping[:1]]
    if not refund.shipping or not charges:
        return []
    tax = refund.shipping_tax or Money.zero(order.currency)
    nets = (refund.shipping - tax).split([one.net.minor for one in charges])
    taxes = tax.split([one.tax.minor for one in charges])
    return [posting for each in zip(charges, nets, taxes, strict=True) for posting in _carriage(*each, order)]


def _carriage(charge: Charge, net: Money, tax: Money, order: Order) -> list[Posting]:
    owed = tax.split([one.amount.minor for one in charge.taxes]) if charge.taxes else [tax]
    return _lowered(Account.SHIPPING, net, owed, charge.taxes, order)


def _lowered(account: Account, net: Money, owed: Sequence[Money], taxes: Sequence[Tax], order: Order) -> list[Posting]:
    """An amount without tax that was given back of a charge, and what of each of its taxes."""
    taxation = named(taxes)
    given = Posting(account, net, order.connection, tax=taxation)
    if not taxes:  # tax was given back that the charge never bore: it is ours until somebody says otherwise
        return [given, Posting(Account.SELLER_TAX, owed[0], order.connection)]
    return [given, *(_tax(one, part, taxation, order) for one, part in zip(taxes, owed, strict=True))]


# ---- who paid


def _money(order: Order, rules: Rules) -> Iterator[Entry]:
    """What moved: as the channel tells it, or, where it takes all money itself, what it must have taken."""
    yield from _by_marketplace(order, rules) if rules.own else _by_gateways(order, rules)


def _moved(order: Order, kinds: tuple[str, ...]) -> list[Payment]:
    return [one for one in order.payments or () if one.kind in kinds and one.status == "success"]


def _by_gateways(order: Order, rules: Rules) -> Iterator[Entry]:
    for kinds, kind, sign in ((TAKES, EntryKind.PAYMENT, 1), (GIVES, EntryKind.REPAYMENT, -1)):
        for one in _moved(order, kinds):
            if one.amount:
                yield _payment(kind, f"{kind} {one.id}", one.at or order.placed_at, one.amount * sign, one.gateway, order, rules)


def _by_marketplace(order: Order, rules: Rules) -> Iterator[Entry]:
    if order.payment_status in SETTLED and order.total:
        yield _payment(EntryKind.PAYMENT, "payment", order.placed_at, order.total, rules.gateway, order, rules)
    for one in order.refunds:
        if one.total:
            yield _payment(EntryKind.REPAYMENT, f"repayment {one.id}", one.at, -one.total, rules.gateway, order, rules, refund=one)


def _payment(
    kind: EntryKind, key: str, at: datetime, amount: Money, gateway: str, order: Order, rules: Rules, refund: Refund | None = None
) -> Entry:  # fmt: skip
    withheld = _withheld(order, refund) if rules.own else Money.zero(order.currency)
    account = OTHERWISE.get(gateway, Account.CLEARING)
    gateway = rules.gateway if gateway in rules.takes else gateway
    item = item_of(order, rules) if account is Account.CLEARING else ""
    held = Posting(account, amount - withheld, order.connection, gateway if account is Account.CLEARING else "", item)
    kept = Posting(Account.MARKETPLACE_TAX, withheld, order.connection)
    owed = Posting(Account.RECEIVABLE, -amount, order.connection, item=order.ref)
    return Entry(kind, order.ref, key, rules.day(at), merged([held, kept, owed]), order.name)


def _withheld(order: Order, refund: Refund | None) -> Money:
    """Of money that a marketplace moved, the tax that it pays to the state itself, or takes back from it (below zero)."""
    if refund is None:
        return order.tax_by(Liable.MARKETPLACE)
    taxes = [one.amount for one in _lines_back(refund, order) if one.account is Account.MARKETPLACE_TAX]
    return -total(taxes, order.currency)
