"""Our pages inside Shopify's admin: whose ID token it is, who may frame a page, and the shop's own tokens for it.

The rules are those of shopify.dev, "Session tokens" and "Set up iframe protection" (read 2026-11).
"""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from connectors.shopify.client import SHOP, claims, exchanged, fresh
from core.errors import BadPayload, Forged
from core.ports import Bridge, Granted, Guest, Kit

LEEWAY = timedelta(seconds=10)  # as shopifyapi's: App Bridge's clock may be a little ahead
USER = re.compile(r"[\w-]{1,64}", re.A)
IN_QUERY = "id_token"
OF_THE_ADMIN = ("shop", "host", "hmac", "timestamp", "embedded", "locale", "session", IN_QUERY)  # what it adds to an address of ours
RETRY = ("X-Shopify-Retry-Invalid-Session-Request", "1")


class ShopifyFrames:
    """One for our app. `kit` is a door's: our credentials and a way out."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self.bridge = Bridge(
            name="shopify", script=str(kit.settings["app_bridge"]), elements=str(kit.settings["polaris"]), meta="shopify-api-key",
            key=kit.app["client_id"], nav="s-app-nav", account="shop", token=IN_QUERY, reload="shopify-reload", retry=RETRY,
        )  # fmt: skip

    def guest(self, token: str) -> Guest:
        """shopifyapi checks signature, audience and that issuer and destination are one shop; it takes a token without times."""
        said = claims(token, self._kit.app)
        self._holds_now(said)
        return Guest(shop_of(said["dest"]), _user(said["sub"]))

    def _holds_now(self, said: Mapping[str, Any]) -> None:
        now, leeway = self._kit.clock().timestamp(), LEEWAY.total_seconds()
        ends, begins = (_moment(said, name) for name in ("exp", "nbf"))
        if not (begins - leeway <= now < ends + leeway):
            raise Forged("shopify: the ID token does not hold now")

    def ancestors(self, account: str) -> Sequence[str]:
        """The shop's own admin and the one for all; before the shop is known, or where that is none, any shop's."""
        shop = account if SHOP.fullmatch(account) else "*.myshopify.com"
        return (f"https://{shop}", str(self._kit.settings["admin"]))

    def entrance(self, path: str, query: Mapping[str, str]) -> str:
        """The address is made of the shop's name alone: what `host` says somebody else may have written."""
        shop = query.get("shop", "").lower()
        if not SHOP.fullmatch(shop) or not query.get("host"):
            return ""
        kept = {name: value for name, value in query.items() if name not in OF_THE_ADMIN}
        app = str(self._kit.settings["app_page"]).format(store=shop.partition(".")[0], app=self._kit.app["client_id"])
        return f"{app}{quote(path.rstrip('/'))}{'?' if kept else ''}{urlencode(kept)}"

    def login(self, token: str, guest: Guest) -> Granted:
        return Granted(guest.account, fresh(self._kit, exchanged(self._kit, guest.account, token, "offline")))

    def person(self, token: str, guest: Guest) -> tuple[str, str]:
        told = exchanged(self._kit, guest.account, token, "online").get("associated_user")
        if not isinstance(told, Mapping):
            raise BadPayload("shopify: associated_user: missing")
        return " ".join(filter(None, (_text(told, "first_name"), _text(told, "last_name")))), _text(told, "locale")


def shop_of(address: Any) -> str:
    """The shop whose address this is, in small letters. Raises Forged for any other address."""
    said = urlsplit(address) if isinstance(address, str) else None
    if said is None or said.scheme != "https" or not SHOP.fullmatch(said.netloc):
        raise Forged("shopify: the ID token is for no shop")
    return said.netloc.lower()


def _user(said: Any) -> str:
    if not isinstance(said, str) or not USER.fullmatch(said):
        raise Forged("shopify: the ID token names nobody")
    return said


def _moment(said: Mapping[str, Any], name: str) -> float:
    """A time that shopifyapi does not ask for (12.7.0)."""
    value = said.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Forged(f"shopify: the ID token has no {name}")
    return float(value)


def _text(told: Mapping[str, Any], name: str) -> str:
    value = told.get(name)
    return value.strip()[:80] if isinstance(value, str) else ""
