"""Labels: asked for in writing, bought once, looked up before anything is bought again, and given back."""

import uuid
from contextlib import suppress
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from core.domain.cards import Card
from core.domain.events import Event, LabelBought, LabelVoided
from core.domain.money import Money
from core.domain.order import Order
from core.domain.shipments import FINAL, OPEN, State
from core.domain.shipping import Bought, Box, Consignment, Customs, Goods, LabelFormat, Paper, Sought, Voided
from core.domain.tasks import Claim, Outcome
from core.domain.who import HUB, Who
from core.errors import AccessLost, OutcomeUnknown, Refused
from core.flows import print_queue, releasing
from core.hub import Hub
from core.ports import Connector, Reprints
from core.store import audit, cards, connections, parcels, shipments
from core.store.connections import CARRIER, Connection
from core.store.parcels import Parcel, Purchase
from core.store.shipments import Facts, Shipment
from core.store.unit import Unit

KEPT = timedelta(days=30)  # so long papers can be printed again
NO_PAPERS = "no_papers"  # the problem of a shipment whose label is given back since it cannot be printed
TAKING_APART, GIVING_BACK = "taking_apart", "giving_back"
NOT_VOIDED = "not_voided"  # a label that is wanted no more, and that its carrier did not take back
UNDONE = (TAKING_APART, GIVING_BACK)  # until its label is given back nothing else is done with it
CHECKED, BLIND = "checked", "it cannot be asked what became of this purchase: look in the carrier's own account, then say that you did"


class Stopped(Refused):
    """The order changed: this must not leave as it is. `why` is a word of core/domain/shipments.py."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(f"it stops: {why}")


class NotThen(Refused):
    """As it stands that cannot be done with it."""


# ---- wanting one


def want(hub: Hub, merchant: str, id: str, connection: str, service: str, who: Who, *, label: LabelFormat | None = None) -> str:
    """Write down that a shipment shall have a label of this carrier's service, and have it bought. Gives the purchase's key. Raises
    Stopped, NotThen, and Refused for what lacks on our side."""
    with hub.unit() as work:
        return want_in(hub, work, merchant, id, connection, service, who, label=label)


def want_in(
    hub: Hub, work: Unit, merchant: str, id: str, connection: str, service: str, who: Who, *, label: LabelFormat | None = None
) -> str:  # fmt: skip
    """The same in the caller's transaction."""
    facts, one, boxes = ready(hub, work, merchant, id)
    account = connections.one_of(work.db, merchant, connection)
    if account is None or not hub.connector(account).carrier:
        raise Refused("there is no such carrier")
    wish = consignment(hub, work, merchant, facts, one, boxes, hub.connector(account), label)
    key = uuid.UUID(hub.ids()).hex
    if not parcels.ask(work.db, merchant, key, one.id, connection, service, wish, hub.box(merchant), work.now):
        raise NotThen("it has a label already, or one is being bought")
    shipments.choose(work.db, one.id, connection, service)
    work.ask(merchant, "buy_labels", key, connection)
    audit.write(work.db, merchant, work.now, who.id, who.name, "label.buy", one.id, shipment=one.name, service=service)
    return key


def ready(hub: Hub, work: Unit, merchant: str, id: str) -> tuple[Facts, Shipment, list[Parcel]]:
    """An open shipment that nothing stops, locked with its order and parcels. Raises Stopped, NotThen, Refused."""
    order = shipments.orders_of(work.db, merchant, [id]).get(id)
    if order is None:
        raise Refused("there is no such shipment")
    facts = shipments.facts(work.db, merchant, [order], hub.box(merchant))[order]
    one = shipments.find(work.db, merchant, [id])[id]
    if one.state not in OPEN or one.problem in UNDONE:
        raise NotThen(f"it is {one.state}" if one.problem is None else "its label is being given back")
    stop = next((why for other, why in releasing.stopped(hub, work, merchant, [order]) if other.id == id), None)
    if stop:
        raise Stopped(stop)
    return facts, one, parcels.of_shipments(work.db, merchant, [id]).get(id, [])


def consignment(
    hub: Hub, work: Unit, merchant: str, facts: Facts, one: Shipment, boxes: list[Parcel], connector: Connector, label: LabelFormat | None
) -> Consignment:
    """What the carrier is asked to send. Raises Refused with what lacks: weight, an address of ours, what customs ask."""
    site = next((site for site in shipments.sites(work.db, merchant) if site.id == one.location), None)
    to = facts.person.final_ship_to or facts.person.ship_to if facts.person else None
    if site is None or site.address is None:
        raise Refused("nobody said yet which address this location sends from")
    if to is None:
        raise Refused("nobody knows where it goes")
    if any(not box.weight_g for box in boxes):
        raise Refused("nobody said yet what it weighs")
    if len(boxes) > connector.carries.boxes:
        raise Refused(f"{connector.label} sells a label for {connector.carries.boxes} parcels at most: make more shipments of it")
    abroad = site.address.country != to.country
    return Consignment(
        sender=site.address, to=to, boxes=tuple(_box(facts.order, box) for box in boxes), ship_on=today(hub, site.zone),
        currency=facts.order.currency, customs=_customs(work, merchant, facts.order, one) if abroad else None,
        label=label or connector.carries.formats[0], references=(facts.name, one.name),
    )  # fmt: skip


def today(hub: Hub, zone: str) -> date:
    """The day that it is at a location."""
    return hub.clock().astimezone(ZoneInfo(zone or "UTC")).date()


def _box(order: Order, box: Parcel) -> Box:
    return Box(box.weight_g, box.length_mm, box.width_mm, box.height_mm, order.subtotal)


def _customs(work: Unit, merchant: str, order: Order, one: Shipment) -> Customs:
    """Its goods, by SKU: a unit's value is its line's net by units and parts. Raises Refused with what lacks."""
    loads = shipments.loads(work.db, merchant, [one.id]).get(one.id, [])
    known = cards.declared(work.db, merchant, {sku for load in loads for sku in load.parts})
    if lacks := sorted(sku for sku, card in known.items() if not (card.hs_code and card.origin and card.weight_g)):
        raise Refused("customs ask for the HS code, origin and weight of " + ", ".join(lacks))
    lines = {line.id: line for line in order.lines}
    goods = []
    for load in loads:
        line, each = lines[load.line], sum(load.parts.values()) or 1
        value = line.charge.net.split([1] * max(1, line.ordered * each))[0]
        goods += [_goods(known[sku], sku, load.title, units * load.units, value) for sku, units in load.parts.items()]
    return Customs(tuple(goods), invoice=one.name)


def _goods(card: Card, sku: str, title: str, units: int, value: Money) -> Goods:
    return Goods(card.customs or title, units, card.weight_g or 0, value, card.hs_code or "", card.origin or "", sku)


# ---- buying


def buy_labels(hub: Hub, claim: Claim) -> None:
    """Buy what was written down. Whatever was tried before is looked up first."""
    merchant, key = claim.merchant, claim.subjects[0]
    account = hub.connection(claim.connection)
    with hub.unit(claim, finish=False) as work:
        one = _begin(hub, work, merchant, key)
    if one is None:
        _over(hub, claim)
        return
    try:
        found = _buy(hub, claim, account, one)
    except AccessLost:
        raise
    except Refused as error:
        _refused(hub, claim, one, error)
        return
    if isinstance(found, Bought):
        _bought(hub, claim, account, one, found)
    elif found is Sought.ABSENT:
        _over(hub, claim)
    else:
        claim.say(key, Outcome("parked", cause="Refused", detail=BLIND))
        _unknown(hub, claim, one)


def _unknown(hub: Hub, claim: Claim, one: Purchase) -> None:
    """A person must look: the shipment says so."""
    with hub.unit(claim) as work:
        shipments.orders_of(work.db, claim.merchant, [one.shipment])
        if shipments.find(work.db, claim.merchant, [one.shipment])[one.shipment].problem != TAKING_APART:
            shipments.set_problem(work.db, one.shipment, "unknown")


def _over(hub: Hub, claim: Claim) -> None:
    with hub.unit(claim):
        pass


def _begin(hub: Hub, work: Unit, merchant: str, key: str) -> Purchase | None:
    """The purchase, if it is still wanted; from now on the carrier may have been asked."""
    box = hub.box(merchant)
    one = parcels.purchase(work.db, merchant, key, box)
    if one is None or one.state != "asked":
        return None
    if one.tried_at is None or one.wish is None:
        if one.wish is None or _is_stopped(hub, work, merchant, one.shipment):
            parcels.become(work.db, key, "failed", box, work.now)
            _end_if_unwanted(work, merchant, one.shipment)
            return None
        parcels.tried(work.db, key, work.now)
    return one


def _end_if_unwanted(work: Unit, merchant: str, id: str) -> Shipment:
    """A shipment that was to be taken apart once nothing is paid for it ends now."""
    shipment = shipments.find(work.db, merchant, [id])[id]
    if shipment.problem == TAKING_APART:
        releasing.cancel(work, merchant, [shipment])
        work.ask(merchant, "release_orders", merchant)
    return shipment


def _is_stopped(hub: Hub, work: Unit, merchant: str, shipment: str) -> bool:
    try:
        ready(hub, work, merchant, shipment)
    except (Stopped, NotThen):
        return True
    return False


def _buy(hub: Hub, claim: Claim, account: Connection, one: Purchase) -> Bought | Sought:
    """One outside change. A carrier may not know yet what it sold a moment ago: until then nothing counts as absent, counted from the last
    time that it was asked to sell. ABSENT: it was not bought, and is not wanted any more."""
    carrier, limits = hub.carrier(account), hub.connector(account).carries
    assert one.wish is not None
    if one.tried_at is not None:
        found = carrier.find(one.wish, one.service, one.id)
        if found is not Sought.ABSENT:
            return found
        if hub.now < one.tried_at + int(limits.lookup_s * 1_000_000):
            raise OutcomeUnknown("it may not be known there yet")
        with hub.unit(claim, finish=False) as work:
            if _is_stopped(hub, work, claim.merchant, one.shipment):
                parcels.become(work.db, one.id, "failed", hub.box(claim.merchant), work.now)
                _end_if_unwanted(work, claim.merchant, one.shipment)
                return Sought.ABSENT
            parcels.tried(work.db, one.id, work.now)
    return carrier.buy(one.wish, one.service, one.id)


def _refused(hub: Hub, claim: Claim, one: Purchase, error: Refused) -> None:
    """The carrier declined: the shipment says so in its words, and can be asked again with other ones."""
    box = hub.box(claim.merchant)
    with hub.unit(claim) as work:
        words = error.words or str(error)
        shipments.orders_of(work.db, claim.merchant, [one.shipment])
        parcels.become(work.db, one.id, "failed", box, work.now, words)
        if _end_if_unwanted(work, claim.merchant, one.shipment).problem != TAKING_APART:
            shipments.set_problem(work.db, one.shipment, "carrier", box.seal_text(f"shipments|words|{one.shipment}", words.encode()))


def _bought(hub: Hub, claim: Claim, account: Connection, one: Purchase, found: Bought) -> None:
    """Keep what was bought; papers that came lost are asked for again, or the label is given back and bought anew."""
    papers = found.labels or _papers(hub, account, one, found)
    box, merchant, connector = hub.box(claim.merchant), claim.merchant, hub.connector(account)
    with hub.unit(claim) as work:
        order = shipments.orders_of(work.db, merchant, [one.shipment])[one.shipment]
        facts = shipments.facts(work.db, merchant, [order], box)[order]
        shipment = shipments.find(work.db, merchant, [one.shipment])[one.shipment]
        boxes = parcels.of_shipments(work.db, merchant, [one.shipment])[one.shipment]
        parcels.bought(work.db, one.id, found, box, work.now)
        until = work.now + KEPT // timedelta(microseconds=1)
        parcels.keep(work.db, merchant, one.shipment, one.id, [*papers, *found.forms], box, work.now, until)
        numbered = zip(boxes, found.tracking, strict=False)
        parcels.set_labels(work.db, [_numbered(parcel, number, one, account, connector) for parcel, number in numbered])
        work.happened(merchant, [(facts.ref, _fact(shipment, connector, one, found))])
        if shipment.problem == TAKING_APART or not papers:
            parcels.give_back(work.db, one.id)
            work.ask(merchant, "void_labels", one.id, one.connection)
            shipments.set_problem(work.db, shipment.id, shipment.problem or NO_PAPERS)
        else:
            shipments.set_state(work.db, {shipment.id: (State.LABELLED, None)}, work.now)
            print_queue.by_itself(hub, work, merchant, shipment.location, shipment.id, [*papers, *found.forms])


def _papers(hub: Hub, account: Connection, one: Purchase, found: Bought) -> tuple[Paper, ...]:
    """What was found without its papers, printed once more; nothing where the carrier does not."""
    carrier = hub.carrier(account)
    try:
        return tuple(carrier.papers(found, one.wish.label)) if one.wish and isinstance(carrier, Reprints) else ()
    except AccessLost:
        raise
    except Refused:
        return ()


def _numbered(parcel: Parcel, number: str, one: Purchase, account: Connection, connector: Connector) -> dict[str, Any]:
    url = connector.tracking_url(number) if connector.tracking_url else None
    service = connector.services.get(one.service, one.service)
    return {
        "id": parcel.id, "tracking": number, "carrier": account.channel, "carrier_name": connector.label, "service": service, "url": url,
    }  # fmt: skip


def _fact(shipment: Shipment, connector: Connector, one: Purchase, found: Bought) -> Event:
    price = f"{found.price.text()} {found.price.currency}" if found.price else ""
    return LabelBought(shipment.name, connector.label, connector.services.get(one.service, one.service), found.master, price)


def checked(hub: Hub, merchant: str, key: str, who: Who) -> None:
    """Somebody looked in the carrier's own account and found that nothing was bought: another label may be wanted. Raises NotThen."""
    box = hub.box(merchant)
    with hub.unit() as work:
        one = parcels.purchase(work.db, merchant, key, box)
        if one is None or one.state != "asked" or one.tried_at is None:
            raise NotThen("nothing of it is unknown")
        parcels.become(work.db, key, "failed", box, work.now)
        if _end_if_unwanted(work, merchant, one.shipment).problem == "unknown":
            shipments.set_problem(work.db, one.shipment, None)
        work.ask(merchant, "buy_labels", key, one.connection)  # nothing waits for a person any more: it finds nothing to do
        audit.write(work.db, merchant, work.now, who.id, who.name, "label.checked", one.shipment)


# ---- giving back


def give_back(hub: Hub, merchant: str, id: str, who: Who) -> None:
    """Have a shipment's label voided: it is wanted no more, and the shipment is packed again. Raises NotThen, Refused."""
    with hub.unit() as work:
        one = shipments.find(work.db, merchant, [id]).get(id)
        if one is None:
            raise Refused("there is no such shipment")
        key = next((parcel.purchase for parcel in parcels.of_shipments(work.db, merchant, [id]).get(id, []) if parcel.purchase), None)
        if one.state is not State.LABELLED or key is None:
            raise NotThen("it has no label that could be given back")
        work.ask(merchant, "void_labels", key, parcels.give_back(work.db, key))
        if one.problem != TAKING_APART:
            shipments.set_problem(work.db, id, GIVING_BACK)
        audit.write(work.db, merchant, work.now, who.id, who.name, "label.void", id, shipment=one.name)


def throw_away(hub: Hub, merchant: str, id: str, who: Who) -> None:
    """A label that its carrier does not take back is thrown away: it stays paid, and is not used. Its shipment is packed again, or taken
    apart where its order is not what it was made for. Raises NotThen, Refused."""
    with hub.unit() as work:
        order = shipments.orders_of(work.db, merchant, [id]).get(id)
        if order is None:
            raise Refused("there is no such shipment")
        final = {one.id for one, why in releasing.stopped(hub, work, merchant, [order]) if why in FINAL}
        one = shipments.find(work.db, merchant, [id])[id]
        boxes = parcels.of_shipments(work.db, merchant, [id]).get(id, [])
        key = next((box.purchase for box in boxes if box.purchase), None)
        if one.problem != NOT_VOIDED or one.state is not State.LABELLED or key is None:
            raise NotThen("its carrier did not refuse to take a label back")
        parcels.become(work.db, key, "kept", hub.box(merchant), work.now)
        parcels.set_labels(work.db, [{"id": box.id, **UNLABELLED} for box in boxes])
        if id in final:
            releasing.cancel(work, merchant, [one])
            work.ask(merchant, "release_orders", merchant)
        else:
            shipments.set_state(work.db, {id: (State.PACKED, None)}, work.now)
        audit.write(work.db, merchant, work.now, who.id, who.name, "label.throw_away", id, shipment=one.name)


UNLABELLED = {"tracking": None, "carrier": None, "carrier_name": None, "service": None, "url": None}


def void_labels(hub: Hub, claim: Claim) -> None:
    """Give a label back, and go on with what it was given back for."""
    merchant, key = claim.merchant, claim.subjects[0]
    with hub.database.read() as db:
        one = parcels.purchase(db, merchant, key, hub.box(merchant))
    if one is None or one.state != "voiding" or one.bought is None:
        _over(hub, claim)  # what is still being bought is given back when that is over
        return
    became = hub.carrier(hub.connection(claim.connection)).void(one.bought)
    with hub.unit(claim) as work:
        _voided(hub, work, merchant, one, became)


def _voided(hub: Hub, work: Unit, merchant: str, one: Purchase, became: Voided) -> None:
    box = hub.box(merchant)
    order = shipments.orders_of(work.db, merchant, [one.shipment])[one.shipment]
    facts = shipments.facts(work.db, merchant, [order], box)[order]
    shipment = shipments.find(work.db, merchant, [one.shipment])[one.shipment]
    boxes = parcels.of_shipments(work.db, merchant, [one.shipment])[one.shipment]
    tracking = one.bought.master if one.bought else ""
    work.happened(merchant, [(facts.ref, LabelVoided(shipment.name, tracking, became.value))])
    if became is Voided.REFUSED:
        parcels.become(work.db, one.id, "bought", box, work.now)
        shipments.set_state(work.db, {shipment.id: (State.LABELLED, NOT_VOIDED)}, work.now)
        return
    parcels.become(work.db, one.id, "voided" if became is not Voided.PENDING else "refunding", box, work.now)
    parcels.set_labels(work.db, [{"id": parcel.id, **UNLABELLED} for parcel in boxes])
    if _end_if_unwanted(work, merchant, one.shipment).problem != TAKING_APART and shipment.state in OPEN:
        shipments.set_state(work.db, {shipment.id: (State.PACKED, None)}, work.now)
    if shipment.problem == NO_PAPERS:
        _anew(hub, work, merchant, one)


def _anew(hub: Hub, work: Unit, merchant: str, one: Purchase) -> None:
    """The same label once more, in place of one whose papers were lost; where the order changed meanwhile, somebody decides."""
    with suppress(Refused):
        label = one.wish.label if one.wish else None
        want_in(hub, work, merchant, one.shipment, one.connection, one.service, HUB, label=label)


def carriers(hub: Hub, merchant: str) -> list[tuple[Connection, Connector]]:
    """The carriers that a merchant connected, those that can be asked now."""
    with hub.database.read() as db:
        known = connections.all_of(db, merchant, CARRIER)
    return [(one, hub.connectors[one.channel]) for one in known if one.channel in hub.connectors and one.state == "active"]
