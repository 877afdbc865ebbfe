"""What a merchant's pages for buyers look like: a color that words can be read on, a way to the shop, whom to ask. Pure."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from core.domain.telling import is_address

COLOR = re.compile(r"#[0-9a-f]{6}", re.ASCII)
LINK = re.compile(r"https://[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::\d{1,5})?(?:[/?#][!-~]*)?", re.ASCII | re.IGNORECASE)
DARK, LIGHT = "#000000", "#ffffff"
LONGEST = 300


@dataclass(frozen=True, slots=True)
class Look:
    """`color` as #rrggbb, `link` to the shop (https), `support` a mail address, `logo` the mark of the picture that is kept; each may be
    ""."""

    color: str = ""
    link: str = ""
    support: str = ""
    logo: str = ""

    @property
    def ink(self) -> str:
        """What is written on the color: whichever can be read better. On every color one of the two stands out 4.5 to 1 or more, which is
        what WCAG 2.2 asks for (1.4.3)."""
        return max((LIGHT, DARK), key=lambda ink: contrast(ink, self.color)) if self.color else ""


def look(said: Mapping[str, Any]) -> Look:
    """From what is kept of it."""
    return Look(**{name: str(said.get(name, "")) for name in Look.__slots__})


def kept(one: Look) -> dict[str, str]:
    """As it is kept."""
    return asdict(one)


def is_color(text: str) -> bool:
    return COLOR.fullmatch(text) is not None


def is_link(text: str) -> bool:
    """An address of the web that a browser may be led to."""
    return len(text) <= LONGEST and LINK.fullmatch(text) is not None


def is_support(text: str) -> bool:
    return is_address(text)


def contrast(one: str, other: str) -> float:
    """How far two colors stand apart, from 1 to 21 (WCAG 2.2, contrast ratio)."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: str) -> float:
    red, green, blue = (_linear(int(color[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    """Of a part of a color in sRGB."""
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
