"""Whether an order, or all of an account's, is sent whole or in parts, whatever the merchant's rules say."""

from core.domain.oversold import Decision
from core.domain.shipments import Parts
from core.domain.who import Who
from core.errors import Refused
from core.flows import oversold
from core.hub import Hub
from core.store import audit, connections, shipments
from core.store import oversold as short_of
from core.store.connections import Connection
from core.store.shipments import PARTS_SETTING


def of_order(hub: Hub, merchant: str, order: str, parts: Parts | None, who: Who) -> None:
    """Say it of one order; None: as its account or the rules say. Sent in parts, what is missing of it follows and holds it no more; sent
    whole, what is there waits. Raises Refused for an order that is not theirs."""
    with hub.unit() as work:
        if order not in shipments.facts(work.db, merchant, [order], hub.box(merchant)):
            raise Refused("there is no such order")
        shipments.set_parts(work.db, merchant, order, parts)
        if parts is Parts.PARTS and short_of.short(work.db, merchant, order):
            oversold.decide_in(work, merchant, order, Decision.PARTIAL, who)
        audit.write(work.db, merchant, work.now, who.id, who.name, "order.parts", order, parts=parts.value if parts else None)
        work.ask(merchant, "release_orders", merchant)


def of_account(hub: Hub, connection: Connection, parts: Parts | None, who: Who) -> None:
    """Say it of all orders of an account of which nobody said anything; None: as the rules say."""
    merchant = connection.merchant
    with hub.unit() as work:
        known = (connections.get(work.db, connection.id) or connection).settings
        rest = {name: value for name, value in known.items() if name != PARTS_SETTING}
        connections.set_settings(work.db, connection.id, rest if parts is None else {**rest, PARTS_SETTING: parts.value})
        said = {"was": known.get(PARTS_SETTING), "became": parts.value if parts else None}
        audit.write(work.db, merchant, work.now, who.id, who.name, "connection.parts", connection.id, **said)
        work.ask(merchant, "release_orders", merchant)
