"""SKUs' cards: what carriers and customs ask of them, their barcodes, and where they lie."""

from collections.abc import Mapping, Sequence
from typing import Any

from apiflask import APIBlueprint

from core.domain import cards as rules
from core.flows import cards
from core.flows.cards import Wish, WrongCard
from core.store import cards as store
from core.store import counts
from core.store.cards import Held
from core.store.unit import Unit
from web.api import models as say
from web.api.problems import Refusal
from web.api.route import reads, writes
from web.visitor import hub, visitor, who

api = APIBlueprint("api_skus", __name__, url_prefix="/api/v1/skus", tag="SKUs")


@reads(api, "", "stock.read", say.SkuPage)
@api.input(say.SkusAsked, location="query", arg_name="asked")
def page(asked: say.SkusAsked) -> say.SkuPage:
    """SKUs with their cards

    With `sku` that one alone; SKUs are free text, so it is no part of the path. With `lacking` those that are sold or on hand and of which
    a label will lack something.
    """
    with hub().database.read() as db:
        found = _found(db, asked)
        shown = found[: asked.limit]
        items = _told(db, shown)
    return say.SkuPage.model_construct(items=items, next=shown[-1].sku if len(found) > asked.limit else None)


def _found(db: Any, asked: say.SkusAsked) -> Sequence[Held]:
    merchant, after = visitor().merchant, asked.after or ""
    if asked.sku:
        return [one for one in (store.one(db, merchant, asked.sku),) if one]
    if not asked.lacking:
        return store.page(db, merchant, after, asked.limit + 1)
    return store.lacking(db, merchant, "", after, asked.limit + 1)


@writes(api, "PATCH", "", "stock.write", say.CardAsked, say.SkuSaid, 404)
def change(work: Unit, asked: say.CardAsked) -> say.SkuSaid:
    """Write parts of a SKU's card

    What is not said stays as it is; null takes away what was there. `barcodes` are all that it has from then on.
    """
    merchant, said = visitor().merchant, asked.model_dump(exclude_unset=True)
    if store.one(work.db, merchant, asked.sku) is None:
        raise Refusal(404, "not-found", "You have no such SKU.")
    rooms = counts.locations(work.db, merchant)
    bins = {_location(rooms, name): text for name, text in (said.get("bins") or {}).items()}
    codes = tuple(dict.fromkeys(said["barcodes"] or ())) if "barcodes" in said else None
    wish = Wish({name: value for name, value in said.items() if name in rules.NAMES}, codes, bins)
    try:
        cards.write_in(work, merchant, {asked.sku: wish}, who())
    except WrongCard as error:
        raise Refusal(409, "refused", f"{str(error).removeprefix(asked.sku).lstrip(': ')}.") from None
    found = store.one(work.db, merchant, asked.sku)
    assert found
    return _told(work.db, [found])[0]


def _location(rooms: Mapping[str, str], name: str) -> str:
    found = name if name in rooms else next((id for id, called in rooms.items() if called == name), None)
    if found is None:
        raise Refusal(404, "no-such-location", "You have no location of that id or name.")
    return found


def _told(db: Any, found: Sequence[Held]) -> list[say.SkuSaid]:
    merchant, skus = visitor().merchant, [one.sku for one in found]
    coded, lying = store.barcodes(db, merchant, skus), store.bins(db, merchant, skus)
    bins: dict[str, dict[str, str]] = {sku: {} for sku in skus}
    for (sku, location), text in lying.items():
        bins[sku][location] = text
    return [_one(one, coded.get(one.sku, ()), bins[one.sku]) for one in found]


def _one(one: Held, codes: Sequence[str], bins: Mapping[str, str]) -> say.SkuSaid:
    card = {name: getattr(one.card, name) for name in rules.NAMES}
    return say.SkuSaid.model_construct(
        sku=one.sku, title=one.title, **card, barcodes=list(codes), bins=dict(bins), lacks=rules.lacks(one.card)
    )  # fmt: skip
