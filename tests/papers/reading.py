"""Papers as somebody sees them: their text, page by page, and what a scanner reads off them."""

import io
import struct
import unicodedata
import zlib
from datetime import date
from typing import Any

import pypdfium2
import zxingcpp
from pypdf import PdfReader

from core.domain.order import Address
from core.domain.packing import Packed, Shop, Slip

SHOP = Shop("Northern Mugs", contact="help@shop.example")


def pages(pdf: bytes) -> list[str]:
    """The text of each page, with the letters that were typed."""
    return [unicodedata.normalize("NFKC", page.extract_text()) for page in PdfReader(io.BytesIO(pdf)).pages]


def text(pdf: bytes) -> str:
    return "\n".join(pages(pdf))


def sizes(pdf: bytes) -> list[tuple[int, int]]:
    return [(round(page.mediabox.width), round(page.mediabox.height)) for page in PdfReader(io.BytesIO(pdf)).pages]


def scanned(pdf: bytes) -> list[list[str]]:
    """What a scanner finds on each page, printed at 203 dots an inch: as coarse as a label printer."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        return [[code.text for code in zxingcpp.read_barcodes(page.render(scale=203 / 72, grayscale=True).to_pil())] for page in document]
    finally:
        document.close()


def an_address(**given: str) -> Address:
    known = {
        "name": "Ada Example",
        "street1": "1 Sample Street",
        "city": "Springfield",
        "region": "IL",
        "postcode": "62701",
        "country": "US",
    }
    return Address(**(known | given))


def a_slip(*lines: Packed, **given: Any) -> Slip:
    known = {"shop": SHOP, "shipment": "S-1007-1", "order": "#1007", "to": an_address(), "placed_on": date(2026, 5, 2)}
    return Slip(**(known | {"lines": lines or (a_line(),)} | given))


def a_line(sku: str = "MUG", title: str = "Blue mug", units: int = 1, ordered: int = 1, bin: str = "A-1") -> Packed:  # noqa: A002 - it is one
    return Packed(sku, title, units, ordered, bin)


def a_png(wide: int, tall: int, gray: int = 0) -> bytes:
    """A picture of one gray."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = b"".join(b"\0" + bytes([gray]) * wide for _ in range(tall))
    head = struct.pack(">IIBBBBB", wide, tall, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
