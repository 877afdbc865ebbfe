"""The bench itself: it judges rightly, counts rightly, leaves out what is not there, and every part of it runs."""

import json
import re
from dataclasses import replace
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.console import Console
from sqlalchemy import create_engine

from config import bench
from config.bench import answers, bodies, measure, stage, vitals
from config.bench.child import settings_for
from config.bench.entered import Office
from config.bench.pace import Pace
from config.bench.pages import LISTS, PAGES, PIECES
from config.bench.rows import Row, all_kept, as_json, at_aim, left_out, row
from config.bench.street import LEDGERS
from config.servers import NotHere
from config.wiring import make_hub
from web.app import make_app

HURRY = Pace(
    stores=("sqlite",), rounds=1, seconds=0.05, clients=2, patterns=20, drained=20, spread=5, load_s=0.3, sales=6, sales_per_s=60.0,
    hot_sales=20, town_sales=6, burst=12, burst_skus=4, rush_buyers=12, rush_units=6, polled_s=1,
    old=60, old_alone=60, old_round=60, quiet_s=0.2,
    small=20, large=40, changed=5, grown=10, grown_rounds=1, waiting=500, memory_s=2.0, single=5, in_sets=1,
    once_runs=1, once_alone=1, routes=20, labels=2, waiting_orders=5, sending_places=2, sending_skus=20,
    listings=30, kits=40, slips=4,
    booked=40, paid_out=10, certified=40, certified_alone=60,
    paging_runs=3, pages=40, page_skus=20, page_looks=2, listed=40, listed_few=20, visits=1, visit_ms=10, touched=2,
)  # fmt: skip


@pytest.fixture(scope="module")
def patterns():
    return bodies.made(20)


def payloads(path: Path, raws: list[bytes]) -> Path:
    path.write_bytes(b"\n".join(raws) + b"\n")
    return path


def by_name(rows: list[Row]) -> dict[str, Row]:
    return {one.name: one for one in rows}


@pytest.mark.parametrize(
    ("name", "value", "reference", "ok", "aimed"),
    [
        ("ingest", 100.0, 400.0, True, False),
        ("ingest", 99.0, 400.0, False, False),
        ("ingest", 200.0, 400.0, True, True),
        ("memory_mb", 200.0, None, True, False),
        ("memory_mb", 201.0, None, False, False),
        ("memory_mb", 100.0, None, True, True),
        ("growth", 1.2, 1.0, False, False),
        ("growth", 1.0, 1.0, True, True),
        ("orders_per_s", 299.0, None, False, False),
        ("p50_ms", 10_000.0, None, None, None),
        ("drain", 1.0, 100.0, False, False),
    ],
)
def test_a_figure_is_held_against_what_it_must_reach(name, value, reference, ok, aimed):
    one = row(name, "postgresql", value, reference)

    assert (one.ok, at_aim(one)) == (ok, aimed)


def test_the_drain_on_sqlite_is_told_but_not_judged():
    assert row("drain", "sqlite", 1.0, 100.0).ok is None


def test_one_missed_must_fails_the_whole_and_a_figure_left_out_does_not():
    good, missing = row("memory_mb", "sqlite", 100.0), left_out("postgresql", "postgresql", "apt-get install postgresql")

    assert all_kept([good, missing])
    assert not all_kept([good, row("memory_mb", "sqlite", 300.0)])


def test_json_names_each_figure_with_its_reference_and_its_verdict():
    document = json.loads(as_json([row("ingest", "sqlite", 200.0, 400.0), row("orders_per_s", "sqlite", 500.0)]))

    assert document["rows"][0] == {
        "name": "ingest", "store": "sqlite", "value": 200.0, "reference": 400.0, "ratio": 0.5, "must": 0.25, "aim": 0.5, "ok": True,
        "unit": "notices/s", "note": "",
    }  # fmt: skip
    assert (document["ok"], document["intake"]) == (True, {"orders_per_s": 500.0})


def test_people_get_a_table_and_hear_what_was_left_out():
    console = Console(width=200, record=True, file=StringIO())

    console.print(bench.render([row("memory_mb", "sqlite", 300.0), left_out("postgresql", "postgresql", "apt-get install postgresql")]))

    said = console.export_text()
    assert "missed" in said
    assert "left out: apt-get install postgresql" in said


def test_the_chart_is_a_picture_with_a_bar_for_each_judged_figure():
    picture = bench.draw([row("ingest", "sqlite", 200.0, 400.0), row("growth", "sqlite", 2.0, 1.0), row("p50_ms", "sqlite", 3.0)])

    bars = [one for one in ElementTree.fromstring(picture).iter() if one.tag.endswith("rect")]
    assert len(bars) == 1 + 2  # the ground, and one bar for each


def test_of_a_figure_that_many_pages_have_the_chart_shows_the_worst():
    picture = bench.draw([row("page_ms", "sqlite", value) for value in (3.0, 40.0, 7.0)])

    assert picture.count("page ms, sqlite") == 1
    assert "40 ms" in picture


NOT_LOOKED_AT = {  # doors of machines, ways out and back, files to keep, and what is there for a moment only
    "api.openapi", "consents.back", "consents.hop", "consents.leave", "connections.export", "embedded.bounce", "health.lives",
    "machines.metrics", "machines.ready", "orders.progress", "signin.invitation", "signin.password", "signin.setup", "static",
    "stock.export", "stock.figures", "stock.undo_file", "stock.uploaded", "cards.export", "cards.lacks_file",
    "inbound.export", "locations.export", "promise.export", "bench.progress", "shipments.label", "shipments.paper", "track.page",
    "addresses.page", "together.page", "together.mates",
    "calling_off.page", "capturing.page", "day_end.papers", "track.sheet", "track.logo", "buyers.shown",
    "books.payout", "gateways.deposit", "margins.file",
    "books.certificate_file", "books.certificate_paper", "ledger.one", "answer.page", "requests.one", "api_requests.one", "routing.export",
    "costs.export", "postage.bill", "books.payout_paper", "api_books.document", "api_books.lines", "api_books.payout",
    "api_books.payout_certificate", "api_books.certificate",
}  # fmt: skip


def test_every_page_and_every_list_is_looked_at(tmp_path):
    app = make_app(make_hub(settings_for(f"sqlite:///{tmp_path}/crossdock.db", tmp_path)))
    addresses, paths = app.url_map.bind("bench"), [re.sub("{(listing|task)}", "1", path) for path in (*PAGES, *PIECES, *LISTS)]
    seen = {addresses.match(path.partition("?")[0])[0] for path in paths}

    there = {rule.endpoint for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    assert there - seen == NOT_LOOKED_AT


def test_an_unknown_part_is_named():
    with pytest.raises(bench.UnknownPart, match="speed"):
        bench.run(["speed"])


def test_an_executemany_counts_as_its_rows_and_a_transaction_does_not_count():
    engine = create_engine("sqlite://")
    statements = measure.Statements(engine)

    with engine.begin() as db:
        db.exec_driver_sql("create table t (a int)")
        db.exec_driver_sql("insert into t values (?)", [(1,), (2,), (3,)])

    assert statements.count == 4


def test_who_waits_for_a_late_answer_is_late_too():
    slow = iter([0.2])

    late = answers.at_rate([lambda: answers.time.sleep(next(slow, 0.0))], rate=100.0, seconds=0.1)

    assert len(late) == 10
    assert sum(one > 100 for one in late) >= 8


def test_what_a_client_raises_is_not_swallowed():
    def fail() -> None:
        raise RuntimeError("503")

    with pytest.raises(RuntimeError, match="503"):
        measure.rate_of_threads([fail, fail], 0.1)


def test_made_up_bodies_are_whole_orders_of_about_ten_kilobytes_and_copies_are_other_orders(patterns):
    copies = list(bodies.copies(patterns, 40, 7))

    read = list(bodies.readable(one.raw for one in copies))
    assert [one.id for one in read] == [one.order for one in copies]
    assert len({one.id for one in read}) == 40
    assert 5_000 < sum(len(one.raw) for one in patterns) / len(patterns) < 20_000
    assert not any(one.problems() for one in read)


def test_given_payloads_are_taken_refused_and_counted_as_duplicates(tmp_path, patterns):
    raws = [one.raw for one in patterns]
    without_lines = json.dumps({**json.loads(raws[0]), "id": 1, "admin_graphql_api_id": "gid://shopify/Order/1", "line_items": None})
    file = payloads(tmp_path / "orders.jsonl", [*raws, raws[3], without_lines.encode(), b'{"no": "order"}'])

    found = by_name(bench.run(["intake"], payloads=file, pace=HURRY))

    assert [found[name].value for name in ("taken", "refused", "duplicates")] == [20, 2, 1]
    assert found["orders_per_s"].value > 0
    assert found["statements_per_order"].value < 5


def test_a_file_without_payloads_is_said_in_one_line(tmp_path):
    with pytest.raises(ValueError, match="no payload"):
        bench.run(["intake"], payloads=payloads(tmp_path / "none.jsonl", []), pace=HURRY)


def test_intake_on_a_given_server_leaves_nothing_behind(postgres_server):
    before = databases(postgres_server)

    found = bench.run(["intake"], store=f"{postgres_server}/postgres", pace=HURRY)

    assert {one.store for one in found} == {"postgresql"}
    assert databases(postgres_server) == before


def databases(server: str) -> set[str]:
    engine = create_engine(f"{server}/postgres")
    with engine.connect() as db:
        found = {name for (name,) in db.exec_driver_sql("select datname from pg_database where datname like 'crossdock_bench%%'")}
    engine.dispose()
    return found


def test_without_postgresql_its_rows_are_left_out_with_a_word_on_how_to_get_it(monkeypatch):
    def no_server() -> None:
        raise NotHere("PostgreSQL is not on this machine: apt-get install postgresql")

    monkeypatch.setattr(stage.servers, "postgres", no_server)

    found = bench.run(["drain"], pace=replace(HURRY, stores=("postgresql", "sqlite")))

    assert [one.note for one in found if one.value is None] == ["PostgreSQL is not on this machine: apt-get install postgresql"]
    assert {one.store for one in found if one.value is not None} == {"sqlite"}


def test_without_a_browser_what_people_feel_is_left_out_with_a_word_on_how_to_get_one(monkeypatch):
    monkeypatch.setattr(vitals.shutil, "which", lambda name: None)

    [found] = bench.run(["vitals"], pace=HURRY)

    assert (found.value, "apt-get install chromium" in found.note) == (None, True)


@pytest.mark.processes
# `intake` has tests of its own; `rush` waits for eight processes to come to rest, for as long as the machine lets it.
@pytest.mark.parametrize("part", [part for part in bench.PARTS if part not in ("intake", "rush")])
def test_each_part_runs_in_small_and_gives_a_figure(part, tmp_path):
    found = bench.run([part], svg=tmp_path / "bench.svg", pace=HURRY)

    assert found
    assert all(one.value >= 0 if one.value is not None else "Chromium" in one.note for one in found)
    assert (tmp_path / "bench.svg").read_text("utf-8").startswith("<svg")


def test_books_in_trouble_hold_each_document_once(tmp_path):
    """One seed in each mode; the sixth left a document to be looked up for ever in QuickBooks. A seed that is played
    again is the same."""
    office = Office(tmp_path)
    try:
        found = [office.run(name, seed) for name in LEDGERS for seed in (1, 2, 6)]
        log = list(office.street.world(LEDGERS[-1]).log)
        office.run(LEDGERS[-1], 6)
        again = list(office.street.world(LEDGERS[-1]).log)
    finally:
        office.street.close()

    assert [(one.name, one.seed, one.wrong) for one in found if one.wrong] == []
    assert {one.count for one in found} == {1}
    assert log == again
    assert sum(one.seen["broken"] for one in found) > 0
