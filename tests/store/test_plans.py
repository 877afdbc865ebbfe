"""No statement on an order's way reads a table whole, or a merchant's all, even in a young database without statistics."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from connectors.bogus import manifest
from core.flows import privacy
from core.flows.allocation import ask_waiting
from core.ports import About, Demand, Notice, Wanted
from core.store import inbox
from core.store.engine import Database
from tests.conftest import House
from tests.flows import acts

pytestmark = pytest.mark.usefixtures("young")

GROWING = "orders|order_lines|reservations|events|inbox|tasks|listings|listing_parts|levels|pushes|skus|shipments|parcels|purchases|papers"
WAITS = r"(?:COVERING )?INDEX (?:ix_order_lines_(?:to_release|waits|waiting)|sqlite_autoindex_locations_\d) "
WHOLE = {  # what waits to be sent, and nothing else, is read whole: whose turn it is is no column
    "sqlite": rf"SCAN (?:{GROWING}|[a-qs-z])\b|SEARCH (?!locations|connections|hooks|stations|books)\w+ USING (?!{WAITS}).*\(merchant=\?\)",
    "postgresql": rf"Seq Scan on (?:{GROWING})\b|Hash Join|Merge Join|ix_(?:listings|orders)_merchant"
    rf"|Scan (?:using \w+ )?on (?:{GROWING}|(?:ix|uq|pk)_\w+)\b[^\n]*\n(?!\s*(?:Index|Recheck) Cond)",
}
EXPLAIN = {"sqlite": "explain query plan ", "postgresql": "explain "}


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


def test_orders_that_are_copies_or_merge_are_found_without_reading_a_table_whole(make_house):
    house: House = make_house("north", "south")
    house.shelve(A=50, B=50)
    north, south = house.systems["north"], house.systems["south"]
    house.hub.connectors = {"bogus": manifest(north, south, merges=True)}
    north.merges = south.merges = True
    with statements(house.hub.database) as seen:
        first = north.sell({"A": 1})
        south.sell({"A": 1}, id="copy", source="north", source_id=first["id"])
        parts = [north.sell({"B": 1}, payment="unpaid")["id"] for _ in range(2)]
        look(house)
        north.combine(*parts)
        look(house)

    with house.hub.database.read() as db:
        found = db.exec_driver_sql("select count(copy_of), count(merged_into) from orders").one()
    assert tuple(found) == (1, 2)
    assert wholes(house.hub.database, seen) == []


@pytest.mark.parametrize("statement", ["select * from orders", "select * from orders where merchant || '' = 'x'"])
def test_a_statement_that_reads_all_would_be_found(database, statement):
    assert wholes(database, {statement: ()}) != []


def test_what_nothing_told_of_days_and_listings_are_compared_without_reading_a_table_whole(make_house):
    house: House = make_house("north", "south")
    house.shelve(A=50, B=50)
    north, one = house.systems["north"], house.connections["north"]
    acts.deliver(house, [acts.notice(north.sell({"A": 1}), "d1")], one)
    look(house)
    house.clock.pass_(timedelta(days=2))
    house.poll()
    with house.hub.database.write() as db:
        db.exec_driver_sql("update orders set placed_at = placed_at - 86400000000")
    with statements(house.hub.database) as seen:
        north.sell({"A": 1, "B": 2})
        north.listings["L-B", "B"].shown = 70
        look(house)
        for kind in ("compare_days", "compare_listings"):
            house.ask(kind, connection=one)
        house.drain(timedelta(minutes=4))
        house.clock.pass_(timedelta(hours=1))
        house.ask("compare_listings", connection=one)
        house.drain()

    assert [call for call, _ in north.calls if call in ("placed", "history")] == ["placed", "history", "history", "placed"]
    nightly = {"as day, count": "a merchant's orders of sixty days", "set accepted_at = null": "a handful, as a read-back push"}
    assert all(any(words in statement for statement in seen) for words in nightly)
    others = {statement: values for statement, values in seen.items() if not any(words in statement for words in nightly)}
    assert wholes(house.hub.database, others) == []


def test_buyers_are_found_and_forgotten_without_reading_a_table_whole(make_house):
    house: House = make_house("north", "south")
    house.shelve(A=50)
    north, one = house.systems["north"], house.connections["north"]
    sold = [north.sell({"A": 1}, ship_to={"name": "Ada Keller", "country": "US"})["id"] for _ in range(3)]
    look(house)
    with statements(house.hub.database) as seen:
        for at, what in enumerate((Wanted.EXPORT, Wanted.REDACT)):
            notice = Notice("demand", f"demand {at}", About.COMPLIANCE, "north", demand=Demand(what, (sold[0],), request=f"r{at}"))
            with house.hub.unit() as work:
                inbox.keep(work.db, [privacy.row_of(house.hub, one, notice)])
                work.ask(house.merchant.id, "comply", one.id, one.id)
            house.drain()
        house.clock.pass_(timedelta(days=50))
        house.ask("erase_expired", connection=one)
        house.drain()

    with house.hub.database.read() as db:
        told = db.exec_driver_sql("select count(*), count(person) from orders").one()
        acts = [row[0] for row in db.exec_driver_sql("select act from audit order by id")]
    assert (tuple(told), acts) == ((3, 0), ["privacy.export", "privacy.redact"])
    assert wholes(house.hub.database, seen) == []
