"""Orders: a list, one whole, its story, and what staff do to it."""

from collections.abc import Callable
from typing import Annotated, Any

from apiflask import APIBlueprint
from msgspec import Meta
from msgspec.json import Decoder
from sqlalchemy import Connection

from core.domain import acts
from core.domain.acts import Act
from core.domain.calling_off import BARS
from core.domain.money import Money
from core.domain.order import (
    Address,
    Charge,
    Liable,
    Line,
    Order,
    Payment,
    Person,
    Refund,
    Shipped,
    Shipping,
    Tax,
)
from core.errors import Refused
from core.flows import calling_off, desk, oversold
from core.flows.calling_off import Barred
from core.store import callings, events, lists
from core.store import orders as store
from core.store.callings import Calling
from core.store.lists import Head
from core.store.tables import when
from core.store.unit import Unit
from web.api import models as say
from web.api.events import event
from web.api.problems import Refusal
from web.api.route import cursor, position, reads, writes
from web.visitor import hub, visitor, who

api = APIBlueprint("api_orders", __name__, url_prefix="/api/v1/orders", tag="Orders")
_behind = Decoder(tuple[Annotated[int, Meta(ge=0, le=2**62)], Annotated[str, Meta(max_length=64, pattern=r"^[\w-]+$")]])


@reads(api, "", "orders.read", say.OrderPage, 404)
@api.input(say.OrdersAsked, location="query", arg_name="asked")
def page(asked: say.OrdersAsked) -> say.OrderPage:
    """Orders, the newest first"""
    merchant, behind = visitor().merchant, position(asked.after, _behind)
    with hub().database.read() as db:
        found = lists.orders(db, merchant, asked.limit + 1, behind, asked.wishes())
        tags = lists.tags(db, merchant, (one.row.id for one in found))
    items = [say.OrderHead.model_construct(**_head(one, tags)) for one in found[: asked.limit]]
    last = found[asked.limit - 1].row if len(found) > asked.limit else None
    return say.OrderPage.model_construct(items=items, next=cursor(last.placed_at, last.id) if last else None)


@reads(api, "/<order>", "orders.read", say.OrderSaid, 404)
def one(order: str) -> say.OrderSaid:
    """One order, whole

    The buyer only for keys with the scope orders.buyers.
    """
    with hub().database.read() as db:
        return _said(db, visitor().merchant, order)


def _said(db: Connection, merchant: str, order: str) -> say.OrderSaid:
    row, seen = _found(db, merchant, order)
    tags, booked = lists.tags(db, merchant, [order]), store.booked(db, merchant, [order])
    box = hub().box(merchant) if visitor().may("orders.buyers") else None
    person = store.person_of(db, merchant, order, box) if box else None
    off = callings.newest(db, merchant, order, hub().box(merchant))
    return say.OrderSaid.model_construct(
        **_head(lists.head_of(row, seen), tags), **_whole(row, seen, booked, person), calling_off=_calling(off) if off else None
    )  # fmt: skip


def _calling(one: Calling) -> say.CallingOff:
    agreed = one.answer.agree if one.answer else None
    return say.CallingOff(
        state=one.state, reason=one.reason, agreed=agreed, by=one.name, asked_at=when(one.asked_at), ended_at=say.moment(one.ended_at)
    )  # fmt: skip


@reads(api, "/<order>/events", "orders.read", say.EventPage, 404)
@api.input(say.EventsAsked, location="query", arg_name="asked")
def story(order: str, asked: say.EventsAsked) -> say.EventPage:
    """What happened to one order, oldest first"""
    merchant = visitor().merchant
    with hub().database.read() as db:
        _, seen = _found(db, merchant, order)
        found = events.story_from(db, merchant, seen.ref, asked.after, asked.limit + 1)
    shown = found[: asked.limit]
    items = [event(row, {seen.ref: order}) for row in shown]
    return say.EventPage(items=items, next=shown[-1].id if shown else asked.after, more=len(found) > asked.limit)


@writes(api, "POST", "/<order>/hold", "orders.write", say.HoldAsked, say.OrderSaid, 404)
def hold(work: Unit, order: str, asked: say.HoldAsked) -> say.OrderSaid:
    """Hold an order: it stays reserved and is not sent

    One that is held, cancelled or sent stays as it is.
    """
    return _act(work, order, Act.HOLD, asked.why.value)


@writes(api, "POST", "/<order>/release", "orders.write", say.Nothing, say.OrderSaid, 404)
def release(work: Unit, order: str, asked: say.Nothing) -> say.OrderSaid:
    """Let a held order go"""
    return _act(work, order, Act.RELEASE)


@writes(api, "POST", "/<order>/short", "orders.write", say.ShortAsked, say.OrderSaid, 404)
def short(work: Unit, order: str, asked: say.ShortAsked) -> say.OrderSaid:
    """Say what becomes of units that are not there

    The order was held since more was sold than there is. It is let go: to wait for them (backorder), to be sent without them (partial), or
    with units of a location that its channel does not sell from (elsewhere). Null: nothing is said any more.
    """
    merchant = visitor().merchant
    _found(work.db, merchant, order)
    try:
        oversold.decide_in(work, merchant, order, asked.what, who(), asked.location)
    except Refused as error:
        raise Refusal(409, "refused", f"{str(error).capitalize()}.") from None
    return _said(work.db, merchant, order)


@writes(api, "POST", "/<order>/cancel", "orders.write", say.CancelAsked, say.OrderSaid, 404)
def cancel(work: Unit, order: str, asked: say.CancelAsked) -> say.OrderSaid:
    """Have a whole order cancelled at its channel

    Only before something of it is sent. It is done when the order itself comes back cancelled: `calling_off` says how far it is. While it
    goes on, asking again changes nothing. No money is moved by us.
    """
    merchant = visitor().merchant
    _found(work.db, merchant, order)
    _barred(lambda: calling_off.call_off_in(hub(), work, merchant, order, asked.reason, who(), restock=asked.restock))
    return _said(work.db, merchant, order)


@writes(api, "POST", "/<order>/answer", "orders.write", say.AnswerAsked, say.OrderSaid, 404)
def answer(work: Unit, order: str, asked: say.AnswerAsked) -> say.OrderSaid:
    """Answer a buyer who wishes to cancel an order

    Agreed, it is cancelled at its channel; else it may leave.
    """
    merchant = visitor().merchant
    _found(work.db, merchant, order)
    _barred(lambda: calling_off.answer_in(hub(), work, merchant, order, who(), agree=asked.agree))
    return _said(work.db, merchant, order)


def _barred(do: Callable[[], object]) -> None:
    try:
        do()
    except Barred as error:
        raise Refusal(409, "refused", BARS[error.why]) from None


@writes(api, "POST", "/<order>/tag", "orders.write", say.TagAsked, say.OrderSaid, 404)
def tag(work: Unit, order: str, asked: say.TagAsked) -> say.OrderSaid:
    """Tag an order"""
    return _act(work, order, Act.TAG, _kept(acts.tag, asked.tag))


@writes(api, "POST", "/<order>/untag", "orders.write", say.TagAsked, say.OrderSaid, 404)
def untag(work: Unit, order: str, asked: say.TagAsked) -> say.OrderSaid:
    """Take a tag from an order"""
    return _act(work, order, Act.UNTAG, _kept(acts.tag, asked.tag))


@writes(api, "POST", "/<order>/notes", "orders.write", say.NoteAsked, say.OrderSaid, 404)
def note(work: Unit, order: str, asked: say.NoteAsked) -> say.OrderSaid:
    """Write a note on an order"""
    return _act(work, order, Act.NOTE, words=_kept(acts.note, asked.note))


def _kept(clean: Callable[[str], str], said: str) -> str:
    try:
        return clean(said)
    except ValueError:
        raise Refusal(409, "refused", "Nothing is left of it without blanks, or it has signs that cannot be printed.") from None


def _act(work: Unit, order: str, act: Act, detail: str = "", words: str = "") -> say.OrderSaid:
    merchant = visitor().merchant
    _found(work.db, merchant, order)
    desk.act_in(hub(), work, merchant, who(), desk.Wish(hub().ids(), act, [order], detail, words))
    return _said(work.db, merchant, order)


def _found(db: Connection, merchant: str, order: str) -> tuple[Any, Order]:
    found = lists.order(db, merchant, order)
    if found is None:
        raise Refusal(404, "no-such-order", "There is no such order.")
    return found


def _head(one: Head, tags: dict[str, list[str]]) -> dict[str, Any]:
    row = one.row
    return {
        "id": row.id,
        "ref": f"{row.connection}/{row.channel_id}",
        "connection": row.connection,
        "channel": row.channel,
        "channel_id": row.channel_id,
        "name": row.name,
        "placed_at": say.moment(row.placed_at),
        "taken_at": say.moment(row.taken_at),
        "saved_at": say.moment(row.saved_at),
        "total": say.amount(Money(row.total, row.currency)),
        "status": one.status,
        "payment": one.payment,
        "fulfillment": one.fulfillment,
        "units_to_ship": one.units_to_ship,
        "waits": row.waits,
        "held_at": say.moment(row.held_at),
        "problems": row.problems.split("\n") if row.problems else [],
        "tags": tags.get(row.id, []),
        "test": one.test,
        "copy_of": row.copy_of or None,
        "merged_into": row.merged_into,
    }


def _whole(row: Any, order: Order, booked: dict[tuple[str, str], store.Booked], person: Person | None) -> dict[str, Any]:
    return {
        "tax_mode": order.tax_mode,
        "ship_by": order.ship_by,
        "deliver_by": order.deliver_by,
        "service": order.service,
        "held_why": row.held_why,
        "totals": _totals(order),
        "lines": [_line(line, booked.get((row.id, line.id), store.UNBOOKED)) for line in order.lines],
        "shipping": [_shipping(one) for one in order.shipping],
        "refunds": [_refund(one) for one in order.refunds],
        "shipments": [_shipment(one) for one in order.shipped],
        "payments": None if order.payments is None else [_payment(one) for one in order.payments],
        "buyer": _buyer(person) if person else None,
    }


def _totals(order: Order) -> say.Totals:
    nothing = Money.zero(order.currency)
    market = order.tax_by(Liable.MARKETPLACE)
    return say.Totals(
        subtotal=say.amount(order.subtotal),
        shipping=say.amount(order.shipping_total),
        discount=say.amount(order.discount_total),
        tax=say.amount(order.tax_total),
        tax_seller=say.amount(order.tax_total - market),
        tax_marketplace=say.amount(market),
        fees=say.amount(order.fees or nothing),
        duties=say.amount(order.duties or nothing),
        tips=say.amount(order.tips or nothing),
        rounding=say.amount(order.rounding),
        total=say.amount(order.total),
        refunded=say.amount(order.refunded_total),
        presented=say.amount_or_none(order.presented_total),
    )


def _charge(charge: Charge) -> say.ChargeSaid:
    return say.ChargeSaid(
        gross=say.amount(charge.gross),
        discount=say.amount(charge.discount),
        net=say.amount(charge.net),
        tax=say.amount(charge.tax),
        payable=say.amount(charge.payable),
        taxes=[_tax(one) for one in charge.taxes],
    )


def _tax(tax: Tax) -> say.TaxSaid:
    return say.TaxSaid(title=tax.title, amount=say.amount(tax.amount), included=tax.included, liable=tax.liable.value)


def _line(line: Line, booked: store.Booked) -> say.LineSaid:
    return say.LineSaid(
        id=line.id, listing=line.listing, sku=line.sku, title=line.title, ordered=line.ordered, cancelled=line.cancelled,
        fulfilled=line.fulfilled, returned=line.returned, open=line.open, reserved=booked.held, waits=booked.waits,
        requires_shipping=line.requires_shipping, ships=line.party.value, charge=_charge(line.charge),
    )  # fmt: skip


def _shipping(one: Shipping) -> say.ShippingSaid:
    return say.ShippingSaid(id=one.id, title=one.title, code=one.code, charge=_charge(one.charge))


def _refund(one: Refund) -> say.RefundSaid:
    lines = [say.RefundLineSaid(line=line.line, quantity=line.quantity, restock=line.restock.value) for line in one.lines]
    shipping = say.amount(one.shipping) if one.shipping else None
    return say.RefundSaid(id=one.id, at=one.at, total=say.amount(one.total), shipping=shipping, lines=lines)


def _shipment(one: Shipped) -> say.ShipmentSaid:
    lines = [say.ShippedLineSaid(line=line.line, quantity=line.quantity) for line in one.lines]
    return say.ShipmentSaid(id=one.id, at=one.at, tracking=list(one.tracking), lines=lines)


def _payment(one: Payment) -> say.PaymentSaid:
    return say.PaymentSaid(id=one.id, kind=one.kind, status=one.status, amount=say.amount(one.amount), gateway=one.gateway, at=one.at)


def _buyer(person: Person) -> say.Buyer:
    return say.Buyer(
        name=person.name, email=person.email, phone=person.phone, note=person.note, gift_message=person.gift_message,
        ship_to=_address(person.ship_to), bill_to=_address(person.bill_to),
    )  # fmt: skip


def _address(address: Address | None) -> say.AddressSaid | None:
    if address is None:
        return None
    return say.AddressSaid(**{name: getattr(address, name) for name in say.AddressSaid.model_fields})
