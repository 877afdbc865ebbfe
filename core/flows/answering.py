"""What those who send for us say: they take a request, refuse it or some of it, and tell of parcels that left. Each thing counts once,
however often and in whatever order it is said. What left is a fact: it is taken as sent even where it was about to be stopped."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.domain.events import RequestMoved
from core.domain.requests import LIVE, Heard, RequestState, Share, TheirParcel, on_accepted, on_refused, on_sent, standing
from core.domain.shipments import OPEN, Load
from core.domain.who import Who
from core.errors import Refused, Unsupported
from core.flows import releasing, sending
from core.flows.sending import Typed
from core.hub import Hub
from core.store import audit, connections, parcels, requests, shipments
from core.store.requests import Asked
from core.store.shipments import Facts, Shipment
from core.store.unit import Unit

LATER_US = 72 * 3_600_000_000  # in which what was accepted should leave


class Over(Refused):
    """It is over: what is said now changes nothing of it."""


@dataclass(frozen=True, slots=True)
class Case:
    """A request with all that is locked for it."""

    facts: Facts
    shipment: Shipment
    asked: Asked
    shares: Mapping[str, Share]


def open_case(hub: Hub, work: Unit, merchant: str, id: str) -> Case:
    """A request, locked with its order and shipment. Raises Unsupported where there is none."""
    seen = requests.find(work.db, merchant, id)
    if seen is None:
        raise Unsupported("there is no such request")
    facts = shipments.facts(work.db, merchant, [seen.order_id], hub.box(merchant))[seen.order_id]
    shipment = shipments.find(work.db, merchant, [seen.shipment])[seen.shipment]
    asked = requests.find(work.db, merchant, id) or seen
    return Case(facts, shipment, asked, requests.shares(work.db, merchant, id))


# ---- they take it


def accept(hub: Hub, work: Unit, merchant: str, id: str, who: Who, *, number: str = "") -> None:
    """They will send it; `number` is their own of it. Raises Over, Unsupported."""
    case = open_case(hub, work, merchant, id)
    heard = on_accepted(case.asked.state)
    if heard is Heard.LATE:
        raise Over("it is wanted no more")
    requests.say(work.db, id, hub.box(merchant), number=number)
    if heard is Heard.NEW:
        requests.become(work.db, id, RequestState.ACCEPTED, work.now, due=work.now + LATER_US, answered=work.now)
        _said(work, merchant, case, RequestState.ACCEPTED, who, "request.accept")


def _said(work: Unit, merchant: str, case: Case, state: RequestState, who: Who, act: str, **body: Any) -> None:
    """Told to programs and the trail; whoever waits for an answer looks again."""
    note(work, merchant, case, state.value)
    work.ask(merchant, "ask_parties", case.asked.id, case.asked.connection or "")
    audit.write(work.db, merchant, work.now, who.id, who.name, act, case.shipment.id, shipment=case.shipment.name, **body)


def note(work: Unit, merchant: str, case: Case, state: str) -> None:
    """A word of core/domain/requests.py in the order's story."""
    name = next((site.name for site in shipments.all_sites(work.db, merchant) if site.id == case.asked.location), "")
    work.happened(merchant, [(case.facts.ref, RequestMoved(case.shipment.name, name, state))])


# ---- they refuse


def refuse(hub: Hub, work: Unit, merchant: str, id: str, who: Who, words: str = "", units: Mapping[str, int] | None = None) -> None:
    """They will not send it, or so many `units` by line of it: their location is left out for these lines, and the order is routed anew.
    Raises Over, Unsupported, and Refused for units that nobody waits for."""
    case = open_case(hub, work, merchant, id)
    heard = on_refused(case.asked.state)
    if heard is Heard.LATE:
        raise Over("all of it was sent")
    if heard is Heard.KNOWN:
        return
    gone = _open_units(case, units)
    requests.say(work.db, id, hub.box(merchant), words=words)
    requests.count(work.db, id, sent={}, refused=gone)
    _take_out(work, merchant, case, gone, "refused")
    state = _settle(work, merchant, case, answered=True)
    _said(work, merchant, case, state, who, "request.refuse", units=sum(gone.values()))
    work.ask(merchant, "release_orders", merchant)


def _open_units(case: Case, units: Mapping[str, int] | None) -> dict[str, int]:
    """Of these lines what is open; all that is, where nobody named any."""
    if units is None:
        return {line: one.open for line, one in case.shares.items() if one.open}
    if any(line not in case.shares or not 0 <= many <= case.shares[line].open for line, many in units.items()):
        raise Refused("that is more than is open of it")
    return {line: many for line, many in units.items() if many}


def _take_out(work: Unit, merchant: str, case: Case, units: Mapping[str, int], why: str) -> None:
    """These units are in the shipment no more, and wait to be released; a shipment of which nothing is left ends."""
    loads = shipments.loads(work.db, merchant, [case.shipment.id]).get(case.shipment.id, [])
    if case.shipment.state not in OPEN:
        return
    if not any(load.units > units.get(load.line, 0) for load in loads):
        releasing.cancel(work, merchant, [case.shipment], why)
        return
    shipments.move(work.db, [(case.shipment.order_id, line, -many, 0) for line, many in units.items()])
    shipments.lessen(work.db, case.shipment.id, units)


def _settle(work: Unit, merchant: str, case: Case, *, answered: bool) -> RequestState:
    """How it stands by its lines. Gives its state."""
    state = standing(case.asked.state, requests.shares(work.db, merchant, case.asked.id).values())
    due = case.asked.due_at if state in LIVE else None
    if state is RequestState.ACCEPTED and case.asked.state is not state:
        due = work.now + LATER_US
    requests.become(work.db, case.asked.id, state, work.now, due=due, answered=work.now if answered else None)
    return state


# ---- they sent some of it


def sent(hub: Hub, work: Unit, merchant: str, id: str, one: TheirParcel, who: Who) -> bool:
    """A parcel of theirs left. False where it was told before. Raises Unsupported, and Refused for units that nobody asked them for, or for
    a parcel by which nothing tells it from another."""
    case, said = open_case(hub, work, merchant, id), name_of(one)
    _check(case, one)
    if requests.is_told(work.db, id, said):
        return False
    _check_open(case, one)
    doc = {"units": dict(one.units), "carrier": one.carrier_name, "tracking": one.tracking}
    if on_sent(case.asked.state) is Heard.LATE:
        _anyway(work, merchant, case, said, doc, who)
        return True
    shipment = _leaves(hub, work, merchant, case, one, who)
    if case.asked.state is RequestState.WITHDRAWING:
        shipments.set_problem(work.db, shipment, "sent_anyway")
    requests.told(work.db, merchant, id, said, shipment, doc, work.now)
    requests.count(work.db, id, sent=one.units, refused={})
    state = _settle(work, merchant, case, answered=True)
    _said(work, merchant, case, state, who, "request.sent", units=sum(one.units.values()))
    return True


def name_of(one: TheirParcel) -> str:
    """By what a parcel is known again: their number of it, else its carrier and tracking number."""
    return f"number {one.number}" if one.number else f"{one.carrier_name.casefold()} {one.tracking}".strip()


def _check(case: Case, one: TheirParcel) -> None:
    if not (one.number or one.tracking):
        raise Refused("a parcel needs a tracking number, or a number of your own")
    if not one.units or any(line not in case.shares or many < 1 for line, many in one.units.items()):
        raise Refused("nobody asked for that")


def _check_open(case: Case, one: TheirParcel) -> None:
    """What nobody waits for any more may be all that was asked for."""
    over = case.asked.state not in LIVE
    if any(many > (case.shares[line].units if over else case.shares[line].open) for line, many in one.units.items()):
        raise TooMany("that is more than is open of it")


class TooMany(Refused):
    """More than is open of a line."""


def _anyway(work: Unit, merchant: str, case: Case, said: str, doc: Mapping[str, Any], who: Who) -> None:
    """Nobody waits for it any more: it is flagged, and no stock of ours is moved for it."""
    requests.told(work.db, merchant, case.asked.id, said, None, doc, work.now)
    shipments.set_problem(work.db, case.shipment.id, "sent_anyway")
    note(work, merchant, case, "anyway")
    work.ask(merchant, "ask_parties", case.asked.id, case.asked.connection or "")
    audit.write(work.db, merchant, work.now, who.id, who.name, "request.anyway", case.shipment.id, shipment=case.shipment.name)


def _leaves(hub: Hub, work: Unit, merchant: str, case: Case, one: TheirParcel, who: Who) -> str:
    """The shipment that leaves: the request's own where nothing else of it is open, else one of these units alone. Gives its id."""
    rest = {line: share.open - one.units.get(line, 0) for line, share in case.shares.items()}
    leaves = case.shipment if not any(rest.values()) else _part(hub, work, merchant, case, one.units)
    boxes = parcels.of_shipments(work.db, merchant, [leaves.id])[leaves.id]
    typed = sending.typed_of(Typed(one.carrier_name, one.tracking, url=one.url))
    parcels.set_labels(work.db, [{"id": box.id, **typed} for box in boxes])
    sending.leave(hub, work, merchant, case.facts, leaves, boxes, who)
    return leaves.id


def _part(hub: Hub, work: Unit, merchant: str, case: Case, units: Mapping[str, int]) -> Shipment:
    """These units as a shipment of their own."""
    whole, id = case.shipment, hub.ids()
    known = {load.line: load for load in shipments.loads(work.db, merchant, [whole.id]).get(whole.id, [])}
    loads = [(id, Load(line, known[line].title, many, known[line].parts)) for line, many in units.items()]
    number = shipments.last_numbers(work.db, [whole.order_id])[whole.order_id] + 1
    name = f"S{connections.count_up(work.db, merchant, releasing.COUNTER, 1)}"
    head = {"id": id, "order_id": whole.order_id, "number": number, "name": name, "location": whole.location, "ship_by": whole.ship_by,
            "person": whole.person, "way": whole.way}  # fmt: skip
    parcel = {"id": hub.ids(), "shipment": id, "number": 1, "token": releasing.token(), "weight_g": 0}
    shipments.add(work.db, merchant, [head], loads, [parcel], work.now)
    shipments.lessen(work.db, whole.id, units)
    return shipments.find(work.db, merchant, [id])[id]


# ---- they stopped


def stopped(hub: Hub, work: Unit, merchant: str, id: str, who: Who) -> None:
    """They send nothing more of what was withdrawn. Raises Unsupported."""
    case = open_case(hub, work, merchant, id)
    if case.asked.state is RequestState.WITHDRAWING:
        withdrawn(work, merchant, case)
        _said(work, merchant, case, RequestState.WITHDRAWN, who, "request.stopped")


def withdrawn(work: Unit, merchant: str, case: Case) -> None:
    """It is over: what of it did not leave waits to be released again, where it is still wanted."""
    requests.become(work.db, case.asked.id, RequestState.WITHDRAWN, work.now)
    if case.shipment.state in OPEN:
        releasing.cancel(work, merchant, [case.shipment], "withdrawn")
    work.ask(merchant, "release_orders", merchant)


def report(hub: Hub, work: Unit, merchant: str, id: str, some: Sequence[TheirParcel], who: Who) -> int:
    """Several parcels at once. Gives how many of them were new. Raises as `sent`: then none of them may be kept."""
    return sum(sent(hub, work, merchant, id, one, who) for one in some)
