"""Signing in alone: passwords, codes, sessions, links; and what does not get through."""

import base64
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import quote

import pyotp
import pytest
from argon2 import PasswordHasher
from sqlalchemy import text
from werkzeug.test import TestResponse

from core.domain.roles import Role
from core.flows import connections as flows
from core.flows import passwords, people, signin
from core.flows.signin import Asker
from core.store import audit
from core.store import people as store
from tests.web.people import PASSWORD, Person, come_in, hire, rows
from tests.web.shop import Shop
from web import words
from web.app import make_app

EMAIL = "ada@staff.example"
ELSEWHERE = {"REMOTE_ADDR": "203.0.113.9"}


@pytest.fixture
def ada(shop: Shop) -> str:
    """Somebody who works here and has a password."""
    return hire(shop.hub, shop.merchant, email=EMAIL, password=PASSWORD)


def proof_in(page: TestResponse) -> str:
    found = re.search(r'name="proof" value="(\w+)"', page.text)
    assert found, page.text
    return found[1]


def fill_in(who: Person, path: str, to: str = "", **fields: str) -> TestResponse:
    """Open a page and send its form, as a person does."""
    return who.post(to or path.partition("?")[0], data={"proof": proof_in(who.get(path)), **fields})


def sign_in(who: Person, email: str = EMAIL, password: str = PASSWORD, **more: str) -> TestResponse:
    return fill_in(who, "/login", email=email, password=password, **more)


def is_in(who: Person) -> bool:
    return who.get("/account").status_code == 200


# ---- in and out


def test_whoever_has_the_password_is_let_in_and_goes_where_they_wanted_to(shop: Shop, ada: str) -> None:
    me = Person(shop)
    sent = me.get("/orders/1?x=2")

    form = me.get(sent.headers["Location"])
    asked = re.search(r'name="next" value="([^"]*)"', form.text)
    answer = sign_in(me, " Ada@Staff.example ", next=asked[1] if asked else "")

    assert sent.headers["Location"] == "/login?next=/orders/1?x%3D2"
    assert (answer.status_code, answer.headers["Location"]) == (303, "/orders/1?x=2")
    assert is_in(me)


def test_the_cookie_is_kept_from_scripts_other_sites_and_plain_lines(shop: Shop, ada: str) -> None:
    [cookie] = [one for one in sign_in(Person(shop)).headers.getlist("Set-Cookie") if one.startswith("__Host-crossdock=")]

    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
    assert "Domain" not in cookie


def test_where_people_come_by_a_plain_line_the_cookie_goes_there_too(shop: Shop, ada: str) -> None:
    """On a machine of one's own there is no TLS."""
    me = Person(shop)
    me.application, me.base = make_app(shop.hub, public_url="http://127.0.0.1:8400").wsgi_app, "http://127.0.0.1:8400"

    answer = sign_in(me)
    [cookie] = [one for one in answer.headers.getlist("Set-Cookie") if one.startswith("crossdock=")]

    assert "HttpOnly" in cookie
    assert "Secure" not in cookie
    assert is_in(me)


def test_the_database_holds_no_cookie_that_opens_anything(shop: Shop, ada: str) -> None:
    me = Person(shop)
    sign_in(me)
    cookie = me.get_cookie("__Host-crossdock", domain="hub.example")
    assert cookie

    [(id,)] = shop.rows("select id from sessions")

    assert id not in cookie.value
    assert id == signin.id_of(cookie.value.partition(".")[0])


def test_whoever_signs_in_again_has_a_new_session_and_the_old_one_is_over(shop: Shop, ada: str) -> None:
    me = come_in(shop, ada, shop.merchant)
    old = me.token

    sign_in(me)

    assert is_in(me)
    assert not is_in(Person(shop, ada, shop.merchant, old))


def test_a_session_that_somebody_planted_is_not_taken_over(shop: Shop, ada: str) -> None:
    me = Person(shop, token="planted-by-somebody-else")

    sign_in(me)

    assert [id for (id,) in shop.rows("select id from sessions")] != [signin.id_of("planted-by-somebody-else")]
    assert not is_in(Person(shop, token="planted-by-somebody-else"))


def test_whoever_signs_out_is_out_with_a_copy_of_the_cookie_too(shop: Shop, ada: str) -> None:
    me = come_in(shop, ada, shop.merchant)

    answer = me.post("/logout")

    assert answer.headers["Location"] == "/login"
    assert not is_in(Person(shop, ada, shop.merchant, me.token))


@pytest.mark.parametrize(
    ("steps", "ends"),
    [((timedelta(hours=11),) * 20, False), ((timedelta(hours=12, minutes=6),), True), ((timedelta(hours=11),) * 31, True)],
    ids=["used", "idle", "too long"],
)
def test_a_session_ends_when_nobody_used_it_and_in_any_case(shop: Shop, ada: str, steps: tuple[timedelta, ...], ends: bool) -> None:
    me = come_in(shop, ada, shop.merchant)

    for step in steps:
        shop.clock.pass_(step)
        last = is_in(me)

    assert last is not ends


def test_that_a_session_is_used_is_not_written_down_each_time(shop: Shop, ada: str) -> None:
    me = come_in(shop, ada, shop.merchant)
    seen = []
    for _ in range(3):
        shop.clock.pass_(timedelta(minutes=2))
        is_in(me)
        seen.append(shop.one("select seen_at from sessions"))

    assert len(set(seen)) == 2


def test_sessions_survive_a_restart_and_another_process(shop: Shop, ada: str) -> None:
    me = come_in(shop, ada, shop.merchant)
    again = type(shop.hub.vault)({"k1": _key(shop), "k2": bytes(32)})

    assert again.signed("crossdock", shop.hub.vault.sign("crossdock", me.token)) == me.token, "an older key of the ring still checks"
    assert shop.hub.vault.signed("crossdock", again.sign("crossdock", me.token)) is None


def _key(shop: Shop) -> bytes:
    return base64.b64decode((shop.settings.home / "keys").read_text().partition(":")[2])


def test_a_part_of_a_page_sends_the_whole_of_it_to_sign_in(shop: Shop) -> None:
    answer = Person(shop).get("/live", headers={"HX-Request": "true", "HX-Current-URL": "https://hub.example/orders?q=1"})

    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/login?next=/orders?q%3D1"


# ---- cookies that are none


FORGED = {
    "empty": lambda cookie, vault: "",
    "unsigned": lambda cookie, vault: cookie.rpartition(".")[0],
    "no mark": lambda cookie, vault: cookie.rpartition(".")[0] + ".",
    "another mark": lambda cookie, vault: cookie.rpartition(".")[0] + "." + "0" * 64,
    "one letter of the mark": lambda cookie, vault: cookie[:-1] + ("0" if cookie[-1] != "0" else "1"),
    "one letter of the token": lambda cookie, vault: ("a" if cookie[0] != "a" else "b") + cookie[1:],
    "mark alone": lambda cookie, vault: "." + cookie.rpartition(".")[2],
    "upper case": lambda cookie, vault: cookie.upper(),
    "cut short": lambda cookie, vault: cookie[:-10],
    "longer": lambda cookie, vault: cookie + "0",
    "twice": lambda cookie, vault: cookie + "." + cookie,
    "for another purpose": lambda cookie, vault: vault.sign("crossdock-door", cookie.rpartition(".")[0]),
    "of another house": lambda cookie, vault: type(vault)({"k1": bytes(32)}).sign("crossdock", cookie.rpartition(".")[0]),
    "signed, of nobody": lambda cookie, vault: vault.sign("crossdock", "nobody"),
    "signed, SQL": lambda cookie, vault: vault.sign("crossdock", "' or 1=1 --"),
    "the id in the database": lambda cookie, vault: vault.sign("crossdock", signin.id_of(cookie.rpartition(".")[0])),
    "no letters": lambda cookie, vault: "\x01\x02",
    "other letters": lambda cookie, vault: "ключ.ключ",
    "very long": lambda cookie, vault: "a" * 3900 + "." + "b" * 64,
}


@pytest.mark.parametrize("how", FORGED)
def test_a_cookie_that_is_not_ours_opens_nothing(shop: Shop, ada: str, how: str) -> None:
    cookie = shop.hub.vault.sign("crossdock", come_in(shop, ada, shop.merchant).token)
    me = Person(shop)
    me.carry(quote(FORGED[how](cookie, shop.hub.vault), safe="."))

    assert me.get("/account").status_code == 302
    assert me.get("/live").status_code == 302


# ---- forms that did not come from here


@pytest.fixture
def forms(shop: Shop, ada: str) -> dict[str, str]:
    """What somebody might send instead of their proof."""
    me, other = come_in(shop, ada, shop.merchant), hire(shop.hub, shop.merchant, email="bob@staff.example")
    bob, stranger = come_in(shop, other, shop.merchant), Person(shop)
    return {
        "mine": me.proof,
        "bob's": bob.proof,
        "a stranger's": proof_in(stranger.get("/login")),
        "none": "",
        "another": "0" * 64,
        "ключ": "ключ",
    }


@pytest.mark.parametrize("which", ["bob's", "a stranger's", "none", "another", "ключ"])
@pytest.mark.parametrize("where", ["field", "header"])
def test_a_form_without_the_visitors_own_proof_changes_nothing(shop: Shop, ada: str, forms: dict[str, str], which: str, where: str) -> None:
    me = come_in(shop, ada, shop.merchant)
    said = {"data": {"name": "Mallory", "proof": forms[which]}, "headers": {"X-Proof": ""}}
    if where == "header":
        said = {"data": {"name": "Mallory"}, "headers": {"X-Proof": quote(forms[which])}}

    answer = me.post("/account", **said)

    assert answer.status_code == 400
    assert "Mallory" not in str(shop.rows("select name from users"))


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://hub.example"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "https://hub.example.evil.example"},
        {"Origin": "https://hub.example@evil.example"},
        {"Origin": "https://hub.example:444"},
    ],
    ids=str,
)
def test_a_form_with_the_right_proof_from_another_site_changes_nothing(shop: Shop, ada: str, headers: dict[str, str]) -> None:
    me = come_in(shop, ada, shop.merchant)

    answer = me.post("/account", data={"name": "Mallory"}, headers=headers)

    assert answer.status_code == 400
    assert shop.rows("select name from users") == [("Ada",)]


def test_a_browser_that_says_nothing_of_where_it_comes_from_needs_the_proof_alone(shop: Shop, ada: str) -> None:
    me = come_in(shop, ada, shop.merchant)
    said = {"base_url": me.base, "data": {"name": "Ada L.", "proof": me.proof}}

    assert super(Person, me).open("/account", method="POST", **said).status_code == 303
    assert super(Person, me).open("/account", method="POST", base_url=me.base, data={"name": "x"}).status_code == 400


def test_nobody_is_signed_in_by_a_form_of_another_site(shop: Shop, ada: str) -> None:
    """Else somebody would work in an account that is not theirs, and not notice."""
    attacker, victim = Person(shop), Person(shop)
    theirs = proof_in(attacker.get("/login"))
    victim.get("/login")

    answer = victim.post("/login", data={"email": EMAIL, "password": PASSWORD, "proof": theirs})

    assert answer.status_code == 400
    assert not is_in(victim)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE"])
def test_other_methods_are_no_way_around_it(shop: Shop, ada: str, method: str) -> None:
    me = come_in(shop, ada, shop.merchant)

    assert me.open("/account", method=method, headers={"X-Proof": ""}).status_code in (400, 405)
    assert me.post("/account?_method=GET", headers={"X-Proof": "", "X-HTTP-Method-Override": "GET"}).status_code == 400


# ---- where one is sent afterwards


LEAVING = [
    "https://evil.example", "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example",
    "/\n/evil.example", "http:evil.example",
    "javascript:alert(1)", "data:text/html,x", " //evil.example", "/ /evil.example", "evil.example",
    "@evil.example", "https:/evil.example", "/%0d/evil.example\r\nSet-Cookie: a=b", "", "/\u2028/evil.example",
]  # fmt: skip


@pytest.mark.parametrize("path", LEAVING)
def test_nobody_is_sent_elsewhere_by_a_link_to_us(shop: Shop, ada: str, path: str) -> None:
    answer = sign_in(Person(shop), next=path)

    assert answer.headers["Location"] == "/"
    assert "Set-Cookie" not in answer.headers["Location"]


@pytest.mark.parametrize("path", ["/orders", "/orders?q=a%20b&after=1", "/", "/settings/people#x"])
def test_a_path_of_ours_is_kept(shop: Shop, ada: str, path: str) -> None:
    assert sign_in(Person(shop), next=path).headers["Location"] == path


@pytest.mark.parametrize("path", ["/activity?act=%00", "/orders/%00", "/login?next=%00", "/join/%00", "/?x=%00"])
def test_what_no_database_can_keep_is_refused_before_anybody_reads_it(either_shop: Shop, path: str) -> None:
    me = come_in(either_shop, hire(either_shop.hub, either_shop.merchant), either_shop.merchant)

    assert me.get(path).status_code == 400
    assert me.post("/account", data={"name": "a\x00b"}).status_code == 400


# ---- guessing


def refused(answer: TestResponse) -> tuple[int, str]:
    said = re.search(r'role="alert">([^<]+)', answer.text)
    return answer.status_code, said[1] if said else ""


def test_a_wrong_password_and_a_stranger_get_the_same_answer(shop: Shop, ada: str) -> None:
    hire(shop.hub, shop.merchant, email="no-password@staff.example")
    gone = hire(shop.hub, shop.merchant, email="gone@staff.example", password=PASSWORD)
    with shop.hub.database.write() as db:
        store.disable(db, gone, shop.hub.now)

    answers = [
        sign_in(Person(shop), email, password)
        for email, password in (
            (EMAIL, "wrong password"), ("nobody@staff.example", "wrong password"), ("no-password@staff.example", ""), ("x", "x"),
            ("gone@staff.example", PASSWORD), ("ключ@пример.example", "x"), ("a" * 5000, "x"), (EMAIL, "a" * 100_000),
            (EMAIL, ""), ("", PASSWORD), (EMAIL, PASSWORD + " "),
        )
    ]  # fmt: skip

    assert {refused(answer) for answer in answers} == {(401, "E-mail address and password do not fit together.")}


def test_a_stranger_costs_as_much_as_a_wrong_password(shop: Shop, ada: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    class Counting(PasswordHasher):
        def verify(self, *given: str | bytes) -> bool:
            asked.append(str(given[0]).rsplit("$", 2)[0])
            return super().verify(*given)

    monkeypatch.setattr(passwords, "HASHER", Counting(time_cost=2, memory_cost=19_456, parallelism=1))
    passwords._nobodys.cache_clear()

    for email in (EMAIL, "nobody@staff.example"):
        sign_in(Person(shop), email, "wrong password")

    assert len(asked) == 2
    assert len(set(asked)) == 1, "the same work"


@pytest.mark.parametrize("email", [EMAIL, "nobody@staff.example"])
def test_whoever_guesses_waits_longer_each_time_whether_or_not_somebody_has_that_address(shop: Shop, ada: str, email: str) -> None:
    me = Person(shop)
    first = [sign_in(me, email, f"guess {n}").status_code for n in range(7)]
    waits = []
    for _ in range(7):
        held = sign_in(me, email, "guess")
        assert refused(held)[0] == 429
        waits.append(_until_tried(shop, me, email))

    assert first == [401] * 7
    assert waits == [30, 60, 120, 240, 480, 900, 900]


def _until_tried(shop: Shop, me: Person, email: str) -> int:
    """Seconds that pass until the next guess is looked at."""
    for seconds in (30, 60, 120, 240, 480, 900):
        answer = shop.clock.now
        shop.clock.now = answer + timedelta(seconds=seconds)
        if sign_in(me, email, "guess").status_code == 401:
            return seconds
        shop.clock.now = answer
    return -1


def test_the_right_password_does_not_help_before_the_wait_is_over_and_clears_it_after(shop: Shop, ada: str) -> None:
    me = Person(shop)
    for n in range(7):
        sign_in(me, EMAIL, f"guess {n}")

    early = sign_in(me)
    shop.clock.pass_(timedelta(seconds=31))
    late = sign_in(me)

    assert refused(early) == (429, "That was tried too often. Wait 1 minute.")
    assert late.status_code == 303
    for n in range(7):
        sign_in(me, EMAIL, f"guess {n}")
    for seconds in (31, 61, 121, 241):
        shop.clock.pass_(timedelta(seconds=seconds))
        sign_in(me, EMAIL, "guess")
    assert refused(sign_in(me)) == (429, "That was tried too often. Wait 8 minutes.")
    shop.clock.pass_(timedelta(seconds=481))
    assert sign_in(me).status_code == 303
    assert [sign_in(Person(shop), EMAIL, "guess").status_code for _ in range(6)] == [401] * 6


def test_whoever_tries_many_names_from_one_address_waits_and_others_do_not(shop: Shop, ada: str) -> None:
    def guess(n: int, **peer: str) -> int:
        who = Person(shop)
        proof = proof_in(who.get("/login"))
        return who.post("/login", data={"email": f"{n}@staff.example", "password": "x", "proof": proof}, environ_overrides=peer).status_code

    codes = [guess(n, **ELSEWHERE) for n in range(33)]

    assert codes == [401] * 31 + [429] * 2
    assert guess(100, REMOTE_ADDR="198.51.100.7") == 401
    assert guess(101, **ELSEWHERE, HTTP_X_FORWARDED_FOR="198.51.100.8") == 429, "who is not our proxy says nothing of others"
    assert guess(102, REMOTE_ADDR="10.0.0.2", HTTP_X_FORWARDED_FOR="198.51.100.9, 203.0.113.9") == 429, "our proxy saw them"
    assert guess(103, REMOTE_ADDR="10.0.0.2", HTTP_X_FORWARDED_FOR="203.0.113.9, 198.51.100.9") == 401


def test_many_guesses_at_once_are_counted_before_they_are_looked_at(shop: Shop, ada: str) -> None:
    answers = [signin._held_up(shop.hub, EMAIL, f"198.51.100.{n}") for n in range(9)]

    assert [bool(answer) for answer in answers] == [False] * 7 + [True] * 2


def test_after_a_day_of_rest_nothing_is_counted_any_more(shop: Shop, ada: str) -> None:
    me = Person(shop)
    for n in range(7):
        sign_in(me, EMAIL, f"guess {n}")
    shop.clock.pass_(timedelta(days=1, minutes=1))

    assert [sign_in(me, EMAIL, "guess").status_code for _ in range(6)] == [401] * 6


def test_nothing_that_was_typed_in_stands_in_the_database(shop: Shop, ada: str) -> None:
    sign_in(Person(shop), "someone@private.example", "wrong password")

    assert "private" not in str(shop.rows("select * from attempts"))


# ---- passwords


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("", "at least 10"), ("nine char", "at least 10"), ("a" * 201, "at most 200"), ("aaaaaaaaaaaa", "guess"), ("Password123", "guess"),
        (EMAIL, "guess"), (EMAIL.upper(), "guess"), ("ababababab", "guess"),
    ],
)  # fmt: skip
def test_what_is_no_password_is_refused_and_the_old_one_stays(shop: Shop, ada: str, password: str, why: str) -> None:
    me = come_in(shop, ada, shop.merchant)

    answer = me.post("/account/password", data={"old": PASSWORD, "new": password})

    assert answer.status_code == 400
    assert why in answer.text
    assert sign_in(Person(shop)).status_code == 303


@pytest.mark.parametrize(
    "password",
    [
        "пароль из многих букв",
        "密码密码密码密码密码一二三四",
        "emoji 🐦🐦🐦 tail",
        "a" * 100 + "bcd" * 33,
        "ﬁne ligature",
    ],
)
def test_a_password_may_be_in_any_script(shop: Shop, ada: str, password: str) -> None:
    me = come_in(shop, ada, shop.merchant)

    assert me.post("/account/password", data={"old": PASSWORD, "new": password}).status_code == 303
    assert sign_in(Person(shop), EMAIL, password).status_code == 303
    assert sign_in(Person(shop), EMAIL, password + "x").status_code == 401


def test_one_and_the_same_letter_may_be_typed_in_two_ways(shop: Shop, ada: str) -> None:
    people.redeem(shop.hub, people.link(shop.hub, people.find(shop.hub, EMAIL) or pytest.fail()), "Caf\u00e9 au lait, s'il vous pla\u00eet")

    assert sign_in(Person(shop), EMAIL, "Cafe\u0301 au lait, s'il vous plai\u0302t").status_code == 303


def test_a_changed_password_ends_all_other_sessions(shop: Shop, ada: str) -> None:
    me, elsewhere = come_in(shop, ada, shop.merchant), come_in(shop, ada, shop.merchant)

    me.post("/account/password", data={"old": PASSWORD, "new": "another good password"})

    assert (is_in(me), is_in(elsewhere)) == (True, False)
    assert sign_in(Person(shop)).status_code == 401


def test_a_password_is_not_changed_without_the_old_one_and_guessing_it_is_held_up(shop: Shop, ada: str) -> None:
    me = come_in(shop, ada, shop.merchant)

    codes = [refused(me.post("/account/password", data={"old": f"guess {n}", "new": "another good password"})) for n in range(8)]

    assert codes == [(400, "That was not right.")] * 7 + [(400, "That was tried too often. Wait some minutes.")]
    assert sign_in(Person(shop)).status_code == 429


def test_a_password_that_was_hashed_by_older_rules_is_hashed_anew_when_it_is_used(shop: Shop, ada: str) -> None:
    old = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    with shop.hub.database.write() as db:
        db.execute(text("update users set password = :old"), {"old": old})

    assert sign_in(Person(shop)).status_code == 303

    assert "m=19456,t=2,p=1" in shop.one("select password from users")
    assert sign_in(Person(shop)).status_code == 303


def test_a_password_of_older_rules_does_not_stand_in_the_way_of_the_code(shop: Shop, secret: str) -> None:
    old = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    with shop.hub.database.write() as db:
        db.execute(text("update users set password = :old"), {"old": old})

    assert with_code(Person(shop), code(shop, secret)).status_code == 303


def test_a_browser_may_call_itself_whatever_it_likes(either_shop: Shop) -> None:
    hub = either_shop.hub
    user = hire(hub, either_shop.merchant)

    with hub.database.write() as db:
        signin.begin(hub, db, user, either_shop.merchant, "a\x00\u202e<b>" + "x" * 9000)

    [(agent,)] = either_shop.rows("select agent from sessions")
    assert agent == "a<b>" + "x" * 196


# ---- links


def test_a_link_sets_a_password_once_and_ends_all_sessions(shop: Shop, ada: str) -> None:
    user = people.find(shop.hub, EMAIL)
    assert user
    path, open_one = f"/password/{people.link(shop.hub, user)}", come_in(shop, ada, shop.merchant)

    first = fill_in(Person(shop), path, password="another good password")
    again = Person(shop).get(path)

    assert (first.status_code, again.status_code) == (303, 404)
    assert not is_in(open_one)
    assert sign_in(Person(shop), EMAIL, "another good password").status_code == 303


@pytest.mark.parametrize(
    "spoil",
    [
        lambda token: token[:-1] + ("0" if token[-1] != "0" else "1"),
        lambda token: token.replace(".", ".9", 1),
        lambda token: ".".join(["another", *token.split(".")[1:]]),
        lambda token: token.rpartition(".")[0],
        lambda token: "x",
        lambda token: "...",
        lambda token: "ключ",
        lambda token: token + "/..",
    ],
)
def test_a_link_that_was_changed_is_none(shop: Shop, ada: str, spoil: Callable[[str], str]) -> None:
    user = people.find(shop.hub, EMAIL)
    assert user

    path = f"/password/{spoil(people.link(shop.hub, user))}"

    assert Person(shop).get(path).status_code == 404


def test_a_link_holds_for_a_day_and_not_when_the_password_was_set_otherwise(shop: Shop, ada: str) -> None:
    user = people.find(shop.hub, EMAIL)
    assert user
    old = people.link(shop.hub, user)
    shop.clock.pass_(timedelta(days=1, seconds=1))
    fresh = people.link(shop.hub, user)
    assert people.linked(shop.hub, old) is None
    assert people.linked(shop.hub, fresh) is not None

    people.redeem(shop.hub, people.link(shop.hub, user), "another good password")

    assert people.linked(shop.hub, fresh) is None


def test_what_was_signed_for_one_purpose_serves_no_other(shop: Shop, ada: str) -> None:
    user = people.find(shop.hub, EMAIL)
    assert user
    ticket = signin._ticket(shop.hub, user)

    assert people.linked(shop.hub, ticket) is None
    assert isinstance(signin.enter_code(shop.hub, people.link(shop.hub, user), "000000", Asker("x")), signin.Sorry)


# ---- codes


@pytest.fixture
def secret(shop: Shop, ada: str) -> str:
    """Ada has put on a second factor."""
    me = come_in(shop, ada, shop.merchant)
    page = me.get("/account/code")
    key = re.search(r"<code>(\w+)</code>", page.text)
    ticket = re.search(r'name="ticket" value="([^"]+)"', page.text)
    assert key and ticket
    done = me.post("/account/code", data={"ticket": ticket[1], "code": code(shop, key[1])})
    assert done.status_code == 200
    shop.clock.pass_(timedelta(seconds=30))
    return key[1]


def code(shop: Shop, secret: str, later: int = 0) -> str:
    return pyotp.TOTP(secret).at(shop.clock.now + timedelta(seconds=later))


def with_code(who: Person, said: str, **more: str) -> TestResponse:
    asked = sign_in(who)
    ticket = re.search(r'name="ticket" value="([^"]+)"', asked.text)
    assert ticket, asked.text
    return who.post("/login/code", data={"proof": proof_in(asked), "ticket": ticket[1], "code": said, **more})


def test_whoever_has_a_second_factor_is_in_only_with_its_code(shop: Shop, secret: str) -> None:
    me = Person(shop)

    asked = sign_in(me)
    assert asked.status_code == 200
    assert not is_in(me)
    assert with_code(me, "000000").status_code == 401
    assert not is_in(me)
    assert with_code(me, code(shop, secret), next="/activity").headers["Location"] == "/activity"
    assert is_in(me)


def test_a_code_works_once(shop: Shop, secret: str) -> None:
    now = code(shop, secret)

    assert with_code(Person(shop), now).status_code == 303
    assert with_code(Person(shop), now).status_code == 401, "seen over somebody's shoulder"
    assert with_code(Person(shop), code(shop, secret, -30)).status_code == 401, "nor an older one"
    shop.clock.pass_(timedelta(seconds=30))
    assert with_code(Person(shop), code(shop, secret)).status_code == 303


@pytest.mark.parametrize(("later", "status"), [(-60, 401), (-30, 303), (0, 303), (30, 303), (60, 401), (3600, 401)])
def test_clocks_may_differ_by_half_a_minute(shop: Shop, secret: str, later: int, status: int) -> None:
    shop.clock.pass_(timedelta(minutes=2))

    assert with_code(Person(shop), code(shop, secret, later)).status_code == status


@pytest.mark.parametrize("said", ["", "0", "00000", "0000000", "abcdef", "١٢٣٤٥٦", "000 000", "9" * 5000, "ключ"])
def test_what_is_no_code_is_refused(shop: Shop, secret: str, said: str) -> None:
    assert with_code(Person(shop), said).status_code == 401


def test_guessing_codes_is_held_up_though_the_password_is_right_each_time(shop: Shop, secret: str) -> None:
    me = Person(shop)

    answers = [with_code(me, "000000").status_code for _ in range(4)]

    assert answers == [401] * 3 + [429]
    assert sign_in(me).status_code == 429


def test_a_recovery_code_works_once(shop: Shop, ada: str) -> None:
    me = come_in(shop, ada, shop.merchant)
    page = me.get("/account/code")
    key, ticket = (re.search(pattern, page.text) for pattern in (r"<code>(\w+)</code>", r'name="ticket" value="([^"]+)"'))
    assert key and ticket
    recovery = re.findall(r"<code>(\w+)</code>", me.post("/account/code", data={"ticket": ticket[1], "code": code(shop, key[1])}).text)

    assert len(recovery) == 8
    assert with_code(Person(shop), f" {recovery[0].upper()} ").status_code == 303
    assert with_code(Person(shop), recovery[0]).status_code == 401
    assert with_code(Person(shop), recovery[1]).status_code == 303
    assert "6 recovery codes are left" in me.get("/account").text


def test_the_secret_of_a_second_factor_does_not_lie_open(shop: Shop, secret: str) -> None:
    assert secret not in str(shop.rows("select * from users"))


def test_a_ticket_for_a_code_ends_after_minutes_and_with_the_password(shop: Shop, secret: str) -> None:
    user = people.find(shop.hub, EMAIL)
    assert user
    first, second = signin._ticket(shop.hub, user), signin._ticket(shop.hub, user)
    people.redeem(shop.hub, people.link(shop.hub, user), "another good password")

    spent = signin.enter_code(shop.hub, first, code(shop, secret), Asker("x"))
    user = people.find(shop.hub, EMAIL)
    assert user
    late = signin._ticket(shop.hub, user)
    shop.clock.pass_(timedelta(minutes=5, seconds=1))

    assert isinstance(spent, signin.Sorry)
    for ticket in (second, late, "", "x.1.y", late + "0"):
        assert isinstance(signin.enter_code(shop.hub, ticket, code(shop, secret), Asker("x")), signin.Sorry)


def test_a_second_factor_is_put_on_with_a_code_of_its_own_and_taken_off_with_the_password(shop: Shop, ada: str) -> None:
    me = come_in(shop, ada, shop.merchant)
    bob = come_in(shop, hire(shop.hub, shop.merchant, email="bob@staff.example"), shop.merchant)
    page = me.get("/account/code")
    key, ticket = (re.search(pattern, page.text) for pattern in (r"<code>(\w+)</code>", r'name="ticket" value="([^"]+)"'))
    assert key and ticket

    assert me.post("/account/code", data={"ticket": ticket[1], "code": "000000"}).status_code == 200
    assert bob.post("/account/code", data={"ticket": ticket[1], "code": code(shop, key[1])}).status_code == 400, "not his picture"
    assert shop.rows("select totp from users where totp is not null") == []
    me.post("/account/code", data={"ticket": ticket[1], "code": code(shop, key[1])})
    assert me.post("/account/code/off", data={"password": "wrong password"}).status_code == 400
    assert sign_in(Person(shop)).status_code == 200
    assert me.post("/account/code/off", data={"password": PASSWORD}).status_code == 303
    assert sign_in(Person(shop)).status_code == 303


# ---- one's sessions


def test_everybody_sees_where_they_are_signed_in_and_ends_it(shop: Shop, ada: str) -> None:
    me, elsewhere, third = (come_in(shop, ada, shop.merchant) for _ in range(3))
    bob = come_in(shop, hire(shop.hub, shop.merchant, email="bob@staff.example"), shop.merchant)

    assert me.get("/account").text.count("Test browser") == 3
    assert bob.post(f"/account/sessions/{signin.id_of(elsewhere.token)}/end").status_code == 404
    assert is_in(elsewhere)
    assert me.post(f"/account/sessions/{signin.id_of(elsewhere.token)}/end").status_code == 303
    assert [is_in(one) for one in (me, elsewhere, third)] == [True, False, True]
    assert me.post("/account/sessions/end").status_code == 303
    assert [is_in(one) for one in (me, third, bob)] == [True, False, True]


@pytest.mark.parametrize(
    ("agent", "shown"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox, Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge, Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 Version/18.0 Safari/604.1", "Safari, iPhone"),
        ("curl/8.0", "curl/8.0"),
    ],
)
def test_a_browser_is_named_as_people_name_it(agent: str, shown: str) -> None:
    assert words.browser(agent) == shown


def test_a_session_that_is_open_still_is_none_for_somebody_who_is_shut_out(shop: Shop, ada: str) -> None:
    me = come_in(shop, ada, shop.merchant)
    assert is_in(me)

    with shop.hub.database.write() as db:
        store.disable(db, ada, shop.hub.now)

    assert not is_in(me)


def test_whoever_is_shut_out_or_taken_off_is_out_at_once(shop: Shop, ada: str) -> None:
    hire(shop.hub, shop.merchant)
    bob = hire(shop.hub, shop.merchant, email="bob@staff.example")
    ada_there, bob_there = come_in(shop, ada, shop.merchant), come_in(shop, bob, shop.merchant)
    user = people.find(shop.hub, EMAIL)
    assert user

    people.shut_out(shop.hub, user, is_out=True)
    people.remove(shop.hub, shop.merchant, bob, people.COMMAND_LINE)

    assert (is_in(ada_there), is_in(bob_there)) == (False, False)
    assert sign_in(Person(shop)).status_code == 401
    people.shut_out(shop.hub, user, is_out=False)
    assert sign_in(Person(shop)).status_code == 303


def test_another_role_counts_from_the_next_page_on(shop: Shop, ada: str) -> None:
    hire(shop.hub, shop.merchant)
    me = come_in(shop, ada, shop.merchant)
    assert me.get("/settings").status_code == 200

    people.set_role(shop.hub, shop.merchant, ada, Role.VIEWER, people.COMMAND_LINE)

    assert me.get("/settings").status_code == 403


# ---- the first owner


@pytest.fixture
def empty(shop: Shop) -> Shop:
    """Nobody works here, and there is no merchant."""
    with shop.hub.database.write() as db:
        for table in ("merchants", "connections"):
            db.exec_driver_sql(f"delete from {table}")
    return shop


FIRST = {"email": EMAIL, "name": "Ada", "password": PASSWORD, "merchant_name": "North Sea Trading"}


def test_whoever_has_the_printed_address_makes_the_first_owner_and_is_in(empty: Shop) -> None:
    me, path = Person(empty), f"/setup/{people.setup_token(empty.hub)}"

    answer = fill_in(me, path, **FIRST)

    assert answer.status_code == 303
    assert empty.rows("select m.name, o.role from merchants m join members o on o.merchant = m.id") == [("North Sea Trading", "owner")]
    assert me.get("/settings/people").status_code == 200
    assert [Person(empty).get(path).status_code, me.get(path).status_code] == [404, 404]


@pytest.mark.parametrize("token", ["", "x", "0" * 32, "ключ"])
def test_a_stranger_who_is_faster_cannot_take_the_house(empty: Shop, token: str) -> None:
    me = Person(empty)
    assert me.get(f"/setup/{token}").status_code == 404
    proof = proof_in(me.get("/login"))

    answer = me.post(f"/setup/{token}", data={**FIRST, "proof": proof})

    assert answer.status_code in (404, 405)
    assert empty.rows("select * from users") == []


def test_of_two_who_have_the_address_one_becomes_the_owner(empty: Shop) -> None:
    token, asker = people.setup_token(empty.hub), Asker("x")

    first = people.first_owner(empty.hub, token, EMAIL, "Ada", PASSWORD, "North", asker)
    second = people.first_owner(empty.hub, token, "bob@staff.example", "Bob", PASSWORD, "South", asker)

    assert isinstance(first, signin.Welcome)
    assert second == people.Problem.GONE
    assert [name for (name,) in empty.rows("select name from merchants")] == ["North"]


@pytest.mark.parametrize(
    "spoil", [{"email": "x"}, {"name": ""}, {"password": "short"}, {"merchant_name": ""}, {"name": "a\x00b"}, {"merchant_name": "x" * 101}]
)
def test_a_first_owner_needs_an_address_a_name_a_password_and_a_house(empty: Shop, spoil: dict[str, str]) -> None:
    path = f"/setup/{people.setup_token(empty.hub)}"

    assert fill_in(Person(empty), path, **{**FIRST, **spoil}).status_code == 400
    assert empty.rows("select * from users") == empty.rows("select * from merchants") == []


def test_of_two_who_send_it_in_the_same_moment_one_becomes_the_owner(either_shop: Shop) -> None:
    hub, token = either_shop.hub, people.setup_token(either_shop.hub)

    with ThreadPoolExecutor(4) as at_once:
        asked = [at_once.submit(people.first_owner, hub, token, f"p{n}@staff.example", "P", PASSWORD, "", Asker("x")) for n in range(4)]
        answers = [one.result() for one in asked]

    assert sum(isinstance(answer, signin.Welcome) for answer in answers) == 1
    assert either_shop.one("select count(*) from users") == 1


def test_of_two_who_accept_an_invitation_in_the_same_moment_one_does(either_shop: Shop) -> None:
    hub = either_shop.hub
    token = people.invite(hub, either_shop.merchant, "new@staff.example", Role.VIEWER, people.COMMAND_LINE)

    with ThreadPoolExecutor(4) as at_once:
        asked = [at_once.submit(people.join_new, hub, token, f"N{n}", PASSWORD, Asker("x")) for n in range(4)]
        answers = [one.result() for one in asked]

    assert sum(isinstance(answer, signin.Welcome) for answer in answers) == 1
    with hub.database.write() as db:
        assert not store.accept(db, either_shop.one("select id from invitations"), hub.now)


def test_the_first_owner_owns_the_merchant_that_is_here_already(shop: Shop) -> None:
    fill_in(Person(shop), f"/setup/{people.setup_token(shop.hub)}", **{**FIRST, "merchant_name": ""})

    assert shop.rows("select merchant, role from members") == [(shop.merchant, "owner")]


# ---- invitations


@pytest.fixture
def owner(shop: Shop, signed_in: Callable[..., Person]) -> Person:
    return signed_in("owner", email="olive@staff.example")


def invite(owner: Person, email: str = "new@staff.example", role: str = "warehouse") -> str:
    answer = owner.post("/settings/people/invitations", data={"email": email, "role": role})
    found = re.search(r'value="https://hub\.example(/join/[\w-]+)"', answer.text)
    assert found, answer.text
    return found[1]


NEW = {"name": "Nora", "password": PASSWORD}


def test_whoever_is_invited_joins_with_the_role_that_they_were_given(shop: Shop, owner: Person) -> None:
    path, me = invite(owner), Person(shop)

    assert "Warehouse" in me.get(path).text
    assert fill_in(me, path, **NEW, role="owner").status_code == 303
    assert shop.rows("select u.email, m.role from users u join members m on m.user_id = u.id where u.name = 'Nora'") == [
        ("new@staff.example", "warehouse")
    ]
    assert (me.get("/").status_code, me.get("/settings").status_code) == (200, 403)


def test_an_invitation_works_once_for_a_week_and_not_when_it_is_withdrawn_or_made_again(shop: Shop, owner: Person) -> None:
    used, again = invite(owner), invite(owner, "other@staff.example")
    fill_in(Person(shop), used, **NEW)
    newer = invite(owner, "other@staff.example")
    [(id,)] = shop.rows("select id from invitations where accepted_at is null")

    assert [Person(shop).get(path).status_code for path in (used, again, newer)] == [404, 404, 200]
    assert owner.post(f"/settings/people/invitations/{id}/withdraw").status_code == 303
    assert Person(shop).get(newer).status_code == 404
    late = invite(owner, "late@staff.example")
    shop.clock.pass_(timedelta(days=7, seconds=1))
    assert Person(shop).get(late).status_code == 404


@pytest.mark.parametrize("token", ["x", "0" * 32, "ключ", "' or 1=1 --"])
def test_a_made_up_invitation_is_none(shop: Shop, owner: Person, token: str) -> None:
    invite(owner)
    me = Person(shop)

    assert me.get(f"/join/{token}").status_code == 404
    assert me.post(f"/join/{token}", data={**NEW, "proof": proof_in(me.get("/login"))}).status_code == 404


def test_the_links_token_does_not_lie_in_the_database(shop: Shop, owner: Person) -> None:
    token = invite(owner).rpartition("/")[2]

    assert token not in str(shop.rows("select * from invitations"))
    assert token not in str(shop.rows("select * from audit"))


def test_somebody_who_has_a_login_joins_by_it_and_nobody_else_joins_for_them(shop: Shop, owner: Person) -> None:
    second = flows.add_merchant(shop.hub, "South Sea Trading").id
    ada = hire(shop.hub, second, email=EMAIL, password=PASSWORD)
    bob = come_in(shop, hire(shop.hub, second, email="bob@staff.example"), second)
    path = invite(owner, EMAIL, "accountant")
    me, stranger = come_in(shop, ada, second), Person(shop)

    assert "Sign in and join" in stranger.get(path).text
    assert stranger.post(path, data={**NEW, "proof": proof_in(stranger.get("/login"))}).status_code == 400, "their password is not set anew"
    assert "bob@staff.example" in bob.get(path).text
    assert bob.post(path, data={"proof": proof_in(bob.get("/login"))}).status_code == 400, "not his invitation"
    assert fill_in(me, path).status_code == 303
    assert shop.rows(f"select role from members where user_id = '{ada}' and merchant = '{shop.merchant}'") == [("accountant",)]
    assert "North Sea Trading" in me.get("/account").text


@pytest.mark.parametrize(
    ("email", "role", "why"),
    [("x", "viewer", "not an e-mail"), ("olive@staff.example", "viewer", "here already"), ("a@b.example", "king", "no such role")],
)
def test_what_is_no_invitation_is_refused(shop: Shop, owner: Person, email: str, role: str, why: str) -> None:
    answer = owner.post("/settings/people/invitations", data={"email": email, "role": role})

    assert answer.status_code == 400
    assert why in answer.text
    assert shop.rows("select * from invitations") == []


# ---- roles on the page


def test_the_last_owner_can_neither_leave_nor_become_less(shop: Shop, owner: Person) -> None:
    for act in ("role", "remove"):
        answer = owner.post(f"/settings/people/{owner.user}/{act}", data={"role": "viewer"})
        assert (answer.status_code, "last owner" in answer.text) == (400, True)

    second = hire(shop.hub, shop.merchant)
    assert owner.post(f"/settings/people/{second}/role", data={"role": "manager"}).status_code == 303
    assert rows(shop.hub, "select role from members where user_id = :id", id=second) == [("manager",)]
    assert owner.post(f"/settings/people/{second}/remove").status_code == 303
    assert rows(shop.hub, "select role from members where user_id = :id", id=second) == []


def test_the_merchants_zone_and_language_are_everybodys_and_a_person_may_choose_another(
    shop: Shop, owner: Person, signed_in: Callable[..., Person]
) -> None:
    me = signed_in("viewer")
    good = {"name": "North Sea Trading Ltd", "zone": "Europe/Berlin", "locale": "ru"}

    assert owner.post("/settings", data={**good, "zone": "Mars/Olympus"}).status_code == 400
    assert owner.post("/settings", data={**good, "name": " "}).status_code == 400
    assert owner.post("/settings", data=good).status_code == 303
    assert '<html lang="ru">' in me.get("/account").text
    me.post("/account", data={"name": "Vera", "locale": "en"})
    page = me.get("/account").text
    assert '<html lang="en">' in page
    assert "1:00:00\u202fPM" in page, "noon in Berlin's winter"
    me.post("/account", data={"name": "Vera", "locale": "xx"})
    assert '<html lang="ru">' in me.get("/account").text


# ---- what was done


def test_who_did_what_is_told_newest_first_a_page_at_a_time_and_by_person_and_kind(shop: Shop, owner: Person) -> None:
    other = hire(shop.hub, shop.merchant, "manager", name="Mia")
    with shop.hub.database.write() as db:
        for n in range(60):
            audit.write(db, shop.merchant, shop.hub.now, owner.user, "Olive", "user.invite", f"i{n}")
    owner.post(f"/settings/people/{other}/role", data={"role": "viewer"})

    first = owner.get("/activity")
    older = re.search(r'href="(/activity\?below=\d+)"', first.text)
    assert older
    second = owner.get(older[1])

    assert "gave somebody another role" in first.text
    assert "person: Mia" in first.text
    assert first.text.count("invited somebody") == 49
    assert second.text.count("invited somebody") == 11
    assert "/activity?below" not in second.text
    assert "invited somebody" not in owner.get(f"/activity?who={other}").text
    assert "gave somebody another role" in owner.get("/activity?act=user.role").text
    assert "Nothing yet" in owner.get("/activity?act=stock").text
    assert owner.get("/activity?below=x&act=%25&who=%27").status_code == 200


def test_what_people_do_to_themselves_is_written_down(shop: Shop, secret: str) -> None:
    with_code(Person(shop), code(shop, secret))
    me = come_in(shop, shop.one("select id from users"), shop.merchant)
    me.post("/account/password", data={"old": PASSWORD, "new": "another good password"})
    me.post("/account/code/off", data={"password": "another good password"})

    acts = [act for (act,) in shop.rows("select act from audit order by id")]

    assert acts == ["user.add", "user.password", "user.code_on", "user.in", "user.password", "user.code_off"]
