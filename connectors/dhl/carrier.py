"""DHL Express as a carrier: render -> client -> normalize."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

from connectors.dhl import normalize, render
from connectors.dhl.client import Client
from core.domain.order import Address
from core.domain.shipping import Agreed, Bought, Checked, Collection, Consignment, Quote, Sought, Tracked, Voided, Voiding
from core.errors import RateLimited
from core.ports import Kit


class DhlCarrier:
    """One account. It keeps no keys: a lost answer is looked up by our reference. It charges what it scans, so there is no void."""

    def __init__(self, kit: Kit, client: Client) -> None:
        self._kit, self._client = kit, client

    def probe(self) -> str:
        known = self._kit.settings
        self._client.addresses(render.served(known["probe_country"], known["probe_postcode"], known["probe_city"], known))
        return f"DHL Express {self._kit.login['account_number']}"

    def rates(self, wish: Consignment) -> Sequence[Quote]:
        return normalize.quotes(self._client.rates(render.rates(wish, self._terms(wish.ship_on))))

    def buy(self, wish: Consignment, service: str, key: str) -> Bought:
        body = render.shipment(wish, service, key, self._terms(wish.ship_on))
        said = self._client.ship(body, key, render.shipment_query(wish, self._kit.settings))
        return normalize.bought(said, len(wish.boxes))

    def find(self, wish: Consignment, service: str, key: str) -> Bought | Sought:
        for view in self._kit.settings["lookup_views"].split():
            query = render.by_reference(key, wish.ship_on, self._kit.clock().date(), view, self._terms(wish.ship_on))
            for shipment in normalize.shipments(self._client.tracking(query)):
                if normalize.carries(shipment, key):
                    return normalize.found(shipment, len(wish.boxes)) or Sought.CANNOT_TELL
        return Sought.ABSENT

    def void(self, bought: Bought) -> Voiding:
        """There is nothing to tell DHL: a label that it never scanned costs nothing, and any other is used."""
        said = self._client.tracking(render.by_numbers("shipmentTrackingNumber", [bought.handle["waybill"]]))
        scans = normalize.scans(said)
        return Voiding(Voided.REFUSED, scans[-1]) if scans else Voiding(Voided.UNUSED)

    def track(self, numbers: Sequence[str]) -> Mapping[str, Tracked]:
        said = self._asked(numbers)
        known = {number for shipment in said for number in normalize.told_of(shipment)}
        told = normalize.tracked(self._with_zones(said), self._kit.settings["untold_offset"])
        return {number: told.get(number, Tracked()) for number in numbers if number in told or number not in known}

    def _asked(self, numbers: Sequence[str]) -> list[normalize.Doc]:
        """What many numbers in a call or two are told of: waybills are digits, pieces start with letters."""
        waybills = [number for number in numbers if number.isdigit()]
        kinds = {"shipmentTrackingNumber": waybills, "pieceTrackingNumber": [one for one in numbers if one not in waybills]}
        said = [self._client.tracking(render.by_numbers(kind, some)) for kind, some in kinds.items() if some]
        return list({normalize.waybill_of(one): one for answer in said for one in normalize.shipments(answer)}.values())

    def _with_zones(self, said: Sequence[normalize.Doc]) -> list[normalize.Doc]:
        """Each with the zones of its times, one more call for each that came without; what a spent budget did not reach is left out."""
        timed: list[normalize.Doc] = []
        try:
            for one in said:
                timed += [one] if normalize.has_zones(one) else self._alone(normalize.waybill_of(one))
        except RateLimited:
            if not timed:
                raise
        return timed

    def _alone(self, waybill: str) -> list[normalize.Doc]:
        return normalize.shipments(self._client.shipment_tracking(waybill, render.with_zones(self._kit.settings)))

    def check(self, address: Address) -> Checked:
        return normalize.checked(self._client.addresses(render.address(address, self._kit.settings)), address)

    def pick_up(self, wish: Collection, key: str) -> Agreed:
        ready = wish.ready if wish.ready.tzinfo else wish.ready.replace(tzinfo=render.zone_of(self._kit.settings))
        return normalize.agreed(self._client.pick_up(render.pickup(wish, key, self._at(ready)), key))

    def leave(self, agreed: Agreed) -> None:
        for number in agreed.handle["numbers"]:
            self._client.leave(number, render.cancelling(self._kit.settings))

    def _terms(self, ship_on: date) -> render.Terms:
        return self._at(render.moment(ship_on, self._kit.clock().astimezone(UTC), self._kit.settings))

    def _at(self, at: datetime) -> render.Terms:
        return render.Terms(self._kit.login["account_number"], at, self._kit.settings)
