"""Kits at the pages, the API and in files: what a listing consumes, how its parts leave, and what cannot be."""

import io
import re
from typing import Any

import pytest

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
