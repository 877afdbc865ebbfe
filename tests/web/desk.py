"""Somebody who is signed in, in front of a browser, and the three simulated channels on whose pages they may agree."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from werkzeug.test import Client, TestResponse

from config.processes import make_doors
from config.settings import load
from config.simulators import make_stage
from config.wiring import make_hub
from connectors.simulation import InProcess, Post, Stage
from core import jobs
from core.domain.roles import Role
from core.flows import connections as flows
from core.hub import Hub
from core.store import connections
from core.store.connections import Connection
from tests.conftest import Clock
from tests.web.inside import rows_of
from web.app import make_app
from web.visitor import Visitor

CHANNELS = ("shopify", "amazon", "ebay")
ACCOUNT = {"shopify": "crossdock-demo.myshopify.com", "amazon": "A1SIMULATEDSELLER", "ebay": "harbor-lane-goods"}
WISH = {"shopify": {"account": "crossdock-demo"}, "amazon": {"marketplace_ids": "ATVPDKIKX0DER"}, "ebay": {}}
SIM, HUB = "http://sim.test", "https://hub.example"


@dataclass
class Desk:
    """Somebody who is signed in, in front of a browser, and the three simulated channels."""

    hub: Hub
    clock: Clock
    stage: Stage
    merchant: str
    doors: Any
    who: list[Visitor] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sign_in("ada")
        app = make_app(self.hub, (lambda hub: self.who[-1] if self.who else None,), doors=self.doors)
        self.here, self.there = Client(app), Client(self.stage)

    def sign_in(self, user: str, role: Role = Role.OWNER, merchant: str = "", account: str = "") -> None:
        self.who.append(Visitor(merchant or self.merchant, user, user.capitalize(), role, "desk", account))

    def sign_out(self) -> None:
        self.who.clear()

    def get(self, address: str, **rest: Any) -> TestResponse:
        return self.here.get(_path(address), base_url=HUB, buffered=True, **rest)

    def post(self, path: str, **form: str) -> TestResponse:
        return self.here.post(path, data=form, base_url=HUB, buffered=True)

    def begin(self, channel: str, **wish: str) -> str:
        """They press the button; gives the address at the channel to which the page leads."""
        page = self.post(f"/connections/new/{channel}", **{**WISH[channel], **wish})
        assert page.status_code == 200, page.text
        return link(page)

    def agree(self, address: str, **form: str) -> str:
        """They agree there; gives the address that they come back with."""
        assert address.startswith(SIM), address
        assert self.there.get(_path(address), base_url=SIM).status_code == 200
        answer = self.there.post(_path(address), base_url=SIM, data={"agree": "1", **form})
        assert answer.status_code == 303, answer.text
        return str(answer.headers["Location"])

    def connect(self, channel: str) -> TestResponse:
        return self.get(self.agree(self.begin(channel)))

    def one(self, channel: str) -> Connection | None:
        with self.hub.database.read() as db:
            return connections.by_account(db, channel, ACCOUNT[channel])

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        return rows_of(self.hub, statement)

    def drain(self) -> None:
        while any([jobs.drain(self.hub, "inside"), jobs.drain(self.hub, "outside")]):
            pass


def _path(address: str) -> str:
    said = urlsplit(address)
    return f"{said.path}?{said.query}" if said.query else said.path


def link(page: TestResponse) -> str:
    found = re.search(r'<a class="button primary" href="([^"]+)"', page.text)
    assert found, page.text
    return found[1].replace("&amp;", "&")


def open_desk(database_url: str, clock: Clock, home: Path) -> Desk:
    """Whoever opens it closes `hub.database`."""
    stage = make_stage(CHANNELS, clock=clock)
    environ = {"CROSSDOCK_PUBLIC_URL": HUB}
    for name, (world, simulator) in stage.cast.items():
        world.post = Post(url=f"{HUB}/webhooks/{name}")
        said = simulator.credentials(f"{SIM}/{name}")
        for table, part in (("APPS", said["app"]), ("CHANNELS", said["settings"])):
            environ |= {
                f"CROSSDOCK_{table}__{name.upper()}__{key.upper()}": value
                for key, value in part.items()
                if isinstance(value, str) and key != "queue_url"
            }
    settings, adapter = load({"home": home, "database_url": database_url}, environ), InProcess(stage)
    hub = make_hub(settings, clock=clock, adapter=adapter)
    hub.jitter = lambda: 0.5
    return Desk(hub, clock, stage, flows.add_merchant(hub, "North Sea Trading").id, make_doors(settings, hub, adapter))
