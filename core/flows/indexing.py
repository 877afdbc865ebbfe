"""Orders that were kept before they could be searched for: their statuses and words are written down, a set at a time, behind live work."""

from core.domain.tasks import Claim
from core.hub import Hub
from core.store import connections, orders, words
from core.store.unit import Unit

SET = 100


def ask_indexing(work: Unit) -> int:
    """Ask for it where a merchant has such orders. Gives for how many merchants."""
    wanting = [one.id for one in connections.merchants(work.db) if orders.unindexed(work.db, one.id, 1)]
    for merchant in wanting:
        work.ask(merchant, "index_orders", merchant)
    return len(wanting)


def index_orders(hub: Hub, claim: Claim) -> None:
    """One set; asks for itself again while there are more."""
    merchant, box = claim.merchant, hub.box(claim.merchant)
    with hub.unit(claim) as work:
        refs = orders.unindexed(work.db, merchant, SET)
        known = [one for one in orders.find(work.db, merchant, refs, box).values() if not one.has_words] if refs else []
        orders.index(work.db, merchant, [(one.id, one.order) for one in known])
        words.save(work.db, merchant, [(one.id, one.order, one) for one in known], box, work.now)
        if len(refs) == SET:
            work.ask(merchant, "index_orders", claim.subjects[0])
