"""What the simulators share: the control door, faults, rate buckets, webhook deliveries, the log and the recorder.

A simulator is a class that behaves as one outside system (see `Simulated`). `Stage` runs several of them as one WSGI
application, each under its own name: /shopify/..., /amazon/..., /ebay/..., with a control door /NAME/_sim/... for people and
tests. The log is the oracle: what did the channel really see?
"""

import json
import random
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import IO, Any, Protocol
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.test import EnvironBuilder, run_wsgi_app
from werkzeug.wrappers import Request, Response

from core.ports import Rate

RELAXED = 1000.0  # how much faster everything refills under relaxed limits
ATTEMPTS = 9  # deliveries of one webhook: the first and eight more (shopify.dev, webhook retries)
SECRET = re.compile(r"authorization|token|secret|hmac|signature|cookie|cert|dev-?name|app-?name", re.I)
PERSONAL = re.compile(
    r"name$|address|street|phone|e-?mail|postal|^zip$|city|note|password|token|secret|message|buyer|recipient|latitude|longitude", re.I
)
PLAIN = re.compile(r"typename|operationname|channelname|marketplacename|sku|filename|hostname|carrier|displayname", re.I)


class Simulated(Protocol):
    """One outside system. `state` is plain JSON data and is all it remembers."""

    name: str
    state: dict[str, Any]

    def credentials(self, base: str) -> dict[str, Any]:
        """What a hub needs to connect: {account, app, login, settings}; `base` is this simulator's own address."""
        ...

    def operation(self, request: Request) -> str | None:
        """The call's name as in MANIFEST.calls; None for what the vendor serves elsewhere (storage, queues): not recorded."""
        ...

    def answer(self, request: Request, operation: str | None) -> Response: ...

    def fault(self, kind: str, operation: str | None) -> Response:
        """The vendor's own way to say "429", "500" or "401"."""
        ...

    def catalogue(self, products: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Stock the shelves: products {sku, title, price (text), quantity, currency}; gives the listings."""
        ...

    def place(self, wish: dict[str, Any]) -> list[dict[str, Any]]:
        """Buyers buy: {count, seed, planted: bool} or {lines: [{sku, quantity}]}; gives what `orders` gives for them."""
        ...

    def act(self, order: str, what: str, wish: dict[str, Any]) -> dict[str, Any]:
        """Something happens to an order there: pay, cancel, fulfill, refund, edit, touch."""
        ...

    def orders(self) -> list[dict[str, Any]]:
        """The oracle: {id, units: {sku: n open}, parks: reason or null, placed_at, total, currency} for each order held for us."""
        ...

    def listings(self) -> list[dict[str, Any]]:
        """The oracle: {listing, sku, shown, sold, writes}."""
        ...


class Cut(Exception):
    """The connection breaks here, without an answer."""


@dataclass
class Fault:
    """`kind`: 429, 500, html, 401, cut_before, cut_after (the work is done, the answer lost), slow. `operation` may be "*"."""

    kind: str
    operation: str = "*"
    times: int = 1
    after: int = 0

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


@dataclass
class World:
    """Everything around one simulator: time, chance, limits, faults, the post, the log and the recorder."""

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

    def deliver(self, send: Callable[[Delivery], int]) -> int:
        """Deliver what is due; refused ones come again, later and later, nine times in all. Gives how many were sent."""
        with self.lock:
            now = self.clock()
            due = [item for item in self.outbox if item.due <= now]
            self.outbox = [item for item in self.outbox if item.due > now]
        for item in due:
            item.attempts += 1
            if not 200 <= send(item) < 300 and item.attempts < ATTEMPTS:
                item.due = self.clock() + timedelta(seconds=0.5 * 2**item.attempts)
                with self.lock:
                    self.outbox.append(item)
        return len(due)

    def fault(self, operation: str | None) -> str | None:
        return next((fault.kind for fault in self.faults if fault.hits(operation)), None)


def reply(data: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(json.dumps(data, default=str), status, dict(headers or {}), content_type="application/json")


HTML = Response("<html><body><h1>503 Service Temporarily Unavailable</h1></body></html>", 503, content_type="text/html")


def _do(world: World, simulator: Simulated, request: Request, operation: str | None) -> Response:
    """The vendor's answer, or the fault that was asked for."""
    kind = world.fault(operation)
    match kind:
        case None:
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
    if operation and kind is None:
        _record(world, simulator.name, request, answer)
    return answer


def _vendor(world: World, simulator: Simulated, request: Request) -> Response:
    with world.lock:
        operation = simulator.operation(request)
        entry: dict[str, Any] = {"seq": len(world.log), "at": world.clock().isoformat(), "operation": operation, "path": request.path}
        world.log.append(entry)
        try:
            answer = _do(world, simulator, request, operation)
        except Cut:
            entry["status"] = "cut"
            raise
        except HTTPException as error:
            answer = Response(error.description or "", error.code or 500)
        entry["status"] = answer.status_code
        return answer


def _control(world: World, simulator: Simulated, request: Request, steps: list[str]) -> Response:
    """The control door. GET reads, POST does; bodies and answers are JSON."""
    wish = json.loads(request.get_data() or b"{}")
    with world.lock:
        match request.method, steps:
            case "GET", ["credentials"]:
                return reply(simulator.credentials(request.host_url.rstrip("/") + "/" + simulator.name))
            case "GET", ["orders"]:
                return reply(simulator.orders())
            case "GET", ["listings"]:
                return reply(simulator.listings())
            case "GET", ["log"]:
                return reply(world.log[int(request.args.get("since", 0)) :])
            case "POST", ["catalogue"]:
                return reply(simulator.catalogue(wish["products"]))
            case "POST", ["orders"]:
                return reply(simulator.place(wish))
            case "POST", ["orders", order, what]:
                return reply(simulator.act(order, what, wish))
            case "POST", ["faults"]:
                world.faults[:] = [Fault(**fault) for fault in wish["faults"]]
                return reply({"faults": len(world.faults)})
            case "POST", ["post"]:
                world.post = Post(**wish)
                return reply({"url": world.post.url})
            case _:
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
            answer = reply({"error": error.name}, error.code or 500)
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
    raise ConnectionAbortedError("the simulator cut the connection")


def deliver_by_http(delivery: Delivery) -> int:
    """Post one webhook for real; no answer within five seconds counts as none."""
    try:
        return requests.post(delivery.url, data=delivery.body, headers=delivery.headers, timeout=(1, 5)).status_code
    except requests.RequestException:
        return 0


class InProcess(BaseAdapter):
    """A requests adapter that calls a WSGI application directly: the whole protocol without sockets, on anybody's clock."""

    def __init__(self, app: Any) -> None:
        super().__init__()
        self.app = app

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        url = urlsplit(request.url or "")
        body = request.body.encode() if isinstance(request.body, str) else request.body or b""
        builder = EnvironBuilder(
            path=url.path, query_string=url.query, method=request.method or "GET", base_url=f"{url.scheme}://{url.netloc}/", data=body
        )
        for name, value in request.headers.items():
            builder.headers[name] = value if isinstance(value, str) else value.decode("latin-1")
        environ = builder.get_environ()
        environ["RAW_URI"] = url.path + (f"?{url.query}" if url.query else "")
        try:
            chunks, status, headers = run_wsgi_app(self.app, environ, buffered=True)
        except Cut:
            raise requests.ConnectionError("cut") from None
        answer = requests.Response()
        answer.status_code, answer.reason = int(status.split(" ", 1)[0]), status.partition(" ")[2]
        answer.headers.update(dict(headers.items()))
        answer.raw, answer.url, answer.request = BytesIO(b"".join(chunks)), request.url or "", request
        return answer

    def close(self) -> None:
        """Nothing is open."""


def mask(text: str) -> str:
    """Another text of the same form: letters become x, digits 0."""
    return re.sub(r"[^\W\d_]", "x", re.sub(r"\d", "0", text))


def masked(value: Any, key: str = "") -> Any:
    """A JSON value with what is secret or personal replaced by the like; ids, SKUs, kinds and countries stay."""
    if isinstance(value, dict):
        return {name: masked(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [masked(item, key) for item in value]
    if isinstance(value, str) and (SECRET.search(key) or PERSONAL.search(key)) and not PLAIN.search(key):
        return mask(value)
    return value


def _masked_text(text: str) -> str:
    try:
        return json.dumps(masked(json.loads(text)))
    except ValueError:
        return text


def _record(world: World, vendor: str, request: Request, answer: Response) -> None:
    """One line a request, in the form that contract checkers read: the raw request target, secrets and people replaced."""
    if world.recorder is None:
        return
    target = request.environ.get("RAW_URI") or request.environ.get("REQUEST_URI") or request.full_path
    line = {
        "vendor": vendor,
        "method": request.method,
        "path": target.partition("?")[0],
        "query": [[key, value] for key, values in request.args.lists() for value in values],
        "headers": {name.lower(): (mask(value) if SECRET.search(name) else value) for name, value in request.headers.items()},
        "body": _masked_text(request.get_data(as_text=True)) or None,
        "status": answer.status_code,
        "answer": _masked_text(answer.get_data(as_text=True)),
    }
    world.recorder.write(json.dumps(line) + "\n")
    world.recorder.flush()
