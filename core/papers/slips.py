"""Packing slips: what lies in a parcel, for who packs it and who opens it."""

from collections.abc import Iterable, Iterator

from core.domain.order import Address
from core.domain.packing import Packed, Sheet, Shop, Slip
from core.papers.language import ENGLISH, Language
from core.papers.pictures import TALL, bars, logo
from core.papers.sheet import LARGE, Document, Frame, Row, printed
from core.papers.text import Line

SPACE = 10.0  # points between the parts of a paper
# Where people write the postcode after the town (Universal Postal Union, addressing by country, looked at 2026-11).
POSTCODE_LAST = frozenset(
    ["AU", "BD", "BR", "CA", "CO", "GB", "HK", "ID", "IE", "IN", "KR", "MT", "NZ", "PH", "PK", "SG", "TH", "TW", "US", "VN", "ZA"]
)


def packing_slips(slips: Iterable[Slip], sheet: Sheet = Sheet.A4, language: Language = ENGLISH) -> bytes:
    """One PDF, each slip on pages of its own. Raises ValueError where there is none."""
    frame, title = Frame(sheet, language), language.say("packing_slip")
    return printed((Document(tuple(rows(frame, slip)), f"{title} {slip.shipment}") for slip in slips), frame, title)


def rows(frame: Frame, slip: Slip) -> Iterator[Row]:
    """All of a slip, from top to bottom."""
    say = frame.language.say
    yield from top(frame, slip.shop, say("packing_slip"), slip.shipment)
    yield beside(frame, said_address(frame, "ship_to", slip.to), facts(frame, facts_of(frame, slip)))
    head = table_head(frame, [(say("sku"), 0, 0.24), (say("item"), 0.24, 0.68), (say("units"), 0.68, 0.82), (say("bin"), 0.82, 1)])
    yield head
    for line in slip.lines:
        yield _line(frame, line, head)
    yield from remarks(frame, slip)


def _line(frame: Frame, line: Packed, head: Row) -> Row:
    part = frame.language.say("of", units=line.units, ordered=line.ordered)
    units = str(line.units) if line.units == line.ordered else part
    cells = (
        frame.cell(0, 0.24, frame.lines(0, 0.24, line.sku)),
        frame.cell(0.24, 0.68, frame.lines(0.24, 0.68, line.title)),
        frame.cell(0.68, 0.82, frame.lines(0.68, 0.82, units, bold=True)),
        frame.cell(0.82, 1, frame.lines(0.82, 1, line.bin)),
    )
    return Row(cells, space=2, ruled=True, head=head)


# ---- parts that other papers have too


def top(frame: Frame, shop: Shop, title: str, code: str) -> Iterator[Row]:
    """Whose paper it is and what: the logo and the bars, and under them the same in words."""
    middle = 0.48 if frame.sheet in LARGE else 0.3
    picture = logo(shop.logo, frame.room(0, middle), 1.4 * TALL)
    scanned = bars(code, frame.room(middle, 1))
    if picture or scanned:
        yield Row((frame.cell(0, middle, picture=picture), frame.cell(middle, 1, picture=scanned, far=True)))
    name = frame.lines(0, 0.6, shop.name, 1.2, bold=True)
    yield Row((frame.cell(0, 0.6, name), frame.cell(0.6, 1, frame.lines(0.6, 1, code, 1.2, bold=True), far=True)), space=2)
    yield Row((frame.cell(0, 1, frame.lines(0, 1, title, 1.7, bold=True)),), space=SPACE)


def beside(frame: Frame, one: tuple[Line, ...], other: tuple[Line, ...]) -> Row:
    """Two blocks of lines, cut to `LEFT` and `RIGHT`."""
    return Row((frame.cell(*LEFT, one), frame.cell(*RIGHT, other)), space=SPACE)


LEFT, RIGHT = (0.0, 0.52), (0.52, 1.0)


def said_address(frame: Frame, key: str, address: Address, column: tuple[float, float] = LEFT) -> tuple[Line, ...]:
    heading = frame.lines(*column, frame.language.say(key), 0.85, bold=True)
    scale = 1.15 if frame.sheet in LARGE else 1
    return heading + tuple(line for text in address_lines(address, frame.language) for line in frame.lines(*column, text, scale))


def address_lines(address: Address, language: Language) -> list[str]:
    """As it is written on a parcel, without telephone and mail."""
    last = address.country in POSTCODE_LAST
    town = [address.city, address.region, address.postcode] if last else [address.postcode, address.city]
    region = "" if last else address.region
    country = language.country(address.country) if address.country else ""
    every = [
        address.name,
        address.company,
        address.street1,
        address.street2,
        address.street3,
        " ".join(filter(None, town)),
        region,
        country,
    ]
    return [line for line in every if line.strip()]


def facts(frame: Frame, told: Iterable[tuple[str, str]], column: tuple[float, float] = RIGHT) -> tuple[Line, ...]:
    """ "Order: #1007" and the like, those that have something to tell."""
    lines = (frame.lines(*column, f"{frame.language.say(key)}: {text}") for key, text in told if text)
    return tuple(line for some in lines for line in some)


def facts_of(frame: Frame, slip: Slip) -> list[tuple[str, str]]:
    placed = frame.language.day(slip.placed_on) if slip.placed_on else ""
    return [("order", slip.order), ("shipment", slip.shipment), ("date", placed), ("service", slip.service)]


def table_head(frame: Frame, columns: Iterable[tuple[str, float, float]], far: frozenset[float] = frozenset()) -> Row:
    """Titles of columns (text, begin, end); those that begin at one of `far` are set against their end."""
    cells = [frame.cell(a, b, frame.lines(a, b, text, 0.85, bold=True), far=a in far) for text, a, b in columns]
    return Row(tuple(cells), space=SPACE, ruled=True, leads=True)


def remarks(frame: Frame, slip: Slip) -> Iterator[Row]:
    """What the buyer and the shop wrote, and whether more parcels come."""
    for key, text in (("gift_message", slip.gift_message), ("note", slip.note)):
        if said := frame.lines(0.24, 1, text):
            yield Row(
                (frame.cell(0, 0.24, frame.lines(0, 0.24, frame.language.say(key), bold=True)), frame.cell(0.24, 1, said)), space=SPACE
            )
    if slip.more:
        yield Row((frame.cell(0, 1, frame.lines(0, 1, frame.language.say("more"), 1.1, bold=True)),), space=SPACE)
