"""Amazon's inventory ledger: read by a file made by hand, and against the simulator, on a virtual clock."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import pytest

from connectors import amazon
from connectors.amazon import MANIFEST, shelf_report
from connectors.amazon.channel import AmazonChannel
from connectors.amazon.client import LEDGER_REPORT
from connectors.simulation import Fault
from core.domain.shelf_moves import Cause, ShelfMove, ToldDays
from core.errors import BadPayload, RateLimited, Refused, Unavailable
from core.ports import Page, Shelves
from tests.contract.test_amazon_channel import START, Play

FILE = (Path(amazon.__file__).parent / "examples" / "inventory_ledger.txt").read_bytes()
LINES = FILE.splitlines(keepends=True)
UTF8 = ("utf-8", "cp1252")
DAY = timedelta(days=1)
TODAY = START.date()
SKU = "MUG-1-FBA"
NOV = partial(date, 2026, 11)


def read(lines: Sequence[bytes], since: int = 1, until: int = 7) -> tuple[ShelfMove, ...]:
    """Of these days of November."""
    return shelf_report.moves(lines, UTF8, NOV(since), NOV(until))


def one(reason: str, units: int = -1, day: str = "11/03/2026", sku: str = "MUG") -> bytes:
    """A line of the first columns alone."""
    return "\t".join([day, sku, "Adjustments", str(units), reason]).encode() + b"\n"


SHORT = b"Date\tMSKU\tEvent Type\tQuantity\tReason\n"


def test_the_file_is_what_was_lost_found_and_disposed_of_by_the_day() -> None:
    assert read(LINES) == (
        ShelfMove(NOV(3), "MUG-01", Cause.LOST, "M", -4, 2),
        ShelfMove(NOV(4), "MUG-01", Cause.FOUND, "F", 2),
        ShelfMove(NOV(5), "LAMP 2", Cause.LOST, "5", -5),
        ShelfMove(NOV(5), "MUG-01", Cause.DISPOSED, "D", -2),
        ShelfMove(NOV(6), "LAMP 2", Cause.UNKNOWN, "Z", 0, 2),
    )


def test_days_that_were_not_asked_for_are_left_out() -> None:
    assert read(LINES, 4, 5) == (ShelfMove(NOV(4), "MUG-01", Cause.FOUND, "F", 2),)


CODES = {
    Cause.LOST: "M5O", Cause.FOUND: "FN", Cause.DISPOSED: "D", None: "E67HKUQP34", Cause.UNKNOWN: "ZG12J",
}  # fmt: skip


@pytest.mark.parametrize(("cause", "codes"), CODES.items())
def test_each_code_has_its_meaning(cause: Cause | None, codes: str) -> None:
    for code in codes:
        assert [move.cause for move in read([SHORT, one(code)])] == ([cause] if cause else [])


def test_every_code_of_the_table_is_looked_at_here() -> None:
    assert {*shelf_report.CAUSES} == {code for cause, codes in CODES.items() if cause is not Cause.UNKNOWN for code in codes}


def test_columns_are_found_by_name_whatever_else_stands_there_and_days_in_any_of_three_ways() -> None:
    head = b"New\tReason\tQuantity\tEvent Type\tMSKU\tDate\n"
    lines = [b"\t".join([b"?", b"M", b"-1", b"Adjustments", b"MUG", day]) + b"\n" for day in (b"11/03/2026", b"2026-11-03", b"03.11.2026")]

    assert read([head, *lines]) == (ShelfMove(NOV(3), "MUG", Cause.LOST, "M", -3, 3),)


@pytest.mark.parametrize("name", ["Date", "MSKU", "Event Type", "Quantity", "Reason"])
def test_a_file_without_a_column_that_is_needed_is_refused_by_its_name(name: str) -> None:
    with pytest.raises(BadPayload, match=f"no column {name.lower()}"):
        read([SHORT.replace(name.encode(), b"Other")])


@pytest.mark.parametrize(
    "line",
    [one("M", day="soon"), one("M", sku=""), one("M").replace(b"-1", b"1.5"), one("M").replace(b"\t-1", b""), one("M", 10**12)],
    ids=["day", "sku", "half a unit", "a column too few", "too many"],
)
def test_an_adjustment_that_cannot_be_read_refuses_the_whole_file_and_names_its_line(line: bytes) -> None:
    with pytest.raises(BadPayload) as error:
        read([SHORT, one("M"), line])

    assert error.value.facts["lines"] == [3]


def test_lines_of_other_events_may_hold_what_they_like() -> None:
    assert read([SHORT, b"?\t\tShipments\tmany\t\n", b"\n", b"half a line"]) == ()


def test_what_cannot_be_read_is_not_told_by_its_words() -> None:
    with pytest.raises(BadPayload) as error:
        read([SHORT, one("M", sku="MUG", day="soon")])

    assert "MUG" not in f"{error.value} {error.value.facts}"


# ---- against the simulator


@pytest.fixture
def play() -> Play:
    return Play()


def happen(play: Play, what: str, units: int, **more: object) -> None:
    play.simulator.befall(what, {"sku": SKU, "units": units, **more})


def pages(play: Play, since: date, until: date) -> list[Page[ToldDays]]:
    """Every page, asked for when the channel wants to be asked."""
    found = [play.channel.shelf_moves(since, until, None)]
    while cursor := found[-1].cursor:
        play.clock.pass_(found[-1].wait_s)
        found.append(play.channel.shelf_moves(since, until, cursor))
    return found


def told(play: Play, since: date = TODAY - 3 * DAY, until: date = TODAY + DAY) -> list[ToldDays]:
    return [one for page in pages(play, since, until) for one in page.items]


def calls(play: Play, operation: str) -> int:
    return sum(entry["operation"] == operation for entry in play.world.log)


def test_the_channel_is_one_that_tells_of_its_shelves(play: Play) -> None:
    assert isinstance(play.channel, Shelves) and MANIFEST.shelves


def test_what_happens_there_is_told_and_changes_what_can_be_sold(play: Play) -> None:
    before = next(one for one in play.channel.stored(None).items if one.sku == SKU)
    for what, units, more in (
        ("lost", 3, {}),
        ("found", 1, {}),
        ("damaged", 2, {}),
        ("disposed", 1, {"spoilt": True}),
        ("received", 4, {}),
    ):
        happen(play, what, units, **more)

    [days] = told(play)

    assert [(move.cause, move.units) for move in days.moves] == [(Cause.DISPOSED, -1), (Cause.FOUND, 1), (Cause.LOST, -3)]
    after = next(one for one in play.channel.stored(None).items if one.sku == SKU)
    assert (after.sellable - before.sellable, after.damaged) == (0, 1)


def test_what_left_with_orders_or_went_home_is_no_loss(play: Play) -> None:
    placed = play.place(lines=[{"sku": SKU, "quantity": 2}])[0]["id"]
    play.simulator.act(placed, "fulfill", {})
    happen(play, "removed", 2)
    happen(play, "returned", 1, spoilt=True)

    assert [days.moves for days in told(play)] == [()]


def test_a_long_time_takes_several_reports_and_each_day_is_told_once(play: Play) -> None:
    happen(play, "lost", 1)
    play.clock.pass_(40 * 86_400)
    happen(play, "lost", 2)
    until = play.clock().date() + DAY

    found = told(play, TODAY - 10 * DAY, until)

    assert [(days.since, days.until) for days in found] == [(TODAY - 10 * DAY, TODAY + 20 * DAY), (TODAY + 20 * DAY, until)]
    assert [move.units for days in found for move in days.moves] == [-1, -2]


def test_a_report_that_is_cancelled_says_nothing_of_its_days(play: Play) -> None:
    assert told(play) == [] and calls(play, "createReport") == 1


def test_a_report_that_fails_is_asked_for_once_more_and_then_refused(play: Play) -> None:
    happen(play, "lost", 1)
    play.simulator.fails.add(LEDGER_REPORT)

    with pytest.raises(Refused, match="inventory ledger"):
        told(play)
    assert calls(play, "createReport") == 2

    play.simulator.fails.clear()
    assert [move.units for days in told(play) for move in days.moves] == [-1]


def test_a_report_that_is_never_made_is_given_up_in_the_end() -> None:
    play = Play(report_patience_s=1)
    happen(play, "lost", 1)
    play.simulator.report_s = 1e9

    with pytest.raises(Refused):
        told(play)


@pytest.mark.parametrize("operation", ["createReport", "getReport", "getReportDocument"])
def test_after_an_answer_that_was_lost_another_instance_goes_on_where_it_was(play: Play, operation: str) -> None:
    happen(play, "lost", 1)
    play.world.faults.append(Fault(operation=operation, kind="cut_after"))
    cursor, found = None, list[ToldDays]()

    for _ in range(4):
        with suppress(Unavailable):
            page = AmazonChannel(play.kit).shelf_moves(TODAY - DAY, TODAY + DAY, cursor)
            cursor, found = page.cursor, [*found, *page.items]
        play.clock.pass_(60)

    assert [move.units for days in found[:1] for move in days.moves] == [-1]


def test_under_the_vendors_limits_a_report_waits_for_its_budget() -> None:
    play = Play("vendor", strict=True)
    for _ in range(15):
        play.channel.shelf_moves(TODAY - DAY, TODAY, None)

    with pytest.raises(RateLimited):
        play.channel.shelf_moves(TODAY - DAY, TODAY, None)


def test_an_address_that_no_longer_holds_is_refused_and_a_new_reading_asks_for_a_new_one(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    happen(play, "lost", 1)
    with monkeypatch.context() as broken:
        broken.setattr("connectors.amazon.simulator.DOWNLOAD_S", -1)
        with pytest.raises(Refused):
            told(play)
    assert calls(play, "getReportDocument") == 2

    assert [move.units for days in told(play) for move in days.moves] == [-1]
