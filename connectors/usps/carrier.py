"""USPS as a carrier: render, ask, normalize. One box a label; each purchase carries our key, under which USPS sells nothing twice."""

from collections.abc import Mapping, Sequence

from connectors.usps import normalize, render
from connectors.usps.client import Client
from core.domain.order import Address
from core.domain.shipping import (
    Agreed,
    Bought,
    Checked,
    Closed,
    Collection,
    Consignment,
    LabelFormat,
    Paper,
    Progress,
    Quote,
    Sought,
    Tracked,
    Verdict,
    Voided,
    Voiding,
)
from core.errors import RateLimited, Refused, Unsupported
from core.ports import Kit


class UspsCarrier:
    def __init__(self, kit: Kit, client: Client) -> None:
        self._kit, self._client = kit, client

    def probe(self) -> str:
        """The payment account, by a new payment authorization: it proves key, CRID, Mailer IDs and account at once."""
        return normalize.account(self._client.authorize())

    def rates(self, wish: Consignment) -> Sequence[Quote]:
        _one_box(wish)
        said, settings = self._client.options(render.options(wish, self._kit.login, self._kit.settings)), self._kit.settings
        offered, packed = (frozenset(str(settings[name]).split()) for name in ("mail_classes", "rate_indicators"))
        kind = str(settings["price_type"])
        return normalize.quotes(said, kind, lambda mail_class: render.indicator(wish.boxes[0], mail_class), offered, packed)

    def buy(self, wish: Consignment, service: str, key: str) -> Bought:
        _one_box(wish)
        abroad, key = render.is_abroad(wish), render.key(key)
        body = (render.international_label if abroad else render.label)(wish, service, self._kit.settings)
        said = self._client.label(body, key, abroad=abroad)
        return normalize.bought(said, wish, key, render.image_format(wish), abroad=abroad)

    def find(self, wish: Consignment, service: str, key: str) -> Bought | Sought:
        """The same purchase under the same key: USPS gives the label that it sold, or sells it now."""
        return self.buy(wish, service, key)

    def void(self, bought: Bought) -> Voiding:
        try:
            return Voiding(normalize.cancelled(self._client.cancel(bought.master, abroad=_abroad(bought))))
        except Refused as error:
            if error.facts.get("status") == 400 and (known := normalize.not_cancelled(error.words)):
                return Voiding(known, error.words if known is Voided.REFUSED else "")
            raise

    def refunded(self, bought: Bought) -> Voided:
        """USPS tells the outcome of a refund request in no API. What can be known: a label that was scanned is never refunded."""
        steps = self.track([bought.master])[bought.master].steps
        used = any(step.progress not in (Progress.LABELLED, Progress.UNKNOWN, Progress.VOIDED) for step in steps)
        return Voided.REFUSED if used else Voided.PENDING

    def papers(self, bought: Bought, label: LabelFormat) -> Sequence[Paper]:
        abroad = _abroad(bought)
        how = LabelFormat.PDF if abroad and label is LabelFormat.PNG else label
        return normalize.reprinted(
            self._client.reprint(bought.master, render.image(how, self._kit.settings, abroad=abroad), abroad=abroad), how
        )

    def track(self, numbers: Sequence[str]) -> Mapping[str, Tracked]:
        found: dict[str, Tracked] = {}
        for number in numbers:
            try:
                said = self._client.tracking(number)
            except RateLimited:
                if found:
                    break
                raise
            found[number] = Tracked() if said is None else normalize.tracked(said, str(self._kit.settings["local_zone"]))
        return found

    def check(self, address: Address) -> Checked:
        if address.country not in render.INLAND:
            return Checked(Verdict.UNCHECKED)
        query = render.address_query(address)
        if query is None:
            return Checked(Verdict.UNKNOWN, words="USPS looks for a street in a state: one of them is missing.")
        try:
            return normalize.checked(self._client.address(query), address)
        except Refused as error:
            if error.facts.get("status") in (400, 404):
                return normalize.not_found(error.words)
            raise

    def close(self, bought: Sequence[Bought], sender: Address, key: str) -> Closed:
        """A SCAN form. USPS keeps no keys of these: a label stands on one form only, so a repeat is refused."""
        return normalize.closed(self._client.scan_form(render.scan_form(bought, sender, self._kit.settings)))

    def pick_up(self, wish: Collection, key: str) -> Agreed:
        """A pickup with the mail of that day. USPS keeps no keys of these: it agrees to one a day and address."""
        return normalize.agreed(self._client.schedule_pickup(render.pickup(wish, self._kit.settings)))

    def leave(self, agreed: Agreed) -> None:
        self._client.cancel_pickup(agreed.id)


def _abroad(bought: Bought) -> bool:
    return bool(bought.handle["abroad"])


def _one_box(wish: Consignment) -> None:
    if len(wish.boxes) != 1:
        raise Unsupported("usps: one box a label", words="USPS sells a label for one parcel at a time.")
