"""Pictures that others bring: looked at, made small and drawn anew, so that nothing but what is seen of them is kept."""

import struct
from io import BytesIO

from PIL import Image

from core.papers.pictures import BROKEN

FORMATS = ("PNG", "JPEG", "WEBP")
MOST_BYTES, MOST_PIXELS = 1_000_000, 16_000_000
BAD = (*BROKEN, EOFError, KeyError, IndexError, struct.error)  # whatever is wrong in a file
SHOWN = (640, 200)  # twice what the page shows, for fine screens


class NoPicture(ValueError):
    """Why it is not shown."""


def drawn_anew(raw: bytes) -> bytes:
    """As PNG, no larger than it is shown. Raises NoPicture for what is too much, or no picture of the three kinds."""
    if len(raw) > MOST_BYTES:
        raise NoPicture("the picture is larger than a megabyte")
    try:
        with Image.open(BytesIO(raw), formats=FORMATS) as opened:
            if opened.width * opened.height > MOST_PIXELS:  # known before anything of it is unpacked
                raise NoPicture("the picture has more than 16 million points")
            opened.thumbnail(SHOWN)
            out = BytesIO()
            opened.convert("RGBA").save(out, "PNG", optimize=True)
            return out.getvalue()
    except NoPicture:
        raise
    except BAD:
        raise NoPicture("that is no picture in PNG, JPEG or WebP") from None
