"""Who may do what, asked of every route there is: for each role exactly what core/domain/roles.py says, and nobody sees or changes
anything of another merchant's."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, quote_plus, urlencode

import pytest
from flask import Blueprint, Flask, abort, request
from markupsafe import escape
from sqlalchemy import text
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Rule
from werkzeug.test import Client, TestResponse

from core.domain import causes
from core.domain.roles import PERMISSIONS, Role, may
from core.flows import connections as flows
from tests.web.neighbours import CANARY, everything, fill, ids, rows
from tests.web.people import Person, come_in, hire
from tests.web.programs import a_program
from tests.web.shop import Shop
from tests.web.test_api_reads import BODIES
from web import app as pages
from web import visitor
from web.visitor import OPEN, needed

UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}


@dataclass(frozen=True)
class Door:
    """One way to ask a route; `needs` is what it names."""

    method: str
    rule: Rule
    needs: str | None

    def path(self, value: str) -> str:
        """With this wherever it asks for something."""
        values = {name: self._fitting(kind, value) for name, kind in self.kinds}
        built = self.rule.build(values, append_unknown=False)
        assert built is not None
        return built[1]

    @staticmethod
    def _fitting(kind: Any, value: str) -> Any:
        if "Integer" in type(kind).__name__:
            return value.isdigit() and int(value)
        return min(kind.items) if "Any" in type(kind).__name__ else value

    @property
    def kinds(self) -> list[tuple[str, Any]]:
        return list(self.rule._converters.items())

    @property
    def is_of_the_api(self) -> bool:
        """It opens to keys alone."""
        return self.rule.rule.startswith("/api/v1/")

    def fits(self, value: str) -> bool:
        """Whether this can stand in its path."""
        return all(value.isdigit() for _, kind in self.kinds if "Integer" in type(kind).__name__) and "/" not in value

    def __str__(self) -> str:
        return f"{self.method} {self.rule.rule}"


def doors(app: Flask) -> Iterator[Door]:
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"}):
            yield Door(method, rule, needed(app, rule.endpoint))


@pytest.fixture
def app(shop: Shop) -> Flask:
    return pages.make_app(shop.hub)


def test_every_route_names_what_it_needs(app: Flask) -> None:
    assert [str(door) for door in doors(app) if door.needs not in (*PERMISSIONS, *OPEN)] == []


def test_only_these_routes_are_open_to_everybody(app: Flask) -> None:
    """Somebody who opens another one is to think of it here."""
    open_ones = {door.rule.endpoint for door in doors(app) if door.needs in OPEN}

    assert open_ones == {
        "api.docs", "api.openapi", "consents.back", "consents.hop", "consents.leave", "embedded.bounce", "machines.metrics",
        "machines.ready", "static", "health.lives", "signin.page", "signin.enter", "signin.enter_code", "signin.setup", "signin.set_up",
        "signin.password", "signin.set_password", "signin.invitation", "signin.join", "track.page", "track.logo", "track.sheet",
        "answer.page", "answer.accept", "answer.refuse", "answer.sent", "answer.stopped",
    }  # fmt: skip


@pytest.mark.parametrize("role", Role)
def test_each_role_is_let_in_where_the_table_says_so_and_nowhere_else(shop: Shop, app: Flask, role: Role) -> None:
    user = hire(shop.hub, shop.merchant, role.value)
    hire(shop.hub, shop.merchant, "owner")

    wrong = []
    for door in doors(app):
        if door.needs in OPEN or door.needs is None:
            continue
        answer = come_in(shop, user, shop.merchant).open(door.path("1"), method=door.method)
        is_in = answer.status_code not in (401, 403)
        if (
            is_in != (may(role, door.needs) and not door.is_of_the_api)
            or answer.status_code >= 500
            or "/login" in answer.headers.get("Location", "").removesuffix("/login")
        ):
            wrong.append(f"{door}: {answer.status_code}")

    assert wrong == []


def test_a_stranger_is_let_in_nowhere(shop: Shop, app: Flask) -> None:
    stranger, wrong = Person(shop), []
    for door in doors(app):
        if door.needs in OPEN:
            continue
        answer = stranger.open(door.path("1"), method=door.method)
        is_out = (
            answer.status_code == 302 and answer.headers["Location"].startswith("/login")
            if door.method == "GET" and not door.is_of_the_api
            else answer.status_code == 401
        )
        if not is_out:
            wrong.append(f"{door}: {answer.status_code}")

    assert wrong == []


def test_a_route_that_names_nothing_lets_nobody_in(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    room = Blueprint("forgotten", __name__)
    room.add_url_rule("/forgotten", "page", lambda: "a secret")
    monkeypatch.setattr(pages, "ROOMS", (*pages.ROOMS, room))
    owner = come_in(shop, hire(shop.hub, shop.merchant), shop.merchant)
    owner.application = pages.make_app(shop.hub, public_url=shop.settings.public_url).wsgi_app

    answer = owner.get("/forgotten")

    assert answer.status_code == 403
    assert "a secret" not in answer.text


def test_a_permission_that_nobody_knows_cannot_be_named() -> None:
    with pytest.raises(KeyError):
        visitor.needs("orders.everything")


# ---- another merchant's


@pytest.fixture
def estate(either_shop: Shop) -> Shop:
    """A merchant who has one of everything."""
    shop = either_shop
    shop.offer("A", "")
    for lines in ({"A": 3}, {"": 1}):
        shop.deliver(shop.sold(**lines))
    shop.drain()
    hire(shop.hub, shop.merchant, name=f"{CANARY} Owner", email="owner@kanarivogel.example")
    with shop.hub.database.write() as db:
        for statement in (
            f"update orders set name = '{CANARY} ' || name",
            f"update skus set title = '{CANARY}'",
            f"update merchants set name = '{CANARY}'",
        ):
            db.exec_driver_sql(statement)
    fill(shop.hub, shop.merchant)
    return shop


FILTERS = {"/api/v1/orders": ("connection",), "/api/v1/listings": ("connection",), "/api/v1/stock": ("sku",)}
NAMES = (
    *("id", "ids", "order", "orders", "connection", "channel", "listing", "sku", "skus", "location", "task", "tasks", "user", "who"),
    *("merchant", "session", "invitation", "key", "hook", "alert", "cause", "subject", "q", "tag", "act", "after", "before", "below"),
    *("place", "email", "token"),
)


@dataclass
class Burglar:
    """The owner of another merchant, who tries every route with every id of the estate's, or one of so many, each time others: in the path,
    in the address, in the form."""

    estate: Shop
    app: Flask
    one_of: int = 1

    def __post_init__(self) -> None:
        self.merchant = flows.add_merchant(self.estate.hub, "South Sea Trading").id
        self.user = hire(self.estate.hub, self.merchant)
        hire(self.estate.hub, self.merchant)
        self.app.config["API_BURST"] = 100_000
        draw_once(self.app)
        self.till = a_program(self.estate, merchant=self.merchant, app=self.app)
        self.loot = sorted(set(ids(rows(self.estate.hub, self.estate.merchant))) - set(causes.ALL))

    def reached(self, room: str = "") -> list[str]:
        """What was found, shown or broken; by one room's routes alone where it is named."""
        tried = [door for door in doors(self.app) if door.needs not in OPEN and door.rule.endpoint.startswith(room)]
        return [told for n, door in enumerate(tried) for told in self._through(door, self.loot[n % self.one_of :: self.one_of])]

    def _through(self, door: Door, loot: Sequence[str]) -> Iterator[str]:
        me = come_in(self.estate, self.user, self.merchant)
        me.application = self.app.wsgi_app
        for one in [one for one in loot if door.fits(one)] if door.kinds else loot[::7]:
            said = dict.fromkeys(NAMES, one)
            answer = self._asked(me, door, one, said)
            is_found = door.kinds and answer.status_code not in (400, 404, 422)
            if is_found or answer.status_code >= 500 or CANARY.lower() in _unsaid(answer.text.lower(), one.lower()):
                yield f"{door} {one}: {answer.status_code}"

    def _asked(self, me: Person, door: Door, one: str, said: dict[str, str]) -> TestResponse:
        if not door.is_of_the_api:
            return me.open(door.path(one), method=door.method, query_string=said, data=said if door.method in UNSAFE else None)
        body = BODIES[door.rule.rule] if door.method in UNSAFE else None
        address = f"{door.path(one)}?{urlencode(dict.fromkeys(FILTERS.get(door.rule.rule, ()), one))}"
        return self.till.ask(door.method, address.removeprefix("/api/v1/"), body)


def draw_once(app: Flask) -> None:
    """The page that says what went wrong, once for each route and each sentence: with other words, or at another door, it is drawn anew."""
    handlers = app.error_handler_spec[None][None]
    draw, drawn = handlers[HTTPException], dict[tuple[Any, ...], Any]()

    def sorry(error: HTTPException) -> Any:
        which = (request.method, request.endpoint, error.code, str(error.description))
        if which not in drawn:
            answer = draw(error)
            if not isinstance(answer, tuple):
                return answer
            drawn[which] = answer
        return drawn[which]

    handlers[HTTPException] = sorry


def _unsaid(text: str, said: str) -> str:
    """The answer without what it only repeats of the question."""
    for spelled in (str(escape(said)), quote(said), quote_plus(said)):
        text = text.replace(spelled, "")
    return text


def app_of(shop: Shop) -> Flask:
    return pages.make_app(shop.hub, public_url=shop.settings.public_url)


def test_nobody_reaches_anything_of_another_merchants_by_any_route(estate: Shop) -> None:
    """It is not found, and nothing of it is shown or changed. What one database is asked all of, the other is asked a third of."""
    one_of = 1 if estate.hub.database.url.startswith("sqlite") else 3
    burglar, before = Burglar(estate, app_of(estate), one_of), everything(estate.hub, estate.merchant)
    assert all(before.values()), "a row in every table"
    assert len(burglar.loot) >= 50

    assert burglar.reached() == []
    assert everything(estate.hub, estate.merchant) == before


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """A room that forgets to ask whose rows they are."""
    room = Blueprint("forgetful", __name__)

    @room.get("/forgetful/<order>")
    @visitor.needs("orders.read")
    def read(order: str) -> str:
        with visitor.hub().database.read() as db:
            return str(db.execute(text("select name from orders where id = :id"), {"id": order}).scalar() or abort(404))

    @room.post("/forgetful/<order>")
    @visitor.needs("orders.write")
    def write(order: str) -> str:
        with visitor.hub().unit() as work:
            return str(work.db.execute(text("update orders set name = 'ours' where id = :id"), {"id": order}).rowcount or abort(404))

    monkeypatch.setattr(pages, "ROOMS", (*pages.ROOMS, room))


def test_a_room_that_forgets_to_ask_whose_they_are_is_found_out_and_on_postgresql_it_finds_nothing(estate: Shop, forgetful: None) -> None:
    before = everything(estate.hub, estate.merchant)

    reached = Burglar(estate, app_of(estate)).reached("forgetful.")

    if estate.hub.database.is_sqlite:
        assert {told.split(" ")[0] for told in reached} == {"GET", "POST"}
    else:
        assert reached == []
        assert everything(estate.hub, estate.merchant) == before


def test_a_session_shows_only_the_merchant_that_it_is_of(estate: Shop) -> None:
    ours = flows.add_merchant(estate.hub, "South Sea Trading").id
    me = come_in(estate, hire(estate.hub, ours), ours)

    texts = [me.get(path).text for path in ("/", "/settings", "/settings/people", "/activity", "/account")]

    assert "South Sea Trading" in texts[1]
    assert not any(CANARY in text for text in texts)


def test_a_person_of_several_merchants_goes_from_one_to_the_other_and_to_no_third(either_shop: Shop) -> None:
    hub, first = either_shop.hub, either_shop.merchant
    second, third = (flows.add_merchant(hub, name).id for name in ("South Sea Trading", "East Sea Trading"))
    user = hire(hub, first, "owner", email="ada@staff.example")
    assert hire(hub, second, "viewer", email="ada@staff.example") == user
    me = come_in(either_shop, user, first)

    assert "South Sea Trading" in me.get("/account").text
    assert me.post("/account/merchant", data={"merchant": third}).status_code == 404
    assert me.get("/settings").status_code == 200
    assert me.post("/account/merchant", data={"merchant": second}).status_code == 303
    assert me.get("/settings").status_code == 403, "a viewer there"


def test_whoever_asks_without_a_session_of_theirs_gets_no_page(shop: Shop) -> None:
    assert Client(shop.app).get("/orders/1").status_code == 302
