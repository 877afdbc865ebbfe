"""Every secret that opens something, spoilt in every way, shown at every lock but its own, and when its time is over: nothing opens,
nothing is done, and nothing of it is said or written down. What is special to one kind stands in that kind's own tests."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from werkzeug.test import Client

from connectors.bogus.webhooks import signed
from core.domain.roles import Role
from core.domain.who import Who
from core.flows import consents, keys, people, signin
from core.store.consents import Asked
from core.store.people import User
from tests.conftest import Clock
from tests.web.hostile import TEXTS
from tests.web.inside import SIMULATED, SOMEWHERE, on
from tests.web.people import PASSWORD, Person, hire
from tests.web.shop import Shop, open_shop

HELD = ("users", "members", "sessions", "api_keys", "connections", "inbox", "orders", "audit", "invitations", "exports", "hooks")
BODY = b'{"id": "1"}'
Made = Callable[[Shop], str]
Ask = Callable[[Shop, str], tuple[int, str]]


@dataclass(frozen=True)
class Lock:
    """`make` gives a secret that opens it, `ask` shows one and gives the status and all that was answered; `life` is how long it holds."""

    make: Made
    ask: Ask
    opens: int
    life: timedelta | None = None


def asked(shop: Shop, path: str, headers: dict[str, str] | None = None) -> tuple[int, str]:
    answer = Client(shop.app, use_cookies=False).open(
        path, base_url="https://hub.example", buffered=True, environ_overrides=dict(SOMEWHERE), headers=headers
    )
    return answer.status_code, f"{answer.text} {[one for name, one in answer.headers if name != 'Location']}"


def sent(shop: Shop, path: str, **fields: str) -> tuple[int, str]:
    """A form by somebody who was shown one."""
    me = Person(shop)
    found = re.search(r'name="proof" value="([^"]+)"', me.get("/login").text)
    assert found
    answer = me.post(path, data={"proof": found[1], **fields}, headers={"X-Proof": found[1]})
    return answer.status_code, answer.text


def ada(shop: Shop) -> User:
    found = people.find(shop.hub, "ada@staff.example")
    assert found
    return found


def session(shop: Shop) -> str:
    with shop.hub.database.write() as db:
        return shop.hub.vault.sign("crossdock", signin.begin(shop.hub, db, ada(shop).id, shop.merchant, "x").token)


def by_cookie(shop: Shop, cookie: str) -> tuple[int, str]:
    return asked(shop, "/account", headers={"Cookie": f"__Host-crossdock={quote(cookie)}"})


def invitation(shop: Shop) -> str:
    made = people.invite(shop.hub, shop.merchant, f"{shop.hub.ids()}@staff.example", Role.VIEWER, Who("u", "Ada"))
    assert isinstance(made, str)
    return made


def state(shop: Shop) -> str:
    return consents.send(shop.hub, Asked(shop.merchant, "u", "shopify", {"account": "crossdock-demo", "framed": "1"}))


def webhook(shop: Shop, signature: str, path: str, header: str, more: dict[str, str]) -> tuple[int, str]:
    said = shop.knock(BODY, {**more, header: signature}, path)
    return said[0], str(said[1])


LOCKS: dict[str, Lock] = {
    "session": Lock(session, by_cookie, 200, timedelta(days=90)),
    "invitation": Lock(invitation, lambda shop, said: asked(shop, f"/join/{quote(said, safe='')}"), 200, timedelta(days=8)),
    "password link": Lock(
        lambda shop: people.link(shop.hub, ada(shop)),
        lambda shop, said: asked(shop, f"/password/{quote(said, safe='')}"), 200, timedelta(days=2),
    ),
    "API key": Lock(
        lambda shop: keys.make(shop.hub, shop.merchant, ("u", "Ada"), "till", ["orders.read"], shop.hub.now + 3_600_000_000),
        lambda shop, said: asked(shop, "/api/v1/orders", headers={"Authorization": f"Bearer {quote(said)}"}), 200, timedelta(hours=2),
    ),
    "Shopify's token": Lock(
        lambda shop: shop.simulator.admin.id_token("801"),
        lambda shop, said: asked(shop, "/live", headers={"Authorization": f"Bearer {quote(said)}"}), 200, timedelta(minutes=3),
    ),
    "consent": Lock(state, lambda shop, said: asked(shop, f"/consents/shopify/go?{urlencode({'state': said})}"), 200, timedelta(hours=1)),
    "Shopify's signature": Lock(
        lambda shop: shop.simulator.headers("shop/redact", BODY)["X-Shopify-Hmac-Sha256"],
        lambda shop, said: webhook(shop, said, "/webhooks/shopify", "X-Shopify-Hmac-Sha256", unsigned(shop)), 200,
    ),
    "another signature": Lock(
        lambda shop: next(value for name, value in signed(BODY, "s3cret", delivery="d").items() if "sign" in name.lower()),
        lambda shop, said: webhook(shop, said, "/webhooks/bogus", signature_of_bogus(), signed(BODY, "s3cret", delivery="d")), 404,
    ),
    "metrics": Lock(
        lambda shop: METRICS,
        lambda shop, said: asked(shop, "/metrics", headers={"Authorization": f"Bearer {quote(said)}"}), 200,
    ),
    "code's ticket": Lock(
        lambda shop: signin._ticket(shop.hub, ada(shop)),
        lambda shop, said: sent(shop, "/login/code", ticket=said, code="123456"), 401,
    ),
    "first owner": Lock(lambda shop: people.setup_token(shop.hub), lambda shop, said: asked(shop, f"/setup/{quote(said, safe='')}"), 404),
}  # fmt: skip
METRICS = "metrics-token-of-the-test"
CARRIES = "code's ticket"  # its form hands it on for the next try
OUT = {302, 400, 401, 403, 404, 405, 412}


def unsigned(shop: Shop) -> dict[str, str]:
    return {name: value for name, value in shop.simulator.headers("shop/redact", BODY).items() if "Hmac" not in name}


def signature_of_bogus() -> str:
    return next(name for name in signed(BODY, "s3cret", delivery="d") if "sign" in name.lower())


SPOILT: dict[str, Callable[[str], str]] = {
    "nothing": lambda one: "",
    "a blank": lambda one: " ",
    "cut": lambda one: one[:-1],
    "half": lambda one: one[: len(one) // 2],
    "the end alone": lambda one: one[len(one) // 2 :],
    "longer": lambda one: one + "A",
    "doubled": lambda one: one + one,
    "backwards": lambda one: one[::-1],
    "other case": lambda one: one.swapcase(),
    "first letter": lambda one: ("a" if one[0] != "a" else "b") + one[1:],
    "middle letter": lambda one: one[: len(one) // 2] + ("a" if one[len(one) // 2] != "a" else "b") + one[len(one) // 2 + 1 :],
    "no mark": lambda one: one.rpartition(".")[0] + ".",
    "a NUL": lambda one: one + "\0",
    "a list": lambda one: f"['{one}']",
    "any": lambda one: "%",
    "long": lambda one: "A" * 4000,
    "other letters": lambda one: "ключ",
    "markup": lambda one: TEXTS[0],
    "zeros": lambda one: "0" * len(one),
    "a path": lambda one: "../../etc/passwd",
}


@pytest.fixture
def shop(sqlite_template: Path, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setattr("jwt.api_jwt.datetime", on(clock))
    (tmp_path / "house.db").write_bytes(sqlite_template.read_bytes())
    made = open_shop(f"sqlite:///{tmp_path / 'house.db'}", tmp_path, clock, CROSSDOCK_METRICS_TOKEN=METRICS, **SIMULATED)
    hire(made.hub, made.merchant, email="ada@staff.example", name="Ada", password=PASSWORD)
    return made


def held(shop: Shop) -> dict[str, list[tuple[object, ...]]]:
    return {table: shop.rows(f"select * from {table}") for table in HELD}


def test_no_secret_that_is_spoilt_of_another_kind_or_over_opens_anything(shop: Shop, capfd: pytest.CaptureFixture[str]) -> None:
    good = {name: lock.make(shop) for name, lock in LOCKS.items()}
    forged = [(at, f"{how} of its own", spoil(good[at])) for at in LOCKS for how, spoil in SPOILT.items()]
    forged += [(at, f"that of {kind}", good[kind]) for at in LOCKS for kind in LOCKS if kind != at]
    assert len(forged) >= 300
    before = held(shop)

    wrong = [f"{at}, {how}: {status}" for at, how, said in forged if (status := LOCKS[at].ask(shop, said)[0]) not in OUT]
    again = [f"{at}, {how}" for at, how, said in forged if len(said) > 20 and at != CARRIES and said in LOCKS[at].ask(shop, said)[1]]

    assert (wrong, again) == ([], [])
    assert held(shop) == before
    assert {name: lock.ask(shop, good[name])[0] for name, lock in LOCKS.items()} == {name: lock.opens for name, lock in LOCKS.items()}
    written = "".join(capfd.readouterr())
    assert [name for name, one in good.items() if one in written] == []


@pytest.mark.parametrize("name", [name for name, lock in LOCKS.items() if lock.life])
def test_no_secret_opens_anything_when_its_time_is_over(shop: Shop, name: str) -> None:
    lock = LOCKS[name]
    good = lock.make(shop)
    assert lock.ask(shop, good)[0] == lock.opens

    shop.clock.pass_(lock.life or timedelta())

    assert lock.ask(shop, good)[0] in OUT
