"""Asking all carriers what a shipment would cost, and taking the best of what they say in time."""

from collections.abc import Collection

from core.domain.shipping import best
from core.domain.tasks import Claim
from core.domain.who import HUB, Who
from core.errors import AccessLost, HubError, RateLimited, Refused, Unavailable
from core.flows.labelling import NotThen, Stopped, consignment, ready, sellers_of, want_in
from core.hub import Hub
from core.store import audit, parcels, shipments, tasks
from core.store.connections import Connection
from core.store.unit import Unit

DEADLINE_S = 6.0  # a carrier that says nothing until then is not waited for


def ask(hub: Hub, merchant: str, ids: Collection[str], who: Who, *, buy: bool = False) -> int:
    """Have all carriers say what these shipments would cost; with `buy` the best that is offered within seconds is bought. Gives how many
    carriers are asked. Raises Refused where none is connected."""
    with hub.unit() as work:
        return ask_in(hub, work, merchant, ids, who, buy=buy)


def ask_in(hub: Hub, work: Unit, merchant: str, ids: Collection[str], who: Who, *, buy: bool = False) -> int:
    """The same in the caller's transaction."""
    asked = {id: [one for one in some if one.state == "active"] for id, some in _sellers(hub, work, merchant, ids).items()}
    if asked and not any(asked.values()):
        raise Refused("no carrier is connected")
    for id in sorted(asked):
        for one in asked[id]:
            work.ask(merchant, "shop_rates", f"{id}@{one.id}", one.id)
        if buy:
            work.ask(merchant, "choose_services", id, "", wait_s=DEADLINE_S)
            audit.write(work.db, merchant, work.now, who.id, who.name, "label.choose", id)
    return max((len(some) for some in asked.values()), default=0)


def _sellers(hub: Hub, work: Unit, merchant: str, ids: Collection[str]) -> dict[str, list[Connection]]:
    """Who may sell a label for each of these shipments."""
    orders = shipments.orders_of(work.db, merchant, ids)
    known = shipments.seen(work.db, merchant, orders.values(), hub.box(merchant))
    found = {(one.connection, one.order.programs): list[Connection]() for one in known.values()}
    for channel, programs in found:
        found[channel, programs] = sellers_of(hub, work.db, merchant, channel, programs)
    return {id: found[known[order].connection, known[order].order.programs] for id, order in orders.items() if order in known}


def shop_rates(hub: Hub, claim: Claim) -> None:
    """What one carrier asks for a shipment. What it declines is kept in its words; one that fails is asked again, and nobody waits."""
    merchant, subject = claim.merchant, claim.subjects[0]
    id, account, box = subject.partition("@")[0], hub.connection(claim.connection), hub.box(claim.merchant)
    words, offers = "", []
    try:
        with hub.unit(claim, finish=False) as work:
            facts, one, boxes = ready(hub, work, merchant, id)
            wish = consignment(hub, work, merchant, facts, one, boxes, hub.connector(account), None)
        offers = list(hub.carrier(account).rates(wish))
    except AccessLost:
        raise
    except (Unavailable, RateLimited) as error:
        with hub.unit(claim, finish=False) as work:
            parcels.quoted(work.db, merchant, id, account.id, (), _words(error), box, work.now)
        raise
    except HubError as error:
        words = _words(error)
    with hub.unit(claim) as work:
        parcels.quoted(work.db, merchant, id, account.id, offers, words, box, work.now)
        _hurry(hub, work, merchant, id, subject)


def _words(error: HubError) -> str:
    return error.words or str(error)


def _hurry(hub: Hub, work: Unit, merchant: str, id: str, mine: str) -> None:
    """Who waits for offers need not wait longer once every carrier has said something."""
    if not tasks.under_way(work.db, merchant, ["choose_services"], [id]):
        return
    others = [f"{id}@{one.id}" for one in _sellers(hub, work, merchant, [id]).get(id, ())]
    if not shipments.unasked(work.db, merchant, others) - {mine}:
        work.ask(merchant, "choose_services", id, "")


def choose_services(hub: Hub, claim: Claim) -> None:
    """Buy the best of what carriers offered for a shipment; where nothing was offered it says so."""
    merchant, id, box = claim.merchant, claim.subjects[0], hub.box(claim.merchant)
    with hub.unit(claim) as work:
        try:
            facts, _, _ = ready(hub, work, merchant, id)
            offers = [one.offer for one in parcels.quotes(work.db, merchant, id, box) if one.offer]
            taken = best(offers, facts.order.deliver_by.date() if facts.order.deliver_by else None)
            if taken is None:
                shipments.set_problem(work.db, id, "no_rates")
                return
            want_in(hub, work, merchant, id, taken.connection, taken.quote.service, HUB)
        except (Stopped, NotThen):
            return
        except Refused as error:
            shipments.set_problem(work.db, id, "lacks", box.seal_text(f"shipments|words|{id}", str(error).encode()))
