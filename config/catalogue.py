"""What the simulated channels sell before anybody has said what it means: one business, spelled three ways, as people do. Pure."""

import random
from collections.abc import Callable
from typing import Any

Product = dict[str, Any]
NOUNS = ["Lamp", "Kettle", "Scarf", "Bowl", "Chair", "Basket", "Blanket", "Clock", "Mirror", "Vase"]
COLOURS = ("Sand", "Moss", "Slate")
ORDERS = 4  # that each channel has sold already


def products() -> list[Product]:
    """Thirty things to sell, the same every time."""
    made = [(noun, colour) for noun in NOUNS for colour in COLOURS]
    return [
        {"sku": f"{noun[:3].upper()}-{colour[:2].upper()}-{n:02d}", "title": f"{noun}, {colour}", "price": f"{9 + n * 3}.{90 + n % 10}",
         "currency": "USD"}
        for n, (noun, colour) in enumerate(made, 1)
    ]  # fmt: skip


def catalogue(channel: str, seed: int) -> list[Product]:
    """A channel's listings, the same for a seed: most SKUs as they are, some in small letters, with blanks around or in between; one
    thing listed twice, one without a SKU (not on Amazon), a set of two, and in the shop one that is not counted. Amazon's simulator
    adds FBA offers of its own."""
    chance = random.Random(f"{channel}:{seed}")  # noqa: S311 - a rehearsal's choice, not a secret
    goods = [{**one, "quantity": chance.randint(5, 40)} for one in products()]
    ways = SPELLED.get(channel, ())
    for one, spelled in zip(chance.sample(goods, len(ways)), ways, strict=True):
        one["sku"] = spelled(one["sku"])
    return goods + (EXTRAS[channel](goods) if channel in EXTRAS else [])


def _around(sku: str) -> str:
    return f" {sku} "


def _between(sku: str) -> str:
    return sku.replace("-", " ")


def _shopify(goods: list[Product]) -> list[Product]:
    return [
        _thing("", "Gift wrap", 100),
        {**goods[4], "title": f"{goods[4]['title']}, last year's", "quantity": 3},
        _thing("SET-LAMP-BOWL", "Lamp and bowl", 5),
        {**_thing("ENGRAVING", "Engraving", 0), "tracked": False},
    ]


def _amazon(goods: list[Product]) -> list[Product]:
    """A seller's SKU is there once; the second offer has one of its own."""
    return [
        _thing(f"{goods[4]['sku'].strip()}-B", f"{goods[4]['title']}, second offer", 3),
        _thing("AMZ-SET-LAMP-BOWL", "Lamp and bowl", 5),
    ]


def _ebay(goods: list[Product]) -> list[Product]:
    return [
        {**_thing("", "Box of odds and ends", 7), "api": "trading"},
        {**goods[5], "title": f"{goods[5]['title']}, used", "quantity": 2, "api": "trading"},
        {**_thing("set lamp+bowl", "Lamp and bowl", 5), "api": "trading"},
    ]


def _thing(sku: str, title: str, quantity: int) -> Product:
    return {"sku": sku, "title": title, "price": "24.90", "quantity": quantity, "currency": "USD"}


SPELLED: dict[str, tuple[Callable[[str], str], ...]] = {
    "shopify": (_around, _around),
    "amazon": (str.lower, str.title, _around, _between, _between),
    "ebay": (str.lower, str.lower, str.lower, _around, _between, _between),
}
EXTRAS: dict[str, Callable[[list[Product]], list[Product]]] = {"shopify": _shopify, "amazon": _amazon, "ebay": _ebay}
