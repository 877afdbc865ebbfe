"""Connecting a seller by consent: they agree in Seller Central and come back with a code (developer-docs.amazon.com/sp-api, "Website
authorization workflow", read 2026-11)."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlencode

from connectors.amazon.client import Client, granted
from connectors.amazon.tables import MARKETPLACES, SELLER_CENTRALS
from connectors.http import Held
from core.errors import BadPayload, Forged, Refused
from core.ports import Fresh, Granted, Kit


class AmazonConsents:
    """One for our app. `kit` is a door's."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    def lacks(self) -> str:
        return "" if self._kit.app.get("application_id") else "application_id"

    def address(self, wish: Mapping[str, str], state: str, back: str) -> str:
        """The Seller Central of the first marketplace; one consent holds for its whole region."""
        settings, first = self._kit.settings, _marketplaces(self._kit, wish)[0]
        if first not in MARKETPLACES:
            raise BadPayload(f"amazon: there is no marketplace {first[:20]}")
        query = {"application_id": self._kit.app["application_id"], "state": state, "redirect_uri": back}
        beta = {"version": settings["consent_version"]} if settings["consent_version"] else {}
        site = settings["consent_url"] or SELLER_CENTRALS.get(first) or SELLER_CENTRALS[MARKETPLACES[first].region]
        return f"{site}/apps/authorize/consent?{urlencode({**query, **beta})}"

    def granted(self, query: Mapping[str, str], wish: Mapping[str, str], back: str) -> Granted:
        """Amazon does not sign the seller's id: one read of that seller's listings with the new token proves it."""
        seller, code = query.get("selling_partner_id", ""), query.get("spapi_oauth_code", "")
        if not code:
            raise Refused("Amazon: the person did not agree")
        if not (0 < len(seller) <= 64 and seller.isascii() and seller.isalnum()):
            raise Forged("amazon: that is no seller's id")
        places = ",".join(_marketplaces(self._kit, wish))
        fresh = self._fresh(granted(self._kit, {"grant_type": "authorization_code", "code": code, "redirect_uri": back}), places)
        self._prove(seller, fresh)
        return Granted(seller, fresh, f"Amazon {MARKETPLACES[places.partition(',')[0]].country}")

    def _fresh(self, fresh: Fresh, places: str) -> Fresh:
        if not fresh.login:
            raise Refused("Amazon gave no token that can be renewed")
        until = self._kit.clock() + timedelta(days=int(self._kit.settings["consent_days"]))
        return replace(fresh, login={**fresh.login, "marketplace_ids": places}, until=until)

    def _prove(self, seller: str, fresh: Fresh) -> None:
        try:
            Client(replace(self._kit, account=seller, tokens=Held(fresh.access), login=fresh.login)).listings(None, page_size=1)
        except Refused:
            raise Forged("amazon: the token is not this seller's") from None


def _marketplaces(kit: Kit, wish: Mapping[str, str]) -> list[str]:
    said = wish.get("marketplace_ids") or str(kit.settings["marketplace_ids"])
    return [word.strip() for word in said.split(",") if word.strip()] or [""]
