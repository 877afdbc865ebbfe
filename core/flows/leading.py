"""Two writers: what somebody changed in a channel itself is held against its orders, and then the merchant's rule decides.

A difference is written down as a doubt at the moment at which it is seen, beside everything else that is done about it. Once the
channel's orders are read and taken past that moment, what they do not explain was changed there: put right and kept as a finding where
the hub leads, taken over where the channel does, asked about else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from sqlalchemy import Connection as Db

from core.domain.events import StockAdjusted
from core.domain.leading import ASKED, SETTING, Change, Leader, Unsure, Verdict, leader, speaks, verdict
from core.domain.tasks import Claim
from core.domain.who import Who
from core.errors import Refused
from core.flows import adjusting
from core.flows.intake import ask_before_raising
from core.hub import Hub
from core.store import audit, connections, displays, doubts, findings, listings, places, quotas, stock
from core.store.connections import Connection
from core.store.displays import Listed
from core.store.doubts import Doubt
from core.store.findings import Finding
from core.store.listings import Dirty
from core.store.stock import Move
from core.store.unit import Unit

CAUSE = "channel"  # of movements, and the reason of events
TOOK, UNDID = "stock.follow", "stock.unfollow"  # what the audit trail calls it


def subject(one: Dirty) -> str:
    """A listing as findings name it."""
    return " ".join(part for part in one.name if part)


def seen(hub: Hub, work: Unit, connection: Connection, found: Sequence[tuple[Dirty, int | None, int]], at: int) -> None:
    """(listing, what it showed in a call that began then or None, what we believed): somebody will have to say why."""
    rows = [
        {"id": one.id, "name": subject(one), "theirs": theirs, "ours": ours, "units": 0 if theirs is None else theirs - ours}
        for one, theirs, ours in found
    ]
    doubts.keep(work.db, connection.merchant, connection.id, rows, at, work.now)
    if rows:
        ask_before_raising(work, connection, hub.connector(connection))


def refused(
    hub: Hub, work: Unit, connection: Connection, found: Sequence[tuple[Dirty, int | None, int | None]], at: int
) -> None:  # fmt: skip
    """(listing, what it showed where the channel said so, what we expected): a write that compared found something else."""
    seen(hub, work, connection, [(one, theirs, ours) for one, theirs, ours in found if ours is not None], at)


def read(hub: Hub, work: Unit, connection: Connection, found: Sequence[tuple[Dirty, int | None]], at: int) -> None:
    """(listing, what it showed in a call that began then): what a write that compared could not tell of these is known now."""
    known = doubts.of(work.db, [one.id for one, shown in found if shown is not None])
    open_ = [(one, shown, known[one.id]) for one, shown in found if one.id in known and known[one.id].theirs is None]
    seen(hub, work, connection, [(one, shown, doubt.ours if one.shown is None else one.shown) for one, shown, doubt in open_], at)


def right(work: Unit, connection: Connection, same: Sequence[Dirty]) -> None:
    """These show what they should: findings of them are over, where nobody has another doubt."""
    opened = {one.subject for one in findings.open_of(work.db, connection.id, "listing")} if same else set()
    found = {subject(one): one.id for one in same if subject(one) in opened}
    doubted = doubts.of(work.db, found.values())
    how = "repaired" if connection.live_at is not None else "accepted"
    findings.close(work.db, connection.id, "listing", [name for name, id in found.items() if id not in doubted], how, work.now)


def withheld(db: Db, connection: Connection, batch: Sequence[Dirty]) -> set[int]:
    """Those of these listings that are not told anything before somebody said whose number is right. What is in quota is told its part in
    any case: what a channel says of itself raises nobody's."""
    if leader(connection.settings) is Leader.HUB:
        return set()
    known = doubts.of(db, [one.id for one in batch if not one.shares])
    return {one.id for one in batch if one.id in known and not speaks(wanted=one.wanted, ours=known[one.id].ours)}


# ---- what is judged

UNTAKEN_S = 1.0  # how soon it is looked again where orders that were read are still being taken
REPAIRED_S = 300.0  # how soon what was put right is read back


def judge(hub: Hub, claim: Claim, connection: Connection) -> float | None:
    """Say what became of the doubts past which the channel's orders are read. Gives in how many seconds to look again; None: whenever
    orders are read."""
    with hub.database.read() as db:
        read_to, taken = connections.read_to(db, connection.merchant, connection.id)
        found = doubts.ripe(db, connection.id, read_to)
    if not found or not taken:
        return UNTAKEN_S if found else None
    with hub.unit(claim, finish=False) as work:
        ground = _lock(work, connection, [one.id for one in found])
        ripe = [one for one in doubts.of(work.db, ground.listed).values() if _is_ripe(one, read_to)]
        kept = _judged(hub, work, connection, ground, ripe)
    return REPAIRED_S if kept else None


def _is_ripe(one: Doubt, read_to: int) -> bool:
    return one.why is None and one.theirs is not None and one.found_at < read_to


@dataclass(frozen=True, slots=True)
class Ground:
    """Listings under judgment, their locked shelves (on hand, reserved) and the locations that each place stands for."""

    listed: Mapping[int, Listed]
    levels: Mapping[tuple[str, str], tuple[int, int]]
    locations: Mapping[tuple[str, str], Sequence[str]]
    names: Mapping[str, str]

    def change(self, doubt: Doubt) -> Change:
        one = self.listed[doubt.id]
        return Change(doubt.units, one.parts, self.locations.get((one.connection, one.place), ()), one.may)

    def verdict(self, change: Change) -> Verdict:
        shelf = (next(iter(change.parts), ""), next(iter(change.locations), ""))
        on_hand, reserved = self.levels.get(shelf, (0, 0))
        return verdict(change, on_hand - reserved)


def _lock(work: Unit, connection: Connection, ids: Sequence[int]) -> Ground:
    """Levels first, then all listings of their SKUs: as everybody does."""
    merchant = connection.merchant
    skus = {sku for one in displays.these(work.db, merchant, ids) for sku in one.parts}
    levels = stock.lock_levels(work.db, merchant, skus)
    listings.lock_of(work.db, merchant, skus, ids)
    listed = {one.id: one for one in displays.these(work.db, merchant, ids)}
    names = {row.id: row.name for row in places.locations(work.db, merchant)}
    return Ground(listed, levels, quotas.locations(work.db, [connection.id]), names)


def _judged(hub: Hub, work: Unit, connection: Connection, ground: Ground, ripe: Sequence[Doubt]) -> bool:
    """Whether anything was found that is put right."""
    rule = leader(connection.settings) if connection.live_at is not None else Leader.HUB
    changed = [one for one in ripe if one.units != 0]
    doubts.over(work.db, [one.id for one in ripe if one.units == 0])
    match rule:
        case Leader.HUB:
            _keep(work, connection, [one for one in changed if one.units is not None])
            doubts.over(work.db, [one.id for one in changed])
        case Leader.ASK:
            doubts.ask(work.db, {one.id: Unsure.RULE.value for one in changed})
        case Leader.CHANNEL:
            for one in changed:
                _follow(hub, work, connection, ground, one)
    _tell(work, connection, [one.id for one in ripe])
    return rule is Leader.HUB and bool(changed)


def _keep(work: Unit, connection: Connection, some: Sequence[Doubt], how: str | None = None) -> None:
    """Findings with their evidence; `how` they ended, where they did."""
    rows = [_finding(one, work.now if how else None, how) for one in some]
    findings.keep(work.db, connection.merchant, connection.id, rows)


def _finding(one: Doubt, ended: int | None, how: str | None) -> Finding:
    shows = "?" if one.theirs is None else one.theirs
    return Finding(one.connection, "listing", one.name, f"shows {shows}", f"should show {one.ours}", one.at, None, ended, how)


def _tell(work: Unit, connection: Connection, ids: Sequence[int]) -> None:
    """What was held back about these is told as far as it may be now."""
    quotas.wake(work.db, ids)
    if ids:
        work.ask(connection.merchant, "publish_stock", connection.id, connection.id)


def _follow(hub: Hub, work: Unit, connection: Connection, ground: Ground, doubt: Doubt) -> None:
    """The shelf is brought to what the channel says, as far as it is plain and promised units let it; the rest is asked."""
    found = ground.verdict(ground.change(doubt))
    if found.units:
        _take_over(hub, work, connection, ground, doubt, found, Who(f"connection/{connection.id}", connection.label))
    if found.why:
        doubts.ask(work.db, {doubt.id: found.why.value}, {doubt.id: found.left})
    else:
        doubts.over(work.db, [doubt.id])


def _take_over(hub: Hub, work: Unit, connection: Connection, ground: Ground, doubt: Doubt, found: Verdict, who: Who) -> None:
    shelf = (found.sku, found.location, ground.names[found.location])
    was, _ = stock.lock_levels(work.db, connection.merchant, [found.sku])[found.sku, found.location]
    adjusting.move(work, connection.merchant, Move(found.sku, found.location, found.units, 0, CAUSE, f"adjust/{hub.ids()}"))
    _say(work, connection.merchant, shelf, was, found.units)
    _keep(work, connection, [doubt], "accepted")
    said = {"listing": doubt.name, "connection": connection.id, "channel": connection.channel, "label": connection.label}
    body = {**said, "location": shelf[1], "place": shelf[2], "units": found.units, "was": was, "became": was + found.units}
    audit.write(work.db, connection.merchant, work.now, who.id, who.name, "stock.follow", f"sku/{found.sku}", **body)


def _say(work: Unit, merchant: str, shelf: adjusting.At, was: int, units: int) -> None:
    work.happened(merchant, [(f"sku/{shelf[0]}", StockAdjusted(shelf[1], was, was + units, CAUSE))])


# ---- what a person says


def choose(hub: Hub, merchant: str, id: int, *, theirs: bool, mark: str, who: Who, location: str = "") -> Doubt:
    """Somebody says whose number of a listing is right: ours is told, or theirs is taken over, at `location` where several are meant.
    Raises Refused where nobody is asked, where it is not as they saw it (`mark`), and where it cannot be taken over."""
    with hub.unit() as work:
        return choose_in(hub, work, merchant, id, theirs=theirs, mark=mark, who=who, location=location)


def choose_in(hub: Hub, work: Unit, merchant: str, id: int, *, theirs: bool, mark: str, who: Who, location: str = "") -> Doubt:
    """The same in the caller's transaction."""
    doubt, connection = _asked(work, merchant, id)
    ground = _lock(work, connection, [id])
    if doubts.one(work.db, merchant, id) != doubt or mark_of(doubt) != mark:
        raise Refused("it changed meanwhile")
    if theirs:
        _take_over(hub, work, connection, ground, doubt, _meant(ground, doubt, location), who)
    else:
        _keep(work, connection, [doubt], "repaired")
    said = {"theirs": doubt.theirs, "ours": doubt.ours, "units": doubt.units, "chose": "theirs" if theirs else "ours"}
    audit.write(work.db, merchant, work.now, who.id, who.name, "listing.choose", f"{connection.id}/{doubt.name}", **said)
    doubts.over(work.db, [id])
    _tell(work, connection, [id])
    return doubt


def _asked(work: Unit, merchant: str, id: int) -> tuple[Doubt, Connection]:
    doubt = doubts.one(work.db, merchant, id)
    connection = connections.one_of(work.db, merchant, doubt.connection) if doubt else None
    if doubt is None or connection is None or doubt.why is None:
        raise Refused("nobody is asked about that listing")
    return doubt, connection


def mark_of(doubt: Doubt) -> str:
    """How it is, for a form: whoever chooses has seen it so."""
    return f"{doubt.at}.{doubt.units}.{doubt.why}"


def _meant(ground: Ground, doubt: Doubt, location: str) -> Verdict:
    """What taking it over does. Where nobody knows how many were changed, all that it shows now beyond what it should."""
    change, one = replace(ground.change(doubt), meant=True), ground.listed[doubt.id]
    if location:
        change = replace(change, locations=[each for each in change.locations if each == location])
    if change.units is None and one.display.shown is not None and one.display.wanted is not None:
        change = replace(change, units=one.display.shown - one.display.wanted)
    found = ground.verdict(change)
    if found.why or not found.units:
        raise Refused(ASKED[found.why] if found.why else "there is nothing to take over")
    return found


def undo(hub: Hub, merchant: str, act: int, who: Who) -> None:
    """What was taken over from a channel is taken back: the shelf as it was, and the channel is told. Raises Refused where there is no such
    act, it was undone, or the units are promised by now."""
    with hub.unit() as work:
        done = audit.one(work.db, merchant, act)
        if done is None or done.act != TOOK:
            raise Refused("there is no such act")
        sku, body, mark = done.subject.removeprefix("sku/"), done.body, f"{UNDID}/{act}"
        level = stock.lock_levels(work.db, merchant, [sku]).get((sku, body["location"]))
        if audit.of(work.db, merchant, mark, 1) or level is None:
            raise Refused("it was undone already")
        if level[0] - body["units"] < level[1]:
            raise Refused(ASKED[Unsure.PROMISED])
        shelf = (sku, body["location"], body["place"])
        adjusting.move(work, merchant, Move(sku, body["location"], -body["units"], 0, CAUSE, f"adjust/{hub.ids()}"))
        _say(work, merchant, shelf, level[0], -body["units"])
        audit.write(work.db, merchant, work.now, who.id, who.name, "stock.unfollow", mark, sku=sku, place=shelf[2], units=-body["units"])


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken over from a channel once: the act's id, when, who said so, and the rest of what was written down."""

    id: int
    at: int
    name: str
    sku: str
    body: Mapping[str, Any]


def taken(row: Any) -> Taken:
    """Of a row of the audit trail."""
    return Taken(row.id, row.at, row.name, row.subject.removeprefix("sku/"), msgspec.json.decode(row.body))


def lead(hub: Hub, connection: Connection, rule: Leader, who: Who) -> bool:
    """Whose number counts at a connection from now on; what is in doubt there is judged by it. False where it was so already."""
    with hub.unit() as work:
        return lead_in(work, connection, rule, who)


def lead_in(work: Unit, connection: Connection, rule: Leader, who: Who) -> bool:
    """The same in the caller's transaction."""
    known = (connections.one_of(work.db, connection.merchant, connection.id) or connection).settings
    was = leader(known)
    if was is rule:
        return False
    connections.set_settings(work.db, connection.id, {**known, SETTING: rule.value})
    doubts.open_again(work.db, connection.id)
    for kind in ("compare_listings", "publish_stock"):
        work.ask(connection.merchant, kind, connection.id, connection.id)
    said = {"was": was.value, "became": rule.value}
    audit.write(work.db, connection.merchant, work.now, who.id, who.name, "connection.lead", connection.id, **said)
    return True
