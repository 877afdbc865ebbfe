"""Labels: asked for in writing, bought once, looked up before anything is bought again, and given back."""

import uuid
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection as Db

from core.domain.cards import Card
from core.domain.events import Event, LabelBought, LabelVoided
from core.domain.handing_over import leaves_with_label
from core.domain.money import Money
from core.domain.order import Order
from core.domain.shipments import FINAL, OPEN, PICKUP, REQUEST, State
from core.domain.shipping import Bought, Box, Consignment, Customs, Goods, LabelFormat, Paper, Sought, Voided, Voiding
from core.domain.tasks import Claim, Outcome
from core.domain.who import HUB, Who
from core.errors import AccessLost, OutcomeUnknown, Refused
from core.flows import joined, moving, postage, print_queue, releasing, sites
from core.hub import Hub
from core.ports import Carrier, Connector, Prepares, Refunds, Reprints
from core.store import audit, cards, connections, handovers, parcels, shipments
from core.store.connections import CARRIER, Connection
from core.store.parcels import Parcel, Purchase
from core.store.shipments import Facts, Shipment
from core.store.unit import Unit

FIRST_LOOK_US = 3_600_000_000  # so long after a label was bought its carrier is first asked where the parcel is
ON_ITS_WAY_S = 30.0  # within that time after it was written down that a carrier is asked, it has sold, or never will
KEPT = timedelta(days=30)  # so long papers can be printed again
NO_PAPERS = "no_papers"  # the problem of a shipment whose label is given back since it cannot be printed
TAKING_APART, GIVING_BACK = "taking_apart", "giving_back"
NOT_VOIDED = "not_voided"  # a label that is wanted no more, and that its carrier did not take back
ADDRESS = "address"  # a carrier doubts where it goes
UNDONE = (TAKING_APART, GIVING_BACK)  # until its label is given back nothing else is done with it
AT_ONCE = 50  # labels whose refund is asked for at once
NOT_ITS = "this order leaves with a label of its own channel"
FETCHED = "its buyer fetches it"
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
    if one.goes_with:
        raise NotThen(joined.WITH_ANOTHER)
    account = next((one for one in sellers(hub, work.db, merchant, facts) if one.id == connection), None)
    if account is None:
        raise Refused(NOT_ITS if connections.one_of(work.db, merchant, connection) else "there is no such carrier")
    wish = consignment(hub, work, merchant, facts, one, boxes, hub.connector(account), label)
    key = uuid.UUID(hub.ids()).hex
    if not parcels.ask(work.db, merchant, key, one.id, connection, service, wish, hub.box(merchant), work.now):
        raise NotThen("it has a label already, or one is being bought")
    shipments.choose(work.db, one.id, connection, service)
    work.ask(merchant, "buy_labels", key, connection)
    audit.write(work.db, merchant, work.now, who.id, who.name, "label.buy", one.id, shipment=one.name, service=service)
    return key


def sellers(hub: Hub, db: Db, merchant: str, facts: Facts) -> list[Connection]:
    """Who may sell labels for an order: the merchant's carriers, and its own channel where that sells some; that alone where one of the
    order's programs demands it."""
    return sellers_of(hub, db, merchant, facts.connection, facts.order.programs)


def sellers_of(hub: Hub, db: Db, merchant: str, channel: str, programs: Collection[str]) -> list[Connection]:
    """The same by the connection that an order came by, and its programs. One statement."""
    known = connections.sellers(db, merchant, channel)
    own = next((one for one in known if one.id == channel), None)
    connector = hub.connectors.get(own.channel) if own else None
    if own and connector and connector.carrier and connector.demands & set(programs):
        return [own]
    return [one for one in known if one.role == CARRIER or (connector is not None and connector.carrier)]


def ready(hub: Hub, work: Unit, merchant: str, id: str) -> tuple[Facts, Shipment, list[Parcel]]:
    """An open shipment that nothing stops, locked with its order and parcels, and with all that go in one parcel with it. Raises Stopped,
    NotThen, Refused."""
    one = joined.lock(hub, work, merchant, id)
    facts = shipments.facts(work.db, merchant, [one.order_id], hub.box(merchant))[one.order_id]
    mates = {other.id: other for other in (one, *joined.members(work, merchant, id))}
    _is_ready(one, mates.values())
    owners = {other.order_id for other in mates.values()}
    stop = next((why for other, why in releasing.stopped(hub, work, merchant, owners) if other.id in mates), None)
    if stop:
        raise Stopped(stop)
    return facts, one, parcels.of_shipments(work.db, merchant, [id]).get(id, [])


def _is_ready(one: Shipment, mates: Collection[Shipment]) -> None:
    """Raises NotThen: it waits, is over, or somebody else sends it."""
    if one.state in OPEN and any(other.problem in moving.WAITS for other in mates):
        raise NotThen("its channel is being told from where it leaves")
    if one.state not in OPEN or one.problem in UNDONE:
        raise NotThen(f"it is {one.state}" if one.problem is None else "its label is being given back")
    if any(other.problem == ADDRESS for other in mates):
        raise NotThen("a carrier doubts its address: decide about that first")
    if one.way == REQUEST:
        raise NotThen("somebody else sends it: they are asked to, and tell when it left")


def consignment(
    hub: Hub, work: Unit, merchant: str, facts: Facts, one: Shipment, boxes: list[Parcel], connector: Connector, label: LabelFormat | None
) -> Consignment:
    """What the carrier is asked to send. Raises Refused with what lacks: weight, an address of ours, what customs ask."""
    if one.way == PICKUP:
        raise NotThen(FETCHED)
    site = next((site for site in shipments.sites(work.db, merchant) if site.id == one.location), None)
    to = facts.person.final_ship_to or facts.person.ship_to if facts.person else None
    if site is None or site.address is None:
        raise Refused("nobody said yet which address this location sends from")
    if to is None:
        raise Refused("nobody knows where it goes")
    if any(not box.weight_g for box in boxes):
        raise Refused("nobody said yet what it weighs")
    if len(boxes) > connector.carries.boxes:
        raise Refused(f"at once {connector.label} sells labels for so many parcels at most: {connector.carries.boxes}")
    abroad, worth = site.address.country != to.country, joined.worth(hub, work, merchant, one, facts.order.subtotal)
    units = {load.line: load.units for load in shipments.loads(work.db, merchant, [one.id]).get(one.id, [])}
    return Consignment(
        sender=site.address, to=to, boxes=_boxes(worth, boxes, units), ship_on=today(hub, site.zone),
        currency=facts.order.currency, customs=_customs(work, merchant, facts.order, one) if abroad else None,
        label=label or connector.carries.formats[0], references=(facts.name, one.name),
        order=facts.channel_id,
    )  # fmt: skip


def today(hub: Hub, zone: str) -> date:
    """The day that it is at a location."""
    return hub.clock().astimezone(ZoneInfo(zone or "UTC")).date()


def _boxes(worth: Money, boxes: list[Parcel], all_: Mapping[str, int]) -> tuple[Box, ...]:
    """Of several each is worth its share, by its units."""
    shares = worth.split([sum((box.contents or {}).values()) or 1 for box in boxes])
    return tuple(
        Box(box.weight_g, box.length_mm, box.width_mm, box.height_mm, share, box.contents or all_)
        for box, share in zip(boxes, shares, strict=True)
    )


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
    elif shipment.problem == GIVING_BACK:
        shipments.set_problem(work.db, id, None)
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
        if limits.lookup_s and hub.now < one.tried_at + int((limits.lookup_s + ON_ITS_WAY_S) * 1_000_000):
            raise OutcomeUnknown("it may not be known there yet")
        with hub.unit(claim, finish=False) as work:
            if _is_stopped(hub, work, claim.merchant, one.shipment):
                parcels.become(work.db, one.id, "failed", hub.box(claim.merchant), work.now)
                _end_if_unwanted(work, claim.merchant, one.shipment)
                return Sought.ABSENT
            parcels.tried(work.db, one.id, work.now)
    return carrier.buy(_prepared(hub, claim, carrier, one), one.service, one.id)


def _prepared(hub: Hub, claim: Claim, carrier: Carrier, one: Purchase) -> Consignment:
    """What is bought, with the offer that is taken: written down before, so that the same is asked where the answer is lost."""
    assert one.wish is not None
    if not isinstance(carrier, Prepares):
        return one.wish
    wish = replace(one.wish, offer=carrier.prepare(one.wish, one.service))
    with hub.unit(claim, finish=False) as work:
        parcels.set_wish(work.db, one.id, wish, hub.box(claim.merchant))
    return wish


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
        shipment = joined.lock(hub, work, merchant, one.shipment)
        facts = shipments.facts(work.db, merchant, [shipment.order_id], box)[shipment.order_id]
        boxes = parcels.of_shipments(work.db, merchant, [one.shipment])[one.shipment]
        parcels.bought(work.db, one.id, found, box, work.now)
        until = work.now + kept_us()
        parcels.keep(work.db, merchant, one.shipment, one.id, [*papers, *found.forms], box, work.now, until)
        numbered = zip(boxes, found.tracking, strict=False)
        parcels.set_labels(work.db, [_numbered(parcel, number, one, account, connector, found.by) for parcel, number in numbered])
        work.happened(merchant, [(facts.ref, _fact(shipment, connector, one, found))])
        postage.ask_in(work, merchant, one.id, one.connection)
        if shipment.problem in UNDONE or not papers:
            parcels.give_back(work.db, one.id)
            work.ask(merchant, "void_labels", one.id, one.connection)
            shipments.set_problem(work.db, shipment.id, shipment.problem or NO_PAPERS)
        else:
            shipments.set_state(work.db, {shipment.id: (State.LABELLED, None)}, work.now)
            parcels.look_at(work.db, [parcel.id for parcel in boxes], work.now + FIRST_LOOK_US)
            joined.follow(work, merchant, shipment, State.LABELLED)
            if shipment.again:
                work.ask(merchant, "look_at_shipments", shipment.order_id, "")  # as above
            print_queue.by_itself(hub, work, merchant, shipment, [*papers, *found.forms])
            if leaves_with_label(facts.connection, sites.rules(work.db, merchant).on_label):
                work.ask(merchant, "send_labelled", shipment.id)


def kept_us() -> int:
    """So long papers can be printed again, in microseconds."""
    return KEPT // timedelta(microseconds=1)


def _papers(hub: Hub, account: Connection, one: Purchase, found: Bought) -> tuple[Paper, ...]:
    """What was found without its papers, printed once more; nothing where the carrier does not."""
    carrier = hub.carrier(account)
    try:
        return tuple(carrier.papers(found, one.wish.label)) if one.wish and isinstance(carrier, Reprints) else ()
    except AccessLost:
        raise
    except Refused:
        return ()


def _numbered(parcel: Parcel, number: str, one: Purchase, account: Connection, connector: Connector, by: str) -> dict[str, Any]:
    url = connector.tracking_url(number) if connector.tracking_url else None
    service = connector.services.get(one.service, one.service)
    return {
        "id": parcel.id, "tracking": number, "carrier": account.channel, "carrier_name": by or connector.label, "service": service,
        "url": url or None,
    }  # fmt: skip


def _fact(shipment: Shipment, connector: Connector, one: Purchase, found: Bought) -> Event:
    price = f"{found.price.text()} {found.price.currency}" if found.price else ""
    return LabelBought(shipment.name, connector.label, connector.services.get(one.service, one.service), found.master, price)


def checked(hub: Hub, merchant: str, key: str, who: Who) -> None:
    """Somebody looked in the carrier's own account and found that nothing was bought: another label may be wanted. Raises NotThen, also
    while it may still be bought."""
    box = hub.box(merchant)
    with hub.unit() as work:
        one = parcels.purchase(work.db, merchant, key, box)
        if one is None or one.state != "asked" or one.tried_at is None:
            raise NotThen("nothing of it is unknown")
        if not parcels.is_left(work.db, merchant, key):
            raise NotThen("it is still being bought, or looked for")
        parcels.become(work.db, key, "failed", box, work.now)
        if _end_if_unwanted(work, merchant, one.shipment).problem == "unknown":
            shipments.set_problem(work.db, one.shipment, None)
        work.ask(merchant, "buy_labels", key, one.connection)  # nothing waits for a person any more: it finds nothing to do
        audit.write(work.db, merchant, work.now, who.id, who.name, "label.checked", one.shipment)


# ---- giving back


def give_back(hub: Hub, merchant: str, id: str, who: Who) -> None:
    """Have a shipment's label voided: it is wanted no more, and the shipment is packed again, or taken apart where its order is not what it
    was made for. Asked again where its carrier refused. Raises NotThen, Refused."""
    with hub.unit() as work:
        one = joined.lock(hub, work, merchant, id)
        final = {one.id for one, why in releasing.stopped(hub, work, merchant, [one.order_id]) if why in FINAL}
        key = next((parcel.purchase for parcel in parcels.of_shipments(work.db, merchant, [id]).get(id, []) if parcel.purchase), None)
        if one.state is not State.LABELLED or key is None:
            raise NotThen("it has no label that could be given back")
        work.ask(merchant, "void_labels", key, parcels.give_back(work.db, key))
        if one.problem != TAKING_APART:
            shipments.set_problem(work.db, id, TAKING_APART if one.problem == NOT_VOIDED and id in final else GIVING_BACK)
        audit.write(work.db, merchant, work.now, who.id, who.name, "label.void", id, shipment=one.name)


def throw_away(hub: Hub, merchant: str, id: str, who: Who) -> None:
    """A label that its carrier does not take back is thrown away: it stays paid, and is not used. Its shipment is packed again, or taken
    apart where its order is not what it was made for. Raises NotThen, Refused."""
    with hub.unit() as work:
        order = joined.lock(hub, work, merchant, id).order_id
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
            joined.follow(work, merchant, one, State.PACKED)
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
    said = hub.carrier(hub.connection(claim.connection)).void(one.bought)
    with hub.unit(claim) as work:
        _voided(hub, work, merchant, one, said)


def _voided(hub: Hub, work: Unit, merchant: str, one: Purchase, said: Voiding) -> None:
    box, became = hub.box(merchant), said.became
    shipment = joined.lock(hub, work, merchant, one.shipment)
    facts = shipments.facts(work.db, merchant, [shipment.order_id], box)[shipment.order_id]
    boxes = parcels.of_shipments(work.db, merchant, [one.shipment])[one.shipment]
    tracking = one.bought.master if one.bought else ""
    work.happened(merchant, [(facts.ref, LabelVoided(shipment.name, tracking, became.value))])
    if became is Voided.REFUSED:
        parcels.become(work.db, one.id, "bought", box, work.now, said.words)
        shipments.set_state(work.db, {shipment.id: (State.LABELLED, NOT_VOIDED)}, work.now)
        return
    parcels.become(work.db, one.id, "voided" if became is not Voided.PENDING else "refunding", box, work.now)
    postage.ask_in(work, merchant, one.id, one.connection)
    parcels.set_labels(work.db, [{"id": parcel.id, **UNLABELLED} for parcel in boxes])
    if _end_if_unwanted(work, merchant, one.shipment).problem != TAKING_APART and shipment.state in OPEN:
        shipments.set_state(work.db, {shipment.id: (State.PACKED, None)}, work.now)
        joined.follow(work, merchant, shipment, State.PACKED)
    if shipment.again:
        work.ask(merchant, "look_at_shipments", shipment.order_id, "")  # it may go elsewhere now
    if shipment.problem == NO_PAPERS:
        _anew(hub, work, merchant, one)


def _anew(hub: Hub, work: Unit, merchant: str, one: Purchase) -> None:
    """The same label once more, in place of one whose papers were lost; where the order changed meanwhile, somebody decides."""
    with suppress(Refused):
        label = one.wish.label if one.wish else None
        want_in(hub, work, merchant, one.shipment, one.connection, one.service, HUB, label=label)


def ask_refunds(hub: Hub, claim: Claim) -> None:
    """Ask a carrier what it decided about the money of labels that were given back."""
    merchant, account, box = claim.merchant, hub.connection(claim.connection), hub.box(claim.merchant)
    carrier = hub.carrier(account)
    with hub.database.read() as db:
        keys = handovers.refunding(db, merchant, account.id, AT_ONCE) if isinstance(carrier, Refunds) else []
        known = [one for key in keys if (one := parcels.purchase(db, merchant, key, box)) and one.bought]
    said = {one.id: carrier.refunded(one.bought) for one in known if one.bought and isinstance(carrier, Refunds)}
    with hub.unit(claim) as work:
        for key, became in said.items():
            if became is not Voided.PENDING:
                parcels.become(work.db, key, "kept" if became is Voided.REFUSED else "voided", box, work.now)
                postage.ask_in(work, merchant, key, claim.connection)


def carriers(hub: Hub, merchant: str) -> list[tuple[Connection, Connector]]:
    """The carriers that a merchant connected, those that can be asked now."""
    with hub.database.read() as db:
        known = connections.all_of(db, merchant, CARRIER)
    return [(one, hub.connectors[one.channel]) for one in known if one.channel in hub.connectors and one.state == "active"]
