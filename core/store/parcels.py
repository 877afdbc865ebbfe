"""Parcels, the labels that were paid for them, their papers, and what carriers and channels say of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec
from sqlalchemy import Connection

from core.domain.money import Money
from core.domain.shipping import Bought, Consignment, LabelFormat, Offer, Paper, Progress, Quote, Step, in_order
from core.store.sql import run, run_set
from core.store.tables import us, when
from core.store.vault import Box

TEXT = {"id": "text"}
_wish = msgspec.json.Decoder(Consignment)
_contents = msgspec.json.Decoder(dict[str, int])


@dataclass(frozen=True, slots=True)
class Parcel:
    """One box. `contents` are units by order line (None: all that its shipment has); `told_at` is when its channel knew of it."""

    id: str
    shipment: str
    number: int
    token: str
    weight_g: int
    length_mm: int
    width_mm: int
    height_mm: int
    contents: Mapping[str, int] | None
    purchase: str | None
    tracking: str | None
    carrier: str | None
    carrier_name: str | None
    service: str | None
    url: str | None
    telling_at: int | None
    told_at: int | None
    told_problem: str | None
    progress: str | None
    progress_at: int | None
    expected_on: str | None
    boxed: str | None
    followed_until: int | None


COLUMNS = """o.id, o.shipment, o.number, o.token, o.weight_g, o.length_mm, o.width_mm, o.height_mm, o.contents, o.purchase, o.tracking,
  o.carrier, o.carrier_name, o.service, o.url, o.telling_at, o.told_at, o.told_problem, o.progress, o.progress_at, o.expected_on, o.boxed,
  o.followed_until"""
OF_SHIPMENTS = f"""
select {COLUMNS} from parcels o where o.id in (
  select t.id from {{rows}} left join parcels t on t.shipment = r.id and t.merchant || '' = :merchant {{fence}})
order by o.shipment, o.number {{lock}}
"""
FIND = f"""
select {COLUMNS} from parcels o where o.id in (
  select t.id from {{rows}} left join parcels t on t.id = r.id and t.merchant || '' = :merchant {{fence}}) order by o.id {{lock}}
"""


def of_shipments(db: Connection, merchant: str, shipments: Iterable[str]) -> dict[str, list[Parcel]]:
    """The parcels of these shipments by their numbers, locked until the transaction ends. The shipments are locked before."""
    rows, found = [{"id": id} for id in sorted(set(shipments))], dict[str, list[Parcel]]()
    for row in run_set(db, OF_SHIPMENTS, TEXT, rows, merchant=merchant) if rows else ():
        found.setdefault(row.shipment, []).append(_parcel(row))
    return found


def find(db: Connection, merchant: str, ids: Iterable[str]) -> dict[str, Parcel]:
    """These parcels, locked until the transaction ends."""
    rows = [{"id": id} for id in sorted(set(ids))]
    return {row.id: _parcel(row) for row in (run_set(db, FIND, TEXT, rows, merchant=merchant) if rows else ())}


def _parcel(row: Any) -> Parcel:
    return Parcel(**{**row._mapping, "contents": _contents.decode(row.contents) if row.contents else None})


def shipment_of(db: Connection, merchant: str, id: str) -> str | None:
    """Whose parcel it is."""
    found: str | None = run(db, "select shipment from parcels where id = :id and merchant = :merchant", id=id, merchant=merchant).scalar()
    return found


SIZE = """
update parcels set weight_g = :weight_g, length_mm = :length_mm, width_mm = :width_mm, height_mm = :height_mm, boxed = :boxed where id = :id
"""


def set_size(db: Connection, id: str, weight_g: int, size: tuple[int, int, int], boxed: str | None) -> None:
    """What a parcel weighs, and its outside (0: not known), in grams and millimetres."""
    length, width, height = size
    run(db, SIZE, id=id, weight_g=weight_g, length_mm=length, width_mm=width, height_mm=height, boxed=boxed)


LABEL = {"id": "text", "tracking": "text", "carrier": "text", "carrier_name": "text", "service": "text", "url": "text"}
SET_LABEL = """
update parcels set tracking = r.tracking, carrier = r.carrier, carrier_name = r.carrier_name, service = r.service, url = r.url from {rows}
where parcels.id = r.id
"""


def set_labels(db: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Numbers of parcels {id, tracking, carrier, carrier_name, service, url}; None takes one off again."""
    if rows:
        run_set(db, SET_LABEL, LABEL, rows)


PART = {"id": "text", "number": "int", "token": "text", "weight_g": "int", "contents": "text"}
ADD_PARTS = """
insert into parcels (merchant, id, shipment, number, token, weight_g, contents)
select :merchant, r.id, :shipment, r.number, r.token, r.weight_g, r.contents from {rows}
"""


def split(db: Connection, merchant: str, shipment: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Parcels {id, number, token, weight_g, contents} of a shipment in place of those that it had, which are locked and have no label."""
    run(db, "delete from parcels where shipment = :shipment and merchant || '' = :merchant", shipment=shipment, merchant=merchant)
    known = [{**row, "contents": msgspec.json.encode(row["contents"]).decode()} for row in rows]
    run_set(db, ADD_PARTS, PART, known, merchant=merchant, shipment=shipment)


# ---- purchases


@dataclass(frozen=True, slots=True)
class Purchase:
    """Once that a label was, or may have been, paid for; `id` is the key that the carrier was given. `price` is in minor units. The
    wish is None once the buyer is forgotten."""

    id: str
    shipment: str
    connection: str
    service: str
    state: str
    wish: Consignment | None
    bought: Bought | None
    words: str
    price: int | None
    currency: str | None
    asked_at: int
    tried_at: int | None


ASK = """
insert into purchases (id, merchant, shipment, connection, service, state, wish, asked_at)
values (:id, :merchant, :shipment, :connection, :service, 'asked', :wish, :now)
"""
HAVE = "update parcels set purchase = :purchase where shipment = :shipment and purchase is null"


def ask(
    db: Connection, merchant: str, key: str, shipment: str, connection: str, service: str, wish: Consignment, box: Box, now: int
) -> bool:
    """Write down that a label is wanted for all parcels of a shipment, which are locked. False where one of them has one."""
    taken = run(db, "select count(*) from parcels where shipment = :shipment and purchase is not null", shipment=shipment).scalar_one()
    if taken:
        return False
    sealed = box.seal_text(f"purchases|wish|{key}", msgspec.json.encode(wish))
    run(db, ASK, id=key, merchant=merchant, shipment=shipment, connection=connection, service=service, wish=sealed, now=now)
    run(db, HAVE, purchase=key, shipment=shipment)
    return True


PURCHASE = """
select o.id, o.shipment, o.connection, o.service, o.state, o.wish, o.handle, o.words, o.price, o.currency, o.asked_at, o.tried_at
from purchases o where o.id = :id and o.merchant = :merchant {lock}
"""


def purchase(db: Connection, merchant: str, id: str, box: Box) -> Purchase | None:
    """Locked until the transaction ends. Its shipment and parcels are locked before, where all are."""
    row = run(db, PURCHASE, id=id, merchant=merchant).first()
    if row is None:
        return None
    wish = _wish.decode(box.open_text(f"purchases|wish|{id}", row.wish)) if row.wish else None
    bought = _bought(box.open_text(f"purchases|handle|{id}", row.handle)) if row.handle else None
    words = box.open_text(f"purchases|words|{id}", row.words).decode() if row.words else ""
    return Purchase(
        row.id,
        row.shipment,
        row.connection,
        row.service,
        row.state,
        wish,
        bought,
        words,
        row.price,
        row.currency,
        row.asked_at,
        row.tried_at,
    )


def _bought(raw: bytes) -> Bought:
    said = msgspec.json.decode(raw)
    return Bought(said["handle"], tuple(said["tracking"]))


def set_wish(db: Connection, id: str, wish: Consignment, box: Box) -> None:
    """What is asked for, with what its carrier gave for just that."""
    sealed = box.seal_text(f"purchases|wish|{id}", msgspec.json.encode(wish))
    run(db, "update purchases set wish = :wish where id = :id and wish is not null", id=id, wish=sealed)


def seller_of(db: Connection, merchant: str, id: str) -> str | None:
    """By which connection a label was bought."""
    found: str | None = run(
        db, "select connection from purchases where id = :id and merchant = :merchant", id=id, merchant=merchant
    ).scalar()
    return found


LEFT = """
select 1 from tasks t where t.merchant = :merchant and t.kind = 'buy_labels' and t.subject = :id
  and t.state in ('due', 'running', 'parked') and t.state = 'parked' limit 1
"""


def is_left(db: Connection, merchant: str, id: str) -> bool:
    """Nobody goes on with this purchase until a person says so."""
    return run(db, LEFT, merchant=merchant, id=id).first() is not None


def tried(db: Connection, id: str, now: int) -> None:
    """The carrier is asked from now on."""
    run(db, "update purchases set tried_at = :now where id = :id", id=id, now=now)


BOUGHT = """
update purchases set state = 'bought', handle = :handle, price = :price, currency = :currency, bought_at = :now, words = null where id = :id
"""


def bought(db: Connection, id: str, what: Bought, box: Box, now: int) -> None:
    sealed = box.seal_text(f"purchases|handle|{id}", msgspec.json.encode({"handle": what.handle, "tracking": what.tracking}))
    price = what.price
    run(db, BOUGHT, id=id, handle=sealed, price=price.minor if price else None, currency=price.currency if price else None, now=now)


END = """
update purchases set state = :state, words = coalesce(:words, case when :state = 'kept' then words end),
  ended_at = case when :state not in ('asked', 'bought', 'voiding') then :now end where id = :id
"""


def become(db: Connection, id: str, state: str, box: Box, now: int, words: str = "") -> None:
    """What became of a purchase, in the carrier's own words where it said some; what could not be given back keeps those that said why. One
    that is not live any more leaves its parcels."""
    sealed = box.seal_text(f"purchases|words|{id}", words.encode()) if words else None
    run(db, END, id=id, state=state, words=sealed, now=now)
    if state not in LIVE:
        run(db, LEAVE, id=id)


LEAVE = """
update parcels set purchase = null where purchase = :id and shipment = (select u.shipment from purchases u where u.id = :id)
"""


GIVE_BACK = "update purchases set state = case when state = 'bought' then 'voiding' else state end where id = :id returning connection"


def give_back(db: Connection, id: str) -> str:
    """A label that was bought is to be voided. Gives its carrier's connection. What is being bought is looked at when that is over."""
    return str(run(db, GIVE_BACK, id=id).scalar_one())


LIVE = ("asked", "bought", "voiding")
OF_SHIPMENT = """
select id, connection, service, state, price, currency, asked_at, bought_at, ended_at from purchases
where shipment = :shipment and merchant || '' = :merchant order by asked_at, id
"""


def purchases_of(db: Connection, merchant: str, shipment: str) -> list[Any]:
    """All that was ever asked for a shipment, oldest first; sealed parts stay sealed."""
    return list(run(db, OF_SHIPMENT, shipment=shipment, merchant=merchant))


# ---- papers

KEEP = """
insert into papers (merchant, shipment, purchase, kind, format, body, made_at, until)
values (:merchant, :shipment, :purchase, :kind, :format, :body, :now, :until)
"""


def keep(
    db: Connection, merchant: str, shipment: str, purchase: str | None, papers: Iterable[Paper], box: Box, now: int, until: int
) -> None:
    """Keep papers, sealed, until that moment."""
    for paper in papers:
        body = box.seal(f"papers|body|{shipment}", paper.content)
        run(
            db, KEEP, merchant=merchant, shipment=shipment, purchase=purchase, kind=paper.kind, format=paper.format.value, body=body,
            now=now, until=until,
        )  # fmt: skip


PAPERS = """
select p.shipment, p.purchase, p.kind, p.format, p.body from {rows}
left join papers p on p.shipment = r.id and p.merchant || '' = :merchant order by p.shipment, p.id
"""


def papers(db: Connection, merchant: str, shipments: Iterable[str], box: Box) -> dict[str, list[tuple[str | None, Paper]]]:
    """(purchase, paper) of these shipments, in the order in which they were made."""
    found: dict[str, list[tuple[str | None, Paper]]] = {}
    rows = [{"id": id} for id in sorted(set(shipments))]
    for row in run_set(db, PAPERS, TEXT, rows, merchant=merchant) if rows else ():
        if row.shipment is not None:
            paper = Paper(row.kind, LabelFormat(row.format), box.open(f"papers|body|{row.shipment}", row.body))
            found.setdefault(row.shipment, []).append((row.purchase, paper))
    return found


LIVE_OF = "select p.purchase from {rows} left join parcels p on p.shipment = r.id and p.merchant || '' = :merchant"


def live_of(db: Connection, merchant: str, shipments: Iterable[str]) -> set[str]:
    """The purchases that the parcels of these shipments have now."""
    rows = [{"id": id} for id in sorted(set(shipments))]
    return {row.purchase for row in (run_set(db, LIVE_OF, TEXT, rows, merchant=merchant) if rows else ()) if row.purchase}


def prune(db: Connection, now: int) -> int:
    """Forget papers whose time is over."""
    return run(db, "delete from papers where until <= :now", now=now).rowcount


# ---- what channels are told


TELLING = """
update parcels set telling_at = coalesce(telling_at, :now), told_problem = null from {rows} where parcels.id = r.id
"""


def telling(db: Connection, ids: Iterable[str], now: int) -> None:
    """Their channels are told from now on, and looked at before they are told again; what they declined before counts no more."""
    rows = [{"id": id} for id in sorted(set(ids))]
    if rows:
        run_set(db, TELLING, TEXT, rows, now=now)


TOLD = {"id": "text", "told_as": "text", "problem": "text", "done": "boolean"}
SET_TOLD = """
update parcels set told_as = r.told_as, told_problem = r.problem, told_at = case when r.done then :now else told_at end from {rows}
where parcels.id = r.id
"""


def told(db: Connection, rows: Sequence[Mapping[str, Any]], now: int) -> None:
    """What became of telling: {id, told_as: the channel's id of it, problem, done}."""
    if rows:
        run_set(db, SET_TOLD, TOLD, rows, now=now)


TOLD_OF = """
select p.told_as from shipments s join parcels p on p.shipment = s.id
where s.order_id = :order and s.merchant || '' = :merchant and p.told_as is not null
"""


def told_of(db: Connection, merchant: str, order: str) -> frozenset[str]:
    """The channel's ids of the parcels of an order that it knows."""
    return frozenset(one for told in run(db, TOLD_OF, order=order, merchant=merchant).scalars() for one in told.split(","))


# ---- where they are

LOOK = """
select o.id, o.merchant, o.tracking, o.carrier, p.connection from parcels o left join purchases p on p.id = o.purchase
where o.look_at is not null and o.look_at <= :now and o.merchant = :merchant and p.connection = :connection order by o.look_at, o.id
limit :most
"""


def to_look_at(db: Connection, merchant: str, connection: str, now: int, most: int) -> list[Any]:
    """Parcels that this carrier is asked about now: {id, tracking}."""
    return list(run(db, LOOK, merchant=merchant, connection=connection, now=now, most=most))


def look_at(db: Connection, ids: Iterable[str], at: int) -> None:
    """Their carriers are asked where they are, from that moment on."""
    rows = [{"id": id} for id in sorted(set(ids))]
    if rows:
        run_set(db, "update parcels set look_at = :at from {rows} where parcels.id = r.id", TEXT, rows, at=at)


TO_FOLLOW = """
select o.id, o.tracking from parcels o join purchases p on p.id = o.purchase
where o.look_at is not null and coalesce(o.follow_at, 0) <= :now and o.merchant = :merchant and p.connection = :connection
  and o.tracking is not null order by o.look_at, o.id limit :most
"""


def to_follow(db: Connection, merchant: str, connection: str, now: int, most: int) -> list[Any]:
    """Parcels on their way that this carrier is to push: {id, tracking}."""
    return list(run(db, TO_FOLLOW, merchant=merchant, connection=connection, now=now, most=most))


FOLLOWED = {"id": "text", "until": "bigint", "at": "bigint"}


def followed(db: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Until when parcels are pushed (None: they are not), and when that is asked for again: {id, until, at}."""
    if rows:
        run_set(db, "update parcels set followed_until = r.until, follow_at = r.at from {rows} where parcels.id = r.id", FOLLOWED, rows)


NUMBER = {"number": "text"}
LOOK_NOW = """
update parcels set look_at = :now where look_at > :now and id in (
  select p.id from {rows} left join parcels p on p.merchant = r.merchant and p.tracking = r.number {fence})
"""
DUE = """
select count(p.id) from {rows} left join parcels p on p.merchant = r.merchant and p.tracking = r.number and p.look_at <= :now
"""


def look_now(db: Connection, merchant: str, numbers: Sequence[str], now: int) -> bool:
    """Their carriers are asked now about these parcels; whether any of them is asked about. One that arrived is not."""
    rows = [{"number": number} for number in numbers]
    run_set(db, LOOK_NOW, NUMBER, rows, merchant=merchant, now=now)
    return bool(run_set(db, DUE, NUMBER, rows, merchant=merchant, now=now).scalar_one())


OWNERS = """
select distinct u.connection from {rows} left join parcels p on p.merchant = r.merchant and p.tracking = :number
join purchases u on u.id = p.purchase
"""


def carried_by(db: Connection, merchants: Iterable[str], number: str) -> set[str]:
    """For the door, which hears a number and no account: whose connections carry a parcel of this number."""
    rows = [{"merchant": merchant} for merchant in sorted(set(merchants))]
    return {row.connection for row in (run_set(db, OWNERS, {"merchant": "text"}, rows, number=number) if rows else ())}


STEP = {"parcel": "text", "at": "bigint", "progress": "text", "code": "text", "words": "text", "town": "text", "country": "text"}
ADD_STEPS = """
insert into tracks (merchant, parcel, at, progress, code, words, town, country)
select :merchant, r.parcel, r.at, r.progress, r.code, r.words, r.town, r.country from {rows} where true
on conflict (parcel, at, code) do nothing
"""


def add_steps(db: Connection, merchant: str, steps: Iterable[tuple[str, Step]]) -> None:
    """What a carrier tells, (parcel, step); what is known is kept as it is."""
    rows = [
        {"parcel": id, "at": us(step.at), "progress": step.progress, "code": step.code, "words": step.words, "town": step.town,
         "country": step.country}
        for id, step in steps
    ]  # fmt: skip
    if rows:
        run_set(db, ADD_STEPS, STEP, rows, merchant=merchant)


WHERE = {"id": "text", "progress": "text", "progress_at": "bigint", "expected_on": "text", "look_at": "bigint", "heard_at": "bigint"}
SET_WHERE = """
update parcels set progress = coalesce(r.progress, parcels.progress), progress_at = coalesce(r.progress_at, parcels.progress_at),
  expected_on = coalesce(r.expected_on, parcels.expected_on), look_at = r.look_at,
  heard_at = coalesce(r.heard_at, parcels.heard_at) from {rows} where parcels.id = r.id
"""


def set_where(db: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Where parcels are {id, progress, progress_at, expected_on, look_at, heard_at}; None leaves what is known, but of `look_at`."""
    if rows:
        run_set(db, SET_WHERE, WHERE, rows)


GO_IN = """
select q.id, r.id as first from {rows} join parcels p on p.id = r.id and p.number = 1
join shipments s on s.merchant = :merchant and s.goes_with = p.shipment join parcels q on q.shipment = s.id
"""


def that_go_in(db: Connection, merchant: str, ids: Iterable[str]) -> dict[str, str]:
    """The parcels of other orders that are in one of these, by their ids."""
    rows = [{"id": id} for id in sorted(set(ids))]
    return {row.id: row.first for row in (run_set(db, GO_IN, TEXT, rows, merchant=merchant) if rows else ())}


def steps(db: Connection, parcel: str) -> list[Step]:
    """What was told of a parcel, oldest first."""
    found = run(db, "select at, progress, code, words, town, country from tracks where parcel = :parcel", parcel=parcel)
    return in_order(Step(when(row.at), Progress(row.progress), row.code, row.words, row.town, row.country) for row in found)


PUBLIC = """
select p.id, p.merchant, p.shipment, p.token, p.tracking, p.carrier_name, p.service, p.url, p.progress, p.progress_at, p.expected_on,
  p.number, s.sent_at, s.state, s.order_id, o.name, m.name as shop, m.settings
from parcels p join shipments s on s.id = p.shipment join orders o on o.id = s.order_id join merchants m on m.id = p.merchant
where p.token = :token
"""


def by_token(db: Connection, token: str) -> Any | None:
    """A parcel by the address of its page: what a buyer may see of it."""
    return run(db, PUBLIC, token=token).first()


# ---- offers

QUOTE = {"service": "text", "name": "text", "price": "bigint", "currency": "text", "arrives_on": "text", "words": "text"}
FORGET = "delete from quotes where shipment = :shipment and connection = :connection"
ADD_QUOTES = """
insert into quotes (merchant, shipment, connection, service, name, price, currency, arrives_on, at, words)
select :merchant, :shipment, :connection, r.service, r.name, r.price, r.currency, r.arrives_on, :now, r.words from {rows}
"""


def quoted(db: Connection, merchant: str, shipment: str, connection: str, offers: Sequence[Quote], words: str, box: Box, now: int) -> None:
    """What a carrier offers for a shipment, in place of what it offered before; where it offers nothing, its words say why."""
    run(db, FORGET, shipment=shipment, connection=connection)
    rows = [
        {"service": one.service, "name": one.name, "price": one.price.minor, "currency": one.price.currency, "words": "",
         "arrives_on": one.arrives_on.isoformat() if one.arrives_on else None}
        for one in offers
    ]  # fmt: skip
    none = {"service": "", "name": "", "price": None, "currency": None, "arrives_on": None}
    sealed = box.seal_text(f"quotes|words|{shipment}", words.encode()) if words else ""
    run_set(db, ADD_QUOTES, QUOTE, rows or [none | {"words": sealed}], merchant=merchant, shipment=shipment, connection=connection, now=now)


QUOTES = """
select q.connection, q.service, q.name, q.price, q.currency, q.arrives_on, q.at, q.words from quotes q
where q.shipment = :shipment and q.merchant || '' = :merchant order by q.price, q.connection, q.service
"""


@dataclass(frozen=True, slots=True)
class Quoted:
    """What a carrier offered: `offer` is None where it offers nothing, and `words` say why."""

    connection: str
    at: int
    offer: Offer | None
    words: str


def quotes(db: Connection, merchant: str, shipment: str, box: Box) -> list[Quoted]:
    """What carriers offer for a shipment, the cheapest first."""
    return [_quoted(row, shipment, box) for row in run(db, QUOTES, shipment=shipment, merchant=merchant)]


def _quoted(row: Any, shipment: str, box: Box) -> Quoted:
    words = box.open_text(f"quotes|words|{shipment}", row.words).decode() if row.words else ""
    if row.price is None:
        return Quoted(row.connection, row.at, None, words)
    arrives = date.fromisoformat(row.arrives_on) if row.arrives_on else None
    quote = Quote(row.service, row.name, Money(row.price, row.currency), arrives_on=arrives)
    return Quoted(row.connection, row.at, Offer(row.connection, quote), words)


BESIDE = """
select p.token, p.progress from shipments s join parcels p on p.shipment = s.id
where s.order_id = :order and s.merchant || '' = :merchant and s.state in ('labelled', 'sent') order by s.number, p.number
"""


def beside(db: Connection, merchant: str, order: str) -> list[Any]:
    """All parcels of an order that leave or have left, as a buyer may see them."""
    return list(run(db, BESIDE, merchant=merchant, order=order))
