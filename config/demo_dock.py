"""The dock of the rehearsal: what was sold is labelled at the simulated carriers, handed over, told to its channels and followed to the
door; then each carrier's and channel's own log says whether that happened once."""

import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from config.printers_simulated import Tray, label_printer, office_printer
from core.domain.printing import BY_ITSELF
from core.domain.shipments import OPEN, State
from core.domain.shipping import LabelFormat
from core.domain.telling import Kind, Telling
from core.domain.who import COMMAND_LINE
from core.flows import labelling, print_queue, rating, sending, sites, telling
from core.hub import Hub
from core.store import connections, parcels
from core.store import printers as stations
from core.store.connections import Connection
from core.store.sql import run as sql

if TYPE_CHECKING:
    from config.demo import Stage

ADDRESS = {
    "company": "North Sea Trading", "street1": "120 Harbor Way", "city": "Portland", "region": "ME", "postcode": "04101", "country": "US",
    "phone": "+12075550133", "email": "dock@north.example",
}  # fmt: skip
AT_MOST = 24  # shipments that are labelled, so that a rehearsal stays short
PATIENCE_S = 90.0
SIZE, BOX_G = (300, 200, 150), 120
ROAD = ("pick_up", "travel", "bring", "deliver")
TOWNS = (("Portland", "US"), ("Boston", "US"), ("Austin", "US"), ("Austin", "US"))


CARD = """
update skus set weight_g = coalesce(weight_g, :weight), hs_code = coalesce(hs_code, '691200'), origin = coalesce(origin, 'PT')
where merchant = :merchant and sku = :sku
"""


def furnish(hub: Hub, merchant: str, place: str, skus: Sequence[str]) -> None:
    """The shelves are at a place that sends, and everything has a weight and what customs ask."""
    sites.set_site(hub, merchant, place, COMMAND_LINE, ships=True, address=ADDRESS, zone="America/New_York")
    with hub.unit() as work:
        for n, sku in enumerate(skus):
            sql(work.db, CARD, merchant=merchant, sku=sku, weight=300 + 70 * (n % 9))


STATIONS = {"Label printer": "zpl", "Office printer": "ipp"}


@contextmanager
def printers(hub: Hub, merchant: str, folder: Path) -> Iterator[dict[str, Tray]]:
    """A printer of each way on this machine, as long as this lasts: labels and customs papers come out as files in `folder`."""
    with label_printer(folder / "printed") as labels, office_printer(folder / "printed") as pages:
        trays = dict(zip(STATIONS, (labels, pages), strict=True))
        with hub.database.read() as db:
            known = [one.id for one in stations.stations(db, merchant) if one.name in STATIONS]
        for id in known:  # of a run before: its ports are others' by now
            print_queue.remove(hub, merchant, id, COMMAND_LINE)
        for name, way in STATIONS.items():
            print_queue.add(hub, merchant, name, way, trays[name].address, COMMAND_LINE, kinds=BY_ITSELF)
        yield trays


def play(stage: "Stage", carriers: Mapping[str, Connection]) -> dict[str, Any]:
    """Label, hand over, tell and follow some of what was released. Gives what came of it, by the carriers' and channels' own logs."""
    hub, merchant = stage.hub, stage.merchant.id
    chosen = _chosen(stage)
    sellers = {**carriers, **{name: one for name, one in stage.by_channel.items() if hub.connectors[name].carrier}}
    before, known = _printed(stage), _numbers(stage, sellers)
    rating.ask(hub, merchant, chosen[::2], COMMAND_LINE, buy=True)
    _take_turns(stage, carriers, chosen[1::2])
    _until(lambda: not _waiting(stage, chosen, (State.RELEASED, State.PACKED)))
    labelled = _in(stage, chosen, (State.LABELLED,))
    _write_to_buyers(hub, merchant)
    stays = sending.send(hub, merchant, labelled, COMMAND_LINE)
    _until(lambda: not _untold(stage))
    _drive(stage, sellers, known)
    _until(lambda: not _unprinted(stage), once=True)
    return _report(stage, sellers, chosen, stays) | {"printed": _printed(stage) - before}


def _printed(stage: "Stage") -> int:
    """What came out of the printers, by their own trays."""
    return sum(len(tray.printed) for tray in stage.printers.values())


UNPRINTED = "select count(*) from print_jobs where merchant = :merchant and state = 'waiting'"


def _unprinted(stage: "Stage") -> bool:
    with stage.hub.database.read() as db:
        return bool(sql(db, UNPRINTED, merchant=stage.merchant.id).scalar_one())


def _write_to_buyers(hub: Hub, merchant: str) -> None:
    """Buyers of the shop's own get letters: in a rehearsal they lie in the home's folder mail."""
    with hub.database.read() as db:
        own = [one.id for one in connections.all_of(db, merchant) if one.channel == "shopify"]
    choice = Telling(dict.fromkeys(own, frozenset(Kind)), ADDRESS["email"])
    telling.choose(hub, merchant, choice, COMMAND_LINE)


def _take_turns(stage: "Stage", carriers: Mapping[str, Connection], some: Sequence[str]) -> None:
    """Each carrier gets some to carry, whoever is the cheapest: its cheapest service that goes there."""
    hub, merchant, ids = stage.hub, stage.merchant.id, [one.id for one in carriers.values()]
    rating.ask(hub, merchant, some, COMMAND_LINE)
    _until(lambda: all(_have_said(_asked(stage, id), set(ids)) for id in some), once=True)
    for n, id in enumerate(some):
        offers = [one.offer for one in _quotes(stage, id) if one.offer]
        turn = {account: (place - n) % len(ids) for place, account in enumerate(ids)}
        if offers:
            taken = min(offers, key=lambda one: (turn.get(one.connection, len(ids)), one.quote.price.minor))
            labelling.want(hub, merchant, id, taken.connection, taken.quote.service, COMMAND_LINE, label=_zpl(stage, taken.connection))


def _zpl(stage: "Stage", account: str) -> LabelFormat | None:
    """For the label printer, where a carrier draws such labels; a channel's own are as it offered them."""
    connector = stage.hub.connector(stage.hub.connection(account))
    draws = "channel" not in connector.roles and LabelFormat.ZPL in connector.carries.formats
    return LabelFormat.ZPL if draws else None


def _have_said(asked: set[str], carriers: set[str]) -> bool:
    """All carriers have, or a channel whose order takes no label but its own."""
    return carriers <= asked or bool(asked and not asked & carriers)


def _quotes(stage: "Stage", id: str) -> list[parcels.Quoted]:
    with stage.hub.database.read() as db:
        return parcels.quotes(db, stage.merchant.id, id, stage.hub.box(stage.merchant.id))


def _asked(stage: "Stage", id: str) -> set[str]:
    return {one.connection for one in _quotes(stage, id)}


def _chosen(stage: "Stage") -> list[str]:
    _until(lambda: bool(_page(stage)), once=True)
    by_channel: dict[str, list[str]] = {}
    for row in _page(stage):
        by_channel.setdefault(row.connection, []).append(row.id)
    found = [id for some in by_channel.values() for id in some[: AT_MOST // len(by_channel)]]
    with stage.hub.unit() as work:
        for some in parcels.of_shipments(work.db, stage.merchant.id, found).values():
            for one in some:
                parcels.set_size(work.db, one.id, one.weight_g + BOX_G, SIZE, None)
    return found


ROWS = """
select s.id, s.state, s.problem, o.connection, o.name from shipments s join orders o on o.id = s.order_id
where s.merchant = :merchant and s.state in ('released', 'packed', 'labelled') order by s.created_at, s.id
"""


def _page(stage: "Stage") -> list[Any]:
    with stage.hub.database.read() as db:
        return list(sql(db, ROWS, merchant=stage.merchant.id))


def _in(stage: "Stage", chosen: Sequence[str], states: Sequence[State]) -> list[str]:
    return [row.id for row in _page(stage) if row.id in set(chosen) and row.state in states and not (row.problem and row.state in OPEN[:2])]


def _waiting(stage: "Stage", chosen: Sequence[str], states: Sequence[State]) -> bool:
    return bool(_in(stage, chosen, states))


UNTOLD = """
select count(*) from parcels p join shipments s on s.id = p.shipment
where s.merchant = :merchant and s.state = 'sent' and p.told_at is null and p.told_problem is null
"""


def _untold(stage: "Stage") -> bool:
    with stage.hub.database.read() as db:
        return bool(sql(db, UNTOLD, merchant=stage.merchant.id).scalar_one())


def _until(ready: Any, *, once: bool = False) -> None:
    """Wait for the workers; what is not ready in time is told by the report."""
    end = time.monotonic() + (PATIENCE_S / 3 if once else PATIENCE_S)
    while not ready() and time.monotonic() < end:
        time.sleep(0.2)


def _numbers(stage: "Stage", carriers: Mapping[str, Connection]) -> set[str]:
    """Parcels that the carriers know."""
    return {one["tracking"] for name in carriers for one in stage.hand.get(name, "parcels")}


def _drive(stage: "Stage", carriers: Mapping[str, Connection], known: Collection[str]) -> None:
    """The carriers bring half of what they have to the door, and are asked where it is; what they knew before stays."""
    for name in carriers:
        new = [one for one in stage.hand.get(name, "parcels") if not one["voided"] and one["tracking"] not in known]
        for n, parcel in enumerate(new):
            for what, (town, country) in list(zip(ROAD, TOWNS, strict=True))[: 4 if n % 2 else 2]:
                stage.hand.post(name, f"parcels/{parcel['tracking']}/{what}", {"town": town, "country": country})
    with stage.hub.unit() as work:
        sql(work.db, "update parcels set look_at = 1 where merchant = :merchant and look_at is not null", merchant=stage.merchant.id)
        for one in carriers.values():
            work.ask(stage.merchant.id, "track_parcels", one.id, one.id)
    _until(lambda: not _unseen(stage), once=True)


UNSEEN = "select count(*) from parcels where merchant = :merchant and look_at = 1"


def _unseen(stage: "Stage") -> bool:
    with stage.hub.database.read() as db:
        return bool(sql(db, UNSEEN, merchant=stage.merchant.id).scalar_one())


HERE = """
select s.id, s.state, s.problem, p.tracking, p.told_problem, p.progress from shipments s join parcels p on p.shipment = s.id
where s.merchant = :merchant
"""


def _report(stage: "Stage", carriers: Mapping[str, Connection], chosen: Sequence[str], stays: Mapping[str, str]) -> dict[str, Any]:
    with stage.hub.database.read() as db:
        rows = [row for row in sql(db, HERE, merchant=stage.merchant.id) if row.id in set(chosen)]
    there = Counter(one["tracking"] for name in carriers for one in stage.hand.get(name, "parcels") if not one["voided"])
    told = _told(stage)
    sent = [row for row in rows if row.state == State.SENT]
    mine = [row.tracking for row in rows if row.tracking]
    problems = sorted({f"{row.problem or row.told_problem}" for row in rows if row.problem or row.told_problem})
    return {
        "released": len(rows), "labels": len(mine), "sent": len(sent), "told": sum(told[row.tracking] for row in sent),
        "delivered": sum(row.progress == "delivered" for row in rows), "stay": sorted(stays.values()), "problems": problems,
        "by_carrier": {name: len(set(mine) & {one["tracking"] for one in stage.hand.get(name, "parcels")}) for name in carriers},
        "ok": bool(sent) and all(there[number] == 1 for number in mine) and all(told[row.tracking] == 1 for row in sent) and not stays,
    }  # fmt: skip


def _told(stage: "Stage") -> Counter[str]:
    """How often each channel was told of each number."""
    found: Counter[str] = Counter()
    for name in stage.by_channel:
        for order in stage.hand.get(name, "orders"):
            found.update(one["tracking"] for one in order.get("shipments", ()) if one.get("tracking"))
    return found


def words(report: Mapping[str, Any]) -> str:
    """The report in a line for people."""
    by = ", ".join(f"{name} {n}" for name, n in report["by_carrier"].items() if n)
    sent, told, brought, papers = report["sent"], report["told"], report["delivered"], report["printed"]
    return f"{report['labels']} labels ({by}), {papers} papers printed, {sent} handed over, {told} told to channels, {brought} delivered"
