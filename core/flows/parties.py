"""Others who send for us are asked to, once, and asked to stop; who does not answer in time is shown to somebody."""

import csv
import io
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from sqlalchemy import Connection as Db

from core.domain import hooks as hooking
from core.domain import pieces
from core.domain.hooks import Secret
from core.domain.money import Money
from core.domain.order import Address
from core.domain.places import LocationKind
from core.domain.requests import OPEN, Asking, Request, RequestLine, RequestState, Share, Standing, Way
from core.domain.shipping import Cancelling
from core.domain.stored import SETTLES_US
from core.domain.tasks import Claim, Outcome
from core.domain.who import HUB, Who
from core.errors import AccessLost, OutcomeUnknown, Refused, Unavailable, Unsupported
from core.flows import answering, releasing, switching
from core.flows.answering import Case
from core.flows.stock_csv import escaped
from core.hub import Hub
from core.ports import Attachment, Fulfills, Heard, Letter
from core.store import audit, connections, keys, places, requests, shipments, stored
from core.store.requests import Asked
from core.store.shipments import Facts
from core.store.tables import when
from core.store.unit import Unit
from core.store.vault import Box

HOUR_US = 3_600_000_000
LOOK_S, HELD_S = 1800.0, 900.0  # a connection is asked how it stands; what is held is looked at again
MOST_HOURS = 24 * 14
KINDS = (LocationKind.SERVICE, LocationKind.SUPPLIER)
NOT_THEIRS = "only another company's warehouse, or a supplier that sends to buyers, can be asked"
COLUMNS = (
    "shipment", "order", "line", "sku", "title", "units", "name", "company", "street1", "street2", "city", "region", "postcode", "country",
    "phone", "carrier", "tracking", "url",
)  # fmt: skip


# ---- how a location is asked


def set_asking(hub: Hub, merchant: str, location: str, how: Asking | None, who: Who) -> str:
    """From now on whoever sends from this location is asked so; None: nobody is. What was asked before goes on as it was. Gives the secret
    that signs what a program is told, "" elsewhere. Raises Refused for what cannot be meant."""
    if is_channels(hub, merchant, location):
        switching.switch(hub, merchant, location, how, who)
        return ""
    with hub.unit() as work:
        row = next((row for row in places.locations(work.db, merchant) if row.id == location), None)
        if row is None or (how and row.kind not in KINDS):
            raise Refused(NOT_THEIRS)
        made = _checked(hub, work, merchant, how) if how else None
        requests.set_asking(work.db, merchant, location, made, hub.box(merchant))
        known = next(site for site in shipments.all_sites(work.db, merchant) if site.id == location)
        ships = made is not None or (known.address is not None and bool(row.ships))
        shipments.set_site(work.db, merchant, location, ships=ships, address=known.address, zone=known.zone)
        said = {"way": made.way.value if made else "", "hours": made.hours if made else 0}
        audit.write(work.db, merchant, work.now, who.id, who.name, "location.asks", row.name, **said)
        work.ask(merchant, "release_orders", merchant)
    return made.secret if made else ""


def is_channels(hub: Hub, merchant: str, location: str) -> bool:
    """Whether it is a channel's own warehouse."""
    with hub.database.read() as db:
        return location in stored.locations(db, merchant)


def check_kind(hub: Hub, merchant: str, location: str) -> None:
    """Raises Refused where nobody else can send from there."""
    with hub.database.read() as db:
        if not any(row.id == location and row.kind in KINDS for row in places.locations(db, merchant)):
            raise Refused(NOT_THEIRS)


def _checked(hub: Hub, work: Unit, merchant: str, how: Asking) -> Asking:
    if not 1 <= how.hours <= MOST_HOURS:
        raise Refused(f"they answer within 1 to {MOST_HOURS} hours")
    match how.way:
        case Way.MAIL if how.to.count("@") != 1 or not how.to.isprintable() or " " in how.to:
            raise Refused("write one e-mail address")
        case Way.HOOK:
            if why := hub.outward.refuses(how.to):
                raise Refused(why)
            return replace(how, secret=hooking.written(secrets.token_bytes(hooking.BYTES)))
        case Way.API if not any(key.id == how.key and key.holds(work.now) for key in keys.all_of(work.db, merchant)):
            raise Refused("there is no such API key")
        case Way.CONNECTION:
            account = connections.one_of(work.db, merchant, how.connection)
            if account is None or not isinstance(hub.channel(account), Fulfills):
                raise Refused("that connection sends nothing for others")
    return how


# ---- what is said


@dataclass(frozen=True, slots=True, repr=False)
class Turn:
    """A request with what it says and how they are asked, for the first time at `tried_at`. `before`: they may have been told already."""

    case: Case
    how: Asking | None
    wish: Request
    tried_at: int
    before: bool


def wish_of(facts: Facts, case_name: str, shares: Mapping[str, Share]) -> Request:
    """What is open of it. Without an address where nobody knows one any more."""
    person, lines = facts.person, {line.id: line for line in facts.order.lines}
    to = (person.final_ship_to or person.ship_to) if person else None
    wanted = tuple(RequestLine(one.line, one.sku, one.open, one.title, _value(lines.get(one.line))) for one in shares.values() if one.open)
    note = person.gift_message if person else ""
    return Request(case_name, facts.name, facts.order.placed_at, to or Address(), wanted, note=note)


def _value(line: Any) -> Money | None:
    return line.charge.net.split([1] * max(1, line.ordered))[0] if line else None


def table(wish: Request) -> bytes:
    """A CSV that a spreadsheet opens: a row for each line, with room for what they answer. No price is in it."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    to = wish.to
    where = (to.name, to.company, to.street1, to.street2, to.city, to.region, to.postcode, to.country, to.phone)
    for one in wish.lines:
        writer.writerow(
            [escaped(str(cell)) for cell in (wish.name, wish.order, one.line, one.sku, one.title, one.units, *where, "", "", "")]
        )
    return out.getvalue().encode("utf-8-sig")


def told_of(turn: Turn, kind: str) -> bytes:
    """What a program of theirs is told, as JSON."""
    wish, asked = turn.wish, turn.case.asked
    body: dict[str, Any] = {"type": kind, "request": asked.id, "shipment": wish.name, "order": wish.order}
    if kind == "request.wanted":
        lines = [{"line": one.line, "sku": one.sku, "title": one.title, "units": one.units} for one in wish.lines]
        body |= {"to": wish.to, "lines": lines, "note": wish.note, "placed_at": wish.placed_at.isoformat()}
    return msgspec.json.encode(body)


# ---- by a worker


def ask_parties(hub: Hub, claim: Claim) -> None:
    """Do the next thing for a request: ask, look for an answer, or have them stop."""
    merchant, id = claim.merchant, claim.subjects[0]
    with hub.unit(claim, finish=False) as work:
        turn = _begin(hub, work, merchant, id)
    if isinstance(turn, Outcome):
        with hub.unit(claim):
            claim.say(id, turn)
    elif turn.case.asked.state is RequestState.WITHDRAWING:
        _stop(hub, claim, turn)
    elif turn.case.asked.state is RequestState.WANTED:
        _ask(hub, claim, turn)
    else:
        _look(hub, claim, turn)


def _begin(hub: Hub, work: Unit, merchant: str, id: str) -> Turn | Outcome:
    """What is to be done; from now on they may have been told. An outcome: nothing, or not now."""
    try:
        case = answering.open_case(hub, work, merchant, id)
    except Unsupported:
        return Outcome()
    asked = case.asked
    if asked.state not in (*OPEN, RequestState.WITHDRAWING):
        return Outcome()
    if asked.state is RequestState.WANTED and asked.tried_at is None:
        if _is_held(hub, work, merchant, case):
            return Outcome("due", HELD_S, counts=False)
        requests.tried(work.db, id, work.now)
    how = requests.asking(work.db, merchant, asked.location, hub.box(merchant))
    return Turn(case, how, wish_of(case.facts, case.shipment.name, case.shares), asked.tried_at or work.now, asked.tried_at is not None)


def _is_held(hub: Hub, work: Unit, merchant: str, case: Case) -> bool:
    return any(one.id == case.shipment.id for one, _ in releasing.stopped(hub, work, merchant, [case.facts.id]))


def _ask(hub: Hub, claim: Claim, turn: Turn) -> None:
    """One outside change under the request's key; a system that can tell is asked first whether it knows it."""
    if turn.wish.to == Address():
        raise Refused("nobody knows where it goes")
    try:
        _let_know(hub, turn, "request.wanted")
    except AccessLost:
        raise
    except Refused as error:
        if turn.case.asked.way is not Way.CONNECTION:
            raise
        with hub.unit(claim) as work:
            answering.refuse(hub, work, claim.merchant, turn.case.asked.id, HUB, error.words or str(error))
            _recount(work, turn.case.asked)
        return
    with hub.unit(claim) as work:
        _asked(hub, work, claim, turn)


def _asked(hub: Hub, work: Unit, claim: Claim, turn: Turn) -> None:
    """They know of it: until when should they say something?"""
    case = answering.open_case(hub, work, claim.merchant, turn.case.asked.id)
    if case.asked.state is RequestState.WANTED:
        hours = turn.how.hours if turn.how else 0
        requests.become(work.db, case.asked.id, RequestState.ASKED, work.now, due=work.now + hours * HOUR_US)
        answering.note(work, claim.merchant, case, RequestState.ASKED.value)
    work.ask(claim.merchant, "ask_parties", case.asked.id, claim.connection)  # looks for an answer, or goes on with what happened meanwhile


def _look(hub: Hub, claim: Claim, turn: Turn) -> None:
    """Whoever can be asked is; else their time runs."""
    asked = turn.case.asked
    if asked.way is Way.CONNECTION:
        _learn(hub, claim, turn, _fulfills(hub, asked.connection).fulfilling(asked.id))
        return
    with hub.unit(claim):
        claim.say(asked.id, _until(hub, asked.due_at, "no answer came in time"))


def _until(hub: Hub, due: int | None, words: str) -> Outcome:
    if due is None:
        return Outcome()
    if hub.now < due:
        return Outcome("due", (due - hub.now) / 1e6, counts=False)
    return Outcome("parked", cause="NoAnswer", detail=words)


def _learn(hub: Hub, claim: Claim, turn: Turn, said: Standing | None) -> None:
    """What a connected system says of it, as if somebody had told us; it is asked again later while anything is open."""
    merchant, id = claim.merchant, turn.case.asked.id
    with hub.unit(claim) as work:
        claim.say(id, Outcome("due", LOOK_S, counts=False))
        if said is None:
            return
        told = [one.said.removeprefix("number ") for one in requests.parcels(work.db, merchant, id)]
        said = pieces.meant(said, requests.shares(work.db, merchant, id), told)
        answering.report(hub, work, merchant, id, said.parcels, HUB)
        if said.state in (RequestState.ACCEPTED, RequestState.SENT):
            with suppress(answering.Over):
                answering.accept(hub, work, merchant, id, HUB, number=said.number)
            if turn.case.asked.state is RequestState.ASKED:
                _recount(work, turn.case.asked, SETTLES_US / 1e6 + 1)
        if said.state is RequestState.WITHDRAWN and turn.case.asked.state is RequestState.WITHDRAWING:
            answering.stopped(hub, work, merchant, id, HUB)
        elif said.state in NOT_SENT or said.refused:
            refused = None if said.state in NOT_SENT else _new_refusals(work, merchant, id, said.refused or {})
            answering.refuse(hub, work, merchant, id, HUB, said.words, refused)
            _recount(work, turn.case.asked)


NOT_SENT = (RequestState.REJECTED, RequestState.WITHDRAWN)  # they, or somebody at their desk, will send no more of it


def _recount(work: Unit, asked: Asked, wait_s: float = 0.0) -> None:
    """What a channel counts itself is read again: who refuses holds less than was thought, who accepted takes it off."""
    if asked.location in stored.locations(work.db, asked.merchant):
        work.ask(asked.merchant, "read_stored", asked.connection or "", asked.connection or "", wait_s=wait_s)


def _new_refusals(work: Unit, merchant: str, id: str, said: Mapping[str, int]) -> dict[str, int]:
    """A system says all that it ever refused; those that we know of count no more."""
    known = requests.shares(work.db, merchant, id)
    return {line: min(units - known[line].refused, known[line].open) for line, units in said.items() if line in known}


# ---- stopping


def _stop(hub: Hub, claim: Claim, turn: Turn) -> None:
    """They are told once that it is wanted no more. Who had not said a word is believed to have sent nothing; of who had, an answer is
    waited for."""
    asked = turn.case.asked
    if asked.stopped_at is not None:
        _look(hub, claim, turn)
        return
    became = _call_back(hub, turn)
    with hub.unit(claim) as work:
        case = answering.open_case(hub, work, claim.merchant, asked.id)
        if case.asked.state is RequestState.WITHDRAWING:
            _told_to_stop(work, claim, case, became, turn.how.hours if turn.how else 0)


def _told_to_stop(work: Unit, claim: Claim, case: Case, became: Cancelling, hours: int) -> None:
    requests.stopped(work.db, case.asked.id, work.now, work.now + hours * HOUR_US)
    if became is Cancelling.DONE:
        answering.withdrawn(work, claim.merchant, case)
        answering.note(work, claim.merchant, case, RequestState.WITHDRAWN.value)
    elif became is Cancelling.NOT_CANCELLED:
        shipments.set_problem(work.db, case.shipment.id, "not_stopped")
    work.ask(claim.merchant, "ask_parties", case.asked.id, claim.connection)


def _call_back(hub: Hub, turn: Turn) -> Cancelling:
    asked = turn.case.asked
    if asked.way is Way.CONNECTION:
        return _fulfills(hub, asked.connection).call_back(asked.id)
    _let_know(hub, turn, "request.withdrawn")
    return Cancelling.ASKED if asked.answered_at else Cancelling.DONE


# ---- the ways


def _fulfills(hub: Hub, connection: str | None) -> Fulfills:
    channel = hub.channel(hub.connection(connection or ""))
    if not isinstance(channel, Fulfills):
        raise Unsupported("that connection sends nothing for others")
    return channel


def _let_know(hub: Hub, turn: Turn, kind: str) -> None:
    """Raises what the way out raises, and Refused where there is none."""
    way, how = turn.case.asked.way, turn.how
    if way is Way.API:
        return  # they fetch it
    if way is Way.CONNECTION:
        _have_sent(hub, turn)
    elif how is None or how.way is not way or not how.to:
        raise Refused("nobody says any more how whoever sends from there is asked")
    elif way is Way.MAIL:
        _mail(hub, turn, how, kind)
    else:
        _call(hub, turn, how, kind)


def _have_sent(hub: Hub, turn: Turn) -> None:
    system, key = _fulfills(hub, turn.case.asked.connection), turn.case.asked.id
    wish = _in_theirs(hub, turn)
    if not turn.before or system.fulfilling(key) is None:
        system.fulfill(wish, key)


def _in_theirs(hub: Hub, turn: Turn) -> Request:
    """What a channel's own warehouse is asked for is said in its SKUs, a bundle by its components. Raises Refused, with words, for an order
    of that channel: it sends those by itself; and for what it does not hold."""
    case = turn.case
    account, merchant = hub.connection(case.asked.connection or ""), case.asked.merchant
    if not is_channels(hub, merchant, case.asked.location):
        return turn.wish
    if case.facts.order.channel == account.channel:
        raise Refused("an order of its own", words="It sends no orders of its own channel so.")
    with hub.database.read() as db:
        loads = shipments.loads(db, merchant, [case.shipment.id]).get(case.shipment.id, [])
        parts = {load.line: load.parts for load in loads}
        held = stored.holders(db, merchant, account.id, {sku for some in parts.values() for sku in some})
    try:
        lines = pieces.asked(turn.wish.lines, parts, held)
    except pieces.NotHeld as error:
        raise Refused("it does not hold that", words=f"It holds nothing that stands for {error.sku}.") from None
    how, order = turn.how or Asking(Way.CONNECTION), case.facts.order
    services = [order.service, *(name for one in order.shipping for name in (one.title, one.code or ""))]
    whole = any(len(some) > 1 for some in parts.values())
    return replace(turn.wish, lines=lines, speed=how.speed_for(services), blank=how.blank, whole=whole)


def _mail(hub: Hub, turn: Turn, how: Asking, kind: str) -> None:
    """The same letter however often it is sent, until somebody has them asked again: mail programs show it once."""
    if hub.post is None:
        raise Refused("no way out for mail is set up")
    asked, wanted = turn.case.asked, kind == "request.wanted"
    title = f"Please send {turn.wish.name}" if wanted else f"Please do not send {turn.wish.name}"
    body = _letter(hub, turn) if wanted else f"{turn.wish.name} is wanted no more. Please say so if it left already:\n{_page(hub, turn)}\n"
    files = _attached(hub, turn) if wanted else ()
    id = f"{asked.id}.{turn.tried_at:x}" if wanted else f"{asked.id}.stop"
    letter = Letter(id, how.to, title, body, when(asked.asked_at), files=files)
    if hub.post.mail(letter) == "kept":
        raise Refused("no way out for mail is set up")


def _page(hub: Hub, turn: Turn) -> str:
    return f"{hub.public_url}/request/{turn.case.asked.token}"


def _letter(hub: Hub, turn: Turn) -> str:
    lines = [f"{one.units} x {one.sku}  {one.title}" for one in turn.wish.lines]
    say = f"Say here whether you send it, and when it left:\n{_page(hub, turn)}"
    return "\n".join([f"Please send {turn.wish.name}. The address and a packing slip are attached.", "", *lines, "", say, ""])


def _attached(hub: Hub, turn: Turn) -> tuple[Attachment, ...]:
    from core.flows import printing  # fonts and all that draws are loaded when somebody prints

    slip = printing.slips(hub, turn.case.asked.merchant, [turn.case.shipment.id])
    name = turn.wish.name
    return (Attachment(f"{name}.pdf", "application/pdf", slip), Attachment(f"{name}.csv", "text/csv", table(turn.wish)))


def _call(hub: Hub, turn: Turn, how: Asking, kind: str) -> None:
    """Signed as our other calls are (standardwebhooks.com): its id is the same however often it is told."""
    body, at = told_of(turn, kind), hub.now // 1_000_000
    message = turn.case.asked.id if kind == "request.wanted" else f"{turn.case.asked.id}.stop"
    headers = {
        "Content-Type": "application/json", "User-Agent": "Crossdock", "webhook-id": message, "webhook-timestamp": str(at),
        "webhook-signature": hooking.signatures([Secret(how.secret)], message, at, body, hub.now),
    }  # fmt: skip
    try:
        _judge(hub.outward.post(how.to, headers, body))
    finally:
        hub.outward.done()


def _judge(heard: Heard) -> None:
    if heard.status is None:
        raise OutcomeUnknown("their program did not answer")
    if heard.status == 429 or heard.status >= 500:
        raise Unavailable("their program is busy", status=heard.status)
    if not hooking.is_taken(heard.status):
        raise Refused("their program declined", status=heard.status)


# ---- by a person's hand


def ask_again(hub: Hub, merchant: str, id: str, who: Who) -> None:
    """They are asked once more, under the same key; of one that they refused, their location counts again for what is still wanted. Raises
    Unsupported, and Refused where it is over."""
    with hub.unit() as work:
        case = answering.open_case(hub, work, merchant, id)
        if case.asked.state is RequestState.REJECTED:
            requests.forgive(work.db, id)
            work.ask(merchant, "release_orders", merchant)
        elif case.asked.state in OPEN:
            requests.become(work.db, id, RequestState.WANTED, work.now)
            requests.tried(work.db, id, work.now)
        else:
            raise answering.Over("it is over")
        work.ask(merchant, "ask_parties", id, case.asked.connection or "")
        audit.write(work.db, merchant, work.now, who.id, who.name, "request.again", case.shipment.id, shipment=case.shipment.name)


def withdraw(hub: Hub, merchant: str, id: str, who: Who) -> None:
    """They are asked to stop; what was not sent is released anew. Raises Unsupported, and Refused where it is over."""
    with hub.unit() as work:
        case = answering.open_case(hub, work, merchant, id)
        if case.asked.state not in OPEN:
            raise answering.Over("it is over")
        releasing.take_apart(hub, work, merchant, [case.shipment], "person")
        work.ask(merchant, "release_orders", merchant)
        audit.write(work.db, merchant, work.now, who.id, who.name, "request.withdraw", case.shipment.id, shipment=case.shipment.name)


Shown = tuple[Asked, Request, dict[str, Share]]


def is_to_be_sent(state: RequestState) -> bool:
    """Whether whoever sends needs to know where to."""
    return state in (*OPEN, RequestState.WITHDRAWING)


def listed(hub: Hub, merchant: str, location: str, state: RequestState | None, behind: tuple[int, str], most: int) -> list[Shown]:
    """Requests of a location ("": of all) in a state (None: those that are not over) with what each asks for, the oldest first."""
    states = (state,) if state else (*OPEN, RequestState.WITHDRAWING)
    with hub.database.read() as db:
        found = requests.behind(db, merchant, states, location, behind, most)
        facts = shipments.seen(db, merchant, [one.order_id for one in found], hub.box(merchant))
        shares = requests.shares_of(db, merchant, [one.id for one in found])
    return [_shown(one, facts[one.order_id], shares.get(one.id, {})) for one in found if one.order_id in facts]


def _shown(one: Asked, facts: Facts, shares: dict[str, Share]) -> Shown:
    return one, wish_of(facts, one.shipment_name, shares), shares


def seen(db: Db, merchant: str, id: str, box: Box) -> Shown | None:
    """The same of one."""
    one = requests.find(db, merchant, id)
    facts = shipments.seen(db, merchant, [one.order_id], box) if one else {}
    return _shown(one, facts[one.order_id], requests.shares(db, merchant, id)) if one and one.order_id in facts else None
