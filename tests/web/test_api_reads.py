"""What programs read: pages that join without a gap, orders that add up, nothing of anybody else's."""

import json
import re
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event, text

from core.domain.events import Event
from core.domain.feed import TYPES
from core.domain.ledgers import DocKind, Document, Posted
from core.domain.money import Money
from core.domain.requests import Asking, RequestState, Share, Way
from core.domain.roles import SCOPES
from core.domain.shipments import Load
from core.flows import books
from core.hub import Hub
from core.store import documents, doubts, requests, shipments, stock
from tests.flows.depot import ANN
from tests.store.test_plans import plan
from tests.web.programs import Program, a_program, a_stranger, routes
from tests.web.shop import Shop
from tests.web.test_pages import EMAIL, WORDS, watched

BODIES: dict[str, Any] = {
    "/api/v1/orders/<order>/hold": {"why": "address"},
    "/api/v1/orders/<order>/short": {"what": "backorder"},
    "/api/v1/orders/<order>/cancel": {"reason": "stock"},
    "/api/v1/orders/<order>/answer": {"agree": True},
    "/api/v1/orders/<order>/release": {},
    "/api/v1/orders/<order>/tag": {"tag": "gift"},
    "/api/v1/orders/<order>/untag": {"tag": "gift"},
    "/api/v1/orders/<order>/notes": {"note": "call first"},
    "/api/v1/skus": {"sku": "A", "weight_g": 120, "barcodes": ["4006381333931"], "bins": {"Main": "A-12"}},
    "/api/v1/stock/counts": {"sku": "A", "location": "Main", "on_hand": 7},
    "/api/v1/stock/assemblies": {"sku": "B", "location": "Main", "units": 1, "parts": [{"sku": "A", "units": 1}]},
    "/api/v1/stock/adjustments": {"sku": "A", "location": "Main", "units": 1, "why": "found"},
    "/api/v1/stock/quota": {"sku": "A", "quota": True},
    "/api/v1/stock/safety": {"sku": "A", "location": "Main", "units": 1},
    "/api/v1/stock/locations": {"name": "Attic"},
    "/api/v1/stock/locations/<place>": {"name": "Loft"},
    "/api/v1/stock/locations/<place>/remove": {},
    "/api/v1/inbounds": {"kind": "purchase", "location": "Main", "lines": [{"sku": "A", "units": 1}]},
    "/api/v1/inbounds/<inbound>": {"kind": "purchase", "location": "Main", "lines": [{"sku": "A", "units": 2}]},
    "/api/v1/inbounds/<inbound>/receipts": {"lines": [{"sku": "A", "received": 1}]},
    "/api/v1/inbounds/<inbound>/take-back": {"lines": [{"sku": "A", "received": 1}]},
    **{f"/api/v1/inbounds/<inbound>/{act}": {} for act in ("send", "close", "cancel", "reopen")},
    "/api/v1/requests/<wanted>/accept": {},
    "/api/v1/requests/<wanted>/refuse": {"reason": "none left"},
    "/api/v1/requests/<wanted>/sent": {"parcels": [{"carrier": "Van", "tracking": "T1", "lines": [{"line": "1", "units": 1}]}]},
    "/api/v1/requests/<wanted>/stopped": {},
    "/api/v1/requests/stock": {"location": "Supplier", "lines": [{"sku": "A", "units": 5}]},
    "/api/v1/listings/<int(max=9223372036854775807):id>/parts": {"parts": [{"sku": "A", "units": 1}]},
    "/api/v1/listings/<int(max=9223372036854775807):id>/kit": {"alone": True},
    "/api/v1/listings/<int(max=9223372036854775807):id>/rule": {"buffer": 2},
    "/api/v1/listings/<int(max=9223372036854775807):id>/choice": {"choose": "ours", "mark": "1.1.rule"},
    "/api/v1/connections/<connection_id>/leader": {"leads": "ask"},
    "/api/v1/tasks/<int(max=9223372036854775807):id>/retry": {},
}


def sell(shop: Shop, count: int = 1, **units: int) -> None:
    for _ in range(count):
        shop.deliver(shop.sold(**units or {"A": 1}))
        shop.clock.pass_(timedelta(seconds=1))
    shop.drain()


@pytest.fixture
def busy(either_shop: Shop) -> Shop:
    """Seven orders, two SKUs, their listings and facts."""
    either_shop.offer("A", "B")
    sell(either_shop, 7)
    return either_shop


def test_pages_of_orders_join_without_a_gap_and_without_doubles(busy: Shop) -> None:
    till = a_program(busy)

    in_pages, at_once = till.all("orders", 3), till.all("orders", 250)

    assert in_pages == at_once
    assert [one["placed_at"] for one in at_once] == sorted((one["placed_at"] for one in at_once), reverse=True)
    assert len({one["id"] for one in at_once}) == 7


@pytest.mark.parametrize("path", ["stock", "listings"])
def test_pages_of_stock_and_listings_join(busy: Shop, path: str) -> None:
    till = a_program(busy)

    assert till.all(path, 1) == till.all(path, 250)
    assert [one["sku"] for one in till.all(path, 1)] == ["A", "B"]


def test_orders_placed_in_the_same_moment_are_paged_without_a_gap(busy: Shop) -> None:
    with busy.hub.database.write() as db:
        db.execute(text("update orders set placed_at = 1795348800000000"))

    assert len({one["id"] for one in a_program(busy).all("orders", 2)}) == 7


def test_orders_are_found_by_connection_status_and_when_they_were_placed(busy: Shop) -> None:
    till = a_program(busy)
    with busy.hub.database.write() as db:
        db.execute(text("update orders set status = 'cancelled' where name = '#1003'"))
    third = next(one for one in till.all("orders", 250) if one["name"] == "#1003")
    later = datetime.fromisoformat(third["placed_at"]) + timedelta(milliseconds=1)

    def names(query: str) -> list[str]:
        return sorted(one["name"] for one in till.all(f"orders?{query}", 2))

    assert names(f"connection={busy.connection.id}") == [f"#100{n}" for n in range(1, 8)]
    assert names("connection=another") == []
    assert names("status=open") == ["#1001", "#1002", "#1004", "#1005", "#1006", "#1007"]
    assert names(f"placed_from={third['placed_at']}&placed_to={later.isoformat().replace('+00:00', 'Z')}") == ["#1003"]
    assert names(f"placed_to={third['placed_at']}&connection={busy.connection.id}&status=open") == ["#1001", "#1002"]


def test_a_list_shows_of_an_order_what_the_order_shows_itself_whether_its_statuses_are_written_down_or_not(busy: Shop) -> None:
    busy.send({**json.loads(busy.sold(A=1).body), "cancelled_at": "2026-11-22T13:00:00Z", "test": True})
    busy.drain()
    till = a_program(busy)

    def shown() -> tuple[list[Any], list[Any]]:
        heads = till.all("orders", 250)
        wholes = [till.get(f"orders/{head['id']}").get_json() for head in heads]
        return heads, [{name: whole[name] for name in head} for head, whole in zip(heads, wholes, strict=True)]

    heads, wholes = shown()
    assert heads == wholes
    assert {head["units_to_ship"] for head in heads} == {0, 1}
    with busy.hub.database.write() as db:
        for head in heads:
            named = {name: head[name] for name in ("id", "status", "payment", "fulfillment")}
            db.execute(text("update orders set status = :status, payment = :payment, fulfillment = :fulfillment where id = :id"), named)
    assert shown() == (heads, wholes)


def minor(amount: dict[str, Any]) -> int:
    found: int = amount["minor"]
    return found


def test_an_order_adds_up_in_minor_units(busy: Shop) -> None:
    till = a_program(busy)
    order = till.get(f"orders/{till.all('orders', 1)[0]['id']}").get_json()

    totals, extras = order["totals"], ("fees", "duties", "tips", "rounding")
    assert minor(totals["total"]) == sum(minor(one["charge"]["payable"]) for one in [*order["lines"], *order["shipping"]]) + sum(
        minor(totals[name]) for name in extras
    )
    line = order["lines"][0]
    assert minor(line["charge"]["net"]) == minor(line["charge"]["gross"]) - minor(line["charge"]["discount"])
    assert totals["total"]["text"] == f"{minor(totals['total']) / 100:.2f}"
    assert (line["ordered"], line["open"], line["reserved"], order["units_to_ship"]) == (1, 1, 1, 1)
    assert order["total"] == totals["total"]


def test_a_buyer_is_shown_to_keys_that_may_see_buyers_and_to_no_other(shop: Shop) -> None:
    shop.offer("A")
    shop.send(watched(json.loads(shop.sold(A=1).body)))
    shop.drain()
    others, may = a_program(shop, *(scope for scope in SCOPES_OF_ORDERS if scope != "orders.buyers")), a_program(shop, *SCOPES_OF_ORDERS)
    [order] = [one["id"] for one in may.all("orders", 5)]

    told = [others.get(path).text for path in ("orders", f"orders/{order}", f"orders/{order}/events", "events")]
    told += [may.get(path).text for path in ("orders", f"orders/{order}/events", "events")]

    assert [word for words in told for word in WORDS if word.lower() in words.lower()] == []
    assert others.get(f"orders/{order}").get_json()["buyer"] is None
    assert may.get(f"orders/{order}").get_json()["buyer"]["email"] == EMAIL


SCOPES_OF_ORDERS = ("orders.read", "orders.buyers")


def test_a_buyer_whose_data_went_is_none(busy: Shop) -> None:
    till = a_program(busy)
    with busy.hub.database.write() as db:
        db.execute(text("update orders set person = null"))

    assert till.get(f"orders/{till.all('orders', 1)[0]['id']}").get_json()["buyer"] is None


def test_the_feed_tells_every_fact_once_and_from_where_it_goes_on(busy: Shop) -> None:
    till = a_program(busy)
    found, after = [], 0
    while (page := till.get(f"events?limit=4&after={after}").get_json())["items"]:
        found, after = found + page["items"], page["next"]

    assert [one["id"] for one in found] == [id for (id,) in busy.rows("select id from events order by id")]
    assert sum(one["type"] == "order.taken" for one in found) == 7
    assert (page["next"], page["more"]) == (after, False)
    sell(busy)
    news = till.get(f"events?after={after}").get_json()["items"]
    assert [one["type"] for one in news] == ["order.taken", "stock.reserved"]
    assert till.get(f"orders/{news[0]['order']}/events").get_json()["items"] == news


def test_every_fact_has_a_name_for_programs_and_none_is_used_twice() -> None:
    assert set(TYPES) == set(Event.__args__)  # type: ignore[attr-defined]
    assert len(set(TYPES.values())) == len(TYPES)


def test_stock_that_nobody_counted_is_none_and_not_zero(busy: Shop) -> None:
    with busy.hub.database.write() as db:
        db.execute(text("delete from levels where sku = 'B'"))

    [found] = a_program(busy).get("stock?sku=B").get_json()["items"]

    assert (found["on_hand"], found["available"], found["shelves"]) == (None, None, [])
    assert a_program(busy).get("stock?sku=none").get_json()["items"] == []


def test_locations_are_named(busy: Shop) -> None:
    assert a_program(busy).get("stock/locations").get_json() == {"items": [{"id": "place", "name": "Main", "kind": "own"}]}


def test_listings_that_nobody_mapped_are_found(busy: Shop) -> None:
    with busy.hub.database.write() as db:
        db.execute(text("delete from listing_parts where sku = 'B'"))
        db.execute(text("update listings set mapped = false where sku = 'B'"))
    till = a_program(busy)

    assert [one["sku"] for one in till.all("listings?unmatched=true", 5)] == ["B"]
    assert [one["sku"] for one in till.all(f"listings?unmatched=true&connection={busy.connection.id}", 5)] == ["B"]
    assert [one["sku"] for one in till.all(f"listings?connection={busy.connection.id}", 5)] == ["A", "B"]


def test_tasks_are_paged_by_state(busy: Shop) -> None:
    with busy.hub.unit() as work:
        for n in range(5):
            work.ask(busy.merchant, "reserve", f"{busy.connection.id}/{n}", busy.connection.id)
    with busy.hub.database.write() as db:
        db.execute(text("update tasks set state = 'parked', cause = 'BadPayload' where state = 'due' and subject like '%/3'"))
        db.execute(text("update tasks set state = 'running', lease_until = 1 where state = 'due' and subject like '%/4'"))
    till = a_program(busy)

    def subjects(query: str) -> list[str]:
        return [one["subject"].rsplit("/")[-1] for one in till.all(f"tasks{query}", 2) if one["kind"] == "reserve"]

    assert subjects("") == ["0", "1", "2", "3", "4"]
    assert subjects("?state=due") == ["0", "1", "2"]
    assert (subjects("?state=parked"), subjects("?state=running")) == (["3"], ["4"])
    [parked] = till.all("tasks?state=parked", 1)
    assert till.get(f"tasks/{parked['id']}").get_json() == parked


def test_a_connection_tells_its_state(busy: Shop) -> None:
    till = a_program(busy)
    [one] = till.get("connections").get_json()["items"]

    assert till.get(f"connections/{one['id']}").get_json() == one
    assert (one["channel"], one["state"], one["live"], one["blocked_until"]) == ("shopify", "active", True, None)
    assert one["orders_read_to"] is not None


# ---- whose it is


def fill(path: str, values: dict[str, str]) -> str:
    kind, act = path.removeprefix("/api/v1/").split("/")[0], path.split("/")[-1]
    path = path.replace("<inbound>", values.get(act, values["inbound"]) if kind == "inbounds" else "")
    path = path.replace("<wanted>", act if kind == "requests" and act in REQUESTS else "accept")
    return (
        path.removeprefix("/api/v1/").replace("<", "{").replace(">", "}").replace("int(max=9223372036854775807):id", kind).format(**values)
    )


def ids(shop: Shop) -> dict[str, str]:
    return {
        "order": shop.one("select min(id) from orders"),
        "connection_id": shop.connection.id,
        "listings": str(shop.one("select min(id) from listings")),
        "tasks": str(shop.one("select min(id) from tasks")),
        "place": "empty",
        "payout": "payout",
        "document": "document",
        "inbound": "open",
        "send": "draft",
        **{act: act for act in INBOUND},
    }


INBOUND = {
    "close": "sent",
    "cancel": "sent",
    "receipts": "sent",
    "take-back": "sent",
    "reopen": "cancelled",
}  # the state that each act needs
DELIVERY = """
insert into inbounds (id, merchant, kind, state, location, created_at, who, name)
values (:id, :merchant, 'purchase', :state, 'place', 1, '', '')
"""
LINE = "insert into inbound_lines (merchant, inbound, sku, units, received) values (:merchant, :id, 'A', 2, :received)"


def deliveries(shop: Shop) -> None:
    """One in the state that each route about them needs, and a location where nothing lies."""
    with shop.hub.database.write() as db:
        stock.add_location(db, shop.merchant, "empty", "Empty")
        for id, state in {"open": "open", "draft": "open", **INBOUND}.items():
            db.execute(text(DELIVERY), {"id": id, "merchant": shop.merchant, "state": state})
            db.execute(text(LINE), {"id": id, "merchant": shop.merchant, "received": int(id == "take-back")})


PAYOUT = """
insert into payouts (id, merchant, connection, channel_id, state, at, currency, amount, seen_at)
values ('payout', :merchant, :connection, 'P1', 'paid', 1, 'USD', 0, 1)
"""


def document_of(hub: Hub, merchant: str, id: str, connection: str, state: str) -> None:
    """A document of a ledger that took it, or that has its period closed."""
    one = Document(DocKind.JOURNAL, f"N-{id}", date(2026, 11, 20), "USD")
    with hub.unit() as work:
        documents.add(work.db, merchant, connection, id, f"day|{id}", one, hub.box(merchant), work.now)
        said = Posted(f"ledger {id}", one.number, "1", Money(0, "USD"), Money(0, "USD"), "shape")
        if state == "posted":
            documents.posted(work.db, id, said, work.now)
        else:
            documents.block(work.db, id, "closed", "The period is closed.", hub.box(merchant))


def kept(shop: Shop) -> None:
    """Books, with a payout and a document."""
    books.begin(shop.hub, shop.merchant, date(2026, 11, 1), ANN)
    with shop.hub.database.write() as db:
        db.execute(text(PAYOUT), {"merchant": shop.merchant, "connection": shop.connection.id})
    document_of(shop.hub, shop.merchant, "document", shop.connection.id, "posted")


REQUESTS = {"accept": "asked", "refuse": "asked", "sent": "asked", "stopped": "withdrawing"}  # by act the state that it needs


def requested(shop: Shop) -> None:
    """A request for each act, of a location of somebody who sends."""
    with shop.hub.unit() as work:
        stock.add_location(work.db, shop.merchant, "theirs", "Supplier", kind="dropship")
        asking = Asking(Way.MAIL, to="orders@supplier.example")
        requests.set_asking(work.db, shop.merchant, "theirs", asking, shop.hub.box(shop.merchant))
        orders = [row.id for row in work.db.execute(text("select id from orders order by id limit 4"))]
        for n, ((act, state), order) in enumerate(zip(REQUESTS.items(), orders, strict=True), 90):
            head = {"id": f"s-{act}", "order_id": order, "number": n, "name": f"S{n}", "location": "theirs", "ship_by": None, "person": "",
                    "way": "request"}  # fmt: skip
            box = {"id": f"p-{act}", "shipment": f"s-{act}", "number": 1, "token": f"t-{act}", "weight_g": 0}
            shipments.add(work.db, shop.merchant, [head], [(f"s-{act}", Load("1", "A", 1, {"A": 1}))], [box], work.now)
            asked = {"id": act, "shipment": f"s-{act}", "location": "theirs", "way": "mail", "connection": None, "token": act}
            requests.add(work.db, shop.merchant, [asked], [(act, Share("1", "A", "A", 1))], work.now)
            requests.become(work.db, act, RequestState(state), work.now)


LISTS_OF_MINE = (
    "requests",
    "skus",
    "orders",
    "stock",
    "stock/locations",
    "stock/movements",
    "inbounds",
    "listings",
    "listings/changed",
    "connections",
    "tasks",
    "events",
    *(f"books/{name}" for name in ("entries", "balances", "payouts", "open", "documents", "profit")),
)


def test_nothing_of_another_merchants_is_there_whatever_route_is_asked(busy: Shop) -> None:
    deliveries(busy)
    requested(busy)
    kept(busy)
    stranger, mine, known = a_stranger(busy), a_program(busy), ids(busy)
    with busy.hub.unit() as work:
        row = {"id": int(known["listings"]), "name": "one that somebody is asked about", "theirs": 2, "ours": 1, "units": 1}
        doubts.keep(work.db, busy.merchant, busy.connection.id, [row], at=1, now=1)
        doubts.ask(work.db, {row["id"]: "rule"})
    asked = [(method, fill(path, known), BODIES.get(path) if method != "GET" else None) for method, path, _ in routes(busy.hub)]

    mine_says = {(method, path): mine.ask(method, path, body).status_code for method, path, body in asked}
    theirs = {(method, path): stranger.ask(method, path, body) for method, path, body in asked}

    cannot = {("POST", f"orders/{known['order']}/short"), ("PUT", f"listings/{known['listings']}/kit")}  # it lacks nothing; it is in quota
    assert {route for route, status in mine_says.items() if status != 200} == cannot, "and these for a reason of their own"
    own = {("GET", path) for path in LISTS_OF_MINE} | {("POST", "stock/locations"), ("GET", "books")}  # a stranger may have their own
    assert {route: answer.status_code for route, answer in theirs.items()} == {route: 200 if route in own else 404 for route in mine_says}
    assert all(theirs["GET", path].get_json()["items"] == [] for path in LISTS_OF_MINE)


def test_a_page_of_anothers_begins_nowhere(busy: Shop) -> None:
    place = a_program(busy).get("orders?limit=1").get_json()["next"]

    assert a_stranger(busy).get(f"orders?after={place}").get_json()["items"] == []
    assert a_stranger(busy).get(f"orders?connection={busy.connection.id}").get_json()["items"] == []
    assert a_stranger(busy).get(f"listings?connection={busy.connection.id}").get_json()["items"] == []


def test_a_route_lets_in_keys_with_its_scope_and_no_other(shop: Shop) -> None:
    shop.offer("A")
    sell(shop)
    asked = [(method, fill(path, ids(shop)), BODIES.get(path), needs) for method, path, needs in routes(shop.hub)]
    let_in = {
        scope: {path for method, path, body, _ in asked if ask(a_program(shop, scope), method, path, body) != 403} for scope in SCOPES
    }

    assert let_in == {scope: {path for _, path, _, needs in asked if needs == scope} for scope in SCOPES}
    assert {needs for *_, needs in asked} | {"orders.buyers"} == set(SCOPES)


def ask(till: Program, method: str, path: str, body: Any) -> int:
    return till.ask(method, path, body).status_code


# ---- how much at once, how often


def test_a_page_is_at_most_250(shop: Shop) -> None:
    till = a_program(shop)

    assert [till.get(f"orders?limit={n}").status_code for n in (0, 1, 250, 251, -1)] == [422, 200, 200, 422, 422]


def statements(shop: Shop, till: Program, path: str) -> list[tuple[str, Any]]:
    return statements_of(till, path)


def statements_of(till: Program, path: str) -> list[tuple[str, Any]]:
    """What is said to the database, with its parameters, while this is answered."""
    said: list[tuple[str, Any]] = []

    def hear(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        if re.match(r"\s*(select|insert|update|delete|with)", statement):
            said.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", hear)
    try:
        assert till.get(path).status_code == 200
    finally:
        event.remove(Engine, "before_cursor_execute", hear)
    return said


PATHS = ("orders", "orders/{order}", "orders/{order}/events", "stock", "stock?sku=A", "listings", "connections", "tasks", "events")


def test_no_answer_costs_more_than_eight_statements(busy: Shop) -> None:
    till = a_program(busy)
    till.get("orders")  # the merchant's own key is opened once a process

    assert {path: len(found) for path in PATHS if len(found := statements(busy, till, path.format(**ids(busy)))) > 8} == {}


# Where each list begins to read, and that nothing is sorted for it: the cost of a page is that of its own rows.
BY_INDEX = {
    "orders?limit=2": "ix_orders_merchant_placed_at_id",
    "orders?limit=2&after={behind}": "ix_orders_merchant_placed_at_id",
    "orders?status=open": "ix_orders_status",
    "orders?connection={connection_id}": "ix_orders_connection_placed_at_id",
    "stock?limit=1": "pk_skus",
    "tasks": "uq_tasks_open",
    "tasks?state=due": "uq_tasks_open",
    "events?limit=2": "ix_events_merchant_id",
    "orders/{order}/events": "ix_events_subject_id",
    "listings?limit=1": "ix_listings_merchant_id",
}
SORTS = {"sqlite": r"TEMP B-TREE|SCAN (?:orders|o|events|tasks|listings|n|skus)\b", "postgresql": r"\bSort\b|Seq Scan"}
LISTS = ("from orders o", "from events", "from tasks", "from skus where", "from listings n")


@pytest.mark.usefixtures("young")
def test_a_page_is_found_by_an_index_that_has_it_in_order(busy: Shop) -> None:
    till, kind = a_program(busy), busy.hub.database.engine.dialect.name
    behind = till.get("orders?limit=1").get_json()["next"]

    for query, index in BY_INDEX.items():
        said = statements(busy, till, query.format(**ids(busy), behind=behind))
        pages = [one for one in said if any(words in one[0] for words in LISTS) and "limit" in one[0]]
        plans = "\n".join(plan(busy.hub.database, *one) for one in pages)
        assert (index if kind == "postgresql" or "pk_" not in index else "INDEX") in plans, (query, plans)
        assert "listings" in query or re.findall(SORTS[kind], plans) == [], (query, plans)  # a page of listings is sorted when it was found
