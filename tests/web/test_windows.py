"""The page of windows of risk, and what is left to a channel out of sight."""

import json

import pytest

from core.domain.roles import Role
from tests.web.rooms import Person, person
from tests.web.shop import Shop


@pytest.fixture
def shop(shop: Shop) -> Shop:
    shop.offer("KET", units=10)
    shop.deliver(shop.sold(KET=1))
    shop.drain()
    return shop


@pytest.fixture
def ana(shop: Shop) -> Person:
    return person(shop.hub, shop.merchant)


def test_each_channel_has_its_window_or_says_that_nothing_was_told(shop: Shop, ana: Person) -> None:
    text = ana.get("/stock/windows")

    assert "99 of 100 within" in text
    assert "nothing was told" in text
    assert len(ana.statements) <= 8
    assert 'aria-current="page">Stock' in text.replace("\n", "")


def test_a_skus_page_offers_what_its_sales_call_for(shop: Shop, ana: Person) -> None:
    assert "/stock/windows/sku?sku=KET" in ana.get("/stock/sku", sku="KET")
    assert "its window is not known" in ana.get("/stock/windows/sku", sku="KET")
    assert ana.ask("/stock/windows/sku", sku="NONE").status_code == 404


def test_what_is_left_to_a_channel_out_of_sight_is_chosen(shop: Shop, ana: Person) -> None:
    said = {"connection": shop.connection.id, "factor": "5", "strict": "1"}

    assert "It is so from now on" in ana.post("/stock/windows", **said)
    assert 'value="5"' in ana.get("/stock/windows")
    assert json.loads(shop.one("select settings from connections"))["blind"] == {"strict": True, "factor": 5}


@pytest.mark.parametrize("factor", ["0", "-2", "many", "1e9", "nan"])
def test_a_factor_that_cannot_be_changes_nothing(shop: Shop, ana: Person, factor: str) -> None:
    assert "Write a whole number from 1 to 100" in ana.post("/stock/windows", connection=shop.connection.id, factor=factor)


def test_who_may_not_change_settings_looks_only(shop: Shop, ana: Person) -> None:
    packer = person(shop.hub, shop.merchant, Role.VIEWER)

    assert "99 of 100 within" in packer.get("/stock/windows")
    assert packer.send("/stock/windows", connection=shop.connection.id, factor="2").status_code == 403
    assert person(shop.hub, "another").send("/stock/windows", connection=shop.connection.id, factor="2").status_code == 404
