"""By which words an order is found beside its own number and SKUs, and what somebody who searches may mean. Pure.

Words are folded, so that one spelling finds the other: small letters, without accents, without blanks, without the '#' of a number.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from core.domain.order import Order, Person

Words = frozenset[str]
NONE: Words = frozenset()
MOST = 8  # words of one search
PIECE = re.compile(r"[^\W_]+")
# Letters that Unicode does not take apart into a letter and its accent (Unicode 16, NFKD).
WHOLE = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "æ": "ae", "œ": "oe", "þ": "th", "ı": "i", "ħ": "h"})


def fold(text: str) -> str:
    """One form for all spellings of a word: "  Łódź-7 " is "lodz-7"."""
    if text.isascii():
        return ("".join(text.split()) if " " in text or not text.isprintable() else text).lower().strip("#")
    letters = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    bare = "".join(one for one in letters if not unicodedata.combining(one))
    return "".join(bare.translate(WHOLE).split()).strip("#")


@dataclass(frozen=True, slots=True)
class Found:
    """By what an order is found: by anybody, and by those who may see its buyer."""

    open: Words = NONE
    personal: Words = NONE


def words_of(order: Order, person: Person | None) -> Found:
    """`person` is its buyer while we may hold their data. Its number, its channel's id and its SKUs are columns with indexes: most
    orders need no word of the first kind, and each costs a page of the disk."""
    sent = [number for parcel in order.shipped for number in parcel.tracking]
    anybody = _folded([order.seller_ref, order.source_id, *sent])
    personal = _of_person(person) if person else NONE
    return Found(anybody, personal - anybody if anybody else personal)


def _folded(texts: Iterable[str | None]) -> Words:
    return frozenset([word for text in texts if text and (word := fold(text))])


def _of_person(person: Person) -> Words:
    names, said = {person.name}, {person.email}
    for place in (person.ship_to, person.bill_to):
        if place:
            names |= {place.name, place.company}
            said.add(place.email)
    for name in names:
        said.update(_of_name(name))
    return _folded(said)


def _of_name(name: str) -> list[str]:
    """Its words as they stand, and those that have a hyphen or an apostrophe in pieces too."""
    words = name.split()
    if name.replace(" ", "").isalpha():
        return words
    words = [word for word in words if PIECE.search(word)]
    return [*words, *[piece for word in words for piece in _pieces(word)]]


def _pieces(word: str) -> list[str]:
    return [] if word.isalnum() else PIECE.findall(word)


@dataclass(frozen=True, slots=True)
class Sought:
    """One word of a search: as it was typed, and folded. `numbers` are the ways to write an order's number that it may mean."""

    said: str
    word: str

    @property
    def numbers(self) -> tuple[str, ...]:
        bare = self.said.lstrip("#")
        return tuple(dict.fromkeys(f"{sign}{form}" for form in (bare, bare.upper(), bare.lower()) for sign in ("", "#")))


def meanings(said: str) -> list[tuple[Sought, ...]]:
    """What somebody who types this may look for: an order that has all words of one of these. The whole as one word (an SKU or a
    parcel's number with blanks in it), its words, or their pieces; the likeliest first. None: nothing that could be found."""
    words = said.split()[:MOST]
    pieces = [piece for word in words for piece in (_pieces(fold(word)) or [word])]
    found = [tuple(_sought(part) for part in parts) for parts in ([said.strip()], words, pieces[: 2 * MOST])]
    return [one for one in dict.fromkeys(found) if one and all(part.word for part in one)]


def _sought(said: str) -> Sought:
    return Sought(said, fold(said))
