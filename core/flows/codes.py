"""The second factor: codes by time (RFC 6238: 30 seconds, six digits), and a handful that work once where the telephone is gone."""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass

import msgspec
import pyotp
from sqlalchemy import Connection

from core.hub import Hub
from core.store import people
from core.store.people import User

STEP_US = 30_000_000
RECOVERY = 8
ISSUER = "Crossdock"


@dataclass(frozen=True, slots=True, repr=False)
class Factor:
    """`recovery` are hashes of codes that are not used yet."""

    secret: str
    recovery: list[str]


_read = msgspec.json.Decoder(Factor).decode


def new_secret() -> str:
    return pyotp.random_base32()


def address(secret: str, email: str) -> str:
    """What an authenticator reads from the picture."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=ISSUER)


def step_of(secret: str, code: str, now: int) -> int | None:
    """The step whose code this is: now's, or one before or after, for clocks differ. None: of none."""
    said, step = code.replace(" ", "").encode("utf-8", "replace"), now // STEP_US
    at = pyotp.TOTP(secret).generate_otp
    return next((one for one in (step, step - 1, step + 1) if hmac.compare_digest(at(one).encode(), said)), None)


def put_on(db: Connection, hub: Hub, user: User, secret: str) -> list[str] | None:
    """Give somebody a second factor; gives the recovery codes, which nobody can show again. None: they have one by now."""
    codes = [base64.b32encode(secrets.token_bytes(10)).decode().lower() for _ in range(RECOVERY)]
    return codes if people.set_totp(db, user.id, _sealed(hub, user, Factor(secret, [_hash(code) for code in codes])), user.totp) else None


def is_right(db: Connection, hub: Hub, user: User, code: str) -> bool:
    """Whether it is the second factor of somebody who has one; a code that was right is used up by it."""
    factor, now = _opened(hub, user), hub.now
    if (step := step_of(factor.secret, code, now)) is not None:
        return people.use_step(db, user.id, step)
    return _is_recovery(db, hub, user, factor, _hash(code.strip().lower().replace("-", "").replace(" ", "")))


def _is_recovery(db: Connection, hub: Hub, user: User, factor: Factor, said: str) -> bool:
    left = [one for one in factor.recovery if not hmac.compare_digest(one, said)]
    if len(left) == len(factor.recovery):
        return False
    return people.set_totp(db, user.id, _sealed(hub, user, Factor(factor.secret, left)), user.totp)


def left(hub: Hub, user: User) -> int:
    """How many recovery codes are not used."""
    return len(_opened(hub, user).recovery) if user.totp else 0


def _hash(code: str) -> str:
    return hashlib.sha256(code.encode("utf-8", "replace")).hexdigest()  # 80 bits of chance need no slow hash


def _sealed(hub: Hub, user: User, factor: Factor) -> str:
    return hub.vault.open(user.id, user.data_key).seal_text(_place(user), msgspec.json.encode(factor))


def _opened(hub: Hub, user: User) -> Factor:
    return _read(hub.vault.open(user.id, user.data_key).open_text(_place(user), user.totp or ""))


def _place(user: User) -> str:
    return f"users|totp|{user.id}"
