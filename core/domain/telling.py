"""What a buyer is told of a parcel: which of its steps, and in which words. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from html import escape
from typing import Any

from core.domain.later import N_
from core.domain.shipping import Progress, Step


class Kind(StrEnum):
    SHIPPED = "shipped"
    OUT_FOR_DELIVERY = "out_for_delivery"
    DELIVERED = "delivered"
    EXCEPTION = "exception"


OF_PROGRESS = {
    Progress.OUT_FOR_DELIVERY: Kind.OUT_FOR_DELIVERY,
    Progress.DELIVERED: Kind.DELIVERED,
    Progress.EXCEPTION: Kind.EXCEPTION,
}
OLD = timedelta(days=1)  # about what is older nobody is told
MAIL = "mail"

KINDS = {
    Kind.SHIPPED: N_("Sent"),
    Kind.OUT_FOR_DELIVERY: N_("Out for delivery"),
    Kind.DELIVERED: N_("Delivered"),
    Kind.EXCEPTION: N_("Something went wrong"),
}

# Channels whose buyers are not to be written to past them, and why: shown beside the choice.
UNWISHED = {
    # sellercentral.amazon.com, Communication Guidelines (G1701), seen 2026-11: "you can contact buyers only to complete orders or to
    # respond to customer service questions", by Buyer-Seller Messaging; the address that an order carries is an alias of Amazon's.
    "amazon": N_(
        "Amazon tells its buyers itself and allows other messages only to complete an order, through its own messaging. What you send "
        "past that may cost you the account, and the address in an order is an alias of Amazon's."
    ),
    # ebay.com, Member-to-member contact policy (id=4262), seen 2026-11: "we replace email addresses with aliases for buyers and sellers".
    "ebay": N_(
        "eBay tells its buyers itself, puts an alias in place of a buyer's address, and does not allow contact details such as addresses "
        "of other pages in messages."
    ),
    "shopify": N_("Shopify writes to its buyers itself when it is told of a parcel. Switch that off there, or leave these off."),
}


@dataclass(frozen=True, slots=True)
class Telling:
    """What a merchant chose: of which kinds buyers of which connection are told; to whom they answer."""

    kinds: Mapping[str, frozenset[str]] = field(default_factory=dict)
    reply_to: str = ""

    def tells(self, connection: str, kind: Kind) -> bool:
        return kind in self.kinds.get(connection, frozenset())


def telling(said: Mapping[str, Any]) -> Telling:
    """From what is kept of it; nobody is told anything until somebody says so."""
    kinds = {str(id): frozenset(some) & set(Kind) for id, some in said.get("kinds", {}).items()}
    return Telling(kinds, str(said.get("reply_to", "")))


def kept(one: Telling) -> dict[str, Any]:
    """As it is kept."""
    return {"kinds": {id: sorted(some) for id, some in sorted(one.kinds.items()) if some}, "reply_to": one.reply_to}


def worth_telling(steps: Sequence[Step], now: datetime) -> tuple[Kind, datetime] | None:
    """The newest of these steps (oldest first) where a buyer wants to know it: a driver who is over by now, or anything older than a
    day, is not told. What we have no word for says nothing either way."""
    known = [step for step in steps if step.progress is not Progress.UNKNOWN]
    if not known or known[-1].progress not in OF_PROGRESS or known[-1].at < now - OLD:
        return None
    return OF_PROGRESS[known[-1].progress], known[-1].at


# ---- words

TITLES = {
    Kind.SHIPPED: N_("%(shop)s: a parcel of your order %(order)s was sent"),
    Kind.OUT_FOR_DELIVERY: N_("%(shop)s: a parcel of your order %(order)s comes today"),
    Kind.DELIVERED: N_("%(shop)s: a parcel of your order %(order)s was delivered"),
    Kind.EXCEPTION: N_("%(shop)s: a parcel of your order %(order)s is held up"),
}
LINES = {
    Kind.SHIPPED: N_("A parcel of your order %(order)s is on its way to you."),
    Kind.OUT_FOR_DELIVERY: N_("A parcel of your order %(order)s is in the hands of the driver who brings it."),
    Kind.DELIVERED: N_("The carrier says that a parcel of your order %(order)s was delivered."),
    Kind.EXCEPTION: N_("The carrier says that something holds up a parcel of your order %(order)s. It may ask something of you."),
}
CARRIER = N_("Carrier: %(carrier)s, number %(tracking)s.")
EXPECTED = N_("It should come on %(day)s.")
SEE = N_("See where it is: %(address)s")
ANSWER = N_("Questions? Answer this letter.")
WORDS = (CARRIER, EXPECTED, SEE, ANSWER)

# One address, of letters that can be in one: nothing of it can end a header or name a second recipient.
ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?", re.ASCII)


def is_address(text: str) -> bool:
    return ADDRESS.fullmatch(text) is not None


def as_page(lines: Sequence[str], address: str, language: str) -> str:
    """The same lines as a page of HTML, in which nothing is fetched from anywhere. Where a line holds `address` it leads there."""
    link = f'<a href="{escape(address)}">{escape(address)}</a>'
    written = [escape(line).replace(escape(address), link) if address else escape(line) for line in lines]
    body = "\n".join(f"<p>{line}</p>" for line in written)
    return f'<!doctype html>\n<html lang="{escape(language)}">\n<head><meta charset="utf-8"></head>\n<body>\n{body}\n</body>\n</html>\n'
