"""Connecting a shop from outside of its admin: the person agrees on a page of Shopify's and comes back with a code (code grant)."""

from collections.abc import Mapping

from core.ports import Granted, Kit


class ShopifyConsents:
    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    def lacks(self) -> str:
        return ""

    def address(self, wish: Mapping[str, str], state: str, back: str) -> str:
        raise NotImplementedError

    def granted(self, query: Mapping[str, str], wish: Mapping[str, str], back: str) -> Granted:
        raise NotImplementedError
