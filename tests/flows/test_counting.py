"""Counts and maps from a file: taken whole or not at all, looked at first, and true of the moment when somebody counted."""

import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from connectors.bogus.channel import Bogus, Document
from core.flows import counting, stock_csv
from core.flows.counting import Report, WrongLines
from core.store import connections, listings
from core.store.tables import us
from tests.conftest import House
from tests.flows import acts, books
from tests.flows.acts import deliver, notice
from tests.flows.quick import Houses


def take(house: House, text: str, **how: Any) -> Report:
    sheet = stock_csv.read(io.StringIO(text), "Main", how.pop("counted_at", None))
    return counting.take(house.hub, house.merchant.id, sheet, **how)


def wrong(house: House, text: str, **how: Any) -> list[tuple[int, str]]:
    with pytest.raises(WrongLines) as error:
        take(house, text, **how)
    return error.value.lines


def exported(house: House, **how: Any) -> str:
    out = io.StringIO()
    stock_csv.write(out, stock_csv.export(house.hub, house.merchant.id, **how))
    return out.getvalue()


def undone(report: Report) -> str:
    out = io.StringIO()
    stock_csv.write(out, stock_csv.undo(report))
    return out.getvalue()


def parts(house: House) -> dict[str, dict[str, int]]:
    with house.hub.database.read() as db:
        return {one.sku: dict(one.parts) for one in listings.all_of(db, house.merchant.id)}


def ship(system: Bogus, order: str, units: int) -> Document:
    """A parcel leaves now, and says when it did."""
    line = system.orders[order]["lines"][0]
    parcels = system.orders[order].get("shipped", [])
    row = {"id": f"P{len(parcels) + 1}", "at": system.clock().isoformat(), "lines": [{"line": line["id"], "quantity": units}]}
    system.change(order, shipped=[*parcels, row])
    return acts.fulfill(system, order, line["id"], units)


# ---- the moment of a count


def test_what_left_and_came_back_since_a_count_is_reckoned_in(house: House) -> None:
    house.shelve(A=10)
    counted_at = us(house.clock.now + timedelta(minutes=1))
    sold = house.bogus.sell({"A": 3})
    house.clock.pass_(timedelta(minutes=5))
    deliver(house, [notice(ship(house.bogus, sold["id"], 2), "left")])
    house.drain()
    house.clock.pass_(timedelta(minutes=5))
    deliver(house, [notice(acts.refund(house.bogus, sold["id"], "1", 1, "return"), "back")])
    house.drain()

    [shelved] = take(house, "sku,on_hand\nA,20\n", counted_at=counted_at).shelves

    assert (shelved.was, shelved.counted, shelved.moved, shelved.will) == (9, 20, -1, 19)
    assert books.level(house.hub, "A") == (19, 1)
    books.balance(house.hub)


def test_a_parcel_that_left_before_the_count_and_was_heard_of_after_it_is_in_the_count(house: House) -> None:
    house.shelve(A=10)
    sold = house.bogus.sell({"A": 2})
    deliver(house, [notice(sold, "sold")])
    house.drain()
    house.clock.pass_(timedelta(minutes=1))
    document = ship(house.bogus, sold["id"], 2)
    house.clock.pass_(timedelta(minutes=1))
    take(house, "sku,on_hand\nA,8\n")
    deliver(house, [notice(document, "left")])
    house.drain()

    assert books.level(house.hub, "A") == (8, 0)
    books.balance(house.hub)


def test_fewer_than_are_promised_leaves_it_to_late_news_to_say_which_of_them_left(house: House) -> None:
    house.shelve(A=1)
    sold = house.bogus.sell({"A": 1})
    deliver(house, [notice(sold, "sold")])
    house.drain()
    house.clock.pass_(timedelta(minutes=1))
    document = ship(house.bogus, sold["id"], 1)
    house.clock.pass_(timedelta(minutes=1))
    report = take(house, "sku,on_hand\nA,0\n")
    deliver(house, [notice(document, "left")])
    house.drain()

    assert report.warnings == ["A: 1 stay on hand, since so many are promised; 0 were counted"]
    assert books.level(house.hub, "A") == (0, 0)


def test_a_count_that_is_older_than_the_last_one_is_refused(house: House) -> None:
    house.shelve(A=10)
    hour_ago = (house.clock.now - timedelta(hours=1)).isoformat()
    tomorrow = (house.clock.now + timedelta(days=1)).isoformat()

    said = wrong(house, f"sku,on_hand,counted_at\nA,3,{hour_ago}\nB,3,{hour_ago}\nC,1,{tomorrow}\n")

    assert [line for line, _ in said] == [2, 4]
    assert "counted again after that" in said[0][1]
    assert "yet to come" in said[1][1]
    assert books.level(house.hub, "B") == (0, 0)


STEPS = st.lists(
    st.tuples(st.integers(1, 30), st.sampled_from(["sell", "ship", "ship", "return"]), st.integers(1, 3), st.integers(0, 40)),
    min_size=1, max_size=8,
)  # fmt: skip


@pytest.fixture(scope="module")
def street() -> Iterator[Houses]:
    with TemporaryDirectory(prefix="crossdock-count-") as folder:
        yield Houses(Path(folder), "north")


class Telling:
    """One story: buyers, parcels and returns by the second, each heard of some seconds later; and somebody who counts."""

    def __init__(self, house: House, steps: list[tuple[int, str, int, int]], moment: int) -> None:
        self.house, self.shelf, self.moment, self.counted, self.end = house, 100, moment, -1, 0
        self.todo: list[tuple[int, int, str, Any]] = []
        at = 0
        for n, (wait, kind, units, lag) in enumerate(steps):
            at += 2 * wait  # even seconds; somebody counts at an odd one
            self.todo.append((at, n, kind, (units, 2 * lag)))
            self.end = max(self.end, at + 2 * lag)

    def tell(self, *, late: bool) -> tuple[int, int]:
        """Takes the count at its moment, or at the end; gives the level then."""
        house, begun, counted_at = self.house, self.house.clock.now, None
        todo = sorted([*self.todo, (self.moment, 0, "count", None)])
        while todo:
            at, n, kind, what = todo.pop(0)
            house.clock.now = max(house.clock.now, begun + timedelta(seconds=at))
            if kind == "count":
                self.counted, counted_at = self.shelf, us(house.clock.now)
                _ = late or take(house, f"sku,on_hand\nA,{self.counted}\n")
            elif kind == "heard":
                deliver(house, [notice(what, f"d{n}")])
                house.drain()
            elif (document := self._do(kind, what[0])) is not None:
                todo = sorted([*todo, (at + what[1], n, "heard", document)], key=lambda one: one[:3])
        if late:
            take(house, f"sku,on_hand\nA,{self.counted}\n", counted_at=counted_at)
        house.drain()
        return books.level(house.hub, "A")

    def _do(self, kind: str, units: int) -> Document | None:
        system = self.house.bogus
        if kind == "sell":
            return system.sell({"A": units})
        for order, document in system.orders.items():
            line = document["lines"][0]
            if kind == "ship" and acts.left(line) >= units:
                self.shelf -= units
                return ship(system, order, units)
            if kind == "return" and line["fulfilled"] - line["returned"] >= units:
                self.shelf += units
                return acts.refund(system, order, "1", units, "return")
        return None


def begin(house: House, known: bool) -> House:
    house.bogus.offer("A", 1000)
    if known:
        take(house, "sku,on_hand\nA,100\n")
        house.ask("read_listings")
        house.drain()
    return house


LATE = [(1, "sell", 3, 0), (1, "ship", 2, 20), (9, "ship", 1, 0), (1, "return", 1, 5)]  # a parcel before the count, heard of after it
PARTED = [(1, "sell", 3, 0), (1, "ship", 1, 0), (5, "ship", 2, 0)]  # one parcel before the count and one after


@example(steps=LATE, moment=2, known=True)
@example(steps=LATE, moment=2, known=False)
@example(steps=PARTED, moment=2, known=True)
@example(steps=PARTED, moment=2, known=False)
@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(steps=STEPS, moment=st.integers(0, 120), known=st.booleans())
def test_a_count_taken_late_leaves_the_shelf_of_one_taken_at_once_and_that_is_the_true_one(
    street: Houses, steps: list[tuple[int, str, int, int]], moment: int, known: bool
) -> None:
    told = []
    for late in (False, True):
        story = Telling(begin(street.make(), known), steps, 2 * moment + 1)
        told.append((story.tell(late=late), story.shelf))
        books.balance(story.house.hub)
        story.house.hub.database.close()

    assert told[0] == told[1]
    (on_hand, _), shelf = told[0]
    assert on_hand == shelf


# ---- maps


def test_rows_of_one_listing_make_a_bundle_and_orders_that_waited_for_it_are_reserved(house: House) -> None:
    house.shelve(A=10, B=10)
    house.bogus.offer("SET", 4)
    sold = house.bogus.sell({"SET": 2})
    deliver(house, [notice(sold, "sold")])
    house.ask("read_listings")
    house.drain()

    file = "sku,channel,listing,channel_sku,units\nA,bogus,L-SET,SET,\nB,bogus,L-SET,SET,3\n"
    look = take(house, file, dry_run=True)
    assert books.level(house.hub, "B") == (10, 0)
    done = take(house, file)
    house.drain()

    assert [(one.listing, one.was, one.will) for one in look.maps] == [("L-SET", {}, {"A": 1, "B": 3})]
    assert look.orders == done.orders == [("bogus", sold["id"])]
    assert look.effects == done.effects
    assert (books.level(house.hub, "A"), books.level(house.hub, "B")) == ((10, 2), (10, 6))
    books.balance(house.hub)


def test_a_listing_is_found_by_its_sku_alone_where_there_is_one_of_it(house: House) -> None:
    house.shelve(A=10)
    house.bogus.offer(" odd ", 1)
    house.bogus.offer("twice", 1, listing="L-1")
    house.bogus.offer("twice", 1, listing="L-2")
    house.ask("read_listings")
    house.drain()

    take(house, "sku,channel,channel_sku\nA,bogus,odd\n")
    assert parts(house)[" odd "] == {"A": 1}
    assert wrong(house, "sku,channel,channel_sku\nA,bogus,twice\n") == [(2, "- twice are 2 listings of bogus bogus")]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("A,1,,bogus,,L-9,,", "L-9 - is not a listing of bogus bogus"),
        ("A,1,,ebay,,L-A,A,", "ebay: no connection is called so"),
        ("A,1,,,nobody,L-A,A,", "nobody: no connection is called so"),
        ("A,1,,bogus,,,,2", "it names a channel or units and no listing"),
        ("A,1,,bogus,,L-A,A,10000", "units is not a whole number"),
        ("A,uncounted,,,,,,", "A: 1 are promised"),
        ("a,1,,,,,,", "a differs only by case or blanks from A"),
        ("A,1,yesterday,,,,,", "counted_at 'yesterday' is not a time"),
        ("A,1,2026-11-22T10:00:00,,,,,", "does not say its zone"),
    ],
)
def test_a_file_with_one_wrong_line_changes_nothing_and_says_which(house: House, row: str, why: str) -> None:
    house.shelve(A=10)
    deliver(house, [notice(house.bogus.sell({"A": 1}), "sold")])
    house.drain()
    before = books.written(house.hub)

    [(line, said)] = wrong(house, f"sku,on_hand,counted_at,channel,connection,listing,channel_sku,units\nB,5,,,,,,\n{row}\nC,7,,,,,,\n")

    assert (line, why in said) == (3, True), said
    assert books.written(house.hub) == before


def test_skus_that_differ_by_case_alone_are_taken_where_somebody_says_that_they_are_two(house: House) -> None:
    house.shelve(A=10)

    assert [line for line, _ in wrong(house, "sku,on_hand\na,1\nB,1\nb ,2\n")] == [2, 4]
    take(house, "sku,on_hand\na,1\nB,1\nb ,2\n", allow_alike=True)
    assert [books.level(house.hub, sku)[0] for sku in ("A", "a", "B", "b")] == [10, 1, 1, 2]


# ---- looking, again, and back


def test_a_look_says_what_each_channel_would_show_and_warns_where_much_would_be_zero(house: House) -> None:
    house.shelve(A=10, B=10, C=10)

    look = take(house, "sku,on_hand,location\nA,0,\nB,12,\nC,4,\nD,1,Attic\n", dry_run=True)

    assert look.effects[0].listings == {"zero": 1, "raise": 1, "lower": 1}
    assert look.warnings == [
        "1 of the 3 SKUs in it that have stock would have none",
        "bogus bogus: 1 of its 3 listings that show stock would show none",
        "the location Attic is new",
    ]
    assert books.level(house.hub, "A") == (10, 0)
    assert books.one(house.hub, "select count(*) from locations") == 1


def test_the_same_file_again_changes_nothing_and_asks_for_nothing(house: House) -> None:
    house.shelve(A=10, B=10)
    file = "sku,on_hand,channel,listing,units\nA,7,bogus,L-B,2\nB,3,,,\n"
    first = take(house, file)
    house.drain()
    before, moved = books.written(house.hub), books.one(house.hub, "select count(*) from movements")

    again = take(house, file)

    assert (len(first.shelves), len(first.maps)) == (2, 1)
    assert (list(again.shelves), list(again.maps), list(again.effects)) == ([], [], [])
    assert books.open_tasks(house.hub) == []
    assert (books.written(house.hub), books.one(house.hub, "select count(*) from movements")) == (before, moved)


def test_what_is_exported_changes_nothing_when_it_is_imported_whatever_was_sold_meanwhile(house: House) -> None:
    house.shelve(A=10, B=10)
    house.bogus.offer("=SUM(1)", 3)
    house.bogus.offer("lost", 3)
    house.ask("read_listings")
    house.drain()
    take(house, "sku,on_hand,channel,channel_sku,units,location\n-A;1,5,bogus,'=SUM(1),2,Attic\n")
    house.drain()
    file = exported(house, unmapped=True)
    house.clock.pass_(timedelta(minutes=3))
    sold = house.bogus.sell({"B": 2})
    deliver(house, [notice(ship(house.bogus, sold["id"], 2), "left")])
    house.drain()

    report = take(house, file)

    assert "'-A;1" in file
    assert "'=SUM(1)" in file
    assert (list(report.shelves), list(report.maps), report.silent) == ([], [], 1)
    assert books.level(house.hub, "B") == (8, 0)
    assert parts(house)["=SUM(1)"] == {"-A;1": 2}


def test_an_import_is_undone_by_the_file_that_it_leaves(house: House) -> None:
    house.shelve(A=10)
    house.bogus.offer("other", 3)
    house.ask("read_listings")
    house.drain()
    before = books.written(house.hub), parts(house)
    report = take(house, "sku,on_hand,channel,channel_sku\nA,4,bogus,other\nNEW,5,,\n")
    house.drain()
    house.clock.pass_(timedelta(minutes=1))

    take(house, undone(report))
    house.drain()

    assert (books.written(house.hub), parts(house)) == before
    books.balance(house.hub)


def test_a_channel_that_is_watched_is_not_written_by_an_import(house: House) -> None:
    house.shelve(A=10)
    with house.hub.database.write() as db:
        connections.set_live(db, house.connection.id, None)
    report = take(house, "sku,on_hand\nA,3\n")
    house.drain()

    assert not report.effects[0].live
    assert house.bogus.listings["L-A", "A"].shown == 10
