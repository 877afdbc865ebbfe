"""Connecting a shop from outside of its admin: the person agrees on a page of Shopify's and comes back with a code (code grant,
shopify.dev, read 2026-11)."""

import hmac
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlencode

from connectors.shopify import SCOPES
from connectors.shopify.client import SHOP, address, for_code, fresh, shop_named, signed_query
from core.errors import Forged, Refused
from core.ports import Granted, Kit

OLD = timedelta(seconds=90)


class ShopifyConsents:
    """One for our app. `kit` is a door's."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    def lacks(self) -> str:
        """What it needs the app needs anyway."""
        return ""

    def address(self, wish: Mapping[str, str], state: str, back: str) -> str:
        query = {"client_id": self._kit.app["client_id"], "scope": ",".join(SCOPES), "redirect_uri": back, "state": state}
        return f"{address(self._kit, shop_named(wish.get('account', '')))}/admin/oauth/authorize?{urlencode(query)}"

    def granted(self, query: Mapping[str, str], wish: Mapping[str, str], back: str) -> Granted:
        """Shopify signs what it sends back; what is older than a minute and a half is somebody's copy of it."""
        shop = query.get("shop", "").lower()
        if not signed_query(query, self._kit.app) or not SHOP.fullmatch(shop) or self._is_old(query.get("timestamp", "")):
            raise Forged("shopify: this is not what Shopify sent back")
        if not hmac.compare_digest(shop, shop_named(wish.get("account", ""))):
            raise Forged("shopify: this is another shop than the one that was asked for")
        if not query.get("code"):
            raise Refused("shopify: the person did not agree")
        return Granted(shop, fresh(self._kit, for_code(self._kit, shop, query["code"])))

    def _is_old(self, said: str) -> bool:
        if not (said.isascii() and said.isdigit() and len(said) < 12):
            return True
        return abs(self._kit.clock().timestamp() - int(said)) > OLD.total_seconds()
