"""What Xero's refusals mean. Pure."""

import re
from collections.abc import Iterator
from typing import Any

from core.domain.ledgers import Why

# In this order: a message about a tax type names an account, too. Texts as they were seen in the wild until 2026-11.
MEANS: tuple[tuple[re.Pattern[str], Why], ...] = tuple(
    (re.compile(pattern, re.I), why)
    for pattern, why in (
        (r"lock date|locked period|period is locked", Why.CLOSED),
        (r"must be unique|already (been )?used|already exists", Why.DUPLICATE),
        (r"exceeds the amount outstanding|allocation exceeds|amount allocated exceeds", Why.PAID),
        (r"not of valid status|cannot be (edited|modified|voided)|already (been )?(voided|deleted|paid)|payments? .*allocated", Why.STALE),
        (r"not subscribed|currency", Why.CURRENCY),
        (r"tax ?type|tax rate|tax amount|taxamount", Why.TAX),
        (
            r"debits .*credits|does not equal|does not match|exceeds the|greater than the amount|total .*(zero|negative)",
            Why.UNBALANCED,
        ),
        (r"account", Why.ACCOUNT),
        (r"contact", Why.CONTACT),
        (r"reached the limit|subscription|upgrade|plan ", Why.PLAN),
    )
)


def why(words: str) -> Why:
    """The first meaning that fits."""
    return next((meaning for pattern, meaning in MEANS if pattern.search(words)), Why.OTHER)


def told(said: Any) -> str:
    """Xero's own words in a refusal: those about each element, else its message or detail."""
    if not isinstance(said, dict):
        return ""
    about = list(dict.fromkeys(_each(said)))
    return " ".join(about or [text for name in ("Message", "Detail", "Title") if isinstance(text := said.get(name), str)])[:500]


def _each(said: dict[str, Any]) -> Iterator[str]:
    """Elements hold ValidationErrors, and so may what is inside of an element."""
    for name in ("Elements", "ValidationErrors"):
        for one in said.get(name) or () if isinstance(said.get(name), list) else ():
            if isinstance(one, dict):
                if isinstance(one.get("Message"), str):
                    yield one["Message"]
                yield from _each(one)
