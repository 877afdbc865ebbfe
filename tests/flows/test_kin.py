"""Copies hold nothing, merged lines carry their reservation over; whatever comes first."""

import itertools
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from core.errors import Refused
from core.flows import doctor, join, linking
from core.store import orders as store
from tests.conftest import House
from tests.flows import acts, books
from tests.flows.acts import deliver, notice
from tests.flows.quick import Houses


@pytest.fixture(scope="module")
def street() -> Iterator[Houses]:
    with TemporaryDirectory(prefix="crossdock-kin-") as folder:
        street = Houses(Path(folder), "shop", "market", merges=True)
        street.furnish(lambda house: house.shelve(A=5, B=5))
        yield street


@pytest.fixture
def two(make_house: Callable[..., House]) -> House:
    """A shop into which an app brings the orders of a market."""
    house = make_house("shop", "market")
    house.shelve(A=5, B=5)
    return house


def ref(house: House, name: str, order: str) -> str:
    return f"{house.connections[name].id}/{order}"


def kin(house: House) -> dict[str, tuple[str | None, str | None]]:
    """(copy of, merged into) by ref."""
    query = "select connection || '/' || channel_id, copy_of, merged_into from orders"
    return {row[0]: (row[1], row[2]) for row in books.rows(house.hub, query)}


def tell(house: House, name: str, document: dict, delivery: str) -> None:
    deliver(house, [notice(document, delivery)], house.connections[name])
    house.drain()


def a_copy(house: House, original: dict, **different: object) -> dict:
    """The market's order as an app writes it into the shop, which takes its units off its own listings."""
    wanted = {line["sku"]: line["quantity"] for line in original["lines"]}
    return house.systems["shop"].sell(wanted, id="S-1", source="market", source_id=original["id"], **different)


@pytest.mark.parametrize("first", ["market", "shop"])
def test_a_copy_holds_nothing_whichever_came_first(two: House, first: str) -> None:
    original = two.systems["market"].sell({"A": 2})
    told = {"market": original, "shop": a_copy(two, original)}

    for name in (first, "shop" if first == "market" else "market"):
        tell(two, name, told[name], f"d-{name}")

    copy, market = ref(two, "shop", "S-1"), ref(two, "market", original["id"])
    assert kin(two) == {market: (None, None), copy: (market, None)}
    assert books.level(two.hub, "A") == (5, 2)
    assert books.lines(two.hub, "S-1") == {"1": (0, 0, 0, 0, None)}
    assert books.wrong_listings(two) == []
    assert {name: system.listings["L-A", "A"].shown for name, system in two.systems.items()} == {"shop": 3, "market": 3}
    books.balance(two.hub)


def test_the_last_units_go_from_the_copy_to_the_original_and_to_nobody_else(two: House) -> None:
    original = two.systems["market"].sell({"A": 5})
    tell(two, "shop", a_copy(two, original), "copy")
    tell(two, "shop", {**two.systems["shop"].sell({"A": 1}), "placed_at": "2026-01-01T00:00:00+00:00"}, "older, and waiting")

    tell(two, "market", original, "original")

    assert list(books.lines(two.hub, original["id"]).values()) == [(5, 5, 0, 0, None)]
    assert books.one(two.hub, "select count(*) from events where kind = 'StockReleased'") == 0
    assert books.one(two.hub, "select count(*) from events where kind = 'StockCarried'") == 1
    assert books.level(two.hub, "A") == (5, 5)
    books.balance(two.hub)


def test_what_is_said_by_hand_lasts(two: House) -> None:
    original = two.systems["market"].sell({"A": 2})
    copy = a_copy(two, original)
    tell(two, "market", original, "1")
    tell(two, "shop", copy, "2")
    mine, market = ref(two, "shop", "S-1"), ref(two, "market", original["id"])

    linking.unlink(two.hub, linking.one(two.hub, two.merchant.id, "S-1"))
    two.drain()
    apart = books.level(two.hub, "A")
    tell(two, "shop", two.systems["shop"].change("S-1", payment="paid", cancel_requested=True), "3")
    tell(two, "market", two.systems["market"].change(original["id"], cancel_requested=True), "4")
    still = books.level(two.hub, "A")
    linking.link(two.hub, two.merchant.id, mine, market)
    two.drain()

    assert (apart, still, books.level(two.hub, "A")) == ((5, 4), (5, 4), (5, 2))
    assert kin(two)[mine] == (market, None)
    assert books.wrong_listings(two) == []
    books.balance(two.hub)


def test_an_order_is_linked_by_hand_to_one_that_it_does_not_name(two: House) -> None:
    tell(two, "market", original := two.systems["market"].sell({"A": 1}), "1")
    tell(two, "shop", two.systems["shop"].sell({"A": 1}, id="S-9"), "2")
    mine, market = ref(two, "shop", "S-9"), ref(two, "market", original["id"])

    linking.link(two.hub, two.merchant.id, mine, market)
    tell(two, "shop", two.systems["shop"].change("S-9", payment="paid"), "3")

    assert kin(two)[mine] == (market, None)
    assert books.level(two.hub, "A") == (5, 1)
    for words in (lambda: linking.link(two.hub, two.merchant.id, market, mine), lambda: linking.one(two.hub, two.merchant.id, "nothing")):
        with pytest.raises(Refused):
            words()


def test_another_merchants_order_is_nobodys_original(two: House, make_house: Callable[..., House]) -> None:
    tell(two, "shop", two.systems["shop"].sell({"A": 1}, id="S-1", source="market", source_id="1001"), "1")
    with two.hub.database.write() as db:
        db.exec_driver_sql("update orders set merchant = 'somebody else'")

    tell(two, "market", two.systems["market"].sell({"A": 1}), "2")

    assert set(kin(two).values()) == {(None, None)}


def test_money_is_counted_once(two: House) -> None:
    original = two.systems["market"].sell({"A": 2})
    tell(two, "shop", a_copy(two, original), "1")
    tell(two, "market", original, "2")

    with two.hub.database.read() as db:
        assert [(row.orders, row.total) for row in store.totals(db, two.merchant.id)] == [(1, 2000)]


LATER = (
    ("fulfill original", "fulfill copy"),
    ("cancel original", "cancel copy"),
)


@pytest.mark.parametrize("acts_done", LATER)
def test_every_order_of_notices_ends_in_the_same_books(street: Houses, acts_done: tuple[str, ...]) -> None:
    endings = set()
    for order in itertools.permutations(range(4)):
        house = street.make()
        market, shop = house.systems["market"], house.systems["shop"]
        first = market.sell({"A": 2, "B": 1})
        copy = a_copy(house, first)
        told = [("market", first), ("shop", copy)]
        for act in acts_done:
            name, id = ("market", first["id"]) if "original" in act else ("shop", "S-1")
            system = house.systems[name]
            line = system.orders[id]["lines"][0]["id"]
            told.append((name, acts.cancel(system, id) if "cancel" in act else acts.fulfill(system, id, line, 2)))
        for n in order:
            tell(house, told[n][0], told[n][1], f"d{n}")
            books.balance(house.hub)
        house.poll()
        house.drain(timedelta(seconds=5))
        books.balance(house.hub)
        assert books.wrong_listings(house) == []
        assert shop.orders
        endings.add(books.digest(house.hub, {house.connections["market"].id: "market", house.connections["shop"].id: "shop"}))
        house.hub.database.close()
    assert len(endings) == 1


def combined(house: House, old: str) -> tuple[list[dict], dict]:
    """Three unpaid orders of one buyer at the market, and what they became: (what was told of the old ones, the new one)."""
    market = house.systems["market"]
    parts = [market.sell(wanted, payment="unpaid") for wanted in ({"A": 2}, {"A": 1, "B": 1}, {"B": 2})]
    house.clock.pass_(timedelta(minutes=1))
    new = market.combine(*(one["id"] for one in parts), old=old)
    return [*parts, *(market.orders[one["id"]] for one in parts if old == "cancelled")], new


def after_each_notice(house: House, told: list[dict], order: tuple[int, ...]) -> Iterator[int]:
    for n in order:
        for twice in range(1 + n % 2):
            tell(house, "market", told[n], f"d{n}-{twice}")
            books.balance(house.hub)
        yield sum(units for _, units in books.rows(house.hub, "select sku, reserved from levels"))


def names(house: House) -> dict[str, str]:
    return {house.connections["market"].id: "market", house.connections["shop"].id: "shop"}


@pytest.mark.parametrize("old", ["gone", "cancelled"])
def test_a_combined_order_takes_over_what_its_parts_held_whatever_is_told_first(street: Houses, old: str) -> None:
    endings = set()
    for order in itertools.islice(itertools.permutations(range(4 if old == "gone" else 7)), 0, None, 2 if old == "gone" else 419):
        house = street.make()
        parts, new = combined(house, old)

        held = list(after_each_notice(house, [new, *parts], order))
        quiet(house)

        assert held == sorted(held), "no unit came free on the way"
        assert set(books.lines(house.hub, new["id"]).values()) == {(2, 2, 0, 0, None), (1, 1, 0, 0, None)}
        merged = {(None, ref(house, "market", new["id"]))}
        assert {kin(house)[ref(house, "market", one["id"])] for one in parts} == merged
        assert (books.level(house.hub, "A"), books.level(house.hub, "B")) == ((5, 3), (5, 3))
        assert books.wrong_listings(house) == []
        assert books.parked(house.hub) == []
        endings.add(books.digest(house.hub, names(house)))
        house.hub.database.close()
    assert len(endings) == 1


def quiet(house: House) -> None:
    """Polls come round, and what waited for them is done."""
    for _ in range(2):
        house.clock.pass_(timedelta(minutes=5))
        house.poll()
        house.drain(timedelta(seconds=35))
    books.balance(house.hub)


@pytest.mark.parametrize("seen", [0, 1, 2, 3])
def test_parts_that_nobody_told_us_of_do_not_matter(street: Houses, seen: int) -> None:
    house = street.make()
    parts, _ = combined(house, "gone")
    list(after_each_notice(house, parts[:seen], tuple(range(seen))))

    quiet(house)

    assert (books.level(house.hub, "A"), books.level(house.hub, "B")) == ((5, 3), (5, 3))
    assert books.wrong_listings(house) == []
    assert len(kin(house)) == seen + 1
    house.hub.database.close()


def test_an_unpaid_order_that_is_cancelled_and_not_combined_is_given_free_once_its_channel_was_read(street: Houses) -> None:
    house = street.make()
    market = house.systems["market"]
    tell(house, "market", one := market.sell({"A": 2}, payment="unpaid"), "1")
    tell(house, "market", acts.cancel(market, one["id"]), "2")
    at_once = books.level(house.hub, "A")

    quiet(house)

    assert (at_once, books.level(house.hub, "A")) == ((5, 2), (5, 0))
    assert books.open_tasks(house.hub) == []
    assert books.wrong_listings(house) == []
    house.hub.database.close()


def test_lines_that_do_not_reappear_stay_where_they_were(street: Houses) -> None:
    house = street.make()
    market = house.systems["market"]
    part = market.sell({"A": 1, "B": 1}, payment="unpaid")
    tell(house, "market", part, "1")
    house.clock.pass_(timedelta(minutes=1))
    new = {**market.combine(part["id"]), "lines": part["lines"][:1]}
    market.orders[new["id"]] = new

    tell(house, "market", new, "2")

    assert books.lines(house.hub, part["id"]) == {part["lines"][0]["id"]: (0, 0, 0, 0, None), part["lines"][1]["id"]: (1, 1, 0, 0, None)}
    assert kin(house)[ref(house, "market", part["id"])] == (None, None)
    assert (books.level(house.hub, "A"), books.level(house.hub, "B")) == ((5, 1), (5, 1))
    house.hub.database.close()


def test_what_was_combined_is_combined_once_more(street: Houses) -> None:
    house = street.make()
    market = house.systems["market"]
    parts = [market.sell({"A": 1}, payment="unpaid") for _ in range(3)]
    house.clock.pass_(timedelta(minutes=1))
    new = market.combine(parts[0]["id"], parts[1]["id"])
    house.clock.pass_(timedelta(minutes=1))
    last = market.combine(new["id"], parts[2]["id"])

    for n, document in enumerate([parts[0], last, new, parts[2], parts[1]]):
        tell(house, "market", document, str(n))
        books.balance(house.hub)

    into = ref(house, "market", last["id"])
    assert {one: merged for one, (_, merged) in kin(house).items()} == {
        **{ref(house, "market", one["id"]): into for one in (*parts, new)}, into: None,
    }  # fmt: skip
    assert books.level(house.hub, "A") == (5, 3)
    house.hub.database.close()


def test_an_app_that_leaves_the_shops_stock_alone_is_found_out_by_the_next_write(make_house: Callable[..., House]) -> None:
    house = make_house("shop", "market")
    house.systems["shop"].compares = True
    house.shelve(A=5)
    original = house.systems["market"].sell({"A": 2})
    tell(house, "market", original, "1")
    copy = a_copy(house, original)
    house.systems["shop"].listings["L-A", "A"].shown += 2

    tell(house, "shop", copy, "2")

    assert books.wrong_listings(house) == []


def test_the_opening_stock_counts_what_a_copy_took_off_once(two: House) -> None:
    tell(two, "market", original := two.systems["market"].sell({"A": 2}), "1")
    tell(two, "shop", a_copy(two, original), "2")
    shop = two.hub.connection(two.connections["shop"].id)

    by_option = {}
    for taken_off in (True, False):
        found, _ = join.opening(two.hub, shop, others_taken_off=taken_off)
        by_option[taken_off] = {one.sku: one.on_hand for one in found}["A"]

    assert by_option == {True: 5, False: 5}


def test_the_doctor_sees_a_copy_that_holds_and_one_of_nobody(two: House) -> None:
    tell(two, "shop", two.systems["shop"].sell({"A": 1}), "1")
    with two.hub.database.write() as db:
        db.exec_driver_sql("update orders set copy_of = 'nowhere/1'")

    with two.hub.database.read() as db:
        ill = {finding.name for finding in doctor.examine(db, two.hub.now) if not finding.ok}

    assert ill == {"a copy or a merged order holds nothing", "every copy and merged order names an order that is here"}


def test_an_order_that_the_channel_forgot_is_parked_until_its_lines_turn_up_elsewhere(street: Houses) -> None:
    house = street.make()
    market = house.systems["market"]
    parts = [market.sell({"A": 1}, payment="unpaid") for _ in range(2)]
    for one in parts:
        tell(house, "market", one, one["id"])
    house.clock.pass_(timedelta(minutes=1))
    market.combine(*(one["id"] for one in parts))
    house.ask("fetch_orders", ref(house, "market", parts[0]["id"]), house.connections["market"])
    house.drain()
    before = [row[:2] for row in books.parked(house.hub)]

    quiet(house)

    assert before == [("fetch_orders", ref(house, "market", parts[0]["id"]))]
    assert books.parked(house.hub) == []
    assert books.level(house.hub, "A") == (5, 2)
    house.hub.database.close()


def test_an_order_that_got_another_id_when_it_was_paid_was_sold_once(street: Houses) -> None:
    house = street.make()
    market = house.systems["market"]
    house.clock.pass_(timedelta(minutes=1))
    tell(house, "market", one := market.sell({"A": 2}, payment="unpaid"), "1")
    house.clock.pass_(timedelta(minutes=1))
    del market.orders[one["id"]]
    paid = market.orders["9"] = {**one, "id": "9", "payment": "paid", "updated_at": house.clock.now.isoformat()}

    tell(house, "market", paid, "2")

    assert kin(house) == {ref(house, "market", one["id"]): (None, ref(house, "market", "9")), ref(house, "market", "9"): (None, None)}
    assert books.level(house.hub, "A") == (5, 2)
    assert (books.wrong_listings(house), market.listings["L-A", "A"].writes) == ([], [])
    house.hub.database.close()
