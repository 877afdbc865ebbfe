"""The typefaces of papers: which of them has a letter, and how wide it is there. They are read when a letter first needs them, and every
paper carries the letters that it uses, so that it prints alike everywhere."""

import threading
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

FOLDER = Path(__file__).with_name("typefaces")
FILES = {
    "Papers": "DejaVuSans.ttf",  # Latin, Greek, Cyrillic, Armenian, Georgian, Hebrew, Arabic, signs
    "Papers-Bold": "DejaVuSans-Bold.ttf",
    "Papers-Thai": "NotoSansThai-Regular.ttf",
    "Papers-Far": "wqy-microhei.ttc",  # Chinese, Japanese, Korean
}
PLAIN = ("Papers", "Papers-Thai", "Papers-Far")
BOLD = ("Papers-Bold", *PLAIN)
UNKNOWN = "\N{WHITE SQUARE}"  # a letter that no typeface has
READING = threading.Lock()  # held while a file of letters is read


@dataclass(frozen=True, slots=True)
class Glyph:
    """A letter as it is drawn: `width` is at size 1."""

    font: str
    char: str
    width: float


@lru_cache(maxsize=60_000)
def glyph(char: str, bold: bool) -> Glyph | None:
    """How `char` is drawn: as it is, as the plain form of it, or as a square; None where there is nothing to see."""
    category = unicodedata.category(char)
    if category == "Cf":
        return None
    found = _found(char, bold) or _found(unicodedata.normalize("NFKC", char), bold)
    return found or (None if category in ("Mn", "Me") else _found(UNKNOWN, bold))


def _found(char: str, bold: bool) -> Glyph | None:
    for font in BOLD if bold else PLAIN:
        if len(char) == 1 and ord(char) in _face(font).charToGlyph:
            return Glyph(font, char, _face(font).getCharWidth(ord(char)) / 1000)
    return None


@cache
def _face(font: str):  # type: ignore[no-untyped-def]  # ReportLab has no types
    with READING:
        if font not in pdfmetrics.getRegisteredFontNames():
            pdfmetrics.registerFont(TTFont(font, str(FOLDER / FILES[font])))
    return pdfmetrics.getFont(font).face
