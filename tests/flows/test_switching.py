"""A channel's own warehouse sends for other channels' orders where its merchant says so, and never a unit twice."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from connectors.amazon import MANIFEST
from core.domain.places import LocationKind
from core.domain.requests import Asking, RequestState, Way
from core.domain.shipments import State
from core.errors import OutcomeUnknown, Refused, Unavailable
from core.flows import books as ledger
from core.flows import connections as flows
from core.flows import costing, keeping, oversold, parties, places, releasing, switching
from core.flows.allocation import map_listing
from core.flows.costing import Typed
from core.ports import Stored
from core.store import places as places_of
from core.store import routings
from tests.conftest import House
from tests.contract.test_amazon_channel import Play
from tests.flows import acts, books
from tests.flows.depot import ANN, depot
from tests.flows.lent import Lent, lent
from tests.flows.marks import on_sqlite
from tests.flows.test_books import balances


@pytest.fixture
def prime(house: House) -> Lent:
    return lent(house)


def first(prime: Lent, *locations: str) -> None:
    """Stock is taken from these first."""
    with prime.house.hub.unit() as work:
        places_of.rank(work.db, prime.merchant, list(locations))


def ways(prime: Lent) -> list[tuple[str, str, str]]:
    return books.rows(prime.house.hub, "select name, way, state from shipments order by cast(substr(name, 2) as integer)")


# ---- off, on, off again


def test_nothing_of_it_is_promised_before_it_is_switched_on(prime: Lent) -> None:
    prime.dock.sell(A=12)

    assert prime.shown() == 0
    assert (prime.level(), prime.theirs.asked) == ((10, 0), {})


def test_switched_on_other_channels_sell_it_and_its_own_channel_does_not(prime: Lent) -> None:
    seen = prime.switch()

    assert (seen.accounts, seen.skus, seen.free, seen.kept, seen.promised) == (("bogus",), 1, 10, 0, 0)
    assert prime.shown() == 20


@on_sqlite
def test_who_only_looks_changes_nothing(prime: Lent) -> None:
    seen = switching.switch(prime.house.hub, prime.merchant, prime.fba, prime.how(cushion=3), ANN, dry_run=True)
    prime.house.drain()

    assert (seen.accounts, seen.free, seen.kept) == (("bogus",), 7, 3)
    assert prime.shown() == 10
    assert books.rows(prime.house.hub, "select party, ships from locations where kind = 'fba'") == [(None, False)]


def test_units_that_stay_for_its_own_buyers_are_neither_shown_nor_promised(prime: Lent) -> None:
    prime.switch(cushion=4)
    assert prime.shown() == 16

    prime.dock.sell(A=18)

    assert books.rows(prime.house.hub, "select held, waits from order_lines") == [(16, "stock")]
    assert prime.level() == (10, 6)


@on_sqlite
def test_another_cushion_is_shown_at_once_and_one_that_somebody_said_of_a_sku_stays(prime: Lent) -> None:
    prime.switch(cushion=4)
    keeping.keep_safe(prime.house.hub, prime.merchant, {("A", prime.fba): 1}, ANN)
    prime.house.drain()
    assert prime.shown() == 19

    prime.switch(cushion=5)
    prime.holds(A=11)
    assert prime.shown() == 20


def test_switched_off_what_was_promised_and_not_asked_for_is_promised_from_elsewhere(prime: Lent) -> None:
    prime.switch()
    first(prime, prime.fba, prime.house.place)
    prime.dock.sell(A=2)  # asked for
    number = str(prime.house.bogus.sell({"A": 3})["id"])  # nobody knows where it goes: promised only
    prime.house.clock.pass_(timedelta(minutes=5))
    prime.house.poll()
    assert prime.level() == (10, 5)

    prime.off()

    assert prime.level()[1] == 2
    assert prime.level("A", prime.house.place) == (10, 3)
    assert prime.shown() == 7
    assert number in prime.house.bogus.orders
    prime.takes()
    prime.sends()
    assert ways(prime) == [("S1", "request", "sent")]


@on_sqlite
def test_it_is_refused_for_what_cannot_be_meant(prime: Lent) -> None:
    stranger = prime.how(connection=prime.house.connection.id)
    with pytest.raises(Refused, match="the connection whose warehouse it is"):
        parties.set_asking(prime.house.hub, prime.merchant, prime.fba, stranger, ANN)
    for kind in (LocationKind.OWN, LocationKind.FBA):  # nobody's so far
        places.set_kind(prime.house.hub, prime.merchant, prime.fba, kind, ANN)
    with pytest.raises(Refused, match="read yet what lies there"):
        parties.set_asking(prime.house.hub, prime.merchant, prime.fba, stranger, ANN)
    with pytest.raises(Refused, match="stay for the channel's own buyers"):
        prime.switch(cushion=-1)
    with pytest.raises(Refused, match="a speed is one of"):
        prime.switch(speeds={"Express": "teleported"})
    with pytest.raises(Refused, match="its stock is not promised here"):
        places.map_place(prime.house.hub, prime.house.connection, "", [prime.fba])
    prime.switch()
    with pytest.raises(Refused, match="its stock is not promised here"):
        places.map_place(prime.house.hub, prime.account, "", [prime.fba])


@on_sqlite
def test_what_was_said_of_sending_is_forgotten_where_it_becomes_another_thing(prime: Lent) -> None:
    prime.switch()
    places.set_kind(prime.house.hub, prime.merchant, prime.fba, LocationKind.OWN, ANN)
    places.set_kind(prime.house.hub, prime.merchant, prime.fba, LocationKind.FBA, ANN)
    prime.house.drain()

    assert books.rows(prime.house.hub, "select party, ships from locations where kind = 'fba'") == [(None, False)]
    assert prime.shown() == 10


# ---- the walk


def test_an_order_that_it_has_is_asked_of_it_in_its_own_words_and_told_to_its_own_channel(prime: Lent) -> None:
    prime.switch()
    first(prime, prime.fba, prime.house.place)
    number = prime.dock.sell(A=3)

    assert [(one.line, one.sku, one.units) for one in prime.wish().lines] == [("1", "A-F", 3)]
    assert (prime.wish().speed, prime.wish().blank, prime.wish().whole) == ("standard", True, False)
    prime.takes()
    prime.sends({"1": 2}, {"1": 1})

    told = prime.house.bogus.orders[number]["shipped"]
    assert sorted((one["tracking"], one["lines"][0]["quantity"]) for one in told) == [(["T1"], 2), (["T2"], 1)]
    assert prime.dock.state() is State.SENT
    prime.read()
    assert prime.level() == (7, 0)
    assert prime.shown() == 17
    books.balance(prime.house.hub)


@on_sqlite
def test_the_fastest_of_the_services_that_the_merchant_named_counts(prime: Lent) -> None:
    how = prime.how(speed="expedited", speeds={"Next day": "priority", "slow": "standard"})

    assert how.speed_for(["", "next DAY ", "slow"]) == "priority"
    assert how.speed_for(["slow"]) == "standard"
    assert how.speed_for(["something"]) == "expedited"


def test_a_bundle_is_asked_for_by_its_components_and_counts_when_all_of_them_left(house: House) -> None:
    prime = lent(house, B=6, C=6)
    house.bogus.offer("SET", 0)
    house.ask("read_listings")
    house.drain()
    with house.hub.unit() as work:
        map_listing(work, house.merchant.id, (house.connection.id, "L-SET", "SET"), {"B": 1, "C": 2})
    house.drain()
    prime.switch()
    assert house.bogus.listings["L-SET", "SET"].shown == 3
    number = prime.dock.sell(SET=2)

    lines = {one.sku: one for one in prime.wish().lines}
    assert {sku: one.units for sku, one in lines.items()} == {"B-F": 2, "C-F": 4}
    assert prime.wish().whole
    prime.takes()
    prime.sends({lines["B-F"].line: 2}, {lines["C-F"].line: 4})

    [told] = house.bogus.orders[number]["shipped"]
    assert (told["tracking"], told["lines"][0]["quantity"]) == (["T2"], 2)
    prime.read()
    assert (prime.level("B"), prime.level("C")) == ((4, 0), (2, 0))


def test_an_order_of_its_own_channel_is_never_sent_so(prime: Lent) -> None:
    prime.switch()
    first(prime, prime.fba, prime.house.place)
    prime.theirs.offer("A", 5)
    prime.house.ask("read_listings", connection=prime.account)
    prime.house.drain()
    prime.theirs.sell(
        {"A": 2}, ship_to={"name": "Nadia Osei", "street1": "77 Juniper Street", "city": "Austin", "postcode": "78701", "country": "US"}
    )
    prime.dock.poll()

    assert [way for _, way, _ in ways(prime)] == ["parcel"]
    assert (prime.level(), prime.theirs.asked) == ((10, 0), {})


# ---- it refuses


@pytest.mark.parametrize("said", [RequestState.REJECTED, RequestState.WITHDRAWN])
def test_what_it_cannot_send_is_sent_from_elsewhere_and_it_is_counted_anew(prime: Lent, said: RequestState) -> None:
    prime.switch()
    first(prime, prime.fba, prime.house.place)
    prime.dock.sell(A=2)
    prime.theirs.warehouse = {"A-F": Stored("A-F", 0)}
    prime.says(state=said, words="Unfulfillable")
    prime.dock.release()

    assert ways(prime) == [("S1", "request", "cancelled"), ("S2", "parcel", "released")]
    assert prime.level() == (0, 0)
    assert '"refused"' in str(books.one(prime.house.hub, "select doc from routings"))


@on_sqlite
def test_what_it_holds_nothing_of_is_sent_from_elsewhere(prime: Lent) -> None:
    prime.switch()
    first(prime, prime.fba, prime.house.place)
    with prime.house.hub.unit() as work:
        map_listing(work, prime.merchant, (prime.account.id, "L-A-F", "A-F"), {})
    prime.dock.sell(A=2)

    assert [way for _, way, state in ways(prime) if state == "released"] == ["parcel"]
    assert prime.theirs.asked == {}


# ---- no unit is counted twice or lost


@pytest.mark.parametrize("after_the_work", [True, False])
def test_a_lost_answer_asks_once_and_keeps_the_promise(prime: Lent, after_the_work: bool) -> None:
    prime.switch()
    first(prime, prime.fba, prime.house.place)
    prime.theirs.next("fulfill", OutcomeUnknown("lost"), after_the_work)
    prime.dock.sell(A=4)
    prime.holds(A=10 - 4 * after_the_work)
    assert prime.level()[1] == 4
    assert prime.level()[0] - prime.level()[1] <= 6

    prime.pass_(timedelta(minutes=1))
    assert len(prime.theirs.asked) == 1


def test_a_reading_at_any_moment_between_our_promise_and_its_parcel_promises_nothing_twice(prime: Lent) -> None:
    prime.switch()
    first(prime, prime.fba, prime.house.place)
    prime.theirs.next("fulfill", Unavailable("away"))
    prime.dock.sell(A=4)
    free = lambda: prime.level()[0] - prime.level()[1]  # noqa: E731

    prime.read()
    assert (prime.level(), free()) == ((10, 4), 6)
    prime.pass_(timedelta(minutes=1))
    assert len(prime.theirs.asked) == 1
    prime.read()
    assert (prime.level(), free()) == ((10, 4), 6)
    prime.takes()
    prime.read()  # taken, and nobody said so yet: fewer are free, never more
    assert prime.level() == (6, 4)
    prime.look()
    prime.pass_(timedelta(minutes=16))  # read again by itself, once it is settled
    assert (prime.level(), free()) == ((10, 4), 6)
    prime.sends()
    assert (prime.level(), free()) == ((6, 0), 6)
    prime.read()
    assert (prime.level(), free()) == ((6, 0), 6)
    books.balance(prime.house.hub)


def test_an_order_that_is_cancelled_gives_back_what_it_was_asked_for_when_the_channel_says_so(prime: Lent) -> None:
    prime.switch()
    first(prime, prime.fba, prime.house.place)
    prime.theirs.queues = True
    number = prime.dock.sell(A=4)
    prime.takes()
    prime.look()
    prime.pass_(timedelta(minutes=16))
    prime.read()
    assert prime.level() == (10, 4)

    prime.house.bogus.change(number, cancelled_at=prime.house.clock().isoformat())
    prime.dock.poll()

    assert prime.level() == (6, 0)
    prime.theirs.warehouse = {"A-F": Stored("A-F", 10)}
    prime.says(state=RequestState.WITHDRAWN)
    prime.read()
    assert prime.level() == (10, 0)
    books.balance(prime.house.hub)


def test_what_its_own_buyers_took_meanwhile_is_never_less_than_is_promised_and_is_refused_by_it(prime: Lent) -> None:
    prime.switch()
    prime.dock.sell(A=15)
    prime.holds(A=2)

    assert prime.level() == (5, 5)
    assert prime.shown() == 0


@on_sqlite
@pytest.mark.parametrize(("leaves", "there", "here"), [("theirs", (0, 0), (10, 2)), ("ours", (10, 10), (8, 0))])
def test_a_line_that_leaves_from_two_places_leaves_each_its_own_shelf(
    prime: Lent, leaves: str, there: tuple[int, int], here: tuple[int, int]
) -> None:
    prime.switch()
    first(prime, prime.fba, prime.house.place)
    prime.dock.sell(A=12)
    assert ways(prime) == [("S1", "request", "released"), ("S2", "parcel", "released")]
    if leaves == "ours":
        prime.dock.label("S2")
        prime.dock.send("S2")
    else:
        prime.takes()
        prime.sends()

    assert (prime.level(), prime.level("A", prime.house.place)) == (there, here)
    books.balance(prime.house.hub)


# ---- it comes back there


def returned(prime: Lent) -> list[tuple[int, int]]:
    """(units that came back by the story of the order, of them to the channel's own warehouse), for each time."""
    found = books.rows(prime.house.hub, "select body from events where kind = 'UnitsBack' order by id")
    return [(said["units"], said.get("theirs", 0)) for (body,) in found for said in [json.loads(body)]]


def test_what_its_buyer_returns_to_the_warehouse_is_counted_there_and_never_put_on_our_shelf(prime: Lent) -> None:
    prime.switch()
    first(prime, prime.fba, prime.house.place)
    number = prime.dock.sell(A=3)
    prime.takes()
    prime.sends()
    first(prime, prime.house.place, prime.fba)  # where the shop's goods come back to otherwise
    prime.read()
    assert (prime.level(), prime.level("A", prime.house.place)) == ((7, 0), (10, 0))

    for _ in range(2):  # told twice, it counts once
        acts.refund(prime.house.bogus, number, "1", 2, "return") if not returned(prime) else prime.house.bogus.change(number)
        prime.dock.poll()
    assert (prime.level(), prime.level("A", prime.house.place)) == ((7, 0), (10, 0))
    assert (returned(prime), prime.shown()) == ([(2, 2)], 17)
    assert books.rows(prime.house.hub, "select count(*) from events where kind = 'Refunded'") == [(1,)]
    assert books.rows(prime.house.hub, "select gone, back, booked_back from order_lines") == [(3, 2, 2)]

    prime.holds(A=9)  # it can be sold again

    assert (prime.level(), prime.level("A", prime.house.place), prime.shown()) == ((9, 0), (10, 0), 19)
    books.balance(prime.house.hub)


@on_sqlite
def test_the_books_have_a_refund_of_what_came_back_there_once_and_its_goods_in_stock_again(prime: Lent) -> None:
    hub, today = prime.house.hub, prime.house.clock().date()
    ledger.begin(hub, prime.merchant, today - timedelta(days=30), ANN)
    costing.switch(hub, prime.merchant, today - timedelta(days=30), ANN)
    costing.type_costs(hub, prime.merchant, [Typed("A", "3", "USD", None)], ANN)
    prime.switch()
    first(prime, prime.fba, prime.house.place)
    number = prime.dock.sell(A=3)
    prime.takes()
    prime.sends()
    prime.pass_(timedelta(hours=1))
    assert balances(prime.house)["goods_sold"] == "9.00"

    acts.refund(prime.house.bogus, number, "1", 2, "return")
    for _ in range(2):
        prime.dock.poll()
        prime.holds(A=9)

    assert balances(prime.house)["goods_sold"] == "3.00"
    assert books.rows(hub, "select count(*) from events where kind = 'Refunded'") == [(1,)]
    assert books.rows(hub, "select kind, count(*) from entries where kind like 'refund%' group by kind") == [("refund", 1)]


@on_sqlite
def test_what_cannot_be_delivered_is_there_again_and_its_order_stays_sent(prime: Lent) -> None:
    prime.switch()
    first(prime, prime.fba, prime.house.place)
    number = prime.dock.sell(A=3)
    prime.takes()
    prime.sends()
    prime.holds(A=10)
    prime.look()

    assert (prime.level(), prime.shown(), prime.dock.state()) == ((10, 0), 20, State.SENT)
    assert (len(prime.theirs.asked), len(prime.house.bogus.orders[number]["shipped"])) == (1, 1)
    acts.refund(prime.house.bogus, number, "1", 3, "return")
    prime.dock.poll()
    assert (prime.level(), prime.level("A", prime.house.place), returned(prime)) == ((10, 0), (10, 0), [(3, 3)])
    books.balance(prime.house.hub)


# ---- seen


@on_sqlite
def test_the_order_says_why_it_did_not_leave_from_there(prime: Lent) -> None:
    prime.switch()
    prime.dock.sell(A=2)

    order = str(books.one(prime.house.hub, "select id from orders"))
    with prime.house.hub.database.read() as db:
        found = routings.last(db, prime.merchant, order)
    assert found
    assert {one.name: one.why for one in found.verdicts} == {"Main": "sends", "FBA": "ranked"}


@on_sqlite
def test_nobody_offers_it_for_what_is_short_while_it_is_off(prime: Lent) -> None:
    prime.dock.sell(A=12)
    order = str(books.one(prime.house.hub, "select id from orders"))
    with prime.house.hub.database.read() as db:
        assert [one.elsewhere for one in oversold.offers(db, prime.merchant, order)] == [{}]
    with prime.house.hub.unit() as work:
        releasing.release(prime.house.hub, work, prime.merchant, [order])
    assert prime.theirs.asked == {}


# ---- with Amazon, as its simulator plays it


def test_amazon_sends_an_order_of_a_shop_from_its_own_shelves(house: House) -> None:

    play = Play()
    sku = next(sku for sku, one in play.simulator.state["listings"].items() if one["fba"])
    house.shelve(A=1)
    dock = depot(house)
    house.hub.connectors = {**house.hub.connectors, "amazon": replace(MANIFEST, channel=lambda kit: play.channel)}
    account = flows.connect(house.hub, house.merchant.id, "amazon", "seller", {}, stock_since=0, live_at=0)
    places.add_location(house.hub, house.merchant.id, "FBA", ANN, LocationKind.FBA)
    fba = str(books.one(house.hub, "select id from locations where kind = 'fba'"))
    house.ask("read_listings", connection=account)
    house.drain(timedelta(seconds=90))
    with house.hub.unit() as work:
        [listing] = [row[0] for row in books.rows(house.hub, f"select listing from listings where sku = '{sku}'")]
        map_listing(work, house.merchant.id, (account.id, listing, sku), {"A": 1})
    house.ask("read_stored", connection=account)
    house.drain()
    switching.switch(house.hub, house.merchant.id, fba, Asking(Way.CONNECTION, connection=account.id, cushion=5), ANN)
    house.drain()
    made = Lent(dock, house.bogus, account, fba)
    assert (made.level(), made.shown()) == ((25, 0), 21)

    first(made, fba, house.place)
    number = dock.sell(A=3)
    [key] = play.simulator.state["outbound"]
    assert play.simulator.state["listings"][sku]["stock"] == 22
    assert [one["quantity"] for one in play.simulator.state["outbound"][key]["body"]["items"]] == [3]
    play.simulator.befall("sent_out", {"number": key})
    made.look()

    [told] = house.bogus.orders[number]["shipped"]
    assert (told["tracking"][0][:3], told["lines"][0]["quantity"]) == ("TBA", 3)
    house.ask("read_stored", connection=account)
    house.drain()
    assert made.level() == (22, 0)
    books.balance(house.hub)
