"""What must not be read from a stolen disk: AES-256-GCM under a data key per merchant, itself wrapped by a key of the ring.

Erasing a merchant's wrapped key erases the merchant. Each ciphertext is bound to its merchant, table, column and row,
so it cannot be moved to another place.
"""

import base64
import hashlib
import hmac
import os
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE = 12


class Unreadable(Exception):
    """The ciphertext does not belong here, or its key is gone."""


class Vault:
    """`ring` maps key ids to 32-byte keys, newest last: that one wraps, all of them unwrap."""

    def __init__(self, ring: Mapping[str, bytes]) -> None:
        self._ring = {name: AESGCM(key) for name, key in ring.items()}
        self._newest = next(reversed(self._ring))
        self._roots = [hashlib.blake2b(key, person=b"crossdock-root").digest() for key in reversed(list(ring.values()))]
        self._keys: dict[str, tuple[AESGCM, bytes]] = {}

    def derive(self, purpose: str) -> list[bytes]:
        """Keys for this purpose alone, the same in every process: the newest first, which signs; all of them check."""
        return [hmac.digest(root, purpose.encode(), "sha256") for root in self._roots]

    def mark(self, purpose: str, text: str) -> str:
        """What nobody else can say of this text."""
        return hmac.new(self.derive(purpose)[0], text.encode(), "sha256").hexdigest()

    def is_mark(self, purpose: str, text: str, mark: str) -> bool:
        said = mark.encode("utf-8", "replace")
        return any(hmac.compare_digest(hmac.new(key, text.encode(), "sha256").hexdigest().encode(), said) for key in self.derive(purpose))

    def sign(self, purpose: str, text: str) -> str:
        """The text with our mark, for `signed` with the same purpose."""
        return f"{text}.{self.mark(purpose, text)}"

    def signed(self, purpose: str, said: str) -> str | None:
        """The text that we signed; None for anything else."""
        text, _, mark = said.encode("utf-8", "replace").decode().rpartition(".")
        return text if text and self.is_mark(purpose, text, mark) else None

    def new_key(self, merchant: str) -> str:
        """A fresh data key for the merchant, wrapped: "id:base64"."""
        nonce, key = os.urandom(NONCE), AESGCM.generate_key(256)
        wrapped = self._ring[self._newest].encrypt(nonce, key, merchant.encode())
        return f"{self._newest}:{base64.b64encode(nonce + wrapped).decode()}"

    def open(self, merchant: str, wrapped: str) -> "Box":
        """The merchant's box. Raises Unreadable where the ring no longer holds its key."""
        known = self._keys.get(wrapped)
        if known is None:
            known = self._keys[wrapped] = self._unwrap(merchant, wrapped)
        return Box(merchant, *known)

    def _unwrap(self, merchant: str, wrapped: str) -> tuple[AESGCM, bytes]:
        name, _, data = wrapped.partition(":")
        if name not in self._ring:
            raise Unreadable(f"the key ring has no key {name}")
        try:
            raw = base64.b64decode(data)
            key = self._ring[name].decrypt(raw[:NONCE], raw[NONCE:], merchant.encode())
        except (InvalidTag, ValueError):  # not theirs, or cut short
            raise Unreadable("this merchant's data key does not open") from None
        return AESGCM(key), hashlib.blake2b(key, person=b"crossdock-index").digest()


class Box:
    """Seals and opens one merchant's values. `place` is "table|column|row"."""

    def __init__(self, merchant: str, cipher: AESGCM, index_key: bytes) -> None:
        self._merchant = merchant.encode() + b"|"
        self._cipher = cipher
        self._index = hashlib.blake2b(key=index_key, digest_size=8)

    def seal(self, place: str, value: bytes) -> bytes:
        nonce = os.urandom(NONCE)
        return nonce + self._cipher.encrypt(nonce, value, self._merchant + place.encode())

    def open(self, place: str, sealed: bytes) -> bytes:
        """Raises Unreadable when it was sealed for another place or by another key."""
        try:
            return self._cipher.decrypt(sealed[:NONCE], sealed[NONCE:], self._merchant + place.encode())
        except (InvalidTag, ValueError):
            raise Unreadable(place.split("|")[0]) from None

    def seal_text(self, place: str, value: bytes) -> str:
        return base64.b64encode(self.seal(place, value)).decode()

    def open_text(self, place: str, sealed: str) -> bytes:
        return self.open(place, base64.b64decode(sealed))

    def index(self, word: str) -> int:
        """A keyed hash (64 bits, signed) by which a word can be found without being stored."""
        mark = self._index.copy()
        mark.update(word.encode("utf-8", "replace"))
        return int.from_bytes(mark.digest(), signed=True)
