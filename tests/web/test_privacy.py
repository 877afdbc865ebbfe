"""What the channels and the law demand of buyers' data: handed out, forgotten, erased; told by the simulators, done by tasks."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from config import schedule
from config.processes import make_doors, make_wsgi
from config.settings import load
from config.simulators import make_stage
from config.wiring import make_hub
from connectors.shopify.simulator import ACCOUNT
from connectors.simulation import InProcess, Post
from core import jobs
from core.domain.roles import Role
from core.flows import connections as flows
from core.flows import join, privacy
from core.store import connections, stock
from core.store import privacy as held
from tests.conftest import Clock
from tests.flows import books
from tests.web.desk import Desk
from tests.web.inside import rows_of
from tests.web.shop import Shop
from web.app import make_app
from web.visitor import Visitor


@pytest.fixture
def law(either_shop: Shop) -> Shop:
    """On both databases; `here` is on SQLite alone, for what is about answers."""
    return sold_to_ada_and_ben(either_shop)


@pytest.fixture
def here(shop: Shop) -> Shop:
    return sold_to_ada_and_ben(shop)


def sold_to_ada_and_ben(shop: Shop) -> Shop:
    """Ada bought twice, Ben once; all of it is kept, with notes and words to find it by. One notice of Ada's nobody can read: it waits."""
    shop.offer("A")
    bodies = [json.loads(shop.sold("paid", A=1).body) for _ in range(3)]
    for body, (number, email) in zip(bodies, ((71, "Ada@Example.com"), (71, "ada@example.com"), (72, "ben@example.com")), strict=True):
        shop.send(bought(body, number, email))
    shop.drain()
    shop.send({**bought(bodies[1], 71, "ada@example.com"), "updated_at": "2027-01-02T00:00:00Z", "total_price": "lots"})
    shop.drain()
    with shop.hub.database.write() as db:
        for id, _ in orders(shop):
            values = {"m": shop.merchant, "o": id, "w": shop.hub.box(shop.merchant).seal_text(f"order_notes|words|{id}", b"call her")}
            db.exec_driver_sql(
                *said(db, "insert into order_notes (merchant, order_id, who, name, words, at) values (:m, :o, 'u', 'Ed', :w, 1)", values)
            )
    return shop


def said(db: Any, statement: str, values: dict[str, Any]) -> tuple[str, Any]:
    """A statement with named values, in the driver's own way of naming them."""
    if db.dialect.name == "sqlite":
        return statement, values
    for name in values:
        statement = statement.replace(f":{name}", f"%({name})s")
    return statement, values


def bought(body: dict[str, Any], number: int, email: str) -> dict[str, Any]:
    customer = {**body["customer"], "id": number, "admin_graphql_api_id": f"gid://shopify/Customer/{number}", "email": email}
    return {**body, "email": email, "contact_email": email, "customer": customer}


def orders(shop: Shop) -> list[tuple[str, str]]:
    """(our id, the shop's) in the order in which they were placed."""
    return shop.rows("select id, channel_id from orders order by channel_id")


def known(shop: Shop) -> list[bool]:
    """Of each order, whether we know who bought it."""
    return [person is not None for (person,) in shop.rows("select person from orders order by channel_id")]


def tell(shop: Shop, what: str, **wish: Any) -> list[int]:
    before = len(shop.world.outbox)
    shop.simulator.befall(what, wish)
    return [shop.deliver(one) for one in shop.world.outbox[before:]]


# ---- a customer is forgotten


@pytest.mark.parametrize(
    "customer", [{"id": 71}, {"id": None, "email": " ADA@example.com "}, {"id": 71, "email": "ada@example.com", "phone": "+1"}], ids=str
)
def test_a_customer_who_is_to_be_forgotten_is_and_nobody_else(law, customer):
    assert tell(law, "redact", customer=customer) == [200]
    law.drain()

    [_, _, (third, _)] = orders(law)
    assert known(law) == [False, False, True]
    assert law.rows("select distinct order_id from order_words where personal") == [(third,)]
    assert [one for (one,) in law.rows("select order_id from order_notes")] == [third]
    refs = [f"{law.connection.id}/{number}" for _, number in orders(law)]
    assert {ref for (ref,) in law.rows("select ref from inbox where body is not null")} == {refs[2]}
    assert [ref for (ref,) in law.rows("select subject from events where kind = 'BuyerForgotten' order by subject")] == refs[:2]
    assert law.rows("select who, act, body from audit") == [("channel/shopify", "privacy.redact", '{"orders": 2}')]


def test_orders_that_are_named_are_forgotten_whoever_bought_them(law):
    [_, _, (_, number)] = orders(law)
    raw = {"shop_id": 1, "shop_domain": ACCOUNT, "orders_to_redact": [int(number), 404], "customer": {}}

    assert law.send(raw, "customers/redact")[0] == 200
    law.drain()

    assert known(law) == [True, True, False]


def test_forgetting_twice_is_forgetting_once_and_the_order_stays_as_it_is(law):
    before = law.rows("select id, doc, total, revision from orders order by id")
    for _ in range(2):
        tell(law, "redact", customer={"id": 71})
        law.drain()

    assert law.rows("select id, doc, total, revision from orders order by id") == before
    assert law.rows("select state from tasks where kind = 'comply' and state <> 'done'") == []
    assert law.one("select count(*) from inbox where ref like '%!demands'") == 0


def test_a_forgotten_buyers_words_are_nowhere_in_the_file(here, tmp_path):
    """Sealed as they were: with the merchant's key they could still be read."""
    # PostgreSQL overwrites in its own time
    secrets = [person.encode()[:60] for (person,) in here.rows("select person from orders order by channel_id")]
    secrets += [bytes(body)[:60] for (body,) in here.rows("select body from inbox where body is not null order by ref") if body]
    assert all(any(secret in raw for raw in files(tmp_path)) for secret in secrets)

    tell(here, "redact", customer={"id": 71})
    here.drain()

    [kept] = [person.encode()[:60] for (person,) in here.rows("select person from orders") if person]
    mine = [bytes(body)[:60] for (body,) in here.rows("select body from inbox where body is not null")]
    left = {secret for secret in secrets if any(secret in raw for raw in files(tmp_path))}
    assert left == {kept, *mine}


def files(home: Path) -> list[bytes]:
    return [path.read_bytes() for path in home.glob("house.db*")]


def test_a_task_that_dies_over_it_is_done_by_the_next_try(law, monkeypatch):
    monkeypatch.setattr(held, "STEP", 1)
    calls = iter([True, False, False, False, False, False])
    usual = privacy.forget

    def dying(*values: Any) -> None:
        usual(*values)
        if next(calls):
            raise ConnectionResetError

    monkeypatch.setattr(privacy, "forget", dying)
    tell(law, "redact", customer={"id": 71})
    law.drain()
    assert law.one("select state from tasks where kind = 'comply'") == "parked"
    with law.hub.unit() as work:
        work.ask(law.merchant, "comply", law.connection.id, law.connection.id)
    law.drain()

    assert known(law) == [False, False, True]
    assert law.one("select state from tasks where kind = 'comply'") == "done"


def test_odd_demands_that_are_signed_are_answered_and_break_nothing(here):
    odd: list[Any] = [
        {},
        {"customer": None},
        {"customer": {"id": {"a": 1}}, "orders_to_redact": {"a": 1}},
        {"orders_requested": [None, [], 7]},
    ]

    for topic in ("customers/redact", "customers/data_request"):
        assert [here.send(body, topic)[0] for body in odd] == [200] * 4
    here.drain()

    assert here.rows("select kind, detail from tasks where state = 'parked' and kind <> 'take_orders'") == []
    assert known(here) == [True] * 3


def test_a_demand_about_a_shop_that_nobody_connected_is_answered(here):
    raw = json.dumps({"shop_domain": "x.myshopify.com"}).encode()
    headers = {**here.simulator.headers("shop/redact", raw), "X-Shopify-Shop-Domain": "x.myshopify.com"}

    assert here.knock(raw, headers)[0] == 200
    here.drain()
    assert known(here) == [True] * 3


def test_a_forged_demand_does_nothing(here):
    raw = json.dumps({"orders_to_redact": [number for _, number in orders(here)]}).encode()
    headers = {**here.simulator.headers("customers/redact", raw), "X-Shopify-Hmac-Sha256": "x"}

    assert here.knock(raw, headers)[0] == 401
    here.drain()
    assert known(here) == [True] * 3


def test_a_demand_is_heard_by_a_shop_whose_access_is_lost(here):
    with here.hub.unit() as work:
        flows.lost(work, here.connection, "uninstalled")

    assert tell(here, "redact", customer={"id": 71}) == [200]
    here.drain()
    assert known(here) == [False, False, True]


# ---- a customer asks what we hold


def page(shop: Shop, path: str, role: Role = Role.OWNER, merchant: str = "") -> TestResponse:
    asks = Visitor(merchant or shop.merchant, "ada", "Ada", role, "desk")
    return Client(make_app(shop.hub, (lambda hub: asks,), doors=make_doors(shop.settings, shop.hub))).get(path, buffered=True)


def test_what_we_hold_of_a_customer_is_a_file_that_an_owner_takes(law):
    tell(law, "data_request", customer={"id": 71, "email": "ada@example.com"})
    law.drain()
    [(id, request, sealed)] = law.rows("select id, request, body from exports")
    assert b"ada@example" not in bytes(sealed).lower()
    assert request in page(law, "/connections").text
    assert law.rows("select what, subject from findings where mended_at is null") == [("request", request)]

    said = page(law, f"/connections/exports/{id}")

    assert said.headers["Content-Disposition"] == f'attachment; filename="customer-data-{id}.json"'
    told = json.loads(said.data)
    assert [one["order"] for one in told["orders"]] == [number for _, number in orders(law)[:2]]
    assert [one["buyer"]["email"].lower() for one in told["orders"]] == ["ada@example.com"] * 2
    assert [one["notes"] for one in told["orders"]] == [[{"by": "Ed", "words": "call her"}]] * 2
    assert [len(one["received"]) for one in told["orders"]] == [1, 2]
    assert "ben@example.com" not in said.text
    assert law.rows("select what from findings where mended_at is null") == []
    assert [act for (act,) in law.rows("select act from audit order by id")] == ["privacy.export", "privacy.take"]


def test_nobody_else_sees_or_takes_it(here):
    tell(here, "data_request", customer={"id": 71})
    here.drain()
    [(id, request)] = here.rows("select id, request from exports")
    other = flows.add_merchant(here.hub, "Another").id

    assert [page(here, f"/connections/exports/{id}", role).status_code for role in set(Role) - {Role.OWNER}] == [403] * 4
    assert page(here, f"/connections/exports/{id}", merchant=other).status_code == 404
    assert page(here, "/connections/exports/x").status_code == 404
    assert request not in page(here, "/connections", Role.MANAGER).text
    assert request not in page(here, "/connections", merchant=other).text
    assert here.one("select taken_at from exports") is None


def test_a_request_that_is_told_again_is_answered_once(here):
    here.simulator.befall("data_request", {"customer": {"id": 71}})
    one = here.world.outbox[-1]
    for _ in range(2):
        assert here.deliver(one) == 200
        here.drain()

    [(id,)] = here.rows("select id from exports")
    page(here, f"/connections/exports/{id}")
    here.deliver(one)
    here.drain()
    assert here.rows("select id from exports") == [(id,)]
    assert here.rows("select what from findings where mended_at is null") == []


def test_a_forgotten_customers_file_goes_too_and_others_stay(law):
    for number in (71, 72):
        tell(law, "data_request", customer={"id": number})
    law.drain()
    assert law.one("select count(*) from exports") == 2

    tell(law, "redact", customer={"id": 71})
    law.drain()

    [(orders_in_it,)] = law.rows("select orders from exports")
    assert orders_in_it == 1


def test_a_file_that_nobody_takes_goes_after_a_month(law):
    tell(law, "data_request", customer={"id": 71})
    law.drain()
    nightly(law, timedelta(days=29))
    assert law.one("select count(*) from exports") == 1

    nightly(law, timedelta(days=2))

    assert law.one("select count(*) from exports") == 0


# ---- time is over


def nightly(shop: Shop, passes: timedelta) -> None:
    """So much time passes, and then a night."""
    shop.clock.pass_(passes)
    schedule.tick(shop.hub)
    while jobs.drain(shop.hub, "inside"):
        pass


def test_a_buyer_is_forgotten_when_their_time_is_over_and_not_before(law):
    nightly(law, timedelta(days=40))
    assert known(law) == [True] * 3

    nightly(law, timedelta(days=10))

    assert known(law) == [False] * 3
    assert law.one("select count(*) from order_words where personal") == 0
    assert law.one("select count(*) from inbox where body is not null and done_at is not null") == 0
    assert law.one("select count(*) from order_notes") == 3  # the staff's own words
    assert law.rows("select kind from events where kind = 'BuyerForgotten'") == []


def test_the_time_runs_for_paused_and_disconnected_accounts_too(here):
    join.disconnect(here.hub, here.connection)

    nightly(here, timedelta(days=50))

    assert known(here) == [False] * 3


def test_many_are_forgotten_a_step_at_a_time_in_one_night(law, monkeypatch):
    monkeypatch.setattr(held, "STEP", 1)

    nightly(law, timedelta(days=50))

    assert known(law) == [False] * 3


# ---- a shop is erased


def gone(shop: Shop) -> list[int]:
    """The app is uninstalled, and two days later the shop is to be forgotten."""
    shop.simulator.state["installed"] = True
    return [*tell(shop, "uninstall"), *tell(shop, "shop_redact")]


def test_a_shop_that_is_connected_again_by_then_is_not_erased_behind_its_owners_back(law):
    assert tell(law, "shop_redact") == [200]
    law.drain()

    assert len(orders(law)) == 3
    assert law.rows("select what, subject from findings where mended_at is null") == [("request", "erase")]


def test_an_erased_shop_leaves_nothing_not_even_its_merchants_key(law, tmp_path):
    person = law.rows("select person from orders")[0][0].encode()[:60]
    books.balance(law.hub)

    assert gone(law) == [200, 200]
    law.drain()

    left = {table: law.one(f"select count(*) from {table}") for table in tables(law)}
    assert {table for table, count in left.items() if count} <= {"tasks", "schedules"}
    assert law.rows("select kind, state from tasks") == [("erase_connection", "done")]
    if law.settings.database.startswith("sqlite"):
        assert [raw for raw in files(tmp_path) if person in raw] == []


def tables(shop: Shop) -> list[str]:
    from core.store.tables import metadata

    return [table.name for table in metadata.sorted_tables]


def test_a_merchant_who_has_something_else_keeps_it_and_what_the_shop_reserved_is_free(law):
    other = flows.connect(law.hub, law.merchant, "bogus", "elsewhere", {}, stock_since=0)
    [(reserved,)] = law.rows("select sum(reserved) from levels")
    assert reserved == 3

    gone(law)
    law.drain()

    assert law.rows("select id from connections") == [(other.id,)]
    assert law.rows("select sum(reserved), sum(on_hand) from levels") == [(0, 100)]
    assert law.one("select count(*) from merchants") == 1
    for table in ("orders", "order_lines", "order_words", "order_notes", "listings", "listing_parts", "reservations", "inbox"):
        assert law.one(f"select count(*) from {table}") == 0, table
    assert law.one(f"select count(*) from events where subject like '{law.connection.id}/%'") == 0
    books.balance(law.hub)


def test_what_an_erased_shop_held_is_offered_elsewhere_again(desk):
    """Amazon and eBay show what is free; the shop that goes had sold one of it."""
    for name, (_, simulator) in desk.stage.cast.items():
        simulator.catalogue([{"sku": "A", "title": "A", "price": "5.00", "quantity": 10, "currency": "USD"}])
        assert desk.connect(name).status_code == 303
    with desk.hub.unit() as work:
        stock.add_location(work.db, desk.merchant, "place", "Main")
        stock.count(work.db, desk.merchant, [{"sku": "A", "title": "A", "location": "place", "on_hand": 10}], work.now)
    desk.stage.cast["shopify"][1].place({"lines": [{"sku": "A", "quantity": 3}], "plain": True})
    desk.clock.pass_(timedelta(minutes=5))
    live(desk, "amazon", "ebay")
    assert shown(desk) == {"amazon": 7, "ebay": 7}

    with desk.hub.unit() as work:
        privacy.ask_to_erase(work, desk.one("shopify"), "ada", "Ada")
    desk.drain()
    rested(desk, "poll_orders")

    assert shown(desk) == {"amazon": 10, "ebay": 10}
    books.balance(desk.hub)


def live(desk: Desk, *channels: str) -> None:
    rested(desk)
    for channel in channels:
        join.go_live(desk.hub, desk.one(channel))
    rested(desk)


def rested(desk: Desk, *kinds: str) -> None:
    for _ in range(8):
        with desk.hub.unit() as work:
            for one in connections.all_of(work.db, desk.merchant):
                for kind in (kinds or ("poll_orders", "read_listings")) if one.state == "active" else ():
                    work.ask(desk.merchant, kind, one.id, one.id)
        desk.drain()
        desk.clock.pass_(timedelta(minutes=3))


def shown(desk: Desk) -> dict[str, int]:
    return {name: desk.stage.cast[name][1].listings()[0]["shown"] for name in ("amazon", "ebay")}


def test_a_merchant_with_staff_of_its_own_stays(here):
    with here.hub.database.write() as db:
        db.exec_driver_sql(f"insert into members (merchant, user_id, role, created_at) values ('{here.merchant}', 'u1', 'owner', 1)")

    gone(here)
    here.drain()

    assert here.rows("select id from merchants") == [(here.merchant,)]
    assert here.one("select count(*) from connections") == 0


def test_erasing_goes_a_step_at_a_time_and_stands_a_crash(law, monkeypatch):
    monkeypatch.setattr(held, "STEP", 1)
    usual, calls = held.erase_orders, iter([False, True] + [False] * 50)

    def dying(*values: Any) -> Any:
        found = usual(*values)
        if next(calls):
            raise ConnectionResetError
        return found

    monkeypatch.setattr(held, "erase_orders", dying)
    gone(law)
    law.drain()
    assert len(orders(law)) == 2
    with law.hub.unit() as work:
        work.ask(law.merchant, "erase_connection", law.connection.id, law.connection.id)
    while jobs.drain(law.hub, "inside"):
        pass

    assert law.one("select count(*) from orders") == law.one("select count(*) from merchants") == 0


def test_whoever_was_at_it_can_write_nothing_more_before_orders_go(law, monkeypatch):
    def dying(*values: Any) -> Any:
        raise ConnectionResetError

    monkeypatch.setattr(held, "erase_orders", dying)
    gone(law)
    law.drain()

    assert law.rows("select kind, state from tasks") == [("erase_connection", "parked")]
    assert law.one("select count(*) from inbox") == 0
    assert len(orders(law)) == 3


def test_a_copy_of_an_order_that_goes_is_an_order_of_its_own_and_looked_at_again(law):
    other = flows.connect(law.hub, law.merchant, "bogus", "elsewhere", {}, stock_since=0)
    ref = f"{law.connection.id}/{orders(law)[0][1]}"
    names = "merchant, channel_id, name, revision, digest, placed_at, currency, total, doc, taken_at, saved_at"
    one = f"select 'copy', '{other.id}', '{ref}', {names} from orders order by channel_id limit 1"
    with law.hub.database.write() as db:
        db.exec_driver_sql(f"insert into orders (id, connection, copy_of, {names}) {one}")

    gone(law)
    while jobs.drain(law.hub, "inside"):
        pass

    assert law.rows("select id, copy_of from orders") == [("copy", None)]
    assert law.rows("select connection from tasks where kind = 'fetch_orders'") == [(other.id,)]


def test_one_merchants_shop_is_erased_and_anothers_rows_stay_as_they_were(law):
    other = flows.add_merchant(law.hub, "Another").id
    flows.connect(law.hub, other, "bogus", "another", {})
    with law.hub.unit() as work:
        stock.add_location(work.db, other, "other place", "Main")
        stock.count(work.db, other, [{"sku": "A", "title": "A", "location": "other place", "on_hand": 5}], work.now)
    before = {table: law.rows(f"select * from {table} where merchant = '{other}' order by 1") for table in mine(law)}

    gone(law)
    while jobs.drain(law.hub, "inside"):
        pass

    assert {table: law.rows(f"select * from {table} where merchant = '{other}' order by 1") for table in mine(law)} == before
    assert law.rows("select id from merchants") == [(other,)]


def mine(shop: Shop) -> list[str]:
    from core.store.tables import metadata

    return [table.name for table in metadata.sorted_tables if "merchant" in table.c and table.name != "tasks"]


def test_what_comes_after_the_end_finds_nobody(here):
    gone(here)
    here.drain()

    assert here.deliver(here.sold(A=1)) == 404
    assert tell(here, "shop_redact") == [200]
    here.drain()
    assert here.one("select count(*) from inbox") == 0


def test_by_hand_only_what_was_disconnected_is_erased_and_only_by_its_name(here):
    client, id = desk(here), here.connection.id

    client.post(f"/connections/{id}/erase", data={"account": ACCOUNT})
    here.drain()
    assert len(orders(here)) == 3
    client.post(f"/connections/{id}/disconnect")
    client.post(f"/connections/{id}/erase", data={"account": "another"})
    here.drain()
    assert len(orders(here)) == 3
    client.post(f"/connections/{id}/erase", data={"account": ACCOUNT})
    here.drain()

    assert orders(here) == []


def desk(shop: Shop, role: Role = Role.OWNER) -> Client:
    asks = Visitor(shop.merchant, "ada", "Ada", role, "desk")
    return Client(make_app(shop.hub, (lambda hub: asks,), doors=make_doors(shop.settings, shop.hub)))


# ---- an eBay member closes their account


@pytest.fixture
def ebay(database_url: str, clock: Clock, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Two merchants who sell at eBay; ask(username) tells that a member went."""
    stage = make_stage(["ebay"], clock=clock)
    world, simulator = stage.cast["ebay"]
    world.post = Post(url="http://hub.test/webhooks/ebay")
    said = simulator.credentials("http://sim.test/ebay")
    environ = {f"CROSSDOCK_APPS__EBAY__{key.upper()}": value for key, value in said["app"].items()}
    environ |= {f"CROSSDOCK_CHANNELS__EBAY__{key.upper()}": value for key, value in said["settings"].items()}
    settings, adapter = load({"home": tmp_path, "database_url": database_url}, environ), InProcess(stage)
    hub = make_hub(settings, clock=clock, adapter=adapter)
    hub.jitter = lambda: 0.5
    for name, login in ((said["account"], said["login"]), ("another-seller", {"refresh_token": "x"})):
        merchant = flows.add_merchant(hub, name).id
        flows.connect(hub, merchant, "ebay", name, login, stock_since=0)
    client = Client(make_wsgi(settings, hub, adapter))
    simulator.catalogue([{"sku": "A", "title": "A", "price": "5.00", "quantity": 50, "currency": "USD"}])
    simulator.place({"count": 3, "seed": 4})
    clock.pass_(timedelta(minutes=5))

    def drain() -> None:
        while any([jobs.drain(hub, "inside"), jobs.drain(hub, "outside")]):
            pass

    def gone(username: str) -> list[int]:
        world.outbox.clear()
        simulator.befall("delete", {"username": username})
        answers = [client.post("/webhooks/ebay", data=one.body, headers=one.headers).status_code for one in world.outbox]
        clock.pass_(timedelta(minutes=10))
        drain()
        return answers

    drain()
    gone.hub = hub  # type: ignore[attr-defined]
    yield gone
    hub.database.close()


def test_a_member_who_closes_their_account_is_forgotten_by_whoever_sold_to_them(ebay):
    hub = ebay.hub
    bought_by = {row.ref: person.channel_id for row, person in persons(hub)}
    assert len(bought_by) >= 3
    gone = sorted(bought_by.values())[0]

    assert ebay(gone) == [200]

    assert {row.ref for row, _ in persons(hub)} == {ref for ref, who in bought_by.items() if who != gone}
    assert rows_of(hub, "select state from tasks where kind = 'comply'") == [("done",), ("done",)]
    assert ebay("a-member-nobody-heard-of") == [200]
    assert len(persons(hub)) == len([who for who in bought_by.values() if who != gone])
    assert rows_of(hub, "select count(*) from inbox where ref like '%!demands'") == [(0,)]


def persons(hub: Any) -> list[Any]:
    with hub.database.read() as db:
        known = connections.of_channel(db, "ebay")
    return [found for one in known for found in privacy._persons(hub, one)]
