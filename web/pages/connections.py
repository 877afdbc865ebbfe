"""The accounts at the channels: how each is, what may be done with it, and what else could be connected."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, abort, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as Answer

from core.errors import BadPayload, HubError, Refused
from core.flows import connections as flows
from core.flows import consents, join, packing, privacy, upkeep, visits
from core.ports import Connector
from core.store import audit, connections, people
from core.store import privacy as held
from core.store.connections import CARRIER, CHANNEL, LEDGER, Connection
from core.store.consents import Asked
from web.doors import doors
from web.visitor import hub, needs, visitor, who

pages = Blueprint("connections", __name__)
ROLES = (CHANNEL, CARRIER, LEDGER)


@dataclass(frozen=True, slots=True)
class Offer:
    """A channel that may be connected: by consent, or by typing a login in. `lacks` are our app's credentials that the operator did not
    give: without them nothing can be."""

    connector: Connector
    by_consent: bool
    lacks: tuple[str, ...]

    @property
    def role(self) -> str:
        """What a connection of it would be to us."""
        return flows.role_of(hub(), self.connector.name)


def offers(role: str) -> list[Offer]:
    """Every channel, carrier or ledger there is."""
    found = doors()
    known = {name: one for name, one in hub().connectors.items() if name in found.ready or name in found.lacks}
    made = [Offer(one, _by_consent(name), found.lacks.get(name, ())) for name, one in sorted(known.items())]
    return [one for one in made if one.role == role]


def _by_consent(channel: str) -> bool:
    port = doors().consents.get(channel)
    return port is not None and not port.lacks()


def _view() -> Mapping[str, Any]:
    asks = visitor()
    with hub().database.read() as db:
        found = upkeep.health(hub(), db, asks.merchant)
        exports = held.exports(db, asks.merchant) if asks.may("connections.remove") else []
    return {"found": found, "exports": exports, "offers": offers(CHANNEL), "now": hub().now}


@pages.get("/connections")
@needs("connections.read")
def page() -> str:
    return render_template("connections.html", **_view())


@pages.get("/connections/carriers")
@needs("connections.read")
def carriers() -> str:
    """Who sells labels: a part of the page, and one of its own."""
    known, chosen = _beside(CARRIER)
    return render_template("carriers.html", carriers=known, usual=chosen.get(packing.CHOSEN, ""), offers=offers(CARRIER))


@pages.get("/connections/ledgers")
@needs("connections.read")
def ledgers() -> str:
    """The books that are written into: likewise."""
    known, _ = _beside(LEDGER)
    return render_template("connections_ledgers.html", ledgers=known, offers=offers(LEDGER))


def _beside(role: str) -> tuple[list[tuple[Connection, Connector | None]], dict[str, Any]]:
    """The merchant's connections of a role, each with its connector; and what he chose."""
    with hub().database.read() as db:
        known = [(one, hub().connectors.get(one.channel)) for one in connections.all_of(db, visitor().merchant, role)]
        _, chosen = people.settings(db, visitor().merchant)
    return known, chosen


@pages.get("/connections/live")
@needs("connections.read")
def live() -> str:
    """The moving part of the page."""
    return render_template("connections_live.html", **_view())


def _one(id: str) -> Connection:
    """The merchant's own; somebody else's is not there."""
    with hub().database.read() as db:
        return connections.one_of(db, visitor().merchant, id) or abort(404)


def _back(kind: str, words: str) -> Answer:
    flash(words, kind)
    return redirect(url_for("connections.page"), 303)


# Connecting


@pages.post("/connections/new/<channel>")
@needs("connections.manage")
def connect(channel: str) -> Answer | str:
    """By consent where the channel lets us, else with what was typed in."""
    offer = next((one for role in ROLES for one in offers(role) if one.connector.name == channel and not one.lacks), None) or abort(404)
    wish = {field.name: request.form.get(field.name, "").strip()[:500] for field in offer.connector.asks}
    return _ask(channel, wish) if offer.by_consent else _typed(offer.connector)


def _ask(channel: str, wish: dict[str, str]) -> Answer | str:
    """The page from which they go to the channel. A form may not lead there, and a frame must not."""
    asks = visitor()
    port, back = doors().consents[channel], doors().back(channel)
    try:
        port.address(wish, "", back)
    except BadPayload as error:
        return _back("bad", str(error.args[0]))
    state = consents.send(hub(), Asked(asks.merchant, asks.user, channel, {**wish, **({"framed": "1"} if asks.account else {})}))
    there = url_for("consents.hop", channel=channel, state=state) if asks.account else port.address(wish, state, back)
    return render_template("consent.html", there=there, label=hub().connectors[channel].label, framed=bool(asks.account))


def _typed(connector: Connector) -> Answer:
    login = {field.name: request.form.get(field.name, "").strip() for field in connector.login}
    account = request.form.get("account", "").strip()
    missing = [field.label for field in connector.login if field.required and not login[field.name]]
    if not account or missing:
        return _back("bad", gettext("Please fill in: %(fields)s", fields=", ".join([*([] if account else [gettext("Account")]), *missing])))
    try:
        one = _connect(connector, account, {name: value for name, value in login.items() if value})
    except HubError as error:
        return _back("bad", str(error.args[0]))
    return _tested(one)


def _connect(connector: Connector, account: str, login: Mapping[str, str]) -> Connection:
    asks = visitor()
    with hub().database.unbound(), hub().unit() as work:  # whose account it is, is asked of all merchants
        one = flows.connect_in(hub(), work, hub().box(asks.merchant), asks.merchant, connector.name, account, login)
        audit.write(work.db, asks.merchant, work.now, asks.user, asks.name, "connection.connect", one.id, account=account)
    return one


@pages.post("/connections/<id>/renew")
@needs("connections.manage")
def renew(id: str) -> Answer | str:
    """A new login: by the token of the admin that frames us, else by consent, else typed in."""
    one = _one(id)
    by = g.get("doorway")
    if by and (by.channel, by.guest.account) == (one.channel, one.account):
        return _try(lambda: visits.renew_now(hub(), by), gettext("It is connected again."))
    if one.channel not in doors().ready:
        abort(404)
    if not _by_consent(one.channel):
        return _typed(hub().connectors[one.channel])
    return _ask(one.channel, {**_asked_of(one), consents.RENEWS: one.id})


def _asked_of(one: Connection) -> dict[str, str]:
    """What the channel asks before a consent, as this account has it already."""
    login = consents.login_of(hub(), one)
    return {field.name: one.account if field.name == "account" else login.get(field.name, "") for field in hub().connector(one).asks}


@pages.post("/connections/service")
@needs("connections.manage")
def set_service() -> Answer:
    """By which carrier's service parcels go where nobody chooses another."""
    connection, _, service = request.form.get("service", "")[:200].partition("/")
    try:
        packing.choose(hub(), visitor().merchant, connection, service, who())
    except Refused:
        return _back("bad", gettext("That service is not offered any more: choose one from the list."))
    return _back("good", gettext("Parcels go by it from now on, where nobody chooses another."))


# What may be done with one

ACTS: dict[str, tuple[Callable[..., None], Callable[[], str]]] = {
    "pause": (join.pause, lambda: gettext("It is paused: nothing is read or written there.")),
    "resume": (join.resume, lambda: gettext("It goes on.")),
    "watch": (join.watch, lambda: gettext("It is watched: nothing is written there.")),
}


@pages.post("/connections/<id>/<any(pause, resume, watch):act>")
@needs("connections.manage")
def change(id: str, act: str) -> Answer:
    one, (do, words) = _one(id), ACTS[act]
    return _try(lambda: do(hub(), one, who()), words())


@pages.post("/connections/<id>/test")
@needs("connections.manage")
def test(id: str) -> Answer:
    """One call, in the request: somebody waits to hear whether it works."""
    return _tested(_one(id))


def _tested(one: Connection) -> Answer:
    try:
        found = upkeep.test(hub(), hub().connection(one.id), who())
    except HubError as error:
        return _back("bad", gettext("%(account)s does not work: %(why)s", account=one.account, why=str(error.args[0])))
    return _back("good", gettext("%(account)s answers, as %(name)s.", account=one.account, name=found.name))


def _try(act: Callable[[], None], words: str) -> Answer:
    try:
        act()
    except HubError as error:
        return _back("bad", str(error.args[0]))
    return _back("good", words)


@pages.post("/connections/<id>/disconnect")
@needs("connections.remove")
def disconnect(id: str) -> Answer:
    one = _one(id)
    return _try(lambda: join.disconnect(hub(), one, who()), gettext("It is disconnected. Its orders stay."))


@pages.post("/connections/<id>/erase")
@needs("connections.remove")
def erase(id: str) -> Answer:
    """Everything of the account goes, for good: only what was disconnected before, and only when its name is typed."""
    one = _one(id)
    if one.state != "disconnected" or request.form.get("account", "").strip() != one.account:
        return _back("bad", gettext("Nothing was erased: disconnect it first, then type its name exactly."))
    with hub().unit() as work:
        privacy.ask_to_erase(work, one, visitor().user, visitor().name)
    return _back("good", gettext("It is being erased."))


@pages.get("/connections/exports/<id>")
@needs("connections.remove")
def export(id: str) -> Response:
    """What we hold of a customer who asked for it: theirs to have, an owner's to send."""
    found = privacy.take_export(hub(), visitor().merchant, id, visitor().user, visitor().name)
    if found is None:
        abort(404)
    headers = {"Content-Disposition": f'attachment; filename="customer-data-{id}.json"'}
    return Response(found, content_type="application/json", headers=headers)
