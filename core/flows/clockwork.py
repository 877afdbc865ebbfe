"""What happens by the clock for each connection, how often, and when next."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from core.flows.intake import poll_every
from core.hub import Hub
from core.store.connections import CHANNEL, Connection

SHELVES = timedelta(hours=10)  # by then the day before is over everywhere in America
NIGHT = timedelta(hours=2)  # by then polls have read past midnight, in UTC


@dataclass(frozen=True, slots=True)
class Slot:
    """`kind` is asked for on this connection every `every`, `after` the even moment."""

    name: str
    kind: str
    connection: Connection
    every: timedelta
    after: timedelta = timedelta(0)


def slots(hub: Hub, known: Iterable[Connection]) -> list[Slot]:
    """The clockwork of all active connections: orders polled, listings read daily, those that moved hourly, days counted nightly, queues
    listened to; and of all others too: buyers forgotten in time, logins that end told of."""
    found = []
    for one in known:
        connector = hub.connectors.get(one.channel)
        if one.role == CHANNEL:
            found.append(Slot(f"erase {one.id}", "erase_expired", one, timedelta(days=1), NIGHT))
        found.append(Slot(f"login {one.id}", "check_login", one, timedelta(days=1)))
        if connector is None or one.state != "active":
            continue
        if connector.carrier:
            found.append(Slot(f"track {one.id}", "track_parcels", one, timedelta(minutes=10)))
            found.append(Slot(f"refunds {one.id}", "ask_refunds", one, timedelta(days=1), NIGHT))
            found.append(Slot(f"postage {one.id}", "post_postage", one, timedelta(hours=6), timedelta(minutes=50)))
            found.append(Slot(f"follow {one.id}", "follow_parcels", one, timedelta(hours=6)))
        if connector.ledger:
            found.append(Slot(f"ledger {one.id}", "read_ledger", one, timedelta(days=1), NIGHT))
            found.append(Slot(f"documents {one.id}", "gather_documents", one, timedelta(hours=1), timedelta(minutes=40)))
            found.append(Slot(f"changes {one.id}", "read_changes", one, timedelta(hours=6)))
        if one.role != CHANNEL:
            continue
        found.append(Slot(f"poll {one.id}", "poll_orders", one, poll_every(one, connector)))
        found.append(Slot(f"subscribe {one.id}", "subscribe", one, timedelta(days=1)))
        found.append(Slot(f"listings {one.id}", "read_listings", one, timedelta(days=1)))
        found.append(Slot(f"days {one.id}", "compare_days", one, timedelta(days=1), NIGHT))
        found.append(Slot(f"looks {one.id}", "compare_listings", one, timedelta(hours=1), timedelta(minutes=30)))
        found.append(Slot(f"costs {one.id}", "post_costs", one, timedelta(days=1), NIGHT))
        if connector.stores:
            found.append(Slot(f"stored {one.id}", "read_stored", one, timedelta(hours=1), timedelta(minutes=10)))
        if connector.shelves:
            found.append(Slot(f"shelves {one.id}", "read_shelves", one, timedelta(days=1), SHELVES))
        if connector.pays:
            found.append(Slot(f"payouts {one.id}", "read_payouts", one, timedelta(hours=1), timedelta(minutes=20)))
        if connector.scopes:
            found.append(Slot(f"scopes {one.id}", "read_scopes", one, timedelta(days=1)))
        if connector.queue and one.settings.get("queue_url"):
            found.append(Slot(f"listen {one.id}", "receive_notices", one, timedelta(seconds=30)))
    return found


def begin(now: int, slot: Slot) -> int:
    """When the slot that holds this moment began: a moment, so that slots of another length compare."""
    every, after = slot.every // timedelta(microseconds=1), slot.after // timedelta(microseconds=1)
    return now - (now - after) % every


def next_at(now: int, slot: Slot) -> int:
    """When it begins next (microseconds)."""
    return begin(now, slot) + slot.every // timedelta(microseconds=1)
