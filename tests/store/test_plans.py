"""No statement on an order's way reads a table whole, or a merchant's all, even in a young database without statistics."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from core.flows.allocation import ask_waiting
from core.store.engine import Database
from tests.conftest import House
from tests.servers import Databases

GROWING = "orders|order_lines|reservations|events|inbox|tasks|listings|listing_parts|levels|pushes|skus"
WHOLE = {
    "sqlite": rf"SCAN (?:{GROWING}|[a-qs-z])\b|SEARCH (?!locations|connections)\w+ USING .*\(merchant=\?\)",
    "postgresql": rf"Seq Scan on (?:{GROWING})\b|Hash Join|Merge Join|ix_(?:listings|orders)_merchant"
    rf"|Scan (?:using \w+ )?on (?:{GROWING}|(?:ix|uq|pk)_\w+)\b[^\n]*\n(?!\s*(?:Index|Recheck) Cond)",
}
EXPLAIN = {"sqlite": "explain query plan ", "postgresql": "explain "}


@pytest.fixture(autouse=True)
def _young(request: pytest.FixtureRequest) -> None:
    if "postgresql" in request.node.name:
        databases: Databases = request.getfixturevalue("postgres_databases")
        databases.only_young()


@contextmanager
def statements(database: Database) -> Iterator[dict[str, Any]]:
    """What is said to the database meanwhile, with the last parameters of each."""
    seen: dict[str, Any] = {}

    def see(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        seen[statement] = parameters

    event.listen(database.engine, "before_cursor_execute", see)
    yield seen
    event.remove(database.engine, "before_cursor_execute", see)


def plan(database: Database, statement: str, parameters: Any) -> str:
    with database.read() as db:
        rows = db.exec_driver_sql(EXPLAIN[db.dialect.name] + statement, parameters).fetchall()
    return "\n".join(str(row[-1]) for row in rows)


def wholes(database: Database, seen: dict[str, Any]) -> list[str]:
    found = []
    for statement, parameters in seen.items():
        if re.match(r"\s*(select|insert|update|delete|with)", statement) and "budgets" not in statement:
            hits = re.findall(WHOLE[database.engine.dialect.name], plan(database, statement, parameters))
            found += [f"{' '.join(statement.split())[:80]}: {hit}" for hit in hits]
    return found


def look(house: House) -> None:
    house.clock.pass_(timedelta(minutes=5))
    house.poll()


def test_taking_orders_in_and_again_and_telling_the_channels_reads_no_table_whole(make_house):
    house: House = make_house("north", "south")
    house.shelve(A=50, B=50)
    north = house.systems["north"]
    with statements(house.hub.database) as seen:
        for _ in range(3):
            north.sell({"A": 1, "B": 2})
        look(house)
        north.change("1001", cancelled_at=house.clock.now.isoformat())
        look(house)

    assert len(house.systems["south"].listings["L-A", "A"].writes) > 0
    assert len(seen) > 25
    assert wholes(house.hub.database, seen) == []


def test_lines_that_waited_for_a_listing_and_for_stock_are_found_without_reading_a_table_whole(make_house):
    house: House = make_house("north")
    house.shelve(A=1)
    with statements(house.hub.database) as seen:
        house.bogus.sell({"A": 3, "NEW": 1})
        look(house)
        house.shelve(A=9, NEW=9)
        with house.hub.unit() as work:
            ask_waiting(work, house.merchant.id)
        house.drain()

    with house.hub.database.read() as db:
        held = db.exec_driver_sql("select sum(held) from order_lines").scalar_one()
    assert held == 4
    assert wholes(house.hub.database, seen) == []


@pytest.mark.parametrize("statement", ["select * from orders", "select * from orders where merchant || '' = 'x'"])
def test_a_statement_that_reads_all_would_be_found(database, statement):
    assert wholes(database, {statement: ()}) != []
