"""Labels and slips put together to be printed in one go: PDF and pictures as one PDF, ZPL as one ZPL, each in the order given."""

import zlib
from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import Any

from PIL import Image
from pypdf import PdfReader, PdfWriter
from pypdf.errors import PyPdfError
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

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
    pages = PdfReader(BytesIO(_as_pdf(paper, sheet))).pages
    for page in pages:
        writer.add_page(page)
    return len(pages)


def _as_pdf(paper: Paper, sheet: Sheet) -> bytes:
    return paper.content if paper.format is LabelFormat.PDF else _pictured(paper.content, sheet)


def _pictured(content: bytes, sheet: Sheet) -> bytes:
    """A picture as large as the page allows, turned where it lies across."""
    out = BytesIO()
    with Image.open(BytesIO(content)) as opened:
        image = on_white(opened)
    canvas = Canvas(out, pagesize=SIZES[sheet], invariant=1, pageCompression=1)
    _draw(canvas, image.transpose(Image.Transpose.ROTATE_90) if image.width > image.height else image, *SIZES[sheet])
    canvas.save()
    return out.getvalue()


def _draw(canvas: Any, image: Image.Image, wide: float, tall: float) -> None:
    scale = min((wide - 2 * EDGE) / image.width, (tall - 2 * EDGE) / image.height)
    width, height = image.width * scale, image.height * scale
    canvas.drawImage(ImageReader(image), (wide - width) / 2, (tall - height) / 2, width, height)
