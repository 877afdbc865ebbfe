"""Pick lists: what to fetch for an order or a batch, in the order of the bins, and into which tote it goes."""

from collections.abc import Iterable, Iterator

from core.domain.packing import Pick, PickList, Sheet, Tote
from core.papers.language import ENGLISH, Language
from core.papers.pictures import bars
from core.papers.sheet import LARGE, Cell, Document, Frame, Row, printed
from core.papers.slips import SPACE, facts, table_head

COLUMNS = (("bin", 0.0, 0.16), ("sku", 0.16, 0.38), ("item", 0.38, 0.68), ("units", 0.68, 0.8))
TOTES = (0.8, 1.0)


def pick_lists(lists: Iterable[PickList], sheet: Sheet = Sheet.A4, language: Language = ENGLISH) -> bytes:
    """One PDF, each list on pages of its own; `core.domain.packing.picks` orders its stops. Raises ValueError where there is none."""
    frame, title = Frame(sheet, language), language.say("pick_list")
    return printed((Document(tuple(_rows(frame, one)), f"{title} {one.name}") for one in lists), frame, title)


def _rows(frame: Frame, one: PickList) -> Iterator[Row]:
    yield from _top(frame, one)
    head = _head(frame, with_totes=bool(one.totes))
    yield head
    for pick in one.picks:
        yield Row(tuple(_pick(frame, pick)), space=3, ruled=True, head=head)
    if note := frame.lines(0, 1, one.note):
        yield Row((frame.cell(0, 1, note),), space=SPACE)
    yield from _totes(frame, one.totes)


def _top(frame: Frame, one: PickList) -> Iterator[Row]:
    if scanned := bars(one.code, frame.room(0, 1)):
        yield Row((frame.cell(0, 1, picture=scanned, far=True),))
    code = frame.cell(0.48, 1, frame.lines(0.48, 1, one.code, 1.2, bold=True), far=True)
    yield Row((frame.cell(0, 0.48, frame.lines(0, 0.48, one.location, 1.2, bold=True)), code), space=2)
    yield Row((frame.cell(0, 1, frame.lines(0, 1, f"{frame.language.say('pick_list')} {one.name}", 1.7, bold=True)),), space=SPACE)
    told = frame.language.say("sum", units=one.units, skus=one.skus)
    yield Row((frame.cell(0, 1, frame.lines(0, 1, told, 1.15)),), space=2)


def _head(frame: Frame, *, with_totes: bool) -> Row:
    say = frame.language.say
    columns = [(say(key), begin, end) for key, begin, end in COLUMNS]
    return table_head(frame, [*columns, (say("totes"), *TOTES)] if with_totes else columns)


def _pick(frame: Frame, pick: Pick) -> Iterator[Cell]:
    """Bin and units are what the eye looks for."""
    some = frame.language.say("of", units=pick.units, ordered=pick.of)
    units = str(pick.units) if pick.units == pick.of else some
    for (key, begin, end), text in zip(COLUMNS, (pick.bin, pick.sku, pick.title, units), strict=True):
        large = key in ("bin", "units")
        yield frame.cell(begin, end, frame.lines(begin, end, text, 1.15 if large else 1, bold=large))
    yield frame.cell(*TOTES, frame.lines(*TOTES, "\n".join(f"{units} → {tote}" for tote, units in pick.totes)))


# ---- totes


def _totes(frame: Frame, totes: tuple[Tote, ...]) -> Iterator[Row]:
    """Each with its bars, beside each other where the sheet is wide."""
    beside = 3 if frame.sheet in LARGE else 1
    for first in range(0, len(totes), beside):
        columns = enumerate(totes[first : first + beside])
        yield Row(tuple(_tote(frame, tote, at / beside, (at + 1) / beside) for at, tote in columns), space=1.5 * SPACE)


def _tote(frame: Frame, tote: Tote, begin: float, end: float) -> Cell:
    name = frame.lines(begin, end, f"{frame.language.say('tote')} {tote.name}", 1.1, bold=True)
    told = name + facts(frame, [("order", tote.order)], (begin, end))
    return frame.cell(begin, end, told, bars(tote.name, frame.room(begin, end)))
