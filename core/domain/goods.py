"""By which words our goods are found, and which of them a channel's listing may be. Pure."""

import re
from collections.abc import Iterable, Mapping

MOST = 12  # words of one title: nobody looks for the thirteenth
LENGTH = 40
PARTS = re.compile(r"[^\W_]+")
WHOLE_SKU, WHOLE_TITLE = "=", "~"  # before a spelling as a whole: no word begins so


def plain(text: str) -> str:
    """Its letters and digits in small, nothing between them: what two spellings of one thing have in common."""
    return "".join(PARTS.findall(text.casefold()))


def tokens(text: str) -> list[str]:
    """The words that somebody may type, each once, in their order."""
    return list(dict.fromkeys(word[:LENGTH] for word in PARTS.findall(text.casefold())))


def names(sku: str, title: str) -> list[str]:
    """How goods are called as a whole, however it is spelled: by their SKU and by their title."""
    return [mark + plain(text)[:LENGTH] for mark, text in ((WHOLE_SKU, sku), (WHOLE_TITLE, title)) if plain(text)]


def words(sku: str, title: str) -> list[str]:
    """All by which a SKU is found."""
    typed = [sku.casefold()[:LENGTH], *tokens(sku), *tokens(title)[:MOST]]
    return list(dict.fromkeys(filter(None, [*typed, *names(sku, title)])))


def sought(text: str) -> list[str]:
    """What somebody typed, as words that goods are found by: the last one may be the beginning of a word. A text without a blank is
    sought as it stands, since SKUs have dashes in them."""
    said = text.casefold().split()
    if len(said) == 1:
        return [said[0][:LENGTH]]
    return [word for part in said for word in tokens(part)][:MOST]


def after(word: str) -> str:
    """What sorts behind every word that begins with this one."""
    return word + "\U0010ffff"


def likely(found: Iterable[tuple[str, str]]) -> list[str]:
    """SKUs that a listing may be, from (name they share, SKU): those of the same SKU text first."""
    return list(dict.fromkeys(sku for _, sku in sorted(found, key=lambda one: (not one[0].startswith(WHOLE_SKU), one[1]))))


def parts(text: str) -> dict[str, int]:
    """What one unit of a listing consumes, as somebody types it: "KET-SA-04", or "MUG=2, TRAY" for a set. Raises ValueError."""
    made: dict[str, int] = {}
    for part in filter(None, (one.strip() for one in text.split(","))):
        sku, mark, units = part.rpartition("=")
        name, count = (sku.strip(), units.strip()) if mark and units.strip().isdecimal() else (part, "1")
        if not name or name in made or not 1 <= int(count) <= 9_999:
            raise ValueError(text)
        made[name] = int(count)
    return made


def spelled(made: Mapping[str, int]) -> str:
    """The same as a text."""
    return ", ".join(sku if units == 1 else f"{sku}={units}" for sku, units in made.items())
