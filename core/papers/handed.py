"""What a driver takes, for the driver to sign: parcels by their numbers."""

from collections.abc import Iterator

from core.domain.packing import Handed, Sheet
from core.papers.language import ENGLISH, Language
from core.papers.sheet import Document, Frame, Row, printed
from core.papers.slips import SPACE, facts, table_head

COLUMNS = (("number", 0.0, 0.4), ("shipment", 0.4, 0.55), ("order", 0.55, 0.75), ("service", 0.75, 0.9), ("grams", 0.9, 1.0))


def handed_over(one: Handed, sheet: Sheet = Sheet.A4, language: Language = ENGLISH) -> bytes:
    """One PDF. Raises ValueError where nothing is on it."""
    frame, title = Frame(sheet, language), language.say("handed_over")
    return printed([Document(tuple(_rows(frame, one)), f"{title} {one.day}")], frame, title)


def _rows(frame: Frame, one: Handed) -> Iterator[Row]:
    say = frame.language.say
    yield Row((frame.cell(0, 1, frame.lines(0, 1, f"{say('handed_over')} {one.carrier}", 1.7, bold=True)),), space=SPACE)
    told = [("from", one.location), ("date", one.day), ("number", one.number), ("parcels", str(len(one.parcels)))]
    yield Row((frame.cell(0, 1, facts(frame, told, (0.0, 1.0))),), space=SPACE)
    head = table_head(frame, [(say(key), begin, end) for key, begin, end in COLUMNS])
    yield head
    for parcel in one.parcels:
        said = (parcel.tracking, parcel.shipment, parcel.order, parcel.service, str(parcel.weight_g))
        cells = (frame.cell(begin, end, frame.lines(begin, end, text)) for (_, begin, end), text in zip(COLUMNS, said, strict=True))
        yield Row(tuple(cells), space=2, ruled=True, head=head)
    yield Row((frame.cell(0, 1, frame.lines(0, 1, f"{say('signed')}: ________________________________", 1.15)),), space=4 * SPACE)
