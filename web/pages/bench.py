"""The bench: a slip is scanned, then what belongs into the parcel; then it is weighed, and its label printed. Where somebody is stands in
the address: nothing is lost by loading it again, and several may work at once."""

from collections import Counter
from itertools import zip_longest
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from core.domain import bench as rules
from core.domain.bench import Done, Judged, Piece, Verdict
from core.domain.parcelling import cuts, scanned_into
from core.domain.shipments import PROBLEMS, STOPS, WORDS
from core.domain.totes import tote
from core.errors import Refused
from core.flows import labelling, packing, rating, shipment_page
from core.flows.cards import WrongCard
from core.flows.shipment_page import Difference, Seen
from core.store import boxes, cards, printers, shipment_list
from web import asked, shipping_words
from web.pages.shipments import BEST, STATION
from web.said import say
from web.visitor import hub, needs, visitor, who

pages = Blueprint("bench", __name__)
LONG = 100


@pages.context_processor
def _words() -> dict[str, Any]:
    return {"states": WORDS, "stops": STOPS, "problems": PROBLEMS, "tones": shipping_words.TONES}


@pages.get("/bench")
@needs("shipments.work")
def page() -> str | Response:
    """With `scan` something was scanned: what is right leads on, what is wrong is said."""
    at, scan = asked.text("at", LONG).strip(), asked.text("scan", LONG).strip()
    return _scanned(at, scan) if scan else _show(at)


def _scanned(at: str, scan: str) -> str | Response:
    merchant = visitor().merchant
    with hub().database.read() as db:
        other = shipment_list.one(db, merchant, shipment_list.in_tote(db, merchant, tote(scan)) or scan)
        found = shipment_page.one(hub(), db, merchant, at) if at and not other else None
        pieces = shipment_page.to_scan(db, merchant, shipment_page.whole(db, merchant, found)) if found else []
        owner = _owner(db, scan) if found else ""
    if other is not None:
        return _another(at, other.lead_name or other.name)
    if found is None:
        return _show("", "wrong", gettext("No shipment is called %(said)s.", said=scan))
    judged = rules.judge(scan, pieces, _done(found, pieces), owner)
    if judged.verdict is Verdict.RIGHT and found.is_open and not found.stop and found.row.way != "request":
        return redirect(url_for("bench.page", at=found.row.name, done=judged.done.text, cuts=_cuts(judged.done), latest=judged.sku), 303)
    if judged.verdict is Verdict.RIGHT:
        return _show(found.row.name, "wrong")  # what stops it is said there
    return _show(found.row.name, "unknown" if judged.verdict is Verdict.UNKNOWN else "wrong", _refusal(judged, scan), scan)


def _owner(db: Any, scan: str) -> str:
    """Whose barcode it is, or the SKU itself; "" where nobody knows."""
    owners = cards.owners(db, visitor().merchant, rules.spellings(scan))
    if owners:
        return next(iter(owners.values()))
    known = cards.lock(db, visitor().merchant, {scan, scan.upper()})
    return next(iter(known), "")


def _another(at: str, name: str) -> str | Response:
    """Another slip: unless something of this one is in the parcel already."""
    if at and at.upper() != name and asked.text("done", 2000):
        return _show(at, "wrong", gettext("That is the slip of %(name)s. Finish this one, or take everything out first.", name=name))
    return redirect(url_for("bench.page", at=name), 303)


def _refusal(judged: Judged, scan: str) -> str:
    match judged.verdict:
        case Verdict.WRONG:
            return str(gettext("%(sku)s does not belong into this parcel.", sku=judged.sku))
        case Verdict.ENOUGH:
            return str(gettext("All of %(sku)s is in the parcel already.", sku=judged.sku))
        case _:
            return str(gettext("Nobody knows %(said)s.", said=scan))


def _show(at: str, sound: str = "", words: str = "", scan: str = "") -> str | Response:
    """The bench with this shipment on it; `sound` "wrong" or "unknown" is heard, and `words` say why."""
    merchant = visitor().merchant
    with hub().database.read() as db:
        found = shipment_page.one(hub(), db, merchant, at) if at else None
        if found is None:
            return _empty(sound or ("wrong" if at else ""), words or (gettext("No shipment is called %(said)s.", said=at) if at else ""))
        if found.row.lead_name and found.is_open:
            return redirect(url_for("bench.page", at=found.row.lead_name), 303)
        loads = shipment_page.whole(db, merchant, found)
        pieces = shipment_page.to_scan(db, merchant, loads)
        is_over = found.stop or found.row.state == "cancelled"
        change = shipment_page.difference(hub(), db, merchant, found) if is_over else Difference()
        done = _done(found, pieces)
        ready = rules.is_all(done, pieces) and not is_over and found.row.way != "request" and found.row.state in ("released", "packed")
        chosen = request.cookies.get(STATION, "") if found.row.state == "labelled" else ""
        station = printers.station(db, merchant, chosen) if chosen else None
        choices = _choices(db, found) if ready and not found.is_bought_now else {}
        inside = shipment_list.boxes_of(db, merchant, found.row.id) if found.row.parcels > 1 else []
    latest, problem = asked.text("latest", 200), shipping_words.problem(_problem(found))
    heard = {"sound": sound or ("right" if latest else ""), "words": words, "scan": scan, "latest": latest, "problem": problem}
    into = {
        "titles": {load.line: load.title or load.line for load in loads},
        "inside": inside,
        "into": [] if inside else _into(found, done, pieces),
        "cuts": _cuts(done),
    }
    return render_template(
        "bench.html", one=found, pieces=pieces, done=done, change=change, ready=ready, station=station, **heard, **choices, **into
    )


def _cuts(done: Done) -> str | None:
    """Where another parcel was begun, as the address keeps it."""
    return ".".join(map(str, cuts(asked.text("cuts", 400), done))) or None


def _into(found: Seen, done: Done, pieces: list[Piece]) -> list[Counter[str]]:
    """What was scanned into each parcel, where it is to be several."""
    parts = scanned_into(done, cuts(asked.text("cuts", 400), done), pieces) if found.row.state == "released" else []
    if rules.is_all(done, pieces):
        parts = [part for part in parts if part]
    return parts if len(parts) > 1 else []


def _problem(found: Seen) -> str:
    return "asked_of_others" if found.row.way == "request" and not found.row.problem else found.row.problem or ""


def _empty(sound: str, words: str) -> str:
    return render_template("bench.html", one=None, sound=sound, words=words, scan="", latest="", done=Done())


def _done(found: Seen, pieces: list[Piece]) -> Done:
    """What is packed was scanned; of what must not leave nothing counts."""
    if found.stop or found.row.state == "cancelled" or found.row.way == "request":
        return Done()
    return rules.done(asked.text("done", 2000), pieces) if found.row.state == "released" else rules.all_of(pieces)


def _choices(db: Any, found: Seen) -> dict[str, Any]:
    merchant = visitor().merchant
    sellers = labelling.sellers_of(hub(), db, merchant, found.row.connection, found.order.programs)
    offers = packing.offered(hub(), merchant, sellers)
    usual = packing.usual(offers, packing.chosen_in(found.row.settings), found.row.account, found.row.service)
    return {"offers": offers, "usual": usual, "cartons": boxes.all_of(db, merchant)}


# ---- its label


@pages.post("/bench/<name>/label")
@needs("shipments.work")
def label(name: str) -> str | Response:
    """Its parcels are weighed and their label wanted. What is typed as a weight and is none was most likely scanned."""
    with hub().database.read() as db:
        found = shipment_list.one(db, visitor().merchant, asked.printable(name)[:64]) or abort(404)
    typed = [said.strip() for said in asked.texts("grams", LONG)] or [""]
    grams = [weight for said in typed if (weight := rules.grams(said)) is not None]
    if len(grams) < len(typed):
        said = next(said for said in typed if rules.grams(said) is None) or "–"
        return _show(found.name, "wrong", gettext("%(said)s is no weight in grams. Was something scanned that is too much?", said=said))
    connection, _, service = asked.text("service", 200).partition("/")
    if not service and connection != BEST:
        return _show(found.name, "wrong", gettext("Choose by which service it goes."))
    try:
        _packed(found, grams)
        if connection == BEST:
            rating.ask(hub(), visitor().merchant, [found.id], who(), buy=True)
            return redirect(url_for("shipments.one", name=found.name), 303)
        labelling.want(hub(), visitor().merchant, found.id, connection, service, who())
    except Refused as error:
        return _show(found.name, "wrong", shipping_words.why(str(error)))
    return redirect(url_for("bench.page", at=found.name), 303)


def _packed(found: Any, grams: list[int]) -> None:
    """So many parcels, each of its weight. What is so already is left as it is."""
    merchant, boxed = visitor().merchant, asked.texts("box", LONG)
    if len(grams) > 1 and found.parcels == 1:
        packing.split_scanned(hub(), merchant, found.id, _scanned_parts(found), who())
    elif found.state != "released" and len(grams) == 1 and (grams[0], (boxed or [""])[0]) == (found.weight_g, found.boxed or ""):
        return
    for number, (weight, box) in enumerate(zip_longest(grams, boxed[: len(grams)], fillvalue=""), 1):
        packing.weigh(hub(), merchant, found.id, int(weight), who(), box=str(box), number=number)


def _scanned_parts(found: Any) -> list[Counter[str]]:
    with hub().database.read() as db:
        seen = shipment_page.one(hub(), db, visitor().merchant, found.name) or abort(404)
        wanted = shipment_page.to_scan(db, visitor().merchant, shipment_page.whole(db, visitor().merchant, seen))
    return _into(seen, _done(seen, wanted), wanted)


@pages.post("/bench/<name>/print")
@needs("shipments.work")
def print_it(name: str) -> str | Response:
    """Its label at the printer of this browser. It carries an address."""
    if not visitor().may("orders.buyers"):
        abort(403)
    from core.flows.print_at import print_at  # fonts and all that draws are loaded when somebody prints

    with hub().database.read() as db:
        found = shipment_list.one(db, visitor().merchant, asked.printable(name)[:64]) or abort(404)
    try:
        print_at(hub(), visitor().merchant, asked.text("station", 64), "labels", [found.id], who())
    except Refused as error:
        return _show(found.name, "wrong", shipping_words.why(str(error)))
    say("good", gettext("The label waits for its printer."))
    return _show(found.name)


@pages.get("/bench/<name>/label")
@needs("shipments.work")
def progress(name: str) -> str | Response:
    """How far its label is; once that is over, the bench as it is then."""
    with hub().database.read() as db:
        found = shipment_page.one(hub(), db, visitor().merchant, asked.printable(name)[:64]) or abort(404)
    if found.is_bought_now and not found.row.problem:
        return render_template("bench_buying.html", one=found)
    again = url_for("bench.page", at=found.row.name, printed="" if found.row.state == "labelled" else None)
    return Response("", headers={"HX-Redirect": again}) if "HX-Request" in request.headers else redirect(again, 303)


# ---- what is not as it should be


@pages.post("/bench/<name>/teach")
@needs("shipments.work")
def teach(name: str) -> str | Response:
    """This barcode is of that SKU from now on."""
    with hub().database.read() as db:
        found = shipment_list.one(db, visitor().merchant, asked.printable(name)[:64]) or abort(404)
    code, sku = asked.text("code", LONG).strip(), asked.text("sku", 200)
    try:
        packing.teach(hub(), visitor().merchant, found.id, code, sku, who())
    except (Refused, WrongCard) as error:
        return _show(found.name, "wrong", shipping_words.why(str(error)))
    return redirect(url_for("bench.page", at=found.name, done=asked.text("done", 2000), cuts=asked.text("cuts") or None, scan=code), 303)


@pages.post("/bench/<name>/short")
@needs("shipments.work")
def short(name: str) -> str | Response:
    """Only so many of it are there."""
    with hub().database.read() as db:
        found = shipment_list.one(db, visitor().merchant, asked.printable(name)[:64]) or abort(404)
    there, sku = asked.number(asked.text("there").strip() or "-1", -1), asked.text("sku", 200)
    if there < 0:
        return _show(found.name, "wrong", gettext("Write how many of %(sku)s are there.", sku=sku))
    try:
        gone = packing.short(hub(), visitor().merchant, found.id, sku, there, who())
    except Refused as error:
        return _show(found.name, "wrong", shipping_words.why(str(error)))
    say(
        "warn",
        gettext("The shelf of %(sku)s is corrected. Taken apart and made ready anew: %(names)s.", sku=sku, names=", ".join(gone) or "–"),
    )
    return _show(found.name if found.name not in gone else "")
