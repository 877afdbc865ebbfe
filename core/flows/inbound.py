"""Goods on their way to our locations: written, sent, received in parts, closed or cancelled. What moves is told to every channel."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from core.domain import inbound as rules
from core.domain.events import Event, InboundCancelled, InboundClosed, InboundReceived, InboundSent
from core.domain.inbound import DISPATCHED, RECALLED, RECEIVED, TAKEN_BACK, Act, Came, Kind, Line, State
from core.domain.places import LocationKind as Place
from core.domain.who import Who
from core.errors import Refused, Unsupported
from core.flows import costing
from core.flows.allocation import ask_waiting, tell_of
from core.hub import Hub
from core.store import audit, costs, goods, inbounds, places, stock
from core.store.inbounds import Inbound
from core.store.stock import Move
from core.store.unit import Unit


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody writes of a delivery; `location` and `source` are ids of ours, `lines` announced units by SKU."""

    kind: Kind
    location: str
    source: str | None = None
    sender: str = ""
    reference: str = ""
    note: str = ""
    expected_at: int | None = None
    lines: Mapping[str, int] = field(default_factory=dict)


class NotOurs(Refused):
    """SKUs that nobody knows were named."""

    def __init__(self, skus: Iterable[str]) -> None:
        self.skus = sorted(skus)
        super().__init__("these SKUs are none of yours: " + ", ".join(self.skus))


class Short(Refused):
    """Less than is to be sent lies free where it leaves."""

    def __init__(self, skus: Sequence[str]) -> None:
        self.skus = list(skus)
        super().__init__("less than that is free there: " + ", ".join(self.skus))


class NotThen(Refused):
    """As it stands that cannot be done with it."""

    def __init__(self, words: str, state: State = State.OPEN) -> None:
        self.state = state
        super().__init__(words)


PAST = {
    Act.EDIT: "changed", Act.SEND: "sent", Act.RECEIVE: "received", Act.TAKE_BACK: "taken back", Act.CLOSE: "closed",
    Act.CANCEL: "cancelled", Act.REOPEN: "opened again",
}  # fmt: skip


class Changed(Refused):
    """Somebody else received some of it meanwhile."""

    def __init__(self, skus: Sequence[str]) -> None:
        self.skus = list(skus)
        super().__init__("more of these had come than you saw: " + ", ".join(self.skus))


# ---- writing it down


def add(hub: Hub, merchant: str, draft: Draft, who: Who) -> str:
    """Write a delivery down. Gives its id. Raises Refused for what cannot be meant."""
    with hub.unit() as work:
        return add_in(hub, work, merchant, draft, who)


def add_in(hub: Hub, work: Unit, merchant: str, draft: Draft, who: Who) -> str:
    """The same in the caller's transaction, like each `_in` below."""
    _check(work, merchant, draft)
    id = hub.ids()
    head = {**_head(draft), "kind": draft.kind.value, "who": who.id, "name": who.name}
    inbounds.add(work.db, merchant, id, head, draft.lines, work.now)
    _note(work, merchant, "inbound.add", id, who, kind=draft.kind.value, reference=draft.reference, units=sum(draft.lines.values()))
    return id


def _head(draft: Draft) -> dict[str, Any]:
    said = {"sender": draft.sender, "reference": draft.reference, "note": draft.note, "expected_at": draft.expected_at}
    return {"location": draft.location, "source": draft.source, **said}


def _check(work: Unit, merchant: str, draft: Draft) -> None:
    kinds = {row.id: row.kind for row in places.locations(work.db, merchant)}
    if wrong := _wrong_way(draft, kinds):
        raise Refused(wrong)
    if len(draft.lines) > rules.LINES or any(not 1 <= units <= rules.MOST for units in draft.lines.values()):
        raise Refused(f"a delivery has at most {rules.LINES} lines, of 1 to {rules.MOST} units each")
    if strangers := draft.lines.keys() - goods.known(work.db, merchant, list(draft.lines)):
        raise NotOurs(strangers)


def _wrong_way(draft: Draft, kinds: Mapping[str, str]) -> str:
    if draft.location not in kinds or (draft.source is not None and draft.source not in kinds):
        return "there is no such location"
    if (draft.kind is Kind.TRANSFER) != (draft.source is not None) or draft.source == draft.location:
        return "a transfer leaves one of your locations for another, and nothing else does"
    if draft.source is not None and kinds[draft.source] == Place.FBA:
        return "what leaves Amazon's warehouse is a removal"
    if kinds[draft.location] == Place.FBA and draft.kind is not Kind.TRANSFER:
        return "only a transfer goes to Amazon's warehouse"
    return ""


def edit(hub: Hub, merchant: str, id: str, draft: Draft, who: Who) -> None:
    """Write it anew while nothing of it has left. Its kind stays."""
    with hub.unit() as work:
        edit_in(work, merchant, id, draft, who)


def edit_in(work: Unit, merchant: str, id: str, draft: Draft, who: Who) -> None:
    one = _held(work, merchant, id, Act.EDIT)
    if draft.kind is not one.kind:
        raise Refused("its kind stays what it is")
    _check(work, merchant, draft)
    inbounds.edit(work.db, merchant, id, _head(draft), draft.lines)
    _note(work, merchant, "inbound.edit", id, who, units=sum(draft.lines.values()))


def set_lines_in(work: Unit, merchant: str, id: str, lines: Mapping[str, int], who: Who) -> dict[str, int]:
    """Announce these units by SKU and no others. Gives what was announced before."""
    one = _held(work, merchant, id, Act.EDIT)
    edit_in(work, merchant, id, replace(draft_of(one), lines=lines), who)
    return {line.sku: line.units for line in one.lines.values()}


def draft_of(one: Inbound) -> Draft:
    """A delivery as somebody wrote it."""
    lines = {sku: line.units for sku, line in one.lines.items()}
    return Draft(one.kind, one.location, one.source, one.sender, one.reference, one.note, one.expected_at, lines)


def _held(work: Unit, merchant: str, id: str, act: Act) -> Inbound:
    """Locked. Raises Unsupported for one that is not there, NotThen where that cannot be done with it as it stands."""
    one = inbounds.one(work.db, merchant, id, lock=True)
    if one is None:
        raise Unsupported("there is no such delivery")
    if not rules.may(one.state, act, one.lines.values()):
        raise NotThen(f"it is {one.state.value}: it cannot be {PAST[act]} now", one.state)
    return one


def _note(work: Unit, merchant: str, act: str, id: str, who: Who, **said: Any) -> None:
    audit.write(work.db, merchant, work.now, who.id, who.name, act, f"inbound/{id}", **said)


# ---- on its way, and back


def send(hub: Hub, merchant: str, id: str, who: Who) -> None:
    """It is on its way; a transfer's units leave their location now. Raises Short where less is free there."""
    with hub.unit() as work:
        send_in(work, merchant, id, who)


def send_in(work: Unit, merchant: str, id: str, who: Who) -> None:
    one = _held(work, merchant, id, Act.SEND)
    if not one.lines:
        raise Refused("there is nothing on it")
    if one.kind is Kind.TRANSFER:
        _dispatch(work, merchant, one)
    _become(work, merchant, one, Act.SEND, InboundSent(sum(line.units for line in one.lines.values())))
    _note(work, merchant, "inbound.send", id, who, units=sum(line.units for line in one.lines.values()))


def _dispatch(work: Unit, merchant: str, one: Inbound) -> None:
    levels = stock.lock_levels(work.db, merchant, one.lines)
    if missing := rules.short(one.lines.values(), one.source or "", levels):
        raise Short(missing)
    _move(
        work, merchant, [Move(line.sku, one.source or "", -line.units, 0, DISPATCHED, f"inbound/{one.id}") for line in one.lines.values()]
    )
    _change(work, merchant, one, {sku: (line.units, 0, 0) for sku, line in one.lines.items()})


def _move(work: Unit, merchant: str, moves: Sequence[Move]) -> None:
    stock.move(work.db, merchant, moves, work.now)
    if any(one.units > 0 for one in moves):
        ask_waiting(work, merchant)


def _change(work: Unit, merchant: str, one: Inbound, lines: Mapping[str, tuple[int, int, int]]) -> None:
    """(sent, received, damaged) more of each line."""
    rows = [{"sku": sku, "sent": sent, "received": good, "damaged": damaged} for sku, (sent, good, damaged) in sorted(lines.items())]
    inbounds.change(work.db, merchant, one.id, rows)


def _become(work: Unit, merchant: str, one: Inbound, act: Act, *facts: Event) -> None:
    """What it is after an act; what is expected of its SKUs may be another number, too."""
    state = rules.after(one.state, act) or one.state
    if state is not one.state:
        inbounds.become(work.db, merchant, one.id, state, work.now)
    tell_of(work, merchant, one.lines)
    work.happened(merchant, [(f"inbound/{one.id}", fact) for fact in facts])


def cancel(hub: Hub, merchant: str, id: str, who: Who) -> int:
    """It does not come; what left for a transfer and did not arrive is back where it left. Gives how many units came back."""
    with hub.unit() as work:
        return cancel_in(work, merchant, id, who)


def cancel_in(work: Unit, merchant: str, id: str, who: Who) -> int:
    one = _held(work, merchant, id, Act.CANCEL)
    stock.lock_levels(work.db, merchant, one.lines)
    back = {sku: line.missing(one.kind) for sku, line in one.lines.items() if line.missing(one.kind)} if one.source else {}
    _move(work, merchant, [Move(sku, one.source or "", units, 0, RECALLED, f"inbound/{id}") for sku, units in back.items()])
    _change(work, merchant, one, {sku: (-units, 0, 0) for sku, units in back.items()})
    _become(work, merchant, one, Act.CANCEL, InboundCancelled(sum(back.values())))
    _note(work, merchant, "inbound.cancel", id, who, back=sum(back.values()))
    return sum(back.values())


def close(hub: Hub, merchant: str, id: str, who: Who) -> dict[str, int]:
    """Nothing more of it comes. Gives what did not arrive, by SKU."""
    with hub.unit() as work:
        return close_in(work, merchant, id, who)


def close_in(work: Unit, merchant: str, id: str, who: Who) -> dict[str, int]:
    one = _held(work, merchant, id, Act.CLOSE)
    stock.lock_levels(work.db, merchant, one.lines)
    missing = {sku: line.missing(one.kind) for sku, line in one.lines.items() if line.missing(one.kind)}
    _become(work, merchant, one, Act.CLOSE, InboundClosed(sum(missing.values())))
    _note(work, merchant, "inbound.close", id, who, missing=sum(missing.values()))
    return missing


def reopen(hub: Hub, merchant: str, id: str, who: Who) -> None:
    """The way back: what was closed is on its way again, what was cancelled before anything came is being written again."""
    with hub.unit() as work:
        reopen_in(work, merchant, id, who)


def reopen_in(work: Unit, merchant: str, id: str, who: Who) -> None:
    one = _held(work, merchant, id, Act.REOPEN)
    stock.lock_levels(work.db, merchant, one.lines)
    _become(work, merchant, one, Act.REOPEN)
    _note(work, merchant, "inbound.reopen", id, who, was=one.state.value)


# ---- receiving


@dataclass(frozen=True, slots=True)
class Received:
    """What was taken in, and of which SKUs more came than was announced: (SKU, units beyond it)."""

    came: Sequence[Came]
    more: Mapping[str, int]


def receive(hub: Hub, merchant: str, id: str, came: Sequence[Came], who: Who) -> Received:
    """Put what came on the shelf, whatever was announced. Raises Changed where somebody else received some of it meanwhile, NotOurs for
    what is not on it, Refused for what Amazon counts itself."""
    with hub.unit() as work:
        return receive_in(work, merchant, id, came, who)


def receive_in(work: Unit, merchant: str, id: str, came: Sequence[Came], who: Who) -> Received:
    one = _held(work, merchant, id, Act.RECEIVE)
    if one.location_kind == Place.FBA:
        raise Refused(f"{one.location_name} is Amazon's own: what it receives is read there")
    return take_in(work, merchant, one, came, who)


def take_in(work: Unit, merchant: str, one: Inbound, came: Sequence[Came], who: Who) -> Received:
    """Receive into a delivery that is held: also what Amazon says that it received, which moves no level of ours."""
    came = [part for part in came if part.good or part.damaged]
    _fits(one, came)
    stock.lock_levels(work.db, merchant, [part.sku for part in came])
    costing.received(work, merchant, one, came, who, costs.on_hand(work.db, merchant, [part.sku for part in came]))
    if one.location_kind != Place.FBA:
        _move(work, merchant, [Move(part.sku, one.location, part.good, part.damaged, RECEIVED, f"inbound/{one.id}") for part in came])
    _change(work, merchant, one, {part.sku: (0, part.good, part.damaged) for part in came})
    good, damaged = sum(part.good for part in came), sum(part.damaged for part in came)
    _become(work, merchant, one, Act.RECEIVE, *([InboundReceived(good, damaged)] if came else []))
    _note(work, merchant, "inbound.receive", one.id, who, came=[[part.sku, part.good, part.damaged] for part in came])
    return Received(came, _more(one, came))


def _fits(one: Inbound, came: Sequence[Came]) -> None:
    if strangers := {part.sku for part in came} - one.lines.keys():
        raise NotOurs(strangers)
    if any(not 0 <= units <= rules.MOST for part in came for units in (part.good, part.damaged)):
        raise Refused(f"units must be from 0 to {rules.MOST}")
    if changed := rules.not_seen(one.lines, came):
        raise Changed(changed)


def _more(one: Inbound, came: Sequence[Came]) -> dict[str, int]:
    after = [_with(one.lines[part.sku], part) for part in came]
    return {line.sku: line.more(one.kind) for line in after if line.more(one.kind)}


def _with(line: Line, part: Came) -> Line:
    return Line(line.sku, line.units, line.sent, line.received + part.good, line.damaged + part.damaged)


def take_back(hub: Hub, merchant: str, id: str, came: Sequence[Came], who: Who) -> None:
    """The way back: these did not come. Raises Refused where they are promised by now, or never came."""
    with hub.unit() as work:
        take_back_in(work, merchant, id, came, who)


def take_back_in(work: Unit, merchant: str, id: str, came: Sequence[Came], who: Who) -> None:
    one = _held(work, merchant, id, Act.TAKE_BACK)
    _fits(one, came)
    levels = stock.lock_levels(work.db, merchant, [part.sku for part in came])
    for part in came:
        line, (on_hand, reserved) = one.lines[part.sku], levels.get((part.sku, one.location), (0, 0))
        if part.good > min(line.received, on_hand - reserved) or part.damaged > line.damaged or one.location_kind == Place.FBA:
            raise Refused("it did not come, or is promised or gone by now")
    _move(work, merchant, [Move(part.sku, one.location, -part.good, -part.damaged, TAKEN_BACK, f"inbound/{id}") for part in came])
    _change(work, merchant, one, {part.sku: (0, -part.good, -part.damaged) for part in came})
    _become(work, merchant, one, Act.TAKE_BACK, InboundReceived(-sum(part.good for part in came), -sum(part.damaged for part in came)))
    _note(work, merchant, "inbound.take_back", id, who, came=[[part.sku, part.good, part.damaged] for part in came])
