"""An order is called off at its channel, once; a buyer who wishes it is answered. It is done when the order itself shows it."""

import uuid
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection as Db

from core.domain.calling_off import BARS, FAILED, OPEN, Bar, CallingState, bar
from core.domain.events import AppealAnswered, OrderCalledOff, OrderHeld, OrderReleased
from core.domain.holds import Why
from core.domain.shipping import Cancelling, CancelReason, Sent
from core.domain.tasks import Claim, Outcome
from core.domain.who import HUB, Who
from core.errors import OutcomeUnknown, Refused, Unsupported
from core.flows import sending
from core.flows.declined import Declined, asked
from core.hub import Hub
from core.ports import Appeals, CallsOff, Cancels, Channel
from core.store import audit, callings, connections, desk, lists, orders, parcels, places, shipments
from core.store.callings import Answer, Calling
from core.store.connections import Connection
from core.store.shipments import Facts
from core.store.unit import Unit

LOOK_S = 15.0  # so long after a channel took it, the order is read
LOST_US = 60_000_000  # so long after a try whose answer was lost, a channel may not tell of it yet
STILL = "the channel took it, and its order is not cancelled"


class Barred(Refused):
    """As the order stands that cannot be done. `why` is a word of core/domain/calling_off.py."""

    def __init__(self, why: Bar) -> None:
        self.why = why
        super().__init__(BARS.get(why, why).removesuffix("."))


# ---- wanting it


def call_off(hub: Hub, merchant: str, order: str, reason: CancelReason, who: Who, *, restock: bool = True) -> str:
    """Have a whole order cancelled at its channel; `restock`: the channel puts its units back on show by itself. Gives the key of it. Said
    again while it goes on, it is the same one. Raises Barred, and Refused where there is no such order."""
    with hub.unit() as work:
        return call_off_in(hub, work, merchant, order, reason, who, restock=restock)


def call_off_in(hub: Hub, work: Unit, merchant: str, order: str, reason: CancelReason, who: Who, *, restock: bool = True) -> str:
    """The same in the caller's transaction."""
    facts, known = _locked(hub, work, merchant, order)
    if known and known.state in OPEN:
        if not known.stops:
            raise Barred(Bar.ANSWERED)
        return known.id
    _check(hub, work, merchant, facts)
    audit.write(work.db, merchant, work.now, who.id, who.name, "order.cancel", order, reason=reason.value, restock=restock)
    work.happened(merchant, [(facts.ref, OrderCalledOff(CallingState.WANTED.value, reason.value, who.name))])
    return _ask(hub, work, merchant, facts, reason, who, restock=restock, answer=None)


def answer(hub: Hub, merchant: str, order: str, who: Who, *, agree: bool) -> str:
    """Answer the buyer of an order who wishes to cancel it: agreed, or that it is sent anyway. Gives the key of it; answered again as
    before it is the same one. Raises Barred, and Refused where there is no such order."""
    with hub.unit() as work:
        return answer_in(hub, work, merchant, order, who, agree=agree)


def answer_in(hub: Hub, work: Unit, merchant: str, order: str, who: Who, *, agree: bool) -> str:
    """The same in the caller's transaction."""
    facts, known = _locked(hub, work, merchant, order)
    if known and _said_so(known, agree=agree):
        return known.id
    if known and known.state in OPEN:
        raise Barred(Bar.ANSWERED)
    if not facts.order.cancel_requested or facts.order.is_cancelled:
        raise Barred(Bar.NO_WISH)
    if agree:
        _check(hub, work, merchant, facts)
    audit.write(work.db, merchant, work.now, who.id, who.name, "order.answer", order, agree=agree)
    return _ask(hub, work, merchant, facts, CancelReason.BUYER, who, restock=True, answer=Answer(agree))


def _said_so(known: Calling, *, agree: bool) -> bool:
    """Nothing new would be said: it is being cancelled, or the buyer is answered so already."""
    return (known.state in OPEN and known.stops == agree) or (known.state is CallingState.WAIVED and not agree)


def _locked(hub: Hub, work: Unit, merchant: str, order: str) -> tuple[Facts, Calling | None]:
    box = hub.box(merchant)
    facts = shipments.facts(work.db, merchant, [order], box).get(order)
    if facts is None:
        raise Refused("there is no such order")
    return facts, callings.newest(work.db, merchant, order, box)


def _check(hub: Hub, work: Unit, merchant: str, facts: Facts) -> None:
    account = connections.one_of(work.db, merchant, facts.connection)
    can = account is not None and how(hub, account.channel) is not None
    if why := bar(facts.order, left=callings.has_left(work.db, merchant, facts.id), can=can):
        raise Barred(why)


def how(hub: Hub, channel: str) -> CallsOff | None:
    """How a channel goes about it; None where it has no way to be told."""
    connector = hub.connectors.get(channel)
    return connector.calls_off if connector else None


def _ask(
    hub: Hub, work: Unit, merchant: str, facts: Facts, reason: CancelReason, who: Who, *, restock: bool, answer: Answer | None
) -> str:  # fmt: skip
    key = uuid.UUID(hub.ids()).hex
    callings.add(work.db, merchant, key, facts.id, reason, (who.id, who.name), work.now, restock=restock, answer=answer)
    work.ask(merchant, "call_off_orders", facts.ref, facts.connection)
    return key


def withdraw(hub: Hub, merchant: str, order: str, who: Who) -> None:
    """The order shall be sent after all: the channel was not told yet, or refused, or somebody looked there. What is held for it is let
    go. Raises Barred while the channel works on it."""
    with hub.unit() as work:
        facts, known = _locked(hub, work, merchant, order)
        if known is None or not may_withdraw(known, parked=callings.is_parked(work.db, merchant, facts.ref)):
            raise Barred(Bar.ANSWERED)
        callings.end(work.db, known.id, CallingState.WITHDRAWN, hub.box(merchant), work.now)
        freed = desk.release(work.db, merchant, [order]) if known.state in FAILED else {}
        work.happened(merchant, [(facts.ref, OrderCalledOff(CallingState.WITHDRAWN.value, known.reason.value, who.name))])
        work.happened(merchant, [(ref, OrderReleased(who.name)) for ref, _ in freed.values()])
        work.ask(merchant, "call_off_orders", facts.ref, facts.connection)  # nothing waits for a person any more: it finds nothing to do
        work.ask(merchant, "release_orders", merchant)
        audit.write(work.db, merchant, work.now, who.id, who.name, "order.uncancel", order)


def may_withdraw(known: Calling, *, parked: bool) -> bool:
    """It failed, or nobody said it yet, or nobody says it any more."""
    return known.state in FAILED or (known.state is CallingState.WANTED and (known.tried_at is None or parked))


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an order stands in this: `calling` is the last time that it was called off (None: never), `bar` what forbids to do it now,
    `how` its channel goes about it (None: it cannot be told)."""

    row: Any
    calling: Calling | None
    bar: Bar | None
    how: CallsOff | None
    is_wished: bool
    may_withdraw: bool

    @property
    def is_going_on(self) -> bool:
        return self.calling is not None and self.calling.state in OPEN


def look(hub: Hub, db: Db, merchant: str, order: str) -> Standing | None:
    """None where the merchant has no such order. Four statements."""
    found = lists.order(db, merchant, order)
    if found is None:
        return None
    row, seen = found
    calling, way = callings.newest(db, merchant, order, hub.box(merchant)), how(hub, row.channel)
    parked = callings.is_parked(db, merchant, f"{row.connection}/{row.channel_id}")
    why = bar(seen, left=callings.has_left(db, merchant, order), can=way is not None)
    unanswered = calling is None or calling.state not in (*OPEN, CallingState.WAIVED)
    is_wished = seen.cancel_requested and not seen.is_cancelled and unanswered and way is not None and way.answers
    return Standing(row, calling, why, way, is_wished, calling is not None and may_withdraw(calling, parked=parked))


# ---- saying it


@dataclass(frozen=True, slots=True)
class Saying:
    """`before`: it may have been said already; `sent` is a parcel that left."""

    calling: Calling
    facts: Facts
    sent: Sent | None
    before: bool


def call_off_orders(hub: Hub, claim: Claim) -> None:
    """Tell a channel what was written down of an order. Whatever may have been said is looked for before it is said again; what it took is
    looked at when its time is over."""
    account = hub.connection(claim.connection)
    within_s = (hub.connector(account).calls_off or CallsOff()).within.total_seconds()
    with hub.unit(claim, finish=False) as work:
        one = _begin(hub, work, claim.merchant, account, claim.subjects[0])
    left_s = _left_s(hub, one, within_s)
    if one is None or left_s > 0:
        _wait(hub, claim, left_s)
        return
    said = asked(lambda: _say(hub, claim, hub.channel(account), one))
    if isinstance(said, Declined):
        _failed(hub, claim, one, CallingState.REFUSED, said.outcome, said.words)
    else:
        _told(hub, claim, one, said, within_s)


def _begin(hub: Hub, work: Unit, merchant: str, account: Connection, ref: str) -> Saying | None:
    """What is to be said or looked at; from now on it may have been said. What failed is said again, since somebody asked for it."""
    known = orders.find(work.db, merchant, [ref], hub.box(merchant)).get(ref)
    if known is None:
        return None
    facts, one = _locked(hub, work, merchant, known.id)
    if one is None or one.state not in (*OPEN, *FAILED) or facts.order.is_cancelled:
        return None
    if one.state in FAILED and bar(facts.order, left=callings.has_left(work.db, merchant, facts.id), can=True):
        return None
    before = one.tried_at is not None
    if one.state is not CallingState.ASKED:
        callings.tried(work.db, one.id, one.tried_at or work.now)
        one = replace(one, state=CallingState.WANTED)
    return Saying(one, facts, _parcel(work, merchant, account, facts), before)


def _parcel(work: Unit, merchant: str, account: Connection, facts: Facts) -> Sent | None:
    """One that left already, for a buyer who is answered that it did."""
    sent = shipments.sent_of(work.db, merchant, facts.id)[:1]
    boxes = parcels.of_shipments(work.db, merchant, sent)
    if not sent or not boxes.get(sent[0]):
        return None
    one, loads = shipments.found(work.db, merchant, sent)[sent[0]], shipments.loads(work.db, merchant, sent).get(sent[0], [])
    return sending.said(facts, one, boxes[one.id][0], loads, places.map_of(work.db, account.id, account.location), "")


def _left_s(hub: Hub, one: Saying | None, within_s: float) -> float:
    """How long the channel may still work on what it took."""
    if one is None or one.calling.state is not CallingState.ASKED:
        return 0.0
    return within_s - (hub.now - (one.calling.tried_at or 0)) / 1e6


def _wait(hub: Hub, claim: Claim, left_s: float) -> None:
    with hub.unit(claim) as work:
        if left_s > 0:
            work.ask(claim.merchant, "call_off_orders", claim.subjects[0], claim.connection, wait_s=left_s)


def _say(hub: Hub, claim: Claim, channel: Channel, one: Saying) -> Cancelling | None:
    """One outside change. None: the buyer is answered that it is sent."""
    if not isinstance(channel, Cancels):
        raise Unsupported("this channel has no way to call an order off")
    calling, order = one.calling, one.facts.channel_id
    if calling.answer is not None and calling.state is not CallingState.ASKED:
        return _answer(hub, claim, channel, one, calling.answer)
    if one.before:
        found = channel.cancelling(order, calling.id)
        if found is not Cancelling.NOT_CANCELLED or calling.state is CallingState.ASKED:
            return found
        if hub.now < (calling.tried_at or 0) + LOST_US:
            raise OutcomeUnknown("it may not be known there yet")
        with hub.unit(claim, finish=False) as work:
            callings.tried(work.db, calling.id, work.now)
    return channel.cancel(order, calling.reason, calling.id, restock=calling.restock)


def _answer(hub: Hub, claim: Claim, channel: Channel, one: Saying, answer: Answer) -> Cancelling | None:
    """Wishes that are not open any more are answered already."""
    if not isinstance(channel, Appeals):
        raise Unsupported("this channel has no way to answer a buyer")
    wishes = channel.appeals(one.facts.channel_id)
    for wish in wishes:
        channel.answer(one.facts.channel_id, wish, agree=answer.agree, sent=one.sent)
    if wishes:
        with hub.unit(claim, finish=False) as work:
            callings.answered(work.db, one.calling.id, Answer(answer.agree, tuple(wish.id for wish in wishes)))
    return Cancelling.ASKED if answer.agree else None


# ---- what came of it


def _told(hub: Hub, claim: Claim, one: Saying, found: Cancelling | None, within_s: float) -> None:
    late = one.calling.state is CallingState.ASKED and found is not Cancelling.DONE
    if found is Cancelling.NOT_CANCELLED or late:
        _failed(hub, claim, one, CallingState.STANDS, Outcome("parked", cause="StillStands", detail=STILL))
    elif found is None:
        _waived(hub, claim, one)
    else:
        _took(hub, claim, one, found, within_s)


def _took(hub: Hub, claim: Claim, one: Saying, found: Cancelling, within_s: float) -> None:
    """The order is read, and this looked at again when the channel's time is over."""
    merchant, facts = claim.merchant, one.facts
    with hub.unit(claim) as work:
        if not _is_mine(hub, work, merchant, one):
            return
        callings.took(work.db, one.calling.id, work.now)
        if one.calling.answer and one.calling.state is not CallingState.ASKED:
            work.happened(merchant, [(facts.ref, AppealAnswered(agreed=True, by=one.calling.name))])
        work.ask(merchant, "fetch_orders", facts.ref, facts.connection, wait_s=0.0 if found is Cancelling.DONE else LOOK_S)
        work.ask(merchant, "call_off_orders", facts.ref, facts.connection, wait_s=within_s)


def _waived(hub: Hub, claim: Claim, one: Saying) -> None:
    """The buyer knows that it is sent: it may leave."""
    merchant, facts = claim.merchant, one.facts
    with hub.unit(claim) as work:
        if not _is_mine(hub, work, merchant, one):
            return
        callings.end(work.db, one.calling.id, CallingState.WAIVED, hub.box(merchant), work.now)
        work.happened(merchant, [(facts.ref, AppealAnswered(agreed=False, by=one.calling.name))])
        work.ask(merchant, "fetch_orders", facts.ref, facts.connection)
        work.ask(merchant, "release_orders", merchant)


def _failed(hub: Hub, claim: Claim, one: Saying, state: CallingState, outcome: Outcome, words: str = "") -> None:
    """The order stands, and is held: whoever wanted it cancelled says what shall become of it."""
    merchant, facts, reason = claim.merchant, one.facts, one.calling.reason.value
    with hub.unit(claim) as work:
        if not _is_mine(hub, work, merchant, one):
            return
        claim.say(facts.ref, outcome)
        callings.end(work.db, one.calling.id, state, hub.box(merchant), work.now, words)
        work.happened(merchant, [(facts.ref, OrderCalledOff(state.value, reason, one.calling.name))])
        held = desk.hold(work.db, merchant, {facts.id: Why(reason).value}, work.now) if one.calling.stops else {}
        work.happened(merchant, [(ref, OrderHeld(why, HUB.name)) for ref, why in held.values()])
        work.ask(merchant, "release_orders", merchant)


def _is_mine(hub: Hub, work: Unit, merchant: str, one: Saying) -> bool:
    """Nobody ended it meanwhile: the order did not come back cancelled while its channel answered."""
    _, known = _locked(hub, work, merchant, one.facts.id)
    return known is not None and known.id == one.calling.id and known.state in OPEN
