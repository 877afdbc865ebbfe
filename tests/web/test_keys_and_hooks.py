"""The settings' pages of keys and webhooks: for owners alone, a secret shown once, every word of a form only text."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from core import jobs
from core.domain.roles import Role
from core.flows import hooks
from core.hub import Hub
from tests.flows.test_hooks import Till
from tests.web.programs import ADA, Program, a_program
from tests.web.shop import Shop
from tests.web.test_pages import WILD, WORDS, watched
from web.app import make_app
from web.visitor import Visitor

URL = "https://till.example/hook"


class Owner:
    """Somebody who signed in, in a role."""

    def __init__(self, shop: Shop, role: Role = Role.OWNER) -> None:
        asks = Visitor(shop.merchant, "u-ada", "Ada", role, "desk")
        self.way = lambda hub: asks
        self.client = Client(make_app(shop.hub, ways=(self.way,)))

    def get(self, path: str) -> TestResponse:
        return self.client.get(path)

    def post(self, path: str, **form: Any) -> TestResponse:
        return self.client.post(path, data=form)


@pytest.fixture
def shop(shop: Shop) -> Shop:
    shop.hub.outward = Till()
    return shop


@pytest.fixture
def owner(shop: Shop) -> Owner:
    return Owner(shop)


def shown(answer: TestResponse, prefix: str) -> list[str]:
    return re.findall(rf"{prefix}[\w+/=-]{{40,}}", answer.text)


def test_a_key_is_shown_when_it_is_made_and_never_again(shop: Shop, owner: Owner) -> None:
    answer = owner.post("/settings/keys", name="till", scopes=["orders.read", "stock.read"])

    [key] = shown(answer, "cdk_")
    assert Program(shop.app, key).get("orders").status_code == 200
    assert Program(shop.app, key).get("tasks").status_code == 403
    assert shown(owner.get("/settings/keys"), "cdk_") == []
    assert key[-4:] in owner.get("/settings/keys").text
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_key_may_end_by_itself(shop: Shop, owner: Owner) -> None:
    [key] = shown(owner.post("/settings/keys", name="till", scopes=["orders.read"], days="30"), "cdk_")
    shop.clock.pass_(timedelta(days=30))

    assert Program(shop.app, key).get("orders").status_code == 401
    assert "Keys that ended" in owner.get("/settings/keys").text


def test_a_key_is_revoked_with_a_button(shop: Shop, owner: Owner) -> None:
    till = a_program(shop)
    [address] = re.findall(r'action="(/settings/keys/[\w-]+/revoke)"', owner.get("/settings/keys").text)

    assert owner.post(address).status_code == 303
    assert till.get("orders").status_code == 401
    assert owner.post(address).status_code == 404


@pytest.mark.parametrize("form", [{"name": "till"}, {"scopes": "orders.read"}, {"name": "till", "scopes": "users.manage"}, {}])
def test_a_key_without_a_name_or_a_scope_is_not_made(shop: Shop, owner: Owner, form: dict[str, str]) -> None:
    answer = owner.post("/settings/keys", **form)

    assert (answer.status_code, shop.one("select count(*) from api_keys")) == (422, 0)
    assert 'role="alert"' in answer.text


def paths(shop: Shop) -> list[str]:
    return ["/settings/keys", "/settings/hooks", f"/settings/hooks/{shop.one('select min(id) from hooks')}"]


def test_keys_and_webhooks_are_for_owners_alone(shop: Shop, owner: Owner) -> None:
    hooks.add(shop.hub, shop.merchant, ADA, URL)
    [hook] = [path.rsplit("/")[-1] for path in paths(shop)[2:]]
    acts = ["/settings/keys", "/settings/keys/x/revoke", "/settings/hooks"]
    acts += [f"/settings/hooks/{hook}/{act}" for act in ("pause", "resume", "test", "remove", "secret", "events/1/resend")]

    for role in set(Role) - {Role.OWNER}:
        other = Owner(shop, role)
        assert {other.get(path).status_code for path in paths(shop)} | {other.post(path).status_code for path in acts} == {403}, role
    assert {owner.get(path).status_code for path in paths(shop)} == {200}


def test_a_webhook_is_added_tested_paused_and_goes_on(shop: Shop, owner: Owner) -> None:
    [secret] = shown(owner.post("/settings/hooks", url=URL, types=["order.taken"]), "whsec_")
    shop.hub.outward.secret = secret  # type: ignore[attr-defined]
    page = f"/settings/hooks/{shop.one('select id from hooks')}"

    assert owner.post(f"{page}/test").status_code == 303
    tell_all(shop.hub)
    assert ">200<" in owner.get(page).text
    owner.post(f"{page}/pause")
    assert "Paused" in owner.get("/settings/hooks").text
    owner.post(f"{page}/resume")
    assert shop.one("select state from hooks") == "active"
    [fresh] = shown(owner.post(f"{page}/secret"), "whsec_")
    assert fresh != secret
    assert shown(owner.get(page), "whsec_") == []
    assert owner.post(f"{page}/remove").location == "/settings/hooks"
    assert owner.get(page).status_code == 404


def tell_all(hub: Hub) -> None:
    while jobs.drain_live(hub, "hooks"):
        pass


def test_a_call_that_failed_is_shown_and_sent_again_with_a_button(shop: Shop, owner: Owner) -> None:
    till = Till(usual=500)
    shop.hub.outward = till
    _, till.secret = hooks.add(shop.hub, shop.merchant, ADA, URL)
    shop.offer("A")
    shop.deliver(shop.sold(A=1))
    shop.drain()
    tell_all(shop.hub)
    page = owner.get(paths(shop)[2]).text
    assert "order.taken" in page
    assert "Fails" in owner.get("/settings/hooks").text

    till.usual = 200
    [address] = re.findall(r'action="([^"]+/resend)"', page)
    assert owner.post(address).status_code == 303
    tell_all(shop.hub)

    assert len(till.taken) == 1


@pytest.mark.parametrize("url", ["http://till.example/", "", WILD])
def test_an_address_that_may_not_be_called_is_refused_in_words(shop: Shop, owner: Owner, url: str) -> None:
    answer = owner.post("/settings/hooks", url=url)

    assert (answer.status_code, shop.one("select count(*) from hooks")) == (422, 0)
    assert "<script>alert" not in answer.text


def test_another_merchants_keys_and_webhooks_are_not_there(shop: Shop, owner: Owner) -> None:
    id, _ = hooks.add(shop.hub, shop.merchant, ADA, URL)
    key = a_program(shop) and shop.one("select id from api_keys")
    stranger = Owner(replace(shop, merchant="another"))

    assert stranger.get(f"/settings/hooks/{id}").status_code == 404
    acts = ("pause", "resume", "test", "remove", "secret", "events/1/resend")
    assert {stranger.post(f"/settings/hooks/{id}/{act}").status_code for act in acts} == {404}
    assert stranger.post(f"/settings/keys/{key}/revoke").status_code == 404
    assert URL not in stranger.get("/settings/hooks").text
    assert "till" not in stranger.get("/settings/keys").text.split("<h2>")[-1]


def test_names_and_words_are_text_and_pages_need_no_inline_script(shop: Shop, owner: Owner) -> None:
    owner.post("/settings/keys", name=WILD[:80], scopes="orders.read")
    hooks.add(shop.hub, shop.merchant, ADA, f"{URL}?a=<script>alert(1)</script>")

    for path in paths(shop):
        page = owner.get(path).text
        assert "<script>alert" not in page
        assert "<img" not in page
        assert re.findall(r"<script(?![^>]* src=)", page) == []
        assert " style=" not in page


def test_nothing_of_a_buyer_is_told(shop: Shop) -> None:
    till = Till()
    shop.hub.outward = till
    _, till.secret = hooks.add(shop.hub, shop.merchant, ADA, URL)
    shop.offer("A", "")
    body = watched(json.loads(shop.sold(A=3).body))
    moved = {**body, "shipping_address": {**body["shipping_address"], "country_code": "CA", "city": "Canarytown"}}
    shop.send(body)
    shop.drain()
    shop.send({**moved, "updated_at": "2026-12-01T00:00:00Z", "cancelled_at": "2026-12-01T00:00:00Z"})
    shop.drain()
    tell_all(shop.hub)

    said = json.dumps(list(till.taken.values())).lower()
    assert {"order.taken", "order.address_changed", "order.status_changed"} <= set(till.types)
    assert [word for word in WORDS if word.lower() in said] == []
