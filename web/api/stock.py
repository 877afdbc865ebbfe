"""Stock levels: what lies where, and how much of it is promised."""

from collections.abc import Mapping, Sequence
from typing import Any

from apiflask import APIBlueprint
from sqlalchemy import Connection as Db

from core.domain.adjusting import UNSEEN, Answer, Wish
from core.domain.assembling import Assembly
from core.domain.counts import Counted
from core.domain.places import LocationKind
from core.errors import Refused
from core.flows import adjusting, assembling, counting, keeping, sharing
from core.flows import places as flows
from core.flows.kits import WrongKit
from core.store import counts, inbounds, levels, lists, places
from core.store.tables import us
from core.store.unit import Unit
from web.api import models as say
from web.api.problems import Refusal
from web.api.route import note, reads, writes
from web.visitor import hub, visitor, who

api = APIBlueprint("api_stock", __name__, url_prefix="/api/v1/stock", tag="Stock")


@reads(api, "", "stock.read", say.LevelPage)
@api.input(say.StockAsked, location="query", arg_name="asked")
def page(asked: say.StockAsked) -> say.LevelPage:
    """Stock levels by SKU

    With `sku` that one alone; SKUs are free text, so it is no part of the path.
    """
    merchant = visitor().merchant
    with hub().database.read() as db:
        found = lists.sku(db, merchant, asked.sku) if asked.sku else lists.skus(db, merchant, asked.after or "", asked.limit + 1)
        shelves = lists.shelves(db, merchant, (row.sku for row in found))
        coming = _coming(db, merchant, [row.sku for row in found], ALL if asked.sku else NEXT)
    shown = found[: asked.limit]
    items = [_level(row, shelves, coming) for row in shown]
    return say.LevelPage.model_construct(items=items, next=shown[-1].sku if len(found) > asked.limit else None)


@reads(api, "/movements", "stock.read", say.MovementPage)
@api.input(say.MovementsAsked, location="query", arg_name="asked")
def movements(asked: say.MovementsAsked) -> say.MovementPage:
    """What moved on your shelves, the newest first

    Movements are only added: their sum is what lies there.
    """
    below = levels.BELOW_ALL if asked.after is None else asked.after
    with hub().database.read() as db:
        found = levels.movements(db, visitor().merchant, asked.sku or "", below, asked.limit + 1)
    shown = found[: asked.limit]
    items = [_movement(row) for row in shown]
    return say.MovementPage.model_construct(items=items, next=shown[-1].id if len(found) > asked.limit else None)


def _movement(row: Any) -> say.MovementSaid:
    return say.MovementSaid.model_construct(
        id=row.id, sku=row.sku, location=row.location, units=row.units, damaged=row.damaged, cause=row.cause, subject=row.subject,
        at=say.moment(row.at),
    )  # fmt: skip


@reads(api, "/locations", "stock.read", say.LocationList)
def locations() -> say.LocationList:
    """Your locations, in the order that stock is taken from them"""
    with hub().database.read() as db:
        found = places.locations(db, visitor().merchant)
    return say.LocationList(items=[_place(row) for row in found])


def _place(row: Any) -> say.LocationSaid:
    return say.LocationSaid(id=row.id, name=row.name, kind=LocationKind(row.kind))


def _known(work: Unit, id: str) -> Any:
    found = next((row for row in places.locations(work.db, visitor().merchant) if row.id == id), None)
    if found is None:
        raise Refusal(404, "no-such-location", "You have no location of that id.")
    return found


@writes(api, "POST", "/locations", "stock.write", say.LocationAsked, say.LocationSaid)
def add_location(work: Unit, asked: say.LocationAsked) -> say.LocationSaid:
    """Add a location

    Stock is taken from it last. Channels whose places nobody mapped sell from it too, unless it is Amazon's own.
    """
    id = flows.add_location_in(hub(), work, visitor().merchant, asked.name, who(), asked.kind)
    if not id:
        raise Refusal(409, "refused", "You have a location of that name.")
    return _place(_known(work, id))


@writes(api, "PUT", "/locations/<place>", "stock.write", say.LocationAsked, say.LocationSaid, 404)
def change_location(work: Unit, place: str, asked: say.LocationAsked) -> say.LocationSaid:
    """Rename a location, or say what it is"""
    merchant, was = visitor().merchant, _known(work, place)
    if asked.name != was.name:
        if not places.rename(work.db, merchant, place, asked.name):
            raise Refusal(409, "refused", "You have a location of that name.")
        note(work, "location.rename", asked.name, was=was.name)
    flows.set_kind_in(work, merchant, place, asked.kind, who())
    return _place(_known(work, place))


@writes(api, "POST", "/locations/<place>/remove", "stock.write", say.Nothing, say.LocationSaid, 404)
def remove_location(work: Unit, place: str, asked: say.Nothing) -> say.LocationSaid:
    """Remove a location where nothing lies

    Refused with what lies there, or is on its way there or from there.
    """
    was = _known(work, place)
    flows.remove_location_in(work, visitor().merchant, place, who())
    return _place(was)


@writes(api, "POST", "/counts", "stock.write", say.CountAsked, say.Level, 404)
def count(work: Unit, asked: say.CountAsked) -> say.Level:
    """Say how many units lie at a location

    Units that are promised stay on hand, whatever was counted. Channels are told at once.
    """
    merchant = visitor().merchant
    name = counts.locations(work.db, merchant)[_location(work, merchant, asked.location)]
    at = us(asked.counted_at) if asked.counted_at else None
    try:
        made = counting.count_one(hub(), work, merchant, Counted(1, asked.sku, asked.title, name, asked.on_hand, at))
    except counting.WrongLines as error:
        raise Refusal(409, "cannot-count", _why(error, asked.sku)) from None
    note(work, "stock.count", asked.sku, location=name, was=made.was, will=made.will)
    return _one(work, merchant, asked.sku)


@writes(api, "POST", "/adjustments", "stock.write", say.AdjustmentAsked, say.Level, 404)
def adjust(work: Unit, asked: say.AdjustmentAsked) -> say.Level:
    """Add units to a shelf, or take them off

    Only what is free can go. Give it an Idempotency-Key: sent twice without one it happens twice.
    """
    merchant = visitor().merchant
    place = _location(work, merchant, asked.location)
    wish = Wish(asked.reason, asked.units, UNSEEN, asked.why)
    try:
        made = adjusting.adjust_in(hub(), work, merchant, asked.sku, place, wish, who())
    except Refused:
        raise Refusal(404, "not-found", "You have no such SKU.") from None
    if made.answer in CANNOT:
        raise Refusal(409, "refused", CANNOT[made.answer].format(on_hand=made.was.on_hand, reserved=made.was.reserved))
    return _one(work, merchant, asked.sku)


@writes(api, "PUT", "/safety", "stock.write", say.SafetyAsked, say.Level, 404)
def keep_safe(work: Unit, asked: say.SafetyAsked) -> say.Level:
    """Keep units at a location from channels

    No channel is shown them; orders may still take them. Count the SKU there first.
    """
    merchant = visitor().merchant
    shelf = (asked.sku, _location(work, merchant, asked.location))
    try:
        keeping.keep_safe_in(work, merchant, {shelf: asked.units}, who())
    except Refused:
        raise Refusal(409, "refused", CANNOT[Answer.UNKNOWN]) from None
    return _one(work, merchant, asked.sku)


@writes(api, "PUT", "/quota", "stock.write", say.QuotaAsked, say.Level, 404)
def quota(work: Unit, asked: say.QuotaAsked) -> say.Level:
    """Say whether a SKU is dealt to its listings

    In quota each listing owns a part of what is free, and nothing is sold twice however late a channel's orders come. Parts follow what
    each listing sells, within its rule. Channels are told within some minutes.
    """
    merchant = visitor().merchant
    try:
        sharing.set_quota_in(work, merchant, {asked.sku: asked.quota}, who())
    except WrongKit as error:
        raise Refusal(409, "refused", f"{error}.") from None
    except Refused:
        raise Refusal(404, "not-found", "You have no such SKU.") from None
    return _one(work, merchant, asked.sku)


@writes(api, "POST", "/assemblies", "stock.write", say.AssemblyAsked, say.Level, 404)
def assemble(work: Unit, asked: say.AssemblyAsked) -> say.Level:
    """Put kits together in advance, or take them apart

    The parts leave the location and the kits come to it as a SKU of their own, in one transaction; with less than no units the other way
    round. Only what is free can go. Give it an Idempotency-Key: sent twice without one it happens twice.
    """
    merchant = visitor().merchant
    what = Assembly(asked.sku, _location(work, merchant, asked.location), asked.units, {part.sku: part.units for part in asked.parts})
    try:
        assembling.assemble_in(hub(), work, merchant, what, who())
    except assembling.CannotAssemble as error:
        raise Refusal(409, "refused", f"{error}.") from None
    except Refused:
        raise Refusal(404, "not-found", "You have no such SKU.") from None
    return _one(work, merchant, asked.sku)


CANNOT = {
    Answer.UNKNOWN: "Nobody has counted that SKU there: count it first.",
    Answer.PROMISED: "{on_hand} are on hand and {reserved} of them promised.",
    Answer.NOTHING: "Less than nothing would be left, or more than fits.",
}


def _why(error: counting.WrongLines, sku: str) -> str:
    """Less what was sent to us, and what only the command line knows."""
    return error.lines[0][1].removeprefix(sku).lstrip(": ").partition(", or --")[0] + "."


def _location(work: Unit, merchant: str, name: str) -> str:
    known = counts.locations(work.db, merchant)
    found = name if name in known else next((id for id, called in known.items() if called == name), None)
    if found is None:
        raise Refusal(404, "no-such-location", "You have no location of that id or name.")
    return found


def _one(work: Unit, merchant: str, sku: str) -> say.Level:
    [row] = lists.sku(work.db, merchant, sku)
    return _level(row, lists.shelves(work.db, merchant, [sku]), _coming(work.db, merchant, [sku], NEXT))


NEXT, ALL = 5, 100  # deliveries of a SKU


def _coming(db: Db, merchant: str, skus: Sequence[str], most: int) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for row in inbounds.coming(db, merchant, skus, most):
        found.setdefault(row.sku, []).append(row)
    return found


def _on_its_way(row: Any) -> say.ComingSaid:
    return say.ComingSaid.model_construct(
        inbound=row.id, location=row.location, units=row.units, expected_at=say.moment(row.expected_at),
        sender=row.sender or row.source_name or "",
    )  # fmt: skip


def _level(row: Any, shelves: Mapping[str, Sequence[Any]], coming: Mapping[str, Sequence[Any]]) -> say.Level:
    there, on_their_way = shelves.get(row.sku, ()), coming.get(row.sku, ())
    mine = [one for one in there if one.kind != LocationKind.FBA]
    on_hand, reserved = sum(one.on_hand for one in mine), sum(one.reserved for one in mine)
    return say.Level.model_construct(
        sku=row.sku, title=row.title, on_hand=on_hand if mine else None, reserved=reserved, available=on_hand - reserved if mine else None,
        quota=bool(row.quota), shelves=[_shelf(one) for one in there],
        coming_units=on_their_way[0].all_units if on_their_way else 0, coming=[_on_its_way(one) for one in on_their_way],
    )  # fmt: skip


def _shelf(row: Any) -> say.ShelfSaid:
    return say.ShelfSaid.model_construct(
        location=row.location, name=row.name or "", kind=LocationKind(row.kind or "own"), on_hand=row.on_hand, reserved=row.reserved,
        available=row.on_hand - row.reserved,
        safety=row.safety, free=max(0, row.on_hand - row.reserved - row.safety), damaged=row.damaged,
        counted_at=say.moment(row.counted_at or None),
    )  # fmt: skip
