"""The books at a glance: each channel with what does not meet, what is awaited and its next payout; each ledger with what is written."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.domain import charts
from core.domain.payouts import Paid
from core.flows.accounts import Look
from core.store.documents import Standing
from core.store.payouts import Known

COMING = (Paid.OPEN, Paid.SCHEDULED, Paid.ON_ITS_WAY)


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel: its breaks, the newest payout that came, and the next that it told of."""

    connection: str
    label: str
    breaks: int
    last: Known | None
    coming: Known | None


@dataclass(frozen=True, slots=True)
class Ledger:
    """A ledger, and the widths of its parts in a picture of charts.WIDTH: written, about to be, blocked."""

    standing: Standing
    widths: Sequence[tuple[int, int]]

    @property
    def is_still(self) -> bool:
        """Nothing of it is, or was lately, under way."""
        return not any(width for _, width in self.widths)


def channels(look: Look) -> list[Channel]:
    """Each channel, by its name."""
    return [_channel(look, id, look.names[id]) for id in sorted(look.names, key=lambda id: (look.names[id], id))]


def _channel(look: Look, id: str, label: str) -> Channel:
    own = [one for one in look.payouts if one.connection == id]
    coming = [one for one in own if one.payout.state in COMING]
    last = next((one for one in own if one.payout.state is Paid.PAID), None)
    breaks = sum(one.item.connection == id for one in look.breaks)
    return Channel(id, label, breaks, last, min(coming, key=lambda one: one.payout.at, default=None))


def ledgers(look: Look) -> list[Ledger]:
    """Each ledger, by its name."""
    return [Ledger(one, charts.shares(_parts(one))) for one in look.ledgers]


def _parts(one: Standing) -> tuple[int, int, int]:
    return (one.posted, one.waiting + one.entries, sum(one.blocked.values()))
