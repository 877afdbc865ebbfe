"""Invoices and return slips: a shipment with its amounts."""

from collections.abc import Iterable, Iterator, Sequence

from core.domain.money import Money
from core.domain.order import TaxMode
from core.domain.packing import Bill, Sheet, Sold
from core.papers.language import ENGLISH, Language
from core.papers.pictures import Box
from core.papers.sheet import Cell, Document, Frame, Row, printed
from core.papers.slips import LEFT, RIGHT, SPACE, beside, facts, facts_of, remarks, said_address, table_head, top
from core.papers.text import Line

NUMBERS = frozenset([0.42, 0.52, 0.67, 0.84])  # where columns of numbers begin
COLUMNS = (("item", 0.0, 0.42), ("units", 0.42, 0.52), ("unit_price", 0.52, 0.67), ("tax", 0.67, 0.84), ("amount", 0.84, 1.0))
SUMS = (0.36, 0.76)  # under the lines: what an amount is of, and from where the amount stands
TAX_WORDS = {TaxMode.INCLUSIVE: "tax_included", TaxMode.EXCLUSIVE: "tax_on_top"}


def invoices(bills: Iterable[Bill], sheet: Sheet = Sheet.A4, language: Language = ENGLISH) -> bytes:
    """One PDF, each invoice on pages of its own; the bars hold its number. Raises ValueError where there is none, or where a bill mixes
    currencies."""
    frame, title = Frame(sheet, language), language.say("invoice")
    return printed((Document(tuple(_invoice(frame, bill)), f"{title} {bill.number}") for bill in bills), frame, title)


def return_slips(bills: Iterable[Bill], reasons: Sequence[str] = (), sheet: Sheet = Sheet.A4, language: Language = ENGLISH) -> bytes:
    """One PDF for the buyer to fill in and put into the parcel: how many of which come back, and for which of the `reasons`. The bars
    hold the bill's number. Raises as `invoices` does."""
    frame, title = Frame(sheet, language), language.say("return_slip")
    return printed((Document(tuple(_return(frame, bill, reasons)), f"{title} {bill.number}") for bill in bills), frame, title)


def _invoice(frame: Frame, bill: Bill) -> Iterator[Row]:
    yield from top(frame, bill.slip.shop, frame.language.say("invoice"), bill.number)
    yield _seller(frame, bill)
    shipped = said_address(frame, "ship_to", bill.slip.to)
    billed = said_address(frame, "bill_to", bill.bill_to or bill.slip.to)
    yield beside(frame, billed, shipped if bill.bill_to not in (None, bill.slip.to) else ())
    yield from _amounts(frame, bill)
    yield from _owed(frame, bill)
    yield from remarks(frame, bill.slip)


def _seller(frame: Frame, bill: Bill) -> Row:
    """Who sold it, as the law wants to see it on a bill; beside it what it is about."""
    told = [("number", bill.number), ("date", frame.language.day(bill.issued_on)), *_slip_facts(frame, bill), ("tax_id", bill.tax_id)]
    return beside(frame, _own(frame, bill, "seller"), facts(frame, told))


def _own(frame: Frame, bill: Bill, key: str) -> tuple[Line, ...]:
    shop = bill.slip.shop
    address = said_address(frame, key, shop.address) if shop.address else ()
    return address + frame.lines(*LEFT, shop.contact) + facts(frame, [("tax_id", shop.tax_id)], LEFT)


def _slip_facts(frame: Frame, bill: Bill) -> list[tuple[str, str]]:
    return [(key, text) for key, text in facts_of(frame, bill.slip) if key in ("order", "shipment")]


# ---- lines


def _amounts(frame: Frame, bill: Bill) -> Iterator[Row]:
    """Every line, what they come to, and the taxes in it."""
    say = frame.language.say
    head = table_head(frame, [(say(key), begin, end) for key, begin, end in COLUMNS], far=NUMBERS)
    yield head
    for line in (*bill.lines, *bill.extras):
        yield _line(frame, line, head)
    for words, amount in _parts(frame, bill):
        yield _sum(frame, words, amount)
    yield _sum(frame, say("total"), bill.total, bold=True)
    for tax in bill.taxes:
        if tax.included:
            yield _sum(frame, say("including", tax=frame.language.tax(tax)), tax.amount)


def _line(frame: Frame, line: Sold, head: Row) -> Row:
    units = str(line.units) if line.units else ""
    price = frame.language.unit_price(line.charge.gross, line.units) if line.units else ""
    amount = frame.language.money(line.charge.net)
    return Row((_item(frame, line), *_numbers(frame, (units, price, _taxed(frame, line), amount))), space=2, ruled=True, head=head)


def _item(frame: Frame, line: Sold) -> Cell:
    """Its title, and small under it its SKU and what was taken off."""
    off = [f"{frame.language.say('discount')}: {frame.language.money(-part.amount)} {part.title}" for part in line.charge.discounts]
    small = [text for part in (line.sku, *off) for text in frame.lines(0, 0.42, part, 0.85)]
    return frame.cell(0, 0.42, (*frame.lines(0, 0.42, line.title), *small))


def _taxed(frame: Frame, line: Sold) -> str:
    return "\n".join(f"{frame.language.tax(tax)}\n{frame.language.money(tax.amount)}" for tax in line.charge.taxes)


def _numbers(frame: Frame, texts: Sequence[str]) -> Iterator[Cell]:
    for (_, begin, end), text in zip(COLUMNS[1:], texts, strict=True):
        yield frame.cell(begin, end, frame.lines(begin, end, text), far=True)


# ---- sums


def _parts(frame: Frame, bill: Bill) -> Iterator[tuple[str, Money]]:
    """What adds up to the total."""
    yield frame.language.say("subtotal"), bill.subtotal
    yield from ((extra.title, extra.charge.net) for extra in bill.extras)
    yield from ((frame.language.tax(tax), tax.amount) for tax in bill.taxes if not tax.included)
    if bill.rounding:
        yield frame.language.say("rounding"), bill.rounding


def _owed(frame: Frame, bill: Bill) -> Iterator[Row]:
    say = frame.language.say
    if bill.paid is not None and bill.due is not None:
        yield _sum(frame, say("paid"), bill.paid)
        yield _sum(frame, say("due"), bill.due, bold=True)
    if key := TAX_WORDS.get(bill.tax_mode):
        yield Row((frame.cell(0, 1, frame.lines(0, 1, say(key))),), space=SPACE)


def _sum(frame: Frame, words: str, amount: Money, *, bold: bool = False) -> Row:
    begin, middle = SUMS
    said = frame.cell(begin, middle, frame.lines(begin, middle, words, bold=bold), far=True)
    money = frame.lines(middle, 1, frame.language.money(amount), bold=bold)
    return Row((said, frame.cell(middle, 1, money, far=True)), space=3)


# ---- returns


def _return(frame: Frame, bill: Bill, reasons: Sequence[str]) -> Iterator[Row]:
    yield from top(frame, bill.slip.shop, frame.language.say("return_slip"), bill.number)
    told = [("number", bill.number), ("date", frame.language.day(bill.issued_on)), *_slip_facts(frame, bill)]
    yield beside(frame, _own(frame, bill, "send_back_to"), said_address(frame, "from", bill.slip.to, RIGHT) + facts(frame, told))
    yield from _amounts(frame, bill)
    yield from _to_fill_in(frame, bill)
    yield from _reasons(frame, reasons)


def _to_fill_in(frame: Frame, bill: Bill) -> Iterator[Row]:
    say = frame.language.say
    head = table_head(frame, [(say("item"), 0, 0.6), (say("returned"), 0.6, 0.8), (say("reason"), 0.8, 1)])
    yield head
    for line in bill.lines:
        box = Box(frame.room(0.6, 0.8) * 0.6, 2 * frame.size)
        item = frame.cell(0, 0.6, (*frame.lines(0, 0.6, line.title), *frame.lines(0, 0.6, line.sku, 0.85)))
        yield Row((item, frame.cell(0.6, 0.8, picture=box), frame.cell(0.8, 1, picture=box)), space=4, ruled=True, head=head)


def _reasons(frame: Frame, reasons: Sequence[str]) -> Iterator[Row]:
    for number, reason in enumerate(reasons, 1):
        yield Row((frame.cell(0, 1, frame.lines(0, 1, f"{number}  {reason}")),), space=SPACE if number == 1 else 0)
