"""Printing at a station: papers wait for its printer in order, each is handed over once, and a person looks where an answer was lost."""

from collections.abc import Iterable, Sequence

from core.domain.printing import AGAIN, KINDS, LONG, MAY_DROP, MOST_STATIONS, TAKES, JobState, Station, Way, station_for, trial_label
from core.domain.shipping import LabelFormat, Paper
from core.domain.tasks import Claim
from core.domain.who import HUB, Who
from core.errors import OutcomeUnknown, Refused, Unavailable
from core.hub import Hub
from core.store import audit, places, print_rules, printers
from core.store.printers import Job
from core.store.shipments import Shipment
from core.store.unit import Unit
from core.store.vault import Box


class NoStation(Refused):
    """There is no such station, or it does not take this."""


# ---- stations


def add(
    hub: Hub, merchant: str, name: str, way: str, address: str, who: Who, *, location: str = "", kinds: Iterable[str] = ()
) -> Station:  # fmt: skip
    """A printer by a name of ours. Raises Refused for an address at which no printer may be, and for names that are taken."""
    if way not in list(Way):
        raise Refused("that is no way to a printer")
    if why := hub.printer.refuses(way, address):
        raise Refused(why)
    shown = "".join(sign for sign in name.strip() if sign.isprintable())[:LONG]
    one = Station(hub.ids(), shown, Way(way), address.strip(), tuple(kind for kind in KINDS if kind in set(kinds)), location)
    with hub.unit() as work:
        _fits(work, merchant, one)
        printers.add(work.db, merchant, one, work.now)
        audit.write(work.db, merchant, work.now, who.id, who.name, "printer.add", one.id, printer=one.name, address=one.address)
    return one


def _fits(work: Unit, merchant: str, one: Station) -> None:
    known = printers.stations(work.db, merchant)
    if not one.name or any(other.name == one.name for other in known):
        raise Refused("a station needs a name of its own")
    if len(known) >= MOST_STATIONS:
        raise Refused("these are as many stations as there can be")
    if one.location and one.location not in {row.id for row in places.locations(work.db, merchant)}:
        raise Refused("there is no such location")


def remove(hub: Hub, merchant: str, id: str, who: Who) -> None:
    """It is used no more, and what waits for it is dropped. Raises NoStation."""
    with hub.unit() as work:
        one = _station(work, merchant, id)
        printers.remove(work.db, merchant, id, work.now)
        audit.write(work.db, merchant, work.now, who.id, who.name, "printer.remove", id, printer=one.name)


def _station(work: Unit, merchant: str, id: str) -> Station:
    found = printers.station(work.db, merchant, id)
    if found is None:
        raise NoStation("there is no such station")
    return found


# ---- what waits


def send(hub: Hub, merchant: str, station: str, kind: str, papers: Iterable[Paper], who: Who, shipment: str | None = None) -> int:
    """Have papers printed at a station; nothing is bought for it. Gives how many wait. Raises NoStation where it does not take one of
    them."""
    return send_all(hub, merchant, station, kind, [(shipment, paper) for paper in papers], who)


def send_all(hub: Hub, merchant: str, station: str, kind: str, papers: Sequence[tuple[str | None, Paper]], who: Who) -> int:
    """The same of several shipments, in this order: all of them or none."""
    with hub.unit() as work:
        one = _station(work, merchant, station)
        if any(paper.format.value != TAKES[one.way] for _, paper in papers):
            raise NoStation("this printer does not take such papers")
        for nth, (shipment, paper) in enumerate(papers):
            _wait(hub, work, merchant, one, kind, paper, who, shipment, nth)
        audit.write(work.db, merchant, work.now, who.id, who.name, "printer.send", one.id, printer=one.name, papers=len(papers), kind=kind)
    return len(papers)


def by_itself(hub: Hub, work: Unit, merchant: str, one: Shipment, papers: Iterable[Paper]) -> None:
    """What a location's stations print without being asked, in the transaction that made it. Where the merchant has rules, these say it."""
    if print_rules.rules(work.db, merchant).rules:
        work.ask(merchant, "follow_print_rules", f"{one.name} label")
        return
    known = printers.stations(work.db, merchant)
    for nth, paper in enumerate(papers):
        kind = paper.kind if paper.kind == "label" else "form"
        if at := station_for(known, kind, paper.format.value, one.location):
            _wait(hub, work, merchant, at, kind, paper, HUB, one.id, nth)


def _wait(
    hub: Hub, work: Unit, merchant: str, one: Station, kind: str, paper: Paper, who: Who, shipment: str | None = None,
    nth: int = 0,
) -> None:  # fmt: skip
    """`nth` of those that come together: they keep their order."""
    printers.keep(work.db, merchant, hub.ids(), one.id, kind, paper, hub.box(merchant), who.id, work.now + nth, shipment)
    work.ask(merchant, "print_papers", one.id)


def once(
    work: Unit, merchant: str, id: str, one: Station, kind: str, paper: Paper, box: Box, shipment: str, nth: int = 0
) -> None:  # fmt: skip
    """A paper by an id of the caller's, in its transaction: it waits for its printer unless it ever did. `nth` as of `_wait`."""
    if not printers.is_there(work.db, merchant, id):
        printers.keep(work.db, merchant, id, one.id, kind, paper, box, HUB.id, work.now + nth, shipment)
        work.ask(merchant, "print_papers", one.id)


def test_page(hub: Hub, merchant: str, station: str, who: Who) -> None:
    """Have a page printed that says which station it came from. Raises NoStation."""
    with hub.unit() as work:
        one = _station(work, merchant, station)
        moment = f"{hub.at(work.now):%Y-%m-%d %H:%M} UTC"
        _wait(hub, work, merchant, one, "test", Paper("test", LabelFormat(TAKES[one.way]), _test(one, moment)), who)
        audit.write(work.db, merchant, work.now, who.id, who.name, "printer.test", one.id, printer=one.name)


def _test(one: Station, moment: str) -> bytes:
    if one.way is Way.ZPL:
        return trial_label(one.name, moment)
    from core.papers.pages import trial_page  # fonts and all that draws are loaded when somebody prints

    return trial_page(one.name, moment)


# ---- printing


def print_papers(hub: Hub, claim: Claim) -> None:
    """Hand a station's oldest paper over. One that may have reached its printer before is not handed over again: a person looks."""
    merchant, station = claim.merchant, claim.subjects[0]
    with hub.unit(claim, finish=False) as work:
        where, job = printers.station(work.db, merchant, station), printers.next_of(work.db, merchant, station)
        content = _begin(hub, work, merchant, job) if where and job else None
    if where is None or job is None:
        return _over(hub, claim)
    if content is None:
        return _ended(hub, claim, job, JobState.UNKNOWN, "")
    try:
        said = hub.printer.print(where.way.value, where.address, content, f"crossdock {job.kind}")
    except OutcomeUnknown as error:
        _ended(hub, claim, job, JobState.UNKNOWN, str(error))
    except Refused as error:
        _ended(hub, claim, job, JobState.FAILED, str(error))
    except Unavailable as error:
        _not_now(hub, claim, job, str(error))
        raise
    else:
        _ended(hub, claim, job, JobState.PRINTED, said)


def _begin(hub: Hub, work: Unit, merchant: str, job: Job) -> bytes | None:
    """Its body; from now on its printer may have it. None where that was so before."""
    if job.tried_at is not None:
        return None
    printers.tried(work.db, job.id, work.now)
    return printers.body(work.db, merchant, job.id, hub.box(merchant))


def _over(hub: Hub, claim: Claim) -> None:
    with hub.unit(claim):
        pass


def _ended(hub: Hub, claim: Claim, job: Job, state: JobState, words: str) -> None:
    """And the next one of this station."""
    with hub.unit(claim) as work:
        printers.become(work.db, job.id, state, work.now, words or None)
        work.ask(claim.merchant, "print_papers", job.station)


def _not_now(hub: Hub, claim: Claim, job: Job, words: str) -> None:
    """The printer surely has nothing of it: it waits on."""
    with hub.unit(claim, finish=False) as work:
        printers.become(work.db, job.id, JobState.WAITING, work.now, words)


# ---- what people do with it


def again(hub: Hub, merchant: str, id: str, who: Who) -> None:
    """Print it once more. Raises Refused where it waits already, or is there no more."""
    with hub.unit() as work:
        job = _job(work, merchant, id, AGAIN)
        _station(work, merchant, job.station)
        printers.become(work.db, id, JobState.WAITING, work.now)
        work.ask(merchant, "print_papers", job.station)
        audit.write(work.db, merchant, work.now, who.id, who.name, "printer.again", job.station, kind=job.kind)


def was_printed(hub: Hub, merchant: str, id: str, who: Who) -> None:
    """Somebody looked, and it is there. Raises Refused where that was no question."""
    with hub.unit() as work:
        job = _job(work, merchant, id, (JobState.UNKNOWN,))
        printers.become(work.db, id, JobState.PRINTED, work.now)
        audit.write(work.db, merchant, work.now, who.id, who.name, "printer.found", job.station, kind=job.kind)


def drop(hub: Hub, merchant: str, id: str, who: Who) -> None:
    """It is not to be printed. Raises Refused where it is over."""
    with hub.unit() as work:
        job = _job(work, merchant, id, MAY_DROP)
        if job.state is JobState.WAITING and job.tried_at is not None:
            raise Refused("it is being printed")
        printers.become(work.db, id, JobState.DROPPED, work.now)
        audit.write(work.db, merchant, work.now, who.id, who.name, "printer.drop", job.station, kind=job.kind)


def retry(hub: Hub, merchant: str, station: str, who: Who) -> None:
    """Try this printer now. Raises NoStation."""
    with hub.unit() as work:
        one = _station(work, merchant, station)
        work.ask(merchant, "print_papers", station)
        audit.write(work.db, merchant, work.now, who.id, who.name, "printer.retry", station, printer=one.name)


def _job(work: Unit, merchant: str, id: str, states: tuple[JobState, ...]) -> Job:
    found = printers.one(work.db, merchant, id)
    if found is None or found.state not in states:
        raise Refused("it is not that far, or there no more")
    return found
