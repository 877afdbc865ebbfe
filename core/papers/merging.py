"""Labels and slips put together to be printed in one go: PDF and pictures as one PDF, ZPL as one ZPL, each in the order given."""

import zlib
from collections.abc import Iterable, Sequence
from io import BytesIO

from PIL import Image
from pypdf import PdfReader, PdfWriter
from pypdf.errors import PyPdfError
from pypdf.generic import DictionaryObject, NameObject, NumberObject, StreamObject
from reportlab.lib.units import mm

from core.domain.packing import Sheet
from core.domain.shipping import LabelFormat, Paper
from core.papers.pictures import BROKEN, on_white
from core.papers.sheet import SIZES

EDGE = 1.5 * mm  # around a picture
# What comes out of pypdf for files that are none: found by damaging some thousands (pypdf 7.1, 2026-11).
UNREADABLE = (PyPdfError, LookupError, TypeError, AttributeError, AssertionError, RuntimeError, zlib.error, *BROKEN)


class UnreadablePaper(ValueError):
    """One of the papers is not what it says. `at` is which of them, from zero."""

    def __init__(self, at: int, paper: Paper) -> None:
        super().__init__(f"paper {at + 1} ({paper.kind}) is no {paper.format.value.upper()} that can be read")
        self.at = at


def merged(papers: Sequence[Paper], sheet: Sheet = Sheet.LABEL) -> tuple[Paper, ...]:
    """At most two: what can be one PDF, then what is ZPL, which no PDF can hold; the `format` of each says which. Pictures are put on
    pages of `sheet`. The same papers give the same bytes. Raises UnreadablePaper."""
    numbered = list(enumerate(papers))
    pages = [(at, paper) for at, paper in numbered if paper.format is not LabelFormat.ZPL]
    zpl = [(at, paper) for at, paper in numbered if paper.format is LabelFormat.ZPL]
    found = [Paper(_kind(pages), LabelFormat.PDF, _one_pdf(pages, sheet))] if pages else []
    return (*found, Paper(_kind(zpl), LabelFormat.ZPL, _one_zpl(zpl))) if zpl else tuple(found)


def _kind(papers: Iterable[tuple[int, Paper]]) -> str:
    kinds = {paper.kind for _, paper in papers}
    return kinds.pop() if len(kinds) == 1 else "papers"


def _one_zpl(papers: Iterable[tuple[int, Paper]]) -> bytes:
    """One after the other: a printer begins at each ^XA."""
    for at, paper in papers:
        if b"^XA" not in paper.content or b"^XZ" not in paper.content:
            raise UnreadablePaper(at, paper)
    return b"".join(paper.content.strip() + b"\n" for _, paper in papers)


def _one_pdf(papers: Iterable[tuple[int, Paper]], sheet: Sheet) -> bytes:
    writer, out = PdfWriter(), BytesIO()
    for at, paper in papers:
        try:
            added = _add(writer, paper, sheet)
        except UNREADABLE as error:
            raise UnreadablePaper(at, paper) from error
        if not added:
            raise UnreadablePaper(at, paper)
    writer.add_metadata({"/Producer": "Crossdock"})
    writer.write(out)
    return out.getvalue()


def _add(writer: PdfWriter, paper: Paper, sheet: Sheet) -> int:
    """How many pages came with it."""
    if paper.format is LabelFormat.PNG:
        return _add_picture(writer, paper.content, sheet)
    pages = PdfReader(BytesIO(paper.content)).pages
    for page in pages:
        if not page.mediabox.width:
            raise ValueError("a page without a size")
        writer.add_page(page)
    return len(pages)


def _add_picture(writer: PdfWriter, content: bytes, sheet: Sheet) -> int:
    """A picture as large as the page allows, turned where it lies across; black and white stays so."""
    with Image.open(BytesIO(content), formats=("PNG", "JPEG", "GIF")) as opened:
        image = on_white(opened)
    # `_add_object` is how pypdf's own manual puts a stream into a file; what is not put so is left out without a word (pypdf 7.1).
    upright = image.transpose(Image.Transpose.ROTATE_90) if image.width > image.height else image
    page = writer.add_blank_page(*SIZES[sheet])
    names = DictionaryObject({NameObject("/Label"): writer._add_object(_stream(upright))})
    page[NameObject("/Resources")] = DictionaryObject({NameObject("/XObject"): names})
    drawn = StreamObject()
    drawn.set_data(_placed(upright, *SIZES[sheet]))
    page[NameObject("/Contents")] = writer._add_object(drawn)
    return 1


def _stream(image: Image.Image) -> StreamObject:
    found = StreamObject()
    found.set_data(zlib.compress(image.tobytes()))
    told = {
        "Type": "/XObject",
        "Subtype": "/Image",
        "Filter": "/FlateDecode",
        "ColorSpace": "/DeviceRGB" if image.mode == "RGB" else "/DeviceGray",
    }
    found.update({NameObject(f"/{name}"): NameObject(value) for name, value in told.items()})
    numbers = {"Width": image.width, "Height": image.height, "BitsPerComponent": 1 if image.mode == "1" else 8}
    found.update({NameObject(f"/{name}"): NumberObject(value) for name, value in numbers.items()})
    return found


def _placed(image: Image.Image, wide: float, tall: float) -> bytes:
    """In the middle, in PDF's own words."""
    scale = min((wide - 2 * EDGE) / image.width, (tall - 2 * EDGE) / image.height)
    width, height = image.width * scale, image.height * scale
    return f"q {width:.3f} 0 0 {height:.3f} {(wide - width) / 2:.3f} {(tall - height) / 2:.3f} cm /Label Do Q".encode()
