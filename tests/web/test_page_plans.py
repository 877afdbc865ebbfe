"""Every page and act, on both databases: at most eight statements to show one, and none that reads a table whole."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event

from core import jobs
from core.domain.money import Money
from core.domain.payouts import Leaf, Movement, Occasion, Paid, Part, Payout
from core.domain.shelf_moves import DAY, Cause, Reading, ShelfMove, ToldDays
from core.flows import books, costing
from core.store import attention, findings, payouts, shelf_moves
from core.store.attention import SOURCES
from core.store.engine import Database
from core.store.findings import Finding
from core.store.sql import run
from tests.flows.depot import ANN
from tests.store.test_plans import GROWING, plan
from tests.web.programs import a_program
from tests.web.rooms import person
from tests.web.shop import Shop
from web.pages.shipments import STATES

pytestmark = pytest.mark.usefixtures("young")
MOST = 8
KEYS = r"sqlite_autoindex_(?:locations|ignored|boxes|books|day_rates)_\d"
GROWS = f"{GROWING}|sku_words|barcodes|bins|findings|movements|letters|buyer_letters|audit"
GROWS += "|unit_costs|costless|carrier_bills|carrier_bill_lines|entries|postings|items|payouts|payout_lines|documents|margins|shelf_moves"
GROWS += "|shipments|shipment_lines|parcels|purchases|papers|tracks|callings_off|captures|requests|request_lines|request_parcels|print_jobs"
SHORT = (  # whole, and never long
    rf"ix_(?:connections|places|place_locations|hooks|stations)_merchant|ix_order_lines_(?:to_release|waits)|ix_tasks_parked|ix_orders_problems|ix_order_lines_waiting|uq_alerts_open|{KEYS}"
)
WHOLE = {
    "sqlite": rf"SCAN (?:{GROWS}|[a-qs-z])\b|SEARCH \w+ USING (?:COVERING )?INDEX (?!{SHORT})\S+ \(merchant=\?\)",
    "postgresql": rf"Seq Scan on (?:{GROWS})\b|Hash Join|Merge Join|ix_listings_merchant"
    rf"|Scan (?:using \w+ )?on (?:{GROWS}|(?:ix|uq|pk)_\w+)\b[^\n]*\n(?!\s*(?:Index|Recheck) Cond)",
}


@contextmanager
def heard() -> Iterator[dict[str, Any]]:
    """What is said to any database meanwhile, by whatever role, with the last parameters of each."""
    seen: dict[str, Any] = {}

    def see(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        seen[statement] = parameters

    event.listen(Engine, "before_cursor_execute", see)
    yield seen
    event.remove(Engine, "before_cursor_execute", see)


def wholes(database: Database, seen: dict[str, Any]) -> list[str]:
    asked = {words: values for words, values in seen.items() if re.match(r"\s*(select|insert|update|delete|with)", words)}
    plans = {words: re.findall(WHOLE[database.engine.dialect.name], plan(database, words, values)) for words, values in asked.items()}
    return [f"{' '.join(words.split())[:100]}: {hits}" for words, hits in plans.items() if hits]


@pytest.fixture
def busy(either_shop: Shop) -> Shop:
    """Something of everything that the pages show."""
    shop = either_shop
    shop.offer("A", "B", units=3)
    shop.deliver(shop.sold(A=5))
    shop.simulator.catalogue([{"sku": "X", "title": "a", "price": "10.00", "quantity": 4, "currency": "USD"}])
    shop.deliver(shop.sold(X=2))
    shop.send({**json.loads(shop.sold(B=1).body), "financial_status": "wondrous"})
    shop.send({**json.loads(shop.sold(B=1).body), "total_price": "nonsense"})
    with shop.hub.unit() as work:
        work.ask(shop.merchant, "read_listings", shop.connection.id, shop.connection.id)
        found = Finding(shop.connection.id, "day", "2026-11-20", "12 orders", "11 orders", work.now)
        findings.keep(work.db, shop.merchant, shop.connection.id, [found])
    shop.drain()
    shop.make_ready()
    shop.clock.pass_(timedelta(minutes=1))
    return shop


CONNECTION = "the shop's"
PAGES: tuple[tuple[str, dict[str, str]], ...] = (
    ("/", {}), ("/live", {}), ("/stock", {}), ("/stock", {"after": "A"}), ("/stock", {"q": "a"}), ("/stock", {"q": "a b"}),
    ("/stock/sku", {"sku": "A"}), ("/stock/windows", {}), ("/stock/windows/sku", {"sku": "A"}),
    ("/stock/sku", {"sku": "A"}), ("/stock/card", {"sku": "A"}), ("/stock/lacks", {}), ("/stock/lacks", {"what": "size", "after": "A"}),
    ("/stock/unmatched", {}), ("/stock/locations", {}), ("/stock/import", {}), ("/stock/promise", {}),
    *(("/shipments", {"state": state}) for state in STATES), ("/shipments", {"location": "place", "at": "1", "id": "x"}),
    ("/shipments/live", {}), ("/shipments/waiting", {}), ("/shipments/S1", {}), ("/shipments/S1/story", {}), ("/shipments/day", {}),
    ("/shipments/S1/offers", {}), ("/shipments/S1/printers", {}), ("/print", {}), ("/print/rules", {}), ("/totes", {}),
    ("/totes", {"tote": "T-1"}), ("/bench", {}), ("/bench", {"at": "S1"}),
    ("/requests", {}), ("/requests", {"state": "sent", "location": "place"}),
    ("/shipments/together", {}), ("/shipments/together", {"name": "S1"}), ("/shipments/S1/parcel", {}),
    ("/connections/carriers", {}), ("/connections/ledgers", {}),
    ("/books", {}), ("/books/payouts", {}), ("/books/open", {}), ("/books/certificate", {}), ("/books/balances", {}),
    ("/books/ledgers", {}), ("/books/gateways", {}), ("/books/gateways/deposit", {}), ("/books/deposits", {}), ("/books/opening", {}),
    ("/books/held", {}), ("/books/rates", {}),
    *(("/books/profit", {"by": tab}) for tab in ("channel", "sku", "order")),
    ("/books/costs", {}), ("/books/postage", {}),
    ("/attention", {}), ("/start", {}), ("/settings/alerts", {}), ("/settings/buyers", {}), ("/settings/routing", {}),
    ("/start/difference", {"connection": CONNECTION}),
    *((f"/attention/{cause}", {}) for cause in (*SOURCES, "unreadable", "found-day", "login")),
)  # fmt: skip


def test_no_page_asks_much_or_reads_a_table_whole(busy: Shop) -> None:
    ana = person(busy.hub, busy.merchant)
    asked = {}
    with heard() as seen:
        for path, said in PAGES:
            assert ana.get(path, **{name: busy.connection.id if value == CONNECTION else value for name, value in said.items()})
            asked[path, *said.values()] = len(ana.statements)

    assert {path: count for path, count in asked.items() if count > MOST} == {}
    assert wholes(busy.hub.database, seen) == []


def test_days_of_shelves_are_kept_booked_and_shown_without_reading_a_table_whole(busy: Shop) -> None:
    day, connection = busy.hub.clock().date() - timedelta(days=1), busy.connection.id
    books.begin(busy.hub, busy.merchant, day, ANN)
    costing.switch(busy.hub, busy.merchant, day, ANN)
    ana = person(busy.hub, busy.merchant)
    with heard() as seen:
        with busy.hub.unit() as work:
            shelf_moves.replace(work.db, busy.merchant, connection, ToldDays(day, day + DAY, (ShelfMove(day, "A", Cause.LOST, "M", -1),)))
            shelf_moves.keep_reading(work.db, busy.merchant, connection, work.now, Reading(day, day + DAY, day))
            work.ask(busy.merchant, "book_shelves", connection, connection)
        jobs.drain(busy.hub, "inside")
        assert "Days read" in ana.get("/books/costs")

    assert len(ana.statements) <= MOST
    assert wholes(busy.hub.database, {words: values for words, values in seen.items() if "shelf" in words or "entries" in words}) == []


def test_no_page_of_stock_for_programs_reads_a_table_whole(busy: Shop) -> None:
    till = a_program(busy)
    asked = {"kind": "purchase", "location": "Main", "sender": "Mill", "lines": [{"sku": "A", "units": 6}]}
    till.ask("POST", f"inbounds/{till.ask('POST', 'inbounds', asked).get_json()['id']}/send", {})
    with heard() as seen:
        items = till.get("stock").get_json()["items"]

    assert [one["coming_units"] for one in items] == [6, 0]
    assert wholes(busy.hub.database, seen) == []


READ = (  # of the books, by programs
    "", "/entries", "/entries?account=clearing", "/entries?account=clearing&connection=c", "/entries?since=2026-11-01&until=2026-11-30",
    "/entries?order={order}", "/entries?order={order}&account=sales", "/entries?payout={payout}", "/balances", "/payouts",
    "/payouts?connection=c", "/payouts/{payout}", "/payouts/{payout}/lines", "/payouts/{payout}/certificate", "/open", "/open?breaks=true",
    "/documents", "/documents?state=blocked", "/certificate", "/profit", "/profit?by=sku", "/profit?by=order",
)  # fmt: skip


def test_no_answer_about_the_books_reads_a_table_whole_or_asks_much(busy: Shop) -> None:
    books.begin(busy.hub, busy.merchant, date(2026, 1, 1), ANN)
    amount, at = Money(500, "USD"), busy.hub.clock()
    with busy.hub.unit() as work:
        payouts.see(work.db, busy.merchant, busy.connection.id, [("p1", Payout("P-1", Paid.PAID, at, amount))], work.now)
        line = Movement("m1", Occasion.ADJUSTMENT, at, amount, (Part(Leaf.ADJUSTMENT, amount),))
        payouts.hold(work.db, busy.merchant, busy.connection.id, "P-1", [line])
        payouts.page_read(work.db, "p1", None, work.now)
    busy.drain()
    till, named = a_program(busy), {"order": busy.one("select min(id) from orders"), "payout": "p1"}
    asked = {}
    for path in READ:
        with heard() as seen:
            assert till.get(f"books{path.format(**named)}").status_code == 200, path
        ours = {words: values for words, values in seen.items() if "entries" in words or "postings" in words or "payout" in words}
        asked[path] = (len(seen) <= MOST + 4, wholes(busy.hub.database, ours))

    assert {path: found for path, found in asked.items() if found != (True, [])} == {}


def test_no_act_reads_a_table_whole(busy: Shop) -> None:
    ana = person(busy.hub, busy.merchant)
    [subject, *_] = re.findall(r'name="subject" value="([^"]+)"', ana.get("/attention/problem"))
    [(listing,)] = busy.rows("select id from listings where sku = 'X'")
    with heard() as seen:
        ana.post("/stock/sku", sku="A", location="place", seen=3, how="to", units=9, reason="counted")
        ana.post("/stock/sku", sku="A", location="place", seen=9, how="by", units=1, reason="found")
        ana.post("/stock/unmatched", only=listing, new=1, **{f"sku_{listing}": "X"})
        ana.post("/stock/unmap", id=listing, was="")
        ana.post("/stock/rule", sku="A", id=listing, **{f"cap_{listing}": 3})
        ana.post("/stock/stop", sku="A")
        ana.post("/stock/quota", sku="A")
        ana.post("/stock/assemble", sku="X", location="place", parts="A=1", units=1)
        ana.post("/stock/kit", sku="A", id=listing, parts="A=2, B")
        ana.post("/stock/kit/how", sku="A", id=listing, channel=1)
        ana.post("/stock/kit/how", sku="A", id=listing)
        ana.post("/stock/quota", sku="A", pool=1)
        ana.post("/stock/kit/how", sku="A", id=listing, alone=1)
        ana.get("/stock/sku", sku="A")
        ana.post("/stock/card", sku="A", weight_g="5", barcodes="X1 X2", bin_place="A-1")
        ana.post("/stock/card", sku="A", barcodes="X2", was_barcodes="X1 X2", bin_place="", was_bin_place="A-1")
        busy.drain()
        ana.post("/attention/unreadable/retry", all=1)
        ana.post("/attention/problem/ignore", subject=subject, note="fine")
        ana.post("/attention/problem/show", subject=subject.partition(" ")[2])
        ana.post("/attention/read", connection=busy.connection.id)

    assert wholes(busy.hub.database, seen) == []


def test_no_order_is_called_off_by_reading_a_table_whole(busy: Shop) -> None:
    ana, order = person(busy.hub, busy.merchant), busy.one("select min(id) from orders")
    with heard() as seen:
        ana.post(f"/orders/{order}/cancel", reason="stock")
        assert "The channel is being told" in ana.get(f"/orders/{order}/cancel")
        ana.get(f"/orders/{order}/address")
        ana.post(f"/orders/{order}/uncancel")
        ana.post(f"/orders/{order}/cancel", reason="stock")
        busy.drain()
        busy.clock.pass_(timedelta(minutes=1))
        busy.drain()

    assert busy.rows("select state from callings_off order by state") == [("done",), ("withdrawn",)]
    ours = {words: values for words, values in seen.items() if "callings_off" in words}
    assert len(ours) >= 8
    assert wholes(busy.hub.database, ours) == []


def test_no_payment_is_captured_by_reading_a_table_whole(busy: Shop) -> None:
    ana, order = person(busy.hub, busy.merchant), busy.one("select min(id) from orders where payment = 'paid'")
    with busy.hub.database.write() as db:
        promised = """replace(doc, '"payment_status":"paid"', '"payment_status":"authorized"')"""
        db.exec_driver_sql(f"update orders set payment = 'authorized', doc = {promised} where id = '{order}'")
    with heard() as seen:
        ana.post(f"/orders/{order}/capture")
        assert "The payment is being captured" in ana.get(f"/orders/{order}/capture")
        busy.drain()
        busy.clock.pass_(timedelta(minutes=1))
        busy.drain()

    assert busy.rows("select state from captures") == [("done",)]
    ours = {words: values for words, values in seen.items() if "captures" in words}
    assert len(ours) >= 4
    assert wholes(busy.hub.database, ours) == []


def test_looking_for_what_cannot_wait_reads_no_table_whole(busy: Shop) -> None:
    with busy.hub.unit() as work:
        work.db.exec_driver_sql("insert into users (id, email, data_key, created_at) values ('u1', 'ana@north.example', '', 1)")
        member = f"insert into members (merchant, user_id, role, created_at) values ('{busy.merchant}', 'u1', 'owner', 1)"
        work.db.exec_driver_sql(member)
        work.ask(busy.merchant, "raise_alerts", busy.merchant)
    with heard() as seen:
        busy.drain()

    assert busy.one("select count(*) from letters") == 1
    assert wholes(busy.hub.database, seen) == []


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite has no such lock
def test_behind_the_second_lock_a_listing_is_found_by_its_name(busy: Shop) -> None:
    """No index is asked there for what coalesce makes of another row."""
    busy.hub.database.bind(busy.merchant)
    with busy.hub.database.read() as db:
        found = "\n".join(row[0] for row in run(db, f"explain {attention.UNKNOWN}", merchant=busy.merchant))
    busy.hub.database.bind("")

    assert re.search(r"Index Cond: [^\n]*\blisting =", found)
    assert "CASE merchant" in found  # it was asked as the web asks
