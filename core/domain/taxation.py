"""How a sale is taxed, in one text: who is liable, by which scheme, at which rate, and on the way from where to where. Pure.

A taxation is "liable|scheme|rate|from>to", several taxes of one charge joined by "+"; `rate` is a fraction ("0.2"), `from` a country,
`to` a country and, where taxes differ by it, its region ("US-CA"). "none|||GB>US" bears no tax; "" is not a sale of goods at all (a gift
card, a tip).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from core.domain.ledgers import TaxCode
from core.domain.order import Liable, Person, Tax

NONE, OUTSIDE = "none", "outside"  # no tax fell; and what stands for "" where a ledger wants a code for every line
REGION = re.compile(r"[A-Z0-9]{2,3}")
BY_REGION = ("US", "CA")  # countries whose sales taxes differ by region
MARKS = re.compile(r"[|+>]")


def destination(person: Person | None) -> str | None:
    """Country and, where its code is told, region that an order goes to: "US-CA", "GB". None where nobody says."""
    there = person.ship_to if person else None
    if there is None or len(there.country) != 2:
        return None
    country, region = there.country.upper(), there.region.strip().upper().removeprefix(f"{there.country.upper()}-")
    return f"{country}-{region}" if country in BY_REGION and REGION.fullmatch(region) else country


def named(taxes: Iterable[Tax]) -> str:
    """The taxation of a charge, without its way."""
    parts = {"|".join((one.liable.value, MARKS.sub(" ", one.scheme or ""), _written(one.rate or ""))) for one in taxes if one.amount}
    return "+".join(sorted(parts)) or f"{NONE}||"


def _written(rate: str) -> str:
    """A rate as its text says it; without the marks of ours that some numbers are written with ("1E+1")."""
    if not MARKS.search(rate):
        return rate
    try:
        return f"{Decimal(rate):f}"
    except InvalidOperation:
        return MARKS.sub(" ", rate)


def on_way(taxation: str, start: str, end: str) -> str:
    """The same on its way; "" stays."""
    return "+".join(f"{part}|{start}>{end}" for part in taxation.split("+")) if taxation else ""


@dataclass(frozen=True, slots=True)
class Taxation:
    """A taxation as read. `ours`: some of it is ours to pay; `rate`: what of it is ours in percent, None where nobody told."""

    parts: tuple[tuple[str, str, str], ...]
    start: str = ""
    end: str = ""

    @property
    def ours(self) -> bool:
        return any(liable == Liable.SELLER for liable, _, _ in self.parts)

    @property
    def rate(self) -> Decimal | None:
        rates = [_percent(rate) for liable, _, rate in self.parts if liable == Liable.SELLER]
        return None if None in rates else sum((one for one in rates if one is not None), Decimal(0))

    @property
    def liable(self) -> str:
        """Who pays: "seller", "marketplace", "none", or "outside"."""
        return next((liable for liable, _, _ in sorted(self.parts, reverse=True) if liable), OUTSIDE)

    @property
    def schemes(self) -> str:
        return ", ".join(sorted({scheme for _, scheme, _ in self.parts if scheme}))


def _percent(rate: str) -> Decimal | None:
    try:
        found = Decimal(rate)
    except InvalidOperation:
        return None
    return (found * 100).normalize() if found.is_finite() else None


def read(taxation: str) -> Taxation:
    """What such a text says; one that is not of ours says nothing of rates."""
    if taxation in ("", OUTSIDE):
        return Taxation(())
    parts = [(*part.split("|"), "", "", "", "")[:4] for part in taxation.split("+")]
    start, _, end = parts[0][3].partition(">")
    return Taxation(tuple((one[0], one[1], one[2]) for one in parts), start, end)


# ---- which code it most likely is


def proposed(taxation: str, codes: Sequence[TaxCode], home: str) -> str | None:
    """The tax code for sales that a taxation surely is, by rate and country; None where somebody must say. `home` is whose books they are.
    What another state's tax is we never guess by its rate alone."""
    one, usable = read(taxation), [code for code in codes if code.active and code.sales and not code.reverse]
    if not one.ours:
        return _untaxed(one, [code for code in usable if code.rate == 0])
    if one.end and home and one.end[:2] != home:
        usable = [code for code in usable if code.country == one.end[:2] != home]
    exact = [code.id for code in usable if code.rate is not None and code.rate == one.rate]
    reckoned = [code.id for code in usable if code.rate is None]  # the ledger's own, whatever the rate (QuickBooks in the United States)
    return exact[0] if len(exact) == 1 else reckoned[0] if len(reckoned) == 1 and not exact else None


def _untaxed(one: Taxation, free: Sequence[TaxCode]) -> str | None:
    """Sales that bear no tax of ours: one for sales alone says that they are sales of rate zero; what is no sale of ours takes the
    other."""
    sales = [code.id for code in free if not code.purchases]
    both = [code.id for code in free if code.purchases]
    first, then = (sales, both) if one.liable == NONE else (both, sales)
    return next(iter((*first, *then)), None)
