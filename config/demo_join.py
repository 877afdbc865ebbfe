"""The first day of a merchant who already sells: the rehearsal that joins a business which runs."""

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

from config.catalogue import products
from config.demo import Failed, FirstDay, Stage, Stagehand, change_some, import_some, settled, taken
from config.settings import BadSettings
from core.flows import join, stock_csv
from core.flows.allocation import map_listing
from core.store import listings


def before(hand: Stagehand, names: list[str], count: int, seed: int) -> None:
    """Each channel shows what its merchant once typed there, eBay's SKUs in small letters, and has sold already."""
    if any(hand.get(name, "orders") for name in names):
        raise BadSettings("demo: --join begins with a home in which nothing has run yet")
    for turn, name in enumerate(names):
        spelled = str.lower if name == "ebay" else str
        goods = [{**ware, "sku": spelled(ware["sku"]), "quantity": 200 + 50 * turn + n + count} for n, ware in enumerate(products())]
        hand.post(name, "catalogue", {"products": goods})
        placed = hand.post(name, "orders", {"count": max(4, count // 10), "seed": seed * 1_000 + turn})
        change_some(hand, name, placed, random.Random(seed + turn))
    if {"shopify", "amazon"} <= set(names):
        import_some(hand, [one for one in hand.get("amazon", "orders") if not one["cancelled"]])


def play(stage: Stage, say: Callable[[str], None]) -> dict[str, Any]:
    """Watch, count, match, look, go live; gives what it came to."""
    settled(stage)
    watched = {"orders": len(taken(stage)), "writes": _writes(stage)}
    if watched["writes"]:
        raise Failed(f"{watched['writes']} writes went out to channels that were only watched")
    say(f"Watching: {watched['orders']} orders of before are here, nothing was written.")
    counted = _count(stage)
    say(f"Counted: {counted} SKUs, by what Shopify shows and has sold.")
    matched = _match(stage)
    say(f"Matched by hand: {matched} listings that spell their SKU another way.")
    settled(stage)
    found = {name: Counter(one.what for one in join.changes(stage.hub, one)) for name, one in stage.by_channel.items()}
    for name, whats in found.items():
        say(f"Before and after on {name}: {', '.join(f'{n} {what}' for what, n in whats.most_common())}.")
    _go_live(stage)
    say("Live: every channel shows what is free.")
    return {"watched": watched, "counted": counted, "matched": matched, "changes": {name: dict(whats) for name, whats in found.items()}}


def _writes(stage: Stage) -> int:
    return sum(int(one["writes"]) for name in stage.by_channel for one in stage.hand.get(name, "listings"))


def _count(stage: Stage) -> int:
    found, _ = join.opening(stage.hub, stage.by_channel["shopify"], others_taken_off=False)
    return len(list(stock_csv.apply(stage.hub, stage.merchant.id, list(join.lines(found)), "Main", dry_run=False)))


def _match(stage: Stage) -> int:
    """Somebody says which SKU a listing means whose text is none of ours letter by letter."""
    known = {ware["sku"].casefold(): ware["sku"] for ware in products()}
    with stage.hub.database.read() as db:
        lost = [one for one in listings.all_of(db, stage.merchant.id) if not one.parts and one.sku.casefold() in known]
    for one in lost:
        with stage.hub.unit() as work:
            map_listing(work, stage.merchant.id, (one.connection, one.listing, one.sku), {known[one.sku.casefold()]: 1})
    return len(lost)


def _go_live(stage: Stage) -> None:
    for one in stage.by_channel.values():
        join.go_live(stage.hub, stage.hub.connection(one.id))
    settled(stage)


FIRST_DAY = FirstDay(before, play)
