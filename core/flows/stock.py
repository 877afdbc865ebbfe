"""Stock out: each channel is told the difference between what its listings show and what they should."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection as Db

from core.domain.events import ListingRenamed
from core.domain.tasks import Claim
from core.errors import WouldEmpty
from core.flows import cards, leading, sharing, windows
from core.flows.intake import ask_before_raising, keep, lasting, news
from core.flows.places import keep_places
from core.hub import Hub
from core.ports import Answer, Channel, Commits, Follows, Found, Level, Limits, Name, Notice, Push, Told
from core.store import connections, listings, orders, places, quotas, slices
from core.store.connections import Connection
from core.store.listings import Dirty
from core.store.tables import us
from core.store.unit import Unit

VERIFY_S = 30  # how long a channel that only accepts may take before it is read back


def publish_stock(hub: Hub, claim: Claim) -> None:
    """Tell one channel what changed; one that is only watched is looked at."""
    connection = hub.connection(claim.connection)
    if connection.live_at is None:
        _look(hub, claim, connection)
    elif _may_write(hub, claim, connection):
        _publish(hub, claim, connection)


def _publish(hub: Hub, claim: Claim, connection: Connection) -> None:
    """Look where we do not know, write down what is asked, ask it, keep the answers."""
    limits, channel = hub.connector(connection).limits, hub.channel(connection)
    _wake(hub, claim, limits)
    batch = _batch(hub, claim, connection, limits)
    look, began = [one for one in batch if unknown(one)], hub.now
    seen = _levels(channel, look)
    actual = {name: level.shown for name, level in seen.items()}
    day = _day(hub.clock(), limits)
    tell, rest, spent = decide([one for one in batch if not (one.shares and unknown(one))], actual, limits, day.isoformat())
    tell, sought = _seek(hub, connection, tell, seen)
    tell, left = _leave(hub, connection, tell)
    tell, early = _hold_back(hub, connection, tell, hub.now)
    key = hub.ids()
    with hub.unit(claim, finish=False) as work:
        listings.lock(work.db, (one.id for one in batch))
        listings.settled(work.db, [(one.id, one.changed) for one in (*rest, *left)])
        listings.rested(work.db, [(one.id, one.changed) for one in spent], _midnight(day, limits))
        known = [(one, actual[one.name]) for one in look if one.name in actual]
        leading.read(hub, work, connection, known, began)
        _learn(work, connection, known, began, day.isoformat())
        if any(one.asked for one in look):  # with what was learned: who dies before the call leaves nobody who would ask
            _ask_verify(work, connection)
        _put_off(work, hub, connection, early, sought)
        listings.asking(work.db, connection.merchant, connection.id, key, [_asked(one, push) for one, push in tell], work.now)
    began = hub.now
    answers = channel.show([push for _, push in tell], key) if tell else ()
    with hub.unit(claim) as work:
        heard = [one for one in answers if one.told is not Told.STALE or not isinstance(channel, Commits)]  # those are looked at first
        _answered(work, connection, tell, heard, began, day.isoformat(), proves=limits.compares)
        if limits.compares:
            leading.refused(hub, work, connection, _stale(tell, answers), began)
        _give_back(work, hub, connection, [one for one in batch if one.shares])
        _ask_look(work, connection, limits, tell)
        _ask_again(work, connection, wait_s=0.0 if tell or not early.untaken else UNTAKEN_S)
        if any(answer.told is Told.ACCEPTED for answer in answers):
            _ask_verify(work, connection)


def _ask_verify(work: Unit, connection: Connection) -> None:
    """What only may have come true is read back, once it had the time."""
    work.ask(connection.merchant, "verify_stock", connection.id, connection.id, wait_s=verify_after(connection))


def _leave(hub: Hub, connection: Connection, tell: "Tell") -> tuple["Tell", list[Dirty]]:
    """What is to be told, and what is left as it is until somebody said whose number is right."""
    with hub.database.read() as db:
        held = leading.withheld(db, connection, [one for one, _ in tell])
    return [(one, push) for one, push in tell if one.id not in held], [one for one, _ in tell if one.id in held]


def _stale(tell: "Tell", answers: Sequence[Answer]) -> list[tuple[Dirty, int | None, int | None]]:
    """Those whose channel showed something else than we expected: with what, where it said so, and what we expected."""
    said = {answer.name: answer for answer in answers if answer.told is Told.STALE}
    return [(one, said[one.name].quantity, push.expected) for one, push in tell if one.name in said]


def _ask_look(work: Unit, connection: Connection, limits: Limits, tell: "Tell") -> None:
    """What moved is read back soon, where the channel's limits let us do so oftener than by the clock."""
    if tell and limits.look_s < HOUR_S:
        work.ask(connection.merchant, "compare_listings", connection.id, connection.id, wait_s=limits.look_s)


HOUR_S = 3600.0


def _batch(hub: Hub, claim: Claim, connection: Connection, limits: Limits) -> list[Dirty]:
    """What is to be told next; what is in quota is dealt first."""
    with hub.database.read() as db:
        batch = listings.dirty(db, connection.id, connection.buffer, limits.per_call)
    if shared := {sku for one in batch for sku in one.shares}:
        sharing.deal(hub, claim, connection, shared)
    with hub.database.read() as db:
        batch = listings.dirty(db, connection.id, connection.buffer, limits.per_call) if shared else batch
        _guard(db, connection, batch, hub.now)
    return batch


def _give_back(work: Unit, hub: Hub, connection: Connection, batch: Sequence[Dirty]) -> None:
    """What shows less than it may sell gives the rest to others, once the orders are read past that."""
    if not quotas.giving(work.db, [one.id for one in batch]):
        return
    read_to, taken = connections.read_to(work.db, connection.merchant, connection.id)
    if taken and listings.raise_again(work.db, connection.id, read_to):
        work.ask(connection.merchant, "publish_stock", connection.id, connection.id)
    ask_before_raising(work, connection, hub.connector(connection))


def _levels(channel: Channel, look: Sequence[Dirty]) -> Mapping[Name, Level]:
    """What these listings show now, and how many of their units are sold and not sent where the channel tells it."""
    pushes = [_push(one, None) for one in look]
    if not pushes:
        return {}
    if isinstance(channel, Commits):
        return channel.levels(pushes)
    return {name: Level(shown, None) for name, shown in channel.shown(pushes).items()}


Tell = list[tuple[Dirty, Push]]


def _seek(hub: Hub, connection: Connection, tell: Tell, seen: Mapping[Name, Level]) -> tuple[Tell, list[tuple[Dirty, int]]]:
    """Where the channel has other units sold and not sent than we have, there is an order that one of us does not know: its SKU's orders
    are fetched before it is told anything. What is left to tell, and those with the units committed there."""
    looked = [one for one, _ in tell if one.name in seen and seen[one.name].committed is not None]
    if not looked:
        return tell, []
    with hub.database.read() as db:
        ours = orders.open_at(db, connection.merchant, [one.id for one in looked], places.map_of(db, connection.id, connection.location))
    odd = [(one, committed) for one in looked if (committed := seen[one.name].committed) not in (None, ours[one.id], one.sought)]
    names = {one.id for one, _ in odd}
    return [(one, push) for one, push in tell if one.id not in names], [(one, committed or 0) for one, committed in odd]


@dataclass(frozen=True, slots=True)
class Early:
    """Listings that shall show more, too early: `unread` until the channel's orders are read past the figure that they were compared
    with, `untaken` until those that were read are taken."""

    unread: Sequence[tuple[Dirty, int]] = ()
    untaken: bool = False


def _hold_back(hub: Hub, connection: Connection, tell: Tell, looked: int) -> tuple[Tell, Early]:
    """Less is told at once."""
    if not any(push.quantity > (push.expected or 0) for _, push in tell):
        return tell, Early()
    with hub.database.read() as db:
        read_to, taken = connections.read_to(db, connection.merchant, connection.id)
    return hold_back(tell, looked, read_to, taken=taken)


def hold_back(tell: Tell, looked: int, read_to: int, *, taken: bool) -> tuple[Tell, Early]:
    """More waits until no order can be on its way that explains why the channel shows less. Orders are here up to `read_to`, `taken` or
    not; what was unknown was read before `looked`. Pure."""
    more = {one.id: looked if unknown(one) else one.figure_at for one, push in tell if push.quantity > (push.expected or 0)}
    kept = [(one, push) for one, push in tell if one.id not in more or (taken and more[one.id] < read_to)]
    unread = [(one, more[one.id]) for one, _ in tell if more.get(one.id, -1) >= read_to]
    return kept, Early(unread, untaken=len(kept) + len(unread) < len(tell))


UNTAKEN_S = 1.0  # how soon those are looked at again whose orders are read and being taken


def _put_off(work: Unit, hub: Hub, connection: Connection, early: Early, sought: Sequence[tuple[Dirty, int]]) -> None:
    listings.raising(work.db, [(one.id, one.changed, figure_at) for one, figure_at in early.unread])
    listings.seeking(work.db, [(one.id, one.changed, committed) for one, committed in sought])
    for sku in {one.sku for one, _ in sought}:
        work.ask(connection.merchant, "seek_orders", f"{connection.id}/{sku}", connection.id)
    if early.unread:
        ask_before_raising(work, connection, hub.connector(connection))


def seek_orders(hub: Hub, claim: Claim) -> None:
    """Read one page of the open orders that hold a SKU; then its listings are looked at again."""
    connection, sku = hub.connection(claim.connection), claim.subjects[0].split("/", 1)[1]
    channel, name = hub.channel(connection), f"seek {sku}"
    if not isinstance(channel, Commits):
        return
    with hub.database.read() as db:
        paged, cursor = connections.mark(db, connection.id, name)
    page, asked = channel.selling(sku, lasting(cursor, paged, hub.now)), hub.now
    with hub.unit(claim) as work:
        keep(hub, work, connection, _anew(hub, work, connection, page.items), read_at=asked)
        connections.set_mark(work.db, connection.merchant, connection.id, name, work.now, page.cursor)
        if page.cursor:
            work.ask(connection.merchant, "seek_orders", claim.subjects[0], connection.id)
        else:
            listings.sought(work.db, connection.merchant, connection.id, sku)
            work.ask(connection.merchant, "publish_stock", connection.id, connection.id, wait_s=READ_FIRST_S)


def _look(hub: Hub, claim: Claim, connection: Connection) -> None:
    """One that is only watched is read where its own orders moved what it shows, and never written."""
    limits, began = hub.connector(connection).limits, hub.now
    with hub.database.read() as db:
        blind = listings.blind(db, connection.id, limits.per_call)
    actual = hub.channel(connection).shown([_push(one, None) for one in blind]) if blind else {}
    read = [(one, actual[one.name]) for one in blind if one.name in actual]
    with hub.unit(claim) as work:
        _learn(work, connection, read, began, "")
        if read and len(blind) == limits.per_call:
            work.ask(connection.merchant, "publish_stock", connection.id, connection.id)


READ_FIRST_S, POLL_AGAIN_S = 2.0, 30.0  # how long it waits for the orders of all channels; how often they are asked for meanwhile


def _may_write(hub: Hub, claim: Claim, connection: Connection) -> bool:
    """Not before the orders of all channels are read up to the moment when writing began."""
    if not connection.live_at:
        return True
    with hub.database.read() as db:
        ready = connections.has_read(db, connection.merchant, connection.live_at)
    with hub.unit(claim, finish=not ready) as work:
        if ready:
            connections.set_live(work.db, connection.id, 0)
        else:
            work.ask(connection.merchant, "publish_stock", connection.id, connection.id, wait_s=READ_FIRST_S)
            for one in connections.all_of(work.db, connection.merchant):
                work.ask(connection.merchant, "poll_orders", one.id, one.id, wait_s=POLL_AGAIN_S)
    return ready


ZEROS, SHARE = 10, 5  # so many listings, and more than a fifth of those that show something, do not become empty unseen
ACCEPTED_US = 3_600_000_000


def _guard(db: Db, connection: Connection, batch: Sequence[Dirty], now: int) -> None:
    """Raises WouldEmpty where most likely our shelves are wrong, not the channel's."""
    if sum(1 for one in batch if not one.wanted and one.shown != 0) < ZEROS:
        return
    zeros, showing = listings.zeroing(db, connection.id, connection.buffer)
    accepted, _ = connections.mark(db, connection.id, "zeros accepted")
    if zeros >= ZEROS and zeros * SHARE > showing and accepted < now - ACCEPTED_US:
        raise WouldEmpty(f"{zeros} of the {showing} listings that show stock would show none; look at `golive`, and accept it there")


def _wake(hub: Hub, claim: Claim, limits: Limits) -> None:
    """What rested since its revisions were spent is looked at again on a new day."""
    if limits.revisions is not None:
        with hub.unit(claim, finish=False) as work:
            listings.wake(work.db, claim.connection, work.now)


def _ask_again(work: Unit, connection: Connection, wait_s: float) -> None:
    left = listings.dirty_left(work.db, connection.id)
    wakes_at = work.now + int(wait_s * 1e6) if left else listings.wakes_at(work.db, connection.id)
    if wakes_at is not None:
        work.ask(connection.merchant, "publish_stock", connection.id, connection.id, wait_s=max(0, wakes_at - work.now) / 1e6)


def verify_after(connection: Connection) -> int:
    asked: int = connection.settings.get("verify_s", VERIFY_S)
    return asked


def _day(now: datetime, limits: Limits) -> date:
    """The day that the channel counts revisions by."""
    return now.astimezone(ZoneInfo(limits.day_zone)).date()


def _midnight(day: date, limits: Limits) -> int:
    """When that day is over there."""
    return us(datetime.combine(day + timedelta(days=1), time(), ZoneInfo(limits.day_zone)))


def _push(one: Dirty, expected: int | None) -> Push:
    return Push(one.listing, one.sku, one.handle, one.wanted, expected, one.place)


def decide(batch: Sequence[Dirty], actual: Mapping[Name, int | None], limits: Limits, day: str) -> tuple[Tell, list[Dirty], list[Dirty]]:
    """What to tell, what needs no telling (it shows that already, or is gone), and what has no revision left for it today."""
    tell, rest, spent = [], [], []
    for one in batch:
        if unknown(one) and one.name not in actual:
            continue  # not read yet: it stays as it is until the channel lets us look
        shown = actual[one.name] if unknown(one) else one.shown
        if shown is None or shown == one.wanted:
            rest.append(one)
        elif not _may_revise(one, limits, day):
            spent.append(one)
        else:
            tell.append((one, _push(one, shown)))
    return tell, rest, spent


def _may_revise(one: Dirty, limits: Limits, day: str) -> bool:
    """Revisions are spent freely until only those are left that are kept for showing zero."""
    if limits.revisions is None:
        return True
    spent = one.revised if one.revised_on == day else 0
    return spent < limits.revisions - (limits.kept_for_zero if one.wanted else 0)


def unknown(one: Dirty) -> bool:
    """Nobody knows what it shows: never read, moved either way, or the answer to the last push was lost."""
    return one.shown is None or one.asked


def _learn(work: Unit, connection: Connection, read: Sequence[tuple[Dirty, int | None]], began: int, day: str) -> None:
    """What was read back is what we believe from now on; listings that the channel no longer has are said to be gone. A push
    whose answer was lost may have spent a revision, and may come true yet: it is read once more."""
    rows = [
        {
            "id": one.id, "changed": one.changed, "shown": shown, "settled": 0,
            "told": "lost" if one.asked else "read", "day": day if one.asked else None,
            "problem": None if shown is not None else "the channel has no such listing", "heard": one.heard, "accepted_as": None,
        }
        for one, shown in read
    ]  # fmt: skip
    listings.answered(work.db, connection.id, rows, began, work.now)


def _asked(one: Dirty, push: Push) -> dict[str, Any]:
    return {"listing_id": one.id, "quantity": push.quantity, "expected": push.expected, "since": one.since}


def _answered(work: Unit, connection: Connection, tell: Tell, answers: Sequence[Answer], began: int, day: str, *, proves: bool) -> None:
    by_name = {answer.name: answer for answer in answers}
    rows = [_answer_row(one, push, by_name.get(one.name), day) for one, push in tell]
    listings.answered(work.db, connection.id, rows, began, work.now, proves=proves)


def _answer_row(one: Dirty, push: Push, answer: Answer | None, day: str) -> dict[str, Any]:
    """No answer for one: as if lost, it is read before it is written again."""
    told = answer.told if answer else Told.STALE
    shown = push.quantity if told in (Told.SHOWN, Told.ACCEPTED) else answer.quantity if answer else None
    problem = {Told.REFUSED: answer.words or "refused" if answer else "", Told.GONE: "the channel has no such listing"}.get(told)
    return {
        "id": one.id, "changed": one.changed, "shown": shown, "told": told.value, "problem": problem,
        "day": day if told in (Told.SHOWN, Told.ACCEPTED) else None, "settled": 0 if told is Told.STALE else 1, "heard": one.heard,
        "accepted_as": answer.words if answer and told is Told.ACCEPTED else None,
    }  # fmt: skip


def verify_stock(hub: Hub, claim: Claim) -> None:
    """Read back what a channel only said it accepted, once it had time to come true; what did not is told again."""
    connection = hub.connection(claim.connection)
    began, ripe_us = hub.now, verify_after(connection) * 1_000_000
    with hub.database.read() as db:
        accepted = listings.accepted(db, connection.id, began - ripe_us, hub.connector(connection).limits.per_call)
        oldest = listings.first_accepted(db, connection.id) or began
    channel = hub.channel(connection)
    became = follow(channel, [one for one in accepted if one.accepted_as])
    over = [one for one in accepted if one.name not in became]
    actual = channel.shown([_push(one, None) for one in over]) if over else {}
    refused = {one.id: became[one.name].words or "refused" for one in accepted if _is_refused(became.get(one.name))}
    with hub.unit(claim) as work:
        listings.declined(work.db, connection.id, [{"id": id, "problem": words} for id, words in refused.items()])
        listings.confirm(work.db, [(one, actual[one.name]) for one in over if one.name in actual], began, work.now)
        _give_back(work, hub, connection, over)
        if over:
            windows.learn(work, connection.merchant, connection.id, began - oldest)
        if listings.dirty_left(work.db, connection.id):
            work.ask(connection.merchant, "publish_stock", connection.id, connection.id)
        if (first := listings.first_accepted(work.db, connection.id)) is not None:
            wait_s = max(1.0, (first + ripe_us - work.now) / 1e6)
            work.ask(connection.merchant, "verify_stock", connection.id, connection.id, wait_s=wait_s)


def _anew(hub: Hub, work: Unit, connection: Connection, notices: Sequence[Notice]) -> list[Notice]:
    """What is news; where a channel sends from several places, all of them: an order that is sent from another one looks unchanged."""
    if not places.map_of(work.db, connection.id, connection.location).is_split:
        return news(hub, work, connection, notices)
    return [replace(one, delivery=f"{one.delivery} {hub.ids()}", revision=None) for one in notices]


def _is_refused(answer: Answer | None) -> bool:
    return answer is not None and answer.told is Told.REFUSED


def follow(channel: Channel, told: Sequence[Dirty]) -> dict[Name, Answer]:
    """What a channel says became of what it accepted: refused after all, or still being worked on. What is over has no answer."""
    if not told or not isinstance(channel, Follows):
        return {}
    accepted: dict[str, list[Push]] = {}
    for one in told:
        accepted.setdefault(one.accepted_as, []).append(_push(one, None))
    return {answer.name: answer for answer in channel.follow(accepted)}


def read_listings(hub: Hub, claim: Claim) -> None:
    """Read one page of what the channel sells; map what our SKUs name; ask again while there are more."""
    connection = hub.connection(claim.connection)
    with hub.database.read() as db:
        paged, cursor = connections.mark(db, connection.id, "listings")
    asked, cursor = hub.now, lasting(cursor, paged, hub.now)
    channel = hub.channel(connection)
    page = channel.listings(cursor)
    found = channel.places() if cursor is None else None
    began = min(asked, us(page.until)) if page.until else asked  # a file is as old as its making
    with hub.unit(claim) as work:
        if found is not None:
            keep_places(work, connection, found)
        _keep_slice(hub, work, connection, [_found(one) for one in _distinct(page.items)], began)
        cards.fill(work, connection.merchant, connection.id, page.items)
        connections.set_mark(work.db, connection.merchant, connection.id, "listings", us(hub.clock()), page.cursor)
        _end_of_run(work, connection, asked, first=cursor is None, last=page.cursor is None)
        again = "read_listings" if page.cursor else "publish_stock"
        work.ask(connection.merchant, again, connection.id, connection.id, wait_s=page.wait_s)


def _keep_slice(hub: Hub, work: Unit, connection: Connection, rows: Sequence[Mapping[str, Any]], began: int) -> None:
    """What is as we have it is only seen; what is not is written, and told anew. What shows something else than we believe, though nothing
    is under way about it, is held against the orders."""
    live, merchant = connection.live_at is not None, connection.merchant
    part = slices.compare(work.db, merchant, connection.id, rows, began, live=live)
    listings.lock(work.db, [one.id for one in part.same])
    slices.seen(work.db, [one.id for one in part.same], work.now)
    leading.right(work, connection, part.same)
    listings.keep(work.db, merchant, connection.id, part.other, work.now, began, written=live)
    listings.propose_these(work.db, merchant, [(connection.id, *name) for name in part.strange])
    leading.seen(hub, work, connection, [(one, shown, one.shown or 0) for one, shown in part.odd], began)


def _end_of_run(work: Unit, connection: Connection, began: int, *, first: bool, last: bool) -> None:
    """Remember when a reading of the whole catalogue began; at its end see what it lists no more, or by another name."""
    run, _ = (began, None) if first else connections.mark(work.db, connection.id, "listings run")
    if first:
        connections.set_mark(work.db, connection.merchant, connection.id, "listings run", run)
    if last:
        before, _ = connections.mark(work.db, connection.id, "listings run before")
        renamed = listings.read_whole(work.db, connection.id, run, before)
        work.happened(connection.merchant, [(f"{connection.id}/{name}", ListingRenamed(was, now)) for name, was, now in renamed])
        connections.set_mark(work.db, connection.merchant, connection.id, "listings run before", run)
        listings.read_back(work.db, connection.id, run)


def _distinct(items: Sequence[Found]) -> list[Found]:
    return list({(one.listing, one.sku, one.place): one for one in items}.values())


def _found(one: Found) -> dict[str, Any]:
    return {
        "listing": one.listing,
        "sku": one.sku,
        "place": one.place,
        "title": one.title,
        "handle": msgspec.json.encode(one.handle).decode(),
        "writable": one.writable,
        "uncovered": one.uncovered,
        "item": one.item,
        "shown": one.shown,
        "splits": one.splits,
    }


def look_at(hub: Hub, connection: Connection, some: Sequence[Dirty]) -> list[tuple[Dirty, int | None]]:
    """What these listings show now; what the channel's budget did not reach is left out. Changes nothing."""
    actual = hub.channel(connection).shown([_push(one, None) for one in some]) if some else {}
    return [(one, actual[one.name]) for one in some if one.name in actual]


def believe(work: Unit, connection: Connection, read: Sequence[tuple[Dirty, int | None]], began: int) -> None:
    """They show something else than we believed. More than we told is told again at once, less once the orders are read past this
    moment and do not explain it; where stock is only watched, it is believed."""
    there = [(one, shown) for one, shown in read if shown is not None and connection.live_at is not None]
    listings.confirm(work.db, there, began, work.now)
    _learn(work, connection, [(one, shown) for one, shown in read if shown is None or connection.live_at is None], began, "")
    if there:
        work.ask(connection.merchant, "publish_stock", connection.id, connection.id)
