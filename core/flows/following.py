"""Carriers that push where parcels are: they are asked to, asked anew before that ends, and what they push is a hint: the parcel is asked
for, as it is by the clock, only sooner. What they do not take, and all of them where no push comes, is asked for by the clock alone."""

from typing import Any

from core.domain.tasks import Claim
from core.hub import Hub
from core.ports import Notice, TellsTracks
from core.store import inbox, parcels
from core.store.connections import Connection

DAY_US = 86_400_000_000
HOLDS_US, RENEWED_US, RETRY_US = 14 * DAY_US, 2 * DAY_US, DAY_US  # UPS's Track Alert holds 14 days (developer.ups.com, seen 2026-11)
MOST = 100  # numbers that UPS takes at once
PARCEL = "!parcel"  # under which notices about parcels wait in the inbox: they are about no order


def follow_parcels(hub: Hub, claim: Claim) -> None:
    """Have a carrier push what becomes of the parcels that are on their way with it; asks for itself again while there are more. Asked
    twice a carrier pushes once."""
    account, merchant = hub.connection(claim.connection), claim.merchant
    carrier = hub.carrier(account)
    if not isinstance(carrier, TellsTracks) or not hub.public_url:
        return
    with hub.database.read() as db:
        due = parcels.to_follow(db, merchant, account.id, hub.now, MOST)
    numbers = sorted({row.tracking for row in due})
    taken = set(carrier.follow_parcels(numbers, f"{hub.public_url}/webhooks/{account.channel}")) if numbers else set()
    with hub.unit(claim) as work:
        parcels.followed(work.db, [_followed(row, work.now, taken=row.tracking in taken) for row in due])
        if len(due) == MOST:
            work.ask(merchant, "follow_parcels", account.id, account.id)


def _followed(row: Any, now: int, *, taken: bool) -> dict[str, Any]:
    """One that was not taken is offered again tomorrow."""
    if taken:
        return {"id": row.id, "until": now + HOLDS_US, "at": now + HOLDS_US - RENEWED_US}
    return {"id": row.id, "until": None, "at": now + RETRY_US}


def row_of(connection: Connection, notice: Notice, now: int) -> dict[str, Any]:
    """A notice about a parcel as an inbox row: nothing that it says is kept, since the carrier is asked."""
    return {
        "merchant": connection.merchant, "connection": connection.id, "delivery": notice.delivery, "topic": notice.topic,
        "ref": ref_of(connection.id, notice.parcel), "revision": None, "read_at": None, "received_at": now, "body": None,
    }  # fmt: skip


def ref_of(connection: str, number: str) -> str:
    return f"{connection}/{PARCEL} {number}"


def hear_of_parcels(hub: Hub, claim: Claim) -> None:
    """Their carrier is asked now where these parcels are; one that arrived is left alone."""
    merchant, connection = claim.merchant, claim.connection
    with hub.database.read() as db:
        kept = inbox.waiting(db, merchant, claim.subjects, hub.box(merchant))
    with hub.unit(claim) as work:
        numbers = [subject.partition(f"/{PARCEL} ")[2] for subject in claim.subjects]
        if parcels.look_now(work.db, merchant, sorted(set(numbers)), work.now):
            work.ask(merchant, "track_parcels", connection, connection)
        inbox.close(work.db, dict.fromkeys((one.id for one in kept), "hint"), work.now)
