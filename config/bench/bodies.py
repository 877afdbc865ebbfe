"""Shopify order bodies to measure with: made by the simulator, with invented people, or read from a file with one on each line."""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from config.bench.child import SECRET
from connectors.shopify import MANIFEST
from connectors.shopify.simulator import ACCOUNT as ACCOUNT
from connectors.shopify.simulator import Simulator
from connectors.simulation import Post, World
from core.domain.order import Order
from core.errors import BadPayload

START = datetime(2026, 11, 22, 12, tzinfo=UTC)
PRODUCTS = 200
FIRST_COPY = 6_000_000_000_000


@dataclass(frozen=True, slots=True)
class Body:
    """An order's body and the channel's id in it."""

    raw: bytes
    order: str


def made(count: int, seed: int = 1) -> list[Body]:
    """`count` different orders of a shop with 200 products, about 9 KB each, as the simulator's webhooks carry them."""
    world = World(clock=lambda: START, seed=seed, post=Post(url="nowhere"))
    shop = Simulator(world)
    shop.catalogue([
        {"sku": f"SKU-{n:04}", "title": f"Thing number {n}", "price": f"{5 + n % 90}.90", "quantity": 1_000_000, "currency": "USD"}
        for n in range(PRODUCTS)
    ])  # fmt: skip
    shop.place({"count": count, "seed": seed})
    raws = [item.body for item in world.outbox if item.headers["X-Shopify-Topic"] == "orders/create"]
    return [Body(raw, MANIFEST.order(raw, "any").id) for raw in raws]


def single(count: int) -> list[Body]:
    """`count` orders of one unit each, every one of another SKU."""
    world = World(clock=lambda: START, post=Post(url="nowhere"))
    shop = Simulator(world)
    skus = [f"ONE-{n:04}" for n in range(count)]
    shop.catalogue([{"sku": sku, "title": f"Thing {sku}", "price": "9.90", "quantity": 1_000_000, "currency": "USD"} for sku in skus])
    for sku in skus:
        shop.place({"lines": [{"sku": sku, "quantity": 1}]})
    raws = [item.body for item in world.outbox if item.headers["X-Shopify-Topic"] == "orders/create"]
    return [Body(raw, MANIFEST.order(raw, "any").id) for raw in raws]


def copies(bodies: Sequence[Body], count: int, start: int = 0) -> Iterator[Body]:
    """`count` more orders like these, each with an id of its own: the ids from `start` on."""
    for number in range(start, start + count):
        pattern, id = bodies[number % len(bodies)], str(FIRST_COPY + number)
        yield Body(pattern.raw.replace(pattern.order.encode(), id.encode()), id)


def read(path: Path) -> list[bytes]:
    """One order body a line, as it came."""
    return [line for line in path.read_bytes().splitlines() if line.strip()]


def headers(raw: bytes, delivery: str, account: str = ACCOUNT) -> dict[str, str]:
    """What Shopify sends with a new order."""
    signature = base64.b64encode(hmac.new(SECRET.encode(), raw, hashlib.sha256).digest()).decode()
    return {
        "x-shopify-topic": "orders/create",
        "x-shopify-hmac-sha256": signature,
        "x-shopify-shop-domain": account,
        "x-shopify-webhook-id": delivery,
    }


def readable(raws: Iterable[bytes]) -> Iterator[Order]:
    """The orders of those bodies that can be read."""
    for raw in raws:
        with suppress(BadPayload):
            yield MANIFEST.order(raw, "any")


def goods(raws: Iterable[bytes]) -> set[tuple[str, str]]:
    """(listing, SKU) of everything that these orders sell."""
    return {(line.listing or "", line.sku or "") for order in readable(raws) for line in order.lines}
