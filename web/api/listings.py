"""Listings: what channels sell, and which SKUs that consumes."""

from dataclasses import asdict
from typing import Annotated

import msgspec
from apiflask import APIBlueprint

from core.domain.exposure import Rule
from core.domain.kits import Exploded
from core.flows import kits
from core.flows.allocation import map_listing
from core.flows.exposing import set_rules_in
from core.flows.kits import How
from core.flows.leading import choose_in, mark_of
from core.store import doubts, lists
from core.store import listings as store
from core.store.doubts import Doubt
from core.store.listings import Shelf
from core.store.unit import Unit
from web.api import models as say
from web.api.problems import Refusal
from web.api.route import cursor, note, position, reads, writes
from web.visitor import hub, visitor, who

api = APIBlueprint("api_listings", __name__, url_prefix="/api/v1/listings", tag="Listings")


@reads(api, "", "stock.read", say.ListingPage)
@api.input(say.ListingsAsked, location="query", arg_name="asked")
def page(asked: say.ListingsAsked) -> say.ListingPage:
    """Listings of all channels, or of one connection"""
    with hub().database.read() as db:
        found = store.page(
            db, visitor().merchant, asked.after, asked.limit + 1, connection=asked.connection or "", unmatched=asked.unmatched
        )
    shown = found[: asked.limit]
    items = [listing(shelf) for shelf in shown]
    return say.ListingPage.model_construct(items=items, next=shown[-1].id if len(found) > asked.limit else None)


@reads(api, "/changed", "stock.read", say.ChangePage, 404)
@api.input(say.Paged, location="query", arg_name="asked")
def changed(asked: say.Paged) -> say.ChangePage:
    """Listings that showed something else than they were told, the newest first"""
    below = position(asked.after, BELOW) or doubts.BELOW_ALL
    with hub().database.read() as db:
        found = doubts.listed(db, visitor().merchant, below, asked.limit + 1)
    shown = found[: asked.limit]
    more = cursor(shown[-1].found_at, shown[-1].id) if len(found) > asked.limit else None
    return say.ChangePage.model_construct(items=[_change(one) for one in shown], next=more)


Place = Annotated[int, msgspec.Meta(ge=0, le=2**62)]
BELOW = msgspec.json.Decoder(tuple[Place, Place])


def _change(one: Doubt) -> say.ChangeSaid:
    return say.ChangeSaid.model_construct(
        listing=one.id, connection=one.connection, name=one.name, ours=one.ours, theirs=one.theirs, units=one.units,
        seen_at=say.moment(one.at), why=one.why, mark=mark_of(one),
    )  # fmt: skip


@writes(api, "POST", "/<int(max=9223372036854775807):id>/choice", "stock.write", say.ChoiceAsked, say.ListingSaid, 404)
def choose(work: Unit, id: int, asked: say.ChoiceAsked) -> say.ListingSaid:
    """Say whose number of a listing is right

    Ours is told to the channel; theirs is taken over: the shelf is adjusted and every channel is told.
    """
    merchant = visitor().merchant
    if doubts.one(work.db, merchant, id) is None:
        raise Refusal(404, "no-such-listing", "Nobody is asked about such a listing.")
    choose_in(hub(), work, merchant, id, theirs=asked.choose == "theirs", mark=asked.mark, who=who(), location=asked.location)
    found = store.one(work.db, merchant, id)
    assert found
    return listing(found)


@reads(api, "/<int(max=9223372036854775807):id>", "stock.read", say.ListingSaid, 404)
def one(id: int) -> say.ListingSaid:
    """One listing"""
    with hub().database.read() as db:
        found = store.one(db, visitor().merchant, id)
    if found is None:
        raise Refusal(404, "no-such-listing", "There is no such listing.")
    return listing(found)


@writes(api, "PUT", "/<int(max=9223372036854775807):id>/parts", "listings.map", say.PartsAsked, say.ListingSaid, 404)
def map_parts(work: Unit, id: int, asked: say.PartsAsked) -> say.ListingSaid:
    """Say which SKUs one unit of a listing consumes

    Orders that waited for it are reserved, and its channel is told. All places of the listing are mapped alike.
    """
    merchant, parts = visitor().merchant, {part.sku: part.units for part in asked.parts}
    found = store.one(work.db, merchant, id)
    if found is None:
        raise Refusal(404, "no-such-listing", "There is no such listing.")
    if parts.keys() - lists.known(work.db, merchant, parts):
        raise Refusal(404, "no-such-sku", "One of these SKUs is none of yours: count it first.")
    try:
        kits.check(work, merchant, (found.connection, found.listing, found.sku), parts, alone=found.alone)
    except kits.WrongKit as error:
        raise Refusal(409, "refused", f"{error}.") from None
    map_listing(work, merchant, (found.connection, found.listing, found.sku), parts)
    note(work, "listing.map", str(id), was=dict(found.parts), will=parts)
    return listing(store.one(work.db, merchant, id) or found)


@writes(api, "PUT", "/<int(max=9223372036854775807):id>/kit", "listings.map", say.KitAsked, say.ListingSaid, 404)
def kit(work: Unit, id: int, asked: say.KitAsked) -> say.ListingSaid:
    """Say how the parts of a listing leave

    `alone`: all parts of a unit must lie at one location. `exploded_by` the channel: orders list the parts as lines of their own, so the
    listing consumes nothing and its stock is not written. All places of the listing are alike.
    """
    merchant = visitor().merchant
    if store.one(work.db, merchant, id) is None:
        raise Refusal(404, "no-such-listing", "There is no such listing.")
    try:
        kits.set_how_in(work, merchant, id, How(asked.alone, Exploded(asked.exploded_by)), who())
    except kits.WrongKit as error:
        raise Refusal(409, "refused", f"{error}.") from None
    found = store.one(work.db, merchant, id)
    assert found
    return listing(found)


@writes(api, "PUT", "/<int(max=9223372036854775807):id>/rule", "stock.write", say.RuleAsked, say.ListingSaid, 404)
def rule(work: Unit, id: int, asked: say.RuleAsked) -> say.ListingSaid:
    """Say what a listing may show at most

    A buffer is kept back, a cap is never exceeded, and a stopped listing shows none. Its channel is told at once.
    """
    merchant = visitor().merchant
    found = store.one(work.db, merchant, id)
    if found is None:
        raise Refusal(404, "no-such-listing", "There is no such listing.")
    set_rules_in(work, merchant, {id: Rule(**asked.model_dump())}, who())
    found = store.one(work.db, merchant, id)
    assert found
    return listing(found)


def listing(shelf: Shelf) -> say.ListingSaid:
    return say.ListingSaid.model_construct(
        id=shelf.id, connection=shelf.connection, channel=shelf.channel, listing=shelf.listing, sku=shelf.sku, title=shelf.title,
        place=shelf.place_name or shelf.place, parts=[say.Part.model_construct(sku=sku, units=units) for sku, units in shelf.parts.items()],
        shown=shelf.shown, wanted=shelf.wanted, rule=say.RuleSaid.model_construct(**asdict(shelf.rule)), waits=shelf.waits,
        writable=shelf.writable is None, why_not=shelf.writable,
        problem=shelf.problem, alone=shelf.alone, exploded_by=shelf.exploded_by, uncovered=shelf.uncovered,
    )  # fmt: skip
