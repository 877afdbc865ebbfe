"""What cards, badges and banners are on a page: elements of the admin that frames us, where it has some; else plain ones in our own look.

The names are those of Shopify's Polaris web components (shopify.dev, "Polaris web components", read 2026-11). A page is the same without
their script: what it does not define is drawn by our stylesheet, and whatever is pressed or filled in is plain HTML in any case.
"""

from markupsafe import Markup, escape

from core.ports import Bridge

TONES = {"good": "success", "warn": "warning", "bad": "critical", "info": "info"}


class Tag:
    """An element with a tone, as templates write it: <{{ banner.bad }}>...</{{ banner }}>."""

    def __init__(self, name: str, is_theirs: bool, kind: str) -> None:
        self._name, self._is_theirs, self._kind = name, is_theirs, kind

    def __getitem__(self, tone: str) -> Markup:
        plain = Markup(f'{self._name} class="{self._kind} {escape(tone)}"')  # noqa: S704 - names of ours, and a tone that is escaped
        theirs = TONES.get(tone)
        return plain + Markup(f' tone="{theirs}"') if self._is_theirs and theirs else plain  # noqa: S704 - of the table

    def __str__(self) -> str:
        return self._name


def words(bridge: Bridge | None) -> dict[str, object]:
    """For templates: `card`, `badge_of` and `banner` name elements, `flush` is what a card without a margin inside has."""
    theirs = bridge is not None and bool(bridge.elements)
    names = ("s-section", "s-badge", "s-banner") if theirs else ("section", "span", "div")
    return {
        "card": names[0],
        "flush": Markup(' padding="none"') if theirs else "",
        "badge_of": Tag(names[1], theirs, "badge"),
        "banner": Tag(names[2], theirs, "banner"),
    }
