"""People who are signed in: clients with a session of their own, who send with each form the proof that it was ours."""

from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import text
from werkzeug.test import Client, TestResponse

from core.domain.roles import Role
from core.flows import people as flows
from core.flows import signin
from core.hub import Hub
from core.store import people
from tests.web.shop import Shop

PASSWORD = "correct horse battery"
SAFE = ("GET", "HEAD", "OPTIONS")


class Person(Client):
    """Somebody at a browser. Everything they send that changes something carries their proof, as a form of ours would."""

    def __init__(self, shop: Shop, user: str = "", merchant: str = "", token: str = "") -> None:
        super().__init__(shop.app)
        self.hub, self.user, self.merchant, self.token, self.base = shop.hub, user, merchant, token, shop.settings.public_url
        if token:
            self.carry(shop.hub.vault.sign("crossdock", token))

    def carry(self, cookie: str, name: str = "__Host-crossdock") -> None:
        """What the browser says of who is signed in."""
        self.set_cookie(name, cookie, domain=urlsplit(self.base).hostname or "", secure=True)

    @property
    def proof(self) -> str:
        return self.hub.vault.mark("proof", self.token)

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        """As a browser on this site asks, unless `headers` say otherwise."""
        if args and isinstance(args[0], str):
            said = {} if kwargs.get("method", "GET") in SAFE else self._of_a_form()
            kwargs = {"base_url": self.base, "buffered": True, **kwargs, "headers": {**said, **dict(kwargs.get("headers") or {})}}
        return super().open(*args, **kwargs)

    def _of_a_form(self) -> dict[str, str]:
        return {"X-Proof": self.proof, "Origin": self.base, "Sec-Fetch-Site": "same-origin"}


def hire(hub: Hub, merchant: str, role: str = "owner", email: str = "", name: str = "", password: str = "") -> str:
    """Somebody who works for this merchant; gives their id."""
    address = email or f"{role}-{hub.ids()[-12:]}@staff.example"
    made = flows.add(hub, merchant, address, name or address.partition("@")[0].title(), Role(role))
    assert isinstance(made, people.User)
    if password:
        assert flows.redeem(hub, flows.link(hub, made), password) is None
    return made.id


def come_in(shop: Shop, user: str, merchant: str) -> Person:
    """Their browser, with a session."""
    with shop.hub.database.write() as db:
        token = signin.begin(shop.hub, db, user, merchant, "Test browser").token
    return Person(shop, user, merchant, token)


def rows(hub: Hub, query: str, **values: Any) -> list[tuple[Any, ...]]:
    with hub.database.read() as db:
        return [tuple(row) for row in db.execute(text(query), values)]
