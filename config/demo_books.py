"""The books of the rehearsal: sales, fees and payouts are booked, matched and written into simulated ledgers; a planted break is found."""

import time
from collections.abc import Callable, Collection, Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection as Db

from config import demo_keeper
from core.domain.documents import Mode
from core.domain.ledgers import DocKind
from core.domain.money import Money
from core.domain.who import COMMAND_LINE
from core.flows import accounts, doctor, posting
from core.hub import Hub
from core.store import connections, documents, tasks
from core.store.connections import Connection
from core.store.sql import run as sql

if TYPE_CHECKING:
    from config.demo import Stage

SHOP = demo_keeper.SHOP  # where one order's money comes a cent short, and whose orders are documents of their own
SINGLE = "quickbooks"  # in this ledger
KINDS = ("fetch_orders", "take_orders", "post_entries", "read_payouts", "read_payout", "read_unpaid", "book_payout", "read_ledger",
         "gather_documents", "post_document", "judge_books", "post_costs", "post_postage",
         "read_shelves", "book_shelves")  # fmt: skip
FIRST = timedelta(days=60)  # so long before today the books begin


def play(stage: "Stage", parked: Collection[str]) -> dict[str, Any]:
    """Keep books as a bookkeeper would, have every channel pay out, write all of it into the ledgers; gives what came of it, `ok` where
    that is right. Orders that are `parked`, by their refs, cannot be read: their money is a break that is foreseen."""
    first = demo_keeper.begin(stage, stage.hub.clock().date() - FIRST)
    demo_keeper.sell(stage)
    _rest(stage, lambda: demo_keeper.has_sold(stage))
    _pay_out(stage)
    corrected, left = demo_keeper.bill(stage), demo_keeper.price(stage)
    demo_keeper.settle(stage)
    demo_keeper.rate(stage)
    _rest(stage)
    demo_keeper.close(stage)
    _write(stage, first)
    report = _examine(stage, first, parked) | {"corrected": corrected, "left_without_cost": left}
    return report | {"ok": not (wrong := _wrong(report)), "wrong": wrong}


def _write(stage: "Stage", first: date) -> None:
    """Into every ledger: one of them has documents for each order of the shop, else journals a day or a payout."""
    hub, merchant = stage.hub, stage.merchant.id
    for name, one in stage.ledgers.items():
        chosen = {stage.by_channel[SHOP].id: Mode.PER_ORDER.value} if name == SINGLE else {}
        posting.choose(hub, merchant, hub.connection(one.id), COMMAND_LINE, starts=first, chosen=chosen, at_once=True)
    _rest(stage)
    for one in stage.ledgers.values():
        _map(hub, hub.connection(one.id))
    _rest(stage)


def _rest(stage: "Stage", ready: Callable[[], bool] = lambda: True) -> None:
    """Waits until nothing of the books is under way and all is `ready`, and still is so a little later. Raises TimeoutError."""
    end, quiet = time.monotonic() + stage.patience_s, 0
    while quiet < 2:
        working = _working(stage) or ([] if ready() else ["orders to be booked"])
        if working and time.monotonic() > end:
            raise TimeoutError(f"the books do not come to rest: {', '.join(working)}")
        quiet = 0 if working else quiet + 1
        time.sleep(0.3)


def _working(stage: "Stage") -> list[str]:
    """What of the books is under way."""
    with stage.hub.database.read() as db:
        known = tasks.listed(db, stage.merchant.id, most=1000)
    return sorted({one.kind for one in known if one.kind in KINDS and one.state in ("due", "running")})


def _ask(hub: Hub, one: Connection, kind: str) -> None:
    with hub.unit() as work:
        work.ask(one.merchant, kind, one.id, one.id)


def _pay_out(stage: "Stage") -> None:
    """Every channel pays out what stands; at one of them a cent is missing once, where anything was paid there that is not paid out."""
    paying = {name: one for name, one in stage.by_channel.items() if stage.hub.connectors[name].pays}
    for name, one in paying.items():
        plant = name == SHOP and not _planted(stage)
        stage.hand.post(name, "payouts", {"plant": "cent", "among": _unsettled(stage, one)} if plant else {})
        _ask(stage.hub, one, "read_payouts")
    _rest(stage)


def _unsettled(stage: "Stage", one: Connection) -> list[str]:
    """Orders that are booked, and of whose money nothing came yet."""
    query = "select item from items where merchant = :merchant and connection = :connection and paid > 0 and repaid = 0 and settled = 0"
    with stage.hub.database.read() as db:
        return [row.item.partition("/")[2] for row in sql(db, query, merchant=one.merchant, connection=one.id)]


def _planted(stage: "Stage") -> list[str]:
    """Orders whose money came a cent short, by the shop's own log."""
    return [one["planted"]["order"] for one in stage.hand.get(SHOP, "payouts") if one.get("planted")]


def _map(hub: Hub, one: Connection) -> None:
    """What entries wait for since the chart has no likely account for it goes to the first account of costs; taxes of places that the
    ledger does not guess have its code for what is taxed at any rate."""
    with hub.unit() as work:
        shelf = posting.look(hub, work.db, one)
    spare = next((known.id for known in shelf.accounts if known.active and known.journals and known.sort in posting.SPARE), "")
    taxed = next((code.id for code in shelf.codes if code.sales and code.active and code.rate is None), "")
    chosen = dict.fromkeys(shelf.missing, spare) | {f"tax||{name}": taxed for name in shelf.untaxed}
    posting.map_accounts(hub, one.merchant, one, COMMAND_LINE, {ours: theirs for ours, theirs in chosen.items() if theirs})


def _examine(stage: "Stage", first: date, parked: Collection[str]) -> dict[str, Any]:
    hub, merchant = stage.hub, stage.merchant.id
    today = hub.clock().date()
    with hub.database.read() as db:
        look = accounts.look(hub, db, merchant)
        found = accounts.certificate(hub, db, merchant, first, today)
        written, broken = documents.counts(db, merchant), [one.name for one in doctor.examine(db, hub.now) if not one.ok]
        names = {one.id: one.channel for one in connections.all_of(db, merchant)}
        waits = {name: _unmapped(hub, db, one) for name, one in stage.ledgers.items()}
    breaks = [_said(one, names) for one in found.found if one.is_break and one.item.item not in parked]
    residue = {currency: one.text() for currency, one in found.residue.items()}
    return {
        "entries": sum(look.counts.values()) if look else 0, "waiting": dict(look.waiting) if look else {}, "breaks": breaks,
        "planted": _planted(stage), "awaited": look.awaited if look else 0, "residue": residue, "documents": written,
        "there": _there(stage), "receipts": _there(stage, DocKind.RECEIPT).get(SINGLE, 0), "broken": broken, "unmapped": waits,
        **demo_keeper.seen(stage, first, today),
    }  # fmt: skip


def _unmapped(hub: Hub, db: Db, one: Connection) -> list[str]:
    """What entries wait for at a ledger: accounts, and taxes where it is told of them."""
    shelf = posting.look(hub, db, hub.connection(one.id))
    return [*shelf.missing, *(shelf.untaxed if any(code.rate is None for code in shelf.codes) else ())]


def _said(one: accounts.Open, names: Mapping[str, str]) -> dict[str, str]:
    order = one.item.item.partition("/")[2]
    return {"channel": names.get(one.item.connection, ""), "order": order, "cause": one.cause.value, "open": one.item.open.text()}


def _there(stage: "Stage", kind: str = "") -> dict[str, int]:
    """How many documents, or how many of a kind, each ledger has by its own word."""
    found = {name: stage.hand.get(name, "documents") for name in stage.ledgers}
    return {name: sum(not one["gone"] and kind in ("", one.get("kind")) for one in some) for name, some in found.items()}


def _wrong(report: Mapping[str, Any]) -> list[str]:
    """What is not as it should be: something is left that has no name, what does not meet is not what was planted, or the rest of it did
    not come about."""
    residue = [text for currency, text in report["residue"].items() if Money.parse(text, currency).minor]
    found, costs = [one["order"] for one in report["breaks"]], [*filter(None, [report["left_without_cost"]])]
    checks = {
        "residue": not residue,
        "breaks that are none, or were not found": found == report["planted"],
        "SKUs without a cost": costs == report["without_cost"],
        "labels that a bill corrected": report["corrected"] <= 1,
        "accounts or taxes that are not mapped": not any(report["unmapped"].values()),
        "opening balances that nothing met": not report["opening_open"],
        "the doctor": not report["broken"],
        "lines of bills for no label": not report["strangers"],
        "a ledger without documents": all(report["there"].values()),
    }
    return [name for name, is_right in checks.items() if not is_right]


def words(report: Mapping[str, Any]) -> str:
    """The report in a line."""
    there = ", ".join(f"{count} documents in {name}" for name, count in report["there"].items())
    left = ", ".join(f"{amount} {currency}" for currency, amount in report["residue"].items())
    found = f"{len(report['breaks'])} of {len(report['planted'])} planted breaks found"
    wrong = f"; not right: {', '.join(report['wrong'])}" if report["wrong"] else ""
    return f"{report['entries']} entries, {there}; {found}; residue {left}; closed until {report['closed_until']}{wrong}"
