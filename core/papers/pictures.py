"""What is drawn beside text: bars to scan, the shop's logo, an empty box to write in."""

import re
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import Any

from PIL import Image
from reportlab.graphics.barcode.code128 import Code128
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader

SCANNED = re.compile("[ -~]{1,60}")  # what Code 128 can say and a person can type
WIDTHS = (
    0.375 * mm,
    0.25 * mm,
)  # of one bar: whole dots of a printer with 203 dots an inch; GS1 General Specifications allow 0.25 to 0.5 mm
TALL = 11 * mm
PIXELS = (900, 400)  # a logo never needs more on paper
BROKEN = (OSError, ValueError, SyntaxError, ArithmeticError, Image.DecompressionBombError)


@dataclass(frozen=True, slots=True)
class Bars:
    """Code 128 with its quiet zones."""

    code: Any

    @property
    def width(self) -> float:
        return float(self.code.width)

    @property
    def height(self) -> float:
        return float(self.code.barHeight + mm)

    def draw(self, canvas: Any, x: float, y: float) -> None:
        self.code.drawOn(canvas, x, y + mm)


def bars(text: str, room: float) -> Bars | None:
    """`text` in Code 128, no wider than `room` points; None where it holds what is not plain ASCII, or is too long to be scanned."""
    found = (_bars(text, width) for width in WIDTHS) if SCANNED.fullmatch(text) else ()
    return next((one for one in found if one.width <= room), None)


def _bars(text: str, width: float) -> Bars:
    return Bars(Code128(text, barWidth=width, barHeight=TALL, quiet=1, lquiet=10 * width, rquiet=10 * width))


@dataclass(frozen=True, slots=True)
class Logo:
    image: Any
    width: float
    height: float

    def draw(self, canvas: Any, x: float, y: float) -> None:
        canvas.drawImage(self.image, x, y, self.width, self.height)


def logo(content: bytes, wide: float, tall: float) -> Logo | None:
    """A PNG or JPEG no larger than this, in points; None where there is none, or it cannot be read."""
    image = _image(content) if content else None
    if image is None:
        return None
    width, height = image.getSize()
    scale = min(wide / width, tall / height)
    return Logo(image, width * scale, height * scale)


@lru_cache(maxsize=8)
def _image(content: bytes) -> Any:
    """None where no picture can be made of it."""
    try:
        with Image.open(BytesIO(content), formats=("PNG", "JPEG")) as opened:
            opened.thumbnail(PIXELS)
            return ImageReader(on_white(opened))
    except BROKEN:
        return None


def on_white(image: Image.Image) -> Image.Image:
    """What shows through is white, since paper is; gray stays gray, and black and white so."""
    if image.mode in ("1", "L") and "transparency" not in image.info:
        return image.copy()
    seen = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", seen.size, "white"), seen).convert("RGB")


@dataclass(frozen=True, slots=True)
class Box:
    """Empty, to write in."""

    width: float
    height: float

    def draw(self, canvas: Any, x: float, y: float) -> None:
        canvas.setLineWidth(0.6)
        canvas.rect(x, y, self.width, self.height)
