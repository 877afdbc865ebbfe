"""What the simulators share: the control door, faults, rate buckets, webhook deliveries, the log and the recorder.

A simulator is a class that behaves as one outside system (see `Simulated`). `Stage` runs several of them as one WSGI
application, each under its own name: /shopify/..., /amazon/..., /ebay/..., with a control door /NAME/_sim/... for people and
tests. The log is the oracle: what did the channel really see?
"""

import errno
import json
import math
import random
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from html import escape, unescape
from io import BytesIO
from pathlib import Path
from string import Template
from typing import IO, Any, Protocol, runtime_checkable
from urllib.parse import parse_qsl, urlencode, urlsplit

import requests
from requests.adapters import BaseAdapter
from requests.utils import get_encoding_from_headers
from werkzeug.exceptions import BadRequest, Conflict, HTTPException, NotFound
from werkzeug.test import EnvironBuilder, run_wsgi_app
from werkzeug.wrappers import Request, Response

from core.domain.money import Money
from core.ports import Rate

RELAXED = 1000.0  # how much faster everything refills under relaxed limits
ATTEMPTS = 9  # deliveries of one webhook: the first and eight more (shopify.dev, webhook retries)
SECRET = re.compile(r"authorization|token|secret|hmac|signature|cookie|cert|dev-?name|app-?name|private-?key|jwe", re.I)
PERSONAL = re.compile(
    r"name$|address|street|phone|e-?mail|postal|^zip|zip(?:code)?$|^firm$|city|note|password|token|secret|message|buyer|recipient|latitude|longitude|^company$",
    re.I,
)
ELEMENT = re.compile(r"(<(?:\w+:)?(\w+)(?:\s[^<>]*)?>)([^<>]+)")
KINDS = frozenset(["429", "500", "html", "401", "cut_before", "cut_after", "slow"])
SOLD_AT = "Sold-At"  # in the control door's answer to buyers: when that was by this channel's clock, exactly
PATIENCE = "crossdock.patience_s"  # in the environ of a call in process: how long the caller waits for an answer
PLAIN = re.compile(
    r"typename|operationname|channelname|rolename|marketplacename|sku|filename|hostname|carrier|signatureoption|identifiername", re.I
)

KINDS_OF_PAPER = frozenset(["PACKSLIP", "LABEL", "RECEIPT", "CUSTOM_FORM"])  # Amazon keeps them under "name"


class Simulated(Protocol):
    """One outside system. `state` is plain JSON data and is all it remembers."""

    name: str
    state: dict[str, Any]

    def credentials(self, base: str) -> dict[str, Any]:
        """What a hub needs to connect: {account, app, login, settings}; `base` is this simulator's own address. `door`, where there is one,
        is the page of the system's own admin in which people find the hub."""
        ...

    def operation(self, request: Request) -> str | None:
        """The call's name as in MANIFEST.calls; None for what the vendor serves elsewhere (storage, queues): not recorded. Nor are calls
        that a simulator names in `unrecorded`, since no contract of theirs is published."""
        ...

    def answer(self, request: Request, operation: str | None) -> Response: ...

    def fault(self, kind: str, operation: str | None) -> Response:
        """The vendor's own way to say "429", "500" or "401"."""
        ...


@runtime_checkable
class Sells(Simulated, Protocol):
    """A channel."""

    def catalogue(self, products: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Stock the shelves: products {sku, title, price (text), quantity, currency}; gives the listings."""
        ...

    def place(self, wish: dict[str, Any]) -> list[dict[str, Any]]:
        """Buyers buy: {count, seed, planted: bool} or {lines: [{sku, quantity}]} (see `cart`); gives what `orders` gives for them."""
        ...

    def act(self, order: str, what: str, wish: dict[str, Any]) -> dict[str, Any]:
        """Something happens to an order there: pay, cancel, fulfill (see `chosen`), refund, edit, touch. A wrong wish changes nothing
        and raises BadRequest, KeyError, TypeError or ValueError."""
        ...

    def orders(self) -> list[dict[str, Any]]:
        """The oracle: {id, units: {sku: n open}, parks: reason or null, placed_at, total, currency} for each order held for us."""
        ...

    def listings(self) -> list[dict[str, Any]]:
        """The oracle: {listing, sku, shown, sold, writes}."""
        ...


@runtime_checkable
class Carries(Simulated, Protocol):
    """A carrier."""

    def parcels(self) -> list[dict[str, Any]]:
        """The oracle: {key, tracking, service, voided, price (text), currency, weight_g, country, steps: [status]} for each box whose label
        was bought, in the order of purchase; `key` is our reference as it came."""
        ...

    def move(self, tracking: str, what: str, wish: dict[str, Any]) -> dict[str, Any]:
        """Something happens to a parcel: pick_up, travel, bring (out for delivery), deliver, fail, return. `wish` may name {town,
        country}. Gives what `parcels` gives for it; raises as `Sells.act`."""
        ...


@runtime_checkable
class Settles(Protocol):
    """A channel that pays out."""

    def settle(self, wish: dict[str, Any]) -> list[dict[str, Any]]:
        """Close what stands and pay it out, a payout for each currency; gives what `payouts` gives for them. `plant` may name one
        difference that is put in: fee (one is a cent dearer than was told before), refund_missing, twice (an order's money comes twice),
        currency (an order's money comes in another one), cent (one cent less for an order), sum (the payout is not what its lines sum
        to)."""
        ...

    def payouts(self) -> list[dict[str, Any]]:
        """The oracle: {id, state, amount (text), currency, planted: null or {what, order}, lines: n} in the order of payment."""
        ...


@runtime_checkable
class Keeps(Simulated, Protocol):
    """A set of books."""

    def documents(self) -> list[dict[str, Any]]:
        """The oracle: {id, kind (a DocKind), number, key, on, total (text), currency, gone, lines: [{account, amount (text), tax_code}]}
        of each document, in the order in which they were written; `key` is ours as it came."""
        ...

    def tamper(self, document: str, what: str, wish: dict[str, Any]) -> dict[str, Any]:
        """Somebody there changes a document by hand: edit (one amount is another one), void, delete. Gives what `documents` gives."""
        ...

    def arrange(self, what: str, wish: dict[str, Any]) -> dict[str, Any]:
        """Somebody changes the books: close {until: a day}, retire {account: id}, plain (the plan loses tags and currencies)."""
        ...


@runtime_checkable
class Befalls(Protocol):
    """A system that tells us of more than orders."""

    def befall(self, what: str, wish: dict[str, Any]) -> dict[str, Any]:
        """Something happens to the whole account there, or to one of its customers. Raises as `act`."""
        ...


class Cut(Exception):
    """The connection breaks here, without an answer."""


class TooSlow(Exception):
    """In process: the caller no longer waits for this answer."""


def _number(value: object, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} is a number")
    return value


@dataclass
class Fault:
    """`kind`: 429, 500, html, 401, cut_before, cut_after (the work is done, the answer lost), slow (the work is done, the answer comes
    `seconds` later). `operation` may be "*"."""

    kind: str
    operation: str = "*"
    times: int = 1
    after: int = 0
    seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind is one of {', '.join(sorted(KINDS))}")
        for name in ("times", "after", "seconds"):
            _number(getattr(self, name), name)

    def hits(self, operation: str | None) -> bool:
        if self.operation not in ("*", operation) or self.times <= 0:
            return False
        if self.after > 0:
            self.after -= 1
            return False
        self.times -= 1
        return True


@dataclass
class Delivery:
    url: str
    headers: dict[str, str]
    body: bytes
    due: datetime
    attempts: int = 0


@dataclass
class Post:
    """How webhooks travel: where to, and how badly. Chances are between 0 and 1."""

    url: str | None = None
    duplicates: float = 0.0
    drop: float = 0.0
    reorder: float = 0.0
    delay_s: float = 0.0

    def __post_init__(self) -> None:
        if not isinstance(self.url, str | None):
            raise TypeError("url is a text")
        for name in ("duplicates", "drop", "reorder", "delay_s"):
            _number(getattr(self, name), name)


@dataclass
class World:
    """Everything around one simulator: time, chance, limits, faults, the post, the log and the recorder. `pause` waits for a slow
    answer; without one it comes at once, or in process not at all to a caller who would not wait for it. No page of
    orders holds more than `page`, whatever was asked for."""

    clock: Callable[[], datetime]
    seed: int = 0
    limits: str = "relaxed"
    folder: Path | None = None
    recorder: IO[str] | None = None
    post: Post = field(default_factory=Post)
    faults: list[Fault] = field(default_factory=list)
    log: list[dict[str, Any]] = field(default_factory=list)
    outbox: list[Delivery] = field(default_factory=list)
    buckets: dict[str, tuple[float, datetime]] = field(default_factory=dict)
    pause: Callable[[float], None] | None = None
    page: int = 1000

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.lock = threading.RLock()

    @property
    def relaxed(self) -> bool:
        return self.limits == "relaxed"

    def take(self, key: str, rate: Rate, units: float = 1.0) -> float:
        """Take from a bucket; 0 when it sufficed, else the seconds to wait. Relaxed limits refill a thousandfold."""
        per_s, now = rate.per_s * (RELAXED if self.relaxed else 1.0), self.clock()
        left, at = self.buckets.get(key, (rate.burst, now))
        left = min(rate.burst, left + (now - at).total_seconds() * per_s)
        short = units - left
        self.buckets[key] = (left if short > 0 else left - units, now)
        return short / per_s if short > 0 else 0.0

    def left(self, key: str, rate: Rate) -> float:
        self.take(key, rate, 0.0)
        return self.buckets[key][0]

    def send(self, headers: Mapping[str, str], body: bytes) -> None:
        """Put a webhook in the post, as often and as late as the post's habits say."""
        if self.post.url is None or self.random.random() < self.post.drop:
            return
        copies = 1 + (self.random.random() < self.post.duplicates)
        for _ in range(copies):
            late = self.post.delay_s * self.random.random() + (2.0 if self.random.random() < self.post.reorder else 0.0)
            self.outbox.append(Delivery(self.post.url, dict(headers), body, self.clock() + timedelta(seconds=late)))

    def deliver(self, send: Callable[[Delivery], int], each: Callable[..., Iterable[int]] = map) -> int:
        """Deliver what is due; refused ones come again, later and later, nine times in all. Gives how many were sent. `each` may send
        several at once."""
        with self.lock:
            now = self.clock()
            due = [item for item in self.outbox if item.due <= now]
            self.outbox = [item for item in self.outbox if item.due > now]
        for item, status in zip(due, each(send, due), strict=True):
            item.attempts += 1
            if not 200 <= status < 300 and item.attempts < ATTEMPTS:
                item.due = self.clock() + timedelta(seconds=0.5 * 2**item.attempts)
                with self.lock:
                    self.outbox.append(item)
        return len(due)

    def fault(self, operation: str | None) -> Fault | None:
        return next((fault for fault in self.faults if fault.hits(operation)), None)


def reply(data: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(json.dumps(data, default=str), status, dict(headers or {}), content_type="application/json")


ASK = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>$title</title>
<style>body { font: 14px/1.5 system-ui, sans-serif; background: #f1f1f1; color: #303030; }
main { max-width: 480px; margin: 10vh auto; padding: 24px; background: #fff; border-radius: 12px; }
button { font: inherit; font-weight: 600; padding: 8px 16px; border-radius: 8px; }</style></head>
<body><main><h1>$title</h1><p>$words</p><form method="post" action="$action"><button name="agree" value="1">$yes</button>
<button name="agree" value="">$no</button></form></main></body></html>
""")


def ask_page(title: str, words: str, action: str, yes: str = "Agree", no: str = "Cancel") -> Response:
    """A page on which somebody agrees or does not, as a form that posts `agree` to `action`."""
    said = {"title": title, "words": words, "action": action, "yes": yes, "no": no}
    return Response(ASK.substitute({name: escape(text) for name, text in said.items()}), content_type="text/html; charset=utf-8")


def came_back(address: str, **query: str) -> Response:
    """The person is sent to this address with what they bring."""
    return Response("", 303, {"Location": f"{address}{'&' if '?' in address else '?'}{urlencode(query)}"})


def whole(said: object, name: str) -> int:
    """A number of units in a wish. Raises BadRequest."""
    if isinstance(said, bool) or not isinstance(said, int) or said < 0:
        raise BadRequest(f"{name} is a whole number of units")
    return said


def _products(said: Any) -> list[dict[str, Any]]:
    if not isinstance(said, list) or not all(isinstance(one, dict) and isinstance(one.get("sku"), str) for one in said):
        raise BadRequest("products is a list of {sku, title, price, quantity, currency}")
    for one in said:
        whole(one.get("quantity", 0), f"quantity of {one['sku']}")
        Money.parse(one.get("price", "0"), one.get("currency", "USD"))
    return said


def cart(wish: Mapping[str, Any]) -> list[tuple[str, int]]:
    """The lines of a wish for an exact order: {lines: [{sku, quantity}]}, as (SKU, units). Raises BadRequest."""
    lines = wish["lines"]
    if not isinstance(lines, list) or not lines or not all(isinstance(line, dict) and "sku" in line for line in lines):
        raise BadRequest("lines is a list of {sku, quantity}")
    return [(str(line["sku"]), whole(line.get("quantity", 1), "quantity")) for line in lines]


def chosen(wish: Mapping[str, Any], left: Sequence[tuple[str, str, int]]) -> dict[str, int]:
    """The units that a wish names, by line: {units: {sku: n}}, or {lines: [{line or sku, quantity}]}, or nothing, which is all that
    is left. `left` are (line, SKU, open units); never more than these. Raises BadRequest for what the order does not hold."""
    if wish.get("units") is not None:
        asked = wish["units"]
        if not isinstance(asked, dict):
            raise BadRequest("units is an object of SKU and number")
        return _spread([(str(sku), whole(units, f"units of {sku}")) for sku, units in asked.items()], left)
    if not wish.get("lines"):
        return {line: units for line, _, units in left if units}
    if not isinstance(wish["lines"], list) or not all(isinstance(one, dict) for one in wish["lines"]):
        raise BadRequest("lines is a list of {line or sku, quantity}")
    everything = sum(units for _, _, units in left)
    return _spread([_named(one, everything) for one in wish["lines"]], left)


def _named(one: Mapping[str, Any], everything: int) -> tuple[str, int]:
    if "line" not in one and "sku" not in one:
        raise BadRequest("each of lines names a line or a SKU")
    said = one.get("quantity")
    return str(one["line"] if "line" in one else one["sku"]), everything if said is None else whole(said, "quantity")


def _spread(asked: Iterable[tuple[str, int]], left: Sequence[tuple[str, str, int]]) -> dict[str, int]:
    """Units by line: those asked for of each line or SKU, from its first line on."""
    taken: Counter[str] = Counter()
    for name, units in asked:
        mine = [(line, open_) for line, sku, open_ in left if name in (line, sku)]
        if not mine:
            raise BadRequest(f"the order has no line {name}")
        for line, open_ in mine:
            part = min(units, open_ - taken[line])
            taken[line] += part
            units -= part
    return {line: units for line, units in taken.items() if units}


HTML = Response("<html><body><h1>503 Service Temporarily Unavailable</h1></body></html>", 503, content_type="text/html")


def _do(world: World, simulator: Simulated, request: Request, operation: str | None) -> tuple[Response, float]:
    """The vendor's answer, or the fault that was asked for; and how many seconds late it comes."""
    fault = world.fault(operation)
    kind = fault.kind if fault else None
    match kind:
        case None | "slow":
            answer = simulator.answer(request, operation)
        case "cut_before":
            raise Cut
        case "cut_after":
            simulator.answer(request, operation)
            raise Cut
        case "html":
            answer = HTML
        case _:
            answer = simulator.fault(kind, operation)
    if operation and kind is None and operation not in getattr(simulator, "unrecorded", ()):
        _record(world, simulator.name, request, answer)
    return answer, fault.seconds if fault else 0.0


def _vendor(world: World, simulator: Simulated, request: Request) -> Response:
    answer, late_s = _served(world, simulator, request)
    if late_s:
        _wait(world, late_s, request.environ.get(PATIENCE))
    return answer


def _wait(world: World, seconds: float, patience: float | None) -> None:
    """Be late. `patience` is that of a caller in process: TooSlow is raised where it ends first."""
    waits = seconds if patience is None else min(seconds, patience)
    if world.pause:
        world.pause(waits)
    if waits < seconds:
        raise TooSlow


def _served(world: World, simulator: Simulated, request: Request) -> tuple[Response, float]:
    request.get_data()  # kept by werkzeug: whoever reads the form leaves nothing for the recorder otherwise
    with world.lock:
        operation = simulator.operation(request)
        entry: dict[str, Any] = {"seq": len(world.log), "at": world.clock().isoformat(), "operation": operation, "path": request.path}
        world.log.append(entry)
        try:
            answer, late_s = _do(world, simulator, request, operation)
        except Cut:
            entry["status"] = "cut"
            raise
        except HTTPException as error:
            answer, late_s = Response(error.description or "", error.code or 500), 0.0
        entry["status"] = answer.status_code
        return answer, late_s


def _control(world: World, simulator: Simulated, request: Request, steps: list[str]) -> Response:
    """The control door; a wish that nobody can understand is refused in a sentence."""
    try:
        return _controlled(world, simulator, request, steps)
    except KeyError as error:
        raise BadRequest(f"The wish cannot be understood: there is no {error}.") from None
    except (TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise BadRequest(f"The wish cannot be understood: {error}.") from None


@contextmanager
def _then(world: World, wish: Mapping[str, Any]) -> Iterator[None]:
    """It happened `days_ago`, where the wish says so."""
    clock, ago = world.clock, timedelta(days=float(wish.get("days_ago", 0)))
    world.clock = lambda: clock() - ago
    try:
        yield
    finally:
        world.clock = clock


def _seen(simulator: Sells, order: str) -> Any:
    for one in simulator.orders():
        if one["id"] == order:
            return one
    raise NotFound


def _on_show(simulator: Sells, wish: Mapping[str, Any]) -> None:
    """A buyer who wants `only_shown` lines is told where one is sold out, as at a real checkout. Raises Conflict."""
    if wish.get("only_shown"):
        shown = {one["sku"]: one["shown"] or 0 for one in simulator.listings()}
        if short := [sku for sku, units in cart(wish) if shown.get(sku, 0) < units]:
            raise Conflict(f"{short[0]} is sold out")


def _controlled(world: World, simulator: Simulated, request: Request, steps: list[str]) -> Response:
    """GET reads, POST does; bodies and answers are JSON."""
    wish = json.loads(request.get_data() or b"{}")
    if not isinstance(wish, dict):
        raise TypeError("a wish is an object")
    with world.lock:
        match request.method, steps:
            case "GET", ["credentials"]:
                return reply(simulator.credentials(request.host_url.rstrip("/") + "/" + simulator.name))
            case "GET", ["log"]:
                return reply(world.log[int(request.args.get("since", 0)) :])
            case "POST", ["account", what] if isinstance(simulator, Befalls):
                return reply(simulator.befall(what, wish))
            case "POST", ["faults"]:
                world.faults[:] = [Fault(**fault) for fault in wish["faults"]]
                return reply({"faults": len(world.faults)})
            case "POST", ["post"]:
                world.post = Post(**wish)
                return reply({"url": world.post.url})
    if isinstance(simulator, Settles) and steps == ["payouts"]:
        return _settled(world, simulator, request.method, wish)
    if isinstance(simulator, Keeps):
        return _kept(world, simulator, request.method, steps, wish)
    if isinstance(simulator, Carries) and steps[:1] == ["parcels"]:
        return _carried(world, simulator, request.method, steps, wish)
    if isinstance(simulator, Sells):
        return _sold(world, simulator, request.method, steps, wish)
    raise NotFound


def _sold(world: World, simulator: Sells, method: str, steps: list[str], wish: dict[str, Any]) -> Response:
    with world.lock:
        match method, steps:
            case "GET", ["orders"]:
                return reply(simulator.orders())
            case "GET", ["orders", order]:
                return reply(_seen(simulator, order))
            case "GET", ["listings"]:
                return reply(simulator.listings())
            case "POST", ["catalogue"]:
                return reply(simulator.catalogue(_products(wish["products"])))
            case "POST", ["orders"]:
                _on_show(simulator, wish)
                with _then(world, wish):
                    return reply(simulator.place(wish), headers={SOLD_AT: world.clock().isoformat()})
            case "POST", ["orders", order, what]:
                with _then(world, wish):
                    return reply(simulator.act(order, what, wish))
    raise NotFound


def _carried(world: World, simulator: Carries, method: str, steps: list[str], wish: dict[str, Any]) -> Response:
    with world.lock, _then(world, wish):
        match method, steps:
            case "GET", ["parcels"]:
                return reply(simulator.parcels())
            case "POST", ["parcels", tracking, what]:
                return reply(simulator.move(tracking, what, wish))
    raise NotFound


def _settled(world: World, simulator: Settles, method: str, wish: dict[str, Any]) -> Response:
    with world.lock, _then(world, wish):
        return reply(simulator.payouts() if method == "GET" else simulator.settle(wish))


def _kept(world: World, simulator: Keeps, method: str, steps: list[str], wish: dict[str, Any]) -> Response:
    with world.lock, _then(world, wish):
        match method, steps:
            case "GET", ["documents"]:
                return reply(simulator.documents())
            case "POST", ["documents", document, what]:
                return reply(simulator.tamper(document, what, wish))
            case "POST", ["books", what]:
                return reply(simulator.arrange(what, wish))
    raise NotFound


class Stage:
    """All simulators behind one address, as a WSGI application."""

    def __init__(self, cast: Mapping[str, tuple[World, Simulated]]) -> None:
        self.cast = dict(cast)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        try:
            answer = self._answer(request)
        except HTTPException as error:
            answer = reply({"error": error.description or error.name}, error.code or 500)
        except Cut:
            return _hang_up(environ)
        return answer(environ, start_response)

    def _answer(self, request: Request) -> Response:
        name, _, rest = request.path.lstrip("/").partition("/")
        if name not in self.cast:
            return reply({"simulators": sorted(self.cast)}, 200 if name in ("", "_sim") else 404)
        world, simulator = self.cast[name]
        if rest == "_sim" or rest.startswith("_sim/"):
            return _control(world, simulator, request, [step for step in rest.split("/")[1:] if step])
        return _vendor(world, simulator, request)

    def load(self) -> None:
        """Take up the state that an earlier run left."""
        for world, simulator in self.cast.values():
            if world.folder and (path := world.folder / f"{simulator.name}.json").exists():
                simulator.state.update(json.loads(path.read_text("utf-8")))

    def save(self) -> None:
        for world, simulator in self.cast.values():
            if world.folder:
                world.folder.mkdir(parents=True, exist_ok=True)
                with world.lock:
                    text = json.dumps(simulator.state, default=str)
                part = world.folder / f"{simulator.name}.part"
                part.write_text(text, "utf-8")
                part.replace(world.folder / f"{simulator.name}.json")


def _hang_up(environ: dict[str, Any]) -> Iterable[bytes]:
    """Break the connection under the server that called us; in process, the adapter below does it."""
    connection = environ.get("gunicorn.socket") or environ.get("werkzeug.socket")
    if connection is None:
        raise Cut
    connection.shutdown(2)
    raise ConnectionResetError(errno.ECONNRESET, "the simulator cut the connection")  # of this kind servers make no fuss


_lines = threading.local()


def deliver_by_http(delivery: Delivery) -> int:
    """Post one webhook for real, over a line that is kept open; no answer within five seconds counts as none."""
    session: requests.Session = _lines.__dict__.setdefault("session", requests.Session())
    for _ in range(2):  # a line that idled may have been shut
        try:
            return session.post(delivery.url, data=delivery.body, headers=delivery.headers, timeout=(1, 5)).status_code
        except requests.ConnectionError:
            continue
        except requests.RequestException:
            break
    return 0


class InProcess(BaseAdapter):
    """A requests adapter that calls a WSGI application directly: the whole protocol without sockets, on anybody's clock."""

    def __init__(self, app: Any) -> None:
        super().__init__()
        self.app = app

    def send(self, request: requests.PreparedRequest, *_: Any, timeout: Any = None, **__: Any) -> requests.Response:
        url = urlsplit(request.url or "")
        body = request.body.encode() if isinstance(request.body, str) else request.body or b""
        builder = EnvironBuilder(
            path=url.path, query_string=url.query, method=request.method or "GET", base_url=f"{url.scheme}://{url.netloc}/", data=body
        )
        for name, value in request.headers.items():
            builder.headers[name] = value if isinstance(value, str) else value.decode("latin-1")
        environ = builder.get_environ()
        environ["RAW_URI"] = url.path + (f"?{url.query}" if url.query else "")
        environ[PATIENCE] = _patience(timeout)
        try:
            chunks, status, headers = run_wsgi_app(self.app, environ, buffered=True)
        except Cut:
            raise requests.ConnectionError("cut") from None
        except TooSlow:
            raise requests.ReadTimeout("slow") from None
        answer = requests.Response()
        answer.status_code, answer.reason = int(status.split(" ", 1)[0]), status.partition(" ")[2]
        answer.headers.update(dict(headers.items()))
        answer.encoding = get_encoding_from_headers(answer.headers)
        answer.raw, answer.url, answer.request = BytesIO(b"".join(chunks)), request.url or "", request
        return answer

    def close(self) -> None:
        """Nothing is open."""


def _patience(timeout: Any) -> float:
    """Seconds that a caller of requests waits for an answer: its timeout is None, a number, or one to connect and one to read."""
    said = timeout[1] if isinstance(timeout, tuple) else timeout
    return math.inf if said is None else float(said)


def mask(text: str) -> str:
    """Another text of the same form: letters become x, digits 0."""
    return re.sub(r"[^\W\d_]", "x", re.sub(r"\d", "0", text))


def masked(value: Any, key: str = "") -> Any:
    """A JSON value with what is secret or personal replaced by the like; ids, SKUs, kinds and countries stay."""
    if isinstance(value, dict):
        return {name: masked(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [masked(item, key) for item in value]
    return mask(value) if isinstance(value, str) and _private(key) and value not in KINDS_OF_PAPER else value


def _private(key: str) -> bool:
    return bool(SECRET.search(key) or PERSONAL.search(key)) and not PLAIN.search(key)


def _masked_text(text: str, kind: str | None) -> str:
    """A body of JSON, XML or a form with what is private replaced."""
    if "x-www-form-urlencoded" in (kind or ""):
        return urlencode(_masked_pairs(parse_qsl(text, keep_blank_values=True)))
    try:
        return json.dumps(masked(json.loads(text)))
    except ValueError:
        return ELEMENT.sub(lambda found: found[1] + (escape(mask(unescape(found[3]))) if _private(found[2]) else found[3]), text)


def _masked_pairs(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(key, mask(value) if _private(key) else value) for key, value in pairs]


def _record(world: World, vendor: str, request: Request, answer: Response) -> None:
    """One line a request, in the form that contract checkers read: the raw request target, secrets and people replaced."""
    if world.recorder is None:
        return
    target = request.environ.get("RAW_URI") or request.environ.get("REQUEST_URI") or request.full_path
    line = {
        "vendor": vendor,
        "method": request.method,
        "path": target.partition("?")[0],
        "query": [list(pair) for pair in _masked_pairs((key, value) for key, values in request.args.lists() for value in values)],
        "headers": {name.lower(): (mask(value) if SECRET.search(name) else value) for name, value in request.headers.items()},
        "body": _masked_text(request.get_data(as_text=True), request.mimetype) or None,
        "status": answer.status_code,
        "answer": _masked_text(answer.get_data(as_text=True), answer.mimetype),
    }
    world.recorder.write(json.dumps(line) + "\n")
    world.recorder.flush()
