"""What leaves from elsewhere than its channel assigned it to: the channel's assignment is moved first, and the shipment waits for that."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from core.domain.events import AssignmentMoved
from core.domain.moving import Claim as Wants
from core.domain.moving import Move, moves
from core.domain.order import Order
from core.domain.places import PlaceMap
from core.domain.shipments import OPEN
from core.domain.tasks import Claim
from core.domain.who import Who
from core.errors import Refused, Unsupported
from core.flows.declined import Declined, asked
from core.hub import Hub
from core.ports import Routes
from core.store import audit, connections, places, shipments
from core.store.connections import Connection
from core.store.shipments import Facts, Shipment
from core.store.unit import Unit

MOVING, NOT_MOVED = "moving", "not_moved"
WAITS = (MOVING, NOT_MOVED)
UNMOVED = "the channel took it, and it is assigned as before"


def can(hub: Hub, channel: str) -> bool:
    """Whether a channel keeps which place sends what, and can be told another one."""
    connector = hub.connectors.get(channel)
    return connector is not None and connector.routes


def begin(hub: Hub, work: Unit, merchant: str, made: Mapping[str, Facts]) -> None:
    """New shipments, by their ids: those that leave from elsewhere than their channel thinks wait until it knows better. Where a buyer
    fetches something is not moved."""
    parts = {id: facts for id, facts in made.items() if facts.order.routing and not facts.order.is_pickup}
    asked = {id: facts for id, facts in parts.items() if can(hub, facts.order.channel)}
    maps = {id: _map(work, id) for id in sorted({facts.connection for facts in asked.values()})}
    asked = {id: facts for id, facts in asked.items() if maps[facts.connection].is_split}
    wants = _wants(work, merchant, asked.values(), maps)
    for id, facts in asked.items():
        if moves(wants[facts.id], facts.order.routing or (), [id]):
            shipments.set_problem(work.db, id, MOVING)
            work.ask(merchant, "move_assignments", id, facts.connection)


def _map(work: Unit, connection: str) -> PlaceMap:
    account = connections.get(work.db, connection)
    return places.map_of(work.db, connection, account.location if account else None)


def _wants(work: Unit, merchant: str, some: Iterable[Facts], maps: Mapping[str, PlaceMap]) -> dict[str, list[Wants]]:
    """By order, what its shipments hold that the channel counts as open, and from which places of the channel's."""
    of = {facts.id: facts.connection for facts in some}
    found: dict[str, list[Wants]] = {id: [] for id in of}
    for row in shipments.claims(work.db, merchant, of):
        ours = maps[of[row.order_id]].ours
        at = tuple(place for place, locations in ours.items() if row.location in locations)
        found[row.order_id].append(Wants(row.id, at, row.line, row.units))
    return found


# ---- moving it


@dataclass(frozen=True, slots=True)
class Moving:
    shipment: Shipment
    facts: Facts
    wants: Sequence[Wants]


def move_assignments(hub: Hub, claim: Claim) -> None:
    """Have a channel assign what a shipment holds to where it leaves from. The order is read before, so nothing is moved twice, and after:
    what is left is moved in the next run."""
    account = hub.connection(claim.connection)
    with hub.unit(claim, finish=False) as work:
        one = _begin(hub, work, claim.merchant, claim.subjects[0])
    if one is None:
        with hub.unit(claim):
            return
    said = asked(lambda: _move(hub, account, one))
    if isinstance(said, Declined):
        _stays(hub, claim, one, said)
    else:
        _told(hub, claim, one, said)


def _begin(hub: Hub, work: Unit, merchant: str, id: str) -> Moving | None:
    """None: it waits for this no more."""
    found = _locked(hub, work, merchant, id)
    if found is None or found[1].state not in OPEN or found[1].problem not in WAITS:
        return None
    facts, one = found
    wants = _wants(work, merchant, [facts], {facts.connection: _map(work, facts.connection)})
    return Moving(one, facts, wants[facts.id])


def _locked(hub: Hub, work: Unit, merchant: str, id: str) -> tuple[Facts, Shipment] | None:
    order = shipments.orders_of(work.db, merchant, [id]).get(id)
    if order is None:
        return None
    facts = shipments.facts(work.db, merchant, [order], hub.box(merchant))[order]
    return facts, shipments.find(work.db, merchant, [id])[id]


def _move(hub: Hub, account: Connection, one: Moving) -> bool:
    """At most one outside change. Gives whether something is left to move. Raises Refused where nothing came of it."""
    before = _todo(hub, account, one)
    if not before:
        return False
    channel = hub.channel(account)
    if not isinstance(channel, Routes):
        raise Unsupported("this channel has no way to be told from where an order is sent")
    channel.route(one.facts.channel_id, before[0].assignment, before[0].place, before[0].lines)
    after = _todo(hub, account, one)
    if after == before:
        raise Refused(UNMOVED)
    return bool(after)


def _todo(hub: Hub, account: Connection, one: Moving) -> list[Move]:
    """What must move as the channel has the order now."""
    order = _read(hub, account, one.facts.channel_id)
    return moves(one.wants, order.routing or (), [one.shipment.id])


def _read(hub: Hub, account: Connection, number: str) -> Order:
    body = hub.channel(account).fetch([number]).get(number)
    if body is None:
        raise Refused("the channel has no such order any more")
    return hub.connector(account).order(body, account.id)


# ---- what came of it


def _told(hub: Hub, claim: Claim, one: Moving, left: bool) -> None:
    merchant, facts = claim.merchant, one.facts
    with hub.unit(claim) as work:
        if not _waits(hub, work, merchant, one):
            return
        if left:
            work.ask(merchant, "move_assignments", one.shipment.id, facts.connection)
            return
        shipments.set_problem(work.db, one.shipment.id, None)
        work.happened(merchant, [(facts.ref, AssignmentMoved(one.shipment.name))])
        work.ask(merchant, "fetch_orders", facts.ref, facts.connection)


def _stays(hub: Hub, claim: Claim, one: Moving, said: Declined) -> None:
    """The shipment waits for a person, with the channel's words."""
    merchant, id = claim.merchant, one.shipment.id
    with hub.unit(claim) as work:
        if not _waits(hub, work, merchant, one):
            return
        claim.say(id, said.outcome)
        box = hub.box(merchant)
        shipments.set_problem(work.db, id, NOT_MOVED, box.seal_text(f"shipments|words|{id}", said.words.encode()))


def _waits(hub: Hub, work: Unit, merchant: str, one: Moving) -> bool:
    """It was not taken apart meanwhile, and nobody said that it leaves as it is."""
    found = _locked(hub, work, merchant, one.shipment.id)
    return found is not None and found[1].state in OPEN and found[1].problem in WAITS


# ---- what a person says of it


def again(hub: Hub, merchant: str, id: str, who: Who) -> None:
    """Ask the channel once more. Raises Refused where nothing of it waits for that."""
    _say(hub, merchant, id, who, "shipment.move", MOVING, WAITS)


def leave(hub: Hub, merchant: str, id: str, who: Who) -> None:
    """It leaves as it is, and its channel goes on thinking that it leaves from where it assigned it. Raises Refused."""
    _say(hub, merchant, id, who, "shipment.unmoved", None, (NOT_MOVED,))


def _say(hub: Hub, merchant: str, id: str, who: Who, act: str, problem: str | None, known: Collection[str]) -> None:
    with hub.unit() as work:
        found = _locked(hub, work, merchant, id)
        if found is None:
            raise Refused("there is no such shipment")
        facts, one = found
        if one.state not in OPEN or one.problem not in known:
            raise Refused("it does not wait for its channel")
        shipments.set_problem(work.db, id, problem)
        audit.write(work.db, merchant, work.now, who.id, who.name, act, id, shipment=one.name)
        work.ask(merchant, "move_assignments", id, facts.connection)  # what waits for a person is over: it finds nothing to do, or moves it
