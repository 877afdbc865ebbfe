"""Files with counts and maps, brought to a page: kept, looked at by a task, shown, and taken by another once somebody accepts."""

import io
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from typing import Any

from core.domain.tasks import Claim
from core.domain.who import Who
from core.errors import Refused
from core.flows import card_csv, counting, inbound_csv, join, stock_csv, their_stock, tracking_csv
from core.flows.counting import Report, WrongLines
from core.hub import Hub
from core.store import audit, counts, uploads
from core.store.connections import Connection
from core.store.unit import Unit
from core.store.uploads import Upload

LIMIT = 8_000_000  # bytes
SHOWN = 200  # rows of each kind that a page shows


def bring(hub: Hub, merchant: str, file: str, raw: bytes, location: str, who: Who) -> str:
    """Keep a file with counts and maps and have it looked at. Gives its id. Raises Refused for what is no text."""
    return _keep(hub, merchant, file, _text(raw), {"location": location}, who)


def bring_inbound(hub: Hub, merchant: str, file: str, raw: bytes, inbound: str, what: str, who: Who) -> str:
    """The same for what is announced on a delivery (inbound_csv.LINES) or came of it (RECEIPTS)."""
    return _keep(hub, merchant, file, _text(raw), {"inbound": inbound, "what": what}, who)


TRACKING, THEIRS = "tracking", "theirs"  # what a file is: parcels that left; what lies with somebody who sends for us


def bring_parcels(hub: Hub, merchant: str, file: str, raw: bytes, who: Who) -> str:
    """The same for parcels that left, by carriers that are not connected or sent by others."""
    return _keep(hub, merchant, file, tracking_csv.without_addresses(_text(raw)), {"what": TRACKING}, who)


def bring_theirs(hub: Hub, merchant: str, file: str, raw: bytes, location: str, who: Who) -> str:
    """The same for what lies with somebody who sends for us, at the location of that name."""
    return _keep(hub, merchant, file, _text(raw), {"what": THEIRS, "location": location}, who)


def _text(raw: bytes) -> str:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refused("it is not a text in UTF-8") from None
    if "\0" in text:
        raise Refused("it is not a text")
    return text


def bring_opening(hub: Hub, connection: Connection, who: Who, *, others_taken_off: bool) -> str:
    """Have what a channel shows written as a count, to be looked at like a file. `others_taken_off` as `join.opening` has it."""
    options = {"location": "Main", "opening": connection.id, "others": others_taken_off}
    return _keep(hub, connection.merchant, f"what {connection.label} shows", "", options, who)


def _keep(hub: Hub, merchant: str, file: str, text: str, options: dict[str, Any], who: Who) -> str:
    id = hub.ids()
    with hub.unit() as work:
        uploads.add(work.db, merchant, id, file, text, options, who.id, who.name, work.now)
        work.ask(merchant, "look_at_file", id)
    return id


def bring_back(hub: Hub, merchant: str, id: str, who: Who) -> str:
    """What undoes a file that was taken, as a file: it is looked at like any other. Raises Refused where there is none."""
    with hub.database.read() as db:
        known, text = uploads.one(db, merchant, id), uploads.undo_of(db, merchant, id)
    if known is None or text is None:
        raise Refused("it was not taken")
    options: dict[str, Any] = {name: known.options[name] for name in ("location", "inbound", "what") if name in known.options}
    if options.get("what") == THEIRS:
        options.pop("what")  # the way back is a count like any other
    return _keep(hub, merchant, f"undo {known.file}", text, options, who)


def accept(hub: Hub, merchant: str, id: str, who: Who) -> bool:
    """Take it, as it was shown. False where it is not there to be taken."""
    with hub.unit() as work:
        done = uploads.move(work.db, merchant, id, "looked", "wanted")
        if done:
            audit.write(work.db, merchant, work.now, who.id, who.name, "stock.import", f"upload/{id}")
            work.ask(merchant, "take_file", id)
    return done


def look_at_file(hub: Hub, claim: Claim) -> None:
    """Say what a file would do; nothing of it is kept but that."""
    merchant, id = claim.merchant, claim.subjects[0]
    with hub.database.read() as db:
        known, text = uploads.one(db, merchant, id), uploads.text_of(db, merchant, id, "new")
    if known is None or text is None:
        return
    text, left = _opening(hub, known) if "opening" in known.options else (text, [])
    state, report = _looked(hub, known, text)
    with hub.unit(claim) as work:
        uploads.move(work.db, merchant, id, "new", state, {**report, "left": left[:SHOWN]}, text=text)


def _opening(hub: Hub, known: Upload) -> tuple[str, list[str]]:
    """What the channel shows as a file, and a line for each SKU that it does not tell."""
    connection = hub.connection(known.options["opening"])
    found, left = join.opening(hub, connection, others_taken_off=known.options["others"])
    with hub.database.read() as db:
        names = counts.locations(db, known.merchant)
    first = next(iter(names.values()), known.options["location"])
    out = io.StringIO()
    rows = zip(found, join.lines(found), strict=True)
    stock_csv.write(out, ({**row, "location": names.get(one.location, first)} for one, row in rows))
    return out.getvalue(), left


class _OnlyLooked(Exception):
    """Ends the transaction of somebody who only wanted to see what it would do."""


def _looked(hub: Hub, known: Upload, text: str) -> tuple[str, dict[str, Any]]:
    """Looking is the same transaction as taking, not kept."""
    made: list[dict[str, Any]] = []
    try:
        with suppress(_OnlyLooked), hub.unit() as work:
            made.append(_do(hub, work, known, text)[0])
            raise _OnlyLooked
    except WrongLines as error:
        return "wrong", wrong(error.lines)
    return "looked", made[0]


def _do(hub: Hub, work: Unit, known: Upload, text: str) -> tuple[dict[str, Any], str | None]:
    """What taking it did, and a file that undoes it where one can. Raises WrongLines."""
    if "inbound" in known.options:
        return _do_inbound(work, known, text)
    if known.options.get("what") == TRACKING:
        return tracking_csv.take_in(hub, work, known.merchant, tracking_csv.read(text), Who(known.who, known.name)).report, None
    if known.options.get("what") == THEIRS:
        return _do_theirs(hub, work, known, text)
    return _do_cards(work, known, text) if card_csv.is_one(text) else _do_counts(hub, work, known, text)


def _do_cards(work: Unit, known: Upload, text: str) -> tuple[dict[str, Any], str]:
    report, out = card_csv.take_in(work, known.merchant, card_csv.read(io.StringIO(text)), Who(known.who, known.name)), io.StringIO()
    card_csv.write(out, card_csv.undo(report.cards, counts.locations(work.db, known.merchant)))
    return said_of_cards(report), out.getvalue()


def _do_counts(hub: Hub, work: Unit, known: Upload, text: str) -> tuple[dict[str, Any], str]:
    report = counting.take_in(hub, work, known.merchant, stock_csv.read(io.StringIO(text), known.options["location"]))
    out = io.StringIO()
    stock_csv.write(out, stock_csv.undo(report))
    return said(report), out.getvalue()


def _do_theirs(hub: Hub, work: Unit, known: Upload, text: str) -> tuple[dict[str, Any], str]:
    report = their_stock.take_in(hub, work, known.merchant, their_stock.read(text, known.options["location"]))
    out = io.StringIO()
    stock_csv.write(out, stock_csv.undo(report))
    return said(report), out.getvalue()


def _do_inbound(work: Unit, known: Upload, text: str) -> tuple[dict[str, Any], str | None]:
    id, what = known.options["inbound"], known.options["what"]
    done = inbound_csv.take_in(work, known.merchant, id, what, inbound_csv.read(io.StringIO(text), what), Who(known.who, known.name))
    if done.undo is None:
        return done.report, None
    out = io.StringIO()
    inbound_csv.write(out, what, done.undo)
    return done.report, out.getvalue()


def take_file(hub: Hub, claim: Claim) -> None:
    """Take a file that somebody accepted: all of it in one transaction, with the way back. What became wrong since is said."""
    try:
        with hub.unit(claim) as work:
            _take(hub, work, claim.merchant, claim.subjects[0])
    except WrongLines as error:
        with hub.unit(claim) as work:
            uploads.move(work.db, claim.merchant, claim.subjects[0], "wanted", "wrong", wrong(error.lines))


def _take(hub: Hub, work: Unit, merchant: str, id: str) -> None:
    text, known = uploads.text_of(work.db, merchant, id, "wanted"), uploads.one(work.db, merchant, id)
    if text is not None and known is not None:
        report, undo = _do(hub, work, known, text)
        uploads.move(work.db, merchant, id, "wanted", "taken", report, undo)


def said(report: Report) -> dict[str, Any]:
    """A report for a page: the first of each kind, and how many there are."""
    short = replace(
        report, shelves=report.shelves[:SHOWN], maps=report.maps[:SHOWN], orders=report.orders[:SHOWN], safeties=report.safeties[:SHOWN]
    )
    how_many = {name: len(getattr(report, name)) for name in ("shelves", "maps", "orders", "safeties")}
    return {**asdict(short), "counts": how_many}


def said_of_cards(report: card_csv.Report) -> dict[str, Any]:
    """The same of a file with cards."""
    made = [{"sku": one.sku, "was": one.was, "now": one.now} for one in report.cards[:SHOWN]]
    return {"cards": made, "warnings": report.warnings[:SHOWN], "same": report.same, "counts": {"cards": len(report.cards)}}


def wrong(lines: Sequence[tuple[int, str]]) -> dict[str, Any]:
    return {"wrong": [list(one) for one in lines[:SHOWN]], "counts": {"wrong": len(lines)}}
