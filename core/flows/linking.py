"""Whose copy an order is, when somebody says so; and orders whose units waited for another one that might list their lines."""

from datetime import timedelta

from core.domain.kin import NO_COPY
from core.domain.tasks import Claim, Outcome
from core.errors import Refused
from core.flows import kin as kin_flow
from core.flows import settling
from core.hub import Hub
from core.store import connections, kin, orders
from core.store.tables import us

LATE = timedelta(minutes=1)  # a channel may list a combined order so much later than it cancelled the parts
AGAIN_S = 30.0
WAITS = Outcome("due", wait_s=AGAIN_S, counts=False, cause="Waits", detail="until the channel's orders are read past its cancellation")


def link_orders(hub: Hub, claim: Claim) -> None:
    """Give free what cancelled orders still hold, once all orders of their channel are here that may list the same lines."""
    connection = hub.connection(claim.connection)
    with hub.unit(claim) as work:
        kin_flow.be_alone(work, claim.merchant)
        known = orders.find(work.db, claim.merchant, claim.subjects, hub.box(claim.merchant))
        upto, taken = connections.read_to(work.db, claim.merchant, connection.id)
        read = {ref for ref, one in known.items() if taken and us(one.order.revision + LATE) <= upto}
        if read:
            settling.link(hub, work, connection, read, {})
        for ref in known.keys() - read:
            claim.say(ref, WAITS)
            work.ask(claim.merchant, "poll_orders", connection.id, connection.id, wait_s=AGAIN_S)


def one(hub: Hub, merchant: str, words: str) -> str:
    """The ref of the order that these words mean: its page's id, CHANNEL/ID, the channel's id or name. Raises Refused unless it is one."""
    with hub.database.read() as db:
        found = kin.said(db, merchant, words)
    if len(found) != 1:
        raise Refused(f"{words}: {'no such order' if not found else f'{len(found)} orders have this name; say CHANNEL/ID'}")
    return found[0]


def link(hub: Hub, merchant: str, copy: str, original: str) -> None:
    """Say that one order is a copy of another: whatever it reserved goes over to that. Lasts. Raises Refused where it cannot be."""
    if copy == original:
        raise Refused("an order is no copy of itself")
    with hub.database.read() as db:
        other = kin.row_of(db, merchant, original)
    if other is None or other.copy_of or other.merged_into:
        raise Refused(f"{original} stands for another order itself: name that one")
    _say(hub, copy, original)


def unlink(hub: Hub, copy: str) -> None:
    """Say that an order is nobody's copy: it reserves what it asks for. Lasts."""
    _say(hub, copy, NO_COPY)


def _say(hub: Hub, ref: str, original: str) -> None:
    connection = hub.connection(ref.split("/", 1)[0])
    with hub.unit() as work:
        settling.link(hub, work, connection, [ref], {ref: original})
