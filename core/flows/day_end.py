"""The end of a day: what was labelled is handed over, and carriers that want it are told what their drivers take."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from core.domain.handing_over import ManifestState
from core.domain.shipping import Bought, Closed
from core.domain.tasks import Claim
from core.domain.who import Who
from core.errors import AccessLost, OutcomeUnknown, Refused
from core.flows import labelling, sending
from core.hub import Hub
from core.ports import ClosesDays
from core.store import audit, handovers, parcels, shipments
from core.store.shipments import Site
from core.store.unit import Unit

MOST = 1000
TABLE = "manifests"


@dataclass
class Day:
    """What came of a day's end: shipments by name that left, and why each other one stays; `manifests` are ids of what carriers take."""

    left: list[str] = field(default_factory=list)
    stay: dict[str, str] = field(default_factory=dict)
    manifests: list[str] = field(default_factory=list)


def close(hub: Hub, merchant: str, who: Who, *, location: str = "", connection: str = "", dry: bool = False) -> Day:
    """Hand over all that is labelled at this location (""; at all) with this carrier's label ("": with any). Each location and carrier has
    a manifest of its own. `dry`: only say what would leave."""
    with hub.database.read() as db:
        rows = handovers.ready(db, merchant, location, connection, MOST)
        sites = {site.id: site for site in shipments.all_sites(db, merchant)}
    if dry:
        return Day(left=[row.name for row in rows])
    stay = sending.send(hub, merchant, [row.id for row in rows], who)
    day = Day([row.name for row in rows if row.id not in stay], {row.name: stay[row.id] for row in rows if row.id in stay})
    gone = [row for row in rows if row.id not in stay]
    for place, carrier in dict.fromkeys((row.location, row.connection) for row in gone):
        some = [row.purchase for row in gone if (row.location, row.connection) == (place, carrier)]
        day.manifests.append(_manifest(hub, merchant, who, sites[place], carrier, some))
    return day


def _manifest(hub: Hub, merchant: str, who: Who, site: Site, connection: str, purchases: Sequence[str]) -> str:
    id = hub.ids()
    closes = isinstance(hub.carrier(hub.connection(connection)), ClosesDays)
    state = ManifestState.WANTED if closes else ManifestState.LISTED
    with hub.unit() as work:
        day = labelling.today(hub, site.zone).isoformat()
        handovers.add(work.db, merchant, id, connection, site.id, day, state, purchases, work.now)
        if closes:
            work.ask(merchant, "close_days", id, connection)
        audit.write(work.db, merchant, work.now, who.id, who.name, "manifest.close", id, labels=len(purchases))
    return id


def close_days(hub: Hub, claim: Claim) -> None:
    """Tell a carrier what its driver takes, once. Where its answer was lost it is asked again under the same key; what it declines then may
    be done already, and somebody looks."""
    merchant, id = claim.merchant, claim.subjects[0]
    with hub.unit(claim, finish=False) as work:
        one = handovers.manifest(work.db, merchant, id)
        if one is not None and one.state == ManifestState.WANTED:
            handovers.tried(work.db, TABLE, id, work.now)
    if one is None or one.state != ManifestState.WANTED:
        _over(hub, claim)
        return
    carrier, bought, site = hub.carrier(hub.connection(claim.connection)), _bought(hub, merchant, id), _site(hub, merchant, one.location)
    if not isinstance(carrier, ClosesDays) or site is None or site.address is None or not bought:
        _ended(hub, claim, id, ManifestState.LISTED)
        return
    try:
        closed = carrier.close(bought, site.address, _key(id))
    except AccessLost:
        raise
    except OutcomeUnknown:
        raise
    except Refused as error:
        state = ManifestState.UNKNOWN if one.tried_at is not None else ManifestState.FAILED
        _ended(hub, claim, id, state, words=error.words or str(error))
        return
    _closed(hub, claim, id, closed)


def _key(id: str) -> str:
    return id.replace("-", "")


def _over(hub: Hub, claim: Claim) -> None:
    with hub.unit(claim):
        pass


def _bought(hub: Hub, merchant: str, id: str) -> list[Bought]:
    box = hub.box(merchant)
    with hub.database.read() as db:
        keys = dict.fromkeys(row.purchase for row in handovers.inside(db, merchant, id))
        found = [parcels.purchase(db, merchant, key, box) for key in keys]
    return [one.bought for one in found if one and one.bought]


def _site(hub: Hub, merchant: str, location: str) -> Site | None:
    with hub.database.read() as db:
        return next((site for site in shipments.all_sites(db, merchant) if site.id == location), None)


def _closed(hub: Hub, claim: Claim, id: str, closed: Closed) -> None:
    box = hub.box(claim.merchant)
    with hub.unit(claim) as work:
        until = work.now + labelling.kept_us()
        parcels.keep(work.db, claim.merchant, id, None, closed.papers, box, work.now, until)
        _become(hub, work, claim.merchant, id, ManifestState.CLOSED, number=closed.id, words=closed.words)


def _ended(hub: Hub, claim: Claim, id: str, state: ManifestState, words: str = "") -> None:
    with hub.unit(claim) as work:
        _become(hub, work, claim.merchant, id, state, words=words)


def _become(
    hub: Hub, work: Unit, merchant: str, id: str, state: ManifestState, *, number: str | None = None, words: str = ""
) -> None:  # fmt: skip
    sealed = hub.box(merchant).seal_text(f"manifests|words|{id}", words.encode()) if words else None
    handovers.become(work.db, TABLE, id, state, work.now, number=number, words=sealed)


def again(hub: Hub, merchant: str, id: str, who: Who) -> None:
    """Somebody looked: the carrier made no manifest of it, and is asked once more. Raises NotThen."""
    with hub.unit() as work:
        one = handovers.manifest(work.db, merchant, id)
        if one is None or one.state not in (ManifestState.FAILED, ManifestState.UNKNOWN):
            raise labelling.NotThen("nothing of it is open")
        handovers.reopen(work.db, id)
        work.ask(merchant, "close_days", id, one.connection)
        audit.write(work.db, merchant, work.now, who.id, who.name, "manifest.again", id)


def settled(hub: Hub, merchant: str, id: str, number: str, who: Who) -> None:
    """Somebody looked: the carrier has it, under this number ("": it needs none). Raises NotThen."""
    with hub.unit() as work:
        one = handovers.manifest(work.db, merchant, id)
        if one is None or one.state not in (ManifestState.FAILED, ManifestState.UNKNOWN):
            raise labelling.NotThen("nothing of it is open")
        state = ManifestState.CLOSED if number else ManifestState.LISTED
        _become(hub, work, merchant, id, state, number=number or None)
        audit.write(work.db, merchant, work.now, who.id, who.name, "manifest.settle", id, number=number)
