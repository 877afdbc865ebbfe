"""Papers of shipments, printed at a station: each shipment's are on their own, so that they are forgotten with their buyer."""

from collections.abc import Sequence

from core.domain.shipping import LabelFormat, Paper
from core.domain.who import Who
from core.flows import print_queue, printing
from core.flows.print_queue import NoStation
from core.hub import Hub
from core.papers.language import ENGLISH, Language

KINDS = {"labels": "label", "slips": "slip", "picks": "picks"}


def print_at(hub: Hub, merchant: str, station: str, what: str, ids: Sequence[str], who: Who, language: Language = ENGLISH) -> int:
    """Have `what` (labels, slips, picks) of these shipments printed there, in this order; nothing is bought. Gives how many papers wait.
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
    return [(id, [Paper("slip", LabelFormat.PDF, printing.slips(hub, merchant, [id], language=language))]) for id in ids]
