"""Tracking numbers come in files: of parcels by carriers that are not connected, and of what others sent. Each is looked at before it is
taken, and counts once."""

from datetime import timedelta
from typing import Any

import pytest

from core.domain.requests import RequestState
from core.domain.shipments import State
from core.flows import their_stock, tracking_csv, uploads
from core.flows.counting import WrongLines
from tests.conftest import House
from tests.flows import books
from tests.flows.depot import ANN, Depot, depot
from tests.flows.marks import on_sqlite
from tests.flows.supplier import Supplied, supplied

HEAD = "shipment,order,line,sku,units,carrier,tracking,url\n"


@pytest.fixture
def supply(house: House) -> Supplied:
    return supplied(house)


@pytest.fixture
def dock(house: House) -> Depot:
    house.shelve(A=10)
    return depot(house)


def take(dock: Depot, rows: str, *, dry_run: bool = False) -> Any:
    found = tracking_csv.read(HEAD + rows)
    made = tracking_csv.take(dock.house.hub, dock.merchant, found, ANN, dry_run=dry_run)
    dock.house.drain()
    return made


def wrong(dock: Depot, rows: str) -> list[tuple[int, str]]:
    with pytest.raises(WrongLines) as error:
        take(dock, rows)
    return error.value.lines


def test_a_parcel_of_a_carrier_that_is_not_connected_leaves_by_a_file_once(dock: Depot) -> None:
    number = dock.sell(A=2)
    rows = "S1,,,,,Harbor Bikes,HB-7,https://bikes.example/HB-7\n"
    assert len(take(dock, rows, dry_run=True).parcels) == 1
    assert dock.state() is State.RELEASED

    assert take(dock, rows).parcels == [{"shipment": "S1", "carrier": "Harbor Bikes", "tracking": "HB-7", "units": 2}]
    assert (take(dock, rows).parcels, take(dock, rows).same) == ([], 1)

    [told] = dock.house.bogus.orders[number]["shipped"]
    assert (told["tracking"], told["carrier"]) == (["HB-7"], "Harbor Bikes")


@on_sqlite
def test_an_order_may_be_named_in_place_of_its_shipment(dock: Depot) -> None:
    dock.sell(A=1)
    name = books.one(dock.house.hub, "select name from orders")
    assert len(take(dock, f",{name},,,,Harbor Bikes,HB-7,\n").parcels) == 1
    assert dock.state() is State.SENT


@on_sqlite
def test_what_is_wrong_is_named_by_row_and_cell_and_nothing_is_taken(dock: Depot) -> None:
    dock.sell(A=2)
    assert wrong(dock, "S1,,,,,Harbor Bikes,HB-7,\nS9,,,,,Harbor Bikes,HB-8,\n") == [(3, "shipment: there is no S9")]
    assert wrong(dock, "S1,,,,x,Harbor Bikes,HB-7,\nS1,,,,,,HB-7,\n") == [
        (2, "units: not a whole number of units"),
        (3, "carrier: there is none"),
    ]
    assert wrong(dock, "S1,,,,1,Harbor Bikes,HB-7,\n") == [(2, "units: S1 leaves whole, and has 2: make several shipments of it first")]
    assert wrong(dock, "S1,,,,,B,HB-7,javascript:x\n") == [(2, "url: it begins with https://")]
    assert dock.state() is State.RELEASED


@on_sqlite
def test_the_list_that_a_supplier_was_sent_comes_back_with_numbers(supply: Supplied) -> None:
    supply.dock.sell(C=3)
    [letter] = supply.box.letters.values()
    head, row, *_ = letter.files[1].content.decode("utf-8-sig").splitlines()
    assert row.endswith(",,,")
    filled = f"{head}\n{row.removesuffix(',,,')},Parcelforce,T1,\n".replace(",3,", ",2,")
    again = f"{head}\n{row.removesuffix(',,,')},Parcelforce,T2,\n".replace(",3,", ",1,")
    for text in (filled, filled, again):
        id = uploads.bring_parcels(supply.house.hub, supply.merchant, "S1.csv", text.encode(), ANN)
        supply.house.drain()
        uploads.accept(supply.house.hub, supply.merchant, id, ANN)
        supply.house.drain()

    assert supply.states == [RequestState.SENT]
    assert supply.level("C") == (7, 0)
    kept = "".join(text for (text,) in books.rows(supply.house.hub, "select text from uploads"))
    assert "Juniper" not in kept
    assert "Nadia" not in kept


@on_sqlite
def test_a_file_names_what_they_were_not_asked_for(supply: Supplied) -> None:
    supply.dock.sell(C=2)
    assert wrong(supply.dock, "S1,,,A,1,Parcelforce,T1,\n") == [(2, "sku: nobody asked for A")]
    assert wrong(supply.dock, "S1,,,C,5,Parcelforce,T1,\n") == [(2, "that is more than is open of it")]
    take(supply.dock, "S1,,,C,1,Parcelforce,T1,\nS1,,,C,1,Parcelforce,T2,\n")
    assert supply.states == [RequestState.SENT]


# ---- what lies with them


def count(supply: Supplied, rows: str) -> Any:
    sheet = their_stock.read(f"sku,units,at\n{rows}", "Supplier")
    with supply.house.hub.unit() as work:
        return their_stock.take_in(supply.house.hub, work, supply.merchant, sheet)


def test_their_stock_is_a_count_at_its_moment_and_what_left_since_is_kept(supply: Supplied) -> None:

    supply.house.clock.pass_(timedelta(hours=1))
    at = supply.house.clock().isoformat()
    supply.house.clock.pass_(timedelta(hours=1))
    supply.dock.sell(C=3)
    supply.sent("T1", l1=3)
    assert supply.level("C") == (7, 0)

    [shelf] = count(supply, f"C,20,{at}\n").shelves
    assert (shelf.was, shelf.will, shelf.moved) == (7, 17, -3)
    assert count(supply, f"C,20,{at}\n").shelves == []
    assert supply.level("C") == (17, 0)


@on_sqlite
def test_a_file_that_is_older_than_the_last_count_and_a_sku_that_nobody_knows_are_named(supply: Supplied) -> None:

    old = (supply.house.clock() - timedelta(days=1)).isoformat()
    with pytest.raises(WrongLines, match="was counted again after that"):
        count(supply, f"C,3,{old}\n")
    with pytest.raises(WrongLines, match="line 3: Z is no SKU of yours"):
        count(supply, "C,3,\nZ,1,\n")
    with pytest.raises(WrongLines, match="line 2: units: '-1' is not a whole number"):
        their_stock.read("sku,units\nC,-1\n", "Supplier")
    assert supply.level("C") == (10, 0)
