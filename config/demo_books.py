"""The books of the rehearsal: sales, fees and payouts are booked, matched and written into simulated ledgers; a planted break is found."""

import time
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from core.domain.who import COMMAND_LINE
from core.flows import accounts, books, posting
from core.hub import Hub
from core.store import connections, documents, tasks
from core.store.connections import Connection

if TYPE_CHECKING:
    from config.demo import Stage

PLANTED = "shopify"  # where one order's money comes a cent short
KINDS = ("fetch_orders", "take_orders", "post_entries", "read_payouts", "read_payout", "read_unpaid", "book_payout", "read_ledger",
         "gather_documents", "post_document", "judge_books")  # fmt: skip
FIRST = timedelta(days=60)  # so long before today the books begin


def play(stage: "Stage", parked: Collection[str]) -> dict[str, Any]:
    """Keep books, have every channel pay out, write all of it into the ledgers; gives what came of it, `ok` where that is right. Orders
    that are `parked`, by their refs, cannot be read: their money is a break that is foreseen."""
    hub, merchant = stage.hub, stage.merchant.id
    first = hub.clock().date() - FIRST
    books.begin(hub, merchant, first, COMMAND_LINE)
    _rest(stage)
    paying = {name: one for name, one in stage.by_channel.items() if hub.connectors[name].pays}
    planted = _pay_out(stage, paying)
    for one in paying.values():
        _ask(hub, one, "read_payouts")
    _rest(stage)
    for one in stage.ledgers.values():
        posting.choose(hub, merchant, hub.connection(one.id), COMMAND_LINE, starts=first, chosen={}, at_once=True)
    _rest(stage)
    for one in stage.ledgers.values():
        _map(hub, hub.connection(one.id))
    _rest(stage)
    return _examine(stage, planted, parked)


def _rest(stage: "Stage") -> None:
    """Waits until nothing of the books is under way, and still is not a little later. Raises TimeoutError."""
    end, quiet = time.monotonic() + stage.patience_s, 0
    while quiet < 2:
        with stage.hub.database.read() as db:
            known = tasks.listed(db, stage.merchant.id, most=1000)
        working = sorted({one.kind for one in known if one.kind in KINDS and one.state in ("due", "running")})
        if working and time.monotonic() > end:
            raise TimeoutError(f"the books do not come to rest: {', '.join(working)}")
        quiet = 0 if working else quiet + 1
        time.sleep(0.3)


def _ask(hub: Hub, one: Connection, kind: str) -> None:
    with hub.unit() as work:
        work.ask(one.merchant, kind, one.id, one.id)


def _pay_out(stage: "Stage", paying: Mapping[str, Connection]) -> list[str]:
    """Every channel pays out what stands; at one of them a cent is missing. Gives the orders that it is missing of."""
    found = []
    for name in paying:
        wish = {"plant": "cent"} if name == PLANTED and not stage.hand.get(name, "payouts") else {}
        paid = stage.hand.post(name, "payouts", wish)
        found += [one["planted"]["order"] for one in paid if one.get("planted")]
    return found


def _map(hub: Hub, one: Connection) -> None:
    """What entries wait for since the chart has no likely account for it goes to the first account of costs."""
    with hub.unit() as work:
        shelf = posting.look(hub, work.db, one)
        spare = next((known.id for known in shelf.accounts if known.active and known.journals and known.sort in posting.SPARE), "")
    if spare:
        posting.map_accounts(hub, one.merchant, one, COMMAND_LINE, dict.fromkeys(shelf.missing, spare))


def _examine(stage: "Stage", planted: list[str], parked: Collection[str]) -> dict[str, Any]:
    hub, merchant = stage.hub, stage.merchant.id
    today = hub.clock().date()
    with hub.database.read() as db:
        look = accounts.look(hub, db, merchant)
        found = accounts.certificate(hub, db, merchant, today - FIRST, today)
        written = documents.counts(db, merchant)
        names = {one.id: one.channel for one in connections.all_of(db, merchant)}
    breaks = [
        {"channel": names.get(one.item.connection, ""), "cause": one.cause.value, "open": one.item.open.text()}
        for one in found.found
        if one.is_break and one.item.item not in parked
    ]
    residue = {currency: one.text() for currency, one in found.residue.items()}
    there = {name: len([one for one in stage.hand.get(name, "documents") if not one["gone"]]) for name in stage.ledgers}
    ok = all(not one.minor for one in found.residue.values()) and len(breaks) == len(planted) and all(there.values())
    return {
        "entries": sum(look.counts.values()) if look else 0, "waiting": dict(look.waiting) if look else {}, "breaks": breaks,
        "planted": len(planted), "awaited": look.awaited if look else 0, "residue": residue, "documents": written, "there": there,
        "ok": ok,
    }  # fmt: skip


def words(report: Mapping[str, Any]) -> str:
    """The report in a line."""
    there = ", ".join(f"{count} documents in {name}" for name, count in report["there"].items())
    left = ", ".join(f"{amount} {currency}" for currency, amount in report["residue"].items())
    return f"{report['entries']} entries, {there}; {len(report['breaks'])} of {report['planted']} planted breaks found; residue {left}"
