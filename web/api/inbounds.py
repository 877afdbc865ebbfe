"""Goods on their way to your locations."""

from collections.abc import Callable
from typing import Any, NoReturn

from apiflask import APIBlueprint
from msgspec.json import Decoder

from core.domain.inbound import Came, Kind, State
from core.errors import Refused, Unsupported
from core.flows import inbound as flow
from core.flows.inbound import Draft
from core.store import counts, inbounds
from core.store.inbounds import Inbound
from core.store.tables import us
from core.store.unit import Unit
from web.api import models as say
from web.api.problems import Refusal
from web.api.route import cursor, position, reads, writes
from web.visitor import hub, visitor, who

api = APIBlueprint("api_inbounds", __name__, url_prefix="/api/v1/inbounds", tag="Inbound")
_behind = Decoder(tuple[int, str])


@reads(api, "", "stock.read", say.InboundPage, 404)
@api.input(say.InboundsAsked, location="query", arg_name="asked")
def page(asked: say.InboundsAsked) -> say.InboundPage:
    """Deliveries, the newest first"""
    behind = position(asked.after, _behind) or inbounds.NEWEST
    with hub().database.read() as db:
        found = inbounds.page(db, visitor().merchant, (asked.state.value,) if asked.state else (), behind, asked.limit + 1)
    shown = found[: asked.limit]
    last = shown[-1] if len(found) > asked.limit else None
    return say.InboundPage.model_construct(items=[_head(row) for row in shown], next=cursor(last.created_at, last.id) if last else None)


def _head(row: Any) -> say.InboundHead:
    return say.InboundHead.model_construct(
        id=row.id, kind=Kind(row.kind), state=State(row.state), reference=row.reference, sender=row.source_name or row.sender,
        location=row.location_name or "", expected_at=say.moment(row.expected_at), units=int(row.units or 0), came=int(row.came or 0),
    )  # fmt: skip


@reads(api, "/<inbound>", "stock.read", say.InboundSaid, 404)
def one(inbound: str) -> say.InboundSaid:
    """One delivery with its lines"""
    with hub().database.read() as db:
        found = inbounds.one(db, visitor().merchant, inbound)
    return _said(found) if found else _gone()


def _gone() -> NoReturn:
    raise Refusal(404, "not-found", "There is no such delivery.")


def _said(one: Inbound) -> say.InboundSaid:
    return say.InboundSaid.model_construct(
        id=one.id, kind=one.kind, state=one.state, location=one.location, source=one.source, sender=one.sender, reference=one.reference,
        note=one.note, expected_at=say.moment(one.expected_at), created_at=say.moment(one.created_at), sent_at=say.moment(one.sent_at),
        ended_at=say.moment(one.ended_at), lines=[_line(one, sku) for sku in one.lines],
    )  # fmt: skip


def _line(one: Inbound, sku: str) -> say.InboundLineSaid:
    line = one.lines[sku]
    return say.InboundLineSaid.model_construct(
        sku=sku, units=line.units, sent=line.sent, received=line.received, damaged=line.damaged, missing=line.missing(one.kind),
        more=line.more(one.kind),
    )  # fmt: skip


def _doing(act: Callable[[], Any]) -> Any:
    """What was sent to us is not said again."""
    try:
        return act()
    except flow.NotOurs:
        raise Refusal(404, "no-such-sku", "One of these SKUs is none of yours, or not on this delivery.") from None
    except flow.Short:
        raise Refusal(409, "refused", "Less than that is free where it leaves.") from None
    except flow.Changed:
        raise Refusal(409, "conflict", "More had come by now than you saw: look at it again.") from None
    except Unsupported:
        _gone()
    except flow.NotThen as error:
        raise Refusal(409, "refused", f"{error}.") from None
    except Refused as error:
        raise Refusal(409, "refused", f"{error}.") from None


def _after(work: Unit, id: str) -> say.InboundSaid:
    found = inbounds.one(work.db, visitor().merchant, id)
    return _said(found) if found else _gone()


@writes(api, "POST", "", "stock.write", say.InboundAsked, say.InboundSaid, 404)
def add(work: Unit, asked: say.InboundAsked) -> say.InboundSaid:
    """Write a delivery down

    A purchase or a removal goes to a location; a transfer leaves one (`source`) for another. Nothing moves before it is sent or received.
    """
    merchant = visitor().merchant
    return _after(work, _doing(lambda: flow.add_in(hub(), work, merchant, _draft(work, asked), who())))


@writes(api, "PUT", "/<inbound>", "stock.write", say.InboundAsked, say.InboundSaid, 404)
def edit(work: Unit, inbound: str, asked: say.InboundAsked) -> say.InboundSaid:
    """Write it anew, while it is open"""
    _doing(lambda: flow.edit_in(work, visitor().merchant, inbound, _draft(work, asked), who()))
    return _after(work, inbound)


def _draft(work: Unit, asked: say.InboundAsked) -> Draft:
    known = counts.locations(work.db, visitor().merchant)
    ids = {**{name: id for id, name in known.items()}, **{id: id for id in known}}
    if asked.location not in ids or (asked.source and asked.source not in ids):
        raise Refusal(404, "no-such-location", "You have no location of that id or name.")
    source = ids[asked.source] if asked.source else None
    lines = {line.sku: line.units for line in asked.lines}
    if len(lines) < len(asked.lines):
        raise Refusal(409, "refused", "A SKU is on it twice.")
    at = us(asked.expected_at) if asked.expected_at else None
    return Draft(Kind(asked.kind), ids[asked.location], source, asked.sender, asked.reference, asked.note, at, lines)


@writes(api, "POST", "/<inbound>/send", "stock.write", say.Nothing, say.InboundSaid, 404)
def send(work: Unit, inbound: str, asked: say.Nothing) -> say.InboundSaid:
    """It is on its way

    The units of a transfer leave their location now.
    """
    _doing(lambda: flow.send_in(work, visitor().merchant, inbound, who()))
    return _after(work, inbound)


@writes(api, "POST", "/<inbound>/receipts", "stock.write", say.ReceiptAsked, say.InboundSaid, 404)
def receive(work: Unit, inbound: str, asked: say.ReceiptAsked) -> say.InboundSaid:
    """Put what came on the shelf

    In as many parts as it comes; more than was announced is taken, too. Give it an Idempotency-Key: sent twice without one it is received
    twice, unless `seen` says what had come before.
    """
    came = [Came(one.sku, one.received, one.damaged, one.seen) for one in asked.lines]
    if len({one.sku for one in came}) < len(came):
        raise Refusal(409, "refused", "A SKU is on it twice.")
    _doing(lambda: flow.receive_in(work, visitor().merchant, inbound, came, who()))
    return _after(work, inbound)


@writes(api, "POST", "/<inbound>/take-back", "stock.write", say.ReceiptAsked, say.InboundSaid, 404)
def take_back(work: Unit, inbound: str, asked: say.ReceiptAsked) -> say.InboundSaid:
    """Undo receiving: these did not come"""
    came = [Came(one.sku, one.received, one.damaged, one.seen) for one in asked.lines]
    if len({one.sku for one in came}) < len(came):
        raise Refusal(409, "refused", "A SKU is on it twice.")
    _doing(lambda: flow.take_back_in(work, visitor().merchant, inbound, came, who()))
    return _after(work, inbound)


@writes(api, "POST", "/<inbound>/close", "stock.write", say.Nothing, say.InboundSaid, 404)
def close(work: Unit, inbound: str, asked: say.Nothing) -> say.InboundSaid:
    """Nothing more of it comes

    `missing` of its lines is what did not arrive.
    """
    _doing(lambda: flow.close_in(work, visitor().merchant, inbound, who()))
    return _after(work, inbound)


@writes(api, "POST", "/<inbound>/cancel", "stock.write", say.Nothing, say.InboundSaid, 404)
def cancel(work: Unit, inbound: str, asked: say.Nothing) -> say.InboundSaid:
    """It does not come

    What left for a transfer and did not arrive is back where it left.
    """
    _doing(lambda: flow.cancel_in(work, visitor().merchant, inbound, who()))
    return _after(work, inbound)


@writes(api, "POST", "/<inbound>/reopen", "stock.write", say.Nothing, say.InboundSaid, 404)
def reopen(work: Unit, inbound: str, asked: say.Nothing) -> say.InboundSaid:
    """The way back from closing, and from cancelling before anything came"""
    _doing(lambda: flow.reopen_in(work, visitor().merchant, inbound, who()))
    return _after(work, inbound)
