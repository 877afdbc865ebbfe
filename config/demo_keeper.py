"""What a bookkeeper does in the rehearsal, as the pages and `crossdock books` would: opening balances, unit costs, a carrier's bill, money
of gateways that tell no payouts, the day's rates, and a month that is closed. Done again on the same home it keeps what was there."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from config.catalogue import products
from core.domain.matching import Item
from core.domain.money import Money, total
from core.domain.opening import Balance, What
from core.domain.order_entries import OPENING as ITEM
from core.domain.rates import read as read_rates
from core.domain.who import COMMAND_LINE
from core.flows import books, costing, gateways, opening, postage, profit
from core.store import billing, costs, journal, rates, stock
from core.store.connections import Connection
from core.store.sql import run as sql

if TYPE_CHECKING:
    from config.demo import Stage

SHOP = "shopify"  # whose buyers pay by other gateways, too
PAYPAL, BANK = "paypal", "bank_transfer"
SALES = {PAYPAL: 2, BANK: 1}  # orders that are paid by each of them
OURS = "USD"
STOOD = Money(5000, OURS)  # what PayPal held for the shop when the books began
FEE = Money(99, OURS)  # what it takes of an order
HEAVIER = Money(150, OURS)  # what the carrier's bill has beside what it said of one label
RATES = {"GBP": "1.27", "EUR": "1.08"}
COST = "4.20"
FILE = "the rehearsal"


def begin(stage: "Stage", first: date) -> date:
    """Books from `first` on, or from the day on that a run before said, with what stood then. Gives that day."""
    hub, merchant = stage.hub, stage.merchant.id
    with hub.database.read() as db:
        known = journal.books(db, merchant)
    starts = known.starts if known else first
    books.begin(hub, merchant, starts, COMMAND_LINE)
    opening.keep(hub, merchant, _stood(stage.by_channel[SHOP].id), COMMAND_LINE)
    costing.switch(hub, merchant, starts, COMMAND_LINE)
    return starts


def _stood(shop: str) -> tuple[Balance, ...]:
    gifts, stock = Money(2500, OURS), Money(400_000, OURS)
    return (Balance(What.CLEARING, shop, PAYPAL, STOOD), Balance(What.GIFT_CARDS, shop, "", gifts), Balance(What.STOCK, "", "", stock))


def sell(stage: "Stage") -> None:
    """Buyers of the shop pay by other gateways than its own."""
    for turn, (gateway, count) in enumerate(SALES.items()):
        wish = {"count": count, "seed": 77 + turn, "plain": True, "gateway": gateway, "payment": "paid"}
        stage.hand.post(SHOP, "orders", wish)


def has_sold(stage: "Stage") -> bool:
    """All of it is booked."""
    return all(len(_owed(stage, gateway)) == count for gateway, count in SALES.items())


def _owed(stage: "Stage", gateway: str) -> list[Item]:
    """Orders whose money this gateway still holds."""
    with stage.hub.database.read() as db:
        return [one for one, name in gateways.choice(db, stage.merchant.id, stage.by_channel[SHOP].id, gateway, OURS) if name]


def settle(stage: "Stage") -> None:
    """PayPal's payout comes as a file, which pays what stood when the books began, too; a deposit is declared by hand."""
    shop = stage.hub.connection(stage.by_channel[SHOP].id)
    paid, sent = _owed(stage, PAYPAL), _owed(stage, BANK)
    gateways.take(stage.hub, shop, PAYPAL, _payout(stage, shop, paid), COMMAND_LINE, file="paypal.csv")
    said = gateways.Said(stage.hub.ids(), stage.hub.clock().date(), total((one.open for one in sent), OURS), [one.item for one in sent])
    gateways.declare(stage.hub, shop, BANK, said, COMMAND_LINE)


def _payout(stage: "Stage", shop: Connection, paid: Sequence[Item]) -> str:
    """As somebody makes it of PayPal's report: a row for each movement."""
    today, number = stage.hub.clock().date(), paid[0].item.partition("/")[2]
    rows = [f"{one.item.partition('/')[2]},{one.open.text()},{FEE.text()},{n}" for n, one in enumerate(paid)]
    rows += [f"opening,{one.open.text()},0.00,first" for one in _met(stage) if one.open]
    lines = [f"PP-{number},{today},{OURS},sale,{row}-{number}\n" for row in rows]
    return "".join(["payout,date,currency,kind,order,gross,fee,reference\n", *lines])


def _met(stage: "Stage") -> list[Item]:
    """What stood at the shop's gateways when the books began, and what came of it."""
    with stage.hub.database.read() as db:
        found = journal.items_called(db, stage.merchant.id, ITEM)
    return [one for one in found if one.connection == stage.by_channel[SHOP].id]


def price(stage: "Stage") -> str:
    """Every SKU has a cost but one of those that were sent, so that somebody sees what that looks like; gives that one, "" where nothing
    was sent."""
    hub, merchant = stage.hub, stage.merchant.id
    with hub.database.read() as db:
        lacking = [str(row.sku) for row in costs.lacking(db, merchant)]
        known = {str(row.sku) for row in stock.levels(db, merchant, most=1000)} | {ware["sku"] for ware in products()}
    left = next(iter(lacking), "")
    said = [costing.Typed(sku, COST, OURS) for sku in sorted({*known, *lacking} - {left})]
    costing.type_costs(hub, merchant, said, COMMAND_LINE)
    return left


LABELS = """
select p.tracking, u.price, u.connection from purchases u join parcels p on p.purchase = u.id
where u.merchant = :merchant and u.state = 'bought' and u.currency = :currency and not exists (
  select 1 from carrier_bill_lines n where n.merchant = :merchant and n.purchase = u.id)
order by u.connection, u.id
"""


def bill(stage: "Stage") -> int:
    """A carrier's bill comes as a file: labels at what they were said to cost, and one that was heavier. Gives how many labels it
    corrected."""
    hub, merchant, carriers = stage.hub, stage.merchant.id, {one.id for one in stage.carriers.values()}
    with hub.database.read() as db:
        found = [row for row in sql(db, LABELS, merchant=merchant, currency=OURS) if row.connection in carriers]
    if not found:
        return 0
    mine = [row for row in found if row.connection == found[0].connection]
    name, connection = postage.carrier_of(hub, merchant, mine[0].connection)
    told = postage.read(_bill(mine, hub.clock().date()))
    done = postage.take(hub, merchant, name, connection, told, COMMAND_LINE, file="bill.csv")
    return sum(bool(label.more) for one in done for label in one.labels)


def _bill(labels: Sequence[Any], today: date) -> str:
    number = f"B-{labels[0].tracking}"
    rows = [f"{number},{today},{one.tracking},freight,{Money(one.price, OURS).text()},{OURS},\n" for one in labels]
    more = f"{number},{today},{labels[0].tracking},surcharge,{HEAVIER.text()},{OURS},heavier than said\n"
    return "".join(["number,date,tracking,what,amount,currency,text\n", *rows, more])


def rate(stage: "Stage") -> None:
    """The day's rates, as a file."""
    today = stage.hub.clock().date()
    found, _ = read_rates("day,currency,base,rate\n" + "".join(f"{today},{name},{OURS},{one}\n" for name, one in RATES.items()))
    with stage.hub.unit() as work:
        rates.keep(work.db, stage.merchant.id, found, FILE)


def close(stage: "Stage") -> date:
    """Last month is closed; gives its last day."""
    until = stage.hub.clock().date().replace(day=1) - timedelta(days=1)
    books.close(stage.hub, stage.merchant.id, until, COMMAND_LINE)
    return until


def seen(stage: "Stage", first: date, today: date) -> dict[str, Any]:
    """What the pages show of it: units without a cost, what a bill corrected, what stood and was met, and what was left of sales."""
    merchant = stage.merchant.id
    with stage.hub.database.read() as db:
        lacking = [str(row.sku) for row in costs.lacking(db, merchant)]
        sums = profit.look(db, merchant, first, today, "channel", "name", 0, 50).sums
        strangers = len(billing.strangers(db, merchant, 1, 50))
        kept = journal.books(db, merchant)
    left = {one.name: (one.earned, one.cost) for one in sums}
    return {
        "without_cost": lacking, "opening_open": [one.open.text() for one in _met(stage) if one.open], "strangers": strangers,
        "closed_until": kept.closed_until.isoformat() if kept and kept.closed_until else "",
        "profit": {name: {"earned": earned.text(), "cost": cost.text()} for name, (earned, cost) in left.items()},
    }  # fmt: skip
