"""A page of the list of orders, with the way to the next and back."""

from dataclasses import dataclass

from sqlalchemy import Connection

from core.domain.acts import MOST
from core.domain.wanted import Cursor, Wanted
from core.hub import Hub
from core.store import order_list, order_sieves
from core.store.order_list import Count, Shown, Walked

PAGE = 50


@dataclass(frozen=True, slots=True)
class Look:
    """`next` and `back` are where the pages around this one begin, None where there is none; `stopped` is how far was looked where
    that is not to the end; `count` is told on the first page only."""

    orders: list[Shown]
    next: Cursor | None = None
    back: Cursor | None = None
    stopped: Cursor | None = None
    count: Count | None = None


def look(
    hub: Hub, db: Connection, merchant: str, wanted: Wanted, *, at: Cursor | None = None, back: bool = False, oldest: bool = False,
    most: int = PAGE,
) -> Look:  # fmt: skip
    """The orders after `at`, or before it (`back`); the newest first, or the oldest. No more than five statements."""
    box = hub.box(merchant)
    plan = order_sieves.plan(db, merchant, wanted, box)
    if plan is None:
        return Look([], count=Count(0, exact=True))
    walked = order_list.walk(db, plan, order_list.stretch(wanted, at, back=oldest != back), most)
    orders = [order_list.shown(row, box) for row in walked.rows]
    if back:
        return _back(orders[::-1], walked)
    return _forth(orders, walked, at, None if at else order_list.count(db, plan, walked))


def _forth(orders: list[Shown], walked: Walked, at: Cursor | None, count: Count | None) -> Look:
    last = orders[-1].place if walked.more else walked.stopped
    return Look(orders, next=last, back=orders[0].place if orders and at else None, stopped=walked.stopped, count=count)


def _back(orders: list[Shown], walked: Walked) -> Look:
    first = orders[0].place if walked.more else walked.stopped
    return Look(orders, next=orders[-1].place if orders else None, back=first, stopped=walked.stopped)


def news(hub: Hub, db: Connection, merchant: str, wanted: Wanted, since: Cursor, most: int) -> Look:
    """What was placed after this one, the newest first; `next` says that there is more than that."""
    found = look(hub, db, merchant, wanted, at=since, back=True, most=most)
    return Look(found.orders, next=found.back)


STEPS = 40  # walks of one search for all


def everything(hub: Hub, db: Connection, merchant: str, wanted: Wanted) -> list[str]:
    """The ids of all orders that are asked for, the newest first: up to MOST, and as far as STEPS walks come."""
    plan, found, at = order_sieves.plan(db, merchant, wanted, hub.box(merchant)), list[str](), None
    if plan is None:
        return found
    for _ in range(STEPS):
        ids, at = order_list.ids(db, plan, order_list.stretch(wanted, at), MOST - len(found))
        found += ids
        if at is None or len(found) >= MOST:
            break
    return found
