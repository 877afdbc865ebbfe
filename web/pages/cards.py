"""SKUs' cards: what carriers and customs ask of them, their barcodes, where they lie; and what labels will lack."""

import io
from collections.abc import Iterable, Mapping
from typing import Any

from flask import Blueprint, Response, abort, render_template, request
from flask_babel import gettext
from markupsafe import Markup

from core.domain import cards as rules
from core.domain.cards import CLEAR, WrongCell
from core.errors import Refused
from core.flows import card_csv, cards
from core.flows.cards import Wish, Written, WrongCard
from core.store import cards as store
from core.store import places as locations_of
from core.store.cards import Held
from web import asked
from web.said import say
from web.visitor import hub, needs, visitor, who

pages = Blueprint("cards", __name__)
MOST = 50
LONG = 4_000


@pages.get("/stock/card")
@needs("stock.read")
def page() -> str:
    return _page(asked.text("sku"))


def _page(sku: str, typed: Mapping[str, str] | None = None) -> str:
    merchant = visitor().merchant
    with hub().database.read() as db:
        held = store.one(db, merchant, sku) or abort(404)
        rooms, bins = locations_of.locations(db, merchant), store.bins(db, merchant, [sku])
    there = {row.id: bins.get((sku, row.id), "") for row in rooms}
    return render_template(
        "card.html", held=held, cells=_cells(held), typed=typed or {}, rooms=rooms, bins=there, rules=rules, lacks=rules.lacks(held.card)
    )


def _cells(held: Held) -> dict[str, str]:
    """The card as a form says it."""
    said = {name: "" if value is None else str(value) for name, value in card_csv.cells(held.card).items()}
    return {"barcodes": " ".join(held.barcodes), **said}


@pages.post("/stock/card")
@needs("stock.write")
def save() -> str:
    """Only what is another than the page showed is said: somebody else may have written the rest meanwhile."""
    sku, said = asked.text("sku"), _said()
    try:
        done = cards.write(hub(), visitor().merchant, {sku: _wish(sku, said)}, who())
    except (Refused, WrongCard, WrongCell) as error:
        say("bad", gettext("It cannot be so: %(why)s. Nothing was changed.", why=str(error).removeprefix(f"{sku}: ")))
        return _page(sku, said)
    _tell(done)
    return _page(sku)


def _said() -> dict[str, str]:
    """What was typed over something else, by its field."""
    typed = {name: asked.text(name, LONG).strip() for name in request.form if not name.startswith("was_")}
    known = {name: text for name, text in typed.items() if name in ("barcodes", *rules.NAMES) or name.startswith("bin_")}
    return {name: text for name, text in known.items() if text != asked.text(f"was_{name}", LONG)}


def _wish(sku: str, said: Mapping[str, str]) -> Wish:
    with hub().database.read() as db:
        held = store.one(db, visitor().merchant, sku) or abort(404)
    fields = rules.read({name: text or CLEAR for name, text in said.items() if name in rules.NAMES}, held.card)
    bins = {name.removeprefix("bin_"): text for name, text in said.items() if name.startswith("bin_")}
    return Wish(fields, rules.barcodes(said["barcodes"]) if "barcodes" in said else None, bins)


def _tell(done: list[Written]) -> None:
    if not done:
        say("info", gettext("It was so already; nothing changed."))
        return
    say("good", gettext("It is written."), undo=_undo(done[0]))
    for code in done[0].odd:
        say("warn", gettext("The last digit of %(code)s does not fit an EAN or UPC. Look at it again.", code=code))


def _undo(one: Written) -> Markup:
    rows = [(name, was, now) for (name, was), (_, now) in zip(_fields(one.was), _fields(one.now), strict=True)]
    return Markup(render_template("undo_card.html", sku=one.sku, rows=rows))  # noqa: S704 - our own template made it


def _fields(said: Mapping[str, Any]) -> list[tuple[str, str]]:
    """As the form has them; a cost needs both of its fields to be said."""
    made = [(name, "" if value is None else str(value)) for name, value in card_csv.spelled(said).items()]
    return made + [(f"bin_{at}", text) for at, text in said.get("bins", {}).items()]


# ---- what labels will lack


@pages.get("/stock/lacks")
@needs("stock.read")
def lacks() -> str:
    what, after = asked.text("what"), asked.text("after")
    what = what if what in rules.ASKED else ""
    with hub().database.read() as db:
        found = store.lacking(db, visitor().merchant, what, after, MOST + 1)
    more = found[MOST - 1].sku if len(found) > MOST else ""
    return render_template("lacks.html", rows=found[:MOST], what=what, more=more, rules=rules)


@pages.get("/stock/lacks.csv")
@needs("stock.read")
def lacks_file() -> Response:
    what = asked.text("what")
    return _file("lacks.csv", card_csv.lacking(hub(), visitor().merchant, what if what in rules.ASKED else ""))


@pages.get("/stock/cards.csv")
@needs("stock.read")
def export() -> Response:
    return _file("cards.csv", card_csv.export(hub(), visitor().merchant))


def _file(name: str, rows: Iterable[Mapping[str, Any]]) -> Response:
    out = io.StringIO()
    card_csv.write(out, rows)
    answer = Response("\ufeff" + out.getvalue(), mimetype="text/csv")  # by that mark spreadsheets know that it is UTF-8
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    return answer
