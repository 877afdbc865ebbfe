"""Connecting a seller by consent: they agree on a page of eBay's and come back with a code (developer.ebay.com, OAuth, read 2026-11)."""

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlencode

from connectors.ebay.client import Client, grant
from connectors.http import Held
from core.errors import BadPayload, Refused
from core.ports import Granted, Kit

PATIENCE = (3.05, 10.0)  # a person waits


class EbayConsents:
    """One for our app. `kit` is a door's. eBay is told its own name of our address, the RuName, and knows the address itself."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    def lacks(self) -> str:
        return "" if self._kit.app.get("ru_name") else "ru_name"

    def address(self, wish: Mapping[str, str], state: str, back: str) -> str:
        app, settings = self._kit.app, self._kit.settings
        query = {"client_id": app["client_id"], "response_type": "code", "redirect_uri": app["ru_name"], "scope": settings["scopes"]}
        return f"{settings['auth_url']}/oauth2/authorize?{urlencode({**query, 'state': state, 'prompt': 'login'})}"

    def granted(self, query: Mapping[str, str], wish: Mapping[str, str], back: str) -> Granted:
        """The code's tokens, and then who the seller is: eBay's way back does not name them."""
        if query.get("error") or not query.get("code"):
            raise Refused("eBay: the person did not agree", words=query.get("error", "")[:100])
        form = {"grant_type": "authorization_code", "code": query["code"], "redirect_uri": self._kit.app["ru_name"]}
        fresh = grant(self._kit, form, PATIENCE)
        if not fresh.login:
            raise Refused("eBay gave no token that can be renewed")
        user = Client(replace(self._kit, tokens=Held(fresh.access))).user()
        name = user.get("username") or user.get("userId")
        if not isinstance(name, str) or not name:
            raise BadPayload("ebay user: username: missing")
        return Granted(name, fresh, name)
