"""Payouts that no feed tells: what a file, or somebody, says of them, beside what is known already. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from core.domain.money import Money, total
from core.domain.payout_csv import Held
from core.domain.payout_entries import settles
from core.domain.payouts import Leaf, Movement, Occasion, Paid, Part, Payout


class Origin(StrEnum):
    """How a payout came to us."""

    FEED = "feed"
    FILE = "file"
    DECLARED = "declared"


def name_of(origin: Origin, gateway: str, number: str) -> str:
    """The id of such a payout: no feed of the same connection ever has one like it."""
    return f"{origin}:{gateway}:{number}"


def named(held: Held, gateway: str, orders: Mapping[str, str]) -> Held:
    """A payout of a file under its id, its orders by the channel's ids where somebody wrote their names."""
    id = name_of(Origin.FILE, gateway, held.payout.id)
    moved = (replace(one, payout=id, order=orders.get(one.order, one.order) if one.order else None) for one in held.movements)
    return Held(replace(held.payout, id=id), tuple(moved))


# ---- what is known already


class Sight(StrEnum):
    """What a payout of a file is to us."""

    NEW = "new"
    SAME = "same"  # it is here as the file says
    OTHER = "other"  # it is here, and the file says otherwise
    GONE = "gone"  # it was taken back


@dataclass(frozen=True, slots=True)
class Difference:
    """A line that the file says otherwise; before None: it is new; after None: it is not there any more. `what` is the movement's id, ""
    the payout's own amount."""

    what: str
    before: Money | None
    after: Money | None


def sight(found: Held, known: Held | None) -> Sight:
    if known is None:
        return Sight.NEW
    if known.payout.state is Paid.CANCELLED:
        return Sight.GONE
    return Sight.OTHER if _told(found) != _told(known) else Sight.SAME


def _told(one: Held) -> tuple[object, ...]:
    return (one.payout.amount, one.payout.at, tuple(one.movements))


def differences(found: Held, known: Held) -> list[Difference]:
    """What the file says otherwise, line by line."""
    before, after = ({one.id: one for one in held.movements} for held in (known, found))
    own = [Difference("", known.payout.amount, found.payout.amount)] if found.payout.amount != known.payout.amount else []
    changed = [id for id in (*before, *(id for id in after if id not in before)) if before.get(id) != after.get(id)]
    return own + [Difference(id, _amount(before.get(id)), _amount(after.get(id))) for id in changed]


def _amount(one: Movement | None) -> Money | None:
    return one.amount if one else None


# ---- what it would settle


@dataclass(frozen=True, slots=True)
class Settling:
    """A line, and what stands open of its order's money before it and after; None: no such order stands in this clearing account."""

    movement: Movement
    before: Money | None
    after: Money | None


def settling(movements: Iterable[Movement], open_: Mapping[str, Money]) -> Iterator[Settling]:
    """Line by line, each after those before it. `open_` is what is open now, by the channel's ids of orders."""
    left = dict(open_)
    for one in movements:
        before = left.get(one.order) if one.order else None
        if before is None or before.currency != one.amount.currency:
            yield Settling(one, None, None)
            continue
        left[one.order or ""] = after = before - settles(one)
        yield Settling(one, before, after)


# ---- what somebody says that a deposit paid

WHY = {"fee": (Occasion.FEE, Leaf.PAYMENT_FEE), "short": (Occasion.ADJUSTMENT, Leaf.ADJUSTMENT)}  # what a difference is


def declared(
    number: str, gateway: str, at: datetime, amount: Money, chosen: Sequence[tuple[str, Money]], why: str = "", words: str = ""
) -> Held:
    """A deposit that paid these orders: (the channel's id, what stood open of its money). What it lacks, or has above their sum, is what
    `why` says, a word of WHY. Raises ValueError where it differs and nobody says why."""
    id = name_of(Origin.DECLARED, gateway, number)
    moved = [_paid(id, at, order, open_) for order, open_ in chosen]
    rest = amount - total((one.amount for one in moved), amount.currency)
    if rest and why not in WHY:
        raise ValueError("say what the difference is")
    if rest:
        occasion, leaf = WHY[why]
        moved.append(Movement("difference", occasion, at, rest, (Part(leaf, rest, words),), payout=id, label=words or why))
    return Held(Payout(id, Paid.PAID, at, amount, began=at, ended=at, number=words or f"{at:%Y-%m-%d}"), tuple(moved))


def _paid(payout: str, at: datetime, order: str, open_: Money) -> Movement:
    occasion = Occasion.SALE if open_.minor > 0 else Occasion.REFUND
    return Movement(f"order:{order}", occasion, at, open_, (Part(Leaf.BUYER, open_),), order, payout=payout, label=occasion.value)
