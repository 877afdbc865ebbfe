"""What a merchant's pages for buyers look like: chosen by people, checked here, seen by everybody who has a parcel's address."""

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection

from core.domain import looks as domain
from core.domain.looks import Look
from core.domain.who import Who
from core.errors import Refused
from core.hub import Hub
from core.store import audit, looks, people

CHOSEN = "look"  # the merchant's setting


def look(settings: Mapping[str, Any]) -> Look:
    """That of a merchant with these settings."""
    return domain.look(settings.get(CHOSEN) or {})


def choose(hub: Hub, merchant: str, one: Look, who: Who) -> None:
    """Color, way to the shop and whom to ask; the picture stays as it is. Raises Refused for what is none."""
    if one.color and not domain.is_color(one.color):
        raise Refused("a color is written as #336699")
    if one.link and not domain.is_link(one.link):
        raise Refused("the shop's address begins with https://")
    if one.support and not domain.is_support(one.support):
        raise Refused("that is no mail address")
    with hub.unit() as work:
        _set(work.db, merchant, replace(one, logo=_known(work.db, merchant).logo))
        audit.write(work.db, merchant, work.now, who.id, who.name, "letter.look", "", color=one.color, link=one.link, support=one.support)


def set_logo(hub: Hub, merchant: str, raw: bytes, who: Who) -> None:
    """Show this picture. Raises Refused for what is none, or too much of one."""
    logo = _drawn(raw)
    with hub.unit() as work:
        looks.put(work.db, merchant, logo, work.now)
        _set(work.db, merchant, replace(_known(work.db, merchant), logo=sha256(logo).hexdigest()[:12]))
        audit.write(work.db, merchant, work.now, who.id, who.name, "letter.look", "", logo=True)


def _drawn(raw: bytes) -> bytes:
    from core.papers import logos  # what draws is loaded when somebody needs it

    try:
        return logos.drawn_anew(raw)
    except logos.NoPicture as error:
        raise Refused(str(error)) from None


def drop_logo(hub: Hub, merchant: str, who: Who) -> None:
    with hub.unit() as work:
        looks.drop(work.db, merchant)
        _set(work.db, merchant, replace(_known(work.db, merchant), logo=""))
        audit.write(work.db, merchant, work.now, who.id, who.name, "letter.look", "", logo=False)


def _known(db: Connection, merchant: str) -> Look:
    return look(people.settings(db, merchant)[1])


def _set(db: Connection, merchant: str, one: Look) -> None:
    people.choose(db, merchant, **{CHOSEN: domain.kept(one)})
