"""What leaves, and what shall not: parcels confirmed, orders called off, buyers' wishes for it answered."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC
from typing import Any

from connectors.amazon import normalize, render
from connectors.amazon.client import Client, stamp
from connectors.amazon.read import need
from connectors.http import write_json
from core.domain.order import Order, Shipped
from core.domain.shipping import Appeal, Cancelling, CancelReason, Sent
from core.errors import Refused, Unsupported
from core.ports import Kit


class Sending:
    """One seller account's. An order of it is read as it is now."""

    def __init__(self, kit: Kit, client: Client) -> None:
        self._kit, self._client = kit, client

    def confirm(self, sent: Sent) -> str:
        """Its number among the order's parcels is Amazon's id of it: said again, it corrects what was said."""
        if not sent.tracking:
            raise Refused("amazon takes no parcel without a tracking number", words="A tracking number is needed.", order=sent.order)
        place = sent.marketplace or self._order(sent.order).marketplace or self._client.marketplaces[0]
        self._client.confirm(sent.order, render.package(sent, place, stamp(sent.sent_at.astimezone(UTC))))
        return str(sent.number)

    def confirmed(self, sent: Sent) -> str | None:
        return next((one.id for one in self._order(sent.order).shipped if _is(one, sent)), None)

    def cancel(self, order: str, reason: CancelReason) -> Cancelling:
        """By feed, as Amazon has no other way. Said twice it has one effect: what is cancelled is not cancelled again."""
        kind, now = str(self._kit.settings["cancel_feed"]), self._order(order)
        if now.is_cancelled:
            return Cancelling.DONE
        if any(line.fulfilled for line in now.lines):
            raise Refused("a part of the order is sent", words="A part of the order is sent: Amazon cancels no such order.", order=order)
        if not kind:
            raise Unsupported("amazon orders are cancelled in Seller Central here", order=order)
        items = [line.id for line in now.lines if line.open]
        self._client.acknowledge(kind, render.declined(self._kit.account, order, items, reason))
        return Cancelling.ASKED

    def cancelling(self, order: str) -> Cancelling:
        """Feeds do not tell which orders they are about: until the order is cancelled it looks as if nobody asked."""
        return Cancelling.DONE if self._order(order).is_cancelled else Cancelling.NOT_CANCELLED

    def appeals(self, order: str) -> Sequence[Appeal]:
        """A wish has no number of its own, and nothing is due: not to answer is to send it."""
        raw = self._raw(order)
        now = normalize.order(write_json(raw), self._kit.account)
        return (Appeal("", normalize.wish(raw)),) if now.cancel_requested and not now.is_cancelled else ()

    def answer(self, order: str, *, agree: bool) -> None:
        """To agree is to cancel it; otherwise there is nothing to say: the parcel will tell."""
        if agree:
            self.cancel(order, CancelReason.BUYER)

    def _order(self, order: str) -> Order:
        return normalize.order(write_json(self._raw(order)), self._kit.account)

    def _raw(self, order: str) -> dict[str, Any]:
        answer = self._client.order(order)
        if answer is None:
            raise Refused("amazon has no such order", order=order)
        return need(answer, "order", dict)


def _is(package: Shipped, sent: Sent) -> bool:
    """Whether Amazon knows this parcel, and all of it. To one whose label it sold it gave a number of its own."""
    there, ours = Counter[str](), Counter[str]()
    for line in package.lines:
        there[line.line] += line.quantity
    for part in sent.lines:
        ours[part.line] += part.units
    return (sent.own or package.id == str(sent.number)) and sent.tracking in package.tracking and ours <= there
