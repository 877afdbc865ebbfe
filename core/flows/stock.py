"""Stock out: each channel is told the difference between what its listings show and what they should."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from core.domain.tasks import Claim
from core.hub import Hub
from core.ports import Answer, Found, Limits, Push, Subscribes, Told
from core.store import connections, listings
from core.store.connections import Connection
from core.store.listings import Dirty
from core.store.tables import us
from core.store.unit import Unit

VERIFY_S = 30  # how long a channel that only accepts may take before it is read back


def publish_stock(hub: Hub, claim: Claim) -> None:
    """Tell one channel what changed: look where we do not know, write down what is asked, ask it, keep the answers."""
    connection = hub.connection(claim.connection)
    limits, channel = hub.connector(connection).limits, hub.channel(connection)
    with hub.database.read() as db:
        batch = listings.dirty(db, connection.id, connection.buffer, limits.per_call)
    unknown = [one for one in batch if one.shown is None or one.asked]
    actual = channel.shown([_push(one, None) for one in unknown]) if unknown else {}
    day = _day(hub.clock(), limits)
    tell, rest = decide(batch, actual, limits, day)
    key = hub.ids()
    with hub.unit(claim, finish=False) as work:
        listings.forget_asked(work.db, connection.id, work.now)
        listings.settled(work.db, [(one.id, one.changed) for one in rest])
        _learn(work, connection, unknown, actual)
        listings.asking(work.db, connection.merchant, connection.id, key, [_asked(one, push) for one, push in tell], work.now)
    answers = channel.show([push for _, push in tell], key) if tell else ()
    with hub.unit(claim) as work:
        _answered(work, connection, tell, answers, day if limits.revisions else None)
        if listings.dirty_left(work.db, connection.id):
            work.ask(connection.merchant, "publish_stock", connection.id, connection.id)
        if any(answer.told is Told.ACCEPTED for answer in answers):
            work.ask(connection.merchant, "verify_stock", connection.id, connection.id, wait_s=verify_after(connection))


def verify_after(connection: Connection) -> int:
    asked: int = connection.settings.get("verify_s", VERIFY_S)
    return asked


def _day(now: datetime, limits: Limits) -> str:
    """The day that the channel counts revisions by."""
    return now.astimezone(ZoneInfo(limits.day_zone)).date().isoformat()


def _push(one: Dirty, expected: int | None) -> Push:
    return Push(one.listing, one.sku, one.handle, one.wanted, expected)


def decide(
    batch: Sequence[Dirty], actual: Mapping[tuple[str, str], int | None], limits: Limits, day: str
) -> tuple[list[tuple[Dirty, Push]], list[Dirty]]:
    """What to tell, and what needs no telling: it shows that already, is gone, or has no revision left for it today."""
    tell, rest = [], []
    for one in batch:
        shown = actual.get((one.listing, one.sku)) if one.shown is None or one.asked else one.shown
        if shown is None or shown == one.wanted or not _may_revise(one, limits, day):
            rest.append(one)
        else:
            tell.append((one, _push(one, shown)))
    return tell, rest


def _may_revise(one: Dirty, limits: Limits, day: str) -> bool:
    """Revisions are spent freely until only those are left that are kept for showing zero."""
    if limits.revisions is None:
        return True
    spent = one.revised if one.revised_on == day else 0
    return spent < limits.revisions - (limits.kept_for_zero if one.wanted else 0)


def _learn(work: Unit, connection: Connection, unknown: Sequence[Dirty], actual: Mapping[tuple[str, str], int | None]) -> None:
    """What was read back is what we believe from now on; listings that the channel no longer has are said to be gone."""
    rows = [
        {
            "id": one.id, "changed": one.changed, "shown": actual.get((one.listing, one.sku)), "told": "read", "day": None, "settled": 0,
            "problem": None if actual.get((one.listing, one.sku)) is not None else "the channel has no such listing",
        }
        for one in unknown
    ]  # fmt: skip
    listings.answered(work.db, connection.id, rows, work.now)


def _asked(one: Dirty, push: Push) -> dict[str, Any]:
    return {"listing_id": one.id, "quantity": push.quantity, "expected": push.expected, "since": one.since}


def _answered(work: Unit, connection: Connection, tell: Sequence[tuple[Dirty, Push]], answers: Sequence[Answer], day: str | None) -> None:
    by_name = {(answer.listing, answer.sku): answer for answer in answers}
    rows = [_answer_row(one, push, by_name.get((one.listing, one.sku)), day) for one, push in tell]
    listings.answered(work.db, connection.id, rows, work.now)


def _answer_row(one: Dirty, push: Push, answer: Answer | None, day: str | None) -> dict[str, Any]:
    """No answer for one: as if lost, it is read before it is written again."""
    told = answer.told if answer else Told.STALE
    shown = push.quantity if told in (Told.SHOWN, Told.ACCEPTED) else answer.quantity if answer else None
    problem = {Told.REFUSED: answer.words or "refused" if answer else "", Told.GONE: "the channel has no such listing"}.get(told)
    return {
        "id": one.id, "changed": one.changed, "shown": shown, "told": told.value, "problem": problem,
        "day": day if told in (Told.SHOWN, Told.ACCEPTED) else None, "settled": 0 if told is Told.STALE else 1,
    }  # fmt: skip


def verify_stock(hub: Hub, claim: Claim) -> None:
    """Read back what a channel only said it accepted; what did not come true is told again."""
    connection = hub.connection(claim.connection)
    with hub.database.read() as db:
        accepted = listings.accepted(db, connection.id, hub.connector(connection).limits.per_call)
    actual = hub.channel(connection).shown([_push(one, None) for one in accepted]) if accepted else {}
    with hub.unit(claim) as work:
        listings.confirm(work.db, [(one.id, actual.get((one.listing, one.sku))) for one in accepted], work.now)
        if listings.dirty_left(work.db, connection.id):
            work.ask(connection.merchant, "publish_stock", connection.id, connection.id)
        if listings.accepted(work.db, connection.id, 1):
            work.ask(connection.merchant, "verify_stock", connection.id, connection.id, wait_s=verify_after(connection))


def read_listings(hub: Hub, claim: Claim) -> None:
    """Read one page of what the channel sells; map what our SKUs name; ask again while there are more."""
    connection = hub.connection(claim.connection)
    with hub.database.read() as db:
        _, cursor = connections.mark(db, connection.id, "listings")
    page = hub.channel(connection).listings(cursor)
    with hub.unit(claim) as work:
        listings.keep(work.db, connection.merchant, connection.id, [_found(one) for one in _distinct(page.items)], work.now)
        listings.propose(work.db, connection.merchant)
        connections.set_mark(work.db, connection.merchant, connection.id, "listings", us(hub.clock()), page.cursor)
        again = "read_listings" if page.cursor else "publish_stock"
        work.ask(connection.merchant, again, connection.id, connection.id)


def _distinct(items: Sequence[Found]) -> list[Found]:
    return list({(one.listing, one.sku): one for one in items}.values())


def _found(one: Found) -> dict[str, Any]:
    return {
        "listing": one.listing,
        "sku": one.sku,
        "title": one.title,
        "handle": msgspec.json.encode(one.handle).decode(),
        "writable": one.writable,
        "shown": one.shown,
    }


def subscribe(hub: Hub, claim: Claim) -> None:
    """Make sure that the channel pushes its notices to us, where it lets an API say so."""
    connection = hub.connection(claim.connection)
    channel = hub.channel(connection)
    if isinstance(channel, Subscribes) and (url := connection.settings.get("webhook_url")):
        channel.subscribe(str(url))
