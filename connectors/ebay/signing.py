"""Digital signatures of a seller domiciled in the EU or the UK: RFC 9421 as eBay uses it (developer.ebay.com, Digital signatures for APIs,
read 2026-11). Pure but for the keys' own mathematics.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_der_private_key

from core.errors import BadPayload

CIPHER = "ED25519"
KEY, JWE, ENDS = "signing_key", "signing_jwe", "signing_until"  # how a connection's secrets name them
EARLY = timedelta(days=30)  # a key lives three years; a new one is asked for that long before
BODY, COMMON = "content-digest", ("x-ebay-signature-key", "@method", "@path", "@authority")
# Sites of countries whose sellers must sign: the EU and the United Kingdom.
SIGNING = frozenset(f"EBAY_{country}" for country in ("GB", "DE", "FR", "IT", "ES", "AT", "BE", "IE", "NL", "PL", "SE", "DK"))
MISSING = "215001"  # eBay: a signature is wanted, and there is none


@dataclass(frozen=True, slots=True, repr=False)
class Signer:
    """One seller's key. `jwe` is the public half as eBay sealed it, which goes with each call."""

    private: Ed25519PrivateKey
    jwe: str
    until: datetime

    def holds(self, now: datetime) -> bool:
        return now < self.until - EARLY

    def headers(self, method: str, url: str, body: bytes | None, now: datetime) -> dict[str, str]:
        """What is added to a call, whose body these very bytes must be."""
        digest = {} if body is None else {BODY: content_digest(body)}
        names = (*digest, *COMMON)
        target = urlsplit(url)
        parts = {**digest, COMMON[0]: self.jwe, "@method": method.upper(), "@path": target.path, "@authority": target.netloc.lower()}
        params = parameters(names, f"created={int(now.timestamp())}")
        signed = base64.b64encode(self.private.sign(base(names, parts, params))).decode()
        said = {"x-ebay-signature-key": self.jwe, "Signature-Input": f"sig1={params}", "Signature": f"sig1=:{signed}:"}
        return {**said, "Content-Digest": digest[BODY]} if digest else said


def content_digest(body: bytes) -> str:
    return f"sha-256=:{base64.b64encode(sha256(body).digest()).decode()}:"


def parameters(names: Sequence[str], rest: str) -> str:
    quoted = " ".join(f'"{name}"' for name in names)
    return f"({quoted});{rest}"


def base(names: Sequence[str], parts: Mapping[str, str], params: str) -> bytes:
    """The signature base (RFC 9421, 2.5): a line for each component in order, then the parameters, without a last line break."""
    lines = [f'"{name}": {parts[name]}' for name in names]
    return "\n".join([*lines, f'"@signature-params": {params}']).encode()


def signer(login: Mapping[str, str]) -> Signer | None:
    """The key among a connection's secrets; None where there is none, or none that can be read."""
    try:
        return Signer(private_key(login[KEY]), login[JWE], datetime.fromisoformat(login[ENDS]))
    except (KeyError, ValueError, TypeError):
        return None


def private_key(text: str) -> Ed25519PrivateKey:
    """eBay gives PKCS 8 in Base64, with the lines of PEM around it or without. Raises ValueError."""
    bare = "".join(line for line in text.split("\n") if not line.startswith("-----"))
    try:
        key = load_der_private_key(base64.b64decode(bare, validate=False), None)
    except (binascii.Error, UnsupportedAlgorithm, TypeError):
        raise ValueError("not a private key") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("not an Ed25519 key")
    return key


def made(said: Mapping[str, Any]) -> dict[str, str]:
    """What createSigningKey answered, as a connection's secrets keep it. Raises BadPayload, which names no value."""
    try:
        private_key(said["privateKey"])
        ends = datetime.fromtimestamp(int(said["expirationTime"]), UTC)
        return {KEY: said["privateKey"], JWE: _text(said["jwe"]), ENDS: ends.isoformat()}
    except (KeyError, ValueError, TypeError, AttributeError, OverflowError, OSError):
        raise BadPayload("ebay signing key: privateKey, jwe or expirationTime cannot be read") from None


def _text(value: object) -> str:
    if not isinstance(value, str) or not value or not value.isascii():
        raise ValueError("not text")
    return value
