"""What a SKU's card takes, what it refuses, and what a label will ask of it."""

import pytest

from core.domain.cards import BLANK, COUNTRIES, Card, WrongCell, barcodes, check, filled, lacks, odd, read


def test_what_somebody_types_becomes_whole_units_of_one_kind():
    said = {"weight_g": " 1250 ", "hs_code": "6912.00 23", "origin": "pt", "cost": "7.05", "cost_currency": "eur", "customs": "Mug"}

    assert read(said) == {
        "weight_g": 1250, "hs_code": "69120023", "origin": "PT", "cost": 705, "cost_currency": "EUR", "customs": "Mug"
    }  # fmt: skip


def test_an_empty_text_says_nothing_and_a_dash_that_nobody_knows():
    assert read({"weight_g": "", "origin": "-", "cost": "-"}) == {"origin": None, "cost": None, "cost_currency": None}


def test_a_cost_keeps_the_currency_that_it_had():
    assert read({"cost": "900"}, Card(cost=1, cost_currency="JPY")) == {"cost": 900, "cost_currency": "JPY"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("weight_g", "0"), ("weight_g", "-3"), ("weight_g", "1.5"), ("weight_g", "1e3"), ("weight_g", "٣"), ("length_mm", "999999"),
        ("hs_code", "12345"), ("hs_code", "12345678901"), ("hs_code", "12a456"), ("origin", "XX"), ("origin", "Germany"),
        ("cost", "1.005"), ("cost", "-1"), ("cost", "nan"), ("picture", "javascript:alert(1)"), ("customs", "x" * 201),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_the_name_of_its_cell(name, text):
    with pytest.raises(WrongCell) as error:
        read({name: text, **({"cost_currency": "EUR"} if name == "cost" else {})})

    assert error.value.name == name


@pytest.mark.parametrize("changes", [{"cost": 5}, {"cost_currency": "EUR"}, {"cost": None, "cost_currency": "EUR"}, {"weight_g": 0}])
def test_a_cost_without_its_currency_or_a_number_that_cannot_be_is_no_change(changes):
    with pytest.raises(WrongCell):
        check(changes)


def test_only_blanks_are_filled_and_only_with_what_can_be():
    mine = Card(weight_g=5, customs="mine")
    theirs = Card(weight_g=9, length_mm=0, hs_code="1", origin="DE", customs="theirs", cost=3, cost_currency="EUR")

    assert filled(mine, theirs) == Card(weight_g=5, origin="DE", customs="mine", cost=3, cost_currency="EUR")
    assert filled(Card(cost=1, cost_currency="USD"), theirs).cost == 1
    assert filled(BLANK, Card(cost=3)) == BLANK, "without its currency it says nothing"


@pytest.mark.parametrize("barcode", ["4006381333931", "036000291452", "96385074", "00012345600012", "ABC-12", "01234565", "4006381333932x"])
def test_a_barcode_that_checks_or_is_none_of_theirs_is_not_odd(barcode):
    assert not odd(barcode)


@pytest.mark.parametrize("barcode", ["4006381333932", "036000291453", "96385075"])
def test_an_ean_or_upc_whose_digit_does_not_fit_is_odd(barcode):
    assert odd(barcode)


def test_barcodes_are_parted_by_blanks_and_stand_once():
    assert barcodes(" 4006381333931  X1 4006381333931") == ("4006381333931", "X1")
    with pytest.raises(WrongCell):
        barcodes("x" * 65)


def test_a_label_lacks_what_the_card_does_not_say():
    assert lacks(BLANK) == ["weight", "size", "hs_code", "origin", "customs"]
    assert lacks(Card(weight_g=1, length_mm=1, width_mm=1, height_mm=1, hs_code="123456", origin="DE", customs="x")) == []
    assert lacks(Card(weight_g=1, length_mm=1, hs_code="123456", origin="DE", customs="x")) == ["size"]


def test_every_country_is_there_once():
    assert len(COUNTRIES) == 250
