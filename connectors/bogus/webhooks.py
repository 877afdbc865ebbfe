"""Bogus' webhooks: HMAC-SHA256 over the raw body, in hex. Pure."""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from connectors.http import as_datetime, read_json
from core.errors import BadPayload, Forged
from core.ports import About, Kit, Notice

ABOUT = {"orders": About.ORDER, "listings": About.LISTING, "people": About.COMPLIANCE, "access": About.ACCESS}


def signature(raw: bytes, secret: str) -> str:
    return hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()


def signed(raw: bytes, secret: str, *, delivery: str, topic: str = "orders/changed", account: str = "bogus") -> dict[str, str]:
    """The headers that Bogus sends with this body."""
    return {
        "x-bogus-signature": signature(raw, secret),
        "x-bogus-delivery": delivery,
        "x-bogus-topic": topic,
        "x-bogus-account": account,
    }


class BogusWebhooks:
    def __init__(self, kit: Kit) -> None:
        self._secret = kit.app["secret"]

    def notice(self, raw: bytes, headers: Mapping[str, str], path: str) -> Notice:
        """A body that is a whole order comes with the notice; {"id"} alone only names it. Raises Forged, BadPayload."""
        said = headers.get("x-bogus-signature", "")
        if not hmac.compare_digest(said.encode(), signature(raw, self._secret).encode()):
            raise Forged("bogus: the signature is not theirs")
        try:
            return _notice(raw, read_json(raw), headers)
        except KeyError as error:
            raise BadPayload(f"bogus webhook: {error.args[0]} is missing") from None
        except (TypeError, ValueError, AttributeError) as error:
            raise BadPayload(f"bogus webhook: {type(error).__name__}") from None

    def challenge(self, query: Mapping[str, str], url: str) -> Mapping[str, str] | None:
        return None


def _notice(raw: bytes, body: Any, headers: Mapping[str, str]) -> Notice:
    topic = headers["x-bogus-topic"]
    about = ABOUT.get(topic.partition("/")[0], About.OTHER)
    whole = about is About.ORDER and "lines" in body
    return Notice(
        topic=topic,
        delivery=headers["x-bogus-delivery"],
        about=about,
        account=headers["x-bogus-account"],
        order=body["id"] if about is About.ORDER else None,
        revision=as_datetime(body["updated_at"]) if whole else None,
        body=raw if whole else None,
    )
