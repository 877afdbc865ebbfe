"""eBay's notifications: whose signature holds, and what each is about."""

import base64
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from connectors.ebay import MANIFEST
from connectors.ebay.simulator import Simulator
from connectors.ebay.webhooks import EbayWebhooks
from connectors.http import Http
from connectors.simulation import Fault, InProcess, Stage, World
from core.errors import BadPayload, Forged, RateLimited, Unavailable
from core.ports import About, Demand, Kit, Rate, Wanted

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = Path(os.environ.get("CROSSDOCK_CONTRACTS") or ROOT.parent / "shared/contracts") / "ebay"
SECRET = generate_private_key(SECP256R1())
TOKEN = "verification-token-of-the-test-0123456789"


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 20, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


class Wallet:
    def take(self, operation: str, units: float = 1.0) -> None:
        """As much as one likes."""

    def learn(self, operation: str, rate: Rate | None = None, left: float | None = None) -> None:
        """Not asked."""


class Shelf:
    """eBay's public keys, counting who asks."""

    def __init__(self, **keys: Any) -> None:
        self.keys, self.asked = keys, 0
        self.broken = False

    def public_key(self, kid: str) -> Mapping[str, Any] | None:
        self.asked += 1
        if self.broken:
            raise Unavailable("ebay did not answer")
        return self.keys.get(kid)


def one_line(secret: EllipticCurvePrivateKey) -> dict[str, str]:
    der = secret.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    text = base64.b64encode(der).decode()
    return {"key": f"-----BEGIN PUBLIC KEY-----{text}-----END PUBLIC KEY-----", "algorithm": "ECDSA", "digest": "SHA1"}


def kit(clock: Clock, **settings: Any) -> Kit:
    app = {"client_id": "id", "client_secret": "secret", "verification_token": TOKEN}
    return Kit("", None, clock, Wallet(), None, app, {**MANIFEST.settings, **settings})  # type: ignore[arg-type]


def door(shelf: Shelf | None = None, clock: Clock | None = None) -> EbayWebhooks:
    return EbayWebhooks(kit(clock or Clock()), shelf or Shelf(k1=one_line(SECRET)))


def signed(body: bytes, kid: str = "k1", digest: str = "SHA1", over: bytes | None = None) -> dict[str, str]:
    text = SECRET.sign(body if over is None else over, ECDSA({"SHA1": SHA1, "SHA256": SHA256}[digest]()))
    head = {"alg": "ecdsa", "kid": kid, "signature": base64.b64encode(text).decode(), "digest": digest}
    return {"x-ebay-signature": base64.b64encode(json.dumps(head).encode()).decode()}


def body(topic: str = "ORDER_CONFIRMATION", data: Any = None) -> bytes:
    data = {"user": {"username": "harbor-lane-goods"}, "order": {"orderId": "21-14000-00001"}} if data is None else data
    sent = {"notificationId": "n-1", "eventDate": "2026-11-20T12:00:00.000Z", "publishAttemptCount": 1, "data": data}
    return json.dumps({"metadata": {"topic": topic, "schemaVersion": "1.0"}, "notification": sent}).encode()


@pytest.mark.parametrize("digest", ["SHA1", "SHA256"])
def test_a_right_signature_gives_a_notice_that_names_the_order(digest: str) -> None:
    raw = body()

    notice = door().notice(raw, signed(raw, digest=digest), "/webhooks/ebay")

    assert (notice.topic, notice.delivery, notice.about) == ("ORDER_CONFIRMATION", "n-1", About.ORDER)
    assert (notice.order, notice.account, notice.body) == ("21-14000-00001", "harbor-lane-goods", None)


def test_a_signature_over_the_compact_form_holds_too() -> None:
    raw = json.dumps(json.loads(body()), indent=2).encode()
    compact = json.dumps(json.loads(raw), separators=(",", ":")).encode()

    assert door().notice(raw, signed(raw, over=compact), "/").order == "21-14000-00001"


def test_no_flipped_byte_goes_through() -> None:
    raw, shut = body(), door()
    headers = signed(raw)

    for place in range(len(raw)):
        forged = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
        with pytest.raises(Forged):
            shut.notice(forged, headers, "/")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-ebay-signature": ""},
        {"x-ebay-signature": "not base64!"},
        {"x-ebay-signature": base64.b64encode(b"[]").decode()},
        {"x-ebay-signature": base64.b64encode(b"{}").decode()},
        {"x-ebay-signature": base64.b64encode(b'{"alg":"none","kid":"k1","signature":"","digest":"SHA1"}').decode()},
        {"x-ebay-signature": base64.b64encode(b'{"alg":"ecdsa","kid":"../k1","signature":"","digest":"SHA1"}').decode()},
        {"x-ebay-signature": base64.b64encode(b'{"alg":"ecdsa","kid":"k1","signature":"","digest":"MD5"}').decode()},
        {"x-ebay-signature": base64.b64encode(b'{"alg":7,"kid":"k1","signature":"","digest":"SHA1"}').decode()},
        {"x-ebay-signature": "A" * 100_000},
    ],
)
def test_whatever_is_no_signature_is_forged(headers: dict[str, str]) -> None:
    with pytest.raises(Forged):
        door().notice(body(), headers, "/")


def test_an_empty_body_is_forged_even_beside_a_header() -> None:
    with pytest.raises(Forged):
        door().notice(b"", signed(body()), "/")


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b"null", b'{"metadata":{},"notification":{}}', b"<xml/>"])
def test_signed_nonsense_is_a_bad_payload(raw: bytes) -> None:
    with pytest.raises(BadPayload):
        door().notice(raw, signed(raw), "/")


@pytest.mark.parametrize(
    ("topic", "about"),
    [
        ("MARKETPLACE_ACCOUNT_DELETION", About.COMPLIANCE),
        ("AUTHORIZATION_REVOCATION", About.ACCESS),
        ("ITEM_MARKED_SHIPPED", About.ORDER),
        ("FEEDBACK_RECEIVED", About.OTHER),
    ],
)
def test_each_topic_is_about_its_own_thing(topic: str, about: About) -> None:
    raw = body(topic)

    assert door().notice(raw, signed(raw), "/").about is about


def test_an_account_deletion_carries_whom_to_forget() -> None:
    raw = body("MARKETPLACE_ACCOUNT_DELETION", {"username": "example-buyer", "userId": "u1", "eiasToken": "t"})

    notice = door().notice(raw, signed(raw), "/")

    assert notice.demand == Demand(Wanted.REDACT, person="example-buyer", request=notice.delivery)
    assert notice.body is None and notice.account == "" and notice.order is None


def test_a_shipped_item_that_names_no_order_is_left_to_the_poll() -> None:
    raw = body("ITEM_MARKED_SHIPPED", {"itemMarkedShipped": {"itemId": "1", "username": "harbor-lane-goods"}})

    notice = door().notice(raw, signed(raw), "/")

    assert (notice.about, notice.order, notice.account) == (About.OTHER, None, "harbor-lane-goods")


def test_a_key_is_asked_for_once_an_hour() -> None:
    shelf, clock, raw = Shelf(k1=one_line(SECRET)), Clock(), body()
    open_door = door(shelf, clock)
    for _ in range(5):
        open_door.notice(raw, signed(raw), "/")
    clock.now += timedelta(minutes=59)
    open_door.notice(raw, signed(raw), "/")
    within = shelf.asked
    clock.now += timedelta(minutes=2)
    open_door.notice(raw, signed(raw), "/")

    assert (within, shelf.asked) == (1, 2)


def test_an_unknown_key_is_remembered_as_unknown() -> None:
    shelf, raw = Shelf(), body()
    shut = door(shelf)
    for _ in range(3):
        with pytest.raises(Forged):
            shut.notice(raw, signed(raw, kid="k9"), "/")

    assert shelf.asked == 1


def test_invented_keys_cannot_spend_our_calls() -> None:
    shelf, clock, raw = Shelf(k1=one_line(SECRET)), Clock(), body()
    shut = door(shelf, clock)
    for number in range(40):
        with pytest.raises((Forged, RateLimited)):
            shut.notice(raw, signed(raw, kid=f"made-up-{number}"), "/")
    spent = shelf.asked
    clock.now += timedelta(minutes=1, seconds=1)

    assert spent == 10 and shut.notice(raw, signed(raw), "/").delivery == "n-1"


def test_keys_that_cannot_be_had_are_no_forgery_and_are_not_asked_for_at_once_again() -> None:
    shelf, clock, raw = Shelf(k1=one_line(SECRET)), Clock(), body()
    open_door = door(shelf, clock)
    shelf.broken = True
    with pytest.raises(Unavailable):
        open_door.notice(raw, signed(raw), "/")
    shelf.broken = False
    clock.now += timedelta(seconds=6)

    assert open_door.notice(raw, signed(raw), "/").delivery == "n-1"


def test_a_key_that_is_none_is_forged() -> None:
    raw = body()
    for key in ({"key": "-----BEGIN PUBLIC KEY-----AAAA-----END PUBLIC KEY-----"}, {"key": ""}, {}):
        with pytest.raises(Forged):
            door(Shelf(k1=key)).notice(raw, signed(raw), "/")


def test_the_challenge_is_answered_with_code_token_and_address_in_this_order() -> None:
    url = "https://hub.example/webhooks/ebay"

    assert door().challenge({"challenge_code": "abc"}, url) == {
        "challengeResponse": sha256(f"abc{TOKEN}{url}".encode()).hexdigest(),
    }
    assert door().challenge({}, url) is None


def test_a_registered_address_wins_over_the_one_that_was_asked() -> None:
    registered = "https://public.example/webhooks/ebay"
    given = EbayWebhooks(kit(Clock(), endpoint_url=registered), Shelf())

    assert given.challenge({"challenge_code": "abc"}, "http://inner/webhooks/ebay") == {
        "challengeResponse": sha256(f"abc{TOKEN}{registered}".encode()).hexdigest(),
    }


class Rig:
    def __init__(self) -> None:
        self.clock = Clock()
        self.world = World(self.clock, seed=3)
        self.simulator = Simulator(self.world)
        found = self.simulator.credentials("http://sim.test/ebay")
        http = Http("ebay", InProcess(Stage({"ebay": (self.world, self.simulator)})))
        known = {**MANIFEST.settings, **found["settings"]}
        self.world.post.url = "http://hub.test/webhooks/ebay"
        self.simulator.catalogue([{"sku": "S", "title": "Lamp", "price": "5.00", "quantity": 9, "currency": "USD"}])
        assert MANIFEST.webhooks
        self.door = MANIFEST.webhooks(Kit(found["account"], http, self.clock, Wallet(), None, found["app"], known))  # type: ignore[arg-type]

    def received(self) -> list[Any]:
        sent, self.world.outbox = self.world.outbox, []
        return [self.door.notice(one.body, {key.lower(): value for key, value in one.headers.items()}, "/") for one in sent]


def test_the_simulators_notifications_hold_with_the_key_that_it_serves() -> None:
    rig = Rig()
    order = rig.simulator.place({"lines": [{"sku": "S", "quantity": 2}]})[0]["id"]
    rig.simulator.act(order, "fulfill", {})

    assert [(one.topic, one.order, one.about) for one in rig.received()] == [
        ("ORDER_CONFIRMATION", order, About.ORDER),
        ("ITEM_MARKED_SHIPPED", order, About.ORDER),
    ]
    assert [entry["operation"] for entry in rig.world.log] == ["token", "getPublicKey"]


def test_an_application_token_that_was_refused_is_asked_for_again_once() -> None:
    rig = Rig()
    rig.simulator.place({"lines": [{"sku": "S", "quantity": 1}]})
    rig.world.faults.append(Fault("401", "getPublicKey"))

    assert len(rig.received()) == 1
    assert [entry["operation"] for entry in rig.world.log] == ["token", "getPublicKey", "token", "getPublicKey"]


@pytest.mark.parametrize("kind", ["500", "html", "cut_before"])
def test_a_key_server_that_fails_is_unavailable_and_no_forgery(kind: str) -> None:
    rig = Rig()
    rig.simulator.place({"lines": [{"sku": "S", "quantity": 1}]})
    rig.world.faults.append(Fault(kind, "getPublicKey"))

    with pytest.raises(Unavailable):
        rig.received()


@pytest.mark.contracts
def test_ebays_own_vectors_hold_and_fail_as_ebay_says() -> None:
    if not CONTRACTS.exists():
        pytest.skip("the vendors' contracts are not here")
    vectors = json.loads((CONTRACTS / "samples/notifications/signature-vectors.json").read_text("utf-8"))
    for name, vector in vectors.items():
        kid = json.loads(base64.b64decode(vector["signature"]))["kid"]
        shelf = Shelf(**{kid: vector["response"]})
        raw = json.dumps(vector["message"], indent=1).encode()
        headers = {"x-ebay-signature": vector["signature"]}
        if name == "VALID":
            assert door(shelf).notice(raw, headers, "/").about is About.COMPLIANCE
        else:
            with pytest.raises(Forged):
                door(shelf).notice(raw, headers, "/")
