"""Several orders of one buyer in one parcel: which may go so, and how its postage is shared among them. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.domain.money import Money
from core.domain.order import Order

# Programs whose parcels a channel binds to rules of its own: Amazon's `programs` and our names of eBay's (read 2026-11).
AMAZON = ("prime", "premium", "fbm_ship_plus", "amazon_easy_ship", "delivery_by_amazon", "in_store_pick_up")
EBAY = ("authenticity_guarantee", "ebay_vault", "ebay_international_shipping", "ebay_shipping", "fulfilled_by_ebay")
BOUND = frozenset({*AMAZON, *EBAY})


@dataclass(frozen=True, slots=True)
class Candidate:
    """An open shipment of which nothing is bought: `person` is a keyed hash of whom it goes to."""

    id: str
    name: str
    location: str
    person: str
    created_at: int


def is_bound(order: Order) -> bool:
    """Its channel says how it is sent, or where it goes first."""
    return bool(BOUND & {name.casefold() for name in order.programs}) or order.hub_reference is not None


def proposals(some: Iterable[Candidate]) -> list[tuple[Candidate, ...]]:
    """Those that leave one location for one person, the oldest first: it leads."""
    found: dict[tuple[str, str], list[Candidate]] = {}
    for one in sorted(some, key=lambda one: (one.created_at, one.id)):
        if one.person:
            found.setdefault((one.location, one.person), []).append(one)
    return [tuple(group) for group in found.values() if len(group) > 1]


def shares(price: Money, whole_g: int, others_g: Sequence[int]) -> list[Money]:
    """What of a parcel's postage belongs to its first order and to each of the others, by weight; evenly where a weight is not known. The
    first one's weight is what the others' leave of the whole."""
    first = whole_g - sum(others_g)
    weights = [first, *others_g]
    return price.split(weights if min(weights) > 0 else [1] * len(weights))
