"""What nobody sends who means well: ids that are none, addresses that lead elsewhere, far too much, far too deep. At every route there is:
refused or ignored, never a failure of ours."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from connectors.bogus.webhooks import signed
from tests.web.people import Person, come_in, hire
from tests.web.programs import Program, a_program
from tests.web.shop import Shop
from tests.web.test_roles import UNSAFE, Door, doors
from web import app as pages

HOUSE = Path(__file__).parents[2]
ODD = (
    "", " ", "x" * 5000, "../", "..%2f..%2fetc", "%00", "nul\0l", "ключ\u202e", "-1", "0", "99999999999999999999999",
    "-9223372036854775809", "1e309", "NaN", "²", "１２", "1_000", "[]", '{"a":1}', "null", "a\r\nb", "' or 1=1--",
    "<evil>", ".", "\ud7ff\ufffd",
)  # fmt: skip
NAMED = re.compile(r"""(?:(?:form|args|values)\.get(?:list)?|asked\.\w+|word|place|token)\((?:\w+, )?"(\w+)\"""")


@pytest.fixture(scope="module")
def fields() -> list[str]:
    """Every name that a view reads."""
    found = {name for path in (HOUSE / "web").rglob("*.py") for name in NAMED.findall(path.read_text("utf-8"))}
    assert {"next", "after", "id", "location", "note", "token", "channel", "units"} - {"token", "channel"} <= found
    return sorted(found - {"proof"})


@pytest.fixture
def app(shop: Shop) -> Flask:
    return pages.make_app(shop.hub, public_url=shop.settings.public_url, told={"API_PER_S": 1e6, "API_BURST": 1e6})


def at(door: Door, value: str) -> str:
    """Its path with this wherever it asks for something."""
    return re.sub(r"<[^>]+>", lambda _: quote(value, safe="%"), door.rule.rule)


def test_ids_and_words_that_are_none_break_no_route(shop: Shop, app: Flask, fields: list[str]) -> None:
    shop.offer("A")
    shop.deliver(shop.sold(A=1))
    shop.drain()
    user, wrong = hire(shop.hub, shop.merchant), []
    hire(shop.hub, shop.merchant)
    till = a_program(shop, app=app)
    for door in doors(app):
        me = come_in(shop, user, shop.merchant)
        me.application = app.wsgi_app
        for value in ODD if door.kinds else ODD[:: 3 if door.method in UNSAFE else 5]:
            answer = ask(door, value, me, till, fields)
            if answer.status_code >= 500 or (door.kinds and value == "<evil>" and answer.status_code == 200):
                wrong.append(f"{door} {value[:30]!r}: {answer.status_code}")

    assert wrong == []


def ask(door: Door, value: str, me: Person, till: Program, fields: list[str]) -> TestResponse:
    if door.is_of_the_api:
        told = urlencode(dict.fromkeys(("after", "limit", "sku", "connection", "status", "placed_from"), value))
        return till.ask(door.method, f"{at(door, value).removeprefix('/api/v1/')}?{told}", {"sku": value, "parts": value, "units": value})
    said = {name: [value, value] for name in fields}
    more = {"data": said} if door.method in UNSAFE else {"query_string": urlencode(said, doseq=True)}
    return me.open(at(door, value), method=door.method, **more)


# ---- addresses that lead elsewhere

LEAVING = (
    "https://evil.example/", "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "/%5cevil.example",
    "%2f%2fevil.example", "https:evil.example", "https://hub.example@evil.example/",
    "https://hub.example.evil.example", "/\t/evil.example", "/%09/evil.example",
    "//evil。example", "//ｅvil.example", "/.//evil.example", "/orders/..//evil.example", "javascript:alert(1)", "data:text/html,x",
    "/\r\nLocation: https://evil.example", "?next=//evil.example", "evil.example", "//evil%E3%80%82example/",
)  # fmt: skip
LED = ("next", "back", "return_to", "to", "url", "redirect", "shopify-reload", "shop", "host", "order", "channel", "reload", "continue")
OURS = re.compile(r"/(?![/\\])[^\\]*|https://hub\.example(/.*)?|http://sim\.test/.*|https://[\w-]+\.myshopify\.com/.*")


def test_no_parameter_and_no_header_leads_away_from_us(shop: Shop) -> None:
    """Nor to a host that only a browser would make of it."""
    user, wrong, led = hire(shop.hub, shop.merchant), [], 0
    app = pages.make_app(shop.hub, public_url=shop.settings.public_url)
    for door in doors(app):
        me, stranger = come_in(shop, user, shop.merchant), Person(shop)
        for who in (me, stranger):
            leads = lead(door, who, LEAVING[0]) is not None
            for address in LEAVING if leads else LEAVING[1:3]:
                there = lead(door, who, address)
                led += there is not None
                wrong += [f"{door} {address!r}: {there}"] if there is not None and not stays(there) else []

    assert wrong == []
    assert led > 500


def lead(door: Door, who: Person, address: str) -> str | None:
    """Where it sends them; None: nowhere."""
    safe = address.replace("\r", "").replace("\n", "").encode("ascii", "ignore").decode()
    headers = {"Referer": safe, "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example", "HX-Current-URL": safe}
    said = urlencode(dict.fromkeys(LED, address))
    answer = who.open(
        f"{at(door, 'x')}?{said}", method=door.method, headers=headers, data=dict.fromkeys(LED, address) if door.method in UNSAFE else None
    )
    assert not any(
        "evil" in value for name, value in answer.headers if name in ("Refresh", "Content-Location", "Access-Control-Allow-Origin")
    )
    return answer.headers.get("HX-Redirect") or answer.headers.get("Location")


def stays(there: str) -> bool:
    """Whether a browser that reads this stays with us, or goes to a channel's own page."""
    return OURS.fullmatch(there) is not None and urlsplit(there).netloc.partition(":")[0] in ("", "hub.example", "sim.test")


def test_an_invented_host_is_in_no_link(shop: Shop) -> None:
    me = come_in(shop, hire(shop.hub, shop.merchant), shop.merchant)
    odd = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "javascript"}

    answers = [me.get(path, headers=odd) for path in ("/", "/login", "/settings/people", "/connections")]
    answers += [
        me.post(
            "/settings/people/invitations",
            data={"email": "n@staff.example", "role": "viewer"},
            headers={"X-Forwarded-Host": "evil.example"},
        )
    ]

    assert [answer.request.path for answer in answers if "evil.example" in answer.text or answer.status_code >= 500] == []


# ---- too much, too deep

DEEP = 100_000
BOMBS = {
    "deep lists": b"[" * DEEP + b"]" * DEEP,
    "deep objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "deep in a field": b'{"sku": ' + b"[" * DEEP + b"]" * DEEP + b"}",
    "never closed": b"[" * DEEP,
    "a long number": b'{"units": ' + b"9" * DEEP + b"}",
    "many keys": json.dumps({f"k{n}": n for n in range(DEEP)}).encode(),
    "too much": b'{"sku": "' + b"x" * 20_000_000 + b'"}',
}


@pytest.mark.parametrize("name", BOMBS)
def test_no_door_for_machines_is_hurt_by_too_much_or_too_deep(shop: Shop, app: Flask, name: str) -> None:
    raw, till = BOMBS[name], a_program(shop, app=app)

    said = {
        str(door): till.ask(door.method, at(door, "1").removeprefix("/api/v1/"), raw).status_code
        for door in doors(app)
        if door.is_of_the_api and door.method in UNSAFE
    }
    for channel, headers in (
        ("shopify", shop.simulator.headers("orders/create", raw)),
        ("bogus", signed(raw, "s3cret", delivery="d")),
        ("ebay", {}),
    ):
        said[channel] = shop.knock(raw, headers, f"/webhooks/{channel}")[0]

    assert len(said) > 7
    assert {door: status for door, status in said.items() if not 400 <= status < 500} == {}


def flood() -> Iterator[tuple[str, dict[str, Any]]]:
    many = "&".join(f"f{n}={n}" for n in range(DEEP)).encode()
    yield "fields", {"data": many, "content_type": "application/x-www-form-urlencoded"}
    yield "one field again and again", {"data": b"&".join([b"id=1"] * DEEP), "content_type": "application/x-www-form-urlencoded"}
    part = b'--b\r\nContent-Disposition: form-data; name="id"\r\n\r\n1\r\n'
    yield "parts", {"data": part * DEEP + b"--b--", "content_type": "multipart/form-data; boundary=b"}
    yield "bytes", {"data": b"note=" + b"x" * 17_000_000, "content_type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize("how", [name for name, _ in flood()])
def test_a_form_of_a_hundred_thousand_fields_is_refused(shop: Shop, app: Flask, how: str) -> None:
    me, body, wrong = come_in(shop, hire(shop.hub, shop.merchant), shop.merchant), dict(flood())[how], []
    tried = [door for door in doors(app) if door.method == "POST" and not door.is_of_the_api]
    for door in tried[::5]:
        status = me.post(at(door, "1"), **body).status_code
        wrong += [f"{door}: {status}"] if not 400 <= status < 500 else []

    assert len(tried) > 40
    assert wrong == []
