"""Text of any script, broken into lines that fit and put in the order in which they are seen. Pure; nothing is cut, a letter that no
typeface has is a square."""

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import groupby, pairwise
from operator import itemgetter

from bidi.algorithm import get_base_level, get_display

from core.papers.fonts import Glyph, glyph

LEADING = 1.3  # from line to line, in sizes
RIGHT = re.compile("[\u0590-\u08ff\u200f\u202b\u202e\u2067\ufb1d-\ufdff\ufe70-\ufefe\U00010800-\U00010fff\U0001e800-\U0001efff]")
GLUED = frozenset("\u00a0\u202f\u2007\u2060\ufeff")  # blanks that hold their neighbors together
AFTER = frozenset("-/\u2010\u2012\u2013\u2014")
# Thai, Lao, Burmese and Khmer write no blanks between words: where a line has none, it ends between two letters that may be parted.
UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")
OPENING = frozenset("\u0e40\u0e41\u0e42\u0e43\u0e44\u0ec0\u0ec1\u0ec2\u0ec3\u0ec4")  # vowels that are written before their consonant
CLOSING = frozenset(
    "\u0e2f\u0e30\u0e32\u0e33\u0e45\u0e46\u0eb0\u0eb2\u0eb3\u3005\u30fc\u3041\u3043\u3045\u3047\u3049\u3063\u3083\u3085\u3087\u30a1\u30a3\u30a5\u30a7\u30a9\u30c3\u30e3\u30e5\u30e7"
)
# A Thai tone mark stands above the vowel that is above its consonant, and above the ring of sara am.
TONES, ABOVE, RAISED = frozenset("\u0e48\u0e49\u0e4a\u0e4b\u0e4c"), frozenset("\u0e31\u0e34\u0e35\u0e36\u0e37\u0e47\u0e4d"), 0.22
SARA_AM = "\u0e33"


@dataclass(frozen=True, slots=True)
class Run:
    """Letters of one typeface, from left to right; `rise` and `width` in points."""

    font: str
    text: str
    width: float
    rise: float = 0


@dataclass(frozen=True, slots=True)
class Line:
    runs: tuple[Run, ...]
    size: float
    width: float

    @property
    def height(self) -> float:
        return self.size * LEADING


def lines(text: str, size: float, width: float, *, bold: bool = False) -> tuple[Line, ...]:
    """`text` in lines of at most `width` points (one letter at least); nothing where there is nothing to see."""
    found = [line for paragraph in text.strip().splitlines() for line in _paragraph(_clean(paragraph), size, width, bold)]
    return tuple(found) if any(line.runs for line in found) else ()


def _clean(paragraph: str) -> str:
    """Composed where that can be, without what has no shape of its own."""
    if paragraph.isascii() and paragraph.isprintable():
        return paragraph
    return "".join(map(_shown, unicodedata.normalize("NFC", paragraph)))


def _shown(char: str) -> str:
    match unicodedata.category(char):
        case "Cc":
            return " "
        case "Cs" | "Co" | "Cn":
            return "\N{WHITE SQUARE}"
    return "" if "\ufe00" <= char <= "\ufe0f" or char == "\u00ad" else char


def _paragraph(text: str, size: float, width: float, bold: bool) -> Iterator[Line]:
    if not RIGHT.search(text):
        for piece in folded(text, width / size, bold):
            yield _line(piece, size, bold)
        return
    joined = _reshaper()(text)
    base = "R" if get_base_level(joined) else "L"
    for piece in folded(joined, width / size, bold):
        yield _line(_marks_last(get_display(piece, base_dir=base)), size, bold)


@cache
def _reshaper() -> Callable[[str], str]:
    """Arabic letters in the form that their neighbors ask for."""
    from arabic_reshaper import ArabicReshaper

    return ArabicReshaper({"delete_harakat": False, "support_ligatures": True}).reshape  # type: ignore[no-any-return]


def _marks_last(seen: str) -> str:
    """Turned round, a mark stands before its letter; it is drawn after it."""
    return re.sub("([\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed]+)(.)", lambda found: found[2] + found[1][::-1], seen)


# ---- breaking


def folded(text: str, room: float, bold: bool) -> Iterator[str]:
    """The lines of a paragraph as they are read; `room` is the width in sizes. What was between them is at most blanks."""
    line: list[str] = []
    used, safe, soft, whole = 0.0, 0, 0, list(clusters(text))
    for cluster, following in pairwise([*whole, ""]):
        wide = width_of(cluster, bold)
        while line and used + wide > room and not cluster.isspace():
            cut = safe or soft or len(line)
            yield "".join(line[:cut]).rstrip()
            line, safe, soft = line[cut:], 0, 0
            used = sum(width_of(one, bold) for one in line)
        line.append(cluster)
        used += wide
        if following and _may_end(cluster, following):
            safe, soft = (safe, len(line)) if UNSPACED.match(cluster) and UNSPACED.match(following) else (len(line), soft)
    yield "".join(line).rstrip()


def width_of(cluster: str, bold: bool) -> float:
    """In sizes."""
    return sum(found.width for found in (glyph(char, bold) for char in cluster) if found)


def clusters(text: str) -> Iterator[str]:
    """Letters, each with the marks that stand on it."""
    if text.isascii():
        yield from text
        return
    cluster = ""
    for char in text:
        if cluster and unicodedata.category(char) not in ("Mn", "Mc", "Me") and char not in "\u200d" and cluster[-1] != "\u200d":
            yield cluster
            cluster = ""
        cluster += char
    if cluster:
        yield cluster


def _may_end(one: str, following: str) -> bool:
    """Whether a line may end between these two clusters."""
    last, first = one[-1], following[0]
    if last in GLUED or first in GLUED:
        return False
    if last.isspace() or last in AFTER:
        return not first.isspace()
    if one.isascii() and following.isascii():
        return False
    closed = first in CLOSING or unicodedata.category(first) in ("Pe", "Pf", "Po")
    opened = one[0] in OPENING or unicodedata.category(last) in ("Ps", "Pi")
    return (_unspaced(one[0]) or _unspaced(first)) and not closed and not opened


def _unspaced(char: str) -> bool:
    return unicodedata.east_asian_width(char) in ("W", "F") or bool(UNSPACED.match(char))


# ---- drawing


def _line(seen: str, size: float, bold: bool) -> Line:
    runs = tuple(_runs(seen, size, bold))
    return Line(runs, size, sum(run.width for run in runs))


def _runs(seen: str, size: float, bold: bool) -> Iterator[Run]:
    for (font, rise), found in groupby(_glyphs(seen, bold), key=itemgetter(0, 1)):
        letters = [letter for _, _, letter in found]
        yield Run(font, "".join(one.char for one in letters), sum(one.width for one in letters) * size, rise * size)


def _glyphs(seen: str, bold: bool) -> Iterator[tuple[str, float, Glyph]]:
    """Each letter that is to be seen with its typeface and how far it is raised, in sizes."""
    for before, char, after in zip(f" {seen}", seen, f"{seen[1:]} ", strict=False):
        if found := glyph(char, bold):
            raised = char in TONES and (before in ABOVE or after == SARA_AM)
            yield found.font, RAISED if raised else 0, found
