"""Orders as a CSV file, written while it is read: a page at a time, however many there are."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from core.domain.holds import shown
from core.domain.order import Order, Person
from core.domain.order_csv import Exported, cells
from core.domain.wanted import Wanted
from core.domain.who import Who
from core.hub import Hub
from core.store import audit, connections, order_list, order_sieves
from core.store.vault import Box

AT_ONCE = 500
DOC = ", o.doc"
BOM = "\ufeff"  # spreadsheets of one maker take a file for their own old letters without it
_order, _person = msgspec.json.Decoder(Order), msgspec.json.Decoder(Person)


@dataclass(frozen=True, slots=True)
class Export:
    """`orders` are our ids, None for all that are `wanted`; `zone` is the merchant's clock."""

    wanted: Wanted
    orders: Sequence[str] | None
    columns: Sequence[str]
    zone: str
    bom: bool


def export(hub: Hub, merchant: str, who: Who, what: Export) -> Iterator[bytes]:
    """The file in pieces. That somebody asked for it is written down before the first."""
    count = {"orders": len(what.orders)} if what.orders is not None else {"filtered": what.wanted != Wanted(buyers=what.wanted.buyers)}
    with hub.database.write() as db:
        audit.write(db, merchant, hub.now, who.id, who.name, "order.export", columns=list(what.columns), **count)
    return _pieces(hub, merchant, what)


def _pieces(hub: Hub, merchant: str, what: Export) -> Iterator[bytes]:
    yield _lines([what.columns], BOM if what.bom else "")
    box = hub.box(merchant)
    with hub.database.read() as db:
        accounts = {one.id: one.label for one in connections.all_of(db, merchant)}
    for rows in _chosen(hub, merchant, what) if what.orders is not None else _pages(hub, merchant, what, box):
        yield _lines(cells(_exported(hub, row, accounts, what.zone, box), what.columns) for row in rows)


def _lines(rows: Iterable[Sequence[str]], before: str = "") -> bytes:
    text = io.StringIO(before)
    text.seek(0, io.SEEK_END)
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _chosen(hub: Hub, merchant: str, what: Export) -> Iterator[Sequence[Any]]:
    orders = what.orders or ()
    for start in range(0, len(orders), AT_ONCE):
        with hub.database.read() as db:
            rows = order_list.these(db, merchant, orders[start : start + AT_ONCE], buyers=what.wanted.buyers, more=DOC)
        yield rows


def _pages(hub: Hub, merchant: str, what: Export, box: Box) -> Iterator[Sequence[Any]]:
    with hub.database.read() as db:
        plan, at = order_sieves.plan(db, merchant, what.wanted, box), None
    while plan is not None:
        with hub.database.read() as db:
            walked = order_list.walk(db, plan, order_list.stretch(what.wanted, at), AT_ONCE, more=DOC)
        yield walked.rows
        at = order_list.place_of(walked.rows[-1]) if walked.more else walked.stopped
        if at is None:
            return


def _exported(hub: Hub, row: Any, accounts: Mapping[str, str], zone: str, box: Box) -> Exported:
    order = _order.decode(row.doc)
    if row.person:
        order = replace(order, person=_person.decode(box.open_text(f"orders|person|{row.id}", row.person)))
    status = shown(order.order_status, held=row.held_at is not None)
    return Exported(
        order,
        row.id,
        hub.label(order.channel),
        accounts.get(row.connection, ""),
        status.value,
        row.held_why or "",
        order_list.tags_of(row),
        row.copy_of or "",
        row.merged_into or "",
        zone,
    )
