"""What channels and the law demand of the data that we hold: handed out, forgotten, erased. By tasks, each of which may run twice."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import msgspec
import structlog

from core.domain.events import BuyerForgotten
from core.domain.order import Address, Person
from core.domain.privacy import digits, folded, is_meant
from core.domain.tasks import Claim
from core.flows.allocation import ask_waiting
from core.hub import Hub
from core.ports import Demand, Notice, Wanted
from core.store import audit, connections, corrections, findings, inbox, listings, privacy, stock
from core.store.connections import Connection
from core.store.findings import Finding
from core.store.privacy import Sealed
from core.store.tables import us
from core.store.unit import Unit

log = structlog.get_logger("privacy")
KEPT = timedelta(days=30)  # an export: the time that channels give
REQUEST = "request"  # what a finding is about
_demand = msgspec.json.Decoder(Demand)
_person = msgspec.json.Decoder(Person)


def ref_of(connection: str) -> str:
    """Under which an account's demands wait in the inbox: they are about no order."""
    return f"{connection}/!demands"


def row_of(hub: Hub, connection: Connection, notice: Notice) -> dict[str, Any]:
    """A demand as an inbox row, sealed."""
    body = msgspec.json.encode(notice.demand)
    return {
        "merchant": connection.merchant, "connection": connection.id, "delivery": notice.delivery, "topic": notice.topic,
        "ref": ref_of(connection.id), "revision": None, "read_at": None, "received_at": hub.now,
        "body": hub.box(connection.merchant).seal(inbox.place(connection.id, notice.delivery), body),
    }  # fmt: skip


def comply(hub: Hub, claim: Claim) -> None:
    """Do what an account's channel demanded since."""
    with hub.database.read() as db:
        connection = connections.get(db, claim.connection)
        kept = inbox.waiting(db, claim.merchant, [ref_of(claim.connection)], hub.box(claim.merchant)) if connection else []
    if connection is None:
        return
    demands = {one.id: _demand.decode(one.body) for one in kept if one.body}
    _hand_out(hub, connection, [one for one in demands.values() if one.what is Wanted.EXPORT])
    _redact(hub, connection, [one for one in demands.values() if one.what is Wanted.REDACT])
    with hub.unit(claim) as work:
        if any(one.what is Wanted.ERASE for one in demands.values()):
            _go(work, connection)
        inbox.close(work.db, dict.fromkeys((one.id for one in kept), inbox.HISTORY), work.now)
    hub.database.let_go()


def _go(work: Unit, connection: Connection) -> None:
    """The whole account goes, unless somebody has connected it again since it was uninstalled: then a person must say so."""
    if connection.login is None or connection.state == "needs_login":
        ask_to_erase(work, connection, f"channel/{connection.channel}", connection.channel)
        return
    words = "everything of this account is to be erased"
    found = Finding(connection.id, REQUEST, "erase", words, "it is connected again: disconnect and erase it if that is meant", work.now)
    findings.keep(work.db, connection.merchant, connection.id, [found])


# Whom it means


def found(hub: Hub, connection: Connection, demands: Sequence[Demand]) -> dict[int, list[Sealed]]:
    """The orders that each demand (by its place) means: those that it names, and those whose buyer is the customer."""
    with hub.database.read() as db:
        named = {at: privacy.these(db, connection.merchant, connection.id, one.orders) for at, one in enumerate(demands)}
    met = {at: {one.id: one for one in some} for at, some in named.items()}
    for one, person in _persons(hub, connection):
        for at, demand in enumerate(demands):
            if is_meant(person, demand.person, demand.email, demand.phone):
                met[at][one.id] = one
    return {at: list(some.values()) for at, some in met.items()}


def _persons(hub: Hub, connection: Connection) -> Iterator[tuple[Sealed, Person]]:
    """Every buyer of an account, a step at a time."""
    after = ""
    while True:
        with hub.database.read() as db:
            page = privacy.page(db, connection.merchant, connection.id, after)
        yield from ((one, person) for one in page if (person := _opened(hub, connection, one)))
        if len(page) < privacy.STEP:
            return
        after = page[-1].ref.split("/", 1)[1]


def _opened(hub: Hub, connection: Connection, one: Sealed) -> Person | None:
    return _person.decode(hub.box(connection.merchant).open_text(f"orders|person|{one.id}", one.person)) if one.person else None


def subject_of(hub: Hub, connection: Connection, demand: Demand) -> set[str]:
    """By what a customer's exports are found again, without saying who it is."""
    box, words = hub.box(connection.merchant), (demand.person, folded(demand.email), digits(demand.phone))
    return {str(box.index(f"customer {connection.id} {word}")) for word in words if word}


# Forgetting


def _redact(hub: Hub, connection: Connection, demands: Sequence[Demand]) -> None:
    if not demands:
        return
    met = found(hub, connection, demands)
    everything = {one.id: one for some in met.values() for one in some}
    for step in _steps(list(everything.values())):
        with hub.unit() as work:
            forget(work, connection, step, "the channel asked for it")
    with hub.unit() as work:
        privacy.drop_exports(work.db, connection.id, {subject for one in demands for subject in subject_of(hub, connection, one)})
        for at, one in enumerate(demands):
            if met[at]:
                _say(work, connection, "privacy.redact", one.request, orders=len(met[at]))


def _steps(some: Sequence[Sealed]) -> Iterator[Sequence[Sealed]]:
    return (some[at : at + privacy.STEP] for at in range(0, len(some), privacy.STEP))


def forget(work: Unit, connection: Connection, some: Sequence[Sealed], why: str) -> None:
    """These orders' buyers are unknown from now on, and the story says why."""
    privacy.forget(work.db, connection.merchant, some, notes=True)
    work.happened(connection.merchant, [(one.ref, BuyerForgotten(why)) for one in some])


def _say(work: Unit, connection: Connection, act: str, request: str, **body: Any) -> None:
    audit.write(work.db, connection.merchant, work.now, f"channel/{connection.channel}", connection.channel, act, request, **body)


def erase_expired(hub: Hub, claim: Claim) -> None:
    """Buyers whose time is over, a step of them; and exports that nobody took."""
    with hub.unit(claim) as work:
        some = privacy.expired(work.db, claim.connection, work.now)
        privacy.forget(work.db, claim.merchant, some, notes=False)
        privacy.drop_exports(work.db, claim.connection, before=work.now)
        if len(some) == privacy.STEP:
            work.ask(claim.merchant, "erase_expired", claim.connection, claim.connection)
    if some:
        log.info("buyers past their time forgotten", connection=claim.connection, orders=len(some))
        hub.database.let_go()


# Handing out


def _hand_out(hub: Hub, connection: Connection, demands: Sequence[Demand]) -> None:
    met = found(hub, connection, demands) if demands else {}
    for at, demand in enumerate(demands):
        _export(hub, connection, demand, met[at])


def _export(hub: Hub, connection: Connection, demand: Demand, some: Sequence[Sealed]) -> None:
    """One file a request, sealed, until the merchant has taken it or the time is over; an owner hears of it."""
    id, box = hub.ids(), hub.box(connection.merchant)
    subject = next(iter(sorted(subject_of(hub, connection, demand))), "")
    text = msgspec.json.format(msgspec.json.encode(_told(hub, connection, demand, some)), indent=2)
    with hub.unit() as work:
        row = {"id": id, "merchant": connection.merchant, "connection": connection.id, "subject": subject, "orders": len(some)}
        sealed, until = box.seal(f"exports|body|{id}", text), us(hub.clock() + KEPT)
        if not privacy.add_export(work.db, **row, request=demand.request or id, body=sealed, now=work.now, until=until):
            return
        words = f"a customer asked for their data, request {demand.request}"
        one = Finding(connection.id, REQUEST, demand.request or id, words, "an owner must take the file and send it", work.now)
        findings.keep(work.db, connection.merchant, connection.id, [one])
        _say(work, connection, "privacy.export", demand.request, orders=len(some))


def _told(hub: Hub, connection: Connection, demand: Demand, some: Sequence[Sealed]) -> dict[str, Any]:
    """Everything that we hold of a customer, as a person can read it."""
    with hub.database.read() as db:
        docs, notes, received = privacy.held_of(db, some)
        box = hub.box(connection.merchant)
        places = {one.id: _sent_to(corrections.of(db, connection.merchant, one.id, box)) for one in some}
    asked = {"customer": demand.person, "email": demand.email, "phone": demand.phone, "orders": demand.orders}
    return {
        "channel": connection.channel, "account": connection.account, "request": demand.request, "made_at": hub.clock(), "asked": asked,
        "orders": [
            {
                "order": one.ref.split("/", 1)[1],
                "buyer": _opened(hub, connection, one),
                "sent_to": places[one.id],
                "document": msgspec.Raw(docs[one.id].encode()),
                "notes": [_note(box, row) for row in notes if row.order_id == one.id],
                "received": [_body(box, row) for row in received if row.ref == one.ref],
            }
            for one in some
        ],
    }  # fmt: skip


def _sent_to(found: corrections.Reached | None) -> Address | None:
    """Where it goes, as one of us corrected it; None where it goes to where the channel says."""
    return found.person.ship_to if found and found.person and found.theirs else None


def _note(box: Any, row: Any) -> dict[str, Any]:
    return {"by": row.name, "words": box.open_text(f"order_notes|words|{row.order_id}", row.words).decode()}


def _body(box: Any, row: Any) -> str:
    text: str = box.open(inbox.place(row.connection, row.delivery), bytes(row.body)).decode("utf-8", "replace")
    return text


def take_export(hub: Hub, merchant: str, id: str, who: str, name: str) -> bytes | None:
    """The file, for an owner; then nothing asks for it any more. None where there is none."""
    with hub.unit() as work:
        row = privacy.take_export(work.db, merchant, id, work.now)
        if row is None:
            return None
        findings.close(work.db, row.connection, REQUEST, [row.request], "repaired", work.now)
        audit.write(work.db, merchant, work.now, who, name, "privacy.take", row.request)
    return hub.box(merchant).open(f"exports|body|{id}", bytes(row.body))


# Erasing


def ask_to_erase(work: Unit, connection: Connection, who: str, name: str) -> None:
    """The account is shut at once, and everything of it goes step by step."""
    connections.shut(work.db, connection.id, "disconnected", "it is being erased")
    connections.set_live(work.db, connection.id, None)
    work.ask(connection.merchant, "erase_connection", connection.id, connection.id)
    audit.write(work.db, connection.merchant, work.now, who, name, "connection.erase", connection.id, account=connection.account)


def erase_connection(hub: Hub, claim: Claim) -> None:
    """A step; it asks for itself until nothing of the account is left, nor of a merchant who had nothing else."""
    hub.box(claim.merchant)  # remembered: the key may go with this step, and the task is still to be recorded
    with hub.unit(claim) as work:
        if not _erase(work, claim):
            work.ask(claim.merchant, claim.kind, claim.subjects[0], claim.connection)
            return
    log.info("erased", connection=claim.connection, merchant=claim.merchant)
    hub.forget(claim.merchant)
    hub.database.let_go()


def _erase(work: Unit, claim: Claim) -> bool:
    """Whether nothing is left."""
    merchant, task = claim.merchant, claim.tasks[0].id
    if not privacy.erase_waiting(work.db, claim.connection, task):
        return False
    if some := privacy.first(work.db, merchant, claim.connection):
        _erase_orders(work, claim, some)
        return False
    known = connections.get(work.db, claim.connection)
    if not privacy.erase_rest(work.db, merchant, claim.connection, task):
        return False
    if known:
        privacy.erase_staff(work.db, known.channel, known.account)
    return privacy.has_more(work.db, merchant) or privacy.erase_merchant(work.db, merchant, task)


def _erase_orders(work: Unit, claim: Claim, some: Sequence[Sealed]) -> None:
    """What they held is offered elsewhere, and what waits for it gets another look."""
    merchant, held = claim.merchant, privacy.reserved_by(work.db, some)
    skus = {row["sku"] for row in held}
    stock.lock_levels(work.db, merchant, skus)
    for one in privacy.erase_orders(work.db, merchant, some, held):
        work.ask(merchant, "fetch_orders", one.ref, one.connection)
    if skus:
        listings.lock_of(work.db, merchant, skus, ())
        for connection in listings.touch(work.db, merchant, skus, None) - {claim.connection}:
            work.ask(merchant, "publish_stock", connection, connection)
        ask_waiting(work, merchant)
