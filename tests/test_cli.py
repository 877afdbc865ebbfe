"""The command line: what it exits with, and the one line it says where something is wrong."""

import io
import json
import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import Connection, text
from werkzeug.test import Client

from config import cli, demo, processes
from core.domain.roles import Role
from core.flows import passwords, people
from core.flows.doctor import CHECKS
from core.store import connections, findings, listings, stock
from core.store.findings import Finding
from core.store.sql import run as sql_run
from tests.conftest import Clock
from tests.web.people import PASSWORD, come_in, hire
from tests.web.shop import Shop, open_shop

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "connectors/shopify/examples"


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def why(self) -> str:
        """The one line on standard error."""
        [line] = self.err.splitlines()
        return line


Run = Callable[..., Said]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """run("orders", "--json") is what `crossdock orders --json` does in a home of its own."""
    for name in [name for name in os.environ if name.startswith("CROSSDOCK_") or name in ("DATABASE_URL", "REDIS_URL")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CROSSDOCK_HOME", str(tmp_path))
    monkeypatch.setattr("config.logging.set_up", lambda level: None)  # it would bind the log to this test's own standard error

    def run(*words: str, stdin: bytes = b"") -> Said:
        monkeypatch.setattr(sys, "argv", ["crossdock", *words])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return Said(int(ended.value.code or 0), said.out, said.err)

    return run


@pytest.fixture
def home(tmp_path: Path, sqlite_template: Path) -> Path:
    """A home whose database is at head and empty."""
    (tmp_path / "crossdock.db").write_bytes(sqlite_template.read_bytes())
    return tmp_path


@pytest.fixture
def shop(home: Path, clock: Clock) -> Iterator[Shop]:
    """A merchant with a shop: 100 of A, of which two are sold and reserved, and an order that nobody can read."""
    clock.now = max(clock.now, datetime.now(UTC))  # commands go by the true time
    made = open_shop(f"sqlite:///{home / 'crossdock.db'}", home, clock)
    made.offer("A")
    made.deliver(made.sold(A=2))
    made.send({**json.loads((EXAMPLES / "plain.in.json").read_bytes()), "total_price": "much"})
    made.drain()
    yield made
    made.hub.database.close()


# ---- usage and settings


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["orders", "--nope"], "--nope"),
        (["fly"], "fly"),
        (["orders", "--most", "0"], "--most"),
        (["orders", "--most", "many"], "--most"),
        (["serve", "--port", "70000"], "--port"),
        (["normalize", "shopify"], "FILE"),
        (["stock", "import", "nowhere.csv"], "nowhere.csv"),
        (["worker", "--queue", "third"], "third"),
        (["--log-level", "chatty", "orders"], "log_level"),
        (["--database-url", "nonsense", "orders"], "database_url"),
        (["--redis-url", "nonsense", "orders"], "redis_url"),
    ],
)
def test_bad_usage_is_one_line_that_names_it_and_exit_2(run: Run, words: list[str], named: str) -> None:
    said = run(*words)

    assert said.code == 2
    assert named in said.why


def test_bad_usage_says_which_help_to_see(run: Run) -> None:
    assert run("orders", "--nope").why.endswith("orders -h)")


@pytest.mark.parametrize("words", [["-h"], ["--help"], ["--version"], ["orders", "-h"], ["stock", "import", "--help"]])
def test_help_is_no_failure(run: Run, words: list[str]) -> None:
    said = run(*words)

    assert (said.code, said.err) == (0, "")
    assert said.out


def test_every_command_has_a_help_that_says_what_it_is_for(run: Run) -> None:
    for name, command in cli.cli.commands.items():
        said = run(name, "-h")
        assert said.code == 0
        assert (command.help or "").split(".")[0] in " ".join(said.out.split())


def test_without_a_command_the_help_is_shown_and_it_is_bad_usage(run: Run) -> None:
    said = run()

    assert said.code == 2
    assert "Commands:" in said.err


@pytest.mark.parametrize("name", ["CROSSDOCK_PROT", "CROSSDOCK_APPS__SHOPFIY__CLIENT_ID"])
def test_an_unknown_setting_is_one_line_with_its_name(run: Run, home: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "1")

    said = run("orders")

    assert said.code == 2
    assert name in said.why or "apps.shopfiy" in said.why


def test_an_unknown_key_of_the_file_is_one_line_with_its_name(run: Run, home: Path) -> None:
    (home / "crossdock.toml").write_text("prot = 1")

    said = run("doctor")

    assert said.code == 2
    assert "prot" in said.why


# ---- the database


@pytest.mark.parametrize("words", [["orders"], ["stock"], ["tasks"], ["doctor"], ["serve"], ["reconcile"], ["findings"], ["connect"]])
def test_a_database_that_is_not_at_head_is_said_so(run: Run, words: list[str]) -> None:
    said = run(*words)

    assert said.code == 2
    assert "crossdock migrate" in said.why


def test_migrate_checks_then_migrates_then_has_nothing_to_do(run: Run, tmp_path: Path) -> None:
    assert run("migrate", "--check").code == 1
    assert run("migrate").code == 0
    assert run("migrate", "--check").code == 0
    assert run("migrate").code == 0
    assert run("doctor").code == 0
    assert list(tmp_path.glob("*.before-*")) == []


def test_a_database_of_a_version_that_we_do_not_know_is_one_line(run: Run, shop: Shop) -> None:
    with shop.hub.database.write() as db:
        db.execute(text("update alembic_version set version_num = '0000'"))
    shop.hub.database.close()

    said = run("migrate")

    assert said.code == 2
    assert "0000" in said.why


def test_a_file_that_is_no_database_is_one_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "crossdock.db").write_bytes(b"something else, and long enough to be read as a page of it" * 100)

    said = run("orders")

    assert said.code == 2
    assert "not a database" in said.why


def test_a_database_that_does_not_answer_is_one_line_without_its_password(run: Run) -> None:
    said = run("--database-url", "postgresql://u:sesame@127.0.0.1:1/x", "orders")

    assert said.code == 2
    assert "database" in said.why
    assert "sesame" not in said.err


def test_other_keys_than_those_it_was_written_with_are_one_line(run: Run, shop: Shop, home: Path) -> None:
    (home / "keys").unlink()

    said = run("connect", "shopify", "x.myshopify.com", stdin=b"access_token=t\n")

    assert said.code == 2
    assert "key" in said.why


def test_workers_need_postgresql_and_redis(run: Run, home: Path) -> None:
    on_sqlite = run("worker")
    without_redis = run("--database-url", "postgresql://u@127.0.0.1:1/x", "worker")

    assert (on_sqlite.code, without_redis.code) == (2, 2)
    assert "SQLite has one writer" in on_sqlite.why
    assert "REDIS_URL" in without_redis.why


# ---- normalize


@pytest.fixture
def nowhere(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Where there is neither a home nor a database, and settings that nobody can read."""
    monkeypatch.setenv("CROSSDOCK_HOME", str(tmp_path / "none"))
    monkeypatch.setenv("CROSSDOCK_PROT", "1")
    return run


@pytest.mark.parametrize("channel", ["shopify", "amazon", "ebay"])
def test_normalize_prints_one_order_a_line_as_the_examples_say(nowhere: Run, tmp_path: Path, channel: str) -> None:
    for path in sorted((ROOT / f"connectors/{channel}/examples").glob("*.in.json")):
        said = nowhere("normalize", channel, str(path))
        wanted = json.loads(path.with_name(path.name.replace(".in.", ".out.")).read_text("utf-8"))
        assert (said.code, said.err) == (0, "")
        assert json.loads(said.out) == wanted
    assert not (tmp_path / "none").exists()


def test_normalize_reads_several_files_and_standard_input(nowhere: Run) -> None:
    plain, yen = EXAMPLES / "plain.in.json", EXAMPLES / "yen.in.json"

    said = nowhere("normalize", "shopify", str(plain), "-", str(yen), stdin=plain.read_bytes())

    assert said.code == 0
    assert [json.loads(line)["currency"] for line in said.out.splitlines()] == ["USD", "USD", "JPY"]


def test_normalize_says_of_each_bad_order_which_field_and_prints_the_good_ones(nowhere: Run, tmp_path: Path) -> None:
    good = json.loads((EXAMPLES / "plain.in.json").read_bytes())
    bad = {key: value for key, value in good.items() if key != "total_price"}
    (tmp_path / "some.json").write_text(json.dumps({"orders": [good, bad, good]}))

    said = nowhere("normalize", "shopify", str(tmp_path / "some.json"))

    assert said.code == 2
    assert len(said.out.splitlines()) == 2
    assert "total_price" in said.why
    assert "some.json" in said.why


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b"null", b"3", b'{"orders": []}', b"<xml/>", b"\xff\xfe", b"[" * 200_000, b'{"data": {"order": null}}']
)
def test_normalize_of_what_is_no_order_is_one_line_and_exit_2(nowhere: Run, raw: bytes) -> None:
    said = nowhere("normalize", "shopify", "-", stdin=raw)

    assert (said.code, said.out) == (2, "")
    assert said.why


def test_normalize_of_a_file_that_cannot_be_read_is_one_line_and_exit_2(nowhere: Run, tmp_path: Path) -> None:
    missing, folder = nowhere("normalize", "shopify", str(tmp_path / "x.json")), nowhere("normalize", "shopify", str(tmp_path))

    assert (missing.code, folder.code) == (2, 2)
    assert "x.json: cannot be read" in missing.why
    assert "cannot be read" in folder.why


def test_normalize_of_a_channel_that_there_is_none_names_those_there_are(nowhere: Run) -> None:
    said = nowhere("normalize", "magento", "-")

    assert said.code == 2
    assert "magento" in said.why
    assert "shopify" in said.why


def test_an_error_of_normalize_never_repeats_the_buyer(nowhere: Run) -> None:
    order = json.loads((EXAMPLES / "plain.in.json").read_bytes())
    order["customer"] = order["shipping_address"] = ["Mara Oduya", "14 Lantern Row"]

    said = nowhere("normalize", "shopify", "-", stdin=json.dumps(order).encode())

    assert said.code == 2
    assert "Oduya" not in said.err
    assert "Lantern" not in said.err


# ---- looking


def test_orders_stock_and_tasks_can_be_read_by_a_program(run: Run, shop: Shop) -> None:
    orders, stock, tasks = (json.loads(run(what, "--json").out) for what in ("orders", "stock", "tasks"))

    assert [(order["channel"], order["units_to_ship"], order["waits"]) for order in orders] == [("shopify", 2, None)]
    assert [(row["sku"], row["on_hand"], row["reserved"]) for row in stock["levels"]] == [("A", 100, 2)]
    assert [(task["kind"], task["state"], task["cause"]) for task in tasks["tasks"]] == [("take_orders", "parked", "BadPayload")]


def test_orders_stock_and_tasks_can_be_read_by_a_person(run: Run, shop: Shop) -> None:
    [(name,)] = shop.rows("select name from orders")

    assert name in run("orders").out
    assert "98" in run("stock").out
    assert "sold" in (moves := run("stock", "--sku", "A").out) or "counted" in moves
    assert "BadPayload" in run("tasks").out


def test_an_order_is_made_a_copy_and_an_order_of_its_own_again_by_hand(run: Run, shop: Shop) -> None:
    [(first,)] = shop.rows("select channel_id from orders")
    shop.send(json.loads(shop.sold(A=3).body))
    shop.drain()
    [(second,)] = shop.rows("select name from orders where channel_id <> :first", first=first)

    linked = run("orders", "link", second, first)
    told = [(order["copy_of"], order["waits"]) for order in json.loads(run("orders", "--json").out)]
    listed, held = run("orders").out, shop.one("select reserved from levels")
    unlinked = run("orders", "unlink", f"shopify/{shop.one('select channel_id from orders where name = :name', name=second)}")

    assert (linked.code, unlinked.code) == (0, 0)
    assert told == [(f"{shop.connection.id}/{first}", None), (None, None)]
    assert (f"copy of {first}" in listed, held, shop.one("select reserved from levels")) == (True, 2, 5)
    assert run("orders", "link", first, first).code == 1
    assert run("orders", "unlink", "nothing").code == 1


def test_a_merchant_that_there_is_none_is_said_so(run: Run, home: Path) -> None:
    nobody = run("orders")
    wrong = run("orders", "--merchant", "somebody")

    assert (nobody.code, wrong.code) == (2, 2)
    assert "crossdock connect" in nobody.why
    assert "somebody" in wrong.why


def test_where_there_are_several_merchants_one_must_be_named(run: Run, shop: Shop) -> None:
    said = run("connect", "shopify", "other.myshopify.com", "--merchant-name", "Another", stdin=b"access_token=t\n")
    assert said.code == 0

    which = run("orders")

    assert which.code == 2
    assert "--merchant" in which.why
    assert run("orders", "--merchant", shop.merchant).code == 0


def test_parked_tasks_become_due_again_on_demand(run: Run, shop: Shop) -> None:
    assert run("tasks", "retry").out == "1 due again\n"
    assert run("tasks", "retry").out == "0 due again\n"
    assert shop.rows("select state, tries from tasks where kind = 'take_orders' and cause = 'BadPayload'") == [("due", 0)]


# ---- connecting


def test_a_connection_is_made_with_its_settings_as_what_they_are(run: Run, home: Path) -> None:
    said = run(
        "connect", "amazon", "SELLER1", "--merchant-name", "North", "--set", "poll_s=60", "--set", "min_age_s=0", "--buffer", "3",
        stdin=b"refresh_token=r\n",
    )  # fmt: skip

    assert said.code == 0
    with sqlite3.connect(home / "crossdock.db") as db:
        [(settings, buffer, login)] = db.execute("select settings, buffer, login from connections").fetchall()
        asked = {kind for (kind,) in db.execute("select kind from tasks")}
    db.close()
    assert (json.loads(settings), buffer) == ({"poll_s": 60, "min_age_s": 0}, 3)
    assert login != "r"
    assert asked == {"check_login", "subscribe", "read_listings", "poll_orders"}


@pytest.mark.parametrize(
    ("words", "stdin", "named"),
    [
        (["magento", "x"], b"", "magento"),
        (["amazon", "x"], b"", "refresh_token"),
        (["amazon", "x"], b"refresh_token=\n", "refresh_token"),
        (["amazon", "x", "--set", "pol_s=1"], b"refresh_token=r", "pol_s"),
        (["amazon", "x", "--set", "poll_s=often"], b"refresh_token=r", "poll_s"),
        (["amazon", "x", "--buffer", "-1"], b"refresh_token=r", "--buffer"),
    ],
)
def test_a_connection_that_cannot_be_is_one_line_and_nothing_is_made(
    run: Run, home: Path, words: list[str], stdin: bytes, named: str
) -> None:
    said = run("connect", *words, "--merchant-name", "North", stdin=stdin)

    assert said.code == 2
    assert named in said.why
    with sqlite3.connect(home / "crossdock.db") as db:
        assert db.execute("select count(*) from connections").fetchall() == [(0,)]
        assert db.execute("select count(*) from merchants").fetchall() == [(0,)]
    db.close()


def test_the_account_of_another_merchant_is_refused(run: Run, shop: Shop) -> None:
    said = run("connect", "shopify", shop.connection.account, "--merchant-name", "Thief", stdin=b"access_token=t\n")

    assert said.code != 0
    assert "another merchant" in said.why


# ---- cards


def test_a_card_is_written_shown_and_said_to_lack_what_it_lacks(run: Run, shop: Shop) -> None:
    place = shop.one("select name from locations")
    run("sku", "set", "A", "weight_g=350", "origin=pt", "cost=7.05", "cost_currency=EUR")
    odd = run("sku", "barcode", "A", "4006381333931", "4006381333932")
    said = json.loads(run("sku", "bin", "A", place, "A-12", "--json").out)

    assert odd.err == "look: the last digit of 4006381333932 does not fit an EAN or UPC\n"
    assert (said["weight_g"], said["origin"], said["cost"], said["bins"]) == (350, "PT", "7.05", {place: "A-12"})
    assert said["barcodes"] == ["4006381333931", "4006381333932"]
    assert said["lacks"] == ["size", "hs_code", "customs"]
    assert json.loads(run("sku", "lacks", "--json").out)[0] == {"sku": "A", "title": "A", "lacks": ["size", "hs_code", "customs"]}


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["set", "A", "colour=red"], "colour is no field"),
        (["set", "A", "weight_g=1.5"], "weight_g: write a whole number"),
        (["set", "NO", "weight_g=1"], "there is no SKU NO"),
        (["bin", "A", "Moon", "A-1"], "no location that is called Moon"),
        (["show", "NO"], "there is no SKU NO"),
        (["lacks", "--what", "luck"], "--what is one of"),
    ],
)
def test_a_card_that_cannot_be_is_refused_with_the_reason(run: Run, shop: Shop, words: list[str], why: str) -> None:
    said = run("sku", *words)

    assert said.code == 2
    assert why in said.why


def test_cards_are_brought_in_a_file_and_taken_back_by_another(run: Run, shop: Shop, home: Path) -> None:
    file, back, out = counts(home, "sku,weight_g,barcodes\nA,350,X1 X2\n"), str(home / "back.csv"), str(home / "out.csv")
    look = run("sku", "import", file, "--dry-run")
    took = run("sku", "import", file, "--undo", back)
    run("sku", "export", out)
    again = json.loads(run("sku", "import", out, "--json").out)
    undone = run("sku", "import", back)
    wrong = run("sku", "import", counts(home, "sku,weight_g\nA,many\n"))
    latin = run("sku", "import", counts(home, "sku,customs\nA,Gr\xfcn\n".encode("latin-1")))

    assert "1 cards would change" in look.out
    assert took.out.splitlines()[:2] == ["A: weight_g: - -> 350", "A: barcodes: - -> X1, X2"]
    assert (again["cards"], again["same"] > 0) == ([], True)
    assert undone.out.splitlines()[:2] == ["A: weight_g: 350 -> -", "A: barcodes: X1, X2 -> -"]
    assert (wrong.code, "line 2: weight_g: write a whole number" in wrong.err) == (2, True)
    assert (latin.code, "UTF-8" in latin.err) == (2, True)


# ---- kits


def test_kits_are_made_listed_and_put_together_in_advance(run: Run, shop: Shop, home: Path) -> None:
    run("stock", "import", counts(home, "sku,on_hand\nB,5\nKIT,0\n"))
    listing, connection, place = (
        shop.one("select listing from listings where sku = 'A'"),
        shop.connection.id,
        shop.one("select name from locations"),
    )

    assert "there is no SKU NO" in run("stock", "map", connection, listing, "A", "NO=1").why
    assert "cannot contain itself" in run("stock", "map", connection, listing, "A", "A=1", "B=1").why
    assert run("stock", "map", connection, listing, "A", "B=2", "KIT=1").code == 0
    how = json.loads(run("stock", "kit", connection, listing, "A", "--alone", "--json").out)
    assert (how["takes"], how["alone"], how["exploded by"]) == ("B=2, KIT", True, "hub")
    [kit] = json.loads(run("stock", "kits", "--json").out)
    assert (kit["sku"], kit["parts"], kit["alone"], kit["sellable"]) == ("A", {"B": 2, "KIT": 1}, True, 0)

    assert run("stock", "assemble", "KIT", "2", "B", "--location", place).out == "KIT: 0 -> 2\n"
    assert json.loads(run("stock", "kits", "--json").out)[0]["sellable"] == 1
    assert "of B 3 are free there, and 4 are needed" in run("stock", "assemble", "KIT", "4", "B", "--location", place).why
    assert run("stock", "assemble", "KIT", "2", "B", "--location", place, "--apart").out == "KIT: 2 -> 0\n"
    assert "B=2, KIT" in run("stock", "kits").out
    assert "there is no such listing" in run("stock", "kit", connection, "nope", "-").why


# ---- counting


def counts(home: Path, body: str | bytes) -> str:
    path = home / "counts.csv"
    path.write_bytes(body if isinstance(body, bytes) else body.encode())
    return str(path)


def test_a_dry_run_says_what_would_change_and_changes_nothing(run: Run, shop: Shop, home: Path) -> None:
    before = shop.rows("select * from levels"), shop.rows("select * from locations"), shop.rows("select * from movements")

    said = run("stock", "import", counts(home, "sku,on_hand\nA,90\nB,5\n"), "--dry-run", "--json")
    elsewhere = run("stock", "import", counts(home, "sku,on_hand\nA,7\n"), "--dry-run", "--location", "Attic")

    shelves = [(one["sku"], one["was"], one["will"], one["reserved"]) for one in json.loads(said.out)["shelves"]]
    assert (said.code, shelves) == (0, [("A", 100, 90, 2), ("B", None, 5, 0)])
    assert elsewhere.out.splitlines()[-1] == "nothing was changed"
    assert elsewhere.err == "look: the location Attic is new\n"
    assert before == (shop.rows("select * from levels"), shop.rows("select * from locations"), shop.rows("select * from movements"))


def test_a_count_is_written_with_its_movement_and_the_channel_is_told(run: Run, shop: Shop, home: Path) -> None:
    said = run("stock", "import", counts(home, "\ufeffsku,title,on_hand\nA,An A,90\n\nB,Bee,5\n"))

    assert (said.code, said.out) == (0, "A: 100 -> 90\nB: 0 -> 5\n")
    assert shop.rows("select sku, on_hand, reserved from levels order by sku") == [("A", 90, 2), ("B", 5, 0)]
    assert shop.rows("select units from movements where cause = 'counted' and sku = 'A' order by id") == [(100,), (-10,)]
    shop.drain()
    assert shop.simulator.listings()[0]["shown"] == 88


def test_units_that_are_promised_stay_whatever_was_counted(run: Run, shop: Shop, home: Path) -> None:
    said = run("stock", "import", counts(home, "sku,on_hand\nA,1\n"))

    assert (said.code, said.out) == (0, "A: 100 -> 2, since so many are promised; 1 were counted\n")
    assert shop.rows("select on_hand, reserved from levels") == [(2, 2)]


def test_the_same_count_again_changes_nothing(run: Run, shop: Shop, home: Path) -> None:
    path = counts(home, "sku,on_hand\nA,90\n")
    run("stock", "import", path)

    said = run("stock", "import", path)

    assert (said.code, said.out) == (0, "")
    assert shop.one("select count(*) from movements where sku = 'A' and cause = 'counted'") == 2


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ("", "line 1: the column on_hand"),
        ("sku;units on hand\nA;1\n", "line 1: the column"),
        ("sku,on_hand,price\nA,1,2\n", "line 1: 'price' is no column"),
        ("sku,on_hand,counted_at\nA,1,today\n", "line 2: counted_at 'today'"),
        ("sku,on_hand,listing\nA,1,nowhere\n", "line 2: nowhere - is not a listing"),
        ("name,on_hand\nA,1\n", "line 1: the column sku"),
        ("sku,on_hand\nA\n", "line 2: on_hand"),
        ("sku,on_hand\nA,-1\n", "line 2: on_hand"),
        ("sku,on_hand\nA,1.5\n", "line 2: on_hand"),
        ("sku,on_hand\nA,1000000001\n", "line 2: on_hand"),
        ("sku,on_hand\nA," + "9" * 5000 + "\n", "line 2: on_hand"),
        ("sku,on_hand\nA,²\n", "line 2: on_hand"),
        ("sku,on_hand\n,1\n", "line 2: there is no SKU"),
        ("sku,on_hand\n\n\nA,1\n\nA,2\n", "line 6: the SKU is counted twice"),
        ("sku,on_hand,title\nA,1,\"two\nlines\"\n", "line 3: a SKU or title"),
        ("sku,on_hand\nA\x00,1\n", "line 2"),
        ("sku,on_hand\n" + "A" * 200_000 + ",1\n", "line"),
        ("sku,on_hand\nÄ,1\n".encode("latin-1"), "UTF-8"),
        ("sku,on_hand\nA,1\n".encode("utf-16"), "UTF-8"),
    ],
)  # fmt: skip
def test_a_count_that_cannot_be_read_is_one_line_that_says_where_and_nothing_is_counted(
    run: Run, shop: Shop, home: Path, body: str | bytes, named: str
) -> None:
    said = run("stock", "import", counts(home, body))

    assert said.code == 2
    assert "counts.csv" in said.why
    assert named in said.why
    assert shop.rows("select sku, on_hand from levels") == [("A", 100)]


def test_every_wrong_line_is_named(run: Run, shop: Shop, home: Path) -> None:
    said = run("stock", "import", counts(home, "sku,on_hand\nA,x\nB,1\n,2\n"))

    assert said.code == 2
    assert [line.split(": ")[1] for line in said.err.splitlines()] == ["line 2", "line 4"]


def test_what_is_exported_comes_back_and_an_import_is_undone_by_what_it_wrote(run: Run, shop: Shop, home: Path) -> None:
    shop.rows("select 1")
    with shop.hub.database.write() as db:
        db.execute(text("update levels set counted_at = 0"))
    there, undo = str(home / "there.csv"), str(home / "undo.csv")

    assert run("stock", "export", there).out == f"{there}: 1 rows\n"
    assert (
        run("stock", "export").out.splitlines()[0]
        == "sku,on_hand,title,location,counted_at,safety,channel,connection,listing,channel_sku,units"
    )
    assert (run("stock", "import", there).out, shop.rows("select sku, on_hand from levels")) == ("", [("A", 100)])
    told = run("stock", "import", counts(home, "sep=;\nsku;on_hand\nA;7\nB;5\n"), "--undo", undo)
    assert told.out == "A: 100 -> 7\nB: 0 -> 5\n"
    assert run("stock", "import", undo).out == "A: 7 -> 100\nB: 5 -> uncounted\n"
    assert shop.rows("select sku, on_hand from levels") == [("A", 100)]


# ---- joining: watch, look, accept


def test_a_new_connection_is_watched_until_somebody_accepts_what_would_change(run: Run, shop: Shop) -> None:
    assert run("watch", "shopify").code == 0
    with shop.hub.unit() as work:
        stock.count(work.db, shop.merchant, [{"sku": "A", "title": "", "location": "place", "on_hand": 50}], work.now)
        for connection in listings.touch(work.db, shop.merchant, ["A"], None):
            work.ask(shop.merchant, "publish_stock", connection, connection)
    shop.drain()
    [listing] = shop.simulator.listings()
    assert listing["shown"] == 98

    said = json.loads(run("golive", "shopify", "--json").out)
    assert (said["live"], said["not_ready"]) == (False, "")
    assert [(one["sku"], one["now"], one["after"], one["what"]) for one in said["listings"]] == [("A", 98, 48, "lower")]

    assert "is live" in run("golive", "shopify", "--yes").out
    for _ in range(3):
        shop.clock.pass_(timedelta(minutes=5))
        with shop.hub.unit() as work:
            work.ask(shop.merchant, "poll_orders", shop.connection.id, shop.connection.id)
        shop.drain()
    [listing] = shop.simulator.listings()
    assert listing["shown"] == 48


def test_whoever_waits_for_the_first_number_is_told_what_it_waits_for(run: Run, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    run("watch", "shopify")
    assert "--yes" in run("golive", "shopify", "--wait").why
    nothing = run("golive", "shopify", "--wait").code
    with shop.hub.database.write() as db:
        db.execute(text("update marks set at = at - 10800000000 where name = 'orders'"))

    def meanwhile(_: float) -> None:
        shop.clock.pass_(timedelta(minutes=3))
        with shop.hub.unit() as work:
            work.ask(shop.merchant, "poll_orders", shop.connection.id, shop.connection.id)
        shop.drain()

    monkeypatch.setattr(cli.time, "sleep", meanwhile)
    live = run("golive", "shopify", "--yes").out
    listed = run("connect").out
    page = come_in(shop, hire(shop.hub, shop.merchant, "viewer"), shop.merchant).get("/start").text
    followed = run("golive", "shopify", "--wait").out

    assert nothing == 1
    waits = f"waits for orders of shopify {shop.connection.account} read to "
    assert waits in live
    assert waits in listed
    assert f"Waits until these are read: shopify {shop.connection.account}" in page
    assert followed.splitlines()[-1] == f"shopify {shop.connection.account}: its stock is written now"
    assert json.loads(run("connect", "--json").out)[0]["stock"] == "written"


def test_a_connection_that_there_is_none_is_said_so(run: Run, shop: Shop) -> None:
    said = run("golive", "amazon")

    assert said.code == 2
    assert "amazon" in said.why


def test_the_places_of_a_channel_are_listed_with_what_they_stand_for_and_said_anew(run: Run, shop: Shop) -> None:
    before = json.loads(run("places", "--json").out)
    assert {(row["name"], row["location_name"], bool(row["service"])) for row in before["places"]} == {
        ("Main warehouse", "Main", False), ("Pick & Pack Partners", None, True), ("Old shed", None, False),
    }  # fmt: skip

    assert "is a location of yours" in run("places", "add", "Attic").out
    assert "stands for Attic" in run("places", "map", "shopify", "Main warehouse", "Attic").out
    after = {row["name"]: row["location_name"] for row in json.loads(run("places", "--json").out)["places"]}
    assert after["Main warehouse"] == "Attic"
    assert "stands for nothing" in run("places", "map", "shopify", "70001").out
    assert "nothing: another service's" in run("places").out
    assert "at Main first" in run("places", "first", "shopify", "Main").out
    assert "any more" in run("places", "forget", "shopify").out
    assert {row["location_name"] for row in json.loads(run("places", "--json").out)["places"]} == {"Main", "Attic", None}


def test_a_location_is_said_to_be_what_it_is_and_removed(run: Run, shop: Shop) -> None:
    shop.offer("MUG-1", units=10)

    assert run("places", "add", "Amazon", "--kind", "fba").code == 0
    assert "so already" in run("places", "kind", "Amazon", "fba").out
    assert {row["name"]: row["kind"] for row in json.loads(run("places", "--json").out)["locations"]} == {"Main": "own", "Amazon": "fba"}
    assert "Amazon is no location" in run("places", "remove", "Amazon").out
    assert "10 units on hand" in run("places", "remove", "Main").why
    assert "Main: shop" in run("places", "kind", "Main", "shop").out


def test_of_a_shipment_that_is_not_there_nothing_is_corrected(run: Run, shop: Shop) -> None:
    said = run("shipments", "correct", "S9", "--by", "Harbor Bikes", "--tracking", "HB-7")

    assert (said.code, "there is no S9" in said.err) == (2, True)


def test_what_buyers_are_told_and_see_is_chosen_and_shown(run: Run, shop: Shop, home: Path) -> None:
    Image.new("RGB", (40, 20), "#336699").save(home / "logo.png")

    assert run("buyers", "letters", "shopify", "shipped", "delivered", "--reply-to", "shop@north.example").code == 0
    assert run("buyers", "look", "--color", "#336699", "--logo", str(home / "logo.png")).code == 0
    said = json.loads(run("buyers", "show", "--json").out)
    assert said["letters"] == {"kinds": {shop.connection.id: ["delivered", "shipped"]}, "reply_to": "shop@north.example"}
    assert (said["look"]["color"], bool(said["look"]["logo"])) == ("#336699", True)

    assert run("buyers", "look", "--no-logo").code == 0
    assert json.loads(run("buyers", "show", "--json").out)["look"]["logo"] == ""
    assert [run("buyers", "letters", "amazon").code, run("buyers", "look", "--color", "red").code] == [2, 2]


def test_whoever_sends_for_us_is_asked_as_the_command_line_says(run: Run, shop: Shop, home: Path) -> None:
    shop.offer("MUG-1", units=10)
    run("places", "add", "Mill", "--kind", "dropship")

    assert run("stock", "asks", "Mill", "--mail", "orders@mill.example", "--hours", "48").code == 0
    said = json.loads(run("stock", "asks", "--json").out)
    assert said == [{"location": "Mill", "way": "mail", "whom": "orders@mill.example", "hours": 48}]
    assert "cdk_" in run("stock", "asks", "Mill", "--api").out
    assert run("stock", "asks", "Main", "--mail", "a@b.example").code == 2
    assert "say one of" in run("stock", "asks", "Mill", "--api", "--none").why
    assert run("stock", "asks", "Mill", "--none").code == 0
    assert json.loads(run("stock", "asks", "--json").out) == []


def test_a_channels_own_warehouse_is_switched_on_only_as_it_can_be_meant(run: Run, shop: Shop, home: Path) -> None:
    run("places", "add", "FBA", "--kind", "fba")

    assert "whose warehouse it is" in run("stock", "asks", "FBA", "--mail", "a@b.example").why
    assert "say one of" in run("stock", "asks", "FBA", "--dry-run").why
    off = run("stock", "asks", "FBA", "--none", "--dry-run")
    assert (off.code, "nothing was changed" in off.out) == (0, True)
    assert "for a channel's own warehouse" in run("stock", "asks", "Main", "--none", "--dry-run").why


def test_what_is_done_with_addresses_that_carriers_doubt_is_tried_and_said(run: Run, shop: Shop) -> None:
    assert json.loads(run("shipments", "addresses", "hold", "--dry-run", "--json").out) == {
        "looked": 0, "held": {}, "unchecked": [], "left": False,
    }  # fmt: skip
    assert [run("shipments", "addresses", *more).out.strip() for more in ([], ["hold"], [])] == ["off", "hold", "hold"]


def test_numbers_of_parcels_and_others_stock_come_in_files_that_are_looked_at_first(run: Run, shop: Shop, home: Path) -> None:
    shop.offer("MUG-1", units=10)
    run("places", "add", "Mill", "--kind", "dropship")
    (home / "left.csv").write_text("shipment,carrier,tracking\nS9,Harbor Bikes,HB-7\n")
    (home / "lies.csv").write_text("sku,units,at\nMUG-1,4,\n")
    (home / "strange.csv").write_text("sku,units,at\nNONE,4,\n")

    said = run("shipments", "import", str(home / "left.csv"), "--dry-run")
    assert (said.code, "row 2: shipment: there is no S9" in said.err) == (2, True)
    assert "MUG-1: 0 -> 4" in run("stock", "theirs", "Mill", str(home / "lies.csv"), "--dry-run").out
    assert "MUG-1: 0 -> 4" in run("stock", "theirs", "Mill", str(home / "lies.csv")).out
    assert run("stock", "theirs", "Mill", str(home / "lies.csv")).out == ""
    assert "row 2: NONE is no SKU of yours" in run("stock", "theirs", "Mill", str(home / "strange.csv")).err


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("shipments", "split", "S9", "MUG=1"), "there is no S9"),
        (("shipments", "join", "S8", "S9"), "there is no S8"),
        (("shipments", "part", "S9"), "there is no S9"),
        (("shipments", "pickup", "S9", "ready"), "there is no S9"),
        (("orders", "address", "1001", "--keep", "--theirs"), "say one of --to, --keep, --theirs"),
        (("orders", "address", "1001", "--keep"), "no such order"),
        (("orders", "reship", "1001", "MUG=1", "--why", "lost"), "no such order"),
    ],
    ids=lambda one: " ".join(one) if isinstance(one, tuple) else "",
)
def test_what_is_not_there_is_not_sent_otherwise(run: Run, shop: Shop, words: tuple[str, ...], why: str) -> None:
    said = run(*words)

    assert (said.code, why in said.err) == (2, True)


def test_without_orders_none_may_go_together(run: Run, shop: Shop) -> None:
    assert json.loads(run("shipments", "together", "--json").out) == []


def test_goods_on_their_way_from_writing_them_down_to_what_did_not_come(run: Run, shop: Shop, home: Path) -> None:
    shop.offer("MUG-1", "TRAY", units=10)
    (home / "came.csv").write_text("sku,received,damaged\nTRAY,3,1\n")
    (home / "wrong.csv").write_text("sku,received\nTRAY,1\nNONE,1\n")
    id = run(
        "inbound", "add", "MUG-1=6", "TRAY=2", "--to", "Main", "--from", "Mill", "--expected", "2026-12-04", "--reference", "PO"
    ).out.strip()

    assert [row["reference"] for row in json.loads(run("inbound", "list", "--json").out)] == ["PO"]
    assert run("inbound", "send", id).code == 0
    assert (
        "TRAY: 3 good, 1 damaged, 2 more than announced" in run("inbound", "receive", id, "--file", str(home / "came.csv"), "--preview").out
    )
    assert shop.rows("select distinct on_hand from levels where sku <> 'A'") == [(10,)]
    run("inbound", "receive", id, "--file", str(home / "came.csv"))
    assert "line 3: sku: NONE is not on this delivery" in run("inbound", "receive", id, "--file", str(home / "wrong.csv")).why
    run("inbound", "receive", id, "MUG-1=4+1")
    run("inbound", "receive", id, "MUG-1=1", "--undo")
    assert "MUG-1: 2 did not arrive" in run("inbound", "close", id).err
    assert shop.rows("select sku, on_hand, damaged from levels where sku <> 'A' order by sku") == [("MUG-1", 13, 1), ("TRAY", 13, 1)]
    assert "it is closed: it cannot be cancelled now" in run("inbound", "cancel", id).why
    assert json.loads(run("inbound", "reopen", id, "--json").out)["state"] == "sent"
    assert json.loads(run("inbound", "cancel", id, "--json").out)["state"] == "cancelled"
    assert "Main" in run("inbound", "list", "--all").out
    for wrong in (("MUG-1",), ("MUG-1=1.5",), ("MUG-1=-1",), ("NONE=1",), ("MUG-1=1", "--expected", "soon"), ("MUG-1=1", "--to", "Attic")):
        assert run("inbound", "add", "--to", "Main", *wrong).code == 2
    assert "no such delivery" in run("inbound", "show", "x").why


def test_what_a_listing_may_show_is_set_shown_and_stopped(run: Run, shop: Shop) -> None:
    shop.offer("MUG-1", units=10)
    [listing] = [row[0] for row in shop.rows("select listing from listings where sku = 'MUG-1'")]
    name = (shop.connection.id, listing, "MUG-1")

    def told(*words: str) -> tuple[int, int]:
        [row] = json.loads(run("stock", *words, "--json").out)
        return row["sellable"], row["should show"]

    assert told("rule", *name, "--buffer", "2", "--cap", "5") == (10, 5)
    assert told("rule", *name, "--cap", "-") == (10, 8)
    assert told("rule", *name, "--backorder", "3", "--ahead", "7") == (10, 11)
    assert told("rule", *name, "--backorder", "0", "--ahead", "-") == (10, 8)
    assert told("stop", "MUG-1") == (10, 0)
    assert told("stop", "MUG-1", "--sell") == (10, 8)
    assert "MUG-1" in run("stock", "rule", *name).out


def test_a_sku_is_put_in_quota_and_back(run: Run, shop: Shop) -> None:
    shop.offer("MUG-1", units=10)

    assert "MUG-1: in quota" in run("stock", "quota", "MUG-1").out
    assert "so already" in run("stock", "quota", "MUG-1").out
    assert "as one pool" in run("stock", "quota", "MUG-1", "--off").out
    assert "no SKU NONE" in run("stock", "quota", "NONE").why


def test_units_are_kept_from_channels(run: Run, shop: Shop) -> None:
    shop.offer("MUG-1", units=10)

    assert "MUG-1 at Main: 0 -> 3" in run("stock", "safety", "MUG-1", "Main", "3").out
    assert "so already" in run("stock", "safety", "MUG-1", "place", "3").out
    [level] = json.loads(run("stock", "--sku", "MUG-1", "--json").out)["levels"]
    assert level["safety"] == 3
    assert "count it first" in run("stock", "safety", "NONE", "Main", "3").why
    assert "MUG-1,MUG-1,Main,own,10,0,3,7,0,," in run("stock", "levels").out
    assert "no location Attic" in run("stock", "safety", "MUG-1", "Attic", "3").why


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["rule", "x", "1", "MUG-1"], "there is no such listing"),
        (["stop", "NONE"], "no listing sells that"),
        (["rule", "{connection}", "{listing}", "MUG-1", "--cap", "-3"], "--cap must be a whole number"),
        (["rule", "{connection}", "{listing}", "MUG-1", "--buffer", "99999999"], "buffer must be from 0"),
    ],
)
def test_a_rule_that_cannot_be_is_said_so(run: Run, shop: Shop, words: list[str], named: str) -> None:
    shop.offer("MUG-1")
    listing = shop.one("select listing from listings where sku = 'MUG-1'")

    said = run("stock", *[word.format(connection=shop.connection.id, listing=listing) for word in words])

    assert said.code == 2
    assert named in said.why


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["places", "map", "shopify", "Main warehouse", "Nowhere"], "you have no location Nowhere"),
        (["places", "map", "shopify", "Moon", "Main"], "no place 'Moon'"),
        (["places", "map", "shopify", "Pick & Pack Partners", "Main"], "another service's"),
        (["places", "add", "Main"], "already"),
        (["places", "first", "shopify", "Nowhere"], "you have no location Nowhere"),
        (["resume", "shopify"], "not paused"),
        (["disconnect", "shopify", "--yes", "--dry-run"], "exclude each other"),
    ],
)
def test_a_place_or_location_that_is_not_there_is_named(run: Run, shop: Shop, words: list[str], named: str) -> None:
    said = run(*words)

    assert said.code in (1, 2)
    assert named in said.why


def test_an_account_is_disconnected_once_somebody_says_yes(run: Run, shop: Shop) -> None:
    for asked in (["disconnect", "shopify"], ["disconnect", "shopify", "--dry-run"]):
        assert "Accept with --yes" in run(*asked).out
    assert shop.hub.connection(shop.connection.id).state == "active"

    said = json.loads(run("disconnect", "shopify", "--yes", "--json").out)

    assert (said["id"], said["state"], said["disconnected"]) == (shop.connection.id, "disconnected", True)
    one = shop.hub.connection(shop.connection.id)
    assert (one.state, one.login, one.live_at) == ("disconnected", None, None)
    assert "disconnected already" in run("disconnect", "shopify", "--yes").why
    with shop.hub.database.read() as db:
        assert db.exec_driver_sql("select act, who from audit").all() == [("connection.disconnect", "command line")]


def test_a_channel_is_paused_and_goes_on(run: Run, shop: Shop) -> None:
    assert "is paused" in run("pause", "shopify").out
    assert "paused" in run("connect").out
    assert "goes on" in run("resume", "shopify").out


def test_the_opening_stock_is_not_taken_from_a_channel_without_the_one_answer_that_only_the_merchant_knows(run: Run, shop: Shop) -> None:
    assert "--others-taken-off" in run("stock", "opening", "shopify").why

    said = run("stock", "opening", "shopify", "--others-not", "--dry-run")
    assert (said.code, said.out) == (0, "")  # it shows 98 and two are sold: a hundred, as was counted


# ---- old orders


def test_a_backfill_is_asked_for_shown_widened_and_stopped(run: Run, shop: Shop) -> None:
    assert run("backfill", "shopify", "--status").code == 1

    asked = json.loads(run("backfill", "shopify", "--since", "2020-10-01", "--json").out)
    assert (asked["phase"], asked["since"], asked["orders"]) == ("open", "2020-09-30T10:00:00+00:00", 0)  # where that day begins first
    assert json.loads(run("backfill", "shopify", "--days", "5", "--json").out)["since"] == asked["since"]
    wider = json.loads(run("backfill", "shopify", "--since", "2020-09-01T00:00:00+0200", "--json").out)
    assert wider["since"] == "2020-08-31T22:00:00+00:00"

    shop.drain()
    said = run("backfill", "shopify", "--status")
    assert (said.code, said.out[:21], said.out[-29:]) == (0, "over: 0 orders kept, ", "back to 2020-08-31 22:00 UTC\n")

    run("backfill", "shopify")
    assert "stopped by hand" in run("backfill", "shopify", "--stop").out


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--since", "yesterday"], "--since"),
        (["--since", "2026-10-01", "--days", "3"], "not both"),
        (["--dry-run", "--status"], "exclude"),
        (["--days", "0"], "--days"),
    ],
)
def test_a_backfill_that_cannot_be_meant_is_refused_in_a_line(run: Run, shop: Shop, words: list[str], named: str) -> None:
    said = run("backfill", "shopify", *words)

    assert (said.code, named in said.why) == (2, True)


def test_a_dry_run_says_how_far_back_the_channel_lets_us_read_and_asks_for_nothing(
    run: Run, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.simulator.state["scopes"].remove("read_all_orders")
    monkeypatch.setattr(cli, "_hub", lambda settings: shop.hub)  # its channel is the simulator

    said = run("backfill", "shopify", "--dry-run")

    assert said.code == 0
    assert "only the last 60 days came: the app lacks read_all_orders" in said.out
    assert "2 stretches of 30 days" in said.out
    assert shop.rows("select * from backfills") == []


def test_a_run_is_followed_until_it_is_over(run: Run, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "_hub", lambda settings: shop.hub)
    looks: list[float] = []
    shop.hub.pause = lambda seconds: (looks.append(seconds), shop.drain())[0]

    said = run("backfill", "shopify", "--days", "90", "--follow")

    assert said.out.startswith("over: ")
    assert len(looks) == 1


# ---- backup


def test_a_backup_is_restored_into_another_home(run: Run, shop: Shop, home: Path) -> None:
    made = run("backup", str(home / "all.backup"), "--json")
    other = str(home / "other")
    would = run("--home", other, "restore", str(home / "all.backup"), "--dry-run")
    assert not (home / "other").exists()
    done = run("--home", other, "restore", str(home / "all.backup"), "--json")
    again = run("--home", other, "restore", str(home / "all.backup"))

    assert (made.code, would.code, done.code, again.code) == (0, 0, 0, 2)
    assert json.loads(made.out)["tables"]["orders"]["rows"] == 1
    assert json.loads(done.out)["keys_put"]
    assert "is not empty" in again.why
    assert json.loads(run("--home", other, "orders", "--json").out) == json.loads(run("orders", "--json").out)


def test_a_backup_that_is_none_is_one_line(run: Run, home: Path) -> None:
    (home / "x").write_text("something else")

    assert "is not a backup" in run("--home", str(home / "other"), "restore", str(home / "x")).why
    assert "No such file" in run("--home", str(home / "other"), "restore", str(home / "nowhere")).why
    assert "is not overwritten" in run("backup", str(home / "x")).why


# ---- the doctor

OUTLIVED = "update tasks set state = 'running', lease_until = :now - 70000000 where id = (select max(id) from tasks)"
AT_REST = (
    "update skus set quota = true",
    "update connections set live_at = 0",
    "delete from pushes",
    "delete from tasks where kind = 'publish_stock'",
    "update listings set writable = null, shown = 1, shown_at = 1, told = changed, accepted_at = null, raise_from = null, problem = null",
)
A_POSTING = """insert into postings (merchant, entry, n, kind, day, account, connection, gateway, item, currency, amount)
  select id, 1, 0, 'sale', '2026-11-01', 'clearing', 'c', 'g', 'c/1', 'USD', 100 from merchants"""
FAULTS: dict[str, tuple[str, ...]] = {
    "every entry of the books balances": (A_POSTING,),
    "what stands open in clearing is the sum of its postings": (
        """insert into items (merchant, connection, gateway, currency, item, open, since, last)
           select id, 'c', 'g', 'USD', 'c/1', 100, '2026-11-01', '2026-11-01' from merchants""",
    ),
    "every document that a ledger shall have has a task": (
        """insert into documents (id, merchant, connection, source, kind, number, day, currency, total, doc, state, wanted_at)
           select 'd', id, 'c', 's', 'journal', 'CD-1', '2026-11-01', 'USD', 100, '', 'wanted', 1 from merchants""",
    ),
    "every order is here once": (
        "create table copies as select * from orders",
        "insert into copies select * from orders",
        "drop table orders",
        "alter table copies rename to orders",
    ),
    "reserved units are the sum of reservations": ("update levels set reserved = reserved + 1",),
    "on hand is the sum of movements": ("update levels set on_hand = on_hand + 1",),
    "damaged units are the sum of movements": ("update levels set damaged = damaged + 1",),
    "what left and came of deliveries is the sum of movements": (
        """insert into inbounds (id, merchant, kind, state, location, created_at, who, name)
           select 'i', id, 'purchase', 'sent', 'x', 1, '', '' from merchants""",
        "insert into inbound_lines (merchant, inbound, sku, units, received) select id, 'i', 'A', 2, 1 from merchants",
    ),
    "nothing is promised that is not there": ("pragma ignore_check_constraints = on", "update levels set on_hand = reserved - 1"),
    "what a line holds is reserved": ("delete from reservations",),
    "in quota no more may be sold than there is": (*AT_REST, "update listings set holds = 1000000, share = 0"),
    "no part in quota is more than its listing may show": (*AT_REST, "update listings set holds = 0, share = 5, cap = 4"),
    "a copy or a merged order holds nothing": ("update orders set merged_into = connection || '/' || channel_id",),
    "every copy and merged order names an order that is here": ("update orders set copy_of = 'nowhere/1'",),
    "no worker holds a lease for more than a minute": (OUTLIVED,),
    "every paper that waits for a printer has a task": (
        "insert into stations (id, merchant, name, way, address, created_at) select 'p', id, 'Zebra', 'zpl', '10.0.0.5', 1 from merchants",
        """insert into print_jobs (id, merchant, station, kind, format, body, state, who, asked_at)
           select 'j', id, 'p', 'label', 'zpl', 'sealed', 'waiting', '', 1 from merchants""",
    ),
    "no paper of a printer that is gone waits": (
        """insert into tasks (merchant, connection, kind, subject, queue, state, due_at, asked_at)
           select id, '', 'print_papers', 'gone', 'outside', 'due', :now, :now from merchants""",
        """insert into print_jobs (id, merchant, station, kind, format, body, state, who, asked_at)
           select 'j', id, 'gone', 'label', 'zpl', 'sealed', 'waiting', '', 1 from merchants""",
    ),
    "a tote holds what has not left": (
        """insert into shipments (id, merchant, order_id, number, name, location, state, created_at, tote)
           select 't', id, 'o', 3, 'S3', 'x', 'sent', 1, 'T-1' from merchants""",
    ),
    "what is due is done within ten minutes": (
        "update tasks set state = 'due', due_at = :now - 700000000 where id = (select max(id) from tasks)",
    ),
    "every backfill on its way has a task": (
        "insert into backfills (merchant, connection, since, until, phase, begun_at) select merchant, id, 0, 1, 'open', 1 from connections",
    ),
    "every notice that waits has a task": ("delete from tasks where kind = 'take_orders'",),
    "every order has its lines' books": ("delete from order_lines",),
    "open shipments hold what their orders say that they hold": ("update order_lines set released = 1",),
    "whoever is asked to send a shipment is asked for what it holds": (
        """insert into shipments (id, merchant, order_id, number, name, location, state, created_at, way)
           select 'r', id, 'o', 2, 'S2', 'x', 'released', 1, 'request' from merchants""",
        """insert into shipment_lines (merchant, shipment, line, units, parts, title) select id, 'r', '1', 1, '{}', '' from merchants""",
    ),
    "what left in shipments left once": ("update order_lines set sent = 1",),
    "what goes once more is reserved until it left": (
        """insert into shipments (id, merchant, order_id, number, name, location, state, created_at, again)
           select 's', id, 'o', 1, 'S1', 'x', 'released', 1, 'lost' from merchants""",
    ),
    "who goes in another's parcel goes with it": (
        """insert into shipments (id, merchant, order_id, number, name, location, state, created_at, goes_with)
           select 's', id, 'o', 1, 'S1', 'x', 'released', 1, 'nobody' from merchants""",
    ),
    "a parcel has at most one live label, and its shipment knows it": (
        "insert into parcels (id, merchant, shipment, number, token, purchase) select 'p', id, 's', 1, 't', 'nobody' from merchants",
    ),
    "no payment is captured twice": (
        """insert into captures (id, merchant, order_id, amount, currency, state, asked_at)
           select 'c' || n, id, 'o', 1, 'USD', 'done', 1 from merchants cross join (select 1 as n union select 2) twice""",
    ),
    "what left authorized is captured, or somebody is told why not": (
        """insert into captures (id, merchant, order_id, amount, currency, state, asked_at)
           select 'c', merchant, id, 1, 'USD', 'wanted', 1 from orders limit 1""",
    ),
    "a shipment with a label that is not wanted is being taken apart": (
        """insert into shipments (id, merchant, order_id, number, name, location, state, created_at)
           select 's', id, 'o', 1, 'S1', 'x', 'cancelled', 1 from merchants""",
        """insert into purchases (id, merchant, shipment, connection, service, state, wish, asked_at)
           select 'u', id, 's', 'c', 'x', 'bought', '', 1 from merchants""",
    ),
}


def plant(db: Connection, statements: tuple[str, ...], now: int) -> None:
    for statement in statements:
        db.execute(text(statement), {"now": now} if ":now" in statement else {})


def test_the_doctor_finds_nothing_in_a_sound_house(run: Run, shop: Shop) -> None:
    found = run("doctor", "--json")

    assert found.code == 0
    assert [one["name"] for one in json.loads(found.out)] == [check.name for check in CHECKS]
    assert [one for one in json.loads(found.out) if not one["ok"]] == []


def test_what_is_printed_on_release_is_set_tried_and_taken_back(run: Run, shop: Shop, home: Path) -> None:
    shop.hub.database.close()
    assert run("printers", "add", "Office", "10.0.0.9", "--way", "ipp").code == 0
    rules = home / "rules.json"
    rules.write_text(json.dumps([{"program": "PRIME", "buy": "best"}, {"slip": "Office"}]))

    tried = json.loads(run("printers", "rules", "--set", str(rules), "--try", "--json").out)
    assert [one["rule"] for one in tried] == [2] * len(tried) and tried
    assert json.loads(run("printers", "rules", "--json").out) == []
    assert [one["slip"] for one in json.loads(run("printers", "rules", "--set", str(rules), "--json").out)] == ["", "Office"]
    assert json.loads(run("printers", "rules", "--undo", "--json").out) == []
    assert "nothing to take back" in run("printers", "rules", "--undo").err
    rules.write_text('[{"colour": "red"}]')
    assert "JSON list of objects" in run("printers", "rules", "--set", str(rules)).err
    assert run("printers", "retry", "Office").code == 0 and "there is no Zebra" in run("printers", "retry", "Zebra").err


def test_a_tote_that_nothing_lies_in_is_free(run: Run, shop: Shop) -> None:
    shop.hub.database.close()

    assert run("shipments", "tote", "T-1").out.strip() == "it is free"
    assert "that tote is empty" in run("shipments", "tote", "T-1", "--free").err
    assert "there is no S9" in run("shipments", "tote", "T-1", "S9").err


def test_every_check_of_the_doctor_has_a_fault_here() -> None:
    assert set(FAULTS) == {check.name for check in CHECKS}


@pytest.mark.parametrize("name", FAULTS)
def test_the_doctor_finds_a_planted_fault_and_says_what_to_do(run: Run, shop: Shop, name: str) -> None:
    with shop.hub.database.write() as db:
        plant(db, FAULTS[name], time.time_ns() // 1000)
    shop.hub.database.close()

    found = run("doctor", "--json")
    seen = run("doctor")

    broken: dict[str, Any] = {one["name"]: one for one in json.loads(found.out) if not one["ok"]}
    assert (found.code, seen.code) == (1, 1)
    assert broken[name]["broken"] >= 1
    assert broken[name]["next_step"]
    assert "BROKEN" in seen.out


# ---- who may sign in


def test_somebody_is_let_in_by_a_link_that_sets_their_password_once(run: Run, shop: Shop) -> None:
    said = run("user", "add", " Ada@Staff.example", "--name", "Ada", "--role", "manager")
    [link] = said.out.splitlines()
    token = link.rpartition("/")[2]

    assert link.startswith("http://127.0.0.1:8400/password/")
    assert run("user", "add", "ada@staff.example").why.startswith("crossdock: user add: they work for this merchant already")
    assert people.redeem(shop.hub, token, PASSWORD) is None
    assert people.redeem(shop.hub, token, PASSWORD) == people.Problem.GONE
    assert json.loads(run("user", "list", "--json").out)[0]["role"] == "manager"
    assert "ada@staff.example" in run("user", "list").out


def test_a_password_is_read_from_standard_input_and_never_printed(run: Run, shop: Shop) -> None:
    said = run("user", "add", "ada@staff.example", "--ask", stdin=f"{PASSWORD}\n".encode())

    assert (said.code, PASSWORD in said.out + said.err) == (0, False)
    assert (
        run("user", "password", "ada@staff.example", "--ask", stdin=b"short\n").why
        == "crossdock: user: a password needs at least 10 characters"
    )
    user = people.find(shop.hub, "ada@staff.example")
    assert user
    assert passwords.fits(PASSWORD, user.password)


def test_whoever_forgot_password_and_telephone_gets_a_link_and_signs_in_without_a_code(run: Run, shop: Shop) -> None:
    run("user", "add", "ada@staff.example", "--ask", stdin=f"{PASSWORD}\n".encode())
    with shop.hub.database.write() as db:
        db.execute(text("update users set totp = 'sealed'"))

    said = run("user", "password", "ada@staff.example", "--without-code")

    assert "/password/" in said.out
    assert shop.one("select totp from users") is None
    assert shop.rows("select act from audit order by id desc limit 1") == [("user.code_off",)]


def test_roles_are_given_and_people_shut_out_and_let_in_again(run: Run, shop: Shop) -> None:
    run("user", "add", "olive@staff.example")
    run("user", "add", "ada@staff.example", "--role", "viewer")

    assert run("user", "role", "olive@staff.example", "viewer").why == (
        "crossdock: user role: the last owner stays: make somebody else an owner first"
    )
    assert run("user", "role", "ada@staff.example", "owner").out == "ada@staff.example: owner\n"
    assert run("user", "disable", "olive@staff.example").out == "olive@staff.example is shut out\n"
    assert "not: disabled" in run("user", "list").out
    assert run("user", "disable", "olive@staff.example", "--undo").code == 0
    assert "not: disabled" not in run("user", "list").out
    for words in (("role", "x@staff.example", "owner"), ("disable", "x@staff.example"), ("password", "x@staff.example")):
        assert run("user", *words).why == "crossdock: there is no user x@staff.example: crossdock user list"
    assert run("user", "add", "x").why == "crossdock: user add: that is not an e-mail address"
    assert run("user", "add", "x@staff.example", "--role", "king").code == 2


def test_a_house_without_a_merchant_gets_its_first_with_its_owner(run: Run, home: Path) -> None:
    assert "connect" in run("user", "add", "ada@staff.example").why
    assert run("user", "add", "ada@staff.example", "--merchant-name", "North Sea Trading").code == 0

    [one] = json.loads(run("user", "list", "--json").out)
    assert (one["merchant_name"], one["role"], one["has_password"]) == ("North Sea Trading", "owner", False)


def test_while_nobody_can_sign_in_whoever_starts_it_is_told_how_the_first_owner_is_made(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    processes._tell_the_first(shop.settings)
    told = capsys.readouterr().err
    people.add(shop.hub, shop.merchant, "ada@staff.example", "Ada", Role.OWNER)
    processes._tell_the_first(shop.settings)

    assert f"https://hub.example/setup/{people.setup_token(shop.hub)}" in told
    assert capsys.readouterr().err == ""


def test_the_rehearsals_owner_signs_in_with_the_password_that_it_prints_each_time(shop: Shop) -> None:
    merchant = connections.Merchant(shop.merchant, "", "")

    first, again = demo._owner(shop.hub, merchant), demo._owner(shop.hub, merchant)
    user = people.find(shop.hub, demo.OWNER)
    assert user
    people.set_password(shop.hub, user, PASSWORD, people.COMMAND_LINE)
    after = demo._owner(shop.hub, merchant)

    user = people.find(shop.hub, demo.OWNER)
    assert first == again == after
    assert user
    assert passwords.fits(first, user.password)


def test_two_rehearsals_never_take_one_port_though_neither_listens_yet() -> None:
    with demo.a_port(0) as first:
        with demo.a_port(first) as second:
            assert second not in (0, first)
        with socket.socket() as server:
            server.bind((demo.HERE, first))  # its own server may
    with demo.a_port(first) as again:
        assert again == first


def test_a_second_rehearsal_in_one_home_is_told_what_to_do(tmp_path: Path) -> None:
    with demo.alone(tmp_path / "home"):
        with pytest.raises(demo.Failed, match="--home DIR"), demo.alone(tmp_path / "home"):
            pass
        with demo.alone(tmp_path / "other"):
            pass
    with demo.alone(tmp_path / "home"):
        pass


# ---- as a process


def crossdock(*words: str, home: Path, **more: Any) -> "subprocess.CompletedProcess[bytes]":
    environ = {"PATH": os.environ["PATH"], "CROSSDOCK_HOME": str(home)}
    return subprocess.run([sys.executable, "-m", "config.cli", *words], cwd=ROOT, env=environ, capture_output=True, check=False, **more)


def test_as_a_process_it_reads_standard_input_and_exits_with_the_same_codes(tmp_path: Path) -> None:
    good = crossdock("normalize", "shopify", "-", home=tmp_path, input=(EXAMPLES / "plain.in.json").read_bytes())
    bad = crossdock("normalize", "shopify", "-", home=tmp_path, input=b"{}")
    usage = crossdock("orders", "--nope", home=tmp_path)

    assert [said.returncode for said in (good, bad, usage)] == [0, 2, 2]
    assert [len(said.stderr.splitlines()) for said in (good, bad, usage)] == [0, 1, 1]
    assert json.loads(good.stdout)["number"] == "5600000001001"


# ---- findings


def test_findings_are_listed_with_their_evidence_and_how_they_ended(run: Run, shop: Shop) -> None:
    now = shop.hub.now
    rows = [
        Finding(shop.connection.id, "day", "2026-11-20", "12 orders", "11 orders", now),
        Finding(shop.connection.id, "order", "1001", "changed there", "nothing told us of it", now, now - 480_000_000, now, "repaired"),
    ]
    with shop.hub.database.write() as db:
        findings.keep(db, shop.merchant, shop.connection.id, rows)

    said = run("findings", "--json")
    document = json.loads(said.out)
    assert said.code == 1
    assert [(one["what"], one["how"], one["unknown_s"]) for one in document["findings"]] == [
        ("order", "repaired", 480),
        ("day", None, None),
    ]
    assert document["missed"] == {"days": 7, "orders": 1, "p50_s": 480, "max_s": 480}
    assert run("reconcile", "--history", "--json").out == said.out
    plain = run("findings").out
    assert "12 orders" in plain
    assert "480 s p50" in plain

    with shop.hub.database.write() as db:
        findings.close(db, shop.connection.id, "day", ["2026-11-20"], "gone by itself", now)
    assert (run("findings").code, run("findings", "--open", "--json").code) == (0, 0)


# ---- keys and webhooks


def test_a_key_is_made_listed_and_revoked(run: Run, shop: Shop) -> None:
    key = run("key", "add", "till", "--scope", "orders.read", "--scope", "stock.read", "--days", "30").out.strip()
    [listed] = json.loads(run("key", "list", "--json").out)

    assert Client(shop.app).get("/api/v1/orders", headers={"Authorization": f"Bearer {key}"}).status_code == 200
    assert (listed["name"], listed["tail"], listed["scopes"], listed["holds"]) == ("till", key[-4:], ["orders.read", "stock.read"], True)
    assert key not in run("key", "list").out
    assert run("key", "revoke", listed["id"]).code == 0
    assert json.loads(run("key", "list", "--json").out)[0]["holds"] is False
    assert run("key", "revoke", listed["id"]).code == 2


@pytest.mark.parametrize(
    "words", [["key", "add", "till"], ["key", "add", "till", "--scope", "all"], ["key", "add", "", "--scope", "orders.read"]]
)
def test_a_key_that_cannot_be_made_is_one_line_and_exit_2(run: Run, shop: Shop, words: list[str]) -> None:
    assert run(*words).code == 2
    assert shop.one("select count(*) from api_keys") == 0


def test_a_webhook_is_added_and_looked_after(run: Run, shop: Shop) -> None:
    id, secret = run("hook", "add", "https://till.example/in", "--type", "order.taken").out.split()

    assert secret.startswith("whsec_")
    assert run("hook", "secret", id).out.startswith("whsec_")
    for words, state in ((("pause", id), "paused"), (("resume", id), "active"), (("test", id), "active")):
        assert run("hook", *words).code == 0
        assert json.loads(run("hook", "list", "--json").out)[0]["state"] == state
    assert "https://till.example/in" in run("hook", "list").out
    assert {subject for (subject,) in shop.rows("select subject from tasks where kind = 'send_hooks'")} == {id, f"{id}/test"}
    assert json.loads(run("hook", "log", id, "--json").out) == []
    assert run("hook", "resend", id, "999999").code == 2
    assert run("hook", "remove", id).code == 0
    assert run("hook", "remove", id).code == 2


@pytest.mark.parametrize("url", ["http://till.example/", "https://127.0.0.1/", "https://169.254.169.254/latest/meta-data", "till.example"])
def test_an_address_that_is_not_public_or_not_https_is_one_line_and_exit_2(run: Run, shop: Shop, url: str) -> None:
    said = run("hook", "add", url)

    assert (said.code, shop.one("select count(*) from hooks")) == (2, 0)
    assert said.why.startswith("crossdock: hook add: ")


@pytest.fixture
def sites(shop: Shop) -> Shop:
    """Two locations that send: Main, where A is reserved, and Lyon."""
    with shop.hub.unit() as work:
        stock.add_location(work.db, shop.merchant, "lyon", "Lyon", rank=1)
        sql_run(work.db, "update locations set ships = true")
        stock.count(work.db, shop.merchant, [{"sku": "A", "title": "A", "location": "lyon", "on_hand": 5}], work.now)
    return shop


def test_from_where_orders_leave_is_said_shown_and_explained(run: Run, sites: Shop, home: Path) -> None:
    (home / "zones.csv").write_text("location,country,prefix,zone,cost\nLyon,US,,1,4.90\n", "utf-8")
    number = sites.one("select channel_id from orders")

    said = run("stock", "routing", "--by", "nearest,ranked", "--currency", "eur", "--zones", str(home / "zones.csv"))
    run("stock", "routing", "--never", "Main", "-", "-")
    tried = json.loads(run("orders", "route", number, "--dry-run", "--json").out)["decision"]
    before = sites.one("select location from reservations")
    done = run("orders", "route", number)

    assert (said.code, done.code) == (0, 0)
    assert "4.90" in said.out
    assert [sum(lines.values()) for at, lines in tried["sends"].items() if at == "lyon"] == [2]
    assert (before == "lyon", sites.one("select location from reservations")) == (False, "lyon")
    assert "Lyon" in done.out
    assert sites.one("select act from audit order by id desc limit 1") == "settings.routing"


def test_when_a_location_sends_is_said_and_shown(run: Run, sites: Shop) -> None:
    words = ("--days", "mon,Friday", "--cutoff", "15:30", "--capacity", "40", "--holidays", "2026-12-25")
    said = run("stock", "hours", "Lyon", *words)
    assert said.out == "sends on mon, fri, the same day until 15:30; 40 parcels a day\nnot on 2026-12-25\n"
    kept = json.loads(run("stock", "hours", "Lyon", "--capacity", "-", "--json").out)
    assert kept == {"week": [0, 4], "holidays": ["2026-12-25"], "cutoff": "15:30:00", "capacity": None}

    for wrong in (("--days", "someday"), ("--cutoff", "25:00"), ("--capacity", "0"), ("--holidays", "Christmas")):
        assert run("stock", "hours", "Lyon", *wrong).code == 2
    assert json.loads(run("stock", "hours", "Lyon", "--json").out) == kept


def test_it_is_said_of_an_order_whether_it_is_sent_whole(run: Run, sites: Shop) -> None:
    number = sites.one("select channel_id from orders")

    assert run("orders", "parts", number, "--whole").out == "it leaves whole\n"
    assert sites.one("select parts from orders") == "whole"
    assert run("orders", "parts", number, "--as-ruled").code == 0
    assert sites.one("select parts from orders") is None
    assert run("orders", "parts", number).code == 2
    assert run("orders", "parts", "nobody", "--parts").code == 2


def test_who_never_sends_where_is_said_and_taken_back(run: Run, sites: Shop) -> None:
    assert "decided together" in run("stock", "routing", "--batch").out
    run("stock", "routing", "--alone")
    run("stock", "routing", "--never", "Lyon", "-", "CH", "--whole")
    kept = json.loads(run("stock", "routing", "--json").out)
    run("stock", "routing", "--again", "Lyon", "-", "CH", "--split")

    assert (kept["never"], kept["split"]) == ([{"location": "lyon", "sku": "", "country": "CH"}], False)
    assert json.loads(run("stock", "routing", "--json").out)["never"] == []


@pytest.mark.parametrize(
    ("row", "words", "why"),
    [
        ("Nice,FR,,1,", [], "there is no location Nice"),
        ("Lyon,FR,,10,", [], "a zone is a number from 1 to 9"),
        ("Lyon,FR,,1,4.90", [], "say first in which currency"),
        ("Lyon,FR,,1,4.999", ["--currency", "EUR"], "4.999 is no cost"),
        ("Lyon,France,,1,", [], "a country is two large letters"),
        ("Lyon,FR,,1,", ["--by", "luck"], "--by is of fewest"),
        ("Lyon,FR,,1,", ["--by", "ranked,ranked"], "named twice"),
        ("Lyon,FR,,1,", ["--currency", "euros"], "three letters"),
    ],
)
def test_rules_that_cannot_be_are_refused_with_the_reason(run: Run, sites: Shop, home: Path, row: str, words: list[str], why: str) -> None:
    (home / "zones.csv").write_text(f"location,country,prefix,zone,cost\n{row}\n", "utf-8")

    said = run("stock", "routing", "--zones", str(home / "zones.csv"), *words)

    assert said.code != 0
    assert why in said.err


def test_an_order_is_cancelled_once_and_that_is_taken_back(run: Run, shop: Shop) -> None:
    order = str(shop.one("select channel_id from orders"))

    assert run("orders", "cancel", order, "--reason", "stock", "--no-restock").out == "its channel is told\n"
    assert run("orders", "cancel", order, "--reason", "fraud").code == 0
    assert [tuple(row) for row in shop.rows("select reason, restock, name from callings_off")] == [("stock", 0, "command line")]
    assert run("orders", "cancel", order, "--take-back").out == "taken back\n"
    assert shop.one("select state from callings_off") == "withdrawn"


def test_a_payment_is_captured_once_from_the_command_line(run: Run, shop: Shop) -> None:
    order = str(shop.one("select channel_id from orders"))
    assert run("orders", "capture", order).why == "crossdock: orders capture: Nothing of it is authorized"

    with shop.hub.database.write() as db:
        db.execute(text("""update orders set doc = replace(doc, '"payment_status":"paid"', '"payment_status":"authorized"')"""))

    assert [run("orders", "capture", order).out for _ in range(2)] == ["its channel is told\n"] * 2
    assert shop.rows("select state from captures") == [("wanted",)]
    assert shop.one("select count(*) from tasks where kind = 'capture_payments'") == 1


def test_what_cannot_be_cancelled_or_answered_is_said_in_a_line(run: Run, shop: Shop) -> None:
    order = str(shop.one("select channel_id from orders"))

    assert "does not wish to cancel" in run("orders", "answer", order, "--agree").why
    assert "say --agree or --ship" in run("orders", "answer", order).why
    assert "--take-back" in run("orders", "cancel", order).why
    assert "no such order" in run("orders", "cancel", "4711-0", "--reason", "other").why
    assert shop.rows("select 1 from callings_off") == []


# ---- files of the books


DAY_RATES = "day,currency,base,rate\n2026-11-20,EUR,USD,1.0865\n"
COSTS = "sku,cost,currency\nA,2.50,USD\n"
BILL = "number,date,what,amount,currency\nB-1,2026-11-20,other,4.20,USD\n"


def file_of(tmp_path: Path, text_: str) -> str:
    (tmp_path / "some.csv").write_text(text_)
    return str(tmp_path / "some.csv")


@pytest.mark.parametrize(
    ("words", "good", "said", "bad", "why"),
    [
        (["rates"], DAY_RATES, "1 rates are kept", DAY_RATES.replace("1.0865", "much"), "line 2"),
        (["costs"], COSTS, "A: - -> 2.50 USD\n1 costs changed", COSTS.replace("2.50", "much"), "line 2: cost"),
        (["carrier-bill", "--carrier", "UPS"], BILL, "B-1: 4.20 USD, 0 labels", BILL.replace("other", "gift"), "line 2: what"),
    ],
    ids=["rates", "costs", "carrier-bill"],
)
def test_a_file_of_the_books_is_taken_or_refused_with_its_line(run, shop, tmp_path, words, good, said, bad, why):
    assert run("books", "begin", "2026-11-01").code == 0
    name, *more = words

    done, refused = run("books", name, file_of(tmp_path, good), *more), run("books", name, file_of(tmp_path, bad), *more)

    assert (done.code, said in done.out) == (0, True), done
    assert refused.code != 0 and why in refused.why


@pytest.mark.parametrize(
    ("words", "text_", "told"),
    [
        (["costs"], COSTS, {"costs": [{"sku": "A", "cost": "2.50", "currency": "USD", "was": None}]}),
        (["carrier-bill", "--carrier", "UPS"], BILL, {"total": "4.20"}),
    ],
    ids=["costs", "carrier-bill"],
)
def test_a_file_of_the_books_is_told_as_json_and_only_looked_at(run, shop, tmp_path, words, text_, told):
    assert run("books", "begin", "2026-11-01").code == 0
    name, *more = words

    found = [json.loads(run("books", name, file_of(tmp_path, text_), *more, "--dry-run", "--json").out) for _ in range(2)]

    assert found[0] == found[1] and found[0]["dry_run"] is True  # the first look kept nothing
    assert told.items() <= found[0].items() or told.items() <= found[0]["bills"][0].items()


def test_the_days_rates_are_told_as_json(run, shop, tmp_path):
    said = run("books", "rates", file_of(tmp_path, DAY_RATES), "--json")

    assert json.loads(said.out) == {"rates": [{"day": "2026-11-20", "currency": "EUR", "base": "USD", "rate": "1.0865"}]}
    assert shop.rows("select currency, rate from day_rates") == [("EUR", "1.0865")]


PAYOUTS = """payout,date,amount,currency,order,gross,fee,net,kind,reference
PO-1,2026-11-20,,USD,#1001,20,0.90,,sale,T-1
PO-1,2026-11-20,,USD,,,1.10,,fee,T-2
PO-2,2026-11-21,,USD,#9999,5,0,,sale,T-3
"""


@pytest.fixture
def bring(run, shop, tmp_path):
    """bring("--json") is what `crossdock books import-payouts` does with a file of PayPal's, which took money of buyers before."""
    assert run("books", "begin", "2026-11-01").code == 0
    took = """insert into items (merchant, connection, gateway, currency, item, open, since, last)
        values (:merchant, :connection, 'paypal', 'USD', 'x', 2000, '2026-11-19', '2026-11-19')"""
    with shop.hub.database.write() as db:
        db.execute(text(took), {"merchant": shop.merchant, "connection": shop.connection.id})

    def bring(*words: str, text_: str = PAYOUTS) -> Said:
        return run("books", "import-payouts", file_of(tmp_path, text_), "--connection", shop.connection.id, "--gateway", "paypal", *words)

    return bring


def test_a_gateways_payouts_are_taken_once_and_told_as_json(bring, shop):
    assert json.loads(bring("--json").out) == {"booked": ["PO-1", "PO-2"], "same": [], "others": []}
    again = bring()

    assert (again.code, again.out) == (0, "booked: []\nsame: ['PO-1', 'PO-2']\nothers: []\n")
    assert shop.rows("select channel_id, amount from payouts order by 1") == [("file:paypal:PO-1", 1800), ("file:paypal:PO-2", 500)]


def test_a_look_at_a_gateways_payouts_books_nothing_and_says_what_each_line_would_do(bring, shop):
    looks = [json.loads(bring("--dry-run", "--json").out) for _ in range(2)]

    assert looks[0] == looks[1] and shop.rows("select 1 from payouts") == []
    rows = [(row["payout"], bool(row["order"]), row["amount"]) for row in looks[0]["rows"]]
    assert rows == [("PO-1", True, "19.10 USD"), ("PO-1", False, "-1.10 USD"), ("PO-2", True, "5.00 USD")]


def test_a_line_of_a_payout_that_cannot_be_meant_is_named_and_nothing_is_booked(bring, shop):
    wrong = PAYOUTS.replace(",5,0,", ",much,0,")
    looked, taken = bring("--dry-run", "--json", text_=wrong), bring(text_=wrong)

    assert (looked.code, [one["line"] for one in json.loads(looked.out)["wrong"]]) == (1, [4])
    assert taken.code != 0 and "4" in taken.why
    assert shop.rows("select 1 from payouts") == []


def test_a_payout_that_is_booked_otherwise_is_left_until_it_is_named(bring, shop):
    assert bring().code == 0
    other = PAYOUTS.replace("#9999,5", "#9999,6")

    left = bring("--json", text_=other)
    assert (left.code, json.loads(left.out)["others"]) == (1, ["PO-2"])
    assert shop.one("select amount from payouts where channel_id = 'file:paypal:PO-2'") == 500

    done = bring("--json", "--replace", "PO-2", text_=other)
    assert (done.code, json.loads(done.out)["booked"]) == (0, ["PO-2"])
    assert shop.one("select amount from payouts where channel_id = 'file:paypal:PO-2' and state <> 'cancelled'") == 600


@pytest.mark.parametrize(("words", "why"), [(["--connection", "nobody"], "no such connection"), (["--gateway", ""], "gateway")])
def test_payouts_of_nobody_are_refused(bring, words, why):
    refused = bring(*words)

    assert refused.code != 0 and why in refused.why
