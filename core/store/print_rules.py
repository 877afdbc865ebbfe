"""A merchant's rules for what is bought and printed on release, and what they may ask of orders."""

from collections.abc import Iterable

import msgspec
from sqlalchemy import Connection

from core.domain.print_rules import PrintRules
from core.store import people
from core.store.sql import run_set

SETTING = "print_rules"


def rules(db: Connection, merchant: str) -> PrintRules:
    """In their order."""
    _, chosen = people.settings(db, merchant)
    return msgspec.convert(chosen.get(SETTING, {}), PrintRules)


def set_rules(db: Connection, merchant: str, rules: PrintRules) -> None:
    people.choose(db, merchant, **{SETTING: msgspec.to_builtins(rules)})


TAGS = "select g.order_id, g.tag from {rows} left join order_tags g on g.order_id = r.id and g.merchant || '' = :merchant"


def tags(db: Connection, merchant: str, orders: Iterable[str]) -> dict[str, set[str]]:
    """The tags that staff put on these orders."""
    found: dict[str, set[str]] = {}
    rows = [{"id": id} for id in sorted(set(orders))]
    for row in run_set(db, TAGS, {"id": "text"}, rows, merchant=merchant) if rows else ():
        if row.order_id is not None:
            found.setdefault(row.order_id, set()).add(row.tag)
    return found
