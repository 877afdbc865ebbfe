"""What a gateway without a feed of its own paid out, as a CSV file that somebody makes (PayPal, bank transfers, cash on delivery). Pure.

One row is one movement; the first line names the columns, in any order, and others are left alone:

- `payout`: the gateway's number of the payout, or of the line on the bank's statement; needed.
- `date`: of the movement, 2026-11-20 in the merchant's zone, or with its time and zone; needed. A payout is of the last day of its rows.
- `amount`: what reached the bank, the same in each row of a payout that tells it; left out: what its rows sum to.
- `currency`: three capital letters, one for a payout; needed.
- `order`: the order's id at its channel, or its name, where it is for one; "opening": for orders that are older than the books.
- `gross`: the buyer's money, below zero where it went back. `fee`: what was taken of it. `net`: what is left. Two of them say the
  third; a fee may stand below zero, as PayPal writes it, where the other two show which way it went.
- `kind`: a word of KINDS; needed.
- `reference`: the gateway's id of the movement; once for a kind.

Amounts are plain decimals with a point: 1234.50.
"""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, tzinfo

from core.domain import plain_csv
from core.domain.money import Money, total
from core.domain.payouts import Leaf, Movement, Occasion, Paid, Part, Payout

NEEDED = ("payout", "date", "currency", "kind")
COLUMNS = (*NEEDED, "amount", "order", "gross", "fee", "net", "reference")
LONGEST = 200
KINDS: Mapping[Occasion, Leaf] = {
    Occasion.SALE: Leaf.BUYER,
    Occasion.REFUND: Leaf.BUYER,
    Occasion.CHARGEBACK: Leaf.CHARGEBACK,
    Occasion.CHARGEBACK_WON: Leaf.CHARGEBACK,
    Occasion.FEE: Leaf.PAYMENT_FEE,
    Occasion.POSTAGE: Leaf.SHIPPING_FEE,
    Occasion.REIMBURSEMENT: Leaf.REIMBURSEMENT,
    Occasion.ADJUSTMENT: Leaf.ADJUSTMENT,
    Occasion.RESERVE: Leaf.RESERVE,
    Occasion.CARRIED: Leaf.CARRIED,
    Occasion.CHARGED: Leaf.BANK,
    Occasion.TRANSFER: Leaf.BANK,
}
SIGNS = {Occasion.SALE: 1, Occasion.REFUND: -1, Occasion.CHARGEBACK: -1, Occasion.CHARGEBACK_WON: 1}  # of the buyer's money


@dataclass(frozen=True, slots=True)
class Held:
    """A payout and what it holds, in the order of the file."""

    payout: Payout
    movements: tuple[Movement, ...]


@dataclass(frozen=True, slots=True)
class Read:
    """What a file says, in the order in which its payouts begin; and (line, why) of what cannot be taken. Where anything is wrong, nothing
    of the file should be taken."""

    payouts: tuple[Held, ...] = ()
    wrong: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    payout: str
    at: datetime
    kind: Occasion
    order: str
    reference: str
    amount: Money | None
    gross: Money
    net: Money


@dataclass
class _Reading:
    zone: tzinfo
    rows: dict[str, list[_Row]] = field(default_factory=dict)
    wrong: list[tuple[int, str]] = field(default_factory=list)
    seen: dict[tuple[Occasion, str], int] = field(default_factory=dict)


def read(text: str, zone: tzinfo = UTC) -> Read:
    """What the file says; days are days of this zone. Raises nothing: whatever is wrong with it is among `wrong`."""
    reader = csv.DictReader((f"{line}\n" for line in text.removeprefix("\ufeff").split("\n")), strict=True)
    found = _Reading(zone)
    try:
        header = [(name or "").strip().lower() for name in reader.fieldnames or ()]
        if words := _header(header):
            return Read(wrong=((1, words),))
        reader.fieldnames = header
        _take(found, ((reader.line_num, row) for row in reader))
    except csv.Error as error:
        found.wrong.append((reader.line_num, f"this is no CSV: {error}"))
    return Read(wrong=tuple(sorted(found.wrong))) if found.wrong else Read(tuple(_held(rows) for rows in found.rows.values()))


def _header(names: Sequence[str]) -> str:
    missing = [name for name in NEEDED if name not in names]
    twice = [name for name, count in Counter(names).items() if count > 1 and name in COLUMNS]
    if missing:
        return f"the column {missing[0]} is missing"
    return f"the column {twice[0]} stands twice" if twice else ""


def _take(found: _Reading, rows: Iterable[tuple[int, Mapping[str, str | None]]]) -> None:
    for line, cells in rows:
        told = {name: (cells.get(name) or "").strip() for name in COLUMNS}
        if any(told.values()):
            try:
                _add(found, _row(line, told, found.zone))
            except ValueError as error:
                found.wrong.append((line, str(error)))


def _row(line: int, cells: Mapping[str, str], zone: tzinfo) -> _Row:
    if missing := [name for name in NEEDED if not cells[name]]:
        raise ValueError(f"{missing[0]}: there is none")
    if odd := [name for name, cell in cells.items() if len(cell) > LONGEST or not cell.isprintable()]:
        raise ValueError(f"{odd[0]}: it cannot be meant")
    kind, currency = _kind(cells["kind"]), cells["currency"]
    gross, net = _sums(cells, kind, currency)
    amount = _money(cells, "amount", currency)
    return _Row(line, cells["payout"], _at(cells["date"], zone), kind, cells["order"], cells["reference"], amount, gross, net)


def _kind(word: str) -> Occasion:
    found = next((one for one in KINDS if one.value == word.lower().replace(" ", "_")), None)
    if found is None:
        raise ValueError(f"kind: it is one of {', '.join(KINDS)}")
    return found


def _at(text: str, zone: tzinfo) -> datetime:
    """A day is meant in its zone, and its noon is that day in most others; a time needs a zone of its own."""
    try:
        if len(text) == len("2026-11-20"):
            return datetime.combine(plain_csv.day(text), time(12), zone).astimezone(UTC)
        at = datetime.fromisoformat(text)
        if at.tzinfo is None:
            raise ValueError
        return at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("date: it is like 2026-11-20, or 2026-11-20T13:00:00Z") from None


def _money(cells: Mapping[str, str], name: str, currency: str) -> Money | None:
    if not cells[name]:
        return None
    try:
        return Money.parse(cells[name], currency)
    except ValueError as error:
        raise ValueError(f"{'currency' if 'currency is' in str(error) else name}: {error}") from None


def _sums(cells: Mapping[str, str], kind: Occasion, currency: str) -> tuple[Money, Money]:
    """(gross, net) as two of the three say."""
    gross, fee, net = (_money(cells, name, currency) for name in ("gross", "fee", "net"))
    if gross is None and net is None and (fee is None or kind is not Occasion.FEE):
        raise ValueError("gross: there is none, and no net")
    if fee is not None and fee.minor < 0 and (gross is None or net is None):
        raise ValueError("fee: below zero it needs gross and net")
    zero = Money.zero(currency)
    gross, net = _solved(gross, fee or zero, net, zero)
    if fee is not None and abs(gross - net) != abs(fee):
        raise ValueError("net: it is not gross less fee")
    if gross.minor * SIGNS.get(kind, 0) < 0:
        raise ValueError(f"gross: of a {kind.value} it is {'above' if SIGNS[kind] > 0 else 'below'} zero")
    return gross, net


def _solved(gross: Money | None, fee: Money, net: Money | None, zero: Money) -> tuple[Money, Money]:
    if net is None:
        known = gross if gross is not None else zero
        return known, known - fee
    return (gross, net) if gross is not None else (net + fee, net)


def _add(found: _Reading, row: _Row) -> None:
    """Beside those of its payout, where it agrees with them."""
    before = found.rows.get(row.payout, [])
    if before and before[0].net.currency != row.net.currency:
        raise ValueError(f"currency: the payout is in {before[0].net.currency} (line {before[0].line})")
    told = next((one for one in before if one.amount is not None), None)
    if told and row.amount not in (None, told.amount):
        raise ValueError(f"amount: line {told.line} says another one of this payout")
    name = (row.kind, row.reference)
    if row.reference and found.seen.setdefault(name, row.line) != row.line:
        raise ValueError(f"reference: line {found.seen[name]} has the same")
    found.rows.setdefault(row.payout, []).append(row)


def _held(rows: Sequence[_Row]) -> Held:
    """Their sum is the payout's amount, unless one of them tells it."""
    movements = tuple(_movements(rows))
    told = next((row.amount for row in rows if row.amount is not None), None)
    amount = total((one.amount for one in movements), rows[0].net.currency) if told is None else told
    first, last = min(row.at for row in rows), max(row.at for row in rows)
    payout = Payout(rows[0].payout, Paid.PAID, last, amount, began=first, ended=last, number=rows[0].payout)
    return Held(payout, movements)


def _movements(rows: Sequence[_Row]) -> Iterator[Movement]:
    """One without a reference is named by what it is and its place among its like, so that the same file names it the same."""
    like: Counter[tuple[Occasion, str]] = Counter()
    for row in rows:
        like[row.kind, row.order] += 1
        own = row.reference or f"{row.payout}:{row.order}:{like[row.kind, row.order]}"
        refers = (row.reference,) if row.reference else ()
        yield Movement(
            id=f"{row.kind.value}:{own}", occasion=row.kind, at=row.at, amount=row.net, parts=_parts(row), order=row.order or None,
            refers=refers, payout=row.payout, label=row.kind.value,
        )  # fmt: skip


def _parts(row: _Row) -> tuple[Part, ...]:
    parts = Part(KINDS[row.kind], row.gross, row.kind.value), Part(Leaf.PAYMENT_FEE, row.net - row.gross, "fee")
    return tuple(part for part in parts if part.amount)
