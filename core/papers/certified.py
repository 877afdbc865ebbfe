"""A certificate of clearing accounts, for a bookkeeper's folder: what came in, what went out, what is open, and nothing beside."""

from collections.abc import Iterable, Iterator, Sequence

from core.domain.certifying import Left, Part, Stated
from core.domain.packing import Sheet
from core.papers.language import ENGLISH, Language
from core.papers.sheet import Document, Frame, Row, printed
from core.papers.slips import SPACE, table_head

Column = tuple[str, float, float]
MOVED: tuple[Column, ...] = (
    ("account", 0.0, 0.16), ("before", 0.16, 0.28), ("paid", 0.28, 0.4), ("repaid", 0.4, 0.52), ("kept", 0.52, 0.64), ("out", 0.64, 0.76),
    ("other", 0.76, 0.88), ("after", 0.88, 1.0),
)  # fmt: skip
LEFT: tuple[Column, ...] = (
    ("item", 0.0, 0.2), ("account", 0.2, 0.36), ("from", 0.36, 0.46), ("by", 0.46, 0.56), ("why", 0.56, 0.84), ("amount", 0.84, 1.0)
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
    yield _text(frame, part.currency, 1.4, bold=True)
    head = _head(frame, one, MOVED)
    yield head
    for row in part.moved:
        yield _row(frame, MOVED, (row.account, *map(money, row.amounts)), head)
    yield _row(frame, MOVED, (say["sum"], *map(money, part.sums)), head, bold=True)
    yield _text(frame, say["open"], 1.15, bold=True)
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


def _head(frame: Frame, one: Stated, columns: Iterable[Column]) -> Row:
    some = tuple(columns)
    far = frozenset(begin for name, begin, _ in some if _far(name))
    return table_head(frame, [(one.words[name], begin, end) for name, begin, end in some], far)


def _far(name: str) -> bool:
    return name in ("before", "paid", "repaid", "kept", "out", "other", "after", "amount")


def _row(frame: Frame, columns: Sequence[Column], said: Sequence[str], head: Row, *, bold: bool = False) -> Row:
    cells = (
        frame.cell(begin, end, frame.lines(begin, end, text, SMALL, bold=bold), far=_far(name))
        for (name, begin, end), text in zip(columns, said, strict=True)
    )
    return Row(tuple(cells), space=2, ruled=True, head=head)
