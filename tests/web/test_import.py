"""Files with counts, brought to a page: looked at first, taken whole or not at all, and undone."""

import io
import re

import pytest

from core.domain.roles import Role
from core.flows import uploads
from tests.web.rooms import Person, person
from tests.web.shop import Shop

COUNT = "sku,on_hand\nA,7\nNEW,3\n"


@pytest.fixture
def shop(shop: Shop) -> Shop:
    shop.offer("A", "B", units=10)
    return shop


@pytest.fixture
def ana(shop: Shop) -> Person:
    return person(shop.hub, shop.merchant)


def bring(ana: Person, text: str | bytes, name: str = "shelves.csv") -> str:
    """Gives the id of what was brought."""
    raw = text if isinstance(text, bytes) else text.encode()
    answer = ana.client.post("/stock/import", data={"file": (io.BytesIO(raw), name), "location": "Main"})
    assert answer.status_code == 200, answer.text
    found = re.search(r"/stock/import/([\w-]+)", answer.text)
    return found[1] if found else answer.text


def shelves(shop: Shop) -> dict[str, int]:
    return dict(shop.rows("select sku, on_hand from levels"))


def test_a_file_is_looked_at_shown_and_taken_when_somebody_accepts(shop: Shop, ana: Person) -> None:
    id = bring(ana, COUNT)
    assert "It is being looked at" in ana.get(f"/stock/import/{id}")
    shop.drain()

    shown = ana.get(f"/stock/import/{id}")
    assert "Nothing is changed yet" in shown
    assert re.search(r'>A</th><td>Main</td><td class="n">10</td><td class="n"><b>7</b>', shown)
    assert shelves(shop) == {"A": 10, "B": 10}

    ana.post(f"/stock/import/{id}/take")
    shop.drain()
    assert "It is taken" in ana.get(f"/stock/import/{id}")
    assert shelves(shop) == {"A": 7, "B": 10, "NEW": 3}
    assert shop.one("select shown from listings where sku = 'A'") == 7
    assert shop.rows("select name, act from audit") == [("Ana", "stock.import")]


def test_what_was_taken_has_its_way_back(shop: Shop, ana: Person) -> None:
    id = bring(ana, COUNT)
    shop.drain()
    ana.post(f"/stock/import/{id}/take")
    shop.drain()

    back = re.search(r"/stock/import/([\w-]+)", ana.post(f"/stock/import/{id}/undo"))
    shop.drain()
    assert back
    ana.post(f"/stock/import/{back[1]}/take")
    shop.drain()

    assert shelves(shop) == {"A": 10, "B": 10}
    assert ana.get(f"/stock/import/{id}/undo.csv").startswith("\ufeffsku,on_hand")


def test_one_wrong_line_and_nothing_of_it_is_taken(shop: Shop, ana: Person) -> None:
    id = bring(ana, "sku,on_hand\nA,7\nB,many\n")
    shop.drain()

    text = ana.get(f"/stock/import/{id}")
    ana.post(f"/stock/import/{id}/take")
    shop.drain()

    assert "1 line cannot be taken" in text
    assert "on_hand is not a whole number of units" in text
    assert shelves(shop) == {"A": 10, "B": 10}


def test_what_became_wrong_after_it_was_shown_is_not_taken(shop: Shop, ana: Person) -> None:
    id = bring(ana, "sku,on_hand,counted_at\nA,7,2026-11-22T11:00:00Z\n")
    shop.drain()
    ana.post("/stock/sku", sku="A", location="place", seen=10, how="to", units=9, reason="counted")

    ana.post(f"/stock/import/{id}/take")
    shop.drain()

    assert "was counted again after that" in ana.get(f"/stock/import/{id}")
    assert shelves(shop)["A"] == 9


def test_accepted_twice_it_is_taken_once(shop: Shop, ana: Person) -> None:
    id = bring(ana, COUNT)
    shop.drain()
    for _ in range(2):
        ana.post(f"/stock/import/{id}/take")
    shop.drain()
    ana.post(f"/stock/import/{id}/take")
    shop.drain()

    assert shop.one("select count(*) from movements where sku = 'A' and units = -3") == 1
    assert shop.one("select count(*) from audit where act = 'stock.import'") == 1


@pytest.mark.parametrize("raw", [b"", b"\xff\xfe\x00", b"sku,on_hand\nA\x00,7", b"x" * 1001], ids=["none", "utf16", "nul", "big"])
def test_what_is_no_such_file_is_not_kept(shop: Shop, ana: Person, raw: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "LIMIT", 1000)

    answer = ana.client.post("/stock/import", data={"file": (io.BytesIO(raw), "x.csv")})

    assert answer.status_code in (200, 413)
    assert shop.one("select count(*) from uploads") == 0


def test_the_export_changes_nothing_when_it_comes_back(shop: Shop, ana: Person) -> None:
    id = bring(ana, ana.get("/stock/export.csv"))
    shop.drain()

    assert re.search(r"Shelves that change</span><b>0</b>", ana.get(f"/stock/import/{id}"))


def test_no_spreadsheet_finds_a_formula_in_the_export(shop: Shop, ana: Person) -> None:
    id = bring(ana, 'sku,on_hand,title\nF,1,"=1+1"\n')
    shop.drain()
    ana.post(f"/stock/import/{id}/take")
    shop.drain()

    assert "F,1,'=1+1" in ana.get("/stock/export.csv")


def test_whatever_stands_in_a_file_is_text_and_never_markup(shop: Shop, ana: Person) -> None:
    wild = "<script>alert(1)</script>"
    good = bring(ana, f"sku,on_hand,title,location\n{wild},1,{wild},{wild}\n", name=f"{wild}.csv")
    bad = bring(ana, f"sku,on_hand\n{wild},{wild}\n{wild}", name=wild)
    shop.drain()

    for text in (ana.get(f"/stock/import/{good}"), ana.get(f"/stock/import/{bad}"), ana.get("/stock/import")):
        assert "<script>alert" not in text


def test_nobody_elses_file_is_found_or_taken(shop: Shop, ana: Person) -> None:
    stranger, viewer = person(shop.hub, "another"), person(shop.hub, shop.merchant, Role.VIEWER)
    id = bring(ana, COUNT)
    shop.drain()

    assert stranger.ask(f"/stock/import/{id}").status_code == 404
    assert stranger.send(f"/stock/import/{id}/take").status_code == 404
    assert stranger.ask(f"/stock/import/{id}/undo.csv").status_code == 404
    assert stranger.send(f"/stock/import/{id}/undo").status_code == 404
    assert {viewer.send(f"/stock/import{path}").status_code for path in ("", f"/{id}/take", f"/{id}/undo")} == {403}
    shop.drain()
    assert shelves(shop) == {"A": 10, "B": 10}
