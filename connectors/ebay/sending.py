"""What leaves, and what shall not: parcels told of, orders called off, buyers' wishes for it answered."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from connectors.ebay import render
from connectors.ebay.client import Client
from connectors.http import as_datetime
from core.domain.shipping import Appeal, Cancelling, CancelReason, Sent
from core.errors import BadPayload, Refused
from core.ports import Kit

Doc = Mapping[str, Any]


class Sending:
    """One seller's."""

    def __init__(self, kit: Kit, client: Client) -> None:
        self._kit, self._client = kit, client

    def confirm(self, sent: Sent) -> str:
        return self._client.ship(sent.order, render.parcel(sent))

    def confirmed(self, sent: Sent) -> str | None:
        """It keeps no keys: a parcel is known by its tracking number and its units, or, without a number, by its time and by being none of
        the others."""
        known = (one for one in self._client.shipments(sent.order) if sent.tracking or str(one["fulfillmentId"]) not in sent.others)
        return next((str(one["fulfillmentId"]) for one in known if _is(one, render.parcel(sent))), None)

    def cancel(self, order: str, reason: CancelReason) -> Cancelling:
        """A buyer's open wish is granted, else a request of our own is made. What is cancelled, or being so, is not cancelled again."""
        document = self._order(order)
        if (stands := _cancelling(document)) is not Cancelling.NOT_CANCELLED:
            return stands
        if _status(document, "orderFulfillmentStatus") != "NOT_STARTED":
            raise Refused("a part of the order is sent", words="A part of the order is sent: eBay cancels no such order.", order=order)
        if wished := next(_wishes(document), None):
            self._client.approve(str(wished["cancelRequestId"]))
        else:
            self._client.call_off(render.cancellation(document, reason))
        return Cancelling.ASKED

    def cancelling(self, order: str) -> Cancelling:
        return _cancelling(self._order(order))

    def appeals(self, order: str) -> Sequence[Appeal]:
        """Only getOrder tells them. A seller has `cancel_answer_days` to answer."""
        return [self._appeal(one) for one in _wishes(self._order(order))]

    def _appeal(self, wish: Doc) -> Appeal:
        asked, days = wish.get("cancelRequestedDate"), timedelta(days=float(self._kit.settings["cancel_answer_days"]))
        due = as_datetime(asked) + days if asked else None
        return Appeal(str(wish["cancelRequestId"]), str(wish.get("cancelReason") or ""), due)

    def answer(self, order: str, appeal: Appeal, *, agree: bool, sent: Sent | None) -> None:
        """One that is answered already is left as it is."""
        if appeal.id not in [str(one["cancelRequestId"]) for one in _wishes(self._order(order))]:
            return
        if agree:
            self._client.approve(appeal.id)
        else:
            self._client.reject(appeal.id, render.rejection(sent))

    def _order(self, order: str) -> dict[str, Any]:
        document = self._client.order(order)
        if document is None:
            raise Refused("ebay has no such order", order=order)
        return document


def _is(shipment: Doc, ours: Doc) -> bool:
    if ours.get("trackingNumber"):
        same = render.bare(str(shipment.get("shipmentTrackingNumber") or "")) == ours["trackingNumber"]
    else:
        same = not shipment.get("shipmentTrackingNumber") and shipment.get("shippedDate") == ours["shippedDate"]
    return same and _units(ours) <= _units(shipment)


def _units(parcel: Doc) -> Counter[str]:
    found: Counter[str] = Counter()
    for line in parcel.get("lineItems") or ():
        found[str(line["lineItemId"])] += int(line.get("quantity") or 1)
    return found


def _status(holder: Doc, key: str) -> str:
    value = holder.get(key)
    if not isinstance(value, str):
        raise BadPayload(f"ebay order: {key}: missing")
    return value


def _cancelling(document: Doc) -> Cancelling:
    """In progress may also be a buyer's wish that nobody answered."""
    state = _status(document.get("cancelStatus") or {}, "cancelState")
    if state == "CANCELED":
        return Cancelling.DONE
    return Cancelling.ASKED if state == "IN_PROGRESS" and next(_wishes(document), None) is None else Cancelling.NOT_CANCELLED


def _wishes(document: Doc) -> Iterator[Doc]:
    """The buyer's requests that are open: their state is another one once the seller answered (CancelRequestStateEnum, read 2026-11)."""
    for request in (document.get("cancelStatus") or {}).get("cancelRequests") or ():
        by_buyer = str(request.get("cancelInitiator") or "").lower() == "buyer"
        if by_buyer and request.get("cancelRequestState") == "REQUESTED" and request.get("cancelRequestId"):
            yield request
