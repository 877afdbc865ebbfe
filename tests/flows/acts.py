"""What buyers and merchants do at a channel, and how a channel tells of it. Each act changes the order there and nothing else."""

from collections.abc import Iterable
from typing import Any

from connectors.bogus.channel import Bogus, Document
from connectors.http import as_datetime, write_json
from core.flows import intake
from core.ports import Notice
from core.store import listings, stock
from core.store.connections import Connection
from tests.conftest import House


def pay(system: Bogus, order: str) -> Document:
    return system.change(order, payment="paid")


def cancel(system: Bogus, order: str, *, restock: bool = True) -> Document:
    """All of it that did not leave yet; `restock`: the channel puts it back on show by itself."""
    if restock and not system.orders[order]["cancelled_at"]:
        for line in system.orders[order]["lines"]:
            show_again(system, line, left(line))
    return system.change(order, cancelled_at=system.clock().isoformat())


def edit(system: Bogus, order: str, line: str, quantity: int) -> Document:
    """The ordered quantity of a line is another one now; what went or was cancelled stays."""
    return _change_line(system, order, line, quantity=quantity)


def fulfill(system: Bogus, order: str, line: str, units: int) -> Document:
    """So many more left; fewer than none: a fulfillment was undone."""
    return _change_line(system, order, line, fulfilled=line_of(system, order, line)["fulfilled"] + units)


def refund(system: Bogus, order: str, line: str, units: int, restock: str) -> Document:
    """`restock` is return (they came back), cancel (they never left), or none (gone; unshipped ones are lost)."""
    one = line_of(system, order, line)
    if restock == "return":
        change = {"returned": one["returned"] + units}
    else:
        change = {"cancelled": one["cancelled"] + units, "lost": one["lost"] + (units if restock == "none" else 0)}
    if restock != "none":
        show_again(system, one, units)
    known = system.orders[order]["refunds"]
    row = {
        "id": f"R{len(known) + 1}", "at": system.clock().isoformat(), "total": "1.00",
        "lines": [{"line": line, "quantity": units, "restock": restock}],
    }  # fmt: skip
    return system.change(order, lines=_lines(system, order, line, change), refunds=[*known, row])


def line_of(system: Bogus, order: str, line: str) -> dict[str, Any]:
    return next(one for one in system.orders[order]["lines"] if one["id"] == line)


def left(line: dict[str, Any]) -> int:
    """Units of a line that are still to be sent."""
    return max(0, line["quantity"] - line["cancelled"] - line["fulfilled"])


def dues(document: Document, line: dict[str, Any], sent: int = 0) -> tuple[int, int, int]:
    """What a line of the channel's own document demands of our shelves, said once more and plainly: (hold, gone, back). `sent` are
    units that we sent, whether the channel counts them yet or not."""
    back = sum(
        part["quantity"]
        for refund in document["refunds"]
        for part in refund["lines"]
        if part["line"] == line["id"] and part["restock"] == "return"
    )
    gone = max(line["fulfilled"], sent)
    hold = 0 if document["cancelled_at"] else max(0, left(line) - (gone - line["fulfilled"]))
    return hold, gone + line["lost"], min(back, gone)


def show_again(system: Bogus, line: dict[str, Any], units: int) -> None:
    if shelf := system.listings.get((line["listing"], line["sku"])):
        shelf.shown += units


def _change_line(system: Bogus, order: str, line: str, **change: int) -> Document:
    return system.change(order, lines=_lines(system, order, line, change))


def _lines(system: Bogus, order: str, line: str, change: dict[str, Any]) -> list[dict[str, Any]]:
    return [{**one, **change} if one["id"] == line else one for one in system.orders[order]["lines"]]


def notice(document: Document, delivery: str, topic: str = "orders/changed", *, whole: bool = True) -> Notice:
    """A push with the whole order as it was, or one that only names it."""
    at = as_datetime(document["updated_at"])
    return Notice(topic, delivery, order=document["id"], revision=at, body=write_json(document) if whole else None)


def deliver(house: House, notices: Iterable[Notice], connection: Connection | None = None) -> None:
    """What the webhook door does with a push."""
    with house.hub.unit() as work:
        intake.keep(house.hub, work, connection or house.connection, list(notices))


def count(house: House, **units: int) -> None:
    """Somebody counts the shelf; the channels are told, and who waits gets another look."""
    rows = [{"sku": sku, "title": "", "location": house.place, "on_hand": on_hand} for sku, on_hand in units.items()]
    with house.hub.unit() as work:
        stock.count(work.db, house.merchant.id, rows, work.now)
        for connection in listings.touch(work.db, house.merchant.id, units, None):
            work.ask(house.merchant.id, "publish_stock", connection, connection)
