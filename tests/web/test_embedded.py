"""Inside the simulated Shopify admin: the first visit installs, tokens say who asks, and nothing else lets anybody in."""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode, urlsplit

import jwt
import pytest
from werkzeug.test import Client

from config import demo
from connectors.shopify import MANIFEST, SCOPES
from connectors.shopify.frames import ShopifyFrames
from connectors.shopify.simulator import ACCOUNT, CLIENT_ID, CLIENT_SECRET
from connectors.simulation import Fault
from core.errors import AccessLost
from core.flows import connections as flows
from core.flows.connections import StoredTokens
from core.flows.consents import login_of
from core.store import connections
from tests.web.inside import SOMEWHERE, Admin, query

OTHER = "second-shop.myshopify.com"
SECRET = "another-secret-of-somebody-else-0123456789"
RETRY = "X-Shopify-Retry-Invalid-Session-Request"


# ---- the first visit


def test_the_first_visit_installs_watched_with_tokens_that_end(admin):
    answer = admin.visit()

    assert answer.status_code == 200, answer.text
    assert admin.rows("select channel, account, state, live_at from connections") == [("shopify", ACCOUNT, "active", None)]
    assert admin.rows("select name, subject from users") == [("Ada Keller", f"shopify/{ACCOUNT}/801")]
    assert admin.rows("select role from members") == [("owner",)]
    assert [row[0] for row in admin.rows("select act from audit order by id")] == ["connection.install", "user.arrive"]
    one = the_connection(admin)
    assert one.access_until > admin.hub.now
    assert one.login_until > admin.hub.now + timedelta(days=80) // timedelta(microseconds=1)
    assert "write_inventory" in one.scopes


def the_connection(admin: Admin, account: str = ACCOUNT) -> Any:
    with admin.hub.database.read() as db:
        return connections.by_account(db, "shopify", account)


def test_what_was_installed_works(admin):
    admin.visit()
    admin.drain()

    assert admin.rows("select state, cause from tasks where state = 'parked'") == []
    assert admin.hub.channel(the_connection(admin)).probe().name == "Crossdock Demo"


def test_the_next_visits_ask_nobody(admin):
    admin.visit()
    asked = len(admin.street.worlds[ACCOUNT].log)

    assert admin.visit().status_code == admin.fetch("/live").status_code == 200
    assert len(admin.street.worlds[ACCOUNT].log) == asked


def test_of_a_shops_people_the_first_is_the_owner_and_others_are_what_the_merchant_says(admin):
    admin.visit("801")
    admin.visit("802")
    with admin.hub.database.write() as db:
        db.exec_driver_sql("""update merchants set settings = '{"staff_role": "viewer"}'""")
    admin.visit("803")
    with admin.hub.database.write() as db:
        db.exec_driver_sql("""update merchants set settings = '{"staff_role": "owner"}'""")
    admin.visit("804")

    found = admin.rows("select u.name, m.role from members m join users u on u.id = m.user_id order by u.subject")
    assert found == [("Ada Keller", "owner"), ("Miro Sand", "manager"), ("Лена Мороз", "viewer"), ("crossdock-demo 804", "manager")]


def test_a_shop_that_was_connected_by_hand_gets_its_people_and_no_other_login(admin):
    merchant = flows.add_merchant(admin.hub, "North Sea Trading").id
    flows.connect(admin.hub, merchant, "shopify", ACCOUNT, {"access_token": "simulated-custom-app-token"})

    assert admin.visit().status_code == 200
    assert login_of(admin.hub, the_connection(admin)) == {"access_token": "simulated-custom-app-token"}
    assert admin.rows("select merchant from members") == [(merchant,)]


def test_who_was_taken_out_stays_outside(admin):
    admin.visit("801")
    admin.visit("802")
    with admin.hub.database.write() as db:
        db.exec_driver_sql(f"delete from members where user_id = (select id from users where subject = 'shopify/{ACCOUNT}/802')")
        db.exec_driver_sql(f"update users set disabled_at = 1 where subject = 'shopify/{ACCOUNT}/801'")

    assert [admin.visit(staff).status_code for staff in ("801", "802")] == [403, 403]


def test_two_shops_of_one_app_each_see_only_their_own(make_admin):
    admin = make_admin(ACCOUNT, OTHER)
    for account in (ACCOUNT, OTHER):
        assert admin.visit(account=account).status_code == 200
        admin.street.shops[account].catalogue(
            [{"sku": account[:6].upper(), "title": "x", "price": "1.00", "quantity": 5, "currency": "USD"}]
        )
    admin.drain()

    first, second = (admin.visit(path="/stock/unmatched", account=account).text for account in (ACCOUNT, OTHER))
    assert len(admin.rows("select id from merchants")) == 2
    assert ("CROSSD" in first, "SECOND" in first) == (True, False)
    assert ("CROSSD" in second, "SECOND" in second) == (False, True)


def test_two_who_open_a_new_shop_at_once_install_it_once(admin):
    with ThreadPoolExecutor(4) as threads:
        said = list(threads.map(lambda staff: admin.visit(staff).status_code, ["801", "802", "801", "803"]))

    assert said == [200] * 4
    assert admin.one("select count(*) from merchants") == admin.one("select count(*) from connections") == 1
    assert sorted(role for (role,) in admin.rows("select role from members")) == ["manager", "manager", "owner"]


@pytest.mark.parametrize("kind", ["cut_before", "cut_after", "500", "429", "html"])
def test_an_install_whose_answer_was_lost_is_begun_again_by_the_next_visit(admin, kind):
    admin.street.worlds[ACCOUNT].faults.append(Fault(kind, "token"))

    said = admin.visit()

    assert said.status_code == 503
    assert "Set-Cookie" not in said.headers
    assert admin.one("select count(*) from merchants") == 0
    assert admin.visit().status_code == 200
    assert admin.hub.channel(the_connection(admin)).probe().name == "Crossdock Demo"


def test_a_shop_that_gives_no_token_is_told_so_and_not_sent_round_in_circles(admin):
    admin.simulator.state["installed"] = False

    said = admin.visit()

    assert said.status_code == 403
    assert admin.one("select count(*) from merchants") == 0


def test_a_person_without_a_name_is_let_in_all_the_same(admin):
    admin.street.worlds[ACCOUNT].faults.append(Fault("500", "token", after=1))

    assert admin.visit().status_code == 200
    assert admin.rows("select name from users") == [("crossdock-demo 801",)]


def test_the_rehearsal_says_where_the_simulated_admin_shows_the_hub(admin):
    door = admin.simulator.credentials("http://sim.test/shopify")["door"]
    stage = demo.Stage(None, admin.hub, None, None, {}, 1.0, "", {"shopify": door})
    said: list[str] = []

    demo._say_doors(stage, said.append)

    assert said == ["Inside of the simulated admin of Shopify: http://sim.test/shopify/admin/store/crossdock-demo/apps/crossdock"]
    page = Client(admin.street).get(urlsplit(door).path).text
    source = page[page.index('src="http://hub.example/') + 5 :].partition('"')[0].replace("&amp;", "&")
    assert admin.open(source.removeprefix("http://hub.example")).status_code == 200


# ---- what is sent with a page


def test_a_page_in_the_frame_may_be_framed_by_this_shops_admin_alone_and_keeps_no_cookie(admin):
    answers = [admin.visit(), admin.visit(path="/nothing"), admin.fetch("/live"), admin.fetch("/connections")]

    for answer in (answers[0], answers[2], answers[3]):
        allowed = answer.headers["Content-Security-Policy"]
        assert f"frame-ancestors https://{ACCOUNT} http://sim.test;" in allowed
        assert "script-src 'self' http://sim.test;" in allowed
    assert [answer for answer in answers if "Set-Cookie" in answer.headers or "X-Frame-Options" in answer.headers] == []


def test_app_bridge_is_the_first_script_of_every_page_and_finds_our_key(admin):
    page = admin.visit().text

    head = page[: page.index("</head>")]
    assert re.findall(r'<script src="([^"]+)"', head)[0] == "http://sim.test/shopify/app-bridge.js"
    assert head.index(f'<meta name="shopify-api-key" content="{CLIENT_ID}">') < head.index("<script")
    assert '<s-app-nav><a href="/" rel="home">Overview</a>' in page


def test_inside_the_admin_cards_and_badges_are_its_own_elements(admin):
    page = admin.visit().text
    scripts = re.findall(r'<script src="([^"]+)"', page[: page.index("</head>")])
    rooms = "".join(admin.fetch(path).text for path in ("/connections", "/settings", "/stock"))

    assert scripts[:2] == ["http://sim.test/shopify/app-bridge.js", "http://sim.test/shopify/polaris.js"]
    assert '<s-badge class="badge good" tone="success">Connected</s-badge>' in rooms
    assert '<s-section class="card">' in rooms
    assert not re.search(r'<(section|span|div) class="(card|badge|banner)[ "]', page + rooms)
    assert "<s-badge" in admin.fetch("/connections/live").text


def test_where_the_operator_names_no_elements_pages_draw_their_own(make_admin):
    admin = make_admin(CROSSDOCK_CHANNELS__SHOPIFY__POLARIS="")
    page = admin.visit().text + admin.fetch("/connections").text

    assert "polaris" not in page
    assert not re.search("<s-(section|badge|banner)", page)
    assert '<span class="badge good">' in page


def test_scripts_come_from_the_named_origins_and_nowhere_else(make_admin):
    admin = make_admin(CROSSDOCK_CHANNELS__SHOPIFY__POLARIS="https://elements.example/a/polaris.js")

    allowed = admin.visit().headers["Content-Security-Policy"]
    assert "script-src 'self' http://sim.test https://elements.example;" in allowed
    assert "unsafe" not in allowed


def test_outside_of_a_frame_no_page_knows_of_it(admin):
    admin.visit()

    page = admin.browser.get("/login", environ_overrides={"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "127.0.0.1"}, buffered=True)

    assert page.status_code == 200
    assert "app-bridge" not in page.text
    assert "polaris" not in page.text
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]


def test_people_read_in_the_language_of_their_admin(admin):
    admin.visit()

    assert '<html lang="ru">' in admin.visit("803").text
    assert '<html lang="en">' in admin.visit("802").text


def test_what_is_to_be_said_comes_with_the_next_page_without_a_cookie(admin):
    admin.visit()
    id = the_connection(admin).id

    answer = admin.fetch(f"/connections/{id}/pause", method="POST")

    assert answer.status_code == 303
    assert "Set-Cookie" not in answer.headers
    page = admin.fetch(answer.headers["Location"])
    assert "nothing is read or written there" in page.text
    assert "nothing is read or written there" not in admin.fetch("/connections").text
    assert "nothing is read or written there" not in admin.fetch("/connections?said=x").text
    admin.clock.pass_(timedelta(seconds=61))
    assert "nothing is read or written there" not in admin.fetch(answer.headers["Location"]).text


# ---- outside of the frame

IN_THE_ADMIN = "http://sim.test/shopify/admin/store/crossdock-demo/apps/crossdock"
WHOLE = {"HTTP_SEC_FETCH_DEST": "document"}


@pytest.mark.parametrize(
    ("path", "there"),
    [
        ("/?", ""), ("/orders?status=open&", "/orders?status=open"), ("/?embedded=1&hmac=x&timestamp=1&session=y&locale=ru&", ""),
        ("/orders/%C3%A9?q=a%26b&", "/orders/%C3%A9?q=a%26b"),
    ],
)  # fmt: skip
def test_who_is_sent_here_by_an_admin_and_stands_outside_of_it_goes_in(admin, path, there):
    answer = admin.open(f"{path}shop=Crossdock-Demo.myshopify.com&host=aGFja2VyLmV4YW1wbGU", **WHOLE)

    assert (answer.status_code, answer.headers["Location"]) == (302, IN_THE_ADMIN + there)
    assert "Set-Cookie" not in answer.headers


def test_a_browser_that_does_not_say_where_it_shows_a_page_is_sent_in_too(admin):
    answer = admin.browser.get(f"/?shop={ACCOUNT}&host=x", environ_overrides=SOMEWHERE, buffered=True)

    assert answer.headers["Location"] == IN_THE_ADMIN


@pytest.mark.parametrize(
    "said", ["host=x", "shop=x.myshopify.com", "shop=evil.example&host=x", "shop=evil.example/.myshopify.com&host=x", "shop=&host=x"]
)
def test_nobody_is_sent_elsewhere_than_into_the_admin_of_a_shop(admin, said):
    answer = admin.open(f"/?{said}", **WHOLE)

    assert urlsplit(answer.headers["Location"]).path == "/login"
    assert not urlsplit(answer.headers["Location"]).netloc


def test_in_the_frame_nobody_is_sent_round(admin):
    assert admin.open(f"/?shop={ACCOUNT}&host=x").headers["Location"].startswith("/auth/patch-id-token?")
    assert admin.visit().status_code == 200


def test_a_real_shops_admin_is_shopifys_own(admin):
    kit = SimpleNamespace(settings=MANIFEST.settings, app={"client_id": "abc"})

    there = ShopifyFrames(kit).entrance("/stock", {"shop": "north.myshopify.com", "host": "x"})

    assert there == "https://admin.shopify.com/store/north/apps/abc/stock"


# ---- the bounce


@pytest.mark.parametrize("path", ["/?status=open", "/live", "/?a=b&c=%3Cd%3E", "/connections"])
def test_a_page_without_a_token_is_sent_to_fetch_one(admin, path):
    answer = admin.open(path)

    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/auth/patch-id-token?")
    assert query(answer.headers["Location"])["shopify-reload"] == path


def test_a_page_with_a_stale_token_is_sent_to_fetch_another_and_the_stale_one_is_left_out(admin):
    source = admin.source(path="/live")
    admin.clock.pass_(timedelta(minutes=2))

    answer = admin.open(source)

    kept = query(answer.headers["Location"])
    assert answer.status_code == 302
    assert kept["shop"] == ACCOUNT
    assert kept["shopify-reload"].startswith("/live?")
    assert "id_token" not in answer.headers["Location"]


def test_the_bounce_page_holds_app_bridge_and_nothing_else(admin):
    page = admin.open(admin.open("/?shop=" + ACCOUNT).headers["Location"])

    assert page.status_code == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.headers["Link"] == '<http://sim.test/shopify/app-bridge.js>; rel="preload"; as="script"'
    assert f"frame-ancestors https://{ACCOUNT} http://sim.test;" in page.headers["Content-Security-Policy"]
    assert re.findall(r"<(\w+)", page.text) == ["html", "head", "meta", "meta", "script", "title", "body"]


def test_the_bounce_page_lets_no_invented_shop_frame_it(admin):
    invented = ("", "evil.example", "x.myshopify.com; script-src *", "*", f"{ACCOUNT}.evil.example", "a\r\nSet-Cookie: b=c")

    said = [admin.open(f"/auth/patch-id-token?{urlencode({'shop': shop, 'shopify-reload': '/'})}") for shop in invented]

    allowed = "frame-ancestors https://*.myshopify.com http://sim.test;"
    assert [answer for answer in said if allowed not in answer.headers["Content-Security-Policy"] or "Set-Cookie" in answer.headers] == []


def test_the_bounce_page_leads_nowhere_else(admin):
    elsewhere = ("https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "", "evil", "data:,x")

    assert {admin.open(f"/auth/patch-id-token?{urlencode({'shopify-reload': back})}").status_code for back in elsewhere} == {400}


def test_without_an_address_to_load_there_is_no_bounce_page(admin):
    assert admin.open("/auth/patch-id-token").status_code == 404


def test_a_form_that_a_frame_sends_without_a_token_is_refused(admin):
    admin.visit()
    id = the_connection(admin).id

    said = admin.browser.post(f"/connections/{id}/pause?embedded=1", environ_overrides={"HTTP_SEC_FETCH_DEST": "iframe"})

    assert (said.status_code, said.headers[RETRY]) == (401, "1")
    assert the_connection(admin).state == "active"


# ---- forged, expired and odd tokens


def raw(header: object, claims: object, secret: str = CLIENT_SECRET, digest: Any = hashlib.sha256) -> str:
    """A token made by hand, of whatever parts."""
    parts = [
        base64.urlsafe_b64encode(part if isinstance(part, bytes) else json.dumps(part).encode()).rstrip(b"=").decode()
        for part in (header, claims)
    ]
    signature = hmac.new(secret.encode(), ".".join(parts).encode(), digest).digest()
    return ".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=").decode()])


def said(admin: Admin, **different: Any) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(admin.token(**different), options={"verify_signature": False})
    return claims


HS256 = {"alg": "HS256", "typ": "JWT"}
Made = Callable[[Admin], str]


def now(admin: Admin) -> int:
    return int(admin.clock.now.timestamp())


def without(name: str) -> Made:
    return lambda admin: admin.token(**{name: None})


BAD: dict[str, Made] = {
    **{f"no {name}": without(name) for name in ("iss", "dest", "aud", "sub", "exp", "nbf", "jti", "sid")},
    "nothing": lambda admin: "..",
    "no parts": lambda admin: "a.b.c",
    "not base64": lambda admin: "§.§.§".encode().decode("latin-1"),
    "another secret": lambda admin: raw(HS256, said(admin), SECRET),
    "no secret": lambda admin: raw(HS256, said(admin), ""),
    "signature cut": lambda admin: admin.token()[:-4],
    "signature empty": lambda admin: admin.token().rpartition(".")[0] + ".",
    "one letter changed": lambda admin: admin.token()[:60] + ("A" if admin.token()[60] != "A" else "B") + admin.token()[61:],
    "claims swapped": lambda admin: ".".join(
        [admin.token().split(".")[0], admin.token(sub="999").split(".")[1], admin.token().split(".")[2]]
    ),
    "alg none": lambda admin: raw({"alg": "none"}, said(admin)).rpartition(".")[0] + ".",
    "alg None": lambda admin: raw({"alg": "None"}, said(admin)),
    "alg HS512": lambda admin: raw({"alg": "HS512"}, said(admin), digest=hashlib.sha512),
    "alg RS256": lambda admin: raw({"alg": "RS256"}, said(admin)),
    "alg missing": lambda admin: raw({"typ": "JWT"}, said(admin)),
    "alg a number": lambda admin: raw({"alg": 256}, said(admin)),
    "header a list": lambda admin: raw([HS256], said(admin)),
    "critical header": lambda admin: raw({**HS256, "crit": ["exp"], "b64": False}, said(admin)),
    "claims a list": lambda admin: raw(HS256, [said(admin)]),
    "claims a text": lambda admin: raw(HS256, "x"),
    "claims nested deep": lambda admin: raw(HS256, b'{"a":' * 900 + b"1" + b"}" * 900),
    "claims not JSON": lambda admin: raw(HS256, b"\xff\xfe"),
    "expired": lambda admin: admin.token(exp=now(admin) - 11),
    "expired long ago": lambda admin: admin.token(exp=1, nbf=0, iat=0),
    "not yet": lambda admin: admin.token(nbf=now(admin) + 30, iat=now(admin) + 30),
    "exp a text": lambda admin: admin.token(exp="never"),
    "exp true": lambda admin: admin.token(exp=True),
    "exp null": lambda admin: raw(HS256, {**said(admin), "exp": None}),
    "nbf a list": lambda admin: admin.token(nbf=[1]),
    "exp endless": lambda admin: raw(HS256, json.dumps(said(admin)).replace(str(said(admin)["exp"]), "1e999").encode()),
    "another app": lambda admin: admin.token(aud="another-client-id"),
    "aud a number": lambda admin: admin.token(aud=7),
    "aud of many others": lambda admin: admin.token(aud=["a", "b"]),
    "dest another shop": lambda admin: admin.token(dest=f"https://{OTHER}"),
    "iss another shop": lambda admin: admin.token(iss=f"https://{OTHER}/admin"),
    "both elsewhere": lambda admin: admin.token(iss="https://evil.example/admin", dest="https://evil.example"),
    "both nearly a shop": lambda admin: admin.token(iss=f"https://{ACCOUNT}.evil.example/admin", dest=f"https://{ACCOUNT}.evil.example"),
    "both with a port": lambda admin: admin.token(iss=f"https://{ACCOUNT}:444/admin", dest=f"https://{ACCOUNT}:444"),
    "both with a user": lambda admin: admin.token(iss=f"https://a@{ACCOUNT}/admin", dest=f"https://a@{ACCOUNT}"),
    "both without https": lambda admin: admin.token(iss=f"http://{ACCOUNT}/admin", dest=f"http://{ACCOUNT}"),
    "iss a number": lambda admin: raw(HS256, {**said(admin), "iss": 7}),
    "dest a number": lambda admin: admin.token(dest=7),
    "dest empty": lambda admin: admin.token(dest=""),
    "dest a path alone": lambda admin: admin.token(iss="/admin", dest="/"),
    "sub empty": lambda admin: admin.token(sub=""),
    "sub a number": lambda admin: raw(HS256, {**said(admin), "sub": 801}),
    "sub a path": lambda admin: admin.token(sub="../801"),
    "sub too long": lambda admin: admin.token(sub="8" * 65),
    "sub of other letters": lambda admin: admin.token(sub="８０１"),
    "far too long": lambda admin: admin.token(jti="x" * 9000),
    "old secret that nobody keeps": lambda admin: raw(HS256, said(admin), "old-" + CLIENT_SECRET),
}


def test_there_are_many_of_them():
    assert len(BAD) >= 40


def test_a_script_with_no_good_token_may_ask_once_more_and_gets_nothing(admin):
    """Neither for an installed shop nor as the first visit of one."""
    asked = [(name, admin.fetch("/live", made(admin))) for name, made in BAD.items()]
    assert admin.one("select count(*) from merchants") == 0
    admin.visit()
    asked += [(name, admin.fetch(path, made(admin))) for path in ("/live", "/connections") for name, made in BAD.items()]

    assert [name for name, answer in asked if (answer.status_code, answer.headers.get(RETRY)) != (401, "1")] == []
    assert [name for name, answer in asked if "Set-Cookie" in answer.headers or ACCOUNT in answer.text] == []
    assert admin.one("select count(*) from users") == 1


def test_a_page_with_no_good_token_is_sent_to_fetch_another(admin):
    asked = {name: admin.open(f"/connections?{urlencode({'shop': ACCOUNT, 'id_token': made(admin)})}") for name, made in BAD.items()}

    assert [name for name, answer in asked.items() if answer.status_code != 302] == []
    assert {query(answer.headers["Location"])["shopify-reload"] for answer in asked.values()} == {f"/connections?shop={ACCOUNT}"}
    assert admin.one("select count(*) from merchants") == 0


def test_a_token_in_another_wrapping_is_none(admin):
    admin.visit()

    said = [
        admin.fetch("/live", headers={"Authorization": f"{scheme}{admin.token()}"})
        for scheme in ("", "Basic ", "Token ", "Bearer", "Bearer  ")
    ]

    assert {answer.status_code for answer in said} <= {401, 302}
    assert {answer.headers.get("Location", "/login?next=/live") for answer in said} == {"/login?next=/live"}


def test_tokens_a_few_seconds_off_or_with_more_in_them_are_good(admin):
    admin.visit()

    good = (
        admin.token(exp=now(admin) - 9),
        admin.token(nbf=now(admin) + 9, iat=now(admin) + 9),
        admin.token(exp=now(admin) + 0.5),
        admin.token(iss=f"https://{ACCOUNT}/", sid="x"),
        admin.token(more={"not": "heard of"}),
        admin.token(aud=["a", CLIENT_ID]),
    )
    assert {admin.fetch("/live", token).status_code for token in good} == {200}


def test_while_the_secret_is_changed_tokens_by_the_old_one_are_good(make_admin):
    admin = make_admin(CROSSDOCK_APPS__SHOPIFY__OLD_CLIENT_SECRET=SECRET)
    admin.visit()

    assert admin.fetch("/live", raw(HS256, said(admin), SECRET)).status_code == 200
    assert admin.fetch("/live", raw(HS256, said(admin), SECRET + "x")).status_code == 401


def test_a_shop_in_the_address_is_believed_only_where_the_token_says_the_same(make_admin):
    admin = make_admin(ACCOUNT, OTHER)
    admin.visit()
    admin.visit(account=OTHER)

    assert admin.open(f"/live?{urlencode({'shop': OTHER, 'id_token': admin.token()})}").status_code == 401
    assert admin.fetch(f"/live?shop={OTHER}").status_code == 401
    assert admin.fetch(f"/live?shop={ACCOUNT}").status_code == 200
    assert admin.open(f"/live?shop={OTHER}").status_code == 302


def test_a_token_is_not_written_to_any_log(admin, caplog, capsys):
    source = admin.source()
    admin.open(source)
    admin.open(source + "x")
    admin.fetch("/live", admin.token() + "x")

    printed = caplog.text + "".join(capsys.readouterr())
    assert [
        word for word in (query(source)["id_token"][:30], CLIENT_SECRET, "simulated-access", "simulated-refresh") if word in printed
    ] == []


# ---- uninstalled, and installed again


def uninstall(admin: Admin) -> None:
    admin.simulator.befall("uninstall", {})
    assert admin.deliver() == [200]


def test_who_uninstalls_takes_every_token_with_them(admin):
    admin.visit()
    uninstall(admin)

    one = the_connection(admin)
    assert (one.state, one.login, one.access, one.login_until) == ("needs_login", None, None, None)
    assert "app/uninstalled" in one.reason


def test_who_installs_again_gets_the_same_connection_with_its_history(admin):
    admin.visit()
    before = the_connection(admin)
    uninstall(admin)
    admin.simulator.state["installed"] = True

    assert admin.visit("802").status_code == 200

    after = the_connection(admin)
    assert (after.id, after.merchant, after.state) == (before.id, before.merchant, "active")
    assert admin.one("select count(*) from merchants") == 1
    assert admin.hub.channel(after).probe().name == "Crossdock Demo"


def test_an_uninstall_that_is_told_late_does_not_undo_the_next_install(admin):
    admin.visit()
    admin.clock.pass_(timedelta(seconds=5))
    admin.simulator.befall("uninstall", {})
    [late], admin.street.worlds[ACCOUNT].outbox = admin.street.worlds[ACCOUNT].outbox, []
    uninstalled_twice(admin)
    admin.simulator.state["installed"] = True
    admin.clock.pass_(timedelta(seconds=5))
    admin.visit()

    admin.street.worlds[ACCOUNT].outbox = [late]
    assert admin.deliver() == [200]
    assert the_connection(admin).state == "active"


def uninstalled_twice(admin: Admin) -> None:
    """The login is lost in another way meanwhile, so that the next visit asks for one."""
    with admin.hub.database.write() as db:
        connections.set_state(db, the_connection(admin).id, "needs_login", "refused")


def test_a_lost_login_that_cannot_be_had_again_shows_the_pages_and_is_not_asked_for_at_every_one(admin):
    admin.visit()
    uninstall(admin)

    assert [admin.visit().status_code for _ in range(3)] == [200] * 3
    asked = [entry for entry in admin.street.worlds[ACCOUNT].log if entry["operation"] == "token"]
    assert len(asked) == 3  # the shop's, the person's name, and one more
    admin.simulator.state["installed"] = True
    admin.clock.pass_(timedelta(seconds=50))
    admin.visit()
    assert the_connection(admin).state == "needs_login"
    admin.clock.pass_(timedelta(seconds=11))
    admin.visit()
    assert the_connection(admin).state == "active"


def test_a_disconnected_shop_shows_its_pages_and_is_not_connected_by_a_visit(admin):
    admin.visit()
    id = the_connection(admin).id
    assert admin.fetch(f"/connections/{id}/disconnect", method="POST").status_code == 303

    page = admin.visit(path="/connections")

    assert page.status_code == 200
    assert the_connection(admin).state == "disconnected"
    assert "Connect again" in page.text
    assert admin.fetch(f"/connections/{id}/renew", method="POST").status_code == 303
    assert the_connection(admin).state == "active"


# ---- tokens that end


def test_two_workers_renew_a_token_once_and_store_it_before_either_uses_it(admin):
    admin.visit()
    one = the_connection(admin)
    first = login_of(admin.hub, one)["refresh_token"]
    admin.clock.pass_(timedelta(hours=1))

    with ThreadPoolExecutor(2) as threads:
        names = list(threads.map(lambda _: admin.hub.channel(admin.hub.connection(one.id)).probe().name, range(2)))

    assert names == ["Crossdock Demo"] * 2
    renewals = [entry for entry in admin.street.worlds[ACCOUNT].log if entry["operation"] == "token"][2:]
    assert len(renewals) == 1
    assert login_of(admin.hub, the_connection(admin))["refresh_token"] != first
    assert the_connection(admin).login_until > one.login_until


def test_a_renewal_whose_answer_was_lost_is_asked_again_with_the_same_token(admin):
    admin.visit()
    admin.clock.pass_(timedelta(hours=1))
    admin.street.worlds[ACCOUNT].faults.append(Fault("cut_after", "token"))
    admin.drain()
    admin.clock.pass_(timedelta(minutes=2))
    admin.drain()

    assert the_connection(admin).state == "active"
    assert admin.hub.channel(the_connection(admin)).probe().name == "Crossdock Demo"


def test_a_refresh_that_was_under_way_while_somebody_let_go_brings_nothing_back(admin):
    admin.visit()
    one = the_connection(admin)
    admin.clock.pass_(timedelta(hours=1))
    tokens = StoredTokens(admin.hub, one.id)

    def refresh(login: Any) -> Any:
        with admin.hub.unit() as work:
            flows.lost(work, one, "uninstalled")
        return flows.Fresh("late", admin.clock.now + timedelta(hours=1), {"refresh_token": "late"})

    with pytest.raises(flows.Unavailable):
        tokens.access(refresh)
    assert (the_connection(admin).login, the_connection(admin).access) == (None, None)


def test_a_refresh_that_is_refused_because_somebody_renewed_the_login_loses_nothing(admin):
    admin.visit()
    one = the_connection(admin)
    admin.clock.pass_(timedelta(hours=1))

    def refresh(login: Any) -> Any:
        admin.fetch(f"/connections/{one.id}/renew", admin.token(), method="POST")
        raise AccessLost("shopify no longer accepts our refresh token")

    with pytest.raises(flows.Unavailable):
        StoredTokens(admin.hub, one.id).access(refresh)
    assert (the_connection(admin).state, the_connection(admin).login != one.login) == ("active", True)
    with pytest.raises(AccessLost):
        StoredTokens(admin.hub, one.id).access(lambda login: (_ for _ in ()).throw(AccessLost("x")), rejected=admin_access(admin))


def admin_access(admin: Admin) -> str:
    one = the_connection(admin)
    token: str = admin.hub.box(one.merchant).open_text(f"connections|access|{one.id}", one.access).decode()
    return token


def test_scopes_that_are_taken_away_are_told_by_webhook_and_said(admin):
    admin.visit()
    admin.drain()
    admin.simulator.befall("scopes", {"scopes": [scope for scope in SCOPES if scope != "read_returns"]})

    assert admin.deliver() == [200]
    admin.drain()

    assert admin.rows("select what, theirs from findings where mended_at is null") == [("scopes", "we may not: read_returns")]
    assert "read_returns" not in the_connection(admin).scopes


def test_a_refused_refresh_needs_a_login_that_the_next_visit_gives(admin):
    admin.visit()
    admin.drain()
    admin.simulator.state |= {"access": {}, "refresh": {}}
    with admin.hub.unit() as work:
        one = the_connection(admin)
        work.ask(one.merchant, "poll_orders", one.id, one.id)
    admin.drain()
    assert the_connection(admin).state == "needs_login"

    admin.visit()

    assert the_connection(admin).state == "active"
    admin.drain()
    assert admin.rows("select kind from tasks where state = 'parked'") == []
