"""Money of gateways without a feed: files are looked at, taken once, replaced on a click and taken back; deposits are declared."""

from datetime import timedelta
from typing import Any

import pytest

from core.domain.gateways import Origin, Sight
from core.domain.money import Money
from core.errors import Refused
from core.flows import books as keeping
from core.flows import gateways
from core.flows.gateways import Said
from core.store import journal, payouts
from core.store.payouts import Known
from tests.conftest import House
from tests.flows import acts, books
from tests.flows.depot import ANN
from tests.flows.marks import on_sqlite
from tests.flows.test_books import balances, open_items
from tests.flows.tills import DAY, file, here, look, open_till, paid_by, sale, take


@pytest.fixture
def shop(house: House) -> House:
    return open_till(house)


def brought(shop: House) -> list[Known]:
    with shop.hub.database.read() as db:
        return payouts.brought_in(db, shop.merchant.id, 2**62)


def entries(shop: House) -> int:
    return int(books.one(shop.hub, "select count(*) from entries"))


def test_a_file_settles_its_orders_books_its_fees_and_reaches_the_bank(shop: House) -> None:
    first, second = paid_by(shop), paid_by(shop)

    taken = take(shop, file(sale(first), sale(second)))

    assert (taken.booked, taken.same, taken.others) == (["PO-1"], [], [])
    assert open_items(shop) == {}
    assert {name: balances(shop)[name] for name in ("bank", "payment_fees")} == {"bank": "38.20", "payment_fees": "1.80"}
    [one] = brought(shop)
    assert (one.origin, one.gateway, one.payout.id, one.payout.handle) == (Origin.FILE, "paypal", "file:paypal:PO-1", "may.csv")


def test_what_a_file_would_do_is_shown_and_nothing_is_done(shop: House) -> None:
    first, second, third = paid_by(shop), paid_by(shop), paid_by(shop)
    before = entries(shop)

    found = look(shop, file(sale(first), sale(second, gross="19"), sale("9999"), f"PO-1,{DAY},,USD,,,3.00,,fee,F-1"))

    [one] = found.payouts
    assert one.sight is Sight.NEW and one.held.payout.amount == Money(5330, "USD")
    assert [(row.before, row.after) for row in one.rows] == [
        (Money(2000, "USD"), Money(0, "USD")), (Money(2000, "USD"), Money(100, "USD")), (None, None), (None, None),
    ]  # fmt: skip
    assert (found.left, found.items) == ({"USD": Money(2100, "USD")}, 2)
    assert set(found.orders) == {first, second}
    assert entries(shop) == before and brought(shop) == [] and open_items(shop)[third]


def test_the_same_file_again_does_nothing(shop: House) -> None:
    text = file(sale(paid_by(shop)))
    take(shop, text)
    before = entries(shop)

    taken = take(shop, text)

    assert (taken.booked, taken.same) == ([], ["PO-1"])
    assert [one.sight for one in look(shop, text).payouts] == [Sight.SAME]
    assert entries(shop) == before and len(brought(shop)) == 1


def test_a_file_that_says_otherwise_is_shown_and_replaces_what_is_booked_only_when_told_to(shop: House) -> None:
    number = paid_by(shop)
    take(shop, file(sale(number, gross="19")))
    right = file(sale(number))
    found = look(shop, right)

    assert take(shop, right).others == ["PO-1"]
    assert open_items(shop)[number][0] == "1.00"
    taken = take(shop, right, "paypal", "PO-1")

    [one] = found.payouts
    assert [(each.what, each.before, each.after) for each in one.others] == [
        ("", Money(1810, "USD"), Money(1910, "USD")), (f"sale:T-{number}-PO-1", Money(1810, "USD"), Money(1910, "USD")),
    ]  # fmt: skip
    assert [(row.before, row.after) for row in one.rows] == [(Money(2000, "USD"), Money(0, "USD"))]
    assert found.left == {"USD": Money(0, "USD")}
    assert taken.booked == ["PO-1"] and open_items(shop) == {} and balances(shop)["bank"] == "19.10"
    with shop.hub.database.read() as db:
        story = journal.story(db, shop.merchant.id, f"payout {shop.connection.id}/file:paypal:PO-1")
    assert sum(row.reverses is not None for row, _ in story) == 2  # nothing was changed, all was taken back and booked anew


def test_what_was_taken_in_is_taken_back_and_can_be_taken_in_again(shop: House) -> None:
    number = paid_by(shop)
    text = file(sale(number))
    take(shop, text)

    gateways.take_back(shop.hub, shop.merchant.id, brought(shop)[0], ANN)

    assert open_items(shop)[number][0] == "20.00" and "bank" not in balances(shop)
    assert [one.sight for one in look(shop, text).payouts] == [Sight.GONE]
    assert take(shop, text).booked == ["PO-1"]
    assert open_items(shop) == {} and len(brought(shop)) == 1


def test_what_is_booked_in_a_closed_period_is_not_taken_back(shop: House) -> None:
    number = paid_by(shop)
    take(shop, file(sale(number)))
    keeping.close(shop.hub, shop.merchant.id, DAY, ANN)

    with pytest.raises(Refused, match="closed period"):
        gateways.take_back(shop.hub, shop.merchant.id, brought(shop)[0], ANN)

    assert open_items(shop) == {}


def test_a_payout_of_a_feed_is_never_taken_back(shop: House) -> None:
    shop.bogus.sell({"A": 2}, paid_by=[{"gateway": "bogus", "amount": "20.00", "at": shop.clock().isoformat()}])
    shop.poll()
    shop.bogus.pay_out()
    shop.ask("read_payouts")
    shop.drain()
    with shop.hub.database.read() as db:
        [one] = payouts.listed(db, shop.merchant.id, 2**62)

    with pytest.raises(Refused):
        gateways.take_back(shop.hub, shop.merchant.id, one, ANN)

    assert brought(shop) == []


def test_the_channels_own_feed_and_files_stand_beside_each_other(shop: House) -> None:
    """An order that two gateways were paid for: each settles its own part."""
    at = shop.clock().isoformat()
    parts = [{"gateway": "bogus", "amount": "5.00", "at": at}, {"gateway": "paypal", "amount": "15.00", "at": at}]
    number = str(shop.bogus.sell({"A": 2}, paid_by=parts)["id"])
    shop.poll()

    take(shop, file(sale(number, gross="15")))
    shop.ask("read_payouts")
    shop.drain()

    assert open_items(shop) == {number: ("5.00", open_items(shop)[number][1])}
    assert {one.gateway for one in _items(shop, number)} == {"bogus"}


def _items(shop: House, number: str) -> list[Any]:
    with shop.hub.database.read() as db:
        return journal.items_of(db, shop.merchant.id, shop.connection.id, [f"{shop.connection.id}/{number}"])


def test_an_order_may_be_written_by_its_name(shop: House) -> None:
    number = paid_by(shop)

    take(shop, file(sale(f"#{number}", "PO-1", gross="15"), sale(number, "PO-2", gross="5")))

    assert open_items(shop) == {}


def test_refunds_chargebacks_and_reserves_of_a_file_go_where_they_belong(shop: House) -> None:
    number = paid_by(shop)
    text = file(
        sale(number), f"PO-1,{DAY},,USD,{number},-20,-0.50,-19.50,chargeback,C-1", f"PO-1,{DAY},,USD,{number},20,,,chargeback_won,C-1",
        f"PO-1,{DAY},,USD,,-4,,,reserve,R-1",
    )  # fmt: skip

    take(shop, text)

    assert open_items(shop) == {}
    assert {name: balances(shop).get(name) for name in ("chargebacks", "reserve", "payment_fees", "bank")} == {
        "chargebacks": None, "reserve": "4.00", "payment_fees": "0.40", "bank": "15.60",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("gateway", "why"), [("bogus", "told by the channel"), ("", "told by the channel"), ("stripe", "ever stood in clearing")]
)
def test_a_gateway_with_a_feed_and_one_that_nobody_paid_by_take_no_file(shop: House, gateway: str, why: str) -> None:
    text = file(sale(paid_by(shop)))

    with pytest.raises(Refused, match=why):
        take(shop, text, gateway)

    assert brought(shop) == []


def test_of_a_file_with_a_wrong_row_nothing_is_taken(shop: House) -> None:
    number = paid_by(shop)

    with pytest.raises(Refused, match="line 3: date"):
        take(shop, file(sale(number), sale(number, "PO-2", day="yesterday")))

    assert brought(shop) == [] and look(shop, file("x")).wrong == ((2, "date: there is none"),)


# ---- declared deposits


def said(shop: House, amount: int, *orders: str, **different: Any) -> Said:
    items = [f"{shop.connection.id}/{one}" for one in orders]
    return Said(**{"key": "K1", "day": DAY, "amount": Money(amount, "USD"), "items": items, **different})


def declare(shop: House, one: Said, gateway: str = "paypal") -> str:
    return gateways.declare(shop.hub, here(shop), gateway, one, ANN)


@pytest.mark.parametrize(("why", "account"), [("fee", "payment_fees"), ("short", "adjustments")])
def test_a_declared_deposit_settles_what_it_paid_and_its_difference_has_a_cause(shop: House, why: str, account: str) -> None:
    first, second, left = paid_by(shop), paid_by(shop), paid_by(shop)

    declare(shop, said(shop, 3900, first, second, why=why, words="bank charge"))

    assert set(open_items(shop)) == {left}
    assert (balances(shop)["bank"], balances(shop)[account]) == ("39.00", "1.00")


def test_a_deposit_that_is_said_twice_is_one(shop: House) -> None:
    number = paid_by(shop)
    first = declare(shop, said(shop, 2000, number))

    with pytest.raises(Refused, match="choose what is open"):
        declare(shop, said(shop, 2000, number))

    assert balances(shop)["bank"] == "20.00" and [one.id for one in brought(shop)] == [first]


def test_a_difference_that_nobody_explains_is_refused(shop: House) -> None:
    number = paid_by(shop)

    with pytest.raises(Refused, match="say what the difference is"):
        declare(shop, said(shop, 1900, number, why="whatever"))

    assert brought(shop) == []


@pytest.mark.parametrize("orders", [[], ["9999"]])
def test_a_deposit_pays_what_is_open_and_nothing_else(shop: House, orders: list[str]) -> None:
    paid_by(shop)

    with pytest.raises(Refused, match="choose what is open"):
        declare(shop, said(shop, 2000, *orders))


def test_a_declared_deposit_is_taken_back(shop: House) -> None:
    number = paid_by(shop)
    declare(shop, said(shop, 2000, number))

    gateways.take_back(shop.hub, shop.merchant.id, brought(shop)[0], ANN)

    assert open_items(shop)[number][0] == "20.00" and "bank" not in balances(shop)


def test_only_money_of_that_gateway_is_offered_to_choose_from(shop: House) -> None:
    mine = paid_by(shop)
    paid_by(shop, "cash on delivery")
    paid_by(shop, "bogus")
    with shop.hub.database.read() as db:
        found = gateways.choice(db, shop.merchant.id, shop.connection.id, "paypal", "USD")
        places = {(one.gateway, one.open.text()) for one in gateways.places(shop.hub, db, shop.merchant.id, DAY)}

    assert [(one.item.partition("/")[2], named and named.name) for one, named in found] == [(mine, f"#{mine}")]
    assert places == {("cash on delivery", "20.00"), ("paypal", "20.00")}


@on_sqlite
def test_five_hundred_payouts_are_taken_with_as_many_statements_of_booking_as_one(shop: House) -> None:
    number = paid_by(shop)
    rows = [sale(number, f"PO-{n}", gross="0.04", fee="0") for n in range(500)]

    taken = take(shop, file(*rows))

    assert len(taken.booked) == 500 and open_items(shop) == {} and balances(shop)["bank"] == "20.00"
    assert look(shop, file(*rows, sale(number, "PO-500"))).wrong == ((1, "there are more than 500 payouts in it"),)


def test_what_waits_for_a_gateways_money_is_not_judged_by_the_channels_time(shop: House) -> None:
    paid_by(shop)
    shop.clock.pass_(timedelta(days=13))

    assert [why for _, why in open_items(shop, DAY + timedelta(days=13)).values()] == ["awaited"]


@on_sqlite
def test_an_order_of_which_no_read_tells_who_paid_waits_and_is_not_asked_for_again_and_again(shop: House) -> None:
    """Failure: an order whose payments a channel never tells was read without end."""
    shop.bogus.sell({"A": 2})
    shop.poll()
    reads = [call for call in shop.bogus.calls if call[0] in ("fetch", "poll")]

    assert len(reads) <= 2
    assert books.rows(shop.hub, "select why from unbooked") == [("payments",)]


def test_what_was_captured_since_its_payments_were_read_is_read_before_it_is_booked(shop: House) -> None:
    """Somebody captures it on the channel: the notice says that it is paid, and not by what."""
    number = str(shop.bogus.sell({"A": 2})["id"])
    shop.bogus.authorize(number)
    shop.poll()
    promised = shop.bogus.orders[number]
    shop.clock.pass_(timedelta(minutes=5))
    shop.bogus.change(number, payment="paid", captures=[{"amount": "20.00", "key": "K"}])
    told = {**shop.bogus.orders[number], "captures": []}
    acts.deliver(shop, [acts.notice(told, "d1")])
    shop.drain()

    assert promised["payment"] == "authorized"
    assert books.rows(shop.hub, "select kind from entries order by id") == [("sale",), ("payment",)]
