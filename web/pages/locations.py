"""Where goods lie: our locations in the order that stock is taken from them, what channels call them, and what each channel keeps back."""

import csv
import io
from dataclasses import asdict
from typing import Any

import msgspec
from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext, ngettext
from markupsafe import Markup
from werkzeug.wrappers import Response

from core.domain import leading
from core.domain.cards import COUNTRIES
from core.domain.leading import Leader
from core.domain.order import Address
from core.domain.order_csv import safe
from core.domain.places import WORDS, LocationKind
from core.domain.requests import SPEEDS, WAYS, Asking, Way
from core.errors import Refused
from core.flows import connections as flows
from core.flows import leading as flows_of
from core.flows import parties, places, sites, switching
from core.flows.places import HoldsStock, SellsAlone
from core.store import boxes, connections, health, keys, requests
from core.store import places as locations_of
from core.store.boxes import Carton
from core.store.connections import Connection
from web import asked
from web.pages.settings import zones
from web.pages.stock import csv_file
from web.said import say
from web.visitor import hub, needs, visitor, who

pages = Blueprint("locations", __name__)
MOST = 1_000_000  # units that a channel may keep back
_address = msgspec.json.Decoder(Address)
ADDRESS = ("name", "company", "street1", "street2", "city", "region", "postcode", "country", "phone", "email")


@pages.get("/stock/locations")
@needs("stock.read")
def page() -> str:
    merchant = visitor().merchant
    with hub().database.read() as db:
        ours, known = locations_of.locations(db, merchant), health.seen(db, merchant)
        rows, allowed = locations_of.listed(db, merchant), locations_of.allowed(db, merchant)
        rules, cartons = connections.all_of(db, merchant), boxes.all_of(db, merchant)
        asks = requests.read(ours, hub().box(merchant)) if any(row.party for row in ours) else {}
        programs = keys.all_of(db, merchant) if any(row.kind in parties.KINDS for row in ours) else []
    there: dict[str, dict[str, list[Any]]] = {}
    for row in rows:
        there.setdefault(row.connection, {}).setdefault(row.place, []).append(row)
    sells = {one.id: {row.location for row in allowed if row.connection == one.id} for one in known}
    ruled = {"buffers": {one.id: one.buffer for one in rules}, "leads": {one.id: leading.leader(one.settings) for one in rules}}
    sending = {
        "sites": {row.id: _address.decode(row.address) for row in ours if row.address}, "cartons": cartons, "countries": sorted(COUNTRIES),
        "zones": zones(),
    }  # fmt: skip
    askers = [(one.id, one.name) for one in programs if one.holds(hub().now) and "requests.write" in one.scopes] + [
        (one.id, one.label) for one in known
    ]
    sending |= {"speeds": SPEEDS, "services": {id: _services(how) for id, (_, how) in asks.items()}}
    sending |= {"asks": asks, "asking_ways": WAYS, "askers": askers}
    named = {"kinds": WORDS, "ours": ours, "known": known, "there": there, "sells": sells, "most": MOST, "leading": leading}
    return render_template("locations.html", **named, **ruled, **sending)


@pages.get("/stock/locations.csv")
@needs("stock.read")
def export() -> Response:
    """Each location, and whatever sells from it: a line for each place of a channel that stands for it."""
    merchant = visitor().merchant
    with hub().database.read() as db:
        ours, known = locations_of.locations(db, merchant), {one.id: one for one in health.seen(db, merchant)}
        rows = [*locations_of.listed(db, merchant), *locations_of.allowed(db, merchant)]
    out = io.StringIO()
    lines = csv.writer(out)
    lines.writerow(("location", "kind", "channel", "account", "channel_place"))
    for one in ours:
        sells = [(known[row.connection], row) for row in rows if row.location == one.id and row.connection in known]
        named = [(hub().label(each.channel), each.label, row._mapping.get("name", "")) for each, row in sells]
        lines.writerows([safe(str(cell)) for cell in (one.name, one.kind, *there)] for there in named or [("", "", "")])
    return csv_file("locations.csv", out.getvalue())


@pages.post("/stock/locations")
@needs("settings.write")
def add() -> Response:
    name = asked.text("name", 100).strip()
    if not name or not places.add_location(hub(), visitor().merchant, name, who(), _kind() or LocationKind.OWN):
        return _back("bad", gettext("Write a name that none of your locations has."))
    return _back("good", gettext("%(name)s is there. Count what lies there, so that it is shown.", name=name))


def _back(kind: str, words: str) -> Response:
    flash(words, kind)
    return redirect(url_for("locations.page"), 303)


@pages.post("/stock/locations/<id>/name")
@needs("settings.write")
def rename(id: str) -> Response:
    _mine(id)
    name = asked.text("name", 100).strip()
    if not name or not places.rename_location(hub(), visitor().merchant, id, name, who()):
        return _back("bad", gettext("Write a name that none of your locations has."))
    return _back("good", gettext("It is called %(name)s from now on, in files that you bring too.", name=name))


def _kind() -> LocationKind | None:
    said = asked.text("kind", 20)
    return LocationKind(said) if said in set(LocationKind) else None


@pages.post("/stock/locations/<id>/kind")
@needs("settings.write")
def set_kind(id: str) -> Response:
    name, kind = _mine(id), _kind() or abort(400)
    try:
        places.set_kind(hub(), visitor().merchant, id, kind, who())
    except Refused as error:
        return _back("bad", _cannot(error))
    return _back("good", gettext("%(name)s is now: %(kind)s.", name=name, kind=gettext(WORDS[kind])))


@pages.post("/stock/locations/<id>/remove")
@needs("settings.write")
def remove(id: str) -> Response:
    """Only where nothing lies, and nothing is on its way."""
    _mine(id)
    try:
        name = places.remove_location(hub(), visitor().merchant, id, who())
    except Refused as error:
        return _back("bad", _cannot(error))
    return _back("good", gettext("%(name)s is none of your locations any more. What happened there stays written down.", name=name))


def _cannot(error: Refused) -> str:
    """Why it stays, in the reader's words."""
    if isinstance(error, HoldsStock):
        held = {"name": error.name, **asdict(error.contents)}
        words: str = gettext(
            "%(name)s stays as it is: %(on_hand)s units of %(skus)s SKUs lie there, %(reserved)s of these reserved, %(damaged)s more are "
            "damaged, and %(inbounds)s deliveries are on their way there or from there.",
            **held,
        )
        return words
    if isinstance(error, SellsAlone):
        told, labels = gettext("%(name)s stays as it is: %(labels)s sells from it alone. Say where else first."), ", ".join(error.labels)
        return str(told) % {"name": error.name, "labels": labels}
    return str(gettext("That cannot be. Nothing was changed."))


@pages.post("/stock/locations/<id>/up")
@needs("settings.write")
def prefer(id: str) -> Response:
    name = _mine(id)
    if not places.prefer_location(hub(), visitor().merchant, id, who()):
        return _back("info", gettext("Stock is taken from %(name)s first already.", name=name))
    return _back("good", gettext("Stock is taken from %(name)s earlier now. What is reserved stays where it is.", name=name))


def _mine(id: str) -> str:
    """Its name; somebody else's is not there."""
    with hub().database.read() as db:
        return next((str(row.name) for row in locations_of.locations(db, visitor().merchant) if row.id == id), "") or abort(404)


def _one() -> Connection:
    with hub().database.read() as db:
        return connections.one_of(db, visitor().merchant, asked.text("connection")) or abort(404)


@pages.post("/stock/buffers")
@needs("settings.write")
def keep_back() -> Response:
    one, units = _one(), asked.number(asked.text("units"), -1)
    if not 0 <= units <= MOST:
        return _back("bad", gettext("Write a whole number of units, at least 0."))
    if units != one.buffer:
        flows.keep_back(hub(), one, units, who())
    return _back("good", ngettext("%(num)s unit is kept back there.", "%(num)s units are kept back there.", units))


@pages.post("/stock/leads")
@needs("settings.write")
def lead() -> Response:
    """Whose number counts where somebody changes stock in the channel itself."""
    one, said = _one(), asked.text("leads")
    if said not in {rule.value for rule in Leader}:
        abort(400)
    if not flows_of.lead(hub(), one, Leader(said), who()):
        return _back("info", gettext("It was so already; nothing changed."))
    return _back("good", gettext("It is so from now on for %(name)s.", name=one.label))


@pages.post("/stock/places")
@needs("settings.write")
def map_place() -> Response:
    """Say which of our locations a channel's place is; "forget": nobody has said anything."""
    one = _one()
    with hub().database.read() as db:
        ours = {row.id for row in locations_of.locations(db, visitor().merchant)}
    try:
        if "forget" in request.form:
            places.unmap_places(hub(), one, who())
        else:
            places.map_place(hub(), one, asked.text("place"), [id for id in asked.texts("location") if id in ours], who())
    except Refused:
        return _back("bad", gettext("That cannot be: a channel without places of its own needs at least one of your locations."))
    return _back("good", gettext("It is so from now on. Open orders are settled anew, and the channel is told."))


# ---- from where is sent, and in what


@pages.post("/stock/locations/<id>/site")
@needs("settings.write")
def set_site(id: str) -> Response:
    """Whether it sends, from which address, and when its day begins."""
    name, ships = _mine(id), asked.text("ships") == "1"
    said = {part: asked.text(f"to_{part}", 100).strip() for part in ADDRESS}
    try:
        address = said if any(said.values()) else None
        sites.set_site(hub(), visitor().merchant, id, who(), ships=ships, address=address, zone=asked.text("zone", 60))
    except Refused as error:
        return _back("bad", _no_site(str(error)))
    if not ships:
        return _back("good", gettext("Nothing is sent from %(name)s.", name=name))
    return _back("good", gettext("%(name)s sends: orders that are reserved there become shipments.", name=name))


@pages.post("/stock/locations/<id>/asks")
@needs("settings.write")
def set_asks(id: str) -> Response:
    """How whoever sends from there is asked."""
    name, way, by = _mine(id), asked.text("way", 20), asked.text("by", 64)
    said = {"connection": {"connection": by}, "api": {"key": by}}.get(way, {"to": asked.text("to", 300).strip()})
    hours, (to, connection, key) = asked.number(asked.text("hours"), 0), (said.get(one, "") for one in ("to", "connection", "key"))
    how = Asking(Way(way), to=to, connection=connection, key=key, hours=hours) if way in set(Way) else None
    try:
        secret = parties.set_asking(hub(), visitor().merchant, id, how, who())
    except Refused as error:
        return _back("bad", _no_asking(str(error)))
    if secret:
        flash(gettext("Their program checks our calls with this secret, shown once: %(secret)s", secret=secret), "info")
    if how is None:
        return _back("good", gettext("Nobody else is asked to send from %(name)s.", name=name))
    return _back("good", gettext("Whoever sends from %(name)s is asked so from now on.", name=name))


@pages.post("/stock/locations/<id>/lend")
@needs("settings.write")
def lend(id: str) -> Response | str:
    """Whether a channel's own warehouse sends for orders of other channels; "look" only says what that would do."""
    name, by, looks = _mine(id), asked.text("by", 64), asked.text("do", 10) == "look"
    try:
        how = _lending(by) if by else None
        done = switching.switch(hub(), visitor().merchant, id, how, who(), dry_run=looks)
    except Refused as error:
        return _back("bad", _no_lending(error))
    if looks:
        return _back("info", _lent(name, done, on=how is not None) + " " + gettext("Nothing was changed."))
    undo = "" if done.was == how else render_template("undo_lending.html", id=id, was=done.was, services=_services(done.was))
    say("good", _lent(name, done, on=how is not None), undo=Markup(undo))  # noqa: S704 - our own template made it
    return page()


def _lending(by: str) -> Asking:
    """What the form says. Raises Refused."""
    lines = [line.rpartition("=") for line in asked.text("services", 5000).splitlines() if line.strip()]
    speeds = {service.strip(): speed.strip().lower() for service, _, speed in lines}
    cushion, speed = asked.number(asked.text("cushion").strip() or "0", -1), asked.text("speed", 20)
    return Asking(Way.CONNECTION, connection=by, cushion=cushion, blank=asked.text("blank") == "1", speed=speed, speeds=speeds)


def _services(how: Asking | None) -> str:
    return "\n".join(f"{service} = {speed}" for service, speed in how.speeds.items()) if how else ""


def _lent(name: str, done: switching.Switched, *, on: bool) -> str:
    """What it is like, or would be."""
    said = {"name": name, "accounts": ", ".join(done.accounts) or "–", "free": done.free, "skus": done.skus, "promised": done.promised}
    if on:
        words = gettext(
            "%(name)s sends for orders of %(accounts)s: %(free)s units of %(skus)s SKUs are free, %(promised)s promised.", **said
        )
    else:
        words = gettext("%(name)s sends for its own channel alone. What it was asked for goes on; %(promised)s units are promised.", **said)
    return str(words)


def _no_lending(error: Refused) -> str:
    """Why not, by how core/flows/switching.py begins to say it."""
    if isinstance(error, SellsAlone):
        return _cannot(error)
    known = {
        "choose the connection": gettext("Choose the connection whose warehouse it is."),
        "nobody has read": gettext("Nobody has read yet what lies there. That is done every hour."),
        "a speed is one of": gettext("Write each service as: Next day = priority. The speeds are standard, expedited and priority."),
    }
    return next(
        (str(words) for begins, words in known.items() if str(error).startswith(begins)),
        str(gettext("Write a whole number of units, at least 0.")),
    )


def _no_asking(said: str) -> str:
    """Why not, by how core/flows/parties.py begins to say it."""
    known = {
        "they answer within": gettext("Write hours from 1 to 336."),
        "write one e-mail": gettext("Write one e-mail address."),
        "there is no such API key": gettext("Choose an API key with the scope requests.write."),
        "that connection sends nothing": gettext("That connection sends nothing for others."),
        "only another company": gettext("Only another company's warehouse, or a supplier that sends to buyers, can be asked."),
    }
    found = next((words for begins, words in known.items() if said.startswith(begins)), None)
    return str(found or gettext("That address cannot be called. Nothing was changed."))


def _no_site(said: str) -> str:
    """Why not, by how core/flows/sites.py begins to say it."""
    known = {
        "there is no such location": gettext("It is Amazon's own: Amazon sends from there."),
        "say first which address": gettext("Say first which address its parcels come from."),
        "the address lacks": gettext("Carriers ask for a street, a town, a postal code and a country."),
        "a country is two letters": gettext("Choose a country from the list."),
        "there is no time zone": gettext("Choose a time zone from the list."),
    }
    return next(
        (str(words) for begins, words in known.items() if said.startswith(begins)), str(gettext("That cannot be. Nothing was changed."))
    )


@pages.post("/stock/boxes")
@needs("settings.write")
def put_box() -> Response:
    sides = [asked.number(asked.text(side).strip()) for side in ("length", "width", "height")]
    most, grams = asked.text("most").strip(), asked.number(asked.text("grams").strip() or "0", -1)
    length, width, height = sides
    one = Carton(asked.text("name", 60).strip(), length, width, height, grams, asked.number(most) or None)
    try:
        sites.put_box(hub(), visitor().merchant, one, who())
    except Refused:
        return _back("bad", gettext("Give the box a name, its outer sides in millimetres and its weight in grams."))
    return _back("good", gettext("%(name)s can be chosen when something is packed.", name=one.name))


@pages.post("/stock/boxes/remove")
@needs("settings.write")
def remove_box() -> Response:
    name = asked.text("name", 60)
    if not sites.remove_box(hub(), visitor().merchant, name, who()):
        abort(404)
    return _back("good", gettext("%(name)s is not offered any more.", name=name))
