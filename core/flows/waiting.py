"""Why orders are not released: each with its reason, those whose turn it is first at the head."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from core.domain.shipments import Rules, Wait, plan
from core.flows import sites
from core.flows.releasing import View, view_of, why_not
from core.hub import Hub
from core.store import unreleased
from core.store.unreleased import Waiting

MOST = 300  # looked at for a page; whose turn is later is not counted


@dataclass(frozen=True, slots=True)
class Reasoned:
    """An order that waits, and why; None: nothing stops it any more, and the next pass releases it."""

    waiting: Waiting
    why: Wait | None


@dataclass(frozen=True, slots=True)
class Queue:
    """Those that wait, as their turns are. `counts` are of these; `more`: there are others behind them."""

    rows: Sequence[Reasoned]
    counts: Mapping[Wait | None, int]
    more: bool


def queue(hub: Hub, db: Connection, merchant: str) -> Queue:
    """At most seven statements."""
    found = unreleased.first(db, merchant, MOST + 1, hub.box(merchant), hub.now)
    rows = _reasoned(hub, db, merchant, found[:MOST])
    return Queue(rows, Counter(one.why for one in rows), len(found) > MOST)


def of_order(hub: Hub, db: Connection, merchant: str, order: str) -> Reasoned | None:
    """Why this one is not released; None where nothing of it waits to be."""
    found = unreleased.one(db, merchant, order, hub.box(merchant), hub.now)
    return _reasoned(hub, db, merchant, [found])[0] if found else None


def _reasoned(hub: Hub, db: Connection, merchant: str, found: Sequence[Waiting]) -> list[Reasoned]:
    rules = sites.rules(db, merchant)
    said = {one.facts.id: _of_facts(one, rules, hub) for one in found}
    free = {one.facts.id: one.facts for one in found if said[one.facts.id] is None}
    view = view_of(db, merchant, free) if free else None
    return [Reasoned(one, said[one.facts.id] or (_of_goods(one, view) if view else None)) for one in found]


def _of_facts(one: Waiting, rules: Rules, hub: Hub) -> Wait | None:
    why = why_not(one.facts, rules, hub, short=one.short)
    if why is Wait.STOCK or (why is Wait.HELD and one.oversold and one.short):
        return Wait.MAPPING if one.unmapped else Wait.STOCK
    return why


def _of_goods(one: Waiting, view: View) -> Wait | None:
    """Nothing stops it but where its goods lie."""
    left = view.to_send(one.facts.id)
    if left and not plan(left, one.sends):
        return Wait.PLACE
    decided = one.decision
    return Wait.SPLIT if decided and not decided.split and not decided.sends else None
