"""The door for UPS's Track Alert: it brings the credential that we gave when we asked for it."""

import hmac
from collections.abc import Mapping
from hashlib import sha256

from connectors.http import read_json
from core.errors import BadPayload, Forged
from core.ports import About, Kit, Notice


class UpsWebhooks:
    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    def notice(self, raw: bytes, headers: Mapping[str, str], path: str) -> Notice:
        """UPS signs nothing: who brings our credential is UPS. What it tells is a hint, and the parcel is asked for."""
        if not self._brought(headers):
            raise Forged("ups track alert: not our credential")
        said = read_json(raw)
        number = said.get("trackingNumber") if isinstance(said, dict) else None
        if not isinstance(number, str) or not number:
            raise BadPayload("ups track alert: trackingNumber: missing")
        return Notice("track", f"{number}:{sha256(raw).hexdigest()[:32]}", About.PARCEL, parcel=number)

    def _brought(self, headers: Mapping[str, str]) -> bool:
        """In the header `credential`, or as a bearer's token; compared in constant time."""
        ours = self._kit.app.get("alert_credential", "").encode()
        said = headers.get("credential") or headers.get("authorization", "").removeprefix("Bearer ")
        return bool(ours) and hmac.compare_digest(ours, said.encode())

    def challenge(self, query: Mapping[str, str], url: str) -> Mapping[str, str] | None:
        return None
