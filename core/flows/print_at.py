"""Papers of shipments, printed at a station: each shipment's are on their own, so that they are forgotten with their buyer."""

from collections.abc import Sequence

from core.domain.shipping import LabelFormat, Paper
from core.domain.who import Who
from core.flows import print_queue, printing
from core.flows.print_queue import NoStation
from core.hub import Hub
from core.papers.language import ENGLISH, Language
from core.store import parcels, shipment_list

KINDS = {"labels": "label", "slips": "slip", "picks": "picks", "invoices": "invoice", "returns": "return"}
PAGES = {"slips": printing.slips, "invoices": printing.invoices, "returns": printing.return_slips}


def print_at(hub: Hub, merchant: str, station: str, what: str, ids: Sequence[str], who: Who, language: Language = ENGLISH) -> int:
    """Have `what` (a word of KINDS) of these shipments printed there, in this order; nothing is bought. Gives how many papers wait.
    Raises NothingToPrint, NoStation."""
    if what not in KINDS:
        raise NoStation("this printer does not take such papers")
    made = _made(hub, merchant, what, ids, language)
    return print_queue.send_all(hub, merchant, station, KINDS[what], [(id, paper) for id, papers in made for paper in papers], who)


def _made(hub: Hub, merchant: str, what: str, ids: Sequence[str], language: Language) -> list[tuple[str | None, Sequence[Paper]]]:
    """Everything is made before anything is sent. A pick list names no buyer, and is of all of them."""
    if what == "labels":
        return [(id, printing.labels(hub, merchant, [id])) for id in ids]
    if what == "picks":
        return [(None, [Paper("picks", LabelFormat.PDF, printing.pick_list(hub, merchant, ids, language=language))])]
    return [(id, [Paper(KINDS[what], LabelFormat.PDF, PAGES[what](hub, merchant, [id], language=language))]) for id in ids]


def print_kept(hub: Hub, merchant: str, station: str, shipment: str, paper: int, who: Who) -> int:
    """Have one kept paper of a shipment printed there; `paper` is its id. Raises NothingToPrint, NoStation."""
    with hub.database.read() as db:
        place = next((n for n, row in enumerate(shipment_list.papers(db, merchant, shipment)) if row.id == paper), None)
        kept = parcels.papers(db, merchant, [shipment], hub.box(merchant)).get(shipment, [])
    if place is None:
        raise printing.NothingToPrint("there is nothing to print")
    one = kept[place][1]
    return print_queue.send(hub, merchant, station, "label" if one.kind == "label" else "form", [one], who, shipment)
