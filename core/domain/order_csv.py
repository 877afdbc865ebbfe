"""Orders as a table for spreadsheets: its columns, and cells that no spreadsheet takes for a formula. Pure.

Amounts are plain decimals beside a column with their currency; times are on the merchant's clock.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from core.domain.money import Money
from core.domain.order import Address, Liable, Order, Person

# A cell that begins so is a formula to some spreadsheet (owasp.org, CSV injection, read 2026-11), in full width too.
FORMULA = re.compile(r"[=+\-@\t\r\n＝＋－＠]")
Cell = str | int | Money | datetime | None


@dataclass(frozen=True, slots=True)
class Exported:
    """An order and what staff and the hub add to it, with its channel's name as people write it. Its person is in it for those who may
    see buyers."""

    order: Order
    id: str
    channel: str
    account: str
    status: str
    held: str
    tags: Sequence[str]
    copy_of: str
    merged_into: str
    zone: str

    @property
    def person(self) -> Person:
        return self.order.person or NOBODY

    @property
    def ship_to(self) -> Address:
        return self.person.ship_to or NOWHERE


NOBODY, NOWHERE = Person(), Address()


@dataclass(frozen=True, slots=True)
class Column:
    """`personal`: for those alone who may see buyers; `usual`: ticked unless somebody chooses."""

    value: Callable[[Exported], Cell]
    personal: bool = False
    usual: bool = True


def _joined(texts: Iterable[str]) -> str:
    return "; ".join(texts)


def _goods(one: Exported) -> str:
    return _joined(f"{line.sku or line.title} x {line.ordered}" for line in one.order.lines)


def _parcels(one: Exported) -> str:
    return _joined(number for parcel in one.order.shipped for number in parcel.tracking)


def _rare(value: Callable[[Exported], Cell]) -> Column:
    return Column(value, usual=False)


def _buyers(value: Callable[[Exported], Cell]) -> Column:
    return Column(value, personal=True, usual=False)


COLUMNS: Mapping[str, Column] = {
    "number": Column(lambda one: one.order.name),
    "channel": Column(lambda one: one.channel),
    "account": Column(lambda one: one.account),
    "placed": Column(lambda one: one.order.placed_at),
    "status": Column(lambda one: one.status),
    "payment": Column(lambda one: one.order.payment_status.value),
    "fulfillment": Column(lambda one: one.order.fulfillment_status.value),
    "currency": Column(lambda one: one.order.currency),
    "subtotal": Column(lambda one: one.order.subtotal),
    "discount": Column(lambda one: one.order.discount_total),
    "shipping": Column(lambda one: one.order.shipping_total),
    "tax": Column(lambda one: one.order.tax_total),
    "total": Column(lambda one: one.order.total),
    "refunded": Column(lambda one: one.order.refunded_total),
    "units": Column(lambda one: sum(line.ordered for line in one.order.lines)),
    "goods": Column(_goods),
    "tracking": Column(_parcels),
    "ship_by": _rare(lambda one: one.order.ship_by),
    "tags": Column(lambda one: _joined(one.tags)),
    "held": _rare(lambda one: one.held),
    "channel_tags": _rare(lambda one: _joined(one.order.tags)),
    "tax_mode": _rare(lambda one: one.order.tax_mode.value),
    "tax_by_marketplace": _rare(lambda one: one.order.tax_by(Liable.MARKETPLACE)),
    "fees": _rare(lambda one: one.order.fees),
    "duties": _rare(lambda one: one.order.duties),
    "tips": _rare(lambda one: one.order.tips),
    "rounding": _rare(lambda one: one.order.rounding),
    "problems": _rare(lambda one: _joined(one.order.problems())),
    "copy_of": _rare(lambda one: one.copy_of),
    "merged_into": _rare(lambda one: one.merged_into),
    "channel_id": _rare(lambda one: one.order.id),
    "id": _rare(lambda one: one.id),
    "name": _buyers(lambda one: one.person.name),
    "email": _buyers(lambda one: one.person.email),
    "phone": _buyers(lambda one: one.person.phone),
    "ship_name": _buyers(lambda one: one.ship_to.name),
    "company": _buyers(lambda one: one.ship_to.company),
    "street": _buyers(lambda one: _joined(filter(None, (one.ship_to.street1, one.ship_to.street2, one.ship_to.street3)))),
    "postcode": _buyers(lambda one: one.ship_to.postcode),
    "city": _buyers(lambda one: one.ship_to.city),
    "region": _buyers(lambda one: one.ship_to.region),
    "country": _buyers(lambda one: one.ship_to.country),
}


def chosen(names: Iterable[str], *, buyers: bool) -> list[str]:
    """Those of these columns that there are, in the table's order; buyers' ones only for who may see them. None named: the usual ones."""
    wanted = set(names)
    known = [name for name, column in COLUMNS.items() if buyers or not column.personal]
    return [name for name in known if name in wanted] or [name for name in known if COLUMNS[name].usual]


def cells(one: Exported, columns: Iterable[str]) -> list[str]:
    return [_written(COLUMNS[name].value(one), one.zone) for name in columns]


def _written(cell: Cell, zone: str) -> str:
    """Numbers of ours are numbers, below nothing too; whatever else somebody else wrote is a text."""
    match cell:
        case None:
            return ""
        case Money():
            return cell.text()
        case int():
            return str(cell)
        case datetime():
            return cell.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S")
        case _:
            return safe(cell)


def safe(text: str) -> str:
    """With an apostrophe before it where a spreadsheet would take it for a formula; without signs that end a file early."""
    text = text.replace("\0", "")
    return f"'{text}" if FORMULA.match(text) else text
