"""SKUs' cards at the pages and the API: written, refused, undone, filled from Shopify's catalogue, brought as a file."""

import io
import json
import re
from typing import Any

import pytest

from connectors.shopify.simulator import told_of_item, told_of_variant
from core.domain.who import COMMAND_LINE
from core.flows import cards as flow
from core.flows.cards import Wish
from core.store import cards, goods
from tests.web.programs import a_program
from tests.web.rooms import Person, person
from tests.web.shop import Shop

TOLD = {
    "weight": 1.5, "unit": "KILOGRAMS", "hs_code": "691200", "origin": "PT", "cost": "7.05", "currency": "USD",
    "barcode": "4006381333931", "picture": "https://cdn.example/mug.png",
}  # fmt: skip
EAN, OTHER = "4006381333931", "036000291452"


@pytest.fixture
def shop(either_shop: Shop) -> Shop:
    either_shop.offer("MUG", "TRAY", units=10)
    return either_shop


@pytest.fixture
def ana(shop: Shop) -> Person:
    return person(shop.hub, shop.merchant)


def held(shop: Shop, sku: str = "MUG") -> Any:
    with shop.hub.database.read() as db:
        return cards.one(db, shop.merchant, sku)


def write(shop: Shop, sku: str = "MUG", **fields: Any) -> None:
    codes = fields.pop("barcodes", None)
    flow.write(shop.hub, shop.merchant, {sku: Wish(fields, codes)}, COMMAND_LINE)


def read_catalogue(shop: Shop) -> None:
    with shop.hub.unit() as work:
        work.ask(shop.merchant, "read_listings", shop.connection.id, shop.connection.id)
    shop.drain()


def tell(shop: Shop, sku: str = "MUG", **told: Any) -> None:
    """The shop says this of its goods from now on."""
    variant = next(one for one in shop.simulator.state["variants"].values() if one["sku"] == sku)
    variant["inventory_item"].update(told_of_item(told, variant["id"]))
    variant.update(told_of_variant(told, variant["id"]))


@pytest.mark.parametrize("bulk_from", [1, 100_000], ids=["a file", "pages"])
def test_blanks_are_filled_from_shopifys_catalogue_by_either_way_of_reading_it(shop: Shop, bulk_from: int) -> None:
    with shop.hub.database.write() as db:
        known = {**shop.hub.connection(shop.connection.id).settings, "bulk_from": bulk_from}
        db.exec_driver_sql("update connections set settings = '" + json.dumps(known) + "'")
    tell(shop, **TOLD)

    read_catalogue(shop)

    one = held(shop)
    assert (one.card.weight_g, one.card.hs_code, one.card.origin) == (1500, "691200", "PT")
    assert (one.card.cost, one.card.cost_currency, one.card.picture) == (705, "USD", "https://cdn.example/mug.png")
    assert one.barcodes == (EAN,)
    assert held(shop, "TRAY").card.weight_g is None


def test_what_a_person_wrote_is_never_overwritten_and_what_was_filled_stays(shop: Shop) -> None:
    write(shop, weight_g=1400, barcodes=(OTHER,))
    tell(shop, **TOLD)
    read_catalogue(shop)
    tell(shop, **{**TOLD, "hs_code": "999999"})
    read_catalogue(shop)

    one = held(shop)
    assert (one.card.weight_g, one.card.hs_code, one.barcodes) == (1400, "691200", (OTHER,))


def test_a_barcode_that_another_sku_has_stays_that_ones(shop: Shop) -> None:
    write(shop, "TRAY", barcodes=(EAN,))
    tell(shop, **TOLD)
    read_catalogue(shop)

    assert (held(shop).barcodes, held(shop, "TRAY").barcodes) == ((), (EAN,))


def test_a_listing_of_several_units_tells_nothing_of_its_parts(shop: Shop, ana: Person) -> None:
    [(id,)] = shop.rows("select id from listings where sku = 'TRAY'")
    ana.post("/stock/kit", sku="TRAY", id=id, parts="MUG=2")
    tell(shop, "TRAY", **TOLD)
    read_catalogue(shop)

    assert held(shop).card.weight_g is None
    assert held(shop, "TRAY").card.weight_g is None


def test_a_person_writes_the_card_and_takes_it_back(shop: Shop, ana: Person) -> None:
    said = {
        "weight_g": "350",
        "hs_code": "6912.00",
        "origin": "pt",
        "cost": "3.10",
        "cost_currency": "EUR",
        "barcodes": EAN,
        "bin_place": "A-12",
    }
    text = ana.post("/stock/card", sku="MUG", **said)

    assert "It is written." in text
    assert (held(shop).card.weight_g, held(shop).card.cost, held(shop).barcodes) == (350, 310, (EAN,))
    assert shop.rows("select sku, location, bin from bins") == [("MUG", "place", "A-12")]
    assert "350" in ana.get("/stock/sku", sku="MUG")

    form = re.search(r'<form action="/stock/card"[^>]*class="row".*?</form>', text, re.S)
    assert form
    back = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', form[0]))
    ana.post("/stock/card", **back)

    assert held(shop).card == type(held(shop).card)()
    assert (held(shop).barcodes, shop.rows("select * from bins")) == ((), [])
    assert shop.rows("select act, subject from audit where act = 'sku.card'") == [("sku.card", "sku/MUG")] * 2


def test_two_who_write_different_fields_do_not_undo_each_other(shop: Shop, ana: Person) -> None:
    ana.post("/stock/card", sku="MUG", weight_g="350", was_weight_g="", origin="", was_origin="")
    ana.post("/stock/card", sku="MUG", weight_g="", was_weight_g="", origin="DE", was_origin="")

    assert (held(shop).card.weight_g, held(shop).card.origin) == (350, "DE")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"weight_g": "1.5"}, "weight_g: write a whole number"),
        ({"hs_code": "12"}, "an HS code has 6 to 10 digits"),
        ({"origin": "XX"}, "is no country"),
        ({"cost": "3"}, "say the currency"),
        ({"barcodes": OTHER}, "is TRAY"),
    ],
)
def test_what_cannot_be_is_said_and_what_was_typed_stays_in_the_form(shop: Shop, ana: Person, said: dict[str, str], words: str) -> None:
    write(shop, "TRAY", barcodes=(OTHER,))

    text = ana.post("/stock/card", sku="MUG", **said)

    assert words in text
    assert f'value="{next(iter(said.values()))}"' in text
    assert held(shop).card == type(held(shop).card)()


def test_an_odd_barcode_is_taken_with_a_warning(shop: Shop, ana: Person) -> None:
    text = ana.post("/stock/card", sku="MUG", barcodes="4006381333932")

    assert "The last digit of 4006381333932 does not fit" in text
    assert held(shop).barcodes == ("4006381333932",)


def test_a_sku_is_found_by_its_barcode_until_it_has_another(shop: Shop, ana: Person) -> None:
    write(shop, barcodes=(EAN,))
    assert "MUG</a>" in ana.get("/stock", q=EAN)
    assert "TRAY</a>" not in ana.get("/stock", q=EAN)
    with shop.hub.unit() as work:
        goods.name(work.db, shop.merchant, [("MUG", "Beaker")], work.now)
    assert "MUG</a>" in ana.get("/stock", q=EAN), "another title leaves the barcode"

    write(shop, barcodes=(OTHER,))

    assert "MUG</a>" not in ana.get("/stock", q=EAN)
    assert "MUG</a>" in ana.get("/stock", q=OTHER)


def test_what_labels_will_lack_is_listed_before_anybody_prints_one(shop: Shop, ana: Person) -> None:
    full = {"weight_g": 1, "length_mm": 1, "width_mm": 1, "height_mm": 1, "hs_code": "123456", "origin": "DE", "customs": "Tray"}
    write(shop, "TRAY", **full)
    write(shop, "MUG", **{**full, "hs_code": None})

    text = ana.get("/stock/lacks")

    assert "MUG</a>" in text
    assert "TRAY</a>" not in text
    assert len(ana.statements) <= 7
    assert "MUG" in ana.get("/stock/lacks", what="hs_code")
    assert "Nothing is lacking" in ana.get("/stock/lacks", what="weight")
    assert "MUG" in ana.get("/stock/lacks.csv", what="hs_code")


def test_nobody_lacks_what_is_neither_sold_nor_on_hand(shop: Shop, ana: Person) -> None:
    with shop.hub.unit() as work:
        goods.name(work.db, shop.merchant, [("OLD", "")], work.now)

    assert "OLD" not in ana.get("/stock/lacks")


# ---- files


def bring(shop: Shop, ana: Person, text: str) -> str:
    """The page that shows what became of a file once it was looked at."""
    answer = ana.client.post("/stock/import", data={"file": (io.BytesIO(text.encode()), "cards.csv"), "location": "Main"})
    shop.drain()
    id = re.search(r"/stock/import/([0-9a-f-]{36})", answer.text)
    assert id
    return id[1]


def test_a_file_of_cards_is_looked_at_first_taken_whole_and_taken_back(shop: Shop, ana: Person) -> None:
    write(shop, weight_g=99)
    id = bring(shop, ana, f"sku;weight_g;origin;barcodes;location;bin\nMUG;350;PT;{EAN};Main;A-1\nTRAY;-;;;;\n")
    text = ana.get(f"/stock/import/{id}")
    assert "Cards that change" in text
    assert held(shop).card.weight_g == 99

    ana.post(f"/stock/import/{id}/take")
    shop.drain()
    assert (held(shop).card.weight_g, held(shop).card.origin, held(shop).barcodes) == (350, "PT", (EAN,))

    ana.post(f"/stock/import/{id}/undo")
    shop.drain()
    [(undo,)] = shop.rows("select id from uploads where state = 'looked'")
    ana.post(f"/stock/import/{undo}/take")
    shop.drain()
    assert (held(shop).card.weight_g, held(shop).card.origin, held(shop).barcodes) == (99, None, ())
    assert shop.rows("select * from bins") == []


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("sku;weight_g;wieght\nMUG;3;3\n", "is no column of ours"),
        ("weight_g\n3\n", "the column sku is missing"),
        ("sku;weight_g\nMUG;350\nNEW;3\n", "there is no SKU NEW"),
        ("sku;weight_g\nMUG;-3\n", "weight_g: write a whole number"),
        ("sku;weight_g\nMUG;1.5\n", "weight_g: write a whole number"),
        ("sku;weight_g\nMUG;350\nMUG;360\n", "MUG is in the file twice"),
        ("sku;barcodes\nMUG;X1\nTRAY;X1\n", "X1 is MUG"),
        ("sku;weight_g;location;bin\nMUG;350;Moon;A\n", "you have none that is called Moon"),
    ],
)
def test_one_wrong_cell_is_named_by_its_row_and_nothing_is_taken(shop: Shop, ana: Person, rows: str, words: str) -> None:
    id = bring(shop, ana, rows)

    text = ana.get(f"/stock/import/{id}")

    assert words in text.replace("&#39;", "'")
    assert "so nothing was changed" in text
    assert held(shop).card.weight_g is None


def test_what_is_exported_changes_nothing_when_it_comes_back(shop: Shop, ana: Person) -> None:
    ana.post("/stock/card", sku="MUG", weight_g="350", cost="3.10", cost_currency="EUR", barcodes=f"{EAN} {OTHER}", bin_place="=A1")
    text = ana.get("/stock/cards.csv").removeprefix("\ufeff")

    id = bring(shop, ana, text)

    assert "&#39;=A1" in ana.get("/stock/cards.csv") or "'=A1" in text
    assert "<b>0</b>" in ana.get(f"/stock/import/{id}")
    assert shop.rows("select report from uploads")[0][0].count('"cards":[]') == 1


# ---- programs


def test_a_program_reads_and_writes_cards(shop: Shop) -> None:
    till = a_program(shop)
    said = {"sku": "MUG", "weight_g": 350, "cost": 310, "cost_currency": "EUR", "barcodes": [EAN], "bins": {"Main": "A-12"}}

    answer = till.ask("PATCH", "skus", said)

    assert answer.status_code == 200, answer.text
    assert answer.get_json()["lacks"] == ["size", "hs_code", "origin", "customs"]
    [one] = till.get("skus?sku=MUG").get_json()["items"]
    assert (one["weight_g"], one["barcodes"], one["bins"]) == (350, [EAN], {"place": "A-12"})
    assert [one["sku"] for one in till.get("skus?limit=1").get_json()["items"]] == ["MUG"]
    assert [one["sku"] for one in till.get("skus?lacking=true").get_json()["items"]] == ["MUG", "TRAY"]
    assert till.ask("PATCH", "skus", {"sku": "MUG", "weight_g": None}).get_json()["weight_g"] is None


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"sku": "NONE"}, 404),
        ({"sku": "MUG", "cost": 3}, 409),
        ({"sku": "MUG", "origin": "XX"}, 409),
        ({"sku": "MUG", "weight_g": 1.5}, 422),
    ],
)
def test_a_program_is_told_what_cannot_be(shop: Shop, said: dict[str, Any], status: int) -> None:
    assert a_program(shop).ask("PATCH", "skus", said).status_code == status
