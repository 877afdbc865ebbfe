"""Stock: our SKUs with what lies where, what each channel shows of them and why; adjusting; matching listings."""

import io
from contextlib import closing
from typing import Any

from flask import Blueprint, Response, abort, render_template, request
from flask_babel import gettext, ngettext
from markupsafe import Markup

from core.domain import cards, exposure, showing
from core.domain import goods as words
from core.domain.adjusting import MOVED, UNSEEN, WORDS, Answer, Reason, Wish
from core.domain.inbound import CAUSES
from core.domain.places import WORDS as KINDS
from core.errors import Refused
from core.flows import adjusting, levels_csv, mapping, stock_csv, uploads
from core.flows.adjusting import Adjusted
from core.flows.kits import WrongKit
from core.flows.mapping import Mapped, NotOurs
from core.store import audit, displays, goods, stock
from core.store import places as locations_of
from core.store import uploads as uploads_of
from web import asked
from web.said import say
from web.visitor import hub, needs, visitor, who

pages = Blueprint("stock", __name__)
MOST = 50
NOTE = 500  # letters of a note
NOT_SAID = -(10**15)  # no number of units


@pages.get("/stock")
@needs("stock.read")
def page() -> str:
    text, after, merchant = asked.text("q", 200).strip(), asked.text("after"), visitor().merchant
    with hub().database.read() as db:
        found = goods.page(db, merchant, text, after, MOST + 1)
        unmatched = displays.unmatched_counts(db, merchant)
    more = found[MOST - 1].sku if len(found) > MOST else ""
    return render_template("stock.html", rows=found[:MOST], text=text, after=after, more=more, unmatched=sum(row.n for row in unmatched))


# ---- one SKU


@pages.get("/stock/sku")
@needs("stock.read")
def one() -> str:
    return sku_page(asked.text("sku"))


def sku_page(sku: str, wish: Wish | None = None) -> str:
    """Everything about one SKU; 404 for one that is not the merchant's."""
    merchant = visitor().merchant
    with hub().database.read() as db:
        row = goods.one(db, merchant, sku) or abort(404)
        shown = [(one, showing.why(one.display)) for one in displays.of_sku(db, merchant, sku)]
        facts = {
            "levels": goods.levels(db, merchant, sku), "promised": goods.promised(db, merchant, sku),
            "short": goods.short(db, merchant, sku), "moves": stock.movements(db, merchant, sku, 50),
            "acts": audit.of(db, merchant, f"sku/{sku}", 50),
        }  # fmt: skip
    return render_template(
        "sku.html",
        row=row,
        shown=shown,
        showing=showing,
        exposure=exposure,
        reasons=WORDS,
        kinds=KINDS,
        moved=MOVED | CAUSES,
        wish=wish,
        by=_by(facts["acts"]),
        card_lacks=lambda one: cards.lacks(cards.of_row(one)),
        card_words=cards.WORDS,
        kit_spelled=words.spelled,
        **facts,
    )


def _by(acts: list[Any]) -> dict[tuple[int, str], Any]:
    """Who adjusted what, by when and where."""
    return {(act.at, act.body.get("location", "")): act for act in acts if act.act == "stock.adjust"}


@pages.post("/stock/sku")
@needs("stock.write")
def adjust() -> str:
    sku, wish = asked.text("sku"), _wish()
    if wish is None:
        say("bad", gettext("Write a whole number of units."))
        return sku_page(sku)
    try:
        done = adjusting.adjust(hub(), visitor().merchant, sku, asked.text("location"), wish, who())
    except Refused:
        abort(404)
    say(*_told(done), **_undo_of(done, sku))
    return sku_page(sku, wish if done.answer not in (Answer.DONE, Answer.SAME) else None)


def _wish() -> Wish | None:
    """What the form says; None where it says no number."""
    units, seen, reason = asked.number(asked.text("units"), NOT_SAID), asked.text("seen"), asked.text("reason")
    if units == NOT_SAID or (asked.text("how") == "by" and reason not in WORDS):
        return None
    why = Reason(reason) if asked.text("how") == "by" else Reason.COUNTED
    return Wish(
        why, units, asked.number(seen) if seen else None, asked.text("note", NOTE).strip(), asked.number(asked.text("aside"), UNSEEN)
    )


def _undo_of(done: Adjusted, sku: str) -> dict[str, Markup]:
    if done.back is None:
        return {}
    made = render_template("undo_adjust.html", back=done.back, sku=sku, location=asked.text("location"))
    return {"undo": Markup(made)}  # noqa: S704 - our own template made it


def _told(done: Adjusted) -> tuple[str, str]:
    now, held = done.now.on_hand or 0, done.was.reserved
    match done.answer:
        case Answer.DONE if done.now.on_hand == done.was.on_hand:
            return "good", gettext("%(damaged)s are damaged now.", damaged=done.now.damaged)
        case Answer.DONE:
            return "good", gettext("%(now)s on hand now. Every channel is told.", now=now)
        case Answer.SAME:
            return "info", gettext("It was %(now)s already; nothing changed.", now=now)
        case Answer.CHANGED:
            return "warn", gettext("It changed while you looked: %(now)s on hand now. See below who did it, and say it again.", now=now)
        case Answer.PROMISED:
            return "bad", gettext("%(held)s are promised to orders, so at least that many stay. Nothing was changed.", held=held)
        case Answer.NOTHING | Answer.UNKNOWN:
            return "bad", gettext("There are %(now)s on hand. That number cannot be. Nothing was changed.", now=now)


# ---- matching


@pages.get("/stock/unmatched")
@needs("stock.read")
def unmatched() -> str:
    return _unmatched(asked.text("connection"), asked.number(asked.text("after")))


def _unmatched(connection: str, after: int, typed: dict[int, str] | None = None) -> str:
    merchant = visitor().merchant
    with hub().database.read() as db:
        known = displays.unmatched_counts(db, merchant)
        here = connection or next((row.id for row in known if row.n), known[0].id if known else "")
        found = displays.unmatched(db, merchant, here, after, MOST + 1)
        likely = goods.likely(db, merchant, {one.id: (one.sku, one.title) for one in found[:MOST]})
    more = found[MOST - 1].id if len(found) > MOST else None
    return render_template("unmatched.html", known=known, here=here, rows=found[:MOST], likely=likely, typed=typed or {}, more=more)


@pages.post("/stock/unmatched")
@needs("listings.map")
def map_listings() -> str:
    """Those that are ticked, or the one whose button was pressed."""
    typed = {id: asked.text(f"sku_{id}") for id in asked.numbers("only") or asked.numbers("take")}
    done = _map({id: text for id, text in typed.items() if text.strip()}, new="new" in request.form)
    if done:
        say("good", ngettext("%(num)s listing is matched.", "%(num)s listings are matched.", len(done)), undo=undo_map(done))
    return _unmatched(asked.text("connection"), asked.number(asked.text("after")), {} if done else typed)


def _map(said: dict[int, str], *, new: bool = False) -> list[Mapped]:
    """Nothing where it was refused: then that is said."""
    try:
        return mapping.map_many(hub(), visitor().merchant, said, who(), new=new)
    except WrongKit as error:
        say("bad", gettext(error.words, part=error.part))
    except NotOurs as error:
        say("bad", gettext("Nobody knows these SKUs: %(skus)s. Mend them, or tick that they are new.", skus=", ".join(error.skus)))
    except Refused:
        say("bad", gettext("Write a SKU of yours, or a set as MUG=2, TRAY. Nothing was changed."))
    return []


def undo_map(done: list[Mapped]) -> Markup:
    rows = [(one.listing.id, words.spelled(one.was)) for one in done]
    return Markup(render_template("undo.html", rows=rows))  # noqa: S704 - our own template made it


@pages.post("/stock/unmap")
@needs("listings.map")
def unmap() -> str:
    """The way back: each listing consumes what it did before."""
    if _map(dict(zip(asked.numbers("id"), asked.texts("was"), strict=False))):
        say("good", gettext("It is as it was before."))
    return _unmatched("", 0)


# ---- files


@pages.get("/stock/export.csv")
@needs("stock.read")
def export() -> Response:
    """Every SKU with its levels and maps, as the import takes it; spreadsheets find no formula in it."""
    out = io.StringIO()
    stock_csv.write(out, stock_csv.export(hub(), visitor().merchant, unmapped="unmapped" in request.args))
    return csv_file("stock.csv", out.getvalue())


@pages.get("/stock/levels.csv")
@needs("stock.read")
def figures() -> Response:
    """What lies where, reserved, kept, damaged and on its way: to be read."""
    out = io.StringIO()
    levels_csv.write(out, levels_csv.rows(hub(), visitor().merchant))
    return csv_file("levels.csv", out.getvalue())


def csv_file(name: str, text: str) -> Response:
    """A file for a spreadsheet."""
    answer = Response("\ufeff" + text, mimetype="text/csv")  # by that mark spreadsheets know that it is UTF-8
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    return answer


@pages.get("/stock/import")
@needs("stock.write")
def bring() -> str:
    merchant = visitor().merchant
    with hub().database.read() as db:
        known, places = uploads_of.newest(db, merchant), locations_of.locations(db, merchant)
    return render_template("import.html", known=known, places=places, limit=uploads.LIMIT)


@pages.post("/stock/import")
@needs("stock.write")
def upload() -> str:
    request.max_content_length = uploads.LIMIT + 100_000
    name, raw = brought()
    if not raw or len(raw) > uploads.LIMIT:
        say("bad", gettext("Choose a file of at most %(size)s MB.", size=uploads.LIMIT // 1_000_000))
        return bring()
    try:
        return uploaded_page(uploads.bring(hub(), visitor().merchant, name, raw, asked.text("location", 100).strip() or "Main", who()))
    except Refused:
        say("bad", gettext("It is not a text in UTF-8. Save it as CSV (UTF-8) in your spreadsheet."))
        return bring()


def brought() -> tuple[str, bytes]:
    """The file's name and what is in it, no further than one byte beyond the limit."""
    file = request.files.get("file")
    if file is None:
        return "", b""
    with closing(file):
        return asked.printable(file.filename or "")[:200], file.stream.read(uploads.LIMIT + 1)


@pages.get("/stock/import/<id>")
@needs("stock.write")
def uploaded(id: str) -> str:
    return uploaded_page(id)


def uploaded_page(id: str) -> str:
    """A file that somebody brought, and what it does; 404 for one that is not the merchant's."""
    with hub().database.read() as db:
        found = uploads_of.one(db, visitor().merchant, id) or abort(404)
    return render_template("upload.html", one=found)


@pages.post("/stock/import/<id>/take")
@needs("stock.write")
def take(id: str) -> str:
    uploads.accept(hub(), visitor().merchant, id, who())
    return uploaded_page(id)


@pages.post("/stock/import/<id>/undo")
@needs("stock.write")
def undo(id: str) -> str:
    """What undoes it is looked at like any other file."""
    try:
        return uploaded_page(uploads.bring_back(hub(), visitor().merchant, id, who()))
    except Refused:
        abort(404)


@pages.get("/stock/import/<id>/undo.csv")
@needs("stock.write")
def undo_file(id: str) -> Response:
    with hub().database.read() as db:
        text = uploads_of.undo_of(db, visitor().merchant, id)
    return csv_file("undo.csv", text) if text is not None else abort(404)
