"""Connecting a company by consent: somebody agrees on Intuit's page and comes back with a code and the company's realm id
(developer.intuit.com, OAuth 2.0, read 2026-11)."""

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlencode

from connectors.http import Held
from connectors.quickbooks.client import Client, grant
from core.errors import Forged, RateLimited, Refused
from core.ports import Granted, Kit

SCOPE = "com.intuit.quickbooks.accounting"
PATIENCE = (3.05, 10.0)  # a person waits


class QuickBooksConsents:
    """One for our app. `kit` is a door's."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    def lacks(self) -> str:
        return next((name for name in ("client_id", "client_secret") if not self._kit.app.get(name)), "")

    def address(self, wish: Mapping[str, str], state: str, back: str) -> str:
        query = {"client_id": self._kit.app["client_id"], "response_type": "code", "scope": SCOPE, "redirect_uri": back, "state": state}
        return f"{self._kit.settings['auth_url']}?{urlencode(query)}"

    def granted(self, query: Mapping[str, str], wish: Mapping[str, str], back: str) -> Granted:
        """Intuit does not sign the realm id: one read of that company with the new token proves it, and names it."""
        code, realm = query.get("code", ""), query.get("realmId", "")
        if query.get("error") or not code:
            raise Refused("QuickBooks: the person did not agree", words=query.get("error", "")[:100])
        if not (0 < len(realm) <= 30 and realm.isascii() and realm.isdigit()):
            raise Forged("quickbooks: that is no company's id")
        fresh = grant(self._kit, {"grant_type": "authorization_code", "code": code, "redirect_uri": back}, PATIENCE)
        if not fresh.login:
            raise Refused("QuickBooks gave no token that can be renewed")
        return Granted(realm, fresh, self._name(realm, fresh.access))

    def _name(self, realm: str, token: str) -> str:
        try:
            company = Client(replace(self._kit, account=realm, tokens=Held(token))).company()
        except RateLimited:
            raise
        except Refused:
            raise Forged("quickbooks: the token is not this company's") from None
        return str(company.get("CompanyName") or realm)[:200]
