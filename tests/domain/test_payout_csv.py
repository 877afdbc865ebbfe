"""Payouts that somebody typed in: each row a movement, each wrong row named by its line."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.money import Money
from core.domain.payout_csv import KINDS, Held, Read, read
from core.domain.payouts import Leaf, Occasion, Paid

HEAD = "payout,date,amount,currency,order,gross,fee,net,kind,reference"


def file(*rows: str, head: str = HEAD) -> str:
    return "\r\n".join([head, *rows, ""])


def held(*rows: str) -> list[Held]:
    found = read(file(*rows))
    assert found.wrong == ()
    return list(found.payouts)


def wrong(*rows: str, head: str = HEAD) -> list[tuple[int, str]]:
    found = read(file(*rows, head=head))
    assert found.payouts == ()
    return list(found.wrong)


def test_a_day_is_the_merchants_own():
    text = file("P-1,2026-11-20,,USD,,1,,1,sale,")

    days = {zone: read(text, ZoneInfo(zone)).payouts[0].payout.at for zone in ("America/New_York", "Asia/Tokyo", "UTC")}

    assert {zone: str(at.astimezone(ZoneInfo(zone)).date()) for zone, at in days.items()} == dict.fromkeys(days, "2026-11-20")
    assert {str(at.date()) for at in days.values()} == {"2026-11-20"}


def parts(one: Held) -> list[list[tuple[Leaf, int]]]:
    return [[(part.leaf, part.amount.minor) for part in movement.parts] for movement in one.movements]


def test_rows_of_a_payout_become_what_it_holds():
    [one] = held(
        "P-1,2026-11-19,,EUR,1001,100.00,3.20,96.80,sale,T-1",
        "P-1,2026-11-20,,EUR,1001,-20,-0.50,-19.50,refund,T-2",
        "P-1,2026-11-20T13:00:00+01:00,,EUR,,,5.00,,fee,T-3",
    )

    assert (one.payout.id, one.payout.state, one.payout.amount) == ("P-1", Paid.PAID, Money(7230, "EUR"))
    assert [str(at) for at in (one.payout.began, one.payout.at)] == ["2026-11-19 12:00:00+00:00", "2026-11-20 12:00:00+00:00"]
    assert parts(one) == [
        [(Leaf.BUYER, 10000), (Leaf.PAYMENT_FEE, -320)],
        [(Leaf.BUYER, -2000), (Leaf.PAYMENT_FEE, 50)],
        [(Leaf.PAYMENT_FEE, -500)],
    ]
    assert [(move.order, move.refers, move.payout) for move in one.movements] == [
        ("1001", ("T-1",), "P-1"), ("1001", ("T-2",), "P-1"), (None, ("T-3",), "P-1"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("gross", "fee", "net"), [("100", "3", "97"), ("100", "-3", "97"), ("100", "3", ""), ("", "3", "97"), ("100", "", "97")]
)
def test_two_of_three_figures_say_the_third_and_a_fee_may_be_written_below_zero(gross, fee, net):
    [one] = held(f"P-1,2026-11-20,,USD,1001,{gross},{fee},{net},sale,")

    assert parts(one) == [[(Leaf.BUYER, 10000), (Leaf.PAYMENT_FEE, -300)]]


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_its_leaf(kind):
    gross = "-5" if kind in (Occasion.REFUND, Occasion.CHARGEBACK) else "5"
    [one] = held(f"P-1,2026-11-20,,USD,,{gross},,,{kind.value.replace('_', ' ').upper()},")

    assert (one.movements[0].occasion, parts(one)) == (kind, [[(KINDS[kind], 500 if gross == "5" else -500)]])


def test_what_reached_the_bank_stands_as_it_was_told_though_the_rows_say_otherwise():
    [one] = held("P-1,2026-11-20,95.00,USD,1,100,3,97,sale,", "P-1,2026-11-20,,USD,2,1,,1,sale,", "P-1,2026-11-20,95,USD,3,1,,1,sale,")

    assert one.payout.amount == Money(9500, "USD")
    assert sum(move.amount.minor for move in one.movements) == 9900


def test_several_payouts_each_in_its_own_currency_and_yen_without_cents():
    found = held("P-2,2026-11-20,,JPY,1,1200,,,sale,", "P-1,2026-11-20,,USD,1,1,,,sale,", "P-2,2026-11-21,,JPY,2,300,,,sale,")

    assert [(one.payout.id, one.payout.amount) for one in found] == [("P-2", Money(1500, "JPY")), ("P-1", Money(100, "USD"))]


def test_movements_without_a_reference_are_named_alike_each_time_and_never_twice():
    rows = ["P-1,2026-11-20,,USD,1,1,,,sale,", "P-1,2026-11-20,,USD,1,1,,,sale,", "P-1,2026-11-20,,USD,1,-1,,,refund,"]

    [first], [again] = held(*rows), held(*rows)

    assert len({one.id for one in first.movements}) == 3
    assert first == again


def test_columns_come_in_any_order_with_others_between_and_a_byte_order_mark():
    text = '\ufeffKind, Net ,comment,Currency,DATE,Payout\nsale,97.00,"a, b\nc",USD,2026-11-20,P-1\n\n,,,,,\n'

    found = read(text)

    assert found.wrong == ()
    assert [one.payout.amount for one in found.payouts] == [Money(9700, "USD")]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (",2026-11-20,,USD,1,1,,,sale,", "payout"),
        ("P-1,,,USD,1,1,,,sale,", "date"),
        ("P-1,20.11.2026,,USD,1,1,,,sale,", "date"),
        ("P-1,2026-11-20T10:00:00,,USD,1,1,,,sale,", "date"),
        ("P-1,2026-13-20,,USD,1,1,,,sale,", "date"),
        ("P-1,2026-11-20,,,1,1,,,sale,", "currency"),
        ("P-1,2026-11-20,,usd,1,1,,,sale,", "currency"),
        ("P-1,2026-11-20,x,USD,1,1,,,sale,", "amount"),
        ('P-1,2026-11-20,,USD,1,"1,50",,,sale,', "gross"),
        ("P-1,2026-11-20,,USD,1,1.005,,,sale,", "gross"),
        ("P-1,2026-11-20,,USD,1,nan,,,sale,", "gross"),
        ("P-1,2026-11-20,,USD,1,,,,sale,", "gross"),
        ("P-1,2026-11-20,,USD,1,,3,,sale,", "gross"),
        ("P-1,2026-11-20,,USD,1,-5,,,sale,", "gross"),
        ("P-1,2026-11-20,,USD,1,5,,,refund,", "gross"),
        ("P-1,2026-11-20,,USD,1,100,3,98,sale,", "net"),
        ("P-1,2026-11-20,,USD,1,100,-3,,sale,", "fee"),
        ("P-1,2026-11-20,,USD,1,,-3,97,sale,", "fee"),
        ("P-1,2026-11-20,,USD,1,1,,,,", "kind"),
        ("P-1,2026-11-20,,USD,1,1,,,gift,", "kind"),
        ("P-1,2026-11-20,,USD,1,1,,,unknown,", "kind"),
        (f"P-1,2026-11-20,,USD,{'9' * 201},1,,,sale,", "order"),
    ],
)
def test_a_row_that_cannot_be_meant_is_named_by_its_line_and_nothing_is_taken(row, why):
    [(line, words)] = wrong("P-0,2026-11-20,,USD,1,1,,,sale,", row)

    assert (line, words.partition(":")[0]) == (3, why)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("P-1,2026-11-20,,EUR,2,1,,,sale,", "currency: the payout is in USD (line 2)"),
        ("P-1,2026-11-20,8,USD,2,1,,,sale,", "amount: line 2 says another one of this payout"),
        ("P-9,2026-11-20,,USD,2,1,,,sale,T-1", "reference: line 2 has the same"),
    ],
)
def test_a_row_that_contradicts_another_names_it(row, words):
    assert wrong("P-1,2026-11-20,9,USD,1,9,,,sale,T-1", row) == [(3, words)]


def test_every_wrong_row_is_named_in_the_order_of_the_file():
    found = wrong("P-1,x,,USD,1,1,,,sale,", "P-1,2026-11-20,,USD,1,1,,,sale,", "P-1,2026-11-20,,USD,1,1,,,gift,")

    assert [line for line, _ in found] == [2, 4]


@pytest.mark.parametrize(
    ("head", "why"), [("payout,date,kind", "currency is missing"), (f"{HEAD},kind", "kind stands twice"), ("", "payout is missing")]
)
def test_a_file_without_its_columns_is_refused_at_its_first_line(head, why):
    [(line, words)] = wrong(head=head)

    assert line == 1
    assert why in words


def test_an_empty_file_and_what_is_no_csv_are_refused():
    assert read("").wrong == ((1, "the column payout is missing"),)
    assert "no CSV" in read(file('P-1,2026-11-20,,USD,1,"1,,,sale,')).wrong[0][1]


def test_a_file_with_nothing_but_its_columns_holds_nothing():
    assert read(file()) == Read()


MINOR = st.integers(1, 10**9)


@given(st.lists(st.tuples(MINOR, st.integers(0, 10**6), st.booleans()), min_size=1, max_size=9))
def test_movements_sum_to_the_payout_and_parts_to_their_movement(rows):
    lines = []
    for gross, fee, back in rows:
        sign, kind = (-1, "refund") if back else (1, "sale")
        lines.append(f"P-1,2026-11-20,,USD,,{Money(gross * sign, 'USD').text()},{Money(fee, 'USD').text()},,{kind},")

    [one] = held(*lines)

    assert sum(move.amount.minor for move in one.movements) == one.payout.amount.minor
    assert [move for move in one.movements if move.gap] == []


@given(st.text(max_size=200))
def test_whatever_is_in_a_file_it_is_read_or_named(text):
    for found in (read(text), read(f"{HEAD}\n{text}")):
        assert found.wrong == () or all(line >= 0 and why for line, why in found.wrong)
        assert not (found.wrong and found.payouts)
