"""The books: how long entries take to be derived and saved, a large payout to be booked and matched, a month to be certified."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from config.bench import child
from config.bench.bodies import Body
from config.bench.measure import Statements, timed
from config.bench.pace import Pace
from config.bench.rows import Row, row
from config.bench.stage import Shop, Stores, open_shop, tidy
from core import jobs
from core.domain.journal import due
from core.domain.money import Money
from core.domain.order import Charge, Line, Order, PaymentStatus, Shipping, Tax, TaxMode
from core.domain.order_entries import Rules, entries_of
from core.domain.payouts import Leaf, Movement, Occasion, Paid, Part, Payout
from core.domain.who import HUB
from core.flows import books
from core.store import journal, payouts

FIRST = date(2026, 11, 1)
AT = datetime(2026, 11, 2, 9, tzinfo=UTC)
RULES = Rules(FIRST, UTC, "shopify_payments", own=True)
SET = 200  # orders of a set, as the worker takes them


def measured(stores: Stores, pace: Pace, patterns: Sequence[Body]) -> Iterator[Row]:
    for store in stores.names:
        home = stores.folder / f"books-{store}"
        shop = open_shop(stores.new(store), home, set())
        try:
            books.begin(shop.hub, shop.merchant, FIRST, HUB)
            yield _derived(shop, store, pace)
            yield _paid_out(shop, store, pace)
            yield from _certified(shop, store, pace, home)
        finally:
            shop.close()


def an_order(connection: str, n: int) -> Order:
    """Three lines, shipping and tax; paid."""
    lines = tuple(
        Line(f"{n}-{k}", f"L{k}", f"SKU-{k}", "Goods", 1, Charge(Money(1000 + k, "USD"), (), (Tax("tax", Money(80, "USD"), False),)))
        for k in range(3)
    )
    sent = (Shipping("s", "Standard", Charge(Money(500, "USD"))),)
    order = Order(
        "bench", connection, f"B-{n}", f"#{n}", AT, AT + timedelta(minutes=n % 20_000), "USD", Money(0, "USD"), TaxMode.EXCLUSIVE, lines,
        PaymentStatus.PAID, "USD", shipping=sent,
    )  # fmt: skip
    return Order(**{**{name: getattr(order, name) for name in Order.__slots__}, "total": order.payable})


def _save(shop: Shop, orders: Sequence[Order], rules: Rules) -> int:
    """Book these in sets; gives how many entries that made."""
    made = 0
    for start in range(0, len(orders), SET):
        some = orders[start : start + SET]
        with shop.hub.unit() as work:
            wanted = [entry for order in some for entry in entries_of(order, rules)]
            lines = due(wanted, journal.booked(work.db, shop.merchant, [order.ref for order in some]))
            journal.append(work.db, shop.merchant, lines, work.now)
            made += len(lines)
    return made


def _derived(shop: Shop, store: str, pace: Pace) -> Row:
    rules = RULES
    orders = [an_order(shop.connection.id, n) for n in range(pace.booked // 2)]
    statements, made = Statements(shop.hub.database.engine), list[int]()
    seconds = timed(lambda: made.append(_save(shop, orders, rules)))
    note = f"{made[0]:,} entries of {len(orders):,} orders; {statements.count} statements"
    return row("entries_s", store, seconds, note=note)


def _paid_out(shop: Shop, store: str, pace: Pace) -> Row:
    """A payout of orders that are booked: read already, it is matched and booked."""
    found = [_movement(n) for n in range(min(pace.paid_out, pace.booked // 2))]
    amount = Money(sum(one.amount.minor for one in found), "USD")
    connection, id = shop.connection, shop.hub.ids()
    with shop.hub.unit() as work:
        payouts.see(work.db, shop.merchant, connection.id, [(id, Payout("P1", Paid.PAID, AT + timedelta(days=9), amount))], work.now)
        payouts.hold(work.db, shop.merchant, connection.id, "P1", found)
        payouts.page_read(work.db, id, None, work.now)
        work.ask(shop.merchant, "book_payout", id, connection.id)
    tidy(shop.hub.database)
    seconds = timed(lambda: jobs.drain(shop.hub, "inside"))
    with shop.hub.database.read() as db:
        left = [one for one in journal.suspects(db, shop.merchant, date.max, 10**6) if one.settled]
    if left:
        raise RuntimeError(f"{store}: {len(left)} of {len(found)} lines were not matched")
    return row("payout_s", store, seconds, note=f"{len(found):,} lines, each matched with its order")


def _movement(n: int) -> Movement:
    parts = (Part(Leaf.BUYER, Money(3743, "USD"), "CHARGE"), Part(Leaf.PAYMENT_FEE, Money(-139, "USD"), "fee"))
    return Movement(f"m{n}", Occasion.SALE, AT + timedelta(minutes=n % 5000), Money(3604, "USD"), parts, f"B-{n}")


def _certified(shop: Shop, store: str, pace: Pace, home: Path) -> Iterator[Row]:
    """A month of so many orders, most of them open."""
    rules = RULES
    for start in range(pace.booked // 2, pace.certified, 5 * SET):
        _save(shop, [an_order(shop.connection.id, n) for n in range(start, min(start + 5 * SET, pace.certified))], rules)
    tidy(shop.hub.database)
    said = child.certifier(shop.settings.database, home, shop.merchant, FIRST, FIRST + timedelta(days=29))
    if said["residue"]:
        raise RuntimeError(f"{store}: the certificate has a residue of {said['residue']} cents")
    note = f"a month of {pace.certified:,} orders"
    yield row("certificate_s", store, said["seconds"], note=f"{note}; {said['bytes'] // 1_000_000} MB of CSV")
    yield row("certificate_mb", store, said["peak_mb"], note=f"{note}; CSV and PDF, the process that made them")
