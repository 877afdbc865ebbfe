"""Whatever somebody writes into a field, an address or a form of ours stays text: on every page, in every table, in every header. There are
no PDFs yet."""

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from flask import Flask
from werkzeug.routing import Rule
from werkzeug.test import Client

from core.domain.order_csv import COLUMNS
from tests.conftest import Clock
from tests.web.hostile import ADDRESSES, MARKUP, SHEETS, TEXTS, Page, formulas
from tests.web.inside import FRAMED, SIMULATED, SOMEWHERE, on
from tests.web.programs import a_program
from tests.web.shop import Shop, open_shop
from tests.web.siege import ORDERS, Siege
from web import app as pages


@pytest.fixture
def besiege(clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Siege]]:
    monkeypatch.setattr("jwt.api_jwt.datetime", on(clock))
    shops: list[Shop] = []

    def make(database_url: str) -> Siege:
        shops.append(open_shop(database_url, tmp_path, clock, **SIMULATED))
        return Siege(shops[-1])

    yield make
    for shop in shops:
        shop.hub.database.close()


@pytest.fixture
def siege(besiege: Callable[[str], Siege], sqlite_template: Path, tmp_path: Path) -> Siege:
    (tmp_path / "house.db").write_bytes(sqlite_template.read_bytes())
    return besiege(f"sqlite:///{tmp_path / 'house.db'}")


def rooms(app: Flask) -> list[str]:
    """Every page that asks for nothing in its path."""
    found = [rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ()) and not rule.arguments]
    return sorted(rule.rule for rule in found if not rule.rule.startswith("/api/"))


# Pages of secrets and files that come once, and of channels' consents: their own tests open them.
ELSEWHERE = {"static", "consents.back", "consents.hop", "consents.leave", "connections.export", "orders.progress"}
ELSEWHERE |= {"signin.setup", "signin.invitation", "signin.password", "embedded.bounce"}
ELSEWHERE |= {
    "answer.page",
    "requests.one",
    "day_end.papers",
    "together.mates",
    "ledger.one",
    "books.payout",
    "books.payout_paper",
    "postage.bill",
}
ELSEWHERE |= {"bench.progress", "shipments.label", "shipments.paper", "shipments.offers", "track.logo", "track.sheet"}


def test_no_text_that_anybody_brings_becomes_more_than_text(siege: Siege) -> None:
    """By every channel, file and form; on every page, in every table and list, alone and inside Shopify."""
    assert len(TEXTS) >= 70
    app = pages.make_app(siege.shop.hub)
    siege.begin()
    assert siege.fill_in(rooms(app)) >= 15

    start = [*rooms(app), *too_few(siege)]
    seen = siege.walk(start, most=ORDERS)
    assert set(siege.shop.rows("select detail from tasks where state = 'parked'")) == {HALF}
    siege.write_down()
    worst = siege.walk(start, most=3)
    tables(siege)
    lists(siege, app)
    inside(siege, worst)

    assert siege.wrong == []
    assert {rule.endpoint for rule in gets(app)} - {endpoint(app, path) for path in (*seen, *worst)} <= ELSEWHERE


HALF = ("not JSON: DecodeError",)  # what stopped the orders with half of a letter, and nothing else


def test_postgresql_keeps_whatever_anybody_brings(besiege: Callable[[str], Siege], postgres_database: str) -> None:
    """It refuses texts that SQLite takes."""
    siege = besiege(postgres_database)
    siege.begin()
    siege.fill_in(rooms(pages.make_app(siege.shop.hub)))
    tables(siege)

    assert siege.wrong == []
    assert set(siege.shop.rows("select detail from tasks where state = 'parked'")) == {HALF}


def gets(app: Flask) -> Iterator[Rule]:
    return (rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ()) and not rule.rule.startswith("/api/"))


def endpoint(app: Flask, path: str) -> str:
    return str(app.url_map.bind("hub").match(path.partition("?")[0])[0])


def too_few(siege: Siege) -> list[str]:
    """Of what some of these orders sell there is too little: their pages that say so."""
    found = siege.shop.rows("select order_id from order_lines where sku like '%<%' group by order_id order by order_id limit 3")
    with siege.shop.hub.database.write() as db:
        for (order,) in found:
            db.exec_driver_sql(f"update order_lines set waits = 'stock', hold = held + 1 where order_id = '{order}'")
    assert len(found) == 3
    return [f"/orders/{order}/{page}" for (order,) in found for page in ("short", "cancel", "capture", "waiting", "address")]


def tables(siege: Siege) -> None:
    """All that spreadsheets open."""
    for path in ("/stock/export.csv", "/stock/export.csv?unmapped=1"):
        assert len(siege.ask(path).text.splitlines()) > 10
    answer = siege.owner.post("/orders/export", data={"column": list(COLUMNS), "all": "1", "back": ""})
    assert len(list(csv.reader(io.StringIO(answer.text)))) > 3 * ORDERS
    siege.judge("orders.csv", answer)


def lists(siege: Siege, app: Flask) -> None:
    """What programs are told."""
    till = a_program(siege.shop)
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/api/v1/") and "GET" in (rule.methods or ()) and not rule.arguments:
            answer = siege.judge(rule.rule, till.get(f"{rule.rule.removeprefix('/api/v1/')}"))
            assert (answer.status_code, answer.mimetype) == (200, "application/json")


def inside(siege: Siege, paths: Iterable[str]) -> None:
    """The same pages in Shopify's frame."""
    browser, simulator, answers = Client(siege.shop.app), siege.shop.simulator, Counter[int]()
    for path in paths:
        said = {"embedded": "1", "shop": simulator.account, "id_token": simulator.admin.id_token("801")}
        address = f"{path}{'&' if '?' in path else '?'}{urlencode(said)}"
        answer = siege.judge(f"inside {path[:100]}", browser.get(address, environ_overrides={**SOMEWHERE, **FRAMED}, buffered=True))
        answers[answer.status_code] += 1
    assert answers[200] > 30, answers


def test_the_lookout_sees_what_it_is_to_see() -> None:
    """Each text that is markup is seen where nothing escapes it."""
    missed = [
        words
        for words in MARKUP
        if not Page(words).wrong
        and not Page(f'<a title="{words}">').wrong
        and not Page(f"<a title='{words}'>").wrong
        and not Page(f"<a title={words}>").wrong
    ]

    assert missed == []
    assert all(Page(f'<a href="{words}">x</a>').wrong for words in ADDRESSES)
    assert all(list(formulas(f'"{words}"')) for words in SHEETS if words[0] in "=+-@\t\r\n＝＋－＠")
