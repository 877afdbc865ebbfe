"""A catalogue too large for searchListingsItems, by one report a marketplace. One step a call; the cursor holds how far it got."""

from collections.abc import Iterator
from datetime import datetime

import msgspec
import structlog

from connectors.amazon import client, listings, report
from connectors.amazon.client import SKUS, Client
from connectors.amazon.report import Row
from connectors.amazon.shelf import Shelf
from core.errors import BadPayload, Refused
from core.ports import Found, Kit, Page

PREFIX = "report:"
NAMED = 20  # so many left-out lines are named by number


class Plan(msgspec.Struct):
    """How far it got: reports and, once they are done, documents by marketplace (an empty one: nothing is listed there); the last
    listing that was given."""

    began: datetime
    reports: dict[str, str] = {}
    documents: dict[str, str] = {}
    after: tuple[str, str] = ("", "")

    def cursor(self) -> str:
        return PREFIX + msgspec.json.encode(self).decode()


class Catalogue:
    """What reports told is kept on disk between two pages. Another instance that goes on asks for the documents anew."""

    def __init__(self, kit: Kit, client: Client) -> None:
        self._kit, self._client = kit, client
        self._kept: tuple[dict[str, str], Shelf] | None = None

    def begin(self) -> str:
        return Plan(self._kit.clock()).cursor()

    def page(self, cursor: str) -> Page[Found]:
        """Asks for a report, or looks whether one is done, or gives listings as they were when it began. Raises Refused where Amazon
        makes none."""
        plan = msgspec.json.decode(cursor.removeprefix(PREFIX), type=Plan)
        for place in self._client.marketplaces:
            if place not in plan.reports:
                plan.reports[place] = self._client.create_report(place)
                return Page((), plan.cursor())
        for place in self._client.marketplaces:
            if place not in plan.documents:
                wait_s = self._look(plan, place)
                return Page((), plan.cursor(), wait_s=wait_s)
        return self._read(plan)

    def _look(self, plan: Plan, place: str) -> float:
        """The seconds to wait for a marketplace's report; 0 where it is done."""
        told = self._client.report_state(plan.reports[place], plan.began)
        match told.state:
            case client.WAITS:
                return told.wait_s
            case client.DONE:
                plan.documents[place] = told.document
            case client.CANCELLED if not self._client.count(place):  # Amazon's way to say that there is nothing to report
                plan.documents[place] = ""
            case state:
                raise Refused("Amazon did not make the report of all listings", report=plan.reports[place], marketplace=place, state=state)
        return 0.0

    def _read(self, plan: Plan) -> Page[Found]:
        shelf, size = self._shelf(plan), int(self._kit.settings["report_page_size"])
        rows = shelf.after(plan.after, size + 1)
        given = _with_few_doubts(rows[:size])
        items = tuple(self._found(given, shelf))
        if len(given) == len(rows):
            self._forget()
            return Page(items, None, plan.began)
        plan.after = given[-1].sku, given[-1].twin
        return Page(items, plan.cursor(), plan.began)

    def _forget(self) -> None:
        if self._kept:
            self._kept[1].close()
        self._kept = None

    def _shelf(self, plan: Plan) -> Shelf:
        """The documents of a plan put together; they are downloaded where this instance has not got them."""
        if self._kept is None or self._kept[0] != plan.documents:
            self._forget()
            shelf = Shelf()
            for place in self._client.marketplaces:
                if plan.documents[place]:
                    shelf.put(self._rows(place, plan.documents[place]))
            shelf.settle()
            self._kept = plan.documents, shelf
        return self._kept[1]

    def _rows(self, place: str, document: str) -> Iterator[Row]:
        """A document's lines; those that cannot be read are left out, and said. Raises BadPayload where none can."""
        broken, number = list[int](), 1
        with self._client.report(document) as (kind, lines):
            for number, row in enumerate(report.rows(lines, report.charsets(kind, place), self._kit.settings["fba_prefix"]), 2):
                if row:
                    yield row
                else:
                    broken.append(number)
        if broken and len(broken) == number - 1:
            raise BadPayload("amazon listings report: no line can be read", marketplace=place)
        if broken:
            _say("lines of a listings report left out", marketplace=place, count=len(broken), lines=broken[:NAMED])

    def _found(self, rows: list[Row], shelf: Shelf) -> Iterator[Found]:
        """The listings of these rows; of those in doubt what Amazon itself says, unless another report has spelt them out."""
        asked = self._asked([row for row in rows if row.doubt])
        for row in rows:
            found = [one for one in asked if report.is_meant(row, one.listing, one.sku)] if row.doubt else []
            if found:
                yield from (one for one in found if not row.twin or not shelf.holds(one.sku))
            elif row.doubt and "?" in row.sku:
                _say("a listing left out, whose SKU the report spoilt and Amazon does not find", asin=row.asin)
            else:
                yield listings.offer(row.sku, row.asin, row.title, row.shown, fba=row.fba)

    def _asked(self, doubts: list[Row]) -> list[Found]:
        """Searched by ASIN where the report may have spoilt the SKU, by SKU where it told no ASIN."""
        asins = list(dict.fromkeys(row.asin for row in doubts if row.asin))
        skus = [row.sku for row in doubts if not row.asin and "," not in row.sku]
        items = self._client.search("ASIN", asins) + self._client.search("SKU", skus)
        items += [item for row in doubts if not row.asin and "," in row.sku and (item := self._client.listing(row.sku))]
        return [listings.found(item, self._client.marketplaces, self._kit.settings["fba_prefix"]) for item in items]


def _with_few_doubts(rows: list[Row]) -> list[Row]:
    """As many of these as one search can clear up."""
    doubts = [index for index, row in enumerate(rows) if row.doubt]
    return rows[: doubts[SKUS]] if len(doubts) > SKUS else rows


def _say(event: str, **facts: object) -> None:
    structlog.get_logger("amazon").warning(event, **facts)
