"""Shopify's other doors, the simulated ones: tokens for ID tokens and codes, refused as Shopify refuses them; and what our app asks for."""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from werkzeug.test import Client

from connectors.shopify import MANIFEST, SCOPES
from connectors.shopify.simulator import ACCOUNT, CLIENT_ID, CLIENT_SECRET, COMPLIANCE, EXCHANGE, ID_TOKEN, TOKEN_TYPE, Simulator
from connectors.shopify.webhooks import WANTED
from connectors.simulation import Post, Stage, World
from tests.contract.test_shopify_channel import Clock

APP = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
HERE = "/shopify/admin/store/crossdock-demo"
ROOT = Path(__file__).resolve().parents[2]


class Door:
    def __init__(self) -> None:
        self.clock = Clock()
        self.world = World(self.clock, post=Post(url="https://hub.example/webhooks/shopify"))
        self.simulator = Simulator(self.world)
        self.browser = Client(Stage({"shopify": (self.world, self.simulator)}))

    def ask(self, **form: Any) -> tuple[int, dict[str, Any]]:
        answer = self.browser.post(f"/shopify/{ACCOUNT}/admin/oauth/access_token", json={**APP, **form})
        return answer.status_code, answer.get_json()

    def exchange(self, **different: Any) -> tuple[int, dict[str, Any]]:
        asked = {
            "grant_type": EXCHANGE,
            "subject_token": self.simulator.admin.id_token(),
            "subject_token_type": ID_TOKEN,
            "requested_token_type": f"{TOKEN_TYPE}offline-access-token",
            "expiring": "1",
        }
        return self.ask(**{**asked, **different})

    def authorize(self, **different: str) -> Any:
        asked = {"client_id": CLIENT_ID, "scope": "read_orders", "redirect_uri": "https://hub.example/back", "state": "s", **different}
        return self.browser.get(f"/shopify/{ACCOUNT}/admin/oauth/authorize", query_string=asked)

    def code(self) -> str:
        query = {"client_id": CLIENT_ID, "redirect_uri": "https://hub.example/back", "state": "s"}
        answer = self.browser.post(f"/shopify/{ACCOUNT}/admin/oauth/authorize", query_string=query)
        return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))["code"]


@pytest.fixture
def door() -> Door:
    return Door()


def test_an_id_token_gives_tokens_that_end_and_can_be_renewed(door):
    status, told = door.exchange()

    assert status == 200
    assert (told["expires_in"], told["refresh_token_expires_in"]) == (3600, 7776000)
    assert set(SCOPES) <= set(told["scope"].split(","))
    assert door.ask(grant_type="refresh_token", refresh_token=told["refresh_token"])[0] == 200


def test_the_shops_earlier_tokens_end_with_an_exchange(door):
    _, first = door.exchange()
    door.exchange()

    assert door.ask(grant_type="refresh_token", refresh_token=first["refresh_token"]) == (
        400,
        {"error": "invalid_grant", "error_description": "The refresh token is not valid."},
    )


REFUSED: dict[str, tuple[Callable[[Door], dict[str, Any]], str]] = {
    "no token": (lambda door: {"subject_token": ""}, "invalid_subject_token"),
    "an old token": (lambda door: {"subject_token": door.simulator.admin.id_token(exp=1, nbf=0)}, "invalid_subject_token"),
    "a token of another shop": (
        lambda door: {"subject_token": door.simulator.admin.id_token(dest="https://x.myshopify.com")},
        "invalid_subject_token",
    ),
    "a token for another app": (lambda door: {"subject_token": door.simulator.admin.id_token(aud="x")}, "invalid_subject_token"),
    "another kind of token": (lambda door: {"subject_token_type": "x"}, "invalid_subject_token"),
    "a kind that it does not give": (lambda door: {"requested_token_type": "x"}, "invalid_request"),
    "a token that never ends": (lambda door: {"expiring": "0"}, "invalid_request"),
    "a wrong secret": (lambda door: {"client_secret": "x"}, "invalid_client"),
    "another grant": (lambda door: {"grant_type": "password"}, "unsupported_grant_type"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_shopify_refuses_is_refused(door, name):
    made, error = REFUSED[name]

    status, told = door.exchange(**made(door))

    assert (status, told["error"]) == (401 if error == "invalid_client" else 400, error)


def test_an_app_of_before_still_gets_tokens_that_never_end(door):
    door.simulator.lasting = True

    status, told = door.exchange(expiring="0")

    assert status == 200
    assert set(told) == {"access_token", "scope"}


def test_a_shop_that_uninstalled_the_app_gives_no_token(door):
    door.browser.post(f"{HERE}/uninstall")

    assert door.exchange()[1]["error"] == "invalid_subject_token"
    assert [delivery.headers["X-Shopify-Topic"] for delivery in door.world.outbox] == ["app/uninstalled"]
    page = door.browser.get(f"{HERE}/apps/crossdock")
    assert "Install Crossdock" in page.text
    assert door.browser.post(f"{HERE}/apps/crossdock").status_code == 303
    assert "<iframe" in door.browser.get(f"{HERE}/apps/crossdock").text


def test_a_code_counts_once_and_for_a_minute(door):
    code = door.code()

    assert [door.ask(code=code, expiring="1")[0] for _ in range(2)] == [200, 400]
    late = door.code()
    door.clock.forward(seconds=61)
    assert door.ask(code=late, expiring="1")[0] == 400
    assert door.ask(code=door.code())[0] == 400  # which would never end


def test_nobody_is_sent_back_to_an_address_that_the_app_does_not_name(door):
    assert door.authorize().status_code == 200
    assert door.authorize(redirect_uri="https://evil.example/").status_code == 400
    assert door.authorize(client_id="x").status_code == 400


def test_the_admin_shows_the_app_in_a_frame_with_a_token_of_this_minute(door):
    page = door.browser.get(f"{HERE}/apps/crossdock/orders?status=open").text

    source = page[page.index('src="https://hub.example') + 5 :].partition('"')[0].replace("&amp;", "&")
    said = dict(parse_qsl(urlsplit(source).query))
    assert urlsplit(source).path == "/orders"
    assert (said["status"], said["shop"], said["embedded"]) == ("open", ACCOUNT, "1")
    assert door.simulator.admin.reads(said["id_token"]) == "801"
    door.clock.forward(seconds=71)
    assert door.simulator.admin.reads(said["id_token"]) is None


@pytest.mark.parametrize("wish", ["uninstall", "data_request", "redact", "shop_redact", "scopes"])
def test_what_befalls_a_shop_is_told_signed(door, wish):
    body = {
        "scopes": {"scopes": ["read_orders"]},
        "data_request": {"customer": {"id": 1}},
        "redact": {"customer": {"email": "a@b.example"}},
    }

    assert door.browser.post(f"/shopify/_sim/account/{wish}", json=body.get(wish, {})).status_code == 200

    [told] = door.world.outbox
    assert MANIFEST.webhooks is not None
    assert told.headers["X-Shopify-Hmac-Sha256"]
    assert told.headers["X-Shopify-Topic"].startswith(("app/", "customers/", "shop/"))


def test_a_wish_that_nobody_knows_is_refused(door):
    assert door.browser.post("/shopify/_sim/account/explode", json={}).status_code == 400
    assert door.browser.post("/shopify/_sim/account/scopes", json={}).status_code == 400


def test_our_apps_configuration_asks_for_what_we_need_and_hears_what_we_act_on():
    said = tomllib.loads((ROOT / "deploy/shopify.app.toml").read_text("utf-8"))

    assert set(said["access_scopes"]["scopes"].split(",")) == set(SCOPES)
    assert said["embedded"] is True
    topics = {topic for one in said["webhooks"]["subscriptions"] for topic in one.get("topics", ())}
    assert topics <= set(WANTED)
    assert {"app/uninstalled", "app/scopes_update"} <= topics
    assert {topic for one in said["webhooks"]["subscriptions"] for topic in one.get("compliance_topics", ())} == set(COMPLIANCE)
    assert said["auth"]["redirect_urls"] == ["https://hub.example.com/consents/shopify/back"]
