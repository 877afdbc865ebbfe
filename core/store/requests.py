"""What others were asked to send for us: how a location is asked, the requests, their lines, and the parcels that they told of."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection

from core.domain.requests import Asking, RequestState, Share, Way
from core.store.sql import run, run_set
from core.store.vault import Box

TEXT = {"id": "text"}
LIVE = "('wanted', 'asked', 'accepted', 'withdrawing')"
_asking = msgspec.json.Decoder(Asking)


# ---- how a location is asked


def asking(db: Connection, merchant: str, location: str, box: Box) -> Asking | None:
    """How whoever sends from there is asked; None: nobody is, we send it ourselves."""
    row = run(db, "select party from locations where id = :id and merchant = :merchant", id=location, merchant=merchant).first()
    return _asking.decode(box.open_text(f"locations|party|{location}", row.party)) if row and row.party else None


def set_asking(db: Connection, merchant: str, location: str, how: Asking | None, box: Box) -> None:
    sealed = box.seal_text(f"locations|party|{location}", msgspec.json.encode(how)) if how else None
    sql = "update locations set party = :party where id = :id and merchant = :merchant"
    run(db, sql, party=sealed, id=location, merchant=merchant)


ASKED = "select id, name, party from locations where merchant = :merchant and party is not null order by rank, id"


def asked_locations(db: Connection, merchant: str, box: Box) -> dict[str, tuple[str, Asking]]:
    """(name, how) by location, of those from which others send."""
    return read(run(db, ASKED, merchant=merchant), box)


def read(rows: Iterable[Any], box: Box) -> dict[str, tuple[str, Asking]]:
    """The same of rows of locations {id, name, party}."""
    found = (row for row in rows if row.party)
    return {row.id: (row.name, _asking.decode(box.open_text(f"locations|party|{row.id}", row.party))) for row in found}


# ---- requests


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it is; `id` is the key that they were given. `order_id` and `shipment_name` are its shipment's."""

    id: str
    merchant: str
    shipment: str
    shipment_name: str
    order_id: str
    location: str
    way: Way
    connection: str | None
    token: str
    state: RequestState
    number: str | None
    words: str | None
    asked_at: int
    tried_at: int | None
    answered_at: int | None
    ended_at: int | None
    due_at: int | None
    stopped_at: int | None


ADD = {"id": "text", "shipment": "text", "location": "text", "way": "text", "connection": "text", "token": "text"}
ADD_REQUESTS = """
insert into requests (merchant, id, shipment, location, way, connection, token, state, asked_at)
select :merchant, r.id, r.shipment, r.location, r.way, r.connection, r.token, 'wanted', :now from {rows}
"""
SHARE = {"request": "text", "line": "text", "sku": "text", "title": "text", "units": "int"}
ADD_SHARES = """
insert into request_lines (merchant, request, line, sku, title, units)
select :merchant, r.request, r.line, r.sku, r.title, r.units from {rows}
"""


def add(db: Connection, merchant: str, heads: Sequence[Mapping[str, Any]], shares: Sequence[tuple[str, Share]], now: int) -> None:
    """New requests {id, shipment, location, way, connection, token} with what each is asked for, by its id."""
    rows = [{"request": id, "line": one.line, "sku": one.sku, "title": one.title, "units": one.units} for id, one in shares]
    run_set(db, ADD_REQUESTS, ADD, heads, merchant=merchant, now=now)
    run_set(db, ADD_SHARES, SHARE, rows, merchant=merchant)


COLUMNS = """o.id, o.merchant, o.shipment, s.name as shipment_name, s.order_id, o.location, o.way, o.connection, o.token, o.state, o.number,
  o.words, o.asked_at, o.tried_at, o.answered_at, o.ended_at, o.due_at, o.stopped_at"""
FIND = f"select {COLUMNS} from requests o join shipments s on s.id = o.shipment where o.id = :id and o.merchant = :merchant"
BY_TOKEN = f"select {COLUMNS} from requests o join shipments s on s.id = o.shipment where o.token = :token"


def find(db: Connection, merchant: str, id: str) -> Asked | None:
    """As it is. Whoever changes it locks its order before: nothing of a request changes without that."""
    return _asked(run(db, FIND, id=id, merchant=merchant).first())


def by_token(db: Connection, token: str) -> Asked | None:
    """By the address of its page; whose it is, is not known before."""
    return _asked(run(db, BY_TOKEN, token=token).first())


def _asked(row: Any) -> Asked | None:
    return Asked(**{**row._mapping, "way": Way(row.way), "state": RequestState(row.state)}) if row is not None else None


OF_SHIPMENTS = f"""
select {COLUMNS} from {{rows}} left join requests o on o.shipment = r.id and o.state in {LIVE} and o.merchant || '' = :merchant
left join shipments s on s.id = o.shipment
"""


def live_of(db: Connection, merchant: str, shipments: Iterable[str]) -> dict[str, Asked]:
    """The request of each of these shipments that is not over."""
    rows = [{"id": id} for id in sorted(set(shipments))]
    found = run_set(db, OF_SHIPMENTS, TEXT, rows, merchant=merchant) if rows else ()
    return {row.shipment: one for row in found if row.id is not None and (one := _asked(row))}


LAST_OF = f"""
select {COLUMNS} from requests o join shipments s on s.id = o.shipment
where o.merchant || '' = :merchant and (o.shipment = :shipment
  or o.id in (select p.request from request_parcels p where p.shipment = :shipment)) order by o.asked_at desc, o.id desc limit 1
"""


def of_shipment(db: Connection, merchant: str, shipment: str) -> Asked | None:
    """By which it is, or was, sent: the newest."""
    return _asked(run(db, LAST_OF, merchant=merchant, shipment=shipment).first())


SHARES = "select line, sku, title, units, sent, refused from request_lines where request = :id and merchant || '' = :merchant order by line"


def shares(db: Connection, merchant: str, id: str) -> dict[str, Share]:
    """What they were asked for, by line."""
    return {row.line: Share(**row._mapping) for row in run(db, SHARES, id=id, merchant=merchant)}


SHARES_OF = """
select n.request, n.line, n.sku, n.title, n.units, n.sent, n.refused from {rows}
left join request_lines n on n.request = r.id and n.merchant || '' = :merchant order by n.request, n.line
"""


def shares_of(db: Connection, merchant: str, ids: Iterable[str]) -> dict[str, dict[str, Share]]:
    """The same of several."""
    found: dict[str, dict[str, Share]] = {}
    rows = [{"id": id} for id in sorted(set(ids))]
    for row in run_set(db, SHARES_OF, TEXT, rows, merchant=merchant) if rows else ():
        if row.line is not None:
            found.setdefault(row.request, {})[row.line] = Share(row.line, row.sku, row.title, row.units, row.sent, row.refused)
    return found


TAKE = {"line": "text", "sent": "int", "refused": "int"}
TAKE_SHARES = """
update request_lines set sent = request_lines.sent + r.sent, refused = request_lines.refused + r.refused,
  left_out = request_lines.left_out or r.refused > 0
from {rows} where request_lines.request = :id and request_lines.line = r.line
"""


def count(db: Connection, id: str, *, sent: Mapping[str, int], refused: Mapping[str, int]) -> None:
    """So many more units of each line are sent, or refused."""
    rows = [{"line": line, "sent": sent.get(line, 0), "refused": refused.get(line, 0)} for line in sorted({*sent, *refused})]
    if rows:
        run_set(db, TAKE_SHARES, TAKE, rows, id=id)


MOVE = """
update requests set state = :state, answered_at = coalesce(:answered, answered_at), due_at = :due,
  ended_at = case when :over then coalesce(ended_at, :now) else ended_at end where id = :id
"""


def become(db: Connection, id: str, state: RequestState, now: int, *, due: int | None = None, answered: int | None = None) -> None:
    """It stands so from now on; `due`: by then they should say more, `answered`: when they said something."""
    over = state in (RequestState.REJECTED, RequestState.WITHDRAWN, RequestState.SENT)
    run(db, MOVE, id=id, state=state.value, now=now, due=due, answered=answered, over=over)


def tried(db: Connection, id: str, now: int) -> None:
    """They are asked from now on."""
    run(db, "update requests set tried_at = :now where id = :id", id=id, now=now)


def stopped(db: Connection, id: str, now: int, due: int | None) -> None:
    """They know that it is wanted no more."""
    run(db, "update requests set stopped_at = :now, due_at = :due where id = :id", id=id, now=now, due=due)


def say(db: Connection, id: str, box: Box, *, number: str = "", words: str = "") -> None:
    """Their own number of it, and what they said."""
    sealed = box.seal_text(f"requests|words|{id}", words.encode()) if words else None
    sql = "update requests set number = coalesce(:number, number), words = coalesce(:words, words) where id = :id"
    run(db, sql, id=id, number=number or None, words=sealed)


def words_of(one: Asked, box: Box) -> str:
    return box.open_text(f"requests|words|{one.id}", one.words).decode() if one.words else ""


# ---- parcels that they told of

TOLD = """
insert into request_parcels (merchant, request, said, shipment, doc, at) values (:merchant, :request, :said, :shipment, :doc, :now)
on conflict (request, said) do nothing
"""


def told(db: Connection, merchant: str, id: str, said: str, shipment: str | None, doc: Mapping[str, Any], now: int) -> None:
    """A parcel of theirs, by its own number or its carrier and tracking number."""
    text = msgspec.json.encode(doc).decode()
    run(db, TOLD, merchant=merchant, request=id, said=said, shipment=shipment, doc=text, now=now)


def is_told(db: Connection, id: str, said: str) -> bool:
    return run(db, "select 1 from request_parcels where request = :id and said = :said", id=id, said=said).first() is not None


PARCELS = "select said, shipment, doc, at from request_parcels where request = :id and merchant || '' = :merchant order by at, said"


def parcels(db: Connection, merchant: str, id: str) -> list[Any]:
    """All that they told of, the oldest first; `shipment` is None for what left though nobody wanted it any more."""
    return list(run(db, PARCELS, id=id, merchant=merchant))


# ---- what is left out

LEFT_OUT = """
select s.order_id, n.line, q.location from {rows} left join shipments s on s.order_id = r.id and s.way = 'request'
  and s.merchant || '' = :merchant
left join requests q on q.shipment = s.id and q.merchant || '' = :merchant left join request_lines n on n.request = q.id and n.left_out
"""


def left_out(db: Connection, merchant: str, orders: Iterable[str]) -> dict[tuple[str, str], set[str]]:
    """By order and line the locations that refused it."""
    found: dict[tuple[str, str], set[str]] = {}
    rows = [{"id": id} for id in sorted(set(orders))]
    for row in run_set(db, LEFT_OUT, TEXT, rows, merchant=merchant) if rows else ():
        if row.line is not None:
            found.setdefault((row.order_id, row.line), set()).add(row.location)
    return found


def forgive(db: Connection, id: str) -> None:
    """Their location counts again for what they refused."""
    run(db, "update request_lines set left_out = false where request = :id", id=id)


# ---- as people look at them

PAGE = """
select q.id, q.shipment, q.location, q.way, q.state, q.asked_at, q.due_at, q.ended_at, q.answered_at, q.words, s.name, s.order_id,
  o.name as order_name, l.name as location_name, case when q.due_at < :now then 0 else 1 end as late,
  (select sum(n.units) from request_lines n where n.request = q.id) as units,
  (select sum(n.sent) from request_lines n where n.request = q.id) as sent,
  (select sum(n.refused) from request_lines n where n.request = q.id) as refused,
  exists (select 1 from request_parcels p where p.request = q.id and p.shipment is null) as anyway
from requests q join shipments s on s.id = q.shipment join orders o on o.id = s.order_id left join locations l on l.id = q.location
where q.id in (select t.id from {rows} left join requests t on t.merchant = r.merchant and t.state = r.state {fence})
  and (:location = '' or q.location = :location)
"""
OVERDUE_FIRST = f"{PAGE} order by late, q.asked_at, q.id limit :most"
NEWEST_FIRST = f"{PAGE} order by q.asked_at desc, q.id desc limit :most"


def page(db: Connection, merchant: str, states: Iterable[RequestState], location: str, now: int, most: int) -> list[Any]:
    """Those in these states, of one location or of all (""): overdue ones first, then the oldest; of what is over the newest."""
    rows = [{"state": state.value} for state in states]
    over = any(row["state"] in ("rejected", "withdrawn", "sent") for row in rows)
    statement = NEWEST_FIRST if over else OVERDUE_FIRST
    return list(run_set(db, statement, {"state": "text"}, rows, merchant=merchant, location=location, now=now, most=most))


BEHIND = f"""
select {COLUMNS} from {{rows}} join requests o on o.merchant = r.merchant and o.state = r.state join shipments s on s.id = o.shipment
where (:location = '' or o.location = :location) and (o.asked_at, o.id) > (:at, :id) order by o.asked_at, o.id limit :most
"""


def behind(db: Connection, merchant: str, states: Iterable[RequestState], location: str, last: tuple[int, str], most: int) -> list[Asked]:
    """Those in these states behind one (when it was asked, id), of one location or of all (""), the oldest first."""
    rows, (at, id) = [{"state": state.value} for state in states], last
    found = run_set(db, BEHIND, {"state": "text"}, rows, merchant=merchant, location=location, at=at, id=id, most=most)
    return [one for row in found if (one := _asked(row))]
