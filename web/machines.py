"""What machines ask that look after us: whether we are ready, and how we do."""

import hmac
from functools import cache
from typing import Any

from flask import Blueprint, Response, abort, current_app, request
from sqlalchemy.exc import SQLAlchemyError

from core.hub import Hub
from core.store import schema
from core.store.gauges import last_here
from web.metrics import Meter
from web.visitor import PUBLIC, hub, needs

pages = Blueprint("machines", __name__)
LOCAL = ("127.0.0.1", "::1")
FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")  # a proxy on this machine speaks for people elsewhere
TEXT = "text/plain; version=0.0.4; charset=utf-8"


@cache
def _head() -> str:
    return schema.head()


@pages.get("/readyz")
@needs(PUBLIC)
def ready() -> tuple[dict[str, Any], int]:
    """200 while requests may be sent here: the database answers and is up to date. The rest is told and refuses nobody: without a bell or a
    worker webhooks are kept all the same."""
    try:
        found = {"database": "ok", **_known(hub())}
    except SQLAlchemyError:
        found = {"database": "away"}
    good = found["database"] == "ok" and found["schema"] == "ok"
    return {"status": "ready" if good else "not ready", **found}, 200 if good else 503


def _known(here: Hub) -> dict[str, Any]:
    at_head = schema.current(here.database) == _head()
    with here.database.read() as db:
        seen = last_here(db) if at_head else None
    hears = getattr(here.bell, "hears", lambda: True)
    return {
        "schema": "ok" if at_head else "another",
        "bell": "ok" if hears() else "away",
        "worker_seen_s": None if seen is None else max(0, (here.now - seen) // 1_000_000),
    }


@pages.get("/metrics")
@needs(PUBLIC)
def metrics() -> Response:
    """For whoever sits at this machine, or holds the token of the settings."""
    if not _may_measure():
        abort(403)
    meter: Meter = current_app.extensions["meter"]
    return Response(meter.text(), content_type=TEXT)


def _may_measure() -> bool:
    token, told = current_app.config.get("METRICS_TOKEN", ""), request.headers.get("Authorization", "")
    if token and hmac.compare_digest(told.encode(), f"Bearer {token}".encode()):
        return True
    return request.remote_addr in LOCAL and not any(name in request.headers for name in FORWARDED)
