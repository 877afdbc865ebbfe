"""The door for eBay's notifications: ECDSA signatures, the challenge, and what each topic is about."""

import base64
import binascii
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Protocol

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm
from cryptography.hazmat.primitives.serialization import load_der_public_key

from connectors.http import as_datetime, read_json, write_json
from core.errors import BadPayload, Forged, RateLimited, Retryable
from core.ports import About, Demand, Kit, Notice, Wanted

ABOUT = {
    "MARKETPLACE_ACCOUNT_DELETION": About.COMPLIANCE,
    "AUTHORIZATION_REVOCATION": About.ACCESS,
    "ORDER_CONFIRMATION": About.ORDER,
    "ITEM_MARKED_SHIPPED": About.ORDER,
    "ORDER_CANCELLATION_ACTIVITY": About.ORDER,
}
DIGESTS: dict[str, type[HashAlgorithm]] = {"SHA1": SHA1, "SHA256": SHA256}
BEGIN, END = "-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----"
SIZE = 4096  # bytes of a header that may be a signature


class Keys(Protocol):
    def public_key(self, kid: str) -> Mapping[str, Any] | None: ...


class EbayWebhooks:
    """Remembers public keys by id, unknown ones too; asks for unknown ones a few times a minute at most."""

    def __init__(self, kit: Kit, keys: Keys) -> None:
        self._kit = kit
        self._keys = keys
        self._known: dict[str, tuple[datetime, EllipticCurvePublicKey | None]] = {}
        self._asked: deque[datetime] = deque(maxlen=int(kit.settings["key_fetches_a_minute"]))

    def notice(self, raw: bytes, headers: Mapping[str, str], path: str) -> Notice:
        signature, digest, kid = _signature(headers.get("x-ebay-signature", ""))
        key = self._key(kid)
        if key is None or not _holds(key, signature, digest, raw):
            raise Forged("ebay notification: the signature does not hold")
        return _notice(raw)

    def challenge(self, query: Mapping[str, str], url: str) -> Mapping[str, str] | None:
        """eBay hashes code, token and the address exactly as it is registered, in that order."""
        code = query.get("challenge_code")
        if not code:
            return None
        text = code + self._kit.app["verification_token"] + (self._kit.settings["endpoint_url"] or url)
        return {"challengeResponse": sha256(text.encode()).hexdigest()}

    def _key(self, kid: str) -> EllipticCurvePublicKey | None:
        now = self._kit.clock()
        until, key = self._known.get(kid, (now, None))
        if until > now:
            return key
        self._may_ask(now)
        return self._remember(kid, now)

    def _may_ask(self, now: datetime) -> None:
        """Anybody may invent key ids: they must not spend our calls."""
        if len(self._asked) == self._asked.maxlen and now - self._asked[0] < timedelta(minutes=1):
            raise RateLimited("ebay notification: too many unknown keys", wait_s=60.0)
        self._asked.append(now)

    def _remember(self, kid: str, now: datetime) -> EllipticCurvePublicKey | None:
        if len(self._known) > 1000:
            self._known.clear()
        settings = self._kit.settings
        try:
            key = _public_key(self._keys.public_key(kid))
        except Retryable:
            self._known[kid] = (now + timedelta(seconds=5), None)  # do not wait for eBay again at once
            raise
        age = float(settings["key_age_s"] if key else settings["unknown_key_age_s"])
        self._known[kid] = (now + timedelta(seconds=age), key)
        return key


def _signature(header: str) -> tuple[bytes, HashAlgorithm, str]:
    """(signature, digest, key id) of the header: base64 of {alg, kid, signature, digest}. Whatever is none raises Forged, without why: the
    caller may be anybody."""
    with suppress(BadPayload, binascii.Error, KeyError, TypeError, ValueError, AttributeError):
        if len(header) > SIZE:
            raise Forged("ebay notification: no signature of eBay's")
        said = read_json(base64.b64decode(header, validate=True))
        signature, digest, kid = base64.b64decode(said["signature"], validate=True), DIGESTS[said["digest"]](), said["kid"]
        if said["alg"].lower() == "ecdsa" and 0 < len(kid) <= 64 and kid.isascii() and kid.replace("-", "").isalnum():
            return signature, digest, kid
    raise Forged("ebay notification: no signature of eBay's")


def _public_key(said: Mapping[str, Any] | None) -> EllipticCurvePublicKey | None:
    """eBay gives PEM on one line; between its marks lies base64 of the key."""
    try:
        text = str((said or {})["key"]).replace(BEGIN, "").replace(END, "")
        key = load_der_public_key(base64.b64decode("".join(text.split())))
    except (KeyError, ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, EllipticCurvePublicKey) else None


def _holds(key: EllipticCurvePublicKey, signature: bytes, digest: HashAlgorithm, raw: bytes) -> bool:
    """Over the raw bytes, else over the same JSON written compactly, which is what eBay's own SDK signs (2026-11)."""
    return _verifies(key, signature, digest, raw) or _verifies(key, signature, digest, _compact(raw))


def _verifies(key: EllipticCurvePublicKey, signature: bytes, digest: HashAlgorithm, raw: bytes) -> bool:
    try:
        key.verify(signature, raw, ECDSA(digest))
    except InvalidSignature:
        return False
    return True


def _compact(raw: bytes) -> bytes:
    try:
        return write_json(read_json(raw))
    except BadPayload:
        return raw


def _notice(raw: bytes) -> Notice:
    said = read_json(raw)
    try:
        topic, sent = said["metadata"]["topic"], said["notification"]
        delivery, data = sent["notificationId"], sent.get("data") or {}
        if not (isinstance(topic, str) and isinstance(delivery, str)):
            raise TypeError
        about, order, account = ABOUT.get(topic, About.OTHER), _order_id(data), _account(data)
    except (KeyError, TypeError, AttributeError):
        raise BadPayload("ebay notification: topic or notificationId: missing") from None
    if about is About.ORDER and order is None:
        about = About.OTHER  # ITEM_MARKED_SHIPPED may name the item alone: the next poll sees the order
    if about is About.COMPLIANCE:  # names a buyer, whom any seller may have sold to
        return Notice(topic, delivery, about, demand=Demand(Wanted.REDACT, person=account, request=delivery))
    return Notice(topic, delivery, about, account, order, revision=_moment(sent.get("eventDate")) if about is About.ACCESS else None)


def _moment(said: Any) -> datetime | None:
    try:
        return as_datetime(said)
    except (ValueError, TypeError):
        return None


def _parts(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The payload and what lies one level inside: topics nest the same facts under names of their own (seen 2026-08)."""
    return [data, *(part for part in data.values() if isinstance(part, Mapping))]


def _order_id(data: Mapping[str, Any]) -> str | None:
    return next((str(part["orderId"]) for part in _parts(data) if isinstance(part.get("orderId"), str) and part["orderId"]), None)


def _account(data: Mapping[str, Any]) -> str:
    """The seller whom it concerns, by name."""
    return next((part["username"] for part in _parts(data) if isinstance(part.get("username"), str)), "")
