"""Units that come or go by somebody's hand: breakage, a find, a sample. Relative, unlike a count; the moment of the last count stays."""

from core.domain.stock import Plan
from core.errors import Refused, Unsupported
from core.flows.allocation import ask_waiting
from core.store import listings, stock
from core.store.unit import Unit


def adjust(work: Unit, merchant: str, sku: str, location: str, units: int, why: str) -> int:
    """Add units to a shelf, or take them off; gives what is on hand then. Raises Unsupported where nobody counted it, Refused where that
    many are not free."""
    levels = stock.lock_levels(work.db, merchant, [sku])
    if (sku, location) not in levels:
        raise Unsupported("nobody has counted that SKU there: count it first")
    on_hand, reserved = levels[sku, location]
    if on_hand + units < reserved:
        raise Refused(f"{on_hand} are on hand and {reserved} of them promised")
    plan = Plan(shelves={(sku, location): [units, 0]}, movements=[(sku, location, units, "adjusted", why)] if units else [])
    stock.apply(work.db, merchant, plan, levels, work.now)
    for connection in sorted(listings.touch(work.db, merchant, plan.skus, None)):
        work.ask(merchant, "publish_stock", connection, connection)
    ask_waiting(work, merchant)
    return on_hand + units
