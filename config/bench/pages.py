"""How fast the pages are while many orders are stored: time, statements and bytes of each, and what the list of orders touches."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from config.bench.bodies import Body
from config.bench.drain import keep_and_drain
from config.bench.stage import Shop, copy_rows, tidy
from core.store.sql import run, run_set

# A thousand orders come in by the normal way. The rest are copies of their rows under other names, an hour older each time.
NAMES = {
    "orders": ("id", "channel_id", "name"),
    "order_lines": ("order_id",),
    "order_words": ("order_id",),
    "order_tags": ("order_id",),
    "reservations": ("order_id",),
    "events": ("subject",),
}
APART, OLDER = timedelta(seconds=30), timedelta(hours=12)
MICROSECOND = timedelta(microseconds=1)
UUID = 36  # letters of an id; a copy's is longer


def fill(shop: Shop, patterns: Sequence[Body], first: int, stored: int) -> None:
    """`stored` orders of which `first` are real, one each half minute, back from now."""
    keep_and_drain(shop, patterns, first, 0)
    with shop.hub.database.write() as db:
        _spread(db, shop)
        for table, names in NAMES.items():
            copy_rows(db, table, names, stored // first)
        run(db, AGE, older=OLDER // MICROSECOND)
        _seal(db, shop)
    tidy(shop.hub.database)


PEOPLE = "select id, person from orders where person is not null and id > :after order by id limit 5000"


def _seal(db: Any, shop: Shop) -> None:
    """Each copy has its buyer's data sealed for its own row."""
    box, after, set_ = shop.hub.box(shop.merchant), "", "update orders set person = r.person from {rows} where orders.id = r.id"
    while rows := run(db, PEOPLE, after=after).fetchall():
        after = rows[-1].id
        copies = [row for row in rows if len(row.id) > UUID]
        opened = [(row.id, box.open_text(f"orders|person|{row.id[:UUID]}", row.person)) for row in copies]
        sealed = [{"id": id, "person": box.seal_text(f"orders|person|{id}", person)} for id, person in opened]
        run_set(db, set_, {"id": "text", "person": "text"}, sealed)


AGE = """
update orders set placed_at = placed_at - :older * cast(substr(id, 38) as bigint) where length(id) > 37
"""


def _spread(db: Any, shop: Shop) -> None:
    ids = [row.id for row in run(db, "select id from orders where merchant = :merchant order by id", merchant=shop.merchant)]
    rows = [{"id": id, "at": shop.hub.now - number * (APART // MICROSECOND)} for number, id in enumerate(ids)]
    run_set(db, "update orders set placed_at = r.at from {rows} where orders.id = r.id", {"id": "text", "at": "bigint"}, rows)
    _vary(db, ids)


STATES = (("open", "paid", "unfulfilled"), ("fulfilled", "paid", "fulfilled"), ("cancelled", "voided", "cancelled"))
VARIED = """
update orders set status = r.status, payment = r.payment, fulfillment = r.fulfillment from {rows} where orders.id = r.id
"""


TAGGED = """
insert into order_tags (merchant, order_id, tag) select o.merchant, r.order_id, 'gift' from {rows} join orders o on o.id = r.order_id
"""
HELD = "update orders set held_at = 1, held_why = 'other', status = 'on_hold' from {rows} where orders.id = r.order_id"


TAGGED = """
insert into order_tags (merchant, order_id, tag) select o.merchant, r.order_id, 'gift' from {rows} join orders o on o.id = r.order_id
"""
HELD = "update orders set held_at = 1, held_why = 'other', status = 'on_hold' from {rows} where orders.id = r.order_id"


def _vary(db: Any, ids: Sequence[str]) -> None:
    """Most were sent, one in twenty is cancelled; one in a hundred has a tag, one in five hundred is held."""
    chosen = [(id, STATES[2 if number % 20 == 7 else number % 10 > 1]) for number, id in enumerate(ids)]
    rows = [{"id": id, "status": one[0], "payment": one[1], "fulfillment": one[2]} for id, one in chosen]
    run_set(db, VARIED, dict.fromkeys(("id", "status", "payment", "fulfillment"), "text"), rows)
    tags = [{"order_id": id} for id in ids[::100]]
    run_set(db, TAGGED, {"order_id": "text"}, tags)
    run_set(db, HELD, {"order_id": "text"}, tags[::5])
