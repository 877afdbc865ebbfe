"""Lines of documents: each with its account, its tax code and its tax to the cent. Pure.

A posting of a sale and the tax that fell on it carry the same taxation, and a taxation is one tax code of the merchant's. So what a
ledger's tax comes to is what the orders' tax was, shared by the lines of a code; how far the codes' own rates are off is limited, for
each line of an order and for each order.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from core.domain.journal import Account, Posting
from core.domain.ledgers import DocLine, Tag, TaxCode
from core.domain.money import Money, total
from core.domain.taxation import OUTSIDE, proposed

AccountOf = Callable[[Posting], str | None]
LINE_OFF, MOST_OFF = 1, 5  # of the smallest unit, for each line and each order: what codes' rates may differ from the tax that fell
FEES = (
    Account.SELLING_FEES, Account.PAYMENT_FEES, Account.FULFILLMENT_FEES, Account.ADVERTISING, Account.SUBSCRIPTIONS, Account.STORAGE,
    Account.OTHER_FEES, Account.POSTAGE,
)  # fmt: skip
TAXES = (Account.SELLER_TAX, Account.MARKETPLACE_TAX)


class TaxWay(StrEnum):
    """How a document's lines hold tax."""

    LINES = "lines"  # each line its own, and none beside
    MARKS = "marks"  # each line says its code, the tax is a line of its own
    PLAIN = "plain"  # no codes: the tax is a line on an account


class Unmapped(Exception):
    """`args[0]` are those of our accounts, `args[1]` those taxations that nobody said what they are in the merchant's books."""


@dataclass(frozen=True, slots=True)
class Coder:
    """Which tax code a posting has: as the merchant said for its channel, as he said for all, or as is proposed. `home` is the country
    whose books they are."""

    codes: Mapping[str, TaxCode] = field(default_factory=dict)
    maps: Mapping[str, str] = field(default_factory=dict)
    home: str = ""

    def sold(self, taxation: str, connection: str = "") -> str | None:
        """Of a part of a sale that is taxed so, of a channel's or of any; None where somebody must say."""
        named = taxation or OUTSIDE
        chosen = (self.maps.get(name) for name in (f"tax|{connection}|{named}", f"tax||{named}"))
        return next((code for code in chosen if code), None) or proposed(named, list(self.codes.values()), self.home)

    def bought(self, one: Posting) -> str:
        """Of a fee; "" where it bears none."""
        chosen = (self.maps.get(name) for name in (f"fee|{one.connection}|{one.account}", f"fee|{one.connection}"))
        return next((code for code in chosen if code in self.codes), None) or ""

    def rate(self, code: str) -> Decimal | None:
        return self.codes[code].rate if code in self.codes else None


@dataclass(frozen=True, slots=True)
class Chart:
    """What lines are made with: what of ours is which of their accounts, what ours are called, tax codes, and how lines of a channel are
    marked."""

    account: AccountOf
    texts: Mapping[Account, str]
    coder: Coder = field(default_factory=Coder)
    tags: Mapping[str, tuple[Tag, ...]] = field(default_factory=dict)


def limit(counts: Iterable[int]) -> int:
    """So many of the smallest unit may tax be off in a document of orders with so many lines: LINE_OFF a line, MOST_OFF an order."""
    return sum(min(LINE_OFF * max(1, one), MOST_OFF) for one in counts)


@dataclass(frozen=True, slots=True)
class Off:
    """The tax that fell, what the codes make of it, and how many of the smallest unit these are apart; of how many lines each order was,
    or whatever else the lines are `of`."""

    fell: Money
    reckoned: Money
    apart: int
    counts: tuple[int, ...]
    of: str = "orders"

    def words(self) -> str:
        """For a bookkeeper, with the limit that was passed."""
        apart, cap = (Money(one, self.fell.currency).text() for one in (self.apart, limit(self.counts)))
        of = f"{sum(self.counts)} lines of {len(self.counts)} {self.of}" if len(self.counts) > 1 else f"{sum(self.counts)} lines"
        line, most = (Money(one, self.fell.currency).text() for one in (LINE_OFF, MOST_OFF))
        return (
            f"tax that fell: {self.fell.text()}; what the tax codes make of it: {self.reckoned.text()}; "
            f"that is {apart} apart, and {cap} may be rounding in {of} ({line} a line, {most} for each of the {self.of})"
        )


@dataclass(frozen=True, slots=True)
class Lines:
    """`off`: tax that differs by more than rounding. `rounded`: by how many of the smallest unit the ledger's own tax is another where that
    is rounding; what of it no line can hold went to the rounding account."""

    lines: tuple[DocLine, ...]
    off: Off | None = None
    rounded: int = 0


Row = tuple[Posting, str]  # what is merged, and its code, or:
FELL, CHARGED = "=tax", "=fee tax"  # tax that is to lie on lines: of what was sold, of fees


def lines_of(
    found: Iterable[Posting], chart: Chart, way: TaxWay, *, sign: int = 1, every: bool = False, counts: Sequence[int] = (1,)
) -> Lines:
    """A line for each account and code; amounts are the postings' times `sign`. `every`: lines that are no sale have a code, too. `counts`:
    of how many lines each order was whose postings these are. Raises Unmapped."""
    postings = [replace(one, amount=one.amount * sign, item="") for one in found]
    _known(postings, chart, way, every)
    if way is TaxWay.PLAIN:
        rows = _merged((replace(one, tax=""), "") for one in postings)
        return Lines(tuple(_line(one, code, None, chart) for one, code in rows))
    rows = _merged(_coded(one, chart, way, every) for one in postings)
    return _taxed(rows, _fallen(postings, chart), chart, way, every, tuple(counts))


def _known(postings: Sequence[Posting], chart: Chart, way: TaxWay, every: bool) -> None:
    accounts = {one.account.value for one in postings if chart.account(one) is None}
    taxations = set() if way is TaxWay.PLAIN else {_named(one) for one in postings if _is_coded(one, every) and not _code(one, chart)}
    if accounts or taxations:
        raise Unmapped(sorted(accounts), sorted(taxations))


def _is_coded(one: Posting, every: bool) -> bool:
    return (bool(one.tax) and one.account not in TAXES) or (one.account is Account.SELLER_TAX and bool(one.tax)) or every


def _named(one: Posting) -> str:
    """Its taxation; what a marketplace pays to the state is outside of ours."""
    return OUTSIDE if one.account is Account.MARKETPLACE_TAX else one.tax or OUTSIDE


def _code(one: Posting, chart: Chart) -> str | None:
    return chart.coder.sold(_named(one), one.connection)


def _coded(one: Posting, chart: Chart, way: TaxWay, every: bool) -> Row:
    """What it is merged under: not by its taxation, but by the code that this is. Tax that fell is told apart from what it fell on."""
    plain = replace(one, tax="")
    if one.account is Account.SELLER_TAX and one.tax:
        return replace(one, tax=_code(one, chart) or ""), "" if way is TaxWay.MARKS else FELL
    if one.account is Account.FEE_TAX and way is TaxWay.LINES and not every:
        return plain, CHARGED
    if one.account in FEES and not one.tax and not every:
        return plain, chart.coder.bought(one)
    return plain, (_code(one, chart) or "") if _is_coded(one, every) else ""


def _merged(rows: Iterable[Row]) -> list[Row]:
    found: dict[tuple[object, ...], Row] = {}
    for one, code in rows:
        key = (one.place, code)
        found[key] = (replace(one, amount=found[key][0].amount + one.amount) if key in found else one, code)
    return [(one, code) for one, code in found.values() if one.amount]


def _fallen(postings: Iterable[Posting], chart: Chart) -> dict[str, Money]:
    """The tax that fell, by the code of what it fell on."""
    found: dict[str, Money] = {}
    for one in postings:
        if one.account is Account.SELLER_TAX and one.tax:
            code = _code(one, chart) or ""
            found[code] = found.get(code, Money.zero(one.amount.currency)) + one.amount
    return found


def _taxed(rows: Sequence[Row], fallen: Mapping[str, Money], chart: Chart, way: TaxWay, every: bool, counts: tuple[int, ...]) -> Lines:
    """Each code's tax on its lines. What cannot lie on them, since the rate is zero or nothing is left of them, is a line of its own: a
    rounding, or the tax account's."""
    stand = [(one, code) for one, code in rows if code not in (FELL, CHARGED)]
    taxes: dict[int, Money] = {}
    beside: list[Posting] = []
    ours = list[tuple[Money, Money]]()
    for code, tax in fallen.items():
        mine = [n for n, (one, held) in enumerate(stand) if held == code and one.account not in TAXES]
        ours += _reckoned(tax, [stand[n][0].amount for n in mine], chart.coder.rate(code))
        shares = spread(tax, [stand[n][0].amount for n in mine]) if chart.coder.rate(code) != 0 else None
        taxes |= dict(zip(mine, shares or (), strict=False))
        if shares is None and tax and way is TaxWay.LINES:
            beside.append(_left_over(rows, code, tax, limit(counts)))
    beside += _fee_tax(rows, stand, chart, taxes)
    none = _outside(stand, beside, chart, every)
    lines = [_line(one, code, taxes.get(n), chart) for n, (one, code) in enumerate(stand)] + [
        _line(one, none, None, chart) for one in beside
    ]
    _known(beside, chart, TaxWay.PLAIN, every)
    apart, kept = sum(abs((fell - made).minor) for fell, made in ours), limit(counts)
    return Lines(tuple(lines), _off(ours, apart, counts) if apart > kept else None, apart if apart <= kept else 0)


def _off(ours: Sequence[tuple[Money, Money]], apart: int, counts: tuple[int, ...]) -> Off:
    """Of those codes alone that are off."""
    wrong = [(fell, made) for fell, made in ours if fell != made]
    sums = [total((abs(one[side]) for one in wrong), wrong[0][0].currency) for side in (0, 1)]
    return Off(sums[0], sums[1], apart, counts)


def _reckoned(tax: Money, amounts: Sequence[Money], rate: Decimal | None) -> list[tuple[Money, Money]]:
    """What fell, and what the code's rate makes of it; none where nobody knows the rate."""
    made = reckoned(amounts, rate) if amounts else Money.zero(tax.currency)
    return [(tax, made)] if rate is not None and made is not None else []


def reckoned(amounts: Sequence[Money], rate: Decimal | None) -> Money | None:
    """What a rate in percent makes of these, each for itself; None where nobody knows the rate."""
    if rate is None:
        return None
    found = [int((one.minor * rate / 100).quantize(Decimal(1), ROUND_HALF_UP)) for one in amounts]
    return Money(sum(found), amounts[0].currency)


def _left_over(rows: Sequence[Row], code: str, tax: Money, most: int) -> Posting:
    """A cent or a few that no line can hold are rounding, as many as may be; more is the tax account's."""
    known = next(one for one, held in rows if held == FELL and one.tax == code)
    account = Account.ROUNDING if abs(tax.minor) <= most else Account.SELLER_TAX
    return Posting(account, tax, known.connection)


def _fee_tax(rows: Sequence[Row], stand: Sequence[Row], chart: Chart, taxes: dict[int, Money]) -> list[Posting]:
    """Tax that a channel charged on its fees lies on those that have a code for it; else it stays a line of its own."""
    left = []
    for one, _ in (row for row in rows if row[1] == CHARGED):
        mine = [n for n, (fee, code) in enumerate(stand) if code and fee.account in FEES and fee.connection == one.connection]
        mine = [n for n in mine if chart.coder.rate(stand[n][1])]
        shares = spread(one.amount, [stand[n][0].amount for n in mine])
        taxes.update(zip(mine, shares or (), strict=False))
        left += [] if shares else [one]
    return left


def _outside(stand: Sequence[Row], beside: Sequence[Posting], chart: Chart, every: bool) -> str:
    if not every or not beside:
        return ""
    return chart.coder.sold(OUTSIDE, beside[0].connection) or ""


def spread(tax: Money, amounts: Sequence[Money]) -> list[Money] | None:
    """The tax in the proportion of what it fell on, to the cent; None where a line would bear more than itself, or against itself."""
    whole = sum(one.minor for one in amounts)
    if not whole:
        return None
    shares = [(2 * tax.minor * one.minor + whole) // (2 * whole) for one in amounts]
    most = max(range(len(amounts)), key=lambda n: abs(amounts[n].minor))
    shares[most] += tax.minor - sum(shares)
    fits = all(share * one.minor >= 0 and abs(share) <= abs(one.minor) for share, one in zip(shares, amounts, strict=True))
    return [Money(share, tax.currency) for share in shares] if fits else None


def _line(one: Posting, code: str, tax: Money | None, chart: Chart) -> DocLine:
    text = f"{chart.texts.get(one.account, one.account.value)} {one.gateway}".strip()
    held = tax if tax is not None else Money.zero(one.amount.currency) if code else None
    bought = bool(code) and one.account in FEES
    return DocLine(
        chart.account(one) or "", one.amount, text, tax_code=code, tax=held, tags=chart.tags.get(one.connection, ()), bought=bought
    )
