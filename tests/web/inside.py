"""The simulated Shopify admin around our pages: whoever stands in front of it, and what their browser would ask."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sqlalchemy import text
from werkzeug.test import Client, TestResponse

from config.processes import make_wsgi
from config.settings import load
from config.wiring import make_hub
from connectors.shopify.simulator import ACCOUNT, Simulator
from connectors.simulation import InProcess, Post, Stage, World
from core import jobs
from core.hub import Hub
from tests.conftest import Clock
from tests.web.shop import APPS

FRAMED = {"HTTP_SEC_FETCH_DEST": "iframe"}
SOMEWHERE = {"REMOTE_ADDR": "203.0.113.9", "HTTP_HOST": "hub.example"}
SIMULATED = {
    "CROSSDOCK_CHANNELS__SHOPIFY__URL": "http://sim.test/shopify/{account}",
    "CROSSDOCK_CHANNELS__SHOPIFY__ADMIN": "http://sim.test",
    "CROSSDOCK_CHANNELS__SHOPIFY__APP_PAGE": "http://sim.test/shopify/admin/store/{store}/apps/crossdock",
    "CROSSDOCK_CHANNELS__SHOPIFY__APP_BRIDGE": "http://sim.test/shopify/app-bridge.js",
    "CROSSDOCK_CHANNELS__SHOPIFY__POLARIS": "http://sim.test/shopify/polaris.js",
}


class Street:
    """Several shops of one app behind one address: each answers for its own part of it."""

    def __init__(self, *accounts: str, clock: Clock) -> None:
        self.worlds = {name: World(clock, post=Post(url="http://hub.example/webhooks/shopify")) for name in accounts}
        self.shops = {name: Simulator(world, name) for name, world in self.worlds.items()}
        self._stages = {name: Stage({"shopify": (self.worlds[name], self.shops[name])}) for name in accounts}

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        path = environ["PATH_INFO"]
        name = next((one for one in self.shops if f"/{one}/" in path or f"/store/{one.partition('.')[0]}/" in path), next(iter(self.shops)))
        return self._stages[name](environ, start_response)


@dataclass
class Admin:
    """One installation that nobody connected anything to yet, and the shops that may install it."""

    hub: Hub
    clock: Clock
    street: Street
    app: Callable[..., Any]

    def __post_init__(self) -> None:
        self.browser = Client(self.app)
        self.simulator = self.street.shops[ACCOUNT]

    def token(self, staff: str = "801", account: str = ACCOUNT, **different: Any) -> str:
        return self.street.shops[account].admin.id_token(staff, **different)

    def source(self, staff: str = "801", path: str = "/", account: str = ACCOUNT) -> str:
        """The address that the admin's frame is given."""
        said = urlsplit(self.street.shops[account].admin.source(staff, path, {}))
        return f"{said.path}?{said.query}"

    def open(self, path: str, **environ: Any) -> TestResponse:
        """A page is opened in the frame."""
        return self.browser.get(path, environ_overrides={**SOMEWHERE, **FRAMED, **environ}, buffered=True)

    def visit(self, staff: str = "801", path: str = "/", account: str = ACCOUNT) -> TestResponse:
        return self.open(self.source(staff, path, account))

    def fetch(self, path: str, token: str | None = None, method: str = "GET", **rest: Any) -> TestResponse:
        """A script asks."""
        said = {"Authorization": f"Bearer {self.token() if token is None else token}", **rest.pop("headers", {})}
        return self.browser.open(path, method=method, headers=said, environ_overrides=SOMEWHERE, buffered=True, **rest)

    def rows(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        with self.hub.database.read() as db:
            return [tuple(row) for row in db.execute(text(query), values)]

    def one(self, query: str, **values: Any) -> Any:
        return self.rows(query, **values)[0][0]

    def drain(self) -> None:
        for _ in range(300):
            if not any([jobs.drain(self.hub, "inside"), jobs.drain(self.hub, "outside")]):
                return

    def deliver(self, account: str = ACCOUNT) -> list[int]:
        """What the shop posted arrives; gives our answers."""
        said = []
        for one in self.street.worlds[account].outbox:
            answer = self.browser.post("/webhooks/shopify", data=one.body, headers=one.headers, environ_overrides=SOMEWHERE, buffered=True)
            said.append(answer.status_code)
        self.street.worlds[account].outbox.clear()
        return said


def on(clock: Clock) -> type[datetime]:
    """What PyJWT asks for the time: `jwt.api_jwt.datetime`."""

    class OnClock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return clock()

    return OnClock


def query(address: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(address).query, keep_blank_values=True))


def open_admin(database_url: str, home: Path, *accounts: str, **environ: str) -> Admin:
    """Whoever opens it closes `hub.database`, and lets shopifyapi judge tokens by the same clock (`on`)."""
    clock = Clock()
    street = Street(*(accounts or (ACCOUNT,)), clock=clock)
    settings = load({"home": home, "database_url": database_url}, {**APPS, **SIMULATED, **environ})
    adapter = InProcess(street)
    hub = make_hub(settings, clock=clock, adapter=adapter)
    hub.jitter = lambda: 0.5
    return Admin(hub, clock, street, make_wsgi(settings, hub, adapter))


def rows_of(hub: Hub, statement: str, **values: Any) -> list[tuple[Any, ...]]:
    with hub.database.read() as db:
        return [tuple(row) for row in db.execute(text(statement), values)]
