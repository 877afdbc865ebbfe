"""Amazon's report of all orders by the date they were placed: read by pieces of 30 days, and counted by the day.

It holds pending and cancelled orders too, a line for each item, and those of the whole region whatever marketplaces were named
(vendor's tracker, 2022 to 2024); of more than 30 days Amazon makes none (same place, 2023-05).
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec
import structlog

from connectors.amazon.client import CANCELLED, DONE, WAITS, Client, ReportState
from connectors.amazon.tables import MARKETPLACES
from connectors.http import as_datetime
from core.errors import BadPayload, Refused
from core.ports import Kit, Page

PIECE = timedelta(days=30)
NAMED = 20  # so many lines that cannot be read are named by number
COLUMNS = (b"amazon-order-id", b"purchase-date", b"last-updated-date", b"order-status", b"sales-channel")
SALES = {
    "US": "com",
    "CA": "ca",
    "MX": "com.mx",
    "BR": "com.br",
    "GB": "co.uk",
    "BE": "com.be",
    "TR": "com.tr",
    "ZA": "co.za",
    "JP": "co.jp",
}
SALES |= {"AU": "com.au", "SG": "sg"}


class Row(NamedTuple):
    """A line of the report: times in UTC, `status` in Amazon's older words."""

    order: str
    placed: datetime
    changed: datetime
    status: str
    channel: str


class Plan(msgspec.Struct, frozen=True):
    """A piece that is being read: from `start` on, by this report, which was asked for then."""

    start: datetime
    report: str = ""
    asked: datetime | None = None


def placed(kit: Kit, client: Client, since: datetime, until: datetime, cursor: str | None) -> Page[tuple[datetime, int]]:
    """(day, orders placed on it) of one piece, once its report is made; until then pages are empty. Raises Refused where Amazon makes
    none."""
    plan = msgspec.json.decode(cursor, type=Plan) if cursor else Plan(since)
    end = min(plan.start + PIECE, until)
    if plan.asked is None:
        asked = Plan(plan.start, client.create_orders_report(plan.start, end), kit.clock())
        return Page((), _cursor(asked), wait_s=kit.settings["report_wait_s"])
    told = client.report_state(plan.report, plan.asked)
    if told.state == WAITS:
        return Page((), _cursor(plan), wait_s=told.wait_s)
    document = _document(plan, told)
    found = _counted(client, document, plan.start, end) if document else Counter[datetime]()
    return Page(tuple(sorted(found.items())), _cursor(Plan(end)) if end < until else None)


def _cursor(plan: Plan) -> str:
    return msgspec.json.encode(plan).decode()


def _document(plan: Plan, told: ReportState) -> str:
    """The report's document; "" where there is nothing to report: then Amazon cancels it."""
    if told.state not in (DONE, CANCELLED):
        raise Refused("Amazon did not make the report of all orders", report=plan.report, state=told.state)
    return told.document


def _counted(client: Client, document: str, since: datetime, until: datetime) -> Counter[datetime]:
    with client.report(document) as (_, lines):
        days = {row.order: row.placed for row in rows(lines) if since <= row.placed < until and is_ours(row, client.marketplaces)}
    return Counter(at.replace(hour=0, minute=0, second=0, microsecond=0) for at in days.values())


def is_ours(row: Row, marketplaces: Iterable[str]) -> bool:
    """Whether it was sold on one of these marketplaces. What Amazon ships for other channels was sold on none; a sales channel that
    we do not know is taken for ours."""
    said = row.channel.lower()
    ours = {_sales(MARKETPLACES[one].country) for one in marketplaces if one in MARKETPLACES}
    known = {_sales(one.country) for one in MARKETPLACES.values()}
    return said in ours or (said not in known and not said.startswith("non-amazon"))


def _sales(country: str) -> str:
    return f"amazon.{SALES.get(country, country.lower())}"


def rows(lines: Iterable[bytes]) -> Iterator[Row]:
    """One for each item of each order; lines that cannot be read are left out, and said. Raises BadPayload where columns are missing."""
    broken: list[int] = []
    yield from (row for row in read_rows(lines, broken) if row)
    say_broken(broken)


def say_broken(broken: list[int]) -> None:
    if broken:
        structlog.get_logger("amazon").warning("lines of an orders report left out", count=len(broken), lines=broken[:NAMED])


def read_rows(lines: Iterable[bytes], broken: list[int]) -> Iterator[Row | None]:
    """One for each line below the header; None for one that cannot be read, whose number goes into `broken`. The report holds buyers'
    addresses too: only the columns named here are ever looked at. Raises BadPayload for a header that lacks one."""
    lines = iter(lines)
    names = [name.strip().lower() for name in next(lines, b"").removeprefix(b"\xef\xbb\xbf").rstrip(b"\r\n").split(b"\t")]
    if missing := [name.decode() for name in COLUMNS if name not in names]:
        raise BadPayload(f"amazon orders report: there is no column {missing[0]}")
    places = [names.index(name) for name in COLUMNS]
    for number, line in enumerate(lines, 2):
        row = _row(line.rstrip(b"\r\n").split(b"\t"), places, len(names))
        if row is None:
            broken.append(number)
        yield row


def _row(fields: list[bytes], places: list[int], width: int) -> Row | None:
    if len(fields) != width:
        return None
    order, placed_at, changed, status, channel = (fields[place].decode("ascii", "replace").strip() for place in places)
    try:
        return Row(order, _utc(placed_at), _utc(changed or placed_at), status, channel) if order else None
    except ValueError:
        return None


def _utc(text: str) -> datetime:
    return as_datetime(text).astimezone(UTC)
