"""A house in which every text that enters is hostile: the orders of each channel, goods, files, forms; and a walk through all its pages."""

import csv
import io
import itertools
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from sqlalchemy import Text, cast, literal, update
from werkzeug.test import TestResponse

from core import jobs
from core.domain.shipments import State
from core.flows import connections as flows
from core.flows import intake
from core.ports import Notice
from core.store.tables import metadata
from tests.web.hostile import LONE, TEXTS, Page, faults
from tests.web.neighbours import fill
from tests.web.people import Person, come_in, hire
from tests.web.shop import Shop

HOUSE = Path(__file__).parents[2]
FREE = {
    *("name", "note", "tags", "first_name", "last_name", "company", "address1", "address2", "city", "zip", "province", "phone", "email"),
    *("contact_email", "title", "variant_title", "vendor", "sku", "code", "source_name", "source_identifier", "po_number", "gateway"),
    *("payment_gateway_names", "confirmation_number", "tracking_company", "tracking_number", "tracking_numbers", "cancel_reason", "reason"),
    *("sellerSku", "buyerName", "buyerEmail", "addressLine1", "addressLine2", "stateOrRegion", "postalCode", "cancelReason", "carrier"),
    *("trackingNumber", "promotionId", "companyName", "dropOffLocation", "addressInstruction", "giftMessage", "aliasId", "marketplaceName"),
    *("fullName", "username", "stateOrProvince", "phoneNumber", "message", "senderName", "recipientEmail", "shipmentTrackingNumber"),
    *("shippingCarrierCode", "shippingServiceCode", "buyerCheckoutNotes", "refundReferenceId", "salesRecordReference", "shipToReferenceId"),
}  # fmt: skip
FORMS = (
    "\"'><evil onfocus=evil() x='", "=cmd|' /C calc'!A0", "javascript:evil()//{{191*193}}", "x\r\nX-Evil: 1", "nul\0l", "W" * 3000,
    "a@b.example\"><script>evil()</script>",
)  # fmt: skip
ORDERS, STEP = 20, 7  # orders a channel, and how far the texts are moved on from one to the next: each field meets that many of them
WORST = "=\"'><evil onfocus=evil()>{{191*193}}<script>evil()</script>"
WORDS = {
    "api_keys": "name tail", "audit": "name subject", "backfills": "note", "connections": "label reason", "events": "caused_by",
    "findings": "theirs ours how", "hook_calls": "words", "hooks": "reason url", "ignored": "note name", "letters": "title outcome",
    "listings": "title problem handle", "merchants": "name", "order_acts": "name detail", "order_notes": "name", "order_tags": "tag",
    "orders": "name source_id", "places": "name", "sessions": "agent", "skus": "title", "tasks": "detail", "uploads": "name",
    "users": "name", "movements": "cause", "locations": "name",
    "alerts": "subject", "parcels": "carrier_name service tracking url told_problem", "shipment_lines": "title",
}  # fmt: skip
TYPED = {"text", "search", "email", "url", "tel", "password", "textarea", "number", "date"}


def spoilt(value: Any, words: Iterator[str], key: str = "") -> Any:
    """The payload with the next of these words in every field that takes words."""
    if isinstance(value, dict):
        return {name: spoilt(one, words, name) for name, one in value.items()}
    if isinstance(value, list):
        return [spoilt(one, words, key) for one in value]
    return next(words) if key in FREE and (value is None or isinstance(value, str)) else value


def orders(channel: str, key: str, first: int) -> Iterator[dict[str, Any]]:
    """As this channel writes them, each field of each order with another text; and one with half of a letter."""
    for number, order in zip(range(first, first + ORDERS), examples(channel), strict=False):
        words = itertools.cycle(TEXTS[number * STEP % len(TEXTS) :] + TEXTS[: number * STEP % len(TEXTS)])
        yield spoilt(order, words) | {key: number if channel == "shopify" else str(number)}
    yield spoilt(order, itertools.cycle([LONE])) | {key: first + ORDERS if channel == "shopify" else str(first + ORDERS)}


def examples(channel: str) -> Iterator[dict[str, Any]]:
    """Orders as this channel writes them, round and round."""
    found = [json.loads(path.read_bytes()) for path in sorted((HOUSE / f"connectors/{channel}/examples").glob("[!g]*.in.json"))]
    return itertools.cycle(found)


@dataclass
class Siege:
    shop: Shop
    owner: Person = field(init=False)
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.owner = come_in(self.shop, hire(self.shop.hub, self.shop.merchant, name="Ana"), self.shop.merchant)

    # ---- what enters

    def begin(self) -> None:
        """Every text comes in by files and by the channels."""
        self.shop.simulator.catalogue(
            [{"sku": words[:60], "title": words, "price": "10.00", "quantity": 9, "currency": "USD"} for words in TEXTS]
        )
        self.shop.offer("A")
        self.bring_files()
        self._sell_at_shopify()
        for channel in ("amazon", "ebay"):
            self._sell_elsewhere(channel)
        while jobs.drain(self.shop.hub, "inside"):
            pass
        self.shop.make_ready(ORDERS, State.SENT)

    def _sell_at_shopify(self) -> None:
        for order in orders("shopify", "id", 77_000):
            words = order["name"]
            order |= {"admin_graphql_api_id": f"gid://shopify/Order/{order['id']}", "note_attributes": [{"name": words, "value": words}]}
            raw = json.dumps(order).encode()
            said, _ = self.shop.knock(raw, self.shop.simulator.headers("orders/create", raw))
            assert said == (400 if words == LONE else 200)

    def _sell_elsewhere(self, channel: str) -> None:
        one = flows.connect(self.shop.hub, self.shop.merchant, channel, f"{channel}-account", {}, stock_since=0, live_at=0)
        made = orders(channel, "orderId", 1)
        notices = [Notice("test", f"d{body['orderId']}", order=body["orderId"], body=json.dumps(body).encode()) for body in made]
        with self.shop.hub.unit() as work:
            intake.keep(self.shop.hub, work, one, notices)

    def bring_files(self) -> None:
        """The texts as SKUs, titles and places in files that somebody uploads, and as their names; what could be taken is."""
        good = [words for words in TEXTS if words.strip() and words.isprintable()]
        answers = [self._bring("good", good), *(self._bring(words, [words]) for words in TEXTS[::10]), self._bring("half", [LONE])]
        self.shop.drain()
        for id in {one[1] for answer in answers for one in [re.search(r"/stock/import/([0-9a-f-]{36})", answer.text)] if one}:
            self.judge(f"take {id}", self.owner.post(f"/stock/import/{id}/take"))
        self.shop.drain()

    def _bring(self, name: str, texts: Iterable[str]) -> TestResponse:
        out = io.StringIO()
        rows = [(f"{words[:60]}{number}", words, words[:60], "7") for number, words in enumerate(texts)]
        csv.writer(out).writerows([("sku", "title", "location", "on_hand"), *rows])
        return self._upload(re.sub(r"[\r\n]", "", name[:40]), out.getvalue().encode("utf-8", "surrogatepass"))

    def _upload(self, name: str, raw: bytes) -> TestResponse:
        return self.judge(
            f"upload {name[:30]!r}", self.owner.post("/stock/import", data={"file": (io.BytesIO(raw), name), "location": "Main"})
        )

    def fill_in(self, pages: Iterable[str]) -> int:
        """Every form of these pages with hostile words in all that can be typed; gives how many there were."""
        forms = {}
        for path in pages:
            answer = self.ask(path)
            if answer.mimetype == "text/html":
                found = Page(answer.text)
                forms |= {self._kind(path, one): (path, one, fields) for one, fields in zip(found.forms, found.fields, strict=True)}
        typed = [one for one in forms.values() if any(kind in TYPED for _, kind, _ in one[2])]
        for (path, form, fields), words in itertools.product(typed, FORMS):
            self._send(path, form, fields, words)
        return len(typed)

    def _kind(self, path: str, form: dict[str, str]) -> str:
        there = urljoin(path, form.get("action") or path).partition("?")[0]
        return f"{form.get('method', 'get')} {re.sub(r'[0-9a-f-]{16,}|[0-9]+', '*', there)}"

    def _send(self, path: str, form: dict[str, str], fields: list[tuple[str, str, str]], words: str) -> None:
        said = [(name, words if kind in TYPED else value) for name, kind, value in fields if kind not in ("file", "proof")]
        address, method = urljoin(path, form.get("action") or path), form.get("method", "get").upper()
        body = {"data": _pairs(said)} if method == "POST" else {"query_string": dict(said)}
        self.judge(f"{method} {address} {words[:30]!r}", self.owner.open(address, method=method, **body))

    def write_down(self) -> None:
        """The worst text stands in every column of words there is, however it came there."""
        fill(self.shop.hub, self.shop.merchant)
        with self.shop.hub.database.write() as db:
            db.exec_driver_sql("delete from exports")  # what was made up there is nothing that anybody could read
            db.exec_driver_sql("update findings set what = 'listing', mended_at = null")
            for table, columns in WORDS.items():
                it = metadata.tables[table]
                each = literal(WORST).op("||")(cast(next(iter(it.primary_key)), Text))  # some are to be unique
                db.execute(update(it).values(dict.fromkeys(columns.split(), each)))

    # ---- what is shown

    def judge(self, what: str, answer: TestResponse) -> TestResponse:
        self.wrong += [f"{what}: {one}" for one in faults(answer)]
        return answer

    def ask(self, path: str) -> TestResponse:
        return self.judge(f"GET {path[:120]}", self.owner.get(path))

    def walk(self, start: Iterable[str], most: int) -> list[str]:
        """Every page that is linked from these, so many at most of a kind."""
        waiting, seen, kinds = list(start), dict[str, None](), dict[str, int]()
        while waiting:
            path = waiting.pop(0)
            kind = re.sub(r"[0-9a-f-]{16,}", "*", path.partition("?")[0]) + "?" * ("?" in path)
            if path in seen or kinds.get(kind, 0) >= most or path.startswith(("/static/", "/api/docs")):
                continue
            seen[path], kinds[kind] = None, kinds.get(kind, 0) + 1
            answer = self.ask(path)
            waiting += [urljoin(path, link).partition("#")[0] for link in Page(answer.text).links] if answer.mimetype == "text/html" else []
        return list(seen)


def _pairs(said: list[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in said:
        found.setdefault(name, []).append(value)
    return found
