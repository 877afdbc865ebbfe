"""What is told to whom, and when: at once what cannot wait, the rest in the morning. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from core.domain.causes import LOUD
from core.domain.later import N_
from core.domain.order import PaymentStatus
from core.domain.roles import Role

SECOND = 1_000_000
QUIET = 15 * 60 * SECOND  # after a cause was told, what else it brings is gathered for so long
MORNING = range(8, 12)  # hours of the merchant's clock in which the digest is written
SHOWN = 20  # things that a letter names
PAID = {PaymentStatus.PAID, PaymentStatus.PARTIALLY_PAID, PaymentStatus.PARTIALLY_REFUNDED}  # whose buyer waits for goods
TOLD_MENDED = ("login", "unread")  # of these people wait to hear that they are over

# What a role is told until its member says otherwise.
USUAL: Mapping[str, frozenset[str]] = {
    Role.OWNER: frozenset(LOUD),
    Role.MANAGER: frozenset(LOUD),
    Role.PACKER: frozenset({"oversold", "late"}),
}
DAILY = (Role.OWNER, Role.MANAGER)


@dataclass(frozen=True, slots=True)
class Choice:
    """What one member wants to be told: these causes at once, a digest in the morning; by mail, and by a call of `hook` where there is
    one."""

    now: frozenset[str] = field(default_factory=frozenset)
    digest: bool = False
    mail: bool = True
    hook: str = ""


def choice(said: Mapping[str, Any], role: str) -> Choice:
    """From what is kept of it; what a member never said is what their role is usually told."""
    now = said.get("now")
    return Choice(
        now=USUAL.get(role, frozenset()) if now is None else frozenset(now) & set(LOUD),
        digest=bool(said.get("digest", role in DAILY)),
        mail=bool(said.get("mail", True)),
        hook=str(said.get("hook", "")),
    )


def kept(one: Choice) -> dict[str, Any]:
    """As it is kept."""
    return {"now": sorted(one.now), "digest": one.digest, "mail": one.mail, "hook": one.hook}


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that cannot wait: `name` and `detail` say what, `told_at` when somebody was told (None: nobody yet)."""

    cause: str
    subject: str
    name: str
    detail: str = ""
    id: int = 0
    told_at: int | None = None


def next_morning(now: datetime, zone: ZoneInfo) -> datetime:
    """When the digest is written next, unless it is being written now: the first hour of a morning on the merchant's clock."""
    local = now.astimezone(zone)
    ahead = local.hour >= MORNING.start
    return datetime.combine(local.date() + timedelta(days=ahead), time(MORNING.start), zone).astimezone(UTC)


def due(untold: Iterable[Alert], last_told: Mapping[str, int], now: int) -> list[Alert]:
    """Those that are told now: a cause is told at once, and what follows is gathered for a while."""
    return [one for one in untold if last_told.get(one.cause, 0) <= now - QUIET]


def wanted(alerts: Iterable[Alert], one: Choice) -> list[Alert]:
    return [alert for alert in alerts if alert.cause in one.now]


def ways(one: Choice) -> list[str]:
    return [way for way, has in (("mail", one.mail), ("hook", bool(one.hook))) if has]


def by_cause(alerts: Iterable[Alert]) -> dict[str, list[Alert]]:
    found: dict[str, list[Alert]] = {}
    for one in alerts:
        found.setdefault(one.cause, []).append(one)
    return found


def is_paid(status: PaymentStatus | str) -> bool:
    return status in PAID


TITLES = {
    "alert": N_("%(merchant)s needs you: %(what)s"),
    "mended": N_("%(merchant)s: it is mended"),
    "digest": N_("%(merchant)s, this morning"),
    "test": N_("%(merchant)s: a message to try it"),
}
WORDS = {
    "more": N_("and %(count)s more"),
    "mended": N_("It is over: %(what)s"),
    "yesterday": N_("Yesterday:"),
    "nothing came in": N_("No orders came in."),
    "needs": N_("Needs attention:"),
    "nothing needs": N_("Nothing needs attention."),
    "test": N_("If you read this, messages reach you."),
    "choose": N_("What you are told you choose at %(address)s"),
    "see": N_("See %(address)s"),
}
