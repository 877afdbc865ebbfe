"""What somebody asked to see, from an address and back into one. What makes no sense is answered in words, and never said again."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from flask import abort
from flask_babel import gettext

from core.domain.acts import LONGEST_NOTE, LONGEST_TAG, Act, note, tag
from core.domain.holds import Why
from core.domain.order import FulfillmentStatus, OrderStatus, PaymentStatus
from core.domain.wanted import Cursor, Wanted, cursor, days
from core.flows.desk import Wish
from web.visitor import Visitor

Given = Mapping[str, str]
Kind = TypeVar("Kind", OrderStatus, PaymentStatus, FulfillmentStatus)
LONGEST = 200
TOKEN = re.compile(r"[0-9a-zA-Z-]{8,64}", re.A)
FILTERS = (
    "q",
    "connection",
    "channel",
    "status",
    "payment",
    "fulfillment",
    "first",
    "last",
    "location",
    "tag",
    "attention",
    "held",
    "sort",
)


def word(given: Given, name: str, longest: int = LONGEST) -> str:
    """One line of text without what cannot be printed; '' where nothing was said."""
    said = " ".join(given.get(name, "").split())
    if len(said) > longest:
        abort(400, gettext("That is too long: %(most)s letters are the most here.", most=longest))
    if not said.isprintable():
        abort(400, gettext("There are signs in it that cannot be printed."))
    return said


def orders(given: Given, asks: Visitor) -> Wanted:
    """Which orders are asked for."""
    said = {name: word(given, name) for name in FILTERS}
    since, until = _days(said["first"], said["last"], asks.zone)
    return Wanted(
        connection=said["connection"], channel=said["channel"], status=_one(OrderStatus, said["status"]),
        payment=_one(PaymentStatus, said["payment"]), fulfillment=_one(FulfillmentStatus, said["fulfillment"]), since=since, until=until,
        location=said["location"], tag=said["tag"], attention=bool(said["attention"]), held=bool(said["held"]), said=said["q"],
        buyers=asks.may("orders.buyers"),
    )  # fmt: skip


def _days(first: str, last: str, zone: str) -> tuple[int, int]:
    try:
        return days(first, last, zone)
    except ValueError:
        abort(400, gettext("A day is written like 2026-11-22."))


def _one(kind: type[Kind], said: str) -> Kind | None:
    try:
        return kind(said) if said else None
    except ValueError:
        abort(400, gettext("There is no such status."))


def place(given: Given, name: str) -> Cursor | None:
    """Where a page begins; None for the first one."""
    said = word(given, name)
    try:
        return cursor(said) if said else None
    except ValueError:
        abort(400, gettext("This address is not one of ours. Begin at the first page."))


def filters(given: Given) -> dict[str, Any]:
    """The filters of an address, for other addresses that keep them."""
    return {name: said for name in FILTERS if (said := word(given, name))}


@dataclass(frozen=True, slots=True)
class Turn:
    """Which page of a list: what comes after a place in it, or before it; the first one without either."""

    after: Cursor | None
    before: Cursor | None
    oldest: bool

    @property
    def is_first(self) -> bool:
        return not (self.after or self.before)

    @property
    def places(self) -> dict[str, str]:
        """For addresses that keep it."""
        return {name: str(at) for name, at in (("after", self.after), ("before", self.before)) if at}


def turn(given: Given) -> Turn:
    return Turn(place(given, "after"), place(given, "before"), word(given, "sort") == "oldest")


def token(given: Given, name: str) -> str:
    """An id that a form of ours made up; a new one would let the same form be sent twice. 400 for anything else."""
    said = word(given, name)
    return said if TOKEN.fullmatch(said) else abort(400, gettext("This form is not one of ours. Open the page again."))


def wish(form: Given, ids: Sequence[str]) -> Wish:
    """What somebody wants done to these orders. 400 with a sentence for what is missing."""
    try:
        act = Act(word(form, "do"))
        detail = Why(word(form, "why")).value if act is Act.HOLD else tag(form.get("tag", "")) if act in (Act.TAG, Act.UNTAG) else ""
        words = note(form.get("note", "")) if act is Act.NOTE else ""
    except ValueError as error:
        abort(400, _missing().get(str(error), gettext("There is no such act.")))
    return Wish(token(form, "act"), act, [id for id in ids if TOKEN.fullmatch(id)], detail, words)


def _missing() -> dict[str, str]:
    return {
        "not a tag": gettext("A tag has one to %(most)s letters.", most=LONGEST_TAG),
        "not a note": gettext("A note has one to %(most)s letters.", most=LONGEST_NOTE),
    }


def back(form: Given) -> dict[str, Any]:
    """The list that a form was sent from: its filters and its page."""
    said = dict(parse_qsl(form.get("back", "")[:2000]))
    return filters(said) | turn(said).places
