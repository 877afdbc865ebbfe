"""Parcels that carriers took which are not connected, or that others sent for us, as a CSV file: looked at first, then taken whole or not
at all. What was told before changes nothing."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from core.domain.requests import LIVE, Share, TheirParcel
from core.domain.shipments import OPEN, REQUEST, State
from core.domain.who import Who
from core.errors import Refused
from core.flows import answering, sending
from core.flows.counting import WrongLines
from core.flows.parties import COLUMNS as SENT_OUT
from core.flows.sending import Typed
from core.flows.stock_csv import check_names, reader_of, unescaped, whole
from core.hub import Hub
from core.store import parcels, requests, shipments
from core.store.shipments import Shipment
from core.store.unit import Unit

COLUMNS = ("shipment", "order", "line", "sku", "units", "carrier", "tracking", "url")
LONGEST = 100


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a file: whose parcel, what of it (all, where it names neither line nor SKU), and how it went."""

    line_num: int
    shipment: str
    order: str
    line: str
    sku: str
    units: int | None
    carrier: str
    tracking: str
    url: str

    @property
    def parcel(self) -> tuple[str, str, str, str]:
        return (self.shipment.upper(), self.order, self.carrier, self.tracking)


@dataclass
class Taken:
    """What it did: parcels {shipment, carrier, tracking, units} that left, and how many rows said what is so already."""

    parcels: list[dict[str, Any]] = field(default_factory=list)
    same: int = 0

    @property
    def report(self) -> dict[str, Any]:
        return {"parcels": self.parcels[:200], "same": self.same, "counts": {"parcels": len(self.parcels)}}


def read(text: str) -> list[Row]:
    """What a file says; rows without a carrier and a number are skipped, as a list that we sent out has them. Raises WrongLines, which
    name the row and the cell."""
    found, wrong = list[Row](), list[tuple[int, str]]()
    try:
        reader = reader_of(io.StringIO(text))
        _check_header(list(reader.fieldnames or ()))
        for cells in reader:
            try:
                found += _row(reader.line_num, {name: unescaped(cells.get(name) or "").strip() for name in COLUMNS})
            except ValueError as error:
                wrong.append((reader.line_num, str(error)))
    except csv.Error as error:
        raise WrongLines([(0, str(error))]) from None
    if wrong:
        raise WrongLines(wrong)
    return found


def without_addresses(text: str) -> str:
    """The same file without what we do not read of it: a list that we sent out names people and streets."""
    reader, out = reader_of(io.StringIO(text)), io.StringIO()
    names = list(reader.fieldnames or ())
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(name for name in names if name in COLUMNS or name not in SENT_OUT)
    with suppress(csv.Error):
        for row in reader:
            writer.writerow(row.get(name) or "" for name in names if name in COLUMNS or name not in SENT_OUT)
    return out.getvalue()


def _check_header(names: Sequence[str]) -> None:
    if not {"shipment", "order"} & set(names):
        raise WrongLines([(1, "the column shipment is missing; or name the order")])
    if missing := [name for name in ("carrier", "tracking") if name not in names]:
        raise WrongLines([(1, f"the column {missing[0]} is missing")])
    check_names(names, tuple(dict.fromkeys((*COLUMNS, *SENT_OUT))))


def _row(line_num: int, cells: Mapping[str, str]) -> list[Row]:
    if not cells["carrier"] and not cells["tracking"]:
        return []
    for name in ("carrier", "tracking"):
        if not cells[name] or len(cells[name]) > LONGEST or not cells[name].isprintable():
            raise ValueError(f"{name}: there is none" if not cells[name] else f"{name}: it cannot be meant")
    if not cells["shipment"] and not cells["order"]:
        raise ValueError("shipment: there is none, and no order")
    if cells["url"] and not cells["url"].startswith(("https://", "http://")):
        raise ValueError("url: it begins with https://")
    units = whole(cells["units"], "units: not a whole number of units", least=1, most=1_000_000) if cells["units"] else None
    rest = {name: cells[name] for name in COLUMNS if name != "units"}
    return [Row(line_num, units=units, **rest)]


# ---- taken


def take_in(hub: Hub, work: Unit, merchant: str, rows: Sequence[Row], who: Who) -> Taken:
    """In the caller's transaction, which must not be kept when this raises WrongLines."""
    made, wrong = Taken(), list[tuple[int, str]]()
    known = _shipments(work, merchant, rows)
    shipments.facts(
        work.db, merchant, {one.order_id for here in known.values() for one in here}, hub.box(merchant)
    )  # locked in their order
    for some in _by_parcel(rows):
        try:
            _take(hub, work, merchant, known, some, who, made)
        except (Refused, ValueError) as error:
            wrong.append((some[0].line_num, str(error)))
    if wrong:
        raise WrongLines(wrong)
    return made


def _by_parcel(rows: Iterable[Row]) -> list[list[Row]]:
    found: dict[tuple[str, str, str, str], list[Row]] = {}
    for row in rows:
        found.setdefault(row.parcel, []).append(row)
    return list(found.values())


def _shipments(work: Unit, merchant: str, rows: Iterable[Row]) -> dict[tuple[str, str], list[Shipment]]:
    """By what rows say (shipment, order): the shipments that are meant. Locked are only those that change."""
    found: dict[tuple[str, str], list[Shipment]] = {}
    for name, order in {(row.shipment.upper(), row.order) for row in rows}:
        ids = (
            [id for id in [shipments.by_name(work.db, merchant, name)] if id]
            if name
            else shipments.of_order_named(work.db, merchant, order)
        )
        found[name, order] = list(shipments.found(work.db, merchant, ids).values())
    return found


def _take(
    hub: Hub, work: Unit, merchant: str, known: Mapping[tuple[str, str], Sequence[Shipment]], some: Sequence[Row], who: Who, made: Taken
) -> None:  # fmt: skip
    first = some[0]
    here = known[first.shipment.upper(), first.order]
    if not here:
        raise ValueError(f"shipment: there is no {first.shipment or first.order}")
    if _is_known(work, merchant, here, first.tracking):
        made.same += 1
        return
    fits = [one for one in here if one.state in OPEN] or [one for one in here if one.way == REQUEST] or here
    if len(fits) > 1:
        raise ValueError(f"order: {first.order} has several shipments: name one")
    one = fits[0]
    units = _their_parcel(hub, work, merchant, one, some, who) if one.way == REQUEST else _ours(hub, work, merchant, one, some, who)
    made.parcels.append({"shipment": one.name, "carrier": first.carrier, "tracking": first.tracking, "units": units})


def _is_known(work: Unit, merchant: str, here: Iterable[Shipment], tracking: str) -> bool:
    boxes = parcels.of_shipments(work.db, merchant, [one.id for one in here if one.state is State.SENT])
    if any(box.tracking == tracking for some in boxes.values() for box in some):
        return True
    asked = [found for one in here if one.way == REQUEST and (found := requests.of_shipment(work.db, merchant, one.id))]
    return any(
        f' {tracking.casefold()}"' in f' {row.said.casefold()}"' for one in asked for row in requests.parcels(work.db, merchant, one.id)
    )


def _ours(hub: Hub, work: Unit, merchant: str, one: Shipment, some: Sequence[Row], who: Who) -> int:
    """A shipment of ours leaves whole."""
    loads = shipments.loads(work.db, merchant, [one.id]).get(one.id, [])
    whole_of = sum(load.units for load in loads)
    named = [row.units for row in some if row.units is not None]
    if named and sum(named) != whole_of:
        raise ValueError(f"units: {one.name} leaves whole, and has {whole_of}: make several shipments of it first")
    first = some[0]
    sending.send_in(hub, work, merchant, one.id, who, Typed(first.carrier, first.tracking, url=first.url))
    return whole_of


def _their_parcel(hub: Hub, work: Unit, merchant: str, one: Shipment, some: Sequence[Row], who: Who) -> int:
    asked = requests.of_shipment(work.db, merchant, one.id)
    if asked is None:
        raise ValueError(f"shipment: nobody was asked to send {one.name}")
    shares, first = requests.shares(work.db, merchant, asked.id), some[0]
    units: dict[str, int] = {}
    for row in some:
        for line, many in _units(row, shares, is_live=asked.state in LIVE).items():
            units[line] = units.get(line, 0) + many
    answering.sent(hub, work, merchant, asked.id, TheirParcel(first.tracking, first.carrier, units, hub.clock(), first.url), who)
    return sum(units.values())


def _units(row: Row, shares: Mapping[str, Share], *, is_live: bool) -> dict[str, int]:
    """What of a request a row names: a line, by its name or its SKU; all that is open, where it names none."""
    left = {line: one.open if is_live else one.units for line, one in shares.items()}
    if not row.line and not row.sku:
        if row.units is not None and row.units != sum(left.values()):
            raise ValueError("units: say of which line or SKU")
        return {line: many for line, many in left.items() if many}
    fits = [line for line, one in shares.items() if (row.line in ("", line)) and (row.sku in ("", one.sku))]
    if not fits:
        raise ValueError(f"{'line' if row.line else 'sku'}: nobody asked for {row.line or row.sku}")
    many = sum(left[line] for line in fits) if row.units is None else row.units
    return _dealt(many, fits, left)


def _dealt(many: int, fits: Sequence[str], left: Mapping[str, int]) -> dict[str, int]:
    """Units of a SKU to the lines that have it, the first to the first; what is too much stays with the last, which says so."""
    found: dict[str, int] = {}
    for line in fits:
        found[line] = min(many, left[line])
        many -= found[line]
    found[fits[-1]] += many
    return {line: units for line, units in found.items() if units}


class _OnlyLooked(Exception):
    """Ends the transaction of somebody who only wanted to see what it would do."""


def take(hub: Hub, merchant: str, rows: Sequence[Row], who: Who, *, dry_run: bool = False) -> Taken:
    """All of it in one transaction. Looking is the same transaction, not kept. Raises WrongLines."""
    made: list[Taken] = []
    with suppress(_OnlyLooked), hub.unit() as work:
        made.append(take_in(hub, work, merchant, rows, who))
        if dry_run:
            raise _OnlyLooked
    return made[0]
