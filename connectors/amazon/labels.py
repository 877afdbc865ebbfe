"""Amazon as the carrier of its own orders: Buy Shipping, by the Shipping API v2."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from connectors.amazon import normalize, postage
from connectors.amazon.client import Client
from connectors.amazon.read import need
from connectors.http import write_json
from core.domain.order import Order
from core.domain.shipping import Bought, Consignment, LabelFormat, Paper, Quote, Sought, Tracked, Voided, Voiding
from core.errors import AccessLost, RateLimited, Refused
from core.ports import Kit


class BuyShipping:
    """One seller account's. It is a Prepares and a Reprints too. What is bought here Amazon tells its buyer by itself."""

    def __init__(self, kit: Kit, client: Client) -> None:
        self._kit, self._client = kit, client

    def probe(self) -> str:
        """The seller account: its channel proves it."""
        return self._kit.account

    def rates(self, wish: Consignment) -> Sequence[Quote]:
        answer = self._client.rates(postage.rates(_its_own(wish)))
        found = postage.quotes(answer)
        if not found and (words := postage.why_none(answer)):
            raise Refused("amazon offers no label for this", words=words, order=wish.order)
        return found

    def prepare(self, wish: Consignment, service: str) -> str:
        answer = self._client.rates(postage.rates(_its_own(wish)))
        found = postage.offer(answer, service, wish.label)
        if found is None:
            words = postage.why_none(answer) or "This service is not offered for it now."
            raise Refused("amazon does not offer that service now", words=words, order=wish.order)
        return found

    def buy(self, wish: Consignment, service: str, key: str) -> Bought:
        wish = wish if wish.offer else replace(wish, offer=self.prepare(wish, service))
        return postage.bought(self._client.purchase(postage.purchase(wish.offer), key), wish)

    def find(self, wish: Consignment, service: str, key: str) -> Bought | Sought:
        """The same purchase under the same key, word for word: what was sold is given again. Where its offer is over, the order tells:
        Amazon shows each parcel whose label it sold."""
        if not wish.offer:
            return Sought.ABSENT
        try:
            return self.buy(wish, service, key)
        except AccessLost:
            raise
        except Refused as error:
            if self._order(wish.order).shipped:
                return Sought.CANNOT_TELL
            if not postage.is_expired(error.words):
                raise
        return Sought.ABSENT

    def void(self, bought: Bought) -> Voiding:
        try:
            self._client.cancel_label(_shipment(bought))
        except AccessLost:
            raise
        except Refused as error:
            if error.facts.get("status") in (400, 404):
                return Voiding(Voided.REFUSED, error.words)
            raise
        return Voiding(Voided.VOIDED)

    def papers(self, bought: Bought, label: LabelFormat) -> Sequence[Paper]:
        boxes = range(1, int(bought.handle["boxes"]) + 1)
        found = [
            paper for box in boxes for paper in postage.papers(self._client.documents(_shipment(bought), str(box), postage.FORMATS[label]))
        ]
        return sorted(found, key=lambda paper: paper.kind != "label")

    def track(self, numbers: Sequence[str]) -> Mapping[str, Tracked]:
        found: dict[str, Tracked] = {}
        for number in numbers:
            try:
                said = self._client.label_track(number, postage.carrier_of(number))
            except RateLimited:
                if found:
                    break
                raise
            found[number] = Tracked() if said is None else postage.tracked(said)
        return found

    def _order(self, order: str) -> Order:
        answer = self._client.order(order)
        if answer is None:
            raise Refused("amazon has no such order", order=order)
        return normalize.order(write_json(need(answer, "order", dict)), self._kit.account)


def _its_own(wish: Consignment) -> Consignment:
    if not wish.order:
        raise Refused("amazon sells labels for its own orders alone", words="Amazon sells labels for Amazon orders alone.")
    return wish


def _shipment(bought: Bought) -> str:
    return str(bought.handle["shipment"])
