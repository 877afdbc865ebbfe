"""Telling a merchant's programs of events. A difference, not a message: whatever is behind a hook's mark is told, in order, however often
nobody answered. What is told names orders and carries facts, and nothing of a buyer: that is asked for with the API."""

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from core.domain import hooks as domain
from core.domain.feed import TYPES
from core.domain.hooks import Secret
from core.domain.tasks import Claim, Outcome
from core.errors import Refused
from core.flows.feed import told_of
from core.hub import Hub
from core.ports import Heard
from core.store import audit, events, hooks, orders
from core.store.hooks import Hook
from core.store.tables import when
from core.store.unit import Unit

Who = tuple[str, str]  # (id, name)
AT_ONCE = 50  # events between two notes of how far it came
PATIENCE_MS = 10_000  # then others have their turn
TEST, AGAIN = "test", "again"


# ---- by a person's hand


def add(hub: Hub, merchant: str, who: Who, url: str, types: Collection[str] = ()) -> tuple[str, str]:
    """Tell this address of what happens from now on: only of these types, or of all. Gives the hook's id, and the secret that its receiver
    checks our signatures with, shown this once. Raises Refused for an address that is none of ours to call, or a type that nobody knows."""
    if why := hub.outward.refuses(url):
        raise Refused(why)
    if set(types) - set(TYPES.values()):
        raise Refused("there is no such type of event")
    id, secret, last = hub.ids(), _new_secret(), events.settled(hub.database, merchant, 0)
    with hub.unit() as work:
        hooks.add(work.db, merchant, id, url, hooks.sealed(hub.box(merchant), id, [Secret(secret)]), types, last, work.now)
        audit.write(work.db, merchant, work.now, *who, "hook.add", id, url=url, types=sorted(types))
    hub.forget_hooks(merchant)
    return id, secret


def _new_secret() -> str:
    return domain.written(secrets.token_bytes(domain.BYTES))


def rotate(hub: Hub, merchant: str, who: Who, id: str) -> str | None:
    """A new secret; the old one signs beside it for a day. None where there is no such hook."""
    fresh = _new_secret()
    with hub.unit() as work:
        one = hooks.get(work.db, merchant, id)
        if one is None:
            return None
        box = hub.box(merchant)
        hooks.set_secret(work.db, id, hooks.sealed(box, id, domain.renewed(one.secrets(box), fresh, work.now)))
        audit.write(work.db, merchant, work.now, *who, "hook.rotate", id)
    return fresh


def pause(hub: Hub, merchant: str, who: Who, id: str) -> bool:
    """Tell it nothing until it is resumed; what happens meanwhile is told then."""
    return _set_state(hub, merchant, who, id, "paused", "somebody paused it")


def resume(hub: Hub, merchant: str, who: Who, id: str) -> bool:
    """Go on where it stopped. False where there is no such hook."""
    return _set_state(hub, merchant, who, id, "active", None)


def _set_state(hub: Hub, merchant: str, who: Who, id: str, state: str, reason: str | None) -> bool:
    with hub.unit() as work:
        if hooks.get(work.db, merchant, id) is None:
            return False
        hooks.set_state(work.db, id, state, reason)
        audit.write(work.db, merchant, work.now, *who, "hook.resume" if state == "active" else "hook.pause", id)
        if state == "active":
            work.ask(merchant, "send_hooks", id)
    hub.forget_hooks(merchant)
    return True


def remove(hub: Hub, merchant: str, who: Who, id: str) -> bool:
    """Forget the hook and its log."""
    with hub.unit() as work:
        one = hooks.get(work.db, merchant, id)
        if one is None:
            return False
        hooks.remove(work.db, id)
        work.ask(merchant, "send_hooks", id)  # what was parked for it needs nobody any more
        audit.write(work.db, merchant, work.now, *who, "hook.remove", id, url=one.url)
    hub.forget_hooks(merchant)
    return True


def test(hub: Hub, merchant: str, who: Who, id: str) -> bool:
    """Tell it that this is a test, once, paused or not; the log says what came of it."""
    return _ask_once(hub, merchant, who, id, TEST, "hook.test")


def resend(hub: Hub, merchant: str, who: Who, id: str, event: int) -> bool:
    """Tell it of an event once more, under the id that it had. False where there is no such hook or event."""
    return _ask_once(hub, merchant, who, id, f"{AGAIN}/{event}", "hook.resend")


def _ask_once(hub: Hub, merchant: str, who: Who, id: str, what: str, act: str) -> bool:
    with hub.unit() as work:
        event = what.partition("/")[2]
        if hooks.get(work.db, merchant, id) is None or (event and not events.these(work.db, merchant, [int(event)])):
            return False
        work.ask(merchant, "send_hooks", f"{id}/{what}")
        audit.write(work.db, merchant, work.now, *who, act, id, event=event or None)
    return True


# ---- by a worker


@dataclass
class Round:
    """What came of telling one hook of some events: `reached` is the last one that it took, or did not want."""

    reached: int
    calls: list[dict[str, Any]] = field(default_factory=list)
    heard: Heard | None = None

    @property
    def took_something(self) -> bool:
        return any(domain.is_taken(call["status"]) for call in self.calls)

    @property
    def failed(self) -> bool:
        return self.heard is not None and not domain.is_taken(self.heard.status)


def send_hooks(hub: Hub, claim: Claim) -> None:
    """Tell a hook what it was not told yet; or, where the subject says so, one thing once."""
    id, _, what = claim.subjects[0].partition("/")
    with hub.database.read() as db:
        one = hooks.get(db, claim.merchant, id)
    try:
        if one is not None and what:
            _send_once(hub, claim, one, what)
        elif one is not None and one.state != "paused":  # one that stopped is tried when somebody asks for it again
            _send_what_is_new(hub, claim, one)
    finally:
        hub.outward.done()


def _send_what_is_new(hub: Hub, claim: Claim, one: Hook) -> None:
    if one.rests_until > hub.now:
        claim.say(one.id, Outcome("due", (one.rests_until - hub.now) / 1e6, counts=False))
        return
    upto = events.settled(hub.database, one.merchant, one.sent_to)
    with hub.database.read() as db:
        rows = events.feed(db, one.merchant, one.sent_to, upto, AT_ONCE) if upto > one.sent_to else []
        ids = orders.ids_of(db, one.merchant, (row.subject for row in rows))
    made = _tell(hub, one, rows, ids)
    with hub.unit(claim) as work:
        hooks.log(work.db, one.merchant, one.id, made.calls)
        if made.failed:
            _fall_back(hub, work, claim, one, made)
        else:
            _go_on(work, one, made, upto)


def _go_on(work: Unit, one: Hook, made: Round, upto: int) -> None:
    """It took all that it was told; if there is more, soon again."""
    hooks.progress(work.db, one.id, made.reached, 0, None, 0)
    if one.state == "stopped":
        hooks.set_state(work.db, one.id, "active", None)
    if made.reached < upto:
        work.ask(one.merchant, "send_hooks", one.id)


def _tell(hub: Hub, one: Hook, rows: Sequence[Any], ids: Mapping[str, str]) -> Round:
    """One after another, until one is not taken or it takes too long."""
    made, spent_ms = Round(one.sent_to), 0
    for row in rows:
        told = told_of(row, ids.get(row.subject))
        if not one.types or told["type"] in one.types:
            made.heard = _say(hub, one, domain.message_of(row.id, row.at), told, row.id, made.calls)
            spent_ms += made.heard.ms
            if made.failed:
                return made
        made.reached = row.id
        if spent_ms > PATIENCE_MS:
            return made
    return made


def _say(hub: Hub, one: Hook, message: str, told: dict[str, Any], event: int, calls: list[dict[str, Any]]) -> Heard:
    body, now = msgspec.json.encode(told), hub.now
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Crossdock",
        "webhook-id": message,
        "webhook-timestamp": str(now // 1_000_000),
        "webhook-signature": domain.signatures(one.secrets(hub.box(one.merchant)), message, now // 1_000_000, body, now),
    }
    heard = hub.outward.post(one.url, headers, body)
    calls.append(
        {"event_id": event, "message": message, "at": now, "status": heard.status, "ms": heard.ms, "words": heard.words or None}
    )  # fmt: skip
    return heard


def _fall_back(hub: Hub, work: Unit, claim: Claim, one: Hook, made: Round) -> None:
    """It did not take one: it is left alone for a while, or until a person acts."""
    assert made.heard is not None
    fresh = made.took_something or one.failing_since is None
    failed, since = (1, work.now) if fresh else (one.failed + 1, one.failing_since or work.now)
    why = domain.gives_up(made.heard.status, (work.now - since) / 1e6)
    if why:
        hooks.progress(work.db, one.id, made.reached, failed, since, 0)
        hooks.stop(work.db, one.id, why)
        claim.say(one.id, Outcome("parked", cause="HookStopped", detail=f"the webhook to {_host(one.url)} stopped: {why}"))
    else:
        wait = domain.wait_s(failed, made.heard.wait_s, hub.jitter())
        hooks.progress(work.db, one.id, made.reached, failed, since, work.now + int(wait * 1e6))
        claim.say(one.id, Outcome("due", wait, cause="HookFailed", detail=f"{made.heard.status or ''} {made.heard.words}".strip()))


def _host(url: str) -> str:
    return url.split("/")[2]


def _send_once(hub: Hub, claim: Claim, one: Hook, what: str) -> None:
    calls: list[dict[str, Any]] = []
    if what == TEST:
        told = domain.says("test", when(hub.now).isoformat().replace("+00:00", "Z"), {"hook": one.id})
        _say(hub, one, f"test_{hub.ids()}", told, 0, calls)
    else:
        with hub.database.read() as db:
            rows = events.these(db, one.merchant, [int(what.partition("/")[2])])
            ids = orders.ids_of(db, one.merchant, (row.subject for row in rows))
        for row in rows:
            _say(hub, one, domain.message_of(row.id, row.at), told_of(row, ids.get(row.subject)), row.id, calls)
    with hub.unit(claim) as work:
        hooks.log(work.db, one.merchant, one.id, calls)


def ask_behind(hub: Hub) -> int:
    """For the sweeper: those for which something has happened and nobody asked. Gives how many."""
    with hub.database.read() as db:
        found = hooks.behind(db, hub.now)
    if found:
        with hub.unit() as work:
            for row in found:
                work.ask(row.merchant, "send_hooks", row.id)
    return len(found)
