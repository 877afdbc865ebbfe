"""A certificate of clearing accounts, for a bookkeeper's folder: what came in, what went out, what is open, and nothing beside."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from core.domain.certifying import Left, PaidOut, Part, Settled, Stated
from core.domain.packing import Sheet
from core.papers.language import ENGLISH, Language
from core.papers.sheet import Document, Frame, Row, printed
from core.papers.slips import SPACE, table_head

Column = tuple[str, float, float]
MOVED: tuple[Column, ...] = (
    ("account", 0.0, 0.23), ("before", 0.23, 0.34), ("paid", 0.34, 0.45), ("repaid", 0.45, 0.56), ("kept", 0.56, 0.67), ("out", 0.67, 0.78),
    ("other", 0.78, 0.89), ("after", 0.89, 1.0),
)  # fmt: skip
LEFT: tuple[Column, ...] = (
    ("item", 0.0, 0.2), ("account", 0.2, 0.36), ("from", 0.36, 0.46), ("by", 0.46, 0.56), ("why", 0.56, 0.84), ("amount", 0.84, 1.0)
)  # fmt: skip
ORDERS: tuple[Column, ...] = (
    ("order", 0.0, 0.16), ("settled", 0.16, 0.29), ("fees", 0.29, 0.41), ("rest", 0.41, 0.53), ("sum_of", 0.53, 0.66), ("left", 0.66, 0.77),
    ("why", 0.79, 1.0),
)  # fmt: skip
BESIDE: tuple[Column, ...] = (("what", 0.0, 0.56), ("when", 0.56, 0.76), ("amount", 0.76, 1.0))
FAR = frozenset(
    ("before", "paid", "repaid", "kept", "out", "other", "after", "amount", "settled", "fees", "rest", "sum_of", "left")
)  # fmt: skip
SMALL = 0.85


def certified(one: Stated, sheet: Sheet = Sheet.A4, language: Language = ENGLISH) -> bytes:
    """One PDF; amounts as the language writes them, each currency for itself."""
    frame = Frame(sheet, language)
    title = f"{one.words['certificate']} {one.since:%Y-%m}"
    return printed([Document(tuple(_rows(frame, one)), f"{one.merchant}, {title}")], frame, title)


def _rows(frame: Frame, one: Stated) -> Iterator[Row]:
    yield _text(frame, one.words["certificate"], 1.7, bold=True)
    yield _text(frame, one.merchant, 1.15)
    yield Row((frame.cell(0, 1, [line for text in _facts(frame, one) for line in frame.lines(0, 1, text)]),), space=SPACE)
    if not one.parts:
        yield _text(frame, one.words["nothing"])
    for part in one.parts:
        yield from _part(frame, one, part)


def _facts(frame: Frame, one: Stated) -> Iterator[str]:
    day, say = frame.language.day, one.words
    yield f"{say['period']}: {day(one.since)} – {day(one.until)}"
    yield f"{say['made']}: {day(one.made)}"
    yield f"{say['since']}: {day(one.begun)}"
    if one.closed:
        yield f"{say['closed']}: {day(one.closed)}"


def _part(frame: Frame, one: Stated, part: Part) -> Iterator[Row]:
    say, money = one.words, frame.language.money
    yield _heading(frame, part.currency, 1.4)
    head = _head(frame, one, MOVED)
    yield head
    for row in part.moved:
        yield _row(frame, MOVED, (row.account, *map(money, row.amounts)), head)
    yield _row(frame, MOVED, (say["sum"], *map(money, part.sums)), head, bold=True)
    yield _heading(frame, say["open"])
    yield from _open(frame, one, part.left)
    yield from _proof(frame, one, part)


def _open(frame: Frame, one: Stated, left: Sequence[Left]) -> Iterator[Row]:
    if not left:
        yield _text(frame, one.words["none_open"])
        return
    head = _head(frame, one, LEFT)
    yield head
    for item in left:
        yield _row(frame, LEFT, _said(frame, one, item), head)


def _said(frame: Frame, one: Stated, item: Left) -> tuple[str, ...]:
    day = frame.language.day
    called = item.item or one.words["more"].replace("{count}", str(item.count)).replace("{day}", day(item.by))
    return (called, item.account, day(item.since), day(item.by), item.why, frame.language.money(item.amount))


def _proof(frame: Frame, one: Stated, part: Part) -> Iterator[Row]:
    """Two sums and their difference: nothing, or it says loudly that it proves nothing."""
    say, verdict = one.words, one.words["not_named" if part.residue else "named"]
    for words, amount in ((say["clearing"], part.clearing), (say["open"], part.open), (say["residue"], part.residue)):
        told = f"{frame.language.money(amount)} ({verdict})" if words == say["residue"] else frame.language.money(amount)
        cells = (frame.cell(0, 0.6, frame.lines(0, 0.6, words)), frame.cell(0.6, 1, frame.lines(0.6, 1, told, bold=True), far=True))
        yield Row(cells, space=2)


def _text(frame: Frame, text: str, scale: float = 1, *, bold: bool = False) -> Row:
    return Row((frame.cell(0, 1, frame.lines(0, 1, text, scale, bold=bold)),), space=SPACE)


def _heading(frame: Frame, text: str, scale: float = 1.15) -> Row:
    return replace(_text(frame, text, scale, bold=True), leads=True)


def _head(frame: Frame, one: Stated | PaidOut, columns: Iterable[Column]) -> Row:
    some = tuple(columns)
    far = frozenset(begin for name, begin, _ in some if _far(name))
    return table_head(frame, [(one.words[name], begin, end) for name, begin, end in some], far)


def _far(name: str) -> bool:
    return name in FAR


def _row(frame: Frame, columns: Sequence[Column], said: Sequence[str], head: Row, *, bold: bool = False) -> Row:
    cells = (
        frame.cell(begin, end, frame.lines(begin, end, text, SMALL, bold=bold), far=_far(name))
        for (name, begin, end), text in zip(columns, said, strict=True)
    )
    return Row(tuple(cells), space=2, ruled=True, head=head)


# ---- one payout


def certified_payout(one: PaidOut, sheet: Sheet = Sheet.A4, language: Language = ENGLISH) -> bytes:
    """One PDF: what a payout is for, order by order, and what of it nobody can explain."""
    frame = Frame(sheet, language)
    title = f"{one.words['of_payout']} {one.called}"
    return printed([Document(tuple(_payout_rows(frame, one)), f"{one.merchant}, {title}")], frame, title)


def _payout_rows(frame: Frame, one: PaidOut) -> Iterator[Row]:
    yield _text(frame, one.words["of_payout"], 1.7, bold=True)
    yield _text(frame, one.merchant, 1.15)
    yield Row((frame.cell(0, 1, [line for text in _payout_facts(frame, one) for line in frame.lines(0, 1, text)]),), space=SPACE)
    if not one.orders and not one.others:
        yield _text(frame, one.words["no_lines"])
    yield from _orders(frame, one)
    yield from _beside(frame, one)
    yield from _payout_proof(frame, one)


def _payout_facts(frame: Frame, one: PaidOut) -> Iterator[str]:
    say, day, money = one.words, frame.language.day, frame.language.money
    yield f"{say['payout']}: {one.called} · {one.account}"
    yield f"{say['sent']}: {day(one.sent)} · {say['state']}: {one.state}"
    yield f"{say['amount']}: {money(one.amount)}" + (f" ({money(one.reaches)})" if one.reaches != one.amount else "")
    if one.banked is not None:
        yield f"{say['banked']}: {money(one.banked)}"
    if one.deposit:
        yield say["deposit"]
    yield f"{say['made']}: {day(one.made)}"


def _orders(frame: Frame, one: PaidOut) -> Iterator[Row]:
    if not one.orders:
        return
    yield _heading(frame, one.words["orders"])
    head = _head(frame, one, ORDERS)
    yield head
    for order in one.orders:
        yield _row(frame, ORDERS, _order(frame, one, order), head)
    yield _row(frame, ORDERS, (one.words["sum"], *map(frame.language.money, one.sums), "", ""), head, bold=True)


def _order(frame: Frame, one: PaidOut, order: Settled) -> tuple[str, ...]:
    money = frame.language.money
    amounts = map(money, (order.settled, order.fees, order.rest, order.amount))
    return (order.order, *amounts, money(order.open) if order.open else "–", order.why or one.words["matched"])


def _beside(frame: Frame, one: PaidOut) -> Iterator[Row]:
    if not one.others:
        return
    yield _heading(frame, one.words["of_none"])
    head = _head(frame, one, BESIDE)
    yield head
    for each in one.others:
        yield _row(frame, BESIDE, (each.what, frame.language.day(each.on), frame.language.money(each.amount)), head)
    yield _row(frame, BESIDE, (one.words["sum"], "", frame.language.money(one.beside)), head, bold=True)


def _payout_proof(frame: Frame, one: PaidOut) -> Iterator[Row]:
    say, money = one.words, frame.language.money
    verdict = say["unsure"] if one.residue is None else f"{money(one.residue)} ({say['not_named' if one.residue else 'named']})"
    for words, told in ((say["paid_out"], money(one.amount)), (say["lines"], money(one.lines)), (say["residue_of"], verdict)):
        cells = (frame.cell(0, 0.5, frame.lines(0, 0.5, words)), frame.cell(0.5, 1, frame.lines(0.5, 1, told, bold=True), far=True))
        yield Row(cells, space=2)
