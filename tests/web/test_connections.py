"""The connections page: how each account is, what may be done with it and by whom, and what else could be connected."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from config import schedule
from connectors.simulation import Fault
from core.domain.access import ends_soon, missing
from core.domain.roles import Role
from core.flows import connections as flows
from core.flows import join
from core.flows.consents import login_of
from core.store.connections import Connection
from tests.web.desk import ACCOUNT, CHANNELS, Desk

ACTS = ("test", "pause", "resume", "watch", "renew", "disconnect", "erase")


@pytest.fixture
def full(desk: Desk) -> Desk:
    for channel in CHANNELS:
        assert desk.connect(channel).status_code == 303
    return desk


def ebay(desk: Desk) -> Connection:
    found = desk.one("ebay")
    assert found
    return found


def say(desk: Desk, path: str, **form: str) -> str:
    """What the page says after a button was pressed."""
    answer = desk.post(path, **form)
    assert answer.status_code == 303, answer.text
    return desk.get(answer.headers["Location"]).text


def test_before_anything_is_connected_the_page_says_how_to_begin(desk):
    page = desk.get("/connections").text

    assert "Nothing is connected yet" in page
    assert [f"Connect {label}" in page for label in ("Shopify", "Amazon", "eBay", "Bogus")] == [True, True, True, False]


def test_every_account_tells_how_it_is(full):
    full.drain()

    page = full.get("/connections").text

    for words in (*ACCOUNT.values(), "Connected", "Watched", "asking now and then", "Test the connection", "Renew the login", "until "):
        assert words in page
    assert "Needs a login" not in page
    assert page.count("not yet") == 0


def test_the_moving_part_is_the_same(full):
    page = full.get("/connections/live").text

    assert "<html" not in page
    assert all(account in page for account in ACCOUNT.values())


@contextmanager
def counted(desk: Desk) -> Iterator[list[str]]:
    seen: list[str] = []

    def see(_: Any, __: Any, statement: str, *___: Any) -> None:
        seen.extend([statement] if statement != "BEGIN" else [])

    event.listen(desk.hub.database.engine, "before_cursor_execute", see)
    yield seen
    event.remove(desk.hub.database.engine, "before_cursor_execute", see)


def test_the_page_asks_the_database_at_most_six_things(full):
    full.drain()
    for one in (full.one(channel) for channel in CHANNELS):
        join.go_live(full.hub, one)
    full.get("/connections")

    with counted(full) as seen:
        full.get("/connections")

    assert len(seen) <= 6, seen  # who asks is one more


# ---- what may be done


def test_an_account_is_paused_and_goes_on(full):
    id = ebay(full).id

    assert "It is paused" in say(full, f"/connections/{id}/pause")
    assert ebay(full).state == "paused"
    assert "It goes on" in say(full, f"/connections/{id}/resume")
    assert ebay(full).state == "active"
    assert "it is not paused" in say(full, f"/connections/{id}/resume")
    assert [act for (act,) in full.rows("select act from audit where act not like '%.connect' order by id")] == [
        "connection.pause",
        "connection.resume",
    ]


def test_what_was_live_is_only_watched_again(full):
    full.drain()
    join.go_live(full.hub, ebay(full))

    assert "It is watched" in say(full, f"/connections/{ebay(full).id}/watch")

    assert ebay(full).live_at is None


def test_a_disconnected_account_keeps_its_orders_and_nothing_that_opens_it(full):
    full.drain()

    assert "It is disconnected" in say(full, f"/connections/{ebay(full).id}/disconnect")

    one = ebay(full)
    assert (one.state, one.login, one.access, one.live_at) == ("disconnected", None, None, None)
    full.drain()
    assert full.rows("select count(*) from tasks where state = 'parked'") == [(0,)]
    assert "it does not run" in say(full, f"/connections/{one.id}/pause")


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_connection_that_works_says_so_by_one_call(full, channel):
    world = full.stage.cast[channel][0]
    before = len([entry for entry in world.log if entry["operation"] != "token"])

    assert f"{ACCOUNT[channel]} answers" in say(full, f"/connections/{full.one(channel).id}/test")
    assert len([entry for entry in world.log if entry["operation"] != "token"]) == before + 1


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("kind", ["500", "429", "html", "cut_before", "cut_after"])
def test_a_connection_that_does_not_answer_says_why_and_stays_as_it_is(full, channel, kind):
    one = full.one(channel)
    operation = {"shopify": "Shop", "amazon": "searchListingsItems", "ebay": "getUser"}[channel]
    full.stage.cast[channel][0].faults.append(Fault(kind, operation))

    assert f"{ACCOUNT[channel]} does not work" in say(full, f"/connections/{one.id}/test")
    assert full.one(channel).state == "active"


def test_a_login_that_is_lost_is_found_by_the_test_and_one_that_works_again_too(full):
    world, one = full.stage.cast["ebay"][0], ebay(full)
    world.faults.append(Fault("401", "getUser", times=2))

    assert "does not work" in say(full, f"/connections/{one.id}/test")
    assert ebay(full).state == "needs_login"
    assert "Needs a login" in full.get("/connections").text

    assert "answers" in say(full, f"/connections/{one.id}/test")
    assert ebay(full).state == "active"


def test_a_paused_account_that_is_tested_stays_paused(full):
    say(full, f"/connections/{ebay(full).id}/pause")

    say(full, f"/connections/{ebay(full).id}/test")

    assert ebay(full).state == "paused"


def test_who_may_do_what_follows_the_role(full):
    id, roles = ebay(full).id, {role: set[str]() for role in Role}
    for role in Role:
        full.sign_in("ada", role)
        roles[role] = {act for act in ACTS if full.post(f"/connections/{id}/{act}").status_code != 403}
        assert full.get("/connections").status_code == 200

    manage = {"test", "pause", "resume", "watch", "renew"}
    nothing: set[str] = set()
    assert roles == {
        Role.OWNER: set(ACTS), Role.MANAGER: manage, Role.PACKER: nothing, Role.ACCOUNTANT: nothing, Role.VIEWER: nothing,
    }  # fmt: skip


def test_a_viewer_sees_no_button(full):
    full.sign_in("vera", Role.VIEWER)

    page = full.get("/connections").text

    assert ACCOUNT["ebay"] in page
    assert "<button" not in page


def test_another_merchants_accounts_are_not_there(full):
    full.sign_in("eve", merchant=flows.add_merchant(full.hub, "Another").id)

    assert [full.post(f"/connections/{ebay(full).id}/{act}").status_code for act in ACTS] == [404] * len(ACTS)
    assert [account for account in ACCOUNT.values() if account in full.get("/connections").text] == []
    assert ebay(full).state == "active"


def test_what_has_no_such_name_is_not_there(full):
    assert full.post("/connections/x/pause").status_code == 404
    assert full.post(f"/connections/{ebay(full).id}/explode").status_code == 404
    assert full.post("/connections/new/nobody").status_code == 404
    assert full.post("/connections/new/bogus").status_code == 404


# ---- typed in


@pytest.fixture
def without_consents(desk: Desk) -> Desk:
    """An installation whose app has no RuName and no application id: logins are typed in."""
    kits = {name: port._kit for name, port in desk.doors.consents.items()}
    kits["ebay"].app.pop("ru_name")
    kits["amazon"].app.pop("application_id")
    return desk


def test_where_the_app_cannot_ask_a_login_is_typed_in_and_tried(without_consents):
    desk = without_consents
    token = desk.stage.cast["ebay"][1].state["refresh"]
    assert 'type="password"' in desk.get("/connections").text

    assert "answers" in say(desk, "/connections/new/ebay", account="harbor-lane-goods", refresh_token=token)

    assert login_of(desk.hub, ebay(desk)) == {"refresh_token": token}
    assert token not in str(desk.rows("select * from connections")) + desk.get("/connections").text


def test_a_typed_login_that_is_wrong_is_said_at_once(without_consents):
    said = say(without_consents, "/connections/new/ebay", account="harbor-lane-goods", refresh_token="wrong")

    assert "does not work" in said
    assert "wrong" not in said
    assert ebay(without_consents).state == "needs_login"


@pytest.mark.parametrize("form", [{}, {"account": "x"}, {"refresh_token": "x"}, {"account": " ", "refresh_token": " "}])
def test_what_is_missing_is_named(without_consents, form):
    assert "Please fill in" in say(without_consents, "/connections/new/ebay", **form)
    assert without_consents.rows("select count(*) from connections") == [(0,)]


def test_an_account_that_another_merchant_has_is_not_taken_by_typing_its_name(without_consents):
    desk = without_consents
    other = flows.add_merchant(desk.hub, "Another").id
    flows.connect(desk.hub, other, "ebay", "harbor-lane-goods", {"refresh_token": "theirs"})

    assert "connected by another merchant" in say(desk, "/connections/new/ebay", account="harbor-lane-goods", refresh_token="mine")
    assert login_of(desk.hub, ebay(desk)) == {"refresh_token": "theirs"}


def test_a_channel_whose_app_is_not_set_up_says_what_is_missing(desk):
    object.__setattr__(desk.doors, "lacks", {"ebay": ("client_id", "verification_token")})

    page = desk.get("/connections").text

    assert "apps.ebay.client_id" in page
    assert "apps.ebay.verification_token" in page
    assert desk.post("/connections/new/ebay").status_code == 404


# ---- what is told in time


@pytest.mark.parametrize(
    ("needed", "told", "lacks"),
    [
        (("read_orders", "write_inventory"), None, ()),
        (("read_orders", "write_inventory"), "", ("read_orders", "write_inventory")),
        (("read_orders", "write_inventory"), "read_orders,write_inventory,more", ()),
        (("read_orders",), "write_orders", ()),
        (("write_orders",), "read_orders", ("write_orders",)),
        (("a/b", "c"), "a/b c", ()),
        ((), "x", ()),
    ],
)
def test_what_is_missing_is_what_we_need_less_what_we_have(needed, told, lacks):
    assert missing(needed, told) == lacks


def test_a_login_ends_soon_thirty_days_ahead(clock):
    now = clock()

    assert [ends_soon(now + timedelta(days=days), now) for days in (-1, 0, 30, 31)] == [True, True, True, False]
    assert not ends_soon(None, now)


def findings(desk: Desk) -> list[tuple[Any, ...]]:
    return desk.rows("select what, theirs from findings where mended_at is null order by what")


def test_a_login_that_ends_soon_is_told_of_until_somebody_renews_it(desk):
    desk.connect("ebay")
    desk.drain()
    assert findings(desk) == []
    desk.clock.pass_(timedelta(days=547 - 29))
    schedule.tick(desk.hub)
    desk.drain()

    assert findings(desk) == [("login", f"our login ends on {connections_end(desk)}")]
    assert "Renew it before then" in desk.get("/connections").text

    desk.connect("ebay")
    desk.drain()
    assert findings(desk) == []


def connections_end(desk: Desk) -> str:
    return desk.hub.at(ebay(desk).login_until or 0).date().isoformat()


def test_scopes_that_are_taken_away_are_read_told_of_and_forgotten_when_they_are_back(full):
    full.drain()
    shop, world = full.stage.cast["shopify"][1], full.stage.cast["shopify"][0]
    had = list(shop.state["scopes"])

    def changed(scopes: list[str]) -> None:
        world.outbox.clear()
        shop.befall("scopes", {"scopes": scopes})
        with full.hub.unit() as work:  # as the door asks
            one = full.one("shopify")
            work.ask(one.merchant, "read_scopes", one.id, one.id)
        full.drain()

    changed([scope for scope in had if scope != "write_inventory"])
    assert findings(full) == [("scopes", "we may not: write_inventory")]
    page = full.get("/connections").text
    assert "Missing:" in page
    assert "<code>write_inventory</code>" in page

    changed(had)
    assert findings(full) == []
    assert "Missing:" not in full.get("/connections").text
