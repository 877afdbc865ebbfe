"""Keys: shown once, bounded by their scopes, revoked at once, as fast as they may. The API lets in keys and nobody else."""

import base64
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from werkzeug.test import Client

from core.domain import keys as domain
from core.errors import Refused
from core.flows import keys
from core.store import keys as store
from tests.web.programs import ADA, HERE, Program, a_program, routes
from tests.web.shop import Shop
from tests.web.test_api_reads import fill, ids
from web.app import make_app


def bearer(shop: Shop, authorization: str, path: str = "/api/v1/orders") -> Any:
    return Client(shop.app).get(path, headers={"Authorization": authorization}, environ_overrides=HERE, buffered=True)


def test_what_is_kept_of_a_key_is_its_hash_and_its_last_letters(shop: Shop) -> None:
    till = a_program(shop)

    dump = " ".join(str(row) for table in ("api_keys", "audit", "budgets") for row in shop.rows(f"select * from {table}"))

    assert till.get("orders").status_code == 200
    assert till.key.removeprefix("cdk_") not in dump
    assert shop.rows("select tail from api_keys") == [(till.key[-4:],)]
    assert len(base64.urlsafe_b64decode(till.key.removeprefix("cdk_") + "=")) == 32


FORGED: dict[str, Callable[[str], str]] = {
    "nothing": lambda key: "",
    "no word": lambda key: key,
    "another word": lambda key: f"Basic {key}",
    "nothing after it": lambda key: "Bearer ",
    "no prefix": lambda key: f"Bearer {key[4:]}",
    "one letter more": lambda key: f"Bearer {key}A",
    "one letter less": lambda key: f"Bearer {key[:-1]}",
    "another first letter": lambda key: f"Bearer cdk_{'A' if key[4] != 'A' else 'B'}{key[5:]}",
    "another last letter": lambda key: f"Bearer {key[:-1]}{'A' if key[-1] != 'A' else 'E'}",
    "small letters": lambda key: f"Bearer {key.lower()}" if key != key.lower() else "Bearer x",
    "its hash": lambda key: f"Bearer {domain.digest(key)}",
    "its hash as a key": lambda key: f"Bearer cdk_{domain.digest(key)[:43]}",
    "two of them": lambda key: f"Bearer {key} {key}",
    "two with a comma": lambda key: f"Bearer {key}, Bearer {key}",
    "zeros": lambda key: f"Bearer {domain.written(bytes(32))}",
    "a quote": lambda key: f"Bearer {key[:20]}'--{key[23:]}",
    "a percent sign": lambda key: "Bearer cdk_" + "%" * 43,
    "letters of another script": lambda key: f"Bearer {key[:-1]}\xe9",
    "a token of a browser": lambda key: "Bearer eyJhbGciOiJIUzI1NiJ9.eyJkZXN0IjoieCJ9.c2ln",
    "very long": lambda key: "Bearer cdk_" + "A" * 5000,
}


def test_a_forged_key_opens_nothing(shop: Shop) -> None:
    till = a_program(shop)

    answers = {name: bearer(shop, forge(till.key)) for name, forge in FORGED.items()}

    assert {name: (one.status_code, one.mimetype, one.get_json()["code"]) for name, one in answers.items()} == dict.fromkeys(
        FORGED, (401, "application/problem+json", "no-key")
    )
    assert {one.headers["WWW-Authenticate"] for one in answers.values()} == {"Bearer"}
    assert [name for name, one in answers.items() if till.key[4:] in one.text] == []


def test_no_route_of_the_api_opens_without_a_key_even_to_whoever_sits_here(shop: Shop) -> None:
    shop.offer("A")
    shop.deliver(shop.sold(A=1))
    shop.drain()
    asked = [(method, fill(path, ids(shop))) for method, path, _ in routes(shop.hub)]

    answers = {
        path: Client(shop.app).open(f"/api/v1/{path}", method=method, environ_overrides=HERE, buffered=True).status_code
        for method, path in asked
    }

    assert set(answers.values()) == {401}
    assert len(answers) > 10


def test_a_key_opens_the_api_and_no_page(shop: Shop) -> None:
    till = a_program(shop)

    asked = Client(shop.app).get(
        "/", headers={"Authorization": f"Bearer {till.key}"}, environ_overrides={"REMOTE_ADDR": "203.0.113.9"}, buffered=True
    )

    assert (asked.status_code, asked.location) == (302, "/login")


def test_a_key_that_was_revoked_or_whose_time_is_over_opens_nothing(shop: Shop) -> None:
    till = a_program(shop)
    short = Program(shop.app, keys.make(shop.hub, shop.merchant, ADA, "short", ["orders.read"], shop.hub.now + 60_000_000))
    assert [one.get("orders").status_code for one in (till, short)] == [200, 200]

    [(id,)] = shop.rows("select id from api_keys where name = 'till'")
    assert keys.revoke(shop.hub, shop.merchant, ADA, id)
    shop.clock.pass_(timedelta(seconds=60))

    assert [one.get("orders").status_code for one in (till, short)] == [401, 401]
    assert not keys.revoke(shop.hub, shop.merchant, ADA, id)
    assert [act for (act,) in shop.rows("select act from audit order by id")] == ["key.add", "key.add", "key.revoke"]


def test_nobody_revokes_a_key_of_another_merchant(shop: Shop) -> None:
    till = a_program(shop)

    assert not keys.revoke(shop.hub, "another", ADA, shop.one("select id from api_keys"))
    assert till.get("orders").status_code == 200


def test_a_key_has_scopes_that_programs_may_have_and_a_name_to_know_it_by(shop: Shop) -> None:
    wishes = [("till", scopes) for scopes in ([], ["users.manage"], ["orders.read", "keys.manage"], ["everything"])]
    wishes += [(name, ["orders.read"]) for name in ("", "  ", "x" * 81, "a\nb")]

    for name, scopes in wishes:
        with pytest.raises(Refused):
            keys.make(shop.hub, shop.merchant, ADA, name, scopes)


def test_the_last_use_of_a_key_is_noted_once_a_minute(shop: Shop) -> None:
    till, seen = a_program(shop), []
    for seconds in (0, 30, 29, 1):
        shop.clock.pass_(timedelta(seconds=seconds))
        till.get("orders")
        seen.append(shop.one("select used_at from api_keys"))

    assert [at - seen[0] for at in seen] == [0, 0, 0, 60_000_000]


def test_a_key_that_asks_too_often_waits_and_others_do_not(either_shop: Shop) -> None:
    shop = either_shop
    app = make_app(shop.hub, told={"API_PER_S": 1, "API_BURST": 3})
    till, other = a_program(shop, app=app), a_program(shop, app=app)
    answers = [till.get("connections") for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200] * 3 + [429]
    assert answers[0].headers["RateLimit-Policy"] == '"key";q=3;w=3'
    assert [answer.headers["RateLimit"].split(";")[1] for answer in answers] == ["r=2", "r=1", "r=0", "r=0"]
    assert int(answers[-1].headers["Retry-After"]) >= 1
    assert answers[-1].get_json()["code"] == "too-many"
    assert other.get("connections").status_code == 200
    shop.clock.pass_(timedelta(seconds=int(answers[-1].headers["Retry-After"])))
    assert till.get("connections").status_code == 200


def test_keys_are_listed_newest_first(shop: Shop) -> None:
    for name in ("first", "second"):
        keys.make(shop.hub, shop.merchant, ADA, name, ["orders.read"])
        shop.clock.pass_(timedelta(seconds=1))
    with shop.hub.database.read() as db:
        found, others = store.all_of(db, shop.merchant), store.all_of(db, "another")

    assert [(one.name, one.created_by, one.scopes) for one in found] == [(n, "Ada", {"orders.read"}) for n in ("second", "first")]
    assert others == []
