"""Kits at the pages, the API and in files: what a listing consumes, how its parts leave, and what cannot be."""

import io
import re
from typing import Any

import pytest

from core.store import goods, orders
from tests.web.programs import a_program
from tests.web.rooms import Person, person
from tests.web.shop import Shop


@pytest.fixture
def shop(either_shop: Shop) -> Shop:
    either_shop.offer("MUG", "TRAY", "SET", units=10)
    return either_shop


@pytest.fixture
def ana(shop: Shop) -> Person:
    return person(shop.hub, shop.merchant)


def listing(shop: Shop, sku: str = "SET") -> int:
    found: int = shop.one("select id from listings where sku = :sku", sku=sku)
    return found


def parts(shop: Shop, sku: str = "SET") -> list[tuple[Any, ...]]:
    return shop.rows(
        "select p.sku, p.units from listing_parts p join listings l on l.id = p.listing_id where l.sku = :sku order by 1", sku=sku
    )


def test_a_listing_is_made_a_kit_on_its_skus_page_and_back(shop: Shop, ana: Person) -> None:
    text = ana.post("/stock/kit", sku="SET", id=listing(shop), parts="MUG=2, TRAY")
    shop.drain()

    assert "It is so from now on." in text
    assert parts(shop) == [("MUG", 2), ("TRAY", 1)]
    assert shop.one("select shown from listings where sku = 'SET'") == 5
    form = re.search(r'<form action="/stock/unmap".*?</form>', text, re.S)
    assert form
    ana.post("/stock/unmap", **dict(re.findall(r'name="([^"]+)" value="([^"]*)"', form[0])))
    assert parts(shop) == [("SET", 1)]


@pytest.mark.parametrize(
    ("said", "words"),
    [("SET, MUG", "a kit cannot contain itself: SET"), ("NEVER", "Nobody knows these SKUs: NEVER"), ("MUG=0", "Write a SKU of yours")],
)
def test_what_cannot_be_a_kit_is_refused_with_the_reason(shop: Shop, ana: Person, said: str, words: str) -> None:
    assert words in ana.post("/stock/kit", sku="SET", id=listing(shop), parts=said)
    assert parts(shop) == [("SET", 1)]


def test_how_a_kits_parts_leave_is_said_on_its_page_and_taken_back(shop: Shop, ana: Person) -> None:
    ana.post("/stock/kit", sku="MUG", id=listing(shop), parts="MUG=2, TRAY")

    assert "All parts of a unit must lie at one location." in ana.post("/stock/kit/how", sku="MUG", id=listing(shop), alone=1)
    text = ana.post("/stock/kit/how", sku="MUG", id=listing(shop), channel=1)
    assert "Its parts are lines of their own" in text
    assert "Crossdock does not write it: its channel lists the parts as lines of their own." in text
    assert shop.rows("select alone, exploded_by from listings where sku = 'SET'")[0][1] == "channel"

    form = re.search(r'<form action="/stock/kit/how"[^>]*class="row".*?</form>', text, re.S)
    assert form
    text = ana.post("/stock/kit/how", **dict(re.findall(r'name="([^"]+)" value="([^"]*)"', form[0])))
    shop.drain()
    assert "Its parts are lines of their own" not in text
    assert shop.one("select shown from listings where sku = 'SET'") == 5


def test_a_program_says_how_parts_leave_and_is_refused_what_cannot_be(shop: Shop) -> None:
    till, path = a_program(shop), f"listings/{listing(shop)}"

    assert till.ask("PUT", f"{path}/parts", {"parts": [{"sku": "MUG", "units": 2}, {"sku": "TRAY", "units": 1}]}).status_code == 200
    assert till.ask("PUT", f"{path}/parts", {"parts": [{"sku": "SET", "units": 1}, {"sku": "MUG", "units": 1}]}).status_code == 409
    said = till.ask("PUT", f"{path}/kit", {"alone": True, "exploded_by": "channel"}).get_json()
    assert (said["alone"], said["exploded_by"], said["writable"]) == (True, "channel", False)
    assert till.ask("PUT", f"{path}/kit", {}).get_json()["writable"] is True
    shop.hub.database.bind("")
    with shop.hub.database.write() as db:
        db.exec_driver_sql("update skus set quota = true where sku = 'TRAY'")
    refused = till.ask("PUT", f"{path}/kit", {"alone": True})
    assert (refused.status_code, "TRAY is in quota" in refused.text) == (409, True)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("SET;;SET;1\nMUG;;SET;1\n", "a kit cannot contain itself: SET"),
        ("MUG;;SET;2\nMUG;;SET;1\n", "the listing is mapped twice to this SKU"),
        ("MUG;;SET;-1\n", "units is not a whole number"),
        ("MUG;;SET;1.5\n", "units is not a whole number"),
        ("MUG;3;;\nMUG;;SET;2\nTRAY;;NEVER;1\n", "NEVER is not a listing"),
    ],
)
def test_a_file_with_a_kit_that_cannot_be_is_not_taken_at_all(shop: Shop, ana: Person, rows: str, words: str) -> None:
    text = "sku;on_hand;channel_sku;units\n" + rows
    answer = ana.client.post("/stock/import", data={"file": (io.BytesIO(text.encode()), "kits.csv"), "location": "Main"})
    shop.drain()
    id = re.search(r"/stock/import/([0-9a-f-]{36})", answer.text)
    assert id

    assert words in ana.get(f"/stock/import/{id[1]}")
    assert parts(shop) == [("SET", 1)]
    assert shop.one("select on_hand from levels where sku = 'MUG'") == 10


# ---- bundles that Shopify itself splits


@pytest.fixture
def bundles(either_shop: Shop) -> Shop:
    """A set of two mugs and a tray, as Shopify's own bundles are: the parent requires components, and orders hold these."""
    either_shop.offer("MUG", "TRAY", units=10)
    parent = {"sku": "SET", "title": "A set", "price": "25.00", "quantity": 0, "currency": "USD", "parts": {"MUG": 2, "TRAY": 1}}
    either_shop.simulator.catalogue([parent])
    with either_shop.hub.unit() as work:
        goods.name(work.db, either_shop.merchant, [("SET", "A set")], work.now)
        work.ask(either_shop.merchant, "read_listings", either_shop.connection.id, either_shop.connection.id)
    either_shop.drain()
    return either_shop


def levels(shop: Shop) -> list[tuple[Any, ...]]:
    return shop.rows("select sku, on_hand, reserved from levels order by sku")


def test_of_a_bundle_that_shopify_splits_the_parts_are_consumed_and_the_parent_is_neither_consumed_nor_written(bundles: Shop) -> None:
    bundles.deliver(bundles.sold(SET=3, MUG=1))
    bundles.drain()

    assert levels(bundles) == [("MUG", 10, 7), ("TRAY", 10, 3)]
    assert bundles.rows("select sku, held, waits from order_lines order by line") == [("MUG", 6, None), ("TRAY", 3, None), ("MUG", 1, None)]
    assert bundles.rows("select exploded_by, writable from listings where sku = 'SET'") == [
        ("splits", "bundle: its stock is that of its parts")
    ]  # fmt: skip
    shown = {one["sku"]: (one["shown"], one["writes"]) for one in bundles.simulator.listings()}
    assert (shown["MUG"][0], shown["TRAY"][0], shown["SET"]) == (3, 7, (0, 0))
    page = person(bundles.hub, bundles.merchant).get("/stock/sku", sku="SET")
    assert "splits it into its parts by itself" in page
    assert "Crossdock does not write it: bundle" in page


def test_both_doors_tell_the_same_order_of_a_bundle(bundles: Shop) -> None:
    bundles.deliver(bundles.sold(SET=1, MUG=1))
    bundles.drain()
    before = bundles.rows("select id, digest, revision, doc from orders")
    assert '"bundles":[["' in before[0][3]

    body = bundles.hub.channel(bundles.connection).fetch([bundles.one("select channel_id from orders")])
    [raw] = body.values()
    read = bundles.hub.connector(bundles.connection).order(raw or b"", bundles.connection.id)
    assert orders.write(read).digest == before[0][1]
    assert "part of a bundle" in person(bundles.hub, bundles.merchant).get(f"/orders/{before[0][0]}")


def test_nobody_says_how_the_parts_of_a_bundle_leave_that_its_channel_splits(bundles: Shop) -> None:
    till, path = a_program(bundles), f"listings/{listing(bundles)}"

    answer = till.ask("PUT", f"{path}/kit", {"exploded_by": "hub"})

    assert (answer.status_code, "splits it by itself" in answer.text) == (409, True)


# ---- kits put together in advance


def test_kits_are_put_together_in_advance_and_taken_apart_again(shop: Shop, ana: Person) -> None:
    text = ana.post("/stock/assemble", sku="SET", location="place", parts="MUG=2, TRAY", units="3")
    shop.drain()

    assert "13 of it on hand there now" in text
    assert levels(shop) == [("MUG", 4, 0), ("SET", 13, 0), ("TRAY", 7, 0)]
    assert shop.rows("select sku, units, cause from movements where cause = 'assembled' order by sku") == [
        ("MUG", -6, "assembled"), ("SET", 3, "assembled"), ("TRAY", -3, "assembled")
    ]  # fmt: skip
    assert shop.rows("select sku, shown from listings where sku <> 'SET' order by sku") == [("MUG", 4), ("TRAY", 7)]
    assert shop.one("select raise_from from listings where sku = 'SET'"), "more is shown once the orders are read past this"
    assert shop.rows("select act, subject from audit where act = 'stock.assemble'") == [("stock.assemble", "sku/SET")]
    assert 'value="MUG=2, TRAY"' in ana.get("/stock/sku", sku="SET"), "what one took is offered the next time"

    form = re.search(r'<form action="/stock/assemble"[^>]*class="row".*?</form>', text, re.S)
    assert form
    ana.post("/stock/assemble", **dict(re.findall(r'name="([^"]+)" value="([^"]*)"', form[0])))
    assert levels(shop) == [("MUG", 10, 0), ("SET", 10, 0), ("TRAY", 10, 0)]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"units": "6"}, "of MUG 10 are free there, and 12 are needed"),
        ({"units": "0"}, "say how many kits"),
        ({"units": "1", "parts": "SET"}, "SET cannot be a part of itself"),
        ({"units": "1", "parts": "NEVER"}, "You have no such SKU"),
        ({"units": "1", "parts": "MUG=0"}, "Write the parts of one as"),
        ({"units": "1", "location": "moon"}, "You have no such SKU or location"),
    ],
)
def test_what_cannot_be_put_together_is_said_and_nothing_changes(shop: Shop, ana: Person, said: dict[str, str], words: str) -> None:
    text = ana.post("/stock/assemble", **{"sku": "SET", "location": "place", "parts": "MUG=2, TRAY", **said})

    assert words in text
    assert levels(shop) == [("MUG", 10, 0), ("SET", 10, 0), ("TRAY", 10, 0)]


def test_an_order_that_waits_for_a_kit_gets_it_once_it_is_put_together(shop: Shop) -> None:
    shop.deliver(shop.sold(SET=11))
    shop.drain()
    assert shop.one("select waits from order_lines") == "stock"

    answer = a_program(shop).ask(
        "POST", "stock/assemblies", {"sku": "SET", "location": "Main", "units": 1, "parts": [{"sku": "MUG", "units": 2}]}
    )
    shop.drain()

    assert (answer.status_code, answer.get_json()["on_hand"]) == (200, 11)
    assert shop.rows("select held, waits from order_lines") == [(11, None)]
    apart = {"sku": "SET", "location": "Main", "units": -1, "parts": [{"sku": "MUG", "units": 2}]}
    short = a_program(shop).ask("POST", "stock/assemblies", apart)
    assert (short.status_code, "0 are free there" in short.text) == (409, True)
