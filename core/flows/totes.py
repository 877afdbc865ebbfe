"""Totes: what carries a shipment's goods to the bench. One open shipment each; a tote is free once that left, or is cancelled."""

from core.domain.shipments import OPEN, REQUEST, State
from core.domain.totes import tote as named
from core.domain.who import Who
from core.errors import Refused
from core.hub import Hub
from core.store import audit, shipments


def bind(hub: Hub, merchant: str, tote: str, shipment: str, who: Who) -> str:
    """From now on this shipment's goods lie in this tote, and in no other. Gives the tote's name. Raises Refused where it is taken, for
    what no tote is called, and for a shipment that nobody picks any more."""
    name = named(tote)
    if not name:
        raise Refused("no tote is called so")
    with hub.unit() as work:
        shipments.lock_totes(work.db, merchant)
        one = shipments.find(work.db, merchant, [shipment]).get(shipment)
        if one is None or one.state not in OPEN or one.state is State.LABELLED or one.way == REQUEST:
            raise Refused("it is not picked any more")
        holder = shipments.in_tote(work.db, merchant, name)
        if holder and holder.id != one.id:
            raise Taken(holder.name)
        if holder is None:
            shipments.bind(work.db, merchant, one.id, name)
            audit.write(work.db, merchant, work.now, who.id, who.name, "shipment.tote", one.id, shipment=one.name, tote=name)
    return name


class Taken(Refused):
    """Goods of another shipment, `by`, lie in it."""

    def __init__(self, by: str) -> None:
        super().__init__("that tote is taken")
        self.by = by


def free(hub: Hub, merchant: str, tote: str, who: Who) -> str:
    """Nothing lies in it any more. Gives whose goods lay there. Raises Refused where there were none."""
    with hub.unit() as work:
        holder = shipments.in_tote(work.db, merchant, named(tote))
        if holder is None:
            raise Refused("that tote is empty")
        shipments.bind(work.db, merchant, holder.id, None)
        audit.write(work.db, merchant, work.now, who.id, who.name, "shipment.untote", holder.id, shipment=holder.name, tote=named(tote))
    return str(holder.name)
