"""Outgoing webhooks as Standard Webhooks has them (standardwebhooks.com, spec 1.0.0, seen 2026-11): what is signed and how, which id a
message bears, when one that failed is tried again, and when we stop. Pure."""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

SECRET = "whsec_"  # noqa: S105 - what every secret begins with
BYTES = 32
MINUTE, HOUR = 60.0, 3600.0
# How long we wait after so many failures in a row; then a day each time.
WAITS_S = (5.0, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR)
DAY_S = 24 * HOUR
GIVE_UP_S = 5 * DAY_S  # it failed for so long: a person must look
OVERLAP_S = DAY_S  # how long the old secret signs beside a new one


@dataclass(frozen=True, slots=True)
class Secret:
    """`until`: when it signs no more (microseconds); None: it is the one."""

    text: str
    until: int | None = None


def written(chance: bytes) -> str:
    """The secret as its receiver puts it into a library. `chance` is BYTES of randomness."""
    return SECRET + base64.b64encode(chance).decode()


def signatures(secrets: Iterable[Secret], message: str, at_s: int, body: bytes, now: int) -> str:
    """The header webhook-signature: one for each secret that holds, so that a receiver may change it when it likes."""
    signed = f"{message}.{at_s}.".encode() + body
    holding = [one for one in secrets if one.until is None or now < one.until]
    return " ".join(f"v1,{_sign(one.text, signed)}" for one in holding)


def _sign(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(SECRET))
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def renewed(known: Iterable[Secret], fresh: str, now: int) -> list[Secret]:
    """The secrets when a new one comes: the one before it signs for a day beside it."""
    old = next((Secret(one.text, now + int(OVERLAP_S * 1_000_000)) for one in known if one.until is None), None)
    return [Secret(fresh), *([old] if old else [])]


def message_of(event: int, at: int) -> str:
    """The id that a receiver knows an event by, the same at each try and at each hook. The moment is in it, since a restored backup may
    give an event's number again."""
    return f"evt_{event}_{at:x}"


def wait_s(failed: int, asked_s: float, jitter: float) -> float:
    """Seconds before the next try after `failed` in a row; longer where the receiver asked for it, never longer than a day."""
    step = WAITS_S[failed - 1] if 0 < failed <= len(WAITS_S) else DAY_S
    return min(max(step * (0.9 + 0.2 * jitter), asked_s), DAY_S)


def is_taken(status: int | None) -> bool:
    return status is not None and 200 <= status < 300


def gives_up(status: int | None, failing_s: float) -> str:
    """Why we stop trying; empty while we do not. 410 is the receiver's word for it."""
    if status == 410:
        return "its receiver said that it is gone"
    return "its receiver took nothing for five days" if failing_s >= GIVE_UP_S else ""


def says(type_: str, at: str, data: dict[str, Any]) -> dict[str, Any]:
    """What a message holds."""
    return {"type": type_, "timestamp": at, "data": data}
