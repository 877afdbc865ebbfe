"""Who shows an API key is let into the API, as far as the key's scopes go and as often as its rate allows. Nothing else lets anybody in."""

import re

from flask import current_app, g, request
from werkzeug.wrappers import Response

from core.domain import keys as domain
from core.domain.roles import Role
from core.hub import Hub
from core.store import keys
from core.store.keys import Key
from web.api.problems import Refusal, is_for_programs
from web.visitor import Visitor

PER_S, BURST = "API_PER_S", "API_BURST"
BEARER = re.compile(r"Bearer +(\S+)", re.I)


def visitor(hub: Hub) -> Visitor | None:
    """The key that is shown, within what it was given. Raises Refusal: 401 without a key that holds, 429 for one that asks too often."""
    if not is_for_programs():
        return None
    key = _shown(hub)
    _spend(hub, key)
    return Visitor(key.merchant, f"key/{key.id}", key.name, Role.OWNER, "key", scopes=key.scopes)


def _shown(hub: Hub) -> Key:
    told = BEARER.fullmatch(request.headers.get("Authorization", ""))
    if told is None or not domain.looks_like_one(told[1]):
        raise _nobody()
    with hub.database.read() as db:
        key = keys.by_secret(db, domain.digest(told[1]))
    if key is None or not key.holds(hub.now):
        raise _nobody()
    return key


def _nobody() -> Refusal:
    return Refusal(401, "no-key", "Show an API key that holds: Authorization: Bearer cdk_...", {"WWW-Authenticate": "Bearer"})


def _spend(hub: Hub, key: Key) -> None:
    """One request of its budget. What is left is said in the answer (draft-ietf-httpapi-ratelimit-headers-10, seen 2026-11)."""
    per_s, burst = float(current_app.config[PER_S]), float(current_app.config[BURST])
    with hub.database.write() as db:
        left, wait_s = keys.spend(db, key.id, per_s, burst, hub.now)
        keys.note_use(db, key, hub.now)
    full_s = burst / per_s
    g.told = {"RateLimit-Policy": f'"key";q={burst:.0f};w={full_s:.0f}', "RateLimit": f'"key";r={left};t={max(1, round(wait_s)):.0f}'}
    if wait_s:
        raise Refusal(429, "too-many", "This key asks too often. Wait, then ask again.", {"Retry-After": f"{int(wait_s) + 1}"})


def say_rest(answer: Response) -> Response:
    """What is left of the key's budget, beside every answer."""
    for name, value in g.get("told", {}).items():
        answer.headers.setdefault(name, value)
    return answer
