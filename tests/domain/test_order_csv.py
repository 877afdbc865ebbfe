"""Orders as a table: plain numbers, times on the merchant's clock, and nothing that a spreadsheet would run."""

from datetime import UTC, datetime

import pytest

from core.domain.order import Address, Person
from core.domain.order_csv import COLUMNS, Exported, cells, chosen, safe
from tests.builders import a_line, a_shipping, an_order, money

WILD = (
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    '=HYPERLINK("http://x")',
    "-2+3+cmd|' /C calc'!A0",
    "＝1",
    "＋1",
    "－1",
    "＠x",
)
PERSON = Person(
    name="=1+1", email="@x", phone="+15550001", ship_to=Address(name="-x", company="=c", street1="=s", city="\tq", country="DE")
)


def exported(**different):
    order = an_order(**different)
    return Exported(order, "id-1", "Shopify", "North", order.order_status.value, "", ("vip",), "", "", "Europe/Berlin")


@pytest.mark.parametrize("text", WILD)
def test_no_cell_begins_like_a_formula(text):
    assert safe(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "a", "1", "'=1", " =1", "a=1", "1-2", "#1001"])
def test_what_is_no_formula_stays_as_it_is(text):
    assert safe(text) == text


def test_every_text_of_an_order_is_made_safe():
    order = {"name": "=n", "id": "=i", "lines": [a_line("=sku", title="=t")], "tags": ("=g",), "person": PERSON, "notes": ("=note: x",)}
    one = Exported(an_order(**order), "=id", "=channel", "=account", "open", "=why", ("=tag",), "=copy", "=merged", "UTC")

    found = dict(zip(COLUMNS, cells(one, COLUMNS), strict=True))

    dangerous = [name for name, cell in found.items() if cell[:1] in ("=", "+", "-", "@", "\t", "\r")]
    assert dangerous == []
    assert found["name"] == "'=1+1"
    assert found["phone"] == "'+15550001"


def test_amounts_are_plain_decimals_below_nothing_too():
    one = exported(lines=[a_line(gross="10")], shipping=[a_shipping("5.50")], total=money("15.49"))

    found = dict(zip(COLUMNS, cells(one, COLUMNS), strict=True))

    assert (found["total"], found["shipping"], found["rounding"], found["currency"]) == ("15.49", "5.50", "-0.01", "USD")
    assert found["units"] == "1"


def test_yen_have_no_cents_and_dinars_three():
    for currency, text in (("JPY", "10"), ("KWD", "10.000")):
        assert cells(exported(currency=currency), ["total"]) == [text]


def test_times_are_the_merchants():
    assert cells(exported(placed_at=datetime(2026, 3, 29, 12, tzinfo=UTC)), ["placed"]) == ["2026-03-29 14:00:00"]


def test_buyers_are_for_those_who_may_see_them():
    personal = {name for name, column in COLUMNS.items() if column.personal}

    assert personal & set(chosen(COLUMNS, buyers=False)) == set()
    assert personal <= set(chosen(COLUMNS, buyers=True))
    assert chosen(["name", "email"], buyers=False) == chosen([], buyers=False) != []


def test_columns_that_do_not_exist_are_left_out_and_the_order_is_ours():
    assert chosen(["total", "nonsense", "number"], buyers=True) == ["number", "total"]
