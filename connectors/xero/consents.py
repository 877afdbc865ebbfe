"""Connecting an organisation by consent: somebody agrees at login.xero.com and comes back with a code (developer.xero.com, "The standard
authorization code flow", read 2026-11)."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode

from connectors.http import Held, read_json
from connectors.xero.client import Body, Client, grant
from core.errors import BadPayload, Forged, Refused
from core.ports import Fresh, Granted, Kit

PATIENCE = (3.05, 10.0)  # a person waits


class XeroConsents:
    """One for our app. `kit` is a door's."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    def lacks(self) -> str:
        return next((name for name in ("client_id", "client_secret") if not self._kit.app.get(name)), "")

    def address(self, wish: Mapping[str, str], state: str, back: str) -> str:
        settings = self._kit.settings
        query = {"response_type": "code", "client_id": self._kit.app["client_id"], "redirect_uri": back, "scope": settings["scopes"]}
        return f"{settings['login_url']}/identity/connect/authorize?{urlencode({**query, 'state': state}, quote_via=quote)}"

    def granted(self, query: Mapping[str, str], wish: Mapping[str, str], back: str) -> Granted:
        """The code's tokens, and which organisation they are for: Xero's way back names none."""
        if query.get("error") or not query.get("code"):
            raise Refused("Xero: the person did not agree", words=query.get("error", "")[:100])
        fresh = grant(self._kit, {}, {"grant_type": "authorization_code", "code": query["code"], "redirect_uri": back}, PATIENCE)
        if not fresh.login:
            raise Refused("Xero gave no token that can be renewed")
        chosen = _chosen(self._theirs(fresh), wish.get("account", ""))
        return Granted(_text(chosen, "tenantId"), fresh, _text(chosen, "tenantName"))

    def _theirs(self, fresh: Fresh) -> Sequence[Body]:
        """The organisations of this consent; all that let us in where Xero tells of none (they had agreed before)."""
        client, event = Client(replace(self._kit, tokens=Held(fresh.access))), _event(fresh.access)
        found = (client.connections(event) if event else []) or client.connections()
        return [one for one in found if one.get("tenantType", "ORGANISATION") == "ORGANISATION"]


def _chosen(found: Sequence[Body], named: str) -> Body:
    """The only one, or the one that was named (a renewal names its id). Raises Refused, or Forged where it is another one."""
    if named:
        said = named.strip().casefold()
        named_so = [one for one in found if said in (_text(one, "tenantId").casefold(), _text(one, "tenantName").casefold())]
        if len(named_so) != 1:
            raise (
                Forged("xero: they agreed to another organisation")
                if not named_so
                else Refused("Xero: several organisations have that name")
            )
        return named_so[0]
    if not found:
        raise Refused("Xero: no organisation was chosen")
    if len(found) > 1:
        raise Refused("Xero: there are several organisations. Start again and type in the name of the one that you mean")
    return found[0]


def _text(one: Body, name: str) -> str:
    said = one.get(name)
    if not isinstance(said, str) or not said:
        raise BadPayload(f"xero connections: {name}: missing")
    return said


def _event(token: str) -> str:
    """The id of the consent in an access token, which came from Xero this moment and is read, not believed; "" where there is none."""
    parts = token.split(".")
    try:
        said: Any = read_json(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (IndexError, ValueError, BadPayload):
        return ""
    event = said.get("authentication_event_id") if isinstance(said, dict) else None
    return event if isinstance(event, str) else ""
