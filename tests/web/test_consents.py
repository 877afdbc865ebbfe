"""Connecting by consent: sent with a state that counts once, back as the same person, and connected with what the channel gives."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import urlencode, urlsplit

import pytest

from connectors.simulation import Fault
from core.domain.roles import Role
from core.flows import connections as flows
from core.flows import consents
from core.flows.consents import login_of
from core.store import consents as store
from core.store.consents import Asked
from tests.web.desk import ACCOUNT, CHANNELS, Desk, link
from tests.web.inside import query


@pytest.mark.parametrize("channel", CHANNELS)
def test_somebody_agrees_and_the_account_is_connected_watched_and_read(desk, channel):
    back = desk.connect(channel)

    assert back.status_code == 303, back.text
    one = desk.one(channel)
    assert (one.merchant, one.state, one.live_at) == (desk.merchant, "active", None)
    assert "refresh_token" in login_of(desk.hub, one)
    desk.drain()
    assert desk.hub.channel(desk.hub.connection(one.id)).probe().id == ACCOUNT[channel]
    assert [row[:2] for row in desk.rows("select act, who from audit")] == [("connection.connect", "ada")]


@pytest.mark.parametrize("channel", CHANNELS)
def test_no_token_lies_open_in_the_database(desk, channel):
    desk.connect(channel)

    one = desk.one(channel)
    secrets = [login_of(desk.hub, one)["refresh_token"], desk.hub.box(one.merchant).open_text(f"connections|access|{one.id}", one.access)]
    dump = str(desk.rows("select * from connections")) + str(desk.rows("select * from consents")) + str(desk.rows("select * from audit"))
    assert [secret for secret in secrets if str(secret) in dump] == []


@pytest.mark.parametrize(("channel", "days"), [("amazon", 365), ("ebay", 547), ("shopify", 90)])
def test_when_the_login_ends_is_known(desk, channel, days):
    desk.connect(channel)

    assert desk.one(channel).login_until == pytest.approx(
        int((desk.clock.now + timedelta(days=days)).timestamp() * 1e6), abs=86_400_000_000
    )


@pytest.mark.parametrize("channel", CHANNELS)
def test_what_they_come_back_with_counts_once(desk, channel):
    back = desk.agree(desk.begin(channel))
    desk.get(back)
    before = desk.one(channel)

    again = desk.get(back)

    assert again.status_code == 403
    assert desk.one(channel).login == before.login


def test_of_two_who_come_back_with_one_state_at_once_one_is_let_in(desk):
    state = consents.send(desk.hub, Asked(desk.merchant, "ada", "ebay", {}))

    def take(_: int) -> object:
        with desk.hub.database.write() as db:
            return store.take(db, hashlib.sha256(state.encode()).hexdigest(), desk.hub.now)

    with ThreadPoolExecutor(4) as threads:
        taken = list(threads.map(take, range(4)))

    assert len([one for one in taken if one]) == 1


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_state_does_not_outlive_a_quarter_of_an_hour(desk, channel):
    there = desk.begin(channel)
    desk.clock.pass_(timedelta(minutes=16))

    assert desk.get(desk.agree(there)).status_code == 403
    assert desk.one(channel) is None


@pytest.mark.parametrize("channel", CHANNELS)
def test_nobody_elses_consent_connects_an_account(desk, channel):
    """Somebody has another person's browser finish what they began themselves, or begins for another."""
    back = desk.agree(desk.begin(channel))
    desk.sign_in("eve")

    assert desk.get(back).status_code == 403
    other = flows.add_merchant(desk.hub, "Another").id
    desk.sign_in("ada", merchant=other)
    assert desk.get(back).status_code == 403
    desk.sign_in("ada", Role.VIEWER)
    assert desk.get(back).status_code == 403
    desk.sign_out()
    assert desk.get(back).status_code == 401
    assert desk.one(channel) is None

    desk.sign_in("ada")
    assert desk.get(back).status_code == 303


@pytest.mark.parametrize("channel", CHANNELS)
def test_an_invented_state_connects_nothing(desk, channel):
    back = urlsplit(desk.agree(desk.begin(channel)))

    invented = ("", "x", "a" * 5000, "ä\u202e", "' or 1=1 --")
    said = [desk.get(f"{back.path}?{urlencode({**query(back.geturl()), 'state': state})}") for state in invented]

    assert {answer.status_code for answer in said} == {403}
    assert desk.one(channel) is None


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_state_of_one_channel_is_none_of_another(desk, channel):
    others = [name for name in CHANNELS if name != channel]
    back = query(desk.agree(desk.begin(channel)))

    assert [desk.get(f"/consents/{name}/back?{urlencode(back)}").status_code for name in others] == [403, 403]


@pytest.mark.parametrize("channel", ["amazon", "ebay"])
def test_who_declines_is_told_so_and_nothing_is_connected(desk, channel):
    said = desk.get(desk.agree(desk.begin(channel), agree=""))

    assert said.status_code == 409
    assert "did not agree" in said.text
    assert desk.one(channel) is None


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("kind", ["cut_before", "cut_after", "500", "429", "html"])
def test_a_channel_that_gives_no_token_just_now_is_said_and_may_be_asked_again(desk, channel, kind):
    back = desk.agree(desk.begin(channel))
    desk.stage.cast[channel][0].faults.append(Fault(kind, "token"))

    said = desk.get(back)

    assert said.status_code == 409, said.text
    assert desk.one(channel) is None
    assert desk.connect(channel).status_code == 303


@pytest.mark.parametrize(
    "different",
    [
        {"hmac": ""},
        {"hmac": "0" * 64},
        {"hmac": "ü"},
        {"code": "another"},
        {"shop": "other-shop.myshopify.com"},
        {"shop": "evil.example"},
        {"timestamp": "1"},
        {"timestamp": "later"},
        {"timestamp": "9" * 40},
        {"host": "x"},
        {"more": "x"},
    ],
    ids=lambda different: str(*different.items()),
)
def test_what_shopify_did_not_sign_connects_nothing(desk, different):
    back = urlsplit(desk.agree(desk.begin("shopify")))

    said = desk.get(f"{back.path}?{urlencode({**query(back.geturl()), **different})}")

    assert said.status_code == 403
    assert desk.one("shopify") is None


def signed(desk: Desk, back: str, **different: str) -> str:
    said = {name: value for name, value in {**query(back), **different}.items() if name != "hmac"}
    return f"{urlsplit(back).path}?{urlencode({**said, 'hmac': desk.stage.cast['shopify'][1].admin.hmac(said)})}"


def test_what_shopify_signed_for_another_shop_or_long_ago_connects_nothing(desk):
    back = desk.agree(desk.begin("shopify"))

    assert desk.get(signed(desk, back, shop="other-shop.myshopify.com")).status_code == 403
    assert desk.get(signed(desk, desk.agree(desk.begin("shopify")), timestamp=str(int(desk.clock.now.timestamp()) - 91))).status_code == 403
    assert desk.get(signed(desk, desk.agree(desk.begin("shopify")), timestamp=str(int(desk.clock.now.timestamp()) + 91))).status_code == 403
    assert desk.one("shopify") is None
    assert desk.get(signed(desk, desk.agree(desk.begin("shopify")))).status_code == 303


def test_a_seller_id_that_the_token_is_not_for_connects_nothing(desk):
    for seller in ("A1ANOTHERSELLER", "", "../../x", "Ä1", "A" * 500):
        back = urlsplit(desk.agree(desk.begin("amazon")))
        assert desk.get(f"{back.path}?{urlencode({**query(back.geturl()), 'selling_partner_id': seller})}").status_code == 403

    assert desk.rows("select count(*) from connections") == [(0,)]


def test_nobody_is_sent_to_what_is_no_shop(desk):
    for shop in ("evil.example", "https://evil.example/x.myshopify.com", "a b", "x.myshopify.com.evil.example", "", "..", "ü"):
        said = desk.post("/connections/new/shopify", account=shop)
        assert (said.status_code, urlsplit(said.headers["Location"]).path) == (303, "/connections")

    assert desk.rows("select count(*) from consents") == [(0,)]


def test_a_shop_is_understood_however_it_is_written(desk):
    for shop in ("crossdock-demo", " Crossdock-Demo.myshopify.com ", "https://crossdock-demo.myshopify.com/admin"):
        assert desk.get(desk.agree(desk.begin("shopify", account=shop))).status_code == 303

    assert desk.rows("select account from connections") == [(ACCOUNT["shopify"],)]


def test_an_account_that_is_another_merchants_stays_theirs(desk):
    desk.connect("ebay")
    other = flows.add_merchant(desk.hub, "Another").id
    desk.sign_in("eve", merchant=other)

    said = desk.connect("ebay")

    assert said.status_code == 409
    assert "connected by another merchant" in said.text
    assert desk.one("ebay").merchant == desk.merchant


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_lost_login_is_renewed_and_the_connection_stays_the_same(desk, channel):
    desk.connect(channel)
    before = desk.one(channel)
    with desk.hub.unit() as work:
        flows.lost(work, before, "revoked")

    page = desk.post(f"/connections/{before.id}/renew")
    desk.get(desk.agree(link(page)))

    after = desk.one(channel)
    assert (after.id, after.state) == (before.id, "active")
    assert [act for (act,) in desk.rows("select act from audit order by id")] == ["connection.connect", "connection.renew"]


def test_a_login_is_not_renewed_by_another_account(desk):
    desk.connect("ebay")
    one = desk.one("ebay")
    with desk.hub.database.write() as db:
        db.exec_driver_sql("update connections set account = 'somebody-else'")

    page = desk.post(f"/connections/{one.id}/renew")
    said = desk.get(desk.agree(link(page)))

    assert said.status_code == 409
    assert "another account" in said.text
    assert desk.hub.connection(one.id).login == one.login


# Out of a frame


def in_a_frame(desk: Desk) -> str:
    """Somebody in a channel's admin begins; gives the address of the page that opens in a window of its own."""
    desk.sign_in("ada", account="a-shop.myshopify.com")
    page = desk.post("/connections/new/ebay")
    assert 'target="_blank"' in page.text
    return link(page)


def test_out_of_a_frame_they_come_back_to_the_window_that_they_left_by(desk):
    hop = in_a_frame(desk)
    desk.sign_out()

    page = desk.get(hop)
    assert "North Sea Trading" in page.text
    left = desk.get(link(page), headers={"Sec-Fetch-Site": "same-origin"})
    assert left.status_code == 302
    done = desk.get(desk.agree(left.headers["Location"]))

    assert done.status_code == 200
    assert desk.one("ebay").merchant == desk.merchant


@pytest.mark.parametrize("said", [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "none"}, {"Referer": "https://evil.example/"}, {}])
def test_a_link_that_somebody_sent_asks_first(desk, said):
    state = query(in_a_frame(desk))["state"]
    desk.sign_out()

    answer = desk.get(f"/consents/ebay/leave?state={state}", headers=said)

    assert urlsplit(answer.headers["Location"]).path == "/consents/ebay/go"
    assert "Set-Cookie" not in answer.headers


def test_another_window_does_not_finish_what_was_begun_in_a_frame(desk):
    hop = in_a_frame(desk)
    desk.sign_out()
    left = desk.get(link(desk.get(hop)), headers={"Sec-Fetch-Site": "same-origin"})
    back = desk.agree(left.headers["Location"])
    desk.here.delete_cookie("consent", path="/consents", domain="hub.example")

    assert desk.get(back).status_code == 401
    desk.here.set_cookie("consent", "another", path="/consents", domain="hub.example")
    assert desk.get(back).status_code == 403
    assert desk.one("ebay") is None


def test_the_way_out_of_a_frame_is_for_those_who_began_in_one(desk):
    state = query(desk.begin("ebay"))["state"]

    assert desk.get(f"/consents/ebay/go?state={state}").status_code == 404
    assert desk.get("/consents/ebay/go?state=x").status_code == 404
    assert desk.get(f"/consents/amazon/go?state={query(in_a_frame(desk))['state']}").status_code == 404
    assert desk.get("/consents/nobody/back?state=x").status_code == 404
