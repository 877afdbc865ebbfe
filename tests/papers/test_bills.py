"""Invoices and return slips as whoever gets them sees them."""

import re
from datetime import date
from decimal import Decimal

import pytest

from core.domain.money import Money, total
from core.domain.order import Charge, Discount, Liable, Tax, TaxMode
from core.domain.packing import Bill, Sheet, Shop, Sold
from core.papers.bills import invoices, return_slips
from core.papers.language import ENGLISH, Language, percent
from tests.papers.reading import a_slip, an_address, pages, scanned, text


def charge(gross, tax=0, off=0, currency="EUR", **given):
    known = {"title": "VAT", "included": True, "rate": "0.19"}
    discounts = (Discount(Money(off, currency), title="SUMMER"),) if off else ()
    return Charge(Money(gross, currency), discounts, (Tax(amount=Money(tax, currency), **(known | given)),) if tax else ())


def a_bill(*lines, **given):
    lines = lines or (Sold("Blue mug", charge(2380, 380), "MUG", 2),)
    known = {"extras": (), "tax_mode": TaxMode.INCLUSIVE, "slip": a_slip(), "number": "INV-7", "issued_on": date(2026, 5, 3)}
    known["total"] = total((line.charge.payable for line in (*lines, *given.get("extras", ()))), lines[0].charge.gross.currency)
    return Bill(lines=lines, **(known | given))


def flat(pdf):
    """All words with single blanks between them."""
    return re.sub(r"\s+", " ", text(pdf))


def test_an_invoice_says_who_sold_what_to_whom_for_how_much():
    shop = Shop("Northern Mugs", address=an_address(name="Northern Mugs GmbH"), tax_id="DE999999999", contact="help@shop.example")
    bill = a_bill(
        Sold("Blue mug", charge(2380, 332, off=300), "MUG", 2),
        slip=a_slip(shop=shop),
        extras=(Sold("Standard shipping", charge(490, 78)),),
        bill_to=an_address(name="Zeta Sample"),
        tax_id="GB999",
        paid=Money(1000, "EUR"),
    )

    said = flat(invoices([bill]))

    for words in ("Invoice", "INV-7", "2026-05-03", "#1007", "S-1007-1", "Northern Mugs GmbH", "DE999999999", "help@shop.example", "GB999"):
        assert words in said
    for words in ("Zeta Sample", "Ada Example", "Blue mug MUG Discount: -3.00 EUR SUMMER", "2 11.90 EUR", "VAT 19% 3.32 EUR", "20.80 EUR"):
        assert words in said
    for words in (
        "Subtotal 20.80 EUR Standard shipping 4.90 EUR Total 25.70 EUR Including VAT 19% 4.10 EUR Amount paid 10.00 EUR Due 15.70 EUR",
    ):
        assert words in said
    assert "Prices include tax." in said


def test_tax_on_top_stands_before_the_total_that_it_is_part_of():
    said = flat(invoices([a_bill(Sold("Mug", charge(1000, 190, included=False), "MUG", 1), tax_mode=TaxMode.EXCLUSIVE)]))

    assert "Subtotal 10.00 EUR VAT 19% 1.90 EUR Total 11.90 EUR" in said
    assert "Tax is added to the prices." in said and "Including" not in said


def test_an_invoice_always_adds_up_and_says_what_was_rounded():
    said = flat(invoices([a_bill(total=Money(2381, "EUR"))]))

    assert "Subtotal 23.80 EUR Rounding 0.01 EUR Total 23.81 EUR" in said


def test_a_tax_that_the_marketplace_pays_is_called_so():
    said = flat(invoices([a_bill(Sold("Mug", charge(1190, 190, liable=Liable.MARKETPLACE), "MUG", 1))]))

    assert "VAT 19% (collected by the marketplace)" in said


def test_a_buyer_is_named_once_where_bill_and_parcel_go_to_one_address():
    assert text(invoices([a_bill()])).count("Ada Example") == 1


@pytest.mark.parametrize(
    ("gross", "units", "currency", "price"),
    [
        (2380, 2, "EUR", "11.90 EUR"),
        (1000, 3, "EUR", "3.3333 EUR"),
        (100, 3, "JPY", "33.33 JPY"),
        (9000, 3, "JPY", "3000 JPY"),
        (-500, 2, "KWD", "-0.250 KWD"),
    ],
)
def test_a_unit_price_has_more_places_only_where_it_does_not_go_out_even(gross, units, currency, price):
    assert ENGLISH.unit_price(Money(gross, currency), units) == price


@pytest.mark.parametrize(
    ("rate", "said"), [("0.19", "19%"), ("0.0725", "7.25%"), ("0", "0%"), ("reduced", "reduced"), (None, ""), ("NaN", "NaN"), ("1", "100%")]
)
def test_a_rate_is_written_in_percent(rate, said):
    assert percent(rate) == said


def test_amounts_are_written_as_the_caller_writes_them():
    german = Language({"total": "Gesamt"}, amount=lambda amount, currency: f"{amount.quantize(Decimal('0.01'))}".replace(".", ",") + " €")

    assert "Gesamt 23,80 €" in flat(invoices([a_bill()], language=german))


def test_yen_have_no_places():
    said = flat(invoices([a_bill(Sold("マグカップ", charge(1200, 109, currency="JPY", rate="0.1"), "MUG", 1))]))

    assert "Total 1200 JPY" in said and "VAT 10% 109 JPY" in said and "マグカップ" in said


@pytest.mark.parametrize("sheet", [Sheet.LETTER, Sheet.LABEL])
def test_long_invoices_repeat_their_heading_and_are_scanned_by_their_number(sheet):
    bill = a_bill(*[Sold(f"Mug {number}", charge(1190, 190), f"SKU-{number:03}", 1) for number in range(60)])

    pdf = invoices([bill], sheet)
    found = pages(pdf)

    assert all(f"SKU-{number:03}" in "\n".join(found) for number in range(60))
    assert len(found) > 1 and all("Unit price" in re.sub(r"\s+", " ", page) for page in found[:-1])
    assert scanned(pdf)[0] == ["INV-7"]


def test_a_bill_of_two_currencies_is_refused():
    with pytest.raises(ValueError, match="do not add"):
        invoices([a_bill(total=Money(1, "USD"))])


def test_a_return_slip_asks_how_many_come_back_and_why():
    shop = Shop("Northern Mugs", address=an_address(name="Returns desk"))
    pdf = return_slips([a_bill(slip=a_slip(shop=shop), number="R-1007-1", paid=Money(1, "EUR"))], ["Too small", "Damaged"])

    said = flat(pdf)

    for words in (
        "Return slip",
        "R-1007-1",
        "Returns desk",
        "Ada Example",
        "Blue mug",
        "Total 23.80 EUR",
        "Returned",
        "Reason",
        "1 Too small",
        "2 Damaged",
    ):
        assert words in said
    assert "Amount paid" not in said
    assert scanned(pdf) == [["R-1007-1"]]


def test_who_reads_a_trace_reads_no_name():
    assert "Ada" not in repr(a_bill())
