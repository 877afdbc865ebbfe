"""What was authorized is captured when goods leave, once an order: looked up before it is said, and again before it is repeated."""

import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection as Db

from core.domain.capturing import BARS, ON_SENDING, OPEN, Bar, CaptureState, Next, Taking, bar, following
from core.domain.events import CaptureFailed, PaymentCaptured
from core.domain.tasks import Claim, Outcome
from core.domain.who import Who
from core.errors import OutcomeUnknown, Refused, Unsupported
from core.flows.declined import Declined, asked
from core.hub import Hub
from core.ports import Captures, Channel
from core.store import audit, captures, connections, lists, orders, shipments
from core.store.captures import Capture
from core.store.connections import Connection
from core.store.shipments import Facts
from core.store.unit import Unit

SOON_S, LATER_S = 5.0, 60.0  # until it is looked at after it was said, and while the channel works on it
LOST_US = 60_000_000  # so long after a try whose answer was lost, a channel may not tell of it yet
PATIENCE_US = 24 * 3_600_000_000  # so long a channel may work on it
ENDED = "less is authorized there than is owed"
STILL = "the channel works on it since yesterday"


class Barred(Refused):
    """As the order stands its payment is not captured. `why` is a word of core/domain/capturing.py."""

    def __init__(self, why: Bar) -> None:
        self.why = why
        super().__init__(BARS.get(why, why).removesuffix("."))


# ---- wanting it


def want_in(hub: Hub, work: Unit, merchant: str, facts: Facts, account: Connection) -> None:
    """Something of an order leaves: what is authorized of it is taken, in the caller's transaction. Once: of what leaves later of the same
    order nothing more is asked, unless it failed before. The order is locked."""
    if not hub.connector(account).captures or facts.order.payment_status not in ON_SENDING:
        return
    known = captures.newest(work.db, merchant, facts.id, hub.box(merchant))
    if known is None or known.state is CaptureState.FAILED:
        _ask(hub, work, merchant, facts)


def capture(hub: Hub, merchant: str, order: str, who: Who) -> str:
    """Have the payment of an order captured now, or try it again. Gives the key of it; said again while it goes on, it is the same one.
    Raises Barred, and Refused where there is no such order."""
    with hub.unit() as work:
        facts, known = _locked(hub, work, merchant, order)
        if known and known.state in OPEN:
            work.ask(merchant, "capture_payments", facts.ref, facts.connection)
            return known.id
        if why := bar(facts.order, can=_can(hub, work.db, merchant, facts.connection)):
            raise Barred(why)
        audit.write(work.db, merchant, work.now, who.id, who.name, "order.capture", order)
        return _ask(hub, work, merchant, facts)


def _ask(hub: Hub, work: Unit, merchant: str, facts: Facts) -> str:
    key, whole = uuid.UUID(hub.ids()).hex, facts.order.presented_total or facts.order.total
    captures.add(work.db, merchant, key, facts.id, whole, work.now)
    work.ask(merchant, "capture_payments", facts.ref, facts.connection)
    return key


def _locked(hub: Hub, work: Unit, merchant: str, order: str) -> tuple[Facts, Capture | None]:
    box = hub.box(merchant)
    facts = shipments.facts(work.db, merchant, [order], box).get(order)
    if facts is None:
        raise Refused("there is no such order")
    return facts, captures.newest(work.db, merchant, order, box)


def _can(hub: Hub, db: Db, merchant: str, connection: str) -> bool:
    account = connections.one_of(db, merchant, connection)
    return account is not None and can(hub, account.channel)


def can(hub: Hub, channel: str) -> bool:
    """Whether a channel can be told to capture."""
    connector = hub.connectors.get(channel)
    return connector is not None and connector.captures


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an order's payment stands: `capture` is the last time that it was captured (None: never), `bar` what forbids it now; `stopped`:
    nobody works on it until a person says so."""

    row: Any
    order: Any
    capture: Capture | None
    bar: Bar | None
    stopped: bool

    @property
    def is_going_on(self) -> bool:
        return self.capture is not None and self.capture.state in OPEN and not self.stopped

    @property
    def may_try(self) -> bool:
        return self.bar is None and not self.is_going_on


def look(hub: Hub, db: Db, merchant: str, order: str) -> Standing | None:
    """None where the merchant has no such order. Three statements."""
    found = lists.order(db, merchant, order)
    if found is None:
        return None
    row, seen = found
    parked = captures.is_parked(db, merchant, f"{row.connection}/{row.channel_id}")
    return Standing(row, seen, captures.newest(db, merchant, order, hub.box(merchant)), bar(seen, can=can(hub, row.channel)), parked)


# ---- saying it


@dataclass(frozen=True, slots=True)
class Saying:
    capture: Capture
    facts: Facts


def capture_payments(hub: Hub, claim: Claim) -> None:
    """Look how the payment of an order stands at its channel, and take what is authorized of what is owed. One capture a run: what came of
    it is looked at in the next."""
    account = hub.connection(claim.connection)
    with hub.unit(claim, finish=False) as work:
        one = _begin(hub, work, claim.merchant, claim.subjects[0])
    if one is None:
        with hub.unit(claim):
            return
    said = asked(lambda: _take(hub, claim, hub.channel(account), one))
    if isinstance(said, Declined):
        _failed(hub, claim, one, said.outcome, said.words)
    else:
        _told(hub, claim, one, *said)


def _begin(hub: Hub, work: Unit, merchant: str, ref: str) -> Saying | None:
    """What is to be taken or looked at. What failed is looked at again, since somebody asked for it."""
    known = orders.find(work.db, merchant, [ref], hub.box(merchant)).get(ref)
    if known is None:
        return None
    facts, one = _locked(hub, work, merchant, known.id)
    if one is None or one.state not in (*OPEN, CaptureState.FAILED):
        return None
    if facts.order.is_cancelled and one.tried_at is None:
        captures.end(work.db, one.id, CaptureState.OVER, hub.box(merchant), work.now)
        return None
    return Saying(one, facts)


def _take(hub: Hub, claim: Claim, channel: Channel, one: Saying) -> tuple[Taking, Next]:
    """At most one outside change. What was said and may not be known there yet is not said again."""
    if not isinstance(channel, Captures):
        raise Unsupported("this channel has no way to capture a payment")
    order, key = one.facts.channel_id, one.capture.id
    now = channel.captured(order, key)
    comes = following(now)
    if comes is not Next.TAKE:
        return now, comes
    if one.capture.state in OPEN and hub.now < (one.capture.tried_at or -LOST_US) + LOST_US:
        raise OutcomeUnknown("it may not be known there yet")
    amount = min(now.owed, now.ready, key=lambda money: money.minor)
    with hub.unit(claim, finish=False) as work:
        captures.tried(work.db, key, amount, work.now)
    channel.capture(order, amount, key)
    return now, comes


# ---- what came of it


def _told(hub: Hub, claim: Claim, one: Saying, now: Taking, comes: Next) -> None:
    late = hub.now > (one.capture.tried_at or one.capture.asked_at) + PATIENCE_US
    if comes is Next.LACKS or (comes is Next.WAIT and late):
        _failed(hub, claim, one, Outcome("parked", cause="Refused", detail=ENDED if comes is Next.LACKS else STILL))
    elif comes is Next.DONE:
        _done(hub, claim, one, now)
    else:
        _again(hub, claim, one, SOON_S if comes is Next.TAKE else LATER_S)


def _again(hub: Hub, claim: Claim, one: Saying, wait_s: float) -> None:
    """It is said: what came of it is looked at a little later."""
    with hub.unit(claim) as work:
        if _is_mine(hub, work, claim.merchant, one):
            captures.took(work.db, one.capture.id)
            work.ask(claim.merchant, "capture_payments", one.facts.ref, one.facts.connection, wait_s=wait_s)


def _done(hub: Hub, claim: Claim, one: Saying, now: Taking) -> None:
    """Nothing is owed any more, whoever took it. The order is read, and what waited for its payment may leave."""
    merchant, facts = claim.merchant, one.facts
    with hub.unit(claim) as work:
        if not _is_mine(hub, work, merchant, one):
            return
        captures.done(work.db, one.capture.id, now.taken, work.now)
        if now.taken.minor:
            work.happened(merchant, [(facts.ref, PaymentCaptured(now.taken))])
        work.ask(merchant, "fetch_orders", facts.ref, facts.connection)
        work.ask(merchant, "release_orders", merchant)


def _failed(hub: Hub, claim: Claim, one: Saying, outcome: Outcome, words: str = "") -> None:
    """What left stays sent. Somebody must see it: the task is parked, and nothing more of the order is released."""
    merchant, facts = claim.merchant, one.facts
    with hub.unit(claim) as work:
        if not _is_mine(hub, work, merchant, one):
            return
        claim.say(facts.ref, outcome)
        captures.end(work.db, one.capture.id, CaptureState.FAILED, hub.box(merchant), work.now, words)
        if one.capture.state is not CaptureState.FAILED:
            work.happened(merchant, [(facts.ref, CaptureFailed())])
        work.ask(merchant, "fetch_orders", facts.ref, facts.connection)


def _is_mine(hub: Hub, work: Unit, merchant: str, one: Saying) -> bool:
    """Nobody ended it meanwhile, or wants it anew."""
    _, known = _locked(hub, work, merchant, one.facts.id)
    return known is not None and known.id == one.capture.id and known.state in (*OPEN, CaptureState.FAILED)
