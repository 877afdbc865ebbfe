"""What was done, in words. A room's acts are named "room.verb"; one that has no words here is shown as it is written."""

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext

from core.domain.later import N_

# The kinds of acts that can be looked for.
ROOMS = {
    "order": N_("Orders"),
    "history": N_("Old orders"),
    "stock": N_("Stock"),
    "inbound": N_("Inbound"),
    "listing": N_("Listings"),
    "sku": N_("SKUs"),
    "location": N_("Locations"),
    "place": N_("Places of channels"),
    "shipment": N_("Shipments"),
    "label": N_("Labels"),
    "box": N_("Boxes"),
    "sending": N_("Shipping"),
    "attention": N_("Needs attention"),
    "task": N_("Tasks"),
    "connection": N_("Connections"),
    "privacy": N_("Buyers' data"),
    "user": N_("People"),
    "key": N_("API keys"),
    "hook": N_("Webhooks"),
    "alerts": N_("Alerts"),
    "settings": N_("Settings"),
}
SENTENCES = {
    "order.hold": N_("held orders"),
    "order.address": N_("corrected an order's address"),
    "order.reship": N_("had goods sent once more"),
    "order.cancel": N_("had an order cancelled at its channel"),
    "order.answer": N_("answered a buyer who wished to cancel"),
    "order.uncancel": N_("took back that an order is cancelled"),
    "order.short": N_("said what becomes of units that are not there"),
    "order.release": N_("let orders go"),
    "order.note": N_("wrote a note on orders"),
    "order.tag": N_("tagged orders"),
    "order.untag": N_("took a tag off orders"),
    "order.export": N_("exported orders"),
    "order.raw": N_("looked at what the channel sent of an order"),
    "history.ask": N_("asked for old orders"),
    "history.stop": N_("stopped bringing old orders in"),
    "stock.quota": N_("dealt a SKU to its listings"),
    "sku.card": N_("wrote a SKU's card"),
    "listing.rule": N_("set what a listing may show"),
    "stock.assemble": N_("put kits together, or took them apart"),
    "stock.safety": N_("changed how many units are kept from channels"),
    "stock.adjust": N_("adjusted stock"),
    "stock.follow": N_("took over what was changed in a channel"),
    "stock.unfollow": N_("took back what was taken over from a channel"),
    "listing.mend": N_("had a listing stop at what it shows"),
    "listing.unmend": N_("had a listing go on selling beyond what it shows"),
    "listing.choose": N_("said whose number of a listing is right"),
    "connection.lead": N_("said whose number counts at a channel"),
    "stock.count": N_("counted stock"),
    "stock.import": N_("took a file with counts"),
    "listing.kit": N_("said how the parts of a kit leave"),
    "listing.map": N_("said what a listing sells"),
    "location.add": N_("added a location"),
    "location.kind": N_("said what a location is"),
    "location.remove": N_("removed a location"),
    "location.rename": N_("renamed a location"),
    "location.rank": N_("changed which location stock is taken from first"),
    "inbound.add": N_("wrote a delivery down"),
    "inbound.edit": N_("changed a delivery"),
    "inbound.send": N_("sent a delivery on its way"),
    "inbound.receive": N_("received goods"),
    "inbound.take_back": N_("undid receiving goods"),
    "inbound.close": N_("closed a delivery"),
    "inbound.cancel": N_("cancelled a delivery"),
    "inbound.reopen": N_("opened a delivery again"),
    "label.buy": N_("had a label bought"),
    "label.checked": N_("looked at the carrier: a label was not bought"),
    "label.void": N_("gave a label back"),
    "label.throw_away": N_("threw a paid label away"),
    "shipment.weigh": N_("weighed a shipment"),
    "shipment.send": N_("handed a shipment over"),
    "shipment.join": N_("had several orders go in one parcel"),
    "shipment.part": N_("had an order go alone again"),
    "shipment.ready": N_("made a shipment ready to be fetched"),
    "shipment.unready": N_("took back that a shipment can be fetched"),
    "shipment.wait": N_("let a shipment wait longer for its buyer"),
    "shipment.split": N_("packed a shipment into several parcels"),
    "shipment.correct": N_("corrected what its channel is told of a parcel"),
    "shipment.take_apart": N_("took a shipment apart"),
    "shipment.short": N_("said that goods of a shipment are not there"),
    "location.sends": N_("said from where a location sends"),
    "sending.rules": N_("said when orders are made ready"),
    "label.choose": N_("had the best label bought"),
    "box.put": N_("wrote a box down"),
    "box.remove": N_("removed a box"),
    "settings.service": N_("said by which service parcels usually go"),
    "place.map": N_("said which location a channel's place is"),
    "place.forget": N_("forgot what was said of a channel's places"),
    "connection.install": N_("installed Crossdock in a shop"),
    "connection.connect": N_("connected an account"),
    "connection.renew": N_("renewed a login"),
    "connection.test": N_("tested a connection"),
    "connection.read": N_("had a channel's orders read"),
    "connection.reckon": N_("looked at what going live would change"),
    "connection.live": N_("let stock be written"),
    "connection.watch": N_("went back to watching"),
    "connection.pause": N_("paused a connection"),
    "connection.resume": N_("resumed a connection"),
    "connection.buffer": N_("changed how many units a channel keeps back"),
    "connection.blind": N_("changed what is left to a channel that cannot be reached"),
    "connection.poll": N_("changed how often a channel's orders are read"),
    "connection.disconnect": N_("disconnected an account"),
    "connection.erase": N_("had an account erased"),
    "privacy.redact": N_("had a customer's data forgotten"),
    "privacy.export": N_("asked for a customer's data"),
    "privacy.take": N_("took the file with a customer's data"),
    "attention.retry": N_("tried again what had stopped"),
    "attention.ignore": N_("left something as it is, with a note"),
    "attention.show": N_("brought back what was left as it is"),
    "task.retry": N_("tried a task again"),
    "user.in": N_("signed in"),
    "user.arrive": N_("came in by a shop's admin for the first time"),
    "user.setup": N_("became the first owner"),
    "user.add": N_("added somebody"),
    "user.invite": N_("invited somebody"),
    "user.withdraw": N_("withdrew an invitation"),
    "user.join": N_("accepted an invitation"),
    "user.role": N_("gave somebody another role"),
    "user.remove": N_("took somebody off the people who work here"),
    "user.password": N_("set a password"),
    "user.code_on": N_("switched the second factor on"),
    "user.code_off": N_("switched the second factor off"),
    "user.disable": N_("shut somebody out"),
    "user.enable": N_("let somebody in again"),
    "key.add": N_("made an API key"),
    "key.revoke": N_("revoked an API key"),
    "hook.add": N_("added a webhook"),
    "hook.pause": N_("paused a webhook"),
    "hook.resume": N_("resumed a webhook"),
    "hook.remove": N_("removed a webhook"),
    "hook.rotate": N_("changed a webhook's secret"),
    "hook.test": N_("sent a webhook to try it"),
    "hook.resend": N_("sent a webhook once more"),
    "alerts.choose": N_("chose what to be told"),
    "settings.general": N_("changed the settings"),
    "settings.routing": N_("said from where orders leave"),
}


def rooms() -> dict[str, str]:
    """The kinds of acts, as the reader calls them."""
    return {room: gettext(name) for room, name in ROOMS.items()}


def words(act: str) -> str:
    room, _, verb = act.partition(".")
    return gettext(SENTENCES[act]) if act in SENTENCES else f"{gettext(ROOMS[room]) if room in ROOMS else room}: {verb.replace('_', ' ')}"


def details(body: Mapping[str, Any]) -> str:
    """What a reader wants to know of it, on one line."""
    return ", ".join(f"{name.replace('_', ' ')}: {_plain(value)}" for name, value in body.items() if value not in (None, "", [], {}))


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
