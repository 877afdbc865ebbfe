"""Finding orders reads no table whole, whatever is asked for together, even in a young database without statistics."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text

from core.domain.acts import Act
from core.domain.order import FulfillmentStatus, OrderStatus, PaymentStatus
from core.domain.wanted import Wanted
from core.domain.who import Who
from core.flows import desk, exporting, indexing, looking, order_page
from core.flows.desk import Wish
from core.store import order_list, order_sieves, words
from tests.conftest import House
from tests.store.test_plans import GROWING, plan, statements

pytestmark = pytest.mark.usefixtures("young")
WHOLE = {
    "sqlite": r"SCAN (?:[aceg-qt-z]|orders|order_\w+|inbox|listings|pushes|tasks|events)\b[^\n]*",  # f, r and s are sets of our own
    "postgresql": rf"Seq Scan on (?:{GROWING}|order_\w+|locations|places|connections)\b|Hash Join|Merge Join",
}
ME = Who("user-1", "Ann")
ASKED = (
    {}, {"status": OrderStatus.OPEN}, {"payment": PaymentStatus.UNPAID}, {"fulfillment": FulfillmentStatus.UNFULFILLED}, {"held": True},
    {"connection": "c"}, {"channel": "bogus"}, {"tag": "vip"}, {"location": "l"}, {"attention": True}, {"said": "ada smith-x #1001"},
    {"payment": PaymentStatus.PAID}, {"since": 5, "until": 9}, {"said": "1001", "held": True, "attention": True, "location": "l"},
    {"status": OrderStatus.OPEN, "payment": PaymentStatus.PAID, "connection": "c", "channel": "bogus", "tag": "vip", "attention": True},
)  # fmt: skip


def found(house: House, act: Callable[[], Any]) -> list[str]:
    """What the statements of this read whole; small tables of a merchant's settings may be."""
    with statements(house.hub.database) as seen:
        act()
    database, hits = house.hub.database, []
    for statement, values in seen.items():
        if re.match(r"\s*(select|insert|update|delete|with)", statement) and "budgets" not in statement:
            said = plan(database, statement, values)
            hits += [f"{' '.join(statement.split())[:90]}: {hit}" for hit in re.findall(WHOLE[database.engine.dialect.name], said)]
    return [hit for hit in hits if not re.search(r"Scan on (connections|locations|places)|SCAN c\b", hit)]


@pytest.mark.parametrize("few", [0, 2_000], ids=["many", "few"])
def test_the_list_in_all_its_ways(house: House, monkeypatch: pytest.MonkeyPatch, few: int) -> None:
    """Where each filter lets many through, and where it lets few."""
    house.shelve(A=9)
    house.bogus.sell({"A": 1}, ship_to={"name": "Ada Smith", "street1": "1", "city": "P", "postcode": "1", "country": "DE"})
    house.clock.pass_(timedelta(minutes=5))
    house.poll()
    monkeypatch.setattr(order_sieves, "FEW", few)
    monkeypatch.setattr(order_list, "WALK", 1)

    def look(wanted: Wanted) -> None:
        with house.hub.database.read() as db:
            looking.look(house.hub, db, house.merchant.id, wanted)
            looking.look(house.hub, db, house.merchant.id, wanted, back=True)
            looking.everything(house.hub, db, house.merchant.id, wanted)

    wishes = [replace(Wanted(buyers=True), **different) for different in ASKED]
    assert [hit for wanted in wishes for hit in found(house, partial(look, wanted))] == []


def test_one_order_and_what_is_done_to_many(house: House) -> None:
    house.shelve(A=9)
    house.bogus.sell({"A": 1})
    house.clock.pass_(timedelta(minutes=5))
    house.poll()
    with house.hub.database.read() as db:
        [one] = db.execute(text("select id from orders")).scalars()

    def work() -> None:
        for act, detail in ((Act.HOLD, "other"), (Act.RELEASE, ""), (Act.TAG, "vip"), (Act.UNTAG, "vip"), (Act.NOTE, "")):
            deed = desk.act(house.hub, house.merchant.id, ME, Wish(house.hub.ids(), act, [one], detail, "hello"))
            desk.undo(house.hub, house.merchant.id, ME, deed.id, house.hub.ids())
        with house.hub.database.read() as db:
            order_page.whole(house.hub, db, house.merchant.id, one, buyers=True)
            order_list.choices(db, house.merchant.id)
        order_page.raw_of(house.hub, house.merchant.id, one, ME)
        list(exporting.export(house.hub, house.merchant.id, ME, exporting.Export(Wanted(), [one], ["number"], "UTC", bom=False)))
        with house.hub.database.write() as db:
            words.forget(db, house.merchant.id, [one])
        with house.hub.unit() as unit:
            indexing.ask_indexing(unit)
            unit.ask(house.merchant.id, "index_orders", "again")
        house.drain()

    assert found(house, work) == []


def test_a_list_that_reads_all_would_be_found(house: House) -> None:
    def careless() -> None:
        with house.hub.database.read() as db:
            db.execute(text("select id from orders o where name || '' = '1'")).all()

    assert found(house, careless) != []
