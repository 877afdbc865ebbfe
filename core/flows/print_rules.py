"""What is bought and printed by a merchant's rules: once a shipment is made, and once its label is bought. Each of it once, whatever
happens on the way; what a rule asks and cannot be done is left to a person."""

import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection as Db

from core.domain import print_rules as domain
from core.domain.print_rules import BEST, PrintRule, PrintRules, Told
from core.domain.printing import TAKES, Station, station_for
from core.domain.shipments import OPEN, PARCEL, REQUEST, State
from core.domain.shipping import LabelFormat, Paper
from core.domain.tasks import Claim
from core.domain.who import HUB, Who
from core.errors import Refused
from core.flows import labelling, packing, print_queue, rating
from core.flows.labelling import NotThen, Stopped
from core.flows.print_queue import NoStation
from core.hub import Hub
from core.store import audit, connections, parcels, printers, shipment_list, shipments, unreleased
from core.store import print_rules as store
from core.store.shipments import Facts, Shipment
from core.store.unit import Unit

MINE = uuid.UUID("6f0b3c1e-6a3f-5d0e-9a52-1f6f4c3b7a10")  # papers that a rule has printed are named by what they are: each is there once
NEWEST = 50
LABEL = " label"  # after a shipment's name: its label is bought

# ---- the rules


def change(hub: Hub, merchant: str, who: Who, make: Callable[[PrintRules], PrintRules]) -> PrintRules:
    """What `make` makes of the merchant's rules; orders that are released from now on follow them. Raises Refused for what cannot be
    meant."""
    with hub.unit() as work:
        was = store.rules(work.db, merchant)
        now = make(was)
        if why := domain.wrong(now.rules, *_offered(hub, work.db, merchant)):
            raise Refused(why)
        store.set_rules(work.db, merchant, now)
        audit.write(work.db, merchant, work.now, who.id, who.name, "printer.rules", merchant, rules=len(now.rules), before=len(was.rules))
    return now


def set_rules(hub: Hub, merchant: str, who: Who, rules: Sequence[PrintRule]) -> PrintRules:
    """These in place of those there were. Raises Refused."""
    return change(hub, merchant, who, lambda was: domain.changed(was, rules))


def undo(hub: Hub, merchant: str, who: Who) -> PrintRules:
    """As before the last change. Raises Refused where there is nothing to take back."""

    def back(was: PrintRules) -> PrintRules:
        found = domain.undone(was)
        if found is None:
            raise Refused("there is nothing to take back")
        return found

    return change(hub, merchant, who, back)


def _offered(hub: Hub, db: Db, merchant: str) -> tuple[set[str], set[str], set[str]]:
    """Stations that print labels, those that print pages, and what may be bought."""
    known = printers.stations(db, merchant)
    offers = packing.offered(hub, merchant, connections.all_of(db, merchant, connections.CARRIER))
    buys = {f"{account.id}/{code}" for account, connector in offers for code in connector.services}
    return {one.id for one in known}, {one.id for one in known if TAKES[one.way] == "pdf"}, buys


# ---- what they ask


def _told(facts: Facts, tags: Collection[str]) -> Told:
    order, person = facts.order, facts.person
    to = person.final_ship_to or person.ship_to if person else None
    return Told(order.programs, (facts.connection, order.channel), order.service, to.country if to else "", {*order.tags, *tags})


def decide(db: Db, hub: Hub, merchant: str, orders: Iterable[str]) -> dict[str, tuple[Facts, PrintRule | None]]:
    """By our ids of orders, which rule counts for each."""
    known, rules = shipments.seen(db, merchant, orders, hub.box(merchant)), store.rules(db, merchant).rules
    tags = store.tags(db, merchant, known) if any(one.tag for one in rules) else {}
    return {id: (one, domain.first(rules, _told(one, tags.get(id, ())))) for id, one in known.items()}


@dataclass(frozen=True, slots=True)
class Trial:
    """An order that waits, or whose shipment does, and the number of the rule that counts for it (0: none)."""

    order: str
    name: str
    shipment: str
    number: int


def try_out(hub: Hub, merchant: str, rules: Sequence[PrintRule]) -> list[Trial]:
    """What these rules would do with what is to be packed now and with the newest orders that wait. Nothing is done."""
    with hub.database.read() as db:
        made = {row.order_id: row.name for row in shipment_list.page(db, merchant, "released", "", None, NEWEST)}
        waits = unreleased.newest(db, merchant, NEWEST)
        known = shipments.seen(db, merchant, {*made, *waits}, hub.box(merchant))
        tags = store.tags(db, merchant, known)
    numbers = {id: _number(rules, _told(one, tags.get(id, ()))) for id, one in known.items()}
    return [Trial(id, known[id].name, made.get(id, ""), numbers[id]) for id in dict.fromkeys([*made, *waits]) if id in known]


def _number(rules: Sequence[PrintRule], told: Told) -> int:
    return next((n for n, one in enumerate(rules, 1) if domain.fits(one, told)), 0)


# ---- doing it


@dataclass(frozen=True, slots=True)
class Job:
    """A paper for a station; `id` is the same each time that it is thought of."""

    id: str
    station: Station
    kind: str
    paper: Paper


def follow(hub: Hub, claim: Claim) -> None:
    """Do what the merchant's rules ask of a shipment that was just made, or of its label. Raises Refused where a station is gone, or does
    not print what it is asked to: then nothing of it is done, until somebody mends the rule."""
    merchant, name, of_label = claim.merchant, claim.subjects[0].removesuffix(LABEL), claim.subjects[0].endswith(LABEL)
    one, rule = _looked_up(hub, merchant, name, (*OPEN, State.SENT) if of_label else OPEN)
    jobs = _labels(hub, merchant, one, rule) if one and of_label else _slips(hub, merchant, one, rule) if one else []
    with hub.unit(claim) as work:
        if one and rule and not of_label:
            _buy(hub, work, merchant, one, rule)
        for nth, job in enumerate(jobs):
            print_queue.once(work, merchant, job.id, job.station, job.kind, job.paper, hub.box(merchant), one.id if one else "", nth)


def _looked_up(hub: Hub, merchant: str, name: str, states: Collection[State]) -> tuple[Shipment | None, PrintRule | None]:
    """A shipment in one of these states that we send, and its order's rule. What counts as sent with its label needs that label still."""
    with hub.database.read() as db:
        id = shipments.by_name(db, merchant, name) or ""
        one = shipments.found(db, merchant, [id]).get(id)
        if one is None or one.state not in states or one.way == REQUEST:
            return None, None
        return one, decide(db, hub, merchant, [one.order_id]).get(one.order_id, (None, None))[1]


def _stations(hub: Hub, merchant: str) -> dict[str, Station]:
    with hub.database.read() as db:
        return {one.id: one for one in printers.stations(db, merchant)}


def _station(known: Mapping[str, Station], id: str, form: str) -> Station:
    if id not in known:
        raise NoStation("a rule prints at a station that is there no more")
    if TAKES[known[id].way] != form:
        raise NoStation("a rule prints at a station that does not take such papers")
    return known[id]


def _slips(hub: Hub, merchant: str, one: Shipment, rule: PrintRule | None) -> list[Job]:
    """Its packing slip, drawn anew; none where it was printed so before."""
    if rule is None:
        return []
    known, id = _stations(hub, merchant), str(uuid.uuid5(MINE, f"{one.id}/slip"))
    if rule.label and rule.label not in known:
        raise NoStation("a rule prints at a station that is there no more")
    if not rule.slip:
        return []
    station = _station(known, rule.slip, "pdf")
    from core.flows import printing  # fonts and all that draws are loaded when something is printed

    return [Job(id, station, "slip", Paper("slip", LabelFormat.PDF, printing.slips(hub, merchant, [one.id])))]


def _labels(hub: Hub, merchant: str, one: Shipment, rule: PrintRule | None) -> list[Job]:
    """The live papers of its label: that where the rule says, or all where those of its location are printed by themselves."""
    with hub.database.read() as db:
        kept, live = parcels.papers(db, merchant, [one.id], hub.box(merchant)), parcels.live_of(db, merchant, [one.id])
    known, at = _stations(hub, merchant), rule.label if rule else ""
    found = []
    for nth, (key, paper) in enumerate((key, paper) for key, paper in kept.get(one.id, ()) if key is not None and key in live):
        kind = "label" if paper.kind == "label" else "form"
        shown = _page(paper) if at and kind == "label" and paper.format is LabelFormat.PNG else paper
        by_itself = station_for(known.values(), kind, shown.format.value, one.location)
        station = _station(known, at, shown.format.value) if at and kind == "label" else by_itself
        if station:
            found.append(Job(str(uuid.uuid5(MINE, f"{key}/{nth}/{kind}")), station, kind, shown))
    return found


def _page(paper: Paper) -> Paper:
    from core.domain.packing import Sheet
    from core.papers.merging import merged  # as above

    return merged([paper], Sheet.LABEL)[0]


def _buy(hub: Hub, work: Unit, merchant: str, one: Shipment, rule: PrintRule) -> None:
    """Nothing where anything was ever asked for it: whoever gave a label back had a reason."""
    if not rule.buy or one.way != PARCEL or one.state is State.LABELLED or shipment_list.purchases(work.db, merchant, one.id):
        return
    connection, _, service = rule.buy.partition("/")
    try:
        if rule.buy == BEST:
            rating.ask_in(hub, work, merchant, [one.id], HUB, buy=True)
        else:
            labelling.want_in(hub, work, merchant, one.id, connection, service, HUB)
    except (Stopped, NotThen):
        return
    except Refused as error:
        words = hub.box(merchant).seal_text(f"shipments|words|{one.id}", str(error).encode())
        shipments.set_problem(work.db, one.id, "lacks", words)
