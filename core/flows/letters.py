"""Letters to those who look after a merchant: written in the transaction of their cause, sent by a task of their own.

A letter's id goes with it. One that is sent again after a lost answer is the same letter: mail programs show it once, programs that are
called can know it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.domain import causes
from core.domain.alerts import SHOWN, TITLES, WORDS, Alert, Choice, by_cause, wanted, ways
from core.domain.money import Money
from core.domain.tasks import Claim
from core.domain.who import Who
from core.errors import Refused
from core.flows.attention import Group
from core.hub import Hub
from core.ports import Letter
from core.store import alerts, audit
from core.store.alerts import Member
from core.store.tables import when
from core.store.unit import Unit


@dataclass(frozen=True, slots=True)
class Morning:
    """What came in yesterday, (orders, money in minor units) by channel and currency; and what needs somebody."""

    sums: Mapping[tuple[str, str], tuple[int, int]]
    groups: Sequence[Group]


@dataclass(frozen=True)
class Pen:
    """Writes for one merchant in a reader's language."""

    hub: Hub
    merchant: str
    locale: str

    def say(self, words: str, **values: object) -> str:
        return self.hub.translate(self.locale, words) % values

    def see(self, path: str) -> str:
        return self.say(WORDS["see"], address=f"{self.hub.public_url}{path}")

    def ending(self) -> str:
        return self.say(WORDS["choose"], address=f"{self.hub.public_url}/settings/alerts")


def tell(hub: Hub, work: Unit, merchant: str, due: Sequence[Alert], mended: Sequence[Alert]) -> None:
    """To each member what they want to know of these at once."""
    for member in alerts.members(work.db, merchant):
        pen = _pen(hub, work, merchant, member)
        if mine := wanted(due, member.choice):
            what = pen.say(causes.ALL[mine[0].cause].what)
            _write(hub, work, merchant, member, "alert", pen.say(TITLES["alert"], merchant=pen.merchant, what=what), _alert(pen, mine))
        if over := wanted(mended, member.choice):
            title = pen.say(TITLES["mended"], merchant=pen.merchant)
            _write(hub, work, merchant, member, "mended", title, _mended(pen, over))


def digest(hub: Hub, work: Unit, merchant: str, morning: Morning) -> None:
    """To each member who wants one."""
    for member in alerts.members(work.db, merchant):
        if member.choice.digest:
            pen = _pen(hub, work, merchant, member)
            title = pen.say(TITLES["digest"], merchant=pen.merchant)
            _write(hub, work, merchant, member, "digest", title, _morning(pen, morning))


def attempt(hub: Hub, merchant: str, user: str) -> bool:
    """A letter to oneself, to try it. False where nobody of this id works here."""
    with hub.unit() as work:
        member = alerts.member(work.db, merchant, user)
        if member is not None:
            pen = _pen(hub, work, merchant, member)
            title, body = pen.say(TITLES["test"], merchant=pen.merchant), f"{pen.say(WORDS['test'])}\n\n{pen.ending()}\n"
            _write(hub, work, merchant, member, "test", title, body)
    return member is not None


def choose(hub: Hub, merchant: str, user: str, one: Choice, who: Who) -> None:
    """What a member wants to be told from now on; nothing for who is none."""
    with hub.unit() as work:
        if alerts.choose(work.db, merchant, user, one):
            audit.write(work.db, merchant, work.now, who.id, who.name, "alerts.choose", user, at_once=sorted(one.now), digest=one.digest)


def _pen(hub: Hub, work: Unit, merchant: str, member: Member) -> Pen:
    return Pen(hub, alerts.merchant_of(work.db, merchant)[0], member.locale)


def _write(hub: Hub, work: Unit, merchant: str, member: Member, about: str, title: str, body: str) -> None:
    """One for each way, each with a task of its own."""
    rows = [
        {"id": hub.ids(), "user_id": member.user, "way": way, "about": about, "title": title, "body": body}
        for way in ways(member.choice)
    ]  # fmt: skip
    alerts.write(work.db, merchant, rows, work.now)
    for row in rows:
        work.ask(merchant, "send_alerts", row["id"])


def _alert(pen: Pen, some: Sequence[Alert]) -> str:
    parts = [_cause(pen, causes.ALL[name], found) for name, found in by_cause(some).items()]
    return "\n\n".join([*parts, pen.ending()]) + "\n"


def _cause(pen: Pen, cause: causes.Cause, some: Sequence[Alert]) -> str:
    """What happened, what it means, what to do, and to what."""
    lines = [pen.say(cause.what), pen.say(cause.means), pen.say(cause.todo)]
    lines += [f"- {one.name}{f': {one.detail}' if one.detail else ''}" for one in some[:SHOWN]]
    lines += [pen.say(WORDS["more"], count=len(some) - SHOWN)] if len(some) > SHOWN else []
    return "\n".join([*lines, pen.see(f"/attention/{cause.name}")])


def _mended(pen: Pen, some: Sequence[Alert]) -> str:
    lines = [pen.say(WORDS["mended"], what=f"{pen.say(causes.ALL[one.cause].what)} ({one.name})") for one in some]
    return "\n".join([*lines, "", pen.ending()]) + "\n"


def _morning(pen: Pen, morning: Morning) -> str:
    came = [
        f"- {channel}: {orders} / {Money(total, currency).text()} {currency}"
        for (channel, currency), (orders, total) in sorted(morning.sums.items())
    ]  # fmt: skip
    needs = [f"- {one.at_least}{'+' if one.is_more else ''} × {pen.say(one.cause.what)}" for one in morning.groups]
    head = [pen.say(WORDS["yesterday"]), *came] if came else [pen.say(WORDS["nothing came in"])]
    rest = ["", pen.say(WORDS["needs"]), *needs, pen.see("/attention")] if needs else ["", pen.say(WORDS["nothing needs"])]
    return "\n".join([*head, *rest, "", pen.ending()]) + "\n"


KEPT, NOBODY = "kept", "nobody"  # what became of a letter where mail has no way out, and whose reader is gone


def send_alerts(hub: Hub, claim: Claim) -> None:
    """Send one letter, unless it was sent. Raises what the way out raises."""
    merchant, id = claim.merchant, claim.subjects[0]
    with hub.database.read() as db:
        found = alerts.letter(db, merchant, id)
        member = alerts.member(db, merchant, found.user_id) if found else None
    if found is None or found.sent_at is not None:
        return
    to = _address(member, found.way)
    outcome = _send(hub, found.way, Letter(id, to, found.title, found.body, when(found.at))) if to else NOBODY
    with hub.unit(claim) as work:
        alerts.sent(work.db, merchant, id, outcome, work.now)


def _address(member: Member | None, way: str) -> str:
    """Where it goes by now; "" nowhere."""
    if member is None or way not in ways(member.choice):
        return ""
    return member.choice.hook if way == "hook" else member.email or ""


def _send(hub: Hub, way: str, letter: Letter) -> str:
    if hub.post is None:
        return KEPT
    if way not in ("mail", "hook"):
        raise Refused("there is no such way")
    return hub.post.call(letter) if way == "hook" else hub.post.mail(letter)
