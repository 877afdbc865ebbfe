"""FedEx as a carrier: render, call, normalize."""

from collections.abc import Mapping, Sequence

from connectors.fedex import normalize, render
from connectors.fedex.client import Client, codes_of
from core.domain.order import Address
from core.domain.shipping import Agreed, Bought, Checked, Collection, Consignment, Quote, Sought, Tracked, Voided, Voiding
from core.errors import AccessLost, OutcomeUnknown, Refused
from core.ports import Kit


class FedexCarrier:
    def __init__(self, kit: Kit, client: Client) -> None:
        self._kit, self._client = kit, client
        self._account, self._settings = kit.account, kit.settings

    def probe(self) -> str:
        """FedEx tells nothing of an account: new tokens prove the keys, the first price asked for proves the number."""
        self._client.prove()
        return f"FedEx account ending in {self._account[-4:]}"

    def rates(self, wish: Consignment) -> Sequence[Quote]:
        try:
            said = self._client.quotes(render.rates(wish, self._account, self._settings))
        except Refused as error:
            if codes_of(error.facts) & normalize.NOT_THERE:
                return []
            raise
        return normalize.quotes(said, self._settings)

    def buy(self, wish: Consignment, service: str, key: str) -> Bought:
        said = self._client.ship(render.shipment(wish, service, key, self._account, self._settings), key)
        if number := normalize.job(said):
            said = self._results(number)
        return normalize.bought(said, wish, self._settings)

    def _results(self, number: str) -> Mapping[str, object]:
        """What the job made. Where FedEx does not give it, the job may still have bought."""
        try:
            return self._client.results(render.job(number, self._account))
        except AccessLost:
            raise
        except Refused as error:
            raise OutcomeUnknown("FedEx does not give what its job made", words=error.words, **error.facts) from None

    def find(self, wish: Consignment, service: str, key: str) -> Bought | Sought:
        """By the key on the boxes. FedEx gives no label a second time."""
        asked = render.search(wish, key, self._kit.clock().date(), self._account, self._settings)
        try:
            said = self._client.by_reference(asked)
        except Refused as error:
            if normalize.UNKNOWN_REFERENCE in codes_of(error.facts):
                return Sought.ABSENT
            raise
        return normalize.found(said, wish, key)

    def void(self, bought: Bought) -> Voiding:
        try:
            said = self._client.cancel(render.cancel(bought.handle, self._account))
        except Refused as error:
            if verdict := normalize.cancelled(codes_of(error.facts)):
                return Voiding(verdict, error.words if verdict is Voided.REFUSED else "")
            raise
        return normalize.voided(said)

    def track(self, numbers: Sequence[str]) -> Mapping[str, Tracked]:
        return normalize.tracked(self._client.by_number(render.track(numbers)))

    def check(self, address: Address) -> Checked:
        return normalize.checked(self._client.resolve(render.check(address)), address)

    def pick_up(self, wish: Collection, key: str) -> Agreed:
        said = self._client.pick_up(render.pickup(wish, self._account, self._settings), key)
        return normalize.agreed(said, wish, self._settings)

    def leave(self, agreed: Agreed) -> None:
        try:
            self._client.leave(render.leave(agreed.handle, self._account))
        except Refused as error:
            if not codes_of(error.facts) & normalize.NO_SUCH_PICKUP:
                raise
