"""What is printed for shipments: packing slips, the list by which they are picked, and their labels, in the order that was asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from core.domain.bill import of_shipment
from core.domain.order import Address
from core.domain.packing import REASONS, Bill, Handed, HandedParcel, Packed, PickList, Sheet, Shop, Slip, Tote, Wanted, picks
from core.domain.shipments import Load
from core.domain.shipping import LabelFormat, Paper
from core.errors import Refused
from core.hub import Hub
from core.papers.bills import invoices as draw_invoices
from core.papers.bills import return_slips as draw_returns
from core.papers.handed import handed_over
from core.papers.language import ENGLISH, Language
from core.papers.merging import UnreadablePaper, merged
from core.papers.picks import pick_lists
from core.papers.slips import packing_slips
from core.store import cards, connections, handovers, parcels, shipments
from core.store.shipments import Facts, Shipment, Site

AT_MOST = 1000
NOWHERE = Address()


class NothingToPrint(Refused):
    """None of these has such papers, or not any more."""


def slips(hub: Hub, merchant: str, ids: Sequence[str], sheet: Sheet = Sheet.A4, language: Language = ENGLISH) -> bytes:
    """A packing slip of each of these shipments, as one PDF. Raises NothingToPrint."""
    view = _view(hub, merchant, ids)
    if not view.here:
        raise NothingToPrint("there is nothing to print")
    return packing_slips([_slip(view, one) for one in view.here], sheet, language)


def invoices(hub: Hub, merchant: str, ids: Sequence[str], sheet: Sheet = Sheet.A4, language: Language = ENGLISH) -> bytes:
    """An invoice of each of these shipments, as one PDF: all invoices of an order together are its total. What goes once more has none.
    Raises NothingToPrint."""
    return draw_invoices(_bills(hub, merchant, ids), sheet, language)


def return_slips(hub: Hub, merchant: str, ids: Sequence[str], sheet: Sheet = Sheet.A4, language: Language = ENGLISH) -> bytes:
    """For the buyer of each of these shipments a paper to fill in for what comes back, as one PDF. Raises NothingToPrint."""
    return draw_returns(_bills(hub, merchant, ids), [language.say(key) for key in REASONS], sheet, language)


def _bills(hub: Hub, merchant: str, ids: Sequence[str]) -> list[Bill]:
    view = _view(hub, merchant, ids)
    here = [one for one in view.here if not one.again and view.facts[one.order_id].person is not None]
    if not here:
        raise NothingToPrint("there is nothing to print")
    with hub.database.read() as db:
        earlier = shipments.earlier(db, merchant, [one.id for one in here])
    return [_bill(view, one, earlier.get(one.id)) for one in here]


def _bill(view: "_View", one: Shipment, before: Mapping[str, int] | None) -> Bill:
    facts = view.facts[one.order_id]
    units = {load.line: load.units for load in view.loads.get(one.id, ())}
    order = replace(facts.order, person=facts.person)
    return of_shipment(order, _slip(view, one), units, before or {}, leads=before is None)


def pick_list(hub: Hub, merchant: str, ids: Sequence[str], sheet: Sheet = Sheet.A4, language: Language = ENGLISH) -> bytes:
    """By which walk these shipments are picked: a list for each location, in the order of its bins, each shipment into its own tote
    (by the tote's name where one is bound, else by the shipment's), as one PDF. Raises NothingToPrint."""
    view = _view(hub, merchant, ids)
    places = dict.fromkeys(one.location for one in view.here)
    if not places:
        raise NothingToPrint("there is nothing to print")
    return pick_lists([_pick_list(view, place) for place in places], sheet, language)


def labels(hub: Hub, merchant: str, ids: Sequence[str], sheet: Sheet = Sheet.LABEL) -> tuple[Paper, ...]:
    """The live labels and forms of these shipments: one PDF, one ZPL, or both. A reprint buys nothing. Raises NothingToPrint."""
    box = hub.box(merchant)
    with hub.database.read() as db:
        papers = parcels.papers(db, merchant, list(ids)[:AT_MOST], box)
        live = parcels.live_of(db, merchant, ids)
    wanted = [paper for id in ids for key, paper in papers.get(id, ()) if key is None or key in live]
    if not wanted:
        raise NothingToPrint("none of these has a label, or not any more")
    try:
        return merged(wanted, sheet)
    except UnreadablePaper as error:
        raise NothingToPrint(f"{error}: print it alone, as its carrier made it") from None


def handed(hub: Hub, merchant: str, id: str, sheet: Sheet = Sheet.A4, language: Language = ENGLISH) -> tuple[Paper, ...]:
    """What was handed over at the end of a day: the carrier's own papers, and the list for the driver to sign. Raises NothingToPrint."""
    box = hub.box(merchant)
    with hub.database.read() as db:
        one, rows = handovers.seen(db, merchant, id), handovers.inside(db, merchant, id)
        theirs = [paper for _, paper in parcels.papers(db, merchant, [id], box).get(id, [])]
    if one is None or not rows:
        raise NothingToPrint("there is nothing to print")
    told = tuple(HandedParcel(row.tracking or "", row.name, row.order_name, row.service or "", row.weight_g) for row in rows)
    carrier = hub.connectors[one.channel].label if one.channel in hub.connectors else one.channel or ""
    listed = handed_over(Handed(carrier, one.location_name or "", one.day, told, one.number or ""), sheet, language)
    return (*theirs, Paper("list", LabelFormat.PDF, listed))


class _View:
    """What is known of some shipments, read at once."""

    def __init__(
        self, shop: str, here: Sequence[Shipment], facts: Mapping[str, Facts], loads: Mapping[str, list[Load]], sites: Mapping[str, Site],
        bins: Mapping[tuple[str, str], str],
    ) -> None:  # fmt: skip
        self.shop, self.here, self.facts, self.loads, self.sites, self.bins = shop, here, facts, loads, sites, bins


def _view(hub: Hub, merchant: str, ids: Sequence[str]) -> _View:
    wanted, box = list(ids)[:AT_MOST], hub.box(merchant)
    with hub.database.read() as db:
        found = shipments.found(db, merchant, wanted)
        here = [found[id] for id in wanted if id in found]
        facts = shipments.seen(db, merchant, [one.order_id for one in here], box)
        loads = shipments.loads(db, merchant, found)
        bins = cards.bins(db, merchant, {sku for some in loads.values() for load in some for sku in load.parts})
        shop = connections.merchant(db, merchant)
        sites = {site.id: site for site in shipments.all_sites(db, merchant)}
    return _View(shop.name if shop else "", [one for one in here if one.order_id in facts], facts, loads, sites, bins)


def _slip(view: _View, one: Shipment) -> Slip:
    facts, site = view.facts[one.order_id], view.sites.get(one.location)
    lines, person = {line.id: line for line in facts.order.lines}, facts.person
    packed = tuple(
        Packed(
            lines[load.line].sku or "" if load.line in lines else "", load.title, load.units,
            lines[load.line].ordered if load.line in lines else load.units, _bin(view, load, one.location),
        )
        for load in view.loads.get(one.id, ())
    )  # fmt: skip
    inside = {load.line: load.units for load in view.loads.get(one.id, ())}
    return Slip(
        shop=Shop(view.shop, address=site.address if site else None), shipment=one.name, order=facts.name,
        to=(person.final_ship_to or person.ship_to or NOWHERE) if person else NOWHERE, lines=packed,
        placed_on=facts.order.placed_at.date(), service=one.service or "", gift_message=person.gift_message if person else "",
        more=any(line.open > inside.get(line.id, 0) for line in facts.order.lines if line.requires_shipping),
    )  # fmt: skip


def _bin(view: _View, load: Load, location: str) -> str:
    return ", ".join(dict.fromkeys(view.bins[sku, location] for sku in load.parts if (sku, location) in view.bins))


def _pick_list(view: _View, place: str) -> PickList:
    here = [one for one in view.here if one.location == place]
    wanted = [
        Wanted(sku, load.title, each * load.units, view.bins.get((sku, place), ""), one.tote or one.name)
        for one in here
        for load in view.loads.get(one.id, ())
        for sku, each in load.parts.items()
    ]
    totes = tuple(Tote(one.tote or one.name, view.facts[one.order_id].name) for one in here)
    name = here[0].name if len(here) == 1 else f"{here[0].name} - {here[-1].name}"
    return PickList(name, view.sites[place].name if place in view.sites else "", picks(wanted), totes)
