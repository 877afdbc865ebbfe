"""What orders leave is reckoned anew whenever their entries or their payouts change, a set at a time."""

from collections.abc import Collection, Mapping

from core.domain.margins import Charges, Sold, margins_of
from core.domain.order import Order
from core.hub import Hub
from core.store import margins, orders
from core.store.unit import Unit

AT_ONCE = 1000  # orders of a payout that are reckoned at once


def keep(work: Unit, merchant: str, known: Mapping[str, Order]) -> None:
    """These orders as their entries stand now, by ref: seven statements for the set. One that nothing is booked of has no rows."""
    if not known:
        return
    own = margins.own(work.db, merchant, known)
    sold, paid = margins.sold(work.db, merchant, own), margins.charged(work.db, merchant, own)
    unknown = margins.unknown(work.db, merchant, own)
    found = {}
    for ref, (day, sums) in own.items():
        takes = {line.id: sold.get(ref, {}).get(line.id, Sold(line.sku or "")) for line in known[ref].lines}
        if sums:
            found[ref] = (day, margins_of(known[ref], takes, sums, paid.get(ref, Charges()), unknown.get(ref, ())))
    margins.keep(work.db, merchant, known, found)


def keep_these(hub: Hub, work: Unit, merchant: str, refs: Collection[str]) -> None:
    """Those of these orders that have rows, reckoned anew: their labels or their payouts say otherwise."""
    every = sorted(margins.kept(work.db, merchant, refs)) if refs else []
    for start in range(0, len(every), AT_ONCE):
        some = orders.find(work.db, merchant, every[start : start + AT_ONCE], hub.box(merchant))
        keep(work, merchant, {ref: one.order for ref, one in some.items()})


def after_payout(hub: Hub, work: Unit, merchant: str, connection: str, payout: str) -> None:
    """The orders that a payout holds; payout '' is what is told to come."""
    keep_these(hub, work, merchant, margins.orders_in(work.db, merchant, connection, payout))
