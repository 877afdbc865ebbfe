"""Xero's knock at our door: "intent to receive" sends good and bad signatures and looks at nothing but the status."""

import base64
import hmac
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from tests.conftest import Clock
from tests.web.shop import Shop, open_shop

DOOR, KEY = "/webhooks/xero", "webhooks-key-of-the-test"
APP = {
    "CROSSDOCK_APPS__XERO__CLIENT_ID": "client",
    "CROSSDOCK_APPS__XERO__CLIENT_SECRET": "secret",
    "CROSSDOCK_APPS__XERO__WEBHOOK_KEY": KEY,
}
BODY = b'{"events":[],"firstEventSequence":0,"lastEventSequence":0,"entropy":"XYZ"}'


@pytest.fixture
def shop(sqlite_template: Path, tmp_path: Path, clock: Clock) -> Iterator[Shop]:
    path = tmp_path / "house.db"
    path.write_bytes(sqlite_template.read_bytes())
    made = open_shop(f"sqlite:///{path}", tmp_path, clock, **APP)
    yield made
    made.hub.database.close()


def signature(key: str) -> dict[str, str]:
    return {"x-xero-signature": base64.b64encode(hmac.new(key.encode(), BODY, sha256).digest()).decode()}


def test_intent_to_receive_is_200_for_a_good_signature_and_401_for_any_other(shop: Shop) -> None:
    assert shop.knock(BODY, signature(KEY), DOOR)[0] == 200
    assert shop.knock(BODY, signature("another"), DOOR)[0] == 401
    assert shop.knock(BODY, {}, DOOR)[0] == 401
    assert shop.waiting() == 0
