"""What happened to an order, in words that a person understands. Pure but for the reader's language."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from flask import current_app
from flask_babel import gettext, ngettext

from core.domain.calling_off import REASONS
from core.domain.later import N_
from core.domain.order import Line
from core.domain.shipments import AGAIN, Again
from core.domain.shipping import CancelReason, Progress
from web import order_words as words
from web.shipping_words import PROGRESS
from web.visitor import hub

Body = Mapping[str, Any]
Lines = Mapping[str, Line]


@dataclass(frozen=True, slots=True)
class Told:
    """`kind` is "happened" or "told"; `raw` the event as it is kept."""

    at: int
    words: str
    kind: str = "happened"
    raw: str = ""
    cause: str = ""


def story(events: Iterable[Any], lines: Iterable[Line]) -> list[Told]:
    """The events as sentences, in their order."""
    named = {line.id: line for line in lines}
    return [Told(event.at, _words(event, named), raw=f"{event.kind} {event.body}", cause=event.caused_by.split(" ")[0]) for event in events]


def _words(event: Any, lines: Lines) -> str:
    """A kind that nobody has words for yet is called by its name."""
    tell = TELLS.get(event.kind)
    return str(tell(msgspec.json.decode(event.body), lines)) if tell else str(event.kind)


def _thing(body: Body, lines: Lines) -> str:
    """What a line sells, as people call it."""
    line = lines.get(body["line"])
    return (line.sku or line.title) if line else body.get("sku") or str(gettext("a line that is gone"))


def _money(amount: Body) -> str:
    return str(current_app.jinja_env.filters["money"](amount["minor"], amount["currency"]))


def _units(body: Body) -> str:
    return str(ngettext("%(num)s unit", "%(num)s units", body["units"]))


def _taken(body: Body, lines: Lines) -> str:
    return str(gettext("Taken in: %(units)s for %(total)s", units=_units(body), total=_money(body["total"])))


def _changed(body: Body, lines: Lines) -> str:
    """What moved of (ordered, cancelled, fulfilled, returned)."""
    names = (gettext("ordered"), gettext("cancelled"), gettext("sent"), gettext("came back"))
    moved = [f"{name} {was} → {now}" for name, was, now in zip(names, body["was"], body["now"], strict=True) if was != now]
    return str(gettext("The channel changed %(thing)s: %(moved)s", thing=_thing(body, lines), moved=", ".join(moved)))


def _status(body: Body, lines: Lines) -> str:
    table = {"order": words.statuses, "payment": words.payments, "fulfillment": words.fulfillments}[body["what"]]()
    named = {"was": table.get(body["was"], body["was"]), "now": table.get(body["now"], body["now"])}
    match body["what"]:
        case "payment":
            return str(gettext("Payment: %(was)s → %(now)s", **named))
        case "fulfillment":
            return str(gettext("Sending: %(was)s → %(now)s", **named))
        case _:
            return str(gettext("Status: %(was)s → %(now)s", **named))


def _left(body: Body, lines: Lines) -> str:
    said = {"units": _units(body), "thing": _thing(body, lines)}
    if not body.get("missing"):
        return str(gettext("%(units)s of %(thing)s left the shelf", **said))
    said["missing"] = str(body["missing"])
    return str(gettext("%(units)s of %(thing)s left, %(missing)s of them were not on the shelf by our count", **said))


def _back(body: Body, lines: Lines) -> str:
    said = {"units": _units(body), "thing": _thing(body, lines)}
    if not body.get("theirs"):
        return str(gettext("%(units)s of %(thing)s came back to the shelf", **said))
    said["theirs"] = str(body["theirs"])
    return str(gettext("%(units)s of %(thing)s came back, %(theirs)s of them to the channel's own warehouse, which counts them", **said))


def _held(body: Body, lines: Lines) -> str:
    why = words.reasons().get(body["why"], body["why"])
    return str(gettext("%(by)s holds it: %(why)s. It stays reserved and is not sent.", by=body["by"], why=why))


def _decided(body: Body, lines: Lines) -> str:
    match body["what"]:
        case "elsewhere":
            return str(gettext("%(by)s has what is missing sent from %(location)s", by=body["by"], location=body["location"]))
        case "backorder":
            return str(gettext("%(by)s lets it wait for what is missing", by=body["by"]))
        case "partial":
            return str(gettext("%(by)s has what is there sent, the rest follows", by=body["by"]))
        case _:
            return str(gettext("%(by)s took back what was said of what is missing", by=body["by"]))


def _apart(body: Body, lines: Lines) -> str:
    match body["why"]:
        case "person":
            return str(gettext("Somebody took shipment %(name)s apart", name=body["name"]))
        case "refused":
            return str(gettext("Shipment %(name)s was taken apart: whoever was asked to send it refused", name=body["name"]))
        case "withdrawn":
            return str(gettext("Shipment %(name)s was taken apart: nobody is asked to send it any more", name=body["name"]))
        case "short":
            return str(gettext("Shipment %(name)s was taken apart: not all of it was there", name=body["name"]))
        case _:
            return str(gettext("Shipment %(name)s was taken apart: the order changed", name=body["name"]))


ASKED = {
    "asked": N_("%(location)s is asked to send shipment %(name)s"),
    "accepted": N_("%(location)s will send shipment %(name)s"),
    "rejected": N_("%(location)s refused to send shipment %(name)s"),
    "withdrawing": N_("%(location)s is asked to send shipment %(name)s no more"),
    "withdrawn": N_("%(location)s sends shipment %(name)s no more"),
    "sent": N_("%(location)s sent shipment %(name)s"),
    "anyway": N_("%(location)s sent goods of shipment %(name)s that were wanted no more"),
}


def _asked(body: Body, lines: Lines) -> str:
    words = ASKED[body["state"]]
    return str(gettext(words, name=body["name"], location=body["location"]))


def _label(body: Body, lines: Lines) -> str:
    said = {name: body[name] for name in ("carrier", "service", "tracking")}
    if not body.get("price"):
        return str(gettext("A label was bought: %(carrier)s %(service)s, %(tracking)s", **said))
    return str(gettext("A label was bought for %(price)s: %(carrier)s %(service)s, %(tracking)s", price=body["price"], **said))


def _moved(body: Body, lines: Lines) -> str:
    words = {"tracking": body["tracking"], "progress": gettext(PROGRESS.get(Progress(body["progress"]), body["progress"]))}
    if not body.get("town"):
        return str(gettext("Parcel %(tracking)s: %(progress)s", **words))
    return str(gettext("Parcel %(tracking)s: %(progress)s, %(town)s", town=body["town"], **words))


def _called_off(body: Body, lines: Lines) -> str:
    match body["state"]:
        case "wanted":
            why = gettext(REASONS[CancelReason(body["reason"])]) if body["reason"] in REASONS else body["reason"]
            return str(gettext("%(by)s has it cancelled at its channel: %(why)s", by=body["by"], why=why))
        case "refused":
            return str(gettext("The channel refused to cancel it. It is held until somebody says what shall become of it."))
        case "stands":
            return str(gettext("The channel did not cancel it in time. It is held until somebody says what shall become of it."))
        case _:
            return str(gettext("%(by)s took back that it is cancelled", by=body["by"]))


def _captured(body: Body, lines: Lines) -> str:
    return str(gettext("The payment was captured: %(amount)s in all", amount=_money(body["taken"])))


def _answered(body: Body, lines: Lines) -> str:
    if body["agreed"]:
        return str(gettext("Its buyer wished to cancel it: %(by)s agreed", by=body["by"]))
    return str(gettext("Its buyer wished to cancel it: %(by)s answered that it is sent", by=body["by"]))


def _about(text: Callable[[dict[str, str]], str]) -> Callable[[Body, Lines], str]:
    """A sentence about units of a line."""
    return lambda body, lines: text({"units": _units(body), "thing": _thing(body, lines)})


TELLS: Mapping[str, Callable[[Body, Lines], str]] = {
    "OrderTaken": _taken,
    "LineAdded": _about(lambda said: gettext("The channel added %(units)s of %(thing)s", **said)),
    "LineChanged": _changed,
    "LineGone": _about(lambda said: gettext("The channel took a line of %(units)s out", **said)),
    "Refunded": lambda body, lines: gettext("Refunded %(total)s", total=_money(body["total"])),
    "StatusChanged": _status,
    "TotalChanged": lambda body, lines: gettext("Total: %(was)s → %(now)s", was=_money(body["was"]), now=_money(body["now"])),
    "AddressChanged": lambda body, lines: gettext("It goes to another address now, in %(country)s", country=body["country"]),
    "AddressCorrected": lambda body, lines: (
        gettext("%(by)s corrected its address", by=body["by"])
        if body["whose"] == "ours"
        else gettext("%(by)s let it go to where its channel says", by=body["by"])
    ),
    "Reshipped": lambda body, lines: gettext(
        "%(by)s has %(units)s sent once more, in shipment %(name)s. %(why)s",
        by=body["by"],
        units=_units(body),
        name=body["name"],
        why=gettext(AGAIN[Again(body["why"])]),
    ),
    "ReadyForPickup": lambda body, lines: gettext("%(by)s made %(name)s ready to be fetched", by=body["by"], name=body["name"]),
    "StockReserved": _about(lambda said: gettext("Reserved %(units)s of %(thing)s", **said)),
    "StockReleased": _about(lambda said: gettext("Gave %(units)s of %(thing)s free", **said)),
    "StockCarried": _about(
        lambda said: gettext("The reservation of %(units)s of %(thing)s went over to the order that stands for it", **said)
    ),
    "StockShort": _about(lambda said: gettext("%(units)s of %(thing)s are not on the shelf: they wait", **said)),
    "MappingNeeded": lambda body, lines: gettext("Nobody said which SKU %(thing)s is: it waits", thing=_thing(body, lines)),
    "UnitsLeft": _left,
    "UnitsBack": _back,
    "CopyFound": lambda body, lines: (
        gettext("It is a copy of another order: it reserves nothing") if body["original"] else gettext("It is an order of its own")
    ),
    "HasCopy": lambda body, lines: gettext("Another channel has a copy of it"),
    "Merged": lambda body, lines: gettext("Its lines are in another order now") if body["into"] else gettext("Its lines are its own again"),
    "OrderHeld": _held,
    "OrderCalledOff": _called_off,
    "PaymentCaptured": _captured,
    "AssignmentMoved": lambda body, lines: str(gettext("The channel knows from where shipment %(name)s leaves", name=body["name"])),
    "CaptureFailed": lambda body, lines: str(gettext("The payment was not captured: the channel refused.")),
    "AppealAnswered": _answered,
    "ShortDecided": _decided,
    "ShipmentMade": lambda body, lines: gettext(
        "Shipment %(name)s was made at %(location)s: %(units)s", name=body["name"], location=body["location"], units=_units(body)
    ),
    "ShipmentCancelled": _apart,
    "RequestMoved": _asked,
    "ShipmentSent": lambda body, lines: gettext(
        "%(by)s handed shipment %(name)s over: %(units)s", by=body["by"], name=body["name"], units=_units(body)
    ),
    "LabelBought": _label,
    "LabelVoided": lambda body, lines: (
        gettext("The label %(tracking)s was given back", tracking=body["tracking"])
        if body["what"] != "refused"
        else gettext("The carrier did not take the label %(tracking)s back", tracking=body["tracking"])
    ),
    "ParcelTold": lambda body, lines: gettext("The channel knows of the parcel %(tracking)s", tracking=body["tracking"] or body["name"]),
    "ParcelMoved": _moved,
    "OrderReleased": lambda body, lines: gettext("%(by)s let it go", by=body["by"]),
    "NoteAdded": lambda body, lines: gettext("%(by)s wrote a note", by=body["by"]),
    "TagAdded": lambda body, lines: gettext("%(by)s tagged it %(tag)s", by=body["by"], tag=body["tag"]),
    "TagRemoved": lambda body, lines: gettext("%(by)s took the tag %(tag)s away", by=body["by"], tag=body["tag"]),
}


def told(pushes: Iterable[Any]) -> list[Told]:
    """What channels were told of the order's goods."""
    return [Told(push.told_at or push.asked_at, _push(push), kind="told") for push in pushes]


def _push(push: Any) -> str:
    said = {"where": f"{hub().label(push.channel)} {push.label}", "sku": push.sku or push.listing, "quantity": push.quantity}
    match push.told:
        case None:
            return str(gettext("Told %(where)s: %(quantity)s of %(sku)s left. No answer yet", **said))
        case "shown" | "accepted":
            return str(gettext("Told %(where)s: %(quantity)s of %(sku)s left", **said))
        case "stale":
            return str(
                gettext("Wanted to tell %(where)s: %(quantity)s of %(sku)s left; it showed something else, and was looked at again", **said)
            )
        case _:
            return str(gettext("%(where)s refused: %(quantity)s of %(sku)s left", **said))


def when(one: Told) -> tuple[int, bool]:
    """In the order of time; what happened comes before what was told because of it."""
    return (one.at, one.kind == "told")
