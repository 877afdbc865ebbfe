"""Listings that go on selling whatever they show: switched off at their channel, and on again, by a task that looks before it acts."""

from core.domain.promise import MENDABLE, Uncovered
from core.domain.tasks import Claim
from core.domain.who import Who
from core.errors import Refused
from core.hub import Hub
from core.ports import Mends, Push
from core.store import audit, displays, listings
from core.store.displays import Listed

ON, OFF = "on", "off"  # whether it shall go on selling


def ask(hub: Hub, merchant: str, id: int, uncovered: str, who: Who, *, back: bool = False) -> Listed:
    """Have this switched off for a listing, or on again (`back`). Raises Refused for one that is not there, or cannot be mended from
    here."""
    with hub.unit() as work:
        one = displays.one(work.db, merchant, id)
        if one is None or uncovered not in MENDABLE or (not back and one.uncovered != uncovered):
            raise Refused("there is nothing to mend from here")
        subject = f"{one.connection}/{id}/{uncovered}/{ON if back else OFF}"
        work.ask(merchant, "mend_listing", subject, one.connection)
        act = "listing.unmend" if back else "listing.mend"
        audit.write(work.db, merchant, work.now, who.id, who.name, act, "/".join(one.name), uncovered=uncovered, listing=id)
        return one


def mend_listing(hub: Hub, claim: Claim) -> None:
    """Look how it is there; change it where it is not as somebody wants it; keep what it is then."""
    connection = hub.connection(claim.connection)
    _, id, uncovered, wish = claim.subjects[0].split("/")
    channel = hub.channel(connection)
    with hub.database.read() as db:
        one = displays.one(db, claim.merchant, int(id))
    if one is None or not isinstance(channel, Mends):
        raise Refused("this channel lets nobody change that from here")
    push, now = Push(one.listing, one.sku, one.said_handle, 0, place=one.place), Uncovered(uncovered)
    if (channel.uncovered(push) == now) != (wish == ON):
        channel.mend(push, now, back=wish == ON)
    standing = channel.uncovered(push)
    with hub.unit(claim) as work:
        listings.stands(work.db, claim.merchant, one.name, standing)
        work.ask(claim.merchant, "read_listings", connection.id, connection.id)
