"""API keys: how they look and how they are kept. Pure. A key is 256 bits of chance, so a plain hash of it gives nothing away."""

import base64
import hashlib
import re

PREFIX = "cdk_"
BYTES = 32
SHAPE = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}")


def written(chance: bytes) -> str:
    """The key that its owner sees once. `chance` is BYTES of randomness."""
    return PREFIX + base64.urlsafe_b64encode(chance).decode().rstrip("=")


def digest(key: str) -> str:
    """What is kept of it."""
    return hashlib.sha256(key.encode()).hexdigest()


def looks_like_one(text: str) -> bool:
    return SHAPE.fullmatch(text) is not None
