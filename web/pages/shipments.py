"""Shipping: shipments by their state with what may be done with some at once, and one with everything about it."""

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
from flask import Blueprint, Response, abort, flash, g, redirect, render_template, request, url_for
from flask_babel import format_currency, format_date, gettext, ngettext
from werkzeug.wrappers import Response as Answer

from core.domain import checking as checking_words
from core.domain.bench import MOST_G
from core.domain.packing import WORDS as PAPER_WORDS
from core.domain.printing import TAKES
from core.domain.requests import WORDS as REQUESTS
from core.domain.shipments import AGAIN, PROBLEMS, STOPS, WORDS, Again
from core.domain.shipping import LabelFormat, Paper
from core.domain.telling import KINDS
from core.errors import Refused
from core.flows import checking, judging, labelling, moving, packing, rating, reshipping, sending, shipment_page, telling
from core.flows.shipment_page import Difference, Seen
from core.store import boxes, connections, events, lists, parcels, places, printers, requests, shipment_list, shipments
from core.store import telling as told_store
from web import asked, shipping_words, story
from web.said import say
from web.visitor import hub, needs, visitor, who

pages = Blueprint("shipments", __name__)
MOST, LONG_MM = 50, 3_000
STATION = "station"  # the cookie that says at which printer this browser prints
STATES = ("released", "packed", "labelled", "problem", "sent", "cancelled")


@pages.context_processor
def _words() -> dict[str, Any]:
    return {
        "verdicts": checking_words.WORDS,
        "states": WORDS, "stops": STOPS, "problems": PROBLEMS, "again": AGAIN, "pickups": shipping_words.PICKUPS,
        "tones": shipping_words.TONES, "purchase_words": shipping_words.PURCHASES,
        "progress_words": shipping_words.PROGRESS,
    }  # fmt: skip


# ---- the list


@pages.get("/shipments")
@needs("shipments.read")
def page() -> str:
    return _list()


def _list(stays: Mapping[str, str] | None = None) -> str:
    merchant, state, location = visitor().merchant, asked.text("state", 20), asked.text("location", 64)
    state = state if state in STATES else STATES[0]
    behind = (asked.number(asked.text("at")), asked.text("id", 64)) if request.method == "GET" and asked.text("at") else None
    with hub().database.read() as db:
        rows = shipment_list.page(db, merchant, state, location, behind, MOST + 1)
        first = shipment_list.urgent(db, merchant, state, location, hub().now, MOST) if behind is None else []
        stations = printers.stations(db, merchant) if visitor().may("shipments.work") else []
        counts, ours = shipment_list.counts(db, merchant, hub().now), places.locations(db, merchant)
        offers = packing.offered(hub(), merchant, connections.all_of(db, merchant, connections.CARRIER))
        names = {one.id: one.name for one in shipments.found(db, merchant, stays).values()} if stays else {}
    last = rows[MOST - 1] if len(rows) > MOST else None
    usual = packing.usual(offers, packing.chosen_in(rows[0].settings) if rows else "")
    shown = {row.id: row for row in (*first, *rows[:MOST])}
    return render_template(
        "shipments.html", found=shipment_page.seen(hub(), merchant, shown.values()), soon=hub().now + shipment_list.SOON_US,
        more=last, state=state, location=location, counts=counts,
        most=shipment_list.COUNTED, views=_views(), ours=ours, offers=offers, now=hub().now, usual=usual,
        stations=stations, station=request.cookies.get(STATION, ""),
        stays=[(names[id], shipping_words.why(said)) for id, said in (stays or {}).items() if id in names],
    )  # fmt: skip


def _views() -> dict[str, str]:
    named = (*(gettext(words) for state, words in WORDS.items() if state not in ("sent", "cancelled")), gettext("Needs a look"))
    return dict(zip(STATES, (*named, gettext("Sent"), gettext("Cancelled")), strict=True))


@pages.get("/shipments/live")
@needs("shipments.read")
def live() -> str:
    """How many labels carriers are being asked for."""
    with hub().database.read() as db:
        counts = shipment_list.counts(db, visitor().merchant, hub().now)
    return render_template("shipments_live.html", buying=counts["buying"], was=asked.number(asked.text("was")))


BEST = "best"  # whatever of all carriers is the best


@pages.post("/shipments/labels")
@needs("shipments.work")
def buy_many() -> str:
    connection, _, service = asked.text("service", 200).partition("/")
    ids = _chosen()
    if connection == BEST:
        return _buy_best(ids)
    none = packing.want_all(hub(), visitor().merchant, ids, connection, service, who())
    if bought := len(ids) - len(none):
        say("good", ngettext("%(num)s label is being bought.", "%(num)s labels are being bought.", bought))
    return _list(none)


def _buy_best(ids: list[str]) -> str:
    try:
        rating.ask(hub(), visitor().merchant, ids, who(), buy=True)
    except Refused as error:
        say("bad", shipping_words.why(str(error)))
    else:
        words = ngettext(
            "All carriers are asked, and the best is bought.", "All carriers are asked, and the best is bought for each.", len(ids)
        )
        say("good", words)
    return _list()


@pages.post("/shipments/print")
@needs("shipments.work")
def print_many() -> Response | str:
    """Papers of the chosen, in one file: `what` is slips, picks, invoices, returns or labels. Printing again buys nothing."""
    what = asked.text("what", 10)
    if not visitor().may("orders.buyers"):
        abort(403)
    from core.flows import printing  # fonts and all that draws are loaded when somebody prints

    ids = _chosen()
    try:
        if what == "labels":
            return files(printing.labels(hub(), visitor().merchant, ids), "labels")
        makes = {"picks": printing.pick_list, "invoices": printing.invoices, "returns": printing.return_slips}
        content = makes.get(what, printing.slips)(hub(), visitor().merchant, ids, language=language())
        return _printed(what if what in makes else "slips", Paper("list", LabelFormat.PDF, content))
    except Refused as error:
        say("bad", shipping_words.why(str(error)))
        return _list()


@pages.post("/shipments/print-at")
@needs("shipments.work")
def print_at() -> str:
    """The same at a station."""
    if not visitor().may("orders.buyers"):
        abort(403)
    from core.flows.print_at import print_at as send  # as above

    what, station = asked.text("what", 10), asked.text("station", 64)
    try:
        waits = send(hub(), visitor().merchant, station, what, _chosen(), who(), language())
    except Refused as error:
        say("bad", shipping_words.why(str(error)))
    else:
        say("good", ngettext("%(num)s paper waits for its printer.", "%(num)s papers wait for their printer.", waits))
    return _list()


def files(made: Sequence[Paper], name: str) -> Response:
    """One file; several, which printers of different kinds take, are packed together."""
    if len(made) == 1:
        return _printed(name, made[0])
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for n, one in enumerate(made, 1):
            packed.writestr(f"{name}-{n}.{one.format.value}", one.content)
    return Response(out.getvalue(), content_type="application/zip", headers={"Content-Disposition": f'attachment; filename="{name}.zip"'})


def language() -> Any:
    """How papers speak to this reader."""
    from core.papers.language import Language  # as above

    def amount(value: Decimal, currency: str) -> str:
        return str(format_currency(value, currency, currency_digits=False))

    words = {key: str(gettext(text)) for key, text in PAPER_WORDS.items()}
    return Language(words=words, amount=amount, day=lambda day: str(format_date(day, "medium")))


@pages.post("/shipments/send")
@needs("shipments.work")
def send_many() -> str:
    ids = _chosen()
    stay = sending.send(hub(), visitor().merchant, ids, who())
    if left := len(ids) - len(stay):
        say("good", ngettext("%(num)s shipment left. Its channel is told.", "%(num)s shipments left. Their channels are told.", left))
    return _list(stay)


def _chosen() -> list[str]:
    """Those of the form that are the merchant's own."""
    ids = list(dict.fromkeys(asked.texts("id", 64)))[: MOST * 4]
    with hub().database.read() as db:
        ours = shipments.found(db, visitor().merchant, ids)
    if not ours:
        say("info", gettext("Nothing was done: no shipment was chosen."))
    return [id for id in ids if id in ours]


# ---- one


@pages.get("/orders/<order>/shipments")
@needs("shipments.read")
def of_order(order: str) -> str:
    """What was made of an order: a part of its page."""
    merchant = visitor().merchant
    with hub().database.read() as db:
        found = lists.order(db, merchant, asked.printable(order)) or abort(404)
        rows = shipment_list.of_order(db, merchant, order)
    made = {row.id: row for row in rows}
    left = reshipping.gone(found[1], _left(rows)) if visitor().may("shipments.work") and not found[1].is_cancelled else {}
    lines = [(line, left[line.id]) for line in found[1].lines if line.id in left]
    return render_template("order_shipments.html", row=found[0], made=made.values(), rows=rows, lines=lines, reasons=AGAIN)


def _left(rows: Sequence[Any]) -> dict[str, int]:
    """Units by line that left in shipments, each once."""
    found: dict[str, int] = {}
    for row in rows:
        if row.line and row.state == "sent" and not row.again:
            found[row.line] = found.get(row.line, 0) + row.units
    return found


@pages.post("/orders/<order>/reship")
@needs("shipments.work")
def reship(order: str) -> Answer:
    """Goods of it that left go once more."""
    merchant, said = visitor().merchant, asked.text("why", 20)
    with hub().database.read() as db:
        lists.order(db, merchant, asked.printable(order)) or abort(404)
    why = Again(said) if said in set(Again) else abort(400)
    units = {line: asked.number(many or "0", -1) for line, many in zip(asked.texts("line"), asked.texts("units", 10), strict=False)}
    try:
        name = reshipping.reship(hub(), merchant, order, units, why, who())
    except Refused as error:
        flash(shipping_words.why(str(error)), "warn")
        return redirect(url_for("orders.one", order=order), 303)
    flash(gettext("%(name)s goes once more. Its channel is not told.", name=name), "good")
    return redirect(url_for("shipments.one", name=name), 303)


@pages.get("/shipments/<name>")
@needs("shipments.read")
def one(name: str) -> str:
    return _one(name)


def _one(name: str) -> str:
    merchant = visitor().merchant
    with hub().database.read() as db:
        found = shipment_page.one(hub(), db, merchant, asked.printable(name)[:64]) or abort(404)
        loads, bought = shipment_page.loads(db, merchant, found), shipment_list.purchases(db, merchant, found.row.id)
        papers = shipment_list.papers(db, merchant, found.row.id)
        change = shipment_page.difference(hub(), db, merchant, found) if found.stop or found.row.state == "cancelled" else Difference()
        choices = _choices(db, found)
        inside = shipment_list.boxes_of(db, merchant, found.row.id) if found.row.parcels > 1 else []
        theirs = requests.of_shipment(db, merchant, found.row.id) if found.row.way == "request" else None
    return render_template(
        "shipment.html", theirs=theirs, request_words=REQUESTS,
        one=found, inside=inside, titles={load.line: load.title or load.line for load in loads},
        loads=loads, bought=bought, papers=papers, change=change, most_g=MOST_G, most_mm=LONG_MM, now=hub().now,
        unused=_unused(found, bought), problem=shipping_words.problem(found.row.problem or ""), words_of=_words_of, **choices,
    )  # fmt: skip


def _unused(found: Seen, bought: Sequence[Any]) -> str:
    """Why its label, which is paid, needs somebody; "" where nobody need look."""
    live = [row for row in bought if row.state == "bought"]
    if found.row.state != "labelled" or not live:
        return ""
    why, until = judging.unused_label(hub(), live[-1].channel or "", live[-1].bought_at, found.row.ship_by, found.row.zone or "")
    return shipping_words.unused(why, until) if why else ""


def _choices(db: Any, found: Seen) -> dict[str, Any]:
    """What the forms of an open shipment offer."""
    if not found.is_open or found.stop or found.row.way != "parcel" or not visitor().may("shipments.work"):
        return {"offers": [], "cartons": [], "usual": ("", "")}
    merchant = visitor().merchant
    sellers = labelling.sellers_of(hub(), db, merchant, found.row.connection, found.order.programs)
    offers = packing.offered(hub(), merchant, sellers)
    usual = packing.usual(offers, packing.chosen_in(found.row.settings), found.row.account, found.row.service)
    return {"offers": offers, "cartons": boxes.all_of(db, merchant), "usual": usual}


def _words_of(row: Any) -> str:
    """What the carrier said of a purchase: it may hold a part of the address."""
    if not row.words or not visitor().may("orders.buyers"):
        return ""
    return hub().box(visitor().merchant).open_text(f"purchases|words|{row.id}", row.words).decode()


@pages.get("/shipments/<name>/story")
@needs("shipments.read")
def told(name: str) -> str:
    """What happened to it."""
    with hub().database.read() as db:
        found = shipment_list.one(db, visitor().merchant, asked.printable(name)[:64]) or abort(404)
        diary = events.story(db, visitor().merchant, f"{found.connection}/{found.channel_id}")
        steps = parcels.steps(db, found.parcel) if found.parcel else []
        letters = told_store.of_shipment(db, visitor().merchant, found.id)
    mine = [one for one in diary if msgspec.json.decode(one.body).get("name") == found.name]
    return render_template(
        "shipment_story.html", story=story.story(mine, ()), steps=steps, row=found, letters=letters, letter_kinds=KINDS,
        letter_words=shipping_words.letter,
    )  # fmt: skip


@pages.post("/shipments/<name>/tell-again")
@needs("shipments.work")
def tell_again(name: str) -> str:
    """The buyer is told once more."""
    letter = asked.text("letter", 64)
    return _tried(
        name, lambda id: telling.again(hub(), visitor().merchant, letter, id, who()), gettext("The letter is on its way once more.")
    )


@pages.get("/shipments/<name>/papers/<int:paper>")
@needs("shipments.work")
def paper(name: str, paper: int) -> Response:
    """A paper to print again: it is kept, and never bought anew. It carries an address."""
    if not visitor().may("orders.buyers"):
        abort(403)
    merchant = visitor().merchant
    with hub().database.read() as db:
        found = shipment_list.one(db, merchant, asked.printable(name)[:64]) or abort(404)
        place = next((n for n, row in enumerate(shipment_list.papers(db, merchant, found.id)) if row.id == paper), None)
        kept = parcels.papers(db, merchant, [found.id], hub().box(merchant)).get(found.id, [])
    if place is None:
        abort(404)
    return _printed(found.name, kept[place][1])


@pages.get("/shipments/<name>/printers")
@needs("shipments.work")
def printers_of(name: str) -> str:
    """At which printers its papers can come out: a part of its page."""
    merchant = visitor().merchant
    with hub().database.read() as db:
        found = shipment_list.one(db, merchant, asked.printable(name)[:64]) or abort(404)
        papers, stations = shipment_list.papers(db, merchant, found.id), printers.stations(db, merchant)
    chosen = request.cookies.get(STATION, "")
    return render_template("shipment_print.html", row=found, papers=papers, stations=stations, station=chosen, takes=TAKES)


@pages.post("/shipments/<name>/print-at")
@needs("shipments.work")
def print_one_at(name: str) -> str:
    """A paper of it at a station: one that is kept, by its number, or one that is drawn. It carries an address."""
    if not visitor().may("orders.buyers"):
        abort(403)
    from core.flows import print_at as at  # as above

    what, station = asked.text("what", 20), asked.text("station", 64)
    merchant, number = visitor().merchant, asked.number(what, -1)
    if number >= 0:
        return _tried(name, lambda id: at.print_kept(hub(), merchant, station, id, number, who()), gettext("It waits for its printer."))
    return _tried(
        name, lambda id: at.print_at(hub(), merchant, station, what, [id], who(), language()), gettext("It waits for its printer.")
    )


TYPES = {"pdf": "application/pdf", "png": "image/png", "zpl": "text/plain; charset=utf-8"}


def _printed(name: str, one: Any) -> Response:
    g.frame = ("'self'",)
    headers = {"Content-Disposition": f'inline; filename="{name}-{one.kind}.{one.format.value}"'}
    return Response(one.content, content_type=TYPES[one.format.value], headers=headers)


@pages.get("/shipments/<name>/label")
@needs("shipments.work")
def label(name: str) -> Answer:
    """Its newest label."""
    with hub().database.read() as db:
        found = shipment_list.one(db, visitor().merchant, asked.printable(name)[:64]) or abort(404)
        papers = [row for row in shipment_list.papers(db, visitor().merchant, found.id) if row.kind == "label"]
    live = [row for row in papers if row.purchase == found.purchase] or abort(404)
    if len(live) > 1:
        from core.flows import printing  # as above

        return files(printing.labels(hub(), visitor().merchant, [found.id]), "labels")
    return redirect(url_for("shipments.paper", name=found.name, paper=live[0].id), 303)


@pages.post("/shipments/<name>/rates")
@needs("shipments.work")
def rates(name: str) -> str:
    """All carriers are asked what it would cost."""
    return _tried(name, lambda id: rating.ask(hub(), visitor().merchant, [id], who()), gettext("The carriers are asked."))


@pages.get("/shipments/<name>/offers")
@needs("shipments.work")
def offers(name: str) -> str:
    """What they offered until now, the cheapest first."""
    merchant = visitor().merchant
    with hub().database.read() as db:
        found = shipment_list.one(db, merchant, asked.printable(name)[:64]) or abort(404)
        quotes = parcels.quotes(db, merchant, found.id, hub().box(merchant))
        accounts = {one.id: one for one in connections.sellers(db, merchant, found.connection)}
        waits = shipment_list.asking(db, merchant, [f"{found.id}@{id}" for id in accounts])
    return render_template("shipment_offers.html", row=found, quotes=quotes, accounts=accounts, waits=waits)


# ---- what is done with one


def _id(name: str) -> str:
    with hub().database.read() as db:
        found = shipment_list.one(db, visitor().merchant, asked.printable(name)[:64]) or abort(404)
    return str(found.id)


def _tried(name: str, act: Callable[[str], Any], words: str) -> str:
    """Do it, and say what became of it over the page."""
    try:
        act(_id(name))
    except Refused as error:
        say("bad", shipping_words.why(str(error)))
    else:
        say("good", words)
    return _one(name)


@pages.post("/shipments/<name>/weigh")
@needs("shipments.work")
def weigh(name: str) -> str:
    grams, size = asked.number(asked.text("grams")), [asked.number(asked.text(side) or "0", -1) for side in ("length", "width", "height")]
    if not 0 < grams <= MOST_G or not all(0 <= side <= LONG_MM for side in size):
        say("bad", gettext("Write its weight in whole grams, and its sides in whole millimetres."))
        return _one(name)
    return _tried(name, lambda id: _packed(id, grams, size), gettext("It is packed."))


def _packed(id: str, grams: int, size: list[int]) -> None:
    length, width, height = size
    number = asked.number(asked.text("parcel", 5) or "1")
    packing.weigh(hub(), visitor().merchant, id, grams, who(), box=asked.text("box", 100), size=(length, width, height), number=number)


@pages.post("/shipments/<name>/parcels")
@needs("shipments.work")
def parcel(name: str) -> str:
    """Units of its lines go in one more parcel."""
    units = {line: asked.number(many or "0", -1) for line, many in zip(asked.texts("line"), asked.texts("units", 10), strict=False)}
    return _tried(
        name, lambda id: packing.move_on(hub(), visitor().merchant, id, units, who()), gettext("It goes in several parcels. Weigh each.")
    )


@pages.post("/shipments/<name>/one-parcel")
@needs("shipments.work")
def join(name: str) -> str:
    return _tried(name, lambda id: packing.join(hub(), visitor().merchant, id, who()), gettext("All of it goes in one parcel again."))


@pages.post("/shipments/<name>/buy")
@needs("shipments.work")
def buy(name: str) -> str:
    connection, _, service = asked.text("service", 200).partition("/")
    if connection == BEST:
        return _tried(name, lambda id: rating.ask(hub(), visitor().merchant, [id], who(), buy=True), gettext("The carriers are asked."))
    return _tried(
        name, lambda id: labelling.want(hub(), visitor().merchant, id, connection, service, who()), gettext("The label is being bought.")
    )


@pages.post("/shipments/<name>/give-back")
@needs("shipments.work")
def give_back(name: str) -> str:
    return _tried(name, lambda id: labelling.give_back(hub(), visitor().merchant, id, who()), gettext("The label is being given back."))


@pages.post("/shipments/<name>/throw-away")
@needs("shipments.work")
def throw_away(name: str) -> str:
    return _tried(
        name, lambda id: labelling.throw_away(hub(), visitor().merchant, id, who()), gettext("The label is thrown away. It stays paid.")
    )


@pages.post("/shipments/<name>/address")
@needs("orders.write")
def use_address(name: str) -> str:
    """It goes there as a carrier writes it."""
    if not visitor().may("orders.buyers"):
        abort(403)
    n = asked.number(asked.text("n"), -1)
    words = gettext("It goes there from now on; the shipment is made anew.")
    return _tried(name, lambda id: checking.use(hub(), visitor().merchant, id, n, who()), words)


@pages.post("/shipments/<name>/address/keep")
@needs("shipments.work")
def keep_address(name: str) -> str:
    return _tried(name, lambda id: checking.keep(hub(), visitor().merchant, id, who()), gettext("Good: it goes there as it is written."))


@pages.post("/shipments/<name>/address/check")
@needs("shipments.work")
def check_address(name: str) -> str:
    return _tried(name, lambda id: checking.again(hub(), visitor().merchant, id, who()), gettext("A carrier is asked about its address."))


@pages.post("/shipments/<name>/checked")
@needs("shipments.work")
def checked(name: str) -> str:
    key = asked.text("purchase", 64)
    return _tried(name, lambda id: _checked(id, key), gettext("Good: another label may be bought."))


def _checked(id: str, key: str) -> None:
    with hub().database.read() as db:
        if key not in {row.id for row in shipment_list.purchases(db, visitor().merchant, id)}:
            abort(404)
    labelling.checked(hub(), visitor().merchant, key, who())


@pages.post("/shipments/<name>/send")
@needs("shipments.work")
def send(name: str) -> str:
    carrier = asked.text("carrier", 100).strip()
    typed = sending.Typed(carrier, asked.text("tracking", 100).strip(), url=_link(asked.text("url", 300))) if carrier else None
    return _tried(name, lambda id: _sent(id, typed), gettext("It left. Its channel is told."))


def _sent(id: str, typed: sending.Typed | None) -> None:
    stay = sending.send(hub(), visitor().merchant, [id], who(), typed)
    if stay:
        raise Refused(stay[id])


def _link(said: str) -> str:
    """Only what a browser may be led to."""
    return said.strip() if said.strip().startswith(("https://", "http://")) else ""


@pages.post("/shipments/<name>/move")
@needs("shipments.work")
def move(name: str) -> str:
    return _tried(name, lambda id: moving.again(hub(), visitor().merchant, id, who()), gettext("Its channel is asked again."))


@pages.post("/shipments/<name>/unmoved")
@needs("shipments.work")
def unmoved(name: str) -> str:
    return _tried(
        name,
        lambda id: moving.leave(hub(), visitor().merchant, id, who()),
        gettext("It leaves from here. Its channel goes on thinking that it leaves from another place."),
    )


@pages.post("/shipments/<name>/take-apart")
@needs("shipments.work")
def take_apart(name: str) -> str:
    return _tried(
        name,
        lambda id: packing.take_apart(hub(), visitor().merchant, id, who()),
        gettext("It is taken apart. What was in it is made ready anew."),
    )


@pages.app_template_filter("date")
def _date(said: str) -> str:
    """A carrier's day, as the reader's language writes it."""
    return str(format_date(date.fromisoformat(said), "medium"))
