"""UPS as a carrier: what is wished is rendered, sent, and understood."""

from collections.abc import Mapping, Sequence

from connectors.ups import SERVICES, normalize, render
from connectors.ups.client import Client
from core.domain.order import Address
from core.domain.shipping import (
    Agreed,
    Bought,
    Checked,
    Collection,
    Consignment,
    LabelFormat,
    Paper,
    Quote,
    Sought,
    Tracked,
    Verdict,
    Voided,
    Voiding,
)
from core.errors import Refused, Retryable
from core.ports import Kit

NOBODY = "CROSSDOCK-PROBE"  # a reference that no parcel has


class UpsCarrier:
    def __init__(self, kit: Kit, client: Client) -> None:
        self._kit = kit
        self._client = client

    def probe(self) -> str:
        self._client.by_reference(NOBODY, self._kit.clock().date())
        return f"UPS {self._kit.account}"

    def rates(self, wish: Consignment) -> Sequence[Quote]:
        said = self._client.rates(render.rating(wish, self._kit.account, self._kit.settings))
        return [] if said is None else normalize.quotes(said, wish.currency, SERVICES)

    def buy(self, wish: Consignment, service: str, key: str) -> Bought:
        today = self._kit.clock().date()
        return normalize.bought(self._client.ship(render.shipment(wish, service, key, self._kit.account, self._kit.settings, today)))

    def find(self, wish: Consignment, service: str, key: str) -> Bought | Sought:
        """Tracking knows it by our reference, and so does label recovery: absent only where both know of none."""
        tracked = normalize.known(self._client.by_reference(key, wish.ship_on))
        again = self._client.recover(render.recovery_by_reference(wish.label, key, self._kit.account))
        return normalize.sought(tracked, normalize.recovered(again) if again is not None else None, len(wish.boxes))

    def void(self, bought: Bought) -> Voiding:
        """Too late is asked once more: a label that was given back before is refused in the same words."""
        shipment = str(bought.handle["shipment"])
        try:
            return normalize.voided(self._client.void(shipment))
        except Refused as error:
            if not self._client.is_none(error, "too_late_codes"):
                raise
            is_voided = normalize.is_voided(self._client.track(shipment))
            return Voiding(Voided.VOIDED) if is_voided else Voiding(Voided.REFUSED, error.words)

    def track(self, numbers: Sequence[str]) -> Mapping[str, Tracked]:
        """One call for each; where one meets a closed door, what was read before counts."""
        found: dict[str, Tracked] = {}
        for number in numbers:
            try:
                said = self._client.track(number)
            except Retryable:
                if found:
                    return found
                raise
            found[number] = Tracked() if said is None else normalize.tracked(said, number)
        return found

    def papers(self, bought: Bought, label: LabelFormat) -> Sequence[Paper]:
        """UPS prints again what is asked for by a parcel's own number; an image comes as PDF."""
        forms: list[Paper] = []
        labels = [self._again(number, label, forms) for number in bought.tracking]
        return [*labels, *dict.fromkeys(forms)]

    def _again(self, number: str, label: LabelFormat, forms: list[Paper]) -> Paper:
        said = self._client.recover(render.recovery(label, number))
        again = normalize.recovered(said) if said is not None else None
        if again is None or number not in dict(again.parcels):
            raise Refused("UPS prints this label no more", words="UPS has no label of this number.")
        forms += again.forms
        return dict(again.parcels)[number]

    def check(self, address: Address) -> Checked:
        if address.country not in str(self._kit.settings["address_countries"]).split():
            return Checked(Verdict.UNCHECKED)
        return normalize.checked(self._client.check(render.check(address)), address)

    def pick_up(self, wish: Collection, key: str) -> Agreed:
        """Looks first whether a pickup with this key is on its way."""
        for number, reference in normalize.pending(self._client.pending_pickups()).items():
            if reference == key:
                return Agreed(number, {"prn": number})
        return normalize.agreed(self._client.pick_up(render.pickup(wish, key, self._kit.account, self._kit.settings)))

    def leave(self, agreed: Agreed) -> None:
        """What UPS does not cancel and does not have on its way either is over, or was cancelled before."""
        number = str(agreed.handle["prn"])
        try:
            self._client.cancel_pickup(number)
        except Refused:
            if number in normalize.pending(self._client.pending_pickups()):
                raise

    def follow_parcels(self, numbers: Sequence[str], url: str) -> Sequence[str]:
        """None without a credential that UPS could bring: the parcels are asked for then. A subscription holds 14 days."""
        credential = self._kit.app.get("alert_credential", "")
        if not credential or not numbers:
            return []
        return normalize.followed(self._client.subscribe(render.subscription(numbers, url, credential, self._kit.settings)), numbers)
