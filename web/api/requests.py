"""What others are asked to send. A key that a location is asked by sees that location alone."""

from collections.abc import Callable
from typing import Any, NoReturn

from apiflask import APIBlueprint
from msgspec.json import Decoder
from sqlalchemy import Connection

from core.domain.requests import Request, Share, TheirParcel, Way
from core.errors import Refused, Unsupported
from core.flows import answering, parties, their_stock
from core.flows.counting import WrongLines
from core.store import requests
from core.store.requests import Asked
from core.store.tables import us
from core.store.unit import Unit
from web.api import models as say
from web.api.problems import Refusal
from web.api.route import cursor, position, reads, writes
from web.visitor import hub, visitor, who

api = APIBlueprint("api_requests", __name__, url_prefix="/api/v1/requests", tag="Requests")
_behind = Decoder(tuple[int, str])


def _only(db: Connection) -> str:
    """The location that a key is bound to; "" for one of the merchant's own programs."""
    merchant, key = visitor().merchant, visitor().user.removeprefix("key/")
    ours = requests.asked_locations(db, merchant, hub().box(merchant))
    return next((id for id, (_, how) in ours.items() if how.way is Way.API and how.key == key), "")


@reads(api, "", "requests.read", say.RequestPage, 404)
@api.input(say.RequestsAsked, location="query", arg_name="asked")
def page(asked: say.RequestsAsked) -> say.RequestPage:
    """What is asked, the oldest first

    Without a state: what is open, and what is to be stopped.
    """
    behind = position(asked.after, _behind) or (-1, "")
    with hub().database.read() as db:
        only = _only(db)
    found = parties.listed(hub(), visitor().merchant, only, asked.state, behind, asked.limit + 1)
    shown = found[: asked.limit]
    last = shown[-1][0] if len(found) > asked.limit else None
    items = [_said(*one) for one in shown]
    return say.RequestPage.model_construct(items=items, next=cursor(last.asked_at, last.id) if last else None)


@reads(api, "/<wanted>", "requests.read", say.RequestSaid, 404)
def one(wanted: str) -> say.RequestSaid:
    """One request with its lines"""
    with hub().database.read() as db:
        return _after(db, _mine(db, wanted).id)


def _mine(db: Connection, id: str) -> Asked:
    found = requests.find(db, visitor().merchant, id)
    if found is None or _only(db) not in ("", found.location):
        _gone()
    return found


def _gone() -> NoReturn:
    raise Refusal(404, "not-found", "There is no such request.")


def _after(db: Connection, id: str) -> say.RequestSaid:
    merchant = visitor().merchant
    asked, wish, shares = parties.seen(db, merchant, id, hub().box(merchant)) or _gone()
    return _said(asked, wish, shares)


def _said(asked: Asked, wish: Request, shares: dict[str, Share]) -> say.RequestSaid:
    lines = [say.RequestLineSaid.model_construct(**{name: getattr(one, name) for name in LINE}) for one in shares.values()]
    to = {name: getattr(wish.to, name) for name in ADDRESS} if parties.is_to_be_sent(asked.state) else None
    return say.RequestSaid.model_construct(
        id=asked.id, state=asked.state, shipment=wish.name, order=wish.order, note=wish.note if to else "",
        to=say.AddressToSend.model_construct(**to) if to else None, lines=lines, asked_at=say.moment(asked.asked_at),
        due_at=say.moment(asked.due_at), number=asked.number or "",
    )  # fmt: skip


LINE = ("line", "sku", "title", "units", "sent", "refused", "open")
ADDRESS = ("name", "company", "street1", "street2", "city", "region", "postcode", "country", "phone")


def _doing(work: Unit, id: str, act: Callable[[], Any]) -> say.RequestSaid:
    """Do it to a request that this key may see."""
    _mine(work.db, id)
    try:
        act()
    except answering.TooMany:
        raise Refusal(409, "too-many", "That is more than is open of it.") from None
    except Unsupported:
        _gone()
    except Refused as error:
        raise Refusal(409, "refused", f"{error}.") from None
    return _after(work.db, id)


@writes(api, "POST", "/<wanted>/accept", "requests.write", say.AcceptAsked, say.RequestSaid, 404)
def accept(work: Unit, wanted: str, asked: say.AcceptAsked) -> say.RequestSaid:
    """Say that you send it"""
    merchant = visitor().merchant
    return _doing(work, wanted, lambda: answering.accept(hub(), work, merchant, wanted, who(), number=asked.number))


@writes(api, "POST", "/<wanted>/refuse", "requests.write", say.RefuseAsked, say.RequestSaid, 404)
def refuse(work: Unit, wanted: str, asked: say.RefuseAsked) -> say.RequestSaid:
    """Say that you do not send it, or some of it

    Without lines: nothing of what is open.
    """
    units = {one.line: one.units for one in asked.lines} if asked.lines else None
    return _doing(work, wanted, lambda: answering.refuse(hub(), work, visitor().merchant, wanted, who(), asked.reason, units))


@writes(api, "POST", "/<wanted>/sent", "requests.write", say.SentAsked, say.RequestSaid, 404)
def sent(work: Unit, wanted: str, asked: say.SentAsked) -> say.RequestSaid:
    """Tell of parcels that left

    A parcel is known by your number of it, else by its carrier and tracking number: told again it changes nothing.
    """
    some = [_parcel(one) for one in asked.parcels]
    return _doing(work, wanted, lambda: answering.report(hub(), work, visitor().merchant, wanted, some, who()))


def _parcel(one: say.TheirParcelAsked) -> TheirParcel:
    units: dict[str, int] = {}
    for line in one.lines:
        units[line.line] = units.get(line.line, 0) + line.units
    return TheirParcel(one.tracking, one.carrier, units, hub().clock(), one.url, one.number)


@writes(api, "POST", "/<wanted>/stopped", "requests.write", say.Nothing, say.RequestSaid, 404)
def stopped(work: Unit, wanted: str, asked: say.Nothing) -> say.RequestSaid:
    """Say that you send nothing more of what was withdrawn"""
    return _doing(work, wanted, lambda: answering.stopped(hub(), work, visitor().merchant, wanted, who()))


@writes(api, "PUT", "/stock", "requests.write", say.TheirStockAsked, say.TheirStockSaid, 404)
def stock(work: Unit, asked: say.TheirStockAsked) -> say.TheirStockSaid:
    """Say what lies with you

    It is a count at its moment: what left since is kept on top of it, and nothing is ever added. A key that is bound to a location counts
    there.
    """
    merchant, only = visitor().merchant, _only(work.db)
    ours = requests.asked_locations(work.db, merchant, hub().box(merchant))
    name = ours[only][0] if only else next((name for name, _ in ours.values() if name == asked.location), "")
    if not name:
        raise Refusal(404, "not-found", "Nobody is asked to send from there.")
    rows = [(one.sku, one.units) for one in asked.lines]
    try:
        report = their_stock.take_in(hub(), work, merchant, their_stock.said(rows, name, us(asked.at) if asked.at else None))
    except WrongLines as error:
        raise Refusal(409, "refused", f"{error}.") from None
    changed = [say.TheirLevelSaid.model_construct(sku=one.sku, was=one.was, units=one.will or 0) for one in report.shelves]
    return say.TheirStockSaid.model_construct(changed=changed, same=report.same)
