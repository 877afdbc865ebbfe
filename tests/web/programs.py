"""A program of a merchant's, with a key."""

from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from werkzeug.test import Client, TestResponse

from core.domain.roles import SCOPES
from core.flows import connections, keys
from core.hub import Hub
from tests.web.shop import Shop
from web.app import make_app
from web.visitor import needed

ADA = ("u-ada", "Ada")
HERE = {"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "127.0.0.1:8400"}


@dataclass
class Program:
    """What it asks bears its key; `app` is asked as a web server asks it."""

    app: Any
    key: str
    headers: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> TestResponse:
        """`path` is below /api/v1/. A header's name is written with underscores."""
        told = {"Authorization": f"Bearer {self.key}", **{name.replace("_", "-"): value for name, value in headers.items()}}
        more = {} if body is None else {"data": body} if isinstance(body, bytes) else {"json": body}
        if isinstance(body, bytes):
            told.setdefault("Content-Type", "application/json")
        return Client(self.app).open(f"/api/v1/{path}", method=method, headers=told, buffered=True, **more)

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.ask("GET", path, **headers)

    def all(self, path: str, limit: int) -> list[Any]:
        """Every item of a list, page by page."""
        items, after = [], ""
        while True:
            answer = self.get(f"{path}{'&' if '?' in path else '?'}limit={limit}{after}")
            assert answer.status_code == 200, answer.text
            page = answer.get_json()
            items += page["items"]
            if page["next"] is None or not page["items"]:
                return items
            after = f"&after={page['next']}"


def a_program(shop: Shop, *scopes: str, merchant: str = "", app: Any = None) -> Program:
    """With every scope where none is named."""
    return Program(app or shop.app, keys.make(shop.hub, merchant or shop.merchant, ADA, "till", scopes or SCOPES))


def a_stranger(shop: Shop) -> Program:
    """A program of another merchant, with every scope."""
    return a_program(shop, merchant=connections.add_merchant(shop.hub, "Elsewhere Ltd").id)


def routes(hub: Hub) -> list[tuple[str, str, str]]:
    """(method, path, what it needs) of every route of the API, from the application itself."""
    app: Flask = make_app(hub)
    return [
        (method, rule.rule, needed(app, rule.endpoint) or "nobody may")
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/") and rule.rule != "/api/v1/openapi.json"
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    ]
